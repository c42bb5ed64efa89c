//! `conforme coverage`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Documents, Notices, SessionError, Workspace,
    documents::open_document,
    outputs::{Inputs, Outputs},
    prepared::TOOL,
};
use crate::{
    coverage::{Coverage, CoverageMinimum, CoverageSources, Gathering},
    model::{Exit, RunStarted},
    openapi::ApiDocument,
    project::Target,
    recording::Recording,
    report::ReportSpec,
};

/// Options of `coverage`.
#[derive(Clone, Debug, Default)]
pub struct CoverageRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The recordings.
    pub recordings: Vec<PathBuf>,
    /// The document; by default those that the suites of the recordings name.
    pub openapi: Option<PathBuf>,
    /// The lowest coverage that is accepted.
    pub minimums: Vec<CoverageMinimum>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
}

/// Measures how much of the API documents recordings show. The reports are still to be written.
pub fn coverage(request: &CoverageRequest, notices: &mut dyn Notices) -> Result<(Coverage, Documents), SessionError> {
    let recordings = request.recordings.iter().map(PathBuf::as_path);
    let (sources, inputs) = match &request.openapi {
        Some(path) => of_file(path, notices)?,
        None => of_suites(request, notices)?,
    };
    Outputs::new(&request.reports, None).check(&inputs.and(recordings))?;
    let documents = Documents::open(&request.reports)?;
    let is_of_suites = sources.suites.is_some();
    let mut gathering = Gathering::new(sources);
    for path in &request.recordings {
        let unreadable = SessionError::recording(path);
        let recording = Recording::open(path).map_err(&unreadable)?;
        let base = base(recording.started());
        let name = path.display().to_string();
        gathering.read(&name, &base, recording).map_err(&unreadable)?;
    }
    let coverage = gathering.finish(TOOL, &request.minimums);
    if is_of_suites && coverage.documents.is_empty() {
        return Err(SessionError::Advised {
            message: "no suite of these recordings names an OpenAPI document".to_owned(),
            help: "add `openapi: FILE` to suite.yaml, or name the document with `--openapi FILE`".to_owned(),
            exit: Exit::Usage,
        });
    }
    Ok((coverage, documents))
}

/// The base URL of the target of a recording, without a slash at its end.
pub(super) fn base(started: &RunStarted) -> String {
    let target = Target::recorded(started);
    let base = target.map_or_else(|_| started.base_url.clone(), |target| target.base.to_string());
    base.trim_end_matches('/').to_owned()
}

/// A document that describes all recordings.
fn of_file(path: &Path, notices: &mut dyn Notices) -> Result<(CoverageSources, Inputs), SessionError> {
    let opened = open_document(path, &format!("--openapi `{}`", path.display()), notices)?;
    let inputs = Inputs::of(opened.files.iter().map(PathBuf::as_path));
    let sources = CoverageSources {
        documents: vec![Arc::new(opened.document)],
        ..CoverageSources::default()
    };
    Ok((sources, inputs))
}

/// The documents of the suites that the recordings are of.
fn of_suites(request: &CoverageRequest, notices: &mut dyn Notices) -> Result<(CoverageSources, Inputs), SessionError> {
    let workspace = Workspace::open(request.project.as_deref(), notices)?;
    notices.warnings(&workspace.warnings(), &workspace.sources);
    let (mut documents, mut suites): (Vec<Arc<ApiDocument>>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for suite in &workspace.suites.suites {
        let Some(document) = &suite.def.openapi else { continue };
        let known = documents.iter().position(|known| Arc::ptr_eq(known, document));
        let index = known.unwrap_or_else(|| {
            documents.push(Arc::clone(document));
            documents.len() - 1
        });
        suites.insert(suite.id.clone(), index);
    }
    let mut operations: HashMap<String, HashMap<String, String>> = HashMap::new();
    for case in &workspace.suites.cases {
        for step in &case.def.steps {
            if let Some(named) = &step.operation {
                let of_case = operations.entry(case.id.clone()).or_default();
                of_case.insert(step.id.clone(), named.value.clone());
            }
        }
    }
    let sources = CoverageSources {
        documents,
        suites: Some(suites),
        operations,
    };
    Ok((sources, Inputs::default().project(&workspace)))
}
