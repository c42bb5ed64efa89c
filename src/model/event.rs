//! The events of a run: one enum, created by the run, read by every reporter, and written as NDJSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Digest, Exit, Finding, Level, Location, Outcome, Partition, Repeat, Request, RunStopping, instant};

/// Version of the event format.
pub const FORMAT: u32 = 2;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "the large one exists once per run")]
#[non_exhaustive]
pub enum Event {
    /// First event: the plan is complete, no request has been sent.
    RunStarted(RunStarted),
    /// The target is not ready yet. Live output only; not recorded.
    TargetAwaited(TargetAwaited),
    /// A case's first request is sent. Live output only; not recorded.
    CaseStarted(CaseStarted),
    /// A case takes longer than the target's slow threshold and continues. Live output only; not recorded.
    CaseSlow(CaseSlow),
    /// An attempt did not pass, and another follows. Live output only; [`CaseFinished::previous`] contains it.
    CaseRetried(CaseRetried),
    /// A step of a case with teardown has its response. Recorded, so that the teardown can be run after the process was
    /// killed; not reported, since [`CaseFinished`] contains it.
    StepFinished(Box<StepFinished>),
    /// A case has its verdict, in the order of completion. Skipped cases come first.
    CaseFinished(Box<CaseFinished>),
    /// A signal ends the run, which waits for what has begun. Live output only; not recorded.
    RunStopping(RunStopping),
    /// A snapshot file belongs to no case.
    SnapshotUnused {
        /// The file, relative to the project.
        path: String,
    },
    /// Last event: the totals.
    RunFinished(RunFinished),
}

/// The JSON Schema (2020-12) of one line of a recording or of `--report json`, as text.
pub fn event_schema() -> String {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Event>()
        .to_value();
    schema["title"] = format!("An event of a run of conforme, format {FORMAT}").into();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

impl Event {
    /// Whether it is for live output or recovery only: reports leave it out.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::TargetAwaited(_)
                | Self::CaseStarted(_)
                | Self::CaseSlow(_)
                | Self::CaseRetried(_)
                | Self::StepFinished(_)
                | Self::RunStopping(_)
        )
    }
}

/// The size of the plan and the settings of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunStarted {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program.
    pub tool: String,
    /// Start time.
    #[schemars(with = "String")]
    #[serde(with = "instant")]
    pub started: DateTime<Utc>,
    /// The target's name.
    pub target: String,
    /// The target's base URL.
    pub base_url: String,
    /// The base URLs of the target's further endpoints, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, String>,
    /// Suites with at least one selected case.
    pub suites: usize,
    /// Selected cases, skipped ones included.
    pub cases: usize,
    /// The names of the target's secrets; `$NAME` replaces their values in later events.
    pub secrets: Vec<String>,
    /// For each secret that was read from an environment variable, the name of that variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_variables: BTreeMap<String, String>,
    /// Access data that a command needs to reach the target.
    #[serde(default, skip_serializing_if = "Access::is_direct")]
    pub access: Access,
    /// The target's variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, Value>,
    /// A digest of all suite and schema files (SHA-256, hexadecimal): equal for equal suites. Empty in a run without
    /// reports and recording.
    pub suite_hash: String,
    /// A digest of the target's base URL, header fields, limits and certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_digest: Option<Digest>,
    /// A digest of the ids of all selected cases, even if this run is one part of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases_digest: Option<Digest>,
    /// The git commit of the project, if it is in a repository and the run is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The part of the selected cases that was run, if not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// The ids of the login cases, which capture tokens for other cases. Each part of a run has its own run of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<String>,
    /// The project's folder in its git repository, `/` between folders, for reports that need repository paths; absent
    /// if it is the repository's root or not in a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How flaky cases affect the run.
    #[serde(default)]
    pub flaky: Flaky,
}

/// Access data of a target besides its URL. Paths are relative to the project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// File of certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// File of the client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<String>,
    /// File of the client certificate's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// Files of the certificate and the key of each identity, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<String, (String, String)>,
    /// The environment variable that names the proxy; its value may contain a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Whether the proxy of the environment is bypassed for this target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_proxy: bool,
}

