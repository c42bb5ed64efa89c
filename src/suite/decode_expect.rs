//! Decodes nodes to definitions: the expectations.

use std::collections::BTreeSet;

use super::{
    decode::{DecodeContext, check_header},
    decode_body::{events, lines, xml},
    decode_content::file_bytes,
    decode_cookie::cookies,
    decode_pattern::{exact, length, pattern},
    def::{BodyDef, BodyFile, ExpectDef, HeaderDef, StatusDef, TextTestDef, Written},
    template::Template,
};
use crate::{
    check::{Protocol, RULES, StatusItem, StatusSet, is_forbidden_trailer},
    model::Level,
    schema::SchemaError,
    source::{Diagnostic, Fields, Kind, Node, Span, boolean, integer},
};

pub(super) fn expect(node: &Node, cx: &mut DecodeContext<'_>) -> ExpectDef {
    let Some(mut fields) = Fields::of(node, "expectations", cx.errors) else {
        return ExpectDef::default();
    };
    let def = ExpectDef {
        status: fields.take("status").and_then(|node| status(node, cx)),
        headers: fields.take("headers").map(|node| headers(node, cx)).unwrap_or_default(),
        cookies: fields.take("cookies").map(|node| cookies(node, cx)).unwrap_or_default(),
        body: fields.take("body").map(|node| body(node, cx)).unwrap_or_default(),
        duration: fields
            .take("duration")
            .and_then(|node| written(node, cx.duration(node))),
        trailers: fields
            .take("trailers")
            .map(|node| trailers(node, cx))
            .unwrap_or_default(),
        events: fields.take("events").and_then(|node| events(node, cx)).map(Box::new),
        protocol: fields.take("protocol").and_then(|node| protocol(node, cx)),
        same_as: fields.take("same_as").and_then(|node| written(node, cx.string(node))),
        snapshot: fields
            .take("snapshot")
            .and_then(|node| written(node, boolean(node, cx.errors))),
        tls: fields.take("tls").and_then(|tls| refused(tls, node, cx)),
        rules: fields.take("rules").map(|node| rules(node, cx)).unwrap_or_default(),
    };
    fields.finish(cx.errors);
    def
}

/// `tls: refused`: there is no response of which anything else can be expected.
fn refused(node: &Node, expect: &Node, cx: &mut DecodeContext<'_>) -> Option<Span> {
    let text = cx.string(node)?;
    if text != "refused" {
        let error = Diagnostic::new(node.span, format!("`{text}` cannot be expected of TLS"));
        cx.error(error.suggest(&text, ["refused"]));
        return None;
    }
    let mut others = expect
        .entries()
        .iter()
        .filter(|(key, value)| &*key.text != "tls" && !value.is_null());
    if let Some((key, _)) = others.next() {
        let message = format!(
            "`{}` is never checked: with `tls: refused` there is no response",
            key.text
        );
        cx.error(Diagnostic::new(key.span, message).help("remove one of them"));
    }
    Some(node.span)
}

pub(super) fn written<T>(node: &Node, value: Option<T>) -> Option<Written<T>> {
    value.map(|value| Written { value, span: node.span })
}

