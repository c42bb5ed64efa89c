//! The page of a run: one file that needs no network and no server, with a script that lists and filters the cases.
//!
//! The content security policy allows this script and the style only, each by its digest. Data of the run is in elements
//! of JSON, which the browser does not execute; the script creates text of it.

mod head;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use self::head::Broken;
use super::{
    ReportOutput, Reporter,
    causes::Causes,
    curl::{self, CommandContext, CurlCommand},
    escape::html::data,
    from::run::RunSource,
    limits::{
        COMMAND, RESPONSE_LINES,
        html::{
            BLOCK_COUNT, BODY, BODY_IN_LARGE, FINDINGS_COUNT, LARGE, MESSAGES, NAMED_COUNT, TIMED_COUNT, WARNINGS_COUNT,
        },
    },
    links::Links,
    plain,
    spool::Spool,
};
use crate::{
    check::status_name,
    mask::Masked,
    model::{Attempt, CaseFinished, Event, Outcome, Step, Verdict},
};

pub(super) const SCRIPT: &str = concat!(
    include_str!("text.js"),
    include_str!("search.js"),
    include_str!("timeline.js"),
    include_str!("theme.js"),
    include_str!("page.js")
);
/// The element in which the rows are inserted. Escaped text cannot contain it.
const ROWS: &str = "<script type=\"application/json\" id=\"rows\">";

/// Collects the cases of a run, and writes its page.
pub(super) struct RunPage {
    sink: ReportOutput,
    run: RunSource,
    /// The row of a case in the list.
    rows: Spool<()>,
    /// The details of a case, shown when it is opened.
    details: Spool<()>,
    written: usize,
    /// The first cases that did not pass.
    broken: Broken,
    causes: Causes,
}

/// The row of a case in the list.
#[derive(Serialize)]
struct CaseRow<'a>(
    Verdict,
    &'a str,
    &'a str,
    Option<&'a str>,
    &'a [String],
    u64,
    usize,
    String,
    Vec<&'a str>,
    String,
    /// The number of the cause, if it did not pass.
    Option<usize>,
    /// For each request, the time since the start of the run and the duration, in microseconds.
    Vec<u64>,
);

/// The details of a case, shown when it is opened.
#[derive(Serialize)]
struct Details<'a> {
    case: &'a CaseFinished,
    /// For each step of the last attempt, the command that repeats its request, unless it is too long.
    curls: Vec<Option<CurlCommand>>,
    /// The names of the statuses.
    statuses: BTreeMap<u16, String>,
    /// For each attempt and step, the number of findings that are left out.
    left_out: Vec<Vec<usize>>,
}

/// For each step of an attempt, the command that repeats its request, unless it is too long.
fn commands(attempt: &Attempt, shell: &CommandContext) -> Vec<Option<CurlCommand>> {
    let is_short = |command: &CurlCommand| command.line.len() <= COMMAND;
    let commands = curl::of_attempt(attempt, shell);
    commands.map(|(_, command)| command.filter(is_short)).collect()
}

impl RunPage {
    pub(super) fn new(sink: ReportOutput) -> Self {
        Self {
            run: RunSource::default(),
            rows: Spool::new(sink.folder()),
            details: Spool::new(sink.folder()),
            written: 0,
            broken: Broken::new(),
            causes: Causes::default(),
            sink,
        }
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        self.run.add(finished);
        // Most cases passed, and have no message.
        let is_broken = matches!(finished.verdict, Verdict::Failed | Verdict::Errored | Verdict::Flaky);
        let message = if is_broken {
            self.run.item(finished).message
        } else {
            String::new()
        };
        let number = self.causes.add(finished);
        let times = self.times(finished);
        let row = data(&row(finished, &message, number, times))?;
        self.rows.push(finished.index, (), &row)?;
        if is_broken {
            let broken = (finished.verdict, finished.id.clone(), message);
            self.broken.insert(finished.index, broken);
            if self.broken.len() > NAMED_COUNT {
                self.broken.pop_last();
            }
        }
        let curls = commands(&finished.last, &self.run.shell);
        let max = if finished.verdict == Verdict::Passed && self.written > LARGE {
            BODY_IN_LARGE
        } else {
            BODY
        };
        let mut case = finished.clone();
        let mut statuses = BTreeMap::new();
        let mut left_out = Vec::new();
        for one in case
            .previous
            .iter_mut()
            .chain([&mut case.last])
            .chain(&mut case.repeats)
        {
            left_out.push(one.steps.iter_mut().map(|step| shorten(step, max)).collect());
            for exchange in one.exchanges() {
                if let Outcome::Response(response) = &exchange.outcome {
                    statuses
                        .entry(response.status)
                        .or_insert_with(|| status_name(response.status));
                }
            }
        }
        let details = data(&Details {
            case: &case,
            curls,
            statuses,
            left_out,
        })?;
        self.written += details.len();
        self.details.push(finished.index, (), &details)
    }

    /// When each request of a case began, since the start of the run, and how long it took.
    fn times(&self, finished: &CaseFinished) -> Vec<u64> {
        let Some(began) = self.run.started.as_ref().map(|started| started.started) else {
            return Vec::new();
        };
        let attempts = finished
            .previous
            .iter()
            .chain([&finished.last])
            .chain(&finished.repeats);
        let steps = attempts.flat_map(|attempt| &attempt.steps);
        let timed = steps.filter_map(|step| {
            let since = (step.started? - began).num_microseconds()?;
            Some([u64::try_from(since).unwrap_or(0), step.elapsed_us])
        });
        timed.take(TIMED_COUNT).flatten().collect()
    }

