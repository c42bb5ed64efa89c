//! Detects expectations that can never fail or never pass. Only constants are compared, because values of variables
//! are known later. In doubt, an expectation counts as useful.

use serde_json::Value;

use super::{
    DurationDef, HeaderDef, JsonDef, MatcherDef, PatternDef, PatternDefKind, StatusDef, StepDef, Template, TextTestDef,
    Written, def::RelationsDef,
};
use crate::{
    check::{self, Relation, RelationBound, StatusItem, StatusSet},
    json::{self, JsonType},
    schema,
    source::{Diagnostic, Diagnostics, Span},
    text,
};

/// Rejects the expectations of a step that cannot fail or cannot pass.
pub(super) fn check(step: &StepDef, errors: &mut Diagnostics) {
    let expect = &step.expect;
    let timeout = step.timeout.as_ref().and_then(DurationDef::fixed);
    if let (Some(limit), Some(timeout)) = (&expect.duration, timeout)
        && limit.value.fixed().is_some_and(|limit| limit >= timeout)
    {
        errors.push(never_reached(limit.span));
    }
    if let Some(status) = &expect.status
        && let StatusDef::Fixed(StatusSet(items)) = &status.value
        && !items.is_empty()
        && items
            .iter()
            .all(|item| matches!(item, StatusItem::Code(100 | 102..=199)))
    {
        let error = Diagnostic::new(
            status.span,
            "this status is of interim responses, which a final response follows",
        );
        errors.push(error.help("expect the status of the final response"));
    }
    without_content(step, errors);
    for (name, header) in expect.headers.iter().chain(&expect.trailers) {
        // In these fields, different texts can be equal.
        let is_text = name != "content-type" && !check::list_fields::is_list(name);
        if let HeaderDef::Value(tests) = &header.value
            && is_text
        {
            text_tests(tests, header.span, errors);
        }
    }
    let body = &expect.body;
    if let Some(text) = &body.text {
        text_tests(&text.value, text.span, errors);
        let is_content_needed = body.empty.as_ref().is_some_and(|empty| !empty.value);
        let is_empty = |test: &TextTestDef| matches!(test, TextTestDef::Equals(text) if text.as_constant() == Some(""));
        if is_content_needed && text.value.iter().any(is_empty) {
            errors.push(contradiction(text.span));
        }
    }
    if let Some(part) = &body.json {
        pattern(part, Position::Root, errors);
    }
    if let Some(lines) = &body.lines {
        pattern(&lines.value.pattern, Position::Root, errors);
    }
    for (_, part) in body.xml.iter().flat_map(|xml| &xml.value.tests) {
        pattern(part, Position::Property, errors);
    }
    if let Some(Written { value: events, span }) = expect.events.as_deref() {
        if let Some(first) = &events.first {
            pattern(first, Position::Root, errors);
        }
        if let Some(each) = &events.each {
            pattern(each, Position::EachItem, errors);
        }
        if !expect.trailers.is_empty() {
            let error = Diagnostic::new(
                *span,
                "a stream is not read to its end, so its trailer fields are not known",
            );
            errors.push(error.help("expect either `events` or `trailers`"));
        }
    }
    if let (Some(exact), Some(part)) = (&body.exact, &body.json)
        && let Some(value) = constant(&exact.value)
        && !admits(part, Some(&value))
    {
        let error = Diagnostic::new(part.span, "`json` and `exact` contradict each other: this never passes");
        errors.push(error.help("keep one of them; `null` cannot remove an inherited one, `body: null` removes both"));
    }
}

/// A maximum duration that the timeout of the request comes before.
pub(crate) fn never_reached(span: Span) -> Diagnostic {
    Diagnostic::new(
        span,
        "the request times out before it takes this long, so nothing is tested",
    )
    .help("expect a `duration` below the `timeout`, or set a longer `timeout`")
}

