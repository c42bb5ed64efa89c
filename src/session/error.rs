//! Why a command ends without a result, and the exit code of each reason.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    model::Exit,
    recording::{MergeError, RecordingError},
    snapshot::SnapshotError,
    source::{Diagnostics, Sources},
};

/// Why a command ends without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The project, or what the options say about it, is invalid.
    #[error("{}", count(errors.len()))]
    Invalid {
        /// The error.
        errors: Diagnostics,
        /// The files that the errors are in.
        sources: Arc<Sources>,
    },
    /// Options contradict each other, or name something that does not exist or cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Names that do not exist: a message for each.
    #[error("{}", .0.join("\n"))]
    UnknownNames(Vec<String>),
    /// The names are valid and leave nothing to do.
    #[error("{0}")]
    NothingSelected(String),
    /// A recording cannot be read.
    #[error("failed to read the recording `{}`: {source}", path.display())]
    Recording {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: RecordingError,
    },
    /// Recordings cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A snapshot cannot be read, written or removed.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The runtime or the signal handlers cannot be set up.
    #[error("failed to start: {0}")]
    Start(#[source] io::Error),
    /// A report or a recording cannot be written.
    #[error("failed to write {output}: {source}")]
    Output {
        /// What: "the report `PATH`".
        output: String,
        /// Why.
        source: io::Error,
    },
    /// The command ends for another reason, and there is advice.
    #[error("{message}")]
    Advised {
        /// The reason.
        message: String,
        /// What to do about it.
        help: String,
        /// The exit code.
        exit: Exit,
    },
    /// No temporary file can be written.
    #[error("failed to write a temporary file in `{folder}`: {0}", folder = std::env::temp_dir().display())]
    Scratch(#[source] io::Error),
}

impl SessionError {
    /// The exit code of a command that ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Invalid { .. }
            | Self::Usage(_)
            | Self::UnknownNames(_)
            | Self::Recording { .. }
            | Self::Merge(_)
            | Self::Snapshot(SnapshotError::Read { .. })
            | Self::Start(_) => Exit::Usage,
            Self::Advised { exit, .. } => *exit,
            Self::NothingSelected(_) => Exit::NothingRan,
            Self::Snapshot(SnapshotError::Write { .. }) | Self::Output { .. } | Self::Scratch(_) => Exit::Report,
        }
    }

    /// What to do about it, where the message does not say so.
    pub fn help(&self) -> Option<String> {
        if let Self::Advised { help, .. } = self {
            return Some(help.clone());
        }
        let variable = if cfg!(windows) { "TMP" } else { "TMPDIR" };
        matches!(self, Self::Scratch(_)).then(|| format!("set {variable} to a folder with room"))
    }

    /// The error for a recording that cannot be read.
    pub(super) fn recording(path: &Path) -> impl Fn(RecordingError) -> Self {
        move |source| Self::Recording {
            path: path.to_owned(),
            source,
        }
    }

    /// The error for an output that cannot be written.
    pub(super) fn output(output: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let output = output.into();
        move |source| Self::Output { output, source }
    }
}

fn count(errors: usize) -> String {
    match errors {
        1 => "1 error".to_owned(),
        number => format!("{number} errors"),
    }
}
