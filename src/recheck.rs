//! Judging recorded answers again, with the suite as it is now and without a target. Nothing is sent.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use crate::{
    check::{self, Judgement},
    model::{
        CaseFinished, Counts, Event, Exchange, Exit, Finding, HIDDEN, Level, Reply, Request, RunFinished, Stop,
        Verdict, worst,
    },
    plan::{Plan, Planned},
    recording::{Recording, RecordingError},
    source::Sources,
};

/// What became of a recording.
#[derive(Debug)]
pub struct Rechecked {
    /// The run in figures, as it would have ended.
    pub finished: RunFinished,
    /// What the verdicts call for.
    pub exit: Exit,
    /// Recorded cases that the suite no longer has, in the order of the recording.
    pub gone: Vec<String>,
}

/// Judges every recorded answer that belongs to a case of the plan. A case that was not recorded is skipped, with that
/// reason; one that was recorded without an answer stays what it was. `project_cases` is the number of all cases of the
/// project; `max_skipped` replaces the recorded maximum number of skipped cases.
pub fn recheck(
    path: &Path,
    plan: &Plan,
    sources: &Sources,
    project_cases: usize,
    max_skipped: Option<usize>,
    mut tell: impl FnMut(Event),
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
                tell(Event::CaseFinished(Box::new(finished)));
            }
            Event::RunFinished(finished) => end = Some(finished),
            _ => {}
        }
    }
    for (planned, _) in plan.cases.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        let reason = "it is not in the recording".to_owned();
        let finished = planned.unrun(sources, Verdict::Skipped, reason);
        counts.add(&finished);
        tell(Event::CaseFinished(Box::new(finished)));
    }
    // Of a run that ended early only a part is judged here: that is no pass, whatever ended it.
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

/// The replies that other cases are compared with.
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
            && let Some(exchange) = finished.last.exchange
        {
            others.insert(finished.id, exchange.reply);
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
    let Some(Exchange { request, reply }) = &recorded.last.exchange else {
        let reason = recorded.last.reason.unwrap_or_default();
        // One that passed before has no response here: it is not a pass that this judges.
        return planned.unrun(sources, recorded.verdict, reason);
    };
    let (verdict, reason, findings) = match judge(planned, plan, sources, request, reply, Some(others)) {
        Ok(judgement) if judgement.fails() => (Verdict::Failed, None, judgement.findings),
        Ok(judgement) if recorded.previous.is_empty() => (Verdict::Passed, None, judgement.findings),
        Ok(judgement) => (Verdict::Flaky, None, judgement.findings),
        Err(reason) => (Verdict::Errored, Some(reason), Vec::new()),
    };
    let (mut last, mut repeats) = (recorded.last, recorded.repeats);
    (last.reason, last.findings) = (reason, findings);
    for one in &mut repeats {
        let Some(Exchange { request, reply }) = &one.exchange else {
            continue;
        };
        // As in the run: what another answer is compared with is the first.
        (one.reason, one.findings) = match judge(planned, plan, sources, request, reply, None) {
            Ok(judgement) => (None, judgement.findings),
            Err(reason) => (Some(reason), Vec::new()),
        };
    }
    let verdict = worst(verdict, &mut last, &mut repeats);
    CaseFinished {
        last,
        previous: recorded.previous,
        repeats,
        ..planned.finished(sources, verdict)
    }
}

/// Judges one reply, or says why it cannot be judged.
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
            _ => return Err(format!("there is no answer of {} to compare this one with", same_as.id)),
        },
    };
    let judgement = check::check(&bound.expectation, request, reply, other);
    let is_hidden = |finding: &Finding| {
        finding.level == Level::Deny
            && finding.check.starts_with("header/")
            && finding.actual.as_ref().is_some_and(|actual| actual.contains(HIDDEN))
    };
    match judgement.findings.iter().find(|finding| is_hidden(finding)) {
        Some(finding) => Err(format!("the recording hides the value that `{}` reads", finding.check)),
        None => Ok(judgement),
    }
}
