//! Every case of a project as a test of `cargo test` and `cargo nextest run`.
//!
//! A test target with `harness = false` starts the API in its own process and hands over its URL:
//!
//! ```toml
//! # Cargo.toml
//! [[test]]
//! name = "contract"
//! harness = false
//! ```
//!
//! ```no_run
//! // tests/contract.rs
//! use std::process::ExitCode;
//!
//! use axum::{Router, routing::get};
//!
//! fn main() -> ExitCode {
//!     conforme::libtest::main(async || {
//!         let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
//!         let url = format!("http://{}", listener.local_addr().expect("an address"));
//!         let api = Router::new().route("/users/42", get(async || "{}"));
//!         tokio::spawn(async { axum::serve(listener, api).await });
//!         url
//!     })
//! }
//! ```
//!
//! The project is the one in the folder of the package, as for `conforme run`. The case `users/get[admin]` is the test
//! `users::get[admin]`. A case that fails prints what `conforme run` prints for it. A skipped case is an ignored test.
//!
//! All tests of a process are one run, so limits, groups and stops of the target apply to it. `cargo nextest` starts a process
//! for each test, and each of them starts the API.

mod outcomes;
mod running_api;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use libtest_mimic::{Arguments, ColorSetting, Completion, Failed, Trial};

use crate::{
    plan,
    project::TargetOptions,
    report::Colors,
    run::SnapshotMode,
    session::{CaseFilter, Notices, OutputMask, RunRequest, SessionError, Workspace, in_ci, run},
};

use outcomes::{CaseOutcomes, OutcomeReporter};
pub use running_api::RunningApi;

/// Runs the cases of the project in the working directory, which is the folder of the package, as tests. `start` starts the
/// API and returns its URL. See [`ContractTests`] for further settings.
pub fn main<A: Into<RunningApi>>(start: impl AsyncFnOnce() -> A + Send + 'static) -> ExitCode {
    ContractTests::default().run(start)
}

/// The cases of a project as tests.
///
/// ```no_run
/// use conforme::libtest::{ContractTests, RunningApi};
///
/// # async fn start_server() -> (u16, String) { (0, String::new()) }
/// fn main() -> std::process::ExitCode {
///     ContractTests::default().project("contract").target("local").allow("email").run(async || {
///         let (port, token) = start_server().await;
///         RunningApi::at(format!("http://127.0.0.1:{port}")).secret("token", token)
///     })
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing runs before `run`"]
pub struct ContractTests {
    project: Option<PathBuf>,
    target: TargetOptions,
    skip_missing: bool,
}

impl ContractTests {
    /// The folder of the project, relative to the folder of the package; by default that folder itself.
    pub fn project(mut self, folder: impl Into<PathBuf>) -> Self {
        self.project = Some(folder.into());
        self
    }

    /// A target of `conforme.toml`: its variables, secrets, headers and limits apply, at the URL of the started API.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.target.target = Some(name.into());
        self
    }

    /// The value of an input. Values that are known only when the API runs are given by [`RunningApi::var`].
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.vars.push((name.into(), value.into()));
        self
    }

    /// Permits an effect. On loopback all effects are permitted.
    pub fn allow(mut self, effect: impl Into<String>) -> Self {
        self.target.allow.push(effect.into());
        self
    }

    /// Ignores cases that need an input without a value, instead of failing all tests.
    pub fn skip_missing(mut self) -> Self {
        self.skip_missing = true;
        self
    }

    /// Runs the tests that the arguments of the process select, and returns the exit code for `main`: 0, or 101 if a test
    /// failed. `start` is called before the first test, in a runtime that runs until the last test has ended. It is not
    /// called if no test runs, as for `--list`.
    pub fn run<A: Into<RunningApi>>(self, start: impl AsyncFnOnce() -> A + Send + 'static) -> ExitCode {
        let arguments = Arguments::from_args();
        let cases = match CargoTest::all(&self) {
            Ok(cases) => cases,
            Err(error) => {
                let text = error_text(&error, &OutputMask::default());
                drop(writeln!(io::stderr(), "{text}"));
                return error.exit().into();
            }
        };
        let trial_of = |case: &CargoTest, runner| case.trial(&arguments, runner);
        let is_run = |case: &&CargoTest| {
            let trial = trial_of(case, None);
            !arguments.is_filtered_out(&trial) && !arguments.is_ignored(&trial)
        };
        let selected: Vec<_> = cases.iter().filter(is_run).map(|case| case.id.clone()).collect();
        let is_all = selected.len() == cases.len();
        let request = RunRequest {
            project: self.project,
            filter: CaseFilter {
                ids: if is_all { Vec::new() } else { selected },
                ..CaseFilter::default()
            },
            target: TargetOptions {
                jobs: arguments.test_threads,
                ..self.target
            },
            skip_missing: self.skip_missing,
            snapshots: if in_ci() {
                SnapshotMode::Check
            } else {
                SnapshotMode::Pending
            },
            ..RunRequest::default()
        };
        let colors = Colors::new(is_colored(&arguments));
        let start = move |outcomes| run_cases(request, start, &outcomes, colors);
        let shared = Arc::new(SharedRun::new(start));
        let trials = cases.iter().map(|case| trial_of(case, Some(Arc::clone(&shared))));
        let conclusion = libtest_mimic::run(&arguments, trials.collect());
        shared.join();
        conclusion.exit_code()
    }
}

