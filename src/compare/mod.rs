//! The comparison of two versions of an API: from the recordings of one suite on each to a list of classified changes. The
//! only I/O is reading the recordings.
//!
//! Responses are compared ([`responses`], [`body`], [`cookies`]), noise is removed and the remaining differences are grouped
//! ([`gather`]), checks that fail are attributed to the differences that make them fail ([`judge`], [`apply`]), and each
//! group becomes a change whose level depends on evidence and configuration.

mod accepted;
mod align;
mod apply;
mod assigned;
mod attribute;
mod body;
mod change;
mod cookies;
mod difference;
mod documents;
mod facts;
mod format;
mod gather;
mod judge;
mod latency;
mod mail;
mod missing;
mod responses;
mod rules;
mod settings;
mod side;
#[cfg(test)]
mod tests;
mod text;
mod values;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use chrono::NaiveDate;

pub use accepted::{ACCEPTED_FILE, AcceptedEntry, read_accepted, unknown_names};
pub use change::{
    AcceptedChange, CaseEvidence, CaseLatency, Change, ChangeLevel, ChangeValues, ComparedVersion, Comparison, FORMAT,
    Latency, Matrix, MatrixRow, Noise, NotCompared, StaleEntry, Summary, comparison_schema, matrix_schema,
};
pub use documents::{
    AcceptedDeclaration, ChangePlace, ComparedDocument, DeclaredChange, DeclaredPart, DocumentChangeSummary,
    DocumentCompareOptions, DocumentComparison, ExercisedOperations, ObservedDeclaration, ObservedState,
    ObservedVersions, compare_documents, document_comparison_schema, observe,
};
pub use facts::SuiteFacts;
pub use judge::Judge;
pub use rules::{CHANGE_RULES, ChangeRule, ChangeRuleInfo};
pub use settings::{CompareSettings, Levels};

use crate::{
    model::{CaseFinished, Exit},
    recording::RecordingError,
};
use difference::ChangedPart;
use gather::{ChangeGroup, ChangeInstance, ChangeKey, ChangeSet, Pair};
use side::Recorded;

/// Maximum number of further values that a change shows.
const VALUES: usize = 20;

/// A recording and its name.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The recording.
    pub path: &'a Path,
    /// Its path or the target's name, as the user wrote it.
    pub name: &'a str,
}

/// How two versions are compared.
pub struct CompareOptions<'a> {
    /// The declarations of the suite about its cases.
    pub facts: &'a SuiteFacts<'a>,
    /// Checks responses of the baseline again; without it a failing check is attributed by its location.
    pub judge: Option<&'a Judge<'a>>,
    /// Levels that the project sets.
    pub levels: &'a Levels,
    /// Changes that are accepted.
    pub accepted: &'a [AcceptedEntry],
    /// The day that expiry dates are compared with.
    pub today: NaiveDate,
    /// The minimum level of a change that fails the comparison.
    pub fail_on: Option<ChangeLevel>,
    /// Which cases are compared, by id.
    pub wanted: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for CompareOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Comparing")
            .field("fail_on", &self.fail_on)
            .finish_non_exhaustive()
    }
}

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A recording cannot be read.
    #[error("{source}")]
    Unreadable {
        /// Whether it is the candidate.
        is_candidate: bool,
        /// Why.
        source: RecordingError,
    },
    /// Accepted changes refer to unknown suites, cases or endpoints: an error for each.
    #[error("accepted changes refer to unknown suites, cases or endpoints")]
    UnknownNames(Vec<String>),
}

/// The metadata of one side, from its recording.
pub fn side_of(version: Version<'_>) -> Result<ComparedVersion, RecordingError> {
    Recorded::read(version.path, version.name, &|_| true).map(|recorded| recorded.side)
}

/// Compares the recordings of two versions.
pub fn compare(
    baseline: Version<'_>,
    candidate: Version<'_>,
    how: &CompareOptions<'_>,
) -> Result<Comparison, CompareError> {
    let of = |is_candidate| move |source| CompareError::Unreadable { is_candidate, source };
    let mut before = Recorded::read(baseline.path, baseline.name, how.wanted).map_err(of(false))?;
    let mut after = Recorded::read(candidate.path, candidate.name, how.wanted).map_err(of(true))?;
    let (mut gathered, times) = differences(&mut before, &mut after, how)?;
    let cases = || {
        let recorded = before.cases.iter().chain(&after.cases).map(|(id, _)| id.as_str());
        recorded.chain(how.facts.cases()).collect()
    };
    let unknown = accepted::unknown(how.accepted, cases, &gathered.endpoints, how.facts);
    if !unknown.is_empty() {
        return Err(CompareError::UnknownNames(unknown));
    }
    let noise = gathered.settle(how.facts);
    let (compared, same) = (gathered.compared, gathered.same());
    let mut not_compared = std::mem::take(&mut gathered.not_compared);
    not_compared.sort_by(|one, other| (!one.is_missing, &one.case).cmp(&(!other.is_missing, &other.case)));
    slower(&times, &mut gathered.groups);
    let mut versions = (before, after);
    let (mut changes, mut accepted) = (Vec::new(), Vec::new());
    let mut entries = accepted::AcceptedEntries::new(how.accepted, how.today);
    for (key, group) in gathered.groups {
        for (entry, part) in entries.split(&key, group) {
            let Some(change) = change(&key, &part, &mut versions, how).map_err(of(true))? else {
                continue;
            };
            match entry {
                None => changes.push(change),
                Some(entry) => accepted.push(entry.accepts(change)),
            }
        }
    }
    let (before, after) = versions;
    changes.sort_by_key(order);
    accepted.sort_by_key(|one| order(&one.change));
    let count = |level| changes.iter().filter(|change: &&Change| change.level == level).count();
    let exit = exit((&before, &after), &changes, compared, &not_compared, how);
    Ok(Comparison {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        summary: Summary {
            compared,
            same,
            not_compared: not_compared.len(),
            breaking: count(ChangeLevel::Breaking),
            warnings: count(ChangeLevel::Warning),
            infos: count(ChangeLevel::Info),
            exit_code: exit.code(),
        },
        baseline: before.side,
        candidate: after.side,
        fail_on: how.fail_on,
        changes,
        accepted,
        stale: entries.stale(false),
        noise,
        not_compared,
        latencies: times
            .iter()
            .map(|(_, _, id, took)| latency::of_case(id, took))
            .collect(),
    })
}

