//! The secrets of a target: from the program, the environment and the sources in `conforme.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::{
    Environment, FetchError, KnownSecrets, MaskSecrets, OAuth2, SECRET_PREFIX, Secret, SecretError, SecretSource,
    SigV4, TargetDef, TargetOptions, Token, TokenDef, TokenSource,
};
use crate::{
    source::{Diagnostic, Diagnostics, Key},
    suite::Suites,
};

/// Maximum time for all commands that print the secrets of a target.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// Maximum number of such commands that run at the same time.
const MAX_COMMANDS: usize = 8;

/// The secrets of the target, of the environment and of the program; each overrides the one before it. An empty source is an
/// error, unless the input is optional.
pub(super) fn secrets(
    (target, def): (&str, &TargetDef),
    root: &Path,
    options: &TargetOptions,
    suites: &Suites,
    known: &mut KnownSecrets,
    mask: MaskSecrets<'_>,
    errors: &mut Diagnostics,
) -> FetchedSecrets {
    let mut secrets = given(def, options, suites, errors);
    let optional = suites.optional_inputs();
    let is_optional = |name: &str| optional.contains(name) || SigV4::is_optional(def, name);
    let mut failures = Vec::new();
    let limit = options.deadline.or(def.deadline).unwrap_or(COMMAND_LIMIT);
    let limit = limit.min(COMMAND_LIMIT);
    let missing = def.secrets.iter().filter(|(key, _)| !secrets.contains_key(&*key.text));
    let wanted: Vec<_> = missing.flat_map(|(key, source)| wanted(key, source)).collect();
    let sources: Vec<_> = wanted.iter().map(|one| one.source).collect();
    let mut of_tokens: BTreeMap<&str, Vec<(&'static str, Secret)>> = BTreeMap::new();
    // Optional inputs whose token lacks a secret.
    let mut lacking = BTreeSet::new();
    for (one, fetched) in wanted.iter().zip(fetch_all(&sources, &options.environment, limit)) {
        let name = &*one.key.text;
        match (fetched, one.part) {
            (Ok(secret), None) => {
                secrets.insert(name.to_owned(), secret);
            }
            (Ok(secret), Some(part)) => of_tokens.entry(name).or_default().push((part, secret)),
            (Err(failure), _) if failure.error.is_unset() && is_optional(name) => {
                lacking.insert(name);
            }
            (Err(failure), _) => {
                let printed = failure.printed_secrets();
                known
                    .all
                    .extend(printed.into_iter().map(|secret| (name.to_owned(), secret)));
                failures.push((one, failure));
            }
        }
    }
    let of_tokens_by_name = of_tokens.iter().flat_map(|(name, parts)| {
        let parts = parts.iter();
        parts.map(|(part, secret)| (secret_of_token(name, part), secret.clone()))
    });
    let of_tokens_by_name: Vec<_> = of_tokens_by_name.collect();
    known
        .all
        .extend(secrets.iter().map(|(name, secret)| (name.clone(), secret.clone())));
    known.all.extend(of_tokens_by_name.iter().cloned());
    for (one, failure) in failures {
        let error = unavailable(target, one, &failure, known, mask);
        let is_unset = matches!(failure.error, SecretError::NotSet(_));
        let advice = options.environment.advice(root).filter(|_| is_unset);
        errors.push(match advice {
            Some(advice) => error.help(advice),
            None => error,
        });
    }
    let is_defined = |key: &Key| secrets.contains_key(&*key.text) || lacking.contains(&*key.text);
    let tokens = def.secrets.iter().filter_map(|(key, source)| {
        let SecretSource::Token(token) = source else {
            return None;
        };
        let name = &*key.text;
        let source = match &**token {
            TokenDef::OAuth2(def) => {
                let secrets = of_tokens.remove(name).unwrap_or_default();
                TokenSource::OAuth2(Box::new(OAuth2::new(def.clone(), secrets)))
            }
            TokenDef::Case(login) => TokenSource::Case(login.clone()),
        };
        (!is_defined(key)).then(|| Token::new(name.to_owned(), source))
    });
    let tokens = tokens.collect();
    FetchedSecrets {
        tokens,
        of_tokens: of_tokens_by_name,
        secrets,
    }
}

/// The secrets of the environment and of the program.
fn given(
    def: &TargetDef,
    options: &TargetOptions,
    suites: &Suites,
    errors: &mut Diagnostics,
) -> BTreeMap<String, Secret> {
    let names: Vec<_> = suites.inputs().keys().map(|name| (*name).to_owned()).collect();
    let mut secrets = of_environment(&options.environment, &names, def, errors);
    for (name, secret) in &options.secrets {
        if !names.contains(name) && !def.secrets.iter().any(|(key, _)| *key.text == **name) {
            let error = Diagnostic::general(format!(
                "the program sets the secret `{name}`: no suite has such an input"
            ));
            errors.push(error.suggest(name, names.iter().map(String::as_str)));
        }
        secrets.insert(name.clone(), secret.clone());
    }
    secrets
}

/// The secrets of `CONFORME_SECRET_*` variables, by the names of inputs and of the target.
fn of_environment(
    environment: &Environment,
    names: &[String],
    def: &TargetDef,
    errors: &mut Diagnostics,
) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (variable, value) in environment.secrets() {
        let suffix = &variable[SECRET_PREFIX.len()..];
        let secret = value
            .into_string()
            .map_err(|_| SecretError::NotText)
            .and_then(Secret::new);
        match secret {
            Ok(secret) => {
                let own = def.secrets.iter().map(|(key, _)| key.text.to_string());
                let all = names.iter().cloned().chain(own).chain([suffix.to_ascii_lowercase()]);
                for name in all.filter(|name| name.eq_ignore_ascii_case(suffix)) {
                    secrets.insert(name, secret.clone());
                }
            }
            Err(error) => {
                let location = environment.location(&variable);
                errors.push(Diagnostic::general(format!(
                    "{location}the secret in `{variable}`: {error}"
                )));
            }
        }
    }
    secrets
}

