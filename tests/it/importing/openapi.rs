//! `conforme import openapi`: the imported suite passes against a server that behaves as its document says, in any order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{Project, Server, Then, response, snapshot};

/// The document, in two files.
const SHOP: &str = include_str!("shop.openapi.yaml");
const SCHEMAS: &str = include_str!("shop.schemas.yaml");

/// A workflow with the operations of the document.
const FLOW: &str = r#"
arazzo: 1.0.1
info: { title: Flows, version: "1" }
sourceDescriptions: [{ name: shop, url: ./shop.openapi.yaml, type: openapi }]
workflows:
  - workflowId: placeAndFind
    inputs: { type: object, properties: { sku: { type: string, default: B-2 } } }
    steps:
      - stepId: place
        operationPath: "{$sourceDescriptions.shop.url}#/paths/~1orders/post"
        requestBody: { payload: { sku: $inputs.sku, count: 1 } }
        successCriteria: [{ condition: $statusCode == 201 }]
        outputs: { id: $response.body#/id }
      - stepId: find
        operationPath: "{$sourceDescriptions.shop.url}#/paths/~1orders~1{id}/get"
        parameters: [{ name: id, in: path, value: $steps.place.outputs.id }]
        successCriteria: [{ condition: $response.body#/sku == $inputs.sku }]
      - stepId: cancel
        operationPath: "{$sourceDescriptions.shop.url}#/paths/~1orders~1{id}/delete"
        parameters: [{ name: id, in: path, value: $steps.place.outputs.id }]
"#;

/// The orders of the server, by id.
type Orders = BTreeMap<u64, Value>;

fn shop(request: &str, orders: &mut Orders, next: &mut u64) -> Vec<u8> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let problem = |status: &str| {
        response(
            &format!("HTTP/1.1 {status}\nContent-Type: application/json\nWWW-Authenticate: Bearer"),
            r#"{"title": "no"}"#,
        )
    };
    let found = |status: &str, order: &Value| {
        response(
            &format!("HTTP/1.1 {status}\nContent-Type: application/json"),
            &order.to_string(),
        )
    };
    if target == "/health" {
        return response("HTTP/1.1 204 No Content", "");
    }
    if !head.contains("Bearer tok-123456") && !head.contains("bearer tok-123456") {
        return problem("401 Unauthorized");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let id = path.strip_prefix("/orders/").map(str::parse::<u64>);
    match (method, path, id) {
        ("GET", "/orders", _) => match query.strip_prefix("limit=").map(str::parse::<u64>) {
            Some(Err(_)) => problem("400 Bad Request"),
            _ => found("200 OK", &orders.values().cloned().collect()),
        },
        ("POST", "/orders", _) => {
            let sent: Value = serde_json::from_str(body).unwrap();
            let Some(sku) = sent["sku"].as_str() else {
                return problem("400 Bad Request");
            };
            *next += 1;
            let order = json!({ "id": *next, "sku": sku, "count": sent["count"] });
            orders.insert(*next, order.clone());
            found("201 Created", &order)
        }
        (_, _, Some(Ok(id))) if orders.contains_key(&id) => match method {
            "DELETE" => {
                orders.remove(&id);
                response("HTTP/1.1 204 No Content", "")
            }
            _ => found("200 OK", &orders[&id]),
        },
        (_, _, Some(_)) => problem("404 Not Found"),
        _ => problem("405 Method Not Allowed"),
    }
}

/// Imports the workflow into a suite of its own.
fn import_flow(project: &Project) {
    let flow = project.run(&[
        "import",
        "arazzo",
        "api/shop.arazzo.yaml",
        "--to",
        "cases/flow",
        "--strict",
    ]);
    assert_eq!(flow.code, 0, "{}{}", flow.stdout, flow.stderr);
    assert!(
        flow.stdout
            .starts_with("wrote cases/flow/suite.yaml\nwrote cases/flow/placeandfind.yaml\n")
    );
}

/// A document from the recording of the run describes all of it.
fn describe_again(project: &Project) {
    let to = "schemas/observed.openapi.yaml";
    let from = ["import", "openapi", "--from", "run.ndjson", "--to"];
    let described = project.run(&[&from[..], &[to]].concat());
    assert_eq!(described.code, 0, "{}{}", described.stdout, described.stderr);
    assert!(
        described.stdout.starts_with(&format!("wrote {to}\n")),
        "{}",
        described.stdout
    );
    let text = project.read(to);
    assert!(
        text.contains("\"/orders/{order_id}\":") && text.contains("bearerAuth"),
        "{text}"
    );
    assert!(!text.contains("A-1") && !text.contains("tok-123456"), "{text}");
    assert_eq!(project.run(&[&from[..], &["-"]].concat()).stdout, text);
    assert_eq!(project.run(&[&from[..], &[to]].concat()).code, 2);
    let covered = project.run(&["coverage", "run.ndjson", "--openapi", to, "--min", "100"]);
    assert_eq!(covered.code, 0, "{}\n{text}", covered.stdout);
    assert!(
        covered.stdout.contains("Nothing was observed that is not declared"),
        "{}\n{text}",
        covered.stdout
    );
}

#[test]
fn imported_document_passes_against_a_good_server() {
    let state = Arc::new(Mutex::new((
        Orders::from([(7, json!({ "id": 7, "sku": "A-1", "count": 1 }))]),
        100,
    )));
    let kept = Arc::clone(&state);
    let server = Server::start(move |request| {
        let mut state = kept.lock().unwrap();
        let (orders, next) = &mut *state;
        (shop(request, orders, next), Then::Keep)
    });
    let project = Project::new(&[
        ("api/shop.openapi.yaml", SHOP),
        ("api/common/shop.schemas.yaml", SCHEMAS),
        ("api/shop.arazzo.yaml", FLOW),
    ]);
    let import = ["import", "openapi", "api/shop.openapi.yaml", "--to", "cases/shop"];
    let imported = project.run(&import);
    assert_eq!(
        (imported.code, imported.stderr.as_str()),
        (0, ""),
        "{}",
        imported.stdout
    );
    snapshot("importing", "openapi", &imported.stdout);
    assert!(project.path().join("schemas/common/shop.schemas.yaml").is_file());
    let again = project.run(&import);
    assert_eq!(again.code, 2, "{}", again.stdout);
    import_flow(&project);
    assert_eq!(project.run(&["validate"]).code, 0);

    let args = [
        "run",
        "--target",
        &server.url(),
        "--retries",
        "0",
        "--record",
        "run.ndjson",
    ];
    let mut run = project.command(&args);
    run.env("CONFORME_SECRET_TOKEN", "tok-123456");
    let ran = crate::support::ran(&mut run);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("10 of 12 cases passed, 2 skipped"),
        "{}",
        ran.stdout
    );
    // What existed is unchanged, and what was created is gone.
    let left: Vec<_> = state.lock().unwrap().0.keys().copied().collect();
    assert_eq!(left, [7]);
    describe_again(&project);

    let check = [
        "import",
        "openapi",
        "schemas/shop.openapi.yaml",
        "--to",
        "cases/shop",
        "--check",
    ];
    let complete = project.run(&check);
    assert_eq!(complete.code, 0, "{}", complete.stdout);
    assert_eq!(
        complete.stdout,
        "11 of 11 declared statuses have a case, 2 of them only by skipped cases\n"
    );
    for name in ["get-orders-id-404", "get-orders-500"] {
        std::fs::remove_file(project.path().join(format!("cases/shop/{name}.yaml"))).unwrap();
    }
    let lost = project.run(&check);
    assert_eq!(lost.code, 1, "{}", lost.stdout);
    assert!(
        lost.stdout
            .starts_with("no case: GET /orders: 500\nno case: GET /orders/{id}: 404\n9 of 11 "),
        "{}",
        lost.stdout
    );
}

#[test]
fn document_that_cannot_be_imported_is_rejected() {
    let project = Project::new(&[
        (
            "broken.yaml",
            "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths: { /a: { get: { responses: { '200': { $ref: '#/x' } } } } }\n",
        ),
        (
            "empty.yaml",
            "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths: {}\n",
        ),
        ("shop.openapi.yaml", SHOP),
        ("schemas/shop.openapi.yaml", "openapi: 3.1.0\n"),
        ("common/shop.schemas.yaml", SCHEMAS),
    ]);
    for (source, expected) in [
        ("broken.yaml", "--> broken.yaml:3:"),
        ("empty.yaml", "`empty.yaml` describes no operations"),
        ("missing.yaml", "failed to read `missing.yaml`"),
        (
            "shop.openapi.yaml",
            "shop.openapi.yaml` exists and differs; nothing was written",
        ),
    ] {
        let ran = project.run(&["import", "openapi", source, "--to", "cases/x"]);
        assert_eq!(ran.code, 2, "{source}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{source}: {}", ran.stderr);
        assert!(!project.path().join("cases/x").exists());
    }
}
