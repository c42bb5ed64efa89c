//! Sends one request and returns one response or failure, over connections that the whole run shares.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::Utc;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http2},
    ext::ReasonPhrase,
};
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use super::{
    body::{self, BodyLimit},
    connect::{Connection, ConnectionEnd, Connector},
    failure::{failure, timed_out, unattributed, unfinished, unreadable},
    pool::{Link, OutOfStep, Pool, Taken, Watch, Watched},
    sigv4::Signer,
    tls::TlsError,
    wire_capture::Framed,
};
use crate::{
    check::{ReadLimit, is_event_stream},
    model::{Failure, FailureKind, Outcome, Request, Response, field_text},
    project::Target,
};

/// How long an idle connection may take to be ready: a connection whose last response arrived before its request was
/// read never is.
const READY: Duration = Duration::from_millis(20);
/// How long a new connection may be silent until the parked ones are closed: some servers serve one at a time.
const PATIENCE: Duration = Duration::from_millis(300);
/// Maximum length of a body that is kept while its connection is parked. After a longer one the connection is closed, so
/// that its watch ends as soon as the server closes it.
const LARGE: usize = 256 * 1024;
/// Maximum number of header sections that are kept for further requests.
const KEPT_SECTIONS: usize = 16;

/// Sends requests to one target.
pub struct Client {
    connector: Connector,
    pool: Arc<Pool>,
    http2: Mutex<Option<(http2::SendRequest<Full<Bytes>>, ConnectionEnd)>>,
    /// Held while a connection is opened that others may want to share.
    opening: tokio::sync::Mutex<()>,
    /// Whether the target is known to support HTTP/1.1 only: connections are then opened without waiting for each
    /// other.
    http1_only: AtomicBool,
    connect_timeout: Duration,
    max_body: usize,
    host: HeaderValue,
    signer: Option<Signer>,
    /// Header sections that were sent, as they are written and as the HTTP library takes them: cases of a suite usually
    /// have the same one.
    sections: Mutex<Vec<(HeaderFields, HeaderMap)>>,
}

/// Header fields as they are written.
pub(crate) type HeaderFields = Vec<(String, String)>;

/// A response and its connection.
pub struct Listening {
    outcome: Outcome,
    rest: Option<Rest>,
    /// Whether the connection ended within the header section.
    is_partial: bool,
    /// The header fields of the signature that was sent.
    signature: HeaderFields,
}

impl Listening {
    /// The header fields of the signature that was sent.
    pub(crate) fn take_signature(&mut self) -> HeaderFields {
        std::mem::take(&mut self.signature)
    }

    /// The response as far as it is known.
    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// A rejection of the client certificate as the response, where it is expected.
    pub(crate) fn accept_refusal(mut self) -> Self {
        if let Outcome::Failure(failure) = &self.outcome
            && failure.kind == FailureKind::Refused
        {
            self.outcome = Outcome::Response(Response::refusal(failure.elapsed_us));
        }
        self
    }

    /// A final response: no more bytes can follow it.
    fn over(outcome: Outcome) -> Self {
        Self {
            outcome,
            rest: None,
            is_partial: false,
            signature: Vec::new(),
        }
    }

    /// Whether a complete response was received, even if it is not the expected one.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.outcome {
            Outcome::Response(response) => response.cut.is_none(),
            Outcome::Malformed(_) => !self.is_partial,
            Outcome::Failure(failure) => matches!(failure.kind, FailureKind::TooLarge | FailureKind::Unattributed),
        }
    }
}

/// A response whose connection is watched.
pub(crate) struct WatchedResponse {
    outcome: Outcome,
    watch: Option<Watch>,
}

impl WatchedResponse {
    /// A final response that did not come from a watched connection.
    pub(crate) fn over(outcome: Outcome) -> Self {
        Self { outcome, watch: None }
    }

    /// The final response; nothing is watched after this.
    pub(crate) fn into_outcome(mut self) -> Outcome {
        if let (Outcome::Response(response), Some(watch)) = (&mut self.outcome, &self.watch) {
            response.excess = watch.excess().into();
        }
        self.outcome
    }

