//! What an id in a report means: checks, built-in rules, and changes between two versions, each with an example.

mod change_examples;
mod check_examples;

use std::{borrow::Cow, fmt};

use crate::{
    check::{self, RULES, RuleInfo},
    compare::{CHANGE_RULES, ChangeLevel, ChangeRuleInfo},
    model::{CheckId, Level},
    source::nearest,
};

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A check that a case asks for, or that every response has to pass.
    Check,
    /// A built-in rule, with its level unless a suite or case sets another.
    Rule(Level),
    /// A change between two versions, with its level unless evidence or the project sets another.
    Change(ChangeLevel),
}

/// The meaning of an id.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The id.
    pub id: Cow<'static, str>,
    /// What it names.
    pub subject: Subject,
    /// What it checks, or which clients the change breaks: a sentence.
    pub meaning: String,
    /// An example: a case and a response that fails the check, or the two sides of a change.
    pub example: String,
}

/// A section of an RFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As it is cited: `RFC 9110 §6.6.1`.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// The id that is nearest to an unknown one, if any is similar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownId {
    /// The unknown id.
    pub id: String,
    /// A similar id.
    pub nearest: Option<String>,
}

/// What the ids of checks and changes of header fields begin with.
const HEADER: &str = "header/";
/// What the ids of checks of trailer fields begin with.
const TRAILER: &str = "trailer/";
/// What the ids of checks of cookies begin with.
const COOKIE: &str = "cookie/";

/// Every explanation: checks, built-in rules, changes, in the order of reports. The checks of header fields, trailer fields and
/// cookies are listed as `header/NAME`, `trailer/NAME` and `cookie/NAME`.
pub fn explanations() -> Vec<Explanation> {
    let mut checks: Vec<_> = CheckId::FIXED.iter().map(of_check).collect();
    checks.insert(1, of_header("NAME"));
    checks.insert(2, of_trailer("NAME"));
    checks.insert(3, of_cookie("NAME"));
    checks.extend(RULES.iter().map(of_rule));
    checks.extend(CHANGE_RULES.iter().map(of_change));
    checks
}

/// Explains an id. `header/` and `trailer/` take the name of any field, `cookie/` that of any cookie; a field or pointer after
/// the id of a change, as in `header/removed:etag`, is ignored.
pub fn explain(id: &str) -> Result<Explanation, UnknownId> {
    let id = id.trim();
    let all = explanations();
    let rule = id.split_once(':').map_or(id, |(rule, _)| rule);
    let is_named = |known: &&Explanation| known.id == id || (known.id == rule && known.subject.is_change());
    if let Some(known) = all.iter().find(is_named) {
        return Ok(known.clone());
    }
    let unknown = |similar: Option<String>| UnknownId {
        id: id.to_owned(),
        nearest: similar,
    };
    if let Some(name) = id.strip_prefix(COOKIE).filter(|name| check::is_token(name)) {
        return Ok(of_cookie(name));
    }
    if let Some(name) = id.strip_prefix(TRAILER).filter(|name| check::is_token(name)) {
        return Ok(of_trailer(name));
    }
    let Some(name) = id.strip_prefix(HEADER) else {
        let similar = nearest(id, all.iter().map(|known| &*known.id));
        return Err(unknown(similar.map(str::to_owned)));
    };
    // A misspelled change looks like the name of a field.
    let changes = CHANGE_RULES.iter().filter_map(|row| row.id.strip_prefix(HEADER));
    match nearest(name, changes) {
        None if check::is_token(name) => Ok(of_header(name)),
        similar => Err(unknown(similar.map(|name| format!("{HEADER}{name}")))),
    }
}

fn of_check(id: &CheckId) -> Explanation {
    Explanation {
        id: id.as_str().to_owned().into(),
        subject: Subject::Check,
        meaning: id.title(),
        example: check_examples::of(id.as_str()),
    }
}

fn of_header(name: &str) -> Explanation {
    Explanation {
        example: check_examples::of("header/NAME"),
        ..of_check(&CheckId::header(name))
    }
}

fn of_trailer(name: &str) -> Explanation {
    Explanation {
        example: check_examples::of("trailer/NAME"),
        ..of_check(&CheckId::trailer(name))
    }
}

fn of_cookie(name: &str) -> Explanation {
    Explanation {
        example: check_examples::of("cookie/NAME"),
        ..of_check(&CheckId::cookie(name))
    }
}

fn of_rule(rule: &RuleInfo) -> Explanation {
    Explanation {
        id: rule.id.into(),
        subject: Subject::Rule(rule.level),
        meaning: sentence(rule.requirement),
        example: check_examples::of(rule.id),
    }
}

fn of_change(row: &'static ChangeRuleInfo) -> Explanation {
    Explanation {
        id: row.id.into(),
        subject: Subject::Change(row.level),
        meaning: sentence(row.reason),
        example: change_examples::of(row.id),
    }
}

