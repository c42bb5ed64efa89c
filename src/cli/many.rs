//! `conforme run` on several targets: the same suite side by side on each, told as one matrix.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    Exit, Printer,
    args::{LiveArgs, RunArgs},
    compare::plan_of,
    live,
    outputs::{Inputs, Outputs},
    recheck::unreadable,
    reports::{Documents, Patient},
    run::select,
    workspace::Workspace,
};
use crate::{
    compare::{
        CompareError, Comparing, FORMAT, Facts, Judge, Level, Matrix, MatrixRow, Side, Version, compare, side_of,
    },
    model::{CaseFinished, Event, Stop, Verdict},
    recording::{Recording, RecordingError},
    report::compare::{ComparisonOptions, tell_matrix, write_matrix},
};

/// What stands for a target's name in the path of its recording.
const NAME: &str = "{target}";

pub(super) fn run(args: &RunArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    let targets = &args.select.targets;
    check(args, targets, printer)?;
    let workspace = Arc::new(Workspace::load(folder, printer)?);
    printer.warnings(&workspace.schemas.warnings(), &workspace.sources);
    let selection = select(&args.select.names, &args.select.tags, &workspace, printer)?;
    let recordings: Vec<_> = args
        .record
        .iter()
        .flat_map(|path| targets.iter().map(|name| path_of(path, name)))
        .collect();
    let mut outputs = Outputs::new(&args.reports, None);
    for path in &recordings {
        outputs.add("--record", path);
    }
    let inputs = Inputs::default()
        .project(&workspace)
        .and(args.limits.ca_file.as_deref());
    outputs.check(&inputs, printer)?;
    let documents = Documents::open(&args.reports, printer)?;
    let live = LiveArgs {
        vars: args.select.vars.clone(),
        allow: args.select.allow.clone(),
        skip_missing: args.select.skip_missing,
        max_skipped: args.max_skipped,
        limits: args.limits.clone(),
    };
    let recordings = live::record(targets, &live, args.repeats, &selection, &workspace, printer)?;
    let mut is_kept = true;
    if let Some(path) = &args.record {
        for (name, recorded) in targets.iter().zip(&recordings.paths) {
            is_kept &= keep(recorded, &path_of(path, name), printer);
        }
    }
    let matrix = matrix(targets, &recordings.paths, &workspace, recordings.interrupted)
        .map_err(|(path, error)| unreadable(&path, &error, printer))?;
    let options = ComparisonOptions {
        quiet: args.output.quiet,
        verbose: args.output.verbose,
    };
    let told = if documents.is_on_stdout() {
        tell_matrix(&matrix, io::stderr(), printer.err_colours(), options)
    } else {
        let mut out = Patient(io::stdout());
        tell_matrix(&matrix, &mut out, printer.out_colours(), options).and_then(|()| out.flush())
    };
    let is_told = told
        .map_err(|error| printer.error(&format!("failed to write to standard output: {error}")))
        .is_ok();
    let is_written = documents.write(printer, |format, sink| write_matrix(format, &matrix, sink));
    let exit = Exit::of_code(matrix.exit_code).unwrap_or(Exit::NoVerdict);
    Ok(exit.reported(is_told && is_written && is_kept))
}

/// Refuses what makes no sense on several targets at once.
fn check(args: &RunArgs, targets: &[String], printer: &Printer) -> Result<(), Exit> {
    let given = [
        ("--failed-from", args.failed_from.is_some()),
        ("--partition", args.select.partition.is_some()),
        ("--max-fail", args.max_fail.is_some()),
        ("--retries", args.retries.is_some()),
        ("--wait", args.wait.is_some()),
        ("--snapshots", args.snapshots.is_some()),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        printer.error(&format!("{flag} goes with one target; nothing was sent"));
        return Err(Exit::Usage);
    }
    if let Some(twice) = targets
        .iter()
        .enumerate()
        .find(|(number, name)| targets[..*number].contains(name))
    {
        printer.error(&format!("--target {}: it is given twice; nothing was sent", twice.1));
        return Err(Exit::Usage);
    }
    let is_apart = |path: &PathBuf| path.to_string_lossy().contains(NAME);
    if args.record.as_ref().is_some_and(|path| !is_apart(path)) {
        printer.error(&format!(
            "--record: each target has a recording of its own; write `{NAME}` where its name belongs, such as `runs/{NAME}.ndjson`"
        ));
        return Err(Exit::Usage);
    }
    Ok(())
}

