//! `conforme import`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::Printer;
use crate::{
    import::SuiteDraft,
    model::Exit,
    project::SECRET_PREFIX,
    report::count,
    session::{self, ImportRequest, Imported, SessionError, SourceFormat},
};

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
    /// An HTTP archive (HAR) of a browser, Playwright or a proxy
    #[command(
        after_help = "Requests that share a value, a cookie or a resource are the steps of one case; values of earlier\n\
responses become captures. Responses become expectations: status, media type, shape, snapshot.\n\
Scripts, style sheets, images, fonts and other origins are listed as `not imported`.\n\n\
Examples:\n  \
conforme import har recording.har --to cases/shop\n  \
conforme import har https://ci.example.com/artifacts/42/e2e.har --to cases/shop\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not a HAR, or a file exists, 5 a file could not be written."
    )]
    Har(ImportFileArgs),
    /// A collection of Postman (v2.0 or v2.1)
    #[command(
        after_help = "Variables become inputs, with their values as defaults; a variable that a test script sets becomes\n\
a capture. Common statements of test scripts become expectations. Everything else is written as\n\
`# not imported: ...`.\n\n\
Examples:\n  \
conforme import postman shop.postman_collection.json --to cases/shop\n  \
conforme import postman shop.json --environment staging.postman_environment.json --to cases/shop\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not a collection, or a file exists, 5 a file could not be written."
    )]
    Postman(ImportPostmanArgs),
    /// A collection of Bruno: the folder with `bruno.json`
    #[command(
        after_help = "Variables become inputs, with their values as defaults; `vars:post-response` becomes captures. Asserts\n\
and common statements of tests become expectations. Everything else is written as `# not imported: ...`.\n\n\
Examples:\n  \
conforme import bruno collections/shop --to cases/shop\n  \
conforme import bruno collections/shop --environment staging --to cases/shop\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not a collection, or a file exists, 5 a file could not be written."
    )]
    Bruno(ImportBrunoArgs),
    /// An `OpenAPI` document (3.0, 3.1, 3.2)
    #[command(
        name = "openapi",
        after_help = "Each operation and declared status becomes a case if it can be requested; otherwise the case has\n\
`skip: needs ...`. Cases create the objects that they read, change or delete. The document is copied\n\
into the schema folder, and every response is compared with it. `--check` writes nothing.\n\n\
For an API without a document, `--from` writes a first one that describes what recordings show: paths,\n\
parameters, statuses, media types, schemas and credentials, but none of the values.\n\n\
Examples:\n  \
conforme import openapi openapi.yaml --to cases/orders\n  \
conforme import openapi http://localhost:8000/openapi.json --to cases/orders\n  \
conforme import openapi openapi.yaml --to cases/orders --check\n  \
conforme import openapi --from run.ndjson --to schemas/api.openapi.yaml\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
1 with --check if a declared status has no case, 2 usage, an error in the document, or a file exists,\n\
5 a file could not be written."
    )]
    OpenApi(ImportOpenApiArgs),
    /// Workflows of Arazzo (1.0), with the `OpenAPI` documents that they name
    #[command(
        after_help = "Each workflow becomes a case with a step for each of its steps: expressions and outputs become variables\n\
and captures, and success criteria become expectations. Everything else is written as\n\
`# not imported: ...`. The OpenAPI document is copied into the schema folder.\n\n\
Example:\n  \
conforme import arazzo orders.arazzo.yaml --to cases/flows\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not an Arazzo document, or a file exists, 5 a file could not be written."
    )]
    Arazzo(ImportFileArgs),
    /// A file of Hurl
    #[command(
        after_help = "A file with captures, or with requests that change something, becomes one case with a step for each\n\
request. Captures and asserts with an exact counterpart become captures and expectations. Everything\n\
else is written as `# not imported: ...`.\n\n\
Example:\n  \
conforme import hurl orders.hurl --to cases/orders\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not a file of Hurl, or a file exists, 5 a file could not be written."
    )]
    Hurl(ImportFileArgs),
    /// A `.http` file of the REST Client of VS Code or the HTTP Client of `JetBrains`
    #[command(
        after_help = "Variables become inputs, with their values as defaults. `{{login.response.body.$.token}}` becomes a\n\
capture. `http-client.env.json` next to the file has more variables, and those of\n\
`http-client.private.env.json` are secrets. Response handlers and other scripts are written as\n\
`# not imported: ...`.\n\n\
Examples:\n  \
conforme import http api.http --to cases/api\n  \
conforme import http api.http --environment dev --to cases/api\n\n\
Exit codes: 0 the files were written, 1 with --strict if anything was not imported,\n\
2 usage, not such a file, or a file exists, 5 a file could not be written."
    )]
    Http(ImportHttpArgs),
}

