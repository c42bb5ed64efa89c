//! A reader for the part of YAML that most suites consist of. It is about ten times as fast as the parser, which reads every
//! other document.
//!
//! The part: lines of printable ASCII; block mappings and sequences, flow collections in one line, plain and quoted scalars in one
//! line, comments. Everything that has several readings, or that is an error, is left to the parser: an event from here is
//! the event that the parser has at the same location, and a test compares the two.

use std::borrow::Cow;

use saphyr_parser::{Event, ScalarStyle};

use super::{FileId, Span};

/// Maximum length of a key in bytes: YAML limits the length of a key that is not marked as one.
const MAX_KEY: usize = 512;
/// Maximum nesting depth. Deeper documents are left to the parser, which limits the depth, too.
const MAX_DEPTH: usize = 64;

/// Passes the events of a document to `emit` as long as it returns true. `None` if `emit` returns false, or if the document is
/// not in the part of YAML that is read here; the events so far are worthless then.
pub(super) fn read<'t>(text: &'t str, file: FileId, emit: impl FnMut(Event<'t>, Span) -> bool) -> Option<()> {
    let is_plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    if !text.ends_with('\n') || !text.bytes().all(is_plain) {
        return None;
    }
    let mut reader = SubsetReader {
        text,
        bytes: text.as_bytes(),
        file,
        at: 0,
        line: 1,
        line_start: 0,
        depth: 0,
        emit,
    };
    reader.pass_lines();
    if reader.column() > 0 || reader.peek().is_none() {
        return None;
    }
    let start = reader.span(reader.at);
    reader.event(Event::StreamStart, start)?;
    reader.mapping(0)?;
    let end = reader.span(reader.at);
    reader.event(Event::DocumentEnd, end)?;
    reader.event(Event::StreamEnd, end)?;
    reader.peek().is_none().then_some(())
}

struct SubsetReader<'t, F> {
    text: &'t str,
    bytes: &'t [u8],
    file: FileId,
    at: usize,
    line: u32,
    line_start: usize,
    depth: usize,
    emit: F,
}

