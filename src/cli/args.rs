//! Flags.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    model::Partition,
    project::{Rate, TargetOptions},
    report::{FinalStatusLevel, ReportSpec, StatusLevel, TerminalOptions},
    run::SnapshotMode,
    session::{CaseFilter, LockstepOptions, TARGET_VARIABLE},
    source::parse_duration,
};

/// Contract tests for HTTP APIs: sends the requests of a suite to a target and checks the responses.
#[derive(Debug, Parser)]
#[command(name = "conforme", version, max_term_width = 100)]
#[command(after_help = "Exit codes of `run`, `compare`, `recheck` and `merge`:\n\
0 the contract is met, 1 it is violated (or a change is breaking),\n\
2 usage or an invalid suite, 3 no verdict (unreachable, no HTTP),\n\
4 no case ran, 5 a report could not be written, 130 and 143 interrupted.")]
pub struct Cli {
    /// The project: the directory with `conforme.toml`, or one below it [default: the working directory]
    #[arg(long, short = 'C', global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Colors: `auto` depends on the terminal, `NO_COLOR` and `CLICOLOR_FORCE`
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When output is colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless overridden by the environment.
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
    /// Check suites, schemas and configuration without sending anything
    Validate,
    /// List the cases that `run` would run, and why others are skipped
    List(ListArgs),
    /// Merge the recordings of the parts of a run into one report and one exit code
    Merge(MergeArgs),
    /// Compare two API versions by their responses and report breaking changes
    Compare(CompareArgs),
    /// Measure a suite: change recorded responses as regressions would, check each of them, and print a score and the
    /// checks to add
    Mutate(MutateArgs),
    /// Check the responses of a recording again with the current suite, and print the new verdicts
    Recheck(RecheckArgs),
    /// Run the teardown of unfinished cases of a recorded run whose process was killed
    Teardown(TeardownArgs),
    /// Generate reports from a recorded run
    Report(ReportArgs),
    /// Review pending snapshots one by one, and accept or reject each
    Review,
    /// Accept pending snapshots
    Accept(SettleArgs),
    /// Discard pending snapshots
    Reject(SettleArgs),
    /// Print the JSON Schema of suite files, for editors, or of recordings
    Schema(SchemaArgs),
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
    /// A target of conforme.toml, the base URL of an API, or `reference` for the embedded API [default: `default_target` of
    /// conforme.toml]; `run` accepts several and tests them side by side
    #[arg(long = "target", env = TARGET_VARIABLE, value_name = "NAME|URL")]
    pub targets: Vec<String>,
    /// A variable of the target; secrets are set with `CONFORME_SECRET_<NAME>` only
    #[arg(long = "var", value_name = "K=V", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// Only cases with this tag; given again, cases with any of them
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only a part of the cases: `hash:1/3`, which stays the same as cases are added, or `slice:1/3`, equal in size
    #[arg(long, env = "CONFORME_PARTITION", value_name = "KIND:M/N")]
    pub partition: Option<Partition>,
    /// Skip the cases that need an input which the target does not define; without this, they are an error
    #[arg(long, env = "CONFORME_SKIP_MISSING", value_parser = clap::builder::BoolishValueParser::new())]
    pub skip_missing: bool,
    /// Allow cases that have this effect, such as `email`, on a target that is not loopback
    #[arg(long = "allow", value_name = "EFFECT")]
    pub allow: Vec<String>,
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Which cases get a line as they finish; each level shows what those before it show
    #[arg(long, env = "CONFORME_STATUS_LEVEL", value_name = "LEVEL", value_enum, default_value_t = StatusLevel::Skip)]
    pub status_level: StatusLevel,
    /// Which cases the summary names again
    #[arg(long, env = "CONFORME_FINAL_STATUS_LEVEL", value_name = "LEVEL", value_enum, default_value_t = FinalStatusLevel::Flaky)]
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
pub struct LimitArgs {
    /// Maximum number of concurrent requests [default: 16 on loopback, 4 elsewhere]
    #[arg(long, short = 'j', env = "CONFORME_JOBS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Maximum request rate, retries included: 50/s, 100/m, 1000/h
    #[arg(long, env = "CONFORME_RATE_LIMIT", value_name = "N/TIME")]
    pub rate_limit: Option<Rate>,
    /// Maximum burst of requests within the rate limit [default: 1]
    #[arg(long, env = "CONFORME_BURST", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub burst: Option<u32>,
    /// Timeout of one request, unless the case sets its own [default: 10s]
    #[arg(long, env = "CONFORME_TIMEOUT", value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// End the run after this time, waits and retries included; cases without a verdict count as not run
    #[arg(long, env = "CONFORME_DEADLINE", value_name = "DURATION", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
    /// A PEM file of certificate authorities to trust in addition to the platform's
    #[arg(long, env = "CONFORME_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// `conforme run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which cases, on which target.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Limits of its requests.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Retry a case up to N times if it has no response, or 429 or 503 with `Retry-After` [default: 0]
    #[arg(long, env = "CONFORME_RETRIES", value_name = "N", value_parser = clap::value_parser!(u32).range(..=100))]
    pub retries: Option<u32>,
    /// Maximum time to wait for the target: until its `ready` request succeeds, or else until its port is open
    #[arg(long, env = "CONFORME_WAIT", value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<Duration>,
    /// Run each case N times: all responses must pass, and `compare` treats values that differ among them as noise
    #[arg(long, env = "CONFORME_REPEATS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeats: u32,
    /// Stop after N failures
    #[arg(long, env = "CONFORME_MAX_FAIL", value_name = "N", value_parser = at_least_one)]
    pub max_fail: Option<usize>,
    /// Exit with 1 if more than N cases are skipped
    #[arg(long, env = "CONFORME_MAX_SKIPPED", value_name = "N")]
    pub max_skipped: Option<usize>,
    /// How to handle a response that differs from its snapshot [default: check if CI is set, else pending]
    #[arg(long, env = "CONFORME_SNAPSHOTS", value_name = "MODE", value_enum)]
    pub snapshots: Option<Snapshots>,
    /// Write a report: junit, html, markdown, github, sarif, tap or json; without a path, to standard output
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Record every request, response and verdict as NDJSON
    #[arg(long, env = "CONFORME_RECORD", value_name = "PATH")]
    pub record: Option<PathBuf>,
    /// If the run passes, measure the suite by its responses: see `conforme mutate`
    #[arg(long)]
    pub mutate: bool,
    /// With --mutate, exit with 1 if the score is lower than this, in percent
    #[arg(long, env = "CONFORME_MIN_SCORE", value_name = "PERCENT", value_parser = percentage)]
    pub min_score: Option<f64>,
    /// Run only cases that did not pass in this recording, changed cases and new cases
    #[arg(long, value_name = "RECORDING")]
    pub failed_from: Option<PathBuf>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `--snapshots`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Snapshots {
    /// Fail the case, write nothing
    Check,
    /// Fail the case, write the new snapshot beside the old one for `review`
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
pub struct MergeArgs {
    /// Recordings of runs with `--partition`, all of the same suite and target
    #[arg(value_name = "RECORDING", required = true)]
    pub recordings: Vec<PathBuf>,
    /// Exit with 1 if more than N cases are skipped in all parts together [default: as recorded]
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
pub struct CompareArgs {
    /// Version to compare with: a recording, a target of conforme.toml, or the base URL of an API
    #[arg(long, value_name = "RECORDING|TARGET")]
    pub baseline: String,
    /// Version under test: a recording, a target of conforme.toml, or the base URL of an API
    #[arg(long, value_name = "RECORDING|TARGET")]
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
    /// Write a report, as for `run`
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
    /// A variable of every target; secrets are set with `CONFORME_SECRET_<NAME>` only
    #[arg(long = "var", value_name = "K=V", value_parser = variable)]
    pub vars: Vec<(String, String)>,
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
    /// None: report only
    None,
}

/// `conforme mutate`
#[derive(Debug, Args)]
#[command(
    after_help = "The score is killed / (killed + survived), in percent. A changed response is\n\
killed if a check fails for it, and survives if none does. Survivors that\n\
suite.yaml accepts do not count, nor do changes that mean the same. Incidental\n\
header fields (server, date, x-powered-by, ids of requests) are not changed.\n\
Cases without a recorded response that passed are not measured.\n\n\
Exit codes: 0 the score is high enough, 1 it is below --min-score,\n\
2 usage or an invalid suite, 3 no change counts, 4 no case was selected."
)]
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
    /// Exit with 1 if the score is lower than this, in percent
    #[arg(long, env = "CONFORME_MIN_SCORE", value_name = "PERCENT", value_parser = percentage)]
    pub min_score: Option<f64>,
    /// Number of threads [default: the number of cores]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write a report: markdown, html or json; without a path, to standard output
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<ReportSpec>,
    /// Show nothing if the score is high enough
    #[arg(long, short = 'q', conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// Show every survivor, every operator, and accepted mutants
    #[arg(long, short = 'v', help_heading = "Output")]
    pub verbose: bool,
}

/// `conforme recheck`
#[derive(Debug, Args)]
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
    /// Exit with 1 if more than N cases are skipped [default: as recorded]
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
pub struct TeardownArgs {
    /// The recording of the killed run, written by `run --record`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// The target [default: the recorded one]
    #[arg(long, value_name = "NAME|URL")]
    pub target: Option<String>,
    /// A variable of the target; secrets are set with `CONFORME_SECRET_<NAME>` only
    #[arg(long = "var", value_name = "K=V", value_parser = variable)]
    pub vars: Vec<(String, String)>,
    /// Terminal output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `conforme report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A recording, written by `run --record` or `run --report json`
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,
    /// Exit with 1 if more than N cases are skipped [default: show the recorded gate, and exit with 0]
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
pub struct ListArgs {
    /// Which cases, on which target.
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `conforme accept`, `conforme reject`
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// Ids of cases, or of suites [default: all pending snapshots]
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

/// `conforme schema`
#[derive(Debug, Args)]
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
    /// A line of a recording or of `--report json`
    Event,
    /// The output of `conforme compare --report json`
    Comparison,
    /// The same for several targets
    Matrix,
    /// The output of `conforme mutate --report json`
    Measurement,
}

/// `conforme serve`
#[cfg(feature = "reference")]
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The port; 0 selects a free one
    #[arg(long, short = 'p', default_value_t = 0, value_name = "PORT")]
    pub port: u16,
    /// Tenants, users and tokens to serve instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
}

impl SelectArgs {
    /// The selected cases.
    pub(super) fn filter(&self) -> CaseFilter {
        CaseFilter {
            names: self.names.clone(),
            tags: self.tags.clone(),
        }
    }

    /// Options of the target.
    pub(super) fn target_options(&self) -> TargetOptions {
        TargetOptions {
            target: self.targets.first().cloned(),
            vars: self.vars.clone(),
            allow: self.allow.clone(),
            ..TargetOptions::default()
        }
    }
}

impl LiveArgs {
    /// Options of the targets.
    pub(super) fn options(self, repeats: u32) -> LockstepOptions {
        LockstepOptions {
            target: TargetOptions {
                vars: self.vars,
                allow: self.allow,
                ..self.limits.target_options()
            },
            repeats,
            skip_missing: self.skip_missing,
            max_skipped: None,
        }
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
