//! A text with one layer of encoding decoded, and the source position of each byte.
//!
//! The encodings, together with mixes of the escapes of [`super::unescape`], are the closed list of encodings that masking decodes:
//! `docs/explanation/masking.md` states it for users.

use std::ops::Range;

use super::unescape::{Unit, escape};

/// Decodes one encoding; returns `None` if a text does not contain it.
type Decoder = fn(&[u8], FormBounds) -> Option<Reading>;

/// The encodings that are undone; those without a lead byte are last.
const DECODERS: [Decoder; 10] = [
    percent,
    backslash,
    entity,
    pointer,
    quoted_printable,
    unfolded,
    squeezed,
    unchunked,
    base64,
    hex,
];

/// Number of encodings that replace or leave out something that begins with a [lead byte](is_lead).
const WITH_LEAD: usize = 8;

/// The encodings that a text can contain.
pub(super) fn decoders(text: &[u8]) -> &'static [Decoder] {
    if text.iter().copied().any(is_lead) {
        &DECODERS
    } else {
        &DECODERS[WITH_LEAD..]
    }
}

/// Whether an encoding except base64 and hexadecimal can begin with a byte.
fn is_lead(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'~' | b'=') || byte.is_ascii_whitespace()
}

/// Properties of the forms that are searched for: runs that cannot contain one are omitted from a reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormBounds {
    /// Length of the shortest form in bytes.
    pub(super) shortest: usize,
    /// Whether all bytes of all forms are ASCII.
    pub(super) are_ascii: bool,
    /// Whether a form contains whitespace.
    pub(super) have_space: bool,
}

impl FormBounds {
    /// Whether a byte can be part of a form, or of an encoding of one.
    fn can_contain(self, byte: u8) -> bool {
        matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e) || (byte >= 0x80 && !self.are_ascii)
    }
}

/// A text with one layer of encoding decoded.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// Start and end of the source of each byte.
    sources: Vec<(u32, u32)>,
    /// Whether all whitespace was removed.
    pub(super) is_squeezed: bool,
}

impl Reading {
    fn push(&mut self, byte: u8, source: Range<usize>) {
        let position = |at| u32::try_from(at).unwrap_or(u32::MAX);
        self.bytes.push(byte);
        self.sources.push((position(source.start), position(source.end)));
    }

    /// The text that a range of the reading was read from.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let sources = self.sources.get(range.clone()).unwrap_or_default();
        let start = sources.iter().map(|(start, _)| *start).min().unwrap_or_default();
        let end = sources.iter().map(|(_, end)| *end).max().unwrap_or_default();
        start as usize..end as usize
    }

    /// The same, with a piece for each part of the text that is contiguous.
    pub(super) fn pieces(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for (start, end) in self.sources.get(range.clone()).unwrap_or_default() {
            let (start, end) = (*start as usize, *end as usize);
            match pieces.last_mut() {
                Some(last) if last.end >= start => last.end = last.end.max(end),
                _ => pieces.push(start..end),
            }
        }
        pieces
    }

    fn found(self) -> Option<Self> {
        (!self.bytes.is_empty()).then_some(self)
    }

    /// Appends a run of decoded bytes, without the parts that cannot contain a form.
    fn push_run(&mut self, run: &[(u8, Range<usize>)], forms: FormBounds) {
        for part in run.split(|(byte, _)| !forms.can_contain(*byte)) {
            if part.len() >= forms.shortest {
                for (byte, source) in part {
                    self.push(*byte, source.clone());
                }
                // Separates runs: no form contains it next to text.
                let end = part.last().map_or(0, |(_, source)| source.end);
                self.push(0, end..end);
            }
        }
    }
}

/// One side of a unified diff: its lines without their markers.
pub(super) fn diff_side(diff: &str, marker: u8) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for line in diff.split_inclusive('\n') {
        let first = line.as_bytes().first();
        if first.is_some_and(|first| *first == marker || *first == b' ') {
            for (index, byte) in line.bytes().enumerate().skip(1) {
                reading.push(byte, at + index..at + index + 1);
            }
        }
        at += line.len();
    }
    reading
}

/// Percent-encoding (RFC 3986 section 2.1).
fn percent(text: &[u8], _: FormBounds) -> Option<Reading> {
    replaced(text, b'%', |text, at| escape(text, b'%', at + 1, false))
}

