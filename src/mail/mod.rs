//! Mailboxes: the messages that an address received, as one JSON document.
//!
//! A mailbox is the API of a mail catcher, an IMAP folder, or an SMTP server inside this process ([`MailboxKind::Smtp`]).
//! All of them provide messages as they were sent (RFC 5322), and one parser represents them as JSON. Reading a mailbox
//! never changes it: nothing is deleted, moved or marked as read.

mod api;
mod error;
mod imap;
mod links;
mod message;
mod sink;
mod smtp;
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound as _, Utc};
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use api::MailCatcher;
pub use error::MailError;
use imap::Imap;
use sink::SmtpSink;

/// Maximum number of bytes that a query reads, unless the settings say otherwise.
pub const DEFAULT_MAX_BYTES: usize = 10 * 1024 * 1024;

/// What kind of server has the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxKind {
    /// The HTTP API of Mailpit, from `/api/v1`.
    Mailpit,
    /// The HTTP API of `MailHog`, from `/api/v2`.
    Mailhog,
    /// The HTTP API of `MailDev`: `/api/email` (since version 3) or `/email`.
    Maildev,
    /// A folder of an IMAP server, `INBOX` unless the path of the URL names another. `imap://` sends the login unencrypted.
    Imap,
    /// An SMTP server in this process, which keeps messages in memory.
    Smtp,
}

impl MailboxKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Mailpit, Self::Mailhog, Self::Maildev, Self::Imap, Self::Smtp];

    /// The name in `conforme.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailpit => "mailpit",
            Self::Mailhog => "mailhog",
            Self::Maildev => "maildev",
            Self::Imap => "imap",
            Self::Smtp => "smtp",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a mailbox is, and how much may be read. Nothing in it is a template.
#[derive(Clone)]
pub struct MailboxSettings {
    /// What kind of server it is.
    pub kind: MailboxKind,
    /// `http://…` or `https://…`, `imap://host:port/FOLDER` or `imaps://…`, `smtp://127.0.0.1:1025`.
    pub base_url: String,
    /// Fields of every request to an HTTP API. The values are secret.
    pub headers: Vec<(String, String)>,
    /// User name and password: of IMAP, or for basic authentication at an HTTP API.
    pub login: Option<(String, String)>,
    /// Maximum time of a query.
    pub timeout: Duration,
    /// Maximum number of bytes that a query reads, and maximum size of a message that the embedded sink accepts.
    pub max_bytes: usize,
}

impl fmt::Debug for MailboxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxSettings")
            .field("kind", &self.kind)
            .field("base_url", &public_address(&self.base_url))
            .field("timeout", &self.timeout)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// A mailbox that is read by all cases of a run.
pub struct Mailbox {
    address: String,
    timeout: Duration,
    max_bytes: usize,
    source: MailboxSource,
}

enum MailboxSource {
    Api(Box<MailCatcher>),
    Imap(Box<Imap>),
    Sink(SmtpSink),
}

/// Why a query failed, without the address of the mailbox.
enum QueryError {
    /// The limit of bytes is exceeded.
    Size,
    /// The limit of messages is exceeded.
    Count(usize),
    /// The sink rejected a message.
    Rejected(String),
    /// The HTTP API sent this status.
    Status(StatusCode),
    /// Anything else, in words.
    Other(String),
}

