//! `conforme run`

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;

use super::{
    Exit, Printer,
    args::{RunArgs, Snapshots},
    many, mutate,
    outputs::{Inputs, Outputs},
    recheck::unreadable,
    reports::Reports,
    scratch, target,
    workspace::Workspace,
};
use crate::{
    check::SnapshotMask,
    http::{Client, access},
    model::{Digest, Event, FORMAT, Partition, RunFinished, RunStarted, shown},
    plan::{self, Plan, Selection},
    project::TargetOptions,
    recording::{Recording, RecordingError},
    redact::Redactor,
    report::{Format, ReportSpec},
    run::{Interrupts, Ready, RunOptions, SnapshotMode, run as fire},
    source::{Diagnostic, Diagnostics},
};

pub(super) fn run(args: &RunArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    let ran = if args.mutate || args.min_score.is_some() {
        try_measured(args, folder, printer)
    } else {
        try_run(args, args.record.as_deref(), folder, printer)
    };
    match ran {
        Ok(exit) | Err(exit) => exit,
    }
}

/// Runs, and measures the suite by what was answered.
fn try_measured(args: &RunArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    // The variable of the environment is for all commands; the flag alone is a slip.
    let is_slip = !args.mutate && std::env::var_os("CONFORME_MIN_SCORE").is_none();
    if is_slip || (args.mutate && args.select.targets.len() > 1) {
        printer.refuse("--min-score goes with --mutate, and --mutate with one target");
        return Err(Exit::Usage);
    }
    if !args.mutate {
        return try_run(args, args.record.as_deref(), folder, printer);
    }
    let scratch = scratch::folder(printer)?;
    let own = scratch.path().join("run.ndjson");
    let path = args.record.as_deref().unwrap_or(&own);
    let exit = try_run(args, Some(path), folder, printer)?;
    printer.before_sending(false);
    match exit {
        Exit::Success => mutate::after_run(path, args, folder, printer),
        other => Ok(other),
    }
}

