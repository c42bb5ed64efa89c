//! One deployment under test, with all settings resolved.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    Endpoint, Environment, IdentityFiles, Project, Rate, RateLimit, SECRET_PREFIX, Secret, SigV4, TargetDef, endpoint,
    fetch::{FetchedSecrets, secrets, variables_of},
    token::Tokens,
    variables::{self, FileVariable},
};
use crate::{
    model::{Flaky, HIDDEN, RunStarted, marks_of},
    source::{Diagnostic, Diagnostics, nearest},
    suite::{Filter, Suites, Template},
};

/// How long a case may run before it is reported as slow.
const SLOW: Duration = Duration::from_secs(5);

/// Maximum time for a request if neither the target nor the case sets one.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of the target from flags and the environment; they override `conforme.toml`.
#[derive(Clone, Debug, Default)]
pub struct TargetOptions {
    /// A name of `conforme.toml`, or a URL.
    pub target: Option<String>,
    /// `--var K=V`.
    pub vars: Vec<(String, String)>,
    /// `--vars-file`; later files override earlier ones, and `vars` overrides all.
    pub vars_files: Vec<PathBuf>,
    /// Where environment variables are read from.
    pub environment: Environment,
    /// `--jobs`.
    pub jobs: Option<usize>,
    /// `--rate-limit`.
    pub rate_limit: Option<Rate>,
    /// `--burst`.
    pub burst: Option<u32>,
    /// Number of runs that share the target at the same time, as with `--partition`: the rate limit, the burst, and the
    /// default number of jobs are divided among them.
    pub shares: Option<u32>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--deadline`.
    pub deadline: Option<Duration>,
    /// `--allow EFFECT`.
    pub allow: Vec<String>,
    /// `--ca-file`.
    pub ca_file: Option<PathBuf>,
    /// `--retries`.
    pub retries: Option<u32>,
    /// The base URL, instead of that of the named target: for a server that a program has started.
    pub base_url: Option<String>,
    /// Secrets that a program has made, by name. They are masked like the others, and never come from flags.
    pub secrets: Vec<(String, Secret)>,
}

/// A deployment under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name, or its URL if it has no name.
    pub name: String,
    /// Its base URL.
    pub base: BaseUrl,
    /// Its variables.
    pub vars: BTreeMap<String, Value>,
    /// Its secrets, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Its tokens: secrets that a run obtains.
    pub tokens: Tokens,
    /// The secrets that are needed to obtain tokens, by the name of their placeholder.
    pub secrets_of_tokens: Vec<(String, Secret)>,
    /// For each secret that was read from an environment variable, the name of that variable.
    pub secret_variables: BTreeMap<String, String>,
    /// Header fields of every request.
    pub headers: Vec<(String, Template)>,
    /// Limits of a run against it.
    pub limits: Limits,
    /// When a case is retried.
    pub retry: Retry,
    /// How a case that passes only after a retry affects the run.
    pub flaky: Flaky,
    /// Effects that are allowed; `None` allows all (loopback).
    pub effects: Option<Vec<String>>,
    /// Files for TLS.
    pub tls: TlsFiles,
    /// What requests are signed for.
    pub sigv4: Option<SigV4>,
    /// Client certificates of cases, by name.
    pub identities: BTreeMap<String, IdentityFiles>,
    /// Further endpoints, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Whether it is the embedded reference API, which listens on a different port each time.
    pub is_embedded: bool,
    /// Whether it is the target of a recording: no requests are sent, and its secrets are only marks.
    is_recorded: bool,
    /// Whether its inputs have placeholder values.
    is_placeholder: bool,
}

/// Limits that protect the target from load, and the run from hostile responses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of concurrent requests.
    pub jobs: usize,
    /// Maximum request rate, including retries; `None` for unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Maximum time for one request, unless the case says otherwise.
    pub timeout: Duration,
    /// Maximum time for a run, from its first request or wait to the end of its last request.
    pub deadline: Option<Duration>,
    /// Maximum time to connect.
    pub connect_timeout: Duration,
    /// Maximum body size in bytes.
    pub max_body: usize,
    /// How long a case may run before it is reported as slow.
    pub slow: Duration,
}

/// When a case is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Maximum number of retries.
    pub most: u32,
    /// The statuses that are retried; `None` for 429 and 503 with `Retry-After`.
    pub statuses: Option<Vec<u16>>,
    /// Maximum wait before an attempt. A case with a longer `Retry-After` is not retried.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            most: 0,
            statuses: None,
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// The part of a rate limit for one of `shares` runs.
fn rate_limit(rate: Option<Rate>, burst: Option<u32>, shares: u32) -> Option<RateLimit> {
    let burst = (burst.unwrap_or(1) / shares).max(1);
    let interval = rate?.interval.checked_mul(shares).unwrap_or(Duration::MAX);
    Some(RateLimit {
        rate: Rate { interval },
        burst,
    })
}

impl TargetOptions {
    fn shares(&self) -> u32 {
        self.shares.unwrap_or(1).max(1)
    }

    /// The number of jobs: that of the flag, or else a share of the default.
    fn jobs(&self, default: usize) -> usize {
        let share = || default / usize::try_from(self.shares()).unwrap_or(usize::MAX);
        self.jobs.unwrap_or_else(|| share().max(1))
    }
}

/// An address that was rejected, with possible credentials removed.
pub(crate) fn shown_address(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (start, hidden) = text[..end].rfind('@').map_or((0, ""), |at| (at, "***"));
    let scheme = text
        .find("://")
        .filter(|at| *at < start)
        .map_or("", |at| &text[..at + 3]);
    let query = if end < text.len() { "?***" } else { "" };
    format!("{scheme}{hidden}{}{query}", &text[start..end])
}

/// PEM files for TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Extra certificate authorities.
    pub ca: Option<PathBuf>,
    /// Client certificate chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// An `http` or `https` URL without query, fragment and user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Scheme and authority: `https://api.example.com:8443`.
    pub origin: String,
    /// Path prefix without a trailing slash; may be empty.
    pub prefix: String,
    host: String,
}

