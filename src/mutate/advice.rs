//! What to add to a case so that it notices.

use std::{fmt::Write as _, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Operator, mutant::Target};
use crate::{
    check::{self, PutBack, json},
    exchange::{Answer, CREDENTIALS, HIDDEN},
};

/// How far a date is from the response where it is suggested to be recent.
const RECENT: Duration = Duration::from_mins(5);
/// Most bytes of a value that is shown.
const SHOWN: usize = 300;

/// How values are written in the case's own words.
pub(super) struct Names {
    known: PutBack,
    /// Values of the row that are too short to be known wherever they stand.
    row: Vec<String>,
    /// When the response was received: a date is suggested to be recent only if it was.
    received: Option<DateTime<Utc>>,
}

impl Names {
    /// Of the variables that a case makes, and of those of its target.
    pub(super) fn new(
        own: Vec<(String, String)>,
        of_target: impl Iterator<Item = (String, String)>,
        has_row: bool,
    ) -> Self {
        let row = own
            .iter()
            .map(|(_, value)| value.clone())
            .filter(|value| has_row && !value.is_empty());
        Self {
            row: row.collect(),
            received: None,
            known: PutBack::new(own.into_iter().chain(of_target)),
        }
    }

    /// The same names for a response that was received at this moment.
    pub(super) fn at(self, received: DateTime<Utc>) -> Self {
        Self {
            received: Some(received),
            ..self
        }
    }

    /// Whether `within: 5m` passes for a date of the response.
    fn is_recent(&self, text: &str) -> bool {
        let at = check::instant(text);
        at.zip(self.received)
            .is_some_and(|(at, received)| check::is_within(at, received, RECENT))
    }

    fn put_back(&self, text: &str) -> String {
        self.known.put_back(text)
    }

    /// Whether a text holds something that is another one in each row, and has no name there.
    fn is_of_row(&self, text: &str) -> bool {
        let mut bare = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{ ") {
            bare.push_str(before);
            rest = after.split_once(" }}").map_or("", |(_, after)| after);
        }
        bare.push_str(rest);
        self.row.iter().any(|value| bare.contains(value.as_str()))
    }
}

/// What stands at a target, before and after.
pub(super) fn shown(target: &Target, original: &Answer, changed: &Answer) -> (Option<String>, Option<String>) {
    let at = |answer: &Answer| match target {
        Target::Status | Target::Answer => Some(crate::check::status_name(answer.status)),
        Target::Header(name) => {
            let all: Vec<_> = answer.header(name).collect();
            (!all.is_empty()).then(|| all.join(", "))
        }
        Target::Body(pointer) if pointer.is_empty() => {
            Some(answer.body.text().into_owned()).filter(|text| !text.is_empty())
        }
        Target::Body(pointer) => {
            let value = json::read(answer.body.bytes()).ok()?;
            value.pointer(pointer).map(json::show)
        }
    };
    let short = |text: String| match text.len() {
        0..=SHOWN => text,
        _ => format!("{}…", &text[..text.floor_char_boundary(SHOWN)]),
    };
    (at(original).map(short), at(changed).map(short))
}

/// A target with `*` for the items of arrays.
pub(super) fn general(target: &Target) -> String {
    match target {
        Target::Body(pointer) => {
            let steps = pointer
                .split('/')
                .map(|step| if step.parse::<usize>().is_ok() { "*" } else { step });
            Target::Body(steps.collect::<Vec<_>>().join("/")).to_string()
        }
        other => other.to_string(),
    }
}

/// The lines that kill it, as YAML from the top of the case's file on; none where no line can tell.
pub(super) fn of(operator: &Operator, target: &Target, answer: &Answer, names: &Names) -> Option<String> {
    let mut out = "expect:\n".to_owned();
    match target {
        Target::Status => status(answer, &mut out),
        Target::Header(name) => {
            out += "  headers:\n";
            let value: Vec<_> = answer.header(name).collect();
            let _ = writeln!(out, "    {name}: {}", header(name, &value.join(", "), names)?);
        }
        Target::Answer => {
            status(answer, &mut out);
            if answer.body.is_empty() {
                out += "  body: { empty: true }\n";
            } else {
                body(answer, "", names, &mut out);
            }
        }
        Target::Body(_) if answer.body.is_empty() => out += "  body: { empty: true }\n",
        Target::Body(pointer) => match operator.id {
            // What must not be there besides can only be said of the whole.
            "body/property-added" | "body/key-duplicated" => whole(answer, names, &mut out)?,
            _ => body(answer, pointer, names, &mut out),
        },
    }
    Some(out)
}

