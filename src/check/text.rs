//! Tests of a text, for headers and text bodies.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use regex::Regex;

/// One test of a text.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// The same text.
    Equals(String),
    /// The pattern is found in it (linear time; anchor it to match all).
    Matches(Arc<Regex>),
    /// It contains the text.
    Contains(String),
    /// It is one of these.
    OneOf(Vec<String>),
    /// It is a date (RFC 3339, or an HTTP date) at most this far from the time of the response.
    Within(Duration),
}

impl TextTest {
    /// Whether `text` passes; `same` decides what equal means.
    pub(crate) fn passes(&self, text: &str, now: DateTime<Utc>, same: impl Fn(&str, &str) -> bool) -> bool {
        match self {
            TextTest::Equals(expected) => same(expected, text),
            TextTest::Matches(pattern) => pattern.is_match(text),
            TextTest::Contains(part) => text.contains(part.as_str()),
            TextTest::OneOf(all) => all.iter().any(|one| same(one, text)),
            TextTest::Within(limit) => instant(text).is_some_and(|at| is_within(at, now, *limit)),
        }
    }

    /// Whether text with bytes that are not UTF-8 passes: it never equals a text of a case, but parts of it can
    /// match.
    pub(crate) fn passes_for_bytes(&self, text: &[u8]) -> bool {
        match self {
            TextTest::Equals(expected) => expected.as_bytes() == text,
            TextTest::OneOf(all) => all.iter().any(|one| one.as_bytes() == text),
            TextTest::Within(_) => false,
            TextTest::Matches(pattern) => {
                regex::bytes::Regex::new(pattern.as_str()).is_ok_and(|pattern| pattern.is_match(text))
            }
            TextTest::Contains(part) => memchr::memmem::find(text, part.as_bytes()).is_some(),
        }
    }
}

impl fmt::Display for TextTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextTest::Equals(text) => write!(f, "{text}"),
            TextTest::Matches(pattern) => write!(f, "a match of {pattern}"),
            TextTest::Contains(text) => write!(f, "something that contains {text}"),
            TextTest::OneOf(all) => write!(f, "one of {}", all.join(", ")),
            TextTest::Within(limit) => write!(f, "a date within {} of the response", show_duration(*limit)),
        }
    }
}

/// A date in RFC 3339 or as an HTTP date.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| super::rules::imf_fixdate(text))
}

/// Whether two times are at most `limit` apart.
pub(crate) fn is_within(at: DateTime<Utc>, now: DateTime<Utc>, limit: Duration) -> bool {
    (at - now).abs().to_std().is_ok_and(|distance| distance <= limit)
}

/// A duration as a person writes it.
pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        m if m % 86_400_000 == 0 && m > 0 => format!("{}d", m / 86_400_000),
        m if m % 3_600_000 == 0 && m > 0 => format!("{}h", m / 3_600_000),
        m if m % 60_000 == 0 && m > 0 => format!("{}m", m / 60_000),
        m if m % 1000 == 0 && m > 0 => format!("{}s", m / 1000),
        0 => format!("{}µs", duration.as_micros()),
        m => format!("{m}ms"),
    }
}
