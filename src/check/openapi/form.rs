//! Content of forms, read as an object: `application/x-www-form-urlencoded` and `multipart/form-data`.
//!
//! A form contains texts and bytes, so that a value can have several readings. Content is valid if any combination of them is.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::{
    super::media_type::MediaType,
    multipart::{MultipartPart, form_parts},
    response::matching_type,
    values::ValueShape,
};
use crate::{
    json,
    openapi::{ApiDocument, ApiViolation, DeclaredContent, Direction, DocumentPart},
};

/// Maximum number of combinations of readings that are compared with a schema.
const MAX_COMBINATIONS: usize = 512;
/// Maximum number of readings of one property.
const MAX_READINGS: usize = 12;
/// Maximum length of content that is read in several ways, in bytes.
const MAX_AMBIGUOUS: usize = 64 * 1024;

/// A field of a form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FormField {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) bytes: Vec<u8>,
    /// Whether it has a file name.
    pub(crate) is_file: bool,
    /// Its media type, if it states one.
    pub(crate) media_type: Option<MediaType>,
}

/// The fields of a form; `None` if the content is not a form of this media type.
pub(crate) fn form_fields(kind: &MediaType, body: &[u8]) -> Option<Vec<FormField>> {
    if kind.essence == "multipart/form-data" {
        let parts = form_parts(kind, body)?.into_iter();
        let field = |part: MultipartPart| FormField {
            bytes: body[part.content].to_vec(),
            name: part.name,
            is_file: part.is_file,
            media_type: part.media_type,
        };
        return Some(parts.map(field).collect());
    }
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let fields = pairs.map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
        FormField {
            name: String::from_utf8_lossy(&form_decoded(name)).into_owned(),
            bytes: form_decoded(value),
            is_file: false,
            media_type: None,
        }
    });
    Some(fields.collect())
}

/// A name or value of a form, decoded.
pub(super) fn form_decoded(bytes: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).collect()
}

/// Whether content of this media type is a form.
pub(crate) fn is_form(kind: &MediaType) -> bool {
    ["application/x-www-form-urlencoded", "multipart/form-data"].contains(&kind.essence.as_str())
}

/// Whether a document declares content as a form, and it is one.
pub(crate) fn is_form_content(content: &DeclaredContent, kind: &MediaType) -> bool {
    is_form(kind) && MediaType::parse(&content.media_type).is_some_and(|declared| is_form(&declared))
}

/// The names of the properties that the schema of a form declares.
pub(crate) fn form_names(document: &ApiDocument, schema: &DocumentPart) -> Vec<String> {
    let schemas = document.schemas_at(schema, Direction::Request, "");
    let all = schemas
        .iter()
        .filter_map(|schema| schema.get("properties")?.as_object());
    all.flat_map(|entries| entries.keys().cloned()).collect()
}

/// The value of a property of a form.
enum FormEntry<'f> {
    /// The fields of its name.
    Fields(Vec<&'f FormField>),
    /// The fields of `name[key]`.
    Keys(Vec<(&'f str, &'f FormField)>),
    /// It is written in a way that is not read.
    Unknown,
}

/// The possible values of a property; `None` if it can be absent.
type PropertyReadings = Vec<Option<Value>>;

/// A form and its readings.
pub(super) struct FormReading<'d> {
    document: &'d ApiDocument,
    schema: &'d DocumentPart,
    properties: BTreeMap<String, PropertyReadings>,
    /// Fields whose media type is not the declared one: the name, what is sent, what is declared, and where.
    pub(super) wrong_types: Vec<(String, String, String, DocumentPart)>,
    /// Whether every property has all of its readings.
    is_complete: bool,
}

impl<'d> FormReading<'d> {
    /// Reads fields. `None` without a schema of an object.
    pub(super) fn new(document: &'d ApiDocument, content: &'d DeclaredContent, fields: &[FormField]) -> Option<Self> {
        let schema = content.schema.as_ref()?;
        let root = ValueShape::new(document, schema, Direction::Request, "");
        if !root.can_be("object") {
            return None;
        }
        let mut reading = Self {
            document,
            schema,
            properties: BTreeMap::new(),
            wrong_types: Vec::new(),
            is_complete: true,
        };
        let declared = form_names(document, schema);
        for (name, entry) in entries(&declared, fields) {
            let encoding = content.part.at("encoding").at(&name);
            reading.property(&name, &entry, &encoding);
        }
        // The properties of an object in the style `form` are fields themselves.
        reading.is_complete &= !declared.iter().any(|name| {
            let style = document.value(&content.part.at("encoding").at(name).at("style"));
            style.is_some_and(|style| style == "form")
                && ValueShape::new(document, schema, Direction::Request, &json::step("", name)).can_be("object")
        });
        Some(reading)
    }

