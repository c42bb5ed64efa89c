//! The schemas that editors complete and check suite files with, generated from the types.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{CaseDef, StepDef, SuiteDef};

/// Lists of steps besides `steps`, with what an editor shows of them.
const LISTS: [(&str, &str); 2] = [
    (
        "setup",
        "Steps before the others. If one fails, the case is errored: the contract was not tested.",
    ),
    (
        "teardown",
        "Steps that always run, after the others, to remove what the case created.",
    ),
];

/// The JSON Schema (2020-12) of a case file, as text.
pub fn case_schema() -> String {
    generate::<CaseDef>("A case of conforme", |root, steps| {
        // A case has the fields of a step: those of its only step, or what its steps inherit.
        let step = steps.pointer("/$defs/Step/properties").and_then(Value::as_object);
        for (name, property) in step.into_iter().flatten().filter(|(name, _)| *name != "id") {
            root.insert(name.clone(), property.clone());
        }
    })
}

/// The JSON Schema (2020-12) of a `suite.yaml`, as text.
pub fn suite_schema() -> String {
    generate::<SuiteDef>("A suite of conforme", |_, _| {})
}

/// Generates the schema of a type. `amend` changes the properties of the root; the second argument is a schema that
/// contains the definition of a step.
fn generate<T: JsonSchema>(title: &str, amend: impl FnOnce(&mut Map<String, Value>, &Value)) -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let steps = generator.subschema_for::<Vec<StepDef>>().to_value();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    let defs = schema.clone();
    if let Some(properties) = schema.pointer_mut("/properties").and_then(Value::as_object_mut) {
        amend(properties, &defs);
        for (name, description) in LISTS {
            let mut list = steps.clone();
            list["description"] = description.into();
            properties.insert(name.to_owned(), list);
        }
    }
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), title.into());
        // Everything has a default: a file contains only its own settings.
        optional(root);
        for definition in root
            .get_mut("$defs")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(|all| all.values_mut())
        {
            if let Value::Object(definition) = definition {
                optional(definition);
            }
        }
    }
    describe_keys(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Moves descriptions to the keys that they are about. An editor shows the description of a definition, and not that of a property
/// which refers to it: descriptions of definitions go to the places that have no description of their own, and the description
/// of an alternative with one key goes to that key.
pub(crate) fn describe_keys(schema: &mut Value) {
    describe_single_keys(schema);
    let mut descriptions = Map::new();
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for (name, definition) in definitions.into_iter().flatten() {
        let description = definition
            .as_object_mut()
            .and_then(|definition| definition.remove("description"));
        descriptions.extend(description.map(|description| (format!("#/$defs/{name}"), description)));
    }
    describe(schema, false, &descriptions);
}

/// Moves the description of each alternative that is an object with one key to that key.
fn describe_single_keys(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(describe_single_keys),
        Value::Object(entries) => {
            entries.values_mut().for_each(describe_single_keys);
            for key in ["anyOf", "oneOf"] {
                for one in entries.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
                    let Some(one) = one.as_object_mut() else { continue };
                    let properties = one.get("properties").and_then(Value::as_object);
                    if properties.is_none_or(|properties| properties.len() != 1) {
                        continue;
                    }
                    let description = one.remove("description");
                    let property = one
                        .get_mut("properties")
                        .and_then(|all| all.as_object_mut()?.values_mut().next());
                    if let (Some(description), Some(Value::Object(property))) = (description, property) {
                        property.insert("description".to_owned(), description);
                    }
                }
            }
        }
        _ => {}
    }
}

fn describe(schema: &mut Value, is_described: bool, descriptions: &Map<String, Value>) {
    let Value::Object(entries) = schema else { return };
    let is_described = is_described || entries.contains_key("description");
    let reference = entries.get("$ref").and_then(Value::as_str);
    let description = reference.and_then(|reference| descriptions.get(reference)).cloned();
    if let Some(description) = description.filter(|_| !is_described) {
        entries.insert("description".to_owned(), description);
    }
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(all)) => {
                for (_, inner) in all {
                    describe(inner, false, descriptions);
                }
            }
            // The alternatives of a definition are not keys.
            ("$defs", Value::Object(all)) => {
                for (_, inner) in all {
                    describe(inner, true, descriptions);
                }
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(all)) => {
                for inner in all {
                    describe(inner, is_described, descriptions);
                    // The text of the key is the only one that is shown.
                    if is_described && let Some(inner) = inner.as_object_mut() {
                        inner.remove("description");
                    }
                }
            }
            ("items" | "additionalProperties", inner) => describe(inner, false, descriptions),
            _ => {}
        }
    }
}

/// Drops `required` from an object of a fixed set of properties and lets each property be `null`: this removes an
/// inherited entry. `oneOf` alternatives are unchanged.
fn optional(schema: &mut Map<String, Value>) {
    if schema.contains_key("oneOf") {
        return;
    }
    schema.remove("required");
    for property in schema
        .get_mut("properties")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|all| all.values_mut())
    {
        if let Value::Object(property) = property {
            nullable(property);
        }
    }
}

fn nullable(property: &mut Map<String, Value>) {
    let null = || Value::from("null");
    if let Some(reference) = property.remove("$ref") {
        let either = json!([{ "$ref": reference }, { "type": "null" }]);
        property.insert("anyOf".to_owned(), either);
    } else if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.push(Value::Null);
    } else if let Some(kind) = property.get_mut("type") {
        match kind {
            Value::String(one) if one != "null" => *kind = json!([one, "null"]),
            Value::Array(many) if !many.contains(&null()) => many.push(null()),
            _ => {}
        }
    }
}