impl TlsFiles {
    /// The files without the client certificate, for what is not the API under test.
    #[must_use]
    pub fn without_client(&self) -> Self {
        Self {
            client: None,
            ..self.clone()
        }
    }
}

impl BaseUrl {
    /// Reads a URL; the error is a fragment that fits after "`URL`: ".
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| "not a URL: it begins with `http://` or `https://`".to_owned())?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(format!(
                "the scheme is `{scheme}`: only `http` and `https` are supported"
            ));
        }
        if rest.contains(['?', '#']) {
            return Err("a base URL has no query and no fragment".to_owned());
        }
        let uri: http::Uri = format!("{scheme}://{rest}")
            .parse()
            .map_err(|error| format!("not a URL: {error}"))?;
        let authority = uri.authority().ok_or_else(|| "the URL has no host".to_owned())?;
        if authority.as_str().contains('@') {
            return Err("a base URL has no user and password: use `secrets` and a header".to_owned());
        }
        // `http` accepts any digits as a port: a number above 65535 becomes `None`.
        let after_host = authority.as_str().rsplit(']').next().unwrap_or_default();
        let has_bad_port = after_host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port == 0) || port.parse::<u16>().is_err());
        if authority.host().is_empty() || has_bad_port {
            return Err("the URL has no host or a bad port".to_owned());
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
        })
    }

    /// Whether it names this machine itself.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether it uses TLS.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

