//! The command line: flags, output streams, exit code. The behavior of the commands is in [`session`](crate::session).

mod args;
mod ci_colors;
mod compare;
mod coverage;
mod explain;
mod explore;
mod import;
mod init;
mod list;
mod merge;
mod mutate;
mod printer;
mod recheck;
mod report;
mod run;
mod schema;
#[cfg(feature = "reference")]
mod serve;
mod shell;
mod snapshots;
mod teardown;
mod terminal;
mod watch;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _};

pub use crate::model::Exit;
pub use args::Cli;

use args::Command;
use printer::Printer;

use crate::session::TARGET_VARIABLE;

/// Runs the program with these arguments, the first of which is its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // The message of a panic can quote a response.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        drop(writeln!(
            io::stderr(),
            "error: internal error at {location} (please report)"
        ));
    }));
    let arguments: Vec<_> = arguments.into_iter().collect();
    let cli = match shell::complete(&arguments) {
        Ok(true) => return Exit::Success.into(),
        Ok(false) => parse(arguments),
        Err(error) => Err(error),
    };
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is a usage error.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Usage.into(),
            };
        }
    };
    let mut printer = Printer::new(cli.color);
    let project = cli.project;
    let (is_run, here) = (matches!(cli.command, Command::Run(_)), project.as_deref());
    printer.before_sending(is_run);
    let result = match cli.command {
        Command::Run(command) => run::run(command, project, &mut printer),
        Command::Validate(command) => list::validate(&command, here, &mut printer),
        Command::List(command) => list::list(&command, here, &mut printer),
        Command::Merge(command) => merge::merge(command, &mut printer),
        Command::Compare(command) => compare::compare(command, project, &mut printer),
        Command::Coverage(command) => coverage::coverage(command, project, &mut printer),
        Command::Mutate(command) => mutate::mutate(command, project, &mut printer),
        Command::Recheck(command) => recheck::recheck(command, project, &mut printer),
        Command::Teardown(command) => teardown::teardown(command, project, &mut printer),
        Command::Report(command) => report::report(command, &mut printer),
        Command::Review => snapshots::review(here, &printer),
        Command::Accept(command) => snapshots::settle(&command, true, here, &printer),
        Command::Reject(command) => snapshots::settle(&command, false, here, &printer),
        Command::Import(command) => import::import(command, project, &mut printer),
        Command::Init(command) => init::init(command, project, &mut printer),
        Command::Explore(command) => explore::explore(command, project, &mut printer),
        Command::Explain(command) => explain::explain(&command, &printer),
        Command::Completions(command) => shell::completions(&command, &printer),
        Command::Man(command) => shell::man(&command, &printer),
        Command::Lsp => Ok(crate::lsp::serve()),
        Command::Schema(command) => Ok(schema::schema(&command, &printer)),
        #[cfg(feature = "reference")]
        Command::Serve(command) => serve::serve(&command, &printer),
    };
    let exit = result.unwrap_or_else(|error| printer.fail(&error));
    printer.conclude(exit).into()
}

/// Reads the flags and their environment variables. A blank variable is treated as unset, since a pipeline often passes
/// on a variable that it does not have; a blank `CONFORME_TARGET` is kept, to be rejected.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let subcommands: Vec<_> = command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for name in subcommands {
        command = command.mut_subcommand(name, |subcommand| subcommand.mut_args(without_blank_variable));
    }
    let mut matches = command.clone().try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

fn without_blank_variable(arg: clap::Arg) -> clap::Arg {
    let is_blank = arg.get_env().is_some_and(|variable| {
        variable != TARGET_VARIABLE
            && std::env::var_os(variable).is_some_and(|value| value.to_string_lossy().trim().is_empty())
    });
    if is_blank { arg.env(None::<&str>) } else { arg }
}
