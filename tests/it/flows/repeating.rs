//! Repeats of cases with state, and durations and numbers that are captured or of a row.

use std::sync::{Arc, Mutex};

use crate::support::{Project, Server, Then, response};

#[test]
fn repeats_of_a_stateful_case_include_its_setup_and_teardown() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::start(move |request| {
        let mut log = log.lock().unwrap();
        let line = request.split(" HTTP").next().unwrap_or_default().to_owned();
        log.push(line.clone());
        let number = log.iter().filter(|line| line.starts_with("POST")).count();
        let text = match line.split(' ').next() {
            Some("POST") => response(
                "HTTP/1.1 201 Created\nContent-Type: application/json",
                &format!("{{\"id\":{number}}}"),
            ),
            Some("DELETE") => response("HTTP/1.1 204 No Content", ""),
            _ => response("HTTP/1.1 200 OK\nContent-Type: text/plain", "ok"),
        };
        (text, Then::Keep)
    });
    let case = "setup: [{ id: make, request: { method: POST, path: /o }, expect: { status: 201 }, capture: { id: /id } }]
steps: [{ id: get, request: { path: '/o/{i}', params: { i: '{{ id }}' } }, expect: { status: 200 } }]
teardown: [{ id: drop, request: { method: DELETE, path: '/o/{i}', params: { i: '{{ id }}' } }, expect: { status: 204 } }]
";
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let ran = project.run(&["run", "--target", &server.url(), "--repeats", "3", "--report", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let expected: Vec<_> = (1..=3)
        .flat_map(|n| ["POST /o".to_owned(), format!("GET /o/{n}"), format!("DELETE /o/{n}")])
        .collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    let repeats = ran.case("s/c")["repeats"].as_array().unwrap().clone();
    let steps: Vec<_> = repeats
        .iter()
        .map(|repeat| repeat["steps"].as_array().unwrap().len())
        .collect();
    assert_eq!(steps, [3, 3], "{repeats:?}");
}

#[test]
fn durations_and_numbers_can_be_captured_or_of_a_row() {
    let server = Server::start(|_| {
        let body = "{\"n\":3,\"limit\":\"30s\",\"none\":\"x\",\"list\":[1,2,3]}";
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", body),
            Then::Keep,
        )
    });
    let case = |capture: &str, rows: &str, use_: &str| {
        format!(
            "examples: {{ r: {{ {rows} }} }}\nsteps:\n  - {{ id: a, request: {{ path: / }}, expect: {{ status: 200 }}, capture: {{ {capture} }} }}\n  \
             - {{ id: b, request: {{ path: / }}, {use_} }}\n"
        )
    };
    let size = "expect: { status: 200, duration: '{{ d }}', body: { json: { n: { $gte: '{{ n }}' }, list: { $length: '{{ n }}' } } } }";
    let wait = "timeout: '{{ d }}', eventually: { within: '{{ d }}', every: '{{ e }}' }, expect: { status: 200 }";
    for (capture, rows, use_, code, message) in [
        ("n: /n, d: /limit", "note: x", size, 0, ""),
        ("n: /n", "d: 20s", size, 0, ""),
        ("n: /n", "d: 5", size, 2, "`d` does not give a duration here"),
        ("n: /n", "d: null", size, 2, "`d` is null here"),
        ("d: /limit", "n: '3'", size, 2, "expected a number or a date"),
        ("d: /limit, n: /none", "note: x", size, 1, "request/value"),
        ("n: /n, d: /none", "note: x", size, 1, "does not give a duration"),
        ("n: /n", "d: 2s, e: 10ms", wait, 0, ""),
        ("n: /n", "d: 2s, e: often", wait, 2, "`e` does not give a duration here"),
        (
            "n: /n",
            "d: 2s",
            "timeout: 1s, expect: { status: 200, duration: '{{ d }}' }",
            2,
            "times out before",
        ),
    ] {
        let project = Project::new(&[("cases/s/c.yaml", &case(capture, rows, use_))]);
        let ran = project.run(&["run", "--target", &server.url()]);
        assert_eq!(ran.code, code, "{rows} {use_}: {}{}", ran.stdout, ran.stderr);
        let output = ran.stdout + &ran.stderr;
        assert!(output.contains(message), "{message}: {output}");
        if code == 2 {
            let valid = project.run(&["validate"]);
            assert_eq!(valid.code, 2, "{rows} {use_}: {}", valid.stdout);
        }
    }
}
