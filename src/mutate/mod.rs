//! Mutation testing of a suite: the responses of a recorded run are changed as regressions would change them and checked
//! again. A change that no check detects is a regression that the suite would miss.

mod advice;
mod advise;
mod later;
mod mail_operator;
mod measured;
mod mutant;
mod names;
mod operator;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::{DateTime, Utc};
use serde_json::Value;

pub(crate) use measured::percent;
pub use measured::{
    FORMAT, LayerScore, Measured, NotMeasured, OnlySnapshot, OperatorScore, StaleWaiver, SuiteScore, Survivor,
    SurvivorGroup, Tally, Waived, measurement_schema,
};
pub use operator::{OPERATORS, Operator};

pub use crate::model::Layer;

use crate::{
    check::{self, ResponseView, failing_layers},
    model::{CaseFinished, Event, Exit, Level, Location, Outcome, Phase, Request, Response, Verdict, marks_of},
    plan::{Bound, Plan, Planned},
    recording::{Recording, RecordingError},
    schema::SchemaStore,
    source::Sources,
    suite::Case,
};
use advise::{Advice, Adviser, Survived};
use later::{LaterResult, RecordedSteps};
use mutant::{Elsewhere, Mutant, MutantTarget, Mutants, is_alike, is_equivalent};
use names::CaseNames;

/// Maximum number of responses of a suite that others are swapped with.
const MAX_KINDS: usize = 12;
/// Number of kinds of checks.
const LAYERS: usize = Layer::ALL.len();
/// Maximum number of survivors of a group that are listed.
const MAX_LISTED: usize = 1000;

/// How a recording is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measuring<'a> {
    /// The recording's path, as the user wrote it.
    pub name: &'a str,
    /// Number of threads.
    pub jobs: usize,
    /// Minimum score, in percent.
    pub min_score: Option<f64>,
    /// The schemas that the cases name.
    pub schemas: &'a SchemaStore,
    /// How many groups of survivors, largest first, get advice.
    pub advised: usize,
}

/// A recorded response that passed, with everything that is needed to check it.
struct MeasuredStep {
    /// The id of its step.
    id: String,
    case: Arc<Case>,
    /// The step's index in the case.
    step: usize,
    /// The response that it is compared with.
    other: Option<Outcome>,
    /// The recorded steps of the case, if there are several.
    flow: Option<Arc<RecordedSteps>>,
    bound: Bound,
    response: Response,
    suite: String,
    location: Location,
    names: CaseNames,
}

/// The results of one case's mutants.
#[derive(Default)]
struct MutantResults {
    operators: Vec<Tally>,
    first: [usize; LAYERS],
    only: [usize; LAYERS],
    by_snapshot: BTreeMap<(usize, String), usize>,
    survivors: Vec<SurvivingMutant>,
}

/// A mutant that survived.
struct SurvivingMutant {
    /// The index of its operator.
    operator: usize,
    /// Which of the operator's mutants of the response it is.
    number: usize,
    target: MutantTarget,
    survivor: Survivor,
    /// Equal where the same addition is probably right; see [`advice::likeness`].
    likeness: u64,
}

/// Measures the suite by the responses of a recording.
pub fn measure(path: &Path, plan: &Plan, sources: &Sources, how: Measuring<'_>) -> Result<Measured, RecordingError> {
    let recorded = read(path)?;
    let outcomes: HashMap<&str, &Outcome> = (recorded.iter())
        .filter_map(|case| Some((case.id.as_str(), &case.last.exchange()?.outcome)))
        .collect();
    let elsewhere = elsewhere(&recorded, plan);
    let mut not_measured = Vec::new();
    let mut subjects = Vec::new();
    let by_id: HashMap<&str, &CaseFinished> = recorded.iter().map(|case| (case.id.as_str(), case)).collect();
    for planned in &plan.cases {
        let flow = Arc::new(RecordedSteps::read(planned, plan, sources, &by_id));
        let steps = planned.case.def.steps.iter().enumerate();
        for (index, step) in steps.filter(|(_, step)| step.phase == Phase::Main) {
            let id = planned.case.step_id(step);
            let made = match by_id.get(id.as_str()) {
                Some(case) => subject(case, (planned, index, &flow), plan, sources, &outcomes),
                None => Err("it is not in the recording".to_owned()),
            };
            match made {
                Ok(subject) => subjects.push(subject),
                Err(reason) => not_measured.push(NotMeasured { case: id, reason }),
            }
        }
    }
    let steps = plan.cases.iter().flat_map(|planned| {
        let steps = planned.case.def.steps.iter();
        steps.map(|step| planned.case.step_id(step))
    });
    let planned: HashSet<_> = steps.collect();
    for case in recorded.iter().filter(|case| !planned.contains(&case.id)) {
        not_measured.push(NotMeasured {
            case: case.id.clone(),
            reason: "it is not selected, or no longer in the suite".to_owned(),
        });
    }
    let next = AtomicUsize::new(0);
    let all_results: Vec<Mutex<MutantResults>> = subjects.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..how.jobs.clamp(1, subjects.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(subject) = subjects.get(at) else { break };
                    let other = subject.other.as_ref();
                    let of_suite = &elsewhere[&subject.suite];
                    let results = judge(subject, other, of_suite, (plan, sources));
                    *all_results[at].lock().unwrap_or_else(PoisonError::into_inner) = results;
                }
            });
        }
    });
    let all_results: Vec<_> = all_results
        .into_iter()
        .map(|results| results.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect();
    let mut adviser = Adviser::new(&subjects, &elsewhere, plan, sources, how.schemas);
    Ok(fold(&mut adviser, all_results, not_measured, how))
}

