//! `conforme recheck`: judges recorded responses by the suite as it is now, without a target.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use chrono::Utc;

use super::{
    CaseFilter, Notices, SessionError, Workspace,
    outputs::{Inputs, Outputs},
    prepared::TOOL,
    reports::Reports,
};
use crate::{
    check::{self, Judgement},
    model::{
        Attempt, CaseFinished, CheckId, Counts, Event, Exchange, Exit, FORMAT, Finding, HIDDEN, Level, Reply, Request,
        RunFinished, RunStarted, Stop, Verdict, worst,
    },
    plan::{Plan, Planned},
    project::Target,
    recording::{Recording, RecordingError},
    redact::{Redactor, Reporter},
    report::ReportSpec,
    source::Sources,
};

/// Options of `recheck`.
#[derive(Clone, Debug)]
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
    let path = &request.recording;
    let unreadable = SessionError::recording(path);
    let recorded = Recording::open(path).map_err(&unreadable)?.started().clone();
    let inputs = Inputs::of([path.as_path()]).project(&workspace);
    Outputs::new(&request.reports, None).check(&inputs)?;
    let plan = plan_recorded(path, &recorded, &request.filter, &workspace)?;
    if recorded.suite_hash != workspace.hash() {
        notices.note("the suite has changed since this was recorded; it is judged as the suite is now");
    }
    Recording::verify(path).map_err(&unreadable)?;
    let mut reports = Reports::open(&request.reports, terminal)?;
    // A recording contains no secrets; this keeps the events within their limits.
    let redactor = Redactor::recorded();
    let mut report = |event| reports.event(&redactor.event(event));
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
    let places: HashMap<&str, usize> = (plan.cases.iter().enumerate())
        .map(|(index, planned)| (planned.case.id.as_str(), index))
        .collect();
    let others = others(path, plan)?;
    let recording = Recording::open(path)?;
    let flaky = recording.started().flaky;
    let mut counts = Counts::default();
    let mut gone = Vec::new();
    let mut seen = vec![false; plan.cases.len()];
    let mut end = None;
    for event in recording {
        match event?.into_inner() {
            Event::CaseFinished(recorded) => {
                let Some(&index) = places.get(recorded.id.as_str()) else {
                    gone.push(recorded.id);
                    continue;
                };
                seen[index] = true;
                let finished = judged(*recorded, index, plan, sources, &others);
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

/// The responses that other cases are compared with.
fn others(path: &Path, plan: &Plan) -> Result<BTreeMap<String, Reply>, RecordingError> {
    let wanted: BTreeSet<_> = (plan.cases.iter())
        .filter_map(|planned| Some(planned.case.def.expect.same_as.as_ref()?.value.as_str()))
        .collect();
    let mut others = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(others);
    }
    for event in Recording::open(path)? {
        if let Event::CaseFinished(finished) = event?.into_inner()
            && wanted.contains(finished.id.as_str())
            && let Some(reply) = finished.last.reply()
        {
            others.insert(finished.id.clone(), reply.clone());
        }
    }
    Ok(others)
}

fn judged(
    recorded: CaseFinished,
    index: usize,
    plan: &Plan,
    sources: &Sources,
    others: &BTreeMap<String, Reply>,
) -> CaseFinished {
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
    rejudge(&mut last, planned, plan, sources, Some(others));
    for one in &mut repeats {
        // As in the run, only the first response is compared with that of another case.
        rejudge(one, planned, plan, sources, None);
    }
    let verdict = match &last {
        last if last.failing().is_some() => Verdict::Failed,
        last if last.reason.is_some() => Verdict::Errored,
        _ if previous.is_empty() => Verdict::Passed,
        _ => Verdict::Flaky,
    };
    let verdict = worst(verdict, &mut last, &mut repeats);
    CaseFinished {
        last,
        previous,
        repeats,
        ..planned.finished(sources, verdict)
    }
}

/// Judges all responses of an attempt again.
fn rejudge(
    attempt: &mut Attempt,
    planned: &Planned,
    plan: &Plan,
    sources: &Sources,
    others: Option<&BTreeMap<String, Reply>>,
) {
    attempt.reason = None;
    for step in &mut attempt.steps {
        step.findings.clear();
        let Some(Exchange { request, reply }) = &step.exchange else {
            continue;
        };
        match judge(planned, plan, sources, request, reply, others) {
            Ok(judgement) => step.findings = judgement.findings,
            Err(reason) => attempt.reason = Some(reason),
        }
    }
}

/// Judges one response; the error is the reason why it cannot be judged.
fn judge(
    planned: &Planned,
    plan: &Plan,
    sources: &Sources,
    request: &Request,
    reply: &Reply,
    others: Option<&BTreeMap<String, Reply>>,
) -> Result<Judgement, String> {
    match reply {
        Reply::Failure(failure) => return Err(failure.message.clone()),
        Reply::Answer(answer) if answer.body.is_cut() => {
            let (kept, all) = (answer.body.bytes().len(), answer.body.length());
            return Err(format!(
                "the recording holds only {kept} of the {all} bytes of the body"
            ));
        }
        _ => {}
    }
    let bound = plan
        .bind(&planned.case, sources)
        .map_err(|unbound| unbound.to_string())?;
    let other = match (&bound.expectation.same_as, others) {
        (None, _) | (_, None) => None,
        (Some(same_as), Some(others)) => match others.get(&same_as.id) {
            Some(other @ Reply::Answer(_)) => Some(other),
            _ => return Err(format!("no response of {} to compare with", same_as.id)),
        },
    };
    let judgement = check::check(&bound.expectation, request, reply, other);
    let is_hidden = |finding: &Finding| {
        finding.level == Level::Deny
            && matches!(finding.check, CheckId::Header(_))
            && finding.actual.as_ref().is_some_and(|actual| actual.contains(HIDDEN))
    };
    match judgement.findings.iter().find(|finding| is_hidden(finding)) {
        Some(finding) => Err(format!("the recording hides the value that `{}` reads", finding.check)),
        None => Ok(judgement),
    }
}
