//! Schemas with everything that applies together with them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{ApiDocument, DocumentPart};

/// Maximum depth of schemas that apply together.
const DEPTH: usize = 10;
/// Maximum number of schemas that are read for one that is asked for.
const SCHEMAS: usize = 2000;
/// Maximum number of alternatives.
const BRANCHES: usize = 50;
/// Keywords of a schema that are passed on from its parts; `example` and `examples` only describe the part itself.
const OWN: [&str; 6] = ["$ref", "allOf", "oneOf", "anyOf", "properties", "required"];

/// A schema with everything that applies together with it: `$ref`, `allOf`, and one branch of each `oneOf` and `anyOf`.
#[derive(Default)]
pub(crate) struct FlatSchema {
    /// The keywords of all parts; the first one counts.
    pub(crate) keywords: Map<String, Json>,
    /// The properties, by name.
    pub(crate) properties: BTreeMap<String, DocumentPart>,
    /// The names of required properties.
    pub(crate) required: Vec<String>,
    /// The schema of items.
    pub(crate) items: Option<DocumentPart>,
    /// The schema of other properties.
    pub(crate) additional: Option<DocumentPart>,
    /// The properties that choose a branch, with their values.
    pub(crate) chosen: Vec<(String, String)>,
    /// Whether there is an alternative with the number that was asked for.
    pub(crate) has_branch: bool,
}

/// Reads a schema and what applies together with it.
struct Flattener<'d, 'b> {
    document: &'d ApiDocument,
    /// The branch of `oneOf` and `anyOf`.
    branch: usize,
    budget: &'b mut usize,
}

impl ApiDocument {
    /// A schema with everything that applies together with it; of alternatives, the first.
    pub(crate) fn flat(&self, schema: &DocumentPart) -> FlatSchema {
        self.flat_branch(schema, 0, &mut SCHEMAS.clone())
    }

    /// The same with another alternative, the last if there are fewer. `budget` is the number of schemas that may be read.
    pub(crate) fn flat_branch(&self, schema: &DocumentPart, branch: usize, budget: &mut usize) -> FlatSchema {
        let mut all = FlatSchema {
            has_branch: branch == 0,
            ..FlatSchema::default()
        };
        let mut flattener = Flattener {
            document: self,
            branch,
            budget,
        };
        flattener.collect(schema, &mut all, 0);
        all
    }
}

impl FlatSchema {
    /// A keyword as text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.keywords.get(key).and_then(Json::as_str)
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.keywords.get(key).and_then(Json::as_f64)
    }

    pub(crate) fn length(&self, key: &str) -> Option<usize> {
        let length = self.keywords.get(key).and_then(Json::as_u64)?;
        usize::try_from(length).ok()
    }

    /// Whether the values are listed.
    pub(crate) fn is_closed(&self) -> bool {
        self.keywords.contains_key("enum") || self.keywords.contains_key("const")
    }

    /// Whether the value must not be in a request.
    pub(crate) fn is_hidden(&self) -> bool {
        self.keywords.get("readOnly") == Some(&Json::Bool(true))
    }

    /// Whether a keyword is given.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keywords.contains_key(key)
    }

    /// The values that are given in the schema itself: examples, and otherwise the constant, default and listed values.
    pub(crate) fn given(&self, with_examples: bool) -> Option<&Json> {
        let listed = |key: &str| {
            self.keywords
                .get(key)
                .and_then(Json::as_array)
                .and_then(|all| all.first())
        };
        let examples = || self.keywords.get("example").or_else(|| listed("examples"));
        let examples = with_examples.then(examples).flatten();
        let default = || self.keywords.get("default").filter(|value| !value.is_null());
        let listed = || {
            let all = self.keywords.get("enum")?.as_array()?;
            all.iter().find(|value| !value.is_null()).or(all.first())
        };
        let known = examples.or_else(|| self.keywords.get("const")).or_else(default);
        known.or_else(listed)
    }

    /// The type by name; without one, that which its keywords are about.
    pub(crate) fn kind(&self) -> &str {
        match self.keywords.get("type") {
            Some(Json::String(name)) => return name,
            Some(Json::Array(names)) => {
                let mut names = names.iter().filter_map(Json::as_str);
                return names.find(|name| *name != "null").unwrap_or("null");
            }
            _ => {}
        }
        if !self.properties.is_empty() || !self.required.is_empty() || self.additional.is_some() {
            "object"
        } else if self.items.is_some() {
            "array"
        } else if ["minimum", "maximum", "multipleOf"].iter().any(|key| self.has(key)) {
            "number"
        } else {
            "string"
        }
    }

    /// The limits of a number: the lowest and the highest value.
    pub(crate) fn limits(&self, step: f64) -> (Option<f64>, Option<f64>) {
        // In 3.0, the exclusive limits are booleans beside the limits.
        let limit = |key: &str, exclusive: &str, step: f64| match (self.number(key), self.keywords.get(exclusive)) {
            (Some(limit), Some(Json::Bool(true))) => Some(limit + step),
            (limit, Some(Json::Number(number))) => {
                let other = number.as_f64().map(|number| number + step);
                match (limit, other) {
                    (Some(limit), Some(other)) if step > 0.0 => Some(limit.max(other)),
                    (Some(limit), Some(other)) => Some(limit.min(other)),
                    (limit, other) => limit.or(other),
                }
            }
            (limit, _) => limit,
        };
        (
            limit("minimum", "exclusiveMinimum", step),
            limit("maximum", "exclusiveMaximum", -step),
        )
    }
}

