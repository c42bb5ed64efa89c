//! `conforme merge`

use super::{
    Exit, Printer,
    args::MergeArgs,
    outputs::{Inputs, Outputs},
    reports::Reports,
};
use crate::merge::Merged;

pub(super) fn merge(args: &MergeArgs, printer: &mut Printer) -> Exit {
    match try_merge(args, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_merge(args: &MergeArgs, printer: &Printer) -> Result<Exit, Exit> {
    let fail = |error: &dyn std::fmt::Display| {
        printer.error(&error.to_string());
        Exit::Usage
    };
    let inputs = Inputs::of(args.recordings.iter().map(AsRef::as_ref));
    Outputs::new(&args.reports, args.record.as_deref()).check(&inputs, printer)?;
    let mut merged = Merged::open(&args.recordings).map_err(|error| fail(&error))?;
    if let Some(max) = args.max_skipped {
        merged.limit_skipped(max);
    }
    let mut reports = Reports::open(&args.reports, args.output.options(), printer)?;
    if let Some(path) = &args.record {
        reports.record(path, printer)?;
    }
    merged.tell(|event| reports.tell(event)).map_err(|error| fail(&error))?;
    if !merged.missing().is_empty() {
        printer.error(&format!("no recording of {}", merged.missing().join(", ")));
    }
    Ok(merged.exit().reported(reports.finish(printer)))
}
