//! Every named way in which a portal breaks the contract, grouped by what is broken.

mod bodies;
mod dates;
mod fields;
mod framing;
mod headers;
mod ids;
mod leaks;
mod rows;
mod sequences;
mod statuses;
mod timestamps;

use super::behavior::{Behavior, Scene};
use super::call::Call;
use super::response::Response;
use super::row::Row;
use super::wire::Wire;

/// A fault: its name and its behavior.
pub(crate) type Fault = (&'static str, Behavior);

/// Every fault; names are unique and in kebab case.
#[must_use]
pub(crate) fn all() -> Vec<Fault> {
    [
        statuses::all(),
        rows::all(),
        ids::all(),
        fields::all(),
        timestamps::all(),
        bodies::all(),
        headers::all(),
        dates::all(),
        framing::all(),
        leaks::all(),
        sequences::all(),
    ]
    .concat()
}

/// A portal that keeps the contract but for this edit of the responses of `rows`.
fn edit(rows: &'static [Row], step: impl Fn(&mut Response) + Send + Sync + 'static) -> Behavior {
    Behavior::default().edit(rows, step)
}

/// As [`edit`], for an edit that needs the call, the past or the time.
fn edit_with(rows: &'static [Row], step: impl Fn(&mut Response, &Scene) + Send + Sync + 'static) -> Behavior {
    Behavior::default().edit_with(rows, step)
}

/// A portal that keeps the contract but puts calls into other rows.
fn judge(step: impl Fn(Row, &Scene) -> Row + Send + Sync + 'static) -> Behavior {
    Behavior::default().judge(step)
}

/// A portal that keeps the contract but understands requests in its own way.
fn hear(step: impl Fn(&mut Call) + Send + Sync + 'static) -> Behavior {
    Behavior::default().hear(step)
}

/// A portal that keeps the contract but for these bytes of the responses of `rows`.
fn bend(rows: &'static [Row], step: impl Fn(&mut Wire) + Send + Sync + 'static) -> Behavior {
    Behavior::default().bend(rows, step)
}

/// A portal that fails with a bare 500 where `fails` says so.
fn crash(rows: &'static [Row], fails: impl Fn(&Scene) -> bool + Send + Sync + 'static) -> Behavior {
    edit_with(rows, move |response, scene| {
        if fails(scene) {
            response.bare(500);
        }
    })
}
