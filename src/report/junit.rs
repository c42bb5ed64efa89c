//! `--report junit`: the XML that CI systems read.
//!
//! There is no one schema. This is what the schemas of Jenkins' xUnit plugin (`junit-10.xsd`) and, suite by suite, of
//! Maven Surefire (`surefire-test-report.xsd`) have in common; what they have no attribute for stands in `system-out`.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::{DateTime, SecondsFormat, Utc};
use quick_xml::{
    Writer,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event as Xml},
};

use super::{
    Reporter, Sink,
    account::{self, cut, millis, seconds},
    curl::Shell,
    outcome,
    spool::Spool,
    visible,
};
use crate::{
    model::{Attempt, CaseFinished, Event, Flaky, Level, RunFinished, RunStarted, Stop, Verdict},
    redact::Redacted,
};

/// Writes a `testsuite` a suite and a `testcase` a case, in the order of the plan.
pub(super) struct JUnit {
    sink: Sink,
    started: Option<RunStarted>,
    finished: Option<RunFinished>,
    shell: Shell,
    /// Test cases as they are written, each with the number of its suite.
    cases: Spool<usize>,
    suites: Vec<Suite>,
    numbers: HashMap<String, usize>,
}

/// What the head of a `testsuite` says.
struct Suite {
    id: String,
    /// The place of its first case in the plan.
    first: usize,
    started: Option<DateTime<Utc>>,
    counts: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    /// The sum of the cases' times as they are written, so that whoever adds them up gets the same.
    millis: u64,
}

pub(super) type Buffer = Writer<Vec<u8>>;

