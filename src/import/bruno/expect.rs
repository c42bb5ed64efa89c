//! Asserts, variables of responses and tests: those with an exact counterpart become expectations and captures.
//!
//! They are written as statements of a test script of Postman, which is the same language with other names.

use std::{fmt::Write as _, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value as Json;

use super::blocks::BruFile;
use crate::import::postman::script::{self, TestScript};

/// Names of Bruno and of Postman.
const NAMES: [(&str, &str); 7] = [
    (r"res\.getBody\(\)|res\.body\b", "pm.response.json()"),
    (r"res\.getStatus\(\)|res\.status\b", "pm.response.code"),
    (
        r"res\.getResponseTime\(\)|res\.responseTime\b",
        "pm.response.responseTime",
    ),
    (r"res\.getHeader\(", "pm.response.headers.get("),
    (
        r"bru\.set(?:Var|EnvVar|GlobalEnvVar|CollectionVar)\(",
        "pm.environment.set(",
    ),
    (r"expect\(", "pm.expect("),
    (r"test\(", "pm.test("),
];

/// What a request expects, with the tests of its folders left out.
pub(super) fn read(file: &BruFile) -> TestScript {
    let mut script = String::new();
    for pair in file.enabled("vars:post-response") {
        // `@` marks a variable of the request only.
        let name = pair.name.trim_start_matches('@');
        let expression = pair.value.strip_prefix('$').unwrap_or(&pair.value);
        let _ = writeln!(script, "bru.setVar({}, {});", Json::from(name), field(expression));
    }
    for pair in file.enabled("assert") {
        let subject = field(pair.name.strip_prefix('$').unwrap_or(&pair.name));
        let _ = match chain(&pair.value) {
            Some(chain) => writeln!(script, "expect({subject}).to.{chain};"),
            // It has no counterpart, and is noted as it is written.
            None => writeln!(script, "{}: {};", pair.name, pair.value),
        };
    }
    for name in ["script:post-response", "tests"] {
        script.push_str(file.text(name).unwrap_or_default());
        script.push('\n');
    }
    let mut script = script::read(&converted(&script));
    for note in &mut script.expect.notes {
        *note = restored(note);
    }
    script
}

/// A field of the response: `res.headers['x-id']` and `res.headers.etag` as a call.
fn field(expression: &str) -> String {
    static HEADER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"^res\.headers(?:\.([\w-]+)|\[\s*['"]([^'"]+)['"]\s*\])$"#).ok());
    let found = HEADER.as_ref().and_then(|header| header.captures(expression.trim()));
    match found.and_then(|found| found.get(1).or(found.get(2)).map(|name| name.as_str().to_owned())) {
        Some(name) => format!("res.getHeader({})", Json::from(name)),
        None => expression.to_owned(),
    }
}

/// The operator and the value of an assert, as in a chain of `expect`. The operator is `eq` by default.
fn chain(text: &str) -> Option<String> {
    let (operator, value) = text.split_once(' ').unwrap_or((text, ""));
    let value = value.trim();
    let literal = || literal(value).map(|value| value.to_string());
    Some(match operator {
        "eq" => format!("equal({})", literal()?),
        "gt" => format!("be.above({})", literal()?),
        "gte" => format!("be.at.least({})", literal()?),
        "lt" => format!("be.below({})", literal()?),
        "lte" => format!("be.at.most({})", literal()?),
        "contains" => format!("include({})", literal()?),
        "length" => format!("have.lengthOf({})", literal()?),
        "in" => {
            let values = value.trim_start_matches('[').trim_end_matches(']').split(',');
            let values: Option<Vec<_>> = values.map(|value| self::literal(value.trim())).collect();
            format!("be.oneOf({})", Json::from(values?))
        }
        "isDefined" => "exist".to_owned(),
        "isNull" => "be.null".to_owned(),
        "isString" => "be.a(\"string\")".to_owned(),
        "isNumber" => "be.a(\"number\")".to_owned(),
        "isBoolean" => "be.a(\"boolean\")".to_owned(),
        "isArray" => "be.an(\"array\")".to_owned(),
        "neq" | "notIn" | "notContains" | "matches" | "notMatches" | "startsWith" | "endsWith" | "between"
        | "isEmpty" | "isNotEmpty" | "isUndefined" | "isTruthy" | "isFalsy" | "isJson" => return None,
        _ => format!("equal({})", self::literal(text.trim())?),
    })
}

/// A value of an assert: JSON, or text with or without quotes. A variable has no counterpart.
fn literal(text: &str) -> Option<Json> {
    if text.contains("{{") {
        return None;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(Json::from(quoted.unwrap_or(text)))
}

fn converted(script: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let all = NAMES
            .iter()
            .map(|(name, other)| Some((Regex::new(&format!(r"(^|[^\w.$])(?:{name})")).ok()?, *other)));
        all.flatten().collect()
    });
    let mut text = script.to_owned();
    for (pattern, name) in PATTERNS.iter() {
        text = pattern
            .replace_all(&text, |found: &Captures<'_>| format!("{}{name}", &found[1]))
            .into_owned();
    }
    text
}

/// A note with the names of Bruno.
fn restored(note: &str) -> String {
    let names = [
        ("pm.response.json()", "res.body"),
        ("pm.response.code", "res.status"),
        ("pm.response.responseTime", "res.responseTime"),
        ("pm.response.headers.get(", "res.getHeader("),
        ("pm.environment.set(", "bru.setVar("),
        ("pm.expect(", "expect("),
        ("pm.test(", "test("),
    ];
    names
        .iter()
        .fold(note.to_owned(), |text, (name, other)| text.replace(name, other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::bruno::blocks;

    #[test]
    fn asserts_and_tests_are_expectations() {
        let file = blocks::read(
            r#"assert {
  res.status: eq 201
  res.body.name: Ada
  res.body.tags: length 2
  res.body.id: isNumber
  res.body.kind: in a, b
  ~res.body.off: eq 1
  res.headers['content-type']: contains json
  res.responseTime: lt 800
}
vars:post-response {
  token: $res.body.data.token
  @etag: res.headers.etag
}
script:post-response {
  bru.setEnvVar("first", res.getBody().items[0].id);
}
tests {
  test("name", function () {
    const body = res.getBody();
    expect(body.ok).to.be.true;
    expect(res.getStatus()).to.equal(201);
  });
}
"#,
        );
        let script = read(&file.unwrap());
        assert_eq!(script.expect.notes, [""; 0]);
        assert_eq!(script.expect.status, json!(201));
        let body = json!({
            "name": "Ada", "tags": { "$length": 2 }, "id": { "$type": "number" }, "kind": { "$one_of": ["a", "b"] }, "ok": true,
        });
        assert_eq!(script.expect.body, [("json", body)]);
        assert_eq!(
            script.expect.headers,
            [("content-type".to_owned(), json!({ "contains": "json" }))]
        );
        assert_eq!(script.expect.duration.as_deref(), Some("800ms"));
        let sets = [
            ("token".to_owned(), json!("/data/token")),
            ("etag".to_owned(), json!({ "header": "etag" })),
            ("first".to_owned(), json!("/items/0/id")),
        ];
        assert_eq!(script.sets, sets);
    }

    #[test]
    fn everything_else_is_noted_with_its_own_names() {
        let file = "assert {\n  res.body.a: neq 1\n  res.body.b: eq {{x}}\n}\ntests {\n  expect(res.body.n.length).to.equal(res.status + 1);\n}\n";
        let script = read(&blocks::read(file).unwrap());
        let expected = [
            "the test script: res.body.a: neq 1",
            "the test script: res.body.b: eq {{x}}",
            "the test script: expect(res.body.n.length).to.equal(res.status + 1)",
        ];
        assert_eq!(script.expect.notes, expected);
    }
}
