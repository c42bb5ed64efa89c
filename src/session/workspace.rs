//! A project with everything that its files define.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Notices, SessionError};
use crate::{
    compare::CompareSettings,
    model::shown,
    plan::{Plan, Selection, expand},
    project::{DEFAULT_TIMEOUT, KnownSecrets, Project, Secret, Target, TargetOptions},
    schema::SchemaStore,
    snapshot::SnapshotStore,
    source::{Diagnostic, Diagnostics, Overlay, Sources},
    suite::{self, Case, Suites},
};

/// A valid project: its configuration, suites, schemas and snapshots.
pub struct Workspace {
    /// Its configuration.
    pub project: Project,
    /// The text of its files.
    pub sources: Arc<Sources>,
    /// Its suites and their cases.
    pub suites: Suites,
    /// Its snapshot folder.
    pub snapshots: SnapshotStore,
    /// Its schemas.
    pub schemas: SchemaStore,
    /// Its settings for comparisons.
    pub compare: CompareSettings,
}

impl Workspace {
    /// Whether there is a project in the working directory or above it.
    pub(super) fn is_here() -> bool {
        Self::is_in(Path::new("."))
    }

    /// Whether there is a project in a folder or above it.
    pub(crate) fn is_in(folder: &Path) -> bool {
        let Ok(here) = folder.canonicalize() else {
            return false;
        };
        here.join("cases").is_dir() || here.ancestors().any(|folder| folder.join("conforme.toml").is_file())
    }

    /// Loads the project in `folder` as [`Workspace::open`] does. Without a project, case files that are named are loaded as a
    /// suite of their own.
    pub(super) fn open_for(
        folder: Option<&Path>,
        names: &[String],
        notices: &mut dyn Notices,
    ) -> Result<Self, SessionError> {
        let files = names.iter().map(|name| {
            PathBuf::from(name)
                .canonicalize()
                .ok()
                .filter(|path| is_case_file(path))
        });
        let files: Option<Vec<_>> = files.collect();
        match files.filter(|files| !files.is_empty() && folder.is_none() && !Self::is_here()) {
            Some(files) => Self::of_files(files),
            None => Self::open_with(folder, names, notices),
        }
    }

    /// Case files outside a project.
    fn of_files(files: Vec<PathBuf>) -> Result<Self, SessionError> {
        let folder = files[0].parent().unwrap_or(Path::new("/")).to_owned();
        let cases = folder.ancestors().find(|folder| folder.ends_with("cases"));
        if let Some(project) = cases
            .and_then(Path::parent)
            .or_else(|| Self::is_in(&folder).then_some(&folder))
        {
            let (file, project) = (files[0].display(), project.display());
            let message = format!("{file} is in a project: name it with `--project {project}`");
            return Err(SessionError::Usage(message));
        }
        if files.iter().any(|file| file.parent() != Some(&folder)) {
            let message = "case files outside a project must be in one folder; `conforme init` starts a project";
            return Err(SessionError::Usage(message.to_owned()));
        }
        let mut errors = Diagnostics::default();
        let (project, mut sources) = Project::open(&folder, &mut errors);
        let schemas = SchemaStore::open_in(&project.schemas, &mut sources);
        let mut suites = suite::load_files(&folder, files, &schemas, &mut sources, &mut errors);
        suites.broken.drain(..).for_each(|broken| errors.append(broken.errors));
        if errors.is_empty() {
            expand(
                &mut suites,
                &SnapshotStore::new(&project.snapshots),
                &sources,
                &mut errors,
            );
        }
        let workspace = Self::of((project, sources), (suites, schemas), CompareSettings::default());
        if errors.is_empty() {
            Ok(workspace)
        } else {
            Err(workspace.invalid(errors))
        }
    }

    /// Loads the project in `folder` (by default the working directory) or above it. All errors are returned together.
    pub fn open(folder: Option<&Path>, notices: &mut dyn Notices) -> Result<Self, SessionError> {
        Self::open_with(folder, &[], notices)
    }