    /// The response with the bytes that have followed it so far.
    pub(crate) fn so_far(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        if let (Outcome::Response(response), Some(watch)) = (&mut outcome, &self.watch) {
            response.excess = watch.excess().into();
        }
        outcome
    }

    /// Waits until no more bytes can follow; returns the response with the bytes that certainly follow it.
    pub(crate) async fn settled(self) -> Outcome {
        let WatchedResponse { mut outcome, watch } = self;
        let Some(watch) = watch else { return outcome };
        let Watched { excess, out_of_step } = watch.over().await;
        if let (Outcome::Response(response), None) = (&mut outcome, out_of_step) {
            response.excess = excess.into();
        }
        outcome
    }

    /// Whether it is too large to be kept while other responses wait.
    pub(crate) fn is_large(&self) -> bool {
        length(&self.outcome) > LARGE
    }

    /// Whether more bytes can arrive.
    pub(crate) fn is_watched(&self) -> bool {
        self.watch.is_some()
    }
}

/// A connection after its response.
struct Rest {
    link: Box<Link>,
    /// The declared end of the content, if known.
    framed: Option<Framed>,
    /// Whether the server closes the connection after it.
    is_last: bool,
}

/// The result of a request.
struct SendAttempt {
    outcome: Outcome,
    rest: Option<Rest>,
    /// Set if the connection was used before and the bytes may follow the previous response.
    out_of_step: Option<OutOfStep>,
    is_partial: bool,
}

impl From<Failure> for SendAttempt {
    fn from(failure: Failure) -> Self {
        Outcome::Failure(failure).into()
    }
}

impl From<Outcome> for SendAttempt {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            rest: None,
            out_of_step: None,
            is_partial: false,
        }
    }
}

impl Client {
    /// Prepares a client. Errors in the target's TLS files or the proxy are reported here, before any request.
    pub fn new(target: &Target, use_proxy: bool) -> Result<Self, TlsError> {
        let origin = &target.base.origin;
        let authority = origin.split_once("://").map_or(origin.as_str(), |(_, rest)| rest);
        Ok(Self {
            signer: Signer::of(target),
            connector: Connector::new(target, use_proxy)?,
            pool: Pool::new(target.limits.jobs, target.base.is_loopback()),
            http2: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            http1_only: AtomicBool::new(!target.base.is_secure()),
            connect_timeout: target.limits.connect_timeout,
            max_body: target.limits.max_body,
            sections: Mutex::default(),
            host: HeaderValue::from_str(authority)
                .map_err(|error| TlsError::Setup(rustls::Error::General(error.to_string())))?,
        })
    }

    /// Sends a request and reads its response; [`Client::finish`] then waits for bytes that follow it.
    pub async fn exchange(&self, request: &Request, limit: impl Into<ReadLimit>) -> Listening {
        let limit = limit.into();
        let Some(signed) = self.signed(request) else {
            return self.exchange_as_is(request, limit).await;
        };
        let mut listening = self.exchange_as_is(&signed, limit).await;
        listening.signature = signed.headers[request.headers.len()..].to_vec();
        listening
    }

    /// The request with a signature, if the target has one for it.
    fn signed(&self, request: &Request) -> Option<Request> {
        let path = match path_and_query(&request.url) {
            "" => "/",
            path => path,
        };
        let host = self.host.to_str().unwrap_or_default();
        self.signer.as_ref()?.signed(request, host, path, Utc::now())
    }

