//! `conforme recheck`: judges recorded responses by the suite as it is now, without a target.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::Utc;

use super::{
    CaseFilter, Notices, SessionError, Workspace,
    masked_values::MaskedValues,
    outputs::{Inputs, Outputs},
    prepared::TOOL,
    reports::Reports,
};
use crate::{
    check::{self, CheckResult},
    mask::{Masker, Reporter},
    model::{
        Attempt, CaseFinished, Counts, Event, Exchange, Exit, FORMAT, Outcome, Request, RunFinished, RunStarted, Stop,
        Verdict, worst,
    },
    plan::{Late, Plan, Planned},
    project::Target,
    recording::{Recording, RecordingError},
    report::ReportSpec,
    source::Sources,
};

/// Options of `recheck`.
#[derive(Clone, Debug, Default)]
pub struct RecheckRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The cases to judge.
    pub filter: CaseFilter,
    /// The recording.
    pub recording: PathBuf,
    /// Maximum number of skipped cases; by default as recorded.
    pub max_skipped: Option<usize>,
    /// The reports to write.
    pub reports: Vec<ReportSpec>,
}

/// Judges the responses of a recording again, and reports the run with its new verdicts to `terminal` and to the reports
/// of the request.
pub fn recheck(
    request: &RecheckRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let workspace = Workspace::open(request.project.as_deref(), notices)?;
    recheck_in(&workspace, request, terminal, notices)
}

/// The same in a project that is loaded: its folder in the request is ignored.
pub fn recheck_in(
    workspace: &Workspace,
    request: &RecheckRequest,
    terminal: Box<dyn Reporter>,
    notices: &mut dyn Notices,
) -> Result<Exit, SessionError> {
    let path = &request.recording;
    let unreadable = SessionError::recording(path);
    let recorded = Recording::open(path).map_err(&unreadable)?.started().clone();
    let inputs = Inputs::of([path.as_path()]).project(workspace);
    Outputs::new(&request.reports, None).check(&inputs)?;
    let plan = plan_recorded(path, &recorded, &request.filter, workspace)?;
    if recorded.suite_hash != workspace.hash() {
        notices.note("the suite has changed since this was recorded; it is judged as the suite is now");
    }
    Recording::verify(path).map_err(&unreadable)?;
    let mut reports = Reports::open(&request.reports, terminal)?;
    // A recording contains no secrets; this keeps the events within their limits.
    let masker = Masker::recorded();
    let mut report = |event| reports.event(&masker.event(event));
    report(Event::RunStarted(RunStarted {
        format: FORMAT,
        tool: TOOL.to_owned(),
        started: Utc::now(),
        cases: plan.cases.len(),
        suite_hash: workspace.hash(),
        ..recorded
    }));
    let all_cases = workspace.suites.cases.len();
    let rechecked = judge_recording(
        path,
        &plan,
        &workspace.sources,
        all_cases,
        request.max_skipped,
        &mut report,
    );
    let Rechecked { finished, exit, gone } = rechecked.map_err(&unreadable)?;
    for path in workspace.unused_snapshots() {
        report(Event::SnapshotUnused { path });
    }
    report(Event::RunFinished(finished));
    let exit = exit.reported(reports.finish(notices));
    if !gone.is_empty() && request.filter.is_empty() {
        notices.note(&format!(
            "these cases are in the recording and no longer in the suite: {}",
            gone.join(", ")
        ));
    }
    Ok(exit)
}

/// Plans the selected cases for the target of a recording.
pub(super) fn plan_recorded(
    path: &Path,
    recorded: &RunStarted,
    filter: &CaseFilter,
    workspace: &Workspace,
) -> Result<Plan, SessionError> {
    let target = Target::recorded(recorded)
        .map_err(|reason| SessionError::Usage(format!("the recording `{}`: {reason}", path.display())))?;
    workspace.plan(&filter.select(workspace)?, target)
}

/// A recording that was judged again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rechecked {
    /// The totals of the run with its new verdicts.
    pub finished: RunFinished,
    /// The exit code of these verdicts.
    pub exit: Exit,
    /// Recorded cases that the suite no longer has, in the order of the recording.
    pub gone: Vec<String>,
}

/// Judges every recorded response of a case of the plan. A case that was not recorded is skipped, with that reason; one
/// that was recorded without a response keeps its verdict. `project_cases` is the number of all cases of the project;
/// `max_skipped` replaces the recorded maximum number of skipped cases.
pub fn judge_recording(
    path: &Path,
    plan: &Plan,
    sources: &Sources,
    project_cases: usize,
    max_skipped: Option<usize>,
    mut report: impl FnMut(Event),
) -> Result<Rechecked, RecordingError> {
    let positions: HashMap<&str, usize> = (plan.cases.iter().enumerate())
        .map(|(index, planned)| (planned.case.id.as_str(), index))
        .collect();
    let recording = Recording::open(path)?;
    let flaky = recording.started().flaky;
    let mut counts = Counts::default();
    let mut gone = Vec::new();
    let mut seen = vec![false; plan.cases.len()];
    let mut end = None;
    for event in recording {
        match event?.into_inner() {
            Event::CaseFinished(recorded) => {
                let Some(&index) = positions.get(recorded.id.as_str()) else {
                    gone.push(recorded.id);
                    continue;
                };
                seen[index] = true;
                let finished = judged(*recorded, index, plan, sources);
                counts.add(&finished);
                report(Event::CaseFinished(Box::new(finished)));
            }
            Event::RunFinished(finished) => end = Some(finished),
            _ => {}
        }
    }
    for (planned, _) in plan.cases.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        let reason = "it is not in the recording".to_owned();
        let finished = planned.unrun(sources, Verdict::Skipped, reason);
        counts.add(&finished);
        report(Event::CaseFinished(Box::new(finished)));
    }
    // Only a part of a run that ended early is judged here, so it does not pass, whatever ended it.
    let stopped = end.as_ref().and_then(|end| end.stopped).map(|_| Stop::Lost);
    let mut finished = RunFinished {
        counts,
        project_cases,
        max_skipped: max_skipped.or(end.as_ref().and_then(|end| end.max_skipped)),
        elapsed_us: end.map_or(0, |end| end.elapsed_us),
        stopped,
        exit_code: 0,
    };
    Ok(Rechecked {
        exit: finished.conclude(flaky),
        finished,
        gone,
    })
}

