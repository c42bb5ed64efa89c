//! Basic credentials (RFC 7617) as they are sent, and as reports show them: `Basic base64(user:$PASSWORD)`.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The start of what is shown.
const SHOWN: &str = "Basic base64(";

/// The value of `Authorization` for a user and a password.
pub(crate) fn basic_credentials(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The encoded part of Basic credentials.
pub(crate) fn basic_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(token.trim())
}

/// `user:password` of the value of a header field.
pub(crate) fn basic_pair(value: &str) -> Option<String> {
    let bytes = STANDARD.decode(basic_token(value)?).ok()?;
    String::from_utf8(bytes).ok().filter(|pair| pair.contains(':'))
}

/// Basic credentials as they are shown, with values in `pair` masked or replaced by names.
pub(crate) fn basic_shown(pair: &str) -> String {
    format!("{SHOWN}{pair})")
}

/// The pair of credentials as they are shown.
pub(crate) fn basic_shown_pair(value: &str) -> Option<&str> {
    value.strip_prefix(SHOWN)?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_back() {
        // The example of RFC 7617 section 2.1: UTF-8.
        let value = basic_credentials("test", "123\u{a3}");
        assert_eq!(value, "Basic dGVzdDoxMjPCow==");
        assert_eq!(basic_pair(&value).as_deref(), Some("test:123\u{a3}"));
        assert_eq!(
            basic_pair("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==").as_deref(),
            Some("Aladdin:open sesame")
        );
        for other in [
            "Bearer dGVzdDoxMjPCow==",
            "Basic",
            "Basic %",
            "Basic YWJj",
            "Basic /w==",
        ] {
            assert_eq!(basic_pair(other), None, "{other}");
        }
        assert_eq!(basic_shown_pair(&basic_shown("a:$B)")), Some("a:$B)"));
    }
}
