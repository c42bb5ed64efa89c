//! Test scripts: statements that have an exact counterpart become expectations and captures.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value as Json, json};

use crate::import::{DraftExpect, json_tests::JsonTests, names::short};

/// What a script checks and sets.
#[derive(Default)]
pub(in crate::import) struct TestScript {
    pub(in crate::import) expect: DraftExpect,
    /// Variables, each with the source of its value as in a capture.
    pub(in crate::import) sets: Vec<(String, Json)>,
    /// Whether it checks the status.
    pub(in crate::import) has_status: bool,
}

/// A regular expression of this file.
fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

macro_rules! pattern {
    ($text:expr) => {{
        static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex($text));
        PATTERN.as_ref()
    }};
}

/// The groups of a match of the whole text.
fn groups<'t>(pattern: Option<&Regex>, text: &'t str) -> Option<Vec<&'t str>> {
    let found = pattern?.captures(text)?;
    let all = found.iter().skip(1);
    Some(all.map(|group| group.map_or("", |group| group.as_str())).collect())
}

/// Whether a script does nothing.
pub(super) fn is_empty(script: &str) -> bool {
    statements(script).is_empty()
}

/// Reads a script.
pub(in crate::import) fn read(script: &str) -> TestScript {
    let mut reader = ScriptReader::default();
    for statement in statements(script) {
        if reader.statement(&statement).is_none() {
            let note = format!("the test script: {}", short(&statement));
            reader.script.expect.notes.push(note);
        }
    }
    if let Some(body) = reader.json.value {
        reader.script.expect.body.push(("json", body));
    }
    if !reader.text.is_empty() {
        reader.script.expect.body.push(("text", Json::Object(reader.text)));
    }
    reader.script
}

#[derive(Default)]
struct ScriptReader {
    script: TestScript,
    /// Names of variables that contain a part of the body.
    aliases: HashMap<String, Vec<String>>,
    json: JsonTests,
    text: Map<String, Json>,
}

impl ScriptReader {
    /// Reads a statement; `None` if it has no counterpart.
    fn statement(&mut self, text: &str) -> Option<()> {
        if let Some(found) = groups(pattern!(r"^(?:let|const|var)\s+(\w+)\s*=\s*(.+)$"), text) {
            let path = self.path(found[1])?;
            self.aliases.insert(found[0].to_owned(), path);
            return Some(());
        }
        let set = pattern!(
            r"^(?:pm\.(?:environment|collectionVariables|globals|variables)\.set|postman\.set(?:Environment|Global)Variable)\(\s*(.+?)\s*,\s*(.+?)\s*\)$"
        );
        if let Some(found) = groups(set, text) {
            let name = literal(found[0])?.as_str()?.to_owned();
            let source = self.source(found[1])?;
            self.script.sets.push((name, source));
            return Some(());
        }
        if let Some(found) = groups(pattern!(r"^pm\.response\.to\.have\.status\((.+)\)$"), text) {
            return self.status(literal(found[0])?);
        }
        if let Some(found) = groups(pattern!(r"^pm\.response\.to\.be\.(\w+)$"), text) {
            return match found[0] {
                "ok" | "success" => self.status("2xx".into()),
                "redirection" => self.status("3xx".into()),
                "clientError" => self.status("4xx".into()),
                "serverError" => self.status("5xx".into()),
                "accepted" => self.status(202.into()),
                "badRequest" => self.status(400.into()),
                "unauthorized" => self.status(401.into()),
                "forbidden" => self.status(403.into()),
                "notFound" => self.status(404.into()),
                "rateLimited" => self.status(429.into()),
                "json" => self.header("content-type", json!({ "contains": "application/json" })),
                _ => None,
            };
        }
        if let Some(found) = groups(
            pattern!(r"^pm\.response\.to\.have\.header\(\s*([^,]+?)\s*(?:,\s*(.+?)\s*)?\)$"),
            text,
        ) {
            let name = literal(found[0])?.as_str()?.to_owned();
            let value = if found[1].is_empty() {
                json!({ "present": true })
            } else {
                json!({ "equals": literal(found[1])?.as_str()? })
            };
            return self.header(&name, value);
        }
        if let Some(found) = groups(pattern!(r"^pm\.response\.to\.have\.body\((.+)\)$"), text) {
            let value = literal(found[0])?;
            value.as_str()?;
            return self.text_test("equals", value);
        }
        let found = groups(
            pattern!(
                r"^pm\.expect\(\s*(.+?)\s*(?:,\s*(?:'[^']*'|\x22[^\x22]*\x22)\s*)?\)\.to\.([\w.]+?)(?:\((.*)\))?$"
            ),
            text,
        )?;
        self.expectation(found[0], found[1], found[2])
    }

