//! Schemas that accept every value or none: a check with one of them cannot fail, or cannot pass.
//!
//! Both tests are conservative: a schema that is too large to be analyzed counts as neither.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::{
    analysis::{Analysis, Spot},
    document::SchemaDocument,
    draft::{self, Draft, KeywordEffect},
    resolve,
};
use crate::{
    json::is_whole,
    text::{MAX_REGEX, bounded_regex, matches_every_text},
};

/// Maximum number of schemas visited per query.
const MAX_STEPS: usize = 20_000;

/// The types of JSON as bits; a number is whole or not.
const NULL: u8 = 1;
const BOOLEAN: u8 = 2;
const FRACTION: u8 = 4;
const WHOLE: u8 = 8;
const STRING: u8 = 16;
const ARRAY: u8 = 32;
const OBJECT: u8 = 64;
const EVERY: u8 = 127;

/// Queries for the schemas of a folder.
pub(super) struct Extent<'a> {
    analysis: &'a Analysis,
    documents: &'a [SchemaDocument],
    steps: Cell<usize>,
}

impl<'a> Extent<'a> {
    pub(super) fn new(analysis: &'a Analysis, documents: &'a [SchemaDocument]) -> Self {
        Self {
            analysis,
            documents,
            steps: Cell::new(0),
        }
    }

    /// Whether a schema accepts every value, including its references.
    pub(super) fn accepts_all(&self, spot: usize) -> bool {
        self.is_open(spot, &mut Vec::new())
    }

    /// Whether a schema accepts no value at all.
    pub(super) fn accepts_none(&self, spot: usize) -> bool {
        self.types(spot, &mut Vec::new()) == 0
    }

    /// Counts one schema; returns whether the limit is exceeded.
    fn is_too_much(&self, open: &[usize]) -> bool {
        self.steps.set(self.steps.get() + 1);
        self.steps.get() > MAX_STEPS || open.len() > 200
    }

