//! Checks of a response: a pure function from an expectation and a response to findings, without I/O or a clock.
//!
//! How to add a check or a built-in rule is described in `CONTRIBUTING.md`.

mod body;
mod bound;
mod capture;
mod cookie;
mod events;
pub(crate) mod fields;
mod header;
pub(crate) mod identifiers;
mod lines;
pub(crate) mod list_fields;
mod media_type;
mod near_miss;
mod openapi;
mod pattern;
mod response;
mod rules;
mod same_as;
mod sink;
mod snapshot;
mod status;
mod text;
mod view;
mod xml;
mod xml_path;

use std::sync::Arc;

pub use body::{BodyExpectation, BodyTest};
pub use bound::{Relation, RelationBound};
pub use capture::{Capture, CaptureSource};
pub use cookie::{CookieExpectation, CookieFlag, CookieTest, SameSite};
pub use events::{EventLimit, EventsExpectation, ReadLimit};
pub use header::{HeaderExpectation, HeaderTest};
pub(crate) use identifiers::CaptureOrigin;
pub use lines::{LineFormat, LinesExpectation};
pub use near_miss::NearMiss;
pub use openapi::ApiContract;
pub use pattern::{Matcher, Pattern, PatternKind};
pub use response::{Protocol, ResponseTest};
pub use rules::{RULES, RuleInfo, RuleLevels, RulePart};
pub use same_as::SameAs;
pub use snapshot::{HideText, SnapshotExpectation, SnapshotMask, VariableSubstitution};
pub(crate) use snapshot::{TextPiece, plain_lines};
pub use status::{StatusItem, StatusSet};
pub use text::TextTest;
pub use xml::XmlExpectation;
pub use xml_path::XmlPath;

pub(crate) use {
    body::sha256,
    events::{EventReader, is_event_stream},
    header::is_forbidden_trailer,
    media_type::{MediaType, is_token, is_token_bytes},
    openapi::{
        FormField, MultipartPart, below, content_for, cookie_pairs, form_fields, form_names, form_parts, form_value,
        is_form, is_form_content, is_usual, stream_items,
    },
    pattern::length,
    rules::{imf_fixdate, rule_of},
    status::name as status_name,
    text::{instant, is_within, show_duration},
    view::{MAX_DECODED, ResponseView},
};

use crate::model::{CheckId, Finding, Level, Location, Outcome, Request, Response};
use serde_json::Value;
pub(crate) use sink::FailingLayers;
use sink::FindingSink;

/// The expectations of the response to one case, with all templates resolved.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The location of the case, which findings of built-in rules refer to.
    pub location: Location,
    /// The status code.
    pub status: Option<(StatusSet, Location)>,
    /// Header and trailer fields; the rows of a table share them if they do not depend on the row.
    pub headers: Arc<[HeaderExpectation]>,
    /// Cookies; shared in the same way.
    pub cookies: Arc<[CookieExpectation]>,
    /// The body; shared in the same way.
    pub body: Arc<[BodyExpectation]>,
    /// The first events of an event stream.
    pub events: Option<Arc<EventsExpectation>>,
    /// The response as a whole.
    pub tests: Vec<(ResponseTest, Location)>,
    /// The snapshot.
    pub snapshot: Option<SnapshotExpectation>,
    /// The step whose response must not be distinguishable from this one.
    pub same_as: Option<SameAs>,
    /// The values to capture.
    pub captures: Vec<Capture>,
    /// Levels of the built-in rules.
    pub rules: RuleLevels,
    /// The document of the API, if there is one.
    pub openapi: Option<ApiContract>,
    /// Why the request is invalid, if it is a near miss that the server must reject.
    pub near_miss: Option<Arc<NearMiss>>,
    /// Maximum size of the body in bytes, its content codings removed.
    pub max_body: usize,
}

impl Expectation {
    /// Whether the server is expected to reject the client certificate.
    pub fn expects_refusal(&self) -> bool {
        let mut tests = self.tests.iter();
        tests.any(|(test, _)| matches!(test, ResponseTest::Refused))
    }
}

/// The result of checking a response.
#[derive(Clone, Debug, Default)]
pub struct CheckResult {
    /// All findings, in the order of the checks.
    pub findings: Vec<Finding>,
    /// The new normal form, if the response differs from its snapshot.
    pub snapshot: Option<String>,
}

impl CheckResult {
    /// Whether any finding fails the case.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Deny)
    }
}

