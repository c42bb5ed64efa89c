//! Login cases: they are run for the tokens that they capture, even if they are not selected.

use std::collections::BTreeSet;

use super::{Plan, Planned, skip};
use crate::{
    project::{HeaderVariables, Target},
    suite::{Case, Suites},
};

/// Why a run uses a case as a login case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRole {
    /// It was selected, and other cases need its captures.
    Selected,
    /// It was not selected.
    Added,
}

/// The ids of the cases that capture the tokens of these cases, directly or for other login cases.
fn ids_of<'c>(
    cases: impl Iterator<Item = &'c Case>,
    find: impl Fn(&str) -> Option<&'c Case>,
    target: &Target,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if target.tokens.logins().next().is_none() {
        return found;
    }
    let fields = HeaderVariables::of(target);
    let mut left: Vec<_> = cases.collect();
    while let Some(case) = left.pop() {
        for (token, login) in target.tokens.logins() {
            let id = &login.case.0;
            if fields.are_used_in(case, &token.name) && found.insert(id.clone()) {
                left.extend(find(id));
            }
        }
    }
    found
}

/// The ids of the login cases of selected cases.
pub(super) fn of_selected<'c>(
    selected: impl Iterator<Item = &'c Case>,
    suites: &'c Suites,
    target: &Target,
) -> BTreeSet<String> {
    let find = |id: &str| suites.cases.iter().find(|case| case.id == id).map(|case| &**case);
    let run = selected.filter(|case| skip(case, Some(target)).is_none());
    ids_of(run, find, target)
}

impl Plan {
    /// Removes the login cases that were not selected, and returns all of them.
    pub(super) fn take_logins(&mut self) -> Vec<Planned> {
        let logins = self.cases.iter().filter(|planned| planned.login.is_some());
        let logins = logins.cloned().collect();
        self.cases.retain(|planned| planned.login != Some(LoginRole::Added));
        logins
    }

    /// Adds those login cases that the remaining cases need.
    pub(super) fn add_logins(&mut self, logins: Vec<Planned>) {
        if logins.is_empty() {
            return;
        }
        let find = |id: &str| {
            let mut logins = logins.iter();
            logins
                .find(|planned| planned.case.id == id)
                .map(|planned| &*planned.case)
        };
        let run = self.cases.iter().filter(|planned| planned.skip.is_none());
        let needed = ids_of(run.map(|planned| &*planned.case), find, &self.target);
        for planned in &mut self.cases {
            planned.login = needed.contains(&planned.case.id).then_some(LoginRole::Selected);
        }
        for login in logins.into_iter().filter(|login| needed.contains(&login.case.id)) {
            match self.cases.iter_mut().find(|planned| planned.index == login.index) {
                Some(planned) => *planned = login,
                None => self.cases.push(login),
            }
        }
        self.cases.sort_by_key(|planned| planned.index);
    }

    /// The ids of the login cases.
    pub(crate) fn logins(&self) -> Vec<String> {
        let logins = self.cases.iter().filter(|planned| planned.login.is_some());
        logins.map(|planned| planned.case.id.clone()).collect()
    }

    /// Whether a case that is run uses this token.
    pub(crate) fn uses_token(&self, name: &str) -> bool {
        let fields = HeaderVariables::of(&self.target);
        let mut run = self.cases.iter().filter(|planned| planned.skip.is_none());
        run.any(|planned| fields.are_used_in(&planned.case, name))
    }
}