/// Rejects expectations of a body that cannot exist: in a response to HEAD, and with 204 and 304.
fn without_content(step: &StepDef, errors: &mut Diagnostics) {
    let has_none = |item: &StatusItem| matches!(item, StatusItem::Class(1) | StatusItem::Code(100..=199 | 204 | 304));
    let method = step.request.method.as_ref().and_then(Template::as_constant);
    let reason = match step.expect.status.as_ref().map(|status| &status.value) {
        _ if method == Some("HEAD") => "a response to HEAD has no content",
        Some(StatusDef::Fixed(StatusSet(items))) if !items.is_empty() && items.iter().all(has_none) => {
            "a response with this status has no content"
        }
        _ => return,
    };
    let body = &step.expect.body;
    let constant = body
        .tests(&|_| Value::Null)
        .filter(|(test, _)| test.accepts_empty() == Some(false));
    let is_of_empty = |tests: &Written<Vec<TextTestDef>>| {
        let mut tests = tests.value.iter();
        tests.all(|test| text_admits(test, "").unwrap_or(true))
    };
    let spans = [
        body.json.as_ref().map(|part| part.span),
        (body.text.as_ref())
            .filter(|text| !is_of_empty(text))
            .map(|text| text.span),
        (body.bytes.as_ref())
            .filter(|bytes| is_in(&bytes.value, 0) == Some(false))
            .map(|bytes| bytes.span),
        body.xml.as_ref().map(|xml| xml.span),
        step.expect.events.as_ref().map(|events| events.span),
    ];
    for span in constant.map(|(_, span)| span).chain(spans.into_iter().flatten()) {
        let error = Diagnostic::new(span, format!("{reason}, so this never passes"));
        errors.push(error.help("remove it; `body: null` and `events: null` remove inherited expectations"));
    }
}

/// Rejects tests of one text of which one allows only texts that another rejects.
fn text_tests(tests: &[TextTestDef], span: Span, errors: &mut Diagnostics) {
    for test in tests {
        let allowed: Option<Vec<&str>> = match test {
            TextTestDef::Equals(text) => text.as_constant().map(|text| vec![text]),
            TextTestDef::OneOf(all) => all.iter().map(Template::as_constant).collect(),
            _ => None,
        };
        let Some(allowed) = allowed else { continue };
        let passes = |text: &&str| tests.iter().all(|test| text_admits(test, text).unwrap_or(true));
        if !allowed.is_empty() && !allowed.iter().any(passes) {
            errors.push(contradiction(span));
            return;
        }
    }
}

/// Whether a text can pass a test; `None` if this is not known.
fn text_admits(wanted: &TextTestDef, text: &str) -> Option<bool> {
    match wanted {
        TextTestDef::Equals(equal) => equal.as_constant().map(|equal| equal.trim() == text.trim()),
        TextTestDef::Matches(pattern) => found(pattern, text),
        TextTestDef::Contains(part) => part.as_constant().map(|part| text.contains(part)),
        TextTestDef::OneOf(all) => {
            let all: Option<Vec<_>> = all.iter().map(Template::as_constant).collect();
            all.map(|all| all.iter().any(|one| one.trim() == text.trim()))
        }
        TextTestDef::Within(_) => None,
    }
}

fn found(pattern: &Template, text: &str) -> Option<bool> {
    let pattern = text::regex(pattern.as_constant()?).ok()?;
    Some(pattern.is_match(text))
}

fn contradiction(span: Span) -> Diagnostic {
    Diagnostic::new(span, "these tests contradict each other: no value passes all of them")
        .help("remove the one that does not belong here")
}

/// The position of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The whole body.
    Root,
    /// A property, which can be absent.
    Property,
    /// One item of a list.
    Item,
    /// Every item of a list.
    EachItem,
}

fn pattern(def: &PatternDef, position: Position, errors: &mut Diagnostics) {
    match &def.kind {
        PatternDefKind::Value(_) => {}
        PatternDefKind::Object(entries) => {
            for (_, inner) in entries {
                pattern(inner, Position::Property, errors);
            }
        }
        PatternDefKind::Array(items) => {
            for item in items {
                pattern(item, Position::Item, errors);
            }
        }
        PatternDefKind::Match(tests) => matchers(def, tests, position, errors),
    }
}

