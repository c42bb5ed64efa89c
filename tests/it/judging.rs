//! Every check, each with a response that it agrees to and one that it does not.

use std::time::Duration;

use serde_json::Value;

use crate::{
    judged::{Table, findings_of},
    support::{Project, Ran, Server, Then, indent, response},
};

/// A schema of the project.
const USER: (&str, &str) = (
    "schemas/user.json",
    r#"{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}"#,
);

/// Runs a project; the findings of all cases.
fn findings(project: &Project, server: &Server) -> (Ran, Vec<String>) {
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--timeout",
        "5s",
        "--report",
        "json=report.json",
    ]);
    assert!([0, 1].contains(&ran.code), "{ran:?}");
    let report = project.read("report.json");
    let events = report.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = events.flat_map(|event| findings_of(&event)).collect();
    (ran, found)
}

/// What is expected agrees to some responses, and has exactly one finding on each of the others.
fn agrees_and_differs(table: &mut Table, expect: &str, check: &str, good: &[(&str, &str)], bad: &[(&str, &str)]) {
    for (head, body) in good {
        table.add(expect, head, body, &[]);
    }
    for (head, body) in bad {
        table.add(expect, head, body, &[check]);
    }
}

const TEXT: &str = "HTTP/1.1 200 OK\nContent-Type: text/plain";
const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json";

#[test]
fn status_is_expected_as_code_class_or_list() {
    let mut table = Table::default();
    let (ok, made, none) = ("HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 404 Not Found");
    for (status, good, bad) in [
        ("200", &[ok][..], &[made, none][..]),
        ("2xx", &[ok, made], &[none]),
        ("[200, 4xx]", &[ok, none], &[made]),
    ] {
        let (good, bad): (Vec<_>, Vec<_>) = (
            good.iter().map(|one| (*one, "")).collect(),
            bad.iter().map(|one| (*one, "")).collect(),
        );
        agrees_and_differs(&mut table, &format!("status: {status}"), "status", &good, &bad);
    }
    table.check(&[]);
}

#[test]
fn finding_shows_expected_actual_and_line() {
    let project = Project::of_case("status: 200\nbody:\n  json:\n    user: { name: Ann }\n");
    let server = Server::always(
        "HTTP/1.1 404 Not Found\nContent-Type: application/json",
        r#"{"user":{"name":"Bob"}}"#,
    );
    let ran = project.run(&["run", "--target", &server.url()]);
    for expected in [
        "    status: expected 200, got 404\n      --> cases/s/c.yaml:3:11\n",
        "    body/json at /user/name: expected \"Ann\", got \"Bob\"\n      --> cases/s/c.yaml:6:15\n",
    ] {
        assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    }
}

#[test]
fn every_finding_of_a_case_is_kept() {
    let expect = "status: 201\nheaders: { x-a: b }\nbody: { json: { a: 1, b: 2 } }\n";
    let all = ["status", "header/x-a", "body/json at /a", "body/json at /b"];
    let mut table = Table::default();
    table.add(
        expect,
        "HTTP/1.1 200 OK\nContent-Type: application/json",
        r#"{"a":2}"#,
        &all,
    );
    table.check(&[]);
}

#[test]
fn header_is_checked_by_value_or_by_several_matchers() {
    let mut table = Table::default();
    let with = |value: &str| format!("HTTP/1.1 200 OK\nX-A: {value}");
    let (without, abc, xyz) = ("HTTP/1.1 200 OK".to_owned(), with("abc"), with("xyz"));
    let (upper, abcd, ab) = (with("ABC"), with("abcd"), with("ab"));
    let (now, old) = (
        with(&chrono::Utc::now().to_rfc3339()),
        with("Fri, 07 Feb 2020 13:33:16 GMT"),
    );
    let (digits, fewer) = (with("1.50"), with("1.5"));
    let (twice, joined, turned) = (with("a\nX-A: b"), with("a, b"), with("b\nX-A: a"));
    for (test, good, bad) in [
        ("abc", vec![&abc], vec![&xyz, &without]),
        ("{ equals: abc }", vec![&abc], vec![&upper, &without]),
        ("{ present: true }", vec![&abc, &xyz], vec![&without]),
        ("{ absent: false }", vec![&abc], vec![&without]),
        ("{ absent: true }", vec![&without], vec![&abc]),
        ("{ present: false }", vec![&without], vec![&abc]),
        ("{ matches: '^a.c$' }", vec![&abc], vec![&abcd, &without]),
        ("{ matches: b }", vec![&abc], vec![&xyz]),
        ("{ contains: bc }", vec![&abc], vec![&xyz]),
        ("{ one_of: [abc, xyz] }", vec![&abc, &xyz], vec![&ab]),
        ("{ contains: a, matches: 'c$' }", vec![&abc], vec![&ab]),
        ("{ within: 5m }", vec![&now], vec![&old, &xyz]),
        ("'1.50'", vec![&digits], vec![&fewer]),
        ("'a, b'", vec![&twice, &joined], vec![&turned]),
    ] {
        let (good, bad): (Vec<_>, Vec<_>) = (
            good.iter().map(|head| (head.as_str(), "")).collect(),
            bad.iter().map(|head| (head.as_str(), "")).collect(),
        );
        agrees_and_differs(
            &mut table,
            &format!("status: 200\nheaders: {{ x-a: {test} }}"),
            "header/x-a",
            &good,
            &bad,
        );
    }
    table.check(&[]);
}