/// Checks a response. All checks are made and all findings are kept; a failure without a response has none.
/// `other` is the response to the case that [`Expectation::same_as`] names.
pub fn check(expectation: &Expectation, request: &Request, outcome: &Outcome, other: Option<&Outcome>) -> CheckResult {
    let mut findings = Vec::new();
    let snapshot = match outcome {
        Outcome::Response(response) => {
            let view = ResponseView::new(response, expectation.max_body);
            judge(expectation, request, &view, other, &mut findings)
        }
        Outcome::Malformed(malformed) => {
            findings.push(
                Finding::new(
                    CheckId::Message,
                    "the response is not a valid HTTP message (RFC 9112 §2)",
                )
                .expected("a well-formed HTTP message")
                .actual(format!("{}: {:?}", malformed.reason, malformed.bytes.text()))
                .location(&expectation.location),
            );
            None
        }
        Outcome::Failure(_) => None,
    };
    CheckResult { findings, snapshot }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The captured values of a response, by index; `None` if there is not exactly one value.
pub(crate) fn captured(expectation: &Expectation, response: &Response) -> Vec<Option<Value>> {
    if expectation.captures.is_empty() {
        return Vec::new();
    }
    // The response to a near miss that is rejected has nothing to capture. What was created in spite of it is cleaned up.
    if expectation.near_miss.is_some() && !is_success(response.status) {
        return vec![None; expectation.captures.len()];
    }
    let view = ResponseView::new(response, expectation.max_body);
    let all = expectation.captures.iter();
    all.map(|capture| capture.take(&view).ok()).collect()
}

/// The layers that fail a case with this response.
pub(crate) fn failing_layers(
    expectation: &Expectation,
    request: &Request,
    response: &Response,
    other: Option<&Outcome>,
) -> FailingLayers {
    let mut failing_layers = FailingLayers::default();
    let view = ResponseView::new(response, expectation.max_body);
    judge(expectation, request, &view, other, &mut failing_layers);
    failing_layers
}

/// Checks a response. Returns the new normal form if the response differs from its snapshot.
pub(crate) fn judge(
    expectation: &Expectation,
    request: &Request,
    view: &ResponseView<'_>,
    other: Option<&Outcome>,
    sink: &mut impl FindingSink,
) -> Option<String> {
    if let Some((status, location)) = &expectation.status {
        match &expectation.near_miss {
            Some(miss) if is_success(view.status) => miss.report(status, location, view.status, sink),
            _ => status::check(status, location, view.status, sink),
        }
    }
    for expected in expectation.headers.iter() {
        header::check(expected, view, sink);
    }
    for expected in expectation.cookies.iter() {
        cookie::check(expected, view, sink);
    }
    body::check(&expectation.body, view, sink);
    if let Some(expected) = &expectation.events {
        events::check(expected, view, sink);
    }
    for (test, location) in &expectation.tests {
        response::check(test, location, view, sink);
    }
    if let (Some(expected), Some(other)) = (&expectation.same_as, other) {
        same_as::check(expected, view, other, sink);
    }
    for capture in expectation.captures.iter().filter(|_| expectation.near_miss.is_none()) {
        if let Err(finding) = capture.take(view) {
            sink.fail(finding.check.info().layer, || *finding);
        }
    }
    rules::check(&expectation.rules, &expectation.location, request, view, sink);
    if let Some(contract) = &expectation.openapi {
        let status = expectation.status.as_ref().map(|(status, _)| status);
        let case = (status, &expectation.location);
        openapi::check(contract, &expectation.rules, case, request, view, sink);
    }
    let expected = expectation.snapshot.as_ref()?;
    let late = own_captures(expectation, view);
    if late.is_empty() {
        return snapshot::check(expected, request, view, sink);
    }
    let captured = expectation.captures.iter().filter(|capture| !capture.secret);
    let captured = captured.filter_map(|capture| Some((capture.source.pointer(view)?, capture.name.to_string())));
    let expected = SnapshotExpectation {
        values: Arc::new(expected.values.with_late(late, origins(&expectation.captures))),
        captured: captured.collect(),
        ..expected.clone()
    };
    snapshot::check(&expected, request, view, sink)
}

/// The origins of captured values, by the names of the captures.
fn origins(captures: &[Capture]) -> impl Iterator<Item = (String, CaptureOrigin)> {
    (captures.iter()).map(|capture| (capture.name.to_string(), capture.source.of_request(None)))
}

/// The captured values of a response, as text, without secret ones, which are masked in the snapshot.
fn own_captures(expectation: &Expectation, view: &ResponseView<'_>) -> Vec<(String, String)> {
    let plain = expectation.captures.iter().filter(|capture| !capture.secret);
    let texts = plain.filter_map(|capture| {
        let text = match capture.take(view).ok()? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((capture.name.to_string(), text))
    });
    texts.collect()
}

/// Maximum number of lines that are compared after the first difference, which bounds the time for responses with hundreds
/// of thousands of lines.
const COMPARED: usize = 2000;

/// A unified diff with three lines of context, expected to actual.
pub(crate) fn diff(expected: &str, actual: &str) -> String {
    let same = expected
        .lines()
        .zip(actual.lines())
        .take_while(|(one, other)| one == other);
    let most = same.count() + COMPARED;
    let (expected, actual) = (first_lines(expected, most), first_lines(actual, most));
    similar::TextDiff::from_lines(expected, actual)
        .unified_diff()
        .context_radius(3)
        .header("expected", "actual")
        .to_string()
}

/// The first lines of a text.
fn first_lines(text: &str, most: usize) -> &str {
    let mut ends = text.match_indices('\n');
    ends.nth(most.saturating_sub(1)).map_or(text, |(end, _)| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diff_of_long_texts_is_shortened() {
        assert_eq!(
            diff("a\nb\n", "a\nc\n"),
            "--- expected\n+++ actual\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
        let lines = |from: usize| (from..from + 300_000).fold(String::new(), |text, line| text + &format!("{line}\n"));
        // If it were quadratic in the lines, this would take more than an hour.
        let long = diff(&format!("same\n{}", lines(0)), &format!("same\n{}", lines(1_000_000)));
        assert_eq!(long.lines().count(), 2 * COMPARED + 4);
        assert!(long.contains("\n same\n-0\n") && long.ends_with("+1001999\n"));
    }
}
