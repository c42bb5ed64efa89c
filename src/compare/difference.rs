//! One difference between two responses to a case.

use serde_json::Value;

use crate::{check::PutBack, model::Answer};

use super::ChangeRule;

/// Most bytes of a value that a change shows.
const SHOWN: usize = 1000;

/// A difference of two answers to one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) rule: ChangeRule,
    pub(crate) part: Part,
    /// Tells apart what the rule and the part do not; no observed value.
    pub(crate) kind: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    /// Why the values are expected to vary from response to response, if they are.
    pub(crate) noise: Option<&'static str>,
    /// The rule's own level does not fit: which does, and why.
    pub(crate) level: Option<(super::Level, &'static str)>,
    /// How the body of the baseline is edited to have this difference and no other. Filled only where it is needed.
    pub(crate) edits: Vec<Edit>,
}

/// One edit of a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The place in the body of the baseline.
    pub(crate) at: Vec<EditStep>,
    pub(crate) change: EditChange,
}

/// What an edit does at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditChange {
    /// Replaces the value, if there is one.
    Replace(Value),
    /// Adds or replaces the property.
    Insert(Value),
    /// Removes the property or the item.
    Remove,
}

/// One step of the place of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EditStep {
    Name(String),
    Item(usize),
    /// Every item of an array.
    EveryItem,
}

/// Where in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The answer or the verdict as a whole.
    Whole,
    /// The status.
    Status,
    /// A header field, in lower case.
    Header(String),
    /// A place in the body: a JSON pointer, `*` for any item of an array.
    Body(String),
}

impl Difference {
    pub(crate) fn new(rule: ChangeRule, part: Part, before: Option<&str>, after: Option<&str>) -> Self {
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

    /// What makes two differences the same change.
    pub(crate) fn key(&self) -> (ChangeRule, &Part, &str) {
        (self.rule, &self.part, &self.kind)
    }
}

fn shown(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
}

/// An answer and the values of its target's variables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) names: &'a PutBack,
}

impl Told<'_> {
    /// The text with `{{ name }}` where a value of the target stands.
    pub(crate) fn put_back(&self, text: &str) -> String {
        self.names.put_back(text)
    }

    /// Whether two texts mean the same on their targets. Two variables can have one value on a target: then the names of
    /// the one text, filled in, settle it.
    pub(crate) fn means(&self, own: &str, other: &Self, theirs: &str) -> bool {
        if own == theirs {
            return true;
        }
        let (mine, his) = (self.put_back(own), other.put_back(theirs));
        mine == his || self.names.fill_plain(&his) == own || other.names.fill_plain(&mine) == theirs
    }
}
