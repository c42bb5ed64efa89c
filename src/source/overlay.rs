//! Text that replaces the content of files, such as text that an editor has not saved yet.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{FileKind, is_taken, read_file_in, read_text};

/// Files whose text is not read from the disk. They exist even if there is no such file.
#[derive(Clone, Debug, Default)]
pub struct Overlay(Arc<BTreeMap<PathBuf, Arc<str>>>);

impl Overlay {
    /// An overlay of these texts, by absolute path.
    pub fn new(texts: BTreeMap<PathBuf, Arc<str>>) -> Self {
        Self(Arc::new(texts))
    }

    /// The text of a file that is replaced.
    pub(crate) fn text(&self, path: &Path) -> Option<&Arc<str>> {
        self.0.get(path)
    }

    /// The paths of the replaced files that are directly in a folder, or anywhere below it.
    pub(crate) fn paths_in(&self, folder: &Path, is_deep: bool) -> impl Iterator<Item = &Path> {
        let all = self.0.keys().map(PathBuf::as_path);
        all.filter(move |path| {
            if is_deep {
                path.starts_with(folder)
            } else {
                path.parent() == Some(folder)
            }
        })
    }

    /// Like [`is_taken`].
    pub(crate) fn is_taken(&self, path: &Path) -> bool {
        self.0.contains_key(path) || is_taken(path)
    }

    /// Like [`read_text`].
    pub(crate) fn read_text(&self, path: &Path, kind: FileKind) -> Result<String, String> {
        match self.0.get(path) {
            Some(text) => bounded(text, kind),
            None => read_text(path, kind),
        }
    }

    /// Like [`read_file_in`].
    pub(crate) fn read_file_in(
        &self,
        folder: &Path,
        folder_name: &str,
        path: &Path,
        kind: FileKind,
    ) -> Result<Vec<u8>, String> {
        match self.0.get(path) {
            Some(text) => bounded(text, kind).map(String::into_bytes),
            None => read_file_in(folder, folder_name, path, kind),
        }
    }
}

fn bounded(text: &str, kind: FileKind) -> Result<String, String> {
    if text.len() as u64 > kind.max_bytes() {
        return Err(format!("it is larger than {} bytes", kind.max_bytes()));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_overlay_replaces_the_file_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "saved").unwrap();
        std::fs::write(at("b"), "saved").unwrap();
        let texts = BTreeMap::from([(at("a"), "typed".into()), (at("new"), "n".into())]);
        let overlay = Overlay::new(texts);
        let read = |name: &str| overlay.read_text(&at(name), FileKind::Suite).ok();
        assert_eq!(read("a").as_deref(), Some("typed"));
        assert_eq!(read("b").as_deref(), Some("saved"));
        assert_eq!(read("new").as_deref(), Some("n"));
        assert_eq!(read("none"), None);
        assert!(overlay.is_taken(&at("new")) && overlay.is_taken(&at("b")) && !overlay.is_taken(&at("none")));
        let inside = overlay.read_file_in(folder.path(), "it", &at("a"), FileKind::Schema);
        assert_eq!(inside.as_deref(), Ok(&b"typed"[..]));
        assert_eq!(overlay.paths_in(folder.path(), false).count(), 2);
    }

    #[test]
    fn text_of_an_overlay_has_the_limit_of_its_kind() {
        let path = PathBuf::from("/a");
        let overlay = Overlay::new(BTreeMap::from([(path.clone(), "x".repeat((1 << 20) + 1).into())]));
        assert!(overlay.read_text(&path, FileKind::Config).is_err());
        assert!(overlay.read_text(&path, FileKind::Suite).is_ok());
    }
}
