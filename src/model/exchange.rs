//! Requests and responses, as the run records them and the checks judge them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Header fields whose values are credentials, in requests and responses.
pub const CREDENTIALS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
/// Replacement for a credential that is not a known secret.
pub const HIDDEN: &str = "[hidden]";

/// A request as it is sent, with all variables substituted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Method, upper case as a rule.
    pub method: String,
    /// Absolute URL, percent-encoded.
    pub url: String,
    /// Header fields in order, names as written.
    pub headers: Vec<(String, String)>,
    /// Content; empty if absent.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub body: Content,
}

impl Request {
    /// The method of a step that reads a mailbox. It is not sent over HTTP; its URL is the mailbox, and its only header field
    /// is `to`.
    pub const MAIL: &str = "MAIL";

    /// Whether it reads a mailbox.
    pub fn is_mail(&self) -> bool {
        self.method == Self::MAIL
    }
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A response that can be judged.
    Response(Response),
    /// Bytes that begin as an HTTP response and violate its grammar (RFC 9112 §2): the API is at fault.
    Malformed(Malformed),
    /// No HTTP response: there is no verdict on the API.
    Failure(Failure),
}

impl Outcome {
    /// From the start of the request to its end, in microseconds.
    pub fn elapsed_us(&self) -> u64 {
        match self {
            Outcome::Response(response) => response.elapsed_us,
            Outcome::Malformed(malformed) => malformed.elapsed_us,
            Outcome::Failure(failure) => failure.elapsed_us,
        }
    }
}

/// An HTTP response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Status code.
    pub status: u16,
    /// The reason phrase, if not the registered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Header fields in order, names in lower case. A byte that is not part of UTF-8 text is the character U+10FF00 plus
    /// the byte, and so are the bytes of the characters from U+10FF80 on: different bytes are different text.
    pub headers: Vec<(String, String)>,
    /// The content after removing the transfer coding.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub body: Content,
    /// Fields of the trailer section in order, in the form of `headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<(String, String)>,
    /// Why the content is incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
    /// Why an event stream was not read to its end. The response is not at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<StreamStop>,
    /// Bytes on the connection after the end of the message (HTTP/1.1 only).
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub excess: Content,
    /// Violations of the HTTP/1.1 message syntax that did not prevent reading the response, the first of each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub syntax: Vec<SyntaxFault>,
    /// When the response header section was complete.
    #[schemars(with = "String")]
    #[serde(with = "instant")]
    pub received: DateTime<Utc>,
    /// From the start of the request to the end of the response, in microseconds.
    pub elapsed_us: u64,
}

impl Response {
    /// The messages of a mailbox as a JSON document.
    pub fn mailbox(messages: String, elapsed_us: u64) -> Self {
        Self {
            version: Request::MAIL.to_owned(),
            status: 200,
            reason: None,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: messages.into(),
            trailers: Vec::new(),
            cut: None,
            stopped: None,
            excess: Content::default(),
            syntax: Vec::new(),
            received: Utc::now(),
            elapsed_us,
        }
    }

    /// A rejection of the client certificate by a TLS alert, where it is expected.
    pub fn refusal(elapsed_us: u64) -> Self {
        Self {
            version: Self::REFUSAL.to_owned(),
            status: 0,
            reason: Some("refused by an alert".to_owned()),
            headers: Vec::new(),
            ..Self::mailbox(String::new(), elapsed_us)
        }
    }

    /// The version of a [`Response::refusal`].
    const REFUSAL: &str = "TLS";

    /// Whether it is a [`Response::refusal`].
    pub fn is_refusal(&self) -> bool {
        self.version == Self::REFUSAL
    }

    /// Precedes the name of a trailer field where header and trailer fields are named alike. A name of a header field contains
    /// no `/`.
    pub const TRAILER: &str = "trailer/";

