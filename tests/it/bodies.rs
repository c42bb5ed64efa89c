//! Bodies and header values through the program: codings, charsets, null, lists, and what is left to be accepted.

use std::io::Write as _;

use crate::support::{Project, Ran, Server, Then, response};

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

fn response_of_bytes(head: &str, body: &[u8]) -> Vec<u8> {
    let date = "Date: Tue, 15 Nov 1994 08:12:31 GMT";
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\n{date}\r\n{head}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn served(path: &str) -> Vec<u8> {
    const JSON: &str = "Content-Type: application/json\r\n";
    let coded = |coding: &str, body: &[u8]| response_of_bytes(&format!("{JSON}Content-Encoding: {coding}\r\n"), body);
    let text = |charset: &str, body: &[u8]| response_of_bytes(&format!("Content-Type: text/plain{charset}\r\n"), body);
    match path {
        "/gzip" => coded("gzip", &gzip("{\"a\": 1, \"token\": \"the-very-secret-token\"}")),
        "/cut" => coded("gzip", &gzip("{\"a\": 1}")[..12]),
        "/bomb" => coded("gzip", &gzip(&format!("\"{}\"", "x".repeat(100_000)))),
        "/latin" => text("; charset=\"ISO-8859-1\"", b"gr\xf6\xdfe"),
        "/unknown" => text("; charset=klingon", b"a"),
        "/broken" => text("", b"caf\xe9"),
        "/null" => response_of_bytes(JSON, b"null"),
        "/empty" => response_of_bytes("", b""),
        "/list" => response_of_bytes(
            "Allow: GET\r\nAllow: HEAD\r\nX-Many: a 1\r\nX-Many: b 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; HttpOnly\r\n",
            b"",
        ),
        _ => response_of_bytes(JSON, b"{}"),
    }
}

/// Runs the given cases, and returns the ids of those that do not pass.
fn failing(suite: &str, cases: &[(&str, &str)]) -> (Vec<String>, Ran) {
    let project = Project::new(&[("cases/s/suite.yaml", suite)]);
    for (number, (path, expect)) in cases.iter().enumerate() {
        let case = format!(
            "request: {{ path: {path}, headers: {{ Accept-Encoding: gzip }} }}\nexpect: {{ status: 200, {expect} }}\n"
        );
        project.write(&format!("cases/s/c{number}.yaml"), &case);
    }
    let server = Server::start(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        (served(path), Then::Close)
    });
    let target = format!("[targets.api]\nbase_url = \"{}\"\nmax_body = 50000\n", server.url());
    project.write("conforme.toml", &target);
    let ran = project.run(&["run", "--target", "api", "--report", "json=report.json"]);
    let report = project.read("report.json");
    let events = report
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let failed = events.filter(|event| event["verdict"] == "failed");
    let mut ids: Vec<_> = failed.map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    (ids, ran)
}

