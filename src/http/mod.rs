//! Sending a request and receiving its response, with the bytes as they were received.
//!
//! [`Client`] turns one request into one [`Outcome`](crate::model::Outcome), for anything the server sends.

mod body;
mod client;
mod connect;
mod failure;
mod pool;
mod proxy;
mod sigv4;
mod syntax;
mod tls;
mod tls_errors;
mod wire_capture;

pub use client::Client;
pub(crate) use client::{HeaderFields, Listening, WatchedResponse};
pub use proxy::access;
pub use tls::{TlsError, tls_config};