    /// `pm.expect(subject).to.chain(argument)`.
    fn expectation(&mut self, subject: &str, chain: &str, argument: &str) -> Option<()> {
        const EQUALS: [&str; 8] = [
            "equal",
            "equals",
            "eql",
            "eq",
            "be.equal",
            "be.eql",
            "deep.equal",
            "deep.eql",
        ];
        let is_equal = EQUALS.contains(&chain);
        match subject {
            "pm.response.code" => {
                let value = literal(argument)?;
                return match chain {
                    "be.oneOf" if value.is_array() => self.status(value),
                    _ if is_equal && value.is_u64() => self.status(value),
                    _ => None,
                };
            }
            "pm.response.responseTime" if matches!(chain, "be.below" | "be.lessThan" | "be.at.most" | "be.lte") => {
                let millis = literal(argument)?.as_u64()?;
                self.script.expect.duration = Some(format!("{millis}ms"));
                return Some(());
            }
            "pm.response.text()" | "responseBody" => {
                let value = literal(argument)?;
                value.as_str().filter(|text| !text.is_empty())?;
                return match chain {
                    "include" | "contain" | "includes" | "contains" => self.text_test("contains", value),
                    _ if is_equal => self.text_test("equals", value),
                    _ => None,
                };
            }
            _ => {}
        }
        if let Some(found) = groups(pattern!(r"^pm\.response\.headers\.get\((.+)\)$"), subject) {
            let name = literal(found[0])?.as_str()?.to_owned();
            let value = match chain {
                "exist" => json!({ "present": true }),
                "include" | "contain" => {
                    json!({ "contains": literal(argument)?.as_str().filter(|text| !text.is_empty())? })
                }
                _ if is_equal => json!({ "equals": literal(argument)?.as_str()? }),
                _ => return None,
            };
            return self.header(&name, value);
        }
        let path = self.path(subject)?;
        let kind = |name: &str| match name {
            "string" | "number" | "boolean" | "object" | "array" | "null" => Some(json!({ "$type": name })),
            _ => None,
        };
        let matcher = match chain {
            "be.true" => Json::Bool(true),
            "be.false" => Json::Bool(false),
            "be.null" => json!({ "$type": "null" }),
            "exist" | "not.be.undefined" => json!({ "$any": true }),
            "be.a" | "be.an" => kind(literal(argument)?.as_str()?)?,
            "have.lengthOf" | "have.length" => json!({ "$length": literal(argument)?.as_u64()? }),
            "be.above" | "be.greaterThan" => json!({ "$gt": number(argument)? }),
            "be.below" | "be.lessThan" => json!({ "$lt": number(argument)? }),
            "be.at.least" | "be.gte" => json!({ "$gte": number(argument)? }),
            "be.at.most" | "be.lte" => json!({ "$lte": number(argument)? }),
            "be.oneOf" => json!({ "$one_of": literal(argument)?.as_array().filter(|all| !all.is_empty())? }),
            "include" | "contain" if literal(argument)?.as_str().is_some_and(|text| !text.is_empty()) => {
                json!({ "$contains": literal(argument)? })
            }
            "have.property" | "have.own.property" => return self.property(path, argument),
            _ if is_equal => match literal(argument)? {
                value @ (Json::Object(_) | Json::Array(_)) => json!({ "$equals": value }),
                value => value,
            },
            _ => return None,
        };
        self.json.insert(&path, matcher)
    }

    /// `have.property("a")`, or with a value.
    fn property(&mut self, mut path: Vec<String>, argument: &str) -> Option<()> {
        let all = literal(&format!("[{argument}]"))?;
        let mut all = all.as_array()?.iter();
        path.push(all.next()?.as_str()?.to_owned());
        let value = all.next().cloned().unwrap_or_else(|| json!({ "$any": true }));
        if all.next().is_some() || value.is_array() || (value.is_object() && value.get("$any").is_none()) {
            return None;
        }
        self.json.insert(&path, value)
    }

