//! Rewrites the schemas of a document to JSON Schema 2020-12, for one direction. A pointer into a rewritten schema is
//! translated back by [`Rewritten::original`], so that findings name the document as written.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{
    ApiVersion, Direction, DocumentPart,
    files::DocumentFiles,
    notes::DocumentNotes,
    schemas::{Choice, SchemaMap},
};
use crate::schema::{parts, pattern_error, reference};

/// The keyword under which the branches of a `discriminator` are kept.
const BRANCHES: &str = "x-branches";
/// The keyword under which the choice of a `discriminator` is kept.
const CHOICE: &str = "x-choice";
/// Keywords that only describe.
const DESCRIPTIONS: [&str; 8] = [
    "description",
    "example",
    "examples",
    "default",
    "externalDocs",
    "xml",
    "deprecated",
    "$comment",
];
/// Keywords of JSON Schema that `OpenAPI` 3.0 does not have.
const NEW_KEYWORDS: [&str; 15] = [
    "const",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "minContains",
    "maxContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
];

/// Where pointers into rewritten schemas lead in the document as written.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// By the pointer with everything before its last step translated: the original, and whether the rest is omitted.
    origins: HashMap<DocumentPart, (String, bool)>,
}

impl Rewritten {
    /// The part of the document as written.
    pub(super) fn original(&self, part: &DocumentPart) -> DocumentPart {
        let mut here = DocumentPart {
            file: part.file,
            pointer: String::new(),
        };
        for step in part.pointer.split('/').skip(1) {
            here.pointer.push('/');
            here.pointer.push_str(step);
            if let Some((pointer, is_whole)) = self.origins.get(&here) {
                here.pointer.clone_from(pointer);
                if *is_whole {
                    break;
                }
            }
        }
        here
    }
}

/// Rewrites the schemas of all files.
pub(super) struct SchemaRewriter<'a> {
    pub(super) files: &'a DocumentFiles,
    pub(super) map: &'a SchemaMap,
    pub(super) version: ApiVersion,
    pub(super) direction: Direction,
    pub(super) notes: &'a mut DocumentNotes,
    pub(super) rewritten: Rewritten,
    /// The properties that a message of the direction does not contain, by the schema that declares them.
    pub(super) hidden: HashMap<DocumentPart, BTreeSet<String>>,
}

