//! `body/xml`: an XML body, and the texts of its nodes.

use std::collections::HashSet;

use roxmltree::{Document, ParsingOptions};
use serde_json::{Number, Value};

use super::{Finding, Matcher, Pattern, PatternKind, ResponseView, pattern, sink::FindingSink, xml_path::XmlPath};
use crate::{
    json::{JsonType, show},
    model::{CheckId, Location},
};

/// Maximum number of nodes of a document.
const MAX_NODES: u32 = 2_000_000;
/// Maximum nesting of elements, number of attributes of an element, and number of different namespace declarations. They
/// bound the time and memory of the parser.
const MAX_DEPTH: usize = 256;
const MAX_ATTRIBUTES: usize = 256;
const MAX_NAMESPACES: usize = 100;

/// An expectation of an XML body.
#[derive(Clone, Debug)]
pub struct XmlExpectation {
    /// Paths and what is expected there.
    pub tests: Vec<(XmlPath, Pattern)>,
}

/// Parses a document. Without a document type declaration there are no entities to expand.
pub(super) fn document(text: &str) -> Result<Document<'_>, String> {
    limits(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "it has a document type declaration, which is not read".to_owned(),
        error => error.to_string(),
    })
}

/// Rejects documents that a parser needs much time or memory for. It does not check the syntax.
fn limits(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut namespaces = HashSet::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        rest = &rest[at + 1..];
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>"), ("/", ">")];
        if let Some((start, end)) = skipped.iter().find(|(start, _)| rest.starts_with(start)) {
            depth = depth.saturating_sub(usize::from(*start == "/"));
            let Some(end) = rest.find(end) else { return Ok(()) };
            rest = &rest[end..];
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        if !tag.ends_with('/') {
            depth += 1;
        }
        if depth > MAX_DEPTH {
            return Err(format!("its elements are nested more than {MAX_DEPTH} deep"));
        }
        let mut attributes = 0;
        let mut quoted = tag.split(['"', '\'']);
        while let (Some(name), Some(value)) = (quoted.next(), quoted.next()) {
            attributes += 1;
            if name.contains("xmlns") {
                namespaces.insert((name.trim(), value));
            }
        }
        if attributes > MAX_ATTRIBUTES {
            return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
        }
        if namespaces.len() > MAX_NAMESPACES {
            return Err(format!("it has more than {MAX_NAMESPACES} namespace declarations"));
        }
    }
    Ok(())
}

/// A tag after its `<`, and what follows its `>`.
fn tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'>') => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// The texts that a path selects; an error if the body is not XML.
pub(super) fn select(path: &XmlPath, view: &ResponseView<'_>) -> Result<Vec<String>, String> {
    let text = view.xml_text()?;
    path.select(document(&text)?.root())
}

pub(super) fn check(
    expected: &XmlExpectation,
    location: &Location,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) {
    let layer = CheckId::BodyXml.info().layer;
    let unreadable = |reason: String| {
        Finding::new(CheckId::BodyXml, "the body is not well-formed XML")
            .expected("one XML document without a document type declaration")
            .actual(format!("{reason}: {}", view.shown()))
            .location(location)
    };
    let text = match view.xml_text() {
        Ok(text) => text,
        Err(reason) => return sink.fail(layer, || unreadable(reason)),
    };
    let document = match document(&text) {
        Ok(document) => document,
        Err(reason) => return sink.fail(layer, || unreadable(reason)),
    };
    for (path, pattern) in &expected.tests {
        let path_text = path.as_str();
        let found = match path.select(document.root()) {
            Ok(found) => found,
            Err(reason) => {
                sink.fail(layer, || {
                    Finding::new(CheckId::BodyXml, format!("`{path_text}`: {reason}")).location(&pattern.location)
                });
                continue;
            }
        };
        let is_list = is_of_list(pattern);
        if found.len() > 1 && !is_list && !is_of_presence(pattern) {
            sink.fail(layer, || {
                let texts: Value = found.iter().map(String::as_str).collect();
                Finding::new(CheckId::BodyXml, format!("`{path_text}` selects several nodes"))
                    .expected(format!("one node: {}", pattern::describe(pattern)))
                    .actual(format!("{} nodes: {}", found.len(), show(&texts)))
                    .location(&pattern.location)
            });
            continue;
        }
        let value = if is_list {
            Some(list(pattern, &found))
        } else {
            found.first().map(|text| scalar(text, pattern))
        };
        let root = document.root_element().tag_name();
        pattern::match_at(pattern, value.as_ref(), view, sink, |mut finding| {
            finding.check = CheckId::BodyXml;
            let at = finding.pointer.take().unwrap_or_default();
            let item = at.strip_prefix('/').and_then(|item| item.parse::<usize>().ok());
            let item = item.map_or_else(String::new, |item| format!(", node {}", item + 1));
            let what = if finding.message == "missing property" {
                "missing node"
            } else {
                &finding.message
            };
            finding.message = format!("`{path_text}`{item}: {what}");
            if value.is_none() {
                let name = match root.namespace() {
                    Some(uri) => format!("`{}` of the namespace `{uri}`", root.name()),
                    None => format!("`{}`", root.name()),
                };
                finding.actual = Some(format!("(absent); the root element is {name}"));
            }
            finding
        });
    }
}

