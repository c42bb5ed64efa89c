//! Waits until a deployment is ready, so that a starting one or the wrong build is not tested.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::tokens::TokenFetcher;

use crate::{
    check::{self, ReadLimit},
    http::Client,
    model::{Event, Level, Outcome, TargetAwaited, micros},
    plan::{Late, Plan, Unbound},
    source::Sources,
    suite::Case,
};

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Maximum time for one attempt, unless the target sets less.
const LIMIT: Duration = Duration::from_secs(5);

/// The readiness check before the first case.
#[derive(Debug)]
pub struct Ready {
    /// A request and its expectation; without one a connection is enough.
    pub asked: Option<Arc<Case>>,
    /// How long attempts are repeated; zero for one attempt.
    pub wait: Duration,
}

impl Ready {
    /// Waits until the target is ready, and with a wait also its token endpoints; the error is the reason why it is not.
    pub(super) async fn wait(
        &self,
        plan: &Plan,
        sources: &Sources,
        client: &Client,
        tokens: &TokenFetcher,
        emit: &mut impl FnMut(Event),
    ) -> Result<(), String> {
        let deadline = Instant::now() + self.wait;
        let mut reported = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // A single attempt has the whole time limit; repeated ones are limited by the wait.
            let limit = if self.wait.is_zero() {
                LIMIT
            } else {
                LIMIT.min(left.max(PAUSE))
            };
            let mut ready = if self.wait.is_zero() {
                Ok(())
            } else {
                tokens.prepare(plan).await
            };
            if ready.is_ok() {
                ready = self.ask(plan, sources, client, tokens, limit).await;
            }
            let Err(reason) = ready else {
                return Ok(());
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(if self.wait.is_zero() {
                    reason
                } else {
                    format!("{reason} (waited {})", check::show_duration(self.wait))
                });
            }
            if reported.as_ref() != Some(&reason) {
                emit(Event::TargetAwaited(TargetAwaited {
                    reason: reason.clone(),
                    left_us: micros(left),
                }));
                reported = Some(reason);
            }
            tokio::time::sleep(PAUSE.min(left)).await;
        }
    }

    async fn ask(
        &self,
        plan: &Plan,
        sources: &Sources,
        client: &Client,
        tokens: &TokenFetcher,
        limit: Duration,
    ) -> Result<(), String> {
        let Some(case) = &self.asked else {
            return client.reach(limit).await.map_err(|failure| failure.message);
        };
        let bound = loop {
            match plan.bind(case, 0, &Late::default(), sources) {
                Ok(bound) => break bound,
                Err(Unbound::Token(name)) => match plan.target.tokens.get(&name) {
                    Some(token) => tokens.obtain(token).await?,
                    None => return Err(format!("there is no token `{name}`")),
                },
                Err(unbound) => return Err(unbound.to_string()),
            }
        };
        let listening = client
            .exchange(
                &bound.request,
                ReadLimit {
                    timeout: limit.min(bound.timeout),
                    ..bound.limit()
                },
            )
            .await;
        let outcome = client.park(listening).into_outcome();
        if let Outcome::Failure(failure) = outcome {
            return Err(failure.message);
        }
        let judgement = check::check(&bound.expectation, &bound.request, &outcome, None);
        let finding = judgement.findings.iter().find(|finding| finding.level == Level::Deny);
        finding.map_or(Ok(()), |finding| {
            // Secrets are masked later: nothing is cut off here.
            let (method, url) = (&bound.request.method, &bound.request.url);
            Err(format!("{method} {url}: {}", finding.whole_headline()))
        })
    }
}
