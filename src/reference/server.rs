//! Serves the reference API on a socket, on a thread of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::activation::Activation;
use super::api::Api;
use super::mail::MailerError;
use super::seed::Seed;
use super::timestamp::Clock;

/// How long a stopping server waits for requests that have begun; unfinished requests are then
/// cut off. Idle connections are closed immediately.
pub const STOP_GRACE: Duration = Duration::from_millis(500);

/// A running reference API. It has its own thread and runtime, so that its cost is separate
/// from the caller's. Dropping it stops it and waits at most [`STOP_GRACE`].
/// for.
pub struct Server {
    api: Arc<Api>,
    base_url: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Stops a server from another thread, such as a signal handler, while its owner is in
/// [`Server::wait`].
#[derive(Clone)]
pub struct StopHandle(watch::Sender<bool>);

impl Server {
    /// Starts an API with `seed` in it on `addr`, whose port may be 0 for a free one. The socket is
    /// bound when this returns: a client may connect at once.
    ///
    /// # Errors
    /// If the thread or its runtime cannot be created, or the address cannot be bound.
    pub fn start(seed: &Seed, addr: SocketAddr, clock: Clock) -> io::Result<Self> {
        let api = Arc::new(Api::new(seed, clock));
        let (stop, stopped) = watch::channel(false);
        let (bound, binding) = mpsc::sync_channel(1);
        let served = Arc::clone(&api);
        let thread = thread::Builder::new().name("reference-api".to_owned()).spawn(move || {
            match bind(addr) {
                Ok((runtime, listener, addr)) => {
                    // Sending fails only if the starting thread is gone.
                    let _ = bound.send(Ok(addr));
                    runtime.block_on(serve(listener, &served, stopped))
                }
                Err(error) => {
                    let _ = bound.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let addr = binding
            .recv()
            .map_err(|_| io::Error::other("the server's thread ended early"))??;
        let base_url = format!("http://{}{}", reachable(addr), seed.prefix());
        Ok(Self {
            api,
            base_url,
            stop,
            thread: Some(thread),
        })
    }

    /// The base of the API's addresses, such as `http://127.0.0.1:43121/api`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends the e-mails of later activations to a mail server: see [`Api::send_mail_to`].
    ///
    /// # Errors
    /// If the URL is not `smtp://HOST:PORT`, or no thread can be started.
    pub fn send_mail_to(&self, url: &str, is_tested: bool) -> Result<(), MailerError> {
        self.api.send_mail_to(url, is_tested)
    }

    /// The newest activations, at most [`super::ACTIVATIONS_KEPT`], oldest first.
    #[must_use]
    pub fn activations(&self) -> Vec<Activation> {
        self.api.activations()
    }

    /// How many activations there were, those no longer kept included.
    #[must_use]
    pub fn activation_count(&self) -> u64 {
        self.api.activation_count()
    }

    /// A means to stop this server from another thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Serves in the foreground, until a [`StopHandle`] stops it.
    ///
    /// # Errors
    /// If serving failed, or its thread panicked.
    pub fn wait(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked")),
            Some(Ok(outcome)) => outcome,
            None => Ok(()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // The receiver is gone.
        let _ = self.join();
    }
}

impl StopHandle {
    /// Requests the server to stop within [`STOP_GRACE`]. Stopping again does nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

fn bind(addr: SocketAddr) -> io::Result<(Runtime, TcpListener, SocketAddr)> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let listener = runtime.block_on(TcpListener::bind(addr))?;
    let addr = listener.local_addr()?;
    Ok((runtime, listener, addr))
}

async fn serve(listener: TcpListener, api: &Arc<Api>, stopped: watch::Receiver<bool>) -> io::Result<()> {
    // Responses are small: waiting to fill a packet would only delay them. A socket that
    // does not take the option still works.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, Arc::clone(api).router()).with_graceful_shutdown(asked(stopped.clone()));
    tokio::select! {
        outcome = serving => outcome,
        () = async { asked(stopped).await; tokio::time::sleep(STOP_GRACE).await } => Ok(()),
    }
}

/// Waits until a stop is requested, or no handle is left.
async fn asked(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// `addr` as a client can name it: a server bound to every address is reached on the loopback one.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
