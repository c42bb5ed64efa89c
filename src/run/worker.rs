//! Workers: each runs one case after the other until the queue is empty.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    LockstepHandle, RunOptions,
    queue::Queue,
    rate_limiter::RateLimiter,
    retry::{self, Gate, Wait},
};
use crate::{
    check::{self, Judgement},
    http::{Client, Listening, Parked},
    model::{Attempt, Exchange, Finding, Reply, Step},
    plan::{Bound, Plan},
    source::Sources,
};

/// How long running requests may still take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

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
    /// A case is done.
    Judged(Box<CaseResult>),
}

/// A case that has been judged.
pub(super) struct CaseResult {
    /// Its index in the plan.
    pub(super) index: usize,
    /// When the request began.
    pub(super) started: DateTime<Utc>,
    /// The request and the response.
    pub(super) exchange: Exchange,
    /// The attempts before it.
    pub(super) previous: Vec<Attempt>,
    /// Further responses.
    pub(super) repeats: Vec<Attempt>,
    /// The result of the checks; `None` if the response to compare with is missing.
    pub(super) judgement: Option<Judgement>,
}

/// The tasks of a run.
pub(super) struct Workers {
    queue: Arc<Queue>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    awaited: Arc<Awaited>,
    stopping: watch::Sender<bool>,
    cut: watch::Sender<bool>,
    lockstep: Option<LockstepHandle>,
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
        let queue = Arc::new(Queue::new(plan));
        let rate_limiter = Arc::new(RateLimiter::new(plan.target.limits.rate_limit));
        let awaited = Arc::new(Awaited::new(plan));
        let (stopping, stopped) = watch::channel(false);
        let (cut, is_cut) = watch::channel(false);
        let gate = Arc::new(Gate::default());
        let mut tasks = JoinSet::new();
        let jobs = plan.target.limits.jobs.min(queue.len());
        let active = Arc::new(AtomicUsize::new(jobs));
        for _ in 0..jobs {
            let worker = Worker {
                plan: Arc::clone(plan),
                sources: Arc::clone(sources),
                client: Arc::clone(client),
                queue: Arc::clone(&queue),
                rate_limiter: Arc::clone(&rate_limiter),
                awaited: Arc::clone(&awaited),
                gate: Arc::clone(&gate),
                active: Arc::clone(&active),
                stopping: stopped.clone(),
                cut: is_cut.clone(),
                stop_on_failures: options.max_fail.is_some(),
                repeats: options.repeats,
                lockstep: options.lockstep.clone(),
                sender: sender.clone(),
            };
            tasks.spawn(worker.work());
        }
        let workers = Self {
            queue,
            tasks: Arc::new(Mutex::new(tasks)),
            awaited,
            stopping,
            cut,
            lockstep: options.lockstep.clone(),
        };
        (workers, receiver)
    }

    /// Begins no more cases; those that run go on.
    pub(super) fn begin_no_more(&self) {
        self.queue.stop();
        self.stopping.send_replace(true);
        self.awaited.give_up();
        self.leave();
    }

    /// Removes this run from the lockstep.
    pub(super) fn leave(&self) {
        if let Some(lockstep) = &self.lockstep {
            lockstep.leave();
        }
    }

    /// Begins no more cases; those that run get [`GRACE`].
    pub(super) fn stop_gracefully(&self) {
        self.begin_no_more();
        self.cut_after(GRACE);
    }

    /// Ends all requests and waits. Cases that have a response still get a verdict.
    pub(super) fn cut(&self) {
        self.begin_no_more();
        self.cut.send_replace(true);
        self.cut_after(Duration::ZERO);
    }

    fn cut_after(&self, wait: Duration) {
        let (tasks, cut) = (Arc::clone(&self.tasks), self.cut.clone());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            cut.send_replace(true);
            tokio::time::sleep(LAST).await;
            lock(&tasks).abort_all();
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Responses that other cases are compared with (`same_as`).
struct Awaited {
    makers: Mutex<HashMap<String, watch::Sender<Option<Arc<Reply>>>>>,
    takers: HashMap<String, watch::Receiver<Option<Arc<Reply>>>>,
}

impl Awaited {
    fn new(plan: &Plan) -> Self {
        let mut makers = HashMap::new();
        let mut takers = HashMap::new();
        for planned in &plan.cases {
            if let Some(other) = &planned.case.def.expect.same_as {
                let (maker, taker) = watch::channel(None);
                makers.insert(other.value.clone(), maker);
                takers.insert(other.value.clone(), taker);
            }
        }
        Self {
            makers: Mutex::new(makers),
            takers,
        }
    }

    /// Taken when the case begins: if its worker is lost, this is dropped and waiting cases continue.
    fn maker(&self, id: &str) -> Option<watch::Sender<Option<Arc<Reply>>>> {
        lock(&self.makers).remove(id)
    }

    /// No further cases will begin.
    fn give_up(&self) {
        lock(&self.makers).clear();
    }

    async fn reply(&self, id: &str) -> Option<Arc<Reply>> {
        let mut taker = self.takers.get(id)?.clone();
        let reply = taker.wait_for(Option::is_some).await.ok()?;
        reply.clone()
    }
}

struct Worker {
    plan: Arc<Plan>,
    sources: Arc<Sources>,
    client: Arc<Client>,
    queue: Arc<Queue>,
    rate_limiter: Arc<RateLimiter>,
    awaited: Arc<Awaited>,
    gate: Arc<Gate>,
    /// Workers that may still send requests.
    active: Arc<AtomicUsize>,
    stopping: watch::Receiver<bool>,
    cut: watch::Receiver<bool>,
    /// Whether failures may end the run.
    stop_on_failures: bool,
    repeats: u32,
    lockstep: Option<LockstepHandle>,
    sender: mpsc::UnboundedSender<WorkerEvent>,
}

impl Worker {
    async fn work(self) {
        // A case whose response is complete, and whose connection is watched or which waits for another case's response,
        // does not delay the next one.
        let mut open = JoinSet::new();
        while let Some(unit) = self.queue.take() {
            for index in unit.cases() {
                // A stop takes hold between two cases of a unit too.
                if self.queue.is_stopped() {
                    break;
                }
                self.fire(index, &mut open).await;
            }
            self.queue.give_back(unit);
            while open.try_join_next().is_some() {}
        }
        if self.active.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.client.close();
        }
        while open.join_next().await.is_some() {}
    }

    async fn fire(&self, index: usize, open: &mut JoinSet<()>) {
        let planned = &self.plan.cases[index];
        if planned.skip.is_some() {
            return;
        }
        let Ok(bound) = self.plan.bind(&planned.case, &self.sources) else {
            return;
        };
        if !self.may_ask(&planned.case.id, 0).await {
            return;
        }
        let maker = self.awaited.maker(&planned.case.id);
        drop(self.sender.send(WorkerEvent::Started(index)));
        let Some((started, parked, mut retried)) = self.attempts(index, &bound).await else {
            return;
        };
        let repeats = if self.repeats > 1 {
            let Some(repeats) = self.again(index, &bound, &mut retried).await else {
                return;
            };
            repeats
        } else {
            Vec::new()
        };
        let waits = bound.expectation.same_as.is_some();
        // Where failures are counted, no case begins before it is known whether the response of the one before fails.
        let fails = || judge(&bound, &parked.so_far(), None).is_none_or(|judgement| judgement.fails());
        let is_known = !parked.is_watched() && retried.iter().all(|attempt| attempt.parked.is_none());
        let is_decided = is_known || (self.stop_on_failures && !waits && fails());
        let case = Fired {
            index,
            bound,
            maker,
            started,
        };
        let (client, awaited, sender) = (Arc::clone(&self.client), Arc::clone(&self.awaited), self.sender.clone());
        if is_decided && !waits && repeats.is_empty() {
            let reply = parked.into_reply();
            let previous = retried.into_iter().map(|attempt| attempt.failed).collect();
            case.settle(reply, previous, Vec::new(), &awaited, &sender).await;
            if self.stop_on_failures {
                tokio::task::yield_now().await;
            }
            return;
        }
        // The worker waits for a large response, which limits memory.
        let is_large = !waits && (parked.is_large() || repeats.iter().any(|(_, parked)| parked.is_large()));
        let finished = Box::pin(async move {
            let (request, limit) = (&case.bound.request, case.bound.timeout);
            let reply = client.finish(parked, request, limit).await;
            let mut previous = Vec::with_capacity(retried.len());
            for attempt in retried {
                let Some(attempt) = attempt.settled(&case.bound).await else {
                    return;
                };
                previous.push(attempt);
            }
            let mut judged = Vec::new();
            for (started, parked) in repeats {
                let reply = client.finish(parked, request, limit).await;
                let Some(judgement) = judge(&case.bound, &reply, None) else {
                    return;
                };
                judged.push(tried(started, reply, judgement.findings, &case.bound));
            }
            case.settle(reply, previous, judged, &awaited, &sender).await;
        });
        if is_large {
            finished.await;
        } else {
            open.spawn(finished);
        }
    }

    /// Sends the request and retries as long as allowed until it passes; the connection of the last response is parked.
    async fn attempts(&self, index: usize, bound: &Bound) -> Option<(DateTime<Utc>, Parked, Vec<Retried>)> {
        let retry = &self.plan.target.retry;
        let mut retried = Vec::new();
        for number in 1.. {
            let started = Utc::now();
            let answered = self.exchange(bound).await?;
            let is_complete = answered.is_complete();
            let wait = retry::wait(answered.reply(), number, retry);
            if !matches!(wait, Some(Wait::After(_))) && is_complete {
                self.gate.passed();
            }
            let wait = wait.filter(|_| number <= retry.most).and_then(|wait| match wait {
                Wait::Backoff(wait) => Some(wait),
                Wait::After(wait) => self.gate.close(Instant::now(), wait, retry.most),
            });
            let parked = self.client.park(answered);
            let responded = WorkerEvent::Responded { index, is_complete };
            let Some(wait) = wait else {
                drop(self.sender.send(responded));
                if !is_complete {
                    // It is known whether the run goes on before the next case begins.
                    tokio::task::yield_now().await;
                }
                return Some((started, parked, retried));
            };
            let reply = parked.so_far();
            let judgement = judge(bound, &reply, None)?;
            let has_passed = !matches!(reply, Reply::Failure(_)) && !judgement.fails();
            if has_passed || *self.stopping.borrow() {
                drop(self.sender.send(responded));
                return Some((started, parked, retried));
            }
            let failed = tried(started, reply, judgement.findings, bound);
            drop(self.sender.send(WorkerEvent::Retried {
                index,
                number,
                failed: Box::new(failed.clone()),
                wait,
                is_complete,
            }));
            if !self.pause(wait).await || !self.turn().await {
                drop(self.sender.send(responded));
                return Some((started, parked, retried));
            }
            drop(self.sender.send(WorkerEvent::Resumed(index)));
            let parked = Some(parked).filter(|parked| parked.is_watched() && !parked.is_large());
            retried.push(Retried { failed, parked });
        }
        None
    }

    /// One exchange; none if it was ended.
    async fn exchange(&self, bound: &Bound) -> Option<Listening> {
        let mut cut = self.cut.clone();
        tokio::select! {
            biased;
            answered = self.client.exchange(&bound.request, bound.timeout) => Some(answered),
            _ = cut.wait_for(|is_cut| *is_cut) => None,
        }
    }

    /// Repeats the request as configured. Each response is judged separately: a comparison uses one
    /// response on each side.
    async fn again(
        &self,
        index: usize,
        bound: &Bound,
        retried: &mut Vec<Retried>,
    ) -> Option<Vec<(DateTime<Utc>, Parked)>> {
        let mut repeats = Vec::new();
        for number in 1..self.repeats {
            if *self.stopping.borrow() || !self.may_ask(&self.plan.cases[index].case.id, number).await {
                break;
            }
            drop(self.sender.send(WorkerEvent::Resumed(index)));
            let (started, parked, more) = self.attempts(index, bound).await?;
            retried.extend(more);
            repeats.push((started, parked));
        }
        Some(repeats)
    }

    /// Waits until the other runs in lockstep have reached the case, and until the target's rate limit allows one more
    /// request; whether the run still goes on then.
    async fn may_ask(&self, id: &str, repeat: u32) -> bool {
        if let Some(lockstep) = &self.lockstep {
            let mut stopping = self.stopping.clone();
            tokio::select! {
                biased;
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return false,
                () = lockstep.come_to(id, repeat) => {}
            }
        }
        self.turn().await
    }

    /// Waits until the target's rate limit and its `Retry-After` allow one more request; whether the run still goes on
    /// then.
    async fn turn(&self) -> bool {
        let now = Instant::now();
        if let Some(at) = self.rate_limiter.take(now)
            && !self.pause(at - now).await
        {
            return false;
        }
        while let Some(left) = self.gate.left(Instant::now()) {
            if !self.pause(left).await {
                return false;
            }
        }
        true
    }

    /// Waits; whether the run still goes on then.
    async fn pause(&self, wait: Duration) -> bool {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            _ = stopping.wait_for(|is_stopping| *is_stopping) => false,
        }
    }
}

