//! The comparison of two documents that describe an API, with the rules and levels of the comparison of responses.
//!
//! Operations are matched by method and path ([`operations`]). Two schemas are compared by what they accept ([`shape`],
//! [`local`], [`graph`]): each pair once, whatever the number of operations that use it. A difference becomes a change by
//! where the schema is used ([`classify`]), and changes are grouped by the changed part of the document ([`collect`]).

mod bound;
mod classify;
mod collect;
mod data;
mod graph;
mod local;
mod messages;
mod observed;
mod operations;
mod raw;
mod security;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::NaiveDate;
pub use data::{
    AcceptedDeclaration, ChangePlace, ComparedDocument, DeclaredChange, DeclaredPart, DocumentChangeSummary,
    DocumentComparison, ObservedDeclaration, ObservedState, ObservedVersions, document_comparison_schema,
};

pub use observed::{ExercisedOperations, observe};

use self::{
    collect::{Weighing, weigh},
    operations::compare_all,
};
use super::{AcceptedEntry, ChangeLevel, FORMAT, Levels};
use crate::{
    model::{Exit, Location},
    openapi::{ApiDocument, ApiVersion, DocumentPart},
};

/// Maximum number of places of a change that are listed.
const MAX_PLACES: usize = 500;
/// Maximum length in bytes of a text before or after.
const MAX_TEXT: usize = 500;

/// The locations of parts of a document.
type PartLocations<'p> = HashMap<&'p DocumentPart, Location>;

/// How two documents are compared.
#[derive(Clone, Copy, Debug)]
pub struct DocumentCompareOptions<'a> {
    /// Levels that the project sets.
    pub levels: &'a Levels,
    /// Changes that are accepted.
    pub accepted: &'a [AcceptedEntry],
    /// The day that expiry dates and `x-sunset` are compared with.
    pub today: NaiveDate,
    /// The minimum level of a change that fails the comparison.
    pub fail_on: Option<ChangeLevel>,
}

/// Compares two documents; the names are those that the user wrote.
pub fn compare_documents(
    (old, old_name): (&ApiDocument, &str),
    (new, new_name): (&ApiDocument, &str),
    how: &DocumentCompareOptions<'_>,
) -> DocumentComparison {
    let compared = compare_all(old, new, how.today);
    let weighing = Weighing {
        levels: how.levels,
        accepted: how.accepted,
        today: how.today,
    };
    let weighed = weigh(compared.found, (old, new), &weighing);
    let changes = weighed.changes;
    let count = |level| changes.iter().filter(|change| change.level == level).count();
    let is_same = |name: &&String| !weighed.changed.contains(*name);
    let fails = |change: &DeclaredChange| how.fail_on.is_some_and(|least| change.level >= least);
    let exit = if changes.iter().any(fails) {
        Exit::ContractViolated
    } else {
        Exit::Success
    };
    DocumentComparison {
        format: FORMAT,
        tool: concat!("conforme ", env!("CARGO_PKG_VERSION")).to_owned(),
        baseline: side(old, old_name),
        candidate: side(new, new_name),
        fail_on: how.fail_on,
        summary: DocumentChangeSummary {
            compared: compared.pairs.len(),
            same: compared.pairs.iter().filter(is_same).count(),
            added: compared.added,
            removed: compared.removed,
            breaking: count(ChangeLevel::Breaking),
            warnings: count(ChangeLevel::Warning),
            infos: count(ChangeLevel::Info),
            exit_code: exit.code(),
        },
        changes,
        accepted: weighed.accepted,
        stale: weighed.stale,
        observed: None,
    }
}

fn side(document: &ApiDocument, name: &str) -> ComparedDocument {
    let version = match document.version {
        ApiVersion::V30 => "3.0",
        ApiVersion::V31 => "3.1",
        ApiVersion::V32 => "3.2",
    };
    ComparedDocument {
        name: name.to_owned(),
        title: document.title.clone(),
        openapi: version.to_owned(),
        operations: document.operations.len(),
    }
}

/// A text of limited length.
fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_TEXT)])
}