fn try_run(args: &RunArgs, record: Option<&Path>, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    if args.select.targets.len() > 1 {
        return many::run(args, folder, printer);
    }
    let snapshots = snapshot_mode(args.snapshots, printer)?;
    let workspace = Workspace::load(folder, printer)?;
    printer.warnings(&workspace.schemas.warnings(), &workspace.sources);
    let selection = select(&args.select.names, &args.select.tags, &workspace, printer)?;
    check_effects(&args.select.allow, &workspace, printer)?;
    let select_options = args.select.target_options();
    let options = TargetOptions {
        target: select_options.target,
        vars: select_options.vars,
        allow: select_options.allow,
        retries: args.retries,
        ..args.limits.target_options()
    };
    let resolved = target::resolve(&workspace, &options, false, printer)?;
    let redactor = Arc::new(Redactor::new(
        resolved
            .target
            .secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret)),
    ));
    printer.hide(&redactor);
    let client = Client::new(&resolved.target, resolved.use_proxy).map_err(|error| {
        printer.error(&format!("target `{}`: {error}; nothing was sent", resolved.target.name));
        Exit::Usage
    })?;
    let mut plan = workspace.plan(&selection, resolved.target.clone(), printer)?;
    plan.mask_snapshots(Arc::clone(&redactor) as Arc<dyn SnapshotMask>);
    check_outputs(args, record, &workspace, printer)?;
    let mut digests = RunDigests::default();
    if let Some(partition) = args.select.partition {
        digests.cases = Some(plan.ids_digest());
        plan.keep(partition);
    }
    // Only a recording has a place for them, and only a run that goes on from one has a use for them.
    let is_event_report = |spec: &ReportSpec| spec.format == Format::Json;
    if record.is_some() || args.failed_from.is_some() || args.reports.iter().any(is_event_report) {
        plan.add_digests(&workspace.schemas, &redactor);
        digests.target = Some(plan.target_digest(&workspace.sources, &redactor));
    }
    if let Some(path) = &args.failed_from {
        leave_out(path, &mut plan, digests.target, &workspace, printer)?;
    }
    require_inputs(&plan, args.select.skip_missing, &workspace, printer)?;
    let ready = ready_of(args.wait, &plan, &workspace, printer)?;
    let mut reports = Reports::open(&args.reports, args.output.options(), printer)?;
    if let Some(path) = record {
        reports.record(path, printer)?;
    }
    let flaky = plan.target.flaky;
    // Asking git takes longer than a small run: only what is written down says which commit it was.
    let is_written = !args.reports.is_empty() || record.is_some();
    let commit = is_written.then(|| commit(&workspace.project.root)).flatten();
    let partition = args.select.partition;
    let start = started(&plan, &workspace, commit, partition, digests, resolved.use_proxy);
    reports.tell(&redactor.event(Event::RunStarted(start)));
    let options = RunOptions {
        snapshots,
        store: workspace.snapshots.clone(),
        root: workspace.project.root.clone(),
        hide: Arc::clone(&redactor),
        ready,
        max_fail: args.max_fail,
        repeats: args.repeats,
        lockstep: None,
    };
    // What waits for a case that no longer exists, or no longer has a snapshot, comes from an earlier run.
    if let Err(error) = workspace.snapshots.clear_unused_pending(&with_snapshot(&workspace)) {
        printer.error(&error.to_string());
        return Err(Exit::Usage);
    }
    let unused = unused_snapshots(&workspace);
    let runtime = runtime(printer)?;
    let finished: io::Result<RunFinished> = runtime.block_on(async {
        let interrupts = Interrupts::listen()?;
        let sources = Arc::clone(&workspace.sources);
        let reads_passed = reports.read_passed_exchanges();
        let tell = |event: Event| reports.tell(&redactor.event_for(event, reads_passed));
        Ok(fire(Arc::new(plan), sources, Arc::new(client), &options, &interrupts, tell).await)
    });
    // A look-up of a name can hang on its own thread: the verdicts are known, nothing waits for it.
    runtime.shutdown_background();
    let mut finished = finished.map_err(|error| {
        printer.error(&format!("failed to start: {error}"));
        Exit::Usage
    })?;
    for path in unused {
        reports.tell(&redactor.event(Event::SnapshotUnused { path }));
    }
    finished.project_cases = workspace.suites.cases.len();
    finished.max_skipped = args.max_skipped;
    let exit = finished.conclude(flaky);
    reports.tell(&redactor.event(Event::RunFinished(finished)));
    Ok(exit.reported(reports.finish(printer)))
}

/// Refuses outputs that would overwrite what the run reads.
fn check_outputs(args: &RunArgs, record: Option<&Path>, workspace: &Workspace, printer: &Printer) -> Result<(), Exit> {
    if record.is_none() && args.reports.is_empty() {
        return Ok(());
    }
    let inputs = Inputs::default().project(workspace).and(args.limits.ca_file.as_deref());
    Outputs::new(&args.reports, record).check(&inputs, printer)?;
    // A recording can go on from itself: it is read whole before it is replaced.
    Outputs::new(&args.reports, None).check(&Inputs::of(args.failed_from.as_deref()), printer)
}

/// What runs are driven by: one thread.
pub(super) fn runtime(printer: &Printer) -> Result<tokio::runtime::Runtime, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| {
        printer.error(&format!("failed to start: {error}"));
        Exit::Usage
    })
}

/// In CI nothing is written: a snapshot that is made where nobody sees it is no agreement.
fn snapshot_mode(asked: Option<Snapshots>, printer: &Printer) -> Result<SnapshotMode, Exit> {
    let in_ci = super::in_ci();
    match asked {
        None if in_ci => Ok(SnapshotMode::Check),
        None => Ok(SnapshotMode::Pending),
        Some(mode @ (Snapshots::Pending | Snapshots::Accept)) if in_ci => {
            let name = format!("{mode:?}").to_lowercase();
            printer.error(&format!(
                "--snapshots {name}: `CI` is set, and in CI no snapshot is written; nothing was sent"
            ));
            Err(Exit::Usage)
        }
        Some(mode) => Ok(mode.into()),
    }
}

