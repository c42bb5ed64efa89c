//! Runs a case that can send several requests: its steps in order, the values between them, and its teardown.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::Instant,
};

use super::{
    login::{self, LoginRun, TokenFailure},
    mailbox, repeat,
    resume::LostValues,
    retry::{self, Wait},
    sent::SentRequest,
    step::{
        Done, ENDED, Ends, JudgedStep, PolledStep, StepEnd, StepSource, attempt_of, endpoint_of, ends_of, is_ended,
        is_lasting, next_poll, omit, refused, settled, skipped, without_token,
    },
    worker::{CaseResult, Shared, WorkerEvent, judge, pause},
};
use crate::{
    check::{self, Capture, CheckResult},
    http::{Client, WatchedResponse},
    model::{
        Attempt, CREDENTIALS, CheckId, Exchange, Finding, HIDDEN, Level, Outcome, Phase, Request, Step, Verdict,
        marks_of,
    },
    plan::{Bound, Cookies, FollowUrl, Late, Unbound, follow_url},
    project::{BaseUrl, Secret},
    suite::{Case, StepDef},
};

/// Why a case has no verdict when the run ends early.
const CASE_ENDED: &str = "the run ended before the case did";

/// A case that is being run.
pub(super) struct Flow {
    shared: Arc<Shared>,
    sender: mpsc::UnboundedSender<WorkerEvent>,
    index: usize,
    /// Held while requests may be in flight, and given up while the case waits.
    slot: Option<OwnedSemaphorePermit>,
    /// Whether a request of the case was sent before.
    is_started: bool,
    /// The secrets that the case captures for others, if it is run as a login case.
    login: Option<LoginNames>,
}

/// New snapshots: the index of the step in the attempt, and the text.
pub(super) type NewSnapshots = Vec<(usize, String)>;

/// By capture of a login case, the names of the tokens that it is used for.
pub(super) type LoginNames = BTreeMap<String, Vec<String>>;

/// A case whose requests were all sent.
pub(super) struct CompletedFlow {
    sender: mpsc::UnboundedSender<WorkerEvent>,
    index: usize,
    last: (Vec<Done>, Option<String>),
    previous: Vec<Attempt>,
    repeats: Vec<(Vec<Done>, Option<String>)>,
}

/// One attempt while it runs.
pub(super) struct FlowState {
    begun: DateTime<Utc>,
    /// Whether an earlier run began the case: only its teardown is run.
    is_resumed: bool,
    /// What is not known of that run.
    pub(super) lost: LostValues,
    /// Whether exchanges are not recorded, because a captured secret cannot be masked.
    is_hidden: bool,
    pub(super) late: Late,
    /// By endpoint; none if cookies are turned off.
    pub(super) cookies: Option<HashMap<Option<String>, Cookies>>,
    /// By id, the last request and response of each step.
    pub(super) exchanges: HashMap<String, Arc<Exchange>>,
    done: Vec<Done>,
    /// The first step that did not pass: the following ones are not sent.
    failed: Option<String>,
    /// Why there is no verdict.
    reason: Option<String>,
}

impl FlowState {
    /// What was sent so far.
    pub(super) fn attempt(&self) -> Attempt {
        attempt_of(&self.done, self.reason.clone())
    }

    /// Since when messages count: since the request of a step, or else since the attempt began.
    fn since(&self, step: Option<&str>) -> DateTime<Utc> {
        let of_step = step.and_then(|id| self.done.iter().find(|done| done.step.id == id));
        of_step.and_then(|done| done.step.started).unwrap_or(self.begun)
    }
}

