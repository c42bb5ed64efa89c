//! `conforme report`

use super::{Exit, Printer, args::ReportArgs, reports::Reports};
use crate::{event::Event, recording::Recording, redact::Redacted};

/// Tells a recorded run again. What it exits with is its own success, not the run's.
pub(super) fn report(args: &ReportArgs, printer: &mut Printer) -> Exit {
    match try_report(args, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_report(args: &ReportArgs, printer: &Printer) -> Result<Exit, Exit> {
    let fail = |error: &dyn std::fmt::Display| {
        printer.error(&format!(
            "failed to read the recording `{}`: {error}",
            args.recording.display()
        ));
        Exit::Usage
    };
    let recording = Recording::open(&args.recording).map_err(|error| fail(&error))?;
    let mut reports = Reports::open(&args.reports, args.output.options(), printer)?;
    reports.tell(&Redacted::recorded(Event::RunStarted(recording.started().clone())));
    for event in recording {
        reports.tell(&event.map_err(|error| fail(&error))?);
    }
    Ok(Exit::Holds.reported(reports.finish(printer)))
}
