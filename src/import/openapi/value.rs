//! Values that a schema of a document accepts: examples, defaults and listed values first, then the simplest value.

use serde_json::{Map, Value as Json};

use super::pattern;
use crate::{
    import::names::is_variable,
    json,
    openapi::{ApiDocument, Direction, DocumentPart, FlatSchema},
};

/// Maximum depth of a value.
const DEPTH: usize = 10;
/// Maximum number of schemas that are read for one value.
const SCHEMAS: usize = 2000;
/// Maximum length of a text or a list.
const LENGTH: usize = 10_000;
/// A way to find a value.
#[derive(Clone, Copy)]
struct SampleWay {
    with_examples: bool,
    /// The branch of `oneOf` and `anyOf`.
    branch: usize,
}

/// Ways that are tried, in this order.
const ATTEMPTS: [SampleWay; 5] = [way(true, 0), way(false, 0), way(false, 1), way(false, 2), way(false, 3)];

const fn way(with_examples: bool, branch: usize) -> SampleWay {
    SampleWay { with_examples, branch }
}

/// A value that a request can contain. The error is what is needed.
pub(super) fn value(document: &ApiDocument, schema: &DocumentPart, name: &str) -> Result<Json, String> {
    let mut reason = None;
    for attempt in ATTEMPTS {
        let mut sampler = Sampler {
            document,
            attempt,
            budget: SCHEMAS,
            has_choice: attempt.branch == 0,
        };
        let found = sampler.value(schema, name, 0);
        if !sampler.has_choice {
            break;
        }
        match found {
            Ok(value) => match wrong(document, schema, &value) {
                None => return Ok(value),
                Some(wrong) => reason.get_or_insert(format!("a value of `{name}`: {wrong}")),
            },
            Err(wrong) => reason.get_or_insert(wrong),
        };
    }
    Err(reason.unwrap_or_else(|| format!("a value of `{name}`")))
}

/// Why a request cannot contain a value.
pub(super) fn wrong(document: &ApiDocument, schema: &DocumentPart, value: &Json) -> Option<String> {
    let found = document
        .violations(schema, Direction::Request, value)
        .into_iter()
        .next()?;
    let at = if found.pointer.is_empty() {
        String::new()
    } else {
        format!("`{}`: ", found.pointer)
    };
    Some(format!("{at}{}", found.message))
}

/// A text without characters that represent variables.
pub(in crate::import) fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_variable(*c)).collect()
}

/// The same in all texts of a value.
pub(super) fn plain_value(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::String(plain(text)),
        Json::Array(items) => items.iter().map(plain_value).collect(),
        Json::Object(entries) => {
            let entries = entries.iter();
            Json::Object(entries.map(|(key, value)| (plain(key), plain_value(value))).collect())
        }
        other => other.clone(),
    }
}

struct Sampler<'d> {
    document: &'d ApiDocument,
    attempt: SampleWay,
    budget: usize,
    /// Whether an alternative exists with this number.
    has_choice: bool,
}

