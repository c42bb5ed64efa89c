//! `conforme init`: a project that passes against a live API.

mod files;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{Notices, RunRequest, SessionError, run, scratch};
use crate::{
    check::RULES,
    mask::{Masked, Reporter},
    model::{Event, Exit, Level, Outcome},
    project::{BaseUrl, shown_address},
    source::is_taken,
};

/// Options of `init`.
#[derive(Clone, Debug, Default)]
pub struct InitRequest {
    /// The folder of the project; it is created if it does not exist.
    pub folder: PathBuf,
    /// The base URL of the API.
    pub target: String,
    /// The CI system to write a file for.
    pub ci: Option<CiSystem>,
}

/// A CI system that `init` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CiSystem {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
}

/// A new project.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Initialized {
    /// The files that were written, relative to the folder.
    pub files: Vec<String>,
    /// The request that was sent: `GET https://api.example.com/`.
    pub request: String,
    /// The status of the response, which the case expects.
    pub status: u16,
    /// Built-in rules that the response breaks, which the suite lowers to `warn`.
    pub lowered: Vec<String>,
    /// A part of the CI file to replace, because this version has no public repository.
    pub placeholder: Option<&'static str>,
}

/// The name in the address of the repository until there is a public one.
const PLACEHOLDER: &str = "OWNER";

/// The response to the request of the new project.
#[derive(Clone, Debug, Default)]
struct Observed {
    status: u16,
    /// The media type, without parameters.
    media_type: Option<String>,
    /// Built-in rules that it breaks, each with the reason.
    broken: BTreeMap<String, String>,
}

/// Sends one request to the target and writes a project whose case expects the response. Nothing is written if there is no
/// response below 500, or if a file would be overwritten.
pub fn init(request: &InitRequest, notices: &mut dyn Notices) -> Result<Initialized, SessionError> {
    let folder = &request.folder;
    if is_taken(&folder.join(files::CONFIG)) {
        return Err(SessionError::Advised {
            message: format!("`{}` exists", folder.join(files::CONFIG).display()),
            help: "`init` starts a new project; name another folder, or add a target to the file".to_owned(),
            exit: Exit::Usage,
        });
    }
    let base = BaseUrl::parse(&request.target).map_err(|reason| SessionError::Advised {
        message: format!("--target `{}`: {reason}", shown_address(&request.target)),
        help: "conforme init --target https://api.example.com/v1".to_owned(),
        exit: Exit::Usage,
    })?;
    let new = files::NewProject::new(&base, request.ci);
    let taken = |text: &files::File| text.is_new && is_taken(&folder.join(text.path));
    if let Some(file) = new.files(&Observed::default()).into_iter().find(taken) {
        return Err(SessionError::Advised {
            message: format!("`{}` exists", folder.join(file.path).display()),
            help: "`init` overwrites no file; name another folder".to_owned(),
            exit: Exit::Usage,
        });
    }
    let observed = observe(&new, &base, notices)?;
    let files = new.files(&observed);
    write(folder, &files)?;
    Ok(Initialized {
        files: files.iter().map(|file| file.path.to_owned()).collect(),
        request: format!("GET {base}/"),
        status: observed.status,
        lowered: observed.broken.into_keys().collect(),
        placeholder: request
            .ci
            .and(files::REPOSITORY.split('/').find(|part| *part == PLACEHOLDER)),
    })
}

