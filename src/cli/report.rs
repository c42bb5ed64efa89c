//! `conforme report`.

use super::{Printer, args::ReportArgs, terminal::terminal};
use crate::{
    model::Exit,
    session::{self, ReportRequest, SessionError},
};

pub(super) fn report(args: ReportArgs, printer: &mut Printer) -> Result<Exit, SessionError> {
    let terminal = terminal(&args.reports, args.output.options(), printer);
    let request = ReportRequest {
        recording: args.recording,
        max_skipped: args.max_skipped,
        reports: args.reports,
    };
    session::report(&request, terminal, printer)
}
