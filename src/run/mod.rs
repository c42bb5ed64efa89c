//! Running a plan: concurrency, rate limits, retries and stops.
//!
//! [`run`] keeps the jobs busy with the requests of a plan, has each response judged, and reports what happens as events.

mod abreast;
mod engine;
mod interrupt;
mod pace;
mod queue;
mod ready;
mod retry;
mod verdict;
mod worker;

pub use abreast::{Abreast, Lane};
pub use engine::{RunOptions, SnapshotMode, run};
pub use interrupt::Interrupts;
pub use ready::Ready;
