//! Laws of all documents.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DeclaredPart, DocumentComparison, compared, rules};

/// Schemas of 3.0 with references to two others.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "string", "nullable": true})),
        Just(json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true})),
        Just(json!({"type": "number", "maximum": 9})),
        Just(json!({"type": "string", "enum": ["a", "b"]})),
        Just(json!({"$ref": "#/components/schemas/One"})),
        Just(json!({"$ref": "#/components/schemas/Two"})),
        Just(json!({})),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let two = prop::collection::vec(inner.clone(), 2);
        prop_oneof![
            (
                prop::collection::btree_map("[a-c]", inner.clone(), 0..3),
                prop::collection::vec("[a-d]", 0..2)
            )
                .prop_map(
                    |(properties, required)| json!({"type": "object", "properties": properties, "required": required})
                ),
            inner.prop_map(|items| json!({"type": "array", "items": items, "nullable": true})),
            two.clone().prop_map(|all| json!({"oneOf": all})),
            two.clone().prop_map(|all| json!({"anyOf": all, "nullable": true})),
            two.prop_map(|all| json!({"allOf": all})),
        ]
    })
}

/// A document of 3.0 with random schemas.
fn document() -> impl Strategy<Value = Value> {
    let schemas = prop::collection::vec(schema(), 4);
    (crate::openapi::oracle::documents(), schemas).prop_map(|(mut document, schemas)| {
        let [one, two, request, response] = schemas.try_into().unwrap();
        document["components"]["schemas"] = json!({"One": {"type": "object", "properties": {"p": one}},
            "Two": {"type": "object", "properties": {"q": two}}});
        document["paths"]["/schemas"] = json!({"put": {
            "requestBody": {"content": {"application/json": {"schema": request}}},
            "responses": {"200": {"description": "d", "content": {"application/json": {"schema": response}}}}
        }});
        document
    })
}

/// The same schema in 3.1, with references in other places.
fn modern(value: &Value) -> Value {
    let Value::Object(entries) = value else {
        return match value {
            Value::Array(items) => items.iter().map(modern).collect(),
            other => other.clone(),
        };
    };
    let mut out: serde_json::Map<_, _> = entries
        .iter()
        .map(|(key, value)| (key.clone(), modern(value)))
        .collect();
    if out.remove("nullable") == Some(json!(true)) {
        match out.remove("type") {
            Some(kind) => drop(out.insert("type".to_owned(), json!(["null", kind]))),
            None => return json!({"anyOf": [{"type": "null"}, {"allOf": [out]}], "description": "more"}),
        }
    }
    if out.remove("exclusiveMinimum") == Some(json!(true)) {
        let minimum = out.remove("minimum").unwrap();
        out.insert("exclusiveMinimum".to_owned(), minimum);
    }
    if out
        .get("$ref")
        .is_some_and(|target| target.as_str().unwrap().contains("/schemas/"))
    {
        return json!({"allOf": [out], "title": "a reference"});
    }
    out.into()
}

/// The changed parts of both documents.
fn parts(comparison: &DocumentComparison, is_swapped: bool) -> BTreeSet<(Option<String>, Option<String>)> {
    let part = |part: &Option<DeclaredPart>| part.as_ref().map(|part| part.part.clone());
    let changes = comparison.changes.iter();
    changes
        .map(|change| {
            let (old, new) = (part(&change.baseline), part(&change.candidate));
            if is_swapped { (new, old) } else { (old, new) }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn document_has_no_change_to_itself_in_any_version(old in document()) {
        prop_assert_eq!(rules(&compared(&old, &old)), BTreeSet::new());
        for version in ["3.1.0", "3.2.0"] {
            let mut new = modern(&old);
            new["openapi"] = json!(version);
            let comparison = compared(&old, &new);
            prop_assert!(comparison.changes.is_empty(), "{:#?}\n{}\n{}", comparison.changes, old, new);
            let comparison = compared(&new, &old);
            prop_assert!(comparison.changes.is_empty(), "{:#?}\n{}\n{}", comparison.changes, new, old);
        }
    }

    #[test]
    fn changed_parts_are_the_same_in_both_directions(old in document(), new in document()) {
        let (there, back) = (compared(&old, &new), compared(&new, &old));
        prop_assert_eq!(parts(&there, false), parts(&back, true), "{}\n{}", old, new);
    }
}
