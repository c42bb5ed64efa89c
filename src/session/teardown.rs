//! `conforme teardown`: runs the teardown of cases that a recorded run began and did not finish.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    CaseFilter, Notices, SessionError, Workspace,
    prepared::{self, Prepared, masker},
    reports::Reports,
    run::send_plan,
    target,
};
use crate::{
    mask::Reporter,
    model::{Event, Exit, Phase},
    project::{RUN_ID, TargetOptions},
    recording::{Recording, RecordingError},
    run::{BegunCases, RunOptions, SnapshotMode},
    suite::Case,
};

/// Options of `teardown`.
#[derive(Clone, Debug, Default)]
pub struct TeardownRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The recording of the run that was ended.
    pub recording: PathBuf,
    /// The ids of steps that are sent again before the teardown, such as a login whose secret is not in the recording.
    pub repeated: Vec<String>,
    /// Options of the target. Without a name, the recorded target is used.
    pub target: TargetOptions,
}

/// Runs the remaining teardown of a recorded run and reports it to `terminal`. A value that was captured as a secret is not
/// in the recording: without it, there is no verdict about the steps that need it.
pub fn teardown(
    request: &TeardownRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let workspace = Workspace::open(request.project.as_deref(), notices)?;
    let path = &request.recording;
    let unreadable = SessionError::recording(path);
    let recording = Recording::open(path).map_err(&unreadable)?;
    let started = recording.started().clone();
    let begun = begun(recording, request, &workspace).map_err(&unreadable)?;
    if begun.steps.is_empty() {
        notices.note("every case of this recording has finished: there is no teardown to run");
        return Ok(Exit::Success);
    }
    let known: BTreeSet<&str> = workspace.suites.cases.iter().map(|case| case.id.as_str()).collect();
    let gone: Vec<_> = begun
        .steps
        .keys()
        .filter(|id| !known.contains(id.as_str()))
        .cloned()
        .collect();
    if !gone.is_empty() {
        let names = gone.join("`, `");
        let message = format!("the project no longer has `{names}`, whose teardown is to be run");
        return Err(SessionError::Usage(message));
    }
    let options = TargetOptions {
        target: Some(request.target.target.clone().unwrap_or_else(|| started.target.clone())),
        ..request.target.clone()
    };
    let resolved = target::resolve(&workspace, &options, false, notices)?;
    let masker = masker([&resolved]);
    notices.mask(&masker);
    let filter = CaseFilter {
        ids: begun.steps.keys().cloned().collect(),
        ..CaseFilter::default()
    };
    let selection = filter.select(&workspace)?;
    let cases = workspace.suites.cases.iter();
    check_repeated(
        &request.repeated,
        cases.filter(|case| begun.steps.contains_key(&case.id)),
    )?;
    let run_id = started.vars.get(RUN_ID).cloned();
    let prepared = Prepared::with_run_id(resolved, &selection, run_id, &workspace, &masker)?;
    prepared::require_inputs(&prepared.plan, false, &workspace)?;
    let mut reports = Reports::open(&[], terminal)?;
    let start = prepared.started(&workspace, String::new(), None, None);
    reports.event(&masker.event(Event::RunStarted(start)));
    notices.sending();
    let run_options = RunOptions {
        snapshots: SnapshotMode::Check,
        store: workspace.snapshots.clone(),
        root: workspace.project.root.clone(),
        hide: Arc::clone(&masker),
        ready: None,
        max_fail: None,
        use_proxy: prepared.use_proxy(),
        clients: prepared.clients.clone(),
        mailboxes: BTreeMap::new(),
        begun,
        repeats: 1,
        lockstep: None,
        tokens: Arc::clone(&prepared.tokens),
    };
    let flaky = prepared.plan.target.flaky;
    let mut finished = send_plan(prepared, run_options, &workspace, &mut reports)?;
    finished.project_cases = workspace.suites.cases.len();
    let exit = finished.conclude(flaky);
    reports.event(&masker.event(Event::RunFinished(finished)));
    Ok(exit.reported(reports.finish(notices)))
}

/// An error for a step that is to be sent again and is not in any of the cases.
fn check_repeated<'c>(repeated: &[String], cases: impl Iterator<Item = &'c Arc<Case>>) -> Result<(), SessionError> {
    let steps = cases.flat_map(|case| &case.def.steps);
    let steps = steps
        .filter(|step| step.phase != Phase::Teardown)
        .map(|step| step.id.as_str());
    let known: BTreeSet<&str> = steps.filter(|id| !id.is_empty()).collect();
    let Some(unknown) = repeated.iter().find(|id| !known.contains(id.as_str())) else {
        return Ok(());
    };
    let names: Vec<_> = known.iter().map(|id| format!("`{id}`")).collect();
    let message = format!(
        "no unfinished case has the step `{unknown}`; the steps are {}",
        names.join(", ")
    );
    Err(SessionError::Usage(message))
}
/// The cases of a recording that have not finished, and whose teardown has not been run.
fn begun(recording: Recording, request: &TeardownRequest, workspace: &Workspace) -> Result<BegunCases, RecordingError> {
    let mut begun = BegunCases {
        steps: BTreeMap::new(),
        repeated: request.repeated.iter().cloned().collect(),
    };
    for event in recording {
        match event?.into_inner() {
            Event::StepFinished(one) => begun.steps.entry(one.id).or_default().push(one.step),
            Event::CaseFinished(finished) => drop(begun.steps.remove(&finished.id)),
            _ => {}
        }
    }
    // The last step of a teardown is recorded before the end of its case.
    for case in &workspace.suites.cases {
        let mut steps = case.def.steps.iter().filter(|step| step.phase == Phase::Teardown);
        if steps.all(|step| begun.is_removed(&case.id, &step.id)) {
            begun.steps.remove(&case.id);
        }
    }
    Ok(begun)
}
