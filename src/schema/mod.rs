//! JSON Schemas for bodies: a folder of schemas that refer only to each other.

mod analysis;
mod declared;
mod described;
mod document;
mod draft;
mod explain;
mod extent;
mod locate;
mod pattern;
mod resolve;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub use declared::Declared;
pub(crate) use described::{
    DescribedFile, SchemaViolation, dialect_name, parts, pattern_error, reference, span_in_json, spans_in_json,
    violated,
};
pub(crate) use document::Locate;
use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Value, json};

use self::{
    analysis::Analysis,
    document::{DocumentKind, SchemaDocument},
    draft::Draft,
    extent::Extent,
    resolve::Wrong,
};
use crate::{
    json,
    model::{CheckId, Finding, Location},
    source::{Diagnostic, Diagnostics, FileKind, Overlay, Sources},
};

/// The URI scheme of references between files of the folder.
const BASE: &str = "schema:///";
/// Maximum number of findings of one body.
const MOST: usize = 20;
/// Stack of the thread that compiles a schema: references can lead from schema to schema for long.
const STACK: usize = 256 << 20;

/// The schemas of a project, each compiled at first use and cached.
#[derive(Debug)]
pub struct SchemaStore {
    folder: PathBuf,
    /// Its path.
    root: PathBuf,
    documents: Arc<Vec<SchemaDocument>>,
    /// Files that are not JSON, with the reason.
    unreadable: BTreeMap<String, String>,
    analysis: Mutex<Analysis>,
    compiled: Mutex<BTreeMap<String, Result<Arc<Schema>, SchemaError>>>,
}

/// A compiled schema.
pub struct Schema {
    /// Its name in the suite: `error.schema.json#/$defs/TenantNotPrimary`.
    pub reference: String,
    validator: Validator,
    documents: Arc<Vec<SchemaDocument>>,
    /// Schemas with an `$id` inside a file: the URI by which the validator knows them, and where they are.
    resources: Vec<(String, String)>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Schema").field(&self.reference).finish()
    }
}

impl Schema {
    /// The file and pointer of the keyword that a value violates.
    fn location(&self, error: &jsonschema::ValidationError<'_>) -> Option<(String, String)> {
        analysis::original(&self.resources, error.absolute_keyword_location()?.as_str())
    }

    /// The value of the keyword that a value violates.
    fn keyword(&self, error: &jsonschema::ValidationError<'_>) -> Option<&Value> {
        let (file, pointer) = self.location(error)?;
        let document = self.documents.iter().find(|document| document.name == file)?;
        document.value.pointer(&pointer)
    }
}

/// Why a reference does not lead to a usable schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// There is no such file.
    #[error("no schema file `{file}` in `{folder}`")]
    Missing {
        /// The requested name.
        file: String,
        /// The folder that was searched.
        folder: String,
        /// The existing names.
        known: Vec<String>,
    },
    /// The reference leads outside the folder.
    #[error("`{0}` is not a file of the schema folder: remote and absolute references are not followed")]
    Outside(String),
    /// The file cannot be read, is not JSON, or is not a valid schema.
    #[error("`{file}` is not a usable schema: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// The fault.
        reason: String,
    },
    /// It leads to something that is not a schema, or to a schema that accepts everything.
    #[error("{reason}")]
    Useless {
        /// The reason.
        reason: String,
        /// The action to take.
        help: Option<String>,
    },
    /// A schema of an API description that accepts everything: there is nothing to check.
    #[error("the schema accepts every value")]
    AcceptsAll,
    /// The schema, or one that it refers to, has errors, each with its location.
    #[error("`{file}` is not a usable schema: {}", .errors.first().map_or("", |error| error.message.as_str()))]
    Broken {
        /// The file.
        file: String,
        /// The errors.
        errors: Vec<Diagnostic>,
    },
}

impl From<Wrong> for SchemaError {
    fn from(wrong: Wrong) -> Self {
        Self::Useless {
            reason: wrong.reason,
            help: wrong.help,
        }
    }
}

/// Gives the validator the files of the folder, rewritten, by their name below [`BASE`], and nothing else. A schema with
/// a URI of its own inside a file is given by that.
#[derive(Clone, Debug, Default)]
struct Files(Arc<BTreeMap<String, Value>>);

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(BASE).and_then(resolve::decode);
        match name.and_then(|name| self.0.get(&name)) {
            Some(document) => Ok(document.clone()),
            None => Err(format!("`{uri}` is not a file of the schema folder").into()),
        }
    }
}

