//! `OpenAPI` documents: where they are read from, and the operations that have no case.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    ImportRequest, id, root,
    source::{is_url, located, read, shown},
    usage, write_one,
};
use crate::{
    check::StatusSet,
    import::{DraftFile, SuiteDraft},
    json,
    model::Phase,
    openapi::{ApiDocument, DeclaredStatus, Operation},
    plan::{Late, Plan, Selection},
    project::{Project, Target},
    session::{Notices, SessionError, Workspace, names::Unreported, scratch},
    source::{Diagnostics, FileKind, Sources, is_taken, parse_foreign_yaml, read_file},
    suite::{Case, StepDef},
};

/// Maximum number of folders above a document that its files can be in.
const ABOVE: usize = 4;
/// Maximum length of the name of a document that is taken from a URL.
const NAME: usize = 80;

/// Reads an `OpenAPI` document: a path, a URL, or `-` for standard input. The files that it consists of are part of the
/// draft, unless they are in the schema folder of the project.
pub fn draft_of_openapi(
    project: Option<&Path>,
    source: &str,
    notices: &mut dyn Notices,
) -> Result<SuiteDraft, SessionError> {
    let opened = open(project, source)?;
    let document = &opened.document;
    notices.warnings(&document.warnings, &opened.sources);
    let mut draft = crate::import::openapi(document);
    if draft.origin.is_none() && is_url(source) {
        // A relative URL of a server is relative to that of the document.
        let server = document.servers.first().map_or("/", String::as_str);
        let origin = url::Url::parse(source).and_then(|base| base.join(server));
        draft.origin = origin.ok().map(|url| url.to_string().trim_end_matches('/').to_owned());
    }
    draft.documents = opened.files;
    Ok(draft)
}

/// Reads an Arazzo document and the `OpenAPI` documents next to it.
pub fn draft_of_arazzo(
    project: Option<&Path>,
    source: &str,
    notices: &mut dyn Notices,
) -> Result<SuiteDraft, SessionError> {
    let value = workflows(source)?;
    let named = crate::import::arazzo_sources(&value).map_err(|error| located(error, &shown(source)))?;
    let folder = match source {
        "-" => Path::new(""),
        path => Path::new(path).parent().unwrap_or(Path::new("")),
    };
    let mut opened = Vec::new();
    for (name, url) in named {
        if is_url(&url) || is_url(source) {
            let message = format!("the document `{name}` is remote, and nothing is fetched");
            return Err(usage(
                message,
                "save it, and write its path from the Arazzo document as its `url`",
            ));
        }
        let path = folder.join(url.strip_prefix("./").unwrap_or(&url));
        let one = open(project, &path.to_string_lossy())?;
        notices.warnings(&one.document.warnings, &one.sources);
        opened.push((name, one));
    }
    let documents: Vec<_> = opened.iter().map(|(name, one)| (name.clone(), &one.document)).collect();
    let draft = crate::import::arazzo(&value, &documents);
    let mut draft = draft.map_err(|error| located(error, &shown(source)))?;
    let is_main = |one: &OpenedDocument| draft.openapi.as_ref() == Some(&one.document.name);
    let main = opened.into_iter().find(|(_, one)| is_main(one));
    draft.documents = main.map(|(_, one)| one.files).unwrap_or_default();
    Ok(draft)
}

/// The content of an Arazzo document.
fn workflows(source: &str) -> Result<Value, SessionError> {
    let help = "pass an Arazzo document, as YAML or JSON";
    let error = |reason: String| usage(format!("failed to read `{}`: {reason}", shown(source)), help);
    let text = String::from_utf8(read(source)?).map_err(|_| error("it is not UTF-8".to_owned()))?;
    if text.trim_start().starts_with('{') {
        return json::read(text.as_bytes()).map_err(|reason| error(format!("it is not valid JSON: {reason}")));
    }
    let mut sources = Sources::new(std::env::current_dir().unwrap_or_default());
    let file = sources.add(Path::new(&shown(source)), text.clone());
    let mut errors = Diagnostics::default();
    let node = parse_foreign_yaml(&text, file, &mut errors);
    match node.filter(|_| errors.is_empty()) {
        Some(node) => Ok(node.to_json()),
        None => Err(SessionError::Invalid {
            errors,
            sources: Arc::new(sources),
        }),
    }
}

/// A document, and its files if they are not in the schema folder.
struct OpenedDocument {
    document: ApiDocument,
    sources: Arc<Sources>,
    files: Vec<DraftFile>,
}

