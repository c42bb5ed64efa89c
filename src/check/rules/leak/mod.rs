//! `http/leak`: an error response does not contain the server's code, queries or credentials.

mod patterns;

use std::{
    borrow::Cow,
    sync::{LazyLock, OnceLock},
};

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use super::{super::view::ResponseView, Violation};
use crate::{model::Request, text::Prefilter};
use patterns::LEAKS;

/// Maximum part of a body that is searched, in bytes.
const SEARCHED: usize = 256 * 1024;
/// Maximum number of layers of escapes that are decoded: JSON in a JSON string in an HTML page has three.
const LAYERS: usize = 4;

/// A filter for texts of which every match contains one: most bodies contain none, so the patterns are not compiled.
static FILTER: LazyLock<Prefilter> =
    LazyLock::new(|| Prefilter::new(LEAKS.iter().flat_map(|leak| leak.needs).map(|need| need.as_bytes())));

/// The same texts, and the kinds of leaks they belong to.
static NEEDS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let mut needs: Vec<&str> = Vec::new();
    let mut kinds: Vec<usize> = Vec::new();
    for (kind, leak) in LEAKS.iter().enumerate() {
        needs.extend(leak.needs);
        kinds.resize(needs.len(), kind);
    }
    let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(needs).ok()?;
    Some((searcher, kinds))
});

/// The patterns, compiled when they are first needed.
static PATTERNS: [OnceLock<Option<Regex>>; LEAKS.len()] = [const { OnceLock::new() }; LEAKS.len()];

/// A pattern of the table in the syntax of the library.
fn regex_text(pattern: &str) -> String {
    format!("(?is-u){}", pattern.replace(' ', r"\s"))
}

pub(super) fn check(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    if response.status < 400 || response.body.is_empty() {
        return None;
    }
    let text = response.shown();
    let (what, excerpt) = find(&text[..text.floor_char_boundary(SEARCHED)])?;
    Some(
        Violation::new(format!("the body of the error response contains {what}"))
            .expected("a message for the client, without internals of the server")
            .actual(excerpt),
    )
}

/// The first leak in a text, also within JSON and HTML escapes.
fn find(text: &str) -> Option<(&'static str, String)> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..LAYERS {
        if let Some(found) = search(&text) {
            return Some(found);
        }
        text = Cow::Owned(unescape(&text)?);
    }
    search(&text)
}

fn search(text: &str) -> Option<(&'static str, String)> {
    if !FILTER.may_match(text.as_bytes()) {
        return None;
    }
    let (searcher, kinds) = NEEDS.as_ref()?;
    let mut is_candidate = [false; LEAKS.len()];
    for found in searcher.find_overlapping_iter(text) {
        is_candidate[kinds[found.pattern().as_usize()]] = true;
    }
    let mut candidates = LEAKS.iter().enumerate().filter(|(kind, _)| is_candidate[*kind]);
    candidates.find_map(|(kind, leak)| {
        let found = pattern(kind)?.find(text.as_bytes())?;
        Some((leak.what, String::from_utf8_lossy(found.as_bytes()).into_owned()))
    })
}

fn pattern(kind: usize) -> Option<&'static Regex> {
    let compile = || Regex::new(&regex_text(LEAKS[kind].pattern)).ok();
    PATTERNS[kind].get_or_init(compile).as_ref()
}

/// Decodes one layer of JSON escapes and HTML references; `None` if there are none.
fn unescape(text: &str) -> Option<String> {
    memchr::memchr2(b'\\', b'&', text.as_bytes())?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find(['\\', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let decoded = if rest.starts_with('&') {
            reference(rest)
        } else {
            escape(rest)
        };
        if let Some((c, length)) = decoded {
            out.push(c);
            rest = &rest[length..];
            is_changed = true;
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    is_changed.then_some(out)
}

/// A JSON escape at the start of a text, and its length.
fn escape(text: &str) -> Option<(char, usize)> {
    let c = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'"' => '"',
        b'/' => '/',
        b'\\' => '\\',
        b'u' => {
            let code = u32::from_str_radix(text.get(2..6)?, 16).ok()?;
            return Some((char::from_u32(code)?, 6));
        }
        _ => return None,
    };
    Some((c, 2))
}

/// An HTML character reference at the start of a text, and its length.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(10).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" | "rsquo" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAKED: &str = include_str!("leaks.txt");
    const LEGITIMATE: &str = include_str!("legitimate.txt");

    /// The examples of a file: one a line, `\\n` for a line break; comments begin with `# `.
    fn examples(file: &str) -> Vec<String> {
        let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
        lines
            .map(|line| line.replace("\\n", "\n").replace("\\t", "\t"))
            .collect()
    }

    /// The forms in which a response can contain a text.
    fn forms(text: &str) -> Vec<String> {
        let json = |text: &str| serde_json::json!({ "error": 500, "detail": [{ "message": text }] }).to_string();
        let html = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;")
        };
        let php = |text: &str| json(text).replace('/', "\\/");
        vec![
            text.to_owned(),
            json(text),
            php(text),
            json(&json(text)),
            json(&json(&json(text))),
            format!("<html><body><pre>{}</pre></body></html>", html(text)),
            format!("<p>{}</p>", html(&json(text))),
            json(&html(text)),
        ]
    }

    #[test]
    fn every_pattern_compiles_and_has_an_example() {
        assert!(NEEDS.is_some());
        let leaked = examples(LEAKED);
        for (kind, leak) in LEAKS.iter().enumerate() {
            let pattern = pattern(kind).unwrap();
            let mut matched = leaked
                .iter()
                .filter(|text| pattern.is_match(text.as_bytes()))
                .peekable();
            assert!(matched.peek().is_some(), "no example: {}", leak.pattern);
            for text in matched {
                let lower = text.to_lowercase();
                assert!(
                    leak.needs.iter().any(|need| lower.contains(need)),
                    "{text}: {}",
                    leak.pattern
                );
            }
        }
    }

    #[test]
    fn leaks_are_found_in_every_form() {
        let leaked = examples(LEAKED);
        assert!(leaked.len() >= 60);
        let missed = |text: &String| find(text).is_none();
        let missed: Vec<_> = leaked.iter().flat_map(|leak| forms(leak)).filter(missed).collect();
        assert_eq!(missed, [""; 0]);
    }

    #[test]
    fn case_and_whitespace_do_not_hide_a_leak() {
        for leak in examples(LEAKED) {
            assert!(find(&leak.to_ascii_uppercase()).is_some(), "{leak}");
            assert!(find(&leak.to_ascii_lowercase()).is_some(), "{leak}");
            assert!(find(&leak.replace('\n', "\r\n")).is_some(), "{leak}");
            assert!(find(&leak.replace('\n', " ")).is_some(), "{leak}");
        }
    }

    #[test]
    fn messages_for_clients_are_not_leaks() {
        let legitimate = examples(LEGITIMATE);
        assert!(legitimate.len() >= 200);
        let found: Vec<_> = legitimate
            .iter()
            .flat_map(|message| forms(message))
            .filter_map(|form| find(&form).map(|(what, excerpt)| (form, what, excerpt)))
            .collect();
        assert_eq!(found, []);
    }
}
