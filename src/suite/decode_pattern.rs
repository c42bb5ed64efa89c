//! Decodes nodes to definitions: JSON values with matchers.

use serde_json::Value;

use super::{
    decode::DecodeContext,
    decode_expect::{contains_nothing, pattern_text, schema},
    def::{JsonDef, MatcherDef, PatternDef, PatternDefKind, RelationsDef, Written},
};
use crate::{
    check::{Relation, RelationBound},
    json::JsonType,
    source::{Diagnostic, Key, Kind, Node, Span, boolean, integer, list},
};

/// Whether a pattern accepts every value that is there.
fn accepts_all(pattern: &PatternDef) -> bool {
    matches!(&pattern.kind, PatternDefKind::Match(tests) if tests.iter().all(|test| matches!(test, MatcherDef::Any(true))))
}

/// Properties with their patterns. A finding on a property points at its key: the most useful line.
fn properties(entries: &[(Key, Node)], cx: &mut DecodeContext<'_>) -> Vec<(String, PatternDef)> {
    let property = |(key, value): &(Key, Node)| {
        cx.plain_key(key);
        let name = unescaped(&key.text);
        let mut inner = pattern(value, cx)?;
        inner.span.line = key.span.line;
        inner.span.column = key.span.column;
        Some((name.to_owned(), inner))
    };
    // Every case file has some: no room for more than there are.
    let mut all = Vec::with_capacity(entries.len());
    all.extend(entries.iter().filter_map(property));
    all
}

/// A literal value. A key that looks like a matcher is probably meant as one, so it is an error;
/// a property of that name is written with two `$`.
pub(super) fn exact(node: &Node, cx: &mut DecodeContext<'_>) -> Option<JsonDef> {
    match &node.kind {
        Kind::List(items) => Some(JsonDef::List(items.iter().filter_map(|item| exact(item, cx)).collect())),
        Kind::Map(entries) => {
            let mut all = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                cx.plain_key(key);
                if MATCHERS.contains(&&*key.text) {
                    let error = Diagnostic::new(
                        key.span,
                        format!("`{}` is not a matcher here: this value is literal", key.text),
                    );
                    cx.error(error.help(format!(
                        "use matchers under `json`, or write `${}` for a property `{}`",
                        key.text, key.text
                    )));
                    continue;
                }
                all.extend(exact(value, cx).map(|value| (unescaped(&key.text).to_owned(), value)));
            }
            Some(JsonDef::Map(all))
        }
        _ => cx.json(node),
    }
}

/// The matchers of JSON.
const MATCHERS: [&str; 18] = [
    "$equals",
    "$matches",
    "$type",
    "$any",
    "$one_of",
    "$within",
    "$status",
    "$contains",
    "$each",
    "$length",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$not",
    "$only",
    "$unordered",
    "$schema",
];

/// Comparisons as matchers, and within `$length`.
const RELATIONS: [(&str, Relation); 4] = [
    ("$gt", Relation::Greater),
    ("$gte", Relation::AtLeast),
    ("$lt", Relation::Less),
    ("$lte", Relation::AtMost),
];

/// The name of a property whose key is written with two `$` at its beginning: `$ref` of `$$ref`.
pub(super) fn unescaped(key: &str) -> &str {
    if key.starts_with("$$") { &key[1..] } else { key }
}

/// Whether a key is a matcher, and not a property that is written with a second `$`.
fn is_unescaped(key: &str) -> bool {
    key.starts_with('$') && !key.starts_with("$$")
}

/// A part of a body: plain values, or an object whose keys all begin with `$`.
pub(super) fn pattern(node: &Node, cx: &mut DecodeContext<'_>) -> Option<PatternDef> {
    let kind = match &node.kind {
        Kind::Map(entries) => {
            let matchers = entries.iter().filter(|(key, _)| is_unescaped(&key.text)).count();
            if matchers > 0 && matchers == entries.len() {
                PatternDefKind::Match(matchers_of(node, cx))
            } else {
                if matchers > 0 {
                    cx.error(
                        Diagnostic::new(node.span, "matchers (`$...`) and properties are mixed in one object")
                            .help("write a property that begins with `$` with two: `$$ref`"),
                    );
                }
                PatternDefKind::Object(properties(entries, cx))
            }
        }
        Kind::List(items) => PatternDefKind::Array(items.iter().filter_map(|item| pattern(item, cx)).collect()),
        _ => PatternDefKind::Value(cx.json(node)?),
    };
    Some(PatternDef { kind, span: node.span })
}