impl SchemaRewriter<'_> {
    /// The content of each file.
    pub(super) fn run(mut self) -> (Vec<(String, Value)>, Rewritten) {
        let mut values: Vec<_> = self
            .files
            .all()
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        // The inner ones first, because a rewritten schema can have other pointers.
        let mut all: Vec<_> = self.map.all.iter().collect();
        all.sort_by_key(|part| std::cmp::Reverse(part.pointer.matches('/').count()));
        let optional = self.optional();
        for part in all {
            let Some((_, value)) = values.get_mut(part.file) else {
                continue;
            };
            if let Some(Value::Object(schema)) = value.pointer_mut(&part.pointer) {
                self.schema(part, schema, &optional);
            }
        }
        (values, self.rewritten)
    }

    fn is_old(&self) -> bool {
        self.version == ApiVersion::V30
    }

    fn schema(
        &mut self,
        part: &DocumentPart,
        schema: &mut Map<String, Value>,
        optional: &HashMap<DocumentPart, BTreeSet<String>>,
    ) {
        if self.is_old() && schema.get("$ref").is_some_and(Value::is_string) {
            self.only_reference(part, schema);
            return;
        }
        schema.retain(|key, value| {
            !DESCRIPTIONS.contains(&key.as_str()) && (!value.is_null() || ["const", "type"].contains(&key.as_str()))
        });
        self.exclusive(part, schema, ("exclusiveMinimum", "minimum"));
        self.exclusive(part, schema, ("exclusiveMaximum", "maximum"));
        self.types(part, schema);
        self.patterns(part, schema);
        self.new_keywords(part, schema);
        if schema.get("required").is_some_and(Value::is_boolean) {
            schema.remove("required");
            let message = "`required: true` in a schema has no effect";
            let help = "name the property in the list `required` of the schema around it";
            self.notes.warn("required", part.at("required"), message, help);
        }
        if let Some(target) = self.map.targets.get(part) {
            schema.insert("$ref".to_owned(), self.reference(part, target).into());
        }
        self.direction(part, schema, optional);
        let accepts_null = self.map.nullable.contains(part);
        let choice = self.map.choices.get(part);
        if let Some(choice) = choice.filter(|choice| choice.keyword.is_some()) {
            self.choose_branch(part, schema, choice);
        }
        if accepts_null {
            // Everything else moves, so that `null` is not checked by it.
            let rest = std::mem::take(schema);
            schema.insert("if".to_owned(), json!({ "type": "null" }));
            schema.insert("else".to_owned(), Value::Object(rest));
            self.origin(part.at("else"), part.pointer.clone(), false);
        }
        if let Some(choice) = choice.filter(|choice| choice.keyword.is_none()) {
            self.choose_heir(part, schema, choice);
        }
    }

    fn origin(&mut self, part: DocumentPart, original: String, is_whole: bool) {
        self.rewritten.origins.insert(part, (original, is_whole));
    }

    /// In 3.0, everything beside `$ref` is ignored.
    fn only_reference(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>) {
        let ignored = schema.keys().find(|key| {
            let is_text = ["$ref", "title", "summary"].contains(&key.as_str()) || key.starts_with("x-");
            !is_text && !DESCRIPTIONS.contains(&key.as_str())
        });
        if let Some(key) = ignored {
            let message = format!("OpenAPI 3.0 ignores everything beside `$ref`: `{key}` has no effect");
            let help = "put the `$ref` into `allOf`";
            self.notes.warn("siblings", part.at(key), message, help);
        }
        schema.clear();
        if let Some(target) = self.map.targets.get(part) {
            schema.insert("$ref".to_owned(), self.reference(part, target).into());
        }
    }

    fn exclusive(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>, (key, limit): (&str, &str)) {
        match schema.get(key) {
            Some(Value::Bool(is_exclusive)) => {
                let is_exclusive = *is_exclusive;
                if !self.is_old() {
                    let message = format!("`{key}: {is_exclusive}` is OpenAPI 3.0: since 3.1, it is the limit itself");
                    let help = "it is read as in 3.0";
                    self.notes.warn("exclusive", part.at(key), message, help);
                }
                schema.remove(key);
                if let Some(value) = schema.get(limit).cloned().filter(|_| is_exclusive) {
                    schema.remove(limit);
                    schema.insert(key.to_owned(), value);
                }
            }
            Some(Value::Number(_)) if self.is_old() => {
                let message = format!("`{key}` is `true` or `false` in OpenAPI 3.0");
                let help = "it is read as in 3.1: the limit itself";
                self.notes.warn("exclusive", part.at(key), message, help);
            }
            _ => {}
        }
    }

    /// `type` and `nullable`.
    fn types(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>) {
        match schema.get_mut("type") {
            Some(kind @ Value::Null) => {
                *kind = "null".into();
                let message = "`type: null` is written in quotes: `type: \"null\"`";
                self.notes.warn("type-null", part.at("type"), message, "");
            }
            Some(Value::Array(kinds)) => {
                if kinds.iter().any(Value::is_null) {
                    let message = "`null` in `type` is written in quotes: `\"null\"`";
                    self.notes.warn("type-null", part.at("type"), message, "");
                }
                for kind in kinds.iter_mut().filter(|kind| kind.is_null()) {
                    *kind = "null".into();
                }
                if self.version == ApiVersion::V30 {
                    let message = "`type` is one type in OpenAPI 3.0";
                    let help = "it is read as in 3.1: a list of types";
                    self.notes.warn("types", part.at("type"), message, help);
                }
            }
            _ => {}
        }
        let Some(nullable) = schema.remove("nullable") else {
            return;
        };
        let at = part.at("nullable");
        if !self.is_old() {
            let message = "`nullable` is OpenAPI 3.0: since 3.1, `null` is one of the types";
            let help = "it is read as in 3.0";
            self.notes.warn("nullable", at.clone(), message, help);
        }
        if nullable != true {
            return;
        }
        match schema.get_mut("type") {
            Some(kind @ Value::String(_)) => *kind = json!([kind.take(), "null"]),
            Some(Value::Array(kinds)) if !kinds.iter().any(|kind| kind == "null") => kinds.push("null".into()),
            None if self.map.nullable.contains(part) => {
                let message = "`nullable` without `type` has no effect in OpenAPI 3.0";
                let help = "it is read as intended: `null` is valid";
                self.notes.warn("nullable-type", at.clone(), message, help);
            }
            Some(_) | None => {}
        }
        let is_closed = |values: &Vec<Value>| !values.iter().any(Value::is_null);
        if schema.get("enum").and_then(Value::as_array).is_some_and(is_closed) {
            let message = "`nullable` does not add `null` to `enum`";
            let help = "add `null` to the list if it is valid";
            self.notes.warn("nullable-enum", at, message, help);
        }
    }

    /// Patterns that the engine does not support are not checked.
    fn patterns(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>) {
        let mut unsupported = |at: DocumentPart, pattern: &str| {
            let Some(reason) = pattern_error(pattern) else {
                return false;
            };
            let message = format!("this pattern is not checked: {reason}");
            self.notes.warn("pattern", at, message, "");
            true
        };
        if let Some(Value::String(pattern)) = schema.get("pattern")
            && unsupported(part.at("pattern"), pattern)
        {
            schema.remove("pattern");
        }
        if let Some(Value::Object(all)) = schema.get_mut("patternProperties") {
            let before = all.len();
            all.retain(|pattern, _| !unsupported(part.at("patternProperties").at(pattern), pattern));
            if all.len() < before {
                schema.remove("additionalProperties");
                schema.remove("unevaluatedProperties");
            }
        }
    }

    fn new_keywords(&mut self, part: &DocumentPart, schema: &Map<String, Value>) {
        if !self.is_old() {
            return;
        }
        if let Some(key) = NEW_KEYWORDS.into_iter().find(|key| schema.contains_key(*key)) {
            let message = format!("`{key}` is not a keyword of OpenAPI 3.0");
            self.notes
                .warn("keywords", part.at(key), message, "it is read as in 3.1");
        }
    }

    /// A reference for the validator.
    fn reference(&self, from: &DocumentPart, target: &DocumentPart) -> String {
        let mut pointer = self.raw(target);
        if let Some(choice) = self.map.choices.get(target)
            && choice.keyword.is_none()
            && !is_base(from, &choice.heirs)
        {
            pointer = format!("{pointer}/{CHOICE}");
        }
        reference(self.files.name(target.file), &pointer)
    }

    /// The pointer of a schema after rewriting.
    fn raw(&self, part: &DocumentPart) -> String {
        raw_pointer(self.map, part)
    }

    /// `oneOf` or `anyOf` with a `discriminator`: the value chooses the branch that is checked.
    fn choose_branch(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>, choice: &Choice) {
        let Some(keyword) = choice.keyword else { return };
        let Some(branches) = schema.remove(keyword) else { return };
        let count = branches.as_array().map_or(0, Vec::len);
        schema.insert(BRANCHES.to_owned(), branches);
        self.origin(part.at(BRANCHES), part.at(keyword).pointer, false);
        let plain = |index: usize| {
            let branch = part.at(keyword).at(&index.to_string());
            json!({ "$ref": reference(self.files.name(part.file), &self.raw(&branch)) })
        };
        let all: Vec<_> = (0..count).map(plain).collect();
        let mut tests = self.tests(part, choice);
        let property = &choice.property;
        let mut otherwise = json!({ keyword: all });
        if self.map.nullable.contains(part) {
            otherwise = json!({ "anyOf": [{ "type": "null" }, otherwise] });
        }
        if choice.default.is_none() {
            tests.push(json!({ "if": { "type": "object", "required": [property] }, "else": otherwise }));
        }
        let list = schema.entry("allOf").or_insert_with(|| json!([]));
        let Value::Array(list) = list else { return };
        for test in tests {
            self.origin(
                part.at("allOf").at(&list.len().to_string()),
                part.at("discriminator").pointer,
                true,
            );
            list.push(test);
        }
    }

    /// A schema with a `discriminator` that others are based on: the value chooses one of them.
    fn choose_heir(&mut self, part: &DocumentPart, schema: &mut Map<String, Value>, choice: &Choice) {
        let mut tests = vec![json!({ "$ref": reference(self.files.name(part.file), &self.raw(part)) })];
        tests.extend(self.tests(part, choice));
        schema.insert(CHOICE.to_owned(), json!({ "allOf": tests }));
        self.origin(part.at(CHOICE), part.at("discriminator").pointer, true);
    }

    /// One schema for each value, and one for all other values.
    fn tests(&self, part: &DocumentPart, choice: &Choice) -> Vec<Value> {
        let property = &choice.property;
        let to = |target: &DocumentPart| {
            let is_branch = choice
                .keyword
                .is_some_and(|key| target.pointer.starts_with(&part.at(key).pointer));
            let text = if is_branch || choice.keyword.is_none() {
                reference(self.files.name(target.file), &self.raw(target))
            } else {
                self.reference(part, target)
            };
            json!({ "$ref": text })
        };
        let mut tests = Vec::new();
        for (value, targets) in &choice.branches {
            let chosen = match targets.as_slice() {
                [one] => to(one),
                many => json!({ "anyOf": many.iter().map(to).collect::<Vec<_>>() }),
            };
            let is_value = json!({
                "type": "object", "required": [property], "properties": { property: { "const": value } }
            });
            tests.push(json!({ "if": is_value, "then": chosen }));
        }
        let known: BTreeSet<_> = choice.branches.keys().chain(&choice.own).collect();
        match &choice.default {
            None => tests.push(json!({ "properties": { property: { "enum": known } } })),
            Some(default) => {
                let is_known = json!({
                    "type": "object", "required": [property], "properties": { property: { "enum": known } }
                });
                tests.push(json!({ "if": is_known, "else": to(default) }));
            }
        }
        tests
    }
}

