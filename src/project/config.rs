//! `conforme.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{
    BaseUrl, EndpointDef, Environment, Rate, SECRET_PREFIX, SigV4, TokenDef, endpoint, fetch::secret_of_token, login,
    sigv4, target::shown_address, token::token,
};
use crate::model::Flaky;
use crate::source::{
    Diagnostic, Diagnostics, Fields, FileKind, Key, Kind, Node, Overlay, Sources, Span, check_folder, duration,
    integer, list, parse_toml, string,
};
use crate::suite::{Suites, Template};

/// The name of the file.
const FILE: &str = "conforme.toml";

/// A project as its `conforme.toml` describes it; without the file, the defaults.
#[derive(Debug)]
pub struct Project {
    /// The folder of `conforme.toml`, the base of all relative paths.
    pub root: PathBuf,
    /// Folder of the suites.
    pub cases: PathBuf,
    /// Folder of the JSON Schemas.
    pub schemas: PathBuf,
    /// Folder of the snapshots.
    pub snapshots: PathBuf,
    /// The target of `run` without `--target`; without either, `run` is an error.
    pub default_target: Option<String>,
    /// The targets, in the order of the file.
    pub targets: Vec<(String, TargetDef)>,
    /// Levels of changes between two versions.
    pub compare: Option<Node>,
}

/// A `[targets.NAME]` table.
#[derive(Clone, Debug, Default)]
pub struct TargetDef {
    /// Base URL of the API.
    pub base_url: Option<(String, Span)>,
    /// Variables.
    pub vars: Vec<(Key, Value)>,
    /// Secrets and their sources.
    pub secrets: Vec<(Key, SecretSource)>,
    /// Header fields of every request.
    pub headers: Vec<(Key, String)>,
    /// Maximum time for one request.
    pub timeout: Option<Duration>,
    /// Maximum time for a run.
    pub deadline: Option<Duration>,
    /// Maximum time to connect.
    pub connect_timeout: Option<Duration>,
    /// Maximum number of concurrent requests.
    pub jobs: Option<usize>,
    /// Maximum request rate.
    pub rate_limit: Option<Rate>,
    /// Maximum burst after idle time.
    pub burst: Option<u32>,
    /// Effects that are allowed.
    pub effects: Vec<(String, Span)>,
    /// Extra certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain, PEM.
    pub client_cert: Option<PathBuf>,
    /// Key of the client certificate, PEM.
    pub client_key: Option<PathBuf>,
    /// Client certificates of cases, by name.
    pub identities: Vec<(Key, IdentityFiles)>,
    /// What requests are signed for.
    pub sigv4: Option<SigV4>,
    /// Maximum body size in bytes.
    pub max_body: Option<usize>,
    /// How long a case may run before it is reported as slow.
    pub slow: Option<Duration>,
    /// Maximum number of retries per case.
    pub retries: Option<u32>,
    /// The statuses that are retried.
    pub retry_statuses: Option<Vec<u16>>,
    /// Maximum wait before an attempt.
    pub retry_wait: Option<Duration>,
    /// How flaky cases affect the run.
    pub flaky: Flaky,
    /// The readiness check, decoded once the schemas are loaded.
    pub ready: Option<Node>,
    /// Further endpoints, by name.
    pub endpoints: Vec<(Key, EndpointDef)>,
}

impl TargetDef {
    /// The header fields of the target, and the header fields and logins of its endpoints.
    fn templates(&self) -> impl Iterator<Item = (Span, &str)> {
        let own = self.headers.iter().map(|(key, value)| (key.span, value.as_str()));
        own.chain(self.endpoints.iter().flat_map(|(_, endpoint)| endpoint.templates()))
    }
}

/// The files of a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate and its chain, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// The name with which a case sends no client certificate.
pub const NO_IDENTITY: &str = "none";

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a trailing line break is not part of the secret.
    File(PathBuf),
    /// The output of a command; a trailing line break is not part of the secret.
    Command(Vec<String>),
    /// A token, which a run obtains when it first needs it.
    Token(Box<TokenDef>),
}

