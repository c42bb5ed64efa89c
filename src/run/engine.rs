//! Runs a plan: starts the workers, turns their messages into events, and accounts for every case at the end.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Interrupts, LockstepHandle, Ready,
    verdict::conclude,
    worker::{WorkerEvent, Workers},
};
use crate::{
    http::Client,
    mail::Mailbox,
    model::{
        CaseFinished, CaseRetried, CaseSlow, CaseStarted, Counts, Event, Flaky, RunFinished, Step, StepFinished, Stop,
        Verdict, micros,
    },
    plan::Plan,
    redact::Redactor,
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
    pub hide: Arc<Redactor>,
    /// Whether the proxy of the environment applies.
    pub use_proxy: bool,
    /// The clients of the target's further endpoints, by name.
    pub endpoints: BTreeMap<String, Arc<Client>>,
    /// The mailboxes of the target, by endpoint.
    pub mailboxes: BTreeMap<String, Arc<Mailbox>>,
    /// Cases of which only the teardown is run, by id, with the steps that an earlier run has sent.
    pub begun: BTreeMap<String, Vec<Step>>,
    /// The readiness check before the first case.
    pub ready: Option<Ready>,
    /// Stop after this number of failed cases.
    pub max_fail: Option<usize>,
    /// Number of requests per case.
    pub repeats: u32,
    /// Handle for runs on other targets that proceed in lockstep with this one.
    pub lockstep: Option<LockstepHandle>,
}

