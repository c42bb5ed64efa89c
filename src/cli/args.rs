//! Flags.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    Printer,
    explain::ExplainArgs,
    import::ImportArgs,
    init::InitArgs,
    shell::{CompletionsArgs, ManArgs},
};
use crate::{
    coverage::CoverageMinimum,
    model::Partition,
    project::{Rate, TargetOptions},
    report::{FinalStatusLevel, Format, ReportSpec, StatusLevel, TerminalOptions},
    run::SnapshotMode,
    session::{CaseFilter, LockstepOptions, SessionError, TARGET_VARIABLE},
    source::parse_duration,
};

/// Contract tests for HTTP APIs: sends the requests of a suite to a target and checks the responses.
#[derive(Debug, Parser)]
#[command(name = "conforme", version, max_term_width = 100)]
#[command(after_help = "Examples:\n  \
conforme run --target http://localhost:8080      run all cases against an API\n  \
conforme run --target staging users              the suite `users`, target of conforme.toml\n  \
conforme validate                                check all files, send nothing\n  \
conforme compare --baseline v1.ndjson --candidate staging\n\n\
Exit codes of `run`, `compare`, `recheck` and `merge`:\n  \
0  the contract holds\n  \
1  the contract is broken, or a change is breaking\n  \
2  usage error, or an invalid suite or configuration\n  \
3  no verdict: target unreachable, no HTTP response\n  \
4  no case ran\n  \
5  a report could not be written\n  \
129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM")]
pub struct Cli {
    /// Project folder: the one with `conforme.toml`, or one below it [default: the working directory]
    #[arg(
        long,
        short = 'C',
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub project: Option<PathBuf>,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, help_heading = "Global options", hide_short_help = true)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When output is colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, and in logs of CI systems that show them; `NO_COLOR` and `CLICOLOR_FORCE` are honored.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send the requests of a suite to a target and check the responses
    Run(RunArgs),
    /// Start a project: one suite with one case that passes against a live API
    Init(InitArgs),
    /// Write a suite from the requests of another tool
    Import(ImportArgs),
    /// Check suites, schemas and configuration without sending anything
    Validate(ValidateArgs),
    /// List the cases that `run` would run, and why others are skipped
    List(ListArgs),
    /// Merge the recordings of the parts of a run into one report and one exit code
    Merge(MergeArgs),
    /// Compare two API versions by their responses or their `OpenAPI` documents and report breaking changes
    Compare(CompareArgs),
    /// Measure a suite: change recorded responses as regressions would, and report which changes no check detects
    Mutate(MutateArgs),
    /// Send generated requests that an API document (`OpenAPI`) allows, and add rows for those that fail
    Explore(ExploreArgs),
    /// Measure how much of an API document (`OpenAPI`) recordings show, and report where both differ
    Coverage(CoverageArgs),
    /// Check the responses of a recording with the current suite, without sending anything
    Recheck(RecheckArgs),
    /// Run the teardown of cases that a killed run left unfinished
    Teardown(TeardownArgs),
    /// Generate reports from a recorded run
    Report(ReportArgs),
    /// Review pending snapshots one by one
    Review,
    /// Accept pending snapshots
    Accept(SettleArgs),
    /// Discard pending snapshots
    Reject(SettleArgs),
    /// Explain the id of a check, a built-in rule or a change
    Explain(ExplainArgs),
    /// Serve an editor on standard input and output (Language Server Protocol)
    Lsp,
    /// Print the JSON Schema of a file format
    Schema(SchemaArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
    /// Serve the reference API on loopback until interrupted
    #[cfg(feature = "reference")]
    Serve(ServeArgs),
}

