//! How strong a suite is: the answers of a recorded run, each changed the way regressions change answers and judged
//! again. What no check notices, the suite would miss. Nothing is sent.

mod advice;
mod measured;
mod mutant;
mod operator;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;

pub use measured::{
    FORMAT, Group, LayerScore, Measured, NotMeasured, OnlySnapshot, OperatorScore, StaleWaiver, SuiteScore, Survivor,
    Tally, Waived, measurement_schema,
};
pub use operator::{OPERATORS, Operator};

pub use crate::check::Layer;

use crate::{
    check::{self, ResponseView, noticed},
    event::{CaseFinished, Event, Verdict},
    exchange::{Answer, Reply},
    exit::Exit,
    plan::{Bound, Plan, Planned},
    recording::{Recording, RecordingError},
    source::{Place, Sources},
    suite::Case,
};
use advice::Names;
use mutant::{Elsewhere, Mutant, Mutants, Target, is_alike, is_equivalent};

/// Most answers of a suite that others are swapped with.
const KINDS: usize = 12;
/// Most survivors of a group that are named.
const NAMED: usize = 1000;

/// How a recording is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measuring<'a> {
    /// The recording's path, as the user wrote it.
    pub name: &'a str,
    /// Threads.
    pub jobs: usize,
    /// The least score that passes, in percent.
    pub min_score: Option<f64>,
}

/// A recorded answer that passed, and all that judges it.
struct Subject {
    case: Arc<Case>,
    bound: Bound,
    answer: Answer,
    suite: String,
    place: Place,
    names: Names,
}

/// What became of one case's mutants.
#[derive(Default)]
struct Outcome {
    operators: Vec<Tally>,
    first: [usize; 7],
    only: [usize; 7],
    by_snapshot: BTreeMap<(usize, String), usize>,
    survivors: Vec<(usize, Target, Survivor, Option<String>)>,
}

/// Measures the suite by the answers of a recording.
pub fn measure(path: &Path, plan: &Plan, sources: &Sources, how: Measuring<'_>) -> Result<Measured, RecordingError> {
    let recorded = read(path)?;
    let replies: HashMap<&str, &Reply> = (recorded.iter())
        .filter_map(|case| Some((case.id.as_str(), &case.last.exchange.as_ref()?.reply)))
        .collect();
    let elsewhere = elsewhere(&recorded, plan);
    let mut not_measured = Vec::new();
    let mut subjects = Vec::new();
    let by_id: HashMap<&str, &CaseFinished> = recorded.iter().map(|case| (case.id.as_str(), case)).collect();
    for planned in &plan.cases {
        let id = planned.case.id.as_str();
        let Some(case) = by_id.get(id) else { continue };
        match subject(case, planned, plan, sources, &replies) {
            Ok(subject) => subjects.push(subject),
            Err(reason) => not_measured.push(NotMeasured {
                case: id.to_owned(),
                reason,
            }),
        }
    }
    let planned: HashSet<_> = plan.cases.iter().map(|planned| planned.case.id.as_str()).collect();
    for case in recorded.iter().filter(|case| !planned.contains(case.id.as_str())) {
        not_measured.push(NotMeasured {
            case: case.id.clone(),
            reason: "it is not selected, or no longer in the suite".to_owned(),
        });
    }
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Outcome>> = subjects.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..how.jobs.clamp(1, subjects.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(subject) = subjects.get(at) else { break };
                    let other = subject.bound.expectation.same_as.as_ref();
                    let other = other.and_then(|other| replies.get(other.id.as_str()).copied());
                    let of_suite = &elsewhere[&subject.suite];
                    let outcome = judge(subject, other, of_suite);
                    *outcomes[at].lock().unwrap_or_else(PoisonError::into_inner) = outcome;
                }
            });
        }
    });
    let outcomes: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect();
    Ok(fold(&subjects, outcomes, not_measured, plan, sources, how))
}

fn read(path: &Path) -> Result<Vec<CaseFinished>, RecordingError> {
    let mut cases = Vec::new();
    for event in Recording::open(path)? {
        if let Event::CaseFinished(finished) = event?.into_inner() {
            cases.push(*finished);
        }
    }
    Ok(cases)
}

/// By suite, one answer of each kind, and the ids among the target's variables.
fn elsewhere(recorded: &[CaseFinished], plan: &Plan) -> HashMap<String, Elsewhere> {
    let is_id = |text: &&str| text.len() >= 8 && !text.contains(char::is_whitespace);
    let mut ids: Vec<String> = plan
        .target
        .vars
        .values()
        .filter_map(Value::as_str)
        .filter(is_id)
        .map(str::to_owned)
        .collect();
    ids.sort();
    ids.dedup();
    let mut sorted: Vec<_> = recorded.iter().collect();
    sorted.sort_by(|one, other| (one.index, &one.id).cmp(&(other.index, &other.id)));
    let mut all: HashMap<String, Elsewhere> = HashMap::new();
    for case in sorted {
        let of_suite = all.entry(case.suite.clone()).or_insert_with(|| Elsewhere {
            answers: Vec::new(),
            ids: ids.clone(),
        });
        let Some(Reply::Answer(answer)) = case.last.exchange.as_ref().map(|exchange| &exchange.reply) else {
            continue;
        };
        if of_suite.answers.len() < KINDS && !of_suite.answers.iter().any(|known| is_alike(known, answer)) {
            of_suite.answers.push(decoded(answer, plan.target.limits.max_body));
        }
    }
    all
}

