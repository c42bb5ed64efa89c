//! `--report markdown`: a summary for a comment on a pull request, or for `$GITHUB_STEP_SUMMARY`.
//!
//! Text from outside stands in code only: in spans, in `<code>`, and in fences longer than any in it. In code there is
//! no markup, and GitHub and GitLab look for no mention, no reference to an issue and no address in it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

pub(super) use super::escape::markdown::{code, fence, html};
pub(super) use super::limits::markdown::DOCUMENT as MOST;
use super::{
    Reporter, Sink,
    account::{self, diff_lines, lines, millis, seconds},
    curl::Shell,
    escape::inert_lines,
    human::is_pending,
    limits::NAME as LINE,
    limits::markdown::{ATTEMPTS_COUNT as EARLIER, COMMAND, FINDINGS, LIST as SECTION, LISTED_COUNT as LISTED},
    outcome::{self, cases, clip, short},
    spool::Spool,
    visible,
};
use crate::{
    model::{Attempt, CaseFinished, Event, Level, RunFinished, RunStarted, Verdict},
    redact::Redacted,
};

/// Holds what did not pass, and writes it at the end.
pub(super) struct Markdown {
    sink: Sink,
    shell: Shell,
    started: Option<RunStarted>,
    finished: Option<RunFinished>,
    broken: Spool<()>,
    /// Findings of level `warn`: how many cases show each.
    warnings: BTreeMap<(String, String), usize>,
    skipped: BTreeMap<String, Group>,
    not_run: BTreeMap<String, Group>,
    unused: Vec<String>,
    written: Vec<String>,
}

/// Cases that have a reason in common: some of them by id, and how many there are.
#[derive(Default)]
struct Group {
    some: Vec<String>,
    cases: usize,
}

impl Group {
    fn add(&mut self, id: &str) {
        if self.some.len() < 3 {
            self.some.push(id.to_owned());
        }
        self.cases += 1;
    }
}

impl Markdown {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            shell: Shell::default(),
            started: None,
            finished: None,
            broken: Spool::beside(&sink),
            warnings: BTreeMap::new(),
            skipped: BTreeMap::new(),
            not_run: BTreeMap::new(),
            unused: Vec::new(),
            written: Vec::new(),
            sink,
        }
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        for finding in finished.last.findings() {
            if finding.level == Level::Warn {
                let key = (short(finding.check.as_str(), LINE), short(&finding.message, LINE));
                *self.warnings.entry(key).or_default() += 1;
            }
        }
        if let Some(path) = &finished.snapshot {
            self.written.push(path.clone());
        }
        let groups = match finished.verdict {
            Verdict::Passed => return Ok(()),
            Verdict::Failed | Verdict::Errored | Verdict::Flaky => {
                let entry = self.entry(finished);
                return self.broken.push(finished.index, (), entry.as_bytes());
            }
            Verdict::Skipped => &mut self.skipped,
            Verdict::NotRun => &mut self.not_run,
        };
        let reason = short(finished.last.reason.as_deref().unwrap_or("no reason was given"), LINE);
        groups.entry(reason).or_default().add(&finished.id);
        Ok(())
    }

    fn entry(&self, finished: &CaseFinished) -> String {
        let (word, why) = match finished.verdict {
            Verdict::Flaky => ("FLAKY", outcome::flaky(&finished.previous)),
            Verdict::Errored => ("ERROR", account::headline(&finished.last)),
            _ => ("FAIL", account::headline(&finished.last)),
        };
        let mut out = format!(
            "<details>\n<summary><b>{word}</b> <code>{}</code> <code>{}</code></summary>\n\n",
            html(&short(&finished.id, LINE)),
            html(&short(&why, LINE)),
        );
        let mut text = String::new();
        if let Some(name) = &finished.name {
            let _ = writeln!(text, "{}", short(name, LINE));
        }
        let _ = writeln!(text, "--> {}", short(&finished.place.to_string(), LINE));
        for (index, one) in finished.previous.iter().take(EARLIER).enumerate() {
            let time = seconds(millis(one.elapsed_us()));
            let why = short(&account::headline(one), LINE);
            let _ = writeln!(text, "try {} [{time}s]: {why}", index + 1);
        }
        if finished.previous.len() > EARLIER {
            let _ = writeln!(text, "… and {} more tries", finished.previous.len() - EARLIER);
        }
        if !finished.previous.is_empty() {
            let time = seconds(millis(finished.last.elapsed_us()));
            let is_flaky = finished.verdict == Verdict::Flaky;
            let how = if is_flaky { "passed" } else { "as follows" };
            let _ = writeln!(text, "try {} [{time}s]: {how}", finished.previous.len() + 1);
        }
        findings(&finished.last, text, &mut out);
        if let Some(exchange) = finished.last.exchange() {
            let command = lines(&account::command(&exchange.request, &self.shell));
            if command.len() > COMMAND {
                let size = command.len();
                fence(
                    "text",
                    &format!("the command that sends it again has {size} bytes\n"),
                    &mut out,
                );
            } else {
                fence("sh", &command, &mut out);
            }
        }
        out.push_str("</details>\n\n");
        inert_lines(&out)
    }

    fn head(&self) -> String {
        let mut out = format!("## {}", outcome::headline(self.finished.as_ref()));
        if let Some(started) = &self.started {
            let _ = write!(out, ", against {}", code(&started.target));
            if started.base_url != started.target {
                let _ = write!(out, "\n\n{} of {}", cases(started.cases), code(&started.base_url));
            }
        }
        out.push_str("\n\n");
        if let Some(finished) = &self.finished {
            let is_shown = |(name, number): &(&str, usize)| *number > 0 || *name != "passed before";
            let columns: Vec<_> = (outcome::columns(&finished.counts).into_iter())
                .filter(is_shown)
                .collect();
            let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            out.push_str(&row(columns.iter().map(|(name, _)| (*name).to_owned()).collect()));
            out.push_str(&row(columns.iter().map(|_| "---:".to_owned()).collect()));
            out.push_str(&row(columns.iter().map(|(_, number)| number.to_string()).collect()));
            out.push('\n');
        }
        out
    }

    /// What comes below the cases.
    fn tail(&self) -> String {
        let mut out = String::new();
        let warnings = self.warnings.iter().map(|((check, message), number)| {
            let (check, message) = (code(check), code(message));
            format!("{check}: {message} ({})", cases(*number))
        });
        list("Warnings", warnings, &mut out);
        list("Skipped", self.skipped.iter().map(group), &mut out);
        list("Not run", self.not_run.iter().map(group), &mut out);
        if let Some(finished) = &self.finished
            && let Some(stop) = finished.stopped
        {
            let _ = writeln!(
                out,
                "The run is not whole: {}; {} did not run.\n",
                stop.text(),
                cases(finished.counts.not_run)
            );
        }
        list(
            "Snapshots that no case has",
            self.unused.iter().map(|path| code(path)),
            &mut out,
        );
        let pending = self.written.iter().filter(|path| is_pending(path));
        list("Pending snapshots", pending.map(|path| code(path)), &mut out);
        let accepted = self.written.iter().filter(|path| !is_pending(path));
        list("Accepted snapshots", accepted.map(|path| code(path)), &mut out);
        let mut parts = Vec::new();
        if let Some(started) = &self.started {
            parts.push(code(&started.tool));
        }
        if let Some(finished) = &self.finished {
            parts.push(format!("{}s", seconds(millis(finished.elapsed_us))));
        }
        if let Some(started) = &self.started {
            parts.push(started.started.format("%Y-%m-%d %H:%M:%S UTC").to_string());
            if let Some(commit) = &started.commit {
                parts.push(format!("commit {}", code(head_of(commit))));
            }
            parts.push(format!("suite {}", code(head_of(&started.suite_hash))));
        }
        let _ = writeln!(out, "{}", parts.join(" · "));
        inert_lines(&out)
    }

    fn end(&mut self) -> io::Result<()> {
        let (head, tail) = (inert_lines(&self.head()), self.tail());
        self.sink.write_all(head.as_bytes())?;
        // Room for the line that says what is missing.
        let mut left = MOST.saturating_sub(head.len() + tail.len() + 200);
        let mut more = 0;
        let sink = &mut self.sink;
        self.broken.each(|(), entry| {
            if more > 0 || entry.len() > left {
                more += 1;
                return Ok(());
            }
            left -= entry.len();
            sink.write_all(entry)
        })?;
        if more > 0 {
            let more = cases(more);
            writeln!(
                self.sink,
                "… and {more} more that did not pass, for which there is no room here.\n"
            )?;
        }
        self.sink.write_all(tail.as_bytes())
    }
}

