//! Runtime expressions: inputs, and outputs of earlier steps and workflows.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::import::{
    Value,
    names::short,
    openapi::{plain, scalar},
};

/// What the expressions of a workflow refer to.
#[derive(Default)]
pub(super) struct WorkflowScope {
    pub(super) inputs: HashMap<String, Json>,
    /// By step and output.
    pub(super) steps: HashMap<(String, String), Json>,
    /// By workflow and output.
    pub(super) workflows: HashMap<(String, String), Json>,
}

impl WorkflowScope {
    /// The value of an expression such as `$inputs.name`.
    pub(super) fn expression(&self, text: &str) -> Option<Json> {
        let rest = text.trim().strip_prefix('$')?;
        if let Some(name) = rest.strip_prefix("inputs.") {
            return self.inputs.get(name).cloned();
        }
        let output = |rest: &str| {
            let (owner, name) = rest.split_once(".outputs.")?;
            Some((owner.to_owned(), name.to_owned()))
        };
        if let Some(rest) = rest.strip_prefix("steps.") {
            return self.steps.get(&output(rest)?).cloned();
        }
        self.workflows.get(&output(rest.strip_prefix("workflows.")?)?).cloned()
    }

    /// A text with the values of its expressions in braces. Those without a counterpart are noted and kept.
    fn text(&self, text: &str, notes: &mut Vec<String>) -> Value {
        let mut unknown = |expression: &str| {
            notes.push(format!("the expression `{}`", short(&plain(expression))));
            plain(expression)
        };
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("{$") {
            let (before, after) = rest.split_at(start);
            let Some(end) = after.find('}') else { break };
            out.push_str(&plain(before));
            match self.expression(&after[1..end]) {
                Some(value) => out.push_str(&scalar(&value)),
                None => out.push_str(&unknown(&after[..=end])),
            }
            rest = &after[end + 1..];
        }
        out + &plain(rest)
    }

    /// A value with the values of its expressions: a text is one, or contains some in braces.
    pub(super) fn value(&self, value: &Json, notes: &mut Vec<String>) -> Json {
        match value {
            Json::String(text) if text.starts_with('$') && !text.contains(' ') => {
                self.expression(text).unwrap_or_else(|| {
                    notes.push(format!("the expression `{}`", short(&plain(text))));
                    plain(text).into()
                })
            }
            Json::String(text) => Json::String(self.text(text, notes)),
            Json::Array(items) => items.iter().map(|item| self.value(item, notes)).collect(),
            Json::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (plain(key), self.value(value, notes)));
                Json::Object(entries.collect())
            }
            other => other.clone(),
        }
    }
}