fn read(path: &Path) -> Result<Vec<CaseFinished>, RecordingError> {
    let mut cases = Vec::new();
    for event in Recording::open(path)? {
        if let Event::CaseFinished(finished) = event?.into_inner() {
            cases.extend(finished.by_step());
        }
    }
    Ok(cases)
}

/// By suite, one response of each kind, and the ids among the target's variables.
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
            responses: Vec::new(),
            ids: ids.clone(),
        });
        let Some(Outcome::Response(response)) = case.last.exchange().map(|exchange| &exchange.outcome) else {
            continue;
        };
        if response.version == Request::MAIL || response.is_refusal() {
            continue;
        }
        if of_suite.responses.len() < MAX_KINDS && !of_suite.responses.iter().any(|known| is_alike(known, response)) {
            of_suite.responses.push(decoded(response, plan.target.limits.max_body));
        }
    }
    all
}

/// The response without content codings, so that mutants of its body need none.
fn decoded(response: &Response, limit: usize) -> Response {
    let mut plain = response.clone();
    let view = ResponseView::new(response, limit);
    if let Ok(bytes) = view.bytes() {
        plain.body.replace_decoded(bytes.to_vec());
    }
    plain
}

/// The names of a case for the values in its responses.
fn names(plan: &Plan, case: &Case, received: DateTime<Utc>) -> CaseNames {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of_target = plan.target.vars.iter().map(|(name, value)| (name.clone(), text(value)));
    let marks = plan.target.secrets.keys().flat_map(|name| marks_of(name));
    CaseNames::new(plan.made_by(case), of_target, case.is_row(), marks.collect(), received)
}

fn subject(
    recorded: &CaseFinished,
    (planned, step, flow): (&Planned, usize, &Arc<RecordedSteps>),
    plan: &Plan,
    sources: &Sources,
    outcomes: &HashMap<&str, &Outcome>,
) -> Result<MeasuredStep, String> {
    if !matches!(recorded.verdict, Verdict::Passed | Verdict::Flaky) {
        return Err(format!("it is {} in the recording", recorded.verdict.name()));
    }
    let exchange = recorded.last.exchange().ok_or("it has no response in the recording")?;
    let Outcome::Response(response) = &exchange.outcome else {
        return Err("it has no response in the recording".to_owned());
    };
    if response.is_refusal() {
        return Err("the server refuses the connection".to_owned());
    }
    if response.body.is_cut() {
        return Err("the recording contains only a part of the body".to_owned());
    }
    let mut bound = plan
        .bind(&planned.case, step, &flow.late(step), sources)
        .map_err(|unbound| unbound.to_string())?;
    // The rules check the request that was sent.
    bound.request = exchange.request.clone();
    let other = bound.expectation.same_as.as_ref();
    let other = other.map(|other| format!("{}:{}", planned.case.id, other.id));
    let other = other.and_then(|other| outcomes.get(other.as_str()).copied());
    let judgement = check::check(&bound.expectation, &bound.request, &exchange.outcome, other);
    if let Some(finding) = judgement.findings.iter().find(|finding| finding.level == Level::Deny) {
        return Err(format!(
            "it does not pass with the current suite: {}",
            finding.headline()
        ));
    }
    let def = &planned.case.def.steps[step];
    let span = if def.id.is_empty() { planned.case.span } else { def.span };
    Ok(MeasuredStep {
        id: recorded.id.clone(),
        case: Arc::clone(&planned.case),
        step,
        other: other.cloned(),
        flow: flow.has_later().then(|| Arc::clone(flow)),
        bound,
        response: decoded(response, plan.target.limits.max_body),
        suite: recorded.suite.clone(),
        location: sources.location(span),
        names: names(plan, &planned.case, response.received),
    })
}

