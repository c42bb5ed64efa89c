//! Rows of `explored`, and the command that finds them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::support::{Project, Ran, Server, Then, conforme, ran, response};

/// An API that fails for one value of `limit`, and without a token.
fn server() -> Server {
    Server::start(|request| {
        let line = request.lines().next().unwrap_or_default();
        let has_token = request.to_ascii_lowercase().contains("authorization: bearer t");
        let status = match line {
            _ if !has_token => "401 Unauthorized",
            line if line.contains("limit=0") => "500 Internal Server Error",
            line if line.starts_with("POST /orders ") => "201 Created",
            line if line.starts_with("DELETE ") => "204 No Content",
            _ => "200 OK",
        };
        let head = format!("HTTP/1.1 {status}\nContent-Type: application/json");
        let body = if status.starts_with("204") {
            ""
        } else {
            r#"{"id":7,"name":"a"}"#
        };
        (response(&head, body), Then::Keep)
    })
}

const ROWS: &str = "
request: { path: /users, query: { limit: 10, sort: asc }, headers: { Authorization: Bearer t, X-A: '1' } }
explored:
  zero: { note: it failed, request: { query: { limit: 0 } } }
  one: { request: { query: { limit: '1', sort: null }, headers: { x-a: '2' } } }
  expected: { request: { query: { limit: 0 } }, expect: { status: 500 } }
expect: { status: 200, body: { json: { name: a } }, snapshot: true }
";

#[test]
fn explored_rows_are_cases_with_expectations_of_their_own() {
    let server = server();
    let project = Project::new(&[("cases/s/c.yaml", ROWS)]);
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--snapshots",
        "accept",
        "--record",
        "x.ndjson",
    ]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let events = project.read("x.ndjson");
    let of = |id: &str| {
        let start = format!("{{\"event\":\"case-finished\",\"id\":\"{id}\"");
        events.lines().find(|line| line.starts_with(&start)).unwrap_or_default()
    };
    for (id, verdict) in [
        ("s/c", "passed"),
        ("s/c[zero]", "failed"),
        ("s/c[one]", "passed"),
        ("s/c[expected]", "passed"),
    ] {
        assert!(
            of(id).contains(&format!("\"verdict\":\"{verdict}\"")),
            "{id} {}",
            of(id)
        );
    }
    let one = of("s/c[one]");
    assert!(
        one.contains("/users?limit=1\"") && one.contains("[\"x-a\",\"2\"]"),
        "{one}"
    );
}

#[test]
fn explored_row_of_a_step_keeps_its_setup_and_teardown() {
    let server = server();
    let case = "
request: { headers: { Authorization: Bearer t } }
steps:
  - { id: create, request: { method: POST, path: /orders }, expect: { status: 201 }, capture: { order: /id } }
  - { id: list, request: { path: /users, query: { limit: 10 } }, expect: { status: 200 } }
  - { id: last, request: { path: '/orders/{{ order }}' }, expect: { status: 200 } }
teardown:
  - { id: cancel, request: { method: DELETE, path: '/orders/{{ order }}' }, expect: { status: 204 } }
explored:
  zero: { step: list, request: { query: { limit: 0 } } }
";
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let ran = project.run(&["run", "s/c[zero]", "--target", &server.url()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for part in ["setup create [", "step list [", "teardown cancel [", "limit=0"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("step last"), "{}", ran.stdout);
}

#[test]
fn wrong_explored_rows_are_errors_with_locations() {
    let at = |rows: &str| {
        let case = format!("request: {{ path: /users }}\nexpect: {{ status: 200 }}\n{rows}\n");
        let project = Project::new(&[("cases/s/c.yaml", &case)]);
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{rows}: {ran:?}");
        ran.stderr
    };
    for (rows, message, place) in [
        ("explored: {}", "`explored` without a row makes no case", "3:11"),
        ("explored: { a: { note: x } }", "the row `a` has no `request`", "3:13"),
        (
            "explored: { 'a b': { request: { path: / } } }",
            "`a b` cannot name a row",
            "3:13",
        ),
        ("explored: { a: { request: { pth: / } } }", "`pth`", "3:29"),
        (
            "explored: { a: { step: b, request: { path: / } } }",
            "no step `b` in `steps`",
            "3:24",
        ),
        (
            "explored: { a: { request: { query: { b: null } } } }",
            "takes nothing away",
            "3:38",
        ),
        (
            "explored: { a: { request: { path: / }, expect: { snapshot: true } } }",
            "cannot expect `snapshot`",
            "3:",
        ),
        (
            "examples: { a: { x: 1 } }\nexplored: { a: { request: { path: '/{{ x }}' } } }",
            "a row of `examples` too",
            "4:13",
        ),
    ] {
        let error = at(rows);
        assert!(
            error.contains(message) && error.contains(&format!("c.yaml:{place}")),
            "{rows}: {error}"
        );
    }
}

const API: &str = "
openapi: 3.1.0
paths:
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [sku]
              properties: { sku: { type: string, pattern: '^[A-Z]{2}-[0-9]+$' }, count: { type: integer, minimum: 1, maximum: 1000 } }
      responses:
        '201': { description: created, content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: integer } } } } } }
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    delete: { responses: { '204': { description: gone } } }
";

