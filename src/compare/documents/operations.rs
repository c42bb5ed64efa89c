//! The operations of two documents: which are in both, and what their requests and responses consist of.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    ChangePlace,
    classify::classified,
    collect::FoundChange,
    graph::PairGraph,
    messages::{compare_body, compare_responses},
    raw::same_text,
    security::{compare_schemes, compare_security},
    shape::Shapes,
};
use crate::{
    compare::{ChangeLevel, ChangeRule as Rule},
    openapi::{ApiDocument, Direction, DocumentPart, Operation, Parameter, ParameterIn},
};

/// Maximum number of steps through schemas with differences, to find where each matters.
const MAX_STEPS: usize = 5_000_000;

/// The differences of two documents.
pub(super) struct ComparedOperations {
    pub(super) found: Vec<FoundChange>,
    /// The operations of both documents, as the candidate names them.
    pub(super) pairs: Vec<String>,
    pub(super) added: usize,
    pub(super) removed: usize,
}

/// Compares two documents.
pub(super) struct DocumentComparer<'o, 'n> {
    pub(super) old: &'o ApiDocument,
    pub(super) new: &'n ApiDocument,
    pub(super) graph: PairGraph<'o, 'n>,
    /// The schemas of the operations, each with its place.
    pub(super) roots: Vec<(usize, ChangePlace)>,
    pub(super) found: Vec<FoundChange>,
}

pub(super) fn compare_all(old: &ApiDocument, new: &ApiDocument, today: NaiveDate) -> ComparedOperations {
    let mut comparer = DocumentComparer {
        old,
        new,
        graph: PairGraph::new(Shapes::new(old), Shapes::new(new)),
        roots: Vec::new(),
        found: Vec::new(),
    };
    let key = |operation: &Operation| (operation.method.clone(), operation.path.shape());
    let mut left: HashMap<_, _> = old.operations.iter().map(|one| (key(one), one)).collect();
    let (mut pairs, mut added) = (Vec::new(), 0);
    for operation in &new.operations {
        let place = of_operation(operation);
        let Some(known) = left.remove(&key(operation)) else {
            added += 1;
            let found = FoundChange::new(Rule::OperationAdded, place, None, Some(&operation.part));
            comparer.found.push(found);
            continue;
        };
        pairs.push(operation.name());
        comparer.operation(known, operation, &place);
    }
    let removed = left.len();
    for operation in old.operations.iter().filter(|one| left.contains_key(&key(one))) {
        let found = removal(old, operation, today);
        comparer.found.push(found);
    }
    comparer.whole();
    comparer.schemas();
    ComparedOperations {
        found: comparer.found,
        pairs,
        added,
        removed,
    }
}

fn of_operation(operation: &Operation) -> ChangePlace {
    ChangePlace {
        endpoint: Some(operation.name()),
        ..ChangePlace::default()
    }
}

/// A removed operation: one that was deprecated is expected to go.
fn removal(old: &ApiDocument, operation: &Operation, today: NaiveDate) -> FoundChange {
    let found = FoundChange::new(
        Rule::OperationRemoved,
        of_operation(operation),
        Some(&operation.part),
        None,
    );
    if !operation.deprecated {
        return found;
    }
    let sunset = old.value(&operation.part.at("x-sunset")).and_then(Value::as_str);
    let day = sunset.and_then(|text| text.get(..10)?.parse::<NaiveDate>().ok());
    match (sunset, day) {
        (_, Some(day)) if day <= today => found.level(
            ChangeLevel::Info,
            format!("it was deprecated, and its sunset was on {day}"),
        ),
        (_, Some(day)) => found.level(
            ChangeLevel::Breaking,
            format!("it was deprecated, and its sunset is not before {day}"),
        ),
        _ => found.level(ChangeLevel::Warning, "it was deprecated, without a date of its removal"),
    }
}

impl DocumentComparer<'_, '_> {
    /// Registers two schemas to be compared; a missing one accepts every value.
    pub(super) fn schema(
        &mut self,
        old: Option<&DocumentPart>,
        new: Option<&DocumentPart>,
        direction: Direction,
        place: &ChangePlace,
    ) {
        if old.is_some() || new.is_some() {
            let root = self.graph.root(old, new, direction);
            self.roots.push((root, place.clone()));
        }
    }

    pub(super) fn add(&mut self, found: FoundChange) {
        self.found.push(found);
    }

