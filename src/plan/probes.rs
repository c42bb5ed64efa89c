//! Rows of `probe` and `explored`: each near miss of a case, and each request that was explored, is a case of its own.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    bind::{Binder, ProbeBase, UNDECLARED_METHOD, Unbound, invalid_base, is_unsafe},
    derived::derived,
};
use crate::{
    check::ApiContract,
    model::{Level, Phase},
    openapi::{Direction, Operation},
    probe::{self, Probe},
    project::Target,
    snapshot::SnapshotStore,
    source::{Diagnostic, Diagnostics, Sources, nearest},
    suite::{Case, CaseDef, ExpectDef, ExploredDef, ProbeDef, ProbeRow, StatusDef, StepDef, Suites, Written},
};

/// Adds the rows of `probe` and `explored` after their cases. They are the same on all targets: inputs have placeholder values here.
pub(crate) fn expand(suites: &mut Suites, snapshots: &SnapshotStore, sources: &Sources, errors: &mut Diagnostics) {
    let is_derived = |case: &Case| case.def.probe.is_some() || !case.def.explored.is_empty();
    if !suites.cases.iter().any(|case| is_derived(case)) {
        return;
    }
    let Ok(target) = Target::placeholder(suites) else {
        return;
    };
    let binder = Binder::new(suites, &Arc::new(target), snapshots.clone());
    let mut all = Vec::with_capacity(suites.cases.len());
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    // All rows of a table come before those that are derived from its first row.
    let cases = std::mem::take(&mut suites.cases);
    let mut cases = cases.into_iter().peekable();
    let mut first: Option<Arc<Case>> = None;
    while let Some(case) = cases.next() {
        let address = Arc::as_ptr(&case.def).addr();
        if is_derived(&case) && seen.insert(address) {
            first = Some(Arc::clone(&case));
        }
        let is_last = cases.peek().is_none_or(|next| !Arc::ptr_eq(&next.def, &case.def));
        all.push(case);
        let Some(case) = first.take_if(|_| is_last) else {
            continue;
        };
        if let Some(def) = &case.def.probe {
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
        all.extend(explored_rows(&case).map(Arc::new));
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
            let message = format!(
                "`probe` of `{}` leaves out {left} of {all} near misses",
                self.case.file_id()
            );
            let help = format!("`max` is {}; it can be up to 5000", self.def.value.max);
            omitted.push(Diagnostic::new(self.def.span, message).help(help));
        }
        Ok(self.cases(probes, step, &request.method))
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
                id: format!("{}[{probe}]", self.case.file_id()),
                suite: Arc::clone(&self.case.suite),
                def,
                example: self.case.example,
                probe: Some(Arc::new(ProbeRow {
                    probe,
                    step: at.unwrap_or(step),
                })),
                is_explored: false,
                needs: Arc::clone(&self.case.needs),
                schemas: Arc::clone(&self.case.schemas),
                digest: self.case.digest,
                span: self.def.span,
            }
        };
        probes.into_iter().map(row).collect()
    }
}

/// The rows of `explored` of a case.
pub(crate) fn explored_rows(case: &Case) -> impl Iterator<Item = Case> {
    case.def.explored.iter().map(|row| explored(case, row))
}

/// A row of `explored`.
fn explored(case: &Case, row: &ExploredDef) -> Case {
    let mut def = derived(case, row.step);
    let base = &case.def.steps[row.step];
    if let Some(step) = def.steps.iter_mut().find(|own| own.span == base.span) {
        let mut rules = std::mem::take(&mut step.expect.rules);
        rules.extend(row.expect.rules.iter().cloned());
        step.expect = ExpectDef {
            rules,
            ..row.expect.clone()
        };
        step.request = row.request.clone();
        step.uses.clone_from(&row.uses);
    }
    Case {
        id: format!("{}[{}]", case.file_id(), row.name),
        def: Arc::new(def),
        probe: None,
        is_explored: true,
        span: row.span,
        ..case.clone()
    }
}

/// The definition that the near misses of a case share.
fn probe_def(case: &Case, step: usize) -> CaseDef {
    let mut def = derived(case, step);
    let expected = case.def.expect_probe.as_ref().map(|expected| expected.value.clone());
    let at = def.steps.iter_mut().find(|own| own.span == case.def.steps[step].span);
    if let Some(own) = at {
        changed(own, expected.unwrap_or_default());
    }
    def
}

/// The step whose request is changed: it has the expectations of near misses. Its captures remain, so that what is made in
/// spite of them is removed.
fn changed(step: &mut StepDef, mut expected: ExpectDef) {
    let mut rules = std::mem::take(&mut step.expect.rules);
    rules.append(&mut expected.rules);
    rules.push(("openapi/request".to_owned(), Level::Off));
    step.expect = ExpectDef { rules, ..expected };
    debug_assert!(
        matches!(
            step.expect.status.as_ref().map(|status| &status.value),
            Some(StatusDef::Fixed(_))
        ),
        "near misses have a constant status"
    );
}
