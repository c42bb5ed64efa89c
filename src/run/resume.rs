//! Cases that an earlier run began and did not finish: only their teardown is run, with what the recording contains.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::FlowState;
use crate::{
    model::{HIDDEN, Outcome, Phase, Response, Step, marks_of},
    project::Tokens,
    suite::{Case, StepDef},
};

/// Cases of which only the teardown is run.
#[derive(Clone, Debug, Default)]
pub struct BegunCases {
    /// By id, the steps that the earlier run has sent.
    pub steps: BTreeMap<String, Vec<Step>>,
    /// The ids of steps that are sent again before the teardown, because the recording does not contain what they captured.
    pub repeated: BTreeSet<String>,
}

/// What a recording does not contain of a case, because it is secret.
#[derive(Debug, Default)]
pub(super) struct LostValues {
    /// The step that captured each value.
    captures: BTreeMap<String, String>,
    /// The steps whose `Location` contains a secret.
    locations: BTreeSet<String>,
    /// Cookies, each with the endpoint that has set it and the step.
    cookies: Vec<(Option<String>, String, String)>,
}

impl BegunCases {
    /// Whether a step of a case is not sent, because the earlier run has sent it.
    pub(super) fn is_sent(&self, step: &str) -> bool {
        !self.repeated.contains(step)
    }

    /// Whether a step of the teardown of a case passed in the earlier run.
    pub(crate) fn is_removed(&self, case: &str, step: &str) -> bool {
        let mut steps = self.steps.get(case).into_iter().flatten();
        steps.any(|sent| {
            let is_step = sent.phase == Phase::Teardown && sent.id == step;
            is_step && sent.omitted.is_none() && !sent.fails() && !sent.has_no_response()
        })
    }

    /// Gives an attempt the captures and responses of the earlier run; false if that has not begun the case.
    pub(super) fn resume(&self, case: &Case, tokens: &Tokens, attempt: &mut FlowState) -> bool {
        let Some(steps) = self.steps.get(&case.id) else {
            return false;
        };
        let inputs = case.suite.def.inputs.iter();
        let inputs = inputs
            .filter(|(_, input)| input.value.secret)
            .map(|(name, _)| name.as_str());
        let captures = case.def.steps.iter().flat_map(|step| &step.capture);
        // Everything that a login case captures is a secret.
        let is_login = tokens.logins().any(|(_, login)| login.case.0 == case.id);
        let captures = captures.filter(|capture| capture.secret || is_login);
        let marks: Vec<_> = inputs
            .chain(captures.map(|capture| &*capture.name))
            .chain(tokens.iter().map(|token| token.name.as_str()))
            .flat_map(marks_of)
            .chain([HIDDEN.to_owned()])
            .collect();
        let is_masked = |text: &str| marks.iter().any(|mark| text.contains(mark.as_str()));
        let mut lost = LostValues::default();
        for step in steps {
            attempt.late.begin_recorded(&step.generated);
            for (name, value) in &step.captures {
                if is_masked(&value.to_string()) {
                    lost.captures.insert(name.clone(), step.id.clone());
                } else {
                    attempt.late.capture(name, value.clone());
                }
            }
            let Some(exchange) = &step.exchange else { continue };
            if let Outcome::Response(response) = &exchange.outcome {
                if response.header("location").any(is_masked) {
                    lost.locations.insert(step.id.clone());
                    continue;
                }
                let def = case.def.steps.iter().find(|def| def.id == step.id);
                if attempt.cookies.is_some() && !self.repeated.contains(&step.id) {
                    let endpoint = def.and_then(super::step::endpoint_of);
                    let names = cookies_of(response);
                    let names = names.map(|name| (endpoint.clone(), name.to_owned(), step.id.clone()));
                    lost.cookies.extend(names);
                }
            }
            attempt.exchanges.insert(step.id.clone(), exchange.clone().into());
        }
        attempt.lost = lost;
        true
    }
}

/// The names of the cookies that a response sets.
fn cookies_of(response: &Response) -> impl Iterator<Item = &str> {
    let pairs = response
        .header("set-cookie")
        .filter_map(|cookie| cookie.split_once('='));
    // An empty value is that of a cookie that is removed.
    let kept = pairs.filter(|(_, value)| !value.starts_with(';') && !value.is_empty());
    kept.map(|(name, _)| name.trim())
}

impl LostValues {
    /// Why a value that the teardown needs is not known.
    pub(super) fn why(&self, name: &str) -> String {
        match self.captures.get(name) {
            None => format!("`{name}` was not captured"),
            Some(step) => format!(
                "the recording does not contain the secret `{name}`: add `--repeat-step {step}` to send the step that captures it again"
            ),
        }
    }

    /// Why it is not known whether a teardown step has removed what the case created.
    pub(super) fn no_verdict(&self, def: &StepDef, step: &Step) -> Option<String> {
        if step
            .omitted
            .as_ref()
            .is_some_and(|reason| self.captures.keys().any(|name| *reason == self.why(name)))
        {
            return step.omitted.clone();
        }
        if let Some(followed) = def.follow.as_ref().map(|follow| &follow.value.step)
            && self.locations.contains(followed)
        {
            return Some(format!(
                "the `Location` of the step `{followed}` contains a secret, which is not in the recording"
            ));
        }
        let endpoint = super::step::endpoint_of(def);
        let (_, cookie, setter) = self.cookies.iter().find(|(own, ..)| *own == endpoint)?;
        // A success shows that the cookie was not needed; a 404 could be due to it.
        let is_success =
            |outcome: &Outcome| matches!(outcome, Outcome::Response(response) if response.status / 100 == 2);
        step.exchange
            .as_ref()
            .filter(|exchange| !is_success(&exchange.outcome))?;
        Some(format!(
            "`{}` was sent without the cookie `{cookie}`, which is not in the recording: add `--repeat-step {setter}` to send the step that sets it again",
            step.id
        ))
    }
}
