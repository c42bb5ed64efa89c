//! Items, attempts and findings as lines, for all formats.

use std::fmt::Write as _;

use super::{
    curl::{self, CommandContext, CurlCommand},
    escape::{lines, visible},
    limits::{
        ATTEMPTS_COUNT, CASES_COUNT, COMMAND, DIFF_LINES, FINDINGS, ITEM_COMMAND, LINE, NAME, RESPONSE_DIFF_LINES,
        VALUE, VALUES_COUNT,
        terminal::{self, NAMED_COUNT},
    },
    model::{Execution, Item, Line},
    text::{clip, count, cut, figure, millis, seconds, short},
};
use crate::{
    check::{self, status_name},
    model::{Attempt, FailureKind, Finding, Level, Location, Outcome, Step, Verdict},
    text::{alone, distinct, excerpts},
};

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinePart {
    Title,
    Fact,
    Reason,
    Step,
    Finding(Level),
    Location,
    Expected,
    Actual,
    Diff,
    Response,
    Advice,
    Command,
    Note,
}

/// A line of a report: a label in the report's words, and a text, which is escaped.
pub(super) struct TextLine {
    pub part: LinePart,
    pub label: &'static str,
    pub text: String,
}

impl TextLine {
    fn new(part: LinePart, label: &'static str, text: impl Into<String>) -> Self {
        Self {
            part,
            label,
            text: text.into(),
        }
    }

    /// What precedes the text.
    pub(super) fn lead(&self) -> String {
        match self.part {
            _ if self.label.is_empty() => String::new(),
            // The bar distinguishes lines of the response from those of the report.
            LinePart::Location | LinePart::Diff => format!("  {} ", self.label),
            LinePart::Expected | LinePart::Actual => format!("{:>10}: ", self.label),
            LinePart::Fact => format!("{:>6}: ", self.label),
            LinePart::Advice => format!("{}:\n", self.label),
            _ => format!("{}: ", self.label),
        }
    }
}

fn text_of<'l>(lines: impl IntoIterator<Item = &'l TextLine>) -> String {
    let lines = lines.into_iter().map(|line| format!("{}{}\n", line.lead(), line.text));
    lines.collect()
}

/// The lines of an item in at most about `max` bytes. Commands are left out first.
pub(super) fn item(item: &Item<'_>, max: usize) -> String {
    let lines = item_lines(item, Detail::Full);
    let text = text_of(&lines);
    if text.len() <= max {
        return text;
    }
    let is_command = |line: &&TextLine| line.part == LinePart::Command;
    let mut text = clip(&text_of(lines.iter().filter(|line| !is_command(line))), max);
    for line in lines.iter().filter(is_command) {
        let line = text_of([line]);
        if text.len() + line.len() < max {
            text.push_str(&line);
        }
    }
    text
}

/// How much of an item is shown; each level includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Of steps that passed, only what they are and what they captured.
    Brief,
    /// All steps.
    Full,
    /// The difference between two responses.
    Responses,
    /// All values and cases.
    All,
}

/// The lines of an item: of a change its message and facts, what to add and the commands; of a case its attempts.
pub(super) fn item_lines(item: &Item<'_>, detail: Detail) -> Vec<TextLine> {
    if let Some(run) = &item.execution {
        return case_lines(item, run, detail);
    }
    let mut out = vec![TextLine::new(LinePart::Title, "", &item.message)];
    facts(item, detail, &mut out);
    if detail >= Detail::Responses {
        let diff = diff(item);
        let shown = diff.iter().take(RESPONSE_DIFF_LINES);
        out.extend(shown.map(|line| TextLine::new(LinePart::Diff, "", short(line, VALUE))));
        if diff.len() > RESPONSE_DIFF_LINES {
            let more = count(diff.len() - RESPONSE_DIFF_LINES, "more line");
            out.push(TextLine::new(LinePart::Diff, "", format!("… {more}")));
        }
    }
    let advice = item.advice.map(|advice| lines(advice.trim_end())).unwrap_or_default();
    let labels = std::iter::once("add").chain(std::iter::repeat(""));
    out.extend((advice.lines().zip(labels)).map(|(line, label)| TextLine::new(LinePart::Advice, label, line)));
    let commands = item
        .evidence
        .iter()
        .flat_map(|evidence| evidence.commands(ITEM_COMMAND));
    out.extend(commands.map(|(role, command)| TextLine::new(LinePart::Command, role, command)));
    out
}

