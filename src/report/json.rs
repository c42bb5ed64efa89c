//! `--report json`: the events, one JSON object a line.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::Reporter;
use crate::{event::Event, redact::Redacted};

/// Writes events as NDJSON. A file appears under its name when the run is over: nobody reads half a report.
#[derive(Debug)]
pub struct Json {
    out: Out,
}

#[derive(Debug)]
enum Out {
    /// A file that is put in place at the end.
    File(Option<(BufWriter<NamedTempFile>, PathBuf)>),
    /// Standard output, or something that is no file: a pipe, a device.
    Stream(Box<dyn Stream>),
}

trait Stream: Write + std::fmt::Debug {}
impl<W: Write + std::fmt::Debug> Stream for W {}

impl Json {
    /// A report in a file. It is opened now, so that a run that cannot be reported does not begin.
    pub fn file(path: &Path) -> io::Result<Self> {
        // A link stays a link: what it leads to is written.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Ok(known) = std::fs::metadata(&path) {
            if known.is_dir() {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
            }
            if !known.is_file() {
                let stream = std::fs::OpenOptions::new().write(true).open(&path)?;
                return Ok(Self {
                    out: Out::Stream(Box::new(BufWriter::new(stream))),
                });
            }
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)?;
        let file = NamedTempFile::new_in(folder)?;
        Ok(Self {
            out: Out::File(Some((BufWriter::new(file), path))),
        })
    }

    /// A report on standard output.
    pub fn stdout() -> Self {
        Self {
            out: Out::Stream(Box::new(io::stdout())),
        }
    }
}

impl Reporter for Json {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        let mut line = serde_json::to_vec(&**event)?;
        line.push(b'\n');
        match &mut self.out {
            Out::File(Some((file, _))) => file.write_all(&line),
            Out::File(None) => Ok(()),
            Out::Stream(out) => out.write_all(&line),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Stream(out) => out.flush(),
            Out::File(file) => {
                let Some((file, path)) = file.take() else { return Ok(()) };
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                // A temporary file is its owner's alone; a report is as readable as any file the user makes.
                readable(&file)?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
fn readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &NamedTempFile) -> io::Result<()> {
    Ok(())
}
