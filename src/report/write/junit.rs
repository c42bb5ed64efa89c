//! `JUnit`: the XML that CI systems read.
//!
//! There is no single schema. The document is valid by those of Jenkins' xUnit plugin (`junit-10.xsd`) and, suite by
//! suite, of Maven Surefire (`surefire-test-report.xsd`); what has no attribute in them is in `system-out`.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::{DateTime, Utc};
use quick_xml::{
    Writer as Xml,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::{
    model::{Attempt, Verdict},
    report::{
        escape::{visible, xml},
        limits::{FINDINGS, ITEMS_COUNT},
        model::{End, Execution, Grid, Item, ItemState, ListKind, Section, Severity, Start, VerdictCase, Writer},
        plain,
        spool::Spool,
        text::{cut, instant, millis, seconds},
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
    /// The text of the failure; of a case that passed, the content of `system-out`.
    text: String,
    run: Option<&'c Execution<'c>>,
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

    fn push(&mut self, suite: usize, position: usize, case: &TestCase<'_>) -> io::Result<()> {
        self.suites[suite].add(case.state, case.time);
        let mut xml = Xml::new(Vec::new());
        testcase(&mut xml, case)?;
        self.cases.push(position, suite, &xml.into_inner())
    }

    /// Adds a test case that is not an item.
    fn extra(
        &mut self,
        (suite, position): (&str, usize),
        name: &str,
        (state, kind): (ItemState, &str),
        text: String,
    ) -> io::Result<()> {
        let index = self.suite(suite, position);
        let message = text.lines().next().unwrap_or_default().to_owned();
        let case = TestCase {
            suite,
            name,
            time: 0,
            state,
            kind,
            message: &message,
            text,
            run: None,
        };
        self.push(index, position, &case)
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
        self.extra(
            (start.name, position),
            &verdict.name,
            (verdict.state, verdict.kind),
            text,
        )
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
                self.extra((&suite, 1), &name, (state, &kind), entry.why.clone())?;
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
                self.extra((target, 1), &row.case, (state, kind), reason)?;
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
        let run = item.execution.as_ref();
        if run.is_none() && self.items > ITEMS_COUNT {
            return Ok(());
        }
        let position = run.map_or(self.items, |run| run.index) + 1;
        let suite = format!("{}{}", item.prefix, item.suite);
        let index = self.suite(&suite, position);
        let (mut name, mut message, mut time) = (item.title.clone(), item.message.clone(), 0);
        // GitLab shows the text without the attributes.
        let mut text = format!("{} {}\n", item.label, visible(&item.title));
        text.push_str(&plain::item(item, FINDINGS));
        if let Some(run) = run {
            let known = &mut self.suites[index];
            known.first = known.first.min(position);
            let started = run.attempts().next().and_then(Attempt::started);
            known.started = [known.started, started].into_iter().flatten().min();
            if let Some(of_suite) = name.strip_prefix(&*item.suite).and_then(|rest| rest.strip_prefix('/')) {
                name = of_suite.to_owned();
            }
            time = millis(run.last.elapsed_us());
            if let Some(started) = run.last.started() {
                let _ = writeln!(text, "started: {}", instant(started));
            }
        } else {
            message = format!("{}: {message}", item.label);
            let seen = self.names.entry((index, name.clone())).or_insert(0);
            *seen += 1;
            if *seen > 1 {
                name = format!("{name} ({seen})");
            }
        }
        let case = TestCase {
            suite: &suite,
            name: &name,
            time,
            state: item.state,
            kind: &item.rule,
            message: &message,
            text,
            run,
        };
        self.push(index, position, &case)
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

fn attempt(index: usize, one: &Attempt, run: &Execution<'_>) -> String {
    let time = seconds(millis(one.elapsed_us()));
    format!("attempt {} [{time}s]\n{}", index + 1, plain::attempt(one, run.shell))
}

/// Writes a test case. The order of its elements is Surefire's.
fn testcase(xml: &mut XmlBuffer, case: &TestCase<'_>) -> io::Result<()> {
    let (suite, name, kind) = (visible(case.suite), visible(case.name), visible(case.kind));
    let attributes = [("classname", &*suite), ("name", &name), ("time", &seconds(case.time))];
    open(xml, "testcase", &attributes)?;
    let problem = [("type", &*kind), ("message", case.message)];
    let is_flaky = case.run.is_some_and(|run| run.verdict == Verdict::Flaky);
    let (failures, errors) = if is_flaky {
        ("flakyFailure", "flakyError")
    } else {
        ("rerunFailure", "rerunError")
    };
    if case.state == ItemState::Failed {
        element(xml, "failure", &problem, &case.text)?;
    }
    previous(xml, failures, case.run, false)?;
    match case.state {
        ItemState::Skipped => empty(xml, "skipped", &[("message", case.message)])?,
        ItemState::Errored => element(xml, "error", &problem, &case.text)?,
        ItemState::Passed | ItemState::Failed => {}
    }
    previous(xml, errors, case.run, true)?;
    let is_shown = case.state == ItemState::Passed || (case.state == ItemState::Skipped && case.run.is_some());
    if is_shown && !case.text.is_empty() {
        element(xml, "system-out", &[], &case.text)?;
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
        add(&format!("{role}_started"), &instant(target.started))?;
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
    let started = started.map(instant);
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