impl Project {
    /// Opens the project of `folder`: the nearest folder upwards with a `conforme.toml`, or else `folder` itself.
    pub fn open(folder: &Path, errors: &mut Diagnostics) -> (Self, Sources) {
        Self::open_with(folder, Overlay::default(), errors)
    }

    /// The same; the text of some files is not read from the disk.
    pub fn open_with(folder: &Path, overlay: Overlay, errors: &mut Diagnostics) -> (Self, Sources) {
        let root = folder
            .ancestors()
            .find(|folder| overlay.is_taken(&folder.join(FILE)))
            .unwrap_or(folder)
            .to_owned();
        let mut sources = Sources::with_overlay(&root, overlay);
        let mut project = Self {
            cases: root.join("cases"),
            schemas: root.join("schemas"),
            snapshots: root.join("snapshots"),
            default_target: None,
            targets: Vec::new(),
            compare: None,
            root,
        };
        let path = project.root.join(FILE);
        let overlay = sources.overlay();
        if overlay.is_taken(&path) {
            let text = overlay
                .read_file_in(&project.root, "the project", &path, FileKind::Config)
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
            match text {
                Ok(text) => {
                    let file = sources.add(&path, text);
                    if let Some(node) = parse_toml(&sources, file, errors) {
                        project.decode(&node, errors);
                    }
                }
                Err(error) => errors.push(Diagnostic::general(format!("failed to read `{FILE}`: {error}"))),
            }
        }
        for folder in [&project.cases, &project.schemas, &project.snapshots] {
            if let Err(reason) = check_folder(folder, &project.root) {
                let shown = sources.shown(folder);
                errors.push(Diagnostic::general(format!("the folder `{shown}`: {reason}")));
            }
        }
        (project, sources)
    }

    /// Checks the names in all targets: variables and secrets must be inputs of a suite or used in the target's own
    /// headers, headers must be valid, and effects must be effects of a case. A name that nothing uses is misspelled.
    pub fn check_names(&self, suites: &Suites, errors: &mut Diagnostics) {
        let inputs = suites.inputs();
        let effects: BTreeSet<&str> = (suites.cases.iter())
            .flat_map(|case| case.def.effects.iter().map(String::as_str))
            .collect();
        self.check_endpoints(suites, errors);
        login::check(&self.targets, suites, errors);
        self.check_identities(suites, errors);
        for (_, target) in &self.targets {
            let used = check_headers(target, &inputs, errors);
            let signs = |name: &str| target.sigv4.is_some() && SigV4::has(name);
            let is_used = |name: &str| inputs.contains_key(name) || used.contains(name) || signs(name);
            let is_unknown = |key: &Key| !is_used(&key.text);
            let unknown = |key: &Key| {
                Diagnostic::new(key.span, format!("no suite has an input `{}`", key.text))
                    .suggest(&key.text, inputs.keys().copied())
            };
            for (key, _) in &target.vars {
                if inputs.get(&*key.text) == Some(&true) {
                    let variable = format!("{SECRET_PREFIX}{}", key.text.to_ascii_uppercase());
                    let error = Diagnostic::new(
                        key.span,
                        format!("`{}` is a secret: secrets cannot be written in this file", key.text),
                    );
                    errors.push(error.help(format!("put it under `secrets`, or set {variable}")));
                } else if is_unknown(key) {
                    errors.push(unknown(key));
                }
            }
            for (key, _) in target.secrets.iter().filter(|(key, _)| is_unknown(key)) {
                errors.push(unknown(key));
            }
            for (effect, span) in target.effects.iter().filter(|(effect, _)| !effects.contains(&**effect)) {
                let error = Diagnostic::new(*span, format!("no case has the effect `{effect}`"));
                errors.push(error.suggest(effect, effects.iter().copied()));
            }
        }
    }

