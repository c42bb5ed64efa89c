//! `conforme explore`: generated requests of a case, and rows for those that fail.

mod outcome;
mod rows;
mod sender;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use self::{
    outcome::SentOutcome,
    rows::{add_rows, yaml_rows},
    sender::Sender,
};
use super::{CaseFilter, Notices, SessionError, Workspace, prepared::Prepared, selection::check_effects, target};
use crate::{
    explore::{ExploredInput, Explorer},
    model::{Exit, Phase, Stop},
    plan::Selection,
    project::TargetOptions,
    source::Diagnostic,
    suite::{Case, ExploredFile},
};

/// The effect of generated requests, for `--allow`.
pub const EXPLORE_EFFECT: &str = "explore";
/// Maximum number of different failures.
const MAX_FAILURES: usize = 20;
/// Maximum number of requests by which one failure is made simpler.
const MAX_SIMPLER: usize = 400;
/// How long failures are made simpler after the time is over.
const EXTRA: Duration = Duration::from_secs(30);

/// Options of an exploration.
#[derive(Clone, Debug)]
pub struct ExploreRequest {
    /// The folder of the project, or one below it; by default the working directory.
    pub project: Option<PathBuf>,
    /// The id of the case.
    pub case: String,
    /// The step whose request is changed; by default the last one.
    pub step: Option<String>,
    /// The target and its values.
    pub target: TargetOptions,
    /// The seed of the generated values.
    pub seed: u64,
    /// How long requests are generated.
    pub time: Duration,
}

/// What an exploration found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explored {
    /// The operation.
    pub operation: String,
    /// The base URL of the target.
    pub base_url: String,
    /// The parts that were changed.
    pub parts: Vec<String>,
    /// The parts that stayed as they are, with the reasons.
    pub kept: Vec<(String, &'static str)>,
    /// Number of responses by status, those to simpler requests included.
    pub statuses: BTreeMap<u16, usize>,
    /// Number of requests whose setup failed, with the first reason.
    pub untested: (usize, Option<String>),
    /// How long it took.
    pub elapsed: Duration,
    /// Whether every request that can be generated was sent.
    pub is_exhausted: bool,
    /// The failures that were found.
    pub failures: Vec<ExploredFailure>,
    /// The ids of the rows that the file had and that still fail.
    pub known: Vec<String>,
    /// The cases to run: the case itself, and the rows.
    pub ids: Vec<String>,
    /// The file with the rows, as shown; `None` if nothing was written.
    pub file: Option<String>,
    /// Why it ended early.
    pub stopped: Option<ExploreStop>,
}

/// A failure that was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExploredFailure {
    /// The id of its row; `None` if it happened only once, or if the file could not be changed.
    pub row: Option<String>,
    /// What the request changes.
    pub change: String,
    /// The problem of its response.
    pub problem: String,
    /// Whether the same request failed again.
    pub is_reproduced: bool,
}

/// Why an exploration ends early.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExploreStop {
    /// A signal.
    Signal(Stop),
    /// The request of the case itself fails: the reason.
    CaseFails(String),
    /// The target does not respond any more, not even to the request of the case.
    Unreachable(String),
    /// There are too many different failures.
    TooMany,
}

