//! Text for terminals and for the logs of CI systems, which execute commands that they find in lines.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::byte_of,
    text::{is_unsafe, without_marks},
};

/// Text on one line: control characters, line breaks, tabs and characters that change the reading direction are spelled
/// out, and so is `##word[`, which CI systems execute at any position of a line.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'#') {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(is_unsafe) {
        return without_marks(text, "\\u{23}");
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = match byte_of(c) {
                    Some(byte) => write!(out, "\\x{byte:02x}"),
                    None => write!(out, "\\u{{{:x}}}", c as u32),
                };
            }
            c => out.push(c),
        }
    }
    Cow::Owned(without_marks(&out, "\\u{23}").into_owned())
}

/// Text in which line breaks and tabs are kept, and everything else is as in [`visible`].
pub(crate) fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for (index, part) in line.split('\t').enumerate() {
            if index > 0 {
                out.push('\t');
            }
            out.push_str(&visible(part));
        }
    }
    out
}

/// A line without a command of a CI system. GitHub's runner removes leading whitespace and then looks for `::`. Styles
/// in front of it are skipped, because some log viewers remove them.
fn inert(line: &str) -> Cow<'_, str> {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix("\u{1b}[").and_then(|style| style.split_once('m')) {
            Some((style, after)) if style.bytes().all(|b| b.is_ascii_digit() || b == b';') => rest = after,
            _ => break,
        }
    }
    let line = without_marks(line, "\\u{23}");
    match rest.strip_prefix("::") {
        // The line may have become longer, but not in front of this position: colons, styles and whitespace are unchanged.
        Some(after) => {
            let at = line.len() - without_marks(after, "\\u{23}").len() - 2;
            Cow::Owned(format!("{}\\u{{3a}}{}", &line[..at], &line[at + 1..]))
        }
        None => line,
    }
}

/// Lines without commands of CI systems.
pub fn inert_lines(text: &str) -> String {
    text.split_inclusive(is_end).map(inert).collect()
}

/// Whether a character ends a line of a log.
fn is_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

/// Writes whole lines without commands of CI systems.
#[derive(Debug)]
pub(in crate::report) struct LogCommandFilter<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> LogCommandFilter<W> {
    pub(in crate::report) fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass_on(&mut self, end: usize) -> io::Result<()> {
        let lines = &self.line[..end];
        // Most lines contain no character of a command.
        let is_plain = lines.is_ascii() && memchr::memchr2(b'#', b':', lines).is_none();
        let written = if is_plain {
            self.out.write_all(lines)
        } else {
            let lines = inert_lines(&String::from_utf8_lossy(lines));
            self.out.write_all(lines.as_bytes())
        };
        self.line.drain(..end);
        written
    }
}

impl<W: Write> Write for LogCommandFilter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let start = self.line.len();
        self.line.extend_from_slice(bytes);
        if let Some(last) = bytes.iter().rposition(|byte| is_end(char::from(*byte))) {
            self.pass_on(start + last + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(self.line.len())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(visible("plain ünïcode 漢字"), "plain ünïcode 漢字");
        assert_eq!(visible("\x1b[31mred\x07"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(visible("a\r\nb\tc"), "a\\r\\nb\\tc");
        assert_eq!(visible("\u{202e}abc\u{9b}"), "\\u{202e}abc\\u{9b}");
    }

    #[test]
    fn lines_keeps_line_breaks_and_tabs_only() {
        assert_eq!(lines("a\tb\r\n\u{1b}[1m\n\u{ffff}"), "a\tb\\r\n\\u{1b}[1m\n\\u{ffff}");
    }

    #[test]
    fn marked_commands_are_spelled_out_anywhere_in_a_line() {
        for (text, shown) in [
            ("##[error]x", "\\u{23}#[error]x"),
            (
                "a ##vso[task.x]##teamcity[y] z",
                "a \\u{23}#vso[task.x]\\u{23}#teamcity[y] z",
            ),
            ("###[x] ####vso[y]", "#\\u{23}#[x] ##\\u{23}#vso[y]"),
            ("## heading [1] ##a b[ ##", "## heading [1] ##a b[ ##"),
            ("##é[x] ##\n[x]", "##é[x] ##\\n[x]"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn workflow_commands_are_spelled_out_at_the_start_of_a_line() {
        for (line, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            (" \t\u{a0}::add-mask::x", " \t\u{a0}\\u{3a}:add-mask::x"),
            (
                "  \u{1b}[1m\u{1b}[0m ::x ##[y]",
                "  \u{1b}[1m\u{1b}[0m \\u{3a}:x \\u{23}#[y]",
            ),
            ("a ::error::x", "a ::error::x"),
            (": :x", ": :x"),
            ("", ""),
            ("::", "\\u{3a}:"),
        ] {
            assert_eq!(inert(line), shown);
        }
        assert_eq!(inert_lines("a\r::b\n  ::c\n"), "a\r\\u{3a}:b\n  \\u{3a}:c\n");
    }

    #[test]
    fn line_written_in_parts_is_filtered_as_a_whole() {
        let mut out = LogCommandFilter::new(Vec::new());
        for piece in ["a\n  :", ":error::é", "é\n#", "#[x]", "\n::tail"] {
            write!(out, "{piece}").unwrap();
        }
        out.flush().unwrap();
        let shown = String::from_utf8(out.out).unwrap();
        assert_eq!(shown, "a\n  \\u{3a}:error::éé\n\\u{23}#[x]\n\\u{3a}:tail");
    }
}
