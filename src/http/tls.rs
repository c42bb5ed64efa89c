//! TLS: the platform's roots, extra authorities, a client certificate, HTTP/2 by ALPN.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::ConnectionEnd;
use crate::{
    project::TlsFiles,
    source::{FileKind, read_file},
};

/// Why TLS cannot be set up for a target.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error("failed to read `{file}`: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The certificate and key do not match, or the configuration is invalid.
    #[error("failed to set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// The configuration of secure connections that are not under test, such as those to mailboxes.
pub fn tls_config(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = Arc::unwrap_or_clone(config(files)?);
    config.alpn_protocols.clear();
    Ok(Arc::new(config))
}

/// The configuration of every secure connection of a run.
pub(super) fn config(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let extra = match &files.ca {
        Some(path) => certificates(path)?,
        None => Vec::new(),
    };
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| match &files.ca {
        Some(path) => unusable(path, &error),
        None => error.into(),
    })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &files.client {
        Some((chain, key)) => {
            let chain = certificates(chain)?;
            let key = PrivateKeyDer::from_pem_slice(&pem(key)?).map_err(|error| unusable(key, &error))?;
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A stream whose failed writes report the server's TLS alert, if any: with TLS 1.3 a server rejects
/// the client's certificate after the client's handshake has finished.
///
/// The first error is also kept in [`ConnectionEnd`], because the HTTP/2 library reports only that the connection is closed.
pub(super) struct ReportingStream<S>(pub(super) S, pub(super) ConnectionEnd);

impl<S: AsyncRead + Unpin> ReportingStream<S> {
    fn reason<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let Poll::Ready(Err(error)) = written else {
            return written;
        };
        let mut last = [0; 512];
        match Pin::new(&mut self.0).poll_read(cx, &mut ReadBuf::new(&mut last)) {
            Poll::Ready(Err(error)) => self.keep(Poll::Ready(Err(error))),
            Poll::Ready(Ok(())) => self.keep(Poll::Ready(Err(error))),
            // A failed write means that the server closed the connection; its alert may still be unread.
            Poll::Pending => Poll::Pending,
        }
    }

    fn keep<T>(&self, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &done {
            self.1.record(error);
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReportingStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        self.keep(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ReportingStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, buf);
        self.reason(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = Pin::new(&mut self.0).poll_flush(cx);
        self.reason(cx, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_file(path, FileKind::Pem).map_err(|error| unusable(path, &error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::File {
            file: path.display().to_string(),
            reason: "it contains no certificate".to_owned(),
        });
    }
    Ok(certificates)
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File {
        file: path.display().to_string(),
        reason: error.to_string(),
    }
}
