//! `conforme report`

use super::{
    Exit, Printer,
    args::ReportArgs,
    outputs::{Inputs, Outputs},
    reports::Reports,
};
use crate::{
    model::{Event, Stop},
    recording::Recording,
    redact::Redacted,
};

/// Generates reports from a recorded run. It exits with its own success, not with the run's: with 3 if the recording ends
/// before the run does, and with 1 if more cases were skipped than its own `--max-skipped` allows.
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
    let flaky = recording.started().flaky;
    let mut is_gate_missed = false;
    for event in recording {
        let event = event.map_err(|error| fail(&error))?.into_inner();
        let event = match event {
            Event::RunFinished(mut finished) if args.max_skipped.is_some() => {
                finished.max_skipped = args.max_skipped;
                finished.conclude(flaky);
                is_gate_missed = finished.skipped_too_many();
                Event::RunFinished(finished)
            }
            event => event,
        };
        reports.tell(&Redacted::recorded(event));
    }
    // What the run exited with is not this command's result, but a part of a run is not a run.
    let exit = match end.stopped {
        _ if is_gate_missed => Exit::ContractViolated,
        Some(Stop::Lost) => {
            printer.error(&format!(
                "`{}`: {}: no verdict",
                args.recording.display(),
                Stop::Lost.text()
            ));
            Exit::NoVerdict
        }
        _ => Exit::Success,
    };
    Ok(exit.reported(reports.finish(printer)))
}