    /// What is not classified: any difference of a part is reported as not compared.
    pub(super) fn unclassified(&mut self, what: &str, (old, new): (&DocumentPart, &DocumentPart), place: &ChangePlace) {
        if !same_text(self, old, new) {
            let found = FoundChange::new(Rule::DocumentNotCompared, place.clone(), Some(old), Some(new));
            self.found.push(found.key(what));
        }
    }

    fn operation(&mut self, old: &Operation, new: &Operation, place: &ChangePlace) {
        let parts = (&old.part, &new.part);
        self.deprecation((old.deprecated, new.deprecated), parts, place);
        compare_security(self, (old, new), place);
        self.parameters(old, new, place);
        compare_body(self, (old, new), place);
        compare_responses(self, (old, new), place);
        self.unclassified(
            "`callbacks`",
            (&old.part.at("callbacks"), &new.part.at("callbacks")),
            place,
        );
    }

    fn deprecation(
        &mut self,
        (was, is): (bool, bool),
        (old, new): (&DocumentPart, &DocumentPart),
        place: &ChangePlace,
    ) {
        let rule = match (was, is) {
            (false, true) => Rule::DocumentDeprecated,
            (true, false) => Rule::DocumentNoLongerDeprecated,
            _ => return,
        };
        let at = |part: &DocumentPart| part.at("deprecated");
        self.add(FoundChange::new(rule, place.clone(), Some(&at(old)), Some(&at(new))));
    }

    /// Parameters in the path are matched by their position, all others by their names.
    fn parameters(&mut self, old: &Operation, new: &Operation, place: &ChangePlace) {
        let key = |operation: &Operation, parameter: &Parameter| match parameter.place {
            ParameterIn::Path => {
                let at = operation.path.names().position(|name| name == parameter.name);
                (
                    ParameterIn::Path,
                    at.map_or_else(|| parameter.name.clone(), |at| at.to_string()),
                )
            }
            ParameterIn::Header => (ParameterIn::Header, parameter.name.to_ascii_lowercase()),
            place => (place, parameter.name.clone()),
        };
        let is_used = |operation: &Operation, parameter: &Parameter| {
            parameter.place != ParameterIn::Path || operation.path.names().any(|name| name == parameter.name)
        };
        let of = |parameter: &Parameter| ChangePlace {
            parameter: Some(format!("{} {}", parameter.place.name(), parameter.name)),
            ..place.clone()
        };
        let olds = old.parameters.iter().filter(|one| is_used(old, one));
        let mut left: Vec<_> = olds.map(|one| (key(old, one), one)).collect();
        for parameter in new.parameters.iter().filter(|one| is_used(new, one)) {
            let own = key(new, parameter);
            let place = of(parameter);
            let Some(at) = left.iter().position(|(known, _)| *known == own) else {
                let rule = if parameter.required {
                    Rule::RequestParameterRequired
                } else {
                    Rule::RequestParameterAdded
                };
                let text = if parameter.required { "required" } else { "optional" };
                let found = FoundChange::new(rule, place, Some(&old.part), Some(&parameter.part));
                self.add(found.key(text_of(&own)).values(None, Some(text.to_owned())));
                continue;
            };
            let (_, known) = left.remove(at);
            self.parameter(known, parameter, &place);
        }
        for (own, parameter) in left {
            let text = if parameter.required { "required" } else { "optional" };
            let found = FoundChange::new(
                Rule::RequestParameterRemoved,
                of(parameter),
                Some(&parameter.part),
                Some(&new.part),
            );
            self.add(found.key(text_of(&own)).values(Some(text.to_owned()), None));
        }
    }

    fn parameter(&mut self, old: &Parameter, new: &Parameter, place: &ChangePlace) {
        let parts = (Some(&old.part), Some(&new.part));
        if old.required != new.required && old.place != ParameterIn::Path {
            let rule = if new.required {
                Rule::RequestParameterRequired
            } else {
                Rule::RequestParameterOptional
            };
            let text = |is_required: bool| Some(if is_required { "required" } else { "optional" }.to_owned());
            let found = FoundChange::new(rule, place.clone(), parts.0, parts.1);
            self.add(found.values(text(old.required), text(new.required)));
        }
        self.deprecation((old.deprecated, new.deprecated), (&old.part, &new.part), place);
        let is_of_parts = self.is_of_parts(old, new);
        let style = |one: &Parameter| {
            let media_type = one.content.as_ref().map(|content| content.media_type.clone());
            media_type.unwrap_or_else(|| style_of(one, is_of_parts))
        };
        let (before, after) = (style(old), style(new));
        if before != after {
            let rule = Rule::RequestParameterStyleChanged;
            let found = FoundChange::new(rule, place.clone(), parts.0, parts.1);
            self.add(found.values(Some(before), Some(after)));
        }
        let schema = |one: &Parameter| {
            let content = one.content.as_ref().and_then(|content| content.schema.clone());
            one.schema.clone().or(content)
        };
        let (a, b) = (schema(old), schema(new));
        self.schema(a.as_ref(), b.as_ref(), Direction::Request, place);
    }

