//! A comparison as the XML that CI systems read: a test case a change, named by what stays the same of it.
//!
//! That there are cases at all is a test case too: a clean comparison is no empty file, and one without a verdict is red.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::SecondsFormat;
use quick_xml::{
    Writer,
    events::{BytesDecl, Event as Xml},
};

use super::{
    account,
    release::{
        NAME, Release, cautions, compared, fails, headline, level, missing, not_compared, not_named, origin, title,
        whose,
    },
};
use crate::{
    compare::{Change, Comparison, Matrix, Side},
    model::Verdict,
    report::{
        junit::{Buffer, close, element, empty, open},
        outcome::{figure, short},
    },
};

/// Most changes of one comparison. Those that fail come first.
const CHANGES: usize = 2000;
/// Most bytes of a command.
const COMMAND: usize = 8 << 10;
/// Most bytes of a reason.
const REASON: usize = 4 << 10;

/// A `testsuite`.
struct Suite {
    name: String,
    cases: Vec<Case>,
    properties: Vec<(&'static str, String)>,
    timestamp: String,
}

/// A `testcase`.
struct Case {
    name: String,
    state: State,
    text: String,
}

enum State {
    Passed,
    Skipped,
    /// The kind and a message.
    Failed(String, String),
    Errored(String, String),
}

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    document(&suites(comparison, ""), sink)
}

/// Writes what several targets answer: a suite a target with all cases, then what has drifted.
pub(super) fn write_matrix(matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let mut all = Vec::new();
    for (at, side) in matrix.targets.iter().enumerate() {
        let cases = matrix.rows.iter().map(|row| {
            let reason = row
                .reasons
                .get(at)
                .and_then(Option::as_deref)
                .unwrap_or("no reason was given");
            let (reason, kind) = (short(reason, REASON), |verdict: Verdict| verdict.name().to_owned());
            let state = match row.verdicts.get(at).copied().flatten() {
                Some(Verdict::Passed) => State::Passed,
                // The target lets it pass, or the run would not have.
                Some(Verdict::Flaky) if matrix.exit_code == 0 => State::Passed,
                Some(Verdict::Skipped) | None => State::Skipped,
                Some(verdict @ (Verdict::Failed | Verdict::Flaky)) => State::Failed(kind(verdict), reason.clone()),
                Some(verdict @ (Verdict::Errored | Verdict::NotRun)) => State::Errored(kind(verdict), reason.clone()),
            };
            let text = if matches!(state, State::Passed) {
                String::new()
            } else {
                reason
            };
            Case {
                name: short(&row.case, NAME),
                state,
                text,
            }
        });
        all.push(Suite {
            name: short(&side.name, NAME),
            cases: cases.collect(),
            properties: vec![("base_url", short(&side.base_url, NAME))],
            timestamp: timestamp(side),
        });
    }
    for drift in &matrix.drift {
        all.extend(suites(drift, &format!("{}: ", short(&drift.candidate.name, NAME))));
    }
    document(&all, sink)
}

