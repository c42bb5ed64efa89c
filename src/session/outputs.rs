//! Paths of reports and recordings: an output never overwrites an input or another output.

use std::path::{Path, PathBuf};

use super::{SessionError, Workspace};
use crate::{
    compare::ACCEPTED_FILE,
    project::{SecretSource, TokenDef},
    report::ReportSpec,
    source::lexical,
};

/// The files that a command writes, each with the flag that names it.
#[derive(Default)]
pub(super) struct Outputs<'a>(Vec<OutputPath<'a>>);

/// An output.
struct OutputPath<'a> {
    /// The flag that names it.
    flag: &'static str,
    path: &'a Path,
    /// Whether it is a folder, to which files are added.
    is_folder: bool,
}

/// The files that a command reads.
#[derive(Default)]
pub(super) struct Inputs {
    files: Vec<PathBuf>,
    /// Folders in which a new file with one of these endings would be read by the next command.
    folders: Vec<(PathBuf, &'static [&'static str])>,
}

impl<'a> Outputs<'a> {
    /// Reports with a path, and a recording.
    pub(super) fn new(reports: &'a [ReportSpec], recording: Option<&'a Path>) -> Self {
        let mut all = Self::default();
        for spec in reports {
            all.0.extend(spec.path.as_deref().map(|path| OutputPath {
                flag: "--report",
                path,
                is_folder: spec.format.is_folder(),
            }));
        }
        if let Some(path) = recording {
            all.add("--record", path);
        }
        all
    }

    /// Adds an output of a flag.
    pub(super) fn add(&mut self, flag: &'static str, path: &'a Path) {
        self.0.push(OutputPath {
            flag,
            path,
            is_folder: false,
        });
    }

    /// Rejects an output that would overwrite an input, a folder or another output.
    pub(super) fn check(&self, inputs: &Inputs) -> Result<(), SessionError> {
        let fail = |flag: &str, path: &Path, what: &str| {
            let message = format!("{flag} `{}`: {what}", path.display());
            Err(SessionError::Usage(message))
        };
        let mut others: Vec<(&str, FileIdentity)> = Vec::new();
        for OutputPath { flag, path, is_folder } in &self.0 {
            let this = FileIdentity::of(path);
            if *is_folder {
                if let Some(problem) = inputs.of_folder(path, &this) {
                    return fail(flag, path, &problem);
                }
            } else if path.is_dir() {
                return fail(flag, path, "it is a folder");
            }
            if let Some(input) = inputs.files.iter().find(|input| this.is_input(input)) {
                return fail(
                    flag,
                    path,
                    &format!("it would overwrite `{}`, which is read", input.display()),
                );
            }
            if let Some((folder, _)) = inputs
                .folders
                .iter()
                .find(|(folder, endings)| this.is_in(folder, endings))
            {
                return fail(
                    flag,
                    path,
                    &format!("it would be read as a file of `{}`", folder.display()),
                );
            }
            // A device such as `/dev/null` can be used several times.
            let is_device = path.metadata().is_ok_and(|data| !data.is_file());
            if let Some((other, _)) = others.iter().find(|(_, other)| !is_device && other.is(&this)) {
                return fail(flag, path, &format!("{other} writes to the same file"));
            }
            others.push((flag, this));
        }
        Ok(())
    }
}

impl Inputs {
    /// Why files cannot be added to a folder: a new file would be among those that are read.
    fn of_folder(&self, path: &Path, this: &FileIdentity) -> Option<String> {
        if path.exists() && !path.is_dir() {
            return Some("it is not a folder".to_owned());
        }
        let is_read = |folder: &&(PathBuf, &[&str])| this.path.starts_with(resolve(&folder.0));
        if let Some((folder, _)) = self.folders.iter().find(is_read) {
            return Some(format!("its files would be read as those of `{}`", folder.display()));
        }
        let is_inside = |file: &&PathBuf| resolve(file).parent() == Some(&*this.path);
        let input = self.files.iter().find(is_inside)?;
        Some(format!(
            "it contains `{}`, which is read: name another folder",
            input.display()
        ))
    }

