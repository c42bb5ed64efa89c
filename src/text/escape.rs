//! Characters that a terminal, a CI log or a reader takes for something else.

use std::{borrow::Cow, fmt::Write as _};

/// Control characters, the format characters that reorder or hide text (Unicode TR 36 §3.1), and characters that
/// XML does not allow.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
                // Bytes of header fields.
                | '\u{10ff80}'..='\u{10ffff}'
        )
}

/// Text with `spelled` in place of the first character of each `##word[`: Azure Pipelines (`##vso[`), `TeamCity`
/// (`##teamcity[`) and GitHub's runner (`##[error]`, its older form) look for it anywhere in a line.
pub(crate) fn without_marks<'t>(text: &'t str, spelled: &str) -> Cow<'t, str> {
    let mut out = String::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest[from..].find("##").map(|at| from + at) {
        if is_mark(&rest[at..]) {
            out.push_str(&rest[..at]);
            out.push_str(spelled);
            rest = &rest[at + 1..];
            from = 0;
        } else {
            from = at + 1;
        }
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether text begins with `##word[`; the word may be empty.
fn is_mark(text: &str) -> bool {
    let word = text.strip_prefix("##").unwrap_or_default();
    let word = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c));
    text.starts_with("##") && word.starts_with('[')
}

/// A double-quoted scalar of YAML. It is JSON too, unless it contains an escaped character above U+FFFF.
pub(crate) fn quoted_yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    without_marks(&out, "\\u0023").into_owned()
}
