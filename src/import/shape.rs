//! The shape of a JSON body as an expectation: types instead of values.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Map, Value as Json, json};

use super::credentials::is_credential;

/// Maximum number of properties of a shape; below the depth at which there are more, only types are expected.
const PROPERTIES: usize = 120;

/// What is known about values at one location.
#[derive(Clone, Debug, PartialEq)]
enum BodyShape {
    Types(BTreeSet<&'static str>),
    Object(BTreeMap<String, BodyShape>),
    /// The items; none if there was no item.
    Array(Option<Box<BodyShape>>),
}

/// The expectation that values of the same shape pass; `None` if every value passes.
pub(super) fn expected(value: &Json) -> Option<Json> {
    let shape = BodyShape::of(value);
    let depth = (1..=12).rev().find(|depth| shape.count(*depth) <= PROPERTIES);
    shape.matcher(depth.unwrap_or(0))
}

impl BodyShape {
    fn of(value: &Json) -> Self {
        match value {
            Json::Object(entries) => {
                let entries = entries.iter();
                Self::Object(entries.map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            Json::Array(items) => {
                let merged = items.iter().map(Self::of).reduce(Self::merged);
                Self::Array(merged.map(Box::new))
            }
            Json::Null => Self::Types(["null"].into()),
            Json::Bool(_) => Self::Types(["boolean"].into()),
            Json::Number(_) => Self::Types(["number"].into()),
            Json::String(_) => Self::Types(["string"].into()),
        }
    }

    /// The shape that both have.
    fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Object(one), Self::Object(mut other)) => {
                let both = one.into_iter().filter_map(|(key, shape)| {
                    let other = other.remove(&key)?;
                    Some((key, shape.merged(other)))
                });
                Self::Object(both.collect())
            }
            (Self::Array(one), Self::Array(other)) => Self::Array(match (one, other) {
                (Some(one), Some(other)) => Some(Box::new(one.merged(*other))),
                (one, other) => one.or(other),
            }),
            (one, other) => Self::Types(one.types().union(&other.types()).copied().collect()),
        }
    }

    fn types(&self) -> BTreeSet<&'static str> {
        match self {
            Self::Types(types) => types.clone(),
            Self::Object(_) => ["object"].into(),
            Self::Array(_) => ["array"].into(),
        }
    }

    /// The number of properties down to a depth.
    fn count(&self, depth: usize) -> usize {
        match self {
            Self::Object(entries) if depth > 0 => {
                entries.len() + entries.values().map(|one| one.count(depth - 1)).sum::<usize>()
            }
            Self::Array(Some(items)) if depth > 0 => items.count(depth - 1),
            _ => 0,
        }
    }

    fn matcher(&self, depth: usize) -> Option<Json> {
        match self {
            // A value that was always null can be anything.
            Self::Types(types) if types.iter().all(|one| *one == "null") || types.len() == 6 => None,
            Self::Types(types) if types.len() == 1 => Some(json!({ "$type": types.first() })),
            Self::Types(types) => Some(json!({ "$type": types })),
            Self::Object(entries) if depth > 0 && !entries.is_empty() => {
                let entries = entries.iter().map(|(key, shape)| {
                    let key = if key.starts_with('$') {
                        format!("${key}")
                    } else {
                        key.clone()
                    };
                    (key, shape.matcher(depth - 1).unwrap_or_else(|| json!({ "$any": true })))
                });
                Some(Json::Object(entries.collect::<Map<_, _>>()))
            }
            Self::Object(_) => Some(json!({ "$type": "object" })),
            Self::Array(items) => {
                let each = items
                    .as_ref()
                    .filter(|_| depth > 0)
                    .and_then(|items| items.matcher(depth - 1));
                Some(each.map_or_else(|| json!({ "$type": "array" }), |each| json!({ "$each": each })))
            }
        }
    }
}

/// Pointers to values that differ each time or are credentials. `near` is the time of the response in seconds.
pub(super) fn volatile(value: &Json, near: Option<i64>) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect(value, "", "", near, &mut found);
    found.into_iter().collect()
}

fn collect(value: &Json, name: &str, pointer: &str, near: Option<i64>, found: &mut BTreeSet<String>) {
    let is_volatile = match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                collect(value, key, &below, near, found);
            }
            return;
        }
        Json::Array(items) => {
            for item in items {
                collect(item, name, &format!("{pointer}/*"), near, found);
            }
            return;
        }
        Json::String(text) => {
            let is_instant = text.contains(['T', 't', ' ']) && DateTime::parse_from_rfc3339(text).is_ok();
            is_instant || is_credential(name) || is_token(text)
        }
        Json::Number(number) => match (number.as_i64(), near) {
            _ if is_credential(name) => true,
            (Some(number), Some(near)) => is_near(number, near),
            _ => false,
        },
        _ => false,
    };
    // The whole body is not redacted.
    if is_volatile && !pointer.is_empty() {
        found.insert(pointer.to_owned());
    }
}

/// Whether a text is a JSON Web Token (RFC 7519).
pub(super) fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() == 2 && text.len() > 40
}

/// Whether a number is a time in seconds or milliseconds within 400 days of another.
fn is_near(number: i64, near: i64) -> bool {
    const DAYS: i64 = 400 * 86_400;
    let is_close = |seconds: i64| seconds.abs_diff(near) < DAYS.unsigned_abs();
    is_close(number) || is_close(number / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_has_types_instead_of_values() {
        let value = json!({
            "id": 1, "name": "x", "note": null, "ok": true, "none": {}, "empty": [], "$ref": "a",
            "items": [{ "a": 1, "b": "x", "c": [1] }, { "a": null, "c": ["x"], "d": 1 }], "mixed": [1, { "a": 1 }],
        });
        let expected = json!({
            "id": { "$type": "number" }, "name": { "$type": "string" }, "note": { "$any": true },
            "ok": { "$type": "boolean" }, "none": { "$type": "object" }, "empty": { "$type": "array" },
            "$$ref": { "$type": "string" },
            "items": { "$each": { "a": { "$type": ["null", "number"] }, "c": { "$each": { "$type": ["number", "string"] } } } },
            "mixed": { "$each": { "$type": ["number", "object"] } },
        });
        assert_eq!(super::expected(&value), Some(expected));
        assert_eq!(super::expected(&Json::Null), None);
        assert_eq!(super::expected(&json!([null])), Some(json!({ "$type": "array" })));
    }

    #[test]
    fn large_shape_is_cut_at_a_depth() {
        let wide: Map<_, _> = (0..200).map(|n| (format!("p{n}"), Json::from(1))).collect();
        let value = json!({ "a": { "b": wide } });
        assert_eq!(
            super::expected(&value),
            Some(json!({ "a": { "b": { "$type": "object" } } }))
        );
    }

    #[test]
    fn volatile_values_are_times_and_credentials() {
        let value = json!({
            "at": "2026-01-02T03:04:05Z", "day": "2026-01-02", "list": [{ "t": 1_760_000_000 }, { "t": 1_760_000_001_000_i64 }],
            "n": 17, "access_token": "abc", "a/b": { "password": "x" }, "jwt": format!("eyJ{}.e.x", "a".repeat(50)),
        });
        let expected = ["/access_token", "/at", "/a~1b/password", "/jwt", "/list/*/t"];
        assert_eq!(volatile(&value, Some(1_760_000_500)), expected);
        assert_eq!(volatile(&json!("2026-01-02T03:04:05Z"), None), [""; 0]);
    }
}
