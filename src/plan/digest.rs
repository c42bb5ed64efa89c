//! Digests of the inputs of a verdict: a run with `--failed-from` repeats every
//! case whose digest has changed.
//!
//! Values of secrets are excluded: a digest in a recording would allow guessing them. A new token for the same
//! account does not change any expectation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Plan, Planned};
use crate::{
    mask::Masker,
    model::{CREDENTIALS, Digest},
    project::Target,
    schema::SchemaStore,
    source::{Digester, FileKind, Sources, read_file},
    suite::{Case, JsonDef, NamedValue, Template, TemplatePart},
};

impl Plan {
    /// Sets the digest of every case that is run.
    pub(crate) fn add_digests(&mut self, schemas: &SchemaStore, hide: &Masker) {
        let schemas = SchemaDigests::new(schemas);
        let digests: Vec<_> = (self.cases.iter())
            .map(|planned| planned.skip.is_none().then(|| self.digest(planned, &schemas, hide)))
            .collect();
        for (planned, digest) in self.cases.iter_mut().zip(digests) {
            planned.digest = digest;
        }
    }

    fn digest(&self, planned: &Planned, schemas: &SchemaDigests, hide: &Masker) -> Digest {
        let mut digester = Digester::new("case");
        // Another version of the program can have other checks.
        digester.part(env!("CARGO_PKG_VERSION"));
        self.add(&mut digester, &planned.case, schemas, hide);
        for step in &planned.skipped_steps {
            digester.part("skipped step");
            digester.part(step.index.to_le_bytes());
        }
        digester.finish()
    }

    fn add(&self, digester: &mut Digester, case: &Case, schemas: &SchemaDigests, hide: &Masker) {
        digester.digest(case.digest);
        // Rows are added here and not when files are read: few runs need their digests, and there can be very many.
        let row: Vec<_> = case.row().into_iter().flat_map(NamedValue::entries).collect();
        digester.part(row.len().to_le_bytes());
        for (name, value) in row {
            digester.part(name);
            add_json(digester, value);
        }
        if let Some(document) = &case.suite.def.openapi {
            digester.digest(document.digest());
        }
        for file in case.schemas.iter() {
            digester.digest(schemas.of(file));
        }
        let snapshots = case
            .def
            .steps
            .iter()
            .map(|step| self.binder.stored_snapshot(case, step));
        let snapshots: Vec<_> = snapshots.collect();
        // A snapshot contains the name of an input in place of its value.
        let inputs: BTreeSet<&str> = if snapshots.iter().all(Option::is_none) {
            case.needs.iter().map(String::as_str).collect()
        } else {
            case.suite.def.inputs.iter().map(|(name, _)| name.as_str()).collect()
        };
        for name in inputs {
            digester.part(name);
            add_value(digester, &self.target, name, hide);
        }
        for snapshot in snapshots {
            digester.part(match snapshot {
                None => "no snapshot".to_owned(),
                Some(None) => "no stored snapshot".to_owned(),
                Some(Some(text)) => format!("snapshot\n{text}"),
            });
        }
    }

    /// A digest of the target, limited to settings that affect requests and judging.
    pub(crate) fn target_digest(&self, sources: &Sources, hide: &Masker) -> Digest {
        let target = &self.target;
        let mut digester = Digester::new("target");
        // The embedded API listens on a different port each time.
        digester.part(if target.is_embedded {
            "embedded".to_owned()
        } else {
            hide.text(&target.base.to_string())
        });
        let limits = &target.limits;
        for number in [
            limits.timeout.as_nanos(),
            limits.connect_timeout.as_nanos(),
            limits.max_body as u128,
        ] {
            digester.part(number.to_le_bytes());
        }
        for (name, value) in &target.headers {
            digester.part(name.to_ascii_lowercase());
            let is_credential = CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
            add_template(&mut digester, value, is_credential, target, hide);
        }
        // The client's key is a secret.
        let client = target.tls.client.as_ref().map(|(chain, _)| chain);
        let identities = target.identities.values().map(|files| Some(&files.cert));
        for file in [target.tls.ca.as_ref(), client].into_iter().chain(identities) {
            let pem = file.and_then(|file| read_file(file, FileKind::Pem).ok());
            digester.part(pem.unwrap_or_default());
        }
        digester.part(settings(sources));
        digester.finish()
    }

