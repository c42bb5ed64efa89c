//! Analyzes all schemas of the folder, the references between them, and their errors.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    BASE,
    document::{DocumentKind, Problem, SchemaDocument, is_like_schema},
    draft::{self, Draft, KeywordEffect, Shape},
    resolve,
};

/// Maximum number of schemas, nested ones included, in all files together.
const MAX_SCHEMAS: usize = 400_000;
/// Maximum number of keywords that lead from one schema to the next for the same value, references included.
const MAX_CHAIN: usize = 48;
/// Maximum number of schemas that apply to one value, counted as often as they apply.
const MAX_EXPANDED: u64 = 100_000;
/// Maximum number of violations of a meta-schema that are reported for one schema.
const MAX_VIOLATIONS: usize = 10;

/// The location of a schema in a document.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) document: usize,
    pub(super) pointer: String,
    pub(super) resource: usize,
    /// The schema in which it was found: a whole file, or one schema of an API description.
    pub(super) root: usize,
    /// Its subschemas, and whether they apply to the same value.
    children: Vec<(usize, bool)>,
    pub(super) references: Vec<SchemaReference>,
}

/// A `$ref`, `$dynamicRef` or `$recursiveRef`.
#[derive(Debug)]
pub(super) struct SchemaReference {
    pub(super) keyword: &'static str,
    pub(super) text: String,
    /// The schema that it leads to; `None` for a meta-schema, or if there is none.
    pub(super) target: Option<usize>,
    /// The dynamic anchor that it names.
    pub(super) dynamic: Option<String>,
}

/// A schema with a URI of its own: a file, or a schema with `$id` in one.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) document: usize,
    pub(super) pointer: String,
    /// The base URI of relative references in it.
    pub(super) base: String,
    /// The URI by which the validator knows it, and the pointer of the schema with that URI.
    pub(super) uri: String,
    pub(super) uri_pointer: String,
}

/// All schemas analyzed so far; schemas of API descriptions are added when they are referenced.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub(super) spots: Vec<Spot>,
    pub(super) index: HashMap<(usize, String), usize>,
    pub(super) resources: Vec<Resource>,
    /// Resources by their `$id`.
    pub(super) ids: HashMap<String, Vec<usize>>,
    /// Anchors by resource and name: the pointer, and whether it is dynamic.
    pub(super) anchors: HashMap<(usize, String), (String, bool)>,
    /// Schemas by their dynamic anchor; those with `$recursiveAnchor` under the empty name.
    dynamic: HashMap<String, Vec<usize>>,
    pub(super) problems: Vec<Problem>,
    /// The roots of the schemas that cases use.
    pub(super) used: BTreeSet<usize>,
    /// The first schema whose references are not resolved yet.
    resolved: usize,
}

/// The message of an error or warning.
struct SchemaMessage {
    text: String,
    help: Option<String>,
}

impl SchemaMessage {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            help: None,
        }
    }

    fn help(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            help: Some(help.into()),
        }
    }
}

impl Analysis {
    /// Analyzes every file that is a schema.
    pub(super) fn new(documents: &[SchemaDocument]) -> Self {
        let mut analysis = Self::default();
        for (index, document) in documents.iter().enumerate() {
            let uri = resolve::file_uri(&document.name);
            analysis.resources.push(Resource {
                document: index,
                pointer: String::new(),
                base: uri.clone(),
                uri,
                uri_pointer: String::new(),
            });
        }
        for (index, document) in documents.iter().enumerate() {
            match document.kind {
                DocumentKind::Schema => drop(analysis.add_root(documents, index, "")),
                DocumentKind::Other if !document.value.is_object() => {
                    let found = match document.value {
                        Value::Array(_) => "a list",
                        _ => "a single value",
                    };
                    let text = format!("a schema is an object, `true` or `false`; this is {found}");
                    analysis.problem(index, usize::MAX, "", false, true, SchemaMessage::new(text));
                }
                _ => {}
            }
        }
        analysis.settle(documents);
        analysis
    }

