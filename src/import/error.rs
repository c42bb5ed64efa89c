//! Why a source cannot be imported at all.

/// An error in a source.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ImportError {
    /// The file, unless it is the source itself.
    pub file: Option<String>,
    /// The line and column in the source, from one.
    pub at: Option<(usize, usize)>,
    /// The reason.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl ImportError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            file: None,
            at: None,
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same in another file than the source.
    pub(super) fn in_file(self, file: &str) -> Self {
        Self {
            file: Some(self.file.unwrap_or_else(|| file.to_owned())),
            ..self
        }
    }

    /// The same at a line and column.
    pub(super) fn at(self, line: usize, column: usize) -> Self {
        Self {
            at: Some((line, column)),
            ..self
        }
    }
}

/// Reads a file that a source names; the error is a fragment that fits after "failed to read `FILE`: ".
pub(super) type ReadFile<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, String>;