fn open(project: Option<&Path>, source: &str) -> Result<OpenedDocument, SessionError> {
    if source == "-" || is_url(source) {
        let bytes = read(source)?;
        let folder = scratch::folder()?;
        let name = name_of(source, &bytes);
        fs::write(folder.path().join(&name), &bytes).map_err(SessionError::Scratch)?;
        return open_in(folder.path(), &name, true, folder.path()).map_err(|(error, _)| error);
    }
    let path = Path::new(source);
    // The error of a file that cannot be read names it as it was given.
    let unread = |reason: String| {
        let message = format!("failed to read `{}`: {reason}", shown(source));
        usage(message, "pass the path of a file, a URL, or `-` for standard input")
    };
    if path.is_dir() {
        return Err(unread("it is a folder".to_owned()));
    }
    let path = path.canonicalize().map_err(|error| unread(error.to_string()))?;
    let here = std::env::current_dir().unwrap_or_default();
    let schemas = schema_folder(&root(project)?);
    let schemas = schemas.canonicalize().unwrap_or(schemas);
    let folders = path.ancestors().skip(1).take(ABOVE);
    let is_inside = path.starts_with(&schemas);
    let folders: Vec<&Path> = if is_inside { vec![&schemas] } else { folders.collect() };
    let mut first = None;
    for folder in folders {
        let Ok(below) = path.strip_prefix(folder) else { continue };
        let name = below.to_string_lossy().replace('\\', "/");
        match open_in(folder, &name, !is_inside, &here) {
            Ok(opened) => return Ok(opened),
            Err((error, is_outside)) => {
                let error = first.get_or_insert(error);
                if !is_outside {
                    return Err(first.unwrap_or_else(|| unread(String::new())));
                }
                let _ = error;
            }
        }
    }
    Err(first.unwrap_or_else(|| unread("it is not in a folder".to_owned())))
}

/// Reads a document in a folder. The error states whether it refers to a file outside the folder.
fn open_in(
    folder: &Path,
    name: &str,
    is_copied: bool,
    shown_from: &Path,
) -> Result<OpenedDocument, (SessionError, bool)> {
    let mut sources = Sources::new(shown_from);
    let mut errors = Diagnostics::default();
    let document = ApiDocument::open(folder, name, &mut sources, &mut errors);
    let sources = Arc::new(sources);
    let Some(document) = document else {
        let is_outside = errors
            .render(&sources, false)
            .contains("not a file of the schema folder");
        return Err((SessionError::Invalid { errors, sources }, is_outside));
    };
    if document.operations.is_empty() {
        let message = format!("`{name}` describes no operations");
        return Err((usage(message, "describe the operations in its `paths`"), false));
    }
    let names = document.file_names().filter(|_| is_copied);
    let files = names.map(|name| {
        let bytes = read_file(&folder.join(name), FileKind::Schema);
        let bytes = bytes.map_err(|reason| usage(format!("failed to read `{name}`: {reason}"), "check the file"))?;
        Ok(DraftFile {
            path: name.to_owned(),
            bytes,
        })
    });
    let files = files.collect::<Result<_, _>>().map_err(|error| (error, false))?;
    Ok(OpenedDocument {
        document,
        sources,
        files,
    })
}

/// The name of a document that is not a file.
fn name_of(source: &str, bytes: &[u8]) -> String {
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let extension = if is_json { "json" } else { "yaml" };
    let url = url::Url::parse(source).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.next_back());
    let stem = last.map(|name| name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let stem: String = (stem.unwrap_or_default().chars())
        .filter(|c| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(c))
        .take(NAME)
        .collect();
    let stem = stem.trim_start_matches('.');
    format!("{}.{extension}", if stem.is_empty() { "openapi" } else { stem })
}

/// The schema folder of a project.
pub(super) fn schema_folder(root: &Path) -> PathBuf {
    Project::open(root, &mut Diagnostics::default()).0.schemas
}

/// The files of a document that the schema folder does not contain yet, by their paths. It is an error if one of them would be
/// overwritten.
pub(super) fn missing_files<'d>(draft: &'d SuiteDraft, schemas: &Path) -> Result<Vec<&'d DraftFile>, SessionError> {
    let mut missing = Vec::new();
    for file in &draft.documents {
        let path = schemas.join(&file.path);
        if !is_taken(&path) {
            missing.push(file);
        } else if read_file(&path, FileKind::Schema).ok().as_deref() != Some(&*file.bytes) {
            let message = format!("`{}` exists and differs; nothing was written", path.display());
            return Err(usage(
                message,
                "pass the file of the schema folder, or rename one of them",
            ));
        }
    }
    Ok(missing)
}

/// Writes files of a document.
pub(super) fn copy(files: &[&DraftFile], schemas: &Path) -> Result<(), SessionError> {
    for file in files {
        let path = schemas.join(&file.path);
        write_one(&path, &file.bytes).map_err(|source| SessionError::Output {
            output: format!("`{}`", path.display()),
            source,
        })?;
    }
    Ok(())
}

/// What a suite does not request of a document.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenApiGaps {
    /// The operations and statuses without a case: `GET /orders/{id}`, and the statuses as declared.
    pub missing: Vec<(String, Vec<String>)>,
    /// Number of statuses that the document declares.
    pub declared: usize,
    /// Number of statuses whose cases are all skipped.
    pub skipped: usize,
}

