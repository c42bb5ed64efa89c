//! `http/recommended`: recommendations of HTTP (SHOULD), and syntax that servers often violate without consequences.

use super::{
    super::{is_token, view::ResponseView},
    Violation, imf_fixdate,
};
use crate::model::Request;

pub(super) fn check(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let absent = |name: &str| response.header(name).next().is_none();
    let missing = |message: &str, expected: &str| Some(Violation::new(message).expected(expected).actual("(absent)"));
    if !response.body.is_empty() && absent("content-type") && !matches!(response.status, 204 | 205 | 304) {
        return missing(
            "the response has content and no `Content-Type` (RFC 9110 §8.3)",
            "the media type of the content",
        );
    }
    match response.status {
        301 | 302 | 303 | 307 | 308 if absent("location") => {
            let message = format!("{} has no `Location` (RFC 9110 §15.4)", response.status);
            return missing(&message, "the URI to use instead");
        }
        405 => {
            let mut methods = response
                .header("allow")
                .flat_map(|value| value.split(','))
                .map(str::trim);
            if methods.any(|method| method == request.method) {
                let message = "405 rejects a method that its `Allow` lists (RFC 9110 §15.5.6)";
                let allowed: Vec<_> = response.header("allow").collect();
                return Some(
                    Violation::new(message)
                        .expected(format!("a list without {}", request.method))
                        .actual(allowed.join(", ")),
                );
            }
        }
        416 if absent("content-range") => {
            return missing("416 has no `Content-Range` (RFC 9110 §15.5.17)", "`bytes */LENGTH`");
        }
        _ => {}
    }
    response.headers.iter().find_map(|(name, value)| {
        let (message, expected) = match name.as_str() {
            "content-encoding" if value.split(',').any(|one| one.trim().eq_ignore_ascii_case("identity")) => (
                "`Content-Encoding` lists `identity` (RFC 9110 §8.4)",
                "no `Content-Encoding`",
            ),
            "expires" if imf_fixdate(value).is_none() => (
                "the value of `expires` is not a date and is treated as expired (RFC 9111 §5.3)",
                "a date such as Fri, 07 Feb 2020 13:33:16 GMT",
            ),
            "cache-control" if !directives(value) => (
                "the value of `cache-control` is not a list of directives (RFC 9111 §5.2)",
                "directives such as `max-age=60, public`",
            ),
            "location" | "content-location" if value.contains(['\\', '^', '`', '{', '|', '}']) || !value.is_ascii() => {
                (
                    "a URI reference contains characters that have to be percent-encoded (RFC 3986 §2)",
                    "a URI reference of ASCII characters",
                )
            }
            "set-cookie" => {
                let message = cookie(value)?;
                let name = value.split(['=', ';']).next().unwrap_or_default();
                // The value is a credential.
                let finding = Violation::new(message).expected("`NAME=VALUE`, then attributes");
                return Some(finding.actual(format!("the cookie `{name}`")));
            }
            _ => return None,
        };
        Some(Violation::new(message).expected(expected).actual(value))
    })
}

/// Whether a text is a list of cache directives: tokens, optionally with a token or a quoted string as the argument.
fn directives(text: &str) -> bool {
    let mut is_quoted = false;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        is_quoted ^= c == '"';
        if c == ',' && !is_quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let is_directive = |part: &String| match part.trim().split_once('=') {
        None => part.trim().is_empty() || is_token(part.trim()),
        Some((name, value)) => {
            let is_string = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
            is_token(name) && (is_string || is_token(value))
        }
    };
    !is_quoted && parts.iter().all(is_directive)
}

/// The error of a cookie (RFC 6265 §4.1.1).
fn cookie(text: &str) -> Option<&'static str> {
    let mut parts = text.split(';');
    let Some((name, value)) = parts.next()?.split_once('=') else {
        return Some("`Set-Cookie` has no `=` (RFC 6265 §4.1.1)");
    };
    let value = value.trim();
    let value = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    if !is_token(name.trim()) {
        return Some("the name of a cookie is not a token (RFC 6265 §4.1.1)");
    }
    if value
        .chars()
        .any(|c| c <= ' ' || c > '~' || matches!(c, '"' | ',' | '\\'))
    {
        return Some(
            "the value of a cookie contains whitespace, a quotation mark, a comma, a backslash or a character \
                     that is not ASCII (RFC 6265 §4.1.1)",
        );
    }
    parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            // Dates with hyphens are older than the standard and widely supported.
            "expires" if imf_fixdate(&value.replacen('-', " ", 2)).is_none() => {
                Some("the `Expires` of a cookie is not a date (RFC 6265 §4.1.1)")
            }
            "max-age" if value.parse::<i64>().is_err() => {
                Some("the `Max-Age` of a cookie is not a number of seconds (RFC 6265 §4.1.1)")
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response, run};

    fn is_found(status: u16, headers: &[(&str, &str)], body: &str) -> bool {
        run(super::check, &request("GET", &[]), &response(status, headers, body)).is_some()
    }

    #[test]
    fn recommended_values_have_no_findings() {
        let text = ("content-type", "text/plain");
        assert!(!is_found(200, &[text], "x") && !is_found(200, &[], "") && !is_found(304, &[], ""));
        assert!(!is_found(302, &[("location", "/a?b=[c]")], ""));
        assert!(!is_found(405, &[("allow", "POST, PUT")], ""));
        assert!(!is_found(416, &[("content-range", "bytes */10")], ""));
        for (name, value) in [
            ("expires", "Fri, 07 Feb 2020 13:33:16 GMT"),
            (
                "cache-control",
                "no-store, max-age=60, private=\"set-cookie, x\", ,s-maxage=\"5\"",
            ),
            ("cache-control", ""),
            ("set-cookie", "sid=abc; Path=/; HttpOnly; SameSite=Lax"),
            (
                "set-cookie",
                "sid=\"abc\"; Expires=Fri, 07-Feb-2020 13:33:16 GMT; Max-Age=0",
            ),
            ("set-cookie", "sid=; Max-Age=-1; Expires=Fri, 07 Feb 2020 13:33:16 GMT"),
            ("set-cookie", "sid=eyJ.a=b/c+d=="),
        ] {
            assert!(!is_found(200, &[(name, value)], ""), "{name}: {value}");
        }
    }

    #[test]
    fn values_against_recommendations_are_findings() {
        assert!(is_found(200, &[], "x") && is_found(404, &[], "x"));
        assert!(is_found(301, &[], "") && is_found(308, &[], ""));
        assert!(is_found(405, &[("allow", "GET, POST")], ""));
        assert!(is_found(416, &[], ""));
        for (name, value) in [
            ("content-encoding", "identity"),
            ("expires", "-1"),
            ("expires", "0"),
            ("cache-control", "max-age=60; public"),
            ("cache-control", "max age=60"),
            ("location", "/a|b"),
            ("location", "/{id}"),
            ("location", "/S\u{e3}o"),
            ("set-cookie", "sid"),
            ("set-cookie", "s d=1"),
            ("set-cookie", "sid=a b"),
            ("set-cookie", "sid=a,b"),
            ("set-cookie", "sid=a; Expires=tomorrow"),
            ("set-cookie", "sid=a; Max-Age=1h"),
        ] {
            assert!(is_found(200, &[(name, value)], ""), "{name}: {value}");
        }
    }

    #[test]
    fn the_value_of_a_cookie_is_not_quoted() {
        let finding = run(
            super::check,
            &request("GET", &[]),
            &response(200, &[("set-cookie", "sid=top secret")], ""),
        )
        .unwrap();
        assert_eq!(finding.actual, "the cookie `sid`");
    }
}