#[test]
fn header_test_passes_for_one_of_several_cookies() {
    let mut table = Table::default();
    let two = "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure\nSet-Cookie: b=2";
    let expect = |test: &str| format!("status: 200\nheaders: {{ Set-Cookie: {test} }}");
    agrees_and_differs(
        &mut table,
        &expect("b=2"),
        "header/set-cookie",
        &[(two, "")],
        &[("HTTP/1.1 200 OK\nSet-Cookie: b=3", "")],
    );
    agrees_and_differs(
        &mut table,
        &expect("{ matches: '^a=.*Secure' }"),
        "header/set-cookie",
        &[(two, "")],
        &[("HTTP/1.1 200 OK", "")],
    );
    table.check(&[]);
}

#[test]
fn media_types_are_compared_by_meaning() {
    let mut table = Table::default();
    let of = |kind: &str| format!("HTTP/1.1 200 OK\nContent-Type: {kind}");
    let (same, quoted, other, none) = (
        of("Application/JSON;Charset=UTF-8"),
        of("application/json; charset=\"utf-8\""),
        of("application/json"),
        of("text/json; charset=utf-8"),
    );
    agrees_and_differs(
        &mut table,
        "status: 200\nheaders: { content-type: application/json; charset=utf-8 }",
        "header/content-type",
        &[(&same, "{}"), (&quoted, "{}")],
        &[(&other, "{}"), (&none, "{}")],
    );
    table.check(&[]);
}

#[test]
fn body_is_expected_to_be_empty_or_not() {
    let mut table = Table::default();
    let empty = "HTTP/1.1 200 OK";
    agrees_and_differs(
        &mut table,
        "status: 200\nbody: { empty: true }",
        "body/empty",
        &[(empty, "")],
        &[(TEXT, " ")],
    );
    agrees_and_differs(
        &mut table,
        "status: 200\nbody: { empty: false }",
        "body/empty",
        &[(TEXT, "a")],
        &[(empty, "")],
    );
    table.check(&[]);
}