/// Runs a plan. Events of cases are passed to `tell` as they happen; the totals are returned.
pub async fn run(
    plan: Arc<Plan>,
    sources: Arc<Sources>,
    client: Arc<Client>,
    options: &RunOptions,
    interrupts: &Interrupts,
    mut tell: impl FnMut(Event),
) -> RunFinished {
    let start = Instant::now();
    let deadline = plan.target.limits.deadline.and_then(|limit| start.checked_add(limit));
    let mut counts = Counts::default();
    let mut done = vec![false; plan.cases.len()];
    let report = |finished: CaseFinished, counts: &mut Counts, tell: &mut dyn FnMut(Event)| {
        counts.add(&finished);
        tell(Event::CaseFinished(Box::new(finished)));
    };
    let stale = options.store.pending_ids();
    for (index, planned) in plan.cases.iter().enumerate() {
        if let Some(reason) = &planned.skip {
            done[index] = true;
            let id = &planned.case.id;
            let is_left_out = planned.passed_before || !stale.contains(id);
            if !is_left_out && let Err(error) = options.store.clear_pending(id) {
                let errored = planned.unrun(&sources, Verdict::Errored, error.to_string());
                report(errored, &mut counts, &mut tell);
                continue;
            }
            let skipped = planned.unrun(&sources, Verdict::Skipped, reason.clone());
            report(skipped, &mut counts, &mut tell);
        }
    }
    if let Some(ready) = options.ready.as_ref().filter(|_| !done.iter().all(|done| *done)) {
        let outcome = tokio::select! {
            biased;
            () = interrupts.wait(1) => None,
            () = reached(deadline) => None,
            outcome = ready.wait(&client, &mut tell) => Some(outcome),
        };
        let ended = match outcome {
            Some(Ok(())) => None,
            Some(Err(reason)) => Some((Stop::NotReady, format!("the target is not ready: {reason}"))),
            None => {
                let stop = interrupts.first().unwrap_or(Stop::Deadline);
                Some((stop, format!("the run was {}", stop.text())))
            }
        };
        if let Some((stop, reason)) = ended {
            for (planned, _) in plan.cases.iter().zip(&done).filter(|(_, done)| !**done) {
                let unrun = planned.unrun(&sources, Verdict::NotRun, reason.clone());
                report(unrun, &mut counts, &mut tell);
            }
            if let Some(lockstep) = &options.lockstep {
                lockstep.leave();
            }
            return RunFinished {
                counts,
                project_cases: 0,
                max_skipped: None,
                elapsed_us: micros(start.elapsed()),
                stopped: Some(stop),
                exit_code: 0,
            };
        }
    }
    let (workers, mut news) = Workers::start(&plan, &sources, &client, options);
    let mut running = Running::new(plan.target.limits.slow);
    let mut tick = tokio::time::interval(TICK);
    let (mut is_stopping, mut is_cut, mut is_late) = (false, false, false);
    let mut silent = 0;
    // Cases that wait for another attempt, and whether there were any at the deadline.
    let (mut waiting, mut was_waiting) = (HashSet::new(), false);
    let mut is_hopeless = false;
    let mut is_enough = false;
    loop {
        tokio::select! {
                    biased;
                    one = news.recv() => match one {
                        None => break,
                        Some(WorkerEvent::Started(index)) => {
                            running.begin(index);
                            let planned = &plan.cases[index];
                            let (id, index) = (planned.case.id.clone(), planned.index);
                            tell(Event::CaseStarted(CaseStarted { id, index }));
                        }
                        Some(WorkerEvent::Retried { index, number, failed, wait, is_complete }) => {
                            running.end(index);
                            waiting.insert(index);
                            if is_complete {
                                silent = 0;
                            }
                            tell(Event::CaseRetried(CaseRetried {
                                id: plan.cases[index].case.id.clone(),
                                index: plan.cases[index].index,
                                number,
                                most: plan.target.retry.most + 1,
                                reason: options.hide.summary(&failed).unwrap_or_default(),
                                elapsed_us: failed.elapsed_us(),
                                wait_us: micros(wait),
                            }));
                        }
                        Some(WorkerEvent::Resumed(index)) => {
                            waiting.remove(&index);
                            running.begin(index);
                        }
                        Some(WorkerEvent::Responded { index, is_complete }) => {
                            running.end(index);
                            silent = if is_complete { 0 } else { silent + 1 };
                            if silent >= HOPELESS && !is_hopeless {
                                is_hopeless = true;
                                workers.begin_no_more();
                            }
                        }
                        Some(WorkerEvent::Step { index, step }) => {
                            let planned = &plan.cases[index];
                            let (id, index) = (planned.case.id.clone(), planned.index);
                            let step = *step;
                            tell(Event::StepFinished(Box::new(StepFinished { id, index, step })));
                        }
                        Some(WorkerEvent::Judged(judged)) => {
                            let index = judged.index;
        let finished = conclude(*judged, &plan.cases[index], &sources, options, &stale);
                            done[index] = true;
                            report(finished, &mut counts, &mut tell);
                            let failures = counts.failed + counts.errored + match plan.target.flaky {
                                Flaky::Fail => counts.flaky,
                                Flaky::Pass => 0,
                            };
                            is_enough = options.max_fail.is_some_and(|most| failures >= most);
                            if is_enough {
                                workers.begin_no_more();
                            }
                        }
                    },
                    () = interrupts.wait(1), if !is_stopping => {
                        is_stopping = true;
                        workers.stop_gracefully();
                    }
                    () = interrupts.wait(2), if !is_cut => {
                        is_cut = true;
                        workers.kill();
                    }
                    () = reached(deadline), if !is_late => {
                        is_late = true;
                        was_waiting = !waiting.is_empty();
                        workers.cut();
                    }
                    _ = tick.tick() => {
                        for (index, elapsed) in running.slow() {
                            tell(Event::CaseSlow(CaseSlow {
                                id: plan.cases[index].case.id.clone(),
                                index: plan.cases[index].index,
                                elapsed_us: micros(elapsed),
                            }));
                        }
                    }
                }
    }
    workers.leave();
    let is_whole = done.iter().all(|done| *done);
    let stopped = interrupts
        .first()
        .or_else(|| (is_late && (was_waiting || !is_whole)).then_some(Stop::Deadline))
        .or_else(|| (is_enough && !is_whole).then_some(Stop::MaxFail))
        .or_else(|| (is_hopeless && !is_whole).then_some(Stop::Unreachable));
    // A case without a verdict was never begun, or its result was lost. Neither counts as passed.
    for (index, planned) in plan.cases.iter().enumerate() {
        if done[index] {
            continue;
        }
        let (verdict, reason) = match stopped {
            Some(Stop::Unreachable) => (Verdict::NotRun, Stop::Unreachable.text().to_owned()),
            Some(stop) => (Verdict::NotRun, format!("the run was {}", stop.text())),
            None => (
                Verdict::Errored,
                "internal error: the result of this case was lost (please report)".to_owned(),
            ),
        };
        report(planned.unrun(&sources, verdict, reason), &mut counts, &mut tell);
    }
    RunFinished {
        counts,
        project_cases: 0,
        max_skipped: None,
        elapsed_us: micros(start.elapsed()),
        stopped,
        exit_code: 0,
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
struct Running {
    slow: Duration,
    /// By case: its start time, and how many times it was reported as slow.
    cases: HashMap<usize, (Instant, u32)>,
}

impl Running {
    fn new(slow: Duration) -> Self {
        Self {
            slow,
            cases: HashMap::new(),
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
        for (index, (begun, told)) in &mut self.cases {
            let elapsed = begun.elapsed();
            if elapsed >= self.slow.saturating_mul(*told + 1) {
                *told += 1;
                slow.push((*index, elapsed));
            }
        }
        slow.sort_unstable();
        slow
    }
}
