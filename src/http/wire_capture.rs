//! Records the bytes received on a connection, including those that an HTTP library hides.
//!
//! A library drops the bytes after the end of a message and reports an unreadable header section without its bytes.
//! Both are contract violations, so every connection is read through a [`CapturedStream`].

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::syntax;
use crate::model::{SyntaxFault, SyntaxKind};

/// Maximum size in bytes of a response header section, including preceding interim (1xx) responses.
pub(super) const MAX_HEAD: usize = 256 * 1024;
/// Maximum number of bytes kept from the start of a response: any header section within its limit.
const KEPT: usize = MAX_HEAD + 1024;
/// Maximum number of bytes kept from its end.
const TAIL: usize = 4 * 1024;

/// Maximum number of bytes kept of a response that is excess of another.
const EXCERPT: usize = 16 * 1024;

/// The bytes of the response that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct WireCapture(Arc<Mutex<Buffer>>);

#[derive(Debug, Default)]
struct Buffer {
    /// Number of the current response.
    generation: u64,
    kept: Vec<u8>,
    total: usize,
    /// Set once more bytes are received than kept.
    overflow: Option<Overflow>,
}

/// State of a response that is longer than [`KEPT`].
#[derive(Debug)]
struct Overflow {
    /// Length of the header section, if it ended within its limit.
    head: Option<usize>,
    /// The content parsed as chunks, even if it is not chunked.
    chunks: Chunks,
    tail: Vec<u8>,
}

impl Buffer {
    fn record(&mut self, new: &[u8]) {
        self.total += new.len();
        let (kept, rest) = new.split_at(KEPT.saturating_sub(self.kept.len()).min(new.len()));
        self.kept.extend_from_slice(kept);
        if rest.is_empty() {
            return;
        }
        let start = &self.kept;
        let overflow = self.overflow.get_or_insert_with(|| {
            let head = head_length(start);
            let mut chunks = Chunks::default();
            chunks.feed(head.and_then(|head| start.get(head..)).unwrap_or_default());
            Overflow {
                head,
                chunks,
                tail: Vec::new(),
            }
        });
        overflow.chunks.feed(rest);
        overflow
            .tail
            .extend_from_slice(&rest[rest.len().saturating_sub(TAIL)..]);
        let superfluous = overflow.tail.len().saturating_sub(TAIL);
        overflow.tail.drain(..superfluous);
    }

    fn excess(&self, framed: Framed) -> Option<&[u8]> {
        let head = match &self.overflow {
            Some(overflow) => overflow.head?,
            None => head_length(&self.kept)?,
        };
        let end = match (framed, &self.overflow) {
            (Framed::Length(length), _) => head + length,
            (Framed::Chunked, Some(overflow)) => head + overflow.chunks.end?,
            (Framed::Chunked, None) => head + chunked_length(&self.kept[head..])?,
        };
        let excess = self.total.checked_sub(end)?;
        match (&self.overflow, self.kept.get(end..)) {
            (_, Some(bytes)) if !bytes.is_empty() => Some(bytes),
            (Some(overflow), _) => overflow.tail.get(overflow.tail.len().saturating_sub(excess)..),
            _ => None,
        }
    }
}

impl WireCapture {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Discards the last response.
    pub(super) fn rewind(&self) {
        let mut buffer = self.buffer();
        buffer.generation += 1;
        buffer.kept.clear();
        buffer.total = 0;
        buffer.overflow = None;
    }

    /// Number of the current or last response.
    pub(super) fn generation(&self) -> u64 {
        self.buffer().generation
    }

    /// The first bytes of the response.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.buffer().kept.clone()
    }

    /// The first bytes of the response without its last `excess` bytes.
    pub(super) fn before(&self, excess: usize) -> Vec<u8> {
        let buffer = self.buffer();
        let end = buffer.total.saturating_sub(excess).min(EXCERPT);
        buffer.kept.get(..end).unwrap_or(&buffer.kept).to_vec()
    }

    /// Number of bytes received since the last rewind.
    pub(super) fn total(&self) -> usize {
        self.buffer().total
    }

    /// Whether the header section, including interim responses, exceeds [`MAX_HEAD`].
    pub(super) fn is_past_head(&self) -> bool {
        self.buffer()
            .overflow
            .as_ref()
            .is_some_and(|overflow| overflow.head.is_none())
    }

    /// Syntax faults of a response that can be read.
    pub(super) fn syntax(&self, is_chunked: bool) -> Vec<SyntaxFault> {
        let buffer = self.buffer();
        let mut faults = syntax::header_section(&buffer.kept);
        if is_chunked {
            if let Some(overflow) = &buffer.overflow {
                faults.extend(overflow.chunks.fault.clone());
            } else {
                let mut chunks = Chunks::default();
                chunks.feed(head_length(&buffer.kept).map_or(&[], |head| &buffer.kept[head..]));
                faults.extend(chunks.fault);
            }
        }
        faults
    }

    /// The bytes after the end of the response, unless it ends with the connection.
    pub(super) fn excess(&self, framed: Option<Framed>) -> Vec<u8> {
        let buffer = self.buffer();
        let excess = framed.and_then(|framed| buffer.excess(framed));
        excess.unwrap_or_default().to_vec()
    }
}

