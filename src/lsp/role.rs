//! What a file is in its project.

use std::path::{Path, PathBuf};

use crate::{session::Inspected, source::Overlay};

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileRole {
    /// `conforme.toml`.
    Config,
    /// The file of accepted changes.
    Accepted,
    /// `suite.yaml`.
    Suite {
        /// The id of the suite.
        suite: String,
    },
    /// A case file.
    Case {
        /// The id of its suite.
        suite: String,
        /// The id of the case, without rows.
        id: String,
    },
    /// A file of the schema folder.
    Schema,
    /// None of these.
    Other,
}

impl FileRole {
    /// The role of a file, by its path alone.
    pub(super) fn of(path: &Path, inspected: &Inspected) -> Self {
        let project = &inspected.workspace.project;
        if path == project.root.join("conforme.toml") {
            return Self::Config;
        }
        if path == inspected.accepted {
            return Self::Accepted;
        }
        let (extension, stem) = (path.extension(), path.file_stem());
        let stem = stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if let Ok(inside) = path.strip_prefix(&project.cases)
            && let Some(folder) = inside.parent()
            && extension.is_some_and(|extension| extension == "yaml")
        {
            let parts = folder.components().map(|part| part.as_os_str().to_string_lossy());
            let suite = parts.collect::<Vec<_>>().join("/");
            if stem == "suite" {
                return Self::Suite { suite };
            }
            let id = format!("{suite}/{stem}");
            return Self::Case { suite, id };
        }
        if path.starts_with(&project.schemas) && extension.is_some_and(|extension| extension == "json") {
            return Self::Schema;
        }
        Self::Other
    }
}

/// The folder of the project that a file is in: the nearest with a `conforme.toml`, or with the folder `cases` that the file is
/// in, or with both `cases` and the folder of schemas that it is in.
pub(super) fn project_of(path: &Path, overlay: &Overlay) -> Option<PathBuf> {
    let folders = || path.ancestors().skip(1);
    let with_config = folders().find(|folder| overlay.is_taken(&folder.join("conforme.toml")));
    let is_default = |folder: &&Path| {
        let is_inside = |name: &str| path.starts_with(folder.join(name));
        folder.join("cases").is_dir() && ["cases", "schemas"].into_iter().any(is_inside)
    };
    with_config.or_else(|| folders().find(is_default)).map(Path::to_owned)
}
