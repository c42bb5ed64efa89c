//! Binds suites to a target: the cases to run, the skipped ones with reasons, and each request with its expectations.
//!
//! [`Plan::new`] selects the cases and checks each of them, so that all errors are reported before any request is sent;
//! [`Plan::bind`] binds a case when it runs. After binding, all variables are substituted.

mod bind;
mod cookies;
mod derived;
mod digest;
pub(crate) mod follow_url;
mod late;
mod logins;
mod partition;
mod probes;
mod scope;
mod select;
mod skip;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bind::ProbeBase;
pub use bind::{Binder, Bound, Polling, Unbound};
pub(crate) use cookies::Cookies;
pub(crate) use follow_url::FollowUrl;
pub(crate) use late::case_id;
pub use late::{Late, LateToken, new_run_id};
pub use logins::LoginRole;
pub(crate) use probes::{expand, explored_rows};
pub use select::Selection;
use skip::Lacking;
pub use skip::{SkippedStep, skip};

use serde_json::Value;

use crate::{
    check::{Expectation, SnapshotMask},
    model::{Attempt, CaseFinished, Digest, Partition, Request, Step, Verdict},
    project::{SECRET_PREFIX, Target},
    snapshot::SnapshotStore,
    source::{Diagnostics, Sources},
    suite::{Amended, Case, Filter, InputDef, Suites, Template, TemplatePart},
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
    /// The steps that the target cannot run, in order; the others are run. Empty if the case is skipped.
    pub skipped_steps: Vec<SkippedStep>,
    /// Whether it or steps of it are skipped only because the target does not define an input that is not optional.
    pub lacks_input: bool,
    /// Why the run uses it as the login case of a token, if it does.
    pub login: Option<LoginRole>,
    /// Whether it is skipped because it passed in the run named by `--failed-from`.
    pub passed_before: bool,
    /// Digest of the inputs of its verdict, if requested.
    pub digest: Option<Digest>,
}

impl Planned {
    /// Why a step is skipped, by its index in the case.
    pub(crate) fn skipped_step(&self, index: usize) -> Option<&str> {
        let step = self.skipped_steps.iter().find(|step| step.index == index)?;
        Some(&step.reason)
    }

