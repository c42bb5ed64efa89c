//! Masking of what a command shows besides its reports.

use std::sync::Arc;

use crate::{
    mask::Masker,
    project::{Environment, SecretSource, known_secrets},
    source::without_credentials,
};

/// Masks the secrets that are known so far in notes and errors.
#[derive(Debug, Default)]
pub struct OutputMask {
    masker: Option<Arc<Masker>>,
    /// Secrets that are known before a target is chosen: `CONFORME_SECRET_*`, and sources that only have to be read.
    sources: Vec<(String, SecretSource)>,
    environment: Environment,
}

impl OutputMask {
    /// Where secrets come from, until the target is known.
    pub fn secret_sources(&mut self, sources: Vec<(String, SecretSource)>) {
        self.sources = sources;
    }

    /// Where environment variables are read from.
    pub fn environment(&mut self, environment: &Environment) {
        self.environment = environment.clone();
    }

    /// The masker of the target.
    pub fn mask(&mut self, masker: &Arc<Masker>) {
        self.masker = Some(Arc::clone(masker));
    }

    /// The text without secrets and without credentials in URLs.
    pub fn text(&self, text: &str) -> String {
        let text = without_credentials(text);
        if let Some(masker) = &self.masker {
            return masker.text(&text);
        }
        let known = known_secrets(&self.sources, &self.environment);
        if known.is_empty() {
            return text.into_owned();
        }
        Masker::new(known.iter().map(|(name, secret)| (name.as_str(), secret))).text(&text)
    }
}
