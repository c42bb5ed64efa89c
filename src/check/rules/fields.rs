//! `http/challenge`, `http/allow` and `http/fields`: fields that a status requires, and the syntax of fields.

use chrono::TimeDelta;

use super::{
    super::{is_token, view::ResponseView},
    Violation, imf_fixdate,
};
use crate::model::{Request, Response};

/// Fields with one value: a second line is an error (RFC 9110 §5.3).
const SINGLE: [&str; 7] = [
    "age",
    "content-location",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
];
/// How much later than `Date` a modification may be: servers write the same date for up to a second or two.
const DATE_STEP: TimeDelta = TimeDelta::seconds(2);

pub(super) fn challenge(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    if response.status != 401 {
        return None;
    }
    let values: Vec<_> = response.header("www-authenticate").collect();
    if values.is_empty() {
        return demand(response, "www-authenticate", "401 has no `WWW-Authenticate`");
    }
    let is_challenge = |value: &&str| value.split([' ', ',']).next().is_some_and(is_token);
    (!values.iter().all(is_challenge)).then(|| {
        Violation::new("the `WWW-Authenticate` of 401 is not a challenge (RFC 9110 §11.6.1)")
            .expected("a scheme and its parameters, such as `Bearer realm=\"x\"`")
            .actual(values.join(" | "))
    })
}

pub(super) fn allow(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let missing = response.status == 405;
    missing.then(|| demand(response, "allow", "405 has no `Allow`"))?
}

fn demand(response: &Response, field: &'static str, message: &str) -> Option<Violation> {
    response.header(field).next().is_none().then(|| {
        Violation::new(message)
            .expected(format!("a `{field}` header"))
            .actual("(absent)")
    })
}

pub(super) fn syntax(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let required = match response.status {
        101 => demand(response, "upgrade", "101 has no `Upgrade` (RFC 9110 §15.2.2)"),
        407 => demand(
            response,
            "proxy-authenticate",
            "407 has no `Proxy-Authenticate` (RFC 9110 §15.5.8)",
        ),
        426 => demand(response, "upgrade", "426 has no `Upgrade` (RFC 9110 §15.5.22)"),
        _ => None,
    };
    required
        .or_else(|| {
            let mut fields = response.headers.iter().enumerate();
            fields.find_map(|(index, (name, value))| {
                let is_second =
                    SINGLE.contains(&name.as_str()) && response.headers[..index].iter().any(|(other, _)| other == name);
                if is_second {
                    let message = format!("the response has more than one `{name}` (RFC 9110 §5.3)");
                    let values: Vec<_> = response.header(name).collect();
                    let finding = Violation::new(message).expected(format!("one `{name}`"));
                    return Some(finding.actual(values.join(" | ")));
                }
                let (is_valid, source, expected) = field(name, value)?;
                (!is_valid).then(|| {
                    Violation::new(format!("the value of `{name}` is not valid ({source})"))
                        .expected(expected)
                        .actual(value)
                })
            })
        })
        .or_else(|| upgrade(response))
        .or_else(|| modified(response))
}

