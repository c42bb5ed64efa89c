//! Binds suites to a target: the cases to run, the skipped ones with reasons, and each request with its expectations.
//!
//! [`Plan::new`] selects the cases and checks each of them, so that all errors are reported before any request is sent;
//! [`Plan::bind`] binds a case when it runs. After binding, all variables are substituted.

mod bind;
mod cookies;
mod digest;
pub(crate) mod follow_url;
mod late;
mod partition;
mod scope;
mod select;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub use bind::{Binder, Bound, Unbound};
pub(crate) use cookies::Cookies;
pub(crate) use follow_url::FollowUrl;
pub(crate) use late::case_id;
pub use late::{Late, Token, new_run_id};
pub use select::Selection;

use serde_json::Value;

use crate::{
    check::{Expectation, SnapshotMask},
    model::{Attempt, CaseFinished, Digest, Partition, Request, Step, Verdict},
    project::{RUN_ID, SECRET_PREFIX, Target},
    snapshot::SnapshotStore,
    source::{Diagnostics, Sources},
    suite::{Amended, Case, Filter, InputDef, StepDef, Suites, Template, TemplatePart},
};

/// A case of the plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The case.
    pub case: Arc<Case>,
    /// Its index in the whole plan, from zero, independent of the part that is run.
    pub index: usize,
    /// The reason if it is skipped.
    pub skip: Option<String>,
    /// Whether it is skipped only because the target does not define an input that is not optional.
    pub lacks_input: bool,
    /// Whether it is skipped because it passed in the run named by `--failed-from`.
    pub passed_before: bool,
    /// Digest of the inputs of its verdict, if requested.
    pub digest: Option<Digest>,
}

impl Planned {
    /// The case with a verdict only.
    pub(crate) fn finished(&self, sources: &Sources, verdict: Verdict) -> CaseFinished {
        CaseFinished {
            id: self.case.id.clone(),
            suite: self.case.suite.id.clone(),
            index: self.index,
            name: self.case.def.name.clone(),
            tags: self.case.def.tags.clone(),
            location: sources.location(self.case.span),
            verdict,
            passed_before: self.passed_before,
            digest: self.digest,
            last: Attempt::default(),
            previous: Vec::new(),
            repeats: Vec::new(),
            snapshot: None,
        }
    }

    /// The case as not run, with the reason.
    pub(crate) fn unrun(&self, sources: &Sources, verdict: Verdict, reason: String) -> CaseFinished {
        let named = self.case.def.steps.iter().filter(|step| !step.id.is_empty());
        let steps = named.map(|step| Step {
            id: step.id.clone(),
            phase: step.phase,
            omitted: Some(reason.clone()),
            ..Step::default()
        });
        CaseFinished {
            last: Attempt {
                steps: steps.collect(),
                reason: Some(reason),
            },
            ..self.finished(sources, verdict)
        }
    }
}

/// The plan of a run.
#[derive(Debug)]
pub struct Plan {
    /// The target.
    pub target: Arc<Target>,
    /// The selected cases, in the order of the suites.
    pub cases: Vec<Planned>,
    binder: Binder,
}

impl Plan {
    /// Plans the selected cases. Cases that cannot be bound (a header with a line break in it, say) go to `errors`.
    pub fn new(
        suites: &Suites,
        selection: &Selection,
        target: Arc<Target>,
        snapshots: SnapshotStore,
        sources: &Sources,
        errors: &mut Diagnostics,
    ) -> Self {
        let binder = Binder::new(suites, &target, snapshots);
        let mut cases: Vec<_> = suites
            .cases
            .iter()
            .filter(|case| selection.selects(case, sources))
            .enumerate()
            .map(|(index, case)| {
                let skip = skip(case, Some(&target));
                Planned {
                    index,
                    lacks_input: skip.is_some() && lacks_input(case, &target),
                    skip,
                    passed_before: false,
                    digest: None,
                    case: Arc::clone(case),
                }
            })
            .collect();
        cases.shrink_to_fit();
        for planned in cases.iter_mut().filter(|planned| planned.skip.is_none()) {
            let late = Late::planned();
            for step in 0..planned.case.def.steps.len() {
                match binder.check(&planned.case, step, &late, sources) {
                    Ok(()) | Err(Unbound::Uncaptured(_)) => {}
                    Err(Unbound::Invalid(error)) => errors.push(error),
                    Err(Unbound::Pointless(reason)) => planned.skip = Some(reason),
                }
            }
        }
        Self { target, cases, binder }
    }