fn matchers(def: &PatternDef, tests: &[MatcherDef], position: Position, errors: &mut Diagnostics) {
    if tests.iter().any(|test| matches!(test, MatcherDef::Any(false))) {
        let error = match position {
            Position::Property if tests.len() == 1 => return,
            Position::Property => Diagnostic::new(
                def.span,
                "`$any: false` expects no value, so the other matchers test nothing",
            )
            .help("remove `$any: false`, or the other matchers"),
            Position::Root => Diagnostic::new(def.span, "a JSON body is always a value, so `$any: false` never passes")
                .help("write `body: { empty: true }` for a response without a body"),
            Position::Item => Diagnostic::new(def.span, "an item is always a value, so `$any: false` never passes")
                .help("leave the item out: a list has exactly the items that are written"),
            Position::EachItem => Diagnostic::new(
                def.span,
                "an item is always a value, so `$any: false` rejects every item",
            )
            .help("write `[]` for an empty list"),
        };
        errors.push(error);
        return;
    }
    let types = tests.iter().fold(EVERY, |found, test| found & types(test));
    if types == 0 || !is_satisfiable(tests) || is_empty_range(tests) {
        errors.push(contradiction(def.span));
    }
    let is_empty = tests
        .iter()
        .any(|test| has_length(test, 0) == Some(true) && has_length(test, 1) == Some(false));
    for test in tests {
        match test {
            MatcherDef::Each(inner) => {
                if is_empty {
                    let error = Diagnostic::new(inner.span, "with `$length: 0` there is no item that this could test");
                    errors.push(error.help("write `[]` for an empty list"));
                }
                pattern(inner, Position::EachItem, errors);
            }
            MatcherDef::Contains(inner) => {
                if is_empty {
                    errors.push(contradiction(def.span));
                }
                pattern(inner, Position::Item, errors);
            }
            MatcherDef::Not(inner) => pattern(inner, Position::Item, errors),
            MatcherDef::Only(entries) => {
                for (name, inner) in entries {
                    if matches!(&inner.kind, PatternDefKind::Match(tests) if matches!(tests[..], [MatcherDef::Any(false)]))
                    {
                        let error = Diagnostic::new(inner.span, format!("`$only` already rejects `{name}`"));
                        errors.push(error.help("leave the property out: only the listed ones may be present"));
                        continue;
                    }
                    pattern(inner, Position::Property, errors);
                }
            }
            MatcherDef::Unordered(items) => {
                for item in items {
                    pattern(item, Position::Item, errors);
                }
            }
            _ => {}
        }
    }
}

/// Whether some value passes all matchers, as far as this is known; listed values are tested one by one.
fn is_satisfiable(tests: &[MatcherDef]) -> bool {
    tests.iter().all(|test| {
        let allowed: Option<Vec<Value>> = match test {
            MatcherDef::Equals(value) => constant(value).map(|value| vec![value]),
            MatcherDef::OneOf(all) => all.iter().map(constant).collect(),
            MatcherDef::Length(_) if has_length(test, 0) == Some(true) && has_length(test, 1) == Some(false) => {
                let is_text = |test: &MatcherDef| matches!(test, MatcherDef::Matches(_) | MatcherDef::Within(_));
                tests.iter().any(is_text).then(|| vec![Value::String(String::new())])
            }
            _ => None,
        };
        let passes = |value: &Value| tests.iter().all(|test| test_admits(test, value));
        allowed.is_none_or(|allowed| allowed.is_empty() || allowed.iter().any(passes))
    })
}

/// Whether a pattern can accept a value; true if this is not known.
fn admits(def: &PatternDef, value: Option<&Value>) -> bool {
    match (&def.kind, value) {
        (PatternDefKind::Match(tests), None) => tests.iter().any(|test| matches!(test, MatcherDef::Any(false))),
        (PatternDefKind::Value(wanted), Some(value)) => {
            constant(wanted).is_none_or(|wanted| json::equal(&wanted, value))
        }
        (PatternDefKind::Object(wanted), Some(Value::Object(entries))) => {
            wanted.iter().all(|(name, inner)| admits(inner, entries.get(name)))
        }
        (PatternDefKind::Array(wanted), Some(Value::Array(items))) => {
            let mut pairs = wanted.iter().zip(items);
            wanted.len() == items.len() && pairs.all(|(inner, item)| admits(inner, Some(item)))
        }
        (_, None) | (PatternDefKind::Object(_) | PatternDefKind::Array(_), Some(_)) => false,
        (PatternDefKind::Match(tests), Some(value)) => tests.iter().all(|test| test_admits(test, value)),
    }
}

