//! Runs of one suite on several targets, side by side: each leaves a recording.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{
    Exit, Printer,
    args::LiveArgs,
    run::{RunDigests, check_effects, commit, ready_of, require_inputs, runtime, started},
    scratch, target,
    workspace::Workspace,
};
use crate::{
    check::SnapshotMask,
    http::Client,
    model::{Event, Stop},
    plan::{Plan, Selection},
    project::TargetOptions,
    recording::Recorder,
    redact::{Redactor, Reporter as _},
    run::{Interrupts, Lockstep, RunOptions, SnapshotMode, run as fire},
};

/// What is asked of a target, and where what it answers is written.
struct Side {
    plan: Arc<Plan>,
    client: Arc<Client>,
    options: RunOptions,
    recorder: Recorder,
    path: PathBuf,
    max_skipped: Option<usize>,
    digests: RunDigests,
    /// What must live as long as the run.
    resolved: target::Resolved,
}

/// A run that is over.
struct Ended {
    name: String,
    path: PathBuf,
    stopped: Option<Stop>,
    error: Option<String>,
}

/// The recordings of a run on several targets. They are gone when this is.
pub(super) struct Recordings {
    pub(super) paths: Vec<PathBuf>,
    /// The first thing that ended a run early from outside, on any of them.
    pub(super) interrupted: Option<Stop>,
    _folder: TempDir,
}

/// Runs the selected cases on each of the targets, as often as `repeats` says, case by case next to each other.
pub(super) fn record(
    targets: &[String],
    args: &LiveArgs,
    repeats: u32,
    selection: &Selection,
    workspace: &Arc<Workspace>,
    printer: &mut Printer,
) -> Result<Recordings, Exit> {
    check_effects(&args.allow, workspace, printer)?;
    let folder = scratch::folder(printer)?;
    let mut resolved = Vec::new();
    for name in targets {
        let options = TargetOptions {
            target: Some(name.clone()),
            vars: args.vars.clone(),
            allow: args.allow.clone(),
            ..args.limits.target_options()
        };
        resolved.push(target::resolve(workspace, &options, false, printer)?);
    }
    // What is a secret of one target is none that another may show.
    let secrets = resolved.iter().flat_map(|one| &one.target.secrets);
    let redactor = Arc::new(Redactor::new(secrets.map(|(name, secret)| (name.as_str(), secret))));
    printer.hide(&redactor);
    let mut sides = Vec::new();
    for (number, resolved) in resolved.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.ndjson"));
        let mut side = side(resolved, path, repeats, selection, workspace, &redactor, printer)?;
        side.max_skipped = args.max_skipped;
        require_inputs(&side.plan, args.skip_missing, workspace, printer)?;
        sides.push(side);
    }
    let handles = Lockstep::handles(sides.iter().map(|side| &*side.plan));
    for (side, lockstep) in sides.iter_mut().zip(handles) {
        side.options.lockstep = Some(lockstep);
    }
    let commit = commit(&workspace.project.root);
    let runtime = runtime(printer)?;
    let tasks = tokio::task::LocalSet::new();
    let ended = tasks.block_on(&runtime, async {
        let interrupts = Arc::new(Interrupts::listen()?);
        let mut runs = tokio::task::JoinSet::new();
        for side in sides {
            let (workspace, redactor) = (Arc::clone(workspace), Arc::clone(&redactor));
            runs.spawn_local(run(side, workspace, redactor, commit.clone(), Arc::clone(&interrupts)));
        }
        let mut ended = runs.join_all().await;
        ended.sort_by(|one, other| one.path.cmp(&other.path));
        Ok::<_, std::io::Error>(ended)
    });
    runtime.shutdown_background();
    let ended = ended.map_err(|error| {
        printer.error(&format!("failed to start: {error}"));
        Exit::Usage
    })?;
    if let Some(Ended {
        name,
        error: Some(error),
        ..
    }) = ended.iter().find(|one| one.error.is_some())
    {
        printer.error(&format!("failed to write the recording of `{name}`: {error}"));
        return Err(Exit::Report);
    }
    Ok(Recordings {
        interrupted: ended.iter().filter_map(|one| one.stopped).find(|stop| stop.is_signal()),
        paths: ended.into_iter().map(|one| one.path).collect(),
        _folder: folder,
    })
}

fn side(
    resolved: target::Resolved,
    path: PathBuf,
    repeats: u32,
    selection: &Selection,
    workspace: &Workspace,
    redactor: &Arc<Redactor>,
    printer: &Printer,
) -> Result<Side, Exit> {
    let client = Client::new(&resolved.target, resolved.use_proxy).map_err(|error| {
        printer.error(&format!("target `{}`: {error}; nothing was sent", resolved.target.name));
        Exit::Usage
    })?;
    let mut plan = workspace.plan(selection, resolved.target.clone(), printer)?;
    plan.mask_snapshots(Arc::clone(redactor) as Arc<dyn SnapshotMask>);
    plan.add_digests(&workspace.schemas, redactor);
    let digests = RunDigests {
        target: Some(plan.target_digest(&workspace.sources, redactor)),
        cases: None,
    };
    let recorder = Recorder::create(Path::new(&path)).map_err(|error| {
        printer.error(&format!("failed to write a recording: {error}; nothing was sent"));
        Exit::Report
    })?;
    let options = RunOptions {
        snapshots: SnapshotMode::Check,
        store: workspace.snapshots.clone(),
        root: workspace.project.root.clone(),
        hide: Arc::clone(redactor),
        ready: ready_of(None, &plan, workspace, printer)?,
        max_fail: None,
        repeats,
        lockstep: None,
    };
    Ok(Side {
        plan: Arc::new(plan),
        client: Arc::new(client),
        options,
        recorder,
        path,
        max_skipped: None,
        digests,
        resolved,
    })
}

async fn run(
    side: Side,
    workspace: Arc<Workspace>,
    redactor: Arc<Redactor>,
    commit: Option<String>,
    interrupts: Arc<Interrupts>,
) -> Ended {
    let Side {
        plan,
        client,
        options,
        mut recorder,
        path,
        max_skipped,
        digests,
        resolved,
    } = side;
    let mut error = None;
    let mut tell = |event: Event| {
        if error.is_none() {
            error = recorder
                .event(&redactor.event(event))
                .err()
                .map(|error| error.to_string());
        }
    };
    let start = started(&plan, &workspace, commit, None, digests, resolved.use_proxy);
    tell(Event::RunStarted(start));
    let sources = Arc::clone(&workspace.sources);
    let mut finished = fire(Arc::clone(&plan), sources, client, &options, &interrupts, &mut tell).await;
    let stopped = finished.stopped;
    finished.project_cases = workspace.suites.cases.len();
    finished.max_skipped = max_skipped;
    finished.conclude(plan.target.flaky);
    tell(Event::RunFinished(finished));
    Ended {
        name: resolved.target.name,
        path,
        stopped,
        error,
    }
}
