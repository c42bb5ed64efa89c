//! What recordings of both versions show of the changes between two documents.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use super::{ChangePlace, DeclaredChange, DocumentComparison, ObservedDeclaration, ObservedState, ObservedVersions};
use crate::{
    check::below,
    compare::{Change, ChangeRule as Rule, Comparison},
    model::{Event, Outcome},
    openapi::{ApiDocument, Operation},
    recording::{Recording, RecordingError},
};

/// The operations that a recording exercises, by case: the operation without the names of its parameters, and the status.
#[derive(Debug, Default)]
pub struct ExercisedOperations(HashMap<String, (String, u16)>);

impl ExercisedOperations {
    /// Reads a recording. `base` is the base URL of its target, without a slash at its end.
    pub fn read(path: &Path, base: &str, document: &ApiDocument) -> Result<Self, RecordingError> {
        let recording = Recording::open(path)?;
        let mut all = HashMap::new();
        for event in recording {
            let Event::CaseFinished(finished) = event?.into_inner() else {
                continue;
            };
            for case in finished.by_step() {
                let Some(exchange) = case.last.exchange() else { continue };
                let Outcome::Response(response) = &exchange.outcome else {
                    continue;
                };
                let request = &exchange.request;
                let Some((path, _)) = below(&request.url, base) else {
                    continue;
                };
                if let Some((operation, _)) = document.find(&request.method, path) {
                    all.insert(case.id.clone(), (shape(operation), response.status));
                }
            }
        }
        Ok(Self(all))
    }

    fn has(&self, operation: &str, status: Option<&str>) -> bool {
        let mut all = self.0.values();
        all.any(|(known, code)| known == operation && status.is_none_or(|status| is_status(status, *code)))
    }
}

/// An operation without the names of its parameters.
fn shape(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path.shape())
}

/// Whether the key of a response declares a status code.
fn is_status(key: &str, code: u16) -> bool {
    let text = code.to_string();
    key == "default" || key == text || key.strip_suffix("XX").is_some_and(|digit| text.starts_with(digit))
}

/// States for each declared change whether the recordings show it, and lists what they show and no document declares.
pub fn observe(
    comparison: &mut DocumentComparison,
    (old, new): (&ApiDocument, &ApiDocument),
    recorded: &Comparison,
    (before, after): (&ExercisedOperations, &ExercisedOperations),
) {
    let operations = old.operations.iter().chain(&new.operations);
    let shapes: HashMap<String, String> = operations.map(|one| (one.name(), shape(one))).collect();
    let of_case = |case: &String| before.0.get(case).or_else(|| after.0.get(case)).map(|(shape, _)| shape);
    let mut declared: HashSet<&str> = HashSet::new();
    let mut summary = ObservedVersions {
        baseline: recorded.baseline.name.clone(),
        candidate: recorded.candidate.name.clone(),
        compared: recorded.summary.compared,
        ..ObservedVersions::default()
    };
    let accepted = comparison.accepted.iter_mut().map(|one| &mut one.change);
    for change in comparison.changes.iter_mut().chain(accepted) {
        let mut state = ObservedState::NotExercised;
        let mut evidence = None;
        for place in &change.places {
            let Some(operation) = place.endpoint.as_ref().and_then(|name| shapes.get(name)) else {
                continue;
            };
            let status = place.status.as_deref();
            let is_removed = change.rule == Rule::OperationRemoved.id();
            if before.has(operation, status) && (is_removed || after.has(operation, None)) {
                state = ObservedState::NotObserved;
            }
            for seen in &recorded.changes {
                let is_here = seen.cases.iter().any(|case| of_case(case) == Some(operation));
                if is_here && explains(change, place, seen) {
                    declared.insert(&seen.fingerprint);
                    evidence.get_or_insert_with(|| seen.evidence.clone());
                }
            }
        }
        if evidence.is_some() {
            state = ObservedState::Observed;
        }
        match state {
            ObservedState::Observed => summary.observed += 1,
            ObservedState::NotObserved => summary.not_observed += 1,
            ObservedState::NotExercised => summary.not_exercised += 1,
        }
        change.observed = Some(ObservedDeclaration { state, evidence });
    }
    let undeclared = recorded.changes.iter().filter(|seen| {
        let is_declarable = Rule::of(&seen.rule).is_some_and(Rule::is_declarable);
        is_declarable && !declared.contains(seen.fingerprint.as_str())
    });
    summary.undeclared = undeclared.cloned().collect();
    comparison.observed = Some(summary);
}

/// Whether an observed change is what a declared one announces.
fn explains(change: &DeclaredChange, place: &ChangePlace, seen: &Change) -> bool {
    let is_at = place.pointer == seen.pointer && seen.pointer.is_some();
    let is_in_field = place.header == seen.header && seen.header.is_some();
    let begins = |text: &Option<String>, codes: &[&str]| {
        let text = text.as_deref().unwrap_or_default();
        codes.iter().any(|code| text.starts_with(code))
    };
    let is_rejected = |codes: &[&str]| seen.rule == "status/success-to-error" && begins(&seen.after, codes);
    let status = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    match change.rule.as_str() {
        "body/enum-value-added" => is_at && seen.rule == "body/value-changed" && seen.after == change.after,
        "body/property-optional" => is_at && seen.rule == "body/property-removed",
        "body/type-widened" | "body/type-changed" | "body/alternative-added" => {
            let rules = [
                "body/type-changed",
                "body/became-array",
                "body/no-longer-array",
                "body/integer-to-number",
            ];
            is_at && rules.contains(&seen.rule.as_str())
        }
        "header/optional" => is_in_field && seen.rule == "header/removed",
        "header/media-type-removed" | "header/media-type-added" => seen.rule == "header/media-type-changed",
        "status/removed" | "status/added" | "status/success-changed" => {
            let (before, after) = (status(&change.before), status(&change.after));
            let is = |text: &Option<String>, codes: &[String]| {
                begins(text, &codes.iter().map(String::as_str).collect::<Vec<_>>())
            };
            seen.rule.starts_with("status/") && (is(&seen.before, &before) || is(&seen.after, &after))
        }
        "operation/removed" => is_rejected(&["404", "405", "410", "501"]),
        "request/security-tightened" => is_rejected(&["401", "403"]),
        rule if rule.starts_with("request/") => {
            change.level == crate::compare::ChangeLevel::Breaking && is_rejected(&["400", "415", "422"])
        }
        rule => rule == seen.rule && (is_at || is_in_field || (seen.pointer.is_none() && seen.header.is_none())),
    }
}
