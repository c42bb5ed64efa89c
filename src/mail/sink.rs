//! The embedded SMTP server: it accepts every message and keeps it in memory.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};
use url::{Host, Url};

use super::{
    MailError, Received,
    smtp::{MAX_LINE, MessageData, Next, Session},
};

/// Maximum number of messages that are kept.
const MAX_MESSAGES: usize = 10_000;

/// Maximum size in bytes of all messages that are kept.
const MAX_STORED: usize = 256 * 1024 * 1024;

/// Maximum number of connections; further ones wait until one is closed.
const MAX_CONNECTIONS: usize = 32;

/// Maximum time without a command, and for sending a response (RFC 5321, section 4.5.3.2.7).
const IDLE: Duration = Duration::from_mins(5);

/// A server that listens until it is dropped.
pub(super) struct SmtpSink {
    address: SocketAddr,
    store: Arc<Mutex<Store>>,
    task: JoinHandle<()>,
}

struct StoredMessage {
    at: DateTime<Utc>,
    /// Recipients of the envelope, in lower case.
    recipients: Vec<String>,
    /// The message, or why it was rejected.
    message: Result<Arc<[u8]>, String>,
}

struct Store {
    max_message: usize,
    max_messages: usize,
    size: usize,
    stored: Vec<StoredMessage>,
    /// Why messages were rejected without keeping their recipients.
    lost: Option<String>,
}

impl SmtpSink {
    /// Listens at the address of an `smtp://` URL, which must be a loopback address: anyone who can connect could fill the
    /// memory of this process and make cases pass.
    pub(super) async fn open(
        url: &Url,
        max_message: usize,
        invalid: impl Fn(&str) -> MailError,
    ) -> Result<Self, MailError> {
        let address = loopback(url).map_err(&invalid)?;
        let failed = |error: io::Error| MailError::Listen {
            address: format!("smtp://{address}"),
            reason: error.to_string(),
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let store = Arc::new(Mutex::new(Store {
            max_message,
            max_messages: MAX_MESSAGES,
            size: 0,
            stored: Vec::new(),
            lost: None,
        }));
        let task = tokio::spawn(accept(listener, Arc::clone(&store)));
        Ok(Self { address, store, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The messages to an address since a time, in the order of arrival, or why one of them was rejected.
    pub(super) fn messages(&self, to: &str, since: Option<DateTime<Utc>>) -> Result<Vec<Received>, String> {
        let to = to.to_lowercase();
        let store = lock(&self.store);
        if let Some(reason) = &store.lost {
            return Err(reason.clone());
        }
        let matching = store.stored.iter().filter(|stored| {
            let is_new = since.is_none_or(|since| stored.at >= since);
            is_new && stored.recipients.contains(&to)
        });
        let received = matching.map(|stored| {
            let raw = stored.message.clone()?;
            Ok(Received { at: stored.at, raw })
        });
        received.collect()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The poisoned state cannot be inconsistent: every change of the store is one push.
fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

fn loopback(url: &Url) -> Result<SocketAddr, &'static str> {
    if url.scheme() != "smtp" || !["", "/"].contains(&url.path()) || url.query().is_some() {
        return Err("expected smtp://127.0.0.1:PORT");
    }
    let ip = match url.host() {
        // The host of a URL that is not of the web is not parsed further.
        Some(Host::Domain(name)) if name.eq_ignore_ascii_case("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(Host::Domain(name)) => name.parse().map_err(|_| "the host must be a loopback address")?,
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        None => return Err("it has no host"),
    };
    let port = url.port().ok_or("it has no port")?;
    if !ip.is_loopback() {
        return Err("the host must be a loopback address");
    }
    Ok(SocketAddr::new(ip, port))
}

impl Store {
    /// Keeps a message, and returns the response to its sender. `None` is a message that is too large.
    fn add(&mut self, recipients: &[String], message: Option<Vec<u8>>) -> &'static str {
        if self.lost.is_some() {
            return "452 too many messages";
        }
        if self.stored.len() >= self.max_messages {
            self.lost = Some(format!("more than {} messages arrived", self.max_messages));
            return "452 too many messages";
        }
        let (message, response) = match message {
            None => {
                let reason = format!("it is larger than {} bytes", self.max_message);
                (Err(reason), "552 message too large")
            }
            Some(message) if self.size + message.len() > MAX_STORED => {
                self.lost = Some(format!("all messages of this run exceed {MAX_STORED} bytes"));
                return "452 too many messages";
            }
            Some(message) => {
                self.size += message.len();
                (Ok(message.into()), "250 OK")
            }
        };
        self.stored.push(StoredMessage {
            at: Utc::now(),
            recipients: recipients.iter().map(|address| address.to_lowercase()).collect(),
            message,
        });
        response
    }
}

async fn accept(listener: TcpListener, store: Arc<Mutex<Store>>) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Dropping the set when this task is aborted closes all connections.
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let store = Arc::clone(&store);
                tasks.spawn(async move {
                    // The client sees that the connection is closed; which is the only report that it can get.
                    drop(serve(stream, &store).await);
                    drop(permit);
                });
            }
            // Usually too many open files, until another connection is closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        while tasks.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: TcpStream, store: &Mutex<Store>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let max_message = lock(store).max_message;
    let mut session = Session::new(max_message);
    let mut response = "220 conforme ESMTP".to_owned();
    loop {
        limited(write.write_all(format!("{response}\r\n").as_bytes())).await?;
        let line = match limited(line(&mut read)).await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) => {
                let response: &[u8] = b"421 line too long or no command in time\r\n";
                drop(limited(write.write_all(response)).await);
                return Err(error);
            }
        };
        response = match session.line(&line) {
            Next::Send(response) => response,
            Next::Quit => return limited(write.write_all(b"221 closing\r\n")).await,
            Next::Data(recipients) => {
                limited(write.write_all(b"354 end with <CRLF>.<CRLF>\r\n")).await?;
                let mut data = MessageData::new(max_message);
                while !data.is_complete() {
                    let bytes = limited(read.fill_buf()).await?;
                    if bytes.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let taken = data.take(bytes);
                    read.consume(taken);
                }
                lock(store).add(&recipients, data.message()).to_owned()
            }
        };
    }
}

async fn limited<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let elapsed = |_| io::Error::from(io::ErrorKind::TimedOut);
    tokio::time::timeout(IDLE, work).await.map_err(elapsed)?
}