    /// The case with a verdict only.
    pub(crate) fn finished(&self, sources: &Sources, verdict: Verdict) -> CaseFinished {
        CaseFinished {
            id: self.case.id.clone(),
            suite: self.case.suite.id.clone(),
            index: self.index,
            name: self.case.name().map(Cow::into_owned),
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
        let selected = suites.cases.iter().filter(|case| selection.selects(case, sources));
        let logins = logins::of_selected(selected.map(|case| &**case), suites, &target);
        let mut cases: Vec<_> = suites
            .cases
            .iter()
            .filter(|case| logins.contains(&case.id) || selection.selects(case, sources))
            .enumerate()
            .map(|(index, case)| {
                let login = logins.contains(&case.id).then(|| {
                    if selection.selects(case, sources) {
                        LoginRole::Selected
                    } else {
                        LoginRole::Added
                    }
                });
                let skip = skip(case, Some(&target));
                let skipped_steps = match &skip {
                    None => Lacking::of(case, &target).steps,
                    Some(_) => Vec::new(),
                };
                Planned {
                    index,
                    lacks_input: (skip.is_some() || !skipped_steps.is_empty()) && lacks_input(case, &target),
                    skip,
                    skipped_steps,
                    login,
                    passed_before: false,
                    digest: None,
                    case: Arc::clone(case),
                }
            })
            .collect();
        cases.shrink_to_fit();
        let (mut described, mut probed) = (HashSet::new(), HashSet::new());
        for planned in cases.iter_mut().filter(|planned| planned.skip.is_none()) {
            let late = Late::planned();
            for step in 0..planned.case.def.steps.len() {
                if planned.skipped_step(step).is_some() {
                    continue;
                }
                let def = &planned.case.def;
                if planned.case.suite.def.openapi.is_some() && described.insert((Arc::as_ptr(def).addr(), step)) {
                    errors.append(binder.document_errors(&planned.case, step, &late, sources));
                }
                match binder.check(&planned.case, step, &late, sources) {
                    Ok(()) | Err(Unbound::Uncaptured(_) | Unbound::Token(_)) => {}
                    Err(Unbound::Invalid(error)) => errors.push(error),
                    Err(Unbound::Pointless(reason)) => planned.skip = Some(reason),
                }
                if planned.case.probe_at(step).is_some() && probed.insert((Arc::as_ptr(def).addr(), step)) {
                    errors.append(binder.probe_errors(&planned.case, step, sources));
                }
            }
        }
        Self { target, cases, binder }
    }

    /// Keeps one part of the cases, and the login cases of its tokens.
    pub fn keep(&mut self, partition: Partition) {
        let logins = self.take_logins();
        partition::keep(partition, &mut self.cases);
        self.add_logins(logins);
    }

    /// Masks secrets in responses before they are compared with their snapshots, which are masked too.
    pub fn mask_snapshots(&mut self, mask: Arc<dyn SnapshotMask>) {
        self.binder.mask_snapshots(mask);
    }

    /// Skips cases that passed before and have not changed.
    pub(crate) fn leave_out(&mut self, passed: &HashMap<String, Digest>, reason: &str) {
        let logins = self.take_logins();
        for planned in &mut self.cases {
            // Skipped steps would no longer be reported.
            let is_whole = planned.skipped_steps.is_empty();
            let did_pass =
                is_whole && planned.digest.is_some() && passed.get(&planned.case.id) == planned.digest.as_ref();
            if planned.skip.is_none() && did_pass {
                planned.skip = Some(reason.to_owned());
                planned.passed_before = true;
            }
        }
        self.add_logins(logins);
    }

    /// Keeps the cases that are wanted, with their login cases. Those that come first are run first; the indices stay.
    pub(crate) fn keep_if(&mut self, is_wanted: impl Fn(&Planned) -> bool, comes_first: impl Fn(&Planned) -> bool) {
        let logins = self.take_logins();
        self.cases.retain(is_wanted);
        self.add_logins(logins);
        self.cases.sort_by_key(|planned| !comes_first(planned));
    }

    /// The inputs without which planned cases cannot run, by name. Cases that are skipped for another reason, or because
    /// an optional input is missing, do not count.
    pub fn missing_inputs(&self) -> Vec<MissingInput> {
        let mut found: BTreeMap<&str, MissingInput> = BTreeMap::new();
        for Planned { case, .. } in self.cases.iter().filter(|planned| planned.lacks_input) {
            for name in Lacking::of(case, &self.target).inputs {
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
        let mut others: BTreeMap<(InputKind, &str), usize> = BTreeMap::new();
        for Planned { case, .. } in self.cases.iter().filter(|planned| planned.lacks_input) {
            let Lacking {
                endpoints, identities, ..
            } = Lacking::of(case, &self.target);
            let endpoints = endpoints.into_iter().map(|name| (InputKind::Endpoint, name));
            let identities = identities.into_iter().map(|name| (InputKind::Identity, name));
            for other in endpoints.chain(identities) {
                *others.entry(other).or_default() += 1;
            }
        }
        all.extend(others.into_iter().map(|((kind, name), cases)| MissingInput {
            name: name.to_owned(),
            kind,
            cases,
        }));
        all
    }

    /// The request and expectations of a step of a case, with the late values that are known when it is sent.
    pub fn bind(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Result<Bound, Unbound> {
        self.binder.bind(case, step, late, sources)
    }

    /// The request of a step before it is sent, and the document that describes it.
    pub(crate) fn base(&self, case: &Case, step: usize, sources: &Sources) -> Result<ProbeBase, Unbound> {
        self.binder.probe_base(case, step, sources)
    }

    /// The request of a step with other late values; none if it cannot be made with them.
    pub(crate) fn request_with(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Option<Request> {
        self.binder.request(case, step, late, sources)
    }

    /// The `run_id` and `case_id` of a case, if the plan is run.
    pub(crate) fn ids(&self, case: &Case) -> Option<[(&'static str, String); 2]> {
        late::ids(&self.target, &case.id)
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

/// Whether a target lacks something for a case, none of which is optional.
fn lacks_input(case: &Case, target: &Target) -> bool {
    let lacking = Lacking::of(case, target);
    let is_optional = |name: &&str| input(case, name).is_some_and(|input| input.optional);
    let is_optional_endpoint = |name: &&str| input(case, name).is_some_and(|input| input.endpoint && input.optional);
    case.def.skip.is_none()
        && case.def.effects.iter().all(|effect| target.allows(effect))
        && !lacking.is_nothing()
        && !lacking.inputs.iter().any(is_optional)
        && !lacking.endpoints.iter().any(is_optional_endpoint)
}

fn input<'c>(case: &'c Case, name: &str) -> Option<&'c InputDef> {
    let mut inputs = case.suite.def.inputs.iter();
    inputs.find(|(input, _)| input == name).map(|(_, def)| &def.value)
}

fn is_secret(case: &Case, name: &str) -> bool {
    input(case, name).is_some_and(|input| input.secret)
}

/// What a target does not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// A variable.
    Variable,
    /// A secret.
    Secret,
    /// An endpoint of a step.
    Endpoint,
    /// The client certificate of a case or step.
    Identity,
}

impl InputKind {
    /// The flag, the environment variable or the table that defines a name.
    fn how_to_define(self, name: &str) -> String {
        match self {
            Self::Variable => format!("--var {name}=…"),
            Self::Secret => format!("{SECRET_PREFIX}{}", name.to_ascii_uppercase()),
            Self::Endpoint => format!("[targets.NAME.endpoints.{name}]"),
            Self::Identity => format!("[targets.NAME.identities.{name}]"),
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