fn protocol(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<Protocol>> {
    let text = cx.string(node)?;
    let known = Protocol::NAMES.into_iter().find(|(name, _)| *name == text);
    if known.is_none() {
        let error = Diagnostic::new(node.span, format!("`{text}` is not a version of HTTP"));
        cx.error(error.suggest(&text, Protocol::NAMES.map(|(name, _)| name)));
    }
    written(node, known.map(|(_, protocol)| protocol))
}

fn status(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<StatusDef>> {
    let nodes = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let (mut items, mut variables) = (Vec::new(), Vec::new());
    let before = cx.errors.len();
    for node in nodes {
        match &node.kind {
            Kind::String(text) if text.contains("{{") => variables.extend(cx.template(node)),
            Kind::String(text) => {
                if let Some(class) = status_class(text) {
                    items.push(class);
                    continue;
                }
                let help = if text.parse::<u16>().is_ok() {
                    "write the code without quotes"
                } else {
                    "write a code such as `404`, a class such as `4xx`, or a variable: \"{{ name }}\""
                };
                cx.error(Diagnostic::new(node.span, format!("`{text}` is not a status")).help(help));
            }
            _ => {
                let code = integer(node, 100, 599, cx.errors).and_then(|code| u16::try_from(code).ok());
                items.extend(code.map(StatusItem::Code));
            }
        }
    }
    if cx.errors.len() > before {
        return None;
    }
    if nodes.is_empty() {
        cx.error(Diagnostic::new(node.span, "an empty list accepts no status at all"));
    }
    let set = StatusSet(items);
    if set.accepts_all() {
        cx.error(every_status(node.span));
    }
    let def = if variables.is_empty() {
        StatusDef::Fixed(set)
    } else {
        StatusDef::Variable(variables, set)
    };
    written(node, Some(def))
}

/// `4xx`.
fn status_class(text: &str) -> Option<StatusItem> {
    match text.as_bytes() {
        [class @ b'1'..=b'5', b'x', b'x'] => Some(StatusItem::Class(u16::from(class - b'0'))),
        _ => None,
    }
}

/// The status that a variable gives: a number, or its text, or a class.
pub(crate) fn status_item(value: &serde_json::Value) -> Option<StatusItem> {
    let code = match value {
        serde_json::Value::Number(number) => number.as_u64()?,
        serde_json::Value::String(text) => match status_class(text) {
            Some(class) => return Some(class),
            None if text.len() == 3 => text.parse().ok()?,
            None => return None,
        },
        _ => return None,
    };
    let code = u16::try_from(code).ok().filter(|code| (100..=599).contains(code));
    code.map(StatusItem::Code)
}

/// A set of every status.
pub(crate) fn every_status(span: Span) -> Diagnostic {
    Diagnostic::new(span, "this accepts every status, so nothing is tested")
        .help("name the statuses that the API may respond with")
}

fn headers(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Written<HeaderDef>)> {
    let mut seen = BTreeSet::new();
    cx.entries(node, "a mapping of header fields", |cx, key, value| {
        check_header(key, &mut seen, cx);
        let def = header(value, cx)?;
        Some((key.text.to_ascii_lowercase(), written(value, Some(def))?))
    })
}

/// Trailer fields. A field that must not be sent as a trailer is an error.
fn trailers(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Written<HeaderDef>)> {
    for (key, value) in node.entries() {
        let is_absent = value.get("absent").is_some() || value.get("present").is_some();
        if is_forbidden_trailer(&key.text) && !is_absent {
            let error = Diagnostic::new(key.span, format!("`{}` cannot be a trailer field", key.text));
            cx.error(error.help("expect it in `headers` (RFC 9110 §6.5.1)"));
        }
    }
    headers(node, cx)
}

fn header(node: &Node, cx: &mut DecodeContext<'_>) -> Option<HeaderDef> {
    if !matches!(node.kind, Kind::Map(_)) {
        return cx
            .template(node)
            .map(|text| HeaderDef::Value(vec![TextTestDef::Equals(text)]));
    }
    let before = cx.errors.len();
    let mut fields = Fields::of(node, "tests of a header", cx.errors)?;
    let present = fields.read("present", cx.errors, boolean);
    let absent = fields.read("absent", cx.errors, boolean);
    let tests = text_tests(&mut fields, cx);
    fields.finish(cx.errors);
    let is_absent = match (present, absent) {
        (Some(present), Some(absent)) if present == absent => {
            cx.error(Diagnostic::new(node.span, "a header cannot be both present and absent"));
            return None;
        }
        (Some(present), _) => !present,
        (None, absent) => absent.unwrap_or_default(),
    };
    match (is_absent, tests.is_empty()) {
        (true, true) => Some(HeaderDef::Absent),
        (true, false) => {
            cx.error(Diagnostic::new(node.span, "an absent header has no value to test"));
            None
        }
        (false, false) => Some(HeaderDef::Value(tests)),
        (false, true) if present.is_some() || absent.is_some() => Some(HeaderDef::Present),
        // A test that could not be read has been reported, and is not counted as missing.
        (false, true) => {
            if cx.errors.len() == before {
                cx.error(Diagnostic::new(node.span, "nothing is tested here"));
            }
            None
        }
    }
}

fn text_tests(fields: &mut Fields<'_>, cx: &mut DecodeContext<'_>) -> Vec<TextTestDef> {
    let mut tests = Vec::new();
    let equals = fields.take("equals").and_then(|node| cx.template(node));
    tests.extend(equals.map(TextTestDef::Equals));
    let matches = fields.take("matches").and_then(|node| pattern_text(node, cx));
    tests.extend(matches.map(TextTestDef::Matches));
    let contains = fields.take("contains").and_then(|node| {
        let text = cx.template(node)?;
        if text.as_constant() == Some("") {
            cx.error(contains_nothing(node.span));
            return None;
        }
        Some(text)
    });
    tests.extend(contains.map(TextTestDef::Contains));
    let one_of = fields.take("one_of").and_then(|node| {
        let all = cx.templates(node)?;
        if all.is_empty() {
            cx.error(Diagnostic::new(node.span, "an empty list accepts no text at all"));
        }
        Some(all)
    });
    tests.extend(one_of.map(TextTestDef::OneOf));
    let within = fields.take("within").and_then(|node| cx.duration(node));
    tests.extend(within.map(TextTestDef::Within));
    tests
}

/// A regular expression; one without variables is compiled immediately.
pub(super) fn pattern_text(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Template> {
    let template = cx.template(node)?;
    let tried = match template.as_constant() {
        Some(text) => text.to_owned(),
        None => template
            .parts
            .iter()
            .map(|part| match part {
                super::TemplatePart::Text(text) => text.as_str(),
                super::TemplatePart::Variable(..) => "x",
            })
            .collect(),
    };
    match crate::text::regex(&tried) {
        Err(reason) => {
            cx.error(Diagnostic::new(node.span, reason));
            None
        }
        Ok(pattern) if template.as_constant().is_some() && crate::text::matches_every_text(&pattern) => {
            cx.error(matches_everything(node.span));
            None
        }
        Ok(_) => Some(template),
    }
}

/// A pattern that is found in every text.
pub(crate) fn matches_everything(span: Span) -> Diagnostic {
    Diagnostic::new(span, "this pattern matches every text, so nothing is tested")
        .help("anchor it (`^...$`) and require at least one character, or remove the test")
}

/// A text that every text contains.
pub(crate) fn contains_nothing(span: Span) -> Diagnostic {
    Diagnostic::new(span, "every text contains the empty text, so nothing is tested")
        .help("write the text that must be there, or remove the test")
}

fn body(node: &Node, cx: &mut DecodeContext<'_>) -> BodyDef {
    let Some(mut fields) = Fields::of(node, "expectations of a body", cx.errors) else {
        return BodyDef::default();
    };
    let _ = (fields.take("json"), fields.take("exact"));
    let def = BodyDef {
        sha256: fields.take("sha256").and_then(|node| {
            let value = sha256(node, cx);
            written(node, value).map(Box::new)
        }),
        bytes: fields.take("bytes").and_then(|node| {
            let value = length(node, cx);
            written(node, value).map(Box::new)
        }),
        file: fields.take("file").and_then(|node| {
            let bytes = file_bytes(node, cx)?;
            let name = cx.string(node)?;
            written(node, Some(BodyFile { name, bytes })).map(Box::new)
        }),
        empty: fields
            .take("empty")
            .and_then(|node| written(node, boolean(node, cx.errors))),
        schema: fields.take("schema").and_then(|node| schema(node, cx)),
        // `null` is a value here.
        json: node.get("json").and_then(|node| pattern(node, cx)),
        exact: node.get("exact").and_then(|node| {
            let value = exact(node, cx);
            written(node, value)
        }),
        xml: fields.take("xml").and_then(|node| xml(node, cx)).map(Box::new),
        lines: fields.take("lines").and_then(|node| lines(node, cx)).map(Box::new),
        text: fields.take("text").and_then(|node| {
            let tests = text(node, cx);
            written(node, tests)
        }),
    };
    fields.finish(cx.errors);
    let others = def.schema.is_some()
        || def.json.is_some()
        || def.exact.is_some()
        || def.text.is_some()
        || def.xml.is_some()
        || def.lines.is_some()
        || def.sha256.is_some()
        || def.bytes.is_some()
        || def.file.is_some();
    if let Some(empty) = &def.empty
        && empty.value
        && others
    {
        cx.error(
            Diagnostic::new(empty.span, "a body cannot be both empty and not empty")
                .help("take an inherited `empty` away with `empty: null`"),
        );
    }
    def
}

/// A text, or tests of it.
pub(super) fn text(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Vec<TextTestDef>> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some(vec![TextTestDef::Equals(cx.template(node)?)]);
    }
    let before = cx.errors.len();
    let mut fields = Fields::of(node, "tests of a text", cx.errors)?;
    let tests = text_tests(&mut fields, cx);
    fields.finish(cx.errors);
    if tests.is_empty() && cx.errors.len() == before {
        cx.error(Diagnostic::new(node.span, "nothing is tested here"));
    }
    Some(tests)
}

/// A SHA-256 digest.
fn sha256(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Template> {
    let text = cx.template(node)?;
    if text.as_constant().is_some_and(|text| !is_sha256(text)) {
        cx.error(wrong_sha256(node.span));
        return None;
    }
    Some(text)
}

/// Whether a text is a SHA-256 digest in hexadecimal digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A text that is not a SHA-256 digest.
pub(crate) fn wrong_sha256(span: Span) -> Diagnostic {
    Diagnostic::new(span, "a SHA-256 digest has 64 hexadecimal digits").help("`sha256sum FILE` prints it")
}

pub(super) fn schema(
    node: &Node,
    cx: &mut DecodeContext<'_>,
) -> Option<Written<std::sync::Arc<crate::schema::Schema>>> {
    let reference = cx.string(node)?;
    match cx.schemas.get(&reference) {
        Ok(schema) => written(node, Some(schema)),
        Err(SchemaError::Broken { errors, .. }) => {
            // They point to lines of the schema; each is reported once even if many cases use it.
            for error in errors {
                cx.error(error);
            }
            None
        }
        Err(error) => {
            let mut diagnostic = Diagnostic::new(node.span, error.to_string());
            match error {
                SchemaError::Missing { file, known, .. } => {
                    diagnostic = diagnostic.suggest(&file, known.iter().map(String::as_str));
                }
                SchemaError::Useless { help: Some(help), .. } => diagnostic = diagnostic.help(help),
                _ => {}
            }
            cx.error(diagnostic);
            None
        }
    }
}

fn rules(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, Level)> {
    cx.entries(node, "a mapping from rules to levels", |cx, key, value| {
        if !RULES.iter().any(|info| *info.id == *key.text) {
            let error = Diagnostic::new(key.span, format!("no built-in rule `{}`", key.text))
                .suggest(&key.text, RULES.iter().map(|info| info.id));
            cx.error(error);
            return None;
        }
        let level = cx.string(value)?;
        let known = Level::NAMES.iter().find(|(name, _)| *name == level);
        if known.is_none() {
            let error = Diagnostic::new(value.span, format!("`{level}` is not a level"))
                .suggest(&level, Level::NAMES.iter().map(|(name, _)| *name));
            cx.error(error);
        }
        Some((key.text.to_string(), known?.1))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variable_gives_a_status_as_number_text_or_class() {
        assert_eq!(status_item(&json!(404)), Some(StatusItem::Code(404)));
        assert_eq!(status_item(&json!("404")), Some(StatusItem::Code(404)));
        assert_eq!(status_item(&json!("4xx")), Some(StatusItem::Class(4)));
        for wrong in [
            json!(99),
            json!(600),
            json!(200.5),
            json!("6xx"),
            json!("+40"),
            json!(""),
            json!(null),
            json!(true),
        ] {
            assert_eq!(status_item(&wrong), None, "{wrong}");
        }
    }
}
