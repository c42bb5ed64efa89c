//! Response times: whether the difference between the two versions is statistically significant.

use super::{CaseLatency, ChangeRule, Latency};

/// One case's times on both sides, in microseconds.
pub(super) struct Times {
    pub(super) baseline: Vec<u64>,
    pub(super) candidate: Vec<u64>,
}

/// Minimum number of standard deviations of a shift: p < 0.001.
const DEVIATIONS: f64 = 3.29;
/// Minimum shift, in microseconds and as a fraction of the time before.
const FELT_US: f64 = 5_000.0;
const FELT_PART: f64 = 0.2;

/// The response times of one side.
pub(super) fn figures(times: &[u64]) -> Latency {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    Latency {
        responses: sorted.len(),
        least_us: sorted.first().copied().unwrap_or_default(),
        median_us: middle(&sorted),
        most_us: sorted.last().copied().unwrap_or_default(),
    }
}

fn middle(sorted: &[u64]) -> u64 {
    match sorted.len() {
        0 => 0,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => u64::midpoint(sorted[even / 2 - 1], sorted[even / 2]),
    }
}

/// The response times of a case.
pub(super) fn of_case(case: &str, times: &Times) -> CaseLatency {
    CaseLatency {
        case: case.to_owned(),
        baseline: figures(&times.baseline),
        candidate: figures(&times.candidate),
    }
}

/// Whether a group of cases is slower or faster: the rank sums of Mann and Whitney, each case a stratum of its own (van
/// Elteren), so that slow and fast cases are not mixed. Both sides need more than one response.
#[expect(clippy::cast_precision_loss, reason = "counts and microseconds far below 2^52")]
pub(super) fn shift<'t>(cases: impl Iterator<Item = &'t Times>) -> Option<(ChangeRule, u64, u64)> {
    let (mut sum, mut variance) = (0.0, 0.0);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for times in cases.filter(|times| times.baseline.len() > 1 && times.candidate.len() > 1) {
        let (own, other) = (times.baseline.len() as f64, times.candidate.len() as f64);
        let mut wins = 0.0;
        for one in &times.baseline {
            for new in &times.candidate {
                wins += match new.cmp(one) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        sum += wins - own * other / 2.0;
        variance += own * other * (own + other + 1.0) / 12.0;
        before.push(figures(&times.baseline).median_us);
        after.push(figures(&times.candidate).median_us);
    }
    if variance == 0.0 || sum.abs() / f64::sqrt(variance) < DEVIATIONS {
        return None;
    }
    before.sort_unstable();
    after.sort_unstable();
    let (before, after) = (middle(&before), middle(&after));
    let moved = after.abs_diff(before) as f64;
    if moved < FELT_US || moved < FELT_PART * before.min(after) as f64 || (sum > 0.0) != (after > before) {
        return None;
    }
    let rule = if sum > 0.0 {
        ChangeRule::LatencySlower
    } else {
        ChangeRule::LatencyFaster
    };
    Some((rule, before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(baseline: &[u64], candidate: &[u64]) -> Times {
        Times {
            baseline: baseline.to_vec(),
            candidate: candidate.to_vec(),
        }
    }

    #[test]
    fn one_slow_response_is_ignored_and_many_are_a_shift() {
        let ms = 1000;
        let same: Vec<_> = (0..20)
            .map(|case| times(&[10 * ms + case, 11 * ms], &[10 * ms, 11 * ms + case]))
            .collect();
        assert_eq!(shift(same.iter()), None);
        let mut one_slow: Vec<_> = (0..20)
            .map(|case| times(&[10 * ms + case, 11 * ms], &[10 * ms + 1, 11 * ms]))
            .collect();
        one_slow[3].candidate[1] = 5_000 * ms;
        assert_eq!(shift(one_slow.iter()), None);
        let slow: Vec<_> = (0..10)
            .map(|case| times(&[10 * ms + case, 11 * ms], &[30 * ms, 31 * ms]))
            .collect();
        let found = shift(slow.iter()).unwrap();
        assert_eq!(found.0, ChangeRule::LatencySlower);
        let fast: Vec<_> = slow.iter().map(|one| times(&one.candidate, &one.baseline)).collect();
        assert_eq!(
            shift(fast.iter()).unwrap(),
            (ChangeRule::LatencyFaster, found.2, found.1)
        );
        // Every response is slower, by less than the minimum.
        let little: Vec<_> = (0..99).map(|_| times(&[500, 510], &[900, 910])).collect();
        assert_eq!(shift(little.iter()), None);
        // A single response on each side is not significant.
        assert_eq!(
            shift((0..99).map(|_| times(&[ms], &[900 * ms])).collect::<Vec<_>>().iter()),
            None
        );
    }

    #[test]
    fn figures_are_of_sorted_times() {
        let figures = figures(&[30, 10, 20, 40]);
        assert_eq!(
            (figures.responses, figures.least_us, figures.median_us, figures.most_us),
            (4, 10, 25, 40)
        );
    }
}
