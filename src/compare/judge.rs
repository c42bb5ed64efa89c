//! Checks of the baseline's responses with the current suite. Nothing is sent.

use std::collections::{BTreeSet, HashMap};

use super::attribute::{Mark, marks_of};
use crate::{
    check::{self, ResponseView},
    model::{CaseFinished, Response},
    plan::{Bound, Late, Plan, Planned},
    source::Sources,
};

/// Checks responses with the cases of a plan for the baseline's target.
pub struct Judge<'p> {
    plan: &'p Plan,
    sources: &'p Sources,
    /// By the id of the step: its case, and its index in it.
    steps: HashMap<String, (&'p Planned, usize)>,
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}

impl<'p> Judge<'p> {
    /// Creates it from a plan for the recorded target of the baseline.
    pub fn new(plan: &'p Plan, sources: &'p Sources) -> Self {
        let steps = plan.cases.iter().flat_map(|planned| {
            let steps = planned.case.def.steps.iter().enumerate();
            steps.map(move |(index, step)| (planned.case.step_id(step), (planned, index)))
        });
        Self {
            plan,
            sources,
            steps: steps.collect(),
        }
    }

    /// The expectations of a case; `None` if it is not in the suite or has no complete response.
    pub(super) fn case(&self, recorded: &CaseFinished) -> Option<JudgedCase> {
        let (planned, index) = self.steps.get(recorded.id.as_str())?;
        let late = Late::of_recorded(recorded.last.steps.first()?);
        let mut bound = self.plan.bind(&planned.case, *index, &late, self.sources).ok()?;
        bound.request = recorded.last.exchange()?.request.clone();
        Some(JudgedCase { bound })
    }
}

/// The expectations of a case, on the baseline.
pub(super) struct JudgedCase {
    bound: Bound,
}

impl JudgedCase {
    /// The failing checks of a response; `None` if the recording does not contain all of it.
    pub(super) fn marks(&self, response: &Response) -> Option<BTreeSet<Mark>> {
        if response.body.is_cut() {
            return None;
        }
        let Bound {
            expectation, request, ..
        } = &self.bound;
        let view = ResponseView::new(response, expectation.max_body);
        let mut findings = Vec::new();
        check::judge(expectation, request, &view, None, &mut findings);
        Some(marks_of(&findings, Some(&view)))
    }
}
