//! Findings of checks.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckId, Location};
use crate::text::{alone, distinct, excerpts};

/// Maximum number of characters of each value in a headline.
const HEADLINE_VALUE: usize = 60;
/// Maximum number of characters of the message and of the pointer in a headline.
const HEADLINE_TEXT: usize = 200;

/// Maximum size of a value in a finding, in bytes. Far more than is shown: secrets are masked before a value
/// is shortened.
pub(crate) const QUOTED: usize = 64 << 10;

/// The effect of a finding on the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check is off.
    Off,
    /// Reported; the case can still pass.
    Warn,
    /// The case fails.
    Deny,
}

impl Level {
    /// All levels by name.
    pub const NAMES: [(&'static str, Level); 3] = [("deny", Level::Deny), ("warn", Level::Warn), ("off", Level::Off)];
}

/// A failed check: the expected and the actual value, the location, and the line of the expectation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the check, such as `status`, `header/content-type`, `body/schema`, `http/date`.
    #[schemars(with = "String")]
    pub check: CheckId,
    /// Whether it fails the case.
    pub level: Level,
    /// The problem, in one sentence without the observed value: findings with equal messages are the same problem.
    pub message: String,
    /// The expected value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The actual value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Location in the response: a JSON pointer into the body (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of the expectation in the case or suite file; a built-in rule points to the case's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// A unified diff, expected to actual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl Finding {
    /// A finding that fails the case.
    pub(crate) fn new(check: CheckId, message: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Deny,
            message: message.into(),
            expected: None,
            actual: None,
            pointer: None,
            location: None,
            diff: None,
        }
    }

    pub(crate) fn expected(mut self, text: impl AsRef<str>) -> Self {
        self.expected = Some(quote(text.as_ref()));
        self
    }

    pub(crate) fn actual(mut self, text: impl AsRef<str>) -> Self {
        self.actual = Some(quote(text.as_ref()));
        self
    }

    pub(crate) fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    pub(crate) fn location(mut self, location: &Location) -> Self {
        self.location = Some(location.clone());
        self
    }
}

/// Texts of a finding, shared by all reports.
impl Finding {
    /// The finding in one short line with its values: `body/json at /n: expected 1, got 2`.
    ///
    /// Secrets must be masked before: after cutting, the remaining part of a secret is not recognized.
    pub fn headline(&self) -> String {
        self.line(Some(HEADLINE_TEXT), Some(HEADLINE_VALUE))
    }

    /// The headline with nothing cut off, for text in which secrets are masked later.
    pub(crate) fn whole_headline(&self) -> String {
        self.line(None, None)
    }

    /// The headline without the check and the pointer: `expected 1, got 2`.
    pub(crate) fn statement(&self) -> String {
        self.problem(Some(HEADLINE_TEXT), Some(HEADLINE_VALUE))
    }

    /// Expected and actual value, with every difference between them visible.
    pub(crate) fn values(&self) -> [Option<Cow<'_, str>>; 2] {
        match (&self.expected, &self.actual) {
            (Some(expected), Some(actual)) => {
                let (expected, actual) = distinct(expected, actual);
                [Some(expected), Some(actual)]
            }
            (expected, actual) => [expected.as_deref().map(alone), actual.as_deref().map(alone)],
        }
    }

    /// The values, unless the headline contains them completely and visibly.
    pub(crate) fn values_to_show(&self) -> [Option<Cow<'_, str>>; 2] {
        let is_clear = |value: &Option<String>| {
            value.as_deref().is_some_and(|text| {
                text.len() <= 2 * HEADLINE_VALUE / 3
                    && !text.contains("  ")
                    && text == text.trim()
                    && !text.contains('\\')
                    && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
            })
        };
        if self.diff.is_none() && is_clear(&self.expected) && is_clear(&self.actual) {
            return [None, None];
        }
        self.values()
    }

    fn line(&self, text: Option<usize>, value: Option<usize>) -> String {
        let problem = self.problem(text, value);
        match &self.pointer {
            Some(pointer) if !pointer.is_empty() => format!("{} at {}: {problem}", self.check, clip(pointer, text)),
            _ => format!("{}: {problem}", self.check),
        }
    }

    fn problem(&self, text: Option<usize>, value: Option<usize>) -> String {
        let message = clip(&self.message, text);
        // The message contains the schema's expectation; `expected` is the location of the rule.
        if self.check == CheckId::BodySchema
            && let Some(actual) = &self.actual
        {
            let message = message.strip_prefix("the body breaks its schema: ").unwrap_or(&message);
            return format!("{message}, got {}", clip(&alone(actual), value));
        }
        let Some(values) = self.values_in_words(value) else {
            return message.into_owned();
        };
        if self.check.info().compares {
            values
        } else {
            format!("{message}: {values}")
        }
    }

    /// `expected 1, got 2`.
    fn values_in_words(&self, most: Option<usize>) -> Option<String> {
        let (expected, actual) = match (&self.expected, &self.actual) {
            (None, None) => {
                let (removed, added) = first_change(self.diff.as_deref()?);
                (removed.or(Some("no such line")), added.or(Some("no such line")))
            }
            (expected, actual) => (expected.as_deref(), actual.as_deref()),
        };
        let (Some(expected), Some(actual)) = (expected, actual) else {
            let value =
                |word: &str, value: Option<&str>| value.map(|text| format!("{word} {}", clip(&alone(text), most)));
            return value("expected", expected).or_else(|| value("got", actual));
        };
        let (expected, actual) = match most {
            Some(most) => excerpts(expected, actual, most),
            None => (Cow::Borrowed(expected), Cow::Borrowed(actual)),
        };
        let (expected, actual) = (clip(&expected, most).into_owned(), clip(&actual, most).into_owned());
        let (expected, actual) = distinct(&expected, &actual);
        let named = |text: &str| {
            if text.is_empty() {
                "(empty)".to_owned()
            } else {
                text.to_owned()
            }
        };
        Some(format!("expected {}, got {}", named(&expected), named(&actual)))
    }
}

