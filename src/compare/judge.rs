//! Responses of the baseline, judged again by the suite as it is now. Nothing is sent.

use std::collections::{BTreeSet, HashMap};

use super::attribute::{Mark, marks_of};
use crate::{
    check::{self, ResponseView},
    model::{Answer, CaseFinished},
    plan::{Bound, Plan, Planned},
    source::Sources,
};

/// Judges responses by the cases of a plan for the baseline's target.
pub struct Judge<'p> {
    plan: &'p Plan,
    sources: &'p Sources,
    cases: HashMap<&'p str, &'p Planned>,
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("cases", &self.cases.len())
            .finish_non_exhaustive()
    }
}

impl<'p> Judge<'p> {
    /// By a plan for the recorded target of the baseline.
    pub fn new(plan: &'p Plan, sources: &'p Sources) -> Self {
        let cases = plan.cases.iter();
        Self {
            plan,
            sources,
            cases: cases.map(|planned| (planned.case.id.as_str(), planned)).collect(),
        }
    }

    /// What judges a case; `None` where it is not in the suite, or has no complete response.
    pub(super) fn case(&self, recorded: &CaseFinished) -> Option<JudgedCase> {
        let planned = self.cases.get(recorded.id.as_str())?;
        let mut bound = self.plan.bind(&planned.case, self.sources).ok()?;
        bound.request = recorded.last.exchange()?.request.clone();
        Some(JudgedCase { bound })
    }
}

/// What a case expects of the baseline.
pub(super) struct JudgedCase {
    bound: Bound,
}

impl JudgedCase {
    /// What fails a response; `None` where a recording does not have all of it.
    pub(super) fn marks(&self, answer: &Answer) -> Option<BTreeSet<Mark>> {
        if answer.body.is_cut() {
            return None;
        }
        let Bound {
            expectation, request, ..
        } = &self.bound;
        let view = ResponseView::new(answer, expectation.max_body);
        let mut findings = Vec::new();
        check::judge(expectation, request, &view, None, &mut findings);
        Some(marks_of(&findings, Some(&view)))
    }
}