/// Whether a value can pass a matcher; true if this is not known.
fn test_admits(matcher: &MatcherDef, value: &Value) -> bool {
    match (matcher, value) {
        (MatcherDef::Equals(wanted), _) => constant(wanted).is_none_or(|wanted| json::equal(&wanted, value)),
        (MatcherDef::OneOf(all), _) => {
            let all: Option<Vec<_>> = all.iter().map(constant).collect();
            all.is_none_or(|all| all.iter().any(|one| json::equal(one, value)))
        }
        (MatcherDef::Matches(pattern), Value::String(text)) => found(pattern, text).unwrap_or(true),
        (MatcherDef::Type(types), _) => types.iter().any(|kind| kind.accepts(value)),
        (MatcherDef::Any(present), _) => *present,
        (MatcherDef::Within(_), Value::String(_)) => true,
        (MatcherDef::Status, Value::Number(number)) => number.as_u64().is_some_and(|code| (100..=599).contains(&code)),
        (MatcherDef::Contains(part), Value::String(text)) => match &part.kind {
            PatternDefKind::Value(JsonDef::Text(part)) => part.as_constant().is_none_or(|part| text.contains(part)),
            PatternDefKind::Value(JsonDef::Plain(Value::String(part))) => text.contains(part),
            _ => false,
        },
        (MatcherDef::Contains(part), Value::Array(items)) => items.iter().any(|item| admits(part, Some(item))),
        (MatcherDef::Each(part), Value::Array(items)) => items.iter().all(|item| admits(part, Some(item))),
        (MatcherDef::Length(_), _) => {
            check::length(value).is_some_and(|length| has_length(matcher, length) != Some(false))
        }
        (MatcherDef::Compare(relation, bound), _) => match constant(&bound.value) {
            Some(bound) => RelationBound::new(&bound)
                .and_then(|bound| bound.order(value))
                .is_some_and(|order| relation.accepts(order)),
            None => matches!(value, Value::Number(_) | Value::String(_)),
        },
        (MatcherDef::Not(inner), _) => !is_certain(inner, value),
        (MatcherDef::Only(wanted), Value::Object(entries)) => {
            (entries.keys()).all(|key| wanted.iter().any(|(name, _)| name == key))
                && wanted.iter().all(|(name, inner)| admits(inner, entries.get(name)))
        }
        (MatcherDef::Unordered(wanted), Value::Array(items)) => {
            wanted.len() == items.len()
                && (wanted.iter()).all(|inner| items.iter().any(|item| admits(inner, Some(item))))
        }
        (MatcherDef::Schema(schema), _) => schema::is_valid(schema, value),
        _ => false,
    }
}

/// Whether a pattern is known to accept a value.
fn is_certain(def: &PatternDef, value: &Value) -> bool {
    match &def.kind {
        PatternDefKind::Value(wanted) => constant(wanted).is_some_and(|wanted| json::equal(&wanted, value)),
        PatternDefKind::Match(tests) => tests.iter().all(|test| match test {
            MatcherDef::Equals(wanted) => constant(wanted).is_some_and(|wanted| json::equal(&wanted, value)),
            MatcherDef::OneOf(all) => (all.iter().filter_map(constant)).any(|one| json::equal(&one, value)),
            MatcherDef::Type(types) => types.iter().any(|kind| kind.accepts(value)),
            MatcherDef::Any(present) => *present,
            _ => false,
        }),
        PatternDefKind::Object(_) | PatternDefKind::Array(_) => false,
    }
}

/// Whether a matcher of lengths accepts a length; `None` for another matcher, and if this is not known.
fn has_length(matcher: &MatcherDef, length: u64) -> Option<bool> {
    match matcher {
        MatcherDef::Length(bounds) => is_in(bounds, length),
        _ => None,
    }
}

/// Whether a number has all relations; `None` if this is not known.
fn is_in(bounds: &RelationsDef, number: u64) -> Option<bool> {
    let known = bounds.iter().map(|(relation, bound)| {
        let bound = constant(&bound.value)?.as_u64()?;
        Some(relation.accepts(number.cmp(&bound)))
    });
    let known: Vec<_> = known.collect();
    if known.contains(&Some(false)) {
        return Some(false);
    }
    known.iter().all(Option::is_some).then_some(true)
}

