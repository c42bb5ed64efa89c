//! The syntax of HTTP/1.1 messages (RFC 9112), read strictly: a fault that lenient parsers accept is still a fault.

use crate::{
    check::{is_forbidden_trailer, is_token_bytes},
    model::{CREDENTIALS, HIDDEN, SyntaxFault, SyntaxKind},
};

/// Maximum excerpt in bytes; secrets are masked in it before it is shortened.
const EXCERPT: usize = 16 << 10;

/// A fault with the line that contains it.
pub(super) fn fault(kind: SyntaxKind, line: &[u8]) -> SyntaxFault {
    let mut bytes = crate::model::Content::from(without_credential(line));
    bytes.keep(EXCERPT);
    SyntaxFault { kind, bytes }
}

/// The line, its value masked if the field is a credential.
fn without_credential(line: &[u8]) -> Vec<u8> {
    let colon = line.iter().position(|b| *b == b':');
    let is_credential = |name: &str| CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
    match colon {
        Some(colon) if std::str::from_utf8(&line[..colon]).is_ok_and(|name| is_credential(name.trim())) => {
            [&line[..=colon], b" ", HIDDEN.as_bytes()].concat()
        }
        _ => line.to_vec(),
    }
}

/// The faults of the status line and header fields, interim (1xx) responses before them included; the first of each
/// kind.
pub(super) fn header_section(bytes: &[u8]) -> Vec<SyntaxFault> {
    let mut faults = Faults::default();
    let mut rest = bytes;
    while let Some(after) = message(rest, &mut faults) {
        rest = after;
    }
    faults.0
}

/// Why a header section cannot be read, if known; `reason` is the library's.
pub(super) fn unreadable(bytes: &[u8], reason: &str) -> Option<SyntaxFault> {
    let first = header_section(bytes).into_iter().next();
    first.or_else(|| {
        let (name, kind) = if reason.contains("content-length") {
            ("content-length:", SyntaxKind::ContentLength)
        } else if reason.contains("transfer-encoding") {
            ("transfer-encoding:", SyntaxKind::TransferEncoding)
        } else {
            return None;
        };
        let is_named = |line: &&[u8]| {
            line.split_at_checked(name.len())
                .is_some_and(|(start, _)| start.eq_ignore_ascii_case(name.as_bytes()))
        };
        let lines = bytes.split_inclusive(|b| *b == b'\n').filter(is_named);
        Some(fault(kind, &lines.collect::<Vec<_>>().concat()))
    })
}

#[derive(Default)]
struct Faults(Vec<SyntaxFault>);

impl Faults {
    fn add(&mut self, kind: SyntaxKind, line: &[u8]) {
        if self.0.iter().all(|known| known.kind != kind) {
            self.0.push(fault(kind, line));
        }
    }
}

/// Reads one message up to the end of its header section; returns the rest after an interim response.
fn message<'a>(bytes: &'a [u8], faults: &mut Faults) -> Option<&'a [u8]> {
    let mut rest = bytes;
    let mut status: Option<&[u8]> = None;
    let mut fields = 0_usize;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (raw, after) = rest.split_at(end + 1);
        rest = after;
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let line = line.strip_suffix(b"\r").unwrap_or_else(|| {
            faults.add(SyntaxKind::BareLineFeed, raw);
            line
        });
        if memchr::memchr(b'\r', line).is_some() {
            faults.add(SyntaxKind::BareCarriageReturn, raw);
        }
        let Some(status) = status else {
            if line.is_empty() {
                faults.add(SyntaxKind::EmptyLineBeforeStatusLine, raw);
            } else {
                if let Some(kind) = status_line(line) {
                    faults.add(kind, raw);
                }
                status = Some(line);
            }
            continue;
        };
        let is_interim = line_code(status).is_some_and(|code| code.starts_with(b"1") && code != b"101");
        if line.is_empty() {
            return is_interim.then_some(rest);
        }
        if let Some(kind) = field_line(line, fields == 0) {
            faults.add(kind, raw);
        }
        fields += 1;
        let is_framing = || {
            let name = line.split(|b| *b == b':').next().unwrap_or_default();
            name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
        };
        if is_interim && is_framing() {
            faults.add(SyntaxKind::FramingOfInterimResponse, raw);
        }
    }
    if status.is_some() || !rest.is_empty() {
        if status.is_none()
            && let Some(kind @ SyntaxKind::Version) = status_line(rest)
        {
            faults.add(kind, rest);
        }
        faults.add(
            SyntaxKind::HeaderSectionCut,
            &rest[rest.len().saturating_sub(EXCERPT)..],
        );
    }
    None
}

