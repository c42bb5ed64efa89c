//! What a schema accepts, in one form: references and `allOf` are merged, and the forms of 3.0 and 3.1 are the same.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use serde_json::{Map, Value};

use super::bound::{BoundKind, ValueBound};
use crate::{
    json::{self, JsonType},
    openapi::{ApiDocument, ApiVersion, DocumentPart},
};

/// Maximum number of schemas that are merged into one shape.
const MAX_MERGED: usize = 2000;
/// Maximum depth at which alternatives are searched for one that accepts `null`.
const MAX_NULL_DEPTH: usize = 24;
/// Keywords that change nothing about what is accepted.
const COSMETIC: [&str; 8] = [
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
    "$comment",
    "xml",
];
/// Keywords that are compared by value only: a change of them is not classified.
const BY_VALUE: [&str; 15] = [
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
    "contentMediaType",
    "contentEncoding",
];

/// One or more schemas that a value has to satisfy together, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ShapeId(usize);

/// A schema below a schema, and where it is written.
#[derive(Clone, Debug)]
pub(super) struct PlacedShape {
    pub(super) part: DocumentPart,
    pub(super) shape: ShapeId,
}

/// Which properties besides the declared ones are accepted.
#[derive(Clone, Debug, Default)]
pub(super) enum FurtherProperties {
    /// All.
    #[default]
    Any,
    /// None.
    Closed(DocumentPart),
    /// Those that satisfy a schema.
    Schema(PlacedShape),
}

/// `oneOf` or `anyOf`.
#[derive(Clone, Debug)]
pub(super) struct Alternatives {
    /// Where it is written.
    pub(super) part: DocumentPart,
    pub(super) branches: Vec<PlacedShape>,
    /// The property of the `discriminator`, and the values that it maps.
    pub(super) discriminator: Option<(String, BTreeSet<String>)>,
}

/// What a schema accepts.
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of the document")]
#[derive(Debug, Default)]
pub(super) struct SchemaShape {
    /// Whether it accepts no value but possibly `null`.
    pub(super) never: bool,
    /// Whether it accepts `null`; everything else is about other values.
    pub(super) null: bool,
    /// The types by name, `number` together with `integer`; none for any type.
    pub(super) types: Option<BTreeSet<&'static str>>,
    /// The values, if they are listed.
    pub(super) values: Option<Vec<Value>>,
    pub(super) formats: BTreeSet<String>,
    pub(super) patterns: BTreeSet<String>,
    pub(super) bounds: BTreeMap<BoundKind, ValueBound>,
    pub(super) properties: BTreeMap<String, PlacedShape>,
    pub(super) required: BTreeSet<String>,
    pub(super) further: FurtherProperties,
    pub(super) by_pattern: BTreeMap<String, PlacedShape>,
    pub(super) items: Option<PlacedShape>,
    pub(super) prefix: Vec<PlacedShape>,
    pub(super) groups: Vec<Alternatives>,
    /// Keywords that are compared by value.
    pub(super) others: Vec<(&'static str, DocumentPart)>,
    pub(super) default: Option<Value>,
    pub(super) read_only: bool,
    pub(super) write_only: bool,
    pub(super) deprecated: bool,
    /// References that cannot be followed.
    pub(super) unresolved: Vec<DocumentPart>,
    /// Where each keyword is written.
    pub(super) written: HashMap<&'static str, DocumentPart>,
    /// Where its first schema is written.
    pub(super) part: DocumentPart,
}

impl SchemaShape {
    /// Where a keyword is written, or else the schema.
    pub(super) fn at(&self, keyword: &str) -> DocumentPart {
        self.written.get(keyword).unwrap_or(&self.part).clone()
    }

