//! URLs in parts.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str};

use crate::import::names::{has_variable, is_variable};

/// A URL in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    /// Scheme and authority, unless they are a variable.
    pub(super) origin: Option<String>,
    /// User and password, decoded.
    pub(super) user: Option<(String, String)>,
    /// The path, from the origin.
    pub(super) path: String,
    /// The query without its `?`.
    pub(super) query: Option<String>,
    /// What is sent differently.
    pub(super) notes: Vec<String>,
}

/// How a tool treats a URL before it sends it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UrlStyle {
    /// Whether dot segments are sent.
    pub(super) keeps_dots: bool,
    /// Whether brackets and braces have no meaning.
    pub(super) globs_are_text: bool,
    /// Whether percent-encoding has upper-case digits.
    pub(super) is_upper: bool,
    /// Characters of a query that are sent percent-encoded, besides those that cannot be sent.
    pub(super) in_query: &'static str,
}

impl UrlStyle {
    /// How Hurl sends a URL.
    pub(super) fn hurl() -> Self {
        Self {
            globs_are_text: true,
            ..Self::default()
        }
    }

    /// How Bruno sends a URL.
    pub(super) fn bruno() -> Self {
        Self {
            keeps_dots: false,
            ..Self::postman()
        }
    }

    /// How Postman sends a URL.
    pub(super) fn postman() -> Self {
        Self {
            keeps_dots: true,
            globs_are_text: true,
            is_upper: true,
            in_query: "\"'<>",
        }
    }
}

/// Bytes that a case cannot have in a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The same for a query.
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ');

/// Reads a URL. The error is a fragment that fits after "the URL: ".
pub(super) fn parse(text: &str, style: UrlStyle) -> Result<Url, String> {
    let mut url = Url::default();
    let text = if style.globs_are_text {
        text.to_owned()
    } else {
        without_escapes(text, &mut url.notes)
    };
    let text = text.split('#').next().unwrap_or_default();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text),
    };
    let is_known = ["", "http", "https"].contains(&scheme.as_str()) || has_variable(&scheme);
    if !is_known {
        return Err(format!(
            "the scheme is `{scheme}`: only `http` and `https` are supported"
        ));
    }
    // A variable at the start is the base URL, with its scheme.
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) => {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            url.user = Some((decoded(user), decoded(password)));
            host
        }
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    if !has_variable(host) && !has_variable(&scheme) {
        let scheme = if scheme.is_empty() { "http" } else { &scheme };
        url.origin = Some(format!("{scheme}://{host}"));
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let path = if style.keeps_dots {
        path.to_owned()
    } else {
        without_dots(path)
    };
    let upper = style.is_upper;
    url.path = encoded(
        if path.is_empty() { "/" } else { &path },
        PATH,
        upper,
        "path",
        &mut url.notes,
    );
    url.query = query.map(|query| {
        let mut query = encoded(query, IN_QUERY, upper, QUERY, &mut url.notes);
        for c in style.in_query.chars() {
            query = query.replace(c, &format!("%{:02X}", u32::from(c)));
        }
        query
    });
    Ok(url)
}

/// Removes the backslashes before brackets and braces. Without them they make several URLs of one.
fn without_escapes(text: &str, notes: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    // The brackets of an IPv6 address.
    let host_end = text.find("://").map_or(0, |at| {
        text[at + 3..].find(['/', '?']).map_or(text.len(), |end| at + 3 + end)
    });
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| "[]{}".contains(*next)) => out.extend(chars.next()),
            '{' | '[' if out.len() >= host_end && notes.is_empty() => {
                notes.push(format!(
                    "the set of URLs that `{c}` begins: it is sent as it is written"
                ));
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A path without its dot segments (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.split('/').collect();
    for (number, segment) in segments.iter().enumerate() {
        let is_last = number + 1 == segments.len();
        match *segment {
            "." => {
                if is_last {
                    out.push("");
                }
            }
            ".." => {
                if out.len() > 1 {
                    out.pop();
                }
                if is_last {
                    out.push("");
                }
            }
            segment => out.push(segment),
        }
    }
    out.join("/")
}

/// Percent-encodes what a case cannot send. curl encodes only what is not ASCII in a path.
fn encoded(text: &str, set: &'static AsciiSet, is_upper: bool, part: &str, notes: &mut Vec<String>) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let is_sent = c.is_ascii() && !is_encoded(c, set);
        if is_sent || is_variable(c) {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let _ = if is_upper {
                write!(out, "%{byte:02X}")
            } else {
                write!(out, "%{byte:02x}")
            };
        }
        if (c.is_ascii() || part == QUERY) && !is_upper {
            notes.push(format!("the character {c:?} of the {part}: it is sent percent-encoded"));
        }
    }
    out
}

/// Whether a set contains an ASCII character.
fn is_encoded(c: char, set: &'static AsciiSet) -> bool {
    let mut buffer = [0; 4];
    let text = &*c.encode_utf8(&mut buffer);
    percent_encoding::utf8_percent_encode(text, set).to_string() != text
}

/// The part of a URL after its `?`.
const QUERY: &str = "query";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_taken_apart() {
        let of = |text: &str| parse(text, UrlStyle::default()).unwrap();
        let one = of("HTTPS://ada:s%40c@api.example.com:8443/a/./b/../c?x=1#top");
        assert_eq!(one.origin.as_deref(), Some("https://api.example.com:8443"));
        assert_eq!(one.user, Some(("ada".to_owned(), "s@c".to_owned())));
        assert_eq!((one.path.as_str(), one.query.as_deref()), ("/a/c", Some("x=1")));
        let two = of("example.com?q");
        assert_eq!(
            (two.origin.as_deref(), two.path.as_str()),
            (Some("http://example.com"), "/")
        );
        assert_eq!(two.query.as_deref(), Some("q"));
        let base = of("\u{F0000}/v1/x");
        assert_eq!((base.origin, base.path.as_str()), (None, "/v1/x"));
        assert_eq!(of("http://h/a\\[1\\]").path, "/a[1]");
        assert_eq!(of("http://[::1]:80/a").notes, [""; 0]);
        assert_eq!(of("http://h/a[1-3]").notes.len(), 1);
        assert!(parse("ftp://h/", UrlStyle::default()).is_err() && parse("http:///", UrlStyle::default()).is_err());
    }

    #[test]
    fn dot_segments_are_removed() {
        for (path, expected) in [
            ("/a/b/c/./../../g", "/a/g"),
            ("/../a", "/a"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("", ""),
            ("//a", "//a"),
        ] {
            assert_eq!(without_dots(path), expected, "{path}");
        }
    }
}
