//! Which item of one array corresponds to which item of another.

use std::collections::HashMap;

use serde_json::Value;

/// Maximum number of property names that are considered as the key of items.
const KEYS: usize = 20;
/// Names of properties that identify an item, in the order in which they are preferred.
const IDENTIFYING: [&str; 10] = [
    "id", "uuid", "key", "code", "slug", "sku", "name", "path", "url", "href",
];

/// The items of two arrays, matched.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Positions in the first and in the second array, ordered by the first.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Positions of items that only the first array has.
    pub(super) removed: Vec<usize>,
    /// Positions of items that only the second array has.
    pub(super) added: Vec<usize>,
    /// Whether distinguishable items are in a different order.
    pub(super) is_reordered: bool,
    /// Whether items were matched because each server assigned its own identifier to the same resource.
    pub(super) has_assigned: bool,
}

/// Maximum number of pairs of items that are examined for assigned identifiers.
const ASSIGNED_PAIRS: usize = 10_000;

/// Whether a property has an identifying name.
pub(super) fn is_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    IDENTIFYING.contains(&name.as_str()) || name.ends_with("id") || name.ends_with("_key")
}

/// Matches the items of two arrays: those that are `assigned` to the same resource, equal ones, then those with the same key.
/// The same short identifier can be that of another resource on the other side, so assigned ones come first. `one` and `other` are the items as text
/// that is equal where they mean the same. Items that are left are matched in order where both arrays have the same length.
pub(super) fn align(
    (a, one): (&[Value], &[String]),
    (b, other): (&[Value], &[String]),
    assigned: impl Fn(&Value, &Value) -> bool,
) -> Alignment {
    let mut known = KnownPairs {
        a: vec![None; one.len()],
        b: vec![false; other.len()],
        evidence: Vec::new(),
    };
    known.assigned(a, b, assigned);
    let has_assigned = !known.evidence.is_empty();
    known.equal(one, other);
    known.by_key(a, b);
    let is_reordered = known.is_reordered();
    if one.len() == other.len() {
        let open: Vec<_> = known.open_b();
        for (at, to) in known.open_a().into_iter().zip(open) {
            known.take(at, to);
        }
    }
    Alignment {
        removed: known.open_a(),
        added: known.open_b(),
        pairs: known
            .a
            .iter()
            .enumerate()
            .filter_map(|(at, to)| Some((at, (*to)?)))
            .collect(),
        is_reordered,
        has_assigned,
    }
}

struct KnownPairs {
    a: Vec<Option<usize>>,
    b: Vec<bool>,
    /// Pairs of items that match unambiguously.
    evidence: Vec<(usize, usize)>,
}

impl KnownPairs {
    fn take(&mut self, at: usize, to: usize) {
        self.a[at] = Some(to);
        self.b[to] = true;
    }

    fn open_a(&self) -> Vec<usize> {
        (0..self.a.len()).filter(|at| self.a[*at].is_none()).collect()
    }

    fn open_b(&self) -> Vec<usize> {
        (0..self.b.len()).filter(|to| !self.b[*to]).collect()
    }

    /// Items that the sides assigned to the same resource, where that is unambiguous.
    fn assigned(&mut self, a: &[Value], b: &[Value], assigned: impl Fn(&Value, &Value) -> bool) {
        if a.len() * b.len() > ASSIGNED_PAIRS {
            return;
        }
        let mut pairs = Vec::new();
        for (at, item) in a.iter().enumerate() {
            let all = (0..b.len()).filter(|to| assigned(item, &b[*to]));
            pairs.extend(all.map(|to| (at, to)));
        }
        for (at, to) in &pairs {
            let is_alone = |(one, other): &&(usize, usize)| one == at || other == to;
            if pairs.iter().filter(is_alone).count() == 1 {
                self.take(*at, *to);
                self.evidence.push((*at, *to));
            }
        }
    }

    fn equal(&mut self, one: &[String], other: &[String]) {
        let count = |all: &[String]| {
            let mut count: HashMap<String, usize> = HashMap::new();
            for item in all {
                *count.entry(item.clone()).or_default() += 1;
            }
            count
        };
        let (in_one, in_other) = (count(one), count(other));
        let is_unique = |text: &String| in_one.get(text) == Some(&1) && in_other.get(text) == Some(&1);
        for at in 0..one.len().min(other.len()) {
            if one[at] == other[at] && self.a[at].is_none() && !self.b[at] {
                self.take(at, at);
                if is_unique(&one[at]) {
                    self.evidence.push((at, at));
                }
            }
        }
        let mut left: HashMap<&String, Vec<usize>> = HashMap::new();
        for to in self.open_b().into_iter().rev() {
            left.entry(&other[to]).or_default().push(to);
        }
        for at in self.open_a() {
            if let Some(to) = left.get_mut(&one[at]).and_then(Vec::pop) {
                self.take(at, to);
                if is_unique(&one[at]) {
                    self.evidence.push((at, to));
                }
            }
        }
    }

