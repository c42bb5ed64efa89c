//! Types for the editor schema only: the accepted input where the types above are the result.
#![expect(dead_code, reason = "these types are never made: they describe what may be written")]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Template, def::InputDef};

/// One entry, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// One text, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum OneOrManyTexts {
    One(Template),
    Many(Vec<Template>),
}

/// Credentials, or `none`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum AuthText {
    None(NoneText),
    Auth(super::AuthDef),
}

/// Parameters by name, or the whole query as text.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum QueryText {
    Raw(Template),
    Fields(BTreeMap<String, OneOrManyTexts>),
}

/// A description, or a mapping with more settings.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum InputOrText {
    Text(String),
    Input(InputDef),
}

/// Tests of a text; all must pass.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct TextTestTable {
    /// The same text.
    equals: Option<Template>,
    /// A regular expression (linear time) that matches a part of it; anchor it with `^` and `$` to match all of it.
    matches: Option<Template>,
    /// It contains this text.
    contains: Option<Template>,
    /// It is one of these.
    one_of: Option<Vec<Template>>,
    /// It is a date at most this far from the time of the response, such as `5m`.
    within: Option<DurationText>,
}

/// The text itself, or tests of it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum TextTests {
    Text(Template),
    Tests(TextTestTable),
}

/// Tests of a header field; all must pass.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct HeaderTable {
    /// It is present with any value.
    present: Option<bool>,
    /// It is absent.
    absent: Option<bool>,
    /// The same value; a media type is compared by meaning.
    equals: Option<Template>,
    /// A regular expression (linear time) that matches a part of it; anchor it with `^` and `$` to match all of it.
    matches: Option<Template>,
    /// It contains this text.
    contains: Option<Template>,
    /// It is one of these.
    one_of: Option<Vec<Template>>,
    /// It is a date at most this far from the time of the response, such as `5m`.
    within: Option<DurationText>,
}

/// Tests of a cookie; all must pass for the same cookie.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CookieText {
    /// The response sets it; `false`: it does not.
    present: Option<bool>,
    /// The value, or tests of it.
    value: Option<TextTests>,
    /// The `Path`.
    path: Option<Template>,
    /// The `Domain`.
    domain: Option<Template>,
    /// Whether it has `HttpOnly`.
    http_only: Option<bool>,
    /// Whether it has `Secure`.
    secure: Option<bool>,
    /// Whether it has `Partitioned`.
    partitioned: Option<bool>,
    /// The `SameSite`: `strict`, `lax` or `none`.
    same_site: Option<String>,
    /// The `Max-Age` in seconds: a number, or comparisons (`{ $gte: 60 }`).
    max_age: Option<LengthOrRelations>,
}

/// The value, or tests of it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum HeaderText {
    Text(Template),
    Tests(HeaderTable),
}

macro_rules! shape {
    ($name:ident, $schema:tt) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let _ = generator;
                json_schema!($schema)
            }
        }
    };
}

shape!(DurationText, {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|min|h|d)$|\{\{",
    "description": "A duration: `250ms`, `10s`, `5m`, `1h`, or a variable."
});
shape!(ProtocolText, {
    "enum": ["http/1.0", "http/1.1", "http/2"],
    "description": "A version of HTTP: `http/1.1` or `http/2`."
});
shape!(StatusText, {
    "description": "A status code such as 404, a class such as `4xx`, a variable, or a list of them.",
    "oneOf": [
        { "type": "integer", "minimum": 100, "maximum": 599 },
        { "type": "string", "pattern": "^[1-5]xx$" },
        { "type": "string", "pattern": r"\{\{" },
        {
            "type": "array",
            "minItems": 1,
            "items": {
                "oneOf": [
                    { "type": "integer", "minimum": 100, "maximum": 599 },
                    { "type": "string", "pattern": "^[1-5]xx$" },
                    { "type": "string", "pattern": r"\{\{" }
                ]
            }
        },
        { "type": "null" }
    ]
});

shape!(NoneText, { "const": "none" });

shape!(RefusedText, { "const": "refused" });

pub(super) struct RuleTable;

impl JsonSchema for RuleTable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rules".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let levels: Vec<_> = crate::model::Level::NAMES.iter().map(|(name, _)| *name).collect();
        let properties: BTreeMap<_, _> = crate::check::RULES
            .iter()
            .map(|info| {
                let default = serde_json::to_value(info.level).unwrap_or_default();
                let rule = serde_json::json!({
                    "description": info.requirement, "enum": levels, "default": default
                });
                (info.id, rule)
            })
            .collect();
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

pub(super) struct ExampleName;

impl JsonSchema for ExampleName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExampleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]+$" })
    }
}

