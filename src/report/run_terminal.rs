//! The terminal output of a run: a line for each case as it finishes, with its findings, and a summary.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, Write},
};

use clap::ValueEnum;

use super::{
    Colors, Reporter,
    escape::{LogCommandFilter, visible},
    from::run::RunSource,
    limits::terminal::{BODY, NAMED_COUNT, RUNNING_COUNT},
    model::ListKind,
    plain::{self, Detail, LinePart},
    text::{cases, count, millis, seconds},
};
use crate::{
    check::status_name,
    mask::Masked,
    model::{
        Attempt, CaseFinished, CaseRetried, CaseSlow, Content, Event, Exchange, Level, Outcome, RunFinished,
        RunStarted, RunStopping, Stop, TargetAwaited, Verdict,
    },
};

/// Which cases have a line as they finish; each level includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum StatusLevel {
    /// No case
    None,
    /// Failed and errored cases
    Fail,
    /// Failed attempts, and flaky cases
    Retry,
    /// Slow cases
    Slow,
    /// Passed cases
    Pass,
    /// Skipped cases
    Skip,
    /// Cases that passed before or did not run, too
    All,
}

/// Which cases the summary names again; each level includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum FinalStatusLevel {
    /// No case
    None,
    /// Failed and errored cases
    Fail,
    /// Flaky cases
    Flaky,
    /// Slow cases
    Slow,
    /// Skipped cases
    Skip,
    /// Passed cases
    Pass,
    /// Cases that passed before or did not run, too
    All,
}

/// How much the terminal shows of a run.
#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions {
    /// Which cases have a line.
    pub status: StatusLevel,
    /// Which cases the summary names.
    pub last: FinalStatusLevel,
    /// Nothing but failures.
    pub quiet: bool,
    /// Every request and response of the cases that have a line.
    pub verbose: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self {
            status: StatusLevel::Skip,
            last: FinalStatusLevel::Flaky,
            quiet: false,
            verbose: false,
        }
    }
}

/// Shows a run on a terminal.
pub struct RunTerminal<W> {
    out: LogCommandFilter<W>,
    colors: Colors,
    options: TerminalOptions,
    run: RunSource,
    /// The cases that the summary names, by their position in the plan.
    named: BTreeMap<usize, (Verdict, String)>,
    /// Cases that were reported as slow and are still running.
    slow: BTreeSet<usize>,
    /// Cases that were reported as slow.
    slow_count: usize,
    /// Why cases were not run.
    not_run: Option<String>,
}

impl<W: Write> RunTerminal<W> {
    /// Shows a run on `out`.
    pub fn new(out: W, colors: Colors, options: TerminalOptions) -> Self {
        Self {
            out: LogCommandFilter::new(out),
            colors,
            options,
            run: RunSource::default(),
            named: BTreeMap::new(),
            slow: BTreeSet::new(),
            slow_count: 0,
            not_run: None,
        }
    }

    fn rule(&mut self) -> io::Result<()> {
        let rule = self.colors.faint("────────────");
        writeln!(self.out, "{rule}")
    }

    fn started(&mut self, started: &RunStarted) -> io::Result<()> {
        self.run.start(started);
        if self.options.quiet {
            return Ok(());
        }
        let target = if started.target == started.base_url {
            visible(&started.base_url).into_owned()
        } else {
            format!("{} ({})", visible(&started.target), visible(&started.base_url))
        };
        let label = self.colors.good(&format!("{:>12}", "Starting"));
        let (cases, suites) = (cases(started.cases), count(started.suites, "suite"));
        writeln!(self.out, "{label} {cases} of {suites} against {target}")?;
        self.rule()
    }

    fn finished(&mut self, finished: &CaseFinished) -> io::Result<()> {
        self.run.add(finished);
        if finished.verdict == Verdict::NotRun && self.not_run.is_none() {
            self.not_run.clone_from(&finished.last.reason);
        }
        let was_slow = self.slow.remove(&finished.index);
        if self.options.last >= named_from(finished, was_slow) {
            let named = (finished.verdict, finished.id.clone());
            self.named.insert(finished.index, named);
        }
        if self.options.status < shown_from(finished, was_slow) {
            return Ok(());
        }
        self.line(finished)?;
        match finished.verdict {
            Verdict::Passed => {
                self.skipped_steps(&finished.last)?;
                self.exchanges(&finished.last)
            }
            Verdict::Skipped | Verdict::NotRun => self.detail(finished.last.reason.as_deref().unwrap_or_default()),
            Verdict::Failed | Verdict::Errored | Verdict::Flaky => self.attempts(finished),
        }
    }