impl Target {
    /// Resolves a target. Every error is added to `errors`; without errors, there is a target. All secrets that are
    /// found are added to `known`, so that they can be masked in the errors, too.
    pub fn resolve(
        project: &Project,
        options: &TargetOptions,
        suites: &Suites,
        known: &mut KnownSecrets,
        mask: MaskSecrets<'_>,
        errors: &mut Diagnostics,
    ) -> Option<Self> {
        let wanted = options.target.as_deref().or(project.default_target.as_deref())?;
        let ad_hoc = TargetDef::default();
        let (name, def) = Self::defined(project, wanted, &ad_hoc, errors)?;
        let base = match (&options.base_url, &def.base_url) {
            (Some(text), _) => BaseUrl::parse(text)
                .map_err(|reason| errors.push(Diagnostic::general(format!("`{}`: {reason}", shown_address(text))))),
            (None, Some((text, span))) => BaseUrl::parse(text)
                .map_err(|reason| errors.push(Diagnostic::new(*span, format!("`{}`: {reason}", shown_address(text))))),
            (None, None) => {
                BaseUrl::parse(wanted).map_err(|reason| errors.push(Diagnostic::general(format!("--target: {reason}"))))
            }
        };
        let inputs = suites.inputs();
        let mut fetched = secrets((name, def), &project.root, options, suites, known, mask, errors);
        let secret_variables = variables_of(def, &fetched.secrets, &options.environment);
        let vars = vars(def, options, &inputs, &mut fetched, errors);
        let FetchedSecrets {
            secrets,
            tokens,
            of_tokens,
        } = fetched;
        let tokens = Tokens::new(tokens);
        let names: Vec<_> = names_of(&vars, &secrets, &tokens).collect();
        let headers = def
            .headers
            .iter()
            .filter_map(|(key, value)| header(key, value, &names, errors))
            .collect();
        let base = base.ok()?;
        let loopback = base.is_loopback();
        let effects = (!loopback).then(|| {
            let own = def.effects.iter().map(|(effect, _)| effect);
            own.chain(&options.allow).cloned().collect()
        });
        let limits = limits(options, def, loopback, errors);
        let endpoints = def.endpoints.iter().map(|(key, endpoint)| {
            let headers = endpoint.headers.iter();
            let headers = headers.filter_map(|(key, value)| header(key, value, &names, errors));
            (key.text.to_string(), endpoint.resolve(headers.collect(), &limits))
        });
        let endpoints = endpoints.collect();
        Some(Self {
            name: name.to_owned(),
            vars,
            secrets,
            tokens,
            secrets_of_tokens: of_tokens,
            secret_variables,
            headers,
            limits,
            retry: Retry {
                most: options.retries.or(def.retries).unwrap_or(0),
                statuses: def.retry_statuses.clone(),
                longest_wait: def.retry_wait.unwrap_or(Retry::default().longest_wait),
            },
            flaky: def.flaky,
            effects,
            tls: TlsFiles {
                ca: options.ca_file.clone().or_else(|| def.ca_file.clone()),
                client: def.client_cert.clone().zip(def.client_key.clone()),
            },
            sigv4: def.sigv4.clone(),
            identities: (def.identities.iter())
                .map(|(key, files)| (key.text.to_string(), files.clone()))
                .collect(),
            base,
            endpoints,
            is_embedded: false,
            is_recorded: false,
            is_placeholder: false,
        })
    }

