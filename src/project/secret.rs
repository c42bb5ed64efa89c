//! Fetching secrets from where a target says they are.

use std::time::Duration;

use super::{
    Environment, SecretSource,
    command::{self, CommandError, CommandFailure},
};
use crate::source::{FileKind, read_file};

/// The environment variables that give secrets to any target: `CONFORME_SECRET_TOKEN` is the secret `token`.
pub const SECRET_PREFIX: &str = "CONFORME_SECRET_";

/// Minimum length of a secret in characters: masking a shorter one would garble the reports.
const SHORTEST: usize = 6;
/// Maximum length of a secret in bytes.
const MOST: u64 = 1 << 20;

/// A value that must never leave the process. It has no `Debug` and no `Display` that show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a secret cannot be used. The value is in none of these.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable `{0}` is not set")]
    NotSet(String),
    /// The value is empty.
    #[error("it is empty")]
    Empty,
    /// The value is too short to be hidden.
    #[error("it is shorter than {SHORTEST} characters: hiding it would mangle the reports")]
    Short,
    /// The value is not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// The file cannot be read.
    #[error("failed to read `{0}`: {1}")]
    File(String, String),
    /// The command cannot be run.
    #[error("failed to run `{0}`: {1}")]
    Run(String, std::io::Error),
    /// The command failed.
    #[error("`{0}` ended with {1}")]
    Failed(String, std::process::ExitStatus),
    /// The command does not end.
    #[error("`{0}` did not end within {1} s")]
    Late(String, u64),
    /// The value is too long.
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
}

impl Secret {
    /// Accepts a value that can be masked.
    pub fn new(value: String) -> Result<Self, SecretError> {
        // Surrounding whitespace is lost in a header.
        match value.trim().chars().count() {
            0 => Err(SecretError::Empty),
            count if count < SHORTEST => Err(SecretError::Short),
            _ => Ok(Self(value)),
        }
    }

    /// The mark for the secret of this name in a recording, which does not contain the value.
    pub(super) fn recorded(name: &str) -> Self {
        Self(format!("${}", name.to_ascii_uppercase()))
    }

    /// A value that occurs nowhere else.
    pub(super) fn unique() -> Self {
        Self(format!("token{}", uuid::Uuid::new_v4().simple()))
    }

    /// Fetches a secret from its source; a command may take as long as `limit`.
    pub fn fetch(source: &SecretSource, environment: &Environment, limit: Duration) -> Result<Self, FetchError> {
        let value = match source {
            SecretSource::Env(name) => environment
                .value(name)
                .ok_or_else(|| SecretError::NotSet(name.clone()))?
                .into_string()
                .map_err(|_| SecretError::NotText)?,
            SecretSource::File(path) => {
                let bytes = read_file(path, FileKind::Secret)
                    .map_err(|error| SecretError::File(path.display().to_string(), error))?;
                line(bytes)?
            }
            SecretSource::Command(words) => {
                let (program, arguments) = words.split_first().ok_or(SecretError::Empty)?;
                let most = usize::try_from(MOST).unwrap_or(usize::MAX);
                let printed = command::output(program, arguments, limit, most)
                    .map_err(|failed| FetchError::of_command(program, limit, failed))?;
                let text = line(printed.stdout)?;
                if text.trim().is_empty() {
                    return Err(FetchError {
                        stderr: printed.stderr,
                        ..SecretError::Empty.into()
                    });
                }
                text
            }
            // A run obtains it.
            SecretSource::Token(_) => return Err(SecretError::Empty.into()),
        };
        Ok(Self::new(value)?)
    }

    /// The value itself: for requests, and for the masker.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Why a secret could not be fetched, and what its command printed.
#[derive(Debug)]
pub struct FetchError {
    /// Why.
    pub error: SecretError,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl From<SecretError> for FetchError {
    fn from(error: SecretError) -> Self {
        Self {
            error,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

impl FetchError {
    fn of_command(program: &str, limit: Duration, failed: CommandError) -> Self {
        let program = program.to_owned();
        Self {
            error: match failed.reason {
                CommandFailure::Run(error) => SecretError::Run(program, error),
                CommandFailure::Failed(status) => SecretError::Failed(program, status),
                // Part of the limit passed before the program was started.
                CommandFailure::Late => SecretError::Late(program, (limit + Duration::from_millis(500)).as_secs()),
                CommandFailure::TooLong => SecretError::TooLong(MOST),
            },
            stdout: failed.stdout,
            stderr: failed.stderr,
        }
    }

    /// The command's standard error. It may contain secrets.
    pub(super) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The output of a failed command, as a whole and line by line: it may be the secret or a part of it.
    pub(super) fn printed_secrets(&self) -> Vec<Secret> {
        let text = String::from_utf8_lossy(&self.stdout);
        let lines = text.lines().take(100).map(str::trim);
        let all = [text.trim()].into_iter().chain(lines);
        // The masker takes memory in proportion to the secret, so long output is not added.
        all.filter(|text| text.len() <= MAX_PRINTED)
            .filter_map(|text| Secret::new(text.to_owned()).ok())
            .collect()
    }
}

/// Maximum length in bytes of the output of a failed command that is masked in its standard error.
const MAX_PRINTED: usize = 8 * 1024;

impl SecretError {
    /// Whether the source has no value at all.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::NotSet(_) | Self::Empty)
    }
}

/// The secrets of the environment and of these sources, as far as they can be read without running a command.
pub fn known_secrets(sources: &[(String, SecretSource)], environment: &Environment) -> Vec<(String, Secret)> {
    let given = environment.secrets().into_iter().filter_map(|(name, value)| {
        let secret = Secret::new(value.into_string().ok()?).ok()?;
        Some((name[SECRET_PREFIX.len()..].to_ascii_lowercase(), secret))
    });
    let read = sources.iter().filter_map(|(name, source)| match source {
        SecretSource::Command(_) | SecretSource::Token(_) => None,
        source => Some((name.clone(), Secret::fetch(source, environment, Duration::ZERO).ok()?)),
    });
    given.chain(read).collect()
}

/// The bytes as text, without a trailing line break.
fn line(bytes: Vec<u8>) -> Result<String, SecretError> {
    if bytes.len() as u64 > MOST {
        return Err(SecretError::TooLong(MOST));
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotText)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
