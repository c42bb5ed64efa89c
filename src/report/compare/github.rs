//! A comparison as annotations of GitHub Actions: one a change, on the line of the first case that shows it.

use std::io::{self, Write};

use super::{
    account,
    release::{
        MISSING, NAME, Release, compared, drift_headline, fails, headline, level, matrix_headline, origin, title, whose,
    },
};
use crate::{
    compare::{Change, Comparison, Level, Matrix},
    report::{
        github::{MESSAGE, SHOWN, data, property},
        outcome::{clip, figure, in_repository, short},
    },
};

/// Most annotations of one kind. GitHub shows ten of a step, and keeps the others in the log.
const MOST: usize = 50;

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    let errors = tell(comparison, "", sink)?;
    let text = format!("{} ({})", headline(comparison), compared(comparison));
    end(Release::of(comparison), errors, &text, sink)
}

/// Writes how several targets differ from the first.
pub(super) fn write_matrix(matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let mut errors = 0;
    for drift in &matrix.drift {
        errors += tell(drift, &format!("{}: ", short(&drift.candidate.name, NAME)), sink)?;
    }
    let mut text = matrix_headline(matrix);
    for drift in &matrix.drift {
        text.push('\n');
        text.push_str(&drift_headline(drift));
    }
    end(Release::of_matrix(matrix), errors, &text, sink)
}

/// The annotations of the changes; how many of them are errors.
fn tell(comparison: &Comparison, lead: &str, sink: &mut dyn Write) -> io::Result<usize> {
    let (mut told, mut left) = ([0; 3], 0);
    for change in &comparison.changes {
        let (at, word) = match change.level {
            // What fails the step is an error, whatever its level.
            _ if fails(comparison, change) => (0, "error"),
            Level::Breaking => (0, "error"),
            Level::Warning => (1, "warning"),
            Level::Info => (2, "notice"),
        };
        if told[at] == MOST {
            left += 1;
            continue;
        }
        told[at] += 1;
        writeln!(sink, "{}", annotation(comparison, change, word, lead))?;
    }
    if left > 0 {
        let text = format!("{lead}{} more changes are left out here", figure(left));
        writeln!(sink, "::notice title=conforme compare::{}", data(&text))?;
    }
    for one in comparison.not_compared.iter().take(MISSING) {
        let file = in_repository(folder(comparison), &one.place.file);
        let word = if one.is_missing { "error" } else { "notice" };
        told[0] += usize::from(one.is_missing);
        writeln!(
            sink,
            "::{word} file={},line={},title=not compared::{}",
            property(&short(&file, NAME)),
            one.place.line,
            data(&format!(
                "{lead}{}: {}",
                short(&one.case, NAME),
                short(&one.reason, NAME)
            ))
        )?;
    }
    for accepted in comparison.accepted.iter().take(MOST) {
        let file = in_repository(folder(comparison), &accepted.place.file);
        let (change, why) = (&accepted.change, short(&accepted.accepted_because, NAME));
        let text = format!(
            "{lead}{} of {} ({}): {why}",
            title(change),
            origin(change),
            whose(change)
        );
        writeln!(
            sink,
            "::notice file={},line={},title=accepted change::{}",
            property(&short(&file, NAME)),
            accepted.place.line,
            data(&text)
        )?;
    }
    for stale in comparison.stale.iter().take(MOST) {
        let file = in_repository(folder(comparison), &stale.place.file);
        let place = format!("file={},line={}", property(&short(&file, NAME)), stale.place.line);
        let text = short(&stale.reason, NAME);
        writeln!(
            sink,
            "::warning {place},title=stale entry of accepted changes::{}",
            data(&text)
        )?;
    }
    Ok(told[0])
}

fn annotation(comparison: &Comparison, change: &Change, word: &str, lead: &str) -> String {
    let place = &change.evidence.place;
    let file = in_repository(folder(comparison), &place.file);
    let mut text = format!(
        "{} in {}\n{}",
        level(change.level),
        origin(change),
        account::text(change)
    );
    for (side, command) in account::commands(comparison, change, MESSAGE) {
        let line = format!("{side}: {command}\n");
        if text.len() + line.len() < MESSAGE {
            text.push_str(&line);
        }
    }
    let text = clip(&text, MESSAGE);
    format!(
        "::{word} file={},line={},col={},title={}::{}",
        property(&short(&file, NAME)),
        place.line,
        place.column,
        property(&format!("{lead}{}", title(change))),
        data(text.trim_end())
    )
}

/// The verdict; as one error too many it would not be seen.
fn end(release: Release, errors: usize, text: &str, sink: &mut dyn Write) -> io::Result<()> {
    let word = if release == Release::May || errors >= SHOWN {
        "notice"
    } else {
        "error"
    };
    writeln!(sink, "::{word} title=conforme compare::{}", data(&clip(text, MESSAGE)))
}

fn folder(comparison: &Comparison) -> Option<&str> {
    let (candidate, baseline) = (&comparison.candidate.folder, &comparison.baseline.folder);
    candidate.as_deref().or(baseline.as_deref())
}
