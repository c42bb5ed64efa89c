//! The data of a coverage report, which reports read and `--report json` serializes.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::model::{Location, Stop};

/// The version of the format of coverage reports.
pub const FORMAT: u32 = 1;

/// The parts of a document that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// A method of a path.
    Operation,
    /// A status code, a range of them or `default` of an operation.
    Status,
    /// A media type of a request or a response.
    MediaType,
    /// A parameter of an operation.
    Parameter,
    /// A property of a JSON body or form.
    Property,
}

impl Dimension {
    /// All, by their names in options and reports.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("operation", Self::Operation),
        ("status", Self::Status),
        ("media-type", Self::MediaType),
        ("parameter", Self::Parameter),
        ("property", Self::Property),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The lowest coverage that is accepted, of one dimension or in total.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageMinimum {
    /// The dimension; none for the total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<Dimension>,
    /// In percent.
    pub percent: f64,
}

impl FromStr for CoverageMinimum {
    type Err = String;

    /// Reads `PERCENT` or `DIMENSION=PERCENT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, percent) = match text.split_once('=') {
            Some((name, percent)) => (Some(name), percent),
            None => (None, text),
        };
        let dimension = name.map(|name| {
            let known = Dimension::NAMES.iter().find(|(known, _)| *known == name);
            known.map(|(_, dimension)| *dimension).ok_or_else(|| {
                let names = Dimension::NAMES.map(|(name, _)| name);
                format!("no dimension `{name}`; there is: {}", names.join(", "))
            })
        });
        let dimension = dimension.transpose()?;
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        match percent.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Self { dimension, percent }),
            _ => Err("expected a number from 0 to 100, or DIMENSION=NUMBER".to_owned()),
        }
    }
}

/// How much of the documents was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Coverage {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The recordings.
    pub recordings: Vec<CoveredRecording>,
    /// The folder of the project in its git repository, as recorded, which paths are relative to; for links in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The result in one line.
    pub headline: String,
    /// All dimensions together.
    pub total: CoverageTally,
    /// The same in percent; none if nothing is declared.
    pub percent: Option<f64>,
    /// The minima.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minimums: Vec<CoverageMinimum>,
    /// By dimension.
    pub dimensions: Vec<DimensionCoverage>,
    /// The documents.
    pub documents: Vec<DocumentCoverage>,
    /// What was observed and is not declared.
    pub undeclared: Vec<Undeclared>,
    /// Observations of further undeclared parts, which are left out for their number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undeclared_left_out: usize,
    /// What is declared and was never observed. What it contains was not observed either, and is not listed.
    pub unobserved: Vec<Unobserved>,
    /// The number of further ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unobserved_left_out: usize,
    /// Exchanges that were not counted, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_counted: Vec<NotCounted>,
    /// Whether some properties of a body are not counted for their number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// The exit code.
    pub exit_code: u8,
}

/// Whether a number is zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoveredRecording {
    /// Its path, as named.
    pub path: String,
    /// The target's name.
    pub target: String,
    /// When its run began.
    #[schemars(with = "String")]
    #[serde(with = "crate::model::instant")]
    pub started: DateTime<Utc>,
    /// The number of its exchanges that were counted.
    pub exchanges: usize,
    /// Why its run ended early: more could have been observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
}

/// Numbers of declared parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageTally {
    /// Those that were observed.
    pub observed: usize,
    /// All.
    pub declared: usize,
}

impl CoverageTally {
    /// Counts one more part.
    pub(super) fn add(&mut self, is_observed: bool) {
        self.declared += 1;
        self.observed += usize::from(is_observed);
    }

    /// Counts those of another tally, too.
    pub(super) fn join(&mut self, other: Self) {
        self.declared += other.declared;
        self.observed += other.observed;
    }

    /// In percent; none if nothing is declared.
    pub fn percent(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "no document has 2^52 parts")]
        (self.declared > 0).then(|| self.observed as f64 * 100.0 / self.declared as f64)
    }

    /// In percent with one decimal, rounded down, so that less than everything is never shown as 100%.
    pub(crate) fn shown(self) -> Option<String> {
        let tenths = (self.observed * 1000).checked_div(self.declared)?;
        Some(format!("{}.{}%", tenths / 10, tenths % 10))
    }
}

/// The coverage of one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DimensionCoverage {
    /// The dimension.
    pub dimension: Dimension,
    /// Its parts.
    #[serde(flatten)]
    pub tally: CoverageTally,
    /// In percent; none if nothing is declared.
    pub percent: Option<f64>,
}

/// The coverage of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentCoverage {
    /// Its file.
    pub document: String,
    /// The title of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// By dimension.
    pub dimensions: Vec<DimensionCoverage>,
    /// Its operations, in the order of the file.
    pub operations: Vec<OperationCoverage>,
}

/// The coverage of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationCoverage {
    /// Its method and path.
    pub operation: String,
    /// Its `operationId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is declared.
    pub location: Location,
    /// How often it was observed.
    #[serde(flatten)]
    pub sighting: Sighting,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ParameterCoverage>,
    /// The media types of its request body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<ContentCoverage>,
    /// Its responses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<StatusCoverage>,
}

/// How often a part was observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// The number of exchanges.
    pub exchanges: usize,
    /// The first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<ExchangePlace>,
}

