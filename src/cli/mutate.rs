//! `conforme mutate`.

use std::path::PathBuf;

use super::{Printer, args::MutateArgs, terminal::show_measurement};
use crate::{
    model::Exit,
    session::{self, CaseFilter, MutateRequest, SessionError},
};

pub(super) fn mutate(args: MutateArgs, project: Option<PathBuf>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let request = MutateRequest {
        project,
        filter: CaseFilter {
            names: args.names,
            tags: args.tags,
            ids: Vec::new(),
        },
        recording: args.recording,
        min_score: args.min_score,
        jobs: args.jobs,
        reports: args.reports,
        verbose: args.verbose,
    };
    let measurement = session::mutate(&request, printer)?;
    Ok(show_measurement(measurement, args.quiet, args.verbose, printer))
}
