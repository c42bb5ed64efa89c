//! One part of a plan, for one of several machines.

use std::collections::HashMap;

use super::Planned;
use crate::model::{Partition, PartitionBy};

/// Keeps the cases of one part. Cases that need each other stay together: those of a serial suite or of a group, and
/// those that are compared with one another.
pub(super) fn keep(partition: Partition, cases: &mut Vec<Planned>) {
    let leaders = leaders(cases);
    let mut order: HashMap<&str, u32> = HashMap::new();
    let mut kept = Vec::with_capacity(cases.len());
    for leader in &leaders {
        let next = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let place = *order.entry(leader).or_insert(next);
        kept.push(match partition.by {
            PartitionBy::Slice => place % partition.of == partition.part - 1,
            PartitionBy::Hash => digest(leader) % u64::from(partition.of) == u64::from(partition.part - 1),
        });
    }
    let mut kept = kept.into_iter();
    cases.retain(|_| kept.next().unwrap_or_default());
}

/// For each case, the name of the unit that must stay together: its group, or else its serial suite, or else the case
/// at the end of its chain of comparisons, which may be itself.
fn leaders(cases: &[Planned]) -> Vec<String> {
    let mut groups = Groups::default();
    for planned in cases {
        let case = &planned.case;
        let this = (Kind::Case, case.id.as_str());
        groups.lead(this);
        if let Some(other) = &case.def.expect.same_as {
            groups.tie((Kind::Case, other.value.as_str()), this);
        }
        if case.suite.def.serial {
            groups.tie((Kind::Suite, case.suite.id.as_str()), this);
        }
        if let Some(group) = &case.def.group {
            groups.tie((Kind::Group, group.as_str()), this);
        }
    }
    (cases.iter())
        .map(|planned| {
            let (kind, name) = groups.lead((Kind::Case, planned.case.id.as_str()));
            // A group and a suite of the same name are different.
            let mark = if kind == Kind::Group { "group:" } else { "" };
            format!("{mark}{name}")
        })
        .collect()
}

/// The kind of unit that leads a group of cases which stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Group,
    Suite,
    Case,
}

type Bond<'p> = (Kind, &'p str);

/// Disjoint sets (union-find): the parent of each member.
#[derive(Debug, Default)]
struct Groups<'p> {
    above: HashMap<Bond<'p>, Bond<'p>>,
}

impl<'p> Groups<'p> {
    fn lead(&mut self, mut one: Bond<'p>) -> Bond<'p> {
        while let Some(&above) = self.above.get(&one) {
            // Path compression.
            if let Some(&higher) = self.above.get(&above) {
                self.above.insert(one, higher);
            }
            one = above;
        }
        one
    }

    /// Merges two sets. A group leads before a suite, a suite before a case, and the target of a comparison before the
    /// case that is compared.
    fn tie(&mut self, leader: Bond<'p>, other: Bond<'p>) {
        let (leader, other) = (self.lead(leader), self.lead(other));
        if leader == other {
            return;
        }
        let is_before = leader.0 < other.0 || (leader.0 == other.0 && (leader.0 == Kind::Case || leader < other));
        let (above, below) = if is_before { (leader, other) } else { (other, leader) };
        self.above.insert(below, above);
    }
}

/// A digest that is the same on every machine and in every version.
fn digest(text: &str) -> u64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .take(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_read_and_written_in_one_form() {
        for text in ["slice:1/3", "hash:3/3", "hash:1/1"] {
            assert_eq!(text.parse::<Partition>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "hash",
            "hash:1",
            "hash:0/3",
            "hash:4/3",
            "hash:1/0",
            "count:1/3",
            "hash:a/b",
            "hash:-1/3",
        ] {
            assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_digest_never_changes() {
        assert_eq!(digest("suite/case"), 0x511d_227b_bbe4_3a0a);
    }
}