/// The values of an item and why they matter, its cases and its location.
fn facts(item: &Item<'_>, detail: Detail, out: &mut Vec<TextLine>) {
    let (max_values, max_cases) = match detail {
        Detail::All => (NAMED_COUNT, NAMED_COUNT),
        _ => (VALUES_COUNT, CASES_COUNT),
    };
    let mut add = |label, text: String| out.push(TextLine::new(LinePart::Fact, label, text));
    for values in item.values.iter().take(max_values + 1) {
        let (before, after) = (value(values.before, VALUE), value(values.after, VALUE));
        if let Some(case) = values.case {
            add("also", format!("{before} → {after} ({})", short(case, NAME)));
        } else {
            add("before", before);
            add("after", after);
        }
    }
    if item.values.len() > max_values + 1 {
        let more = figure(item.values.len() - max_values - 1);
        add("also", format!("… and {more} more values"));
    }
    if let Some(reason) = &item.reason {
        add("reason", reason.clone());
    }
    for (label, text) in &item.details {
        add(label, text.clone());
    }
    add("at", item.origin.clone());
    let label = if item.unit == "case" { "cases" } else { "in" };
    // A single operation is the origin itself.
    if item.case_count > 1 || item.unit == "case" {
        add(label, some_cases(&item.cases, item.case_count, max_cases));
    }
    let location = short(&item.location.to_string(), NAME);
    out.push(TextLine::new(LinePart::Location, "-->", location));
    out.push(TextLine::new(LinePart::Note, "fingerprint", &item.fingerprint));
}

/// The lines of a case: its name and location, its attempts in short, and the one that explains its verdict.
fn case_lines(item: &Item<'_>, run: &Execution<'_>, detail: Detail) -> Vec<TextLine> {
    let mut out = Vec::new();
    let mut add = |part, label, text: String| out.push(TextLine::new(part, label, text));
    if let Some(name) = run.name {
        add(LinePart::Title, "", cut(&visible(name)));
    }
    if !run.tags.is_empty() && detail > Detail::Brief {
        add(LinePart::Note, "tags", cut(&visible(&run.tags.join(", "))));
    }
    for (index, one) in run.previous.iter().take(ATTEMPTS_COUNT).enumerate() {
        add(LinePart::Note, "", attempt_title(run, index, &headline(one)));
    }
    let left = run.previous.len().saturating_sub(ATTEMPTS_COUNT);
    if left > 0 {
        add(LinePart::Note, "", format!("… and {}", count(left, "more attempt")));
    }
    if !run.previous.is_empty() {
        let state = if run.verdict == Verdict::Flaky {
            "passed".to_owned()
        } else {
            headline(run.last)
        };
        add(LinePart::Note, "", attempt_title(run, run.previous.len(), &state));
    }
    // A report of a case that passed needs no exchange: it is not kept while the case runs.
    let mut lines = if run.verdict == Verdict::Passed {
        attempt_lines(run.last, None, Detail::Brief)
    } else {
        attempt_lines(run.explaining(), Some(run.shell), detail)
    };
    let has_reason = lines.first().is_some_and(|line| line.part == LinePart::Reason);
    // Findings have locations of their own.
    if has_reason || detail > Detail::Brief {
        let location = cut(&visible(&item.location.to_string()));
        lines.insert(
            usize::from(has_reason),
            TextLine::new(LinePart::Location, "-->", location),
        );
    }
    out.append(&mut lines);
    if let Some(path) = run.snapshot
        && detail > Detail::Brief
    {
        out.push(TextLine::new(LinePart::Note, "snapshot", visible(path)));
    }
    out
}

/// `attempt 1 of 3 [0.012s]: no response within 10s`.
fn attempt_title(run: &Execution<'_>, index: usize, state: &str) -> String {
    let (number, all) = (index + 1, run.previous.len() + 1);
    let time = run.attempts().nth(index).map_or(0, Attempt::elapsed_us);
    format!("attempt {number} of {all} [{}s]: {state}", seconds(millis(time)))
}