fn check(suite: &str, cases: &[(&str, &str, bool)]) {
    let given: Vec<_> = cases.iter().map(|(path, expect, _)| (*path, *expect)).collect();
    let (failed, ran) = failing(suite, &given);
    for (number, (path, expect, passes)) in cases.iter().enumerate() {
        let has_failed = failed.contains(&format!("s/c{number}"));
        assert_eq!(has_failed, !passes, "{path} {expect}\n{}\n{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn bodies_are_read_as_their_fields_say() {
    check(
        "",
        &[
            ("/gzip", "body: { json: { a: 1 } }", true),
            ("/gzip", "body: { json: { a: 2 } }", false),
            ("/gzip", "body: { text: { contains: '\"a\": 1' } }", true),
            ("/cut", "body: { json: { a: 1 } }", false),
            ("/cut", "headers: { content-encoding: gzip }", false),
            ("/bomb", "body: { json: { $type: string } }", false),
            ("/latin", "body: { text: größe }", true),
            ("/unknown", "body: { text: { contains: a } }", false),
            ("/broken", "body: { text: \"caf\\ufffd\" }", false),
            ("/broken", "body: { text: { matches: 'caf.' } }", false),
            ("/broken", "body: { text: { contains: \"\\ufffd\" } }", false),
            ("/broken", "body: { text: { contains: caf } }", true),
        ],
    );
}

#[test]
fn null_is_a_value_of_json_and_no_body() {
    check(
        "",
        &[
            ("/null", "body: { json: null }", true),
            ("/null", "body: { exact: null }", true),
            ("/null", "body: { json: { $equals: null } }", true),
            ("/empty", "body: { json: null }", false),
            ("/object", "body: { json: null }", false),
            ("/object", "body: { exact: null }", false),
        ],
    );
    check(
        "expect: { body: { json: { a: 1 } } }\n",
        &[
            ("/null", "body: { json: null }", true),
            ("/object", "body: { json: null }", false),
            ("/object", "duration: 5s", false),
            ("/object", "body: null", true),
            ("/empty", "body: { empty: true }", true),
        ],
    );
}

#[test]
fn header_values_are_compared_by_what_they_mean() {
    check(
        "",
        &[
            ("/list", "headers: { allow: 'HEAD, GET' }", true),
            ("/list", "headers: { allow: 'HEAD, GET, POST' }", false),
            ("/list", "headers: { allow: 'head, get' }", false),
            ("/list", "headers: { allow: { contains: HEAD, matches: '^GET' } }", true),
            ("/list", "headers: { x-many: 'a 1, b 2' }", true),
            ("/list", "headers: { x-many: { contains: a, matches: '1' } }", true),
            ("/list", "headers: { x-many: { contains: a, matches: '2' } }", false),
            (
                "/list",
                "headers: { set-cookie: { contains: 'a=', matches: HttpOnly } }",
                false,
            ),
            (
                "/list",
                "headers: { set-cookie: { contains: 'b=', matches: HttpOnly } }",
                true,
            ),
            ("/latin", "headers: { content-type: text/plain }", true),
            (
                "/latin",
                "headers: { content-type: text/plain; charset=iso-8859-1 }",
                true,
            ),
            ("/latin", "headers: { content-type: text/plain; charset=utf-8 }", false),
            ("/broken", "headers: { content-type: text/plain; charset=utf-8 }", false),
        ],
    );
}

#[test]
fn a_coded_body_with_a_secret_is_recorded_without_it() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { token: a token }\n"),
        (
            "cases/s/c.yaml",
            "request: { path: /gzip, headers: { Accept-Encoding: gzip } }\n\
             expect: { status: 200, snapshot: true, body: { json: { token: '{{ token }}' } } }\n",
        ),
    ]);
    let server = Server::start(|_| (served("/gzip"), Then::Close));
    let url = server.url();
    let run = |arguments: &[&str]| {
        let mut all = vec!["run", "--target", &url];
        all.extend(arguments);
        let mut command = project.command(&all);
        command.env("CONFORME_SECRET_TOKEN", "the-very-secret-token");
        crate::support::ran(&mut command)
    };
    let accepted = run(&["--snapshots", "accept", "--record", "run.ndjson"]);
    assert_eq!(accepted.code, 0, "{}{}", accepted.stdout, accepted.stderr);
    assert!(project.read("snapshots/s/c.snap").contains("\"token\": \"$TOKEN\""));
    // The same response again is the same as what was stored with the secret hidden.
    assert_eq!(run(&["--snapshots", "check"]).code, 0);
    let recording = project.read("run.ndjson");
    assert!(
        recording.contains("$TOKEN") && recording.contains("\"decoded\":true"),
        "{recording}"
    );
    let again = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    let mutated = project.run(&["mutate", "run.ndjson"]);
    assert!(!mutated.stdout.contains("not measured"), "{}", mutated.stdout);
}

#[test]
fn only_what_the_latest_run_got_waits_to_be_accepted() {
    const PENDING: [&str; 2] = ["snapshots/s/a.snap.new", "snapshots/s/b.snap.new"];
    let turn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&turn);
    let server = Server::start(move |_| {
        let turn = seen.load(std::sync::atomic::Ordering::SeqCst);
        let status = if turn == 2 { "500 Oops" } else { "200 OK" };
        let body = format!("{{\"n\":{}}}", turn % 3);
        (
            response(&format!("HTTP/1.1 {status}\nContent-Type: application/json"), &body),
            Then::Close,
        )
    });
    let case = "request: { path: / }\nexpect: { status: 200, snapshot: true }\n";
    let project = Project::new(&[("cases/s/a.yaml", case), ("cases/s/b.yaml", case)]);
    let url = server.url();
    let run = |number: usize, arguments: &[&str]| {
        turn.store(number, std::sync::atomic::Ordering::SeqCst);
        let mut all = vec!["run", "--target", &url];
        all.extend(arguments);
        project.run(&all)
    };
    let waiting = || PENDING.map(|path| project.has(path));
    assert_eq!(run(0, &["--snapshots", "accept"]).code, 0);
    assert_eq!(run(1, &[]).code, 1);
    assert_eq!(waiting(), [true, true]);
    // Only one of the cases is run, and fails in another way.
    assert_eq!(run(2, &["s/a"]).code, 1);
    assert_eq!(waiting(), [false, true]);
    // What is only checked leaves nothing either.
    assert_eq!(run(4, &["--snapshots", "check"]).code, 1);
    assert_eq!(waiting(), [false, false]);
    assert_eq!(run(1, &[]).code, 1);
    project.write("cases/s/a.yaml", &format!("skip: later\n{case}"));
    std::fs::rename(
        project.path().join("cases/s/b.yaml"),
        project.path().join("cases/s/z.yaml"),
    )
    .unwrap();
    assert_eq!(run(1, &["--snapshots", "check"]).code, 1);
    assert_eq!(waiting(), [false, false]);
}
