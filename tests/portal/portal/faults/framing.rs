//! Bytes that are not an HTTP message: wrong lengths, broken chunks, broken lines, bytes after the end.

use super::{Fault, bend, edit};
use crate::portal::behavior::Behavior;
use crate::portal::response::Framing;
use crate::portal::row::{CONTRACT, Row, UNAUTHORIZED, WITH_BODY};
use crate::portal::wire::{Pace, Then, Wire};

const VALID: &[Row] = &[Row::Valid];
const LATE: &[u8] = br#"{"status":"ok"}"#;

pub(super) fn all() -> Vec<Fault> {
    [
        bytes_behind_the_end(),
        lengths(),
        chunks(),
        status_lines(),
        header_lines(),
        broken_off(),
    ]
    .concat()
}

fn bytes_behind_the_end() -> Vec<Fault> {
    vec![
        (
            "bytes-behind-204-in-the-same-write",
            bend(VALID, |w| w.payload = LATE.to_vec()),
        ),
        (
            "bytes-behind-204-in-a-second-write",
            bend(VALID, |w| {
                w.payload = LATE.to_vec();
                w.pace = Pace::HeadThenPayload;
            }),
        ),
        ("empty-line-behind-204", bend(VALID, |w| w.payload = b"\r\n".to_vec())),
        (
            "second-response-behind-204",
            bend(VALID, |w| {
                w.payload = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
            }),
        ),
        (
            "bytes-behind-401",
            bend(UNAUTHORIZED, |w| w.payload = b"Unauthorized".to_vec()),
        ),
        (
            "bytes-behind-the-error-body",
            bend(WITH_BODY, |w| w.payload.extend_from_slice(b"\r\n")),
        ),
    ]
}

/// Announces another length for the error bodies.
fn announced(length: fn(usize) -> String) -> Behavior {
    announced_on(WITH_BODY, length)
}

fn announced_on(rows: &'static [Row], length: fn(usize) -> String) -> Behavior {
    bend(rows, move |w| {
        w.replace("Content-Length", format!("Content-Length: {}", length(w.payload.len())));
    })
}

fn lengths() -> Vec<Fault> {
    vec![
        ("content-length-too-small", announced(|n| (n - 10).to_string())),
        ("content-length-too-small-by-one", announced(|n| (n - 1).to_string())),
        ("content-length-zero-for-a-body", announced(|_| "0".to_owned())),
        (
            "content-length-too-large-then-close",
            announced(|n| (n + 20).to_string()).bend(WITH_BODY, |w| w.then = Then::Close),
        ),
        (
            "content-length-too-large-and-open",
            announced_on(&[Row::UnknownTenant], |n| (n + 20).to_string())
                .bend(&[Row::UnknownTenant], |w| w.then = Then::Hold),
        ),
        ("content-length-negative", announced(|_| "-1".to_owned())),
        ("content-length-not-a-number", announced(|_| "unknown".to_owned())),
        ("content-length-with-a-plus-sign", announced(|n| format!("+{n}"))),
        ("content-length-in-hex", announced(|n| format!("0x{n:x}"))),
        ("content-length-empty", announced(|_| String::new())),
        (
            "content-length-beyond-64-bits",
            announced(|_| "99999999999999999999999".to_owned()),
        ),
        (
            "content-length-as-a-list-of-two",
            announced(|n| format!("{n}, {}", n + 1)),
        ),
        (
            "content-length-twice-and-different",
            bend(WITH_BODY, |w| {
                w.line(format!("Content-Length: {}", w.payload.len() - 5));
            }),
        ),
        (
            "content-length-and-chunked",
            edit(WITH_BODY, |a| a.framing = Framing::Chunked).bend(WITH_BODY, |w| {
                w.line(format!("Content-Length: {}", w.payload.len()));
            }),
        ),
        (
            "content-length-of-characters",
            bend(&[Row::MalformedTenant], |w| {
                let characters = String::from_utf8_lossy(&w.payload).chars().count();
                w.replace("Content-Length", format!("Content-Length: {characters}"));
            }),
        ),
        (
            "content-length-on-401-and-no-body",
            bend(UNAUTHORIZED, |w| {
                w.replace("Content-Length", "Content-Length: 12");
                w.then = Then::Close;
            }),
        ),
    ]
}

