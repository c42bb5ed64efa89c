//! Every check, each with a response that it agrees to and one that it does not.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Project, Ran, Server, Then, indent, response};

/// The findings of one case that expects this of a response: check, pointer and level of each, and the exit code.
fn judge(expect: &str, head: &str, body: &str) -> (i32, Vec<String>) {
    let (head, body) = (head.to_owned(), body.to_owned());
    judge_bytes(expect, move || response(&head, &body))
}

fn judge_bytes(expect: &str, outcome: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (i32, Vec<String>) {
    let project = Project::of_case(expect);
    project.write(
        "schemas/user.json",
        r#"{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}"#,
    );
    let server = Server::start(move |_| (outcome(), Then::Close));
    let (ran, findings) = findings(&project, &server);
    (ran.code, findings)
}

/// Runs a project; the findings of all cases as `check`, `check at /pointer`, `check (warn)`.
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
    let mut all = Vec::new();
    for event in events {
        for finding in event["steps"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|step| step["findings"].as_array().into_iter().flatten())
        {
            assert!(
                finding["location"]["file"]
                    .as_str()
                    .is_some_and(|file| file.starts_with("cases/s/")),
                "{finding}"
            );
            let mut text = finding["check"].as_str().unwrap().to_owned();
            if let Some(pointer) = finding["pointer"].as_str().filter(|pointer| !pointer.is_empty()) {
                text = format!("{text} at {pointer}");
            }
            if finding["level"] == "warn" {
                text.push_str(" (warn)");
            }
            all.push(text);
        }
    }
    (ran, all)
}

/// What is expected agrees to some responses, and has exactly one finding on each of the others.
fn agrees_and_differs(expect: &str, check: &str, good: &[(&str, &str)], bad: &[(&str, &str)]) {
    for (head, body) in good {
        assert_eq!(
            judge(expect, head, body),
            (0, Vec::new()),
            "{expect} agrees to {head} {body}"
        );
    }
    for (head, body) in bad {
        assert_eq!(
            judge(expect, head, body),
            (1, vec![check.to_owned()]),
            "{expect} differs from {head} {body}"
        );
    }
}

const TEXT: &str = "HTTP/1.1 200 OK\nContent-Type: text/plain";
const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json";

#[test]
fn a_status_is_a_code_a_class_or_one_of_several() {
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
        agrees_and_differs(&format!("status: {status}"), "status", &good, &bad);
    }
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
    let found = judge(expect, "HTTP/1.1 200 OK\nContent-Type: application/json", r#"{"a":2}"#);
    let all = ["status", "header/x-a", "body/json at /a", "body/json at /b"].map(str::to_owned);
    assert_eq!(found, (1, all.to_vec()));
}

#[test]
fn header_is_checked_by_value_or_by_several_matchers() {
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
            &format!("status: 200\nheaders: {{ x-a: {test} }}"),
            "header/x-a",
            &good,
            &bad,
        );
    }
}

#[test]
fn one_cookie_of_several_is_enough() {
    let two = "HTTP/1.1 200 OK\nSet-Cookie: a=1; Secure\nSet-Cookie: b=2";
    let expect = |test: &str| format!("status: 200\nheaders: {{ Set-Cookie: {test} }}");
    agrees_and_differs(
        &expect("b=2"),
        "header/set-cookie",
        &[(two, "")],
        &[("HTTP/1.1 200 OK\nSet-Cookie: b=3", "")],
    );
    agrees_and_differs(
        &expect("{ matches: '^a=.*Secure' }"),
        "header/set-cookie",
        &[(two, "")],
        &[("HTTP/1.1 200 OK", "")],
    );
}

#[test]
fn media_types_are_compared_by_meaning() {
    let of = |kind: &str| format!("HTTP/1.1 200 OK\nContent-Type: {kind}");
    let (same, quoted, other, none) = (
        of("Application/JSON;Charset=UTF-8"),
        of("application/json; charset=\"utf-8\""),
        of("application/json"),
        of("text/json; charset=utf-8"),
    );
    agrees_and_differs(
        "status: 200\nheaders: { content-type: application/json; charset=utf-8 }",
        "header/content-type",
        &[(&same, "{}"), (&quoted, "{}")],
        &[(&other, "{}"), (&none, "{}")],
    );
}

#[test]
fn a_body_is_empty_or_not() {
    let empty = "HTTP/1.1 200 OK";
    agrees_and_differs(
        "status: 200\nbody: { empty: true }",
        "body/empty",
        &[(empty, "")],
        &[(TEXT, " ")],
    );
    agrees_and_differs(
        "status: 200\nbody: { empty: false }",
        "body/empty",
        &[(TEXT, "a")],
        &[(empty, "")],
    );
}

