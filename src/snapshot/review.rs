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

/// Where the decisions come from.
pub trait ReviewInput {
    /// The next word or key; `None` at the end of the input.
    fn next(&mut self) -> io::Result<Option<String>>;
}

/// Lines: words or their first letters.
pub struct ReviewLines<R>(pub R);

impl<R: BufRead> ReviewInput for ReviewLines<R> {
    fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        Ok((self.0.read_line(&mut line)? > 0).then_some(line))
    }
}

/// How a review is shown.
pub trait ReviewStyle {
    /// A heading.
    fn heading(&self, text: &str) -> String;

    /// The lines of a diff.
    fn diff(&self, diff: &str) -> Vec<String>;

    /// Where the case of a snapshot is: `cases/orders/create.yaml:3`.
    fn location(&self, one: &PendingSnapshot) -> Option<String>;
}

/// Shows each pending snapshot as a diff with the location of its case, and reads the decision: accept, reject, skip, or quit.
/// At the end of `input` the rest stays pending.
pub fn review(
    store: &SnapshotStore,
    pending: &[PendingSnapshot],
    input: &mut dyn ReviewInput,
    output: &mut dyn Write,
    style: &dyn ReviewStyle,
) -> Result<io::Result<Decision>, SnapshotError> {
    let mut decision = Decision::default();
    for (index, one) in pending.iter().enumerate() {
        let ask = ask(one, (index, pending.len()), input, output, style);
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
    (index, count): (usize, usize),
    input: &mut dyn ReviewInput,
    output: &mut dyn Write,
    style: &dyn ReviewStyle,
) -> io::Result<Option<char>> {
    let heading = style.heading(&format!("{} ({} of {count})", one.id, index + 1));
    writeln!(output, "\n{heading}")?;
    if let Some(location) = style.location(one) {
        writeln!(output, "  {location}")?;
    }
    let diff = crate::check::diff(one.old.as_deref().unwrap_or_default(), &one.new);
    for line in style.diff(&diff) {
        writeln!(output, "  {line}")?;
    }
    loop {
        write!(output, "[a]ccept, [r]eject, [s]kip, [q]uit? ")?;
        output.flush()?;
        let Some(answer) = input.next()? else {
            writeln!(output)?;
            return Ok(None);
        };
        match answer.trim().to_ascii_lowercase().as_str() {
            "a" | "accept" => return Ok(Some('a')),
            "r" | "reject" => return Ok(Some('r')),
            "s" | "skip" => return Ok(Some('s')),
            "q" | "quit" => return Ok(None),
            _ => {}
        }
    }
}
