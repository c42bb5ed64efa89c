//! Requests and responses compared with an `OpenAPI` document. One API is described in 3.0, 3.1 and 3.2: the findings are the
//! same, at the same lines.

use serde_json::Value;

use crate::support::{Project, Ran, Server, Then, response};

/// The document; three schemas differ among the versions.
const ORDERS: &str = include_str!("openapi/orders.yaml");
const PROBLEM: &str = "Problem:\n  type: object\n  required: [title]\n  properties:\n    title: { type: string }\n";

/// The document in each version.
fn documents() -> [(&'static str, String); 3] {
    let old = [
        ("VERSION", "3.0.3"),
        ("NULLABLE_STRING", "{ type: string, nullable: true }"),
        ("ABOVE_ZERO", "{ type: number, minimum: 0, exclusiveMinimum: true }"),
        (
            "NULLABLE_ORDER",
            "{ nullable: true, allOf: [{ $ref: \"#/components/schemas/Order\" }] }",
        ),
    ];
    let new = [
        ("NULLABLE_STRING", "{ type: [string, \"null\"] }"),
        ("ABOVE_ZERO", "{ type: number, exclusiveMinimum: 0 }"),
        (
            "NULLABLE_ORDER",
            "{ anyOf: [{ $ref: \"#/components/schemas/Order\" }, { type: \"null\" }] }",
        ),
    ];
    let with = |pairs: &[(&str, &str)], text: &str| {
        pairs
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let of_version = |version: &str| with(&new, &ORDERS.replace("VERSION", version));
    [
        ("3.0", with(&old, ORDERS)),
        ("3.1", of_version("3.1.0")),
        ("3.2", of_version("3.2.0")),
    ]
}

/// A request and its response.
struct Row {
    name: &'static str,
    request: &'static str,
    head: &'static str,
    body: &'static str,
    /// The rule with its level, and a text of the line in the document that is reported.
    found: &'static [(&'static str, &'static str)],
}

const LIST: &str = "{ path: /orders, headers: { X-Tenant: ab } }";
const ONE: &str = "{ path: /orders/1 }";
const MAKE: &str = "{ method: POST, path: /orders, body: { json: { secret: s, status: open } } }";
const LISTED: &str = "HTTP/1.1 200 OK\nContent-Type: application/json\nX-Total: 1";
const OK: &str = "HTTP/1.1 200 OK\nContent-Type: application/json";
const MADE: &str = "HTTP/1.1 201 Created\nContent-Type: application/json\nLocation: /orders/1";
const ORDER: &str = r#"{"id": 1, "status": "open"}"#;

const fn row(
    name: &'static str,
    request: &'static str,
    (head, body): (&'static str, &'static str),
    found: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        name,
        request,
        head,
        body,
        found,
    }
}

/// Faults of responses.
const FAULTS: [Row; 28] = [
    row(
        "undeclared-2xx",
        LIST,
        (
            "HTTP/1.1 202 Accepted\nContent-Type: application/json\nX-Total: 1",
            "[]",
        ),
        &[("openapi/status", "responses:")],
    ),
    row(
        "undeclared-5xx",
        LIST,
        ("HTTP/1.1 500 Oops\nContent-Type: application/json", "{}"),
        &[("openapi/status", "responses:")],
    ),
    row(
        "undeclared-404",
        LIST,
        ("HTTP/1.1 404 No\nContent-Type: application/json", "{}"),
        &[("openapi/status (warn)", "responses:")],
    ),
    row(
        "undeclared-409",
        LIST,
        ("HTTP/1.1 409 No\nContent-Type: application/json", "{}"),
        &[("openapi/status", "responses:")],
    ),
    row(
        "media-type",
        LIST,
        ("HTTP/1.1 200 OK\nContent-Type: text/html\nX-Total: 1", "<p>"),
        &[("openapi/media-type", "content:")],
    ),
    row(
        "no-media-type",
        ONE,
        ("HTTP/1.1 200 OK", "{}"),
        &[("http/recommended (warn)", ""), ("openapi/media-type", "content:")],
    ),
    row(
        "problem-as-json",
        ONE,
        ("HTTP/1.1 404 No\nContent-Type: application/json", r#"{"title": "t"}"#),
        &[("openapi/media-type", "content:")],
    ),
    row(
        "missing-property",
        ONE,
        (OK, r#"{"id": 1}"#),
        &[("openapi/body", "required: [id, secret, status]")],
    ),
    row(
        "wrong-type",
        ONE,
        (OK, r#"{"id": "1", "status": "open"}"#),
        &[("openapi/body", "id: { type: integer, readOnly")],
    ),
    row(
        "enum",
        ONE,
        (OK, r#"{"id": 1, "status": "lost"}"#),
        &[("openapi/body", "enum: [open, shipped]")],
    ),
    row(
        "additional",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "x": 1}"#),
        &[("openapi/body", "additionalProperties: false")],
    ),
    row(
        "null-id",
        ONE,
        (OK, r#"{"id": null, "status": "open"}"#),
        &[("openapi/body", "id: { type: integer, readOnly")],
    ),
    row(
        "exclusive-minimum",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "price": 0}"#),
        &[("openapi/body", "price:")],
    ),
    row(
        "date",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "placed": "yesterday"}"#),
        &[("openapi/body", "placed:")],
    ),
    row(
        "min-items",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "lines": []}"#),
        &[("openapi/body", "minItems: 1")],
    ),
    row(
        "pattern",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "lines": [{"sku": "a"}]}"#),
        &[("openapi/body", "sku:")],
    ),
    row(
        "maximum",
        LIST,
        (
            LISTED,
            r#"[{"id": 1, "status": "open", "lines": [{"sku": "A", "count": 11}]}]"#,
        ),
        &[("openapi/body", "count:")],
    ),
    row(
        "write-only",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "secret": "s"}"#),
        &[("openapi/body", "secret: { type: string, writeOnly")],
    ),
    row(
        "nested-parent",
        ONE,
        (OK, r#"{"id": 1, "status": "open", "parent": 7}"#),
        &[("openapi/body", "")],
    ),
    row(
        "problem",
        ONE,
        ("HTTP/1.1 404 No\nContent-Type: application/problem+json", "{}"),
        &[("openapi/body", "required: [title]")],
    ),
    row("no-content", ONE, (OK, ""), &[("openapi/body", "content:")]),
    row("missing-header", LIST, (OK, "[]"), &[("openapi/header", "X-Total:")]),
    row(
        "header-type",
        LIST,
        ("HTTP/1.1 200 OK\nContent-Type: application/json\nX-Total: many", "[]"),
        &[("openapi/header", "X-Total:")],
    ),
    row(
        "header-minimum",
        LIST,
        ("HTTP/1.1 200 OK\nContent-Type: application/json\nX-Total: -1", "[]"),
        &[("openapi/header", "X-Total:")],
    ),
    row(
        "header-list",
        LIST,
        (
            "HTTP/1.1 200 OK\nContent-Type: application/json\nX-Total: 1\nX-Tags: 1,b",
            "[]",
        ),
        &[("openapi/header", "X-Tags:")],
    ),
    row(
        "missing-location",
        MAKE,
        ("HTTP/1.1 201 Created\nContent-Type: application/json", ORDER),
        &[("openapi/header", "headers: { Location")],
    ),
    row(
        "discriminator-value",
        "{ path: /animals/1 }",
        (OK, r#"{"kind": "cow"}"#),
        &[("openapi/body", "discriminator:")],
    ),
    row(
        "discriminator-branch",
        "{ path: /animals/1 }",
        (OK, r#"{"kind": "cat"}"#),
        &[("openapi/body", "required: [kind, lives]")],
    ),
];

/// More faults: of an inherited schema, and of requests of cases that expect success.
const REQUEST_FAULTS: [Row; 13] = [
    row(
        "heir",
        "{ path: /vehicles/1 }",
        (OK, r#"{"type": "Car", "doors": "two"}"#),
        &[("openapi/body", "properties: { doors")],
    ),
    row(
        "heir-value",
        "{ path: /vehicles/1 }",
        (OK, r#"{"type": "Boat"}"#),
        &[("openapi/body", "discriminator: { propertyName: type }")],
    ),
    row(
        "path-value",
        "{ path: /orders/x }",
        (OK, ORDER),
        &[("openapi/request (warn)", "name: id, in: path")],
    ),
    row(
        "query-value",
        "{ path: /orders, query: { limit: 0 }, headers: { X-Tenant: ab } }",
        (LISTED, "[]"),
        &[("openapi/request (warn)", "name: limit")],
    ),
    row(
        "query-list",
        "{ path: /orders, query: { ids: '1,b' }, headers: { X-Tenant: ab } }",
        (LISTED, "[]"),
        &[("openapi/request (warn)", "name: ids")],
    ),
    row(
        "query-name",
        "{ path: /orders, query: { limits: 5 }, headers: { X-Tenant: ab } }",
        (LISTED, "[]"),
        &[("openapi/request (warn)", "parameters:")],
    ),
    row(
        "missing-parameter",
        "{ path: /orders }",
        (LISTED, "[]"),
        &[("openapi/request (warn)", "name: X-Tenant")],
    ),
    row(
        "header-value",
        "{ path: /orders, headers: { X-Tenant: a } }",
        (LISTED, "[]"),
        &[("openapi/request (warn)", "minLength: 2")],
    ),
    row(
        "missing-body",
        "{ method: POST, path: /orders }",
        (MADE, ORDER),
        &[("openapi/request (warn)", "required: true")],
    ),
    row(
        "read-only",
        "{ method: POST, path: /orders, body: { json: { id: 1, secret: s, status: open } } }",
        (MADE, ORDER),
        &[("openapi/request (warn)", "readOnly: true")],
    ),
    row(
        "form-body",
        "{ method: POST, path: /orders, body: { form: { status: open } } }",
        (MADE, ORDER),
        &[("openapi/request (warn)", "content:")],
    ),
    row(
        "undeclared-path",
        "{ path: /nothing }",
        (OK, "{}"),
        &[("openapi/request (warn)", "paths:")],
    ),
    row(
        "undeclared-method",
        "{ method: PATCH, path: /orders/1 }",
        (OK, "{}"),
        &[("openapi/request (warn)", "paths:")],
    ),
];

/// What an API may do, and requests that are wrong on purpose.
const ALLOWED: [Row; 19] = [
    row("plain", ONE, (OK, ORDER), &[]),
    row(
        "charset",
        ONE,
        ("HTTP/1.1 200 OK\nContent-Type: Application/JSON; charset=utf-8", ORDER),
        &[],
    ),
    row(
        "nullable",
        ONE,
        (
            OK,
            r#"{"id": 1, "status": "open", "note": null, "parent": null, "price": 0.01}"#,
        ),
        &[],
    ),
    row(
        "whole-number",
        ONE,
        (OK, r#"{"id": 1.0, "status": "open", "placed": "2026-01-02T03:04:05Z"}"#),
        &[],
    ),
    row(
        "nested",
        ONE,
        (
            OK,
            r#"{"id": 1, "status": "open", "parent": {"id": 2, "status": "shipped"}}"#,
        ),
        &[],
    ),
    row(
        "head",
        "{ method: HEAD, path: /orders/1 }",
        (
            "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 20",
            "",
        ),
        &[],
    ),
    row(
        "no-body-204",
        "{ method: DELETE, path: /orders/1 }",
        ("HTTP/1.1 204 No Content", ""),
        &[],
    ),
    row(
        "not-modified",
        "{ path: /orders/1, headers: { If-None-Match: '\"a\"' } }",
        ("HTTP/1.1 304 Not Modified\nETag: \"a\"", ""),
        &[],
    ),
    row(
        "without-content",
        LIST,
        (
            "HTTP/1.1 401 No\nWWW-Authenticate: Bearer\nContent-Type: text/plain",
            "no token",
        ),
        &[],
    ),
    row(
        "default",
        ONE,
        (
            "HTTP/1.1 503 No\nContent-Type: application/problem+json",
            r#"{"title": "t"}"#,
        ),
        &[],
    ),
    row(
        "range",
        MAKE,
        (
            "HTTP/1.1 422 No\nContent-Type: application/problem+json",
            r#"{"title": "t"}"#,
        ),
        &[],
    ),
    row(
        "header-spaces",
        LIST,
        (
            "HTTP/1.1 200 OK\nContent-Type: application/json\nx-total: 0\nX-Tags: 1, 2",
            "[]",
        ),
        &[],
    ),
    row(
        "text",
        "{ path: /files/a.b.txt }",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "long text"),
        &[],
    ),
    row("slash", "{ path: /orders/1/ }", (OK, ORDER), &[]),
    row("encoded", "{ path: /orders/%31 }", (OK, ORDER), &[]),
    row(
        "query",
        "{ path: /orders, query: { limit: 100, ids: '1,2' }, headers: { X-Tenant: ab } }",
        (LISTED, "[]"),
        &[],
    ),
    row(
        "wrong-on-purpose",
        "{ method: POST, path: /orders, query: { x: 1 }, body: { json: { status: 1 } } }",
        (
            "HTTP/1.1 400 No\nContent-Type: application/problem+json",
            r#"{"title": "t"}"#,
        ),
        &[],
    ),
    row(
        "unknown-path",
        "{ path: /nothing }",
        ("HTTP/1.1 404 No\nContent-Type: text/plain", "no"),
        &[],
    ),
    row("dog", "{ path: /animals/1 }", (OK, r#"{"kind": "dog"}"#), &[]),
];

/// A project with a case for each row.
fn project(document: &str, rows: &[&Row]) -> Project {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "openapi: api.yaml\n"),
        ("schemas/api.yaml", document),
        ("schemas/shared/problem.yaml", PROBLEM),
    ]);
    for row in rows {
        let status = &row.head[9..12];
        let request = row.request.strip_prefix('{').unwrap();
        let (headers, request) = match request.split_once("headers: {") {
            Some((start, end)) => (
                format!("headers: {{ X-Row: {}, ", row.name),
                format!("{start}{{HEADERS}}{end}"),
            ),
            None => (
                format!("headers: {{ X-Row: {} }},", row.name),
                format!("{{HEADERS}}{request}"),
            ),
        };
        let request = request.replace("{HEADERS}", &headers);
        let text = format!("request: {{ {request}\nexpect: {{ status: {status} }}\n");
        project.write(&format!("cases/s/{}.yaml", row.name), &text);
    }
    project
}

/// Responds to each request with the response of its row.
fn server(rows: Vec<&'static Row>) -> Server {
    Server::start(move |request| {
        let name = request
            .lines()
            .find_map(|line| line.strip_prefix("x-row: ").or(line.strip_prefix("X-Row: ")));
        let row = rows.iter().find(|row| Some(row.name) == name).expect("a row");
        let then = if request.starts_with("HEAD") {
            Then::Close
        } else {
            Then::Keep
        };
        (response(row.head, row.body), then)
    })
}

/// The findings of each case: the rule with its level, and the line of the document.
fn found(project: &Project, ran: &Ran, name: &str) -> Vec<(String, String)> {
    let report = project.read("report.json");
    let mut events = report.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let case = events.find(|event| event["event"] == "case-finished" && event["id"] == format!("s/{name}"));
    let case = case.unwrap_or_else(|| panic!("no case {name}: {ran:?}"));
    let steps = case["steps"].as_array().into_iter().flatten();
    let findings = steps
        .chain([&case])
        .filter_map(|part| part["findings"].as_array())
        .flatten();
    let finding = |finding: &Value| {
        let level = if finding["level"] == "warn" { " (warn)" } else { "" };
        let id = format!("{}{level}", finding["check"].as_str().unwrap());
        let file = finding["location"]["file"].as_str().unwrap();
        let line = usize::try_from(finding["location"]["line"].as_u64().unwrap()).unwrap();
        let text = project.read(file);
        (id, text.lines().nth(line - 1).unwrap_or_default().trim().to_owned())
    };
    findings.map(finding).collect()
}

fn check(rows: &[&'static Row]) {
    let server = server(rows.to_vec());
    let mut wrong = Vec::new();
    for (version, document) in documents() {
        let project = project(&document, rows);
        let arguments = [
            "run",
            "--target",
            &server.url(),
            "--timeout",
            "5s",
            "--report",
            "json=report.json",
        ];
        let ran = project.run(&arguments);
        assert!([0, 1].contains(&ran.code), "{ran:?}");
        // 3.0 has no other way to say that a reference can be null.
        let is_clean = !ran.stderr.contains("warning: ") || version == "3.0";
        assert!(is_clean, "{}", ran.stderr);
        for row in rows {
            let found = found(&project, &ran, row.name);
            let is_same = found.len() == row.found.len()
                && (found.iter().zip(row.found)).all(|(found, (id, text))| found.0 == *id && found.1.contains(text));
            if !is_same {
                wrong.push(format!("{version} {}: {found:?} instead of {:?}", row.name, row.found));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_responses_are_found_at_their_line_in_every_version() {
    check(&FAULTS.iter().collect::<Vec<_>>());
}

#[test]
fn faults_of_requests_are_warnings_in_every_version() {
    check(&REQUEST_FAULTS.iter().collect::<Vec<_>>());
}

#[test]
fn allowed_variations_have_no_findings_in_any_version() {
    check(&ALLOWED.iter().collect::<Vec<_>>());
}

/// A project whose only response is that of a row.
fn one(suite: &str, case: &str, document: &str) -> Project {
    let server_case = format!("request: {{ path: /orders/1 }}\nexpect: {{ status: 200 }}\n{case}");
    Project::new(&[
        ("cases/s/suite.yaml", suite),
        ("cases/s/c.yaml", &server_case),
        ("schemas/api.yaml", document),
        ("schemas/shared/problem.yaml", PROBLEM),
    ])
}

#[test]
fn operation_is_named_and_levels_are_set() {
    let [_, (_, document), _] = documents();
    let server = Server::always(OK, r#"{"id": "x"}"#);
    let run = |suite: &str, case: &str| one(suite, case, &document).run(&["run", "--target", &server.url()]);
    let fails = run("openapi: api.yaml\n", "");
    assert_eq!(fails.code, 1, "{fails:?}");
    assert!(fails.stdout.contains("openapi/body at /id"), "{}", fails.stdout);
    assert!(fails.stdout.contains("schemas/api.yaml:"), "{}", fails.stdout);
    let off = run("openapi: api.yaml\nexpect: { rules: { openapi/body: off } }\n", "");
    assert_eq!(off.code, 0, "{off:?}");
    // The operation decides which responses are declared.
    let other = run("openapi: api.yaml\n", "operation: createOrder\n");
    assert!(other.stdout.contains("openapi/status"), "{}", other.stdout);
    let none = run("name: s\n", "");
    assert_eq!(none.code, 0, "{none:?}");
}

#[test]
fn invalid_document_or_operation_is_an_error() {
    let [(_, document), ..] = documents();
    for (suite, case, text, parts) in [
        (
            "openapi: apy.yaml\n",
            "",
            document.as_str(),
            vec!["no file `apy.yaml`", "did you mean `api.yaml`?"],
        ),
        ("openapi: ../api.yaml\n", "", &document, vec!["no file `../api.yaml`"]),
        (
            "openapi: api.yaml\n",
            "operation: createOrders\n",
            &document,
            vec!["did you mean `createOrder`?"],
        ),
        (
            "name: s\n",
            "operation: createOrder\n",
            &document,
            vec!["no `openapi` document"],
        ),
        (
            "openapi: api.yaml\n",
            "",
            "swagger: '2.0'\n",
            vec!["schemas/api.yaml:1", "convert it"],
        ),
        ("openapi: api.yaml\n", "", "openapi: 3.1.0\n", vec!["no operations"]),
        (
            "openapi: api.yaml\n",
            "",
            "openapi: 3.1.0\npaths:\n  /orders/1:\n    get: {responses: {'200': {content: {application/json: {schema: {type: strin}}}}}}\n",
            vec!["schemas/api.yaml:4", "`strin` is not a type", "did you mean `string`?"],
        ),
    ] {
        let ran = one(suite, case, text).run(&["run", "--target", "http://127.0.0.1:9"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    }
}

#[test]
fn recorded_responses_are_judged_measured_and_run_again() {
    let [_, (_, document), _] = documents();
    let server = Server::always(OK, ORDER);
    let project = one("openapi: api.yaml\n", "", &document);
    let first = project.run(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    assert_eq!(first.code, 0, "{first:?}");
    let measured = project.run(&["mutate", "run.ndjson"]);
    assert!(measured.stdout.contains("OpenAPI"), "{}", measured.stdout);
    let again = ["run", "--target", &server.url(), "--failed-from", "run.ndjson"];
    let again = project.run(&again);
    assert!(
        again.stdout.contains("passed before") || again.stdout.contains("1 skipped"),
        "{}",
        again.stdout
    );
    // A stricter document: the recorded response no longer passes.
    project.write(
        "schemas/api.yaml",
        &document.replace("enum: [open, shipped]", "enum: [shipped]"),
    );
    let rechecked = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(rechecked.code, 1, "{rechecked:?}");
    assert!(
        rechecked.stdout.contains("openapi/body at /status"),
        "{}",
        rechecked.stdout
    );
    let again = project.run(&["run", "--target", &server.url(), "--failed-from", "run.ndjson"]);
    assert_eq!(again.code, 1, "{again:?}");
}

#[test]
fn comparison_uses_the_declarations_of_the_document() {
    let [_, (_, document), _] = documents();
    let project = one("openapi: api.yaml\n", "", &document);
    let record = |file: &str, body: &'static str| {
        let server = Server::always(OK, body);
        let ran = project.run(&["run", "--target", &server.url(), "--record", file]);
        assert!([0, 1].contains(&ran.code), "{ran:?}");
    };
    record("a.ndjson", r#"{"id": 1, "status": "open", "note": "n"}"#);
    record("b.ndjson", r#"{"id": 1, "status": "open"}"#);
    record("c.ndjson", r#"{"status": "open", "note": "n"}"#);
    let compare = |other: &str| project.run(&["compare", "--baseline", "a.ndjson", "--candidate", other]);
    let optional = compare("b.ndjson");
    assert!(
        optional.stdout.contains("not required by the schema"),
        "{}",
        optional.stdout
    );
    let required = compare("c.ndjson");
    assert_eq!(required.code, 1, "{required:?}");
    assert!(
        required.stdout.contains("fails check `openapi/body`"),
        "{}",
        required.stdout
    );
}

#[test]
fn comparison_uses_declared_header_fields() {
    let document = "openapi: 3.1.0\npaths:\n  /orders/1:\n    get:\n      responses:\n        '200':\n          description: ok\n          \
                    headers:\n            X-Total: { required: true, schema: { type: integer } }\n            \
                    X-Kind: { schema: { enum: [a, b] } }\n            X-Note: { schema: { type: string } }\n";
    let project = one(
        "openapi: api.yaml\nexpect: { rules: { openapi/header: off } }\n",
        "",
        document,
    );
    let record = |file: &str, fields: &str| {
        let head = format!("HTTP/1.1 200 OK\nX-Free: 1\n{fields}");
        let server = Server::start(move |_| (response(&head, ""), Then::Keep));
        let ran = project.run(&["run", "--target", &server.url(), "--record", file]);
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    record("a.ndjson", "X-Total: 1\nX-Kind: a\nX-Note: n");
    for (file, fields, exit, reason) in [
        (
            "total.ndjson",
            "X-Kind: a\nX-Note: n",
            1,
            "required by the document; clients that read it will fail",
        ),
        (
            "kind.ndjson",
            "X-Total: 1\nX-Kind: b\nX-Note: n",
            1,
            "the document lists the possible values",
        ),
        (
            "note.ndjson",
            "X-Total: 1\nX-Kind: a",
            0,
            "not required by the document, but the baseline had it",
        ),
    ] {
        record(file, fields);
        let seen = project.run(&["compare", "--baseline", "a.ndjson", "--candidate", file]);
        assert_eq!(seen.code, exit, "{file}: {seen:?}");
        let text = seen.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(reason), "{file}: {}", seen.stdout);
    }
}
