//! Connections between two requests: parked, watched, and used again.
//!
//! A duplicate, late or unsolicited response must not become the response to another request. HTTP/1.1 assigns responses
//! to requests only by their order on a connection, so:
//!
//! - After a complete response its connection is *parked*, and the response stays open to evidence ([`Watch`]) until the
//!   connection is used again, ends, or has been idle for [`IDLE`]. Bytes that arrive in that time are excess of the
//!   last response on it. Nothing waits for this: the case does not count as running, and its worker goes on.
//! - Connections are used in the order in which they were parked, and only after [`PARK`], as long as fewer than a
//!   maximum number are open. Above it, the one that was parked first is used, so that the rate of requests divided
//!   by the number of connections is the shortest time for which a connection is watched.
//! - A request that must not be sent twice gets a new connection where that is cheap. It can then neither receive
//!   another request's response nor run into the end of an idle connection.
//! - Directly before it is used again, what has arrived on a connection is taken into account.
//! - Bytes that arrive after that are seen as a response that is out of step: one that cannot be read, or one that
//!   further bytes follow. Neither is trusted: [`super::Client`] sends a safe request again on a new connection. If the
//!   response there is clean, the bytes belonged to the request before ([`Link::before`]), whose watch lasts until the
//!   connection is used a third time. If it cannot be attributed, the case has no verdict.
//! - At the end of the run every parked connection is half-closed, [`LAST_LOOK`] after its response at the earliest. A
//!   server that has sent all its responses closes it in turn, so nothing is waited for; one that still has something to
//!   send sends it before ([`DRAIN`] at most).
//! - A server may serve one connection at a time. If requests on new connections have no response until the parked ones
//!   are closed, no more connections are kept beside those in use ([`Pool::learn`]).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::wire_capture::{Framed, WireCapture};

/// Minimum time for which a connection is parked before it is used again, as long as others can be opened.
const PARK: Duration = Duration::from_millis(250);
/// A connection that has been idle for longer is not used again: the server may be closing it, and a request that is
/// on its way then cannot be repeated.
const IDLE: Duration = Duration::from_secs(1);
/// Maximum time from half-closing a connection to its end.
pub(super) const DRAIN: Duration = Duration::from_millis(250);
/// Minimum time from a response to half-closing its connection at the end of the run.
const LAST_LOOK: Duration = Duration::from_millis(25);
/// How long a connection must have been idle before it carries a request that may not be sent twice: a server that
/// closes it after each response without announcing it has done so by then.
const SETTLED: Duration = Duration::from_millis(5);
/// The same, once a connection of this target has outlived [`SETTLED`]: its server keeps connections open.
const SETTLED_KEPT: Duration = Duration::from_millis(1);
/// How often a new connection is served only after the parked ones were closed, until the target counts as serial.
const STRIKES: u32 = 2;

/// An HTTP/1.1 connection.
pub(super) struct Link {
    pub(super) sender: http1::SendRequest<Full<Bytes>>,
    pub(super) capture: WireCapture,
    /// Ends when nothing more can arrive.
    ended: watch::Receiver<()>,
    /// Number of requests that were sent on it.
    pub(super) uses: u32,
    /// The second-to-last request on it, as long as its response is watched.
    pub(super) before: Before,
    /// Where the last response ended.
    framed: Option<Framed>,
    /// Counts as an open connection until dropped.
    pub(super) open: Option<OpenConnection>,
}

impl Link {
    pub(super) fn new(
        sender: http1::SendRequest<Full<Bytes>>,
        capture: WireCapture,
        ended: watch::Receiver<()>,
    ) -> Self {
        Self {
            sender,
            capture,
            ended,
            uses: 0,
            before: Before::default(),
            framed: None,
            open: None,
        }
    }

    /// The watch over a connection that is not used again: half-closes it.
    pub(super) fn close(mut self, framed: Option<Framed>) -> Watch {
        self.framed = framed;
        self.watch(None, None)
    }

    /// It ended before reuse: bytes that arrived follow the last response on it.
    pub(super) fn lost(self) {
        let excess = self.capture.excess(self.framed);
        self.before.release(excess);
    }

    fn watch(&self, release: Option<oneshot::Receiver<Vec<u8>>>, pool: Option<(Arc<Pool>, u64, Instant)>) -> Watch {
        Watch {
            generation: self.capture.generation(),
            capture: self.capture.clone(),
            framed: self.framed,
            ended: self.ended.clone(),
            uses: self.uses,
            before: self.before.clone(),
            release,
            pool,
        }
    }
}

/// Receiver for the end of the watch over the previous response.
#[derive(Clone, Debug, Default)]
pub(super) struct Before(Arc<Mutex<Option<Release>>>);

