//! A recording as one side of a comparison: an index of its cases, and each again when its turn comes.

use std::{collections::HashMap, path::Path};

use serde_json::Value;

use super::Side;
use crate::{
    check::PutBack,
    model::{Answer, Attempt, CaseFinished, Event, Exchange, Reply, RunFinished},
    recording::{Recording, RecordingError},
};

/// Where a case stands, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    at: u64,
    pub(super) index: usize,
}

/// One side.
pub(super) struct Recorded {
    pub(super) side: Side,
    /// The values of the target's variables.
    pub(super) names: PutBack,
    /// By id, in the order of the suite.
    pub(super) cases: Vec<(String, Entry)>,
    by_id: HashMap<String, usize>,
    again: Recording,
}

impl Recorded {
    /// Reads a recording once; `name` is what the user calls it. Cases that are not wanted are left out.
    pub(super) fn read(path: &Path, name: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Self, RecordingError> {
        let mut recording = Recording::open(path)?;
        let started = recording.started().clone();
        let mut found: HashMap<String, Entry> = HashMap::new();
        let mut end: Option<RunFinished> = None;
        let mut repeats = 1;
        while let Some(event) = recording.next() {
            match event?.into_inner() {
                Event::CaseFinished(finished) if wanted(&finished.id) => {
                    repeats = repeats.max(1 + finished.repeats.len());
                    let entry = Entry {
                        at: recording.at(),
                        index: finished.index,
                    };
                    found.insert(finished.id, entry);
                }
                Event::RunFinished(finished) => end = Some(finished),
                _ => {}
            }
        }
        let mut cases: Vec<_> = found.into_iter().collect();
        cases.sort_by(|(id, one), (other_id, other)| (one.index, id).cmp(&(other.index, other_id)));
        let by_id = cases
            .iter()
            .enumerate()
            .map(|(number, (id, _))| (id.clone(), number))
            .collect();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let base = started.base_url.trim_end_matches('/').to_owned();
        let names = started.vars.iter().map(|(name, value)| (name.clone(), text(value)));
        Ok(Self {
            names: PutBack::new(names.chain([("base_url".to_owned(), base)])),
            side: Side {
                name: name.to_owned(),
                base_url: started.base_url,
                started: started.started,
                commit: started.commit,
                suite_hash: started.suite_hash,
                cases: cases.len(),
                repeats: u32::try_from(repeats).unwrap_or(u32::MAX),
                secrets: started.secrets,
                secret_variables: started.secret_variables,
                access: started.access,
                folder: started.folder,
                stopped: end.and_then(|end| end.stopped),
            },
            cases,
            by_id,
            again: Recording::open(path)?,
        })
    }

    /// The case of this id.
    pub(super) fn entry(&self, id: &str) -> Option<Entry> {
        Some(self.cases[*self.by_id.get(id)?].1)
    }

    /// All that is recorded of a case.
    pub(super) fn case(&mut self, entry: Entry) -> Result<CaseFinished, RecordingError> {
        self.again.again(entry.at)
    }
}

/// All answers of the same version to one case: the last try, and the repeats.
pub(super) fn attempts(case: &CaseFinished) -> impl Iterator<Item = &Attempt> {
    std::iter::once(&case.last).chain(&case.repeats)
}

/// The responses among them, each with its number from zero: of two sides that were asked side by side, those of one number
/// belong together.
pub(super) fn rounds(case: &CaseFinished) -> Vec<(usize, &Answer)> {
    let numbered = attempts(case).enumerate();
    numbered
        .filter_map(|(number, one)| match &one.exchange.as_ref()?.reply {
            Reply::Answer(answer) => Some((number, answer)),
            _ => None,
        })
        .collect()
}

/// The reply that counts, where there is any.
pub(super) fn exchange(case: &CaseFinished) -> Option<&Exchange> {
    case.last.exchange.as_ref()
}
