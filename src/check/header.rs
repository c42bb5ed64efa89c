//! The `header/<name>` checks.

use super::{Finding, TextTest, media_type};
use crate::{exchange::Answer, source::Place};

/// What a header field must be.
#[derive(Clone, Debug)]
pub struct HeaderExpectation {
    /// Field name in lower case.
    pub name: String,
    /// The tests.
    pub test: HeaderTest,
    /// The line that asks.
    pub place: Place,
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

pub(super) fn check(expected: &HeaderExpectation, answer: &Answer, findings: &mut Vec<Finding>) {
    let name = expected.name.as_str();
    let values: Vec<&str> = answer.header(name).collect();
    let found = values.join(", ");
    let mut add = |message: &str, expected_text: String| {
        let actual = if values.is_empty() { "(absent)" } else { &found };
        findings.push(
            Finding::new(format!("header/{name}"), message)
                .expected(expected_text)
                .actual(actual)
                .place(&expected.place),
        );
    };
    match &expected.test {
        HeaderTest::Present if values.is_empty() => add("missing header", "(present)".to_owned()),
        HeaderTest::Absent if !values.is_empty() => add("unexpected header", "(absent)".to_owned()),
        HeaderTest::Present | HeaderTest::Absent => {}
        HeaderTest::Value(tests) => {
            for test in tests {
                // Set-Cookie is the one field whose values cannot be combined (RFC 9110 §5.3).
                let holds = if values.is_empty() {
                    false
                } else if name == "set-cookie" {
                    values.iter().any(|value| holds(test, name, value, answer))
                } else {
                    holds(test, name, &found, answer)
                };
                if !holds {
                    let message = if values.is_empty() {
                        "missing header"
                    } else {
                        "unexpected value"
                    };
                    add(message, test.to_string());
                }
            }
        }
    }
}

fn holds(test: &TextTest, name: &str, value: &str, answer: &Answer) -> bool {
    test.holds(value, answer.received, |a, b| {
        if name == "content-type" {
            media_type::same(a, b)
        } else {
            a.trim_matches([' ', '\t']) == b
        }
    })
}