/// A message as its server has it.
struct Received {
    /// When it arrived, to the second at least.
    at: DateTime<Utc>,
    raw: Arc<[u8]>,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Mailbox {
    /// Checks the settings; the kind `smtp` also starts listening, as a task of the current runtime that ends with the
    /// mailbox. The other kinds connect when they are queried, with `tls` if their URL asks for it.
    pub async fn open(settings: MailboxSettings, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Self, MailError> {
        let address = public_address(&settings.base_url);
        let invalid = |reason: &str| MailError::Address {
            address: address.clone(),
            kind: settings.kind.name(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(&settings.base_url).map_err(|error| invalid(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it contains credentials, which belong in the login"));
        }
        let source = match settings.kind {
            MailboxKind::Smtp => MailboxSource::Sink(SmtpSink::open(&url, settings.max_bytes, invalid).await?),
            MailboxKind::Imap => {
                let imap = Imap::new(&settings, &url, tls.as_deref()).map_err(|reason| invalid(&reason))?;
                MailboxSource::Imap(Box::new(imap))
            }
            MailboxKind::Mailpit | MailboxKind::Mailhog | MailboxKind::Maildev => {
                let api = MailCatcher::new(&settings, url, tls.as_deref()).map_err(|reason| invalid(&reason))?;
                MailboxSource::Api(Box::new(api))
            }
        };
        let address = match &source {
            MailboxSource::Sink(sink) => format!("smtp://{}", sink.address()),
            MailboxSource::Api(_) | MailboxSource::Imap(_) => address,
        };
        Ok(Self {
            address,
            timeout: settings.timeout,
            max_bytes: settings.max_bytes,
            source,
        })
    }

    /// The base URL without credentials and query. For `smtp` with port 0 it contains the port that was chosen.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The messages to an address (in any case), oldest first, as
    /// `{count, messages: [{from, to, subject, date, text, html, links, headers}]}`.
    ///
    /// `since` leaves out messages that arrived before that second of the server's clock; for `smtp`, the exact time counts. `maildev` has no time of arrival,
    /// so for it the `Date` field of the message counts. Recipients are those of the envelope; `mailpit` compares `To` and
    /// `Cc` too, and `imap` has no envelope and compares `To`, `Cc` and `Bcc`, so it does not find blind copies. `mailhog`
    /// sends its messages as JSON, so bytes that are not UTF-8 are lost. A message that is too large or too complex is an
    /// error: a check that something is missing must not pass because the message was cut.
    pub async fn messages(&self, to: &str, since: Option<DateTime<Utc>>) -> Result<Value, MailError> {
        let query = async {
            let messages = self.received(to, since).await?;
            self.document(to, messages).await
        };
        let timeout = |_| MailError::Timeout {
            address: self.address.clone(),
            limit: self.timeout,
        };
        tokio::time::timeout(self.timeout, query).await.map_err(timeout)?
    }

    async fn received(&self, to: &str, since: Option<DateTime<Utc>>) -> Result<Vec<Received>, MailError> {
        // The sink has the clock of this process; other servers have seconds.
        let second = since.map(|since| since.trunc_subsecs(0));
        let result = match &self.source {
            MailboxSource::Api(api) => api.messages(to, second).await,
            MailboxSource::Imap(imap) => imap.messages(to, second).await,
            MailboxSource::Sink(sink) => sink.messages(to, since).map_err(QueryError::Rejected),
        };
        let mut messages = result.map_err(|error| self.error(to, error))?;
        messages.sort_by_key(|message| message.at);
        let size: usize = messages.iter().map(|message| message.raw.len()).sum();
        if size > self.max_bytes {
            return Err(self.error(to, QueryError::Size));
        }
        Ok(messages)
    }

    fn error(&self, to: &str, error: QueryError) -> MailError {
        let (address, to) = (self.address.clone(), to.to_owned());
        match error {
            QueryError::Size => MailError::Size {
                address,
                to,
                limit: self.max_bytes,
            },
            QueryError::Count(limit) => MailError::Count { address, limit },
            QueryError::Rejected(reason) => MailError::Rejected { address, to, reason },
            QueryError::Status(status) => MailError::Read {
                address,
                reason: format!("status {status}"),
            },
            QueryError::Other(reason) => MailError::Read { address, reason },
        }
    }

    /// Parses on a thread of its own: a large message would delay everything else, and a defect in the parser must not
    /// end the run.
    async fn document(&self, to: &str, messages: Vec<Received>) -> Result<Value, MailError> {
        let parsing = tokio::task::spawn_blocking(move || {
            let mut documents = Vec::new();
            for message in messages {
                let document = message::to_json(&message.raw).map_err(|error| (documents.len() + 1, error.to_string()));
                documents.push(document?);
            }
            Ok(json!({ "count": documents.len(), "messages": documents }))
        });
        let parsed = parsing.await.unwrap_or_else(|error| Err((1, error.to_string())));
        parsed.map_err(|(number, reason)| MailError::Message {
            address: self.address.clone(),
            to: to.to_owned(),
            number,
            reason,
        })
    }
}

/// A URL for messages to people: without user information, query and fragment.
fn public_address(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.rsplit('@').next().unwrap_or_default().to_owned();
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let path = &rest[authority.len()..];
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_belong_together() {
        for kind in MailboxKind::ALL {
            assert_eq!(MailboxKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(MailboxKind::from_name("pop3"), None);
    }

    #[test]
    fn credentials_and_query_are_not_shown() {
        let shown = [
            (
                "https://user:secret@mail.test/api?key=secret#x",
                "https://mail.test/api",
            ),
            ("https://mail.test", "https://mail.test"),
            ("imap://a@b:secret@mail.test:143/INBOX", "imap://mail.test:143/INBOX"),
            ("user:secret@mail.test", "mail.test"),
        ];
        for (url, expected) in shown {
            assert_eq!(public_address(url), expected);
        }
    }
}
