//! `{{ name }}`: text with variables in it.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, SecondsFormat, TimeDelta};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::source::{Span, parse_duration};

/// The name of the target's base URL.
pub(crate) const BASE_URL: &str = "base_url";

/// Names with a value of their own: generated for the run, the case, or a step, or the base URL of the target.
pub(crate) const RESERVED: [&str; 5] = ["run_id", "case_id", "uuid", "now", BASE_URL];

/// Whether a name has a value of its own.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Literal text.
    Text(String),
    /// The value of a variable, changed by filters.
    Variable(String, Vec<Filter>),
}

/// A filter of a variable's value, such as `{{ token | swap_case }}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Swaps lower and upper case, for almost valid credentials.
    SwapCase,
    /// All but the last character, for almost valid credentials.
    DropLast,
    /// Base64 with padding (RFC 4648 §4).
    Base64,
    /// Base64url without padding (RFC 4648 §5).
    Base64Url,
    /// The SHA-256 digest in lower-case hexadecimal digits.
    Sha256,
    /// Percent-encoding of all but unreserved characters (RFC 3986 §2.3).
    UrlEncode,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
    /// A date and time, moved by seconds.
    Add(i64),
    /// A date and time as seconds since 1970-01-01T00:00:00Z.
    Unix,
    /// Leaves out the field whose value is null.
    Optional,
}

impl Filter {
    /// Filters without an argument, by name.
    pub const NAMES: [(&'static str, Filter); 10] = [
        ("swap_case", Filter::SwapCase),
        ("drop_last", Filter::DropLast),
        ("base64", Filter::Base64),
        ("base64url", Filter::Base64Url),
        ("sha256", Filter::Sha256),
        ("url_encode", Filter::UrlEncode),
        ("lower", Filter::Lower),
        ("upper", Filter::Upper),
        ("unix", Filter::Unix),
        ("optional", Filter::Optional),
    ];

    /// Reads `base64` or `add 5m`.
    fn parse(given: &str) -> Result<Self, String> {
        if let Some((_, filter)) = Self::NAMES.iter().find(|(known, _)| *known == given) {
            return Ok(*filter);
        }
        let sign = match given.split_whitespace().next() {
            Some("add") => 1,
            Some("subtract") => -1,
            _ => {
                let names = Self::NAMES.iter().map(|(name, _)| format!("`{name}`"));
                let names: Vec<_> = names
                    .chain(["`add 5m`".to_owned(), "`subtract 5m`".to_owned()])
                    .collect();
                return Err(format!("no filter `{given}`; there are {}", names.join(", ")));
            }
        };
        let duration = given
            .split_once(char::is_whitespace)
            .map_or("", |(_, duration)| duration.trim());
        let seconds = parse_duration(duration)?.as_secs();
        Ok(Self::Add(sign * i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    /// Whether it makes an almost valid value: a value that it does not change is not the intended one.
    pub fn must_change(self) -> bool {
        matches!(self, Self::SwapCase | Self::DropLast)
    }

    /// The filtered text; an error if the filter does not apply to it.
    pub fn apply(self, text: &str) -> Result<String, String> {
        let at = || {
            DateTime::parse_from_rfc3339(text)
                .map(|at| at.to_utc())
                .map_err(|_| "is not a date and time such as `2026-01-02T03:04:05Z`".to_owned())
        };
        Ok(match self {
            Self::SwapCase => text
                .chars()
                .map(|c| {
                    if c.is_ascii_lowercase() {
                        c.to_ascii_uppercase()
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .collect(),
            Self::DropLast => {
                let mut chars = text.chars();
                chars.next_back();
                chars.as_str().to_owned()
            }
            Self::Base64 => STANDARD.encode(text),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::Sha256 => crate::check::sha256(text.as_bytes()),
            Self::UrlEncode => utf8_percent_encode(text, ENCODED).to_string(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Add(seconds) => {
                let moved = TimeDelta::try_seconds(seconds).and_then(|by| at().ok()?.checked_add_signed(by));
                at()?;
                let moved = moved.ok_or("leaves the range of dates")?;
                moved.to_rfc3339_opts(SecondsFormat::Millis, true)
            }
            Self::Unix => at()?.timestamp().to_string(),
            Self::Optional => text.to_owned(),
        })
    }
}

/// Everything except RFC 3986's unreserved characters, which cannot change the structure of a path or query.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text in which `{{ name }}` is a variable and `{{ "text" }}` is literal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The pieces in order.
    pub parts: Vec<TemplatePart>,
    /// Where it was written.
    pub span: Span,
}

impl Template {
    /// Reads a template; the error describes the fault in its braces.
    pub fn parse(text: &str, span: Span) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            push_text(&mut parts, &rest[..at]);
            let inside = &rest[at + 2..];
            let (part, after) = placeholder(inside)?;
            match part {
                TemplatePart::Text(text) => push_text(&mut parts, &text),
                variable @ TemplatePart::Variable(..) => parts.push(variable),
            }
            rest = after;
        }
        push_text(&mut parts, rest);
        parts.shrink_to_fit();
        Ok(Self { parts, span })
    }

    /// Text without variables.
    pub fn constant(text: impl Into<String>, span: Span) -> Self {
        let mut parts = Vec::new();
        push_text(&mut parts, &text.into());
        Self { parts, span }
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Variable(name, _) => Some(name.as_str()),
            TemplatePart::Text(_) => None,
        })
    }

    /// The text, if it contains no variables.
    pub fn as_constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TemplatePart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variable, if the template consists of it, unchanged.
    pub fn as_variable(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [TemplatePart::Variable(name, filters)] if filters.iter().all(|filter| *filter == Filter::Optional) => {
                Some(name)
            }
            _ => None,
        }
    }

    /// The variables of which each leaves out the whole text if it is null: `{{ name | optional }}`.
    pub(crate) fn optional(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Variable(name, filters) if filters.contains(&Filter::Optional) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean", "null"],
            "description": "Text; `{{ name }}` is a variable. `null` takes an inherited entry away."
        })
    }
}

