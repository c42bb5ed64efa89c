//! What a person reads: a line a case as it completes, findings where they happen, a summary at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use clap::ValueEnum;

use super::{
    Colors, Reporter,
    curl::{self, Shell},
    escape::LogCommandFilter,
    from::run::is_pending,
    limits::terminal::{BODY, DIFF_LINES as DIFF, NAMED_COUNT as NAMED},
    plain, summary,
    text::count,
    visible,
};
use crate::{
    check::status_name,
    model::{
        Attempt, CaseFinished, CaseRetried, CaseSlow, Content, Event, Exchange, Finding, Flaky, Level, Reply,
        RunFinished, RunStarted, Stop, TargetAwaited, Verdict,
    },
    redact::Redacted,
};

/// Which cases get a line as they finish; each level shows what those before it show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum StatusLevel {
    /// No case
    None,
    /// Failed and errored cases
    Fail,
    /// Tries that failed, and flaky cases
    Retry,
    /// Slow cases
    Slow,
    /// Passed cases
    Pass,
    /// Skipped cases
    Skip,
    /// Cases that were left out or did not run, too
    All,
}

/// Which cases the summary names again; each level names what those before it name.
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
    /// Cases that were left out or did not run, too
    All,
}

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct HumanOptions {
    /// Which cases get a line.
    pub status: StatusLevel,
    /// Which cases the summary names.
    pub last: FinalStatusLevel,
    /// Nothing but what is broken.
    pub quiet: bool,
    /// What was sent and what came, for every case that gets a line.
    pub verbose: bool,
}

impl Default for HumanOptions {
    fn default() -> Self {
        Self {
            status: StatusLevel::Skip,
            last: FinalStatusLevel::Flaky,
            quiet: false,
            verbose: false,
        }
    }
}

/// Writes for people.
pub struct Human<W> {
    out: LogCommandFilter<W>,
    colors: Colors,
    options: HumanOptions,
    flaky: Flaky,
    shell: Shell,
    /// The cases that the summary names, by their place in the plan.
    named: BTreeMap<usize, (Verdict, String)>,
    /// Cases that were told to be slow, and are not over.
    slow: BTreeSet<usize>,
    /// Findings of level `warn`: how many cases show each.
    warnings: BTreeMap<(String, String), usize>,
    unused: Vec<String>,
    written: Vec<String>,
    /// Why cases were not run.
    not_run: Option<String>,
}

impl<W: Write> Human<W> {
    /// A report on `out`.
    pub fn new(out: W, colors: Colors, options: HumanOptions) -> Self {
        Self {
            out: LogCommandFilter::new(out),
            colors,
            options,
            flaky: Flaky::default(),
            shell: Shell::default(),
            named: BTreeMap::new(),
            slow: BTreeSet::new(),
            warnings: BTreeMap::new(),
            unused: Vec::new(),
            written: Vec::new(),
            not_run: None,
        }
    }

