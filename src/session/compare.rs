//! `conforme compare`.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    CaseFilter, Documents, LockstepOptions, Notices, SessionError, Workspace,
    documents::is_of_documents,
    lockstep::{self, Recordings},
    outputs::{Inputs, Outputs},
};
use crate::{
    compare::{
        ACCEPTED_FILE, AcceptedEntry, ChangeLevel, CompareError, CompareOptions, CompareSettings, Comparison, Judge,
        SuiteFacts, Version, compare as compare_recordings, read_accepted, unknown_names,
    },
    plan::{Plan, Selection},
    project::Target,
    recording::Recording,
    report::ReportSpec,
    source::{Diagnostics, Sources},
};

/// Options of a comparison.
#[derive(Clone, Debug, Default)]
pub struct CompareRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The cases to compare.
    pub filter: CaseFilter,
    /// The version to compare with: a recording, a target, or an `OpenAPI` document.
    pub baseline: String,
    /// The version under test: a recording, a target, or an `OpenAPI` document.
    pub candidate: String,
    /// The lowest level of changes that fail the comparison.
    pub fail_on: Option<ChangeLevel>,
    /// The file of accepted changes; by default that of the project.
    pub accepted: Option<PathBuf>,
    /// How targets are tested.
    pub live: LockstepOptions,
    /// Of two documents: the recordings of the baseline and of the candidate, or none.
    pub observed: Vec<PathBuf>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
}

/// Compares two versions. Those that are targets are run first, in lockstep. The documents are still to be written.
pub fn compare(request: &CompareRequest, notices: &mut dyn Notices) -> Result<(Comparison, Documents), SessionError> {
    if is_of_documents(request)? {
        return Err(SessionError::Usage(
            "these are two OpenAPI documents: they are compared by `compare_documents`".to_owned(),
        ));
    }
    if !request.observed.is_empty() {
        return Err(SessionError::Usage(
            "`--observed` is for two OpenAPI documents: these are recordings or targets".to_owned(),
        ));
    }
    let workspace = workspace(request, notices)?.map(Arc::new);
    let workspace = workspace.as_ref();
    let facts = workspace.map_or_else(SuiteFacts::default, |one| SuiteFacts::of(&one.suites, &one.schemas));
    let settings = workspace.map_or_else(CompareSettings::default, |one| one.compare.clone());
    let root = workspace.map(|workspace| workspace.project.root.as_path());
    let accepted = accepted(request, &settings, root)?;
    let selection = match workspace {
        Some(workspace) if !request.filter.is_empty() => Some((request.filter.select(workspace)?, workspace)),
        _ => None,
    };
    let selected = selection.as_ref().map(|(selection, workspace)| {
        let cases = workspace.suites.cases.iter();
        let cases = cases.filter(|case| selection.selects(case, &workspace.sources));
        cases.map(|case| case.id.as_str()).collect::<HashSet<_>>()
    });
    check_outputs(request, workspace.map(Arc::as_ref))?;
    let documents = Documents::open(&request.reports)?;
    let is_live = |name: &str| is_target(name, workspace.map(Arc::as_ref));
    if is_live(&request.baseline) && is_live(&request.candidate) {
        // Checked before anything is sent.
        let unknown = unknown_names(&accepted, &facts);
        if !unknown.is_empty() {
            return Err(SessionError::UnknownNames(unknown));
        }
    }
    let versions = Versions::record(request, workspace, notices)?;
    let plan = workspace.and_then(|workspace| judging_plan(&versions.baseline, workspace));
    let judge = workspace.zip(plan.as_ref());
    let judge = judge.map(|(workspace, plan)| Judge::new(plan, &workspace.sources));
    let comparing = CompareOptions {
        facts: &facts,
        judge: judge.as_ref(),
        levels: &settings.levels,
        accepted: &accepted,
        today: Utc::now().date_naive(),
        fail_on: request.fail_on,
        wanted: &|id| selected.as_ref().is_none_or(|selected| selected.contains(id)),
    };
    let mut comparison = versions.compare(request, &comparing)?;
    if let Some(exit) = versions
        .recordings
        .as_ref()
        .and_then(|recordings| recordings.interrupted)
    {
        comparison.summary.exit_code = exit.code();
    }
    if comparison.baseline.suite_hash != comparison.candidate.suite_hash {
        notices.note("the two recordings are of different suites: cases that changed can differ for that reason");
    }
    Ok((comparison, documents))
}

/// Rejects outputs that would overwrite a file that the comparison reads.
fn check_outputs(request: &CompareRequest, workspace: Option<&Workspace>) -> Result<(), SessionError> {
    let versions = [&request.baseline, &request.candidate].map(|name| Path::new(name.as_str()));
    let files = versions.into_iter().chain(request.accepted.as_deref());
    let mut inputs = Inputs::of(files.chain(request.live.target.ca_file.as_deref()));
    if let Some(workspace) = workspace {
        inputs = inputs.project(workspace);
    }
    Outputs::new(&request.reports, None).check(&inputs)
}

