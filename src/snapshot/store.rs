//! Reading and writing snapshot files.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::source::{FileKind, is_below, is_taken, read_file_in};

/// The extension of an accepted snapshot.
const ACCEPTED: &str = "snap";
/// The suffix of a pending snapshot.
const PENDING: &str = "new";

/// The snapshot folder of a project.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    folder: PathBuf,
}

/// An accepted snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedSnapshot {
    /// Its text, without the header.
    pub text: String,
}

/// A pending snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSnapshot {
    /// The id of its case.
    pub id: String,
    /// The pending file.
    pub path: PathBuf,
    /// The case's file according to the header.
    pub source: Option<String>,
    /// The accepted text, if there is one.
    pub old: Option<String>,
    /// The new text.
    pub new: String,
}

/// Why a snapshot cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file cannot be read.
    #[error("failed to read the snapshot `{path}`: {reason}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file cannot be written, moved or removed.
    #[error("failed to write the snapshot `{path}`: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl SnapshotStore {
    /// The store in `folder`, which may not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file of a case or step: `suite/file.snap`, `suite/file@example.snap`, `suite/file+step.snap`.
    pub fn path(&self, id: &str) -> PathBuf {
        let name = id.replace('[', "@").replace(']', "").replace(':', "+");
        self.folder.join(format!("{name}.{ACCEPTED}"))
    }

    fn pending_path(&self, id: &str) -> PathBuf {
        let mut path = self.path(id).into_os_string();
        path.push(format!(".{PENDING}"));
        path.into()
    }

    fn id(&self, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&self.folder).ok()?;
        let parts: Vec<_> = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        let name = parts.join("/");
        let name = name.strip_suffix(&format!(".{PENDING}")).unwrap_or(&name);
        let name = name.strip_suffix(&format!(".{ACCEPTED}"))?;
        let (case, step) = match name.split_once('+') {
            Some((case, step)) => (case, format!(":{step}")),
            None => (name, String::new()),
        };
        Some(match case.split_once('@') {
            Some((file, example)) => format!("{file}[{example}]{step}"),
            None => format!("{case}{step}"),
        })
    }

    /// The accepted snapshot of a case.
    pub fn read(&self, id: &str) -> Result<Option<AcceptedSnapshot>, SnapshotError> {
        let path = self.path(id);
        self.check_place(&path).map_err(|error| SnapshotError::Read {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        if !is_taken(&path) {
            return Ok(None);
        }
        read(&self.folder, &path).map(|(text, _)| Some(AcceptedSnapshot { text }))
    }

    /// Writes a pending snapshot.
    pub fn write_pending(&self, id: &str, source: &str, text: &str) -> Result<PathBuf, SnapshotError> {
        let path = self.pending_path(id);
        self.write(&path, id, source, text)?;
        Ok(path)
    }

    /// Writes an accepted snapshot and removes a pending one.
    pub fn write_accepted(&self, id: &str, source: &str, text: &str) -> Result<PathBuf, SnapshotError> {
        let path = self.path(id);
        self.write(&path, id, source, text)?;
        self.clear_pending(id)?;
        Ok(path)
    }

    /// Removes the pending snapshot of a case whose response equals the accepted one again.
    pub fn clear_pending(&self, id: &str) -> Result<(), SnapshotError> {
        let path = self.pending_path(id);
        self.check_writable(&path)?;
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SnapshotError::Write {
                path: path.display().to_string(),
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Accepts a pending snapshot.
    pub fn accept(&self, pending: &PendingSnapshot) -> Result<(), SnapshotError> {
        let path = self.path(&pending.id);
        self.check_writable(&path)?;
        std::fs::rename(&pending.path, &path).map_err(|source| SnapshotError::Write {
            path: path.display().to_string(),
            source,
        })
    }

    /// Discards a pending snapshot.
    pub fn reject(&self, pending: &PendingSnapshot) -> Result<(), SnapshotError> {
        self.clear_pending(&pending.id)
    }

    /// All pending snapshots, by id.
    pub fn pending(&self) -> Result<Vec<PendingSnapshot>, SnapshotError> {
        let mut all = Vec::new();
        for path in files(&self.folder) {
            let is_pending = path.extension().is_some_and(|extension| extension == PENDING);
            let Some(id) = self.id(&path).filter(|_| is_pending) else {
                continue;
            };
            let (new, source) = read(&self.folder, &path)?;
            let old = self.read(&id)?.map(|stored| stored.text);
            all.push(PendingSnapshot {
                id,
                path,
                source,
                old,
                new,
            });
        }
        Ok(all)
    }

    /// The cases with a pending snapshot.
    pub fn pending_ids(&self) -> BTreeSet<String> {
        files(&self.folder)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == PENDING))
            .filter_map(|path| self.id(&path))
            .collect()
    }

    /// Removes pending snapshots of cases that are not in `ids`.
    pub fn clear_unused_pending(&self, ids: &BTreeSet<String>) -> Result<(), SnapshotError> {
        let pending = self.pending_ids();
        let mut unused = pending.iter().filter(|id| !ids.contains(id.as_str()));
        unused.try_for_each(|id| self.clear_pending(id))
    }

    /// The files of accepted and pending snapshots that belong to no case in `ids`.
    pub fn unused(&self, ids: &BTreeSet<String>) -> Vec<PathBuf> {
        files(&self.folder)
            .into_iter()
            .filter(|path| self.id(path).is_some_and(|id| !ids.contains(id.as_str())))
            .collect()
    }

    /// Every file of the folder: accepted, pending and foreign ones.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files(&self.folder)
    }

    /// Rejects a path whose folder, with links resolved, is outside the snapshot folder: no file is read, written or
    /// removed through a link that leads out of it.
    fn check_place(&self, path: &Path) -> std::io::Result<()> {
        let folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&self.folder));
        match folders.into_iter().find(|folder| is_taken(folder)) {
            Some(folder) if !is_below(folder, &self.folder) => {
                let message = format!("the link `{}` leads out of the snapshot folder", folder.display());
                Err(std::io::Error::other(message))
            }
            _ => Ok(()),
        }
    }

    fn check_writable(&self, path: &Path) -> Result<(), SnapshotError> {
        self.check_place(path).map_err(|source| SnapshotError::Write {
            path: path.display().to_string(),
            source,
        })
    }

    fn write(&self, path: &Path, id: &str, source: &str, text: &str) -> Result<(), SnapshotError> {
        self.check_writable(path)?;
        write(path, id, source, text)
    }
}

