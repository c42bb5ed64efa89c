//! A filter that rejects most texts before a search for many others.

/// Triples of adjacent bytes, one of each wanted text. A text without any of them contains no wanted text.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// By [`index`], whether a triple is wanted.
    triples: Box<[u64; SIZE / 64]>,
    /// The wanted texts of one byte.
    bytes: Vec<u8>,
}

const SIZE: usize = 1 << 16;

impl Prefilter {
    /// Takes the rarest triple of each wanted text; ASCII letters are equal in both cases.
    pub(crate) fn new<'t>(wanted: impl IntoIterator<Item = &'t [u8]>) -> Self {
        let mut filter = Self {
            triples: Box::new([0; SIZE / 64]),
            bytes: Vec::new(),
        };
        for text in wanted {
            match *text {
                [] => filter.triples.fill(u64::MAX),
                [byte] => filter
                    .bytes
                    .extend([byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]),
                [first, second] => (0..=u8::MAX).for_each(|other| {
                    filter.add([first, second, other]);
                    filter.add([other, first, second]);
                }),
                _ => {
                    let triples = text.windows(3).filter_map(|triple| <[u8; 3]>::try_from(triple).ok());
                    let rarest = triples.min_by_key(|triple| triple.map(frequency).iter().product::<u32>());
                    if let Some(triple) = rarest {
                        filter.add(triple);
                    }
                }
            }
        }
        filter
    }

    fn add(&mut self, triple: [u8; 3]) {
        let index = index(triple.map(|byte| byte.to_ascii_lowercase()));
        self.triples[index / 64] |= 1 << (index % 64);
    }

    /// False if the text contains none of the wanted texts, in any case.
    pub(crate) fn may_match(&self, text: &[u8]) -> bool {
        let [first, second, rest @ ..] = text else { return true };
        let (mut first, mut second) = (first.to_ascii_lowercase(), second.to_ascii_lowercase());
        let mut is_wanted = |third: &u8| {
            let third = third.to_ascii_lowercase();
            let index = index([first, second, third]);
            (first, second) = (second, third);
            self.triples[index / 64] >> (index % 64) & 1 == 1
        };
        rest.is_empty()
            || rest.iter().any(&mut is_wanted)
            || self.bytes.iter().any(|byte| memchr::memchr(*byte, text).is_some())
    }
}

/// The place of a triple; several triples can have one place.
fn index([first, second, third]: [u8; 3]) -> usize {
    let triple = u32::from_be_bytes([0, first, second, third]);
    // The upper bits of the product depend on all bits of the triple.
    (triple.wrapping_mul(0x9e37_79b1) >> 16) as usize
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
    fn text_without_a_wanted_triple_is_rejected() {
        let filter = Prefilter::new([&b":line "[..], b"Exception", b"="]);
        for text in ["at Main.cs:LINE 5", "NullException", "a=b", "=", "x", "xy", ""] {
            assert!(filter.may_match(text.as_bytes()), "{text}");
        }
        for text in ["the value is not valid", "\"line\": 5"] {
            assert!(!filter.may_match(text.as_bytes()), "{text}");
        }
        let short = Prefilter::new([&b"p("[..]]);
        assert!(short.may_match(b"a.PHP(") && short.may_match(b"p(x") && !short.may_match(b"a.php"));
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
