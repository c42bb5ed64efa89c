//! `OpenAPI` documents: 3.0, 3.1 and 3.2 as one model, with the location of every part.
//!
//! A document is read once. Its schemas are rewritten to JSON Schema 2020-12 for each direction, because `readOnly` and
//! `writeOnly` mean different things in requests and responses; violations are reported at the location in the document as
//! written.

mod files;
mod flat;
mod model;
mod notes;
#[cfg(test)]
pub(crate) mod oracle;
mod read;
mod rewrite;
mod route;
mod schemas;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

pub(crate) use flat::FlatSchema;
pub use model::{
    ApiVersion, DeclaredContent, DeclaredExample, DeclaredHeader, DeclaredLink, DeclaredResponse, DeclaredStatus,
    DocumentPart, Operation, Parameter, ParameterIn, ParameterStyle, PathTemplate, RequestBody, SecurityScheme,
    StreamKind,
};
use serde_json::Value;
use url::Url;

use self::{
    files::DocumentFiles,
    notes::DocumentNotes,
    read::{DocumentReader, text},
    rewrite::{Rewritten, SchemaRewriter, checked_pointer, hidden_properties, raw_pointer},
    route::Routes,
    schemas::SchemaMap,
};
use crate::{
    json,
    model::{Digest, Location},
    schema::{DescribedFile, Locate, Schema, SchemaError, SchemaStore, SchemaViolation, dialect_name, violated},
    source::{Diagnostic, Diagnostics, Digester, Sources},
};

/// Maximum number of violations of a schema by one value.
const MAX_VIOLATIONS: usize = 20;

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client: it contains nothing that is `readOnly`.
    Request,
    /// From the server: it contains nothing that is `writeOnly`.
    Response,
}

impl Direction {
    /// The keyword of properties that are not part of the message.
    pub(crate) fn hidden_keyword(self) -> &'static str {
        match self {
            Self::Request => "readOnly",
            Self::Response => "writeOnly",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// A violation of a document by a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiViolation {
    /// The violating part of the value, as a JSON pointer.
    pub pointer: String,
    /// The reason, as a fragment.
    pub message: String,
    /// The violating part as JSON.
    pub actual: String,
    /// The violated part of the document.
    pub part: DocumentPart,
}

/// The schemas for one direction.
#[derive(Debug)]
struct DirectedSchemas {
    store: SchemaStore,
    rewritten: Rewritten,
}

/// A document that describes an API.
#[derive(Debug)]
pub struct ApiDocument {
    /// The name of its file below the schema folder.
    pub name: String,
    /// Its version.
    pub version: ApiVersion,
    /// The title of the API.
    pub title: Option<String>,
    /// The URLs of its servers, with their variables replaced by the defaults.
    pub servers: Vec<String>,
    /// Its operations, in the order of the file.
    pub operations: Vec<Operation>,
    /// Its security schemes.
    pub security_schemes: Vec<SecurityScheme>,
    /// What is unusual and does not change a verdict.
    pub warnings: Diagnostics,
    folder: PathBuf,
    files: Arc<DocumentFiles>,
    schemas: SchemaMap,
    dialect: Option<String>,
    routes: Routes,
    response: OnceLock<DirectedSchemas>,
    request: OnceLock<Option<DirectedSchemas>>,
    digest: OnceLock<Digest>,
}

impl ApiDocument {
    /// Reads the document `name` in the schema folder, and the files that it refers to. `None` after errors.
    pub fn open(folder: &Path, name: &str, sources: &mut Sources, errors: &mut Diagnostics) -> Option<Self> {
        let files = DocumentFiles::open(folder, name, sources, errors)?;
        let mut notes = DocumentNotes::default();
        let Some(version) = version(&files, &mut notes) else {
            errors.append(notes.finish(&files).0);
            return None;
        };
        let mut reader = DocumentReader {
            files: &files,
            version,
            notes,
            roots: std::collections::BTreeSet::new(),
        };
        let operations = reader.operations();
        let security_schemes = reader.security_schemes();
        reader.component_schemas();
        let schemas = schemas::collect(&mut reader);
        let mut notes = reader.notes;
        let root = DocumentPart::default();
        let value = files.value(&root).unwrap_or(&Value::Null);
        let dialect = text(value, "jsonSchemaDialect");
        if let Some(uri) = dialect.as_deref()
            && dialect_name(uri).is_none()
            && !uri.starts_with("https://spec.openapis.org/oas/3.")
        {
            let message = format!("`{uri}` is not a supported dialect");
            let help = "the schemas are read as JSON Schema 2020-12";
            notes.warn("dialect", root.at("jsonSchemaDialect"), message, help);
        }
        let (title, servers) = (
            value.get("info").and_then(|info| text(info, "title")),
            servers(value, files.base_uri()),
        );
        let files = Arc::new(files);
        let response = directed(
            folder,
            (&files, &schemas, version),
            Direction::Response,
            &mut notes,
            dialect.as_deref(),
        );
        let (own, warnings) = notes.finish(&files);
        let is_valid = own.is_empty();
        errors.append(own);
        is_valid.then(|| Self {
            name: name.to_owned(),
            routes: Routes::new(&operations, &servers),
            version,
            title,
            servers,
            operations,
            security_schemes,
            warnings,
            folder: folder.to_owned(),
            files,
            schemas,
            dialect,
            response: OnceLock::from(response),
            request: OnceLock::new(),
            digest: OnceLock::new(),
        })
    }

