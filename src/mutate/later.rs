//! The later steps of a case that judge a mutant, because they use what it changes: a captured value, the `Location`, the
//! cookies, or the response as a whole (`same_as`).

use std::collections::{BTreeMap, HashMap};

use url::Url;

use crate::{
    check::{self, FailingLayers, failing_layers},
    model::{CaseFinished, CheckId, Exchange, Outcome, Request, Response, Step},
    plan::{Bound, Cookies, FollowUrl, Late, Plan, Planned, Unbound, follow_url},
    source::Sources,
    suite::{FollowDef, StepDef},
};

/// The recorded steps of a case, in the order in which they ran.
pub(super) struct RecordedSteps {
    planned: Planned,
    steps: Vec<RecordedStep>,
}

struct RecordedStep {
    /// Its index in the case.
    index: usize,
    /// The captured and generated values that were known when it was sent.
    known: Step,
    /// Its request and expectation with these values; none if it can no longer be bound.
    bound: Option<Bound>,
    exchange: Exchange,
    /// Whether its response passes with the current suite.
    passes: bool,
}

/// The result of the later steps for a mutant.
pub(super) enum LaterResult {
    /// They pass, or use nothing that it changes.
    Passes,
    /// One of them fails, in these layers.
    Fails(FailingLayers),
    /// One of them would send a different request, whose response is not recorded.
    Unknown,
}

impl RecordedStep {
    fn response(&self) -> Option<&Response> {
        match &self.exchange.outcome {
            Outcome::Response(response) => Some(response),
            _ => None,
        }
    }

    fn late(&self) -> Late {
        Late::of_recorded(&self.known)
    }
}

impl RecordedSteps {
    /// `recorded` are the steps of a recording by their ids.
    pub(super) fn read(
        planned: &Planned,
        plan: &Plan,
        sources: &Sources,
        recorded: &HashMap<&str, &CaseFinished>,
    ) -> Self {
        let mut flow = Self {
            planned: planned.clone(),
            steps: Vec::new(),
        };
        let mut captures = BTreeMap::new();
        for (index, def) in planned.case.def.steps.iter().enumerate() {
            let id = planned.case.step_id(def);
            let step = recorded.get(id.as_str()).and_then(|case| case.last.steps.first());
            let Some((step, exchange)) = step.and_then(|step| Some((step, step.exchange.clone()?))) else {
                continue;
            };
            let mut one = RecordedStep {
                index,
                known: Step {
                    captures: captures.clone(),
                    generated: step.generated.clone(),
                    ..Step::default()
                },
                bound: None,
                exchange,
                passes: false,
            };
            one.bound = plan.bind(&planned.case, index, &one.late(), sources).ok();
            if let (Some(bound), Some(response)) = (&one.bound, one.response()) {
                let values = check::captured(&bound.expectation, response);
                let all = bound.expectation.captures.iter().zip(values);
                captures.extend(all.filter_map(|(capture, value)| Some((capture.name.to_string(), value?))));
                let judged = check::check(
                    &bound.expectation,
                    &one.exchange.request,
                    &one.exchange.outcome,
                    flow.other(def),
                );
                one.passes = !judged.fails();
            }
            // What a masked response no longer contains is taken as it was recorded.
            for (name, value) in &step.captures {
                captures.entry(name.clone()).or_insert_with(|| value.clone());
            }
            flow.steps.push(one);
        }
        flow
    }

    /// Whether any step follows another, so that it can judge its mutants.
    pub(super) fn has_later(&self) -> bool {
        self.steps.len() > 1
    }

    /// The values that were known when a step of the case was sent.
    pub(super) fn late(&self, index: usize) -> Late {
        let step = self.steps.iter().find(|step| step.index == index);
        step.map_or_else(Late::recorded, RecordedStep::late)
    }

    fn def(&self, step: &RecordedStep) -> &StepDef {
        &self.planned.case.def.steps[step.index]
    }

    /// The response that the one to a step is compared with.
    fn other(&self, def: &StepDef) -> Option<&Outcome> {
        let id = &def.expect.same_as.as_ref()?.value;
        let other = self.steps.iter().find(|step| self.def(step).id == *id)?;
        Some(&other.exchange.outcome)
    }

    /// Judges a mutant of the response to the step at an index of the case by the steps after it.
    pub(super) fn judge(&self, index: usize, mutant: &Response, plan: &Plan, sources: &Sources) -> LaterResult {
        let Some(at) = self.steps.iter().position(|step| step.index == index) else {
            return LaterResult::Passes;
        };
        let Some(change) = MutatedPart::of(&self.steps[at], self.def(&self.steps[at]), mutant) else {
            return LaterResult::Passes;
        };
        let has_jar = change.sets_cookies && self.planned.case.def.cookies != Some(false);
        let mut jars = has_jar.then(|| self.jars(at, mutant));
        for step in &self.steps[at + 1..] {
            let def = self.def(step);
            if let Some(result) = change.follow(def, &step.exchange.request) {
                return result;
            }
            if let Some((before, after)) = jars.as_mut().map(|jars| jars.of(def)) {
                if sent_cookies(before, &step.exchange.request) != sent_cookies(after, &step.exchange.request) {
                    return LaterResult::Unknown;
                }
                if let Some(response) = step.response() {
                    before.take(&step.exchange.request, response);
                    after.take(&step.exchange.request, response);
                }
            }
            match self.judge_step(step, &change, plan, sources) {
                LaterResult::Passes => {}
                result => return result,
            }
        }
        LaterResult::Passes
    }

