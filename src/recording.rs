//! The recording of a run: its events as NDJSON, one JSON object per line.
//!
//! [`Recorder`] writes, [`Recording`] reads. The content of a recording is not trusted and is checked for consistency.

mod consistency;
mod line;
mod merge;

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempPath};

use consistency::Consistency;

pub use line::read_event;
pub use merge::{MergeError, Merged};

use crate::{
    mask::{Masked, Reporter},
    model::{CaseFinished, Digest, Event, FORMAT, Flaky, Partition, RunFinished, RunStarted, Stop, Verdict},
    source::{FileKind, open_file},
};

/// Maximum length of a line of a recording, in bytes: far more than any event takes.
const MAX_LINE_BYTES: usize = 64 << 20;

/// Writes events as they happen. Each is one line and is written at once, so that the recording of a killed process
/// contains all finished cases.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    /// The file under its temporary name, and the file that it replaces.
    waiting: Option<(TempPath, PathBuf)>,
}

impl Recorder {
    /// Begins a recording in a file. An existing file is replaced when the first case is run: a run can continue from the
    /// recording that it replaces, which is kept until then.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let known = path.canonicalize().ok().filter(|real| real.is_file());
        if let Some(real) = known
            && let Some(folder) = real.parent()
            && let Ok(temporary) = NamedTempFile::new_in(folder)
            // A file without write permission must not be replaced either.
            && let Ok(permissions) = OpenOptions::new().write(true).open(&real).and_then(|file| file.metadata())
        {
            let (file, temporary) = temporary.into_parts();
            file.set_permissions(permissions.permissions())?;
            return Ok(Self {
                file,
                waiting: Some((temporary, real)),
            });
        }
        Ok(Self {
            file: File::create(path)?,
            waiting: None,
        })
    }

    fn replace(&mut self) -> io::Result<()> {
        match self.waiting.take() {
            Some((temporary, path)) => temporary.persist(path).map_err(|error| error.error),
            None => Ok(()),
        }
    }
}

impl Reporter for Recorder {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        let is_prologue = match &**event {
            Event::RunStarted(_) => true,
            Event::CaseFinished(finished) => finished.verdict == Verdict::Skipped,
            _ => false,
        };
        if !is_prologue {
            self.replace()?;
        }
        if event.is_transient() && !matches!(**event, Event::StepFinished(_)) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&**event)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.replace()?;
        self.file.sync_all()
    }
}

/// The state of an earlier run that a run can continue from.
#[derive(Debug, Default)]
pub(crate) struct Previous {
    /// The cases that passed, in this run or in the one that it continued, each with its digest.
    pub(crate) passed: HashMap<String, Digest>,
    /// All recorded cases.
    pub(crate) ids: HashSet<String>,
    /// The digests of all recorded cases.
    pub(crate) digests: HashSet<Digest>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// A line is not an event.
    #[error("line {line}: not an event: {reason}")]
    Line {
        /// The line, from one.
        line: usize,
        /// The error.
        reason: String,
    },
    /// The first line is not the start of a recording.
    #[error("line 1: not a recording: it does not begin with the event `run-started`")]
    NotARecording,
    /// The file was modified after it was first read.
    #[error("it has changed while it was read")]
    Changed,
    /// The recording has a different format version.
    #[error("line 1: the recording has format {found}, and this program reads format {FORMAT}")]
    Format {
        /// Its version.
        found: String,
    },
    /// The recording is inconsistent: it was edited or assembled by hand.
    #[error("line {line}: the recording contradicts itself: {reason}")]
    Contradiction {
        /// The line, from one.
        line: usize,
        /// The contradiction.
        reason: String,
    },
}

/// A recording that is read line by line. If its run ended before it was finished, for example by a signal that cannot be
/// caught or a full disk, the last event states [`Stop::Lost`]. An event that contradicts earlier ones is an error; checks
/// of the whole recording are made at its end.
#[derive(Debug)]
pub struct Recording {
    lines: BufReader<File>,
    line: usize,
    /// Offsets in the file, in bytes: of the line that was read last, and of the next.
    last: u64,
    next: u64,
    started: RunStarted,
    consistency: Consistency,
    elapsed_us: u64,
    is_over: bool,
}

