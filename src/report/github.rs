//! `--report github`: annotations of GitHub Actions, as workflow commands.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    Reporter, Sink,
    account::{self, lines},
    curl::Shell,
    limits::NAME as TITLE,
    limits::github::FINDING,
    outcome::{self, cases, clip, short},
};
pub(super) use super::{
    escape::github::{data, property},
    limits::github::{MESSAGE, SHOWN_COUNT as SHOWN},
};
use crate::{
    model::{CaseFinished, Event, Flaky, Level, Place, RunFinished, RunStarted, Verdict},
    redact::Redacted,
};

/// Writes one annotation for each case that did not pass, as it completes.
pub(super) struct GitHub {
    sink: Sink,
    folder: Option<String>,
    target: String,
    shell: Shell,
    flaky: Flaky,
    errors: usize,
    /// Findings of level `warn`: the first case that shows each, and how many do.
    warnings: BTreeMap<(String, String), Warning>,
    unused: Vec<String>,
    finished: Option<RunFinished>,
}

struct Warning {
    place: Place,
    id: String,
    cases: usize,
}

impl GitHub {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            sink,
            folder: None,
            target: String::new(),
            shell: Shell::default(),
            flaky: Flaky::default(),
            errors: 0,
            warnings: BTreeMap::new(),
            unused: Vec::new(),
            finished: None,
        }
    }

    fn started(&mut self, started: &RunStarted) {
        self.shell = Shell::of(started);
        self.folder.clone_from(&started.folder);
        self.target.clone_from(&started.target);
        self.flaky = started.flaky;
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        for finding in finished.last.findings() {
            if finding.level == Level::Warn {
                let key = (finding.check.to_string(), finding.message.clone());
                let warning = self.warnings.entry(key).or_insert_with(|| Warning {
                    place: finding.place.clone().unwrap_or_else(|| finished.place.clone()),
                    id: finished.id.clone(),
                    cases: 0,
                });
                warning.cases += 1;
            }
        }
        let (level, word) = match finished.verdict {
            Verdict::Failed => ("error", "failed"),
            Verdict::Errored => ("error", "errored"),
            Verdict::Flaky if self.flaky == Flaky::Fail => ("error", "flaky"),
            Verdict::Flaky => ("warning", "flaky"),
            Verdict::Passed | Verdict::Skipped | Verdict::NotRun => return Ok(()),
        };
        self.errors += usize::from(level == "error");
        // Of a flaky case, what was wrong with its first try is on the line that asked for it.
        let told = finished.previous.first().filter(|_| finished.verdict == Verdict::Flaky);
        let told = told.unwrap_or(&finished.last);
        let asked = outcome::first(told).and_then(|finding| finding.place.as_ref());
        let command = self.command(
            level,
            Some(asked.unwrap_or(&finished.place)),
            &format!("{} {word}", short(&finished.id, TITLE)),
            &self.message(finished),
        );
        writeln!(self.sink, "{command}")?;
        // Whoever reads the log sees each case when it is done.
        self.sink.flush()
    }

    fn message(&self, finished: &CaseFinished) -> String {
        let one = &finished.last;
        let mut text = match outcome::first(one) {
            _ if finished.verdict == Verdict::Flaky => short(&outcome::flaky(&finished.previous), FINDING) + "\n",
            Some(first) => {
                let more = one.findings().filter(|finding| finding.level == Level::Deny);
                let more = match more.count() - 1 {
                    0 => String::new(),
                    1 => "… and 1 more finding\n".to_owned(),
                    more => format!("… and {more} more findings\n"),
                };
                clip(&account::findings([first]), FINDING) + &more
            }
            None => short(&account::headline(one), FINDING) + "\n",
        };
        if let Some(exchange) = one.exchange() {
            let command = format!(
                "reproduce: {}",
                lines(&account::command(&exchange.request, &self.shell))
            );
            if text.len() + command.len() < MESSAGE {
                text.push_str(&command);
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn command(&self, level: &str, place: Option<&Place>, title: &str, message: &str) -> String {
        let place = place.map_or_else(String::new, |place| {
            let file = outcome::in_repository(self.folder.as_deref(), &place.file);
            format!("file={},line={},col={},", property(&file), place.line, place.column)
        });
        format!("::{level} {place}title={}::{}", property(title), data(message))
    }

    fn end(&mut self) -> io::Result<()> {
        for ((check, message), warning) in std::mem::take(&mut self.warnings) {
            let id = short(&warning.id, TITLE);
            let whose = match warning.cases {
                1 => id,
                number => format!("{id} and {} more", cases(number - 1)),
            };
            let message = format!("{}: {} ({whose})", short(&check, TITLE), short(&message, FINDING));
            let command = self.command("warning", Some(&warning.place), &short(&check, TITLE), &message);
            writeln!(self.sink, "{command}")?;
        }
        for path in std::mem::take(&mut self.unused) {
            let file = property(&outcome::in_repository(self.folder.as_deref(), &path));
            writeln!(
                self.sink,
                "::warning file={file},title=snapshot::no case has this snapshot"
            )?;
        }
        let is_well = self.finished.as_ref().is_some_and(|finished| finished.exit_code == 0);
        // As one error too many it would not be seen.
        let level = if is_well || self.errors >= SHOWN {
            "notice"
        } else {
            "error"
        };
        let message = format!(
            "{}, against {}",
            outcome::headline(self.finished.as_ref()),
            short(&self.target, TITLE)
        );
        writeln!(self.sink, "{}", self.command(level, None, "conforme", &message))
    }
}

impl Reporter for GitHub {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => self.started(started),
            Event::CaseFinished(finished) => self.case(finished)?,
            Event::SnapshotUnused { path } => self.unused.push(path.clone()),
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
            Event::TargetAwaited(_) | Event::CaseStarted(_) | Event::CaseSlow(_) | Event::CaseRetried(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()?;
        self.sink.close()
    }

    fn reads_passed_exchanges(&self) -> bool {
        false
    }
}
