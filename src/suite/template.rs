//! `{{ name }}`: text with variables in it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::source::Span;

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// The value of a variable, with an optional filter.
    Variable(String, Option<Filter>),
}

/// Filters of a variable's value, for almost valid credentials, such as `{{ token | swap_case }}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Swaps lower and upper case.
    SwapCase,
    /// All but the last character.
    DropLast,
}

impl Filter {
    /// All filters by name.
    pub const NAMES: [(&'static str, Filter); 2] = [("swap_case", Filter::SwapCase), ("drop_last", Filter::DropLast)];

    /// The filtered text.
    pub fn apply(self, text: &str) -> String {
        match self {
            Filter::SwapCase => text
                .chars()
                .map(|c| {
                    if c.is_ascii_lowercase() {
                        c.to_ascii_uppercase()
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .collect(),
            Filter::DropLast => {
                let mut chars = text.chars();
                chars.next_back();
                chars.as_str().to_owned()
            }
        }
    }
}

/// Text in which `{{ name }}` is a variable and `{{ "text" }}` is literal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The pieces in order.
    pub parts: Vec<Part>,
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
                Part::Text(text) => push_text(&mut parts, &text),
                variable @ Part::Variable(..) => parts.push(variable),
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
            Part::Variable(name, _) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text, if it contains no variables.
    pub fn as_constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variable, if the template consists of it.
    pub fn as_variable(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Variable(name, None)] => Some(name),
            _ => None,
        }
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

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Part::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// Reads what follows `{{`: the part, and the text after `}}`.
fn placeholder(inside: &str) -> Result<(Part, &str), String> {
    let start = inside.trim_start();
    if let Some(quoted) = start.strip_prefix('"') {
        let (text, after) = quoted
            .split_once('"')
            .ok_or_else(|| "a quote in `{{ }}` is not closed".to_owned())?;
        let after = after
            .trim_start()
            .strip_prefix("}}")
            .ok_or_else(|| "`{{` without `}}`".to_owned())?;
        return Ok((Part::Text(text.to_owned()), after));
    }
    let (name, after) = inside
        .split_once("}}")
        .ok_or_else(|| "`{{` without `}}` (write `{{ \"{{\" }}` for the braces themselves)".to_owned())?;
    let (name, filter) = match name.split_once('|') {
        Some((name, filter)) => (name.trim(), Some(filter.trim())),
        None => (name.trim(), None),
    };
    if !is_name(name) {
        return Err(format!("`{name}` is not a variable's name"));
    }
    let filter = match filter {
        None => None,
        Some(given) => {
            let known = Filter::NAMES.iter().find(|(known, _)| *known == given);
            let Some((_, filter)) = known else {
                let known: Vec<_> = Filter::NAMES.iter().map(|(name, _)| format!("`{name}`")).collect();
                return Err(format!("no filter `{given}`; there are {}", known.join(" and ")));
            };
            Some(*filter)
        }
    };
    Ok((Part::Variable(name.to_owned(), filter), after))
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

    fn parse(text: &str) -> Result<Vec<Part>, String> {
        let mut sources = Sources::new("");
        let file = sources.add(Path::new("a"), "a".to_owned());
        let span = parse_yaml(sources.text(file), file, &mut crate::source::Diagnostics::default())
            .expect("a node")
            .span;
        Template::parse(text, span).map(|template| template.parts)
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn variable(name: &str) -> Part {
        Part::Variable(name.to_owned(), None)
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
