//! What can be written at a position.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    cursor::{CursorPlace, DocumentStep, DocumentSyntax, MARK, WordRole, at, places, variable, word},
    keys::{keys_at, schema_of, texts_at},
    position::{LineIndex, TextRange},
    role::FileRole,
    scope::{ScopeFiles, text},
    view::DocumentView,
};
use crate::{compare::CHANGE_RULES, project::NO_IDENTITY, suite::Filter};

/// Maximum number of items of a response.
const MAX_ITEMS: usize = 500;

/// Kinds of items, as the protocol numbers them.
mod kind {
    pub(super) const VARIABLE: u8 = 6;
    pub(super) const PROPERTY: u8 = 10;
    pub(super) const VALUE: u8 = 12;
    pub(super) const FUNCTION: u8 = 3;
    pub(super) const FILE: u8 = 17;
    pub(super) const REFERENCE: u8 = 18;
}

/// Something that can be written instead of the word at the position.
struct Offer {
    label: String,
    kind: u8,
    detail: String,
    text: String,
    /// What is written, if it is not the label.
    insert: Option<String>,
}

impl Offer {
    fn new(label: impl Into<String>, kind: u8, detail: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            kind,
            detail: detail.into(),
            text: String::new(),
            insert: None,
        }
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }
}

/// The completions at a byte of a document.
pub(super) fn completions(view: &DocumentView<'_>, offset: usize) -> Value {
    let range = word(view.text, offset);
    let places = places(view.text, &range, view.syntax());
    let typed = &view.text[range.start..offset.max(range.start)];
    let mut offers = Vec::new();
    match variable(view.text, range.start) {
        Some(inside) => offers.extend(in_variable(view, inside, &range, places.first())),
        None => {
            for place in &places {
                offers.extend(match place.role {
                    WordRole::Key => keys(view, place, &range),
                    WordRole::Value => values(view, place, &range, typed),
                });
            }
        }
    }
    let lines = LineIndex::new(view.text, view.unit);
    list(offers, typed, lines.range(range), view)
}

/// The items that fit what is typed, without duplicates.
fn list(offers: Vec<Offer>, typed: &str, range: TextRange, view: &DocumentView<'_>) -> Value {
    let typed = typed.to_lowercase();
    let mut seen = BTreeSet::new();
    let fits = |offer: &Offer| offer.label.to_lowercase().contains(&typed);
    let mut offers: Vec<_> = offers
        .into_iter()
        .filter(fits)
        .filter(|offer| seen.insert(offer.label.clone()))
        .collect();
    let is_incomplete = offers.len() > MAX_ITEMS;
    offers.truncate(MAX_ITEMS);
    let mask = &view.inspected.mask;
    let items = offers.into_iter().map(|offer| {
        let mut item = json!({
            "label": offer.label, "kind": offer.kind, "filterText": offer.label,
            "textEdit": { "range": range, "newText": offer.insert.unwrap_or_else(|| offer.label.clone()) },
        });
        if !offer.detail.is_empty() {
            item["detail"] = mask.text(&offer.detail).into();
        }
        if !offer.text.is_empty() {
            item["documentation"] = json!({ "kind": "markdown", "value": mask.text(&offer.text) });
        }
        item
    });
    json!({ "isIncomplete": is_incomplete, "items": items.collect::<Vec<_>>() })
}

