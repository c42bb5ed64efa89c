//! `conforme compare`

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    Exit, Printer,
    args::{CompareArgs, FailOn},
    live::{self, Recordings},
    outputs::{Inputs, Outputs},
    recheck::unreadable,
    reports::{Documents, Patient},
    run::select,
    workspace::Workspace,
};
use crate::{
    compare::{
        ACCEPTED_FILE, AcceptedEntry, CompareError, CompareSettings, Comparing, Comparison, Facts, Judge, Level,
        Version, compare as judge, read_accepted, unknown_names,
    },
    model::Stop,
    plan::{Plan, Selection},
    project::Target,
    recording::Recording,
    report::compare::{ComparisonOptions, tell, write},
    source::{Diagnostics, Sources},
};

pub(super) fn compare(args: &CompareArgs, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    match try_compare(args, folder, printer) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn try_compare(args: &CompareArgs, folder: Option<&Path>, printer: &mut Printer) -> Result<Exit, Exit> {
    let workspace = workspace(args, folder, printer)?.map(Arc::new);
    let facts = workspace.as_ref().map_or_else(Facts::default, |workspace| {
        Facts::of(&workspace.suites, &workspace.schemas)
    });
    let settings = workspace
        .as_ref()
        .map_or_else(CompareSettings::default, |workspace| workspace.compare.clone());
    let accepted = accepted(args, &settings, workspace.as_deref(), printer)?;
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
    let read = [&args.baseline, &args.candidate].map(|name| Path::new(name.as_str()));
    let mut inputs = Inputs::of(
        read.into_iter()
            .chain(args.accepted.as_deref())
            .chain(args.live.limits.ca_file.as_deref()),
    );
    if let Some(workspace) = &workspace {
        inputs = inputs.project(workspace);
    }
    Outputs::new(&args.reports, None).check(&inputs, printer)?;
    let documents = Documents::open(&args.reports, printer)?;
    let is_live = |name: &str| is_target(name, workspace.as_deref());
    if is_live(&args.baseline) && is_live(&args.candidate) {
        // Nothing is sent for a list that cannot be right.
        names_exist(&unknown_names(&accepted, &facts), printer)?;
    }
    let recorded = Versions::record(args, workspace.as_ref(), printer)?;
    let plan = workspace
        .as_deref()
        .and_then(|workspace| plan_of(&recorded.baseline, workspace));
    let by_suite = workspace.as_ref().zip(plan.as_ref());
    let judging = by_suite.map(|(workspace, plan)| Judge::new(plan, &workspace.sources));
    let how = Comparing {
        facts: &facts,
        judge: judging.as_ref(),
        levels: &settings.levels,
        accepted: &accepted,
        today: Utc::now().date_naive(),
        fail_on: args.fail_on.level(),
        wanted: &|id| selected.as_ref().is_none_or(|selected| selected.contains(id)),
    };
    let compared = judge(
        Version {
            path: &recorded.baseline,
            name: &args.baseline,
        },
        Version {
            path: &recorded.candidate,
            name: &args.candidate,
        },
        &how,
    );
    let mut comparison = match compared {
        Ok(comparison) => comparison,
        Err(CompareError::UnknownNames(names)) => {
            names_exist(&names, printer)?;
            return Err(Exit::Usage);
        }
        Err(CompareError::Unreadable { is_candidate, source }) => {
            let path = if is_candidate {
                &recorded.candidate
            } else {
                &recorded.baseline
            };
            return Err(unreadable(path, &source, printer));
        }
    };
    if let Some(stop) = recorded.interrupted() {
        let exit = match stop {
            Stop::Terminated => Exit::Terminated,
            Stop::HungUp => Exit::HungUp,
            _ => Exit::Interrupted,
        };
        comparison.summary.exit_code = exit.code();
    }
    if comparison.baseline.suite_hash != comparison.candidate.suite_hash {
        printer.note("the two recordings are of different suites: cases that changed can differ for that reason");
    }
    Ok(finish(&comparison, args, documents, printer))
}

/// An error for each name of the accepted changes that does not exist.
fn names_exist(unknown: &[String], printer: &Printer) -> Result<(), Exit> {
    for error in unknown {
        printer.error(error);
    }
    if unknown.is_empty() { Ok(()) } else { Err(Exit::Usage) }
}

/// The plan by which responses of a recording are judged again; `None` where its target cannot be rebuilt.
pub(super) fn plan_of(recording: &Path, workspace: &Workspace) -> Option<Plan> {
    let recorded = Recording::open(recording).ok()?;
    let target = Target::recorded(recorded.started()).ok()?;
    // Cases that cannot be bound are not judged again.
    let mut errors = Diagnostics::default();
    Some(Plan::new(
        &workspace.suites,
        &Selection::default(),
        Arc::new(target),
        workspace.snapshots.clone(),
        &workspace.sources,
        &mut errors,
    ))
}

/// What is compared, where some of it had to be asked first.
struct Versions {
    baseline: PathBuf,
    candidate: PathBuf,
    asked: Option<Recordings>,
}

impl Versions {
    /// Asks those that are targets, side by side.
    fn record(args: &CompareArgs, workspace: Option<&Arc<Workspace>>, printer: &mut Printer) -> Result<Self, Exit> {
        let names = [&args.baseline, &args.candidate];
        let mut targets = Vec::new();
        for name in names {
            if is_target(name, workspace.map(Arc::as_ref)) {
                targets.push(name.clone());
            } else if !Path::new(name).exists() {
                printer.error(&format!(
                    "`{name}` is neither a recording nor a target of conforme.toml nor a URL"
                ));
                return Err(Exit::Usage);
            }
        }
        let [mut baseline, mut candidate] = names.map(PathBuf::from);
        if targets.is_empty() {
            return Ok(Self {
                baseline,
                candidate,
                asked: None,
            });
        }
        let Some(workspace) = workspace else {
            printer
                .error("a target is asked the cases of a project, and there is none here: name one with `--project`");
            return Err(Exit::Usage);
        };
        let selection = select(&args.names, &args.tags, workspace, printer)?;
        let recordings = live::record(&targets, &args.live, args.repeats, &selection, workspace, printer)?;
        let mut paths = recordings.paths.iter().peekable();
        for (name, path) in [(&args.baseline, &mut baseline), (&args.candidate, &mut candidate)] {
            if let Some(recorded) = paths.next_if(|_| is_target(name, Some(workspace))) {
                recorded.clone_into(path);
            }
        }
        Ok(Self {
            baseline,
            candidate,
            asked: Some(recordings),
        })
    }

    fn interrupted(&self) -> Option<Stop> {
        self.asked.as_ref()?.interrupted
    }
}

/// Whether it names a target: a URL, a target of `conforme.toml`, or the embedded reference API where no file is called so.
fn is_target(name: &str, workspace: Option<&Workspace>) -> bool {
    let is_known = workspace.is_some_and(|workspace| workspace.project.targets.iter().any(|(known, _)| known == name));
    name.contains("://") || is_known || (name == "reference" && !Path::new(name).exists())
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
    let is_asked = [&args.baseline, &args.candidate]
        .iter()
        .any(|name| is_target(name, None))
        || folder.is_some()
        || !args.names.is_empty()
        || !args.tags.is_empty();
    if !is_asked && !Workspace::is_here() {
        printer.note("there is no project here: a failing check is not attributed to one of several differences");
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