    /// Whether a parameter can be a list or an object in either document: only then its style matters.
    fn is_of_parts(&mut self, old: &Parameter, new: &Parameter) -> bool {
        let can = |types: Option<&BTreeSet<&'static str>>| {
            types.is_none_or(|types| types.contains("array") || types.contains("object"))
        };
        let of_old = old.schema.as_ref().is_some_and(|schema| {
            let id = self.graph.old.id([schema.clone()]);
            can(self.graph.old.shape(id).types.as_ref())
        });
        of_old
            || new.schema.as_ref().is_some_and(|schema| {
                let id = self.graph.new.id([schema.clone()]);
                can(self.graph.new.shape(id).types.as_ref())
            })
    }

    /// What is not part of an operation.
    fn whole(&mut self) {
        let root = DocumentPart::default();
        let place = ChangePlace::default();
        let urls = |document: &ApiDocument| -> BTreeSet<String> {
            let urls = document.servers.iter().map(|url| url.trim_end_matches('/').to_owned());
            urls.filter(|url| !url.is_empty()).collect()
        };
        let (before, after) = (urls(self.old), urls(self.new));
        let at = root.at("servers");
        for url in before.difference(&after) {
            let found = FoundChange::new(Rule::DocumentServerRemoved, place.clone(), Some(&at), Some(&at));
            self.add(found.key(url).values(Some(url.clone()), None));
        }
        for url in after.difference(&before) {
            let found = FoundChange::new(Rule::DocumentServerAdded, place.clone(), Some(&at), Some(&at));
            self.add(found.key(url).values(None, Some(url.clone())));
        }
        compare_schemes(self);
        let webhooks = root.at("webhooks");
        self.unclassified("`webhooks`", (&webhooks, &webhooks), &place);
    }

    /// Compares the schemas, and adds a change for each difference and place.
    fn schemas(&mut self) {
        self.graph.run();
        let mut steps = MAX_STEPS;
        let mut left_out = BTreeSet::new();
        let roots = std::mem::take(&mut self.roots);
        for (root, place) in roots {
            if !self.graph.is_changed(root) {
                continue;
            }
            if steps == 0 {
                left_out.extend(place.endpoint);
                continue;
            }
            let located = self.graph.differences(root, &mut steps);
            let used = place.used();
            let found = located.into_iter().filter_map(|located| {
                let difference = located.difference;
                let (rule, level) = classified(difference.change, used)?;
                let place = ChangePlace {
                    pointer: Some(located.pointer),
                    ..place.clone()
                };
                let found = FoundChange::new(rule, place, Some(&difference.old), Some(&difference.new))
                    .key(difference.key.clone())
                    .values(difference.before.clone(), difference.after.clone());
                Some(match level {
                    Some((level, reason)) => found.level(level, reason),
                    None => found,
                })
            });
            self.found.extend(found);
        }
        if let Some(first) = left_out.first() {
            let root = DocumentPart::default();
            let found = FoundChange::new(
                Rule::DocumentNotCompared,
                ChangePlace::default(),
                Some(&root),
                Some(&root),
            );
            let key = format!(
                "the changes in the schemas of {} operations, such as {first}",
                left_out.len()
            );
            self.add(found.key(key));
        }
    }
}

fn text_of((place, name): &(ParameterIn, String)) -> String {
    format!("{} {name}", place.name())
}

/// How a parameter is written.
fn style_of(parameter: &Parameter, is_of_parts: bool) -> String {
    let mut text = String::new();
    if is_of_parts {
        let name = crate::openapi::ParameterStyle::NAMES
            .iter()
            .find(|(_, style)| *style == parameter.style);
        text.push_str(name.map_or("", |(name, _)| name));
        if parameter.explode {
            text.push_str(", explode");
        }
    }
    if parameter.allow_reserved {
        text.push_str(", allowReserved");
    }
    text.trim_start_matches(", ").to_owned()
}
