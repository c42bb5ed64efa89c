//! The words of a comparison: what its reports read, and what `--report json` writes as it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Access, Exchange, Place, RunFinished, Stop, Verdict, instant};

/// The version of the form in which comparisons are written.
pub const FORMAT: u32 = 1;

/// How much a change matters to those who call the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nobody is expected to break.
    Info,
    /// Some callers may break.
    Warning,
    /// Callers that keep to the contract break.
    Breaking,
}

/// The comparison of two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// What the candidate is compared with.
    pub baseline: Side,
    /// What may be released, or not.
    pub candidate: Side,
    /// The level from which on a change fails the comparison.
    pub fail_on: Option<Level>,
    /// The comparison in figures.
    pub summary: Summary,
    /// What changed and is not accepted: by level from breaking to info, then by how many cases show it (most first),
    /// then by rule, pointer and fingerprint.
    pub changes: Vec<Change>,
    /// What changed and is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
    /// Entries of the file of accepted changes that are expired or match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleEntry>,
    /// What differs between two answers of one version, and is left out of the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Noise>,
    /// Cases without a response on both sides: first those that the candidate did not respond to, then by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
    /// How long the answers took, for cases with an answer on both sides, in the order of the suite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<CaseLatency>,
}

/// One of the two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// The recording's path or the target's name, as the user wrote it.
    pub name: String,
    /// The target's base URL.
    pub base_url: String,
    /// When the run began.
    #[schemars(with = "String")]
    #[serde(with = "instant")]
    pub started: DateTime<Utc>,
    /// The git commit of the project, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// A digest of the suite that was run.
    pub suite_hash: String,
    /// Cases with a verdict of any kind.
    pub cases: usize,
    /// How often each case was asked, at most.
    pub repeats: u32,
    /// The names of the target's secrets, whose marks a command leaves to the shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// For each secret that was read from an environment variable, the name of that variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_variables: BTreeMap<String, String>,
    /// What a command needs to reach the target.
    #[serde(default)]
    pub access: Access,
    /// The project's folder in its git repository, as a recording tells it: for reports that are read there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// What ended the run early, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
}

/// The comparison in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Cases with an answer on both sides: those that were compared.
    pub compared: usize,
    /// Compared cases without any change.
    pub same: usize,
    /// Cases that could not be compared: no answer on a side, or not on both.
    pub not_compared: usize,
    /// Changes that break.
    pub breaking: usize,
    /// Changes that may break.
    pub warnings: usize,
    /// Other changes.
    pub infos: usize,
    /// The exit code that the changes call for.
    pub exit_code: u8,
}

/// A difference between the two versions, told once however many cases show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The rule's stable id, such as `body/property-removed`.
    pub rule: String,
    /// How much it matters here: the rule's level, weighed by evidence and set by the configuration.
    pub level: Level,
    /// Identifies the change over runs: hexadecimal, computed from rule, suite, endpoint and pointer or header, and not
    /// from an observed value.
    pub fingerprint: String,
    /// What happened, in one sentence without an observed value: `the property /user/name is gone`.
    pub message: String,
    /// Whom it breaks, or why it does not: one sentence.
    pub reason: String,
    /// The suite whose cases show it.
    pub suite: String,
    /// The method and the path template of the cases: `GET /users/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Where in the body: a JSON pointer (RFC 6901), `*` for any item of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Which header field, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What the baseline answered, as the first case shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the candidate answers, as the first case shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Further values before and after, where cases differ in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Values>,
    /// The cases that show it, in the order of the suite.
    pub cases: Vec<String>,
    /// The first case that shows it, with both exchanges.
    pub evidence: Evidence,
}

/// Values of a change as another case shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Values {
    /// The first case that shows them.
    pub case: String,
    /// In the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// In the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A case without a response on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotCompared {
    /// The case's id.
    pub case: String,
    /// What the case says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The case's suite.
    pub suite: String,
    /// Where it is written.
    pub place: Place,
    /// Whether it is a case of the baseline that the candidate did not respond to: then there is no verdict.
    pub is_missing: bool,
    /// Why it was not compared: `skipped (not now) in the candidate`.
    pub reason: String,
    /// Its verdict on the baseline, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_verdict: Option<Verdict>,
    /// Its verdict on the candidate, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_verdict: Option<Verdict>,
}

/// A case that shows a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The case's id.
    pub case: String,
    /// What the case says it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is written.
    pub place: Place,
    /// Its verdict on the baseline, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_verdict: Option<Verdict>,
    /// Its verdict on the candidate, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_verdict: Option<Verdict>,
    /// What was sent to the baseline and what came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Exchange>,
    /// What was sent to the candidate and what came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Exchange>,
}

/// A change that a reviewed file accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// Why it is accepted.
    pub accepted_because: String,
    /// Until when, as `2027-01-31`; the day itself still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The entry's line.
    pub place: Place,
}

/// An entry of the file of accepted changes that does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleEntry {
    /// Why: it is expired, or matches no change.
    pub reason: String,
    /// The entry's line.
    pub place: Place,
}

/// Something that differs between two answers of one version, or that the suite itself calls volatile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The suite whose cases show it.
    pub suite: String,
    /// Where: a JSON pointer into the body, a header field, or `order of` a pointer.
    pub what: String,
    /// How it is known: `two answers of the baseline differ`, `the suite redacts it`.
    pub source: String,
    /// How many cases show it.
    pub cases: usize,
}

/// How long the answers to a case took on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLatency {
    /// The case's id.
    pub case: String,
    /// On the baseline.
    pub baseline: Latency,
    /// On the candidate.
    pub candidate: Latency,
}

/// Elapsed times of one case on one side, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many answers.
    pub answers: usize,
    /// The fastest.
    pub least_us: u64,
    /// The median.
    pub median_us: u64,
    /// The slowest.
    pub most_us: u64,
}

/// One suite on several targets: the first is the one that the others are compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The targets, in the order in which they were named.
    pub targets: Vec<Side>,
    /// How the run on each target ended.
    #[serde(default)]
    pub runs: Vec<RunFinished>,
    /// The cases, in the order of the suite.
    pub rows: Vec<MatrixRow>,
    /// How each target after the first differs from the first.
    pub drift: Vec<Comparison>,
    /// The exit code that all of it calls for.
    pub exit_code: u8,
}

/// A case on every target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixRow {
    /// The case's id.
    pub case: String,
    /// Its verdict on each target, in their order; none where it was not run there.
    pub verdicts: Vec<Option<Verdict>>,
    /// For each target, why it did not pass there, in one line.
    pub reasons: Vec<Option<String>>,
}

/// The JSON Schema (2020-12) of a comparison, as text.
pub fn comparison_schema() -> String {
    schema_of::<Comparison>("A comparison of two versions by conforme")
}

/// The JSON Schema (2020-12) of a matrix, as text.
pub fn matrix_schema() -> String {
    schema_of::<Matrix>("One suite on several targets by conforme")
}

fn schema_of<T: JsonSchema>(title: &str) -> String {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    schema["title"] = format!("{title}, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
