//! Finding every form of a secret in bytes from anywhere.

use std::{fmt::Write as _, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;

use super::unescape::{Escapes, Layer};

/// The shortest piece of base64 that is looked for: shorter ones occur by chance.
const SHORTEST_PIECE: usize = 6;
/// How often escapes are undone: JSON inside JSON inside a URL is three.
const LAYERS: usize = 3;

/// Values and what stands for each.
#[derive(Debug)]
pub(super) struct Finder {
    automaton: AhoCorasick,
    /// The mark of each pattern of the automaton.
    marks: Vec<String>,
    /// The longest form that is looked for, in bytes.
    longest: usize,
}

/// A form that was found.
struct Hit {
    range: Range<usize>,
    pattern: usize,
}

impl Finder {
    /// A finder of values; of equal forms the first mark counts. None where there is nothing to find.
    pub(super) fn new(values: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let mut forms: Vec<(Vec<u8>, String)> = Vec::new();
        for (value, mark) in values {
            for form in forms_of(&value) {
                if !forms.iter().any(|(known, _)| *known == form) {
                    forms.push((form, mark.clone()));
                }
            }
        }
        if forms.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms.iter().map(|(form, _)| form))
            .ok()?;
        Some(Self {
            automaton,
            longest: forms.iter().map(|(form, _)| form.len()).max().unwrap_or_default(),
            marks: forms.into_iter().map(|(_, mark)| mark).collect(),
        })
    }

    /// How far a form of a secret can reach, escapes included, in bytes.
    pub(super) fn reach(&self) -> usize {
        // `\\u0041` within `%5C` is the longest that a character becomes in practice.
        self.longest * 12
    }

    /// The bytes with marks in the place of secrets; none where there is no secret in them.
    pub(super) fn hide(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut hits = Vec::new();
        self.search(bytes, &mut |range| range, LAYERS, &mut hits);
        if hits.is_empty() {
            return None;
        }
        // Whatever overlaps is hidden as one, by the mark of the longest.
        hits.sort_by_key(|hit| (hit.range.start, std::cmp::Reverse(hit.range.end)));
        let mut merged: Vec<(Range<usize>, usize, usize)> = Vec::new();
        for Hit { range, pattern } in hits {
            let length = range.len();
            match merged.last_mut() {
                Some((last, longest, mark)) if range.start < last.end => {
                    last.end = last.end.max(range.end);
                    if length > *longest {
                        (*longest, *mark) = (length, pattern);
                    }
                }
                _ => merged.push((range, length, pattern)),
            }
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        for (range, _, pattern) in merged {
            out.extend_from_slice(&bytes[done..range.start]);
            out.extend_from_slice(self.marks[pattern].as_bytes());
            done = range.end;
        }
        out.extend_from_slice(&bytes[done..]);
        Some(out)
    }

    /// Searches the bytes, and what they become as escapes are undone; `source` leads back to where the search began.
    fn search(
        &self,
        bytes: &[u8],
        source: &mut dyn FnMut(Range<usize>) -> Range<usize>,
        layers: usize,
        hits: &mut Vec<Hit>,
    ) {
        for found in self.automaton.find_iter(bytes) {
            hits.push(Hit {
                range: source(found.range()),
                pattern: found.pattern().as_usize(),
            });
        }
        if layers == 0 {
            return;
        }
        for escapes in Escapes::ALL {
            if let Some(layer) = Layer::of(bytes, escapes) {
                self.search(&layer.bytes, &mut |range| source(layer.source(range)), layers - 1, hits);
            }
        }
    }
}

/// The forms of a value that are not made by escaping characters one by one.
fn forms_of(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    if value.contains(' ') {
        forms.push(value.replace(' ', "+").into_bytes());
    }
    let hex = value.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    forms.push(hex.to_ascii_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    for engine in [
        base64::engine::general_purpose::STANDARD_NO_PAD,
        base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ] {
        // In base64 the same bytes look different at each of three offsets; only whole groups are certain.
        for offset in 0..3 {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(value.as_bytes());
            let whole = engine.encode(&bytes);
            let from = [0, 2, 3][offset];
            let to = if bytes.len() % 3 == 0 {
                whole.len()
            } else {
                bytes.len() / 3 * 4 + bytes.len() % 3
            };
            let piece = whole.get(from..to).unwrap_or_default();
            if piece.len() >= SHORTEST_PIECE {
                forms.push(piece.as_bytes().to_vec());
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    forms
}
