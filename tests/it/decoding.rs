//! Errors inside a file: each is rejected with its location and a suggestion.

use crate::{
    loading::{SOUND, error_lines, project, refused},
    support::Project,
};

/// Asserts that each file has exactly one error: this one, at this location, with this help.
fn each_is_refused(wrong: &[(&str, &str, &str, &str)], project: impl Fn(&str) -> Project) {
    for (text, message, location, help) in wrong {
        let ran = refused(&project(text));
        assert_eq!(error_lines(&ran), [*message], "{text}\n{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("--> {location}\n")),
            "{text}\n{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(help), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn unknown_keys_are_refused_at_every_level_of_a_case() {
    let case =
        |request: &str, expect: &str| format!("request: {{ path: /{request} }}\nexpect: {{ status: 200{expect} }}\n");
    for (text, message, near) in [
        (case("", "") + "tagz: [a]\n", "unknown key `tagz` in a case", "tags"),
        (
            case("", "") + "snapshots: { redacted: /a }\n",
            "unknown key `redacted` in a mapping",
            "redact",
        ),
        (case(", heders: {}", ""), "unknown key `heders` in a request", "headers"),
        (
            case(", body: { json: 1, txt: a }", ""),
            "unknown key `txt` in a body (`json`, `text`, `form`, `multipart` or `file`)",
            "text",
        ),
        (
            case("", ", header: {}"),
            "unknown key `header` in expectations",
            "headers",
        ),
        (
            case("", ", body: { jsn: 1 }"),
            "unknown key `jsn` in expectations of a body",
            "json",
        ),
        (
            case("", ", headers: { x-a: { present: true, equal: b } }"),
            "unknown key `equal` in tests of a header",
            "equals",
        ),
        (
            case("", ", body: { text: { contains: a, match: b } }"),
            "unknown key `match` in tests of a text",
            "matches",
        ),
        (
            case("", ", body: { json: { a: { $typ: string } } }"),
            "unknown matcher `$typ`",
            "$type",
        ),
        (
            case("", ", rules: { http/dates: off }"),
            "no built-in rule `http/dates`",
            "http/date",
        ),
    ] {
        let ran = refused(&project("", &text));
        assert_eq!(error_lines(&ran), [message], "{text}\n{}", ran.stderr);
        let help = format!("= help: did you mean `{near}`?");
        assert!(ran.stderr.contains(&help), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn unknown_keys_are_refused_at_every_level_of_a_suite_file() {
    let wrong = [
        (
            "gruop: a\n",
            "unknown key `gruop` in a suite",
            "cases/s/suite.yaml:1:1",
            "`group`",
        ),
        (
            "skip: why\n",
            "unknown key `skip` in a suite",
            "cases/s/suite.yaml:1:1",
            "known here",
        ),
        (
            "inputs: { a: { secrets: true } }\n",
            "unknown key `secrets` in an input",
            "cases/s/suite.yaml:1:16",
            "`secret`",
        ),
        (
            "request: { pth: / }\n",
            "unknown key `pth` in a request",
            "cases/s/suite.yaml:1:12",
            "`path`",
        ),
    ];
    each_is_refused(&wrong, |suite| project(suite, SOUND));
}

#[test]
fn values_of_the_wrong_type_are_refused_and_never_guessed_at() {
    let location = "cases/s/c.yaml:1:";
    for (line, message, column, help) in [
        ("name: 12", "expected a string, found a number", 7, "put it in quotes"),
        (
            "name: true",
            "expected a string, found a boolean",
            7,
            "put it in quotes",
        ),
        ("name: [a]", "expected a string, found a list", 7, ""),
        ("timeout: 10", "`10` has no unit of time", 10, "write it as `250ms`"),
        ("timeout: soon", "`soon` is not a duration", 10, "write it as `250ms`"),
        ("timeout: 0s", "`0s` is not between 1ms and 366d", 10, ""),
        ("tags: a b", "`a b` is not one word", 7, ""),
        ("skip: true", "a skipped case needs a reason", 7, "write `skip: why"),
        ("skip: ' '", "a skipped case needs a reason", 7, "write `skip: why"),
        (
            "vars: { 1a: x }",
            "`1a` is not a variable's name",
            9,
            "not a digit first",
        ),
        ("vars: [a]", "expected a mapping of variables, found a list", 7, ""),
        (
            "snapshots: { redact: $.a }",
            "`$.a` is not a JSON pointer",
            22,
            "write `/a`",
        ),
        (
            "vars: { id: 12e4 }",
            "`12e4` reads as a number with an exponent",
            13,
            "put it in quotes",
        ),
        (
            "examples: []",
            "expected a mapping from names to rows, found a list",
            11,
            "",
        ),
        (
            "examples: {}",
            "a table of examples without a row makes no case",
            11,
            "",
        ),
        (
            "examples: { a/b: {} }",
            "`a/b` cannot name an example",
            13,
            "part of the case's id",
        ),
    ] {
        let ran = refused(&project("", &format!("{line}\n{SOUND}")));
        assert_eq!(error_lines(&ran), [message], "{line}\n{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("{location}{column}\n")),
            "{line}\n{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(help), "{line}\n{}", ran.stderr);
    }
}

// Long: a table of one entry for each kind of expectation.
#[test]
fn expectations_that_mean_nothing_are_refused() {
    for (expect, message, help) in [
        (
            "status: 99",
            "expected a whole number from 100 to 599, found a number",
            "",
        ),
        ("status: 6xx", "`6xx` is not a status", "a class such as `4xx`"),
        ("status: +4xx", "`+4xx` is not a status", "a class such as `4xx`"),
        ("status: OK", "`OK` is not a status", "a code such as `404`"),
        ("status: []", "an empty list accepts no status at all", ""),
        ("headers: { x a: b }", "`x a` is not a header name", ""),
        (
            "headers: { X-A: b, x-a: b }",
            "header `x-a` is defined twice: names are case-insensitive",
            "",
        ),
        ("headers: { x-a: {} }", "nothing is tested here", ""),
        (
            "headers: { x-a: { present: yes } }",
            "expected `true` or `false`, found a string",
            "`true` and `false`",
        ),
        (
            "headers: { x-a: { absent: true, equals: b } }",
            "an absent header has no value to test",
            "",
        ),
        (
            "headers: { x-a: { absent: true, present: true } }",
            "a header cannot be both present and absent",
            "",
        ),
        (
            "headers: { x-a: { one_of: [] } }",
            "an empty list accepts no text at all",
            "",
        ),
        ("body: { text: {} }", "nothing is tested here", ""),
        (
            "body: { empty: true, json: {} }",
            "a body cannot be both empty and not empty",
            "`empty: null`",
        ),
        (
            "body: { text: { matches: '(' } }",
            "not a regular expression: unclosed group",
            "",
        ),
        (
            "body: { json: { a: { $matches: '(?=a)' } } }",
            "not a regular expression: look-around, including look-ahead and look-behind, is not supported",
            "",
        ),
        (
            "body: { json: { $type: text } }",
            "`text` is not a type of JSON",
            "`string`",
        ),
        (
            "body: { json: { $type: any, b: 1 } }",
            "matchers (`$...`) and properties are mixed in one object",
            "`$$ref`",
        ),
        (
            "body: { json: { $one_of: [] } }",
            "`$one_of` takes a list of values",
            "",
        ),
        (
            "body: { json: { $status: false } }",
            "`$status` is `true` or left out",
            "",
        ),
        (
            "body: { json: { $length: -1 } }",
            "expected a whole number from 0 to 4294967295, found a number",
            "",
        ),
        (
            "body: { json: { $length: { $max: 2 } } }",
            "`$max` is not a comparison",
            "",
        ),
        ("body: { json: { $length: {} } }", "nothing is tested here", ""),
        (
            "body: { json: { $gt: soon } }",
            "expected a number or a date to compare with",
            "2026-01-02T03:04:05Z",
        ),
        (
            "body: { json: { $lte: [1] } }",
            "expected a number or a date to compare with",
            "",
        ),
        (
            "body: { json: { $only: [1] } }",
            "`$only` takes a mapping of properties",
            "",
        ),
        (
            "body: { json: { $only: { $type: string } } }",
            "`$only` takes properties, not matchers",
            "`$$ref`",
        ),
        (
            "body: { json: { $unordered: 1 } }",
            "`$unordered` takes a list of items",
            "",
        ),
        (
            "body: { json: { $schema: nope.json } }",
            "no schema file `nope.json` in `schemas`",
            "",
        ),
        (
            "body: { json: { $not: { $any: true } } }",
            "every value matches this, so `$not` never passes",
            "`$any: false`",
        ),
        (
            "headers: { x: { contains: '' } }",
            "every text contains the empty text, so nothing is tested",
            "remove the test",
        ),
        (
            "headers: { x: { matches: '^.*$' } }",
            "this pattern matches every text, so nothing is tested",
            "anchor it",
        ),
        (
            "body: { text: { matches: 'a*' } }",
            "this pattern matches every text, so nothing is tested",
            "anchor it",
        ),
        (
            "body: { json: { b: { $matches: '(x|)' } } }",
            "this pattern matches every text, so nothing is tested",
            "anchor it",
        ),
        (
            "body: { json: { b: { $contains: '' } } }",
            "every text contains the empty text, so nothing is tested",
            "`$contains: { $equals",
        ),
        (
            "body: { json: { b: { $each: { $any: true } } } }",
            "every item passes this, so nothing is tested",
            "`$type: array`",
        ),
        (
            "body: { json: { b: { $type: [number, string, boolean, 'null', array, object] } } }",
            "every value has one of these types, so nothing is tested",
            "`$any: true`",
        ),
        (
            "body: { json: { b: { $type: [] } } }",
            "an empty list accepts no type at all",
            "",
        ),
        ("body: {}", "`body` is empty, so nothing is tested", ""),
        ("headers: {}", "`headers` is empty, so nothing is tested", ""),
        (
            "status: [1xx, 2xx, 3xx, 4xx, 5xx]",
            "this accepts every status, so nothing is tested",
            "",
        ),
        (
            "body: { exact: { a: [{ $type: string }] } }",
            "`$type` is not a matcher here: this value is literal",
            "`$$type`",
        ),
        (
            "body: { json: { b: { $equals: { $any: true } } } }",
            "`$any` is not a matcher here: this value is literal",
            "`$$any`",
        ),
        (
            "body: { json: { $matches: '(a{1000}){1000}' } }",
            "not a regular expression within the limits: it is too large (compiled, more than 10 MiB)",
            "",
        ),
        (
            "body: { schema: usr.json }",
            "no schema file `usr.json` in `schemas`",
            "`user.json`",
        ),
        (
            "body: { schema: 'user.json#/$defs/Ix' }",
            "nothing exists at `#/$defs/Ix` in `user.json`",
            "",
        ),
        (
            "body: { schema: 'http://a/b.json' }",
            "`http://a/b.json` is not a file of the schema folder: remote and absolute references are not followed",
            "",
        ),
        (
            "body: { schema: ../user.json }",
            "`../user.json` is not a file of the schema folder: remote and absolute references are not followed",
            "",
        ),
        (
            "rules: { http/date: on }",
            "`on` is not a level",
            "`deny`, `warn`, `off`",
        ),
        ("duration: 2", "`2` has no unit of time", ""),
        ("snapshot: 1", "expected `true` or `false`, found a number", ""),
        ("same_as: s/sound", "no step `s/sound` comes before this one", ""),
    ] {
        let status = if expect.starts_with("status") {
            ""
        } else {
            "status: 200, "
        };
        let ran = refused(&project(
            "",
            &format!("request: {{ path: / }}\nexpect: {{ {status}{expect} }}\n"),
        ));
        assert_eq!(error_lines(&ran), [message], "{expect}\n{}", ran.stderr);
        let column = 11 + status.len();
        assert!(
            ran.stderr.contains("--> cases/s/c.yaml:2:"),
            "{expect} from {column}\n{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(help), "{expect}\n{}", ran.stderr);
    }
    for (name, part, at) in [
        ("remote.json", "this is remote", "schemas/remote.json:1:9"),
        ("broken.json", "EOF", "cases/s/c.yaml:2:"),
    ] {
        let case = format!("request: {{ path: / }}\nexpect: {{ status: 200, body: {{ schema: {name} }} }}\n");
        let ran = refused(&project("", &case));
        assert!(ran.stderr.contains(part), "{name}\n{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("--> {at}")), "{name}\n{}", ran.stderr);
    }
}

// Long: a table of one entry for each kind of request.
#[test]
fn requests_that_cannot_be_sent_are_refused() {
    let wrong = [
        ("path: users", "a path begins with `/`", "cases/s/c.yaml:1:18", ""),
        (
            "path: 'http://a/b'",
            "a path, not a URL: the target supplies the rest",
            "cases/s/c.yaml:1:18",
            "",
        ),
        (
            "path: '/a?b=c'",
            "a path cannot contain `?` or `#`",
            "cases/s/c.yaml:1:18",
            "under `query`",
        ),
        (
            "method: get, path: /",
            "methods are case-sensitive: `get`",
            "cases/s/c.yaml:1:20",
            "write `GET`",
        ),
        (
            "method: G T, path: /",
            "`G T` is not a method",
            "cases/s/c.yaml:1:20",
            "",
        ),
        (
            "path: '/{id}'",
            "path parameter `id` has no value",
            "cases/s/c.yaml:1:18",
            "add `params: { id: ... }`",
        ),
        (
            "path: '/{id}', params: { id: 1, di: 2 }",
            "the path has no parameter `di`",
            "cases/s/c.yaml:1:44",
            "`id`",
        ),
        (
            "query: { a: b }",
            "the request has no `path`",
            "cases/s/c.yaml:1:10",
            "",
        ),
        (
            "path: /, headers: { X-A: 1, x-a: 2 }",
            "header `x-a` is defined twice: names are case-insensitive",
            "cases/s/c.yaml:1:40",
            "",
        ),
        (
            "path: /, headers: { X-A: null }",
            "`X-A: null` takes nothing away",
            "cases/s/c.yaml:1:32",
            "",
        ),
        (
            "path: /, body: { json: 1, text: a }",
            "a body is exactly one of `json`, `text`, `form`, `multipart` and `file`",
            "cases/s/c.yaml:1:27",
            "",
        ),
        (
            "path: /, body: { file: ../../../x }",
            "the file must be in the project",
            "cases/s/c.yaml:1:35",
            "",
        ),
        (
            "path: '/{{ a'",
            "`{{` without `}}` (write `{{ \"{{\" }}` for the braces themselves)",
            "cases/s/c.yaml:1:18",
            "",
        ),
        (
            "path: '/{{ suite | uper }}'",
            "no filter `uper`; there are `swap_case`, `drop_last`, `base64`, `base64url`, `sha256`, `url_encode`, `lower`, \
             `upper`, `unix`, `optional`, `add 5m`, `subtract 5m`",
            "cases/s/c.yaml:1:18",
            "",
        ),
        (
            "path: '/{{ siute }}'",
            "undefined variable `siute`",
            "cases/s/c.yaml:1:18",
            "`suite`",
        ),
    ];
    each_is_refused(&wrong, |request| {
        project(
            "vars: { suite: a }\n",
            &format!("request: {{ {request} }}\nexpect: {{ status: 200 }}\n"),
        )
    });
    let ran = refused(&project(
        "",
        "request: { path: /, body: { file: no.bin } }\nexpect: { status: 200 }\n",
    ));
    assert!(ran.stderr.contains("failed to read `no.bin`"), "{}", ran.stderr);
}
