//! Checks of the response as a whole whose expectation contains no variables.

use std::time::Duration;

use super::{Finding, ResponseView, show_duration, sink::FindingSink};
use crate::model::{CheckId, Location};

/// An expectation of the response as a whole.
#[derive(Clone, Debug)]
pub enum ResponseTest {
    /// `duration`: the maximum time from the start of the request to the end of the response.
    Duration(Duration),
    /// `protocol`: the version of HTTP.
    Protocol(Protocol),
    /// `tls: refused`: the server rejects the client certificate by a TLS alert.
    Refused,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl Protocol {
    /// The names as they are written in cases.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("http/1.0", Self::Http10),
        ("http/1.1", Self::Http11),
        ("http/2", Self::Http2),
    ];

    /// The version as a response states it.
    fn version(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

pub(super) fn check(test: &ResponseTest, location: &Location, view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    match test {
        ResponseTest::Duration(limit) if view.elapsed() > *limit => sink.fail(CheckId::Duration.info().layer, || {
            Finding::new(CheckId::Duration, "the response took too long")
                .expected(format!("at most {}", show_duration(*limit)))
                .actual(show_duration(view.elapsed()))
                .location(location)
        }),
        ResponseTest::Protocol(expected) if view.version != expected.version() => {
            sink.fail(CheckId::Protocol.info().layer, || {
                Finding::new(CheckId::Protocol, "unexpected version of HTTP")
                    .expected(expected.version())
                    .actual(view.version.clone())
                    .location(location)
            });
        }
        ResponseTest::Refused if !view.is_refusal() => sink.fail(CheckId::Tls.info().layer, || {
            Finding::new(CheckId::Tls, "the server accepts the connection")
                .expected("a TLS alert that rejects the client certificate")
                .actual(format!("a response with the status {}", view.status))
                .location(location)
        }),
        ResponseTest::Duration(_) | ResponseTest::Protocol(_) | ResponseTest::Refused => {}
    }
}
