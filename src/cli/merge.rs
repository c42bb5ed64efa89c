//! `conforme merge`.

use super::{Printer, args::MergeArgs, terminal::terminal};
use crate::{
    model::Exit,
    session::{self, MergeRequest, SessionError},
};

pub(super) fn merge(args: MergeArgs, printer: &mut Printer) -> Result<Exit, SessionError> {
    let terminal = terminal(&args.reports, args.output.options(), printer);
    let request = MergeRequest {
        recordings: args.recordings,
        max_skipped: args.max_skipped,
        record: args.record,
        reports: args.reports,
    };
    session::merge(&request, terminal, printer)
}
