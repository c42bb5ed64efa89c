//! Opening and reading files: regular files only, each of a bounded size.
//!
//! Everything that the program reads, wherever its path comes from, is opened by [`open_file`]. A FIFO, a device or a
//! socket could be read forever, and only the metadata of the opened handle shows its kind reliably.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

/// A kind of file, each with a maximum size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// `conforme.toml`.
    Config,
    /// `accepted-changes.toml`.
    AcceptedChanges,
    /// `suite.yaml` or a case.
    Suite,
    /// A JSON Schema.
    Schema,
    /// A snapshot, accepted or pending.
    Snapshot,
    /// A file that is sent as a request body.
    Body,
    /// A file of another tool that is imported.
    Import,
    /// A recording. It is read line by line; a line has a limit of its own.
    Recording,
    /// A secret.
    Secret,
    /// An environment file.
    Environment,
    /// A file of variables.
    Variables,
    /// PEM: certificates or a key.
    Pem,
    /// The seed of the reference API.
    #[cfg_attr(
        not(feature = "reference"),
        expect(dead_code, reason = "only the reference API has a seed")
    )]
    Seed,
}

impl FileKind {
    /// Maximum size in bytes.
    pub(crate) const fn max_bytes(self) -> u64 {
        match self {
            Self::Config | Self::Secret | Self::Environment | Self::Variables | Self::Seed => 1 << 20,
            Self::AcceptedChanges | Self::Pem => 4 << 20,
            Self::Suite | Self::Schema | Self::Snapshot => 32 << 20,
            Self::Body => 64 << 20,
            Self::Import => 256 << 20,
            Self::Recording => 16 << 30,
        }
    }
}

/// Opens a regular file of at most [`FileKind::max_bytes`]. Never waits: a FIFO without a writer is an error too. The
/// error fits after "failed to read `FILE`: ".
pub(crate) fn open_file(path: &Path, kind: FileKind) -> io::Result<File> {
    open(path, kind, true)
}

fn open(path: &Path, kind: FileKind, follow: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let link = if follow { 0 } else { libc::O_NOFOLLOW };
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | link);
    }
    #[cfg(not(unix))]
    let _ = follow;
    let not_regular = || io::Error::other("it is not a regular file");
    let file = options.open(path).map_err(|error| {
        // A socket cannot be opened at all; the reason that the system gives for it explains nothing.
        let is_other = std::fs::metadata(path).is_ok_and(|data| !data.is_file());
        if is_other { not_regular() } else { error }
    })?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(not_regular());
    }
    if data.len() > kind.max_bytes() {
        return Err(too_large(kind));
    }
    Ok(file)
}

fn too_large(kind: FileKind) -> io::Error {
    io::Error::other(format!("it is larger than {} bytes", kind.max_bytes()))
}

/// The bytes of a regular file; the error is a fragment that fits after "failed to read `FILE`: ".
pub(crate) fn read_file(path: &Path, kind: FileKind) -> Result<Vec<u8>, String> {
    let file = open_file(path, kind).map_err(|error| error.to_string())?;
    read(file, kind).map_err(|error| error.to_string())
}

/// The bytes of a regular file that is in `folder`, with links resolved; `folder_name` is used in the error.
pub(crate) fn read_file_in(folder: &Path, folder_name: &str, path: &Path, kind: FileKind) -> Result<Vec<u8>, String> {
    let file = open_file_in(folder, folder_name, path, kind).map_err(|error| error.to_string())?;
    read(file, kind).map_err(|error| error.to_string())
}

/// Opens a regular file that is in `folder`, with links resolved.
fn open_file_in(folder: &Path, folder_name: &str, path: &Path, kind: FileKind) -> io::Result<File> {
    let real = path.canonicalize()?;
    if !folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)) {
        return Err(io::Error::other(format!("the link leads outside {folder_name}")));
    }
    // A path that became a link in the meantime is not followed.
    open(&real, kind, false)
}

fn read(file: File, kind: FileKind) -> io::Result<Vec<u8>> {
    let length = file.metadata().map_or(0, |data| data.len()).min(kind.max_bytes());
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // The file can grow while it is read.
    let read = file.take(kind.max_bytes() + 1).read_to_end(&mut bytes)?;
    if read as u64 > kind.max_bytes() {
        return Err(too_large(kind));
    }
    Ok(bytes)
}

/// The text of a regular file; the error is a fragment that fits after "failed to read `FILE`: ".
pub(crate) fn read_text(path: &Path, kind: FileKind) -> Result<String, String> {
    String::from_utf8(read_file(path, kind)?).map_err(|_| "it is not UTF-8".to_owned())
}

/// Whether a path, with links resolved, is below a folder. False if it does not exist.
pub(crate) fn is_below(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// Whether the path exists, including a broken link.
pub(crate) fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The folder that the files of `folder` must be in. A folder inside the project (`cases`) must stay inside: a
/// link out of the project is an error. An explicit outside folder (`../elsewhere/cases`) is accepted.
pub(crate) fn check_folder(folder: &Path, root: &Path) -> Result<(), String> {
    let is_written_inside = lexical(folder).starts_with(lexical(root));
    if is_written_inside && folder.exists() && !is_below(folder, root) {
        return Err("it is a link that leads out of the project".to_owned());
    }
    Ok(())
}

/// A path without `.` and `..`, by its text alone.
pub(crate) fn lexical(path: &Path) -> std::path::PathBuf {
    use std::path::Component;
    let mut plain = std::path::PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn only_a_regular_file_of_bounded_size_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        assert_eq!(read_text(&at("file"), FileKind::Config).as_deref(), Ok("text"));
        symlink("file", at("link")).unwrap();
        assert_eq!(read_text(&at("link"), FileKind::Config).as_deref(), Ok("text"));
        assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for path in [at("fifo"), at("socket"), "/dev/zero".into(), folder.path().to_owned()] {
            let error = read_file(&path, FileKind::Recording).unwrap_err();
            assert_eq!(error, "it is not a regular file", "{}", path.display());
        }
        File::create(at("huge")).unwrap().set_len(1 << 40).unwrap();
        for kind in [FileKind::Config, FileKind::Suite, FileKind::Recording] {
            let error = read_file(&at("huge"), kind).unwrap_err();
            assert_eq!(error, format!("it is larger than {} bytes", kind.max_bytes()));
        }
        symlink("nothing", at("dangling")).unwrap();
        assert!(read_file(&at("dangling"), FileKind::Suite).is_err());
    }

    #[test]
    fn a_link_out_of_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir_all(inside.join("sub")).unwrap();
        std::fs::write(folder.path().join("theirs"), "theirs").unwrap();
        std::fs::write(inside.join("ours"), "ours").unwrap();
        symlink("../theirs", inside.join("out")).unwrap();
        symlink("../inside/ours", inside.join("in")).unwrap();
        symlink(folder.path(), inside.join("up")).unwrap();
        let read = |name: &str| read_file_in(&inside, "it", &inside.join(name), FileKind::Suite);
        assert_eq!(read("ours").as_deref(), Ok(&b"ours"[..]));
        assert_eq!(read("in").as_deref(), Ok(&b"ours"[..]));
        for out in ["out", "up/theirs", "../theirs", "sub/../../theirs"] {
            assert_eq!(read(out), Err("the link leads outside it".to_owned()), "{out}");
        }
    }
}