impl Reporter for Markdown {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.shell = Shell::of(started);
                self.started = Some(started.clone());
            }
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

/// The findings of a try in fences; `text` comes before them.
fn findings(one: &Attempt, mut text: String, out: &mut String) {
    if let Some(reason) = &one.reason {
        let _ = writeln!(text, "{}", short(reason, FINDINGS));
    }
    let most = out.len() + FINDINGS;
    for (index, finding) in one.findings().enumerate() {
        if index > 0 && out.len() + text.len() > most {
            let _ = writeln!(text, "… and {} more findings", one.findings().count() - index);
            break;
        }
        let Some(diff) = &finding.diff else {
            text.push_str(&clip(&account::findings([finding]), FINDINGS));
            continue;
        };
        let _ = writeln!(text, "{}", short(&account::title(finding), LINE * 2));
        if let Some(place) = &finding.place {
            let _ = writeln!(text, "  --> {}", short(&place.to_string(), LINE));
        }
        fence("text", &std::mem::take(&mut text), out);
        let shown: Vec<_> = diff_lines(diff).iter().map(|line| visible(line).into_owned()).collect();
        fence("diff", &clip(&(shown.join("\n") + "\n"), FINDINGS), out);
    }
    fence("text", &text, out);
}

/// A heading and its list, unless there is nothing on it.
pub(super) fn list(heading: &str, entries: impl Iterator<Item = String>, out: &mut String) {
    let (mut section, mut shown, mut more) = (String::new(), 0, 0);
    for entry in entries {
        if shown < LISTED && section.len() + entry.len() < SECTION {
            let _ = writeln!(section, "- {entry}");
            shown += 1;
        } else {
            more += 1;
        }
    }
    if more > 0 {
        let _ = writeln!(section, "- … and {more} more");
    }
    if !section.is_empty() {
        let _ = writeln!(out, "### {heading}\n\n{section}");
    }
}

fn group((reason, group): (&String, &Group)) -> String {
    let mut ids: Vec<_> = group.some.iter().map(|id| code(id)).collect();
    if group.cases > ids.len() {
        ids.push("…".to_owned());
    }
    format!("{}: {} ({})", cases(group.cases), code(reason), ids.join(", "))
}

/// As much of a digest as tells it from others.
pub(super) fn head_of(digest: &str) -> &str {
    &digest[..digest.floor_char_boundary(12)]
}
