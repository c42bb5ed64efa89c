//! A run in a sentence, and what else the reports for reviewers share.

use super::{account, visible};
use crate::{
    check::{Finding, Level},
    event::{Counts, RunFinished, Try},
};

/// Whether the contract holds. Only a run that exits with 0 says that it does.
pub(super) fn headline(finished: Option<&RunFinished>) -> String {
    let Some(finished) = finished else {
        return "No verdict: the run has no end".to_owned();
    };
    let (counts, stopped) = (&finished.counts, finished.stopped);
    let no_answer = counts.errored + counts.not_run;
    match stopped {
        Some(stop) if counts.failed > 0 => {
            format!("The contract is broken, and the run is not whole: {}", stop.text())
        }
        None if counts.failed > 0 => "The contract is broken".to_owned(),
        Some(stop) => format!("No verdict: {}", stop.text()),
        None if no_answer > 0 => format!("No verdict: {} no answer to judge", have(no_answer)),
        None if counts.flaky > 0 && finished.exit_code != 0 => {
            format!("The contract does not hold at every try: {} flaky", are(counts.flaky))
        }
        None if counts.ran() == 0 => "No case ran".to_owned(),
        None if finished.exit_code == 0 => "The contract holds".to_owned(),
        None => format!("No verdict: the run exits with {}", finished.exit_code),
    }
}

/// The counts that are not zero: `3 passed, 1 failed`.
pub(super) fn parts(counts: &Counts) -> String {
    let parts: Vec<_> = columns(counts)
        .into_iter()
        .filter(|(name, number)| *number > 0 || *name == "passed")
        .map(|(name, number)| match (name, number) {
            ("warnings", 1) => "1 warning".to_owned(),
            _ => format!("{number} {name}"),
        })
        .collect();
    parts.join(", ")
}

/// All counts by name.
pub(super) fn columns(counts: &Counts) -> [(&'static str, usize); 7] {
    [
        ("passed", counts.passed),
        ("failed", counts.failed),
        ("errored", counts.errored),
        ("flaky", counts.flaky),
        ("skipped", counts.skipped),
        ("not run", counts.not_run),
        ("warnings", counts.warnings),
    ]
}

/// `1 case`, `2 cases`.
pub(super) fn cases(number: usize) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} case{s}")
}

/// `5,000`.
pub(super) fn figure(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn have(number: usize) -> String {
    format!("{} {}", cases(number), if number == 1 { "has" } else { "have" })
}

fn are(number: usize) -> String {
    format!("{} {}", cases(number), if number == 1 { "is" } else { "are" })
}

/// The first finding that fails a case.
pub(super) fn first(one: &Try) -> Option<&Finding> {
    one.findings.iter().find(|finding| finding.level == Level::Deny)
}

/// A path of the project as one of its repository.
pub(super) fn in_repository(folder: Option<&str>, file: &str) -> String {
    match folder {
        Some(folder) if !is_absolute(file) => format!("{folder}/{file}"),
        _ => file.to_owned(),
    }
}

/// Whether a path is one of this machine rather than of the project, on any system.
pub(super) fn is_absolute(file: &str) -> bool {
    file.starts_with('/') || file.get(1..3) == Some(":/")
}

/// Text of one line made harmless, and so many bytes of it.
pub(super) fn short(text: &str, most: usize) -> String {
    // What is far too long is cut before it is looked at.
    let end = text.floor_char_boundary(most);
    let shown = visible(&text[..end]);
    if shown.len() <= most && end == text.len() {
        return shown.into_owned();
    }
    format!("{}…", &shown[..shown.floor_char_boundary(most)])
}

/// Whole lines, so many bytes of them.
pub(super) fn clip(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = match text[..text.floor_char_boundary(most)].rfind('\n') {
        Some(end) => end + 1,
        // One line is too long by itself.
        None => return format!("{}…\n", &text[..text.floor_char_boundary(most)]),
    };
    format!("{}… {} more lines\n", &text[..end], text[end..].lines().count())
}

/// Why a flaky case did not pass at once.
pub(super) fn flaky(earlier: &[Try]) -> String {
    let why = earlier.first().map(account::headline).unwrap_or_default();
    format!("it passed only at try {}, after: {why}", earlier.len() + 1)
}
