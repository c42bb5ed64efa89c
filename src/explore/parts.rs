//! The parts of a request that are explored, and how their values are written in a row.

use std::collections::BTreeSet;

use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};

use super::values::Schemas;
use crate::{
    check::{ApiContract, MediaType},
    json::{self, step},
    openapi::{DocumentPart, Operation, Parameter, ParameterIn, ParameterStyle},
    source::Span,
    suite::Template,
};

/// Maximum depth of the properties of a body that are explored one by one.
const DEPTH: usize = 3;
/// Header fields that HTTP itself defines: a generated value says nothing about the API.
const OF_HTTP: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
];

/// A part of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PartPlace {
    /// A path parameter, by its name in the case.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A header field.
    Header(String),
    /// The value at a JSON pointer in JSON content; the whole content at the empty one.
    Json(String),
    /// A field of a form.
    Form(String),
}

/// A part of a request with the values that it can have.
pub(super) struct RequestPart {
    pub(super) place: PartPlace,
    /// How a list or an object is written.
    style: (ParameterStyle, bool),
    /// Whether the request is complete without it.
    pub(super) can_be_absent: bool,
    /// Whether the case sends it.
    pub(super) is_sent: bool,
    /// Values at the limits.
    pub(super) edges: Vec<Value>,
    /// Any value.
    pub(super) strategy: BoxedStrategy<Value>,
}

/// The value of a part.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PartValue {
    /// This value.
    Value(Value),
    /// It is not sent.
    Absent,
}

impl PartPlace {
    /// The name for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Path(name) => format!("path `{name}`"),
            Self::Query(name) => format!("query `{name}`"),
            Self::Header(name) => format!("header `{name}`"),
            Self::Json(pointer) if pointer.is_empty() => "body".to_owned(),
            Self::Json(pointer) => format!("body `{pointer}`"),
            Self::Form(name) => format!("form `{name}`"),
        }
    }
}

/// The request as it is written: what a case changes by a row.
pub(super) struct WrittenRequest<'w> {
    pub(super) value: &'w Value,
    /// The variables with constant values: columns of the table, and `vars`.
    pub(super) constants: &'w BTreeSet<String>,
}

impl WrittenRequest<'_> {
    /// Whether a value contains an input, a capture or a generated value: these are not explored.
    fn is_fixed(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => match Template::parse(text, Span::default()) {
                Ok(template) => template.variables().any(|name| !self.constants.contains(name)),
                Err(_) => true,
            },
            Value::Array(items) => items.iter().any(|item| self.is_fixed(item)),
            Value::Object(entries) => entries.values().any(|entry| self.is_fixed(entry)),
            _ => false,
        }
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// The entry of a mapping, by its name.
    fn entry(&self, table: &str, name: &str, is_same: fn(&str, &str) -> bool) -> Option<&Value> {
        let entries = self.at(table)?.as_object()?;
        entries
            .iter()
            .find(|(known, _)| is_same(known, name))
            .map(|(_, value)| value)
    }
}