    fn property(&mut self, name: &str, entry: &FormEntry<'_>, encoding: &DocumentPart) {
        let shape = ValueShape::new(self.document, self.schema, Direction::Request, &json::step("", name));
        let mut readings = match entry {
            FormEntry::Fields(fields) => {
                for field in fields {
                    self.wrong_type(field, encoding);
                }
                self.readings(&shape, fields, encoding)
            }
            FormEntry::Keys(fields) => {
                let pairs: Vec<(&str, String)> = fields.iter().map(|(key, field)| (*key, text(field))).collect();
                let of_list = pairs
                    .iter()
                    .all(|(key, _)| key.bytes().all(|byte| byte.is_ascii_digit()));
                let texts: Vec<&str> = pairs.iter().map(|(_, text)| text.as_str()).collect();
                let object = || shape.object(pairs.iter().map(|(key, text)| (*key, text.as_str())).collect());
                let lists = if of_list { shape.lists(&texts) } else { Vec::new() };
                lists.into_iter().chain([object()]).map(Some).collect()
            }
            FormEntry::Unknown => {
                self.is_complete = false;
                vec![Some(Value::Null)]
            }
        };
        let mut known: PropertyReadings = Vec::new();
        readings.retain(|one| {
            let is_new = !known.contains(one);
            known.extend(is_new.then(|| one.clone()));
            is_new
        });
        self.is_complete &= readings.len() <= MAX_READINGS;
        readings.truncate(MAX_READINGS);
        self.properties.insert(name.to_owned(), readings);
    }