impl Access {
    /// Whether nothing is needed.
    fn is_direct(&self) -> bool {
        *self == Self::default()
    }
}

/// How flaky cases affect the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flaky {
    /// It fails the run.
    #[default]
    Fail,
    /// It is reported, and the run can still pass.
    Pass,
}

/// The target is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetAwaited {
    /// Why it is not ready.
    pub reason: String,
    /// Remaining wait in microseconds.
    pub left_us: u64,
}

/// A case's first request is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseStarted {
    /// The case's id.
    pub id: String,
    /// Its index in the plan, from zero.
    pub index: usize,
}

/// A case takes longer than the target's slow threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseSlow {
    /// The case's id.
    pub id: String,
    /// Its index in the plan, from zero.
    pub index: usize,
    /// Time since its start, in microseconds.
    pub elapsed_us: u64,
}

/// An attempt of a case did not pass, and another follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseRetried {
    /// The case's id.
    pub id: String,
    /// Its index in the plan, from zero.
    pub index: usize,
    /// Number of the attempt, from one.
    pub number: u32,
    /// Maximum number of attempts.
    pub most: u32,
    /// Why it did not pass.
    pub reason: String,
    /// Duration in microseconds.
    pub elapsed_us: u64,
    /// Wait before the next attempt, in microseconds.
    pub wait_us: u64,
}

/// A step of a case that has not finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepFinished {
    /// The case's id.
    pub id: String,
    /// Its index in the plan, from zero.
    pub index: usize,
    /// The step.
    pub step: Step,
}

/// The verdict on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// All checks passed.
    Passed,
    /// A check failed.
    Failed,
    /// There is no response to judge.
    Errored,
    /// It passed, but not at the first attempt.
    Flaky,
    /// It was not run, with a reason.
    Skipped,
    /// It was planned, and the run ended before it began.
    NotRun,
}

impl Verdict {
    /// Its name, as in reports: `passed`, `not-run`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Flaky => "flaky",
            Self::Skipped => "skipped",
            Self::NotRun => "not-run",
        }
    }
}

/// A case and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CaseFinished {
    /// The case's id.
    pub id: String,
    /// The suite's id.
    pub suite: String,
    /// Its index in the plan, from zero: reports written at the end are in this order.
    pub index: usize,
    /// The case's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where it was written.
    pub location: Location,
    /// The verdict.
    pub verdict: Verdict,
    /// A digest of the inputs of the verdict: the case, its row and its suite, the schemas, the snapshot and the files
    /// that it uses, and the variables of the target. `--failed-from` runs the case again if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether it was skipped because it passed in the run named by `--failed-from`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed_before: bool,
    /// The last attempt; empty except for the reason if the case was not run.
    #[serde(flatten)]
    pub last: Attempt,
    /// The attempts before the last, in order; none of them passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Attempt>,
    /// Further responses of the same version to the same request (`--repeats`): differences among
    /// them are noise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<Attempt>,
    /// The pending or accepted snapshot that was written, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

impl CaseFinished {
    /// The case as one case for each step, with the id of the step: `folder/file:step`. The verdict is that of the step,
    /// and the values that earlier steps captured or generated are with it. A case with `request` is unchanged.
    pub fn by_step(self) -> Vec<Self> {
        if !self.last.steps.iter().any(|step| !step.id.is_empty()) {
            return vec![self];
        }
        let only = |attempt: &Attempt, id: &str| Attempt {
            reason: None,
            steps: attempt.steps.iter().filter(|step| step.id == id).cloned().collect(),
        };
        let (mut captures, mut generated) = (BTreeMap::new(), BTreeMap::new());
        let all = self.last.steps.iter().enumerate();
        let all = all.map(|(number, step)| {
            captures.extend(step.captures.clone());
            generated.extend(step.generated.clone());
            let step = Step {
                captures: captures.clone(),
                generated: generated.clone(),
                ..step.clone()
            };
            let verdict = match &step.exchange {
                _ if matches!(self.verdict, Verdict::Skipped | Verdict::NotRun) => self.verdict,
                _ if step.fails() => Verdict::Failed,
                None if step.skipped => Verdict::Skipped,
                None => Verdict::NotRun,
                Some(_) if step.has_no_response() => Verdict::Errored,
                Some(_) if self.verdict == Verdict::Flaky => Verdict::Flaky,
                Some(_) => Verdict::Passed,
            };
            let repeats = self.repeats.iter().map(|one| only(one, &step.id)).collect();
            Self {
                id: format!("{}:{}", self.id, step.id),
                verdict,
                last: Attempt {
                    reason: (step.omitted.clone())
                        .or_else(|| self.last.reason.clone().filter(|_| verdict == Verdict::Errored)),
                    steps: vec![step],
                },
                previous: if number == 0 { self.previous.clone() } else { Vec::new() },
                repeats,
                ..self.clone()
            }
        });
        all.collect()
    }
}

