//! Exit codes: what a script can rely on.

use std::process::ExitCode;

use crate::event::{Interrupt, RunFinished};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: the contract holds; the command did what it was asked for.
    Holds,
    /// 1: the contract is broken: at least one case failed.
    Broken,
    /// 2: usage, or an invalid suite or configuration; nothing was sent.
    Usage,
    /// 3: no verdict: the target could not be reached or did not answer in HTTP, and no case failed.
    NoVerdict,
    /// 4: no case ran: nothing was selected, or everything was skipped.
    NothingRan,
    /// 5: a report could not be written.
    Report,
    /// 130: interrupted by Ctrl-C.
    Interrupted,
    /// 143: asked to terminate.
    Terminated,
}

impl Exit {
    /// The exit of a run, given whether its reports could be written. The first that applies, from the top:
    /// interrupted, broken, a report lost, no verdict, nothing ran.
    pub fn of(finished: &RunFinished, reported: bool) -> Self {
        let counts = &finished.counts;
        match finished.interrupted {
            Some(Interrupt::Int) => Exit::Interrupted,
            Some(Interrupt::Term) => Exit::Terminated,
            None if counts.failed > 0 => Exit::Broken,
            None if !reported => Exit::Report,
            None if counts.errored > 0 || counts.not_run > 0 => Exit::NoVerdict,
            None if counts.passed == 0 => Exit::NothingRan,
            None => Exit::Holds,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Holds => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::NoVerdict => 3,
            Exit::NothingRan => 4,
            Exit::Report => 5,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
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
    use crate::event::Counts;

    #[test]
    fn only_a_run_in_which_every_verdict_is_a_pass_exits_with_zero() {
        let exit = |counts: Counts, interrupted, reported| {
            let finished = RunFinished {
                counts,
                elapsed_us: 0,
                interrupted,
            };
            Exit::of(&finished, reported).code()
        };
        let passed = Counts {
            passed: 1,
            skipped: 1,
            ..Counts::default()
        };
        assert_eq!(exit(passed, None, true), 0);
        assert_eq!(exit(passed, None, false), 5);
        assert_eq!(exit(passed, Some(Interrupt::Int), true), 130);
        assert_eq!(exit(passed, Some(Interrupt::Term), false), 143);
        assert_eq!(exit(Counts { errored: 1, ..passed }, None, true), 3);
        assert_eq!(exit(Counts { not_run: 1, ..passed }, None, true), 3);
        let failed = Counts {
            failed: 1,
            errored: 1,
            ..passed
        };
        assert_eq!(exit(failed, None, true), 1);
        assert_eq!(exit(failed, None, false), 1);
        assert_eq!(
            exit(
                Counts {
                    skipped: 3,
                    ..Counts::default()
                },
                None,
                true
            ),
            4
        );
        assert_eq!(exit(Counts::default(), None, true), 4);
    }
}
