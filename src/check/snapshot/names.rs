//! The values of variables, and where they occur in a text.

use std::{collections::BTreeMap, fmt::Write as _, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};

use crate::check::identifiers::{self, CaptureOrigin, MIN_DISTINCT};

/// Minimum length of a value that is replaced by its variable's name anywhere in a text. A shorter value is replaced only if
/// it is the whole text, and a shorter number never, because it could be any number. A captured value is also replaced where
/// it is a word, from [`MIN_DISTINCT`] on, and where one can be expected.
pub(super) const DISTINCT: usize = 8;

/// The origin of a value that was not captured.
static NO_ORIGIN: CaptureOrigin = CaptureOrigin {
    property: None,
    resource: None,
};

/// Values of a target's variables, each with its name.
#[derive(Debug)]
pub struct VariableSubstitution {
    pairs: Vec<(String, String)>,
    /// The number of pairs at the end that were captured or generated.
    late: usize,
    /// The origins of the captured values, by the names of the captures.
    origins: BTreeMap<String, CaptureOrigin>,
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
            origins: BTreeMap::new(),
            finder,
        }
    }

    /// The same with captured and generated values, and the origins of the captured ones unless they are known.
    pub(crate) fn with_late(
        &self,
        late: impl IntoIterator<Item = (String, String)>,
        origins: impl IntoIterator<Item = (String, CaptureOrigin)>,
    ) -> Self {
        let late: Vec<_> = late.into_iter().collect();
        let count = self.late + late.iter().filter(|(_, value)| !value.is_empty()).count();
        let mut all = self.origins.clone();
        for (capture, origin) in origins {
            all.entry(capture).or_insert(origin);
        }
        Self {
            late: count,
            origins: all,
            ..Self::new(self.pairs.iter().cloned().chain(late))
        }
    }

    /// The captured value with this text that is expected after a name, the most certain one of several.
    fn expected(&self, name: &str, text: &str) -> Option<&str> {
        let late = self.pairs[self.pairs.len() - self.late..].iter();
        let rated = late.filter(|(_, value)| value == text).filter_map(|(capture, _)| {
            let origin = self.origins.get(capture).unwrap_or(&NO_ORIGIN);
            Some((identifiers::expectation(name, capture, origin)?, capture.as_str()))
        });
        rated
            .rev()
            .max_by_key(|(certainty, _)| *certainty)
            .map(|(_, name)| name)
    }

    /// The name of a captured value that is shorter than [`DISTINCT`], in a property where it is expected. A value of
    /// [`MIN_DISTINCT`] characters is the captured one anywhere.
    pub(super) fn short_value(&self, property: &str, text: &str) -> Option<&str> {
        self.expected(property, text).or_else(|| {
            let mut late = self.pairs[self.pairs.len() - self.late..].iter();
            let same = late.find(|(_, value)| value == text && text.len() >= MIN_DISTINCT)?;
            Some(same.0.as_str())
        })
    }

    /// The name of a captured value that is a word of a text.
    fn word(&self, text: &str, range: &Range<usize>) -> Option<&str> {
        if is_path_segment(text, range.clone()) {
            return self.expected("/", &text[range.clone()]);
        }
        if !identifiers::is_word(text, range) {
            return None;
        }
        self.short_value(identifiers::preceding(&text[..range.start]), &text[range.clone()])
    }

    /// The pieces of a text, without empty ones.
    pub(crate) fn pieces<'t>(&'t self, text: &'t str) -> Vec<TextPiece<'t>> {
        self.pieces_of(None, text)
    }

    /// The pieces of the value of a property or header field, by its name. A short captured value that is the whole text is
    /// the captured one only where it is expected, like a number.
    pub(super) fn pieces_of<'t>(&'t self, property: Option<&str>, text: &'t str) -> Vec<TextPiece<'t>> {
        let mut pieces = Vec::new();
        let mut done = 0;
        let literal = |from: usize, to: usize, pieces: &mut Vec<TextPiece<'t>>| {
            if from < to {
                pieces.push(TextPiece::Literal(&text[from..to]));
            }
        };
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            let is_late = found.pattern().as_usize() >= self.pairs.len() - self.late;
            let whole = property.filter(|_| is_late && found.len() == text.len());
            let word = match whole {
                Some(property) => self.short_value(property, text),
                None => is_late.then(|| self.word(text, &found.range())).flatten(),
            };
            let is_part = found.len() < text.len();
            if found.len() < DISTINCT && (is_part || whole.is_some()) && word.is_none() {
                continue;
            }
            literal(done, found.start(), &mut pieces);
            let name = word.unwrap_or(&self.pairs[found.pattern().as_usize()].0);
            pieces.push(TextPiece::Name(name));
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
