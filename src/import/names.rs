//! Variables inside texts of a draft.
//!
//! A variable is one private-use character while a text is taken apart, so that it is cut, joined and compared like any
//! other character. The writer turns it into `{{ name }}`.

use std::collections::BTreeSet;

use crate::suite::{is_name, is_reserved};

/// The first of the characters that represent variables: those of plane 15.
const FIRST: u32 = 0xF_0000;
/// Number of these characters.
const MAX: usize = 0xFFFD;

/// A text of a request, with a character for each variable.
pub type Value = String;

/// The variables of a draft.
#[derive(Clone, Debug, Default)]
pub struct Names {
    variables: Vec<Variable>,
}

/// A use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    name: String,
    filter: Option<&'static str>,
}

/// Whether a text contains a character that represents a variable.
pub(super) fn has_variable(text: &str) -> bool {
    text.chars().any(is_variable)
}

/// Whether a character represents a variable.
pub(super) fn is_variable(c: char) -> bool {
    (FIRST..FIRST + 0xFFFE).contains(&u32::from(c))
}

impl Names {
    /// The character of a variable.
    pub(super) fn variable(&mut self, name: &str, filter: Option<&'static str>) -> char {
        let wanted = Variable {
            name: name.to_owned(),
            filter,
        };
        let known = self.variables.iter().position(|variable| *variable == wanted);
        let index = known.unwrap_or_else(|| {
            self.variables.push(wanted);
            self.variables.len() - 1
        });
        let offset = u32::try_from(index.min(MAX - 1)).unwrap_or_default();
        char::from_u32(FIRST + offset).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// A text as a template: `{{ name }}` for variables, and literal braces spelled out.
    pub(super) fn template(&self, text: &str) -> String {
        let mut out = String::new();
        for piece in text.split_inclusive(is_variable) {
            let mut chars = piece.chars();
            let last = chars.next_back().filter(|c| is_variable(*c));
            let literal = if last.is_some() { chars.as_str() } else { piece };
            out.push_str(&literal.replace("{{", "{{ \"{{\" }}"));
            let Some(variable) = last.and_then(|c| self.of(c)) else {
                continue;
            };
            // A brace before it would belong to the braces of the variable.
            if out.ends_with('{') {
                out.pop();
                out.push_str("{{ \"{\" }}");
            }
            out.push_str("{{ ");
            out.push_str(&variable.name);
            if let Some(filter) = variable.filter {
                out.push_str(" | ");
                out.push_str(filter);
            }
            out.push_str(" }}");
        }
        out
    }

    /// A text in which every variable has a filter.
    pub(super) fn filtered(&mut self, text: &str, filter: &'static str) -> Value {
        let mut out = String::new();
        for c in text.chars() {
            match self.of(c).map(|variable| variable.name.clone()) {
                Some(name) => out.push(self.variable(&name, Some(filter))),
                None => out.push(c),
            }
        }
        out
    }

    fn of(&self, c: char) -> Option<&Variable> {
        let index = u32::from(c).checked_sub(FIRST)?;
        self.variables.get(usize::try_from(index).ok()?)
    }

    /// The names of the variables of a text.
    pub(super) fn used(&self, text: &str) -> BTreeSet<String> {
        text.chars()
            .filter_map(|c| self.of(c))
            .map(|one| one.name.clone())
            .collect()
    }
}

/// A text as the name of a variable: `X-Api-Key` is `x_api_key`.
pub(super) fn name_of(text: &str) -> String {
    let mut name: String = (text.chars())
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    name = name.trim_matches('_').chars().collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if is_reserved(&name) {
        name.push('_');
    }
    if is_name(&name) { name } else { "value".to_owned() }
}

/// A name for the file of a case: `post-v1-users`.
pub(super) fn file_name(method: &str, path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    const MAX: usize = 60;
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut name = method.to_ascii_lowercase();
    for word in words {
        if name.len() + word.len() >= MAX {
            break;
        }
        name.push('-');
        name.push_str(&word.to_ascii_lowercase());
    }
    // A device of Windows, or the file of the suite.
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    free_file(&name, is_taken)
}

/// A name that is not taken: `get-users`, `get-users-2`.
pub(super) fn free_file(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}-{number}")));
    names.find(|name| !is_taken(name)).unwrap_or_else(|| name.to_owned())
}

/// The beginning of a text, in one line.
pub(super) fn short(text: &str) -> String {
    const MAX: usize = 80;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= MAX {
        return line;
    }
    line.chars().take(MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_spells_out_literal_braces() {
        let mut names = Names::default();
        let token = names.variable("token", None);
        let encoded = names.variable("login", Some("base64"));
        assert_eq!(names.variable("token", None), token);
        let text = format!("a {{{{ b }}}} {token}{{{encoded}}}");
        assert_eq!(
            names.template(&text),
            "a {{ \"{{\" }} b }} {{ token }}{{ \"{\" }}{{ login | base64 }}}"
        );
        assert_eq!(names.used(&text), ["login".to_owned(), "token".to_owned()].into());
        assert!(has_variable(&text) && !has_variable("a\u{e000}"));
    }

    #[test]
    fn names_are_valid() {
        for (text, name) in [
            ("X-Api-Key", "x_api_key"),
            ("ACCESS_TOKEN", "access_token"),
            ("2fa", "_2fa"),
            ("é", "value"),
            ("now", "now_"),
            ("--a--", "a"),
        ] {
            assert_eq!(name_of(text), name);
        }
    }
}
