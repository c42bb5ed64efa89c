//! The words of a measurement: what its reports read, and what `--report json` writes as it is.

use std::fmt::Write as _;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::model::{Layer, Place};

/// The version of the form in which measurements are written.
pub const FORMAT: u32 = 1;

/// How strong a suite is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The recording that was changed.
    pub recording: String,
    /// The score and what it leaves out, in one line.
    pub headline: String,
    /// The score in percent: see [`Tally::score`]. None if no change counts.
    pub score: Option<f64>,
    /// Cases whose responses were changed.
    pub cases: usize,
    /// Cases that were selected.
    pub selected: usize,
    /// All mutants.
    pub total: Tally,
    /// The same by operator, in the order of the table of operators.
    pub operators: Vec<OperatorScore>,
    /// The same by suite.
    pub suites: Vec<SuiteScore>,
    /// By the layer that noticed first.
    pub layers: Vec<LayerScore>,
    /// Killed mutants that nothing but the snapshot notices.
    pub only_snapshot: usize,
    /// Which these are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_snapshot: Vec<OnlySnapshot>,
    /// What survived, in groups of which each is closed by the same addition: largest first.
    pub survivors: Vec<Group>,
    /// What survived and is accepted with a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Waived>,
    /// Waivers that match no survivor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleWaiver>,
    /// Recorded cases whose answers were not changed, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_measured: Vec<NotMeasured>,
    /// The least score that passes, in percent, where one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_score: Option<f64>,
    /// The exit code that the score calls for.
    pub exit_code: u8,
}

/// What became of mutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// A check fails for the changed response.
    pub killed: usize,
    /// No check fails, and the change is not accepted.
    pub survived: usize,
    /// No check fails, and `survivors` in `suite.yaml` accepts it with a reason: not in the score.
    pub accepted: usize,
    /// The changed response means the same as the recorded one: not in the score.
    pub equivalent: usize,
}

impl Tally {
    /// The score in percent: killed / (killed + survived). None if there is neither.
    pub fn score(self) -> Option<f64> {
        let all = self.killed + self.survived;
        #[expect(clippy::cast_precision_loss, reason = "no run makes 2^52 mutants")]
        (all > 0).then(|| self.killed as f64 * 100.0 / all as f64)
    }
}

/// A score with one decimal, rounded down: what is not 100 is never shown as 100.
pub(crate) fn percent(tally: Tally) -> Option<String> {
    let all = tally.killed + tally.survived;
    let tenths = (tally.killed * 1000).checked_div(all)?;
    Some(format!("{}.{}%", tenths / 10, tenths % 10))
}

/// The score and what it leaves out, in one line. `missed` is the least score, if it was not reached; `cases` are those
/// that were measured, of how many.
pub(super) fn headline(total: Tally, missed: Option<f64>, cases: (usize, usize)) -> String {
    let mut out = match (percent(total), missed) {
        (None, _) => "No verdict: no change to a response counts".to_owned(),
        (Some(score), Some(least)) => {
            format!("Too weak: {score} of the changes are noticed, and {least}% must be")
        }
        (Some(score), None) => format!("{score} of the changes are noticed"),
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if total.accepted > 0 {
        let count = total.accepted;
        let _ = write!(out, ", not counting {count} accepted survivor{}", plural(count));
    }
    let (measured, all) = cases;
    if measured < all {
        let _ = write!(out, "; {} of {all} case{} not measured", all - measured, plural(all));
    }
    out
}

/// The mutants of one operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorScore {
    /// The operator's stable id, such as `body/property-removed`.
    pub operator: String,
    /// Which real regression it stands for, in one line.
    pub stands_for: String,
    /// Its mutants.
    #[serde(flatten)]
    pub tally: Tally,
}

/// The mutants of one suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteScore {
    /// The suite's id.
    pub suite: String,
    /// Its mutants.
    #[serde(flatten)]
    pub tally: Tally,
}

/// The mutants that one layer noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerScore {
    /// The layer.
    pub layer: Layer,
    /// Mutants that it was the first to notice.
    pub first: usize,
    /// Mutants that nothing else noticed.
    pub only: usize,
}

/// Mutants that nothing but the snapshot notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnlySnapshot {
    /// The suite's id.
    pub suite: String,
    /// The operator's id.
    pub operator: String,
    /// Where in the answer.
    pub target: String,
    /// How many.
    pub mutants: usize,
}

/// Survivors that the same addition kills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// The ids of the operators, in the order of their table.
    pub operators: Vec<String>,
    /// The suite's id.
    pub suite: String,
    /// Where in the answer: `status`, `header content-type`, `body /errorCode`.
    pub target: String,
    /// What the suite would miss, in one sentence.
    pub message: String,
    /// Where the addition belongs: the file and the line of the case (or of the suite, where all its cases need it).
    pub place: Place,
    /// The lines to add there, as YAML. With them, the case passes for what was recorded and fails for these changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// What else detects the changes, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many survivors there are.
    pub count: usize,
    /// Of how many cases they are.
    pub cases: usize,
    /// The survivors; the first 1000 of them.
    pub survivors: Vec<Survivor>,
}

/// A mutant that nothing noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Survivor {
    /// Names the mutant: the same in every run of the same recording, suite and seed.
    pub id: String,
    /// The case's id.
    pub case: String,
    /// Where the case is written.
    pub place: Place,
    /// What was there, where one value was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What was put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Survivors that a suite accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// What is accepted.
    pub group: Group,
    /// Why.
    pub reason: String,
    /// The waiver's line.
    pub waiver: Place,
}

/// A waiver that no longer applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleWaiver {
    /// What it says, in short: operator and target.
    pub what: String,
    /// Its line.
    pub waiver: Place,
}

/// A recorded case that was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotMeasured {
    /// The case's id.
    pub case: String,
    /// Why: it did not pass, has no answer, is no longer in the suite.
    pub reason: String,
}

/// The JSON Schema (2020-12) of a measurement, as text.
pub fn measurement_schema() -> String {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Measured>().to_value();
    schema["title"] = format!("How strong a suite is, by conforme, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