impl OpenApiGaps {
    /// Number of statuses without a case.
    pub fn count(&self) -> usize {
        self.missing.iter().map(|(_, statuses)| statuses.len()).sum()
    }
}

/// Finds the operations and statuses of a document for which a suite has no case. A case is for the operation that it names,
/// or that its method and path lead to, and for every status that it expects.
pub fn openapi_gaps(
    request: &ImportRequest,
    source: &str,
    notices: &mut dyn Notices,
) -> Result<OpenApiGaps, SessionError> {
    let opened = open(request.project.as_deref(), source)?;
    notices.warnings(&opened.document.warnings, &opened.sources);
    let workspace = Workspace::open(request.project.as_deref(), &mut Unreported)?;
    let root = root(request.project.as_deref())?;
    let folder = root.join(&request.to);
    let suite = id(&root, &folder);
    let is_of = |id: &str| id == suite || id.strip_prefix(&suite).is_some_and(|rest| rest.starts_with('/'));
    if !workspace.suites.suites.iter().any(|one| is_of(&one.id)) {
        let message = format!("`{}` is not the folder of a suite", request.to.display());
        return Err(usage(message, "name the folder of a suite with `--to`"));
    }
    let target = Target::placeholder(&workspace.suites).map_err(SessionError::Usage)?;
    let plan = workspace.plan(&Selection::default(), target)?;
    let mut found = Requested::default();
    for planned in plan.cases.iter().filter(|planned| is_of(&planned.case.suite.id)) {
        let case = &planned.case;
        for (index, step) in case.def.steps.iter().enumerate() {
            if step.phase == Phase::Main && step.endpoint().is_none() {
                found.step(&opened.document, &workspace, &plan, (case, index, step));
            }
        }
    }
    Ok(found.gaps(&opened.document))
}

/// The statuses that cases request, by operation.
#[derive(Default)]
struct Requested {
    all: Vec<(usize, StatusSet, bool)>,
}

impl Requested {
    fn step(
        &mut self,
        document: &ApiDocument,
        workspace: &Workspace,
        plan: &Plan,
        (case, index, step): (&Arc<Case>, usize, &StepDef),
    ) {
        let mut late = Late::default();
        for capture in case.def.steps.iter().flat_map(|step| &step.capture) {
            late.capture(&capture.name, Value::String("captured".to_owned()));
        }
        if step.follow.is_some() {
            late.follow("http://127.0.0.1/followed".to_owned());
        }
        let Ok(bound) = plan.bind(case, index, &late, &workspace.sources) else {
            return;
        };
        let operation = if let Some(named) = &step.operation {
            document.operation(&named.value)
        } else {
            let rest = bound.request.url.strip_prefix("http://127.0.0.1").unwrap_or_default();
            let path = rest.split(['?', '#']).next().unwrap_or_default();
            let path = if path.is_empty() { "/" } else { path };
            let found = document.find(&bound.request.method, path);
            found.map(|(operation, _)| operation)
        };
        let (Some(operation), Some((statuses, _))) = (operation, bound.expectation.status) else {
            return;
        };
        let position = document
            .operations
            .iter()
            .position(|known| known.part == operation.part);
        self.all
            .extend(position.map(|index| (index, statuses, case.def.skip.is_some())));
    }

    fn gaps(&self, document: &ApiDocument) -> OpenApiGaps {
        let mut gaps = OpenApiGaps::default();
        for (index, operation) in document.operations.iter().enumerate() {
            let mut missing = BTreeSet::new();
            for response in &operation.responses {
                let is_only = operation.responses.len() == 1;
                if response.status == DeclaredStatus::Default && !is_only {
                    continue;
                }
                gaps.declared += 1;
                let of_status = self.all.iter().filter(|(known, statuses, _)| {
                    *known == index && is_expected(operation, response.status, statuses)
                });
                let skipped: Vec<_> = of_status.map(|(_, _, is_skipped)| *is_skipped).collect();
                if skipped.is_empty() {
                    missing.insert(response.status.to_string());
                } else if skipped.iter().all(|is_skipped| *is_skipped) {
                    gaps.skipped += 1;
                }
            }
            if !missing.is_empty() {
                gaps.missing.push((operation.name(), missing.into_iter().collect()));
            }
        }
        gaps
    }
}

/// Whether an expectation is about a declared status.
fn is_expected(operation: &Operation, status: DeclaredStatus, expected: &StatusSet) -> bool {
    match status {
        DeclaredStatus::Code(code) => expected.contains(code),
        DeclaredStatus::Range(digit) => (digit * 100..digit * 100 + 100).any(|code| expected.contains(code)),
        DeclaredStatus::Default => (100..600).any(|code| {
            let is_own = operation
                .response(code)
                .is_some_and(|one| one.status == DeclaredStatus::Default);
            is_own && expected.contains(code)
        }),
    }
}
