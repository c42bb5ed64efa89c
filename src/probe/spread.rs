//! Chooses some of many near misses.

use std::collections::BTreeMap;

use super::Probe;

/// Keeps at most this many, spread over all changed parts, in the same order. Returns the number that is left out.
pub fn spread(probes: &mut Vec<Probe>, most: usize) -> usize {
    let omitted = probes.len().saturating_sub(most);
    if omitted == 0 {
        return 0;
    }
    // The first of each part, then the second of each, and so on.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<(usize, usize)> = Vec::with_capacity(probes.len());
    for (index, probe) in probes.iter().enumerate() {
        let count = counts.entry(probe.subject().to_owned()).or_default();
        order.push((*count, index));
        *count += 1;
    }
    order.sort_unstable();
    let mut kept: Vec<_> = order.into_iter().take(most).map(|(_, index)| index).collect();
    kept.sort_unstable();
    let mut index = 0;
    probes.retain(|_| {
        index += 1;
        kept.binary_search(&(index - 1)).is_ok()
    });
    omitted
}
