mod laws;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::source::{Diagnostics, Sources};

fn read(value: &Value) -> ApiDocument {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), value.to_string()).unwrap();
    let mut errors = Diagnostics::default();
    let mut sources = Sources::new(folder.path());
    let document = ApiDocument::open(folder.path(), "a.json", &mut sources, &mut errors);
    document.unwrap_or_else(|| panic!("{}\n{value}", errors.render(&sources, false)))
}

fn compared_on(old: &Value, new: &Value, today: &str) -> DocumentComparison {
    let how = DocumentCompareOptions {
        levels: &Levels::default(),
        accepted: &[],
        today: today.parse().unwrap(),
        fail_on: Some(ChangeLevel::Breaking),
    };
    compare_documents((&read(old), "old"), (&read(new), "new"), &how)
}

fn compared(old: &Value, new: &Value) -> DocumentComparison {
    compared_on(old, new, "2026-12-01")
}

/// The rules of the changes, each with the first letter of its level.
fn rules(comparison: &DocumentComparison) -> BTreeSet<String> {
    let level = |change: &DeclaredChange| match change.level {
        ChangeLevel::Breaking => "B",
        ChangeLevel::Warning => "W",
        ChangeLevel::Info => "I",
    };
    let changes = comparison.changes.iter();
    changes
        .map(|change| format!("{} {}", level(change), change.rule))
        .collect()
}

fn set(text: &str) -> BTreeSet<String> {
    text.split(", ")
        .filter(|rule| !rule.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A document whose only operation has a schema in its request and in its response.
fn with_schema(version: &str, schema: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap_or_else(|error| panic!("{error}: {schema}"));
    let content = json!({"application/json": {"schema": schema}});
    json!({
        "openapi": version, "info": {"title": "t", "version": "1"},
        "paths": {"/x": {"post": {
            "requestBody": {"content": content, "required": true},
            "responses": {"200": {"description": "d", "content": content}}
        }}},
        "components": {"schemas": {
            "S": {"type": "string"}, "I": {"type": "integer"},
            "A": {"type": "object", "required": ["k"], "properties": {"k": {"enum": ["a"]}, "x": {"type": "string"}}},
            "B": {"type": "object", "required": ["k"], "properties": {"k": {"enum": ["b"]}, "y": {"type": "string"}}},
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}, "n": {"type": "integer"}}}
        }}
    })
}