/// Sends the request of the project by a run in a temporary folder: the response is judged as it will be.
fn observe(new: &files::NewProject, base: &BaseUrl, notices: &mut dyn Notices) -> Result<Observed, SessionError> {
    let scratch = scratch::folder()?;
    let placeholder = Observed {
        status: 200,
        ..Observed::default()
    };
    write(scratch.path(), &new.files(&placeholder))?;
    let (outcomes, observed) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(Observed::default())));
    let watch = FirstResponse {
        outcome: Rc::clone(&outcomes),
        observed: Rc::clone(&observed),
    };
    let request = RunRequest {
        project: Some(scratch.path().to_owned()),
        ..RunRequest::default()
    };
    let exit = run(&request, Box::new(watch), notices)?;
    let no_project = |reason: &str, help: &str| SessionError::Advised {
        message: format!("{base}: {reason}; nothing was written"),
        help: help.to_owned(),
        exit: match exit {
            Exit::Interrupted | Exit::Terminated | Exit::HungUp => exit,
            _ => Exit::NoVerdict,
        },
    };
    let start = "start the API, or name another address with `--target`";
    let observed = observed.take();
    match outcomes.take() {
        Some(Ok(())) if observed.status < 500 => Ok(observed),
        Some(Ok(())) => Err(no_project(
            &format!("the response has status {}", observed.status),
            start,
        )),
        Some(Err(reason)) => Err(no_project(&reason, start)),
        None => Err(no_project("no response", start)),
    }
}

/// Writes the files; after an error, those that were written are removed.
fn write(folder: &Path, files: &[files::File]) -> Result<(), SessionError> {
    let mut written = Vec::new();
    for file in files {
        let path = folder.join(file.path);
        if let Err(source) = write_one(&path, file, &mut written) {
            for path in written {
                drop(fs::remove_file(path));
            }
            let output = format!("`{}`", path.display());
            return Err(SessionError::Output { output, source });
        }
    }
    Ok(())
}

fn write_one(path: &Path, file: &files::File, written: &mut Vec<PathBuf>) -> io::Result<()> {
    use std::io::Write as _;

    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    if !file.is_new && path.is_file() {
        let known = fs::read_to_string(path)?;
        let missing: Vec<_> = file
            .text
            .lines()
            .filter(|line| !known.lines().any(|one| one == *line))
            .collect();
        let gap = if known.is_empty() || known.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let text = format!("{gap}{}\n", missing.join("\n"));
        return options.append(true).open(path)?.write_all(text.as_bytes());
    }
    let mut out = options.write(true).create_new(true).open(path)?;
    written.push(path.to_owned());
    out.write_all(file.text.as_bytes())
}

/// Takes the response out of the events of the run.
struct FirstResponse {
    /// Whether there is a response that can be read, or why there is none.
    outcome: Rc<RefCell<Option<Result<(), String>>>>,
    observed: Rc<RefCell<Observed>>,
}

impl Reporter for FirstResponse {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        let Event::CaseFinished(case) = &**event else {
            return Ok(());
        };
        let Some(step) = case.last.steps.last() else {
            let reason = case.last.reason.clone().unwrap_or_else(|| "no response".to_owned());
            self.outcome.replace(Some(Err(reason)));
            return Ok(());
        };
        let outcome = step.exchange.as_ref().map(|exchange| &exchange.outcome);
        let result = match outcome {
            Some(Outcome::Response(response)) => {
                let mut observed = self.observed.borrow_mut();
                observed.status = response.status;
                let mut fields = response.headers.iter();
                let field = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let kind = field.map(|(_, value)| value.split(';').next().unwrap_or_default().trim());
                observed.media_type = kind.filter(|kind| files::is_media_type(kind)).map(str::to_owned);
                let broken = step.findings.iter().filter(|finding| finding.level == Level::Deny);
                for finding in broken {
                    let id = finding.check.as_str();
                    if RULES.iter().any(|rule| rule.id == id) {
                        observed.broken.insert(id.to_owned(), finding.message.clone());
                    }
                }
                Ok(())
            }
            Some(Outcome::Malformed(_)) => Err("the response is not valid HTTP".to_owned()),
            Some(Outcome::Failure(failure)) => Err(failure.message.clone()),
            None => Err(case.last.reason.clone().unwrap_or_else(|| "no response".to_owned())),
        };
        self.outcome.replace(Some(result));
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