    /// Checks that every identity of a step is defined by a target, and that every identity of a target is used.
    fn check_identities(&self, suites: &Suites, errors: &mut Diagnostics) {
        let steps = suites.cases.iter().flat_map(|case| &case.def.steps);
        let used: BTreeMap<&str, Span> = steps
            .filter_map(|step| Some((step.certificate()?, step.identity.as_ref()?.span)))
            .collect();
        let defined = || self.targets.iter().flat_map(|(_, target)| &target.identities);
        let known: Vec<_> = defined().map(|(key, _)| &*key.text).collect();
        for (name, span) in used.iter().filter(|(name, _)| !known.contains(name)) {
            let error = Diagnostic::new(*span, format!("no target has an identity `{name}`"));
            errors.push(if known.is_empty() {
                error.help(format!("add `[targets.NAME.identities.{name}]` to conforme.toml"))
            } else {
                error.suggest(name, known.iter().copied())
            });
        }
        for (key, _) in defined().filter(|(key, _)| !used.contains_key(&*key.text)) {
            let error = Diagnostic::new(key.span, format!("no case uses the identity `{}`", key.text));
            errors.push(error.suggest(&key.text, used.keys().copied()));
        }
    }

    /// Checks that every endpoint of a step is defined by a target, and that every endpoint of a target is used.
    fn check_endpoints(&self, suites: &Suites, errors: &mut Diagnostics) {
        let steps = suites.cases.iter().flat_map(|case| &case.def.steps);
        let used: BTreeMap<&str, Span> = steps
            .filter_map(|step| step.endpoint())
            .map(|endpoint| (endpoint.value.as_str(), endpoint.span))
            .collect();
        let defined = || {
            let all = self.targets.iter().flat_map(|(_, target)| &target.endpoints);
            all.map(|(key, _)| key)
        };
        let inputs = || suites.suites.iter().flat_map(|suite| &suite.def.inputs);
        let is_declared = |name: &str| inputs().any(|(input, def)| input == name && def.value.endpoint);
        for (name, span) in &used {
            if !is_declared(name) && !defined().any(|key| *key.text == **name) {
                let error = Diagnostic::new(*span, format!("no target has an endpoint `{name}`"));
                let known: Vec<_> = defined().map(|key| &*key.text).collect();
                errors.push(if known.is_empty() {
                    error.help(format!("add `[targets.NAME.endpoints.{name}]` to conforme.toml"))
                } else {
                    error.suggest(name, known)
                });
            }
        }
        for key in defined().filter(|key| !used.contains_key(&*key.text)) {
            let error = Diagnostic::new(key.span, format!("no step uses the endpoint `{}`", key.text));
            errors.push(error.suggest(&key.text, used.keys().copied()));
        }
    }

    /// Checks the names of the `CONFORME_SECRET_*` variables of the environment: one that no suite and no target uses is
    /// misspelled. An empty variable counts as unset.
    pub fn check_environment(&self, suites: &Suites, environment: &Environment, errors: &mut Diagnostics) {
        let mut known: BTreeSet<String> = suites.inputs().keys().map(|name| name.to_ascii_uppercase()).collect();
        for (_, target) in &self.targets {
            known.extend(target.secrets.iter().map(|(key, _)| key.text.to_ascii_uppercase()));
            known.extend(header_variables(target).map(|name| name.to_ascii_uppercase()));
        }
        let known: Vec<_> = known.iter().map(|name| format!("{SECRET_PREFIX}{name}")).collect();
        for (variable, _) in environment.secrets() {
            let location = environment.location(&variable);
            let variable = variable.to_ascii_uppercase();
            if !known.contains(&variable) {
                let error = Diagnostic::general(format!(
                    "{location}the environment variable `{variable}`: no suite has this secret"
                ));
                errors.push(error.suggest(&variable, known.iter().map(String::as_str)));
            }
        }
    }

    /// The sources of the secrets of all targets, except commands.
    pub fn secret_sources(&self) -> Vec<(String, SecretSource)> {
        let all = self.targets.iter().flat_map(|(_, target)| &target.secrets);
        let all = all.flat_map(|(key, source)| match source {
            SecretSource::Token(token) => (token.secrets())
                .map(|(part, source)| (secret_of_token(&key.text, part), source))
                .collect(),
            source => vec![(key.text.to_string(), source)],
        });
        all.filter(|(_, source)| !matches!(source, SecretSource::Command(_)))
            .map(|(name, source)| (name, source.clone()))
            .collect()
    }

