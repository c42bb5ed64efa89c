//! The drafts of JSON Schema: their keywords, their formats, and names that are probably misspelled.

use jsonschema::meta::MetaValidator;
use serde_json::Value;

/// A draft of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    V4,
    V6,
    V7,
    V2019,
    V2020,
}

use Draft::{V4, V6, V7, V2019, V2020};

impl Draft {
    /// Every draft: its name in messages and its `$schema` URI.
    pub(super) const ALL: [(Draft, &'static str, &'static str); 5] = [
        (V4, "draft-04", "http://json-schema.org/draft-04/schema#"),
        (V6, "draft-06", "http://json-schema.org/draft-06/schema#"),
        (V7, "draft-07", "http://json-schema.org/draft-07/schema#"),
        (V2019, "2019-09", "https://json-schema.org/draft/2019-09/schema"),
        (V2020, "2020-12", "https://json-schema.org/draft/2020-12/schema"),
    ];

    /// The draft of a `$schema` URI, with or without a trailing `#`, by http or https.
    pub(super) fn of_uri(uri: &str) -> Option<Self> {
        let bare = |uri: &str| {
            let uri = uri.strip_suffix('#').unwrap_or(uri);
            let uri = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
            uri.map(str::to_owned)
        };
        let wanted = bare(uri)?;
        let known = |(_, _, known): &&(Draft, &str, &str)| bare(known).as_deref() == Some(&wanted);
        Self::ALL.iter().find(known).map(|(draft, ..)| *draft)
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Its `$schema` URI.
    pub(super) fn uri(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == V4 { "id" } else { "$id" }
    }

    /// Its meta-schema, compiled.
    pub(super) fn meta(self) -> MetaValidator<'static> {
        match self {
            V4 => jsonschema::draft4::meta::validator(),
            V6 => jsonschema::draft6::meta::validator(),
            V7 => jsonschema::draft7::meta::validator(),
            V2019 => jsonschema::draft201909::meta::validator(),
            V2020 => jsonschema::draft202012::meta::validator(),
        }
    }

    /// The keyword of this draft with that name.
    pub(super) fn keyword(self, name: &str) -> Option<&'static Keyword> {
        keyword(name).filter(|keyword| keyword.first <= self && self <= keyword.last)
    }
}

/// Where the subschemas of a keyword are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has none.
    Value,
    /// Its value is one.
    Schema,
    /// Its value is a list of them.
    List,
    /// Its value is a map of them.
    Map,
    /// Its value is one or a list of them (`items` before 2020-12).
    SchemaOrList,
}

/// The effect of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeywordEffect {
    /// It has no effect by itself: a description, a name, a container of definitions.
    None,
    /// It applies to the value itself, not to a part of it.
    Same,
    /// Anything else.
    Check,
}

/// A keyword of JSON Schema.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    /// The first and the last draft that defines it.
    pub(super) first: Draft,
    pub(super) last: Draft,
    pub(super) shape: Shape,
    pub(super) effect: KeywordEffect,
}

const fn k(name: &'static str, first: Draft, last: Draft, shape: Shape, effect: KeywordEffect) -> Keyword {
    Keyword {
        name,
        first,
        last,
        shape,
        effect,
    }
}

