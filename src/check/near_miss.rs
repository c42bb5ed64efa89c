//! The `probe/accepted` check: a near miss must be rejected.

use super::{StatusSet, sink::FindingSink};
use crate::model::{CheckId, Finding, Layer, Location};

/// Why a request is invalid, and must be rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The invalid part, in one sentence without a full stop.
    pub sentence: String,
    /// The effect that the request may have had if it was accepted, as a sentence; empty if there is none.
    pub effect: String,
}

impl NearMiss {
    /// Reports that the request was accepted.
    pub(super) fn report(&self, expected: &StatusSet, location: &Location, status: u16, sink: &mut impl FindingSink) {
        sink.fail(Layer::Status, || {
            let mut message = format!("an invalid request is accepted: {}", self.sentence);
            if !self.effect.is_empty() {
                message = format!("{message}; {}", self.effect);
            }
            Finding::new(CheckId::Accepted, message)
                .expected(expected.to_string())
                .actual(status.to_string())
                .location(location)
        });
    }
}