fn line_code(line: &[u8]) -> Option<&[u8]> {
    line.split(|b| *b == b' ').nth(1)
}

fn status_line(line: &[u8]) -> Option<SyntaxKind> {
    let Some(rest) = line
        .strip_prefix(b"HTTP/1.1")
        .or_else(|| line.strip_prefix(b"HTTP/1.0"))
    else {
        return Some(SyntaxKind::Version);
    };
    let Some(rest) = rest.strip_prefix(b" ") else {
        return Some(if rest.is_empty() || rest.starts_with(b"\t") {
            SyntaxKind::StatusLine
        } else {
            SyntaxKind::Version
        });
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (code, reason) = rest.split_at(digits);
    match reason.first() {
        _ if rest.first().is_some_and(|b| matches!(b, b' ' | b'\t')) => Some(SyntaxKind::StatusLine),
        _ if digits != 3 || code.starts_with(b"0") => Some(SyntaxKind::StatusCode),
        None => Some(SyntaxKind::StatusLineWithoutSecondSpace),
        Some(b' ') => reason
            .iter()
            .copied()
            .any(is_control)
            .then_some(SyntaxKind::ReasonPhrase),
        Some(b'\t') => Some(SyntaxKind::StatusLine),
        Some(_) => Some(SyntaxKind::StatusCode),
    }
}

/// A field line, its line ending removed; a CR is reported as such.
fn field_line(line: &[u8], is_first: bool) -> Option<SyntaxKind> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Some(if is_first {
            SyntaxKind::SpaceBeforeFirstField
        } else {
            SyntaxKind::FoldedField
        });
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return Some(SyntaxKind::FieldWithoutColon);
    };
    let (name, value) = line.split_at(colon);
    if name.is_empty() {
        return Some(SyntaxKind::FieldWithoutName);
    }
    if matches!(name.last(), Some(b' ' | b'\t')) {
        return Some(SyntaxKind::SpaceBeforeColon);
    }
    if !is_token_bytes(name) {
        return Some(SyntaxKind::FieldName);
    }
    // Without an early end, several bytes are compared at once.
    let is_wrong = |found, byte: &u8| found | (is_control(*byte) && *byte != b'\r');
    value.iter().fold(false, is_wrong).then_some(SyntaxKind::FieldValue)
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// A line with the size of a chunk, without its LF. Only its beginning is there where `is_cut`.
pub(super) fn chunk_size(line: &[u8], is_cut: bool) -> Option<SyntaxKind> {
    let (line, is_bare) = match line.strip_suffix(b"\r") {
        Some(line) => (line, false),
        None => (line, !is_cut),
    };
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (size, mut rest) = line.split_at(digits);
    let is_space = |b: &u8| matches!(b, b' ' | b'\t');
    if line.first().is_some_and(is_space) {
        return Some(SyntaxKind::SpaceInChunkSize);
    }
    let significant = size.iter().skip_while(|b| **b == b'0').count();
    if size.is_empty() || significant > 16 {
        return Some(SyntaxKind::ChunkSize);
    }
    while let Some(first) = rest.first() {
        if is_space(first) {
            return Some(SyntaxKind::SpaceInChunkSize);
        }
        if *first != b';' {
            let is_size = rest.len() == line.len() - digits;
            return Some(if is_size {
                SyntaxKind::ChunkSize
            } else {
                SyntaxKind::ChunkExtension
            });
        }
        match extension(&rest[1..]) {
            Ok(after) => rest = after,
            Err(_) if is_cut => return None,
            Err(kind) => return Some(kind),
        }
    }
    is_bare.then_some(SyntaxKind::BareLineFeedInChunks)
}

