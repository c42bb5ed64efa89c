//! Tests of single JSON values, merged to one expectation.

use serde_json::{Map, Value as Json, json};

/// The expectation so far.
#[derive(Default)]
pub(super) struct JsonTests {
    pub(super) value: Option<Json>,
}

impl JsonTests {
    /// Adds a matcher at a path of names; `None` if it contradicts another, or if the path has an index: the items of an
    /// array are expected together.
    pub(super) fn insert(&mut self, path: &[String], matcher: Json) -> Option<()> {
        let is_index = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
        if path.iter().any(is_index) {
            return None;
        }
        let mut value = self.value.clone().unwrap_or_else(|| json!({}));
        let mut at = &mut value;
        for name in path {
            let key = if name.starts_with('$') {
                format!("${name}")
            } else {
                name.clone()
            };
            let object = at.as_object_mut()?;
            if is_matcher(object) {
                // A property states that the value is an object.
                let is_object = object.len() == 1
                    && (object.get("$any") == Some(&Json::Bool(true)) || object.get("$type") == Some(&json!("object")));
                if !is_object {
                    return None;
                }
                object.clear();
            }
            at = object.entry(key).or_insert_with(|| json!({}));
        }
        merge(at, matcher)?;
        self.value = Some(value);
        Some(())
    }
}

/// Whether an object consists of matchers.
fn is_matcher(map: &Map<String, Json>) -> bool {
    !map.is_empty() && map.keys().all(|key| key.starts_with('$') && !key.starts_with("$$"))
}

/// Adds a test to those of a value.
fn merge(at: &mut Json, matcher: Json) -> Option<()> {
    let exists = json!({ "$any": true });
    let is_new = at.as_object().is_some_and(Map::is_empty);
    if is_new || *at == exists {
        *at = matcher;
        return Some(());
    }
    if matcher == exists || matcher == *at {
        return Some(());
    }
    let is_object = at.as_object().is_some_and(|map| !is_matcher(map));
    if is_object && matcher == json!({ "$type": "object" }) {
        return Some(());
    }
    match (at.as_object_mut(), matcher) {
        (Some(known), Json::Object(more)) => {
            let is_same_kind = is_matcher(known) && is_matcher(&more);
            if !is_same_kind || more.keys().any(|key| known.contains_key(key)) || more.contains_key("$any") {
                return None;
            }
            known.extend(more);
            Some(())
        }
        _ => None,
    }
}