impl JUnit {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            started: None,
            finished: None,
            shell: Shell::default(),
            cases: Spool::beside(&sink),
            suites: Vec::new(),
            numbers: HashMap::new(),
            sink,
        }
    }

    /// Whether a flaky case fails the run.
    fn flaky_fails(&self) -> bool {
        self.started.as_ref().is_none_or(|started| started.flaky == Flaky::Fail)
    }

    /// The number of a case's suite: a new one where it is the first case of it.
    fn number(&mut self, finished: &CaseFinished) -> usize {
        if let Some(number) = self.numbers.get(&finished.suite) {
            return *number;
        }
        let number = self.suites.len();
        self.suites.push(Suite {
            id: finished.suite.clone(),
            first: finished.index,
            started: None,
            counts: Counts::default(),
        });
        self.numbers.insert(finished.suite.clone(), number);
        number
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        let number = self.number(finished);
        let is_failure = match finished.verdict {
            Verdict::Failed => true,
            Verdict::Flaky => self.flaky_fails(),
            _ => false,
        };
        let time = millis(finished.last.elapsed_us());
        let suite = &mut self.suites[number];
        suite.first = suite.first.min(finished.index);
        let first_try = finished.previous.first().unwrap_or(&finished.last);
        suite.started = [suite.started, first_try.started()].into_iter().flatten().min();
        suite.counts.tests += 1;
        suite.counts.failures += usize::from(is_failure);
        suite.counts.errors += usize::from(matches!(finished.verdict, Verdict::Errored | Verdict::NotRun));
        suite.counts.skipped += usize::from(finished.verdict == Verdict::Skipped);
        suite.counts.millis = suite.counts.millis.saturating_add(time);
        let mut xml = Writer::new(Vec::new());
        self.testcase(&mut xml, finished, is_failure, time)?;
        self.cases.push(finished.index, number, &xml.into_inner())
    }

    fn testcase(&self, xml: &mut Buffer, finished: &CaseFinished, is_failure: bool, time: u64) -> io::Result<()> {
        let of_suite = finished.id.strip_prefix(finished.suite.as_str());
        let name = of_suite.and_then(|rest| rest.strip_prefix('/'));
        open(
            xml,
            "testcase",
            &[
                ("classname", &visible(&finished.suite)),
                ("name", &visible(name.unwrap_or(&finished.id))),
                ("time", &seconds(time)),
            ],
        )?;
        let last = &finished.last;
        let reason = || cut(&visible(last.reason.as_deref().unwrap_or("no reason was given")));
        // The order of these elements is Surefire's.
        let (failures, errors) = match finished.verdict {
            Verdict::Flaky => ("flakyFailure", "flakyError"),
            _ => ("rerunFailure", "rerunError"),
        };
        match finished.verdict {
            Verdict::Failed => {
                let body = account::text(last, &self.shell);
                problem(
                    xml,
                    "failure",
                    account::kind(last),
                    &account::headline(last),
                    finished,
                    &body,
                )?;
            }
            Verdict::Flaky if is_failure => {
                let tries = finished.previous.len();
                let why = finished.previous.first().map(account::headline).unwrap_or_default();
                let message = format!("flaky: it passed only at try {}, after: {why}", tries + 1);
                let body = self.tries(finished);
                problem(xml, "failure", "flaky", &message, finished, &body)?;
            }
            _ => {}
        }
        self.earlier(xml, failures, finished, |one| !account::has_no_answer(one))?;
        match finished.verdict {
            Verdict::Skipped => empty(xml, "skipped", &[("message", &reason())])?,
            Verdict::Errored => {
                let body = account::text(last, &self.shell);
                problem(
                    xml,
                    "error",
                    account::kind(last),
                    &account::headline(last),
                    finished,
                    &body,
                )?;
            }
            // Nothing a reader of JUnit could take for a pass: the case was planned, and there is no verdict on it.
            Verdict::NotRun => {
                let message = format!("not run: {}", reason());
                problem(xml, "error", "not-run", &message, finished, "")?;
            }
            Verdict::Passed | Verdict::Failed | Verdict::Flaky => {}
        }
        self.earlier(xml, errors, finished, account::has_no_answer)?;
        element(xml, "system-out", &[], &about(finished))?;
        close(xml, "testcase")
    }

    /// The earlier tries in one text.
    fn tries(&self, finished: &CaseFinished) -> String {
        let tries = finished.previous.iter().enumerate();
        tries.map(|(index, one)| self.one_try(index, one)).collect()
    }

    fn one_try(&self, index: usize, one: &Attempt) -> String {
        let time = seconds(millis(one.elapsed_us()));
        format!("try {} [{time}s]\n{}", index + 1, account::text(one, &self.shell))
    }

    /// The earlier tries of one sort, an element each.
    fn earlier(
        &self,
        xml: &mut Buffer,
        tag: &str,
        finished: &CaseFinished,
        is_meant: impl Fn(&Attempt) -> bool,
    ) -> io::Result<()> {
        for (index, one) in finished.previous.iter().enumerate().filter(|(_, one)| is_meant(one)) {
            let message = format!("try {}: {}", index + 1, account::headline(one));
            open(
                xml,
                tag,
                &[("type", &visible(account::kind(one))), ("message", &message)],
            )?;
            element(xml, "stackTrace", &[], &self.one_try(index, one))?;
            close(xml, tag)?;
        }
        Ok(())
    }

    /// A suite of one case that cannot pass, if the run did not come to its end or skipped too many cases: everything else
    /// in the document may be green.
    fn unfinished(&mut self, told: usize) -> io::Result<()> {
        let planned = self.started.as_ref().map_or(0, |started| started.cases);
        let stop = self.finished.as_ref().map(|finished| finished.stopped);
        let why = match stop {
            Some(Some(stop)) if stop == Stop::Lost || told < planned => stop.text(),
            Some(_) if told >= planned => return self.too_many_skipped(),
            _ => "the run has no end",
        };
        let message = format!("{why}: {told} of {planned} cases are told");
        self.extra("the run comes to its end", "error", "lost", &message)
    }

    fn too_many_skipped(&mut self) -> io::Result<()> {
        match &self.finished {
            Some(finished) if finished.skipped_too_many() => {
                let message = outcome::headline(Some(finished));
                self.extra("max-skipped", "failure", "max-skipped", &message)
            }
            _ => Ok(()),
        }
    }

    /// A suite of one test case that is about the run itself.
    fn extra(&mut self, name: &str, tag: &str, kind: &str, message: &str) -> io::Result<()> {
        let number = self.suites.len();
        self.suites.push(Suite {
            id: "conforme".to_owned(),
            first: usize::MAX,
            started: None,
            counts: Counts {
                tests: 1,
                errors: usize::from(tag == "error"),
                failures: usize::from(tag == "failure"),
                ..Counts::default()
            },
        });
        let mut xml = Writer::new(Vec::new());
        let name = [("classname", "conforme"), ("name", name), ("time", "0.000")];
        open(&mut xml, "testcase", &name)?;
        element(&mut xml, tag, &[("type", kind), ("message", message)], message)?;
        close(&mut xml, "testcase")?;
        self.cases.push(usize::MAX, number, &xml.into_inner())
    }

    /// What is true of the whole run. A `testsuites` has no place for it in the schemas.
    fn properties(&self) -> io::Result<Vec<u8>> {
        let mut xml = Writer::new(Vec::new());
        open(&mut xml, "properties", &[])?;
        let mut property = |name: &str, value: &str| {
            let value = cut(&visible(value));
            empty(&mut xml, "property", &[("name", name), ("value", &value)])
        };
        if let Some(started) = &self.started {
            property("tool", &started.tool)?;
            property("target", &started.target)?;
            property("base_url", &started.base_url)?;
            property("suite_hash", &started.suite_hash)?;
            if let Some(commit) = &started.commit {
                property("commit", commit)?;
            }
            property("started", &started.started.to_rfc3339_opts(SecondsFormat::Millis, true))?;
            let flaky = match started.flaky {
                Flaky::Fail => "fail",
                Flaky::Pass => "pass",
            };
            property("flaky", flaky)?;
        }
        if let Some(finished) = &self.finished {
            property("headline", &outcome::headline(Some(finished)))?;
            let counts = &finished.counts;
            property("cases", &counts.all().to_string())?;
            for (name, number) in outcome::columns(counts)
                .into_iter()
                .filter(|(name, _)| *name != "warnings")
            {
                property(&format!("cases_{}", name.replace(' ', "_")), &number.to_string())?;
            }
            property("project_cases", &finished.project_cases.to_string())?;
            if let Some(max) = finished.max_skipped {
                property("max_skipped", &max.to_string())?;
            }
            property("elapsed", &seconds(millis(finished.elapsed_us)))?;
            if let Some(stop) = finished.stopped {
                property("stopped", stop.text())?;
            }
            property("exit_code", &finished.exit_code.to_string())?;
        }
        close(&mut xml, "properties")?;
        Ok(xml.into_inner())
    }

    fn document(&mut self) -> io::Result<()> {
        let told = self.suites.iter().map(|suite| suite.counts.tests).sum();
        self.unfinished(told)?;
        let mut all = Counts::default();
        for Suite { counts, .. } in &self.suites {
            all.tests += counts.tests;
            all.failures += counts.failures;
            all.errors += counts.errors;
            all.millis = all.millis.saturating_add(counts.millis);
        }
        let mut xml = Writer::new(Vec::new());
        xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.get_mut().push(b'\n');
        let [tests, failures, errors] = [all.tests, all.failures, all.errors].map(|number| number.to_string());
        open(
            &mut xml,
            "testsuites",
            &[
                ("name", "conforme"),
                ("tests", &tests),
                ("failures", &failures),
                ("errors", &errors),
                ("time", &seconds(all.millis)),
            ],
        )?;
        self.sink.write_all(&xml.into_inner())?;
        let properties = self.properties()?;
        let run_started = self.started.as_ref().map(|started| started.started);
        let Self {
            sink, cases, suites, ..
        } = self;
        // A suite's cases stand together, also where a plan or a recording mixes them.
        cases.order_by(|index, suite| (suites[*suite].first, *suite, index));
        let mut current = None;
        cases.each(|number, testcase| {
            if current != Some(*number) {
                if current.is_some() {
                    sink.write_all(b"</testsuite>\n")?;
                }
                current = Some(*number);
                sink.write_all(&head(&suites[*number], run_started)?)?;
                sink.write_all(&properties)?;
            }
            sink.write_all(testcase)
        })?;
        if current.is_some() {
            sink.write_all(b"</testsuite>\n")?;
        }
        sink.write_all(b"</testsuites>\n")
    }
}

