//! `conforme review`, `accept` and `reject`.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use console::Key;

use super::{Printer, args::SettleArgs};
use crate::{
    model::Exit,
    report::{Colors, diff_for_people, visible},
    session::{SessionError, locations_of_project, pending_snapshots, settle_snapshots},
    snapshot::{self, PendingSnapshot, ReviewInput, ReviewLines, ReviewStyle},
};

/// How a review is shown on this terminal.
struct Style {
    colors: Colors,
    locations: BTreeMap<String, String>,
}

impl ReviewStyle for Style {
    fn heading(&self, text: &str) -> String {
        self.colors.strong(&visible(text))
    }

    fn diff(&self, diff: &str) -> Vec<String> {
        diff_for_people(diff, self.colors)
    }

    fn location(&self, one: &PendingSnapshot) -> Option<String> {
        let location = self.locations.get(&one.id).or(one.source.as_ref())?;
        Some(self.colors.faint(&visible(location)))
    }
}

/// Single keys. The terminal is in raw mode only while a key is read.
struct ReviewKeys(console::Term);

impl ReviewInput for ReviewKeys {
    fn next(&mut self) -> io::Result<Option<String>> {
        let answer = match self.0.read_key_raw()? {
            // As a key, because a signal would be lost where the caller ignores SIGINT.
            Key::CtrlC => return Err(io::ErrorKind::Interrupted.into()),
            Key::Char('\u{4}') | Key::Escape => return Ok(None),
            Key::Char(key) if key.is_ascii_graphic() => key.to_string(),
            _ => String::new(),
        };
        writeln!(io::stdout(), "{answer}")?;
        Ok(Some(answer))
    }
}

pub(super) fn review(project: Option<&Path>, printer: &Printer) -> Result<Exit, SessionError> {
    let (store, pending) = pending_snapshots(project)?;
    if pending.is_empty() {
        printer.out("no snapshot is pending");
        return Ok(Exit::Success);
    }
    let style = Style {
        colors: printer.out_colors(),
        locations: locations_of_project(project),
    };
    let mut keys = ReviewKeys(console::Term::stdout());
    let mut lines = ReviewLines(io::stdin().lock());
    let has_keys = io::stdin().is_terminal() && io::stdout().is_terminal();
    let input: &mut dyn ReviewInput = if has_keys { &mut keys } else { &mut lines };
    let decision = snapshot::review(&store, &pending, input, &mut io::stdout(), &style)?;
    let decision = match decision {
        Ok(decision) => decision,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            writeln!(io::stdout()).map_err(|error| SessionError::Usage(error.to_string()))?;
            return Ok(Exit::Interrupted);
        }
        Err(error) => return Err(SessionError::Usage(error.to_string())),
    };
    printer.out(&format!(
        "{} accepted, {} rejected, {} left pending",
        decision.accepted, decision.rejected, decision.left
    ));
    Ok(Exit::Success)
}

/// Accepts or rejects pending snapshots: all of them, or those with the given ids.
pub(super) fn settle(
    args: &SettleArgs,
    accept: bool,
    project: Option<&Path>,
    printer: &Printer,
) -> Result<Exit, SessionError> {
    let done = if accept { "accepted" } else { "rejected" };
    let mut count = 0;
    settle_snapshots(project, &args.ids, accept, |one| {
        count += 1;
        printer.out(&format!("{done} {}", one.id));
    })?;
    if count == 0 {
        printer.out("no snapshot is pending");
    }
    Ok(Exit::Success)
}