    /// Writes out what is held back.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn rule(&mut self) -> io::Result<()> {
        let rule = self.colors.faint("────────────");
        writeln!(self.out, "{rule}")
    }

    fn started(&mut self, started: &RunStarted) -> io::Result<()> {
        self.shell = Shell::of(started);
        self.flaky = started.flaky;
        if self.options.quiet {
            return Ok(());
        }
        let target = if started.target == started.base_url {
            visible(&started.base_url).into_owned()
        } else {
            format!("{} ({})", visible(&started.target), visible(&started.base_url))
        };
        let label = self.colors.good(&format!("{:>12}", "Starting"));
        writeln!(
            self.out,
            "{label} {} of {} against {target}",
            count(started.cases, "case"),
            count(started.suites, "suite"),
        )?;
        self.rule()
    }

    fn finished(&mut self, finished: &CaseFinished) -> io::Result<()> {
        if let Some(path) = &finished.snapshot {
            self.written.push(path.clone());
        }
        for finding in finished.last.findings() {
            if finding.level == Level::Warn {
                let key = (finding.check.to_string(), finding.message.clone());
                *self.warnings.entry(key).or_default() += 1;
            }
        }
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
        let word = self.word(finished.verdict);
        let id = self.id(&finished.id);
        let time = match finished.verdict {
            Verdict::Skipped | Verdict::NotRun => "[         ]".to_owned(),
            _ => format!("[{:>8.3}s]", seconds(finished.last.elapsed_us())),
        };
        writeln!(self.out, "{word} {time} {id}")?;
        match finished.verdict {
            Verdict::Passed => self.log(&finished.last),
            Verdict::Skipped | Verdict::NotRun => self.detail(finished.last.reason.as_deref().unwrap_or_default()),
            Verdict::Failed | Verdict::Errored | Verdict::Flaky => self.broken_case(finished),
        }
    }

    fn awaited(&mut self, awaited: &TargetAwaited) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        let word = self.colors.odd(&format!("{:>12}", "WAITING"));
        let left = seconds(awaited.left_us);
        writeln!(self.out, "{word} up to {left:.0}s for the target")?;
        self.detail(&awaited.reason)
    }

    fn slow(&mut self, slow: &CaseSlow) -> io::Result<()> {
        self.slow.insert(slow.index);
        if self.options.status < StatusLevel::Slow || self.options.quiet {
            return Ok(());
        }
        let word = self.colors.odd(&format!("{:>12}", "SLOW"));
        let id = self.id(&slow.id);
        writeln!(self.out, "{word} [>{:>7.3}s] {id}", seconds(slow.elapsed_us))
    }

    fn retried(&mut self, retried: &CaseRetried) -> io::Result<()> {
        if self.options.status < StatusLevel::Retry || self.options.quiet {
            return Ok(());
        }
        let word = format!("TRY {} FAIL", retried.number);
        let word = self.colors.odd(&format!("{word:>12}"));
        let id = self.id(&retried.id);
        writeln!(self.out, "{word} [{:>8.3}s] {id}", seconds(retried.elapsed_us))?;
        let (reason, wait) = (&retried.reason, seconds(retried.wait_us));
        self.detail(&format!("{reason}; trying again in {wait:.3}s"))
    }

    fn broken_case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        writeln!(self.out)?;
        if let Some(name) = &finished.name {
            let name = self.colors.strong(&visible(name));
            writeln!(self.out, "    {name}")?;
        }
        let tries = finished.previous.len() + 1;
        for (index, one) in finished.previous.iter().chain([&finished.last]).enumerate() {
            let has_passed = index + 1 == tries && finished.verdict == Verdict::Flaky;
            if tries > 1 {
                let passed = if has_passed { ": passed" } else { "" };
                let time = seconds(one.elapsed_us());
                let label = self
                    .colors
                    .faint(&format!("try {} of {tries} [{time:.3}s]{passed}", index + 1));
                writeln!(self.out, "    {label}")?;
            }
            self.one_try(one, finished)?;
        }
        if let Some(exchange) = finished.last.exchange()
            && !exchange.request.body.is_cut()
        {
            let command = plain::command(&exchange.request, &self.shell);
            let lead = self.colors.faint("reproduce: ");
            writeln!(self.out, "    {lead}{}", visible(&command))?;
            for note in curl::notes(&exchange.request, &command, &self.shell) {
                let note = self.colors.faint(&format!("({note})"));
                writeln!(self.out, "    {note}")?;
            }
        }
        self.log(&finished.last)?;
        writeln!(self.out)
    }

    fn one_try(&mut self, one: &Attempt, finished: &CaseFinished) -> io::Result<()> {
        if let Some(reason) = &one.reason {
            let reason = self.colors.odd(&visible(reason));
            writeln!(self.out, "    {reason}")?;
            let place = self
                .colors
                .faint(&format!("--> {}", visible(&finished.place.to_string())));
            writeln!(self.out, "      {place}")?;
        }
        for finding in one.findings() {
            self.finding(finding)?;
        }
        let Some(Exchange {
            reply: Reply::Answer(answer),
            ..
        }) = one.exchange()
        else {
            return Ok(());
        };
        let seen = format!(
            "response: {} {}, {}",
            answer.version,
            status_name(answer.status),
            bytes(answer.body.length()),
        );
        let seen = self.colors.faint(&seen);
        writeln!(self.out, "    {seen}")
    }

    /// What was sent and what came, for `--verbose`.
    fn log(&mut self, one: &Attempt) -> io::Result<()> {
        let Some(Exchange { request, reply }) = one.exchange().filter(|_| self.options.verbose) else {
            return Ok(());
        };
        self.log_line('>', &format!("{} {}", request.method, request.url))?;
        self.log_message('>', &request.headers, &request.body)?;
        match reply {
            Reply::Answer(answer) => {
                let status = match &answer.reason {
                    Some(reason) => format!("{} {reason}", answer.status),
                    None => status_name(answer.status),
                };
                self.log_line('<', &format!("{} {status}", answer.version))?;
                self.log_message('<', &answer.headers, &answer.body)
            }
            Reply::Malformed(malformed) => self.log_message('<', &[], &malformed.bytes),
            Reply::Failure(failure) => self.log_line('!', &failure.message),
        }
    }

    fn log_message(&mut self, sign: char, headers: &[(String, String)], body: &Content) -> io::Result<()> {
        for (name, value) in headers {
            self.log_line(sign, &format!("{name}: {value}"))?;
        }
        if body.is_empty() {
            return Ok(());
        }
        self.log_line(sign, "")?;
        let text = body.text();
        let shown = &text[..text.floor_char_boundary(BODY)];
        for line in shown.lines() {
            self.log_line(sign, line)?;
        }
        if shown.len() < text.len() {
            self.log_line(sign, &format!("… ({} in all)", bytes(body.length())))?;
        }
        Ok(())
    }

    fn log_line(&mut self, sign: char, text: &str) -> io::Result<()> {
        let line = format!("{sign} {}", visible(text));
        let line = self.colors.faint(line.trim_end());
        writeln!(self.out, "      {line}")
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let headline = plain::title(finding);
        let check = visible(finding.check.as_str());
        let rest = headline.strip_prefix(check.as_ref()).unwrap_or_default();
        let check = match finding.level {
            Level::Deny => self.colors.bad(&check),
            Level::Warn | Level::Off => self.colors.odd(&format!("{check} (warning)")),
        };
        writeln!(self.out, "    {check}{rest}")?;
        if let Some(place) = &finding.place {
            let place = self.colors.faint(&format!("--> {}", visible(&place.to_string())));
            writeln!(self.out, "      {place}")?;
        }
        if let Some(diff) = &finding.diff {
            return self.diff(diff);
        }
        let [expected, actual] = finding.values_to_show();
        if let Some(expected) = expected {
            writeln!(self.out, "      expected: {}", self.colors.good(&visible(&expected)))?;
        }
        if let Some(actual) = actual {
            writeln!(self.out, "        actual: {}", self.colors.bad(&visible(&actual)))?;
        }
        Ok(())
    }

    fn diff(&mut self, diff: &str) -> io::Result<()> {
        for line in plain::shown_diff(diff, DIFF) {
            writeln!(self.out, "      {}", self.colors.diff(&visible(&line)))?;
        }
        Ok(())
    }

    fn detail(&mut self, text: &str) -> io::Result<()> {
        let text = self.colors.faint(&visible(text));
        writeln!(self.out, "             {text}")
    }

    fn summary(&mut self, finished: &RunFinished) -> io::Result<()> {
        let counts = &finished.counts;
        if self.options.quiet && finished.exit_code == 0 {
            return Ok(());
        }
        self.rule()?;
        let label = format!("{:>12}", "Summary");
        let is_broken = counts.failed > 0 || (counts.flaky > 0 && self.flaky == Flaky::Fail);
        let label = if is_broken || finished.skipped_too_many() {
            self.colors.bad(&label)
        } else if finished.exit_code != 0 {
            self.colors.odd(&label)
        } else {
            self.colors.good(&label)
        };
        let time = seconds(finished.elapsed_us);
        writeln!(self.out, "{label} [{time:>8.3}s] {}", summary::headline(Some(finished)))?;
        let named: Vec<_> = std::mem::take(&mut self.named).into_values().collect();
        for (verdict, id) in named.iter().take(NAMED) {
            let (word, id) = (self.word(*verdict), self.id(id));
            writeln!(self.out, "{word} {id}")?;
        }
        if named.len() > NAMED {
            self.detail(&format!("… and {} more", named.len() - NAMED))?;
        }
        for ((check, message), cases) in std::mem::take(&mut self.warnings) {
            let word = self.colors.odd(&format!("{:>12}", "WARN"));
            writeln!(
                self.out,
                "{word} {}: {} ({})",
                visible(&check),
                visible(&message),
                count(cases, "case")
            )?;
        }
        for path in std::mem::take(&mut self.unused) {
            let word = self.colors.odd(&format!("{:>12}", "UNUSED"));
            writeln!(self.out, "{word} {}: no case has this snapshot", visible(&path))?;
        }
        let written = std::mem::take(&mut self.written);
        let pending = written.iter().filter(|path| is_pending(path)).count();
        if pending > 0 {
            let word = self.colors.odd(&format!("{:>12}", "PENDING"));
            let advice = "look at them with `conforme review`";
            writeln!(self.out, "{word} {}: {advice}", count(pending, "snapshot"))?;
        }
        if written.len() > pending {
            let word = self.colors.good(&format!("{:>12}", "ACCEPTED"));
            writeln!(self.out, "{word} {}", count(written.len() - pending, "snapshot"))?;
        }
        let Some(stop) = finished.stopped else { return Ok(()) };
        let word = self.colors.odd(&format!("{:>12}", "STOPPED"));
        let left = match counts.not_run {
            0 => String::new(),
            left => format!("; {} did not run", count(left, "case")),
        };
        let reason = self.not_run.take().filter(|_| stop == Stop::NotReady);
        let reason = reason.as_deref().unwrap_or(stop.text());
        writeln!(self.out, "{word} {}{left}", visible(reason))
    }

    fn word(&self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Passed => self.colors.good(&format!("{:>12}", "PASS")),
            Verdict::Failed => self.colors.bad(&format!("{:>12}", "FAIL")),
            Verdict::Errored => self.colors.odd(&format!("{:>12}", "ERROR")),
            Verdict::Flaky => self.colors.odd(&format!("{:>12}", "FLAKY")),
            Verdict::Skipped => self.colors.odd(&format!("{:>12}", "SKIP")),
            Verdict::NotRun => self.colors.odd(&format!("{:>12}", "NOT RUN")),
        }
    }

    fn id(&self, id: &str) -> String {
        let id = visible(id);
        match id.rsplit_once('/') {
            Some((suite, case)) => format!(
                "{}{}",
                self.colors.faint(&format!("{suite}/")),
                self.colors.strong(case)
            ),
            None => self.colors.strong(&id),
        }
    }
}

impl<W: Write> Reporter for Human<W> {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => self.started(started),
            Event::CaseFinished(finished) => self.finished(finished),
            Event::SnapshotUnused { path } => {
                self.unused.push(path.clone());
                Ok(())
            }
            Event::RunFinished(finished) => self.summary(finished),
            Event::TargetAwaited(awaited) => self.awaited(awaited),
            Event::CaseStarted(_) => Ok(()),
            Event::CaseSlow(slow) => self.slow(slow),
            Event::CaseRetried(retried) => self.retried(retried),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn reads_passed_exchanges(&self) -> bool {
        self.options.verbose
    }
}

/// From which level on a case gets a line.
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

/// From which level on the summary names a case.
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

fn bytes(number: usize) -> String {
    match number {
        0 => "no body".to_owned(),
        number => count(number, "byte"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
