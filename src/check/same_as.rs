//! The `same-as` check: two answers that nobody may be able to tell apart.

use std::{collections::BTreeSet, sync::Arc};

use super::{Finding, json, media_type, status};
use crate::{
    exchange::{Answer, Reply},
    source::Place,
};

/// The case whose answer must not be distinguishable from this one's.
#[derive(Clone, Debug)]
pub struct SameAs {
    /// The other case's id.
    pub id: String,
    /// Pointers to values that differ each time.
    pub redact: Arc<[String]>,
    /// The line that asks.
    pub place: Place,
}

pub(super) fn check(expected: &SameAs, answer: &Answer, other: &Reply, findings: &mut Vec<Finding>) {
    let Reply::Answer(other) = other else { return };
    let mut add = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            findings.push(
                Finding::new(
                    "same-as",
                    format!("{what} tells this answer from that of {}", expected.id),
                )
                .expected(theirs)
                .actual(ours)
                .place(&expected.place),
            );
        }
    };
    add("the status", status::name(other.status), status::name(answer.status));
    let phrase = |answer: &Answer| answer.reason.clone().unwrap_or_else(|| status::name(answer.status));
    add("the reason phrase", phrase(other), phrase(answer));
    // Which fields there are; most values differ from answer to answer (dates, ids, ages).
    let names = |answer: &Answer| {
        let names: BTreeSet<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    add("the set of header fields", names(other), names(answer));
    for field in ["content-type", "connection", "transfer-encoding", "cache-control"] {
        let value = |answer: &Answer| answer.header(field).collect::<Vec<_>>().join(", ");
        add(&format!("the header {field}"), value(other), value(answer));
    }
    add(
        "the body",
        still(other, &expected.redact),
        still(answer, &expected.redact),
    );
}

/// The text of a body to the byte, with what differs each time made the same: spelling can tell answers apart too.
fn still(answer: &Answer, redact: &[String]) -> String {
    let mut text = answer.body.text().into_owned();
    let is_json = answer
        .header("content-type")
        .next()
        .and_then(media_type::MediaType::parse)
        .is_some_and(|kind| kind.is_json());
    let Some(value) = is_json.then(|| json::read(answer.body.bytes()).ok()).flatten() else {
        return text;
    };
    let mut value = value;
    let mut is_spelled_out = true;
    for pointer in redact {
        if let Some(serde_json::Value::String(volatile)) = value.pointer_mut(pointer) {
            is_spelled_out &= text.contains(volatile.as_str());
            text = text.replace(volatile.as_str(), &shape(volatile));
            *volatile = shape(volatile);
        }
    }
    // Where escapes hide a volatile value from the text, only the values can be compared.
    if is_spelled_out { text } else { value.to_string() }
}

/// A volatile value as far as it may be told: digits as zeros, and a fraction of a second as one digit, since some
/// servers leave its last zeros out.
fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut in_fraction = false;
    for c in text.chars() {
        match c {
            '.' => {
                in_fraction = true;
                out.push_str(".0");
            }
            '0'..='9' if in_fraction => {}
            '0'..='9' => out.push('0'),
            c => {
                in_fraction = false;
                out.push(c);
            }
        }
    }
    out
}
