//! `conforme completions` and `conforme man`: what the shell knows about the program.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
};

use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::{CompleteEnv, CompletionCandidate, engine::ArgValueCompleter, env::Shells};

use super::{Cli, Printer};
use crate::{
    explain::explanations,
    model::Exit,
    session::{SessionError, names_of_project},
};

/// The environment variable by which a shell asks for completions; its value is the name of the shell.
const VARIABLE: &str = "CONFORME_COMPLETE";
/// The name of the program.
const PROGRAM: &str = "conforme";

/// `conforme completions`
#[derive(Debug, Args)]
#[command(
    after_help = "The script asks the program for what can follow: flags, case ids, targets and tags of\n\
the project in the working directory.\n\n\
Examples:\n  \
conforme completions bash > ~/.local/share/bash-completion/completions/conforme\n  \
conforme completions zsh > \"${fpath[1]}/_conforme\"\n  \
conforme completions fish > ~/.config/fish/completions/conforme.fish\n  \
conforme completions powershell >> $PROFILE"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell that has completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }
}

/// `conforme man`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
conforme man ~/.local/share/man/man1 && man conforme-run")]
pub struct ManArgs {
    /// The folder for the pages, one for each command; it is created if it does not exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Prints the script that registers completions with a shell.
pub(super) fn completions(args: &CompletionsArgs, printer: &Printer) -> Result<Exit, SessionError> {
    let shells = Shells::builtins();
    let mut script = Vec::new();
    let written = match shells.completer(args.shell.name()) {
        Some(shell) => shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script),
        None => Ok(()),
    };
    written.map_err(|source| SessionError::Output {
        output: "the completions".to_owned(),
        source,
    })?;
    let script = String::from_utf8_lossy(&script);
    let script = script.trim_end();
    match args.shell {
        Shell::Zsh => printer.out(&on_first_use(script)),
        _ => printer.out(script),
    }
    Ok(Exit::Success)
}

/// A file in the `fpath` of zsh is called as the function of its name at the first completion. That of `clap_complete` only
/// registers another function then, so that the first completion of a session would be empty.
fn on_first_use(script: &str) -> String {
    let Some((definition, registration)) = script.rsplit_once('\n') else {
        return script.to_owned();
    };
    let function = registration.split_whitespace().nth(1).unwrap_or_default();
    format!(
        "{definition}\nif [[ \"${{funcstack[1]}}\" == _{PROGRAM} ]]; then\n    {function} \"$@\"\nelse\n    {registration}\nfi"
    )
}

/// Writes a manual page for each command.
pub(super) fn man(args: &ManArgs, printer: &Printer) -> Result<Exit, SessionError> {
    let folder = &args.folder;
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|source| SessionError::Output {
        output: format!("the manual pages in `{}`", folder.display()),
        source,
    })?;
    printer.out(&format!("wrote the manual pages to {}", folder.display()));
    Ok(Exit::Success)
}

/// Completes a command line if a shell asks for it. Returns whether one did; then nothing else is to be done.
pub(super) fn complete(arguments: &[OsString]) -> Result<bool, clap::Error> {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return Ok(false);
    }
    let project = project(arguments);
    let command = move || with_names(Cli::command(), project.as_ref());
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .try_complete(arguments.iter().cloned(), here.as_deref())
}

/// The project that the command line names.
fn project(arguments: &[OsString]) -> Option<PathBuf> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "-C" || word == "--project" {
            return words.next().map(PathBuf::from);
        }
        let text = word.to_str().unwrap_or_default();
        let joined = text.strip_prefix("--project=").or_else(|| text.strip_prefix("-C"));
        if let Some(folder) = joined.filter(|folder| !folder.is_empty()) {
            return Some(folder.into());
        }
    }
    None
}

/// The kinds of names that a value can be completed with.
#[derive(Clone, Copy)]
enum NameKind {
    Cases,
    Targets,
    Tags,
    Explained,
}

/// The command line with the names of the project as values.
fn with_names(command: Command, project: Option<&PathBuf>) -> Command {
    let names: Vec<_> = (command.get_subcommands())
        .map(|one| one.get_name().to_owned())
        .collect();
    let mut command = command;
    for name in names {
        command = command.mut_subcommand(&name, |subcommand| {
            let is_explain = subcommand.get_name() == "explain";
            subcommand.mut_args(|arg| {
                let names = match arg.get_id().as_str() {
                    "names" | "ids" => NameKind::Cases,
                    "targets" | "target" | "baseline" | "candidate" => NameKind::Targets,
                    "tags" => NameKind::Tags,
                    "id" if is_explain => NameKind::Explained,
                    _ => return arg,
                };
                let project = project.cloned();
                arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                    candidates(names, typed, project.as_ref())
                }))
            })
        });
    }
    command
}

fn candidates(names: NameKind, typed: &OsStr, project: Option<&PathBuf>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let known = || names_of_project(project.map(PathBuf::as_path)).unwrap_or_default();
    let all = match names {
        NameKind::Cases => known().cases,
        NameKind::Targets => known().targets,
        NameKind::Tags => known().tags,
        NameKind::Explained => explanations()
            .into_iter()
            .map(|one| (one.id.into_owned(), one.meaning))
            .collect(),
    };
    let all = all.into_iter().filter(|(name, _)| name.starts_with(&*typed));
    all.map(|(name, about)| {
        let about = (!about.is_empty()).then(|| about.into());
        CompletionCandidate::new(name).help(about)
    })
    .collect()
}
