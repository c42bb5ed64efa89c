//! Commands of curl.

mod arguments;
mod multipart;
mod options;
mod request;
mod shell;

use super::{ImportError, ReadFile, SuiteDraft, credentials::Secrets};

/// Reads the curl commands of a text as bash would run them. Variables of the shell become inputs; no value of the
/// environment is read.
pub fn curl(text: &str, read: ReadFile<'_>) -> Result<SuiteDraft, ImportError> {
    let mut draft = SuiteDraft {
        name: "Imported from curl".to_owned(),
        ..SuiteDraft::default()
    };
    let commands = shell::commands(text, &mut draft.names)
        .map_err(|reason| ImportError::new(format!("the curl command: {reason}"), HELP))?;
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
            request::add(&transfer, &mut draft)?;
        }
    }
    if draft.cases.is_empty() {
        return Err(ImportError::new("there is no curl command", HELP));
    }
    draft.notes = other;
    draft.declare_variables("a variable of the curl command");
    Ok(draft)
}

const HELP: &str = "pass the command as its text, in quotes, or on standard input: conforme import curl - --to cases/x";
