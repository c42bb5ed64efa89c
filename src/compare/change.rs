//! The data of a comparison, which reports read and `--report json` serializes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Access, Exchange, Location, RunFinished, Stop, Verdict, instant};

/// The version of the format of comparisons.
pub const FORMAT: u32 = 1;

/// How much a change matters to clients of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeLevel {
    /// Clients are not expected to break.
    Info,
    /// Some clients can break.
    Warning,
    /// Clients of the contract break.
    Breaking,
}

/// The comparison of two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The version that the candidate is compared with.
    pub baseline: ComparedVersion,
    /// The version under test.
    pub candidate: ComparedVersion,
    /// The minimum level of a change that fails the comparison.
    pub fail_on: Option<ChangeLevel>,
    /// The comparison in figures.
    pub summary: Summary,
    /// Changes that are not accepted: by level from breaking to info, then by number of cases, descending,
    /// then by rule, pointer and fingerprint.
    pub changes: Vec<Change>,
    /// Changes that are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedChange>,
    /// Entries of the file of accepted changes that are expired or match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleEntry>,
    /// Values that differ between two responses of one version; they are excluded from the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Noise>,
    /// Cases without a response on both sides: first those that the candidate did not respond to, then by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
    /// Response times of cases with a response on both sides, in the order of the suite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<CaseLatency>,
}

/// One of the two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedVersion {
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
    /// Maximum number of responses to one case.
    pub repeats: u32,
    /// The names of the target's secrets, whose placeholders in a command are shell variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// For each secret that was read from an environment variable, the name of that variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_variables: BTreeMap<String, String>,
    /// What a command needs to reach the target.
    #[serde(default)]
    pub access: Access,
    /// The project's folder in its git repository, as recorded; used for links in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Why the run ended early, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
}

/// The comparison in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Compared cases, which have a response on both sides.
    pub compared: usize,
    /// Compared cases without any change.
    pub same: usize,
    /// Cases that could not be compared, because a response is missing on at least one side.
    pub not_compared: usize,
    /// Changes that break.
    pub breaking: usize,
    /// Changes that may break.
    pub warnings: usize,
    /// Other changes.
    pub infos: usize,
    /// The exit code.
    pub exit_code: u8,
}

/// A difference between the two versions, reported once for any number of cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The rule's stable id, such as `body/property-removed`.
    pub rule: String,
    /// The rule's level, adjusted by evidence and by the configuration.
    pub level: ChangeLevel,
    /// Identifies the change over runs: hexadecimal, computed from rule, suite, endpoint and pointer or header, and not
    /// from an observed value.
    pub fingerprint: String,
    /// The change in one sentence, without observed values: `the property /user/name is missing`.
    pub message: String,
    /// Which clients it breaks, or why it does not, in one sentence.
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
    /// The value in the baseline, in the first case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value in the candidate, in the first case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Further values before and after, if they differ between cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<ChangeValues>,
    /// The cases that show it, in the order of the suite.
    pub cases: Vec<String>,
    /// The first case that shows it, with both exchanges.
    pub evidence: CaseEvidence,
}

/// Values of a change as another case shows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeValues {
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
    /// The name of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The case's suite.
    pub suite: String,
    /// Where it is written.
    pub location: Location,
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
pub struct CaseEvidence {
    /// The case's id.
    pub case: String,
    /// The name of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is written.
    pub location: Location,
    /// Its verdict on the baseline, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_verdict: Option<Verdict>,
    /// Its verdict on the candidate, where it was run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_verdict: Option<Verdict>,
    /// The request to the baseline and its response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Exchange>,
    /// The request to the candidate and its response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Exchange>,
}

/// A change that a reviewed file accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedChange {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// Why it is accepted.
    pub accepted_because: String,
    /// Until when, as `2027-01-31`; the day itself still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The entry's line.
    pub location: Location,
}

/// An entry of the file of accepted changes that does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleEntry {
    /// Why: it is expired, or matches no change.
    pub reason: String,
    /// The entry's line.
    pub location: Location,
}

/// A value that differs between two responses of one version, or that the suite declares as volatile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The suite whose cases show it.
    pub suite: String,
    /// Where: a JSON pointer into the body, a header field, or `order of` a pointer.
    pub what: String,
    /// The reason: `two responses of one version differ`, `the suite redacts it`.
    pub source: String,
    /// How many cases show it.
    pub cases: usize,
}

/// Response times of a case on both sides.
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
    /// Number of responses.
    pub responses: usize,
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
    pub targets: Vec<ComparedVersion>,
    /// How the run on each target ended.
    #[serde(default)]
    pub runs: Vec<RunFinished>,
    /// The cases, in the order of the suite.
    pub rows: Vec<MatrixRow>,
    /// How each target after the first differs from the first.
    pub drift: Vec<Comparison>,
    /// The exit code.
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

pub(super) fn schema_of<T: JsonSchema>(title: &str) -> String {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    schema["title"] = format!("{title}, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
