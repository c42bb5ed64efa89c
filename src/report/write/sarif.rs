//! SARIF 2.1.0, for code scanning: a result for each finding or item, on the line that explains it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::{
    check::rule_of,
    model::{CheckId, Level, Location, Verdict},
    report::{
        escape::{
            json::inert,
            lines,
            sarif::{message, segment},
        },
        limits::{
            ITEM_COMMAND, MESSAGE, NAME, VALUE,
            sarif::{CASES_COUNT, RESULTS_COUNT},
        },
        model::{End, Execution, Item, ListKind, Severity, Start, Writer},
        paths::{in_repository, is_absolute},
        plain,
        spool::Spool,
        text::{capital, figure, instant, short},
    },
};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The root of the repository, which paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// Collects results, and writes them at the end in the order of the plan.
pub(in crate::report) struct Sarif {
    results: Spool<Severity>,
    errors: usize,
    rules: Vec<Value>,
    indexes: HashMap<String, usize>,
    items: usize,
}

/// One result.
struct SarifResult<'a> {
    rule: &'a str,
    rule_title: Option<&'a str>,
    severity: Severity,
    text: String,
    location: &'a Location,
    /// The case.
    case: &'a str,
    /// Identify the result in later reports. GitHub uses `primaryLocationLineHash`, or else the text of the line, which
    /// cases share.
    fingerprints: Value,
    properties: Map<String, Value>,
}

impl Sarif {
    pub(in crate::report) fn new(results: Spool<Severity>) -> Self {
        Self {
            results,
            errors: 0,
            rules: Vec::new(),
            indexes: HashMap::new(),
            items: 0,
        }
    }

    fn push(&mut self, start: &Start, position: usize, found: &SarifResult<'_>) -> io::Result<()> {
        let rule = lines(found.rule);
        let rules = &mut self.rules;
        let index = *self.indexes.entry(rule.clone()).or_insert_with(|| {
            rules.push(rule_of_result(&rule, found));
            rules.len() - 1
        });
        let result = json!({
            "ruleId": rule,
            "ruleIndex": index,
            "level": level(found.severity),
            "message": { "text": message(&found.text) },
            "locations": [{
                "physicalLocation": location(start.folder.as_deref(), found.location),
                "logicalLocations": [{ "fullyQualifiedName": lines(found.case) }],
            }],
            "partialFingerprints": found.fingerprints,
            "properties": found.properties,
        });
        self.errors += usize::from(found.severity == Severity::Error);
        self.results
            .push(position, found.severity, result.to_string().as_bytes())
    }

    fn item_result(&mut self, start: &Start, item: &Item<'_>) -> io::Result<()> {
        let ids: Vec<_> = item.cases.iter().take(CASES_COUNT).map(|id| short(id, NAME)).collect();
        let mut properties = Map::new();
        let mut add = |name: &str, value: Value| properties.insert(name.to_owned(), value);
        add("level", item.label.into());
        add("suite", item.suite.clone().into());
        add("cases", ids.into());
        add("caseCount", item.case_count.into());
        for (name, value) in &item.properties {
            add(name, short(value, VALUE).into());
        }
        if let Some(values) = item.values.first() {
            for (name, value) in [("before", values.before), ("after", values.after)] {
                if let Some(value) = value {
                    add(name, short(value, VALUE).into());
                }
            }
        }
        for (role, command) in item
            .evidence
            .iter()
            .flat_map(|evidence| evidence.commands(ITEM_COMMAND))
        {
            add(&format!("reproduceOn{}", capital(role)), command.into());
        }
        let text = format!("{}{}: {}", item.prefix, item.title, plain::item(item, MESSAGE));
        let fingerprint = format!("{}{}", item.prefix, item.fingerprint);
        let found = SarifResult {
            rule: &item.rule,
            rule_title: Some(&item.rule_title),
            severity: item.severity,
            text,
            location: item.location,
            case: item.cases.first().copied().unwrap_or_default(),
            fingerprints: json!({
                "primaryLocationLineHash": format!("{fingerprint}:1"),
                "conformeItem/v1": fingerprint,
            }),
            properties,
        };
        self.push(start, self.items, &found)
    }

