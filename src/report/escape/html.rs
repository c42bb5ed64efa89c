//! JSON in HTML. `maud` escapes the characters of markup in all other text; [`super::visible`] does the rest.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::text::is_unsafe;

/// JSON in a `script` element: nothing in it begins a tag or changes the reading direction.
pub(in crate::report) fn data(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(value)?;
    let mut out = Vec::with_capacity(json.len() + json.len() / 16);
    let may_be_escaped = |byte: &u8| matches!(byte, b'<' | b'>' | b'&') || !matches!(byte, b' '..=b'~');
    let (mut from, mut at) = (0, 0);
    while let Some(step) = json.as_bytes()[at..].iter().position(may_be_escaped) {
        at += step;
        let Some(c) = json[at..].chars().next() else { break };
        let end = at + c.len_utf8();
        if matches!(c, '<' | '>' | '&') || is_unsafe(c) {
            out.extend_from_slice(&json.as_bytes()[from..at]);
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            from = end;
        }
        at = end;
    }
    out.extend_from_slice(&json.as_bytes()[from..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_contains_no_markup_and_reads_back() {
        let hostile = "</script><!--<script>&amp;\u{2028}\u{202e}\u{e0041}\u{0}\u{7f}é漢";
        let out = String::from_utf8(data(&hostile).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), hostile);
        assert!(
            !out.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{7f}']),
            "{out}"
        );
        assert!(out.contains("\\udb40\\udc41") && out.contains("é漢"), "{out}");
    }
}
