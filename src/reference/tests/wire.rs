//! A client that sends and returns raw bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::super::Server;

/// One response as raw bytes.
#[derive(Debug)]
pub(super) struct RawResponse {
    /// Status line and header lines, with the empty line at the end.
    pub head: String,
    pub body: String,
}

/// One connection.
pub(super) struct RawConnection(BufReader<TcpStream>);

impl RawConnection {
    pub(super) fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(authority(server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request; `fields` are header lines, each with its line end.
    pub(super) fn send(&mut self, method: &str, path: &str, fields: &str, body: &str) -> RawResponse {
        self.write(&format!(
            "{method} {path} HTTP/1.1\r\nHost: reference\r\n{fields}\r\n{body}"
        ));
        self.read(method)
    }

    pub(super) fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn read(&mut self, method: &str) -> RawResponse {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        let mut response = RawResponse {
            head,
            body: String::new(),
        };
        if method != "HEAD"
            && let Some(length) = response.header("content-length")
        {
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).unwrap();
            response.body = String::from_utf8(body).unwrap();
        }
        response
    }

    /// Reads to the end of the connection; bytes that the server sent without a request.
    pub(super) fn rest(mut self) -> std::io::Result<String> {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).map(|_| rest)
    }
}

impl RawResponse {
    pub(super) fn status_line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(super) fn status(&self) -> u16 {
        self.status_line().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of the one header of this name, or nothing.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().skip(1).filter_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = values.next();
        assert_eq!(values.next(), None, "{name} comes twice");
        value
    }

    /// Header section and body, without the time in `Date`.
    pub(super) fn undated(&self) -> String {
        let date = self.header("date").unwrap();
        format!("{}{}", self.head.replace(date, "(date)"), self.body)
    }
}

/// The host and port of the server's base.
pub(super) fn authority(server: &Server) -> &str {
    server
        .base_url()
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap()
}

/// One request on a connection of its own, after which the server closes.
///
/// Bytes after the declared end of the response fail the test: this detects a body of a 204
/// response.
pub(super) fn send(server: &Server, method: &str, path: &str, fields: &str) -> RawResponse {
    let mut connection = RawConnection::open(server);
    let response = connection.send(method, path, &format!("Connection: close\r\n{fields}"), "");
    assert_eq!(connection.rest().unwrap(), "", "bytes after the end of {response:?}");
    response
}

/// A POST on a connection of its own.
pub(super) fn post(server: &Server, path: &str, fields: &str) -> RawResponse {
    send(server, "POST", path, fields)
}
