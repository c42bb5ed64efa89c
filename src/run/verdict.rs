//! Derives the verdict from findings, and writes the case's snapshots.

use std::collections::BTreeSet;

use super::{RunOptions, SnapshotMode, worker::CaseResult};
use crate::{
    model::{CaseFinished, CheckId, Level, Step, shown, worst},
    plan::Planned,
    snapshot::SnapshotError,
    source::Sources,
};

/// The verdict on a case. `stale` contains the ids of pending snapshots of an earlier run.
pub(super) fn conclude(
    judged: CaseResult,
    planned: &Planned,
    sources: &Sources,
    options: &RunOptions,
    stale: &BTreeSet<String>,
) -> CaseFinished {
    let CaseResult {
        index: _,
        mut last,
        snapshots,
        previous,
        mut repeats,
    } = judged;
    // A response of a case with other failures must not be accepted.
    let others_pass = last.steps.iter().all(|step| !step.has_no_response())
        && (last.steps.iter().flat_map(|step| &step.findings))
            .all(|finding| finding.check == CheckId::Snapshot || finding.level != Level::Deny);
    let mut written = None;
    for def in planned.case.def.steps.iter().filter(|def| def.has_snapshot()) {
        let id = planned.case.step_id(def);
        let Some((at, step)) = last.steps.iter_mut().enumerate().find(|(_, step)| step.id == def.id) else {
            continue;
        };
        let text = snapshots
            .iter()
            .find(|(of, _)| *of == at)
            .filter(|_| others_pass)
            .map(|(_, text)| text.as_str());
        match keep(&id, step, text, planned, sources, options, stale) {
            Ok(path) => written = written.or(path),
            Err(error) => last.reason = Some(error.to_string()),
        }
    }
    let verdict = last.verdict(!previous.is_empty());
    let verdict = worst(verdict, &mut last, &mut repeats);
    CaseFinished {
        last,
        previous,
        repeats,
        snapshot: written,
        ..planned.finished(sources, verdict)
    }
}

/// Writes the new snapshot of a step if requested; the path is relative to the project.
fn keep(
    id: &str,
    step: &mut Step,
    text: Option<&str>,
    planned: &Planned,
    sources: &Sources,
    options: &RunOptions,
    stale: &BTreeSet<String>,
) -> Result<Option<String>, SnapshotError> {
    let new = text.filter(|_| options.snapshots != SnapshotMode::Check);
    let (Some(text), Some(exchange)) = (new, &step.exchange) else {
        // A pending snapshot of an earlier run is obsolete now.
        if stale.contains(id) {
            options.store.clear_pending(id)?;
        }
        return Ok(None);
    };
    let source = sources.location(planned.case.span).file;
    let text = options.hide.snapshot(text, exchange);
    let path = if options.snapshots == SnapshotMode::Accept {
        let path = options.store.write_accepted(id, &source, &text)?;
        step.findings.retain(|finding| finding.check != CheckId::Snapshot);
        path
    } else {
        options.store.write_pending(id, &source, &text)?
    };
    Ok(Some(shown(&options.root, &path)))
}
