//! Rows of `explored`: requests that `conforme explore` found, each a case of its own.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde_json::Value;

use super::{
    decode::{DecodeContext, Folders, is_slug, request},
    decode_expect::expect,
    def::{Case, CaseDef, ExpectDef, RequestDef, StatusDef, Suite, Written},
    def_step::StepDef,
    inherit::{inherit, inherit_request},
    load::{self, Suites},
    steps::StepNodes,
    vacuous,
};
use crate::{
    check::{StatusItem, StatusSet},
    model::Phase,
    schema::SchemaStore,
    source::{Diagnostic, Diagnostics, Fields, FileId, Key, Kind, Node, Sources, Span, parse_yaml, string},
};

/// Classes of statuses of a server that works. 5xx is none of them.
const WORKING: [u16; 3] = [2, 3, 4];

/// A row of `explored`.
#[derive(Clone, Debug)]
pub struct ExploredDef {
    /// Its name.
    pub name: Arc<str>,
    /// Where it was written.
    pub span: Span,
    /// The step whose request is replaced, by its index.
    pub step: usize,
    /// The request with the inherited parts.
    pub request: RequestDef,
    /// The variables and captures of the request.
    pub uses: BTreeSet<String>,
    /// The expected response.
    pub expect: ExpectDef,
}

/// What may be written for a row of `explored`.
#[derive(JsonSchema)]
#[schemars(rename = "Explored", deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what may be written, for editors")]
pub(super) struct ExploredText {
    /// What was found, for readers.
    note: Option<String>,
    /// The step whose request is replaced; by default the last one.
    step: Option<String>,
    /// What differs from the request of the case, or of the step; `null` removes an entry.
    request: RequestDef,
    /// The expected response, instead of that of the case; by default any status but 5xx.
    expect: Option<ExpectDef>,
}

/// Reads the rows of a case whose other keys are in `def` already.
pub(super) fn explored(
    node: &Node,
    case: &Node,
    steps: &StepNodes,
    def: &CaseDef,
    cx: &mut DecodeContext<'_>,
) -> Vec<ExploredDef> {
    if matches!(&node.kind, Kind::Map(rows) if rows.is_empty()) {
        cx.error(Diagnostic::new(node.span, "`explored` without a row makes no case"));
    }
    let rows = def.examples.len();
    cx.entries(node, "a mapping from names to rows", |cx, key, value| {
        if !is_slug(&key.text) {
            let error = Diagnostic::new(key.span, format!("`{}` cannot name a row", key.text));
            cx.error(error.help("use letters, digits, `-`, `_` and `.`: it becomes part of the case's id"));
        }
        let is_example = |(key_of_row, _): &(Key, Node)| key_of_row.text == key.text;
        if rows > 0
            && case
                .get("examples")
                .is_some_and(|all| all.entries().iter().any(is_example))
        {
            let error = Diagnostic::new(key.span, format!("`{}` is a row of `examples` too", key.text));
            cx.error(error.help("give one of them another name: both would be one case"));
        }
        row(value, (&key.text, key.span), case, steps, def, cx)
    })
}

fn row(
    node: &Node,
    (name, span): (&Arc<str>, Span),
    case: &Node,
    steps: &StepNodes,
    def: &CaseDef,
    cx: &mut DecodeContext<'_>,
) -> Option<ExploredDef> {
    let mut all = Fields::of(
        node,
        "a row of `explored` (such as `{ request: { query: { limit: 0 } } }`)",
        cx.errors,
    )?;
    all.read("note", cx.errors, string);
    let (named, own, expected) = (all.take("step"), all.take("request"), all.take("expect"));
    all.finish(cx.errors);
    let Some(own) = own else {
        let error = Diagnostic::new(span, format!("the row `{name}` has no `request`"));
        cx.error(error.help("write what differs from the request of the case"));
        return None;
    };
    let step = step(named, span, def, cx)?;
    let base = steps.request_of(step, case);
    let merged = inherit_request(base, own, cx.errors);
    let before = std::mem::take(&mut cx.used);
    let request = request(&merged, true, cx);
    let uses = cx.used.clone();
    cx.used.extend(before);
    Some(ExploredDef {
        name: Arc::clone(name),
        span,
        step,
        request,
        uses,
        expect: expectation(expected, span, cx),
    })
}

/// The index of the step whose request is replaced.
fn step(named: Option<&Node>, span: Span, def: &CaseDef, cx: &mut DecodeContext<'_>) -> Option<usize> {
    let is_main = |step: &StepDef| step.phase == Phase::Main;
    let Some(node) = named else {
        let last = def.steps.iter().rposition(is_main)?;
        return usable(last, span, def, cx);
    };
    let id = cx.string(node)?;
    let Some(found) = def.steps.iter().position(|step| is_main(step) && step.id == id) else {
        let error = Diagnostic::new(node.span, format!("no step `{id}` in `steps`"));
        let known = def
            .steps
            .iter()
            .filter(|step| is_main(step))
            .map(|step| step.id.as_str());
        cx.error(error.suggest(&id, known));
        return None;
    };
    usable(found, node.span, def, cx)
}

