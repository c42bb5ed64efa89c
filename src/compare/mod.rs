//! What changed between two versions of an API: the recordings of one suite on each, in; a classified list of changes,
//! out. Pure but for reading the recordings: nothing is sent from here.
//!
//! Answers are held against each other ([`answers`], [`body`]), noise is taken away and what is left is grouped
//! ([`gather`]), and each group becomes a change with the level that evidence and configuration give it.

mod accepted;
mod answers;
mod body;
mod change;
mod difference;
mod facts;
mod format;
mod gather;
mod latency;
mod rules;
mod settings;
mod side;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use chrono::NaiveDate;

pub use accepted::{ACCEPTED_FILE, AcceptedEntry, read_accepted};
pub use change::{
    Accepted, CaseLatency, Change, Comparison, Evidence, FORMAT, Latency, Level, Matrix, MatrixRow, Noise, Side,
    StaleEntry, Summary, comparison_schema, matrix_schema,
};
pub use facts::Facts;
pub use rules::{CHANGE_RULES, ChangeRule, ChangeRuleInfo};
pub use settings::CompareSettings;

use crate::{event::CaseFinished, exit::Exit, recording::RecordingError};
use difference::Part;
use gather::{Gathered, Group, Key};
use side::Recorded;

/// A recording and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The recording.
    pub path: &'a Path,
    /// Its path or the target's name, as the user wrote it.
    pub name: &'a str,
}

/// How two versions are compared.
pub struct Comparing<'a> {
    /// What the suite says of its cases.
    pub facts: &'a Facts<'a>,
    /// Levels by rule; none where the rule is off.
    pub levels: &'a BTreeMap<ChangeRule, Option<Level>>,
    /// Changes that are accepted.
    pub accepted: &'a [AcceptedEntry],
    /// The day on which entries expire or not.
    pub today: NaiveDate,
    /// The level from which on a change fails the comparison.
    pub fail_on: Option<Level>,
    /// Which cases are compared, by id.
    pub wanted: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for Comparing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Comparing")
            .field("fail_on", &self.fail_on)
            .finish_non_exhaustive()
    }
}

/// Which side could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct CompareError {
    /// Whether it is the candidate.
    pub is_candidate: bool,
    /// Why.
    pub source: RecordingError,
}

/// What a recording says of its side.
pub fn side_of(version: Version<'_>) -> Result<Side, RecordingError> {
    Recorded::read(version.path, version.name, &|_| true).map(|recorded| recorded.side)
}

/// Compares the recordings of two versions.
pub fn compare(baseline: Version<'_>, candidate: Version<'_>, how: &Comparing<'_>) -> Result<Comparison, CompareError> {
    let of = |is_candidate| move |source| CompareError { is_candidate, source };
    let mut before = Recorded::read(baseline.path, baseline.name, how.wanted).map_err(of(false))?;
    let mut after = Recorded::read(candidate.path, candidate.name, how.wanted).map_err(of(true))?;
    let mut gathered = Gathered::default();
    let mut times = Vec::new();
    for (id, entry) in after.cases.clone() {
        let new = after.case(entry).map_err(of(true))?;
        let Some(known) = before.entry(&id) else {
            if before.side.stopped.is_none() {
                gathered.alone(&new, ChangeRule::VerdictCaseAdded);
            }
            gathered.not_compared += 1;
            continue;
        };
        let old = before.case(known).map_err(of(false))?;
        gathered.both((&old, &before), (&new, &after), how.facts);
        let elapsed = |case: &CaseFinished| side::answers(case).iter().map(|answer| answer.elapsed_us).collect();
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
            if after.side.stopped.is_none() {
                gathered.alone(&before.case(entry).map_err(of(false))?, ChangeRule::VerdictCaseRemoved);
            }
            gathered.not_compared += 1;
        }
    }
    let noise = gathered.settle(how.facts);
    let (compared, not_compared, same) = (gathered.compared, gathered.not_compared, gathered.same());
    slower(&times, &mut gathered.groups);
    let mut changes = Vec::new();
    for (key, group) in gathered.groups {
        if let Some(change) = change(&key, group, &mut before, &mut after, how).map_err(of(true))? {
            changes.push(change);
        }
    }
    changes.sort_by(|one, other| {
        let rank = |change: &Change| (std::cmp::Reverse(change.level), std::cmp::Reverse(change.cases.len()));
        let name = |change: &Change| (change.rule.clone(), change.pointer.clone(), change.fingerprint.clone());
        rank(one).cmp(&rank(other)).then_with(|| name(one).cmp(&name(other)))
    });
    let (changes, accepted, stale) = accepted::apply(changes, how.accepted, how.today);
    let count = |level| changes.iter().filter(|change| change.level == level).count();
    let fails = changes
        .iter()
        .any(|change| how.fail_on.is_some_and(|least| change.level >= least));
    let is_cut = before.side.stopped.is_some() || after.side.stopped.is_some();
    let exit = match () {
        () if before.cases.is_empty() && after.cases.is_empty() => Exit::NothingRan,
        // Where nothing was answered on one side there is no verdict on the API.
        () if compared == 0 => Exit::NoVerdict,
        () if fails => Exit::Broken,
        () if is_cut => Exit::NoVerdict,
        () => Exit::Holds,
    };
    Ok(Comparison {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        summary: Summary {
            compared,
            same,
            not_compared,
            breaking: count(Level::Breaking),
            warnings: count(Level::Warning),
            infos: count(Level::Info),
            exit_code: exit.code(),
        },
        baseline: before.side,
        candidate: after.side,
        fail_on: how.fail_on,
        changes,
        accepted,
        stale,
        noise,
        latencies: times
            .iter()
            .map(|(_, _, id, took)| latency::of_case(id, took))
            .collect(),
    })
}

