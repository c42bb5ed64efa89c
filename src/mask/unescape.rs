//! Escapes that a response can contain: percent-encoding, backslashes, HTML entities.

use std::ops::Range;

/// Maximum number of layers of escapes that are decoded.
pub(super) const MAX_LAYERS: usize = 4;

/// Entities by name: those of ASCII, and the no-break space.
const ENTITIES: [(&[u8], char); 39] = [
    (b"amp", '&'),
    (b"AMP", '&'),
    (b"lt", '<'),
    (b"LT", '<'),
    (b"gt", '>'),
    (b"GT", '>'),
    (b"quot", '"'),
    (b"QUOT", '"'),
    (b"apos", '\''),
    (b"excl", '!'),
    (b"num", '#'),
    (b"dollar", '$'),
    (b"percnt", '%'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"ast", '*'),
    (b"plus", '+'),
    (b"comma", ','),
    (b"period", '.'),
    (b"sol", '/'),
    (b"colon", ':'),
    (b"semi", ';'),
    (b"equals", '='),
    (b"quest", '?'),
    (b"commat", '@'),
    (b"lsqb", '['),
    (b"lbrack", '['),
    (b"bsol", '\\'),
    (b"rsqb", ']'),
    (b"rbrack", ']'),
    (b"Hat", '^'),
    (b"lowbar", '_'),
    (b"grave", '`'),
    (b"lcub", '{'),
    (b"lbrace", '{'),
    (b"verbar", '|'),
    (b"vert", '|'),
    (b"rcub", '}'),
    (b"nbsp", ' '),
];
/// Maximum length of an entity name.
const MAX_NAME: usize = 6;

/// Whether an escape can begin with this byte.
pub(super) fn is_lead(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&')
}

/// The position of the next such byte.
pub(super) fn next_lead(text: &[u8]) -> Option<usize> {
    memchr::memchr3(b'%', b'\\', b'&', text)
}

/// The decoded text of an escape, and the position after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    bytes: [u8; 4],
    length: usize,
    pub(super) next: usize,
}

impl Unit {
    pub(super) fn byte(byte: u8, next: usize) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
            next,
        }
    }

    /// An escape of the empty text.
    pub(super) fn empty(next: usize) -> Self {
        Self {
            bytes: [0; 4],
            length: 0,
            next,
        }
    }

    fn char(c: char, next: usize) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self { bytes, length, next }
    }

    fn code(code: u32, next: usize) -> Option<Self> {
        char::from_u32(code).map(|c| Self::char(c, next))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn lead(&self) -> Option<u8> {
        (self.length == 1 && is_lead(self.bytes[0])).then_some(self.bytes[0])
    }
}

/// The text after the lead of an escape, as it is or with its own escapes decoded.
#[derive(Clone, Copy)]
struct Tail<'t> {
    text: &'t [u8],
    is_nested: bool,
}

impl Tail<'_> {
    fn at(&self, at: usize) -> Option<(u8, usize)> {
        let raw = *self.text.get(at)?;
        if self.is_nested
            && is_lead(raw)
            && let Some(unit) = escape(self.text, raw, at + 1, false)
            && unit.length == 1
        {
            return Some((unit.bytes[0], unit.next));
        }
        Some((raw, at + 1))
    }

    /// A number of at least `min` and at most `max` digits.
    fn number(&self, mut at: usize, radix: u32, min: usize, max: usize) -> Option<(u32, usize)> {
        let mut value = 0_u32;
        for count in 0..max {
            let digit = self.at(at).and_then(|(byte, next)| {
                let digit = char::from(byte).to_digit(radix)?;
                Some((digit, next))
            });
            let Some((digit, next)) = digit else {
                return (count >= min).then_some((value, at));
            };
            value = value.saturating_mul(radix).saturating_add(digit);
            at = next;
        }
        Some((value, at))
    }

    fn is(&self, at: usize, expected: u8) -> Option<usize> {
        self.at(at).filter(|(byte, _)| *byte == expected).map(|(_, next)| next)
    }
}

/// The escape whose lead is before `at`.
pub(super) fn escape(text: &[u8], lead: u8, at: usize, is_nested: bool) -> Option<Unit> {
    let tail = Tail { text, is_nested };
    match lead {
        b'%' => percent(tail, at),
        b'\\' => backslash(tail, at),
        _ => entity(tail, at),
    }
}

