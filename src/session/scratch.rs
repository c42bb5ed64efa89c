//! Temporary files. Whether they can be written is known before anything is sent.

use std::io::{self, Write as _};

use tempfile::TempDir;

use super::SessionError;

/// Size of the file that is written to test for free space, in bytes.
const PROBE: usize = 64 << 10;

/// Fails if no temporary file can be written.
pub(super) fn check() -> Result<(), SessionError> {
    probe().map_err(SessionError::Scratch)
}

/// A temporary folder with room for files.
pub(super) fn folder() -> Result<TempDir, SessionError> {
    probe()
        .and_then(|()| tempfile::tempdir())
        .map_err(SessionError::Scratch)
}

fn probe() -> io::Result<()> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![0; PROBE])?;
    file.sync_data()
}
