//! Limits the rate of requests to a target.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::project::RateLimit;

/// Computes when each request may be sent (generic cell rate algorithm, ITU-T I.371).
#[derive(Debug)]
pub(super) struct RateLimiter {
    limit: Option<RateLimit>,
    /// Time of the next request at an even rate.
    next: Mutex<Option<Instant>>,
}

impl RateLimiter {
    pub(super) fn new(limit: Option<RateLimit>) -> Self {
        Self {
            limit,
            next: Mutex::default(),
        }
    }

    /// When the next request may be sent; `None` for immediately. Each call reserves one request.
    pub(super) fn take(&self, now: Instant) -> Option<Instant> {
        let RateLimit { rate, burst } = self.limit?;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = next.map_or(now, |next| next.max(now));
        *next = Some(due + rate.interval);
        let ahead = rate.interval.checked_mul(burst - 1).unwrap_or(Duration::MAX);
        let at = due.checked_sub(ahead).unwrap_or(now);
        (at > now).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(burst: u32, times: &[u64]) -> Vec<u64> {
        let rate = "10/s".parse().unwrap();
        let limiter = RateLimiter::new(Some(RateLimit { rate, burst }));
        let start = Instant::now() + Duration::from_hours(1);
        let wait = |at: &u64| {
            let now = start + Duration::from_millis(*at);
            let turn = limiter.take(now).unwrap_or(now);
            u64::try_from((turn - now).as_millis()).unwrap()
        };
        times.iter().map(wait).collect()
    }

    #[test]
    fn requests_are_evenly_spaced_after_a_burst() {
        assert_eq!(waits(1, &[0, 0, 0, 0]), [0, 100, 200, 300]);
        assert_eq!(waits(3, &[0, 0, 0, 0, 0]), [0, 0, 0, 100, 200]);
        // Idle time allows at most one burst.
        assert_eq!(
            waits(2, &[0, 0, 10_000, 10_000, 10_000, 10_050]),
            [0, 0, 0, 0, 100, 150]
        );
        assert_eq!(waits(1, &[0, 40, 200]), [0, 60, 0]);
        assert!(RateLimiter::new(None).take(Instant::now()).is_none());
    }

    #[test]
    fn burst_longer_than_clock_range_allows_everything() {
        let rate = "1/h".parse().unwrap();
        let limiter = RateLimiter::new(Some(RateLimit { rate, burst: u32::MAX }));
        let now = Instant::now();
        assert!((0..10).all(|_| limiter.take(now).is_none()));
    }
}
