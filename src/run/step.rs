//! One step of a case: how it ends, and what is recorded of it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::future;
use tokio::sync::watch;

use super::sent::SentRequest;
use super::{
    flow::NewSnapshots,
    login::TokenFailure,
    worker::{Shared, judge},
};
use crate::{
    check,
    http::{Client, WatchedResponse},
    mail::Mailbox,
    model::{Attempt, CheckId, Exchange, FailureKind, Finding, Outcome, Phase, Step},
    plan::{Bound, Polling},
    suite::{Case, StepDef},
};

/// Why a step was not sent when the run ends early.
pub(super) const ENDED: &str = "the run ended before this step";

impl JudgedStep {
    /// A response with a secret that cannot be masked: only that it fails is recorded.
    pub(super) fn unmaskable(started: SentRequest, parked: WatchedResponse, findings: Vec<Finding>) -> Self {
        Self {
            started,
            outcome: parked.so_far(),
            parked,
            findings,
            snapshot: None,
            polls: 0,
            is_hidden: true,
        }
    }
}

/// What a step reads.
#[derive(Clone, Copy)]
pub(super) enum StepSource<'s> {
    Api(&'s Client),
    Mailbox {
        mailbox: Option<&'s Arc<Mailbox>>,
        since: DateTime<Utc>,
    },
}

/// Whether it is useless to read a mailbox again.
pub(super) fn is_lasting(source: StepSource<'_>, outcome: &Outcome) -> bool {
    let is_too_large = matches!(outcome, Outcome::Failure(failure) if failure.kind == FailureKind::TooLarge);
    is_too_large && matches!(source, StepSource::Mailbox { .. })
}

/// A step that is sent, maybe several times.
#[derive(Clone, Copy)]
pub(super) struct PolledStep<'s> {
    pub(super) case: &'s Case,
    pub(super) index: usize,
    pub(super) source: StepSource<'s>,
    /// The exchange that the response is compared with.
    pub(super) other: Option<&'s Option<Arc<Exchange>>>,
    /// Whether the request leaves the target.
    pub(super) is_elsewhere: bool,
    pub(super) ends: Ends<'s>,
}

/// What ends a step early.
#[derive(Clone, Copy)]
pub(super) struct Ends<'s> {
    pub(super) requests: &'s watch::Sender<bool>,
    pub(super) waits: &'s watch::Sender<bool>,
}

/// A step that was run.
pub(super) struct Done {
    pub(super) step: Step,
    pub(super) snapshot: Option<String>,
    /// The response and what judges it, while its connection is watched.
    pub(super) watched: Option<(Bound, WatchedResponse)>,
    /// Why a token that it needs was not obtained.
    pub(super) no_token: Option<String>,
}

/// How a step ended that has been bound.
pub(super) enum StepEnd {
    /// Its last response was judged.
    Judged(Box<JudgedStep>),
    /// The run ended before there was a response.
    Ended,
    /// A token that it needs was not obtained, for this reason.
    NoToken(String),
}

/// How the last response of a step was judged.
pub(super) struct JudgedStep {
    pub(super) started: SentRequest,
    pub(super) parked: WatchedResponse,
    pub(super) outcome: Outcome,
    pub(super) findings: Vec<Finding>,
    pub(super) snapshot: Option<String>,
    pub(super) polls: u32,
    /// Whether the exchange must not be recorded.
    pub(super) is_hidden: bool,
}

/// Whether a response meets the expectations that end the wait of `eventually`; a finding is added then.
pub(super) fn is_ended(bound: &Bound, outcome: &Outcome, findings: &mut Vec<Finding>, passes: bool) -> Option<bool> {
    let Some(unless) = bound
        .unless
        .as_ref()
        .filter(|_| !passes && matches!(outcome, Outcome::Response(_)))
    else {
        return Some(false);
    };
    let ends = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        !check::check(unless, &bound.request, outcome, None).fails()
    }));
    let ends = ends.ok()?;
    if ends {
        let message = "the response meets `unless`, so the expected one is not waited for";
        findings.insert(0, Finding::new(CheckId::Unless, message).location(&unless.location));
    }
    Some(ends)
}