    /// Resolves new references, and detects cycles.
    pub(super) fn settle(&mut self, documents: &[SchemaDocument]) {
        let before = self.resolved;
        while self.resolved < self.spots.len() {
            let spot = self.resolved;
            self.resolved += 1;
            for at in 0..self.spots[spot].references.len() {
                self.resolve(documents, spot, at);
            }
        }
        if before < self.spots.len() {
            self.check_cycles(documents);
        }
    }

    fn resolve(&mut self, documents: &[SchemaDocument], spot: usize, at: usize) {
        let Spot {
            document,
            resource,
            root,
            ..
        } = self.spots[spot];
        let text = self.spots[spot].references[at].text.clone();
        match self.find(documents, resource, &text) {
            Ok(Some((target, dynamic))) => {
                let reference = &mut self.spots[spot].references[at];
                reference.target = Some(target);
                reference.dynamic = match reference.keyword {
                    "$dynamicRef" => dynamic,
                    "$recursiveRef" => Some(String::new()),
                    _ => None,
                };
            }
            Ok(None) => {}
            Err(wrong) => {
                let keyword = self.spots[spot].references[at].keyword;
                let pointer = format!("{}/{keyword}", self.spots[spot].pointer);
                let message = SchemaMessage {
                    text: format!("`{keyword}: {}`: {}", shorten(&text, 120), wrong.reason),
                    help: wrong.help,
                };
                self.problem(document, root, &pointer, false, true, message);
            }
        }
    }

    /// Adds the schema at a pointer and all in it.
    pub(super) fn add_root(&mut self, documents: &[SchemaDocument], document: usize, pointer: &str) -> Option<usize> {
        let value = documents[document].value.pointer(pointer)?;
        let root = self.spots.len();
        let mut pointer = pointer.to_owned();
        let walk = SchemaPosition {
            document: &documents[document],
            index: document,
            root,
        };
        let spot = self.walk(&walk, value, &mut pointer, document);
        self.check_meta_schema(&walk, value, &pointer);
        spot
    }