    fn status(&mut self, value: Json) -> Option<()> {
        let is_one = value.is_u64() || value.as_str().is_some_and(|text| text.ends_with("xx"));
        let is_list = value
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(Json::is_u64));
        if self.script.has_status && self.script.expect.status != value || !(is_one || is_list) {
            return None;
        }
        self.script.has_status = true;
        self.script.expect.status = value;
        Some(())
    }

    fn header(&mut self, name: &str, value: Json) -> Option<()> {
        let headers = &mut self.script.expect.headers;
        let name = name.to_ascii_lowercase();
        if headers.iter().any(|(known, other)| *known == name && *other != value) {
            return None;
        }
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value));
        Some(())
    }

    fn text_test(&mut self, test: &str, value: Json) -> Option<()> {
        if self.text.get(test).is_some_and(|known| *known != value) {
            return None;
        }
        self.text.insert(test.to_owned(), value);
        Some(())
    }

    /// The source of a value that a script sets.
    fn source(&self, text: &str) -> Option<Json> {
        if let Some(found) = groups(pattern!(r"^pm\.response\.headers\.get\((.+)\)$"), text) {
            return Some(json!({ "header": literal(found[0])?.as_str()?.to_ascii_lowercase() }));
        }
        if let Some(found) = groups(pattern!(r"^pm\.cookies\.get\((.+)\)$"), text) {
            return Some(json!({ "cookie": literal(found[0])?.as_str()? }));
        }
        let path = self.path(text)?;
        let tokens = path
            .iter()
            .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        Some(Json::from(tokens.collect::<String>()))
    }

    /// The names of an expression such as `jsonData.items[0].id`.
    fn path(&self, text: &str) -> Option<Vec<String>> {
        let body = ["pm.response.json()", "JSON.parse(responseBody)"];
        let whole = body.iter().find_map(|body| text.strip_prefix(body));
        let (mut path, mut rest) = if let Some(rest) = whole {
            (Vec::new(), rest)
        } else {
            let end = text
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(text.len());
            (self.aliases.get(&text[..end])?.clone(), &text[end..])
        };
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (index, after) = inner.split_once(']')?;
                path.push(match literal(index.trim())? {
                    Json::String(name) => name,
                    Json::Number(number) if number.is_u64() => number.to_string(),
                    _ => return None,
                });
                rest = after;
                continue;
            }
            let inner = rest.strip_prefix("?.").or(rest.strip_prefix('.'))?;
            let end = inner
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(inner.len());
            let name = &inner[..end];
            // `length` is not a property of the JSON.
            if name.is_empty() || name == "length" || inner[end..].starts_with('(') {
                return None;
            }
            path.push(name.to_owned());
            rest = &inner[end..];
        }
        Some(path)
    }
}

fn number(text: &str) -> Option<Json> {
    literal(text).filter(Json::is_number)
}

/// A literal of JavaScript that is JSON with other quotes.
fn literal(text: &str) -> Option<Json> {
    let text = text.trim();
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '`' => {
                out.push('"');
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '"' => out.push_str("\\\""),
                        '\\' => match chars.next()? {
                            quote @ ('\'' | '`') => out.push(quote),
                            other => out.extend(['\\', other]),
                        },
                        // A template with expressions.
                        '$' if c == '`' => return None,
                        other => out.push(other),
                    }
                }
                out.push('"');
            }
            '"' => {
                out.push('"');
                loop {
                    let next = chars.next()?;
                    out.push(next);
                    match next {
                        '"' => break,
                        '\\' => out.push(chars.next()?),
                        _ => {}
                    }
                }
            }
            other => out.push(other),
        }
    }
    serde_json::from_str(&out).ok()
}

/// The statements of a script without comments, in which those of `pm.test` are on the top level.
fn statements(script: &str) -> Vec<String> {
    let header = pattern!(
        r#"^pm\.test\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)\s*,\s*(?:async\s+)?(?:function\s*\w*\s*\([^)]*\)|\([^)]*\)\s*=>|\w+\s*=>)\s*(\{)?"#
    );
    let text = without_comments(script);
    let mut found = Vec::new();
    let mut current = String::new();
    let mut depth = 0_usize;
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let is_start = depth == 0 && current.trim().is_empty();
        if is_start
            && rest.starts_with("pm.test(")
            && let Some(head) = header.and_then(|header| header.find(rest))
        {
            rest = &rest[head.end()..];
            current.clear();
            continue;
        }
        let length = match c {
            '"' | '\'' | '`' => quoted(rest),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match c {
            '{' | '(' | '[' => depth += 1,
            // The end of `pm.test` was not opened here.
            '}' | ')' | ']' if depth == 0 => {
                end(&mut current, &mut found);
                continue;
            }
            '}' | ')' | ']' => depth -= 1,
            ';' | '\n' if depth == 0 => {
                // A chain goes on in the next line.
                let goes_on = c == '\n' && rest.trim_start().starts_with('.');
                if !goes_on {
                    end(&mut current, &mut found);
                }
                continue;
            }
            _ => {}
        }
        if c.is_whitespace() && rest.trim_start().starts_with('.') {
            continue;
        }
        if !(c.is_whitespace() && (depth > 0 || current.ends_with(' '))) || token.len() > 1 {
            current.push_str(if c.is_whitespace() { " " } else { token });
        } else if depth > 0 && !current.ends_with(' ') {
            current.push(' ');
        }
    }
    end(&mut current, &mut found);
    found
}

