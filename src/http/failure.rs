//! Maps errors to kinds of failure, with every cause in the message.

use std::{error::Error, time::Duration};

use super::{connect::EndCause, syntax, tls_errors, wire_capture::WireCapture};
use crate::model::{Content, Failure, FailureKind, Malformed, Outcome};

/// Maximum excerpt of an unreadable response, in bytes: secrets are masked in it before it is shortened.
const EXCERPT: usize = 16 << 10;

/// A failure; the caller fills in the time.
pub(super) fn failure(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
        elapsed_us: 0,
    }
}

/// An error and its causes in one line; a cause that is already in the text is left out.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let words = |error: &(dyn Error + 'static)| tls_errors::of(error).unwrap_or_else(|| error.to_string());
    let mut text = words(error);
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = words(cause);
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Classifies a response with an unreadable header section by its bytes.
///
/// Bytes that begin as HTTP are a malformed response. So are any bytes on a connection that has carried a
/// response before: the server uses HTTP.
pub(super) fn unreadable(
    error: &hyper::Error,
    cause: Option<&EndCause>,
    capture: Option<&WireCapture>,
    is_fresh: bool,
) -> Outcome {
    let reason = cause.map_or_else(|| chain(error), |cause| cause.message.clone());
    let bytes = capture.map(WireCapture::bytes).unwrap_or_default();
    if error.is_parse_too_large() || capture.is_some_and(WireCapture::is_past_head) {
        return Outcome::Failure(failure(
            FailureKind::TooLarge,
            "the response header section exceeds its limit (100 header fields, 256 KiB)",
        ));
    }
    if bytes.is_empty() {
        let is_refusal = cause.map_or_else(|| tls_errors::is_refusal(error), |cause| cause.is_refusal);
        let kind = if is_refusal {
            FailureKind::Refused
        } else {
            FailureKind::Closed
        };
        return Outcome::Failure(failure(
            kind,
            format!("the connection ended before a response: {reason}"),
        ));
    }
    let is_http = begins_as_http(&bytes);
    if is_http || !is_fresh {
        let reason = if is_http {
            // The library tolerates some faults, so the first fault can precede the one that it reports.
            let fault = syntax::unreadable(&bytes, &reason);
            fault.map_or(reason, |fault| fault.kind.message().to_owned())
        } else {
            format!("{reason} (these bytes may belong to the previous response on the same connection)")
        };
        // Marked as cut: it may end in a part of a secret.
        let mut kept = Content::from(bytes);
        kept.keep(EXCERPT);
        return Outcome::Malformed(Malformed {
            reason,
            bytes: kept,
            elapsed_us: 0,
        });
    }
    // A TLS record: an alert of a server that expects TLS (RFC 8446 §5.1).
    if bytes.starts_with(&[0x15, 0x03]) {
        return Outcome::Failure(failure(
            FailureKind::NotHttp,
            "the response is TLS, not plain HTTP; use `https://` in the base URL",
        ));
    }
    Outcome::Failure(failure(
        FailureKind::NotHttp,
        format!("the response is not HTTP: {:?}", String::from_utf8_lossy(&bytes)),
    ))
}

/// Bytes on a reused connection that cannot be attributed to a request.
pub(super) fn unattributed(outcome: &Outcome, was_sent_again: bool) -> Outcome {
    let rest = if was_sent_again {
        "sent again on a new connection, the request got one complete response"
    } else {
        "the request is not sent again because its method is not safe"
    };
    let message = format!(
        "more was received than one response, on a connection that earlier requests had used: the bytes may belong to \
         this request or to an earlier one ({rest})"
    );
    let mut failure = failure(FailureKind::Unattributed, message);
    failure.elapsed_us = outcome.elapsed_us();
    Outcome::Failure(failure)
}

/// Whether bytes begin like an HTTP response, in any letter case.
fn begins_as_http(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let (name, after) = start.split_at(start.len().min(4));
    name.eq_ignore_ascii_case(b"http") && matches!(after.first(), Some(b'/' | b' '))
}

/// No complete header section within the time limit.
pub(super) fn timed_out(limit: Duration, received: usize) -> Failure {
    let limit = crate::check::show_duration(limit);
    let message = match received {
        0 => format!("no response within {limit}"),
        some => format!("no complete response header section within {limit} ({some} bytes received)"),
    };
    failure(FailureKind::Timeout, message)
}

/// The content was incomplete at the time limit.
pub(super) fn unfinished(limit: Duration, received: usize) -> Failure {
    let limit = crate::check::show_duration(limit);
    failure(
        FailureKind::Timeout,
        format!("no complete response within {limit} ({received} bytes of content received)"),
    )
}
