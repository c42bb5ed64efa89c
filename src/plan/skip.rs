//! What cannot be run on a target: cases and steps that are skipped, with the reasons.

use std::collections::BTreeSet;

use super::{InputKind, input, is_secret};
use crate::{
    model::Phase,
    project::Target,
    suite::{Case, JsonDef, StepDef, Template},
};

/// A step that a target cannot run: its index in the case, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedStep {
    /// The step's index in the case.
    pub index: usize,
    /// Why it is skipped.
    pub reason: String,
}

/// What a target lacks for a case.
pub(super) struct Lacking<'c> {
    /// The inputs without a value. Those that only skipped steps use do not count.
    pub(super) inputs: Vec<&'c str>,
    /// The endpoints that the target does not define.
    pub(super) endpoints: BTreeSet<&'c str>,
    /// The identities that the target does not define.
    pub(super) identities: BTreeSet<&'c str>,
    /// The steps that are skipped while the others run.
    pub(super) steps: Vec<SkippedStep>,
}

impl<'c> Lacking<'c> {
    pub(super) fn of(case: &'c Case, target: &Target) -> Self {
        let is_missing = |name: &str| !target.endpoints.contains_key(name);
        let all = case.def.steps.iter().filter_map(StepDef::endpoint);
        let endpoints: BTreeSet<_> = all
            .map(|endpoint| endpoint.value.as_str())
            .filter(|name| is_missing(name))
            .collect();
        let steps = skipped_steps(case, &endpoints);
        let mut inputs: Vec<_> = missing(case, target).collect();
        if !steps.is_empty() && !inputs.is_empty() {
            let is_run = |index: &usize| steps.iter().all(|step| step.index != *index);
            let run = (0..case.def.steps.len()).filter(is_run);
            let uses = run.flat_map(|index| &case.def.steps[index].uses);
            let needed = reached(case, uses.map(String::as_str));
            inputs.retain(|name| needed.contains(name));
        }
        let identities = case.def.steps.iter().filter_map(StepDef::certificate);
        Self {
            inputs,
            endpoints,
            identities: identities.filter(|name| !target.has_identity(name)).collect(),
            steps,
        }
    }

    /// Whether nothing is missing.
    pub(super) fn is_nothing(&self) -> bool {
        self.inputs.is_empty() && self.endpoints.is_empty() && self.identities.is_empty()
    }

    /// Why the whole case is skipped, if steps are not enough.
    fn reason(&self, case: &Case) -> Option<String> {
        let inputs = self.inputs.iter().map(|name| {
            let kind = if is_secret(case, name) {
                InputKind::Secret
            } else {
                InputKind::Variable
            };
            format!("`{name}` ({})", kind.how_to_define(name))
        });
        let is_whole = self.steps.is_empty();
        let endpoints = self.endpoints.iter().filter(|_| is_whole);
        let endpoints = endpoints.map(|name| format!("the endpoint `{name}`"));
        let identities = self.identities.iter().map(|name| format!("the identity `{name}`"));
        let missing: Vec<_> = inputs.chain(endpoints).chain(identities).collect();
        (!missing.is_empty()).then(|| format!("the target does not define {}", missing.join(", ")))
    }
}

/// Why a case is not run on a target; without a target, only the case's own reason.
pub fn skip(case: &Case, target: Option<&Target>) -> Option<String> {
    let target = match target {
        Some(target) if case.def.skip.is_none() => target,
        _ => return case.def.skip.clone(),
    };
    let refused: Vec<_> = case
        .def
        .effects
        .iter()
        .filter(|effect| !target.allows(effect))
        .map(|effect| format!("`{effect}`"))
        .collect();
    if !refused.is_empty() {
        let all = refused.join(", ");
        return Some(format!("the target does not allow the effect {all} (--allow)"));
    }
    Lacking::of(case, target).reason(case)
}

/// The steps that are skipped without these endpoints. None if the whole case is skipped: without its setup nothing is
/// tested, without its teardown something remains, and without any other step nothing is left to test.
fn skipped_steps(case: &Case, missing: &BTreeSet<&str>) -> Vec<SkippedStep> {
    if missing.is_empty() {
        return Vec::new();
    }
    let mut skipped: Vec<SkippedStep> = Vec::new();
    for (index, step) in case.def.steps.iter().enumerate() {
        let endpoint = step.endpoint().map(|endpoint| endpoint.value.as_str());
        let reason = match endpoint.filter(|name| missing.contains(name)) {
            Some(_) if step.phase != Phase::Main => return Vec::new(),
            Some(name) => Some(format!("the target does not define the endpoint `{name}`")),
            None => depends(case, step, &skipped),
        };
        skipped.extend(reason.map(|reason| SkippedStep { index, reason }));
    }
    let is_run = |index: usize| skipped.iter().all(|step| step.index != index);
    let mut main = case.def.steps.iter().enumerate();
    let is_any_left = main.any(|(index, step)| step.phase == Phase::Main && is_run(index));
    if is_any_left { skipped } else { Vec::new() }
}

/// Why a step cannot be run without earlier ones: it uses their captures or responses.
fn depends(case: &Case, step: &StepDef, skipped: &[SkippedStep]) -> Option<String> {
    if skipped.is_empty() {
        return None;
    }
    let uses = reached(case, step.uses.iter().map(String::as_str));
    let same_as = step.expect.same_as.as_ref().map(|other| &other.value);
    let since = step.mail.as_ref().and_then(|mail| mail.value.since.as_ref());
    let follow = step.follow.as_ref().map(|follow| &follow.value.step);
    let named: Vec<_> = same_as
        .into_iter()
        .chain(since.map(|step| &step.value))
        .chain(follow)
        .collect();
    skipped.iter().find_map(|other| {
        let other = &case.def.steps[other.index];
        let capture = other.capture.iter().find(|capture| uses.contains(&*capture.name));
        if let Some(capture) = capture {
            return Some(format!(
                "the step `{}`, which captures `{}`, is skipped",
                other.id, capture.name
            ));
        }
        named
            .contains(&&other.id)
            .then(|| format!("the step `{}` is skipped", other.id))
    })
}

/// These names, and all that the values of variables among them use.
pub(super) fn reached<'c>(case: &'c Case, names: impl Iterator<Item = &'c str>) -> BTreeSet<&'c str> {
    let value = |name: &str| -> Option<&'c JsonDef> {
        let row = case.row().and_then(|row| row.get(name));
        row.or_else(|| case.def.vars.get(name))
            .or_else(|| case.suite.def.vars.get(name))
    };
    let mut found = BTreeSet::new();
    let mut left: Vec<&str> = names.collect();
    while let Some(name) = left.pop() {
        if found.insert(name) {
            let templates = value(name).map(JsonDef::templates).unwrap_or_default();
            left.extend(templates.into_iter().flat_map(Template::variables));
        }
    }
    found
}

/// The inputs of a case that have no value on a target.
fn missing<'c>(case: &'c Case, target: &Target) -> impl Iterator<Item = &'c str> {
    let has_default = |name: &str| input(case, name).is_some_and(|input| input.default.is_some());
    (case.needs.iter().map(String::as_str)).filter(move |name| !target.defines(name) && !has_default(name))
}
