//! The definition of rows that replace the request of one step.

use std::collections::BTreeSet;

use super::skip::reached;
use crate::{
    model::Phase,
    suite::{Case, CaseDef, SnapshotsDef, StepDef},
};

/// The steps before become the setup, and nothing follows but the teardown. Captures remain, so that what is made is removed.
pub(super) fn derived(case: &Case, step: usize) -> CaseDef {
    let mut def = (*case.def).clone();
    def.probe = None;
    def.expect_probe = None;
    def.explored = Vec::new();
    def.examples.truncate(1);
    let removed: Vec<StepDef> = def
        .steps
        .iter()
        .skip(step + 1)
        .filter(|other| other.phase == Phase::Main)
        .cloned()
        .collect();
    // What later steps would have made needs no cleanup.
    let gone: BTreeSet<&str> = removed
        .iter()
        .flat_map(|other| other.capture.iter().map(|capture| &*capture.name))
        .collect();
    let is_removed = |id: &str| removed.iter().any(|other| other.id == id);
    let depends = |other: &StepDef| {
        let uses = reached(case, other.uses.iter().map(String::as_str));
        let follow = other.follow.as_ref().map(|follow| follow.value.step.as_str());
        let same_as = other.expect.same_as.as_ref().map(|same_as| same_as.value.as_str());
        let since = other.mail.as_ref().and_then(|mail| mail.value.since.as_ref());
        let mut named = follow
            .into_iter()
            .chain(same_as)
            .chain(since.map(|since| since.value.as_str()));
        uses.iter().any(|name| gone.contains(name)) || named.any(is_removed)
    };
    let mut steps = Vec::new();
    for (index, mut own) in std::mem::take(&mut def.steps).into_iter().enumerate() {
        match own.phase {
            Phase::Main if index > step => continue,
            Phase::Main if index < step => own.phase = Phase::Setup,
            Phase::Teardown if depends(&own) => continue,
            _ => {}
        }
        own.expect.snapshot = None;
        if index == step {
            own.snapshots = SnapshotsDef::default();
            own.eventually = None;
            own.throughout = None;
            own.go_on = false;
        }
        steps.push(own);
    }
    def.steps = steps;
    def
}
