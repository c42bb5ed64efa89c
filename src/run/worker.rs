//! Workers: each runs one case after the other until the queue is empty.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    ClientKey, LockstepHandle, RunOptions, SnapshotMode,
    flow::Flow,
    login::{self, Logins, TokenFailure},
    queue::Queue,
    rate_limiter::RateLimiter,
    resume::BegunCases,
    retry::{self, Gate, Wait},
    sent::SentRequest,
    tokens::TokenFetcher,
};
use crate::{
    check::{self, CheckResult},
    http::{Client, Listening, WatchedResponse},
    mail::Mailbox,
    mask::Masker,
    model::{Attempt, CheckId, Exchange, Finding, Outcome, Phase, Step},
    plan::{Bound, Late, Plan, Unbound},
    project::TokenUse,
    source::Sources,
    suite::{CaseDef, StepDef},
};

/// How long running requests may still take after Ctrl-C.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How long connections may be watched after all requests were ended.
const LAST: Duration = Duration::from_secs(1);

/// A message from a worker to the engine.
pub(super) enum WorkerEvent {
    /// The first request of a case goes out.
    Started(usize),
    /// An attempt did not pass, and another follows after a wait.
    Retried {
        /// The case's index in the plan.
        index: usize,
        /// Number of the attempt, from one.
        number: u32,
        /// The request, the response and the findings.
        failed: Box<Attempt>,
        /// The wait before the next attempt.
        wait: Duration,
        /// Whether there was a complete response.
        is_complete: bool,
    },
    /// A request of a case goes out after a wait.
    Resumed(usize),
    /// The last request of a case that is sent for now is over.
    Responded {
        /// The case's index in the plan.
        index: usize,
        /// Whether there was a complete response.
        is_complete: bool,
    },
    /// A step of a case with teardown has its response.
    Step {
        /// The case's index in the plan.
        index: usize,
        /// The step.
        step: Box<Step>,
    },
    /// A case is done.
    Judged(Box<CaseResult>),
}

/// A case that has been judged.
pub(super) struct CaseResult {
    /// Its index in the plan.
    pub(super) index: usize,
    /// The last attempt.
    pub(super) last: Attempt,
    /// New snapshots: the index of the step in the attempt, and the text.
    pub(super) snapshots: Vec<(usize, String)>,
    /// The attempts before it.
    pub(super) previous: Vec<Attempt>,
    /// Further attempts.
    pub(super) repeats: Vec<Attempt>,
}

impl CaseResult {
    /// A case that was not sent, for this reason.
    fn without_response(index: usize, reason: String) -> Self {
        Self {
            index,
            last: Attempt {
                reason: Some(reason),
                steps: Vec::new(),
            },
            snapshots: Vec::new(),
            previous: Vec::new(),
            repeats: Vec::new(),
        }
    }
}

/// The tasks of a run.
pub(super) struct Workers {
    shared: Arc<Shared>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    /// Whether a case has steps that must run even if the run ends.
    has_teardown: bool,
}

