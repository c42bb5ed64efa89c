//! Decodes nodes to definitions: expectations of XML, of lines, and of event streams.

use super::{
    decode::DecodeContext,
    decode_expect::written,
    decode_pattern::{pattern, size},
    def::{PatternDef, PatternDefKind, Written},
    def_body::{EventsDef, LinesDef, XmlDef},
};
use crate::{
    check::{LineFormat, XmlPath},
    source::{Diagnostic, Fields, Key, Kind, Node, Span},
};

/// Maximum number of events that a case expects.
pub(crate) const MAX_EVENTS: usize = 10_000;
/// The mapping of prefixes to namespaces among the paths of `xml`.
const NAMESPACES: &str = "$namespaces";
/// Settings of `lines` among the matchers.
const FORMAT: &str = "$format";
const SEPARATOR: &str = "$separator";

pub(super) fn xml(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<XmlDef>> {
    let namespaces = node
        .get(NAMESPACES)
        .map(|node| namespaces(node, cx))
        .unwrap_or_default();
    let before = cx.errors.len();
    let tests = cx.entries(node, "a mapping from paths to values", |cx, key, value| {
        match &*key.text {
            NAMESPACES => None,
            // This has been reported.
            path if path.contains("{{") => None,
            _ => test(key, value, &namespaces, cx),
        }
    });
    if tests.is_empty() && cx.errors.len() == before {
        let error = Diagnostic::new(node.span, "nothing is tested here");
        cx.error(error.help("write `\"/*\": { $any: true }` for any XML document"));
        return None;
    }
    written(node, Some(XmlDef { tests }))
}

fn namespaces(node: &Node, cx: &mut DecodeContext<'_>) -> Vec<(String, String)> {
    cx.entries(node, "a mapping from prefixes to namespaces", |cx, key, value| {
        let uri = cx.string(value)?;
        if uri.is_empty() {
            let error = Diagnostic::new(value.span, "a prefix cannot be declared for no namespace");
            cx.error(error.help("a name without a prefix is in no namespace"));
        }
        Some((key.text.to_string(), uri))
    })
}

fn test(
    key: &Key,
    value: &Node,
    namespaces: &[(String, String)],
    cx: &mut DecodeContext<'_>,
) -> Option<(XmlPath, PatternDef)> {
    let path = match XmlPath::parse(&key.text, namespaces) {
        Ok(path) => path,
        Err(reason) => {
            cx.error(wrong_path(key.span, reason));
            return None;
        }
    };
    let mut expected = pattern(value, cx)?;
    if let Some(span) = object_in(&expected) {
        let error = Diagnostic::new(span, "a node of XML is text, not an object");
        cx.error(error.help("write a path for each value: `\"/order/@id\": \"42\"`"));
        return None;
    }
    expected.span.line = key.span.line;
    expected.span.column = key.span.column;
    Some((path, expected))
}

/// A path of XML that cannot be read.
pub(super) fn wrong_path(span: Span, reason: String) -> Diagnostic {
    let help = if reason.contains("is not declared") {
        "declare it: `$namespaces: { o: \"urn:example:orders\" }`, or write `*:name` for any namespace"
    } else {
        "write a path such as `/order/line[2]/@sku`, `//price` or `/order/line[@sku = 'A1']`"
    };
    Diagnostic::new(span, reason).help(help)
}

/// The location of an object in a pattern.
fn object_in(def: &PatternDef) -> Option<Span> {
    use super::def::MatcherDef as Matcher;
    match &def.kind {
        PatternDefKind::Value(_) => None,
        PatternDefKind::Object(_) => Some(def.span),
        PatternDefKind::Array(items) => items.iter().find_map(object_in),
        PatternDefKind::Match(tests) => tests.iter().find_map(|test| match test {
            Matcher::Only(_) => Some(def.span),
            Matcher::Contains(inner) | Matcher::Each(inner) | Matcher::Not(inner) => object_in(inner),
            Matcher::Unordered(items) => items.iter().find_map(object_in),
            _ => None,
        }),
    }
}

/// A pattern of a list, with `$format` and `$separator` among its matchers.
pub(super) fn lines(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<LinesDef>> {
    let format = node.get(FORMAT).and_then(|node| format(node, cx));
    let separator = node.get(SEPARATOR).and_then(|node| separator(node, cx));
    if let (Some(at), Some(LineFormat::Ndjson)) = (node.get(SEPARATOR), format) {
        cx.error(Diagnostic::new(at.span, "`$separator` is for CSV"));
    }
    let rest = match &node.kind {
        Kind::Map(entries) => {
            let is_test = |(key, _): &&(Key, Node)| ![FORMAT, SEPARATOR].contains(&&*key.text);
            Node {
                span: node.span,
                kind: Kind::Map(entries.iter().filter(is_test).cloned().collect()),
            }
        }
        _ => node.clone(),
    };
    if matches!(&rest.kind, Kind::Map(entries) if entries.is_empty()) {
        let error = Diagnostic::new(node.span, "nothing is tested here");
        cx.error(
            error.help("add a test of the list of lines, such as `$length: 3` or `$each: { id: { $any: true } }`"),
        );
        return None;
    }
    let expected = pattern(&rest, cx)?;
    let is_list = matches!(&expected.kind, PatternDefKind::Array(_) | PatternDefKind::Match(_));
    if !is_list {
        let error = Diagnostic::new(node.span, "the lines of a body are a list");
        cx.error(
            error
                .help("write a list with an item for each line, or matchers of lists: `$each`, `$contains`, `$length`"),
        );
        return None;
    }
    let def = LinesDef {
        format,
        separator,
        pattern: expected,
    };
    written(node, Some(def))
}

fn format(node: &Node, cx: &mut DecodeContext<'_>) -> Option<LineFormat> {
    let text = cx.string(node)?;
    let known = LineFormat::NAMES.into_iter().find(|(name, _)| *name == text);
    if known.is_none() {
        let error = Diagnostic::new(node.span, format!("`{text}` is not a format of lines"));
        cx.error(error.suggest(&text, LineFormat::NAMES.map(|(name, _)| name)));
    }
    known.map(|(_, format)| format)
}

fn separator(node: &Node, cx: &mut DecodeContext<'_>) -> Option<char> {
    let text = cx.string(node)?;
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some(sign), None) if !matches!(sign, '"' | '\r' | '\n') => Some(sign),
        _ => {
            let error = Diagnostic::new(
                node.span,
                "a separator is one character, and neither a quote nor a line break",
            );
            cx.error(error.help("write `$separator: \";\"`"));
            None
        }
    }
}