/// The path of a target's recording: of a URL, what a file can be called.
fn path_of(path: &Path, target: &str) -> PathBuf {
    let plain = |sign: char| {
        if sign.is_alphanumeric() || "._-".contains(sign) {
            sign
        } else {
            '-'
        }
    };
    let name = target.split_once("://").map_or(target, |(_, rest)| rest);
    let name: String = name.trim_end_matches('/').chars().map(plain).collect();
    PathBuf::from(path.to_string_lossy().replace(NAME, name.trim_start_matches('.')))
}

/// Keeps a recording; whether that went well.
fn keep(recorded: &Path, path: &Path, printer: &Printer) -> bool {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let copied = folder.and_then(|()| std::fs::copy(recorded, path));
    copied
        .map_err(|error| printer.error(&format!("failed to write the recording `{}`: {error}", path.display())))
        .is_ok()
}

/// What is known of a case on one target.
struct Cell {
    index: usize,
    verdict: Verdict,
    reason: Option<String>,
}

type Failed = (PathBuf, RecordingError);

fn matrix(
    names: &[String],
    paths: &[PathBuf],
    workspace: &Workspace,
    interrupted: Option<Stop>,
) -> Result<Matrix, Failed> {
    let facts = Facts::of(&workspace.suites, &workspace.schemas);
    let plan = paths.first().and_then(|path| plan_of(path, workspace));
    let judge = plan.as_ref().map(|plan| Judge::new(plan, &workspace.sources));
    let how = Comparing {
        facts: &facts,
        judge: judge.as_ref(),
        levels: &workspace.compare.levels,
        accepted: &[],
        today: Utc::now().date_naive(),
        fail_on: Some(Level::Breaking),
        wanted: &|_| true,
    };
    let version = |number: usize| Version {
        path: &paths[number],
        name: &names[number],
    };
    let mut drift = Vec::new();
    for number in 1..names.len() {
        match compare(version(0), version(number), &how) {
            Ok(compared) => drift.push(compared),
            Err(CompareError::Unreadable { is_candidate, source }) => {
                let failed = if is_candidate { number } else { 0 };
                return Err((paths[failed].clone(), source));
            }
            // Nothing is accepted here.
            Err(CompareError::UnknownNames(_)) => {}
        }
    }
    let mut cells: BTreeMap<String, Vec<Option<Cell>>> = BTreeMap::new();
    let (mut targets, mut exits): (Vec<Side>, Vec<Exit>) = (Vec::new(), Vec::new());
    let mut runs = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let fail = |error| (path.clone(), error);
        targets.push(side_of(version(number)).map_err(fail)?);
        for event in Recording::open(path).map_err(fail)? {
            match event.map_err(fail)?.into_inner() {
                Event::CaseFinished(finished) => {
                    let row = cells.entry(finished.id.clone());
                    row.or_insert_with(|| names.iter().map(|_| None).collect())[number] = Some(cell(&finished));
                }
                Event::RunFinished(finished) => {
                    exits.extend(Exit::of_code(finished.exit_code));
                    runs.push(finished);
                }
                _ => {}
            }
        }
    }
    exits.extend(drift.iter().filter_map(|one| Exit::of_code(one.summary.exit_code)));
    exits.extend(interrupted.map(|stop| match stop {
        Stop::Terminated => Exit::Terminated,
        Stop::HungUp => Exit::HungUp,
        _ => Exit::Interrupted,
    }));
    let mut cells: Vec<_> = cells.into_iter().collect();
    cells.sort_by_key(|(_, row)| row.iter().flatten().map(|cell| cell.index).min());
    let rows = cells.into_iter().map(|(case, row)| {
        let verdicts = row.iter().map(|cell| cell.as_ref().map(|cell| cell.verdict)).collect();
        let reasons = row.into_iter().map(|cell| cell?.reason).collect();
        MatrixRow {
            case,
            verdicts,
            reasons,
        }
    });
    Ok(Matrix {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        targets,
        runs,
        rows: rows.collect(),
        drift,
        exit_code: worst(&exits).code(),
    })
}

fn cell(finished: &CaseFinished) -> Cell {
    Cell {
        index: finished.index,
        verdict: finished.verdict,
        reason: finished.last.summary(),
    }
}

/// What all targets together call for: that something is broken counts before that something is not known.
fn worst(exits: &[Exit]) -> Exit {
    let order = [
        Exit::Terminated,
        Exit::Interrupted,
        Exit::HungUp,
        Exit::ContractViolated,
        Exit::NoVerdict,
        Exit::NothingRan,
    ];
    order
        .into_iter()
        .find(|exit| exits.contains(exit))
        .unwrap_or(Exit::Success)
}
