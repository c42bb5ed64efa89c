//! `conforme mutate`.

use std::{num::NonZero, path::PathBuf};

use super::{
    CaseFilter, Documents, Notices, SessionError, Workspace,
    outputs::{Inputs, Outputs},
    recheck::plan_recorded,
};
use crate::{
    model::{Exit, Stop},
    mutate::{Measured, Measuring, measure},
    recording::Recording,
    report::{MAX_ADVISED, MAX_SHOWN_SURVIVORS, ReportSpec},
};

/// Options of a measurement.
#[derive(Clone, Debug, Default)]
pub struct MutateRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The cases to measure.
    pub filter: CaseFilter,
    /// The recording of a run that passed.
    pub recording: PathBuf,
    /// The lowest score, in percent, that is accepted.
    pub min_score: Option<f64>,
    /// Number of threads; by default the number of cores.
    pub jobs: Option<u16>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
    /// Whether the terminal shows everything.
    pub verbose: bool,
}

/// A completed measurement.
#[non_exhaustive]
pub struct Measurement {
    /// The result.
    pub measured: Measured,
    /// The reports, which are still to be written.
    pub documents: Documents,
    /// The exit code.
    pub exit: Exit,
}

/// Measures a suite by the responses of a recorded run.
pub fn mutate(request: &MutateRequest, notices: &mut dyn Notices) -> Result<Measurement, SessionError> {
    let workspace = Workspace::open(request.project.as_deref(), notices)?;
    let path = &request.recording;
    let unreadable = SessionError::recording(path);
    let recorded = Recording::open(path).map_err(&unreadable)?.started().clone();
    let end = Recording::verify(path).map_err(&unreadable)?;
    let inputs = Inputs::of([path.as_path()]).project(&workspace);
    Outputs::new(&request.reports, None).check(&inputs)?;
    let plan = plan_recorded(path, &recorded, &request.filter, &workspace)?;
    if recorded.suite_hash != workspace.hash() {
        notices.note("the suite has changed since this was recorded; it is measured as the suite is now");
    }
    let documents = Documents::open(&request.reports)?;
    let name = path.display().to_string();
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let is_complete = request.verbose || !request.reports.is_empty();
    let measuring = Measuring {
        name: &name,
        jobs: request.jobs.map_or_else(cores, usize::from),
        min_score: request.min_score,
        schemas: &workspace.schemas,
        advised: if is_complete { MAX_ADVISED } else { MAX_SHOWN_SURVIVORS },
    };
    let measured = measure(path, &plan, &workspace.sources, measuring).map_err(&unreadable)?;
    let exit = match Exit::of_code(measured.exit_code).unwrap_or(Exit::NoVerdict) {
        Exit::Success if end.stopped == Some(Stop::Lost) => {
            notices.error(&format!("`{name}`: {}: no verdict", Stop::Lost.text()));
            Exit::NoVerdict
        }
        exit => exit,
    };
    Ok(Measurement {
        measured,
        documents,
        exit,
    })
}
