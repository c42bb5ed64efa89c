//! `conforme run` on several targets: the same suite in lockstep on each, reported as one matrix.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    Documents, LockstepOptions, Notices, RunRequest, SessionError, Workspace,
    compare::judging_plan,
    lockstep,
    outputs::{Inputs, Outputs},
    prepared::TOOL,
};
use crate::{
    compare::{
        ChangeLevel, CompareError, CompareOptions, Comparison, FORMAT, Judge, Matrix, MatrixRow, SuiteFacts, Version,
        compare, side_of,
    },
    model::{Event, Exit, RunFinished, Verdict},
    recording::Recording,
};

/// The part of the path of a recording that is replaced by the name of its target.
const NAME: &str = "{target}";

/// A completed run on several targets.
pub struct MatrixRun {
    /// The result.
    pub matrix: Matrix,
    /// The reports, which are still to be written.
    pub documents: Documents,
    /// Whether every requested recording was written.
    pub is_recorded: bool,
}

/// Runs the selected cases on all targets of the request. What concerns one target alone (`partition`, `wait`,
/// `max_fail`, `snapshots`, `failed_from`) is ignored.
pub fn run_matrix(request: &RunRequest, notices: &mut dyn Notices) -> Result<MatrixRun, SessionError> {
    let targets = &request.targets;
    let recordings = recording_paths(request)?;
    let workspace = Arc::new(Workspace::open(request.project.as_deref(), notices)?);
    notices.warnings(&workspace.warnings(), &workspace.sources);
    let selection = request.filter.select(&workspace)?;
    let mut outputs = Outputs::new(&request.reports, None);
    for path in &recordings {
        outputs.add("--record", path);
    }
    let ca_file = request.target.ca_file.as_deref();
    outputs.check(&Inputs::default().project(&workspace).and(ca_file))?;
    let documents = Documents::open(&request.reports)?;
    let options = LockstepOptions {
        target: request.target.clone(),
        repeats: request.repeats,
        skip_missing: request.skip_missing,
        max_skipped: request.max_skipped,
    };
    let recorded = lockstep::record(targets, &options, &selection, &workspace, notices)?;
    let mut is_recorded = true;
    for (from, to) in recorded.paths.iter().zip(&recordings) {
        if let Err(error) = keep(from, to) {
            notices.error(&format!("failed to write the recording `{}`: {error}", to.display()));
            is_recorded = false;
        }
    }
    Ok(MatrixRun {
        matrix: matrix(targets, &recorded.paths, &workspace, recorded.interrupted)?,
        documents,
        is_recorded,
    })
}

/// The path of the recording of each target, if the run is recorded.
fn recording_paths(request: &RunRequest) -> Result<Vec<PathBuf>, SessionError> {
    let targets = &request.targets;
    let mut numbered = targets.iter().enumerate();
    if let Some((_, twice)) = numbered.find(|(number, name)| targets[..*number].contains(name)) {
        return Err(SessionError::Usage(format!("--target {twice}: it is given twice")));
    }
    match &request.record {
        None => Ok(Vec::new()),
        Some(path) if path.to_string_lossy().contains(NAME) => {
            Ok(targets.iter().map(|name| recording_path(path, name)).collect())
        }
        Some(_) => Err(SessionError::Usage(format!(
            "--record: each target has a recording of its own; write `{NAME}` where its name belongs, such as `runs/{NAME}.ndjson`"
        ))),
    }
}

