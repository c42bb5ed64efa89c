//! `JUnit`: the XML that CI systems read.
//!
//! There is no single schema. The document is valid by those of Jenkins' xUnit plugin (`junit-10.xsd`) and, suite by
//! suite, of Maven Surefire (`surefire-test-report.xsd`); what has no attribute in them is in `system-out`.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::{
    Writer as Xml,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::{
    model::{Attempt, Level, Verdict},
    report::{
        escape::{visible, xml},
        limits::{FINDINGS, ITEMS_COUNT, ci::COMMAND},
        model::{End, Execution, Grid, Item, ItemState, ListKind, Section, Severity, Start, VerdictCase, Writer},
        plain,
        spool::Spool,
        text::{cut, millis, seconds},
    },
};

/// Writes a `testsuite` for each suite and a `testcase` for each item, in the order of the plan.
pub(in crate::report) struct JUnit {
    /// Test cases as text, each with the index of its suite.
    cases: Spool<usize>,
    suites: Vec<TestSuite>,
    indexes: HashMap<String, usize>,
    /// How often a name occurs in a suite: lists identify test cases by their names.
    names: HashMap<(usize, String), usize>,
    items: usize,
}

/// The attributes of a `testsuite`.
#[derive(Default)]
struct TestSuite {
    name: String,
    /// The position of its first case.
    first: usize,
    started: Option<DateTime<Utc>>,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    /// The sum of the cases' times, each rounded to milliseconds.
    millis: u64,
}

impl TestSuite {
    fn add(&mut self, state: ItemState, time: u64) {
        self.tests += 1;
        self.failures += usize::from(state == ItemState::Failed);
        self.errors += usize::from(state == ItemState::Errored);
        self.skipped += usize::from(state == ItemState::Skipped);
        self.millis = self.millis.saturating_add(time);
    }
}

/// A `testcase`.
struct TestCase<'c> {
    suite: &'c str,
    name: &'c str,
    time: u64,
    state: ItemState,
    kind: &'c str,
    message: &'c str,
    /// The text of the failure.
    text: String,
    /// The content of `system-out`.
    output: String,
}

type XmlBuffer = Xml<Vec<u8>>;

impl JUnit {
    pub(in crate::report) fn new(cases: Spool<usize>) -> Self {
        Self {
            cases,
            suites: Vec::new(),
            indexes: HashMap::new(),
            names: HashMap::new(),
            items: 0,
        }
    }

    /// The index of a suite, which is added if it is new.
    fn suite(&mut self, name: &str, first: usize) -> usize {
        if let Some(index) = self.indexes.get(name) {
            return *index;
        }
        let index = self.suites.len();
        self.suites.push(TestSuite {
            name: name.to_owned(),
            first,
            ..TestSuite::default()
        });
        self.indexes.insert(name.to_owned(), index);
        index
    }

    fn push(
        &mut self,
        suite: usize,
        position: usize,
        case: &TestCase<'_>,
        run: Option<&Execution<'_>>,
    ) -> io::Result<()> {
        self.suites[suite].add(case.state, case.time);
        let mut xml = Xml::new(Vec::new());
        testcase(&mut xml, case, run)?;
        self.cases.push(position, suite, &xml.into_inner())
    }

    /// Adds a test case that is not an item.
    fn extra(
        &mut self,
        (suite, position): (&str, usize),
        name: &str,
        state: ItemState,
        kind: &str,
        text: String,
    ) -> io::Result<()> {
        let index = self.suite(suite, position);
        let message = text.lines().next().unwrap_or_default().to_owned();
        let (text, output) = match state {
            ItemState::Passed => (String::new(), text),
            _ => (text, String::new()),
        };
        let case = TestCase {
            suite,
            name,
            time: 0,
            state,
            kind,
            message: &message,
            text,
            output,
        };
        self.push(index, position, &case, None)
    }