    fn value(&self, here: &Spot) -> Option<&'a Value> {
        self.documents[here.document].value.pointer(&here.pointer)
    }

    fn is_open(&self, spot: usize, open: &mut Vec<usize>) -> bool {
        // A recursive reference adds nothing.
        if open.contains(&spot) {
            return true;
        }
        let here = &self.analysis.spots[spot];
        let entries = match self.value(here) {
            Some(Value::Bool(value)) => return *value,
            Some(Value::Object(entries)) if !self.is_too_much(open) => entries,
            _ => return false,
        };
        open.push(spot);
        let draft = self.documents[here.document].draft;
        let is_only_reference = draft <= Draft::V7 && entries.contains_key("$ref");
        let accepts = entries.iter().all(|(key, value)| {
            let is_ignored = is_only_reference && key != "$ref";
            match draft.keyword(key) {
                Some(keyword) if !is_ignored && keyword.effect != KeywordEffect::None => {
                    self.is_open_keyword(here, entries, key, value, open)
                }
                _ => true,
            }
        });
        open.pop();
        accepts
    }

    /// Whether a keyword accepts every value.
    fn is_open_keyword(
        &self,
        here: &Spot,
        entries: &Map<String, Value>,
        key: &str,
        value: &Value,
        open: &mut Vec<usize>,
    ) -> bool {
        let parts = self.parts(here, key, value);
        let mut are_open = |parts: &[Option<usize>]| {
            let mut parts = parts.iter();
            parts.all(|part| part.is_some_and(|part| self.is_open(part, open)))
        };
        let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        match key {
            "$ref" => target(here).is_some_and(|target| self.is_open(target, open)),
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "propertyNames"
            | "items"
            | "prefixItems"
            | "additionalItems"
            | "unevaluatedItems"
            | "allOf"
            | "dependentSchemas" => are_open(&parts),
            "anyOf" => parts.iter().any(|part| are_open(&[*part])),
            "oneOf" => {
                let is_none = |part: &Option<usize>| part.is_some_and(|part| self.accepts_none(part));
                let others: Vec<_> = parts.iter().copied().filter(|part| !is_none(part)).collect();
                others.len() == 1 && are_open(&others)
            }
            "not" => {
                !parts.is_empty()
                    && parts
                        .iter()
                        .all(|part| part.is_some_and(|part| self.accepts_none(part)))
            }
            "if" => ["then", "else"].into_iter().all(|key| {
                let branch = entries.get(key);
                branch.is_none_or(|value| are_open(&self.parts(here, key, value)))
            }),
            "contains" => entries.get("minContains").is_some_and(is_zero) && !entries.contains_key("maxContains"),
            "then" | "else" | "minContains" | "maxContains" => true,
            "minLength" | "minItems" | "minProperties" => is_zero(value),
            "uniqueItems" => *value == false,
            "required" => is_empty(value),
            "dependentRequired" | "dependencies" => value.as_object().is_some_and(|all| all.values().all(is_empty)),
            "type" => named(value) == EVERY,
            "format" => value.as_str().is_some_and(|format| !draft::FORMATS.contains(&format)),
            "pattern" => value.as_str().is_some_and(|pattern| {
                bounded_regex(pattern, MAX_REGEX).is_ok_and(|pattern| matches_every_text(&pattern))
            }),
            _ => false,
        }
    }

    /// The types of the values that a schema can accept; a type that is named may still have no such value.
    fn types(&self, spot: usize, open: &mut Vec<usize>) -> u8 {
        if open.contains(&spot) {
            return EVERY;
        }
        let here = &self.analysis.spots[spot];
        let entries = match self.value(here) {
            Some(Value::Bool(false)) => return 0,
            Some(Value::Object(entries)) if !self.is_too_much(open) => entries,
            _ => return EVERY,
        };
        open.push(spot);
        let draft = self.documents[here.document].draft;
        let is_only_reference = draft <= Draft::V7 && entries.contains_key("$ref");
        let mut types = EVERY;
        for (key, value) in entries {
            if draft.keyword(key).is_none() || (is_only_reference && key != "$ref") {
                continue;
            }
            let parts = self.parts(here, key, value);
            let mut of = |part: &Option<usize>| part.map_or(EVERY, |part| self.types(part, open));
            types &= match key.as_str() {
                "$ref" => target(here).map_or(EVERY, |target| self.types(target, open)),
                "type" => named(value),
                "const" => bits(value),
                "enum" => value
                    .as_array()
                    .map_or(EVERY, |all| all.iter().fold(0, |found, one| found | bits(one))),
                "allOf" => parts.iter().fold(EVERY, |found, part| found & of(part)),
                "anyOf" => parts.iter().fold(0, |found, part| found | of(part)),
                "oneOf" => {
                    let every = parts
                        .iter()
                        .filter(|part| part.is_some_and(|part| self.accepts_all(part)));
                    if every.count() > 1 {
                        0
                    } else {
                        parts.iter().fold(0, |found, part| found | of(part))
                    }
                }
                "not" if parts.iter().all(|part| part.is_some_and(|part| self.accepts_all(part))) => 0,
                _ => EVERY,
            };
        }
        open.pop();
        if !is_only_reference {
            types &= !impossible(entries);
        }
        types
    }

    /// The subschemas that are the value of a keyword.
    fn parts(&self, here: &Spot, key: &str, value: &Value) -> Vec<Option<usize>> {
        let pointer = format!("{}/{}", here.pointer, resolve::escape(key));
        let at = |pointer: String| self.analysis.index.get(&(here.document, pointer)).copied();
        match (value, at(pointer.clone())) {
            (_, Some(part)) => vec![Some(part)],
            (Value::Array(items), None) => (0..items.len()).map(|item| at(format!("{pointer}/{item}"))).collect(),
            (Value::Object(all), None) => {
                let part = |name: &String| at(format!("{pointer}/{}", resolve::escape(name)));
                all.keys().map(part).collect()
            }
            _ => vec![None],
        }
    }
}

/// The schema that `$ref` leads to.
fn target(here: &Spot) -> Option<usize> {
    let reference = here.references.iter().find(|reference| reference.keyword == "$ref")?;
    reference.target
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

/// The types that `type` names.
fn named(value: &Value) -> u8 {
    let bit = |name: &Value| match name.as_str() {
        Some("null") => NULL,
        Some("boolean") => BOOLEAN,
        Some("number") => FRACTION | WHOLE,
        Some("integer") => WHOLE,
        Some("string") => STRING,
        Some("array") => ARRAY,
        Some("object") => OBJECT,
        _ => EVERY,
    };
    match value {
        Value::Array(all) => all.iter().fold(0, |found, one| found | bit(one)),
        one => bit(one),
    }
}

/// The type of a value.
fn bits(value: &Value) -> u8 {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOLEAN,
        // The definition of an integer differs among the drafts.
        Value::Number(number) if is_whole(number) => WHOLE | FRACTION,
        Value::Number(_) => FRACTION,
        Value::String(_) => STRING,
        Value::Array(_) => ARRAY,
        Value::Object(_) => OBJECT,
    }
}

/// The types of which no value can be within the bounds.
fn impossible(entries: &Map<String, Value>) -> u8 {
    let bounds = [
        ("minLength", "maxLength", STRING),
        ("minItems", "maxItems", ARRAY),
        ("minProperties", "maxProperties", OBJECT),
        ("minimum", "maximum", WHOLE | FRACTION),
    ];
    let number = |key: &str| entries.get(key).and_then(Value::as_f64);
    bounds
        .into_iter()
        .fold(0, |found, (min, max, types)| match (number(min), number(max)) {
            (Some(min), Some(max)) if min > max => found | types,
            _ => found,
        })
}