    /// The same, without the suites that have errors and no case that these names select.
    fn open_with(folder: Option<&Path>, names: &[String], notices: &mut dyn Notices) -> Result<Self, SessionError> {
        let folder = folder.unwrap_or(Path::new("."));
        let folder = folder
            .canonicalize()
            .map_err(|error| SessionError::Usage(format!("--project `{}`: {error}", folder.display())))?;
        let (workspace, errors) = Self::read(&folder, Overlay::default(), names, notices);
        if errors.is_empty() {
            Ok(workspace)
        } else {
            Err(workspace.invalid(errors))
        }
    }

    /// Reads the project in `folder` or above it. If there are errors, the result is only what could be read: no case of it
    /// must be used.
    pub(super) fn read(
        folder: &Path,
        overlay: Overlay,
        names: &[String],
        notices: &mut dyn Notices,
    ) -> (Self, Diagnostics) {
        let mut errors = Diagnostics::default();
        let (project, mut sources) = Project::open_with(folder, overlay, &mut errors);
        notices.secret_sources(project.secret_sources());
        let compare = project.compare.as_ref();
        let compare = compare.map(|node| CompareSettings::of(node, &project.root, &mut errors));
        let has_cases = project.cases.is_dir();
        if !has_cases {
            let shown = sources.shown(&project.cases);
            errors.push(
                Diagnostic::general(format!("there is no folder `{shown}` here"))
                    .help("run in a project, name one with `--project DIR`, or start one with `conforme init`"),
            );
        }
        let schemas = SchemaStore::open_in(&project.schemas, &mut sources);
        let mut suites = Suites::default();
        if has_cases {
            suites = suite::load(&project.cases, &schemas, &mut sources, &mut errors);
            let here = std::env::current_dir().unwrap_or_default();
            let selection = Selection::new(names, Vec::new(), &here, &sources);
            let left_out = leave_out_broken(&mut suites, &selection, &mut errors);
            if errors.is_empty() {
                let snapshots = SnapshotStore::new(&project.snapshots);
                expand(&mut suites, &snapshots, &sources, &mut errors);
            }
            if let Some(message) = &left_out {
                notices.note(message);
            }
            for (name, target) in &project.targets {
                let node = target.ready.as_ref();
                let ready = node.and_then(|node| suite::ready(node, name, &project.root, &schemas, &mut errors));
                suites.ready.extend(ready.map(|case| (name.clone(), case)));
            }
            // The inputs of a suite with errors are not known.
            if left_out.is_none() {
                project.check_names(&suites, &mut errors);
            }
        }
        // A schema that no case uses does not belong to a suite.
        if names.is_empty() && errors.is_empty() {
            errors.append(schemas.errors_except(&suites.described_files()));
        }
        let workspace = Self::of((project, sources), (suites, schemas), compare.unwrap_or_default());
        (workspace, errors)
    }

    fn of(
        (project, sources): (Project, Sources),
        (suites, schemas): (Suites, SchemaStore),
        compare: CompareSettings,
    ) -> Self {
        Self {
            snapshots: SnapshotStore::new(&project.snapshots),
            project,
            sources: Arc::new(sources),
            suites,
            schemas,
            compare,
        }
    }

    /// Warnings about the schemas and the documents that cases use.
    pub(super) fn warnings(&self) -> Diagnostics {
        let mut all = self.schemas.warnings();
        all.append(self.suites.omitted_probes.clone());
        for document in self.suites.documents.values().flatten() {
            all.append(document.warnings.clone());
            all.append(document.schema_warnings());
        }
        all
    }

    /// The error for invalid files or options of this project.
    pub(super) fn invalid(&self, errors: impl Into<Diagnostics>) -> SessionError {
        SessionError::Invalid {
            errors: errors.into(),
            sources: Arc::clone(&self.sources),
        }
    }

    /// Binds every case as `run` does, without a target: inputs have placeholder values. An error here is an error on
    /// every target.
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

