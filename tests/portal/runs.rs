//! Runs of the shipped suite in this process, as a user would test a deployment.

use std::{
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conforme::{
    CaseFilter, Event, Exit, Masked, RecheckRequest, Reporter, RunRequest, Secret, TargetOptions, Verdict,
    model::Level,
    report::{Colors, RunTerminal, TerminalOptions},
    session::{Workspace, recheck_in, run_in},
};

use crate::portal::{self, Portal};

/// The result of a run.
pub(crate) struct RunResult {
    /// Its exit code.
    pub exit: Exit,
    /// The verdict of each case, sorted.
    pub verdicts: Vec<(String, Verdict)>,
    /// The findings that fail a case, or the output on the terminal.
    pub text: String,
}

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

thread_local! {
    /// The shipped suite, which each thread loads once.
    static SUITE: Workspace = Workspace::open(Some(repository()), &mut ()).expect("a valid project");
}

/// Runs the suite against a portal.
pub(crate) fn run(portal: &Portal, recording: Option<&Path>) -> RunResult {
    run_at(portal.base_url(), recording, false)
}

/// Runs the suite against a URL and keeps the output on the terminal.
pub(crate) fn run_shown(base_url: String) -> RunResult {
    run_at(base_url, None, true)
}

fn run_at(base_url: String, recording: Option<&Path>, is_shown: bool) -> RunResult {
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let secret = |(name, value): (&str, &str)| {
        let secret = Secret::new(value.to_owned()).expect("a value that can be masked");
        (name.to_owned(), secret)
    };
    let request = RunRequest {
        targets: vec![base_url],
        target: TargetOptions {
            vars: portal::variables().map(text).into(),
            secrets: portal::secrets().map(secret).into(),
            timeout: Some(Duration::from_secs(2)),
            ..TargetOptions::default()
        },
        record: recording.map(Path::to_owned),
        ..RunRequest::default()
    };
    collect(is_shown, |reporter| {
        SUITE.with(|suite| run_in(suite, &request, reporter, &mut ()))
    })
}

/// Judges the responses of a recording.
pub(crate) fn run_again(recording: &Path) -> RunResult {
    let request = RecheckRequest {
        filter: CaseFilter::default(),
        recording: recording.to_owned(),
        ..RecheckRequest::default()
    };
    collect(false, |reporter| {
        SUITE.with(|suite| recheck_in(suite, &request, reporter, &mut ()))
    })
}

fn collect(is_shown: bool, run: impl FnOnce(Box<dyn Reporter>) -> Result<Exit, conforme::SessionError>) -> RunResult {
    let collected = Collected::default();
    let terminal = || RunTerminal::new(collected.clone(), Colors::new(false), TerminalOptions::default());
    let exit = run(Box::new(Collector {
        terminal: is_shown.then(terminal),
        collected: collected.clone(),
    }));
    let mut collected = collected.0.lock().unwrap_or_else(PoisonError::into_inner);
    let Output { mut verdicts, text } = std::mem::take(&mut *collected);
    verdicts.sort();
    RunResult {
        exit: exit.expect("the request is valid"),
        verdicts,
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// The output of a run so far.
#[derive(Default)]
struct Output {
    verdicts: Vec<(String, Verdict)>,
    text: Vec<u8>,
}

/// The same, for its writer and its reader.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Output>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        collected.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Collector {
    /// The terminal takes a sixth of the time of a run, and hardly a test reads it.
    terminal: Option<RunTerminal<Collected>>,
    collected: Collected,
}

impl Reporter for Collector {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        if let Event::CaseFinished(case) = &**event {
            let mut collected = self.collected.0.lock().unwrap_or_else(PoisonError::into_inner);
            collected.verdicts.push((case.id.clone(), case.verdict));
            let findings = case.last.steps.iter().flat_map(|step| &step.findings);
            for finding in findings.filter(|finding| self.terminal.is_none() && finding.level == Level::Deny) {
                let line = format!("{}: {} {}\n", case.id, finding.check, finding.message);
                collected.text.extend_from_slice(line.as_bytes());
            }
        }
        self.terminal.as_mut().map_or(Ok(()), |terminal| terminal.event(event))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.terminal.as_mut().map_or(Ok(()), Reporter::finish)
    }
}
