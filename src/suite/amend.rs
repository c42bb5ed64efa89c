//! Expectations of a case file with added lines.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value};

use super::{
    decode::{self, DecodeContext, Folders},
    decode_expect,
    def::{Case, DurationDef, ExpectDef, NamedValue, SnapshotsDef},
    def_step::StepDef,
    inherit::inherit,
    load::refuse_empty,
    template::Template,
    vacuous,
};
use crate::{
    schema::SchemaStore,
    source::{Diagnostics, FileId, Kind, Node, Sources, parse_yaml},
};

/// A case file and the `suite.yaml` beside it, ready for additions.
#[derive(Debug)]
pub(crate) struct CaseFile {
    /// The content of the file without its rows.
    own: Node,
    /// The content of `suite.yaml`.
    shared: Option<Node>,
    file: FileId,
    method: Option<Template>,
    timeout: Option<DurationDef>,
    known: BTreeSet<String>,
}

/// The expectations of a file to which lines were added.
#[derive(Debug)]
pub(crate) struct Amended {
    pub(crate) expect: ExpectDef,
    pub(crate) snapshots: SnapshotsDef,
}

impl CaseFile {
    /// Reads the file of a case from the sources.
    pub(crate) fn read(case: &Case, sources: &Sources) -> Option<Self> {
        // Additions to the steps of a case have no advice yet.
        let [step] = case.def.steps.as_slice() else { return None };
        if case.probe.is_some() || case.is_explored {
            return None;
        }
        let file = case.span.file;
        let parse = |text: &str| parse_yaml(text, file, &mut Diagnostics::default());
        let mut own = parse(sources.text(file))?;
        if let Kind::Map(entries) = &mut own.kind {
            entries.retain(|(key, _)| &*key.text != "examples");
        }
        let path = sources.path(file);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let shared = format!("{folder}/suite.yaml");
        let shared = sources.files().find(|(path, _)| *path == shared);
        let suite = &case.suite.def;
        let inputs = suite.inputs.iter().map(|(name, _)| name.as_str());
        let rows = case.def.examples.iter().flat_map(NamedValue::names);
        let known = inputs
            .chain(suite.vars.names())
            .chain(case.def.vars.names())
            .chain(rows);
        Some(Self {
            own,
            shared: shared.and_then(|(_, text)| parse(text)),
            file,
            method: step.request.method.clone(),
            timeout: step.timeout.clone(),
            known: known.map(str::to_owned).collect(),
        })
    }

    /// The expectations with these lines added: mappings are merged key by key, anything else is replaced.
    /// `None` if the file would contain an error.
    pub(crate) fn with(&self, lines: &str, schemas: &SchemaStore) -> Option<Amended> {
        let mut errors = Diagnostics::default();
        let mut amended = self.own.clone();
        lay(&mut amended, parse_yaml(lines, self.file, &mut errors)?);
        refuse_empty(&amended, &mut errors);
        let merged = inherit(self.shared.as_ref(), amended, &mut errors);
        let mut cx = DecodeContext::new(
            Folders::same(Path::new("")),
            schemas,
            Some(self.known.clone()),
            &mut errors,
        );
        let (expect, snapshots) = (merged.get("expect"), merged.get("snapshots"));
        let mut step = StepDef {
            timeout: self.timeout.clone(),
            expect: expect
                .map(|node| decode_expect::expect(node, &mut cx))
                .unwrap_or_default(),
            snapshots: snapshots
                .map(|node| decode::snapshots(node, &mut cx))
                .unwrap_or_default(),
            ..StepDef::default()
        };
        step.request.method.clone_from(&self.method);
        vacuous::check(&step, &mut errors);
        let StepDef { expect, snapshots, .. } = step;
        errors.is_empty().then_some(Amended { expect, snapshots })
    }

    /// Completes an addition with inherited values that it would otherwise replace: expectations that are inherited
    /// whole from `suite.yaml`. A header field takes the spelling that the file uses.
    pub(crate) fn complete(&self, addition: &mut Value) {
        let inherited = |path: &[&str]| match at(&self.own, path) {
            None => at(self.shared.as_ref()?, path),
            Some(_) => None,
        };
        for key in ["json", "text"] {
            if let Some(new) = addition.pointer_mut(&format!("/expect/body/{key}"))
                && let Some(base) = inherited(&["expect", "body", key])
            {
                *new = laid(base.to_json(), new.take());
            }
        }
        let Some(Value::Object(headers)) = addition.pointer_mut("/expect/headers") else {
            return;
        };
        let find = |node: Option<&Node>, name: &str| {
            let entries = node.map(Node::entries).unwrap_or_default();
            let found = entries.iter().find(|(key, _)| key.text.eq_ignore_ascii_case(name));
            found.map(|(key, value)| (key.text.to_string(), value.to_json()))
        };
        let path = ["expect", "headers"];
        let (own, shared) = (
            at(&self.own, &path),
            self.shared.as_ref().and_then(|shared| at(shared, &path)),
        );
        let mut renamed = Map::new();
        for (name, new) in std::mem::take(headers) {
            match (find(own, &name), find(shared, &name)) {
                (Some((spelling, _)), _) => drop(renamed.insert(spelling, new)),
                (None, Some((_, base))) => drop(renamed.insert(name, laid(base, new))),
                (None, None) => drop(renamed.insert(name, new)),
            }
        }
        *headers = renamed;
    }
}

fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| node.get(key))
}

/// Merges one mapping into another, key by key; anything else is replaced.
fn lay(under: &mut Node, over: Node) {
    match (&mut under.kind, over.kind) {
        (Kind::Map(entries), Kind::Map(added)) => {
            for (key, value) in added {
                match entries.iter_mut().find(|(known, _)| known.text == key.text) {
                    Some((_, under)) => lay(under, value),
                    None => entries.push((key, value)),
                }
            }
        }
        (under, over) => *under = over,
    }
}

/// The same for values.
fn laid(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let base = under.remove(&key);
                under.insert(key, base.map_or(value.clone(), |base| laid(base, value)));
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}