/// How the two responses of an item differ, as a unified diff without its header.
pub(super) fn diff(item: &Item<'_>) -> Vec<String> {
    let sides = item
        .evidence
        .as_ref()
        .map(|evidence| evidence.sides().map(|side| side.lines));
    let Some([Some(before), Some(after)]) = sides else {
        return Vec::new();
    };
    let text = |lines: Vec<Line>| {
        let add = |text: String, line: &Line| text + &line.text + "\n";
        lines.iter().fold(String::new(), add)
    };
    let diff = check::diff(&text(before), &text(after));
    let lines = diff.lines().skip(2);
    lines
        .map(|line| if line == " " { String::new() } else { line.to_owned() })
        .collect()
}

/// The first `max` cases in one line, and the number of further ones.
pub(super) fn some_cases(ids: &[impl AsRef<str>], all: usize, max: usize) -> String {
    let first: Vec<_> = ids.iter().take(max).map(|id| short(id.as_ref(), NAME)).collect();
    match all.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{}, + {} more", first.join(", "), figure(more)),
    }
}

/// A value, or that there is none.
pub(super) fn value(of: Option<&str>, max: usize) -> String {
    of.map_or_else(|| "(absent)".to_owned(), |text| short(text, max))
}

/// Whether an attempt that did not pass has no response to judge.
pub(super) fn has_no_response(attempt: &Attempt) -> bool {
    failure(attempt).is_some() || attempt.failing().is_none()
}

/// The kind of failure of an attempt: a check's id, or a failure such as `timeout`.
pub(super) fn kind(attempt: &Attempt) -> &str {
    match failure(attempt) {
        Some(FailureKind::Connect) => "connect",
        Some(FailureKind::Tls) => "tls",
        Some(FailureKind::Refused) => "refused",
        Some(FailureKind::Timeout) => "timeout",
        Some(FailureKind::Closed) => "closed",
        Some(FailureKind::NotHttp) => "not-http",
        Some(FailureKind::TooLarge) => "too-large",
        Some(FailureKind::Unattributed) => "unattributed",
        None => attempt.failing().map_or("no-verdict", |finding| finding.check.as_str()),
    }
}

fn failure(attempt: &Attempt) -> Option<FailureKind> {
    match attempt.outcome()? {
        Outcome::Failure(failure) => Some(failure.kind),
        _ => None,
    }
}

/// Why an attempt did not pass, in one line.
pub(super) fn headline(attempt: &Attempt) -> String {
    let mut findings = attempt.findings().filter(|finding| finding.level == Level::Deny);
    let text = match (findings.next(), &attempt.reason) {
        (Some(first), _) if failure(attempt).is_none() => {
            let text = title(first);
            match findings.count() {
                0 => text,
                more => format!("{text} (and {more} more)"),
            }
        }
        (_, Some(reason)) => visible(reason).into_owned(),
        _ => "it did not pass, and no reason was given".to_owned(),
    };
    match attempt.deciding().map(|step| step.id.as_str()) {
        None | Some("") => cut(&text),
        Some(step) => cut(&format!("step {}: {text}", visible(step))),
    }
}

/// Why a flaky case did not pass at its first attempt.
pub(super) fn flaky(previous: &[Attempt]) -> String {
    let why = previous.first().map(headline).unwrap_or_default();
    format!("it passed only at attempt {}, after: {why}", previous.len() + 1)
}

/// The location in a suite that explains why an attempt did not pass.
pub(super) fn location<'a>(attempt: &'a Attempt, case: &'a Location) -> &'a Location {
    let finding = attempt.failing().and_then(|finding| finding.location.as_ref());
    finding.unwrap_or(case)
}

/// An attempt: the reason, and for each step its findings, the response in short and the command that repeats the request.
pub(super) fn attempt(attempt: &Attempt, shell: &CommandContext) -> String {
    text_of(&attempt_lines(attempt, Some(shell), Detail::Full))
}

