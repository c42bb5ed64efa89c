//! Sends rows that are not in the case file yet.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    outcome::SentOutcome,
    rows::{name_of, yaml_rows},
};
use crate::{
    check::ApiContract,
    http::Client,
    mail::Mailbox,
    model::{CaseFinished, Event, Finding, Request, Stop},
    plan::{Plan, Selection, explored_rows},
    run::{BegunCases, Interrupts, RunOptions, SnapshotMode, run},
    session::{
        SessionError, Workspace,
        prepared::{Prepared, runtime},
    },
    source::Diagnostics,
    suite::{Case, ExploredFile, Suites},
};

/// Sends the requests of rows to a target.
pub(super) struct Sender<'w> {
    workspace: &'w Workspace,
    prepared: Prepared,
    client: Arc<Client>,
    mailboxes: BTreeMap<String, Arc<Mailbox>>,
    file: ExploredFile,
    /// The folder of the case's file.
    folder: PathBuf,
    step: usize,
    contract: ApiContract,
    /// The request of the case.
    base: Request,
    /// Its violations of the document: of values that are not known before.
    known: Vec<Finding>,
    runtime: Runtime,
    interrupts: Interrupts,
}

impl<'w> Sender<'w> {
    pub(super) fn new(
        prepared: Prepared,
        file: ExploredFile,
        case: &Case,
        step: usize,
        workspace: &'w Workspace,
        (base, contract): (Request, ApiContract),
    ) -> Result<Self, SessionError> {
        let runtime = runtime()?;
        let mailboxes = runtime.block_on(prepared.mailboxes(&mut BTreeMap::new()))?;
        let interrupts = runtime.block_on(async { Interrupts::listen() });
        let path = workspace.sources.root().join(&*workspace.sources.path(case.span.file));
        Ok(Self {
            client: Arc::clone(&prepared.client),
            workspace,
            prepared,
            mailboxes,
            file,
            folder: path.parent().map(Into::into).unwrap_or_default(),
            step,
            known: contract.request_violations(&base),
            base,
            contract,
            runtime,
            interrupts: interrupts.map_err(SessionError::Start)?,
        })
    }

    pub(super) fn base_url(&self) -> String {
        self.prepared.plan.target.base.to_string()
    }

    /// The signal that ends the exploration.
    pub(super) fn signal(&self) -> Option<Stop> {
        self.interrupts.first()
    }

    /// A time, at most the deadline of the target.
    pub(super) fn limited(&self, time: Duration) -> Duration {
        let deadline = self.prepared.plan.target.limits.deadline;
        deadline.map_or(time, |deadline| deadline.min(time))
    }

    /// Number of requests that are sent together.
    pub(super) fn batch(&self) -> usize {
        (self.prepared.plan.target.limits.jobs * 4).clamp(8, 64)
    }

    /// The rows that the file has for this step, with their requests.
    pub(super) fn rows(&self) -> Vec<(String, Value)> {
        let own = self.step_id();
        let rows = self.file.rows().iter();
        let of_step = rows.filter(|(_, step, _)| step.is_none() || *step == own);
        of_step
            .map(|(name, _, request)| (name.clone(), request.clone()))
            .collect()
    }

    /// Sends one row; `None` if its request would not be valid.
    pub(super) fn one(&self, row: &Value) -> Option<SentOutcome> {
        self.send(std::slice::from_ref(row)).into_iter().next().flatten()
    }

    /// Sends rows. Those whose request would not be valid have no outcome.
    pub(super) fn send(&self, rows: &[Value]) -> Vec<Option<SentOutcome>> {
        let mut cases = match self.cases(rows) {
            Ok(cases) => cases.into_iter().map(Some).collect(),
            // The error is of one of them.
            Err(_) if rows.len() > 1 => rows
                .iter()
                .map(|row| self.cases(std::slice::from_ref(row)).ok()?.pop())
                .collect(),
            Err(_) => vec![None],
        };
        cases.resize(rows.len(), None);
        let planned: Vec<_> = cases.iter().flatten().cloned().collect();
        let (plan, errors) = self.plan(&planned);
        let mut plan = if errors.is_empty() {
            plan
        } else {
            let is_valid = |case: &Arc<Case>| self.plan(std::slice::from_ref(case)).1.is_empty();
            self.plan(&planned.into_iter().filter(is_valid).collect::<Vec<_>>()).0
        };
        let valid: Vec<String> = (plan.cases.iter())
            .filter(|planned| planned.login.is_some() || self.is_valid(&plan, &planned.case))
            .map(|planned| planned.case.id.clone())
            .collect();
        plan.cases.retain(|planned| valid.contains(&planned.case.id));
        let finished = self.run(plan);
        let outcome_of = |case: &Option<Arc<Case>>| {
            let case = case.as_ref()?;
            finished.iter().find(|one| one.id == case.id).map(SentOutcome::of)
        };
        cases.iter().map(outcome_of).collect()
    }