/// What is asked before the first case: what the target's `ready` says, and with `--wait` at least a connection.
pub(super) fn ready_of(
    wait: Option<Duration>,
    plan: &Plan,
    workspace: &Workspace,
    printer: &Printer,
) -> Result<Option<Ready>, Exit> {
    let Some(case) = workspace.suites.ready.get(&plan.target.name) else {
        return Ok(wait.map(|wait| Ready { asked: None, wait }));
    };
    let bound = match plan::skip(case, Some(&plan.target)) {
        Some(reason) => Err(Diagnostic::new(case.span, format!("`ready`: {reason}"))),
        None => plan
            .bind(case, &workspace.sources)
            .map_err(|unbound| Diagnostic::new(case.span, format!("`ready`: {unbound}"))),
    };
    let bound = bound.map_err(|mistake| printer.diagnostics(&mistake.into(), &workspace.sources))?;
    Ok(Some(Ready {
        asked: Some(Box::new(bound)),
        wait: wait.unwrap_or_default(),
    }))
}

/// Rejects a run in which cases would be skipped because the target does not define what they need: a misconfigured
/// pipeline would otherwise stay green with most of its cases skipped.
pub(super) fn require_inputs(
    plan: &Plan,
    skip_missing: bool,
    workspace: &Workspace,
    printer: &Printer,
) -> Result<(), Exit> {
    let missing = plan.missing_inputs();
    if skip_missing || missing.is_empty() {
        return Ok(());
    }
    let mut errors = Diagnostics::default();
    let target = &plan.target.name;
    for input in missing {
        let needed = match input.cases {
            1 => "1 case needs it".to_owned(),
            number => format!("{number} cases need it"),
        };
        let message = format!("target `{target}` does not define the input `{}`: {needed}", input.name);
        errors.push(Diagnostic::general(message).help(format!(
            "set {}, or define it in conforme.toml; `optional: true` in suite.yaml or `--skip-missing` skips its cases",
            input.how_to_define()
        )));
    }
    Err(printer.diagnostics(&errors, &workspace.sources))
}

/// Leaves out what passed in an earlier run and has not changed since.
fn leave_out(
    path: &Path,
    plan: &mut Plan,
    target: Option<Digest>,
    workspace: &Workspace,
    printer: &Printer,
) -> Result<(), Exit> {
    let fail = |error: &RecordingError| unreadable(path, error, printer);
    let recording = Recording::open(path).map_err(|error| fail(&error))?;
    let recorded = recording.started().clone();
    let previous = recording.previous(plan.target.flaky).map_err(|error| fail(&error))?;
    let mut cases = workspace.suites.cases.iter();
    let is_of_project = previous.ids.is_empty()
        || cases.any(|case| previous.ids.contains(&case.id))
        || plan
            .cases
            .iter()
            .any(|one| one.digest.is_some_and(|digest| previous.digests.contains(&digest)));
    if !is_of_project {
        printer.error(&format!(
            "--failed-from {}: none of its cases is a case of this project: it is a recording of another one; \
             nothing was sent",
            path.display()
        ));
        return Err(Exit::Usage);
    }
    if recorded.target_digest.is_none() || recorded.target_digest != target {
        printer.note(&format!(
            "{} was recorded against another target, or with other settings: every case is run",
            path.display()
        ));
        return Ok(());
    }
    plan.leave_out(&previous.passed, &format!("it passed before, in {}", path.display()));
    Ok(())
}