/// The error for a secret that was not fetched.
fn unavailable(
    target: &str,
    one: &Wanted<'_>,
    failure: &FetchError,
    known: &KnownSecrets,
    mask: MaskSecrets<'_>,
) -> Diagnostic {
    let key = one.key;
    let part = one.part.map(|part| format!("`{part}` of ")).unwrap_or_default();
    let mut message = format!("{part}secret `{}` of target `{target}`: {}", key.text, failure.error);
    let lines = mask(known, &failure.stderr());
    if !lines.is_empty() {
        message.push_str("; its standard error:");
    }
    for line in lines {
        // The bar separates the program's lines from ours.
        message.push_str("\n  | ");
        message.push_str(&line);
    }
    Diagnostic::new(key.span, message)
}

/// The secrets of a target.
pub(super) struct FetchedSecrets {
    /// By name.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// The tokens, which are not obtained yet.
    pub(super) tokens: Vec<Token>,
    /// The secrets that are needed to obtain the tokens, by the name of their placeholder.
    pub(super) of_tokens: Vec<(String, Secret)>,
}

impl FetchedSecrets {
    /// Removes a secret or token, in place of which a variable was given.
    pub(super) fn remove(&mut self, name: &str) {
        self.secrets.remove(name);
        self.tokens.retain(|token| token.name != name);
    }
}

/// The name of the placeholder of a secret that is needed to obtain a token.
pub(super) fn secret_of_token(token: &str, part: &str) -> String {
    format!("{token}_{part}")
}

/// A secret to fetch.
struct Wanted<'d> {
    key: &'d Key,
    /// The part of a token.
    part: Option<&'static str>,
    source: &'d SecretSource,
}

/// The secrets to fetch for a secret or a token.
fn wanted<'d>(key: &'d Key, source: &'d SecretSource) -> Vec<Wanted<'d>> {
    let one = |part, source| Wanted { key, part, source };
    match source {
        SecretSource::Token(token) => (token.secrets())
            .map(|(part, source)| one(Some(part), source))
            .collect(),
        _ => vec![one(None, source)],
    }
}

/// Fetches secrets in parallel; `limit` applies to all of them together.
fn fetch_all(sources: &[&SecretSource], environment: &Environment, limit: Duration) -> Vec<Result<Secret, FetchError>> {
    let is_command = |source: &&&SecretSource| matches!(source, SecretSource::Command(_));
    let threads = sources.iter().filter(is_command).count().min(MAX_COMMANDS);
    let deadline = Instant::now() + limit;
    let next = AtomicUsize::new(0);
    let fetch = || {
        let mut fetched = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(source) = sources.get(index) else {
                return fetched;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            fetched.push((index, Secret::fetch(source, environment, left)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        // This thread works too, and does everything if no other can be started.
        let spawn = |_| std::thread::Builder::new().spawn_scoped(scope, fetch).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = fetch();
        for other in others {
            match other.join() {
                Ok(fetched) => all.extend(fetched),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, fetched)| fetched).collect()
}

/// The environment variables that secrets were read from; a secret of a file or a command has none.
pub(super) fn variables_of(
    def: &TargetDef,
    secrets: &BTreeMap<String, Secret>,
    environment: &Environment,
) -> BTreeMap<String, String> {
    let of_file = |name: &str| {
        let (_, source) = def.secrets.iter().find(|(key, _)| &*key.text == name)?;
        match source {
            SecretSource::Env(variable) => Some(variable.clone()),
            SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Token(_) => None,
        }
    };
    let variable = |name: &String| {
        let given = format!("{SECRET_PREFIX}{}", name.to_ascii_uppercase());
        let variable = if environment.value(&given).is_some_and(|value| !value.is_empty()) {
            Some(given)
        } else {
            of_file(name)
        };
        Some((name.clone(), variable?))
    };
    secrets.keys().filter_map(variable).collect()
}
