//! What a run tells: one enum, made by the run, read by every reporter, and written as it is into NDJSON.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    check::Finding,
    exchange::{Reply, Request, instant},
    source::Place,
};

/// The version of the form in which events are written.
pub const FORMAT: u32 = 1;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// First: the plan is made, nothing is sent yet.
    RunStarted(RunStarted),
    /// A case has its verdict, in the order of completion. Skipped ones come before any other.
    CaseFinished(Box<CaseFinished>),
    /// A snapshot file belongs to no case.
    SnapshotUnused {
        /// The file, relative to the project.
        path: String,
    },
    /// Last: everything is counted.
    RunFinished(RunFinished),
}

/// The plan in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// When.
    #[schemars(with = "String")]
    #[serde(with = "instant")]
    pub started: DateTime<Utc>,
    /// The target's name.
    pub target: String,
    /// The target's base URL.
    pub base_url: String,
    /// Suites with at least one selected case.
    pub suites: usize,
    /// Selected cases, skipped ones included.
    pub cases: usize,
    /// The names of the target's secrets; `$NAME` stands for their values in what follows.
    pub secrets: Vec<String>,
}

/// The verdict on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The contract holds.
    Passed,
    /// The contract is broken.
    Failed,
    /// There is no answer to judge.
    Errored,
    /// It was not run, with a reason.
    Skipped,
}

/// A case and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseFinished {
    /// The case's id.
    pub id: String,
    /// The suite's id.
    pub suite: String,
    /// Its place in the plan, from zero: reports that come at the end are in this order.
    pub index: usize,
    /// What the case says it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it was written.
    pub place: Place,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was skipped or errored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// From the start of the request to its end, in microseconds.
    pub elapsed_us: u64,
    /// All findings, those of level `warn` included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The pending or accepted snapshot that was written, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// What was sent and what came; none for a skipped case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// One request fired and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The reply.
    pub reply: Reply,
}

/// How many cases have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Errored.
    pub errored: usize,
    /// Skipped.
    pub skipped: usize,
    /// Planned, and not run because the run was interrupted.
    pub not_run: usize,
    /// Findings of level `warn`.
    pub warnings: usize,
}

impl Counts {
    /// Counts one more verdict.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Errored => self.errored += 1,
            Verdict::Skipped => self.skipped += 1,
        }
    }

    /// Cases that were run to a verdict.
    pub fn ran(&self) -> usize {
        self.passed + self.failed + self.errored
    }
}

/// The run in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunFinished {
    /// How many cases have which verdict.
    pub counts: Counts,
    /// From the first request to the last verdict, in microseconds.
    pub elapsed_us: u64,
    /// The signal that ended the run early: `SIGINT` or `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interrupt>,
}

/// What ended a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Interrupt {
    /// Ctrl-C.
    #[serde(rename = "SIGINT")]
    Int,
    /// A request to terminate.
    #[serde(rename = "SIGTERM")]
    Term,
}

/// A path as events carry it: relative to the project where it is inside it, `/` between folders.
pub(crate) fn shown(root: &std::path::Path, path: &std::path::Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}
