//! Messages for TLS failures, with the action to take.

use std::{error::Error, io};

use chrono::DateTime;
use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

/// Maximum number of names of a certificate that are listed.
const NAMES: usize = 5;

/// The message for a failed handshake.
pub(super) fn handshake(error: &io::Error) -> Option<String> {
    if let Some(known) = of(error) {
        return Some(known);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Some(format!(
            "the server closed the connection during the TLS handshake ({error}); check that this port speaks TLS"
        )),
        _ => None,
    }
}

/// The message for a cause of an error, if it is a TLS error.
pub(super) fn of(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error.get_ref()?.downcast_ref().map(words);
    }
    error.downcast_ref().map(words)
}

/// Whether an error or one of its causes is an alert by which a server rejects a client certificate, or requires one. TLS 1.2
/// has no alert of its own for a missing certificate: servers send a handshake failure.
pub(super) fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    use AlertDescription as Of;
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let of_tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = of_tls.or_else(|| error.downcast_ref()) {
            return matches!(
                alert,
                Of::CertificateRequired
                    | Of::BadCertificate
                    | Of::UnsupportedCertificate
                    | Of::CertificateRevoked
                    | Of::CertificateExpired
                    | Of::CertificateUnknown
                    | Of::UnknownCA
                    | Of::AccessDenied
                    // A signature cannot be verified, as of a certificate of an authority that only has the same name.
                    | Of::DecryptError
                    | Of::HandshakeFailure
            );
        }
        next = error.source();
    }
    false
}

fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(description) => alert(*description),
        rustls::Error::InvalidMessage(_) => {
            "the response is not TLS; if this port speaks plain HTTP, use `http://` in the base URL".to_owned()
        }
        rustls::Error::PeerIncompatible(reason) => format!(
            "server and client have no TLS version or cipher suite in common ({}); TLS 1.2 or 1.3 is needed",
            spaced(&format!("{reason:?}"))
        ),
        rustls::Error::PeerMisbehaved(reason) => {
            format!(
                "the server violates the TLS protocol ({})",
                spaced(&format!("{reason:?}"))
            )
        }
        rustls::Error::NoCertificatesPresented => "the server sent no certificate".to_owned(),
        rustls::Error::DecryptError => "a TLS record of the server cannot be decrypted".to_owned(),
        rustls::Error::PeerSentOversizedRecord => "the server sent a TLS record that is too long".to_owned(),
        rustls::Error::NoApplicationProtocol => "the server speaks neither HTTP/1.1 nor HTTP/2".to_owned(),
        rustls::Error::UnsupportedNameType => "the certificate cannot be checked for this kind of name".to_owned(),
        rustls::Error::General(reason) => format!("the TLS handshake failed: {reason}"),
        other => format!("the TLS handshake failed ({})", spaced(&format!("{other:?}"))),
    }
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as Of;
    match error {
        Of::UnknownIssuer => "the certificate is not trusted: no known authority has issued it; name its authority \
                              with `--ca-file` or `ca_file`"
            .to_owned(),
        Of::BadSignature => "the certificate is not trusted: its signature is wrong for the authority that it names; \
                             check `--ca-file`"
            .to_owned(),
        Of::Expired => "the certificate has expired; renew it on the server".to_owned(),
        Of::ExpiredContext { not_after, .. } => {
            format!(
                "the certificate expired on {}; renew it on the server",
                date(*not_after)
            )
        }
        Of::NotValidYet => "the certificate is not valid yet; check the clocks of both machines".to_owned(),
        Of::NotValidYetContext { not_before, .. } => format!(
            "the certificate is not valid before {}; check the clocks of both machines",
            date(*not_before)
        ),
        Of::Revoked => "the certificate has been revoked; replace it on the server".to_owned(),
        Of::NotValidForName => {
            "the certificate is for another host name; use a name of the certificate in the base URL".to_owned()
        }
        Of::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().take(NAMES).map(|name| plain_name(name)).collect();
            let more = if presented.len() > NAMES { ", …" } else { "" };
            let whose = if names.is_empty() {
                "it names no host (a common name alone does not count)".to_owned()
            } else {
                format!("it is for {}{more}", names.join(", "))
            };
            format!("the certificate is not valid for `{}`: {whose}", expected.to_str())
        }
        Of::InvalidPurpose | Of::InvalidPurposeContext { .. } => {
            "the certificate is not meant for servers (extended key usage); issue one for server authentication"
                .to_owned()
        }
        Of::BadEncoding => "the certificate cannot be read: its encoding is broken".to_owned(),
        Of::UnhandledCriticalExtension => "the certificate has a critical extension that is not supported".to_owned(),
        other => {
            let raw = format!("{other:?}");
            if raw.contains("CaUsedAsEndEntity") {
                "the server's own certificate is the certificate of an authority (CA:TRUE), as `openssl req -x509` \
                 makes it; issue a server certificate (`-addext basicConstraints=critical,CA:FALSE`) and name its \
                 authority with `--ca-file`"
                    .to_owned()
            } else if raw.contains("EndEntityUsedAsCa") {
                "the certificate was issued by one that is not an authority (CA:FALSE); issue it with the certificate \
                 of an authority"
                    .to_owned()
            } else if raw.contains("UnsupportedCertVersion") {
                "the certificate is X.509 version 1, which has no host names; issue one of version 3 with a subject \
                 alternative name"
                    .to_owned()
            } else if raw.contains("Unsupported") && raw.contains("Signature") {
                "the certificate is signed with an algorithm that is not supported (such as SHA-1 or a short RSA key)"
                    .to_owned()
            } else {
                format!("the certificate is not accepted ({})", spaced(&raw))
            }
        }
    }
}