impl Workers {
    /// Starts as many workers as there are jobs. The channel ends when all of them have.
    pub(super) fn start(
        plan: &Arc<Plan>,
        sources: &Arc<Sources>,
        client: &Arc<Client>,
        options: &RunOptions,
    ) -> (Self, mpsc::UnboundedReceiver<WorkerEvent>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Queue::new(plan);
        let jobs = plan.target.limits.jobs.min(queue.len());
        let has = |test: fn(&CaseDef) -> bool| plan.cases.iter().any(|planned| test(&planned.case.def));
        let logins = Logins::new(plan);
        let has_logins = !logins.is_empty();
        let shared = Arc::new(Shared {
            plan: Arc::clone(plan),
            sources: Arc::clone(sources),
            client: Arc::clone(client),
            clients: options.clients.clone(),
            mailboxes: options.mailboxes.clone(),
            use_proxy: options.use_proxy,
            begun: options.begun.clone(),
            masker: Arc::clone(&options.hide),
            rate_limiter: RateLimiter::new(plan.target.limits.rate_limit),
            gate: Gate::default(),
            slots: has(CaseDef::is_flow).then(|| Arc::new(Semaphore::new(jobs))),
            queue,
            active: AtomicUsize::new(jobs + usize::from(has_logins)),
            stopping: watch::Sender::new(false),
            abandoned: watch::Sender::new(false),
            cut: watch::Sender::new(false),
            flows_cut: watch::Sender::new(false),
            killed: watch::Sender::new(false),
            stop_on_failures: options.max_fail.is_some(),
            tokens: Arc::clone(&options.tokens),
            logins,
            idle: watch::Sender::new(false),
            repeats: options.repeats,
            accepts_snapshots: options.snapshots == SnapshotMode::Accept,
            lockstep: options.lockstep.clone(),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..jobs {
            let worker = Worker {
                shared: Arc::clone(&shared),
                sender: sender.clone(),
            };
            tasks.spawn(worker.work());
        }
        if has_logins {
            tasks.spawn(login::finish(Arc::clone(&shared), sender.clone()));
        }
        drop(sender);
        let workers = Self {
            shared,
            tasks: Arc::new(Mutex::new(tasks)),
            has_teardown: has(|def| def.steps.iter().any(|step| step.phase == Phase::Teardown)),
        };
        (workers, receiver)
    }

    /// Begins no more cases; those that run go on.
    pub(super) fn begin_no_more(&self) {
        self.shared.queue.stop();
        self.shared.stopping.send_replace(true);
        self.leave();
    }

    /// Removes this run from the lockstep.
    pub(super) fn leave(&self) {
        if let Some(lockstep) = &self.shared.lockstep {
            lockstep.leave();
        }
    }

    /// Begins no more cases and steps; requests and teardown get [`GRACE`].
    pub(super) fn stop_gracefully(&self) {
        self.begin_no_more();
        self.shared.abandoned.send_replace(true);
        self.cut_after(GRACE);
    }

    /// Ends all requests and waits. Cases that have a response still get a verdict. In cases with teardown, a request that
    /// may create something gets [`GRACE`], and so does the teardown.
    pub(super) fn cut(&self) {
        self.begin_no_more();
        self.shared.abandoned.send_replace(true);
        self.shared.cut.send_replace(true);
        self.cut_after(if self.has_teardown { GRACE } else { Duration::ZERO });
    }

    /// Ends everything, teardown included.
    pub(super) fn kill(&self) {
        self.begin_no_more();
        for ends in [
            &self.shared.abandoned,
            &self.shared.cut,
            &self.shared.flows_cut,
            &self.shared.killed,
        ] {
            ends.send_replace(true);
        }
        self.abort_after(LAST);
    }

    fn cut_after(&self, wait: Duration) {
        let shared = Arc::clone(&self.shared);
        let teardown = if self.has_teardown { GRACE } else { Duration::ZERO };
        self.abort_after(wait + teardown + LAST);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            shared.cut.send_replace(true);
            shared.flows_cut.send_replace(true);
            tokio::time::sleep(teardown).await;
            shared.killed.send_replace(true);
        });
    }

    fn abort_after(&self, wait: Duration) {
        let tasks = Arc::clone(&self.tasks);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        });
    }
}

/// What all workers of a run use.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) sources: Arc<Sources>,
    pub(super) client: Arc<Client>,
    /// The clients of steps that do not use that of the target.
    clients: BTreeMap<ClientKey, Arc<Client>>,
    /// The mailboxes of the target, by endpoint.
    pub(super) mailboxes: BTreeMap<String, Arc<Mailbox>>,
    /// Whether the proxy of the environment applies.
    pub(super) use_proxy: bool,
    /// Cases of which only the teardown is run, with the steps that an earlier run has sent.
    pub(super) begun: BegunCases,
    pub(super) masker: Arc<Masker>,
    pub(super) gate: Gate,
    rate_limiter: RateLimiter,
    /// Limits the requests in flight if a case can wait between two requests; otherwise the number of workers does.
    slots: Option<Arc<Semaphore>>,
    queue: Queue,
    /// Workers and cases that may still send requests.
    active: AtomicUsize,
    /// No more cases and attempts begin.
    pub(super) stopping: watch::Sender<bool>,
    /// No more steps begin, except those of teardown.
    pub(super) abandoned: watch::Sender<bool>,
    /// Requests are ended, except those of cases with teardown.
    pub(super) cut: watch::Sender<bool>,
    /// Requests are ended, except those of teardown.
    pub(super) flows_cut: watch::Sender<bool>,
    /// All requests are ended.
    pub(super) killed: watch::Sender<bool>,
    /// Whether failures may end the run.
    stop_on_failures: bool,
    /// The tokens of token endpoints.
    pub(super) tokens: Arc<TokenFetcher>,
    pub(super) logins: Logins,
    /// Whether only the teardown of login cases is left.
    pub(super) idle: watch::Sender<bool>,
    pub(super) repeats: u32,
    /// Whether a response that differs from its snapshot only is accepted.
    pub(super) accepts_snapshots: bool,
    lockstep: Option<LockstepHandle>,
}

