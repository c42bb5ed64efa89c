//! A response as bytes: head lines, payload, the pace of the writes, and what happens to the connection.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use super::response::{Body, Framing, Response, compact, json_string};
use super::row::Row;

/// Between two writes that a client must be able to distinguish.
const BETWEEN_WRITES: Duration = Duration::from_millis(10);

/// A response ready to be written. A behavior may still change every byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    /// The situation it responds to.
    pub row: Row,
    /// How long to wait before the first byte.
    pub delay: Duration,
    /// The status line and the header lines, each without its line end.
    pub lines: Vec<Vec<u8>>,
    /// Every byte behind the empty line.
    pub payload: Vec<u8>,
    /// How the bytes are spread over writes.
    pub pace: Pace,
    /// How many of the bytes are left out at the end.
    pub cut: usize,
    /// What happens to the connection behind the response.
    pub then: Then,
}

/// How bytes are spread over writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One write.
    Whole,
    /// The header section, and 10 ms later the payload.
    HeadThenPayload,
    /// Every byte by itself.
    ByteByByte,
}

/// What happens to the connection behind a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The next request is read.
    KeepAlive,
    /// It is closed.
    Close,
    /// It stays open, and nothing more is said.
    Hold,
}

impl Wire {
    /// The bytes of `response`; `keep_alive` is what the client asked for.
    #[must_use]
    pub(crate) fn of(response: &Response, keep_alive: bool) -> Self {
        let body = match &response.body {
            Body::Empty => Vec::new(),
            Body::Fields(fields) => compact(fields, json_string).into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        let close = response.close || !keep_alive || response.framing == Framing::UntilClose;
        let mut wire = Self {
            row: response.row,
            delay: Duration::ZERO,
            lines: vec![format!("HTTP/1.1 {} {}", response.status, response.reason).into_bytes()],
            payload: Vec::new(),
            pace: Pace::Whole,
            cut: 0,
            then: if close { Then::Close } else { Then::KeepAlive },
        };
        for (name, value) in &response.headers {
            wire.line(format!("{name}: {value}"));
        }
        match response.framing {
            // RFC 9110, section 8.6: no Content-Length on a 204.
            Framing::Length if response.status == 204 && response.body == Body::Empty => {}
            Framing::Length => wire.line(format!("Content-Length: {}", body.len())),
            Framing::Chunked | Framing::ChunksOf(_) => wire.line("Transfer-Encoding: chunked"),
            Framing::UntilClose => {}
        }
        if close {
            wire.line("Connection: close");
        }
        wire.payload = match response.framing {
            Framing::Length | Framing::UntilClose => body,
            Framing::Chunked => chunked(&body, body.len()),
            Framing::ChunksOf(size) => chunked(&body, size),
        };
        wire
    }

    /// Adds a header line at the end of the header section.
    pub(crate) fn line(&mut self, line: impl Into<Vec<u8>>) {
        self.lines.push(line.into());
    }

    /// Replaces the status line.
    pub(crate) fn status_line(&mut self, line: impl Into<Vec<u8>>) {
        if let Some(first) = self.lines.first_mut() {
            *first = line.into();
        }
    }

    /// Replaces the whole line of the header `name`; no effect if there is none.
    pub(crate) fn replace(&mut self, name: &str, line: impl Into<Vec<u8>>) {
        if let Some(location) = self.location(name) {
            self.lines[location] = line.into();
        }
    }

    /// The position of the line of the header `name`.
    fn location(&self, name: &str) -> Option<usize> {
        let start = format!("{name}:").into_bytes();
        self.lines.iter().position(|line| {
            line.get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(&start))
        })
    }

    /// The bytes up to and with the empty line.
    #[must_use]
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head: Vec<u8> = self
            .lines
            .iter()
            .flat_map(|line| [line.as_slice(), b"\r\n"].concat())
            .collect();
        head.extend_from_slice(b"\r\n");
        head
    }

    /// Writes the response at its pace.
    ///
    /// # Errors
    /// When the connection does not take the bytes.
    pub(crate) fn write_to(&self, stream: &mut impl Write) -> io::Result<()> {
        sleep(self.delay);
        let head = self.head();
        let all = [head.as_slice(), &self.payload].concat();
        let kept = &all[..all.len().saturating_sub(self.cut)];
        match self.pace {
            Pace::Whole => stream.write_all(kept)?,
            Pace::HeadThenPayload => {
                let (first, second) = kept.split_at(head.len().min(kept.len()));
                stream.write_all(first)?;
                stream.flush()?;
                sleep(BETWEEN_WRITES);
                stream.write_all(second)?;
            }
            Pace::ByteByByte => {
                for byte in kept.chunks(1) {
                    stream.write_all(byte)?;
                }
            }
        }
        stream.flush()
    }
}

/// `body` in chunks of `size` bytes and the last chunk (RFC 9112, section 7.1).
#[must_use]
pub(crate) fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in body.chunks(size.max(1)) {
        coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}
