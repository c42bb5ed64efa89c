//! The JSON Schema of the file of accepted changes. A field's comment is what an editor shows.
#![expect(dead_code, reason = "these types are never made: they describe what may be written")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::toml_schema::for_toml;
use crate::compare::CHANGE_RULES;

/// The JSON Schema (2020-12) of `accepted-changes.toml`, as text.
pub fn accepted_schema() -> String {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<AcceptedFile>()
        .to_value();
    schema["title"] = "accepted-changes.toml".into();
    // An entry names what it covers: anything but its reason and its end.
    let keys = [
        "rule",
        "suite",
        "case",
        "endpoint",
        "pointer",
        "header",
        "parameter",
        "fingerprint",
    ];
    let any: Vec<_> = keys.map(|key| json!({ "required": [key] })).into();
    if let Some(Value::Object(entry)) = schema.pointer_mut("/$defs/AcceptedTable") {
        entry.insert("anyOf".to_owned(), any.into());
    }
    for_toml(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Changes between two versions that were decided on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AcceptedFile {
    /// The accepted changes, each as `[[accepted]]`. All keys of an entry must match a change.
    accepted: Option<Vec<AcceptedTable>>,
}

/// An accepted change.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AcceptedTable {
    /// The rule of the change, such as `body/property-removed`.
    rule: Option<RuleName>,
    /// The id of the suite.
    suite: Option<String>,
    /// The id of the case.
    case: Option<String>,
    /// The endpoint: the method and the path as written in the suite, such as `GET /users/{id}`.
    endpoint: Option<String>,
    /// The JSON pointer of the change, with `*` for any item: `/items/*/id`. Empty for the whole body.
    #[schemars(regex(pattern = r"^(/.*)?$"))]
    pointer: Option<String>,
    /// The header field of the change.
    header: Option<String>,
    /// The parameter of a change of a document of the API, by its location and name, such as `query limit`.
    parameter: Option<String>,
    /// The fingerprint of the change, as in the reports.
    #[schemars(regex(pattern = r"^[0-9A-Fa-f]{16}$"))]
    fingerprint: Option<String>,
    /// Why no client breaks, or why the change is justified.
    #[schemars(regex(pattern = r"\S"))]
    reason: String,
    /// The last day on which the entry counts, such as `2027-01-31`.
    expires: Option<Day>,
}

struct RuleName(String);

impl JsonSchema for RuleName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RuleName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let reasons: BTreeMap<_, _> = CHANGE_RULES.iter().map(|row| (row.id, row.reason)).collect();
        let (ids, reasons): (Vec<_>, Vec<_>) = reasons.into_iter().unzip();
        // The second is what taplo shows of a value.
        json_schema!({ "enum": ids, "x-taplo": { "docs": { "enumValues": reasons } } })
    }
}

struct Day(String);

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // A date of TOML, or a text.
        json_schema!({ "type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}