fn matchers_of(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<MatcherDef> {
    cx.entries(node, "matchers", |cx, key, value| match &*key.text {
        "$equals" => exact(value, cx).map(MatcherDef::Equals),
        "$matches" => pattern_text(value, cx).map(MatcherDef::Matches),
        "$type" => types(value, cx).map(MatcherDef::Type),
        "$any" => boolean(value, cx.errors).map(MatcherDef::Any),
        "$one_of" => match &value.kind {
            Kind::List(items) if !items.is_empty() => Some(MatcherDef::OneOf(
                items
                    .iter()
                    .filter_map(|item| exact(item, cx))
                    .collect::<Vec<JsonDef>>(),
            )),
            _ => {
                cx.error(Diagnostic::new(value.span, "`$one_of` takes a list of values"));
                None
            }
        },
        "$within" => cx.duration(value).map(MatcherDef::Within),
        "$status" => {
            if boolean(value, cx.errors)? {
                return Some(MatcherDef::Status);
            }
            cx.error(Diagnostic::new(value.span, "`$status` is `true` or left out"));
            None
        }
        "$contains" => {
            if matches!(&value.kind, Kind::String(text) if text.is_empty()) {
                let error = contains_nothing(value.span);
                cx.error(error.help("for an array with an empty string in it, write `$contains: { $equals: \"\" }`"));
                return None;
            }
            pattern(value, cx).map(|inner| MatcherDef::Contains(Box::new(inner)))
        }
        "$each" => {
            let inner = pattern(value, cx)?;
            if accepts_all(&inner) {
                let error = Diagnostic::new(value.span, "every item passes this, so nothing is tested");
                cx.error(error.help("write `$type: array` for any array"));
                return None;
            }
            Some(MatcherDef::Each(Box::new(inner)))
        }
        "$length" => length(value, cx).map(MatcherDef::Length),
        "$gt" | "$gte" | "$lt" | "$lte" => {
            let (_, relation) = RELATIONS.into_iter().find(|(name, _)| *name == &*key.text)?;
            Some(MatcherDef::Compare(relation, bound(value, cx)?))
        }
        "$not" => {
            let inner = pattern(value, cx)?;
            if accepts_all(&inner) {
                let error = Diagnostic::new(value.span, "every value matches this, so `$not` never passes");
                cx.error(error.help("write `$any: false` for a property that must be absent"));
                return None;
            }
            Some(MatcherDef::Not(Box::new(inner)))
        }
        "$only" => only(value, cx).map(MatcherDef::Only),
        "$unordered" => {
            let Kind::List(items) = &value.kind else {
                cx.error(Diagnostic::new(value.span, "`$unordered` takes a list of items"));
                return None;
            };
            let items = items.iter().filter_map(|item| pattern(item, cx)).collect();
            Some(MatcherDef::Unordered(items))
        }
        "$schema" => schema(value, cx).map(|schema| MatcherDef::Schema(schema.value)),
        _ => {
            let error =
                Diagnostic::new(key.span, format!("unknown matcher `{}`", key.text)).suggest(&key.text, MATCHERS);
            cx.error(error);
            None
        }
    })
}

/// An object of exactly these properties.
fn only(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Vec<(String, PatternDef)>> {
    let Kind::Map(entries) = &node.kind else {
        cx.error(Diagnostic::new(node.span, "`$only` takes a mapping of properties"));
        return None;
    };
    if let Some((key, _)) = entries.iter().find(|(key, _)| is_unescaped(&key.text)) {
        let error = Diagnostic::new(key.span, "`$only` takes properties, not matchers");
        cx.error(error.help("write a property that begins with `$` with two: `$$ref`"));
        return None;
    }
    Some(properties(entries, cx))
}

/// A number or a date that a value is compared with.
fn bound(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<JsonDef>> {
    let value = cx.json(node)?;
    if let JsonDef::Plain(constant) = &value
        && RelationBound::new(constant).is_none()
    {
        cx.error(not_comparable(node.span));
        return None;
    }
    if matches!(value, JsonDef::List(_) | JsonDef::Map(_)) {
        cx.error(not_comparable(node.span));
        return None;
    }
    Some(Written { value, span: node.span })
}

/// A value that nothing is less or greater than.
pub(crate) fn not_comparable(span: Span) -> Diagnostic {
    Diagnostic::new(span, "expected a number or a date to compare with")
        .help("write a number, a date such as \"2026-01-02T03:04:05Z\", or a variable with one of these")
}

/// A length, or comparisons of it.
pub(super) fn length(node: &Node, cx: &mut DecodeContext<'_>) -> Option<RelationsDef> {
    let tests = relations(node, cx)?;
    for (relation, size) in &tests {
        let is_zero = matches!(&size.value, JsonDef::Plain(Value::Number(number)) if number.as_u64() == Some(0));
        let message = match relation {
            Relation::AtLeast if is_zero => "every length is at least 0, so nothing is tested",
            Relation::Less if is_zero => "no length is below 0, so this never passes",
            _ => continue,
        };
        cx.error(Diagnostic::new(size.span, message));
        return None;
    }
    Some(tests)
}

/// A whole number, or comparisons with whole numbers.
pub(super) fn relations(node: &Node, cx: &mut DecodeContext<'_>) -> Option<RelationsDef> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some(vec![(Relation::Equal, size(node, cx)?)]);
    }
    let before = cx.errors.len();
    let tests = cx.entries(node, "comparisons", |cx, key, value| {
        let Some((_, relation)) = RELATIONS.into_iter().find(|(name, _)| *name == &*key.text) else {
            let error = Diagnostic::new(key.span, format!("`{}` is not a comparison", key.text));
            cx.error(error.suggest(&key.text, RELATIONS.map(|(name, _)| name)));
            return None;
        };
        Some((relation, size(value, cx)?))
    });
    if tests.is_empty() && cx.errors.len() == before {
        cx.error(Diagnostic::new(node.span, "nothing is tested here"));
    }
    (!tests.is_empty()).then_some(tests)
}

/// A variable whose value is not a whole number.
pub(crate) fn wrong_size(span: Span) -> Diagnostic {
    Diagnostic::new(span, "a variable does not give a whole number from 0 here")
}

/// A whole number, or a variable with one.
pub(super) fn size(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<JsonDef>> {
    let value = match &node.kind {
        Kind::String(text) if text.contains("{{") => cx.json(node)?,
        _ => JsonDef::number(integer(node, 0, u64::from(u32::MAX), cx.errors)?),
    };
    Some(Written { value, span: node.span })
}

/// The types of `$type`: neither none nor all of them.
fn types(value: &Node, cx: &mut DecodeContext<'_>) -> Option<Vec<JsonType>> {
    let types = list(value, cx.errors, json_type)?;
    let has = |kind: JsonType| types.contains(&kind);
    let (_, all): (Vec<_>, Vec<_>) = JsonType::NAMES.into_iter().unzip();
    if types.is_empty() {
        cx.error(Diagnostic::new(value.span, "an empty list accepts no type at all"));
        return None;
    }
    // Every integer is a number.
    if all.into_iter().all(|kind| has(kind) || kind == JsonType::Integer) {
        let error = Diagnostic::new(value.span, "every value has one of these types, so nothing is tested");
        cx.error(error.help("write `$any: true` for a value that must only be there"));
        return None;
    }
    Some(types)
}

fn json_type(node: &Node, errors: &mut crate::source::Diagnostics) -> Option<JsonType> {
    let name = if node.is_null() {
        "null".to_owned()
    } else {
        crate::source::string(node, errors)?
    };
    let known = JsonType::NAMES.iter().find(|(known, _)| *known == name);
    if known.is_none() {
        errors.push(
            Diagnostic::new(node.span, format!("`{name}` is not a type of JSON"))
                .suggest(&name, JsonType::NAMES.iter().map(|(name, _)| *name)),
        );
    }
    known.map(|(_, kind)| *kind)
}