impl<'t, F: FnMut(Event<'t>, Span) -> bool> SubsetReader<'t, F> {
    fn event(&mut self, event: Event<'t>, span: Span) -> Option<()> {
        (self.emit)(event, span).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte after the next one; the end of the text is the end of a line.
    fn second(&self) -> u8 {
        self.bytes.get(self.at + 1).copied().unwrap_or(b'\n')
    }

    fn is_end_of_line(&self) -> bool {
        self.peek().is_none_or(|byte| byte == b'\n')
    }

    /// Number of characters before this location in its line.
    fn column(&self) -> usize {
        self.at - self.line_start
    }

    /// From `start`, which is in this line, to this location.
    fn span(&self, start: usize) -> Span {
        let column = |at: usize| u32::try_from(at - self.line_start + 1).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            line: self.line,
            column: column(start),
            end_line: self.line,
            end_column: column(self.at),
        }
    }

    /// The same with the spaces and the comment after it: the parser's spans of some events contain them.
    fn loose_span(&mut self, start: usize) -> Span {
        let end = self.at;
        self.pass_spaces();
        if self.at > end {
            self.pass_comment();
        }
        let span = self.span(start);
        self.at = end;
        span
    }

    fn pass_comment(&mut self) {
        if self.peek() == Some(b'#') {
            let rest = &self.bytes[self.at..];
            self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
    }

    fn pass_spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Goes to the first line from here with content, and to its first character that is not a space.
    fn pass_lines(&mut self) {
        loop {
            self.pass_spaces();
            self.pass_comment();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.at += 1;
            self.line += 1;
            self.line_start = self.at;
        }
    }

    /// Passes the rest of a line, which may only be a comment, and goes to the next content.
    fn end_line(&mut self) -> Option<()> {
        let end = self.at;
        self.pass_spaces();
        let is_comment = self.peek() == Some(b'#') && self.at > end;
        if !self.is_end_of_line() && !is_comment {
            return None;
        }
        self.pass_lines();
        Some(())
    }

    /// Whether the next content, directly after [`Self::end_line`], is at this column.
    fn is_at(&self, column: usize) -> bool {
        self.peek().is_some() && self.column() == column
    }

    fn is_entry(&self) -> bool {
        self.peek() == Some(b'-') && matches!(self.second(), b' ' | b'\n')
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    /// A block mapping whose keys are at `column`, from its first key to the next content that is not in it.
    fn mapping(&mut self, column: usize) -> Option<()> {
        self.deeper()?;
        let start = self.span(self.at);
        self.event(Event::MappingStart(0, None), start)?;
        while self.is_at(column) {
            self.key(false)?;
            self.at += 1;
            self.block_value(column)?;
        }
        self.block_end(column, Event::MappingEnd)
    }

    /// A block sequence whose dashes are at `column`.
    fn sequence(&mut self, column: usize) -> Option<()> {
        self.deeper()?;
        let start = self.span(self.at);
        self.event(Event::SequenceStart(0, None), start)?;
        while self.is_at(column) && self.is_entry() {
            self.at += 1;
            self.pass_spaces();
            if self.is_key() {
                self.mapping(self.column())?;
            } else {
                self.block_value(column)?;
            }
        }
        self.block_end(column, Event::SequenceEnd)
    }

    fn block_end(&mut self, column: usize, event: Event<'t>) -> Option<()> {
        if self.peek().is_some() && self.column() >= column {
            return None;
        }
        self.depth -= 1;
        let end = self.span(self.at);
        self.event(event, end)
    }

    /// A value in a block collection at `column`, in the same line or below it. The next content is not in the value.
    fn block_value(&mut self, column: usize) -> Option<()> {
        let start = self.at;
        self.pass_spaces();
        let is_comment = self.peek() == Some(b'#') && self.at > start;
        if !self.is_end_of_line() && !is_comment {
            self.value(false)?;
            self.end_line()?;
            // A deeper line continues the value.
            return (self.peek().is_none() || self.column() <= column).then_some(());
        }
        self.pass_lines();
        // An empty value, and a sequence at the column of its key, are left to the parser.
        if self.peek().is_none() || self.column() <= column {
            return None;
        }
        if self.is_entry() {
            self.sequence(self.column())
        } else {
            self.mapping(self.column())
        }
    }

    /// Whether a key of a block mapping begins here.
    fn is_key(&self) -> bool {
        let rest = &self.bytes[self.at..];
        let length = match rest.first() {
            Some(quote @ (b'"' | b'\'')) => match memchr::memchr2(*quote, b'\n', &rest[1..]) {
                Some(end) => end + 2,
                None => return false,
            },
            _ => rest.iter().take_while(|byte| is_key_byte(**byte)).count(),
        };
        length > 0 && rest.get(length) == Some(&b':')
    }

    /// A key, up to its colon, which is followed by a space or the end of the line.
    fn key(&mut self, is_flow: bool) -> Option<()> {
        let start = self.at;
        match self.peek()? {
            b'"' | b'\'' => self.value(is_flow)?,
            first if first.is_ascii_alphanumeric() || matches!(first, b'_' | b'$' | b'/') => {
                let rest = &self.bytes[self.at..];
                self.at += rest.iter().take_while(|byte| is_key_byte(**byte)).count();
                let text = Cow::Borrowed(&self.text[start..self.at]);
                self.event(Event::Scalar(text, ScalarStyle::Plain, 0, None), self.span(start))?;
            }
            _ => return None,
        }
        let is_followed = self.second() == b' ' || (self.second() == b'\n' && !is_flow);
        let is_key = self.peek() == Some(b':') && is_followed && self.at - start <= MAX_KEY;
        is_key.then_some(())
    }

    /// A value in one line.
    fn value(&mut self, is_flow: bool) -> Option<()> {
        let start = self.at;
        let first = self.peek()?;
        let (text, style) = match first {
            b'{' | b'[' => return self.flow(first),
            b'"' => (self.double_quoted()?, ScalarStyle::DoubleQuoted),
            b'\'' => (self.single_quoted()?, ScalarStyle::SingleQuoted),
            _ => {
                let text = Cow::Borrowed(self.plain(is_flow)?);
                return self.event(Event::Scalar(text, ScalarStyle::Plain, 0, None), self.span(start));
            }
        };
        let span = self.loose_span(start);
        self.event(Event::Scalar(text, style, 0, None), span)
    }

    /// A flow mapping or sequence in one line.
    fn flow(&mut self, open: u8) -> Option<()> {
        self.deeper()?;
        let is_mapping = open == b'{';
        let (begin, end, close) = match open {
            b'{' => (Event::MappingStart(0, None), Event::MappingEnd, b'}'),
            _ => (Event::SequenceStart(0, None), Event::SequenceEnd, b']'),
        };
        self.at += 1;
        let span = self.loose_span(self.at - 1);
        self.event(begin, span)?;
        self.pass_spaces();
        let mut is_empty = true;
        while self.peek()? != close || !is_empty {
            if is_mapping {
                self.key(true)?;
                self.at += 1;
                self.pass_spaces();
            }
            self.value(true)?;
            is_empty = false;
            self.pass_spaces();
            match self.peek()? {
                b',' if self.second() != b'\n' => {
                    self.at += 1;
                    self.pass_spaces();
                }
                byte if byte == close => break,
                _ => return None,
            }
        }
        self.at += 1;
        self.depth -= 1;
        let span = self.loose_span(self.at - 1);
        self.event(end, span)
    }

    fn double_quoted(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at + 1;
        let mut text = String::new();
        let mut done = start;
        loop {
            let end = done + memchr::memchr3(b'"', b'\\', b'\n', &self.bytes[done..])?;
            match self.bytes[end] {
                b'"' => {
                    self.at = end + 1;
                    let last = &self.text[done..end];
                    return Some(if done == start {
                        Cow::Borrowed(last)
                    } else {
                        Cow::Owned(text + last)
                    });
                }
                b'\\' => {
                    text.push_str(&self.text[done..end]);
                    text.push(match self.bytes.get(end + 1)? {
                        byte @ (b'\\' | b'"' | b'/') => char::from(*byte),
                        b'n' => '\n',
                        b't' => '\t',
                        _ => return None,
                    });
                    done = end + 2;
                }
                _ => return None,
            }
        }
    }

    fn single_quoted(&mut self) -> Option<Cow<'t, str>> {
        let start = self.at + 1;
        let end = start + memchr::memchr2(b'\'', b'\n', &self.bytes[start..])?;
        self.at = end + 1;
        // A doubled quote is one quote.
        let is_end = self.bytes[end] == b'\'' && self.peek() != Some(b'\'');
        is_end.then(|| Cow::Borrowed(&self.text[start..end]))
    }

    /// A scalar without quotes, without the spaces after it.
    fn plain(&mut self, is_flow: bool) -> Option<&'t str> {
        let start = self.at;
        let first = self.peek()?;
        let is_first = first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/' | b'$' | b'+' | b'(' | b'^');
        let is_negative = first == b'-' && self.second().is_ascii_alphanumeric();
        if !is_first && !is_negative {
            return None;
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => break,
                b',' | b'}' | b']' if is_flow => break,
                b':' if self.second().is_ascii_alphanumeric() || self.second() == b'/' => {}
                b'#' if self.bytes[self.at - 1] == b' ' => break,
                // Ends a key, or needs a closer look.
                b':' => return None,
                b'{' | b'[' | b'"' | b'\'' | b'?' | b'`' if is_flow => return None,
                b'-' if is_flow && !self.second().is_ascii_alphanumeric() => return None,
                _ => {}
            }
            self.at += 1;
        }
        let text = self.text[start..self.at].trim_end_matches(' ');
        self.at = start + text.len();
        Some(text)
    }
}

