//! TLS of mailboxes for which no configuration is given.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::Verifier;

/// A copy of the configuration, or one that trusts the roots of the platform, which negotiates one protocol or none.
pub(super) fn config(given: Option<&ClientConfig>, protocol: Option<&str>) -> Result<ClientConfig, rustls::Error> {
    let mut config = match given {
        Some(config) => config.clone(),
        None => platform()?,
    };
    config.alpn_protocols = protocol.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}

fn platform() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider))?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(builder.with_no_client_auth())
}
