//! Receivers of the errors of a response.

use crate::model::{CheckId, Finding, Layer, Level};

/// Receives the errors of a response.
pub(crate) trait FindingSink {
    /// Reports that a check of a layer does not pass. Findings are created only by a sink that keeps them.
    fn report<F: IntoIterator<Item = Finding>>(&mut self, layer: Layer, level: Level, findings: impl FnOnce() -> F);

    /// Reports a finding that fails the case.
    fn fail(&mut self, layer: Layer, finding: impl FnOnce() -> Finding) {
        self.report(layer, Level::Deny, || [finding()]);
    }
}

/// Keeps all findings, in the order of the checks.
impl FindingSink for Vec<Finding> {
    fn report<F: IntoIterator<Item = Finding>>(&mut self, layer: Layer, level: Level, findings: impl FnOnce() -> F) {
        let before = self.len();
        self.extend(findings());
        let is_of = |finding: &Finding| finding.level == level && finding.check.info().layer == layer;
        debug_assert!(self[before..].iter().all(is_of), "{layer:?}: {:?}", &self[before..]);
    }
}

/// The layers that fail a case. Findings are not created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FailingLayers(u8);

impl FindingSink for FailingLayers {
    fn report<F: IntoIterator<Item = Finding>>(&mut self, layer: Layer, level: Level, _: impl FnOnce() -> F) {
        self.0 |= u8::from(level == Level::Deny) << layer as u8;
    }
}

impl FailingLayers {
    /// The layer of one check.
    pub(crate) fn of(check: &CheckId) -> Self {
        Self(1 << check.info().layer as u8)
    }

    /// The first layer in the order of [`Layer`].
    pub(crate) fn first(self) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| self.0 >> *layer as u8 & 1 == 1)
    }

    /// The failing layer, if there is exactly one.
    pub(crate) fn only(self) -> Option<Layer> {
        self.first().filter(|_| self.0.is_power_of_two())
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}
