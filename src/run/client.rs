//! One request in, one reply out, over connections that the whole run shares.

use std::{
    sync::{Mutex, PoisonError},
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
use tokio::time::{Instant, timeout_at};

use super::{
    body,
    connect::{Connection, Connector},
    failure::{failure, timeout, unreadable},
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
const LISTEN: Duration = Duration::from_millis(2);

/// Sends requests to one target.
pub struct Client {
    connector: Connector,
    idle: Mutex<Vec<Idle>>,
    http2: Mutex<Option<http2::SendRequest<Full<Bytes>>>>,
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
        let mut message = match self.message(request) {
            Ok(message) => message,
            Err(failure) => return (Reply::Failure(failure), None),
        };
        loop {
            let (connection, is_fresh) = match self.connection(deadline).await {
                Ok(connection) => connection,
                Err(failure) => return (Reply::Failure(failure), None),
            };
            let (result, rest) = match connection {
                Connection::Http2(mut sender) => {
                    let message = absolute(message, request);
                    let result = timeout_at(deadline, sender.send_request(message)).await;
                    (result.map(|result| result.map_err(Unsent::never)), None)
                }
                Connection::Http1 { mut sender, tape } => {
                    tape.rewind();
                    let result = timeout_at(deadline, sender.try_send_request(message)).await;
                    (result.map(|result| result.map_err(Unsent::from)), Some((sender, tape)))
                }
            };
            let received = || rest.as_ref().map_or(0, |(_, tape)| tape.total());
            match result {
                Err(_) => return (Reply::Failure(timeout(limit, received())), None),
                // The connection was gone before the request was on its way: it was never sent, so it may be sent now.
                Ok(Err(Unsent {
                    message: Some(unsent), ..
                })) if !is_fresh => message = *unsent,
                Ok(Err(Unsent { error, .. })) => {
                    let bytes = rest.map(|(_, tape)| tape.bytes()).unwrap_or_default();
                    return (unreadable(&error, &bytes, is_fresh), None);
                }
                Ok(Ok(response)) => return self.answer(request, response, deadline, rest).await,
            }
        }
    }

    async fn answer(
        &self,
        request: &Request,
        response: http::Response<Incoming>,
        deadline: Instant,
        rest: Option<(http1::SendRequest<Full<Bytes>>, Tape)>,
    ) -> (Reply, Option<Rest>) {
        let received = Utc::now();
        let (head, body) = response.into_parts();
        let content = body::read(body, deadline, self.max_body).await;
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

    /// An idle connection, or a new one; and whether it is new.
    async fn connection(&self, deadline: Instant) -> Result<(Connection, bool), Failure> {
        let shared = self.http2.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sender) = shared.filter(|sender| !sender.is_closed()) {
            return Ok((Connection::Http2(sender), false));
        }
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(Idle {
                mut sender,
                tape,
                since,
            }) = idle
            else {
                break;
            };
            if since.elapsed() < IDLE && !sender.is_closed() && sender.ready().await.is_ok() {
                return Ok((Connection::Http1 { sender, tape }, false));
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let connection = self.connector.connect(left.min(self.connect_timeout)).await?;
        if let Connection::Http2(sender) = &connection {
            *self.http2.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        }
        Ok((connection, true))
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
            let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            path.parse().map_err(|error| broken(&error))?
        };
        let mut message = http::Request::new(Full::new(request.body.0.clone()));
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

/// A request without an answer; the request itself, where it was never on its way.
struct Unsent {
    error: hyper::Error,
    message: Option<Box<http::Request<Full<Bytes>>>>,
}

impl Unsent {
    fn never(error: hyper::Error) -> Self {
        Self { error, message: None }
    }
}

impl From<TrySendError<http::Request<Full<Bytes>>>> for Unsent {
    fn from(mut error: TrySendError<http::Request<Full<Bytes>>>) -> Self {
        let message = error.take_message().map(Box::new);
        Self {
            error: error.into_error(),
            message,
        }
    }
}

/// The request as HTTP/2 sends it: the authority stands in the URL.
fn absolute(mut message: http::Request<Full<Bytes>>, request: &Request) -> http::Request<Full<Bytes>> {
    if let Ok(uri) = request.url.parse() {
        *message.uri_mut() = uri;
    }
    message.headers_mut().remove(header::HOST);
    message
}

/// A field value as text: UTF-8, or else Latin-1 (RFC 9110 §5.5).
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}
