//! The `body/...` checks.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Finding, Pattern, TextTest, pattern,
    view::{BodyError, ResponseView, Text},
};
use crate::{
    model::Place,
    schema::{self, Schema},
};

/// One demand on the body and the line that asks for it.
#[derive(Clone, Debug)]
pub struct BodyExpectation {
    /// The demand.
    pub test: BodyTest,
    /// The line that asks.
    pub place: Place,
}

/// A demand on the body.
#[derive(Clone, Debug)]
pub enum BodyTest {
    /// `body/empty`: there is no body (`false`: there is one).
    Empty(bool),
    /// `body/schema`: it is JSON that a schema accepts.
    Schema(Arc<Schema>),
    /// `body/json`: it is JSON with at least this in it.
    Json(Arc<Pattern>),
    /// `body/exact`: it is exactly this JSON value.
    Exact(Value),
    /// `body/text`: its text passes all of these.
    Text(Vec<TextTest>),
}

/// The id of the check that a demand is.
fn id(test: &BodyTest) -> &'static str {
    match test {
        BodyTest::Empty(_) => "body/empty",
        BodyTest::Schema(_) => "body/schema",
        BodyTest::Json(_) => "body/json",
        BodyTest::Exact(_) => "body/exact",
        BodyTest::Text(_) => "body/text",
    }
}

/// Whether a demand reads the body as JSON.
pub(super) fn wants_json(test: &BodyTest) -> bool {
    matches!(test, BodyTest::Schema(_) | BodyTest::Json(_) | BodyTest::Exact(_))
}

pub(super) fn check(expected: &[BodyExpectation], view: &ResponseView<'_>, findings: &mut Vec<Finding>) {
    let first = expected.iter().find(|one| wants_json(&one.test));
    if let Some(one) = first
        && let Err(error) = view.json()
    {
        findings.push(unreadable(one, "the body is not valid JSON", error, view));
    }
    for one in expected {
        check_one(one, view, findings);
    }
}

/// The body cannot be read as a demand reads it.
fn unreadable(one: &BodyExpectation, message: &str, error: &BodyError, view: &ResponseView<'_>) -> Finding {
    let (message, expected) = match error {
        BodyError::Coding(_) => ("the body cannot be decoded", "content in its declared coding"),
        BodyError::Charset(_) => ("the body cannot be read as text", "a charset that is supported"),
        BodyError::Json(_) => (message, "one strict JSON document"),
    };
    Finding::new(id(&one.test), message)
        .expected(expected)
        .actual(format!("{error}: {}", view.shown()))
        .place(&one.place)
}

/// One demand. A body that is not JSON passes here, as it has been reported before.
pub(super) fn check_one(one: &BodyExpectation, view: &ResponseView<'_>, findings: &mut Vec<Finding>) {
    match &one.test {
        BodyTest::Empty(true) if !view.body.is_empty() => findings.push(
            Finding::new("body/empty", "unexpected body")
                .expected("no body")
                .actual(format!("{} bytes: {}", view.body.bytes().len(), view.shown()))
                .place(&one.place),
        ),
        BodyTest::Empty(false) if view.body.is_empty() => findings.push(
            Finding::new("body/empty", "missing body")
                .expected("a body")
                .actual("no body")
                .place(&one.place),
        ),
        BodyTest::Empty(_) => {}
        BodyTest::Text(tests) => match view.text() {
            Ok(text) => text_tests(one, tests, &text, view, findings),
            Err(error) => findings.push(unreadable(one, "the body is not text", &error, view)),
        },
        BodyTest::Schema(_) | BodyTest::Json(_) | BodyTest::Exact(_) => {
            let Ok(value) = view.json() else { return };
            match &one.test {
                BodyTest::Schema(schema) => schema::check(schema, &one.place, value, findings),
                BodyTest::Json(pattern) => pattern::match_part(pattern, value, view, findings),
                BodyTest::Exact(expected) => findings.extend(pattern::compare_exact(expected, value, &one.place)),
                BodyTest::Empty(_) | BodyTest::Text(_) => {}
            }
        }
    }
}

fn text_tests(
    one: &BodyExpectation,
    tests: &[TextTest],
    text: &Text<'_>,
    view: &ResponseView<'_>,
    findings: &mut Vec<Finding>,
) {
    for test in tests {
        let (holds, message) = match &text.content {
            Ok(text) => (
                test.holds(text, view.received, |a, b| a == b),
                "unexpected text".to_owned(),
            ),
            Err(invalid) => (
                test.holds_in_bytes(&invalid.bytes),
                format!("the text of the body differs, and {}", invalid.reason),
            ),
        };
        if !holds {
            findings.push(
                Finding::new("body/text", message)
                    .expected(test.to_string())
                    .actual(text.shown())
                    .place(&one.place),
            );
        }
    }
}