/// The plan by which responses of a recording are judged again; `None` if its target cannot be rebuilt.
pub(super) fn judging_plan(recording: &Path, workspace: &Workspace) -> Option<Plan> {
    let recorded = Recording::open(recording).ok()?;
    let target = Target::recorded(recorded.started()).ok()?;
    // Cases that cannot be bound are not judged again.
    let mut errors = Diagnostics::default();
    Some(Plan::new(
        &workspace.suites,
        &Selection::default(),
        Arc::new(target),
        workspace.snapshots.clone(),
        &workspace.sources,
        &mut errors,
    ))
}

/// The recordings that are compared.
struct Versions {
    baseline: PathBuf,
    candidate: PathBuf,
    /// Those that were made for the comparison.
    recordings: Option<Recordings>,
}

impl Versions {
    /// Records the versions that are targets.
    fn record(
        request: &CompareRequest,
        workspace: Option<&Arc<Workspace>>,
        notices: &mut dyn Notices,
    ) -> Result<Self, SessionError> {
        let names = [&request.baseline, &request.candidate];
        let is_live = names.map(|name| is_target(name, workspace.map(Arc::as_ref)));
        for (name, is_live) in names.into_iter().zip(is_live) {
            if !is_live && !Path::new(name).exists() {
                return Err(SessionError::Usage(format!(
                    "`{name}` is neither a recording nor a target of conforme.toml nor a URL nor an OpenAPI document"
                )));
            }
        }
        let mut paths = names.map(PathBuf::from);
        let live = || names.into_iter().zip(is_live).filter(|(_, is_live)| *is_live);
        let targets: Vec<_> = live().map(|(name, _)| name.clone()).collect();
        let mut recordings = None;
        if !targets.is_empty() {
            let Some(workspace) = workspace else {
                return Err(SessionError::Usage(
                    "a target needs the cases of a project, and there is no project here: name one with `--project`"
                        .to_owned(),
                ));
            };
            let selection = request.filter.select(workspace)?;
            let recorded = lockstep::record(&targets, &request.live, &selection, workspace, notices)?;
            let live = paths.iter_mut().zip(is_live).filter(|(_, is_live)| *is_live);
            for ((path, _), recorded) in live.zip(&recorded.paths) {
                path.clone_from(recorded);
            }
            recordings = Some(recorded);
        }
        let [baseline, candidate] = paths;
        Ok(Self {
            baseline,
            candidate,
            recordings,
        })
    }

    fn compare(&self, request: &CompareRequest, comparing: &CompareOptions<'_>) -> Result<Comparison, SessionError> {
        let version = |path, name| Version { path, name };
        let compared = compare_recordings(
            version(&self.baseline, &request.baseline),
            version(&self.candidate, &request.candidate),
            comparing,
        );
        compared.map_err(|error| match error {
            CompareError::UnknownNames(names) => SessionError::UnknownNames(names),
            CompareError::Unreadable { is_candidate, source } => {
                let path = if is_candidate { &self.candidate } else { &self.baseline };
                SessionError::recording(path)(source)
            }
        })
    }
}

/// Whether it names a target: a URL, a target of conforme.toml, or the embedded API unless there is a file of that name.
pub(super) fn is_target(name: &str, workspace: Option<&Workspace>) -> bool {
    let is_known = workspace.is_some_and(|workspace| workspace.project.targets.iter().any(|(known, _)| known == name));
    name.contains("://") || is_known || (name == "reference" && !Path::new(name).exists())
}

/// The project, if there is one: recordings can be compared without it.
fn workspace(request: &CompareRequest, notices: &mut dyn Notices) -> Result<Option<Workspace>, SessionError> {
    let mut versions = [&request.baseline, &request.candidate].into_iter();
    let is_needed =
        versions.any(|name| is_target(name, None)) || request.project.is_some() || !request.filter.is_empty();
    if !is_needed && !Workspace::is_here() {
        notices.note("there is no project here: a failing check is not attributed to one of several differences");
        return Ok(None);
    }
    Workspace::open(request.project.as_deref(), notices).map(Some)
}

/// The accepted changes: of the given file, or else of the file that the project names, or of its usual one.
pub(super) fn accepted(
    request: &CompareRequest,
    settings: &CompareSettings,
    root: Option<&Path>,
) -> Result<Vec<AcceptedEntry>, SessionError> {
    let usual = root.map(|root| root.join(ACCEPTED_FILE));
    let path = match (&request.accepted, &settings.accepted, usual) {
        (Some(path), _, _) | (None, Some(path), _) => path.clone(),
        (None, None, Some(path)) if path.is_file() => path,
        _ => return Ok(Vec::new()),
    };
    let root = root.unwrap_or(Path::new("."));
    let (mut sources, mut errors) = (Sources::new(root), Diagnostics::default());
    let entries = read_accepted(&path, &mut sources, &mut errors);
    if errors.is_empty() {
        Ok(entries)
    } else {
        let sources = Arc::new(sources);
        Err(SessionError::Invalid { errors, sources })
    }
}
