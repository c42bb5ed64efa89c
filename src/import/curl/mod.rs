//! Commands of curl.

mod arguments;
mod multipart;
mod options;
mod request;
mod shell;
mod url;

use super::{
    DraftInput, SuiteDraft,
    credentials::{Secrets, free, is_credential},
};

/// Why a source cannot be imported at all.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ImportError {
    /// The reason.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl ImportError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Reads a file that a command names; the error is a fragment that fits after "failed to read `FILE`: ".
pub(super) type ReadFile<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Reads the curl commands of a text as bash would run them. Variables of the shell become inputs; no value of the
/// environment is read.
pub fn curl(text: &str, read: ReadFile<'_>) -> Result<SuiteDraft, ImportError> {
    let mut draft = SuiteDraft {
        name: "Imported from curl".to_owned(),
        ..SuiteDraft::default()
    };
    let commands = shell::commands(text, &mut draft.names)
        .map_err(|reason| ImportError::new(format!("the curl command: {reason}"), HELP))?;
    let mut secrets = Vec::new();
    let mut other = Vec::new();
    for command in commands {
        let program = String::from_utf8_lossy(command.words.first().map_or(&b""[..], |word| word)).into_owned();
        if program
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .trim_end_matches(".exe")
            != "curl"
        {
            other.push(format!("the command `{}`", draft.names.template(&program)));
            continue;
        }
        for transfer in arguments::transfers(&command, read, &draft.names)? {
            request::add(&transfer, &mut draft, &mut secrets)?;
        }
    }
    if draft.cases.is_empty() {
        return Err(ImportError::new("there is no curl command", HELP));
    }
    draft.notes = other;
    declare_variables(&mut draft);
    Ok(draft)
}

const HELP: &str = "pass the command as its text, in quotes, or on standard input: conforme import curl - --to cases/x";

/// Declares the variables that are not credentials as inputs.
fn declare_variables(draft: &mut SuiteDraft) {
    let mut used = std::collections::BTreeSet::new();
    for case in &draft.cases {
        for text in request::texts(&case.request) {
            used.extend(draft.names.used(text));
        }
    }
    let vars: Vec<_> = draft.vars.clone();
    for (_, text) in &vars {
        used.extend(draft.names.used(text));
    }
    for name in used {
        let is_known = draft.inputs.iter().any(|input| input.name == name) || vars.iter().any(|(var, _)| *var == name);
        if !is_known {
            draft.input(DraftInput {
                is_secret: is_credential(&name),
                name,
                description: "a variable of the curl command".to_owned(),
                is_short: false,
            });
        }
    }
}

/// A name for the file of a case: `post-v1-users`.
fn file_name(method: &str, path: &str, draft: &SuiteDraft) -> String {
    const MAX: usize = 60;
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut name = method.to_ascii_lowercase();
    for word in words {
        if name.len() + word.len() >= MAX {
            break;
        }
        name.push('-');
        name.push_str(&word.to_ascii_lowercase());
    }
    // A device of Windows, or the file of the suite.
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    free(&name, |name| draft.cases.iter().any(|case| case.file == name)).replace('_', "-")
}