const SUITE: &str = "openapi: api.yaml\nrequest: { headers: { Authorization: 'Bearer {{ token }}' } }\n\
                     inputs: { token: { description: a token, secret: true } }\n";

const CASE: &str = "# What is ordered.
name: An order can be placed
request: { method: POST, path: /orders, body: { json: { sku: AB-1 } } } # as people do
expect: { status: 201, body: { json: { id: 7 } } }
capture: { order: /id }
teardown:
  - id: cancel
    request: { method: DELETE, path: '/orders/{order}', params: { order: '{{ order }}' } }
    expect: { status: 204 }
";

/// An API that may fail for large orders, and that counts orders and cancellations.
fn orders(is_faulty: &Arc<AtomicBool>, counts: &Arc<[AtomicUsize; 2]>) -> Server {
    let (is_faulty, counts) = (Arc::clone(is_faulty), Arc::clone(counts));
    Server::start(move |request| {
        if request.starts_with("DELETE ") {
            counts[1].fetch_add(1, Ordering::SeqCst);
            return (response("HTTP/1.1 204 No Content", ""), Then::Keep);
        }
        let body = request.rsplit("\r\n\r\n").next().unwrap_or_default();
        let order: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let count = order["count"].as_i64().unwrap_or_default();
        let head = "HTTP/1.1 201 Created\nContent-Type: application/json";
        let is_faulty = is_faulty.load(Ordering::SeqCst);
        if is_faulty && count >= 400 {
            return (response("HTTP/1.1 500 Internal Server Error", ""), Then::Keep);
        }
        counts[0].fetch_add(1, Ordering::SeqCst);
        let is_long = order["sku"].as_str().is_some_and(|sku| sku.len() > 5);
        let body = if is_faulty && is_long {
            r#"{"id":"7"}"#
        } else {
            r#"{"id":7}"#
        };
        (response(head, body), Then::Keep)
    })
}

fn explore(project: &Project, url: &str, seconds: &str) -> Ran {
    let mut command = conforme();
    command.args([
        "explore", "--case", "s/order", "--target", url, "--seed", "3", "--for", seconds,
    ]);
    command
        .env("CONFORME_SECRET_TOKEN", "top/secret+1")
        .current_dir(project.path());
    ran(&mut command)
}

