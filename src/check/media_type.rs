//! Media types compared by meaning (RFC 9110 §8.3.1).

use std::collections::BTreeMap;

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// `type/subtype` in lower case.
    pub(crate) essence: String,
    /// Parameters; names in lower case, a `charset` in lower case too, without quotes.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl MediaType {
    /// Reads a field value; `None` where it is not a media type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (essence, mut rest) = match text.find(';') {
            Some(at) => (&text[..at], &text[at..]),
            None => (text, ""),
        };
        let essence = essence.trim_matches([' ', '\t']);
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        while let Some(after) = rest.strip_prefix(';') {
            rest = after.trim_start_matches([' ', '\t']);
            if rest.is_empty() || rest.starts_with(';') {
                continue;
            }
            let (name, value) = rest.split_once('=')?;
            if !is_token(name) {
                return None;
            }
            let name = name.to_ascii_lowercase();
            let value = if let Some(quoted) = value.strip_prefix('"') {
                let (value, after) = unquote(quoted)?;
                rest = after.trim_start_matches([' ', '\t']);
                value
            } else {
                let end = value.find(';').unwrap_or(value.len());
                rest = &value[end..];
                let value = value[..end].trim_end_matches([' ', '\t']);
                if !is_token(value) {
                    return None;
                }
                value.to_owned()
            };
            if !rest.is_empty() && !rest.starts_with(';') {
                return None;
            }
            let value = if name == "charset" {
                value.to_ascii_lowercase()
            } else {
                value
            };
            if parameters.insert(name, value).is_some() {
                return None;
            }
        }
        Some(Self {
            essence: essence.to_ascii_lowercase(),
            parameters,
        })
    }

    /// Whether the content is JSON: `application/json` or a `+json` subtype (RFC 6839).
    pub(crate) fn is_json(&self) -> bool {
        self.essence == "application/json" || self.essence == "text/json" || self.essence.ends_with("+json")
    }
}

impl std::fmt::Display for MediaType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            if is_token(value) {
                write!(f, "; {name}={value}")?;
            } else {
                write!(f, "; {name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

/// Whether a field value is the expected media type: the same type, and the same parameters if any are expected. A value
/// that is not a media type is compared as text.
pub(crate) fn is_expected(expected: &str, actual: &str) -> bool {
    expected == actual || is_equivalent(expected, actual)
}

fn is_equivalent(expected: &str, actual: &str) -> bool {
    match (MediaType::parse(expected), MediaType::parse(actual)) {
        (Some(expected), Some(actual)) => {
            let is_open = expected.parameters.is_empty();
            expected.essence == actual.essence && (is_open || expected.parameters == actual.parameters)
        }
        _ => false,
    }
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    is_token_bytes(text.as_bytes())
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token_bytes(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| IN_TOKEN[usize::from(*byte)])
}

/// The bytes of a token.
const IN_TOKEN: [bool; 256] = in_token();

const fn in_token() -> [bool; 256] {
    let mut all = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_mark = matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        all[byte as usize] = byte.is_ascii_alphanumeric() || is_mark;
        byte += 1;
    }
    all
}

/// Reads a quoted string after its first quote (RFC 9110 §5.6.4): the value, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{MediaType, is_expected};

    #[test]
    fn parameters_are_compared_if_any_are_expected() {
        assert!(is_expected("application/json", "application/json; charset=utf-8"));
        assert!(is_expected("a/b; x=1; y=2", "a/b; y=2; x=1"));
        assert!(!is_expected("a/b; x=1", "a/b; x=1; y=2"));
        assert!(!is_expected("a/b; x=1; y=2", "a/b; x=1"));
        assert!(!is_expected("text/plain", "text/html; charset=utf-8"));
        assert!(!is_expected("application/json", "application/json;; =x"));
        assert!(!is_expected("application/json", "application/jsonp; charset=utf-8"));
    }

    #[test]
    fn spelling_does_not_matter_and_meaning_does() {
        let json = "application/json; charset=utf-8";
        for equal in [
            "Application/JSON;charset=UTF-8",
            "application/json ; charset=\"utf-8\"",
            "application/json;; charset=utf-8;",
            "application/json; CHARSET=\"u\\tf-8\"",
        ] {
            assert!(is_expected(json, equal), "{equal}");
            assert!(is_expected("application/json", equal), "{equal}");
        }
        for other in [
            "application/json",
            "text/json; charset=utf-8",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-8",
            "application/json; charset = utf-8",
            "application/json; charset=\"utf-8",
            "json",
            "",
        ] {
            assert!(!is_expected(json, other), "{other}");
        }
        assert!(is_expected("a/b; x=1; y=2", "a/b; y=2; x=1"));
        assert!(!is_expected("a/b; x=A", "a/b; x=a"));
    }

    #[test]
    fn json_is_recognized_by_its_suffix() {
        assert!(MediaType::parse("application/problem+json").is_some_and(|kind| kind.is_json()));
        assert!(MediaType::parse("text/html").is_some_and(|kind| !kind.is_json()));
    }
}
