//! The cause of a finding: what findings of one problem have in common, without values that differ from case to case.

use std::borrow::Cow;

use serde_json::Value;

use super::{CheckId, Finding, finding::first_change};

/// Maximum size of a pattern, in bytes.
const PATTERN: usize = 240;
/// Maximum size of a value that is parsed as JSON, in bytes.
const PARSED: usize = 4 << 10;
/// A word of this number of letters or more in mixed case is an id, such as a token in base64.
const ID_LETTERS: usize = 16;

impl Finding {
    /// The finding without ids and values that vary: `body/json at /items/*/id: expected a number, got null`. Findings
    /// with equal patterns have one cause: the same check at the same location, with the same kinds of values. The values
    /// of a status are part of its cause.
    pub(crate) fn pattern(&self) -> String {
        let mut text = self.check.to_string();
        if let Some(pointer) = self.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
            text = format!("{text} at {}", pointer_pattern(pointer));
        }
        let problem = if self.check == CheckId::BodySchema {
            // The message contains the schema's expectation; `expected` is the location of the rule.
            let message = self.message.strip_prefix("the body breaks its schema: ");
            let got = self.actual.as_deref().map(|actual| format!(", got {}", kind(actual)));
            text_pattern(message.unwrap_or(&self.message)) + &got.unwrap_or_default()
        } else if self.check == CheckId::Status {
            let [expected, actual] = [&self.expected, &self.actual].map(|value| value.as_deref().unwrap_or("none"));
            format!("expected {expected}, got {actual}")
        } else if self.check.info().compares || self.diff.is_some() {
            self.values_pattern()
        } else {
            text_pattern(&self.message)
        };
        let text = format!("{text}: {problem}");
        cut(&text).to_owned()
    }

    /// `expected a number, got null`.
    fn values_pattern(&self) -> String {
        let (expected, actual) = match (&self.expected, &self.actual, &self.diff) {
            (None, None, Some(diff)) => first_change(diff),
            (expected, actual, _) => (expected.as_deref(), actual.as_deref()),
        };
        match [expected, actual].map(|value| value.map(kind)) {
            [None, None] => text_pattern(&self.message),
            [Some(expected), None] => format!("expected {expected}"),
            [None, Some(actual)] => format!("got {actual}"),
            [Some(expected), Some(actual)] if expected == actual => format!("expected {expected}, got a different one"),
            [Some(expected), Some(actual)] => format!("expected {expected}, got {actual}"),
        }
    }
}

/// The kind of a value: the type of JSON, and otherwise its text without what varies.
fn kind(value: &str) -> Cow<'_, str> {
    let value = value.trim();
    let kind = match value.bytes().next() {
        None => "nothing",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        _ if value.len() > PARSED => return text_pattern(cut(value)).into(),
        _ => match serde_json::from_str(value) {
            Ok(Value::String(_)) => "a string",
            Ok(Value::Number(_)) => "a number",
            Ok(Value::Null | Value::Bool(_)) => value,
            Ok(Value::Array(_) | Value::Object(_)) | Err(_) => return text_pattern(cut(value)).into(),
        },
    };
    kind.into()
}

/// A JSON pointer with `*` for indices and ids.
fn pointer_pattern(pointer: &str) -> String {
    let is_id = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        digits > 0 && (digits == part.len() || part.len() >= 8)
    };
    let parts = cut(pointer).split('/');
    let parts: Vec<_> = parts.map(|part| if is_id(part) { "*" } else { part }).collect();
    parts.join("/")
}

/// A text with `#` for each word that is a number or an id, and with quoted strings as `"…"` unless a colon follows: they
/// are names of fields.
pub(crate) fn text_pattern(text: &str) -> String {
    let text = cut(text);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = if c == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |at| at + 2);
            let is_name = rest[end..].trim_start().starts_with(':');
            out.push_str(if is_name { &rest[..end] } else { "\"…\"" });
            end
        } else if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            let is_mixed = || {
                let [upper, lower] = [char::is_uppercase, char::is_lowercase].map(|is| word.chars().skip(1).any(is));
                word.len() >= ID_LETTERS && upper && lower
            };
            let varies = word.contains(|c: char| c.is_numeric()) || is_mixed();
            out.push_str(if varies { "#" } else { word });
            end
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[end..];
    }
    out
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(PATTERN)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: CheckId, pointer: &str, expected: &str, actual: &str) -> Finding {
        let finding = Finding::new(check, "unexpected value")
            .expected(expected)
            .actual(actual);
        finding.pointer(pointer)
    }

    #[test]
    fn pattern_is_equal_for_one_cause_and_differs_for_two() {
        let json = |pointer, expected, actual| finding(CheckId::BodyJson, pointer, expected, actual).pattern();
        assert_eq!(
            json("/items/17/id", "4711", "null"),
            "body/json at /items/*/id: expected a number, got null"
        );
        assert_eq!(json("/items/0/id", "1", "null"), json("/items/17/id", "4711", "null"));
        assert_eq!(json("/state", "\"open\"", "\"paid\""), json("/state", "\"a\"", "\"b\""));
        for other in [json("/state", "\"a\"", "null"), json("/other", "\"a\"", "\"b\"")] {
            assert_ne!(json("/state", "\"a\"", "\"b\""), other);
        }
        let status = |actual| finding(CheckId::Status, "", "200", actual).pattern();
        assert_eq!(status("404"), "status: expected 200, got 404");
        assert_ne!(status("404"), status("500"));
    }

    #[test]
    fn ids_and_numbers_of_a_text_are_left_out() {
        for (text, pattern) in [
            ("/orders/6f9619ff-8b86-d011-b42d-00cf4fc964ff", "/orders/#"),
            ("connect to 127.0.0.1:41234 failed", "connect to #.#.#.#:# failed"),
            ("token QWxhZGRpbjpvcGVuIHNlc2FtZQ", "token #"),
            ("application/json; charset=utf-8", "application/json; charset=#"),
            ("\"state\": \"open\"", "\"state\": \"…\""),
            ("an \"open", "an \"…\""),
            ("größer als 5 µs", "größer als # µs"),
            ("", ""),
        ] {
            assert_eq!(text_pattern(text), pattern);
        }
        assert!(text_pattern(&"é".repeat(1000)).len() <= PATTERN);
    }

    #[test]
    fn pattern_of_a_difference_is_its_first_line() {
        let mut finding = Finding::new(CheckId::Snapshot, "differs from its snapshot");
        finding.diff = Some("@@ -1 +1 @@\n-  \"id\": 17,\n+  \"id\": null,\n".to_owned());
        let pattern = finding.pattern();
        finding.diff = Some("@@ -4 +4 @@\n-  \"id\": 18,\n+  \"id\": null,\n".to_owned());
        assert_eq!(pattern, finding.pattern());
        finding.diff = Some("@@ -4 +4 @@\n-  \"name\": 18,\n+  \"name\": null,\n".to_owned());
        assert_ne!(pattern, finding.pattern());
    }
}
