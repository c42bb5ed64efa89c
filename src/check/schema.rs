//! Bodies by JSON Schema 2020-12: a folder of schemas that refer to one another and to nothing else.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::{Value, json};

use super::{Finding, json};
use crate::source::{FileKind, Place, read_file_in};

/// The scheme under which the files of the folder know one another.
const BASE: &str = "schema:///";
/// Most findings of one body.
const MOST: usize = 20;

/// The schemas of a project, each compiled when it is first asked for and then kept.
#[derive(Debug)]
pub struct SchemaStore {
    folder: PathBuf,
    documents: Documents,
    compiled: Mutex<BTreeMap<String, Result<Arc<Schema>, SchemaError>>>,
}

/// A compiled schema.
pub struct Schema {
    /// How the suite names it: `error.schema.json#/$defs/TenantNotPrimary`.
    pub reference: String,
    validator: Validator,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Schema").field(&self.reference).finish()
    }
}

/// Why a reference does not lead to a usable schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There is no such file.
    #[error("no schema file `{file}` in `{folder}`")]
    Missing {
        /// The name asked for.
        file: String,
        /// The folder that was searched.
        folder: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The reference leads out of the folder.
    #[error("`{0}` is not a file of the schema folder: remote and absolute references are not followed")]
    Outside(String),
    /// The file cannot be read, is not JSON, or is not a valid schema.
    #[error("`{file}` is not a usable schema: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Hands out the files of the folder by their name below [`BASE`], and refuses everything else.
#[derive(Clone, Debug, Default)]
struct Documents(Arc<BTreeMap<String, Result<Value, String>>>);

impl Retrieve for Documents {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let Some(name) = uri.as_str().strip_prefix(BASE) else {
            return Err(format!("`{uri}` is remote: only files of the schema folder are followed").into());
        };
        match self.0.get(name) {
            Some(Ok(document)) => Ok(document.clone()),
            Some(Err(reason)) => Err(format!("`{name}`: {reason}").into()),
            None => Err(format!("no file `{name}` in the schema folder").into()),
        }
    }
}

impl SchemaStore {
    /// Reads every `.json` file below `folder`; a folder that does not exist holds no schemas.
    pub fn open(folder: &Path) -> Self {
        let mut documents = BTreeMap::new();
        collect(folder, folder, "", &mut documents);
        Self {
            folder: folder.to_owned(),
            documents: Documents(Arc::new(documents)),
            compiled: Mutex::default(),
        }
    }

    /// The schema that `reference` names: a path below the folder, with an optional `#` and JSON pointer or anchor.
    pub fn get(&self, reference: &str) -> Result<Arc<Schema>, SchemaError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(reference) {
            return known.clone();
        }
        let schema = self.compile(reference).map(Arc::new);
        compiled.insert(reference.to_owned(), schema.clone());
        schema
    }

    /// Every readable file: its name below the folder, and its document as JSON.
    pub fn files(&self) -> Vec<(String, String)> {
        let readable = |(name, document): (&String, &Result<Value, String>)| {
            let document = document.as_ref().ok()?;
            Some((name.clone(), document.to_string()))
        };
        self.documents.0.iter().filter_map(readable).collect()
    }

    /// A readable file by its name below the folder.
    pub(super) fn document(&self, file: &str) -> Option<(&str, &Value)> {
        let (name, document) = self.documents.0.get_key_value(file)?;
        Some((name, document.as_ref().ok()?))
    }

    /// What is wrong with the files of the folder, used or not.
    pub fn problems(&self) -> Vec<SchemaError> {
        self.documents
            .0
            .keys()
            .filter_map(|file| self.get(file).err())
            .collect()
    }

    fn compile(&self, reference: &str) -> Result<Schema, SchemaError> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if file.contains(':') || file.starts_with('/') || file.split('/').any(|part| part == "..") {
            return Err(SchemaError::Outside(file.to_owned()));
        }
        let invalid = |reason: String| SchemaError::Invalid {
            file: file.to_owned(),
            reason,
        };
        match self.documents.0.get(file) {
            None => {
                return Err(SchemaError::Missing {
                    file: file.to_owned(),
                    folder: self
                        .folder
                        .file_name()
                        .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
                    known: self.documents.0.keys().cloned().collect(),
                });
            }
            Some(Err(reason)) => return Err(invalid(reason.clone())),
            Some(Ok(document)) => {
                if document.pointer(fragment).is_none() && fragment.starts_with('/') {
                    return Err(invalid(format!("nothing stands at `#{fragment}`")));
                }
                jsonschema::draft202012::meta::validate(document)
                    .map_err(|error| invalid(format!("{error} at `#{}`", error.instance_path())))?;
            }
        }
        // The base of references is the file's place in the folder, whatever `$id` it may have for the world.
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_retriever(self.documents.clone())
            .with_base_uri(format!("{BASE}_"))
            .build(&json!({ "$ref": format!("{BASE}{file}#{fragment}") }))
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Schema {
            reference: reference.to_owned(),
            validator,
        })
    }
}