fn timestamp(side: &Side) -> String {
    side.started.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// First whether the cases could be compared, then a suite for each that has changed.
fn suites(comparison: &Comparison, lead: &str) -> Vec<Suite> {
    let mut suites = vec![Suite {
        name: format!("{lead}conforme compare"),
        cases: std::iter::once(whole(comparison)).chain(left_out(comparison)).collect(),
        properties: properties(comparison),
        timestamp: timestamp(&comparison.candidate),
    }];
    let mut numbers = HashMap::new();
    let mut names = HashMap::new();
    for change in comparison.changes.iter().take(CHANGES) {
        let number = *numbers.entry(change.suite.as_str()).or_insert_with(|| {
            suites.push(Suite {
                name: format!("{lead}{}", short(&change.suite, NAME)),
                cases: Vec::new(),
                properties: properties(comparison),
                timestamp: timestamp(&comparison.candidate),
            });
            suites.len() - 1
        });
        let mut case = case(comparison, change);
        // Lists tell test cases apart by their names.
        let seen = names.entry((number, case.name.clone())).or_insert(0);
        *seen += 1;
        if *seen > 1 {
            let _ = write!(case.name, " ({seen})");
        }
        suites[number].cases.push(case);
    }
    suites
}

fn whole(comparison: &Comparison) -> Case {
    let mut text = format!("{}\n{}\n", headline(comparison), compared(comparison));
    for caution in cautions(comparison) {
        let _ = writeln!(text, "{caution}");
    }
    let left = comparison.changes.len().saturating_sub(CHANGES);
    if left > 0 {
        let _ = writeln!(text, "{} more changes are left out here.", figure(left));
    }
    let more = not_named(comparison);
    if more > 0 {
        let _ = writeln!(text, "{} more cases were not compared.", figure(more));
    }
    for accepted in comparison.accepted.iter().take(CHANGES) {
        let (change, why) = (&accepted.change, short(&accepted.accepted_because, NAME));
        let (what, origin, whose) = (title(change), origin(change), whose(change));
        let _ = writeln!(
            text,
            "accepted {} {what} of {origin} ({whose}): {why}",
            level(change.level)
        );
    }
    for stale in comparison.stale.iter().take(CHANGES) {
        let (place, reason) = (short(&stale.place.to_string(), NAME), short(&stale.reason, NAME));
        let _ = writeln!(text, "stale entry {place}: {reason}");
    }
    let has_failure = comparison
        .changes
        .iter()
        .take(CHANGES)
        .any(|change| fails(comparison, change));
    let state = match Release::of(comparison) {
        Release::Unknown => State::Errored("no-verdict".to_owned(), headline(comparison)),
        // No change below says so.
        Release::MustNot if !has_failure => State::Failed("changed".to_owned(), headline(comparison)),
        Release::MustNot | Release::May => State::Passed,
    };
    Case {
        name: "the cases are compared".to_owned(),
        state,
        text,
    }
}

/// A test case for each case that was not compared: an error where the candidate did not respond.
fn left_out(comparison: &Comparison) -> impl Iterator<Item = Case> {
    let missing = missing(comparison);
    let each = not_compared(comparison).enumerate();
    each.map(move |(number, (case, reason))| Case {
        name: format!("not compared: {case}"),
        state: if number < missing {
            State::Errored("not-compared".to_owned(), reason.clone())
        } else {
            State::Skipped
        },
        text: reason,
    })
}

fn case(comparison: &Comparison, change: &Change) -> Case {
    let mut text = account::text(change);
    for (side, command) in account::commands(comparison, change, COMMAND) {
        let _ = writeln!(text, "{side}: {command}");
    }
    let state = if fails(comparison, change) {
        let message = format!("{}: {}", level(change.level), short(&change.message, REASON));
        State::Failed(short(&change.rule, NAME), message)
    } else {
        let _ = writeln!(text, "level: {}", level(change.level));
        State::Passed
    };
    Case {
        name: title(change),
        state,
        text,
    }
}

fn properties(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let (baseline, candidate) = (&comparison.baseline, &comparison.candidate);
    let mut out = vec![
        ("tool", short(&comparison.tool, NAME)),
        ("baseline", short(&baseline.name, NAME)),
        ("baseline_url", short(&baseline.base_url, NAME)),
        ("candidate", short(&candidate.name, NAME)),
        ("candidate_url", short(&candidate.base_url, NAME)),
    ];
    for (name, side) in [("baseline_commit", baseline), ("candidate_commit", candidate)] {
        out.extend(side.commit.as_ref().map(|commit| (name, short(commit, NAME))));
    }
    out.extend(comparison.fail_on.map(|least| ("fail_on", level(least).to_owned())));
    out.push(("exit_code", comparison.summary.exit_code.to_string()));
    out
}

fn document(suites: &[Suite], sink: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.get_mut().push(b'\n');
    let all = suites.iter().map(Suite::counts);
    let [tests, failures, errors, _] = all.fold([0; 4], |mut sum, counts| {
        for (one, more) in sum.iter_mut().zip(counts) {
            *one += more;
        }
        sum
    });
    let [tests, failures, errors] = [tests, failures, errors].map(|number| number.to_string());
    open(
        &mut xml,
        "testsuites",
        &[
            ("name", "conforme compare"),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", &errors),
            ("time", "0.000"),
        ],
    )?;
    for suite in suites {
        suite.write(&mut xml)?;
        sink.write_all(xml.get_ref())?;
        xml.get_mut().clear();
    }
    close(&mut xml, "testsuites")?;
    sink.write_all(xml.get_ref())
}

impl Suite {
    /// Tests, failures, errors, and those that were skipped.
    fn counts(&self) -> [usize; 4] {
        let number = |is: fn(&State) -> bool| self.cases.iter().filter(|case| is(&case.state)).count();
        [
            self.cases.len(),
            number(|state| matches!(state, State::Failed(..))),
            number(|state| matches!(state, State::Errored(..))),
            number(|state| matches!(state, State::Skipped)),
        ]
    }

    fn write(&self, xml: &mut Buffer) -> io::Result<()> {
        let [tests, failures, errors, skipped] = self.counts().map(|number| number.to_string());
        open(
            xml,
            "testsuite",
            &[
                ("name", &self.name),
                ("tests", &tests),
                ("failures", &failures),
                ("errors", &errors),
                ("skipped", &skipped),
                ("time", "0.000"),
                ("timestamp", &self.timestamp),
            ],
        )?;
        open(xml, "properties", &[])?;
        for (name, value) in &self.properties {
            empty(xml, "property", &[("name", name), ("value", value)])?;
        }
        close(xml, "properties")?;
        for case in &self.cases {
            let head = [
                ("classname", self.name.as_str()),
                ("name", &case.name),
                ("time", "0.000"),
            ];
            open(xml, "testcase", &head)?;
            match &case.state {
                State::Passed if case.text.is_empty() => {}
                State::Passed => element(xml, "system-out", &[], &case.text)?,
                State::Skipped => empty(xml, "skipped", &[("message", &case.text)])?,
                State::Failed(kind, message) => {
                    element(xml, "failure", &[("type", kind), ("message", message)], &case.text)?;
                }
                State::Errored(kind, message) => {
                    element(xml, "error", &[("type", kind), ("message", message)], &case.text)?;
                }
            }
            close(xml, "testcase")?;
        }
        close(xml, "testsuite")
    }
}
