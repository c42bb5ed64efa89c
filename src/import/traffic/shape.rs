//! The shape of observed values, which is merged over all of them, and its schema.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use serde_json::{Number, Value};

use super::super::yaml::{YamlEntry, YamlNode, entry};
use crate::{json::JsonType, model::HIDDEN, text::is_id};

/// Maximum depth of a schema.
const MAX_DEPTH: usize = 11;
/// Maximum number of properties of one object; with more, it is a map.
const MAX_PROPERTIES: usize = 200;
/// Maximum number of schemas of one body; deeper ones are left out.
const MAX_SCHEMAS: usize = 1500;
/// Maximum length of the name of a property.
const MAX_NAME: usize = 100;
/// Maximum number of digits of an integer in a text.
const MAX_DIGITS: usize = 15;

/// The formats that are recognized, each with its bit.
const FORMATS: [(&str, u8); 4] = [("date-time", 1), ("date", 2), ("uuid", 4), ("email", 8)];

/// What is known about the values at one place. It contains no value.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct TrafficShape {
    is_null: bool,
    is_boolean: bool,
    is_integer: bool,
    is_number: bool,
    is_array: bool,
    /// Whether a value was masked, so that its type is not known.
    is_masked: bool,
    /// Whether a value was too deep to be described.
    is_deep: bool,
    strings: usize,
    /// The formats that all strings have.
    formats: u8,
    items: Option<Box<TrafficShape>>,
    objects: usize,
    /// Whether an object has too many properties: all are in `values`.
    is_map: bool,
    properties: BTreeMap<String, (usize, TrafficShape)>,
    /// The values of properties whose names are ids.
    values: Option<Box<TrafficShape>>,
    /// The values of properties whose names were masked.
    masked: Option<Box<TrafficShape>>,
}

/// Whether a text contains the mark of a secret.
pub(super) fn has_mark(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        let name = rest.strip_prefix('{').unwrap_or(rest);
        if name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') {
            return true;
        }
    }
    text.contains(HIDDEN)
}

/// Whether the name of a property is a value itself: the object is a map.
fn is_key(name: &str) -> bool {
    is_id(name) || name.len() > MAX_NAME || name.contains(['@', '/']) || is_date(name) || name.is_empty()
}

pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<NaiveDate>().is_ok()
}

