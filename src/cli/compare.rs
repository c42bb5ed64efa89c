//! `conforme compare`

use std::{
    io::{self, Write as _},
    path::Path,
};

use chrono::Utc;

use super::{
    Exit, Printer,
    args::{CompareArgs, FailOn},
    recheck::unreadable,
    reports::{Documents, Patient},
    run::select,
    workspace::Workspace,
};
use crate::{
    compare::{
        ACCEPTED_FILE, AcceptedEntry, CompareSettings, Comparing, Comparison, Facts, Level, Version, compare as judge,
        read_accepted,
    },
    report::compare::{ComparisonOptions, tell, write},
    source::{Diagnostics, Sources},
};

pub(super) fn compare(args: &CompareArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match try_compare(args, folder, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_compare(args: &CompareArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    let workspace = workspace(args, folder, printer)?;
    let facts = workspace.as_ref().map_or_else(Facts::default, |workspace| {
        Facts::of(&workspace.suites, &workspace.schemas)
    });
    let settings = workspace
        .as_ref()
        .map_or_else(CompareSettings::default, |workspace| workspace.project.compare.clone());
    let accepted = accepted(args, &settings, workspace.as_ref(), printer)?;
    let selected = match &workspace {
        Some(workspace) if !(args.names.is_empty() && args.tags.is_empty()) => {
            let selection = select(&args.names, &args.tags, workspace, printer)?;
            let cases = workspace.suites.cases.iter();
            let ids = cases.filter(|case| selection.selects(case, &workspace.sources));
            Some(
                ids.map(|case| case.id.clone())
                    .collect::<std::collections::HashSet<_>>(),
            )
        }
        _ => None,
    };
    let documents = Documents::open(&args.reports, printer)?;
    let how = Comparing {
        facts: &facts,
        levels: &settings.levels,
        accepted: &accepted,
        today: Utc::now().date_naive(),
        fail_on: args.fail_on.level(),
        wanted: &|id| selected.as_ref().is_none_or(|selected| selected.contains(id)),
    };
    let (baseline, candidate) = (Path::new(&args.baseline), Path::new(&args.candidate));
    let compared = judge(
        Version {
            path: baseline,
            name: &args.baseline,
        },
        Version {
            path: candidate,
            name: &args.candidate,
        },
        &how,
    );
    let comparison = compared.map_err(|error| {
        let path = if error.is_candidate { candidate } else { baseline };
        unreadable(path, &error.source, printer)
    })?;
    if comparison.baseline.suite_hash != comparison.candidate.suite_hash {
        printer.note("the two recordings are of different suites: cases that changed can differ for that reason");
    }
    Ok(finish(&comparison, args, documents, printer))
}

/// Writes every report, and says what the comparison calls for.
fn finish(comparison: &Comparison, args: &CompareArgs, documents: Documents, printer: &Printer) -> Exit {
    let options = ComparisonOptions {
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let lines = if documents.is_on_stdout() {
        tell(comparison, io::stderr(), printer.err_colours(), options)
    } else {
        let mut out = Patient(io::stdout());
        tell(comparison, &mut out, printer.out_colours(), options).and_then(|()| out.flush())
    };
    let is_told = lines
        .map_err(|error| printer.error(&format!("failed to write to standard output: {error}")))
        .is_ok();
    let is_written = documents.write(printer, |format, sink| write(format, comparison, sink));
    let exit = Exit::of_code(comparison.summary.exit_code).unwrap_or(Exit::NoVerdict);
    exit.reported(is_told && is_written)
}

/// The project, where there is one: recordings can be compared far from it.
fn workspace(args: &CompareArgs, folder: Option<&Path>, printer: &Printer) -> Result<Option<Workspace>, Exit> {
    let is_asked = folder.is_some() || !args.names.is_empty() || !args.tags.is_empty();
    if !is_asked && !Workspace::is_here() {
        printer.note("there is no project here: nothing is known of what its suite demands");
        return Ok(None);
    }
    Workspace::load(folder, printer).map(Some)
}

fn accepted(
    args: &CompareArgs,
    settings: &CompareSettings,
    workspace: Option<&Workspace>,
    printer: &Printer,
) -> Result<Vec<AcceptedEntry>, Exit> {
    let usual = workspace.map(|workspace| workspace.project.root.join(ACCEPTED_FILE));
    let path = match (&args.accepted, &settings.accepted, usual) {
        (Some(path), _, _) | (None, Some(path), _) => path.clone(),
        (None, None, Some(path)) if path.is_file() => path,
        _ => return Ok(Vec::new()),
    };
    let root = workspace.map_or(Path::new("."), |workspace| &workspace.project.root);
    let (mut sources, mut errors) = (Sources::new(root), Diagnostics::default());
    let entries = read_accepted(&path, &mut sources, &mut errors);
    if errors.is_empty() {
        Ok(entries)
    } else {
        Err(printer.diagnostics(&errors, &sources))
    }
}

impl FailOn {
    fn level(self) -> Option<Level> {
        match self {
            Self::Breaking => Some(Level::Breaking),
            Self::Warning => Some(Level::Warning),
            Self::Any => Some(Level::Info),
            Self::None => None,
        }
    }
}
