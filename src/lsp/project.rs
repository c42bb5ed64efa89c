//! The projects of the open files, and when they are read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;
use serde_json::Value;

use super::{
    diagnostics::{self, ShownDiagnostic},
    jobs::{AdviceByFile, EndedRun, measure},
    position::PositionUnit,
};
use crate::{
    session::{Inspected, inspect},
    source::Overlay,
};

/// A project is read when nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(150);
/// Maximum time from a change until the project is read.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// What a thread beside the loop has done.
pub(super) enum JobResult {
    Read(ReadProject),
    Ran(EndedRun),
    Measured(PathBuf, AdviceByFile),
}

/// A project that was read.
pub(super) struct ReadProject {
    pub(super) root: PathBuf,
    /// `None` if reading it ended by an internal error.
    pub(super) read: Option<(Arc<Inspected>, DiagnosticsByFile)>,
}

/// The diagnostics of each file that has any.
pub(super) type DiagnosticsByFile = BTreeMap<PathBuf, Vec<ShownDiagnostic>>;

/// A project with an open file.
#[derive(Default)]
pub(super) struct OpenProject {
    /// The times of the first and the last change since it was last read.
    changed: Option<(Instant, Instant)>,
    is_being_read: bool,
    pub(super) inspected: Option<Arc<Inspected>>,
    pub(super) found: DiagnosticsByFile,
    /// The failed checks of the last run, until their files change.
    pub(super) failures: DiagnosticsByFile,
    /// What `mutate` advises, until the files change.
    pub(super) advised: AdviceByFile,
    is_being_measured: bool,
    /// The URIs that have diagnostics in the client.
    pub(super) published: BTreeSet<String>,
}

impl OpenProject {
    /// Notes a change.
    pub(super) fn change(&mut self) {
        let now = Instant::now();
        let first = self.changed.map_or(now, |(first, _)| first);
        self.changed = Some((first, now));
    }

    /// When the project is to be read.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.changed.filter(|_| !self.is_being_read)?;
        // The first time, someone waits for it.
        let is_first = self.inspected.is_none();
        Some(if is_first {
            first
        } else {
            (last + QUIET).min(first + MAX_WAIT)
        })
    }

    /// Whether it has never been read and will be.
    pub(super) fn is_awaited(&self) -> bool {
        self.inspected.is_none() && (self.is_being_read || self.changed.is_some())
    }

    /// Reads the project in a thread.
    pub(super) fn read(&mut self, root: &Path, overlay: Overlay, unit: PositionUnit, done: Sender<JobResult>) {
        self.changed = None;
        self.is_being_read = true;
        let root = root.to_owned();
        std::thread::spawn(move || {
            let read = || {
                let inspected = inspect(&root, &overlay);
                let found = diagnostics::of_project(&inspected, &overlay, unit);
                (Arc::new(inspected), found)
            };
            let read = catch_unwind(AssertUnwindSafe(read)).ok();
            drop(done.send(JobResult::Read(ReadProject { root, read })));
        });
    }

    /// Measures the suite by a recording in a thread, unless that is being done.
    pub(super) fn measure(&mut self, root: &Path, recording: &str, done: Sender<JobResult>) {
        if std::mem::replace(&mut self.is_being_measured, true) {
            return;
        }
        let (root, recording) = (root.to_owned(), recording.to_owned());
        std::thread::spawn(move || {
            let measured = catch_unwind(AssertUnwindSafe(|| measure(&root, &recording)));
            drop(done.send(JobResult::Measured(root, measured.unwrap_or_default())));
        });
    }

    /// Takes over advice.
    pub(super) fn advise(&mut self, advised: AdviceByFile) {
        self.is_being_measured = false;
        self.advised = advised;
    }

    /// Forgets what is only true of the text of a file before a change.
    pub(super) fn forget(&mut self, path: &Path) {
        self.failures.remove(path);
        self.advised.remove(path);
    }

    /// The files with diagnostics.
    pub(super) fn files(&self) -> BTreeSet<PathBuf> {
        self.found.keys().chain(self.failures.keys()).cloned().collect()
    }

    /// The diagnostics of a file.
    pub(super) fn diagnostics(&self, path: &Path) -> Vec<Value> {
        let all = [&self.found, &self.failures]
            .into_iter()
            .filter_map(|all| all.get(path));
        all.flatten().map(ShownDiagnostic::to_json).collect()
    }

    /// Takes over what was read. Without a result, the last one is kept.
    pub(super) fn take(&mut self, read: Option<(Arc<Inspected>, DiagnosticsByFile)>) {
        self.is_being_read = false;
        if let Some((inspected, found)) = read {
            self.inspected = Some(inspected);
            self.found = found;
        }
    }
}
