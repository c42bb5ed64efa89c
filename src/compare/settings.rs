//! `[compare]` of `conforme.toml`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{ChangeLevel, ChangeRule, accepted, difference::ChangedPart};
use crate::source::{Diagnostic, Diagnostics, Fields, Kind, Node, string};

/// Levels by name.
const LEVELS: [(&str, Option<ChangeLevel>); 4] = [
    ("breaking", Some(ChangeLevel::Breaking)),
    ("warning", Some(ChangeLevel::Warning)),
    ("info", Some(ChangeLevel::Info)),
    ("off", None),
];

/// Levels that a project sets, by rule, or by rule and location; `None` if a rule is off.
#[derive(Clone, Debug, Default)]
pub struct Levels(BTreeMap<(ChangeRule, Option<String>), Option<ChangeLevel>>);

impl Levels {
    /// The level of a rule at a location: that of the location, or else that of the rule.
    #[expect(
        clippy::option_option,
        reason = "outside: whether the project sets it; inside: whether it is on"
    )]
    pub(super) fn of(&self, rule: ChangeRule, part: &ChangedPart) -> Option<Option<ChangeLevel>> {
        let location = match part {
            ChangedPart::Header(location) | ChangedPart::Body(location) => Some(location.clone()),
            ChangedPart::Whole | ChangedPart::Status => None,
        };
        let of_location = location.and_then(|location| self.0.get(&(rule, Some(location))));
        of_location.or_else(|| self.0.get(&(rule, None))).copied()
    }

    /// Reads a key: a rule, or `rule:field` and `rule:/pointer`.
    fn key(name: &Node, errors: &mut Diagnostics) -> Option<(ChangeRule, Option<String>)> {
        let text = string(name, errors)?;
        let (rule, location) = match text.split_once(':') {
            None => (text.as_str(), None),
            Some((rule, location)) => (rule, Some(location)),
        };
        let rule_node = Node {
            span: name.span,
            kind: Kind::String(rule.to_owned()),
        };
        let rule = accepted::known_rule(&rule_node, errors)?;
        let Some(location) = location else {
            return Some((rule, None));
        };
        if rule.id().starts_with("header/") {
            let header = accepted::known_header(location, name.span, errors)?;
            return Some((rule, Some(header)));
        }
        let is_pointer = location.is_empty() || location.starts_with('/');
        let has_body = ["body/", "request/"].iter().any(|kind| rule.id().starts_with(kind));
        if has_body && is_pointer {
            return Some((rule, Some(location.to_owned())));
        }
        errors.push(
            Diagnostic::new(name.span, format!("`{}` cannot be narrowed to `{location}`", rule.id()))
                .help("a `header/` rule may name a field, a `body/` or `request/` rule a JSON pointer"),
        );
        None
    }
}

/// The comparison settings of a project.
#[derive(Clone, Debug, Default)]
pub struct CompareSettings {
    /// The levels that it sets.
    pub levels: Levels,
    /// The file of accepted changes, if it is not the default.
    pub accepted: Option<PathBuf>,
}

impl CompareSettings {
    /// Reads the table; relative paths start at `root`.
    pub fn of(node: &Node, root: &Path, errors: &mut Diagnostics) -> Self {
        let mut settings = Self::default();
        let Some(mut fields) = Fields::of(node, "`[compare]`", errors) else {
            return settings;
        };
        settings.accepted = fields.read("accepted", errors, string).map(|path| root.join(path));
        if let Some(levels) = fields.take("levels") {
            if !matches!(levels.kind, Kind::Map(_)) {
                errors.push(Diagnostic::new(
                    levels.span,
                    "levels are a table: `\"body/value-changed\" = \"info\"`",
                ));
            }
            for (key, value) in levels.entries() {
                let name = Node {
                    span: key.span,
                    kind: Kind::String(key.text.to_string()),
                };
                let (rule, text) = (Levels::key(&name, errors), string(value, errors));
                let (Some(rule), Some(text)) = (rule, text) else {
                    continue;
                };
                match LEVELS.iter().find(|(name, _)| *name == text) {
                    Some((_, level)) => drop(settings.levels.0.insert(rule, *level)),
                    None => errors.push(
                        Diagnostic::new(value.span, format!("`{text}` is not a level of a change"))
                            .suggest(&text, LEVELS.map(|(name, _)| name)),
                    ),
                }
            }
        }
        fields.finish(errors);
        settings
    }
}