#[test]
fn a_body_is_judged_by_its_schema() {
    let expect = "status: 200\nbody: { schema: user.json }";
    agrees_and_differs(
        expect,
        "body/schema",
        &[(JSON, r#"{"id":1,"more":2}"#)],
        &[(JSON, "{}"), (JSON, "[]"), (TEXT, "x")],
    );
    assert_eq!(
        judge(expect, JSON, r#"{"id":"1"}"#),
        (1, vec!["body/schema at /id".to_owned()])
    );
}

#[test]
fn a_body_is_exactly_one_json_value_whatever_its_spelling() {
    agrees_and_differs(
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
}

#[test]
fn header_bytes_that_are_not_utf_8_equal_no_text() {
    let latin = || b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: caf\xe9 au\r\n\r\n".to_vec();
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
        let (code, found) = judge_bytes(&expect, latin);
        let failing = found.iter().filter(|finding| *finding == "header/x-a").count();
        assert_eq!((code == 0, failing == 0), (is_passed, is_passed), "{test}: {found:?}");
    }
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
fn a_body_is_tested_as_text() {
    for (text, good, bad) in [
        ("abc", "abc", "abc "),
        ("'{{ n }}'", "7", "8"),
        ("{ contains: b }", "abc", "ac"),
        ("{ matches: '^a' }", "abc", "bc"),
        ("{ one_of: [a, b] }", "b", "c"),
    ] {
        let project = |body: &'static str| {
            let project = Project::of_case(&format!("status: 200\nbody: {{ text: {text} }}"));
            let case = project.read("cases/s/c.yaml");
            project.write("cases/s/c.yaml", &format!("vars: {{ n: 7 }}\n{case}"));
            findings(&project, &Server::always(TEXT, body)).1
        };
        assert_eq!(
            (project(good), project(bad)),
            (vec![], vec!["body/text".to_owned()]),
            "{text}"
        );
    }
}

#[test]
fn what_is_written_of_a_json_body_must_be_there_and_more_may_be() {
    let body = r#"{"a":1,"b":{"c":"x","d":null},"e":[1,2],"$ref":"r","f":true}"#;
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
        let found = judge(&format!("status: 200\nbody: {{ json: {json} }}"), JSON, body);
        let expected = differs.map_or((0, vec![]), |at| (1, vec![format!("body/json{at}")]));
        assert_eq!(found, expected, "{json}");
    }
}

// Long: a table of one entry for each matcher.
#[test]
fn each_matcher_agrees_to_some_values_and_not_to_others() {
    let now = format!("\"{}\"", chrono::Utc::now().to_rfc3339());
    let old = "\"2020-02-07T13:33:16Z\"";
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
            assert_eq!(
                judge(&expect, JSON, &format!("{{\"v\":{value}}}")),
                (0, vec![]),
                "{matcher} {value}"
            );
        }
        for value in bad {
            let found = judge(&expect, JSON, &format!("{{\"v\":{value}}}"));
            assert_eq!(found, (1, vec!["body/json at /v".to_owned()]), "{matcher} {value}");
        }
        let missing = judge(&expect, JSON, "{}").0;
        assert_eq!(
            missing,
            i32::from(matcher != "$any: false"),
            "{matcher} and no property"
        );
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
        let found = judge(&format!("status: 200\nbody: {{ json: {json} }}"), JSON, body);
        assert_eq!(found, (1, vec![format!("body/json at {at}")]), "{json}");
    }
    let each = judge(
        "status: 200\nbody: { json: { $each: { $type: integer } } }",
        JSON,
        "[1,\"2\",3,null]",
    );
    assert_eq!(
        each,
        (1, vec!["body/json at /1".to_owned(), "body/json at /3".to_owned()])
    );
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
fn a_response_that_takes_too_long_is_a_finding() {
    for (delay, found) in [(0, (0, vec![])), (400, (1, vec!["duration".to_owned()]))] {
        let outcome = move || {
            std::thread::sleep(Duration::from_millis(delay));
            response("HTTP/1.1 200 OK", "")
        };
        assert_eq!(judge_bytes("status: 200\nduration: 300ms", outcome), found);
    }
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
    for (rule, text) in BROKEN {
        let status = &text[9..12];
        let level = |level: &str| judge_bytes(&format!("status: {status}\nrules: {{ {rule}: {level} }}"), broken(text));
        assert_eq!(level("deny"), (1, vec![rule.to_owned()]), "{rule}");
        assert_eq!(level("warn"), (0, vec![format!("{rule} (warn)")]), "{rule}");
        assert_eq!(level("off"), (0, vec![]), "{rule}");
        let standing = judge_bytes(&format!("status: {status}"), broken(text));
        let expected = match rule {
            "http/challenge" | "http/recommended" => (0, vec![format!("{rule} (warn)")]),
            _ => (1, vec![rule.to_owned()]),
        };
        assert_eq!(standing, expected, "{rule}");
    }
}

#[test]
fn a_case_has_the_rules_of_its_suite_unless_it_says_otherwise() {
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
fn a_response_that_breaks_the_grammar_of_http_is_a_finding() {
    let found = judge_bytes("status: 200", || b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n".to_vec());
    assert_eq!(found, (1, vec!["http/message".to_owned()]));
}

#[test]
fn same_as_compares_bytes() {
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "expect: { status: 404 }\nsnapshots: { redact: /at }\n",
        ),
        (
            "cases/s/a.yaml",
            "steps:\n  - { id: b, request: { path: /b } }\n  - { id: a, request: { path: /a }, expect: { same_as: b } }\n",
        ),
    ]);
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
        let server = Server::start(move |request| {
            let bytes = if request.starts_with("GET /a ") { &ours } else { &theirs };
            (bytes.clone(), Then::Keep)
        });
        let (ran, found) = findings(&project, &server);
        assert_eq!(
            (ran.code, found),
            (i32::from(differs), vec!["same-as".to_owned(); usize::from(differs)]),
            "{}",
            ran.stdout
        );
    }
}
