//! The data of a run: events with requests, responses, findings and verdicts, and exit codes. Every other
//! module may import this one; it imports none of them.

mod aws;
mod basic;
mod check_id;
mod digest;
mod event;
mod exchange;
mod exit;
mod finding;
mod location;
mod marks;
mod partition;
mod pattern;
mod repeat;
mod stopping;

pub(crate) use aws::{AWS_FIELDS, aws_scope, aws_signature};
pub(crate) use basic::{basic_credentials, basic_pair, basic_shown, basic_shown_pair, basic_token};
pub use check_id::{CheckId, CheckInfo, CheckedPart, CookieId, HeaderId, Layer, RuleId};
pub use digest::Digest;
pub use event::*;
pub use exchange::*;
pub use exit::Exit;
pub(crate) use finding::QUOTED;
pub use finding::{Finding, Level};
pub use location::Location;
pub use marks::marks_of;
pub use partition::{Partition, PartitionBy};
pub(crate) use pattern::text_pattern;
pub use repeat::{Origin, Repeat, Waiting};
pub use stopping::{CaseWaitedFor, RunStopping};
