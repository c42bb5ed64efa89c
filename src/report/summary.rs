//! The result of a run in one line.

use std::fmt::Write as _;

use super::{
    model::GateResult,
    text::{cases, count},
};
use crate::model::{Counts, Exit, RunFinished};

/// Whether the contract is fulfilled, and how much was tested.
pub(super) fn headline(finished: Option<&RunFinished>) -> String {
    let Some(finished) = finished else {
        return "No verdict: the run did not end".to_owned();
    };
    let (state, tested) = (state(finished), tested(finished));
    // `No verdict: stopped by --max-fail` already has a colon.
    let between = if state.contains(": ") { "; " } else { ": " };
    format!("{state}{between}{tested}")
}

/// The verdict on a run in a few words, as in its headline: `The contract holds`, `Too many cases were skipped`.
pub(super) fn title(finished: Option<&RunFinished>) -> String {
    let Some(finished) = finished else {
        return "No verdict".to_owned();
    };
    let state = state(finished);
    state
        .split_once(": ")
        .map_or(state.as_str(), |(title, _)| title)
        .to_owned()
}

/// How much was tested: `60 of 75 cases passed, 15 skipped`, and all further counts that are not zero.
pub(super) fn tested(finished: &RunFinished) -> String {
    let counts = &finished.counts;
    let all = counts.all();
    let mut text = format!("{} of {all} cases passed, {} skipped", counts.passed, counts.skipped);
    if counts.skipped_steps > 0 {
        let (steps, of) = (count(counts.skipped_steps, "step"), cases(counts.partly_skipped));
        let _ = write!(text, ", {steps} of {of} skipped");
    }
    if let Some(max) = finished.max_skipped.filter(|_| finished.skipped_too_many()) {
        let _ = write!(text, " (--max-skipped allows {max})");
    }
    for (name, number) in columns(counts) {
        if number > 0 && !["passed", "skipped"].contains(&name) {
            let name = if (name, number) == ("warnings", 1) {
                "warning"
            } else {
                name
            };
            let _ = write!(text, ", {number} {name}");
        }
    }
    if all < finished.project_cases {
        let _ = write!(text, "; {all} of {} cases selected", finished.project_cases);
    }
    text
}

fn state(finished: &RunFinished) -> String {
    let (counts, stopped) = (&finished.counts, finished.stopped);
    let no_response = counts.errored + counts.not_run;
    match stopped {
        Some(stop) if counts.failed > 0 => {
            format!("The contract is broken, and the run is incomplete: {}", stop.text())
        }
        None if counts.failed > 0 => "The contract is broken".to_owned(),
        _ if finished.skipped_too_many() => "Too many cases were skipped".to_owned(),
        Some(stop) => format!("No verdict: {}", stop.text()),
        None if no_response > 0 => format!(
            "No verdict: {} no response to judge",
            number_of(no_response, "has", "have")
        ),
        None if counts.flaky > 0 && finished.exit_code != 0 => {
            format!(
                "The contract does not hold at every attempt: {} flaky",
                number_of(counts.flaky, "is", "are")
            )
        }
        None if finished.exit_code == 0 => "The contract holds".to_owned(),
        None if counts.ran() == 0 => "No case ran".to_owned(),
        None => format!("No verdict: the run exits with {}", finished.exit_code),
    }
}

impl GateResult {
    /// The result of a run.
    pub(super) fn of(finished: &RunFinished) -> Self {
        match Exit::of_code(finished.exit_code) {
            Some(Exit::Success) => Self::Passed,
            Some(Exit::ContractViolated) => Self::Failed,
            _ if finished.counts.failed > 0 || finished.skipped_too_many() => Self::Failed,
            _ => Self::NoVerdict,
        }
    }
}

/// All counts by name.
pub(super) fn columns(counts: &Counts) -> [(&'static str, usize); 8] {
    [
        ("passed", counts.passed),
        ("failed", counts.failed),
        ("errored", counts.errored),
        ("flaky", counts.flaky),
        ("skipped", counts.skipped),
        ("passed before", counts.passed_before),
        ("not run", counts.not_run),
        ("warnings", counts.warnings),
    ]
}

fn number_of(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", cases(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Flaky, Stop};

    fn headline_of(counts: Counts, change: impl FnOnce(&mut RunFinished)) -> String {
        let mut finished = RunFinished {
            counts,
            project_cases: counts.all(),
            max_skipped: None,
            elapsed_us: 0,
            stopped: None,
            exit_code: 0,
        };
        change(&mut finished);
        finished.conclude(Flaky::Fail);
        headline(Some(&finished))
    }

    #[test]
    fn headline_states_how_many_cases_passed_of_how_many() {
        let counts = Counts {
            passed: 60,
            skipped: 15,
            ..Counts::default()
        };
        let holds = "The contract holds: 60 of 75 cases passed, 15 skipped";
        assert_eq!(headline_of(counts, |_| {}), holds);
        assert_eq!(
            headline_of(counts, |run| run.project_cases = 100),
            format!("{holds}; 75 of 100 cases selected")
        );
        assert_eq!(
            headline_of(counts, |run| run.max_skipped = Some(14)),
            "Too many cases were skipped: 60 of 75 cases passed, 15 skipped (--max-skipped allows 14)"
        );
        let broken = Counts {
            failed: 1,
            warnings: 1,
            ..counts
        };
        assert_eq!(
            headline_of(broken, |run| run.max_skipped = Some(0)),
            "The contract is broken: 60 of 76 cases passed, 15 skipped (--max-skipped allows 0), 1 failed, 1 warning"
        );
        let before = Counts {
            passed: 0,
            passed_before: 60,
            ..counts
        };
        assert_eq!(
            headline_of(before, |_| {}),
            "The contract holds: 0 of 75 cases passed, 15 skipped, 60 passed before"
        );
        assert_eq!(
            headline_of(
                Counts {
                    skipped: 2,
                    ..Counts::default()
                },
                |_| {}
            ),
            "No case ran: 0 of 2 cases passed, 2 skipped"
        );
        let cut = Counts { not_run: 5, ..counts };
        assert_eq!(
            headline_of(cut, |run| run.stopped = Some(Stop::MaxFail)),
            "No verdict: stopped by --max-fail; 60 of 80 cases passed, 15 skipped, 5 not run"
        );
    }
}