    fn page(&mut self) -> io::Result<()> {
        let snapshot = |(id, path): &(String, String)| serde_json::json!({ "id": id, "path": path });
        let (started, finished) = (self.run.started.as_ref(), self.run.finished.as_ref());
        let links = Links::of_environment(started);
        let run = data(&serde_json::json!({
            "source": links.source,
            "block": BLOCK_COUNT,
            "target_vars": started.map(|started| &started.vars),
            "warnings": self.run.warnings().take(WARNINGS_COUNT).collect::<Vec<_>>(),
            "unused": self.run.unused,
            "pending": self.run.written.iter().map(snapshot).collect::<Vec<_>>(),
        }))?;
        let page = head::page(
            (started, finished, &links),
            (&self.broken, &self.causes),
            &String::from_utf8_lossy(&run),
            SCRIPT,
        )
        .into_string();
        let missing = || io::Error::other("the page has no such element");
        let (before, rest) = page.split_once(ROWS).ok_or_else(missing)?;
        let (middle, after) = rest.rsplit_once("</body>").ok_or_else(missing)?;
        let Self {
            sink, rows, details, ..
        } = self;
        write!(sink, "{before}{ROWS}[")?;
        let mut comma = "";
        rows.each(|(), row| {
            sink.write_all(comma.as_bytes())?;
            comma = ",\n";
            sink.write_all(row)
        })?;
        write!(sink, "]{middle}")?;
        // A browser reads few large elements faster than one for each case.
        let mut at = 0_usize;
        details.each(|(), details| {
            if at.is_multiple_of(BLOCK_COUNT) {
                let end = if at > 0 { "</script>\n" } else { "" };
                let number = at / BLOCK_COUNT;
                write!(sink, "{end}<script type=\"application/json\" id=\"d{number}\">")?;
            } else {
                sink.write_all(b"\n")?;
            }
            at += 1;
            sink.write_all(details)
        })?;
        if at > 0 {
            writeln!(sink, "</script>")?;
        }
        writeln!(sink, "</body>{after}")
    }
}

impl Reporter for RunPage {
    fn event(&mut self, event: &Masked<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.rows.reserve(started.cases);
                self.details.reserve(started.cases);
                self.run.start(started);
            }
            Event::CaseFinished(finished) => self.case(finished)?,
            Event::SnapshotUnused { path } => self.run.add_unused(path),
            Event::RunFinished(finished) => self.run.finish(finished),
            Event::TargetAwaited(_)
            | Event::CaseStarted(_)
            | Event::CaseSlow(_)
            | Event::CaseRetried(_)
            | Event::StepFinished(_)
            | Event::RunStopping(_) => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.page()?;
        self.sink.close()
    }
}

fn row<'a>(finished: &'a CaseFinished, message: &str, cause: Option<usize>, times: Vec<u64>) -> CaseRow<'a> {
    let last = &finished.last;
    let mut checks: Vec<&str> = Vec::new();
    let mut text = String::new();
    if let Some(reason) = &last.reason {
        text.push_str(reason);
    }
    if finished.verdict == Verdict::Flaky {
        text.push_str(message);
    }
    for finding in last.findings() {
        if !checks.contains(&finding.check.as_str()) {
            checks.push(finding.check.as_str());
        }
    }
    // Failing findings first: a closed row shows the first line.
    let mut findings: Vec<_> = last.findings().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    for finding in findings {
        if text.len() > MESSAGES {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&finding.headline());
    }
    text.truncate(text.floor_char_boundary(MESSAGES));
    let request = last.exchange().map(|exchange| &exchange.request);
    let mut url = request.map_or_else(String::new, |request| format!("{} {}", request.method, request.url));
    url.truncate(url.floor_char_boundary(MESSAGES));
    CaseRow(
        finished.verdict,
        &finished.id,
        &finished.suite,
        finished.name.as_deref(),
        &finished.tags,
        last.elapsed_us(),
        finished.previous.len(),
        url,
        checks,
        text,
        cause,
        times,
    )
}

/// Limits the size of a step in the page; returns the number of findings that are left out.
fn shorten(one: &mut Step, max: usize) -> usize {
    let left_out = one.findings.len().saturating_sub(FINDINGS_COUNT);
    // Failing findings are kept before warnings.
    if left_out > 0 {
        one.findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        one.findings.truncate(FINDINGS_COUNT);
    }
    for finding in &mut one.findings {
        let message = finding.statement();
        let [expected, actual] = finding.values().map(|value| value.map(Cow::into_owned));
        (finding.message, finding.expected, finding.actual) = (message, expected, actual);
        finding.diff = finding
            .diff
            .take()
            .map(|diff| plain::shown_diff(&diff, RESPONSE_LINES).join("\n"));
        for text in [&mut finding.diff, &mut finding.expected, &mut finding.actual]
            .into_iter()
            .flatten()
        {
            if text.len() > BODY {
                let end = text.floor_char_boundary(BODY);
                *text = format!("{}\n… {} more bytes", &text[..end], text.len() - end);
            }
        }
    }
    if let Some(exchange) = &mut one.exchange {
        exchange.request.body.keep(max);
        match &mut exchange.outcome {
            Outcome::Response(response) => {
                response.body.keep(max);
                response.excess.keep(max);
            }
            Outcome::Malformed(malformed) => malformed.bytes.keep(max),
            Outcome::Failure(_) => {}
        }
    }
    left_out
}
