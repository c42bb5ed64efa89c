//! Sends activation e-mails by SMTP, on a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::{Message, SmtpTransport, Transport as _};
use thiserror::Error;

use super::activation::Activation;

/// Maximum number of e-mails that wait to be sent. Further ones are dropped.
const MAX_WAITING: usize = 1_000;
/// Maximum time for each response of the mail server.
const TIMEOUT: Duration = Duration::from_secs(5);
const SENDER: &str = "no-reply@portal.example.com";
const SUBJECT: &str = "Activate your account";
/// Where the links lead. Nothing is there.
const PORTAL: &str = "https://portal.example.com/activate";

/// Why e-mails cannot be sent to a server.
#[derive(Debug, Error)]
pub enum MailerError {
    /// The URL is not that of a mail server without encryption.
    #[error("`{0}` is not the URL of a mail server: expected smtp://HOST:PORT")]
    Url(String),
    /// The server cannot be reached.
    #[error("the mail server `{0}` does not respond")]
    Unreachable(String),
    /// The thread cannot be started.
    #[error("failed to start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// Sends the e-mails of activations, in order. Dropping it waits until those that wait are sent.
pub(super) struct Mailer {
    queue: Option<SyncSender<Activation>>,
    thread: Option<JoinHandle<()>>,
}

impl Mailer {
    /// Sends to the server of a URL such as `smtp://127.0.0.1:1025`, without encryption. With `is_tested`, a server that does
    /// not respond is an error.
    pub(super) fn start(url: &str, is_tested: bool) -> Result<Self, MailerError> {
        let (host, port) = server_of(url).ok_or_else(|| MailerError::Url(url.to_owned()))?;
        let transport = SmtpTransport::builder_dangerous(host).port(port);
        let transport = transport.timeout(Some(TIMEOUT)).build();
        if is_tested && !transport.test_connection().unwrap_or(false) {
            return Err(MailerError::Unreachable(url.to_owned()));
        }
        let (queue, waiting) = sync_channel(MAX_WAITING);
        let thread = thread::Builder::new()
            .name("reference-mail".to_owned())
            .spawn(move || send_all(&transport, &waiting))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    pub(super) fn send(&self, activation: Activation) {
        if let Some(queue) = &self.queue {
            // The queue is full if the server accepts nothing.
            let _ = queue.try_send(activation);
        }
    }
}

/// Host and port of `smtp://HOST:PORT`.
fn server_of(url: &str) -> Option<(String, u16)> {
    let url = url::Url::parse(url).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if url.scheme() != "smtp" || !matches!(url.path(), "" | "/") || !is_plain {
        return None;
    }
    let host = url.host_str()?.trim_matches(['[', ']']);
    Some((host.to_owned(), url.port()?))
}

impl Drop for Mailer {
    fn drop(&mut self) {
        self.queue = None;
        // A thread that panicked has no e-mail left to send.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn send_all(transport: &SmtpTransport, waiting: &Receiver<Activation>) {
    let mut is_down = false;
    for activation in waiting {
        // A server that is down is not waited for again for each e-mail when this ends.
        if is_down && transport.test_connection().is_err() {
            continue;
        }
        let Some(message) = message(&activation) else { continue };
        is_down = transport.send(&message).is_err();
    }
}

/// The e-mail of an activation; none if the address is not one.
fn message(activation: &Activation) -> Option<Message> {
    let to: Mailbox = activation.email.parse().ok()?;
    let link = format!(
        "{PORTAL}?user={}&code={}",
        activation.user,
        uuid::Uuid::new_v4().simple()
    );
    let text = format!("Hello,\n\nactivate your account with this link:\n\n{link}\n");
    let html = format!(
        "<p>Hello,</p><p><a href=\"{}\">Activate your account</a></p>",
        link.replace('&', "&amp;")
    );
    let message = Message::builder()
        .from(SENDER.parse().ok()?)
        .to(to)
        .subject(SUBJECT)
        .multipart(MultiPart::alternative_plain_html(text, html));
    message.ok()
}
