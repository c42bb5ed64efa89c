//! All reports of a command, fed together.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Exit, Printer, scratch};
use crate::{
    model::Event,
    recording::Recorder,
    redact::{Redacted, Reporter},
    report::{Format, Human, HumanOptions, Progress, ReportSpec, Sink},
};

/// The reports of a command. One that fails is given up, said so, and the run goes on.
pub(super) struct Reports {
    all: Vec<(String, Box<dyn Reporter>)>,
    paths: Vec<PathBuf>,
    failed: Vec<String>,
}

impl Reports {
    /// Opens all of them before anything is sent.
    pub(super) fn open(specs: &[ReportSpec], human: HumanOptions, printer: &Printer) -> Result<Self, Exit> {
        let mut all: Vec<(String, Box<dyn Reporter>)> = Vec::new();
        // What is gathered for a file waits beside it; what is gathered for standard output needs another place.
        if specs
            .iter()
            .any(|spec| spec.path.as_ref().is_none_or(|path| !Sink::has_folder(path)) && spec.format.is_gathered())
        {
            scratch::check(printer)?;
        }
        let to_stdout = specs.iter().filter(|spec| spec.path.is_none()).count();
        if to_stdout > 1 {
            printer.error("two reports cannot both go to standard output: give one a path");
            return Err(Exit::Usage);
        }
        let lines: Box<dyn Reporter> = if to_stdout == 0 {
            let lines = Human::new(Patient(io::stdout()), printer.out_colours(), human);
            // A bar that shares its terminal with other lines than its own would spoil them.
            if Printer::is_watched() && !human.quiet {
                Box::new(Progress::new(lines))
            } else {
                Box::new(lines)
            }
        } else {
            Box::new(Human::new(Patient(io::stderr()), printer.err_colours(), human))
        };
        all.push(("to standard output".to_owned(), lines));
        for (index, spec) in specs.iter().enumerate() {
            if spec.path.is_some() && specs[..index].iter().any(|other| other.path == spec.path) {
                printer.error("two reports cannot both go to one file");
                return Err(Exit::Usage);
            }
            match &spec.path {
                None => all.push(("to standard output".to_owned(), spec.format.reporter(Sink::stdout()))),
                Some(path) => {
                    let sink = Sink::file(path).map_err(|error| {
                        printer.refuse(&format!("failed to write the report `{}`: {error}", path.display()));
                        Exit::Report
                    })?;
                    all.push((format!("the report `{}`", path.display()), spec.format.reporter(sink)));
                }
            }
        }
        Ok(Self {
            all,
            paths: specs.iter().filter_map(|spec| spec.path.clone()).collect(),
            failed: Vec::new(),
        })
    }

    /// Writes the run down, too.
    pub(super) fn record(&mut self, path: &Path, printer: &Printer) -> Result<(), Exit> {
        let shown = path.display();
        if self.paths.iter().any(|other| other == path) {
            printer.error(&format!("a report and the recording cannot both go to `{shown}`"));
            return Err(Exit::Usage);
        }
        let recorder = Recorder::create(path).map_err(|error| {
            printer.refuse(&format!("failed to write the recording `{shown}`: {error}"));
            Exit::Report
        })?;
        self.all.push((format!("the recording `{shown}`"), Box::new(recorder)));
        Ok(())
    }

    /// Whether a report reads the exchanges of cases that passed.
    pub(super) fn read_passed_exchanges(&self) -> bool {
        self.all.iter().any(|(_, report)| report.reads_passed_exchanges())
    }

    /// Tells every report what happened.
    pub(super) fn tell(&mut self, event: &Redacted<Event>) {
        let failed = &mut self.failed;
        self.all.retain_mut(|(name, report)| match report.event(event) {
            Ok(()) => true,
            Err(error) => {
                failed.push(format!("failed to write {name}: {error}"));
                false
            }
        });
    }

    /// Puts every report in place; whether all of them are whole.
    pub(super) fn finish(mut self, printer: &Printer) -> bool {
        for (name, report) in &mut self.all {
            if let Err(error) = report.finish() {
                self.failed.push(format!("failed to write {name}: {error}"));
            }
        }
        for failure in &self.failed {
            printer.error(failure);
        }
        self.failed.is_empty()
    }
}

/// Reports that are written in one go, once all is known. Each is opened before anything is done.
pub(super) struct Documents(Vec<(String, Format, Sink, bool)>);

impl Documents {
    pub(super) fn open(specs: &[ReportSpec], printer: &Printer) -> Result<Self, Exit> {
        if specs.iter().filter(|spec| spec.path.is_none()).count() > 1 {
            printer.error("two reports cannot both go to standard output: give one a path");
            return Err(Exit::Usage);
        }
        let mut all = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            if spec.path.is_some() && specs[..index].iter().any(|other| other.path == spec.path) {
                printer.error("two reports cannot both go to one file");
                return Err(Exit::Usage);
            }
            let Some(path) = &spec.path else {
                all.push(("to standard output".to_owned(), spec.format, Sink::stdout(), true));
                continue;
            };
            let name = format!("the report `{}`", path.display());
            let sink = Sink::file(path).map_err(|error| {
                printer.error(&format!("failed to write {name}: {error}"));
                Exit::Report
            })?;
            all.push((name, spec.format, sink, false));
        }
        Ok(Self(all))
    }

    /// Whether one of them takes standard output.
    pub(super) fn is_on_stdout(&self) -> bool {
        self.0.iter().any(|(.., is_on_stdout)| *is_on_stdout)
    }

    /// Writes all of them, and puts them in place; whether all are whole.
    pub(super) fn write(self, printer: &Printer, write: impl Fn(Format, &mut dyn Write) -> io::Result<()>) -> bool {
        let mut is_whole = true;
        for (name, format, mut sink, is_on_stdout) in self.0 {
            let written = write(format, &mut sink).and_then(|()| sink.close());
            match written {
                Err(error) if !(is_on_stdout && error.kind() == io::ErrorKind::BrokenPipe) => {
                    printer.error(&format!("failed to write {name}: {error}"));
                    is_whole = false;
                }
                _ => {}
            }
        }
        is_whole
    }
}

/// A stream whose reader may go away (`| head`): the verdict and the other reports still count.
pub(super) struct Patient<W>(pub(super) W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
