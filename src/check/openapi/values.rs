//! Texts of parameters and header fields as values: a text that is valid under any reading is valid.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    json,
    openapi::{ApiDocument, ApiViolation, Direction, DocumentPart},
};

/// The types that a text is read as if none are declared.
const ANY: [&str; 5] = ["integer", "boolean", "null", "object", "array"];

/// The types that a schema declares, as far as they decide how a text is read.
pub(super) struct ValueShape<'d> {
    document: &'d ApiDocument,
    name: String,
    direction: Direction,
    /// The location of the value in one of the schema.
    pointer: String,
    types: BTreeSet<String>,
}

impl<'d> ValueShape<'d> {
    /// The shape of a value at a location in a value of the schema.
    pub(super) fn new(document: &'d ApiDocument, schema: &DocumentPart, direction: Direction, pointer: &str) -> Self {
        let mut shape = Self {
            document,
            name: document.schema_name(schema),
            direction,
            pointer: pointer.to_owned(),
            types: BTreeSet::new(),
        };
        shape.types = shape.types_at("");
        shape
    }

    fn types_at(&self, pointer: &str) -> BTreeSet<String> {
        let pointer = format!("{}{pointer}", self.pointer);
        let all = self.document.schemas(self.direction);
        all.map(|all| all.declared(&self.name, &pointer).types)
            .unwrap_or_default()
    }

    /// Whether the type is declared.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    /// Whether a value of the type is possible.
    pub(super) fn can_be(&self, name: &str) -> bool {
        self.types.is_empty() || self.types.contains(name)
    }

    /// The readings of the style `simple`: `a,b` or `k=v,k=v`.
    pub(super) fn simple(&self, text: &str, explode: bool) -> Vec<Value> {
        let items: Vec<_> = text.split(',').map(str::trim).collect();
        let mut all = self.single(text);
        if self.can_be("array") {
            all.push(self.list(if text.is_empty() { &[] } else { &items }));
        }
        if self.can_be("object") {
            all.extend(if explode {
                self.assigned(&items)
            } else {
                self.alternating(&items)
            });
        }
        all
    }

    /// The readings of one text.
    pub(super) fn single(&self, text: &str) -> Vec<Value> {
        let mut all = typed(text, &self.types);
        // Without a type, anything is possible.
        if self.types.is_empty() {
            all.extend(Self::untyped(text));
        }
        all
    }

    /// The readings of one text without regard to the declared types.
    pub(super) fn untyped(text: &str) -> Vec<Value> {
        typed(text, &ANY.map(str::to_owned).into())
    }

    /// A list.
    pub(super) fn list(&self, items: &[&str]) -> Value {
        let types = self.types_at("/*");
        items.iter().map(|item| first(item, &types)).collect()
    }

    /// The readings of a list.
    pub(super) fn lists(&self, items: &[&str]) -> Vec<Value> {
        let texts = || items.iter().map(|item| Value::from(*item)).collect();
        let any: BTreeSet<String> = ANY.map(str::to_owned).into();
        let mut all = vec![
            self.list(items),
            texts(),
            items.iter().map(|item| first(item, &any)).collect(),
        ];
        all.dedup();
        all
    }

    /// An object of `k=v` items.
    pub(super) fn assigned(&self, items: &[&str]) -> Option<Value> {
        let pairs: Option<Vec<_>> = items.iter().map(|item| item.split_once('=')).collect();
        Some(self.object(pairs?))
    }

    /// An object of a list `k,v,k,v`.
    pub(super) fn alternating(&self, items: &[&str]) -> Option<Value> {
        let is_even = items.len().is_multiple_of(2);
        is_even.then(|| self.object(items.chunks(2).map(|pair| (pair[0], pair[1])).collect()))
    }

    /// An object of pairs; a repeated key is a list.
    pub(super) fn object(&self, pairs: Vec<(&str, &str)>) -> Value {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in pairs {
            all.entry(key).or_default().push(value);
        }
        let entries = all.into_iter().map(|(key, values)| {
            let types = self.types_at(&json::step("", key));
            let value = match values.as_slice() {
                [one] if !types.contains("array") => first(one, &types),
                many => many.iter().map(|item| first(item, &BTreeSet::new())).collect(),
            };
            (key.to_owned(), value)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

/// The first reading of a text with these types.
fn first(text: &str, types: &BTreeSet<String>) -> Value {
    typed(text, types).into_iter().next().unwrap_or_else(|| text.into())
}

/// The readings of a text with these types, the text itself last.
fn typed(text: &str, types: &BTreeSet<String>) -> Vec<Value> {
    let mut all = Vec::new();
    let has = |name: &str| types.contains(name);
    if (has("integer") || has("number"))
        && let Ok(number) = serde_json::from_str::<serde_json::Number>(text)
    {
        all.push(Value::Number(number));
    }
    if has("boolean") && matches!(text, "true" | "false") {
        all.push(Value::Bool(text == "true"));
    }
    if (has("object") && text.starts_with('{')) || (has("array") && text.starts_with('[')) {
        all.extend(serde_json::from_str::<Value>(text).ok());
    }
    if has("null") && matches!(text, "null" | "") {
        all.push(Value::Null);
    }
    all.push(text.into());
    all
}

/// The violation of a schema by a text, if it is not valid under any reading.
pub(super) fn violation(
    document: &ApiDocument,
    schema: &DocumentPart,
    direction: Direction,
    read: impl FnOnce(&ValueShape<'_>) -> Vec<Value>,
) -> Option<ApiViolation> {
    if !matches!(document.schema(schema, direction), Ok(Some(_))) {
        return None;
    }
    let shape = ValueShape::new(document, schema, direction, "");
    let mut first = None;
    for value in read(&shape) {
        let found = document.violations(schema, direction, &value).into_iter().next()?;
        // Of several readings, the one with the declared type explains most.
        let is_type = found.part.pointer.ends_with("/type");
        match &first {
            None => first = Some((found, is_type)),
            Some((_, true)) if !is_type => first = Some((found, is_type)),
            Some(_) => {}
        }
    }
    first.map(|(found, _)| found)
}
