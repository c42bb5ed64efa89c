//! Items, attempts and findings in plain text, for all formats.

use std::fmt::Write as _;

use super::{
    curl::{self, CommandContext},
    escape::{lines, visible},
    limits::{CASES_COUNT, COMMAND, DIFF_LINES, FINDINGS, LINE, NAME, VALUE, VALUES_COUNT},
    model::{Item, Line},
    text::{count, cut, figure, millis, seconds, short},
};
use crate::{
    check::{self, status_name},
    model::{Attempt, FailureKind, Finding, Level, Location, Outcome, Request, Step},
    text::{alone, distinct, excerpts},
};

/// An item that is not a case: what happened, its values, cases and location, and what to add.
pub(super) fn item(item: &Item<'_>) -> String {
    let mut out = facts(item);
    if let Some(advice) = item.advice {
        let _ = writeln!(out, "add:\n{}", lines(advice.trim_end()));
    }
    out
}

/// The same without what to add.
pub(super) fn facts(item: &Item<'_>) -> String {
    let mut out = format!("{}\n", item.message);
    if let Some(reason) = &item.reason {
        let _ = writeln!(out, "reason: {reason}");
    }
    for values in item.values.iter().take(VALUES_COUNT + 1) {
        let (before, after) = (value(values.before, VALUE), value(values.after, VALUE));
        let _ = match values.case {
            None => writeln!(out, "before: {before}\n after: {after}"),
            Some(case) => writeln!(out, "  also: {before} -> {after} ({})", short(case, NAME)),
        };
    }
    for (label, text) in &item.details {
        let _ = writeln!(out, "{label:>6}: {text}");
    }
    let _ = writeln!(out, "    at: {}", item.origin);
    let _ = writeln!(out, " cases: {}", some_cases(item, CASES_COUNT));
    let _ = writeln!(out, "    --> {}", short(&item.location.to_string(), NAME));
    if !item.fingerprint.is_empty() {
        let _ = writeln!(out, "fingerprint: {}", item.fingerprint);
    }
    out
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

/// The first cases of an item in one line, and the number of further ones.
pub(super) fn some_cases(item: &Item<'_>, max: usize) -> String {
    let first: Vec<_> = item.cases.iter().take(max).map(|id| short(id, NAME)).collect();
    match item.case_count.saturating_sub(first.len()) {
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

/// What a line shows, for the colors of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinePart {
    Reason,
    Step,
    Finding(Level),
    Location,
    Expected,
    Actual,
    Diff,
    Response,
    Command,
    Note,
}

/// A line of an attempt: a label of the report, and a text, which is escaped.
pub(super) struct TextLine {
    pub part: LinePart,
    pub label: &'static str,
    pub text: String,
}

/// An attempt: the reason, and for each step its findings, the response in short and the command that repeats the request.
pub(super) fn attempt(attempt: &Attempt, shell: &CommandContext) -> String {
    text_of(attempt_lines(attempt, Some(shell), DIFF_LINES, Detail::Full))
}

fn text_of(lines: Vec<TextLine>) -> String {
    let mut out = String::new();
    for line in lines {
        let _ = writeln!(out, "{}{}", line.label, line.text);
    }
    out
}

/// Which lines of an attempt are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// All of them.
    Full,
    /// Of steps that passed, only what they are and what they captured.
    Brief,
}

/// The lines of an attempt, with command lines if there is a `shell`.
pub(super) fn attempt_lines(
    attempt: &Attempt,
    shell: Option<&CommandContext>,
    max_diff: usize,
    detail: Detail,
) -> Vec<TextLine> {
    let mut out = Vec::new();
    let mut add = |part, label, text| out.push(TextLine { part, label, text });
    if let Some(reason) = &attempt.reason {
        add(LinePart::Reason, "", cut(&visible(reason)));
    }
    let mut room = FINDINGS;
    // The values that earlier steps captured are variables of the shell in the commands of later ones.
    let mut shell = shell.cloned();
    for step in &attempt.steps {
        if !step.id.is_empty() {
            add(LinePart::Step, "", step_title(step));
        }
        for line in finding_lines(&step.findings, &mut room, max_diff) {
            add(line.part, line.label, line.text);
        }
        if let Some(captures) = captures(step) {
            add(LinePart::Note, "captured: ", captures);
        }
        let is_brief = detail == Detail::Brief && !step.id.is_empty() && !step.fails() && !step.has_no_response();
        if is_brief {
            if let Some(shell) = &mut shell {
                shell.add_captures(step);
            }
            continue;
        }
        let Some(exchange) = &step.exchange else { continue };
        if let Outcome::Response(response) = &exchange.outcome {
            let length = match response.body.length() {
                0 => "no body".to_owned(),
                length => count(length, "byte"),
            };
            let (version, status) = (visible(&response.version), status_name(response.status));
            let text = if exchange.request.is_mail() {
                format!("messages of the mailbox, {length}")
            } else {
                format!("{version} {}, {length}", visible(&status))
            };
            add(LinePart::Response, "response: ", text);
        }
        let request = &exchange.request;
        if let Some(shell) = shell.as_ref().filter(|_| !request.body.is_cut()) {
            let command = command(request, shell);
            let notes = curl::notes(request, &command, shell);
            add(LinePart::Command, "reproduce: ", lines(&command));
            for note in notes {
                add(LinePart::Note, "", format!("({note})"));
            }
        }
        if let Some(shell) = &mut shell {
            shell.add_captures(step);
        }
    }
    out
}

/// A step in one line: `step create [0.012s]: POST https://api.example.com/orders, failed`.
pub(super) fn step_title(step: &Step) -> String {
    let (phase, id) = (step.phase.name(), short(&step.id, NAME));
    if let Some(reason) = &step.omitted {
        return format!("{phase} {id}: not sent: {}", short(reason, NAME));
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

/// Findings, a few lines each, in about `max` bytes.
pub(super) fn findings<'f>(findings: impl IntoIterator<Item = &'f Finding>, mut max: usize) -> String {
    text_of(finding_lines(findings, &mut max, DIFF_LINES))
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
        let warning = if finding.level == Level::Deny { "" } else { "warning: " };
        add(LinePart::Finding(finding.level), warning, title(finding));
        if let Some(location) = &finding.location {
            add(
                LinePart::Location,
                "  --> ",
                visible(&location.to_string()).into_owned(),
            );
        }
        if let Some(diff) = &finding.diff {
            for line in shown_diff(diff, max_diff) {
                // The bar distinguishes lines of the response from those of the report.
                add(LinePart::Diff, "  | ", visible(&line).into_owned());
            }
            continue;
        }
        let [expected, actual] = finding.values_to_show();
        let values = [
            (LinePart::Expected, "  expected: ", expected),
            (LinePart::Actual, "    actual: ", actual),
        ];
        for (part, label, value) in values {
            if let Some(value) = value {
                add(part, label, cut(&visible(&value)));
            }
        }
    }
    if left > 0 {
        let text = format!("… and {}", count(left, "more finding"));
        out.push(TextLine {
            part: LinePart::Note,
            label: "",
            text,
        });
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

/// The command that repeats a request, or a sentence if it is too long for a report.
pub(super) fn command(request: &Request, shell: &CommandContext) -> String {
    let command = curl::command(request, shell);
    if command.len() > COMMAND {
        let method = &request.method;
        return format!(
            "{method} {}, as in the recording (the command has {} bytes)",
            cut(&request.url),
            command.len()
        );
    }
    command
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
        let text = findings(&many, FINDINGS);
        assert!(text.len() < FINDINGS + 2 * LINE, "{}", text.len());
        assert!(text.trim_end().ends_with(" more findings"));
        let request = Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1/".to_owned(),
            headers: Vec::new(),
            body: "x".repeat(COMMAND).into(),
        };
        assert!(
            command(&request, &CommandContext::default()).starts_with("POST http://127.0.0.1/, as in the recording")
        );
    }

    #[test]
    fn captured_values_are_variables_of_later_commands() {
        let step = |id: &str, url: &str, captures: &[(&str, serde_json::Value)]| Step {
            id: id.to_owned(),
            captures: captures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            exchange: Some(crate::model::Exchange {
                request: Request {
                    method: "GET".to_owned(),
                    url: url.to_owned(),
                    headers: vec![("cookie".to_owned(), "sid=$SID".to_owned())],
                    body: Vec::new().into(),
                },
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
        let one = Attempt {
            reason: None,
            steps: vec![
                step("create", "http://h/7", &captures),
                step("get", "http://h/order-0123/7", &[]),
                omitted,
            ],
        };
        let text = attempt(&one, &CommandContext::default());
        assert!(
            text.contains("captured: line = 7, order_id = \"order-0123\", sid = \"$SID\"\n"),
            "{text}"
        );
        assert!(text.contains("http://h/\"$ORDER_ID\"/7 "), "{text}");
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
        let brief = text_of(attempt_lines(
            &passed,
            Some(&CommandContext::default()),
            DIFF_LINES,
            Detail::Brief,
        ));
        assert!(brief.contains("captured: ") && !brief.contains("reproduce"), "{brief}");
    }

    #[test]
    fn attempt_of_several_steps_lists_each_step() {
        let step = |id: &str, findings| Step {
            id: id.to_owned(),
            elapsed_us: 12_000,
            findings,
            ..Step::default()
        };
        let finding = Finding {
            expected: Some("200".to_owned()),
            actual: Some("404".to_owned()),
            ..Finding::new(crate::model::CheckId::Status, "unexpected status")
        };
        let one = Attempt {
            reason: None,
            steps: vec![step("create", Vec::new()), step("shipped", vec![finding])],
        };
        assert_eq!(headline(&one), "step shipped: status: expected 200, got 404");
        assert_eq!(
            attempt(&one, &CommandContext::default()),
            "step create [0.012s]: passed\nstep shipped [0.012s]: failed\nstatus: expected 200, got 404\n"
        );
    }
}
