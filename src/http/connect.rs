//! Opens connections: TCP, the proxy from the environment, TLS, HTTP version by ALPN.

use std::{
    future::poll_fn,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
    rt::{TokioExecutor, TokioIo},
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    failure::{chain, failure},
    pool::{DRAIN, Link},
    proxy::{Route, route},
    tls::{self, TlsError},
    tls_errors,
    wire_capture::{CapturedStream, MAX_HEAD},
};
use crate::{
    model::{Failure, FailureKind},
    project::Target,
};

/// A connection that speaks HTTP.
pub(super) enum Connection {
    /// HTTP/1.1: one exchange at a time.
    Http1(Box<Link>),
    /// HTTP/2: many at a time.
    Http2(http2::SendRequest<Full<Bytes>>, ConnectionEnd),
}

/// Why a shared connection has ended: an exchange on it only sees that it has.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionEnd(Arc<OnceLock<EndCause>>);

/// Why a connection has ended.
#[derive(Debug)]
pub(super) struct EndCause {
    pub(super) message: String,
    /// Whether the server rejects the client certificate.
    pub(super) is_refusal: bool,
}

impl ConnectionEnd {
    /// Keeps the first cause.
    pub(super) fn record(&self, error: &(dyn std::error::Error + 'static)) {
        drop(self.0.set(EndCause {
            message: chain(error),
            is_refusal: tls_errors::is_refusal(error),
        }));
    }

    /// The cause, once the connection has ended with an error.
    pub(super) async fn cause(&self) -> Option<&EndCause> {
        tokio::task::yield_now().await;
        self.0.get()
    }
}

/// Opens connections to one target.
pub(super) struct Connector {
    target: http::Uri,
    route: Route,
    tcp: HttpConnector,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Drives a connection until it ends or its sender is dropped. It is then half-closed, and bytes that still arrive
/// are recorded: a server closes it after its last byte. An early end is reported by the exchange.
async fn drive(mut connection: http1::Connection<TokioIo<CapturedStream<Box<dyn NetworkStream>>>, Full<Bytes>>) {
    if poll_fn(|cx| connection.poll_without_shutdown(cx)).await.is_err() {
        return;
    }
    let mut stream = connection.into_parts().io.into_inner();
    let rest = async {
        stream.shutdown().await?;
        let mut buffer = vec![0; 4096];
        let mut left = MAX_HEAD;
        while left > 0 {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    drop(tokio::time::timeout(DRAIN, rest).await);
}

trait NetworkStream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> NetworkStream for S {}

impl Connector {
    /// Prepares connections to `target`. Errors in its TLS files or the proxy are reported here, before any request.
    pub(super) fn new(target: &Target, use_proxy: bool) -> Result<Self, TlsError> {
        let setup = |reason: String| TlsError::Setup(rustls::Error::General(reason));
        let uri: http::Uri = target
            .base
            .origin
            .parse()
            .map_err(|error: http::uri::InvalidUri| setup(error.to_string()))?;
        let route = if use_proxy {
            route(&uri).map_err(setup)?
        } else {
            Route::Direct
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(target.limits.connect_timeout));
        let tls = if target.base.is_secure() {
            let config: Arc<ClientConfig> = tls::config(&target.tls)?;
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(host).map_err(|error| setup(error.to_string()))?;
            Some((TlsConnector::from(config), name))
        } else {
            None
        };
        Ok(Self {
            target: uri,
            route,
            tcp,
            tls,
        })
    }

    /// Whether requests are sent in absolute form, to a proxy.
    pub(super) fn is_forwarded(&self) -> bool {
        matches!(self.route, Route::Forward { .. })
    }

    /// The credentials for a proxy that requests are sent to.
    pub(super) fn proxy_authorization(&self) -> Option<&http::HeaderValue> {
        match &self.route {
            Route::Forward { auth, .. } => auth.as_ref(),
            _ => None,
        }
    }

    /// Opens a connection within `limit`.
    pub(super) async fn connect(&self, limit: Duration) -> Result<Connection, Failure> {
        let is_tcp_open = AtomicBool::new(false);
        let result = tokio::time::timeout(limit, self.open(&is_tcp_open)).await;
        result.unwrap_or_else(|_| {
            let limit = crate::check::show_duration(limit);
            let (kind, message) = if is_tcp_open.load(Ordering::Relaxed) {
                let message = format!("the TLS handshake with {} did not end within {limit}", self.target);
                (FailureKind::Tls, message)
            } else {
                let message = format!("failed to connect to {} within {limit}", self.target);
                (FailureKind::Connect, message)
            };
            Err(failure(kind, message))
        })
    }

    async fn open(&self, is_tcp_open: &AtomicBool) -> Result<Connection, Failure> {
        let tcp = self.tcp().await?;
        let ended = ConnectionEnd::default();
        is_tcp_open.store(true, Ordering::Relaxed);
        let (stream, is_http2): (Box<dyn NetworkStream>, bool) = match &self.tls {
            None => (Box::new(tcp), false),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), tcp).await.map_err(|error| {
                    let reason = tls_errors::handshake(&error).unwrap_or_else(|| chain(&error));
                    let message = format!("failed to open a secure connection to {}: {reason}", self.target);
                    let is_refusal = tls_errors::is_refusal(&error);
                    failure(
                        if is_refusal {
                            FailureKind::Refused
                        } else {
                            FailureKind::Tls
                        },
                        message,
                    )
                })?;
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                (Box::new(tls::ReportingStream(stream, ended.clone())), is_http2)
            }
        };
        let refused = |error: hyper::Error| failure(FailureKind::Closed, chain(&error));
        if is_http2 {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
                .handshake(TokioIo::new(stream))
                .await
                .map_err(refused)?;
            let end = ended.clone();
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    end.record(&error);
                }
            });
            return Ok(Connection::Http2(sender, ended));
        }
        let (stream, capture) = CapturedStream::new(stream);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(refused)?;
        let (end, ended) = watch::channel(());
        tokio::spawn(async move {
            drive(connection).await;
            drop(end);
        });
        Ok(Connection::Http1(Box::new(Link::new(sender, capture, ended))))
    }

    async fn tcp(&self) -> Result<TcpStream, Failure> {
        let refused = |error: &(dyn std::error::Error + 'static)| {
            failure(
                FailureKind::Connect,
                format!(
                    "failed to connect to {}{}: {}",
                    self.target,
                    self.by_proxy(),
                    chain(error)
                ),
            )
        };
        let mut tcp = self.tcp.clone();
        let io: TokioIo<TcpStream> = match &self.route {
            Route::Direct => tcp.call(self.target.clone()).await.map_err(|error| refused(&error))?,
            Route::Forward { proxy, .. } => tcp.call(proxy.clone()).await.map_err(|error| refused(&error))?,
            Route::Tunnel { proxy, auth } => {
                let mut tunnel = Tunnel::new(proxy.clone(), tcp);
                if let Some(auth) = auth {
                    tunnel = tunnel.with_auth(auth.clone());
                }
                tunnel.call(self.with_port()).await.map_err(|error| refused(&error))?
            }
            Route::Socks { proxy, auth } => {
                let mut socks = SocksV5::new(proxy.clone(), tcp);
                if let Some((user, password)) = auth {
                    socks = socks.with_auth(user.clone(), password.clone());
                }
                socks.call(self.with_port()).await.map_err(|error| refused(&error))?
            }
        };
        Ok(io.into_inner())
    }

    /// ` through the proxy HOST:PORT`, if there is one.
    fn by_proxy(&self) -> String {
        let proxy = match &self.route {
            Route::Direct => return String::new(),
            Route::Forward { proxy, .. } | Route::Tunnel { proxy, .. } | Route::Socks { proxy, .. } => proxy,
        };
        let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        format!(" through the proxy {}{port}", proxy.host().unwrap_or_default())
    }

    /// The target with its port spelled out, as `CONNECT` requires.
    fn with_port(&self) -> http::Uri {
        let secure = self.target.scheme_str() == Some("https");
        let port = self.target.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let host = self.target.host().unwrap_or_default();
        let scheme = if secure { "https" } else { "http" };
        format!("{scheme}://{host}:{port}/")
            .parse()
            .unwrap_or_else(|_| self.target.clone())
    }
}
