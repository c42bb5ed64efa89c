//! Temporary files: whether there can be any is known before anything is sent.

use std::io::{self, Write as _};

use tempfile::TempDir;

use super::{Exit, Printer};

/// How many bytes are written to see whether there is room, in bytes.
const PROBE: usize = 64 << 10;

/// Refuses to start where no temporary file can be written.
pub(super) fn check(printer: &Printer) -> Result<(), Exit> {
    probe().map_err(|error| fail(&error, printer))
}

/// A temporary folder with room for files.
pub(super) fn folder(printer: &Printer) -> Result<TempDir, Exit> {
    let made = probe().and_then(|()| tempfile::tempdir());
    made.map_err(|error| fail(&error, printer))
}

fn probe() -> io::Result<()> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![0; PROBE])?;
    file.sync_data()
}

fn fail(error: &io::Error, printer: &Printer) -> Exit {
    let folder = std::env::temp_dir();
    let variable = if cfg!(windows) { "TMP" } else { "TMPDIR" };
    printer.error(&format!(
        "failed to write a temporary file in `{}`: {error}; nothing was sent\nhelp: set {variable} to a folder with room",
        folder.display()
    ));
    Exit::Report
}
