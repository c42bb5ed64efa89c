//! `conforme init`.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::Printer;
use crate::{
    model::Exit,
    session::{self, CiSystem, InitRequest, SessionError},
};

/// `conforme init`
#[derive(Debug, Args)]
#[command(
    after_help = "One request is sent to the API, and the case expects the status of the response. The result\n\
passes with `conforme run`. Existing files are not changed.\n\n\
Examples:\n  \
conforme init --target http://127.0.0.1:8080\n  \
conforme init contract --target https://api.example.com/v1 --ci github\n\n\
Exit codes: 0 the project was written, 2 usage or a file exists, 3 no response below 500,\n\
5 a file could not be written."
)]
pub struct InitArgs {
    /// The folder of the project [default: the working directory]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The base URL of the API; asked for on a terminal
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// Write a file for a CI system; asked for on a terminal
    #[arg(long, value_name = "SYSTEM", value_enum)]
    pub ci: Option<Ci>,
    /// Ask nothing
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// `--ci`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// .github/workflows/contract.yml
    Github,
    /// .gitlab-ci.yml
    Gitlab,
}

impl From<Ci> for CiSystem {
    fn from(ci: Ci) -> Self {
        match ci {
            Ci::Github => Self::Github,
            Ci::Gitlab => Self::Gitlab,
        }
    }
}

pub(super) fn init(args: InitArgs, project: Option<PathBuf>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let asks = !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
    let is_asked_for_target = asks && args.target.is_none();
    let target = match args.target {
        Some(target) => target,
        None if asks => ask("Base URL of the API (such as https://api.example.com/v1): ")?,
        None => {
            return Err(SessionError::Advised {
                message: "the base URL of the API is not given".to_owned(),
                help: "conforme init --target https://api.example.com/v1".to_owned(),
                exit: Exit::Usage,
            });
        }
    };
    let ci = match args.ci {
        None if is_asked_for_target => ask_ci()?,
        given => given,
    };
    let request = InitRequest {
        folder: args.folder.or(project).unwrap_or_else(|| ".".into()),
        target,
        ci: ci.map(CiSystem::from),
    };
    let new = session::init(&request, printer)?;
    printer.out(&format!("{}: {}", new.request, new.status));
    for rule in &new.lowered {
        printer.out(&format!("the response breaks {rule}: see `conforme explain {rule}`"));
    }
    printer.out("");
    for file in &new.files {
        printer.out(&format!("wrote {}", request.folder.join(file).display()));
    }
    if let Some(placeholder) = new.placeholder {
        printer.out(&format!(
            "\nconforme has no public release yet: replace `{placeholder}` in the CI file by the owner of your copy."
        ));
    }
    let folder = request.folder.display().to_string();
    let change = if folder == "." {
        String::new()
    } else {
        format!(" -C {folder}")
    };
    printer.out(&format!("\nnext: conforme{change} run"));
    Ok(Exit::Success)
}

fn ask(question: &str) -> Result<String, SessionError> {
    let mut err = io::stderr();
    drop(write!(err, "{question}").and_then(|()| err.flush()));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let line = line.trim();
    match read {
        Ok(1..) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(SessionError::Usage(
            "no base URL was given; nothing was written".to_owned(),
        )),
    }
}

fn ask_ci() -> Result<Option<Ci>, SessionError> {
    let mut err = io::stderr();
    drop(write!(err, "CI file: github, gitlab or none [none]: ").and_then(|()| err.flush()));
    let mut line = String::new();
    drop(io::stdin().lock().read_line(&mut line));
    match line.trim() {
        "" | "none" => Ok(None),
        name => match Ci::from_str(name, true) {
            Ok(ci) => Ok(Some(ci)),
            Err(_) => Err(SessionError::Usage(format!(
                "`{name}` is not a CI system: github or gitlab"
            ))),
        },
    }
}