fn is_colored(arguments: &Arguments) -> bool {
    match arguments.color {
        Some(ColorSetting::Always) => true,
        Some(ColorSetting::Never) => false,
        None | Some(ColorSetting::Auto) => io::stdout().is_terminal(),
    }
}

/// A case as a test.
struct CargoTest {
    id: String,
    /// Why it is skipped, if its file says so.
    skip: Option<String>,
}

impl CargoTest {
    /// The cases of the project, in the order of its files.
    fn all(tests: &ContractTests) -> Result<Vec<Self>, SessionError> {
        let workspace = Workspace::open(tests.project.as_deref(), &mut ())?;
        let case = |case: &Arc<crate::suite::Case>| Self {
            id: case.id.clone(),
            skip: plan::skip(case, None),
        };
        Ok(workspace.suites.cases.iter().map(case).collect())
    }

    /// The test. Without `--ignored` and `--list`, a skipped case is not marked as ignored: its reason is only printed if it
    /// runs.
    fn trial(&self, arguments: &Arguments, run: Option<Arc<SharedRun>>) -> Trial {
        let is_selecting = arguments.list || arguments.ignored;
        let (id, skip) = (self.id.clone(), self.skip.clone());
        let runner = move || match (skip, run) {
            (Some(reason), _) => Ok(Completion::ignored_with(reason)),
            (None, Some(run)) => run.outcome(&id),
            (None, None) => Ok(Completion::Completed),
        };
        Trial::ignorable_test(self.id.replace('/', "::"), runner).with_ignored_flag(is_selecting && self.skip.is_some())
    }
}

/// What sends the requests, once it is started.
type StartRun = Box<dyn FnOnce(Arc<CaseOutcomes>) + Send>;

/// One run for all tests of the process, which the first test starts.
struct SharedRun {
    start: Mutex<Option<StartRun>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    outcomes: Arc<CaseOutcomes>,
}

impl SharedRun {
    fn new(start: impl FnOnce(Arc<CaseOutcomes>) + Send + 'static) -> Self {
        Self {
            start: Mutex::new(Some(Box::new(start))),
            thread: Mutex::new(None),
            outcomes: Arc::default(),
        }
    }

    /// The outcome of a case, as soon as it is known.
    fn outcome(&self, id: &str) -> Result<Completion, Failed> {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(start) = start {
            let outcomes = Arc::clone(&self.outcomes);
            let run = move || {
                // Also if the run panics.
                let _ended = outcomes.end_on_drop();
                start(Arc::clone(&outcomes));
            };
            let thread = thread::Builder::new().name("contract".to_owned()).spawn(run);
            let thread = thread.map_err(|error| format!("failed to start the run: {error}"))?;
            *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        }
        self.outcomes.wait(id)
    }

    /// Waits until the run has ended and the API is stopped.
    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic was printed, and the tests without an outcome have failed.
        drop(thread.map(JoinHandle::join));
    }
}

/// Starts the API, sends the requests, and stops the API.
fn run_cases<A: Into<RunningApi>>(
    mut request: RunRequest,
    start: impl AsyncFnOnce() -> A + Send + 'static,
    outcomes: &Arc<CaseOutcomes>,
    colors: Colors,
) {
    let api = match running_api::serve(start) {
        Ok(api) => api,
        Err(reason) => return outcomes.end(reason),
    };
    request.target.vars.extend(api.vars.iter().cloned());
    request.target.secrets.extend(api.secrets.iter().cloned());
    request.target.base_url = Some(api.base_url.clone());
    request.targets = vec![request.target.target.take().unwrap_or_else(|| api.base_url.clone())];
    let mut notices = MaskNotices(OutputMask::default());
    let reporter = OutcomeReporter::new(Arc::clone(outcomes), colors);
    if let Err(error) = run(&request, Box::new(reporter), &mut notices) {
        outcomes.end(error_text(&error, &notices.0));
    }
    api.stop();
}

/// Learns the secrets of the run, to mask them in an error.
struct MaskNotices(OutputMask);

impl Notices for MaskNotices {
    fn secret_sources(&mut self, sources: Vec<(String, crate::project::SecretSource)>) {
        self.0.secret_sources(sources);
    }

    fn mask(&mut self, masker: &Arc<crate::mask::Masker>) {
        self.0.mask(masker);
    }
}

/// An error with the lines that it is about.
fn error_text(error: &SessionError, mask: &OutputMask) -> String {
    let located = match error {
        SessionError::Invalid { errors, sources } => errors.render(sources, false) + "\n\n",
        _ => String::new(),
    };
    let help = error.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    mask.text(&format!("{located}error: {error}{help}"))
}