impl JsonSchema for super::def::JsonDef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any value; strings can hold `{{ name }}`. A string that consists of one variable takes its type."
        })
    }
}

impl JsonSchema for super::def::PatternDef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<super::def::JsonDef>();
        let text = generator.subschema_for::<Template>();
        let duration = generator.subschema_for::<DurationText>();
        let types: Vec<_> = crate::json::JsonType::NAMES.iter().map(|(name, _)| *name).collect();
        let pattern = serde_json::json!({ "$ref": format!("#/$defs/{}", Self::schema_name()) });
        let length = length();
        let length = length.as_value();
        let bound = serde_json::json!({ "type": ["number", "string"] });
        json_schema!({
            "description": "A value, or an object of `$`-keys that are tests of it. A key that begins with `$` is written with two.",
            "type": ["object", "array", "string", "number", "boolean", "null"],
            "items": pattern,
            "properties": {
                "$equals": { "description": "The same value, nothing more.", "allOf": [value] },
                "$matches": { "description": "A string in which the regular expression (linear time) is found.", "allOf": [text] },
                "$type": {
                    "description": "The type, or a list of types.",
                    "oneOf": [{ "enum": types }, { "type": "array", "items": { "enum": types } }]
                },
                "$any": { "description": "`true`: any value. `false`: the property is not there.", "type": "boolean" },
                "$one_of": { "description": "One of these values.", "type": "array", "items": value },
                "$within": { "description": "A date at most this far from the time of the response.", "allOf": [duration] },
                "$status": { "description": "A number equal to the status code.", "const": true },
                "$contains": { "description": "A string that contains this text, or an array in which some item matches.", "allOf": [pattern] },
                "$each": { "description": "An array whose every item matches.", "allOf": [pattern] },
                "$length": {
                    "description": "Number of characters of a string, or of items of an array or object: a number, or comparisons (`{ $gte: 1 }`).",
                    "allOf": [length]
                },
                "$gt": { "description": "A number greater than this, or a later date (RFC 3339).", "allOf": [bound] },
                "$gte": { "description": "A number not less than this, or a date not earlier.", "allOf": [bound] },
                "$lt": { "description": "A number less than this, or an earlier date.", "allOf": [bound] },
                "$lte": { "description": "A number not greater than this, or a date not later.", "allOf": [bound] },
                "$not": { "description": "A value that does not match this.", "allOf": [pattern] },
                "$only": {
                    "description": "An object with exactly these properties.",
                    "type": "object",
                    "patternProperties": { "^(\\$\\$|[^$])": pattern, "^$": pattern },
                    "additionalProperties": false
                },
                "$unordered": { "description": "An array with exactly these items, in any order.", "type": "array", "items": pattern },
                "$schema": { "description": "A value that this JSON Schema accepts: a file of the schema folder, with `#/pointer` to a part of it.", "type": "string" }
            },
            "patternProperties": { "^(\\$\\$|[^$])": pattern, "^$": pattern },
            "additionalProperties": false
        })
    }
}

/// A number of bytes, or comparisons of it.
pub(super) struct LengthOrRelations;

impl JsonSchema for LengthOrRelations {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        length()
    }
}

/// The first events, or a mapping.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum EventsText {
    First(Vec<EventText>),
    Options(Box<EventsTable>),
}

/// The first events of an event stream.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EventsTable {
    /// The first events, in order.
    first: Option<Vec<EventText>>,
    /// The number of events after which the connection is closed; by default the number of events of `first`.
    count: Option<LengthText>,
    /// A pattern of each of these events.
    each: Option<EventText>,
    /// Maximum time from the start of the request to the last of these events; by default the `timeout` of the request.
    within: Option<DurationText>,
}

