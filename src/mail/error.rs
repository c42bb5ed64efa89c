//! Why a mailbox cannot be read.

use std::time::Duration;

/// Why a mailbox cannot be opened or read. No variant contains a login or a header value.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The base URL is not usable for this kind of mailbox.
    #[error("`{address}` cannot be the base URL of a mailbox of kind `{kind}`: {reason}")]
    Address {
        /// The base URL, without credentials and query.
        address: String,
        /// The kind, as in `conforme.toml`.
        kind: &'static str,
        /// Why.
        reason: String,
    },
    /// The embedded sink cannot listen there.
    #[error("failed to listen at `{address}`: {reason}")]
    Listen {
        /// The base URL.
        address: String,
        /// Why.
        reason: String,
    },
    /// There is no connection, or the response is not what this kind of mailbox sends.
    #[error("failed to read the mailbox at `{address}`: {reason}")]
    Read {
        /// The base URL, without credentials and query.
        address: String,
        /// Why.
        reason: String,
    },
    /// A query took too long.
    #[error("failed to read the mailbox at `{address}`: no complete response within {limit:?}")]
    Timeout {
        /// The base URL, without credentials and query.
        address: String,
        /// The timeout of the mailbox.
        limit: Duration,
    },
    /// The messages are larger than a query may read.
    #[error("the messages to `{to}` in the mailbox at `{address}` exceed the limit of {limit} bytes for a query")]
    Size {
        /// The base URL, without credentials and query.
        address: String,
        /// The address that was searched.
        to: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// There are more messages than a query may read.
    #[error(
        "the mailbox at `{address}` has more than {limit} messages, the limit of a query; remove old ones or set `since`"
    )]
    Count {
        /// The base URL, without credentials and query.
        address: String,
        /// The limit.
        limit: usize,
    },
    /// The embedded sink rejected a message that is or may be to this address.
    #[error("the mailbox at `{address}` rejected a message, so the messages to `{to}` are incomplete: {reason}")]
    Rejected {
        /// The base URL.
        address: String,
        /// The address that was searched.
        to: String,
        /// Which limit the message exceeds.
        reason: String,
    },
    /// A message cannot be parsed, or is too complex.
    #[error("failed to parse message {number} to `{to}` in the mailbox at `{address}`: {reason}")]
    Message {
        /// The base URL, without credentials and query.
        address: String,
        /// The address that was searched.
        to: String,
        /// The number of the message in the order of arrival, from 1.
        number: usize,
        /// Why.
        reason: String,
    },
}