    /// The test case about the report as a whole.
    fn verdict(&mut self, start: &Start, end: &End, verdict: &VerdictCase) -> io::Result<()> {
        let mut text = format!("{}\n{}\n", verdict.message, end.summary.join("\n"));
        let left = start.planned.saturating_sub(ITEMS_COUNT);
        if start.has_verdict && left > 0 {
            let _ = writeln!(text, "{left} more changes are left out.");
        }
        for section in &end.sections {
            for caution in &section.cautions {
                let _ = writeln!(text, "{}{caution}", section.prefix);
            }
            for list in &section.lists {
                let is_shown = matches!(list.kind, ListKind::Stale | ListKind::Accepted);
                for entry in list.entries.iter().take(ITEMS_COUNT).filter(|_| is_shown) {
                    let _ = writeln!(text, "{}{} {}", section.prefix, list.label, entry.line());
                }
                if list.kind == ListKind::LeftOut && list.more > 0 {
                    let _ = writeln!(text, "{} more cases: {}.", list.more, list.label);
                }
            }
        }
        let position = if start.has_verdict { 0 } else { usize::MAX };
        self.extra((start.name, position), &verdict.name, verdict.state, verdict.kind, text)
    }

    /// A test case for each case that was not examined: an error if it should have been.
    fn left_out(&mut self, start: &Start, section: &Section) -> io::Result<()> {
        let suite = format!("{}{}", section.prefix, start.name);
        for list in section.lists.iter().filter(|list| list.kind == ListKind::LeftOut) {
            for entry in &list.entries {
                let is_error = entry.severity == Severity::Error;
                let state = if is_error {
                    ItemState::Errored
                } else {
                    ItemState::Skipped
                };
                let (name, kind) = (format!("{}: {}", list.label, entry.what), list.label.replace(' ', "-"));
                self.extra((&suite, 1), &name, state, &kind, entry.why.clone())?;
            }
        }
        Ok(())
    }

    /// A suite of all cases for each target.
    fn grid(&mut self, grid: &Grid) -> io::Result<()> {
        for (at, target) in grid.columns.iter().enumerate() {
            for row in &grid.rows {
                let state = match row.verdicts[at] {
                    Some(Verdict::Passed) => ItemState::Passed,
                    Some(Verdict::Flaky) if grid.flaky_passes => ItemState::Passed,
                    Some(Verdict::Skipped) | None => ItemState::Skipped,
                    Some(Verdict::Failed | Verdict::Flaky) => ItemState::Failed,
                    Some(Verdict::Errored | Verdict::NotRun) => ItemState::Errored,
                };
                let kind = row.verdicts[at].map_or("", Verdict::name);
                let reason = match (&row.reasons[at], state) {
                    (Some(reason), _) => reason.clone(),
                    (None, ItemState::Passed) => String::new(),
                    (None, _) => "no reason was given".to_owned(),
                };
                self.extra((target, 1), &row.case, state, kind, reason)?;
            }
        }
        Ok(())
    }
}

impl Writer for JUnit {
    fn begin(&mut self, start: &Start, _: &mut dyn Write) -> io::Result<()> {
        self.cases.reserve(start.planned);
        Ok(())
    }

    fn item(&mut self, _: &Start, item: &Item<'_>, _: &mut dyn Write) -> io::Result<()> {
        self.items += 1;
        if let Some(run) = &item.execution {
            let position = run.index + 1;
            let suite = self.suite(&item.suite, position);
            let known = &mut self.suites[suite];
            known.first = known.first.min(position);
            let started = run.attempts().next().and_then(Attempt::started);
            known.started = [known.started, started].into_iter().flatten().min();
            return self.push(suite, position, &case_of_run(item, run), Some(run));
        }
        if self.items > ITEMS_COUNT {
            return Ok(());
        }
        let position = self.items + 1;
        let name = format!("{}{}", item.prefix, item.suite);
        let suite = self.suite(&name, position);
        let seen = self.names.entry((suite, item.title.clone())).or_insert(0);
        *seen += 1;
        let title = match *seen {
            1 => item.title.clone(),
            number => format!("{} ({number})", item.title),
        };
        let mut text = format!("{}: {}", item.label, plain::item(item));
        for (role, command) in item.evidence.iter().flat_map(|evidence| evidence.commands(COMMAND)) {
            let _ = writeln!(text, "{role}: {command}");
        }
        self.extra((&name, position), &title, item.state, &item.rule, text)
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        if let Some(verdict) = &end.verdict {
            self.verdict(start, end, verdict)?;
        }
        for section in &end.sections {
            self.left_out(start, section)?;
        }
        if let Some(grid) = &end.grid {
            self.grid(grid)?;
        }
        let sum = |of: fn(&TestSuite) -> usize| self.suites.iter().map(of).sum::<usize>().to_string();
        let (tests, failures, errors) = (sum(|one| one.tests), sum(|one| one.failures), sum(|one| one.errors));
        let time = self
            .suites
            .iter()
            .fold(0_u64, |sum, one| sum.saturating_add(one.millis));
        let mut xml = Xml::new(Vec::new());
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.get_mut().push(b'\n');
        let attributes = [
            ("name", start.name),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
            ("time", &seconds(time)),
        ];
        open(&mut xml, "testsuites", &attributes)?;
        out.write_all(&xml.into_inner())?;
        let properties = properties(start, end)?;
        let Self { cases, suites, .. } = self;
        // A plan may mix the cases of suites.
        cases.order_by(|position, suite| (suites[*suite].first, *suite, position));
        let mut current = None;
        cases.each(|suite, testcase| {
            if current != Some(*suite) {
                if current.is_some() {
                    out.write_all(b"</testsuite>\n")?;
                }
                current = Some(*suite);
                out.write_all(&head(&suites[*suite], start)?)?;
                out.write_all(&properties)?;
            }
            out.write_all(testcase)
        })?;
        if current.is_some() {
            out.write_all(b"</testsuite>\n")?;
        }
        out.write_all(b"</testsuites>\n")
    }
}