fn alert(description: AlertDescription) -> String {
    use AlertDescription as Of;
    match description {
        Of::CertificateRequired => {
            "the server requires a client certificate (alert: certificate required); set `client_cert` and `client_key`"
                .to_owned()
        }
        Of::BadCertificate
        | Of::UnsupportedCertificate
        | Of::CertificateRevoked
        | Of::CertificateExpired
        | Of::CertificateUnknown
        | Of::UnknownCA
        | Of::DecryptError
        | Of::AccessDenied => format!(
            "the server rejects the client certificate (alert: {}); check `client_cert` and `client_key`",
            spaced(&format!("{description:?}"))
        ),
        Of::HandshakeFailure => "the server rejects the handshake (alert: handshake failure): no cipher suite in \
                                 common, or it requires a client certificate (`client_cert`, `client_key`)"
            .to_owned(),
        Of::ProtocolVersion => "the server supports neither TLS 1.2 nor TLS 1.3 (alert: protocol version)".to_owned(),
        Of::UnrecognisedName => {
            "the server has no host of this name (alert: unrecognized name); check the host in the base URL".to_owned()
        }
        other => format!(
            "the server ended the TLS connection (alert: {})",
            spaced(&format!("{other:?}"))
        ),
    }
}

/// `DnsName("a.example")` as `a.example`.
fn plain_name(name: &str) -> String {
    let inside = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name);
    inside.trim_matches('"').to_owned()
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| "an unknown date".to_owned(), |at| at.format("%Y-%m-%d").to_string())
}

/// The name of a library's variant as words: `NoCipherSuitesInCommon` is `no cipher suites in common`.
fn spaced(name: &str) -> String {
    let mut out = String::new();
    let mut was_lower = false;
    for c in name.chars().take(80) {
        match c {
            'A'..='Z' => {
                if was_lower {
                    out.push(' ');
                }
                out.push(c.to_ascii_lowercase());
                was_lower = false;
            }
            c if c.is_ascii_alphanumeric() => {
                out.push(c);
                was_lower = true;
            }
            _ => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
                was_lower = false;
            }
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{OtherError, pki_types::ServerName};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct CaUsedAsEndEntity(String);

    fn said(error: rustls::Error) -> String {
        of(&io::Error::other(error)).unwrap()
    }

    #[test]
    fn certificate_failures_are_explained_without_debug_forms() {
        let other = CertificateError::Other(OtherError(Arc::new(CaUsedAsEndEntity(String::new()))));
        let named = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("b.example").unwrap(),
            presented: vec!["DnsName(\"a.example\")".to_owned()],
        };
        let expired = CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(std::time::Duration::from_secs(2_000_000_000)),
            not_after: UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_700_000_000)),
        };
        for (error, part) in [
            (other, "certificate of an authority (CA:TRUE)"),
            (named, "not valid for `b.example`: it is for a.example"),
            (expired, "expired on 2023-11-14"),
            (CertificateError::UnknownIssuer, "no known authority has issued it"),
            (CertificateError::Revoked, "revoked"),
        ] {
            let text = said(rustls::Error::InvalidCertificate(error));
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("Other") && !text.contains("(\""), "{text}");
        }
    }

    #[test]
    fn alerts_are_explained() {
        let text = said(rustls::Error::AlertReceived(AlertDescription::CertificateRequired));
        assert!(text.contains("requires a client certificate"), "{text}");
        let text = said(rustls::Error::AlertReceived(AlertDescription::InternalError));
        assert_eq!(text, "the server ended the TLS connection (alert: internal error)");
        assert!(
            said(rustls::Error::PeerIncompatible(
                rustls::PeerIncompatible::NoCipherSuitesInCommon
            ))
            .contains("(no cipher suites in common)")
        );
    }

    #[test]
    fn only_alerts_about_the_certificate_are_refusals() {
        let is = |alert| is_refusal(&io::Error::other(rustls::Error::AlertReceived(alert)));
        assert!(is(AlertDescription::CertificateRequired) && is(AlertDescription::UnknownCA));
        assert!(is(AlertDescription::DecryptError));
        assert!(!is(AlertDescription::InternalError) && !is(AlertDescription::ProtocolVersion));
        assert!(!is_refusal(&io::Error::from(io::ErrorKind::ConnectionReset)));
    }

    #[test]
    fn errors_that_are_not_of_tls_are_left_alone() {
        assert_eq!(of(&io::Error::other("x")), None);
        assert!(
            handshake(&io::Error::from(io::ErrorKind::UnexpectedEof))
                .unwrap()
                .contains("closed the connection")
        );
    }
}