impl Shared {
    /// Waits for a slot. There is none to wait for if no case of the run waits between requests.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(self.slots.as_ref()?).acquire_owned().await.ok()
    }

    /// Called when a worker or a case sends no more requests. After the last one, parked connections are closed.
    pub(super) fn is_done(&self) {
        match self.active.fetch_sub(1, Ordering::SeqCst) {
            1 => {
                self.client.close();
                self.clients.values().for_each(|client| client.close());
            }
            2 if !self.logins.is_empty() => drop(self.idle.send_replace(true)),
            _ => {}
        }
    }

    /// Waits until the other runs in lockstep have reached the case, and until the target's rate limit allows one more
    /// request; whether the run still goes on then.
    pub(super) async fn may_ask(&self, id: &str, repeat: u32) -> bool {
        if let Some(lockstep) = &self.lockstep {
            let mut stopping = self.stopping.subscribe();
            tokio::select! {
                biased;
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return false,
                () = lockstep.come_to(id, repeat) => {}
            }
        }
        self.turn(&self.stopping).await
    }

    /// Waits until the target's rate limit and its `Retry-After` allow one more request; false if `ends` is set before.
    pub(super) async fn turn(&self, ends: &watch::Sender<bool>) -> bool {
        let now = Instant::now();
        if let Some(at) = self.rate_limiter.take(now)
            && !pause(at - now, ends).await
        {
            return false;
        }
        while let Some(left) = self.gate.left(Instant::now()) {
            if !pause(left, ends).await {
                return false;
            }
        }
        true
    }

    /// The client of a step.
    pub(super) fn client_of(&self, step: &StepDef) -> &Arc<Client> {
        let client = ClientKey::of(step).and_then(|key| self.clients.get(&key));
        client.unwrap_or(&self.client)
    }

    /// One exchange; none if `ends` is set before its end.
    pub(super) async fn exchange(client: &Client, bound: &Bound, ends: &watch::Sender<bool>) -> Option<Listening> {
        let mut ends = ends.subscribe();
        let listening = tokio::select! {
            biased;
            listening = client.exchange(&bound.request, bound.limit()) => listening,
            _ = ends.wait_for(|is_cut| *is_cut) => return None,
        };
        Some(if bound.expectation.expects_refusal() {
            listening.accept_refusal()
        } else {
            listening
        })
    }
}

/// Waits; false if `ends` is set before.
pub(super) async fn pause(wait: Duration, ends: &watch::Sender<bool>) -> bool {
    let mut ends = ends.subscribe();
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        _ = ends.wait_for(|is_ending| *is_ending) => false,
    }
}

struct Worker {
    shared: Arc<Shared>,
    sender: mpsc::UnboundedSender<WorkerEvent>,
}

impl std::ops::Deref for Worker {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Worker {
    async fn work(self) {
        // A case whose response is complete, and whose connection is watched, does not delay the next one. Neither does a
        // case that waits between two requests.
        let mut open = JoinSet::new();
        loop {
            let slot = self.slot().await;
            let Some(index) = self.queue.take() else { break };
            if self.plan.cases[index].login.is_some() {
                login::run(&self.shared, &self.sender, index).await;
            } else if self.plan.cases[index].case.def.is_flow() {
                self.run_flow(index, slot, &mut open).await;
            } else {
                self.fire(index, &mut open).await;
            }
            self.queue.give_back(index);
            while open.try_join_next().is_some() {}
        }
        self.is_done();
        while open.join_next().await.is_some() {}
    }

