//! The `body/...` checks.

use std::sync::Arc;

use serde_json::Value;

use super::{Finding, Pattern, Schema, TextTest, json, schema};
use crate::{exchange::Answer, source::Place};

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

pub(super) fn check(expected: &[BodyExpectation], answer: &Answer, findings: &mut Vec<Finding>) {
    let wants_json = expected
        .iter()
        .find(|one| matches!(one.test, BodyTest::Schema(_) | BodyTest::Json(_) | BodyTest::Exact(_)));
    let value = wants_json.and_then(|one| match json::read(answer.body.bytes()) {
        Ok(value) => Some(value),
        Err(error) => {
            let id = match one.test {
                BodyTest::Schema(_) => "body/schema",
                BodyTest::Exact(_) => "body/exact",
                _ => "body/json",
            };
            findings.push(
                Finding::new(id, "the body is not JSON that can be compared")
                    .expected("one strict JSON document")
                    .actual(format!("{error}: {}", answer.body.text()))
                    .place(&one.place),
            );
            None
        }
    });
    for one in expected {
        check_one(one, value.as_ref(), answer, findings);
    }
}

/// One demand; `value` is the body where it is JSON.
pub(super) fn check_one(one: &BodyExpectation, value: Option<&Value>, answer: &Answer, findings: &mut Vec<Finding>) {
    match (&one.test, value) {
        (BodyTest::Empty(true), _) if !answer.body.is_empty() => findings.push(
            Finding::new("body/empty", "there is a body where none is expected")
                .expected("no body")
                .actual(format!("{} bytes: {}", answer.body.bytes().len(), answer.body.text()))
                .place(&one.place),
        ),
        (BodyTest::Empty(false), _) if answer.body.is_empty() => findings.push(
            Finding::new("body/empty", "there is no body where one is expected")
                .expected("a body")
                .actual("no body")
                .place(&one.place),
        ),
        (BodyTest::Text(tests), _) => {
            let text = answer.body.text();
            for test in tests {
                if !test.holds(&text, answer.received, |a, b| a == b) {
                    findings.push(
                        Finding::new("body/text", "the text of the body is another one")
                            .expected(test.to_string())
                            .actual(&text)
                            .place(&one.place),
                    );
                }
            }
        }
        (BodyTest::Schema(schema), Some(value)) => schema::check(schema, &one.place, value, findings),
        (BodyTest::Json(pattern), Some(value)) => json::match_part(pattern, value, answer, findings),
        (BodyTest::Exact(expected), Some(value)) => {
            findings.extend(json::compare_exact(expected, value, &one.place));
        }
        (BodyTest::Empty(_) | BodyTest::Schema(_) | BodyTest::Json(_) | BodyTest::Exact(_), _) => {}
    }
}