/// Which cases, on which target.
#[derive(Clone, Debug, Args)]
pub struct SelectArgs {
    /// Cases: paths of suites or case files, or ids (`suite/case`, `suite/case[example]`, `*` for any text)
    #[arg(value_name = "PATH|ID")]
    pub names: Vec<String>,
    /// Target of conforme.toml, base URL of an API, or `reference` for the embedded API [default: `default_target`]
    ///
    /// `run` accepts several, and runs their cases side by side.
    #[arg(long = "target", env = TARGET_VARIABLE, value_name = "NAME|URL", help_heading = "Target")]
    pub targets: Vec<String>,
    /// Where its values come from.
    #[command(flatten)]
    pub values: ValueArgs,
    /// Allow cases with this effect, such as `email`, on a target that is not loopback
    #[arg(long = "allow", value_name = "EFFECT", help_heading = "Target")]
    pub allow: Vec<String>,
    /// Skip the cases that need an input which the target does not define; by default they are an error
    #[arg(long, env = "CONFORME_SKIP_MISSING", value_parser = clap::builder::BoolishValueParser::new(), help_heading = "Target", hide_short_help = true)]
    pub skip_missing: bool,
    /// Only cases with this tag; repeat it for cases with any of several tags
    #[arg(long = "tag", value_name = "TAG", help_heading = "Selection")]
    pub tags: Vec<String>,
    /// Only a part of the cases, such as `hash:1/3` or `slice:1/3`
    ///
    /// `hash` keeps a case in its part as others are added. `slice` makes the parts equal in size.
    #[arg(
        long,
        env = "CONFORME_PARTITION",
        value_name = "KIND:M/N",
        help_heading = "Selection",
        hide_short_help = true
    )]
    pub partition: Option<Partition>,
}

/// Where the values of a target come from.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct ValueArgs {
    /// Variable of the target; secrets are set with `CONFORME_SECRET_<NAME>` only
    #[arg(long = "var", value_name = "K=V", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// File of variables: YAML, TOML or JSON by its extension, otherwise lines of `name=value`; `--var` overrides it (repeatable,
    /// later files override earlier ones)
    #[arg(long = "vars-file", value_name = "FILE")]
    pub vars_files: Vec<PathBuf>,
    /// Files of environment variables.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
}

/// Files of environment variables.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Target")]
pub struct EnvironmentArgs {
    /// File of environment variables for secrets, such as `.env`; the environment overrides it (repeatable, later files
    /// override earlier ones)
    #[arg(long = "env-file", env = "CONFORME_ENV_FILE", value_name = "FILE")]
    pub env_files: Vec<PathBuf>,
}

/// `conforme validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Files of environment variables.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Cases that get a line when they finish; each level includes the levels before it
    #[arg(long, env = "CONFORME_STATUS_LEVEL", value_name = "LEVEL", value_enum, default_value_t = StatusLevel::Skip, hide_short_help = true)]
    pub status_level: StatusLevel,
    /// Cases that the summary lists again; each level includes the levels before it
    #[arg(long, env = "CONFORME_FINAL_STATUS_LEVEL", value_name = "LEVEL", value_enum, default_value_t = FinalStatusLevel::Flaky, hide_short_help = true)]
    pub final_status_level: FinalStatusLevel,
    /// Show failures only
    #[arg(long, short = 'q', conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show requests and responses
    #[arg(long, short = 'v')]
    pub verbose: bool,
}

