//! Firing a plan: time, concurrency and sockets. What must come back is none of its business.
//!
//! [`Client`] turns one request into one [`Reply`](crate::model::Reply), whatever the server does; [`run`] keeps
//! the jobs busy, has each reply judged, and tells what happened as events.

mod abreast;
mod body;
mod client;
mod connect;
mod engine;
mod failure;
mod interrupt;
mod pace;
mod pool;
mod proxy;
mod queue;
mod ready;
mod retry;
mod syntax;
mod tape;
mod tls;
mod tls_errors;
mod verdict;
mod worker;

pub use abreast::{Abreast, Lane};
pub use client::Client;
pub use engine::{RunOptions, SnapshotMode, run};
pub use interrupt::Interrupts;
pub use proxy::access;
pub use ready::Ready;
pub use tls::TlsError;
