//! TOML into nodes.

use toml::{Spanned, de::DeTable, de::DeValue};

use super::{Diagnostic, Diagnostics, FileId, Key, Kind, Node, Sources, Span, node::number};

/// Reads a TOML document; syntax errors are added to `errors` with their location.
pub(crate) fn parse_toml(sources: &Sources, file: FileId, errors: &mut Diagnostics) -> Option<Node> {
    let text = sources.text(file);
    let locations = Locations::new(file, text);
    let (table, problems) = DeTable::parse_recoverable(text);
    if problems.is_empty() {
        let range = table.span();
        return Some(Node {
            span: locations.span(range),
            kind: map(table.get_ref(), &locations),
        });
    }
    for problem in problems {
        let span = locations.span(problem.span().unwrap_or(0..0));
        errors.push(Diagnostic::new(span, problem.message().to_owned()));
    }
    None
}

fn map(table: &DeTable<'_>, locations: &Locations<'_>) -> Kind {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let key = Key {
                span: locations.span(key.span()),
                text: key.get_ref().as_ref().into(),
            };
            (key, node(value, locations))
        })
        .collect();
    entries.sort_by_key(|(key, _)| key.span);
    Kind::Map(entries)
}

fn node(value: &Spanned<DeValue<'_>>, locations: &Locations<'_>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::String(text.to_string()),
        DeValue::Boolean(value) => Kind::Bool(*value),
        DeValue::Integer(value) => digits(&value.to_string()),
        DeValue::Float(value) => digits(&value.to_string()),
        DeValue::Datetime(value) => Kind::String(value.to_string()),
        DeValue::Array(items) => Kind::List(items.iter().map(|item| node(item, locations)).collect()),
        DeValue::Table(table) => map(table, locations),
    };
    Node {
        span: locations.span(value.span()),
        kind,
    }
}

fn digits(text: &str) -> Kind {
    number(text).map_or_else(|| Kind::String(text.to_owned()), Kind::Number)
}

/// Byte offsets of a text as lines and columns.
struct Locations<'t> {
    file: FileId,
    text: &'t str,
}

impl<'t> Locations<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        Self { file, text }
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        let (line, column) = self.point(range.start);
        let (end_line, end_column) = self.point(range.end);
        Span {
            file: self.file,
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn point(&self, at: usize) -> (u32, u32) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}