/// Checks all mutants of one response: by its own step, and by later steps that use what a mutant changes.
fn judge(
    subject: &MeasuredStep,
    other: Option<&Outcome>,
    elsewhere: &Elsewhere,
    (plan, sources): (&Plan, &Sources),
) -> MutantResults {
    let mut results = MutantResults {
        operators: vec![Tally::default(); OPERATORS.len()],
        ..MutantResults::default()
    };
    let positions: HashMap<&str, usize> = OPERATORS
        .iter()
        .enumerate()
        .map(|(at, operator)| (operator.id, at))
        .collect();
    let mut likenesses: HashMap<(usize, String), u64> = HashMap::new();
    Mutants::make(&subject.response, elsewhere, &mut |mutant: Mutant<'_>| {
        let at = positions[mutant.operator.id];
        let tally = &mut results.operators[at];
        let mut seen = failing_layers(
            &subject.bound.expectation,
            &subject.bound.request,
            mutant.response,
            other,
        );
        let mut is_undecided = false;
        if let Some(flow) = subject.flow.as_ref().filter(|_| seen.is_empty()) {
            match flow.judge(subject.step, mutant.response, plan, sources) {
                LaterResult::Passes => {}
                LaterResult::Fails(layers) => seen = layers,
                LaterResult::Unknown => is_undecided = true,
            }
        }
        if let Some(first) = seen.first() {
            tally.killed += 1;
            results.first[first as usize] += 1;
            if let Some(only) = seen.only() {
                results.only[only as usize] += 1;
                if only == Layer::Snapshot {
                    let at = (at, advice::general(mutant.target));
                    *results.by_snapshot.entry(at).or_default() += 1;
                }
            }
        } else if is_equivalent(&subject.response, mutant.response) {
            tally.equivalent += 1;
        } else if is_undecided {
            tally.undecided += 1;
        } else {
            tally.survived += 1;
            let (before, after) = advice::shown(mutant.target, &subject.response, mutant.response);
            let survivor = Survivor {
                id: format!("{}#{}#{}", subject.id, mutant.operator.id, mutant.number + 1),
                case: subject.id.clone(),
                location: subject.location.clone(),
                before,
                after,
            };
            let likeness = likeness(subject, &mutant, &mut likenesses);
            results.survivors.push(SurvivingMutant {
                operator: at,
                number: mutant.number,
                target: mutant.target.clone(),
                survivor,
                likeness,
            });
        }
    });
    results
}

fn likeness(subject: &MeasuredStep, mutant: &Mutant<'_>, known: &mut HashMap<(usize, String), u64>) -> u64 {
    // The rows of a table share one file, so an addition applies to all of them.
    if subject.case.is_row() {
        return 0;
    }
    let (at, is_whole) = advice::location(mutant.operator, mutant.target);
    let key = match mutant.target {
        MutantTarget::Status | MutantTarget::Response => (0, String::new()),
        MutantTarget::Header(name) => (1, name.clone()),
        MutantTarget::Body(_) => (2 + usize::from(is_whole), at.to_owned()),
    };
    *(known.entry(key)).or_insert_with(|| advice::likeness(mutant.target, at, &subject.response, &subject.names))
}

/// The waiver, the suite, the target, the file of a table, the likeness.
type SurvivorKey = (Option<usize>, String, String, Option<Arc<str>>, u64);

/// The sums over all cases.
struct Totals {
    operators: Vec<Tally>,
    suites: BTreeMap<String, Tally>,
    /// By layer: mutants that it is the first to detect, and mutants that only it detects.
    first: [usize; LAYERS],
    only: [usize; LAYERS],
    /// Survivors that are alike.
    groups: BTreeMap<SurvivorKey, Survived>,
    /// The waivers that accept a survivor: the suite and the number.
    used: BTreeSet<(String, usize)>,
    by_snapshot: BTreeMap<(String, usize, String), usize>,
}

