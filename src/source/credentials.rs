//! Credentials in URLs, which must not be shown even if the URL is rejected.

use std::borrow::Cow;

/// Text in which the userinfo and the query of every absolute URL are replaced by the same number of `*`, so that
/// columns stay the same.
pub(crate) fn without_credentials(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find("://").map(|at| from + at + 3) {
        let is_end = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let end = text[at..].find(is_end).map_or(text.len(), |length| at + length);
        let url = &text[at..end];
        let path = url.find(['?', '#']).unwrap_or(url.len());
        let authority = url[..path].find('/').unwrap_or(path);
        // A password can contain a slash; the host cannot contain `@`.
        let userinfo = url[..path]
            .rfind('@')
            .filter(|end| *end <= authority || !url[..authority].contains('.'));
        let mut hide = |from: usize, to: usize| {
            out.push_str(&text[done..at + from]);
            out.extend(std::iter::repeat_n('*', to - from));
            done = at + to;
        };
        if let Some(length) = userinfo {
            hide(0, length);
        }
        if url[path..].starts_with('?') && path + 1 < url.len() {
            hide(path + 1, url.len());
        }
        from = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn userinfo_and_query_of_a_url_are_hidden() {
        for (text, shown) in [
            ("a https://u:pass@h/p, b", "a https://******@h/p, b"),
            ("`http://h?key=v`: x", "`http://h?*****`: x"),
            ("\"https://tok@h:1/?a=b#c\" x?y", "\"https://***@h:1/?*****\" x?y"),
            ("http://u:a/b@h/x http://v@i", "http://*****@h/x http://*@i"),
            ("http://h.example/@me", "http://h.example/@me"),
            ("no url: a@b?c=d", "no url: a@b?c=d"),
            ("http://", "http://"),
            ("é://é@h", "é://**@h"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}
