//! Values that differ because each server assigned its own: captured and generated ones, and identifiers of created resources.

use std::collections::{BTreeMap, BTreeSet};

use super::side::{CAPTURE, PAIRED, Recorded};
use crate::check::identifiers::{self, CaptureOrigin, MIN_DISTINCT};

/// Pairs of values, of baseline and candidate.
#[derive(Debug, Default)]
pub(super) struct AssignedIds {
    /// Identifiers of resources that the same case created.
    created: BTreeSet<(String, String)>,
    /// Values that the suite captures or generates, with the case and the name of each: they are declared to differ from
    /// run to run.
    captured: BTreeMap<(String, String), BTreeSet<(String, String)>>,
}

impl AssignedIds {
    pub(super) fn new(before: &Recorded, after: &Recorded) -> Self {
        let mut all = Self::default();
        for (location, own) in &before.assigned {
            let Some(other) = after.assigned.get(location) else {
                continue;
            };
            let (step, at) = location;
            if let Some(name) = at.strip_prefix(CAPTURE) {
                let case = step.split(':').next().unwrap_or_default();
                for pair in pairs(&own.iter().collect::<Vec<_>>(), &other.iter().collect::<Vec<_>>()) {
                    let locations = all.captured.entry(pair).or_default();
                    locations.insert((case.to_owned(), name.to_owned()));
                }
                continue;
            }
            // Short numbers would match others by chance.
            let is_distinct = |id: &&String| id.len() >= MIN_DISTINCT;
            let own: Vec<_> = own.iter().filter(is_distinct).take(PAIRED).collect();
            let other: Vec<_> = other.iter().filter(is_distinct).take(PAIRED).collect();
            all.created.extend(pairs(&own, &other));
        }
        all
    }

    /// Whether both are identifiers of the same created resource.
    pub(super) fn is_created(&self, before: &str, after: &str) -> bool {
        self.created.contains(&(before.to_owned(), after.to_owned()))
    }

    /// Whether a case captured or generated both values. `name` is the name of their property, or what precedes them in a
    /// text. A short value could be any number, so it must be one of the same case and at a location for it.
    /// `origin` finds where a captured value comes from.
    pub(super) fn is_captured(
        &self,
        (case, name): (&str, &str),
        before: &str,
        after: &str,
        origin: impl Fn(&str) -> CaptureOrigin,
    ) -> bool {
        let Some(locations) = self.captured.get(&(before.to_owned(), after.to_owned())) else {
            return false;
        };
        let is_distinct = before.len() >= MIN_DISTINCT && after.len() >= MIN_DISTINCT;
        let case = case.split(':').next().unwrap_or_default();
        let is_expected = |capture: &str| identifiers::expectation(name, capture, &origin(capture)).is_some();
        is_distinct || (locations.iter()).any(|(known, capture)| known == case && is_expected(capture))
    }
}

/// All pairs of different values.
fn pairs(own: &[&String], other: &[&String]) -> impl Iterator<Item = (String, String)> {
    own.iter().flat_map(|one| {
        let others = other.iter().filter(move |id| *id != one);
        others.map(|id| ((*one).clone(), (*id).clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured() -> AssignedIds {
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        AssignedIds {
            created: BTreeSet::new(),
            captured: BTreeMap::from([
                (pair("17", "18"), BTreeSet::from([pair("s/a", "order_id")])),
                (pair("ord_17", "ord_18"), BTreeSet::from([pair("s/a", "order_id")])),
            ]),
        }
    }

    #[test]
    fn short_values_are_captured_ones_only_at_their_locations() {
        let all = captured();
        for name in ["id", "order_id", "orderId", "order", "orders", "ids", "/", "#"] {
            assert!(
                all.is_captured(("s/a:get", name), "17", "18", |_| CaptureOrigin::default()),
                "{name}"
            );
            assert!(
                !all.is_captured(("s/b:get", name), "17", "18", |_| CaptureOrigin::default()),
                "{name}"
            );
            assert!(
                !all.is_captured(("s/a:get", name), "18", "17", |_| CaptureOrigin::default()),
                "{name}"
            );
        }
        for name in ["total", "count", "has", "or", ""] {
            assert!(
                !all.is_captured(("s/a:get", name), "17", "18", |_| CaptureOrigin::default()),
                "{name}"
            );
            assert!(
                all.is_captured(("s/b", name), "ord_17", "ord_18", |_| CaptureOrigin::default()),
                "{name}"
            );
        }
    }
}
