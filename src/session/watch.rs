//! `conforme run --watch`: runs the cases that a change of a file affects.
//!
//! A case is affected if its file was written, or if the digest of what its verdict depends on has changed: its definition
//! with what it inherits, its row, the schemas, the snapshot and the files that it uses, and the variables of the target. A
//! change of the configuration, of an environment file or of a file of variables affects all cases.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    Notices, RunRequest, SessionError, Workspace,
    outputs::Inputs,
    prepared::{self, Prepared},
    run::{prepare, run_prepared},
    watched_files::{WatchedFiles, is_temporary, resolved},
};
use crate::{
    mask::{Masked, Reporter},
    model::{Digest, Event, Exit, Stop, Verdict, shown},
    plan::Planned,
    run::Interrupts,
};

/// A project that is watched.
pub struct WatchedProject {
    root: PathBuf,
    files: WatchedFiles,
    runtime: tokio::runtime::Runtime,
    interrupts: Interrupts,
    /// Files of values besides those of the project: a change of one affects all cases.
    values: Vec<PathBuf>,
    /// The files and folders that are read, and the files that are written. Without a valid project, all files count.
    known: Option<KnownFiles>,
    /// What has changed since the last run.
    changed: BTreeSet<PathBuf>,
    previous: Option<EarlierRuns>,
}

struct KnownFiles {
    read: BTreeSet<PathBuf>,
    folders: Vec<PathBuf>,
    snapshots: PathBuf,
    written: BTreeSet<PathBuf>,
}

/// What is known of the cases from earlier runs.
struct EarlierRuns {
    target: Option<Digest>,
    /// By the id of the case. A case that was not run has none.
    digests: BTreeMap<String, Option<Digest>>,
    results: Rc<RefCell<Results>>,
}

/// Verdicts by the ids of cases, and what the run wrote.
#[derive(Default)]
struct Results {
    verdicts: BTreeMap<String, Verdict>,
    /// The accepted snapshots of the last run, and their cases.
    accepted: BTreeMap<PathBuf, String>,
}

impl WatchedProject {
    /// Watches the project in a folder. `values` are files of values: environment files and files of variables.
    pub fn new(project: Option<&Path>, values: &[PathBuf]) -> Result<Self, SessionError> {
        let folder = project.unwrap_or(Path::new("."));
        let folder = folder
            .canonicalize()
            .map_err(|error| SessionError::Usage(format!("--project `{}`: {error}", folder.display())))?;
        let is_root = |folder: &&Path| folder.join("conforme.toml").is_file() || folder.join("cases").is_dir();
        let root = folder.ancestors().find(is_root).unwrap_or(&folder).to_owned();
        let runtime = prepared::runtime()?;
        let interrupts = runtime
            .block_on(async { Interrupts::listen() })
            .map_err(SessionError::Start)?;
        let mut files = WatchedFiles::new()?;
        let folders = ["cases", "schemas", "snapshots"].map(|name| root.join(name));
        let values: Vec<_> = values.iter().map(|path| resolved(path)).collect();
        files.watch(&root, &folders, values.iter().map(PathBuf::as_path))?;
        Ok(Self {
            root,
            files,
            runtime,
            interrupts,
            values,
            known: None,
            changed: BTreeSet::new(),
            previous: None,
        })
    }

    /// Runs all selected cases the first time, and later those that the changes affect, cases that did not pass first. Returns
    /// no exit code if no case is affected.
    pub fn run(
        &mut self,
        request: &RunRequest,
        terminal: Box<dyn Reporter>,
        notices: &mut dyn Notices,
    ) -> Result<Option<Exit>, SessionError> {
        // Until the project is valid again, any file can be the reason.
        self.known = None;
        let workspace = Workspace::open_for(request.project.as_deref(), &request.filter.names, notices)?;
        self.know(&workspace, request)?;
        notices.warnings(&workspace.schemas.warnings(), &workspace.sources);
        let request = RunRequest {
            failed_from: request.failed_from.clone().filter(|_| self.previous.is_none()),
            ..request.clone()
        };
        let (mut prepared, ready) = prepare(&request, &workspace, notices)?;
        prepared.add_digests(&workspace);
        let results = self.keep_affected(&mut prepared, &workspace, notices);
        self.changed.clear();
        if prepared.plan.cases.is_empty() {
            return Ok(None);
        }
        let terminal = Box::new(Collecting {
            terminal,
            root: workspace.project.root.clone(),
            results,
        });
        match run_prepared(&workspace, &request, (prepared, ready), terminal, notices) {
            Ok(exit) => {
                self.forget_unrun();
                Ok(Some(exit))
            }
            Err(error) => {
                // All cases are run after the next change.
                self.previous = None;
                Err(error)
            }
        }
    }

    /// Whether the project was valid at the last run. If it was not, a change of a file can put it right.
    pub fn is_valid(&self) -> bool {
        self.known.is_some()
    }