/// Explores the request of a case. Rows are added to its file.
pub fn explore(request: &ExploreRequest, notices: &mut dyn Notices) -> Result<Explored, SessionError> {
    let workspace = Workspace::open_for(request.project.as_deref(), std::slice::from_ref(&request.case), notices)?;
    notices.warnings(&workspace.warnings(), &workspace.sources);
    let id = main_id(&request.case, &workspace)?;
    let selection = Selection {
        ids: [id.clone()].into(),
        ..Selection::default()
    };
    let effects: Vec<_> = (request.target.allow.iter())
        .filter(|effect| *effect != EXPLORE_EFFECT)
        .cloned()
        .collect();
    check_effects(&effects, &workspace)?;
    let resolved = target::resolve(&workspace, &request.target, false, notices)?;
    if !resolved.target.base.is_loopback() && effects.len() == request.target.allow.len() {
        return Err(SessionError::Advised {
            message: format!(
                "`{}` is not on this machine, and generated requests can change what it stores",
                resolved.target.base
            ),
            help: format!("explore a local server, or allow it with `--allow {EXPLORE_EFFECT}`"),
            exit: Exit::Usage,
        });
    }
    let masker = super::prepared::masker([&resolved]);
    notices.mask(&masker);
    let prepared = Prepared::new(resolved, &selection, &workspace, &masker)?;
    super::prepared::require_inputs(&prepared.plan, false, &workspace)?;
    let planned = prepared.plan.cases.iter().find(|planned| planned.case.id == id);
    let planned = planned.ok_or_else(|| SessionError::NothingSelected(format!("no case `{id}` is planned")))?;
    if let Some(reason) = &planned.skip {
        return Err(SessionError::Usage(format!("`{id}` is skipped here: {reason}")));
    }
    let case = Arc::clone(&planned.case);
    let exploration = Exploration::new(request, &case, prepared, &workspace, notices)?;
    Ok(exploration.run(request, notices))
}

/// The id of the case that a name means: without a row, the first one.
fn main_id(name: &str, workspace: &Workspace) -> Result<String, SessionError> {
    let cases = &workspace.suites.cases;
    let is_whole = |case: &&Arc<Case>| case.id == name || case.file_id() == name;
    let found = cases
        .iter()
        .find(|case| case.id == name)
        .or_else(|| cases.iter().find(is_whole));
    if let Some(case) = found {
        if case.probe.is_some() || case.is_explored {
            let message = format!("`{name}` is derived from another request: name the case without its row");
            return Err(SessionError::Usage(message));
        }
        return Ok(case.id.clone());
    }
    // A path, or a name with `*`.
    let filter = CaseFilter {
        names: vec![name.to_owned()],
        ..CaseFilter::default()
    };
    let selection = filter.select(workspace)?;
    let mut selected: Vec<&str> = cases
        .iter()
        .filter(|case| selection.selects(case, &workspace.sources))
        .map(|case| case.file_id())
        .collect();
    selected.dedup();
    match selected.as_slice() {
        [one] => main_id(one, workspace),
        several => Err(SessionError::Usage(format!(
            "`{name}` names {} cases, and one is explored at a time: {}",
            several.len(),
            list(several)
        ))),
    }
}

/// Names in a sentence.
fn list(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        format!("{shown}, …")
    } else {
        shown
    }
}

/// An exploration in progress.
struct Exploration<'w> {
    workspace: &'w Workspace,
    sender: Sender<'w>,
    explorer: Explorer,
    operation: String,
    case: Arc<Case>,
    step: usize,
    statuses: BTreeMap<u16, usize>,
    untested: (usize, Option<String>),
    /// The failures by their key.
    found: BTreeMap<String, (ExploredInput, ExploredFailure)>,
    /// The rows of the file that fail, by the key of the failure.
    known: BTreeMap<String, String>,
}