/// `%2B`, and `%u002B` of old scripts.
fn percent(tail: Tail<'_>, at: usize) -> Option<Unit> {
    if let Some(digits) = tail.is(at, b'u') {
        let (code, next) = tail.number(digits, 16, 4, 4)?;
        return Unit::code(code, next);
    }
    let (value, next) = tail.number(at, 16, 2, 2)?;
    Some(Unit::byte(u8::try_from(value).ok()?, next))
}

/// The escapes of JSON, of Rust's `Debug`, and of languages like C; any punctuation that is escaped by a backslash.
fn backslash(tail: Tail<'_>, at: usize) -> Option<Unit> {
    let (kind, next) = tail.at(at)?;
    let simple = |byte| Some(Unit::byte(byte, next));
    match kind {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'b' => simple(0x08),
        b'f' => simple(0x0c),
        b'0' => simple(0),
        b'x' => {
            let (value, next) = tail.number(next, 16, 2, 2)?;
            Some(Unit::byte(u8::try_from(value).ok()?, next))
        }
        b'U' => {
            let (code, next) = tail.number(next, 16, 8, 8)?;
            Unit::code(code, next)
        }
        b'u' => {
            if let Some(digits) = tail.is(next, b'{') {
                let (code, next) = tail.number(digits, 16, 1, 8)?;
                return Unit::code(code, tail.is(next, b'}')?);
            }
            let (code, next) = tail.number(next, 16, 4, 4)?;
            if (0xd800..0xdc00).contains(&code) {
                // A character above U+FFFF is a pair of escapes (RFC 8259 §7).
                let (low, next) = tail.number(tail.is(tail.is(next, b'\\')?, b'u')?, 16, 4, 4)?;
                let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return Unit::code(0x10000 + ((code - 0xd800) << 10) + low, next);
            }
            Unit::code(code, next)
        }
        kind if kind.is_ascii_punctuation() || kind == b' ' => simple(kind),
        _ => None,
    }
}

/// `&amp;`, `&#43;`, `&#x2B;`; a number without its semicolon too, as browsers read it.
fn entity(tail: Tail<'_>, at: usize) -> Option<Unit> {
    if let Some(digits) = tail.is(at, b'#') {
        let (code, next) = match tail.is(digits, b'x').or_else(|| tail.is(digits, b'X')) {
            Some(digits) => tail.number(digits, 16, 1, 8)?,
            None => tail.number(digits, 10, 1, 8)?,
        };
        return Unit::code(code, tail.is(next, b';').unwrap_or(next));
    }
    let mut name = [0; MAX_NAME];
    let mut next = at;
    for length in 0..=MAX_NAME {
        let (byte, after) = tail.at(next)?;
        if byte == b';' {
            let (_, c) = ENTITIES.iter().find(|(known, _)| *known == &name[..length])?;
            return Some(Unit::char(*c, after));
        }
        *name.get_mut(length)? = byte;
        next = after;
    }
    None
}

/// Every escape at `at`, one or two layers deep. [`View`] decodes deeper layers.
pub(super) fn units(text: &[u8], at: usize) -> impl Iterator<Item = Unit> {
    let lead = text.get(at).copied().filter(|byte| is_lead(*byte));
    let read = |lead: Option<u8>, at, is_nested| lead.and_then(|lead| escape(text, lead, at, is_nested));
    let plain = read(lead, at + 1, false);
    let inner = plain.and_then(|unit| Some((unit.lead()?, unit.next)));
    let (inner, after) = (inner.map(|(lead, _)| lead), inner.map_or(0, |(_, after)| after));
    [
        plain,
        read(lead, at + 1, true).filter(|unit| Some(*unit) != plain),
        read(inner, after, false),
        read(inner, after, true),
    ]
    .into_iter()
    .flatten()
}

/// Whether an escape at `at` could go on after the end of the text.
pub(super) fn is_unfinished(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| is_lead(*byte)) && text.len() - at < 12 && units(text, at).next().is_none()
}

/// Whether an escape certainly belongs to this layer, and is not part of a partially escaped escape.
fn is_certain(text: &[u8], at: usize, end: usize) -> bool {
    match text[at] {
        b'&' => text[end - 1] == b';',
        // `\%2B` is an escape after a backslash rather than a `%` with one.
        b'\\' => !matches!(text.get(at + 1), Some(b'%' | b'&')),
        _ => true,
    }
}

