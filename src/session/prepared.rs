//! A plan with everything that is needed to send it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use serde_json::Value;

use super::{SessionError, Workspace, target::Resolved};
use crate::{
    check::SnapshotMask,
    http::{Client, access, tls_config},
    mail::{DEFAULT_MAX_BYTES, Mailbox, MailboxKind, MailboxSettings},
    mask::Masker,
    model::{Digest, FORMAT, Partition, RunStarted, shown},
    plan::{self, InputKind, Late, Plan, Selection, Unbound, new_run_id},
    project::{Endpoint, RUN_ID, Target},
    run::{ClientKey, Ready, TokenFetcher},
    source::{Diagnostic, Diagnostics},
};

/// A plan, the client of its target, and the digests that identify both in a recording.
pub(super) struct Prepared {
    /// The plan.
    pub(super) plan: Plan,
    /// The client of the target.
    pub(super) client: Arc<Client>,
    /// The clients of its further HTTP endpoints, and of the identities of cases.
    pub(super) clients: BTreeMap<ClientKey, Arc<Client>>,
    /// The tokens of token endpoints.
    pub(super) tokens: Arc<TokenFetcher>,
    /// Masks the secrets of the run.
    pub(super) masker: Arc<Masker>,
    /// The digest of the target, if the run is recorded.
    pub(super) target_digest: Option<Digest>,
    /// The digest of the selection, if only a part of it is run.
    pub(super) cases_digest: Option<Digest>,
    /// Keeps the embedded API running.
    resolved: Resolved,
}

/// Mailboxes by the name of their endpoint, or by their address.
pub(super) type Mailboxes = BTreeMap<String, Arc<Mailbox>>;

/// The base URLs of the further endpoints of a target, by name.
fn endpoints(target: &Target) -> BTreeMap<String, String> {
    let all = target.endpoints.iter();
    all.map(|(name, endpoint)| (name.clone(), endpoint.base_url.clone()))
        .collect()
}

impl Prepared {
    /// Plans the selected cases for a target.
    pub(super) fn new(
        resolved: Resolved,
        selection: &Selection,
        workspace: &Workspace,
        masker: &Arc<Masker>,
    ) -> Result<Self, SessionError> {
        Self::with_run_id(resolved, selection, None, workspace, masker)
    }

    /// The same with the `run_id` of an earlier run.
    pub(super) fn with_run_id(
        resolved: Resolved,
        selection: &Selection,
        run_id: Option<Value>,
        workspace: &Workspace,
        masker: &Arc<Masker>,
    ) -> Result<Self, SessionError> {
        let client_of = |target: &Target| {
            Client::new(target, resolved.use_proxy)
                .map_err(|error| SessionError::Usage(format!("target `{}`: {error}", target.name)))
        };
        let client = Arc::new(client_of(&resolved.target)?);
        let mut target = resolved.target.clone();
        let run_id = run_id.unwrap_or_else(|| new_run_id().into());
        target.vars.insert(RUN_ID.to_owned(), run_id);
        let mut plan = workspace.plan(selection, target)?;
        plan.mask_snapshots(Arc::clone(masker) as Arc<dyn SnapshotMask>);
        let ready = workspace.suites.ready.get(&plan.target.name);
        let tokens = TokenFetcher::new(&plan, ready, masker, resolved.use_proxy)
            .map_err(|error| SessionError::Usage(format!("target `{}`: {error}", plan.target.name)))?;
        let mut clients = BTreeMap::new();
        let steps = workspace.suites.cases.iter().flat_map(|case| &case.def.steps);
        for key in steps.filter_map(ClientKey::of) {
            if clients.contains_key(&key) {
                continue;
            }
            let endpoint = key.endpoint.as_ref().map(|name| resolved.target.endpoints.get(name));
            let target = match endpoint {
                None => resolved.target.clone(),
                Some(Some(Endpoint {
                    base: Some(base),
                    kind: None,
                    limits,
                    ..
                })) => resolved.target.at(base.clone(), *limits),
                Some(_) => continue,
            };
            let mut target = match &key.identity {
                Some(name) => target.with_identity(name),
                None => target,
            };
            target.sigv4 = target.sigv4.filter(|_| !key.is_unsigned);
            clients.insert(key, Arc::new(client_of(&target)?));
        }
        Ok(Self {
            tokens: Arc::new(tokens),
            plan,
            client,
            clients,
            masker: Arc::clone(masker),
            target_digest: None,
            cases_digest: None,
            resolved,
        })
    }