    /// A result for each finding of a case, and one if it has no response or is flaky.
    fn results_of_run(&mut self, start: &Start, item: &Item<'_>, run: &Execution<'_>) -> io::Result<()> {
        let mut common = Map::new();
        common.insert("verdict".to_owned(), run.verdict.name().into());
        if let Some(name) = run.name {
            common.insert("name".to_owned(), lines(name).into());
        }
        // Two checks of one header field differ in their number only.
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut fingerprints = |check: &str, case: &str, pointer: &str| {
            let digest = digest([check, case, pointer]);
            let number = seen.entry(digest.clone()).or_insert(0);
            *number += 1;
            json!({
                "primaryLocationLineHash": format!("{}:{number}", &digest[..16]),
                "conforme/v1": format!("{digest}:{number}"),
            })
        };
        for (step, command) in plain::commands(run.last, run.shell) {
            let case = if step.id.is_empty() {
                item.title.clone()
            } else {
                format!("{}:{}", item.title, step.id)
            };
            let command = command.map(|command| (lines(&command.line), command.notes));
            for finding in &step.findings {
                let pointer = finding.pointer.as_deref();
                let mut properties = common.clone();
                if let Some(pointer) = pointer {
                    properties.insert("pointer".to_owned(), lines(pointer).into());
                }
                if let Some((command, notes)) = command.as_ref().filter(|(command, _)| command.len() <= ITEM_COMMAND) {
                    properties.insert("reproduce".to_owned(), command.clone().into());
                    if !notes.is_empty() {
                        properties.insert("reproduceNotes".to_owned(), notes.clone().into());
                    }
                }
                let found = SarifResult {
                    rule: finding.check.as_str(),
                    rule_title: None,
                    severity: if finding.level == Level::Deny {
                        Severity::Error
                    } else {
                        Severity::Warning
                    },
                    text: format!("{}: {}", short(&case, NAME), plain::finding(finding, MESSAGE)),
                    location: finding.location.as_ref().unwrap_or(item.location),
                    case: &case,
                    fingerprints: fingerprints(finding.check.as_str(), &case, pointer.unwrap_or_default()),
                    properties,
                };
                self.push(start, run.index, &found)?;
            }
        }
        let rule = match run.verdict {
            Verdict::Errored => "verdict/errored",
            Verdict::Flaky => "verdict/flaky",
            Verdict::Passed | Verdict::Failed | Verdict::Skipped | Verdict::NotRun => return Ok(()),
        };
        let found = SarifResult {
            rule,
            rule_title: Some(&item.rule_title),
            severity: item.severity,
            text: format!("{}: {}", short(&item.title, NAME), item.message),
            location: plain::location(run.explaining(), item.location),
            case: &item.title,
            fingerprints: fingerprints(rule, &item.title, ""),
            properties: common,
        };
        self.push(start, run.index, &found)
    }

