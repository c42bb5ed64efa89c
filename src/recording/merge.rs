//! Merging of recordings: the parts of a run on several machines become one recording with one exit code.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{Recording, RecordingError};
use crate::{
    mask::Masked,
    model::{CaseFinished, Counts, Event, Exit, Flaky, Partition, PartitionBy, RunFinished, RunStarted, Stop, Verdict},
};

/// How many missing parts are named.
const MAX_MISSING: usize = 20;

/// Why recordings are not parts of one run.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are no recordings.
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
    /// Two recordings are not parts of the same run.
    #[error("`{path}` and `{first}` are not parts of the same run: {what}")]
    Differ {
        /// The recording.
        path: String,
        /// The first recording.
        first: String,
        /// The difference.
        what: String,
    },
    /// A case is in two of them.
    #[error("the case {id} is in `{path}` and in another of the recordings")]
    Twice {
        /// The case.
        id: String,
        /// The second recording that contains it.
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
    /// The results of the login cases of all parts, by id.
    logins: BTreeMap<String, CaseFinished>,
}

/// The recordings read so far.
#[derive(Default)]
struct MergeState {
    started: Option<RunStarted>,
    parts: BTreeMap<(PartitionBy, u32), BTreeSet<u32>>,
    ids: BTreeSet<String>,
    suites: BTreeSet<String>,
    /// The results of the login cases of all parts, by id.
    logins: BTreeMap<String, CaseFinished>,
    /// The indexes of the cases of parts.
    indexes: BTreeSet<usize>,
    counts: Counts,
    elapsed_us: u64,
    stopped: Option<Stop>,
    project_cases: usize,
    max_skipped: Option<usize>,
}

impl MergeState {
    /// Adds the beginning of a run; the error is how it differs from the first.
    fn begin(&mut self, this: RunStarted) -> Result<(), String> {
        if let Some(partition) = this.partition {
            let parts = self.parts.entry((partition.by, partition.of)).or_default();
            parts.insert(partition.part);
        }
        let Some(first) = &mut self.started else {
            self.started = Some(this);
            return Ok(());
        };
        if let Some(what) = difference(first, &this) {
            return Err(what);
        }
        first.started = first.started.min(this.started);
        first.cases += this.cases;
        if this.flaky == Flaky::Fail {
            first.flaky = Flaky::Fail;
        }
        Ok(())
    }

    /// Adds a login case of a run; the others may have run it, too.
    fn add_login(&mut self, case: CaseFinished) {
        let known = self.logins.remove(&case.id);
        let merged = match known {
            None => case,
            Some(known) => {
                // Each part counts it.
                if let Some(first) = &mut self.started {
                    first.cases = first.cases.saturating_sub(1);
                }
                both(known, case)
            }
        };
        self.logins.insert(merged.id.clone(), merged);
    }

    /// Adds the end of a run.
    fn end(&mut self, end: &RunFinished) {
        self.elapsed_us = end.elapsed_us.max(self.elapsed_us);
        self.stopped = self.stopped.or(end.stopped);
        self.project_cases = self.project_cases.max(end.project_cases);
        // The strictest of different gates applies.
        self.max_skipped = self.max_skipped.into_iter().chain(end.max_skipped).min();
    }
}