    async fn exchange_as_is(&self, request: &Request, limit: ReadLimit) -> Listening {
        let SendAttempt {
            outcome,
            rest,
            out_of_step,
            is_partial,
        } = self.timed(request, limit, false).await;
        let Some(out_of_step) = out_of_step else {
            return Listening {
                outcome,
                rest,
                is_partial,
                signature: Vec::new(),
            };
        };
        if !is_safe(&request.method) {
            let starts =
                matches!(&outcome, Outcome::Malformed(malformed) if malformed.bytes.bytes().starts_with(b"HTTP/1."));
            return Listening::over(if starts { outcome } else { unattributed(&outcome, false) });
        }
        let again = Box::pin(self.timed(request, limit, true)).await;
        match &again.outcome {
            // The server does the same to this request alone.
            Outcome::Malformed(_) => Listening::over(outcome),
            Outcome::Failure(failure) if failure.kind == FailureKind::NotHttp => Listening::over(outcome),
            Outcome::Failure(_) => Listening::over(again.outcome),
            Outcome::Response(_) if out_of_step.blame() => Listening {
                outcome: again.outcome,
                rest: again.rest,
                is_partial: false,
                signature: Vec::new(),
            },
            Outcome::Response(_) => Listening::over(unattributed(&again.outcome, true)),
        }
    }

    /// Connects, and keeps the connection for the first request.
    pub(crate) async fn reach(&self, limit: Duration) -> Result<(), Failure> {
        if let Connection::Http1(link) = self.connector.connect(limit.min(self.connect_timeout)).await? {
            self.pool.keep(link);
        }
        Ok(())
    }

    /// Parks the connection, so that bytes after the response are noticed while others are used.
    pub(crate) fn park(&self, listening: Listening) -> WatchedResponse {
        let Listening { outcome, rest, .. } = listening;
        let watch = rest.map(|Rest { link, framed, is_last }| {
            if is_last || length(&outcome) > LARGE || link.sender.is_closed() {
                link.close(framed)
            } else {
                self.pool.park(link, framed)
            }
        });
        WatchedResponse { outcome, watch }
    }

    /// Waits until no more bytes can follow the response. If its connection is out of step, a safe request
    /// is sent again on a new one; an unsafe request has no verdict.
    pub(crate) async fn finish(&self, parked: WatchedResponse, request: &Request, limit: ReadLimit) -> Outcome {
        let WatchedResponse { mut outcome, watch } = parked;
        let Some(watch) = watch else { return outcome };
        let Watched { excess, out_of_step } = watch.over().await;
        match out_of_step {
            Some(out_of_step) if is_safe(&request.method) => {
                let signed = self.signed(request);
                let request = signed.as_ref().unwrap_or(request);
                // Rare, and larger than everything else that is kept while a connection is watched.
                let SendAttempt {
                    outcome: again, rest, ..
                } = Box::pin(self.timed(request, limit, true)).await;
                let more = match rest {
                    Some(Rest { link, framed, .. }) => link.close(framed).over().await.excess,
                    None => Vec::new(),
                };
                match &again {
                    Outcome::Response(_) if !more.is_empty() => {}
                    Outcome::Response(_) if out_of_step.blame() => return again,
                    Outcome::Response(_) => return unattributed(&again, true),
                    // The server does the same to this request alone.
                    Outcome::Malformed(_) => {}
                    Outcome::Failure(_) => return again,
                }
            }
            Some(_) if may_be_a_response(&excess) => return unattributed(&outcome, false),
            _ => {}
        }
        if let Outcome::Response(response) = &mut outcome {
            response.excess = excess.into();
        }
        outcome
    }

