//! Whether a recording is consistent: each verdict with its findings, and the last line with the lines before it.
//!
//! A recording can be edited, truncated or assembled by hand. An inconsistent recording is rejected.

use std::collections::HashSet;

use crate::model::{Attempt, CaseFinished, Counts, Exit, Outcome, Phase, RunFinished, RunStarted, Step, Verdict};

/// The events read so far. Every check returns the contradiction that it finds, as a sentence.
#[derive(Debug, Default)]
pub(super) struct Consistency {
    ids: HashSet<String>,
    indexes: HashSet<usize>,
    counts: Counts,
}

impl Consistency {
    /// The counts so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Checks one more case.
    pub(super) fn case(&mut self, started: &RunStarted, case: &CaseFinished) -> Result<(), String> {
        if let Some(reason) = contradiction(case) {
            return Err(format!("{}: {reason}", short(&case.id)));
        }
        if !self.ids.insert(case.id.clone()) {
            return Err(format!("the case {} is recorded twice", short(&case.id)));
        }
        if !self.indexes.insert(case.index) {
            return Err(format!(
                "{}: another case has the index {} too",
                short(&case.id),
                case.index
            ));
        }
        self.counts.add(case);
        if self.counts.all() > started.cases {
            return Err(format!(
                "there are more cases than the {} that the run planned",
                started.cases
            ));
        }
        Ok(())
    }

    /// Checks the last event.
    pub(super) fn end(&self, run: &RunStarted, end: &RunFinished) -> Result<(), String> {
        let (total, counted) = (&end.counts, &self.counts);
        for (name, total, counted) in [
            ("passed", total.passed, counted.passed),
            ("failed", total.failed, counted.failed),
            ("errored", total.errored, counted.errored),
            ("flaky", total.flaky, counted.flaky),
            ("skipped", total.skipped, counted.skipped),
            ("skipped steps", total.skipped_steps, counted.skipped_steps),
            ("partly skipped", total.partly_skipped, counted.partly_skipped),
            ("passed before", total.passed_before, counted.passed_before),
            ("warnings", total.warnings, counted.warnings),
        ] {
            if total != counted {
                return Err(format!(
                    "the totals state {total} {name}, and the lines contain {counted}"
                ));
            }
        }
        // The totals of a run that ended early can include cases without a line.
        let is_short = total.not_run > counted.not_run && end.stopped.is_none();
        if total.not_run < counted.not_run || is_short {
            let (total, counted) = (total.not_run, counted.not_run);
            return Err(format!(
                "the totals state {total} not run, and the lines contain {counted}"
            ));
        }
        if total.all() != run.cases {
            let (total, planned) = (total.all(), run.cases);
            return Err(format!(
                "the totals are of {total} cases, and the run planned {planned}"
            ));
        }
        let exit = Exit::of(end, run.flaky).code();
        if end.exit_code != exit {
            return Err(format!(
                "the exit code is {}, and the totals require {exit}",
                end.exit_code
            ));
        }
        Ok(())
    }
}

/// How the verdict on a case contradicts its recorded exchanges and findings.
fn contradiction(case: &CaseFinished) -> Option<String> {
    let Attempt { reason, steps } = &case.last;
    let name = case.verdict.name();
    let failing = failing(&case.last);
    let says = |what: &str| Some(format!("the verdict is `{name}`, and {what}"));
    if case.passed_before && case.verdict != Verdict::Skipped {
        return says("it passed in an earlier run");
    }
    match case.verdict {
        Verdict::Passed | Verdict::Flaky => {
            if let Some(check) = failing {
                return says(&format!("the check `{}` fails", short(check)));
            }
            if !is_response(&case.last) || reason.is_some() {
                return says("there is no response to judge");
            }
            if case.repeats.iter().any(|one| !did_pass(one)) {
                return says("a repetition did not pass");
            }
            match (case.verdict, case.previous.is_empty()) {
                (Verdict::Flaky, true) => says("there is no earlier attempt"),
                (Verdict::Passed, false) => says("an earlier attempt did not pass"),
                _ => None,
            }
        }
        Verdict::Failed => match failing {
            None => says("no check fails"),
            Some(_) => None,
        },
        Verdict::Errored => match failing {
            Some(check) if is_response(&case.last) && !fails_in_setup(&case.last) => {
                says(&format!("the check `{}` fails", short(check)))
            }
            _ if reason.is_none() => says("no reason is given"),
            _ => None,
        },
        Verdict::Skipped | Verdict::NotRun => {
            let was_sent = |step: &Step| step.exchange.is_some() || !step.findings.is_empty();
            let is_empty = !steps.iter().any(was_sent) && case.previous.is_empty() && case.repeats.is_empty();
            (!is_empty).then(|| format!("the verdict is `{name}`, and it was run"))
        }
    }
}

