//! The values of variables, and where they occur in a text.

use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, MatchKind};

/// From this length on a variable's value is put back wherever it stands; a shorter one only where it is all there is,
/// and a number of fewer digits not at all: it could be any number.
pub(super) const DISTINCT: usize = 8;

/// Values of a target's variables, each with its name.
#[derive(Debug)]
pub struct PutBack {
    pairs: Vec<(String, String)>,
    finder: Option<AhoCorasick>,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Text that is no value of a variable.
    Literal(&'t str),
    /// The value of the variable with this name.
    Name(&'t str),
}

impl PutBack {
    /// Takes `(name, value)` pairs; empty values are left out. Of two names with one value the first is written.
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
        Self { pairs: known, finder }
    }

    /// The pieces of a text, without empty ones.
    pub(crate) fn pieces<'t>(&'t self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut done = 0;
        let literal = |from: usize, to: usize, pieces: &mut Vec<Piece<'t>>| {
            if from < to {
                pieces.push(Piece::Literal(&text[from..to]));
            }
        };
        for found in self.finder.iter().flat_map(|finder| finder.find_iter(text)) {
            if found.len() < DISTINCT && found.len() < text.len() {
                continue;
            }
            literal(done, found.start(), &mut pieces);
            pieces.push(Piece::Name(&self.pairs[found.pattern().as_usize()].0));
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

    /// Writes `{{ name }}` where a value stands.
    pub fn put_back(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in self.pieces(text) {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Name(name) => drop(write!(out, "{{{{ {name} }}}}")),
            }
        }
        out
    }

    /// Writes the value where `{{ name }}` stands, as it is.
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
