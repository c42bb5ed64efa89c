//! `conforme merge`.

use std::path::PathBuf;

use super::{
    Notices, SessionError,
    outputs::{Inputs, Outputs},
    reports::Reports,
};
use crate::{mask::Reporter, model::Exit, recording::Merged, report::ReportSpec};

/// Options of `merge`.
#[derive(Clone, Debug, Default)]
pub struct MergeRequest {
    /// The recordings of the parts.
    pub recordings: Vec<PathBuf>,
    /// Maximum number of skipped cases in all parts together; by default as recorded.
    pub max_skipped: Option<usize>,
    /// The merged recording to write.
    pub record: Option<PathBuf>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
}

/// Merges recordings, and reports them to `terminal` and to the reports of the request as one run.
pub fn merge(
    request: &MergeRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let inputs = Inputs::of(request.recordings.iter().map(AsRef::as_ref));
    Outputs::new(&request.reports, request.record.as_deref()).check(&inputs)?;
    let mut merged = Merged::open(&request.recordings)?;
    if let Some(max) = request.max_skipped {
        merged.limit_skipped(max);
    }
    let mut reports = Reports::open(&request.reports, terminal)?;
    if let Some(path) = &request.record {
        reports.record(path)?;
    }
    merged.report(|event| reports.event(event))?;
    if !merged.missing().is_empty() {
        notices.error(&format!("no recording of {}", merged.missing().join(", ")));
    }
    Ok(merged.exit().reported(reports.finish(notices)))
}
