//! How a case would write the values of a response: with the names of its variables and patterns for generated values.

use std::{fmt::Write as _, ops::Range, sync::LazyLock, time::Duration};

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::Value;

use crate::{
    check::{self, TextPiece, VariableSubstitution},
    model::HIDDEN,
};

/// Maximum distance of a date from the response for which `within` is suggested.
const RECENT: Duration = Duration::from_mins(5);

/// Texts that are probably generated: a UUID, a date with a time, hexadecimal digits, a token, a number as long as a
/// timestamp.
static GENERATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)";
    let uuid = r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b";
    Regex::new(&format!(
        r"(?<uuid>{uuid})|(?<date>{date})|(?<hex>\b[0-9A-Fa-f]{{16,}}\b)|(?<token>[0-9A-Za-z_]{{20,}})|(?<time>\b\d{{10,19}}\b)"
    ))
    .ok()
});

/// The variables and placeholders of a case.
pub(super) struct CaseNames {
    known: VariableSubstitution,
    /// Variables of the row, with values that may be too short to be recognized wherever they occur.
    row: Vec<(String, String)>,
    /// The placeholders of secrets in the recording.
    marks: Vec<String>,
    /// When the response was received: a date is suggested to be recent only if it was.
    received: DateTime<Utc>,
}

impl CaseNames {
    /// Of the variables that a case makes, and of those of its target.
    pub(super) fn new(
        own: Vec<(String, String)>,
        of_target: impl Iterator<Item = (String, String)>,
        has_row: bool,
        marks: Vec<String>,
        received: DateTime<Utc>,
    ) -> Self {
        let row = own.iter().filter(|(_, value)| has_row && !value.is_empty());
        Self {
            row: row.cloned().collect(),
            marks,
            received,
            known: VariableSubstitution::new(own.into_iter().chain(of_target)),
        }
    }

    /// Whether a text contains a placeholder of a secret, which replaces a different text of the response.
    pub(super) fn is_masked(&self, text: &str) -> bool {
        text.contains(HIDDEN) || self.marks.iter().any(|mark| text.contains(mark.as_str()))
    }

    /// Whether `within: 5m` passes for a date of the response.
    pub(super) fn is_recent(&self, text: &str) -> bool {
        check::instant(text).is_some_and(|at| check::is_within(at, self.received, RECENT))
    }

    /// Whether a number is probably the time of the response, in seconds or in fractions of them.
    pub(super) fn is_time(&self, number: &str) -> bool {
        let now = self.received.timestamp();
        let digits = number.split('.').next().unwrap_or_default();
        let scale = match digits.len() {
            10 => 1,
            13 => 1_000,
            16 => 1_000_000,
            19 => 1_000_000_000,
            _ => return false,
        };
        digits
            .parse::<i64>()
            .is_ok_and(|time| (time / scale - now).abs() < 86_400)
    }

    /// Whether the text probably differs in each response, or in the response to each row.
    pub(super) fn is_volatile(&self, text: &str) -> bool {
        self.is_masked(text) || self.is_recent(text) || self.is_of_row(text) || !self.generated(text).is_empty()
    }

    /// Whether this value contains such a text.
    pub(super) fn has_volatile(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_volatile(text),
            Value::Number(number) => self.is_time(&number.to_string()),
            Value::Array(items) => items.iter().any(|item| self.has_volatile(item)),
            Value::Object(entries) => {
                (entries.iter()).any(|(key, value)| self.is_masked(key) || self.has_volatile(value))
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// A template that gives this text, with variables by name.
    pub(super) fn template(&self, text: &str) -> String {
        let mut out = String::new();
        let mut pieces = self.known.pieces(text).into_iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                TextPiece::Literal(text) => {
                    let is_before_name = matches!(pieces.peek(), Some(TextPiece::Name(_)));
                    out.push_str(&literal(text, is_before_name));
                }
                TextPiece::Name(name) => drop(write!(out, "{{{{ {name} }}}}")),
            }
        }
        out
    }

    /// A template that gives this text, without variables.
    pub(super) fn plain(text: &str) -> String {
        literal(text, false)
    }

    /// The variables of the row whose whole value this is.
    pub(super) fn of_row<'n>(&'n self, text: &'n str) -> impl Iterator<Item = String> + 'n {
        let names = self.row.iter().filter(move |(_, value)| value == text);
        names.map(|(name, _)| format!("{{{{ {name} }}}}"))
    }

    /// An anchored pattern that the text matches, with patterns for generated parts. `None` if no part is
    /// generated.
    pub(super) fn shape(&self, text: &str) -> Option<String> {
        let mut out = "^".to_owned();
        let mut is_varied = false;
        for piece in self.known.pieces(text) {
            match piece {
                TextPiece::Name(name) => drop(write!(out, "{{{{ {name} }}}}")),
                TextPiece::Literal(text) => {
                    let mut done = 0;
                    for (location, shape) in self.generated(text) {
                        out.push_str(&regex::escape(&text[done..location.start]));
                        out.push_str(&shape);
                        done = location.end;
                        is_varied = true;
                    }
                    out.push_str(&regex::escape(&text[done..]));
                }
            }
        }
        is_varied.then(|| out + "$")
    }

