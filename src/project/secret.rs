//! Fetching secrets from where a target says they are.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use super::SecretSource;
use crate::source::{FileKind, read_file};

/// The environment variables that give secrets to any target: `CONFORME_SECRET_TOKEN` is the secret `token`.
pub const SECRET_PREFIX: &str = "CONFORME_SECRET_";

/// The shortest secret that can be hidden without mangling what it is hidden in, in characters.
const SHORTEST: usize = 6;
/// The longest secret, in bytes.
const MOST: u64 = 1 << 20;
/// How long a command may take: somebody may have to unlock a key.
const PATIENCE: Duration = Duration::from_mins(2);

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
    /// The value is no secret any more.
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
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
                let bytes = read_file(path, FileKind::Secret)
                    .map_err(|error| SecretError::File(path.display().to_string(), error))?;
                line(bytes)?
            }
            SecretSource::Command(words) => {
                let (program, arguments) = words.split_first().ok_or(SecretError::Empty)?;
                line(output(program, arguments, PATIENCE)?)?
            }
        };
        Self::new(value)
    }

    /// The value itself: for requests, and for the redactor.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// What a command prints, within bounds of length and time.
fn output(program: &str, arguments: &[String], patience: Duration) -> Result<Vec<u8>, SecretError> {
    let deadline = Instant::now() + patience;
    let fail = |error| SecretError::Run(program.to_owned(), error);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(fail)?;
    let (sender, read) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(MOST + 1).read_to_end(&mut bytes);
            drop(sender.send(read.map(|_| bytes)));
        });
    }
    let printed = read.recv_timeout(patience);
    let is_too_long = matches!(&printed, Ok(Ok(bytes)) if bytes.len() as u64 > MOST);
    // Its output may end before it does.
    let mut status = None;
    while printed.is_ok() && !is_too_long && status.is_none() && Instant::now() < deadline {
        status = child.try_wait().map_err(fail)?;
        std::thread::sleep(Duration::from_millis(if status.is_none() { 2 } else { 0 }));
    }
    if status.is_none() {
        drop(child.kill());
        drop(child.wait());
    }
    match (printed, status) {
        (Ok(Ok(bytes)), Some(status)) if status.success() => Ok(bytes),
        (Ok(Ok(bytes)), None) if is_too_long => Ok(bytes),
        (Ok(Err(error)), _) => Err(fail(error)),
        (Ok(_), Some(status)) => Err(SecretError::Failed(program.to_owned(), status)),
        (_, None) | (Err(_), _) => Err(SecretError::Late(program.to_owned(), patience.as_secs())),
    }
}

/// The bytes as text, without a line break at the end.
fn line(bytes: Vec<u8>) -> Result<String, SecretError> {
    if bytes.len() as u64 > MOST {
        return Err(SecretError::TooLong(MOST));
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotText)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<String, String> {
        let arguments = ["-c".to_owned(), script.to_owned()];
        let bytes = output("sh", &arguments, Duration::from_millis(300));
        bytes.and_then(line).map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_gives_what_it_prints_within_bounds_of_length_and_time() {
        assert_eq!(shell("printf 'a secret\\r\\n'"), Ok("a secret".to_owned()));
        assert_eq!(
            shell("echo x; exit 3"),
            Err("`sh` ended with exit status: 3".to_owned())
        );
        assert_eq!(
            shell("exec cat /dev/zero"),
            Err("it is longer than 1048576 bytes".to_owned())
        );
        for late in [
            "exec sleep 60",
            "exec sleep 60 >&-",
            "exec >&-; exec sleep 60",
            "sleep 60 & exit 0",
        ] {
            assert_eq!(shell(late), Err("`sh` did not end within 0 s".to_owned()), "{late}");
        }
    }
}