/// One attempt of a case: its steps in the order in which they ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Attempt {
    /// Why there is no verdict: why the case was skipped, was not run, or has no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The steps that were run; one for a case with `request`, none if the case was not run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// One step of an attempt: a request, its response and its findings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Step {
    /// Its id in the case; empty for a case with `request` instead of steps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Its part of the case.
    #[serde(default, skip_serializing_if = "Phase::is_main")]
    pub phase: Phase,
    /// The client certificate that it was sent with, if not that of the target; `none` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted: Option<String>,
    /// Whether it was not sent because the target does not define what it needs: it does not affect the verdict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// When the request began.
    #[schemars(with = "Option<String>")]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::model::maybe_instant"
    )]
    pub started: Option<DateTime<Utc>>,
    /// From the start of the request to the end of the response, in microseconds.
    pub elapsed_us: u64,
    /// All findings, those of level `warn` included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The request and the response; absent if no request was sent. With `polls`, the last ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// Number of requests that were sent before the last, for a step that waits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub polls: u32,
    /// The values that it captured, by name; secret ones are masked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, Value>,
    /// The values that were generated for it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub generated: BTreeMap<String, Value>,
    /// What a script needs to send it again with new values, if it uses values of other steps, captures or waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Box<Repeat>>,
}

/// Whether a number is zero.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The part of a case that a step belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It creates what the case needs. If it fails, the case is errored: the contract was not tested.
    Setup,
    /// It tests the contract.
    #[default]
    Main,
    /// It always runs, and removes what the case created.
    Teardown,
}

impl Phase {
    /// Its name: `setup`, `step`, `teardown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Main => "step",
            Self::Teardown => "teardown",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_main(&self) -> bool {
        *self == Self::Main
    }
}

impl Step {
    /// Whether a finding fails it.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Deny)
    }

    /// Whether its request has no complete response.
    pub fn has_no_response(&self) -> bool {
        matches!(
            &self.exchange,
            Some(Exchange {
                outcome: Outcome::Failure(_),
                ..
            })
        )
    }
}

impl Attempt {
    /// An attempt of one step.
    pub fn of(step: Step) -> Self {
        Self {
            reason: None,
            steps: vec![step],
        }
    }

    /// The step that decides the verdict: the first that fails or has no response, or else the last of the contract that was
    /// sent.
    pub fn deciding(&self) -> Option<&Step> {
        let decides = |step: &&Step| step.fails() || step.has_no_response();
        let is_sent = |step: &&Step| step.phase == Phase::Main && step.exchange.is_some();
        let failing = self.steps.iter().find(decides);
        failing
            .or_else(|| self.steps.iter().rfind(is_sent))
            .or_else(|| self.steps.last())
    }

    /// The exchange of the deciding step.
    pub fn exchange(&self) -> Option<&Exchange> {
        self.deciding()?.exchange.as_ref()
    }

    /// The response or failure of the deciding step.
    pub fn outcome(&self) -> Option<&Outcome> {
        Some(&self.exchange()?.outcome)
    }