fn push_text(parts: &mut Vec<TemplatePart>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(TemplatePart::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(TemplatePart::Text(text.to_owned()));
    }
}

/// Reads what follows `{{`: the part, and the text after `}}`.
fn placeholder(inside: &str) -> Result<(TemplatePart, &str), String> {
    let start = inside.trim_start();
    if let Some(quoted) = start.strip_prefix('"') {
        let (text, after) = quoted
            .split_once('"')
            .ok_or_else(|| "a quote in `{{ }}` is not closed".to_owned())?;
        let after = after
            .trim_start()
            .strip_prefix("}}")
            .ok_or_else(|| "`{{` without `}}`".to_owned())?;
        return Ok((TemplatePart::Text(text.to_owned()), after));
    }
    let (name, after) = inside
        .split_once("}}")
        .ok_or_else(|| "`{{` without `}}` (write `{{ \"{{\" }}` for the braces themselves)".to_owned())?;
    let mut words = name.split('|').map(str::trim);
    let name = words.next().unwrap_or_default();
    if !is_name(name) {
        return Err(format!("`{name}` is not a variable's name"));
    }
    let filters = words.map(Filter::parse).collect::<Result<_, _>>()?;
    Ok((TemplatePart::Variable(name.to_owned(), filters), after))
}

/// Letters, digits and `_`, not a digit first.
pub(crate) fn is_name(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::source::{Sources, parse_yaml};

    fn parse(text: &str) -> Result<Vec<TemplatePart>, String> {
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a"), "a".to_owned());
        let span = parse_yaml(sources.text(file), file, &mut crate::source::Diagnostics::default())
            .expect("a node")
            .span;
        Template::parse(text, span).map(|template| template.parts)
    }

    fn text(text: &str) -> TemplatePart {
        TemplatePart::Text(text.to_owned())
    }

    fn variable(name: &str) -> TemplatePart {
        TemplatePart::Variable(name.to_owned(), Vec::new())
    }

    #[test]
    fn variables_are_found_in_text() {
        assert_eq!(parse("plain"), Ok(vec![text("plain")]));
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("{{a}}{{ b_1 }}"), Ok(vec![variable("a"), variable("b_1")]));
        assert_eq!(parse("x {{ a }} y"), Ok(vec![text("x "), variable("a"), text(" y")]));
        assert_eq!(parse("{{ \"{{\" }} a }}"), Ok(vec![text("{{ a }}")]));
        assert_eq!(parse("}} { }"), Ok(vec![text("}} { }")]));
    }

    #[test]
    fn filters_are_applied_in_order() {
        let filtered = |filters: &str, text: &str| {
            let Ok(parts) = parse(&format!("{{{{ a | {filters} }}}}")) else {
                return Err("parse".to_owned());
            };
            let [TemplatePart::Variable(_, filters)] = parts.as_slice() else {
                panic!("{parts:?}")
            };
            filters
                .iter()
                .try_fold(text.to_owned(), |text, filter| filter.apply(&text))
        };
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(filtered("base64", "a?>"), ok("YT8+"));
        assert_eq!(filtered("base64url", "a?>"), ok("YT8-"));
        assert_eq!(filtered("upper | base64", "ab"), ok("QUI="));
        assert_eq!(filtered("sha256", "").unwrap()[..16], *"e3b0c44298fc1c14");
        assert_eq!(filtered("url_encode", "a b/c"), ok("a%20b%2Fc"));
        assert_eq!(
            filtered("add 5m", "2026-01-02T23:58:00Z"),
            ok("2026-01-03T00:03:00.000Z")
        );
        assert_eq!(filtered("subtract 1d | unix", "1970-01-02T00:00:01Z"), ok("1"));
        for (filters, text) in [("add 5m", "soon"), ("add 5", ""), ("add", ""), ("nope", "")] {
            assert!(filtered(filters, text).is_err(), "{filters}");
        }
    }

    #[test]
    fn broken_braces_are_errors() {
        for wrong in [
            "{{ a",
            "{{ }}",
            "{{ 1a }}",
            "{{ a b }}",
            "{{ \"x }}",
            "{{ \"x\" ",
            "{{ a | b }}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
