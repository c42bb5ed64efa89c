//! Partial JSON with matchers: the listed properties are required, and additional ones are allowed.

use std::{sync::Arc, time::Duration};

use regex::Regex;
use serde_json::Value;

use crate::{
    check::{
        sink::{FailingLayers, FindingSink},
        text::{instant, is_within, show_duration},
    },
    json::{JsonType, equal, show, step},
    model::{CheckId, Finding, Layer, Location, Response},
};

/// An expectation of a part of a body and its line.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// The expectation.
    pub kind: PatternKind,
    /// Its line.
    pub location: Location,
}

/// The expectation of a [`Pattern`].
#[derive(Clone, Debug)]
pub enum PatternKind {
    /// Exactly this value (a scalar, or the empty list).
    Value(Value),
    /// An object with at least these properties.
    Object(Vec<(String, Pattern)>),
    /// An array with as many items, each matching.
    Array(Vec<Pattern>),
    /// A value that passes all of these.
    Match(Vec<Matcher>),
}

/// A test of one value.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Exactly this value.
    Equals(Value),
    /// A string in which the pattern is found.
    /// Shared, because the search state is built on first use.
    Matches(Arc<Regex>),
    /// A value of one of these types.
    Type(Vec<JsonType>),
    /// Any value, as long as the property is there (`false`: it is not there).
    Any(bool),
    /// One of these values.
    OneOf(Vec<Value>),
    /// A string that is an RFC 3339 date at most this far from the time of the response.
    Within(Duration),
    /// A number equal to the status code.
    Status,
    /// A string that contains this text, or an array in which some item matches.
    Contains(Box<Pattern>),
    /// An array whose every item matches.
    Each(Box<Pattern>),
    /// A string with this number of characters, or an array or object with this number of items.
    Length(u64),
}

/// Compares a body with a pattern; every difference is a finding of `body/json`.
pub(super) fn match_part(pattern: &Pattern, value: &Value, response: &Response, sink: &mut impl FindingSink) {
    walk(pattern, Some(value), &BodyLocation::Root, response, sink);
}

/// The location of a value in a body. Its pointer is made only if there is a finding.
enum BodyLocation<'a> {
    Root,
    Key(&'a BodyLocation<'a>, &'a str),
    Item(&'a BodyLocation<'a>, usize),
}

impl BodyLocation<'_> {
    fn pointer(&self) -> String {
        match self {
            BodyLocation::Root => String::new(),
            BodyLocation::Key(outer, key) => step(&outer.pointer(), key),
            BodyLocation::Item(outer, index) => step(&outer.pointer(), &index.to_string()),
        }
    }
}

fn walk<S: FindingSink>(
    pattern: &Pattern,
    value: Option<&Value>,
    at: &BodyLocation<'_>,
    response: &Response,
    sink: &mut S,
) {
    let finding = |message: &str, expected: String, actual: String| {
        Finding::new(CheckId::BodyJson, message)
            .expected(expected)
            .actual(actual)
            .pointer(at.pointer())
            .location(&pattern.location)
    };
    if let (PatternKind::Match(tests), None) = (&pattern.kind, value)
        && tests.iter().any(|test| matches!(test, Matcher::Any(false)))
    {
        return;
    }
    let Some(present) = value else {
        let absent = || finding("missing property", describe(pattern), "(absent)".to_owned());
        sink.fail(Layer::Body, absent);
        return;
    };
    match (&pattern.kind, present) {
        (PatternKind::Value(wanted), actual) => {
            if !equal(wanted, actual) {
                sink.fail(Layer::Body, || finding("unexpected value", show(wanted), show(actual)));
            }
        }
        (PatternKind::Object(wanted), Value::Object(entries)) => {
            for (key, pattern) in wanted {
                walk(pattern, entries.get(key), &BodyLocation::Key(at, key), response, sink);
            }
        }
        (PatternKind::Array(wanted), Value::Array(items)) => {
            if wanted.len() == items.len() {
                for (index, (pattern, item)) in wanted.iter().zip(items).enumerate() {
                    walk(pattern, Some(item), &BodyLocation::Item(at, index), response, sink);
                }
            } else {
                sink.fail(Layer::Body, || {
                    let actual = format!("{}: {}", count(items.len()), show(present));
                    finding("unexpected number of items", count(wanted.len()), actual)
                });
            }
        }
        (PatternKind::Object(_) | PatternKind::Array(_), actual) => sink.fail(Layer::Body, || {
            let is_object = matches!(pattern.kind, PatternKind::Object(_));
            let expected = if is_object { "an object" } else { "an array" };
            finding("unexpected type", expected.to_owned(), show(actual))
        }),
        (PatternKind::Match(tests), actual) => {
            for test in tests {
                if let (Matcher::Each(pattern), Value::Array(items)) = (test, actual) {
                    for (index, item) in items.iter().enumerate() {
                        walk(pattern, Some(item), &BodyLocation::Item(at, index), response, sink);
                    }
                } else if !passes(test, actual, response) {
                    sink.fail(Layer::Body, || {
                        finding("unexpected value", describe_test(test, response), show(actual))
                    });
                }
            }
        }
    }
}

