//! Partial JSON with matchers: the listed properties are required, and additional ones are allowed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use regex::Regex;
use serde_json::Value;

use crate::{
    check::{
        bound::{Relation, RelationBound, show_bounds},
        sink::{FailingLayers, FindingSink},
        text::{instant, is_within, show_duration},
    },
    json::{JsonType, equal, show, step},
    model::{CheckId, Finding, Layer, Level, Location, Response},
    schema::{self, Schema},
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
    /// A string with a number of characters, or an array or object with a number of items, that passes all of these.
    Length(Vec<(Relation, u64)>),
    /// A number or a date with this order relative to the bound.
    Compare(Relation, RelationBound),
    /// A value that does not match.
    Not(Box<Pattern>),
    /// An object with exactly these properties.
    Only(Vec<(String, Pattern)>),
    /// An array with exactly these items, in any order.
    Unordered(Vec<Pattern>),
    /// A value that a schema accepts.
    Schema(Arc<Schema>),
}

/// Compares a body with a pattern; every difference is a finding of `body/json`.
pub(super) fn match_part(pattern: &Pattern, value: &Value, response: &Response, sink: &mut impl FindingSink) {
    walk(pattern, Some(value), &BodyLocation::Root, response, sink);
}

/// Compares a value that is not a JSON body; `adapt` changes what its findings say.
pub(super) fn match_at(
    pattern: &Pattern,
    value: Option<&Value>,
    response: &Response,
    sink: &mut impl FindingSink,
    adapt: impl Fn(Finding) -> Finding,
) {
    let mut failing = FailingLayers::default();
    walk(pattern, value, &BodyLocation::Root, response, &mut failing);
    if !failing.is_empty() {
        sink.report(Layer::Body, Level::Deny, || {
            let mut findings: Vec<Finding> = Vec::new();
            walk(pattern, value, &BodyLocation::Root, response, &mut findings);
            findings.into_iter().map(adapt).collect::<Vec<_>>()
        });
    }
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
                if walk_matcher(test, actual, (pattern, at), response, sink) {
                    continue;
                }
                if !passes(test, actual, response) {
                    sink.fail(Layer::Body, || {
                        finding("unexpected value", describe_test(test, response), show(actual))
                    });
                }
            }
        }
    }
}

/// Checks the parts of a value one by one, so that a finding points to the part that differs. Returns whether the
/// matcher is of this kind and applies to the value.
fn walk_matcher<S: FindingSink>(
    matcher: &Matcher,
    value: &Value,
    (pattern, at): (&Pattern, &BodyLocation<'_>),
    response: &Response,
    sink: &mut S,
) -> bool {
    match (matcher, value) {
        (Matcher::Each(inner), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(inner, Some(item), &BodyLocation::Item(at, index), response, sink);
            }
        }
        (Matcher::Only(wanted), Value::Object(entries)) => {
            for (key, inner) in wanted {
                walk(inner, entries.get(key), &BodyLocation::Key(at, key), response, sink);
            }
            for (key, extra) in entries {
                if !wanted.iter().any(|(name, _)| name == key) {
                    sink.fail(Layer::Body, || {
                        Finding::new(CheckId::BodyJson, "unexpected property")
                            .expected("(absent)")
                            .actual(show(extra))
                            .pointer(BodyLocation::Key(at, key).pointer())
                            .location(&pattern.location)
                    });
                }
            }
        }
        (Matcher::Unordered(wanted), Value::Array(items)) if wanted.len() == items.len() => {
            let (missing, extra) = unmatched(wanted, items, response);
            for (index, item) in missing.iter().zip(&extra) {
                sink.fail(Layer::Body, || {
                    Finding::new(CheckId::BodyJson, "an expected item is missing")
                        .expected(describe(&wanted[*index]))
                        .actual(format!("an item that matches nothing else: {}", show(&items[*item])))
                        .pointer(BodyLocation::Item(at, *item).pointer())
                        .location(&wanted[*index].location)
                });
            }
        }
        (Matcher::Schema(schema), _) => {
            if !schema::is_valid(schema, value) {
                sink.report(Layer::Body, Level::Deny, || {
                    let mut all = schema::violations(schema, &pattern.location, value);
                    for finding in &mut all {
                        finding.check = CheckId::BodyJson;
                        let below = finding.pointer.take().unwrap_or_default();
                        finding.pointer = Some(at.pointer() + &below);
                    }
                    all
                });
            }
        }
        _ => return false,
    }
    true
}

/// The patterns and the items that are left over when each pattern takes one item that it matches, with as many pairs as
/// possible (by augmenting paths).
fn unmatched(wanted: &[Pattern], items: &[Value], response: &Response) -> (Vec<usize>, Vec<usize>) {
    let matches: Vec<Vec<usize>> = (wanted.iter())
        .map(|pattern| {
            let is_match = |item: &usize| is_match(pattern, &items[*item], response);
            (0..items.len()).filter(is_match).collect()
        })
        .collect();
    let mut taken_by: Vec<Option<usize>> = vec![None; items.len()];
    let mut missing = Vec::new();
    for pattern in 0..wanted.len() {
        if !augment(pattern, &matches, &mut taken_by) {
            missing.push(pattern);
        }
    }
    let extra = (0..items.len()).filter(|item| taken_by[*item].is_none()).collect();
    (missing, extra)
}

