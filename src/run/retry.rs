//! Whether an attempt is repeated, and the wait before the next one.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use tokio::time::Instant;

use crate::{
    check::imf_fixdate,
    model::{FailureKind, Outcome, Response},
    project::Retry,
};

/// Wait before the second attempt; it doubles for each further one.
const FIRST: Duration = Duration::from_millis(250);

/// A wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A time that doubles with each attempt.
    Backoff(Duration),
    /// The wait requested by `Retry-After`; it applies to all requests to the target.
    After(Duration),
}

/// The wait before the next attempt, if the request may be retried: no response for a
/// transient reason, or a status that the target lists. A failed check is never retried.
pub(super) fn wait(outcome: &Outcome, number: u32, retry: &Retry) -> Option<Wait> {
    match outcome {
        Outcome::Failure(failure) => match failure.kind {
            FailureKind::Connect | FailureKind::Tls | FailureKind::Timeout | FailureKind::Closed => {
                Some(Wait::Backoff(backoff(number, retry.longest_wait)))
            }
            FailureKind::Refused | FailureKind::NotHttp | FailureKind::TooLarge | FailureKind::Unattributed => None,
        },
        Outcome::Malformed(_) => None,
        Outcome::Response(response) => {
            let after = retry_after(response);
            let is_listed = match &retry.statuses {
                Some(statuses) => statuses.contains(&response.status),
                None => matches!(response.status, 429 | 503) && after.is_some(),
            };
            match after {
                _ if !is_listed => None,
                None => Some(Wait::Backoff(backoff(number, retry.longest_wait))),
                // A request before the time in `Retry-After` would be rejected again.
                Some(after) => (after <= retry.longest_wait).then_some(Wait::After(after)),
            }
        }
    }
}

/// Doubles each time up to a maximum, with a random factor from 0.5 to 1.5, so that jobs that
/// failed together do not retry together.
fn backoff(number: u32, longest: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(number.saturating_sub(1)));
    doubled.mul_f64(0.5 + fastrand::f64()).min(longest)
}

/// The wait requested by `Retry-After`, once per target: during a wait, further such responses extend
/// it, and nothing is sent.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<Closed>,
    /// Whether `state` contains a wait.
    is_used: AtomicBool,
}

#[derive(Debug, Default)]
struct Closed {
    until: Option<Instant>,
    /// Number of consecutive waits.
    waits: u32,
}

impl Gate {
    fn closed(&self) -> MutexGuard<'_, Closed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses for `wait`; returns the duration, or `None` if the target has requested `maximum` waits in a row and
    /// requests another wait. A wait of zero does not pause.
    pub(super) fn close(&self, now: Instant, wait: Duration, maximum: u32) -> Option<Duration> {
        let mut closed = self.closed();
        self.is_used.store(true, Ordering::Relaxed);
        let is_open = closed.until.is_none_or(|until| until <= now);
        if is_open && wait.is_zero() {
            return Some(wait);
        }
        if is_open && closed.waits >= maximum {
            return None;
        }
        if is_open {
            closed.waits += 1;
        }
        let until = closed.until.unwrap_or(now).max(now + wait);
        closed.until = Some(until);
        Some(until - now)
    }

    /// Records a response without `Retry-After`.
    pub(super) fn passed(&self) {
        if self.is_used.load(Ordering::Relaxed) {
            self.closed().waits = 0;
        }
    }

    /// How long no request may be sent.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        if !self.is_used.load(Ordering::Relaxed) {
            return None;
        }
        self.closed()
            .until
            .filter(|until| *until > now)
            .map(|until| until - now)
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header("retry-after").next()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = imf_fixdate(value)?.signed_duration_since(Utc::now());
    Some(until.to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Content, Failure};

    fn response(status: u16, after: Option<&str>) -> Outcome {
        Outcome::Response(Response {
            version: "HTTP/1.1".to_owned(),
            status,
            reason: None,
            headers: after
                .map(|value| ("retry-after".to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            body: Content::default(),
            trailers: Vec::new(),
            cut: None,
            stopped: None,
            excess: Content::default(),
            syntax: Vec::new(),
            received: Utc::now(),
            elapsed_us: 0,
        })
    }

    #[test]
    fn only_transient_failures_are_retried() {
        let retry = Retry::default();
        let failure = |kind| {
            Outcome::Failure(Failure {
                kind,
                message: String::new(),
                elapsed_us: 0,
            })
        };
        assert!(wait(&failure(FailureKind::Connect), 1, &retry).is_some());
        assert!(wait(&failure(FailureKind::Closed), 1, &retry).is_some());
        assert_eq!(wait(&failure(FailureKind::TooLarge), 1, &retry), None);
        assert_eq!(wait(&response(500, None), 1, &retry), None);
        assert_eq!(wait(&response(500, Some("1")), 1, &retry), None);
        assert_eq!(wait(&response(503, None), 1, &retry), None);
        let listed = Retry {
            statuses: Some(vec![502]),
            ..Retry::default()
        };
        assert!(wait(&response(502, None), 1, &listed).is_some());
        assert_eq!(wait(&response(503, Some("1")), 1, &listed), None);
    }

    #[test]
    fn retry_after_is_obeyed_and_bounded() {
        let retry = Retry::default();
        assert_eq!(
            wait(&response(503, Some("2")), 1, &retry),
            Some(Wait::After(Duration::from_secs(2)))
        );
        assert_eq!(wait(&response(429, Some("86400")), 1, &retry), None);
        assert_eq!(wait(&response(429, Some("99999999999999999999999")), 1, &retry), None);
        assert_eq!(
            wait(&response(429, Some("Fri, 07 Feb 2020 13:33:16 GMT")), 1, &retry),
            Some(Wait::After(Duration::ZERO))
        );
        assert_eq!(wait(&response(429, Some("soon")), 1, &retry), None);
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        for (number, low, high) in [(1, 125, 375), (2, 250, 750), (3, 500, 1500)] {
            let waited = backoff(number, Duration::from_mins(1)).as_millis();
            assert!((low..=high).contains(&waited), "{number}: {waited}");
        }
        assert_eq!(backoff(u32::MAX, Duration::from_secs(3)), Duration::from_secs(3));
    }

    #[test]
    fn retry_after_wait_is_shared_by_all_requests() {
        let (gate, start, second) = (Gate::default(), Instant::now(), Duration::from_secs(1));
        assert_eq!(gate.left(start), None);
        assert_eq!(gate.close(start, second, 1), Some(second));
        // A request that was in flight joins the wait.
        assert_eq!(gate.close(start, second, 1), Some(second));
        assert_eq!(gate.left(start), Some(second));
        let later = start + second;
        assert_eq!(gate.left(later), None);
        // The maximum of one wait is used up.
        assert_eq!(gate.close(later, second, 1), None);
        gate.passed();
        assert_eq!(gate.close(later, second, 1), Some(second));
    }
}