fn exit(
    (before, after): (&Recorded, &Recorded),
    changes: &[Change],
    compared: usize,
    not_compared: &[NotCompared],
    how: &CompareOptions<'_>,
) -> Exit {
    let fails = changes
        .iter()
        .filter(|change| how.fail_on.is_some_and(|least| change.level >= least))
        .map(|change| change.level)
        .max();
    let is_cut = before.side.stopped.is_some() || after.side.stopped.is_some();
    match fails {
        _ if before.cases.is_empty() && after.cases.is_empty() => Exit::NothingRan,
        // If one side has no response at all, only breaking changes are evidence about the API.
        Some(ChangeLevel::Breaking) => Exit::ContractViolated,
        Some(_) if compared > 0 => Exit::ContractViolated,
        _ if compared == 0 || is_cut || not_compared.iter().any(|one| one.is_missing) => Exit::NoVerdict,
        _ => Exit::Success,
    }
}

/// The differences of all cases, and how long the responses of each took.
fn differences(
    before: &mut Recorded,
    after: &mut Recorded,
    how: &CompareOptions<'_>,
) -> Result<(ChangeSet, Vec<Timed>), CompareError> {
    let of = |is_candidate| move |source| CompareError::Unreadable { is_candidate, source };
    let mut gathered = ChangeSet::default();
    gathered.assigned = assigned::AssignedIds::new(before, after);
    let mut times = Vec::new();
    for (id, entry) in after.cases.clone() {
        let new = after.case(entry).map_err(of(true))?;
        let Some(known) = before.entry(&id) else {
            let is_cut = before.side.stopped.is_some();
            gathered.alone((&new, after), ChangeRule::VerdictCaseAdded, is_cut, how.facts);
            continue;
        };
        let old = before.case(known).map_err(of(false))?;
        let pair = Pair {
            one: &old,
            own: before,
            other: &new,
            theirs: after,
        };
        gathered.both(pair, how.facts, how.judge);
        let elapsed = |case: &CaseFinished| {
            side::rounds(case)
                .iter()
                .map(|(_, response)| response.elapsed_us)
                .collect()
        };
        let took = latency::Times {
            baseline: elapsed(&old),
            candidate: elapsed(&new),
        };
        if !took.baseline.is_empty() && !took.candidate.is_empty() {
            times.push((new.suite, entry.index, id, took));
        }
    }
    for (id, entry) in before.cases.clone() {
        if after.entry(&id).is_none() {
            let is_cut = after.side.stopped.is_some();
            let old = before.case(entry).map_err(of(false))?;
            gathered.alone((&old, before), ChangeRule::VerdictCaseRemoved, is_cut, how.facts);
        }
    }
    Ok((gathered, times))
}

/// Changes are listed by level, by number of cases, then by key.
fn order(change: &Change) -> impl Ord + use<> {
    (
        std::cmp::Reverse(change.level),
        std::cmp::Reverse(change.cases.len()),
        change.rule.clone(),
        change.endpoint.clone(),
        change.pointer.clone(),
        change.fingerprint.clone(),
    )
}

type Timed = (String, usize, String, latency::Times);

