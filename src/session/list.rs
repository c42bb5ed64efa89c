//! `conforme validate` and `conforme list`.

use std::path::Path;

use super::{CaseFilter, Notices, SessionError, Workspace, prepared::require_inputs, target};
use crate::{
    model::Partition,
    plan::Plan,
    project::{Environment, TargetOptions},
    source::Diagnostics,
};

/// The size of a valid project.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Counted {
    /// Number of suites.
    pub suites: usize,
    /// Number of cases.
    pub cases: usize,
}

/// Checks everything that can be checked without a target.
pub fn validate(
    project: Option<&Path>,
    environment: &Environment,
    notices: &mut dyn Notices,
) -> Result<Counted, SessionError> {
    let workspace = Workspace::open(project, notices)?;
    notices.warnings(&workspace.warnings(), &workspace.sources);
    let mut errors = Diagnostics::default();
    let project = &workspace.project;
    project.check_environment(&workspace.suites, environment, &mut errors);
    check(&workspace, &mut errors);
    if !errors.is_empty() {
        return Err(workspace.invalid(errors));
    }
    Ok(Counted {
        suites: workspace.suites.suites.len(),
        cases: workspace.suites.cases.len(),
    })
}

/// Checks that the cases of a project can be bound, on every target.
pub(super) fn check(workspace: &Workspace, errors: &mut Diagnostics) {
    workspace.check_durations(workspace.suites.cases.iter(), errors);
    workspace.check_bindings(errors);
    // An error on every target is reported once.
    if errors.is_empty() {
        workspace.check_targets(errors);
    }
}

/// The plan of a run with these options. The embedded API is not started for it.
pub fn list(
    project: Option<&Path>,
    filter: &CaseFilter,
    target: &TargetOptions,
    partition: Option<Partition>,
    skip_missing: bool,
    notices: &mut dyn Notices,
) -> Result<Plan, SessionError> {
    let workspace = Workspace::open_for(project, &filter.names, notices)?;
    notices.warnings(&workspace.suites.omitted_probes, &workspace.sources);
    let selection = filter.select(&workspace)?;
    let resolved = target::resolve(&workspace, target, true, notices)?;
    let mut plan = workspace.plan(&selection, resolved.target)?;
    if let Some(partition) = partition {
        plan.keep(partition);
    }
    require_inputs(&plan, skip_missing, &workspace)?;
    Ok(plan)
}
