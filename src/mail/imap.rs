//! A folder of an IMAP server, opened with EXAMINE and read with BODY.PEEK, so that nothing in it changes.

use std::{
    collections::BTreeMap,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_imap::{
    Client, Session,
    error::Error,
    imap_proto::{Address, Envelope},
    types::Fetch,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use percent_encoding::percent_decode_str;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Semaphore,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{MailboxSettings, QueryError, Received, tls};

/// Maximum number of messages that a query lists.
const MAX_LISTED: usize = 2_000;

/// Messages of one FETCH command: servers limit the length of a command.
const CHUNK: usize = 200;

/// Maximum number of connections. Servers limit the connections of a user, often to 10.
const MAX_CONNECTIONS: usize = 4;

/// A folder on an IMAP server. Every query is a connection of its own.
pub(super) struct Imap {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    login: (String, String),
    folder: String,
    connections: Semaphore,
    max_bytes: usize,
}

impl Imap {
    /// Where to connect, or why the settings are invalid.
    pub(super) fn new(settings: &MailboxSettings, url: &Url, tls: Option<&ClientConfig>) -> Result<Self, String> {
        let is_secure = match url.scheme() {
            "imap" => false,
            "imaps" => true,
            _ => return Err("expected imap:// or imaps://".to_owned()),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a query or a fragment".to_owned());
        }
        let host = match url.host().ok_or("it has no host")? {
            // The brackets of an IPv6 address are not part of its name.
            Host::Ipv6(ip) => ip.to_string(),
            host => host.to_string(),
        };
        let tls = if is_secure {
            let config = tls::config(tls, None).map_err(|error| error.to_string())?;
            let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        let folder = percent_decode_str(url.path().trim_start_matches('/')).decode_utf8_lossy();
        if !folder.chars().all(|c| (' '..='~').contains(&c)) {
            return Err("the name of the folder has characters other than those of ASCII".to_owned());
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(if is_secure { 993 } else { 143 }),
            tls,
            login: settings.login.clone().ok_or("it needs a login")?,
            folder: if folder.is_empty() {
                "INBOX".to_owned()
            } else {
                folder.into_owned()
            },
            connections: Semaphore::new(MAX_CONNECTIONS),
            max_bytes: settings.max_bytes,
        })
    }

    pub(super) async fn messages(&self, to: &str, since: Option<DateTime<Utc>>) -> Result<Vec<Received>, QueryError> {
        let _permit = self.connections.acquire().await;
        let mut session = self.session().await?;
        let result = self.read(&mut session, to, since).await;
        // The result is known; a server that closes the connection first is common.
        drop(session.logout().await);
        result.map_err(|error| self.failed(error))
    }

    async fn session(&self) -> Result<Session<Limited>, QueryError> {
        let io_failed = |error: io::Error| QueryError::Other(error.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(io_failed)?;
        let stream: Box<dyn ImapStream> = match &self.tls {
            Some((tls, name)) => Box::new(tls.connect(name.clone(), stream).await.map_err(io_failed)?),
            None => Box::new(stream),
        };
        let mut client = Client::new(Limited {
            stream,
            left: self.max_bytes,
        });
        let greeting = client
            .read_response()
            .await
            .map_err(|error| self.failed(Error::Io(error)))?;
        if greeting.is_none() {
            return Err(self.failed(Error::ConnectionLost));
        }
        let (user, password) = &self.login;
        client
            .login(user, password)
            .await
            .map_err(|(error, _)| self.failed(error))
    }

    async fn read(
        &self,
        session: &mut Session<Limited>,
        to: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Received>, Error> {
        session.examine(&self.folder).await?;
        // SINCE compares dates without time and zone. The addresses are compared here, because servers search differently.
        let criteria = match since {
            Some(since) => format!("SINCE {}", (since - TimeDelta::days(1)).format("%d-%b-%Y")),
            None => "ALL".to_owned(),
        };
        let mut uids: Vec<_> = session.uid_search(criteria).await?.into_iter().collect();
        uids.sort_unstable();
        if uids.len() > MAX_LISTED {
            return Err(Error::Io(io::ErrorKind::QuotaExceeded.into()));
        }
        let mut matching = BTreeMap::new();
        let mut size = 0_usize;
        for set in sets(&uids) {
            let mut fetched = session
                .uid_fetch(set, "(UID INTERNALDATE RFC822.SIZE ENVELOPE)")
                .await?;
            while let Some(message) = fetched.try_next().await? {
                let Some((uid, at)) = uid_and_date(&message) else {
                    continue;
                };
                let is_addressed = message.envelope().is_some_and(|envelope| is_addressed(envelope, to));
                if is_addressed && since.is_none_or(|since| at >= since) {
                    size = size.saturating_add(message.size.unwrap_or_default() as usize);
                    matching.insert(uid, at);
                }
            }
        }
        if size > self.max_bytes {
            return Err(Error::Io(io::ErrorKind::FileTooLarge.into()));
        }
        let mut received = Vec::new();
        let uids: Vec<_> = matching.keys().copied().collect();
        for set in sets(&uids) {
            let mut fetched = session.uid_fetch(set, "(UID BODY.PEEK[])").await?;
            while let Some(message) = fetched.try_next().await? {
                // Messages that another client changes at this moment are reported without a body.
                let at = message.uid.and_then(|uid| matching.get(&uid).copied());
                if let (Some(at), Some(body)) = (at, message.body()) {
                    received.push(Received { at, raw: body.into() });
                }
            }
        }
        Ok(received)
    }

    /// Servers may repeat parts of a command in their responses.
    fn failed(&self, error: Error) -> QueryError {
        if let Error::Io(error) = &error {
            match error.kind() {
                io::ErrorKind::FileTooLarge => return QueryError::Size,
                io::ErrorKind::QuotaExceeded => return QueryError::Count(MAX_LISTED),
                _ => {}
            }
        }
        let (user, password) = &self.login;
        let mut reason = match error {
            // The reader of the responses reports them whole, as bytes.
            Error::Io(error) if error.kind() == io::ErrorKind::Other => {
                "a response of the server is not IMAP".to_owned()
            }
            Error::Io(error) => error.to_string(),
            Error::Bad(text) | Error::No(text) => format!("the server rejected a command: {text}"),
            Error::Parse(_) => "a response of the server is not IMAP".to_owned(),
            error => error.to_string(),
        };
        for secret in [password, user].into_iter().filter(|secret| !secret.is_empty()) {
            reason = reason.replace(secret.as_str(), "***");
        }
        QueryError::Other(reason)
    }
}

fn sets(uids: &[u32]) -> impl Iterator<Item = String> {
    uids.chunks(CHUNK).map(|chunk| {
        let texts: Vec<_> = chunk.iter().map(u32::to_string).collect();
        texts.join(",")
    })
}

fn uid_and_date(message: &Fetch) -> Option<(u32, DateTime<Utc>)> {
    Some((message.uid?, message.internal_date()?.with_timezone(&Utc)))
}

fn is_addressed(envelope: &Envelope<'_>, to: &str) -> bool {
    let lists = [&envelope.to, &envelope.cc, &envelope.bcc];
    let to = to.to_lowercase();
    lists
        .into_iter()
        .flatten()
        .flatten()
        .any(|address| plain(address).to_lowercase() == to)
}

fn plain(address: &Address<'_>) -> String {
    let text = |part: &Option<std::borrow::Cow<'_, [u8]>>| {
        String::from_utf8_lossy(part.as_deref().unwrap_or_default()).into_owned()
    };
    format!("{}@{}", text(&address.mailbox), text(&address.host))
}

trait ImapStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ImapStream for S {}

/// A connection that fails with `FileTooLarge` when more bytes are read than a query may read.
struct Limited {
    stream: Box<dyn ImapStream>,
    left: usize,
}

impl fmt::Debug for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Limited {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let read = buf.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into())),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