fn is_same_field(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn is_same_name(one: &str, other: &str) -> bool {
    one == other
}

/// The parts of a request, and those that stay as they are, with the reasons.
pub(super) struct Parts<'a> {
    contract: &'a ApiContract,
    operation: &'a Operation,
    written: WrittenRequest<'a>,
    pub(super) all: Vec<RequestPart>,
    pub(super) kept: Vec<(String, &'static str)>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(contract: &'a ApiContract, operation: &'a Operation, written: WrittenRequest<'a>) -> Self {
        let mut parts = Self {
            contract,
            operation,
            written,
            all: Vec::new(),
            kept: Vec::new(),
        };
        for parameter in &operation.parameters {
            parts.parameter(parameter);
        }
        parts.content();
        parts
    }

    fn keep(&mut self, name: impl Into<String>, reason: &'static str) {
        self.kept.push((name.into(), reason));
    }

    fn parameter(&mut self, parameter: &Parameter) {
        let name = format!("{} `{}`", parameter.place.name(), parameter.name);
        let (place, current) = match parameter.place {
            ParameterIn::Path => match self.path_name(&parameter.name) {
                Some(own) => {
                    let current = self.written.entry("/params", &own, is_same_name).cloned();
                    (PartPlace::Path(own), current)
                }
                None => return self.keep(name, "the case writes the path without parameters"),
            },
            ParameterIn::Query if self.written.at("/query").is_some_and(Value::is_string) => {
                return self.keep(name, "the case writes the query as text");
            }
            ParameterIn::Query => {
                let current = self.written.entry("/query", &parameter.name, is_same_name).cloned();
                (PartPlace::Query(parameter.name.clone()), current)
            }
            ParameterIn::Header => {
                let current = self.written.entry("/headers", &parameter.name, is_same_field).cloned();
                (PartPlace::Header(parameter.name.clone()), current)
            }
            ParameterIn::Cookie | ParameterIn::QueryString => {
                return self.keep(name, "cookies and whole queries are not explored");
            }
        };
        if self.is_credential(parameter) {
            return self.keep(name, "it is a credential");
        }
        if current.as_ref().is_some_and(|value| self.written.is_fixed(value)) {
            return self.keep(name, "its value comes from an input or a capture");
        }
        let style = (parameter.style, parameter.explode);
        let is_written_otherwise = matches!(style.0, ParameterStyle::Matrix | ParameterStyle::Label);
        let Some(schema) = parameter.schema.as_ref().filter(|_| !is_written_otherwise) else {
            return self.keep(name, "its style or media type is not supported");
        };
        let can_be_absent = !parameter.required && parameter.place != ParameterIn::Path;
        self.add(
            place,
            style,
            schema,
            can_be_absent,
            current.is_some_and(|value| !value.is_null()),
            true,
        );
    }

    /// The name that the case has for a parameter of the path.
    fn path_name(&self, name: &str) -> Option<String> {
        let written = self.written.at("/path")?.as_str()?;
        let declared = &self.operation.path.text;
        let (own, declared): (Vec<_>, Vec<_>) = (written.split('/').collect(), declared.split('/').collect());
        let at = declared.iter().position(|segment| *segment == format!("{{{name}}}"))?;
        let segment = own.get(at).filter(|_| own.len() == declared.len())?;
        let own = segment.strip_prefix('{')?.strip_suffix('}')?;
        (!own.starts_with('{')).then(|| own.to_owned())
    }

    fn is_credential(&self, parameter: &Parameter) -> bool {
        let is_header = parameter.place == ParameterIn::Header;
        let lower = parameter.name.to_ascii_lowercase();
        if is_header && OF_HTTP.contains(&lower.as_str()) {
            return true;
        }
        let mut keys = self
            .contract
            .document
            .security_schemes
            .iter()
            .filter_map(|scheme| scheme.key.as_ref());
        keys.any(|(place, key)| {
            *place == parameter.place && (*key == parameter.name || (is_header && key.eq_ignore_ascii_case(&lower)))
        })
    }

    fn content(&mut self) {
        let Some(body) = self.operation.body.as_ref() else {
            return;
        };
        if let Some(form) = self.written.at("/body/form").cloned() {
            let declared = self.declared(&|essence| essence == "application/x-www-form-urlencoded");
            match (declared, form) {
                (Some(schema), Value::Object(fields)) => self.form(&schema, &fields),
                _ => self.keep("body", "the document does not describe the form"),
            }
            return;
        }
        let is_json = |essence: &str| essence == "application/json" || essence.ends_with("+json");
        let current = match self.written.at("/body") {
            None | Some(Value::Null) => None,
            Some(body) => match body.get("json") {
                Some(json) => Some(json.clone()),
                None => return self.keep("body", "only JSON and forms are explored"),
            },
        };
        let Some(schema) = self.declared(&is_json) else {
            return self.keep("body", "the document does not describe JSON content");
        };
        match current {
            Some(current) => self.json(&schema, String::new(), &current, (!body.required, 0)),
            None => self.add_json(&schema, String::new(), !body.required, false),
        }
    }

    /// The schema of content whose media type has this essence.
    fn declared(&self, is_wanted: &dyn Fn(&str) -> bool) -> Option<DocumentPart> {
        let content = self.operation.body.as_ref()?.content.iter();
        let mut wanted = content.filter(|content| {
            MediaType::parse(&content.media_type).is_some_and(|media_type| is_wanted(&media_type.essence))
        });
        wanted.find_map(|content| content.schema.clone())
    }

    /// A value of the body: its properties, if it is an object, otherwise all of it.
    fn json(&mut self, schema: &DocumentPart, pointer: String, current: &Value, (can_be_absent, depth): (bool, usize)) {
        let flat = self.contract.document.flat(schema);
        let is_open = flat.kind() == "object" && !flat.properties.is_empty() && depth < DEPTH;
        let Some(entries) = current.as_object().filter(|_| is_open) else {
            if self.written.is_fixed(current) {
                self.keep(
                    PartPlace::Json(pointer).name(),
                    "its value comes from an input or a capture",
                );
            } else {
                self.add_json(schema, pointer, can_be_absent, true);
            }
            return;
        };
        for (name, property) in &flat.properties {
            let at = step(&pointer, name);
            let is_optional = !flat.required.contains(name);
            // A key of the case is a text with a first `$` doubled.
            match entries.get(name) {
                Some(value) => self.json(property, at, value, (is_optional, depth + 1)),
                None if self.contract.document.flat(property).is_hidden() => {}
                None => self.add_json(property, at, is_optional, false),
            }
        }
    }

    fn form(&mut self, schema: &DocumentPart, fields: &Map<String, Value>) {
        let flat = self.contract.document.flat(schema);
        for (name, property) in &flat.properties {
            let current = fields.get(name);
            let place = PartPlace::Form(name.clone());
            if current.is_some_and(|value| self.written.is_fixed(value)) {
                self.keep(place.name(), "its value comes from an input or a capture");
                continue;
            }
            let is_optional = !flat.required.contains(name);
            self.add(
                place,
                (ParameterStyle::Form, true),
                property,
                is_optional,
                current.is_some(),
                false,
            );
        }
    }

    fn add_json(&mut self, schema: &DocumentPart, pointer: String, can_be_absent: bool, is_sent: bool) {
        let place = PartPlace::Json(pointer);
        self.add(
            place,
            (ParameterStyle::Form, true),
            schema,
            can_be_absent,
            is_sent,
            false,
        );
    }

    fn add(
        &mut self,
        place: PartPlace,
        style: (ParameterStyle, bool),
        schema: &DocumentPart,
        can_be_absent: bool,
        is_sent: bool,
        is_head: bool,
    ) {
        let mut schemas = Schemas::new(&self.contract.document, is_head);
        let edges = schemas.edges(schema);
        self.all.push(RequestPart {
            place,
            style,
            can_be_absent,
            is_sent,
            edges,
            strategy: schemas.strategy(schema),
        });
    }
}

