//! JSON as values: read strictly, compared by meaning, matched in part.

mod equal;
mod pattern;
mod strict;

pub(crate) use equal::{equal, is_whole, plain};
pub use pattern::{JsonType, Matcher, Pattern, PatternKind};
pub(crate) use pattern::{compare_exact, match_part};
pub(crate) use strict::{Unreadable, read};

/// One more step of a JSON pointer (RFC 6901).
pub(crate) fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A value as one line of JSON.
pub(crate) fn show(value: &serde_json::Value) -> String {
    value.to_string()
}