impl Recording {
    /// Opens a recording and reads how its run began.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut lines = BufReader::new(open_file(path, FileKind::Recording)?);
        let first = bytes(&mut lines)?;
        let value: serde_json::Value = serde_json::from_slice(&first).map_err(|_| RecordingError::NotARecording)?;
        if value["event"] != "run-started" {
            return Err(RecordingError::NotARecording);
        }
        if value["format"].as_u64() != Some(u64::from(FORMAT)) {
            let found = value["format"].to_string();
            return Err(RecordingError::Format { found });
        }
        match read_event(&first) {
            Ok(Event::RunStarted(started)) if !started.partition.is_none_or(Partition::is_valid) => {
                let reason = "there is no such part of the run".to_owned();
                Err(RecordingError::Contradiction { line: 1, reason })
            }
            Ok(Event::RunStarted(started)) => Ok(Self {
                lines,
                line: 1,
                last: 0,
                next: first.len() as u64,
                started,
                consistency: Consistency::default(),
                elapsed_us: 0,
                is_over: false,
            }),
            Ok(_) => Err(RecordingError::NotARecording),
            Err(error) => Err(RecordingError::Line {
                line: 1,
                reason: error.to_string(),
            }),
        }
    }

    /// Reads a recording once completely, so that nothing of an inconsistent recording is reported; returns how its run
    /// ended.
    pub fn verify(path: &Path) -> Result<RunFinished, RecordingError> {
        let mut recording = Self::open(path)?;
        let end = recording
            .by_ref()
            .find_map(|event| match event.map(Masked::into_inner) {
                Ok(Event::RunFinished(finished)) => Some(Ok(finished)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            });
        end.unwrap_or(Err(RecordingError::Changed))
    }

    /// How the run began.
    pub fn started(&self) -> &RunStarted {
        &self.started
    }

    /// The state that a run can continue from. `flaky` says whether a case that passed on a retry counts as passed.
    pub(crate) fn previous(self, flaky: Flaky) -> Result<Previous, RecordingError> {
        let mut previous = Previous::default();
        for event in self {
            let Event::CaseFinished(finished) = event?.into_inner() else {
                continue;
            };
            let did_pass = match finished.verdict {
                Verdict::Passed => true,
                Verdict::Flaky => flaky == Flaky::Pass,
                _ => finished.passed_before,
            };
            previous.digests.extend(finished.digest);
            if let Some(digest) = finished.digest.filter(|_| did_pass) {
                previous.passed.insert(finished.id.clone(), digest);
            }
            previous.ids.insert(finished.id);
        }
        Ok(previous)
    }

    /// The line of the last event, from one.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The offset of the last event, for [`Recording::again`].
    pub(crate) fn at(&self) -> u64 {
        self.last
    }

    /// The case whose event is at this offset. Iteration must not continue afterwards.
    pub(crate) fn again(&mut self, at: u64) -> Result<CaseFinished, RecordingError> {
        self.lines.seek(io::SeekFrom::Start(at))?;
        match read_event(&bytes(&mut self.lines)?) {
            Ok(Event::CaseFinished(finished)) => Ok(*finished),
            _ => Err(RecordingError::Changed),
        }
    }

    fn read(&mut self) -> Result<Option<Event>, RecordingError> {
        if self.is_over {
            return Ok(None);
        }
        let bytes = bytes(&mut self.lines)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        self.last = self.next;
        self.next += bytes.len() as u64;
        if bytes.len() == MAX_LINE_BYTES {
            return Err(RecordingError::Line {
                line: self.line,
                reason: format!("it is longer than {MAX_LINE_BYTES} bytes"),
            });
        }
        match read_event(&bytes) {
            Ok(event) => Ok(Some(event)),
            // A killed process can leave an incomplete last line.
            Err(_) if !bytes.ends_with(b"\n") => Ok(None),
            Err(error) => Err(RecordingError::Line {
                line: self.line,
                reason: error.to_string(),
            }),
        }
    }

    /// Checks one more event.
    fn take(&mut self, event: &Event) -> Result<(), RecordingError> {
        let agrees = match event {
            Event::CaseFinished(finished) => {
                self.elapsed_us = self.elapsed_us.max(finished.last.elapsed_us());
                self.consistency.case(&self.started, finished)
            }
            Event::RunFinished(finished) => {
                self.is_over = true;
                self.consistency.end(&self.started, finished)
            }
            Event::RunStarted(_) => Err("the run starts again".to_owned()),
            _ => Ok(()),
        };
        agrees.map_err(|reason| RecordingError::Contradiction {
            line: self.line,
            reason,
        })?;
        if self.is_over && !self.is_at_end()? {
            return Err(RecordingError::Contradiction {
                line: self.line + 1,
                reason: "there are more lines after the end of the run".to_owned(),
            });
        }
        Ok(())
    }

    /// Whether only whitespace is left.
    fn is_at_end(&mut self) -> io::Result<bool> {
        loop {
            let left = self.lines.fill_buf()?;
            if left.is_empty() {
                return Ok(true);
            }
            if !left.iter().all(u8::is_ascii_whitespace) {
                return Ok(false);
            }
            let length = left.len();
            self.lines.consume(length);
        }
    }

    /// The last event of a run that ended early.
    fn lost(&mut self) -> Event {
        let mut counts = self.consistency.counts();
        counts.not_run += self.started.cases.saturating_sub(counts.all());
        let mut finished = RunFinished {
            counts,
            project_cases: 0,
            max_skipped: None,
            elapsed_us: self.elapsed_us,
            stopped: Some(Stop::Lost),
            exit_code: 0,
        };
        finished.conclude(self.started.flaky);
        Event::RunFinished(finished)
    }
}

/// The next line with its end, or its first [`MAX_LINE_BYTES`] bytes.
fn bytes(lines: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let ready = match lines.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        let line = memchr::memchr(b'\n', ready).map_or(ready.len(), |end| end + 1);
        let taken = line.min(MAX_LINE_BYTES - bytes.len());
        // Never allocate more than the maximum line length.
        if bytes.len() + taken > bytes.capacity() {
            let room = (2 * bytes.capacity()).max(bytes.len() + taken).min(MAX_LINE_BYTES);
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(&ready[..taken]);
        lines.consume(taken);
        if taken == 0 || bytes.len() == MAX_LINE_BYTES || bytes.ends_with(b"\n") {
            return Ok(bytes);
        }
    }
}

impl Iterator for Recording {
    type Item = Result<Masked<Event>, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let event = match self.read() {
            Ok(Some(event)) => event,
            Ok(None) => self.lost(),
            Err(error) => {
                self.is_over = true;
                return Some(Err(error));
            }
        };
        if let Err(error) = self.take(&event) {
            self.is_over = true;
            return Some(Err(error));
        }
        Some(Ok(Masked::recorded(event)))
    }
}
