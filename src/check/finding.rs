//! What a check found.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::Place;

/// Longest value that a finding holds, in bytes. It is far longer than what is shown: secrets are hidden before anything
/// is shortened for a reader.
pub(crate) const QUOTED: usize = 64 << 10;

/// What a finding means for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check is not made.
    Off,
    /// Reported; the case can still pass.
    Warn,
    /// The case fails.
    Deny,
}

impl Level {
    /// All levels by name.
    pub const NAMES: [(&'static str, Level); 3] = [("deny", Level::Deny), ("warn", Level::Warn), ("off", Level::Off)];
}

/// A failed check: what was expected, what came, where, and the line that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the check, such as `status`, `header/content-type`, `body/schema`, `http/date`.
    pub check: Cow<'static, str>,
    /// Whether it fails the case.
    pub level: Level,
    /// What is wrong, in one sentence without the observed value.
    pub message: String,
    /// What was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Where in the answer: a JSON pointer into the body (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line of the case or suite file that asked; a standing rule points at the case's request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// A unified diff, expected to actual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl Finding {
    /// A finding that fails the case.
    pub(crate) fn new(check: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            level: Level::Deny,
            message: message.into(),
            expected: None,
            actual: None,
            pointer: None,
            place: None,
            diff: None,
        }
    }

    pub(crate) fn expected(mut self, text: impl AsRef<str>) -> Self {
        self.expected = Some(quote(text.as_ref()));
        self
    }

    pub(crate) fn actual(mut self, text: impl AsRef<str>) -> Self {
        self.actual = Some(quote(text.as_ref()));
        self
    }

    pub(crate) fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    pub(crate) fn place(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }
}

/// A value cut to what is kept of it: a little more than [`QUOTED`], which tells that it was cut.
fn quote(text: &str) -> String {
    let mut end = text.len().min(QUOTED);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text[..end].to_owned()
}
