//! Adds the lines that `mutate` advises to a case file, at the place in its mappings where they belong.

use std::{fmt::Write as _, ops::Range};

use serde_json::Value;

use super::{
    cursor::{DocumentSyntax, parse},
    position::{LineIndex, PositionUnit},
};
use crate::source::{Kind, Node, Span};

/// A replacement of bytes.
pub(super) type ByteEdit = (Range<usize>, String);

/// The edit that adds lines, a mapping in YAML, to a document: mappings are merged key by key, anything else is replaced. `None`
/// if the result would not be exactly that.
pub(super) fn addition(text: &str, lines: &str) -> Option<Vec<ByteEdit>> {
    let (root, added) = (parse(text, DocumentSyntax::Yaml)?, parse(lines, DocumentSyntax::Yaml)?);
    let wanted = laid(root.to_json(), added.to_json());
    let index = LineIndex::new(text, PositionUnit::Byte);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    [EntryPlace::Last, EntryPlace::BeforeLast, EntryPlace::First]
        .into_iter()
        .find_map(|spot| {
            let target = EditedText {
                text,
                index: &index,
                lines,
                end,
                spot,
            };
            let mut edits = Vec::new();
            target.edits(&root, &added, &mut edits)?;
            edits.sort_by_key(|(range, _)| range.start);
            let result = parse(&applied(text, &edits), DocumentSyntax::Yaml)?;
            (result.to_json() == wanted).then_some(edits)
        })
}

/// A text after edits, in the order of their places.
fn applied(text: &str, edits: &[ByteEdit]) -> String {
    let mut out = text.to_owned();
    for (range, new) in edits.iter().rev() {
        out.replace_range(range.clone(), new);
    }
    out
}

/// The mapping after the addition.
fn laid(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let base = under.remove(&key).unwrap_or_default();
                under.insert(key, laid(base, value));
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

/// Where a new entry of a block is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryPlace {
    Last,
    BeforeLast,
    First,
}

/// A document that lines are added to.
struct EditedText<'t> {
    text: &'t str,
    index: &'t LineIndex<'t>,
    lines: &'t str,
    /// The line ending of the document.
    end: &'t str,
    spot: EntryPlace,
}

impl EditedText<'_> {
    fn edits(&self, node: &Node, added: &Node, edits: &mut Vec<ByteEdit>) -> Option<()> {
        let mut new = Vec::new();
        for (key, value) in added.entries() {
            match node.get(&key.text) {
                None => new.push((key, value)),
                Some(known) if !known.entries().is_empty() && !value.entries().is_empty() => {
                    self.edits(known, value, edits)?;
                }
                Some(known) => edits.push((self.single_line(known)?, flow(&value.to_json()))),
            }
        }
        if new.is_empty() {
            return Some(());
        }
        if self.text[self.start(node.span)..].starts_with('{') {
            let close = self.close(node)?;
            let mut text = String::new();
            for (key, value) in new {
                let _ = write!(text, ", {}: {}", name(&key.text), flow(&value.to_json()));
            }
            let space = if self.text[..close].ends_with(' ') { " " } else { "" };
            edits.push((close - space.len()..close, format!("{text}{space}")));
            return Some(());
        }
        for (key, _) in new {
            edits.push(self.in_block(node, key.span)?);
        }
        Some(())
    }

    fn start(&self, span: Span) -> usize {
        self.index.bytes(span).start
    }

    /// The bytes of a value that ends on its first line and is not the value of a block.
    fn single_line(&self, node: &Node) -> Option<Range<usize>> {
        let bytes = self.index.bytes(node.span);
        let first = self.text[bytes.start..].chars().next()?;
        match &node.kind {
            Kind::Map(_) | Kind::List(_) if matches!(first, '{' | '[') => {
                let close = self.close(node)?;
                Some(bytes.start..close + 1)
            }
            Kind::Map(_) | Kind::List(_) => None,
            _ if matches!(first, '|' | '>') => None,
            _ => Some(bytes),
        }
    }

    /// The byte of the brace or bracket that closes a value.
    fn close(&self, node: &Node) -> Option<usize> {
        let end = self.index.bytes(node.span).end;
        let is_close = |at: &usize| self.text[*at..].starts_with(['}', ']']);
        [Some(end), end.checked_sub(1)]
            .into_iter()
            .flatten()
            .find(|at| self.text.is_char_boundary(*at) && is_close(at))
    }

    /// A new entry of a mapping in block style; `span` is its key in the added lines.
    fn in_block(&self, node: &Node, span: Span) -> Option<ByteEdit> {
        let entries = node.entries();
        let (first, last) = (entries.first()?.0.span, entries.last()?.0.span);
        let indent = first.column as usize - 1;
        let block = self.block(span, indent);
        if self.spot == EntryPlace::Last {
            let mut line = last.line as usize - 1;
            for next in line + 1.. {
                let text = self.index.line(next);
                let depth = text.len() - text.trim_start().len();
                if !text.trim().is_empty() && depth <= indent || self.is_past_end(next) {
                    break;
                }
                if !text.trim().is_empty() {
                    line = next;
                }
            }
            let text = self.index.line(line);
            let at = self.index.offset(super::position::TextPosition {
                line: u32::try_from(line).ok()?,
                character: 0,
            }) + text.len();
            return Some((at..at, format!("{}{}{}", self.end, " ".repeat(indent), block)));
        }
        let key = if self.spot == EntryPlace::First { first } else { last };
        let at = self.start(key);
        Some((at..at, format!("{block}{}{}", self.end, " ".repeat(indent))))
    }

    fn is_past_end(&self, line: usize) -> bool {
        line >= self.text.split_inclusive('\n').count()
    }

    /// The lines of an entry with this indentation; the first line has none.
    fn block(&self, span: Span, indent: usize) -> String {
        let (line, column) = (span.line as usize - 1, span.column as usize - 1);
        let mut all = self.lines.lines().skip(line);
        let first = all.next().unwrap_or_default();
        let deeper = all.take_while(|text| text.len() - text.trim_start().len() > column);
        let mut block = first.get(column..).unwrap_or_default().to_owned();
        for text in deeper {
            let _ = write!(
                block,
                "{}{}{}",
                self.end,
                " ".repeat(indent),
                text.get(column..).unwrap_or_default()
            );
        }
        block
    }
}