    /// Whether it accepts every value, apart from its alternatives.
    pub(super) fn is_only_alternatives(&self) -> bool {
        let has_constraint = self.types.is_some()
            || self.values.is_some()
            || !(self.formats.is_empty() && self.patterns.is_empty() && self.bounds.is_empty())
            || !(self.properties.is_empty() && self.required.is_empty() && self.by_pattern.is_empty())
            || !matches!(self.further, FurtherProperties::Any)
            || self.items.is_some()
            || !(self.prefix.is_empty() && self.others.is_empty() && self.unresolved.is_empty());
        !has_constraint && !self.never && self.groups.len() == 1
    }
}

/// The shapes of the schemas of a document, each made once.
pub(super) struct Shapes<'d> {
    pub(super) document: &'d ApiDocument,
    index: HashMap<Vec<DocumentPart>, ShapeId>,
    members: Vec<Vec<DocumentPart>>,
    made: Vec<Option<Rc<SchemaShape>>>,
}

impl<'d> Shapes<'d> {
    pub(super) fn new(document: &'d ApiDocument) -> Self {
        Self {
            document,
            index: HashMap::new(),
            members: Vec::new(),
            made: Vec::new(),
        }
    }

    /// The number of schemas that a value has to satisfy together. No schema accepts every value.
    pub(super) fn id(&mut self, parts: impl IntoIterator<Item = DocumentPart>) -> ShapeId {
        let mut members: Vec<_> = parts.into_iter().map(|part| self.plain(part)).collect();
        members.sort_unstable();
        members.dedup();
        if let Some(known) = self.index.get(&members) {
            return *known;
        }
        let id = ShapeId(self.members.len());
        self.index.insert(members.clone(), id);
        self.members.push(members);
        self.made.push(None);
        id
    }

    /// The name of the schema, if it is a single one.
    pub(super) fn name(&self, id: ShapeId) -> Option<String> {
        match self.members.get(id.0).map(Vec::as_slice) {
            Some([one]) => Some(one.name()),
            _ => None,
        }
    }

    /// Follows references that nothing is written beside.
    fn plain(&self, mut part: DocumentPart) -> DocumentPart {
        for _ in 0..64 {
            let Some(next) = self.document.target(&part) else { break };
            let is_plain = self.document.version == ApiVersion::V30 || {
                let entries = self.document.value(&part).and_then(Value::as_object);
                let mut keys = entries.into_iter().flat_map(Map::keys);
                keys.all(|key| key == "$ref" || is_cosmetic(key))
            };
            if !is_plain {
                break;
            }
            part = next.clone();
        }
        part
    }

    /// What the schemas of a number accept.
    pub(super) fn shape(&mut self, id: ShapeId) -> Rc<SchemaShape> {
        if let Some(Some(made)) = self.made.get(id.0) {
            return Rc::clone(made);
        }
        let members = self.members.get(id.0).cloned().unwrap_or_default();
        let shape = Rc::new(ShapeMaker::new(self).make(members));
        if let Some(slot) = self.made.get_mut(id.0) {
            *slot = Some(Rc::clone(&shape));
        }
        shape
    }

    /// Whether a schema accepts `null`.
    fn accepts_null(&self, part: &DocumentPart, depth: usize) -> bool {
        if depth > MAX_NULL_DEPTH {
            return false;
        }
        let entries = match self.document.value(part) {
            Some(Value::Object(entries)) => entries,
            Some(Value::Bool(accepts)) => return *accepts,
            _ => return true,
        };
        if self.document.is_nullable(part) {
            return true;
        }
        let of_target = |depth| {
            self.document
                .target(part)
                .is_none_or(|next| self.accepts_null(next, depth))
        };
        if self.document.version == ApiVersion::V30 && entries.contains_key("$ref") {
            return of_target(depth + 1);
        }
        let branches = |key: &str| {
            let count = entries.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            (0..count)
                .map(|index| part.at(key).at(&index.to_string()))
                .collect::<Vec<_>>()
        };
        let is_any = |key: &str| {
            let all = branches(key);
            all.is_empty() || all.iter().any(|branch| self.accepts_null(branch, depth + 1))
        };
        own_null(entries)
            && of_target(depth + 1)
            && branches("allOf")
                .iter()
                .all(|branch| self.accepts_null(branch, depth + 1))
            && is_any("oneOf")
            && is_any("anyOf")
    }