/// Where an exchange is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangePlace {
    /// The case's id.
    pub case: String,
    /// The step's id; none for a case with `request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where the case is written.
    pub location: Location,
    /// The recording, as named.
    pub recording: String,
    /// The line of the recording, from one.
    pub line: usize,
}

impl ExchangePlace {
    /// The id of the case, and of the step.
    pub(crate) fn id(&self) -> String {
        match &self.step {
            Some(step) => format!("{}:{step}", self.case),
            None => self.case.clone(),
        }
    }
}

/// The coverage of one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterCoverage {
    /// Its name.
    pub name: String,
    /// Where it is sent: `path`, `query`, `querystring`, `header` or `cookie`.
    #[serde(rename = "in")]
    pub place: String,
    /// How often it was sent.
    #[serde(flatten)]
    pub sighting: Sighting,
}

/// The coverage of one response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCoverage {
    /// The status code, a range such as `2XX`, or `default`.
    pub status: String,
    /// How often it was observed.
    #[serde(flatten)]
    pub sighting: Sighting,
    /// Its media types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ContentCoverage>,
}

/// The coverage of one media type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentCoverage {
    /// The media type or range, as declared.
    pub media_type: String,
    /// How often it was observed.
    #[serde(flatten)]
    pub sighting: Sighting,
    /// The properties of its JSON or form.
    pub properties: CoverageTally,
}

/// Something that was observed and is not declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undeclared {
    /// What it is.
    pub kind: UndeclaredKind,
    /// Whether it is likely to be an error of the document or of the API.
    pub level: DriftLevel,
    /// The document that should declare it.
    pub document: String,
    /// The method and path of the operation, or the requested path if no operation matches.
    pub operation: String,
    /// Where in the request or response: `request`, `response 200`, `response 200 application/json /items/*`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Its name: a path, a method, a status, a media type, a parameter, a property.
    pub name: String,
    /// In one sentence.
    pub message: String,
    /// The part of the document that should declare it.
    pub location: Location,
    /// The number of exchanges.
    pub exchanges: usize,
    /// The number of cases, counted in each recording.
    pub cases: usize,
    /// The first exchanges, up to 3.
    pub examples: Vec<ExchangePlace>,
    /// Identifies it in later reports.
    pub fingerprint: String,
}

/// How likely an undeclared part is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftLevel {
    /// The document or the API should change.
    Warning,
    /// Frameworks and proxies send it for any request.
    Info,
}

/// The kinds of undeclared parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UndeclaredKind {
    /// A path.
    Path,
    /// A method of a declared path.
    Method,
    /// A status of an operation.
    Status,
    /// A media type of a request or response.
    MediaType,
    /// A query parameter.
    Parameter,
    /// A property of a JSON body or form.
    Property,
}

impl UndeclaredKind {
    /// The id in reports.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Path => "undeclared/path",
            Self::Method => "undeclared/method",
            Self::Status => "undeclared/status",
            Self::MediaType => "undeclared/media-type",
            Self::Parameter => "undeclared/parameter",
            Self::Property => "undeclared/property",
        }
    }

    /// What it means, in one sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Path => "Every path that the API serves is declared.",
            Self::Method => "Every method of a path is declared.",
            Self::Status => "Every status of an operation is declared.",
            Self::MediaType => "Every media type of a body is declared.",
            Self::Parameter => "Every query parameter is declared.",
            Self::Property => "Every property of a JSON body or form is declared.",
        }
    }
}

/// Something that is declared and was never observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unobserved {
    /// What it is.
    pub dimension: Dimension,
    /// The document.
    pub document: String,
    /// The operation: method and path.
    pub operation: String,
    /// Where in the request or response: `request`, `response 200`; empty for an operation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Its name: a status, a media type, a parameter, a JSON pointer; empty for an operation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it is declared.
    pub location: Location,
    /// The number of declared parts in it, which were not observed either.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub contains: usize,
}

/// Exchanges that were not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotCounted {
    /// Why.
    pub reason: String,
    /// The number of exchanges.
    pub exchanges: usize,
    /// The first case.
    pub case: String,
}

/// The JSON Schema (2020-12) of a coverage report, as text.
pub fn coverage_schema() -> String {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Coverage>().to_value();
    schema["title"] = format!("The coverage of API documents by recordings, by conforme, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minimum_is_of_the_total_or_of_a_dimension() {
        let read = |text: &str| text.parse::<CoverageMinimum>().map(|one| (one.dimension, one.percent));
        assert_eq!(read("80"), Ok((None, 80.0)));
        assert_eq!(read("status=90.5%"), Ok((Some(Dimension::Status), 90.5)));
        assert_eq!(read("media-type=0"), Ok((Some(Dimension::MediaType), 0.0)));
        for wrong in ["", "101", "-1", "status=", "=5", "NaN", "statuses=90"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for (at, (name, dimension)) in Dimension::NAMES.into_iter().enumerate() {
            assert_eq!((dimension as usize, dimension.name()), (at, name));
        }
    }

    #[test]
    fn less_than_everything_is_never_100_percent() {
        let tally = |observed, declared| CoverageTally { observed, declared };
        assert_eq!(tally(1999, 2000).shown().as_deref(), Some("99.9%"));
        assert_eq!(tally(2, 2).shown().as_deref(), Some("100.0%"));
        assert_eq!((tally(0, 0).shown(), tally(0, 0).percent()), (None, None));
    }
}
