//! Several recordings as one: the parts of a suite that ran on several machines, one report and one gate.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{Recording, RecordingError};
use crate::{
    model::{Counts, Event, Exit, Flaky, Partition, PartitionBy, RunFinished, RunStarted, Stop},
    redact::Redacted,
};

/// How many missing parts are named.
const MAX_MISSING: usize = 20;

/// Why recordings are not parts of one run.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("there is nothing to merge")]
    Nothing,
    /// One cannot be read.
    #[error("failed to read the recording `{path}`: {source}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        source: RecordingError,
    },
    /// They differ where parts of one run are equal.
    #[error("`{path}` and `{first}` are not of one run: {what}")]
    Differ {
        /// The one.
        path: String,
        /// The first.
        first: String,
        /// In what they differ.
        what: String,
    },
    /// A case is in two of them.
    #[error("the case {id} is in `{path}` and in another of the recordings")]
    Twice {
        /// The case.
        id: String,
        /// The second recording that holds it.
        path: String,
    },
}

/// Parts that belong together.
#[derive(Debug)]
pub struct Merged {
    paths: Vec<PathBuf>,
    /// Whether they are parts of one selection of cases.
    are_parts: bool,
    started: RunStarted,
    finished: RunFinished,
    missing: Vec<String>,
}

impl Merged {
    /// Reads all recordings once, and holds them against each other.
    pub fn open(paths: &[PathBuf]) -> Result<Self, MergeError> {
        let mut started: Option<RunStarted> = None;
        let mut parts: BTreeMap<(PartitionBy, u32), BTreeSet<u32>> = BTreeMap::new();
        let (mut ids, mut suites, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut counts = Counts::default();
        let (mut elapsed_us, mut stopped) = (0, None);
        let (mut project_cases, mut max_skipped): (usize, Option<usize>) = (0, None);
        for path in paths {
            let shown = path.display().to_string();
            let recording = open(path)?;
            let this = recording.started().clone();
            let this_partition = this.partition;
            if let Some(partition) = this_partition {
                parts
                    .entry((partition.by, partition.of))
                    .or_default()
                    .insert(partition.part);
            }
            match &mut started {
                None => started = Some(this),
                Some(first) => {
                    if let Some(what) = difference(first, &this) {
                        let first = paths[0].display().to_string();
                        return Err(MergeError::Differ {
                            path: shown,
                            first,
                            what,
                        });
                    }
                    first.started = first.started.min(this.started);
                    first.cases += this.cases;
                    if this.flaky == Flaky::Fail {
                        first.flaky = Flaky::Fail;
                    }
                }
            }
            for event in recording {
                match event.map_err(|source| unreadable(path, source))?.into_inner() {
                    Event::CaseFinished(case) => {
                        counts.add(&case);
                        suites.insert(case.suite);
                        if let Some(id) = ids.replace(case.id.clone()) {
                            return Err(MergeError::Twice { id, path: shown });
                        }
                        let is_part = this_partition.is_some();
                        if is_part && !places.insert(case.index) {
                            let what = format!("{} and another case have the index {}", case.id, case.index);
                            let first = paths[0].display().to_string();
                            return Err(MergeError::Differ {
                                path: shown,
                                first,
                                what,
                            });
                        }
                    }
                    Event::RunFinished(end) => {
                        elapsed_us = end.elapsed_us.max(elapsed_us);
                        stopped = stopped.or(end.stopped);
                        project_cases = project_cases.max(end.project_cases);
                        // Parts that were gated differently: the strictest gate counts.
                        max_skipped = max_skipped.into_iter().chain(end.max_skipped).min();
                    }
                    _ => {}
                }
            }
        }
        let missing = missing(&parts);
        // A part that is not there is a part of the run that nobody has seen.
        let stopped = stopped
            .or((!missing.is_empty()).then_some(Stop::Lost))
            .map(|_| Stop::Lost);
        let mut started = started.ok_or(MergeError::Nothing)?;
        let are_parts = started.partition.is_some();
        counts.not_run += started.cases.saturating_sub(counts.all());
        started.suites = suites.len();
        started.partition = None;
        started.cases_digest = None;
        let mut finished = RunFinished {
            counts,
            project_cases,
            max_skipped,
            elapsed_us,
            stopped,
            exit_code: 0,
        };
        finished.conclude(started.flaky);
        Ok(Self {
            paths: paths.to_owned(),
            are_parts,
            started,
            finished,
            missing,
        })
    }

    /// Parts that there should be: `hash:2/3`.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Sets the maximum number of skipped cases, instead of the recorded one.
    pub fn limit_skipped(&mut self, max: usize) {
        self.finished.max_skipped = Some(max);
        self.finished.conclude(self.started.flaky);
    }

    /// How the run as a whole ended.
    pub fn exit(&self) -> Exit {
        Exit::of(&self.finished, self.started.flaky)
    }

    /// Passes the events of the merged run to `report`.
    pub fn report(&self, mut report: impl FnMut(&Redacted<Event>)) -> Result<(), MergeError> {
        report(&Redacted::recorded(Event::RunStarted(self.started.clone())));
        let mut unused: Option<BTreeSet<String>> = None;
        // Parts of one selection share its order. Otherwise each recording counts from zero.
        let mut next = 0;
        for path in &self.paths {
            let first = if self.are_parts { 0 } else { next };
            let mut here = BTreeSet::new();
            for event in open(path)? {
                match event.map_err(|source| unreadable(path, source))?.into_inner() {
                    Event::CaseFinished(mut case) => {
                        case.index = case.index.saturating_add(first);
                        next = next.max(case.index.saturating_add(1));
                        report(&Redacted::recorded(Event::CaseFinished(case)));
                    }
                    Event::SnapshotUnused { path } => {
                        here.insert(path);
                    }
                    _ => {}
                }
            }
            unused = Some(match unused {
                None => here,
                Some(before) => before.intersection(&here).cloned().collect(),
            });
        }
        for path in unused.unwrap_or_default() {
            report(&Redacted::recorded(Event::SnapshotUnused { path }));
        }
        report(&Redacted::recorded(Event::RunFinished(self.finished.clone())));
        Ok(())
    }
}

fn open(path: &Path) -> Result<Recording, MergeError> {
    Recording::open(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: RecordingError) -> MergeError {
    MergeError::Read {
        path: path.display().to_string(),
        source,
    }
}

/// In what a part differs from the first where the parts of one run are equal.
fn difference(first: &RunStarted, this: &RunStarted) -> Option<String> {
    if first.target != this.target {
        return Some(format!("the targets are `{}` and `{}`", this.target, first.target));
    }
    if first.suite_hash != this.suite_hash {
        return Some("the suites differ".to_owned());
    }
    if first.target_digest != this.target_digest {
        return Some("the targets have different settings".to_owned());
    }
    if first.cases_digest != this.cases_digest {
        return Some("they are parts of different selections of cases".to_owned());
    }
    let of = |started: &RunStarted| started.partition.map(|partition| (partition.by, partition.of));
    (of(first) != of(this)).then(|| {
        let shown = |started: &RunStarted| {
            started
                .partition
                .map_or("no partition".to_owned(), |one| one.to_string())
        };
        format!("they are {} and {}", shown(this), shown(first))
    })
}

/// The parts that are missing, by name; where there are very many, the first of them.
fn missing(parts: &BTreeMap<(PartitionBy, u32), BTreeSet<u32>>) -> Vec<String> {
    let mut missing = Vec::new();
    for ((by, of), there) in parts {
        for part in (1..=*of).filter(|part| !there.contains(part)).take(MAX_MISSING) {
            let (by, of) = (*by, *of);
            missing.push(Partition { by, part, of }.to_string());
        }
    }
    missing
}
