//! Login cases: each runs once for all cases that need what it captures, and again when that expires. Its teardown follows
//! the last case.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, watch};

use super::{
    flow::{Flow, FlowState, LoginNames},
    worker::{CaseResult, Shared, WorkerEvent},
};
use crate::{
    model::Attempt,
    plan::Plan,
    project::{Secret, Token, TokenSource},
};

/// Why a token is not available.
pub(super) enum TokenFailure {
    /// The run ended before.
    Ended,
    /// It was not obtained, for this reason.
    Failed(String),
}

/// The login cases of a run, by id.
pub(super) struct Logins(BTreeMap<String, Login>);

struct Login {
    /// Its index in the plan.
    index: usize,
    /// By capture, the names of the tokens.
    names: LoginNames,
    state: Mutex<LoginState>,
}

#[derive(Default)]
struct LoginState {
    runs: Vec<LoginRun>,
    /// Why it did not pass: it is not run again.
    failure: Option<String>,
}

/// A login case that was run up to its teardown.
pub(super) struct LoginRun {
    pub(super) flow: Flow,
    pub(super) running: FlowState,
    /// The attempts before.
    pub(super) previous: Vec<Attempt>,
    /// Whether it passed; otherwise its teardown was run, too.
    pub(super) is_passed: bool,
}

impl Logins {
    /// The login cases of a plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut logins = BTreeMap::new();
        for (index, planned) in plan
            .cases
            .iter()
            .enumerate()
            .filter(|(_, planned)| planned.login.is_some())
        {
            let id = &planned.case.id;
            let tokens = plan.target.tokens.logins().filter(|(_, login)| login.case.0 == *id);
            let mut names = LoginNames::new();
            for (token, login) in tokens {
                names
                    .entry(login.capture.0.clone())
                    .or_default()
                    .push(token.name.clone());
            }
            let login = Login {
                index,
                names,
                state: Mutex::default(),
            };
            logins.insert(id.clone(), login);
        }
        Self(logins)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Obtains or renews a token, unless that has been done. A request to a token endpoint is ended when `ends` is set; a login
/// case ends by itself.
pub(super) fn obtain<'o>(
    shared: &'o Arc<Shared>,
    sender: &'o mpsc::UnboundedSender<WorkerEvent>,
    name: &'o str,
    ends: &'o watch::Sender<bool>,
) -> BoxFuture<'o, Result<(), TokenFailure>> {
    // A login case may need tokens, too: without a box, the future would contain itself.
    Box::pin(obtain_token(shared, sender, name, ends))
}

async fn obtain_token(
    shared: &Arc<Shared>,
    sender: &mpsc::UnboundedSender<WorkerEvent>,
    name: &str,
    ends: &watch::Sender<bool>,
) -> Result<(), TokenFailure> {
    let Some(token) = shared.plan.target.tokens.get(name) else {
        return Err(TokenFailure::Failed(format!("there is no token `{name}`")));
    };
    match &token.source {
        TokenSource::OAuth2(_) => {
            let mut ends = ends.subscribe();
            tokio::select! {
                biased;
                obtained = shared.tokens.obtain(token) => obtained.map_err(TokenFailure::Failed),
                _ = ends.wait_for(|is_cut| *is_cut) => Err(TokenFailure::Ended),
            }
        }
        TokenSource::Case(login) => {
            // A case that ends does not end the login case, which others wait for.
            let run = log_in(
                Arc::clone(shared),
                sender.clone(),
                login.case.0.clone(),
                Some(name.to_owned()),
            );
            tokio::spawn(run).await.unwrap_or(Err(TokenFailure::Ended))
        }
    }
}

/// Runs a login case, unless `token` is valid; without a token, unless it was run.
async fn log_in(
    shared: Arc<Shared>,
    sender: mpsc::UnboundedSender<WorkerEvent>,
    id: String,
    token: Option<String>,
) -> Result<(), TokenFailure> {
    let token = token.as_deref().and_then(|name| shared.plan.target.tokens.get(name));
    let Some(login) = shared.logins.0.get(&id) else {
        return Err(TokenFailure::Failed(format!("the login case `{id}` is not planned")));
    };
    login.run(&shared, &sender, token).await
}

/// Runs the login case with this index, unless that has been done.
pub(super) async fn run(shared: &Arc<Shared>, sender: &mpsc::UnboundedSender<WorkerEvent>, index: usize) {
    let id = shared.plan.cases[index].case.id.clone();
    // The cases that need it report why it fails.
    drop(tokio::spawn(log_in(Arc::clone(shared), sender.clone(), id, None)).await);
}

