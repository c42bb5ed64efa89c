//! Two documents that describe an API, compared by `conforme compare`.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    CompareRequest, Documents, Notices, SessionError, Workspace,
    compare::{accepted, is_target},
    coverage::base,
    outputs::{Inputs, Outputs},
};
use crate::{
    compare::{
        ACCEPTED_FILE, CompareError, CompareOptions, CompareSettings, DocumentCompareOptions, DocumentComparison,
        ExercisedOperations, SuiteFacts, Version, compare as compare_recordings, compare_documents as compare_both,
        observe,
    },
    model::Exit,
    openapi::ApiDocument,
    project::Project,
    recording::Recording,
    source::{Diagnostics, Overlay, Sources},
};

/// How much of a file shows whether it is a document.
const SNIFFED: u64 = 64 << 10;

/// A document that a command names by its path.
pub(super) struct NamedDocument {
    pub(super) document: ApiDocument,
    /// The paths of all its files.
    pub(super) files: Vec<PathBuf>,
}

/// Opens a document. `name` is what an error says of it; references can lead to all files of the working directory, or of
/// the folder of the document if it is elsewhere.
pub(super) fn open_document(path: &Path, name: &str, notices: &mut dyn Notices) -> Result<NamedDocument, SessionError> {
    let unreadable = |reason: String| SessionError::Usage(format!("{name}: {reason}"));
    let real = path.canonicalize().map_err(|error| unreadable(error.to_string()))?;
    let here = std::env::current_dir().unwrap_or_default();
    let parent = real.parent().unwrap_or(Path::new("/"));
    let folder = if real.starts_with(&here) { &here } else { parent };
    let relative = real.strip_prefix(folder).unwrap_or(&real);
    let names = relative.components().map(|part| part.as_os_str().to_string_lossy());
    let below = names.collect::<Vec<_>>().join("/");
    let (mut sources, mut errors) = (Sources::new(&here), Diagnostics::default());
    let document = ApiDocument::open(folder, &below, &mut sources, &mut errors);
    let Some(document) = document.filter(|_| errors.is_empty()) else {
        let sources = Arc::new(sources);
        return Err(SessionError::Invalid { errors, sources });
    };
    notices.warnings(&document.warnings, &sources);
    if document.operations.is_empty() {
        return Err(unreadable("it describes no operations".to_owned()));
    }
    let files = document.file_names().map(|name| folder.join(name)).collect();
    Ok(NamedDocument { document, files })
}

/// What one side of a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SideKind {
    Document,
    Recording,
    /// A target, or nothing that exists.
    Target,
}

impl SideKind {
    fn of(name: &str) -> Self {
        let path = Path::new(name);
        if is_target(name, None) || !path.is_file() {
            return Self::Target;
        }
        let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        match extension.as_deref().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => return Self::Document,
            Some("ndjson") => return Self::Recording,
            _ if Recording::open(path).is_ok() => return Self::Recording,
            _ => {}
        }
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(SNIFFED).read_to_end(&mut start));
        let text = String::from_utf8_lossy(&start);
        let is_json = extension.is_some_and(|extension| extension == "json");
        let is_named = ["openapi", "swagger", "asyncapi", "arazzo"]
            .iter()
            .any(|key| text.contains(&format!("\"{key}\"")));
        let is_document = read.is_ok() && !text.contains("\"event\"") && (is_json || is_named);
        if is_document { Self::Document } else { Self::Recording }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Document => "an OpenAPI document",
            Self::Recording => "a recording",
            Self::Target => "a target",
        }
    }
}

/// Whether both sides of a comparison are documents. One document and something else is an error.
pub fn is_of_documents(request: &CompareRequest) -> Result<bool, SessionError> {
    let sides = [&request.baseline, &request.candidate].map(|name| SideKind::of(name));
    match sides {
        [SideKind::Document, SideKind::Document] => Ok(true),
        [one, other] if one == SideKind::Document || other == SideKind::Document => Err(SessionError::Advised {
            message: format!(
                "`{}` is {}, and `{}` is {}: they cannot be compared",
                request.baseline,
                one.noun(),
                request.candidate,
                other.noun()
            ),
            help: "name two documents, or two recordings or targets; `conforme coverage` compares recordings with a document"
                .to_owned(),
            exit: Exit::Usage,
        }),
        _ => Ok(false),
    }
}

