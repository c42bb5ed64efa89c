//! Reads and writes the 128-bit identifiers of tenants and users.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A 128-bit identifier, compared by value and not by spelling.
///
/// It is read in four spellings, with hexadecimal digits of either case and no whitespace around:
/// 32 digits (`N`), with hyphens as 8-4-4-4-12 (`D`), and the latter in braces (`B`) or in
/// parentheses (`P`). It is written as `D` in lower case (RFC 9562, section 4). Version and variant
/// bits are ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

impl Guid {
    /// Reads one of the four spellings; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value = match text.as_bytes() {
            [b'{', inner @ .., b'}'] | [b'(', inner @ .., b')'] => hyphenated(inner),
            plain if plain.len() == 32 => plain.iter().copied().try_fold(0, push_digit),
            other => hyphenated(other),
        };
        value.map(Self)
    }
}

/// The value of 36 bytes of the form 8-4-4-4-12.
fn hyphenated(bytes: &[u8]) -> Option<u128> {
    if bytes.len() != 36 {
        return None;
    }
    bytes
        .iter()
        .copied()
        .enumerate()
        .try_fold(0, |value, (at, byte)| match at {
            8 | 13 | 18 | 23 => (byte == b'-').then_some(value),
            _ => push_digit(value, byte),
        })
}

fn push_digit(value: u128, byte: u8) -> Option<u128> {
    let digit = char::from(byte).to_digit(16)?;
    Some(value << 4 | u128::from(digit))
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            value >> 96,
            value >> 80 & 0xffff,
            value >> 64 & 0xffff,
            value >> 48 & 0xffff,
            value & 0xffff_ffff_ffff,
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format_args!("`{text}` is not a GUID")))
    }
}
