//! Positions in a text: bytes, the lines and columns of a [`Span`], and the lines and characters of the protocol.

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// The unit of [`TextPosition::character`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PositionUnit {
    /// Bytes of UTF-8.
    Byte,
    /// Code units of UTF-16, the default of the protocol.
    #[default]
    Utf16,
}

impl PositionUnit {
    /// Its name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Byte => "utf-8",
            Self::Utf16 => "utf-16",
        }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Byte => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// A position of the protocol; both numbers count from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct TextPosition {
    pub(super) line: u32,
    pub(super) character: u32,
}

/// A range of the protocol; the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TextRange {
    pub(super) start: TextPosition,
    pub(super) end: TextPosition,
}

impl TextRange {
    /// Whether two ranges have a position in common.
    pub(super) fn touches(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// The lines of a text.
pub(super) struct LineIndex<'t> {
    text: &'t str,
    starts: Vec<usize>,
    unit: PositionUnit,
}

impl<'t> LineIndex<'t> {
    pub(super) fn new(text: &'t str, unit: PositionUnit) -> Self {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|at| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|at| at + 1)).collect();
        Self { text, starts, unit }
    }

    /// A line without its end; empty past the last one.
    pub(super) fn line(&self, line: usize) -> &'t str {
        let Some(start) = self.starts.get(line) else { return "" };
        let end = self.starts.get(line + 1).map_or(self.text.len(), |end| *end);
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// The byte at a position, clamped to its line and to the text.
    pub(super) fn offset(&self, position: TextPosition) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line) else {
            return self.text.len();
        };
        let (mut units, wanted) = (0, position.character as usize);
        for (at, c) in self.line(line).char_indices() {
            if units >= wanted {
                return start + at;
            }
            units += self.unit.length(c.encode_utf8(&mut [0; 4]));
        }
        start + self.line(line).len()
    }

    /// The position of a byte, clamped to the text.
    pub(super) fn position(&self, offset: usize) -> TextPosition {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let before = &self.text[self.starts[line]..offset];
        let before = &before[..before.len().min(self.line(line).len())];
        let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        TextPosition {
            line: count(line),
            character: count(self.unit.length(before)),
        }
    }

    pub(super) fn range(&self, bytes: std::ops::Range<usize>) -> TextRange {
        TextRange {
            start: self.position(bytes.start),
            end: self.position(bytes.end),
        }
    }

    /// The bytes of a span, clamped to the text.
    pub(super) fn bytes(&self, span: Span) -> std::ops::Range<usize> {
        let at = |line: u32, column: u32| {
            let line = line.saturating_sub(1) as usize;
            let text = self.line(line);
            let inside = text.char_indices().nth(column.saturating_sub(1) as usize);
            let start = self.starts.get(line).copied().unwrap_or(self.text.len());
            start + inside.map_or(text.len(), |(at, _)| at)
        };
        let start = at(span.line, span.column);
        start..at(span.end_line, span.end_column).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_in_the_unit_of_the_client() {
        let text = "é🙂x\r\nb\rc\n\n";
        for (unit, character) in [(PositionUnit::Utf16, 3), (PositionUnit::Byte, 6)] {
            let lines = LineIndex::new(text, unit);
            let at = TextPosition { line: 0, character };
            assert_eq!(&text[lines.offset(at)..=lines.offset(at)], "x");
            assert_eq!(lines.position(lines.offset(at)), at);
            assert_eq!(
                [lines.line(0), lines.line(1), lines.line(2), lines.line(9)],
                ["é🙂x", "b", "c", ""]
            );
        }
    }

    #[test]
    fn positions_outside_the_text_are_clamped() {
        let lines = LineIndex::new("ab\r\ncd", PositionUnit::Utf16);
        let offset = |line, character| lines.offset(TextPosition { line, character });
        assert_eq!([offset(0, 99), offset(1, 99), offset(99, 0)], [2, 6, 6]);
        assert_eq!(lines.position(99), TextPosition { line: 1, character: 2 });
        let inside = LineIndex::new("🙂", PositionUnit::Utf16);
        assert_eq!(inside.offset(TextPosition { line: 0, character: 1 }), 4);
    }

    #[test]
    fn span_counts_characters_from_one() {
        let text = "a: 1\r\n🙂: x";
        let lines = LineIndex::new(text, PositionUnit::Utf16);
        let span = Span {
            line: 2,
            column: 4,
            end_line: 2,
            end_column: 5,
            ..Span::default()
        };
        assert_eq!(&text[lines.bytes(span)], "x");
        assert_eq!(
            lines.range(lines.bytes(span)).start,
            TextPosition { line: 1, character: 4 }
        );
    }
}
