//! Waits until a deployment is ready, so that a starting one or the wrong build is not tested.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    check::{self, ReadLimit},
    http::Client,
    model::{Event, Level, Outcome, TargetAwaited, micros},
    plan::Bound,
};

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Maximum time for one attempt, unless the target sets less.
const LIMIT: Duration = Duration::from_secs(5);

/// The readiness check before the first case.
#[derive(Debug)]
pub struct Ready {
    /// A request and its expectation; without one a connection is enough.
    pub asked: Option<Box<Bound>>,
    /// How long attempts are repeated; zero for one attempt.
    pub wait: Duration,
}

impl Ready {
    /// Waits until the target is ready; the error is the reason why it is not.
    pub(super) async fn wait(&self, client: &Client, emit: &mut impl FnMut(Event)) -> Result<(), String> {
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
            let Err(reason) = self.ask(client, limit).await else {
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

    async fn ask(&self, client: &Client, limit: Duration) -> Result<(), String> {
        let Some(bound) = &self.asked else {
            return client.reach(limit).await.map_err(|failure| failure.message);
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
