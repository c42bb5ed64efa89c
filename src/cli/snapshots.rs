//! `conforme review`, `accept` and `reject`

use std::{io, path::Path};

use super::{Exit, Printer, args::SettleArgs};
use crate::{
    project::Project,
    report::diff_for_people,
    snapshot::{Pending, SnapshotStore, review as ask},
    source::{Diagnostics, nearest},
};

/// The snapshot folder of the project, and what waits in it. Suites are not needed, and may be broken.
fn pending(folder: Option<&Path>, printer: &Printer) -> Result<(SnapshotStore, Vec<Pending>), Exit> {
    let mut errors = Diagnostics::default();
    let folder = folder.unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let (project, sources) = Project::open(&folder, &mut errors);
    if !errors.is_empty() {
        return Err(printer.diagnostics(&errors, &sources));
    }
    let store = SnapshotStore::new(&project.snapshots);
    match store.pending() {
        Ok(pending) => Ok((store, pending)),
        Err(error) => {
            printer.error(&error.to_string());
            Err(Exit::Usage)
        }
    }
}

pub(super) fn review(folder: Option<&Path>, printer: &mut Printer) -> Exit {
    let (store, pending) = match pending(folder, printer) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    if pending.is_empty() {
        printer.out("no snapshot is pending");
        return Exit::Success;
    }
    let colors = printer.out_colours();
    let show = |diff: &str| diff_for_people(diff, colors);
    let decision = ask(&store, &pending, &mut io::stdin().lock(), &mut io::stdout(), show);
    match decision {
        Ok(Ok(decision)) => {
            printer.out(&format!(
                "{} accepted, {} rejected, {} left pending",
                decision.accepted, decision.rejected, decision.left
            ));
            Exit::Success
        }
        Ok(Err(error)) => {
            printer.error(&error.to_string());
            Exit::Usage
        }
        Err(error) => {
            printer.error(&error.to_string());
            Exit::Report
        }
    }
}

/// Accepts or rejects what is pending, all of it or the named ones.
pub(super) fn settle(args: &SettleArgs, accept: bool, folder: Option<&Path>, printer: &mut Printer) -> Exit {
    let (store, pending) = match pending(folder, printer) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let is_named = |one: &Pending, id: &String| {
        one.id == *id
            || one
                .id
                .strip_prefix(id.as_str())
                .is_some_and(|rest| rest.starts_with(['/', '[']))
    };
    for id in &args.ids {
        if !pending.iter().any(|one| is_named(one, id)) {
            let near = nearest(id, pending.iter().map(|one| one.id.as_str()));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            printer.error(&format!("no pending snapshot of `{id}`{near}"));
            // The name of a case whose snapshot is stored is valid; anything else may be misspelled.
            let is_stored = matches!(store.read(id), Ok(Some(_)));
            return if is_stored { Exit::NothingRan } else { Exit::Usage };
        }
    }
    let chosen: Vec<_> = pending
        .iter()
        .filter(|one| args.ids.is_empty() || args.ids.iter().any(|id| is_named(one, id)))
        .collect();
    for one in &chosen {
        let result = if accept { store.accept(one) } else { store.reject(one) };
        if let Err(error) = result {
            printer.error(&error.to_string());
            return Exit::Report;
        }
        printer.out(&format!("{} {}", if accept { "accepted" } else { "rejected" }, one.id));
    }
    if chosen.is_empty() {
        printer.out("no snapshot is pending");
    }
    Exit::Success
}