/// `readOnly` and `writeOnly`.
impl SchemaRewriter<'_> {
    /// A property of the other direction is an error, and is not required.
    fn direction(
        &mut self,
        part: &DocumentPart,
        schema: &mut Map<String, Value>,
        optional: &HashMap<DocumentPart, BTreeSet<String>>,
    ) {
        if let (Some(names), Some(Value::Array(required))) = (optional.get(part), schema.get_mut("required")) {
            required.retain(|name| name.as_str().is_none_or(|name| !names.contains(name)));
        }
        let Some(names) = self.hidden.get(part) else { return };
        let names: Vec<_> = names.iter().cloned().collect();
        let all = schema.entry("dependentSchemas").or_insert_with(|| json!({}));
        let Value::Object(all) = all else { return };
        for name in names {
            all.insert(name.clone(), Value::Bool(false));
            let original = part.at("properties").at(&name).at(self.direction.hidden_keyword());
            self.origin(part.at("dependentSchemas").at(&name), original.pointer, true);
        }
    }

    /// The names that no message of the direction requires, by the schema that requires them.
    fn optional(&self) -> HashMap<DocumentPart, BTreeSet<String>> {
        let mut optional = HashMap::new();
        if self.hidden.is_empty() {
            return optional;
        }
        let hidden_names: HashSet<&String> = self.hidden.values().flatten().collect();
        let mut above: HashMap<&DocumentPart, Vec<&DocumentPart>> = HashMap::new();
        let mut below: HashMap<&DocumentPart, Vec<&DocumentPart>> = HashMap::new();
        for part in &self.map.all {
            let Some(Value::Object(schema)) = self.files.value(part) else {
                continue;
            };
            let same = parts(schema).into_iter().filter(|(_, is_same)| *is_same);
            let same = same.filter_map(|(pointer, _)| self.map.all.get(&part.below(&pointer)));
            for child in same.chain(self.map.targets.get(part)) {
                above.entry(child).or_default().push(part);
                below.entry(part).or_default().push(child);
            }
        }
        for part in &self.map.all {
            let required = self.files.value(part).and_then(|value| value.get("required"));
            let names = required.and_then(Value::as_array).into_iter().flatten();
            let names: Vec<_> = names
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .filter(|name| hidden_names.contains(name))
                .collect();
            if names.is_empty() {
                continue;
            }
            let around = reached(&above, [part]);
            let together = reached(&below, around);
            let is_hidden = |name: &String| {
                let mut together = together.iter();
                together.any(|part| self.hidden.get(*part).is_some_and(|names| names.contains(name)))
            };
            let names: BTreeSet<_> = names.into_iter().filter(is_hidden).collect();
            optional.insert(part.clone(), names);
        }
        optional
    }
}