/// Whether the value of a field is valid, the source of its syntax, and the expected form; `None` for other fields.
fn field(name: &str, value: &str) -> Option<(bool, &'static str, &'static str)> {
    let all = |is_valid: fn(&str) -> bool| {
        let mut elements = value.split(',').map(str::trim).filter(|one| !one.is_empty());
        elements.all(is_valid)
    };
    let is_date = || imf_fixdate(value).is_some();
    Some(match name {
        "accept-ranges" => (all(is_token), "RFC 9110 §14.3", "range units such as `bytes`"),
        "age" => (is_number(value), "RFC 9111 §5.1", "a number of seconds"),
        "allow" => (all(is_token), "RFC 9110 §10.2.1", "a list of methods"),
        "connection" => (all(is_token), "RFC 9110 §7.6.1", "a list of tokens"),
        "content-encoding" => (all(is_token), "RFC 9110 §8.4", "a list of content codings"),
        "content-language" => (all(is_language), "RFC 9110 §8.5", "a list of language tags"),
        "content-location" => (is_reference(value), "RFC 9110 §8.7", "a URI reference"),
        "etag" => (
            is_etag(value),
            "RFC 9110 §8.8.3",
            "a quoted string, optionally after `W/`",
        ),
        "last-modified" => (
            is_date(),
            "RFC 9110 §8.8.2",
            "a date such as Fri, 07 Feb 2020 13:33:16 GMT",
        ),
        "location" => (is_reference(value), "RFC 9110 §10.2.2", "a URI reference"),
        "retry-after" => (
            is_number(value) || is_date(),
            "RFC 9110 §10.2.3",
            "a number of seconds, or a date such as Fri, 07 Feb 2020 13:33:16 GMT",
        ),
        "trailer" => (all(is_token), "RFC 9110 §6.6.2", "a list of field names"),
        "upgrade" => (all(is_protocol), "RFC 9110 §7.8", "a list of protocols"),
        "vary" => (all(is_token), "RFC 9110 §12.5.5", "`*` or a list of field names"),
        _ => return None,
    })
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit())
}

fn is_protocol(value: &str) -> bool {
    let (name, version) = value
        .split_once('/')
        .map_or((value, None), |(name, version)| (name, Some(version)));
    is_token(name) && version.is_none_or(is_token)
}

/// Roughly: subtags of letters and digits (RFC 5646 §2.1).
fn is_language(value: &str) -> bool {
    let is_subtag = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    value.split('-').all(is_subtag)
}

fn is_etag(value: &str) -> bool {
    let opaque = value.strip_prefix("W/").unwrap_or(value);
    let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.chars().all(|c| c > ' ' && c != '"' && c != '\x7f'))
}

