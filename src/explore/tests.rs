use serde_json::json;

use super::*;
use crate::{model::Request, openapi::Direction};

const API: &str = r"
openapi: 3.1.0
components:
  schemas:
    node: { type: object, required: [name], properties: { name: { type: string, minLength: 1 }, next: { $ref: '#/components/schemas/node' } } }
    cat: { type: object, required: [kind, lives], properties: { kind: { const: cat }, lives: { type: integer, maximum: 9 } } }
    dog: { type: object, required: [kind], properties: { kind: { const: dog }, name: { type: string } } }
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Key }
paths:
  /orders/{id}:
    post:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer, minimum: 1 } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100, multipleOf: 5 } }
        - { name: sort, in: query, schema: { type: string, enum: [asc, desc] } }
        - { name: tags, in: query, explode: false, schema: { type: array, maxItems: 3, uniqueItems: true, items: { type: string, pattern: '^[a-z]{2,8}$' } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object, properties: { day: { type: string, format: date } } } }
        - { name: X-Tenant, in: header, required: true, schema: { type: string, minLength: 1, maxLength: 8 } }
        - { name: X-Key, in: header, required: true, schema: { type: string } }
        - { name: sid, in: cookie, schema: { type: string } }
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [sku, quantity]
              properties:
                id: { type: integer, readOnly: true }
                sku: { type: string, pattern: '^[A-Z]{2}-\d+$' }
                quantity: { type: integer, exclusiveMinimum: 0, maximum: 1000 }
                price: { type: number, minimum: 0.5, maximum: 9.5 }
                note: { type: [string, 'null'], maxLength: 20 }
                mail: { type: string, format: email }
                node: { $ref: '#/components/schemas/node' }
                pet: { oneOf: [{ $ref: '#/components/schemas/cat' }, { $ref: '#/components/schemas/dog' }] }
                codes: { type: object, additionalProperties: { type: integer, minimum: 0 } }
                lines: { type: array, minItems: 1, items: { type: object, required: [n], properties: { n: { type: integer } } } }
      responses: {}
";

fn contract() -> ApiContract {
    ApiContract::of_text(API, "http://127.0.0.1:1")
}

fn written() -> Value {
    json!({
        "method": "POST", "path": "/orders/{order}", "params": { "order": "{{ order }}" },
        "query": { "limit": "{{ limit }}" },
        "headers": { "X-Tenant": "{{ tenant }}" },
        "body": { "json": { "sku": "AB-1", "quantity": 2, "lines": [{ "n": 1 }], "mail": "{{ mail }}" } },
    })
}

fn explorer(seed: u64) -> Explorer {
    let contract = contract();
    let operation = &contract.document.operations[0];
    Explorer::new(&contract, operation, written(), &["limit".to_owned()].into(), seed)
}

#[test]
fn parts_with_inputs_and_credentials_stay_as_they_are() {
    let explorer = explorer(1);
    let parts: Vec<_> = explorer.parts().collect();
    let expected = [
        "query `limit`",
        "query `sort`",
        "query `tags`",
        "query `filter`",
        "body `/codes`",
        "body `/lines`",
        "body `/node`",
        "body `/note`",
        "body `/pet`",
        "body `/price`",
        "body `/quantity`",
        "body `/sku`",
    ];
    assert_eq!(parts, expected);
    let kept: Vec<_> = explorer.kept().iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "path `id`",
        "header `X-Tenant`",
        "header `X-Key`",
        "cookie `sid`",
        "body `/mail`",
    ];
    assert_eq!(kept, expected);
}

#[test]
fn same_seed_gives_the_same_requests() {
    let rows = |seed| {
        let mut explorer = explorer(seed);
        let inputs: Vec<_> = (0..300).map(|_| explorer.next_input().unwrap()).collect();
        let rows = inputs.iter().map(|input| explorer.row(input).unwrap().to_string());
        rows.collect::<Vec<_>>()
    };
    let (one, same, other) = (rows(5), rows(5), rows(6));
    assert_eq!(one, same);
    assert_ne!(one, other);
    // The limits come first, and no request is made twice.
    assert_eq!(one[..3], other[..3]);
    assert_eq!(one[0], r#"{"query":{"limit":null}}"#);
    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), one.len());
}

/// The values at a schema of the body.
fn values_at(name: &str) -> (ApiContract, crate::openapi::DocumentPart) {
    let contract = contract();
    let body = contract.document.operations[0].body.as_ref().unwrap();
    let schema = body.content[0].schema.clone().unwrap();
    (contract.clone(), schema.below(&format!("/properties/{name}")))
}

