//! Text with one kind of escapes undone, and for each byte the place that it came from.

use std::ops::Range;

/// A way of writing characters by other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `%2B` (RFC 3986 §2.1).
    Percent,
    /// `\u002B`, `\u{2b}`, `\x2b`, `\"`, `\/`, `\n`: JSON, and the quoting of several languages.
    Backslash,
    /// `&amp;`, `&#43;`, `&#x2B;` (HTML).
    Entity,
}

impl Escapes {
    pub(super) const ALL: [Self; 3] = [Self::Percent, Self::Backslash, Self::Entity];

    /// The byte that every escape of this kind begins with.
    pub(super) fn sign(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Backslash => b'\\',
            Self::Entity => b'&',
        }
    }

    /// The bytes that the escape at the beginning of `text` stands for, and its length.
    fn read(self, text: &[u8]) -> Option<(Bytes, usize)> {
        match self {
            Self::Percent => Some((Bytes::one(byte(text.get(1..3)?)?), 3)),
            Self::Backslash => backslash(text),
            Self::Entity => entity(text),
        }
    }
}

/// What one escape stands for: a byte, or a character of up to four.
#[derive(Clone, Copy)]
struct Bytes {
    bytes: [u8; 4],
    length: usize,
}

impl Bytes {
    fn one(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn char(code: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(code)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, length })
    }

    fn get(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u32::from_str_radix(text, 16).ok()
}

fn byte(digits: &[u8]) -> Option<u8> {
    hex(digits).and_then(|code| u8::try_from(code).ok())
}

fn backslash(text: &[u8]) -> Option<(Bytes, usize)> {
    let simple = |byte| Some((Bytes::one(byte), 2));
    match *text.get(1)? {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'b' => simple(8),
        b'f' => simple(12),
        b'0' => simple(0),
        b'x' => Some((Bytes::one(byte(text.get(2..4)?)?), 4)),
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(11).position(|byte| *byte == b'}')?;
            Some((Bytes::char(hex(text.get(3..end)?)?)?, end + 1))
        }
        b'u' => {
            let first = hex(text.get(2..6)?)?;
            let second = || {
                let low = hex(text.get(6..12).filter(|rest| rest.starts_with(b"\\u"))?.get(2..)?)?;
                let pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&low);
                pair.then(|| 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00))
            };
            match second() {
                Some(code) => Some((Bytes::char(code)?, 12)),
                None => Some((Bytes::char(first)?, 6)),
            }
        }
        other if other.is_ascii_punctuation() => simple(other),
        _ => None,
    }
}

fn entity(text: &[u8]) -> Option<(Bytes, usize)> {
    const LONGEST: usize = 12;
    let end = text.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let name = text.get(1..end)?;
    let code = match name {
        b"amp" => u32::from(b'&'),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    Some((Bytes::char(code)?, end + 1))
}

/// Bytes with escapes undone.
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    /// Every escape, in order; what lies between stands for itself.
    undone: Vec<Undone>,
}

struct Undone {
    here: usize,
    length: usize,
    source: usize,
    source_length: usize,
}

impl Layer {
    /// The text with all escapes of a kind undone; none where there is none.
    pub(super) fn of(text: &[u8], escapes: Escapes) -> Option<Self> {
        let mut layer = Self {
            bytes: Vec::new(),
            undone: Vec::new(),
        };
        let (mut done, mut at) = (0, 0);
        while let Some(next) = text[at..].iter().position(|byte| *byte == escapes.sign()) {
            at += next;
            let Some((bytes, length)) = escapes.read(&text[at..]) else {
                at += 1;
                continue;
            };
            layer.bytes.extend_from_slice(&text[done..at]);
            layer.undone.push(Undone {
                here: layer.bytes.len(),
                length: bytes.length,
                source: at,
                source_length: length,
            });
            layer.bytes.extend_from_slice(bytes.get());
            at += length;
            done = at;
        }
        if layer.undone.is_empty() {
            return None;
        }
        layer.bytes.extend_from_slice(&text[done..]);
        Some(layer)
    }

    /// Where a stretch of these bytes stands in the text that they were made from.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let first = self.place(range.start).start;
        let last = self.place(range.end.saturating_sub(1).max(range.start)).end;
        first..last
    }

    fn place(&self, at: usize) -> Range<usize> {
        let after = self.undone.partition_point(|one| one.here <= at);
        let Some(one) = after.checked_sub(1).map(|index| &self.undone[index]) else {
            return at..at + 1;
        };
        if at < one.here + one.length {
            return one.source..one.source + one.source_length;
        }
        let source = one.source + one.source_length + (at - one.here - one.length);
        source..source + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_lead_back_to_where_they_stand() {
        for (escapes, text, plain) in [
            (Escapes::Percent, "a%2Bb%2b%zz%4", "a+b+%zz%4"),
            (
                Escapes::Backslash,
                r#"\u002Bx\/\"\u{e9}\xe9\n\q\u12"#,
                "+x/\"é\u{0}\n\\q\\u12",
            ),
            (Escapes::Backslash, r"\ud83d\ude00!", "😀!"),
            (Escapes::Entity, "&amp;&#43;&#x2B;&nothing;&", "&++&nothing;&"),
        ] {
            let layer = Layer::of(text.as_bytes(), escapes).unwrap();
            let seen = String::from_utf8_lossy(&layer.bytes).replace('\u{fffd}', "\u{0}");
            assert_eq!(seen, plain);
            assert_eq!(layer.source(0..layer.bytes.len()), 0..text.len());
        }
        let layer = Layer::of(b"ab%2Bcd", Escapes::Percent).unwrap();
        assert_eq!(layer.source(1..4), 1..6);
        assert_eq!(layer.source(2..3), 2..5);
        assert_eq!(layer.source(3..4), 5..6);
        assert!(Layer::of(b"plain %", Escapes::Percent).is_none());
    }
}
