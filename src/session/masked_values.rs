//! Checks of recorded responses in which secrets are masked. A check that passes or fails because of a mask has no verdict:
//! the value behind it is not known.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    check::{self, BodyTest, CheckResult, Expectation, ResponseView},
    model::{CheckId, Finding, HIDDEN, Level, Outcome, Request, Response, marks_of},
    project::Target,
    suite::Case,
};

/// Values in place of masks: where a check passes for the mask and fails for one of them, it depends on the value.
const VALUES: [&str; 2] = ["0", "Zq9_aB7kLm2XyT4vW8cD1eF6gH3jK5nP0rS_uVwYz9bQ2hJ4tM7xC1dR6fG8sL3"];

/// The masks of a case.
pub(super) struct MaskedValues {
    marks: BTreeSet<String>,
}

/// The verdict of the checks that do not depend on masked values.
pub(super) struct KnownResult {
    pub(super) result: CheckResult,
    /// A check that depends on a masked value.
    pub(super) unknown: Option<CheckId>,
}

impl MaskedValues {
    pub(super) fn of(case: &Case, target: &Target) -> Self {
        let inputs = case.suite.def.inputs.iter().filter(|(_, input)| input.value.secret);
        // A login case masks everything that it captures.
        let captures = case.def.steps.iter().flat_map(|step| &step.capture);
        let captures = captures.map(|capture| &*capture.name);
        let of_target = target.secrets.keys().map(String::as_str);
        let secrets = inputs.map(|(name, _)| name.as_str()).chain(captures).chain(of_target);
        Self {
            marks: secrets.flat_map(marks_of).chain([HIDDEN.to_owned()]).collect(),
        }
    }

    /// Judges a recorded response.
    pub(super) fn judge(
        &self,
        expectation: &Expectation,
        request: &Request,
        outcome: &Outcome,
        other: Option<&Outcome>,
    ) -> KnownResult {
        let mut result = check::check(expectation, request, outcome, other);
        let has_mark =
            |outcome: &Outcome| matches!(outcome, Outcome::Response(response) if self.is_in_response(response));
        let is_masked = has_mark(outcome) || other.is_some_and(has_mark);
        let Outcome::Response(response) = outcome else {
            return KnownResult { result, unknown: None };
        };
        let mut unknown = None;
        let found = result.findings.clone();
        result.findings.retain(|finding| {
            let is_known = !self.is_hidden(finding, expectation, response);
            if !is_known && finding.level == Level::Deny {
                unknown.get_or_insert_with(|| finding.check.clone());
            }
            is_known
        });
        for value in VALUES.into_iter().filter(|_| is_masked) {
            let (outcome, other) = (self.with(outcome, value), other.map(|other| self.with(other, value)));
            let depends = check::check(expectation, request, &outcome, other.as_ref());
            let is_same = |one: &Finding, other: &Finding| {
                one.check == other.check && one.pointer == other.pointer && one.location == other.location
            };
            let depends = depends.findings.into_iter().find(|finding| {
                let is_new = !found.iter().any(|known| is_same(known, finding));
                is_new && finding.level == Level::Deny && !self.expects_mark(finding)
            });
            if let Some(finding) = depends {
                unknown.get_or_insert(finding.check);
            }
        }
        KnownResult { result, unknown }
    }

    fn is_in(&self, text: &str) -> bool {
        self.marks.iter().any(|mark| text.contains(mark.as_str()))
    }

    fn is_in_response(&self, response: &Response) -> bool {
        let mut fields = response.headers.iter().chain(&response.trailers);
        fields.any(|(_, value)| self.is_in(value)) || self.is_in(&response.body.text())
    }

    /// The response with another value in place of every mask.
    fn with(&self, outcome: &Outcome, value: &str) -> Outcome {
        let mut outcome = outcome.clone();
        let replaced = |text: &str| (self.marks.iter()).fold(text.to_owned(), |text, mark| text.replace(mark, value));
        if let Outcome::Response(response) = &mut outcome {
            for (_, field) in response.headers.iter_mut().chain(&mut response.trailers) {
                *field = replaced(field);
            }
            if let Ok(text) = std::str::from_utf8(response.body.bytes()) {
                let text = replaced(text);
                response.body.replace(text);
            }
        }
        outcome
    }

    /// Whether a check expects the masked value itself, as `{{ token }}` does: then the mask is compared with the mask.
    fn expects_mark(&self, finding: &Finding) -> bool {
        let in_pattern = |text: &str| self.is_in(text) || self.is_in(&text.replace('\\', ""));
        let removed = |diff: &str| diff.lines().any(|line| line.starts_with('-') && self.is_in(line));
        finding.expected.as_deref().is_some_and(in_pattern) || finding.diff.as_deref().is_some_and(removed)
    }

    /// Whether a finding can be due to a mask.
    fn is_hidden(&self, finding: &Finding, expectation: &Expectation, response: &Response) -> bool {
        // What a filter makes of a masked value is not known.
        if finding.expected.as_deref().is_some_and(|text| text.contains(HIDDEN)) {
            return true;
        }
        match &finding.check {
            // The values of cookies are hidden; if an attribute differs as well, the cookie fails in any case.
            CheckId::Cookie(_) => {
                let is_value = |expected: &str| expected.starts_with("the value ") && !expected.contains(", ");
                finding.expected.as_deref().is_some_and(is_value) && finding.message != "missing cookie"
            }
            CheckId::BodySha256 | CheckId::BodyBytes | CheckId::BodyFile => self.is_in(&response.body.text()),
            CheckId::BodyExact => !differs_without(self, expectation, response),
            CheckId::Snapshot => finding.diff.as_deref().is_some_and(|diff| self.is_only_masked(diff)),
            _ => finding.actual.as_deref().is_some_and(|actual| self.is_in(actual)),
        }
    }

    /// Whether every line that differs contains a mask.
    fn is_only_masked(&self, diff: &str) -> bool {
        let lines = |sign: char| {
            let header = [sign; 3].iter().collect::<String>();
            diff.lines()
                .filter(move |line| line.starts_with(sign) && !line.starts_with(&header))
        };
        let is_masked = |line: &str| self.is_in(line);
        let (added, removed) = (lines('+').count(), lines('-').count());
        removed > 0 && added == removed && lines('+').all(is_masked) && !lines('-').any(is_masked)
    }
}

/// Whether a document differs from the exact one by more than masked values.
fn differs_without(masked: &MaskedValues, expectation: &Expectation, response: &Response) -> bool {
    let view = ResponseView::new(response, expectation.max_body);
    let Ok(actual) = view.json() else { return true };
    let exact = expectation.body.iter().filter_map(|one| match &one.test {
        BodyTest::Exact(expected) => Some(expected),
        _ => None,
    });
    let mut exact = exact.peekable();
    exact.peek().is_none() || exact.any(|expected| !masked.may_be(expected, actual))
}

impl MaskedValues {
    /// Whether a value can be the expected one, whatever is behind its masks.
    fn may_be(&self, expected: &Value, actual: &Value) -> bool {
        match (expected, actual) {
            (Value::String(expected), Value::String(actual)) => expected == actual || self.is_in(actual),
            (Value::Array(expected), Value::Array(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().zip(actual).all(|(one, other)| self.may_be(one, other))
            }
            (Value::Object(expected), Value::Object(actual)) => {
                expected.len() == actual.len()
                    && (expected.iter())
                        .all(|(key, value)| actual.get(key).is_some_and(|actual| self.may_be(value, actual)))
            }
            _ => crate::json::equal(expected, actual),
        }
    }
}
