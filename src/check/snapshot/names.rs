//! The values of variables, and where they occur in a text.

use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, MatchKind};

/// Minimum length of a value that is replaced by its variable's name anywhere in a text. A shorter value is replaced only if
/// it is the whole text, and a shorter number never, because it could be any number.
pub(super) const DISTINCT: usize = 8;

/// Values of a target's variables, each with its name.
#[derive(Debug)]
pub struct VariableSubstitution {
    pairs: Vec<(String, String)>,
    /// The number of pairs at the end that were captured or generated.
    late: usize,
    finder: Option<AhoCorasick>,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextPiece<'t> {
    /// Text that is not the value of a variable.
    Literal(&'t str),
    /// The value of the variable with this name.
    Name(&'t str),
}

/// Whether a part of a text is a whole segment of a path.
fn is_path_segment(text: &str, range: std::ops::Range<usize>) -> bool {
    text[..range.start].ends_with('/') && (range.end == text.len() || text[range.end..].starts_with(['/', '?', '#']))
}

impl VariableSubstitution {
    /// Takes `(name, value)` pairs; empty values are ignored. Of two names with the same value the first is used.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut known: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if !value.is_empty() {
                known.push((name, value));
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(known.iter().map(|(_, value)| value))
            .ok();
        Self {
            pairs: known,
            late: 0,
            finder,
        }
    }

    /// The same with captured and generated values.
    pub(crate) fn with_late(&self, late: impl IntoIterator<Item = (String, String)>) -> Self {
        let late: Vec<_> = late.into_iter().collect();
        let count = self.late + late.iter().filter(|(_, value)| !value.is_empty()).count();
        Self {
            late: count,
            ..Self::new(self.pairs.iter().cloned().chain(late))
        }
    }

    /// The name of a captured number that is shorter than [`DISTINCT`]. It could be any number, so the property must be an
    /// identifier by its name, or have the name of the capture.
    pub(super) fn short_number(&self, property: &str, text: &str) -> Option<&str> {
        let property = property.to_ascii_lowercase();
        let late = &self.pairs[self.pairs.len() - self.late..];
        let is_same = |(name, value): &&(String, String)| {
            let name = name.to_ascii_lowercase();
            value == text && (property.ends_with("id") || property == name || name == format!("{property}_id"))
        };
        late.iter().find(is_same).map(|(name, _)| name.as_str())
    }

    /// The pieces of a text, without empty ones.
    pub(crate) fn pieces<'t>(&'t self, text: &'t str) -> Vec<TextPiece<'t>> {
        let mut pieces = Vec::new();
        let mut done = 0;
        let literal = |from: usize, to: usize, pieces: &mut Vec<TextPiece<'t>>| {
            if from < to {
                pieces.push(TextPiece::Literal(&text[from..to]));
            }
        };
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            let is_late = found.pattern().as_usize() >= self.pairs.len() - self.late;
            let is_segment = || is_late && is_path_segment(text, found.range());
            if found.len() < DISTINCT && found.len() < text.len() && !is_segment() {
                continue;
            }
            literal(done, found.start(), &mut pieces);
            pieces.push(TextPiece::Name(&self.pairs[found.pattern().as_usize()].0));
            done = found.end();
        }
        literal(done, text.len(), &mut pieces);
        pieces
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// The text with values replaced by `{{ name }}`.
    pub fn substitute_names(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in self.pieces(text) {
            match piece {
                TextPiece::Literal(text) => out.push_str(text),
                TextPiece::Name(name) => drop(write!(out, "{{{{ {name} }}}}")),
            }
        }
        out
    }

    /// The text with `{{ name }}` replaced by the value, as it is.
    pub(crate) fn fill_plain(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.pairs {
            if text.contains("{{ ") {
                text = text.replace(&format!("{{{{ {name} }}}}"), value);
            }
        }
        text
    }
}