    fn problem(
        &mut self,
        document: usize,
        root: usize,
        pointer: &str,
        of_key: bool,
        is_error: bool,
        message: SchemaMessage,
    ) {
        let problem = Problem {
            document,
            root,
            pointer: pointer.to_owned(),
            of_key,
            is_error,
            message: message.text,
            help: message.help,
        };
        if self.problems.len() < 1000 && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn walk(
        &mut self,
        walk: &SchemaPosition<'_>,
        value: &Value,
        pointer: &mut String,
        resource: usize,
    ) -> Option<usize> {
        if !matches!(value, Value::Object(_) | Value::Bool(_)) {
            return None;
        }
        if let Some(known) = self.index.get(&(walk.index, pointer.clone())) {
            return Some(*known);
        }
        let spot = self.spots.len();
        if spot >= MAX_SCHEMAS {
            let text = format!("more than {MAX_SCHEMAS} schemas in the schema folder");
            self.problem(walk.index, walk.root, "", false, true, SchemaMessage::new(text));
            return None;
        }
        self.index.insert((walk.index, pointer.clone()), spot);
        self.spots.push(Spot {
            document: walk.index,
            pointer: pointer.clone(),
            resource,
            root: walk.root,
            children: Vec::new(),
            references: Vec::new(),
        });
        let Value::Object(entries) = value else {
            return Some(spot);
        };
        let draft = walk.document.draft;
        let resource = self.identify(walk, entries, pointer, resource);
        self.spots[spot].resource = resource;
        let dynamic = dynamic_anchor(draft, entries);
        if let Some(name) = dynamic {
            self.dynamic.entry(name.to_owned()).or_default().push(spot);
        }
        let is_only_reference = draft <= Draft::V7 && entries.get("$ref").is_some_and(Value::is_string);
        for (key, value) in entries {
            let before = pointer.len();
            pointer.push('/');
            pointer.push_str(&resolve::escape(key));
            let Some(keyword) = draft.keyword(key) else {
                self.unknown_keyword(walk, key, pointer);
                pointer.truncate(before);
                continue;
            };
            if is_only_reference && key != "$ref" && keyword.effect != KeywordEffect::None {
                let text = format!(
                    "{} ignores keywords next to `$ref`: `{key}` checks nothing",
                    walk.document.dialect_name()
                );
                self.warn(
                    walk,
                    pointer,
                    SchemaMessage::help(text, "put the reference and the rest into `allOf`"),
                );
            }
            if let Some(message) = pointless(key, entries) {
                self.warn(walk, pointer, message);
            }
            self.check_keyword(walk, spot, (keyword.name, key, value), pointer);
            let is_same = keyword.effect == KeywordEffect::Same && !is_only_reference;
            self.walk_children(walk, spot, (keyword.shape, is_same, value), pointer);
            pointer.truncate(before);
        }
        Some(spot)
    }

    /// Checks the value of a keyword, and notes its reference.
    fn check_keyword(
        &mut self,
        walk: &SchemaPosition<'_>,
        spot: usize,
        (keyword, key, value): (&'static str, &str, &Value),
        pointer: &str,
    ) {
        match (key, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(text)) => {
                self.spots[spot].references.push(SchemaReference {
                    keyword,
                    text: text.clone(),
                    target: None,
                    dynamic: None,
                });
            }
            ("$ref", _) => self.problem(
                walk.index,
                walk.root,
                pointer,
                false,
                true,
                SchemaMessage::new("`$ref` must be a string"),
            ),
            ("format", Value::String(format)) => self.check_format(walk, format, pointer),
            ("pattern", Value::String(pattern)) => self.check_pattern(walk, pattern, pointer, false),
            ("patternProperties", Value::Object(patterns)) => {
                for pattern in patterns.keys() {
                    let at = format!("{pointer}/{}", resolve::escape(pattern));
                    self.check_pattern(walk, pattern, &at, true);
                }
            }
            ("$schema", Value::String(uri)) => self.check_draft(walk, uri, pointer),
            _ => {}
        }
    }

    /// Walks the schemas in the value of a keyword. `is_same` says whether they apply to the same value as the schema.
    fn walk_children(
        &mut self,
        walk: &SchemaPosition<'_>,
        spot: usize,
        (shape, is_same, value): (Shape, bool, &Value),
        pointer: &mut String,
    ) {
        let resource = self.spots[spot].resource;
        let child = |analysis: &mut Self, step: Option<&str>, value: &Value, pointer: &mut String| {
            let before = pointer.len();
            if let Some(step) = step {
                pointer.push('/');
                pointer.push_str(&resolve::escape(step));
            }
            if let Some(child) = analysis.walk(walk, value, pointer, resource) {
                analysis.spots[spot].children.push((child, is_same));
            }
            pointer.truncate(before);
        };
        match (shape, value) {
            (Shape::Map, Value::Object(all)) => {
                for (name, value) in all {
                    child(self, Some(name), value, pointer);
                }
            }
            (Shape::List | Shape::SchemaOrList, Value::Array(all)) => {
                for (at, value) in all.iter().enumerate() {
                    child(self, Some(&at.to_string()), value, pointer);
                }
            }
            (Shape::Schema | Shape::SchemaOrList, value) => child(self, None, value, pointer),
            // A list or map that is neither is rejected by the meta-schema.
            (Shape::Value | Shape::List | Shape::Map, _) => {}
        }
    }

    /// Records the names that a schema defines; returns the resource of its parts.
    fn identify(
        &mut self,
        walk: &SchemaPosition<'_>,
        entries: &Map<String, Value>,
        pointer: &str,
        resource: usize,
    ) -> usize {
        let draft = walk.document.draft;
        for (keyword, is_dynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
            if let (Some(Value::String(name)), Some(_)) = (entries.get(keyword), draft.keyword(keyword)) {
                // The anchors of a schema with an `$id` are its own: see below.
                let owner = self.resource_of(walk, entries, pointer, resource);
                self.add_anchor(walk, owner, name, pointer, is_dynamic);
            }
        }
        let is_root = pointer.is_empty();
        let id = entries.get(draft.id_keyword()).and_then(Value::as_str);
        let Some(id) = id.filter(|_| draft > Draft::V7 || !entries.contains_key("$ref")) else {
            return resource;
        };
        if let Some(name) = id
            .strip_prefix('#')
            .filter(|name| draft <= Draft::V7 && !name.is_empty())
        {
            self.add_anchor(walk, resource, name, pointer, false);
            return resource;
        }
        let id = id.split('#').next().unwrap_or_default();
        if id.is_empty() {
            return resource;
        }
        let Some(base) = resolve::against(&self.resources[resource].base, id) else {
            let at = format!("{pointer}/{}", draft.id_keyword());
            let text = format!("`{}` is not a URI reference: it is ignored", shorten(id, 120));
            self.warn(walk, &at, SchemaMessage::new(text));
            return resource;
        };
        let named = if is_root {
            self.resources[resource].base.clone_from(&base);
            resource
        } else {
            self.resource_of(walk, entries, pointer, resource)
        };
        self.resources[named].base.clone_from(&base);
        let known = self.ids.entry(base).or_default();
        if !known.contains(&named) {
            known.push(named);
        }
        named
    }

    /// The resource of a schema: its own if it has an `$id`, or else the one around it.
    fn resource_of(
        &mut self,
        walk: &SchemaPosition<'_>,
        entries: &Map<String, Value>,
        pointer: &str,
        resource: usize,
    ) -> usize {
        let draft = walk.document.draft;
        let id = entries.get(draft.id_keyword()).and_then(Value::as_str);
        if pointer.is_empty() || id.is_none_or(|id| id.starts_with('#') || id.is_empty()) {
            return resource;
        }
        let same = |known: &Resource| known.document == walk.index && known.pointer == pointer;
        if let Some(known) = self.resources.iter().rposition(same).filter(|known| *known >= resource) {
            return known;
        }
        let around = &self.resources[resource];
        let (uri, uri_pointer) = if draft > Draft::V7 {
            let uri = format!("{}/~/{}", resolve::file_uri(&walk.document.name), self.resources.len());
            (uri, pointer.to_owned())
        } else {
            (around.uri.clone(), around.uri_pointer.clone())
        };
        let base = around.base.clone();
        self.resources.push(Resource {
            document: walk.index,
            pointer: pointer.to_owned(),
            base,
            uri,
            uri_pointer,
        });
        self.resources.len() - 1
    }

    fn add_anchor(&mut self, walk: &SchemaPosition<'_>, resource: usize, name: &str, pointer: &str, is_dynamic: bool) {
        let known = self
            .anchors
            .insert((resource, name.to_owned()), (pointer.to_owned(), is_dynamic));
        if known.is_some_and(|(known, _)| known != pointer) {
            let text = format!("two anchors `{}` in one schema", shorten(name, 60));
            self.problem(walk.index, walk.root, pointer, false, true, SchemaMessage::new(text));
        }
    }

    fn warn(&mut self, walk: &SchemaPosition<'_>, pointer: &str, message: SchemaMessage) {
        self.problem(walk.index, walk.root, pointer, true, false, message);
    }

    fn unknown_keyword(&mut self, walk: &SchemaPosition<'_>, key: &str, pointer: &str) {
        let is_described = walk.document.kind == DocumentKind::Described;
        if key.starts_with("x-") || is_described && draft::OPENAPI_KEYWORDS.contains(&key) {
            return;
        }
        let (draft, dialect) = (walk.document.draft, walk.document.dialect_name());
        let shown = shorten(key, 60);
        if draft::OPENAPI_KEYWORDS.contains(&key) {
            if walk.document.api().is_some_and(|api| api.has(key)) {
                return;
            }
            let text = format!("`{key}` is a keyword of OpenAPI: in {dialect} it checks nothing");
            let message = match key {
                "nullable" => SchemaMessage::help(text, "write `\"type\": [..., \"null\"]`"),
                "example" => SchemaMessage::help(text, "write `\"examples\": [...]`"),
                _ => SchemaMessage::new(text),
            };
            return self.warn(walk, pointer, message);
        }
        let text = format!("unknown keyword `{shown}`: {dialect} does not define it, so it checks nothing");
        let message = if let Some(other) = draft::keyword(key) {
            let help = match key {
                "$id" => "write `id`".to_owned(),
                "id" => "write `$id`".to_owned(),
                "additionalItems" => "write `items` beside `prefixItems`".to_owned(),
                "$recursiveRef" => "write `$dynamicRef`".to_owned(),
                _ => format!(
                    "`{key}` is a keyword of {}: write `\"$schema\": \"{}\"` if that is meant",
                    other.first.name(),
                    other.first.max(Draft::V7).min(other.last).uri()
                ),
            };
            SchemaMessage::help(text, help)
        } else if let Some(meant) = draft::similar_keyword(key, draft) {
            SchemaMessage::help(text, format!("did you mean `{meant}`?"))
        } else {
            return self.warn(walk, pointer, SchemaMessage::new(text));
        };
        // People who test an API cannot always correct its description.
        self.problem(walk.index, walk.root, pointer, true, !is_described, message);
    }

    fn check_format(&mut self, walk: &SchemaPosition<'_>, format: &str, pointer: &str) {
        let is_openapi = draft::OPENAPI_FORMATS.contains(&format);
        let is_described = walk.document.kind == DocumentKind::Described;
        let is_api = walk.document.api().is_some() || is_described;
        if draft::FORMATS.contains(&format) || format.starts_with("x-") || is_openapi && is_api {
            return;
        }
        let shown = shorten(format, 60);
        let (is_error, message) = if is_openapi {
            let text = format!("`{format}` is a format of OpenAPI: in JSON Schema it checks nothing");
            (false, SchemaMessage::new(text))
        } else {
            let text = format!("unknown format `{shown}`: it checks nothing");
            match draft::similar_format(format) {
                Some(meant) => (
                    !is_described,
                    SchemaMessage::help(text, format!("did you mean `{meant}`?")),
                ),
                None => (false, SchemaMessage::new(text)),
            }
        };
        self.problem(walk.index, walk.root, pointer, false, is_error, message);
    }

    fn check_pattern(&mut self, walk: &SchemaPosition<'_>, pattern: &str, pointer: &str, of_key: bool) {
        if let Err(reason) = super::pattern::check(pattern) {
            self.problem(walk.index, walk.root, pointer, of_key, true, SchemaMessage::new(reason));
        }
    }

    fn check_draft(&mut self, walk: &SchemaPosition<'_>, uri: &str, pointer: &str) {
        let shown = shorten(uri, 120);
        let message = match Draft::of_uri(uri) {
            None => {
                let all: Vec<_> = Draft::ALL.iter().map(|(_, _, uri)| format!("`{uri}`")).collect();
                SchemaMessage::help(
                    format!("`{shown}` is not a supported draft of JSON Schema"),
                    format!("supported: {}", all.join(", ")),
                )
            }
            Some(draft) if draft != walk.document.draft => SchemaMessage::help(
                format!(
                    "a schema of {} in a file of {} is not supported",
                    draft.name(),
                    walk.document.draft.name()
                ),
                "put it into a file of its own",
            ),
            Some(_) => return,
        };
        self.problem(walk.index, walk.root, pointer, false, true, message);
    }

    fn check_meta_schema(&mut self, walk: &SchemaPosition<'_>, value: &Value, pointer: &str) {
        let meta = walk.document.draft.meta();
        for error in meta.iter_errors(value).take(MAX_VIOLATIONS) {
            let at = error.instance_path().as_str();
            let keyword = at.rsplit('/').next().unwrap_or_default();
            let message = match &**error.instance() {
                Value::String(name) if keyword == "type" => {
                    let types = crate::json::JsonType::NAMES.map(|(name, _)| name);
                    let help = match crate::source::nearest(name, types) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("the types are {}", types.join(", ")),
                    };
                    SchemaMessage::help(format!("`{}` is not a type", shorten(name, 60)), help)
                }
                Value::Array(_) if keyword == "items" && walk.document.draft == Draft::V2020 => SchemaMessage::help(
                    "`items` is one schema in 2020-12",
                    "write `prefixItems` for a list of schemas",
                ),
                Value::Bool(_) if keyword.starts_with("exclusive") => SchemaMessage::help(
                    format!("`{keyword}` is a number in {}", walk.document.draft.name()),
                    "`true` is for draft-04; write the limit itself",
                ),
                _ => SchemaMessage::new(format!(
                    "not a valid schema: {}",
                    shorten(&error.to_string().replace('\n', " "), 200)
                )),
            };
            self.problem(walk.index, walk.root, &format!("{pointer}{at}"), false, true, message);
        }
    }

