//! The project of the working folder, loaded whole.

use std::{fmt::Write as _, path::Path, sync::Arc};

use super::{Exit, Printer};
use crate::{
    compare::CompareSettings,
    plan::{Plan, Selection},
    project::{DEFAULT_TIMEOUT, Project, Target},
    schema::SchemaStore,
    snapshot::SnapshotStore,
    source::{Diagnostic, Diagnostics, Sources},
    suite::{self, Suites},
};

/// A project with its suites, free of mistakes.
pub(super) struct Workspace {
    pub(super) project: Project,
    pub(super) sources: Arc<Sources>,
    pub(super) suites: Suites,
    pub(super) snapshots: SnapshotStore,
    pub(super) schemas: SchemaStore,
    pub(super) compare: CompareSettings,
}

impl Workspace {
    /// Whether a project is in the working folder or above it.
    pub(super) fn is_here() -> bool {
        let Ok(here) = Path::new(".").canonicalize() else {
            return false;
        };
        here.join("cases").is_dir() || here.ancestors().any(|folder| folder.join("conforme.toml").is_file())
    }

    /// Loads everything; mistakes are printed, all of them.
    pub(super) fn load(folder: Option<&Path>, printer: &Printer) -> Result<Self, Exit> {
        let folder = folder.unwrap_or(Path::new("."));
        let folder = folder.canonicalize().map_err(|error| {
            printer.error(&format!("--project `{}`: {error}", folder.display()));
            Exit::Usage
        })?;
        let mut errors = Diagnostics::default();
        let (project, mut sources) = Project::open(&folder, &mut errors);
        printer.learn(&project);
        let compare = project.compare.as_ref();
        let compare = compare.map(|node| CompareSettings::of(node, &project.root, &mut errors));
        if !project.cases.is_dir() {
            let shown = sources.shown(&project.cases);
            errors.push(
                Diagnostic::general(format!("there is no folder `{shown}` here"))
                    .help("run in a project, or name one with `--project DIR`"),
            );
            return Err(printer.diagnostics(&errors, &sources));
        }
        let schemas = SchemaStore::open_in(&project.schemas, &mut sources);
        let mut suites = suite::load(&project.cases, &schemas, &mut sources, &mut errors);
        for (name, target) in &project.targets {
            let node = target.ready.as_ref();
            let ready = node.and_then(|node| suite::ready(node, name, &project.root, &schemas, &mut errors));
            suites.ready.extend(ready.map(|case| (name.clone(), case)));
        }
        project.check_names(&suites, &mut errors);
        if !errors.is_empty() {
            return Err(printer.diagnostics(&errors, &sources));
        }
        Ok(Self {
            snapshots: SnapshotStore::new(&project.snapshots),
            project,
            sources: Arc::new(sources),
            suites,
            schemas,
            compare: compare.unwrap_or_default(),
        })
    }

    /// Binds every case as `run` does, without a target: inputs have placeholder values. What fails here fails on every
    /// target.
    pub(super) fn check_bindings(&self, errors: &mut Diagnostics) {
        let Ok(target) = Target::placeholder(&self.suites) else {
            return;
        };
        let (all, snapshots) = (Selection::default(), self.snapshots.clone());
        drop(Plan::new(
            &self.suites,
            &all,
            Arc::new(target),
            snapshots,
            &self.sources,
            errors,
        ));
    }

    /// Rejects maximum durations that no target of the project waits for.
    pub(super) fn check_durations(&self, errors: &mut Diagnostics) {
        let targets = self.project.targets.iter();
        let longest = targets
            .map(|(_, target)| target.timeout.unwrap_or(DEFAULT_TIMEOUT))
            .max();
        let longest = longest.unwrap_or(DEFAULT_TIMEOUT);
        for case in &self.suites.cases {
            if let (Some(limit), None) = (&case.def.expect.duration, case.def.timeout)
                && limit.value >= longest
            {
                errors.push(suite::never_reached(limit.span));
            }
        }
    }

    /// Plans the selected cases for a target; mistakes are printed, all of them.
    pub(super) fn plan(&self, selection: &Selection, target: Target, printer: &Printer) -> Result<Plan, Exit> {
        let mut errors = Diagnostics::default();
        let (suites, snapshots) = (&self.suites, self.snapshots.clone());
        let plan = Plan::new(
            suites,
            selection,
            Arc::new(target),
            snapshots,
            &self.sources,
            &mut errors,
        );
        if errors.is_empty() {
            Ok(plan)
        } else {
            Err(printer.diagnostics(&errors, &self.sources))
        }
    }

    /// A digest of every suite and schema file: equal for equal suites, wherever they are.
    pub(super) fn hash(&self) -> String {
        let schemas = self.schemas.files();
        let mut files: Vec<_> = self
            .sources
            .files()
            .filter(|(path, _)| *path != "conforme.toml")
            .collect();
        files.extend(schemas.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        files.sort_unstable();
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in files.iter().flat_map(|(path, text)| [path, text]) {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        digest.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}
