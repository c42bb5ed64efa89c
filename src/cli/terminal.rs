//! What several commands show on the terminal.

use std::io::{self, BufWriter, Write};

use super::Printer;
use crate::{
    mask::Reporter,
    model::Exit,
    report::{Progress, Report, ReportSpec, RunTerminal, ShowOptions, TerminalOptions},
    session::{Documents, Measurement, Notices as _},
};

/// The reporter for the terminal: on standard output, or on standard error if a report is written to standard output.
pub(super) fn terminal(reports: &[ReportSpec], options: TerminalOptions, printer: &Printer) -> Box<dyn Reporter> {
    if reports.iter().any(|spec| spec.path.is_none()) {
        let err = IgnoreBrokenPipe(io::stderr());
        return Box::new(RunTerminal::new(err, printer.err_colors(), options));
    }
    // The session flushes it several times a second: a write of each line would take longer than writing the lines.
    let out = BufWriter::new(IgnoreBrokenPipe(io::stdout()));
    let terminal = RunTerminal::new(out, printer.out_colors(), options);
    // The progress bar is on standard error and needs a terminal to itself.
    if Printer::is_interactive() && !options.quiet {
        Box::new(Progress::new(terminal))
    } else {
        Box::new(terminal)
    }
}

/// Shows a result, writes its reports, and returns the exit code.
pub(super) fn present(
    report: &Report<'_>,
    documents: Documents,
    exit: Exit,
    options: ShowOptions,
    printer: &mut Printer,
) -> Exit {
    let shown = if documents.is_on_stdout() {
        report.show(&mut io::stderr(), printer.err_colors(), options)
    } else {
        let mut out = IgnoreBrokenPipe(io::stdout());
        let shown = report.show(&mut out, printer.out_colors(), options);
        shown.and_then(|()| out.flush())
    };
    if let Err(error) = &shown {
        printer.error(&format!("failed to write to standard output: {error}"));
    }
    let is_written = documents.write(printer, |format, sink| report.write(format, sink));
    exit.reported(shown.is_ok() && is_written)
}

/// Shows a measurement and writes its reports.
pub(super) fn show_measurement(measurement: Measurement, quiet: bool, verbose: bool, printer: &mut Printer) -> Exit {
    let Measurement {
        measured,
        documents,
        exit,
    } = measurement;
    let options = ShowOptions { quiet, verbose };
    present(&Report::from(&measured), documents, exit, options, printer)
}

/// A stream whose reader may close it (`| head`): the exit code and the other reports are not affected.
struct IgnoreBrokenPipe<W>(W);

impl<W: Write> Write for IgnoreBrokenPipe<W> {
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
