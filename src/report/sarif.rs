//! `--report sarif`: SARIF 2.1.0, for code scanning.
//!
//! A rule is a check, a result is a finding on the line that asked for it. Paths are those of the repository.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    Reporter, Sink,
    account::{self, cut, diff_lines, lines},
    curl::Shell,
    escape::json::inert,
    limits::sarif::{COMMAND, ID, MESSAGE},
    outcome::{self, clip, short},
    spool::Spool,
    visible,
};
pub(super) use super::{
    escape::sarif::{message, segment},
    limits::sarif::RESULTS_COUNT as RESULTS,
};
use crate::{
    check::rule_of,
    model::{CaseFinished, CheckId, Event, Finding, Flaky, Level, Place, RunFinished, RunStarted, Verdict},
    redact::Redacted,
};

/// Where the schema is.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What paths are relative to: the root of the repository.
pub(super) const ROOT: &str = "%SRCROOT%";
/// The rule of a case without a verdict.
const ERRORED: &str = "verdict/errored";
/// The rule of a case that passed after a retry.
const FLAKY: &str = "verdict/flaky";
/// Holds results as they are written, and writes them at the end in the order of the plan.
pub(super) struct Sarif {
    sink: Sink,
    shell: Shell,
    started: Option<RunStarted>,
    finished: Option<RunFinished>,
    results: Spool<Level>,
    errors: usize,
    rules: Vec<String>,
    numbers: HashMap<String, usize>,
}

/// What becomes a result.
struct Problem<'f> {
    check: &'f str,
    level: Level,
    pointer: Option<&'f str>,
    place: Option<&'f Place>,
    text: String,
}

impl<'f> Problem<'f> {
    fn of(finding: &'f Finding) -> Self {
        let mut parts = vec![account::title(finding)];
        if let Some(diff) = &finding.diff {
            parts.extend(diff_lines(diff).iter().map(|line| visible(line).into_owned()));
        } else {
            for (label, value) in ["expected", "actual"].into_iter().zip(finding.values_to_show()) {
                let part = value.map(|value| format!("{label}: {}", cut(&visible(&value))));
                parts.extend(part);
            }
        }
        Self {
            check: finding.check.as_str(),
            level: finding.level,
            pointer: finding.pointer.as_deref(),
            place: finding.place.as_ref(),
            text: clip(&parts.join("\n"), MESSAGE),
        }
    }
}