/// The response without content codings, so that mutants of its body need none.
fn decoded(answer: &Answer, limit: usize) -> Answer {
    let mut plain = answer.clone();
    let view = ResponseView::new(answer, limit);
    if let Ok(bytes) = view.bytes() {
        plain.body.replace_decoded(bytes.to_vec());
    }
    plain
}

/// The words of a case for what stands in its answers.
fn names(plan: &Plan, case: &Case) -> Names {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of_target = plan.target.vars.iter().map(|(name, value)| (name.clone(), text(value)));
    Names::new(plan.made_by(case), of_target, case.example.is_some())
}

fn subject(
    recorded: &CaseFinished,
    planned: &Planned,
    plan: &Plan,
    sources: &Sources,
    replies: &HashMap<&str, &Reply>,
) -> Result<Subject, String> {
    if !matches!(recorded.verdict, Verdict::Passed | Verdict::Flaky) {
        return Err(format!("it is {} in the recording", recorded.verdict.name()));
    }
    let exchange = recorded
        .last
        .exchange
        .as_ref()
        .ok_or("it has no answer in the recording")?;
    let Reply::Answer(answer) = &exchange.reply else {
        return Err("it has no answer in the recording".to_owned());
    };
    if answer.body.is_cut() {
        return Err("the recording holds only a part of the body".to_owned());
    }
    let mut bound = plan
        .bind(&planned.case, sources)
        .map_err(|unbound| unbound.to_string())?;
    // What was sent is what the rules look at.
    bound.request = exchange.request.clone();
    let other = bound.expectation.same_as.as_ref();
    let other = other.and_then(|other| replies.get(other.id.as_str()).copied());
    let judgement = check::check(&bound.expectation, &bound.request, &exchange.reply, other);
    if let Some(finding) = judgement
        .findings
        .iter()
        .find(|finding| finding.level == check::Level::Deny)
    {
        return Err(format!(
            "it does not pass with the suite as it is now: {}",
            finding.headline()
        ));
    }
    Ok(Subject {
        case: Arc::clone(&planned.case),
        bound,
        answer: decoded(answer, plan.target.limits.max_body),
        suite: recorded.suite.clone(),
        place: sources.place(planned.case.span),
        names: names(plan, &planned.case).at(answer.received),
    })
}

/// Judges all mutants of one answer.
fn judge(subject: &Subject, other: Option<&Reply>, elsewhere: &Elsewhere) -> Outcome {
    let mut outcome = Outcome {
        operators: vec![Tally::default(); OPERATORS.len()],
        ..Outcome::default()
    };
    let places: HashMap<&str, usize> = OPERATORS
        .iter()
        .enumerate()
        .map(|(at, operator)| (operator.id, at))
        .collect();
    Mutants::make(&subject.answer, elsewhere, &mut |mutant: Mutant<'_>| {
        let at = places[mutant.operator.id];
        let tally = &mut outcome.operators[at];
        let seen = noticed(&subject.bound.expectation, &subject.bound.request, mutant.answer, other);
        debug_assert_eq!(
            seen.first().is_some(),
            fails(subject, mutant.answer, other),
            "{}",
            mutant.target
        );
        if let Some(first) = seen.first() {
            tally.killed += 1;
            outcome.first[first as usize] += 1;
            if let Some(only) = seen.only() {
                outcome.only[only as usize] += 1;
                if only == Layer::Snapshot {
                    let at = (at, advice::general(mutant.target));
                    *outcome.by_snapshot.entry(at).or_default() += 1;
                }
            }
        } else if is_equivalent(&subject.answer, mutant.answer) {
            tally.equivalent += 1;
        } else {
            tally.survived += 1;
            let (before, after) = advice::shown(mutant.target, &subject.answer, mutant.answer);
            let survivor = Survivor {
                id: format!("{}#{}#{}", subject.case.id, mutant.operator.id, mutant.number + 1),
                case: subject.case.id.clone(),
                place: subject.place.clone(),
                before,
                after,
            };
            let advice = advice::of(mutant.operator, mutant.target, &subject.answer, &subject.names);
            outcome.survivors.push((at, mutant.target.clone(), survivor, advice));
        }
    });
    outcome
}

/// What the checks themselves say: there is one judgement, however fast.
fn fails(subject: &Subject, answer: &Answer, other: Option<&Reply>) -> bool {
    let (expectation, request) = (&subject.bound.expectation, &subject.bound.request);
    check::check(expectation, request, &Reply::Answer(answer.clone()), other).fails()
}

