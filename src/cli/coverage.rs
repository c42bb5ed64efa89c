//! `conforme coverage`.

use std::path::PathBuf;

use super::{Printer, args::CoverageArgs, terminal::present};
use crate::{
    model::Exit,
    report::{Report, ShowOptions},
    session::{self, CoverageRequest, SessionError},
};

pub(super) fn coverage(
    args: CoverageArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let options = ShowOptions {
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let request = CoverageRequest {
        project,
        recordings: args.recordings,
        openapi: args.openapi,
        minimums: args.minimums,
        reports: args.reports,
    };
    let (coverage, documents) = session::coverage(&request, printer)?;
    let exit = Exit::of_code(coverage.exit_code).unwrap_or(Exit::NoVerdict);
    let report = Report::from(&coverage);
    Ok(present(&report, documents, exit, options, printer))
}