/// A fragment as a sentence. A first word in backticks stays as it is.
fn sentence(fragment: &str) -> String {
    let mut chars = fragment.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

impl Subject {
    /// Its name, and its level if it has one: `built-in rule, level deny`.
    pub fn title(self) -> String {
        match self {
            Self::Check => "check".to_owned(),
            Self::Rule(level) => {
                let name = Level::NAMES.iter().find(|(_, known)| *known == level);
                format!("built-in rule, level {}", name.map_or("", |(name, _)| name))
            }
            Self::Change(level) => {
                let name = match level {
                    ChangeLevel::Breaking => "breaking",
                    ChangeLevel::Warning => "warning",
                    ChangeLevel::Info => "info",
                };
                format!("change, level {name}")
            }
        }
    }

    fn is_change(self) -> bool {
        matches!(self, Self::Change(_))
    }
}

impl Explanation {
    /// The sections of RFCs that its meaning cites.
    pub fn references(&self) -> Vec<Reference> {
        references(&self.meaning)
    }

    /// How to change its level, as lines of a file; nothing for a check.
    pub fn setting(&self) -> Option<String> {
        match self.subject {
            Subject::Check => None,
            Subject::Rule(_) => Some(format!(
                "suite.yaml or a case: expect: {{ rules: {{ {}: off }} }}   # deny, warn or off",
                self.id
            )),
            Subject::Change(_) => Some(format!(
                "conforme.toml: [compare.levels] \"{}\" = \"info\"   # breaking, warning, info or off",
                self.id
            )),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  ({})\n\n{}\n", self.id, self.subject.title(), self.meaning)?;
        for reference in self.references() {
            writeln!(f, "  {}  {}", reference.title, reference.url)?;
        }
        if !self.references().is_empty() {
            writeln!(f)?;
        }
        let heading = if self.subject.is_change() {
            "Example:"
        } else {
            "Example of a failure:"
        };
        writeln!(f, "{heading}")?;
        for line in self.example.lines() {
            let line = format!("  {line}");
            writeln!(f, "{}", line.trim_end())?;
        }
        match self.setting() {
            Some(setting) => write!(f, "\nLevel, in {setting}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for UnknownId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: no check, rule or change has this id", self.id)
    }
}

/// The sections that a text cites as `RFC 9110 §8.6, §9.3.2`; an RFC without a section is cited as a whole.
fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for cited in text.split("RFC ").skip(1) {
        let digits = cited.find(|c: char| !c.is_ascii_digit()).unwrap_or(cited.len());
        let (number, rest) = cited.split_at(digits);
        let rest = rest.split(')').next().unwrap_or_default();
        let url = format!("https://www.rfc-editor.org/rfc/rfc{number}");
        let sections = rest.split('§').skip(1).map(|section| {
            let end = section.find(|c: char| !c.is_ascii_digit() && c != '.');
            section[..end.unwrap_or(section.len())].trim_end_matches('.')
        });
        let sections: Vec<_> = sections.filter(|section| !section.is_empty()).collect();
        if sections.is_empty() && !number.is_empty() {
            found.push(Reference {
                title: format!("RFC {number}"),
                url: url.clone(),
            });
        }
        found.extend(sections.into_iter().map(|section| Reference {
            title: format!("RFC {number} §{section}"),
            url: format!("{url}#section-{section}"),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_is_explained_once_with_an_example() {
        let all = explanations();
        let ids: BTreeSet<_> = all.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids.len(), all.len());
        assert_eq!(all.len(), CheckId::FIXED.len() + 3 + RULES.len() + CHANGE_RULES.len());
        for one in &all {
            assert!(!one.example.is_empty(), "{}: no example", one.id);
            assert_eq!(explain(&one.id).unwrap().id, one.id);
        }
    }

    #[test]
    fn examples_of_changes_show_both_versions() {
        for one in explanations().iter().filter(|one| one.subject.is_change()) {
            assert!(one.example.contains(" → "), "{}: {}", one.id, one.example);
        }
    }

    #[test]
    fn unknown_id_has_the_nearest_name() {
        let nearest = |id: &str| explain(id).unwrap_err().nearest;
        assert_eq!(nearest("http/dat").as_deref(), Some("http/date"));
        assert_eq!(nearest("header/remved").as_deref(), Some("header/removed"));
        assert_eq!(nearest("weather"), None);
        assert_eq!(nearest("header/a b"), None);
        for field in ["etag", "date", "te", "allow", "content-type", "Via"] {
            let id = format!("header/{field}");
            assert_eq!(explain(&id).unwrap().subject, Subject::Check, "{id}");
        }
        assert_eq!(explain("header/removed:etag").unwrap().id, "header/removed");
    }

    #[test]
    fn sections_are_cited_with_their_address() {
        let cited = |text: &str| -> Vec<_> { references(text).into_iter().map(|one| (one.title, one.url)).collect() };
        let reference = |title: &str, url: &str| (title.to_owned(), format!("https://www.rfc-editor.org/rfc/{url}"));
        assert_eq!(
            cited("a (RFC 9110 §8.6, §9.3.2, RFC 7493 §2.3)."),
            [
                reference("RFC 9110 §8.6", "rfc9110#section-8.6"),
                reference("RFC 9110 §9.3.2", "rfc9110#section-9.3.2"),
                reference("RFC 7493 §2.3", "rfc7493#section-2.3"),
            ]
        );
        assert_eq!(cited("b (RFC 9112)"), [reference("RFC 9112", "rfc9112")]);
        assert_eq!(cited("none"), []);
    }
}
