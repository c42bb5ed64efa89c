//! `conforme review`, `accept` and `reject`.

use std::{io, path::Path};

use super::{Printer, args::SettleArgs};
use crate::{
    model::Exit,
    report::diff_for_people,
    session::{SessionError, pending_snapshots, settle_snapshots},
    snapshot,
};

pub(super) fn review(project: Option<&Path>, printer: &Printer) -> Result<Exit, SessionError> {
    let (store, pending) = pending_snapshots(project)?;
    if pending.is_empty() {
        printer.out("no snapshot is pending");
        return Ok(Exit::Success);
    }
    let colors = printer.out_colors();
    let show = |diff: &str| diff_for_people(diff, colors);
    let decision = snapshot::review(&store, &pending, &mut io::stdin().lock(), &mut io::stdout(), show)?;
    let decision = decision.map_err(|error| SessionError::Usage(error.to_string()))?;
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