    /// The parts of a text that are probably generated, each with a pattern of its form.
    fn generated(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let Some(pattern) = GENERATED.as_ref() else {
            return Vec::new();
        };
        let known = self.known.pieces(text);
        if matches!(known.as_slice(), [TextPiece::Name(_)]) {
            return Vec::new();
        }
        let shape = |found: &regex::Captures<'_>| {
            let part = found.get(0)?;
            let text = part.as_str();
            let hex = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                "[0-9A-Fa-f]"
            } else {
                "[0-9a-f]"
            };
            let shape = if found.name("uuid").is_some() {
                [8, 4, 4, 4, 12].map(|count| format!("{hex}{{{count}}}")).join("-")
            } else if found.name("date").is_some() {
                self.is_recent(text).then(|| shape_of_date(text))?
            } else if found.name("hex").is_some() {
                format!("{hex}{{{}}}", text.len())
            } else if found.name("token").is_some() {
                let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
                let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
                is_mixed.then(|| "[0-9A-Za-z_]+".to_owned())?
            } else {
                self.is_time(text).then(|| format!("[0-9]{{{}}}", text.len()))?
            };
            Some((part.range(), shape))
        };
        pattern.captures_iter(text).filter_map(|found| shape(&found)).collect()
    }

    /// Whether a text contains a value of the row that has no name there.
    pub(super) fn is_of_row(&self, text: &str) -> bool {
        let bare = self.known.pieces(text).into_iter().filter_map(|piece| match piece {
            TextPiece::Literal(text) => Some(text),
            TextPiece::Name(_) => None,
        });
        let bare: Vec<_> = bare.collect();
        self.row
            .iter()
            .any(|(_, value)| bare.iter().any(|text| text.contains(value.as_str())))
    }
}

/// The pattern of a date with a time: the digits may differ, the rest may not.
pub(super) fn shape_of_date(text: &str) -> String {
    let (moment, fraction) = match text.split_once('.') {
        Some((moment, rest)) => {
            let zone = rest.trim_start_matches(|sign: char| sign.is_ascii_digit());
            (moment.to_owned() + zone, true)
        }
        None => (text.to_owned(), false),
    };
    let mut out = String::new();
    for (at, sign) in moment.char_indices() {
        if at == 19 && fraction {
            out += r"\.[0-9]+";
        }
        if sign.is_ascii_digit() && at < 19 {
            out += "[0-9]";
        } else {
            out += &regex::escape(&sign.to_string());
        }
    }
    if moment.len() == 19 && fraction {
        out += r"\.[0-9]+";
    }
    out
}

/// A text with its double braces escaped; `is_before_name`: `{{ name }}` follows it.
fn literal(text: &str, is_before_name: bool) -> String {
    let mut out = text.replace("{{", "{{ \"{{\" }}");
    if is_before_name && out.ends_with('{') {
        out.pop();
        out.push_str("{{ \"{\" }}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(own: &[(&str, &str)], has_row: bool) -> CaseNames {
        let own = own
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let received = DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default();
        let marks = vec!["$TOKEN".to_owned()];
        CaseNames::new(own.collect(), std::iter::empty(), has_row, marks, received)
    }

    #[test]
    fn shapes_match_what_they_describe_and_nothing_longer() {
        let names = names(&[("user", "user-0001-abc")], false);
        for (text, shape) in [
            (
                "550e8400-e29b-41d4-a716-446655440000",
                Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
            ),
            ("\"0123456789abcdef\"", Some("^\"[0-9a-f]{16}\"$")),
            (
                "/u/user-0001-abc/0123456789ABCDEF",
                Some("^/u/{{ user }}/[0-9A-Fa-f]{16}$"),
            ),
            (
                "at 2026-01-01T00:00:01.25Z",
                Some(r"^at [0-9][0-9][0-9][0-9]\-[0-9][0-9]\-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\.[0-9]+Z$"),
            ),
            ("2020-01-01T00:00:01Z", None),
            ("t=1767225601", Some("^t=[0-9]{10}$")),
            ("a plain text of words", None),
            ("internationalization", None),
        ] {
            assert_eq!(names.shape(text).as_deref(), shape, "{text}");
            if let Some(shape) = shape.filter(|shape| !shape.contains("{{ ")) {
                let pattern = Regex::new(shape).unwrap();
                assert!(
                    pattern.is_match(text) && !pattern.is_match(&format!("{text}x")),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn templates_keep_braces_and_name_variables() {
        let names = names(&[("user", "user-0001-abc")], false);
        for (text, template) in [
            ("hello user-0001-abc", "hello {{ user }}"),
            ("{{ user }}", "{{ \"{{\" }} user }}"),
            ("{user-0001-abc}", "{{ \"{\" }}{{ user }}}"),
            ("{{{x", "{{ \"{{\" }}{x"),
        ] {
            assert_eq!(names.template(text), template);
        }
        assert!(names.is_masked("Bearer $TOKEN") && names.is_masked("a [hidden] b") && !names.is_masked("token"));
    }
}
