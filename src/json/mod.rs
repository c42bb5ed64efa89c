//! JSON as values: read strictly, and compared by meaning.

mod equal;
mod strict;
mod types;

pub(crate) use equal::{compare, equal, is_whole, plain};
pub(crate) use strict::{Unreadable, read};
pub use types::JsonType;

/// One more step of a JSON pointer (RFC 6901).
pub(crate) fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The name in a step of a JSON pointer (RFC 6901 section 4): the inverse of what [`step`] does to a key.
pub(crate) fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// A value as one line of JSON.
pub(crate) fn show(value: &serde_json::Value) -> String {
    value.to_string()
}