/// The escapes of JSON and of languages like C.
fn backslash(text: &[u8], _: FormBounds) -> Option<Reading> {
    replaced(text, b'\\', |text, at| escape(text, b'\\', at + 1, false))
}

/// The entities of HTML and XML.
fn entity(text: &[u8], _: FormBounds) -> Option<Reading> {
    replaced(text, b'&', |text, at| escape(text, b'&', at + 1, false))
}

/// Decodes an encoding in which units that begin with a certain byte are replaced and other bytes are unchanged.
fn replaced(text: &[u8], lead: u8, read: impl Fn(&[u8], usize) -> Option<Unit>) -> Option<Reading> {
    memchr::memchr_iter(lead, text).find(|at| read(text, *at).is_some())?;
    let mut reading = Reading::default();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == lead
            && let Some(unit) = read(text, at)
        {
            for decoded in unit.bytes() {
                reading.push(*decoded, at..unit.next);
            }
            at = unit.next;
            continue;
        }
        reading.push(*byte, at..at + 1);
        at += 1;
    }
    reading.found()
}

/// JSON pointers: `~1` for `/` and `~0` for `~` (RFC 6901 section 3).
fn pointer(text: &[u8], _: FormBounds) -> Option<Reading> {
    replaced(text, b'~', |text, at| match text.get(at + 1) {
        Some(b'0') => Some(Unit::byte(b'~', at + 2)),
        Some(b'1') => Some(Unit::byte(b'/', at + 2)),
        _ => None,
    })
}

/// Quoted-printable: `=2B`, and lines that end in `=` (RFC 2045 section 6.7).
fn quoted_printable(text: &[u8], _: FormBounds) -> Option<Reading> {
    replaced(text, b'=', |text, at| {
        let rest = &text[at + 1..];
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match rest.get(padding..) {
            Some([b'\r', b'\n', ..]) => return Some(Unit::empty(at + 1 + padding + 2)),
            Some([b'\n', ..]) => return Some(Unit::empty(at + 1 + padding + 1)),
            _ => {}
        }
        Some(Unit::byte(byte(text, at + 1)?, at + 3))
    })
}

/// Lines joined, as of a folded header field (RFC 9112 section 5.2) or of base64 in lines.
fn unfolded(text: &[u8], _: FormBounds) -> Option<Reading> {
    joined(text, |text, at| {
        let next = line_end(text, at)?;
        let white = text[next..].iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
        Some(next + white.count())
    })
}

/// The text without whitespace, if it has several lines: a line break can be within the whitespace of a form.
fn squeezed(text: &[u8], forms: FormBounds) -> Option<Reading> {
    if !forms.have_space {
        return None;
    }
    let reading = joined(text, |text, at| text[at].is_ascii_whitespace().then_some(at + 1))?;
    Some(Reading {
        is_squeezed: true,
        ..reading
    })
}

/// Chunks joined: a line ending, a chunk size and its line ending are left out (RFC 9112 section 7.1).
fn unchunked(text: &[u8], _: FormBounds) -> Option<Reading> {
    joined(text, |text, at| {
        let size = line_end(text, at)?;
        let digits = text[size..].iter().take(17).take_while(|byte| byte.is_ascii_hexdigit());
        let digits = digits.count();
        if digits == 0 || digits > 16 {
            return None;
        }
        let extension = text[size + digits..].iter().take(256);
        let extension = extension.take_while(|byte| !matches!(byte, b'\r' | b'\n')).count();
        let is_extension = extension == 0 || matches!(text[size + digits], b';' | b' ' | b'\t');
        line_end(text, size + digits + extension).filter(|_| is_extension)
    })
}

/// Removes the ranges whose end `end` returns.
fn joined(text: &[u8], end: impl Fn(&[u8], usize) -> Option<usize>) -> Option<Reading> {
    let line = memchr::memchr2(b'\r', b'\n', text)?;
    (line..text.len()).find(|at| end(text, *at).is_some())?;
    let mut reading = Reading::default();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if let Some(next) = end(text, at) {
            at = next;
            continue;
        }
        reading.push(*byte, at..at + 1);
        at += 1;
    }
    reading.found()
}