impl SchemaStore {
    /// Reads every `.json` file below `folder`; a folder that does not exist has no schemas.
    pub fn open(folder: &Path) -> Self {
        Self::read(folder, None)
    }

    /// The same for a project: files with errors are added to its sources, so that errors show their lines.
    pub fn open_in(folder: &Path, sources: &mut Sources) -> Self {
        Self::read(folder, Some(sources))
    }

    fn read(folder: &Path, sources: Option<&mut Sources>) -> Self {
        let mut files = BTreeMap::new();
        let overlay = sources.as_ref().map(|sources| sources.overlay().clone());
        collect(folder, &overlay.unwrap_or_default(), &mut files);
        let mut documents = Vec::new();
        let mut unreadable = BTreeMap::new();
        let root = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let root = root.unwrap_or_default();
        for (name, content) in files {
            let read = content.and_then(|(bytes, path)| {
                let value = json::read(&bytes).map_err(|error| error.to_string())?;
                let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
                Ok((text, value, path))
            });
            match read {
                Ok((text, value, path)) => documents.push((SchemaDocument::new(name, text, value), path)),
                Err(reason) => drop(unreadable.insert(name, reason)),
            }
        }
        let (mut documents, paths): (Vec<_>, Vec<_>) = documents.into_iter().unzip();
        let analysis = Analysis::new(&documents);
        if let Some(sources) = sources {
            for (index, (document, path)) in documents.iter_mut().zip(paths).enumerate() {
                // Schemas of other documents are only looked at when they are referred to.
                let is_late = document.kind != DocumentKind::Schema;
                if is_late || analysis.problems.iter().any(|problem| problem.document == index) {
                    document.file = Some(sources.add(&path, document.text.clone()));
                }
            }
        }
        Self {
            folder: PathBuf::from(root),
            root: folder.to_owned(),
            documents: Arc::new(documents),
            unreadable,
            analysis: Mutex::new(analysis),
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

    /// Whether there is a file of this name, readable or not.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.document(file).is_some() || self.unreadable.contains_key(file)
    }

    /// The path of the folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every file, readable or not.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let names = self.documents.iter().map(|document| &document.name);
        names.chain(self.unreadable.keys()).map(|name| self.folder.join(name))
    }

    /// Every readable file: its name below the folder, and its document as JSON.
    pub fn files(&self) -> Vec<(String, String)> {
        let file = |document: &SchemaDocument| (document.name.clone(), document.value.to_string());
        self.documents.iter().map(file).collect()
    }