impl<'w> Exploration<'w> {
    fn new(
        request: &ExploreRequest,
        case: &Arc<Case>,
        prepared: Prepared,
        workspace: &'w Workspace,
        notices: &mut dyn Notices,
    ) -> Result<Self, SessionError> {
        let invalid = |message: &str, help: &str| {
            workspace.invalid(Diagnostic::new(case.span, format!("`{}`: {message}", case.id)).help(help))
        };
        let step = step(request, case, workspace)?;
        let base = prepared.plan.base(case, step, &workspace.sources);
        let base = base.map_err(|unbound| invalid(&unbound.to_string(), "correct the case"))?;
        let Some(contract) = base.contract else {
            let help = "name the document in suite.yaml: `openapi: FILE`";
            return Err(invalid("there is no document with the schemas of its values", help));
        };
        let Some(operation) = contract.operation_of(&base.request) else {
            let help = "name its operation with `operation: ID`, or correct the path";
            return Err(invalid("the document does not describe its request", help));
        };
        let errors = contract.schema_errors(&base.request);
        if !errors.is_empty() {
            return Err(workspace.invalid(errors));
        }
        let file = ExploredFile::read(case, &workspace.sources);
        let written = file.as_ref().and_then(|file| file.request(step));
        let (Some(file), Some(written)) = (file, written) else {
            return Err(invalid("its file cannot get rows", "explore a case of a YAML file"));
        };
        let columns = case.row().into_iter().flat_map(crate::suite::NamedValue::names);
        let constants: BTreeSet<String> = columns.chain(case.def.vars.names()).map(str::to_owned).collect();
        let explorer = Explorer::new(&contract, operation, written, &constants, request.seed);
        if explorer.parts().next().is_none() {
            let kept: Vec<_> = explorer
                .kept()
                .iter()
                .map(|(name, reason)| format!("{name}: {reason}"))
                .collect();
            let help = if kept.is_empty() {
                "the operation has no parameters and no content".to_owned()
            } else {
                kept.join("; ")
            };
            return Err(invalid("nothing of its request can be changed", &help));
        }
        let operation = operation.name();
        notices.note(&format!(
            "`{}` ({operation}) is explored for {:?}, with `--seed {}`",
            case.id, request.time, request.seed
        ));
        Ok(Self {
            sender: Sender::new(prepared, file, case, step, workspace, (base.request, contract))?,
            workspace,
            explorer,
            operation,
            case: Arc::clone(case),
            step,
            statuses: BTreeMap::new(),
            untested: (0, None),
            found: BTreeMap::new(),
            known: BTreeMap::new(),
        })
    }

    fn run(mut self, request: &ExploreRequest, notices: &mut dyn Notices) -> Explored {
        let start = Instant::now();
        notices.sending();
        let (stopped, is_exhausted) = match self.of_case() {
            Some(reason) => (Some(reason), false),
            None => self.generate(start + self.sender.limited(request.time)),
        };
        let stopped = self.sender.signal().map(ExploreStop::Signal).or(stopped);
        let (file, ids) = self.write(request, notices);
        let sender = &self.sender;
        Explored {
            operation: self.operation,
            base_url: sender.base_url(),
            parts: self.explorer.parts().collect(),
            kept: self.explorer.kept().to_vec(),
            statuses: self.statuses,
            untested: self.untested,
            elapsed: start.elapsed(),
            is_exhausted,
            failures: self.found.into_values().map(|(_, failure)| failure).collect(),
            known: self.known.into_values().collect(),
            ids,
            file,
            stopped,
        }
    }

    /// Sends the request of the case as it is: a failure of it would be found in every other request, too.
    fn of_case(&mut self) -> Option<ExploreStop> {
        let outcome = self.sender.one(&json!({}));
        match outcome {
            Some(SentOutcome::Passed(status)) => {
                *self.statuses.entry(status).or_default() += 1;
                self.known_failures();
                None
            }
            Some(SentOutcome::Failed { problem, .. }) => Some(ExploreStop::CaseFails(problem)),
            Some(SentOutcome::Silent(reason) | SentOutcome::Untested(reason)) => Some(ExploreStop::Unreachable(reason)),
            None => Some(ExploreStop::CaseFails("its request violates the document".to_owned())),
        }
    }

    /// Sends the rows that the file has: what they find is not new.
    fn known_failures(&mut self) {
        let of_file = self.case.file_id().to_owned();
        for (name, request) in self.sender.rows() {
            match self.sender.one(&request) {
                Some(SentOutcome::Failed { key, .. }) => drop(self.known.insert(key, format!("{of_file}[{name}]"))),
                Some(SentOutcome::Silent(_)) => {
                    self.known
                        .insert(outcome::NO_RESPONSE.to_owned(), format!("{of_file}[{name}]"));
                }
                _ => {}
            }
        }
    }

