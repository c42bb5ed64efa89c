//! Finds every schema of a document, the references between them, and the branches that a `discriminator` chooses from.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::{ApiVersion, DocumentPart, files::DocumentFiles, read::DocumentReader};
use crate::schema::parts;

/// Maximum number of schemas of a document, nested ones included.
const MAX_SCHEMAS: usize = 400_000;
/// Maximum number of schemas that are searched for a property.
const MAX_SEARCHED: usize = 64;

/// The schemas of a document.
#[derive(Debug, Default)]
pub(super) struct SchemaMap {
    /// Whether everything beside a `$ref` is ignored.
    pub(super) is_old: bool,
    /// Every schema that is a mapping.
    pub(super) all: BTreeSet<DocumentPart>,
    /// The target of each schema with a `$ref`.
    pub(super) targets: HashMap<DocumentPart, DocumentPart>,
    /// Schemas that accept `null` besides what their `allOf`, `oneOf`, `anyOf` or `$ref` accepts.
    pub(super) nullable: HashSet<DocumentPart>,
    /// Schemas with a `discriminator` that can be used.
    pub(super) choices: HashMap<DocumentPart, Choice>,
}

impl SchemaMap {
    /// The outermost schemas of a file in which others have names: anchors and ids.
    pub(super) fn named(&self, files: &DocumentFiles, file: usize) -> Vec<String> {
        let has_name = |part: &&DocumentPart| {
            let value = files.value(part);
            let keys = ["$id", "$anchor", "$dynamicAnchor"];
            part.file == file && value.is_some_and(|value| keys.iter().any(|key| value.get(key).is_some()))
        };
        let named = self.all.iter().filter(has_name);
        let outermost = named.filter(|_| !self.is_old).map(|part| {
            let ends = part
                .pointer
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([part.pointer.len()]);
            let around = ends.map(|end| DocumentPart {
                file,
                pointer: part.pointer[..end].to_owned(),
            });
            around
                .into_iter()
                .find(|part| self.all.contains(part))
                .map(|part| part.pointer)
        });
        let all: BTreeSet<_> = outermost.flatten().collect();
        all.into_iter().collect()
    }
}

/// How a `discriminator` chooses.
#[derive(Debug)]
pub(super) struct Choice {
    /// The property.
    pub(super) property: String,
    /// The keyword with the branches; `None` for schemas that have this one in their `allOf`.
    pub(super) keyword: Option<&'static str>,
    /// The schemas of each value.
    pub(super) branches: BTreeMap<String, Vec<DocumentPart>>,
    /// Values that are valid and choose nothing.
    pub(super) own: BTreeSet<String>,
    /// The schema for any other value, or without one (3.2).
    pub(super) default: Option<DocumentPart>,
    /// Schemas that are based on this one.
    pub(super) heirs: HashSet<DocumentPart>,
}

/// A node of a document, seen as a schema.
struct SchemaWalk<'r, 'f> {
    reader: &'r mut DocumentReader<'f>,
    map: SchemaMap,
    open: Vec<DocumentPart>,
    /// Whether a file has schemas with `$id`, which references can be relative to.
    has_ids: HashMap<usize, bool>,
}

/// Finds the schemas that are reached from the roots.
pub(super) fn collect(reader: &mut DocumentReader<'_>) -> SchemaMap {
    let open = reader.roots.iter().cloned().collect();
    let is_old = reader.version == ApiVersion::V30;
    let mut walk = SchemaWalk {
        reader,
        map: SchemaMap {
            is_old,
            ..SchemaMap::default()
        },
        open,
        has_ids: HashMap::new(),
    };
    while let Some(part) = walk.open.pop() {
        walk.schema(part);
    }
    walk.check_cycles();
    walk.choices();
    walk.map
}

impl SchemaWalk<'_, '_> {
    fn error(&mut self, part: &DocumentPart, message: impl Into<String>, help: &str) {
        let reader = &mut *self.reader;
        reader.notes.error(reader.files, part, message, help);
    }