    /// Whether a schema accepts `null` and nothing else.
    fn is_null(&self, part: &DocumentPart) -> bool {
        let part = self.plain(part.clone());
        let Some(Value::Object(entries)) = self.document.value(&part) else {
            return false;
        };
        let only = |value: &Value| value.is_null() || value == "null";
        match (entries.get("type"), entries.get("const"), entries.get("enum")) {
            (Some(Value::Array(types)), ..) => !types.is_empty() && types.iter().all(only),
            (Some(Value::String(name)), ..) if name == "null" => true,
            (Some(Value::Null), ..) | (_, Some(Value::Null), _) => true,
            (_, _, Some(Value::Array(values))) => !values.is_empty() && values.iter().all(Value::is_null),
            _ => false,
        }
    }
}

pub(super) fn is_cosmetic(key: &str) -> bool {
    COSMETIC.contains(&key) || key.starts_with("x-")
}

/// Whether the keywords of a schema itself accept `null`.
fn own_null(entries: &Map<String, Value>) -> bool {
    let is_nullable = entries.get("nullable").is_some_and(|value| *value == true);
    let by_type = match entries.get("type") {
        None => true,
        Some(Value::Array(types)) => is_nullable || types.iter().any(|name| name.is_null() || name == "null"),
        Some(name) => is_nullable || name.is_null() || name == "null",
    };
    let values = entries.get("enum").and_then(Value::as_array);
    by_type
        && values.is_none_or(|values| values.iter().any(Value::is_null))
        && entries.get("const").is_none_or(Value::is_null)
}

/// A schema that is still to be merged.
struct OpenSchema {
    part: DocumentPart,
    /// Whether `null` is accepted whatever this schema says.
    is_null_known: bool,
    /// Whether it is part of an `allOf`: then its `discriminator` chooses nothing.
    is_base: bool,
}

/// Merges schemas into one shape.
struct ShapeMaker<'s, 'd> {
    shapes: &'s mut Shapes<'d>,
    shape: SchemaShape,
    properties: BTreeMap<String, Vec<DocumentPart>>,
    by_pattern: BTreeMap<String, Vec<DocumentPart>>,
    items: Vec<DocumentPart>,
    further: Vec<DocumentPart>,
    open: Vec<OpenSchema>,
}

impl<'s, 'd> ShapeMaker<'s, 'd> {
    fn new(shapes: &'s mut Shapes<'d>) -> Self {
        Self {
            shapes,
            shape: SchemaShape {
                null: true,
                ..SchemaShape::default()
            },
            properties: BTreeMap::new(),
            by_pattern: BTreeMap::new(),
            items: Vec::new(),
            further: Vec::new(),
            open: Vec::new(),
        }
    }

    fn make(mut self, members: Vec<DocumentPart>) -> SchemaShape {
        self.shape.part = members.first().cloned().unwrap_or_default();
        self.open = (members.into_iter().rev())
            .map(|part| OpenSchema {
                part,
                is_null_known: false,
                is_base: false,
            })
            .collect();
        let mut seen = HashSet::new();
        while let Some(next) = self.open.pop() {
            if seen.len() >= MAX_MERGED {
                self.shape.unresolved.push(next.part);
                break;
            }
            if seen.insert(next.part.clone()) {
                self.merge(&next);
            }
        }
        self.finish()
    }

