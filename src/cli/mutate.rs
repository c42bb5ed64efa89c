//! `conforme mutate`

use std::{
    io::{self, Write as _},
    num::NonZero,
    path::Path,
};

use super::{
    Exit, Printer,
    args::{MutateArgs, RunArgs},
    outputs::{Inputs, Outputs},
    recheck::unreadable,
    reports::{Documents, Patient},
    run::select,
    workspace::Workspace,
};
use crate::{
    model::Stop,
    mutate::{Measuring, measure},
    project::Target,
    recording::Recording,
    report::{
        Format, ReportSpec,
        mutate::{ADVISED, FORMATS, MeasureOptions, TOLD, tell, write},
    },
};

pub(super) fn mutate(args: &MutateArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match try_mutate(args, folder, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

/// Measures the suite by a run that has just passed.
pub(super) fn after_run(
    path: &Path,
    run: &RunArgs,
    folder: Option<&Path>,
    printer: &mut Printer,
) -> Result<Exit, Exit> {
    let args = MutateArgs {
        recording: path.to_owned(),
        names: run.select.names.clone(),
        tags: run.select.tags.clone(),
        min_score: run.min_score,
        jobs: None,
        reports: Vec::new(),
        quiet: run.output.quiet,
        verbose: run.output.verbose,
    };
    try_mutate(&args, folder, printer)
}

fn try_mutate(args: &MutateArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    check_formats(&args.reports, printer)?;
    let workspace = Workspace::load(folder, printer)?;
    let path = &args.recording;
    let recording = Recording::open(path).map_err(|error| unreadable(path, &error, printer))?;
    let recorded = recording.started().clone();
    drop(recording);
    let end = Recording::verify(path).map_err(|error| unreadable(path, &error, printer))?;
    let target = Target::recorded(&recorded).map_err(|reason| {
        printer.error(&format!("the recording `{}`: {reason}", path.display()));
        Exit::Usage
    })?;
    let inputs = Inputs::of([path.as_path()]).project(&workspace);
    Outputs::new(&args.reports, None).check(&inputs, printer)?;
    let selection = select(&args.names, &args.tags, &workspace, printer)?;
    let plan = workspace.plan(&selection, target, printer)?;
    if recorded.suite_hash != workspace.hash() {
        printer.note("the suite has changed since this was recorded; it is measured as the suite is now");
    }
    let documents = Documents::open(&args.reports, printer)?;
    let name = path.display().to_string();
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let how = Measuring {
        name: &name,
        jobs: args.jobs.map_or_else(cores, usize::from),
        min_score: args.min_score,
        schemas: &workspace.schemas,
        advised: if args.verbose || !args.reports.is_empty() {
            ADVISED
        } else {
            TOLD
        },
    };
    let measured = measure(path, &plan, &workspace.sources, how).map_err(|error| unreadable(path, &error, printer))?;
    let options = MeasureOptions {
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let told = if documents.is_on_stdout() {
        tell(&measured, io::stderr(), printer.err_colours(), options)
    } else {
        let mut out = Patient(io::stdout());
        tell(&measured, &mut out, printer.out_colours(), options).and_then(|()| out.flush())
    };
    let is_told = told
        .map_err(|error| printer.error(&format!("failed to write to standard output: {error}")))
        .is_ok();
    let is_written = documents.write(printer, |format, sink| write(format, &measured, sink));
    let mut exit = Exit::of_code(measured.exit_code).unwrap_or(Exit::NoVerdict);
    if end.stopped == Some(Stop::Lost) && exit == Exit::Success {
        printer.error(&format!("`{name}`: {}: no verdict", Stop::Lost.text()));
        exit = Exit::NoVerdict;
    }
    Ok(exit.reported(is_told && is_written))
}

/// Refuses formats that are for verdicts on cases.
fn check_formats(specs: &[ReportSpec], printer: &Printer) -> Result<(), Exit> {
    let name = |format: Format| {
        Format::NAMES
            .iter()
            .find(|(_, known)| *known == format)
            .map_or("", |(name, _)| name)
    };
    match specs.iter().find(|spec| !FORMATS.contains(&spec.format)) {
        None => Ok(()),
        Some(spec) => {
            let known = FORMATS.map(name).join(", ");
            printer.error(&format!(
                "--report {}: how strong a suite is can be told as {known}",
                name(spec.format)
            ));
            Err(Exit::Usage)
        }
    }
}
