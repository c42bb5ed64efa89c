//! Fetching secrets from where a target says they are.

use std::process::{Command, Stdio};

use super::SecretSource;

/// The environment variables that give secrets to any target: `CONFORME_SECRET_TOKEN` is the secret `token`.
pub const SECRET_PREFIX: &str = "CONFORME_SECRET_";

/// The shortest secret that can be hidden without mangling what it is hidden in, in characters.
const SHORTEST: usize = 6;

/// What stands for the secret of this name, and for what can be made of it: `$TOKEN`, `${TOKEN%?}`. Each is what a
/// shell writes for the same, so that a command with it can be run.
pub fn marks_of(name: &str) -> [String; 5] {
    let name = name.to_ascii_uppercase();
    [
        format!("${name}"),
        format!("${{{name}~~}}"),
        format!("${{{name}%?}}"),
        format!("${{{name},,}}"),
        format!("${{{name}^^}}"),
    ]
}

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
    File(String, std::io::Error),
    /// The command cannot be run.
    #[error("failed to run `{0}`: {1}")]
    Run(String, std::io::Error),
    /// The command failed.
    #[error("`{0}` ended with {1}")]
    Failed(String, std::process::ExitStatus),
}

impl Secret {
    /// Takes a value, refusing what cannot be hidden.
    pub fn new(value: String) -> Result<Self, SecretError> {
        // White space at its ends is lost in a header.
        match value.trim().chars().count() {
            0 => Err(SecretError::Empty),
            count if count < SHORTEST => Err(SecretError::Short),
            _ => Ok(Self(value)),
        }
    }

    /// What stands for the secret of this name in a recording: the value itself is not there.
    pub(super) fn recorded(name: &str) -> Self {
        Self(format!("${}", name.to_ascii_uppercase()))
    }

    /// Fetches a secret from its source.
    pub fn fetch(source: &SecretSource) -> Result<Self, SecretError> {
        let value = match source {
            SecretSource::Env(name) => std::env::var_os(name)
                .ok_or_else(|| SecretError::NotSet(name.clone()))?
                .into_string()
                .map_err(|_| SecretError::NotText)?,
            SecretSource::File(path) => {
                let shown = path.display().to_string();
                let bytes = std::fs::read(path).map_err(|error| SecretError::File(shown, error))?;
                line(bytes)?
            }
            SecretSource::Command(words) => {
                let (program, arguments) = words.split_first().ok_or(SecretError::Empty)?;
                let output = Command::new(program)
                    .args(arguments)
                    .stdin(Stdio::null())
                    .stderr(Stdio::inherit())
                    .output()
                    .map_err(|error| SecretError::Run(program.clone(), error))?;
                if !output.status.success() {
                    return Err(SecretError::Failed(program.clone(), output.status));
                }
                line(output.stdout)?
            }
        };
        Self::new(value)
    }

    /// The value itself: for requests, and for the redactor.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// The bytes as text, without a line break at the end.
fn line(bytes: Vec<u8>) -> Result<String, SecretError> {
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotText)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