/// The end of a line ending that begins at `at`.
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..)? {
        [b'\r', b'\n', ..] => Some(at + 2),
        [b'\r' | b'\n', ..] => Some(at + 1),
        _ => None,
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Base64 and base64url at every offset, with or without padding, in one piece or in lines.
fn base64(text: &[u8], forms: FormBounds) -> Option<Reading> {
    let least = forms.shortest * 4 / 3;
    if text.len() < least {
        return None;
    }
    let mut reading = Reading::default();
    let mut digits: Vec<(u8, usize)> = Vec::new();
    let mut run: Vec<(u8, Range<usize>)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        at += text[at..].iter().take_while(|byte| sextet(**byte).is_none()).count();
        digits.clear();
        while let Some(byte) = text.get(at) {
            if let Some(value) = sextet(*byte) {
                digits.push((value, at));
                at += 1;
                continue;
            }
            let after = line_end(text, at).map(|next| {
                let white = text[next..].iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
                next + white.count()
            });
            match after {
                Some(next) if text.get(next).is_some_and(|byte| sextet(*byte).is_some()) => at = next,
                _ => break,
            }
        }
        if digits.len() >= least {
            for offset in can_contain(&digits, forms) {
                run.clear();
                run.extend(decoded(&digits[offset..]));
                reading.push_run(&run, forms);
            }
        }
    }
    reading.found()
}

/// The offsets at which digits contain a run of bytes that can contain a form.
fn can_contain(digits: &[(u8, usize)], forms: FormBounds) -> impl Iterator<Item = usize> {
    let mut lengths = [0_usize; 4];
    let mut is_long = [false; 4];
    for (at, pair) in digits.windows(2).enumerate() {
        let (high, low) = (u32::from(pair[0].0), u32::from(pair[1].0));
        for (offset, length) in lengths.iter_mut().enumerate().take(at + 1) {
            // The fourth pair of digits has no byte of its own.
            let [.., byte] = match (at - offset) % 4 {
                0 => high << 2 | low >> 4,
                1 => high << 4 | low >> 2,
                2 => high << 6 | low,
                _ => continue,
            }
            .to_be_bytes();
            *length = if forms.can_contain(byte) { *length + 1 } else { 0 };
            is_long[offset] |= *length >= forms.shortest;
        }
    }
    (0..4).filter(move |offset| is_long[*offset])
}

/// The bytes of digits: three of every four, each with its source.
fn decoded(digits: &[(u8, usize)]) -> impl Iterator<Item = (u8, Range<usize>)> {
    digits
        .windows(2)
        .zip([2_u32, 4, 6, 8].into_iter().cycle())
        .filter_map(|(pair, shift)| {
            let [(high, from), (low, to)] = [pair[0], pair[1]];
            let value = (u32::from(high) << shift | u32::from(low) >> 6_u32.checked_sub(shift)?) & 0xff;
            Some((u8::try_from(value).ok()?, from..to + 1))
        })
}

fn sextet(byte: u8) -> Option<u8> {
    /// By byte; 64 for bytes that are not digits.
    const VALUES: [u8; 256] = {
        let mut values = [64; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            values[byte as usize] = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => 64,
            };
            byte += 1;
        }
        values
    };
    Some(VALUES[usize::from(byte)]).filter(|value| *value < 64)
}

/// Hexadecimal in either case, in one piece or with separators: `:`, `-`, `_`, `.`, `,`, `;`, whitespace, `0x`.
fn hex(text: &[u8], forms: FormBounds) -> Option<Reading> {
    if text.len() < 2 * forms.shortest {
        return None;
    }
    let mut reading = Reading::default();
    let mut run: Vec<(u8, Range<usize>)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        at += text[at..].iter().take_while(|byte| digit(**byte).is_none()).count();
        let length = text[at..].iter().take_while(|byte| digit(**byte).is_some()).count();
        // In a run of digits, a byte can begin at any of them.
        for odd in 0..length.saturating_sub(1).min(2) {
            let first = at + odd;
            let next = |from: &usize| byte(text, *from).map(|_| separated(text, *from + 2));
            let pairs = || std::iter::successors(Some(first), next);
            // The last position is the one after the last byte.
            if pairs().nth(forms.shortest).is_none() {
                continue;
            }
            run.clear();
            run.extend(pairs().filter_map(|from| Some((byte(text, from)?, from..from + 2))));
            reading.push_run(&run, forms);
        }
        at += length.max(1);
    }
    reading.found()
}