/// Whether a byte can be in a key without quotes.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use saphyr_parser::Parser;

    use super::*;
    use crate::source::yaml::span_of;

    type Events<'t> = Vec<(Event<'t>, Span)>;

    fn here(text: &str) -> Option<Events<'_>> {
        let mut all = Vec::new();
        read(text, FileId::default(), |event, span| {
            all.push((event, span));
            true
        })?;
        Some(all)
    }

    /// The same by the parser; `None` after an error.
    fn parsed(text: &str) -> Option<Events<'_>> {
        let is_counted = |event: &Event<'_>| !matches!(event, Event::DocumentStart(false));
        let events = Parser::new_from_str(text).map(|event| {
            let (event, span) = event.ok()?;
            Some((event, span_of(FileId::default(), &span)))
        });
        let events: Option<Events<'_>> = events.collect();
        Some(events?.into_iter().filter(|(event, _)| is_counted(event)).collect())
    }

    /// Events of a stream and a document have a location that nothing uses.
    fn comparable(events: Events<'_>) -> Events<'_> {
        let is_value = |event: &Event<'_>| !matches!(event, Event::StreamStart | Event::StreamEnd | Event::DocumentEnd);
        let one = |(event, span)| {
            if is_value(&event) {
                (event, span)
            } else {
                (event, Span::default())
            }
        };
        events.into_iter().map(one).collect()
    }

    fn assert_same(text: &str) {
        if let Some(events) = here(text) {
            assert_eq!(Some(comparable(events)), parsed(text).map(comparable), "{text:?}");
        }
    }

    #[test]
    fn usual_documents_are_read_without_the_parser() {
        for text in [
            "a: 1\n",
            "# comment\n\na: b c  # comment\nb:\n  c: \"x\\\\.y\"   \n\n  # comment\n  d: 'e'\nf: { g: [1, \"h\"], i: {} }\n",
            "a:\n  - b\n  - c: d\n    e: f\n  -   g: h\n  - [ ]\n  -\n    i: j\n# end\n",
            "request: { path: \"/a/{id}\", params: { id: \"{{ tenant }}\" } }\nexamples:\n  r1: { tenant: \"x\", n: -1 }\n",
            "url: http://host:80/a?b=c\n\"$ref\": x\n",
        ] {
            assert!(here(text).is_some(), "{text}");
            assert_same(text);
        }
    }

    #[test]
    fn other_documents_are_left_to_the_parser() {
        for text in [
            "",
            "a: 1",
            "# comment\n",
            "- a\n",
            "{ a: 1 }\n",
            "a:\n",
            "a: |\n  b\n",
            "a: &x b\n",
            "a: *x\n",
            "a: !t b\n",
            "a: b\n  c\n",
            "a: b: c\n",
            "a: { b }\n",
            "a: { b: 1, }\n",
            "a: [b: c]\n",
            "a: {\n b: 1 }\n",
            "a: \"\\x41\"\n",
            "a: 'b''c'\n",
            "a: 1\n---\nb: 2\n",
            "? a\n: b\n",
            "a:\n- b\n",
            "a: é\n",
            "a:\tb\n",
            "a: 1\r\n",
            "a: 1\n b: 2\n",
            "  a: 1\n",
            "a : 1\n",
            "a: - b\n",
            "a: 1\n...\n",
            "%YAML 1.2\n",
            "a: \"b\" c\n",
            "a: [1] 2\n",
        ] {
            assert_eq!(here(text), None, "{text}");
        }
    }

    #[test]
    fn reading_ends_if_the_events_are_refused() {
        assert_eq!(read("a: 1\n", FileId::default(), |_, _| false), None);
    }

    /// Tokens of which random documents consist.
    const TOKENS: [&str; 44] = [
        "a",
        "b-c",
        "1",
        "-1",
        "12e4",
        "null",
        "$x",
        "/p",
        "x y",
        "a:b",
        "http://h",
        ":",
        ": ",
        ":\n",
        "\n",
        "\n",
        "\n  ",
        "\n  ",
        "\n    ",
        " ",
        "  ",
        "- ",
        "\n- ",
        "\n  - ",
        "{ ",
        " }",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "\"q\"",
        "\"\\\\.\"",
        "\"",
        "'s'",
        "'",
        " # c",
        "#",
        "a: ",
        "b: ",
        "c:\n  ",
        "?",
        "---",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn events_are_those_of_the_parser(tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..16)) {
            assert_same(&tokens.concat());
            assert_same(&format!("a: {}", tokens.concat()));
        }

        #[test]
        fn events_of_a_changed_document_are_those_of_the_parser(
            at in 0_usize..400,
            length in 0_usize..3,
            token in prop::sample::select(&TOKENS[..]),
        ) {
            let whole = "# c\nrequest: { path: \"/a/{id}\", params: { id: \"{{ t }}\" } }\nexpect:\n  status: 204\n  \
                headers: { content-type: { absent: true } }\n  body:\n    json:\n      - a: 'b'\n        c: d e\n      - f\n    \
                text: http://h/x\nexamples:\n  r1: { t: \"x\\\\.y\", n: [1, -2] }\n\n  r2: { t: \"\", n: [] } # c\n";
            let at = at.min(whole.len());
            let end = (at + length).min(whole.len());
            assert_same(&format!("{}{token}{}", &whole[..at], &whole[end..]));
        }
    }
}
