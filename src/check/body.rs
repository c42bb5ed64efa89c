//! The `body/...` checks.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Finding, Pattern, TextTest, pattern,
    sink::FindingSink,
    view::{BodyError, ResponseView, Text},
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
}

/// The id of the check.
fn id(test: &BodyTest) -> CheckId {
    match test {
        BodyTest::Empty(_) => CheckId::BodyEmpty,
        BodyTest::Schema(_) => CheckId::BodySchema,
        BodyTest::Json(_) => CheckId::BodyJson,
        BodyTest::Exact(_) => CheckId::BodyExact,
        BodyTest::Text(_) => CheckId::BodyText,
    }
}

impl BodyTest {
    /// Whether an empty body passes; `None` if that depends on more than this.
    pub(crate) fn accepts_empty(&self) -> Option<bool> {
        match self {
            Self::Empty(is_empty) => Some(*is_empty),
            Self::Schema(_) | Self::Json(_) | Self::Exact(_) => Some(false),
            Self::Text(_) => None,
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