/// Waits until all other requests of the run were sent, runs the teardown of the login cases, and reports their results.
pub(super) async fn finish(shared: Arc<Shared>, sender: mpsc::UnboundedSender<WorkerEvent>) {
    let mut idle = shared.idle.subscribe();
    if idle.wait_for(|is_idle| *is_idle).await.is_err() {
        return;
    }
    for login in shared.logins.0.values() {
        let runs = std::mem::take(&mut login.state.lock().await.runs);
        if let Some(result) = result(login.index, runs).await {
            drop(sender.send(WorkerEvent::Judged(Box::new(result))));
        }
    }
    shared.is_done();
}

impl Login {
    /// Runs the case, unless `token` is valid; without a token, unless it was run.
    async fn run(
        &self,
        shared: &Arc<Shared>,
        sender: &mpsc::UnboundedSender<WorkerEvent>,
        token: Option<&Token>,
    ) -> Result<(), TokenFailure> {
        let mut state = self.state.lock().await;
        let is_done = match token {
            Some(token) => token.current(Instant::now()).is_some(),
            None => !state.runs.is_empty(),
        };
        if is_done {
            return Ok(());
        }
        let planned = &shared.plan.cases[self.index];
        let fails = Failing {
            token: token.map(|token| token.name.clone()).unwrap_or_default(),
            case: planned.case.id.clone(),
        };
        if let Some(reason) = &planned.skip {
            return fails.because(&format!("is skipped: {reason}"));
        }
        if let Some(failure) = &state.failure {
            return fails.because(failure);
        }
        let begun = Instant::now();
        let is_again = !state.runs.is_empty();
        let flow = Flow::of_login(
            Arc::clone(shared),
            sender.clone(),
            self.index,
            self.names.clone(),
            is_again,
        );
        let Some(mut run) = flow.log_in().await else {
            state.failure = Some("was lost (please report)".to_owned());
            return fails.because("was lost (please report)");
        };
        let failure = self.set_tokens(shared, &mut run, begun).err();
        state.runs.push(run);
        match failure {
            None => Ok(()),
            Some(failure) => {
                let result = fails.because(&failure);
                state.failure = Some(failure);
                result
            }
        }
    }

    /// Sets the tokens that a run captured; the error is why it did not pass.
    fn set_tokens(&self, shared: &Shared, run: &mut LoginRun, begun: Instant) -> Result<(), String> {
        if !run.is_passed {
            let summary = shared.masker.summary(&run.attempt());
            return Err(format!("did not pass: {}", summary.unwrap_or_default()));
        }
        let mut new = Vec::new();
        for (capture, names) in &self.names {
            let value = run.running.late.captured(capture);
            let value = value.ok_or_else(|| format!("did not capture `{capture}`"))?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let secret = Secret::new(text).map_err(|error| format!("captured `{capture}`: {error}"))?;
            new.extend(names.iter().map(|name| (name, secret.clone())));
        }
        for (name, secret) in new {
            if let Some(token) = shared.plan.target.tokens.get(name)
                && let TokenSource::Case(login) = &token.source
            {
                token.set(secret, begun, login.expires);
            }
        }
        Ok(())
    }
}

/// A token that a login case does not provide.
struct Failing {
    token: String,
    case: String,
}

impl Failing {
    fn because(&self, reason: &str) -> Result<(), TokenFailure> {
        let Self { token, case } = self;
        let reason = format!("the token `{token}` was not obtained: the login case `{case}` {reason}");
        Err(TokenFailure::Failed(reason))
    }
}

impl LoginRun {
    /// What was sent so far.
    fn attempt(&self) -> Attempt {
        self.running.attempt()
    }
}

/// The result of a login case: the run that failed, or else the first, and the others as further attempts.
async fn result(index: usize, runs: Vec<LoginRun>) -> Option<CaseResult> {
    let (mut attempts, mut previous) = (Vec::new(), Vec::new());
    for run in runs {
        previous.extend(run.previous);
        attempts.push(run.flow.tear_down(run.running, run.is_passed).await?);
    }
    let failed = attempts
        .iter()
        .position(|(attempt, _)| attempt.verdict(false) != crate::model::Verdict::Passed);
    if attempts.is_empty() {
        return None;
    }
    let (last, snapshots) = attempts.remove(failed.unwrap_or_default());
    Some(CaseResult {
        index,
        last,
        snapshots,
        previous,
        repeats: attempts.into_iter().map(|(attempt, _)| attempt).collect(),
    })
}