/// The test case of a case. GitLab shows the text without the attributes.
fn case_of_run<'c>(item: &'c Item<'_>, run: &Execution<'_>) -> TestCase<'c> {
    let of_suite = item.title.strip_prefix(item.suite.as_str());
    let name = of_suite.and_then(|rest| rest.strip_prefix('/'));
    let mut text = format!("{}\n", visible(&item.title));
    if let Some(name) = run.name {
        let _ = writeln!(text, "{}", visible(name));
    }
    let _ = writeln!(text, "  --> {}\n", visible(&item.location.to_string()));
    match run.verdict {
        Verdict::Flaky => text.extend(
            run.previous
                .iter()
                .enumerate()
                .map(|(index, one)| attempt(index, one, run)),
        ),
        Verdict::NotRun => drop(writeln!(text, "{}", item.message)),
        _ => text.push_str(&plain::attempt(run.last, run.shell)),
    }
    if let Some(path) = run.snapshot {
        let _ = writeln!(text, "snapshot: {}", visible(path));
    }
    TestCase {
        suite: &item.suite,
        name: name.unwrap_or(&item.title),
        time: millis(run.last.elapsed_us()),
        state: item.state,
        kind: &item.rule,
        message: &item.message,
        text,
        output: about(item, run),
    }
}

/// What a case is, its steps, and its warnings if no other element shows them.
fn about(item: &Item<'_>, run: &Execution<'_>) -> String {
    let mut out = String::new();
    let mut add = |label: &str, value: &str| {
        let _ = writeln!(out, "{label}: {}", visible(value));
    };
    if let Some(name) = run.name {
        add("name", name);
    }
    add("location", &item.location.to_string());
    if !run.tags.is_empty() {
        add("tags", &run.tags.join(", "));
    }
    if let Some(started) = run.last.started() {
        add("started", &started.to_rfc3339_opts(SecondsFormat::Millis, true));
    }
    for step in run.last.steps.iter().filter(|step| !step.id.is_empty()) {
        let _ = writeln!(out, "{}", plain::step_title(step));
    }
    if matches!(run.verdict, Verdict::Passed | Verdict::Flaky) {
        let warnings = run.last.findings().filter(|finding| finding.level == Level::Warn);
        out.push_str(&plain::findings(warnings, FINDINGS));
    }
    out
}

fn attempt(index: usize, one: &Attempt, run: &Execution<'_>) -> String {
    let time = seconds(millis(one.elapsed_us()));
    format!("attempt {} [{time}s]\n{}", index + 1, plain::attempt(one, run.shell))
}

/// Writes a test case. The order of its elements is Surefire's.
fn testcase(xml: &mut XmlBuffer, case: &TestCase<'_>, run: Option<&Execution<'_>>) -> io::Result<()> {
    let (suite, name, kind) = (visible(case.suite), visible(case.name), visible(case.kind));
    let attributes = [("classname", &*suite), ("name", &name), ("time", &seconds(case.time))];
    open(xml, "testcase", &attributes)?;
    let problem = [("type", &*kind), ("message", case.message)];
    let is_flaky = run.is_some_and(|run| run.verdict == Verdict::Flaky);
    let (failures, errors) = if is_flaky {
        ("flakyFailure", "flakyError")
    } else {
        ("rerunFailure", "rerunError")
    };
    if case.state == ItemState::Failed {
        element(xml, "failure", &problem, &case.text)?;
    }
    previous(xml, failures, run, false)?;
    match case.state {
        ItemState::Skipped => empty(xml, "skipped", &[("message", case.message)])?,
        ItemState::Errored => element(xml, "error", &problem, &case.text)?,
        ItemState::Passed | ItemState::Failed => {}
    }
    previous(xml, errors, run, true)?;
    if !case.output.is_empty() {
        element(xml, "system-out", &[], &case.output)?;
    }
    close(xml, "testcase")
}