impl Sarif {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            shell: Shell::default(),
            started: None,
            finished: None,
            results: Spool::beside(&sink),
            errors: 0,
            rules: Vec::new(),
            numbers: HashMap::new(),
            sink,
        }
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        let mut problems: Vec<_> = finished.last.findings().map(Problem::of).collect();
        match finished.verdict {
            Verdict::Errored => problems.push(Problem {
                check: ERRORED,
                level: Level::Deny,
                pointer: None,
                place: None,
                text: account::headline(&finished.last),
            }),
            Verdict::Flaky => {
                let fails = self.started.as_ref().is_none_or(|run| run.flaky == Flaky::Fail);
                let asked = finished.previous.first().and_then(outcome::first);
                problems.push(Problem {
                    check: FLAKY,
                    level: if fails { Level::Deny } else { Level::Warn },
                    pointer: None,
                    place: asked.and_then(|finding| finding.place.as_ref()),
                    text: outcome::flaky(&finished.previous),
                });
            }
            Verdict::Passed | Verdict::Failed | Verdict::Skipped | Verdict::NotRun => {}
        }
        if problems.is_empty() {
            return Ok(());
        }
        let mut properties = json!({ "verdict": finished.verdict.name() });
        if let Some(name) = &finished.name {
            properties["name"] = lines(name).into();
        }
        if let Some(exchange) = finished.last.exchange() {
            let command = lines(&account::command(&exchange.request, &self.shell));
            if command.len() <= COMMAND {
                properties["reproduce"] = command.into();
            }
        }
        let mut seen = HashMap::new();
        for problem in &problems {
            // Two tests of one header are alike but for their number.
            let number = seen.entry((problem.check, problem.pointer)).or_insert(0);
            *number += 1;
            let mut properties = properties.clone();
            if let Some(pointer) = problem.pointer {
                properties["pointer"] = lines(pointer).into();
            }
            self.result(finished, problem, *number, &properties)?;
        }
        Ok(())
    }

    fn result(
        &mut self,
        finished: &CaseFinished,
        problem: &Problem<'_>,
        number: usize,
        properties: &Value,
    ) -> io::Result<()> {
        let rule = lines(problem.check);
        let index = *self.numbers.entry(rule.clone()).or_insert_with(|| {
            self.rules.push(rule.clone());
            self.rules.len() - 1
        });
        let folder = self.started.as_ref().and_then(|run| run.folder.as_deref());
        let identity = identity(problem.check, &finished.id, problem.pointer.unwrap_or_default());
        let result = json!({
            "ruleId": rule,
            "ruleIndex": index,
            "level": if problem.level == Level::Deny { "error" } else { "warning" },
            "message": { "text": message(&format!("{}: {}", short(&finished.id, ID), problem.text)) },
            "locations": [{
                "physicalLocation": location(folder, problem.place.unwrap_or(&finished.place)),
                "logicalLocations": [{ "fullyQualifiedName": lines(&finished.id) }],
            }],
            "partialFingerprints": {
                // What GitHub goes by. Without it GitHub takes the text of the line, which cases share.
                "primaryLocationLineHash": format!("{}:{number}", &identity[..16]),
                "conforme/v1": format!("{identity}:{number}"),
            },
            "properties": properties,
        });
        self.errors += usize::from(problem.level == Level::Deny);
        self.results
            .push(finished.index, problem.level, result.to_string().as_bytes())
    }

    fn end(&mut self) -> io::Result<()> {
        let all = self.results.len();
        let mut invocation = json!({ "executionSuccessful": self.is_whole() });
        let mut notes = Vec::new();
        if let Some(finished) = &self.finished {
            invocation["exitCode"] = finished.exit_code.into();
            if let Some(stop) = finished.stopped {
                notes.push(format!(
                    "The run is not whole: {}; {} did not run.",
                    stop.text(),
                    outcome::cases(finished.counts.not_run)
                ));
            }
        }
        invocation["exitCodeDescription"] = outcome::headline(self.finished.as_ref()).into();
        if all > RESULTS {
            notes.push(format!("{} of {all} results are left out.", all - RESULTS));
        }
        if let Some(run) = &self.started {
            let micros = self.finished.as_ref().map_or(0, |finished| finished.elapsed_us);
            let time = TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX));
            invocation["startTimeUtc"] = instant(run.started).into();
            invocation["endTimeUtc"] = instant(run.started.checked_add_signed(time).unwrap_or(run.started)).into();
        }
        let notes: Vec<_> = notes
            .iter()
            .map(|text| json!({ "level": "warning", "message": { "text": message(text) } }))
            .collect();
        invocation["toolExecutionNotifications"] = notes.into();
        let mut head = format!("{{\"$schema\":{},\"version\":\"2.1.0\",\"runs\":[{{", json!(SCHEMA));
        let _ = write!(head, "\"tool\":{},\"invocations\":[{invocation}],", self.tool());
        if let Some(run) = &self.started {
            let target = segment(&run.target);
            let _ = write!(
                head,
                "\"automationDetails\":{},\"properties\":{},",
                json!({ "id": format!("conforme/{target}/") }),
                properties(run, self.finished.as_ref())
            );
        }
        let bases = json!({ ROOT: { "description": { "text": "The root of the repository." } } });
        let _ = write!(
            head,
            "\"originalUriBaseIds\":{bases},\"columnKind\":\"unicodeCodePoints\",\"results\":["
        );
        self.sink.write_all(inert(&head).as_bytes())?;
        // What fails a case goes before what only warns.
        let mut errors = self.errors.min(RESULTS);
        let mut warnings = RESULTS - errors;
        let (sink, mut comma) = (&mut self.sink, "\n");
        self.results.each(|level, result| {
            let left = if *level == Level::Deny {
                &mut errors
            } else {
                &mut warnings
            };
            if *left == 0 {
                return Ok(());
            }
            *left -= 1;
            // The same JSON: signs stand in strings only. On standard output, CI systems read it too.
            let result = String::from_utf8_lossy(result);
            write!(sink, "{comma}{}", inert(&result))?;
            comma = ",\n";
            Ok(())
        })?;
        self.sink.write_all(b"\n]}]}\n")
    }

    /// Whether every case was judged, so that what is not among the results is well.
    fn is_whole(&self) -> bool {
        let whole =
            |run: &RunFinished| run.stopped.is_none() && matches!(run.exit_code, 0 | 1) && run.counts.errored == 0;
        self.finished.as_ref().is_some_and(whole)
    }

    fn tool(&self) -> Value {
        let tool = self.started.as_ref().map_or("", |run| run.tool.as_str());
        let rules: Vec<_> = self.rules.iter().map(|id| rule(id)).collect();
        let mut driver = json!({ "name": "conforme", "rules": rules });
        if let Some((_, version)) = tool.split_once(' ') {
            driver["semanticVersion"] = lines(version).into();
        }
        let address = [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")];
        if let Some(address) = address.into_iter().find(|address| !address.is_empty()) {
            driver["informationUri"] = address.into();
        }
        json!({ "driver": driver })
    }
}