impl Before {
    /// Ends the watch; returns whether there was one.
    pub(super) fn release(&self, excess: Vec<u8>) -> bool {
        self.replace(None).is_some_and(|before| before.send(excess))
    }

    fn replace(&self, next: Option<Release>) -> Option<Release> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), next)
    }
}

/// Ends the watch over a response: with the bytes that followed it, if any.
#[derive(Debug)]
pub(super) struct Release(oneshot::Sender<Vec<u8>>);

impl Release {
    fn send(self, excess: Vec<u8>) -> bool {
        self.0.send(excess).is_ok()
    }
}

/// One more open connection, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<AtomicUsize>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct IdleConnection {
    number: u64,
    link: Box<Link>,
    since: Instant,
    /// The last request on the connection.
    release: Option<Release>,
}

impl IdleConnection {
    /// Ends the watch over the second-to-last response; the watch over the last one goes on.
    fn use_again(&mut self) {
        if let Some(before) = self.link.before.replace(self.release.take()) {
            before.send(Vec::new());
        }
    }
}

/// The connections to a target that are not in use.
pub(super) struct Pool {
    state: Mutex<PoolState>,
    open: Arc<AtomicUsize>,
    /// Whether a new connection is cheap.
    is_cheap: bool,
}

#[derive(Default)]
struct PoolState {
    /// In the order in which they were parked.
    parked: VecDeque<IdleConnection>,
    next: u64,
    /// Maximum number of open connections before parked ones are used again.
    maximum: usize,
    /// Whether a connection was still open when it had been idle for [`SETTLED`].
    keep_alive_seen: bool,
    /// Whether the end of the run has come: connections are closed after their response.
    is_closing: bool,
    /// Whether a new connection was served beside parked ones.
    is_concurrent: bool,
    strikes: u32,
}

/// The connection for a request.
pub(super) enum Taken {
    /// A connection that was used before.
    Parked(Box<Link>),
    /// A new one; counted as open from now on.
    New(OpenConnection),
}

impl Pool {
    /// A pool for at most `jobs` requests at a time; `is_cheap` if a new connection is cheap.
    pub(super) fn new(jobs: usize, is_cheap: bool) -> Arc<Self> {
        let beside = if is_cheap { 48 } else { jobs.clamp(4, 16) };
        Arc::new(Self {
            state: Mutex::new(PoolState {
                maximum: jobs.saturating_add(beside),
                ..PoolState::default()
            }),
            open: Arc::default(),
            is_cheap,
        })
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection for the next request.
    pub(super) async fn take(&self, is_safe: bool) -> Taken {
        if self.would_reuse(is_safe) {
            // Bytes that have arrived, and ends of connections, are noticed here.
            tokio::task::yield_now().await;
        }
        let mut state = self.state();
        let now = Instant::now();
        while let Some(first) = state.parked.front() {
            let (age, is_unused) = (now - first.since, first.release.is_none());
            if first.link.sender.is_closed() || age >= IDLE {
                state.parked.pop_front();
                continue;
            }
            if age >= SETTLED {
                state.keep_alive_seen = true;
            }
            if self.is_usable(&state, age, is_safe, is_unused) {
                let Some(mut first) = state.parked.pop_front() else {
                    break;
                };
                first.use_again();
                return Taken::Parked(first.link);
            }
            if self.open.load(Ordering::Relaxed) >= state.maximum {
                // It is watched until it has ended.
                state.parked.pop_back();
            }
            break;
        }
        Taken::New(self.new_one())
    }

    /// Counts a connection that is opened.
    pub(super) fn new_one(&self) -> OpenConnection {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(&self.open))
    }

    fn would_reuse(&self, is_safe: bool) -> bool {
        let state = self.state();
        let first = state.parked.front();
        first.is_some_and(|first| self.is_usable(&state, first.since.elapsed(), is_safe, first.release.is_none()))
    }

    fn is_usable(&self, state: &PoolState, age: Duration, is_safe: bool, is_unused: bool) -> bool {
        let settled = if state.keep_alive_seen { SETTLED_KEPT } else { SETTLED };
        let is_full = self.open.load(Ordering::Relaxed) >= state.maximum;
        let is_settled = is_safe || age >= settled || is_unused;
        let is_parked = age >= PARK && (is_safe || !self.is_cheap);
        is_settled && (is_full || is_parked || is_unused)
    }

    /// The connection that was parked first, if no other can be opened.
    pub(super) fn take_any(&self) -> Option<Box<Link>> {
        let mut state = self.state();
        while let Some(mut first) = state.parked.pop_front() {
            if first.link.sender.is_closed() || first.since.elapsed() >= IDLE {
                continue;
            }
            state.maximum = self.open.load(Ordering::Relaxed).max(1);
            first.use_again();
            return Some(first.link);
        }
        None
    }