/// The first line that a unified diff removes and its replacement, without surrounding whitespace.
pub(super) fn first_change(diff: &str) -> (Option<&str>, Option<&str>) {
    let mut lines = diff.split('\n').skip_while(|line| !line.starts_with("@@"));
    let mut next = lines
        .by_ref()
        .skip_while(|line| !line.starts_with(['-', '+']))
        .peekable();
    let mut removed = None;
    while let Some(line) = next.next_if(|line| line.starts_with('-')) {
        removed = removed.or(line.get(1..));
    }
    let added = next
        .next_if(|line| line.starts_with('+'))
        .and_then(|line| line.get(1..));
    match (removed, added) {
        (Some(old), Some(new)) if old.trim() != new.trim() => {
            let (old, new) = (old.trim(), new.trim());
            // In formatted JSON, a trailing comma is part of the layout.
            match (old.strip_suffix(','), new.strip_suffix(',')) {
                (Some(old), Some(new)) => (Some(old), Some(new)),
                _ => (Some(old), Some(new)),
            }
        }
        (removed, added) => (removed, added),
    }
}

/// The first characters of a text.
fn clip(text: &str, most: Option<usize>) -> Cow<'_, str> {
    match most.and_then(|most| text.char_indices().nth(most)) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => Cow::Borrowed(text),
    }
}

/// A value cut to slightly more than [`QUOTED`], which shows that it was cut.
fn quote(text: &str) -> String {
    let mut end = text.len().min(QUOTED);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: &'static str, message: &str, expected: &str, actual: &str) -> Finding {
        Finding::new(check.into(), message).expected(expected).actual(actual)
    }

    #[test]
    fn headline_contains_check_location_and_values() {
        assert_eq!(
            finding("status", "unexpected status", "200", "404").headline(),
            "status: expected 200, got 404"
        );
        assert_eq!(
            finding("body/json", "unexpected value", "1", "\"1\"")
                .pointer("/a/0")
                .headline(),
            "body/json at /a/0: expected 1, got \"1\""
        );
        assert_eq!(
            finding("http/date", "the response has no `Date`", "a date", "(absent)").headline(),
            "http/date: the response has no `Date`: expected a date, got (absent)"
        );
        assert_eq!(
            finding(
                "body/schema",
                "the body breaks its schema: \"A\" was expected",
                "a.json#/const",
                "\"B\""
            )
            .headline(),
            "body/schema: \"A\" was expected, got \"B\""
        );
        assert_eq!(Finding::new("x".into(), "no values").headline(), "x: no values");
        assert_eq!(
            Finding::new("x".into(), "one value").actual("y").headline(),
            "x: one value: got y"
        );
        assert_eq!(
            finding("body/text", "unexpected text", "", "x\n").headline(),
            "body/text: expected (empty), got x\n"
        );
    }

    #[test]
    fn headline_of_long_values_shows_the_first_difference() {
        let (one, other) = (format!("{}1", "a".repeat(5000)), format!("{}2", "a".repeat(5000)));
        assert_eq!(
            finding("body/text", "unexpected text", &one, &other).headline(),
            "body/text: expected …aaaaaaaaaaaa1, got …aaaaaaaaaaaa2"
        );
        let long = finding("header/x", "unexpected value", &"é".repeat(300), &"ü".repeat(300)).headline();
        assert!(long.chars().count() < 2 * HEADLINE_VALUE + 40, "{long}");
        assert_eq!(
            finding("status", "m", &one, "x").whole_headline(),
            format!("status: expected {one}, got x")
        );
    }

    #[test]
    fn headline_of_a_diff_shows_the_first_changed_line() {
        let mut finding = Finding::new(CheckId::Snapshot, "the response differs from its snapshot");
        finding.diff = Some(crate::check::diff(
            "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
            "{\n  \"a\": 1,\n  \"b\": 3\n}\n",
        ));
        assert_eq!(
            finding.headline(),
            "snapshot: the response differs from its snapshot: expected \"b\": 2, got \"b\": 3"
        );
        finding.diff = Some(crate::check::diff("a\n", "a\nb\n"));
        assert!(
            finding.headline().ends_with("expected no such line, got b"),
            "{}",
            finding.headline()
        );
        finding.diff = Some(crate::check::diff("a\n", "a \n"));
        assert!(
            finding.headline().ends_with("expected a, got a\\u{20}"),
            "{}",
            finding.headline()
        );
    }

    #[test]
    fn values_are_repeated_below_only_if_they_can_be_misread() {
        let shows =
            |expected: &str, actual: &str| finding("body/json", "m", expected, actual).values_to_show()[0].is_some();
        assert!(!shows("200", "404"));
        assert!(shows("caf\u{e9}", "cafe\u{301}"));
        assert!(shows("a", "a "));
        assert!(shows("a", &"a".repeat(100)));
    }
}