/// What ends the requests and waits of a step.
pub(super) fn ends_of<'s>(def: &StepDef, case: &Case, shared: &'s Shared) -> Ends<'s> {
    let has_teardown = case.def.steps.iter().any(|step| step.phase == Phase::Teardown);
    match def.phase {
        Phase::Setup | Phase::Main => Ends {
            requests: if has_teardown { &shared.flows_cut } else { &shared.cut },
            waits: &shared.abandoned,
        },
        Phase::Teardown => Ends {
            requests: &shared.killed,
            waits: &shared.killed,
        },
    }
}

/// The name of the endpoint that a step uses, if it is not the target itself.
pub(super) fn endpoint_of(def: &StepDef) -> Option<String> {
    def.endpoint.as_ref().map(|endpoint| endpoint.value.clone())
}

/// The wait before the next request of a step that waits; none if its last response decides.
pub(super) fn next_poll(polling: Option<Polling>, elapsed: Duration, passes: bool) -> Option<Duration> {
    let polling = polling.filter(|polling| polling.throughout == passes)?;
    // The last request is sent when the time is over.
    let left = polling.limit.checked_sub(elapsed).filter(|left| !left.is_zero())?;
    Some(polling.every.min(left))
}

/// A step that was not sent.
pub(super) fn omit(def: &StepDef, omitted: Option<String>) -> Done {
    Done {
        step: Step {
            id: def.id.clone(),
            phase: def.phase,
            omitted,
            ..Step::default()
        },
        snapshot: None,
        watched: None,
        no_token: None,
    }
}

/// A step whose token was not obtained.
pub(super) fn without_token(def: &StepDef, failure: TokenFailure) -> Done {
    match failure {
        TokenFailure::Ended => omit(def, Some(ENDED.to_owned())),
        TokenFailure::Failed(reason) => Done {
            no_token: Some(reason.clone()),
            ..omit(def, Some(reason))
        },
    }
}

/// A step that the target cannot run.
pub(super) fn skipped(def: &StepDef, why: &str) -> Done {
    let mut done = omit(def, Some(why.to_owned()));
    done.step.skipped = true;
    done
}

/// A step that fails before its request is sent.
pub(super) fn refused(def: &StepDef, finding: Finding) -> Done {
    let mut done = omit(def, Some("its request cannot be made".to_owned()));
    done.step.findings.push(finding);
    done
}

/// An attempt as it is recorded. `reason` is why there is no verdict, if it is not a missing response.
pub(super) fn attempt_of(done: &[Done], reason: Option<String>) -> Attempt {
    with_reason(done.iter().map(|one| one.step.clone()).collect(), reason)
}

pub(super) fn with_reason(steps: Vec<Step>, reason: Option<String>) -> Attempt {
    let mut attempt = Attempt { reason, steps };
    attempt.explain();
    attempt
}

/// The attempt and its new snapshots, once no more bytes can follow its responses.
pub(super) async fn settled((all, reason): (Vec<Done>, Option<String>), now: bool) -> (Attempt, NewSnapshots) {
    let settling = all.into_iter().map(|done| settled_step(done, now));
    let (mut steps, mut snapshots) = (Vec::new(), Vec::new());
    for (index, (step, snapshot)) in future::join_all(settling).await.into_iter().enumerate() {
        snapshots.extend(snapshot.map(|text| (index, text)));
        steps.push(step);
    }
    (with_reason(steps, reason), snapshots)
}

/// The step and its new snapshot, once no more bytes can follow its response.
pub(super) async fn settled_step(done: Done, now: bool) -> (Step, Option<String>) {
    let Done {
        mut step,
        snapshot,
        watched,
        no_token: _,
    } = done;
    let Some((bound, parked)) = watched else {
        return (step, snapshot);
    };
    let outcome = if now {
        parked.into_outcome()
    } else {
        parked.settled().await
    };
    let has_excess = matches!(&outcome, Outcome::Response(response) if !response.excess.is_empty());
    if has_excess && let Some(judgement) = judge(&bound, &outcome, None) {
        let is_new = |one: &Finding| !step.findings.iter().any(|known| known.check == one.check);
        let new: Vec<_> = judgement.findings.into_iter().filter(is_new).collect();
        step.findings.extend(new);
        if let Some(exchange) = &mut step.exchange {
            exchange.outcome = outcome;
        }
    }
    (step, snapshot)
}