/// Every file below a folder, sorted; a folder that does not exist has none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Text and source of a snapshot file. `insta::Snapshot` is not `Send`, so only text is returned.
fn read(folder: &Path, path: &Path) -> Result<(String, Option<String>), SnapshotError> {
    let fail = |reason: String| SnapshotError::Read {
        path: path.display().to_string(),
        reason,
    };
    let bytes = read_file_in(folder, "the snapshot folder", path, FileKind::Snapshot).map_err(fail)?;
    let text = String::from_utf8_lossy(&bytes);
    // The reader accepts older formats and prints advice to stderr.
    if text.lines().next().is_none_or(|line| line.trim_end() != "---") {
        let reason = "it does not begin with `---`: it is not a snapshot, or one in an old format of insta".to_owned();
        return Err(fail(format!(
            "{reason}; help: remove the file, and accept the snapshot again"
        )));
    }
    let head = text.split("\n---").next().unwrap_or_default();
    // The reader builds a path from the extension, and panics if it is invalid.
    if ["snapshot_kind", "binary", "extension"]
        .iter()
        .all(|word| head.contains(word))
    {
        return Err(fail("it is not a text snapshot".to_owned()));
    }
    let snapshot = std::panic::catch_unwind(|| insta::Snapshot::from_file(path))
        .map_err(|_| fail("it is not a snapshot".to_owned()))?
        .map_err(|error| fail(error.to_string()))?;
    let text = snapshot
        .as_text()
        .ok_or_else(|| fail("it is not a text snapshot".to_owned()))?
        .to_string();
    Ok((text, snapshot.metadata().source().map(str::to_owned)))
}