    /// The header fields, or the trailer fields if `name` begins with [`Response::TRAILER`]; and the name without it.
    fn section<'a>(&'a self, name: &'a str) -> (&'a [(String, String)], &'a str) {
        match name.strip_prefix(Self::TRAILER) {
            Some(name) => (&self.trailers, name),
            None => (&self.headers, name),
        }
    }

    /// The names of all header fields, and of all trailer fields after [`Response::TRAILER`], in lower case.
    pub(crate) fn field_names(&self) -> impl Iterator<Item = String> {
        let headers = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let trailers = self.trailers.iter();
        headers.chain(trailers.map(|(name, _)| format!("{}{}", Self::TRAILER, name.to_ascii_lowercase())))
    }

    /// Replaces all lines of a header or trailer field.
    pub(crate) fn replace_field(&mut self, name: &str, values: impl Iterator<Item = String>) {
        let (fields, name) = match name.strip_prefix(Self::TRAILER) {
            Some(name) => (&mut self.trailers, name),
            None => (&mut self.headers, name),
        };
        fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        fields.extend(values.map(|value| (name.to_owned(), value)));
    }

    /// All values of a header field, in order; of a trailer field if the name begins with [`Response::TRAILER`].
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let (fields, name) = self.section(name);
        fields
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// From the start of the request to the end of the response.
    pub fn elapsed(&self) -> Duration {
        Duration::from_micros(self.elapsed_us)
    }
}

/// Why an event stream was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StreamStop {
    /// The expected number of events was received.
    Enough,
    /// The time for the events was over.
    Time,
}

/// A violation of the HTTP/1.1 message syntax (RFC 9112).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyntaxFault {
    /// The kind, stable.
    pub kind: SyntaxKind,
    /// The line that contains it, with its line ending.
    pub bytes: Content,
}

/// The kinds of [`SyntaxFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyntaxKind {
    /// An empty line before the status line.
    EmptyLineBeforeStatusLine,
    /// Another version than `HTTP/1.1` or `HTTP/1.0`.
    Version,
    /// A status line with other delimiters than one space.
    StatusLine,
    /// A status code that is not three digits.
    StatusCode,
    /// No space after the status code.
    StatusLineWithoutSecondSpace,
    /// A control character in the reason phrase.
    ReasonPhrase,
    /// A line of the header section that ends in a bare LF.
    BareLineFeed,
    /// A CR that no LF follows.
    BareCarriageReturn,
    /// Whitespace before the first field line.
    SpaceBeforeFirstField,
    /// A field value that continues on the next line.
    FoldedField,
    /// A field line without a colon.
    FieldWithoutColon,
    /// A field line with an empty name.
    FieldWithoutName,
    /// Whitespace between a field name and its colon.
    SpaceBeforeColon,
    /// A field name that is not a token.
    FieldName,
    /// A control character in a field value.
    FieldValue,
    /// `Content-Length` or `Transfer-Encoding` in an interim (1xx) response.
    FramingOfInterimResponse,
    /// `Content-Length` values that do not state one length.
    ContentLength,
    /// `Transfer-Encoding` in an HTTP/1.0 response.
    TransferEncoding,
    /// The end of the response before the empty line after the header section.
    HeaderSectionCut,
    /// A chunk size that is not a hexadecimal number, or too large.
    ChunkSize,
    /// Whitespace before or after a chunk size, or around the parts of a chunk extension.
    SpaceInChunkSize,
    /// A chunk extension of another form than `;name` or `;name=value`.
    ChunkExtension,
    /// A line of the chunked coding that ends in a bare LF.
    BareLineFeedInChunks,
    /// Chunk data that CRLF does not follow.
    ChunkData,
    /// A trailer field that must not be sent as a trailer.
    TrailerField,
}