/// The folder of the project and its settings, if there is one. Its suites are not read.
fn project_settings(
    request: &CompareRequest,
    notices: &mut dyn Notices,
) -> Result<Option<(PathBuf, CompareSettings)>, SessionError> {
    if request.project.is_none() && !Workspace::is_here() {
        return Ok(None);
    }
    let folder = request.project.as_deref().unwrap_or(Path::new("."));
    let unreadable = |error| SessionError::Usage(format!("--project `{}`: {error}", folder.display()));
    let folder = folder.canonicalize().map_err(unreadable)?;
    let mut errors = Diagnostics::default();
    let (project, sources) = Project::open_with(&folder, Overlay::default(), &mut errors);
    notices.secret_sources(project.secret_sources());
    let settings = project.compare.as_ref();
    let settings = settings.map(|node| CompareSettings::of(node, &project.root, &mut errors));
    if errors.is_empty() {
        return Ok(Some((project.root, settings.unwrap_or_default())));
    }
    let sources = Arc::new(sources);
    Err(SessionError::Invalid { errors, sources })
}

/// Compares two documents. The reports are still to be written.
pub fn compare_documents(
    request: &CompareRequest,
    notices: &mut dyn Notices,
) -> Result<(DocumentComparison, Documents), SessionError> {
    if !request.filter.is_empty() {
        return Err(SessionError::Usage(
            "documents have no cases: names and `--tag` select cases of recordings and targets".to_owned(),
        ));
    }
    let settings = project_settings(request, notices)?;
    let (root, settings) = settings.map_or_else(Default::default, |(root, settings)| (Some(root), settings));
    let accepted = accepted(request, &settings, root.as_deref())?;
    let open = |name: &String, notices: &mut dyn Notices| open_document(Path::new(name), &format!("`{name}`"), notices);
    let (old, new) = (open(&request.baseline, notices)?, open(&request.candidate, notices)?);
    let files = old.files.iter().chain(&new.files).map(PathBuf::as_path);
    let read: Vec<PathBuf> = (root.iter())
        .flat_map(|root| ["conforme.toml", ACCEPTED_FILE].map(|name| root.join(name)))
        .chain(settings.accepted.clone())
        .chain(request.accepted.clone())
        .chain(request.observed.iter().cloned())
        .collect();
    let inputs = Inputs::of(files.chain(read.iter().map(PathBuf::as_path)));
    Outputs::new(&request.reports, None).check(&inputs)?;
    let documents = Documents::open(&request.reports)?;
    let how = DocumentCompareOptions {
        levels: &settings.levels,
        accepted: &accepted,
        today: Utc::now().date_naive(),
        fail_on: request.fail_on,
    };
    let mut comparison = compare_both(
        (&old.document, &request.baseline),
        (&new.document, &request.candidate),
        &how,
    );
    if let [before, after] = request.observed.as_slice() {
        let recordings = (before.as_path(), after.as_path());
        observed(&mut comparison, (&old.document, &new.document), recordings, &how)?;
    }
    Ok((comparison, documents))
}

/// Compares the recordings of both versions, and states which changes they show.
fn observed(
    comparison: &mut DocumentComparison,
    (old, new): (&ApiDocument, &ApiDocument),
    (before, after): (&Path, &Path),
    how: &DocumentCompareOptions<'_>,
) -> Result<(), SessionError> {
    let exercised = |path: &Path, document: &ApiDocument| {
        let unreadable = SessionError::recording(path);
        let recording = Recording::open(path).map_err(&unreadable)?;
        let base = base(recording.started());
        ExercisedOperations::read(path, &base, document).map_err(&unreadable)
    };
    let (of_old, of_new) = (exercised(before, old)?, exercised(after, new)?);
    let facts = SuiteFacts::default();
    let comparing = CompareOptions {
        facts: &facts,
        judge: None,
        levels: how.levels,
        accepted: &[],
        today: how.today,
        fail_on: None,
        wanted: &|_| true,
    };
    let names = [before, after].map(|path| path.display().to_string());
    let version = |path, name| Version { path, name };
    let recorded = compare_recordings(version(before, &names[0]), version(after, &names[1]), &comparing);
    let recorded = recorded.map_err(|error| match error {
        CompareError::UnknownNames(names) => SessionError::UnknownNames(names),
        CompareError::Unreadable { is_candidate, source } => {
            SessionError::recording(if is_candidate { after } else { before })(source)
        }
    })?;
    observe(comparison, (old, new), &recorded, (&of_old, &of_new));
    Ok(())
}