    fn schema(&mut self, part: DocumentPart) {
        let value = self.reader.value(&part);
        let Value::Object(entries) = value else {
            if !value.is_boolean() {
                self.error(&part, "a schema must be a mapping", "");
            }
            return;
        };
        if self.map.all.len() >= MAX_SCHEMAS || self.map.all.contains(&part) {
            return;
        }
        let is_old = self.reader.version == ApiVersion::V30;
        let is_nullable = entries.get("nullable").is_some_and(|value| *value == true);
        let reference = entries.get("$ref").and_then(Value::as_str);
        if let Some(reference) = reference {
            self.reference(&part, reference);
        }
        let is_only_reference = is_old && reference.is_some();
        if !is_only_reference {
            self.open
                .extend(parts(entries).iter().map(|(pointer, _)| part.below(pointer)));
            let has = |key: &str| entries.contains_key(key);
            let is_composed = ["allOf", "oneOf", "anyOf", "$ref"].into_iter().any(has);
            if is_nullable && !has("type") && is_composed {
                self.map.nullable.insert(part.clone());
            }
        }
        if let Some(mapping) = entries.get("discriminator").and_then(|it| it.get("mapping")) {
            for target in mapping
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(_, to)| to.as_str())
            {
                self.open.extend(self.mapped(&part, target));
            }
        }
        self.map.all.insert(part);
    }

    /// Records where a `$ref` leads. References to anchors and ids are left to the validator.
    fn reference(&mut self, part: &DocumentPart, reference: &str) {
        let base = self.base(part);
        match self.reader.files.find(part.file, &base, reference) {
            Ok(target) => {
                self.open.push(target.clone());
                self.map.targets.insert(part.clone(), target);
            }
            Err(wrong) => {
                let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
                let is_anchor = !fragment.is_empty() && !fragment.starts_with('/');
                let can_be_other = self.reader.version > ApiVersion::V30
                    && (self.has_ids(part.file) || is_anchor && has_anchor(self.reader, part.file, fragment));
                if !can_be_other {
                    let help = wrong.help.unwrap_or_default();
                    let message = format!("`$ref: {reference}`: {}", wrong.reason);
                    self.error(&part.at("$ref"), message, &help);
                }
            }
        }
    }

    fn has_ids(&mut self, file: usize) -> bool {
        let reader = &*self.reader;
        let search = || {
            let root = DocumentPart {
                file,
                pointer: String::new(),
            };
            contains(reader.value(&root), &|entries| {
                entries.get("$id").is_some_and(Value::is_string)
            })
        };
        *self.has_ids.entry(file).or_insert_with(search)
    }

    /// The pointer of the nearest schema with an `$id` around a part.
    fn base(&mut self, part: &DocumentPart) -> String {
        if self.reader.version == ApiVersion::V30 || !self.has_ids(part.file) {
            return String::new();
        }
        let mut pointer = part.pointer.as_str();
        loop {
            let here = DocumentPart {
                file: part.file,
                pointer: pointer.to_owned(),
            };
            if self.reader.value(&here).get("$id").is_some_and(Value::is_string) {
                return here.pointer;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return String::new(),
            }
        }
    }

    /// The schema that a value of `mapping` names: a schema of the document by its name, or a reference.
    fn mapped(&self, part: &DocumentPart, target: &str) -> Option<DocumentPart> {
        let named = DocumentPart::default().at("components").at("schemas").at(target);
        if self.reader.files.value(&named).is_some() {
            return Some(named);
        }
        self.reader.files.find(part.file, "", target).ok()
    }

    /// References that lead back to themselves for the same value.
    fn check_cycles(&mut self) {
        let mut starts: Vec<_> = self.map.targets.keys().cloned().collect();
        starts.sort_unstable();
        let mut done: HashSet<DocumentPart> = HashSet::new();
        for start in starts {
            let mut path = vec![start.clone()];
            let mut here = &start;
            while let Some(next) = self.map.targets.get(here).filter(|next| !done.contains(*next)) {
                if path.contains(next) {
                    let message = "this `$ref` leads back to itself";
                    let help = "a schema can only contain itself in a part of the value, such as a property";
                    self.reader
                        .notes
                        .error(self.reader.files, &here.at("$ref"), message, help);
                    break;
                }
                path.push(next.clone());
                here = next;
            }
            done.extend(path);
        }
    }

    /// The end of a chain of references.
    fn resolved<'m>(&'m self, part: &'m DocumentPart) -> &'m DocumentPart {
        let mut here = part;
        for _ in 0..MAX_SEARCHED {
            match self.map.targets.get(here) {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }

    /// Finds what each `discriminator` chooses from.
    fn choices(&mut self) {
        let heirs = self.heirs();
        let mut choices = HashMap::new();
        for part in &self.map.all {
            let value = self.reader.value(part);
            let Some(property) = value.get("discriminator").and_then(|it| it.get("propertyName")) else {
                continue;
            };
            let Some(property) = property.as_str() else { continue };
            let keyword = ["oneOf", "anyOf"]
                .into_iter()
                .find(|key| value.get(key).is_some_and(Value::is_array));
            let choice = match keyword {
                Some(keyword) => self.branches(part, property, keyword),
                None => heirs.get(part).map(|heirs| self.inherited(part, property, heirs)),
            };
            choices.extend(choice.map(|choice| (part.clone(), choice)));
        }
        self.map.choices = choices;
    }

    /// Every schema with the schemas that have it in their `allOf`, directly or not.
    fn heirs(&self) -> HashMap<DocumentPart, HashSet<DocumentPart>> {
        let mut direct: HashMap<&DocumentPart, Vec<&DocumentPart>> = HashMap::new();
        for part in &self.map.all {
            let count = self.reader.value(part).get("allOf").and_then(Value::as_array);
            for index in 0..count.map_or(0, Vec::len) {
                if let Some(target) = self.map.targets.get(&part.below(&format!("/allOf/{index}"))) {
                    direct.entry(target).or_default().push(part);
                }
            }
        }
        let mut all = HashMap::new();
        for part in direct.keys() {
            if self.reader.value(part).get("discriminator").is_none() {
                continue;
            }
            let mut found = HashSet::new();
            let mut open = vec![*part];
            while let Some(next) = open.pop() {
                for heir in direct.get(next).into_iter().flatten() {
                    if found.insert((*heir).clone()) {
                        open.push(heir);
                    }
                }
            }
            all.insert((*part).clone(), found);
        }
        all
    }

    /// The explicit mapping of a `discriminator`.
    fn mapping(&self, part: &DocumentPart) -> BTreeMap<String, DocumentPart> {
        let mapping = self.reader.value(part).pointer("/discriminator/mapping");
        let entries = mapping.and_then(Value::as_object).into_iter().flatten();
        let entries = entries.filter_map(|(value, target)| {
            let target = self.mapped(part, target.as_str()?)?;
            Some((value.clone(), self.resolved(&target).clone()))
        });
        entries.collect()
    }

    fn default_of(&self, part: &DocumentPart) -> Option<DocumentPart> {
        let target = self.reader.value(part).pointer("/discriminator/defaultMapping")?;
        self.mapped(part, target.as_str()?)
    }

    /// The branches of `oneOf` or `anyOf` by value. `None` if a branch has no value.
    fn branches(&self, part: &DocumentPart, property: &str, keyword: &'static str) -> Option<Choice> {
        let mapping = self.mapping(part);
        let mut branches: BTreeMap<String, Vec<DocumentPart>> = BTreeMap::new();
        let count = self.reader.value(part).get(keyword)?.as_array()?.len();
        for index in 0..count {
            let branch = part.at(keyword).at(&index.to_string());
            let target = self.resolved(&branch);
            let mut values: BTreeSet<_> = self.property_values(target, property);
            if self.map.targets.contains_key(&branch) {
                values.insert(target.name());
            }
            values.retain(|value| mapping.get(value).is_none_or(|mapped| mapped == target));
            let mapped = mapping.iter().filter(|(_, mapped)| *mapped == target);
            values.extend(mapped.map(|(value, _)| value.clone()));
            if values.is_empty() && self.can_be_object(target) {
                return None;
            }
            for value in values {
                branches.entry(value).or_default().push(branch.clone());
            }
        }
        // A mapping can also lead to a schema that is not a branch itself.
        for (value, target) in mapping {
            branches.entry(value).or_insert_with(|| vec![target]);
        }
        Some(Choice {
            property: property.to_owned(),
            keyword: Some(keyword),
            branches,
            own: BTreeSet::new(),
            default: self.default_of(part),
            heirs: HashSet::new(),
        })
    }

    /// The schemas that are based on this one, by value.
    fn inherited(&self, part: &DocumentPart, property: &str, heirs: &HashSet<DocumentPart>) -> Choice {
        let mapping = self.mapping(part);
        let mut branches: BTreeMap<String, Vec<DocumentPart>> = BTreeMap::new();
        for (value, target) in &mapping {
            if target != part {
                branches.insert(value.clone(), vec![target.clone()]);
            }
        }
        let mut own = self.property_values(part, property);
        own.extend(
            mapping
                .iter()
                .filter(|(_, target)| *target == part)
                .map(|(value, _)| value.clone()),
        );
        own.insert(part.name());
        let mut sorted: Vec<_> = heirs.iter().collect();
        sorted.sort_unstable();
        for heir in sorted {
            let mut values = self.own_values(heir, property);
            values.insert(heir.name());
            for value in values.into_iter().filter(|value| !mapping.contains_key(value)) {
                branches.entry(value).or_default().push(heir.clone());
            }
        }
        Choice {
            property: property.to_owned(),
            keyword: None,
            branches,
            own,
            default: self.default_of(part),
            heirs: heirs.clone(),
        }
    }

    /// The values of a property that an heir declares besides its base.
    fn own_values(&self, heir: &DocumentPart, property: &str) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        let count = self.reader.value(heir).get("allOf").and_then(Value::as_array);
        let inline = (0..count.map_or(0, Vec::len)).map(|index| heir.below(&format!("/allOf/{index}")));
        let inline = inline.filter(|part| !self.map.targets.contains_key(part));
        for part in inline.chain([heir.clone()]) {
            let declared = part.at("properties").at(property);
            closed_values(self.reader.value(self.resolved(&declared)), &mut values);
        }
        values
    }

    /// The texts that a property can have, by `const` and `enum`.
    fn property_values(&self, part: &DocumentPart, property: &str) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        let mut open = vec![part.clone()];
        let mut seen = HashSet::new();
        while let Some(part) = open.pop() {
            if seen.len() > MAX_SEARCHED || !seen.insert(part.clone()) {
                continue;
            }
            let value = self.reader.value(&part);
            let declared = part.at("properties").at(property);
            closed_values(self.reader.value(self.resolved(&declared)), &mut values);
            open.extend(self.map.targets.get(&part).cloned());
            let count = value.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
            open.extend((0..count).map(|index| part.below(&format!("/allOf/{index}"))));
        }
        values
    }

    fn can_be_object(&self, part: &DocumentPart) -> bool {
        match self.reader.value(part).get("type") {
            Some(Value::String(name)) => name == "object",
            Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
            Some(Value::Null) => false,
            _ => true,
        }
    }
}

/// Adds the texts of `const` and `enum`.
fn closed_values(schema: &Value, values: &mut BTreeSet<String>) {
    let list = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let texts = list.chain(schema.get("const")).filter_map(Value::as_str);
    values.extend(texts.map(str::to_owned));
}

/// Whether a file has an anchor of this name.
fn has_anchor(reader: &DocumentReader<'_>, file: usize, name: &str) -> bool {
    let root = DocumentPart {
        file,
        pointer: String::new(),
    };
    contains(reader.value(&root), &|entries| {
        let anchors = ["$anchor", "$dynamicAnchor"].into_iter();
        anchors.filter_map(|key| entries.get(key)).any(|known| known == name)
    })
}

/// Whether any mapping in a value passes a test.
fn contains(value: &Value, test: &impl Fn(&serde_json::Map<String, Value>) -> bool) -> bool {
    match value {
        Value::Object(entries) => test(entries) || entries.values().any(|value| contains(value, test)),
        Value::Array(items) => items.iter().any(|item| contains(item, test)),
        _ => false,
    }
}
