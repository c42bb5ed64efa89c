//! Tests through the binary, against real servers on loopback. One test binary, one module a subject.

mod portal;
mod shipped_suite;
mod support;