    /// Everything before the results.
    fn head(&self, start: &Start, end: &End) -> String {
        let mut notes: Vec<String> = Vec::new();
        let all = self.results.len();
        if all > RESULTS_COUNT {
            let left = figure(all - RESULTS_COUNT);
            notes.push(format!("{left} of {} results are left out.", figure(all)));
        }
        for section in &end.sections {
            let prefix = &section.prefix;
            notes.extend(section.cautions.iter().map(|caution| format!("{prefix}{caution}")));
            for list in &section.lists {
                if matches!(list.kind, ListKind::LeftOut | ListKind::Stale) {
                    let max = if list.kind == ListKind::Stale {
                        CASES_COUNT
                    } else {
                        usize::MAX
                    };
                    let entries = list.entries.iter().take(max);
                    let entries = entries.map(|entry| format!("{prefix}{}: {}.", list.title, entry.line()));
                    notes.extend(entries);
                }
            }
        }
        let notes: Vec<_> = notes
            .iter()
            .map(|text| json!({ "level": "warning", "message": { "text": message(text) } }))
            .collect();
        let mut invocation = json!({
            "executionSuccessful": end.is_complete,
            "exitCodeDescription": lines(&end.headline),
            "toolExecutionNotifications": notes,
        });
        if let Some(code) = end.exit_code {
            invocation["exitCode"] = code.into();
        }
        if let Some((started, elapsed)) = start.started.zip(end.elapsed_us) {
            let time = TimeDelta::microseconds(i64::try_from(elapsed).unwrap_or(i64::MAX));
            invocation["startTimeUtc"] = instant(started).into();
            invocation["endTimeUtc"] = instant(started.checked_add_signed(time).unwrap_or(started)).into();
        }
        let mut driver = json!({ "name": "conforme", "rules": self.rules });
        if let Some((_, version)) = start.tool.split_once(' ') {
            driver["semanticVersion"] = lines(version).into();
        }
        let address = [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")];
        if let Some(address) = address.into_iter().find(|address| !address.is_empty()) {
            driver["informationUri"] = address.into();
        }
        let names = start.name.split(' ').map(str::to_owned);
        let id: Vec<_> = names.chain(start.subject.iter().map(|name| segment(name))).collect();
        let bases = json!({ ROOT: { "description": { "text": "The root of the repository." } } });
        format!(
            "{{\"$schema\":{},\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{},\"invocations\":[{invocation}],\
             \"automationDetails\":{},\"properties\":{},\"originalUriBaseIds\":{bases},\
             \"columnKind\":\"unicodeCodePoints\",\"results\":[",
            json!(SCHEMA),
            json!({ "driver": driver }),
            json!({ "id": format!("{}/", id.join("/")) }),
            properties(start, end),
        )
    }
}

impl Writer for Sarif {
    fn item(&mut self, start: &Start, item: &Item<'_>, _: &mut dyn Write) -> io::Result<()> {
        self.items += 1;
        match &item.execution {
            Some(run) => self.results_of_run(start, item, run),
            // Further ones would be left out, and their texts take memory.
            None if self.results.len() >= RESULTS_COUNT => self.results.push(self.items, Severity::Note, b""),
            None => self.item_result(start, item),
        }
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(inert(&self.head(start, end)).as_bytes())?;
        // Warnings are left out before errors.
        let mut errors = self.errors.min(RESULTS_COUNT);
        let mut others = RESULTS_COUNT - errors;
        let mut comma = "\n";
        self.results.each(|severity, result| {
            let left = if *severity == Severity::Error {
                &mut errors
            } else {
                &mut others
            };
            if *left == 0 || result.is_empty() {
                return Ok(());
            }
            *left -= 1;
            let result = String::from_utf8_lossy(result);
            write!(out, "{comma}{}", inert(&result))?;
            comma = ",\n";
            Ok(())
        })?;
        out.write_all(b"\n]}]}\n")
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A rule, with the level of its first result: items are in the order of their severity.
fn rule_of_result(id: &str, found: &SarifResult<'_>) -> Value {
    let check = CheckId::from(id);
    let built_in = rule_of(&check).filter(|_| found.rule_title.is_none());
    let text = match (built_in, found.rule_title) {
        (Some(rule), _) => format!("{}.", capital(rule.requirement)),
        (None, Some(title)) => title.to_owned(),
        (None, None) => check.title(),
    };
    let level = match built_in.map(|rule| rule.level) {
        Some(Level::Deny) => "error",
        Some(Level::Warn) => "warning",
        Some(Level::Off) => "none",
        None if found.rule_title.is_none() => "error",
        None => level(found.severity),
    };
    let text = json!({ "text": message(&text) });
    json!({
        "id": id,
        "shortDescription": text,
        "fullDescription": text,
        "help": text,
        "defaultConfiguration": { "level": level },
    })
}

fn properties(start: &Start, end: &End) -> Value {
    let targets = start.targets.iter().map(|target| {
        json!({
            "role": target.role,
            "name": lines(&target.name),
            "baseUrl": lines(&target.base_url),
            "suiteHash": lines(&target.suite_hash),
            "commit": target.commit.as_deref().map(lines),
        })
    });
    let mut properties = json!({ "targets": targets.collect::<Vec<_>>(), "summary": lines(&end.summary.join(". ")) });
    for (name, value) in start.properties.iter().chain(&end.properties) {
        properties[*name] = lines(value).into();
    }
    for (name, number) in &end.counts {
        properties["counts"][*name] = (*number).into();
    }
    properties
}

/// A location in a file of the repository.
fn location(folder: Option<&str>, location: &Location) -> Value {
    let path = in_repository(folder, &location.file);
    let segments: Vec<_> = path.split('/').map(segment).collect();
    let uri = segments.join("/");
    let artifact = if is_absolute(&path) {
        json!({ "uri": format!("file:///{}", uri.trim_start_matches('/')) })
    } else {
        json!({ "uri": uri, "uriBaseId": ROOT })
    };
    json!({
        "artifactLocation": artifact,
        "region": { "startLine": location.line.max(1), "startColumn": location.column.max(1) },
    })
}

/// A digest (SHA-256, hexadecimal) of what identifies a finding in later runs. Observed values are not part of it.
fn digest(parts: [&str; 3]) -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rules_are_described_in_their_own_words() {
        let location = Location {
            file: "a.yaml".into(),
            line: 1,
            column: 1,
        };
        for known in crate::check::RULES {
            let found = SarifResult {
                rule: known.id,
                rule_title: None,
                severity: Severity::Warning,
                text: String::new(),
                location: &location,
                case: "",
                fingerprints: Value::Null,
                properties: Map::new(),
            };
            let rule = rule_of_result(known.id, &found);
            let text = rule["fullDescription"]["text"].as_str().unwrap();
            assert!(text.contains(&known.requirement[1..]), "{text}");
        }
    }
}
