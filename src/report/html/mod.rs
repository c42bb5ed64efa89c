//! `--report html`: one page that needs no network and no server, and says first whether the contract holds.
//!
//! The page comes with a content security policy that lets nothing run but its own script and style, each named by its
//! digest. What the run saw stands in blocks of JSON that the browser does not execute; the script makes text of it.

mod head;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use base64::Engine as _;
use serde::Serialize;

use self::head::Head;
pub(super) use self::head::icon;
use super::{
    Reporter, Sink,
    curl::{self, Shell},
    escape::html::data,
    limits::{
        COMMAND,
        html::{BODY, BODY_IN_LARGE, DIFF_LINES, FINDINGS_COUNT, LARGE, MESSAGES, NAMED_COUNT, WARNINGS_COUNT},
    },
    plain,
    spool::Spool,
};
use crate::{
    check::status_name,
    model::{Attempt, CaseFinished, Event, Level, Reply, RunFinished, RunStarted, Step, Verdict},
    redact::Redacted,
};

/// The page; what stands between two `@@` is a name of what is put there.
const PAGE: &str = include_str!("page.html");
pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes a page.
pub(super) struct Html {
    sink: Sink,
    started: Option<RunStarted>,
    finished: Option<RunFinished>,
    shell: Shell,
    /// What the list shows of a case.
    rows: Spool<()>,
    /// What is shown of a case when it is opened.
    details: Spool<()>,
    written: usize,
    /// The first cases that did not pass, by their place in the plan.
    broken: BTreeMap<usize, (Verdict, String, String)>,
    /// Findings of level `warn`, check and message: how many cases show each.
    warnings: BTreeMap<(String, String), usize>,
    unused: Vec<String>,
    pending: Vec<Pending>,
}

/// A snapshot that was written.
#[derive(Serialize)]
struct Pending {
    id: String,
    path: String,
}

/// What the list shows of a case.
#[derive(Serialize)]
struct Row<'a>(
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
);

/// What is shown of a case when it is opened.
#[derive(Serialize)]
struct Details<'a> {
    case: &'a CaseFinished,
    /// The command that sends the last request again.
    #[serde(skip_serializing_if = "Option::is_none")]
    curl: Option<String>,
    /// The statuses of the answers, with their names.
    statuses: BTreeMap<u16, String>,
    /// For each attempt and step, the number of findings that are left out.
    left_out: Vec<Vec<usize>>,
}

impl Html {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            started: None,
            finished: None,
            shell: Shell::default(),
            rows: Spool::new(sink.folder()),
            details: Spool::new(sink.folder()),
            written: 0,
            broken: BTreeMap::new(),
            warnings: BTreeMap::new(),
            unused: Vec::new(),
            pending: Vec::new(),
            sink,
        }
    }

    fn case(&mut self, finished: &CaseFinished) -> io::Result<()> {
        self.note(finished);
        self.rows.push(finished.index, (), &data(&row(finished))?)?;
        let curl = finished
            .last
            .exchange()
            .filter(|exchange| !exchange.request.body.is_cut() && exchange.request.body.bytes().len() <= COMMAND)
            .map(|exchange| curl::command(&exchange.request, &self.shell))
            .filter(|command| command.len() <= COMMAND);
        let most = if finished.verdict == Verdict::Passed && self.written > LARGE {
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
            .chain(&mut case.repeats)
            .chain([&mut case.last])
        {
            left_out.push(one.steps.iter_mut().map(|step| shorten(step, most)).collect());
            for exchange in one.exchanges() {
                if let Reply::Answer(answer) = &exchange.reply {
                    statuses
                        .entry(answer.status)
                        .or_insert_with(|| status_name(answer.status));
                }
            }
        }
        let details = data(&Details {
            case: &case,
            curl,
            statuses,
            left_out,
        })?;
        self.written += details.len();
        self.details.push(finished.index, (), &details)
    }

    /// Keeps what is told beside the list.
    fn note(&mut self, finished: &CaseFinished) {
        for finding in finished.last.findings() {
            if finding.level == Level::Warn {
                let key = (finding.check.to_string(), finding.message.clone());
                if self.warnings.len() < WARNINGS_COUNT || self.warnings.contains_key(&key) {
                    *self.warnings.entry(key).or_default() += 1;
                }
            }
        }
        if let Some(path) = &finished.snapshot {
            self.pending.push(Pending {
                id: finished.id.clone(),
                path: path.clone(),
            });
        }
        if matches!(finished.verdict, Verdict::Failed | Verdict::Errored | Verdict::Flaky) {
            let why = match finished.verdict {
                Verdict::Flaky => flaky(finished),
                _ => finished.last.summary().unwrap_or_default(),
            };
            self.broken
                .insert(finished.index, (finished.verdict, finished.id.clone(), why));
            if self.broken.len() > NAMED_COUNT {
                self.broken.pop_last();
            }
        }
    }

    fn page(&mut self) -> io::Result<()> {
        let head = Head::new(self.started.as_ref(), self.finished.as_ref(), &self.broken);
        // Literal text and names take turns.
        for (turn, part) in PAGE.split("@@").enumerate() {
            if turn % 2 == 0 {
                self.sink.write_all(part.as_bytes())?;
                continue;
            }
            match part {
                "policy" => write!(self.sink, "{}", policy(Some(SCRIPT), STYLE))?,
                "style" => self.sink.write_all(STYLE.as_bytes())?,
                "script" => self.sink.write_all(SCRIPT.as_bytes())?,
                "run" => self.sink.write_all(&data(&serde_json::json!({
                    "target_vars": self.started.as_ref().map(|started| &started.vars),
                    "warnings": self.warnings.iter().map(|((check, message), cases)| (check, message, cases))
                        .collect::<Vec<_>>(),
                    "unused": self.unused,
                    "pending": self.pending,
                }))?)?,
                "rows" => {
                    let mut comma = "";
                    let sink = &mut self.sink;
                    self.rows.each(|(), row| {
                        sink.write_all(comma.as_bytes())?;
                        comma = ",\n";
                        sink.write_all(row)
                    })?;
                }
                "details" => {
                    let sink = &mut self.sink;
                    let mut at = 0_usize;
                    self.details.each(|(), details| {
                        write!(sink, "<script type=\"application/json\" id=\"d{at}\">")?;
                        at += 1;
                        sink.write_all(details)?;
                        sink.write_all(b"</script>\n")
                    })?;
                }
                name => self.sink.write_all(head.part(name).as_bytes())?,
            }
        }
        Ok(())
    }
}