fn judged(recorded: CaseFinished, index: usize, plan: &Plan, sources: &Sources) -> CaseFinished {
    let planned = &plan.cases[index];
    let CaseFinished {
        verdict: recorded_verdict,
        mut last,
        previous,
        mut repeats,
        ..
    } = recorded;
    if last.exchanges().next().is_none() {
        // A case that passed in an earlier run has no response here.
        return planned.unrun(sources, recorded_verdict, last.reason.unwrap_or_default());
    }
    for one in repeats.iter_mut().chain([&mut last]) {
        rejudge(one, planned, plan, sources);
    }
    let verdict = last.verdict(!previous.is_empty());
    let verdict = worst(verdict, &mut last, &mut repeats);
    CaseFinished {
        last,
        previous,
        repeats,
        ..planned.finished(sources, verdict)
    }
}

/// Judges all responses of an attempt again, with the values that its steps capture.
fn rejudge(attempt: &mut Attempt, planned: &Planned, plan: &Plan, sources: &Sources) {
    let mut late = Late::recorded();
    let mut reason = None;
    let mut outcomes: HashMap<String, Outcome> = HashMap::new();
    for step in &mut attempt.steps {
        let Some(Exchange { request, outcome }) = &step.exchange else {
            continue;
        };
        let defs = &planned.case.def.steps;
        let judged = match defs.iter().position(|def| def.id == step.id) {
            None => Err(format!("the suite has no step `{}` in this case", step.id)),
            Some(index) => {
                late.begin_recorded(&step.generated);
                let other = defs[index].expect.same_as.as_ref();
                let other = match other.map(|other| outcomes.get(&other.value)) {
                    None => Ok(None),
                    Some(Some(other @ Outcome::Response(_))) => Ok(Some(other)),
                    Some(_) => Err("there is no response of the other step to compare with".to_owned()),
                };
                other.and_then(|other| {
                    let step = StepJudge {
                        planned,
                        index,
                        late: &late,
                        plan,
                        sources,
                    };
                    step.judge(request, outcome, other)
                })
            }
        };
        step.findings = match judged {
            Ok(judged) => {
                for (name, value) in judged.captures {
                    late.capture(&name, value);
                }
                reason = reason.or(judged.reason);
                judged.result.findings
            }
            Err(why) => {
                reason.get_or_insert(why);
                Vec::new()
            }
        };
        // What a masked response no longer contains is taken as it was recorded.
        for (name, value) in &step.captures {
            late.capture_once(name, value);
        }
        outcomes.insert(step.id.clone(), outcome.clone());
    }
    attempt.reason = reason;
    attempt.explain();
}

/// A recorded response that was judged again.
struct Judged {
    result: CheckResult,
    captures: Vec<(Arc<str>, serde_json::Value)>,
    /// Why there is no verdict about it.
    reason: Option<String>,
}

/// Judges the responses of one step.
struct StepJudge<'a> {
    planned: &'a Planned,
    /// The step's index in the case.
    index: usize,
    late: &'a Late,
    plan: &'a Plan,
    sources: &'a Sources,
}

impl StepJudge<'_> {
    /// Judges one response and takes its captures; the error is the reason why it cannot be judged. `other` is the response
    /// that it is compared with.
    fn judge(&self, request: &Request, outcome: &Outcome, other: Option<&Outcome>) -> Result<Judged, String> {
        match outcome {
            Outcome::Failure(failure) => return Err(failure.message.clone()),
            Outcome::Response(response) if response.body.is_cut() => {
                let (kept, all) = (response.body.bytes().len(), response.body.length());
                return Err(format!(
                    "the recording contains only {kept} of the {all} bytes of the body"
                ));
            }
            _ => {}
        }
        let bound = self
            .plan
            .bind(&self.planned.case, self.index, self.late, self.sources)
            .map_err(|unbound| unbound.to_string())?;
        let known =
            MaskedValues::of(&self.planned.case, &self.plan.target).judge(&bound.expectation, request, outcome, other);
        let (judgement, unknown) = (known.result, known.unknown);
        let reason = unknown.filter(|_| !judgement.fails());
        let reason = reason.map(|check| format!("the recording hides the value that `{check}` reads"));
        let values = match outcome {
            Outcome::Response(response) => check::captured(&bound.expectation, response),
            _ => Vec::new(),
        };
        let captures = bound.expectation.captures.iter().zip(values);
        let captures = captures.filter_map(|(capture, value)| Some((Arc::clone(&capture.name), value?)));
        Ok(Judged {
            result: judgement,
            captures: captures.collect(),
            reason,
        })
    }
}
