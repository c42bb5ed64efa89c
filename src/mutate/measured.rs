//! The data of a measurement, which reports read and `--report json` serializes.

use std::fmt::Write as _;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::model::{Layer, Location};

/// The version of the format of measurements.
pub const FORMAT: u32 = 1;

/// The mutation score of a suite, with its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// The recording that was changed.
    pub recording: String,
    /// The score and the number of excluded mutants, in one line.
    pub headline: String,
    /// The score in percent: see [`Tally::score`]. None if no change counts.
    pub score: Option<f64>,
    /// Cases whose responses were changed.
    pub cases: usize,
    /// Cases that were selected.
    pub selected: usize,
    /// All mutants.
    pub total: Tally,
    /// Those of e-mails, which `total` includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Tally>,
    /// The same by operator, in the order of the table of operators.
    pub operators: Vec<OperatorScore>,
    /// The same by suite.
    pub suites: Vec<SuiteScore>,
    /// By the layer that detected the change first.
    pub layers: Vec<LayerScore>,
    /// Killed mutants that only the snapshot detects.
    pub only_snapshot: usize,
    /// These mutants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_snapshot: Vec<OnlySnapshot>,
    /// Survivors in groups that the same addition kills, largest first.
    pub survivors: Vec<SurvivorGroup>,
    /// Survivors that are accepted with a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Waived>,
    /// Waivers that match no survivor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleWaiver>,
    /// Recorded cases whose responses were not changed, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_measured: Vec<NotMeasured>,
    /// The minimum score in percent, if one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_score: Option<f64>,
    /// The exit code.
    pub exit_code: u8,
}

/// Counts of mutants by result.
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
    /// A later step of the case would send a different request, whose response is not known: not in the score.
    pub undecided: usize,
}

impl Tally {
    /// The score in percent: killed / (killed + survived). None if there is neither.
    pub fn score(self) -> Option<f64> {
        let all = self.killed + self.survived;
        #[expect(clippy::cast_precision_loss, reason = "no run makes 2^52 mutants")]
        (all > 0).then(|| self.killed as f64 * 100.0 / all as f64)
    }
}

/// A score with one decimal, rounded down, so that a score below 100 is never shown as 100.
pub(crate) fn percent(tally: Tally) -> Option<String> {
    let all = tally.killed + tally.survived;
    let tenths = (tally.killed * 1000).checked_div(all)?;
    Some(format!("{}.{}%", tenths / 10, tenths % 10))
}

/// The score and the number of excluded mutants, in one line. `missed` is the minimum score, if it was not reached; `cases`
/// are the number of measured cases and of all.
pub(super) fn headline(total: Tally, missed: Option<f64>, cases: (usize, usize)) -> String {
    let mut out = match (percent(total), missed) {
        (None, _) => "No verdict: no change of a response counts".to_owned(),
        (Some(score), Some(least)) => {
            format!("Too weak: {score} of the changes are detected; the minimum is {least}%")
        }
        (Some(score), None) => format!("{score} of the changes are detected"),
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if total.accepted > 0 {
        let count = total.accepted;
        let _ = write!(out, ", not counting {count} accepted survivor{}", plural(count));
    }
    if total.undecided > 0 {
        let count = total.undecided;
        let _ = write!(out, ", not counting {count} undecided change{}", plural(count));
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
    /// The regression that it simulates, in one line.
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

/// The mutants that one layer detected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerScore {
    /// The layer.
    pub layer: Layer,
    /// Mutants that it was the first to detect.
    pub first: usize,
    /// Mutants that no other layer detected.
    pub only: usize,
}

/// Mutants that only the snapshot detects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OnlySnapshot {
    /// The suite's id.
    pub suite: String,
    /// The operator's id.
    pub operator: String,
    /// The changed part of the response.
    pub target: String,
    /// Number of mutants.
    pub mutants: usize,
}

/// Survivors that the same addition kills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SurvivorGroup {
    /// The ids of the operators, in the order of their table.
    pub operators: Vec<String>,
    /// The suite's id.
    pub suite: String,
    /// The changed part of the response: `status`, `header content-type`, `body /errorCode`.
    pub target: String,
    /// The regression that the suite would miss, in one sentence.
    pub message: String,
    /// The location of the addition: the file and the line of the case, or of the suite if all its cases need it.
    pub location: Location,
    /// The lines to add there, as YAML. With them, the case passes for the recorded response and fails for these changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// A different way to detect the changes, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Number of survivors.
    pub count: usize,
    /// Number of cases that they belong to.
    pub cases: usize,
    /// The survivors, up to 1000.
    pub survivors: Vec<Survivor>,
}

/// A mutant that no check detected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Survivor {
    /// Identifies the mutant: the same in every measurement of the same recording and suite.
    pub id: String,
    /// The case's id.
    pub case: String,
    /// Where the case is written.
    pub location: Location,
    /// The value before, if one value was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Survivors that a suite accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// The accepted survivors.
    pub group: SurvivorGroup,
    /// Why.
    pub reason: String,
    /// The waiver's line.
    pub waiver: Location,
}

/// A waiver that no longer applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaleWaiver {
    /// Its operator and target.
    pub what: String,
    /// Its line.
    pub waiver: Location,
}

/// A recorded case that was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotMeasured {
    /// The case's id.
    pub case: String,
    /// The reason: it did not pass, has no response, or is no longer in the suite.
    pub reason: String,
}

/// The JSON Schema (2020-12) of a measurement, as text.
pub fn measurement_schema() -> String {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Measured>().to_value();
    schema["title"] = format!("The mutation score of a suite, by conforme, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