/// Everything that is reached from some parts, themselves included.
fn reached<'p>(
    edges: &HashMap<&'p DocumentPart, Vec<&'p DocumentPart>>,
    from: impl IntoIterator<Item = &'p DocumentPart>,
) -> HashSet<&'p DocumentPart> {
    let mut open: Vec<_> = from.into_iter().collect();
    let mut all = HashSet::new();
    while let Some(part) = open.pop() {
        if all.insert(part) {
            open.extend(edges.get(part).into_iter().flatten());
        }
    }
    all
}

/// The properties of the other direction, by the schema that declares them.
pub(super) fn hidden_properties(
    files: &DocumentFiles,
    map: &SchemaMap,
    direction: Direction,
) -> HashMap<DocumentPart, BTreeSet<String>> {
    let mut hidden: HashMap<DocumentPart, BTreeSet<String>> = HashMap::new();
    for part in &map.all {
        let Some(properties) = files.value(part).and_then(|value| value.get("properties")) else {
            continue;
        };
        for (name, _) in properties.as_object().into_iter().flatten() {
            if is_hidden(files, map, part.at("properties").at(name), direction) {
                hidden.entry(part.clone()).or_default().insert(name.clone());
            }
        }
    }
    hidden
}

/// Whether a property has the keyword itself, or by its references and `allOf`.
fn is_hidden(files: &DocumentFiles, map: &SchemaMap, part: DocumentPart, direction: Direction) -> bool {
    let mut open = vec![part];
    let mut seen = HashSet::new();
    while let Some(part) = open.pop() {
        let Some(value) = files.value(&part) else { continue };
        if seen.len() > 64 || !seen.insert(part.clone()) {
            continue;
        }
        let has_keyword = value
            .get(direction.hidden_keyword())
            .is_some_and(|value| *value == true);
        let is_ignored = map.is_old && map.targets.contains_key(&part);
        if has_keyword && !is_ignored && map.all.contains(&part) {
            return true;
        }
        open.extend(map.targets.get(&part).cloned());
        let count = value.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
        open.extend((0..count).map(|index| part.below(&format!("/allOf/{index}"))));
    }
    false
}

