//! Writes YAML: block style, with short texts in quotes where they need it.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::text::{is_unsafe, quoted_yaml};

/// A value to write.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum YamlNode {
    /// A string.
    Text(String),
    /// `null`, a boolean or a number.
    Plain(String),
    /// A list.
    List(Vec<YamlNode>),
    /// A mapping.
    Map(Vec<YamlEntry>),
}

/// An entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct YamlEntry {
    /// Comments before it, one a line.
    comments: Vec<String>,
    key: String,
    value: YamlNode,
}

/// Maximum width of a mapping or list in one line.
const WIDTH: usize = 100;

impl YamlNode {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A JSON value; `template` converts its strings.
    pub(super) fn json(value: &Json, template: &dyn Fn(&str) -> String) -> Self {
        match value {
            Json::String(text) => Self::Text(template(text)),
            Json::Array(items) => Self::List(items.iter().map(|item| Self::json(item, template)).collect()),
            Json::Object(entries) => {
                let entries = entries.iter();
                Self::Map(
                    entries
                        .map(|(key, value)| {
                            // Two `$` at the beginning of a key are read as one.
                            let sign = if key.starts_with("$$") { "$" } else { "" };
                            entry(format!("{sign}{key}"), Self::json(value, template))
                        })
                        .collect(),
                )
            }
            plain => Self::Plain(plain.to_string()),
        }
    }

