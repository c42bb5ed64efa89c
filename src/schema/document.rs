//! A file of the schema folder, and its problems.

use std::sync::Arc;

use serde_json::Value;

use super::{
    draft::{ApiFormat, Draft},
    locate,
};
use crate::source::{Diagnostic, FileId, Span};

/// A JSON document of the schema folder.
#[derive(Debug)]
pub(super) struct SchemaDocument {
    /// Its path below the folder, `/` between names.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) value: Value,
    pub(super) kind: DocumentKind,
    /// The draft of the schemas in it.
    pub(super) draft: Draft,
    /// Its file among the sources of the project, if any.
    pub(super) file: Option<FileId>,
    /// The location of a pointer, if the text is not the JSON of `value`.
    pub(super) locate: Option<Locate>,
}

/// Finds the location of a JSON pointer in a document, or of its last key (`true`).
type FindSpan = dyn Fn(&str, bool) -> Option<Span> + Send + Sync;

/// The locations in a document.
#[derive(Clone)]
pub(crate) struct Locate(pub(crate) Arc<FindSpan>);

impl std::fmt::Debug for Locate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Locate")
    }
}

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    /// A schema.
    Schema,
    /// A description of an API that has schemas in it.
    Api(ApiFormat),
    /// Neither, such as a map of schemas.
    Other,
    /// A file of an API description, prepared by its reader, which knows where the schemas in it are.
    Described,
}

/// An error or warning in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) document: usize,
    /// The schema that is unusable with it: a whole file, or one schema of an API description.
    pub(super) root: usize,
    pub(super) pointer: String,
    /// Whether the error is in the key, not the value.
    pub(super) of_key: bool,
    pub(super) is_error: bool,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl SchemaDocument {
    pub(super) fn new(name: String, text: String, value: Value) -> Self {
        let api = ApiFormat::of(&value);
        let (kind, draft) = match (api, &value) {
            (Some(api), _) => (DocumentKind::Api(api), dialect(&value).unwrap_or(api.draft())),
            (None, Value::Object(_)) => {
                let draft = value.get("$schema").and_then(Value::as_str).and_then(Draft::of_uri);
                let draft = draft.unwrap_or(Draft::V2020);
                let kind = if is_like_schema(&value, draft) {
                    DocumentKind::Schema
                } else {
                    DocumentKind::Other
                };
                (kind, draft)
            }
            (None, Value::Bool(_)) => (DocumentKind::Schema, Draft::V2020),
            (None, _) => (DocumentKind::Other, Draft::V2020),
        };
        Self {
            name,
            text,
            value,
            kind,
            draft,
            file: None,
            locate: None,
        }
    }

    /// A file of an API description whose schemas were rewritten. `draft` is a `$schema` URI.
    pub(super) fn described(name: String, value: Value, draft: Option<&str>, locate: Locate) -> Self {
        Self {
            name,
            text: String::new(),
            value,
            kind: DocumentKind::Described,
            draft: draft.and_then(Draft::of_uri).unwrap_or(Draft::V2020),
            file: None,
            locate: Some(locate),
        }
    }

    pub(super) fn api(&self) -> Option<ApiFormat> {
        match self.kind {
            DocumentKind::Api(api) => Some(api),
            _ => None,
        }
    }

    /// The dialect of its schemas in messages.
    pub(super) fn dialect_name(&self) -> String {
        match self.kind {
            DocumentKind::Api(ApiFormat::OpenApi30) => "OpenAPI 3.0".to_owned(),
            DocumentKind::Api(ApiFormat::Swagger2) => "Swagger 2.0".to_owned(),
            _ => format!("JSON Schema {}", self.draft.name()),
        }
    }

    /// A problem with its line and column.
    pub(super) fn diagnostic(&self, problem: &Problem) -> Diagnostic {
        let range = locate::locate(&self.text, &problem.pointer, problem.of_key).unwrap_or(0..0);
        let described = (self.locate.as_ref()).and_then(|locate| (locate.0)(&problem.pointer, problem.of_key));
        let diagnostic = if let Some(span) = described {
            Diagnostic::new(span, &problem.message)
        } else if let Some(file) = self.file {
            Diagnostic::new(locate::span(file, &self.text, &range), &problem.message)
        } else {
            Diagnostic::general(format!(
                "`{}`: {} at `#{}`",
                self.name, problem.message, problem.pointer
            ))
        };
        match &problem.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// The draft that an `OpenAPI` document names for its schemas.
fn dialect(document: &Value) -> Option<Draft> {
    Draft::of_uri(document.get("jsonSchemaDialect")?.as_str()?)
}

/// Whether a value can be meant as a schema: it is empty, or one of its keys is a keyword or a misspelled one.
pub(super) fn is_like_schema(value: &Value, draft: Draft) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Object(entries) => {
            let is_keyword =
                |key: &str| super::draft::keyword(key).is_some() || super::draft::similar_keyword(key, draft).is_some();
            entries.is_empty() || entries.keys().any(|key| is_keyword(key))
        }
        _ => false,
    }
}
