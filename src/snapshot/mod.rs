//! Snapshot files: `insta`'s own `.snap` below the snapshot folder, pending ones as `.snap.new` beside them.

mod review;
mod store;

pub use review::{Decision, ReviewInput, ReviewLines, ReviewStyle, review};
pub use store::{AcceptedSnapshot, PendingSnapshot, SnapshotError, SnapshotStore};
