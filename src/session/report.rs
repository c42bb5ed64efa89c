//! `conforme report`.

use std::path::PathBuf;

use super::{
    Notices, SessionError,
    outputs::{Inputs, Outputs},
    reports::Reports,
};
use crate::{
    mask::{Masked, Reporter},
    model::{Event, Exit, Stop},
    recording::Recording,
    report::ReportSpec,
};

/// Options of `report`.
#[derive(Clone, Debug, Default)]
pub struct ReportRequest {
    /// The recording.
    pub recording: PathBuf,
    /// Maximum number of skipped cases; by default it is not checked.
    pub max_skipped: Option<usize>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
}

/// Reports a recorded run to `terminal` and to the reports of the request. The exit code is not that of the run: it is 3
/// if the recording is incomplete, 1 if more cases were skipped than the request allows, and otherwise 0.
pub fn report(
    request: &ReportRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let path = &request.recording;
    let unreadable = SessionError::recording(path);
    Outputs::new(&request.reports, None).check(&Inputs::of([path.as_path()]))?;
    let end = Recording::verify(path).map_err(&unreadable)?;
    let recording = Recording::open(path).map_err(&unreadable)?;
    let mut reports = Reports::open(&request.reports, terminal)?;
    reports.event(&Masked::recorded(Event::RunStarted(recording.started().clone())));
    let flaky = recording.started().flaky;
    let mut is_gate_missed = false;
    for event in recording {
        let mut event = event.map_err(&unreadable)?.into_inner();
        if let Event::RunFinished(finished) = &mut event
            && request.max_skipped.is_some()
        {
            finished.max_skipped = request.max_skipped;
            finished.conclude(flaky);
            is_gate_missed = finished.skipped_too_many();
        }
        reports.event(&Masked::recorded(event));
    }
    let exit = match end.stopped {
        _ if is_gate_missed => Exit::ContractViolated,
        Some(Stop::Lost) => {
            notices.error(&format!("`{}`: {}: no verdict", path.display(), Stop::Lost.text()));
            Exit::NoVerdict
        }
        _ => Exit::Success,
    };
    Ok(exit.reported(reports.finish(notices)))
}