/// The waiver, the suite, the target, the advice.
type GroupKey = (Option<usize>, String, String, Option<String>);

fn fold(
    subjects: &[Subject],
    outcomes: Vec<Outcome>,
    not_measured: Vec<NotMeasured>,
    plan: &Plan,
    sources: &Sources,
    how: Measuring<'_>,
) -> Measured {
    let mut operators = vec![Tally::default(); OPERATORS.len()];
    let mut suites: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut first, mut only) = ([0; 7], [0; 7]);
    let mut groups: BTreeMap<GroupKey, Group> = BTreeMap::new();
    let mut used = BTreeSet::new();
    let mut by_snapshot: BTreeMap<(String, usize, String), usize> = BTreeMap::new();
    for (subject, outcome) in subjects.iter().zip(outcomes) {
        let suite = suites.entry(subject.suite.clone()).or_default();
        for (sum, tally) in operators.iter_mut().zip(&outcome.operators) {
            add(sum, *tally);
            add(suite, *tally);
        }
        for ((operator, target), mutants) in outcome.by_snapshot {
            *by_snapshot
                .entry((subject.suite.clone(), operator, target))
                .or_default() += mutants;
        }
        for layer in 0..7 {
            first[layer] += outcome.first[layer];
            only[layer] += outcome.only[layer];
        }
        for (operator, target, survivor, advice) in outcome.survivors {
            let shown = advice::general(&target);
            let id = OPERATORS[operator].id;
            let waivers = &subject.case.suite.def.survivors;
            let waiver = waivers
                .iter()
                .position(|waiver| waiver.value.covers(id, &shown, &survivor.case));
            if let Some(number) = waiver {
                for tally in [&mut operators[operator], &mut *suite] {
                    tally.survived -= 1;
                    tally.waived += 1;
                }
                used.insert((subject.suite.clone(), number));
            }
            let key = (waiver, subject.suite.clone(), shown.clone(), advice.clone());
            let group = groups.entry(key).or_insert_with(|| Group {
                operators: Vec::new(),
                suite: subject.suite.clone(),
                message: format!("nobody notices where {shown} is changed"),
                target: shown,
                place: survivor.place.clone(),
                advice,
                survivors: Vec::new(),
            });
            if !group.operators.iter().any(|known| known == id) {
                group.operators.push(id.to_owned());
            }
            if group.survivors.len() < NAMED {
                group.survivors.push(survivor);
            }
        }
    }
    let (mut survivors, mut accepted, mut stale) = (Vec::new(), Vec::new(), Vec::new());
    let mut total = Tally::default();
    for tally in &operators {
        add(&mut total, *tally);
    }
    for ((waiver, suite, ..), group) in groups {
        let of_suite = subjects.iter().find(|subject| subject.suite == suite);
        let waiver = waiver.and_then(|number| of_suite?.case.suite.def.survivors.get(number));
        match waiver {
            None => survivors.push(group),
            Some(waiver) => accepted.push(Waived {
                reason: waiver.value.reason.clone(),
                waiver: sources.place(waiver.span),
                group,
            }),
        }
    }
    for subject in subjects {
        let suite = &subject.case.suite;
        for (number, waiver) in suite.def.survivors.iter().enumerate() {
            if used.insert((suite.id.clone(), number)) {
                stale.push(StaleWaiver {
                    what: waiver.value.to_string(),
                    waiver: sources.place(waiver.span),
                });
            }
        }
    }
    survivors.sort_by_key(|group| std::cmp::Reverse(group.survivors.len()));
    let exit = match (total.score(), how.min_score) {
        _ if plan.cases.is_empty() => Exit::NothingRan,
        (None, _) => Exit::NoVerdict,
        (Some(score), Some(least)) if score < least => Exit::Broken,
        _ => Exit::Holds,
    };
    Measured {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        recording: how.name.to_owned(),
        cases: subjects.len(),
        total,
        operators: (OPERATORS.iter().zip(operators))
            .map(|(operator, tally)| OperatorScore {
                operator: operator.id.to_owned(),
                stands_for: operator.stands_for.to_owned(),
                tally,
            })
            .collect(),
        suites: suites
            .into_iter()
            .map(|(suite, tally)| SuiteScore { suite, tally })
            .collect(),
        layers: Layer::ALL
            .into_iter()
            .map(|layer| LayerScore {
                layer,
                first: first[layer as usize],
                only: only[layer as usize],
            })
            .collect(),
        only_snapshot: only[Layer::Snapshot as usize],
        by_snapshot: (by_snapshot.into_iter())
            .map(|((suite, operator, target), mutants)| OnlySnapshot {
                suite,
                operator: OPERATORS[operator].id.to_owned(),
                target,
                mutants,
            })
            .collect(),
        survivors,
        waived: accepted,
        stale,
        not_measured,
        min_score: how.min_score,
        exit_code: exit.code(),
    }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.killed += more.killed;
    sum.survived += more.survived;
    sum.waived += more.waived;
    sum.equivalent += more.equivalent;
}
