//! Exchanges in, a document out, under which all of them are valid.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    check::{ApiContract, Expectation, RuleLevels, check},
    model::{Exchange, Location},
    openapi::ApiDocument,
    source::{Diagnostics, Sources},
};

const BASE: &str = "http://127.0.0.1:4000/api";

/// An exchange: method, path with query, header fields and body of the request; status, header fields and body.
fn exchange(sent: (&str, &str, Value, &str), (status, headers, body): (u16, Value, &str)) -> Exchange {
    let (method, path, request_headers, request_body) = sent;
    let exchange = json!({
        "request": { "method": method, "url": format!("{BASE}{path}"), "headers": request_headers, "body": { "text": request_body } },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": status, "headers": headers, "body": { "text": body },
            "received": "2025-01-01T00:00:00Z", "elapsed_us": 1,
        } },
    });
    serde_json::from_value(exchange).unwrap()
}

fn json_type() -> Value {
    json!([["content-type", "application/json; charset=utf-8"]])
}

fn get(path: &str, status: u16, body: &Value) -> Exchange {
    exchange(("GET", path, json!([]), ""), (status, json_type(), &body.to_string()))
}

/// A case with a step for each exchange.
fn case(exchanges: &[Exchange]) -> CaseFinished {
    let steps = exchanges.iter().enumerate();
    let steps = steps.map(|(at, exchange)| json!({ "id": format!("s{at}"), "elapsed_us": 1, "exchange": exchange }));
    let case = json!({
        "id": "s/c", "suite": "s", "index": 0, "location": { "file": "c.yaml", "line": 1, "column": 1 },
        "verdict": "passed", "steps": steps.collect::<Vec<_>>(),
    });
    serde_json::from_value(case).unwrap()
}

fn described(exchanges: &[Exchange]) -> TrafficDocument {
    let mut gathering = TrafficGathering::default();
    for one in exchanges {
        gathering.case(&case(std::slice::from_ref(one)), BASE);
    }
    gathering.finish().expect("an operation")
}

/// The document as it is read back, without warnings.
fn opened(text: &str) -> ApiDocument {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.yaml"), text).unwrap();
    let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
    let document = ApiDocument::open(folder.path(), "d.yaml", &mut sources, &mut errors);
    let document = document.unwrap_or_else(|| panic!("{text}\n{}", errors.render(&sources, false)));
    assert!(
        document.warnings.is_empty(),
        "{text}\n{}",
        document.warnings.render(&sources, false)
    );
    document
}

/// What the rules find in exchanges.
fn findings(document: ApiDocument, exchanges: &[Exchange]) -> Vec<String> {
    let contract = ApiContract {
        document: Arc::new(document),
        base: Arc::from(BASE),
        operation: None,
    };
    let expectation = Expectation {
        location: Location {
            file: Arc::from("c.yaml"),
            line: 1,
            column: 1,
        },
        status: None,
        headers: Arc::default(),
        cookies: Arc::default(),
        body: Arc::default(),
        events: None,
        tests: Vec::new(),
        snapshot: None,
        same_as: None,
        captures: Vec::new(),
        rules: RuleLevels::default(),
        openapi: Some(contract),
        near_miss: None,
        max_body: 1 << 20,
    };
    let found = exchanges.iter().flat_map(|one| {
        let errors = expectation.openapi.as_ref().unwrap().schema_errors(&one.request);
        assert!(errors.is_empty(), "{errors:?}");
        check(&expectation, &one.request, &one.outcome, None).findings
    });
    let found = found.filter(|finding| finding.check.as_str().starts_with("openapi/"));
    found
        .map(|finding| format!("{} {:?}", finding.message, finding.actual))
        .collect()
}