    /// The exchanges of all steps, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.steps.iter().filter_map(|step| step.exchange.as_ref())
    }

    /// The findings of all steps, in order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.steps.iter().flat_map(|step| &step.findings)
    }

    /// The first finding that fails it.
    pub fn failing(&self) -> Option<&Finding> {
        self.findings().find(|finding| finding.level == Level::Deny)
    }

    /// When its first request began.
    pub fn started(&self) -> Option<DateTime<Utc>> {
        self.steps.iter().find_map(|step| step.started)
    }

    /// From the start of its first request to the end of its last response, in microseconds.
    pub fn elapsed_us(&self) -> u64 {
        let mut sent = self.steps.iter().filter(|step| step.started.is_some());
        let Some(first) = sent.next().or_else(|| self.steps.first()) else {
            return 0;
        };
        let last = sent.next_back().unwrap_or(first);
        let before = match (first.started, last.started) {
            (Some(first), Some(last)) => (last - first).num_microseconds(),
            _ => None,
        };
        let before = before.and_then(|before| u64::try_from(before).ok());
        before.unwrap_or_default().saturating_add(last.elapsed_us)
    }

    /// The steps that the target cannot run.
    pub fn skipped_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.skipped)
    }

    /// The first step of the contract or its setup that was not sent, and not skipped. Without a failing step, there is no
    /// verdict.
    fn omitted(&self) -> Option<&Step> {
        let is_needed = |step: &&Step| step.phase != Phase::Teardown && step.omitted.is_some() && !step.skipped;
        self.steps.iter().find(is_needed)
    }

    /// Sets the reason why there is no verdict, if the deciding step has no response or belongs to the setup.
    pub fn explain(&mut self) {
        let Some(step) = self.deciding() else { return };
        let of_setup = |text: String| match step.phase {
            Phase::Setup | Phase::Main if step.id.is_empty() => text,
            Phase::Setup => format!("setup step `{}`: {text}", step.id),
            phase => format!("{} `{}`: {text}", phase.name(), step.id),
        };
        let reason = match &step.exchange {
            Some(Exchange {
                outcome: Outcome::Failure(failure),
                ..
            }) => Some(of_setup(failure.message.clone())),
            _ if step.phase == Phase::Setup && step.fails() => self.failing().map(|one| of_setup(one.headline())),
            _ if step.fails() || self.reason.is_some() => None,
            _ => self
                .omitted()
                .and_then(|step| Some(format!("step `{}`: {}", step.id, step.omitted.as_ref()?))),
        };
        if reason.is_some() {
            self.reason = reason;
        }
    }

    /// The verdict on a case whose last attempt this is; `is_retried` if attempts before it did not pass. A setup step that
    /// fails gives no verdict: the contract was not tested.
    pub fn verdict(&self, is_retried: bool) -> Verdict {
        match self.deciding() {
            Some(step) if step.phase == Phase::Setup && step.fails() => Verdict::Errored,
            Some(step) if step.fails() => Verdict::Failed,
            Some(step) if step.has_no_response() => Verdict::Errored,
            None => Verdict::Errored,
            Some(_) if self.reason.is_some() || self.omitted().is_some() => Verdict::Errored,
            Some(_) if is_retried => Verdict::Flaky,
            Some(_) => Verdict::Passed,
        }
    }

    /// One line with the reason why it did not pass, or else the first failing finding with its values.
    pub fn summary(&self) -> Option<String> {
        self.reason.clone().or_else(|| Some(self.failing()?.headline()))
    }
}

/// The verdict on all responses of a case: if the first passes and another fails, they are swapped, so that
/// the failing one is reported.
pub(crate) fn worst(verdict: Verdict, last: &mut Attempt, repeats: &mut [Attempt]) -> Verdict {
    if !matches!(verdict, Verdict::Passed | Verdict::Flaky) {
        return verdict;
    }
    let found = repeats
        .iter()
        .position(|one| one.failing().is_some())
        .map(|at| (at, Verdict::Failed));
    let without_response = || {
        repeats
            .iter()
            .position(|one| one.reason.is_some())
            .map(|at| (at, Verdict::Errored))
    };
    let Some((at, worse)) = found.or_else(without_response) else {
        return verdict;
    };
    std::mem::swap(last, &mut repeats[at]);
    worse
}

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The response or failure.
    pub outcome: Outcome,
}

