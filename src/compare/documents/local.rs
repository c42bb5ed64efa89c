//! The differences between two schemas themselves, without those of the schemas below them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{
    bound::BoundChange,
    shape::{Alternatives, FurtherProperties, PlacedShape, SchemaShape, ShapeId, Shapes, contains},
};
use crate::{
    json,
    openapi::{Direction, DocumentPart},
};

/// What differs. The names are of the schema alone: a wider schema is compatible in a request and not in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum SchemaChange {
    TypeWidened,
    TypeNarrowed,
    TypeChanged,
    IntegerToNumber,
    NumberToInteger,
    BecameArray,
    NoLongerArray,
    NullAllowed,
    NullForbidden,
    FormatAdded,
    FormatRemoved,
    FormatChanged,
    ValueAdded,
    ValueRemoved,
    ValuesClosed,
    ValuesOpened,
    BoundTightened,
    BoundWidened,
    PatternChanged,
    PropertyAdded { is_required: bool },
    PropertyRemoved { was_required: bool, is_forbidden: bool },
    PropertyRequired,
    PropertyOptional,
    FurtherAllowed,
    FurtherForbidden,
    AlternativeAdded,
    AlternativeRemoved,
    DefaultChanged,
    Deprecated,
    NoLongerDeprecated,
    NotCompared,
}

/// A difference between two schemas.
#[derive(Clone, Debug)]
pub(super) struct SchemaDifference {
    pub(super) change: SchemaChange,
    /// Where, from the schema's own location in a value: empty, or one step.
    pub(super) step: String,
    pub(super) old: DocumentPart,
    pub(super) new: DocumentPart,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// Distinguishes differences of one kind and location.
    pub(super) key: String,
}

/// Two schemas for the same part of a value.
#[derive(Clone, Debug)]
pub(super) struct SchemaPair {
    /// The step to that part; empty for the value itself.
    pub(super) step: String,
    pub(super) old: ShapeId,
    pub(super) new: ShapeId,
}

/// The differences between two schemas, and what is still to be compared.
#[derive(Debug, Default)]
pub(super) struct LocalComparison {
    pub(super) found: Vec<SchemaDifference>,
    pub(super) pairs: Vec<SchemaPair>,
    /// `oneOf` and `anyOf` on both sides.
    pub(super) groups: Vec<(Alternatives, Alternatives)>,
    /// Alternatives on one side only, and whether it is the new one: the schema of the other side can be one of them.
    pub(super) wrapped: Option<(Alternatives, bool)>,
    /// Keywords that are compared by value.
    pub(super) by_value: Vec<(&'static str, DocumentPart, DocumentPart)>,
}

/// Compares two schemas for a direction.
pub(super) struct LocalComparer<'a, 'o, 'n> {
    pub(super) direction: Direction,
    pub(super) old_shapes: &'a mut Shapes<'o>,
    pub(super) new_shapes: &'a mut Shapes<'n>,
    pub(super) out: LocalComparison,
}

/// A value in a message.
pub(super) fn shown(value: &Value) -> String {
    super::cut(&json::show(value))
}