/// The path of a target's recording. Characters of a URL that are unusual in file names are replaced.
fn recording_path(path: &Path, target: &str) -> PathBuf {
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

/// Copies a recording to where it is kept.
fn keep(from: &Path, to: &Path) -> std::io::Result<u64> {
    to.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::copy(from, to)
}

fn matrix(
    names: &[String],
    paths: &[PathBuf],
    workspace: &Workspace,
    interrupted: Option<Exit>,
) -> Result<Matrix, SessionError> {
    let version = |number: usize| Version {
        path: &paths[number],
        name: &names[number],
    };
    let mut targets = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        targets.push(side_of(version(number)).map_err(SessionError::recording(path))?);
    }
    let drift = drift(paths, version, workspace)?;
    let (rows, runs) = rows(paths)?;
    let mut exits: Vec<_> = runs.iter().filter_map(|run| Exit::of_code(run.exit_code)).collect();
    exits.extend(drift.iter().filter_map(|one| Exit::of_code(one.summary.exit_code)));
    exits.extend(interrupted);
    Ok(Matrix {
        format: FORMAT,
        tool: TOOL.to_owned(),
        targets,
        runs,
        rows,
        drift,
        exit_code: worst(&exits).code(),
    })
}

/// Compares each target with the first.
fn drift<'v>(
    paths: &'v [PathBuf],
    version: impl Fn(usize) -> Version<'v>,
    workspace: &Workspace,
) -> Result<Vec<Comparison>, SessionError> {
    let facts = SuiteFacts::of(&workspace.suites, &workspace.schemas);
    let plan = paths.first().and_then(|path| judging_plan(path, workspace));
    let judge = plan.as_ref().map(|plan| Judge::new(plan, &workspace.sources));
    let comparing = CompareOptions {
        facts: &facts,
        judge: judge.as_ref(),
        levels: &workspace.compare.levels,
        accepted: &[],
        today: Utc::now().date_naive(),
        fail_on: Some(ChangeLevel::Breaking),
        wanted: &|_| true,
    };
    let mut drift = Vec::new();
    for number in 1..paths.len() {
        match compare(version(0), version(number), &comparing) {
            Ok(compared) => drift.push(compared),
            Err(CompareError::Unreadable { is_candidate, source }) => {
                let unreadable = &paths[if is_candidate { number } else { 0 }];
                return Err(SessionError::recording(unreadable)(source));
            }
            // There are no accepted changes here.
            Err(CompareError::UnknownNames(_)) => {}
        }
    }
    Ok(drift)
}

/// A case on one target.
struct Cell {
    index: usize,
    verdict: Verdict,
    reason: Option<String>,
}

/// The verdicts of every case on every target, in the order of the suite, and the end of every run.
fn rows(paths: &[PathBuf]) -> Result<(Vec<MatrixRow>, Vec<RunFinished>), SessionError> {
    let mut cells: BTreeMap<String, Vec<Option<Cell>>> = BTreeMap::new();
    let mut runs = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let unreadable = SessionError::recording(path);
        for event in Recording::open(path).map_err(&unreadable)? {
            match event.map_err(&unreadable)?.into_inner() {
                Event::CaseFinished(finished) => {
                    let cell = Cell {
                        index: finished.index,
                        verdict: finished.verdict,
                        reason: finished.last.summary(),
                    };
                    let row = cells.entry(finished.id);
                    row.or_insert_with(|| paths.iter().map(|_| None).collect())[number] = Some(cell);
                }
                Event::RunFinished(finished) => runs.push(finished),
                _ => {}
            }
        }
    }
    let mut cells: Vec<_> = cells.into_iter().collect();
    cells.sort_by_key(|(_, row)| row.iter().flatten().map(|cell| cell.index).min());
    let rows = cells.into_iter().map(|(case, row)| MatrixRow {
        case,
        verdicts: row.iter().map(|cell| cell.as_ref().map(|cell| cell.verdict)).collect(),
        reasons: row.into_iter().map(|cell| cell?.reason).collect(),
    });
    Ok((rows.collect(), runs))
}

/// The exit code of all targets together: a broken contract takes precedence over a missing verdict.
fn worst(exits: &[Exit]) -> Exit {
    let order = [
        Exit::Terminated,
        Exit::Interrupted,
        Exit::HungUp,
        Exit::ContractViolated,
        Exit::NoVerdict,
        Exit::NothingRan,
    ];
    let mut order = order.into_iter();
    order.find(|exit| exits.contains(exit)).unwrap_or(Exit::Success)
}