impl Reporter for Sarif {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.shell = Shell::of(started);
                self.started = Some(started.clone());
            }
            Event::CaseFinished(finished) => self.case(finished)?,
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
            Event::SnapshotUnused { .. }
            | Event::TargetAwaited(_)
            | Event::CaseStarted(_)
            | Event::CaseSlow(_)
            | Event::CaseRetried(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()?;
        self.sink.close()
    }
}

/// A place in a file as one of the repository.
pub(super) fn location(folder: Option<&str>, place: &Place) -> Value {
    let path = outcome::in_repository(folder, &place.file);
    let segments: Vec<_> = path.split('/').map(segment).collect();
    let uri = segments.join("/");
    let artifact = if outcome::is_absolute(&path) {
        json!({ "uri": format!("file:///{}", uri.trim_start_matches('/')) })
    } else {
        json!({ "uri": uri, "uriBaseId": ROOT })
    };
    json!({
        "artifactLocation": artifact,
        "region": { "startLine": place.line.max(1), "startColumn": place.column.max(1) },
    })
}

/// A check as a rule.
fn rule(id: &str) -> Value {
    let check = CheckId::from(id);
    let standing = rule_of(&check);
    let text = match (id, standing) {
        (_, Some(rule)) => capital(rule.demands),
        (ERRORED, None) => "There is an answer to judge.".to_owned(),
        (FLAKY, None) => "The case passes at the first try.".to_owned(),
        (_, None) => check.title(),
    };
    let text = json!({ "text": message(&text) });
    let level = match standing.map_or(Level::Deny, |rule| rule.level) {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Off => "none",
    };
    json!({
        "id": id,
        "shortDescription": text,
        "fullDescription": text,
        "help": text,
        "defaultConfiguration": { "level": level },
    })
}

/// The circumstances of the run.
fn properties(run: &RunStarted, finished: Option<&RunFinished>) -> Value {
    let mut properties = json!({
        "target": lines(&run.target),
        "baseUrl": lines(&run.base_url),
        "suiteHash": lines(&run.suite_hash),
    });
    if let Some(commit) = &run.commit {
        properties["commit"] = lines(commit).into();
    }
    if let Some(finished) = finished {
        for (name, number) in outcome::columns(&finished.counts) {
            properties["counts"][name] = number.into();
        }
    }
    properties
}

/// What tells a finding from every other one of a run, and is the same in the next: never what came.
fn identity(check: &str, id: &str, pointer: &str) -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [check, id, pointer] {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_no_placeholder_and_no_link() {
        assert_eq!(
            message("{0} [x](http://a) {\"a\":1}\n"),
            "{{0}} [x]\\u{{28}}http://a) {{\"a\":1}}"
        );
    }

    #[test]
    fn an_identity_is_of_check_case_and_pointer() {
        let one = identity("a", "b", "c");
        assert_eq!(one, identity("a", "b", "c"));
        for other in [
            identity("ab", "", "c"),
            identity("a", "bc", ""),
            identity("a", "b", "d"),
        ] {
            assert_ne!(one, other);
        }
        assert!(one.len() == 64 && one.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn every_standing_rule_is_told_in_its_own_words() {
        for known in crate::check::RULES {
            let text = &rule(known.id)["fullDescription"]["text"];
            assert!(text.as_str().unwrap().contains(&known.demands[1..]), "{text}");
        }
    }
}