/// Variables, or filters after `|`.
fn in_variable(
    view: &DocumentView<'_>,
    inside: &str,
    range: &std::ops::Range<usize>,
    place: Option<&CursorPlace>,
) -> Vec<Offer> {
    let rest = view.text[range.end..].lines().next().unwrap_or_default();
    let tail = if rest.trim_start().starts_with("}}") || rest.trim_start().starts_with('|') {
        ""
    } else {
        " }}"
    };
    let lead = if inside.is_empty() || inside.ends_with('|') {
        " "
    } else {
        ""
    };
    let insert = |name: &str| Some(format!("{lead}{name}{tail}"));
    if inside.contains('|') {
        let names = Filter::NAMES
            .iter()
            .map(|(name, _)| *name)
            .chain(["add 5m", "subtract 5m"]);
        let offer = |name: &str| Offer {
            insert: insert(name),
            ..Offer::new(name, kind::FUNCTION, "filter")
        };
        return names.map(offer).collect();
    }
    let names = match (&view.role, place) {
        (FileRole::Config, _) => inputs_of_project(view),
        (_, Some(place)) => {
            let suite = view.suite();
            let names = view.scope(&place.root, suite.as_ref()).variables(&place.path);
            names
                .into_iter()
                .map(|name| Offer::new(name.name, kind::VARIABLE, name.about).text(name.text))
                .collect()
        }
        // The document cannot be read: the names of the suite are known nevertheless.
        (_, None) => {
            let (suite, document) = (view.suite(), view.readable());
            let names = document.map(|document| view.scope(&document, suite.as_ref()).variables(&[]));
            let names = names.unwrap_or_default().into_iter();
            names
                .map(|name| Offer::new(name.name, kind::VARIABLE, name.about).text(name.text))
                .collect()
        }
    };
    let with_insert = |offer: Offer| Offer {
        insert: insert(&offer.label),
        ..offer
    };
    names.into_iter().map(with_insert).collect()
}

/// The inputs of all suites.
fn inputs_of_project(view: &DocumentView<'_>) -> Vec<Offer> {
    let inputs = view.inspected.workspace.suites.inputs();
    let about = |is_secret: bool| if is_secret { "secret input" } else { "input" };
    inputs
        .into_iter()
        .map(|(name, is_secret)| Offer::new(name, kind::VARIABLE, about(is_secret)))
        .collect()
}

/// The keys that the mapping does not have yet.
fn keys(view: &DocumentView<'_>, place: &CursorPlace, range: &std::ops::Range<usize>) -> Vec<Offer> {
    let rest = view.text[range.end..].lines().next().unwrap_or_default();
    let has_sign = rest.trim_start().starts_with([':', '=']);
    let sign = match view.syntax() {
        _ if has_sign => "",
        DocumentSyntax::Yaml => ": ",
        DocumentSyntax::Toml => " = ",
    };
    let known = schema_of(&view.role)
        .map(|schema| keys_at(schema, &place.path))
        .unwrap_or_default();
    let mut offers: Vec<_> = (known.into_iter())
        .map(|(name, text)| Offer::new(name, kind::PROPERTY, "").text(text))
        .collect();
    offers.extend(names_as_keys(view, place));
    let siblings = place.siblings();
    offers.retain(|offer| !siblings.contains(&offer.label.as_str()));
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
    };
    let quoted = |text: &str| match view.syntax() {
        DocumentSyntax::Toml if !plain(text) => format!("\"{text}\""),
        _ => text.to_owned(),
    };
    let with_sign = |offer: Offer| Offer {
        insert: Some(format!("{}{sign}", quoted(&offer.label))),
        ..offer
    };
    offers.into_iter().map(with_sign).collect()
}