    fn finish(mut self) -> SchemaShape {
        let shapes = self.shapes;
        let mut placed = |parts: Vec<DocumentPart>| PlacedShape {
            part: parts.first().cloned().unwrap_or_default(),
            shape: shapes.id(parts),
        };
        let shape = &mut self.shape;
        shape.properties = (self.properties.into_iter())
            .map(|(name, parts)| (name, placed(parts)))
            .collect();
        shape.by_pattern = (self.by_pattern.into_iter())
            .map(|(name, parts)| (name, placed(parts)))
            .collect();
        if !self.items.is_empty() {
            shape.items = Some(placed(self.items));
        }
        if !self.further.is_empty() && matches!(shape.further, FurtherProperties::Any) {
            shape.further = FurtherProperties::Schema(placed(self.further));
        }
        if let (Some(values), None) = (&shape.values, &shape.types) {
            shape.types = Some(types_of(values));
        }
        // A list in which every type is named accepts any type.
        if shape.types.as_ref().is_some_and(|types| types.len() == 6) {
            shape.types = None;
        }
        self.shape
    }

    fn merge(&mut self, open: &OpenSchema) {
        let document = self.shapes.document;
        let part = &open.part;
        let entries = match document.value(part) {
            Some(Value::Object(entries)) => entries,
            Some(Value::Bool(false)) => {
                self.shape.never = true;
                self.shape.null &= open.is_null_known;
                return;
            }
            _ => return,
        };
        let is_null_known = open.is_null_known || document.is_nullable(part);
        if let Some(target) = document.target(part) {
            self.open.push(OpenSchema {
                part: target.clone(),
                is_null_known,
                is_base: open.is_base,
            });
        } else if entries.contains_key("$ref") || entries.contains_key("$dynamicRef") {
            self.shape.unresolved.push(part.clone());
        }
        if document.version == ApiVersion::V30 && entries.contains_key("$ref") {
            return;
        }
        if !is_null_known {
            self.shape.null &= own_null(entries);
        }
        self.values(part, entries);
        self.limits(part, entries);
        self.object(part, entries);
        self.array(part, entries);
        self.flags(part, entries);
        self.composition(part, entries, is_null_known, open.is_base);
    }

    /// Remembers where a keyword is written.
    fn wrote(&mut self, keyword: &'static str, part: &DocumentPart) {
        let at = || part.at(keyword);
        self.shape.written.entry(keyword).or_insert_with(at);
    }

