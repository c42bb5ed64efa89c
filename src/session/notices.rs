//! What a command reports before it ends.

use std::sync::Arc;

use crate::{
    mask::Masker,
    project::SecretSource,
    source::{Diagnostics, Sources},
};

/// Receives notes, warnings and secrets while a command works. The command line prints and masks by it; `()` ignores
/// everything, and so does each method by default.
pub trait Notices {
    /// A fact that is not an error.
    fn note(&mut self, _text: &str) {}
    /// An error that does not end the command, such as a report that could not be written.
    fn error(&mut self, _text: &str) {}
    /// Warnings, with their locations in `sources`.
    fn warnings(&mut self, _warnings: &Diagnostics, _sources: &Sources) {}
    /// Where secrets come from, for text that is shown before [`Notices::mask`] is called.
    fn secret_sources(&mut self, _sources: Vec<(String, SecretSource)>) {}
    /// Everything that is shown from now on has to be masked by `masker`.
    fn mask(&mut self, _masker: &Arc<Masker>) {}
    /// Requests may have been sent from now on.
    fn sending(&mut self) {}
}

impl Notices for () {}