    /// Closes the connections that are parked, now or later: no more requests are sent.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    async fn timed(&self, request: &Request, limit: ReadLimit, is_alone: bool) -> SendAttempt {
        let start = Instant::now();
        let mut attempt = self.attempt(request, start, limit, is_alone).await;
        let elapsed = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &mut attempt.outcome {
            Outcome::Response(response) => response.elapsed_us = elapsed,
            Outcome::Malformed(malformed) => malformed.elapsed_us = elapsed,
            Outcome::Failure(failure) => failure.elapsed_us = elapsed,
        }
        attempt
    }

    /// Sends a request; on a new connection where it has to be alone on it.
    async fn attempt(&self, request: &Request, start: Instant, limit: ReadLimit, is_alone: bool) -> SendAttempt {
        let timeout = limit.timeout;
        let deadline = start + timeout;
        let is_safe = is_safe(&request.method);
        loop {
            let message = match self.message(request) {
                Ok(message) => message,
                Err(failure) => return failure.into(),
            };
            let (connection, is_fresh) = match self.connection(deadline, timeout, is_safe, is_alone).await {
                Ok(connection) => connection,
                Err(failure) => return failure.into(),
            };
            let mut link = match connection {
                Connection::Http2(mut sender, ended) => {
                    let message = absolute(message, request);
                    let result = timeout_at(deadline, sender.try_send_request(message)).await;
                    match result.map(|result| result.map_err(Unsent::from)) {
                        Err(_) => return timed_out(timeout, 0).into(),
                        Ok(Err(Unsent { was_sent: false, .. })) if !is_fresh => continue,
                        Ok(Err(Unsent { error, .. })) => {
                            return unreadable(&error, ended.cause().await, None, is_fresh).into();
                        }
                        Ok(Ok(response)) => return self.read_response(request, response, start, limit, None).await,
                    }
                }
                Connection::Http1(link) => link,
            };
            // Bytes before the first request belong to no request; they show which protocol the server uses.
            if !is_fresh {
                link.capture.rewind();
            }
            link.uses += 1;
            let result = self.send(&mut link, message, is_fresh, deadline, timeout).await;
            let received = link.capture.total();
            match result.map(|result| result.map_err(Unsent::from)) {
                Err(_) => return timed_out(timeout, received).into(),
                // The connection closed before the request was sent, so it may be sent now.
                Ok(Err(Unsent { was_sent: false, .. })) if !is_fresh => {
                    link.before.release(link.capture.before(0));
                }
                // The server timed out waiting for a request and did not see this one (RFC 9110 §15.5.9).
                Ok(Ok(response))
                    if link.uses > 1
                        && is_safe
                        && response.status() == http::StatusCode::REQUEST_TIMEOUT
                        && is_last(response.version(), response.headers()) => {}
                // An idle connection was closed while the request was being sent (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
                Ok(Err(Unsent { .. })) if !is_fresh && is_safe && received == 0 => {}
                Ok(Err(Unsent { error, .. })) => {
                    let outcome = unreadable(&error, None, Some(&link.capture), is_fresh && !is_alone);
                    let is_unclear = link.uses > 1 && matches!(outcome, Outcome::Malformed(_));
                    return SendAttempt {
                        outcome,
                        rest: None,
                        is_partial: error.is_incomplete_message(),
                        out_of_step: is_unclear.then(|| OutOfStep {
                            bytes: link.capture.before(0),
                            before: link.before.clone(),
                            uses: link.uses,
                        }),
                    };
                }
                Ok(Ok(response)) => return self.read_response(request, response, start, limit, Some(link)).await,
            }
        }
    }

    /// Sends a request. If a new connection stays silent, the parked ones are closed.
    async fn send(
        &self,
        link: &mut Link,
        message: http::Request<Full<Bytes>>,
        is_fresh: bool,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Sent, Elapsed> {
        let capture = link.capture.clone();
        let sending = timeout_at(deadline, link.sender.try_send_request(message));
        if !is_fresh || !self.pool.is_crowded() {
            return sending.await;
        }
        let patience = PATIENCE.min(limit / 3);
        let mut sending = std::pin::pin!(sending);
        if let Ok(sent) = timeout(patience, &mut sending).await {
            if matches!(sent, Ok(Ok(_))) {
                self.pool.learn(true);
            }
            return sent;
        }
        if capture.total() > 0 || !self.pool.make_room() {
            return sending.await;
        }
        if let Ok(sent) = timeout(patience / 2, &mut sending).await {
            if matches!(sent, Ok(Ok(_))) {
                self.pool.learn(false);
            }
            return sent;
        }
        sending.await
    }

    async fn read_response(
        &self,
        request: &Request,
        response: http::Response<Incoming>,
        start: Instant,
        limit: ReadLimit,
        link: Option<Box<Link>>,
    ) -> SendAttempt {
        let deadline = start + limit.timeout;
        let received = Utc::now();
        let (head, body) = response.into_parts();
        let media_type = head
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let has_coding = head.headers.contains_key(header::CONTENT_ENCODING);
        let events = limit.events.filter(|_| is_event_stream(media_type, has_coding));
        let body_limit = BodyLimit {
            deadline: events.map_or(deadline, |events| start + events.within),
            quiet: limit.timeout / 2,
            most: self.max_body,
            events: events.map(|events| events.count),
        };
        let content = body::read(body, body_limit).await;
        if content.unfinished {
            return unfinished(limit.timeout, content.bytes.len()).into();
        }
        if content.too_large {
            let message = format!("the body is larger than {} bytes", self.max_body);
            return failure(FailureKind::TooLarge, message).into();
        }
        let headers: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), field_text(value.as_bytes())))
            .collect();
        let status = head.status.as_u16();
        let no_content = request.method == "HEAD" || matches!(status, 204 | 304);
        let is_last = is_last(head.version, &head.headers);
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
        let is_whole = content.cut.is_none() && content.stopped.is_none();
        let syntax = link
            .as_ref()
            .map(|link| link.capture.syntax(is_chunked && !no_content))
            .unwrap_or_default();
        let response = Response {
            version: version(head.version),
            status,
            reason: head
                .extensions
                .get::<ReasonPhrase>()
                .map(|phrase| field_text(phrase.as_bytes())),
            headers,
            body: content.bytes.into(),
            trailers: content.trailers,
            cut: content.cut,
            stopped: content.stopped,
            excess: crate::model::Content::default(),
            syntax,
            received,
            elapsed_us: 0,
        };
        let rest = link.filter(|_| is_whole).map(|link| Rest { link, framed, is_last });
        SendAttempt {
            outcome: Outcome::Response(response),
            rest,
            out_of_step: None,
            is_partial: false,
        }
    }

    /// A parked or shared connection, or a new one; and whether it is new.
    async fn connection(
        &self,
        deadline: Instant,
        limit: Duration,
        is_safe: bool,
        is_alone: bool,
    ) -> Result<(Connection, bool), Failure> {
        if let Some(shared) = self.shared() {
            return Ok((shared, false));
        }
        let open = loop {
            if is_alone {
                break self.pool.new_one();
            }
            match self.pool.take(is_safe).await {
                Taken::New(open) => break open,
                Taken::Parked(mut link) => {
                    if matches!(timeout(READY, link.sender.ready()).await, Ok(Ok(()))) {
                        return Ok((Connection::Http1(link), false));
                    }
                    link.lost();
                }
            }
        };
        let opening = if self.http1_only.load(Ordering::SeqCst) {
            None
        } else {
            let opening = timeout_at(deadline, self.opening.lock()).await;
            let opening = opening.map_err(|_| timed_out(limit, 0))?;
            if let Some(shared) = self.shared() {
                return Ok((shared, false));
            }
            Some(opening).filter(|_| !self.http1_only.load(Ordering::SeqCst))
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let connection = self.connector.connect(left.min(self.connect_timeout)).await;
        // If it fails, the others do not wait for each other.
        let http1_only = !matches!(connection, Ok(Connection::Http2(..)));
        self.http1_only.store(http1_only, Ordering::SeqCst);
        if let Ok(Connection::Http2(sender, ended)) = &connection {
            *self.http2.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender.clone(), ended.clone()));
        }
        drop(opening);
        match connection {
            Ok(Connection::Http1(mut link)) => {
                link.open = Some(open);
                Ok((Connection::Http1(link), true))
            }
            Ok(shared) => Ok((shared, true)),
            // The server limits the number of connections.
            Err(failure) if failure.kind == FailureKind::Connect && !is_alone => match self.pool.take_any() {
                Some(link) => Ok((Connection::Http1(link), false)),
                None => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }

    fn shared(&self) -> Option<Connection> {
        let shared = self.http2.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (sender, ended) = shared.filter(|(sender, _)| !sender.is_closed())?;
        Some(Connection::Http2(sender, ended))
    }

    /// The request as HTTP/1.1 sends it: origin form and `Host`, or absolute form for a proxy.
    fn message(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Failure> {
        let sent: http::Uri = if self.connector.is_forwarded() {
            request.url.parse().map_err(|error| unwritable(&error))?
        } else {
            let path = match path_and_query(&request.url) {
                "" => http::uri::PathAndQuery::from_static("/"),
                path => path.parse().map_err(|error| unwritable(&error))?,
            };
            path.into()
        };
        let mut message = http::Request::new(Full::new(request.body.shared()));
        *message.uri_mut() = sent;
        *message.method_mut() = request.method.parse().map_err(|error| unwritable(&error))?;
        *message.headers_mut() = self.header_section(&request.headers)?;
        Ok(message)
    }

    /// The header section with the fields that every request has.
    fn header_section(&self, fields: &[(String, String)]) -> Result<HeaderMap, Failure> {
        let mut known = self.sections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, headers)) = known.iter().find(|(written, _)| written == fields) {
            return Ok(headers.clone());
        }
        // `Host` and the credentials of a proxy may be added.
        let mut headers = HeaderMap::with_capacity(fields.len() + 2);
        for (name, value) in fields {
            let name: HeaderName = name.parse().map_err(|error| unwritable(&error))?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| unwritable(&error))?;
            headers.append(name, value);
        }
        if !headers.contains_key(header::HOST) {
            headers.insert(header::HOST, self.host.clone());
        }
        if let Some(auth) = self.connector.proxy_authorization() {
            headers.insert(header::PROXY_AUTHORIZATION, auth.clone());
        }
        if known.len() < KEPT_SECTIONS {
            known.push((fields.to_vec(), headers.clone()));
        }
        Ok(headers)
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    failure(FailureKind::Connect, format!("the request cannot be written: {error}"))
}

