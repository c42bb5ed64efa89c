//! The expected response: captures and asserts that have an exact counterpart.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{
    entry::{HurlEntry, HurlSection},
    lines::HurlBody,
    millis,
};
use crate::import::{DraftExpect, ReadFile, json_tests::JsonTests, names::short};

/// Converts a text with variables, and notes what cannot be converted.
pub(super) type ConvertText<'t> = &'t mut dyn FnMut(&str, &mut Vec<String>) -> String;

/// A capture: its name, its source, and whether Hurl hides it.
pub(super) type HurlCapture = (String, Json, bool);

/// Reads the response of an entry.
pub(super) fn read(entry: &HurlEntry, text: ConvertText<'_>, file: ReadFile<'_>) -> (DraftExpect, Vec<HurlCapture>) {
    let mut reader = AssertReader {
        expect: DraftExpect::default(),
        json: JsonTests::default(),
        text: Map::new(),
        bytes: Map::new(),
        convert: text,
    };
    if let Some(response) = &entry.response {
        match response.status.parse::<u16>() {
            Ok(status) => reader.expect.status = status.into(),
            Err(_) => reader
                .expect
                .notes
                .push("the status `*`: a success is expected".to_owned()),
        }
        if !response.version.is_empty() {
            reader
                .expect
                .notes
                .push(format!("the version HTTP{}", response.version));
        }
        for (name, value) in &response.headers {
            let value = reader.converted(value);
            reader.header(name, "equals", value.into());
        }
        if let Some(body) = &response.body {
            reader.body(body, file);
        }
    }
    let asserts: Vec<_> = entry
        .pairs(&[HurlSection::Asserts])
        .into_iter()
        .map(|(line, _)| line.to_owned())
        .collect();
    for line in asserts {
        if reader.assert(&line).is_none() {
            reader.expect.notes.push(format!("the assert: {}", short(&line)));
        }
    }
    let mut captures = Vec::new();
    for (name, query) in entry.pairs(&[HurlSection::Captures]) {
        match capture(query) {
            Some((source, is_redacted)) => captures.push((name.to_owned(), source, is_redacted)),
            None => reader
                .expect
                .notes
                .push(format!("the capture: {}: {}", short(name), short(query))),
        }
    }
    let AssertReader {
        mut expect,
        json,
        text,
        bytes,
        ..
    } = reader;
    expect.body.extend(json.value.map(|value| ("json", value)));
    if !text.is_empty() {
        expect.body.push(("text", Json::Object(text)));
    }
    if !bytes.is_empty() {
        expect.body.push(("bytes", Json::Object(bytes)));
    }
    (expect, captures)
}

struct AssertReader<'t> {
    expect: DraftExpect,
    json: JsonTests,
    text: Map<String, Json>,
    bytes: Map<String, Json>,
    convert: ConvertText<'t>,
}