    /// The steps of a passed case that were skipped; a case of another verdict lists all its steps.
    fn skipped_steps(&mut self, attempt: &Attempt) -> io::Result<()> {
        for step in attempt.skipped_steps() {
            self.detail(&plain::step_title(step))?;
        }
        Ok(())
    }

    /// The line of a case. Most output of a large run is such lines, so each is written as one text.
    fn line(&mut self, finished: &CaseFinished) -> io::Result<()> {
        let mut line = self.word(finished.verdict);
        match finished.verdict {
            Verdict::Skipped | Verdict::NotRun => line.push_str(" [         ] "),
            _ => {
                let _ = write!(line, " [{:>8}s] ", time(finished.last.elapsed_us()));
            }
        }
        self.push_id(&mut line, &finished.id);
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    fn awaited(&mut self, awaited: &TargetAwaited) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        let word = self.colors.odd(&format!("{:>12}", "WAITING"));
        let left = millis(awaited.left_us).saturating_add(500) / 1000;
        writeln!(self.out, "{word} up to {left}s for the target")?;
        self.detail(&awaited.reason)
    }

    fn slow(&mut self, slow: &CaseSlow) -> io::Result<()> {
        self.slow_count += usize::from(self.slow.insert(slow.index));
        if self.options.status < StatusLevel::Slow || self.options.quiet {
            return Ok(());
        }
        let word = self.colors.odd(&format!("{:>12}", "SLOW"));
        let id = self.id(&slow.id);
        writeln!(self.out, "{word} [>{:>7}s] {id}", time(slow.elapsed_us))
    }

    /// What is waited for after Ctrl-C; in a log too, and with `--quiet`.
    fn stopping(&mut self, stopping: &RunStopping) -> io::Result<()> {
        let word = self.colors.odd(&format!("{:>12}", "STOPPING"));
        let signal = stopping.signal.text();
        if stopping.cases.is_empty() {
            return writeln!(self.out, "{word} {signal}");
        }
        let most = millis(stopping.most_us) / 1000;
        let waits = cases(stopping.cases.len());
        writeln!(self.out, "{word} {signal}: waiting up to {most}s for {waits}")?;
        for one in stopping.cases.iter().take(RUNNING_COUNT) {
            let teardown = if one.has_teardown { " and its teardown" } else { "" };
            let id = self.id(&one.id);
            writeln!(self.out, "             [{:>8}s] {id}{teardown}", time(one.elapsed_us))?;
        }
        let more = stopping.cases.len().saturating_sub(RUNNING_COUNT);
        if more > 0 {
            self.detail(&format!("and {}", count(more, "more case")))?;
        }
        let again = if stopping.signal == Stop::Interrupted {
            "press Ctrl-C again"
        } else {
            "send the signal again"
        };
        self.detail(&format!("{again} to stop at once, without teardown"))
    }

    fn retried(&mut self, retried: &CaseRetried) -> io::Result<()> {
        if self.options.status < StatusLevel::Retry || self.options.quiet {
            return Ok(());
        }
        let word = format!("FAIL {}/{}", retried.number, retried.most);
        let word = self.colors.odd(&format!("{word:>12}"));
        let id = self.id(&retried.id);
        writeln!(self.out, "{word} [{:>8}s] {id}", time(retried.elapsed_us))?;
        let (reason, wait) = (&retried.reason, time(retried.wait_us));
        self.detail(&format!("{reason}; next attempt in {wait}s"))
    }

    /// What a case is that did not simply pass, and why.
    fn attempts(&mut self, finished: &CaseFinished) -> io::Result<()> {
        writeln!(self.out)?;
        for line in plain::item_lines(&self.run.item(finished), Detail::Brief) {
            let (lead, text) = (
                self.colors.faint(&line.lead()),
                colored(self.colors, line.part, &line.text),
            );
            writeln!(self.out, "    {lead}{text}")?;
        }
        self.exchanges(&finished.last)?;
        writeln!(self.out)
    }

