//! The properties that the schema of a body declares, as a tree of bounded size.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::{
    json,
    openapi::{ApiDocument, ApiVersion, Direction, DocumentPart},
};

/// Maximum number of nodes of one body.
const MAX_NODES: usize = 2000;
/// Maximum depth of a node.
const MAX_DEPTH: usize = 12;
/// Maximum number of schemas that apply to one value together.
const MAX_TOGETHER: usize = 128;

/// A value in a body: a property, the items of a list, or the values of a map.
#[derive(Debug)]
pub(super) struct PropertyNode {
    /// Its location in the body, with `*` for any item.
    pub(super) pointer: String,
    /// The part of the document that declares it.
    pub(super) part: DocumentPart,
    /// The value around it; none for the body itself.
    pub(super) parent: Option<usize>,
    /// Whether it is a property, which is counted.
    pub(super) is_property: bool,
    properties: BTreeMap<String, usize>,
    items: Option<usize>,
    values: Option<usize>,
    /// The names of properties that are not part of messages in this direction.
    hidden: BTreeSet<String>,
    /// Whether it declares that it can have any other property, or declares none at all.
    is_open: bool,
    /// The schemas that describe it, to recognize one that contains itself.
    shapes: BTreeSet<DocumentPart>,
    depth: usize,
}

/// The properties of one body. The first node is the body.
#[derive(Debug, Default)]
pub(super) struct PropertyTree {
    pub(super) nodes: Vec<PropertyNode>,
    /// The number of counted properties.
    pub(super) count: usize,
    /// Whether deeper properties are left out for their number.
    pub(super) is_cut: bool,
}

/// What schemas together declare for a value.
#[derive(Default)]
struct DeclaredShape {
    properties: BTreeMap<String, Vec<DocumentPart>>,
    hidden: BTreeSet<String>,
    items: Vec<DocumentPart>,
    values: Vec<DocumentPart>,
    is_open: bool,
    parts: BTreeSet<DocumentPart>,
}

impl PropertyTree {
    /// The properties of a schema in messages of a direction, with at most `room` nodes.
    pub(super) fn new(document: &ApiDocument, schema: &DocumentPart, direction: Direction, room: usize) -> Self {
        let mut tree = Self::default();
        let body = PropertyNode::new(String::new(), schema.clone(), None);
        tree.nodes.push(PropertyNode {
            is_property: false,
            ..body
        });
        let mut open = VecDeque::from([(0, vec![schema.clone()])]);
        while let Some((index, parts)) = open.pop_front() {
            let shape = shape(document, parts, direction);
            tree.expand(index, shape, &mut open, room.min(MAX_NODES));
        }
        tree.nodes.iter_mut().for_each(|node| node.shapes.clear());
        tree.count = tree.nodes.iter().filter(|node| node.is_property).count();
        tree
    }

    /// Adds the values in a value.
    fn expand(
        &mut self,
        index: usize,
        shape: DeclaredShape,
        open: &mut VecDeque<(usize, Vec<DocumentPart>)>,
        room: usize,
    ) {
        let DeclaredShape {
            properties,
            hidden,
            items,
            values,
            is_open,
            parts,
        } = shape;
        let is_leaf = properties.is_empty() && items.is_empty() && values.is_empty();
        let children = properties.len() + usize::from(!items.is_empty()) + usize::from(!values.is_empty());
        let is_too_much = self.nodes.len() + children > room || self.nodes[index].depth >= MAX_DEPTH;
        // What a schema has of its own kind inside is described by the schema once.
        let is_again = self.contains(index, &parts);
        if is_leaf || is_again || is_too_much {
            self.is_cut |= is_too_much && !is_leaf && !is_again;
            self.nodes[index].is_open = true;
            return;
        }
        let own = self.nodes[index].pointer.clone();
        for (name, schemas) in properties {
            let child = self.add(index, json::step(&own, &name), &schemas, true);
            self.nodes[index].properties.insert(name, child);
            open.push_back((child, schemas));
        }
        if !items.is_empty() {
            let child = self.add(index, format!("{own}/*"), &items, false);
            self.nodes[index].items = Some(child);
            open.push_back((child, items));
        }
        if !values.is_empty() {
            let child = self.add(index, format!("{own}/*"), &values, false);
            self.nodes[index].values = Some(child);
            open.push_back((child, values));
        }
        let node = &mut self.nodes[index];
        (node.is_open, node.shapes, node.hidden) = (is_open, parts, hidden);
    }

    fn add(&mut self, parent: usize, pointer: String, schemas: &[DocumentPart], is_property: bool) -> usize {
        let part = schemas.first().cloned().unwrap_or_default();
        self.nodes.push(PropertyNode {
            depth: self.nodes[parent].depth + 1,
            is_property,
            ..PropertyNode::new(pointer, part, Some(parent))
        });
        self.nodes.len() - 1
    }

    /// Whether a value around a value has one of these schemas.
    fn contains(&self, index: usize, parts: &BTreeSet<DocumentPart>) -> bool {
        let mut here = self.nodes[index].parent;
        while let Some(at) = here {
            if !self.nodes[at].shapes.is_disjoint(parts) {
                return true;
            }
            here = self.nodes[at].parent;
        }
        false
    }