    /// A digest of the ids of all selected cases.
    pub(crate) fn ids_digest(&self) -> Digest {
        let mut digester = Digester::new("ids");
        for planned in &self.cases {
            digester.part(&planned.case.id);
        }
        digester.finish()
    }
}

fn add_value(digester: &mut Digester, target: &Target, name: &str, hide: &Masker) {
    match target.vars.get(name) {
        _ if target.secrets.contains_key(name) || target.tokens.get(name).is_some() => digester.part("secret"),
        Some(value) => digester.part(hide.text(&value.to_string())),
        None => digester.part("undefined"),
    }
}

fn add_template(digester: &mut Digester, value: &Template, is_credential: bool, target: &Target, hide: &Masker) {
    for part in &value.parts {
        match part {
            TemplatePart::Text(_) if is_credential => digester.part("text"),
            TemplatePart::Text(text) => digester.part(hide.text(text)),
            TemplatePart::Variable(name, filter) => {
                digester.part(name);
                digester.part(format!("{filter:?}"));
                add_value(digester, target, name, hide);
            }
        }
    }
}

/// Adds a value with its variables as they are written.
fn add_json(digester: &mut Digester, value: &JsonDef) {
    match value {
        JsonDef::Plain(value) => {
            digester.part("plain");
            digester.part(value.to_string());
        }
        JsonDef::Text(template) => {
            digester.part("text");
            digester.part(template.parts.len().to_le_bytes());
            for part in &template.parts {
                match part {
                    TemplatePart::Text(text) => {
                        digester.part("text");
                        digester.part(text);
                    }
                    TemplatePart::Variable(name, filter) => {
                        digester.part(format!("{filter:?}"));
                        digester.part(name);
                    }
                }
            }
        }
        JsonDef::List(items) => {
            digester.part("list");
            digester.part(items.len().to_le_bytes());
            for item in items {
                add_json(digester, item);
            }
        }
        JsonDef::Map(entries) => {
            digester.part("map");
            digester.part(entries.len().to_le_bytes());
            for (key, value) in entries {
                digester.part(key);
                add_json(digester, value);
            }
        }
    }
}

/// The settings of `conforme.toml` except targets, folders and version comparison.
fn settings(sources: &Sources) -> String {
    let text = sources.files().find(|(path, _)| *path == "conforme.toml");
    let table = text.and_then(|(_, text)| text.parse::<toml::Table>().ok());
    let mut table = table.unwrap_or_default();
    for name in ["targets", "default_target", "compare", "cases", "schemas", "snapshots"] {
        table.remove(name);
    }
    format!("{table:?}")
}

/// A digest for each schema file: of the file and of every file that it refers to, directly or indirectly.
struct SchemaDigests(BTreeMap<String, Digest>);

impl SchemaDigests {
    fn new(store: &SchemaStore) -> Self {
        Self::of_files(&store.files())
    }

    fn of_files(files: &[(String, String)]) -> Self {
        let texts: BTreeMap<&str, &str> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let mut references: BTreeMap<&str, SchemaReferences> = BTreeMap::new();
        for (name, text) in files {
            let mut found = SchemaReferences::default();
            // A schema that cannot be read is reported where it is used.
            found.search(&serde_json::from_str(text).unwrap_or_default());
            references.insert(name, found);
        }
        let closure = |name: &str| {
            let mut reached = BTreeSet::from([name.to_owned()]);
            let mut open = vec![name.to_owned()];
            while let Some(name) = open.pop() {
                for reference in references
                    .get(name.as_str())
                    .into_iter()
                    .flat_map(|found| &found.references)
                {
                    for file in leads_to(reference, &references) {
                        if reached.insert(file.to_owned()) {
                            open.push(file.to_owned());
                        }
                    }
                }
            }
            let mut digester = Digester::new("schema");
            for name in &reached {
                digester.part(name);
                digester.part(texts.get(name.as_str()).copied().unwrap_or_default());
            }
            digester.finish()
        };
        Self(files.iter().map(|(name, _)| (name.clone(), closure(name))).collect())
    }