    fn by_key(&mut self, a: &[Value], b: &[Value]) {
        let (open, open_b) = (self.open_a(), self.open_b());
        let (Some(first), false) = (open.first(), open_b.is_empty()) else {
            return;
        };
        let mut names: Vec<Option<&str>> = match &a[*first] {
            Value::Object(entries) => entries.keys().take(KEYS).map(|name| Some(name.as_str())).collect(),
            _ => vec![None],
        };
        names.sort_by_key(|name| {
            let position = IDENTIFYING.iter().position(|known| Some(*known) == *name);
            position.unwrap_or(usize::MAX)
        });
        let mut best: Option<(usize, Vec<(usize, usize)>)> = None;
        for name in names {
            let keys = |items: &[Value], open: &[usize]| -> Option<HashMap<String, usize>> {
                let mut keys = HashMap::new();
                for at in open {
                    if keys.insert(key(&items[*at], name)?, *at).is_some() {
                        return None;
                    }
                }
                Some(keys)
            };
            let (Some(one), Some(other)) = (keys(a, &open), keys(b, &open_b)) else {
                continue;
            };
            let pairs: Vec<_> = one
                .iter()
                .filter_map(|(key, at)| Some((*at, *other.get(key)?)))
                .collect();
            // A key without an identifying name must be present in all items, and in more than one.
            let is_key = name.is_none_or(is_key);
            let fits_all = pairs.len() == open.len() && pairs.len() == open_b.len() && pairs.len() > 1;
            if (is_key || fits_all)
                && !pairs.is_empty()
                && best.as_ref().is_none_or(|(number, _)| pairs.len() > *number)
            {
                best = Some((pairs.len(), pairs));
            }
        }
        for (at, to) in best.map(|(_, pairs)| pairs).unwrap_or_default() {
            self.take(at, to);
            self.evidence.push((at, to));
        }
    }

    fn is_reordered(&self) -> bool {
        let mut evidence = self.evidence.clone();
        evidence.sort_unstable();
        evidence.windows(2).any(|pair| pair[0].1 > pair[1].1)
    }
}

/// The key of an item, in a form that does not depend on its type; `None` if the value cannot be a key.
fn key(item: &Value, name: Option<&str>) -> Option<String> {
    let value = match name {
        None => item,
        Some(name) => item.get(name)?,
    };
    match value {
        Value::String(text) if !text.is_empty() => Some(text.to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether two arrays have the same items, as text, in any order.
pub(super) fn is_permutation(one: &[String], other: &[String]) -> bool {
    let sorted = |all: &[String]| all.to_vec();
    let (mut one, mut other) = (sorted(one), sorted(other));
    one.sort_unstable();
    other.sort_unstable();
    one == other
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn aligned(a: &Value, b: &Value) -> Alignment {
        let (a, b) = (a.as_array().unwrap(), b.as_array().unwrap());
        let text = |items: &[Value]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        align((a, &text(a)), (b, &text(b)), |_, _| false)
    }

    #[test]
    fn items_are_matched_by_value_then_by_key_then_in_order() {
        let of = |a, b| {
            let found = aligned(&a, &b);
            (found.pairs, found.is_reordered)
        };
        assert_eq!(
            of(json!([1, 2, 3]), json!([3, 1, 2])),
            (vec![(0, 1), (1, 2), (2, 0)], true)
        );
        // A new type does not hide a new order.
        assert_eq!(of(json!([1, 2]), json!(["2", "1"])), (vec![(0, 1), (1, 0)], true));
        let (a, b) = (
            json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]),
            json!([{"id": "2", "n": 2}, {"id": "1", "n": 1}]),
        );
        assert_eq!(of(a, b), (vec![(0, 1), (1, 0)], true));
        // Nor does a new value.
        assert_eq!(
            of(json!(["a", "b", "c"]), json!(["b", "x", "a"])),
            (vec![(0, 2), (1, 0), (2, 1)], true)
        );
        // Values that are swapped between items are not a new order.
        let (a, b) = (
            json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]),
            json!([{"id": 1, "n": 2}, {"id": 2, "n": 1}]),
        );
        assert_eq!(of(a, b), (vec![(0, 0), (1, 1)], false));
        assert_eq!(of(json!([0, 1]), json!([1, 1])), (vec![(0, 0), (1, 1)], false));
        assert_eq!(of(json!(["a"]), json!(["b"])), (vec![(0, 0)], false));
    }

    #[test]
    fn assigned_identifiers_come_before_equal_ones() {
        let (a, b) = (json!([3, 4, 5, 9]), json!([9, 4, 5, 6]));
        let (a, b) = (a.as_array().unwrap(), b.as_array().unwrap());
        let text = |items: &[Value]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        let is_next = |one: &Value, other: &Value| one.as_u64().map(|one| one + 1) == other.as_u64();
        let found = align((a, &text(a)), (b, &text(b)), is_next);
        assert_eq!(
            (found.pairs, found.is_reordered),
            (vec![(0, 1), (1, 2), (2, 3), (3, 0)], true)
        );
        let found = align((a, &text(a)), (b, &text(b)), |_, _| true);
        assert!(!found.has_assigned);
    }

    #[test]
    fn items_of_one_side_only_are_listed() {
        let found = aligned(&json!([1, 2]), &json!([0, 1, 2]));
        assert_eq!(
            (found.pairs, found.added, found.is_reordered),
            (vec![(0, 1), (1, 2)], vec![0], false)
        );
        let found = aligned(
            &json!([{"id": 1, "s": "a"}, {"id": 2, "s": "b"}]),
            &json!([{"id": 2, "s": "c"}]),
        );
        assert_eq!((found.pairs, found.removed), (vec![(1, 0)], vec![0]));
    }
}
