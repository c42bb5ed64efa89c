//! `conforme report`

use super::{
    Exit, Printer,
    args::ReportArgs,
    outputs::{Inputs, Outputs},
    reports::Reports,
};
use crate::{
    event::{Event, Stop},
    recording::Recording,
    redact::Redacted,
};

/// Reports a recorded run again. It exits with its own success, not with the run's; with 3 where the recording ends before the run.
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
    Outputs::new(&args.reports, None).check(&Inputs::of([args.recording.as_path()]), printer)?;
    let end = Recording::verify(&args.recording).map_err(|error| fail(&error))?;
    let recording = Recording::open(&args.recording).map_err(|error| fail(&error))?;
    let mut reports = Reports::open(&args.reports, args.output.options(), printer)?;
    reports.tell(&Redacted::recorded(Event::RunStarted(recording.started().clone())));
    for event in recording {
        reports.tell(&event.map_err(|error| fail(&error))?);
    }
    // What the run exited with is not this command's result, but a part of a run is not a run.
    let exit = match end.stopped {
        Some(Stop::Lost) => {
            printer.error(&format!(
                "`{}`: {}: no verdict",
                args.recording.display(),
                Stop::Lost.text()
            ));
            Exit::NoVerdict
        }
        _ => Exit::Holds,
    };
    Ok(exit.reported(reports.finish(printer)))
}
