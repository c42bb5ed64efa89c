//! The run itself: starts the workers, makes events of what they bring, and accounts for every case at the end.

use std::{path::PathBuf, sync::Arc};

use tokio::time::Instant;

use super::{
    Client, Interrupts,
    verdict::{conclude, finished},
    worker::Workers,
};
use crate::{
    event::{CaseFinished, Counts, Event, RunFinished, Stop, Try, Verdict},
    exchange::{FailureKind, Reply},
    plan::{Plan, Planned},
    redact::Redactor,
    snapshot::SnapshotStore,
    source::Sources,
};

/// After so many cases without a single answer the target counts as unreachable: the rest is not sent.
const HOPELESS: usize = 3;

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
    pub root: PathBuf,
    /// What every snapshot text goes through before it is written.
    pub hide: Arc<Redactor>,
}

/// Fires a plan. Events of cases go to `tell` as they happen; the figures of the run are returned.
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
    let mut report = |finished: CaseFinished, counts: &mut Counts| {
        counts.add(&finished);
        tell(Event::CaseFinished(Box::new(finished)));
    };
    for (index, planned) in plan.cases.iter().enumerate() {
        if let Some(reason) = &planned.skip {
            done[index] = true;
            report(
                unrun(planned, index, &sources, Verdict::Skipped, reason.clone()),
                &mut counts,
            );
        }
    }
    let (workers, mut results) = Workers::start(&plan, &sources, &client);
    let mut is_stopping = false;
    let mut has_answered = false;
    let mut silent = 0;
    loop {
        tokio::select! {
            biased;
            judged = results.recv() => {
                let Some(judged) = judged else { break };
                match &judged.exchange.reply {
                    Reply::Failure(failure) if failure.kind != FailureKind::TooLarge => silent += 1,
                    _ => has_answered = true,
                }
                let index = judged.index;
                let finished = conclude(judged, &plan.cases[index], &sources, options);
                done[index] = true;
                report(finished, &mut counts);
                if !has_answered && silent >= HOPELESS {
                    workers.begin_no_more();
                }
            }
            () = interrupts.wait(1), if !is_stopping => {
                is_stopping = true;
                workers.stop_gracefully();
            }
            () = interrupts.wait(2) => workers.abort(),
        }
    }
    let stopped = interrupts
        .first()
        .or_else(|| (!has_answered && silent >= HOPELESS).then_some(Stop::Unreachable));
    // Whatever has no verdict now was never begun, or was lost on the way. Neither is a pass.
    for (index, planned) in plan.cases.iter().enumerate() {
        if done[index] {
            continue;
        }
        let (verdict, reason) = match stopped {
            Some(Stop::Unreachable) => (
                Verdict::Errored,
                format!("not sent: the target answered none of the {silent} cases before"),
            ),
            Some(stop) => (Verdict::NotRun, format!("the run was {}", stop.text())),
            None => (
                Verdict::Errored,
                "the case was lost on the way: this is a defect of conforme".to_owned(),
            ),
        };
        report(unrun(planned, index, &sources, verdict, reason), &mut counts);
    }
    RunFinished {
        counts,
        elapsed_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        stopped,
        exit_code: 0,
    }
}

/// A case that was not run, and why.
fn unrun(planned: &Planned, index: usize, sources: &Sources, verdict: Verdict, reason: String) -> CaseFinished {
    CaseFinished {
        last: Try {
            reason: Some(reason),
            ..Try::default()
        },
        ..finished(planned, index, sources, verdict)
    }
}