    fn is_known(&self, key: &str) -> bool {
        self.found.contains_key(key) || self.known.contains_key(key)
    }

    /// Sends generated requests until the time is over. Returns why it ended early, and whether there were no more requests.
    fn generate(&mut self, until: Instant) -> (Option<ExploreStop>, bool) {
        loop {
            let is_over = Instant::now() >= until;
            if is_over || self.sender.signal().is_some() {
                return (None, false);
            }
            let (inputs, rows): (Vec<_>, Vec<_>) = self.batch().into_iter().unzip();
            if inputs.is_empty() {
                return (None, true);
            }
            let outcomes = self.sender.send(&rows);
            for (input, outcome) in inputs.iter().zip(outcomes) {
                let Some(outcome) = outcome else { continue };
                self.count(&outcome);
                let outcome = match outcome {
                    SentOutcome::Silent(_) if self.is_known(outcome::NO_RESPONSE) => continue,
                    SentOutcome::Silent(reason) => match self.confirmed_silence(input, reason) {
                        Ok(outcome) => outcome,
                        Err(stop) => return (Some(stop), false),
                    },
                    outcome => outcome,
                };
                if let SentOutcome::Failed { key, problem, .. } = outcome
                    && !self.is_known(&key)
                {
                    self.failure(input, key, problem, until + EXTRA);
                    if self.found.len() >= MAX_FAILURES {
                        return (Some(ExploreStop::TooMany), false);
                    }
                }
            }
        }
    }

    /// The next requests, with their rows.
    fn batch(&mut self) -> Vec<(ExploredInput, Value)> {
        let next = || {
            let input = self.explorer.next_input()?;
            let row = self.explorer.row(&input)?;
            Some((input, row))
        };
        std::iter::from_fn(next).take(self.sender.batch()).collect()
    }

    fn count(&mut self, outcome: &SentOutcome) {
        match outcome {
            SentOutcome::Passed(status)
            | SentOutcome::Failed {
                status: Some(status), ..
            } => {
                *self.statuses.entry(*status).or_default() += 1;
            }
            SentOutcome::Untested(reason) => {
                self.untested.0 += 1;
                self.untested.1.get_or_insert_with(|| reason.clone());
            }
            SentOutcome::Failed { .. } | SentOutcome::Silent(_) => {}
        }
    }

    /// A request without a response is a failure of the API only if it has no response twice, while the request of the case has one.
    fn confirmed_silence(&mut self, input: &ExploredInput, reason: String) -> Result<SentOutcome, ExploreStop> {
        match self.sender.one(&json!({})) {
            Some(SentOutcome::Passed(_)) => {}
            _ => return Err(ExploreStop::Unreachable(reason)),
        }
        let row = self.explorer.row(input).unwrap_or_default();
        Ok(match self.sender.one(&row) {
            Some(SentOutcome::Silent(reason)) => SentOutcome::Failed {
                key: outcome::NO_RESPONSE.to_owned(),
                problem: reason,
                status: None,
            },
            Some(other) => other,
            None => SentOutcome::Untested(reason),
        })
    }