    /// The schemas that apply to the same value as this one.
    fn same(&self, spot: usize) -> impl Iterator<Item = usize> + '_ {
        let spot = &self.spots[spot];
        let children = spot.children.iter().filter(|(_, is_same)| *is_same);
        let targets = spot.references.iter().filter_map(|reference| reference.target);
        let names = spot
            .references
            .iter()
            .filter_map(|reference| reference.dynamic.as_ref());
        let dynamic = names.filter_map(|name| self.dynamic.get(name)).flatten();
        children.map(|(child, _)| *child).chain(targets).chain(dynamic.copied())
    }

    /// All parts of a schema, with references followed.
    pub(super) fn closure(&self, spot: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        let mut open = vec![spot];
        while let Some(spot) = open.pop() {
            if all.insert(spot) {
                let here = &self.spots[spot];
                open.extend(here.children.iter().map(|(child, _)| *child));
                open.extend(here.references.iter().filter_map(|reference| reference.target));
            }
        }
        all
    }

    /// A schema that leads back to itself for the same value can never be evaluated; a chain or product of references
    /// that is too long would take too much time or memory.
    fn check_cycles(&mut self, documents: &[SchemaDocument]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            Open,
            Done,
        }
        let count = self.spots.len();
        let mut seen = vec![Seen::No; count];
        let mut depth = vec![0_usize; count];
        let mut expanded = vec![1_u64; count];
        let mut found = Vec::new();
        for start in 0..count {
            if seen[start] != Seen::No {
                continue;
            }
            let mut path: Vec<(usize, Vec<usize>)> = vec![(start, self.same(start).collect())];
            seen[start] = Seen::Open;
            while let Some((spot, rest)) = path.last_mut() {
                let spot = *spot;
                if let Some(next) = rest.pop() {
                    match seen[next] {
                        Seen::Open => {
                            let from = path.iter().position(|(known, _)| *known == next).unwrap_or_default();
                            found.push(path[from..].iter().map(|(spot, _)| *spot).collect::<Vec<_>>());
                        }
                        Seen::No => {
                            seen[next] = Seen::Open;
                            path.push((next, self.same(next).collect()));
                        }
                        Seen::Done => {}
                    }
                } else {
                    seen[spot] = Seen::Done;
                    for next in self
                        .same(spot)
                        .filter(|next| seen[*next] == Seen::Done && *next != spot)
                    {
                        depth[spot] = depth[spot].max(depth[next] + 1);
                        expanded[spot] = expanded[spot].saturating_add(expanded[next]);
                    }
                    path.pop();
                }
            }
        }
        for cycle in found {
            self.report_cycle(documents, &cycle);
        }
        for spot in 0..count {
            let text = if depth[spot] == MAX_CHAIN + 1 {
                format!(
                    "more than {MAX_CHAIN} keywords and references lead from this schema to the next one for the same value"
                )
            } else if expanded[spot] > MAX_EXPANDED && self.same(spot).all(|next| expanded[next] <= MAX_EXPANDED) {
                format!("more than {MAX_EXPANDED} schemas apply to one value here")
            } else {
                continue;
            };
            let Spot { document, root, .. } = self.spots[spot];
            let pointer = self.spots[spot].pointer.clone();
            self.problem(document, root, &pointer, false, true, SchemaMessage::new(text));
        }
    }

    fn report_cycle(&mut self, documents: &[SchemaDocument], cycle: &[usize]) {
        let name = |spot: &usize| {
            let spot = &self.spots[*spot];
            format!("{}#{}", documents[spot.document].name, spot.pointer)
        };
        let is_reference = |at: &usize| {
            let next = cycle[(at + 1) % cycle.len()];
            self.spots[cycle[*at]]
                .references
                .iter()
                .any(|reference| reference.target == Some(next))
        };
        let at = (0..cycle.len()).rev().find(is_reference).unwrap_or_default();
        let next = cycle[(at + 1) % cycle.len()];
        let spot = &self.spots[cycle[at]];
        let reference = spot.references.iter().find(|reference| reference.target == Some(next));
        let keyword = reference.map_or("$ref", |reference| reference.keyword);
        let mut names: Vec<_> = cycle
            .iter()
            .cycle()
            .skip(at + 1)
            .take(cycle.len().min(5))
            .map(name)
            .collect();
        if cycle.len() > 5 {
            names.push("...".to_owned());
        }
        names.push(name(&next));
        let (document, root, pointer) = (spot.document, spot.root, format!("{}/{keyword}", spot.pointer));
        let message = SchemaMessage::help(
            format!(
                "`{keyword}` leads back to itself for the same value: {}",
                names.join(" -> ")
            ),
            "a schema can only contain itself in a part of the value, such as a property or an item",
        );
        self.problem(document, root, &pointer, false, true, message);
    }
}

