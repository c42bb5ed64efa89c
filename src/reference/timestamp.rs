//! The time of a response and its format.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer};

/// The clock of the reference API; tests use a constant one.
///
/// It dates error bodies and activations. The `Date` header of a response is not affected: the
/// HTTP layer writes that from the system's clock (RFC 9110, section 6.6.1).
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Utc::now)
}

/// A time as in the contract: RFC 3339 in UTC with `Z`, always seven
/// fractional digits (units of 100 ns; finer digits are cut off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub DateTime<Utc>);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.0;
        // chrono keeps a leap second as second 59 with a thousand million nanoseconds more.
        let nanosecond = at.nanosecond();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second() + nanosecond / 1_000_000_000,
            nanosecond % 1_000_000_000 / 100,
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