fn shop() -> Vec<Exchange> {
    let bearer = json!([["Authorization", "Bearer $TOKEN"], ["Content-Type", "application/json"]]);
    let order =
        |id: u32, note: Value| json!({ "id": id, "note": note, "total": 1.5, "created": "2025-01-01T00:00:00Z" });
    vec![
        get("/orders?limit=10", 200, &json!([order(17, Value::Null)])),
        get("/orders", 200, &json!([])),
        exchange(
            ("POST", "/orders", bearer.clone(), r#"{"sku":"secret-sku"}"#),
            (
                201,
                json!([["location", "/api/orders/17"], ["content-type", "application/json"]]),
                &order(17, json!("n")).to_string(),
            ),
        ),
        exchange(
            ("POST", "/orders", json!([]), "{}"),
            (401, json_type(), r#"{"title":"no"}"#),
        ),
        get("/orders/17", 200, &order(17, json!("n"))),
        get("/orders/18", 200, &order(18, Value::Null)),
        get("/orders/unknown", 404, &json!({ "title": "no" })),
        exchange(("DELETE", "/orders/17", bearer.clone(), ""), (204, json!([]), "")),
        get("/nothing", 404, &json!({ "title": "no" })),
        get("/orders//parts", 400, &json!({ "title": "no" })),
        exchange(("HEAD", "/orders/17", json!([]), ""), (200, json_type(), "")),
        exchange(("OPTIONS", "/orders", json!([]), ""), (204, json!([]), "")),
    ]
}

const SHOP: &str = r#"# A first document, written from observed requests and responses. It states what was observed:
# review what is required, types, and responses of errors, and add descriptions.
# not described: 2 exchanges: no request for their path and method succeeded
# not described: 1 exchange: the method is not described
openapi: "3.1.0"
info:
  title: API
  version: "0.1.0"
servers: [{ url: /api }]
paths:
  /orders:
    get:
      parameters: [{ name: limit, in: query, schema: { type: integer } }]
      responses:
        "200":
          description: OK
          content:
            application/json:
              schema:
                type: array
                items:
                  type: object
                  required: [created, id, note, total]
                  properties:
                    created: { type: string }
                    id: { type: integer }
                    # only null was observed
                    note: {}
                    total: { type: number }
    post:
      security: [{ bearerAuth: [] }]
      requestBody:
        required: true
        content:
          application/json: { schema: { type: object, required: [sku], properties: { sku: { type: string } } } }
      responses:
        "201":
          description: Created
          headers: { Location: { schema: { type: string } } }
          content:
            application/json:
              schema:
                type: object
                required: [created, id, note, total]
                properties:
                  created: { type: string }
                  id: { type: integer }
                  note: { type: string }
                  total: { type: number }
        "401":
          description: Unauthorized
          content:
            application/json:
              schema: { type: object, required: [title], properties: { title: { type: string } } }
  "/orders/{order_id}":
    get:
      parameters: [{ name: order_id, in: path, required: true, schema: { type: integer } }]
      responses:
        "200":
          description: OK
          content:
            application/json:
              schema:
                type: object
                required: [created, id, note, total]
                properties:
                  created: { type: string, format: date-time }
                  id: { type: integer }
                  note: { type: [string, "null"] }
                  total: { type: number }
        "404":
          description: Not Found
          content:
            application/json:
              schema: { type: object, required: [title], properties: { title: { type: string } } }
    delete:
      parameters: [{ name: order_id, in: path, required: true, schema: { type: integer } }]
      security: [{ bearerAuth: [] }]
      responses: { "204": { description: No Content } }
components:
  securitySchemes: { bearerAuth: { type: http, scheme: bearer } }
"#;

#[test]
fn exchanges_are_described_without_their_values() {
    let exchanges = shop();
    let document = described(&exchanges);
    assert_eq!(document.text, SHOP);
    assert_eq!((document.operations, document.exchanges), (4, 9));
    assert_eq!(findings(opened(&document.text), &exchanges), Vec::<String>::new());
    let mut other = exchanges.clone();
    other.reverse();
    assert_eq!(described(&other).text, document.text);
    for value in ["secret-sku", "TOKEN", "17", "4000"] {
        assert!(!document.text.contains(value), "{value}");
    }
}

#[test]
fn captured_values_are_parameters() {
    let mut steps = [get("/users", 200, &json!([])), get("/users/ada/posts", 200, &json!([]))].map(|one| json!(one));
    let mut one = json!(case(&[]));
    one["steps"] = json!([
        { "id": "a", "elapsed_us": 1, "exchange": steps[0].take(), "captures": { "name": "ada" } },
        { "id": "b", "elapsed_us": 1, "exchange": steps[1].take() },
    ]);
    let mut gathering = TrafficGathering::default();
    gathering.case(&serde_json::from_value(one).unwrap(), BASE);
    let text = gathering.finish().unwrap().text;
    assert!(text.contains("/users/{user_id}/posts"), "{text}");
    assert!(!text.contains("ada"), "{text}");
}

#[test]
fn unusual_messages_are_described() {
    let plain = json!([["content-type", "text/plain"]]);
    let form = json!([
        ["Content-Type", "application/x-www-form-urlencoded"],
        ["X-Api-Key", "$KEY"]
    ]);
    let exchanges = [
        // JSON that is not, content without a type, and no content.
        exchange(("GET", "/a", json!([]), ""), (200, json_type(), "{")),
        get("/a", 200, &json!(1)),
        exchange(("GET", "/b", json!([]), ""), (200, json!([]), "x")),
        get("/b", 200, &json!(1)),
        exchange(("GET", "/c", json!([]), ""), (200, json!([]), "")),
        get("/c", 200, &json!(1)),
        exchange(
            ("GET", "/c/?q=1&q=2&filter%5Ba%5D=x&api_key=$KEY", json!([]), ""),
            (200, plain, "x"),
        ),
        exchange(
            ("POST", "/d", form, "a=1&b=x&b=y"),
            (303, json!([["location", "/x"], ["x-count", "3"]]), ""),
        ),
        exchange(("POST", "/d", json!([]), ""), (200, json!([]), "")),
        exchange(
            ("PUT", "/d", json!([["Content-Type", "application/json"]]), "no"),
            (200, json!([]), ""),
        ),
        exchange(("PUT", "/e", json!([]), "x"), (200, json!([]), "")),
        exchange(
            (
                "GET",
                "/%7Bx%7D/%2F/..%00",
                json!([["Authorization", "Basic [hidden]"]]),
                "",
            ),
            (200, json!([]), ""),
        ),
        get(
            "/$TENANT/x",
            500,
            &json!({ "": 1, "a/b": 2, "$TOKEN": 3, "ok": "$TOKEN" }),
        ),
    ];
    let document = described(&exchanges);
    let found = findings(opened(&document.text), &exchanges);
    assert_eq!(found, Vec::<String>::new(), "{}", document.text);
    for text in ["X-Api-Key", "api_key", "basicAuth", "name: \"filter[a]\"", "X-Count"] {
        assert!(document.text.contains(text), "{text}\n{}", document.text);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,3}|2025-0[1-9]-11|2025-01-01T00:00:00Z|[a-b.]{1,3}@[a-b.]{1,4}|\\$TOKEN|\\PC{0,4}"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]|[0-9]{1,2}|\\$TOKEN|\\PC{0,3}", inner, 0..4)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn any_exchange() -> impl Strategy<Value = Exchange> {
    let path = "(/(a|b|me|[0-9]{1,2}|u[0-9]|[a-c]{2}|\\$X|%7B|)){1,3}(\\?([a-c]=([0-9]|x|true|-1\\.5|)&){0,3})?";
    let method = prop::sample::select(vec!["GET", "GET", "POST", "PUT", "DELETE", "HEAD"]);
    let status = prop::sample::select(vec![200_u16, 200, 200, 201, 204, 302, 400, 404, 405, 500]);
    let kind = prop::sample::select(vec![
        "application/json",
        "application/json",
        "text/plain",
        "a/b+json",
        "",
    ]);
    (
        path,
        method,
        status,
        kind,
        value(),
        prop::option::of(value()),
        "[0-9]{1,2}|[a-b]",
    )
        .prop_map(|(path, method, status, kind, body, sent, header)| {
            let kind = if kind.is_empty() {
                json!([])
            } else {
                json!([["content-type", kind], ["x-a", header]])
            };
            let is_bare = method == "HEAD" || status == 204;
            let body = if is_bare { String::new() } else { body.to_string() };
            let sent = sent.map(|sent| sent.to_string()).unwrap_or_default();
            exchange((method, &path, json_type(), &sent), (status, kind, &body))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn observed_exchanges_are_valid(exchanges in prop::collection::vec(any_exchange(), 1..24)) {
        let mut gathering = TrafficGathering::default();
        for one in &exchanges {
            gathering.case(&case(std::slice::from_ref(one)), BASE);
        }
        if let Some(document) = gathering.finish() {
            let found = findings(opened(&document.text), &exchanges);
            prop_assert!(found.is_empty(), "{found:#?}\n{}", document.text);
        }
    }
}