    /// Keeps one part of the cases.
    pub fn keep(&mut self, partition: Partition) {
        partition::keep(partition, &mut self.cases);
    }

    /// Masks secrets in responses before they are compared with their snapshots, which are masked too.
    pub fn mask_snapshots(&mut self, mask: Arc<dyn SnapshotMask>) {
        self.binder.mask_snapshots(mask);
    }

    /// Skips cases that passed before and have not changed.
    pub(crate) fn leave_out(&mut self, passed: &HashMap<String, Digest>, reason: &str) {
        for planned in &mut self.cases {
            let did_pass = planned.digest.is_some() && passed.get(&planned.case.id) == planned.digest.as_ref();
            if planned.skip.is_none() && did_pass {
                planned.skip = Some(reason.to_owned());
                planned.passed_before = true;
            }
        }
    }

    /// The inputs without which planned cases cannot run, by name. Cases that are skipped for another reason, or because
    /// an optional input is missing, do not count.
    pub fn missing_inputs(&self) -> Vec<MissingInput> {
        let mut found: BTreeMap<&str, MissingInput> = BTreeMap::new();
        for Planned { case, .. } in self.cases.iter().filter(|planned| planned.lacks_input) {
            for name in missing(case, &self.target) {
                let entry = found.entry(name).or_insert_with(|| MissingInput {
                    name: name.to_owned(),
                    kind: InputKind::Variable,
                    cases: 0,
                });
                if is_secret(case, name) {
                    entry.kind = InputKind::Secret;
                }
                entry.cases += 1;
            }
        }
        let mut all: Vec<_> = found.into_values().collect();
        let mut endpoints: BTreeMap<&str, usize> = BTreeMap::new();
        for Planned { case, .. } in self.cases.iter().filter(|planned| planned.lacks_input) {
            for name in missing_endpoints(case, &self.target) {
                *endpoints.entry(name).or_default() += 1;
            }
        }
        all.extend(endpoints.into_iter().map(|(name, cases)| MissingInput {
            name: name.to_owned(),
            kind: InputKind::Endpoint,
            cases,
        }));
        all
    }