struct SchemaPosition<'d> {
    document: &'d SchemaDocument,
    index: usize,
    root: usize,
}

/// A keyword that has no effect without another keyword.
fn pointless(key: &str, entries: &Map<String, Value>) -> Option<SchemaMessage> {
    let (needed, is_there) = match key {
        "then" | "else" => ("`if`", entries.contains_key("if")),
        "minContains" | "maxContains" => ("`contains`", entries.contains_key("contains")),
        "additionalItems" => ("a list in `items`", entries.get("items").is_some_and(Value::is_array)),
        _ => return None,
    };
    (!is_there).then(|| SchemaMessage::new(format!("`{key}` checks nothing without {needed}")))
}

/// The first `max` characters of a text.
pub(super) fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The location in the original file for a URI of the validator: `error.schema.json#/$defs/Error/required`.
pub(super) fn original(resources: &[(String, String)], uri: &str) -> Option<(String, String)> {
    let (start, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let fragment = resolve::decode(fragment).unwrap_or_else(|| fragment.to_owned());
    if let Some((_, location)) = resources.iter().find(|(known, _)| known == start) {
        let (name, pointer) = location.split_once('#')?;
        return Some((name.to_owned(), format!("{pointer}{fragment}")));
    }
    let name = resolve::decode(start.strip_prefix(BASE)?)?;
    Some((name, fragment))
}

/// Whether a pointer can be a schema that the file's own keywords do not lead to.
pub(super) fn can_be_schema(document: &SchemaDocument, value: &Value) -> bool {
    is_like_schema(value, document.draft)
}

/// The name of the anchor that a dynamic reference can lead to; a recursive anchor has no name.
fn dynamic_anchor(draft: Draft, entries: &serde_json::Map<String, Value>) -> Option<&str> {
    match draft {
        Draft::V2020 => entries.get("$dynamicAnchor").and_then(Value::as_str),
        Draft::V2019 => entries
            .get("$recursiveAnchor")
            .filter(|value| **value == true)
            .map(|_| ""),
        _ => None,
    }
}