impl Flattener<'_, '_> {
    fn collect(&mut self, part: &DocumentPart, all: &mut FlatSchema, depth: usize) {
        if depth > DEPTH || *self.budget == 0 {
            return;
        }
        *self.budget -= 1;
        let document = self.document;
        let Some(Json::Object(own)) = document.value(part) else {
            return;
        };
        for (key, value) in own {
            if !OWN.contains(&key.as_str()) && !all.keywords.contains_key(key) {
                all.keywords.insert(key.clone(), value.clone());
            }
        }
        if all.items.is_none() && own.get("items").is_some_and(Json::is_object) {
            all.items = Some(part.at("items"));
        }
        if all.additional.is_none() && own.get("additionalProperties").is_some_and(Json::is_object) {
            all.additional = Some(part.at("additionalProperties"));
        }
        for name in own
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let at = part.at("properties").at(name);
            all.properties.entry(name.clone()).or_insert(at);
        }
        let required = own.get("required").and_then(Json::as_array).into_iter().flatten();
        for name in required.filter_map(Json::as_str) {
            if !all.required.iter().any(|known| known == name) {
                all.required.push(name.to_owned());
            }
        }
        let target = document.resolved(part);
        if target != part {
            self.collect(target, all, depth + 1);
        }
        let count = |key: &str| own.get(key).and_then(Json::as_array).map_or(0, Vec::len);
        for index in 0..count("allOf") {
            self.collect(&part.at("allOf").at(&index.to_string()), all, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(branch) = self.branch(part, key, count(key), all) {
                self.choose(own, part, &branch, all);
                self.collect(&branch, all, depth + 1);
            }
        }
    }

    /// The alternative that is taken: `null` is none.
    fn branch(&self, part: &DocumentPart, key: &str, count: usize, all: &mut FlatSchema) -> Option<DocumentPart> {
        let branches = (0..count.min(BRANCHES)).map(|index| part.at(key).at(&index.to_string()));
        let is_null = |branch: &DocumentPart| {
            let kind = self.document.value(branch).and_then(|schema| schema.get("type"));
            kind.is_some_and(|kind| kind == "null")
        };
        let mut branches: Vec<_> = branches.filter(|branch| !is_null(branch)).collect();
        if branches.is_empty() {
            return None;
        }
        all.has_branch |= self.branch < branches.len();
        Some(branches.swap_remove(self.branch.min(branches.len() - 1)))
    }

    /// The value of a `discriminator` for a branch.
    fn choose(&self, own: &Map<String, Json>, part: &DocumentPart, branch: &DocumentPart, all: &mut FlatSchema) {
        let discriminator = own.get("discriminator");
        let Some(property) = discriminator
            .and_then(|one| one.get("propertyName"))
            .and_then(Json::as_str)
        else {
            return;
        };
        let reference = self.document.value(branch).and_then(|schema| schema.get("$ref"));
        let Some(reference) = reference.and_then(Json::as_str) else {
            return;
        };
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let mapping = self.document.value(&part.at("discriminator").at("mapping"));
        let mapping = mapping.and_then(Json::as_object).into_iter().flatten();
        let mut named = mapping.filter(|(_, target)| {
            target
                .as_str()
                .is_some_and(|target| target == reference || target == name)
        });
        let value = named.next().map_or(name, |(key, _)| key);
        all.chosen.push((property.to_owned(), value.to_owned()));
    }
}