    /// Waits for a change of a file that a run reads. Returns the exit code if a signal ends the wait.
    pub fn wait(&mut self) -> Option<Exit> {
        loop {
            let Self {
                files,
                interrupts,
                runtime,
                ..
            } = self;
            let changed = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = interrupts.wait(1) => None,
                    changed = files.next() => Some(changed),
                }
            });
            let Some(changed) = changed else {
                return Some(match self.interrupts.first() {
                    Some(Stop::Terminated) => Exit::Terminated,
                    Some(Stop::HungUp) => Exit::HungUp,
                    _ => Exit::Interrupted,
                });
            };
            let relevant: Vec<_> = changed.into_iter().filter(|path| self.is_relevant(path)).collect();
            if !relevant.is_empty() {
                self.changed.extend(relevant);
                return None;
            }
        }
    }

    /// Whether a run reads a file, and did not write it.
    fn is_relevant(&self, path: &Path) -> bool {
        if is_temporary(path) {
            return false;
        }
        let Some(known) = &self.known else { return true };
        // The run makes folders for snapshots.
        let is_folder = path.starts_with(&known.snapshots) && path.is_dir();
        if is_folder || known.written.contains(path) {
            return false;
        }
        let accepted = self.previous.as_ref().map(|previous| previous.results.borrow());
        if accepted.is_some_and(|results| results.accepted.contains_key(path)) {
            return false;
        }
        known.read.contains(path)
            || self.values.iter().any(|value| value == path)
            || known.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// Notes what the project reads and the run writes, and watches it.
    fn know(&mut self, workspace: &Workspace, request: &RunRequest) -> Result<(), SessionError> {
        let project = &workspace.project;
        let inputs = Inputs::default()
            .project(workspace)
            .and(request.target.ca_file.as_deref());
        let read: BTreeSet<_> = inputs.files().map(resolved).collect();
        let folders = [&project.cases, &project.schemas, &project.snapshots].map(|folder| resolved(folder));
        let files = read.iter().chain(&self.values).map(PathBuf::as_path);
        self.files.watch(&project.root, &folders, files)?;
        let reports = request.reports.iter().filter_map(|spec| spec.path.as_deref());
        let written = reports.chain(request.record.as_deref()).map(resolved);
        self.known = Some(KnownFiles {
            read,
            snapshots: resolved(&project.snapshots),
            folders: folders.to_vec(),
            written: written.collect(),
        });
        self.root.clone_from(&project.root);
        Ok(())
    }

    /// Keeps the cases that are affected, and notes their digests.
    fn keep_affected(
        &mut self,
        prepared: &mut Prepared,
        workspace: &Workspace,
        notices: &mut dyn Notices,
    ) -> Rc<RefCell<Results>> {
        let digests = prepared.plan.cases.iter();
        let digests = digests
            .map(|planned| (planned.case.id.clone(), planned.digest))
            .collect();
        let target = prepared.target_digest;
        let Some(previous) = &mut self.previous else {
            let results = Rc::<RefCell<Results>>::default();
            self.previous = Some(EarlierRuns {
                target,
                digests,
                results: Rc::clone(&results),
            });
            return results;
        };
        let config = self.root.join("conforme.toml");
        let of_all = |path: &PathBuf| *path == config || self.values.contains(path);
        let all = previous.target != target || self.changed.iter().any(of_all);
        let written: BTreeSet<_> = self.changed.iter().map(|path| shown(&self.root, path)).collect();
        let accepted = std::mem::take(&mut previous.results.borrow_mut().accepted);
        let accepted: BTreeSet<_> = accepted.into_values().collect();
        let is_affected = |planned: &Planned| {
            let location = workspace.sources.location(planned.case.span);
            let id = &planned.case.id;
            // A snapshot that the run itself accepted is no change.
            all || written.contains(location.file.as_ref())
                || (previous.digests.get(id) != Some(&planned.digest) && !accepted.contains(id))
        };
        let verdicts = previous.results.borrow().verdicts.clone();
        let did_not_pass = |planned: &Planned| {
            let verdict = verdicts.get(&planned.case.id);
            matches!(verdict, Some(Verdict::Failed | Verdict::Errored | Verdict::Flaky))
        };
        prepared.plan.keep_if(is_affected, did_not_pass);
        let mut names: Vec<_> = written.into_iter().collect();
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let cases = match prepared.plan.cases.len() {
            0 => "no selected case is affected".to_owned(),
            1 => "1 case is run".to_owned(),
            cases => format!("{cases} cases are run"),
        };
        notices.note(&format!("{}{more} changed: {cases}", names.join(", ")));
        (previous.target, previous.digests) = (target, digests);
        Rc::clone(&previous.results)
    }

    /// Cases that the run did not begin are run after the next change.
    fn forget_unrun(&mut self) {
        let Some(previous) = &mut self.previous else { return };
        let results = previous.results.borrow();
        let unrun = results
            .verdicts
            .iter()
            .filter(|(_, verdict)| **verdict == Verdict::NotRun);
        for (id, _) in unrun {
            previous.digests.remove(id);
        }
    }
}

/// Notes verdicts on their way to the terminal.
struct Collecting {
    terminal: Box<dyn Reporter>,
    root: PathBuf,
    results: Rc<RefCell<Results>>,
}

impl Reporter for Collecting {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        if let Event::CaseFinished(finished) = &**event {
            let mut results = self.results.borrow_mut();
            results.verdicts.insert(finished.id.clone(), finished.verdict);
            let path = finished.snapshot.as_deref().map(|path| self.root.join(path));
            if let Some(path) = path.filter(|path| !is_temporary(path)) {
                results.accepted.insert(resolved(&path), finished.id.clone());
            }
        }
        self.terminal.event(event)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.terminal.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.terminal.finish()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.terminal.reads_passed_exchanges()
    }

    fn shows_starts(&self) -> bool {
        self.terminal.shows_starts()
    }
}
