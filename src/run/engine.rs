//! Keeping the jobs busy, and making events of what comes back.

use std::{
    ops::Range,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use super::{Client, Interrupts};
use crate::{
    check::{self, Judgement},
    event::{CaseFinished, Counts, Event, Exchange, RunFinished, Verdict},
    exchange::Reply,
    plan::{Bound, Plan, Planned},
    snapshot::SnapshotStore,
    source::Sources,
};

/// How long running requests may still take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);
/// What the counter of units holds when no more may begin; far below the overflow of later additions.
const STOPPED: usize = usize::MAX / 2;

/// What is done with an answer that differs from its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    /// The case fails; nothing is written.
    Check,
    /// The case fails; the new snapshot is written beside the old one, to be reviewed.
    Pending,
    /// The new snapshot takes the place of the old one, unless the case fails for another reason.
    Accept,
}

/// How a run is made.
#[derive(Debug)]
pub struct RunOptions {
    /// What is done with snapshots.
    pub snapshots: SnapshotMode,
    /// Where they are.
    pub store: SnapshotStore,
    /// The project's folder: paths in events are relative to it.
    pub root: std::path::PathBuf,
    /// What every snapshot text goes through before it is written.
    pub hide: Arc<crate::redact::Redactor>,
}

/// Fires a plan. Events go to `tell` as they happen; the last one is also returned.
pub async fn run(
    plan: Arc<Plan>,
    sources: Arc<Sources>,
    client: Arc<Client>,
    options: &RunOptions,
    interrupts: &Interrupts,
    mut tell: impl FnMut(Event),
) -> RunFinished {
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut done = vec![false; plan.cases.len()];
    for (index, planned) in plan.cases.iter().enumerate() {
        if let Some(reason) = &planned.skip {
            done[index] = true;
            counts.add(Verdict::Skipped);
            tell(Event::CaseFinished(Box::new(CaseFinished {
                reason: Some(reason.clone()),
                ..finished(planned, index, &sources, Verdict::Skipped)
            })));
        }
    }
    let (sender, mut results) = mpsc::unbounded_channel();
    let mut workers = workers(&plan, &sources, &client, sender);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            result = results.recv() => {
                let Some(result) = result else { break };
                let index = result.index;
                let finished = conclude(result, &plan.cases[index], &sources, options);
                done[index] = true;
                counts.add(finished.verdict);
                counts.warnings += finished.findings.iter().filter(|finding| finding.level == check::Level::Warn).count();
                tell(Event::CaseFinished(Box::new(finished)));
            }
            () = interrupts.wait(1), if !is_stopping => {
                is_stopping = true;
                workers.stop();
            }
            () = interrupts.wait(2) => workers.abort(),
        }
    }
    let interrupted = interrupts.first();
    // Whatever has no verdict now was lost on the way, or never begun because of a signal. Neither is a pass.
    for (index, planned) in plan.cases.iter().enumerate() {
        if done[index] {
            continue;
        }
        if interrupted.is_some() {
            counts.not_run += 1;
            continue;
        }
        counts.add(Verdict::Errored);
        tell(Event::CaseFinished(Box::new(CaseFinished {
            reason: Some("the case was lost on the way: this is a defect of conforme".to_owned()),
            ..finished(planned, index, &sources, Verdict::Errored)
        })));
    }
    RunFinished {
        counts,
        elapsed_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        interrupted,
    }
}

/// A case that has been judged.
struct Judged {
    index: usize,
    exchange: Exchange,
    judgement: Judgement,
}

/// The tasks of a run.
struct Workers {
    next: Arc<AtomicUsize>,
    tasks: Arc<std::sync::Mutex<JoinSet<()>>>,
}

impl Workers {
    /// Begins no more cases; those that run get [`GRACE`].
    fn stop(&self) {
        self.next.store(STOPPED, Ordering::SeqCst);
        let tasks = Arc::clone(&self.tasks);
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            abort(&tasks);
        });
    }

    /// Ends everything now.
    fn abort(&mut self) {
        self.next.store(STOPPED, Ordering::SeqCst);
        abort(&self.tasks);
    }
}

fn abort(tasks: &std::sync::Mutex<JoinSet<()>>) {
    tasks
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .abort_all();
}