fn formats(text: &str) -> u8 {
    let is_email = || {
        let is_local = |c: char| c.is_ascii_alphanumeric() || "_+-".contains(c);
        let is_label = |label: &str| {
            let is_known = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !label.is_empty()
                && label.len() < 64
                && label.chars().all(is_known)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        text.len() < 200
            && text.split_once('@').is_some_and(|(local, domain)| {
                let is_part = |part: &str| !part.is_empty() && part.chars().all(is_local);
                local.len() <= 64
                    && local.split('.').all(is_part)
                    && domain.contains('.')
                    && domain.split('.').all(is_label)
            })
    };
    let is_uuid = || text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    let is_instant = || text.as_bytes().get(10) == Some(&b'T') && DateTime::parse_from_rfc3339(text).is_ok();
    let found = [is_instant(), is_date(text), is_uuid(), is_email()];
    let bits = FORMATS.iter().zip(found).filter(|(_, is_it)| *is_it);
    bits.map(|((_, bit), _)| bit).sum()
}

/// A text of a path, a query or a header field as a value.
pub(super) fn value_of(text: &str) -> Value {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    match text {
        "true" | "false" => Value::Bool(text == "true"),
        _ if is_plain && digits <= MAX_DIGITS => match serde_json::from_str::<Number>(text) {
            Ok(number) => Value::Number(number),
            Err(_) => text.into(),
        },
        _ => text.into(),
    }
}

fn join(own: &mut Option<Box<TrafficShape>>, other: Option<Box<TrafficShape>>) {
    match (own, other) {
        (Some(own), Some(other)) => own.merge(*other),
        (own, Some(other)) => *own = Some(other),
        (_, None) => {}
    }
}

impl TrafficShape {
    /// Adds a value.
    pub(super) fn observe(&mut self, value: &Value) {
        self.observe_at(value, 0);
    }

    /// Adds a text of a path, a query or a header field.
    pub(super) fn observe_text(&mut self, text: &str) {
        self.observe(&value_of(text));
    }

    fn observe_at(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            self.is_deep = true;
            return;
        }
        match value {
            Value::Null => self.is_null = true,
            Value::Bool(_) => self.is_boolean = true,
            Value::Number(_) if JsonType::Integer.accepts(value) => self.is_integer = true,
            Value::Number(_) => self.is_number = true,
            Value::String(text) if has_mark(text) => self.is_masked = true,
            Value::String(text) => self.string(formats(text)),
            Value::Array(items) => {
                self.is_array = true;
                for item in items {
                    self.items.get_or_insert_default().observe_at(item, depth + 1);
                }
            }
            Value::Object(entries) => {
                self.objects += 1;
                for (name, value) in entries {
                    if has_mark(name) {
                        self.masked.get_or_insert_default().observe_at(value, depth + 1);
                    } else if self.is_map || is_key(name) {
                        self.values.get_or_insert_default().observe_at(value, depth + 1);
                    } else {
                        let (count, shape) = self.properties.entry(name.clone()).or_default();
                        *count += 1;
                        shape.observe_at(value, depth + 1);
                    }
                }
                self.limit();
            }
        }
    }

    fn string(&mut self, formats: u8) {
        self.formats = if self.strings == 0 {
            formats
        } else {
            self.formats & formats
        };
        self.strings += 1;
    }

    /// An object with too many properties is a map.
    fn limit(&mut self) {
        self.is_map |= self.properties.len() > MAX_PROPERTIES;
        if self.is_map {
            for (_, shape) in std::mem::take(&mut self.properties).into_values() {
                join(&mut self.values, Some(Box::new(shape)));
            }
        }
    }

    /// Adds all values of another shape.
    pub(super) fn merge(&mut self, other: Self) {
        self.is_null |= other.is_null;
        self.is_boolean |= other.is_boolean;
        self.is_integer |= other.is_integer;
        self.is_number |= other.is_number;
        self.is_array |= other.is_array;
        self.is_masked |= other.is_masked;
        self.is_deep |= other.is_deep;
        if other.strings > 0 {
            self.string(other.formats);
            self.strings += other.strings - 1;
        }
        self.objects += other.objects;
        self.is_map |= other.is_map;
        for (name, (count, shape)) in other.properties {
            let own = self.properties.entry(name).or_default();
            own.0 += count;
            own.1.merge(shape);
        }
        join(&mut self.items, other.items);
        join(&mut self.values, other.values);
        join(&mut self.masked, other.masked);
        self.limit();
    }

    /// Whether nothing was observed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names and types of an object or a list of objects with at least two properties, to compare it with others.
    pub(super) fn signature(&self) -> Option<String> {
        let object = if self.is_array { self.items.as_deref()? } else { self };
        let is_object = object.objects > 0 && object.properties.len() >= 2;
        is_object.then(|| {
            let names = object.properties.keys().map(|name| format!("{name:?}"));
            format!("{}{}", self.is_array, names.collect::<Vec<_>>().join(","))
        })
    }

    /// The number of schemas down to a depth.
    fn count(&self, depth: usize) -> usize {
        let inner = self.properties.values().map(|(_, shape)| shape);
        let inner = inner.chain(self.items.as_deref()).chain(self.values.as_deref());
        match depth.checked_sub(1) {
            Some(depth) => 1 + inner.map(|shape| shape.count(depth)).sum::<usize>(),
            None => 1,
        }
    }

    /// The schema of a body, under a key.
    pub(super) fn schema(&self, key: &str) -> YamlEntry {
        let depth = (1..=MAX_DEPTH).rev().find(|depth| self.count(*depth) <= MAX_SCHEMAS);
        self.at_depth(key, depth.unwrap_or(1))
    }

    fn types(&self) -> Vec<JsonType> {
        let all = [
            (self.objects > 0, JsonType::Object),
            (self.is_array, JsonType::Array),
            (self.strings > 0, JsonType::String),
            (self.is_number, JsonType::Number),
            (self.is_integer && !self.is_number, JsonType::Integer),
            (self.is_boolean, JsonType::Boolean),
            (self.is_null, JsonType::Null),
        ];
        all.into_iter()
            .filter(|(is_it, _)| *is_it)
            .map(|(_, kind)| kind)
            .collect()
    }

    fn format(&self) -> Option<YamlEntry> {
        // One value can have the form of a format by chance.
        let found = FORMATS.iter().find(|(_, bit)| self.formats & bit != 0);
        let (name, _) = found.filter(|_| self.strings > 1 && !self.is_masked)?;
        Some(entry("format", YamlNode::text(*name)))
    }

    fn at_depth(&self, key: &str, depth: usize) -> YamlEntry {
        let any = |comment: &str| entry(key, YamlNode::Map(Vec::new())).comments([comment.to_owned()]);
        let types = self.types();
        if self.is_deep
            || depth == 0
                && types
                    .iter()
                    .any(|kind| matches!(kind, JsonType::Object | JsonType::Array))
        {
            return any("deeper values are not described");
        }
        if self.is_masked {
            return any("masked in the recordings: its type is not known");
        }
        if types == [JsonType::Null] {
            return any("only null was observed");
        }
        let mut schema = Vec::new();
        match types.as_slice() {
            [] => {}
            [one] => schema.push(entry("type", YamlNode::text(one.to_string()))),
            many => {
                let names = many.iter().map(|kind| YamlNode::text(kind.to_string()));
                schema.push(entry("type", YamlNode::List(names.collect())));
            }
        }
        schema.extend(self.format());
        if let Some(items) = &self.items {
            schema.push(items.at_depth("items", depth - 1));
        }
        self.object(&mut schema, depth);
        entry(key, YamlNode::Map(schema))
    }

    fn object(&self, schema: &mut Vec<YamlEntry>, depth: usize) {
        let required = self.properties.iter().filter(|(_, (count, _))| *count == self.objects);
        let required: Vec<_> = required.map(|(name, _)| YamlNode::text(name)).collect();
        if !required.is_empty() {
            schema.push(entry("required", YamlNode::List(required)));
        }
        let all = self.properties.iter();
        let all: Vec<_> = all.map(|(name, (_, shape))| shape.at_depth(name, depth - 1)).collect();
        let hidden = self
            .masked
            .is_some()
            .then(|| "properties with masked names are left out".to_owned());
        if !all.is_empty() || hidden.is_some() {
            schema.push(entry("properties", YamlNode::Map(all)).comments(hidden));
        }
        if let Some(values) = &self.values {
            let mut values = values.clone();
            if let Some(masked) = &self.masked {
                values.merge((**masked).clone());
            }
            schema.push(values.at_depth("additionalProperties", depth - 1));
        }
    }

    /// The schema of a parameter or header field, whose values are texts: a text is valid under it if it was observed.
    pub(super) fn of_text(&self) -> YamlNode {
        let types = self.types();
        let schema = match types.as_slice() {
            [JsonType::Array] => {
                let items = self.items.as_deref().map(Self::of_text);
                let items = items.map(|items| entry("items", items));
                [entry("type", YamlNode::text("array"))]
                    .into_iter()
                    .chain(items)
                    .collect()
            }
            [JsonType::Array, ..] => {
                let mut all = self.clone();
                all.is_array = false;
                if let Some(items) = all.items.take() {
                    all.merge(*items);
                }
                let items = entry("items", all.of_text());
                vec![entry("type", YamlNode::text("array")), items]
            }
            [one] if !self.is_masked => {
                let kind = entry("type", YamlNode::text(one.to_string()));
                [kind].into_iter().chain(self.format()).collect()
            }
            _ => vec![entry("type", YamlNode::text("string"))],
        };
        YamlNode::Map(schema)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(values: &[Value]) -> String {
        let mut halves = [TrafficShape::default(), TrafficShape::default()];
        for (index, value) in values.iter().enumerate() {
            halves[index % 2].observe(value);
        }
        let [mut one, other] = halves;
        one.merge(other);
        YamlNode::Map(vec![one.schema("s")]).document()
    }

    #[test]
    fn shapes_are_merged_over_all_values() {
        for (values, expected) in [
            (&[json!(1), json!(1.5)][..], "s: { type: number }\n"),
            (&[json!(1), json!(2.0)], "s: { type: integer }\n"),
            (&[json!("a"), json!(null)], "s:\n  type: [string, \"null\"]\n"),
            (&[json!(null)], "# only null was observed\ns: {}\n"),
            (&[json!("2025-01-01")], "s: { type: string }\n"),
            (
                &[json!("2025-01-01"), json!("2025-01-02")],
                "s:\n  type: string\n  format: date\n",
            ),
            (
                &[json!("2025-01-01"), json!("2025-01-02"), json!("x")],
                "s: { type: string }\n",
            ),
            (
                &[json!("$TOKEN"), json!("x")],
                "# masked in the recordings: its type is not known\ns: {}\n",
            ),
            (
                &[json!([]), json!([1, "a"])],
                "s:\n  type: array\n  items: { type: [string, integer] }\n",
            ),
            (
                &[json!({ "a": 1, "b": true }), json!({ "a": 2 })],
                "s:\n  type: object\n  required: [a]\n  properties: { a: { type: integer }, b: { type: boolean } }\n",
            ),
            (
                &[json!({ "17": { "n": 1 }, "18": { "n": 2 } })],
                "s:\n  type: object\n  additionalProperties: { type: object, required: [\"n\"], properties: { \"n\": { type: integer } } }\n",
            ),
            (
                &[json!({ "$TOKEN": 1, "a": 1 })],
                "s:\n  type: object\n  required: [a]\n  # properties with masked names are left out\n  properties: { a: { type: integer } }\n",
            ),
        ] {
            assert_eq!(schema(values), expected, "{values:?}");
        }
    }

    #[test]
    fn shapes_are_bounded() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({ "a": [deep] });
        }
        assert!(schema(&[deep]).contains("# deeper values are not described"));
        let letter = |number: u32| char::from_digit(10 + number % 20, 36).unwrap();
        let names_of = |number: u32| {
            [number, number / 20, number / 400]
                .map(letter)
                .iter()
                .collect::<String>()
        };
        let names = (0..500).map(|number: u32| (format!("abc-{}", names_of(number)), json!(1)));
        let text = schema(&[Value::Object(names.collect())]);
        assert!(text.contains("additionalProperties") && !text.contains("abc"), "{text}");
    }
}