impl LocalComparer<'_, '_, '_> {
    pub(super) fn run(mut self, old: &SchemaShape, new: &SchemaShape) -> LocalComparison {
        if !old.unresolved.is_empty() || !new.unresolved.is_empty() {
            self.unresolved(old, new);
        }
        if self.wrapping(old, new) {
            return self.out;
        }
        if old.never != new.never {
            let change = if new.never {
                SchemaChange::TypeNarrowed
            } else {
                SchemaChange::TypeWidened
            };
            let text = |never: bool| if never { "nothing" } else { "any value" }.to_owned();
            self.add(
                change,
                "",
                (old, new),
                "type",
                (Some(text(old.never)), Some(text(new.never))),
            );
            return self.out;
        }
        if old.null != new.null {
            let change = if new.null {
                SchemaChange::NullAllowed
            } else {
                SchemaChange::NullForbidden
            };
            let text = |shape: &SchemaShape| Some(types(shape));
            self.add(change, "", (old, new), "type", (text(old), text(new)));
        }
        if self.types(old, new) {
            return self.out;
        }
        self.values(old, new);
        self.texts(old, new);
        self.bounds(old, new);
        self.properties(old, new);
        self.below(old, new);
        self.others(old, new);
        self.out
    }

    fn add(
        &mut self,
        change: SchemaChange,
        step: &str,
        (old, new): (&SchemaShape, &SchemaShape),
        keyword: &'static str,
        (before, after): (Option<String>, Option<String>),
    ) {
        self.out.found.push(SchemaDifference {
            change,
            step: step.to_owned(),
            old: old.at(keyword),
            new: new.at(keyword),
            before,
            after,
            key: keyword.to_owned(),
        });
    }

    fn not_compared(&mut self, what: &str, old: DocumentPart, new: DocumentPart) {
        self.out.found.push(SchemaDifference {
            change: SchemaChange::NotCompared,
            step: String::new(),
            old,
            new,
            before: None,
            after: None,
            key: what.to_owned(),
        });
    }

    fn unresolved(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let is_same = self.old_shapes.document.has_same_content(self.new_shapes.document);
        if !is_same {
            let first = |shape: &SchemaShape| shape.unresolved.first().unwrap_or(&shape.part).clone();
            self.not_compared(
                "a reference by `$anchor`, `$id` or `$dynamicRef`",
                first(old),
                first(new),
            );
        }
    }

    /// Whether one side has only alternatives and the other has none.
    fn wrapping(&mut self, old: &SchemaShape, new: &SchemaShape) -> bool {
        let is_new = old.groups.is_empty() && new.is_only_alternatives();
        let is_old = new.groups.is_empty() && old.is_only_alternatives();
        if !is_new && !is_old {
            return false;
        }
        let group = if is_new { new.groups.first() } else { old.groups.first() };
        self.out.wrapped = group.map(|group| (group.clone(), is_new));
        true
    }

    /// Whether the types have nothing in common, so that there is nothing more to compare.
    fn types(&mut self, old: &SchemaShape, new: &SchemaShape) -> bool {
        let (Some(a), Some(b)) = (&old.types, &new.types) else {
            let change = match (&old.types, &new.types) {
                (None, Some(_)) => SchemaChange::TypeNarrowed,
                (Some(_), None) => SchemaChange::TypeWidened,
                _ => return false,
            };
            // Listed values are reported as such.
            if old.values.is_none() && new.values.is_none() {
                self.add(change, "", (old, new), "type", (Some(types(old)), Some(types(new))));
            }
            return false;
        };
        if a == b || (old.values.is_some() && new.values.is_some() && !a.is_disjoint(b)) {
            return false;
        }
        let rest = |types: &BTreeSet<&'static str>| -> BTreeSet<&'static str> {
            let others = types.iter().filter(|name| !["integer", "number"].contains(*name));
            others.copied().collect()
        };
        let is_array = |types: &BTreeSet<&'static str>| types.len() == 1 && types.contains("array");
        let is_of_numbers = rest(a) == rest(b) && !a.is_disjoint(b);
        let change = match () {
            () if is_of_numbers && a.is_subset(b) && a.contains("integer") => SchemaChange::IntegerToNumber,
            () if is_of_numbers && b.is_subset(a) && b.contains("integer") => SchemaChange::NumberToInteger,
            () if a.is_subset(b) => SchemaChange::TypeWidened,
            () if b.is_subset(a) => SchemaChange::TypeNarrowed,
            () if is_array(b) && !a.contains("array") => SchemaChange::BecameArray,
            () if is_array(a) && !b.contains("array") => SchemaChange::NoLongerArray,
            () => SchemaChange::TypeChanged,
        };
        self.add(change, "", (old, new), "type", (Some(types(old)), Some(types(new))));
        a.is_disjoint(b)
    }

    fn values(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let keyword = |shape: &SchemaShape| {
            let is_const = shape.written.contains_key("const") && !shape.written.contains_key("enum");
            if is_const { "const" } else { "enum" }
        };
        let list = |values: &Vec<Value>| {
            let all = values.iter().map(json::show).collect::<Vec<_>>();
            Some(super::cut(&all.join(", ")))
        };
        let (change, before, after) = match (&old.values, &new.values) {
            (None, None) => return,
            (Some(a), Some(b)) => {
                for (values, others, is_added) in [(b, a, true), (a, b, false)] {
                    for value in values.iter().filter(|value| !contains(others, value)) {
                        let (change, before, after) = if is_added {
                            (SchemaChange::ValueAdded, None, Some(shown(value)))
                        } else {
                            (SchemaChange::ValueRemoved, Some(shown(value)), None)
                        };
                        self.out.found.push(SchemaDifference {
                            change,
                            step: String::new(),
                            old: old.at(keyword(old)),
                            new: new.at(keyword(new)),
                            before,
                            after,
                            key: shown(value),
                        });
                    }
                }
                return;
            }
            (None, Some(b)) => (SchemaChange::ValuesClosed, None, list(b)),
            (Some(a), None) => (SchemaChange::ValuesOpened, list(a), None),
        };
        self.out.found.push(SchemaDifference {
            change,
            step: String::new(),
            old: old.at(keyword(old)),
            new: new.at(keyword(new)),
            before,
            after,
            key: String::new(),
        });
    }

    /// `format` and `pattern`.
    fn texts(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let text = |all: &BTreeSet<String>| {
            let text = all.iter().cloned().collect::<Vec<_>>().join(", ");
            (!text.is_empty()).then(|| super::cut(&text))
        };
        let (before, after) = (text(&old.formats), text(&new.formats));
        if before != after {
            let is = |from: &str, to: &str| before.as_deref() == Some(from) && after.as_deref() == Some(to);
            let change = match (&before, &after) {
                (None, _) => SchemaChange::FormatAdded,
                (_, None) => SchemaChange::FormatRemoved,
                _ if is("int32", "int64") || is("float", "double") => SchemaChange::BoundWidened,
                _ if is("int64", "int32") || is("double", "float") => SchemaChange::BoundTightened,
                _ => SchemaChange::FormatChanged,
            };
            self.add(change, "", (old, new), "format", (before, after));
        }
        let (before, after) = (text(&old.patterns), text(&new.patterns));
        if before != after {
            let change = match (&before, &after) {
                (None, _) => SchemaChange::BoundTightened,
                (_, None) => SchemaChange::BoundWidened,
                _ => SchemaChange::PatternChanged,
            };
            self.add(change, "", (old, new), "pattern", (before, after));
        }
    }

    fn bounds(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let kinds: BTreeSet<_> = old.bounds.keys().chain(new.bounds.keys()).copied().collect();
        for kind in kinds {
            let (a, b) = (old.bounds.get(&kind), new.bounds.get(&kind));
            let changes = match (a, b) {
                (None, Some(_)) => vec![SchemaChange::BoundTightened],
                (Some(_), None) => vec![SchemaChange::BoundWidened],
                (Some(a), Some(b)) => match a.change(b, kind) {
                    Some(BoundChange::Tightened) => vec![SchemaChange::BoundTightened],
                    Some(BoundChange::Widened) => vec![SchemaChange::BoundWidened],
                    // Some values are new, and others are no longer valid.
                    Some(BoundChange::Other) => vec![SchemaChange::BoundTightened, SchemaChange::BoundWidened],
                    None => Vec::new(),
                },
                (None, None) => Vec::new(),
            };
            for change in changes {
                let text = |bound: Option<&super::bound::ValueBound>| bound.map(|bound| bound.text(kind));
                self.add(change, "", (old, new), kind.keyword(), (text(a), text(b)));
            }
        }
    }

    /// The properties that a message of the direction contains.
    fn visible(shapes: &mut Shapes<'_>, shape: &SchemaShape, direction: Direction) -> HashMap<String, PlacedShape> {
        let all = shape.properties.iter().filter(|(_, placed)| {
            let below = shapes.shape(placed.shape);
            let is_hidden = match direction {
                Direction::Request => below.read_only,
                Direction::Response => below.write_only,
            };
            !is_hidden && !below.never
        });
        all.map(|(name, placed)| (name.clone(), placed.clone())).collect()
    }

    fn properties(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let a = Self::visible(self.old_shapes, old, self.direction);
        let b = Self::visible(self.new_shapes, new, self.direction);
        let is_hidden = |shape: &SchemaShape, visible: &HashMap<String, PlacedShape>, name: &str| {
            shape.properties.contains_key(name) && !visible.contains_key(name)
        };
        let requires = |shape: &SchemaShape, visible: &HashMap<String, PlacedShape>, name: &str| {
            shape.required.contains(name) && !is_hidden(shape, visible, name)
        };
        let names: BTreeSet<&String> = [a.keys(), b.keys()]
            .into_iter()
            .flatten()
            .chain(&old.required)
            .chain(&new.required)
            .collect();
        for name in names {
            let (was_required, is_required) = (requires(old, &a, name), requires(new, &b, name));
            let step = json::step("", name);
            let change = match (a.get(name), b.get(name)) {
                (Some(_), None) => Some(SchemaChange::PropertyRemoved {
                    was_required,
                    is_forbidden: matches!(new.further, FurtherProperties::Closed(_)) || is_hidden(new, &b, name),
                }),
                (None, Some(_)) => Some(SchemaChange::PropertyAdded { is_required }),
                (one, other) => {
                    if let (Some(one), Some(other)) = (one, other) {
                        self.out.pairs.push(SchemaPair {
                            step: step.clone(),
                            old: one.shape,
                            new: other.shape,
                        });
                    }
                    match (was_required, is_required) {
                        (false, true) => Some(SchemaChange::PropertyRequired),
                        (true, false) => Some(SchemaChange::PropertyOptional),
                        _ => None,
                    }
                }
            };
            let part = |visible: &HashMap<String, PlacedShape>, shape: &SchemaShape| {
                let declared = visible.get(name).or_else(|| shape.properties.get(name));
                match declared {
                    Some(placed) => placed.part.clone(),
                    None if shape.required.contains(name) => shape.at("required"),
                    None => shape.part.clone(),
                }
            };
            if let Some(change) = change {
                let text = |is_there: bool, is_required: bool| {
                    let word = if is_required { "required" } else { "optional" };
                    is_there.then(|| word.to_owned())
                };
                let is_declared_only =
                    matches!(change, SchemaChange::PropertyOptional | SchemaChange::PropertyRequired);
                self.out.found.push(SchemaDifference {
                    change,
                    step,
                    old: part(&a, old),
                    new: part(&b, new),
                    before: text(is_declared_only || a.contains_key(name), was_required),
                    after: text(is_declared_only || b.contains_key(name), is_required),
                    key: name.clone(),
                });
            }
        }
    }

    /// Items, further properties, and those whose names match a pattern.
    fn below(&mut self, old: &SchemaShape, new: &SchemaShape) {
        let any = |shapes: &mut Shapes<'_>, placed: Option<&PlacedShape>| match placed {
            Some(placed) => placed.shape,
            None => shapes.id([]),
        };
        if old.items.is_some() || new.items.is_some() {
            let pair = SchemaPair {
                step: "/*".to_owned(),
                old: any(self.old_shapes, old.items.as_ref()),
                new: any(self.new_shapes, new.items.as_ref()),
            };
            self.out.pairs.push(pair);
        }
        if old.prefix.len() == new.prefix.len() {
            for (index, (one, other)) in old.prefix.iter().zip(&new.prefix).enumerate() {
                self.out.pairs.push(SchemaPair {
                    step: format!("/{index}"),
                    old: one.shape,
                    new: other.shape,
                });
            }
        } else {
            self.not_compared("`prefixItems`", old.at("prefixItems"), new.at("prefixItems"));
        }
        if old.by_pattern.keys().eq(new.by_pattern.keys()) {
            for (one, other) in old.by_pattern.values().zip(new.by_pattern.values()) {
                self.out.pairs.push(SchemaPair {
                    step: "/*".to_owned(),
                    old: one.shape,
                    new: other.shape,
                });
            }
        } else {
            self.not_compared(
                "`patternProperties`",
                old.at("patternProperties"),
                new.at("patternProperties"),
            );
        }
        let part = |shape: &SchemaShape| match &shape.further {
            FurtherProperties::Closed(part) => part.clone(),
            FurtherProperties::Schema(placed) => placed.part.clone(),
            FurtherProperties::Any => shape.part.clone(),
        };
        let schema = |further: &FurtherProperties| match further {
            FurtherProperties::Schema(placed) => Some(placed.clone()),
            _ => None,
        };
        let change = match (&old.further, &new.further) {
            (FurtherProperties::Closed(_), FurtherProperties::Closed(_))
            | (FurtherProperties::Any, FurtherProperties::Any) => return,
            (FurtherProperties::Closed(_), _) => SchemaChange::FurtherAllowed,
            (_, FurtherProperties::Closed(_)) => SchemaChange::FurtherForbidden,
            (a, b) => {
                let pair = SchemaPair {
                    step: "/*".to_owned(),
                    old: any(self.old_shapes, schema(a).as_ref()),
                    new: any(self.new_shapes, schema(b).as_ref()),
                };
                self.out.pairs.push(pair);
                return;
            }
        };
        self.out.found.push(SchemaDifference {
            change,
            step: String::new(),
            old: part(old),
            new: part(new),
            before: None,
            after: None,
            key: String::new(),
        });
    }

    /// Alternatives, defaults, deprecations, and what is compared by value.
    fn others(&mut self, old: &SchemaShape, new: &SchemaShape) {
        if old.groups.len() == new.groups.len() {
            let pairs = old.groups.iter().cloned().zip(new.groups.iter().cloned());
            self.out.groups.extend(pairs);
        } else {
            let part = |shape: &SchemaShape| shape.groups.first().map_or(&shape.part, |group| &group.part).clone();
            self.not_compared("`oneOf` or `anyOf` beside other keywords", part(old), part(new));
        }
        let is_same = match (&old.default, &new.default) {
            (None, None) => true,
            (Some(a), Some(b)) => json::equal(a, b),
            _ => false,
        };
        if !is_same && self.direction == Direction::Request {
            let text = |shape: &SchemaShape| shape.default.as_ref().map(shown);
            self.add(
                SchemaChange::DefaultChanged,
                "",
                (old, new),
                "default",
                (text(old), text(new)),
            );
        }
        match (old.deprecated, new.deprecated) {
            (false, true) => self.add(SchemaChange::Deprecated, "", (old, new), "deprecated", (None, None)),
            (true, false) => self.add(
                SchemaChange::NoLongerDeprecated,
                "",
                (old, new),
                "deprecated",
                (None, None),
            ),
            _ => {}
        }
        let keywords: BTreeSet<_> = old
            .others
            .iter()
            .chain(&new.others)
            .map(|(keyword, _)| *keyword)
            .collect();
        for keyword in keywords {
            let of = |shape: &SchemaShape| -> Vec<DocumentPart> {
                let all = shape.others.iter().filter(|(known, _)| *known == keyword);
                all.map(|(_, part)| part.clone()).collect()
            };
            let (a, b) = (of(old), of(new));
            if a.len() == b.len() {
                self.out
                    .by_value
                    .extend(a.into_iter().zip(b).map(|(a, b)| (keyword, a, b)));
            } else {
                let first = |parts: Vec<DocumentPart>, shape: &SchemaShape| {
                    parts.into_iter().next().unwrap_or_else(|| shape.part.clone())
                };
                self.not_compared(&format!("`{keyword}`"), first(a, old), first(b, new));
            }
        }
    }
}

/// The types that a schema accepts, as text.
fn types(shape: &SchemaShape) -> String {
    let Some(types) = &shape.types else {
        return if shape.null { "any value" } else { "any value but null" }.to_owned();
    };
    let names = types
        .iter()
        .filter(|name| **name != "integer" || !types.contains("number"));
    let mut names: Vec<_> = names.copied().collect();
    if shape.null {
        names.push("null");
    }
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