    /// The name and definition of the wanted target; a URL has the default definition.
    fn defined<'t>(
        project: &'t Project,
        wanted: &'t str,
        ad_hoc: &'t TargetDef,
        errors: &mut Diagnostics,
    ) -> Option<(&'t str, &'t TargetDef)> {
        if let Some((name, def)) = project.targets.iter().find(|(name, _)| name == wanted) {
            return Some((name.as_str(), def));
        }
        if wanted.contains("://") {
            return Some((wanted, ad_hoc));
        }
        let mut known: Vec<_> = project.targets.iter().map(|(name, _)| name.as_str()).collect();
        known.push("reference");
        let error = Diagnostic::general(format!(
            "no target `{}` in conforme.toml, and it is not a URL",
            shown_address(wanted)
        ));
        errors.push(error.suggest(wanted, known.iter().copied()));
        None
    }

    /// A target on loopback with these variables and secrets, for the embedded reference API.
    pub fn embedded(
        base: BaseUrl,
        vars: BTreeMap<String, Value>,
        secrets: BTreeMap<String, Secret>,
        options: &TargetOptions,
    ) -> Self {
        Self {
            name: "reference".to_owned(),
            base,
            vars,
            secrets,
            tokens: Tokens::default(),
            secrets_of_tokens: Vec::new(),
            secret_variables: BTreeMap::new(),
            headers: Vec::new(),
            limits: Limits {
                jobs: options.jobs(16),
                rate_limit: rate_limit(options.rate_limit, options.burst, options.shares()),
                timeout: options.timeout.unwrap_or(DEFAULT_TIMEOUT),
                deadline: options.deadline,
                connect_timeout: Duration::from_secs(5),
                max_body: 8 * 1024 * 1024,
                slow: SLOW,
            },
            retry: Retry {
                most: options.retries.unwrap_or(0),
                ..Retry::default()
            },
            flaky: Flaky::Fail,
            effects: None,
            tls: TlsFiles::default(),
            sigv4: None,
            identities: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            is_embedded: true,
            is_recorded: false,
            is_placeholder: false,
        }
    }

    /// The same target with an embedded mail server on a free port as a mailbox.
    #[must_use]
    pub fn with_mailbox(mut self, name: &str) -> Self {
        let mailbox = Endpoint::embedded_mailbox(&self.limits);
        self.endpoints.insert(name.to_owned(), mailbox);
        self
    }

    /// A target in which every input without a default has a placeholder value, to check cases without a target.
    pub fn placeholder(suites: &Suites) -> Result<Self, String> {
        let inputs = suites.suites.iter().flat_map(|suite| &suite.def.inputs);
        // Upper and lower case and a digit, so that every filter changes it.
        let vars = (inputs.filter(|(_, input)| input.value.default.is_none()))
            .map(|(name, _)| (name.clone(), Value::String("Placeholder1".to_owned())))
            .collect();
        let base = BaseUrl::parse("http://127.0.0.1")?;
        let steps = suites.cases.iter().flat_map(|case| &case.def.steps);
        let identities = steps.filter_map(|step| step.certificate());
        let files = IdentityFiles {
            cert: PathBuf::new(),
            key: PathBuf::new(),
        };
        Ok(Self {
            identities: identities.map(|name| (name.to_owned(), files.clone())).collect(),
            is_placeholder: true,
            ..Self::embedded(base, vars, BTreeMap::new(), &TargetOptions::default())
        })
    }

    /// The target of a recorded run, to judge its responses again.
    pub fn recorded(started: &RunStarted) -> Result<Self, String> {
        let base = BaseUrl::parse(&started.base_url)?;
        let vars = started.vars.clone();
        let secrets = started.secrets.iter();
        let secrets = secrets.map(|name| (name.clone(), Secret::recorded(name))).collect();
        let target = Self::embedded(base, vars, secrets, &TargetOptions::default());
        Ok(Self {
            name: started.target.clone(),
            flaky: started.flaky,
            is_recorded: true,
            endpoints: endpoint::recorded(&started.endpoints, &target.limits),
            ..target
        })
    }

    /// The target at another URL, for a client of an endpoint or of a followed `Location`, without the client certificate and
    /// the signature of the API.
    #[must_use]
    pub fn at(&self, base: BaseUrl, limits: Limits) -> Self {
        Self {
            base,
            limits,
            tls: self.tls.without_client(),
            sigv4: None,
            ..self.clone()
        }
    }

    /// Whether all values of inputs can be sent as they are: neither placeholders, nor masked.
    pub(crate) fn has_values_of<'n>(&self, mut inputs: impl Iterator<Item = &'n str>) -> bool {
        let is_hidden = |name: &str| self.secrets.contains_key(name) || self.tokens.get(name).is_some();
        !self.is_recorded && !inputs.any(|name| self.is_placeholder || is_hidden(name))
    }

    /// Whether it is the target of a recording.
    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// The target with the client certificate of this name; [`NO_IDENTITY`] for none.
    #[must_use]
    pub fn with_identity(&self, name: &str) -> Self {
        let files = self.identities.get(name);
        Self {
            tls: TlsFiles {
                client: files.map(|files| (files.cert.clone(), files.key.clone())),
                ..self.tls.clone()
            },
            ..self.clone()
        }
    }

    /// Whether a case can have this identity. For a recording, the identity does not matter.
    pub(crate) fn has_identity(&self, name: &str) -> bool {
        self.is_recorded || self.identities.contains_key(name)
    }

    /// The mark for a filtered secret, if this is the target of a recording.
    pub(crate) fn recorded_mark(&self, name: &str, filter: Filter) -> Option<String> {
        (self.is_recorded && self.secrets.contains_key(name)).then(|| filtered_mark(name, filter))
    }

    /// Whether an effect is allowed.
    pub fn allows(&self, effect: &str) -> bool {
        self.effects
            .as_ref()
            .is_none_or(|allowed| allowed.iter().any(|one| one == effect))
    }

    /// Whether a name has a value, or gets one during a run.
    pub(crate) fn defines(&self, name: &str) -> bool {
        self.secrets.contains_key(name) || self.vars.contains_key(name) || self.tokens.get(name).is_some()
    }

    /// The value of a variable or secret that is not a token.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.secrets
            .get(name)
            .map(|secret| Value::String(secret.expose().to_owned()))
            .or_else(|| self.vars.get(name).cloned())
    }
}

