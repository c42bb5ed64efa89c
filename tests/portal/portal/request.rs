//! Reading HTTP/1.1 requests from a connection, one after the other, without trusting a byte of them.

use std::io::{self, Read};

/// The longest head that is read, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;
/// The longest body that is skipped, in bytes.
const LONGEST_BODY: usize = 1024 * 1024;

/// The request line and header fields of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method, as written.
    pub method: String,
    /// The request target, as written.
    pub target: String,
    /// Header names and values in the order of arrival, without surrounding whitespace.
    pub headers: Vec<(String, String)>,
    /// Whether the connection stays open after the response (RFC 9112, section 9.3).
    pub keep_alive: bool,
    /// How the request says where its body ends.
    body: Length,
}

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunked,
}

/// Why a request is not served.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The connection is gone or broke off in the middle.
    Gone,
    /// The response has this status and the connection is closed.
    Status(u16),
}

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Request {
    /// Every value of the header `name`, joined by `, ` as RFC 9110 (section 5.2) allows; `None` when there is none.
    #[must_use]
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        if values.is_empty() {
            None
        } else {
            Some(values.join(", "))
        }
    }

    /// Whether the client waits for `100 Continue` before it sends a body.
    #[must_use]
    pub(crate) fn waits_for_continue(&self) -> bool {
        let expects = self
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        expects && self.body != Length::Bytes(0)
    }

    /// Reads a head, given without its final empty line.
    fn parse(head: &[u8]) -> Result<Self, Refusal> {
        let bad = Refusal::Status(400);
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let [method, target, version] = words[..] else {
            return Err(bad);
        };
        if !is_token(method) || target.is_empty() {
            return Err(bad);
        }
        let newest = match version {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ => return Err(Refusal::Status(505)),
        };
        let mut headers = Vec::new();
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                return Err(bad);
            };
            if !is_token(name) {
                return Err(bad);
            }
            headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
        let mut request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            keep_alive: newest,
            body: Length::Bytes(0),
        };
        let hosts = request
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .count();
        if hosts > 1 || (newest && hosts == 0) {
            return Err(bad);
        }
        let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
        let has = |option: &str| connection.split(',').any(|part| part.trim() == option);
        request.keep_alive = !has("close") && (newest || has("keep-alive"));
        request.body = request.length()?;
        Ok(request)
    }

    /// Where the body ends, by RFC 9112, section 6.3.
    fn length(&self) -> Result<Length, Refusal> {
        match (self.header("transfer-encoding"), self.header("content-length")) {
            (None, None) => Ok(Length::Bytes(0)),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Length::Chunked),
            (Some(_), None) => Err(Refusal::Status(501)),
            (Some(_), Some(_)) => Err(Refusal::Status(400)),
            (None, Some(digits)) => {
                let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
                let count = digits.parse().ok().filter(|_| plain).ok_or(Refusal::Status(400))?;
                if count > LONGEST_BODY {
                    Err(Refusal::Status(413))
                } else {
                    Ok(Length::Bytes(count))
                }
            }
        }
    }
}

/// Reads the requests of one connection; bytes that came early wait for the next one.
pub(crate) struct Requests<R> {
    stream: R,
    early: Vec<u8>,
}

impl<R: Read> Requests<R> {
    /// Reads from `stream`.
    pub(crate) fn new(stream: R) -> Self {
        Self {
            stream,
            early: Vec::new(),
        }
    }

    /// The header section of the next request, or `None` when the client is done.
    ///
    /// # Errors
    /// When the connection breaks or the header section is not HTTP/1.x.
    pub(crate) fn next_head(&mut self) -> Result<Option<Request>, Refusal> {
        loop {
            // RFC 9112, section 2.2: an empty line before the request line is ignored.
            while self.early.starts_with(b"\r\n") {
                self.early.drain(..2);
            }
            if let Some(end) = find(&self.early, b"\r\n\r\n") {
                let head: Vec<u8> = self.early.drain(..end + 4).collect();
                return Request::parse(&head[..end]).map(Some);
            }
            if self.early.len() > LONGEST_HEAD {
                return Err(Refusal::Status(431));
            }
            if self.fill()? == 0 {
                return if self.early.is_empty() {
                    Ok(None)
                } else {
                    Err(Refusal::Gone)
                };
            }
        }
    }

    /// Reads past the body of `request`: the operation takes none.
    ///
    /// # Errors
    /// When the connection breaks or the body's framing is wrong.
    pub(crate) fn skip_body(&mut self, request: &Request) -> Result<(), Refusal> {
        match request.body {
            Length::Bytes(count) => self.skip(count),
            Length::Chunked => self.skip_chunks(),
        }
    }

    fn skip_chunks(&mut self) -> Result<(), Refusal> {
        let mut total = 0_usize;
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| Refusal::Status(400))?;
            total = total.saturating_add(size);
            if total > LONGEST_BODY {
                return Err(Refusal::Status(413));
            }
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(());
            }
            self.skip(size)?;
            if !self.line()?.is_empty() {
                return Err(Refusal::Status(400));
            }
        }
    }

    fn line(&mut self) -> Result<String, Refusal> {
        loop {
            if let Some(end) = find(&self.early, b"\r\n") {
                let line: Vec<u8> = self.early.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.early.len() > LONGEST_HEAD || self.fill()? == 0 {
                return Err(Refusal::Gone);
            }
        }
    }

    fn skip(&mut self, count: usize) -> Result<(), Refusal> {
        while self.early.len() < count {
            if self.fill()? == 0 {
                return Err(Refusal::Gone);
            }
        }
        self.early.drain(..count);
        Ok(())
    }

    fn fill(&mut self) -> Result<usize, Refusal> {
        let mut block = [0; 4096];
        loop {
            match self.stream.read(&mut block) {
                Ok(count) => {
                    self.early.extend_from_slice(&block[..count]);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Refusal::Gone),
            }
        }
    }
}

/// Where `part` begins in `whole`.
fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

/// Whether `text` is a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