    /// The requests and responses of an attempt, for `--verbose`.
    fn exchanges(&mut self, attempt: &Attempt) -> io::Result<()> {
        if !self.options.verbose {
            return Ok(());
        }
        for Exchange { request, outcome } in attempt.exchanges() {
            self.log('>', &format!("{} {}", request.method, request.url))?;
            self.message('>', &request.headers, &request.body)?;
            match outcome {
                Outcome::Response(response) => {
                    let status = match &response.reason {
                        Some(reason) => format!("{} {reason}", response.status),
                        None => status_name(response.status),
                    };
                    self.log('<', &format!("{} {status}", response.version))?;
                    self.message('<', &response.headers, &response.body)?;
                    for (name, value) in &response.trailers {
                        self.log('<', &format!("{name}: {value}"))?;
                    }
                }
                Outcome::Malformed(malformed) => self.message('<', &[], &malformed.bytes)?,
                Outcome::Failure(failure) => self.log('!', &failure.message)?,
            }
        }
        Ok(())
    }

    fn message(&mut self, sign: char, headers: &[(String, String)], body: &Content) -> io::Result<()> {
        for (name, value) in headers {
            self.log(sign, &format!("{name}: {value}"))?;
        }
        if body.is_empty() {
            return Ok(());
        }
        self.log(sign, "")?;
        let text = body.text();
        let shown = &text[..text.floor_char_boundary(BODY)];
        for line in shown.lines() {
            self.log(sign, line)?;
        }
        if shown.len() < text.len() {
            self.log(sign, &format!("… ({} in total)", count(body.length(), "byte")))?;
        }
        Ok(())
    }

    fn log(&mut self, sign: char, text: &str) -> io::Result<()> {
        let line = format!("{sign} {}", visible(text));
        let line = self.colors.faint(line.trim_end());
        writeln!(self.out, "      {line}")
    }

    fn detail(&mut self, text: &str) -> io::Result<()> {
        let text = self.colors.faint(&visible(text));
        writeln!(self.out, "             {text}")
    }

    fn summary(&mut self, finished: &RunFinished) -> io::Result<()> {
        if self.options.quiet && finished.exit_code == 0 {
            return Ok(());
        }
        self.run.finish(finished);
        let end = self.run.end();
        self.rule()?;
        let label = format!("{:>12}", "Summary");
        let label = self.colors.outcome(end.outcome, &label);
        let time = time(finished.elapsed_us);
        writeln!(self.out, "{label} [{time:>8}s] {}", end.headline)?;
        let named: Vec<_> = std::mem::take(&mut self.named).into_values().collect();
        for (verdict, id) in named.iter().take(NAMED_COUNT) {
            let (word, id) = (self.word(*verdict), self.id(id));
            writeln!(self.out, "{word} {id}")?;
        }
        if named.len() > NAMED_COUNT {
            self.detail(&format!("… and {} more", named.len() - NAMED_COUNT))?;
        }
        if self.slow_count > 0 {
            let word = self.colors.odd(&format!("{:>12}", "SLOW"));
            writeln!(self.out, "{word} {}", cases(self.slow_count))?;
        }
        for list in end.sections.iter().flat_map(|section| &section.lists) {
            let word = self.colors.odd(&format!("{:>12}", list.label.to_uppercase()));
            match list.kind {
                ListKind::Warnings => {
                    for entry in &list.entries {
                        writeln!(self.out, "{word} {}", entry.text())?;
                    }
                }
                ListKind::Stale => {
                    for (entry, location) in list
                        .entries
                        .iter()
                        .filter_map(|one| Some((one, one.location.as_ref()?)))
                    {
                        writeln!(self.out, "{word} {}: {}", visible(&location.file), entry.text())?;
                    }
                }
                _ if list.entries.is_empty() => {}
                _ if list.label == "pending" => {
                    writeln!(self.out, "{word} {}: `conforme review` shows them", list.count)?;
                }
                _ if list.label == "accepted" => writeln!(self.out, "{word} {}", list.count)?,
                // Each of these cases has a line of its own.
                ListKind::LeftOut | ListKind::Accepted | ListKind::Info | ListKind::Gaps => {}
            }
        }
        let Some(stop) = finished.stopped else { return Ok(()) };
        let word = self.colors.odd(&format!("{:>12}", "STOPPED"));
        let left = match finished.counts.not_run {
            0 => String::new(),
            left => format!("; {} did not run", cases(left)),
        };
        let reason = self.not_run.take().filter(|_| stop == Stop::NotReady);
        let reason = reason.as_deref().unwrap_or(stop.text());
        writeln!(self.out, "{word} {}{left}", visible(reason))
    }

