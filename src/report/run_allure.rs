//! Allure results (version 2 of the format): a folder with a file for each attempt of a case, its fixtures, and its requests and
//! responses.
//!
//! All files of a result are written before the result itself, so that a reader of the folder never finds a part of one.

use std::{fmt::Write as _, io};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    check::{ResponseView, sha256},
    mask::{Masked, Reporter},
    model::{Attempt, CaseFinished, Content, Event, Exchange, Level, Outcome, Phase, RunStarted, Step, field_shown},
    report::{
        ReportOutput,
        from::run::RunSource,
        limits::{FINDINGS, LINE, NAME, allure::BODY},
        model::{Execution, Item, ItemState},
        plain,
        text::{clip, millis, short},
    },
};

/// Maximum size in bytes of a response body without its content codings.
const DECODED: usize = 64 << 20;

/// The severities of Allure. A case has one by a tag of this name.
const SEVERITIES: [&str; 5] = ["blocker", "critical", "normal", "minor", "trivial"];

/// The first line of `environment.properties`: a file that begins otherwise belongs to someone else.
const WRITTEN: &str = "# Written by conforme.";

/// Writes the results of a run as its cases finish.
pub(super) struct AllureResults {
    folder: ReportOutput,
    run: RunSource,
}

impl AllureResults {
    pub(super) fn new(folder: ReportOutput) -> Self {
        Self {
            folder,
            run: RunSource::default(),
        }
    }
}

impl Reporter for AllureResults {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                let text = environment(started);
                self.folder
                    .put_own("environment.properties", text.as_bytes(), WRITTEN.as_bytes())?;
                self.run.start(started);
                Ok(())
            }
            Event::CaseFinished(finished) => {
                self.run.add(finished);
                let item = self.run.item(finished);
                let started = self.run.started.as_ref();
                write(&mut self.folder, &item, finished, started)
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.folder.close()
    }

    fn reads_passed_exchanges(&self) -> bool {
        true
    }
}

/// Writes the results of a case.
fn write(
    folder: &mut ReportOutput,
    item: &Item<'_>,
    finished: &CaseFinished,
    started: Option<&RunStarted>,
) -> io::Result<()> {
    let Some(run) = &item.execution else { return Ok(()) };
    let begun = started.map(|started| started.started).unwrap_or_default();
    let target = started.map_or("", |started| started.target.as_str());
    let last = finished.previous.len();
    for (number, attempt) in run.attempts().enumerate() {
        // The same attempt of the same run has the same files.
        let key = format!("{}\n{target}\n{}\n{number}", begun.timestamp_micros(), item.title);
        let mut result = ResultFiles { folder, key, files: 0 };
        let at = attempt.started().unwrap_or(begun);
        let mut phases = [Phase::Setup, Phase::Main, Phase::Teardown].map(|phase| {
            let steps = attempt.steps.iter().filter(move |step| step.phase == phase);
            steps.map(|step| result.step(step, at)).collect::<io::Result<Vec<_>>>()
        });
        let [setup, main, teardown] = &mut phases;
        let take = |steps: &mut io::Result<Vec<Value>>| std::mem::replace(steps, Ok(Vec::new()));
        let (setup, main, teardown) = (take(setup)?, take(main)?, take(teardown)?);
        let uuid = uuid(&result.key);
        if !setup.is_empty() || !teardown.is_empty() {
            let name = uuid_of(&result.key, "container");
            let container = json!({
                "uuid": name, "children": [uuid], "befores": setup, "afters": teardown,
                "start": at.timestamp_millis(), "stop": stop(at, attempt.elapsed_us()),
            });
            result
                .folder
                .put(&format!("{name}-container.json"), container.to_string().as_bytes())?;
        }
        let mut value = case(item, run, target, &uuid);
        value["start"] = at.timestamp_millis().into();
        value["stop"] = stop(at, attempt.elapsed_us()).into();
        value["steps"] = main.into();
        let (status, details) = if number == last {
            status(item, run)
        } else {
            let status = if plain::has_no_response(attempt) {
                "broken"
            } else {
                "failed"
            };
            (status, details(&plain::headline(attempt), Some(attempt), run))
        };
        value["status"] = status.into();
        value["statusDetails"] = details;
        result
            .folder
            .put(&format!("{uuid}-result.json"), value.to_string().as_bytes())?;
    }
    Ok(())
}

