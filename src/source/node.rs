//! One tree for both formats.

use std::sync::Arc;

use serde_json::{Number, Value};

use super::Span;

/// A value of a document and its location.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Location of the value.
    pub span: Span,
    /// The value.
    pub kind: Kind,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Location of the key.
    pub span: Span,
    /// The key; repeated keys of a document share one text.
    pub text: Arc<str>,
}

/// The value of a [`Node`].
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`, `~` or empty.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number, digits as written.
    Number(Number),
    /// Everything else that is not a collection.
    String(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// The kind in words, for messages.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The entries of a mapping; empty for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(known, _)| *known.text == *key)
            .map(|(_, value)| value)
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// The value as JSON, without locations.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::String(value) => Value::String(value.clone()),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.text.to_string(), value.to_json()))
                .collect(),
        }
    }
}

/// Reads a JSON number; `0123`, `1_000`, `+5` and `.5` are not numbers.
pub(super) fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if first != b'-' && !first.is_ascii_digit() {
        return None;
    }
    serde_json::from_str::<Number>(text).ok()
}