impl RequestPart {
    /// Writes a value into a row's request; `None` for a value that cannot be sent in this part.
    pub(super) fn write(&self, value: &PartValue, request: &mut Map<String, Value>, written: &Value) -> Option<()> {
        let (table, name) = match &self.place {
            PartPlace::Json(pointer) => return write_json(pointer, value, request, written),
            PartPlace::Form(name) => return self.write_form(name, value, request, written),
            PartPlace::Path(name) => ("params", name),
            PartPlace::Query(name) => ("query", name),
            PartPlace::Header(name) => ("headers", name),
        };
        let entries = request.entry(table).or_insert_with(|| json!({})).as_object_mut()?;
        match value {
            PartValue::Absent => drop(entries.insert(name.clone(), Value::Null)),
            PartValue::Value(Value::Object(fields)) if self.style.0 == ParameterStyle::DeepObject => {
                for (field, value) in fields {
                    entries.insert(format!("{name}[{field}]"), scalar(value)?);
                }
            }
            PartValue::Value(value) => drop(entries.insert(name.clone(), self.text(value)?)),
        }
        Some(())
    }

    /// A value as it is written for a parameter.
    fn text(&self, value: &Value) -> Option<Value> {
        let text = match value {
            Value::Array(items) if items.is_empty() => return None,
            Value::Array(items) => {
                let items: Vec<Value> = items.iter().map(scalar).collect::<Option<_>>()?;
                let separator = match self.style {
                    (ParameterStyle::Form, true)
                        if !matches!(self.place, PartPlace::Path(_) | PartPlace::Header(_)) =>
                    {
                        return Some(Value::Array(items));
                    }
                    (ParameterStyle::SpaceDelimited, _) => " ",
                    (ParameterStyle::PipeDelimited, _) => "|",
                    _ => ",",
                };
                let texts: Vec<String> = items.iter().map(plain).collect();
                Value::String(texts.join(separator))
            }
            one => scalar(one)?,
        };
        let plain = plain(&text);
        let can_be_sent = match &self.place {
            // Such a segment would be a different path.
            PartPlace::Path(_) => !plain.is_empty() && plain != "." && plain != "..",
            // RFC 9110 §5.5: without white space at its ends.
            PartPlace::Header(_) => {
                plain.trim() == plain && !plain.is_empty() && plain.chars().all(|c| c == ' ' || c.is_ascii_graphic())
            }
            _ => true,
        };
        can_be_sent.then_some(text)
    }

    fn write_form(
        &self,
        name: &str,
        value: &PartValue,
        request: &mut Map<String, Value>,
        written: &Value,
    ) -> Option<()> {
        let current = written.pointer("/body/form").cloned();
        let body = request.entry("body").or_insert_with(|| json!({ "form": current }));
        let fields = body.get_mut("form")?.as_object_mut()?;
        match value {
            PartValue::Absent => drop(fields.remove(name)),
            PartValue::Value(value) => drop(fields.insert(name.to_owned(), self.text(value)?)),
        }
        Some(())
    }
}

fn write_json(pointer: &str, value: &PartValue, request: &mut Map<String, Value>, written: &Value) -> Option<()> {
    if pointer.is_empty() {
        let body = match value {
            PartValue::Absent => Value::Null,
            PartValue::Value(value) => json!({ "json": value }),
        };
        request.insert("body".to_owned(), body);
        return Some(());
    }
    let current = written.pointer("/body/json").cloned();
    let body = request.entry("body").or_insert_with(|| json!({ "json": current }));
    let json = body.get_mut("json")?;
    let (around, name) = pointer.rsplit_once('/')?;
    let entries = json.pointer_mut(around)?.as_object_mut()?;
    let name = json::unescaped(name);
    match value {
        PartValue::Absent => drop(entries.remove(&name)),
        PartValue::Value(value) => drop(entries.insert(name, value.clone())),
    }
    Some(())
}

/// A scalar as it is written for a parameter; a text that contains braces of variables is not written.
fn scalar(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Number(_) => Some(value.clone()),
        Value::Bool(value) => Some(value.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
