//! `[compare]` of `conforme.toml`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{ChangeRule, Level, accepted};
use crate::source::{Diagnostic, Diagnostics, Fields, Kind, Node, string};

/// Levels by name.
const LEVELS: [(&str, Option<Level>); 4] = [
    ("breaking", Some(Level::Breaking)),
    ("warning", Some(Level::Warning)),
    ("info", Some(Level::Info)),
    ("off", None),
];

/// How changes are judged in a project.
#[derive(Clone, Debug, Default)]
pub struct CompareSettings {
    /// Levels by rule; none where the rule is off.
    pub levels: BTreeMap<ChangeRule, Option<Level>>,
    /// The file of accepted changes, where it is not the usual one.
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
                let (rule, text) = (accepted::known_rule(&name, errors), string(value, errors));
                let (Some(rule), Some(text)) = (rule, text) else {
                    continue;
                };
                match LEVELS.iter().find(|(name, _)| *name == text) {
                    Some((_, level)) => drop(settings.levels.insert(rule, *level)),
                    None => errors.push(
                        Diagnostic::new(value.span, format!("`{text}` is no level of a change"))
                            .suggest(&text, LEVELS.map(|(name, _)| name)),
                    ),
                }
            }
        }
        fields.finish(errors);
        settings
    }
}
