//! Files of Hurl as the files of a suite.

use crate::import::{
    SuiteDraft,
    test_support::{assert_parts, written},
};

fn draft(text: &str) -> SuiteDraft {
    let read = |name: &str| match name {
        "note.txt" => Ok(b"one\n".to_vec()),
        _ => Err("no such file".to_owned()),
    };
    super::hurl(text.into(), &read)
        .map_err(|error| error.to_string())
        .unwrap()
}

fn import(text: &str) -> String {
    written(&draft(text))
}

const SESSION: &str = r#"# A session
POST {{host}}/login  # with a comment
Content-Type: application/json
{
  "user": "ada",
  "password": "correct-horse"
}
HTTP 200
[Captures]
token: jsonpath "$.access_token" redact
tag: header "ETag" regex /"(.+)"/

GET {{host}}/users/1
Authorization: Bearer {{token}}
[Query]
q: a b&c
HTTP 200
"#;

#[test]
fn file_with_captures_is_one_case() {
    let text = import(SESSION);
    assert_parts(
        &text,
        &[
            "== post-login-flow.yaml\nname: POST /login and 1 more request\nsteps:\n  - id: post-login\n",
            "      body:\n        text: |-\n          {\n            \"user\": \"ada\",\n            \"password\": \"{{ password }}\"\n          }\n",
            "    expect: { status: 200 }\n",
            "      token: { json: \"$.access_token\", secret: true }\n      tag: { header: etag, matches: \"\\\"(.+)\\\"\" }\n",
            "  - id: get-users-1\n",
            "query: { q: \"a b&c\" }, headers: { Authorization: \"Bearer {{ token }}\" } }\n",
        ],
    );
    assert!(!text.contains("correct-horse"), "{text}");
    let windows = import(&SESSION.replace('\n', "\r\n"));
    assert_eq!(windows, text);
}

#[test]
fn asserts_are_expectations() {
    let text = import(
        r#"GET http://h/a
HTTP 200
Content-Type: application/json
[Asserts]
header "X-A" exists
header "X-B" not exists
cookie "sid[HttpOnly]" exists
cookie "sid[SameSite]" == "Lax"
jsonpath "$.name" == "Ada"
jsonpath "$.tags" count == 2
jsonpath "$.tags" isCollection
jsonpath "$['a b'].c" >= 3
jsonpath "$.id" isInteger
jsonpath "$.gone" not exists
jsonpath "$.code" matches /^a\/b[0-9]+$/
bytes count < 100
duration < 2s
body contains "x y"
sha256 == hex,2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824;
"#,
    );
    assert_parts(
        &text,
        &[
            "content-type: { equals: application/json }",
            "x-a: { present: true }",
            "x-b: { absent: true }",
            "cookies: { sid: { http_only: true, same_site: lax } }",
            "sha256: \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
            "a b: { c: { \"$gte\": 3 } }",
            "code: { \"$matches\": \"^a/b[0-9]+$\" }",
            "gone: { \"$any\": false }",
            "id: { \"$type\": integer }",
            "name: Ada",
            "tags: { \"$length\": 2, \"$type\": [array, object] }",
            "text: { contains: x y }",
            "bytes: { \"$lt\": 100 }",
            "duration: \"2000ms\"",
        ],
    );
    assert!(!text.contains("not imported"), "{text}");
}

#[test]
fn contents_are_read_in_every_form() {
    let text = import(
        "POST http://h/a\n[Form]\na: 1 2\nb: x\nHTTP 200\n\
         POST http://h/b\n[Multipart]\nt: Hello\nd: file,note.txt;\ne: file,note.txt; text/csv\nHTTP 200\n\
         PUT http://h/c\n```\nline 1\nline 2\n```\nHTTP 200\n\
         PUT http://h/d\n`one line`\n\
         PUT http://h/e\nbase64,AP8=;\n\
         PUT http://h/f\nfile,note.txt;\n\
         POST http://h/g\n<a>\n  <b/>\n</a>\n\nHTTP 200\n{\"a\": [1]}\n\
         POST http://h/h\n```graphql\n{ a }\nvariables { \"b\": 1 }\n```\n\
         GET http://h/i\n[BasicAuth]\nada: p1p2p3p4\n[Cookies]\ntheme: dark-mode\n[Options]\nretry: 3\nretry-interval: 100ms\n",
    );
    assert_parts(
        &text,
        &[
            "body: { form: { a: \"1 2\", b: x } }",
            "- { name: d, file: post-a-flow-post-b-2.bin, content_type: text/plain, filename: note.txt }\n",
            "content_type: text/csv",
            "          line 1\n          line 2\n",
            "text: one line",
            "body: { file: post-a-flow-put-e.bin }",
            "          <a>\n            <b/>\n          </a>\n    expect: { status: 200, body: { exact: { a: [1] } } }\n",
            "text: \"{\\\"query\\\":\\\"{ a }\\\",\\\"variables\\\":{ \\\"b\\\": 1 }}\"",
            "auth: { basic: { user: ada, password: \"{{ password }}\" } }\n      headers: { Cookie: \"{{ cookie }}\" }\n    eventually: { every: \"100ms\", within: \"300ms\" }\n",
        ],
    );
    assert!(!text.contains("p1p2") && !text.contains("dark-mode"), "{text}");
}

#[test]
fn everything_else_is_noted() {
    let draft = draft(
        "GET http://h/a\n[Options]\nlocation: true\ninsecure: true\nverbose: true\nHTTP/1.1 *\n[Captures]\nx: xpath \"string(//a)\"\n\
         [Asserts]\njsonpath \"$.a[0].b\" == 1\nxpath \"//a\" exists\nstatus > 100\n\nGET http://other/b\n",
    );
    let notes: Vec<_> = draft
        .notes()
        .into_iter()
        .map(|(file, note)| format!("{file}: {note}"))
        .collect();
    let expected = [
        "get-a.yaml: the option `location`: redirects are not followed; check the `location`, or add a step with `follow`",
        "get-a.yaml: the option `insecure`",
        "get-a.yaml: the status `*`: a success is expected",
        "get-a.yaml: the version HTTP/1.1",
        "get-a.yaml: the assert: jsonpath \"$.a[0].b\" == 1",
        "get-a.yaml: the assert: xpath \"//a\" exists",
        "get-a.yaml: the assert: status > 100",
        "get-a.yaml: the capture: x: xpath \"string(//a)\"",
        "get-b.yaml: the origin http://other: the suite is for http://h",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn errors_have_a_position() {
    let none = |_: &str| Err("no file".to_owned());
    for (text, at, part) in [
        ("", None, "the file has no requests"),
        ("# only\n", None, "the file has no requests"),
        ("GET http://h/\n\n  what is this\n", Some((3, 3)), "expected a request"),
        ("GET http://h/\nHTTP abc\n", Some((2, 1)), "expected a status"),
        ("POST http://h/\n```\nno end\n", Some((2, 1)), "the text has no end"),
        ("POST http://h/\n{ \"a\": [\n", Some((2, 1)), "the JSON has no end"),
        ("POST http://h/\nbase64,A;\n", Some((2, 1)), "the base64 is damaged"),
        ("GET http://h/\n[Assert]\n", Some((2, 1)), "the section is not known"),
    ] {
        let error = super::hurl(text.into(), &none)
            .err()
            .unwrap_or_else(|| panic!("{text}"));
        assert!(
            error.at == at && error.message.contains(part),
            "{text}: {:?} {}",
            error.at,
            error.message
        );
    }
}
