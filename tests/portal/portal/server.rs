//! Connections: one thread that accepts, one for each connection, and an end to all of them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::behavior::Greeting;
use super::engine::Engine;
use super::request::{Refusal, Requests};
use super::response::reason;
use super::wire::Then;

/// How long a closing connection waits for the client to take the last bytes.
const LINGER: Duration = Duration::from_millis(300);

/// A listening server; dropping it ends it.
pub(crate) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on 127.0.0.1 at a free port.
    ///
    /// # Errors
    /// When the port cannot be had or no thread can be started.
    pub(crate) fn start(engine: Arc<Engine>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopping);
        let acceptor = Builder::new()
            .name("portal".to_owned())
            .spawn(move || accept(&listener, &engine, &seen))?;
        Ok(Self {
            address,
            stopping,
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens.
    #[must_use]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then shuts every connection down and waits for their threads.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1)));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

/// A connection's thread, and a handle to end its reads and writes.
struct Connection {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

fn accept(listener: &TcpListener, engine: &Arc<Engine>, stopping: &AtomicBool) {
    let mut open: HashMap<u64, Connection> = HashMap::new();
    let mut next = 0;
    for stream in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            break;
        }
        open.retain(|_, connection| !connection.thread.is_finished());
        let Some(connection) = stream.ok().and_then(|stream| serve_apart(stream, Arc::clone(engine))) else {
            continue;
        };
        open.insert(next, connection);
        next += 1;
    }
    for connection in open.values() {
        drop(connection.stream.shutdown(Shutdown::Both));
    }
    for connection in open.into_values() {
        drop(connection.thread.join());
    }
}

fn serve_apart(stream: TcpStream, engine: Arc<Engine>) -> Option<Connection> {
    let handle = stream.try_clone().ok()?;
    let thread = Builder::new().name("portal connection".to_owned()).spawn(move || {
        // An error here means that the client has closed the connection.
        drop(serve(&stream, &engine));
        // The handle below keeps the socket open: without this the client would wait for its end.
        drop(stream.shutdown(Shutdown::Both));
    });
    Some(Connection {
        stream: handle,
        thread: thread.ok()?,
    })
}

fn serve(stream: &TcpStream, engine: &Engine) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match engine.behavior().greets() {
        Greeting::Http => serve_http(stream, engine),
        Greeting::CloseAtOnce => stream.shutdown(Shutdown::Both),
        Greeting::Silence => hold(stream),
        Greeting::Banner(bytes) => {
            let mut writer = stream;
            writer.write_all(bytes)?;
            close(stream)
        }
    }
}

fn serve_http(stream: &TcpStream, engine: &Engine) -> io::Result<()> {
    let mut writer = stream;
    let mut requests = Requests::new(stream);
    loop {
        let request = match requests.next_head() {
            Ok(Some(request)) => request,
            Ok(None) | Err(Refusal::Gone) => return close(stream),
            Err(Refusal::Status(status)) => return refuse(stream, status),
        };
        if request.waits_for_continue() {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        match requests.skip_body(&request) {
            Ok(()) => {}
            Err(Refusal::Gone) => return close(stream),
            Err(Refusal::Status(status)) => return refuse(stream, status),
        }
        let wire = engine.respond(&request);
        wire.write_to(&mut writer)?;
        match wire.then {
            Then::KeepAlive => {}
            Then::Close => return close(stream),
            Then::Hold => return hold(stream),
        }
    }
}

/// Responds to bytes that are not a request of HTTP/1.x.
fn refuse(mut stream: &TcpStream, status: u16) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        reason(status)
    );
    stream.write_all(head.as_bytes())?;
    close(stream)
}

/// Closes in two steps, so that a reset does not overtake the last bytes (RFC 9112, section 9.6).
fn close(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let end = Instant::now() + LINGER;
    let mut rest = [0; 1024];
    while Instant::now() < end && stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// Says nothing until the client goes or the server stops.
fn hold(mut stream: &TcpStream) -> io::Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}