/// The next line without its line ending, or nothing at the end of the connection.
async fn line(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let bytes = read.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let end = memchr::memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes[..taken]);
        read.consume(taken);
        if line.len() > MAX_LINE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_possible() {
        let address = |url: &str| loopback(&Url::parse(url).unwrap()).map(|address| address.to_string());
        assert_eq!(address("smtp://127.0.0.1:1025"), Ok("127.0.0.1:1025".to_owned()));
        assert_eq!(address("smtp://LOCALHOST:25/"), Ok("127.0.0.1:25".to_owned()));
        assert_eq!(address("smtp://[::1]:1025"), Ok("[::1]:1025".to_owned()));
        for url in [
            "smtp://0.0.0.0:1025",
            "smtp://[::]:1025",
            "smtp://192.0.2.1:1025",
            "smtp://mail.example.test:1025",
            "smtp://127.0.0.1",
            "smtp://127.0.0.1:1025/x",
            "smtp:1025",
            "http://127.0.0.1:1025",
        ] {
            assert!(address(url).is_err(), "{url}");
        }
    }

    #[test]
    fn number_of_messages_is_limited_and_the_limit_is_reported() {
        let mut store = Store {
            max_message: 10,
            max_messages: 2,
            size: 0,
            stored: Vec::new(),
            lost: None,
        };
        let to = |name: &str| vec![format!("{name}@Example.test")];
        assert_eq!(store.add(&to("a"), Some(vec![1])), "250 OK");
        assert_eq!(store.add(&to("b"), None), "552 message too large");
        assert_eq!(store.add(&to("c"), Some(vec![1])), "452 too many messages");
        assert_eq!(store.add(&to("d"), Some(vec![1])), "452 too many messages");
        let reasons: Vec<_> = store
            .stored
            .iter()
            .filter_map(|stored| stored.message.clone().err())
            .collect();
        assert_eq!(reasons, ["it is larger than 10 bytes"]);
        assert_eq!(store.lost.as_deref(), Some("more than 2 messages arrived"));
    }
}
