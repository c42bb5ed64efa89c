//! `conforme review`, `accept` and `reject`.

use std::{collections::BTreeMap, path::Path};

use super::{SessionError, Workspace, names::Unreported};
use crate::{
    project::Project,
    snapshot::{PendingSnapshot, SnapshotStore},
    source::{Diagnostics, nearest},
};

/// The snapshot folder of a project, and the snapshots that are pending in it. Suites are not read, and may be invalid.
pub fn pending_snapshots(project: Option<&Path>) -> Result<(SnapshotStore, Vec<PendingSnapshot>), SessionError> {
    let mut errors = Diagnostics::default();
    let folder = project.unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let (project, sources) = Project::open(&folder, &mut errors);
    if !errors.is_empty() {
        let sources = sources.into();
        return Err(SessionError::Invalid { errors, sources });
    }
    let store = SnapshotStore::new(&project.snapshots);
    let pending = store.pending()?;
    Ok((store, pending))
}

/// Where each step is written, such as `cases/orders/create.yaml:3`, by its id. With an error in the project, nothing.
pub fn locations_of_project(project: Option<&Path>) -> BTreeMap<String, String> {
    let Ok(workspace) = Workspace::open(project, &mut Unreported) else {
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for case in &workspace.suites.cases {
        for step in &case.def.steps {
            let location = workspace.sources.location(step.span);
            all.insert(case.step_id(step), format!("{}:{}", location.file, location.line));
        }
    }
    all
}

/// Accepts or rejects the pending snapshots with these ids of cases or suites, or all of them if there are no ids, and
/// calls `settled` for each.
pub fn settle_snapshots(
    project: Option<&Path>,
    ids: &[String],
    accept: bool,
    mut settled: impl FnMut(&PendingSnapshot),
) -> Result<(), SessionError> {
    let (store, pending) = pending_snapshots(project)?;
    let is_named = |one: &PendingSnapshot, id: &String| {
        let rest = one.id.strip_prefix(id.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
    };
    for id in ids {
        if !pending.iter().any(|one| is_named(one, id)) {
            let near = nearest(id, pending.iter().map(|one| one.id.as_str()));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let message = format!("no pending snapshot of `{id}`{near}");
            // The name of a case whose snapshot is stored is valid; anything else may be misspelled.
            let is_stored = matches!(store.read(id), Ok(Some(_)));
            return Err(if is_stored {
                SessionError::NothingSelected(message)
            } else {
                SessionError::Usage(message)
            });
        }
    }
    for one in &pending {
        if ids.is_empty() || ids.iter().any(|id| is_named(one, id)) {
            let result = if accept { store.accept(one) } else { store.reject(one) };
            result?;
            settled(one);
        }
    }
    Ok(())
}