/// How the end of the content is declared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framed {
    /// After this number of bytes.
    Length(usize),
    /// After the last chunk.
    Chunked,
}

/// Length of the header section, including preceding interim (1xx) responses.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = &bytes[start..];
        let mut at = 0;
        // A line may end in a bare line feed (RFC 9112 §2.2).
        let end = loop {
            let line = memchr::memchr(b'\n', &rest[at..])? + at;
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

/// Length of chunked content with its last chunk and trailer, if it is complete.
fn chunked_length(bytes: &[u8]) -> Option<usize> {
    let mut chunks = Chunks::default();
    chunks.feed(bytes);
    chunks.end
}

/// Parses chunked content incrementally (RFC 9112 §7.1).
#[derive(Debug, Default)]
struct Chunks {
    part: CapturedPart,
    at: usize,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
    /// Position of the end of the content.
    end: Option<usize>,
    /// The first violation of the syntax.
    fault: Option<SyntaxFault>,
}

#[derive(Clone, Copy, Debug, Default)]
enum CapturedPart {
    #[default]
    Size,
    Data(usize),
    AfterData,
    Trailer,
    Over,
}

impl Chunks {
    /// Maximum number of bytes parsed of a line: a size with its extensions, or a trailer field.
    const LINE: usize = 1024;

    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            match self.part {
                CapturedPart::Over => return,
                CapturedPart::Data(left) => {
                    let read = left.min(bytes.len());
                    bytes = &bytes[read..];
                    self.at += read;
                    self.part = match left - read {
                        0 => CapturedPart::AfterData,
                        left => CapturedPart::Data(left),
                    };
                }
                CapturedPart::Size | CapturedPart::AfterData | CapturedPart::Trailer => {
                    bytes = rest;
                    self.at += 1;
                    if *first == b'\n' {
                        self.part = self.line_end();
                        self.line.clear();
                    } else if self.line.len() < Self::LINE {
                        self.line.push(*first);
                    }
                }
            }
        }
    }

    /// Keeps the first violation of the syntax in the line that ends here.
    fn check_line(&mut self) {
        if self.fault.is_some() {
            return;
        }
        let fault = match self.part {
            CapturedPart::Size => syntax::chunk_size(&self.line, self.line.len() == Self::LINE),
            CapturedPart::AfterData => (self.line != b"\r").then_some(SyntaxKind::ChunkData),
            CapturedPart::Trailer => syntax::trailer(&self.line, self.line.len() == Self::LINE),
            CapturedPart::Data(_) | CapturedPart::Over => None,
        };
        self.fault = fault.map(|kind| syntax::fault(kind, &[&self.line[..], b"\n"].concat()));
    }

    fn line_end(&mut self) -> CapturedPart {
        self.check_line();
        match self.part {
            CapturedPart::AfterData => CapturedPart::Size,
            CapturedPart::Trailer if self.line.iter().all(|b| *b == b'\r') => {
                self.end = Some(self.at);
                CapturedPart::Over
            }
            CapturedPart::Size => {
                let digits = self.line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                let digits = std::str::from_utf8(&self.line[..digits]).unwrap_or_default();
                match usize::from_str_radix(digits, 16) {
                    Ok(0) => CapturedPart::Trailer,
                    Ok(size) => CapturedPart::Data(size),
                    Err(_) => CapturedPart::Over,
                }
            }
            part => part,
        }
    }
}

/// A stream whose received bytes are captured.
pub(super) struct CapturedStream<S> {
    stream: S,
    capture: WireCapture,
}

impl<S> CapturedStream<S> {
    pub(super) fn new(stream: S) -> (Self, WireCapture) {
        let capture = WireCapture::default();
        let captured = Self {
            stream,
            capture: capture.clone(),
        };
        (captured, capture)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CapturedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            self.capture.buffer().record(new);
            // The HTTP library limits one header section, but not the number of interim responses.
            if self.capture.is_past_head() {
                return Poll::Ready(Err(io::Error::other("the response header section exceeds its limit")));
            }
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CapturedStream<S> {
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
    use super::{Buffer, Framed, KEPT, chunked_length, head_length};

    #[test]
    fn header_section_ends_at_blank_line_of_final_response() {
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

    #[test]
    fn excess_after_response_of_any_length_is_found() {
        for length in [3, KEPT - 100, KEPT - 40, KEPT, 3 * KEPT] {
            let body = "x".repeat(length);
            let plain = format!("HTTP/1.1 200 OK\r\n\r\n{body}stray");
            let chunked = format!("HTTP/1.1 200 OK\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\nstray");
            for (text, framed) in [(plain, Framed::Length(length)), (chunked, Framed::Chunked)] {
                for size in [1000, 65536, text.len()] {
                    let (mut buffer, mut clean) = (Buffer::default(), Buffer::default());
                    text.as_bytes().chunks(size).for_each(|part| buffer.record(part));
                    let whole = &text.as_bytes()[..text.len() - 5];
                    whole.chunks(size).for_each(|part| clean.record(part));
                    assert_eq!(buffer.excess(framed), Some(&b"stray"[..]), "{framed:?} {length} {size}");
                    assert!(
                        clean.excess(framed).unwrap_or_default().is_empty(),
                        "{framed:?} {length} {size}"
                    );
                }
            }
        }
    }
}