#[test]
fn generated_values_are_allowed_by_their_schemas() {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    for name in [
        "sku", "quantity", "price", "note", "mail", "node", "pet", "codes", "lines",
    ] {
        let (contract, schema) = values_at(name);
        let mut schemas = values::Schemas::new(&contract.document, false);
        let is_valid = |value: &Value| {
            let violations = contract.document.violations(&schema, Direction::Request, value);
            violations.is_empty()
        };
        let edges = schemas.edges(&schema);
        let wrong: Vec<_> = edges.iter().filter(|value| !is_valid(value)).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        let strategy = schemas.strategy(&schema);
        let values: Vec<_> = (0..200)
            .map(|_| strategy.new_tree(&mut runner).unwrap().current())
            .collect();
        let wrong: Vec<_> = values.iter().filter(|value| !is_valid(value)).take(3).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        let different: BTreeSet<_> = values.iter().map(Value::to_string).collect();
        assert!(different.len() > 8, "{name}: {different:?}");
    }
}

/// The simplest input for which a test fails.
fn simplest(explorer: &Explorer, mut input: ExploredInput, fails: impl Fn(&Value) -> bool) -> Value {
    let mut sent = 0;
    'simpler: loop {
        for simpler in explorer.simpler(&input) {
            let Some(row) = explorer.row(&simpler) else { continue };
            sent += 1;
            assert!(sent < 5000, "it ends");
            if fails(&row) {
                input = simpler;
                continue 'simpler;
            }
        }
        return explorer.row(&input).unwrap();
    }
}

#[test]
fn failing_requests_become_simple() {
    let mut explorer = explorer(3);
    let number = |row: &Value, pointer: &str| row.pointer(pointer).and_then(Value::as_i64);
    let is_large = |row: &Value| number(row, "/body/json/quantity").is_some_and(|quantity| quantity > 37);
    let is_long = |row: &Value| {
        let note = row.pointer("/body/json/note").and_then(Value::as_str);
        note.is_some_and(|note| note.chars().count() > 12)
    };
    let has_both = |row: &Value| row.pointer("/query/sort").is_some() && row.pointer("/query/tags").is_some();
    let (mut large, mut long, mut both) = (0, 0, 0);
    for _ in 0..400 {
        let input = explorer.next_input().unwrap();
        let row = explorer.row(&input).unwrap();
        if is_large(&row) && large < 20 {
            large += 1;
            let row = simplest(&explorer, input.clone(), is_large);
            assert_eq!(number(&row, "/body/json/quantity"), Some(38), "{row}");
            assert!(
                row.get("query").is_none() && row.pointer("/body/json/price").is_none(),
                "{row}"
            );
        }
        if is_long(&row) && long < 20 {
            long += 1;
            let row = simplest(&explorer, input.clone(), is_long);
            assert_eq!(row.pointer("/body/json/note").unwrap(), "aaaaaaaaaaaaa", "{row}");
        }
        if has_both(&row) && both < 5 {
            both += 1;
            let row = simplest(&explorer, input, has_both);
            assert!(row.get("body").is_none(), "{row}");
        }
    }
    assert!(large > 3 && long > 3 && both > 3, "{large} {long} {both}");
}

#[test]
fn rows_contain_what_differs_in_the_words_of_the_case() {
    let explorer = explorer(1);
    let part = |name: &str| explorer.parts().position(|part| part == name).unwrap();
    let row = |changes: &[(&str, PartValue)]| {
        let input = changes.iter().map(|(name, value)| (part(name), value.clone()));
        explorer.row(&ExploredInput(input.collect()))
    };
    let value = |value: Value| PartValue::Value(value);
    let all = row(&[
        ("query `limit`", PartValue::Absent),
        ("query `tags`", value(json!(["aa", "bb"]))),
        ("query `filter`", value(json!({ "day": "2026-01-01" }))),
        ("body `/quantity`", value(json!(7))),
        ("body `/lines`", PartValue::Absent),
    ]);
    let expected = json!({
        "query": { "limit": null, "tags": "aa,bb", "filter[day]": "2026-01-01" },
        "body": { "json": { "sku": "AB-1", "quantity": 7, "mail": "{{ mail }}" } },
    });
    assert_eq!(all.unwrap(), expected);
    // They would be read as a variable, or are not sent.
    assert_eq!(row(&[("body `/note`", value("{{ x }}".into()))]), None);
    assert_eq!(row(&[("query `tags`", value(json!([])))]), None);
}

#[test]
fn whole_body_is_explored_where_the_case_sends_none() {
    let contract = contract();
    let operation = &contract.document.operations[0];
    let written = json!({ "method": "POST", "path": "/orders/7" });
    let mut explorer = Explorer::new(&contract, operation, written, &BTreeSet::new(), 1);
    assert!(explorer.parts().any(|part| part == "body"));
    assert!(explorer.kept().iter().any(|(name, _)| name == "path `id`"));
    let rows: Vec<_> = (0..300).filter_map(|_| explorer.next_input()).collect();
    let bodies = rows
        .iter()
        .filter_map(|input| explorer.row(input)?.pointer("/body/json").cloned());
    assert!(bodies.count() > 20);
    let request = Request {
        method: "POST".to_owned(),
        url: "http://127.0.0.1:1/orders/7".to_owned(),
        headers: Vec::new(),
        body: bytes::Bytes::new().into(),
    };
    assert!(!contract.has_only(&request, &[]));
    assert!(contract.has_only(&request, &contract.request_violations(&request)));
}