/// What all attempts of a case have.
fn case(item: &Item<'_>, run: &Execution<'_>, target: &str, uuid: &str) -> Value {
    let id = short(&item.title, NAME);
    let (case, row) = match id.split_once('[') {
        Some((case, row)) => (case, row.strip_suffix(']')),
        None => (id.as_str(), None),
    };
    let mut parameters = vec![json!({ "name": "target", "value": short(target, NAME) })];
    parameters.extend(row.map(|row| json!({ "name": "row", "value": row })));
    let label = |name: &str, value: &str| json!({ "name": name, "value": value });
    let mut labels = vec![
        label("suite", &short(&item.suite, NAME)),
        label("package", &short(&item.suite, NAME).replace('/', ".")),
        label("framework", "conforme"),
    ];
    labels.extend(run.tags.iter().map(|tag| label("tag", &short(tag, NAME))));
    let severity = run.tags.iter().find(|tag| SEVERITIES.contains(&tag.as_str()));
    labels.extend(severity.map(|severity| label("severity", severity)));
    json!({
        "uuid": uuid,
        "historyId": digest(&format!("{target}\n{}", item.title)),
        "testCaseId": digest(item.title.split('[').next().unwrap_or_default()),
        "fullName": id,
        "name": run.name.map_or_else(|| case.to_owned(), |name| short(name, LINE)),
        "labels": labels,
        "links": [],
        "parameters": parameters,
        "stage": "finished",
        "attachments": [],
    })
}

/// The status of a case, and its details.
fn status(item: &Item<'_>, run: &Execution<'_>) -> (&'static str, Value) {
    let status = match item.state {
        ItemState::Passed => "passed",
        ItemState::Failed => "failed",
        ItemState::Errored => "broken",
        ItemState::Skipped => "skipped",
    };
    let attempt = (item.state == ItemState::Failed || item.state == ItemState::Errored).then(|| run.explaining());
    let mut details = details(&item.message, attempt, run);
    if !run.previous.is_empty() && item.label == "flaky" {
        details["flaky"] = true.into();
    }
    (status, details)
}

/// Why an attempt did not pass, with its findings.
fn details(message: &str, attempt: Option<&Attempt>, run: &Execution<'_>) -> Value {
    let mut details = json!({});
    if !message.is_empty() {
        details["message"] = short(message, LINE).into();
    }
    if let Some(attempt) = attempt {
        details["trace"] = clip(&plain::attempt(attempt, run.shell), FINDINGS).into();
    }
    details
}

/// The files of a result.
struct ResultFiles<'f> {
    folder: &'f mut ReportOutput,
    /// Identifies the attempt.
    key: String,
    /// Number of attachments so far.
    files: usize,
}

impl ResultFiles<'_> {
    /// A step, with its request and response as attachments.
    fn step(&mut self, step: &Step, begun: DateTime<Utc>) -> io::Result<Value> {
        let at = step.started.unwrap_or(begun);
        let (status, message) = match (&step.omitted, &step.exchange) {
            (Some(reason), _) => ("skipped", short(reason, LINE)),
            _ if step.fails() => {
                let finding = step.findings.iter().find(|finding| finding.level == Level::Deny);
                ("failed", finding.map(plain::title).unwrap_or_default())
            }
            (
                None,
                Some(Exchange {
                    outcome: Outcome::Failure(failure),
                    ..
                }),
            ) => ("broken", short(&failure.message, LINE)),
            _ => ("passed", String::new()),
        };
        let mut attachments = Vec::new();
        if let Some(exchange) = &step.exchange {
            attachments.push(self.attach("request", &request(exchange))?);
            if let Some(text) = response(&exchange.outcome) {
                attachments.push(self.attach("response", &text)?);
            }
        }
        let mut value = json!({
            "name": name(step), "status": status, "stage": "finished", "steps": [], "parameters": [],
            "start": at.timestamp_millis(), "stop": stop(at, step.elapsed_us), "attachments": attachments,
        });
        if !message.is_empty() {
            value["statusDetails"] = json!({ "message": message });
        }
        Ok(value)
    }

    fn attach(&mut self, name: &str, text: &str) -> io::Result<Value> {
        self.files += 1;
        let source = format!("{}-attachment.txt", uuid_of(&self.key, &self.files.to_string()));
        self.folder.put(&source, text.as_bytes())?;
        Ok(json!({ "name": name, "source": source, "type": "text/plain" }))
    }
}

