//! `--report tap`: the Test Anything Protocol, version 14.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

pub(super) use super::escape::tap::plain;
use super::{
    Reporter, Sink,
    account::{self, cut, diff_lines, millis, seconds},
    curl::Shell,
    outcome,
};
use crate::{
    model::{Attempt, CaseFinished, Event, Finding, Flaky, Level, Place, RunFinished, RunStarted, Stop, Verdict},
    redact::Redacted,
    text::quoted_yaml,
};

/// Writes a test point a case as it completes.
pub(super) struct Tap {
    sink: Sink,
    shell: Shell,
    flaky: Flaky,
    planned: usize,
    told: usize,
    /// The last event, once it came.
    finished: Option<RunFinished>,
}

impl Tap {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            sink,
            shell: Shell::default(),
            flaky: Flaky::default(),
            planned: 0,
            told: 0,
            finished: None,
        }
    }

    fn started(&mut self, started: &RunStarted) -> io::Result<()> {
        self.shell = Shell::of(started);
        self.flaky = started.flaky;
        self.planned = started.cases;
        let why = if started.cases == 0 {
            " # no case was selected"
        } else {
            ""
        };
        writeln!(self.sink, "TAP version 14\n1..{}{why}", started.cases)?;
        self.sink.flush()
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        self.told += 1;
        let is_ok = match finished.verdict {
            Verdict::Passed | Verdict::Skipped => true,
            Verdict::Flaky => self.flaky == Flaky::Pass,
            Verdict::Failed | Verdict::Errored | Verdict::NotRun => false,
        };
        let word = if is_ok { "ok" } else { "not ok" };
        let mut point = format!("{word} {} - {}", self.told, plain(&finished.id));
        if finished.verdict == Verdict::Skipped {
            let reason = finished.last.reason.as_deref().unwrap_or_default();
            let _ = write!(point, " # SKIP {}", plain(reason));
        }
        point.truncate(point.trim_end().len());
        point.push('\n');
        let is_plain = matches!(finished.verdict, Verdict::Passed | Verdict::Skipped);
        if !is_plain || finished.last.findings().next().is_some() {
            self.diagnostics(finished, is_ok, &mut point);
        }
        self.sink.write_all(point.as_bytes())?;
        // Whoever reads a stream sees each case when it is done.
        self.sink.flush()
    }

    fn diagnostics(&self, finished: &CaseFinished, is_ok: bool, out: &mut String) {
        let message = match finished.verdict {
            Verdict::Passed | Verdict::Skipped => None,
            Verdict::Failed | Verdict::Errored => Some(account::headline(&finished.last)),
            Verdict::Flaky => {
                let why = finished.previous.first().map(account::headline).unwrap_or_default();
                Some(format!(
                    "it passed only at try {}, after: {why}",
                    finished.previous.len() + 1
                ))
            }
            Verdict::NotRun => {
                let reason = finished.last.reason.as_deref().unwrap_or("no reason was given");
                Some(format!("not run: {}", cut(reason)))
            }
        };
        let severity = match finished.verdict {
            _ if is_ok => "warning",
            Verdict::Errored | Verdict::NotRun => "error",
            _ => "fail",
        };
        let mut yaml = Yaml { out, indent: 2 };
        yaml.line("---");
        yaml.text("verdict", finished.verdict.name());
        if let Some(message) = message {
            yaml.text("message", &message);
        }
        yaml.text("severity", severity);
        if let Some(name) = &finished.name {
            yaml.text("name", name);
        }
        if !finished.tags.is_empty() {
            let tags: Vec<_> = finished.tags.iter().map(|tag| quoted_yaml(tag)).collect();
            yaml.line(&format!("tags: [{}]", tags.join(", ")));
        }
        yaml.place(&finished.place);
        if !matches!(finished.verdict, Verdict::NotRun) {
            yaml.one_try(&finished.last, &self.shell);
        }
        if let Some(path) = &finished.snapshot {
            yaml.text("snapshot", path);
        }
        if !finished.previous.is_empty() {
            yaml.line("earlier:");
            for one in &finished.previous {
                yaml.item(|yaml| {
                    yaml.text("message", &account::headline(one));
                    yaml.one_try(one, &self.shell);
                });
            }
        }
        yaml.line("...");
    }

    fn end(&mut self) -> io::Result<()> {
        let (told, planned) = (self.told, self.planned);
        let stopped = self.finished.as_ref().map(|finished| finished.stopped);
        let why = match stopped {
            Some(Some(stop)) => stop.text(),
            Some(None) => "the plan was not met",
            None => "the run has no end",
        };
        let is_cut = told < planned || matches!(stopped, None | Some(Some(Stop::Lost)));
        if let Some(finished) = &self.finished {
            let headline = plain(&outcome::headline(Some(finished)));
            // A skipped test point is not a failure: without `Bail out!` a harness would report success.
            let is_green = !is_cut && finished.counts.failed == 0;
            let bail = if is_green && finished.skipped_too_many() {
                "Bail out!"
            } else {
                "#"
            };
            writeln!(self.sink, "{bail} {headline}")?;
        }
        if is_cut {
            writeln!(self.sink, "Bail out! {why}: {told} of {planned} cases are told")?;
        }
        Ok(())
    }
}