/// The variable with the id of the run: every target of a run has it.
pub const RUN_ID: &str = "run_id";

/// The known secrets of a target.
#[derive(Debug, Default)]
pub struct KnownSecrets {
    /// By name: the secrets, and the output of failed commands, which may be secrets.
    pub all: Vec<(String, Secret)>,
}

/// Shows text with these secrets masked, harmless for a terminal and a CI log, one entry a line.
pub type MaskSecrets<'m> = &'m dyn Fn(&KnownSecrets, &str) -> Vec<String>;

/// The limits of a target: from the flags, or else from its definition, or else the defaults.
fn limits(options: &TargetOptions, def: &TargetDef, is_loopback: bool, errors: &mut Diagnostics) -> Limits {
    let rate = options.rate_limit.or(def.rate_limit);
    let rate_limit = rate_limit(rate, options.burst.or(def.burst), options.shares());
    if options.burst.is_some() && rate.is_none() {
        let error = Diagnostic::general("--burst: the target has no rate limit");
        errors.push(error.help("give it one: `--rate-limit 50/s`"));
    }
    let guest_jobs = if is_loopback { 16 } else { 4 };
    Limits {
        jobs: options.jobs(def.jobs.unwrap_or(guest_jobs)),
        rate_limit,
        timeout: options.timeout.or(def.timeout).unwrap_or(DEFAULT_TIMEOUT),
        deadline: options.deadline.or(def.deadline),
        connect_timeout: def.connect_timeout.unwrap_or(Duration::from_secs(5)),
        max_body: def.max_body.unwrap_or(8 * 1024 * 1024),
        slow: def.slow.unwrap_or(SLOW),
    }
}

/// The variables of the target, of files and of flags; each overrides the one before it.
fn vars(
    def: &TargetDef,
    options: &TargetOptions,
    inputs: &BTreeMap<&str, bool>,
    secrets: &mut FetchedSecrets,
    errors: &mut Diagnostics,
) -> BTreeMap<String, Value> {
    let mut vars = BTreeMap::new();
    for (key, value) in &def.vars {
        vars.insert(key.text.to_string(), value.clone());
    }
    for file in &options.vars_files {
        let read = variables::read(file).map_err(|error| errors.push(error));
        for FileVariable { name, value, line } in read.unwrap_or_default() {
            let wrong = |message: String| Diagnostic::general(format!("{}:{line}: {message}", file.display()));
            match inputs.get(name.as_str()) {
                None => {
                    errors
                        .push(wrong(format!("no suite has an input `{name}`")).suggest(&name, inputs.keys().copied()));
                }
                Some(true) => errors.push(
                    wrong(format!("`{name}` is a secret, and a variables file has none")).help(format!(
                        "set {SECRET_PREFIX}{} in the environment, or in a file for `--env-file`",
                        name.to_ascii_uppercase()
                    )),
                ),
                Some(false) => {
                    secrets.remove(&name);
                    vars.insert(name, value);
                }
            }
        }
    }
    for (name, value) in &options.vars {
        match inputs.get(name.as_str()) {
            None => errors.push(
                Diagnostic::general(format!("--var {name}: no suite has an input `{name}`"))
                    .suggest(name, inputs.keys().copied()),
            ),
            Some(true) => errors.push(
                Diagnostic::general(format!("--var {name}: a secret never comes from a flag")).help(format!(
                    "set {SECRET_PREFIX}{} in the environment",
                    name.to_ascii_uppercase()
                )),
            ),
            Some(false) => {
                secrets.remove(name);
                vars.insert(name.clone(), Value::String(value.clone()));
            }
        }
    }
    vars
}