fn byte(text: &[u8], at: usize) -> Option<u8> {
    Some(16 * digit(*text.get(at)?)? + digit(*text.get(at + 1)?)?)
}

/// Where the next byte begins after one that ends at `at`.
fn separated(text: &[u8], at: usize) -> usize {
    let is_separator = |byte: &&u8| b":-_.,; \t\r\n".contains(byte);
    let next = at + text[at..].iter().take(4).take_while(is_separator).count();
    match text.get(next..next + 2) {
        Some(b"0x" | b"0X") => next + 2,
        _ => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: FormBounds = FormBounds {
        shortest: 6,
        are_ascii: true,
        have_space: false,
    };

    /// The readings of a text that contain `plain`, and the text that it was read from.
    fn sources<'t>(text: &'t str, plain: &str) -> Vec<&'t str> {
        let readings = DECODERS.iter().filter_map(|decode| decode(text.as_bytes(), FORMS));
        readings
            .filter_map(|reading| {
                let at = memchr::memmem::find(&reading.bytes, plain.as_bytes())?;
                Some(&text[reading.source(&(at..at + plain.len()))])
            })
            .collect()
    }

    #[test]
    fn reading_of_each_encoding_gives_its_source() {
        for (text, plain, source) in [
            ("at /q9~1Wx~0Zr/x", "q9/Wx~Zr", "q9~1Wx~0Zr"),
            ("x=61=2Bcdefgh=\r\nij", "a+cdefghij", "=61=2Bcdefgh=\r\nij"),
            ("X: secret-\r\n \ttoken", "secret-token", "secret-\r\n \ttoken"),
            (
                "secret-\r\n1a;e=f\r\ntoken",
                "secret-token",
                "secret-\r\n1a;e=f\r\ntoken",
            ),
            ("<eHNlY3JldC10b2tlbng>", "secret-token", "HNlY3JldC10b2tlbn"),
            ("c2VjcmV0LX\r\n Rva2Vu", "secret-token", "c2VjcmV0LX\r\n Rva2Vu"),
            ("X 73:65:63:72:65:74!", "secret", "73:65:63:72:65:74"),
            ("f736563726574f", "secret", "736563726574"),
            (
                "[0x73, 0x65, 0x63,0x72,0X65,0x74]",
                "secret",
                "73, 0x65, 0x63,0x72,0X65,0x74",
            ),
            ("73 65-63_72.65;74", "secret", "73 65-63_72.65;74"),
        ] {
            assert_eq!(sources(text, plain), [source], "{text}");
        }
    }

    #[test]
    fn encodings_with_a_lead_byte_are_undone_only_after_one() {
        for byte in 0..=u8::MAX {
            let has_all = decoders(&[b'a', byte]).len() == DECODERS.len();
            assert_eq!(has_all, is_lead(byte), "{byte}");
            let text = [b'a', byte, b'0', b'A', b'\r', b'\n'];
            for length in [2, 3, 4].into_iter().filter(|_| !is_lead(byte)) {
                let mut readings = DECODERS[..WITH_LEAD].iter();
                assert!(
                    readings.all(|decode| decode(&text[..length], FORMS).is_none()),
                    "{byte}"
                );
            }
        }
    }

    #[test]
    fn text_without_an_encoding_has_no_reading() {
        for text in ["", "plain words", "a = b", "~2 ~", "12 ab", "100% \\q &"] {
            for decode in DECODERS {
                assert!(decode(text.as_bytes(), FORMS).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn diff_side_joins_the_lines_of_one_side() {
        let diff = "--- a\n@@ -1 +1 @@\n abc\n-old\n+new\n end\n";
        let reading = diff_side(diff, b'+');
        assert_eq!(reading.bytes, b"abc\nnew\nend\n");
        let pieces = reading.pieces(&(2..6));
        let pieces: Vec<_> = pieces.into_iter().map(|piece| &diff[piece]).collect();
        assert_eq!(pieces, ["c\n", "ne"]);
    }
}