impl Reporter for Tap {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => self.started(started),
            Event::CaseFinished(finished) => self.case(finished),
            Event::SnapshotUnused { path } => writeln!(self.sink, "# no case has this snapshot: {}", plain(path)),
            Event::RunFinished(finished) => {
                self.finished = Some(finished.clone());
                Ok(())
            }
            Event::TargetAwaited(_) | Event::CaseStarted(_) | Event::CaseSlow(_) | Event::CaseRetried(_) => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()?;
        self.sink.close()
    }
}

/// A block of YAML. Every text in it is a quoted scalar on one line: nothing that comes from outside is ever markup.
struct Yaml<'o> {
    out: &'o mut String,
    indent: usize,
}

impl Yaml<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "", indent = self.indent);
    }

    fn text(&mut self, key: &str, value: &str) {
        let value = quoted_yaml(value);
        self.line(&format!("{key}: {value}"));
    }

    /// The keys of one item of a list. Its dash is two columns in from the key above: Perl's `TAP::Parser` reads no
    /// other list.
    fn item(&mut self, keys: impl FnOnce(&mut Yaml<'_>)) {
        let from = self.out.len();
        let dash = from + self.indent + 2;
        keys(&mut Yaml {
            out: self.out,
            indent: self.indent + 4,
        });
        self.out.replace_range(dash..=dash, "-");
    }

    fn place(&mut self, place: &Place) {
        self.line("at:");
        self.indent += 2;
        self.text("file", &place.file);
        self.line(&format!("line: {}", place.line));
        self.line(&format!("column: {}", place.column));
        self.indent -= 2;
    }

    fn one_try(&mut self, one: &Attempt, shell: &Shell) {
        let time = seconds(millis(one.elapsed_us()));
        self.line(&format!("seconds: {time}"));
        // Where nothing failed, the message is the reason.
        if let Some(reason) = &one.reason
            && !account::has_no_answer(one)
        {
            self.text("reason", &cut(reason));
        }
        if one.findings().next().is_some() {
            self.line("findings:");
            let most = self.out.len() + account::FINDINGS;
            let mut told = 0;
            for finding in one.findings() {
                if self.out.len() > most {
                    break;
                }
                self.item(|yaml| yaml.finding(finding));
                told += 1;
            }
            if told < one.findings().count() {
                self.line(&format!("more_findings: {}", one.findings().count() - told));
            }
        }
        if let Some(exchange) = one.exchange() {
            self.text("reproduce", &account::command(&exchange.request, shell));
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.text("check", finding.check.as_str());
        let level = match finding.level {
            Level::Deny => "deny",
            Level::Warn => "warn",
            Level::Off => "off",
        };
        self.text("level", level);
        self.text("message", &cut(&finding.statement()));
        if let Some(pointer) = &finding.pointer {
            self.text("pointer", &cut(pointer));
        }
        if let Some(place) = &finding.place {
            self.place(place);
        }
        for (key, value) in ["expected", "actual"].into_iter().zip(finding.values()) {
            if let Some(value) = value {
                self.text(key, &cut(&value));
            }
        }
        if let Some(diff) = &finding.diff {
            self.line("diff:");
            for line in diff_lines(diff) {
                self.line(&format!("  - {}", quoted_yaml(&line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_a_list_has_its_dash_at_its_first_key() {
        let mut out = "x:\n".to_owned();
        let mut yaml = Yaml {
            out: &mut out,
            indent: 2,
        };
        yaml.item(|yaml| {
            yaml.text("a", "1");
            yaml.text("b", "2");
        });
        assert_eq!(out, "x:\n    - a: \"1\"\n      b: \"2\"\n");
    }
}
