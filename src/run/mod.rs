//! Running a plan: concurrency, rate limits, retries and stops.
//!
//! [`run`] keeps the jobs busy with the requests of a plan, has each response judged, and reports what happens as events.

mod clients;
mod engine;
mod flow;
mod interrupt;
mod lockstep;
mod login;
mod mailbox;
mod queue;
mod rate_limiter;
mod ready;
mod repeat;
mod resume;
mod retry;
mod sent;
mod step;
mod tokens;
mod verdict;
mod worker;

pub use clients::ClientKey;
pub use engine::{RunOptions, SnapshotMode, run};
pub use interrupt::Interrupts;
pub use lockstep::{Lockstep, LockstepHandle};
pub use ready::Ready;
pub use resume::BegunCases;
pub use tokens::{TokenFetcher, TokenSetupError};
