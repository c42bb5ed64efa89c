//! `conforme run` on one target.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use super::{
    CaseFilter, Measurement, MutateRequest, Notices, SessionError, Workspace,
    mutate::mutate,
    outputs::{Inputs, Outputs},
    prepared::{self, Prepared, commit, masker, require_inputs},
    reports::Reports,
    scratch,
    selection::check_effects,
    target,
};
use crate::{
    mask::Reporter,
    model::{Event, Exit, Partition, RunFinished},
    project::TargetOptions,
    recording::Recording,
    report::{Format, ReportSpec},
    run::{BegunCases, Interrupts, Ready, RunOptions, SnapshotMode, run as send},
};

/// How long a report on the terminal may be behind the run.
const FLUSH: Duration = Duration::from_millis(100);

/// Options of a run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The cases.
    pub filter: CaseFilter,
    /// Names or URLs of targets; without any, `default_target` of the project is used.
    pub targets: Vec<String>,
    /// Further options of each target. `target` in it is ignored.
    pub target: TargetOptions,
    /// The part of the selected cases to run.
    pub partition: Option<Partition>,
    /// Skip cases that need an input which the target does not define, instead of failing.
    pub skip_missing: bool,
    /// Maximum time to wait for the target to become ready.
    pub wait: Option<Duration>,
    /// Number of requests per case, from 1.
    pub repeats: u32,
    /// Stop after this number of failures.
    pub max_fail: Option<usize>,
    /// Maximum number of skipped cases of a run that passes.
    pub max_skipped: Option<usize>,
    /// What to do with a response that differs from its snapshot.
    pub snapshots: SnapshotMode,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
    /// The recording to write. For several targets, `{target}` in it is replaced by the name of each.
    pub record: Option<PathBuf>,
    /// Run only the cases that did not pass in this recording or have changed since.
    pub failed_from: Option<PathBuf>,
}

impl Default for RunRequest {
    /// All cases, once, on the default target; snapshots are checked, and nothing is written.
    fn default() -> Self {
        Self {
            project: None,
            filter: CaseFilter::default(),
            targets: Vec::new(),
            target: TargetOptions::default(),
            partition: None,
            skip_missing: false,
            wait: None,
            repeats: 1,
            max_fail: None,
            max_skipped: None,
            snapshots: SnapshotMode::Check,
            reports: Vec::new(),
            record: None,
            failed_from: None,
        }
    }
}

/// Runs the selected cases on one target and reports the events to `terminal` and to the reports of the request.
pub fn run(request: &RunRequest, terminal: Box<dyn Reporter>, notices: &mut dyn Notices) -> Result<Exit, SessionError> {
    let workspace = Workspace::open_for(request.project.as_deref(), &request.filter.names, notices)?;
    notices.warnings(&workspace.warnings(), &workspace.sources);
    run_in(&workspace, request, terminal, notices)
}

/// The same in a project that is loaded: its folder in the request is ignored.
pub fn run_in(
    workspace: &Workspace,
    request: &RunRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let (prepared, ready) = prepare(request, workspace, notices)?;
    run_prepared(workspace, request, (prepared, ready), terminal, notices)
}

/// Runs what is planned.
pub(super) fn run_prepared(
    workspace: &Workspace,
    request: &RunRequest,
    (prepared, ready): (Prepared, Option<Ready>),
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let mut reports = Reports::open(&request.reports, terminal)?;
    if let Some(path) = &request.record {
        reports.record(path)?;
    }
    let masker = Arc::clone(&prepared.masker);
    let flaky = prepared.plan.target.flaky;
    // Only reports and recordings contain the commit and the hash. Asking git takes longer than a small run.
    let is_written = !request.reports.is_empty() || request.record.is_some();
    let commit = is_written.then(|| commit(&workspace.project.root)).flatten();
    let suite_hash = if is_written { workspace.hash() } else { String::new() };
    let start = prepared.started(workspace, suite_hash, commit, request.partition);
    reports.event(&masker.event(Event::RunStarted(start)));
    // Pending snapshots of cases that no longer exist, or no longer have a snapshot, are from an earlier run.
    workspace.snapshots.clear_unused_pending(&workspace.snapshot_ids())?;
    let unused = workspace.unused_snapshots();
    notices.sending();
    let mut finished = execute(request, prepared, ready, workspace, &mut reports)?;
    for path in unused {
        reports.event(&masker.event(Event::SnapshotUnused { path }));
    }
    finished.project_cases = workspace.suites.cases.len();
    finished.max_skipped = request.max_skipped;
    let exit = finished.conclude(flaky);
    reports.event(&masker.event(Event::RunFinished(finished)));
    Ok(exit.reported(reports.finish(notices)))
}

