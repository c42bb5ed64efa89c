//! One request in, one reply out, over connections that the whole run shares.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::Utc;
use http::{HeaderName, HeaderValue, header};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
    ext::ReasonPhrase,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    body,
    connect::{Connection, Connector, Ended},
    failure::{failure, timed_out, unfinished, unreadable},
    tape::{Framed, Tape},
    tls::TlsError,
};
use crate::{
    exchange::{Answer, Failure, FailureKind, Reply, Request},
    project::Target,
};

/// A connection that has been idle for longer is not used again: the server may just be closing it, and a request
/// that is on its way then cannot be repeated.
const IDLE: Duration = Duration::from_secs(1);
/// How long a connection is listened to after an answer that may carry no content: bytes that follow break the contract.
const LISTEN: Duration = Duration::from_millis(1);
/// How long a connection must have been idle before it carries a request that may not be sent twice: a server that
/// closes it after each answer without saying so has done it by then.
const SETTLED: Duration = Duration::from_millis(5);
/// The same, once a connection of this target has outlived [`SETTLED`]: its server does keep connections.
const SETTLED_KEPT: Duration = Duration::from_millis(1);
/// How long an idle connection may take to be ready: one whose last request was answered before it was read never is.
const READY: Duration = Duration::from_millis(20);

/// Sends requests to one target.
pub struct Client {
    connector: Connector,
    idle: Mutex<Vec<Idle>>,
    http2: Mutex<Option<(http2::SendRequest<Full<Bytes>>, Ended)>>,
    /// Held while a connection is opened that others may want to share.
    opening: tokio::sync::Mutex<()>,
    /// Whether connections cannot be shared, as far as is known: all of them are opened at once then.
    is_unshared: AtomicBool,
    /// Whether a connection was still open when it had been idle for [`SETTLED`].
    is_kept: AtomicBool,
    connect_timeout: Duration,
    max_body: usize,
    host: HeaderValue,
}

#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<Full<Bytes>>,
    tape: Tape,
    since: Instant,
}

/// An answer whose connection is still listened to.
pub struct Listening {
    reply: Reply,
    rest: Option<Rest>,
}

impl Listening {
    /// The reply as far as it is known.
    pub(super) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// A reply after which nothing is listened to any more.
    pub(super) fn over(reply: Reply) -> Self {
        Self { reply, rest: None }
    }
}

/// A connection after its answer.
struct Rest {
    sender: http1::SendRequest<Full<Bytes>>,
    tape: Tape,
    /// Where the content was to end, where that is known.
    framed: Option<Framed>,
    /// Whether the answer may carry no content.
    no_content: bool,
}

impl Client {
    /// Prepares a client; what is wrong with the target's TLS files or the proxy shows here, before any request.
    pub fn new(target: &Target, use_proxy: bool) -> Result<Self, TlsError> {
        let origin = &target.base.origin;
        let authority = origin.split_once("://").map_or(origin.as_str(), |(_, rest)| rest);
        Ok(Self {
            connector: Connector::new(target, use_proxy)?,
            idle: Mutex::default(),
            http2: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            is_unshared: AtomicBool::new(!target.base.is_secure()),
            is_kept: AtomicBool::default(),
            connect_timeout: target.limits.connect_timeout,
            max_body: target.limits.max_body,
            host: HeaderValue::from_str(authority)
                .map_err(|error| TlsError::Setup(rustls::Error::General(error.to_string())))?,
        })
    }

    /// Sends a request and reads its answer; [`Client::finish`] then listens for what follows it.
    pub async fn exchange(&self, request: &Request, limit: Duration) -> Listening {
        let start = Instant::now();
        let (mut reply, rest) = self.attempt(request, start, limit).await;
        let elapsed = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &mut reply {
            Reply::Answer(answer) => answer.elapsed_us = elapsed,
            Reply::Malformed(malformed) => malformed.elapsed_us = elapsed,
            Reply::Failure(failure) => failure.elapsed_us = elapsed,
        }
        Listening { reply, rest }
    }

    /// Connects, and keeps the connection for the first request.
    pub(super) async fn reach(&self, limit: Duration) -> Result<(), Failure> {
        if let Connection::Http1 { sender, tape } = self.connector.connect(limit.min(self.connect_timeout)).await? {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(Idle {
                sender,
                tape,
                since: Instant::now(),
            });
        }
        Ok(())
    }

    /// Whether [`Client::finish`] takes time.
    pub(super) fn is_listened_to(answered: &Listening) -> bool {
        answered.rest.as_ref().is_some_and(|rest| rest.no_content)
    }