    /// The cases of rows.
    fn cases(&self, rows: &[Value]) -> Result<Vec<Arc<Case>>, Diagnostics> {
        let named = rows.iter().enumerate();
        let step = self.step_id();
        let named: Vec<_> = named
            .map(|(index, row)| (name_of(index), String::new(), step.clone(), row.clone()))
            .collect();
        let case = self
            .file
            .with(&yaml_rows(&named), &self.folder, &self.workspace.schemas)?;
        Ok(explored_rows(&case).map(Arc::new).collect())
    }

    fn step_id(&self) -> Option<String> {
        let case = self
            .prepared
            .plan
            .cases
            .iter()
            .find(|planned| planned.login.is_none())?;
        let id = &case.case.def.steps.get(self.step)?.id;
        (!id.is_empty()).then(|| id.clone())
    }

    fn plan(&self, cases: &[Arc<Case>]) -> (Plan, Diagnostics) {
        let logins = self
            .prepared
            .plan
            .cases
            .iter()
            .filter(|planned| planned.login.is_some());
        let suites = Suites {
            suites: self.workspace.suites.suites.clone(),
            cases: logins
                .map(|planned| Arc::clone(&planned.case))
                .chain(cases.iter().cloned())
                .collect(),
            ..Suites::default()
        };
        let selection = Selection {
            ids: cases.iter().map(|case| case.id.clone()).collect(),
            ..Selection::default()
        };
        let mut errors = Diagnostics::default();
        let (target, snapshots) = (Arc::clone(&self.prepared.plan.target), self.workspace.snapshots.clone());
        let mut plan = Plan::new(
            &suites,
            &selection,
            target,
            snapshots,
            &self.workspace.sources,
            &mut errors,
        );
        if cases.is_empty() {
            plan.cases.clear();
        }
        (plan, errors)
    }

    /// Whether the document allows a request. Violations by the request of the case do not count: they are of placeholders.
    fn is_valid(&self, plan: &Plan, case: &Case) -> bool {
        let is_same = |request: &Request| {
            let operation = self.contract.operation_of(request);
            operation.map(|operation| &operation.part)
                == self.contract.operation_of(&self.base).map(|operation| &operation.part)
        };
        let base = plan.base(case, self.step, &self.workspace.sources);
        base.is_ok_and(|base| is_same(&base.request) && self.contract.has_only(&base.request, &self.known))
    }

    fn run(&self, plan: Plan) -> Vec<CaseFinished> {
        let options = RunOptions {
            snapshots: SnapshotMode::Check,
            store: self.workspace.snapshots.clone(),
            root: self.workspace.project.root.clone(),
            hide: Arc::clone(&self.prepared.masker),
            ready: None,
            max_fail: None,
            use_proxy: self.prepared.use_proxy(),
            clients: self.prepared.clients.clone(),
            mailboxes: self.mailboxes.clone(),
            begun: BegunCases::default(),
            repeats: 1,
            lockstep: None,
            tokens: Arc::clone(&self.prepared.tokens),
        };
        let mut all = Vec::new();
        let (sources, client) = (Arc::clone(&self.workspace.sources), Arc::clone(&self.client));
        let masker = &self.prepared.masker;
        let report = |event: Event| {
            if let Event::CaseFinished(finished) = masker.event(event).into_inner() {
                all.push(*finished);
            }
        };
        self.runtime
            .block_on(run(Arc::new(plan), sources, client, &options, &self.interrupts, report));
        all
    }
}
