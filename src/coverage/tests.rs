//! A document and exchanges in, a report out.

use serde_json::{Value, json};

use super::*;
use crate::{
    model::FORMAT as EVENTS,
    source::{Diagnostics, Sources},
};

/// A shop: two operations, one schema that contains itself, and one that is inherited.
const SHOP: &str = "
openapi: 3.1.0
info: { title: Shop, version: '1' }
servers: [{ url: 'http://h/api' }]
paths:
  /orders:
    get:
      parameters:
        - { name: page, in: query, schema: { type: integer } }
        - { name: filter, in: query, schema: { type: object, properties: { state: { type: string } } } }
        - { name: X-Trace, in: header, schema: { type: string } }
        - { name: sid, in: cookie, schema: { type: string } }
      responses:
        '200':
          description: all
          content:
            application/json:
              schema: { type: array, items: { $ref: '#/components/schemas/Order' } }
            text/csv: { schema: { type: string } }
        default: { description: any }
    post:
      requestBody:
        content:
          application/json: { schema: { $ref: '#/components/schemas/Order' } }
      responses:
        '201': { description: made }
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: getOrder
      responses:
        2XX:
          description: one
          content:
            application/json: { schema: { $ref: '#/components/schemas/Order' } }
components:
  schemas:
    Order:
      type: object
      properties:
        id: { type: string, readOnly: true }
        note: { type: string }
        secret: { type: string, writeOnly: true }
        parts: { type: array, items: { $ref: '#/components/schemas/Order' } }
        address: { type: object, properties: { city: { type: string }, zip: { type: string } } }
        labels: { type: object, additionalProperties: { type: object, properties: { color: { type: string } } } }
        extra: { type: object }
";

/// An exchange: request, status, media type and body of the response.
fn exchange(method: &str, url: &str, status: u16, kind: &str, body: &str) -> Value {
    let headers = if kind.is_empty() {
        json!([])
    } else {
        json!([["content-type", kind]])
    };
    json!({
        "request": { "method": method, "url": format!("http://h/api{url}"), "headers": [["X-Trace", "1"]] },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": status, "headers": headers, "body": { "text": body },
            "received": "2025-01-01T00:00:00Z", "elapsed_us": 1,
        } },
    })
}

/// The same with a JSON body of the request.
fn sent(method: &str, url: &str, body: &Value, status: u16) -> Value {
    let mut exchange = exchange(method, url, status, "", "");
    exchange["request"]["headers"] = json!([["Content-Type", "application/json"]]);
    exchange["request"]["body"] = json!({ "text": body.to_string() });
    exchange
}

fn case(index: usize, exchanges: &[Value]) -> Value {
    let many = exchanges.len() > 1;
    let step = |(at, exchange): (usize, &Value)| {
        let id = if many { format!("step{at}") } else { String::new() };
        json!({ "id": id, "elapsed_us": 1, "exchange": exchange })
    };
    json!({
        "event": "case-finished", "id": format!("s/c{index}"), "suite": "s", "index": index,
        "location": { "file": "cases/s/c.yaml", "line": 1, "column": 1 }, "verdict": "passed",
        "steps": exchanges.iter().enumerate().map(step).collect::<Vec<_>>(),
    })
}

fn document(text: &str) -> ApiDocument {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.yaml"), text).unwrap();
    let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
    let document = ApiDocument::open(folder.path(), "d.yaml", &mut sources, &mut errors);
    document.unwrap_or_else(|| panic!("{}", errors.render(&sources, false)))
}

/// The report of one recording of these cases.
fn gathered(sources: CoverageSources, cases: &[Value], minimums: &[&str]) -> Coverage {
    let flaky = cases.iter().filter(|case| case["verdict"] == "flaky").count();
    let finished = json!({
        "event": "run-finished", "elapsed_us": 1, "exit_code": i32::from(flaky > 0),
        "counts": {
            "passed": cases.len() - flaky, "failed": 0, "errored": 0, "flaky": flaky, "skipped": 0, "passed_before": 0,
            "not_run": 0, "warnings": 0,
        },
    });
    gathered_until(&[finished], sources, cases, minimums)
}

