//! GitHub's Markdown. Text that is not the report's own is written as code, where nothing is markup, link or mention.

use std::fmt::Write as _;

use crate::report::{limits, text::short};

/// A heading or sentence: plain if it contains nothing that could be markup, else code.
pub(in crate::report) fn sentence(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " ,:;.()+-/%".contains(c);
    let is_list = text.starts_with(['+', '-']);
    let is_link = text.contains("www.") || text.contains("://");
    if text.chars().all(is_plain) && !is_link && !is_list {
        text.to_owned()
    } else {
        code(text)
    }
}

/// A code span.
pub(in crate::report) fn code(text: &str) -> String {
    let text = short(text, limits::NAME);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space at both ends is removed by the reader.
    let is_bare = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let blank = if is_bare { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// A code span in a cell of a table, at most `max` bytes of text.
pub(in crate::report) fn cell(text: &str, max: usize) -> String {
    code(&short(text, max).replace('|', "\\u{7c}"))
}

/// A code block.
pub(in crate::report) fn fence(language: &str, text: &str, out: &mut String) {
    if text.is_empty() {
        return;
    }
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{fence}{language}\n{text}{end}{fence}\n\n");
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Text in an HTML element within Markdown.
pub(in crate::report) fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('`', "&#96;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_not_ended_by_its_text() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" a"), "`  a `");
        assert_eq!(code(""), "(empty)");
        assert_eq!(code("a\n\n# b"), "`a\\n\\n# b`");
        let mut out = String::new();
        fence("text", "a\n```\n````x", &mut out);
        assert_eq!(out, "`````text\na\n```\n````x\n`````\n\n");
    }

    #[test]
    fn sentence_with_possible_markup_is_code() {
        assert_eq!(sentence("us differs: 2 changes"), "us differs: 2 changes");
        assert_eq!(sentence("*us* differs"), "`*us* differs`");
        assert_eq!(sentence("http://x"), "`http://x`");
    }
}