impl Merged {
    /// Reads all recordings once, and checks that they belong together.
    pub fn open(paths: &[PathBuf]) -> Result<Self, MergeError> {
        let differ = |path: &Path, what: String| MergeError::Differ {
            path: path.display().to_string(),
            first: paths[0].display().to_string(),
            what,
        };
        let mut all = MergeState::default();
        for path in paths {
            let recording = open(path)?;
            let is_part = recording.started().partition.is_some();
            let logins = recording.started().logins.clone();
            all.begin(recording.started().clone())
                .map_err(|what| differ(path, what))?;
            for event in recording {
                match event.map_err(|source| unreadable(path, source))?.into_inner() {
                    Event::CaseFinished(case) if logins.contains(&case.id) => {
                        all.suites.insert(case.suite.clone());
                        all.add_login(*case);
                    }
                    Event::CaseFinished(case) => {
                        all.counts.add(&case);
                        if let Some(id) = all.ids.replace(case.id.clone()) {
                            let path = path.display().to_string();
                            return Err(MergeError::Twice { id, path });
                        }
                        if is_part && !all.indexes.insert(case.index) {
                            let what = format!("{} and another case have the index {}", case.id, case.index);
                            return Err(differ(path, what));
                        }
                        all.suites.insert(case.suite);
                    }
                    Event::RunFinished(end) => all.end(&end),
                    _ => {}
                }
            }
        }
        for (id, login) in &all.logins {
            all.counts.add(login);
            if !all.ids.insert(id.clone()) {
                let (id, path) = (id.clone(), paths[0].display().to_string());
                return Err(MergeError::Twice { id, path });
            }
        }
        let mut started = all.started.ok_or(MergeError::Nothing)?;
        started.logins = all.logins.keys().cloned().collect();
        let missing = missing(&all.parts);
        let is_incomplete = all.stopped.is_some() || !missing.is_empty();
        let are_parts = started.partition.is_some();
        all.counts.not_run += started.cases.saturating_sub(all.counts.all());
        started.suites = all.suites.len();
        started.partition = None;
        started.cases_digest = None;
        let mut finished = RunFinished {
            counts: all.counts,
            project_cases: all.project_cases,
            max_skipped: all.max_skipped,
            elapsed_us: all.elapsed_us,
            stopped: is_incomplete.then_some(Stop::Lost),
            exit_code: 0,
        };
        finished.conclude(started.flaky);
        Ok(Self {
            paths: paths.to_owned(),
            are_parts,
            started,
            finished,
            missing,
            logins: all.logins,
        })
    }

    /// The parts that are missing: `hash:2/3`.
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
    pub fn report(&self, mut report: impl FnMut(&Masked<Event>)) -> Result<(), MergeError> {
        report(&Masked::recorded(Event::RunStarted(self.started.clone())));
        let mut unused: Option<BTreeSet<String>> = None;
        // Parts of one selection share its order. Otherwise each recording counts from zero.
        let mut next = 0;
        let mut logins = self.logins.clone();
        for path in &self.paths {
            let first = if self.are_parts { 0 } else { next };
            let mut here = BTreeSet::new();
            for event in open(path)? {
                match event.map_err(|source| unreadable(path, source))?.into_inner() {
                    Event::CaseFinished(case) if self.logins.contains_key(&case.id) => {
                        if let Some(mut login) = logins.remove(&case.id) {
                            login.index = login.index.saturating_add(first);
                            next = next.max(login.index.saturating_add(1));
                            report(&Masked::recorded(Event::CaseFinished(Box::new(login))));
                        }
                    }
                    Event::CaseFinished(mut case) => {
                        case.index = case.index.saturating_add(first);
                        next = next.max(case.index.saturating_add(1));
                        report(&Masked::recorded(Event::CaseFinished(case)));
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
            report(&Masked::recorded(Event::SnapshotUnused { path }));
        }
        report(&Masked::recorded(Event::RunFinished(self.finished.clone())));
        Ok(())
    }
}

/// The result of a login case that two parts have run: the worse one, with the attempts of the other.
fn both(one: CaseFinished, other: CaseFinished) -> CaseFinished {
    let weight = |case: &CaseFinished| match case.verdict {
        Verdict::Failed => 0,
        Verdict::Errored => 1,
        Verdict::Flaky => 2,
        Verdict::Passed => 3,
        Verdict::Skipped => 4,
        Verdict::NotRun => 5,
    };
    let (mut worse, better) = if weight(&one) <= weight(&other) {
        (one, other)
    } else {
        (other, one)
    };
    worse.previous.extend(better.previous);
    if !matches!(better.verdict, Verdict::Skipped | Verdict::NotRun) {
        worse.repeats.push(better.last);
        worse.repeats.extend(better.repeats);
    }
    worse
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

/// How a part differs from the first, if it is not of the same run.
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

/// The names of the missing parts, up to [`MAX_MISSING`].
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