impl Reporter for Html {
    fn event(&mut self, event: &Redacted<Event>) -> io::Result<()> {
        match &**event {
            Event::RunStarted(started) => {
                self.rows.reserve(started.cases);
                self.details.reserve(started.cases);
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
        self.page()?;
        self.sink.close()
    }
}

fn row(finished: &CaseFinished) -> Row<'_> {
    let last = &finished.last;
    let mut checks: Vec<&str> = Vec::new();
    let mut text = String::new();
    if let Some(reason) = &last.reason {
        text.push_str(reason);
    }
    if finished.verdict == Verdict::Flaky {
        text.push_str(&flaky(finished));
    }
    for finding in last.findings() {
        if !checks.contains(&finding.check.as_str()) {
            checks.push(finding.check.as_str());
        }
    }
    // What breaks the contract first: it is what a closed row shows.
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
    Row(
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
    )
}

/// Why the first try did not pass, of a case that passed later.
fn flaky(finished: &CaseFinished) -> String {
    let why = finished.previous.first().and_then(Attempt::summary).unwrap_or_default();
    format!("try 1 of {}: {why}", finished.previous.len() + 1)
}

/// Limits the size of a step in the page; returns the number of findings that are left out.
fn shorten(one: &mut Step, most: usize) -> usize {
    let left_out = one.findings.len().saturating_sub(FINDINGS_COUNT);
    // Those that fail the case are told before any warning is.
    if left_out > 0 {
        one.findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        one.findings.truncate(FINDINGS_COUNT);
    }
    for finding in &mut one.findings {
        let message = finding.statement();
        let [expected, actual] = finding.values().map(|value| value.map(std::borrow::Cow::into_owned));
        (finding.message, finding.expected, finding.actual) = (message, expected, actual);
        finding.diff = finding
            .diff
            .take()
            .map(|diff| plain::shown_diff(&diff, DIFF_LINES).join("\n"));
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
        exchange.request.body.keep(most);
        match &mut exchange.reply {
            Reply::Answer(answer) => {
                answer.body.keep(most);
                answer.excess.keep(most);
            }
            Reply::Malformed(malformed) => malformed.bytes.keep(most),
            Reply::Failure(_) => {}
        }
    }
    left_out
}

/// What a page may do: run its script, where it has one, have its style, show the pictures that stand in it. Nothing
/// else.
pub(super) fn policy(script: Option<&str>, style: &str) -> String {
    let digest = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest)
    };
    let script = script.map(|script| format!("script-src 'sha256-{}'; ", digest(script)));
    format!(
        "default-src 'none'; {}style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        script.unwrap_or_default(),
        digest(style),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_only_parts_that_there_are() {
        let own = ["policy", "style", "script", "run", "rows", "details"];
        let broken = BTreeMap::new();
        let head = Head::new(None, None, &broken);
        for name in PAGE.split("@@").skip(1).step_by(2) {
            assert!(own.contains(&name) || head.has(name), "{name}");
        }
        assert_eq!(PAGE.matches("@@").count() % 2, 0);
    }

    #[test]
    fn script_and_style_can_stand_in_their_elements() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</"));
        // A browser reads `\r\n` as `\n` before it takes the digest.
        assert!(!SCRIPT.contains('\r') && !STYLE.contains('\r'));
    }
}
