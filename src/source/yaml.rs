//! YAML 1.2 into nodes, strictly: one document, no duplicate keys, no tags, bounded size and depth.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span as YamlSpan};

use super::{Diagnostic, Diagnostics, FileId, Key, Kind, Node, Span, node::number, yaml_subset};

/// Maximum nesting depth of a document.
const MAX_DEPTH: usize = 100;
/// The most common error: braces without quotes open a mapping.
const QUOTE: &str = "a value with `{{ name }}` is written in quotes: \"{{ name }}\"";
/// Maximum number of values that aliases (`*name`) may add to a document, against alias bombs.
const MAX_ALIASED: usize = 10_000;
/// Maximum size of the values that aliases add, and of the values that have an anchor, in bytes.
const MAX_ALIASED_BYTES: usize = 8 << 20;
/// Maximum number of values in a document.
const MAX_VALUES: usize = 500_000;
/// Maximum number of values in a document of another tool.
const MAX_FOREIGN_VALUES: usize = 10_000_000;
/// Mappings longer than this find duplicate keys with a set.
const FEW: usize = 16;

/// Reads a YAML document; errors are added to `errors` with their location. An empty document is `null`.
///
/// An error that leaves the rest readable, such as a duplicate key, still returns a node, so that errors in its content
/// are reported too.
pub(crate) fn parse_yaml(text: &str, file: FileId, errors: &mut Diagnostics) -> Option<Node> {
    parse(text, file, false, errors)
}

/// Reads a YAML document of another tool, which can be larger than a suite: numbers can have an exponent, tags are ignored,
/// and merge keys (`<<`) are applied.
pub(crate) fn parse_foreign_yaml(text: &str, file: FileId, errors: &mut Diagnostics) -> Option<Node> {
    parse(text, file, true, errors)
}

fn parse(text: &str, file: FileId, is_foreign: bool, errors: &mut Diagnostics) -> Option<Node> {
    let new_reader = || YamlReader {
        is_foreign,
        ..YamlReader::default()
    };
    let mut reader = new_reader();
    if yaml_subset::read(text, file, |event, span| reader.event(event, span)).is_some() {
        return reader.finish(file, errors);
    }
    reader = new_reader();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), span)) => {
                documents += 1;
                if documents == 2 {
                    let error = Diagnostic::new(span_of(file, &span), "a second document in one file");
                    let help = "write one case per file";
                    reader.errors.push(if is_foreign { error } else { error.help(help) });
                    break;
                }
            }
            Ok((event, span)) => {
                if !reader.event(event, span_of(file, &span)) {
                    reader.is_unreadable = true;
                    break;
                }
            }
            Err(error) => {
                reader.is_unreadable = true;
                let mark = error.marker();
                let span = span_of(file, &YamlSpan::empty(*mark));
                let mut diagnostic = Diagnostic::new(span, format!("not valid YAML: {}", error.info()));
                let line = text.lines().nth(mark.line().saturating_sub(1)).unwrap_or_default();
                if !is_foreign && line.contains("{{") {
                    diagnostic = diagnostic.help(QUOTE);
                }
                reader.errors.push(diagnostic);
                break;
            }
        }
    }
    reader.finish(file, errors)
}

/// A mapping with its merge keys applied: its own entries come first, then those of the merged mappings in their order.
fn merged(entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let is_merge = |(key, _): &(Key, Node)| *key.text == *"<<";
    if !entries.iter().any(is_merge) {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_merge);
    for (_, node) in merges {
        let maps = match node.kind {
            Kind::List(items) => items,
            _ => vec![node],
        };
        for (key, value) in maps.iter().flat_map(Node::entries) {
            if !own.iter().any(|(known, _)| known.text == key.text) {
                own.push((key.clone(), value.clone()));
            }
        }
    }
    own
}

/// A collection that is not closed yet.
struct OpenCollection {
    span: Span,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        /// The keys, if there are many.
        seen: HashSet<Arc<str>>,
        key: Option<Key>,
        /// Whether the key is valid; of duplicate keys, the first counts.
        is_kept: bool,
    },
}

