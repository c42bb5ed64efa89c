//! What a person reads: a line a case as it completes, findings where they happen, a summary at the end.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{Colours, Reporter, curl, visible};
use crate::{
    check::{Finding, Level, status_name},
    event::{CaseFinished, Counts, Event, RunFinished, RunStarted, Verdict},
    exchange::Reply,
    redact::{Redacted, marks_of},
};

/// Longest diff that is shown, in lines.
const DIFF: usize = 60;
/// Most cases that the summary names.
const NAMED: usize = 50;

/// Writes for people.
pub struct Human<W> {
    out: W,
    colours: Colours,
    marks: Vec<String>,
    /// Failed and errored cases by their place in the plan.
    broken: BTreeMap<usize, (Verdict, String)>,
    /// Findings of level `warn`: how many cases show each.
    warnings: BTreeMap<(String, String), usize>,
    unused: Vec<String>,
    written: Vec<String>,
}

impl<W: Write> Human<W> {
    /// A report on `out`.
    pub fn new(out: W, colours: Colours) -> Self {
        Self {
            out,
            colours,
            marks: Vec::new(),
            broken: BTreeMap::new(),
            warnings: BTreeMap::new(),
            unused: Vec::new(),
            written: Vec::new(),
        }
    }

    fn rule(&mut self) -> io::Result<()> {
        let rule = self.colours.faint("────────────");
        writeln!(self.out, "{rule}")
    }

    fn started(&mut self, started: &RunStarted) -> io::Result<()> {
        self.marks = started.secrets.iter().flat_map(|name| marks_of(name)).collect();
        let target = if started.target == started.base_url {
            visible(&started.base_url).into_owned()
        } else {
            format!("{} ({})", visible(&started.target), visible(&started.base_url))
        };
        let label = self.colours.good(&format!("{:>12}", "Starting"));
        writeln!(
            self.out,
            "{label} {} of {} against {target}",
            count(started.cases, "case"),
            count(started.suites, "suite"),
        )?;
        self.rule()
    }

    fn finished(&mut self, finished: &CaseFinished) -> io::Result<()> {
        let word = self.word(finished.verdict);
        let id = self.id(&finished.id);
        let time = match finished.verdict {
            Verdict::Skipped | Verdict::NotRun => "[         ]".to_owned(),
            _ => format!("[{:>8.3}s]", seconds(finished.last.elapsed_us)),
        };
        writeln!(self.out, "{word} {time} {id}")?;
        if let Some(path) = &finished.snapshot {
            self.written.push(path.clone());
        }
        for finding in &finished.last.findings {
            if finding.level == Level::Warn {
                let key = (finding.check.to_string(), finding.message.clone());
                *self.warnings.entry(key).or_default() += 1;
            }
        }
        match finished.verdict {
            Verdict::Passed | Verdict::NotRun => Ok(()),
            Verdict::Skipped => self.detail(finished.last.reason.as_deref().unwrap_or_default()),
            Verdict::Failed | Verdict::Errored | Verdict::Flaky => {
                self.broken
                    .insert(finished.index, (finished.verdict, finished.id.clone()));
                self.broken_case(finished)
            }
        }
    }

