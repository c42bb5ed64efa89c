//! One suite on several targets: verdicts by case and target, and how each target differs from the first.

use super::comparison;
use crate::{
    compare::{Comparison, Matrix},
    model::{Exit, RunFinished},
    report::{
        Report,
        limits::{NAME, TARGETS_COUNT, VALUE, terminal},
        model::{End, GateResult, Grid, GridRow, Section, Start},
        summary::tested,
        text::{cases, figure, short},
    },
};

impl<'a> From<&'a Matrix> for Report<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        let outcome = outcome(matrix);
        let targets = matrix.targets.iter().enumerate();
        let items: Vec<_> = matrix
            .drift
            .iter()
            .enumerate()
            .flat_map(|(index, drift)| comparison::items(drift, index, &prefix(drift)))
            .collect();
        let has_failure = matrix.drift.iter().any(comparison::has_failure);
        Self {
            start: Start {
                name: "conforme run",
                tool: matrix.tool.clone(),
                subject: matrix.targets.iter().map(|target| target.name.clone()).collect(),
                folder: matrix.targets.iter().find_map(|target| target.folder.clone()),
                started: matrix.targets.first().map(|target| target.started),
                planned: items.len(),
                has_verdict: true,
                noun: None,
                shown: terminal::ITEMS_COUNT,
                targets: targets
                    .map(|(index, target)| comparison::target(&format!("[{}]", index + 1), target))
                    .collect(),
                properties: Vec::new(),
            },
            items,
            end: End {
                outcome,
                headline: headline(matrix),
                summary: vec![format!(
                    "{} on {} targets",
                    cases(matrix.rows.len()),
                    figure(matrix.targets.len())
                )],
                exit_code: Some(matrix.exit_code),
                is_complete: outcome != GateResult::NoVerdict,
                verdict: Some(comparison::verdict_case(outcome, has_failure, headline(matrix))),
                grid: Some(grid(matrix)),
                sections: matrix.drift.iter().map(section).collect(),
                ..End::default()
            },
            data: matrix,
        }
    }
}

fn prefix(drift: &Comparison) -> String {
    format!("{}: ", short(&drift.candidate.name, NAME))
}

fn section(drift: &Comparison) -> Section {
    Section {
        heading: Some(drift_headline(drift)),
        prefix: prefix(drift),
        ..comparison::section(drift)
    }
}

fn grid(matrix: &Matrix) -> Grid {
    let rows = matrix.rows.iter().map(|row| GridRow {
        case: short(&row.case, NAME),
        verdicts: (0..matrix.targets.len())
            .map(|at| row.verdicts.get(at).copied().flatten())
            .collect(),
        reasons: (0..matrix.targets.len())
            .map(|at| Some(short(row.reasons.get(at)?.as_ref()?, VALUE)))
            .collect(),
    });
    Grid {
        columns: matrix.targets.iter().map(|target| short(&target.name, NAME)).collect(),
        rows: rows.collect(),
        // If a flaky case failed, the exit code would not be 0.
        flaky_passes: matrix.exit_code == Exit::Success.code(),
    }
}

fn outcome(matrix: &Matrix) -> GateResult {
    let each = || matrix.drift.iter().map(comparison::outcome);
    if matrix.exit_code == Exit::ContractViolated.code() || each().any(|one| one == GateResult::Failed) {
        GateResult::Failed
    } else if matrix.exit_code != Exit::Success.code()
        || matrix.rows.is_empty()
        || each().any(|one| one != GateResult::Passed)
    {
        GateResult::NoVerdict
    } else {
        GateResult::Passed
    }
}

/// How a target differs from the first, in one line.
fn drift_headline(drift: &Comparison) -> String {
    let (own, first) = (short(&drift.candidate.name, NAME), short(&drift.baseline.name, NAME));
    let changes = comparison::parts(comparison::counts(drift));
    match (comparison::outcome(drift), changes.as_str()) {
        (GateResult::NoVerdict, _) => format!("{own}: {}", comparison::headline(drift)),
        (_, "") => format!("{own} agrees with {first}"),
        (_, changes) => format!("{own} differs from {first}: {changes}"),
    }
}

/// The result on all targets, and how much was tested, in one line.
fn headline(matrix: &Matrix) -> String {
    let state = state(matrix);
    let tested: Vec<_> = (matrix.targets.iter().zip(&matrix.runs).take(TARGETS_COUNT))
        .map(|(target, run)| (short(&target.name, NAME), tested(run)))
        .collect();
    let Some((_, first)) = tested.first() else { return state };
    if tested.iter().all(|(_, one)| one == first) && matrix.runs.len() <= TARGETS_COUNT {
        return format!("{state}; on each target {first}");
    }
    let each = tested.iter().map(|(name, one)| format!("{name}: {one}"));
    let each = each.collect::<Vec<_>>().join("; ");
    match matrix.runs.len().saturating_sub(tested.len()) {
        0 => format!("{state}; {each}"),
        more => format!("{state}; {each}; and {more} more"),
    }
}

fn state(matrix: &Matrix) -> String {
    let drift = |outcome| {
        matrix
            .drift
            .iter()
            .filter(move |one| comparison::outcome(one) == outcome)
    };
    let first = || {
        matrix
            .targets
            .first()
            .map_or_else(String::new, |target| short(&target.name, NAME))
    };
    let differing: Vec<_> = drift(GateResult::Failed)
        .map(|one| short(&one.candidate.name, NAME))
        .collect();
    match outcome(matrix) {
        GateResult::Failed
            if differing.is_empty()
                && matrix.runs.iter().any(RunFinished::skipped_too_many)
                && matrix.runs.iter().all(|run| run.counts.failed == 0) =>
        {
            "Too many cases were skipped".to_owned()
        }
        GateResult::Failed if differing.is_empty() => "Failed: cases fail on all targets alike".to_owned(),
        GateResult::Failed => {
            let verb = if differing.len() == 1 { "differs" } else { "differ" };
            format!("Drift: {} {verb} from {}", differing.join(", "), first())
        }
        GateResult::NoVerdict => match drift(GateResult::NoVerdict).next() {
            Some(one) => format!("{} ({})", comparison::headline(one), short(&one.candidate.name, NAME)),
            None => format!("No verdict: the run exits with {}", matrix.exit_code),
        },
        GateResult::Passed if matrix.drift.iter().all(|one| one.changes.is_empty()) => "The targets agree".to_owned(),
        GateResult::Passed => format!("No target has a change that fails, compared with {}", first()),
    }
}
