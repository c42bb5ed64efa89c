//! Schemas of API descriptions: their reader rewrites them, and knows where they are.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    Schema, SchemaStore,
    analysis::Analysis,
    document::{Locate, SchemaDocument},
    draft::{Draft, Shape},
    explain, locate, pattern,
};
use crate::{
    json,
    source::{FileId, Span},
};

/// A file of an API description with its schemas rewritten.
#[derive(Debug)]
pub(crate) struct DescribedFile {
    /// Its path below the folder, `/` between names.
    pub(crate) name: String,
    pub(crate) value: Value,
    /// The location of a pointer in the file as written.
    pub(crate) locate: Locate,
    /// Schemas in which others have names: anchors and ids.
    pub(crate) named: Vec<String>,
}

/// A violation of a schema by a value.
#[derive(Clone, Debug)]
pub(crate) struct SchemaViolation {
    /// The violating part of the value.
    pub(crate) pointer: String,
    /// The file and pointer of the violated keyword.
    pub(crate) keyword: Option<(String, String)>,
    /// The reason, as a fragment.
    pub(crate) message: String,
    /// The violating part as JSON.
    pub(crate) actual: String,
}

impl SchemaStore {
    /// The schemas of an API description. `dialect` is the URI of their draft, 2020-12 by default.
    pub(crate) fn described(folder: PathBuf, files: Vec<DescribedFile>, dialect: Option<&str>) -> Self {
        let (documents, named): (Vec<_>, Vec<_>) = files
            .into_iter()
            .map(|file| {
                let document = SchemaDocument::described(file.name, file.value, dialect, file.locate);
                (document, file.named)
            })
            .unzip();
        let mut analysis = Analysis::new(&documents);
        for (index, named) in named.iter().enumerate() {
            for pointer in named {
                analysis.add_root(&documents, index, pointer);
            }
        }
        Self {
            root: folder.clone(),
            folder,
            documents: Arc::new(documents),
            unreadable: BTreeMap::new(),
            analysis: analysis.into(),
            compiled: std::sync::Mutex::default(),
        }
    }

    /// The value at a pointer of a file, as rewritten.
    pub(crate) fn value(&self, file: &str, pointer: &str) -> Option<&Value> {
        self.document(file)?.1.value.pointer(pointer)
    }
}

/// The violations of a schema by a value, up to a limit.
pub(crate) fn violated(schema: &Schema, value: &Value, most: usize) -> Vec<SchemaViolation> {
    let errors = schema.validator.iter_errors(value).take(most);
    let violation = |error: jsonschema::ValidationError<'_>| SchemaViolation {
        pointer: error.instance_path().as_str().to_owned(),
        keyword: schema.location(&error),
        message: explain::explain(&error, schema),
        actual: json::show(error.instance()),
    };
    errors.map(violation).collect()
}

/// The pointers of the subschemas of a schema, relative to it, and whether each applies to the same value.
pub(crate) fn parts(schema: &Map<String, Value>) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for (key, value) in schema {
        let Some(keyword) = Draft::V2020.keyword(key) else {
            continue;
        };
        let is_same = keyword.effect == super::draft::KeywordEffect::Same;
        match (keyword.shape, value) {
            (Shape::Map, Value::Object(entries)) => {
                let names = entries.iter().filter(|(_, value)| value.is_object());
                all.extend(names.map(|(name, _)| (json::step(&format!("/{key}"), name), is_same)));
            }
            (Shape::List | Shape::SchemaOrList, Value::Array(items)) => {
                let items = items.iter().enumerate().filter(|(_, value)| value.is_object());
                all.extend(items.map(|(index, _)| (format!("/{key}/{index}"), is_same)));
            }
            (Shape::Schema | Shape::SchemaOrList, Value::Object(_)) => all.push((format!("/{key}"), is_same)),
            _ => {}
        }
    }
    all
}

/// Why a `pattern` cannot be checked.
pub(crate) fn pattern_error(pattern: &str) -> Option<String> {
    pattern::check(pattern).err()
}

/// The name of the draft with this URI.
pub(crate) fn dialect_name(uri: &str) -> Option<&'static str> {
    Draft::of_uri(uri).map(Draft::name)
}

/// The reference by which the schemas of a store refer to each other.
pub(crate) fn reference(file: &str, pointer: &str) -> String {
    format!("{}#{}", super::resolve::file_uri(file), super::resolve::encode(pointer))
}

/// The spans of the keys and items at many pointers of the text of a JSON file.
pub(crate) fn spans_in_json<'p>(
    file: FileId,
    text: &str,
    pointers: impl Iterator<Item = &'p str>,
) -> HashMap<&'p str, Span> {
    locate::spans(file, text, pointers)
}

/// The span of a pointer in the text of a JSON file, or of its last key.
pub(crate) fn span_in_json(file: FileId, text: &str, pointer: &str, of_key: bool) -> Option<Span> {
    let range = locate::locate(text, pointer, of_key)?;
    Some(locate::span(file, text, &range))
}