    fn judge_step(&self, step: &RecordedStep, change: &MutatedPart<'_>, plan: &Plan, sources: &Sources) -> LaterResult {
        let def = self.def(step);
        let is_compared = (def.expect.same_as.as_ref()).is_some_and(|other| other.value == change.def.id);
        if change.captures.is_empty() && !is_compared {
            return LaterResult::Passes;
        }
        let mut late = step.late();
        for (name, value) in &change.captures {
            late.capture(name, value.clone());
        }
        let Some(before) = &step.bound else {
            return LaterResult::Unknown;
        };
        let bound = match plan.bind(&self.planned.case, step.index, &late, sources) {
            Ok(bound) => bound,
            // A value that cannot be sent or compared is a finding in a run.
            Err(Unbound::Invalid(_)) => return LaterResult::Fails(FailingLayers::of(&CheckId::RequestValue)),
            Err(_) => return LaterResult::Unknown,
        };
        let is_judge = step.passes && bound.request == before.request;
        let Some(response) = step.response().filter(|_| is_judge) else {
            return LaterResult::Unknown;
        };
        let mutant = is_compared.then(|| Outcome::Response(change.mutant.clone()));
        let other = mutant.as_ref().or_else(|| self.other(def));
        let failing = failing_layers(&bound.expectation, &step.exchange.request, response, other);
        if failing.is_empty() {
            LaterResult::Passes
        } else {
            LaterResult::Fails(failing)
        }
    }

    /// The cookies after the step at a position, with its recorded response and with a mutant of it.
    fn jars(&self, at: usize, mutant: &Response) -> Jars {
        let mut jars = Jars::default();
        for (number, step) in self.steps[..=at].iter().enumerate() {
            let (before, after) = jars.of(self.def(step));
            let Some(response) = step.response() else { continue };
            before.take(&step.exchange.request, response);
            after.take(&step.exchange.request, if number == at { mutant } else { response });
        }
        jars
    }
}

/// What a mutant changes for later steps.
struct MutatedPart<'a> {
    def: &'a StepDef,
    original: &'a RecordedStep,
    mutant: &'a Response,
    /// The captures whose values differ.
    captures: Vec<(String, serde_json::Value)>,
    sets_cookies: bool,
}

impl<'a> MutatedPart<'a> {
    /// None if the step cannot be judged.
    fn of(original: &'a RecordedStep, def: &'a StepDef, mutant: &'a Response) -> Option<Self> {
        let (bound, response) = (original.bound.as_ref()?, original.response()?);
        let before = check::captured(&bound.expectation, response);
        let after = check::captured(&bound.expectation, mutant);
        let names = bound.expectation.captures.iter().map(|capture| &capture.name);
        let changed = names.zip(before.into_iter().zip(after));
        let changed = changed.filter(|(_, (before, after))| before != after);
        let captures = changed.filter_map(|(name, (_, after))| Some((name.to_string(), after?)));
        Some(Self {
            def,
            original,
            mutant,
            captures: captures.collect(),
            sets_cookies: !response.header("set-cookie").eq(mutant.header("set-cookie")),
        })
    }

    /// The result for a step that follows the `Location`, if it follows a different one. `sent` is its recorded request.
    fn follow(&self, def: &StepDef, sent: &Request) -> Option<LaterResult> {
        let FollowDef {
            step,
            allow_other_origin,
        } = &def.follow.as_ref()?.value;
        if *step != self.def.id {
            return None;
        }
        let origin = Url::parse(&sent.url).ok()?.origin().ascii_serialization();
        let mut exchange = self.original.exchange.clone();
        let before = follow_url::of(Some(&exchange), &origin);
        exchange.outcome = Outcome::Response(self.mutant.clone());
        match follow_url::of(Some(&exchange), &origin) {
            after if after == before => None,
            FollowUrl::Same(_) => Some(LaterResult::Unknown),
            FollowUrl::Other(_) if *allow_other_origin => Some(LaterResult::Unknown),
            _ => Some(LaterResult::Fails(FailingLayers::of(&CheckId::Follow))),
        }
    }
}

/// Cookies by endpoint, with a recorded response and with a mutant of it.
#[derive(Default)]
struct Jars {
    by_endpoint: HashMap<Option<String>, (Cookies, Cookies)>,
}

impl Jars {
    fn of(&mut self, def: &StepDef) -> (&mut Cookies, &mut Cookies) {
        let endpoint = def.endpoint().map(|endpoint| endpoint.value.clone());
        let pair = self.by_endpoint.entry(endpoint);
        let (before, after) = pair.or_insert_with(|| (Cookies::new(), Cookies::new()));
        (before, after)
    }
}

/// The `Cookie` that is sent with a request.
fn sent_cookies(jar: &Cookies, request: &Request) -> Vec<(String, String)> {
    let mut sent = Request {
        headers: Vec::new(),
        ..request.clone()
    };
    jar.add(&mut sent);
    sent.headers
}
