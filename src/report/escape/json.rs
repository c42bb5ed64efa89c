//! JSON that may be written to the log of a CI system.

use std::borrow::Cow;

use crate::text::without_marks;

/// The same JSON without commands of CI systems: `#` occurs in strings only, where it can be escaped.
pub(in crate::report) fn inert(json: &str) -> Cow<'_, str> {
    without_marks(json, "\\u0023")
}
