//! The `body/...` checks.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::{
    Finding, LinesExpectation, Pattern, Relation, TextTest, XmlExpectation,
    bound::show_bounds,
    lines, pattern,
    sink::FindingSink,
    view::{BodyError, ResponseView, Text},
    xml,
};
use crate::{
    json::equal,
    model::{CheckId, Level, Location},
    schema::{self, Schema},
};

/// An expectation of the body and its line.
#[derive(Clone, Debug)]
pub struct BodyExpectation {
    /// The expectation.
    pub test: BodyTest,
    /// Its line.
    pub location: Location,
}

/// A test of the body.
#[derive(Clone, Debug)]
pub enum BodyTest {
    /// `body/empty`: the body is empty (`false`: it is not empty).
    Empty(bool),
    /// `body/schema`: it is JSON that a schema accepts.
    Schema(Arc<Schema>),
    /// `body/json`: it is JSON that contains at least this.
    Json(Arc<Pattern>),
    /// `body/exact`: it is exactly this JSON value.
    Exact(Value),
    /// `body/text`: its text passes all of these.
    Text(Vec<TextTest>),
    /// `body/xml`: it is an XML document with these values.
    Xml(Arc<XmlExpectation>),
    /// `body/lines`: its lines pass this.
    Lines(Arc<LinesExpectation>),
    /// `body/sha256`: it has this SHA-256 digest, in lower-case hexadecimal digits.
    Sha256(String),
    /// `body/bytes`: its number of bytes passes all of these.
    Bytes(Vec<(Relation, u64)>),
    /// `body/file`: it is the same as a file.
    File {
        /// The path of the file.
        name: String,
        /// The bytes of the file.
        bytes: Bytes,
    },
}

/// The id of the check.
fn id(test: &BodyTest) -> CheckId {
    match test {
        BodyTest::Empty(_) => CheckId::BodyEmpty,
        BodyTest::Schema(_) => CheckId::BodySchema,
        BodyTest::Json(_) => CheckId::BodyJson,
        BodyTest::Exact(_) => CheckId::BodyExact,
        BodyTest::Text(_) => CheckId::BodyText,
        BodyTest::Xml(_) => CheckId::BodyXml,
        BodyTest::Lines(_) => CheckId::BodyLines,
        BodyTest::Sha256(_) => CheckId::BodySha256,
        BodyTest::Bytes(_) => CheckId::BodyBytes,
        BodyTest::File { .. } => CheckId::BodyFile,
    }
}

impl BodyTest {
    /// Whether an empty body passes; `None` if that depends on more than this.
    pub(crate) fn accepts_empty(&self) -> Option<bool> {
        match self {
            Self::Empty(is_empty) => Some(*is_empty),
            Self::Schema(_) | Self::Json(_) | Self::Exact(_) | Self::Xml(_) => Some(false),
            Self::Bytes(bounds) => Some(bounds.iter().all(|(relation, bound)| relation.accepts(0.cmp(bound)))),
            Self::File { bytes, .. } => Some(bytes.is_empty()),
            Self::Text(_) | Self::Lines(_) | Self::Sha256(_) => None,
        }
    }
}

/// Whether a test reads the body as JSON.
fn wants_json(test: &BodyTest) -> bool {
    matches!(test, BodyTest::Schema(_) | BodyTest::Json(_) | BodyTest::Exact(_))
}

pub(super) fn check(expected: &[BodyExpectation], view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    let first = expected.iter().find(|one| wants_json(&one.test));
    if let Some(one) = first
        && let Err(error) = view.json()
    {
        let layer = id(&one.test).info().layer;
        sink.fail(layer, || unreadable(one, "the body is not valid JSON", error, view));
    }
    for one in expected {
        check_one(one, view, sink);
    }
}

/// The finding for a body that cannot be decoded as a test requires.
fn unreadable(one: &BodyExpectation, message: &str, error: &BodyError, view: &ResponseView<'_>) -> Finding {
    let (message, expected) = match error {
        BodyError::Coding(_) => ("the body cannot be decoded", "content in its declared coding"),
        BodyError::Charset(_) => ("the body cannot be read as text", "a charset that is supported"),
        BodyError::Json(_) => (message, "one strict JSON document"),
    };
    Finding::new(id(&one.test), message)
        .expected(expected)
        .actual(format!("{error}: {}", view.shown()))
        .location(&one.location)
}