/// Annotations, `$defs`, `definitions` and `dependencies` work the same in every draft: they are accepted in all.
const KEYWORDS: [Keyword; 63] = [
    k("$schema", V4, V2020, Shape::Value, KeywordEffect::None),
    k("id", V4, V4, Shape::Value, KeywordEffect::None),
    k("$id", V6, V2020, Shape::Value, KeywordEffect::None),
    k("$ref", V4, V2020, Shape::Value, KeywordEffect::Same),
    k("$anchor", V2019, V2020, Shape::Value, KeywordEffect::None),
    k("$recursiveRef", V2019, V2019, Shape::Value, KeywordEffect::Same),
    k("$recursiveAnchor", V2019, V2019, Shape::Value, KeywordEffect::None),
    k("$dynamicRef", V2020, V2020, Shape::Value, KeywordEffect::Same),
    k("$dynamicAnchor", V2020, V2020, Shape::Value, KeywordEffect::None),
    k("$vocabulary", V2019, V2020, Shape::Value, KeywordEffect::None),
    k("$comment", V4, V2020, Shape::Value, KeywordEffect::None),
    k("$defs", V4, V2020, Shape::Map, KeywordEffect::None),
    k("definitions", V4, V2020, Shape::Map, KeywordEffect::None),
    k("title", V4, V2020, Shape::Value, KeywordEffect::None),
    k("description", V4, V2020, Shape::Value, KeywordEffect::None),
    k("default", V4, V2020, Shape::Value, KeywordEffect::None),
    k("examples", V4, V2020, Shape::Value, KeywordEffect::None),
    k("deprecated", V4, V2020, Shape::Value, KeywordEffect::None),
    k("readOnly", V4, V2020, Shape::Value, KeywordEffect::None),
    k("writeOnly", V4, V2020, Shape::Value, KeywordEffect::None),
    k("type", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("enum", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("const", V6, V2020, Shape::Value, KeywordEffect::Check),
    k("multipleOf", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("maximum", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("exclusiveMaximum", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("minimum", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("exclusiveMinimum", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("maxLength", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("minLength", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("pattern", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("maxItems", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("minItems", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("uniqueItems", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("maxContains", V2019, V2020, Shape::Value, KeywordEffect::Check),
    k("minContains", V2019, V2020, Shape::Value, KeywordEffect::Check),
    k("maxProperties", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("minProperties", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("required", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("dependentRequired", V2019, V2020, Shape::Value, KeywordEffect::Check),
    k("properties", V4, V2020, Shape::Map, KeywordEffect::Check),
    k("patternProperties", V4, V2020, Shape::Map, KeywordEffect::Check),
    k("additionalProperties", V4, V2020, Shape::Schema, KeywordEffect::Check),
    k(
        "unevaluatedProperties",
        V2019,
        V2020,
        Shape::Schema,
        KeywordEffect::Check,
    ),
    k("propertyNames", V6, V2020, Shape::Schema, KeywordEffect::Check),
    k("items", V4, V2020, Shape::SchemaOrList, KeywordEffect::Check),
    k("prefixItems", V2020, V2020, Shape::List, KeywordEffect::Check),
    k("additionalItems", V4, V2019, Shape::Schema, KeywordEffect::Check),
    k("unevaluatedItems", V2019, V2020, Shape::Schema, KeywordEffect::Check),
    k("contains", V6, V2020, Shape::Schema, KeywordEffect::Check),
    k("dependencies", V4, V2020, Shape::Map, KeywordEffect::Same),
    k("dependentSchemas", V2019, V2020, Shape::Map, KeywordEffect::Same),
    k("allOf", V4, V2020, Shape::List, KeywordEffect::Same),
    k("anyOf", V4, V2020, Shape::List, KeywordEffect::Same),
    k("oneOf", V4, V2020, Shape::List, KeywordEffect::Same),
    k("not", V4, V2020, Shape::Schema, KeywordEffect::Same),
    k("if", V7, V2020, Shape::Schema, KeywordEffect::Same),
    k("then", V7, V2020, Shape::Schema, KeywordEffect::Same),
    k("else", V7, V2020, Shape::Schema, KeywordEffect::Same),
    k("format", V4, V2020, Shape::Value, KeywordEffect::Check),
    k("contentEncoding", V4, V2020, Shape::Value, KeywordEffect::None),
    k("contentMediaType", V4, V2020, Shape::Value, KeywordEffect::None),
    k("contentSchema", V4, V2020, Shape::Schema, KeywordEffect::None),
];

/// The keyword with that name in any draft.
pub(super) fn keyword(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Keywords that `OpenAPI` adds to JSON Schema.
pub(super) const OPENAPI_KEYWORDS: [&str; 5] = ["nullable", "discriminator", "example", "xml", "externalDocs"];

/// Formats that `OpenAPI` defines for numbers and strings; JSON Schema has none of them.
pub(super) const OPENAPI_FORMATS: [&str; 7] = ["int32", "int64", "float", "double", "byte", "binary", "password"];

/// The formats that are asserted, in every draft.
pub(super) const FORMATS: [&str; 19] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

/// The keyword of the draft that is most similar to an unknown name.
pub(super) fn similar_keyword(given: &str, draft: Draft) -> Option<&'static str> {
    let known = KEYWORDS.iter().map(|keyword| keyword.name);
    similar(given, known.filter(|name| draft.keyword(name).is_some()), 4)
}

/// The format that is most similar to an unknown name.
pub(super) fn similar_format(given: &str) -> Option<&'static str> {
    similar(given, FORMATS.into_iter(), 3)
}

/// Stricter than the general suggestion, because a match is an error: `tsType` and `typeof` are not `type`.
fn similar(given: &str, known: impl Iterator<Item = &'static str>, shortest: usize) -> Option<&'static str> {
    let fold = |name: &str| {
        let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let name = name.to_lowercase();
        name.strip_suffix("ies")
            .map(|start| format!("{start}y"))
            .unwrap_or(name)
    };
    // A very long name would make the comparison slow, and is similar to none.
    if given.len() > 64 {
        return None;
    }
    let given = fold(given);
    let near = |name: &'static str| {
        let folded = fold(name);
        let length = given.chars().count().max(folded.chars().count());
        let allowed = match length {
            0..=11 if length < shortest => 0,
            0..=7 => 1,
            8..=11 => 2,
            _ => 3,
        };
        let is_abbreviation = given.len() >= 4 && given.len() * 2 >= folded.len() && folded.starts_with(&given);
        let distance = if is_abbreviation {
            1
        } else {
            strsim::damerau_levenshtein(&given, &folded)
        };
        (distance <= allowed.max(usize::from(is_abbreviation))).then_some((distance, name))
    };
    known
        .filter_map(near)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A document that describes an API and contains schemas, and is not a schema itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiFormat {
    Swagger2,
    OpenApi30,
    OpenApi31,
    AsyncApi,
}

impl ApiFormat {
    /// The kind of an API description, if the document is one.
    pub(super) fn of(document: &Value) -> Option<Self> {
        let text = |key: &str| document.get(key).and_then(Value::as_str);
        let is_object = |key: &str| document.get(key).is_some_and(Value::is_object);
        if let Some(version) = text("openapi") {
            let is_old = version.trim().starts_with("3.0");
            return Some(if is_old { Self::OpenApi30 } else { Self::OpenApi31 });
        }
        // A number in place of a string is accepted.
        if document.get("swagger").is_some() {
            return Some(Self::Swagger2);
        }
        if document.get("asyncapi").is_some() {
            return Some(Self::AsyncApi);
        }
        (document.get("openapi").is_some() || is_object("paths") && (is_object("info") || is_object("components")))
            .then_some(Self::OpenApi31)
    }

    /// The draft of the schemas in it, where it names none.
    pub(super) fn draft(self) -> Draft {
        match self {
            Self::Swagger2 | Self::OpenApi30 => V4,
            Self::AsyncApi => V7,
            Self::OpenApi31 => V2020,
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Swagger2 => "a Swagger 2.0 document",
            Self::OpenApi30 | Self::OpenApi31 => "an OpenAPI document",
            Self::AsyncApi => "an AsyncAPI document",
        }
    }

    /// Whether its schemas have this keyword besides those of JSON Schema.
    pub(super) fn has(self, keyword: &str) -> bool {
        OPENAPI_KEYWORDS.contains(&keyword) && (keyword != "nullable" || self == Self::OpenApi30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_keyword_or_format_is_recognized() {
        for (given, meant) in [
            ("requred", Some("required")),
            ("requird", Some("required")),
            ("propertes", Some("properties")),
            ("Properties", Some("properties")),
            ("property", Some("properties")),
            ("additional_properties", Some("additionalProperties")),
            ("aditionalProperty", Some("additionalProperties")),
            ("exclusiveMin", Some("exclusiveMinimum")),
            ("itmes", Some("items")),
            ("one_of", Some("oneOf")),
            ("ref", Some("$ref")),
            ("tsType", None),
            ("typeof", None),
            ("titleDe", None),
            ("enumNames", None),
            ("markdownDescription", None),
            ("version", None),
            ("in", None),
            ("xs", None),
        ] {
            assert_eq!(similar_keyword(given, V2020), meant, "{given}");
        }
        for (given, meant) in [
            ("emial", Some("email")),
            ("date_time", Some("date-time")),
            ("datetime", Some("date-time")),
            ("url", Some("uri")),
            ("host-name", Some("hostname")),
            ("int32", None),
            ("phone", None),
        ] {
            assert_eq!(similar_format(given), meant, "{given}");
        }
    }

    #[test]
    fn a_schema_uri_names_its_draft() {
        assert_eq!(Draft::of_uri("http://json-schema.org/draft-07/schema"), Some(V7));
        assert_eq!(Draft::of_uri("https://json-schema.org/draft-07/schema#"), Some(V7));
        assert_eq!(
            Draft::of_uri("https://json-schema.org/draft/2020-12/schema"),
            Some(V2020)
        );
        assert_eq!(Draft::of_uri("https://json-schema.org/draft/2020-11/schema"), None);
        assert_eq!(Draft::of_uri("draft-07"), None);
    }
}