/// The beginning of a name: a recording can contain one of any length.
fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(100)]
}

/// The first check that fails a case.
fn failing(one: &Attempt) -> Option<&str> {
    Some(one.failing()?.check.as_str())
}

/// Whether it is the setup that fails, which gives no verdict.
fn fails_in_setup(one: &Attempt) -> bool {
    one.deciding().is_some_and(|step| step.phase == Phase::Setup)
}

fn is_response(one: &Attempt) -> bool {
    let outcome = one.exchange().map(|exchange| &exchange.outcome);
    outcome.is_some_and(|outcome| !matches!(outcome, Outcome::Failure(_)))
}

fn did_pass(one: &Attempt) -> bool {
    failing(one).is_none() && one.reason.is_none() && is_response(one)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::read_event;
    use super::*;
    use crate::model::Event;

    fn case(index: usize, verdict: &str, more: &Value) -> CaseFinished {
        let mut event = json!({
            "event": "case-finished", "id": format!("s/{index}"), "suite": "s", "index": index,
            "location": { "file": "f", "line": 1, "column": 1 }, "verdict": verdict,
        });
        let mut step = json!({ "elapsed_us": 1 });
        for (name, value) in more.as_object().into_iter().flatten() {
            if ["exchange", "findings"].contains(&name.as_str()) {
                step[name] = value.clone();
                event["steps"] = json!([step]);
            } else {
                event[name] = value.clone();
            }
        }
        match read_event(event.to_string().as_bytes()) {
            Ok(Event::CaseFinished(case)) => *case,
            other => panic!("{other:?}"),
        }
    }

    fn started(cases: usize) -> RunStarted {
        let event = json!({
            "event": "run-started", "format": crate::model::FORMAT, "tool": "t", "started": "2025-01-01T00:00:00Z",
            "target": "t", "base_url": "http://h", "suites": 1, "cases": cases, "secrets": [], "suite_hash": "",
        });
        match read_event(event.to_string().as_bytes()) {
            Ok(Event::RunStarted(started)) => started,
            other => panic!("{other:?}"),
        }
    }

    fn exchange(outcome: &Value) -> Value {
        json!({ "request": { "method": "GET", "url": "http://h/", "headers": [] }, "outcome": outcome })
    }

    fn response() -> Value {
        exchange(&json!({ "response": {
            "version": "HTTP/1.1", "status": 200, "headers": [], "received": "2025-01-01T00:00:00Z", "elapsed_us": 1,
        } }))
    }

    fn no_response() -> Value {
        exchange(&json!({ "failure": { "kind": "connect", "message": "refused", "elapsed_us": 1 } }))
    }

    fn finding(level: &str) -> Value {
        json!([{ "check": "status", "level": level, "message": "m", "location": { "file": "f", "line": 1, "column": 1 } }])
    }

    #[test]
    fn verdict_that_agrees_with_its_findings_is_accepted() {
        let attempt = json!([{ "reason": "refused", "steps": [{ "elapsed_us": 1, "exchange": no_response() }] }]);
        for (verdict, more) in [
            ("passed", json!({ "exchange": response() })),
            ("passed", json!({ "exchange": response(), "findings": finding("warn") })),
            ("failed", json!({ "exchange": response(), "findings": finding("deny") })),
            ("errored", json!({ "exchange": no_response(), "reason": "refused" })),
            (
                "errored",
                json!({ "exchange": response(), "reason": "the snapshot cannot be written" }),
            ),
            ("flaky", json!({ "exchange": response(), "previous": attempt })),
            ("skipped", json!({ "reason": "r" })),
            ("skipped", json!({ "reason": "r", "passed_before": true })),
            ("not-run", json!({ "reason": "r" })),
        ] {
            assert_eq!(contradiction(&case(0, verdict, &more)), None, "{verdict} {more}");
        }
    }

    #[test]
    fn verdict_that_contradicts_its_findings_is_rejected() {
        let attempt = json!([{ "reason": "refused", "steps": [{ "elapsed_us": 1, "exchange": no_response() }] }]);
        for (verdict, more) in [
            ("passed", json!({ "exchange": response(), "findings": finding("deny") })),
            ("passed", json!({ "exchange": no_response() })),
            ("passed", json!({})),
            ("passed", json!({ "exchange": response(), "reason": "refused" })),
            ("passed", json!({ "exchange": response(), "previous": attempt })),
            ("passed", json!({ "exchange": response(), "passed_before": true })),
            ("passed", json!({ "exchange": response(), "repeats": attempt })),
            ("flaky", json!({ "exchange": response() })),
            (
                "flaky",
                json!({ "exchange": response(), "findings": finding("deny"), "previous": attempt }),
            ),
            ("failed", json!({ "exchange": response() })),
            ("failed", json!({ "exchange": response(), "findings": finding("warn") })),
            ("errored", json!({ "exchange": response() })),
            (
                "errored",
                json!({ "exchange": response(), "findings": finding("deny"), "reason": "r" }),
            ),
            ("skipped", json!({ "exchange": response() })),
            ("skipped", json!({ "findings": finding("warn") })),
            ("not-run", json!({ "exchange": response() })),
        ] {
            assert!(contradiction(&case(0, verdict, &more)).is_some(), "{verdict} {more}");
        }
    }

    fn read(planned: usize, cases: &[CaseFinished], end: impl FnOnce(&mut RunFinished)) -> Result<(), String> {
        let (started, mut all) = (started(planned), Consistency::default());
        for case in cases {
            all.case(&started, case)?;
        }
        let mut finished = RunFinished {
            counts: all.counts(),
            project_cases: 0,
            max_skipped: None,
            elapsed_us: 1,
            stopped: None,
            exit_code: 0,
        };
        finished.conclude(started.flaky);
        end(&mut finished);
        all.end(&started, &finished)
    }

    #[test]
    fn totals_that_contradict_the_lines_are_rejected() {
        use crate::model::Stop;
        let passed = |index| case(index, "passed", &json!({ "exchange": response() }));
        let cases = [
            passed(0),
            case(
                1,
                "failed",
                &json!({ "exchange": response(), "findings": finding("deny") }),
            ),
        ];
        assert_eq!(read(2, &cases, |_| {}), Ok(()));
        assert_eq!(
            read(3, &cases, |end| (end.counts.not_run, end.stopped) =
                (1, Some(Stop::Lost))),
            Ok(())
        );
        let wrong: [&dyn Fn(&mut RunFinished); 8] = [
            &|end| end.counts.passed = 2,
            &|end| (end.counts.failed, end.counts.passed, end.exit_code) = (0, 2, 0),
            &|end| end.counts.skipped = 1,
            &|end| end.counts.not_run = 1,
            &|end| end.counts.warnings = 1,
            &|end| end.counts.flaky = 1,
            &|end| end.exit_code = 0,
            &|end| end.exit_code = 3,
        ];
        for (number, wrong) in wrong.into_iter().enumerate() {
            assert!(read(2, &cases, wrong).is_err(), "{number}");
        }
        // A line was removed, with or without an adjustment of the totals.
        assert!(read(2, &cases[..1], |_| {}).is_err());
        assert!(read(2, &cases[..1], |end| (end.counts.failed, end.exit_code) = (1, 1)).is_err());
        assert!(read(1, &cases, |_| {}).is_err());
        assert!(read(2, &[passed(0), passed(0)], |_| {}).is_err());
        let twice = CaseFinished {
            id: "s/x".to_owned(),
            ..passed(0)
        };
        assert!(read(2, &[passed(0), twice], |_| {}).is_err());
    }
}