fn end(current: &mut String, found: &mut Vec<String>) {
    let text = current.trim();
    if text.chars().any(char::is_alphanumeric) {
        found.push(text.to_owned());
    }
    current.clear();
}

/// The length of a string of JavaScript with its quotes.
fn quoted(text: &str) -> usize {
    let quote = text.chars().next();
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if Some(c) == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn without_comments(script: &str) -> String {
    let mut out = String::new();
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' | '`' => quoted(rest),
            _ if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            _ if rest.starts_with("/*") => {
                rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
                continue;
            }
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        out.push_str(token);
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_tests_are_expectations() {
        let script = read(
            r#"
// a comment with pm.expect(1)
pm.test("Status code is 200", function () {
    pm.response.to.have.status(200);
});
pm.test('Name; with "quotes"', () => {
    const jsonData = pm.response.json();
    pm.expect(jsonData.name).to.eql('Ada');
    pm.expect(jsonData.tags).to.be.an("array");
    pm.expect(jsonData.tags).to.have.lengthOf(2)
    pm.expect(jsonData).to.have.property("id");
    pm.expect(jsonData["a b"].c).to.be.above(3);
    pm.expect(jsonData.ok)
        .to.be.true;
});
pm.test("fast", () => pm.expect(pm.response.responseTime).to.be.below(200));
pm.test("header", function () { pm.response.to.have.header("Content-Type", 'application/json'); pm.expect(pm.response.headers.get('X-Id')).to.exist });
pm.test("text", () => { pm.expect(pm.response.text()).to.include("hello"); });
pm.environment.set("token", pm.response.json().data.token);
pm.collectionVariables.set('first', jsonData.items[0].id);
pm.globals.set("etag", pm.response.headers.get("ETag"));
"#,
        );
        assert_eq!(script.expect.notes, [""; 0]);
        assert_eq!(script.expect.status, json!(200));
        let body = json!({
            "name": "Ada", "tags": { "$type": "array", "$length": 2 }, "id": { "$any": true },
            "a b": { "c": { "$gt": 3 } }, "ok": true,
        });
        assert_eq!(
            script.expect.body,
            [("json", body), ("text", json!({ "contains": "hello" }))]
        );
        assert_eq!(script.expect.duration.as_deref(), Some("200ms"));
        let headers = [
            ("content-type".to_owned(), json!({ "equals": "application/json" })),
            ("x-id".to_owned(), json!({ "present": true })),
        ];
        assert_eq!(script.expect.headers, headers);
        let sets = [
            ("token".to_owned(), json!("/data/token")),
            ("first".to_owned(), json!("/items/0/id")),
            ("etag".to_owned(), json!({ "header": "etag" })),
        ];
        assert_eq!(script.sets, sets);
    }

    #[test]
    fn everything_else_is_noted() {
        for (text, noted) in [
            (
                "if (pm.response.code === 200) { pm.environment.set('a', pm.response.json().a); }",
                true,
            ),
            ("pm.expect(pm.response.code).to.be.oneOf([200, 201])", false),
            ("pm.expect(pm.response.json().items[0].id).to.eql(1)", true),
            ("pm.response.to.have.status(200); pm.response.to.have.status(201)", true),
            ("pm.environment.set('a', 'b' + pm.response.json().a)", true),
            ("pm.environment.set('a', `${x}`)", true),
            (
                "pm.test('x', function () { for (const a of b) { pm.expect(a).to.eql(1); } })",
                true,
            ),
            ("pm.expect(pm.response.json().n.length).to.eql(1)", true),
            ("console.log('x')", true),
            ("let x = 1 + 2", true),
            ("pm.test('unfinished", true),
            ("pm.response.to.be.ok", false),
            ("", false),
        ] {
            let script = read(text);
            assert_eq!(
                !script.expect.notes.is_empty(),
                noted,
                "{text}: {:?}",
                script.expect.notes
            );
        }
        assert!(is_empty("// only a comment\n\n/* and more */"));
    }
}
