//! Rows of `explored`, and the command that finds them.

use crate::support::{Project, Server, Then, response};

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
