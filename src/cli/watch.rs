//! `conforme run --watch`, and `--open`.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Printer,
    args::RunArgs,
    run::{request, usage},
    terminal::terminal,
};
use crate::{
    model::Exit,
    report::{Format, ReportSpec},
    session::{self, Notices as _, SessionError},
};

/// Runs the cases, and runs those again that a change of a file affects, until a signal ends it.
pub(super) fn watch(args: &RunArgs, project: Option<&Path>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let given = [
        ("--partition", args.select.partition.is_some()),
        ("--mutate", args.mutate),
        ("--dry-run", args.dry_run),
        ("several targets", args.select.targets.len() > 1),
    ];
    if let Some((flag, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Err(usage(format!("--watch cannot be used with {flag}")));
    }
    let mut values = args.select.values.vars_files.clone();
    values.extend(args.select.values.environment.env_files.iter().cloned());
    let mut watch = session::WatchedProject::new(project, &values)?;
    let mut is_first = true;
    loop {
        printer.before_sending(true);
        // Files of values are read again.
        let ran = request(args.clone(), project.map(Path::to_owned), printer).and_then(|request| {
            let terminal = terminal(&request.reports, args.output.options(), printer);
            watch.run(&request, terminal, printer)
        });
        match ran {
            Ok(Some(exit @ (Exit::Interrupted | Exit::Terminated | Exit::HungUp))) => return Ok(exit),
            Ok(exit) => {
                if args.then.open && is_first && exit.is_some() {
                    open(&args.reports, printer);
                }
            }
            // An invalid file is shown and can be put right; an invalid command cannot.
            Err(error) if is_first && (watch.is_valid() || !matches!(error, SessionError::Invalid { .. })) => {
                return Err(error);
            }
            Err(error) => {
                printer.fail(&error);
            }
        }
        is_first = false;
        printer.note("watching for changes; Ctrl-C ends");
        if let Some(exit) = watch.wait() {
            return Ok(exit);
        }
    }
}

/// The page that `--open` opens; an error if the run does not write one.
pub(super) fn page(reports: &[ReportSpec]) -> Result<&Path, SessionError> {
    let mut pages = reports.iter().filter(|spec| spec.format == Format::Html);
    let page = pages.find_map(|spec| spec.path.as_deref());
    page.ok_or_else(|| SessionError::Advised {
        message: "--open opens an HTML report, and the run does not write one".to_owned(),
        help: "--open --report html=report.html".to_owned(),
        exit: Exit::Usage,
    })
}

/// Opens the HTML report, except in CI. The browser is not waited for.
pub(super) fn open(reports: &[ReportSpec], printer: &mut Printer) {
    let Ok(page) = page(reports) else { return };
    if session::in_ci() {
        printer.note("--open: `CI` is set, and in CI no report is opened");
        return;
    }
    let page = page.canonicalize().unwrap_or_else(|_| page.to_owned());
    if let Err(error) = open_with(browsers(), &page) {
        printer.note(&format!("failed to open `{}`: {error}", page.display()));
    }
}

/// Programs that open a page, the preferred one first.
fn browsers() -> Vec<String> {
    let named = std::env::var("BROWSER").unwrap_or_default();
    let named = named.split(':').filter(|name| !name.trim().is_empty());
    let default = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_vendor = "apple") {
        "open"
    } else {
        "xdg-open"
    };
    // On Windows a path contains a colon.
    let named: Vec<_> = if cfg!(windows) {
        Vec::new()
    } else {
        named.map(str::to_owned).collect()
    };
    named.into_iter().chain([default.to_owned()]).collect()
}

/// Starts the first of the programs that exists.
fn open_with(browsers: Vec<String>, page: &PathBuf) -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for browser in browsers {
        let mut words = browser.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        let mut is_named = false;
        for word in words {
            if word == "%s" {
                is_named = true;
                command.arg(page);
            } else {
                command.arg(word);
            }
        }
        if !is_named {
            command.arg(page);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C is for the run, not for the browser.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(_) => return Ok(()),
            Err(error) => last = io::Error::new(error.kind(), format!("`{browser}`: {error}")),
        }
    }
    Err(last)
}
