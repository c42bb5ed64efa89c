//! The `status` check.

use std::fmt;

use super::{Finding, sink::FindingSink};
use crate::model::{CheckId, Layer, Location};

/// A set of acceptable status codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet(pub Vec<StatusItem>);

/// One code, or one class of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    /// Exactly this code.
    Code(u16),
    /// Every code of a class: 2 for `2xx`.
    Class(u16),
}

impl StatusSet {
    /// Whether the set contains every status of RFC 9110 section 15. All final ones, without 1xx, are a deliberate set.
    pub fn accepts_all(&self) -> bool {
        (100..=599).all(|status| self.contains(status))
    }

    /// Whether the set contains `status`.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|item| match item {
            StatusItem::Code(code) => *code == status,
            StatusItem::Class(class) => status / 100 == *class,
        })
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            match item {
                StatusItem::Code(code) => write!(f, "{code}")?,
                StatusItem::Class(class) => write!(f, "{class}xx")?,
            }
        }
        Ok(())
    }
}

/// `404 Not Found`: the code with its registered phrase.
pub(crate) fn name(code: u16) -> String {
    let phrase = http::StatusCode::from_u16(code)
        .ok()
        .and_then(|status| status.canonical_reason());
    match phrase {
        Some(phrase) => format!("{code} {phrase}"),
        None => code.to_string(),
    }
}

pub(super) fn check(expected: &StatusSet, location: &Location, status: u16, sink: &mut impl FindingSink) {
    if !expected.contains(status) {
        sink.fail(Layer::Status, || {
            Finding::new(CheckId::Status, "unexpected status")
                .expected(expected.to_string())
                .actual(status.to_string())
                .location(location)
        });
    }
}