/// The same with the end of the recording, which can be lost.
fn gathered_until(end: &[Value], sources: CoverageSources, cases: &[Value], minimums: &[&str]) -> Coverage {
    let started = json!({
        "event": "run-started", "format": EVENTS, "tool": "t", "started": "2025-01-01T00:00:00Z", "target": "t",
        "base_url": "http://h/api", "suites": 1, "cases": cases.len(), "secrets": [], "suite_hash": "", "folder": "a/b",
    });
    let all = [&started].into_iter().chain(cases).chain(end);
    let lines = all.map(|line| format!("{line}\n"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.collect::<String>()).unwrap();
    let mut gathering = Gathering::new(sources);
    let recording = Recording::open(file.path()).unwrap();
    gathering.read("run.ndjson", "http://h/api", recording).unwrap();
    let minimums: Vec<_> = minimums.iter().map(|text| text.parse().unwrap()).collect();
    gathering.finish("t", &minimums)
}

fn covered(text: &str, exchanges: &[Value]) -> Coverage {
    let cases = exchanges.iter().enumerate();
    let cases: Vec<_> = cases
        .map(|(index, one)| case(index, std::slice::from_ref(one)))
        .collect();
    let sources = CoverageSources {
        documents: vec![Arc::new(document(text))],
        ..CoverageSources::default()
    };
    gathered(sources, &cases, &[])
}

fn unobserved(coverage: &Coverage) -> Vec<String> {
    let text = |one: &Unobserved| {
        let line = one.location.line;
        format!(
            "{} {} {} {} +{}",
            one.operation, one.place, one.name, line, one.contains
        )
    };
    coverage.unobserved.iter().map(text).collect()
}

fn undeclared(coverage: &Coverage) -> Vec<String> {
    let text = |one: &Undeclared| {
        let id = one.kind.id().trim_start_matches("undeclared/");
        format!("{id} {} {} {} {}x", one.operation, one.place, one.name, one.exchanges)
    };
    coverage.undeclared.iter().map(text).collect()
}

#[test]
fn every_dimension_is_counted() {
    let body =
        r#"[{"id": "1", "parts": [{"id": "2", "x": 1}], "labels": {"a": {"color": "red"}}, "extra": {"any": 1}}]"#;
    let coverage = covered(
        SHOP,
        &[exchange("GET", "/orders?page=1", 200, "application/json", body)],
    );
    let tallies: Vec<_> = coverage
        .dimensions
        .iter()
        .map(|one| (one.tally.observed, one.tally.declared))
        .collect();
    // Without `secret`, a response has 9 properties: nested ones of `parts` are the same ones.
    assert_eq!(tallies, [(1, 3), (1, 4), (1, 4), (2, 5), (5, 27)], "{coverage:#?}");
    assert_eq!(coverage.total.percent(), Some(10.0 * 100.0 / 43.0));
    assert_eq!(
        unobserved(&coverage),
        [
            "GET /orders request filter (query) 10 +0",
            "GET /orders request sid (cookie) 12 +0",
            "GET /orders response 200 application/json /*/address 45 +2",
            "GET /orders response 200 application/json /*/note 42 +0",
            "GET /orders response 200 text/csv 19 +0",
            "GET /orders response default 20 +0",
            "POST /orders   21 +11",
            "GET /orders/{id}   29 +12",
        ]
    );
    assert_eq!(undeclared(&coverage), [] as [&str; 0]);
    let first = coverage.documents[0].operations[0].sighting.first.as_ref().unwrap();
    assert_eq!(
        (first.id().as_str(), first.recording.as_str(), first.line),
        ("s/c0", "run.ndjson", 2)
    );
}

#[test]
fn what_is_observed_and_not_declared_is_reported() {
    let json = "application/json; charset=utf-8";
    let coverage = covered(
        SHOP,
        &[
            exchange("GET", "/orders/1?debug=1", 200, json, r#"{"id": "1", "colour": "red"}"#),
            exchange(
                "GET",
                "/orders/2",
                200,
                json,
                r#"{"address": {"street": 1}, "colour": 1}"#,
            ),
            exchange("GET", "/orders/3", 204, "", ""),
            exchange("GET", "/orders/4", 404, "text/html", "no"),
            exchange("GET", "/orders/5", 200, "application/xml", "<a/>"),
            exchange("GET", "/orders?state=open", 200, "", "[]"),
            exchange("GET", "/orders", 503, "text/plain", "later"),
            exchange("DELETE", "/orders/1", 200, "", ""),
            exchange("GET", "/users/17/roles", 200, "", ""),
            exchange("GET", "/users/18/roles", 500, "", ""),
            sent("POST", "/orders", &json!({ "id": 1, "secret": 1, "hint": 1 }), 201),
        ],
    );
    assert_eq!(
        undeclared(&coverage),
        [
            "path GET /users/{}/roles  /users/{}/roles 2x",
            "method DELETE /orders/{id}  DELETE 1x",
            "media-type GET /orders response 200 (none) 1x",
            "media-type GET /orders response default text/plain 1x",
            "media-type GET /orders/{id} response 2XX application/xml 1x",
            "parameter GET /orders/{id} request debug 1x",
            "property GET /orders/{id} response 2XX application/json colour 2x",
            "property GET /orders/{id} response 2XX application/json /address street 1x",
            "property POST /orders request application/json hint 1x",
            "status GET /orders/{id} response 404 1x",
        ]
    );
    let colour = &coverage.undeclared[6];
    assert_eq!((colour.cases, colour.examples.len(), colour.location.line), (2, 2, 38));
    assert_eq!(coverage.undeclared[9].level, DriftLevel::Info);
}

#[test]
fn rejected_requests_are_no_drift() {
    let coverage = covered(
        SHOP,
        &[
            exchange("GET", "/nothing", 404, "", ""),
            exchange("PATCH", "/orders", 405, "", ""),
            exchange("OPTIONS", "/orders", 200, "", ""),
            exchange("HEAD", "/orders", 200, "", ""),
            exchange("GET", "/orders?wrong=1", 400, "", ""),
            sent("POST", "/orders", &json!({ "wrong": 1 }), 422),
        ],
    );
    assert_eq!(undeclared(&coverage), ["status POST /orders response 422 1x"]);
    // They were observed all the same.
    assert_eq!(coverage.documents[0].operations[1].request[0].sighting.exchanges, 1);
}

#[test]
fn minimum_is_missed_or_reached() {
    let exchanges = [case(0, &[exchange("GET", "/orders", 200, "text/csv", "a")])];
    let sources = || CoverageSources {
        documents: vec![Arc::new(document(SHOP))],
        ..CoverageSources::default()
    };
    let exit = |minimums: &[&str]| gathered(sources(), &exchanges, minimums).exit_code;
    // One of four statuses.
    assert_eq!((exit(&["status=25"]), exit(&["status=25.1"])), (0, 1));
    assert_eq!((exit(&["5", "status=30"]), exit(&["90"])), (1, 1));
    let missed = gathered(sources(), &exchanges, &["90", "operation=50"]).headline;
    assert_eq!(
        missed,
        "Coverage is too low: total 9.3%, minimum 90%; operation 33.3%, minimum 50%"
    );
    let nothing = gathered(sources(), &[case(0, &[exchange("GET", "/none", 404, "", "")])], &[]);
    // A document that is named on the command line can be anywhere.
    assert_eq!((nothing.exit_code, nothing.folder), (3, None));
}

#[test]
fn minimum_missed_by_part_of_a_run_gives_no_verdict() {
    let exchanges = [case(0, &[exchange("GET", "/orders", 200, "text/csv", "a")])];
    let until_killed = |minimum: &str| {
        let sources = CoverageSources {
            documents: vec![Arc::new(document(SHOP))],
            ..CoverageSources::default()
        };
        gathered_until(&[], sources, &exchanges, &[minimum])
    };
    assert_eq!(until_killed("status=25").exit_code, 0);
    let missed = until_killed("status=26");
    assert_eq!(
        (missed.exit_code, missed.recordings[0].stopped),
        (3, Some(crate::model::Stop::Lost))
    );
    let (headline, rest) = missed.headline.split_once("; ").unwrap_or_default();
    assert_eq!(
        headline,
        "No verdict: `run.ndjson`: the recording ends before the run does"
    );
    assert_eq!(rest, "until then, status 25.0%, minimum 26%");
}

#[test]
fn all_attempts_and_steps_of_described_suites_count() {
    let get = |id: &str| exchange("GET", &format!("/orders/{id}"), 200, "", "");
    let mut first = case(0, &[get("1"), get("2")]);
    first["previous"] = json!([{ "reason": "no", "steps": case(0, &[get("3")])["steps"] }]);
    first["verdict"] = "flaky".into();
    let mut elsewhere = get("4");
    elsewhere["request"]["url"] = "http://other/api/orders/4".into();
    let mut undescribed = case(2, &[get("5")]);
    undescribed["suite"] = "other".into();
    let named = case(3, &[exchange("GET", "/by-name", 200, "", "")]);
    let sources = CoverageSources {
        documents: vec![Arc::new(document(SHOP)), Arc::new(document(SHOP))],
        suites: Some([("s".to_owned(), 0), ("never".to_owned(), 1)].into()),
        operations: [("s/c3".to_owned(), [(String::new(), "getOrder".to_owned())].into())].into(),
    };
    let coverage = gathered(sources, &[first, case(1, &[elsewhere]), undescribed, named], &[]);
    assert_eq!((coverage.documents.len(), coverage.folder.as_deref()), (1, Some("a/b")));
    assert_eq!(coverage.documents[0].operations[2].sighting.exchanges, 4);
    let left_out: Vec<_> = coverage
        .not_counted
        .iter()
        .map(|one| (one.case.as_str(), one.exchanges))
        .collect();
    assert_eq!(left_out, [("s/c1", 1), ("s/c2", 1)]);
}

#[test]
fn discriminator_and_unions_declare_their_branches() {
    let text = "
openapi: 3.0.3
info: { title: t, version: '1' }
paths:
  /a:
    get:
      responses:
        '200':
          description: d
          content: { application/json: { schema: { $ref: '#/components/schemas/Pet' } } }
components:
  schemas:
    Pet:
      type: object
      properties: { kind: { type: string } }
      discriminator: { propertyName: kind }
    Cat: { allOf: [{ $ref: '#/components/schemas/Pet' }, { properties: { claws: { type: integer } } }] }
    Dog:
      allOf: [{ $ref: '#/components/schemas/Pet' }]
      oneOf: [{ properties: { tail: {} } }, { properties: { bark: {} } }]
";
    let body = r#"{"kind": "Cat", "claws": 1, "bark": 1, "gills": 1}"#;
    let coverage = covered(text, &[exchange("GET", "/a", 200, "application/json", body)]);
    assert_eq!(
        undeclared(&coverage),
        ["property GET /a response 200 application/json gills 1x"]
    );
    assert_eq!(
        unobserved(&coverage),
        ["GET /a response 200 application/json /tail 20 +0"]
    );
}

#[test]
fn hostile_documents_and_bodies_have_limits() {
    // Each schema contains all others.
    let names: Vec<_> = (0..40).map(|number| format!("S{number}")).collect();
    let property = |name: &String| format!("{name}: {{ $ref: '#/components/schemas/{name}' }}");
    let properties = names.iter().map(property).collect::<Vec<_>>().join(", ");
    let schemas = names
        .iter()
        .map(|name| format!("    {name}: {{ type: object, properties: {{ {properties} }} }}\n"));
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /a:\n    get:\n      responses:\n        '200':\n          \
         description: d\n          content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/S0' }} }} }}\n\
         components:\n  schemas:\n{}",
        schemas.collect::<String>()
    );
    let keys = (0..5000).map(|number| format!("\"k{number}\": 1"));
    let body = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
    let coverage = covered(&text, &[exchange("GET", "/a", 200, "application/json", &body)]);
    assert!(coverage.is_cut);
    assert!(coverage.dimensions[4].tally.declared <= 2000);
    assert_eq!(coverage.undeclared.len(), 21);
}

#[test]
fn unobserved_parts_beyond_the_limit_are_counted() {
    let parameters = (0..20_010).map(|number| format!("        - {{ name: p{number}, in: query }}\n"));
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /a:\n    get:\n      parameters:\n{}      \
         responses: {{ '200': {{ description: d }} }}\n",
        parameters.collect::<String>()
    );
    let coverage = covered(&text, &[exchange("GET", "/a?p7=1", 200, "", "")]);
    assert_eq!((coverage.unobserved.len(), coverage.unobserved_left_out), (20_000, 9));
}