    /// Opens the mailboxes that cases of the plan read, by endpoint. An embedded mail server listens from then on; `servers`
    /// are those that listen already, by their addresses: several targets can share one.
    pub(super) async fn mailboxes(&self, servers: &mut Mailboxes) -> Result<Mailboxes, SessionError> {
        let cases = self.plan.cases.iter().filter(|planned| planned.skip.is_none());
        let steps = cases.flat_map(|planned| &planned.case.def.steps);
        let used: BTreeSet<&str> = steps
            .filter_map(|step| Some(step.mail.as_ref()?.value.endpoint.value.as_str()))
            .collect();
        let mut opened = BTreeMap::new();
        for name in used {
            let Some(endpoint) = self.plan.target.endpoints.get(name) else {
                continue;
            };
            let failed = |reason: String| SessionError::Usage(format!("endpoint `{name}`: {reason}"));
            let kind = endpoint.kind.as_deref().and_then(MailboxKind::from_name);
            let Some(kind) = kind else {
                return Err(failed("a step reads it as a mailbox, and it has no `kind`".to_owned()));
            };
            if let Some(server) = servers.get(&endpoint.base_url).filter(|_| kind == MailboxKind::Smtp) {
                opened.insert(name.to_owned(), Arc::clone(server));
                continue;
            }
            let text = |template| self.plan.target_text(template);
            let settings = MailboxSettings {
                kind,
                base_url: endpoint.base_url.clone(),
                headers: (endpoint.headers.iter())
                    .map(|(name, value)| (name.clone(), text(value)))
                    .collect(),
                login: (endpoint.login.as_ref()).map(|(user, password)| (text(user), text(password))),
                timeout: endpoint.limits.timeout,
                max_bytes: endpoint.limits.max_body.max(DEFAULT_MAX_BYTES),
            };
            let is_secure = ["https://", "imaps://"]
                .iter()
                .any(|scheme| endpoint.base_url.starts_with(scheme));
            let tls = is_secure
                .then(|| tls_config(&self.plan.target.tls.without_client()))
                .transpose();
            let tls = tls.map_err(|error| failed(error.to_string()))?;
            let mailbox = Mailbox::open(settings, tls)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let mailbox = Arc::new(mailbox);
            // With port 0, each server has a port of its own.
            if kind == MailboxKind::Smtp && mailbox.address() == endpoint.base_url {
                servers.insert(endpoint.base_url.clone(), Arc::clone(&mailbox));
            }
            opened.insert(name.to_owned(), mailbox);
        }
        #[cfg(feature = "reference")]
        self.resolved.send_mail_to(&opened)?;
        Ok(opened)
    }

    /// Whether the proxy of the environment applies.
    pub(super) fn use_proxy(&self) -> bool {
        self.resolved.use_proxy
    }

    /// Adds the digests by which a later run knows what has changed.
    pub(super) fn add_digests(&mut self, workspace: &Workspace) {
        self.plan.add_digests(&workspace.schemas, &self.masker);
        self.target_digest = Some(self.plan.target_digest(&workspace.sources, &self.masker));
    }

    /// What is waited for before the first case: the `ready` of the target, or with `wait` at least a connection.
    pub(super) fn ready(&self, wait: Option<Duration>, workspace: &Workspace) -> Result<Option<Ready>, SessionError> {
        let Some(case) = workspace.suites.ready.get(&self.plan.target.name) else {
            return Ok(wait.map(|wait| Ready { asked: None, wait }));
        };
        let bound = match plan::skip(case, Some(&self.plan.target)) {
            Some(reason) => Err(reason),
            None => match self.plan.bind(case, 0, &Late::default(), &workspace.sources) {
                Ok(_) | Err(Unbound::Token(_)) => Ok(()),
                Err(unbound) => Err(unbound.to_string()),
            },
        };
        bound.map_err(|reason| workspace.invalid(Diagnostic::new(case.span, format!("`ready`: {reason}"))))?;
        Ok(Some(Ready {
            asked: Some(Arc::new(case.clone())),
            wait: wait.unwrap_or_default(),
        }))
    }