    /// The names of the files below the folder.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.documents.iter().map(|document| document.name.as_str());
        names.chain(self.unreadable.keys().map(String::as_str))
    }

    /// The file of a name, with its index in the list of files.
    fn document(&self, file: &str) -> Option<(usize, &SchemaDocument)> {
        self.documents
            .iter()
            .enumerate()
            .find(|(_, document)| document.name == file)
    }

    /// The schema that a reference in a file leads to: the name of its file, and the schema. `None` for a reference
    /// that leads nowhere.
    fn named<'s>(&'s self, file: &str, reference: &str) -> Option<(&'s str, &'s Value)> {
        let mut analysis = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        let spot = if file.is_empty() {
            let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
            let (index, _) = self.document(file)?;
            analysis.fragment(&self.documents, index, fragment).ok()?.0
        } else {
            let (index, _) = self.document(file)?;
            analysis.find(&self.documents, index, reference).ok()??.0
        };
        let spot = &analysis.spots[spot];
        let document = &self.documents[spot.document];
        Some((&document.name, document.value.pointer(&spot.pointer)?))
    }

    /// Everything that makes a file of the folder unusable, used or not.
    pub fn errors(&self) -> Diagnostics {
        self.errors_except(&BTreeSet::new())
    }

    /// The same, except files that belong to the description of an API, which are not read as schemas.
    pub(crate) fn errors_except(&self, described: &BTreeSet<&str>) -> Diagnostics {
        let mut errors = Diagnostics::default();
        let unreadable = self.unreadable.iter();
        for (file, reason) in unreadable.filter(|(file, _)| !described.contains(file.as_str())) {
            errors.push(Diagnostic::general(format!(
                "`{file}` is not a usable schema: {reason}"
            )));
        }
        errors.append(self.diagnostics(true, described));
        errors
    }

    /// Warnings for the used schemas: keywords and formats without effect.
    pub fn warnings(&self) -> Diagnostics {
        self.diagnostics(false, &BTreeSet::new())
    }

    fn diagnostics(&self, of_errors: bool, described: &BTreeSet<&str>) -> Diagnostics {
        let analysis = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Diagnostics::default();
        for problem in analysis.problems.iter().filter(|problem| problem.is_error == of_errors) {
            let is_described = described.contains(self.documents[problem.document].name.as_str());
            if !is_described && (of_errors || analysis.used.contains(&problem.root)) {
                all.push(self.documents[problem.document].diagnostic(problem));
            }
        }
        all
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
        if let Some(reason) = self.unreadable.get(file) {
            return Err(invalid(reason.clone()));
        }
        let Some((index, _)) = self.document(file) else {
            return Err(SchemaError::Missing {
                file: file.to_owned(),
                folder: self.folder.to_string_lossy().into_owned(),
                known: self.documents.iter().map(|document| document.name.clone()).collect(),
            });
        };
        let mut analysis = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        let found = analysis.fragment(&self.documents, index, fragment);
        analysis.settle(&self.documents);
        let broken = |errors: Vec<Diagnostic>| SchemaError::Broken {
            file: file.to_owned(),
            errors,
        };
        let spot = match found {
            Ok((spot, _)) => spot,
            Err(wrong) => {
                let errors = self.errors_of_file(&analysis, index);
                return Err(if errors.is_empty() {
                    wrong.into()
                } else {
                    broken(errors)
                });
            }
        };
        let closure = analysis.closure(spot);
        let roots: BTreeSet<_> = closure.iter().map(|spot| analysis.spots[*spot].root).collect();
        let wrong = (analysis.problems.iter()).filter(|problem| problem.is_error && roots.contains(&problem.root));
        let errors: Vec<_> = wrong
            .map(|problem| self.documents[problem.document].diagnostic(problem))
            .collect();
        if !errors.is_empty() {
            return Err(broken(errors));
        }
        let is_described = self.documents[index].kind == DocumentKind::Described;
        if is_described && Extent::new(&analysis, &self.documents).accepts_all(spot) {
            return Err(SchemaError::AcceptsAll);
        }
        if !is_described {
            self.refuse_useless(&analysis, spot, reference)?;
        }
        analysis.used.extend(roots.iter().copied());
        let used: BTreeSet<_> = closure.iter().map(|spot| analysis.spots[*spot].document).collect();
        let files = self.rewritten_files(&analysis, &used, &roots);
        let uri = resolve::uri_of(&analysis, &self.documents, spot, None);
        let is_old = used.iter().any(|index| self.documents[*index].draft < Draft::V2019);
        let resources = (analysis.resources.iter())
            .filter(|resource| !resource.uri_pointer.is_empty() && used.contains(&resource.document))
            .map(|resource| {
                let location = format!("{}#{}", self.documents[resource.document].name, resource.uri_pointer);
                (resource.uri.clone(), location)
            })
            .collect();
        drop(analysis);
        Ok(Schema {
            reference: reference.to_owned(),
            validator: build(uri, files, is_old, is_described).map_err(invalid)?,
            documents: Arc::clone(&self.documents),
            resources,
        })
    }

    /// Errors of a file that concern the whole file: more useful than a missing part.
    fn errors_of_file(&self, analysis: &Analysis, index: usize) -> Vec<Diagnostic> {
        let is_whole = |root: usize| (analysis.spots.get(root)).is_none_or(|root| root.pointer.is_empty());
        analysis
            .problems
            .iter()
            .filter(|problem| problem.document == index && problem.is_error && is_whole(problem.root))
            .map(|problem| self.documents[index].diagnostic(problem))
            .collect()
    }

    /// A schema that accepts everything tests nothing, and one that accepts nothing always fails.
    fn refuse_useless(&self, analysis: &Analysis, spot: usize, reference: &str) -> Result<(), SchemaError> {
        let extent = Extent::new(analysis, &self.documents);
        if extent.accepts_all(spot) {
            return Err(SchemaError::Useless {
                reason: format!("`{reference}` accepts every JSON value, so nothing is tested"),
                help: Some("describe the body in the schema, or remove `schema`".to_owned()),
            });
        }
        if extent.accepts_none(spot) {
            return Err(SchemaError::Useless {
                reason: format!("`{reference}` accepts no JSON value, so the check always fails"),
                help: Some("describe the body in the schema, or expect `body: { empty: true }`".to_owned()),
            });
        }
        Ok(())
    }

    /// The files that a schema uses, with absolute references; schemas with their own id are files of their own.
    fn rewritten_files(&self, analysis: &Analysis, used: &BTreeSet<usize>, roots: &BTreeSet<usize>) -> Files {
        let files = used.iter().map(|index| {
            let roots: Vec<_> = roots
                .iter()
                .copied()
                .filter(|root| analysis.spots[*root].document == *index)
                .collect();
            let value = resolve::rewritten(analysis, &self.documents, *index, &roots);
            (self.documents[*index].name.clone(), value)
        });
        let mut files: BTreeMap<_, _> = files.collect();
        let inner: Vec<_> = (analysis.resources.iter())
            .filter(|resource| !resource.uri_pointer.is_empty() && used.contains(&resource.document))
            .filter_map(|resource| {
                let document = &self.documents[resource.document];
                let mut schema = files.get(&document.name)?.pointer(&resource.uri_pointer)?.clone();
                schema["$schema"] = document.draft.uri().into();
                Some((resolve::decode(resource.uri.strip_prefix(BASE)?)?, schema))
            })
            .collect();
        files.extend(inner);
        Files(Arc::new(files))
    }
}