#[test]
fn failures_become_rows_that_reproduce_on_their_own() {
    let (is_faulty, counts) = (Arc::new(AtomicBool::new(true)), Arc::default());
    let server = orders(&is_faulty, &counts);
    let project = Project::new(&[
        ("schemas/api.yaml", API),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/order.yaml", CASE),
    ]);
    let seen = explore(&project, &server.url(), "2s");
    assert_eq!(seen.code, 1, "{seen:?}");
    let case = project.read("cases/s/order.yaml");
    let rows = case.strip_prefix(CASE).expect("the rest of the file stays");
    let expected = "explored:
  found-1:
    note: \"seed 3: openapi/body: the body breaks the document: the value is not of type \\\"integer\\\" at /id\"
    request: { body: { json: { sku: AA-000 } } }
  found-2:
    note: \"seed 3: the status is 500\"
    request: { body: { json: { count: 400, sku: AB-1 } } }
";
    let sku = rows
        .split("sku: ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    assert_eq!(sku.len(), 6, "{rows}");
    assert_eq!(
        rows.replace(sku, "AA-000")
            .replace("count: 400, sku: AA-000", "count: 400, sku: AB-1"),
        expected
    );
    for part in [
        "FAIL",
        "s/order[found-1]",
        "s/order[found-2]",
        "PASS",
        "changed: body `/count`, body `/sku`",
    ] {
        assert!(seen.stdout.contains(part), "{part}: {}", seen.stdout);
    }
    let all = format!("{}{}{case}", seen.stdout, seen.stderr);
    assert!(!all.contains("secret+1") && !all.contains("secret%2B1"), "{all}");
    // Everything that was ordered was canceled.
    let number = |index: usize| counts[index].load(Ordering::SeqCst);
    assert!(number(0) > 20, "{}", number(0));
    assert_eq!(number(0), number(1));
    // Nothing is found twice.
    let again = explore(&project, &server.url(), "1s");
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again.stdout.contains("KNOWN s/order[found-1], s/order[found-2]"),
        "{again:?}"
    );
    assert_eq!(project.read("cases/s/order.yaml"), case);
    // The rows pass when the API is repaired.
    is_faulty.store(false, Ordering::SeqCst);
    let repaired = explore(&project, &server.url(), "1s");
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert_eq!(project.read("cases/s/order.yaml"), case);
}

#[test]
fn good_api_has_no_failures_and_the_case_file_stays() {
    let server = orders(&Arc::new(AtomicBool::new(false)), &Arc::default());
    let project = Project::new(&[
        ("schemas/api.yaml", API),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/order.yaml", CASE),
    ]);
    let seen = explore(&project, &server.url(), "1s");
    assert_eq!(seen.code, 0, "{seen:?}");
    assert!(seen.stdout.contains("seed 3; 201: "), "{seen:?}");
    assert_eq!(project.read("cases/s/order.yaml"), CASE);
}

#[test]
fn what_cannot_be_explored_is_an_error_before_anything_is_sent() {
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    let server = orders(&Arc::new(AtomicBool::new(false)), &counts);
    let project = Project::new(&[
        ("schemas/api.yaml", API),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/order.yaml", CASE),
        (
            "cases/s/fixed.yaml",
            "request: { method: DELETE, path: /orders/7 }\nexpect: { status: 204 }\n",
        ),
        ("cases/plain/c.yaml", "request: { path: / }\nexpect: { status: 200 }\n"),
    ]);
    for (case, url, parts) in [
        (
            "s/order",
            "http://192.0.2.1",
            &["is not on this machine", "--allow explore"][..],
        ),
        ("s/ordre", &server.url(), &["s/order"]),
        (
            "s/fixed",
            &server.url(),
            &["nothing of its request can be changed", "path `id`"],
        ),
        ("plain/c", &server.url(), &["there is no document", "openapi: FILE"]),
        ("s", &server.url(), &["names 2 cases"]),
    ] {
        let mut command = conforme();
        command.args(["explore", "--case", case, "--target", url, "--for", "1s"]);
        command
            .env("CONFORME_SECRET_TOKEN", "secret123")
            .current_dir(project.path());
        let seen = ran(&mut command);
        assert_eq!(seen.code, 2, "{case}: {seen:?}");
        for part in parts {
            assert!(seen.stderr.contains(part), "{case}: {part}: {seen:?}");
        }
    }
    assert_eq!(counts[0].load(Ordering::SeqCst), 0);
}

#[test]
fn api_that_stops_or_fails_at_once_is_not_explored() {
    let project = Project::new(&[
        ("schemas/api.yaml", API),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/order.yaml", CASE),
    ]);
    let closed = format!("http://127.0.0.1:{}", crate::programs::free_port());
    let seen = explore(&project, &closed, "1s");
    assert_eq!(seen.code, 3, "{seen:?}");
    assert!(seen.stdout.contains("STOPPED no response"), "{seen:?}");
    let server = Server::always("HTTP/1.1 500 Internal Server Error", "");
    let seen = explore(&project, &server.url(), "1s");
    assert_eq!(seen.code, 1, "{seen:?}");
    assert!(
        seen.stdout
            .contains("the request of the case itself fails: the status is 500"),
        "{seen:?}"
    );
    assert_eq!(project.read("cases/s/order.yaml"), CASE);
}
