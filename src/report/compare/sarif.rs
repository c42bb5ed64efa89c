//! A comparison as SARIF 2.1.0, for code scanning: a result a change, on the line of the first case that shows it.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{
    account,
    release::{NAME, Release, cautions, compared, headline, level, not_compared, title},
};
use crate::{
    compare::{Change, Comparison, Level, Matrix, Side},
    report::{
        account::lines,
        escape::json::inert,
        outcome::{clip, figure, short},
        sarif::{RESULTS, ROOT, SCHEMA, capital, location, message, segment},
    },
};

/// Most bytes of a message.
const MESSAGE: usize = 4000;
/// Most bytes of a command.
const COMMAND: usize = 4000;
/// Most bytes of a value or a sentence.
const VALUE: usize = 500;
/// Most cases that a result names.
const CASES: usize = 20;

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    document(&[run(comparison, RESULTS)], sink)
}

/// Writes how several targets differ from the first: a run each.
pub(super) fn write_matrix(matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let each = RESULTS / matrix.drift.len().max(1);
    let runs: Vec<_> = matrix.drift.iter().map(|drift| run(drift, each)).collect();
    document(&runs, sink)
}

fn document(runs: &[Value], sink: &mut dyn Write) -> io::Result<()> {
    let document = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs });
    // The same JSON: signs stand in strings only. On standard output, CI systems read it too.
    writeln!(sink, "{}", inert(&document.to_string()))
}

fn run(comparison: &Comparison, most: usize) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    let mut numbers = HashMap::new();
    let told = comparison.changes.iter().take(most);
    let results: Vec<_> = told
        .map(|change| {
            let index = *numbers.entry(change.rule.as_str()).or_insert_with(|| {
                rules.push(rule(change));
                rules.len() - 1
            });
            result(comparison, change, index)
        })
        .collect();
    let mut notes = cautions(comparison);
    let left = comparison.changes.len() - results.len();
    if left > 0 {
        notes.push(format!("{} changes are left out.", figure(left)));
    }
    notes.extend(not_compared(comparison).map(|(case, reason)| format!("Not compared: {case}: {reason}.")));
    let stale = comparison.stale.iter().take(CASES);
    notes.extend(stale.map(|one| {
        let (place, reason) = (short(&one.place.to_string(), NAME), short(&one.reason, VALUE));
        format!("An entry of accepted changes does not apply: {place}: {reason}.")
    }));
    let notes: Vec<_> = notes
        .iter()
        .map(|text| json!({ "level": "warning", "message": { "text": message(text) } }))
        .collect();
    let mut driver = json!({ "name": "conforme", "rules": rules });
    if let Some((_, version)) = comparison.tool.split_once(' ') {
        driver["semanticVersion"] = lines(version).into();
    }
    let (baseline, candidate) = (&comparison.baseline, &comparison.candidate);
    let [from, to] = [baseline, candidate].map(|side| segment(&side.name));
    json!({
        "tool": { "driver": driver },
        "invocations": [{
            // Whether what is not among the results has not changed.
            "executionSuccessful": Release::of(comparison) != Release::Unknown && notes.is_empty(),
            "exitCode": comparison.summary.exit_code,
            "exitCodeDescription": lines(&headline(comparison)),
            "toolExecutionNotifications": notes,
        }],
        "automationDetails": { "id": format!("conforme/compare/{from}/{to}/") },
        "properties": { "baseline": side(baseline), "candidate": side(candidate), "compared": compared(comparison) },
        "originalUriBaseIds": { ROOT: { "description": { "text": "The root of the repository." } } },
        "columnKind": "unicodeCodePoints",
        "results": results,
    })
}

fn side(side: &Side) -> Value {
    let mut properties = json!({
        "name": short(&side.name, NAME),
        "baseUrl": short(&side.base_url, NAME),
        "suiteHash": short(&side.suite_hash, NAME),
    });
    if let Some(commit) = &side.commit {
        properties["commit"] = short(commit, NAME).into();
    }
    properties
}

fn name(of: Level) -> &'static str {
    match of {
        Level::Breaking => "error",
        Level::Warning => "warning",
        Level::Info => "note",
    }
}

/// The rule of a change. Changes of one rule can differ in level; the rule's own is that of its gravest.
fn rule(gravest: &Change) -> Value {
    let id = short(&gravest.rule, NAME);
    let (kind, what) = id.split_once('/').unwrap_or((&id, "changed"));
    let text = json!({ "text": message(&capital(&format!("{kind}: {}", what.replace('-', " ")))) });
    json!({
        "id": id,
        "shortDescription": text,
        "fullDescription": text,
        "help": text,
        "defaultConfiguration": { "level": name(gravest.level) },
    })
}

fn result(comparison: &Comparison, change: &Change, index: usize) -> Value {
    let (candidate, baseline) = (&comparison.candidate.folder, &comparison.baseline.folder);
    let folder = candidate.as_deref().or(baseline.as_deref());
    let text = format!("{}: {}", title(change), account::text(change));
    let ids: Vec<_> = change.cases.iter().take(CASES).map(|id| short(id, NAME)).collect();
    let mut properties = json!({
        "level": level(change.level),
        "suite": short(&change.suite, NAME),
        "cases": ids,
        "caseCount": change.cases.len(),
    });
    for (name, value) in [
        ("endpoint", &change.endpoint),
        ("pointer", &change.pointer),
        ("header", &change.header),
        ("before", &change.before),
        ("after", &change.after),
    ] {
        if let Some(value) = value {
            properties[name] = short(value, VALUE).into();
        }
    }
    for (side, command) in account::commands(comparison, change, COMMAND) {
        properties[format!("reproduceOn{}", super::release::capital(side))] = command.into();
    }
    let fingerprint = short(&change.fingerprint, NAME);
    json!({
        "ruleId": short(&change.rule, NAME),
        "ruleIndex": index,
        "level": name(change.level),
        "message": { "text": message(&clip(&text, MESSAGE)) },
        "locations": [{
            "physicalLocation": location(folder, &change.evidence.place),
            "logicalLocations": [{ "fullyQualifiedName": short(&change.evidence.case, NAME) }],
        }],
        "partialFingerprints": {
            // What GitHub goes by. Without it GitHub takes the text of the line, which cases share.
            "primaryLocationLineHash": format!("{fingerprint}:1"),
            "conformeChange/v1": fingerprint,
        },
        "properties": properties,
    })
}