    /// Binds every case for each target of `conforme.toml`, as `run` does: with the values of its variables, and placeholders for
    /// its secrets, which are not fetched.
    pub(super) fn check_targets(&self, errors: &mut Diagnostics) {
        for (name, def) in &self.project.targets {
            let Ok(secret) = Secret::new("Placeholder1".to_owned()) else {
                return;
            };
            let secrets = def
                .secrets
                .iter()
                .map(|(key, _)| (key.text.to_string(), secret.clone()));
            let options = TargetOptions {
                target: Some(name.clone()),
                secrets: secrets.collect(),
                ..TargetOptions::default()
            };
            let (mut own, mut known) = (Diagnostics::default(), KnownSecrets::default());
            let nothing = |_: &KnownSecrets, _: &str| Vec::new();
            let target = Target::resolve(&self.project, &options, &self.suites, &mut known, &nothing, &mut own);
            // Without values of its own, nothing differs from other targets.
            let is_special = !def.vars.is_empty() || !def.endpoints.is_empty();
            if let Some(target) = target.filter(|_| is_special && own.is_empty()) {
                let (all, snapshots) = (Selection::default(), self.snapshots.clone());
                let target = Arc::new(target);
                drop(Plan::new(
                    &self.suites,
                    &all,
                    target,
                    snapshots,
                    &self.sources,
                    &mut own,
                ));
            }
            errors.append(own.on(&format!("on the target `{name}`")));
        }
    }

    /// Rejects maximum durations that are not below the timeout of any target.
    pub(super) fn check_durations<'c>(&self, cases: impl Iterator<Item = &'c Arc<Case>>, errors: &mut Diagnostics) {
        let targets = self.project.targets.iter();
        let longest = targets
            .map(|(_, target)| target.timeout.unwrap_or(DEFAULT_TIMEOUT))
            .max();
        let longest = longest.unwrap_or(DEFAULT_TIMEOUT);
        for case in cases {
            for step in &case.def.steps {
                if let (Some(limit), None) = (&step.expect.duration, &step.timeout)
                    && limit.value.fixed().is_some_and(|limit| limit >= longest)
                {
                    errors.push(suite::never_reached(limit.span));
                }
            }
        }
    }

    /// Plans the selected cases for a target. All errors are returned together.
    pub(super) fn plan(&self, selection: &Selection, target: Target) -> Result<Plan, SessionError> {
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
        self.check_durations(plan.cases.iter().map(|planned| &planned.case), &mut errors);
        if errors.is_empty() {
            Ok(plan)
        } else {
            Err(self.invalid(errors))
        }
    }

    /// The ids of the steps whose responses are compared with a snapshot.
    pub(super) fn snapshot_ids(&self) -> BTreeSet<String> {
        let cases = self.suites.cases.iter();
        let ids = cases.flat_map(|case| {
            let steps = case.def.steps.iter().filter(|step| step.has_snapshot());
            steps.map(|step| case.step_id(step))
        });
        ids.collect()
    }

    /// Snapshot files that belong to no case with a snapshot, as paths relative to the project.
    pub(super) fn unused_snapshots(&self) -> Vec<String> {
        let unused = self.snapshots.unused(&self.snapshot_ids());
        let root = &self.project.root;
        unused.iter().map(|path| shown(root, path)).collect()
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

/// Removes the suites with errors that a selection cannot select, and returns a note about them. The errors of the others are
/// added to `errors`.
fn leave_out_broken(suites: &mut Suites, selection: &Selection, errors: &mut Diagnostics) -> Option<String> {
    let (mut names, mut count) = (Vec::new(), 0);
    for broken in std::mem::take(&mut suites.broken) {
        if selection.may_select(&broken) {
            errors.append(broken.errors);
            continue;
        }
        count += broken.errors.len();
        suites.cases.retain(|case| case.suite.id != broken.id);
        suites.suites.retain(|suite| suite.id != broken.id);
        names.push(format!("`{}`", broken.id));
    }
    let errors = match count {
        0 => return None,
        1 => "an error".to_owned(),
        more => format!("{more} errors"),
    };
    let suites = if names.len() == 1 { "suite" } else { "suites" };
    let names = names.join(", ");
    Some(format!(
        "{errors} in the {suites} {names}, which this selection does not need; see `conforme validate`"
    ))
}

/// Whether a path is a file that can be a case.
fn is_case_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml") && path.is_file()
}