/// Sends the error bodies chunked, with the coding broken by `step`.
fn broken_chunks(step: impl Fn(&mut Wire) + Send + Sync + 'static) -> Behavior {
    edit(WITH_BODY, |a| a.framing = Framing::Chunked).bend(WITH_BODY, step)
}

/// Puts `size` in the location of the first chunk's size.
fn resize(wire: &mut Wire, size: impl Fn(usize) -> String) {
    let end = wire
        .payload
        .windows(2)
        .position(|two| two == b"\r\n")
        .unwrap_or_default();
    let body = wire.payload.len() - end - 9;
    wire.payload = [size(body).as_bytes(), &wire.payload[end..]].concat();
}

fn chunks() -> Vec<Fault> {
    vec![
        ("chunk-size-not-hex", broken_chunks(|w| resize(w, |_| "zz".to_owned()))),
        ("chunk-size-empty", broken_chunks(|w| resize(w, |_| String::new()))),
        (
            "chunk-size-negative",
            broken_chunks(|w| resize(w, |n| format!("-{n:x}"))),
        ),
        (
            "chunk-size-with-prefix",
            broken_chunks(|w| resize(w, |n| format!("0x{n:x}"))),
        ),
        (
            "chunk-size-too-small",
            broken_chunks(|w| resize(w, |n| format!("{:x}", n - 3))),
        ),
        (
            "chunk-size-too-large",
            broken_chunks(|w| resize(w, |n| format!("{:x}", n + 3))),
        ),
        (
            "chunks-without-a-last-chunk",
            broken_chunks(|w| {
                w.cut = 5;
                w.then = Then::Close;
            }),
        ),
        (
            "chunks-without-the-last-line-end",
            broken_chunks(|w| {
                w.cut = 2;
                w.then = Then::Close;
            }),
        ),
        (
            "chunks-end-within-a-chunk",
            broken_chunks(|w| {
                w.cut = 40;
                w.then = Then::Close;
            }),
        ),
        (
            "chunked-announced-and-not-done",
            bend(WITH_BODY, |w| {
                w.replace("Content-Length", "Transfer-Encoding: chunked");
                w.then = Then::Close;
            }),
        ),
        (
            "transfer-coding-unknown",
            broken_chunks(|w| {
                w.replace("Transfer-Encoding", "Transfer-Encoding: x-portal, chunked");
            }),
        ),
        (
            "chunks-announced-as-a-content-encoding",
            broken_chunks(|w| {
                w.replace("Transfer-Encoding", "Content-Encoding: chunked");
                w.then = Then::Close;
            }),
        ),
    ]
}

/// Responds to every request with this status line; `CODE` is replaced by the right code.
fn status_line(line: &'static str) -> Behavior {
    bend(CONTRACT, move |w| {
        let old = w
            .lines
            .first()
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .unwrap_or_default();
        let code = old.split(' ').nth(1).unwrap_or_default();
        w.status_line(line.replace("CODE", code));
    })
}