/// Writes a snapshot file atomically: readers see the complete old or new file.
fn write(path: &Path, id: &str, source: &str, text: &str) -> Result<(), SnapshotError> {
    let fail = |source| SnapshotError::Write {
        path: path.display().to_string(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fail)?;
    // JSON strings are YAML strings: the header needs no YAML writer.
    let quote = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    write!(
        file,
        "---\nsource: {}\nexpression: {}\n---\n{}\n",
        quote(source),
        quote(id),
        text.trim_end()
    )
    .map_err(fail)?;
    file.flush().map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_snapshot_is_read_back_and_found_by_id() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path());
        let text = "HTTP 400\n\n---\nünïcode: \"x\"\n";
        for id in ["suite/case", "suite/case[row-1]"] {
            assert_eq!(store.read(id).unwrap(), None);
            store.write_pending(id, "cases/suite/case.yaml", text).unwrap();
            let pending = store.pending().unwrap().into_iter().find(|one| one.id == id).unwrap();
            assert_eq!(
                (pending.old.as_deref(), pending.new.trim_end()),
                (None, text.trim_end())
            );
            assert_eq!(pending.source.as_deref(), Some("cases/suite/case.yaml"));
            store.accept(&pending).unwrap();
            assert_eq!(store.read(id).unwrap().unwrap().text.trim_end(), text.trim_end());
        }
        assert!(store.pending().unwrap().is_empty());
        let used = BTreeSet::from(["suite/case".to_owned()]);
        assert_eq!(store.unused(&used), [folder.path().join("suite/case@row-1.snap")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_snapshot_folder_is_not_followed() {
        use std::os::unix::fs::symlink;
        let location = tempfile::tempdir().unwrap();
        let at = |name: &str| location.path().join(name);
        std::fs::create_dir_all(at("snapshots")).unwrap();
        std::fs::create_dir_all(at("elsewhere")).unwrap();
        let store = SnapshotStore::new(at("snapshots"));
        store.write_accepted("ours/c", "c.yaml", "text").unwrap();
        for file in ["c.snap", "c.snap.new"] {
            std::fs::copy(at("snapshots/ours/c.snap"), at("elsewhere").join(file)).unwrap();
        }
        symlink("../elsewhere", at("snapshots/s")).unwrap();
        symlink("../nowhere", at("snapshots/t")).unwrap();
        symlink("ours", at("snapshots/u")).unwrap();
        let before = std::fs::read(at("elsewhere/c.snap")).unwrap();
        for id in ["s/c", "s/deeper/c", "t/c", "t/deeper/c"] {
            assert!(store.read(id).is_err(), "{id}");
            assert!(store.write_pending(id, "c.yaml", "new").is_err(), "{id}");
            assert!(store.write_accepted(id, "c.yaml", "new").is_err(), "{id}");
            assert!(store.clear_pending(id).is_err(), "{id}");
        }
        assert!(store.read("u/c").unwrap().is_some());
        assert!(store.pending().unwrap().is_empty());
        // A link in place of the file, and a broken link.
        symlink("../../elsewhere/c.snap", at("snapshots/ours/d.snap")).unwrap();
        symlink("nothing", at("snapshots/ours/e.snap")).unwrap();
        assert!(store.read("ours/d").is_err() && store.read("ours/e").is_err());
        store.write_accepted("ours/d", "c.yaml", "new").unwrap();
        symlink("../../elsewhere/c.snap.new", at("snapshots/ours/f.snap.new")).unwrap();
        assert!(store.pending().is_err());
        store.clear_pending("ours/f").unwrap();
        assert_eq!(std::fs::read(at("elsewhere/c.snap")).unwrap(), before);
        assert_eq!(std::fs::read_dir(at("elsewhere")).unwrap().count(), 2);
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn a_broken_snapshot_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path());
        std::fs::create_dir(folder.path().join("s")).unwrap();
        std::fs::write(folder.path().join("s/c.snap"), b"---\nsource: [\n---\nx").unwrap();
        let error = store.read("s/c").unwrap_err().to_string();
        assert!(error.contains("c.snap"), "{error}");
        // Includes names that need an escape.
        for kind in ["snapshot_kind", "\"snapshot\\u005fkind\""] {
            let text = format!("---\n{kind}: binary\nextension: \"a/b\"\n---\n");
            std::fs::write(folder.path().join("s/c.snap"), text).unwrap();
            let error = store.read("s/c").unwrap_err().to_string();
            assert!(error.contains("c.snap"), "{error}");
        }
    }
}