fn status(answer: &Answer, out: &mut String) {
    let _ = writeln!(out, "  status: {}", answer.status);
}

fn header(name: &str, value: &str, names: &Names) -> Option<String> {
    if CREDENTIALS.contains(&name) || value.contains(HIDDEN) {
        return None;
    }
    Some(match name {
        "date" | "last-modified" | "expires" if names.is_recent(value) => "{ within: 5m }".to_owned(),
        "date" => "{ present: true }".to_owned(),
        _ if is_own(value) => "{ present: true }".to_owned(),
        _ => quoted(&names.put_back(value)),
    })
}

/// Whether no other answer has this value.
fn is_own(text: &str) -> bool {
    let bare = text.trim_matches('"');
    bare.len() >= 16 && bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The value at a place of the body, as a part of it.
fn body(answer: &Answer, pointer: &str, names: &Names, out: &mut String) {
    let Ok(value) = json::read(answer.body.bytes()) else {
        let text = names.put_back(&answer.body.text());
        let _ = writeln!(out, "  body: {{ text: {} }}", quoted(&text));
        return;
    };
    // Within an array, all of the array is what is held.
    let mut steps: Vec<&str> = pointer.split('/').skip(1).collect();
    if let Some(item) = steps.iter().position(|step| step.parse::<usize>().is_ok()) {
        steps.truncate(item);
    }
    let place = steps
        .iter()
        .fold(String::new(), |place, step| format!("{place}/{step}"));
    let found = value.pointer(&place).unwrap_or(&value);
    out.push_str("  body:\n    json:");
    let mut indent = 6;
    for step in &steps {
        let key = step.replace("~1", "/").replace("~0", "~");
        let _ = write!(out, "\n{:indent$}{}:", "", key_of(&key));
        indent += 2;
    }
    write_value(found, indent, names, out);
}

fn key_of(key: &str) -> String {
    let is_plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain && !key.starts_with(|sign: char| sign.is_ascii_digit()) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

fn write_value(value: &Value, indent: usize, names: &Names, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let _ = write!(out, "\n{:indent$}{}:", "", key_of(key));
                write_value(value, indent + 2, names, out);
            }
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        other => {
            let _ = writeln!(out, " {}", scalar(other, names));
            // The next entry begins its own line.
            if out.ends_with('\n') {
                out.pop();
            }
            out.push('\n');
        }
    }
    // Lines are begun with their line break: one is enough.
    while out.contains("\n\n") {
        *out = out.replace("\n\n", "\n");
    }
}

fn scalar(value: &Value, names: &Names) -> String {
    match value {
        Value::String(text) if text.len() >= 20 && names.is_recent(text) => "{ $within: 5m }".to_owned(),
        Value::String(text) if names.put_back(text) == *text && is_own(text) => "{ $type: string }".to_owned(),
        Value::String(text) if names.is_of_row(&names.put_back(text)) => "{ $type: string }".to_owned(),
        Value::String(text) => quoted(&names.put_back(text)),
        Value::Array(_) | Value::Object(_) => format!("{{ $equals: {} }}", names.put_back(&value.to_string())),
        other => other.to_string(),
    }
}

/// The whole body, where no value of it is another one each time.
fn whole(answer: &Answer, names: &Names, out: &mut String) -> Option<()> {
    let value = json::read(answer.body.bytes()).ok()?;
    let mut text = String::new();
    write_value(&value, 6, names, &mut text);
    if text.contains("$within") || text.contains("$type") {
        // A snapshot holds the whole, too, and leaves out what differs.
        let mut places = Vec::new();
        volatile(&value, "", names, &mut places);
        let _ = writeln!(out, "  snapshot: true\nsnapshots:\n  redact: [{}]", places.join(", "));
        return Some(());
    }
    let _ = writeln!(out, "  body:\n    exact: {}", names.put_back(&value.to_string()));
    Some(())
}

fn volatile(value: &Value, at: &str, names: &Names, places: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                volatile(value, &json::step(at, key), names, places);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                volatile(item, &format!("{at}/{number}"), names, places);
            }
        }
        Value::String(_) if scalar(value, names).contains('$') => places.push(quoted(at)),
        _ => {}
    }
}
