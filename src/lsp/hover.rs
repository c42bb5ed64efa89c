//! What the word at a position means, and what a case inherits.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    cursor::{CursorPlace, DocumentStep, WordRole, at, places, variable, word},
    keys::{description, schema_of},
    position::LineIndex,
    role::FileRole,
    scope::is_sensitive,
    view::DocumentView,
};
use crate::{
    model::CREDENTIALS,
    source::{Diagnostics, FileId, Kind, Node, parse_yaml},
    suite::{inherit, inherit_step},
};

/// Maximum number of inherited lines that are shown.
const MAX_LINES: usize = 40;

/// What is shown at a byte of a document; `null` for nothing.
pub(super) fn hover(view: &DocumentView<'_>, offset: usize) -> Value {
    let range = word(view.text, offset);
    let places = places(view.text, &range, view.syntax());
    let name = &view.text[range.clone()];
    let text = if variable(view.text, range.start).is_some() {
        places.first().and_then(|place| of_variable(view, place, name))
    } else {
        let key = places
            .iter()
            .find(|place| place.role == WordRole::Key && !name.is_empty());
        let value = places.iter().find(|place| place.role == WordRole::Value);
        let is_key = view.text[range.end..]
            .trim_start_matches([' ', '"', '\''])
            .starts_with([':', '=']);
        match (key, value) {
            (Some(place), _) if is_key => Some(of_key(view, place, name)),
            (_, Some(place)) => of_value(view, place, name),
            _ => None,
        }
    };
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Value::Null;
    };
    let lines = LineIndex::new(view.text, view.unit);
    let contents = json!({ "kind": "markdown", "value": view.inspected.mask.text(&text) });
    json!({ "contents": contents, "range": lines.range(range) })
}

fn of_variable(view: &DocumentView<'_>, place: &CursorPlace, name: &str) -> Option<String> {
    if view.role == FileRole::Config {
        let inputs = view.inspected.workspace.suites.inputs();
        let kind = if *inputs.get(name)? { "secret input" } else { "input" };
        return Some(format!("`{name}`: {kind}"));
    }
    let suite = view.suite();
    let names = view.scope(&place.root, suite.as_ref()).variables(&place.path);
    let found = names.into_iter().find(|known| known.name == name)?;
    Some(
        format!("`{name}`: {}\n\n{}", found.about, found.text)
            .trim_end()
            .to_owned(),
    )
}

fn of_key(view: &DocumentView<'_>, place: &CursorPlace, name: &str) -> String {
    let mut path = place.path.clone();
    path.push(DocumentStep::Key(name.to_owned()));
    let text = schema_of(&view.role).and_then(|schema| description(schema, &path));
    let mut shown = text.map(|text| format!("`{name}`: {text}")).unwrap_or_default();
    if let FileRole::Case { .. } = view.role
        && let Some(inherited) = inherited(view, &path)
    {
        let _ = write!(shown, "\n\n{inherited}");
    }
    shown.trim().to_owned()
}