/// The lines of an attempt, with command lines if there is a `shell`.
fn attempt_lines(attempt: &Attempt, shell: Option<&CommandContext>, detail: Detail) -> Vec<TextLine> {
    let mut out = Vec::new();
    let mut add = |part, label, text: String| out.push(TextLine::new(part, label, text));
    let max_diff = match detail {
        Detail::Brief => terminal::DIFF_LINES,
        _ => DIFF_LINES,
    };
    if let Some(reason) = &attempt.reason {
        add(LinePart::Reason, "", cut(&visible(reason)));
    }
    let mut room = FINDINGS;
    let mut commands = shell.map(|shell| commands(attempt, shell));
    for step in &attempt.steps {
        let command = commands.as_mut().and_then(|commands| commands.next()?.1);
        if !step.id.is_empty() {
            add(LinePart::Step, "", step_title(step));
        }
        for line in finding_lines(&step.findings, &mut room, max_diff) {
            add(line.part, line.label, line.text);
        }
        if let Some(captures) = captures(step) {
            add(LinePart::Note, "captured", captures);
        }
        let is_brief = detail == Detail::Brief && !step.fails() && !step.has_no_response();
        let exchange = step.exchange.as_ref().filter(|_| !is_brief);
        if let Some(exchange) = exchange
            && let Outcome::Response(response) = &exchange.outcome
        {
            let length = match response.body.length() {
                0 => "no body".to_owned(),
                length => count(length, "byte"),
            };
            let (version, status) = (visible(&response.version), status_name(response.status));
            let text = if exchange.request.is_mail() {
                format!("messages of the mailbox, {length}")
            } else if response.is_refusal() {
                "none: the server rejects the client certificate".to_owned()
            } else {
                format!("{version} {}, {length}", visible(&status))
            };
            add(LinePart::Response, "response", text);
        }
        if let Some(command) = command.filter(|_| exchange.is_some()) {
            add(LinePart::Command, "reproduce", lines(&command.line));
            for note in command.notes {
                add(LinePart::Note, "", format!("({note})"));
            }
        }
    }
    out
}

/// A step in one line: `step create [0.012s]: POST https://api.example.com/orders, failed`.
pub(super) fn step_title(step: &Step) -> String {
    let (phase, id) = (step.phase.name(), short(&step.id, NAME));
    if let Some(reason) = &step.omitted {
        let what = if step.skipped { "skipped" } else { "not sent" };
        return format!("{phase} {id}: {what}: {}", short(reason, NAME));
    }
    let mut state = match step {
        step if step.fails() => "failed",
        step if step.has_no_response() => "no response",
        _ => "passed",
    }
    .to_owned();
    if step.polls > 0 {
        let _ = write!(state, " after {} requests", step.polls + 1);
    }
    let request = step.exchange.as_ref().map_or_else(String::new, |exchange| {
        let request = &exchange.request;
        format!("{} {}, ", request.method, short(&request.url, NAME))
    });
    let time = seconds(millis(step.elapsed_us));
    format!("{phase} {id} [{time}s]: {request}{state}")
}

/// The values that a step captured, in one line.
fn captures(step: &Step) -> Option<String> {
    let values = step.captures.iter().map(|(name, value)| format!("{name} = {value}"));
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| cut(&visible(&values.join(", "))))
}

/// A finding without its location, in at most `max` bytes.
pub(super) fn finding(finding: &Finding, max: usize) -> String {
    let lines = finding_lines([finding], &mut max.clone(), DIFF_LINES);
    let lines = lines.iter().filter(|line| line.part != LinePart::Location);
    clip(&text_of(lines), max)
}