type Timed = (String, usize, String, latency::Times);

/// Whether a suite as a whole has become slower or faster; where not, which of its cases.
fn slower(times: &[Timed], groups: &mut BTreeMap<Key, Group>) {
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
            let key = Key {
                suite: suite.to_owned(),
                rule,
                part: Part::Whole,
                kind: String::new(),
            };
            let shown = |us: u64| format!("{}.{} ms", us / 1000, us % 1000 / 100);
            let group = groups.entry(key).or_insert_with(|| Group {
                cases: BTreeSet::new(),
                before: Some(shown(before)),
                after: Some(shown(after)),
                level: rule.info().level,
                reason: rule.info().reason.to_owned(),
                raised: None,
                worded: None,
                is_satisfied: false,
            });
            group.cases.extend(cases);
        }
    }
}

/// A group of differences as a change, with the first case that shows it.
fn change(
    key: &Key,
    group: Group,
    before: &mut Recorded,
    after: &mut Recorded,
    how: &Comparing<'_>,
) -> Result<Option<Change>, RecordingError> {
    let (mut level, mut reason) = (group.level, group.reason);
    if let Some(check) = group.raised {
        level = Level::Breaking;
        reason = format!("the suite demands otherwise: `{check}` fails now");
    } else if let Some(check) = group.worded {
        reason = format!("{reason}; the suite holds the text, and `{check}` fails now");
    } else if group.is_satisfied && !matches!(key.rule, ChangeRule::VerdictNewlyFailing) {
        level = Level::Info;
        "what the suite demands holds now".clone_into(&mut reason);
    }
    if let Some(set) = how.levels.get(&key.rule) {
        match set {
            None => return Ok(None),
            Some(set) => level = *set,
        }
    }
    let Some((_, id)) = group.cases.first() else {
        return Ok(None);
    };
    let old = before.entry(id).map(|entry| before.case(entry)).transpose()?;
    let new = after.entry(id).map(|entry| after.case(entry)).transpose()?;
    let Some(shown) = new.as_ref().or(old.as_ref()) else {
        return Ok(None);
    };
    let evidence = Evidence {
        case: id.clone(),
        name: shown.name.clone(),
        place: shown.place.clone(),
        baseline_verdict: old.as_ref().map(|case| case.verdict),
        candidate_verdict: new.as_ref().map(|case| case.verdict),
        baseline: old.as_ref().and_then(|case| case.last.exchange.clone()),
        candidate: new.as_ref().and_then(|case| case.last.exchange.clone()),
    };
    let (pointer, header) = match &key.part {
        Part::Body(pointer) => (Some(pointer.clone()), None),
        Part::Header(name) => (None, Some(name.clone())),
        Part::Whole | Part::Status => (None, None),
    };
    Ok(Some(Change {
        rule: key.rule.id().to_owned(),
        level,
        fingerprint: fingerprint(key),
        message: words::message(key),
        reason,
        suite: key.suite.clone(),
        pointer,
        header,
        before: group.before,
        after: group.after,
        cases: group.cases.into_iter().map(|(_, id)| id).collect(),
        evidence,
    }))
}

/// Sixteen digits that are the same wherever and whenever the change is seen.
fn fingerprint(key: &Key) -> String {
    let (part, at) = match &key.part {
        Part::Whole => ("whole", ""),
        Part::Status => ("status", ""),
        Part::Header(name) => ("header", name.as_str()),
        Part::Body(pointer) => ("body", pointer.as_str()),
    };
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [key.rule.id(), &key.suite, part, at, &key.kind] {
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