impl AssertReader<'_> {
    fn converted(&mut self, text: &str) -> String {
        (self.convert)(text, &mut self.expect.notes)
    }

    /// The content that a response has.
    fn body(&mut self, body: &HurlBody, file: ReadFile<'_>) {
        match body {
            HurlBody::Text(text, Some(kind)) if *kind == crate::import::body::JSON => {
                let text = self.converted(text);
                match serde_json::from_str::<Json>(&text) {
                    Ok(value) => self.expect.body.push(("exact", value)),
                    Err(_) => self
                        .expect
                        .notes
                        .push("the JSON of the response: it has variables outside of texts".to_owned()),
                }
            }
            HurlBody::Text(text, _) if !text.is_empty() => {
                let text = self.converted(text);
                self.text.insert("equals".to_owned(), text.into());
            }
            HurlBody::Text(..) => self.expect.body.push(("empty", true.into())),
            HurlBody::Bytes(bytes) => self.digest(bytes),
            HurlBody::File(name) => match file(name) {
                Ok(bytes) => self.digest(&bytes),
                Err(reason) => self.expect.notes.push(format!("the file `{}`: {reason}", short(name))),
            },
            HurlBody::Graphql(..) => self.expect.notes.push("the content of the response".to_owned()),
        }
    }

    fn digest(&mut self, bytes: &[u8]) {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        self.expect.body.push(("sha256", hex(digest.as_ref()).into()));
    }

    /// Adds a test of a header field, unless it contradicts another.
    fn header(&mut self, name: &str, test: &str, value: Json) -> Option<()> {
        let name = name.to_ascii_lowercase();
        let headers = &mut self.expect.headers;
        let at = headers.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            headers.push((name, json!({})));
            headers.len() - 1
        });
        let tests = headers[at].1.as_object_mut()?;
        if tests.get(test).is_some_and(|known| *known != value) {
            return None;
        }
        tests.insert(test.to_owned(), value);
        Some(())
    }

    /// Reads an assert; `None` if it has no counterpart.
    fn assert(&mut self, line: &str) -> Option<()> {
        let line = self.converted(line);
        let (query, rest) = word(&line)?;
        match query {
            "status" => {
                let (operator, value) = operator(rest)?;
                let code = value.parse::<u16>().ok()?;
                let is_same = self.expect.status == json!("2xx") || self.expect.status == json!(code);
                (operator == "==" && is_same).then(|| self.expect.status = code.into())
            }
            "duration" => {
                let (operator, value) = operator(rest)?;
                let millis = millis(value).filter(|_| matches!(operator, "<" | "<="))?;
                self.expect.duration = Some(format!("{millis}ms"));
                Some(())
            }
            "sha256" => {
                let (operator, value) = operator(rest)?;
                let digits = value.strip_prefix("hex,")?.strip_suffix(';')?.trim();
                let is_digest = operator == "==" && digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit());
                is_digest.then(|| self.expect.body.push(("sha256", digits.to_ascii_lowercase().into())))
            }
            "bytes" => {
                let (operator, value) = operator(rest.strip_prefix("count")?.trim_start())?;
                let count: u64 = value.parse().ok()?;
                let key = match operator {
                    "==" => "$equals",
                    ">" => "$gt",
                    ">=" => "$gte",
                    "<" => "$lt",
                    "<=" => "$lte",
                    _ => return None,
                };
                if key == "$equals" {
                    self.expect.body.push(("bytes", count.into()));
                } else {
                    self.bytes.insert(key.to_owned(), count.into());
                }
                Some(())
            }
            "body" => {
                let (test, value) = text_test(rest)?;
                if self.text.get(test).is_some_and(|known| *known != value) {
                    return None;
                }
                self.text.insert(test.to_owned(), value);
                Some(())
            }
            "header" => {
                let (name, rest) = quoted(rest)?;
                match rest {
                    "exists" => self.header(&name, "present", true.into()),
                    "not exists" => self.header(&name, "absent", true.into()),
                    rest => {
                        let (test, value) = text_test(rest)?;
                        self.header(&name, test, value)
                    }
                }
            }
            "cookie" => self.cookie(rest),
            "jsonpath" => {
                let (path, rest) = quoted(rest)?;
                let path = names_of(&path)?;
                self.json.insert(&path, matcher(rest)?)
            }
            _ => None,
        }
    }

    /// `cookie "sid[HttpOnly]" exists`.
    fn cookie(&mut self, rest: &str) -> Option<()> {
        let (name, rest) = quoted(rest)?;
        let (name, attribute) = match name.split_once('[') {
            Some((name, attribute)) => (name.to_owned(), attribute.strip_suffix(']')?.to_owned()),
            None => (name, String::new()),
        };
        let exists = match rest {
            "exists" => Some(true),
            "not exists" => Some(false),
            _ => None,
        };
        let value = || {
            let (test, value) = text_test(rest)?;
            (test == "equals").then_some(value)
        };
        let (key, value) = match (attribute.to_ascii_lowercase().as_str(), exists) {
            ("" | "value", Some(exists)) => ("present", exists.into()),
            ("" | "value", None) => ("value", value()?),
            ("httponly", Some(exists)) => ("http_only", exists.into()),
            ("secure", Some(exists)) => ("secure", exists.into()),
            ("path", None) => ("path", value()?),
            ("domain", None) => ("domain", value()?),
            ("samesite", None) => ("same_site", value()?.as_str()?.to_ascii_lowercase().into()),
            ("max-age", None) => (
                "max_age",
                operator(rest)
                    .filter(|(operator, _)| *operator == "==")?
                    .1
                    .parse::<u64>()
                    .ok()?
                    .into(),
            ),
            _ => return None,
        };
        let cookies = &mut self.expect.cookies;
        let at = cookies.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            cookies.push((name, json!({})));
            cookies.len() - 1
        });
        cookies[at].1.as_object_mut()?.insert(key.to_owned(), value);
        Some(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first word of a line, and the rest.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim()))
}

/// A comparison and its value.
fn operator(text: &str) -> Option<(&str, &str)> {
    let (operator, value) = word(text)?;
    let operator = match operator {
        "equals" | "equal" => "==",
        "greaterThan" => ">",
        "greaterThanOrEquals" => ">=",
        "lessThan" => "<",
        "lessThanOrEquals" => "<=",
        "notEquals" => "!=",
        other => other,
    };
    (!value.is_empty()).then_some((operator, value))
}

/// A text in quotes, and the rest of the line.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.trim_start().strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some((super::lines::unescaped(&inner[..at]), inner[at + 1..].trim())),
            _ => {}
        }
    }
    None
}

/// The text of a pattern: `/a+/`, or in quotes.
fn pattern(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.trim_start().strip_prefix('/') else {
        return quoted(text);
    };
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '/' => return Some((inner[..at].replace("\\/", "/"), inner[at + 1..].trim())),
            _ => {}
        }
    }
    None
}

/// A whole text in quotes.
fn only_quoted(text: &str) -> Option<String> {
    quoted(text)
        .filter(|(text, rest)| rest.is_empty() && !text.is_empty())
        .map(|(text, _)| text)
}