/// A text with one layer of escapes decoded, and the source of each byte.
#[derive(Debug)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    runs: Vec<EscapeRun>,
}

/// From `view` on, bytes come from `source` on: one to one, or a whole escape for its decoded text.
#[derive(Debug)]
struct EscapeRun {
    view: usize,
    source: usize,
    is_escape: bool,
}

impl View {
    /// Decodes a layer of escapes; `None` if there are no escapes.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let mut view: Option<Self> = None;
        let (mut done, mut at) = (0, 0);
        while let Some(lead) = text[at..].iter().position(|byte| is_lead(*byte)) {
            at += lead;
            let unit = escape(text, text[at], at + 1, false);
            let Some(unit) = unit.filter(|unit| is_certain(text, at, unit.next)) else {
                at += 1;
                continue;
            };
            let view = view.get_or_insert_with(|| Self {
                bytes: Vec::with_capacity(text.len()),
                runs: Vec::new(),
            });
            view.run(done, false);
            view.bytes.extend_from_slice(&text[done..at]);
            view.run(at, true);
            view.bytes.extend_from_slice(unit.bytes());
            at = unit.next;
            done = at;
        }
        let mut view = view?;
        view.run(done, false);
        view.bytes.extend_from_slice(&text[done..]);
        Some(view)
    }

    fn run(&mut self, source: usize, is_escape: bool) {
        let view = self.bytes.len();
        // An empty run is skipped.
        if self.runs.last().is_some_and(|last| last.view == view) {
            self.runs.pop();
        }
        self.runs.push(EscapeRun {
            view,
            source,
            is_escape,
        });
    }

    /// The source range of these bytes.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let run = |at: usize| self.runs.partition_point(|run| run.view <= at).saturating_sub(1);
        let first = &self.runs[run(range.start)];
        let start = if first.is_escape {
            first.source
        } else {
            first.source + (range.start - first.view)
        };
        let last = run(range.end.saturating_sub(1).max(range.start));
        let end = match (&self.runs[last], self.runs.get(last + 1)) {
            (EscapeRun { is_escape: true, .. }, Some(next)) => next.source,
            (run, _) => run.source + (range.end - run.view),
        };
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(text: &str) -> String {
        let view = View::of(text.as_bytes());
        view.map_or_else(
            || text.to_owned(),
            |view| String::from_utf8_lossy(&view.bytes).into_owned(),
        )
    }

    #[test]
    fn every_escape_is_undone_and_everything_else_stays() {
        for (text, plain) in [
            ("a%2Bb%2bc", "a+b+c"),
            ("%u00e9%c3%A9", "éé"),
            (r#"\u002B\"\/\\\n\u{e9}\x41\ud83d\ude00"#, "+\"/\\\néA😀"),
            ("&amp;&#43;&#x2B;&quot;&plus;", "&++\"+"),
            ("100% \\q &c; &amp %zz", "100% \\q &c; &amp %zz"),
            (r"\ud83d \u12", r"\ud83d \u12"),
            ("", ""),
        ] {
            assert_eq!(undone(text), plain, "{text}");
        }
    }

    #[test]
    fn a_view_knows_where_its_bytes_come_from() {
        let text = b"ab%2Bc\\u00e9%41";
        let view = View::of(text).unwrap();
        assert_eq!(view.bytes, "ab+c\u{e9}A".as_bytes());
        let source = |range| &text[view.source(&range)];
        assert_eq!(source(0..2), b"ab");
        assert_eq!(source(1..3), b"b%2B");
        assert_eq!(source(2..4), b"%2Bc");
        assert_eq!(source(4..5), b"\\u00e9");
        assert_eq!(source(3..7), b"c\\u00e9%41");
        assert_eq!(source(6..7), b"%41");
    }

    #[test]
    fn two_layers_are_read_at_once() {
        for (text, byte) in [
            ("%252B", b'+'),
            ("%%32B", b'+'),
            (r"\\u002B", b'+'),
            (r#"\\\""#, b'"'),
            ("&amp;#43;", b'+'),
            ("&#43", b'+'),
            ("%5Cu002B", b'+'),
            ("%26%2343%3B", b'+'),
        ] {
            let found = units(text.as_bytes(), 0).any(|unit| unit.next == text.len() && unit.bytes() == [byte]);
            assert!(found, "{text}");
        }
    }
}