/// Two schemas, the changes from one to the other, and the changes back.
const SCHEMAS: &[(&str, &str, &str, &str)] = &[
    (
        r#"{"type":"string"}"#,
        r#"{"type":"integer"}"#,
        "B request/type-changed, B body/type-changed",
        "B request/type-changed, B body/type-changed",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":["string","boolean"]}"#,
        "I request/type-widened, B body/type-widened",
        "B request/type-narrowed, I body/type-narrowed",
    ),
    (
        r#"{"type":"integer"}"#,
        r#"{"type":"number"}"#,
        "I request/type-widened, B body/integer-to-number",
        "B request/type-narrowed, I body/number-to-integer",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":"array","items":{"type":"string"}}"#,
        "B request/type-changed, B body/became-array",
        "B request/type-changed, B body/no-longer-array",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":["string","null"]}"#,
        "I request/null-allowed, B body/became-null",
        "B request/null-forbidden, I body/no-longer-null",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":"string","format":"date"}"#,
        "W request/format-added, I body/format-gained",
        "I request/format-removed, B body/format-lost",
    ),
    (
        r#"{"type":"string","format":"date-time"}"#,
        r#"{"type":"string","format":"date"}"#,
        "B request/format-changed, B body/format-changed",
        "B request/format-changed, B body/format-changed",
    ),
    (
        r#"{"type":"integer","format":"int32"}"#,
        r#"{"type":"integer","format":"int64"}"#,
        "I request/bound-widened, W body/bound-widened",
        "B request/bound-tightened, I body/bound-tightened",
    ),
    (
        r#"{"type":"string","enum":["a"]}"#,
        r#"{"type":"string","enum":["a","b"]}"#,
        "I request/enum-value-added, W body/enum-value-added",
        "B request/enum-value-removed, I body/enum-value-removed",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":"string","enum":["a"]}"#,
        "B request/values-closed, I body/values-closed",
        "I request/values-opened, W body/values-opened",
    ),
    (
        r#"{"type":"string","const":"a"}"#,
        r#"{"type":"string","const":"b"}"#,
        "I request/enum-value-added, B request/enum-value-removed, W body/enum-value-added, I body/enum-value-removed",
        "I request/enum-value-added, B request/enum-value-removed, W body/enum-value-added, I body/enum-value-removed",
    ),
    (
        r#"{"type":"integer","maximum":10}"#,
        r#"{"type":"integer","maximum":9}"#,
        "B request/bound-tightened, I body/bound-tightened",
        "I request/bound-widened, W body/bound-widened",
    ),
    (
        r#"{"type":"number","minimum":0}"#,
        r#"{"type":"number","exclusiveMinimum":0}"#,
        "B request/bound-tightened, I body/bound-tightened",
        "I request/bound-widened, W body/bound-widened",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":"string","minLength":1}"#,
        "B request/bound-tightened, I body/bound-tightened",
        "I request/bound-widened, W body/bound-widened",
    ),
    (
        r#"{"type":"integer","multipleOf":4}"#,
        r#"{"type":"integer","multipleOf":6}"#,
        "B request/bound-tightened, I request/bound-widened, I body/bound-tightened, W body/bound-widened",
        "B request/bound-tightened, I request/bound-widened, I body/bound-tightened, W body/bound-widened",
    ),
    (
        r#"{"type":"array","items":{}}"#,
        r#"{"type":"array","items":{},"uniqueItems":true}"#,
        "B request/bound-tightened, I body/bound-tightened",
        "I request/bound-widened, W body/bound-widened",
    ),
    (
        r#"{"type":"string","pattern":"a"}"#,
        r#"{"type":"string","pattern":"b"}"#,
        "W request/pattern-changed, W body/pattern-changed",
        "W request/pattern-changed, W body/pattern-changed",
    ),
    (
        r#"{"type":"object","properties":{"a":{}}}"#,
        r#"{"type":"object","properties":{"a":{},"b":{}}}"#,
        "I request/property-added, I body/property-added",
        "W request/property-removed, W body/property-removed",
    ),
    (
        r#"{"type":"object","properties":{"a":{}}}"#,
        r#"{"type":"object","properties":{"a":{},"b":{}},"required":["b"]}"#,
        "B request/property-required, I body/property-added",
        "W request/property-removed, B body/property-removed",
    ),
    (
        r#"{"type":"object","properties":{},"additionalProperties":false}"#,
        r#"{"type":"object","properties":{"b":{}},"additionalProperties":false}"#,
        "I request/property-added, I body/property-added",
        "B request/property-removed, W body/property-removed",
    ),
    (
        r#"{"type":"object","properties":{"a":{}}}"#,
        r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
        "B request/property-required, I body/property-required",
        "I request/property-optional, B body/property-optional",
    ),
    (
        r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"string","readOnly":true}}}"#,
        "B request/property-removed",
        "I request/property-added",
    ),
    (
        r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#,
        r#"{"type":"object","properties":{"a":{"type":"string","writeOnly":true}},"required":["a"]}"#,
        "B body/property-removed",
        "I body/property-added",
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"type":"object","additionalProperties":false}"#,
        "B request/additional-properties-forbidden, I body/additional-properties-forbidden",
        "I request/additional-properties-allowed, I body/additional-properties-allowed",
    ),
    (
        r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
        r#"{"type":"object","additionalProperties":{"type":"integer"}}"#,
        "B request/type-changed, B body/type-changed",
        "B request/type-changed, B body/type-changed",
    ),
    (
        r##"{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/Tree"}]}"##,
        r##"{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"},{"$ref":"#/components/schemas/Tree"}]}"##,
        "I request/alternative-added, W body/alternative-added",
        "B request/alternative-removed, I body/alternative-removed",
    ),
    (
        r##"{"$ref":"#/components/schemas/A"}"##,
        r##"{"anyOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"}]}"##,
        "I request/alternative-added, W body/alternative-added",
        "B request/alternative-removed, I body/alternative-removed",
    ),
    (
        r#"{"type":"string","default":"a"}"#,
        r#"{"type":"string","default":"b"}"#,
        "W request/default-changed",
        "W request/default-changed",
    ),
    (
        r#"{"type":"string"}"#,
        r#"{"type":"string","deprecated":true}"#,
        "I document/deprecated",
        "I document/no-longer-deprecated",
    ),
    (
        r#"{"type":"string","not":{"maxLength":1}}"#,
        r#"{"type":"string","not":{"maxLength":2}}"#,
        "W document/not-compared",
        "W document/not-compared",
    ),
    (
        r#"{"type":"array","prefixItems":[{"type":"string"}]}"#,
        r#"{"type":"array","prefixItems":[{"type":"integer"}]}"#,
        "B request/type-changed, B body/type-changed",
        "B request/type-changed, B body/type-changed",
    ),
    (
        r#"{"type":"array","prefixItems":[{"type":"string"}]}"#,
        r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"string"}]}"#,
        "W document/not-compared",
        "W document/not-compared",
    ),
    (
        r#"{"type":"object","patternProperties":{"^a":{"type":"string"}}}"#,
        r#"{"type":"object","patternProperties":{"^b":{"type":"string"}}}"#,
        "W document/not-compared",
        "W document/not-compared",
    ),
    (
        r#"{"type":"string"}"#,
        "false",
        "B request/type-narrowed, I body/type-narrowed",
        "I request/type-widened, B body/type-widened",
    ),
];

