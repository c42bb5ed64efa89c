//! What a run reports, as data: events with requests, responses, findings and verdicts, and exit codes. Every other
//! module knows this one; it knows none of them.

mod check_id;
mod digest;
mod event;
mod exchange;
mod exit;
mod finding;
mod marks;
mod partition;
mod place;

pub use check_id::{CheckId, CheckInfo, CheckedPart, HeaderId, Layer, RuleId};
pub use digest::Digest;
pub use event::*;
pub use exchange::*;
pub use exit::Exit;
pub(crate) use finding::QUOTED;
pub use finding::{Finding, Level};
pub use marks::marks_of;
pub use partition::{Partition, PartitionBy};
pub use place::Place;