/// Finds an item for a pattern, and if needed other items for the patterns that have taken its items. Searches in breadth,
/// so that long lists do not use the stack.
fn augment(start: usize, matches: &[Vec<usize>], taken_by: &mut [Option<usize>]) -> bool {
    let mut reached_from: Vec<Option<usize>> = vec![None; taken_by.len()];
    let mut open = VecDeque::from([start]);
    while let Some(pattern) = open.pop_front() {
        for &item in &matches[pattern] {
            if reached_from[item].is_some() {
                continue;
            }
            reached_from[item] = Some(pattern);
            let Some(other) = taken_by[item] else {
                return take(item, start, &reached_from, taken_by);
            };
            open.push_back(other);
        }
    }
    false
}

/// Gives the free item to the pattern that reached it, the item of that pattern to the one before, up to `start`.
fn take(free: usize, start: usize, reached_from: &[Option<usize>], taken_by: &mut [Option<usize>]) -> bool {
    let mut item = free;
    while let Some(pattern) = reached_from[item] {
        let before = taken_by.iter().position(|taken| *taken == Some(pattern));
        taken_by[item] = Some(pattern);
        match before {
            Some(next) if pattern != start => item = next,
            _ => break,
        }
    }
    true
}

fn is_match(pattern: &Pattern, value: &Value, response: &Response) -> bool {
    let mut found = FailingLayers::default();
    walk(pattern, Some(value), &BodyLocation::Root, response, &mut found);
    found.is_empty()
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
        (Matcher::Contains(pattern), Value::Array(items)) => items.iter().any(|item| is_match(pattern, item, response)),
        (Matcher::Length(bounds), _) => length(value)
            .is_some_and(|length| (bounds.iter()).all(|(relation, bound)| relation.accepts(length.cmp(bound)))),
        (Matcher::Compare(relation, bound), _) => bound.order(value).is_some_and(|order| relation.accepts(order)),
        (Matcher::Not(inner), _) => !is_match(inner, value, response),
        _ => false,
    }
}

/// Number of characters of a string, or of items of an array or object.
pub(crate) fn length(value: &Value) -> Option<u64> {
    Some(match value {
        Value::String(text) => text.chars().count() as u64,
        Value::Array(items) => items.len() as u64,
        Value::Object(entries) => entries.len() as u64,
        _ => return None,
    })
}

pub(super) fn describe(pattern: &Pattern) -> String {
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
        Matcher::Length(bounds) => format!("of length {}", show_bounds(bounds)),
        Matcher::Compare(relation, bound) => {
            let kind = match bound {
                RelationBound::Number(_) => "a number",
                RelationBound::Date(..) => "a date",
            };
            format!("{kind} {relation} {bound}")
        }
        Matcher::Not(inner) => format!("not {}", describe(inner)),
        Matcher::Only(entries) => {
            let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
            match names.as_slice() {
                [] => "an object without properties".to_owned(),
                names => format!("an object with only {}", names.join(", ")),
            }
        }
        Matcher::Unordered(items) => format!("an array of {}, in any order", count(items.len())),
        Matcher::Schema(schema) => format!("valid by {}", schema.reference),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::augment;

    /// The largest number of pairs, by trying all.
    fn best(from: usize, matches: &[Vec<usize>], taken: &mut Vec<usize>) -> usize {
        let Some(items) = matches.get(from) else { return 0 };
        let mut most = best(from + 1, matches, taken);
        for item in items {
            if !taken.contains(item) {
                taken.push(*item);
                most = most.max(1 + best(from + 1, matches, taken));
                taken.pop();
            }
        }
        most
    }

    proptest! {
        #[test]
        fn unordered_items_are_paired_as_far_as_possible(
            matches in prop::collection::vec(prop::collection::btree_set(0..5_usize, 0..4), 0..6)
        ) {
            let matches: Vec<Vec<usize>> = matches.into_iter().map(|items| items.into_iter().collect()).collect();
            let mut taken_by = vec![None; 5];
            let paired = (0..matches.len()).filter(|start| augment(*start, &matches, &mut taken_by)).count();
            prop_assert_eq!(paired, best(0, &matches, &mut Vec::new()));
            let mut patterns: Vec<usize> = taken_by.iter().flatten().copied().collect();
            prop_assert_eq!(patterns.len(), paired);
            for (item, pattern) in taken_by.iter().enumerate() {
                prop_assert!(pattern.is_none_or(|pattern| matches[pattern].contains(&item)));
            }
            patterns.sort_unstable();
            patterns.dedup();
            prop_assert_eq!(patterns.len(), paired);
        }
    }
}