/// Whether a text can be read as a URI reference. Characters that RFC 3986 does not allow, but that clients encode
/// themselves, are left to `http/recommended`.
fn is_reference(value: &str) -> bool {
    let is_escaped = |(at, _): (usize, &str)| {
        let digits = value.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    !value.chars().any(|c| c <= ' ' || matches!(c, '"' | '<' | '>' | '\x7f'))
        && value.match_indices('%').all(is_escaped)
}

/// `Upgrade` needs the connection option of its name (RFC 9110 §7.8).
fn upgrade(response: &Response) -> Option<Violation> {
    let value = response
        .header("upgrade")
        .next()
        .filter(|_| response.version == "HTTP/1.1")?;
    let connection: Vec<_> = response.header("connection").collect();
    let mut options = connection.iter().flat_map(|value| value.split(','));
    let has_option = options.any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    (!has_option).then(|| {
        Violation::new("the response has `Upgrade` without `Connection: upgrade` (RFC 9110 §7.8)")
            .expected("`Connection: upgrade`")
            .actual(format!("upgrade: {value}; connection: {}", connection.join(", ")))
    })
}

/// A modification cannot be later than the response (RFC 9110 §8.8.2.1).
fn modified(response: &Response) -> Option<Violation> {
    let value = response.header("last-modified").next()?;
    let date = response.header("date").next()?;
    (imf_fixdate(value)? > imf_fixdate(date)? + DATE_STEP).then(|| {
        Violation::new("`Last-Modified` is later than `Date` (RFC 9110 §8.8.2.1)")
            .expected(format!("at most {date}"))
            .actual(value)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response, run};
    use super::{allow, challenge, syntax};

    fn is_found(status: u16, headers: &[(&str, &str)]) -> bool {
        run(syntax, &request("GET", &[]), &response(status, headers, "")).is_some()
    }

    #[test]
    fn valid_field_values_have_no_findings() {
        for (name, value) in [
            ("accept-ranges", "bytes"),
            ("accept-ranges", "none"),
            ("age", "0"),
            ("allow", ""),
            ("allow", "GET,HEAD, X-PURGE"),
            ("connection", "keep-alive, Upgrade"),
            ("content-encoding", "gzip, br"),
            ("content-language", "pt-BR, en"),
            ("content-location", "/a/b?c=d#e"),
            ("etag", "\"a\""),
            ("etag", "W/\"\u{e3}\\\""),
            ("last-modified", "Fri, 07 Feb 2020 13:33:16 GMT"),
            ("location", "https://example.com/a%20b?c=[1]&d=%7B"),
            ("location", "../b"),
            ("location", ""),
            ("retry-after", "120"),
            ("retry-after", "Fri, 07 Feb 2020 13:33:16 GMT"),
            ("vary", "*"),
            ("vary", "Accept-Encoding, Origin"),
            ("x-other", "\u{e3} anything"),
        ] {
            assert!(!is_found(200, &[(name, value)]), "{name}: {value}");
        }
        let upgrade = [("upgrade", "h2, h2c"), ("connection", "Upgrade, Keep-Alive")];
        assert!(!is_found(200, &upgrade) && !is_found(426, &upgrade));
        assert!(!is_found(407, &[("proxy-authenticate", "Basic realm=\"x\"")]));
        let dates = [
            ("date", "Fri, 07 Feb 2020 13:33:16 GMT"),
            ("last-modified", "Fri, 07 Feb 2020 13:33:17 GMT"),
        ];
        assert!(!is_found(200, &dates));
        assert!(!is_found(
            200,
            &[
                ("vary", "a"),
                ("vary", "b"),
                ("set-cookie", "a=b"),
                ("set-cookie", "c=d")
            ]
        ));
    }

    #[test]
    fn invalid_field_values_are_findings() {
        for (name, value) in [
            ("age", "-1"),
            ("age", "1.5"),
            ("allow", "GET POST"),
            ("allow", "[GET, POST]"),
            ("connection", "keep alive"),
            ("content-encoding", "gzip;q=1"),
            ("content-language", "pt_BR"),
            ("content-location", "/a b"),
            ("etag", "abc"),
            ("etag", "'abc'"),
            ("etag", "w/\"abc\""),
            ("etag", "\"a\"b\""),
            ("etag", ""),
            ("last-modified", "2020-02-07T13:33:16Z"),
            ("last-modified", "Fri, 07 Feb 2020 13:33:16 +0000"),
            ("location", "/a b"),
            ("location", "/100%"),
            ("location", "/a%2"),
            ("location", "<https://example.com/>"),
            ("retry-after", "soon"),
            ("retry-after", "1.5"),
            ("retry-after", "-1"),
            ("retry-after", ""),
            ("vary", "Accept Encoding"),
        ] {
            assert!(is_found(200, &[(name, value)]), "{name}: {value}");
        }
        assert!(is_found(200, &[("etag", "\"a\""), ("etag", "\"a\"")]));
        assert!(is_found(302, &[("location", "/a"), ("location", "/b")]));
        assert!(is_found(426, &[]) && is_found(407, &[]) && is_found(101, &[]));
        assert!(is_found(200, &[("upgrade", "h2c")]));
        assert!(is_found(200, &[("upgrade", "h2c"), ("connection", "keep-alive")]));
        let dates = [
            ("date", "Fri, 07 Feb 2020 13:33:16 GMT"),
            ("last-modified", "Fri, 07 Feb 2020 13:33:30 GMT"),
        ];
        assert!(is_found(200, &dates));
    }

    #[test]
    fn required_fields_of_401_and_405_are_demanded() {
        let get = request("GET", &[]);
        assert!(run(challenge, &get, &response(401, &[], "")).is_some());
        for (value, is_found) in [
            ("Bearer", false),
            ("Bearer realm=\"a\"", false),
            ("Basic realm=\"a\", Digest nonce=\"b\"", false),
            ("", true),
            ("realm=\"a\"", true),
            ("\"Bearer\"", true),
        ] {
            let finding = run(challenge, &get, &response(401, &[("www-authenticate", value)], ""));
            assert_eq!(finding.is_some(), is_found, "{value}");
        }
        assert!(run(allow, &get, &response(405, &[], "")).is_some());
        assert!(run(allow, &get, &response(405, &[("allow", "")], "")).is_none());
        assert!(run(allow, &get, &response(404, &[], "")).is_none());
    }
}
