//! Rows of `probe`: each near miss of a case is a case of its own.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    bind::{Binder, ProbeBase, UNDECLARED_METHOD, Unbound, invalid_base, is_unsafe},
    skip::reached,
};
use crate::{
    check::ApiContract,
    model::{Level, Phase},
    openapi::{Direction, Operation},
    probe::{self, Probe},
    project::Target,
    snapshot::SnapshotStore,
    source::{Diagnostic, Diagnostics, Sources, nearest},
    suite::{Case, CaseDef, ExpectDef, ProbeDef, ProbeRow, SnapshotsDef, StatusDef, StepDef, Suites, Written},
};

/// Adds the rows of `probe` after their cases. They are the same on all targets: inputs have placeholder values here.
pub(crate) fn expand(suites: &mut Suites, snapshots: &SnapshotStore, sources: &Sources, errors: &mut Diagnostics) {
    if suites.cases.iter().all(|case| case.def.probe.is_none()) {
        return;
    }
    let Ok(target) = Target::placeholder(suites) else {
        return;
    };
    let binder = Binder::new(suites, &Arc::new(target), snapshots.clone());
    let mut all = Vec::with_capacity(suites.cases.len());
    let mut probed: BTreeSet<usize> = BTreeSet::new();
    // All rows of a table come before the near misses, which are those of its first row.
    let cases = std::mem::take(&mut suites.cases);
    let mut cases = cases.into_iter().peekable();
    let mut first: Option<Arc<Case>> = None;
    while let Some(case) = cases.next() {
        let address = Arc::as_ptr(&case.def).addr();
        if case.def.probe.is_some() && probed.insert(address) {
            first = Some(Arc::clone(&case));
        }
        let is_last = cases.peek().is_none_or(|next| !Arc::ptr_eq(&next.def, &case.def));
        all.push(case);
        if let Some(case) = first.take_if(|_| is_last)
            && let Some(def) = &case.def.probe
        {
            let expander = Expander {
                case: &case,
                def,
                binder: &binder,
                sources,
            };
            match expander.rows(&mut suites.omitted_probes) {
                Ok(rows) => all.extend(rows.into_iter().map(Arc::new)),
                Err(error) => errors.push(error),
            }
        }
    }
    suites.cases = all;
}

struct Expander<'a> {
    case: &'a Arc<Case>,
    def: &'a Written<ProbeDef>,
    binder: &'a Binder,
    sources: &'a Sources,
}