    /// The given files alone.
    pub(super) fn of<'p>(files: impl IntoIterator<Item = &'p Path>) -> Self {
        Self {
            files: files.into_iter().map(Path::to_owned).collect(),
            folders: Vec::new(),
        }
    }

    /// Adds every file of a project.
    pub(super) fn project(mut self, workspace: &Workspace) -> Self {
        let project = &workspace.project;
        let root = &project.root;
        self.files
            .extend(["conforme.toml", ACCEPTED_FILE].map(|name| root.join(name)));
        self.files.extend(workspace.compare.accepted.clone());
        self.files
            .extend(workspace.sources.files().map(|(path, _)| root.join(path)));
        self.files.extend(workspace.suites.files.iter().cloned());
        self.files.extend(workspace.schemas.paths());
        self.files.extend(workspace.snapshots.files());
        for (_, target) in &project.targets {
            let tls = [&target.ca_file, &target.client_cert, &target.client_key];
            self.files.extend(tls.into_iter().flatten().cloned());
            for (_, secret) in &target.secrets {
                self.add_source(secret);
            }
        }
        self.folders.extend([
            (project.cases.clone(), &["yaml", "yml"][..]),
            (project.schemas.clone(), &["json", "yaml", "yml"]),
            (project.snapshots.clone(), &["snap", "new"]),
        ]);
        self
    }

    fn add_source(&mut self, source: &SecretSource) {
        match source {
            SecretSource::File(path) => self.files.push(path.clone()),
            // A program, or a script that it is given.
            SecretSource::Command(words) => self.files.extend(words.iter().map(PathBuf::from)),
            SecretSource::Env(_) => {}
            SecretSource::Token(token) => {
                for (_, source) in token.secrets() {
                    self.add_source(source);
                }
                if let TokenDef::OAuth2(oauth2) = &**token {
                    let tls = oauth2.client.iter().flat_map(|(certificate, key)| [certificate, key]);
                    self.files.extend(tls.cloned());
                }
            }
        }
    }

    /// Every file that is read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Adds files.
    pub(super) fn and<'p>(mut self, files: impl IntoIterator<Item = &'p Path>) -> Self {
        self.files.extend(files.into_iter().map(Path::to_owned));
        self
    }
}

/// The file that a path leads to, whatever links and spellings are used.
struct FileIdentity {
    path: PathBuf,
    #[cfg(unix)]
    number: Option<(u64, u64)>,
}

impl FileIdentity {
    fn of(path: &Path) -> Self {
        Self {
            path: resolve(path),
            #[cfg(unix)]
            number: {
                use std::os::unix::fs::MetadataExt as _;
                path.metadata().ok().map(|data| (data.dev(), data.ino()))
            },
        }
    }

    fn is(&self, other: &Self) -> bool {
        #[cfg(unix)]
        if self.number.is_some() && self.number == other.number {
            return true;
        }
        if cfg!(any(windows, target_vendor = "apple")) {
            let lower = |path: &Path| path.to_string_lossy().to_lowercase();
            return lower(&self.path) == lower(&other.path);
        }
        self.path == other.path
    }

    /// Whether it is this input. There can be very many inputs: links are followed only if the file does not exist yet.
    fn is_input(&self, input: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            match (self.number, input.metadata()) {
                (Some(number), Ok(data)) => return number == (data.dev(), data.ino()),
                (None, Err(_)) => {}
                _ => return false,
            }
        }
        self.is(&Self::of(input))
    }

    fn is_in(&self, folder: &Path, endings: &[&str]) -> bool {
        let ending = self
            .path
            .extension()
            .map(|ending| ending.to_string_lossy().to_lowercase());
        ending.is_some_and(|ending| endings.contains(&ending.as_str())) && self.path.starts_with(resolve(folder))
    }
}

/// The path of a file that may not exist yet, with links followed (dangling links too) and `..` resolved.
fn resolve(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..40 {
        if let Ok(real) = path.canonicalize() {
            return real;
        }
        let Ok(next) = path.read_link() else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    let Some(name) = path.file_name().map(ToOwned::to_owned) else {
        return plain(&path);
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match folder.canonicalize() {
        Ok(real) => real.join(name),
        // The folder does not exist yet either.
        Err(_) if folder == Path::new(".") => plain(&path),
        Err(_) => resolve(folder).join(name),
    }
}

/// An absolute path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    lexical(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn one_file_is_the_same_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sub")).unwrap();
        std::fs::write(at("file"), "").unwrap();
        std::fs::write(at("other"), "").unwrap();
        std::fs::hard_link(at("file"), at("hard")).unwrap();
        symlink("file", at("link")).unwrap();
        symlink("new", at("dangling")).unwrap();
        symlink(folder.path(), at("sub/up")).unwrap();
        let is = |one: &str, other: &str| FileIdentity::of(&at(one)).is(&FileIdentity::of(&at(other)));
        for name in [
            "file",
            "./file",
            "sub/../file",
            "hard",
            "link",
            "sub/up/file",
            "sub/up/link",
        ] {
            assert!(is(name, "file"), "{name}");
            assert!(!is(name, "other"), "{name}");
        }
        for name in ["new", "./new", "sub/../new", "dangling", "sub/up/new"] {
            assert!(is(name, "new"), "{name}");
            assert!(!is(name, "newer"), "{name}");
        }
        for name in ["no/new", "./no/../no/new", "no/./new"] {
            assert!(is(name, "no/new"), "{name}");
        }
        assert!(FileIdentity::of(&at("sub/a/b.json")).is_in(&at("sub"), &["json"]));
        assert!(!FileIdentity::of(&at("sub/a/b.html")).is_in(&at("sub"), &["json"]));
        assert!(!FileIdentity::of(&at("b.json")).is_in(&at("sub"), &["json"]));
    }
}
