//! A comparison in the Test Anything Protocol, version 14: a test point a change.

use std::io::{self, Write};

use super::{
    account,
    release::{
        NAME, Release, cautions, compared, drift_headline, fails, headline, level, matrix_headline, not_compared,
        origin, title, whose,
    },
};
use crate::{
    compare::{Change, Comparison, Matrix},
    model::Verdict,
    report::{outcome::short, tap::plain},
    text::quoted_yaml,
};

/// Most changes of one comparison. Those that fail come first.
const CHANGES: usize = 2000;
/// Most bytes of a value or a sentence.
const VALUE: usize = 500;
/// Most bytes of a command.
const COMMAND: usize = 8 << 10;

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    writeln!(sink, "TAP version 14\n1..{}", points(comparison))?;
    tell(comparison, 0, &headline(comparison), "", sink).map(drop)
}

/// Writes what several targets answer: each case on each target, then what has drifted.
pub(super) fn write_matrix(matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let cells = matrix.rows.len() * matrix.targets.len();
    let planned = cells + matrix.drift.iter().map(points).sum::<usize>();
    writeln!(
        sink,
        "TAP version 14\n1..{planned}\n# {}",
        plain(&matrix_headline(matrix))
    )?;
    let mut number = 0;
    for (at, side) in matrix.targets.iter().enumerate() {
        for row in &matrix.rows {
            number += 1;
            let verdict = row.verdicts.get(at).copied().flatten();
            let name = format!("{}: {}", short(&side.name, NAME), short(&row.case, NAME));
            let reason = row.reasons.get(at).and_then(Option::as_deref).unwrap_or_default();
            let reason = short(reason, VALUE);
            match verdict {
                // The target lets a flaky case pass, or the run would not have.
                Some(Verdict::Flaky) if matrix.exit_code == 0 => writeln!(sink, "ok {number} - {}", plain(&name))?,
                Some(Verdict::Passed) => writeln!(sink, "ok {number} - {}", plain(&name))?,
                Some(Verdict::Skipped) | None => {
                    let point = format!("ok {number} - {} # SKIP {}", plain(&name), plain(&reason));
                    writeln!(sink, "{}", point.trim_end())?;
                }
                Some(verdict) => {
                    writeln!(sink, "not ok {number} - {}\n  ---", plain(&name))?;
                    writeln!(sink, "  verdict: {}", quoted_yaml(verdict.name()))?;
                    writeln!(sink, "  message: {}\n  ...", quoted_yaml(&reason))?;
                }
            }
        }
    }
    for drift in &matrix.drift {
        let lead = format!("{}: ", short(&drift.candidate.name, NAME));
        number = tell(drift, number, &drift_headline(drift), &lead, sink)?;
    }
    Ok(())
}

/// How many test points a comparison has.
fn points(comparison: &Comparison) -> usize {
    1 + comparison.changes.len().min(CHANGES)
}

/// The points after so many others; the number of the last one.
fn tell(
    comparison: &Comparison,
    mut number: usize,
    headline: &str,
    lead: &str,
    sink: &mut dyn Write,
) -> io::Result<usize> {
    writeln!(sink, "# {}\n# {}", plain(headline), plain(&compared(comparison)))?;
    for caution in cautions(comparison) {
        writeln!(sink, "# {}", plain(&caution))?;
    }
    for (case, reason) in not_compared(comparison) {
        writeln!(sink, "# not compared: {}", plain(&format!("{case}: {reason}")))?;
    }
    for accepted in comparison.accepted.iter().take(CHANGES) {
        let (change, why) = (&accepted.change, short(&accepted.accepted_because, VALUE));
        let text = format!("{} of {} ({}): {why}", title(change), origin(change), whose(change));
        writeln!(sink, "# accepted {}", plain(&text))?;
    }
    for stale in comparison.stale.iter().take(CHANGES) {
        let text = format!(
            "{}: {}",
            short(&stale.place.to_string(), NAME),
            short(&stale.reason, VALUE)
        );
        writeln!(sink, "# stale entry {}", plain(&text))?;
    }
    let left = comparison.changes.len().saturating_sub(CHANGES);
    if left > 0 {
        writeln!(sink, "# {left} more changes are left out here")?;
    }
    number += 1;
    let has_failure = comparison
        .changes
        .iter()
        .take(CHANGES)
        .any(|change| fails(comparison, change));
    let word = match Release::of(comparison) {
        Release::Unknown => "not ok",
        // No point below says so.
        Release::MustNot if !has_failure => "not ok",
        Release::MustNot | Release::May => "ok",
    };
    writeln!(sink, "{word} {number} - {}the cases are compared", plain(lead))?;
    for change in comparison.changes.iter().take(CHANGES) {
        number += 1;
        point(comparison, change, number, lead, sink)?;
    }
    Ok(number)
}

fn point(comparison: &Comparison, change: &Change, number: usize, lead: &str, sink: &mut dyn Write) -> io::Result<()> {
    let word = if fails(comparison, change) { "not ok" } else { "ok" };
    let name = format!("{lead}{} of {}", title(change), origin(change));
    writeln!(sink, "{word} {number} - {}\n  ---", plain(&name))?;
    let mut key = |name: &str, value: &str| writeln!(sink, "  {name}: {}", quoted_yaml(value));
    key("level", level(change.level))?;
    key("message", &short(&change.message, VALUE))?;
    key("reason", &short(&change.reason, VALUE))?;
    for (name, value) in [("before", &change.before), ("after", &change.after)] {
        if let Some(value) = value {
            key(name, &short(value, VALUE))?;
        }
    }
    key("cases", &whose(change))?;
    key("place", &short(&change.evidence.place.to_string(), NAME))?;
    key("fingerprint", &short(&change.fingerprint, NAME))?;
    for (side, command) in account::commands(comparison, change, COMMAND) {
        key(side, &command)?;
    }
    writeln!(sink, "  ...")
}