/// The names of all values of a target.
fn names_of<'n>(
    vars: &'n BTreeMap<String, Value>,
    secrets: &'n BTreeMap<String, Secret>,
    tokens: &'n Tokens,
) -> impl Iterator<Item = &'n str> {
    let tokens = tokens.iter().map(|token| token.name.as_str());
    vars.keys().chain(secrets.keys()).map(String::as_str).chain(tokens)
}

fn header(
    key: &crate::source::Key,
    value: &str,
    names: &[&str],
    errors: &mut Diagnostics,
) -> Option<(String, Template)> {
    if !crate::check::is_token(&key.text) {
        errors.push(Diagnostic::new(
            key.span,
            format!("`{}` is not a header name", key.text),
        ));
        return None;
    }
    let template = match Template::parse(value, key.span) {
        Ok(template) => template,
        Err(reason) => {
            errors.push(Diagnostic::new(key.span, reason));
            return None;
        }
    };
    for name in template.variables() {
        if !names.contains(&name) {
            let mut error = Diagnostic::new(key.span, format!("the target has no variable or secret `{name}`"));
            if let Some(near) = nearest(name, names.iter().copied()) {
                error = error.help(format!("did you mean `{near}`?"));
            }
            errors.push(error);
        }
    }
    Some((key.text.to_string(), template))
}

/// The mark for a filtered secret in a recording; [`HIDDEN`] if the filtered value is not known.
pub(crate) fn filtered_mark(name: &str, filter: Filter) -> String {
    let [mark, swapped, dropped, lower, upper] = marks_of(name);
    match filter {
        Filter::SwapCase => swapped,
        Filter::DropLast => dropped,
        Filter::Lower => lower,
        Filter::Upper => upper,
        // These forms are masked like the secret itself.
        Filter::Base64 | Filter::Base64Url | Filter::UrlEncode | Filter::Optional => mark,
        Filter::Sha256 | Filter::Add(_) | Filter::Unix => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BaseUrl, Rate, TargetOptions, rate_limit};

    #[test]
    fn a_base_url_is_read_with_or_without_prefix_and_slash() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("HTTPS://api.example.com/api/", "https://api.example.com/api"),
            ("http://[::1]:80/a/b", "http://[::1]:80/a/b"),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|base| base.to_string()).as_deref(), Ok(shown));
        }
        for wrong in [
            "api.example.com",
            "ftp://a",
            "http://",
            "http://u:p@a/",
            "http://a/?q",
            "http://a b/",
            "http://a:99999/",
        ] {
            assert!(BaseUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_divided_among_runs_that_share_a_target() {
        let of = |shares, jobs| TargetOptions {
            jobs,
            shares,
            ..TargetOptions::default()
        };
        let rate: Rate = "10/s".parse().unwrap();
        let limit = |shares| rate_limit(Some(rate), Some(9), shares).unwrap();
        assert_eq!(
            (limit(1).rate.interval, limit(1).burst),
            (Duration::from_millis(100), 9)
        );
        assert_eq!(
            (limit(3).rate.interval, limit(3).burst),
            (Duration::from_millis(300), 3)
        );
        assert_eq!(limit(100).burst, 1);
        assert_eq!(
            [
                of(None, None).jobs(16),
                of(Some(3), None).jobs(16),
                of(Some(99), None).jobs(4)
            ],
            [16, 5, 1]
        );
        assert_eq!(of(Some(3), Some(8)).jobs(16), 8);
    }

    #[test]
    fn loopback_is_known_by_name_and_address() {
        let is = |text: &str| BaseUrl::parse(text).is_ok_and(|base| base.is_loopback());
        assert!(is("http://localhost/") && is("http://127.9.9.9:1/") && is("http://[::1]/"));
        assert!(!is("http://localhost.example.com/") && !is("http://10.0.0.1/") && !is("https://[2001:db8::1]/"));
    }
}