    /// The operation with this `operationId`.
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.id.as_deref() == Some(id))
    }

    /// The operation of a request and the values of its path parameters, as sent. `path` begins with `/` and has no query;
    /// the path of the target's base URL is removed from it.
    pub fn find(&self, method: &str, path: &str) -> Option<(&Operation, HashMap<String, String>)> {
        let (index, values) = self.routes.find(&self.operations, method, path)?;
        Some((self.operations.get(index)?, values))
    }

    /// The values of the path parameters of an operation in a path that it matches.
    pub fn path_values(&self, operation: &Operation, path: &str) -> Option<HashMap<String, String>> {
        self.routes.values(operation, path)
    }

    /// A path with another value of a path parameter, percent-encoded; `None` if the operation does not match the path.
    pub fn path_with(&self, operation: &Operation, path: &str, name: &str, value: &str) -> Option<String> {
        self.routes.replaced(operation, path, name, value)
    }

    /// The methods that are declared for a path.
    pub fn methods(&self, path: &str) -> Vec<&str> {
        self.routes.methods(&self.operations, path)
    }

    /// The value of a part, as written.
    pub fn value(&self, part: &DocumentPart) -> Option<&Value> {
        self.files.value(part)
    }

    /// The file and line of a part. If the document does not contain it, those of the nearest part around it.
    pub fn location(&self, part: &DocumentPart) -> Option<Location> {
        self.files.location(part)
    }

    /// The locations of many parts.
    pub(crate) fn locations<'p>(
        &self,
        parts: impl IntoIterator<Item = &'p DocumentPart>,
    ) -> HashMap<&'p DocumentPart, Location> {
        self.files.locations(parts)
    }

    /// A part as `file#pointer`.
    pub fn reference(&self, part: &DocumentPart) -> String {
        format!("{}#{}", self.files.name(part.file), part.pointer)
    }

    /// Every file of the document, below the schema folder.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.all().map(|(name, _)| name)
    }

    /// A digest of its files.
    pub(crate) fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| {
            let mut digester = Digester::new("openapi");
            for (name, value) in self.files.all() {
                digester.part(name);
                digester.part(value.to_string());
            }
            digester.finish()
        })
    }

    fn directed(&self, direction: Direction) -> Option<&DirectedSchemas> {
        if direction == Direction::Response {
            return self.response.get();
        }
        let request = self.request.get_or_init(|| {
            let hidden = |direction| hidden_properties(&self.files, &self.schemas, direction);
            let is_same = hidden(Direction::Request).is_empty() && hidden(Direction::Response).is_empty();
            let what = (&self.files, &self.schemas, self.version);
            let dialect = self.dialect.as_deref();
            let new = || directed(&self.folder, what, direction, &mut DocumentNotes::default(), dialect);
            (!is_same).then(new)
        });
        request.as_ref().or_else(|| self.response.get())
    }

    /// All schemas of a direction, rewritten to JSON Schema 2020-12; [`Self::schema_name`] names one.
    pub fn schemas(&self, direction: Direction) -> Option<&SchemaStore> {
        Some(&self.directed(direction)?.store)
    }

    /// The name of a schema in [`Self::schemas`].
    pub fn schema_name(&self, part: &DocumentPart) -> String {
        let pointer = checked_pointer(&self.schemas, part);
        format!("{}#{pointer}", self.files.name(part.file))
    }

    /// The schemas that apply, or could apply, to a location in a value, as rewritten for a direction.
    pub fn schemas_at(&self, part: &DocumentPart, direction: Direction, pointer: &str) -> Vec<&Value> {
        let store = self.schemas(direction);
        store.map_or_else(Vec::new, |store| store.schemas_at(&self.schema_name(part), pointer))
    }

    /// A schema as rewritten for a direction, with absolute references.
    pub fn schema_value(&self, part: &DocumentPart, direction: Direction) -> Option<&Value> {
        let pointer = raw_pointer(&self.schemas, part);
        self.schemas(direction)?.value(self.files.name(part.file), &pointer)
    }

    /// The part that the `$ref` of a schema leads to, over all steps; the part itself if it has none.
    pub fn resolved<'d>(&'d self, part: &'d DocumentPart) -> &'d DocumentPart {
        let mut here = part;
        for _ in 0..64 {
            match self.schemas.targets.get(here) {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }

    /// The part that the `$ref` of a schema leads to, in one step.
    pub(crate) fn target(&self, part: &DocumentPart) -> Option<&DocumentPart> {
        self.schemas.targets.get(part)
    }

    /// Whether a schema accepts `null` besides what its `allOf`, `oneOf`, `anyOf` or `$ref` accepts.
    pub(crate) fn is_nullable(&self, part: &DocumentPart) -> bool {
        self.schemas.nullable.contains(part)
    }

    /// Whether all files have the same content as those of another document.
    pub(crate) fn has_same_content(&self, other: &Self) -> bool {
        let values = self.files.all().map(|(_, value)| value);
        values.eq(other.files.all().map(|(_, value)| value))
    }

    /// The schemas that the `discriminator` of a schema chooses from.
    pub fn chosen(&self, part: &DocumentPart) -> Vec<&DocumentPart> {
        let Some(choice) = self.schemas.choices.get(part) else {
            return Vec::new();
        };
        choice.branches.values().flatten().chain(&choice.default).collect()
    }

    /// A compiled schema; `None` if it accepts every value.
    pub fn schema(&self, part: &DocumentPart, direction: Direction) -> Result<Option<Arc<Schema>>, SchemaError> {
        let Some(store) = self.schemas(direction) else {
            return Ok(None);
        };
        match store.get(&self.schema_name(part)) {
            Ok(schema) => Ok(Some(schema)),
            Err(SchemaError::AcceptsAll) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The errors because of which a schema cannot be used.
    pub fn schema_errors(&self, part: &DocumentPart, direction: Direction) -> Diagnostics {
        let mut errors = Diagnostics::default();
        match self.schema(part, direction) {
            Ok(_) => {}
            Err(SchemaError::Broken { errors: all, .. }) => all.into_iter().for_each(|error| errors.push(error)),
            Err(error) => errors.push(match self.files.span(part, true) {
                Some(span) => Diagnostic::new(span, error.to_string()),
                None => Diagnostic::general(error.to_string()),
            }),
        }
        errors
    }

    /// The violations of a schema by a value. A schema that cannot be used is a violation, too.
    pub fn violations(&self, part: &DocumentPart, direction: Direction, value: &Value) -> Vec<ApiViolation> {
        let schema = match self.schema(part, direction) {
            Ok(Some(schema)) => schema,
            Ok(None) => return Vec::new(),
            Err(error) => {
                let unusable = ApiViolation {
                    pointer: String::new(),
                    message: format!("the schema cannot be used: {error}"),
                    actual: json::show(value),
                    part: part.clone(),
                };
                return vec![unusable];
            }
        };
        let Some(directed) = self.directed(direction) else {
            return Vec::new();
        };
        let mut all: Vec<ApiViolation> = Vec::new();
        for violation in violated(&schema, value, MAX_VIOLATIONS) {
            let violation = self.violation(violation, directed, direction, part);
            if !all.contains(&violation) {
                all.push(violation);
            }
        }
        all
    }

    fn violation(
        &self,
        found: SchemaViolation,
        directed: &DirectedSchemas,
        direction: Direction,
        schema: &DocumentPart,
    ) -> ApiViolation {
        let part = found.keyword.and_then(|(file, pointer)| {
            let file = self.files.position(&file)?;
            Some(directed.rewritten.original(&DocumentPart { file, pointer }))
        });
        let part = part.unwrap_or_else(|| schema.clone());
        let mut violation = ApiViolation {
            pointer: found.pointer,
            message: found.message,
            actual: found.actual,
            part,
        };
        let keyword = direction.hidden_keyword();
        if let Some(property) = violation.part.pointer.strip_suffix(&format!("/{keyword}")) {
            let property = DocumentPart {
                file: violation.part.file,
                pointer: property.to_owned(),
            };
            let name = property.name();
            violation.message = format!("`{name}` is `{keyword}`: a {} must not contain it", direction.noun());
            violation.actual = format!("`{name}`");
            violation.pointer = json::step(&violation.pointer, &name);
        } else if violation.part.name() == "discriminator" {
            violation.message = format!("no schema for this value of the discriminator: {}", violation.message);
        }
        violation
    }

    /// Warnings about the schemas that were compiled.
    pub fn schema_warnings(&self) -> Diagnostics {
        let mut all = Diagnostics::default();
        let stores = [self.response.get(), self.request.get().and_then(Option::as_ref)];
        for directed in stores.into_iter().flatten() {
            all.append(directed.store.warnings());
        }
        all
    }
}

/// The schemas of a document for one direction.
fn directed(
    folder: &Path,
    (files, map, version): (&Arc<DocumentFiles>, &SchemaMap, ApiVersion),
    direction: Direction,
    notes: &mut DocumentNotes,
    dialect: Option<&str>,
) -> DirectedSchemas {
    let rewriter = SchemaRewriter {
        files,
        map,
        version,
        direction,
        notes,
        rewritten: Rewritten::default(),
        hidden: hidden_properties(files, map, direction),
    };
    let (values, rewritten) = rewriter.run();
    let described = values.into_iter().enumerate().map(|(file, (name, value))| {
        let named = map.named(files, file);
        let files = Arc::clone(files);
        let locate = move |pointer: &str, of_key: bool| {
            let pointer = pointer.to_owned();
            files.span(&DocumentPart { file, pointer }, of_key)
        };
        DescribedFile {
            name,
            value,
            locate: Locate(Arc::new(locate)),
            named,
        }
    });
    let store = SchemaStore::described(folder.to_owned(), described.collect(), dialect);
    DirectedSchemas { store, rewritten }
}

/// The version of a document; errors explain what else the file is.
fn version(files: &DocumentFiles, notes: &mut DocumentNotes) -> Option<ApiVersion> {
    let root = DocumentPart::default();
    let value = files.value(&root).unwrap_or(&Value::Null);
    let mut fail = |part: &DocumentPart, message: &str, help: &str| {
        notes.error(files, part, message, help);
        None
    };
    let Value::Object(entries) = value else {
        return fail(
            &root,
            "this is not an OpenAPI document",
            "it begins with `openapi: 3.1.0`",
        );
    };
    let Some(written) = entries.get("openapi") else {
        if entries.contains_key("swagger") {
            let help = "convert it to OpenAPI 3, for example with `npx swagger2openapi`";
            return fail(&root.at("swagger"), "this is Swagger 2.0, which is not supported", help);
        }
        if entries.contains_key("asyncapi") {
            let message = "this is AsyncAPI, which describes messages and not HTTP requests";
            return fail(&root.at("asyncapi"), message, "");
        }
        if entries.contains_key("arazzo") {
            let help = "`conforme import arazzo` reads it";
            return fail(&root.at("arazzo"), "this is Arazzo, which describes workflows", help);
        }
        return fail(
            &root,
            "this file has no `openapi` version",
            "an OpenAPI document begins with `openapi: 3.1.0`",
        );
    };
    let text = match written {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let is = |minor: &str| text == minor || text.starts_with(&format!("{minor}."));
    for (minor, version) in [
        ("3.0", ApiVersion::V30),
        ("3.1", ApiVersion::V31),
        ("3.2", ApiVersion::V32),
    ] {
        if is(minor) {
            return Some(version);
        }
    }
    let message = format!("OpenAPI {text} is not supported");
    fail(&root.at("openapi"), &message, "supported: 3.0, 3.1 and 3.2")
}

/// The URLs of the servers, with the default values of their variables, and relative to `$self`.
fn servers(document: &Value, base: Option<&Url>) -> Vec<String> {
    let servers = document.get("servers").and_then(Value::as_array).into_iter().flatten();
    let url = |server: &Value| {
        let mut url = text(server, "url")?;
        let variables = server.get("variables").and_then(Value::as_object);
        for (name, variable) in variables.into_iter().flatten() {
            if let Some(default) = text(variable, "default") {
                url = url.replace(&format!("{{{name}}}"), &default);
            }
        }
        // Without a scheme, it is relative to the document.
        let full = base.filter(|_| !url.contains("://") && !url.contains('{'));
        Some(
            full.and_then(|base| base.join(&url).ok())
                .map_or(url, |full| full.to_string()),
        )
    };
    servers.filter_map(url).collect()
}

#[cfg(test)]
mod tests;
