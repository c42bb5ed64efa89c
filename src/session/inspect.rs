//! A project while it is edited: everything that can be read, and all errors.

use std::path::{Path, PathBuf};

use super::{OutputMask, Workspace, list::check};
use crate::{
    compare::{ACCEPTED_FILE, read_accepted},
    project::Environment,
    source::{Diagnostics, Overlay, Sources},
};

/// A project while it is edited.
#[non_exhaustive]
pub struct Inspected {
    /// What could be read. If there are errors, its cases must not be run.
    pub workspace: Workspace,
    /// The errors of `validate`.
    pub errors: Diagnostics,
    /// Its warnings.
    pub warnings: Diagnostics,
    /// The file of accepted changes.
    pub accepted: PathBuf,
    /// Errors in the file of accepted changes, with its text.
    pub accepted_errors: (Diagnostics, Sources),
    /// Masks the secrets that can be known before a run.
    pub mask: OutputMask,
}

/// Reads the project in `folder`, an absolute path, or above it, and checks it as `validate` does. Text of `overlay` replaces
/// that of files.
pub fn inspect(folder: &Path, overlay: &Overlay) -> Inspected {
    let (workspace, mut errors) = Workspace::read(folder, overlay.clone(), &[], &mut ());
    if errors.is_empty() {
        check(&workspace, &mut errors);
    }
    // A schema that a case uses is shown to be wrong at both places.
    errors.append(workspace.schemas.errors_except(&workspace.suites.described_files()));
    let project = &workspace.project;
    let named = workspace.compare.accepted.clone();
    let accepted = named.unwrap_or_else(|| project.root.join(ACCEPTED_FILE));
    let mut accepted_errors = Diagnostics::default();
    let mut sources = Sources::with_overlay(&project.root, overlay.clone());
    if overlay.is_taken(&accepted) {
        read_accepted(&accepted, &mut sources, &mut accepted_errors);
    }
    let mut mask = OutputMask::default();
    mask.secret_sources(project.secret_sources());
    mask.environment(&Environment::default());
    Inspected {
        warnings: workspace.warnings(),
        workspace,
        errors,
        accepted,
        accepted_errors: (accepted_errors, sources),
        mask,
    }
}
