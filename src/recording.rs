//! A run written down: its events, one JSON object a line, as far as it came.
//!
//! [`Recorder`] writes, [`Recording`] reads.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Seek as _, Write as _},
    path::Path,
};

use crate::{
    event::{CaseFinished, Counts, Event, FORMAT, RunFinished, RunStarted, Stop, Verdict},
    redact::Redacted,
    report::Reporter,
    source::{FileKind, open_file},
};

/// Longest line of a recording, in bytes: far more than any event takes.
const LONGEST: usize = 64 << 20;

/// Writes events as they happen. Each is a line of its own and is handed to the system at once: a process that is
/// killed leaves all that had finished.
#[derive(Debug)]
pub struct Recorder(File);

impl Recorder {
    /// Begins a recording in a file; one of that name is overwritten.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        File::create(path).map(Self)
    }
}

impl Reporter for Recorder {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        if event.is_passing() {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&**event)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
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
        /// What is wrong with it.
        reason: String,
    },
    /// It does not begin as a recording.
    #[error("line 1: this is no recording: it does not begin with the event `run-started`")]
    NoRecording,
    /// It is another file now than it was when it was first read.
    #[error("it has changed while it was read")]
    Changed,
    /// It was written by another version.
    #[error("line 1: the recording has format {found}, and this program reads format {FORMAT}")]
    Format {
        /// Its version.
        found: u64,
    },
}

/// A recording that is read line by line. Where its run ended before it was finished, whether by a signal that nobody
/// can catch or by a full disk, a last event says so: [`Stop::Lost`].
#[derive(Debug)]
pub struct Recording {
    lines: BufReader<File>,
    line: usize,
    /// Where the line begins that was read last, and where the next does: bytes of the file.
    last: u64,
    next: u64,
    started: RunStarted,
    counts: Counts,
    elapsed_us: u64,
    is_over: bool,
}

impl Recording {
    /// Opens a recording and reads how its run began.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut lines = BufReader::new(open_file(path, FileKind::Recording)?);
        let first = bytes(&mut lines)?;
        let value: serde_json::Value = serde_json::from_slice(&first).map_err(|_| RecordingError::NoRecording)?;
        if value["event"] != "run-started" {
            return Err(RecordingError::NoRecording);
        }
        match value["format"].as_u64() {
            Some(found) if found != u64::from(FORMAT) => return Err(RecordingError::Format { found }),
            _ => {}
        }
        match Event::read(&first) {
            Ok(Event::RunStarted(started)) => Ok(Self {
                lines,
                line: 1,
                last: 0,
                next: first.len() as u64,
                started,
                counts: Counts::default(),
                elapsed_us: 0,
                is_over: false,
            }),
            Ok(_) => Err(RecordingError::NoRecording),
            Err(error) => Err(RecordingError::Line {
                line: 1,
                reason: error.to_string(),
            }),
        }
    }

    /// How the run began.
    pub fn started(&self) -> &RunStarted {
        &self.started
    }

    /// The ids of the cases that passed, in this run or in the one that it went on from.
    pub fn passed(self) -> Result<BTreeSet<String>, RecordingError> {
        let mut passed = BTreeSet::new();
        for event in self {
            if let Event::CaseFinished(finished) = &*event?
                && (finished.verdict == Verdict::Passed || finished.passed_before)
            {
                passed.insert(finished.id.clone());
            }
        }
        Ok(passed)
    }

    /// Where the last event stands, for [`Recording::again`].
    pub(crate) fn at(&self) -> u64 {
        self.last
    }

    /// The case whose event stands there. What comes after it is not read on from.
    pub(crate) fn again(&mut self, at: u64) -> Result<CaseFinished, RecordingError> {
        self.lines.seek(io::SeekFrom::Start(at))?;
        match Event::read(&bytes(&mut self.lines)?) {
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
        if bytes.len() == LONGEST {
            return Err(RecordingError::Line {
                line: self.line,
                reason: format!("it is longer than {LONGEST} bytes"),
            });
        }
        match Event::read(&bytes) {
            Ok(event) => Ok(Some(event)),
            // A process that is killed leaves its last line half written.
            Err(_) if !bytes.ends_with(b"\n") => Ok(None),
            Err(error) => Err(RecordingError::Line {
                line: self.line,
                reason: error.to_string(),
            }),
        }
    }

    /// The end of a run that did not get to it.
    fn lost(&mut self) -> Event {
        let mut counts = self.counts;
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

/// The next line with its end, or its first [`LONGEST`] bytes.
fn bytes(lines: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let ready = match lines.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ready => ready?,
        };
        let line = memchr::memchr(b'\n', ready).map_or(ready.len(), |end| end + 1);
        let taken = line.min(LONGEST - bytes.len());
        // Never more room than the longest line takes.
        if bytes.len() + taken > bytes.capacity() {
            let room = (2 * bytes.capacity()).max(bytes.len() + taken).min(LONGEST);
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(&ready[..taken]);
        lines.consume(taken);
        if taken == 0 || bytes.len() == LONGEST || bytes.ends_with(b"\n") {
            return Ok(bytes);
        }
    }
}

impl Iterator for Recording {
    type Item = Result<Redacted<Event>, RecordingError>;

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
        match &event {
            Event::CaseFinished(finished) => {
                self.counts.add(finished);
                self.elapsed_us = self.elapsed_us.max(finished.last.elapsed_us);
            }
            Event::RunFinished(_) => self.is_over = true,
            _ => {}
        }
        Some(Ok(Redacted::recorded(event)))
    }
}
