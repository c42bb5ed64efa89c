//! The links of a message.

use std::collections::HashSet;

use html5gum::{Token, Tokenizer};
use linkify::{LinkFinder, LinkKind};

/// The http and https URLs of a plain text, then those of the `a` and `area` elements of an HTML text. A link that occurs
/// several times is listed once.
pub(super) fn of(text: &str, html: &str) -> Vec<String> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let in_text = finder.links(text).map(|link| link.as_str().to_owned());
    let mut seen = HashSet::new();
    let all = in_text.chain(hrefs(html)).filter(|link| is_http(link));
    all.filter(|link| seen.insert(link.clone())).collect()
}

fn hrefs(html: &str) -> impl Iterator<Item = String> {
    Tokenizer::new(html).flatten().filter_map(|token| {
        let Token::StartTag(tag) = token else {
            return None;
        };
        let is_link = [&b"a"[..], b"area"].contains(&&**tag.name);
        let href = tag.attributes.get(&b"href"[..]).filter(|_| is_link)?;
        // Browsers remove whitespace around a URL, and line breaks within it.
        let href = String::from_utf8_lossy(href).trim().replace(['\t', '\r', '\n'], "");
        Some(href)
    })
}

fn is_http(link: &str) -> bool {
    let scheme = link.split(':').next().unwrap_or_default();
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && link.contains("://")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn punctuation_around_a_url_in_text_is_not_part_of_it() {
        let text = "See https://a.test/x?b=c&d=e. (http://b.test/y), <https://c.test/z>, mailto:a@b.test, www.d.test, \
                    ftp://e.test";
        assert_eq!(
            of(text, ""),
            ["https://a.test/x?b=c&d=e", "http://b.test/y", "https://c.test/z"]
        );
    }

    #[test]
    fn references_in_html_are_decoded() {
        let html = "<a class=x HREF='https://a.test/?b=c&amp;d=e'>1</a><!-- <a href=https://no.test> -->\
                    <area href=http://b.test><a href=' https://c.test/\n1 '><a href=\"#top\"><a href='javascript:0'><a name=x>\
                    <link href=https://no.test/style.css><img src=https://no.test/i.png>";
        assert_eq!(
            of("", html),
            ["https://a.test/?b=c&d=e", "http://b.test", "https://c.test/1"]
        );
    }

    #[test]
    fn repeated_link_is_listed_once() {
        let text = "https://b.test https://a.test https://b.test";
        assert_eq!(
            of(text, "<a href=https://a.test>"),
            ["https://b.test", "https://a.test"]
        );
    }
}
