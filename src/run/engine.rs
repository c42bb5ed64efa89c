//! Runs a plan: starts the workers, turns their messages into events, and accounts for every case at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    ClientKey, Interrupts, LockstepHandle, Ready,
    resume::BegunCases,
    tokens::TokenFetcher,
    verdict::conclude,
    worker::{CaseResult, GRACE, WorkerEvent, Workers},
};
use crate::{
    http::Client,
    mail::Mailbox,
    mask::Masker,
    model::{
        CaseFinished, CaseRetried, CaseSlow, CaseStarted, CaseWaitedFor, Counts, Event, Flaky, Phase, RunFinished,
        RunStopping, StepFinished, Stop, Verdict, micros,
    },
    plan::Plan,
    snapshot::SnapshotStore,
    source::Sources,
};

/// After this number of cases in a row without a complete response, in order of completion, the rest is not run. A case
/// that is retried counts once, at its last attempt; a complete response to any attempt starts the count again.
const HOPELESS: usize = 3;

/// Interval between checks for slow cases.
const TICK: Duration = Duration::from_millis(100);

/// How a response that differs from its snapshot is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotMode {
    /// The case fails; nothing is written.
    Check,
    /// The case fails; the new snapshot is written next to the old one for review.
    Pending,
    /// The new snapshot replaces the old one, unless the case fails for another reason.
    Accept,
}

/// Options of a run.
pub struct RunOptions {
    /// How snapshots are handled.
    pub snapshots: SnapshotMode,
    /// The snapshot files.
    pub store: SnapshotStore,
    /// The project's folder: paths in events are relative to it.
    pub root: PathBuf,
    /// Masks secrets in every snapshot text before it is written.
    pub hide: Arc<Masker>,
    /// Whether the proxy of the environment applies.
    pub use_proxy: bool,
    /// The clients of steps that do not use that of the target.
    pub clients: BTreeMap<ClientKey, Arc<Client>>,
    /// The mailboxes of the target, by endpoint.
    pub mailboxes: BTreeMap<String, Arc<Mailbox>>,
    /// Cases of which only the teardown is run.
    pub begun: BegunCases,
    /// The tokens of token endpoints.
    pub tokens: Arc<TokenFetcher>,
    /// The readiness check before the first case.
    pub ready: Option<Ready>,
    /// Stop after this number of failed cases.
    pub max_fail: Option<usize>,
    /// Number of requests per case.
    pub repeats: u32,
    /// Handle for runs on other targets that proceed in lockstep with this one.
    pub lockstep: Option<LockstepHandle>,
}

/// Runs a plan. Events of cases are passed to `report` as they happen; the totals are returned.
pub async fn run(
    plan: Arc<Plan>,
    sources: Arc<Sources>,
    client: Arc<Client>,
    options: &RunOptions,
    interrupts: &Interrupts,
    report: impl FnMut(Event),
) -> RunFinished {
    let start = Instant::now();
    let deadline = plan.target.limits.deadline.and_then(|limit| start.checked_add(limit));
    let mut engine = Engine {
        plan: &plan,
        sources: &sources,
        options,
        stale: options.store.pending_ids(),
        report,
        counts: Counts::default(),
        done: vec![false; plan.cases.len()],
        running: RunningCases::new(plan.target.limits.slow),
        waiting: HashSet::new(),
        silent: 0,
        is_hopeless: false,
        is_enough: false,
        is_late: false,
        was_unfinished: false,
    };
    engine.report_skipped();
    if let Some((stop, reason)) = engine.await_ready(&client, interrupts, deadline).await {
        engine.report_rest(Verdict::NotRun, &reason);
        if let Some(lockstep) = &options.lockstep {
            lockstep.leave();
        }
        return engine.finished(start, Some(stop));
    }
    let (workers, mut events) = Workers::start(&plan, &sources, &client, options);
    let mut tick = tokio::time::interval(TICK);
    let (mut is_stopping, mut is_cut) = (false, false);
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                None => break,
                Some(event) => engine.handle(event, &workers),
            },
            () = interrupts.wait(1), if !is_stopping => {
                is_stopping = true;
                workers.stop_gracefully();
                engine.report_stopping(interrupts.first().unwrap_or(Stop::Interrupted));
            }
            () = interrupts.wait(2), if !is_cut => {
                is_cut = true;
                workers.kill();
            }
            () = reached(deadline), if !engine.is_late => {
                engine.is_late = true;
                engine.was_unfinished = !engine.waiting.is_empty();
                workers.cut();
            }
            _ = tick.tick() => engine.report_slow(),
        }
    }
    workers.leave();
    let stopped = interrupts.first().or_else(|| engine.stopped());
    // A case without a verdict was never begun, or its result was lost. Neither counts as passed.
    match stopped {
        Some(Stop::Unreachable) => engine.report_rest(Verdict::NotRun, Stop::Unreachable.text()),
        Some(stop) => engine.report_rest(Verdict::NotRun, &format!("the run was {}", stop.text())),
        None => engine.report_rest(
            Verdict::Errored,
            "internal error: the result of this case was lost (please report)",
        ),
    }
    engine.finished(start, stopped)
}

