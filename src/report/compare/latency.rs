//! How long answers took on both sides: what is typical, which cases moved most, and a picture of all of them.

use crate::compare::{CaseLatency, Latency};

/// The medians over all cases, baseline and candidate, in microseconds.
pub(super) fn typical(latencies: &[CaseLatency]) -> Option<(u64, u64)> {
    let median = |of: fn(&CaseLatency) -> &Latency| {
        let mut all: Vec<_> = latencies.iter().map(|case| of(case).median_us).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some((median(|case| &case.baseline)?, median(|case| &case.candidate)?))
}

/// `7 µs`, `12.3 ms`, `3.45 s`.
pub(super) fn shown(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        100_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// How many times as long the candidate takes.
#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
pub(super) fn factor(case: &CaseLatency) -> f64 {
    case.candidate.median_us.max(1) as f64 / case.baseline.median_us.max(1) as f64
}

/// The cases whose medians moved most, in either direction: those first.
pub(super) fn most_moved(latencies: &[CaseLatency], most: usize) -> Vec<&CaseLatency> {
    let mut all: Vec<_> = latencies.iter().collect();
    let shift = |case: &CaseLatency| factor(case).ln().abs();
    all.sort_by(|one, other| shift(other).total_cmp(&shift(one)));
    all.truncate(most);
    all
}