impl Reporter for JUnit {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.cases.reserve(started.cases);
                self.shell = Shell::of(started);
                self.started = Some(started.clone());
                Ok(())
            }
            Event::CaseFinished(finished) => self.case(finished),
            Event::RunFinished(finished) => {
                self.finished = Some(finished.clone());
                Ok(())
            }
            Event::TargetAwaited(_)
            | Event::CaseStarted(_)
            | Event::CaseSlow(_)
            | Event::CaseRetried(_)
            | Event::SnapshotUnused { .. } => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.document()?;
        self.sink.close()
    }

    fn reads_passed_exchanges(&self) -> bool {
        false
    }
}

/// Why a case is no pass: an attribute for lists, and text from which it can be understood and seen again.
fn problem(
    xml: &mut Buffer,
    tag: &str,
    kind: &str,
    message: &str,
    finished: &CaseFinished,
    body: &str,
) -> io::Result<()> {
    // GitLab shows the text without the attributes.
    let mut text = format!("{}\n", visible(&finished.id));
    if let Some(name) = &finished.name {
        let _ = writeln!(text, "{}", visible(name));
    }
    let _ = writeln!(text, "  --> {}\n", visible(&finished.place.to_string()));
    if body.is_empty() {
        let _ = writeln!(text, "{message}");
    }
    text.push_str(body);
    if let Some(path) = &finished.snapshot {
        let _ = writeln!(text, "snapshot: {}", visible(path));
    }
    element(xml, tag, &[("type", &visible(kind)), ("message", message)], &text)
}

