//! Bytes from the wire, made harmless for a terminal and for the log of a CI system.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

use crate::model::byte_of;
pub(super) use crate::text::{is_unsafe, without_marks};

/// Text in which everything that could move the cursor, colour the screen or reverse the reading is spelled out, and so
/// is `##word[`, which CI systems take for a command wherever it stands.
/// Line breaks and tabs are spelled out too: whoever wants lines splits them first.
pub fn visible(text: &str) -> Cow<'_, str> {
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

/// A line that no CI system takes for a command. GitHub's runner cuts white space off and then looks for `::`; styles
/// before it do not hide it from whoever takes them away first.
pub(super) fn inert(line: &str) -> Cow<'_, str> {
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
        // The line may have grown, but not before this place: no mark is made of colons, styles and white space.
        Some(after) => {
            let at = line.len() - without_marks(after, "\\u{23}").len() - 2;
            Cow::Owned(format!("{}\\u{{3a}}{}", &line[..at], &line[at + 1..]))
        }
        None => line,
    }
}

/// Lines, none of which a CI system takes for a command.
pub fn inert_lines(text: &str) -> String {
    text.split_inclusive(is_end).map(inert).collect()
}

/// What ends a line for those who read logs.
fn is_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

/// Passes whole lines on, none of which a CI system takes for a command.
#[derive(Debug)]
pub(super) struct Inert<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Inert<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn pass_on(&mut self, end: usize) -> io::Result<()> {
        let rest = self.line.split_off(end);
        let lines = std::mem::replace(&mut self.line, rest);
        self.out
            .write_all(inert_lines(&String::from_utf8_lossy(&lines)).as_bytes())
    }
}

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(last) = self.line.iter().rposition(|byte| is_end(char::from(*byte))) {
            self.pass_on(last + 1)?;
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
    fn what_acts_on_a_terminal_is_spelled_out() {
        assert_eq!(visible("plain ünïcode 漢字"), "plain ünïcode 漢字");
        assert_eq!(visible("\x1b[31mred\x07"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(visible("a\r\nb\tc"), "a\\r\\nb\\tc");
        assert_eq!(visible("\u{202e}abc\u{9b}"), "\\u{202e}abc\\u{9b}");
    }

    #[test]
    fn no_command_of_a_ci_system_is_left_anywhere_in_a_line() {
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
    fn no_line_begins_with_a_command_of_githubs_runner() {
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
    fn a_line_that_comes_in_pieces_is_judged_whole() {
        let mut out = Inert::new(Vec::new());
        for piece in ["a\n  :", ":error::é", "é\n#", "#[x]", "\n::tail"] {
            write!(out, "{piece}").unwrap();
        }
        out.flush().unwrap();
        let shown = String::from_utf8(out.out).unwrap();
        assert_eq!(shown, "a\n  \\u{3a}:error::éé\n\\u{23}#[x]\n\\u{3a}:tail");
    }
}