    fn broken_case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        writeln!(self.out)?;
        if let Some(name) = &finished.name {
            let name = self.colours.strong(&visible(name));
            writeln!(self.out, "    {name}")?;
        }
        if let Some(reason) = &finished.last.reason {
            let reason = self.colours.odd(&visible(reason));
            writeln!(self.out, "    {reason}")?;
            let place = self.colours.faint(&format!("--> {}", finished.place));
            writeln!(self.out, "      {place}")?;
        }
        for finding in &finished.last.findings {
            self.finding(finding)?;
        }
        if let Some(exchange) = &finished.last.exchange {
            if let Reply::Answer(answer) = &exchange.reply {
                let seen = format!(
                    "answer: {} {}, {}",
                    answer.version,
                    status_name(answer.status),
                    bytes(answer.body.bytes().len()),
                );
                let seen = self.colours.faint(&seen);
                writeln!(self.out, "    {seen}")?;
            }
            let command = curl::command(&exchange.request, &self.marks);
            for (index, line) in command.lines().enumerate() {
                let lead = if index == 0 { "reproduce: " } else { "" };
                writeln!(self.out, "    {}{}", self.colours.faint(lead), visible(line))?;
            }
        }
        writeln!(self.out)
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let check = visible(&finding.check).into_owned();
        let check = match finding.level {
            Level::Deny => self.colours.bad(&check),
            Level::Warn | Level::Off => self.colours.odd(&format!("{check} (warning)")),
        };
        let pointer = match &finding.pointer {
            Some(pointer) if !pointer.is_empty() => format!(" at {}", visible(pointer)),
            _ => String::new(),
        };
        writeln!(self.out, "    {check}{pointer}: {}", visible(&finding.message))?;
        if let Some(place) = &finding.place {
            let place = self.colours.faint(&format!("--> {place}"));
            writeln!(self.out, "      {place}")?;
        }
        if let Some(diff) = &finding.diff {
            return self.diff(diff);
        }
        if let Some(expected) = &finding.expected {
            writeln!(self.out, "      expected: {}", self.colours.good(&visible(expected)))?;
        }
        if let Some(actual) = &finding.actual {
            writeln!(self.out, "        actual: {}", self.colours.bad(&visible(actual)))?;
        }
        Ok(())
    }

    fn diff(&mut self, diff: &str) -> io::Result<()> {
        let lines: Vec<_> = diff.lines().collect();
        for line in lines.iter().take(DIFF) {
            writeln!(self.out, "      {}", self.colours.diff(&visible(line)))?;
        }
        if lines.len() > DIFF {
            self.detail(&format!("… {} more lines", lines.len() - DIFF))?;
        }
        Ok(())
    }

    fn detail(&mut self, text: &str) -> io::Result<()> {
        let text = self.colours.faint(&visible(text));
        writeln!(self.out, "             {text}")
    }

    fn summary(&mut self, finished: &RunFinished) -> io::Result<()> {
        self.rule()?;
        let counts = &finished.counts;
        let label = format!("{:>12}", "Summary");
        let label = if counts.failed > 0 {
            self.colours.bad(&label)
        } else if counts.errored > 0 || counts.not_run > 0 || counts.ran() == 0 {
            self.colours.odd(&label)
        } else {
            self.colours.good(&label)
        };
        let time = seconds(finished.elapsed_us);
        writeln!(
            self.out,
            "{label} [{time:>8.3}s] {} run: {}",
            count(counts.ran(), "case"),
            Self::parts(counts)
        )?;
        let broken: Vec<_> = std::mem::take(&mut self.broken).into_values().collect();
        for (verdict, id) in broken.iter().take(NAMED) {
            let (word, id) = (self.word(*verdict), self.id(id));
            writeln!(self.out, "{word} {id}")?;
        }
        if broken.len() > NAMED {
            self.detail(&format!("… and {} more", broken.len() - NAMED))?;
        }
        for ((check, message), cases) in std::mem::take(&mut self.warnings) {
            let word = self.colours.odd(&format!("{:>12}", "WARN"));
            writeln!(
                self.out,
                "{word} {}: {} ({})",
                visible(&check),
                visible(&message),
                count(cases, "case")
            )?;
        }
        for path in std::mem::take(&mut self.unused) {
            let word = self.colours.odd(&format!("{:>12}", "UNUSED"));
            writeln!(self.out, "{word} {}: no case has this snapshot", visible(&path))?;
        }
        let written = std::mem::take(&mut self.written);
        let pending = written.iter().filter(|path| is_pending(path)).count();
        if pending > 0 {
            let word = self.colours.odd(&format!("{:>12}", "PENDING"));
            let advice = "look at them with `conforme review`";
            writeln!(self.out, "{word} {}: {advice}", count(pending, "snapshot"))?;
        }
        if written.len() > pending {
            let word = self.colours.good(&format!("{:>12}", "ACCEPTED"));
            writeln!(self.out, "{word} {}", count(written.len() - pending, "snapshot"))?;
        }
        let Some(stop) = finished.stopped else { return Ok(()) };
        let word = self.colours.odd(&format!("{:>12}", "STOPPED"));
        let left = match counts.not_run {
            0 => String::new(),
            left => format!("; {} did not run", count(left, "case")),
        };
        writeln!(self.out, "{word} {}{left}", stop.text())
    }

    fn parts(counts: &Counts) -> String {
        let mut parts = vec![format!("{} passed", counts.passed)];
        let mut add = |number: usize, what: &str| {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        };
        add(counts.failed, "failed");
        add(counts.errored, "errored");
        add(counts.skipped, "skipped");
        add(counts.not_run, "not run");
        add(
            counts.warnings,
            if counts.warnings == 1 { "warning" } else { "warnings" },
        );
        parts.join(", ")
    }

    fn word(&self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Passed => self.colours.good(&format!("{:>12}", "PASS")),
            Verdict::Failed => self.colours.bad(&format!("{:>12}", "FAIL")),
            Verdict::Errored => self.colours.odd(&format!("{:>12}", "ERROR")),
            Verdict::Flaky => self.colours.odd(&format!("{:>12}", "FLAKY")),
            Verdict::Skipped => self.colours.odd(&format!("{:>12}", "SKIP")),
            Verdict::NotRun => self.colours.odd(&format!("{:>12}", "NOT RUN")),
        }
    }

    fn id(&self, id: &str) -> String {
        let id = visible(id);
        match id.rsplit_once('/') {
            Some((suite, case)) => format!(
                "{}{}",
                self.colours.faint(&format!("{suite}/")),
                self.colours.strong(case)
            ),
            None => self.colours.strong(&id),
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
            Event::CaseStarted(_) | Event::CaseSlow(_) | Event::CaseRetried(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// `1 case`, `2 cases`.
fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

fn is_pending(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "new")
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