impl Sampler<'_> {
    fn flat(&mut self, schema: &DocumentPart) -> FlatSchema {
        let flat = self.document.flat_branch(schema, self.attempt.branch, &mut self.budget);
        self.has_choice |= flat.has_branch;
        flat
    }

    fn value(&mut self, schema: &DocumentPart, name: &str, depth: usize) -> Result<Json, String> {
        if depth > DEPTH || self.budget == 0 {
            return Err(format!("a value of `{name}`, whose schema is too deep"));
        }
        let flat = self.flat(schema);
        if let Some(given) = flat.given(self.attempt.with_examples) {
            return Ok(plain_value(given));
        }
        match flat.kind() {
            "object" => self.object(&flat, depth),
            "array" => self.array(&flat, name, depth),
            "boolean" => Ok(Json::Bool(true)),
            "integer" => whole(&flat).ok_or_else(|| format!("a number for `{name}`")),
            "number" => number(&flat).ok_or_else(|| format!("a number for `{name}`")),
            "null" => Ok(Json::Null),
            _ => text(&flat, name).map(Json::String),
        }
    }

    fn object(&mut self, flat: &FlatSchema, depth: usize) -> Result<Json, String> {
        let mut out = Map::new();
        for name in &flat.required {
            let value = match flat.properties.get(name) {
                Some(property) if self.is_hidden(property) => continue,
                Some(property) => self.value(property, name, depth + 1)?,
                None => match &flat.additional {
                    Some(additional) => self.value(&additional.clone(), name, depth + 1)?,
                    None => Json::from("text"),
                },
            };
            out.insert(plain(name), value);
        }
        let least = flat.length("minProperties").unwrap_or(0).max(usize::from(depth == 0));
        for (name, property) in &flat.properties {
            if out.len() >= least {
                break;
            }
            // An id is chosen by the server.
            if out.contains_key(name) || self.is_hidden(property) || name.eq_ignore_ascii_case("id") {
                continue;
            }
            if let Ok(value) = self.value(property, name, depth + 1) {
                out.insert(plain(name), value);
            }
        }
        if let Some(additional) = &flat.additional {
            let additional = additional.clone();
            while out.len() < least.min(LENGTH / 100) {
                let name = format!("key{}", out.len() + 1);
                let value = self.value(&additional, &name, depth + 1)?;
                out.insert(name, value);
            }
        }
        for (property, value) in &flat.chosen {
            out.insert(property.clone(), value.as_str().into());
        }
        Ok(Json::Object(out))
    }

    /// Whether a property must not be in a request.
    fn is_hidden(&mut self, property: &DocumentPart) -> bool {
        self.flat(property).is_hidden()
    }

    fn array(&mut self, flat: &FlatSchema, name: &str, depth: usize) -> Result<Json, String> {
        let least = flat.length("minItems").unwrap_or(0);
        // A parameter without items is not sent.
        let count = least.max(usize::from(depth == 0 && flat.length("maxItems") != Some(0)));
        if count > LENGTH / 100 {
            return Err(format!("a list of {count} items for `{name}`"));
        }
        let item = match &flat.items {
            Some(items) if count > 0 => self.value(&items.clone(), name, depth + 1)?,
            _ => Json::from("text"),
        };
        let mut items = vec![item.clone(); count];
        if flat.keywords.get("uniqueItems") == Some(&Json::Bool(true)) && count > 1 {
            let listed = flat.items.as_ref().map(|items| self.flat(items));
            let listed = listed
                .as_ref()
                .and_then(|listed| listed.keywords.get("enum"))
                .and_then(Json::as_array);
            for (index, slot) in items.iter_mut().enumerate().skip(1) {
                *slot = match (listed, &item) {
                    (Some(all), _) => all.get(index).cloned().unwrap_or(Json::Null),
                    (None, Json::String(text)) => format!("{text}{}", index + 1).into(),
                    (None, Json::Number(number)) => match number.as_i64() {
                        Some(number) => (number + i64::try_from(index).unwrap_or_default()).into(),
                        None => return Err(format!("different items for `{name}`")),
                    },
                    _ => return Err(format!("different items for `{name}`")),
                };
            }
        }
        Ok(Json::Array(items))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is whole and in the range of the type"
)]
fn whole(flat: &FlatSchema) -> Option<Json> {
    let (low, high) = flat.limits(1.0);
    let mut value = match (low, high) {
        (Some(low), _) if low > 1.0 => low.ceil(),
        (_, Some(high)) if high < 1.0 => high.floor(),
        _ => 1.0,
    };
    if let Some(step) = flat.number("multipleOf").filter(|step| *step > 0.0) {
        value = (value / step).ceil() * step;
    }
    (value.abs() < 9e15).then(|| Json::from(value as i64))
}

fn number(flat: &FlatSchema) -> Option<Json> {
    let (low, high) = flat.limits(0.0);
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low + 2.0),
        (None, Some(high)) => (high - 2.0, high),
        (None, None) => (0.0, 2.0),
    };
    let step = flat.number("multipleOf").filter(|step| *step > 0.0);
    let middle = f64::midpoint(low, high);
    let value = match step {
        Some(step) => (low / step).ceil() * step,
        None if low < 1.0 && 1.0 < high => 1.0,
        None if middle.floor() > low => middle.floor(),
        None => middle,
    };
    let whole = whole(flat).filter(|_| value.fract() == 0.0 && (low..=high).contains(&1.0));
    whole.or_else(|| serde_json::Number::from_f64(value).map(Json::Number))
}

/// A text. The error is what is needed.
fn text(flat: &FlatSchema, name: &str) -> Result<String, String> {
    let (least, most) = (
        flat.length("minLength").unwrap_or(0),
        flat.length("maxLength").unwrap_or(LENGTH),
    );
    if least > LENGTH {
        return Err(format!("a text of {least} characters for `{name}`"));
    }
    let fits = |text: &str| (least..=most).contains(&text.chars().count());
    if let Some(text) = flat.text("format").and_then(of_format).filter(|text| fits(text)) {
        return Ok(text.to_owned());
    }
    if let Some(pattern) = flat.text("pattern") {
        let found = pattern::text(pattern, &fits);
        return found.ok_or_else(|| format!("a text for `{name}` that matches `{}`", super::short(pattern)));
    }
    let word = plain(name)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>();
    let mut text = if word.is_empty() { "text".to_owned() } else { word };
    while text.chars().count() < least {
        text.push('a');
    }
    Ok(text.chars().take(most).collect())
}

/// A value of a format.
fn of_format(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "2026-01-15",
        "date-time" => "2026-01-15T12:00:00Z",
        "time" => "12:00:00Z",
        "duration" => "P1D",
        "uuid" => "0b3a6c1e-5a0e-4c1f-9d7e-2f6f1f6d8a51",
        "email" | "idn-email" => "user@example.test",
        "uri" | "url" | "iri" | "http-url" => "https://example.test/",
        "uri-reference" | "iri-reference" => "/",
        "hostname" | "idn-hostname" => "example.test",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "dGV4dA==",
        "json-pointer" => "/a",
        "regex" => "a",
        _ => return None,
    })
}

/// A text of a scalar value.
pub(in crate::import) fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => json::show(other),
    }
}