    /// Keeps a connection that has not been used yet.
    pub(super) fn keep(&self, mut link: Box<Link>) {
        link.open = Some(self.new_one());
        self.push(link, None);
    }

    /// Parks a connection after a complete response that ended where `framed` says.
    pub(super) fn park(self: &Arc<Self>, mut link: Box<Link>, framed: Option<Framed>) -> Watch {
        link.framed = framed;
        let (sender, receiver) = oneshot::channel();
        let mut watch = link.watch(Some(receiver), None);
        let number = self.push(link, Some(Release(sender)));
        watch.pool = Some((Arc::clone(self), number, Instant::now() + IDLE));
        watch
    }

    fn push(&self, link: Box<Link>, release: Option<Release>) -> u64 {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if !state.is_closing {
            state.parked.push_back(IdleConnection {
                number,
                link,
                since: Instant::now(),
                release,
            });
        }
        number
    }

    fn discard(&self, number: u64) {
        let mut state = self.state();
        if let Some(at) = state.parked.iter().position(|parked| parked.number == number) {
            drop(state.parked.remove(at));
        }
    }

    /// Closes all connections that are parked, now or later: the run ends.
    /// One that was parked only just now is watched for [`LAST_LOOK`] first.
    pub(super) fn close(self: &Arc<Self>) {
        let mut state = self.state();
        state.is_closing = true;
        let Some(last) = state.parked.back() else { return };
        let left = LAST_LOOK.saturating_sub(last.since.elapsed());
        let is_young = |parked: &IdleConnection| parked.since.elapsed() < LAST_LOOK;
        state.parked.retain(is_young);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(left).await;
            pool.state().parked.clear();
        });
    }

    /// Closes all parked connections; returns whether there were any.
    pub(super) fn make_room(&self) -> bool {
        let parked = std::mem::take(&mut self.state().parked);
        !parked.is_empty()
    }

    /// Whether there are parked connections that a new one has to compete with.
    pub(super) fn is_crowded(&self) -> bool {
        let state = self.state();
        !state.is_concurrent && !state.parked.is_empty()
    }

    /// A new connection was served beside parked ones, or only once these were closed.
    pub(super) fn learn(&self, is_concurrent: bool) {
        let mut state = self.state();
        if is_concurrent {
            state.is_concurrent = true;
        } else if !state.is_concurrent {
            state.strikes += 1;
        }
        if !state.is_concurrent && state.strikes >= STRIKES {
            state.maximum = 1;
        }
    }
}

/// The result of the watch over a response.
pub(super) struct Watched {
    /// The bytes that followed it.
    pub(super) excess: Vec<u8>,
    /// The response itself, as far as it was kept, if the bytes on its connection may be out of step.
    pub(super) out_of_step: Option<OutOfStep>,
}

impl Watched {
    fn certain(excess: Vec<u8>) -> Self {
        Self {
            excess,
            out_of_step: None,
        }
    }
}

/// Bytes on a connection that may belong to a request before the last one.
pub(super) struct OutOfStep {
    /// The bytes before the excess: the response to the last request, or bytes that follow the response before.
    pub(super) bytes: Vec<u8>,
    /// The request before.
    pub(super) before: Before,
    /// Requests that were sent on the connection.
    pub(super) uses: u32,
}

impl OutOfStep {
    /// Attributes the bytes to the request before; returns whether that is certain and still possible.
    pub(super) fn blame(self) -> bool {
        self.uses == 2 && self.before.release(self.bytes)
    }
}

/// The time after a response in which bytes on its connection still belong to it.
pub(super) struct Watch {
    capture: WireCapture,
    /// Which response on the capture it is.
    generation: u64,
    framed: Option<Framed>,
    ended: watch::Receiver<()>,
    uses: u32,
    before: Before,
    release: Option<oneshot::Receiver<Vec<u8>>>,
    pool: Option<(Arc<Pool>, u64, Instant)>,
}

impl Watch {
    /// The bytes that have followed the response by now.
    pub(super) fn excess(&self) -> Vec<u8> {
        self.capture.excess(self.framed)
    }

