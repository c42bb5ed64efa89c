//! Locations of values: the files that were read, and spans in them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Overlay;
use crate::model::Location;

/// A file of [`Sources`], by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    /// The file that is added after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A stretch of a file; lines and columns count from one, columns in characters, the end is exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First line.
    pub line: u32,
    /// Column in the first line.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

#[derive(Debug)]
struct SourceFile {
    shown: Arc<str>,
    text: String,
}

/// The text of every file that was read, so that an error can show its line.
#[derive(Debug, Default)]
pub struct Sources {
    root: PathBuf,
    files: Vec<SourceFile>,
    overlay: Overlay,
}

impl Sources {
    /// An empty set; paths below `root` are shown relative to it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_overlay(root, Overlay::default())
    }

    /// The same; the text of some files is not read from the disk.
    pub fn with_overlay(root: impl Into<PathBuf>, overlay: Overlay) -> Self {
        Self {
            root: root.into(),
            files: Vec::new(),
            overlay,
        }
    }

    /// The files that are not read from the disk.
    pub(crate) fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// Adds a file's text.
    pub fn add(&mut self, path: &Path, text: String) -> FileId {
        let shown = self.shown(path).into();
        let file = self.next();
        self.files.push(SourceFile { shown, text });
        file
    }

    /// The id of the next file.
    pub(crate) fn next(&self) -> FileId {
        FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX))
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// How `path` is written in messages: relative to the root, `/` between folders.
    pub fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
            .replace("//", "/")
    }

    /// The path of a file as shown.
    pub fn path(&self, file: FileId) -> Arc<str> {
        self.files
            .get(file.0 as usize)
            .map_or_else(|| Arc::from(""), |known| Arc::clone(&known.shown))
    }

    /// The path of a file.
    pub(crate) fn full_path(&self, file: FileId) -> PathBuf {
        self.root.join(&*self.path(file))
    }

    /// The text of a file; empty if it is not in this set.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |known| &known.text)
    }

    /// Every file: its path as shown, and its text.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (&*file.shown, file.text.as_str()))
    }

    /// The start of a span as a [`Location`].
    pub fn location(&self, span: Span) -> Location {
        Location {
            file: self.path(span.file),
            line: span.line,
            column: span.column,
        }
    }

    /// The byte range of a span in its file's text, clamped to it.
    pub(crate) fn bytes(&self, span: Span) -> std::ops::Range<usize> {
        let text = self.text(span.file);
        let start = offset(text, span.line, span.column);
        let end = offset(text, span.end_line, span.end_column).max(start);
        start..end
    }
}

/// Byte offset of a line and column in `text`, clamped to the line's and the text's end.
fn offset(text: &str, line: u32, column: u32) -> usize {
    let mut at = 0;
    for _ in 1..line {
        match text[at..].find('\n') {
            Some(end) => at += end + 1,
            None => return text.len(),
        }
    }
    let rest = &text[at..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let in_line = rest
        .char_indices()
        .nth(column.saturating_sub(1) as usize)
        .map_or(rest.len(), |(index, _)| index);
    at + in_line
}