/// The lines of findings, in about `room` bytes, which are taken from it.
fn finding_lines<'f>(
    findings: impl IntoIterator<Item = &'f Finding>,
    room: &mut usize,
    max_diff: usize,
) -> Vec<TextLine> {
    let mut out = Vec::new();
    let mut left = 0;
    for finding in findings {
        if *room == 0 {
            left += 1;
            continue;
        }
        let mut add = |part, label: &'static str, text: String| {
            *room = room.saturating_sub(label.len() + text.len() + 1);
            out.push(TextLine { part, label, text });
        };
        let warning = if finding.level == Level::Deny { "" } else { "warning" };
        add(LinePart::Finding(finding.level), warning, title(finding));
        if let Some(location) = &finding.location {
            add(LinePart::Location, "-->", visible(&location.to_string()).into_owned());
        }
        if let Some(diff) = &finding.diff {
            for line in shown_diff(diff, max_diff) {
                add(LinePart::Diff, "|", visible(&line).into_owned());
            }
            continue;
        }
        let [expected, actual] = finding.values_to_show();
        let values = [
            (LinePart::Expected, "expected", expected),
            (LinePart::Actual, "actual", actual),
        ];
        for (part, label, value) in values {
            if let Some(value) = value {
                add(part, label, cut(&visible(&value)));
            }
        }
    }
    if left > 0 {
        let text = format!("… and {}", count(left, "more finding"));
        out.push(TextLine::new(LinePart::Note, "", text));
    }
    out
}

/// A finding in one line: `body/json at /n: expected 1, got 2`.
pub(super) fn title(finding: &Finding) -> String {
    cut(&visible(&finding.headline()))
}

/// The first `max` lines of a diff, and the number of further ones. If a line replaces another, every difference is made
/// visible.
pub(super) fn shown_diff(diff: &str, max: usize) -> Vec<String> {
    let diff = diff.strip_suffix('\n').unwrap_or(diff);
    let all: Vec<&str> = diff.split('\n').take(max).collect();
    let mut lines = Vec::with_capacity(all.len() + 1);
    let mut at = 0;
    while at < all.len() {
        let run = |from: usize, sign: char| all[from..].iter().take_while(|line| line.starts_with(sign)).count();
        // The two lines of the header begin like a change.
        let is_header = at < 2 && (all[at].starts_with("--- ") || all[at].starts_with("+++ "));
        let removed = if is_header { 0 } else { run(at, '-') };
        let added = if is_header { 0 } else { run(at + removed, '+') };
        if removed + added == 0 {
            lines.push(cut(all[at]));
            at += 1;
            continue;
        }
        let (old, new) = (&all[at..at + removed], &all[at + removed..at + removed + added]);
        let (mut minus, mut plus) = (Vec::with_capacity(removed), Vec::with_capacity(added));
        for index in 0..removed.max(added) {
            let text = |lines: &[&str]| lines.get(index).map(|line| line[1..].to_owned());
            let (old, new) = match (text(old), text(new)) {
                (Some(old), Some(new)) => {
                    let shared = indentation(&old).min(indentation(&new));
                    let (indent, old, new) = (&old[..shared], &old[shared..], &new[shared..]);
                    let (old, new) = excerpts(old, new, LINE / 4);
                    let (old, new) = distinct(&old, &new);
                    (Some(format!("{indent}{old}")), Some(format!("{indent}{new}")))
                }
                (old, new) => {
                    let indented = |text: String| {
                        let (indent, text) = text.split_at(indentation(&text));
                        format!("{indent}{}", alone(text))
                    };
                    (old.map(indented), new.map(indented))
                }
            };
            minus.extend(old.map(|text: String| cut(&format!("-{text}"))));
            plus.extend(new.map(|text: String| cut(&format!("+{text}"))));
        }
        lines.append(&mut minus);
        lines.append(&mut plus);
        at += removed + added;
    }
    let left = diff.split('\n').count() - all.len();
    if left > 0 {
        lines.push(format!("… {left} more lines"));
    }
    lines
}

/// The number of spaces at the start of a line that contains anything else.
fn indentation(line: &str) -> usize {
    let rest = line.trim_start_matches(' ');
    if rest.is_empty() { 0 } else { line.len() - rest.len() }
}