    /// `type`, `enum`, `const`, `format` and `pattern`.
    fn values(&mut self, part: &DocumentPart, entries: &Map<String, Value>) {
        let names: Option<Vec<&str>> = match entries.get("type") {
            Some(Value::String(name)) => Some(vec![name]),
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect()),
            _ => None,
        };
        if let Some(names) = names {
            self.wrote("type", part);
            let types = types_named(&names);
            let known = self.shape.types.take();
            self.shape.types = Some(known.map_or_else(|| types.clone(), |known| &known & &types));
        }
        let list = entries.get("enum").and_then(Value::as_array);
        let listed = list.map(|values| ("enum", values.clone()));
        let constant = entries.get("const").map(|value| ("const", vec![value.clone()]));
        for (keyword, mut values) in listed.into_iter().chain(constant) {
            self.wrote(keyword, part);
            values.retain(|value| !value.is_null());
            let known = self.shape.values.take();
            self.shape.values = Some(match known {
                None => values,
                Some(mut known) => {
                    known.retain(|value| contains(&values, value));
                    known
                }
            });
        }
        for (keyword, into) in [("format", true), ("pattern", false)] {
            if let Some(text) = entries.get(keyword).and_then(Value::as_str) {
                self.wrote(keyword, part);
                let all = if into {
                    &mut self.shape.formats
                } else {
                    &mut self.shape.patterns
                };
                all.insert(text.to_owned());
            }
        }
    }

    fn limits(&mut self, part: &DocumentPart, entries: &Map<String, Value>) {
        for (kind, keyword, bound) in ValueBound::all(entries) {
            self.wrote(keyword, part);
            let known = self.shape.bounds.remove(&kind);
            self.shape.bounds.insert(
                kind,
                known.map_or_else(|| bound.clone(), |known| known.and(&bound, kind)),
            );
        }
    }

    fn object(&mut self, part: &DocumentPart, entries: &Map<String, Value>) {
        for (keyword, all) in [
            ("properties", &mut self.properties),
            ("patternProperties", &mut self.by_pattern),
        ] {
            let at = part.at(keyword);
            for (name, _) in entries.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                all.entry(name.clone()).or_default().push(at.at(name));
            }
        }
        if let Some(names) = entries.get("required").and_then(Value::as_array) {
            self.wrote("required", part);
            let names = names.iter().filter_map(Value::as_str).map(str::to_owned);
            self.shape.required.extend(names);
        }
        for keyword in ["additionalProperties", "unevaluatedProperties"] {
            match entries.get(keyword) {
                Some(Value::Bool(false)) => self.shape.further = FurtherProperties::Closed(part.at(keyword)),
                Some(Value::Object(schema)) if !schema.is_empty() && keyword == "additionalProperties" => {
                    self.further.push(part.at(keyword));
                }
                _ => {}
            }
        }
    }

    fn array(&mut self, part: &DocumentPart, entries: &Map<String, Value>) {
        if entries.get("items").is_some_and(|items| !items.is_array()) {
            self.items.push(part.at("items"));
        }
        let count = entries.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        for index in self.shape.prefix.len()..count {
            let part = part.at("prefixItems").at(&index.to_string());
            let shape = self.shapes.id([part.clone()]);
            self.shape.prefix.push(PlacedShape { part, shape });
        }
    }

    fn flags(&mut self, part: &DocumentPart, entries: &Map<String, Value>) {
        let is = |keyword: &str| entries.get(keyword).is_some_and(|value| *value == true);
        self.shape.read_only |= is("readOnly");
        self.shape.write_only |= is("writeOnly");
        if is("deprecated") {
            self.wrote("deprecated", part);
            self.shape.deprecated = true;
        }
        if let Some(value) = entries.get("default") {
            self.wrote("default", part);
            self.shape.default.get_or_insert_with(|| value.clone());
        }
        for keyword in BY_VALUE {
            let is_handled = keyword == "unevaluatedProperties" && entries.get(keyword).is_some_and(Value::is_boolean);
            if entries.contains_key(keyword) && !is_handled {
                self.shape.others.push((keyword, part.at(keyword)));
            }
        }
    }

    /// `allOf`, `oneOf`, `anyOf`, and the schemas that are based on this one.
    fn composition(&mut self, part: &DocumentPart, entries: &Map<String, Value>, is_null_known: bool, is_base: bool) {
        let branches = |keyword: &str| -> Vec<DocumentPart> {
            let count = entries.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
            (0..count)
                .map(|index| part.at(keyword).at(&index.to_string()))
                .collect()
        };
        for branch in branches("allOf").into_iter().rev() {
            self.open.push(OpenSchema {
                part: branch,
                is_null_known,
                is_base: true,
            });
        }
        let discriminator = entries.get("discriminator").and_then(discriminator);
        let mut has_choice = false;
        for keyword in ["oneOf", "anyOf"] {
            let all = branches(keyword);
            if all.is_empty() {
                continue;
            }
            has_choice = true;
            if !is_null_known {
                self.shape.null &= all.iter().any(|branch| self.shapes.accepts_null(branch, 0));
            }
            self.group(part.at(keyword), all, discriminator.clone());
        }
        if discriminator.is_some() && !has_choice && !is_base {
            let heirs: BTreeSet<_> = self.shapes.document.chosen(part).into_iter().cloned().collect();
            let heirs: Vec<_> = heirs.into_iter().filter(|heir| heir != part).collect();
            if !heirs.is_empty() {
                // The values that choose are compared with the schemas that they choose.
                let branches = heirs.into_iter().map(|part| PlacedShape {
                    shape: self.shapes.id([part.clone()]),
                    part,
                });
                let branches = branches.collect();
                self.shape.groups.push(Alternatives {
                    part: part.at("discriminator"),
                    branches,
                    discriminator,
                });
            }
        }
    }

    fn group(
        &mut self,
        part: DocumentPart,
        mut branches: Vec<DocumentPart>,
        discriminator: Option<(String, BTreeSet<String>)>,
    ) {
        branches.retain(|branch| !self.shapes.is_null(branch));
        match branches.as_slice() {
            // It accepts only `null`.
            [] => self.shape.never = true,
            // What else than `null` it accepts is one schema.
            [_] => self.open.extend(branches.pop().map(|part| OpenSchema {
                part,
                is_null_known: true,
                is_base: false,
            })),
            _ if self.union(&branches) => drop(self.shape.written.insert("type", part)),
            _ => {
                let branches = branches.into_iter().map(|part| PlacedShape {
                    shape: self.shapes.id([part.clone()]),
                    part,
                });
                let branches = branches.collect();
                self.shape.groups.push(Alternatives {
                    part,
                    branches,
                    discriminator,
                });
            }
        }
    }

    /// Alternatives of types, or of values, are merged: `oneOf` of `{ const: a }` and `{ const: b }` lists two values.
    fn union(&mut self, branches: &[DocumentPart]) -> bool {
        let only = |keys: &[&str]| {
            branches.iter().all(|branch| {
                let entries = self.shapes.document.value(branch).and_then(Value::as_object);
                let has_first = |entries: &Map<String, Value>| keys.iter().any(|key| entries.contains_key(*key));
                entries.is_some_and(|entries| {
                    let is_known = |key: &String| {
                        is_cosmetic(key) || keys.contains(&key.as_str()) || ["type", "nullable"].contains(&key.as_str())
                    };
                    has_first(entries) && entries.keys().all(is_known)
                })
            })
        };
        let values = || branches.iter().filter_map(|branch| self.shapes.document.value(branch));
        if only(&["type"]) {
            let names = values().filter_map(|schema| schema.get("type"));
            let names: Vec<&str> = names
                .flat_map(|kind| match kind {
                    Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect::<Vec<_>>(),
                })
                .collect();
            let types = types_named(&names);
            let known = self.shape.types.take();
            self.shape.types = Some(known.map_or_else(|| types.clone(), |known| &known & &types));
            return true;
        }
        if !only(&["const", "enum"]) {
            return false;
        }
        let listed = values().flat_map(|schema| {
            let list = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            list.chain(schema.get("const"))
        });
        let listed: Vec<Value> = listed.filter(|value| !value.is_null()).cloned().collect();
        let known = self.shape.values.take();
        self.shape.values = Some(match known {
            None => listed,
            Some(mut known) => {
                known.retain(|value| contains(&listed, value));
                known
            }
        });
        true
    }
}

/// The property of a `discriminator`, and the values that it maps.
fn discriminator(value: &Value) -> Option<(String, BTreeSet<String>)> {
    let property = value.get("propertyName")?.as_str()?.to_owned();
    let mapping = value.get("mapping").and_then(Value::as_object);
    let values = mapping.into_iter().flat_map(Map::keys).cloned().collect();
    Some((property, values))
}

/// Types by their names, without `null`.
fn types_named(names: &[&str]) -> BTreeSet<&'static str> {
    let mut types = BTreeSet::new();
    for (name, kind) in JsonType::NAMES {
        if kind != JsonType::Null && names.contains(&name) {
            types.insert(name);
        }
    }
    if types.contains("number") {
        types.insert("integer");
    }
    types
}

fn types_of(values: &[Value]) -> BTreeSet<&'static str> {
    let name = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if JsonType::Integer.accepts(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let names: Vec<_> = values.iter().map(name).collect();
    types_named(&names)
}

/// Whether a list contains a value, by meaning.
pub(super) fn contains(values: &[Value], value: &Value) -> bool {
    values.iter().any(|known| json::equal(known, value))
}