/// A test of a text: its key in a case, and the value.
fn text_test(rest: &str) -> Option<(&'static str, Json)> {
    let (predicate, value) = operator(rest)?;
    Some(match predicate {
        "==" => ("equals", only_quoted(value)?.into()),
        "contains" | "includes" => ("contains", only_quoted(value)?.into()),
        "startsWith" => ("matches", format!("^{}", regex::escape(&only_quoted(value)?)).into()),
        "endsWith" => ("matches", format!("{}$", regex::escape(&only_quoted(value)?)).into()),
        "matches" => ("matches", pattern(value).filter(|(_, rest)| rest.is_empty())?.0.into()),
        _ => return None,
    })
}

/// A number, a text, a boolean or null.
fn literal(text: &str) -> Option<Json> {
    if let Some((text, rest)) = quoted(text) {
        return rest.is_empty().then(|| text.into());
    }
    let value: Json = serde_json::from_str(text.trim()).ok()?;
    (!value.is_object() && !value.is_array()).then_some(value)
}

/// The matcher for a predicate of a JSON value.
fn matcher(rest: &str) -> Option<Json> {
    if let Some(rest) = rest.strip_prefix("count ") {
        let (operator, value) = operator(rest)?;
        let count: u64 = value.parse().ok()?;
        return Some(match operator {
            "==" => json!({ "$length": count }),
            ">" => json!({ "$length": { "$gt": count } }),
            ">=" => json!({ "$length": { "$gte": count } }),
            "<" => json!({ "$length": { "$lt": count } }),
            "<=" => json!({ "$length": { "$lte": count } }),
            _ => return None,
        });
    }
    Some(match rest {
        "exists" => json!({ "$any": true }),
        "not exists" => json!({ "$any": false }),
        "isString" => json!({ "$type": "string" }),
        "isInteger" => json!({ "$type": "integer" }),
        "isNumber" => json!({ "$type": "number" }),
        "isBoolean" => json!({ "$type": "boolean" }),
        "isList" => json!({ "$type": "array" }),
        "isObject" => json!({ "$type": "object" }),
        "isCollection" => json!({ "$type": ["array", "object"] }),
        "isEmpty" => json!({ "$length": 0 }),
        "not isEmpty" => json!({ "$length": { "$gte": 1 } }),
        _ => {
            let (predicate, value) = operator(rest)?;
            let number = || literal(value).filter(Json::is_number);
            match predicate {
                "==" => literal(value)?,
                "!=" => json!({ "$not": literal(value)? }),
                ">" => json!({ "$gt": number()? }),
                ">=" => json!({ "$gte": number()? }),
                "<" => json!({ "$lt": number()? }),
                "<=" => json!({ "$lte": number()? }),
                "contains" | "includes" => json!({ "$contains": literal(value).filter(|value| *value != json!(""))? }),
                "startsWith" => json!({ "$matches": format!("^{}", regex::escape(&only_quoted(value)?)) }),
                "endsWith" => json!({ "$matches": format!("{}$", regex::escape(&only_quoted(value)?)) }),
                "matches" => json!({ "$matches": pattern(value).filter(|(_, rest)| rest.is_empty())?.0 }),
                _ => return None,
            }
        }
    })
}

/// The names of a `JSONPath` without wildcards, filters and indexes.
fn names_of(path: &str) -> Option<Vec<String>> {
    let mut rest = path.strip_prefix('$')?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("['") {
            let (name, after) = inner.split_once("']")?;
            names.push(name.to_owned());
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('.')?;
        let end = inner.find(['.', '[']).unwrap_or(inner.len());
        let name = &inner[..end];
        if name.is_empty() || name.contains(['*', '?', '@', ' ']) {
            return None;
        }
        names.push(name.to_owned());
        rest = &inner[end..];
    }
    Some(names)
}

/// The source of a capture, and whether Hurl hides its value.
fn capture(query: &str) -> Option<(Json, bool)> {
    let (query, is_redacted) = match query.trim().strip_suffix("redact") {
        Some(query) => (query.trim(), true),
        None => (query.trim(), false),
    };
    let (kind, rest) = word(query)?;
    let source = match kind {
        "jsonpath" => {
            let (path, rest) = quoted(rest)?;
            rest.is_empty().then(|| Json::from(path))?
        }
        "header" => {
            let (name, rest) = quoted(rest)?;
            let name = name.to_ascii_lowercase();
            match rest.strip_prefix("regex") {
                Some(rest) => {
                    let (pattern, rest) = pattern(rest)?;
                    rest.is_empty().then(|| json!({ "header": name, "matches": pattern }))?
                }
                None => rest.is_empty().then(|| json!({ "header": name }))?,
            }
        }
        "cookie" => {
            let (name, rest) = quoted(rest)?;
            (rest.is_empty() && !name.contains('[')).then(|| json!({ "cookie": name }))?
        }
        "regex" => {
            let (pattern, rest) = pattern(rest)?;
            rest.is_empty().then(|| json!({ "text": pattern }))?
        }
        "body" => {
            let (pattern, rest) = pattern(rest.strip_prefix("regex")?)?;
            rest.is_empty().then(|| json!({ "text": pattern }))?
        }
        _ => return None,
    };
    Some((source, is_redacted))
}
