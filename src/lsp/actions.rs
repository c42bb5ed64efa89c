//! Lenses that run cases, and actions that correct names and add what `mutate` advises.

use serde_json::{Value, json};

use super::{
    cursor::{DocumentSyntax, parse},
    insert::addition,
    jobs::Advised,
    position::{LineIndex, TextRange},
    project::OpenProject,
    role::FileRole,
    view::DocumentView,
};
use crate::source::{Node, Span};

/// The command that runs cases: its arguments are an id of a case or a suite and the folder of the project.
pub(super) const RUN: &str = "conforme.run";
/// Maximum number of lenses of a file.
const MAX_LENSES: usize = 1000;

/// The lenses of a document: one for the case or the suite, and one for each row of a table.
pub(super) fn lenses(view: &DocumentView<'_>) -> Value {
    let (id, title) = match &view.role {
        FileRole::Case { id, .. } => (id, "Run"),
        FileRole::Suite { suite } => (suite, "Run suite"),
        _ => return Value::Null,
    };
    let lines = LineIndex::new(view.text, view.unit);
    let root = view.inspected.workspace.project.root.display().to_string();
    let lens = |span: Option<Span>, title: &str, id: &str| {
        let range = span.map(|span| lines.range(lines.bytes(span))).unwrap_or_default();
        json!({ "range": range, "command": { "title": title, "command": RUN, "arguments": [id, root] } })
    };
    let document = parse(view.text, DocumentSyntax::Yaml);
    let entries = document.as_ref().map(Node::entries).unwrap_or_default();
    let first = entries.first().map(|(key, _)| key.span);
    let mut all = vec![lens(first, title, id)];
    if let FileRole::Case { .. } = view.role {
        let rows = document.as_ref().and_then(|document| document.get("examples"));
        let rows = rows.map(Node::entries).unwrap_or_default().iter().take(MAX_LENSES);
        all.extend(rows.map(|(key, _)| lens(Some(key.span), "Run row", &format!("{id}[{}]", key.text))));
    }
    all.into()
}

/// The actions at a range of a document.
pub(super) fn actions(view: &DocumentView<'_>, uri: &str, range: &TextRange, project: &OpenProject) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let lines = LineIndex::new(view.text, view.unit);
    for found in project.found.get(view.path).into_iter().flatten() {
        let Some((place, name)) = found.correction.as_ref().filter(|_| found.range.touches(range)) else {
            continue;
        };
        all.push(json!({
            "title": format!("Change to `{name}`"), "kind": "quickfix", "isPreferred": true,
            "diagnostics": [found.to_json()], "edit": edit(uri, &[json!({ "range": place, "newText": name })]),
        }));
    }
    let on_line = |advised: &&Advised| range.start.line <= advised.line && advised.line <= range.end.line;
    let advised = project.advised.get(view.path).into_iter().flatten();
    for advised in advised.filter(on_line) {
        let Some(edits) = addition(view.text, &advised.lines) else {
            continue;
        };
        let edits = edits
            .into_iter()
            .map(|(bytes, text)| json!({ "range": lines.range(bytes), "newText": text }));
        all.push(json!({
            "title": format!("Add the check that detects: {}", view.inspected.mask.text(&advised.message)), "kind": "quickfix",
            "edit": edit(uri, &edits.collect::<Vec<_>>()),
        }));
    }
    all.into()
}

fn edit(uri: &str, edits: &[Value]) -> Value {
    json!({ "changes": { uri: edits } })
}
