//! The text of a source: its encoding, and positions in it.

use super::{ImportError, names::has_variable};

/// The text of a source without a byte order mark. UTF-16 is recognized by its mark.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, ImportError> {
    const HELP: &str = "save the file as UTF-8";
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(ImportError::new("it is a ZIP archive", "extract it, and import the file in it").at(1, 1));
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Err(ImportError::new("it is compressed with gzip", "decompress it with `gunzip`").at(1, 1));
    }
    let text = match encoding_rs::Encoding::for_bom(&bytes) {
        Some((encoding, length)) if encoding != encoding_rs::UTF_8 => {
            let (text, is_wrong) = encoding.decode_without_bom_handling(&bytes[length..]);
            if is_wrong {
                return Err(ImportError::new(format!("it is not {}", encoding.name()), HELP).at(1, 1));
            }
            text.into_owned()
        }
        found => String::from_utf8(bytes)
            .map_err(|error| {
                let valid = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                let (line, column) = position(&before, before.len());
                ImportError::new("it is not UTF-8", HELP).at(line, column)
            })?
            .split_off(found.map_or(0, |(_, length)| length)),
    };
    if let Some(at) = text.find(super::names::is_variable).or_else(|| escaped_variable(&text)) {
        let (line, column) = position(&text, at);
        let message = "a character of the private-use plane 15 cannot be imported";
        return Err(ImportError::new(message, "remove the character").at(line, column));
    }
    Ok(text)
}

/// Where a JSON escape begins that is one of the characters which represent variables.
fn escaped_variable(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("\\u") {
        let start = from + at;
        let digits = text.get(start + 2..start + 6).unwrap_or_default();
        let is_high = u32::from_str_radix(digits, 16).is_ok_and(|unit| (0xdb80..=0xdbbf).contains(&unit));
        if is_high {
            return Some(start);
        }
        from = start + 2;
    }
    None
}

/// The line and the column of an offset, from one; a column counts characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (line, before[start..].chars().count() + 1)
}

/// Reads a JSON source. Errors quote no value of it.
pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str, format: &str, help: &str) -> Result<T, ImportError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line().max(1), error.column().max(1));
        let message = match error.classify() {
            serde_json::error::Category::Data => {
                let text = error.to_string();
                // The name of a field is not a value.
                match text
                    .strip_prefix("missing field")
                    .and_then(|rest| rest.split('`').nth(1))
                {
                    Some(field) => format!("it is not {format}: there is no `{field}` here"),
                    None => format!("it is not {format}: a value has another type than in this format"),
                }
            }
            serde_json::error::Category::Eof => "the JSON ends here, inside a value".to_owned(),
            _ => {
                let text = error.to_string();
                let reason = text.split(" at line ").next().unwrap_or_default();
                format!("it is not JSON: {reason}")
            }
        };
        ImportError::new(message, help).at(line, column)
    })
}

/// Whether a text has no variable and only characters that are sent unchanged everywhere.
pub(super) fn is_unreserved(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    !has_variable(text) && !text.is_empty() && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> (Option<(usize, usize)>, String) {
        let error = text_of(bytes.to_vec()).unwrap_err();
        (error.at, error.message)
    }

    #[test]
    fn text_is_utf_8_or_utf_16_with_a_mark() {
        assert_eq!(text_of(b"a\r\nb".to_vec()).unwrap(), "a\r\nb");
        assert_eq!(text_of(b"\xef\xbb\xbfa".to_vec()).unwrap(), "a");
        assert_eq!(text_of(b"\xff\xfea\0\xe9\0".to_vec()).unwrap(), "aé");
        assert_eq!(text_of(b"\xfe\xff\0a".to_vec()).unwrap(), "a");
        assert_eq!(error(b"a\nb\xc3\xa9\xff").0, Some((2, 3)));
        assert!(error(b"PK\x03\x04x").1.contains("ZIP"));
    }

    #[test]
    fn characters_of_variables_are_rejected() {
        assert_eq!(error("a\n \u{f0001}".as_bytes()).0, Some((2, 2)));
        assert_eq!(error(b"{\"a\": \"\\uDB80\\uDC00\"}").0, Some((1, 8)));
        assert!(text_of(b"\\ud83d\\ude00 \\ue000 \\u".to_vec()).is_ok());
    }

    #[test]
    fn json_errors_have_a_position_and_no_value() {
        #[derive(Debug, serde::Deserialize)]
        struct One {
            #[serde(rename = "n")]
            _n: u8,
        }
        let of = |text: &str| {
            let error = json::<One>(text, "a thing", "").unwrap_err();
            (error.at.unwrap(), error.message)
        };
        assert_eq!(of("{\n \"n\": \"s3cret\"}").0, (2, 14));
        assert!(!of("{\n \"n\": \"s3cret\"}").1.contains("s3cret"));
        assert_eq!(of("{}").1, "it is not a thing: there is no `n` here");
        assert_eq!(of("{\"n\"").1, "the JSON ends here, inside a value");
        assert!(of("{n}").1.starts_with("it is not JSON: key must be a string"));
    }
}