impl OutputArgs {
    pub(super) fn options(self) -> TerminalOptions {
        TerminalOptions {
            status: if self.quiet {
                self.status_level.min(StatusLevel::Retry)
            } else {
                self.status_level
            },
            last: self.final_status_level,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

/// Limits of the requests to a target.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Maximum number of concurrent requests [default: 16 on loopback, 4 elsewhere]
    #[arg(long, short = 'j', env = "CONFORME_JOBS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Maximum request rate, retries included: `50/s`, `100/m`, `1000/h`
    #[arg(long, env = "CONFORME_RATE_LIMIT", value_name = "N/TIME")]
    pub rate_limit: Option<Rate>,
    /// Maximum burst of requests within the rate limit [default: 1]
    #[arg(long, env = "CONFORME_BURST", value_name = "N", hide_short_help = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub burst: Option<u32>,
    /// Maximum time for one request, unless the case sets its own [default: 10s]
    #[arg(long, env = "CONFORME_TIMEOUT", value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Maximum time for the run, waits and retries included; cases without a verdict count as not run
    #[arg(long, env = "CONFORME_DEADLINE", value_name = "DURATION", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
    /// PEM file of certificate authorities to trust in addition to those of the platform
    #[arg(long, env = "CONFORME_CA_FILE", value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
}

/// `conforme run`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
conforme run --target http://localhost:8080\n  \
conforme run --target staging --retries 2 --report junit=junit.xml --record run.ndjson\n  \
conforme run --target staging users 'orders/create*' --tag smoke\n  \
conforme run --target staging --failed-from run.ndjson\n  \
conforme run --target eu --target us --report markdown=regions.md")]
pub struct RunArgs {
    /// Which cases, on which target.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Limits of its requests.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Retry a case up to N times if it has no response, or 429 or 503 with `Retry-After` [default: 0]
    #[arg(long, env = "CONFORME_RETRIES", value_name = "N", help_heading = "Retries and limits of the run", value_parser = clap::value_parser!(u32).range(..=100))]
    pub retries: Option<u32>,
    /// Maximum time to wait until the target's `ready` request succeeds, or else until its port is open
    #[arg(long, env = "CONFORME_WAIT", value_name = "DURATION", value_parser = parse_duration, help_heading = "Retries and limits of the run")]
    pub wait: Option<Duration>,
    /// Run each case N times: all responses must pass, and `compare` treats values that differ among them as noise
    #[arg(long, env = "CONFORME_REPEATS", value_name = "N", default_value_t = 1, help_heading = "Retries and limits of the run", hide_short_help = true, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeats: u32,
    /// Stop after N failures
    #[arg(long, env = "CONFORME_MAX_FAIL", value_name = "N", value_parser = at_least_one, help_heading = "Retries and limits of the run")]
    pub max_fail: Option<usize>,
    /// Exit with 1 if more than N cases are skipped or have skipped steps
    #[arg(
        long,
        env = "CONFORME_MAX_SKIPPED",
        value_name = "N",
        help_heading = "Retries and limits of the run",
        hide_short_help = true
    )]
    pub max_skipped: Option<usize>,
    /// Print the requests that would be sent, with secrets masked, and send none of them
    #[arg(long, help_heading = "Selection", conflicts_with_all = ["record", "reports", "mutate", "failed_from", "wait"])]
    pub dry_run: bool,
    /// What to do with a response that differs from its snapshot [default: check if `CI` is set, else pending]
    #[arg(
        long,
        env = "CONFORME_SNAPSHOTS",
        value_name = "MODE",
        value_enum,
        help_heading = "Snapshots, reports, recordings"
    )]
    pub snapshots: Option<Snapshots>,
    // The help lists the formats.
    #[arg(
        long = "report",
        help = Format::flag_help(),
        value_name = "FORMAT[=PATH]",
        help_heading = "Snapshots, reports, recordings"
    )]
    pub reports: Vec<ReportSpec>,
    /// Record every request, response and verdict as NDJSON
    #[arg(
        long,
        env = "CONFORME_RECORD",
        value_name = "PATH",
        help_heading = "Snapshots, reports, recordings"
    )]
    pub record: Option<PathBuf>,
    /// If the run passes, measure the suite by its responses: see `conforme mutate`
    #[arg(long, help_heading = "Snapshots, reports, recordings", hide_short_help = true)]
    pub mutate: bool,
    /// With `--mutate`, exit with 1 if the score is below this percentage
    #[arg(long, env = "CONFORME_MIN_SCORE", value_name = "PERCENT", value_parser = percentage, help_heading = "Snapshots, reports, recordings", hide_short_help = true)]
    pub min_score: Option<f64>,
    /// Run only cases that did not pass in this recording, changed cases and new cases
    #[arg(long, value_name = "RECORDING", help_heading = "Snapshots, reports, recordings")]
    pub failed_from: Option<PathBuf>,
    /// What follows the run.
    #[command(flatten)]
    pub then: ThenArgs,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What follows a run.
#[derive(Clone, Copy, Debug, Args)]
pub struct ThenArgs {
    /// Run again the cases that a change of a file affects, until Ctrl-C
    #[arg(long, help_heading = "Selection")]
    pub watch: bool,
    /// Open the HTML report in the browser after the run, with `--report html=PATH`; ignored if `CI` is set
    #[arg(long, help_heading = "Snapshots, reports, recordings")]
    pub open: bool,
}

/// `--snapshots`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Snapshots {
    /// Fail the case, write nothing
    Check,
    /// Fail the case, and write the new snapshot next to the old one for `review`
    Pending,
    /// Accept the new snapshot, unless the case fails for another reason
    Accept,
}

impl From<Snapshots> for SnapshotMode {
    fn from(mode: Snapshots) -> Self {
        match mode {
            Snapshots::Check => SnapshotMode::Check,
            Snapshots::Pending => SnapshotMode::Pending,
            Snapshots::Accept => SnapshotMode::Accept,
        }
    }
}