    /// The bytes that followed the response, once it is known that no more will.
    pub(super) async fn over(mut self) -> Watched {
        let mut has_ended = false;
        let mut until = self.pool.as_ref().map(|(_, _, until)| *until);
        loop {
            let is_current = self.capture.generation() == self.generation;
            if has_ended && is_current {
                break;
            }
            if !is_current {
                // It has this response in it now, and would keep itself waiting.
                self.before = Before::default();
            }
            let drained = until.unwrap_or_else(|| Instant::now() + 2 * DRAIN);
            tokio::select! {
                biased;
                released = async { self.release.as_mut()?.await.ok() }, if self.release.is_some() => {
                    match released {
                        Some(excess) => return Watched::certain(excess),
                        // The connection was discarded.
                        None => self.release = None,
                    }
                    until = None;
                    if self.capture.generation() != self.generation {
                        return Watched::certain(Vec::new());
                    }
                }
                _ = self.ended.changed(), if !has_ended => {
                    has_ended = true;
                    if let Some((pool, number, _)) = self.pool.as_ref().filter(|_| is_current) {
                        pool.discard(*number);
                    }
                }
                () = tokio::time::sleep_until(drained), if is_current => {
                    let Some((pool, number, _)) = self.pool.as_ref().filter(|_| until.is_some()) else {
                        break;
                    };
                    // Idle for too long: half-closed, and watched until it has ended.
                    pool.discard(*number);
                    until = None;
                }
                // The connection has ended in its next use, and nothing was said about this response.
                else => return Watched::certain(Vec::new()),
            }
        }
        let excess = self.excess();
        if is_idle_timeout(&excess) {
            return Watched::certain(Vec::new());
        }
        let is_out_of_step = self.uses > 1 && !excess.is_empty();
        Watched {
            out_of_step: is_out_of_step.then(|| OutOfStep {
                bytes: self.capture.before(excess.len()),
                before: self.before,
                uses: self.uses,
            }),
            excess,
        }
    }
}

/// Whether bytes are the notice that the server closes an idle connection. It may be sent without a request
/// (RFC 9110 §15.5.9).
fn is_idle_timeout(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.1 408 ") || bytes.starts_with(b"HTTP/1.0 408 ")
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;

    use super::*;
    use crate::http::wire_capture::CapturedStream;

    /// A connection to nothing, and the other end of it.
    async fn link() -> (Box<Link>, tokio::io::DuplexStream) {
        let (near, far) = tokio::io::duplex(1024);
        let (stream, capture) = CapturedStream::new(near);
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        let (end, ended) = watch::channel(());
        tokio::spawn(async move {
            drop(connection.await);
            drop(end);
        });
        let mut link = Box::new(Link::new(sender, capture, ended));
        link.uses = 1;
        (link, far)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn parked_connection_is_not_used_while_others_can_be_opened() {
        runtime().block_on(async {
            let pool = Pool::new(1, true);
            let (link, _far) = link().await;
            drop(pool.park(link, None));
            assert!(matches!(pool.take(true).await, Taken::New(_)));
            pool.state().maximum = 0;
            assert!(matches!(pool.take(true).await, Taken::Parked(_)));
        });
    }

    #[test]
    fn parked_connections_are_used_in_their_order() {
        runtime().block_on(async {
            let pool = Pool::new(1, true);
            pool.state().maximum = 0;
            let ((mut first, _near), (second, _far)) = (link().await, link().await);
            first.uses = 7;
            drop((pool.park(first, None), pool.park(second, None)));
            let Taken::Parked(taken) = pool.take(true).await else {
                panic!("a parked connection");
            };
            assert_eq!(taken.uses, 7);
        });
    }

    #[test]
    fn watch_over_a_response_ends_with_the_third_use() {
        runtime().block_on(async {
            let pool = Pool::new(1, true);
            pool.state().maximum = 0;
            let (link, _far) = link().await;
            let mut first = Box::pin(pool.park(link, None).over());
            let mut second = None;
            for uses in [2, 3] {
                let Taken::Parked(mut link) = pool.take(true).await else {
                    panic!("a parked connection");
                };
                link.capture.rewind();
                link.uses = uses;
                if uses == 2 {
                    assert!(
                        tokio::time::timeout(Duration::from_millis(5), &mut first)
                            .await
                            .is_err()
                    );
                    second = Some(pool.park(link, None));
                } else {
                    assert!((&mut first).await.excess.is_empty());
                    // The bytes belong to the previous response.
                    assert!(link.before.release(b"late".to_vec()));
                }
            }
            assert_eq!(second.expect("a watch").over().await.excess, b"late");
        });
    }

    #[test]
    fn watch_over_a_closed_connection_finds_what_followed() {
        runtime().block_on(async {
            use tokio::io::AsyncWriteExt as _;
            let pool = Pool::new(1, true);
            let (link, mut far) = link().await;
            let watch = pool.park(link, Some(Framed::Length(0)));
            far.write_all(b"HTTP/1.1 204 No Content\r\n\r\nlate")
                .await
                .expect("room");
            assert_eq!(watch.over().await.excess, b"late");
        });
    }

    #[test]
    fn notice_of_an_idle_timeout_is_not_excess() {
        assert!(is_idle_timeout(
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"
        ));
        assert!(!is_idle_timeout(b"HTTP/1.1 200 OK\r\n\r\n"));
    }
}