    /// Runs a case with several requests. The worker waits for it only if the next case depends on its end.
    async fn run_flow(&self, index: usize, slot: Option<OwnedSemaphorePermit>, open: &mut JoinSet<()>) {
        let planned = &self.plan.cases[index];
        if planned.skip.is_some() || !self.may_ask(&planned.case.id, 0).await {
            return;
        }
        self.active.fetch_add(1, Ordering::SeqCst);
        let flow = Flow::new(Arc::clone(&self.shared), self.sender.clone(), index, slot);
        if planned.case.def.group.is_none() && !self.stop_on_failures {
            open.spawn(async move {
                if let Some(completed) = flow.run().await {
                    completed.settle(false).await;
                }
            });
        } else if let Some(completed) = flow.run().await {
            // Where failures are counted, no case begins before it is known whether the one before fails.
            if self.stop_on_failures && completed.fails() {
                completed.settle(true).await;
                tokio::task::yield_now().await;
            } else {
                open.spawn(completed.settle(false));
            }
        }
    }

    /// The client of a case with one step.
    fn client_of_case(&self, index: usize) -> &Arc<Client> {
        let steps = &self.plan.cases[index].case.def.steps;
        steps.first().map_or(&self.client, |step| self.client_of(step))
    }

    async fn fire(&self, index: usize, open: &mut JoinSet<()>) {
        let planned = &self.plan.cases[index];
        if planned.skip.is_some() {
            return;
        }
        if !self.may_ask(&planned.case.id, 0).await {
            return;
        }
        let mut late = Late::default();
        let Some(mut bound) = self.bind(index, &mut late).await else {
            return;
        };
        drop(self.sender.send(WorkerEvent::Started(index)));
        let Some((started, parked, mut retried)) = self.attempts(index, &mut late, &mut bound).await else {
            return;
        };
        let repeats = if self.repeats > 1 {
            let Some(repeats) = self.again(index, &mut late, &mut bound, &mut retried).await else {
                return;
            };
            repeats
        } else {
            Vec::new()
        };
        // Where failures are counted, no case begins before it is known whether the response of the one before fails.
        let fails = || judge(&bound, &parked.so_far(), None).is_none_or(|judgement| judgement.fails());
        let is_known = !parked.is_watched() && retried.iter().all(|attempt| attempt.parked.is_none());
        let is_decided = is_known || (self.stop_on_failures && fails());
        let bound = Box::new(bound);
        let case = Fired { index, bound, started };
        let (client, sender) = (Arc::clone(self.client_of_case(index)), self.sender.clone());
        if is_decided && repeats.is_empty() {
            let outcome = parked.into_outcome();
            let previous = retried.into_iter().map(|attempt| attempt.failed).collect();
            case.settle(outcome, previous, Vec::new(), &sender);
            if self.stop_on_failures {
                tokio::task::yield_now().await;
            }
            return;
        }
        // The worker waits for a large response, which limits memory.
        let is_large = parked.is_large() || repeats.iter().any(|(_, parked)| parked.is_large());
        if !is_large && retried.is_empty() && repeats.is_empty() {
            // Most cases have one response. There is a task for each that is watched, so it is small, and it is not copied
            // while it is spawned.
            open.spawn(Box::pin(async move {
                let (request, limit) = (&case.bound.request, case.bound.limit());
                let outcome = client.finish(parked, request, limit).await;
                case.settle(outcome, Vec::new(), Vec::new(), &sender);
            }));
            return;
        }
        let finished = Box::pin(async move {
            let (request, limit) = (&case.bound.request, case.bound.limit());
            // At the same time: the watch over a response can contain the end of the watch over an earlier one.
            let settling = retried.into_iter().map(|attempt| attempt.settled(&case.bound));
            let repeating = repeats.into_iter().map(async |(started, parked)| {
                let outcome = client.finish(parked, request, limit).await;
                let judgement = judge(&case.bound, &outcome, None)?;
                Some(tried(&started, outcome, judgement.findings, &case.bound))
            });
            let last = client.finish(parked, request, limit);
            let (outcome, previous, judged) =
                future::join3(last, future::join_all(settling), future::join_all(repeating)).await;
            let (Some(previous), Some(judged)) = (
                previous.into_iter().collect::<Option<Vec<_>>>(),
                judged.into_iter().collect::<Option<Vec<_>>>(),
            ) else {
                return;
            };
            case.settle(outcome, previous, judged, &sender);
        });
        if is_large {
            finished.await;
        } else {
            open.spawn(finished);
        }
    }