/// Keys that are names of the project.
fn names_as_keys(view: &DocumentView<'_>, place: &CursorPlace) -> Vec<Offer> {
    let path: Vec<_> = place
        .path
        .iter()
        .map(|step| match step {
            DocumentStep::Key(key) => key.as_str(),
            DocumentStep::Item(_) => "",
        })
        .collect();
    let workspace = &view.inspected.workspace;
    match (&view.role, path.as_slice()) {
        (FileRole::Config, ["targets", _, list @ ("vars" | "secrets")]) => {
            let is_secret = *list == "secrets";
            let mut inputs = workspace.suites.inputs();
            inputs.retain(|_, secret| *secret == is_secret);
            let about = if is_secret { "secret input" } else { "input" };
            inputs
                .into_keys()
                .map(|name| Offer::new(name, kind::VARIABLE, about))
                .collect()
        }
        // The columns of the other rows.
        (FileRole::Case { .. }, ["examples", _]) => {
            let rows = place
                .root
                .get("examples")
                .map(crate::source::Node::entries)
                .unwrap_or_default();
            let columns: BTreeSet<_> = rows
                .iter()
                .flat_map(|(_, row)| row.entries())
                .map(|(key, _)| &*key.text)
                .collect();
            let columns = columns.into_iter().filter(|name| *name != MARK);
            columns.map(|name| Offer::new(name, kind::VARIABLE, "column")).collect()
        }
        // `{name}` in the path of the request.
        (_, [.., "request", "params"]) => {
            let request = at(&place.root, &place.path[..place.path.len() - 1]);
            let path = request
                .and_then(|request| text(request.get("path")?))
                .unwrap_or_default();
            let names = path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0));
            let names = names.filter(|name| !name.is_empty());
            names
                .map(|name| Offer::new(name, kind::VARIABLE, "parameter of the path"))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The values of a key.
fn values(view: &DocumentView<'_>, place: &CursorPlace, range: &std::ops::Range<usize>, typed: &str) -> Vec<Offer> {
    let fixed = schema_of(&view.role)
        .map(|schema| texts_at(schema, &place.path))
        .unwrap_or_default();
    let fixed = fixed.into_iter().map(|text| Offer::new(text, kind::VALUE, ""));
    let mut offers = Vec::new();
    let key = place.last_key().unwrap_or_default();
    let suites = &view.inspected.workspace.suites;
    match view.role {
        FileRole::Case { .. } | FileRole::Suite { .. } => {
            let suite = view.suite();
            let scope = view.scope(&place.root, suite.as_ref());
            offers.extend(names_as_values(view, &scope, place, key, typed));
        }
        FileRole::Config | FileRole::Accepted => {
            let cases = || {
                suites
                    .cases
                    .iter()
                    .map(|case| (case.id.as_str(), case.def.name.as_deref()))
            };
            let ids = |all: Vec<(&str, Option<&str>)>| {
                all.into_iter()
                    .map(|(id, name)| Offer::new(id, kind::REFERENCE, name.unwrap_or_default()))
                    .collect::<Vec<_>>()
            };
            offers.extend(match key {
                "case" => ids(cases().collect()),
                "suite" => ids(suites
                    .suites
                    .iter()
                    .map(|suite| (suite.id.as_str(), suite.def.name.as_deref()))
                    .collect()),
                "rule" => CHANGE_RULES
                    .iter()
                    .map(|rule| Offer::new(rule.id, kind::VALUE, "").text(rule.reason))
                    .collect(),
                "default_target" => targets(view),
                "effects" => counted(suites.cases.iter().flat_map(|case| &case.def.effects)),
                "capture" => captures_of_case(view, place),
                _ => Vec::new(),
            });
        }
        FileRole::Schema | FileRole::Other => {}
    }
    // Of two with the same label, the first is kept: the one with a text.
    offers.extend(fixed);
    if view.syntax() == DocumentSyntax::Toml {
        let is_quoted = view.text[..range.start].ends_with('"');
        for offer in offers
            .iter_mut()
            .filter(|offer| !is_quoted && !["true", "false"].contains(&offer.label.as_str()))
        {
            offer.insert = Some(format!("\"{}\"", offer.label));
        }
    }
    offers
}

fn targets(view: &DocumentView<'_>) -> Vec<Offer> {
    let names = view
        .inspected
        .workspace
        .project
        .targets
        .iter()
        .map(|(name, _)| name.as_str());
    names
        .chain(["reference"])
        .map(|name| Offer::new(name, kind::VALUE, "target"))
        .collect()
}

/// Names, each with the number of cases that have it.
fn counted<'n>(names: impl Iterator<Item = &'n String>) -> Vec<Offer> {
    let mut counts = BTreeMap::<&str, usize>::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let offer = |(name, count): (&str, usize)| {
        let cases = if count == 1 { "case" } else { "cases" };
        Offer::new(name, kind::VALUE, format!("{count} {cases}"))
    };
    counts.into_iter().map(offer).collect()
}