/// Runs, and measures the suite by the responses if the run passes. Returns the exit code of the run and the measurement.
pub fn run_measured(
    request: &RunRequest,
    min_score: Option<f64>,
    verbose: bool,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<(Exit, Option<Measurement>), SessionError> {
    let scratch = scratch::folder()?;
    let own = scratch.path().join("run.ndjson");
    let recording = request.record.clone().unwrap_or(own);
    let request = RunRequest {
        record: Some(recording.clone()),
        ..request.clone()
    };
    let exit = run(&request, terminal, notices)?;
    if exit != Exit::Success {
        return Ok((exit, None));
    }
    let request = MutateRequest {
        project: request.project,
        filter: request.filter,
        recording,
        min_score,
        jobs: None,
        reports: Vec::new(),
        verbose,
    };
    mutate(&request, notices).map(|measurement| (exit, Some(measurement)))
}

/// Resolves the target and plans what is sent. Everything that can be rejected before the first request is rejected here.
pub(super) fn prepare(
    request: &RunRequest,
    workspace: &Workspace,
    notices: &mut dyn Notices,
) -> Result<(Prepared, Option<Ready>), SessionError> {
    let selection = request.filter.select(workspace)?;
    check_effects(&request.target.allow, workspace)?;
    let options = TargetOptions {
        target: request.targets.first().cloned(),
        shares: request.partition.map(|partition| partition.of),
        ..request.target.clone()
    };
    let resolved = target::resolve(workspace, &options, false, notices)?;
    let masker = masker([&resolved]);
    notices.mask(&masker);
    let mut prepared = Prepared::new(resolved, &selection, workspace, &masker)?;
    check_outputs(request, workspace)?;
    if let Some(partition) = request.partition {
        prepared.cases_digest = Some(prepared.plan.ids_digest());
        prepared.plan.keep(partition);
    }
    // Digests are written to recordings, and are compared by a run that continues one.
    let is_event_report = |spec: &ReportSpec| spec.format == Format::Json;
    if request.record.is_some() || request.failed_from.is_some() || request.reports.iter().any(is_event_report) {
        prepared.add_digests(workspace);
    }
    if let Some(path) = &request.failed_from {
        leave_out_passed(path, &mut prepared, workspace, notices)?;
    }
    require_inputs(&prepared.plan, request.skip_missing, workspace)?;
    let ready = prepared.ready(request.wait, workspace)?;
    Ok((prepared, ready))
}

/// Sends the plan and reports its events.
fn execute(
    request: &RunRequest,
    prepared: Prepared,
    ready: Option<Ready>,
    workspace: &Workspace,
    reports: &mut Reports,
) -> Result<RunFinished, SessionError> {
    let options = RunOptions {
        snapshots: request.snapshots,
        store: workspace.snapshots.clone(),
        root: workspace.project.root.clone(),
        hide: Arc::clone(&prepared.masker),
        ready,
        max_fail: request.max_fail,
        use_proxy: prepared.use_proxy(),
        clients: prepared.clients.clone(),
        mailboxes: BTreeMap::new(),
        begun: BegunCases::default(),
        repeats: request.repeats,
        lockstep: None,
        tokens: Arc::clone(&prepared.tokens),
    };
    send_plan(prepared, options, workspace, reports)
}

/// Sends a plan and reports its events.
pub(super) fn send_plan(
    prepared: Prepared,
    mut options: RunOptions,
    workspace: &Workspace,
    reports: &mut Reports,
) -> Result<RunFinished, SessionError> {
    let runtime = prepared::runtime()?;
    options.mailboxes = runtime.block_on(prepared.mailboxes(&mut BTreeMap::new()))?;
    let (plan, client) = (Arc::new(prepared.plan), prepared.client);
    let finished: io::Result<RunFinished> = runtime.block_on(async {
        let interrupts = Interrupts::listen()?;
        let sources = Arc::clone(&workspace.sources);
        let (reads_passed, shows_starts) = (reports.read_passed_exchanges(), reports.show_starts());
        let reports = RefCell::new(reports);
        let report = |event: Event| {
            if matches!(event, Event::CaseStarted(_)) && !shows_starts {
                return;
            }
            let event = prepared.masker.event_for(event, reads_passed);
            reports.borrow_mut().event(&event);
        };
        let mut sending = pin!(send(plan, sources, client, &options, &interrupts, report));
        let mut flush = tokio::time::interval(FLUSH);
        loop {
            tokio::select! {
                biased;
                finished = &mut sending => return Ok(finished),
                _ = flush.tick() => reports.borrow_mut().flush(),
            }
        }
    });
    // A DNS lookup can block its thread; the verdicts are known, so it is not waited for.
    runtime.shutdown_background();
    finished.map_err(SessionError::Start)
}

/// Rejects outputs that would overwrite a file that the run reads.
fn check_outputs(request: &RunRequest, workspace: &Workspace) -> Result<(), SessionError> {
    if request.record.is_none() && request.reports.is_empty() {
        return Ok(());
    }
    let ca_file = request.target.ca_file.as_deref();
    let inputs = Inputs::default().project(workspace).and(ca_file);
    Outputs::new(&request.reports, request.record.as_deref()).check(&inputs)?;
    // A recording may continue itself: it is read completely before it is replaced.
    Outputs::new(&request.reports, None).check(&Inputs::of(request.failed_from.as_deref()))
}

/// Leaves out the cases that passed in an earlier run and have not changed since.
fn leave_out_passed(
    path: &Path,
    prepared: &mut Prepared,
    workspace: &Workspace,
    notices: &mut dyn Notices,
) -> Result<(), SessionError> {
    let unreadable = SessionError::recording(path);
    let recording = Recording::open(path).map_err(&unreadable)?;
    let recorded_target = recording.started().target_digest;
    let previous = recording.previous(prepared.plan.target.flaky).map_err(&unreadable)?;
    let mut cases = workspace.suites.cases.iter();
    let mut digests = prepared.plan.cases.iter().filter_map(|planned| planned.digest);
    let is_of_project = previous.ids.is_empty()
        || cases.any(|case| previous.ids.contains(&case.id))
        || digests.any(|digest| previous.digests.contains(&digest));
    if !is_of_project {
        return Err(SessionError::Usage(format!(
            "--failed-from {}: none of its cases is in this project: it is a recording of a different project",
            path.display()
        )));
    }
    if recorded_target.is_none() || recorded_target != prepared.target_digest {
        notices.note(&format!(
            "{} was recorded against another target, or with other settings: every case is run",
            path.display()
        ));
        return Ok(());
    }
    let reason = format!("it passed before, in {}", path.display());
    prepared.plan.leave_out(&previous.passed, &reason);
    Ok(())
}