/// Reads a chunk extension after its semicolon; returns the rest.
fn extension(text: &[u8]) -> Result<&[u8], SyntaxKind> {
    let token = |text: &[u8]| {
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        text.iter().take_while(is_part).count()
    };
    let is_space = |text: &[u8]| matches!(text.first(), Some(b' ' | b'\t'));
    if is_space(text) {
        return Err(SyntaxKind::SpaceInChunkSize);
    }
    let name = token(text);
    let rest = &text[name..];
    if name == 0 {
        return Err(SyntaxKind::ChunkExtension);
    }
    let Some(value) = rest.strip_prefix(b"=") else {
        return Ok(rest);
    };
    if is_space(value) {
        return Err(SyntaxKind::SpaceInChunkSize);
    }
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let mut at = 0;
        loop {
            match quoted.get(at) {
                Some(b'"') => return Ok(&quoted[at + 1..]),
                Some(b'\\') => at += 2,
                Some(b) if !is_control(*b) => at += 1,
                _ => return Err(SyntaxKind::ChunkExtension),
            }
        }
    }
    match token(value) {
        0 => Err(SyntaxKind::ChunkExtension),
        length => Ok(&value[length..]),
    }
}

/// A line of the trailer section, without its LF. Only its beginning is there where `is_cut`.
pub(super) fn trailer(line: &[u8], is_cut: bool) -> Option<SyntaxKind> {
    let (line, is_bare) = match line.strip_suffix(b"\r") {
        Some(line) => (line, false),
        None => (line, !is_cut),
    };
    if is_bare {
        return Some(SyntaxKind::BareLineFeedInChunks);
    }
    if line.is_empty() {
        return None;
    }
    if line.contains(&b'\r') {
        return Some(SyntaxKind::BareCarriageReturn);
    }
    let kind = field_line(line, false);
    if kind.is_some() {
        return kind;
    }
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    is_forbidden_trailer(&name).then_some(SyntaxKind::TrailerField)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SyntaxKind as K;

    fn kinds(bytes: &[u8]) -> Vec<K> {
        header_section(bytes).iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn well_formed_header_sections_have_no_faults() {
        for text in [
            "HTTP/1.1 200 OK\r\nDate: x\r\n\r\nbody\nmore",
            "HTTP/1.1 200 \r\n\r\n",
            "HTTP/1.0 404 Not  Found\r\nX:\r\nY: \t a\tb \r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 200 Bom dia \u{e3}\r\nX-Region: S\u{e3}o\r\n\r\n",
        ] {
            assert_eq!(kinds(text.as_bytes()), [], "{text:?}");
        }
    }

    #[test]
    fn each_fault_of_a_header_section_has_its_kind() {
        for (text, kind) in [
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", K::EmptyLineBeforeStatusLine),
            ("http/1.1 200 OK\r\n\r\n", K::Version),
            ("HTTP/2 200 OK\r\n\r\n", K::Version),
            ("HTTP/1.10 200 OK\r\n\r\n", K::Version),
            ("HTTP 200 OK\r\n\r\n", K::Version),
            ("HTTP/1.1  200 OK\r\n\r\n", K::StatusLine),
            ("HTTP/1.1\t200 OK\r\n\r\n", K::StatusLine),
            ("HTTP/1.1 200\tOK\r\n\r\n", K::StatusLine),
            ("HTTP/1.1 OK 200\r\n\r\n", K::StatusCode),
            ("HTTP/1.1 20 OK\r\n\r\n", K::StatusCode),
            ("HTTP/1.1 2000 OK\r\n\r\n", K::StatusCode),
            ("HTTP/1.1 200.1 OK\r\n\r\n", K::StatusCode),
            ("HTTP/1.1 099 OK\r\n\r\n", K::StatusCode),
            ("HTTP/1.1 200\r\n\r\n", K::StatusLineWithoutSecondSpace),
            ("HTTP/1.1 200 O\x07K\r\n\r\n", K::ReasonPhrase),
            ("HTTP/1.1 200 OK\n\r\n", K::BareLineFeed),
            ("HTTP/1.1 200 OK\r\nA: b\n\r\n", K::BareLineFeed),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\n", K::BareLineFeed),
            ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", K::BareCarriageReturn),
            ("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", K::SpaceBeforeFirstField),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n", K::FoldedField),
            ("HTTP/1.1 200 OK\r\nA b\r\n\r\n", K::FieldWithoutColon),
            ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", K::FieldWithoutName),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", K::SpaceBeforeColon),
            ("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", K::FieldName),
            ("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", K::FieldValue),
            ("HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n", K::FieldValue),
            (
                "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                K::FramingOfInterimResponse,
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\n\r\n",
                K::StatusLineWithoutSecondSpace,
            ),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", K::HeaderSectionCut),
        ] {
            assert_eq!(kinds(text.as_bytes()), [kind], "{text:?}");
        }
        let lengths = b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\ncontent-length: 2\r\n\r\n";
        let found = unreadable(lengths, "invalid content-length parsed").unwrap();
        assert_eq!(found.kind, K::ContentLength);
        assert_eq!(found.bytes.bytes(), b"Content-Length: +1\r\ncontent-length: 2\r\n");
        assert_eq!(unreadable(lengths, "some other error"), None);
    }

    #[test]
    fn credentials_are_hidden_in_the_line_of_a_fault() {
        let faults = header_section(b"HTTP/1.1 200 OK\r\nSet-Cookie : sid=word\r\n\r\n");
        assert_eq!(faults[0].bytes.bytes(), b"Set-Cookie : [hidden]");
    }

    #[test]
    fn chunk_size_lines_follow_the_grammar() {
        for line in [
            "5\r",
            "00\r",
            "aBc\r",
            "5;a\r",
            "5;a=b;c=\"d;\\\" e\"\r",
            "000000000000000000005\r",
        ] {
            assert_eq!(chunk_size(line.as_bytes(), false), None, "{line:?}");
        }
        for (line, kind) in [
            ("5", K::BareLineFeedInChunks),
            ("5 \r", K::SpaceInChunkSize),
            ("5\t\r", K::SpaceInChunkSize),
            (" 5\r", K::SpaceInChunkSize),
            ("5 ;a=b\r", K::SpaceInChunkSize),
            ("5; a=b\r", K::SpaceInChunkSize),
            ("5;a =b\r", K::SpaceInChunkSize),
            ("5;a= b\r", K::SpaceInChunkSize),
            ("\r", K::ChunkSize),
            ("-5\r", K::ChunkSize),
            ("+5\r", K::ChunkSize),
            ("0x5\r", K::ChunkSize),
            ("5g\r", K::ChunkSize),
            ("10000000000000000\r", K::ChunkSize),
            ("5;\r", K::ChunkExtension),
            ("5;=b\r", K::ChunkExtension),
            ("5;a=\r", K::ChunkExtension),
            ("5;a=\"b\r", K::ChunkExtension),
            ("5;a=b,c\r", K::ChunkExtension),
        ] {
            assert_eq!(chunk_size(line.as_bytes(), false), Some(kind), "{line:?}");
        }
    }

    #[test]
    fn trailer_lines_are_field_lines_that_may_be_trailers() {
        assert_eq!(trailer(b"\r", false), None);
        assert_eq!(trailer(b"X-Checksum: 1\r", false), None);
        assert_eq!(trailer(b"Server-Timing: x\r", false), None);
        for (line, kind) in [
            ("", K::BareLineFeedInChunks),
            ("X: 1", K::BareLineFeedInChunks),
            ("X : 1\r", K::SpaceBeforeColon),
            (" X: 1\r", K::FoldedField),
            ("X\r", K::FieldWithoutColon),
            ("content-length: 5\r", K::TrailerField),
            ("Transfer-Encoding: chunked\r", K::TrailerField),
            ("Content-Type: a/b\r", K::TrailerField),
        ] {
            assert_eq!(trailer(line.as_bytes(), false), Some(kind), "{line:?}");
        }
    }
}
