//! The keys of each kind of file, with what they mean: from the schemas that `conforme schema` prints.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use super::{cursor::DocumentStep, role::FileRole};
use crate::{
    session::{accepted_schema, config_schema},
    suite::{case_schema, suite_schema},
};

/// Maximum number of schemas that one place can have.
const MAX_SCHEMAS: usize = 300;

static CASE: LazyLock<Value> = LazyLock::new(|| parsed(&case_schema()));
static SUITE: LazyLock<Value> = LazyLock::new(|| parsed(&suite_schema()));
static ACCEPTED: LazyLock<Value> = LazyLock::new(|| parsed(&accepted_schema()));
static CONFIG: LazyLock<Value> = LazyLock::new(|| parsed(&config_schema()));

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The schema of a kind of file.
pub(super) fn schema_of(role: &FileRole) -> Option<&'static Value> {
    match role {
        FileRole::Case { .. } => Some(&CASE),
        FileRole::Suite { .. } => Some(&SUITE),
        FileRole::Config => Some(&CONFIG),
        FileRole::Accepted => Some(&ACCEPTED),
        FileRole::Schema | FileRole::Other => None,
    }
}

/// The schemas of the value at a path, with references and alternatives followed.
pub(super) fn schemas_at<'v>(root: &'v Value, path: &[DocumentStep]) -> Vec<&'v Value> {
    let mut schemas = expanded(root, vec![root]);
    for step in path {
        let inner = schemas.iter().flat_map(|schema| below(schema, step)).collect();
        schemas = expanded(root, inner);
    }
    schemas
}

/// The schemas of what a step leads to.
fn below<'v>(schema: &'v Value, step: &DocumentStep) -> Vec<&'v Value> {
    let DocumentStep::Key(key) = step else {
        return schema.get("items").into_iter().collect();
    };
    if let Some(property) = schema.get("properties").and_then(|all| all.get(key)) {
        return vec![property];
    }
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|other| other.is_object());
    patterns
        .into_iter()
        .flat_map(|all| all.values())
        .chain(others)
        .collect()
}

fn expanded<'v>(root: &'v Value, schemas: Vec<&'v Value>) -> Vec<&'v Value> {
    let (mut found, mut open): (Vec<&Value>, _) = (Vec::new(), schemas);
    open.reverse();
    while let Some(schema) = open.pop() {
        if found.len() >= MAX_SCHEMAS || found.iter().any(|known| std::ptr::eq(*known, schema)) {
            continue;
        }
        found.push(schema);
        let reference = schema.get("$ref").and_then(Value::as_str);
        open.extend(reference.and_then(|reference| root.pointer(reference.strip_prefix('#')?)));
        for key in ["anyOf", "oneOf", "allOf"] {
            let all = schema.get(key).and_then(Value::as_array);
            open.extend(all.into_iter().flatten().rev());
        }
    }
    found
}

/// The keys of the mapping at a path, each with its description.
pub(super) fn keys_at<'v>(root: &'v Value, path: &[DocumentStep]) -> BTreeMap<&'v str, &'v str> {
    let mut keys = BTreeMap::new();
    for schema in schemas_at(root, path) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let text = property.get("description").and_then(Value::as_str);
            let known = keys.entry(name.as_str()).or_insert("");
            if known.is_empty() {
                *known = text.unwrap_or_default();
            }
        }
    }
    keys
}

/// What the key that a path ends with means.
pub(super) fn description<'v>(root: &'v Value, path: &[DocumentStep]) -> Option<&'v str> {
    let schemas = schemas_at(root, path);
    schemas.iter().find_map(|schema| schema.get("description")?.as_str())
}

/// The fixed texts that the value at a path can be.
pub(super) fn texts_at(root: &Value, path: &[DocumentStep]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut add = |value: &Value| match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Bool(value) => texts.push(value.to_string()),
        _ => {}
    };
    for schema in schemas_at(root, path) {
        let listed = schema.get("enum").and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .chain(schema.get("const"))
            .for_each(&mut add);
        let kind = schema.get("type");
        let is_boolean =
            |kind: &Value| kind == "boolean" || kind.as_array().is_some_and(|all| all.contains(&"boolean".into()));
        // Where any value can be written, `true` and `false` are no help.
        if kind.is_some_and(is_boolean) && kind.and_then(Value::as_array).is_none_or(|all| all.len() <= 2) {
            [true, false].map(Value::Bool).iter().for_each(&mut add);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<DocumentStep> {
        let step = |step: &str| {
            step.parse()
                .map_or_else(|_| DocumentStep::Key(step.to_owned()), DocumentStep::Item)
        };
        text.split('/').filter(|step| !step.is_empty()).map(step).collect()
    }

    #[test]
    fn keys_are_found_at_every_depth() {
        for (schema, at, key) in [
            (&CASE, "", "expect"),
            (&CASE, "expect/body", "schema"),
            (&CASE, "steps/3/request", "headers"),
            (&CASE, "expect/body/json/a/b/0", "$type"),
            (&SUITE, "inputs/token", "secret"),
            (&CONFIG, "targets/staging/secrets/token", "env"),
            (&CONFIG, "targets/staging/secrets/token/oauth2/client_secret", "file"),
            (&ACCEPTED, "accepted/0", "pointer"),
        ] {
            let keys = keys_at(schema, &path(at));
            assert!(keys.get(key).is_some_and(|text| !text.is_empty()), "{at}: {keys:?}");
        }
        assert!(description(&CASE, &path("expect/status")).is_some());
        assert!(texts_at(&CASE, &path("expect/rules/http~1date")).is_empty());
        assert!(texts_at(&CASE, &path("steps/0/go_on")).contains(&"true".to_owned()));
    }
}
