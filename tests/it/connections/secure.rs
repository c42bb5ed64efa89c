//! A certificate authority, and a server that speaks TLS with HTTP/1.1 and HTTP/2.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt as _, Either, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// A certificate authority that is not trusted yet.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
pub(crate) struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names.
    pub(crate) fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// A certificate for this machine.
    pub(crate) fn local(&self) -> Identity {
        self.issue(&["localhost", "127.0.0.1", "::1"], |_| {})
    }
}

/// A server that returns 200 to every request; it ends with the test's process.
pub(crate) struct Secure {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    /// Version, `Host` or `:authority`, and path of each request.
    seen: Arc<Mutex<Vec<String>>>,
    /// The path of each request, and the certificate of its client, DER.
    peers: Peers,
}

type Peers = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

impl Secure {
    /// Speaks the `protocols` with this identity, and demands a certificate of `clients` where there is one.
    pub(crate) fn start(identity: &Identity, protocols: &[&str], clients: Option<&Authority>) -> Self {
        let config = Arc::new(config(identity, protocols, clients));
        let (port, wait) = std::sync::mpsc::channel();
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let peers = Peers::default();
        let (count, log, of_peers) = (Arc::clone(&connections), Arc::clone(&seen), Arc::clone(&peers));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                port.send(listener.local_addr().unwrap().port()).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    count.fetch_add(1, Ordering::SeqCst);
                    let logs = (Arc::clone(&log), Arc::clone(&of_peers));
                    tokio::spawn(serve(stream, Arc::clone(&config), logs));
                }
            });
        });
        Self {
            port: wait.recv().unwrap(),
            connections,
            seen,
            peers,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn peers(&self) -> Vec<(String, Vec<u8>)> {
        self.peers.lock().unwrap().clone()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

pub(crate) fn config(identity: &Identity, protocols: &[&str], clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
                .unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn serve(
    stream: tokio::net::TcpStream,
    config: Arc<ServerConfig>,
    (log, peers): (Arc<Mutex<Vec<String>>>, Peers),
) {
    let Ok(stream) = tokio_rustls::TlsAcceptor::from(config).accept(stream).await else {
        return;
    };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let peer = chain.first().map(|one| one.to_vec()).unwrap_or_default();
    let stream = TokioIo::new(stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let log = Arc::clone(&log);
        peers
            .lock()
            .unwrap()
            .push((request.uri().path().to_owned(), peer.clone()));
        async move {
            let host = request.headers().get("host").and_then(|host| host.to_str().ok());
            let host = host
                .map(str::to_owned)
                .or(request.uri().authority().map(ToString::to_string));
            let line = format!(
                "{:?} {} {}",
                request.version(),
                host.unwrap_or_default(),
                request.uri().path()
            );
            log.lock().unwrap().push(line);
            let path = request.uri().path().to_owned();
            drop(request.into_body().collect().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
            let response = Response::builder().header("content-type", "text/plain");
            let body = Full::new(bytes::Bytes::from_static(b"ok"));
            let body = if path == "/trailers" {
                let mut trailers = hyper::HeaderMap::new();
                trailers.insert("x-sum", "abc".parse().unwrap());
                Either::Left(body.with_trailers(async { Some(Ok::<_, Infallible>(trailers)) }))
            } else {
                Either::Right(body)
            };
            Ok::<_, Infallible>(response.body(body.boxed()).unwrap())
        }
    });
    if is_http2 {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        drop(server.serve_connection(stream, service).await);
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        drop(server.serve_connection(stream, service).await);
    }
}
