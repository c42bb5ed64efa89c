//! The schemas that editors complete and check suite files with, generated from the types.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

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
        // Everything has a default: a file says only what is its own.
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

/// Drops `required` from an object of a fixed set of properties; `oneOf` alternatives keep theirs.
fn optional(schema: &mut serde_json::Map<String, Value>) {
    if !schema.contains_key("oneOf") {
        schema.remove("required");
    }
}
