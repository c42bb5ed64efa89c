//! Whether a try is followed by another, and how long is waited before it.

use std::time::Duration;

use chrono::Utc;

use crate::{
    check::imf_fixdate,
    exchange::{Answer, FailureKind, Reply},
    project::Retry,
};

/// The wait before the second try; each further one waits twice as long.
const FIRST: Duration = Duration::from_millis(250);

/// How long to wait before another try, where a reply is one that may be asked for again: no answer at all for a
/// reason that may pass, or a status that the target lists. A verdict on the contract is never tried away.
pub(super) fn wait(reply: &Reply, number: u32, retry: &Retry) -> Option<Duration> {
    match reply {
        Reply::Failure(failure) => match failure.kind {
            FailureKind::Connect | FailureKind::Tls | FailureKind::Timeout | FailureKind::Closed => {
                Some(backoff(number, retry.longest_wait))
            }
            FailureKind::NotHttp | FailureKind::TooLarge => None,
        },
        Reply::Malformed(_) => None,
        Reply::Answer(answer) => {
            let after = retry_after(answer);
            let is_listed = match &retry.statuses {
                Some(statuses) => statuses.contains(&answer.status),
                None => matches!(answer.status, 429 | 503) && after.is_some(),
            };
            is_listed
                .then(|| after.unwrap_or_else(|| backoff(number, retry.longest_wait)))
                // Asking again before the time that the server names would only be refused again.
                .filter(|wait| *wait <= retry.longest_wait)
        }
    }
}

/// Twice as long each time, up to a bound, and half as long to half as long again by chance: the jobs of a run that
/// failed together do not come back together.
fn backoff(number: u32, longest: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(number.saturating_sub(1)));
    doubled.mul_f64(0.5 + fastrand::f64()).min(longest)
}

/// `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(answer: &Answer) -> Option<Duration> {
    let value = answer.header("retry-after").next()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = imf_fixdate(value)?.signed_duration_since(Utc::now());
    Some(until.to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Content, Failure};

    fn answer(status: u16, after: Option<&str>) -> Reply {
        Reply::Answer(Answer {
            version: "HTTP/1.1".to_owned(),
            status,
            reason: None,
            headers: after
                .map(|value| ("retry-after".to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            body: Content::default(),
            cut: None,
            excess: Content::default(),
            received: Utc::now(),
            elapsed_us: 0,
        })
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let retry = Retry::default();
        let failure = |kind| {
            Reply::Failure(Failure {
                kind,
                message: String::new(),
                elapsed_us: 0,
            })
        };
        assert!(wait(&failure(FailureKind::Connect), 1, &retry).is_some());
        assert!(wait(&failure(FailureKind::Closed), 1, &retry).is_some());
        assert_eq!(wait(&failure(FailureKind::TooLarge), 1, &retry), None);
        assert_eq!(wait(&answer(500, None), 1, &retry), None);
        assert_eq!(wait(&answer(500, Some("1")), 1, &retry), None);
        assert_eq!(wait(&answer(503, None), 1, &retry), None);
        let listed = Retry {
            statuses: Some(vec![502]),
            ..Retry::default()
        };
        assert!(wait(&answer(502, None), 1, &listed).is_some());
        assert_eq!(wait(&answer(503, Some("1")), 1, &listed), None);
    }

    #[test]
    fn retry_after_is_obeyed_and_bounded() {
        let retry = Retry::default();
        assert_eq!(wait(&answer(503, Some("2")), 1, &retry), Some(Duration::from_secs(2)));
        assert_eq!(wait(&answer(429, Some("86400")), 1, &retry), None);
        assert_eq!(wait(&answer(429, Some("99999999999999999999999")), 1, &retry), None);
        assert_eq!(
            wait(&answer(429, Some("Fri, 07 Feb 2020 13:33:16 GMT")), 1, &retry),
            Some(Duration::ZERO)
        );
        assert_eq!(wait(&answer(429, Some("soon")), 1, &retry), None);
    }

    #[test]
    fn the_wait_doubles_up_to_its_bound() {
        for (number, low, high) in [(1, 125, 375), (2, 250, 750), (3, 500, 1500)] {
            let waited = backoff(number, Duration::from_mins(1)).as_millis();
            assert!((low..=high).contains(&waited), "{number}: {waited}");
        }
        assert_eq!(backoff(u32::MAX, Duration::from_secs(3)), Duration::from_secs(3));
    }
}
