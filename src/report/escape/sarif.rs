//! Message strings and URIs of SARIF.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that are not escaped in a segment of a URI (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A message string without placeholders (SARIF 2.1.0 section 3.11.5) and links (section 3.11.6).
pub(in crate::report) fn message(text: &str) -> String {
    let text = text.trim_end().replace("](", "]\\u{28}");
    text.replace('{', "{{").replace('}', "}}")
}

/// A segment of a URI.
pub(in crate::report) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_contains_no_placeholder_and_no_link() {
        assert_eq!(
            message("{0} [x](http://a) {\"a\":1}\n"),
            "{{0}} [x]\\u{{28}}http://a) {{\"a\":1}}"
        );
    }
}
