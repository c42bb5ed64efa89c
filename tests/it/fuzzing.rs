//! The properties of the fuzz targets, for every committed seed and for fixed changes of it.

use std::{collections::BTreeSet, fs};

use conforme::fuzzing::TARGETS;

use crate::support::repository;

/// How often each seed is changed.
const CHANGES: u64 = 40;

/// Numbers that look like chance (xorshift64) and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).unwrap()
    }
}

/// A few small changes, such as a file suffers or an attacker makes.
fn changed(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => bytes.insert(at, b"{}[]\":,\\%&+\n\r\t\0 -$\xff\xc3"[chance.below(20)]),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + chance.below(16)).min(bytes.len()))),
            4 => {
                let again = bytes[at..(at + chance.below(64)).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = chance.below(other.len() + 1);
                let piece = other[from..(from + chance.below(64)).min(other.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

fn check_target(name: &str) {
    let (_, laws) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let folder = repository().join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no seeds");
    let seeds: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for (number, seed) in seeds.iter().enumerate() {
        laws(seed);
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1));
        for _ in 0..CHANGES {
            let other = &seeds[chance.below(seeds.len())];
            laws(&changed(seed, other, &mut chance));
        }
    }
    laws(&[]);
}

#[test]
fn case_file_of_any_bytes_loads_deterministically() {
    check_target("case");
}

#[test]
fn recording_of_any_bytes_is_rejected_or_read_as_written() {
    check_target("recording");
}

#[test]
fn recordings_of_any_bytes_are_rejected_or_compared() {
    check_target("comparison");
}

#[test]
fn snapshot_of_any_bytes_is_rejected_or_read_back() {
    check_target("snapshot");
}

#[test]
fn json_of_any_bytes_is_refused_or_the_same_value_to_everyone() {
    check_target("strict_json");
}

#[test]
fn no_form_of_a_secret_is_left_in_any_text() {
    check_target("masker");
}

#[test]
fn every_fuzz_target_has_properties_and_seeds() {
    let read = |name: &str| fs::read_to_string(repository().join("fuzz").join(name)).unwrap();
    let manifest = read("Cargo.toml");
    let names: BTreeSet<_> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .filter(|name| *name != "conforme-fuzz")
        .collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name).into());
    for name in names {
        let target = read(&format!("fuzz_targets/{name}.rs"));
        let call = format!("libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conforme::fuzzing::{name}(bytes));");
        assert_eq!(
            target.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            ["#![no_main]", &call]
        );
    }
}

#[test]
fn openapi_document_of_any_bytes_is_read_deterministically() {
    check_target("openapi");
}