    /// The first event of the run.
    pub(super) fn started(
        &self,
        workspace: &Workspace,
        suite_hash: String,
        commit: Option<String>,
        partition: Option<Partition>,
    ) -> RunStarted {
        let (plan, root) = (&self.plan, &workspace.project.root);
        let suites: BTreeSet<_> = plan.cases.iter().map(|planned| &planned.case.suite.id).collect();
        RunStarted {
            format: FORMAT,
            tool: TOOL.to_owned(),
            started: Utc::now(),
            target: plan.target.name.clone(),
            base_url: plan.target.base.to_string(),
            endpoints: endpoints(&plan.target),
            suites: suites.len(),
            cases: plan.cases.len(),
            secrets: secrets_of(&plan.target),
            secret_variables: plan.target.secret_variables.clone(),
            access: access(&plan.target, root, self.resolved.use_proxy),
            vars: plan.target.vars.clone(),
            suite_hash,
            target_digest: self.target_digest,
            cases_digest: self.cases_digest,
            commit,
            partition,
            logins: plan.logins(),
            folder: folder(root),
            flaky: plan.target.flaky,
        }
    }
}

/// The name and version of this program in recordings and reports.
pub(super) const TOOL: &str = concat!("conforme ", env!("CARGO_PKG_VERSION"));

/// The masker for the secrets of these targets.
pub(super) fn masker<'r>(targets: impl IntoIterator<Item = &'r Resolved>) -> Arc<Masker> {
    let targets: Vec<_> = targets.into_iter().map(|one| &one.target).collect();
    let own = targets.iter().flat_map(|target| &target.secrets);
    let of_tokens = targets.iter().flat_map(|target| &target.secrets_of_tokens);
    let secrets = own.chain(of_tokens.map(|(name, secret)| (name, secret)));
    let tokens = targets.iter().flat_map(|target| target.tokens.iter());
    let masker = Masker::new(secrets.map(|(name, secret)| (name.as_str(), secret)));
    Arc::new(masker.expecting(tokens.map(|token| token.name.as_str())))
}

/// The names of the secrets and tokens of a target.
fn secrets_of(target: &Target) -> Vec<String> {
    let tokens = target.tokens.iter().map(|token| &token.name);
    let mut names: Vec<_> = target.secrets.keys().chain(tokens).cloned().collect();
    names.sort_unstable();
    names
}

/// Rejects a plan in which cases would be skipped because the target does not define an input: a misconfigured pipeline
/// would otherwise pass with most of its cases skipped.
pub(super) fn require_inputs(plan: &Plan, skip_missing: bool, workspace: &Workspace) -> Result<(), SessionError> {
    let missing = plan.missing_inputs();
    if skip_missing || missing.is_empty() {
        return Ok(());
    }
    let mut errors = Diagnostics::default();
    let target = &plan.target.name;
    for input in missing {
        let needed = match input.cases {
            1 => "1 case needs it".to_owned(),
            number => format!("{number} cases need it"),
        };
        let how = input.how_to_define();
        let table = match input.kind {
            InputKind::Endpoint => Some("endpoint"),
            InputKind::Identity => Some("identity"),
            InputKind::Variable | InputKind::Secret => None,
        };
        let (what, help) = if let Some(table) = table {
            (
                table,
                format!("add `{how}` to conforme.toml; `--skip-missing` skips its cases"),
            )
        } else {
            let skip = "`optional: true` in suite.yaml or `--skip-missing` skips its cases";
            ("input", format!("set {how}, or define it in conforme.toml; {skip}"))
        };
        let message = format!(
            "target `{target}` does not define the {what} `{}`: {needed}",
            input.name
        );
        errors.push(Diagnostic::general(message).help(help));
    }
    Err(workspace.invalid(errors))
}

/// The runtime of a run: one thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, SessionError> {
    let runtime: io::Result<_> = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(SessionError::Start)
}

/// The repository that the project is in.
fn repository(root: &Path) -> Option<&Path> {
    root.ancestors().find(|folder| folder.join(".git").exists())
}

/// The project's folder in its repository.
fn folder(root: &Path) -> Option<String> {
    let folder = shown(repository(root)?, root);
    (!folder.is_empty()).then_some(folder)
}

/// The commit that is checked out where the project is.
pub(super) fn commit(root: &Path) -> Option<String> {
    repository(root)?;
    let output = Command::new("git")
        .args(["rev-parse", "--verify", "HEAD"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && commit.bytes().all(|b| b.is_ascii_hexdigit()) && !commit.is_empty()).then_some(commit)
}