impl SyntaxKind {
    /// The fault, as one sentence without a period, with its source.
    pub fn message(self) -> &'static str {
        match self {
            Self::EmptyLineBeforeStatusLine => "an empty line precedes the status line (RFC 9112 §2.1)",
            Self::Version => "the status line does not begin with `HTTP/1.1` (RFC 9112 §2.3, §4)",
            Self::StatusLine => "the parts of the status line are not separated by one space (RFC 9112 §4)",
            Self::StatusCode => "the status code is not a three-digit number from 100 (RFC 9112 §4, RFC 9110 §15)",
            Self::StatusLineWithoutSecondSpace => "the status line has no space after the status code (RFC 9112 §4)",
            Self::ReasonPhrase => "the reason phrase contains a control character (RFC 9112 §4)",
            Self::BareLineFeed => "a line of the header section ends in LF without CR (RFC 9112 §2.1)",
            Self::BareCarriageReturn => "a line contains a CR that is not followed by LF (RFC 9112 §2.2)",
            Self::SpaceBeforeFirstField => "whitespace precedes the first header field (RFC 9112 §2.2)",
            Self::FoldedField => "a field value continues on a second line (RFC 9112 §5.2)",
            Self::FieldWithoutColon => "a field line has no colon (RFC 9112 §5)",
            Self::FieldWithoutName => "a field line has no field name (RFC 9112 §5, RFC 9110 §5.1)",
            Self::SpaceBeforeColon => "whitespace precedes the colon of a field line (RFC 9112 §5.1)",
            Self::FieldName => "a field name contains a character that is not allowed (RFC 9110 §5.1, §5.6.2)",
            Self::FieldValue => "a field value contains a control character (RFC 9110 §5.5)",
            Self::FramingOfInterimResponse => {
                "an interim (1xx) response has `Content-Length` or `Transfer-Encoding` (RFC 9110 §8.6, RFC 9112 §6.1)"
            }
            Self::ContentLength => "`Content-Length` does not state one length (RFC 9110 §8.6, RFC 9112 §6.3)",
            Self::TransferEncoding => "an HTTP/1.0 response has `Transfer-Encoding` (RFC 9112 §6.1)",
            Self::HeaderSectionCut => "the response ends before its header section does (RFC 9112 §8)",
            Self::ChunkSize => "a chunk size is not a hexadecimal number within the limits (RFC 9112 §7.1)",
            Self::SpaceInChunkSize => "a chunk size line contains whitespace (RFC 9112 §7.1, RFC 9110 §5.6.3)",
            Self::ChunkExtension => "a chunk extension is not of the form `;name` or `;name=value` (RFC 9112 §7.1.1)",
            Self::BareLineFeedInChunks => "a line of the chunked coding ends in LF without CR (RFC 9112 §7.1)",
            Self::ChunkData => "the data of a chunk is not followed by CRLF (RFC 9112 §7.1)",
            Self::TrailerField => "a field that must not be a trailer is sent in the trailer section (RFC 9110 §6.5.1)",
        }
    }

    /// The form that the syntax requires.
    pub fn expected(self) -> &'static str {
        match self {
            Self::EmptyLineBeforeStatusLine => "the status line first",
            Self::Version | Self::StatusLine | Self::StatusCode | Self::StatusLineWithoutSecondSpace => {
                "`HTTP/1.1`, a space, three digits, a space, an optional reason phrase, CRLF"
            }
            Self::ReasonPhrase => "visible characters, spaces and tabs",
            Self::BareLineFeed | Self::BareLineFeedInChunks => "a line that ends in CRLF",
            Self::BareCarriageReturn => "CR only before LF",
            Self::SpaceBeforeFirstField => "a field name, or the empty line",
            Self::FoldedField => "each field on one line",
            Self::FieldWithoutColon | Self::FieldWithoutName | Self::SpaceBeforeColon => {
                "a field name, directly followed by a colon and the value"
            }
            Self::FieldName => "letters, digits and !#$%&'*+-.^_`|~",
            Self::FieldValue => "no control characters but tabs",
            Self::FramingOfInterimResponse => "neither field",
            Self::ContentLength => "one decimal number",
            Self::TransferEncoding => "`Content-Length`, or the end of the connection",
            Self::HeaderSectionCut => "an empty line after the last header field",
            Self::ChunkSize => "a hexadecimal number",
            Self::SpaceInChunkSize => "no whitespace",
            Self::ChunkExtension => "a semicolon, a token, and optionally `=` with a token or a quoted string",
            Self::ChunkData => "CRLF after as many bytes as the chunk size states",
            Self::TrailerField => "the field in the header section, or not at all",
        }
    }
}

