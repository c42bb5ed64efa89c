//! Contents: multipart requests, files of the project, digests, numbers of bytes, cookies.

use std::sync::{Arc, Mutex};

use crate::support::{Project, Server, Then, response};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain";

/// The request that a case sends, and the exit code and output of the run.
fn sent(project: &Project) -> (String, i32, String) {
    let request = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&request);
    let server = Server::start(move |request| {
        request.clone_into(&mut seen.lock().unwrap());
        (response(OK, "ok"), Then::Close)
    });
    let ran = project.run(&["run", "--target", &server.url()]);
    (request.lock().unwrap().clone(), ran.code, ran.stderr)
}

fn requesting(request: &str) -> Project {
    let case = format!(
        "vars: {{ who: 'J \"x\"' }}\nrequest: {{ method: POST, path: /, {request} }}\nexpect: {{ status: 200 }}\n"
    );
    Project::new(&[("cases/s/c.yaml", &case), ("files/photo.txt", "\u{1}line\r\nend")])
}

#[test]
fn multipart_body_has_its_parts_in_order() {
    let project = requesting(
        "body: { multipart: [{ name: who, text: '{{ who }}' }, { name: meta, json: { who: '{{ who }}' } }, \
         { name: 'a\"b', file: ../../files/photo.txt, content_type: image/png }, \
         { name: plain, file: ../../files/photo.txt, filename: 'x\"y.txt' }] }",
    );
    let (request, code, output) = sent(&project);
    assert_eq!(code, 0, "{output}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let boundary = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: multipart/form-data; boundary="))
        .unwrap();
    assert!(boundary.len() <= 70 && body.matches(boundary).count() == 5, "{request}");
    let part = |header: &str, content: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {header}\r\n\r\n{content}\r\n")
    };
    let expected = [
        part("name=\"who\"", "J \"x\""),
        part(
            "name=\"meta\"\r\nContent-Type: application/json",
            "{\"who\":\"J \\\"x\\\"\"}",
        ),
        part(
            "name=\"a%22b\"; filename=\"photo.txt\"\r\nContent-Type: image/png",
            "\u{1}line\r\nend",
        ),
        part(
            "name=\"plain\"; filename=\"x%22y.txt\"\r\nContent-Type: application/octet-stream",
            "\u{1}line\r\nend",
        ),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(body, expected.concat());
    assert_eq!(
        sent(&project).0.split_once("\r\n\r\n").unwrap().1,
        body,
        "the same in each run"
    );
}