/// A case that has been sent and not been judged.
struct Fired {
    index: usize,
    bound: Bound,
    maker: Option<watch::Sender<Option<Arc<Reply>>>>,
    started: DateTime<Utc>,
}

/// An attempt that is followed by a retry.
struct Retried {
    failed: Attempt,
    /// Its response, if its connection is still watched.
    parked: Option<Parked>,
}

impl Retried {
    /// The attempt, with a finding for bytes that followed its response; none if a check panics.
    async fn settled(self, bound: &Bound) -> Option<Attempt> {
        let Self { mut failed, parked } = self;
        if let Some(parked) = parked {
            let reply = parked.settled().await;
            if matches!(&reply, Reply::Answer(answer) if !answer.excess.is_empty()) {
                let findings = judge(bound, &reply, None)?.findings;
                for step in &mut failed.steps {
                    step.findings.clone_from(&findings);
                    step.exchange = Some(Exchange {
                        request: bound.request.clone(),
                        reply: reply.clone(),
                    });
                }
            }
        }
        Some(failed)
    }
}

impl Fired {
    /// Judges the response, once the response to compare with is available.
    async fn settle(
        self,
        reply: Reply,
        previous: Vec<Attempt>,
        repeats: Vec<Attempt>,
        awaited: &Awaited,
        sender: &mpsc::UnboundedSender<WorkerEvent>,
    ) {
        let Self {
            index,
            bound,
            maker,
            started,
        } = self;
        if let Some(maker) = maker {
            maker.send_replace(Some(Arc::new(reply.clone())));
        }
        let other = match &bound.expectation.same_as {
            None => Other::None,
            Some(other) => match awaited.reply(&other.id).await {
                Some(reply) if matches!(*reply, Reply::Answer(_)) => Other::Reply(reply),
                _ => Other::Lost,
            },
        };
        let judgement = match &other {
            Other::None => Some(judge(&bound, &reply, None)),
            Other::Reply(other) => Some(judge(&bound, &reply, Some(other.as_ref()))),
            // The other checks alone must not make it pass.
            Other::Lost => None,
        };
        // A check that panics gives no verdict, and so the case counts as lost.
        let judgement = match judgement {
            Some(None) => return,
            Some(judged) => judged,
            None => None,
        };
        let judged = CaseResult {
            index,
            started,
            exchange: Exchange {
                request: bound.request,
                reply,
            },
            judgement,
            previous,
            repeats,
        };
        drop(sender.send(WorkerEvent::Judged(Box::new(judged))));
    }
}

/// The response that a case is compared with.
enum Other {
    /// It is not compared.
    None,
    /// This response.
    Reply(Arc<Reply>),
    /// It is missing.
    Lost,
}

/// Judges a response; `None` if a check panics.
fn judge(bound: &Bound, reply: &Reply, other: Option<&Reply>) -> Option<Judgement> {
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        check::check(&bound.expectation, &bound.request, reply, other)
    }))
    .ok()
}

fn tried(started: DateTime<Utc>, reply: Reply, findings: Vec<Finding>, bound: &Bound) -> Attempt {
    Attempt {
        reason: match &reply {
            Reply::Failure(failure) => Some(failure.message.clone()),
            _ => None,
        },
        steps: vec![Step {
            started: Some(started),
            elapsed_us: reply.elapsed_us(),
            findings,
            exchange: Some(Exchange {
                request: bound.request.clone(),
                reply,
            }),
            ..Step::default()
        }],
    }
}