/// A pattern of an event; `$`-keys are matchers.
#[derive(JsonSchema)]
pub(super) struct EventText {
    /// The type of the event; `message` if the stream names none.
    event: Option<super::def::PatternDef>,
    /// The data, its lines joined by LF.
    data: Option<super::def::PatternDef>,
    /// The data as JSON.
    json: Option<super::def::PatternDef>,
    /// The last id, of this or an earlier event.
    id: Option<super::def::PatternDef>,
    /// The time in milliseconds before a reconnection, if the event sets it.
    retry: Option<super::def::PatternDef>,
}

/// A pattern of the list of lines: a list, or matchers of lists with these settings.
pub(super) struct LinesText;

impl JsonSchema for LinesText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lines".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<super::def::JsonDef>();
        let pattern = generator.subschema_for::<super::def::PatternDef>();
        let length = length();
        json_schema!({
            "description": "A list with a pattern for each line, or matchers of the list of all lines.",
            "type": ["array", "object"],
            "items": pattern,
            "properties": {
                "$format": {
                    "description": "The form of the lines: `ndjson` (a JSON document a line) or `csv` (with a header row); by default that of the media type.",
                    "enum": ["ndjson", "csv"]
                },
                "$separator": {
                    "description": "The separator of the fields of CSV; by default `,`.",
                    "type": "string", "minLength": 1, "maxLength": 1
                },
                "$equals": { "description": "Exactly these lines.", "allOf": [value] },
                "$length": { "description": "Number of lines: a number, or comparisons (`{ $gte: 1 }`).", "allOf": [length] },
                "$each": { "description": "Every line matches.", "allOf": [pattern] },
                "$contains": { "description": "Some line matches.", "allOf": [pattern] },
                "$unordered": { "description": "Exactly these lines, in any order.", "type": "array", "items": pattern },
                "$not": { "description": "The list of lines does not match this.", "allOf": [pattern] },
                "$schema": {
                    "description": "A JSON Schema of the list of lines: a file of the schema folder, with `#/pointer` to a part of it.",
                    "type": "string"
                }
            },
            "additionalProperties": false
        })
    }
}

/// Paths to nodes of an XML document, and the values that are expected there.
pub(super) struct XmlText;

impl JsonSchema for XmlText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Xml".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let pattern = generator.subschema_for::<super::def::PatternDef>();
        json_schema!({
            "description": "Paths such as `/order/@id`, `/order/line[2]/price` or `//line[@sku = 'A1']`, and the values that are expected there.",
            "type": "object",
            "properties": {
                "$namespaces": {
                    "description": "Prefixes that the paths use, and their namespaces. A name without a prefix is in no namespace; `*:name` is in any.",
                    "type": "object",
                    "additionalProperties": { "type": "string" }
                }
            },
            "patternProperties": { "^/": pattern },
            "additionalProperties": false
        })
    }
}

/// A whole number.
pub(super) struct LengthText;

impl JsonSchema for LengthText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": r"\{\{" }] })
    }
}

/// The schema of a length.
fn length() -> Schema {
    let size = serde_json::json!({ "oneOf": [
        { "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"\{\{" }
    ] });
    let relation = |description: &str| {
        let mut size = size.clone();
        size["description"] = description.into();
        size
    };
    json_schema!({
        "oneOf": [size, {
            "type": "object",
            "properties": {
                "$gt": relation("More than this."), "$gte": relation("At least this."),
                "$lt": relation("Less than this."), "$lte": relation("At most this.")
            },
            "additionalProperties": false,
            "minProperties": 1
        }]
    })
}

/// A part of a multipart body: a name, and exactly one of `file`, `text` and `json`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Part {
    /// The name of the field.
    name: Template,
    /// The bytes of a file, by its path from the case's folder.
    file: Option<String>,
    /// Text.
    text: Option<Template>,
    /// A JSON value; its media type is `application/json`.
    json: Option<super::def::JsonDef>,
    /// The media type; `application/octet-stream` for a file, none for text.
    content_type: Option<Template>,
    /// The name of the file; by default that of `file`.
    filename: Option<Template>,
}