/// The version as it is written in messages.
fn version(version: http::Version) -> String {
    match version {
        http::Version::HTTP_11 => "HTTP/1.1".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The part of an absolute URL after its authority.
fn path_and_query(url: &str) -> &str {
    let url = memchr::memchr(b'#', url.as_bytes()).map_or(url, |at| &url[..at]);
    let colon = memchr::memchr(b':', url.as_bytes()).map(|at| &url[at..]);
    let rest = colon.and_then(|rest| rest.strip_prefix("://")).unwrap_or(url);
    memchr::memchr2(b'/', b'?', rest.as_bytes()).map_or("", |at| &rest[at..])
}

/// The length of the content.
fn length(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Response(response) => response.body.bytes().len(),
        _ => 0,
    }
}

type Sent = Result<http::Response<Incoming>, TrySendError<http::Request<Full<Bytes>>>>;

/// A request without a response.
struct Unsent {
    error: hyper::Error,
    /// Whether it was sent.
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

/// Whether the server closes the connection after this response (RFC 9112 §9.3).
fn is_last(version: http::Version, headers: &http::HeaderMap) -> bool {
    let wanted = if version == http::Version::HTTP_10 {
        "keep-alive"
    } else {
        "close"
    };
    let has = headers
        .get_all(header::CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case(wanted));
    has != (version == http::Version::HTTP_10)
}

/// Whether bytes contain a status line, or its end.
fn may_be_a_response(bytes: &[u8]) -> bool {
    bytes
        .windows(5)
        .any(|part| part.starts_with(b"/1.") && part[3].is_ascii_digit() && part[4] == b' ')
}

/// Whether the method is safe (RFC 9110 §9.2.1).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// The request as HTTP/2 sends it: the authority is in the URL.
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

#[cfg(test)]
mod tests {
    use super::path_and_query;

    #[test]
    fn path_of_a_url_is_sent_as_it_is() {
        for (url, path) in [
            ("http://h", ""),
            ("http://h:80/", "/"),
            ("https://[::1]:8/a/../b?c=http://d", "/a/../b?c=http://d"),
            ("http://h?a=b/c", "?a=b/c"),
            ("http://h//a", "//a"),
            ("http://h/a?b#c", "/a?b"),
            ("http://h#a/b", ""),
        ] {
            assert_eq!(path_and_query(url), path, "{url}");
            let uri: http::Uri = url.parse().expect("a URL");
            let sent = uri.path_and_query().map_or("/", |path| path.as_str());
            assert_eq!(sent.trim_start_matches('/'), path.trim_start_matches('/'), "{url}");
        }
    }
}