/// Whether a pattern is about the list of all selected nodes, and not about the only one.
fn is_of_list(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Array(_) | PatternKind::Value(Value::Array(_)) => true,
        PatternKind::Value(_) | PatternKind::Object(_) => false,
        PatternKind::Match(tests) => tests.iter().any(|test| match test {
            Matcher::Length(_) | Matcher::Each(_) | Matcher::Contains(_) | Matcher::Unordered(_) => true,
            Matcher::Equals(value) => value.is_array(),
            Matcher::OneOf(all) => all.iter().any(Value::is_array),
            Matcher::Type(types) => types.contains(&JsonType::Array),
            Matcher::Not(inner) => is_of_list(inner),
            _ => false,
        }),
    }
}

/// Whether a pattern is only about the presence of nodes.
fn is_of_presence(pattern: &Pattern) -> bool {
    matches!(&pattern.kind, PatternKind::Match(tests) if tests.iter().all(|test| matches!(test, Matcher::Any(_))))
}

/// The texts of nodes as a list; each item is read as its pattern expects.
fn list(pattern: &Pattern, found: &[String]) -> Value {
    if let PatternKind::Array(items) = &pattern.kind
        && items.len() == found.len()
    {
        let pairs = found.iter().zip(items);
        return pairs.map(|(text, item)| scalar(text, item)).collect();
    }
    found.iter().map(|text| scalar(text, pattern)).collect()
}

/// The text of a node: a number or boolean if the pattern expects one and the text is one.
fn scalar(text: &str, pattern: &Pattern) -> Value {
    let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
    if expects(pattern, &|value| value.is_number())
        && let Ok(number) = trimmed.trim_start_matches('+').parse::<Number>()
    {
        return Value::Number(number);
    }
    if expects(pattern, &|value| value.is_boolean())
        && let Ok(value) = trimmed.parse::<bool>()
    {
        return Value::Bool(value);
    }
    Value::from(text)
}

/// Whether a pattern expects such a value somewhere.
fn expects(pattern: &Pattern, wanted: &dyn Fn(&Value) -> bool) -> bool {
    let number = Value::from(0);
    match &pattern.kind {
        PatternKind::Value(value) => is_with(value, wanted),
        PatternKind::Array(items) => items.iter().any(|item| expects(item, wanted)),
        PatternKind::Object(_) => false,
        PatternKind::Match(tests) => tests.iter().any(|test| match test {
            Matcher::Equals(value) => is_with(value, wanted),
            Matcher::OneOf(all) => all.iter().any(|value| is_with(value, wanted)),
            Matcher::Compare(_, bound) => bound.is_number() && wanted(&number),
            Matcher::Status => wanted(&number),
            Matcher::Type(types) => {
                (types.iter().any(|kind| kind.accepts(&number)) && wanted(&number))
                    || (types.contains(&JsonType::Boolean) && wanted(&Value::Bool(true)))
            }
            Matcher::Contains(inner) | Matcher::Each(inner) | Matcher::Not(inner) => expects(inner, wanted),
            Matcher::Unordered(items) => items.iter().any(|item| expects(item, wanted)),
            _ => false,
        }),
    }
}

fn is_with(value: &Value, wanted: &dyn Fn(&Value) -> bool) -> bool {
    wanted(value) || value.as_array().is_some_and(|items| items.iter().any(wanted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_as_xml_or_refused(text in "(<|>|/|a|b|'|\"|=| |&|;|!--|-->|!\\[CDATA\\[|\\]\\]>|\\?|\u{e9}){0,30}", path in "(/|//|a|b|\\*|@|\\[|\\]|1|=|'|:|\\.|text\\(\\)|\u{e9}){0,12}") {
            let document = document(&text);
            if let (Ok(document), Ok(path)) = (document, XmlPath::parse(&format!("/{path}"), &[])) {
                prop_assert!(path.select(document.root()).is_ok());
            }
        }
    }

    #[test]
    fn hostile_documents_are_refused_in_time() {
        let deep = "<a>".repeat(500_000);
        let wide = format!(
            "<a {}/>",
            (0..100_000).fold(String::new(), |all, n| all + &format!("a{n}='' "))
        );
        let names = (0..5000).fold(String::new(), |all, n| all + &format!("<b xmlns:n{n}='u{n}'/>"));
        let quoted = format!("<a b='{}'/>", ">".repeat(1000) + &"\" ".repeat(1000));
        for (text, part) in [
            (deep.as_str(), "nested more than 256"),
            (&wide, "more than 256 attributes"),
            (&format!("<a>{names}</a>"), "more than 100 namespace"),
            ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "document type declaration"),
            (
                "<!DOCTYPE a SYSTEM 'http://127.0.0.1/'><a/>",
                "document type declaration",
            ),
            ("<a>&x;</a>", "unknown entity"),
            ("<a><b></a></b>", "expected"),
            ("<a/><b/>", ""),
            ("", ""),
            ("{}", ""),
            ("<a", ""),
            ("<a b=1/>", ""),
            ("<a b='1' b='2'/>", ""),
            ("<a>\u{1}</a>", ""),
            ("<o:a/>", ""),
            (&quoted, ""),
        ] {
            let start: String = text.chars().take(40).collect();
            match document(text) {
                Err(error) => assert!(error.contains(part), "{start}: {error}"),
                Ok(_) => assert_eq!(text, quoted, "{start}"),
            }
        }
        let fits = format!("{}<!-- < a='' -->{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
        assert!(document(&fits).is_ok());
    }
}