/// What the login case of a secret captures.
fn captures_of_case(view: &DocumentView<'_>, place: &CursorPlace) -> Vec<Offer> {
    let table = at(&place.root, &place.path[..place.path.len().saturating_sub(1)]);
    let id = table.and_then(|table| text(table.get("case")?)).unwrap_or_default();
    let suites = &view.inspected.workspace.suites;
    let case = suites.cases.iter().find(|case| case.id == id);
    let captures = case
        .into_iter()
        .flat_map(|case| &case.def.steps)
        .flat_map(|step| &step.capture);
    captures
        .map(|capture| Offer::new(&*capture.name, kind::VARIABLE, "capture"))
        .collect()
}

/// Values of a case or suite that are names.
fn names_as_values(
    view: &DocumentView<'_>,
    scope: &ScopeFiles<'_>,
    place: &CursorPlace,
    key: &str,
    typed: &str,
) -> Vec<Offer> {
    let workspace = &view.inspected.workspace;
    let cases = &workspace.suites.cases;
    let is_in_follow = place
        .path
        .iter()
        .any(|step| *step == DocumentStep::Key("follow".to_owned()));
    match key {
        "tags" => counted(cases.iter().flat_map(|case| &case.def.tags)),
        "effects" => counted(cases.iter().flat_map(|case| &case.def.effects)),
        "follow" | "same_as" | "since" => steps(scope, place),
        "step" if is_in_follow => steps(scope, place),
        "endpoint" => {
            let inputs = scope.inputs().into_iter().filter(|(_, is_endpoint)| *is_endpoint);
            inputs
                .map(|(input, _)| Offer::new(input.name, kind::REFERENCE, input.about).text(input.text))
                .collect()
        }
        "identity" => {
            let targets = workspace.project.targets.iter();
            let names = targets.flat_map(|(_, target)| target.identities.iter().map(|(key, _)| key.text.to_string()));
            let names: BTreeSet<_> = names.chain([NO_IDENTITY.to_owned()]).collect();
            names
                .into_iter()
                .map(|name| Offer::new(name, kind::VALUE, "identity"))
                .collect()
        }
        "schema" | "$schema" => schemas(view, typed),
        _ => Vec::new(),
    }
}

fn steps(scope: &ScopeFiles<'_>, place: &CursorPlace) -> Vec<Offer> {
    let steps = scope.steps(&place.path).into_iter();
    steps
        .map(|step| Offer::new(step.name, kind::REFERENCE, step.text))
        .collect()
}

/// Schema files, or after `#` the parts of a file.
fn schemas(view: &DocumentView<'_>, typed: &str) -> Vec<Offer> {
    let store = &view.inspected.workspace.schemas;
    let about = |value: &Value| {
        let text = value.get("title").or_else(|| value.get("description"));
        text.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let Some((file, pointer)) = typed.split_once('#') else {
        let files = store.names().map(|name| {
            let about = store.value(name, "").map(about).unwrap_or_default();
            Offer::new(name, kind::FILE, "schema").text(about)
        });
        return files.collect();
    };
    let Some(document) = store.value(file, "") else {
        return Vec::new();
    };
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let lists = [parent, "/$defs", "/definitions", "/components/schemas"];
    let mut offers = Vec::new();
    for list in lists {
        let Some(Value::Object(entries)) = document.pointer(list) else {
            continue;
        };
        for (name, value) in entries.iter().filter(|(_, value)| value.is_object()) {
            let name = name.replace('~', "~0").replace('/', "~1");
            offers.push(Offer::new(format!("{file}#{list}/{name}"), kind::REFERENCE, "schema").text(about(value)));
        }
    }
    offers
}
