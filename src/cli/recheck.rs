//! `conforme recheck`.

use std::path::PathBuf;

use super::{Printer, args::RecheckArgs, terminal::terminal};
use crate::{
    model::Exit,
    session::{self, CaseFilter, RecheckRequest, SessionError},
};

pub(super) fn recheck(
    args: RecheckArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let terminal = terminal(&args.reports, args.output.options(), printer);
    let request = RecheckRequest {
        project,
        filter: CaseFilter {
            names: args.names,
            tags: args.tags,
            ids: Vec::new(),
        },
        recording: args.recording,
        max_skipped: args.max_skipped,
        reports: args.reports,
    };
    session::recheck(&request, terminal, printer)
}
