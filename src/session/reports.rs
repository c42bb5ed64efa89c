//! The reports of a command.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Notices, SessionError, scratch};
use crate::{
    mask::{Masked, Reporter},
    model::Event,
    recording::Recorder,
    report::{Format, ReportOutput, ReportSpec},
};

/// Reports that receive events as they happen. One that cannot be written is closed, and the run goes on.
pub(super) struct Reports {
    all: Vec<(String, Box<dyn Reporter>)>,
    paths: Vec<PathBuf>,
    failed: Vec<String>,
}

impl Reports {
    /// Opens all of them, beside `terminal`, before anything is sent.
    pub(super) fn open(specs: &[ReportSpec], terminal: Box<dyn Reporter>) -> Result<Self, SessionError> {
        // Some formats are collected in a temporary file: next to the report, or else in the folder for such files.
        let is_collected_elsewhere = |spec: &ReportSpec| {
            spec.format.is_gathered() && spec.path.as_ref().is_none_or(|path| !ReportOutput::has_folder(path))
        };
        if specs.iter().any(is_collected_elsewhere) {
            scratch::check()?;
        }
        let mut all = vec![(STDOUT.to_owned(), terminal)];
        for (name, format, sink) in sinks(specs)? {
            all.push((name, format.reporter(sink)));
        }
        Ok(Self {
            all,
            paths: specs.iter().filter_map(|spec| spec.path.clone()).collect(),
            failed: Vec::new(),
        })
    }

    /// Adds a recording.
    pub(super) fn record(&mut self, path: &Path) -> Result<(), SessionError> {
        let shown = path.display();
        if self.paths.iter().any(|other| other == path) {
            let message = format!("a report and the recording cannot both go to `{shown}`");
            return Err(SessionError::Usage(message));
        }
        let name = format!("the recording `{shown}`");
        let recorder = Recorder::create(path).map_err(SessionError::output(&name))?;
        self.all.push((name, Box::new(recorder)));
        Ok(())
    }

    /// Whether a report reads the exchanges of cases that passed.
    pub(super) fn read_passed_exchanges(&self) -> bool {
        self.all.iter().any(|(_, report)| report.reads_passed_exchanges())
    }

    /// Whether a report shows that cases have started.
    pub(super) fn show_starts(&self) -> bool {
        self.all.iter().any(|(_, report)| report.shows_starts())
    }

    /// Passes an event to every report.
    pub(super) fn event(&mut self, event: &Masked<Event>) {
        self.each(|report| report.event(event));
    }

    /// Shows what has happened so far.
    pub(super) fn flush(&mut self) {
        self.each(|report| report.flush());
    }

    /// Does something with every report. One that cannot be written is closed.
    fn each(&mut self, mut write: impl FnMut(&mut dyn Reporter) -> io::Result<()>) {
        let failed = &mut self.failed;
        self.all.retain_mut(|(name, report)| match write(report.as_mut()) {
            Ok(()) => true,
            Err(error) => {
                failed.push(format!("failed to write {name}: {error}"));
                false
            }
        });
    }

    /// Completes every report, and returns whether all of them were written.
    pub(super) fn finish(mut self, notices: &mut dyn Notices) -> bool {
        for (name, report) in &mut self.all {
            if let Err(error) = report.finish() {
                self.failed.push(format!("failed to write {name}: {error}"));
            }
        }
        for failure in &self.failed {
            notices.error(failure);
        }
        self.failed.is_empty()
    }
}

/// Reports that are written at once, when the result is known. Each is opened before the work begins.
pub struct Documents {
    all: Vec<(String, Format, ReportOutput)>,
    is_on_stdout: bool,
}

impl Documents {
    pub(super) fn open(specs: &[ReportSpec]) -> Result<Self, SessionError> {
        if let Some(spec) = specs.iter().find(|spec| spec.format.is_of_runs()) {
            let message = match spec.format {
                Format::Allure => "`--report allure` contains the cases of a run: use it with `run` or `report`",
                _ => {
                    "`--report shell` repeats the requests of a run; other reports contain a curl line for each request"
                }
            };
            return Err(SessionError::Usage(message.to_owned()));
        }
        Ok(Self {
            all: sinks(specs)?,
            is_on_stdout: specs.iter().any(|spec| spec.path.is_none()),
        })
    }

    /// Whether one of them is written to standard output.
    pub fn is_on_stdout(&self) -> bool {
        self.is_on_stdout
    }

    /// Writes all of them, and returns whether all were written. A closed standard output is not an error.
    pub fn write(self, notices: &mut dyn Notices, write: impl Fn(Format, &mut dyn Write) -> io::Result<()>) -> bool {
        let mut is_written = true;
        for (name, format, mut sink) in self.all {
            let written = write(format, &mut sink).and_then(|()| sink.close());
            match written {
                Err(error) if !(name == STDOUT && error.kind() == io::ErrorKind::BrokenPipe) => {
                    notices.error(&format!("failed to write {name}: {error}"));
                    is_written = false;
                }
                _ => {}
            }
        }
        is_written
    }
}

/// The name of standard output in errors.
const STDOUT: &str = "to standard output";

/// Opens each report, with its name for errors.
fn sinks(specs: &[ReportSpec]) -> Result<Vec<(String, Format, ReportOutput)>, SessionError> {
    let mut all = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        if specs[..index].iter().any(|other| other.path == spec.path) {
            let message = match &spec.path {
                None => "two reports cannot both go to standard output: give one a path",
                Some(_) => "two reports cannot both go to one file",
            };
            return Err(SessionError::Usage(message.to_owned()));
        }
        let (name, sink) = match &spec.path {
            None if spec.format.is_folder() => {
                let message = "`--report allure` is a folder: name it, as in `--report allure=allure-results`";
                return Err(SessionError::Usage(message.to_owned()));
            }
            Some(path) if spec.format.is_folder() => {
                let name = format!("the report `{}`", path.display());
                let sink = ReportOutput::in_folder(path).map_err(SessionError::output(&name))?;
                (name, sink)
            }
            None => (STDOUT.to_owned(), ReportOutput::stdout()),
            Some(path) => {
                let name = format!("the report `{}`", path.display());
                let sink = ReportOutput::file(path).map_err(SessionError::output(&name))?;
                (name, sink)
            }
        };
        all.push((name, spec.format, sink));
    }
    Ok(all)
}