fn collect(root: &Path, folder: &Path, prefix: &str, documents: &mut BTreeMap<String, Result<Value, String>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(root, &path, &format!("{name}/"), documents);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let bytes = read_file_in(root, "the schema folder", &path, FileKind::Schema);
            let document = bytes.and_then(|bytes| json::read(&bytes).map_err(|error| error.to_string()));
            documents.insert(name, document);
        }
    }
}

/// Judges a body; every violation is a finding of `body/schema`.
pub(super) fn check(schema: &Schema, place: &Place, body: &Value, findings: &mut Vec<Finding>) {
    for error in schema.validator.iter_errors(body).take(MOST) {
        let pointer = error.instance_path().as_str().to_owned();
        findings.push(
            Finding::new(
                "body/schema",
                format!("the body breaks its schema: {}", error.masked_with("the value")),
            )
            .expected(rule_of(&error, schema))
            .actual(json::show(error.instance()))
            .pointer(pointer)
            .place(place),
        );
    }
}

/// Whether a body breaks nothing.
pub(super) fn is_valid(schema: &Schema, body: &Value) -> bool {
    schema.validator.is_valid(body)
}

/// Where in the schemas the violated rule stands: `error.schema.json#/$defs/Error/required`.
fn rule_of(error: &jsonschema::ValidationError<'_>, schema: &Schema) -> String {
    error.absolute_keyword_location().map_or_else(
        || format!("{} in {}", error.schema_path(), schema.reference),
        |location| location.as_str().trim_start_matches(BASE).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, SchemaStore) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let store = SchemaStore::open(folder.path());
        (folder, store)
    }

    fn count(store: &SchemaStore, reference: &str, body: &Value) -> usize {
        let place = Place {
            file: "a.yaml".into(),
            line: 1,
            column: 1,
        };
        let mut findings = Vec::new();
        check(&store.get(reference).unwrap(), &place, body, &mut findings);
        findings.len()
    }

    #[test]
    fn references_run_across_files_and_formats_are_asserted() {
        let (_folder, store) = store(&[
            (
                "a.json",
                r#"{"$id":"https://example.com/a","properties":{"x":{"$ref":"sub/b.json#/$defs/t"}}}"#,
            ),
            (
                "sub/b.json",
                r#"{"$defs":{"t":{"type":"string","format":"date-time","pattern":"Z$"}}}"#,
            ),
        ]);
        assert_eq!(count(&store, "sub/b.json#/$defs/t", &json!("2020-02-07T13:33:16Z")), 0);
        assert_eq!(count(&store, "sub/b.json#/$defs/t", &json!("2020-02-30T13:33:16Z")), 1);
        assert_eq!(
            count(&store, "sub/b.json#/$defs/t", &json!("2020-02-07T13:33:16+00:00")),
            1
        );
    }

    #[test]
    fn a_relative_reference_is_resolved_beside_its_file() {
        let (_folder, store) = store(&[
            ("sub/a.json", r#"{"properties":{"x":{"$ref":"b.json"}}}"#),
            ("sub/b.json", r#"{"type":"integer"}"#),
        ]);
        assert_eq!(count(&store, "sub/a.json", &json!({"x": 1})), 0);
        assert_eq!(count(&store, "sub/a.json", &json!({"x": "1"})), 1);
    }

    #[test]
    fn what_is_remote_missing_or_no_schema_is_an_error() {
        let (_folder, store) = store(&[
            ("remote.json", r#"{"$ref":"https://example.com/other.json"}"#),
            ("bad.json", r#"{"type":"strin"}"#),
            ("broken.json", "{"),
            ("look.json", r#"{"pattern":"(?=a)"}"#),
        ]);
        let error = |reference: &str| {
            store
                .get(reference)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(error("remote.json").contains("is remote"), "{}", error("remote.json"));
        assert!(error("https://example.com/a.json").contains("not followed"));
        assert!(error("../a.json").contains("not followed"));
        assert!(error("nothing.json").contains("no schema file `nothing.json`"));
        assert!(
            error("bad.json").contains("not a usable schema"),
            "{}",
            error("bad.json")
        );
        assert!(error("broken.json").contains("EOF"));
        assert!(error("look.json#/nowhere").contains("nothing stands at"));
        assert!(
            error("look.json").contains("not a usable schema"),
            "{}",
            error("look.json")
        );
    }

    #[test]
    fn large_numbers_are_not_rounded() {
        let (_folder, store) = store(&[("a.json", r#"{"const":9007199254740993}"#)]);
        let read = |text: &str| json::read(text.as_bytes()).unwrap();
        assert_eq!(count(&store, "a.json", &read("9007199254740993")), 0);
        assert_eq!(count(&store, "a.json", &read("9007199254740992")), 1);
    }
}
