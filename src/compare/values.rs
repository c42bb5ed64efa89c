//! Classification of single values of bodies by name, type and time.

use chrono::{DateTime, Utc};
use serde_json::{Number, Value};

use super::difference::ResponseWithVariables;
use crate::{check::identifiers::is_identifier, json};

/// Maximum number of identifiers that are taken from one response.
const IDENTIFIERS: usize = 20;
/// Maximum distance in seconds at which an instant is taken for the time of its response.
const PRESENT: i64 = 300;
/// Tolerance in seconds where instants move with the time of the response.
const JITTER: i64 = 2;
/// Minimum time in seconds between two responses from which on an instant that moved by it counts as computed from the
/// time of the response.
const APART: i64 = 10;
/// Names of properties that hold text for people.
const MESSAGES: [&str; 11] = [
    "message",
    "msg",
    "detail",
    "title",
    "description",
    "reason",
    "hint",
    "text",
    "error_description",
    "errormessage",
    "error_message",
];
/// Parts of the names of properties that hold a measured time.
const MEASURED: [&str; 9] = [
    "ms", "millis", "seconds", "elapsed", "duration", "took", "latency", "runtime", "uptime",
];

/// Whether two instants depend on when their responses were sent: both are the present time, or they have moved as far as
/// the time has. The same instant does not, however it is spelled.
pub(super) fn is_of_its_time(
    a: &ResponseWithVariables<'_>,
    one: DateTime<Utc>,
    b: &ResponseWithVariables<'_>,
    other: DateTime<Utc>,
) -> bool {
    let away = |at: DateTime<Utc>, of: &ResponseWithVariables<'_>| {
        at.signed_duration_since(of.response.received.with_timezone(&Utc))
            .num_seconds()
    };
    let (first, second) = (away(one, a), away(other, b));
    if one == other {
        return false;
    }
    if first.abs() <= PRESENT && second.abs() <= PRESENT {
        return true;
    }
    let apart = (a.response.received - b.response.received).num_seconds().abs();
    // A date at a round distance from the time of its response is computed from it.
    let is_round = |away: i64| away.rem_euclid(PRESENT) <= JITTER || away.rem_euclid(PRESENT) >= PRESENT - JITTER;
    (first - second).abs() <= JITTER && (apart >= APART || (is_round(first) && is_round(second)))
}

/// Whether a number is a measured time, by its name or by the number of digits of its fraction.
pub(super) fn is_measured(name: &str, number: &Number) -> bool {
    let text = number.to_string();
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let name = name.to_ascii_lowercase();
    digits >= 4 && name.split(['_', '-', '.']).any(|word| MEASURED.contains(&word))
}

/// A number as an instant: seconds or milliseconds since 1970, of this century.
pub(super) fn epoch(number: &Number) -> Option<DateTime<Utc>> {
    let seconds = match number.as_f64()? {
        seconds if (1e9..1e10).contains(&seconds) => seconds,
        millis if (1e12..1e13).contains(&millis) => millis / 1000.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

/// The identifiers in the body of a response, by their locations; at most [`IDENTIFIERS`].
pub(super) fn identifiers(value: &Value) -> Vec<(String, String)> {
    fn walk(at: &str, value: &Value, depth: usize, out: &mut Vec<(String, String)>) {
        let Value::Object(entries) = value else { return };
        for (name, value) in entries {
            let location = json::step(at, name);
            match value {
                _ if out.len() >= IDENTIFIERS => return,
                Value::String(text) if is_identifier(name) => out.push((location, text.clone())),
                Value::Number(number) if is_identifier(name) => out.push((location, number.to_string())),
                Value::Object(_) if depth > 0 => walk(&location, value, depth - 1, out),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk("", value, 2, &mut out);
    out
}

pub(super) fn is_message(name: &str, a: &str, b: &str) -> bool {
    let is_prose = |text: &str| text.trim().contains(char::is_whitespace);
    MESSAGES.contains(&name.to_ascii_lowercase().as_str()) || (is_prose(a) && is_prose(b))
}

/// A name without case and separators.
pub(super) fn bare(name: &str) -> String {
    name.chars()
        .filter(|sign| !matches!(sign, '_' | '-' | '.' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

pub(super) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether hardly any other property would have this value by chance.
pub(super) fn is_distinctive(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.to_string().bytes().filter(u8::is_ascii_digit).count() > 3,
        Value::String(text) => text.chars().count() > 2,
        Value::Array(items) => items.iter().any(is_distinctive),
        Value::Object(entries) => entries.values().any(is_distinctive),
    }
}