/// What a case is, and its warnings where no other element tells them.
fn about(finished: &CaseFinished) -> String {
    let mut out = String::new();
    let mut add = |label: &str, value: &str| {
        let _ = writeln!(out, "{label}: {}", visible(value));
    };
    if let Some(name) = &finished.name {
        add("name", name);
    }
    add("place", &finished.place.to_string());
    if !finished.tags.is_empty() {
        add("tags", &finished.tags.join(", "));
    }
    if let Some(started) = finished.last.started() {
        add("started", &started.to_rfc3339_opts(SecondsFormat::Millis, true));
    }
    if matches!(finished.verdict, Verdict::Passed | Verdict::Flaky) {
        let warnings = finished.last.findings().filter(|finding| finding.level == Level::Warn);
        out.push_str(&account::findings(warnings));
    }
    out
}

fn head(suite: &Suite, run_started: Option<DateTime<Utc>>) -> io::Result<Vec<u8>> {
    let counts = suite.counts;
    let [tests, failures, errors, skipped] =
        [counts.tests, counts.failures, counts.errors, counts.skipped].map(|number| number.to_string());
    let (id, time) = (visible(&suite.id), seconds(counts.millis));
    let started = suite.started.or(run_started);
    let started = started.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    let mut attributes: Vec<(&str, &str)> = vec![
        ("name", &id),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
        ("time", &time),
    ];
    if let Some(started) = &started {
        attributes.push(("timestamp", started));
    }
    let mut xml = Writer::new(Vec::new());
    open(&mut xml, "testsuite", &attributes)?;
    Ok(xml.into_inner())
}

fn start<'t>(tag: &'t str, attributes: &[(&str, &str)]) -> BytesStart<'t> {
    BytesStart::new(tag).with_attributes(attributes.iter().copied())
}

pub(super) fn open(xml: &mut Buffer, tag: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.write_event(Xml::Start(start(tag, attributes)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

pub(super) fn close(xml: &mut Buffer, tag: &str) -> io::Result<()> {
    xml.write_event(Xml::End(BytesEnd::new(tag)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

pub(super) fn empty(xml: &mut Buffer, tag: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.write_event(Xml::Empty(start(tag, attributes)))?;
    xml.get_mut().push(b'\n');
    Ok(())
}

/// An element that holds text.
pub(super) fn element(xml: &mut Buffer, tag: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
    let text = super::escape::xml::text(text);
    xml.write_event(Xml::Start(start(tag, attributes)))?;
    xml.write_event(Xml::Text(BytesText::from_escaped(partial_escape(text))))?;
    close(xml, tag)
}