/// Whether a suite as a whole has become slower or faster, or else which of its cases.
fn slower(times: &[Timed], groups: &mut BTreeMap<ChangeKey, ChangeGroup>) {
    let suites: BTreeSet<&str> = times.iter().map(|(suite, ..)| suite.as_str()).collect();
    for suite in suites {
        let own: Vec<_> = times.iter().filter(|(known, ..)| known == suite).collect();
        let mut found = Vec::new();
        if let Some(shift) = latency::shift(own.iter().map(|(.., took)| took)) {
            let cases = own.iter().map(|(_, index, id, _)| (*index, id.clone())).collect();
            found.push((shift, cases));
        } else {
            for (_, index, id, took) in &own {
                if let Some(shift) = latency::shift(std::iter::once(took)) {
                    found.push((shift, BTreeSet::from([(*index, id.clone())])));
                }
            }
        }
        for ((rule, before, after), cases) in found {
            let key = ChangeKey {
                suite: suite.to_owned(),
                endpoint: String::new(),
                rule,
                part: ChangedPart::Whole,
                kind: String::new(),
            };
            let shown = |us: u64| format!("{}.{} ms", us / 1000, us % 1000 / 100);
            let group = groups.entry(key).or_default();
            for case in cases {
                group.insert(
                    case,
                    ChangeInstance {
                        before: Some(shown(before)),
                        after: Some(shown(after)),
                        level: rule.info().level,
                        reason: rule.info().reason.to_owned(),
                        round: 0,
                        raised: None,
                        worded: None,
                        is_satisfied: false,
                        is_beyond_noise: false,
                    },
                );
            }
        }
    }
}

/// The level by the evidence of a case, and why.
fn weighed(key: &ChangeKey, shown: &ChangeInstance) -> (ChangeLevel, String) {
    if let Some(check) = &shown.raised {
        (ChangeLevel::Breaking, format!("fails check `{check}`"))
    } else if let Some(check) = &shown.worded {
        let reason = format!("{}; fails check `{check}`, which tests the wording", shown.reason);
        (shown.level, reason)
    } else if shown.is_satisfied && key.rule != ChangeRule::VerdictNewlyFailing {
        (
            ChangeLevel::Info,
            "passes a check of the suite that failed before".to_owned(),
        )
    } else {
        (shown.level, shown.reason.clone())
    }
}

/// A group of differences as a change, with the first case that shows it at its level.
fn change(
    key: &ChangeKey,
    group: &ChangeGroup,
    (before, after): &mut (Recorded, Recorded),
    how: &CompareOptions<'_>,
) -> Result<Option<Change>, RecordingError> {
    let weight = |shown: &ChangeInstance| weighed(key, shown);
    let best = group.iter().max_by(|(location, one), (other_location, other)| {
        let levels = weight(one).0.cmp(&weight(other).0);
        levels.then_with(|| other_location.cmp(location))
    });
    let Some(((_, id), shown)) = best else {
        return Ok(None);
    };
    let (mut level, reason) = weight(shown);
    if let Some(set) = how.levels.of(key.rule, &key.part) {
        match set {
            None => return Ok(None),
            Some(set) => level = set,
        }
    }
    let old = before.entry(id).map(|entry| before.case(entry)).transpose()?;
    let new = after.entry(id).map(|entry| after.case(entry)).transpose()?;
    let Some(case) = new.as_ref().or(old.as_ref()) else {
        return Ok(None);
    };
    let exchange = |case: Option<&CaseFinished>| {
        let case = case?;
        let of_round = side::attempts(case).nth(shown.round).and_then(|one| one.exchange());
        of_round.or_else(|| case.last.exchange()).cloned()
    };
    let evidence = CaseEvidence {
        case: id.clone(),
        name: case.name.clone(),
        location: case.location.clone(),
        baseline_verdict: old.as_ref().map(|case| case.verdict),
        candidate_verdict: new.as_ref().map(|case| case.verdict),
        baseline: exchange(old.as_ref()),
        candidate: exchange(new.as_ref()),
    };
    let (pointer, header) = match &key.part {
        ChangedPart::Body(pointer) => (Some(pointer.clone()), None),
        ChangedPart::Header(name) => (None, Some(name.clone())),
        ChangedPart::Whole | ChangedPart::Status => (None, None),
    };
    let mut others: Vec<ChangeValues> = Vec::new();
    for ((_, id), one) in group {
        let is_known = |known: &ChangeValues| known.before == one.before && known.after == one.after;
        let is_main = one.before == shown.before && one.after == shown.after;
        if !is_main && others.len() < VALUES && !others.iter().any(is_known) {
            others.push(ChangeValues {
                case: id.clone(),
                before: one.before.clone(),
                after: one.after.clone(),
            });
        }
    }
    Ok(Some(Change {
        rule: key.rule.id().to_owned(),
        level,
        fingerprint: fingerprint(key),
        message: words::message(key),
        reason,
        suite: key.suite.clone(),
        endpoint: Some(key.endpoint.clone()).filter(|endpoint| !endpoint.is_empty()),
        pointer,
        header,
        before: shown.before.clone(),
        after: shown.after.clone(),
        others,
        cases: group.keys().map(|(_, id)| id.clone()).collect(),
        evidence,
    }))
}

/// Sixteen hexadecimal digits that identify the change across runs and machines.
fn fingerprint(key: &ChangeKey) -> String {
    let (part, at) = match &key.part {
        ChangedPart::Whole => ("whole", ""),
        ChangedPart::Status => ("status", ""),
        ChangedPart::Header(name) => ("header", name.as_str()),
        ChangedPart::Body(pointer) => ("body", pointer.as_str()),
    };
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [key.rule.id(), &key.suite, &key.endpoint, part, at, &key.kind] {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref()[..8]
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
