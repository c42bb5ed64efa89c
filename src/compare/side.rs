//! A recording as one side of a comparison: an index of its cases, each of which is read again when it is compared.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use serde_json::Value;

use super::{ComparedVersion, body::CREATED, values::identifiers};
use crate::{
    check::{MAX_DECODED, ResponseView, VariableSubstitution},
    model::{Attempt, CaseFinished, Event, Exchange, Outcome, Request, Response, RunFinished},
    plan::case_id,
    project::RUN_ID,
    recording::{Recording, RecordingError},
};

/// Maximum number of identifiers at one location that are paired with those of the other side.
pub(super) const PAIRED: usize = 5;

/// Minimum length in bytes of a captured value that is recognized inside a text.
const MIN_DISTINCT: usize = 8;

/// Begins the name of a captured value among the identifiers that a side assigned.
pub(super) const CAPTURE: &str = "capture ";

/// The location and the verdict of a case.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaseEntry {
    at: u64,
    pub(super) index: usize,
    /// The step of a case with steps, from zero.
    step: usize,
}

/// One side.
pub(super) struct Recorded {
    pub(super) side: ComparedVersion,
    /// The values of the target's variables.
    pub(super) names: VariableSubstitution,
    /// By id, in the order of the suite.
    pub(super) cases: Vec<(String, CaseEntry)>,
    by_id: HashMap<String, usize>,
    /// Identifiers of the resources that cases created, by case and location in the response.
    pub(super) assigned: HashMap<(String, String), Vec<String>>,
    again: Recording,
}

impl Recorded {
    /// Reads a recording once; `name` is what the user calls it. Cases that are not selected are omitted.
    pub(super) fn read(path: &Path, name: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Self, RecordingError> {
        let mut recording = Recording::open(path)?;
        let started = recording.started().clone();
        let mut found: HashMap<String, CaseEntry> = HashMap::new();
        let mut end: Option<RunFinished> = None;
        let mut repeats = 1;
        // Values that differ from run to run, with their names.
        let mut late: BTreeSet<(String, String)> = BTreeSet::new();
        let run_id = started.vars.get(RUN_ID).and_then(Value::as_str).map(str::to_owned);
        let mut assigned: HashMap<(String, String), Vec<String>> = HashMap::new();
        while let Some(event) = recording.next() {
            match event?.into_inner() {
                Event::CaseFinished(finished) if wanted(&finished.id) => {
                    repeats = repeats.max(1 + finished.repeats.len());
                    late.extend(late_values(&finished, run_id.as_deref()));
                    for (step, finished) in finished.by_step().into_iter().enumerate() {
                        for (location, value) in attempts(&finished).flat_map(assigned_by) {
                            assigned.entry((finished.id.clone(), location)).or_default().push(value);
                        }
                        let entry = CaseEntry {
                            at: recording.at(),
                            index: finished.index,
                            step,
                        };
                        found.insert(finished.id, entry);
                    }
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
        // Responses can contain the host without the scheme.
        let authority = base
            .split_once("://")
            .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
        let authority = ("base_url_host".to_owned(), authority.to_owned());
        Ok(Self {
            names: VariableSubstitution::new(names.chain([("base_url".to_owned(), base), authority]).chain(late)),
            side: ComparedVersion {
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
            assigned,
            again: Recording::open(path)?,
        })
    }

    /// The case of this id.
    pub(super) fn entry(&self, id: &str) -> Option<CaseEntry> {
        Some(self.cases[*self.by_id.get(id)?].1)
    }

    /// The recorded events of a case.
    pub(super) fn case(&mut self, entry: CaseEntry) -> Result<CaseFinished, RecordingError> {
        let mut steps = self.again.again(entry.at)?.by_step();
        // It had as many steps when it was indexed.
        Ok(steps.swap_remove(entry.step.min(steps.len() - 1)))
    }
}

/// The values of a case that differ from run to run and can be part of other texts, with their names: captured and generated
/// ones, and its `case_id` if the case uses it.
fn late_values(case: &CaseFinished, run_id: Option<&str>) -> Vec<(String, String)> {
    let steps = || attempts(case).flat_map(|attempt| &attempt.steps);
    let values = steps().flat_map(|step| step.captures.iter().chain(&step.generated));
    let texts = values.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let mut all: Vec<_> = texts
        .filter(|(_, text)| text.len() >= MIN_DISTINCT && !text.starts_with('$'))
        .collect();
    if let Some(id) = run_id.map(|run_id| case_id(run_id, &case.id)) {
        let uses = |exchange: &Exchange| {
            let request = &exchange.request;
            let in_headers = request.headers.iter().any(|(_, value)| value.contains(&id));
            in_headers || request.url.contains(&id) || request.body.text().contains(&id)
        };
        if attempts(case).flat_map(Attempt::exchanges).any(uses) {
            all.push(("case_id".to_owned(), id));
        }
    }
    all
}

/// The values that differ from run to run: captured ones, and the identifiers of a resource that an attempt created, by
/// their locations in the response.
fn assigned_by(attempt: &Attempt) -> Vec<(String, String)> {
    let mut all = captured_by(attempt);
    all.extend(created_by(attempt));
    all
}

/// The values that the steps of an attempt captured.
fn captured_by(attempt: &Attempt) -> Vec<(String, String)> {
    let captures = attempt
        .steps
        .iter()
        .flat_map(|step| step.captures.iter().chain(&step.generated));
    let texts = captures.filter_map(|(name, value)| match value {
        Value::String(text) => Some((format!("{CAPTURE}{name}"), text.clone())),
        Value::Number(number) => Some((format!("{CAPTURE}{name}"), number.to_string())),
        _ => None,
    });
    texts.collect()
}

fn created_by(attempt: &Attempt) -> Vec<(String, String)> {
    let Some(Exchange {
        request,
        outcome: Outcome::Response(response),
        ..
    }) = attempt.exchange()
    else {
        return Vec::new();
    };
    if response.status != CREATED {
        return Vec::new();
    }
    let view = ResponseView::new(response, MAX_DECODED);
    let found = view.json().map(identifiers).unwrap_or_default();
    found
        .into_iter()
        .filter(|(_, value)| !is_sent(request, value))
        .collect()
}

/// Whether a request contains a value: in its URL, or in its body.
pub(super) fn is_sent(request: &Request, value: &str) -> bool {
    let is_in = |text: &str| {
        let mut words = text.split(|sign: char| !(sign.is_alphanumeric() || sign == '-' || sign == '_'));
        words.any(|word| word == value) || (value.len() > 3 && text.contains(value))
    };
    is_in(&request.url) || is_in(&request.body.text())
}

/// All responses of the same version to one case: of the last attempt and of the repeats.
pub(super) fn attempts(case: &CaseFinished) -> impl Iterator<Item = &Attempt> {
    std::iter::once(&case.last).chain(&case.repeats)
}

/// The responses among them, each with its number from zero: if two sides were run in lockstep, those with the same
/// number belong together.
pub(super) fn rounds(case: &CaseFinished) -> Vec<(usize, &Response)> {
    let numbered = attempts(case).enumerate();
    numbered
        .filter_map(|(number, one)| match &one.exchange()?.outcome {
            Outcome::Response(response) => Some((number, response)),
            _ => None,
        })
        .collect()
}

/// The deciding response, if there is one.
pub(super) fn exchange(case: &CaseFinished) -> Option<&Exchange> {
    case.last.exchange()
}
