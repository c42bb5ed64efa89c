//! Output of a report: a file that appears when it is complete, a folder of such files, or a stream.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// The output of a report. A file appears under its name only when the report is complete.
#[derive(Debug)]
pub struct ReportOutput(Out);

#[derive(Debug)]
enum Out {
    /// A temporary file that gets its name at the end.
    File(Option<(BufWriter<NamedTempFile>, PathBuf)>, Mode),
    /// A folder. Files in it that are not of the report are left alone.
    Folder(PathBuf),
    /// Standard output, a pipe or a device.
    Stream(BufWriter<Box<dyn OutputStream>>),
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everyone may read it.
    Readable = 0o644,
    /// Everyone may read and run it.
    Executable = 0o755,
}

trait OutputStream: Write + std::fmt::Debug {}
impl<W: Write + std::fmt::Debug> OutputStream for W {}

impl ReportOutput {
    /// A file. It is opened at once, so that a run that cannot be reported does not start.
    pub fn file(path: &Path) -> io::Result<Self> {
        // A link stays a link: its target is written.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Ok(known) = std::fs::metadata(&path) {
            if known.is_dir() {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
            }
            if !known.is_file() {
                let stream = std::fs::OpenOptions::new().write(true).open(&path)?;
                return Ok(Self(Out::Stream(BufWriter::new(Box::new(stream)))));
            }
        }
        if is_step_summary(&path) {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path)?;
            if file.metadata()?.len() > 0 {
                file.write_all(b"\n")?;
            }
            return Ok(Self(Out::Stream(BufWriter::new(Box::new(file)))));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder)?;
        let file = NamedTempFile::new_in(folder)?;
        Ok(Self(Out::File(Some((BufWriter::new(file), path)), Mode::Readable)))
    }

    /// A folder for the files of a report. It is created at once, and has to be writable.
    pub fn in_folder(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        drop(NamedTempFile::new_in(&path)?);
        Ok(Self(Out::Folder(path)))
    }

    /// Writes a file of a folder: it appears when it is complete, and replaces one of the same name.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let Out::Folder(folder) = &self.0 else {
            return Err(io::Error::other("the report is not a folder"));
        };
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        set_mode(&file, Mode::Readable)?;
        file.persist(folder.join(name)).map_err(|error| error.error)?;
        Ok(())
    }

    /// The same, unless there is a file of this name that does not begin with `mark`.
    pub(super) fn put_own(&mut self, name: &str, bytes: &[u8], mark: &[u8]) -> io::Result<()> {
        if let Out::Folder(folder) = &self.0 {
            let mut first = Vec::new();
            let known = std::fs::File::open(folder.join(name));
            let is_foreign = known.is_ok_and(|file| {
                let most = mark.len() as u64;
                io::Read::read_to_end(&mut io::Read::take(file, most), &mut first).is_err() || first != mark
            });
            if is_foreign {
                return Ok(());
            }
        }
        self.put(name, bytes)
    }

    /// Whether temporary files can be next to a report of this path.
    pub fn has_folder(path: &Path) -> bool {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        path.metadata().map_or(true, |data| data.is_file()) && !is_step_summary(&path)
    }

    /// The folder of the file, for temporary files.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        match &self.0 {
            Out::File(Some((file, _)), _) => file.get_ref().path().parent().map(Path::to_owned),
            _ => None,
        }
    }

    /// The same output; a file can be run as a program.
    pub(super) fn executable(self) -> Self {
        match self.0 {
            Out::File(file, _) => Self(Out::File(file, Mode::Executable)),
            Out::Stream(_) | Out::Folder(_) => self,
        }
    }

    /// Standard output.
    pub fn stdout() -> Self {
        Self(Out::Stream(BufWriter::new(Box::new(io::stdout()))))
    }

    /// Completes the report: the file gets its name.
    pub fn close(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Out::Stream(out) => out.flush(),
            Out::Folder(_) => Ok(()),
            Out::File(file, mode) => {
                let Some((file, path)) = file.take() else { return Ok(()) };
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                // Only its owner can read a temporary file; a report is as readable as other files.
                set_mode(&file, *mode)?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

impl Write for ReportOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Out::File(Some((file, _)), _) => file.write(bytes),
            Out::File(None, _) => Err(io::Error::other("the report is closed")),
            Out::Folder(_) => Err(io::Error::other("the report is a folder")),
            Out::Stream(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Out::File(Some((file, _)), _) => file.flush(),
            Out::File(None, _) | Out::Folder(_) => Ok(()),
            Out::Stream(out) => out.flush(),
        }
    }
}

/// Whether it is the file for the summary of a step of GitHub Actions. The commands of a step share it, and each appends
/// to it.
fn is_step_summary(path: &Path) -> bool {
    let Some(known) = std::env::var_os("GITHUB_STEP_SUMMARY") else {
        return false;
    };
    let known = PathBuf::from(known);
    known.canonicalize().unwrap_or(known) == path
}

#[cfg(unix)]
fn set_mode(file: &NamedTempFile, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(mode as u32))
}

#[cfg(not(unix))]
fn set_mode(_: &NamedTempFile, _: Mode) -> io::Result<()> {
    Ok(())
}