/// The steps of an attempt with the commands that repeat their requests, or a sentence in place of one that is too long for a
/// report.
pub(super) fn commands<'a>(
    attempt: &'a Attempt,
    shell: &'a CommandContext,
) -> impl Iterator<Item = (&'a Step, Option<CurlCommand>)> {
    curl::of_attempt(attempt, shell).map(|(step, mut command)| {
        let exchange = step.exchange.as_ref();
        if let (Some(command), Some(exchange)) = (command.as_mut().filter(|one| one.line.len() > COMMAND), exchange) {
            let (method, url) = (&exchange.request.method, cut(&exchange.request.url));
            let length = command.line.len();
            command.line = format!("{method} {url}, as in the recording (the command has {length} bytes)");
            command.notes.clear();
        }
        (step, command)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_findings_diffs_and_commands_are_cut() {
        let diff = "+x\n".repeat(300_000);
        let lines = shown_diff(&diff, DIFF_LINES);
        assert_eq!(
            (lines.len(), lines[DIFF_LINES].as_str()),
            (DIFF_LINES + 1, "… 299800 more lines")
        );
        let finding = Finding {
            actual: Some("é".repeat(LINE)),
            ..Finding::new(crate::model::CheckId::BodyJson, "unexpected value")
        };
        let many: Vec<_> = (0..1000).map(|_| finding.clone()).collect();
        let text = text_of(&finding_lines(&many, &mut FINDINGS.clone(), DIFF_LINES));
        assert!(text.len() < FINDINGS + 2 * LINE, "{}", text.len());
        assert!(text.trim_end().ends_with(" more findings"));
        let request = crate::model::Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1/".to_owned(),
            headers: Vec::new(),
            body: "x".repeat(COMMAND).into(),
        };
        let exchange = crate::model::Exchange {
            request,
            outcome: Outcome::Failure(crate::model::Failure {
                kind: FailureKind::Connect,
                message: String::new(),
                elapsed_us: 0,
            }),
        };
        let attempt = Attempt::of(Step {
            exchange: Some(exchange),
            ..Step::default()
        });
        let (_, command) = commands(&attempt, &CommandContext::default()).next().unwrap();
        let line = command.unwrap().line;
        assert!(
            line.starts_with("POST http://127.0.0.1/, as in the recording"),
            "{line}"
        );
    }

    #[test]
    fn captured_values_are_variables_of_later_commands() {
        let request = |url: &str, cookie: &str| crate::model::Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("cookie".to_owned(), cookie.to_owned())],
            body: Vec::new().into(),
        };
        let step = |id: &str, url: &str, captures: &[(&str, serde_json::Value)]| Step {
            id: id.to_owned(),
            captures: captures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            exchange: Some(crate::model::Exchange {
                request: request(url, "sid=$SID"),
                outcome: Outcome::Failure(crate::model::Failure {
                    kind: FailureKind::Timeout,
                    message: String::new(),
                    elapsed_us: 0,
                }),
            }),
            ..Step::default()
        };
        let captures = [
            ("order_id", "order-0123".into()),
            ("line", 7.into()),
            ("sid", "$SID".into()),
        ];
        let mut omitted = step("omitted", "", &[]);
        (omitted.exchange, omitted.omitted) = (None, Some("the run ended".to_owned()));
        let mut get = step("get", "http://h/order-0123/7/7", &[]);
        get.repeat = Some(Box::new(crate::model::Repeat {
            request: Some(request("http://h/{{ order_id }}/7/{{ line }}", "sid={{ sid }}")),
            ..crate::model::Repeat::default()
        }));
        let one = Attempt {
            reason: None,
            steps: vec![step("create", "http://h/7/{{ line }}", &captures), get, omitted],
        };
        let text = attempt(&one, &CommandContext::default());
        assert!(
            text.contains("captured: line = 7, order_id = \"order-0123\", sid = \"$SID\"\n"),
            "{text}"
        );
        assert!(text.contains(" 'http://h/7/{{ line }}' "), "{text}");
        assert!(text.contains("http://h/\"$ORDER_ID\"/7/\"$LINE\" "), "{text}");
        assert!(text.contains("'cookie: sid='\"$SID\""), "{text}");
        assert!(
            text.contains("($ORDER_ID is captured by the step `create`)\n"),
            "{text}"
        );
        assert!(text.contains("step omitted: not sent: the run ended\n"), "{text}");
        let mut passed = one;
        for step in &mut passed.steps {
            step.exchange = None;
        }
        let brief = text_of(&attempt_lines(&passed, Some(&CommandContext::default()), Detail::Brief));
        assert!(brief.contains("captured: ") && !brief.contains("reproduce"), "{brief}");
    }
}