impl Totals {
    fn of(subjects: &[MeasuredStep], all_results: Vec<MutantResults>) -> Self {
        let mut totals = Self {
            operators: vec![Tally::default(); OPERATORS.len()],
            suites: BTreeMap::new(),
            first: [0; LAYERS],
            only: [0; LAYERS],
            groups: BTreeMap::new(),
            used: BTreeSet::new(),
            by_snapshot: BTreeMap::new(),
        };
        for (at, (subject, results)) in subjects.iter().zip(all_results).enumerate() {
            totals.add_case(at, subject, results);
        }
        totals
    }

    fn add_case(&mut self, at: usize, subject: &MeasuredStep, results: MutantResults) {
        let suite = self.suites.entry(subject.suite.clone()).or_default();
        for (sum, tally) in self.operators.iter_mut().zip(&results.operators) {
            add(sum, *tally);
            add(suite, *tally);
        }
        for ((operator, target), mutants) in results.by_snapshot {
            *self
                .by_snapshot
                .entry((subject.suite.clone(), operator, target))
                .or_default() += mutants;
        }
        for layer in 0..LAYERS {
            self.first[layer] += results.first[layer];
            self.only[layer] += results.only[layer];
        }
        for found in results.survivors {
            let shown = advice::general(&found.target);
            let id = OPERATORS[found.operator].id;
            let waivers = &subject.case.suite.def.survivors;
            let waiver = waivers
                .iter()
                .position(|waiver| waiver.value.covers(id, &shown, &found.survivor.case));
            if let Some(number) = waiver {
                for tally in [&mut self.operators[found.operator], &mut *suite] {
                    tally.survived -= 1;
                    tally.accepted += 1;
                }
                self.used.insert((subject.suite.clone(), number));
            }
            let table = subject.case.is_row().then(|| Arc::clone(&subject.location.file));
            let key = (waiver, subject.suite.clone(), shown, table, found.likeness);
            self.groups.entry(key).or_default().push((at, found));
        }
    }

    /// Waivers that accept no survivor.
    fn stale(&mut self, subjects: &[MeasuredStep], sources: &Sources) -> Vec<StaleWaiver> {
        let mut stale = Vec::new();
        for subject in subjects {
            let suite = &subject.case.suite;
            for (number, waiver) in suite.def.survivors.iter().enumerate() {
                if self.used.insert((suite.id.clone(), number)) {
                    stale.push(StaleWaiver {
                        what: waiver.value.to_string(),
                        waiver: sources.location(waiver.span),
                    });
                }
            }
        }
        stale
    }
}

/// The survivors that no waiver accepts, and the accepted ones.
fn separated(
    groups: BTreeMap<SurvivorKey, Survived>,
    subjects: &[MeasuredStep],
    sources: &Sources,
) -> (Vec<(String, String, Survived)>, Vec<Waived>) {
    let (mut open, mut accepted) = (Vec::new(), Vec::new());
    for ((waiver, suite, target, ..), survived) in groups {
        let of_suite = subjects.iter().find(|subject| subject.suite == suite);
        let waiver = waiver.and_then(|number| of_suite?.case.suite.def.survivors.get(number));
        match waiver {
            None => open.push((suite, target, survived)),
            Some(waiver) => accepted.push(Waived {
                reason: waiver.value.reason.clone(),
                waiver: sources.location(waiver.span),
                group: group(&suite, &target, survived, Advice::default()),
            }),
        }
    }
    (open, accepted)
}