/// Starts as many workers as there are jobs. Each takes the next case, until there is none.
fn workers(
    plan: &Arc<Plan>,
    sources: &Arc<Sources>,
    client: &Arc<Client>,
    sender: mpsc::UnboundedSender<Judged>,
) -> Workers {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let units = Arc::new(units(plan));
    let count = units.len();
    for _ in 0..plan.target.limits.jobs.min(count) {
        let (plan, sources, client) = (Arc::clone(plan), Arc::clone(sources), Arc::clone(client));
        let (next, sender, units) = (Arc::clone(&next), sender.clone(), Arc::clone(&units));
        tasks.spawn(async move {
            // What still listens to a connection after its answer does not hold up the next case.
            let mut listening = JoinSet::new();
            loop {
                let unit = next.fetch_add(1, Ordering::SeqCst);
                let Some(unit) = units.get(unit) else { break };
                for index in unit.clone() {
                    // A stop takes hold between two cases of a unit too.
                    if next.load(Ordering::SeqCst) >= STOPPED {
                        break;
                    }
                    let planned = &plan.cases[index];
                    if planned.skip.is_some() {
                        continue;
                    }
                    let Ok(bound) = plan.bind(&planned.case, &sources) else {
                        continue;
                    };
                    let answered = client.exchange(&bound.request, bound.timeout).await;
                    let (client, sender) = (Arc::clone(&client), sender.clone());
                    listening.spawn(async move {
                        let reply = client.finish(answered).await;
                        if let Some(judged) = judge(index, bound, reply) {
                            drop(sender.send(judged));
                        }
                    });
                    if unit.len() > 1 {
                        listening.join_next().await;
                    }
                }
                while listening.try_join_next().is_some() {}
            }
            while listening.join_next().await.is_some() {}
        });
    }
    Workers {
        next,
        tasks: Arc::new(std::sync::Mutex::new(tasks)),
    }
}

/// What one worker takes at a time: a case, or all cases of a suite that is `serial`.
fn units(plan: &Plan) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::new();
    for (index, planned) in plan.cases.iter().enumerate() {
        let suite = &planned.case.suite;
        let before = index.checked_sub(1).map(|before| &plan.cases[before].case.suite);
        match units.last_mut() {
            Some(unit) if suite.def.serial && before.is_some_and(|before| before.id == suite.id) => {
                unit.end = index + 1
            }
            _ => units.push(index..index + 1),
        }
    }
    units
}

/// Judges a reply. A check that panics gives no verdict, and so the case counts as lost.
fn judge(index: usize, bound: Bound, reply: Reply) -> Option<Judged> {
    let judgement = std::panic::catch_unwind(AssertUnwindSafe(|| {
        check::check(&bound.expectation, &bound.request, &reply)
    }))
    .ok()?;
    Some(Judged {
        index,
        exchange: Exchange {
            request: bound.request,
            reply,
        },
        judgement,
    })
}

/// The verdict on a case, and what becomes of its snapshot.
fn conclude(judged: Judged, planned: &Planned, sources: &Sources, options: &RunOptions) -> CaseFinished {
    let Judged {
        index,
        exchange,
        judgement,
    } = judged;
    let mut findings = judgement.findings;
    let mut written = None;
    let mut failure = None;
    let others_hold = findings
        .iter()
        .all(|finding| finding.check == "snapshot" || finding.level != check::Level::Deny);
    let id = &planned.case.id;
    let source = sources.place(planned.case.span).file;
    let result = match (&judgement.snapshot, options.snapshots) {
        (Some(text), SnapshotMode::Pending) if others_hold => options
            .store
            .write_pending(id, &source, &options.hide.text(text))
            .map(Some),
        (Some(text), SnapshotMode::Accept) if others_hold => {
            findings.retain(|finding| finding.check != "snapshot");
            options
                .store
                .write_accepted(id, &source, &options.hide.text(text))
                .map(Some)
        }
        (None, SnapshotMode::Pending | SnapshotMode::Accept)
            if planned
                .case
                .def
                .expect
                .snapshot
                .as_ref()
                .is_some_and(|asked| asked.value)
                && matches!(exchange.reply, Reply::Answer(_)) =>
        {
            options.store.clear_pending(id).map(|()| None)
        }
        _ => Ok(None),
    };
    match result {
        Ok(path) => written = path.map(|path| crate::event::shown(&options.root, &path)),
        Err(error) => failure = Some(error.to_string()),
    }
    let (verdict, reason) = match (&exchange.reply, failure) {
        (Reply::Failure(failure), _) => (Verdict::Errored, Some(failure.message.clone())),
        (_, Some(error)) => (Verdict::Errored, Some(error)),
        _ if findings.iter().any(|finding| finding.level == check::Level::Deny) => (Verdict::Failed, None),
        _ => (Verdict::Passed, None),
    };
    let elapsed_us = match &exchange.reply {
        Reply::Answer(answer) => answer.elapsed_us,
        Reply::Malformed(malformed) => malformed.elapsed_us,
        Reply::Failure(failure) => failure.elapsed_us,
    };
    CaseFinished {
        reason,
        elapsed_us,
        findings,
        snapshot: written,
        exchange: Some(exchange),
        ..finished(planned, index, sources, verdict)
    }
}

fn finished(planned: &Planned, index: usize, sources: &Sources, verdict: Verdict) -> CaseFinished {
    let case = &planned.case;
    CaseFinished {
        id: case.id.clone(),
        suite: case.suite.id.clone(),
        index,
        name: case.def.name.clone(),
        tags: case.def.tags.clone(),
        place: sources.place(case.span),
        verdict,
        reason: None,
        elapsed_us: 0,
        findings: Vec::new(),
        snapshot: None,
        exchange: None,
    }
}