#[derive(Default)]
struct YamlReader {
    anchors: HashMap<usize, Node>,
    aliased: usize,
    aliased_bytes: usize,
    anchored_bytes: usize,
    values: usize,
    stack: Vec<OpenCollection>,
    root: Option<Node>,
    is_unreadable: bool,
    /// Whether the document belongs to another tool.
    is_foreign: bool,
    errors: Diagnostics,
    /// The keys of short mappings: rows of a table have the same ones.
    names: HashSet<Arc<str>>,
}

impl YamlReader {
    /// The document, if it is readable, and its errors.
    fn finish(self, file: FileId, errors: &mut Diagnostics) -> Option<Node> {
        errors.append(self.errors);
        let nothing = Node {
            span: Span {
                file,
                line: 1,
                column: 1,
                end_line: 1,
                end_column: 1,
            },
            kind: Kind::Null,
        };
        (!self.is_unreadable).then(|| self.root.unwrap_or(nothing))
    }

    /// Handles one event; false stops reading.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        self.values += 1;
        let most = if self.is_foreign {
            MAX_FOREIGN_VALUES
        } else {
            MAX_VALUES
        };
        if self.values > most {
            let error = Diagnostic::new(span, format!("more than {most} keys and values in one file"));
            let help = "spread the cases over several files";
            self.errors.push(if self.is_foreign { error } else { error.help(help) });
            return false;
        }
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let kind = scalar(&value, style);
                if !self.is_foreign
                    && let Kind::Number(number) = &kind
                    && number.to_string() != value
                {
                    // Ids such as `12e4` are usually not meant as numbers, and would not be sent as written.
                    self.errors.push(
                        Diagnostic::new(span, format!("`{value}` reads as a number with an exponent"))
                            .help(format!("put it in quotes, or write `{number}` for the number")),
                    );
                }
                return self.close(Node { span, kind }, anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                return self.open(span, anchor, OpenKind::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                    is_kept: true,
                };
                return self.open(span, anchor, kind);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return false };
                let whole = Span {
                    end_line: span.line,
                    end_column: span.column,
                    ..open.span
                };
                let kind = match open.kind {
                    OpenKind::List(items) => Kind::List(items),
                    OpenKind::Map { mut entries, .. } => {
                        entries = if self.is_foreign { merged(entries) } else { entries };
                        entries.shrink_to_fit();
                        Kind::Map(entries)
                    }
                };
                return self.close(Node { span: whole, kind }, open.anchor);
            }
            Event::Alias(anchor) => {
                return self.alias(anchor, span);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        true
    }

    /// Repeats an anchored value, within the limits on what aliases add.
    fn alias(&mut self, anchor: usize, span: Span) -> bool {
        let Some(node) = self.anchors.get(&anchor) else {
            self.errors
                .push(Diagnostic::new(span, "an alias to a value that is not complete yet"));
            return false;
        };
        self.aliased += size(node);
        self.aliased_bytes += bytes(node);
        if self.aliased > MAX_ALIASED {
            self.errors.push(Diagnostic::new(
                span,
                format!("aliases add more than {MAX_ALIASED} values to this file"),
            ));
            return false;
        }
        if self.aliased_bytes > MAX_ALIASED_BYTES {
            self.errors.push(Diagnostic::new(
                span,
                format!("aliases add more than {} MiB to this file", MAX_ALIASED_BYTES >> 20),
            ));
            return false;
        }
        let node = node.clone();
        self.close(node, 0)
    }

    fn open(&mut self, span: Span, anchor: usize, kind: OpenKind) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            self.errors
                .push(Diagnostic::new(span, format!("nested deeper than {MAX_DEPTH} levels")));
            return false;
        }
        self.stack.push(OpenCollection { span, anchor, kind });
        true
    }

    /// Adds a finished value to the open collection, or sets it as the root. False stops reading.
    fn close(&mut self, node: Node, anchor: usize) -> bool {
        if anchor != 0 {
            self.anchored_bytes += bytes(&node);
            if self.anchored_bytes > MAX_ALIASED_BYTES {
                let size = MAX_ALIASED_BYTES >> 20;
                let error = Diagnostic::new(
                    node.span,
                    format!("values with an anchor are larger than {size} MiB together"),
                );
                self.errors.push(error);
                return false;
            }
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return true;
        };
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map {
                entries,
                seen,
                key,
                is_kept,
            } => match key.take() {
                Some(key) if *is_kept => entries.push((key, node)),
                Some(_) => {}
                None => {
                    *is_kept = true;
                    let text = match node.kind {
                        Kind::String(text) => text,
                        Kind::Number(number) => number.to_string(),
                        Kind::Bool(value) => value.to_string(),
                        Kind::Null => "null".to_owned(),
                        Kind::List(_) | Kind::Map(_) => {
                            let error = Diagnostic::new(node.span, "a key must be plain text");
                            let is_braces = matches!(node.kind, Kind::Map(_));
                            self.errors.push(if is_braces { error.help(QUOTE) } else { error });
                            *is_kept = false;
                            String::new()
                        }
                    };
                    let text = if entries.len() >= FEW {
                        Arc::from(text)
                    } else if let Some(known) = self.names.get(text.as_str()) {
                        Arc::clone(known)
                    } else {
                        let name: Arc<str> = Arc::from(text);
                        self.names.insert(Arc::clone(&name));
                        name
                    };
                    if *is_kept && !is_new(&text, entries, seen) {
                        *is_kept = false;
                        self.errors.push(
                            Diagnostic::new(node.span, format!("duplicate key `{text}`")).label("first defined above"),
                        );
                    }
                    if &*text == "<<" && !self.is_foreign {
                        *is_kept = false;
                        self.errors.push(
                            Diagnostic::new(node.span, "merge keys (`<<`) are not part of YAML 1.2")
                                .help("share through `suite.yaml` instead"),
                        );
                    }
                    *key = Some(Key { span: node.span, text });
                }
            },
        }
        true
    }

    fn refuse_tag(&mut self, tag: Option<&saphyr_parser::Tag>, span: Span) {
        if let Some(tag) = tag.filter(|_| !self.is_foreign) {
            self.errors.push(Diagnostic::new(
                span,
                format!("tags are not supported: `{}{}`", tag.handle, tag.suffix),
            ));
        }
    }
}

