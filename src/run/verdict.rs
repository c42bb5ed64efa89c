//! Derives the verdict from findings, and writes the case's snapshot.

use std::collections::BTreeSet;

use super::{RunOptions, SnapshotMode, worker::CaseResult};
use crate::{
    check::Judgement,
    model::{Attempt, CaseFinished, CheckId, Exchange, Level, Reply, Step, Verdict, shown, worst},
    plan::Planned,
    snapshot::SnapshotError,
    source::Sources,
};

/// The verdict on a case. `stale` contains the cases with pending snapshots of an earlier run.
pub(super) fn conclude(
    judged: CaseResult,
    planned: &Planned,
    sources: &Sources,
    options: &RunOptions,
    stale: &BTreeSet<String>,
) -> CaseFinished {
    let CaseResult {
        index: _,
        started,
        exchange,
        judgement,
        previous,
        mut repeats,
    } = judged;
    let mut no_verdict = None;
    let mut judgement = judgement.unwrap_or_else(|| {
        let other = planned.case.def.expect.same_as.as_ref();
        let id = other.map_or("", |other| other.value.as_str());
        no_verdict = Some(format!("no response of {id} to compare with"));
        Judgement::default()
    });
    let written = match keep(&mut judgement, &exchange, planned, sources, options, stale) {
        Ok(written) => written,
        Err(error) => {
            no_verdict = Some(error.to_string());
            None
        }
    };
    let (verdict, reason) = match &exchange.reply {
        Reply::Failure(failure) => (Verdict::Errored, Some(failure.message.clone())),
        _ if judgement.fails() => (Verdict::Failed, no_verdict),
        _ if no_verdict.is_some() => (Verdict::Errored, no_verdict),
        _ if previous.is_empty() => (Verdict::Passed, None),
        _ => (Verdict::Flaky, None),
    };
    let mut last = Attempt {
        reason,
        steps: vec![Step {
            started: Some(started),
            elapsed_us: exchange.reply.elapsed_us(),
            findings: judgement.findings,
            exchange: Some(exchange),
            ..Step::default()
        }],
    };
    let verdict = worst(verdict, &mut last, &mut repeats);
    CaseFinished {
        last,
        previous,
        repeats,
        snapshot: written,
        ..planned.finished(sources, verdict)
    }
}

/// Writes the new snapshot if requested; the path is relative to the project.
fn keep(
    judgement: &mut Judgement,
    exchange: &Exchange,
    planned: &Planned,
    sources: &Sources,
    options: &RunOptions,
    stale: &BTreeSet<String>,
) -> Result<Option<String>, SnapshotError> {
    let id = &planned.case.id;
    // A response with other failures must not be accepted.
    let others_hold = judgement
        .findings
        .iter()
        .all(|finding| finding.check == CheckId::Snapshot || finding.level != Level::Deny);
    let new = judgement.snapshot.as_ref().filter(|_| others_hold);
    let Some(text) = new.filter(|_| options.snapshots != SnapshotMode::Check) else {
        // A pending snapshot of an earlier run is obsolete now.
        if stale.contains(id) {
            options.store.clear_pending(id)?;
        }
        return Ok(None);
    };
    let (source, text) = (
        sources.place(planned.case.span).file,
        options.hide.snapshot(text, exchange),
    );
    let path = if options.snapshots == SnapshotMode::Accept {
        let path = options.store.write_accepted(id, &source, &text)?;
        judgement.findings.retain(|finding| finding.check != CheckId::Snapshot);
        path
    } else {
        options.store.write_pending(id, &source, &text)?
    };
    Ok(Some(shown(&options.root, &path)))
}