    /// Marks the properties of a body, and passes on those that are not declared: the node around them, and their name.
    pub(super) fn observe(&self, body: &Value, seen: &mut [bool], undeclared: &mut dyn FnMut(usize, &str)) {
        self.observe_at(0, body, seen, undeclared);
    }

    // The depth is that of the tree.
    fn observe_at(&self, index: usize, value: &Value, seen: &mut [bool], undeclared: &mut dyn FnMut(usize, &str)) {
        let Some(node) = self.nodes.get(index) else { return };
        match value {
            Value::Object(entries) => {
                for (name, value) in entries {
                    if let Some(&child) = node.properties.get(name) {
                        seen[child] = true;
                        self.observe_at(child, value, seen, undeclared);
                    } else if let Some(child) = node.values {
                        self.observe_at(child, value, seen, undeclared);
                    } else if !node.is_open && !node.hidden.contains(name) {
                        undeclared(index, name);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    if let Some(child) = node.items {
                        self.observe_at(child, item, seen, undeclared);
                    }
                }
            }
            _ => {}
        }
    }

    /// The names of the properties of the body itself.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes
            .first()
            .into_iter()
            .flat_map(|body| body.properties.keys().map(String::as_str))
    }
}

impl PropertyNode {
    fn new(pointer: String, part: DocumentPart, parent: Option<usize>) -> Self {
        Self {
            pointer,
            part,
            parent,
            is_property: true,
            properties: BTreeMap::new(),
            items: None,
            values: None,
            hidden: BTreeSet::new(),
            is_open: true,
            shapes: BTreeSet::new(),
            depth: 0,
        }
    }
}

/// What schemas declare together with all that apply to the same value, or could.
fn shape(document: &ApiDocument, from: Vec<DocumentPart>, direction: Direction) -> DeclaredShape {
    let mut shape = DeclaredShape::default();
    let mut is_free = false;
    for part in together(document, from) {
        let Some(Value::Object(schema)) = document.value(&part) else {
            is_free |= document.value(&part) == Some(&Value::Bool(true));
            continue;
        };
        is_free |= schema.is_empty() || schema.contains_key("$dynamicRef") || schema.contains_key("$recursiveRef");
        let has = |key: &str| {
            schema
                .get(key)
                .is_some_and(|value| value.is_object() || value.is_array())
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        for name in properties.into_iter().flatten().map(|(name, _)| name) {
            let property = part.at("properties").at(name);
            if is_hidden(document, &property, direction) {
                shape.hidden.insert(name.clone());
            } else {
                shape.properties.entry(name.clone()).or_default().push(property);
            }
        }
        if schema.get("items").is_some_and(Value::is_object) {
            shape.items.push(part.at("items"));
        }
        let listed = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        shape
            .items
            .extend((0..listed).map(|index| part.at("prefixItems").at(&index.to_string())));
        for key in ["additionalProperties", "unevaluatedProperties"] {
            match schema.get(key) {
                Some(Value::Object(_)) => shape.values.push(part.at(key)),
                Some(Value::Bool(true)) => is_free = true,
                _ => {}
            }
        }
        is_free |= has("patternProperties");
        if has("properties") || has("items") || has("prefixItems") || has("additionalProperties") {
            shape.parts.insert(part);
        }
    }
    shape.is_open = is_free || shape.properties.is_empty();
    shape
}

/// Whether a property is not part of messages in a direction.
fn is_hidden(document: &ApiDocument, property: &DocumentPart, direction: Direction) -> bool {
    let keyword = direction.hidden_keyword();
    let is_set =
        |part: &DocumentPart| document.value(part).and_then(|value| value.get(keyword)) == Some(&Value::Bool(true));
    is_set(property) || is_set(document.resolved(property))
}

/// Schemas and all that apply to the same value as they do, or could.
fn together(document: &ApiDocument, from: Vec<DocumentPart>) -> Vec<DocumentPart> {
    let mut open: VecDeque<(DocumentPart, bool)> = from.into_iter().map(|part| (part, false)).collect();
    let (mut all, mut known) = (Vec::new(), BTreeSet::new());
    while let Some((part, is_base)) = open.pop_front() {
        if all.len() >= MAX_TOGETHER || !known.insert(part.clone()) {
            continue;
        }
        let value = document.value(&part);
        let target = document.resolved(&part);
        if *target != part {
            open.push_back((target.clone(), is_base));
            // Everything beside the reference is ignored there.
            if document.version == ApiVersion::V30 {
                continue;
            }
        }
        for (key, is_base) in [("allOf", true), ("anyOf", false), ("oneOf", false)] {
            let count = value.and_then(|value| value.get(key)?.as_array()).map_or(0, Vec::len);
            open.extend((0..count).map(|index| (part.at(key).at(&index.to_string()), is_base)));
        }
        for key in ["then", "else"] {
            if value.is_some_and(|value| value.get(key).is_some()) {
                open.push_back((part.at(key), false));
            }
        }
        let dependent = value.and_then(|value| value.get("dependentSchemas")?.as_object());
        let dependent = dependent.into_iter().flatten();
        open.extend(dependent.map(|(name, _)| (part.at("dependentSchemas").at(name), false)));
        // A base in `allOf` is not followed to the variants of its discriminator: that would lead back here.
        if !is_base {
            open.extend(document.chosen(&part).into_iter().map(|part| (part.clone(), false)));
        }
        all.push(part);
    }
    all
}
