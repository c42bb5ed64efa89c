//! Cases that were not compared, and why.

use super::NotCompared;
use crate::model::{CaseFinished, Outcome, Phase, Step, Verdict};

impl NotCompared {
    /// The entry of a case without a response on both sides; `None` where no side has the case, or neither side needed it.
    pub(super) fn of(baseline: Option<&CaseFinished>, candidate: Option<&CaseFinished>) -> Option<Self> {
        let case = candidate.or(baseline)?;
        // What was not created on either side, such as by a near miss that is rejected, needs no cleanup.
        if baseline.is_some_and(is_unneeded) && candidate.is_some_and(is_unneeded) {
            return None;
        }
        let is_skipped = |case: &CaseFinished| case.verdict == Verdict::Skipped && !case.passed_before;
        // A case that was not selected on either side is no evidence about the candidate.
        let is_skipped_on_both = match (baseline, candidate) {
            (Some(one), Some(other)) => is_skipped(one) && is_skipped(other),
            (Some(one), None) => is_skipped(one),
            _ => false,
        };
        let is_missing =
            baseline.is_some() && !is_skipped_on_both && candidate.is_none_or(|case| response(case).is_err());
        let of = |side: &str, case: Option<&CaseFinished>| match case {
            None => Some(format!("not in the {side}")),
            Some(case) => response(case).err().map(|why| format!("{why} in the {side}")),
        };
        let reasons: Vec<_> = [of("baseline", baseline), of("candidate", candidate)]
            .into_iter()
            .flatten()
            .collect();
        Some(Self {
            case: case.id.clone(),
            name: case.name.clone(),
            suite: case.suite.clone(),
            location: case.location.clone(),
            is_missing,
            reason: reasons.join("; "),
            baseline_verdict: baseline.map(|case| case.verdict),
            candidate_verdict: candidate.map(|case| case.verdict),
        })
    }
}

/// Whether it is a teardown step that was not sent in a case that was run.
fn is_unneeded(case: &CaseFinished) -> bool {
    let is_left_out = |step: &Step| step.phase == Phase::Teardown && step.omitted.is_some() && step.findings.is_empty();
    let [step] = case.last.steps.as_slice() else {
        return false;
    };
    case.verdict == Verdict::NotRun && is_left_out(step)
}

/// Whether a case has a response, or else why not: a fragment that `in the candidate` can follow.
fn response(case: &CaseFinished) -> Result<(), String> {
    let reason = case.last.reason.as_deref().unwrap_or("no reason was recorded");
    match case.verdict {
        Verdict::Skipped if case.passed_before => Err("left out because it passed in an earlier run".to_owned()),
        Verdict::Skipped => Err(format!("skipped ({reason})")),
        Verdict::NotRun => Err(format!("not run ({reason})")),
        _ => match case.last.exchange().map(|exchange| &exchange.outcome) {
            Some(Outcome::Response(_)) => Ok(()),
            Some(Outcome::Malformed(malformed)) => Err(format!("malformed response ({})", malformed.reason)),
            Some(Outcome::Failure(failure)) => Err(format!("no response ({})", failure.message)),
            None => Err(format!("no response ({reason})")),
        },
    }
}
