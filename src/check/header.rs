//! The `header/<name>` and `trailer/<name>` checks.

use std::fmt;

use super::{Finding, TextTest, list_fields, media_type, sink::FindingSink};
use crate::model::{CheckId, Layer, Location, Response, field_bytes, field_shown};

/// Fields that control framing, routing, authentication, caching or the processing of content: they have no meaning
/// after the content (RFC 9110 §6.5.1).
const NOT_TRAILERS: [&str; 18] = [
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expires",
    "host",
    "location",
    "proxy-authenticate",
    "retry-after",
    "set-cookie",
    "trailer",
    "transfer-encoding",
    "vary",
    "www-authenticate",
    "date",
];

/// Whether a field must not be sent as a trailer.
pub(crate) fn is_forbidden_trailer(name: &str) -> bool {
    NOT_TRAILERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// An expectation of a header or trailer field.
#[derive(Clone, Debug)]
pub struct HeaderExpectation {
    /// Field name in lower case, after [`Response::TRAILER`] for a trailer field.
    pub name: String,
    /// The tests.
    pub test: HeaderTest,
    /// Its line.
    pub location: Location,
}

/// Presence, absence, or tests of the value.
#[derive(Clone, Debug)]
pub enum HeaderTest {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// It is there and passes all of these.
    Value(Vec<TextTest>),
}

pub(super) fn check(expected: &HeaderExpectation, response: &Response, sink: &mut impl FindingSink) {
    let values: Vec<&str> = response.header(&expected.name).collect();
    let (name, kind) = match expected.name.strip_prefix(Response::TRAILER) {
        Some(name) => (name, "trailer"),
        None => (expected.name.as_str(), "header"),
    };
    let id = || match kind {
        "trailer" => CheckId::trailer(name),
        _ => CheckId::header(name),
    };
    let found = values.join(", ");
    let mut add = |message: &str, test: &dyn fmt::Display, actual: &str| {
        sink.fail(Layer::Headers, || {
            Finding::new(id(), message)
                .expected(test.to_string())
                .actual(field_shown(actual))
                .location(&expected.location)
        });
    };
    let tests = match &expected.test {
        HeaderTest::Present if values.is_empty() => return add(&format!("missing {kind}"), &"(present)", "(absent)"),
        HeaderTest::Absent if !values.is_empty() => return add(&format!("unexpected {kind}"), &"(absent)", &found),
        HeaderTest::Present | HeaderTest::Absent => return,
        HeaderTest::Value(tests) => tests,
    };
    if values.is_empty() {
        for test in tests {
            add(&format!("missing {kind}"), test, "(absent)");
        }
        return;
    }
    // Set-Cookie is the one field whose values cannot be combined (RFC 9110 §5.3).
    let is_cookie = name == "set-cookie";
    let fails = |test: &&TextTest| {
        if is_cookie {
            !values.iter().any(|value| passes(test, name, value, response))
        } else {
            !passes(test, name, &found, response)
        }
    };
    let failed: Vec<_> = tests.iter().filter(fails).collect();
    for test in &failed {
        add("unexpected value", test, &found);
    }
    // Tests of one field are about one value, except in a list, which is one value however many lines it has. Equal
    // means the whole value already.
    let is_whole = |test: &TextTest| matches!(test, TextTest::Equals(_) | TextTest::OneOf(_));
    let is_one_value = !is_cookie && (list_fields::is_list(name) || tests.iter().any(is_whole));
    if failed.is_empty() && values.len() > 1 && tests.len() > 1 && !is_one_value {
        let passes_all = |value: &&str| tests.iter().all(|test| passes(test, name, value, response));
        if !values.iter().any(passes_all) {
            let all: Vec<_> = tests.iter().map(ToString::to_string).collect();
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            add(
                "no single value passes all tests",
                &all.join(", and "),
                &values.join(" and "),
            );
        }
    }
}

fn passes(test: &TextTest, name: &str, value: &str, response: &Response) -> bool {
    if let Some(bytes) = field_bytes(value) {
        return test.passes_for_bytes(&bytes);
    }
    test.passes(value, response.received, |expected, actual| {
        if name == "content-type" {
            media_type::is_expected(expected, actual)
        } else if let Some(set) = list_fields::set(name, std::iter::once(actual)) {
            list_fields::set(name, std::iter::once(expected)) == Some(set)
        } else {
            expected.trim_matches([' ', '\t']) == actual
        }
    })
}