#[test]
fn invalid_multipart_body_is_an_error() {
    for (parts, message) in [
        ("[]", "a multipart body has at least one part"),
        ("{ name: a }", "expected a list of parts"),
        ("[{ text: a }]", "a part has a `name`"),
        ("[{ name: a }]", "a part is exactly one of `file`, `text` and `json`"),
        ("[{ name: a, text: b, json: 1 }]", "a part is exactly one of"),
        ("[{ name: a, file: nope }]", "failed to read `nope`"),
        (
            "[{ name: a, file: ../../../secret }]",
            "the file must be in the project",
        ),
        ("[{ name: a, file: /etc/hosts }]", "the file must be in the project"),
        ("[{ name: a, text: b, type: c }]", "unknown key `type`"),
        ("[{ name: a, text: '{{ unknown }}' }]", "undefined variable `unknown`"),
    ] {
        let project = requesting(&format!("body: {{ multipart: {parts} }}"));
        let ran = project.run(&["validate"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{parts}: {ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn link_out_of_the_project_is_not_read() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    let project = requesting("body: { file: ../../files/link }");
    std::os::unix::fs::symlink(outside.path().join("secret"), project.path().join("files/link")).unwrap();
    let ran = project.run(&["validate"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("leads outside the project"),
        "{ran:?}"
    );
}

/// The check ids of the findings of a response.
fn judged(expect: &str, head: &str, body: &str) -> Vec<String> {
    let case = format!("request: {{ path: / }}\nexpect: {{ status: 200, {expect} }}\n");
    let project = Project::new(&[("cases/s/c.yaml", &case), ("files/page.txt", "hello")]);
    let (head, body) = (head.to_owned(), body.to_owned());
    let server = Server::start(move |_| (response(&head, &body), Then::Close));
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json"]);
    assert!([0, 1].contains(&ran.code), "{expect}: {ran:?}");
    let findings = ran.case("s/c")["steps"][0]["findings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    findings
        .iter()
        .filter(|finding| finding["level"] == "deny")
        .map(|finding| finding["check"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn digest_bytes_and_file_are_those_of_the_body() {
    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let upper = HELLO.to_uppercase();
    for (expect, found) in [
        (format!("body: {{ sha256: {HELLO} }}"), None),
        (format!("body: {{ sha256: {upper} }}"), None),
        (
            format!("body: {{ sha256: \"{}\" }}", "0".repeat(64)),
            Some("body/sha256"),
        ),
        ("body: { bytes: 5 }".to_owned(), None),
        ("body: { bytes: { $gte: 5, $lt: 6 } }".to_owned(), None),
        ("body: { bytes: 4 }".to_owned(), Some("body/bytes")),
        ("body: { bytes: { $gt: 5 } }".to_owned(), Some("body/bytes")),
        ("body: { file: ../../files/page.txt }".to_owned(), None),
        ("body: { file: c.yaml }".to_owned(), Some("body/file")),
    ] {
        let expected: Vec<_> = found.into_iter().map(str::to_owned).collect();
        assert_eq!(judged(&expect, OK, "hello"), expected, "{expect}");
    }
    let empty = judged("body: { bytes: { $lt: 3 } }", OK, "");
    assert!(empty.is_empty(), "{empty:?}");
    for (expect, message) in [
        ("body: { sha256: abc }", "a SHA-256 digest has 64 hexadecimal digits"),
        ("body: { bytes: { $gte: 0 } }", "nothing is tested"),
        ("body: { file: ../../../x }", "the file must be in the project"),
        (
            "body: { empty: true, bytes: 1 }",
            "a body cannot be both empty and not empty",
        ),
        ("status: 204, body: { bytes: 3 }", "never passes"),
    ] {
        let status = if expect.starts_with("status") {
            ""
        } else {
            "status: 200, "
        };
        let project = Project::new(&[(
            "cases/s/c.yaml",
            &format!("request: {{ path: / }}\nexpect: {{ {status}{expect} }}\n"),
        )]);
        let ran = project.run(&["validate"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{expect}: {ran:?}");
    }
}

#[test]
fn all_tests_of_a_cookie_pass_for_the_same_cookie() {
    let head = format!(
        "{OK}\r\nSet-Cookie: sid=secret-value-1; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600\r\n\
         Set-Cookie: two=a; Path=/a; Secure\r\nSet-Cookie: two=b; HttpOnly; Domain=.Example.org; max-age=-1; Max-Age=60"
    );
    for (tests, passes) in [
        (
            "sid: { http_only: true, secure: true, same_site: lax, max_age: { $gte: 60 }, path: / }",
            true,
        ),
        ("sid: { present: true }", true),
        ("sid: { value: { matches: '^secret' } }", true),
        ("sid: { max_age: 3600 }", true),
        (
            "two: { domain: example.org, http_only: true, secure: false, max_age: 60 }",
            true,
        ),
        ("other: { present: false }", true),
        ("SID: { present: false }", true),
        ("sid: { same_site: strict }", false),
        ("sid: { http_only: false }", false),
        ("sid: { partitioned: true }", false),
        ("sid: { max_age: { $lt: 3600 } }", false),
        ("sid: { value: other }", false),
        ("sid: { present: false }", false),
        ("two: { secure: true, http_only: true }", false),
        ("two: { path: /b }", false),
        ("other: { secure: true }", false),
    ] {
        let name = tests.split(':').next().unwrap();
        let expected: Vec<String> = if passes { vec![] } else { vec![format!("cookie/{name}")] };
        assert_eq!(
            judged(&format!("cookies: {{ {tests} }}"), &head, "ok"),
            expected,
            "{tests}"
        );
    }
    for (tests, message) in [
        ("sid: {}", "nothing is tested here"),
        ("sid: { present: false, secure: true }", "nothing to test"),
        ("sid: { same_site: loose }", "`loose` is not a value of `SameSite`"),
        ("sid: { httponly: true }", "unknown key `httponly`"),
        ("'a b': { secure: true }", "cannot be the name of a cookie"),
        ("sid: { max_age: soon }", "expected a whole number"),
    ] {
        let case = format!("request: {{ path: / }}\nexpect: {{ status: 200, cookies: {{ {tests} }} }}\n");
        let project = Project::new(&[("cases/s/c.yaml", &case)]);
        let ran = project.run(&["validate"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{tests}: {ran:?}");
    }
}

#[test]
fn finding_of_a_cookie_does_not_contain_its_value() {
    let case = "request: { path: / }\nexpect: { status: 200, cookies: { sid: { secure: true, value: other } } }\n";
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let server = Server::always(&format!("{OK}\r\nSet-Cookie: sid=the-session-id-9; Path=/"), "ok");
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json=r.json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stdout.contains("the value other, Secure") && ran.stdout.contains("sid=…; Path=/"),
        "{ran:?}"
    );
    for text in [&ran.stdout, &ran.stderr, &project.read("r.json")] {
        assert!(!text.contains("the-session-id-9"), "{text}");
    }
}

/// The requests of the rows of a case, by path.
fn rows(case: &str) -> Vec<String> {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let server = Server::start(move |request| {
        seen.lock().unwrap().push(request.to_owned());
        (response(OK, "ok"), Then::Close)
    });
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let ran = project.run(&["run", "--target", &server.url(), "--jobs", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    requests.lock().unwrap().clone()
}

#[test]
fn note_of_a_row_is_for_readers() {
    let case =
        "examples:\n  a: { key: abc, note: the usual }\nrequest: { path: '/{{ key }}' }\nexpect: { status: 200 }\n";
    assert!(rows(case)[0].starts_with("GET /abc "));
    let project = Project::new(&[("cases/s/c.yaml", &case.replace("note:", "remark:"))]);
    let ran = project.run(&["validate"]);
    assert!(
        ran.code == 2
            && ran
                .stderr
                .contains("this row has `remark`, which the case does not use"),
        "{ran:?}"
    );
}

#[test]
fn default_header_is_removed_by_null() {
    let case = "request: { method: POST, path: /, headers: { Accept-Encoding: null, accept: null, user-agent: null, \
                content-type: null }, body: { json: 1 } }\nexpect: { status: 200 }\n";
    let sent = rows(case)[0].to_lowercase();
    for name in ["accept-encoding", "accept", "user-agent", "content-type"] {
        assert!(!sent.contains(&format!("\r\n{name}:")), "{sent}");
    }
    assert!(sent.contains("\r\ncontent-length: 1\r\n"), "{sent}");
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "request: { path: /, headers: { x-other: null } }\nexpect: { status: 200 }\n",
    )]);
    let ran = project.run(&["validate"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("`x-other: null` takes nothing away"),
        "{ran:?}"
    );
}

#[test]
fn base_url_is_that_of_the_target_and_of_the_recording() {
    let case = "request: { path: /me }\nexpect: { status: 200, snapshot: true, body: { json: { self: '{{ base_url }}/me' } } }\n";
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let serve = || {
        let url = Arc::new(Mutex::new(String::new()));
        let own = Arc::clone(&url);
        let server = Server::start(move |_| {
            let body = format!("{{\"self\":\"{}/me\"}}", own.lock().unwrap());
            (
                response("HTTP/1.1 200 OK\r\nContent-Type: application/json", &body),
                Then::Close,
            )
        });
        *url.lock().unwrap() = server.url();
        server
    };
    let server = serve();
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--snapshots",
        "accept",
        "--record",
        "r.ndjson",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // The snapshot is that of any target.
    let other = serve();
    let ran = project.run(&["run", "--target", &other.url(), "--record", "other.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(project.run(&["recheck", "r.ndjson"]).code, 0);
    let compared = project.run(&["compare", "--baseline", "r.ndjson", "--candidate", "other.ndjson"]);
    assert_eq!(compared.code, 0, "{compared:?}");
    project.write("cases/s/suite.yaml", "inputs: { base_url: mine }\n");
    let ran = project.run(&["validate"]);
    assert!(ran.code == 2 && ran.stderr.contains("base_url"), "{ran:?}");
}

#[test]
fn cookies_are_inherited_by_name() {
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "expect: { status: 200, cookies: { a: { secure: true }, b: { secure: true } } }\n",
        ),
        (
            "cases/s/c.yaml",
            "request: { path: / }\nexpect: { cookies: { b: null, c: { present: false } } }\n",
        ),
    ]);
    let server = Server::always(&format!("{OK}\r\nSet-Cookie: c=1"), "ok");
    let ran = project.run(&["run", "--target", &server.url()]);
    let has = |id: &str| ran.stdout.contains(id);
    assert!(
        ran.code == 1 && has("cookie/a") && !has("cookie/b") && has("cookie/c"),
        "{ran:?}"
    );
}

#[test]
fn dry_run_shows_masked_requests_and_sends_none() {
    let case = "steps:\n\
                - { id: create, request: { method: POST, path: /orders, headers: { x-token: '{{ token }}' }, \
                body: { json: { by: 'ann' } } }, expect: { status: 201 }, capture: { order: { header: location } } }\n\
                - { id: get, follow: create, expect: { status: 200 } }\n\
                - { id: item, request: { path: '/items/{id}', params: { id: '{{ order }}' } }, expect: { status: 200 } }\n";
    let server = Server::always(OK, "ok");
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n"),
        ("cases/s/c.yaml", case),
        (
            "cases/s/skipped.yaml",
            "skip: later\nrequest: { path: /x }\nexpect: { status: 200 }\n",
        ),
    ]);
    let run = |arguments: &[&str]| {
        let mut command = project.command(&[&["run", "--dry-run", "--target", &server.url()], arguments].concat());
        crate::support::ran(command.env("CONFORME_SECRET_TOKEN", "the-secret-token-1"))
    };
    let shown = run(&[]);
    assert_eq!(
        (shown.code, shown.stderr.as_str(), server.requests()),
        (0, "", 0),
        "{shown:?}"
    );
    let url = server.url();
    for part in [
        format!("s/c:create\n  POST {url}/orders\n  x-token: $TOKEN\n"),
        "content-length: 12\n  \n  {\"by\":\"ann\"}\n".to_owned(),
        "s/c:get\n  GET {{ location of create }}\n".to_owned(),
        format!("s/c:item\n  GET {url}/items/{{{{ order }}}}\n"),
    ] {
        assert!(shown.stdout.contains(&part), "{part}: {}", shown.stdout);
    }
    assert!(
        !shown.stdout.contains("skipped") && !shown.stdout.contains("the-secret-token-1"),
        "{shown:?}"
    );
    let skipped = run(&["s/skipped"]);
    assert!(
        skipped.code == 4 && skipped.stderr.contains("no request would be sent"),
        "{skipped:?}"
    );
    let mixed = run(&["--record", "r.ndjson"]);
    assert_eq!(mixed.code, 2, "{mixed:?}");
}

#[test]
fn recheck_agrees_about_cookies_and_bytes() {
    let server = Server::always(
        &format!("{OK}\r\nSet-Cookie: sid=the-session-id-9; Path=/; HttpOnly"),
        "hello the-secret-token-1",
    );
    for (expect, live, again) in [
        ("cookies: { sid: { http_only: true, path: / } }", 0, 0),
        ("cookies: { sid: { secure: true } }", 1, 1),
        ("cookies: { other: { present: false } }", 0, 0),
        // What is masked in the recording gives no verdict.
        ("cookies: { sid: { value: the-session-id-9 } }", 0, 3),
        ("cookies: { sid: { value: other-id } }", 1, 3),
        ("body: { bytes: 24 }", 0, 3),
        ("body: { bytes: 9 }", 1, 3),
        (
            "body: { sha256: 0000000000000000000000000000000000000000000000000000000000000000 }",
            1,
            3,
        ),
    ] {
        let case = format!(
            "request: {{ path: /, headers: {{ x-token: '{{{{ token }}}}' }} }}\nexpect: {{ status: 200, {expect} }}\n"
        );
        let project = Project::new(&[
            ("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n"),
            ("cases/s/c.yaml", &case),
        ]);
        let url = server.url();
        let mut run = project.command(&["run", "--target", &url, "--record", "r.ndjson"]);
        let ran = crate::support::ran(run.env("CONFORME_SECRET_TOKEN", "the-secret-token-1"));
        assert_eq!(ran.code, live, "{expect} {ran:?}");
        let recheck = project.run(&["recheck", "r.ndjson"]);
        assert_eq!(recheck.code, again, "{expect} {recheck:?} {}", project.read("r.ndjson"));
    }
}

#[test]
fn row_with_null_leaves_out_optional_fields() {
    let request = "headers: { x-v: 'v {{ v | optional }}', accept: '{{ v | optional }}', x-w: ['{{ v | optional }}', w] }, \
                   query: { q: '{{ v | optional }}', r: [a, '{{ v | optional }}'] }, \
                   body: { json: { a: '{{ v | optional }}', b: ['{{ v | optional }}', 1], c: { d: '{{ v | optional }}' } } }";
    let case = |row: &str| {
        format!(
            "examples: {{ a: {{ v: {row} }}, b: {{ v: {row} }} }}\nrequest: {{ method: POST, path: /, {request} }}\n\
             expect: {{ status: 200 }}\n"
        )
    };
    let (with, code, output) = sent(&Project::new(&[("cases/s/c.yaml", &case("7"))]));
    assert_eq!(code, 0, "{output}");
    assert!(with.starts_with("POST /?q=7&r=a&r=7 HTTP/1.1\r\n"), "{with}");
    assert!(with.contains("x-v: v 7\r\n") && with.contains("accept: 7\r\n") && with.contains("x-w: 7\r\nx-w: w\r\n"));
    assert!(
        with.ends_with("\r\n\r\n{\"a\":7,\"b\":[7,1],\"c\":{\"d\":7}}"),
        "{with}"
    );
    let (without, code, output) = sent(&Project::new(&[("cases/s/c.yaml", &case("null"))]));
    assert_eq!(code, 0, "{output}");
    assert!(without.starts_with("POST /?r=a HTTP/1.1\r\n"), "{without}");
    assert!(
        !without.contains("x-v") && !without.contains("accept:") && without.contains("\r\nx-w: w\r\n"),
        "{without}"
    );
    assert!(without.ends_with("\r\n\r\n{\"b\":[1],\"c\":{}}"), "{without}");
    let auth = "examples: { a: { v: null } }\nrequest: { path: /, auth: { bearer: '{{ v | optional }}' } }\nexpect: { status: 200 }\n";
    let (request, code, output) = sent(&Project::new(&[("cases/s/c.yaml", auth)]));
    assert!(code == 0 && !request.contains("authorization"), "{request}{output}");
    let form = "examples: { a: { v: null } }\nrequest: { method: POST, path: /, body: { form: { f: '{{ v | optional }}', g: x } } }\n\
                expect: { status: 200 }\n";
    assert!(
        sent(&Project::new(&[("cases/s/c.yaml", form)]))
            .0
            .ends_with("\r\n\r\ng=x")
    );
}

#[test]
fn dollar_signs_are_doubled_in_the_same_way_everywhere() {
    let case = "vars: { v: { $$ref: 1, $each: 2, $$$x: 3 } }
examples: { r: { w: { $$gt: 1 } } }
request: { method: POST, path: /, body: { json: { v: '{{ v }}', w: '{{ w }}', $$equals: 1, $plain: 2 } } }
expect:
  status: 200
  body:
    json: { v: { $$ref: 1, $$each: 2, $$$x: 3 }, w: { $$gt: 1 }, $$equals: 1, $$plain: 2 }
    exact: { v: { $$ref: 1, $$each: 2, $$$x: 3 }, w: { $$gt: 1 }, $$equals: 1, $$plain: 2 }
    lines: [{ $$equals: { $type: integer }, v: { $only: { $$ref: 1, $$each: 2, $$$x: 3 } }, w: { $equals: { $$gt: 1 } }, $$plain: { $one_of: [2] } }]
";
    let server = Server::start(|request| {
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let sent = "{\"$equals\":1,\"$plain\":2,\"v\":{\"$$x\":3,\"$each\":2,\"$ref\":1},\"w\":{\"$gt\":1}}";
        let body = if body == sent { body } else { "{}" };
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", body),
            Then::Close,
        )
    });
    let ran = Project::new(&[("cases/s/c.yaml", case)]).run(&["run", "--target", &server.url()]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = Project::of_case("status: 200\nbody: { exact: { $each: 1 } }").run(&["validate"]);
    assert!(
        ran.stderr.contains("write `$$each` for a property `$each`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn optional_where_nothing_can_be_left_out_is_an_error() {
    for (request, message) in [
        ("path: '/{{ v | optional }}'", "`optional` cannot be used here"),
        (
            "path: '/{p}', params: { p: '{{ v | optional }}' }",
            "`optional` cannot be used here",
        ),
        (
            "path: /, method: '{{ v | optional }}'",
            "`optional` cannot be used here",
        ),
        (
            "path: /, query: 'a={{ v | optional }}'",
            "`optional` cannot be used here",
        ),
        (
            "path: /, body: { text: '{{ v | optional }}' }",
            "`optional` cannot be used here",
        ),
        (
            "path: /, body: { json: '{{ v | optional }}' }",
            "`optional` cannot be used here",
        ),
        ("path: /, headers: { x: '{{ v }}' }", "`v` is null here"),
        (
            "path: /, body: { multipart: [{ name: a, text: '{{ v | optional }}' }] }",
            "every part is left out",
        ),
    ] {
        let case = format!("examples: {{ a: {{ v: null }} }}\nrequest: {{ {request} }}\nexpect: {{ status: 200 }}\n");
        let ran = Project::new(&[("cases/s/c.yaml", &case)]).run(&["validate"]);
        assert_eq!(ran.code, 2, "{request}");
        assert!(ran.stderr.contains(message), "{request}: {}", ran.stderr);
    }
    let ran = Project::of_case("status: 200\nheaders: { x: '{{ case_id | optional }}' }").run(&["validate"]);
    assert!(ran.stderr.contains("`optional` cannot be used here"), "{}", ran.stderr);
}