/// A run in progress.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent reason why a run ends"
)]
struct Engine<'r, F> {
    plan: &'r Plan,
    sources: &'r Sources,
    options: &'r RunOptions,
    /// The ids of pending snapshots of an earlier run.
    stale: BTreeSet<String>,
    report: F,
    counts: Counts,
    /// By case: whether it has its verdict.
    done: Vec<bool>,
    running: RunningCases,
    /// Cases that wait for another attempt.
    waiting: HashSet<usize>,
    /// Number of requests in a row without a complete response.
    silent: usize,
    is_hopeless: bool,
    /// Whether as many cases failed as `--max-fail` allows.
    is_enough: bool,
    is_late: bool,
    /// Whether cases waited for another attempt at the deadline, or were ended by it.
    was_unfinished: bool,
}

impl<F: FnMut(Event)> Engine<'_, F> {
    fn finish(&mut self, finished: CaseFinished) {
        self.counts.add(&finished);
        (self.report)(Event::CaseFinished(Box::new(finished)));
    }

    /// Reports the cases that the plan skips, and removes their pending snapshots.
    fn report_skipped(&mut self) {
        let plan = self.plan;
        for (index, planned) in plan.cases.iter().enumerate() {
            let Some(reason) = &planned.skip else { continue };
            self.done[index] = true;
            let mut ids = planned.case.def.steps.iter().map(|step| planned.case.step_id(step));
            let cleared = ids.try_for_each(|id| {
                if planned.passed_before || !self.stale.contains(&id) {
                    return Ok(());
                }
                self.options.store.clear_pending(&id)
            });
            let unrun = match cleared {
                Ok(()) => planned.unrun(self.sources, Verdict::Skipped, reason.clone()),
                Err(error) => planned.unrun(self.sources, Verdict::Errored, error.to_string()),
            };
            self.finish(unrun);
        }
    }

    /// Waits until the target is ready, if a case is to be run. Returns why the run ends before its first case.
    async fn await_ready(
        &mut self,
        client: &Client,
        interrupts: &Interrupts,
        deadline: Option<Instant>,
    ) -> Option<(Stop, String)> {
        let ready = self.options.ready.as_ref().filter(|_| !self.is_whole())?;
        let outcome = tokio::select! {
            biased;
            () = interrupts.wait(1) => None,
            () = reached(deadline) => None,
            outcome = ready.wait(self.plan, self.sources, client, &self.options.tokens, &mut self.report) => Some(outcome),
        };
        match outcome {
            Some(Ok(())) => None,
            Some(Err(reason)) => Some((Stop::NotReady, format!("the target is not ready: {reason}"))),
            None => {
                let stop = interrupts.first().unwrap_or(Stop::Deadline);
                Some((stop, format!("the run was {}", stop.text())))
            }
        }
    }

    /// Reports all cases without a verdict.
    fn report_rest(&mut self, verdict: Verdict, reason: &str) {
        let plan = self.plan;
        for (index, planned) in plan.cases.iter().enumerate() {
            if !self.done[index] {
                self.finish(planned.unrun(self.sources, verdict, reason.to_owned()));
            }
        }
    }

    /// The id of a case and its index in the whole plan.
    fn named(&self, index: usize) -> (String, usize) {
        let planned = &self.plan.cases[index];
        (planned.case.id.clone(), planned.index)
    }

    fn handle(&mut self, event: WorkerEvent, workers: &Workers) {
        match event {
            WorkerEvent::Started(index) => {
                self.running.begin(index);
                let (id, index) = self.named(index);
                (self.report)(Event::CaseStarted(CaseStarted { id, index }));
            }
            WorkerEvent::Retried {
                index,
                number,
                failed,
                wait,
                is_complete,
            } => {
                self.running.end(index);
                self.waiting.insert(index);
                if is_complete {
                    self.silent = 0;
                }
                let (id, index) = self.named(index);
                (self.report)(Event::CaseRetried(CaseRetried {
                    id,
                    index,
                    number,
                    most: self.plan.target.retry.most + 1,
                    reason: self.options.hide.summary(&failed).unwrap_or_default(),
                    elapsed_us: failed.elapsed_us(),
                    wait_us: micros(wait),
                }));
            }
            WorkerEvent::Resumed(index) => {
                self.waiting.remove(&index);
                self.running.begin(index);
            }
            WorkerEvent::Responded { index, is_complete } => {
                self.running.end(index);
                self.silent = if is_complete { 0 } else { self.silent + 1 };
                if self.silent >= HOPELESS && !self.is_hopeless {
                    self.is_hopeless = true;
                    workers.begin_no_more();
                }
            }
            WorkerEvent::Step { index, step } => {
                let (id, index) = self.named(index);
                let step = *step;
                (self.report)(Event::StepFinished(Box::new(StepFinished { id, index, step })));
            }
            WorkerEvent::Judged(judged) => self.judged(*judged, workers),
        }
    }

    fn judged(&mut self, judged: CaseResult, workers: &Workers) {
        let index = judged.index;
        self.running.end(index);
        let planned = &self.plan.cases[index];
        let finished = conclude(judged, planned, self.sources, self.options, &self.stale);
        self.done[index] = true;
        self.was_unfinished |= self.is_late && finished.verdict == Verdict::Errored;
        self.finish(finished);
        let flaky = match self.plan.target.flaky {
            Flaky::Fail => self.counts.flaky,
            Flaky::Pass => 0,
        };
        let failures = self.counts.failed + self.counts.errored + flaky;
        self.is_enough = self.options.max_fail.is_some_and(|maximum| failures >= maximum);
        if self.is_enough {
            workers.begin_no_more();
        }
    }

    fn report_slow(&mut self) {
        for (index, elapsed) in self.running.slow() {
            let (id, index) = self.named(index);
            (self.report)(Event::CaseSlow(CaseSlow {
                id,
                index,
                elapsed_us: micros(elapsed),
            }));
        }
    }

    /// Reports what is still waited for after a signal.
    fn report_stopping(&mut self, signal: Stop) {
        let cases = self.running.cases.iter().map(|(index, (begun, _))| {
            let steps = self.plan.cases[*index].case.def.steps.iter();
            let has_teardown = steps.clone().any(|step| step.phase == Phase::Teardown);
            CaseWaitedFor {
                id: self.named(*index).0,
                elapsed_us: micros(begun.elapsed()),
                has_teardown,
            }
        });
        let cases: Vec<_> = cases.collect();
        let most = if cases.iter().any(|one| one.has_teardown) {
            GRACE * 2
        } else {
            GRACE
        };
        (self.report)(Event::RunStopping(RunStopping {
            signal,
            cases,
            most_us: micros(most),
        }));
    }

    fn is_whole(&self) -> bool {
        self.done.iter().all(|done| *done)
    }

    /// Why the run ended early, if no signal ended it.
    fn stopped(&self) -> Option<Stop> {
        let is_whole = self.is_whole();
        (self.is_late && (self.was_unfinished || !is_whole))
            .then_some(Stop::Deadline)
            .or_else(|| (self.is_enough && !is_whole).then_some(Stop::MaxFail))
            .or_else(|| (self.is_hopeless && !is_whole).then_some(Stop::Unreachable))
    }

    fn finished(&self, start: Instant, stopped: Option<Stop>) -> RunFinished {
        RunFinished {
            counts: self.counts,
            project_cases: 0,
            max_skipped: None,
            elapsed_us: micros(start.elapsed()),
            stopped,
            exit_code: 0,
        }
    }
}

/// Waits for the deadline, if there is one.
async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The running cases and their start times.
struct RunningCases {
    slow: Duration,
    /// By case: its start time, and how many times it was reported as slow.
    cases: BTreeMap<usize, (Instant, u32)>,
}

impl RunningCases {
    fn new(slow: Duration) -> Self {
        Self {
            slow,
            cases: BTreeMap::new(),
        }
    }

    fn begin(&mut self, index: usize) {
        self.cases.insert(index, (Instant::now(), 0));
    }

    fn end(&mut self, index: usize) {
        self.cases.remove(&index);
    }

    /// The cases that have exceeded another multiple of the slow threshold since the last call.
    fn slow(&mut self) -> Vec<(usize, Duration)> {
        let mut slow = Vec::new();
        for (index, (begun, reported)) in &mut self.cases {
            let elapsed = begun.elapsed();
            if elapsed >= self.slow.saturating_mul(*reported + 1) {
                *reported += 1;
                slow.push((*index, elapsed));
            }
        }
        slow
    }
}