impl Expander<'_> {
    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.def.span, message)
    }

    fn rows(&self, omitted: &mut Diagnostics) -> Result<Vec<Case>, Diagnostic> {
        let step = self.step()?;
        let base = self.base(step)?;
        let ProbeBase {
            request,
            contract: Some(contract),
            ..
        } = &base
        else {
            return Err(self.error("there is no `openapi` document for the request"));
        };
        let Some(operation) = contract.operation_of(request) else {
            let error = self.error("the document does not describe the request, so that nothing can be probed");
            return Err(error.help("name its operation with `operation: ID`, or correct the path"));
        };
        Self::check_schemas(contract, operation)?;
        self.check_names(operation)?;
        if base.is_known
            && let Some(found) = contract.request_violations(request).first()
        {
            return Err(invalid_base(self.case, found));
        }
        let mut probes = probe::derive(contract, request, &self.def.value.choice);
        self.leave_out(&mut probes)?;
        if probes.is_empty() {
            return Err(self.error("the request has no near misses: `probe` tests nothing"));
        }
        let all = probes.len();
        let left = probe::spread(&mut probes, self.def.value.max);
        if left > 0 {
            let message = format!("`probe` of `{}` leaves out {left} of {all} near misses", self.id());
            let help = format!("`max` is {}; it can be up to 5000", self.def.value.max);
            omitted.push(Diagnostic::new(self.def.span, message).help(help));
        }
        Ok(self.cases(probes, step, &request.method))
    }

    /// The id of the case without its row.
    fn id(&self) -> &str {
        self.case.id.split('[').next().unwrap_or_default()
    }

    /// The index of the step whose request is changed.
    fn step(&self) -> Result<usize, Diagnostic> {
        let steps = &self.case.def.steps;
        let main = |step: &StepDef| step.phase == Phase::Main;
        let index = match &self.def.value.step {
            Some(named) => {
                let found = steps.iter().position(|step| main(step) && step.id == named.value);
                found.ok_or_else(|| {
                    let error = Diagnostic::new(named.span, format!("no step `{}` in `steps`", named.value));
                    let known = steps.iter().filter(|step| main(step)).map(|step| step.id.as_str());
                    error.suggest(&named.value, known)
                })?
            }
            None => {
                (steps.iter().rposition(main)).ok_or_else(|| self.error("the case has no step that can be probed"))?
            }
        };
        let step = &steps[index];
        let reason = if step.follow.is_some() {
            "a step with `follow` cannot be probed: its URL is not known before"
        } else if step.endpoint().is_some() {
            "a request to another endpoint than the API cannot be probed"
        } else if step.expect.tls.is_some() {
            "a request that TLS rejects cannot be probed"
        } else {
            return Ok(index);
        };
        let error = self.error(reason);
        Err(error.help("name another step: `probe: { step: ID }`"))
    }

    /// The request that is changed. Its case must expect that it is accepted.
    fn base(&self, step: usize) -> Result<ProbeBase, Diagnostic> {
        if self.case.suite.def.openapi.is_none() {
            let error = self.error("the suite has no `openapi` document from which near misses are derived");
            return Err(error.help("name it in suite.yaml: `openapi: FILE`"));
        }
        let base = match self.binder.probe_base(self.case, step, self.sources) {
            Ok(base) => base,
            Err(Unbound::Invalid(error)) => return Err(error),
            Err(other) => return Err(self.error(other.to_string())),
        };
        let is_success = |status: &crate::check::StatusSet| (200..300).any(|code| status.contains(code));
        if !base.status.as_ref().is_some_and(is_success) {
            let error = self.error("near misses are of a request that is accepted: the case expects no 2xx status");
            return Err(error.help("move `probe` to a case that expects success"));
        }
        Ok(base)
    }

    /// An invalid schema cannot show that a request is invalid.
    fn check_schemas(contract: &ApiContract, operation: &Operation) -> Result<(), Diagnostic> {
        let parameters = operation
            .parameters
            .iter()
            .filter_map(|parameter| parameter.schema.as_ref());
        let contents = operation.body.iter().flat_map(|body| &body.content);
        for schema in parameters.chain(contents.filter_map(|content| content.schema.as_ref())) {
            let errors = contract.document.schema_errors(schema, Direction::Request);
            if let Some(error) = errors.first() {
                return Err(error.clone());
            }
        }
        Ok(())
    }

    /// The names in `parameters` are parameters.
    fn check_names(&self, operation: &Operation) -> Result<(), Diagnostic> {
        let known = || operation.parameters.iter().map(|parameter| parameter.name.as_str());
        for named in &self.def.value.parameters {
            if !known().any(|name| name == named.value) {
                let message = format!("`{}` has no parameter `{}`", operation.name(), named.value);
                let known: Vec<_> = known().collect();
                return Err(Diagnostic::new(named.span, message).suggest(&named.value, known.iter().copied()));
            }
        }
        Ok(())
    }

    /// Removes the rows of `except`, and checks that pointers in `body` and patterns in `except` select something.
    fn leave_out(&self, probes: &mut Vec<Probe>) -> Result<(), Diagnostic> {
        for pattern in &self.def.value.except {
            if !probes
                .iter()
                .any(|probe| super::select::glob(&pattern.value, &probe.name))
            {
                let message = format!("no near miss is named `{}`", pattern.value);
                let error = Diagnostic::new(pattern.span, message);
                let near = nearest(&pattern.value, probes.iter().map(|probe| probe.name.as_str()));
                return Err(match near {
                    Some(name) => error.help(format!("did you mean `{name}`?")),
                    None => error.help("`conforme list` shows their names, in brackets"),
                });
            }
        }
        for pointer in &self.def.value.body {
            let name = probe::body_part(&pointer.value);
            let is_below = |probe: &Probe| {
                let rest = probe.subject().strip_prefix(&name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if !probes.iter().any(is_below) {
                let message = format!("the body has no near misses at `{}`", pointer.value);
                return Err(Diagnostic::new(pointer.span, message));
            }
        }
        let except = &self.def.value.except;
        probes.retain(|probe| {
            !except
                .iter()
                .any(|pattern| super::select::glob(&pattern.value, &probe.name))
        });
        Ok(())
    }

    fn cases(&self, probes: Vec<Probe>, step: usize, method: &str) -> Vec<Case> {
        let shared = Arc::new(probe_def(self.case, step));
        let at = shared
            .steps
            .iter()
            .position(|own| own.span == self.case.def.steps[step].span);
        let mut with_effect: Option<Arc<CaseDef>> = None;
        let row = |probe: Probe| {
            let other = probe.method().filter(|other| *other != method && is_unsafe(other));
            let def = match other {
                None => Arc::clone(&shared),
                Some(_) => Arc::clone(with_effect.get_or_insert_with(|| {
                    let mut def = (*shared).clone();
                    if !def.effects.iter().any(|effect| effect == UNDECLARED_METHOD) {
                        def.effects.push(UNDECLARED_METHOD.to_owned());
                    }
                    Arc::new(def)
                })),
            };
            Case {
                id: format!("{}[{probe}]", self.id()),
                suite: Arc::clone(&self.case.suite),
                def,
                example: self.case.example,
                probe: Some(Arc::new(ProbeRow {
                    probe,
                    step: at.unwrap_or(step),
                })),
                needs: Arc::clone(&self.case.needs),
                schemas: Arc::clone(&self.case.schemas),
                digest: self.case.digest,
                span: self.def.span,
            }
        };
        probes.into_iter().map(row).collect()
    }
}

/// The definition that the near misses of a case share: the steps before are its setup, and nothing follows but the teardown.
fn probe_def(case: &Case, step: usize) -> CaseDef {
    let mut def = (*case.def).clone();
    def.probe = None;
    let expected = def.expect_probe.take().map(|expected| expected.value);
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
            changed(&mut own, expected.clone().unwrap_or_default());
        }
        steps.push(own);
    }
    def.steps = steps;
    def
}

/// The step whose request is changed: it has the expectations of near misses. Its captures remain, so that what is made in
/// spite of them is removed.
fn changed(step: &mut StepDef, mut expected: ExpectDef) {
    let mut rules = std::mem::take(&mut step.expect.rules);
    rules.append(&mut expected.rules);
    rules.push(("openapi/request".to_owned(), Level::Off));
    step.expect = ExpectDef { rules, ..expected };
    step.snapshots = SnapshotsDef::default();
    step.eventually = None;
    step.throughout = None;
    step.go_on = false;
    debug_assert!(
        matches!(
            step.expect.status.as_ref().map(|status| &status.value),
            Some(StatusDef::Fixed(_))
        ),
        "near misses have a constant status"
    );
}