/// Previous attempts with or without a response, an element each.
fn previous(xml: &mut XmlBuffer, tag: &str, run: Option<&Execution<'_>>, without_response: bool) -> io::Result<()> {
    let Some(run) = run else { return Ok(()) };
    for (index, one) in run.previous.iter().enumerate() {
        if plain::has_no_response(one) != without_response {
            continue;
        }
        let message = format!("attempt {}: {}", index + 1, plain::headline(one));
        open(xml, tag, &[("type", &visible(plain::kind(one))), ("message", &message)])?;
        element(xml, "stackTrace", &[], &attempt(index, one, run))?;
        close(xml, tag)?;
    }
    Ok(())
}

/// The properties of the report, which `testsuites` cannot contain in the schemas.
fn properties(start: &Start, end: &End) -> io::Result<Vec<u8>> {
    let mut xml = Xml::new(Vec::new());
    open(&mut xml, "properties", &[])?;
    let mut add = |name: &str, value: &str| {
        let (name, value) = (visible(name), cut(&visible(value)));
        empty(&mut xml, "property", &[("name", &name), ("value", &value)])
    };
    add("tool", &start.tool)?;
    for target in &start.targets {
        let role = &target.role;
        add(role, &target.name)?;
        add(&format!("{role}_url"), &target.base_url)?;
        add(&format!("{role}_suite_hash"), &target.suite_hash)?;
        if let Some(commit) = &target.commit {
            add(&format!("{role}_commit"), commit)?;
        }
        add(
            &format!("{role}_started"),
            &target.started.to_rfc3339_opts(SecondsFormat::Millis, true),
        )?;
    }
    for (name, value) in &start.properties {
        add(name, value)?;
    }
    add("headline", &end.headline)?;
    for (name, number) in &end.counts {
        add(&format!("cases_{}", name.replace(' ', "_")), &number.to_string())?;
    }
    for (name, value) in &end.properties {
        add(name, value)?;
    }
    if let Some(elapsed) = end.elapsed_us {
        add("elapsed", &seconds(millis(elapsed)))?;
    }
    if let Some(code) = end.exit_code {
        add("exit_code", &code.to_string())?;
    }
    close(&mut xml, "properties")?;
    Ok(xml.into_inner())
}

fn head(suite: &TestSuite, start: &Start) -> io::Result<Vec<u8>> {
    let [tests, failures, errors, skipped] =
        [suite.tests, suite.failures, suite.errors, suite.skipped].map(|number| number.to_string());
    let (name, time) = (visible(&suite.name), seconds(suite.millis));
    let started = suite.started.or(start.started);
    let started = started.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let mut attributes: Vec<(&str, &str)> = vec![
        ("name", &name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
        ("time", &time),
    ];
    attributes.extend(started.as_ref().map(|started| ("timestamp", started.as_str())));
    let mut xml = Xml::new(Vec::new());
    open(&mut xml, "testsuite", &attributes)?;
    Ok(xml.into_inner())
}

fn tag<'t>(name: &'t str, attributes: &[(&str, &str)]) -> BytesStart<'t> {
    BytesStart::new(name).with_attributes(attributes.iter().copied())
}

fn open(xml: &mut XmlBuffer, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.write_event(Event::Start(tag(name, attributes)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

fn close(xml: &mut XmlBuffer, name: &str) -> io::Result<()> {
    xml.write_event(Event::End(BytesEnd::new(name)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

fn empty(xml: &mut XmlBuffer, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.write_event(Event::Empty(tag(name, attributes)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

fn element(xml: &mut XmlBuffer, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
    xml.write_event(Event::Start(tag(name, attributes)))?;
    xml.write_event(Event::Text(BytesText::from_escaped(partial_escape(xml::text(text)))))?;
    close(xml, name)
}