    fn decode(&mut self, node: &Node, errors: &mut Diagnostics) {
        let Some(mut fields) = Fields::of(node, FILE, errors) else {
            return;
        };
        for (name, folder) in [
            ("cases", &mut self.cases),
            ("schemas", &mut self.schemas),
            ("snapshots", &mut self.snapshots),
        ] {
            if let Some(path) = fields.read(name, errors, string) {
                *folder = self.root.join(path);
            }
        }
        self.compare = fields.take("compare").cloned();
        let default = fields.take("default_target");
        if let Some(targets) = fields.take("targets") {
            if !matches!(targets.kind, Kind::Map(_)) {
                errors.push(Diagnostic::new(targets.span, "targets are tables: `[targets.NAME]`"));
            }
            for (key, value) in targets.entries() {
                if let Some(target) = target(value, &self.root, errors) {
                    self.targets.push((key.text.to_string(), target));
                }
            }
        }
        if let Some(node) = default {
            self.default_target = string(node, errors);
            if let Some(name) = &self.default_target
                && name != "reference"
                && !self.targets.iter().any(|(known, _)| known == name)
            {
                let mut known: Vec<_> = self.targets.iter().map(|(name, _)| name.as_str()).collect();
                known.push("reference");
                errors.push(
                    Diagnostic::new(node.span, format!("no target `{name}`")).suggest(name, known.iter().copied()),
                );
            }
        }
        fields.finish(errors);
    }
}

/// The variables that the headers of a target use, as far as they can be read.
fn header_variables(target: &TargetDef) -> impl Iterator<Item = String> {
    let templates = target
        .templates()
        .filter_map(|(span, value)| Template::parse(value, span).ok());
    templates.flat_map(|template| template.variables().map(str::to_owned).collect::<Vec<_>>())
}

/// Checks the headers of a target without its values, and returns the variables that they use.
fn check_headers(target: &TargetDef, inputs: &BTreeMap<&str, bool>, errors: &mut Diagnostics) -> BTreeSet<String> {
    let of_endpoints = target.endpoints.iter().flat_map(|(_, endpoint)| &endpoint.headers);
    for (key, _) in target.headers.iter().chain(of_endpoints) {
        if !crate::check::is_token(&key.text) {
            let error = format!("`{}` is not a header name", key.text);
            errors.push(Diagnostic::new(key.span, error));
        }
    }
    let is_token = |name: &str| {
        let mut secrets = target.secrets.iter();
        secrets.any(|(key, source)| *key.text == *name && matches!(source, SecretSource::Token(_)))
    };
    for (_, endpoint) in target.endpoints.iter().filter(|(_, endpoint)| endpoint.kind.is_some()) {
        for (span, value) in endpoint.templates() {
            let template = Template::parse(value, span).ok();
            let token = template
                .iter()
                .flat_map(Template::variables)
                .find(|name| is_token(name));
            if let Some(name) = token {
                let error = Diagnostic::new(span, format!("a mailbox cannot use the token `{name}`"));
                errors.push(
                    error.help(
                        "its user, password and header fields are set before a run: use a secret of another source",
                    ),
                );
            }
        }
    }
    for (span, value) in target.templates() {
        let template = match Template::parse(value, span) {
            Ok(template) => template,
            Err(reason) => {
                errors.push(Diagnostic::new(span, reason));
                continue;
            }
        };
        let own = || {
            target
                .vars
                .iter()
                .map(|(key, _)| key)
                .chain(target.secrets.iter().map(|(key, _)| key))
        };
        for name in template.variables() {
            if !inputs.contains_key(name) && !own().any(|key| *key.text == *name) {
                let known: Vec<_> = inputs.keys().copied().chain(own().map(|key| &*key.text)).collect();
                let error = format!("the target has no variable or secret `{name}`");
                errors.push(Diagnostic::new(span, error).suggest(name, known.iter().copied()));
            }
        }
        if template
            .as_constant()
            .is_some_and(|text| text.contains(['\r', '\n', '\0']))
        {
            errors.push(Diagnostic::new(
                span,
                "the value of a header cannot contain control characters",
            ));
        }
    }
    header_variables(target).collect()
}