/// One test. A body that is not JSON passes here, because it has already been reported.
fn check_one(one: &BodyExpectation, view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    let layer = id(&one.test).info().layer;
    match &one.test {
        BodyTest::Empty(true) if !view.body.is_empty() => sink.fail(layer, || {
            Finding::new(CheckId::BodyEmpty, "unexpected body")
                .expected("no body")
                .actual(format!("{} bytes: {}", view.body.bytes().len(), view.shown()))
                .location(&one.location)
        }),
        BodyTest::Empty(false) if view.body.is_empty() => sink.fail(layer, || {
            Finding::new(CheckId::BodyEmpty, "missing body")
                .expected("a body")
                .actual("no body")
                .location(&one.location)
        }),
        BodyTest::Empty(_) => {}
        BodyTest::Text(tests) => match view.text() {
            Ok(text) => text_tests(one, tests, &text, view, sink),
            Err(error) => sink.fail(layer, || unreadable(one, "the body is not text", &error, view)),
        },
        BodyTest::Sha256(_) | BodyTest::Bytes(_) | BodyTest::File { .. } => match view.bytes() {
            Ok(bytes) => bytes_test(one, bytes, view, sink),
            Err(error) => sink.fail(layer, || {
                unreadable(one, "the body cannot be decoded", &BodyError::Coding(error), view)
            }),
        },
        BodyTest::Xml(expected) => xml::check(expected, &one.location, view, sink),
        BodyTest::Lines(expected) => lines::check(expected, &one.location, view, sink),
        BodyTest::Schema(schema) => {
            if let Ok(value) = view.json()
                && !schema::is_valid(schema, value)
            {
                sink.report(layer, Level::Deny, || schema::violations(schema, &one.location, value));
            }
        }
        BodyTest::Json(pattern) => {
            if let Ok(value) = view.json() {
                pattern::match_part(pattern, value, view, sink);
            }
        }
        BodyTest::Exact(expected) => {
            if let Ok(value) = view.json()
                && !equal(expected, value)
            {
                sink.fail(layer, || pattern::inexact(expected, value, &one.location));
            }
        }
    }
}

/// A test of the bytes, with content codings removed.
fn bytes_test(one: &BodyExpectation, bytes: &[u8], view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    let failure = match &one.test {
        BodyTest::Sha256(expected) => {
            let actual = sha256(bytes);
            (actual != *expected).then(|| ("unexpected digest", expected.clone(), actual))
        }
        BodyTest::Bytes(bounds) => {
            let length = bytes.len() as u64;
            let passes = bounds
                .iter()
                .all(|(relation, bound)| relation.accepts(length.cmp(bound)));
            (!passes).then(|| ("unexpected number of bytes", show_bounds(bounds), length.to_string()))
        }
        BodyTest::File { name, bytes: expected } => (bytes != expected).then(|| {
            let at = bytes.iter().zip(expected).take_while(|(a, b)| a == b).count();
            let actual = format!(
                "{} bytes that differ from byte {} on: {}",
                bytes.len(),
                at + 1,
                view.shown()
            );
            let expected = format!("{} bytes, as in {name} (SHA-256 {})", expected.len(), sha256(expected));
            ("the body differs from the file", expected, actual)
        }),
        _ => None,
    };
    if let Some((message, expected, actual)) = failure {
        let id = id(&one.test);
        sink.fail(id.info().layer, || {
            Finding::new(id.clone(), message)
                .expected(expected)
                .actual(actual)
                .location(&one.location)
        });
    }
}

/// The SHA-256 digest in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    (digest.as_ref().iter()).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn text_tests(
    one: &BodyExpectation,
    tests: &[TextTest],
    text: &Text<'_>,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) {
    for test in tests {
        let holds = match &text.content {
            Ok(text) => test.passes(text, view.received, |a, b| a == b),
            Err(invalid) => test.passes_for_bytes(&invalid.bytes),
        };
        if !holds {
            sink.fail(id(&one.test).info().layer, || {
                let message = match &text.content {
                    Ok(_) => "unexpected text".to_owned(),
                    Err(invalid) => format!("the text of the body differs, and {}", invalid.reason),
                };
                Finding::new(CheckId::BodyText, message)
                    .expected(test.to_string())
                    .actual(text.shown())
                    .location(&one.location)
            });
        }
    }
}