/// `create: POST /orders`.
fn name(step: &Step) -> String {
    let id = short(&step.id, NAME);
    let request = step.exchange.as_ref().map(|exchange| {
        let url = &exchange.request.url;
        let path = url.find("://").and_then(|at| Some(at + 3 + url[at + 3..].find('/')?));
        let path = &url[path.unwrap_or(0)..];
        format!("{} {}", exchange.request.method, short(path, NAME))
    });
    match (id.is_empty(), request) {
        (true, request) => request.unwrap_or_else(|| "request".to_owned()),
        (false, None) => id,
        (false, Some(request)) => format!("{id}: {request}"),
    }
}

fn request(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let mut text = format!("{} {}\n", request.method, request.url);
    headers(&request.headers, &mut text);
    body(&request.body, request.body.bytes(), &mut text);
    text
}

/// The response; `None` if there is none.
fn response(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Response(one) => {
            let view = ResponseView::new(one, DECODED);
            let mut text = format!("{} {}\n", one.version, one.status);
            headers(&one.headers, &mut text);
            body(&one.body, view.bytes().unwrap_or(one.body.bytes()), &mut text);
            Some(text)
        }
        Outcome::Malformed(one) => Some(format!("not a response: {}\n", one.reason)),
        Outcome::Failure(_) => None,
    }
}

fn headers(all: &[(String, String)], text: &mut String) {
    for (name, value) in all {
        let _ = writeln!(text, "{name}: {}", field_shown(value));
    }
}

/// Adds a body: all of it, if it is text.
fn body(content: &Content, bytes: &[u8], text: &mut String) {
    if bytes.is_empty() {
        return;
    }
    text.push('\n');
    match std::str::from_utf8(bytes) {
        Ok(body) => text.push_str(&clip(body, BODY)),
        Err(_) => drop(write!(text, "({} bytes that are not text)", bytes.len())),
    }
    if content.is_cut() {
        let _ = write!(
            text,
            "\n(the first {} of {} bytes)",
            content.bytes().len(),
            content.length()
        );
    }
}

/// The end of something in milliseconds.
fn stop(start: DateTime<Utc>, elapsed_us: u64) -> i64 {
    let elapsed = i64::try_from(millis(elapsed_us)).unwrap_or(i64::MAX);
    start.timestamp_millis().saturating_add(elapsed)
}

/// 32 hexadecimal digits for a key.
fn digest(key: &str) -> String {
    sha256(key.as_bytes())[..32].to_owned()
}

fn uuid(key: &str) -> String {
    uuid_of(key, "result")
}

/// A UUID (RFC 9562, version 8) for a key: the same for the same key.
fn uuid_of(key: &str, part: &str) -> String {
    let hex = digest(&format!("{key}\n{part}"));
    format!(
        "{}-{}-8{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

/// What the results have in common, as properties of Java.
fn environment(started: &RunStarted) -> String {
    let mut text = format!("{WRITTEN}\n");
    let mut add = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}={}", property(&short(value, NAME)));
    };
    add("target", &started.target);
    add("base_url", &started.base_url);
    if let Some(commit) = &started.commit {
        add("commit", commit);
    }
    add("tool", &started.tool);
    text
}

/// A value of a property: characters with a meaning and those beyond Latin-1 are escaped.
fn property(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_is_ascii() {
        assert_eq!(property("a=b: c\\d"), "a=b: c\\\\d");
        assert_eq!(property("é\n🔥"), "\\u00e9\\u000a\\ud83d\\udd25");
    }

    #[test]
    fn uuid_is_the_same_for_the_same_key() {
        let one = uuid("a");
        assert_eq!((one.len(), &one[14..15], &one[19..20]), (36, "8", "a"));
        assert_eq!(one, uuid("a"));
        assert!(one != uuid("b") && one != uuid_of("a", "container"));
    }
}
