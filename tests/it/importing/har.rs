//! `conforme import har`: a HAR that Playwright recorded with Chromium, run against an API with other ids and tokens.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Project, Server, Then, ran};

use super::{fed, written};

/// Requests, header fields in lower case.
fn head(request: &str, name: &str) -> Option<String> {
    let lines = request.lines().skip(1).take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}

fn reply(status: &str, fields: &str, body: &str) -> (Vec<u8>, Then) {
    let date = "Date: Tue, 01 Dec 2026 06:00:00 GMT";
    let length = match status {
        "204 No Content" => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let text = format!("HTTP/1.1 {status}\r\n{date}\r\n{length}{fields}\r\n{body}");
    (text.into_bytes(), Then::Keep)
}

/// The shop that was recorded, with tokens and ids of its own.
fn shop() -> Server {
    let deleted = AtomicU32::new(0);
    Server::start(move |request| {
        let json = |status: &str, fields: &str, body: &str| {
            reply(status, &format!("Content-Type: application/json\r\n{fields}"), body)
        };
        let line: Vec<_> = request.split(' ').take(2).collect();
        let content = request.split_once("\r\n\r\n").map_or("", |(_, content)| content);
        let order = r#"{"id":5021,"customer":"ACME Corp","user_id":88,"items":[{"sku":"A1","price":2.5}],"created":"2027-01-01T00:00:00Z","note":null}"#;
        let is_known = head(request, "authorization").as_deref() == Some("Bearer tok-new-session-1")
            && head(request, "cookie").as_deref() == Some("sid=new-session-1; theme=dark");
        match (line[0], line[1]) {
            ("GET", "/") => reply(
                "200 OK",
                "Content-Type: text/html; charset=utf-8\r\n",
                "<head><meta name=\"csrf-token\" content=\"another-csrf-token\"></head>",
            ),
            ("POST", "/login") if head(request, "x-csrf-token").as_deref() == Some("another-csrf-token") => json(
                "200 OK",
                "Set-Cookie: sid=new-session-1; HttpOnly; Path=/\r\nSet-Cookie: theme=dark\r\n",
                r#"{"access_token":"tok-new-session-1","refresh_token":"r-other","user":{"id":88,"name":"Ada"},"expires_in":3600,"at":"2027-01-01T00:00:00Z"}"#,
            ),
            ("GET", "/countries") => json(
                "200 OK",
                "",
                r#"[{"code":"FR","name":"France","pop":1},{"code":"DE","name":"Germany","pop":2.5}]"#,
            ),
            ("GET", "/go") => reply("302 Found", "Location: /landed?x=1\r\n", ""),
            ("GET", "/landed?x=1") => reply("200 OK", "Content-Type: text/plain\r\n", "ok landed\n"),
            _ if !is_known => json("401 Unauthorized", "WWW-Authenticate: Bearer\r\n", "{}"),
            ("POST", "/orders") if content == r#"{"customer":"ACME Corp","user_id":88}"# => {
                json("201 Created", "Location: /orders/5021\r\n", order)
            }
            ("GET", "/orders/5021") if deleted.load(Ordering::SeqCst) > 0 => {
                json("404 Not Found", "", r#"{"error":"none"}"#)
            }
            ("GET", "/orders/5021") => json("200 OK", "", order),
            ("GET", "/orders?limit=10&q=a%20b") => json("200 OK", "", &format!(r#"{{"items":[{order}],"total":1}}"#)),
            ("POST", "/form") => json("200 OK", "", &format!(r#"{{"got":"{content}"}}"#)),
            ("DELETE", "/orders/5021") => {
                deleted.fetch_add(1, Ordering::SeqCst);
                reply("204 No Content", "", "")
            }
            _ => json("400 Bad Request", "", "{}"),
        }
    })
}

#[test]
fn recorded_session_passes_with_other_ids_and_tokens() {
    let har = include_str!("chromium.har");
    let project = Project::new(&[]);
    let imported = fed(&project, &["import", "har", "-", "--to", "cases/shop"], har);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let noted: Vec<_> = (imported
        .stdout
        .lines()
        .filter(|line| line.starts_with("not imported: ")))
    .map(|line| line.trim_start_matches("not imported: ").split(": ").last().unwrap())
    .map(|line| line.split(" (").next().unwrap())
    .collect();
    let expected = [
        "a style sheet",
        "a script",
        "an image",
        "its content is not in the HAR",
        "it has no response",
        "it has no response",
        "a WebSocket",
    ];
    assert_eq!(noted, expected, "{}", imported.stdout);
    let shop = shop();
    let mut run = project.command(&["run", "--target", &shop.url(), "--snapshots", "check"]);
    let run = ran(run.env("CONFORME_SECRET_PASSWORD", "correct-horse"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(shop.requests(), 11, "{}", run.stdout);
    let stored = project.read("snapshots/shop/get-flow+post-login.snap");
    let files = written(&project, "cases/shop") + &written(&project, "snapshots/shop");
    for secret in ["correct-horse", "5901ac67b51baa3ec2cb4604"] {
        assert!(har.contains(secret) && !files.contains(secret), "{files}");
    }
    let body = "HTTP 200\n\n{\n  \"access_token\": \"[redacted]\",\n  \"at\": \"[redacted]\",\n  \"expires_in\": 3600,\n  \
                \"refresh_token\": \"[redacted]\",\n  \"user\": {\n    \"id\": {{ user_id }},\n    \"name\": \"Ada\"\n  }\n}\n";
    assert!(stored.ends_with(body), "{stored}");
}

#[test]
fn source_is_a_path_a_url_or_standard_input() {
    let har = r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://h/a"},"response":{"status":200,"content":{"_file":"a.json","mimeType":"application/json"}}}]}}"#;
    let project = Project::new(&[
        ("a.har", &format!("\u{feff}{}\r\n", har.replace(',', ",\r\n"))),
        ("a.json", "[]"),
    ]);
    let imported = project.run(&["import", "har", "a.har", "--to", "cases/path"]);
    assert_eq!((imported.code, imported.stderr.as_str()), (0, ""));
    assert!(
        project.read("cases/path/get-a.yaml").contains("$type\": array"),
        "the attached file is read"
    );
    let text = har.to_owned();
    let server = Server::start(move |request| match request.split(' ').nth(1) {
        Some("/a.har?token=s3cr3t") => reply("200 OK", "", &text),
        Some("/moved?token=s3cr3t") => reply("302 Found", "Location: /a.har\r\n", ""),
        _ => reply("404 Not Found", "", ""),
    });
    let of = |path: &str, to: &str| {
        let url = format!("{}{path}?token=s3cr3t", server.url());
        project.run(&["import", "har", &url, "--to", to])
    };
    assert_eq!(of("/a.har", "cases/url").code, 0);
    for (path, reason) in [
        ("/moved", "redirects are not followed"),
        ("/none", "the status is 404 Not Found"),
    ] {
        let failed = of(path, "cases/none");
        assert_eq!(failed.code, 2);
        assert!(
            failed.stderr.contains(reason) && !failed.stderr.contains("s3cr3t"),
            "{}",
            failed.stderr
        );
    }
    let missing = project.run(&["import", "har", "none.har", "--to", "cases/none"]);
    assert!(
        missing.code == 2 && missing.stderr.contains("failed to read `none.har`"),
        "{}",
        missing.stderr
    );
    let broken = fed(
        &project,
        &["import", "har", "-", "--to", "cases/none"],
        "{\n  \"log\": [}",
    );
    let expected = "standard input:2:11: it is not JSON: expected value";
    assert!(
        broken.code == 2 && broken.stderr.contains(expected),
        "{}",
        broken.stderr
    );
    assert!(!project.has("cases/none"));
}

#[test]
fn exported_har_has_an_entry_for_each_exchange_and_no_secret() {
    let case = "name: A flow\nsteps:\n  - id: create\n    request: { method: POST, path: /orders, headers: { Authorization: \"Bearer {{ token }}\" }, body: { json: { a: é } } }\n    \
                expect: { status: 201 }\n    capture: { order: /id }\n  - id: read\n    request: { path: \"/orders/{{ order }}\", query: { x: a b } }\n    expect: { status: 200 }\n";
    let suite = "name: Orders\ninputs: { token: { description: t, secret: true } }\n";
    let project = Project::new(&[("cases/x/suite.yaml", suite), ("cases/x/flow.yaml", case)]);
    let server = Server::start(|request| {
        if request.starts_with("POST") {
            return reply(
                "201 Created",
                "Content-Type: application/json\r\nLocation: /orders/731\r\n",
                r#"{"id":731,"echo":"s3cr3t-token"}"#,
            );
        }
        let body = "\x01binary";
        reply("200 OK", "Content-Type: application/octet-stream\r\n", body)
    });
    let arguments = [
        "run",
        "--target",
        &server.url(),
        "--report",
        "har=out.har",
        "--record",
        "run.ndjson",
    ];
    let mut run = project.command(&arguments);
    let run = ran(run.env("CONFORME_SECRET_TOKEN", "s3cr3t-token"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = project.read("out.har");
    assert!(!text.contains("s3cr3t-token"), "{text}");
    let har: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["comment"], "x/flow:create");
    assert_eq!(entries[0]["request"]["url"], format!("{}/orders", server.url()));
    assert_eq!(entries[0]["request"]["postData"]["text"], r#"{"a":"é"}"#);
    assert_eq!(entries[0]["response"]["redirectURL"], "/orders/731");
    assert_eq!(
        entries[1]["request"]["queryString"][0],
        serde_json::json!({ "name": "x", "value": "a%20b" })
    );
    assert_eq!(entries[1]["response"]["content"]["text"], "\u{1}binary");
    // The report of the recording is the same, and it can be imported again.
    let again = project.run(&["report", "run.ndjson", "--report", "har=again.har"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(project.read("again.har"), text);
    let imported = project.run(&["import", "har", "out.har", "--to", "cases/again"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let flow = project.read("cases/again/post-orders-flow.yaml");
    assert!(flow.contains("capture: { order_id: /id }"), "{flow}");
}
