//! Tests of the reference API over real sockets, byte for byte.

mod beyond_contract;
mod contract;
mod guid;
mod lifecycle;
mod seed;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Clock, Seed, Server};

/// The timestamp of the examples on the contract's page.
const PAGE_TIMESTAMP: &str = "2020-02-07T13:33:16.0582281Z";

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A clock that always reads `at`, in RFC 3339.
fn clock_at(at: &str) -> Clock {
    let at: DateTime<Utc> = at.parse().unwrap();
    Arc::new(move || at)
}

/// A server of the embedded seed whose clock reads as on the contract's page.
fn server() -> Server {
    Server::start(&Seed::embedded(), LOOPBACK, clock_at(PAGE_TIMESTAMP)).unwrap()
}

/// The value of a fixture of the embedded seed.
fn fixture(name: &str) -> String {
    let seed = Seed::embedded();
    let fixtures = seed.fixtures();
    let mut entries = fixtures.variables().iter().chain(fixtures.secrets());
    entries.find(|(known, _)| *known == name).unwrap().1.clone()
}

/// The path of the operation for two segments that are used as they are.
fn path(tenant: &str, user: &str) -> String {
    format!("/api/v1.0/customers/{tenant}/users/{user}/sendActivationEmail")
}

/// The path of the operation for the fixtures of these names.
fn path_of(tenant: &str, user: &str) -> String {
    path(&fixture(tenant), &fixture(user))
}

/// The `Authorization` line with the token of this fixture.
fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {}\r\n", fixture(token))
}
