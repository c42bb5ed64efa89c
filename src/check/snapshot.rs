//! The `snapshot` check: an answer in normal form against the stored one.

use std::{fmt::Write as _, sync::Arc};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use serde_json::Value;

use super::{Finding, ResponseView, json, media_type::MediaType};
use crate::{
    exchange::{CREDENTIALS, HIDDEN},
    source::Place,
};

/// What stands in place of a volatile value.
const VOLATILE: &str = "[redacted]";
/// From this length on a variable's value is put back wherever it stands; a shorter one only where it is all there is,
/// and a number of fewer digits not at all: it could be any number.
const DISTINCT: usize = 8;

/// What an answer must look like, and how it is brought into normal form.
#[derive(Clone, Debug)]
pub struct SnapshotExpectation {
    /// Header fields that belong to the snapshot, in order.
    pub headers: Arc<[String]>,
    /// Pointers to volatile values; `*` stands for any one step.
    pub redact: Arc<[String]>,
    /// The values that are written as `{{ name }}`.
    pub values: Arc<PutBack>,
    /// The accepted snapshot, if there is one.
    pub stored: Option<String>,
    /// The line that asks.
    pub place: Place,
}

/// Values of a target's variables, each with its name.
#[derive(Debug)]
pub struct PutBack {
    pairs: Vec<(String, String)>,
    finder: Option<AhoCorasick>,
}

impl PutBack {
    /// Takes `(name, value)` pairs; empty values are left out. Of two names with one value the first is written.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut known: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if !value.is_empty() {
                known.push((name, value));
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(known.iter().map(|(_, value)| value))
            .ok();
        Self { pairs: known, finder }
    }

    /// Writes `{{ name }}` where a value stands.
    pub fn put_back(&self, text: &str) -> String {
        let Some(finder) = &self.finder else {
            return text.to_owned();
        };
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for found in finder.find_iter(text) {
            if found.len() < DISTINCT && found.len() < text.len() {
                continue;
            }
            out.push_str(&text[done..found.start()]);
            let _ = write!(out, "{{{{ {} }}}}", self.pairs[found.pattern().as_usize()].0);
            done = found.end();
        }
        out.push_str(&text[done..]);
        out
    }

    /// Writes the value where `{{ name }}` stands, as it is.
    pub(crate) fn fill_plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.pairs {
            if text.contains("{{ ") {
                text = text.replace(&format!("{{{{ {name} }}}}"), value);
            }
        }
        text
    }

    /// Writes the value where `{{ name }}` stands, as it is in a JSON string.
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.pairs {
            let escaped = Value::String(value.clone()).to_string();
            text = text.replace(&format!("{{{{ {name} }}}}"), &escaped[1..escaped.len() - 1]);
        }
        text
    }
}

/// The normal form of an answer, values put back: what is written into a snapshot file.
pub(crate) fn normal_form(expectation: &SnapshotExpectation, answer: &ResponseView<'_>) -> String {
    render(expectation, answer, |text| expectation.values.put_back(text))
}

fn render(expectation: &SnapshotExpectation, answer: &ResponseView<'_>, write: impl Fn(&str) -> String) -> String {
    let mut out = format!("HTTP {}\n", answer.status);
    for name in expectation.headers.iter() {
        for value in answer.header(name) {
            let value = if CREDENTIALS.contains(&name.as_str()) {
                HIDDEN.to_owned()
            } else if name == "content-type" {
                MediaType::parse(value).map_or_else(|| value.to_owned(), |kind| kind.to_string())
            } else {
                value.to_owned()
            };
            let _ = writeln!(out, "{name}: {}", write(&value));
        }
    }
    if answer.body.is_empty() {
        return out;
    }
    out.push('\n');
    let text = match answer.json().cloned() {
        Ok(mut value) => {
            for pointer in expectation.redact.iter() {
                let steps: Vec<_> = pointer.split('/').skip(1).map(unescape).collect();
                redact(&mut value, &steps);
            }
            normalise(&mut value, &write);
            serde_json::to_string_pretty(&value).unwrap_or_default()
        }
        Err(_) => std::str::from_utf8(answer.body.bytes()).map_or_else(
            |_| base64::engine::general_purpose::STANDARD.encode(answer.body.bytes()),
            |text| write(&plain_lines(text)),
        ),
    };
    out.push_str(&text);
    out.push('\n');
    out
}

/// Lines that end as the files of snapshots are read: with nothing but a line feed.
pub(crate) fn plain_lines(text: &str) -> String {
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line);
    }
    out
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn redact(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else {
        *value = Value::String(VOLATILE.to_owned());
        return;
    };
    match value {
        Value::Object(entries) if step == "*" => entries.values_mut().for_each(|value| redact(value, rest)),
        Value::Array(items) if step == "*" => items.iter_mut().for_each(|value| redact(value, rest)),
        Value::Object(entries) => {
            if let Some(value) = entries.get_mut(step) {
                redact(value, rest);
            }
        }
        Value::Array(items) => {
            if let Some(value) = step.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                redact(value, rest);
            }
        }
        _ => {}
    }
}

/// Keys sorted, numbers in one spelling, strings through `write`.
fn normalise(value: &mut Value, write: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = write(text),
        Value::Number(number) => {
            *number = json::plain(number);
            let text = number.to_string();
            let written = write(&text);
            if text.len() >= DISTINCT && written != text {
                *value = Value::String(written);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalise(item, write)),
        Value::Object(entries) => {
            let mut sorted: Vec<_> = std::mem::take(entries).into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            for (key, mut value) in sorted {
                normalise(&mut value, write);
                entries.insert(key, value);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether an answer is what its snapshot says.
pub(super) fn is_same(expectation: &SnapshotExpectation, answer: &ResponseView<'_>) -> bool {
    let Some(stored) = &expectation.stored else {
        return false;
    };
    let stored = plain_lines(stored.trim_end());
    agrees(expectation, &stored, &normal_form(expectation, answer), answer)
}

fn agrees(expectation: &SnapshotExpectation, stored: &str, new: &str, answer: &ResponseView<'_>) -> bool {
    // Two variables can have one value on this target: then the stored names, filled in, settle it.
    stored == new.trim_end()
        || ((stored.contains("{{ ") || new.contains("{{ "))
            && expectation.values.fill(stored) == render(expectation, answer, ToOwned::to_owned).trim_end())
}

/// Compares; a difference comes with the new normal form, ready to be written.
pub(super) fn check(expectation: &SnapshotExpectation, answer: &ResponseView<'_>) -> Option<(Finding, String)> {
    let new = normal_form(expectation, answer);
    let Some(stored) = &expectation.stored else {
        let mut finding = Finding::new("snapshot", "there is no snapshot yet")
            .expected("an accepted snapshot")
            .actual("none")
            .place(&expectation.place);
        finding.diff = Some(super::diff("", &new));
        return Some((finding, new));
    };
    let stored = plain_lines(stored.trim_end());
    if agrees(expectation, &stored, &new, answer) {
        return None;
    }
    let mut finding = Finding::new("snapshot", "the response differs from its snapshot").place(&expectation.place);
    finding.diff = Some(super::diff(&(stored + "\n"), &new));
    Some((finding, new))
}
