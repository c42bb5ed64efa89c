//! A filter that rejects most texts before a search for many others.

/// Sequences of four adjacent bytes, one of each wanted text. A text without any of them contains no wanted text.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// The sequences, sorted.
    sequences: Vec<u32>,
    /// By [`index`], whether there is a sequence.
    places: Box<[u64; SIZE / 64]>,
    /// The wanted texts that are shorter than a sequence.
    short: Vec<Vec<u8>>,
}

/// Length of a sequence in bytes.
const LENGTH: usize = 4;
const SIZE: usize = 1 << 16;

impl Prefilter {
    /// Takes the rarest sequence of each wanted text; ASCII letters are equal in both cases.
    pub(crate) fn new<'t>(wanted: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut filter = Self {
            sequences: Vec::new(),
            places: Box::new([0; SIZE / 64]),
            short: Vec::new(),
        };
        for text in wanted {
            let sequences = text.windows(LENGTH);
            let rarest = sequences.min_by_key(|bytes| bytes.iter().map(|byte| frequency(*byte)).product::<u32>());
            match rarest {
                Some(bytes) => {
                    let sequence = sequence(bytes);
                    let index = index(sequence);
                    filter.places[index / 64] |= 1 << (index % 64);
                    filter.sequences.push(sequence);
                }
                None => filter.short.push(text.to_vec()),
            }
        }
        filter.sequences.sort_unstable();
        filter
    }

    /// False if the text contains none of the wanted texts, in any case.
    pub(crate) fn may_match(&self, text: &[u8]) -> bool {
        let is_wanted = |bytes: &[u8]| {
            let sequence = sequence(bytes);
            let index = index(sequence);
            self.places[index / 64] >> (index % 64) & 1 == 1 && self.sequences.binary_search(&sequence).is_ok()
        };
        text.windows(LENGTH).any(is_wanted) || self.short.iter().any(|short| contains(text, short))
    }
}

/// Adjacent bytes as a number. The case of ASCII letters has no influence on it. Some other bytes become equal, too: the
/// filter only passes a few more texts.
fn sequence(bytes: &[u8]) -> u32 {
    let bytes = bytes.try_into().map_or(0, u32::from_le_bytes);
    bytes | 0x2020_2020
}

/// The place of a sequence; several sequences can have one place.
fn index(sequence: u32) -> usize {
    // The upper bits of the product depend on all bits of the sequence.
    (sequence.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// Whether a text contains another in any case.
fn contains(text: &[u8], other: &[u8]) -> bool {
    let Some(first) = other.first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text).any(|at| {
        text[at..]
            .get(..other.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(other))
    })
}

/// How frequent a byte is in messages and identifiers, roughly.
fn frequency(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' | b'e' => 12,
        b'a' | b'o' | b't' | b'i' | b'n' | b's' | b'r' => 8,
        b'0'..=b'9' | b'"' | b'-' | b'h' | b'l' | b'd' | b'c' | b'u' | b'm' => 4,
        b'a'..=b'z' | b',' | b':' | b'.' | b'/' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Prefilter;

    #[test]
    fn text_without_a_wanted_sequence_is_rejected() {
        let filter = Prefilter::new([&b":line "[..], b"Exception", b"=", b".py"]);
        for text in ["at Main.cs:LINE 5", "NullException", "a=b", "=", "x.PY"] {
            assert!(filter.may_match(text.as_bytes()), "{text}");
        }
        for text in ["", "x", ".p", "the value is not valid", "\"line\": 5"] {
            assert!(!filter.may_match(text.as_bytes()), "{text}");
        }
        assert!(Prefilter::new([&b""[..]]).may_match(b"anything"));
        assert!(!Prefilter::new([]).may_match(b"anything"));
    }

    proptest! {
        #[test]
        fn text_that_contains_a_wanted_text_may_match(
            before in prop::collection::vec(any::<u8>(), 0..4),
            wanted in prop::collection::vec(any::<u8>(), 0..6),
            after in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let filter = Prefilter::new([wanted.as_slice()]);
            let text = [before, wanted.clone(), after].concat();
            prop_assert!(filter.may_match(&text));
            prop_assert!(filter.may_match(&text.to_ascii_uppercase()));
            prop_assert!(Prefilter::new([wanted.to_ascii_uppercase().as_slice()]).may_match(&text));
        }
    }
}