/// Number of cases by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Errored.
    pub errored: usize,
    /// Passed, but not at the first attempt.
    #[serde(default)]
    pub flaky: usize,
    /// Skipped, excluding those that passed before.
    pub skipped: usize,
    /// Steps that were skipped in cases that ran to a verdict, because the target does not define what they need.
    #[serde(default, skip_serializing_if = "is_none")]
    pub skipped_steps: usize,
    /// Cases with such steps; `--max-skipped` counts them too.
    #[serde(default, skip_serializing_if = "is_none")]
    pub partly_skipped: usize,
    /// Not run again, because they passed in the recording that `--failed-from` names.
    #[serde(default)]
    pub passed_before: usize,
    /// Planned, and not run because the run ended early.
    pub not_run: usize,
    /// Findings of level `warn`.
    pub warnings: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(number: &usize) -> bool {
    *number == 0
}

impl Counts {
    /// Counts one more case.
    pub fn add(&mut self, finished: &CaseFinished) {
        *match finished.verdict {
            Verdict::Skipped if finished.passed_before => &mut self.passed_before,
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Errored => &mut self.errored,
            Verdict::Flaky => &mut self.flaky,
            Verdict::Skipped => &mut self.skipped,
            Verdict::NotRun => &mut self.not_run,
        } += 1;
        if !matches!(finished.verdict, Verdict::Skipped | Verdict::NotRun) {
            let steps = finished.last.skipped_steps().count();
            self.skipped_steps += steps;
            self.partly_skipped += usize::from(steps > 0);
        }
        let warns = finished.last.findings().filter(|finding| finding.level == Level::Warn);
        self.warnings += warns.count();
    }

    /// Cases that were run to a verdict.
    pub fn ran(&self) -> usize {
        self.passed + self.failed + self.errored + self.flaky
    }

    /// All cases.
    pub fn all(&self) -> usize {
        self.ran() + self.skipped + self.passed_before + self.not_run
    }
}

/// The totals of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunFinished {
    /// Number of cases by verdict.
    pub counts: Counts,
    /// All cases of the project, selected or not; 0 if this is not known.
    #[serde(default)]
    pub project_cases: usize,
    /// Maximum number of skipped cases (`--max-skipped`), those with skipped steps included; the run fails if more were skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_skipped: Option<usize>,
    /// From the first request to the last verdict, in microseconds.
    pub elapsed_us: u64,
    /// Why the run ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// The exit code for the verdicts; a report that could not be written can change it to 5.
    pub exit_code: u8,
}

impl RunFinished {
    /// Whether more cases were skipped than `--max-skipped` allows. A case with a skipped step counts as one.
    pub fn skipped_too_many(&self) -> bool {
        let skipped = self.counts.skipped + self.counts.partly_skipped;
        self.max_skipped.is_some_and(|max| skipped > max)
    }

    /// Sets and returns the exit code for the verdicts.
    pub fn conclude(&mut self, flaky: Flaky) -> Exit {
        let exit = Exit::of(self, flaky);
        self.exit_code = exit.code();
        exit
    }
}

/// Why a run ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stop {
    /// Ctrl-C: SIGINT.
    Interrupted,
    /// A request to terminate: SIGTERM.
    Terminated,
    /// The terminal was closed: SIGHUP.
    HungUp,
    /// The run reached its `--deadline`.
    Deadline,
    /// As many cases failed as `--max-fail` allows.
    MaxFail,
    /// The target did not become ready.
    NotReady,
    /// Three requests in a row had no complete response.
    Unreachable,
    /// The recording ends before the run does: the process was killed.
    Lost,
}

impl Stop {
    /// Whether a signal ended the run.
    pub fn is_signal(self) -> bool {
        matches!(self, Self::Interrupted | Self::Terminated | Self::HungUp)
    }

    /// The event, as a fragment: `interrupted by SIGINT`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted by SIGINT",
            Self::Terminated => "terminated by SIGTERM",
            Self::HungUp => "terminated by SIGHUP",
            Self::Deadline => "stopped at its deadline",
            Self::MaxFail => "stopped by --max-fail",
            Self::NotReady => "the target is not ready",
            Self::Unreachable => "three requests in a row had no complete response",
            Self::Lost => "the recording ends before the run does",
        }
    }
}

/// A path in events: relative to the project if inside it, `/` between folders.
pub(crate) fn shown(root: &std::path::Path, path: &std::path::Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// A duration in events, in microseconds.
pub(crate) fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