fn status_lines() -> Vec<Fault> {
    vec![
        ("status-line-with-a-word-for-the-code", status_line("HTTP/1.1 OK CODE")),
        ("status-line-with-two-digits", status_line("HTTP/1.1 20 CODE")),
        ("status-line-with-four-digits", status_line("HTTP/1.1 CODE0 Response")),
        (
            "status-line-with-a-negative-code",
            status_line("HTTP/1.1 -CODE Response"),
        ),
        ("status-line-with-a-sub-status", status_line("HTTP/1.1 CODE.1 Response")),
        ("status-line-without-code", status_line("HTTP/1.1")),
        ("status-line-with-code-999", status_line("HTTP/1.1 999 CODE")),
        ("status-line-with-code-099", status_line("HTTP/1.1 099 CODE")),
        (
            "only-100-continue-then-close",
            bend(VALID, |w| {
                w.lines = vec![b"HTTP/1.1 100 Continue".to_vec()];
                w.then = Then::Close;
            }),
        ),
        (
            "switching-protocols-unasked",
            bend(VALID, |w| {
                w.lines = vec![
                    b"HTTP/1.1 101 Switching Protocols".to_vec(),
                    b"Upgrade: h2c".to_vec(),
                    b"Connection: Upgrade".to_vec(),
                ];
                w.then = Then::Close;
            }),
        ),
    ]
}

/// Adds this line to the header section of every response.
fn line(line: &'static [u8]) -> Behavior {
    bend(CONTRACT, move |w| w.line(line))
}

fn header_lines() -> Vec<Fault> {
    vec![
        ("header-line-without-a-colon", line(b"X-Portal-Region na")),
        ("header-line-of-garbage", line(b"\x01\x02\xff\xfe")),
        (
            "header-line-with-a-space-before-the-colon",
            line(b"X-Portal-Region : na"),
        ),
        ("header-line-with-a-space-in-the-name", line(b"X Portal Region: na")),
        ("header-line-without-a-name", line(b": na")),
        ("header-line-with-a-non-ascii-name", line("X-Região: na".as_bytes())),
        ("header-line-with-nul-in-the-value", line(b"X-Portal-Region: n\0a")),
        ("header-line-with-a-control-character", line(b"X-Portal-Region: n\x07a")),
        (
            "header-line-with-a-bare-carriage-return",
            line(b"X-Portal-Region: n\ra"),
        ),
        ("header-line-folded", line(b"X-Portal-Region: na,\r\n eu")),
        (
            "header-line-folded-at-the-start",
            bend(CONTRACT, |w| {
                w.lines.insert(1, b" X-Portal-Region: na".to_vec());
            }),
        ),
        (
            "header-line-of-a-debugger",
            line(b"Warning: Cannot modify header information\r\nin /srv/portal/index.php"),
        ),
        (
            "space-before-the-colon-of-content-type",
            bend(WITH_BODY, |w| {
                w.replace("Content-Type", "Content-Type : application/json; charset=utf-8");
            }),
        ),
        (
            "space-before-the-colon-of-date",
            bend(CONTRACT, |w| {
                // `Date` is the first header of every response.
                let old = w
                    .lines
                    .get(1)
                    .map(|line| String::from_utf8_lossy(line).replacen(':', " :", 1))
                    .unwrap_or_default();
                w.replace("Date", old);
            }),
        ),
    ]
}

fn broken_off() -> Vec<Fault> {
    vec![
        (
            "closes-without-an-response-where-valid",
            bend(VALID, |w| {
                w.cut = usize::MAX;
                w.then = Then::Close;
            }),
        ),
        (
            "closes-without-an-response-where-malformed",
            bend(&[Row::MalformedTenant], |w| {
                w.cut = usize::MAX;
                w.then = Then::Close;
            }),
        ),
        (
            "closes-within-the-head",
            bend(CONTRACT, |w| {
                w.cut = w.payload.len() + 10;
                w.then = Then::Close;
            }),
        ),
        (
            "closes-before-the-empty-line",
            bend(VALID, |w| {
                w.cut = 2;
                w.then = Then::Close;
            }),
        ),
        (
            "closes-between-head-and-body",
            bend(WITH_BODY, |w| {
                w.cut = w.payload.len();
                w.then = Then::Close;
            }),
        ),
        (
            "closes-within-the-body",
            bend(WITH_BODY, |w| {
                w.cut = 30;
                w.then = Then::Close;
            }),
        ),
    ]
}
