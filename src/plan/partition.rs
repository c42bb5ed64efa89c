//! One part of a plan, for one of several machines.

use std::collections::HashMap;

use super::Planned;
use crate::model::{Partition, PartitionBy};

/// Keeps the cases of one part. The cases of a group stay together.
pub(super) fn keep(partition: Partition, cases: &mut Vec<Planned>) {
    let leaders: Vec<_> = cases.iter().map(leader).collect();
    let mut order: HashMap<&str, u32> = HashMap::new();
    let mut kept = Vec::with_capacity(cases.len());
    for leader in &leaders {
        let next = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let position = *order.entry(leader).or_insert(next);
        kept.push(match partition.by {
            PartitionBy::Slice => position % partition.of == partition.part - 1,
            PartitionBy::Hash => digest(leader) % u64::from(partition.of) == u64::from(partition.part - 1),
        });
    }
    let mut kept = kept.into_iter();
    cases.retain(|_| kept.next().unwrap_or_default());
}

/// The name of what must stay together with a case: its group, or else the case itself.
fn leader(planned: &Planned) -> String {
    match &planned.case.def.group {
        // A group and a case of the same name are different.
        Some(group) => format!("group:{group}"),
        None => planned.case.id.clone(),
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