/// A list of the first events, or a mapping.
pub(super) fn events(node: &Node, cx: &mut DecodeContext<'_>) -> Option<Written<EventsDef>> {
    if let Kind::List(_) = node.kind {
        let first = Some(first_events(node, cx)?);
        let (count, each, within) = (None, None, None);
        return written(
            node,
            Some(EventsDef {
                first,
                count,
                each,
                within,
            }),
        );
    }
    let before = cx.errors.len();
    let mut fields = Fields::of(
        node,
        "the first events, or a mapping (`first`, `count`, `each`, `within`)",
        cx.errors,
    )?;
    let def = EventsDef {
        first: fields.take("first").and_then(|node| first_events(node, cx)),
        count: fields.take("count").and_then(|node| {
            let count = size(node, cx)?;
            if let super::JsonDef::Plain(number) = &count.value {
                let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
                if !number.is_some_and(|number| (1..=MAX_EVENTS).contains(&number)) {
                    cx.error(wrong_count(node.span));
                    return None;
                }
            }
            Some(count)
        }),
        each: fields.take("each").and_then(|node| event(node, cx)),
        within: fields.take("within").and_then(|node| cx.duration(node)),
    };
    fields.finish(cx.errors);
    if cx.errors.len() > before {
        return None;
    }
    if def.first.is_none() && def.count.is_none() {
        let error = Diagnostic::new(
            node.span,
            "the number of events is not known, and a stream may never end",
        );
        cx.error(error.help("list the `first` events, or add `count: 3`"));
        return None;
    }
    written(node, Some(def))
}

/// Keys of an event.
const EVENT: [&str; 5] = ["event", "data", "id", "retry", "json"];

fn first_events(node: &Node, cx: &mut DecodeContext<'_>) -> Option<PatternDef> {
    let Kind::List(items) = &node.kind else {
        let found = node.describe();
        cx.error(Diagnostic::new(
            node.span,
            format!("expected a list of events, found {found}"),
        ));
        return None;
    };
    if items.is_empty() || items.len() > MAX_EVENTS {
        cx.error(wrong_count(node.span));
        return None;
    }
    let events: Vec<_> = items.iter().filter_map(|item| event(item, cx)).collect();
    (events.len() == items.len()).then_some(PatternDef {
        kind: PatternDefKind::Array(events),
        span: node.span,
    })
}

fn event(node: &Node, cx: &mut DecodeContext<'_>) -> Option<PatternDef> {
    if !matches!(node.kind, Kind::Map(_)) {
        let found = node.describe();
        let error = Diagnostic::new(node.span, format!("expected an event, found {found}"));
        cx.error(error.help("write `{ event: created, json: { id: 42 } }`"));
        return None;
    }
    let before = cx.errors.len();
    for (key, _) in node.entries() {
        if !key.text.starts_with('$') && !EVENT.contains(&&*key.text) {
            let error = Diagnostic::new(key.span, format!("unknown key `{}` in an event", key.text));
            cx.error(error.suggest(&key.text, EVENT));
        }
    }
    if node.entries().is_empty() {
        let error = Diagnostic::new(node.span, "nothing is tested here");
        cx.error(error.help("write `$any: true` for any event"));
    }
    let event = pattern(node, cx)?;
    (cx.errors.len() == before).then_some(event)
}

/// A number of events that is zero or too large.
pub(crate) fn wrong_count(span: Span) -> Diagnostic {
    Diagnostic::new(span, format!("the number of events is from 1 to {MAX_EVENTS}"))
}