fn target(node: &Node, root: &Path, errors: &mut Diagnostics) -> Option<TargetDef> {
    let mut fields = Fields::of(node, "a target", errors)?;
    let path = |name, fields: &mut Fields<'_>, errors: &mut Diagnostics| {
        fields.read(name, errors, string).map(|path: String| root.join(path))
    };
    let (ca_file, client_cert, client_key) = (
        path("ca_file", &mut fields, errors),
        path("client_cert", &mut fields, errors),
        path("client_key", &mut fields, errors),
    );
    let base = fields.take("base_url");
    let sigv4 = fields.take("sigv4");
    let mut def = TargetDef {
        sigv4: None,
        base_url: base.and_then(|node| Some((string(node, errors)?, node.span))),
        vars: entries(fields.take("vars"), errors, scalar),
        secrets: entries(fields.take("secrets"), errors, |node, errors| {
            secret(node, root, errors)
        }),
        headers: entries(fields.take("headers"), errors, string),
        timeout: fields.read("timeout", errors, duration),
        deadline: fields.read("deadline", errors, duration),
        connect_timeout: fields.read("connect_timeout", errors, duration),
        jobs: fields
            .read("jobs", errors, |node, errors| integer(node, 1, 1024, errors))
            .and_then(|jobs| usize::try_from(jobs).ok()),
        rate_limit: fields.read("rate_limit", errors, rate),
        burst: fields
            .read("burst", errors, |node, errors| integer(node, 1, 1_000_000, errors))
            .and_then(|number| u32::try_from(number).ok()),
        effects: fields
            .read("effects", errors, |node, errors| {
                list(node, errors, |node, errors| Some((string(node, errors)?, node.span)))
            })
            .unwrap_or_default(),
        ca_file,
        client_cert,
        client_key,
        identities: entries(fields.take("identities"), errors, |node, errors| {
            identity(node, root, errors)
        }),
        max_body: fields
            .read("max_body", errors, |node, errors| integer(node, 1, 1 << 30, errors))
            .and_then(|bytes| usize::try_from(bytes).ok()),
        slow: fields.read("slow", errors, duration),
        retries: fields
            .read("retries", errors, |node, errors| integer(node, 0, 100, errors))
            .and_then(|number| u32::try_from(number).ok()),
        retry_statuses: fields.read("retry_statuses", errors, |node, errors| list(node, errors, status)),
        retry_wait: fields.read("retry_wait", errors, duration),
        flaky: fields.read("flaky", errors, flaky).unwrap_or_default(),
        ready: fields.take("ready").cloned(),
        endpoints: endpoint::endpoints(fields.take("endpoints"), errors),
    };
    fields.finish(errors);
    sigv4::add(&mut def, sigv4, root, errors);
    if let Some((text, span)) = &def.base_url
        && let Err(reason) = BaseUrl::parse(text)
    {
        let message = format!("`{}`: {reason}", shown_address(text));
        // Without a scheme, a user and password in the excerpt would not be recognized.
        errors.push(if !text.contains("://") && text.contains(['@', '?']) {
            Diagnostic::general(format!("`base_url` in {FILE}: {message}"))
        } else {
            Diagnostic::new(*span, message)
        });
    }
    if base.is_none() {
        errors
            .push(Diagnostic::new(node.span, "the target has no `base_url`").help("add `base_url = \"https://...\"`"));
    }
    if def.burst.is_some() && def.rate_limit.is_none() {
        errors.push(Diagnostic::new(node.span, "`burst` goes with a `rate_limit`"));
    }
    check_certificates(&def, node.span, errors);
    Some(def)
}

/// Checks what belongs together in the client certificates of a target.
fn check_certificates(def: &TargetDef, span: Span, errors: &mut Diagnostics) {
    for (key, _) in &def.identities {
        if &*key.text == NO_IDENTITY {
            let message = "`none` is reserved: `identity: none` sends no certificate";
            errors.push(Diagnostic::new(key.span, message).help("give it another name"));
        } else if def
            .base_url
            .as_ref()
            .is_some_and(|(text, _)| !text.trim().starts_with("https:"))
        {
            let error = Diagnostic::new(key.span, "the target does not use TLS, so it sees no certificate");
            errors.push(error.help("identities go with a `base_url` that begins with `https://`"));
        }
    }
    if def.client_cert.is_some() != def.client_key.is_some() {
        errors.push(Diagnostic::new(span, "`client_cert` and `client_key` go together"));
    }
}

