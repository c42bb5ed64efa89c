//! Which cases a command is about.

use std::{collections::BTreeSet, sync::Arc};

use super::{SessionError, Workspace};
use crate::{plan::Selection, source::Diagnostic, suite::Case};

/// Names, tags and ids of cases. A case is selected if it has one of the names, one of the tags and one of the ids; an empty
/// list selects all.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// Paths of suites or case files, or ids with `*` for any text. Paths are relative to the working directory.
    pub names: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Exact ids of cases: `users/get[admin]`.
    pub ids: Vec<String>,
}

impl CaseFilter {
    /// Whether it selects all cases.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.tags.is_empty() && self.ids.is_empty()
    }

    /// The selection. A name that does not exist is an error; so are valid names that select nothing.
    pub(super) fn select(&self, workspace: &Workspace) -> Result<Selection, SessionError> {
        let here = std::env::current_dir().unwrap_or_default();
        let mut selection = Selection::new(&self.names, self.tags.clone(), &here, &workspace.sources);
        selection.ids.extend(self.ids.iter().cloned());
        let misses = selection.misses(&workspace.suites, &workspace.sources);
        if !misses.is_empty() {
            return Err(SessionError::UnknownNames(misses));
        }
        let selects = |case: &Arc<Case>| selection.selects(case, &workspace.sources);
        if workspace.suites.cases.iter().any(selects) {
            Ok(selection)
        } else {
            let message = "nothing is selected: no case has both one of the names and one of the tags";
            Err(SessionError::NothingSelected(message.to_owned()))
        }
    }
}

/// Rejects allowed effects that no case has.
pub(super) fn check_effects(allow: &[String], workspace: &Workspace) -> Result<(), SessionError> {
    let cases = workspace.suites.cases.iter();
    let known: BTreeSet<_> = cases.flat_map(|case| &case.def.effects).collect();
    match allow.iter().find(|effect| !known.contains(effect)) {
        None => Ok(()),
        Some(effect) => {
            let error = Diagnostic::general(format!("--allow {effect}: no case has this effect"));
            Err(workspace.invalid(error.suggest(effect, known.iter().map(|known| known.as_str()))))
        }
    }
}