/// `conforme merge`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme merge part-1.ndjson part-2.ndjson part-3.ndjson --report junit=junit.xml")]
pub struct MergeArgs {
    /// Recordings of runs with `--partition`, all of the same suite and target
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// Exit with 1 if more than N cases are skipped or have skipped steps in all parts together [default: as recorded]
    #[arg(long, env = "CONFORME_MAX_SKIPPED", value_name = "N")]
    pub max_skipped: Option<usize>,
    /// Write the merged recording
    #[arg(long, value_name = "PATH")]
    pub record: Option<PathBuf>,
    /// Write a report, as for `run`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme compare`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
conforme compare --baseline production --candidate staging\n  \
conforme compare --baseline v1.ndjson --candidate v2.ndjson --report markdown=changes.md\n  \
conforme compare --baseline v1.ndjson --candidate http://localhost:8080 --fail-on warning\n  \
conforme compare --baseline v1.openapi.yaml --candidate v2.openapi.yaml")]
pub struct CompareArgs {
    /// Version to compare with: a recording, a target of conforme.toml, the base URL of an API, or an `OpenAPI` document
    #[arg(long, value_name = "RECORDING|TARGET|DOCUMENT")]
    pub baseline: String,
    /// Version under test: a recording, a target of conforme.toml, the base URL of an API, or an `OpenAPI` document
    #[arg(long, value_name = "RECORDING|TARGET|DOCUMENT")]
    pub candidate: String,
    /// Cases, as for `run`
    #[arg(value_name = "PATH|ID")]
    pub names: Vec<String>,
    /// Only cases with this tag; given again, cases with any of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Exit with 1 if a change of this level or above is not accepted
    #[arg(long, env = "CONFORME_FAIL_ON", value_name = "LEVEL", value_enum, default_value_t = FailOn::Breaking)]
    pub fail_on: FailOn,
    /// The file of accepted changes [default: accepted-changes.toml next to conforme.toml, if it exists]
    #[arg(long, env = "CONFORME_ACCEPTED", value_name = "PATH")]
    pub accepted: Option<PathBuf>,
    /// Of two `OpenAPI` documents: recordings of both versions, which show the declared changes or not
    #[arg(long, num_args = 2, value_names = ["BASELINE", "CANDIDATE"])]
    pub observed: Vec<PathBuf>,
    /// Write a report, as for `run`, in any format but `shell`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Run each case of a target N times; values that differ among the responses of one version are noise
    #[arg(long, env = "CONFORME_REPEATS", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeats: u32,
    /// Limits of the requests to targets.
    #[command(flatten)]
    pub live: LiveArgs,
    /// Show only changes that fail the comparison
    #[arg(long, short = 'q', conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Show all cases, differences of bodies, accepted changes and noise
    #[arg(long, short = 'v', help_heading = "Output")]
    pub verbose: bool,
}

/// Options of the targets of a comparison.
#[derive(Debug, Args)]
#[command(next_help_heading = "Targets")]
pub struct LiveArgs {
    /// Where their values come from.
    #[command(flatten)]
    pub values: ValueArgs,
    /// Allow cases that have this effect, such as `email`, on targets that are not loopback
    #[arg(long = "allow", value_name = "EFFECT")]
    pub allow: Vec<String>,
    /// Skip the cases that need an input which a target does not define
    #[arg(long, env = "CONFORME_SKIP_MISSING", value_parser = clap::builder::BoolishValueParser::new())]
    pub skip_missing: bool,
    /// Limits of the requests.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `--fail-on`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Changes that break clients of the contract
    Breaking,
    /// Also changes that can break some clients
    Warning,
    /// Any change
    Any,
    /// Never
    None,
}

/// `conforme mutate`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme mutate run.ndjson --min-score 95\n\n\
The score is killed / (killed + survived), in percent. A changed response is\n\
killed if a check fails for it, and survives if none does. Survivors that\n\
suite.yaml accepts do not count, nor do changes that mean the same. Incidental\n\
header fields (server, date, x-powered-by, ids of requests) are not changed.\n\
Cases without a recorded response that passed are not measured.\n\n\
Exit codes: 0 the score is high enough, 1 it is below --min-score,\n\
2 usage or an invalid suite, 3 no change counts, 4 no case was selected.")]
pub struct MutateArgs {
    /// A recording of a run that passed, written by `run --record`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Cases, as for `run`
    #[arg(value_name = "PATH|ID")]
    pub names: Vec<String>,
    /// Only cases with this tag; given again, cases with any of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Exit with 1 if the score is below this percentage
    #[arg(long, env = "CONFORME_MIN_SCORE", value_name = "PERCENT", value_parser = percentage)]
    pub min_score: Option<f64>,
    /// Number of threads [default: the number of cores]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write a report, as for `run`, in any format but `shell`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Show nothing if the score is high enough
    #[arg(long, short = 'q', conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Show every survivor, every operator, and accepted mutants
    #[arg(long, short = 'v', help_heading = "Output")]
    pub verbose: bool,
}

/// `conforme coverage`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
conforme coverage run.ndjson\n  \
conforme coverage run.ndjson --min 80 --min status=90 --report html=coverage.html\n  \
conforme coverage eu.ndjson us.ndjson --openapi api/openapi.yaml\n\n\
Dimensions: operation, status, media-type, parameter, property. Every exchange\n\
with a response counts, whatever its verdict.\n\n\
Exit codes: 0 the coverage is high enough, 1 it is below --min, 2 usage or an\n\
invalid document, 3 the recordings contain no operation of the document, or a\n\
minimum is missed and a run ended early.")]
pub struct CoverageArgs {
    /// Recordings, written by `run --record`
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// The API document of all recordings [default: `openapi` in suite.yaml of their suites]
    #[arg(long, value_name = "DOCUMENT")]
    pub openapi: Option<PathBuf>,
    /// Exit with 1 if less is observed: in total, or with `DIMENSION=PERCENT` of one dimension (repeatable)
    #[arg(long = "min", value_name = "[DIMENSION=]PERCENT")]
    pub minimums: Vec<CoverageMinimum>,
    /// Write a report, as for `run`, in any format but `shell`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Show nothing if the coverage is high enough
    #[arg(long, short = 'q', conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Show every operation, and everything that was never observed
    #[arg(long, short = 'v', help_heading = "Output")]
    pub verbose: bool,
}

/// `conforme recheck`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme recheck run.ndjson users")]
pub struct RecheckArgs {
    /// A recording, written by `run --record`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Cases, as for `run`
    #[arg(value_name = "PATH|ID")]
    pub names: Vec<String>,
    /// Only cases with this tag; given again, cases with any of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Exit with 1 if more than N cases are skipped or have skipped steps [default: as recorded]
    #[arg(long, env = "CONFORME_MAX_SKIPPED", value_name = "N")]
    pub max_skipped: Option<usize>,
    /// Write a report, as for `run`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme teardown`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme teardown run.ndjson")]
pub struct TeardownArgs {
    /// The recording of the killed run, written by `run --record`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Send this step again before the teardown, such as a login whose secret is not in the recording (repeatable)
    #[arg(long = "repeat-step", value_name = "STEP")]
    pub repeated: Vec<String>,
    /// The target [default: the recorded one]
    #[arg(long, value_name = "NAME|URL")]
    pub target: Option<String>,
    /// Where its values come from.
    #[command(flatten)]
    pub values: ValueArgs,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme explore`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme explore --case orders/list --target http://localhost:8080 --for 60s")]
pub struct ExploreArgs {
    /// The case whose request is changed: `suite/case`, or `suite/case[example]`
    #[arg(long, value_name = "ID")]
    pub case: String,
    /// The step whose request is changed [default: the last one]
    #[arg(long, value_name = "ID")]
    pub step: Option<String>,
    /// Seed of the generated values: with the same seed, the same requests are sent in the same order [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How long requests are generated
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, default_value = "60s")]
    pub time: Duration,
    /// Target of conforme.toml, base URL of an API, or `reference` for the embedded API [default: `default_target`]
    #[arg(long, env = TARGET_VARIABLE, value_name = "NAME|URL", help_heading = "Target")]
    pub target: Option<String>,
    /// Where its values come from.
    #[command(flatten)]
    pub values: ValueArgs,
    /// Allow effects on a target that is not loopback: `explore` for generated requests, and the effects of the case
    #[arg(long = "allow", value_name = "EFFECT", help_heading = "Target")]
    pub allow: Vec<String>,
    /// Limits of its requests.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Write a report on the case and the rows that were found, as for `run`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Record the requests of the case and the rows that were found
    #[arg(long, value_name = "PATH")]
    pub record: Option<PathBuf>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme report`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme report run.ndjson --report html=report.html")]
pub struct ReportArgs {
    /// A recording, written by `run --record` or `run --report json`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Exit with 1 if more than N cases are skipped or have skipped steps [default: show the recorded gate, and exit with 0]
    #[arg(long, env = "CONFORME_MAX_SKIPPED", value_name = "N")]
    pub max_skipped: Option<usize>,
    /// Write a report, as for `run`
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme list`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme list --target staging --tag smoke")]
pub struct ListArgs {
    /// Which cases, on which target.
    #[command(flatten)]
    pub select: SelectArgs,
    /// The format: lines for people, or one JSON document for programs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

/// `--format` of `conforme list`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Lines
    Text,
    /// `{ "cases": [{ "id", "name", "tags", "skip", "skipped_steps" }] }`
    Json,
}

/// `conforme accept`, `conforme reject`
#[derive(Debug, Args)]
#[command(after_help = "Ids are those of `conforme list`, such as `users` or `users/get`.")]
pub struct SettleArgs {
    /// Ids of cases, or of suites [default: all pending snapshots]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

/// `conforme schema`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme schema case > schemas/case.schema.json")]
pub struct SchemaArgs {
    /// The file format
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A case file
    Case,
    /// suite.yaml
    Suite,
    /// conforme.toml
    Config,
    /// accepted-changes.toml
    Accepted,
    /// A line of a recording or of `--report json`
    Event,
    /// The output of `conforme compare --report json`
    Comparison,
    /// The same for two `OpenAPI` documents
    DocumentComparison,
    /// The same for several targets
    Matrix,
    /// The output of `conforme mutate --report json`
    Measurement,
    /// The output of `conforme coverage --report json`
    Coverage,
}

/// `conforme serve`
#[cfg(feature = "reference")]
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  conforme serve --port 8080")]
pub struct ServeArgs {
    /// Port; 0 selects a free one
    #[arg(long, short = 'p', default_value_t = 0, value_name = "PORT")]
    pub port: u16,
    /// Tenants, users and tokens to serve instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// Mail server that activation e-mails are sent to, such as `smtp://127.0.0.1:1025` [default: none are sent]
    #[arg(long, value_name = "URL")]
    pub smtp: Option<String>,
}

impl SelectArgs {
    /// The selected cases.
    pub(super) fn filter(&self) -> CaseFilter {
        CaseFilter {
            names: self.names.clone(),
            tags: self.tags.clone(),
            ids: Vec::new(),
        }
    }