    /// The readings of the fields of one name, the most likely one first.
    fn readings(&self, shape: &ValueShape<'_>, fields: &[&FormField], encoding: &DocumentPart) -> PropertyReadings {
        let texts: Vec<String> = fields.iter().map(|field| text(field)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let json = |field: &FormField| serde_json::from_slice::<Value>(&field.bytes).ok();
        let is_json = |field: &FormField| field.media_type.as_ref().is_some_and(MediaType::is_json);
        let mut all = Vec::new();
        if fields.iter().all(|field| is_json(field)) {
            let values: Option<Vec<Value>> = fields.iter().map(|field| json(field)).collect();
            match values {
                Some(values) if values.len() == 1 => {
                    all.extend(values.iter().cloned());
                    all.extend(shape.can_be("array").then_some(Value::Array(values)));
                }
                Some(values) => all.push(Value::Array(values)),
                None => {}
            }
        }
        let is_list_first = shape.is_declared("array") && !shape.is_declared("string");
        let mut lists = shape.lists(&texts);
        if let ([one], [field]) = (texts.as_slice(), fields) {
            let mut singles = shape.single(one);
            if field.bytes.len() <= MAX_AMBIGUOUS && !field.is_file {
                let style = self.document.value(&encoding.at("style")).and_then(Value::as_str);
                let separators = match style {
                    Some("spaceDelimited") => [" ", "+"],
                    Some("pipeDelimited") => ["|", ","],
                    _ => [",", ", "],
                };
                for separator in separators.into_iter().filter(|separator| one.contains(separator)) {
                    let items: Vec<&str> = one.split(separator).collect();
                    lists.extend(shape.lists(&items));
                    singles.extend(shape.can_be("object").then(|| shape.alternating(&items)).flatten());
                }
            }
            lists.extend(one.is_empty().then(|| Value::Array(Vec::new())));
            // A `const` has a type, too.
            singles.extend(ValueShape::untyped(one));
            // Servers read bytes as bytes, and text as characters.
            let latin: String = field.bytes.iter().map(|byte| char::from(*byte)).collect();
            singles.push(latin.into());
            if !shape.can_be("array") {
                lists.clear();
            }
            let (first, second) = if is_list_first {
                (lists, singles)
            } else {
                (singles, lists)
            };
            all.extend(first.into_iter().chain(second));
        } else {
            all.extend(lists);
            // Some servers use one of several values.
            if !shape.is_declared("array") {
                all.extend(
                    texts
                        .first()
                        .into_iter()
                        .chain(texts.last())
                        .flat_map(|text| shape.single(text)),
                );
            }
        }
        let is_empty = fields.iter().all(|field| field.bytes.is_empty());
        let absent = is_empty.then_some(None);
        all.into_iter().map(Some).chain(absent).collect()
    }

    /// Notes a field with another media type than the declared ones.
    fn wrong_type(&mut self, field: &FormField, encoding: &DocumentPart) {
        let part = encoding.at("contentType");
        let Some(declared) = self.document.value(&part).and_then(Value::as_str) else {
            return;
        };
        let Some(sent) = &field.media_type else { return };
        if field.bytes.is_empty() || declared.split(',').any(|one| matching_type(one.trim(), sent)) {
            return;
        }
        let found = (field.name.clone(), sent.essence.clone(), declared.to_owned(), part);
        self.wrong_types.push(found);
    }

    fn value(&self, choice: &[usize]) -> Value {
        let chosen = self.properties.iter().zip(choice);
        let entries = chosen.filter_map(|((name, readings), at)| Some((name.clone(), readings.get(*at)?.clone()?)));
        Value::Object(entries.collect::<Map<_, _>>())
    }

    /// The most likely reading.
    pub(super) fn first(&self) -> Value {
        self.value(&vec![0; self.properties.len()])
    }

    /// Violations of the schema by the content; none if any reading is valid, or not all readings are known.
    pub(super) fn violations(&self) -> Vec<ApiViolation> {
        if !self.is_complete {
            return Vec::new();
        }
        let violations = |choice: &[usize]| {
            self.document
                .violations(self.schema, Direction::Request, &self.value(choice))
        };
        let mut choice = vec![0; self.properties.len()];
        let mut best = violations(&choice);
        // One property after the other: exact where their schemas do not depend on each other.
        let counts: Vec<usize> = self.properties.values().map(Vec::len).collect();
        for at in 0..counts.len() {
            for reading in 1..counts[at] {
                if best.is_empty() {
                    return best;
                }
                let mut other = choice.clone();
                other[at] = reading;
                let found = violations(&other);
                // Of several readings, the one with the declared type explains most.
                let is_type = |all: &[ApiViolation]| all.iter().all(|one| one.part.name() == "type");
                if found.len() < best.len() || (found.len() == best.len() && is_type(&best) && !is_type(&found)) {
                    (choice, best) = (other, found);
                }
            }
        }
        if !self.is_coupled() {
            return best;
        }
        let combinations = counts.iter().try_fold(1_usize, |all, count| all.checked_mul(*count));
        if combinations.is_none_or(|count| count > MAX_COMBINATIONS) {
            return Vec::new();
        }
        let mut choice = vec![0; counts.len()];
        loop {
            if violations(&choice).is_empty() {
                return Vec::new();
            }
            // The next combination.
            let Some(at) = (0..counts.len()).find(|at| choice[*at] + 1 < counts[*at]) else {
                return best;
            };
            choice[at] += 1;
            choice[..at].fill(0);
        }
    }

    /// Whether the schema of one property can depend on the value of another.
    fn is_coupled(&self) -> bool {
        let schemas = self.document.schemas_at(self.schema, Direction::Request, "");
        let keys = [
            "anyOf",
            "oneOf",
            "not",
            "if",
            "dependentSchemas",
            "dependentRequired",
            "minProperties",
            "maxProperties",
        ];
        schemas
            .iter()
            .any(|schema| keys.iter().any(|key| schema.get(key).is_some()))
    }
}

/// The most likely reading of a form; `None` if the content is not one, or the document declares no object for it.
pub(crate) fn form_value(
    document: &ApiDocument,
    content: &DeclaredContent,
    kind: &MediaType,
    body: &[u8],
) -> Option<Value> {
    let fields = form_fields(kind, body).filter(|_| is_form(kind))?;
    Some(FormReading::new(document, content, &fields)?.first())
}

fn text(field: &FormField) -> String {
    String::from_utf8_lossy(&field.bytes).into_owned()
}

/// The fields of each property, by name.
fn entries<'f>(declared: &[String], fields: &'f [FormField]) -> BTreeMap<String, FormEntry<'f>> {
    let mut all: BTreeMap<String, FormEntry<'f>> = BTreeMap::new();
    let is_declared = |name: &str| declared.iter().any(|known| known == name);
    for field in fields {
        let name = field.name.as_str();
        let stem = name.split(['[', '.']).next().unwrap_or(name);
        if is_declared(name) || stem.len() == name.len() || !is_declared(stem) {
            match all
                .entry(name.to_owned())
                .or_insert_with(|| FormEntry::Fields(Vec::new()))
            {
                FormEntry::Fields(known) => known.push(field),
                other => *other = FormEntry::Unknown,
            }
            continue;
        }
        let key = name[stem.len()..]
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let key = key.filter(|key| !key.contains(['[', ']']));
        let entry = all.entry(stem.to_owned()).or_insert_with(|| match key {
            Some(_) => FormEntry::Keys(Vec::new()),
            None => FormEntry::Unknown,
        });
        match (entry, key) {
            (FormEntry::Keys(known), Some(key)) => known.push((key, field)),
            (other, _) => *other = FormEntry::Unknown,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::{check::ApiContract, model::Request};

    fn contract(media_type: &str, content: &str) -> ApiContract {
        let text = format!(
            "openapi: 3.1.0\npaths:\n  /x:\n    post:\n      requestBody:\n        content:\n          {media_type}:\n            {content}\n      \
             responses: {{}}\n"
        );
        ApiContract::of_text(&text, "http://h")
    }

    /// The violations of a request, as the names of the keywords that are violated.
    fn found(contract: &ApiContract, content_type: &str, body: &[u8]) -> Vec<String> {
        let request = Request {
            method: "POST".to_owned(),
            url: "http://h/x".to_owned(),
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body: bytes::Bytes::copy_from_slice(body).into(),
        };
        let all = contract.request_violations(&request).into_iter();
        all.map(|finding| {
            let expected = finding.expected.unwrap_or_default();
            expected.rsplit('/').next().unwrap_or_default().to_owned()
        })
        .collect()
    }

    const CLOSED: &str = "{ schema: { type: object, additionalProperties: false, required: [name], properties: { \
        name: { type: string, maxLength: 5 }, age: { type: integer, minimum: 18 }, on: { type: boolean }, \
        kind: { type: string, enum: [a, b] }, tags: { type: array, maxItems: 2, items: { type: integer } }, \
        any: {}, mixed: { anyOf: [{ type: integer, maximum: 9 }, { pattern: '^x' }] }, \
        one: { enum: [1, 2] }, place: { type: object, required: [city], properties: { city: { type: string }, zip: { type: integer } } } } } }";

    #[test]
    fn urlencoded_form_is_compared_with_its_schema() {
        let contract = contract("application/x-www-form-urlencoded", CLOSED);
        let of = |body: &str| {
            found(
                &contract,
                "application/x-www-form-urlencoded; charset=UTF-8",
                body.as_bytes(),
            )
        };
        for (body, expected) in [
            ("age=20", &["required"][..]),
            ("name=abcdef", &["maxLength"]),
            ("name=a&age=x", &["type"]),
            ("name=a&age=17", &["minimum"]),
            ("name=a&on=maybe", &["type"]),
            ("name=a&kind=c", &["enum"]),
            ("name=a&other=1", &["additionalProperties"]),
            ("name=a&tags=1&tags=2&tags=3", &["maxItems"]),
            ("name=a&tags=1,2,3", &["maxItems"]),
            ("name=a&tags=x", &["type"]),
            ("name=a&place[zip]=1", &["required"]),
            ("name=a&place={}", &["required"]),
            ("name=a&one=3", &["enum"]),
        ] {
            assert_eq!(of(body), expected, "{body}");
        }
        for body in [
            "name=a",
            "name=1&age=18&on=true&kind=a",
            "name=a%20b&tags=1&tags=2",
            "name=a+b&tags=1,2",
            "name=a&tags[]=1&tags[]=2",
            "name=a&tags[0]=1",
            "name=a&tags=[1,2]",
            "name=a&tags=",
            "name=a&age=",
            "name=a&any=1&any=2",
            "name=a&mixed=9",
            "name=a&mixed=x1",
            "name=a&one=2",
            "name=a&age=20&age=30",
            "name=a&place[city]=x&place[zip]=1",
            "name=a&place=%7B%22city%22%3A%22x%22%7D",
            "name=a&place.city=x",
            "name=a&place[a][b]=x",
            "&name=a&",
        ] {
            assert_eq!(of(body), [""; 0], "{body}");
        }
    }

    #[test]
    fn readings_of_dependent_properties_are_combined() {
        let contract = contract(
            "application/x-www-form-urlencoded",
            "{ schema: { oneOf: [{ properties: { a: { type: integer }, b: { type: string, const: '1' } } }, { properties: { a: \
             { type: string, const: '2' }, b: { const: 2 } } }] } }",
        );
        let of = |body: &str| found(&contract, "application/x-www-form-urlencoded", body.as_bytes());
        assert_eq!((of("a=1&b=1").len(), of("a=2&b=2").len()), (0, 0));
        assert_ne!(of("a=x&b=3").len(), 0);
    }

    const UPLOAD: &str = "{ schema: { type: object, required: [file], properties: { file: { type: string, maxLength: 4, minLength: 1 }, \
        count: { type: integer }, meta: { type: object, required: [a], properties: { a: { type: integer } } }, \
        more: { type: array, items: { type: object, required: [a] } } } }, encoding: { file: { contentType: 'image/*, text/plain' } } }";

    #[test]
    fn multipart_form_is_compared_with_its_schema() {
        let contract = contract("multipart/form-data", UPLOAD);
        let part = |head: &str, body: &[u8]| {
            [
                b"--b\r\nContent-Disposition: form-data; ",
                head.as_bytes(),
                b"\r\n\r\n",
                body,
                b"\r\n",
            ]
            .concat()
        };
        let of = |parts: &[Vec<u8>]| {
            let body = [&parts.concat()[..], b"--b--\r\n"].concat();
            found(&contract, "multipart/form-data; boundary=b", &body)
        };
        let file = |kind: &str, body: &[u8]| part(&format!("name=file; filename=f\r\nContent-Type: {kind}"), body);
        // Four bytes, which are not UTF-8; and four characters.
        let good = file("image/png", &[0xff, 0xfe, 0, 1]);
        assert_eq!(of(std::slice::from_ref(&good)), [""; 0]);
        assert_eq!(of(&[file("text/plain", "äöüß".as_bytes())]), [""; 0]);
        assert_eq!(of(&[part("name=file", b"abc"), part("name=count", b"5")]), [""; 0]);
        let with = |more: Vec<u8>| of(&[good.clone(), more]);
        let json = |name: &str, text: &str| {
            part(
                &format!("name={name}\r\nContent-Type: application/json"),
                text.as_bytes(),
            )
        };
        assert_eq!(with(json("meta", r#"{"a": 1}"#)), [""; 0]);
        assert_eq!(with(part("name=meta", br#"{"a": 1}"#)), [""; 0]);
        assert_eq!(with(json("more", r#"{"a": 1}"#)), [""; 0]);
        assert_eq!(
            with([json("more", r#"{"a": 1}"#), json("more", r#"{"a": 2}"#)].concat()),
            [""; 0]
        );
        assert_eq!(with(part("name=undeclared", b"x")), [""; 0]);

        assert_eq!(of(&[part("name=count", b"5")]), ["required"]);
        assert_eq!(of(&[file("image/png", b"12345")]), ["maxLength"]);
        assert_eq!(of(&[file("application/pdf", b"1")]), ["plain"]);
        assert_eq!(with(part("name=count", b"x")), ["type"]);
        assert_eq!(with(json("meta", r#"{"a": "1"}"#)), ["type"]);
        assert_eq!(
            with([json("more", r#"{"a": 1}"#), json("more", "{}")].concat()),
            ["required"]
        );
        assert_eq!(found(&contract, "multipart/form-data", b"x"), ["form-data"]);
        assert_eq!(
            found(&contract, "multipart/form-data; boundary=b", b"{}"),
            ["form-data"]
        );
    }
}
