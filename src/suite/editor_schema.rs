//! The schemas that editors complete and check suite files with, generated from the types.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{CaseDef, SuiteDef};

/// The JSON Schema (2020-12) of a case file, as text.
pub fn case_schema() -> String {
    generate::<CaseDef>("A case of conforme")
}

/// The JSON Schema (2020-12) of a `suite.yaml`, as text.
pub fn suite_schema() -> String {
    generate::<SuiteDef>("A suite of conforme")
}

fn generate<T: JsonSchema>(title: &str) -> String {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
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
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
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