    /// Binds a case with its tokens. If a token was not obtained, this is the result of the case.
    async fn bind(&self, index: usize, late: &mut Late) -> Option<Bound> {
        let case = &self.plan.cases[index].case;
        loop {
            let name = match self.plan.bind(case, 0, late, &self.sources) {
                Ok(bound) => return Some(bound),
                Err(Unbound::Token(name)) => name,
                Err(Unbound::Pointless(reason)) => {
                    let result = CaseResult::without_response(index, reason);
                    drop(self.sender.send(WorkerEvent::Judged(Box::new(result))));
                    return None;
                }
                Err(_) => return None,
            };
            match login::obtain(&self.shared, &self.sender, &name, &self.abandoned).await {
                Ok(()) => {}
                Err(TokenFailure::Ended) => return None,
                Err(TokenFailure::Failed(reason)) => {
                    let result = CaseResult::without_response(index, reason);
                    drop(self.sender.send(WorkerEvent::Judged(Box::new(result))));
                    return None;
                }
            }
        }
    }

    /// Sends the request and retries as long as allowed until it passes; the connection of the last response is parked.
    async fn attempts(
        &self,
        index: usize,
        late: &mut Late,
        bound: &mut Bound,
    ) -> Option<(SentRequest, WatchedResponse, Vec<Retried>)> {
        let retry = &self.plan.target.retry;
        let mut retried = Vec::new();
        for number in 1.. {
            if bound.is_stale(&self.plan.target) {
                *bound = self.bind(index, late).await?;
            }
            let mut started = SentRequest::now();
            let client = self.client_of_case(index);
            let mut listening = Shared::exchange(client, bound, &self.cut).await?;
            started.signature = listening.take_signature();
            let is_complete = listening.is_complete();
            let wait = retry::wait(listening.outcome(), number, retry);
            if !matches!(wait, Some(Wait::After(_))) && is_complete {
                self.gate.passed();
            }
            let wait = wait.filter(|_| number <= retry.most).and_then(|wait| match wait {
                Wait::Backoff(wait) => Some(wait),
                Wait::After(wait) => self.gate.close(Instant::now(), wait, retry.most),
            });
            let parked = client.park(listening);
            let responded = WorkerEvent::Responded { index, is_complete };
            let Some(wait) = wait else {
                drop(self.sender.send(responded));
                if !is_complete {
                    // It is known whether the run goes on before the next case begins.
                    tokio::task::yield_now().await;
                }
                return Some((started, parked, retried));
            };
            let outcome = parked.so_far();
            let judgement = judge(bound, &outcome, None)?;
            let has_passed = !matches!(outcome, Outcome::Failure(_)) && !judgement.fails();
            if has_passed || *self.stopping.borrow() {
                drop(self.sender.send(responded));
                return Some((started, parked, retried));
            }
            let failed = tried(&started, outcome, judgement.findings, bound);
            drop(self.sender.send(WorkerEvent::Retried {
                index,
                number,
                failed: Box::new(failed.clone()),
                wait,
                is_complete,
            }));
            if !pause(wait, &self.stopping).await || !self.turn(&self.stopping).await {
                drop(self.sender.send(responded));
                return Some((started, parked, retried));
            }
            drop(self.sender.send(WorkerEvent::Resumed(index)));
            let parked = Some(parked).filter(|parked| parked.is_watched() && !parked.is_large());
            retried.push(Retried { failed, parked });
        }
        None
    }

