//! One difference between two responses to a case.

use serde_json::Value;

use crate::{check::VariableSubstitution, model::Response};

use super::ChangeRule;

/// Maximum size in bytes of a value in a change.
const SHOWN: usize = 1000;

/// A difference of two responses to one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) rule: ChangeRule,
    pub(crate) part: ChangedPart,
    /// Distinguishes changes of the same rule and part; contains no observed value.
    pub(crate) kind: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// Why the values are expected to vary from response to response, if they are.
    pub(crate) noise: Option<&'static str>,
    /// A level that replaces the rule's own, and why.
    pub(crate) level: Option<(super::ChangeLevel, &'static str)>,
    /// The edits that apply only this difference to the body of the baseline. Empty if they are not needed.
    pub(crate) edits: Vec<Edit>,
}

/// One edit of a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The location in the body of the baseline.
    pub(crate) at: Vec<EditStep>,
    pub(crate) change: EditChange,
}

/// The operation of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditChange {
    /// Replaces the value, if there is one.
    Replace(Value),
    /// Adds or replaces the property.
    Insert(Value),
    /// Removes the property or the item.
    Remove,
}

/// One step of the path of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditStep {
    Name(String),
    Item(usize),
    /// Every item of an array.
    EveryItem,
}

/// A part of a response.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ChangedPart {
    /// The response or the verdict as a whole.
    Whole,
    /// The status.
    Status,
    /// A header field, in lower case.
    Header(String),
    /// A location in the body: a JSON pointer, `*` for any item of an array.
    Body(String),
}

impl Difference {
    pub(crate) fn new(rule: ChangeRule, part: ChangedPart, before: Option<&str>, after: Option<&str>) -> Self {
        Self {
            rule,
            part,
            kind: String::new(),
            before: before.map(shown),
            after: after.map(shown),
            noise: None,
            level: None,
            edits: Vec::new(),
        }
    }

    /// The key by which differences are grouped into changes.
    pub(crate) fn key(&self) -> (ChangeRule, &ChangedPart, &str) {
        (self.rule, &self.part, &self.kind)
    }
}

fn shown(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
}

/// A response and the values of its target's variables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseWithVariables<'a> {
    pub(crate) response: &'a Response,
    pub(crate) names: &'a VariableSubstitution,
}

impl ResponseWithVariables<'_> {
    /// The text with `{{ name }}` in place of values of the target.
    pub(crate) fn substitute_names(&self, text: &str) -> String {
        self.names.substitute_names(text)
    }

    /// Whether two texts mean the same on their targets. If two variables have the same value on a target, the names of
    /// one text are substituted on the other.
    pub(crate) fn means(&self, own: &str, other: &Self, theirs: &str) -> bool {
        if own == theirs {
            return true;
        }
        let (mine, his) = (self.substitute_names(own), other.substitute_names(theirs));
        mine == his || self.names.fill_plain(&his) == own || other.names.fill_plain(&mine) == theirs
    }
}