fn name(key: &str) -> String {
    let inside = key.strip_prefix('$').unwrap_or(key);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_word = inside.starts_with(|c: char| c.is_ascii_alphabetic()) && inside.chars().all(is_plain);
    if is_word && !["true", "false", "null"].contains(&inside) {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", name(key), flow(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_where_they_belong() {
        let headers = "expect:\n  headers:\n    etag: { present: true }\n";
        for (text, lines, result) in [
            (
                "request: { path: / }\nexpect: { status: 200 }\n",
                headers,
                "request: { path: / }\nexpect: { status: 200, headers: { etag: { present: true } } }\n",
            ),
            (
                "expect:\n  status: 200\n\nname: x\n",
                headers,
                "expect:\n  status: 200\n  headers:\n    etag: { present: true }\n\nname: x\n",
            ),
            (
                "expect:\r\n  status: 200\r\n",
                headers,
                "expect:\r\n  status: 200\r\n  headers:\r\n    etag: { present: true }\r\n",
            ),
            ("name: x", "expect:\n  status: 404\n", "name: x\nexpect:\n  status: 404"),
            (
                "expect:\n  status: 2xx # any\n  body:\n    json:\n      a: |\n        text\n",
                "expect:\n  status: 201\n  body:\n    json:\n      b: 1\n",
                "expect:\n  status: 201 # any\n  body:\n    json:\n      a: |\n        text\n      b: 1\n",
            ),
            (
                "expect: { body: { json: { a: [1,\n  2] } } }\n",
                "expect:\n  body:\n    json:\n      a: [1]\n      \"b c\": \"🙂\"\n",
                "expect: { body: { json: { a: [1], \"b c\": \"🙂\" } } }\n",
            ),
        ] {
            let edits = addition(text, lines).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(applied(text, &edits), result);
        }
    }

    #[test]
    fn lines_that_cannot_be_added_exactly_are_not() {
        for (text, lines) in [
            ("a: [", "b: 1\n"),
            ("expect:\n  body: |\n    x\n", "expect:\n  body:\n    empty: true\n"),
            ("expect: &a { status: 200 }\nb: *a\n", "expect:\n  duration: 1s\n"),
        ] {
            assert_eq!(addition(text, lines), None, "{text}");
        }
    }
}