/// Compiles the schema of a URI, on a stack that is large enough for every schema that passes the analysis.
fn build(uri: String, files: Files, is_old: bool, is_described: bool) -> Result<Validator, String> {
    let build = move || {
        // References in parts of an API description that are not schemas are not searched, so every file is named.
        let all = files.0.keys().filter(|_| is_described && files.0.len() > 1).enumerate();
        let all: serde_json::Map<_, _> = all
            .map(|(index, name)| (index.to_string(), json!({ "$ref": resolve::file_uri(name) })))
            .collect();
        let mut options = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_pattern_options(pattern::options())
            .with_retriever(files)
            .with_base_uri(format!("{BASE}_"));
        for (name, format) in if is_old { asserted_formats()? } else { Vec::new() } {
            options = options.with_format(name, move |text: &str| format.is_valid(&Value::String(text.to_owned())));
        }
        options
            .build(&json!({ "$ref": uri, "$defs": all }))
            .map_err(|error| error.to_string())
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(build);
    let result = thread.map_err(|error| error.to_string())?.join();
    result.unwrap_or_else(|_| Err("the validator could not compile it".to_owned()))
}

/// Formats that only later drafts define: they are asserted in all drafts.
fn asserted_formats() -> Result<Vec<(&'static str, Validator)>, String> {
    let names = [
        "duration",
        "idn-hostname",
        "iri",
        "iri-reference",
        "json-pointer",
        "relative-json-pointer",
        "uri-reference",
        "uri-template",
        "uuid",
    ];
    let validator = |name: &'static str| {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options
            .build(&json!({ "format": name }))
            .map_err(|error| error.to_string())?;
        Ok((name, validator))
    };
    names.into_iter().map(validator).collect()
}

type LoadedFile = Result<(Vec<u8>, PathBuf), String>;

/// Reads every `.json` file below the folder, with its name from there.
fn collect(root: &Path, overlay: &Overlay, files: &mut BTreeMap<String, LoadedFile>) {
    let mut paths = Vec::new();
    let mut open = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push((entry.path(), format!("{name}/")));
            } else {
                paths.push((name, entry.path()));
            }
        }
    }
    for path in overlay.paths_in(root, true) {
        let parts = path.strip_prefix(root).unwrap_or(path).components();
        let names: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        paths.push((names.join("/"), path.to_owned()));
    }
    for (name, path) in paths {
        if path.extension().is_some_and(|extension| extension == "json") {
            let bytes = overlay.read_file_in(root, "the schema folder", &path, FileKind::Schema);
            files.insert(name, bytes.map(|bytes| (bytes, path)));
        }
    }
}

/// The violations of a schema by a body.
pub(crate) fn violations(schema: &Schema, location: &Location, body: &Value) -> Vec<Finding> {
    let errors = schema.validator.iter_errors(body).take(MOST);
    let finding = |error: jsonschema::ValidationError<'_>| {
        let pointer = error.instance_path().as_str().to_owned();
        Finding::new(
            CheckId::BodySchema,
            format!("the body breaks its schema: {}", explain::explain(&error, schema)),
        )
        .expected(rule_of(&error, schema))
        .actual(json::show(error.instance()))
        .pointer(pointer)
        .location(location)
    };
    errors.map(finding).collect()
}

/// Whether a body is valid.
pub(crate) fn is_valid(schema: &Schema, body: &Value) -> bool {
    schema.validator.is_valid(body)
}

/// Location of the violated rule: `error.schema.json#/$defs/Error/required`.
fn rule_of(error: &jsonschema::ValidationError<'_>, schema: &Schema) -> String {
    schema.location(error).map_or_else(
        || format!("{} in {}", error.schema_path(), schema.reference),
        |(file, pointer)| format!("{file}#{pointer}"),
    )
}

#[cfg(test)]
mod tests;
