//! The names of a project, for the completions of a shell.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{Notices, SessionError, Workspace};
use crate::{
    mask::Masker,
    project::SecretSource,
    source::{Diagnostics, Sources},
};

/// The names of a project, each with a few words about it.
#[derive(Clone, Debug, Default)]
pub struct ProjectNames {
    /// Suites and cases by id.
    pub cases: Vec<(String, String)>,
    /// Targets.
    pub targets: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// The names of the project in `folder` or above it. Nothing is reported; an invalid project is an error.
pub fn names_of_project(folder: Option<&Path>) -> Result<ProjectNames, SessionError> {
    let workspace = Workspace::open(folder, &mut Unreported)?;
    let suites = workspace.suites.suites.iter();
    let mut cases: Vec<_> = suites
        .map(|suite| (suite.id.clone(), suite.def.name.clone().unwrap_or_default()))
        .collect();
    let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &workspace.suites.cases {
        cases.push((case.id.clone(), case.name().unwrap_or_default().into_owned()));
        for tag in &case.def.tags {
            *tags.entry(tag).or_default() += 1;
        }
    }
    let count = |number: usize| format!("{number} {}", if number == 1 { "case" } else { "cases" });
    let targets = workspace.project.targets.iter();
    Ok(ProjectNames {
        cases,
        targets: targets
            .map(|(name, target)| {
                let url = target.base_url.as_ref().map(|(url, _)| url.clone());
                (name.clone(), url.unwrap_or_default())
            })
            .collect(),
        tags: tags
            .into_iter()
            .map(|(tag, number)| (tag.to_owned(), count(number)))
            .collect(),
    })
}

/// Drops everything that it receives.
pub(super) struct Unreported;

impl Notices for Unreported {
    fn note(&mut self, _: &str) {}
    fn error(&mut self, _: &str) {}
    fn warnings(&mut self, _: &Diagnostics, _: &Sources) {}
    fn secret_sources(&mut self, _: Vec<(String, SecretSource)>) {}
    fn mask(&mut self, _: &Arc<Masker>) {}
    fn sending(&mut self) {}
}
