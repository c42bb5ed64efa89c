//! The requests of near misses.

use super::{Binder, Binding, Unbound};
use crate::{
    check::{ApiContract, NearMiss, StatusSet},
    model::{Finding, Request},
    plan::late::Late,
    source::{Diagnostic, Diagnostics, Sources},
    suite::Case,
};

/// The effect of a near miss whose method is not declared and can change data.
pub(crate) const UNDECLARED_METHOD: &str = "undeclared-method";

/// Whether a method can change data (RFC 9110 §9.2.1).
pub(crate) fn is_unsafe(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY")
}

/// The request that near misses are made from.
pub(crate) struct ProbeBase {
    pub(crate) request: Request,
    /// The document; `None` if the suite has none, or the step is not sent to the API.
    pub(crate) contract: Option<ApiContract>,
    /// The expected status.
    pub(crate) status: Option<StatusSet>,
    /// Whether the request has no value that is known only when it is sent.
    pub(crate) is_known: bool,
}

impl Binder {
    /// The request of a step before it is changed.
    pub(crate) fn probe_base(&self, case: &Case, step: usize, sources: &Sources) -> Result<ProbeBase, Unbound> {
        let late = Late::planned();
        let mut binding = self.binding(case, step, &late, sources)?;
        binding.is_amended = true;
        let request = binding.request()?;
        let inputs = case.needs.iter().map(String::as_str);
        let is_known = binding.scope.known(|| binding.request()).is_some() && self.target.has_values_of(inputs);
        let base = ProbeBase {
            request,
            contract: binding.api_contract(),
            status: binding.status()?.map(|(status, _)| status),
            is_known,
        };
        binding.finish(base)
    }

    /// Errors of the request that the rows of `probe` are made from, with the values of the target.
    pub(crate) fn probe_errors(&self, case: &Case, step: usize, sources: &Sources) -> Diagnostics {
        let mut errors = Diagnostics::default();
        if let Ok(base) = self.probe_base(case, step, sources)
            && base.is_known
            && let Some(contract) = &base.contract
            && let Some(found) = contract.request_violations(&base.request).into_iter().next()
        {
            errors.push(invalid_base(case, &found));
        }
        errors
    }
}

/// A request that is not valid itself.
pub(crate) fn invalid_base(case: &Case, found: &Finding) -> Diagnostic {
    let place = found
        .location
        .as_ref()
        .map(|place| format!(" ({place})"))
        .unwrap_or_default();
    let message = format!(
        "near misses of an invalid request prove nothing: {}{place}",
        found.message
    );
    let span = case.probe.as_ref().map(|_| case.span);
    let span = span.or_else(|| case.def.probe.as_ref().map(|probe| probe.span));
    Diagnostic::new(span.unwrap_or(case.span), message).help("correct the request or the document, or remove `probe`")
}

impl Binding<'_> {
    /// The request with the change of the near miss, if the step has one.
    pub(super) fn near_miss(&self, request: Request) -> Request {
        match (self.case.probe_at(self.index), self.api_contract()) {
            (Some(probe), Some(contract)) => probe.apply(&contract, request),
            _ => request,
        }
    }

    /// The same, if the change makes the request invalid with the values that it has now.
    pub(super) fn changed(&self, request: Request) -> Result<Request, Unbound> {
        let (Some(probe), Some(contract)) = (self.case.probe_at(self.index), self.api_contract()) else {
            return Ok(request);
        };
        let changed = probe.apply(&contract, request.clone());
        // Masked values are not those that were sent.
        if self.binder.target.is_recorded() {
            return Ok(changed);
        }
        match probe.objection(&contract, &request, &changed) {
            Some(reason) => Err(Unbound::Pointless(format!("not a near miss here: {reason}"))),
            None => Ok(changed),
        }
    }

    /// Why the request is invalid, if it must be rejected.
    pub(super) fn near_miss_expected(&self) -> Option<NearMiss> {
        let probe = self.case.probe_at(self.index)?;
        let declared = self
            .case
            .def
            .effects
            .iter()
            .filter(|effect| *effect != UNDECLARED_METHOD);
        let declared: Vec<_> = declared.map(|effect| format!("`{effect}`")).collect();
        let own = self.step.request.method.as_ref();
        let own = own.map_or_else(|| "GET".to_owned(), |method| self.scope.text(method));
        let method = probe.method().unwrap_or(&own);
        let effect = match declared.as_slice() {
            _ if probe.method().is_some() && is_unsafe(method) => {
                format!("`{method}` may have changed or deleted data, and teardown steps do not know of it")
            }
            [] if is_unsafe(method) => format!("`{method}` may have changed data"),
            [] => String::new(),
            [one] => format!("it may have had the effect {one}"),
            many => format!("it may have had the effects {}", many.join(" and ")),
        };
        Some(NearMiss {
            sentence: probe.sentence(),
            effect,
        })
    }
}