/// Two forms with the same properties, and a cookie.
const FORMS: &str = "
openapi: 3.1.0
paths:
  /forms:
    post:
      parameters: [{ name: sid, in: cookie, schema: { type: string } }, { name: theme, in: cookie, schema: { type: string } }]
      requestBody:
        content:
          application/x-www-form-urlencoded: { schema: { $ref: '#/components/schemas/Form' } }
          multipart/form-data: { schema: { $ref: '#/components/schemas/Form' } }
      responses: { '200': { description: ok } }
components:
  schemas:
    Form:
      type: object
      properties:
        id: { type: string, readOnly: true }
        name: { type: string }
        tags: { type: array, items: { type: string } }
        place: { type: object, properties: { city: { type: string }, zip: { type: string } } }
        file: { type: string }
";

#[test]
fn properties_of_forms_and_cookies_are_counted() {
    let form = |kind: &str, body: &str| {
        let mut exchange = exchange("POST", "/forms", 200, "", "");
        exchange["request"]["headers"] = json!([["Content-Type", kind], ["Cookie", "other=1; sid=[hidden]"]]);
        exchange["request"]["body"] = json!({ "text": body });
        exchange
    };
    let url = form(
        "application/x-www-form-urlencoded",
        "name=a&place[city]=x&tags[]=1&extra=1",
    );
    let part = |head: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let parts = part("name=file; filename=f", "x") + &part("name=place", "{\"zip\": \"1\"}") + "--b--\r\n";
    let coverage = covered(FORMS, &[url, form("multipart/form-data; boundary=b", &parts)]);
    assert_eq!(
        unobserved(&coverage),
        [
            "POST /forms request theme (cookie) 6 +0",
            "POST /forms request application/x-www-form-urlencoded /file 21 +0",
            "POST /forms request application/x-www-form-urlencoded /place/zip 20 +0",
            "POST /forms request multipart/form-data /name 18 +0",
            "POST /forms request multipart/form-data /tags 19 +0",
            "POST /forms request multipart/form-data /place/city 20 +0",
        ]
    );
    assert_eq!(
        undeclared(&coverage),
        ["property POST /forms request application/x-www-form-urlencoded extra 1x"]
    );
}
