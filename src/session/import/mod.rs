//! `conforme import`: writes the suite of a draft.

mod openapi;
mod snapshots;
mod source;
mod traffic;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

pub use openapi::{OpenApiGaps, draft_of_arazzo, draft_of_openapi, openapi_gaps};
pub use source::{SourceFormat, draft_of, draft_of_bruno, standard_input};
pub use traffic::{document_of_recordings, write_document};

use super::{SessionError, Workspace, names::Unreported};
use crate::{
    import::{DraftFile, DraftInput, SuiteDraft, files},
    model::Exit,
    source::{FileKind, is_taken, read_file},
};

/// Options of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The folder of the suite, relative to the project.
    pub to: PathBuf,
}

/// A suite that was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The files, relative to the project.
    pub files: Vec<String>,
    /// Parts of the source that were not imported, each with the file that states it.
    pub notes: Vec<(String, String)>,
    /// The inputs that a target has to supply.
    pub inputs: Vec<DraftInput>,
    /// The origin of the requests.
    pub origin: Option<String>,
}

/// Reads a curl command, whose files are relative to the working directory.
pub fn draft_of_curl(text: &str) -> Result<SuiteDraft, SessionError> {
    let read = |path: &str| read_file(Path::new(path), FileKind::Body);
    crate::import::curl(text, &read).map_err(|error| SessionError::Advised {
        message: error.message,
        help: error.help,
        exit: Exit::Usage,
    })
}

/// Writes the files of a draft. Nothing is written if a file would be overwritten.
pub fn import(request: &ImportRequest, draft: &SuiteDraft) -> Result<Imported, SessionError> {
    let root = root(request.project.as_deref())?;
    let is_inside = request
        .to
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || request.to.components().next().is_none() || request.to.extension().is_some() {
        return Err(usage(
            format!(
                "--to `{}`: expected the folder of a suite in the project",
                request.to.display()
            ),
            "conforme import ... --to cases/users",
        ));
    }
    let folder = root.join(&request.to);
    let schemas = root.join("schemas/case.schema.json").is_file().then(|| {
        let depth = request
            .to
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .count();
        format!("{}schemas", "../".repeat(depth))
    });
    let mut files = files(draft, schemas.as_deref());
    if is_taken(&folder.join(SUITE)) {
        declared(request, &folder, draft)?;
        files.retain(|file| file.path != SUITE);
    }
    let shown = |path: &str| request.to.join(path).to_string_lossy().replace('\\', "/");
    if let Some(taken) = files.iter().find(|file| is_taken(&folder.join(&file.path))) {
        return Err(usage(
            format!("`{}` exists; nothing was written", shown(&taken.path)),
            "name another folder with `--to`, or rename the file",
        ));
    }
    let documents = openapi::schema_folder(&root);
    let copied = openapi::missing_files(draft, &documents)?;
    openapi::copy(&copied, &documents)?;
    write(&folder, &files)?;
    let notes = draft.notes().into_iter();
    let mut notes: Vec<_> = notes.map(|(file, note)| (shown(&file), draft.shown(note))).collect();
    let copied = copied.iter().map(|file| below(&root, &documents.join(&file.path)));
    let mut files: Vec<_> = copied.chain(files.iter().map(|file| shown(&file.path))).collect();
    match snapshots::store(request.project.as_deref(), &id(&root, &folder), draft) {
        Ok(mut stored) => files.append(&mut stored),
        Err(error) => {
            let note = format!("the snapshots: {error}; store them with `conforme run --snapshots accept`");
            notes.push((shown(SUITE), note));
        }
    }
    Ok(Imported {
        files,
        notes,
        inputs: draft.inputs.clone(),
        origin: draft.origin.clone(),
    })
}

/// A path below a folder, as it is shown.
fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.to_string_lossy().replace('\\', "/")
}

/// The file with the settings of a suite.
const SUITE: &str = "suite.yaml";

/// The id of the suite in a folder of a project.
fn id(root: &Path, folder: &Path) -> String {
    let below = folder.strip_prefix(root.join("cases"));
    below
        .map(|id| id.to_string_lossy().replace('\\', "/"))
        .unwrap_or_default()
}

/// The folder of the project.
fn root(project: Option<&Path>) -> Result<PathBuf, SessionError> {
    let folder = project.unwrap_or(Path::new("."));
    let here = folder.canonicalize().map_err(|error| {
        usage(
            format!("--project `{}`: {error}", folder.display()),
            "name an existing folder",
        )
    })?;
    let root = here.ancestors().find(|folder| folder.join("conforme.toml").is_file());
    Ok(root.unwrap_or(&here).to_owned())
}

/// Checks that an existing suite declares the inputs of a draft.
fn declared(request: &ImportRequest, folder: &Path, draft: &SuiteDraft) -> Result<(), SessionError> {
    let workspace = Workspace::open(request.project.as_deref(), &mut Unreported)?;
    let id = folder.strip_prefix(workspace.project.root.canonicalize().unwrap_or_default().join("cases"));
    let id = id.map(|id| id.to_string_lossy().replace('\\', "/")).unwrap_or_default();
    let suite = workspace.suites.suites.iter().find(|suite| suite.id == id);
    let document = suite
        .and_then(|suite| suite.def.openapi.as_ref())
        .map(|document| &document.name);
    if let Some(name) = draft.openapi.as_ref().filter(|name| document != Some(name)) {
        let message = format!(
            "`{}` exists and does not name the document `{name}`; nothing was written",
            request.to.join(SUITE).display()
        );
        return Err(usage(
            message,
            "add `openapi: FILE` to it, or name a new folder with `--to`",
        ));
    }
    let known: BTreeSet<&str> = suite
        .map(|suite| {
            let inputs = suite.def.inputs.iter().map(|(name, _)| name.as_str());
            inputs.chain(suite.def.vars.names()).collect()
        })
        .unwrap_or_default();
    let wanted = draft.inputs.iter().map(|input| input.name.as_str());
    let wanted = wanted.chain(draft.vars.iter().map(|(name, _)| name.as_str()));
    let missing: Vec<_> = wanted.filter(|name| !known.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
    Err(usage(
        format!(
            "`{}` exists and does not declare {}; nothing was written",
            request.to.join(SUITE).display(),
            names.join(", ")
        ),
        "declare them under `inputs`, or name a new folder with `--to`",
    ))
}

/// Writes new files; after an error, those that were written are removed.
fn write(folder: &Path, files: &[DraftFile]) -> Result<(), SessionError> {
    let mut written: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        if let Err(source) = write_one(&path, &file.bytes) {
            for path in written {
                drop(fs::remove_file(path));
            }
            let output = format!("`{}`", path.display());
            return Err(SessionError::Output { output, source });
        }
        written.push(path);
    }
    Ok(())
}

fn write_one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;

    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

fn usage(message: String, help: &str) -> SessionError {
    SessionError::Advised {
        message,
        help: help.to_owned(),
        exit: Exit::Usage,
    }
}
