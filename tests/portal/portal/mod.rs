//! A customer portal to test against: a real HTTP/1.1 server on 127.0.0.1 with the one operation
//! `POST {base}/v1.0/customers/{tenant}/users/{user}/sendActivationEmail`.
//!
//! `Behavior::default()` keeps the contract. [`faults`] break it, each in one named way; [`variations`] differ where
//! the contract or HTTP leaves the choice. Every byte is written here, so a fault may be one that no HTTP library
//! would let through.

pub(crate) mod behavior;
pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod engine;
pub(crate) mod faults;
pub(crate) mod fixtures;
pub(crate) mod guid;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod row;
pub(crate) mod server;
pub(crate) mod variations;
pub(crate) mod wire;

use std::sync::Arc;

pub(crate) use behavior::Behavior;
pub(crate) use fixtures::{secrets, variables};

use engine::Engine;
use server::Server;

/// A running portal. Dropping it ends its threads and closes its connections.
pub(crate) struct Portal {
    engine: Arc<Engine>,
    server: Server,
}

impl Portal {
    /// Starts a portal on a free port.
    ///
    /// # Panics
    /// When the machine gives no port or no thread.
    #[must_use]
    pub(crate) fn start(behavior: Behavior) -> Self {
        let engine = Arc::new(Engine::new(behavior));
        let server = Server::start(Arc::clone(&engine)).expect("a port on 127.0.0.1 and a thread");
        Self { engine, server }
    }

    /// The base address, `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/api", self.server.address())
    }

    /// How many activation mails were sent.
    #[must_use]
    pub(crate) fn activations(&self) -> usize {
        self.engine.mails()
    }

    /// Number of requests with a response.
    #[must_use]
    pub(crate) fn requests(&self) -> usize {
        self.engine.requests()
    }
}