/// `conforme import postman`
#[derive(Debug, Args)]
pub struct ImportPostmanArgs {
    /// The path of the collection, a URL, or `-` for standard input
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// An exported environment, or globals; a later one overrides an earlier one
    #[arg(long, value_name = "FILE")]
    pub environment: Vec<String>,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
}

/// `conforme import openapi`
#[derive(Debug, Args)]
pub struct ImportOpenApiArgs {
    /// The path of the document, a URL, or `-` for standard input
    #[arg(value_name = "SOURCE", required_unless_present = "from")]
    pub source: Option<String>,
    /// Write a first document from recordings into the new file `--to`, such as schemas/api.openapi.yaml, or to standard
    /// output with `--to -`
    #[arg(long, value_name = "RECORDING", num_args = 1.., conflicts_with_all = ["source", "check"])]
    pub from: Vec<PathBuf>,
    /// List the operations and statuses for which the suite has no case, and write nothing
    #[arg(long, conflicts_with = "strict")]
    pub check: bool,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
}

/// `conforme import bruno`
#[derive(Debug, Args)]
pub struct ImportBrunoArgs {
    /// The folder of the collection
    #[arg(value_name = "FOLDER")]
    pub source: PathBuf,
    /// The name of an environment of the collection; by default the only one
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
}

/// `conforme import http`
#[derive(Debug, Args)]
pub struct ImportHttpArgs {
    /// The path of the file, a URL, or `-` for standard input
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// The name of an environment in `http-client.env.json`; by default the only one
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
}

/// `conforme import har` and other formats in files.
#[derive(Debug, Args)]
pub struct ImportFileArgs {
    /// The path of the file, a URL, or `-` for standard input
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// Where to write, and how.
    #[command(flatten)]
    pub output: ImportOutput,
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

pub(super) fn import(args: ImportArgs, project: Option<PathBuf>, printer: &mut Printer) -> Result<Exit, SessionError> {
    let (draft, output) = match args.format {
        ImportFormat::Curl(ImportCurlArgs { source, output }) => {
            let text = if source == "-" { standard_input()? } else { source };
            (session::draft_of_curl(&text)?, output)
        }
        ImportFormat::Har(ImportFileArgs { source, output }) => {
            (session::draft_of(SourceFormat::Har, &source, &[])?, output)
        }
        ImportFormat::Hurl(ImportFileArgs { source, output }) => {
            (session::draft_of(SourceFormat::Hurl, &source, &[])?, output)
        }
        ImportFormat::Http(ImportHttpArgs {
            source,
            environment,
            output,
        }) => {
            let environments: Vec<_> = environment.into_iter().collect();
            (session::draft_of(SourceFormat::Http, &source, &environments)?, output)
        }
        ImportFormat::Bruno(ImportBrunoArgs {
            source,
            environment,
            output,
        }) => (session::draft_of_bruno(&source, environment.as_deref())?, output),
        ImportFormat::Arazzo(ImportFileArgs { source, output }) => {
            (session::draft_of_arazzo(project.as_deref(), &source, printer)?, output)
        }
        ImportFormat::OpenApi(args) => {
            let Some(source) = &args.source else {
                return from_recordings(&args, project.as_deref(), printer);
            };
            if args.check {
                return check(&args, source, project, printer);
            }
            let draft = session::draft_of_openapi(project.as_deref(), source, printer)?;
            (draft, args.output)
        }
        ImportFormat::Postman(ImportPostmanArgs {
            source,
            environment,
            output,
        }) => (session::draft_of(SourceFormat::Postman, &source, &environment)?, output),
    };
    let request = ImportRequest {
        project,
        to: output.to.clone(),
    };
    let imported = session::import(&request, &draft)?;
    show(&imported, &draft, &output, printer);
    Ok(if output.strict && !imported.notes.is_empty() {
        Exit::ContractViolated
    } else {
        Exit::Success
    })
}

/// How many cases can be run, and why others cannot.
fn show_cases(draft: &SuiteDraft, printer: &Printer) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in draft.cases.iter().filter_map(|case| case.skip.as_deref()) {
        *reasons.entry(reason).or_default() += 1;
    }
    let skipped: usize = reasons.values().sum();
    let total = draft.cases.len();
    let others = if skipped == 0 { "" } else { "; the others are skipped:" };
    printer.out(&format!("\n{} of {total} cases can be run{others}", total - skipped));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (reason, count) in reasons.iter().take(REASONS) {
        printer.out(&format!("  {count:>4} {reason}"));
    }
    if let Some(more) = reasons.len().checked_sub(REASONS).filter(|more| *more > 0) {
        printer.out(&format!("       and {more} other reasons: `conforme list`"));
    }
    if let Some(effect) = draft.cases.iter().flat_map(|case| &case.effects).next() {
        printer.out(&format!(
            "cases that change something have the effect `{effect}`: away from loopback, they need `--allow {effect}`"
        ));
    }
}

