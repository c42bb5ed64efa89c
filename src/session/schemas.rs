//! The JSON Schemas of conforme's files, as they are published with a release.

use serde_json::Value;

/// The schema `name`, such as `case`, with its public address as `$id`.
pub fn published_schema(name: &str, schema: &str) -> String {
    let Ok(Value::Object(mut document)) = serde_json::from_str(schema) else {
        return schema.to_owned();
    };
    document.insert("$id".to_owned(), address(name).into());
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// The address of a schema in the repository, at the tag of this version.
fn address(name: &str) -> String {
    let raw = env!("CARGO_PKG_REPOSITORY").replacen("//github.com/", "//raw.githubusercontent.com/", 1);
    format!("{raw}/v{}/schemas/{name}.schema.json", env!("CARGO_PKG_VERSION"))
}