    /// Listens for bytes after the answer where there must be none, and puts the connection back.
    pub async fn finish(&self, listening: Listening) -> Reply {
        let Listening { mut reply, rest } = listening;
        let Some(Rest {
            sender,
            tape,
            framed,
            no_content,
        }) = rest
        else {
            return reply;
        };
        if no_content {
            tokio::time::sleep(LISTEN).await;
        }
        let excess = framed.map(|framed| tape.excess(framed)).unwrap_or_default();
        if excess.is_empty() && !sender.is_closed() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(Idle {
                sender,
                tape,
                since: Instant::now(),
            });
        }
        if let Reply::Answer(answer) = &mut reply {
            answer.excess = excess.into();
        }
        reply
    }

    async fn attempt(&self, request: &Request, start: Instant, limit: Duration) -> (Reply, Option<Rest>) {
        let deadline = start + limit;
        let is_safe = is_safe(&request.method);
        loop {
            let message = match self.message(request) {
                Ok(message) => message,
                Err(failure) => return (Reply::Failure(failure), None),
            };
            let (connection, is_fresh) = match self.connection(deadline, limit, is_safe).await {
                Ok(connection) => connection,
                Err(failure) => return (Reply::Failure(failure), None),
            };
            let mut ended = None;
            let (result, rest) = match connection {
                Connection::Http2(mut sender, end) => {
                    let message = absolute(message, request);
                    let result = timeout_at(deadline, sender.try_send_request(message)).await;
                    ended = Some(end);
                    (result.map(|result| result.map_err(Unsent::from)), None)
                }
                Connection::Http1 { mut sender, tape } => {
                    // What came before the first request is an answer to nothing, and shows what speaks there.
                    if !is_fresh {
                        tape.rewind();
                    }
                    let result = timeout_at(deadline, sender.try_send_request(message)).await;
                    (result.map(|result| result.map_err(Unsent::from)), Some((sender, tape)))
                }
            };
            let received = || rest.as_ref().map_or(0, |(_, tape)| tape.total());
            match result {
                Err(_) => return (Reply::Failure(timed_out(limit, received())), None),
                // The connection was gone before the request was on its way: it was never sent, so it may be sent now.
                Ok(Err(Unsent { was_sent: false, .. })) if !is_fresh => {}
                // An idle connection was closed as the request was on its way (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
                Ok(Err(Unsent { .. })) if !is_fresh && is_safe && rest.is_some() && received() == 0 => {}
                Ok(Err(Unsent { error, .. })) => {
                    let tape = rest.as_ref().map(|(_, tape)| tape);
                    let cause = match &ended {
                        Some(ended) => ended.cause().await,
                        None => None,
                    };
                    return (unreadable(&error, cause, tape, is_fresh), None);
                }
                Ok(Ok(response)) => return self.answer(request, response, deadline, limit, rest).await,
            }
        }
    }

    async fn answer(
        &self,
        request: &Request,
        response: http::Response<Incoming>,
        deadline: Instant,
        limit: Duration,
        rest: Option<(http1::SendRequest<Full<Bytes>>, Tape)>,
    ) -> (Reply, Option<Rest>) {
        let received = Utc::now();
        let (head, body) = response.into_parts();
        let content = body::read(body, deadline, limit / 2, self.max_body).await;
        if content.unfinished {
            return (Reply::Failure(unfinished(limit, content.bytes.len())), None);
        }
        if content.too_large {
            let message = format!("the body is larger than {} bytes", self.max_body);
            return (Reply::Failure(failure(FailureKind::TooLarge, message)), None);
        }
        let headers: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
            .collect();
        let status = head.status.as_u16();
        let no_content = request.method == "HEAD" || matches!(status, 204 | 304);
        let is_chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
        let framed = if no_content {
            Some(Framed::Length(0))
        } else if is_chunked {
            Some(Framed::Chunked)
        } else if head.headers.contains_key(header::CONTENT_LENGTH) {
            Some(Framed::Length(content.bytes.len()))
        } else {
            None
        };
        let is_whole = content.cut.is_none();
        let answer = Answer {
            version: format!("{:?}", head.version),
            status,
            reason: head
                .extensions
                .get::<ReasonPhrase>()
                .map(|phrase| text(phrase.as_bytes())),
            headers,
            body: content.bytes.into(),
            cut: content.cut,
            excess: crate::exchange::Content::default(),
            received,
            elapsed_us: 0,
        };
        let rest = rest.filter(|_| is_whole).map(|(sender, tape)| Rest {
            sender,
            tape,
            framed,
            no_content,
        });
        (Reply::Answer(answer), rest)
    }

    /// An idle or shared connection, or a new one; and whether it is new.
    async fn connection(
        &self,
        deadline: Instant,
        limit: Duration,
        is_safe: bool,
    ) -> Result<(Connection, bool), Failure> {
        if let Some(shared) = self.shared() {
            return Ok((shared, false));
        }
        if !is_safe {
            // What has come over idle connections by now, such as their end, is seen.
            tokio::task::yield_now().await;
        }
        while let Some(Idle { mut sender, tape, .. }) = self.take_idle(is_safe) {
            if matches!(timeout(READY, sender.ready()).await, Ok(Ok(()))) {
                return Ok((Connection::Http1 { sender, tape }, false));
            }
        }
        let opening = if self.is_unshared.load(Ordering::SeqCst) {
            None
        } else {
            let opening = timeout_at(deadline, self.opening.lock()).await;
            let opening = opening.map_err(|_| timed_out(limit, 0))?;
            if let Some(shared) = self.shared() {
                return Ok((shared, false));
            }
            Some(opening).filter(|_| !self.is_unshared.load(Ordering::SeqCst))
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let connection = self.connector.connect(left.min(self.connect_timeout)).await;
        // Where it fails, the others do not wait for each other.
        let is_unshared = !matches!(connection, Ok(Connection::Http2(..)));
        self.is_unshared.store(is_unshared, Ordering::SeqCst);
        if let Ok(Connection::Http2(sender, ended)) = &connection {
            *self.http2.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender.clone(), ended.clone()));
        }
        drop(opening);
        Ok((connection?, true))
    }

    fn shared(&self) -> Option<Connection> {
        let shared = self.http2.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (sender, ended) = shared.filter(|(sender, _)| !sender.is_closed())?;
        Some(Connection::Http2(sender, ended))
    }

    /// The connection that has been idle for the shortest time and can still be trusted.
    fn take_idle(&self, is_safe: bool) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // They stand in the order in which they became idle.
        let stale = idle.partition_point(|one| now - one.since >= IDLE);
        idle.drain(..stale);
        let settled = if self.is_kept.load(Ordering::Relaxed) {
            SETTLED_KEPT
        } else {
            SETTLED
        };
        loop {
            let at = idle.iter().rposition(|one| is_safe || now - one.since >= settled)?;
            let one = idle.remove(at);
            if !one.sender.is_closed() {
                let is_kept = now - one.since >= SETTLED;
                self.is_kept.fetch_or(is_kept, Ordering::Relaxed);
                return Some(one);
            }
        }
    }

    /// The request as HTTP/1.1 sends it: origin form and `Host`, or absolute form for a proxy.
    fn message(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            failure(FailureKind::Connect, format!("the request cannot be written: {error}"))
        };
        let uri: http::Uri = request.url.parse().map_err(|error| broken(&error))?;
        let sent = if self.connector.is_forwarded() {
            uri
        } else {
            let mut parts = http::uri::Parts::default();
            let path = uri.into_parts().path_and_query;
            parts.path_and_query = Some(path.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/")));
            http::Uri::from_parts(parts).map_err(|error| broken(&error))?
        };
        let mut message = http::Request::new(Full::new(request.body.shared()));
        *message.uri_mut() = sent;
        *message.method_mut() = request.method.parse().map_err(|error| broken(&error))?;
        let headers = message.headers_mut();
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().map_err(|error| broken(&error))?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| broken(&error))?;
            headers.append(name, value);
        }
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, self.host.clone());
        }
        if let Some(auth) = self.connector.proxy_authorization() {
            headers.insert(header::PROXY_AUTHORIZATION, auth.clone());
        }
        Ok(message)
    }
}

