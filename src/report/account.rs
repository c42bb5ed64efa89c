//! A try in plain text, for readers who were not there: what is wrong, which line asked for it, how to see it again.

use std::fmt::Write as _;

use super::{
    curl::{self, Shell},
    limits::{COMMAND, DIFF_LINES, LINE},
    visible,
};
pub(super) use super::{
    escape::lines,
    text::{cut, millis, seconds},
};
pub(super) use crate::report::limits::FINDINGS;
use crate::{
    check::status_name,
    model::{Attempt, FailureKind, Finding, Level, Reply, Request},
    text::{alone, distinct, excerpts},
};

/// Whether a try that did not pass has no answer to judge; else its answer is wrong.
pub(super) fn has_no_answer(one: &Attempt) -> bool {
    failure(one).is_some() || denied(one).next().is_none()
}

/// What kind of thing went wrong, for who groups by it: a check's id, or a failure's kind such as `timeout`.
pub(super) fn kind(one: &Attempt) -> &str {
    if let Some(kind) = failure(one) {
        return match kind {
            FailureKind::Connect => "connect",
            FailureKind::Tls => "tls",
            FailureKind::Timeout => "timeout",
            FailureKind::Closed => "closed",
            FailureKind::NotHttp => "not-http",
            FailureKind::TooLarge => "too-large",
            FailureKind::Unattributed => "unattributed",
        };
    }
    denied(one)
        .next()
        .map_or("no-verdict", |finding| finding.check.as_str())
}

/// In one line, why a try did not pass.
pub(super) fn headline(one: &Attempt) -> String {
    let mut findings = denied(one);
    let text = match (findings.next(), &one.reason) {
        (Some(first), _) if failure(one).is_none() => {
            let text = title(first);
            match findings.count() {
                0 => text,
                more => format!("{text} (and {more} more)"),
            }
        }
        (_, Some(reason)) => visible(reason).into_owned(),
        _ => "it did not pass, and no reason was given".to_owned(),
    };
    cut(&text)
}

/// All that a try shows: the reason, its findings, what the answer was, and the command that sends the request again.
pub(super) fn text(one: &Attempt, shell: &Shell) -> String {
    let mut out = String::new();
    if let Some(reason) = &one.reason {
        out.push_str(&cut(&visible(reason)));
        out.push('\n');
    }
    out.push_str(&findings(one.findings()));
    if let Some(exchange) = one.exchange() {
        if let Reply::Answer(answer) = &exchange.reply {
            let (version, status) = (visible(&answer.version), status_name(answer.status));
            let _ = writeln!(
                out,
                "response: {version} {}, {} bytes",
                visible(&status),
                answer.body.length()
            );
        }
        let _ = writeln!(out, "reproduce: {}", lines(&command(&exchange.request, shell)));
    }
    out
}

/// Findings, a few lines each.
pub(super) fn findings<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let mut out = String::new();
    let mut left = 0;
    for finding in findings {
        if out.len() > FINDINGS {
            left += 1;
            continue;
        }
        let warning = if finding.level == Level::Deny { "" } else { "warning: " };
        let _ = writeln!(out, "{warning}{}", title(finding));
        if let Some(place) = &finding.place {
            let _ = writeln!(out, "  --> {}", visible(&place.to_string()));
        }
        if let Some(diff) = &finding.diff {
            for line in diff_lines(diff) {
                // The bar keeps a line that comes from outside from being taken for one of ours.
                let _ = writeln!(out, "  | {}", visible(&line));
            }
            continue;
        }
        for (label, value) in ["expected", "  actual"].into_iter().zip(finding.values_to_show()) {
            if let Some(value) = value {
                let _ = writeln!(out, "  {label}: {}", cut(&visible(&value)));
            }
        }
    }
    if left > 0 {
        let _ = writeln!(out, "… and {left} more findings");
    }
    out
}

/// A finding in one line: `body/json at /n: expected 1, got 2`.
pub(super) fn title(finding: &Finding) -> String {
    cut(&visible(&finding.headline()))
}

/// The lines of a diff, up to a number that a reader can take in. In lines that take each other's place, every
/// difference is visible.
pub(super) fn diff_lines(diff: &str) -> Vec<String> {
    shown_diff(diff, DIFF_LINES)
}

/// The first lines of a diff, and how many more there are.
pub(super) fn shown_diff(diff: &str, most: usize) -> Vec<String> {
    let diff = diff.strip_suffix('\n').unwrap_or(diff);
    let all: Vec<&str> = diff.split('\n').take(most).collect();
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

/// The number of spaces that a line begins with; none where there is nothing else.
fn indentation(line: &str) -> usize {
    let rest = line.trim_start_matches(' ');
    if rest.is_empty() { 0 } else { line.len() - rest.len() }
}

/// The command that sends a request again, unless it is too long for a report.
pub(super) fn command(request: &Request, shell: &Shell) -> String {
    let command = curl::command(request, shell);
    if command.len() > COMMAND {
        let method = &request.method;
        return format!(
            "{method} {}, as in the recording: a command for it has {} bytes",
            cut(&request.url),
            command.len()
        );
    }
    command
}

fn denied(one: &Attempt) -> impl Iterator<Item = &Finding> {
    one.findings().filter(|finding| finding.level == Level::Deny)
}

fn failure(one: &Attempt) -> Option<FailureKind> {
    match &one.exchange()?.reply {
        Reply::Failure(failure) => Some(failure.kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let long = "é".repeat(LINE);
        let diff = "+x\n".repeat(300_000);
        let lines = diff_lines(&diff);
        assert_eq!(
            (lines.len(), lines[DIFF_LINES].as_str()),
            (DIFF_LINES + 1, "… 299800 more lines")
        );
        let finding = Finding {
            actual: Some(long.clone()),
            ..Finding::new(crate::model::CheckId::BodyJson, "the value is another one")
        };
        let many: Vec<_> = (0..1000).map(|_| finding.clone()).collect();
        let told = findings(&many);
        assert!(told.len() < FINDINGS + 2 * LINE, "{}", told.len());
        assert!(told.trim_end().ends_with(" more findings"));
        let request = Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1/".to_owned(),
            headers: Vec::new(),
            body: "x".repeat(COMMAND).into(),
        };
        assert!(command(&request, &Shell::default()).starts_with("POST http://127.0.0.1/, as in the recording"));
    }
}
