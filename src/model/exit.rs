//! Exit codes.

use std::process::ExitCode;

use super::{Flaky, RunFinished, Stop};

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// 0: success; for a run, no case failed.
    Success,
    /// 1: contract violated: at least one case failed, or a limit was exceeded.
    ContractViolated,
    /// 2: usage error, or an invalid suite or configuration.
    Usage,
    /// 3: no verdict: the target was unreachable or did not respond in HTTP, and no case failed.
    NoVerdict,
    /// 4: no case ran: nothing was selected, or everything was skipped.
    NothingRan,
    /// 5: a report could not be written.
    Report,
    /// 129: the terminal was closed.
    HungUp,
    /// 130: interrupted by Ctrl-C.
    Interrupted,
    /// 143: terminated by SIGTERM.
    Terminated,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::ContractViolated,
        Self::Usage,
        Self::NoVerdict,
        Self::NothingRan,
        Self::Report,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The exit code for the verdicts of a run. The first that applies: interrupted, contract violated, no
    /// verdict, nothing ran. A run in which all cases passed before is a success.
    pub fn of(finished: &RunFinished, flaky: Flaky) -> Self {
        let counts = &finished.counts;
        match finished.stopped {
            Some(Stop::Interrupted) => Exit::Interrupted,
            Some(Stop::Terminated) => Exit::Terminated,
            Some(Stop::HungUp) => Exit::HungUp,
            _ if counts.failed > 0 || (counts.flaky > 0 && flaky == Flaky::Fail) => Exit::ContractViolated,
            _ if finished.skipped_too_many() => Exit::ContractViolated,
            Some(Stop::MaxFail | Stop::Deadline | Stop::NotReady | Stop::Unreachable | Stop::Lost) => Exit::NoVerdict,
            None if counts.errored > 0 || counts.not_run > 0 => Exit::NoVerdict,
            None if counts.ran() == 0 && counts.passed_before == 0 => Exit::NothingRan,
            None => Exit::Success,
        }
    }

    /// The exit code if reports were or were not written: [`Exit::Report`], unless the contract is violated.
    #[must_use]
    pub fn reported(self, reported: bool) -> Self {
        match self {
            Exit::NoVerdict | Exit::NothingRan | Exit::Success if !reported => Exit::Report,
            other => other,
        }
    }

    /// The exit code as a number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::ContractViolated => 1,
            Exit::Usage => 2,
            Exit::NoVerdict => 3,
            Exit::NothingRan => 4,
            Exit::Report => 5,
            Exit::HungUp => 129,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// The exit code of a number; `None` if unknown.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// When a command exits with it, in one sentence without a period.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Success => "the contract holds: at least one case passed, and none failed",
            Exit::ContractViolated => {
                "the contract is broken: a case failed, a change is breaking, or a limit such as `--max-skipped` or \
                 `--min-score` was missed"
            }
            Exit::Usage => "usage error, or an invalid suite or configuration: nothing was sent",
            Exit::NoVerdict => {
                "no verdict: no case failed, but the target was unreachable, was not ready or did not respond in HTTP, a \
                 setup failed, or the run ended early"
            }
            Exit::NothingRan => {
                "no case ran: the selection is valid and leaves nothing to run, or all cases were skipped"
            }
            Exit::Report => "a report or a recording could not be written, and no case failed",
            Exit::HungUp => "ended by SIGHUP; reports and the recording contain everything that finished",
            Exit::Interrupted => "ended by SIGINT (Ctrl-C); reports and the recording contain everything that finished",
            Exit::Terminated => "ended by SIGTERM; reports and the recording contain everything that finished",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Counts;

    fn finished(counts: Counts, stopped: Option<Stop>, max_skipped: Option<usize>) -> RunFinished {
        RunFinished {
            counts,
            project_cases: counts.all(),
            max_skipped,
            elapsed_us: 0,
            stopped,
            exit_code: 0,
        }
    }

    #[test]
    fn more_skipped_cases_than_allowed_exit_with_one() {
        let counts = Counts {
            passed: 5,
            skipped: 2,
            passed_before: 9,
            ..Counts::default()
        };
        let code = |counts, max| Exit::of(&finished(counts, None, max), Flaky::Fail).code();
        assert_eq!([None, Some(3), Some(2)].map(|max| code(counts, max)), [0, 0, 0]);
        assert_eq!([Some(1), Some(0)].map(|max| code(counts, max)), [1, 1]);
        let none_ran = Counts { passed: 0, ..counts };
        assert_eq!([None, Some(1)].map(|max| code(none_ran, max)), [0, 1]);
        let all_skipped = Counts {
            passed_before: 0,
            ..none_ran
        };
        assert_eq!([None, Some(1)].map(|max| code(all_skipped, max)), [4, 1]);
        let interrupted = finished(counts, Some(Stop::Interrupted), Some(0));
        assert_eq!(Exit::of(&interrupted, Flaky::Fail).code(), 130);
    }

    #[test]
    fn only_a_run_in_which_every_verdict_is_a_pass_exits_with_zero() {
        let exit = |counts: Counts, stopped, reported| {
            let finished = finished(counts, stopped, None);
            Exit::of(&finished, Flaky::Fail).reported(reported).code()
        };
        let passed = Counts {
            passed: 1,
            skipped: 1,
            ..Counts::default()
        };
        assert_eq!(exit(passed, None, true), 0);
        assert_eq!(exit(passed, None, false), 5);
        assert_eq!(exit(passed, Some(Stop::Interrupted), true), 130);
        assert_eq!(exit(passed, Some(Stop::Terminated), false), 143);
        assert_eq!(exit(passed, Some(Stop::HungUp), true), 129);
        for stop in [
            Stop::Deadline,
            Stop::MaxFail,
            Stop::NotReady,
            Stop::Unreachable,
            Stop::Lost,
        ] {
            assert_eq!(exit(passed, Some(stop), true), 3);
        }
        assert_eq!(exit(Counts { errored: 1, ..passed }, None, true), 3);
        assert_eq!(exit(Counts { errored: 1, ..passed }, None, false), 5);
        assert_eq!(exit(Counts { not_run: 1, ..passed }, None, true), 3);
        let failed = Counts {
            failed: 1,
            errored: 1,
            ..passed
        };
        assert_eq!(exit(failed, None, true), 1);
        assert_eq!(exit(failed, None, false), 1);
        assert_eq!(exit(failed, Some(Stop::MaxFail), true), 1);
        assert_eq!(exit(failed, Some(Stop::Deadline), true), 1);
        let skipped = Counts {
            skipped: 3,
            ..Counts::default()
        };
        assert_eq!(exit(skipped, None, true), 4);
        assert_eq!(exit(Counts::default(), None, true), 4);
    }

    #[test]
    fn a_flaky_case_fails_the_run_unless_the_target_says_otherwise() {
        let flaky = Counts {
            flaky: 1,
            passed: 1,
            ..Counts::default()
        };
        let flaky = finished(flaky, None, None);
        assert_eq!(Exit::of(&flaky, Flaky::Fail).code(), 1);
        assert_eq!(Exit::of(&flaky, Flaky::Pass).code(), 0);
    }
}
