//! Durations of responses on two targets.

use crate::{
    compare::{CaseLatency, Latency},
    report::{
        model::{Column, Table, TableRow},
        text::{cases, duration, figure},
    },
};

/// Rows of the table.
const ROWS_COUNT: usize = 15;

/// The medians over all cases, baseline and candidate, in microseconds.
fn medians(latencies: &[CaseLatency]) -> Option<(u64, u64)> {
    let median = |of: fn(&CaseLatency) -> &Latency| {
        let mut all: Vec<_> = latencies.iter().map(|case| of(case).median_us).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some((median(|case| &case.baseline)?, median(|case| &case.candidate)?))
}

/// `4.0 ms → 3.3 ms, the median over 6 cases`.
pub(super) fn summary(latencies: &[CaseLatency]) -> Option<String> {
    let (before, after) = medians(latencies)?;
    let (before, after, number) = (duration(before), duration(after), cases(latencies.len()));
    Some(format!("{before} → {after}, the median over {number}"))
}

/// The factor by which the median of a case changed.
#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn factor(case: &CaseLatency) -> f64 {
    case.candidate.median_us.max(1) as f64 / case.baseline.median_us.max(1) as f64
}

/// The cases whose medians changed most.
pub(super) fn table(latencies: &[CaseLatency]) -> Option<Table> {
    if latencies.is_empty() {
        return None;
    }
    let mut all: Vec<_> = latencies.iter().collect();
    let shift = |case: &CaseLatency| factor(case).ln().abs();
    all.sort_by(|one, other| shift(other).total_cmp(&shift(one)));
    let is_single = |case: &CaseLatency| case.baseline.responses < 2 || case.candidate.responses < 2;
    let mut caption = if all.len() > ROWS_COUNT {
        format!(
            "Median (fastest to slowest response) of the {ROWS_COUNT} cases that changed most, out of {}.",
            figure(all.len())
        )
    } else {
        "Median (fastest to slowest response) of each case.".to_owned()
    };
    if latencies.iter().all(is_single) {
        caption.push_str(" There is one response per case and target: the change of a single case means little.");
    }
    let range = |of: &Latency| {
        let (median, least, most) = (duration(of.median_us), duration(of.least_us), duration(of.most_us));
        format!("{median} ({least} to {most})")
    };
    let row = |case: &&CaseLatency| TableRow {
        cells: vec![
            case.case.clone(),
            range(&case.baseline),
            range(&case.candidate),
            format!("× {:.2}", factor(case)),
        ],
        is_brief: true,
    };
    Some(Table {
        title: "Latency",
        caption,
        columns: vec![
            Column::Name("case"),
            Column::Number("baseline"),
            Column::Number("candidate"),
            Column::Number("factor"),
        ],
        rows: all.iter().take(ROWS_COUNT).map(row).collect(),
        is_detail: true,
    })
}
