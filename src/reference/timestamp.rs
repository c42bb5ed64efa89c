//! The moment of an answer: where it comes from and how it is written.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer};

/// Says what time it is whenever the reference API asks; a test hands in one that stands still.
///
/// It dates error bodies and activations. The `Date` header of an answer is not its business: the
/// HTTP layer writes that from the system's clock (RFC 9110, section 6.6.1).
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Utc::now)
}

/// A moment written as the contract's page writes it: RFC 3339 in UTC with `Z`, always seven
/// fractional digits (units of 100 ns; what is finer is cut off).
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