    fn word(&self, verdict: Verdict) -> String {
        // Each has twelve characters.
        match verdict {
            Verdict::Passed => self.colors.good("        PASS"),
            Verdict::Failed => self.colors.bad("        FAIL"),
            Verdict::Errored => self.colors.odd("       ERROR"),
            Verdict::Flaky => self.colors.odd("       FLAKY"),
            Verdict::Skipped => self.colors.odd("        SKIP"),
            Verdict::NotRun => self.colors.odd("     NOT RUN"),
        }
    }

    fn id(&self, id: &str) -> String {
        let mut text = String::new();
        self.push_id(&mut text, id);
        text
    }

    fn push_id(&self, text: &mut String, id: &str) {
        let id = visible(id);
        let (suite, case) = id.split_at(id.rfind('/').map_or(0, |slash| slash + 1));
        if !suite.is_empty() {
            text.push_str(&self.colors.faint(suite));
        }
        text.push_str(&self.colors.strong(case));
    }
}

impl<W: Write> Reporter for RunTerminal<W> {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => self.started(started),
            Event::CaseFinished(finished) => self.finished(finished),
            Event::SnapshotUnused { path } => {
                self.run.add_unused(path);
                Ok(())
            }
            Event::RunFinished(finished) => self.summary(finished),
            Event::TargetAwaited(awaited) => self.awaited(awaited),
            Event::CaseStarted(_) | Event::StepFinished(_) => Ok(()),
            Event::RunStopping(stopping) => self.stopping(stopping),
            Event::CaseSlow(slow) => self.slow(slow),
            Event::CaseRetried(retried) => self.retried(retried),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.options.verbose
    }
}

/// The text of a line in its color. Of a finding, the check's id is colored.
fn colored(colors: Colors, part: LinePart, text: &str) -> String {
    match part {
        LinePart::Reason => colors.odd(text),
        LinePart::Title | LinePart::Step => colors.strong(text),
        LinePart::Finding(level) => {
            let id = text.split([' ', ':']).next().unwrap_or_default();
            let rest = &text[id.len()..];
            let id = if level == Level::Deny {
                colors.bad(id)
            } else {
                colors.odd(id)
            };
            format!("{id}{rest}")
        }
        LinePart::Expected => colors.good(text),
        LinePart::Actual => colors.bad(text),
        LinePart::Diff => colors.diff(text),
        LinePart::Location | LinePart::Response | LinePart::Note => colors.faint(text),
        LinePart::Fact | LinePart::Advice | LinePart::Command => text.to_owned(),
    }
}

/// The lowest level at which a case has a line.
fn shown_from(finished: &CaseFinished, was_slow: bool) -> StatusLevel {
    match finished.verdict {
        Verdict::Failed | Verdict::Errored => StatusLevel::Fail,
        Verdict::Flaky => StatusLevel::Retry,
        Verdict::Passed if was_slow => StatusLevel::Slow,
        Verdict::Passed => StatusLevel::Pass,
        Verdict::Skipped if !finished.passed_before => StatusLevel::Skip,
        Verdict::Skipped | Verdict::NotRun => StatusLevel::All,
    }
}

/// The lowest level at which the summary names a case.
fn named_from(finished: &CaseFinished, was_slow: bool) -> FinalStatusLevel {
    match finished.verdict {
        Verdict::Failed | Verdict::Errored => FinalStatusLevel::Fail,
        Verdict::Flaky => FinalStatusLevel::Flaky,
        Verdict::Passed if was_slow => FinalStatusLevel::Slow,
        Verdict::Passed => FinalStatusLevel::Pass,
        Verdict::Skipped if !finished.passed_before => FinalStatusLevel::Skip,
        Verdict::Skipped | Verdict::NotRun => FinalStatusLevel::All,
    }
}

/// Microseconds as seconds with three digits.
fn time(micros: u64) -> String {
    seconds(millis(micros))
}