fn fold(
    adviser: &mut Adviser<'_>,
    all_results: Vec<MutantResults>,
    not_measured: Vec<NotMeasured>,
    how: Measuring<'_>,
) -> Measured {
    let (subjects, sources, plan) = (adviser.subjects, adviser.sources, adviser.plan);
    let mut totals = Totals::of(subjects, all_results);
    let stale = totals.stale(subjects, sources);
    let (open, accepted) = separated(totals.groups, subjects, sources);
    let (mut total, mut mail) = (Tally::default(), Tally::default());
    for (operator, tally) in OPERATORS.iter().zip(&totals.operators) {
        add(&mut total, *tally);
        if operator.is_of_mail() {
            add(&mut mail, *tally);
        }
    }
    let exit = match (total.score(), how.min_score) {
        _ if plan.cases.is_empty() => Exit::NothingRan,
        (None, _) => Exit::NoVerdict,
        (Some(score), Some(least)) if score < least => Exit::ContractViolated,
        _ => Exit::Success,
    };
    Measured {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        recording: how.name.to_owned(),
        headline: measured::headline(
            total,
            how.min_score.filter(|_| exit == Exit::ContractViolated),
            (subjects.len(), plan.cases.len()),
        ),
        score: total.score(),
        cases: subjects.len(),
        selected: plan.cases.len(),
        total,
        mail: Some(mail).filter(|mail| *mail != Tally::default()),
        operators: (OPERATORS.iter().zip(totals.operators))
            .map(|(operator, tally)| OperatorScore {
                operator: operator.id.to_owned(),
                stands_for: operator.regression.to_owned(),
                tally,
            })
            .collect(),
        suites: (totals.suites.into_iter())
            .map(|(suite, tally)| SuiteScore { suite, tally })
            .collect(),
        layers: Layer::ALL
            .into_iter()
            .map(|layer| LayerScore {
                layer,
                first: totals.first[layer as usize],
                only: totals.only[layer as usize],
            })
            .collect(),
        only_snapshot: totals.only[Layer::Snapshot as usize],
        by_snapshot: (totals.by_snapshot.into_iter())
            .map(|((suite, operator, target), mutants)| OnlySnapshot {
                suite,
                operator: OPERATORS[operator].id.to_owned(),
                target,
                mutants,
            })
            .collect(),
        survivors: advised(open, adviser, how.advised),
        accepted,
        stale,
        not_measured,
        min_score: how.min_score,
        exit_code: exit.code(),
    }
}

/// The groups of survivors, largest first. The first `max` get advice, which can divide them.
fn advised(mut open: Vec<(String, String, Survived)>, adviser: &mut Adviser<'_>, max: usize) -> Vec<SurvivorGroup> {
    open.sort_by_key(|(.., survived)| std::cmp::Reverse(survived.len()));
    let mut open = open.into_iter().peekable();
    let mut done: BTreeMap<(String, String, Advice), Survived> = BTreeMap::new();
    while let Some((.., next)) = open.peek() {
        // Only groups larger than the next one are certainly among the first.
        let larger = done.values().filter(|survived| survived.len() >= next.len());
        if larger.take(max).count() == max {
            break;
        }
        let Some((suite, target, survived)) = open.next() else {
            break;
        };
        for (advice, survived) in adviser.advise(survived) {
            let key = (suite.clone(), target.clone(), advice);
            done.entry(key).or_default().extend(survived);
        }
    }
    let mut done: Vec<_> = done.into_iter().collect();
    // Groups of the same size are sorted by whether they have advice, then by the order of their cases.
    done.sort_by_key(|((_, _, advice), survived)| {
        let first = survived.first().map(|(at, found)| (*at, found.operator, found.number));
        (std::cmp::Reverse(survived.len()), advice.lines.is_none(), first)
    });
    let done = done.into_iter();
    let done = done.map(|((suite, target, advice), survived)| group(&suite, &target, survived, advice));
    let open = open.map(|(suite, target, survived)| group(&suite, &target, survived, Advice::default()));
    done.chain(open).collect()
}

fn group(suite: &str, target: &str, mut survived: Survived, advice: Advice) -> SurvivorGroup {
    let mut operators: Vec<usize> = survived.iter().map(|(_, found)| found.operator).collect();
    operators.sort_unstable();
    operators.dedup();
    survived.sort_by_key(|(at, found)| (*at, found.operator, found.number));
    let mut cases: Vec<usize> = survived.iter().map(|(at, _)| *at).collect();
    cases.dedup();
    let (count, cases) = (survived.len(), cases.len());
    let survivors: Vec<_> = survived
        .into_iter()
        .take(MAX_LISTED)
        .map(|(_, found)| found.survivor)
        .collect();
    let nowhere = || Location {
        file: Arc::from(""),
        line: 1,
        column: 1,
    };
    SurvivorGroup {
        operators: operators.into_iter().map(|at| OPERATORS[at].id.to_owned()).collect(),
        suite: suite.to_owned(),
        target: target.to_owned(),
        message: format!("no check fails when {target} is changed"),
        location: survivors.first().map_or_else(nowhere, |first| first.location.clone()),
        advice: advice.lines,
        hint: advice.hint,
        count,
        cases,
        survivors,
    }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.killed += more.killed;
    sum.survived += more.survived;
    sum.accepted += more.accepted;
    sum.equivalent += more.equivalent;
    sum.undecided += more.undecided;
}