fn usable(index: usize, span: Span, def: &CaseDef, cx: &mut DecodeContext<'_>) -> Option<usize> {
    let step = &def.steps[index];
    if step.mail.is_some() || step.follow.is_some() || step.expect.tls.is_some() {
        let error = Diagnostic::new(span, "the request of this step cannot be replaced");
        cx.error(error.help("name a step with a `request`: `step: ID`"));
        return None;
    }
    Some(index)
}

fn expectation(node: Option<&Node>, span: Span, cx: &mut DecodeContext<'_>) -> ExpectDef {
    let mut expected = node.map(|node| expect(node, cx)).unwrap_or_default();
    let span = node.map_or(span, |node| node.span);
    for (name, is_there) in [
        ("same_as", expected.same_as.is_some()),
        ("snapshot", expected.snapshot.is_some()),
        ("tls", expected.tls.is_some()),
    ] {
        if is_there {
            cx.error(Diagnostic::new(
                span,
                format!("a row of `explored` cannot expect `{name}`"),
            ));
        }
    }
    if expected.status.is_none() {
        let items = WORKING.map(StatusItem::Class).to_vec();
        let value = StatusDef::Fixed(StatusSet(items));
        expected.status = Some(Written { value, span });
    }
    let step = StepDef {
        expect: expected.clone(),
        ..StepDef::default()
    };
    vacuous::check(&step, cx.errors);
    expected
}

/// A case file that gets rows of `explored` in memory.
pub(crate) struct ExploredFile {
    /// The content of the file without what makes several cases of it.
    own: Node,
    shared: Option<Node>,
    suite: Arc<Suite>,
    stem: String,
    file: FileId,
    /// The folder of the project.
    project: PathBuf,
    /// The rows that it has: name, step, and request.
    rows: Vec<(String, Option<String>, Value)>,
}

impl ExploredFile {
    /// Reads the file of a case from the sources; `None` for a file that is not a case.
    pub(crate) fn read(case: &Case, sources: &Sources) -> Option<Self> {
        let file = case.span.file;
        let parse = |text: &str| parse_yaml(text, file, &mut Diagnostics::default());
        let mut own = parse(sources.text(file))?;
        let rows = own
            .get("explored")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|(key, row)| {
                let step = row
                    .get("step")
                    .and_then(|step| step.to_json().as_str().map(str::to_owned));
                Some((key.text.to_string(), step, row.get("request")?.to_json()))
            });
        let rows = rows.collect();
        if let Kind::Map(entries) = &mut own.kind {
            entries.retain(|(key, _)| !["explored", "expect_probe", "probe"].contains(&&*key.text));
            for (_, table) in entries.iter_mut().filter(|(key, _)| &*key.text == "examples") {
                if let Kind::Map(rows) = &mut table.kind {
                    rows.truncate(1);
                }
            }
        }
        let path = sources.path(file);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let shared = format!("{folder}/suite.yaml");
        let shared = sources.files().find(|(path, _)| *path == shared);
        Some(Self {
            own,
            shared: shared.and_then(|(_, text)| parse(text)),
            suite: Arc::clone(&case.suite),
            stem: name.strip_suffix(".yaml")?.to_owned(),
            file,
            project: sources.root().to_owned(),
            rows,
        })
    }

    /// The rows that the file has: name, step, and what the request changes.
    pub(crate) fn rows(&self) -> &[(String, Option<String>, Value)] {
        &self.rows
    }

    /// The request of a step as it is written, with what it inherits. A first `$` that is doubled in a key of the body is single.
    pub(crate) fn request(&self, step: usize) -> Option<Value> {
        let mut errors = Diagnostics::default();
        let merged = inherit(self.shared.as_ref(), self.own.clone(), &mut errors);
        let steps = StepNodes::of(&merged, self.shared.as_ref(), &mut errors);
        let mut written = steps.request_of(step, &merged).map(Node::to_json)?;
        if let Some(body) = written.pointer_mut("/body/json") {
            *body = with_single_signs(body.take());
        }
        Some(written)
    }

    /// The cases of the file with these rows, as YAML: the first row of its table, which has the definition of all rows.
    pub(crate) fn with(&self, rows: &str, folder: &Path, schemas: &SchemaStore) -> Result<Arc<Case>, Diagnostics> {
        let mut errors = Diagnostics::default();
        let rows = parse_yaml(rows, self.file, &mut errors);
        let mut own = self.own.clone();
        if let (Kind::Map(entries), Some(rows)) = (&mut own.kind, rows) {
            let key = Key {
                text: Arc::from("explored"),
                span: rows.span,
            };
            entries.push((key, rows));
        }
        let mut loaded = Suites::default();
        let folders = Folders {
            project: &self.project,
            own: folder,
        };
        let (shared, suite) = (self.shared.as_ref(), &self.suite);
        load::case(
            own,
            shared,
            suite,
            &self.stem,
            folders,
            schemas,
            &mut loaded,
            &mut errors,
        );
        match loaded.cases.into_iter().next() {
            Some(case) if errors.is_empty() => Ok(case),
            _ => Err(errors),
        }
    }
}

fn with_single_signs(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_single_signs).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let key = key
                    .strip_prefix('$')
                    .filter(|rest| rest.starts_with('$'))
                    .map(str::to_owned)
                    .unwrap_or(key);
                (key, with_single_signs(value))
            });
            Value::Object(entries.collect())
        }
        other => other,
    }
}
