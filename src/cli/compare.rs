//! `conforme compare`.

use std::path::PathBuf;

use super::{
    Printer,
    args::{CompareArgs, FailOn},
    terminal::present,
};
use crate::{
    compare::ChangeLevel,
    model::Exit,
    report::{Report, ShowOptions},
    session::{self, CaseFilter, CompareRequest, SessionError},
};

pub(super) fn compare(
    args: CompareArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let options = ShowOptions {
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let request = CompareRequest {
        project,
        filter: CaseFilter {
            names: args.names,
            tags: args.tags,
            ids: Vec::new(),
        },
        baseline: args.baseline,
        candidate: args.candidate,
        fail_on: args.fail_on.level(),
        accepted: args.accepted,
        live: args.live.options(args.repeats, printer)?,
        observed: args.observed,
        reports: args.reports,
    };
    if session::is_of_documents(&request)? {
        let (comparison, documents) = session::compare_documents(&request, printer)?;
        let exit = Exit::of_code(comparison.summary.exit_code).unwrap_or(Exit::NoVerdict);
        return Ok(present(&Report::from(&comparison), documents, exit, options, printer));
    }
    let (comparison, documents) = session::compare(&request, printer)?;
    let exit = Exit::of_code(comparison.summary.exit_code).unwrap_or(Exit::NoVerdict);
    let report = Report::from(&comparison);
    Ok(present(&report, documents, exit, options, printer))
}

impl FailOn {
    fn level(self) -> Option<ChangeLevel> {
        match self {
            Self::Breaking => Some(ChangeLevel::Breaking),
            Self::Warning => Some(ChangeLevel::Warning),
            Self::Any => Some(ChangeLevel::Info),
            Self::None => None,
        }
    }
}
