//! `conforme compare` on the recordings of real runs.

mod accepting;
mod documents;
mod evidence;
mod laws;
mod live;
mod many;
mod noise;

use serde_json::{Value, json};

use crate::support::{Project, Ran, Server, Then, response};

const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json";

/// Every status that can come.
const ANY: &str = "[2xx, 3xx, 4xx, 5xx]";

/// What one version returns for `/NAME`: head and body.
type Says = (&'static str, &'static str);

/// A pair of responses and its changes: level, rule and location.
type Pair = (
    &'static str,
    Says,
    Says,
    &'static [(&'static str, &'static str, &'static str)],
);

const PAIRS: &[Pair] = &[
    ("same", (JSON, r#"{"a":1}"#), (JSON, r#"{"a":1}"#), &[]),
    (
        "spelled",
        (JSON, r#"{"a":1,"b":"é"}"#),
        (JSON, "{ \"b\" : \"\\u00e9\",\n\"a\" : 1 }"),
        &[],
    ),
    (
        "removed",
        (JSON, r#"{"a":1,"b":2}"#),
        (JSON, r#"{"a":1}"#),
        &[("breaking", "body/property-removed", "/b")],
    ),
    (
        "added",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":1,"b":2}"#),
        &[("info", "body/property-added", "/b")],
    ),
    (
        "deep",
        (JSON, r#"{"a":{"b":{"c":1,"d":1}}}"#),
        (JSON, r#"{"a":{"b":{"c":1}}}"#),
        &[("breaking", "body/property-removed", "/a/b/d")],
    ),
    (
        "renamed",
        (JSON, r#"{"mail":"a@example.com"}"#),
        (JSON, r#"{"email":"a@example.com"}"#),
        &[("breaking", "body/property-renamed", "")],
    ),
    (
        "two-gone-one-new",
        (JSON, r#"{"a":true,"b":true}"#),
        (JSON, r#"{"c":true}"#),
        &[
            ("breaking", "body/property-removed", "/a"),
            ("breaking", "body/property-removed", "/b"),
            ("info", "body/property-added", "/c"),
        ],
    ),
    (
        "style",
        (JSON, r#"{"userName":"x","userId":"y"}"#),
        (JSON, r#"{"user_name":"x","user_id":"y"}"#),
        &[("breaking", "body/naming-changed", "")],
    ),
    (
        "wrapped",
        (JSON, r#"{"a":1,"b":2}"#),
        (JSON, r#"{"data":{"a":1,"b":2}}"#),
        &[("breaking", "body/wrapped", "")],
    ),
    (
        "unwrapped",
        (JSON, r#"{"data":{"a":1,"b":2}}"#),
        (JSON, r#"{"a":1,"b":2}"#),
        &[("breaking", "body/unwrapped", "")],
    ),
    (
        "type",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":"1"}"#),
        &[("breaking", "body/type-changed", "/a")],
    ),
    (
        "fraction",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":1.5}"#),
        &[("breaking", "body/integer-to-number", "/a")],
    ),
    (
        "whole",
        (JSON, r#"{"a":1.5}"#),
        (JSON, r#"{"a":1}"#),
        &[("info", "body/number-to-integer", "/a")],
    ),
    (
        "null",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":null}"#),
        &[("breaking", "body/became-null", "/a")],
    ),
    (
        "no-null",
        (JSON, r#"{"a":null}"#),
        (JSON, r#"{"a":1}"#),
        &[("info", "body/no-longer-null", "/a")],
    ),
    (
        "array",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":[1]}"#),
        &[("breaking", "body/became-array", "/a")],
    ),
    (
        "no-array",
        (JSON, r#"{"a":[1]}"#),
        (JSON, r#"{"a":1}"#),
        &[("breaking", "body/no-longer-array", "/a")],
    ),
    (
        "value",
        (JSON, r#"{"a":true,"b":"x"}"#),
        (JSON, r#"{"a":false,"b":"x"}"#),
        &[("warning", "body/value-changed", "/a")],
    ),
    (
        "message",
        (JSON, r#"{"message":"gone"}"#),
        (JSON, r#"{"message":"missing"}"#),
        &[("warning", "body/message-changed", "/message")],
    ),
    (
        "prose",
        (JSON, r#"{"why":"it is gone"}"#),
        (JSON, r#"{"why":"it is missing"}"#),
        &[("warning", "body/message-changed", "/why")],
    ),
    (
        "format-lost",
        (JSON, r#"{"at":"2020-02-07T13:33:16Z"}"#),
        (JSON, r#"{"at":"2020-02-07 13:33:16"}"#),
        &[("breaking", "body/format-lost", "/at")],
    ),
    (
        "format-gained",
        (JSON, r#"{"at":"yesterday"}"#),
        (JSON, r#"{"at":"2020-02-07T13:33:16Z"}"#),
        &[("info", "body/format-gained", "/at")],
    ),
    (
        "format-changed",
        (JSON, r#"{"by":"a@example.com"}"#),
        (JSON, r#"{"by":"https://example.com/a"}"#),
        &[("breaking", "body/format-changed", "/by")],
    ),
    (
        "ids",
        (JSON, r#"{"id":"0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c"}"#),
        (JSON, r#"{"id":"1c9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3d"}"#),
        &[],
    ),
    (
        "order",
        (JSON, r#"{"a":[1,2,3]}"#),
        (JSON, r#"{"a":[3,1,2]}"#),
        &[("warning", "body/order-changed", "/a")],
    ),
    (
        "fewer",
        (JSON, r#"{"a":[{"n":1},{"n":2}]}"#),
        (JSON, r#"{"a":[{"n":2}]}"#),
        &[("warning", "body/fewer-items", "/a")],
    ),
    (
        "more",
        (JSON, r#"{"a":[{"n":1}]}"#),
        (JSON, r#"{"a":[{"n":0},{"n":1}]}"#),
        &[("info", "body/more-items", "/a")],
    ),
    (
        "items",
        (JSON, r#"[{"n":1,"m":1},{"n":2,"m":2}]"#),
        (JSON, r#"[{"n":1},{"n":2}]"#),
        &[("breaking", "body/property-removed", "/*/m")],
    ),
    (
        "more-without",
        (JSON, r#"[{"n":1,"m":1}]"#),
        (JSON, r#"[{"n":1},{"n":2}]"#),
        &[
            ("breaking", "body/property-removed", "/*/m"),
            ("info", "body/more-items", ""),
        ],
    ),
    (
        "vanished",
        (JSON, r#"{"a":1}"#),
        ("HTTP/1.1 200 OK", ""),
        &[("breaking", "body/vanished", "")],
    ),
    (
        "appeared",
        ("HTTP/1.1 200 OK", ""),
        (JSON, r#"{"a":1}"#),
        &[("warning", "body/appeared", "")],
    ),
    (
        "not-json",
        (JSON, r#"{"a":1}"#),
        (JSON, r#"{"a":"#),
        &[("breaking", "body/not-json", "")],
    ),
    (
        "became-json",
        (JSON, "oops"),
        (JSON, r#"{"a":1}"#),
        &[("info", "body/became-json", "")],
    ),
    (
        "text",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\r\ntwo\n"),
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\nthree"),
        &[("warning", "body/text-changed", "")],
    ),
    (
        "line-ends",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\r\ntwo\r\n"),
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\ntwo\n"),
        &[("warning", "body/text-changed", "")],
    ),
    (
        "line-end",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\n"),
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one"),
        &[("warning", "body/text-changed", "")],
    ),
    (
        "space-at-end-of-line",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one \ntwo"),
        ("HTTP/1.1 200 OK\nContent-Type: text/plain", "one\ntwo"),
        &[("warning", "body/text-changed", "")],
    ),
    (
        "json-white-space",
        (JSON, "{\"a\": 1}\n"),
        (JSON, "{\r\n  \"a\":1}"),
        &[],
    ),
    (
        "bytes-of-a-field",
        ("HTTP/1.1 200 OK\nX-A: caf\u{e9}", ""),
        ("HTTP/1.1 200 OK\nX-A: caf\u{fffd}", ""),
        &[("warning", "header/value-changed", "x-a")],
    ),
    (
        "media-type",
        (JSON, r#"{"a":1}"#),
        ("HTTP/1.1 200 OK\nContent-Type: text/html", "<p>"),
        &[("breaking", "header/media-type-changed", "content-type")],
    ),
    (
        "charset",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8", "x"),
        ("HTTP/1.1 200 OK\nContent-Type: text/plain; charset=latin1", "x"),
        &[("warning", "header/charset-changed", "content-type")],
    ),
    (
        "charset-case",
        ("HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8", "x"),
        ("HTTP/1.1 200 OK\nContent-Type: Text/Plain;charset=\"UTF-8\"", "x"),
        &[],
    ),
    (
        "field-gone",
        ("HTTP/1.1 200 OK\nX-A: 1", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("warning", "header/removed", "x-a")],
    ),
    (
        "field-relied-on-gone",
        ("HTTP/1.1 200 OK\nLocation: /a", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("breaking", "header/removed", "location")],
    ),
    (
        "field-of-a-proxy-gone",
        ("HTTP/1.1 200 OK\nVia: 1.1 a", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("info", "header/removed", "via")],
    ),
    (
        "field-new",
        ("HTTP/1.1 200 OK", ""),
        ("HTTP/1.1 200 OK\nX-A: 1", ""),
        &[("info", "header/added", "x-a")],
    ),
    (
        "field-value",
        ("HTTP/1.1 200 OK\nX-A: 1", ""),
        ("HTTP/1.1 200 OK\nX-A: 2", ""),
        &[("warning", "header/value-changed", "x-a")],
    ),
    (
        "field-of-one-response",
        ("HTTP/1.1 200 OK\nX-Request-Id: 1\nETag: \"1\"", ""),
        ("HTTP/1.1 200 OK\nETag: \"2\"\nX-Request-Id: 2", ""),
        &[],
    ),
    (
        "list",
        ("HTTP/1.1 200 OK\nVary: Accept, Origin", ""),
        ("HTTP/1.1 200 OK\nVary: origin,accept", ""),
        &[],
    ),
    (
        "narrowed",
        ("HTTP/1.1 405 No\nAllow: GET, POST", ""),
        ("HTTP/1.1 405 No\nAllow: POST", ""),
        &[("breaking", "header/allow-narrowed", "allow")],
    ),
    (
        "widened",
        ("HTTP/1.1 405 No\nAllow: GET", ""),
        ("HTTP/1.1 405 No\nAllow: POST, GET", ""),
        &[("info", "header/allow-widened", "allow")],
    ),
    (
        "realm",
        ("HTTP/1.1 401 No\nWWW-Authenticate: Bearer realm=\"a\"", ""),
        ("HTTP/1.1 401 No\nWWW-Authenticate: Bearer realm=\"b\"", ""),
        &[("warning", "header/challenge-changed", "www-authenticate")],
    ),
    (
        "scheme",
        ("HTTP/1.1 401 No\nWWW-Authenticate: Bearer", ""),
        ("HTTP/1.1 401 No\nWWW-Authenticate: Basic realm=\"b\"", ""),
        &[("breaking", "header/challenge-changed", "www-authenticate")],
    ),
    (
        "cookie-gone",
        ("HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/", ""),
        ("HTTP/1.1 200 OK\nSet-Cookie: b=2; Path=/", ""),
        &[
            ("breaking", "header/cookie-removed", "set-cookie"),
            ("info", "header/cookie-added", "set-cookie"),
        ],
    ),
    (
        "cookie-weakened",
        ("HTTP/1.1 200 OK\nSet-Cookie: a=1; HttpOnly; Secure; SameSite=Lax", ""),
        ("HTTP/1.1 200 OK\nSet-Cookie: a=2", ""),
        &[("breaking", "header/cookie-weakened", "set-cookie")],
    ),
    (
        "cookie-restricted",
        ("HTTP/1.1 200 OK\nSet-Cookie: a=1", ""),
        ("HTTP/1.1 200 OK\nSet-Cookie: a=2; HttpOnly", ""),
        &[("warning", "header/cookie-restricted", "set-cookie")],
    ),
    (
        "cookie-changed",
        ("HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/", ""),
        ("HTTP/1.1 200 OK\nSet-Cookie: a=2; Path=/x", ""),
        &[("warning", "header/cookie-changed", "set-cookie")],
    ),
    (
        "instant-spelled",
        (JSON, r#"{"at":"2024-01-02T03:04:05+00:00"}"#),
        (JSON, r#"{"at":"2024-01-02T03:04:05Z"}"#),
        &[("warning", "body/spelling-changed", "/at")],
    ),
    (
        "fails",
        (JSON, r#"{"a":1}"#),
        ("HTTP/1.1 404 No\nContent-Type: text/html", "<p>"),
        &[("breaking", "status/success-to-error", "")],
    ),
    (
        "let-in",
        ("HTTP/1.1 401 No", ""),
        (JSON, "{}"),
        &[("breaking", "status/error-to-success", "")],
    ),
    (
        "found",
        ("HTTP/1.1 404 No", ""),
        (JSON, "{}"),
        &[("warning", "status/error-to-success", "")],
    ),
    (
        "other-error",
        ("HTTP/1.1 404 No", ""),
        ("HTTP/1.1 410 No", ""),
        &[("warning", "status/error-changed", "")],
    ),
    (
        "fault",
        ("HTTP/1.1 404 No", ""),
        ("HTTP/1.1 500 No", ""),
        &[("breaking", "status/client-to-server-error", "")],
    ),
    (
        "no-fault",
        ("HTTP/1.1 500 No", ""),
        ("HTTP/1.1 404 No", ""),
        &[("info", "status/server-to-client-error", "")],
    ),
    (
        "other-success",
        ("HTTP/1.1 200 OK", ""),
        ("HTTP/1.1 202 OK", ""),
        &[("warning", "status/success-changed", "")],
    ),
    (
        "redirected",
        ("HTTP/1.1 200 OK", ""),
        ("HTTP/1.1 301 See\nLocation: /", ""),
        &[("breaking", "status/to-redirect", "")],
    ),
    (
        "not-redirected",
        ("HTTP/1.1 301 See\nLocation: /", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("warning", "status/from-redirect", "")],
    ),
    (
        "redirected-elsewhere",
        ("HTTP/1.1 301 See\nLocation: /", ""),
        ("HTTP/1.1 308 See\nLocation: /", ""),
        &[("warning", "status/redirect-changed", "")],
    ),
    (
        "malformed",
        ("HTTP/1.1 200 OK", ""),
        ("HTTP/1.1 200 OK\nno field", ""),
        &[("breaking", "response/malformed", "")],
    ),
    (
        "well-formed",
        ("HTTP/1.1 200 OK\nno field", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("info", "response/well-formed", "")],
    ),
    (
        "silent",
        ("HTTP/1.1 200 OK", ""),
        ("", ""),
        &[("warning", "response/lost", "")],
    ),
    (
        "heard",
        ("", ""),
        ("HTTP/1.1 200 OK", ""),
        &[("info", "response/found", "")],
    ),
];

/// Returns for `/NAME` what the version defines; an empty text closes the connection.
fn version(says: impl Fn(&str) -> Option<(String, String)> + Send + Sync + 'static) -> Server {
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        match says(path.trim_start_matches('/')) {
            Some((head, body)) if !head.is_empty() => (response(&head, &body), Then::Keep),
            _ => (Vec::new(), Then::Close),
        }
    })
}

/// A project with a suite of one case for each name.
fn project<'n>(names: impl IntoIterator<Item = &'n str>) -> Project {
    let project = Project::new(&[]);
    for name in names {
        let status = if name == "let-in" { "401" } else { ANY };
        let case = format!(
            "request: {{ path: /{name} }}\nexpect: {{ status: {status}, rules: {{ http/length: off, http/json: off }} }}\n"
        );
        project.write(&format!("cases/{name}/c.yaml"), &case);
    }
    project
}

fn record(project: &Project, server: &Server, to: &str, more: &[&str]) -> Ran {
    let url = server.url();
    let mut all = vec!["run", "--target", &url, "--record", to, "--timeout", "5s"];
    all.extend(more);
    project.run(&all)
}

/// Compares `a` with `b`, and reads the report.
fn compared(project: &Project, more: &[&str]) -> (Ran, Value) {
    let mut all = vec![
        "compare",
        "--baseline",
        "a",
        "--candidate",
        "b",
        "--report",
        "json=report.json",
    ];
    all.extend(more);
    let ran = project.run(&all);
    assert!(project.has("report.json"), "{ran:?}");
    let report = serde_json::from_str(&project.read("report.json")).unwrap();
    (ran, report)
}

/// Level, rule and location of each change.
fn changes_in(report: &Value, suite: Option<&str>) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["changes"].as_array().unwrap().iter();
    all.filter(|change| suite.is_none_or(|suite| change["suite"] == suite))
        .map(|change| {
            let at = if change["header"].is_string() {
                &change["header"]
            } else {
                &change["pointer"]
            };
            (text(&change["level"]), text(&change["rule"]), text(at))
        })
        .collect()
}

#[test]
fn pair_of_responses_has_exactly_the_listed_changes() {
    let project = project(PAIRS.iter().map(|pair| pair.0));
    let of = |says: fn(&Pair) -> Says| {
        version(move |name| {
            let pair = PAIRS.iter().find(|pair| pair.0 == name)?;
            let (head, body) = says(pair);
            Some((head.to_owned(), body.to_owned()))
        })
    };
    record(&project, &of(|pair| pair.1), "a", &[]);
    record(&project, &of(|pair| pair.2), "b", &[]);
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for (name, _, _, expected) in PAIRS {
        let mut seen = changes_in(&report, Some(name));
        seen.sort();
        let expected: Vec<_> = expected
            .iter()
            .map(|(level, rule, at)| ((*level).to_owned(), (*rule).to_owned(), (*at).to_owned()))
            .collect();
        assert_eq!(seen, expected, "{name}");
    }
    let rules: std::collections::BTreeSet<_> = PAIRS
        .iter()
        .flat_map(|pair| pair.3)
        .map(|changes_in| changes_in.1)
        .collect();
    for row in conforme::compare::CHANGE_RULES {
        let is_of_runs = row.id.starts_with("verdict/") || row.id.starts_with("latency/");
        let is_elsewhere = is_of_runs || row.rule.is_of_documents();
        assert!(is_elsewhere || rules.contains(row.id), "no pair shows {}", row.id);
    }
}

#[test]
fn change_is_listed_once_and_the_most_severe_first() {
    let suite = "request: { path: \"/x/{n}\", params: { n: \"0\" } }\nexpect: { status: 200 }\n";
    let project = Project::new(&[("cases/s/suite.yaml", suite)]);
    for case in 0..5 {
        project.write(
            &format!("cases/s/c{case}.yaml"),
            &format!("request: {{ params: {{ n: \"{case}\" }} }}\n"),
        );
    }
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"a":1,"b":"x"}"#.to_owned()))),
        "a",
        &[],
    );
    let candidate = version(|name| {
        let body = if name == "x/4" {
            r#"{"b":"y"}"#
        } else {
            r#"{"a":1,"b":"y","c":1}"#
        };
        Some((JSON.to_owned(), body.to_owned()))
    });
    record(&project, &candidate, "b", &[]);
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let changes_in = changes_in(&report, None);
    let rules: Vec<_> = changes_in.iter().map(|(_, rule, _)| rule.as_str()).collect();
    assert_eq!(
        rules,
        ["body/property-removed", "body/value-changed", "body/property-added"]
    );
    let first = &report["changes"][0];
    assert_eq!(
        (&first["cases"], &first["endpoint"]),
        (&json!(["s/c4"]), &json!("GET /x/{n}"))
    );
    assert_eq!(report["changes"][1]["cases"].as_array().unwrap().len(), 5);
    assert_eq!(first["evidence"]["location"]["file"], "cases/s/c4.yaml");
    assert_eq!((&first["before"], &first["after"]), (&json!("1"), &Value::Null));
    assert!(ran.stdout.starts_with("Must not be released"), "{}", ran.stdout);
}

#[test]
fn the_level_that_fails_is_chosen() {
    let project = project(["p"]);
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"a":1}"#.to_owned()))),
        "a",
        &[],
    );
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"a":2,"b":1}"#.to_owned()))),
        "b",
        &[],
    );
    for (level, code) in [("breaking", 0), ("warning", 1), ("any", 1), ("none", 0)] {
        assert_eq!(compared(&project, &["--fail-on", level]).0.code, code, "{level}");
    }
    project.write(
        "conforme.toml",
        "[compare.levels]\n\"body/value-changed\" = \"off\"\n\"body/property-added\" = \"breaking\"\n",
    );
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(changes_in(&report, None).len(), 1, "{report}");
    project.write(
        "conforme.toml",
        "[compare.levels]\n\"body/value-chanegd\" = \"info\"\n\"body/wrapped\" = \"of\"\n",
    );
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", "b"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in ["conforme.toml:2:1", "body/value-changed", "`of` is not a level", "off"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_compared_is_never_a_pass() {
    let project = project(["p", "q"]);
    let good = || version(|_| Some((JSON.to_owned(), "{}".to_owned())));
    record(&project, &good(), "a", &[]);
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", "none"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("none"), "{}", ran.stderr);
    // There was no response.
    record(&project, &version(|_| None), "b", &[]);
    assert_eq!(compared(&project, &[]).0.code, 3);
    // The run did not come to its end.
    record(&project, &good(), "b", &[]);
    assert_eq!(compared(&project, &[]).0.code, 0);
    let whole = project.read("b");
    let lines: Vec<_> = whole.lines().collect();
    project.write("b", &(lines[..2].join("\n") + "\n"));
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        (&report["changes"], &report["summary"]["not_compared"]),
        (&json!([]), &json!(1))
    );
    // No case has this tag.
    let (ran, _) = compared(&project, &["--tag", "none"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn cases_of_only_one_version_are_reported() {
    let project = project(["p"]);
    let good = || version(|_| Some((JSON.to_owned(), "{}".to_owned())));
    project.write("cases/p/old.yaml", "request: { path: /p }\nexpect: { status: 200 }\n");
    project.write(
        "cases/p/skipped.yaml",
        "request: { path: /p }\nexpect: { status: 200 }\n",
    );
    record(&project, &good(), "a", &[]);
    std::fs::remove_file(project.path().join("cases/p/old.yaml")).unwrap();
    project.write("cases/p/new.yaml", "request: { path: /p }\nexpect: { status: 200 }\n");
    project.write(
        "cases/p/skipped.yaml",
        "request: { path: /p }\nexpect: { status: 200 }\nskip: later\n",
    );
    record(&project, &good(), "b", &[]);
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("different suites"), "{}", ran.stderr);
    let missing: Vec<_> = (report["not_compared"].as_array().unwrap().iter())
        .map(|one| {
            (
                one["case"].as_str().unwrap(),
                one["is_missing"].as_bool().unwrap(),
                one["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("p/old", true, "not in the candidate"),
        ("p/skipped", true, "skipped (later) in the candidate"),
        ("p/new", false, "not in the baseline"),
    ];
    assert_eq!(missing, expected);
    for (case, _, reason) in expected {
        assert!(
            ran.stdout.contains(&format!("not compared {case}: {reason}")),
            "{}",
            ran.stdout
        );
    }
    for format in ["markdown", "html", "junit", "github", "tap", "sarif"] {
        project.run(&[
            "compare",
            "--baseline",
            "a",
            "--candidate",
            "b",
            "--report",
            &format!("{format}=out"),
        ]);
        let text = project.read("out");
        assert!(text.contains("p/old") && text.contains("p/skipped"), "{format}: {text}");
    }
    let rules: Vec<_> = changes_in(&report, None)
        .into_iter()
        .map(|(level, rule, _)| (level, rule))
        .collect();
    let expected = [
        ("warning", "case-removed"),
        ("warning", "newly-skipped"),
        ("info", "case-added"),
    ];
    assert_eq!(
        rules,
        expected.map(|(level, rule)| (level.to_owned(), format!("verdict/{rule}")))
    );
}
