//! Tests through the binary, against real servers on loopback. One test binary, one module a subject.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod output;
mod portal;
mod shipped_suite;
mod snapshots;
mod support;