/// The span of an event of the parser.
pub(super) fn span_of(file: FileId, span: &YamlSpan) -> Span {
    let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let (line, column) = (count(span.start.line()), count(span.start.col() + 1));
    let (mut end_line, mut end_column) = (count(span.end.line()), count(span.end.col() + 1));
    // Block scalars and empty values end on a later line: point at their start only.
    if end_line != line {
        (end_line, end_column) = (line, column + 1);
    }
    Span {
        file,
        line,
        column,
        end_line,
        end_column,
    }
}

/// Only `true`, `false`, `null` and JSON's numbers are more than text; `yes`, `012` and `1_000` are text.
fn scalar(value: &str, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::String(value.to_owned());
    }
    match value {
        "" | "~" | "null" => Kind::Null,
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        _ => number(value).map_or_else(|| Kind::String(value.to_owned()), Kind::Number),
    }
}

/// Whether the key is new in the mapping.
fn is_new(text: &Arc<str>, entries: &[(Key, Node)], seen: &mut HashSet<Arc<str>>) -> bool {
    if entries.len() < FEW {
        return entries.iter().all(|(key, _)| key.text != *text);
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|(key, _)| Arc::clone(&key.text)));
    }
    seen.insert(Arc::clone(text))
}

/// Approximate memory of a copy of a value.
fn bytes(node: &Node) -> usize {
    let own = size_of::<Node>();
    match &node.kind {
        Kind::String(text) => own + text.len(),
        Kind::List(items) => own + items.iter().map(bytes).sum::<usize>(),
        Kind::Map(entries) => {
            own + entries
                .iter()
                .map(|(_, value)| size_of::<Key>() + bytes(value))
                .sum::<usize>()
        }
        _ => own,
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Diagnostics, Sources};
    use super::*;

    fn read(text: &str) -> (Option<Node>, String) {
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a.yaml"), text.to_owned());
        let mut errors = Diagnostics::default();
        let node = parse_yaml(sources.text(file), file, &mut errors);
        let text = errors.render(&sources, false);
        (node, text)
    }

    #[test]
    fn only_json_scalars_are_more_than_text() {
        let (node, errors) =
            read("a: yes\nb: 012\nc: 1_000\nd: 1.50\ne: null\nf: 'true'\ng: true\nh:\ni: +5\nj: 1e+3\n");
        assert_eq!(errors, "");
        let json = node.map(|node| node.to_json().to_string()).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"a":"yes","b":"012","c":"1_000","d":1.50,"e":null,"f":"true","g":true,"h":null,"i":"+5","j":1e+3}"#
        );
    }

    #[test]
    fn positions_count_characters_from_one() {
        let (node, _) = read("name: é x\r\n\r\nlist:\r\n  - ü: here\r\n");
        let node = node.and_then(|node| node.get("list").cloned());
        let Some(Kind::List(items)) = node.map(|node| node.kind) else {
            panic!("a list")
        };
        let here = items[0].get("ü").map(|node| (node.span.line, node.span.column));
        assert_eq!(here, Some((4, 8)));
    }

    #[test]
    fn invalid_yaml_is_error_with_location() {
        for (text, part) in [
            ("a: 1\na: 2\n", "duplicate key `a`"),
            ("a: [1\n", "not valid YAML"),
            ("a: 1\n---\nb: 2\n", "a second document"),
            ("a: !!str 1\n", "tags are not supported"),
            ("<<: {a: 1}\n", "merge keys"),
            ("? [a]\n: 1\n", "a key must be plain text"),
            ("id: 12e4\n", "`12e4` reads as a number with an exponent"),
        ] {
            let (_, errors) = read(text);
            assert!(errors.contains(part), "{text}: {errors}");
            assert!(errors.contains("a.yaml:"), "{text}: {errors}");
        }
    }

    #[test]
    fn foreign_document_has_merge_keys_but_no_second_document() {
        let read = |text: &str| {
            let mut sources = Sources::new("");
            let file = sources.add(Path::new("a.yaml"), text.to_owned());
            let mut errors = Diagnostics::default();
            let node = parse_foreign_yaml(sources.text(file), file, &mut errors);
            (node.map(|node| node.to_json()), errors.render(&sources, false))
        };
        let (node, errors) = read("x: &x { a: 1, b: !!str 2 }\ny: { <<: *x, b: 1e3 }\n");
        assert_eq!(errors, "");
        assert_eq!(node.unwrap_or_default()["y"].to_string(), r#"{"a":1,"b":1e+3}"#);
        let (_, errors) = read("a: 1\n---\nb: 2\n");
        assert!(
            errors.contains("a second document") && !errors.contains("one case"),
            "{errors}"
        );
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_rejected() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (from, to) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            use std::fmt::Write as _;
            let _ = writeln!(
                bomb,
                "{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from}]"
            );
        }
        assert!(read(&bomb).1.contains("aliases add more than"));
        let tower = "[".repeat(100_000);
        assert!(!read(&tower).1.is_empty());
    }

    #[test]
    fn large_aliases_anchors_and_documents_are_rejected() {
        let large = "x".repeat(100_000);
        let aliases = format!("a: &a {large}\nb: [{}]\n", "*a,".repeat(200));
        assert!(read(&aliases).1.contains("aliases add more than 8 MiB"));
        let nested = (0..90).fold(String::new(), |text, index| text + &format!("&a{index} ["));
        let anchors = format!("a: {nested}{large}{}\n", "]".repeat(90));
        assert!(read(&anchors).1.contains("values with an anchor are larger"));
        let values = format!("a: [{}]\n", "1,".repeat(600_000));
        assert!(read(&values).1.contains("more than 500000 keys and values"));
    }

    #[test]
    fn an_empty_file_is_null() {
        assert!(read("").0.is_some_and(|node| node.is_null()));
        assert!(read("# only a comment\n").0.is_some_and(|node| node.is_null()));
    }
}
