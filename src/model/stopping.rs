//! The end of a run by a signal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stop;

/// What a run that a signal ended still waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStopping {
    /// The signal.
    pub signal: Stop,
    /// The running cases, in the order of the plan.
    pub cases: Vec<CaseWaitedFor>,
    /// How long they may take, in microseconds.
    pub most_us: u64,
}

/// A case that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseWaitedFor {
    /// The case's id.
    pub id: String,
    /// Time since its start, in microseconds.
    pub elapsed_us: u64,
    /// Whether it has teardown, which is run in any case.
    pub has_teardown: bool,
}
