//! The files of a project that are watched, and the changes of them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    EventKind, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use super::SessionError;

/// Changes that follow each other within this time are one change: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(120);
/// Maximum number of such steps.
const MAX_STEPS: usize = 1000;
/// Maximum number of folders outside those of the project that are watched.
const MAX_FOLDERS: usize = 500;

/// Receives the paths of files that change.
pub(super) struct WatchedFiles {
    watcher: notify::RecommendedWatcher,
    changes: UnboundedReceiver<Vec<PathBuf>>,
}

impl WatchedFiles {
    /// Watches nothing yet.
    pub(super) fn new() -> Result<Self, SessionError> {
        let (sender, changes) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is not a change of it, and neither is its time or mode.
            let is_change = |kind: &EventKind| match kind {
                EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => true,
                EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
                EventKind::Access(kind) => *kind == AccessKind::Close(AccessMode::Write),
            };
            if let Ok(event) = event
                && is_change(&event.kind)
            {
                drop(sender.send(event.paths));
            }
        });
        Ok(Self {
            watcher: watcher.map_err(failed)?,
            changes,
        })
    }

    /// Watches folders with everything in them, and the folders of files. A folder that does not exist is left out: the folder
    /// above it is watched, too.
    pub(super) fn watch<'p>(
        &mut self,
        root: &Path,
        folders: &[PathBuf],
        files: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), SessionError> {
        self.watcher.watch(root, RecursiveMode::NonRecursive).map_err(failed)?;
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            self.watcher.watch(folder, RecursiveMode::Recursive).map_err(failed)?;
        }
        let is_watched = |folder: &Path| folder == root || folders.iter().any(|other| folder.starts_with(other));
        let parents = files
            .into_iter()
            .filter_map(|file| resolved(file).parent().map(Path::to_owned));
        let parents: BTreeSet<_> = parents
            .filter(|parent| parent.is_dir() && !is_watched(parent))
            .collect();
        for parent in parents.iter().take(MAX_FOLDERS) {
            // A file of it is read, but the folder may be unreadable.
            drop(self.watcher.watch(parent, RecursiveMode::NonRecursive));
        }
        Ok(())
    }

    /// Waits for changes, and returns the paths of all that follow each other.
    pub(super) async fn next(&mut self) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        match self.changes.recv().await {
            Some(paths) => all.extend(paths),
            // The watcher has ended, so nothing will ever change.
            None => std::future::pending().await,
        }
        for _ in 0..MAX_STEPS {
            match timeout(QUIET, self.changes.recv()).await {
                Ok(Some(paths)) => all.extend(paths),
                Ok(None) | Err(_) => break,
            }
        }
        all
    }
}

fn failed(error: notify::Error) -> SessionError {
    SessionError::Start(std::io::Error::other(error))
}

/// A path as the watcher reports it: its folder without links.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    match path.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    }) {
        Some(parent) => parent
            .canonicalize()
            .map_or_else(|_| path.to_owned(), |parent| parent.join(name)),
        None => path.to_owned(),
    }
}

/// Whether a file is never part of a project: temporary files of editors, pending snapshots, the repository.
pub(super) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let is_swap = extension.len() == 3 && extension.starts_with("sw");
    name.ends_with('~')
        || name.starts_with(".#")
        || name.starts_with(".tmp")
        || name.starts_with('#')
        || name == "4913"
        || is_swap
        || ["new", "tmp", "bak"].contains(&extension.as_ref())
        || path.components().any(|part| part.as_os_str() == ".git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_of_editors_are_not_part_of_a_project() {
        for name in [
            ".c.yaml.swp",
            "c.yaml~",
            ".#c.yaml",
            "#c.yaml#",
            "4913",
            "c.snap.new",
            ".git/index",
        ] {
            assert!(is_temporary(&Path::new("/p/cases/s").join(name)), "{name}");
        }
        for name in ["c.yaml", "suite.yaml", "c.snap", ".env", "body.bin", "news.json"] {
            assert!(!is_temporary(&Path::new("/p/cases/s").join(name)), "{name}");
        }
    }
}