#[test]
fn schema_change_has_its_rules_in_both_directions() {
    for (old, new, forward, backward) in SCHEMAS {
        let (a, b) = (with_schema("3.1.0", old), with_schema("3.1.0", new));
        assert_eq!(rules(&compared(&a, &b)), set(forward), "{old} → {new}");
        assert_eq!(rules(&compared(&b, &a)), set(backward), "{new} → {old}");
    }
}

/// Pairs of schemas that accept the same.
const EQUAL: &[(&str, &str)] = &[
    (r##"{"$ref":"#/components/schemas/S"}"##, r#"{"type":"string"}"#),
    (
        r##"{"allOf":[{"$ref":"#/components/schemas/A"},{"required":["x"]}]}"##,
        r#"{"type":"object","required":["k","x"],"properties":{"k":{"const":"a"},"x":{"type":"string"}}}"#,
    ),
    (
        r##"{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"}]}"##,
        r##"{"oneOf":[{"allOf":[{"$ref":"#/components/schemas/B"}]},{"$ref":"#/components/schemas/A"}]}"##,
    ),
    (
        r##"{"anyOf":[{"$ref":"#/components/schemas/S"},{"type":"null"}]}"##,
        r#"{"type":["null","string"]}"#,
    ),
    (r#"{"oneOf":[{"const":"a"},{"const":"b"}]}"#, r#"{"enum":["b","a"]}"#),
    (
        r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#,
        r#"{"type":["integer","string"]}"#,
    ),
    (
        r##"{"$ref":"#/components/schemas/Tree"}"##,
        r##"{"type":"object","properties":{"n":{"type":"integer"},"left":{"$ref":"#/components/schemas/Tree"}}}"##,
    ),
    (
        r#"{"type":"string","description":"a","title":"b","examples":["c"],"x-note":1,"minLength":0}"#,
        r#"{"type":"string"}"#,
    ),
    (
        r#"{"type":"number","maximum":10}"#,
        r#"{"type":"number","maximum":1e1}"#,
    ),
    (
        r#"{"not":{"type":"string"}}"#,
        r##"{"not":{"$ref":"#/components/schemas/S"}}"##,
    ),
];

#[test]
fn other_spelling_of_a_schema_is_no_change() {
    for (old, new) in EQUAL {
        let (a, b) = (with_schema("3.1.0", old), with_schema("3.1.0", new));
        assert_eq!(rules(&compared(&a, &b)), BTreeSet::new(), "{old} → {new}");
        assert_eq!(rules(&compared(&b, &a)), BTreeSet::new(), "{new} → {old}");
    }
}

#[test]
fn forms_of_versions_are_no_change() {
    let pairs = [
        (r#"{"type":"string","nullable":true}"#, r#"{"type":["string","null"]}"#),
        (
            r#"{"type":"number","minimum":1,"exclusiveMinimum":true}"#,
            r#"{"type":"number","exclusiveMinimum":1}"#,
        ),
        (
            r##"{"nullable":true,"allOf":[{"$ref":"#/components/schemas/A"}]}"##,
            r##"{"oneOf":[{"$ref":"#/components/schemas/A"},{"type":"null"}]}"##,
        ),
        (
            r#"{"type":"string","nullable":true,"enum":["a",null]}"#,
            r#"{"enum":[null,"a"]}"#,
        ),
        (
            r##"{"$ref":"#/components/schemas/S","maxLength":1}"##,
            r##"{"$ref":"#/components/schemas/S","description":"a"}"##,
        ),
    ];
    for (old, new) in pairs {
        for version in ["3.1.0", "3.2.0"] {
            let (a, b) = (with_schema("3.0.3", old), with_schema(version, new));
            assert_eq!(rules(&compared(&a, &b)), BTreeSet::new(), "{old} → {new}");
            assert_eq!(rules(&compared(&b, &a)), BTreeSet::new(), "{new} → {old}");
        }
    }
}

/// A document with one operation, with parts of it replaced.
fn with(parts: &[(&str, Value)]) -> Value {
    let mut document = json!({
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://a.example/v1"}],
        "paths": {"/a/{id}": {"get": {
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "q", "in": "query", "schema": {"type": "string"}}
            ],
            "requestBody": {"content": {"application/json": {"schema": {}}}},
            "responses": {
                "200": {"description": "d", "content": {"application/json": {"schema": {"type": "object"}}},
                    "headers": {"X-Total": {"schema": {"type": "integer"}}}},
                "404": {"description": "d"}
            }
        }}},
        "components": {"securitySchemes": {
            "one": {"type": "http", "scheme": "bearer"}, "two": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "three": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a", "scopes": {"r": "", "w": ""}}}}
        }}
    });
    for (pointer, value) in parts {
        let (around, name) = pointer.rsplit_once('/').unwrap();
        let around = document.pointer_mut(around).unwrap_or_else(|| panic!("{pointer}"));
        match (around, value) {
            (Value::Object(entries), Value::Null) => drop(entries.remove(name)),
            (Value::Object(entries), value) => drop(entries.insert(name.to_owned(), value.clone())),
            (Value::Array(items), Value::Null) => drop(items.remove(name.parse::<usize>().unwrap())),
            (Value::Array(items), value) => items.push(value.clone()),
            _ => panic!("{pointer}"),
        }
    }
    document
}

const GET: &str = "/paths/~1a~1{id}/get";

// Long: a table.
#[test]
fn operation_change_has_its_rules_in_both_directions() {
    let at = |pointer: &str| format!("{GET}{pointer}");
    let of = |pointer: &str, value: Value| with(&[(&at(pointer), value)]);
    let query =
        |required: bool| json!({"name": "n", "in": "query", "required": required, "schema": {"type": "string"}});
    let content = |name: &str| json!({name: {"schema": {"type": "object"}}});
    let plain = with(&[]);
    let rows = [
        (of("", Value::Null), "B operation/removed", "I operation/added"),
        (
            of("/deprecated", json!(true)),
            "I document/deprecated",
            "I document/no-longer-deprecated",
        ),
        (
            of("/parameters/-", query(true)),
            "B request/parameter-required",
            "W request/parameter-removed",
        ),
        (
            of("/parameters/-", query(false)),
            "I request/parameter-added",
            "W request/parameter-removed",
        ),
        (
            of("/parameters/1/required", json!(true)),
            "B request/parameter-required",
            "I request/parameter-optional",
        ),
        (
            of("/parameters/1/schema", json!({"type": "integer"})),
            "B request/type-changed",
            "B request/type-changed",
        ),
        (
            of("/requestBody/required", json!(true)),
            "B request/body-required",
            "I request/body-optional",
        ),
        (
            of("/requestBody", Value::Null),
            "W request/body-removed",
            "I request/body-added",
        ),
        (
            of("/requestBody/content/text~1plain", json!({})),
            "I request/media-type-added",
            "B request/media-type-removed",
        ),
        (of("/responses/404", Value::Null), "W status/removed", "I status/added"),
        (
            of("/responses/201", json!({"description": "d"})),
            "I status/added",
            "B status/removed",
        ),
        (
            of("/responses/200/content", Value::Null),
            "B body/vanished",
            "W body/appeared",
        ),
        (
            of("/responses/200/content", content("text/html")),
            "B header/media-type-changed",
            "B header/media-type-changed",
        ),
        (
            of("/responses/200/headers", Value::Null),
            "W header/removed",
            "I header/added",
        ),
        (
            of("/responses/200/headers/X-Total/required", json!(true)),
            "I header/required",
            "W header/optional",
        ),
        (
            of("/responses/200/headers/X-Total/schema", json!({"type": "number"})),
            "W header/values-widened",
            "I header/values-narrowed",
        ),
        (
            of("/security", json!([{"one": []}])),
            "B request/security-tightened",
            "I request/security-relaxed",
        ),
        (
            of("/callbacks", json!({"c": {"{$url}": {"post": {"responses": {}}}}})),
            "W document/not-compared",
            "W document/not-compared",
        ),
        (
            with(&[("/webhooks", json!({"w": {"post": {"responses": {}}}}))]),
            "W document/not-compared",
            "W document/not-compared",
        ),
        (
            with(&[("/servers/-", json!({"url": "https://b.example"}))]),
            "I document/server-added",
            "W document/server-removed",
        ),
        (
            with(&[(
                "/components/securitySchemes/three/flows/clientCredentials/tokenUrl",
                json!("https://b"),
            )]),
            "W request/security-scheme-changed",
            "W request/security-scheme-changed",
        ),
    ];
    for (changed, forward, backward) in rows {
        assert_eq!(rules(&compared(&plain, &changed)), set(forward), "{forward}: {changed}");
        assert_eq!(
            rules(&compared(&changed, &plain)),
            set(backward),
            "{backward}: {changed}"
        );
    }
}

#[test]
fn change_of_one_of_two_sides_has_its_rule() {
    let at = |pointer: &str| format!("{GET}{pointer}");
    let of = |pointer: &str, value: Value| with(&[(&at(pointer), value)]);
    let response = json!({"description": "d", "content": {"application/json": {"schema": {"type": "object"}}}});
    let list = |explode: bool| json!({"name": "l", "in": "query", "explode": explode, "schema": {"type": "array", "items": {}}});
    let rows = [
        (
            of("/responses", json!({"200": response})),
            of("/responses", json!({"201": response})),
            "W status/success-changed",
        ),
        (
            of("/responses", json!({"4XX": response})),
            of("/responses", json!({"404": response, "4XX": response})),
            "",
        ),
        (
            of("/responses", json!({"404": response, "default": response})),
            of("/responses", json!({"default": response})),
            "",
        ),
        (
            of("/parameters/-", list(true)),
            of("/parameters/-", list(false)),
            "B request/parameter-style-changed",
        ),
        (
            of("/security", json!([{"one": []}])),
            of("/security", json!([{"one": []}, {"two": []}])),
            "I request/security-relaxed",
        ),
        (
            of("/security", json!([{"three": ["r"]}])),
            of("/security", json!([{"three": ["r", "w"]}])),
            "B request/security-tightened",
        ),
        (
            of("/security", json!([{"one": []}])),
            of("/security", json!([{"two": []}])),
            "B request/security-tightened, I request/security-relaxed",
        ),
        (
            of(
                "/responses/200/content",
                json!({"application/json": {}, "text/csv": {}}),
            ),
            of("/responses/200/content", json!({"application/json; charset=utf-8": {}})),
            "B header/media-type-removed",
        ),
        (
            of("/responses/200/content", json!({"text/csv": {}})),
            of("/responses/200/content", json!({"text/csv": {}, "text/html": {}})),
            "I header/media-type-added",
        ),
        (
            of("/requestBody/content", json!({"text/csv": {}})),
            of("/requestBody/content", json!({"text/*": {}})),
            "I request/media-type-added",
        ),
    ];
    for (old, new, expected) in rows {
        assert_eq!(rules(&compared(&old, &new)), set(expected), "{old} → {new}");
    }
}

#[test]
fn names_and_descriptions_are_no_change() {
    let plain = with(&[]);
    let mut other = with(&[
        (&format!("{GET}/operationId"), json!("get")),
        (&format!("{GET}/tags"), json!(["a"])),
        (&format!("{GET}/summary"), json!("b")),
        (&format!("{GET}/responses/200/description"), json!("c")),
        (&format!("{GET}/parameters/1/example"), json!("d")),
        ("/info/title", json!("e")),
    ]);
    let paths = other["paths"].as_object_mut().unwrap();
    let mut item = paths.remove("/a/{id}").unwrap();
    item["get"]["parameters"][0]["name"] = json!("key");
    paths.insert("/a/{key}".to_owned(), item);
    assert_eq!(rules(&compared(&plain, &other)), BTreeSet::new());
    let renamed = other.to_string().replace("\"one\"", "\"token\"");
    assert_eq!(
        rules(&compared(&plain, &serde_json::from_str(&renamed).unwrap())),
        BTreeSet::new()
    );
}

#[test]
fn removal_of_a_deprecated_operation_depends_on_its_sunset() {
    let removed = with(&[(GET, Value::Null)]);
    for (sunset, expected) in [
        (None, "W operation/removed"),
        (Some("2026-11-30"), "I operation/removed"),
        (Some("2026-12-31T00:00:00Z"), "B operation/removed"),
    ] {
        let mut parts = vec![(format!("{GET}/deprecated"), json!(true))];
        parts.extend(sunset.map(|day| (format!("{GET}/x-sunset"), json!(day))));
        let parts: Vec<_> = parts.iter().map(|(at, value)| (at.as_str(), value.clone())).collect();
        assert_eq!(
            rules(&compared_on(&with(&parts), &removed, "2026-12-01")),
            set(expected)
        );
    }
}

#[test]
fn change_of_a_shared_schema_is_one_change() {
    let mut old = json!({"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": {
        "User": {"type": "object", "properties": {"name": {"type": "string"}, "boss": {"$ref": "#/components/schemas/User"}}}
    }}});
    for number in 0..40 {
        old["paths"][format!("/u{number}")] = json!({"get": {"responses": {"200": {"description": "d", "content":
            {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/User"}}}}}}}});
    }
    let mut new = old.clone();
    new["components"]["schemas"]["User"]["properties"]["name"] = json!({"type": "integer"});
    let comparison = compared(&old, &new);
    let [change] = comparison.changes.as_slice() else {
        panic!("{:#?}", comparison.changes)
    };
    assert_eq!((change.operations, comparison.summary.same), (40, 0));
    assert_eq!(change.places[0].pointer.as_deref(), Some("/*/name"));
    assert_eq!(change.places[7].endpoint.as_deref(), Some("GET /u15"));
    let part = change.candidate.as_ref().unwrap();
    assert_eq!(part.part, "a.json#/components/schemas/User/properties/name/type");
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some("string"), Some("integer"))
    );
}

#[test]
fn a_thousand_mutual_references_are_bounded() {
    let names = || (0..1000).map(|number| format!("S{number}"));
    let to = |name: String| json!({"$ref": format!("#/components/schemas/{name}")});
    let mut document = with_schema("3.1.0", r##"{"$ref":"#/components/schemas/S0"}"##);
    for (number, name) in names().enumerate() {
        let next = |step: usize| to(format!("S{}", (number * step + 1) % 1000));
        document["components"]["schemas"][name] = json!({"type": "object", "properties": {
            "a": next(1), "b": next(7), "c": {"type": "array", "items": next(3)},
            "d": {"oneOf": [next(11), next(13), {"type": "string"}]}
        }});
    }
    let mut other = document.clone();
    let deep = &mut other["components"]["schemas"]["S999"]["properties"];
    deep["e"] = json!({"type": "string"});
    deep["d"]["oneOf"][2]["maxLength"] = json!(3);
    let comparison = compared(&document, &other);
    assert!(
        rules(&comparison).contains("I body/property-added"),
        "{:#?}",
        rules(&comparison)
    );
    assert_eq!(rules(&compared(&document, &document)), BTreeSet::new());
}

#[test]
fn long_chain_of_references_is_compared_to_its_end() {
    let mut document = with_schema("3.1.0", r##"{"$ref":"#/components/schemas/S0"}"##);
    for number in 0..3000 {
        let next = format!("#/components/schemas/S{}", number + 1);
        document["components"]["schemas"][format!("S{number}")] = json!({"properties": {"n": {"$ref": next}}});
    }
    document["components"]["schemas"]["S3000"] = json!({"type": "string"});
    let mut other = document.clone();
    other["components"]["schemas"]["S3000"] = json!({"type": "integer"});
    let comparison = compared(&document, &other);
    assert_eq!(rules(&comparison), set("B request/type-changed, B body/type-changed"));
    assert_eq!(comparison.changes[0].places[0].pointer.as_deref().unwrap().len(), 6000);
}
