//! The data of a comparison of two documents, which reports read and `--report json` serializes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{CaseEvidence, ChangeLevel, StaleEntry, change::schema_of};
use crate::model::Location;

/// The comparison of two documents that describe an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentComparison {
    /// The version of the format of comparisons.
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The document that the candidate is compared with.
    pub baseline: ComparedDocument,
    /// The document under test.
    pub candidate: ComparedDocument,
    /// The minimum level of a change that fails the comparison.
    pub fail_on: Option<ChangeLevel>,
    /// The comparison in figures.
    pub summary: DocumentChangeSummary,
    /// Changes that are not accepted: by level from breaking to info, then by number of operations, descending, then by rule,
    /// endpoint and pointer.
    pub changes: Vec<DeclaredChange>,
    /// Changes that are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<AcceptedDeclaration>,
    /// Entries of the file of accepted changes that are expired or match nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleEntry>,
    /// What recordings of both versions show of the changes, if there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedVersions>,
}

/// One of the two documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedDocument {
    /// Its path as the user wrote it.
    pub name: String,
    /// The title of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The version of `OpenAPI`: `3.1`.
    pub openapi: String,
    /// The number of its operations.
    pub operations: usize,
}

/// The comparison in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentChangeSummary {
    /// Operations of both documents.
    pub compared: usize,
    /// Operations of both documents without any change.
    pub same: usize,
    /// Operations that only the candidate has.
    pub added: usize,
    /// Operations that only the baseline has.
    pub removed: usize,
    /// Changes that break.
    pub breaking: usize,
    /// Changes that may break.
    pub warnings: usize,
    /// Other changes.
    pub infos: usize,
    /// The exit code.
    pub exit_code: u8,
}

/// A change of the document, reported once for any number of operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredChange {
    /// The rule's stable id, such as `request/parameter-required`.
    pub rule: String,
    /// The rule's level, adjusted by the document and by the configuration.
    pub level: ChangeLevel,
    /// Identifies the change over comparisons: hexadecimal, computed from the rule and the changed part of the document.
    pub fingerprint: String,
    /// The change in one sentence.
    pub message: String,
    /// Which clients it breaks, or why it does not, in one sentence.
    pub reason: String,
    /// The text in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The text in the candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The changed part of the baseline, or the part around it if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<DeclaredPart>,
    /// The changed part of the candidate, or the part around it if it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<DeclaredPart>,
    /// The number of operations that it concerns; 0 if it is about the document as a whole.
    pub operations: usize,
    /// Where it matters, in the order of the document: the first ones.
    pub places: Vec<ChangePlace>,
    /// What recordings show of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedDeclaration>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredPart {
    /// Its file and line.
    pub location: Location,
    /// Its file and JSON pointer: `api.yaml#/components/schemas/User`.
    pub part: String,
}

/// Where a change matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ChangePlace {
    /// The method and the path: `GET /users/{id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of a response: its key, such as `200`, `4XX`, `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The media type of a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where in the body or parameter: a JSON pointer (RFC 6901), `*` for any item of an array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A parameter, by its location and name: `query limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// A header field of a response, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// A change of the document that a reviewed file accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedDeclaration {
    /// The change.
    #[serde(flatten)]
    pub change: DeclaredChange,
    /// Why it is accepted.
    pub accepted_because: String,
    /// Until when, as `2027-01-31`; the day itself still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The entry's line.
    pub location: Location,
}

/// Whether recordings show a change of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedState {
    /// A case shows it.
    Observed,
    /// The operation and the status were exercised, and no case shows it.
    NotObserved,
    /// No case exercises the operation with the status in both recordings.
    NotExercised,
}

/// What recordings show of a change of the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedDeclaration {
    /// Whether they show it.
    pub state: ObservedState,
    /// The first case that shows it, with both exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<CaseEvidence>,
}

/// What recordings of both versions show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedVersions {
    /// The recording of the baseline.
    pub baseline: String,
    /// The recording of the candidate.
    pub candidate: String,
    /// Cases with a response in both recordings.
    pub compared: usize,
    /// Declared changes that a case shows.
    pub observed: usize,
    /// Declared changes that no case shows although their operation and status were exercised.
    pub not_observed: usize,
    /// Declared changes whose operation and status were not exercised.
    pub not_exercised: usize,
    /// Observed changes of statuses, header fields, names and types that no document declares.
    pub undeclared: Vec<super::super::Change>,
}

/// The JSON Schema (2020-12) of a comparison of documents, as text.
pub fn document_comparison_schema() -> String {
    schema_of::<DocumentComparison>("A comparison of two OpenAPI documents by conforme")
}
