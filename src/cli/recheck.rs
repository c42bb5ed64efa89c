//! `conforme recheck`

use std::path::Path;

use chrono::Utc;

use super::{
    Exit, Printer,
    args::RecheckArgs,
    outputs::{Inputs, Outputs},
    reports::Reports,
    run::{select, unused_snapshots},
    workspace::Workspace,
};
use crate::{
    model::{Event, FORMAT, RunStarted},
    project::Target,
    recheck::{Rechecked, recheck as judge},
    recording::{Recording, RecordingError},
    redact::Redactor,
};

pub(super) fn recheck(args: &RecheckArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match try_recheck(args, folder, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_recheck(args: &RecheckArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    let workspace = Workspace::load(folder, printer)?;
    let path = &args.recording;
    let recording = Recording::open(path).map_err(|error| unreadable(path, &error, printer))?;
    let recorded = recording.started().clone();
    let target = Target::recorded(&recorded).map_err(|reason| {
        printer.error(&format!("the recording `{}`: {reason}", path.display()));
        Exit::Usage
    })?;
    let inputs = Inputs::of([path.as_path()]).project(&workspace);
    Outputs::new(&args.reports, None).check(&inputs, printer)?;
    let selection = select(&args.names, &args.tags, &workspace, printer)?;
    let plan = workspace.plan(&selection, target, printer)?;
    if recorded.suite_hash != workspace.hash() {
        printer.note("the suite has changed since this was recorded; it is judged as the suite is now");
    }
    Recording::verify(path).map_err(|error| unreadable(path, &error, printer))?;
    let mut reports = Reports::open(&args.reports, args.output.options(), printer)?;
    // The recording holds no secret: what is left for the redactor is to keep the events within bounds.
    let redactor = Redactor::recorded();
    reports.tell(&redactor.event(Event::RunStarted(RunStarted {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        started: Utc::now(),
        cases: plan.cases.len(),
        suite_hash: workspace.hash(),
        ..recorded
    })));
    let all_cases = workspace.suites.cases.len();
    let tell = |event| reports.tell(&redactor.event(event));
    let Rechecked { finished, exit, gone } = judge(path, &plan, &workspace.sources, all_cases, args.max_skipped, tell)
        .map_err(|error| unreadable(path, &error, printer))?;
    for path in unused_snapshots(&workspace) {
        reports.tell(&redactor.event(Event::SnapshotUnused { path }));
    }
    reports.tell(&redactor.event(Event::RunFinished(finished)));
    let exit = exit.reported(reports.finish(printer));
    if !gone.is_empty() && args.names.is_empty() && args.tags.is_empty() {
        printer.note(&format!(
            "these cases are in the recording and no longer in the suite: {}",
            gone.join(", ")
        ));
    }
    Ok(exit)
}

/// Says that a recording cannot be read.
pub(super) fn unreadable(path: &Path, error: &RecordingError, printer: &Printer) -> Exit {
    printer.error(&format!("failed to read the recording `{}`: {error}", path.display()));
    Exit::Usage
}