    /// Makes a failing request simpler, and sends the simplest once more.
    fn failure(&mut self, input: &ExploredInput, key: String, problem: String, until: Instant) {
        let mut simplest = input.clone();
        let (mut problem, mut left) = (problem, MAX_SIMPLER);
        let mut tried = BTreeSet::new();
        'simpler: loop {
            for candidate in self.explorer.simpler(&simplest) {
                if left == 0 || Instant::now() >= until || self.sender.signal().is_some() {
                    break 'simpler;
                }
                let Some(row) = self.explorer.row(&candidate) else {
                    continue;
                };
                if !tried.insert(row.to_string()) {
                    continue;
                }
                let Some(outcome) = self.sender.one(&row) else {
                    continue;
                };
                left -= 1;
                self.count(&outcome);
                if let Some(same) = outcome.problem_with(&key) {
                    (simplest, problem) = (candidate, same);
                    continue 'simpler;
                }
            }
            break;
        }
        let row = self.explorer.row(&simplest).unwrap_or_default();
        let again = self.sender.one(&row);
        // After a signal nothing is sent; a simpler request was a second one.
        let is_second = self.sender.signal().is_some() && simplest != *input;
        let change = self.explorer.describe(&simplest);
        let failure = ExploredFailure {
            row: None,
            change,
            problem,
            is_reproduced: is_second || again.is_some_and(|outcome| outcome.problem_with(&key).is_some()),
        };
        self.found.insert(key, (simplest, failure));
    }

    /// Adds the rows to the file of the case. Returns the file, and the ids of the case and of the rows.
    fn write(&mut self, request: &ExploreRequest, notices: &mut dyn Notices) -> (Option<String>, Vec<String>) {
        let of_file = self.case.file_id().to_owned();
        let mut ids = vec![self.case.id.clone()];
        ids.extend(self.known.values().cloned());
        let taken: BTreeSet<&str> = self
            .workspace
            .suites
            .cases
            .iter()
            .map(|case| case.id.as_str())
            .collect();
        let names = (1..).map(|number| format!("found-{number}"));
        let mut names = names.filter(|name| !taken.contains(format!("{of_file}[{name}]").as_str()));
        let mut rows = Vec::new();
        let is_last = self.case.def.steps.iter().rposition(|step| step.phase == Phase::Main) == Some(self.step);
        let step = (!is_last).then(|| self.case.def.steps[self.step].id.clone());
        for (input, failure) in self.found.values_mut().filter(|(_, failure)| failure.is_reproduced) {
            let Some(row) = self.explorer.row(input) else { continue };
            let name = names.next().unwrap_or_default();
            let note = format!("seed {}: {}", request.seed, failure.problem);
            let id = format!("{of_file}[{name}]");
            failure.row = Some(id.clone());
            ids.push(id);
            rows.push((name, note, step.clone(), row));
        }
        if rows.is_empty() {
            return (None, ids);
        }
        let text = yaml_rows(&rows);
        let file = self.workspace.sources.path(self.case.span.file);
        let path = self.workspace.sources.root().join(&*file);
        if let Err(reason) = add_rows(&path, &text) {
            notices.error(&format!("the rows were not added to {file}: {reason}"));
            notices.note(&format!("add them to the case:\nexplored:\n{text}"));
            for (_, failure) in self.found.values_mut() {
                failure.row = None;
            }
            ids.truncate(1 + self.known.len());
            return (None, ids);
        }
        (Some(file.to_string()), ids)
    }
}

/// The index of the step whose request is changed.
fn step(request: &ExploreRequest, case: &Case, workspace: &Workspace) -> Result<usize, SessionError> {
    let steps = &case.def.steps;
    let is_main = |index: usize| steps[index].phase == Phase::Main;
    let found = match &request.step {
        Some(id) => {
            let found = (0..steps.len()).find(|index| is_main(*index) && steps[*index].id == *id);
            found.ok_or_else(|| {
                let error = Diagnostic::general(format!("--step {id}: `{}` has no such step", case.id));
                let known = (0..steps.len())
                    .filter(|index| is_main(*index))
                    .map(|index| steps[index].id.as_str());
                workspace.invalid(error.suggest(id, known))
            })?
        }
        None => (0..steps.len())
            .rfind(|index| is_main(*index))
            .ok_or_else(|| SessionError::Usage(format!("`{}` has no step that can be explored", case.id)))?,
    };
    let step = &steps[found];
    let reason = if step.mail.is_some() || step.follow.is_some() {
        "its URL is not known before"
    } else if step.endpoint().is_some() {
        "it is not sent to the API"
    } else if step.expect.tls.is_some() {
        "TLS rejects it"
    } else {
        return Ok(found);
    };
    let error = Diagnostic::new(step.span, format!("this step cannot be explored: {reason}"));
    Err(workspace.invalid(error.help("name another step with `--step ID`")))
}