/// A number of events that is less than that of the listed ones.
pub(crate) fn fewer_events(span: Span, listed: usize) -> Diagnostic {
    let error = Diagnostic::new(span, format!("`count` is less than the {listed} events of `first`"));
    error.help("remove `count`, or shorten the list")
}

#[cfg(test)]
mod tests {
    use crate::{
        schema::SchemaStore,
        source::{Diagnostics, Sources},
    };

    /// The errors of a case with these expectations.
    fn errors(expect: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("s")).unwrap();
        let case = format!("vars: {{ v: 3 }}\nrequest: {{ path: / }}\nexpect: {{ status: 200, {expect} }}\n");
        std::fs::write(folder.path().join("s/c.yaml"), case).unwrap();
        let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
        let schemas = SchemaStore::open(folder.path());
        let loaded = super::super::load(folder.path(), &schemas, &mut sources, &mut errors);
        loaded
            .broken
            .into_iter()
            .for_each(|broken| errors.append(broken.errors));
        let sorted = errors.sorted(&sources);
        sorted.into_iter().map(|error| error.message.clone()).collect()
    }

    #[test]
    fn misused_expectation_of_a_format_is_an_error() {
        for (expect, part) in [
            ("body: { xml: /a }", "expected a mapping from paths to values"),
            ("body: { xml: {} }", "nothing is tested here"),
            ("body: { xml: { $namespaces: { o: u } } }", "nothing is tested here"),
            ("body: { xml: { a: x } }", "begins with `/`"),
            ("body: { xml: { /o:a: x } }", "the prefix `o` is not declared"),
            ("body: { xml: { $namespaces: { o: '' }, /o:a: x } }", "for no namespace"),
            (
                "body: { xml: { $namespace: { o: u }, /a: x } }",
                "`$namespace` is not a path",
            ),
            (
                "body: { xml: { '/{{ v }}': x } }",
                "a variable cannot be used in a name",
            ),
            ("body: { xml: { /a: { b: x } } }", "a node of XML is text"),
            (
                "body: { xml: { /a: { $each: { $only: { b: 1 } } } } }",
                "a node of XML is text",
            ),
            (
                "body: { xml: { /a: { $length: 0, $contains: x } } }",
                "contradict each other",
            ),
            ("body: { lines: x }", "the lines of a body are a list"),
            ("body: { lines: { id: 1 } }", "the lines of a body are a list"),
            ("body: { lines: { $format: csv } }", "nothing is tested here"),
            (
                "body: { lines: { $format: tsv, $length: 1 } }",
                "`tsv` is not a format of lines",
            ),
            (
                "body: { lines: { $separator: ';;', $length: 1 } }",
                "a separator is one character",
            ),
            (
                "body: { lines: { $format: ndjson, $separator: ';', $length: 1 } }",
                "`$separator` is for CSV",
            ),
            ("body: { lines: { $lenght: 1 } }", "unknown matcher `$lenght`"),
            ("body: { lines: { $length: 0, $contains: x } }", "contradict each other"),
            ("body: { empty: true, lines: [] }", "both empty and not empty"),
            ("events: x", "expected the first events, or a mapping"),
            ("events: []", "from 1 to 10000"),
            ("events: {}", "the number of events is not known"),
            ("events: { each: { data: x } }", "the number of events is not known"),
            ("events: { count: 0 }", "from 1 to 10000"),
            ("events: { count: 20000 }", "from 1 to 10000"),
            ("events: { count: 1, within: soon }", "`soon` is not a duration"),
            ("events: { counts: 1 }", "unknown key `counts`"),
            ("events: [{ type: x }]", "unknown key `type` in an event"),
            ("events: [{}]", "nothing is tested here"),
            ("events: [x]", "expected an event, found"),
            ("events: { first: { data: x } }", "expected a list of events"),
            (
                "events: [{ data: x }], trailers: { x: y }",
                "its trailer fields are not known",
            ),
            ("trailers: {}", "`trailers` is empty"),
            ("trailers: { content-length: '5' }", "cannot be a trailer field"),
            ("trailers: { 'a b': x }", "is not a header name"),
            ("trailers: { x: { equals: a, contains: b } }", "contradict each other"),
            ("protocol: http2", "`http2` is not a version of HTTP"),
            ("protocol: 2", "expected a string"),
            ("duration: '{{ nope }}'", "undefined variable `nope`"),
        ] {
            let found = errors(expect);
            assert!(found.len() == 1 && found[0].contains(part), "{expect}: {found:?}");
        }
    }

    #[test]
    fn expectation_of_a_format_is_accepted() {
        for expect in [
            "body: { xml: { /a: '{{ v }}', //b: { $any: false }, '/*': { $any: true } } }",
            "body: { lines: [] }",
            "body: { lines: { $length: '{{ v }}' } }",
            "body: { lines: [{ id: 1 }, { $any: true }] }",
            "events: { count: '{{ v }}', within: 2m }",
            "events: [{ $any: true }, { id: { $any: false } }]",
            "trailers: { content-length: { absent: true } }",
            "protocol: http/2",
        ] {
            assert_eq!(errors(expect), [""; 0], "{expect}");
        }
    }
}
