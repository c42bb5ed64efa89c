//! `conforme import`.

use std::{
    io::{self, Read as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};

use super::Printer;
use crate::{
    model::Exit,
    project::SECRET_PREFIX,
    session::{self, ImportRequest, Imported, SessionError},
};

/// Maximum size of a source in bytes.
const MAX_SOURCE: u64 = 32 << 20;

/// `conforme import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The format.
    #[command(subcommand)]
    pub format: ImportFormat,
}

/// A format that can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportFormat {
    /// Commands of curl
    #[command(
        after_help = "Several commands are several cases. Variables of the shell become inputs, and credentials\n\
become secret inputs. What has no counterpart is written as `# not imported: ...`.\n\n\
Examples:\n  \
conforme import curl 'curl https://api.example.com/users -u ada:secret' --to cases/users\n  \
pbpaste | conforme import curl - --to cases/users\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, an unknown option of curl, or a file exists, 5 a file could not be written."
    )]
    Curl(ImportCurlArgs),
}

/// `conforme import curl`
#[derive(Debug, Args)]
pub struct ImportCurlArgs {
    /// The text of the commands, or `-` for standard input
    #[arg(value_name = "COMMAND|-", allow_hyphen_values = true)]
    pub source: String,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
}

/// The output of an import.
#[derive(Debug, Args)]
pub struct ImportOutput {
    /// The folder of the suite, relative to the project: files are never overwritten
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    /// Exit with 1 if anything was not imported
    #[arg(long)]
    pub strict: bool,
}

pub(super) fn import(args: ImportArgs, project: Option<PathBuf>, printer: &Printer) -> Result<Exit, SessionError> {
    let ImportFormat::Curl(ImportCurlArgs { source, output }) = args.format;
    let text = if source == "-" { standard_input()? } else { source };
    let draft = session::draft_of_curl(&text)?;
    let request = ImportRequest {
        project,
        to: output.to.clone(),
    };
    let imported = session::import(&request, &draft)?;
    show(&imported, &output, printer);
    Ok(if output.strict && !imported.notes.is_empty() {
        Exit::ContractViolated
    } else {
        Exit::Success
    })
}

fn standard_input() -> Result<String, SessionError> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_SOURCE).read_to_string(&mut text);
    read.map_err(|error| SessionError::Usage(format!("failed to read standard input: {error}")))?;
    Ok(text)
}

fn show(imported: &Imported, output: &ImportOutput, printer: &Printer) {
    for file in &imported.files {
        printer.out(&format!("wrote {file}"));
    }
    for (file, note) in &imported.notes {
        printer.out(&format!("not imported: {note} ({file})"));
    }
    let (secrets, vars): (Vec<_>, Vec<_>) = imported.inputs.iter().partition(|input| input.is_secret);
    if !secrets.is_empty() {
        printer.out("\nset the secrets before a run:");
    }
    for input in &secrets {
        let variable = format!("{SECRET_PREFIX}{}", input.name.to_ascii_uppercase());
        printer.out(&format!("  export {variable}=...   # {}", input.description));
    }
    for input in secrets.iter().filter(|input| input.is_short) {
        printer.out(&format!(
            "warning: the value of `{}` in the source is too short to be masked: a run needs a longer one",
            input.name
        ));
    }
    let mut next = format!("conforme run {}", output.to.display());
    let origin = imported.origin.as_deref().unwrap_or("URL");
    next.push_str(" --target ");
    next.push_str(origin);
    for input in vars {
        next.push_str(" --var ");
        next.push_str(&input.name);
        next.push_str("=...");
    }
    printer.out(&format!("\nnext: {next}"));
}