/// A request without an answer.
struct Unsent {
    error: hyper::Error,
    /// Whether it was on its way.
    was_sent: bool,
}

impl From<TrySendError<http::Request<Full<Bytes>>>> for Unsent {
    fn from(mut error: TrySendError<http::Request<Full<Bytes>>>) -> Self {
        let was_sent = error.take_message().is_none();
        Self {
            error: error.into_error(),
            was_sent,
        }
    }
}

/// Whether a request does nothing to the world, however often it is sent (RFC 9110 §9.2.1).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// The request as HTTP/2 sends it: the authority stands in the URL.
fn absolute(mut message: http::Request<Full<Bytes>>, request: &Request) -> http::Request<Full<Bytes>> {
    let host = message.headers_mut().remove(header::HOST);
    if let Ok(uri) = request.url.parse::<http::Uri>() {
        let mut parts = uri.into_parts();
        // A case may name another host than the one it connects to.
        if let Some(authority) = host.and_then(|host| host.to_str().ok()?.parse().ok()) {
            parts.authority = Some(authority);
        }
        if let Ok(uri) = http::Uri::from_parts(parts) {
            *message.uri_mut() = uri;
        }
    }
    message
}

/// A field value as text: UTF-8, or else Latin-1 (RFC 9110 §5.5).
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}
