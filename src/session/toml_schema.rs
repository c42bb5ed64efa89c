//! Schemas for editors of TOML.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::suite::{case_schema, describe_keys};

/// Gives each key one text. An editor of TOML (taplo) reads nothing beside a reference, and shows the texts of all alternatives:
/// a described reference becomes the definition itself. TOML has no null, which would be an alternative everywhere.
pub(super) fn for_toml(schema: &mut Value) {
    describe_keys(schema);
    without_null(schema);
    let definitions = schema
        .get("$defs")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    // Requests and patterns contain themselves.
    let shared: Value = serde_json::from_str(&case_schema()).unwrap_or_default();
    let is_shared = |name: &str| shared["$defs"].get(name).is_some();
    inline(schema, &definitions, &is_shared);
    remove_unused(schema);
}

/// Removes null as a type and as an alternative. If one alternative is left, it replaces the list of alternatives.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(without_null),
        Value::Object(entries) => {
            if let Some(Value::Array(types)) = entries.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    entries.insert("type".to_owned(), one);
                }
            }
            for key in ["anyOf", "oneOf"] {
                let Some(Value::Array(all)) = entries.get_mut(key) else {
                    continue;
                };
                all.retain(|one| *one != json!({ "type": "null" }));
                if let [Value::Object(one)] = all.as_slice() {
                    let one = one.clone();
                    entries.remove(key);
                    add(entries, one);
                }
            }
            entries.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// Adds the entries that are not there yet.
fn add(entries: &mut Map<String, Value>, others: Map<String, Value>) {
    for (key, value) in others {
        entries.entry(key).or_insert(value);
    }
}

fn inline(schema: &mut Value, definitions: &Map<String, Value>, is_shared: &dyn Fn(&str) -> bool) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(|one| inline(one, definitions, is_shared)),
        Value::Object(entries) => {
            if entries.get("description").is_some_and(Value::is_string)
                && let Some(Value::String(reference)) = entries.remove("$ref")
            {
                let name = reference.trim_start_matches("#/$defs/");
                match definitions.get(name) {
                    Some(Value::Object(definition)) if !is_shared(name) => add(entries, definition.clone()),
                    _ => drop(entries.insert("anyOf".to_owned(), json!([{ "$ref": reference }]))),
                }
            }
            entries.values_mut().for_each(|one| inline(one, definitions, is_shared));
        }
        _ => {}
    }
}

/// Removes definitions that nothing refers to, directly or through others.
fn remove_unused(schema: &mut Value) {
    let mut used = BTreeSet::new();
    let definitions = schema.as_object_mut().and_then(|root| root.remove("$defs"));
    let Some(Value::Object(mut definitions)) = definitions else {
        return;
    };
    let mut open = vec![schema.clone()];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(all) => open.extend(all),
            Value::Object(entries) => {
                if let Some(name) = entries
                    .get("$ref")
                    .and_then(|name| name.as_str()?.strip_prefix("#/$defs/"))
                    && used.insert(name.to_owned())
                {
                    open.extend(definitions.get(name).cloned());
                }
                open.extend(entries.into_iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    definitions.retain(|name, _| used.contains(name));
    if !definitions.is_empty() {
        schema["$defs"] = definitions.into();
    }
}
