//! Interactive review of pending snapshots.

use std::io::{self, BufRead, Write};

use super::{PendingSnapshot, SnapshotError, SnapshotStore};

/// The result of a review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How many were accepted.
    pub accepted: usize,
    /// How many were rejected.
    pub rejected: usize,
    /// How many are still pending.
    pub left: usize,
}

/// Shows each pending snapshot as a diff formatted by `show`, and reads the decision: accept, reject, skip, or quit. At
/// the end of `input` the rest stays pending.
pub fn review(
    store: &SnapshotStore,
    pending: &[PendingSnapshot],
    input: &mut impl BufRead,
    output: &mut impl Write,
    show: impl Fn(&str) -> Vec<String>,
) -> Result<io::Result<Decision>, SnapshotError> {
    let mut decision = Decision::default();
    for (index, one) in pending.iter().enumerate() {
        let ask = ask(one, index, pending.len(), input, output, &show);
        match ask {
            Err(error) => return Ok(Err(error)),
            Ok(Some('a')) => {
                store.accept(one)?;
                decision.accepted += 1;
            }
            Ok(Some('r')) => {
                store.reject(one)?;
                decision.rejected += 1;
            }
            Ok(Some(_)) => decision.left += 1,
            Ok(None) => {
                decision.left += pending.len() - index;
                break;
            }
        }
    }
    Ok(Ok(decision))
}

/// The decision for one of them: `a`, `r`, `s`; `None` ends the review.
fn ask(
    one: &PendingSnapshot,
    index: usize,
    count: usize,
    input: &mut impl BufRead,
    output: &mut impl Write,
    show: &impl Fn(&str) -> Vec<String>,
) -> io::Result<Option<char>> {
    writeln!(output, "\n{} ({} of {count})", one.id, index + 1)?;
    let diff = crate::check::diff(one.old.as_deref().unwrap_or_default(), &one.new);
    for line in show(&diff) {
        writeln!(output, "  {line}")?;
    }
    loop {
        write!(output, "[a]ccept, [r]eject, [s]kip, [q]uit? ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            writeln!(output)?;
            return Ok(None);
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "a" | "accept" => return Ok(Some('a')),
            "r" | "reject" => return Ok(Some('r')),
            "s" | "skip" => return Ok(Some('s')),
            "q" | "quit" => return Ok(None),
            _ => {}
        }
    }
}
