//! A change in plain text, for readers who were not there: what it is, whom it breaks, how to see it.

use std::fmt::Write as _;

use super::release::{NAME, command, origin, value, whose};
use crate::{
    compare::{Change, Comparison},
    report::outcome::short,
};

/// Most bytes of a value or a sentence.
const VALUE: usize = 500;

/// Maximum number of further values.
const OTHERS: usize = 10;

/// All lines but the commands.
pub(super) fn text(change: &Change) -> String {
    let mut out = format!(
        "{}\nreason: {}\n",
        short(&change.message, VALUE),
        short(&change.reason, VALUE)
    );
    if change.before.is_some() || change.after.is_some() {
        let _ = writeln!(out, "before: {}", value(change.before.as_deref(), VALUE));
        let _ = writeln!(out, " after: {}", value(change.after.as_deref(), VALUE));
    }
    for other in change.others.iter().take(OTHERS) {
        let (before, after) = (
            value(other.before.as_deref(), VALUE),
            value(other.after.as_deref(), VALUE),
        );
        let _ = writeln!(out, "  also: {before} -> {after} ({})", short(&other.case, NAME));
    }
    let _ = writeln!(out, "    at: {}", origin(change));
    let _ = writeln!(out, " cases: {}", whose(change));
    let _ = writeln!(out, "    --> {}", short(&change.evidence.place.to_string(), NAME));
    let _ = writeln!(out, "fingerprint: {}", short(&change.fingerprint, NAME));
    out
}

/// The commands that send the requests of the first case again, to the candidate first: a label and a command each.
pub(super) fn commands(comparison: &Comparison, change: &Change, most: usize) -> Vec<(&'static str, String)> {
    let evidence = &change.evidence;
    let candidate = command(evidence.candidate.as_ref(), &comparison.candidate, most);
    let baseline = command(evidence.baseline.as_ref(), &comparison.baseline, most);
    [("candidate", candidate), ("baseline", baseline)]
        .into_iter()
        .filter_map(|(label, command)| Some((label, command?)))
        .collect()
}