/// `conforme import openapi --check`
fn check(
    args: &ImportOpenApiArgs,
    source: &str,
    project: Option<PathBuf>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let request = ImportRequest {
        project,
        to: args.output.to.clone(),
    };
    let gaps = session::openapi_gaps(&request, source, printer)?;
    for (operation, statuses) in &gaps.missing {
        printer.out(&format!("no case: {operation}: {}", statuses.join(", ")));
    }
    let skipped = match gaps.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} of them only by skipped cases"),
    };
    let covered = gaps.declared - gaps.count();
    printer.out(&format!(
        "{covered} of {} declared statuses have a case{skipped}",
        gaps.declared
    ));
    Ok(if gaps.missing.is_empty() {
        Exit::Success
    } else {
        Exit::ContractViolated
    })
}

/// `conforme import openapi --from`
fn from_recordings(
    args: &ImportOpenApiArgs,
    project: Option<&Path>,
    printer: &mut Printer,
) -> Result<Exit, SessionError> {
    let document = session::document_of_recordings(&args.from)?;
    let to = &args.output.to;
    if *to == Path::new("-") {
        printer.out_masked(document.text.trim_end());
    } else {
        session::write_document(project, to, &document.text)?;
        printer.out(&format!("wrote {}", to.display()));
        for note in &document.notes {
            printer.out(&format!("not described: {note}"));
        }
        let operations = count(document.operations, "operation");
        let exchanges = count(document.exchanges, "exchange");
        printer.out(&format!(
            "\n{operations} from {exchanges}: review the file, it states what was observed"
        ));
        let recordings: Vec<_> = args.from.iter().map(|path| path.display().to_string()).collect();
        printer.out(&format!(
            "\nnext: conforme coverage {} --openapi {}",
            recordings.join(" "),
            to.display()
        ));
    }
    Ok(if args.output.strict && !document.notes.is_empty() {
        Exit::ContractViolated
    } else {
        Exit::Success
    })
}

fn standard_input() -> Result<String, SessionError> {
    let bytes = session::standard_input();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
    text.map_err(|error| SessionError::Usage(format!("failed to read standard input: {error}")))
}

/// Maximum number of reasons for skipped cases that are listed.
const REASONS: usize = 12;
/// Maximum number of files that are listed one by one.
const LISTED: usize = 40;

fn show(imported: &Imported, draft: &SuiteDraft, output: &ImportOutput, printer: &Printer) {
    let listed = if imported.files.len() > LISTED { 3 } else { LISTED };
    for file in imported.files.iter().take(listed) {
        printer.out(&format!("wrote {file}"));
    }
    if let Some(more) = imported.files.len().checked_sub(listed).filter(|more| *more > 0) {
        printer.out(&format!("wrote {more} more files in {}", output.to.display()));
    }
    for (file, note) in &imported.notes {
        printer.out(&format!("not imported: {note} ({file})"));
    }
    if draft.openapi.is_some() {
        show_cases(draft, printer);
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
    for input in vars.into_iter().filter(|input| input.default.is_none()) {
        next.push_str(" --var ");
        next.push_str(&input.name);
        next.push_str("=...");
    }
    printer.out(&format!("\nnext: {next}"));
}