    /// The document, with a line break at its end.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Map(entries) => block_map(entries, 0, &mut out),
            other => {
                out.push_str(&other.flow());
                out.push('\n');
            }
        }
        out
    }

    /// The value in one line.
    fn flow(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Plain(text) => text.clone(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Map(entries) => {
                let pairs = entries.iter();
                let pairs: Vec<_> = pairs
                    .map(|one| format!("{}: {}", scalar(&one.key), one.value.flow()))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }

    fn has_comment(&self) -> bool {
        match self {
            Self::Map(entries) => entries
                .iter()
                .any(|one| !one.comments.is_empty() || one.value.has_comment()),
            Self::List(items) => items.iter().any(Self::has_comment),
            Self::Text(text) => is_block(text),
            Self::Plain(_) => false,
        }
    }
}

/// An entry without comments.
pub(super) fn entry(key: impl Into<String>, value: YamlNode) -> YamlEntry {
    YamlEntry {
        comments: Vec::new(),
        key: key.into(),
        value,
    }
}

impl YamlEntry {
    /// Adds comments before the entry.
    pub(super) fn comments(mut self, comments: impl IntoIterator<Item = String>) -> Self {
        self.add_comments(comments);
        self
    }

    /// The same in place.
    pub(super) fn add_comments(&mut self, comments: impl IntoIterator<Item = String>) {
        self.comments.extend(comments);
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

fn block_map(entries: &[YamlEntry], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for one in entries {
        for comment in &one.comments {
            // A comment is one line, whatever it quotes.
            let comment: String = comment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(out, "{indent}# {comment}");
        }
        out.push_str(&indent);
        out.push_str(&scalar(&one.key));
        out.push(':');
        block_value(&one.value, depth, out);
    }
}

/// A value after its key.
fn block_value(value: &YamlNode, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    match value {
        YamlNode::Text(text) if is_block(text) => {
            let stripped = text.trim_end_matches('\n');
            // `-` drops the last line break, nothing keeps one, `+` keeps all.
            let keep = match text.len() - stripped.len() {
                0 => "-",
                1 => "",
                _ => "+",
            };
            let _ = writeln!(out, " |{keep}");
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if line.is_empty() {
                    out.push('\n');
                } else {
                    let _ = writeln!(out, "{indent}{line}");
                }
            }
        }
        YamlNode::Map(entries) if !entries.is_empty() => {
            let flow = value.flow();
            let is_leaf = entries.len() == 1 && matches!(entries[0].value, YamlNode::Text(_) | YamlNode::Plain(_));
            let is_short = (depth > 0 || is_leaf) && entries.len() <= 3 && flow.len() + indent.len() <= WIDTH;
            if is_short && !value.has_comment() {
                let _ = writeln!(out, " {flow}");
            } else {
                out.push('\n');
                block_map(entries, depth + 1, out);
            }
        }
        YamlNode::List(items) if !items.is_empty() && (value.has_comment() || value.flow().len() > WIDTH) => {
            out.push('\n');
            for item in items {
                block_item(item, depth + 1, out);
            }
        }
        other => {
            let _ = writeln!(out, " {}", other.flow());
        }
    }
}

/// An item of a list.
fn block_item(item: &YamlNode, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let flow = item.flow();
    let is_leaf = |one: &YamlEntry| matches!(one.value, YamlNode::Text(_) | YamlNode::Plain(_));
    match item {
        YamlNode::Map(entries)
            if !entries.is_empty()
                && (item.has_comment() || flow.len() + indent.len() > WIDTH || !entries.iter().all(is_leaf)) =>
        {
            let mut block = String::new();
            block_map(entries, depth + 1, &mut block);
            // The first line begins with the indentation of the entries.
            let _ = write!(out, "{indent}- {}", block.trim_start_matches(' '));
        }
        _ => {
            let _ = writeln!(out, "{indent}- {flow}");
        }
    }
}

/// Whether a text is written as a block of lines.
fn is_block(text: &str) -> bool {
    let has_lines = text.trim_end_matches('\n').contains('\n');
    let is_line = |line: &str| !line.ends_with([' ', '\t']) && !line.chars().any(|c| c != '\t' && is_unsafe(c));
    // The indentation of the first line is that of the block.
    let starts = !text.starts_with([' ', '\t', '\n']);
    has_lines && starts && text.split('\n').all(is_line)
}

/// A string in one line: plain if it is read as the same string in every YAML version, otherwise in double quotes.
fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || "_./-".contains(c);
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '_'));
    let lower = text.to_lowercase();
    let is_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&lower.as_str());
    let mut chars = text.chars();
    let ends = chars.next_back().is_some_and(|c| !c.is_whitespace());
    let is_plain = text.chars().all(|c| is_word(c) || " ;=+*()".contains(c));
    // A class of statuses.
    let is_class = text.len() == 3 && text.ends_with("xx") && text.starts_with(|c: char| c.is_ascii_digit());
    if is_class || (starts && ends && is_plain && !is_other) {
        return text.to_owned();
    }
    quoted_yaml(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::source::{Diagnostics, Sources, parse_yaml};

    fn read(text: &str) -> Json {
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a"), text.to_owned());
        let mut errors = Diagnostics::default();
        let node = parse_yaml(sources.text(file), file, &mut errors).expect("a node");
        assert!(errors.is_empty(), "{text}\n{}", errors.render(&sources, false));
        node.to_json()
    }

    fn written(value: &Json) -> String {
        YamlNode::json(value, &|text| text.to_owned()).document()
    }

    #[test]
    fn document_is_written_for_people() {
        let value = json!({
            "a": "plain text", "b": "7", "c": "a: b", "d": ["x", 1, null], "e": { "f": { "g": "line 1\n  line 2\n" } },
            "h": "yes", "i": "{{ token }}", "j": "tab\tand \r", "k": [{ "a": "x\ny" }, { "b": 1 }, "c\nd"],
        });
        let expected = "a: plain text\nb: \"7\"\nc: \"a: b\"\nd: [x, 1, null]\ne:\n  f:\n    g: |\n      line 1\n        line 2\n\
                        h: \"yes\"\ni: \"{{ token }}\"\nj: \"tab\\tand \\r\"\n\
                        k:\n  - a: |-\n      x\n      y\n  - { b: 1 }\n  - \"c\\nd\"\n";
        assert_eq!(written(&value), expected);
        assert_eq!(read(expected), value);
    }

    #[test]
    fn comments_are_before_their_entry() {
        let inner = YamlNode::Map(vec![
            entry("b", YamlNode::text("c")).comments(["not imported: -k\nx".to_owned()]),
        ]);
        let document = YamlNode::Map(vec![entry("a", inner)]).document();
        assert_eq!(document, "a:\n  # not imported: -k x\n  b: c\n");
    }

    proptest! {
        #[test]
        fn text_is_read_as_it_was(text in "(\\PC|[\\n\\r\\t \"'#:{}\\[\\]|>&*!%@`,?-]|\u{85}|\u{2028}|\u{feff}){0,24}", deep in any::<bool>()) {
            let value = if deep { json!({ "a": { "b": [{ "c": text, "e": { "f": text } }, [text]], "d": text } }) } else { json!({ "k": text }) };
            prop_assert_eq!(read(&written(&value)), value);
        }

        #[test]
        fn key_is_read_as_it_was(key in "\\PC{1,12}") {
            // A suite reads two `$` at the beginning as one.
            let sign = if key.starts_with("$$") { "$" } else { "" };
            let in_file = json!({ "a": { (format!("{sign}{key}")): 1 } });
            prop_assert_eq!(read(&written(&json!({ "a": { key: 1 } }))), in_file);
        }
    }
}
