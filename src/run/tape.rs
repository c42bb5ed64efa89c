//! What came over a connection, as it came: the only witness of bytes that an HTTP library hides.
//!
//! A library drops what follows the end of a message, and reports an unreadable head without its bytes. Both are
//! breaches of a contract, so every connection is read through a [`Taped`] stream.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are kept of one answer.
const KEPT: usize = 32 * 1024;

/// The bytes of the answer that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape(Arc<Mutex<Reel>>);

#[derive(Debug, Default)]
struct Reel {
    kept: Vec<u8>,
    total: usize,
}

impl Tape {
    fn reel(&self) -> MutexGuard<'_, Reel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the last answer.
    pub(super) fn rewind(&self) {
        let mut reel = self.reel();
        reel.kept.clear();
        reel.total = 0;
    }

    /// The first bytes of the answer.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.reel().kept.clone()
    }

    /// How many bytes came since the tape was rewound.
    pub(super) fn total(&self) -> usize {
        self.reel().total
    }

    /// The bytes after the end of the answer whose content is `length` long, or chunked.
    pub(super) fn excess(&self, length: Framed) -> Vec<u8> {
        let reel = self.reel();
        let Some(head) = head_length(&reel.kept) else {
            return Vec::new();
        };
        let end = match length {
            Framed::Length(length) => Some(head + length),
            Framed::Chunked => chunked_length(&reel.kept[head..]).map(|length| head + length),
        };
        match end {
            Some(end) if reel.total > end => reel.kept.get(end..).unwrap_or_default().to_vec(),
            _ => Vec::new(),
        }
    }
}

/// How an answer said where its content ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framed {
    /// After so many bytes.
    Length(usize),
    /// After the last chunk.
    Chunked,
}

/// Length of the head, interim answers (1xx) before it included.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = &bytes[start..];
        let mut at = 0;
        // A line may end in a bare line feed (RFC 9112 §2.2).
        let end = loop {
            let line = rest[at..].iter().position(|b| *b == b'\n')? + at;
            at = line + 1;
            match rest[at..] {
                [b'\n', ..] => break at + 1,
                [b'\r', b'\n', ..] => break at + 2,
                _ => {}
            }
        };
        start += end;
        let interim = rest
            .iter()
            .position(|b| *b == b' ')
            .is_some_and(|space| rest.get(space + 1) == Some(&b'1'));
        if !interim {
            return Some(start);
        }
    }
}

/// Length of chunked content with its last chunk and trailer, if all of it is there (RFC 9112 §7.1).
fn chunked_length(bytes: &[u8]) -> Option<usize> {
    let line_end = |from: usize| {
        bytes
            .get(from..)?
            .iter()
            .position(|b| *b == b'\n')
            .map(|at| from + at + 1)
    };
    let mut at = 0;
    loop {
        let end = line_end(at)?;
        let line = std::str::from_utf8(&bytes[at..end]).ok()?;
        let digits = line.split([';', '\r', '\n', ' ', '\t']).next()?;
        let size = usize::from_str_radix(digits, 16).ok()?;
        at = end;
        if size == 0 {
            loop {
                let end = line_end(at)?;
                let blank = bytes[at..end].iter().all(|b| matches!(b, b'\r' | b'\n'));
                at = end;
                if blank {
                    return Some(at);
                }
            }
        }
        at = line_end(at.checked_add(size)?)?;
    }
}

/// A stream whose incoming bytes go onto a tape.
pub(super) struct Taped<S> {
    stream: S,
    tape: Tape,
}

impl<S> Taped<S> {
    pub(super) fn new(stream: S) -> (Self, Tape) {
        let tape = Tape::default();
        let taped = Self {
            stream,
            tape: tape.clone(),
        };
        (taped, tape)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taped<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            let mut reel = self.tape.reel();
            reel.total += new.len();
            let room = KEPT.saturating_sub(reel.kept.len()).min(new.len());
            reel.kept.extend_from_slice(&new[..room]);
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::{chunked_length, head_length};

    #[test]
    fn the_head_ends_at_the_blank_line_of_the_final_answer() {
        assert_eq!(head_length(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\nxx"), Some(33));
        assert_eq!(head_length(b"HTTP/1.1 204 No Content\nA: b\n\nxx"), Some(30));
        let interim = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 X\r\n\r\n";
        assert_eq!(head_length(interim), Some(interim.len()));
        assert_eq!(head_length(b"HTTP/1.1 103 Early Hints\r\n\r\n"), None);
        assert_eq!(head_length(b"HTTP/1.1 204 X\r\n"), None);
    }

    #[test]
    fn chunks_are_walked_to_their_end() {
        assert_eq!(chunked_length(b"3\r\nabc\r\n0\r\n\r\nrest"), Some(13));
        assert_eq!(chunked_length(b"3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n"), Some(23));
        assert_eq!(chunked_length(b"3\r\nabc\r\n"), None);
        assert_eq!(chunked_length(b"zz\r\n"), None);
    }
}