fn of_value(view: &DocumentView<'_>, place: &CursorPlace, name: &str) -> Option<String> {
    let workspace = &view.inspected.workspace;
    match place.last_key()? {
        "schema" | "$schema" => {
            let (file, pointer) = name.split_once('#').unwrap_or((name, ""));
            let schema = workspace.schemas.value(file, pointer)?;
            let part = |key: &str| schema.get(key).and_then(Value::as_str);
            let texts: Vec<_> = ["title", "description"].into_iter().filter_map(part).collect();
            Some(
                format!("schema `{name}`\n\n{}", texts.join("\n\n"))
                    .trim_end()
                    .to_owned(),
            )
        }
        "case" => {
            let case = workspace.suites.cases.iter().find(|case| case.id == name)?;
            Some(
                format!("case `{name}`\n\n{}", case.name().unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            )
        }
        "follow" | "same_as" | "since" | "step" => {
            let suite = view.suite();
            let steps = view.scope(&place.root, suite.as_ref()).steps(&place.path);
            let step = steps.into_iter().find(|step| step.name == name)?;
            Some(format!("step `{name}`: `{}`", step.text))
        }
        _ => None,
    }
}

/// The keys that a case or a step inherits at a path, each with its line: below the path, and at the top of the case also the
/// keys that it has nothing of.
fn inherited(view: &DocumentView<'_>, path: &[DocumentStep]) -> Option<String> {
    let suite_text = view.suite_text();
    let (suite_file, case_file) = (FileId::default(), FileId::default().next());
    let mut errors = Diagnostics::default();
    let suite = suite_text
        .as_ref()
        .and_then(|text| parse_yaml(text, suite_file, &mut errors));
    // A line that is being written is left out by the search for the place.
    let own = parse_yaml(view.text, case_file, &mut errors)?;
    let case = inherit(suite.as_ref(), own.clone(), &mut errors);
    let (merged, own, path) = match path {
        [DocumentStep::Key(list), DocumentStep::Item(_), rest @ ..]
            if ["setup", "steps", "teardown"].contains(&list.as_str()) =>
        {
            let step = at(&own, &path[..2])?;
            // A case without `steps` has a request of its own.
            let base = if own.get("steps").is_some() {
                Some(&case)
            } else {
                suite.as_ref()
            };
            (inherit_step(base, step.clone(), &mut errors), step.clone(), rest)
        }
        _ => (case, own, path),
    };
    let mut lines = Vec::new();
    for (key, value) in merged.entries() {
        let is_hovered = path.first() == Some(&DocumentStep::Key(key.text.to_string()));
        let is_new = own.get(&key.text).is_none();
        if is_hovered && path.len() > 1 {
            if let (Some(value), mine) = (at(&merged, path), at(&own, path)) {
                gather(value, mine, "", 0, suite_file, &mut lines);
            }
        } else if is_hovered {
            let mut below = Vec::new();
            gather(value, own.get(&key.text), &key.text, 1, suite_file, &mut below);
            if !below.is_empty() {
                lines.push(format!("{}:", key.text));
                lines.append(&mut below);
            }
        } else if is_new && path.len() == 1 {
            entry(&key.text, value, 0, suite_file, &mut lines);
        }
    }
    if lines.is_empty() {
        return None;
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    if more > 0 {
        lines.push(format!("# {more} more lines"));
    }
    Some(format!("Inherited:\n\n```yaml\n{}\n```", lines.join("\n")))
}

/// The entries of a merged mapping that are not in the own one.
fn gather(merged: &Node, own: Option<&Node>, name: &str, depth: usize, suite: FileId, lines: &mut Vec<String>) {
    let Kind::Map(entries) = &merged.kind else {
        return;
    };
    for (key, value) in entries {
        let is_header = name == "headers" || name == "trailers";
        let same = |other: &str| {
            if is_header {
                other.eq_ignore_ascii_case(&key.text)
            } else {
                *other == *key.text
            }
        };
        let mine = own
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .find(|(other, _)| same(&other.text));
        match mine {
            None => entry(&key.text, value, depth, suite, lines),
            Some((_, mine)) if matches!((&mine.kind, &value.kind), (Kind::Map(_), Kind::Map(_))) => {
                let mut below = Vec::new();
                gather(value, Some(mine), &key.text, depth + 1, suite, &mut below);
                if !below.is_empty() {
                    lines.push(format!("{:indent$}{}:", "", key.text, indent = 2 * depth));
                    lines.append(&mut below);
                }
            }
            Some(_) => {}
        }
    }
}

/// An inherited entry, with the line where it is written.
fn entry(key: &str, value: &Node, depth: usize, suite: FileId, lines: &mut Vec<String>) {
    let indent = 2 * depth;
    let file = if value.span.file == suite {
        "suite.yaml"
    } else {
        "this file"
    };
    let origin = format!("# {file}:{}", value.span.line);
    let is_credential = |key: &str| is_sensitive(key) || CREDENTIALS.contains(&key.to_ascii_lowercase().as_str());
    match &value.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            lines.push(format!("{:indent$}{key}:", ""));
            for (inner, value) in entries {
                entry(&inner.text, value, depth + 1, suite, lines);
            }
        }
        Kind::String(text) => {
            let text = if is_credential(key) {
                only_variables(text)
            } else {
                text.clone()
            };
            let text = serde_json::to_string(&text).unwrap_or_default();
            lines.push(format!("{:indent$}{key}: {text}  {origin}", ""));
        }
        _ if is_credential(key) => lines.push(format!("{:indent$}{key}: \"***\"  {origin}", "")),
        _ => lines.push(format!("{:indent$}{key}: {}  {origin}", "", value.to_json())),
    }
}

/// A credential without its literal parts, except the name of a scheme.
fn only_variables(text: &str) -> String {
    let (mut shown, mut rest) = (String::new(), text);
    if let Some((scheme, after)) = text
        .split_once(' ')
        .filter(|(scheme, _)| ["Bearer", "Basic"].contains(scheme))
    {
        shown = format!("{scheme} ");
        rest = after;
    }
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if !before.is_empty() {
            shown.push_str("***");
        }
        let _ = write!(shown, "{{{{{name}}}}}");
        rest = after;
    }
    if !rest.is_empty() {
        shown.push_str("***");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_credential_is_hidden() {
        for (text, shown) in [
            ("Bearer {{ token }}", "Bearer {{ token }}"),
            ("Bearer abc", "Bearer ***"),
            ("a{{ b }}c", "***{{ b }}***"),
            ("", ""),
            ("{{ b", "{{ b}}"),
        ] {
            assert_eq!(only_variables(text), shown);
        }
    }
}
