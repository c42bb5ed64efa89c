//! Runs of one suite on several targets in lockstep. Each run is recorded in a temporary file.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{
    Notices, SessionError, Workspace,
    prepared::{Prepared, commit, masker, require_inputs, runtime},
    scratch,
    selection::check_effects,
    target,
};
use crate::{
    mask::Reporter as _,
    model::{Event, Exit, Stop},
    plan::Selection,
    project::TargetOptions,
    recording::Recorder,
    run::{BegunCases, Interrupts, Lockstep, RunOptions, SnapshotMode, run as send},
};

/// Options of runs in lockstep.
#[derive(Clone, Debug)]
pub struct LockstepOptions {
    /// Options of each target. `target` in it is ignored.
    pub target: TargetOptions,
    /// Number of requests per case, from 1.
    pub repeats: u32,
    /// Skip cases that need an input which a target does not define, instead of failing.
    pub skip_missing: bool,
    /// Maximum number of skipped cases of a run that passes.
    pub max_skipped: Option<usize>,
}

impl Default for LockstepOptions {
    /// Each case once, as the targets define.
    fn default() -> Self {
        Self {
            target: TargetOptions::default(),
            repeats: 1,
            skip_missing: false,
            max_skipped: None,
        }
    }
}

/// The run on one target.
struct LockstepSide {
    prepared: Prepared,
    options: RunOptions,
    recorder: Recorder,
    path: PathBuf,
}

/// A completed run.
struct CompletedRun {
    path: PathBuf,
    stopped: Option<Stop>,
    recorded: Result<(), SessionError>,
}

/// The recordings of runs in lockstep, in the order of the targets. The files are deleted when this is dropped.
pub(super) struct Recordings {
    /// The files.
    pub(super) paths: Vec<PathBuf>,
    /// The exit code of the first signal that ended one of the runs.
    pub(super) interrupted: Option<Exit>,
    _folder: TempDir,
}

/// Runs the selected cases on each of the targets, case by case at the same time.
pub(super) fn record(
    targets: &[String],
    options: &LockstepOptions,
    selection: &Selection,
    workspace: &Arc<Workspace>,
    notices: &mut dyn Notices,
) -> Result<Recordings, SessionError> {
    check_effects(&options.target.allow, workspace)?;
    let folder = scratch::folder()?;
    let mut sides = sides(targets, options, selection, workspace, folder.path(), notices)?;
    notices.sending();
    let commit = commit(&workspace.project.root);
    let runtime = runtime()?;
    let mut servers = BTreeMap::new();
    for side in &mut sides {
        side.options.mailboxes = runtime.block_on(side.prepared.mailboxes(&mut servers))?;
    }
    let tasks = tokio::task::LocalSet::new();
    let ended: io::Result<Vec<CompletedRun>> = tasks.block_on(&runtime, async {
        let interrupts = Arc::new(Interrupts::listen()?);
        let mut runs = tokio::task::JoinSet::new();
        for side in sides {
            let (workspace, interrupts) = (Arc::clone(workspace), Arc::clone(&interrupts));
            runs.spawn_local(run(side, options.max_skipped, workspace, commit.clone(), interrupts));
        }
        let mut ended = runs.join_all().await;
        ended.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(ended)
    });
    runtime.shutdown_background();
    let ended = ended.map_err(SessionError::Start)?;
    let signal = ended.iter().filter_map(|one| one.stopped).find(|stop| stop.is_signal());
    let interrupted = signal.map(|stop| match stop {
        Stop::Terminated => Exit::Terminated,
        Stop::HungUp => Exit::HungUp,
        _ => Exit::Interrupted,
    });
    let mut paths = Vec::new();
    for one in ended {
        one.recorded?;
        paths.push(one.path);
    }
    Ok(Recordings {
        paths,
        interrupted,
        _folder: folder,
    })
}

/// Resolves every target and plans what is sent to it.
fn sides(
    targets: &[String],
    options: &LockstepOptions,
    selection: &Selection,
    workspace: &Workspace,
    folder: &Path,
    notices: &mut dyn Notices,
) -> Result<Vec<LockstepSide>, SessionError> {
    let mut resolved = Vec::new();
    for name in targets {
        let options = TargetOptions {
            target: Some(name.clone()),
            ..options.target.clone()
        };
        resolved.push(target::resolve(workspace, &options, false, notices)?);
    }
    // A secret of one target is masked in the responses of all.
    let masker = masker(&resolved);
    notices.mask(&masker);
    let mut sides = Vec::new();
    for (number, resolved) in resolved.into_iter().enumerate() {
        let mut prepared = Prepared::new(resolved, selection, workspace, &masker)?;
        prepared.add_digests(workspace);
        let path = folder.join(format!("{number}.ndjson"));
        let run_options = RunOptions {
            snapshots: SnapshotMode::Check,
            store: workspace.snapshots.clone(),
            root: workspace.project.root.clone(),
            hide: Arc::clone(&masker),
            ready: prepared.ready(None, workspace)?,
            max_fail: None,
            use_proxy: prepared.use_proxy(),
            clients: prepared.clients.clone(),
            mailboxes: BTreeMap::new(),
            begun: BegunCases::default(),
            repeats: options.repeats,
            lockstep: None,
            tokens: Arc::clone(&prepared.tokens),
        };
        require_inputs(&prepared.plan, options.skip_missing, workspace)?;
        sides.push(LockstepSide {
            prepared,
            options: run_options,
            recorder: Recorder::create(&path).map_err(SessionError::output("a recording"))?,
            path,
        });
    }
    let handles = Lockstep::handles(sides.iter().map(|side| &side.prepared.plan));
    for (side, lockstep) in sides.iter_mut().zip(handles) {
        side.options.lockstep = Some(lockstep);
    }
    Ok(sides)
}

async fn run(
    side: LockstepSide,
    max_skipped: Option<usize>,
    workspace: Arc<Workspace>,
    commit: Option<String>,
    interrupts: Arc<Interrupts>,
) -> CompletedRun {
    let LockstepSide {
        prepared,
        options,
        mut recorder,
        path,
    } = side;
    let start = prepared.started(&workspace, workspace.hash(), commit, None);
    let mut recorded = Ok(());
    let mut report = |event: Event| {
        if recorded.is_ok() {
            recorded = recorder.event(&prepared.masker.event(event));
        }
    };
    report(Event::RunStarted(start));
    let sources = Arc::clone(&workspace.sources);
    let (plan, client) = (Arc::new(prepared.plan), prepared.client);
    let target = Arc::clone(&plan.target);
    let mut finished = send(plan, sources, client, &options, &interrupts, &mut report).await;
    let stopped = finished.stopped;
    finished.project_cases = workspace.suites.cases.len();
    finished.max_skipped = max_skipped;
    finished.conclude(target.flaky);
    report(Event::RunFinished(finished));
    CompletedRun {
        path,
        stopped,
        recorded: recorded.map_err(SessionError::output(format!("the recording of `{}`", target.name))),
    }
}