/// Whether comparisons leave no value: a bound from below that is not under one from above.
fn is_empty_range(tests: &[MatcherDef]) -> bool {
    let bounds = tests.iter().filter_map(|test| match test {
        MatcherDef::Compare(relation, bound) => Some((*relation, constant(&bound.value)?)),
        _ => None,
    });
    let bounds: Vec<_> = bounds.collect();
    let is_below = |relation| matches!(relation, Relation::Greater | Relation::AtLeast);
    bounds
        .iter()
        .filter(|(relation, _)| is_below(*relation))
        .any(|(low, from)| {
            (bounds.iter().filter(|(relation, _)| !is_below(*relation))).any(|(high, to)| {
                let order = RelationBound::new(to).and_then(|to| to.order(from));
                let is_closed = (*low, *high) == (Relation::AtLeast, Relation::AtMost);
                order.is_none_or(|order| order.is_gt() || (order.is_eq() && !is_closed))
            })
        })
}

/// A value without variables.
fn constant(def: &JsonDef) -> Option<Value> {
    Some(match def {
        JsonDef::Plain(value) => value.clone(),
        JsonDef::Text(text) => Value::String(text.as_constant()?.to_owned()),
        JsonDef::List(items) => Value::Array(items.iter().map(constant).collect::<Option<_>>()?),
        JsonDef::Map(entries) => {
            let entry = |(name, value): &(String, JsonDef)| Some((name.clone(), constant(value)?));
            Value::Object(entries.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// Sets of types, as bits in the order of [`JsonType::NAMES`].
const EVERY: u8 = 0b111_1111;
const NUMBER: u8 = 0b1100;
const STRING: u8 = 0b1_0000;
const ARRAY: u8 = 0b10_0000;
const OBJECT: u8 = 0b100_0000;

/// The types of the values that can pass a matcher.
fn types(test: &MatcherDef) -> u8 {
    match test {
        MatcherDef::Equals(value) => types_of(value),
        MatcherDef::Matches(_) | MatcherDef::Within(_) => STRING,
        MatcherDef::Type(types) => {
            let bit = |(position, (_, kind)): (usize, (&str, JsonType))| {
                let is_named =
                    types.contains(&kind) || (kind == JsonType::Integer && types.contains(&JsonType::Number));
                if is_named { 1 << position } else { 0 }
            };
            JsonType::NAMES
                .into_iter()
                .enumerate()
                .map(bit)
                .fold(0, |all, bit| all | bit)
        }
        MatcherDef::Any(_) | MatcherDef::Not(_) | MatcherDef::Schema(_) => EVERY,
        MatcherDef::OneOf(all) => all.iter().map(types_of).fold(0, |all, types| all | types),
        MatcherDef::Status => NUMBER,
        MatcherDef::Contains(part) => match &part.kind {
            PatternDefKind::Value(JsonDef::Text(_) | JsonDef::Plain(Value::String(_))) => STRING | ARRAY,
            _ => ARRAY,
        },
        MatcherDef::Each(_) | MatcherDef::Unordered(_) => ARRAY,
        MatcherDef::Length(_) => STRING | ARRAY | OBJECT,
        MatcherDef::Compare(_, bound) => match &bound.value {
            JsonDef::Plain(Value::Number(_)) => NUMBER,
            JsonDef::Plain(_) => STRING,
            _ => NUMBER | STRING,
        },
        MatcherDef::Only(_) => OBJECT,
    }
}

fn types_of(value: &JsonDef) -> u8 {
    match value {
        JsonDef::Plain(Value::Null) => 0b1,
        JsonDef::Plain(Value::Bool(_)) => 0b10,
        JsonDef::Plain(Value::Number(_)) => NUMBER,
        JsonDef::Text(text) if text.as_variable().is_some() => EVERY,
        JsonDef::Plain(_) | JsonDef::Text(_) => STRING,
        JsonDef::List(_) => ARRAY,
        JsonDef::Map(_) => OBJECT,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        schema::SchemaStore,
        source::{Diagnostics, Sources},
    };

    /// The errors of a case with these lines.
    fn errors(lines: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("s")).unwrap();
        write("s/suite.yaml", "inputs: { v: a value }\n");
        write("s/c.yaml", lines);
        let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
        let loaded = super::super::load(
            folder.path(),
            &SchemaStore::open(folder.path()),
            &mut sources,
            &mut errors,
        );
        loaded
            .broken
            .into_iter()
            .for_each(|broken| errors.append(broken.errors));
        errors
            .sorted(&sources)
            .into_iter()
            .map(|error| error.message.clone())
            .collect()
    }

    fn expecting(expect: &str) -> Vec<String> {
        let status = if expect.starts_with("status") {
            ""
        } else {
            "status: 200, "
        };
        errors(&format!("request: {{ path: / }}\nexpect: {{ {status}{expect} }}\n"))
    }

    // Long: a table of one entry for each kind of expectation.
    #[test]
    fn expectation_that_cannot_pass_or_fail_is_rejected() {
        for (expect, part) in [
            ("body: { json: { $any: false } }", "a JSON body is always a value"),
            ("body: { json: [{ $any: false }] }", "an item is always a value"),
            (
                "body: { json: { a: { $each: { $any: false } } } }",
                "rejects every item",
            ),
            (
                "body: { json: { a: { $contains: { $any: false } } } }",
                "an item is always a value",
            ),
            (
                "body: { json: { a: { $any: false, $type: string } } }",
                "the other matchers test nothing",
            ),
            (
                "body: { json: { a: { $type: integer, $matches: x } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $equals: 1, $type: string } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $equals: 1.5, $type: integer } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $one_of: [1, 2], $equals: 3 } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $one_of: [a, bb], $length: 3 } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $within: 5m, $type: number } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $status: true, $type: string } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $each: { $type: string }, $matches: x } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $length: 0, $each: { $type: string } } } }",
                "there is no item",
            ),
            (
                "body: { json: { a: { $length: 0, $contains: x } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $length: 0, $matches: '^.+$' } } }",
                "contradict each other",
            ),
            ("body: { json: { a: { $gt: 3, $lt: 3.0 } } }", "contradict each other"),
            ("body: { json: { a: { $gte: 4, $lte: 3 } } }", "contradict each other"),
            (
                "body: { json: { a: { $gt: 3, $lt: '2026-01-01T00:00:00Z' } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $gt: 3, $type: string } } }",
                "contradict each other",
            ),
            ("body: { json: { a: { $equals: 3, $gt: 3 } } }", "contradict each other"),
            (
                "body: { json: { a: { $equals: x, $not: { $type: string } } } }",
                "contradict each other",
            ),
            ("body: { json: { a: { $not: { $any: true } } } }", "`$not` never passes"),
            (
                "body: { json: { a: { $not: { $any: false } } } }",
                "an item is always a value",
            ),
            (
                "body: { json: { a: { $only: { b: { $any: false } } } } }",
                "already rejects `b`",
            ),
            (
                "body: { json: { a: { $only: { b: 1 }, $type: array } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $unordered: [{ $any: false }] } } }",
                "an item is always a value",
            ),
            ("body: { json: { a: { $length: { $gte: 0 } } } }", "nothing is tested"),
            ("body: { json: { a: { $length: { $lt: 0 } } } }", "never passes"),
            (
                "body: { json: { a: { $length: { $lte: 0 }, $contains: x } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: { $length: { $gt: 2 }, $equals: ab } } }",
                "contradict each other",
            ),
            (
                "body: { json: { a: 1 }, exact: { a: 2 } }",
                "`json` and `exact` contradict",
            ),
            (
                "body: { json: { a: { $any: false } }, exact: { a: 2 } }",
                "`json` and `exact` contradict",
            ),
            ("headers: { x: { equals: a, contains: b } }", "contradict each other"),
            (
                "headers: { x: { one_of: [a, b], matches: '^c' } }",
                "contradict each other",
            ),
            ("body: { text: { equals: a, one_of: [b] } }", "contradict each other"),
            (
                "status: 204, body: { json: {} }",
                "a response with this status has no content",
            ),
            (
                "status: [204, 304], body: { text: { contains: x } }",
                "a response with this status has no content",
            ),
            ("status: [100, 103]", "a final response follows"),
            ("body: { empty: false, text: '' }", "contradict each other"),
            (
                "status: 304, body: { empty: false }",
                "a response with this status has no content",
            ),
        ] {
            let found = expecting(expect);
            assert!(found.len() == 1 && found[0].contains(part), "{expect}: {found:?}");
        }
        let head = "request: { method: HEAD, path: / }\nexpect: { status: 200, body: { exact: 1 } }\n";
        assert!(errors(head)[0].contains("a response to HEAD has no content"));
        for limit in ["5s", "6s"] {
            let late = format!("timeout: 5s\nrequest: {{ path: / }}\nexpect: {{ status: 200, duration: {limit} }}\n");
            assert!(errors(&late)[0].contains("times out before"), "{limit}");
        }
    }

    #[test]
    fn useful_expectation_is_accepted() {
        for expect in [
            "body: { json: { $any: true } }",
            "body: { json: { a: { $any: false } } }",
            "body: { json: { a: { $any: true, $type: string } } }",
            "body: { json: { a: { $type: number, $equals: 1 } } }",
            "body: { json: { a: { $type: integer, $equals: 1.0 } } }",
            "body: { json: { a: { $type: [string, 'null'], $one_of: [a, null] } } }",
            "body: { json: { a: { $type: array, $contains: x } } }",
            "body: { json: { a: { $type: string, $contains: x } } }",
            "body: { json: { a: { $contains: x, $matches: y } } }",
            "body: { json: { a: { $equals: ab, $length: 2 } } }",
            "body: { json: { a: { $equals: abc, $contains: b } } }",
            "body: { json: { a: { $one_of: [a, b], $matches: a } } }",
            "body: { json: { a: { $contains: x, $length: 3 } } }",
            "body: { json: { a: { $each: { $type: string }, $length: 3 } } }",
            "body: { json: { a: { $matches: '^[a-z]*$', $length: 0 } } }",
            "body: { json: { a: { $length: 0 } } }",
            "body: { json: { a: { $length: { $gte: 1, $lte: 3 }, $equals: ab } } }",
            "body: { json: { a: { $length: '{{ v }}' } } }",
            "body: { json: { a: { $gte: 3, $lte: 3 } } }",
            "body: { json: { a: { $gte: 1, $lt: '{{ v }}' } } }",
            "body: { json: { a: { $equals: 3, $gt: 2.5 } } }",
            "body: { json: { a: { $type: integer, $not: 3 } } }",
            "body: { json: { a: { $only: { b: { $type: string } } } } }",
            "body: { json: { a: { $unordered: [1, 2], $length: 2 } } }",
            "body: { json: { a: { $equals: '{{ v }}', $type: integer } } }",
            "body: { json: { a: { $equals: '{{ v }}', $matches: x } } }",
            "body: { json: { a: { $status: true } } }",
            "body: { json: { a: 1, b: { $type: string } }, exact: { a: 1, b: x } }",
            "body: { json: { a: '{{ v }}' }, exact: { a: x } }",
            "headers: { x: { equals: abc, contains: b } }",
            "headers: { x: { one_of: [a, b], matches: '^b' } }",
            "headers: { content-type: { equals: application/json, contains: charset } }",
            "headers: { vary: { equals: 'accept, origin', matches: '^origin' } }",
            "headers: { x: { equals: '{{ v }}', contains: b } }",
            "status: 204",
            "status: 101",
            "status: [103, 200]",
            "body: { text: '' }",
            "status: 204, body: { empty: true }",
            "status: [200, 204], body: { json: {} }",
            "status: 2xx, body: { json: {} }",
            "duration: 5s",
        ] {
            assert_eq!(expecting(expect), [""; 0], "{expect}");
        }
        let quick = "timeout: 5s\nrequest: { path: / }\nexpect: { status: 200, duration: 4999ms }\n";
        assert_eq!(errors(quick), [""; 0]);
        let head = "request: { method: HEAD, path: / }\nexpect: { status: 200, body: { empty: true } }\n";
        assert_eq!(errors(head), [""; 0]);
    }
}