#[test]
fn body_is_validated_with_its_schema() {
    let mut table = Table::default();
    let expect = "status: 200\nbody: { schema: user.json }";
    agrees_and_differs(
        &mut table,
        expect,
        "body/schema",
        &[(JSON, r#"{"id":1,"more":2}"#)],
        &[(JSON, "{}"), (JSON, "[]"), (TEXT, "x")],
    );
    table.add(expect, JSON, r#"{"id":"1"}"#, &["body/schema at /id"]);
    table.check(&[USER]);
}

#[test]
fn exact_body_is_one_json_value_in_any_notation() {
    let mut table = Table::default();
    agrees_and_differs(
        &mut table,
        "status: 200\nbody: { exact: { a: 1, b: [x, null] } }",
        "body/exact",
        &[
            (JSON, r#"{"a":1,"b":["x",null]}"#),
            (JSON, r#" { "b" : [ "\u0078" , null ], "a" : 1.0 } "#),
        ],
        &[
            (JSON, r#"{"a":1,"b":["x",null],"c":0}"#),
            (JSON, r#"{"a":1,"b":[null,"x"]}"#),
            (JSON, r#"{"a":"1","b":["x",null]}"#),
            (TEXT, "a"),
        ],
    );
    table.check(&[]);
}

#[test]
fn header_bytes_that_are_not_utf_8_equal_no_text() {
    let latin = || b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: caf\xe9 au\r\n\r\n".to_vec();
    let mut table = Table::default();
    for (test, is_passed) in [
        ("'caf\u{e9} au'", false),
        ("'caf\u{fffd} au'", false),
        ("\"caf\\U0010ffe9 au\"", false),
        ("{ one_of: ['caf\u{e9} au'] }", false),
        ("{ contains: '\u{e9}' }", false),
        ("{ matches: '^caf. au$' }", false),
        ("{ contains: ' au' }", true),
        ("{ matches: '^caf' }", true),
        ("{ present: true }", true),
    ] {
        let expect = format!("status: 200\nheaders: {{ x-a: {test} }}\nrules: {{ http/date: off }}");
        let findings: &[&str] = if is_passed { &[] } else { &["header/x-a"] };
        table.add_bytes(&expect, latin, findings);
    }
    table.check(&[]);
    let project = Project::of_case("status: 200\nheaders: { x-a: caf\u{e9} }\n");
    let server = Server::start(|_| {
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: caf\xe9\r\n\r\n".to_vec(),
            Then::Close,
        )
    });
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--record",
        "r.ndjson",
        "--report",
        "junit=r.xml",
    ]);
    assert!(ran.stdout.contains("got caf\\xe9"), "{}", ran.stdout);
    assert!(project.read("r.xml").contains("got caf\\xe9"));
    assert_eq!(project.run(&["recheck", "r.ndjson"]).code, 1);
}

#[test]
fn body_is_tested_as_text() {
    let mut table = Table::default();
    for (text, good, bad) in [
        ("abc", "abc", "abc "),
        ("'{{ n }}'", "7", "8"),
        ("{ contains: b }", "abc", "ac"),
        ("{ matches: '^a' }", "abc", "bc"),
        ("{ one_of: [a, b] }", "b", "c"),
    ] {
        let expect = format!("status: 200\nbody: {{ text: {text} }}");
        table.add(&expect, TEXT, good, &[]);
        table.add(&expect, TEXT, bad, &["body/text"]);
    }
    table.check(&[("cases/s/suite.yaml", "vars: { n: 7 }\n")]);
}

#[test]
fn json_body_has_expected_properties_and_may_have_more() {
    let body = r#"{"a":1,"b":{"c":"x","d":null},"e":[1,2],"$ref":"r","f":true}"#;
    let mut table = Table::default();
    for (json, differs) in [
        ("{}", None),
        ("{ a: 1, f: true }", None),
        ("{ b: { c: x } }", None),
        ("{ b: { d: null } }", None),
        ("{ e: [1, 2] }", None),
        ("{ $$ref: r }", None),
        ("{ a: 1.0 }", None),
        ("[]", Some("")),
        ("text", Some("")),
        ("{ a: '1' }", Some(" at /a")),
        ("{ g: null }", Some(" at /g")),
        ("{ b: { c: y } }", Some(" at /b/c")),
        ("{ b: [] }", Some(" at /b")),
        ("{ e: [1] }", Some(" at /e")),
        ("{ e: [1, 3] }", Some(" at /e/1")),
        ("{ e: {} }", Some(" at /e")),
        ("{ $$ref: s }", Some(" at /$ref")),
    ] {
        let finding = differs.map(|at| format!("body/json{at}"));
        let findings: Vec<_> = finding.as_deref().into_iter().collect();
        table.add(&format!("status: 200\nbody: {{ json: {json} }}"), JSON, body, &findings);
    }
    table.check(&[]);
}

// Long: a table of one entry for each matcher.
#[test]
fn each_matcher_passes_for_some_values_and_not_for_others() {
    let now = format!("\"{}\"", chrono::Utc::now().to_rfc3339());
    let old = "\"2020-02-07T13:33:16Z\"";
    let mut table = Table::default();
    for (matcher, good, bad) in [
        ("$equals: { a: 1 }", vec![r#"{"a":1.0}"#], vec![r#"{"a":1,"b":2}"#, "1"]),
        ("$equals: null", vec!["null"], vec!["0"]),
        ("$matches: '^a+$'", vec!["\"aa\""], vec!["\"ab\"", "1", "null"]),
        ("$type: string", vec!["\"\""], vec!["1", "null"]),
        ("$type: [string, null]", vec!["\"\"", "null"], vec!["1"]),
        ("$type: number", vec!["1", "1.5"], vec!["\"1\""]),
        (
            "$type: integer",
            vec!["1", "1.0", "1e400", "-12345678901234567890123"],
            vec!["1.5", "12345678901234567890123.5", "1e-400"],
        ),
        ("$type: boolean", vec!["true"], vec!["\"true\""]),
        ("$type: array", vec!["[]"], vec!["{}"]),
        ("$type: object", vec!["{}"], vec!["[]"]),
        ("$any: true", vec!["null", "1"], vec![]),
        ("$any: false", vec![], vec!["null", "1"]),
        (
            "$one_of: [a, 1, { b: 2 }]",
            vec!["\"a\"", "1", r#"{"b":2}"#],
            vec!["\"1\"", "{}"],
        ),
        ("$within: 5m", vec![now.as_str()], vec![old, "\"now\"", "1"]),
        ("$status: true", vec!["200", "200.0"], vec!["404", "\"200\""]),
        (
            "$contains: b",
            vec!["\"abc\"", "[\"b\",\"c\"]"],
            vec!["\"ac\"", "[\"bc\"]", "1"],
        ),
        (
            "$contains: { id: 2 }",
            vec![r#"[{"id":1},{"id":2,"x":0}]"#],
            vec!["[]", r#"{"id":2}"#],
        ),
        ("$each: { $type: integer }", vec!["[]", "[1,2]"], vec!["1"]),
        (
            "$length: 2",
            vec!["\"éa\"", "[1,2]", r#"{"a":1,"b":2}"#],
            vec!["\"a\"", "[]", "2"],
        ),
        ("$type: string, $length: 1", vec!["\"a\""], vec!["[1]", "\"ab\""]),
        (
            "$length: { $gte: 1, $lt: 3 }",
            vec!["\"a\"", "[1,2]"],
            vec!["\"\"", "[1,2,3]", "{}", "2"],
        ),
        ("$gt: 2", vec!["2.5", "1e400"], vec!["2", "2.0", "-3", "\"3\"", "null"]),
        (
            "$gte: 9007199254740993",
            vec!["9007199254740993"],
            vec!["9007199254740992"],
        ),
        ("$lt: 0.3", vec!["0.2", "-1"], vec!["0.3", "0.30", "3e-1"]),
        ("$lte: 0.3", vec!["0.3", "3e-1"], vec!["0.30000000000000001"]),
        (
            "$gte: '2026-01-01T00:00:00Z', $lt: '2026-01-02T00:00:00Z'",
            vec!["\"2026-01-01T01:00:00+01:00\"", "\"2026-01-01T23:59:59.999Z\""],
            vec!["\"2026-01-02T00:00:00Z\"", "\"2025-12-31T23:59:59Z\""],
        ),
        (
            "$lt: '2026-01-02T00:00:00Z'",
            vec!["\"2026-01-01T00:00:00Z\""],
            vec!["\"soon\"", "1"],
        ),
        ("$not: 1", vec!["2", "\"1\"", "null"], vec!["1", "1.0"]),
        (
            "$not: { a: { $any: true } }",
            vec!["{}", r#"{"b":1}"#, "1"],
            vec![r#"{"a":null,"b":1}"#],
        ),
        ("$not: { $contains: x }", vec!["\"a\"", "[]"], vec!["\"ax\"", "[\"x\"]"]),
        (
            "$only: { a: 1, b: { $type: string } }",
            vec![r#"{"b":"","a":1}"#],
            vec!["1", "[]"],
        ),
        (
            "$unordered: [1, { $type: string }, { a: 1 }]",
            vec![r#"["x",{"a":1,"b":2},1.0]"#],
            vec![r#"["x",{"a":1}]"#, "{}"],
        ),
        ("$unordered: []", vec!["[]"], vec!["[1]", "{}"]),
        ("$schema: user.json", vec![r#"{"id":1}"#], vec!["{}", "1"]),
    ] {
        let expect = format!("status: 200\nbody: {{ json: {{ v: {{ {matcher} }} }} }}");
        for value in good {
            table.add(&expect, JSON, &format!("{{\"v\":{value}}}"), &[]);
        }
        for value in bad {
            table.add(&expect, JSON, &format!("{{\"v\":{value}}}"), &["body/json at /v"]);
        }
        let missing: &[&str] = if matcher == "$any: false" {
            &[]
        } else {
            &["body/json at /v"]
        };
        table.add(&expect, JSON, "{}", missing);
    }
    for (json, body, at) in [
        ("{ v: { $only: { a: { b: 1 } } } }", r#"{"v":{"a":{"b":2}}}"#, "/v/a/b"),
        ("{ v: { $only: { a: 1 } } }", r#"{"v":{"a":1,"x/y":2}}"#, "/v/x~1y"),
        ("{ v: { $only: { a: 1, b: 1 } } }", r#"{"v":{"a":1}}"#, "/v/b"),
        ("{ v: { $unordered: [1, 2, 2] } }", r#"{"v":[2,3,1]}"#, "/v/1"),
        ("{ v: { $unordered: [{ $gt: 1 }, 2] } }", r#"{"v":[2,1]}"#, "/v/1"),
        ("{ v: { $schema: 'user.json' } }", r#"{"v":{"id":"a"}}"#, "/v/id"),
        ("{ $each: { $schema: 'user.json#/properties/id' } }", r#"[1,"a"]"#, "/1"),
    ] {
        let expect = format!("status: 200\nbody: {{ json: {json} }}");
        table.add(&expect, JSON, body, &[&format!("body/json at {at}")]);
    }
    table.add(
        "status: 200\nbody: { json: { $each: { $type: integer } } }",
        JSON,
        "[1,\"2\",3,null]",
        &["body/json at /1", "body/json at /3"],
    );
    table.check(&[USER]);
}

#[test]
fn bounds_and_lengths_come_from_rows() {
    let server = Server::start(|_| (response(JSON, r#"{"n":3,"s":"abc"}"#), Then::Close));
    let expect = "expect: { status: 200, body: { json: { n: { $gt: '{{ low }}' }, s: { $length: '{{ size }}' } } } }";
    let run = |rows: &str| {
        let project = Project::of_case("status: 200");
        project.write(
            "cases/s/c.yaml",
            &format!("name: c\nexamples: {rows}\nrequest: {{ path: / }}\n{expect}\n"),
        );
        project.run(&["run", "--target", &server.url()])
    };
    assert_eq!(run("{ a: { low: 2.5, size: 3 } }").code, 0);
    assert_eq!(run("{ a: { low: 3, size: 3 } }").code, 1);
    assert_eq!(run("{ a: { low: 2, size: 4 } }").code, 1);
    for (row, part) in [
        (
            "{ a: { low: x, size: 3 } }",
            "expected a number or a date to compare with",
        ),
        (
            "{ a: { low: 2, size: '3' } }",
            "a variable does not give a whole number from 0 here",
        ),
        (
            "{ a: { low: 2, size: -1 } }",
            "a variable does not give a whole number from 0 here",
        ),
    ] {
        let ran = run(row);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{row}: {ran:?}");
    }
}

#[test]
fn response_that_takes_too_long_is_a_finding() {
    let mut table = Table::default();
    for (delay, findings) in [(0, &[][..]), (400, &["duration"])] {
        let respond = move || {
            std::thread::sleep(Duration::from_millis(delay));
            response("HTTP/1.1 200 OK", "")
        };
        table.add_bytes("status: 200\nduration: 300ms", respond, findings);
    }
    table.check(&[]);
}

/// For each built-in rule, a response that breaks only this rule.
const BROKEN: [(&str, &str); 14] = [
    ("http/syntax", "HTTP/1.1 200\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n"),
    (
        "http/date",
        "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/no-content",
        "HTTP/1.1 204 No Content\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/content-type",
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: text\r\nContent-Length: 1\r\n\r\na",
    ),
    (
        "http/json",
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\":1,\"a\":2}",
    ),
    (
        "http/length",
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc",
    ),
    (
        "http/coding",
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
    ),
    (
        "http/challenge",
        "HTTP/1.1 401 Unauthorized\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/allow",
        "HTTP/1.1 405 Method Not Allowed\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/status",
        "HTTP/1.1 206 Partial Content\r\nDate: DATE\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 1\r\n\r\na",
    ),
    (
        "http/range",
        "HTTP/1.1 416 Range Not Satisfiable\r\nDate: DATE\r\nContent-Range: */5\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/fields",
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nETag: abc\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/recommended",
        "HTTP/1.1 302 Found\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "http/leak",
        "HTTP/1.1 500 Internal Server Error\r\nDate: DATE\r\nContent-Type: text/plain\r\nContent-Length: 34\r\n\r\nTraceback (most recent call last):",
    ),
];

/// A response of the table, of this moment.
fn broken(text: &str) -> impl Fn() -> Vec<u8> + Send + Sync + 'static {
    let now = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let text = text.replace("DATE", &now);
    move || text.clone().into_bytes()
}

#[test]
fn built_in_rule_has_the_level_of_the_case() {
    let mut table = Table::default();
    // A level at a time, so that the responses that are not complete are far apart: three in a row end a run.
    for level in [None, Some("deny"), Some("warn"), Some("off")] {
        for (rule, text) in BROKEN {
            let warning = format!("{rule} (warn)");
            let is_warning = match level {
                None => ["http/challenge", "http/recommended"].contains(&rule),
                Some(level) => level == "warn",
            };
            let finding = if is_warning { warning.as_str() } else { rule };
            let findings = if level == Some("off") { &[][..] } else { &[finding] };
            let rules = level.map_or(String::new(), |level| format!("rules: {{ {rule}: {level} }}"));
            table.add_bytes(&format!("status: {}\n{rules}", &text[9..12]), broken(text), findings);
        }
    }
    table.check(&[]);
}

#[test]
fn rules_of_a_case_override_those_of_its_suite() {
    let (rule, text) = BROKEN[1];
    let outcome = broken(text);
    let server = Server::start(move |_| (outcome(), Then::Keep));
    for (suite, case, expected) in [
        ("off", "", (0, vec![])),
        ("off", "rules: { http/date: deny }", (1, vec![rule.to_owned()])),
        ("warn", "rules: { http/leak: off }", (0, vec![format!("{rule} (warn)")])),
        ("off", "rules: { http/date: null }", (1, vec![rule.to_owned()])),
    ] {
        let project = Project::of_case(&format!("status: 200\n{case}"));
        project.write(
            "cases/s/suite.yaml",
            &format!("expect:\n{}", indent(&format!("rules: {{ {rule}: {suite} }}"))),
        );
        let (ran, found) = findings(&project, &server);
        assert_eq!((ran.code, found), expected, "{suite} {case}");
        assert_eq!(ran.stdout.contains("warning"), suite == "warn", "{}", ran.stdout);
    }
}

#[test]
fn response_with_invalid_http_syntax_is_a_finding() {
    let mut table = Table::default();
    let invalid = || b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n".to_vec();
    table.add_bytes("status: 200", invalid, &["http/message"]);
    table.check(&[]);
}

#[test]
fn same_as_compares_bytes() {
    let case = "steps:\n  - { id: b, request: { path: /ROW/b } }\n  - { id: a, request: { path: /ROW/a }, expect: { same_as: b } }\n";
    let mut table = Table::default();
    let json = "HTTP/1.1 404 Not Found\nContent-Type: application/json";
    for (theirs, ours, differs) in [
        (
            (json, r#"{"m":"no","at":"10:00:01"}"#),
            (json, r#"{"m":"no","at":"10:00:02"}"#),
            false,
        ),
        ((json, r#"{"m":"no"}"#), (json, r#"{"m":"No"}"#), true),
        ((json, r#"{"m":"no"}"#), (json, r#"{"m": "no"}"#), true),
        (
            (json, "{}"),
            ("HTTP/1.1 404 Nothing\nContent-Type: application/json", "{}"),
            true,
        ),
        (
            (json, "{}"),
            (
                "HTTP/1.1 404 Not Found\nContent-Type: application/json\nX-Hint: a",
                "{}",
            ),
            true,
        ),
        (
            (json, "{}"),
            ("HTTP/1.1 404 Not Found\nContent-Type: application/problem+json", "{}"),
            true,
        ),
    ] {
        let (theirs, ours) = (response(theirs.0, theirs.1), response(ours.0, ours.1));
        let respond = move |request: &str| {
            let is_ours = request.lines().next().is_some_and(|line| line.contains("/a "));
            if is_ours { ours.clone() } else { theirs.clone() }
        };
        let findings: &[&str] = if differs { &["same-as"] } else { &[] };
        table.add_case(case.to_owned(), respond, findings);
    }
    let suite = "expect: { status: 404 }\nsnapshots: { redact: /at }\n";
    table.check(&[("cases/s/suite.yaml", suite)]);
}
