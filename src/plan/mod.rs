//! Binds suites to a target: the cases to run, the skipped ones with reasons, and each request with its expectations.
//!
//! [`Plan::new`] selects the cases and checks each of them, so that all errors are reported before any request is sent;
//! [`Plan::bind`] binds a case when it runs. After binding, all variables are substituted.

mod bind;
mod digest;
mod partition;
mod scope;
mod select;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

pub use bind::{Binder, Bound, Unbound};
pub use select::Selection;

use crate::{
    check::{Expectation, SnapshotMask},
    model::{Attempt, CaseFinished, Digest, Partition, Verdict},
    project::{SECRET_PREFIX, Target},
    snapshot::SnapshotStore,
    source::{Diagnostics, Sources},
    suite::{Amended, Case, InputDef, Suites},
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
            place: sources.place(self.case.span),
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
        CaseFinished {
            last: Attempt {
                reason: Some(reason),
                ..Attempt::default()
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
        let wanted = with_others(suites, |case| selection.selects(case, sources));
        let mut cases: Vec<_> = suites
            .cases
            .iter()
            .filter(|case| wanted.contains(case.id.as_str()))
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
            match binder.check(&planned.case, sources) {
                Ok(()) => {}
                Err(Unbound::Mistake(mistake)) => errors.push(mistake),
                Err(Unbound::Pointless(reason)) => planned.skip = Some(reason),
            }
        }
        skip_with_others(&mut cases);
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

    /// Skips cases that passed before and have not changed, unless a case that is run is compared with them.
    pub(crate) fn leave_out(&mut self, passed: &HashMap<String, Digest>, reason: &str) {
        let did_pass =
            |planned: &Planned| planned.digest.is_some() && passed.get(&planned.case.id) == planned.digest.as_ref();
        let mut needed = BTreeSet::new();
        let others: BTreeMap<_, _> = (self.cases.iter())
            .filter_map(|planned| {
                let other = planned.case.def.expect.same_as.as_ref()?;
                Some((planned.case.id.clone(), other.value.clone()))
            })
            .collect();
        for planned in self.cases.iter().filter(|planned| planned.skip.is_none()) {
            let mut next = Some(&planned.case.id).filter(|_| !did_pass(planned));
            while let Some(id) = next.filter(|id| needed.insert((*id).clone())) {
                next = others.get(id);
            }
        }
        for planned in &mut self.cases {
            if planned.skip.is_none() && !needed.contains(&planned.case.id) {
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
                    is_secret: false,
                    cases: 0,
                });
                entry.is_secret |= is_secret(case, name);
                entry.cases += 1;
            }
        }
        found.into_values().collect()
    }

    /// The request and expectations of a case.
    pub fn bind(&self, case: &Case, sources: &Sources) -> Result<Bound, Unbound> {
        self.binder.bind(case, sources)
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

    /// The variables that a case and its row define, by name, with their values as text.
    pub(crate) fn made_by(&self, case: &Case) -> Vec<(String, String)> {
        self.binder.made_by(case)
    }
}

/// The ids of the wanted cases. A case that is compared with another (`same_as`) also selects that case.
fn with_others(suites: &Suites, selects: impl Fn(&Case) -> bool) -> HashSet<&str> {
    let others: BTreeMap<_, _> = suites
        .cases
        .iter()
        .filter_map(|case| Some((case.id.as_str(), case.def.expect.same_as.as_ref()?.value.as_str())))
        .collect();
    let mut wanted = HashSet::with_capacity(suites.cases.len());
    for case in suites.cases.iter().filter(|case| selects(case)) {
        let mut next = Some(case.id.as_str());
        while let Some(id) = next.filter(|id| wanted.insert(*id)) {
            next = others.get(id).copied();
        }
    }
    wanted
}

/// Skips every case that is compared, directly or indirectly, with a skipped one.
fn skip_with_others(cases: &mut [Planned]) {
    loop {
        let skipped: BTreeSet<_> = cases
            .iter()
            .filter(|planned| planned.skip.is_some())
            .map(|planned| planned.case.id.clone())
            .collect();
        for planned in cases.iter_mut().filter(|planned| planned.skip.is_none()) {
            if let Some(other) = &planned.case.def.expect.same_as
                && skipped.contains(&other.value)
            {
                planned.skip = Some(format!("the case it is compared with, {}, is skipped", other.value));
            }
        }
        if cases.iter().filter(|planned| planned.skip.is_some()).count() == skipped.len() {
            return;
        }
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
    let missing: Vec<_> = missing(case, target)
        .map(|name| format!("`{name}` ({})", how_to_define(name, is_secret(case, name))))
        .collect();
    (!missing.is_empty()).then(|| format!("the target does not define {}", missing.join(", ")))
}

/// Whether a case is skipped on a target only because inputs are missing, none of which is optional.
fn lacks_input(case: &Case, target: &Target) -> bool {
    let is_optional = |name: &str| input(case, name).is_some_and(|input| input.optional);
    case.def.skip.is_none()
        && case.def.effects.iter().all(|effect| target.allows(effect))
        && missing(case, target).next().is_some()
        && !missing(case, target).any(is_optional)
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

fn how_to_define(name: &str, is_secret: bool) -> String {
    if is_secret {
        format!("{SECRET_PREFIX}{}", name.to_ascii_uppercase())
    } else {
        format!("--var {name}=…")
    }
}

/// An input that the target does not define, and that is not optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingInput {
    /// Its name.
    pub name: String,
    /// Whether it is declared as a secret.
    pub is_secret: bool,
    /// Number of planned cases that need it and would otherwise run.
    pub cases: usize,
}

impl MissingInput {
    /// The flag or the environment variable that defines it.
    pub fn how_to_define(&self) -> String {
        how_to_define(&self.name, self.is_secret)
    }
}