/// The selection. A name that does not exist is an error; valid names that select nothing exit with 4.
pub(super) fn select(
    names: &[String],
    tags: &[String],
    workspace: &Workspace,
    printer: &Printer,
) -> Result<Selection, Exit> {
    let here = std::env::current_dir().unwrap_or_default();
    let selection = Selection::new(names, tags.to_vec(), &here, &workspace.sources);
    let misses = selection.misses(&workspace.suites, &workspace.sources);
    for miss in &misses {
        printer.error(miss);
    }
    if !misses.is_empty() {
        return Err(Exit::Usage);
    }
    let selects = |case: &Arc<crate::suite::Case>| selection.selects(case, &workspace.sources);
    if !workspace.suites.cases.iter().any(selects) {
        printer.error("nothing is selected: no case has both one of the names and one of the tags");
        return Err(Exit::NothingRan);
    }
    Ok(selection)
}

/// An effect that no case has is a slip in a name.
pub(super) fn check_effects(allow: &[String], workspace: &Workspace, printer: &Printer) -> Result<(), Exit> {
    let known: BTreeSet<_> = workspace
        .suites
        .cases
        .iter()
        .flat_map(|case| &case.def.effects)
        .collect();
    for effect in allow {
        if !known.contains(effect) {
            let error = Diagnostic::general(format!("--allow {effect}: no case has this effect"));
            let error = error.suggest(effect, known.iter().map(|known| known.as_str()));
            return Err(printer.diagnostics(&error.into(), &workspace.sources));
        }
    }
    Ok(())
}

/// The repository that the project is in.
fn repository(root: &Path) -> Option<&Path> {
    root.ancestors().find(|folder| folder.join(".git").exists())
}

/// The project's folder in its repository.
fn folder(root: &Path) -> Option<String> {
    let folder = shown(repository(root)?, root);
    (!folder.is_empty()).then_some(folder)
}

/// The commit that is checked out where the project is.
pub(super) fn commit(root: &Path) -> Option<String> {
    repository(root)?;
    let output = Command::new("git")
        .args(["rev-parse", "--verify", "HEAD"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && commit.bytes().all(|b| b.is_ascii_hexdigit()) && !commit.is_empty()).then_some(commit)
}

/// The digests that a recording is compared by.
#[derive(Clone, Copy, Default)]
pub(super) struct RunDigests {
    pub(super) target: Option<Digest>,
    pub(super) cases: Option<Digest>,
}

pub(super) fn started(
    plan: &Plan,
    workspace: &Workspace,
    commit: Option<String>,
    partition: Option<Partition>,
    digests: RunDigests,
    use_proxy: bool,
) -> RunStarted {
    let suites: BTreeSet<_> = plan.cases.iter().map(|planned| &planned.case.suite.id).collect();
    RunStarted {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        started: Utc::now(),
        target: plan.target.name.clone(),
        base_url: plan.target.base.to_string(),
        suites: suites.len(),
        cases: plan.cases.len(),
        secrets: plan.target.secrets.keys().cloned().collect(),
        secret_variables: plan.target.secret_variables.clone(),
        access: access(&plan.target, &workspace.project.root, use_proxy),
        vars: plan.target.vars.clone(),
        suite_hash: workspace.hash(),
        target_digest: digests.target,
        cases_digest: digests.cases,
        commit,
        partition,
        folder: folder(&workspace.project.root),
        flaky: plan.target.flaky,
    }
}

/// The cases that are compared with a snapshot.
fn with_snapshot(workspace: &Workspace) -> BTreeSet<&str> {
    let cases = workspace.suites.cases.iter();
    cases
        .filter(|case| case.def.expect.snapshot.as_ref().is_some_and(|asked| asked.value))
        .map(|case| case.id.as_str())
        .collect()
}

/// Snapshot files that belong to no case with a snapshot, as paths of the project.
pub(super) fn unused_snapshots(workspace: &Workspace) -> Vec<String> {
    workspace
        .snapshots
        .unused(&with_snapshot(workspace))
        .iter()
        .map(|path| shown(&workspace.project.root, path))
        .collect()
}