/// A response that violates the HTTP grammar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Malformed {
    /// The fault.
    pub reason: String,
    /// The first bytes.
    pub bytes: Content,
    /// From the start of the request to the failure, in microseconds.
    pub elapsed_us: u64,
}

/// Why there is no response to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The kind, stable.
    pub kind: FailureKind,
    /// The event, as a fragment in lower case.
    pub message: String,
    /// From the start of the request to the failure, in microseconds.
    pub elapsed_us: u64,
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// No connection: refused, unreachable, a name that does not resolve.
    Connect,
    /// No secure connection: certificate, handshake.
    Tls,
    /// The server rejects the client certificate, or its absence, by a TLS alert.
    Refused,
    /// No response within the time limit.
    Timeout,
    /// The connection ended before a response.
    Closed,
    /// The response is not HTTP.
    NotHttp,
    /// The response exceeds a limit (header bytes, body bytes).
    TooLarge,
    /// Bytes were received that may belong to this request or to an earlier one on the same connection.
    Unattributed,
}

/// The first character that represents a byte, and the number that is added to a byte.
const FIRST_BYTE: char = '\u{10ff80}';
const BYTE_OFFSET: u32 = 0x10_ff00;

/// The text of a field value, in which every byte that is not UTF-8 is represented by its own character.
pub(crate) fn field_text(value: &[u8]) -> String {
    if value.is_ascii()
        && let Ok(text) = std::str::from_utf8(value)
    {
        return text.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    let push_bytes = |bytes: &[u8], text: &mut String| {
        let byte = |byte: &u8| char::from_u32(BYTE_OFFSET + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
        text.extend(bytes.iter().map(byte));
    };
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c < FIRST_BYTE {
                text.push(c);
            } else {
                push_bytes(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
            }
        }
        push_bytes(chunk.invalid(), &mut text);
    }
    text
}

/// The bytes of a field value; `None` if they are those of its text.
pub(crate) fn field_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().any(|c| c >= FIRST_BYTE).then(|| {
        let mut bytes = Vec::with_capacity(text.len());
        for c in text.chars() {
            match byte_of(c) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    })
}

/// The byte that a character represents in the text of a field value.
pub(crate) fn byte_of(c: char) -> Option<u8> {
    (c >= FIRST_BYTE)
        .then(|| (u32::from(c) & 0xff).try_into().ok())
        .flatten()
}

/// The text of a field value with bytes that are not UTF-8 as `\xe9`.
pub(crate) fn field_shown(text: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    if !text.chars().any(|c| c >= FIRST_BYTE) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => drop(write!(shown, "\\x{byte:02x}")),
            None => shown.push(c),
        }
    }
    shown.into()
}

/// Bytes, written as text if they are UTF-8 and as base64 otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "ContentForm")]
pub struct Content {
    bytes: bytes::Bytes,
    /// Original length in bytes, if secrets were masked or the end was cut.
    length: Option<u64>,
    is_cut: bool,
    is_decoded: bool,
}

/// Either `text` or `base64`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContentForm {
    /// The bytes, if they are UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The bytes, if they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// Original length in bytes, if these bytes were masked or cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    /// Whether the end is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// Whether the content codings were removed, because secrets were masked in the decoded bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    decoded: bool,
}