fn identity(node: &Node, root: &Path, errors: &mut Diagnostics) -> Option<IdentityFiles> {
    let mut fields = Fields::of(node, "an identity", errors)?;
    let (cert, key) = (fields.read("cert", errors, string), fields.read("key", errors, string));
    fields.finish(errors);
    let (Some(cert), Some(key)) = (cert, key) else {
        let error = Diagnostic::new(node.span, "an identity has a `cert` and a `key`");
        errors.push(error.help("write `{ cert = \"client.pem\", key = \"client.key\" }`: PEM files"));
        return None;
    };
    Some(IdentityFiles {
        cert: root.join(cert),
        key: root.join(key),
    })
}

fn status(node: &Node, errors: &mut Diagnostics) -> Option<u16> {
    integer(node, 100, 599, errors).and_then(|status| u16::try_from(status).ok())
}

fn rate(node: &Node, errors: &mut Diagnostics) -> Option<Rate> {
    let text = string(node, errors)?;
    let rate = text.parse::<Rate>();
    rate.map_err(|reason| errors.push(Diagnostic::new(node.span, format!("`{text}`: {reason}"))))
        .ok()
}

fn flaky(node: &Node, errors: &mut Diagnostics) -> Option<Flaky> {
    match string(node, errors)?.as_str() {
        "fail" => Some(Flaky::Fail),
        "pass" => Some(Flaky::Pass),
        other => {
            let error = Diagnostic::new(node.span, format!("`{other}` is neither `fail` nor `pass`"));
            errors.push(error.suggest(other, ["fail", "pass"]));
            None
        }
    }
}

pub(super) fn entries<T>(
    node: Option<&Node>,
    errors: &mut Diagnostics,
    mut read: impl FnMut(&Node, &mut Diagnostics) -> Option<T>,
) -> Vec<(Key, T)> {
    let Some(node) = node else { return Vec::new() };
    if !matches!(node.kind, Kind::Map(_)) {
        errors.push(Diagnostic::new(node.span, "expected a table"));
    }
    node.entries()
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), read(value, errors)?)))
        .collect()
}

fn scalar(node: &Node, errors: &mut Diagnostics) -> Option<Value> {
    match node.kind {
        Kind::List(_) | Kind::Map(_) => {
            errors.push(Diagnostic::new(
                node.span,
                "a variable is a string, a number or a boolean",
            ));
            None
        }
        _ => Some(node.to_json()),
    }
}

/// A secret, or a token.
fn secret(node: &Node, root: &Path, errors: &mut Diagnostics) -> Option<SecretSource> {
    source_or_token(node, root, true, errors)
}

/// A secret that is not a token.
pub(super) fn source(node: &Node, root: &Path, errors: &mut Diagnostics) -> Option<SecretSource> {
    source_or_token(node, root, false, errors)
}

fn source_or_token(node: &Node, root: &Path, or_token: bool, errors: &mut Diagnostics) -> Option<SecretSource> {
    let help = "write `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ command = [\"program\", \"argument\"] }`";
    if !matches!(node.kind, Kind::Map(_)) {
        errors.push(Diagnostic::new(node.span, "a secret cannot be written in this file").help(help));
        return None;
    }
    let mut fields = Fields::of(node, "a secret", errors)?;
    let before = errors.len();
    let token = or_token.then(|| token(&mut fields, root, errors)).flatten();
    let token = token.map(|token| SecretSource::Token(Box::new(token)));
    let env = fields.read("env", errors, string).map(SecretSource::Env);
    let file = fields
        .read("file", errors, string)
        .map(|path| SecretSource::File(root.join(path)));
    let command = fields
        .read("command", errors, |node, errors| list(node, errors, string))
        .map(SecretSource::Command);
    fields.finish(errors);
    if errors.len() > before {
        return None;
    }
    let mut given = [env, file, command, token].into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(SecretSource::Command(words)), None) if words.is_empty() => {
            errors.push(Diagnostic::new(node.span, "the command is empty"));
            None
        }
        (Some(source), None) => Some(source),
        _ => {
            errors.push(Diagnostic::new(node.span, "a secret has exactly one source").help(help));
            None
        }
    }
}