/// Whether a reference is in the `allOf` of a schema that is based on its target.
fn is_base(from: &DocumentPart, heirs: &HashSet<DocumentPart>) -> bool {
    let Some((around, _)) = from.pointer.rsplit_once("/allOf/") else {
        return false;
    };
    heirs.contains(&DocumentPart {
        file: from.file,
        pointer: around.to_owned(),
    })
}

/// The pointer of a schema after rewriting.
pub(super) fn raw_pointer(map: &SchemaMap, part: &DocumentPart) -> String {
    if map.nullable.is_empty() && map.choices.is_empty() {
        return part.pointer.clone();
    }
    let mut here = DocumentPart {
        file: part.file,
        pointer: String::new(),
    };
    let mut raw = String::new();
    for step in part.pointer.split('/').skip(1) {
        if map.nullable.contains(&here) {
            raw.push_str("/else");
        }
        let keyword = map.choices.get(&here).and_then(|choice| choice.keyword);
        raw.push('/');
        raw.push_str(if keyword == Some(step) { BRANCHES } else { step });
        here.pointer.push('/');
        here.pointer.push_str(step);
    }
    raw
}

/// The pointer at which a schema is checked as a whole: with the choice of its `discriminator`.
pub(super) fn checked_pointer(map: &SchemaMap, part: &DocumentPart) -> String {
    let raw = raw_pointer(map, part);
    match map.choices.get(part) {
        Some(choice) if choice.keyword.is_none() => format!("{raw}/{CHOICE}"),
        _ => raw,
    }
}