    /// Repeats the request as configured. Each response is judged separately: a comparison uses one
    /// response on each side.
    async fn again(
        &self,
        index: usize,
        late: &mut Late,
        bound: &mut Bound,
        retried: &mut Vec<Retried>,
    ) -> Option<Vec<(SentRequest, WatchedResponse)>> {
        let mut repeats = Vec::new();
        for number in 1..self.repeats {
            if *self.stopping.borrow() || !self.may_ask(&self.plan.cases[index].case.id, number).await {
                break;
            }
            drop(self.sender.send(WorkerEvent::Resumed(index)));
            let (started, parked, more) = self.attempts(index, late, bound).await?;
            retried.extend(more);
            repeats.push((started, parked));
        }
        Some(repeats)
    }
}

/// A case that has been sent and not been judged.
struct Fired {
    index: usize,
    bound: Box<Bound>,
    started: SentRequest,
}

/// An attempt that is followed by a retry.
struct Retried {
    failed: Attempt,
    /// Its response, if its connection is still watched.
    parked: Option<WatchedResponse>,
}

impl Retried {
    /// The attempt, with a finding for bytes that followed its response; none if a check panics.
    async fn settled(self, bound: &Bound) -> Option<Attempt> {
        let Self { mut failed, parked } = self;
        if let Some(parked) = parked {
            let outcome = parked.settled().await;
            if matches!(&outcome, Outcome::Response(response) if !response.excess.is_empty()) {
                let findings = judge(bound, &outcome, None)?.findings;
                for step in &mut failed.steps {
                    step.findings.clone_from(&findings);
                    if let Some(exchange) = &mut step.exchange {
                        exchange.outcome = outcome.clone();
                    }
                }
            }
        }
        Some(failed)
    }
}

impl Fired {
    /// Judges the response. A check that panics gives no verdict, and so the case counts as lost.
    fn settle(
        self,
        outcome: Outcome,
        previous: Vec<Attempt>,
        repeats: Vec<Attempt>,
        sender: &mpsc::UnboundedSender<WorkerEvent>,
    ) {
        let Self { index, bound, started } = self;
        let Some(judgement) = judge(&bound, &outcome, None) else {
            return;
        };
        let snapshots = judgement.snapshot.map(|text| (0, text));
        let judged = CaseResult {
            index,
            snapshots: snapshots.into_iter().collect(),
            last: Attempt {
                reason: no_response(&outcome),
                steps: vec![Step {
                    identity: bound.identity,
                    started: Some(started.at),
                    elapsed_us: outcome.elapsed_us(),
                    findings: judgement.findings,
                    generated: bound.generated,
                    exchange: Some(Exchange {
                        request: started.request(&bound.request),
                        outcome,
                    }),
                    ..Step::default()
                }],
            },
            previous,
            repeats,
        };
        drop(sender.send(WorkerEvent::Judged(Box::new(judged))));
    }
}

/// Why there is no response.
pub(super) fn no_response(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failure(failure) => Some(failure.message.clone()),
        Outcome::Response(_) | Outcome::Malformed(_) => None,
    }
}

/// Judges a response; `None` if a check panics.
pub(super) fn judge(bound: &Bound, outcome: &Outcome, other: Option<&Outcome>) -> Option<CheckResult> {
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
        check::check(&bound.expectation, &bound.request, outcome, other)
    }));
    let mut result = result.ok()?;
    if matches!(outcome, Outcome::Response(response) if response.status == 401) {
        add_ages(&mut result.findings, &bound.tokens);
    }
    Some(result)
}

/// Adds the age of the tokens to a finding about the status 401: whether they have expired is known.
fn add_ages(findings: &mut [Finding], tokens: &[TokenUse]) {
    let ages = tokens.iter().map(|token| {
        let age = token.obtained.elapsed().as_secs();
        let lifetime = token.lifetime.map(|lifetime| format!(" of {} s", lifetime.as_secs()));
        format!(
            "the token `{}` was {age} s old{}",
            token.name,
            lifetime.unwrap_or_default()
        )
    });
    let ages = ages.collect::<Vec<_>>().join(", ");
    let of_status = findings.iter_mut().filter(|finding| finding.check == CheckId::Status);
    for finding in of_status.filter(|_| !ages.is_empty()) {
        if let Some(actual) = &mut finding.actual {
            *actual = format!("{actual} ({ages})");
        }
    }
}

fn tried(started: &SentRequest, outcome: Outcome, findings: Vec<Finding>, bound: &Bound) -> Attempt {
    Attempt {
        reason: no_response(&outcome),
        steps: vec![Step {
            identity: bound.identity.clone(),
            started: Some(started.at),
            elapsed_us: outcome.elapsed_us(),
            findings,
            generated: bound.generated.clone(),
            exchange: Some(Exchange {
                request: started.request(&bound.request),
                outcome,
            }),
            ..Step::default()
        }],
    }
}
