//! `conforme run`.

use std::path::{Path, PathBuf};

use super::{
    Printer,
    args::{RunArgs, Snapshots},
    terminal::{present, show_measurement, terminal},
    watch,
};
use crate::{
    model::Exit,
    project::TargetOptions,
    report::{Report, ShowOptions, visible},
    run::SnapshotMode,
    session::{self, RunRequest, SessionError, Workspace},
};

pub(super) fn run(args: RunArgs, project: Option<PathBuf>, printer: &mut Printer) -> Result<Exit, SessionError> {
    if let Some(url) = args.select.names.iter().find(|name| name.contains("://")) {
        return Err(url_as_case(url, project.as_deref()));
    }
    if args.then.open {
        watch::page(&args.reports)?;
    }
    if args.then.watch {
        return watch::watch(&args, project.as_deref(), printer);
    }
    let has_several_targets = args.select.targets.len() > 1;
    if args.dry_run {
        if has_several_targets {
            return Err(usage("--dry-run goes with one target"));
        }
        return dry_run(&request(args, project, printer)?, printer);
    }
    // CONFORME_MIN_SCORE applies to several commands; the flag without `--mutate` is an error.
    let is_score_unused = args.min_score.is_some() && !args.mutate && std::env::var_os("CONFORME_MIN_SCORE").is_none();
    if is_score_unused || (args.mutate && has_several_targets) {
        return Err(usage("--min-score goes with --mutate, and --mutate with one target"));
    }
    if has_several_targets {
        let (is_opened, reports) = (args.then.open, args.reports.clone());
        let exit = run_matrix(args, project, printer)?;
        if is_opened {
            watch::open(&reports, printer);
        }
        return Ok(exit);
    }
    let (output, mutate, min_score, is_opened) = (args.output, args.mutate, args.min_score, args.then.open);
    let request = request(args, project, printer)?;
    let terminal = terminal(&request.reports, output.options(), printer);
    let open = |printer: &mut Printer| {
        if is_opened {
            watch::open(&request.reports, printer);
        }
    };
    if !mutate {
        let exit = session::run(&request, terminal, printer)?;
        open(printer);
        return Ok(exit);
    }
    let (exit, measurement) = session::run_measured(&request, min_score, output.verbose, terminal, printer)?;
    open(printer);
    Ok(match measurement {
        None => exit,
        Some(measurement) => show_measurement(measurement, output.quiet, output.verbose, printer),
    })
}

/// Prints the requests of a run: the id of each, and its message, indented.
fn dry_run(request: &RunRequest, printer: &mut Printer) -> Result<Exit, SessionError> {
    let planned = session::dry_run(request, printer)?;
    for one in &planned {
        printer.out(&one.id);
        for line in one.text.lines() {
            printer.out_masked(&format!("  {}", visible(line)));
        }
        printer.out("");
    }
    if planned.is_empty() {
        let message = "every selected case would be skipped: no request would be sent".to_owned();
        return Err(SessionError::NothingSelected(message));
    }
    Ok(Exit::Success)
}

fn run_matrix(args: RunArgs, project: Option<PathBuf>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let given = [
        ("--failed-from", args.failed_from.is_some()),
        ("--partition", args.select.partition.is_some()),
        ("--max-fail", args.max_fail.is_some()),
        ("--retries", args.retries.is_some()),
        ("--wait", args.wait.is_some()),
        ("--snapshots", args.snapshots.is_some()),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Err(usage(format!("{flag} goes with one target")));
    }
    let options = ShowOptions {
        quiet: args.output.quiet,
        verbose: args.output.verbose,
    };
    let session::MatrixRun {
        matrix,
        documents,
        is_recorded,
    } = session::run_matrix(&request(args, project, printer)?, printer)?;
    let exit = Exit::of_code(matrix.exit_code).unwrap_or(Exit::NoVerdict);
    let exit = present(&Report::from(&matrix), documents, exit, options, printer);
    Ok(exit.reported(is_recorded))
}

pub(super) fn request(
    args: RunArgs,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<RunRequest, SessionError> {
    Ok(RunRequest {
        project,
        filter: args.select.filter(),
        target: TargetOptions {
            retries: args.retries,
            allow: args.select.allow,
            ..args
                .select
                .values
                .target_options(args.limits.target_options(), printer)?
        },
        targets: args.select.targets,
        partition: args.select.partition,
        skip_missing: args.select.skip_missing,
        wait: args.wait,
        repeats: args.repeats,
        max_fail: args.max_fail,
        max_skipped: args.max_skipped,
        snapshots: snapshot_mode(args.snapshots)?,
        reports: args.reports,
        record: args.record,
        failed_from: args.failed_from,
    })
}

/// In CI no snapshot is written, because it would not be reviewed.
fn snapshot_mode(given: Option<Snapshots>) -> Result<SnapshotMode, SessionError> {
    let in_ci = session::in_ci();
    match given {
        None if in_ci => Ok(SnapshotMode::Check),
        None => Ok(SnapshotMode::Pending),
        Some(mode @ (Snapshots::Pending | Snapshots::Accept)) if in_ci => {
            let name = format!("{mode:?}").to_lowercase();
            Err(usage(format!(
                "--snapshots {name}: `CI` is set, and in CI no snapshot is written"
            )))
        }
        Some(mode) => Ok(mode.into()),
    }
}

/// The error for a URL where a case is expected.
fn url_as_case(url: &str, project: Option<&Path>) -> SessionError {
    // Credentials in it are masked where it is printed.
    let help = if Workspace::is_in(project.unwrap_or(Path::new("."))) {
        format!("conforme run --target {url}")
    } else {
        format!("there is no project here yet; start one: conforme init --target {url}")
    };
    SessionError::Advised {
        message: format!("`{url}` is a URL, not the name of a case"),
        help,
        exit: Exit::Usage,
    }
}

pub(super) fn usage(message: impl Into<String>) -> SessionError {
    SessionError::Usage(message.into())
}