fn count(items: usize) -> String {
    format!("{items} item{}", if items == 1 { "" } else { "s" })
}

fn passes(matcher: &Matcher, value: &Value, response: &Response) -> bool {
    match (matcher, value) {
        (Matcher::Equals(expected), _) => equal(expected, value),
        (Matcher::Matches(pattern), Value::String(text)) => pattern.is_match(text),
        (Matcher::Type(types), _) => types.iter().any(|kind| kind.accepts(value)),
        (Matcher::Any(present), _) => *present,
        (Matcher::OneOf(all), _) => all.iter().any(|one| equal(one, value)),
        (Matcher::Within(limit), Value::String(text)) => {
            instant(text).is_some_and(|at| is_within(at, response.received, *limit))
        }
        (Matcher::Status, Value::Number(_)) => equal(&Value::from(response.status), value),
        (Matcher::Contains(part), Value::String(text)) => {
            matches!(&part.kind, PatternKind::Value(Value::String(part)) if text.contains(part.as_str()))
        }
        (Matcher::Contains(pattern), Value::Array(items)) => items.iter().any(|item| {
            let mut found = FailingLayers::default();
            walk(pattern, Some(item), &BodyLocation::Root, response, &mut found);
            found.is_empty()
        }),
        (Matcher::Length(length), Value::String(text)) => text.chars().count() as u64 == *length,
        (Matcher::Length(length), Value::Array(items)) => items.len() as u64 == *length,
        (Matcher::Length(length), Value::Object(entries)) => entries.len() as u64 == *length,
        _ => false,
    }
}

fn describe(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Value(value) => show(value),
        PatternKind::Object(_) => "an object".to_owned(),
        PatternKind::Array(items) => format!("an array of {}", items.len()),
        PatternKind::Match(tests) => tests
            .iter()
            .map(|test| match test {
                Matcher::Status => "the status code".to_owned(),
                test => words(test),
            })
            .collect::<Vec<_>>()
            .join(" and "),
    }
}

fn describe_test(test: &Matcher, response: &Response) -> String {
    match test {
        Matcher::Status => format!("{} (the status code)", response.status),
        Matcher::Within(limit) => format!(
            "a date within {} of {}",
            show_duration(*limit),
            response.received.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ),
        test => words(test),
    }
}

fn words(test: &Matcher) -> String {
    match test {
        Matcher::Equals(value) => show(value),
        Matcher::Matches(pattern) => format!("a string that matches {pattern}"),
        Matcher::Type(types) => {
            let names: Vec<_> = types.iter().map(ToString::to_string).collect();
            format!("of type {}", names.join(" or "))
        }
        Matcher::Any(true) => "any value".to_owned(),
        Matcher::Any(false) => "(absent)".to_owned(),
        Matcher::OneOf(all) => format!("one of {}", all.iter().map(show).collect::<Vec<_>>().join(", ")),
        Matcher::Within(limit) => format!("a date within {} of the response", show_duration(*limit)),
        Matcher::Status => "the status code".to_owned(),
        Matcher::Contains(part) => format!("something that contains {}", describe(part)),
        Matcher::Each(part) => format!("an array whose every item is {}", describe(part)),
        Matcher::Length(length) => format!("of length {length}"),
    }
}

/// The finding of `body/exact`, with a diff.
pub(super) fn inexact(expected: &Value, actual: &Value, location: &Location) -> Finding {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
    let mut finding = Finding::new(CheckId::BodyExact, "unexpected body")
        .expected(show(expected))
        .actual(show(actual))
        .location(location);
    finding.diff = Some(crate::check::diff(&pretty(expected), &pretty(actual)));
    finding
}