    /// The request and expectations of a step of a case, with the late values that are known when it is sent.
    pub fn bind(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Result<Bound, Unbound> {
        self.binder.bind(case, step, late, sources)
    }

    /// The request of a step with other late values; none if it cannot be made with them.
    pub(crate) fn request_with(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Option<Request> {
        self.binder.request(case, step, late, sources)
    }

    /// The `run_id` and `case_id` of a case, if the plan is run.
    pub(crate) fn ids(&self, case: &Case) -> Option<[(&'static str, String); 2]> {
        let run_id = self.target.value(RUN_ID)?;
        let run_id = run_id.as_str()?.to_owned();
        let case_id = late::case_id(&run_id, &case.id);
        Some([(RUN_ID, run_id), ("case_id", case_id)])
    }

    /// The expectations of a case with lines added to its file.
    pub(crate) fn bind_amended(
        &self,
        case: &Case,
        amended: &Amended,
        sources: &Sources,
    ) -> Result<Expectation, Unbound> {
        self.binder.bind_amended(case, amended, sources)
    }

    /// A text of the target's configuration, such as a header field or login of an endpoint, with the values of variables and
    /// secrets of the target.
    pub(crate) fn target_text(&self, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                TemplatePart::Text(plain) => text.push_str(plain),
                TemplatePart::Variable(name, filters) => {
                    let value = match self.target.value(name) {
                        Some(Value::String(text)) => text,
                        Some(value) => value.to_string(),
                        None => String::new(),
                    };
                    let apply = |value: String, filter: &Filter| filter.apply(&value).unwrap_or(value);
                    text.push_str(&filters.iter().fold(value, apply));
                }
            }
        }
        text
    }

    /// The variables that a case and its row define, by name, with their values as text.
    pub(crate) fn made_by(&self, case: &Case) -> Vec<(String, String)> {
        self.binder.made_by(case)
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
    let inputs = missing(case, target).map(|name| {
        let kind = if is_secret(case, name) {
            InputKind::Secret
        } else {
            InputKind::Variable
        };
        format!("`{name}` ({})", kind.how_to_define(name))
    });
    let endpoints = missing_endpoints(case, target).map(|name| format!("the endpoint `{name}`"));
    let missing: Vec<_> = inputs.chain(endpoints).collect();
    (!missing.is_empty()).then(|| format!("the target does not define {}", missing.join(", ")))
}

/// The endpoints of a case's steps that a target does not define.
fn missing_endpoints<'c>(case: &'c Case, target: &'c Target) -> impl Iterator<Item = &'c str> {
    let used = case.def.steps.iter().filter_map(StepDef::endpoint);
    let names: BTreeSet<&str> = used.map(|endpoint| endpoint.value.as_str()).collect();
    names.into_iter().filter(|name| !target.endpoints.contains_key(*name))
}

/// Whether a case is skipped on a target only because inputs are missing, none of which is optional.
fn lacks_input(case: &Case, target: &Target) -> bool {
    let is_optional = |name: &str| input(case, name).is_some_and(|input| input.optional);
    let is_optional_endpoint = |name: &str| input(case, name).is_some_and(|input| input.endpoint && input.optional);
    let lacks_any = missing(case, target).next().is_some() || missing_endpoints(case, target).next().is_some();
    case.def.skip.is_none()
        && case.def.effects.iter().all(|effect| target.allows(effect))
        && lacks_any
        && !missing(case, target).any(is_optional)
        && !missing_endpoints(case, target).any(is_optional_endpoint)
}

/// The inputs of a case that have no value on a target.
fn missing<'c>(case: &'c Case, target: &'c Target) -> impl Iterator<Item = &'c str> {
    let has_default = |name: &str| input(case, name).is_some_and(|input| input.default.is_some());
    (case.needs.iter().map(String::as_str)).filter(move |name| target.value(name).is_none() && !has_default(name))
}

fn input<'c>(case: &'c Case, name: &str) -> Option<&'c InputDef> {
    let mut inputs = case.suite.def.inputs.iter();
    inputs.find(|(input, _)| input == name).map(|(_, def)| &def.value)
}

fn is_secret(case: &Case, name: &str) -> bool {
    input(case, name).is_some_and(|input| input.secret)
}

/// What a target does not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A variable.
    Variable,
    /// A secret.
    Secret,
    /// An endpoint of a step.
    Endpoint,
}

impl InputKind {
    /// The flag, the environment variable or the table that defines a name.
    fn how_to_define(self, name: &str) -> String {
        match self {
            Self::Variable => format!("--var {name}=…"),
            Self::Secret => format!("{SECRET_PREFIX}{}", name.to_ascii_uppercase()),
            Self::Endpoint => format!("[targets.NAME.endpoints.{name}]"),
        }
    }
}

/// An input that the target does not define, and that is not optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingInput {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: InputKind,
    /// Number of planned cases that need it and would otherwise run.
    pub cases: usize,
}

impl MissingInput {
    /// The flag, the environment variable or the table that defines it.
    pub fn how_to_define(&self) -> String {
        self.kind.how_to_define(&self.name)
    }
}