    /// Options of the target.
    pub(super) fn target_options(&self, printer: &mut Printer) -> Result<TargetOptions, SessionError> {
        Ok(TargetOptions {
            target: self.targets.first().cloned(),
            allow: self.allow.clone(),
            ..self.values.target_options(TargetOptions::default(), printer)?
        })
    }
}

impl LiveArgs {
    /// Options of the targets.
    pub(super) fn options(self, repeats: u32, printer: &mut Printer) -> Result<LockstepOptions, SessionError> {
        Ok(LockstepOptions {
            target: TargetOptions {
                allow: self.allow,
                ..self.values.target_options(self.limits.target_options(), printer)?
            },
            repeats,
            skip_missing: self.skip_missing,
            max_skipped: None,
        })
    }
}

impl ValueArgs {
    /// These options with the values of the target. Environment files are read.
    pub(super) fn target_options(
        &self,
        options: TargetOptions,
        printer: &mut Printer,
    ) -> Result<TargetOptions, SessionError> {
        Ok(TargetOptions {
            vars: self.vars.clone(),
            vars_files: self.vars_files.clone(),
            environment: printer.environment(&self.environment.env_files)?,
            ..options
        })
    }
}

impl LimitArgs {
    /// Options of the target.
    pub(super) fn target_options(&self) -> TargetOptions {
        TargetOptions {
            jobs: self.jobs.map(usize::from),
            rate_limit: self.rate_limit,
            burst: self.burst,
            timeout: self.timeout,
            deadline: self.deadline,
            ca_file: self.ca_file.clone(),
            ..TargetOptions::default()
        }
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    let text = text.strip_suffix('%').unwrap_or(text);
    match text.parse::<f64>() {
        Ok(score) if (0.0..=100.0).contains(&score) => Ok(score),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
