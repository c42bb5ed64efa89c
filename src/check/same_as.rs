//! The `same-as` check: two responses must be indistinguishable for a client.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

use super::{Finding, MediaType, ResponseView, sink::FindingSink, status};
use crate::model::{CheckId, Layer, Location, Outcome, Response, field_shown};

/// The case whose response must be indistinguishable from this one's.
#[derive(Clone, Debug)]
pub struct SameAs {
    /// The other case's id.
    pub id: String,
    /// Pointers to values that differ each time.
    pub redact: Arc<[String]>,
    /// Its line.
    pub location: Location,
}

pub(super) fn check(expected: &SameAs, view: &ResponseView<'_>, other: &Outcome, sink: &mut impl FindingSink) {
    let Outcome::Response(other) = other else { return };
    let response = view.response();
    let mut add = |what: &dyn fmt::Display, theirs: String, ours: String| {
        if theirs != ours {
            sink.fail(Layer::Other, || {
                Finding::new(CheckId::SameAs, format!("{what} differs from that of {}", expected.id))
                    .expected(field_shown(&theirs))
                    .actual(field_shown(&ours))
                    .location(&expected.location)
            });
        }
    };
    add(&"the status", status::name(other.status), status::name(response.status));
    let phrase = |response: &Response| response.reason.clone().unwrap_or_else(|| status::name(response.status));
    add(&"the reason phrase", phrase(other), phrase(response));
    // The names of the fields; most values differ from response to response (dates, ids, ages).
    let names = |response: &Response| {
        let names: BTreeSet<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    add(&"the set of header fields", names(other), names(response));
    for field in [
        "content-type",
        "content-encoding",
        "connection",
        "transfer-encoding",
        "cache-control",
    ] {
        let value = |response: &Response| response.header(field).collect::<Vec<_>>().join(", ");
        add(&format_args!("the header {field}"), value(other), value(response));
    }
    let other_view = ResponseView::new(other, view.limit());
    let (theirs, ours) = (still(&other_view, &expected.redact), still(view, &expected.redact));
    if theirs != ours {
        let (theirs, ours) = shown(&theirs, &ours);
        add(&"the body", theirs, ours);
    }
}

/// Two bodies that differ, with their difference made visible.
fn shown(one: &[u8], other: &[u8]) -> (String, String) {
    if let (Ok(one), Ok(other)) = (std::str::from_utf8(one), std::str::from_utf8(other)) {
        return (one.to_owned(), other.to_owned());
    }
    let at = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let show = |bytes: &[u8]| match bytes.get(at) {
        Some(byte) => format!("{} bytes; byte {} is 0x{byte:02x}", bytes.len(), at + 1),
        None => format!("{} bytes", bytes.len()),
    };
    (show(one), show(other))
}

/// The bytes of a body with volatile values normalized: responses can also differ in their serialization.
fn still<'v>(view: &'v ResponseView<'_>, redact: &[String]) -> Cow<'v, [u8]> {
    let bytes = view.bytes().unwrap_or_else(|_| view.body.bytes());
    let is_json = !redact.is_empty() && view.media_type().is_some_and(MediaType::is_json);
    let (Some(Ok(value)), Ok(text)) = (is_json.then(|| view.json()), std::str::from_utf8(bytes)) else {
        return Cow::Borrowed(bytes);
    };
    let (mut value, mut text) = (value.clone(), text.to_owned());
    let mut is_spelled_out = true;
    for pointer in redact {
        if let Some(serde_json::Value::String(volatile)) = value.pointer_mut(pointer) {
            is_spelled_out &= text.contains(volatile.as_str());
            text = text.replace(volatile.as_str(), &shape(volatile));
            *volatile = shape(volatile);
        }
    }
    // If escapes hide a volatile value in the text, only the values can be compared.
    let still = if is_spelled_out { text } else { value.to_string() };
    Cow::Owned(still.into_bytes())
}

/// The form of a volatile value: digits as zeros, and a fraction of a second as one digit, because some servers omit its
/// last zeros.
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