impl Content {
    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The kept bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to share.
    pub(crate) fn shared(&self) -> bytes::Bytes {
        self.bytes.clone()
    }

    /// Original length in bytes: more than in [`Content::bytes`] if the end was cut, and more or less
    /// if a secret was masked.
    pub fn length(&self) -> usize {
        self.length
            .map_or(self.bytes.len(), |length| usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Whether the end was cut off, after it was judged.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether these are the bytes after the content codings were removed.
    pub fn is_decoded(&self) -> bool {
        self.is_decoded
    }

    /// Replaces encoded bytes with decoded ones; the original length is kept.
    pub(crate) fn replace_decoded(&mut self, bytes: impl Into<bytes::Bytes>) {
        self.replace(bytes);
        self.is_decoded = true;
    }

    /// Marks the bytes as without content coding, regardless of header fields.
    pub(crate) fn decoded(bytes: impl Into<bytes::Bytes>) -> Self {
        Self {
            is_decoded: true,
            ..Self::from(bytes)
        }
    }

    /// Replaces the bytes; the original length is kept.
    pub(crate) fn replace(&mut self, bytes: impl Into<bytes::Bytes>) {
        self.length = Some(self.length() as u64);
        self.bytes = bytes.into();
    }

    /// Keeps at most `max` bytes, and whole characters if they are text.
    pub(crate) fn keep(&mut self, max: usize) {
        if self.bytes.len() <= max {
            return;
        }
        let end = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.floor_char_boundary(max),
            Err(_) => max,
        };
        self.length = Some(self.length() as u64);
        self.is_cut = true;
        // Copied, so that the rest is freed.
        self.bytes = bytes::Bytes::copy_from_slice(&self.bytes[..end]);
    }

    /// The bytes as text, invalid UTF-8 replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl<T: Into<bytes::Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self {
            bytes: bytes.into(),
            length: None,
            is_cut: false,
            is_decoded: false,
        }
    }
}

impl Serialize for Content {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        let (text, base64) = match std::str::from_utf8(&self.bytes) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (
                None,
                Some(base64::engine::general_purpose::STANDARD.encode(&self.bytes)),
            ),
        };
        ContentForm {
            text,
            base64,
            length: self.length,
            cut: self.is_cut,
            decoded: self.is_decoded,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        use serde::de::Error as _;
        let form = ContentForm::deserialize(deserializer)?;
        let bytes = match (form.text, form.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(D::Error::custom)?,
            _ => return Err(D::Error::custom("expected either `text` or `base64`")),
        };
        Ok(Self {
            bytes: bytes.into(),
            length: form.length,
            is_cut: form.cut,
            is_decoded: form.decoded,
        })
    }
}

/// Instants as RFC 3339 with microseconds.
pub(crate) mod instant {
    use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text)
            .map(|at| at.to_utc().trunc_subsecs(6))
            .map_err(serde::de::Error::custom)
    }
}

/// An [`instant`] that may be missing.
pub(crate) mod maybe_instant {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Form(#[serde(with = "super::instant")] DateTime<Utc>);

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Form).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        Ok(Option::<Form>::deserialize(deserializer)?.map(|form| form.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_bytes_of_a_field_are_different_text() {
        for (value, shown) in [
            (&b"caf\xe9"[..], "caf\\xe9"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"\xff\xfe a \x80", "\\xff\\xfe a \\x80"),
            (b"\xe4\xb8", "\\xe4\\xb8"),
            (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
            ("\u{fffd}".as_bytes(), "\u{fffd}"),
            // The representation of a byte.
            ("\u{10ffe9}".as_bytes(), "\\xf4\\x8f\\xbf\\xa9"),
        ] {
            let text = field_text(value);
            assert_eq!(field_shown(&text), shown);
            let bytes = field_bytes(&text).unwrap_or_else(|| text.clone().into_bytes());
            assert_eq!(bytes, value, "{shown}");
        }
    }
}