impl Flow {
    pub(super) fn new(
        shared: Arc<Shared>,
        sender: mpsc::UnboundedSender<WorkerEvent>,
        index: usize,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            shared,
            sender,
            index,
            slot,
            is_started: false,
            login: None,
        }
    }

    /// A login case. Its requests are sent while a case that needs it waits, so they take no slot of their own. `is_again`: it
    /// was run before.
    pub(super) fn of_login(
        shared: Arc<Shared>,
        sender: mpsc::UnboundedSender<WorkerEvent>,
        index: usize,
        names: LoginNames,
        is_again: bool,
    ) -> Self {
        Self {
            is_started: is_again,
            login: Some(names),
            ..Self::new(shared, sender, index, None)
        }
    }

    /// Runs a login case up to its teardown, with retries. None if a check panics.
    pub(super) async fn log_in(mut self) -> Option<LoginRun> {
        let mut previous = Vec::new();
        let case = self.case();
        let mut number = 0;
        loop {
            number += 1;
            let mut running = self.begin(&case);
            self.steps(&case, &mut running, |phase| phase != Phase::Teardown)
                .await?;
            let attempt = running.attempt();
            let is_passed = attempt.verdict(false) == Verdict::Passed;
            if !is_passed {
                // For the cases that need it, it is a setup.
                for done in &mut running.done {
                    done.step.phase = Phase::Setup;
                }
                self.steps(&case, &mut running, |phase| phase == Phase::Teardown)
                    .await?;
            }
            if is_passed || !self.await_retry(&attempt, number).await {
                return Some(LoginRun {
                    flow: self,
                    running,
                    previous,
                    is_passed,
                });
            }
            previous.push(running.attempt());
        }
    }

    /// Runs the teardown of a login case that passed. Returns the attempt and its new snapshots; none if a check panics.
    pub(super) async fn tear_down(mut self, mut running: FlowState, is_open: bool) -> Option<(Attempt, NewSnapshots)> {
        if is_open {
            let case = self.case();
            self.steps(&case, &mut running, |phase| phase == Phase::Teardown)
                .await?;
        }
        Some(settled((running.done, running.reason), false).await)
    }

    fn case(&self) -> Arc<Case> {
        Arc::clone(&self.shared.plan.cases[self.index].case)
    }

    /// Sends all requests of the case, and returns what is left to judge. None if a check panics.
    pub(super) async fn run(mut self) -> Option<CompletedFlow> {
        let mut previous = Vec::new();
        let mut repeats = Vec::new();
        let finished = self.attempts(&mut previous).await;
        for number in 1..self.shared.repeats {
            let case = self.case();
            let ends = *self.shared.stopping.borrow() || !self.shared.may_ask(&case.id, number).await;
            if ends || finished.is_none() {
                break;
            }
            repeats.extend(self.attempts(&mut previous).await);
        }
        // No more requests follow.
        self.slot = None;
        self.shared.is_done();
        Some(CompletedFlow {
            sender: self.sender,
            index: self.index,
            last: finished?,
            previous,
            repeats,
        })
    }

    /// Runs attempts, each with its teardown, until one is not retried. None if a check panics.
    async fn attempts(&mut self, previous: &mut Vec<Attempt>) -> Option<(Vec<Done>, Option<String>)> {
        for number in 1.. {
            let (done, reason) = self.attempt().await?;
            let attempt = attempt_of(&done, reason.clone());
            if !self.await_retry(&attempt, number).await {
                return Some((done, reason));
            }
            previous.push(attempt);
        }
        None
    }

    /// Waits for the next attempt; false if there is none.
    async fn await_retry(&mut self, attempt: &Attempt, number: u32) -> bool {
        let is_abandoned = *self.shared.stopping.borrow() || *self.shared.abandoned.borrow();
        if number > self.shared.plan.target.retry.most || is_abandoned {
            return false;
        }
        let Some(wait) = self.retry(attempt, number) else {
            return false;
        };
        drop(self.sender.send(WorkerEvent::Retried {
            index: self.index,
            number,
            failed: Box::new(attempt.clone()),
            wait,
            is_complete: true,
        }));
        self.is_started = false;
        self.wait(wait, &Arc::clone(&self.shared).stopping).await
    }

    /// Whether findings fail a step. A new snapshot that is accepted does not.
    fn fails(&self, findings: &[Finding]) -> bool {
        let is_accepted = |one: &Finding| self.shared.accepts_snapshots && one.check == CheckId::Snapshot;
        findings.iter().any(|one| one.level == Level::Deny && !is_accepted(one))
    }

    /// The wait before the next attempt, if this one did not pass for a reason that is retried.
    fn retry(&self, attempt: &Attempt, number: u32) -> Option<Duration> {
        let retry = &self.shared.plan.target.retry;
        let step = attempt
            .deciding()
            .filter(|step| step.fails() || step.has_no_response())?;
        match retry::wait(&step.exchange.as_ref()?.outcome, number, retry)? {
            Wait::Backoff(wait) => Some(wait),
            Wait::After(wait) => self.shared.gate.close(Instant::now(), wait, retry.most),
        }
    }

    /// Runs all steps once. Returns why there is no verdict, if the run ended before the last step. None if a check panics.
    async fn attempt(&mut self) -> Option<(Vec<Done>, Option<String>)> {
        let case = self.case();
        let mut running = self.begin(&case);
        self.steps(&case, &mut running, |_| true).await?;
        Some((running.done, running.reason))
    }

    /// Begins an attempt.
    fn begin(&self, case: &Case) -> FlowState {
        let mut running = FlowState {
            begun: Utc::now(),
            is_resumed: false,
            lost: LostValues::default(),
            is_hidden: false,
            late: Late::default(),
            cookies: (case.def.cookies != Some(false)).then(HashMap::new),
            exchanges: HashMap::new(),
            done: Vec::new(),
            failed: None,
            reason: None,
        };
        running.is_resumed = self.login.is_none()
            && self
                .shared
                .begun
                .resume(case, &self.shared.plan.target.tokens, &mut running);
        running
    }

    /// Runs the steps of some phases of an attempt. None if a check panics.
    async fn steps(&mut self, case: &Case, running: &mut FlowState, is_run: impl Fn(Phase) -> bool) -> Option<()> {
        let has_teardown = case.def.steps.iter().any(|step| step.phase == Phase::Teardown);
        let shared = Arc::clone(&self.shared);
        for (index, def) in case.def.steps.iter().enumerate() {
            if !is_run(def.phase) {
                continue;
            }
            let is_teardown = def.phase == Phase::Teardown;
            let is_over = || match def.phase {
                Phase::Teardown => shared.begun.is_removed(&case.id, &def.id),
                _ => shared.begun.is_sent(&def.id),
            };
            if running.is_resumed && is_over() {
                continue;
            }
            if !is_teardown && *self.shared.abandoned.borrow() && running.reason.is_none() {
                running.reason = Some(CASE_ENDED.to_owned());
            }
            if let Some(why) = self.shared.plan.cases[self.index].skipped_step(index) {
                running.done.push(skipped(def, why));
                continue;
            }
            let omitted = match (&running.failed, &running.reason) {
                _ if is_teardown => None,
                (Some(step), _) => Some(format!("the step `{step}` did not pass")),
                (None, Some(_)) => Some(ENDED.to_owned()),
                (None, None) => None,
            };
            if omitted.is_some() {
                running.done.push(omit(def, omitted));
                continue;
            }
            let done = self.step(case, index, running).await?;
            let passed = !self.fails(&done.step.findings) && !done.step.has_no_response();
            if let Some(reason) = &done.no_token {
                running.reason.get_or_insert_with(|| reason.clone());
                if !is_teardown {
                    running.failed.get_or_insert_with(|| def.id.clone());
                }
            } else if !is_teardown && done.step.omitted.is_some() && !done.step.fails() {
                let why = done.step.omitted.clone().filter(|why| why != ENDED);
                running.reason = Some(why.unwrap_or_else(|| CASE_ENDED.to_owned()));
            }
            if running.is_resumed && is_teardown && passed && running.reason.is_none() {
                running.reason = running.lost.no_verdict(def, &done.step);
            }
            if !passed && !def.go_on && !is_teardown {
                running.failed.get_or_insert_with(|| def.id.clone());
            }
            if has_teardown {
                drop(self.sender.send(WorkerEvent::Step {
                    index: self.index,
                    step: Box::new(done.step.clone()),
                }));
            }
            running.done.push(done);
        }
        Some(())
    }

    /// Runs a step. None if a check panics.
    async fn step(&mut self, case: &Case, index: usize, running: &mut FlowState) -> Option<Done> {
        let shared = Arc::clone(&self.shared);
        let def = &case.def.steps[index];
        let ends = ends_of(def, case, &shared);
        running.late.begin();
        let elsewhere = match self.follow(def, running) {
            Ok(elsewhere) => elsewhere,
            Err(done) => return Some(*done),
        };
        let (bound, cookies) = match self.bind(case, index, running, elsewhere.is_some(), ends).await {
            Ok(bound) => bound,
            Err(done) => return Some(*done),
        };
        let repeat = repeat::of(&shared, case, index, &running.late, &bound, cookies);
        let other = def.expect.same_as.as_ref();
        let other = other.map(|other| running.exchanges.get(&other.value).map(Arc::clone));
        let source = if let Some(mail) = &def.mail {
            StepSource::Mailbox {
                mailbox: shared.mailboxes.get(&mail.value.endpoint.value),
                since: running.since(mail.value.since.as_ref().map(|since| since.value.as_str())),
            }
        } else {
            let client = elsewhere.as_ref();
            StepSource::Api(client.unwrap_or_else(|| shared.client_of(def)))
        };
        let polled = PolledStep {
            case,
            index,
            source,
            other: other.as_ref(),
            is_elsewhere: elsewhere.is_some(),
            ends,
        };
        let mut bound = bound;
        let judged = match self.poll(polled, &mut bound, running).await? {
            StepEnd::Judged(judged) => *judged,
            StepEnd::Ended => return Some(omit(def, Some(ENDED.to_owned()))),
            StepEnd::NoToken(reason) => return Some(without_token(def, TokenFailure::Failed(reason))),
        };
        let mut done = self.done(def, bound, judged, running);
        done.step.repeat = repeat.filter(|_| done.step.exchange.is_some());
        Some(done)
    }

    /// Binds a step with its tokens and cookies. Returns the names of the cookies; the error is the step that cannot be sent.
    async fn bind(
        &mut self,
        case: &Case,
        index: usize,
        running: &mut FlowState,
        is_elsewhere: bool,
        ends: Ends<'_>,
    ) -> Result<(Bound, Vec<String>), Box<Done>> {
        let shared = Arc::clone(&self.shared);
        let def = &case.def.steps[index];
        let mut bound = loop {
            match shared.plan.bind(case, index, &running.late, &shared.sources) {
                Ok(bound) => break bound,
                Err(Unbound::Token(name)) => {
                    // A login case needs no slot, but the request to a token endpoint would occupy this one.
                    self.slot = None;
                    let obtained = login::obtain(&shared, &self.sender, &name, ends.waits).await;
                    obtained.map_err(|failure| Box::new(without_token(def, failure)))?;
                }
                Err(unbound) => return Err(Box::new(self.unbound(def, unbound, &running.lost))),
            }
        };
        let mut cookies = Vec::new();
        if is_elsewhere {
            self.drop_credentials(&mut bound.request);
        } else if let Some(known) = running.cookies.as_ref().and_then(|all| all.get(&endpoint_of(def))) {
            cookies = known.add(&mut bound.request);
        }
        Ok((bound, cookies))
    }

    /// Finds the URL of a step with `follow`. Returns a client for a URL of another origin; the error is the step that cannot
    /// be sent.
    fn follow(&self, def: &StepDef, running: &mut FlowState) -> Result<Option<Client>, Box<Done>> {
        let Some(follow) = &def.follow else { return Ok(None) };
        let location = self.shared.sources.location(follow.span);
        let refuse = |finding: Finding| Err(Box::new(refused(def, finding.location(&location))));
        let wrong = |message: &str, actual: String| {
            let finding = Finding::new(CheckId::Follow, message);
            refuse(finding.expected("a `Location` of the target").actual(actual))
        };
        let target = &self.shared.plan.target;
        let endpoint = endpoint_of(def).and_then(|name| target.endpoints.get(&name)?.base.as_ref());
        let origin = &endpoint.unwrap_or(&target.base).origin;
        let followed = running.exchanges.get(&follow.value.step).map(|exchange| &**exchange);
        match follow_url::of(followed, origin) {
            FollowUrl::Same(url) => {
                running.late.follow(url);
                Ok(None)
            }
            FollowUrl::Other(url) if follow.value.allow_other_origin => {
                let client = match self.elsewhere(&url) {
                    Ok(client) => client,
                    Err(reason) => return refuse(Finding::new(CheckId::Follow, reason)),
                };
                running.late.follow(url);
                Ok(Some(client))
            }
            FollowUrl::Other(url) => wrong("the `Location` leaves the target", url),
            FollowUrl::Wrong { message, actual } => wrong(message, actual),
            // The case has failed already, and what was not created needs no cleanup.
            FollowUrl::Missing if def.phase == Phase::Teardown && self.has_failed(&follow.value.step, running) => {
                let message = format!("the response of the step `{}` has no `Location`", follow.value.step);
                Err(Box::new(omit(def, Some(message))))
            }
            FollowUrl::Missing => wrong("the response has no `Location`", "none".to_owned()),
            FollowUrl::None => {
                let message = format!("the step `{}` has no response to follow", follow.value.step);
                // What was not created needs no cleanup.
                if def.phase == Phase::Teardown {
                    return Err(Box::new(omit(def, Some(message))));
                }
                refuse(Finding::new(CheckId::Follow, message))
            }
        }
    }

    /// Whether a step of this attempt did not pass.
    fn has_failed(&self, id: &str, running: &FlowState) -> bool {
        let mut done = running.done.iter();
        done.any(|done| done.step.id == id && self.fails(&done.step.findings))
    }

    /// A step whose request cannot be made.
    fn unbound(&self, def: &StepDef, unbound: Unbound, lost: &LostValues) -> Done {
        let (span, message) = match unbound {
            Unbound::Uncaptured(name) if def.phase == Phase::Teardown => {
                return omit(def, Some(lost.why(&name)));
            }
            Unbound::Pointless(reason) => return omit(def, Some(reason)),
            Unbound::Token(_) => (None, unbound.to_string()),
            Unbound::Uncaptured(name) => (None, format!("`{name}` was not captured, so the step was not sent")),
            Unbound::Invalid(error) => (error.span, error.message),
        };
        let location = self.shared.sources.location(span.unwrap_or(def.span));
        refused(def, Finding::new(CheckId::RequestValue, message).location(&location))
    }

    /// Sends the request of a step, as often as its waiting asks for. None if a check panics.
    async fn poll(&mut self, step: PolledStep<'_>, bound: &mut Bound, running: &mut FlowState) -> Option<StepEnd> {
        let PolledStep {
            case,
            index,
            source,
            other,
            is_elsewhere,
            ends,
        } = step;
        let def = &case.def.steps[index];
        let begun = Instant::now();
        // Violations of built-in rules by responses before the last.
        let mut before: Vec<Finding> = Vec::new();
        for polls in 0.. {
            if bound.is_stale(&self.shared.plan.target) {
                match self.bind(case, index, running, is_elsewhere, ends).await {
                    Ok((renewed, _)) => *bound = renewed,
                    Err(done) => {
                        return Some(done.no_token.map_or(StepEnd::Ended, StepEnd::NoToken));
                    }
                }
            }
            let Some((started, parked)) = self.send(source, bound, ends.requests).await else {
                return Some(StepEnd::Ended);
            };
            let outcome = parked.so_far();
            let short = self.learn(bound, &outcome);
            if !short.is_empty() {
                let judged = JudgedStep::unmaskable(started, parked, short);
                return Some(StepEnd::Judged(Box::new(judged)));
            }
            if let (Some(cookies), Outcome::Response(response)) = (&mut running.cookies, &outcome) {
                let of_endpoint = cookies.entry(endpoint_of(def)).or_insert_with(Cookies::new);
                of_endpoint.take(&bound.request, response);
            }
            let CheckResult { mut findings, snapshot } = judge(
                bound,
                &outcome,
                other.and_then(Option::as_deref).map(|one| &one.outcome),
            )?;
            if let (Some(None), Some(same_as)) = (other, &bound.expectation.same_as) {
                let message = format!("there is no response of the step `{}` to compare with", same_as.id);
                findings.push(Finding::new(CheckId::SameAs, message).location(&same_as.location));
            }
            let passes = !matches!(outcome, Outcome::Failure(_)) && !self.fails(&findings);
            let is_ended = is_ended(bound, &outcome, &mut findings, passes)? || is_lasting(source, &outcome);
            let wait = if is_ended {
                None
            } else {
                next_poll(bound.polling, begun.elapsed(), passes)
            };
            let Some(wait) = wait else {
                before.retain(|one| !findings.iter().any(|last| last.check == one.check));
                findings.extend(before);
                let judged = JudgedStep {
                    started,
                    parked,
                    outcome,
                    findings,
                    snapshot,
                    polls,
                    is_hidden: false,
                };
                return Some(StepEnd::Judged(Box::new(judged)));
            };
            for finding in findings {
                let is_rule = matches!(finding.check, CheckId::Rule(_) | CheckId::Message);
                if is_rule && !before.iter().any(|known| known.check == finding.check) {
                    before.push(finding);
                }
            }
            if !self.wait(wait, ends.waits).await {
                return Some(StepEnd::Ended);
            }
        }
        None
    }

    /// Sends a request and parks its connection. None if the run ends before there is a response.
    async fn send(
        &mut self,
        source: StepSource<'_>,
        bound: &Bound,
        ends: &watch::Sender<bool>,
    ) -> Option<(SentRequest, WatchedResponse)> {
        let shared = Arc::clone(&self.shared);
        if self.slot.is_none() && self.login.is_none() {
            self.slot = shared.slot().await;
        }
        // The worker has waited for the first turn. The rate limit is that of the API.
        let is_api = matches!(source, StepSource::Api(_));
        if (self.is_started || self.login.is_some()) && is_api && !shared.turn(ends).await {
            return None;
        }
        drop(self.sender.send(if self.is_started {
            WorkerEvent::Resumed(self.index)
        } else {
            WorkerEvent::Started(self.index)
        }));
        self.is_started = true;
        let mut started = SentRequest::now();
        let client = match source {
            StepSource::Api(client) => client,
            StepSource::Mailbox { mailbox, since } => {
                let outcome = mailbox::read(mailbox, since, bound, ends).await;
                drop(self.sender.send(WorkerEvent::Responded {
                    index: self.index,
                    is_complete: true,
                }));
                return Some((started, WatchedResponse::over(outcome?)));
            }
        };
        let mut listening = Shared::exchange(client, bound, ends).await;
        if let Some(listening) = &mut listening {
            started.signature = listening.take_signature();
        }
        let is_complete = listening.as_ref().is_some_and(crate::http::Listening::is_complete);
        if is_complete {
            shared.gate.passed();
        }
        drop(self.sender.send(WorkerEvent::Responded {
            index: self.index,
            is_complete,
        }));
        Some((started, client.park(listening?)))
    }

    /// A client for a URL of another origin.
    fn elsewhere(&self, url: &str) -> Result<Client, String> {
        let target = &self.shared.plan.target;
        let origin = url::Url::parse(url).map_err(|error| error.to_string())?;
        let base = BaseUrl::parse(&origin.origin().ascii_serialization())?;
        let target = target.at(base, target.limits);
        Client::new(&target, self.shared.use_proxy).map_err(|error| error.to_string())
    }

    /// Removes what must not leave the target: its own header fields, credentials, and values that are masked.
    fn drop_credentials(&self, request: &mut Request) {
        let target = &self.shared.plan.target;
        request.headers.retain(|(name, value)| {
            let is_named = |known: &str| name.eq_ignore_ascii_case(known);
            let is_own = target.headers.iter().any(|(known, _)| is_named(known));
            let is_credential = CREDENTIALS.iter().any(|known| is_named(known));
            !is_own && !is_credential && self.shared.masker.text(value) == *value
        });
    }

    /// Waits without a slot; false if the run ends before.
    async fn wait(&mut self, wait: Duration, ends: &watch::Sender<bool>) -> bool {
        self.slot = None;
        pause(wait, ends).await
    }

    /// Registers the secrets that a response gives to captures, before anything quotes the response. Returns a finding for each
    /// value that is too short to be masked.
    fn learn(&self, bound: &Bound, outcome: &Outcome) -> Vec<Finding> {
        let Outcome::Response(response) = outcome else {
            return Vec::new();
        };
        let values = check::captured(&bound.expectation, response);
        let captured = bound.expectation.captures.iter().zip(values);
        let mut short = Vec::new();
        for (capture, value) in captured.filter_map(|(capture, value)| Some((capture, value?))) {
            let Some(name) = self.secret_name(capture) else {
                continue;
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match Secret::new(text) {
                Ok(secret) => self.shared.masker.learn(name, &secret),
                Err(error) => {
                    let message = format!("capture `{}` cannot be masked: {error}", capture.name);
                    short.push(Finding::new(CheckId::CaptureSecret, message).location(&capture.location));
                }
            }
        }
        short
    }

    /// The name under which a captured value is masked: that of a token, or its own. None if it is not a secret.
    fn secret_name<'n>(&'n self, capture: &'n Capture) -> Option<&'n str> {
        let of_token = self.login.as_ref().and_then(|names| names.get(&*capture.name)?.first());
        let is_secret = capture.secret || self.login.is_some();
        is_secret.then(|| of_token.map_or(&*capture.name, String::as_str))
    }

    /// Takes the captures of a step and puts together what is recorded of it.
    fn done(&self, def: &StepDef, bound: Bound, judged: JudgedStep, running: &mut FlowState) -> Done {
        // Later requests can contain what cannot be masked.
        running.is_hidden |= judged.is_hidden;
        let mut step = Step {
            id: def.id.clone(),
            phase: def.phase,
            identity: bound.identity.clone(),
            started: Some(judged.started.at),
            elapsed_us: judged.outcome.elapsed_us(),
            findings: judged.findings,
            polls: judged.polls,
            generated: bound.generated.clone(),
            ..Step::default()
        };
        if let Outcome::Response(response) = &judged.outcome {
            let values = check::captured(&bound.expectation, response);
            for (capture, value) in bound.expectation.captures.iter().zip(values) {
                let Some(value) = value else { continue };
                let shown = if judged.is_hidden {
                    HIDDEN.into()
                } else if let Some(name) = self.secret_name(capture) {
                    marks_of(name)[0].clone().into()
                } else {
                    value.clone()
                };
                step.captures.insert(capture.name.to_string(), shown);
                // What a resumed case created is known from the recording.
                if running.is_resumed {
                    running.late.capture_once(&capture.name, &value);
                } else {
                    running.late.capture(&capture.name, value);
                }
            }
        }
        let exchange = Exchange {
            request: judged.started.request(&bound.request),
            outcome: judged.outcome,
        };
        running.exchanges.insert(def.id.clone(), Arc::new(exchange.clone()));
        let is_watched = judged.parked.is_watched() && !running.is_hidden;
        step.exchange = Some(exchange).filter(|_| !running.is_hidden);
        Done {
            step,
            snapshot: judged.snapshot,
            watched: is_watched.then_some((bound, judged.parked)),
            no_token: None,
        }
    }
}

impl CompletedFlow {
    /// Whether it is known that the case does not pass.
    pub(super) fn fails(&self) -> bool {
        let (done, reason) = &self.last;
        reason.is_some() || done.iter().any(|one| one.step.fails() || one.step.has_no_response())
    }

    /// Reports the verdict, once no more bytes can follow a response. `now`: bytes that may follow are not waited for.
    pub(super) async fn settle(self, now: bool) {
        let repeats = self.repeats.into_iter().map(|repeat| settled(repeat, now));
        // At the same time: the watch over a response can contain the end of the watch over an earlier one.
        let ((last, snapshots), repeats) = future::join(settled(self.last, now), future::join_all(repeats)).await;
        let repeats = repeats.into_iter().map(|(attempt, _)| attempt).collect();
        let judged = CaseResult {
            index: self.index,
            last,
            snapshots,
            previous: self.previous,
            repeats,
        };
        drop(self.sender.send(WorkerEvent::Judged(Box::new(judged))));
    }
}