    fn of(&self, file: &str) -> Digest {
        self.0.get(file).copied().unwrap_or_default()
    }
}

/// The references of a schema file, and the names that it defines.
#[derive(Default)]
struct SchemaReferences {
    references: BTreeSet<String>,
    ids: BTreeSet<String>,
}

impl SchemaReferences {
    fn search(&mut self, value: &Value) {
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    match (key.as_str(), value) {
                        ("$ref" | "$dynamicRef" | "$recursiveRef" | "$schema", Value::String(text)) => {
                            let file = text.split('#').next().unwrap_or_default();
                            if !file.is_empty() && !file.contains("json-schema.org") {
                                self.references.insert(file.to_owned());
                            }
                        }
                        ("$id" | "id", Value::String(text)) => drop(self.ids.insert(last(text).to_owned())),
                        _ => self.search(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.search(item)),
            _ => {}
        }
    }
}

/// The last part of a path or URL.
fn last(text: &str) -> &str {
    let path = text.split(['#', '?']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The files that a reference can lead to, judged by the last part of its path; all files if it is unknown.
fn leads_to<'f>(reference: &str, files: &BTreeMap<&'f str, SchemaReferences>) -> Vec<&'f str> {
    let wanted = last(reference);
    let decoded = percent_encoding::percent_decode_str(wanted).decode_utf8_lossy();
    let is_meant = |name: &str, found: &SchemaReferences| {
        last(name) == wanted || last(name) == decoded || found.ids.contains(wanted) || found.ids.contains(&*decoded)
    };
    let meant: Vec<_> = files
        .iter()
        .filter(|(name, found)| is_meant(name, found))
        .map(|(name, _)| *name)
        .collect();
    if meant.is_empty() {
        files.keys().copied().collect()
    } else {
        meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(files: &[(&str, &str)]) -> SchemaDigests {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        SchemaDigests::of_files(&files)
    }

    #[test]
    fn schema_digest_covers_referenced_files() {
        let files = |leaf: &'static str, alone: &'static str| {
            [
                (
                    "root.json",
                    r#"{ "properties": { "a": { "$ref": "sub/middle.json#/$defs/x" } } }"#,
                ),
                (
                    "sub/middle.json",
                    r#"{ "$defs": { "x": { "items": { "$ref": "https://example.com/leaf" } } } }"#,
                ),
                ("sub/leaf.json", leaf),
                ("circle.json", r#"{ "properties": { "a": { "$ref": "circle.json" } } }"#),
                ("alone.json", alone),
            ]
        };
        let leaf = r#"{ "$id": "https://example.com/leaf", "type": "string" }"#;
        let before = digests(&files(leaf, "{}"));
        let changed = digests(&files(
            r#"{ "$id": "https://example.com/leaf", "type": "number" }"#,
            "{}",
        ));
        for file in ["root.json", "sub/middle.json", "sub/leaf.json"] {
            assert_ne!(before.of(file), changed.of(file), "{file}");
        }
        assert_eq!(before.of("circle.json"), changed.of("circle.json"));
        let elsewhere = digests(&files(leaf, "true"));
        assert_eq!(before.of("root.json"), elsewhere.of("root.json"));
        assert_ne!(before.of("alone.json"), elsewhere.of("alone.json"));
    }

    #[test]
    fn reference_to_an_unknown_schema_covers_every_file() {
        let of = |other| digests(&[("root.json", r#"{ "$ref": "unknown" }"#), ("x.json", other)]).of("root.json");
        assert_ne!(of("true"), of("false"));
    }
}
