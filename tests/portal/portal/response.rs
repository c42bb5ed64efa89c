//! A response before it becomes bytes: status, headers, the fields of the body, the framing.

use super::call::Call;
use super::clock::Moment;
use super::row::Row;

/// A response that a behavior may still edit.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The situation it responds to.
    pub row: Row,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Header names and values in order, without those of the framing.
    pub headers: Vec<(String, String)>,
    /// The bytes after the header section.
    pub body: Body,
    /// How the end of the body is marked.
    pub framing: Framing,
    /// Whether the connection is closed behind the response although the client would keep it.
    pub close: bool,
    /// How many mails the response's request sent.
    pub mails: usize,
}

/// The bytes after the header section of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// A JSON object, field by field.
    Fields(Vec<(String, Value)>),
    /// Bytes that are no such object any more.
    Bytes(Vec<u8>),
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string, written with JSON's escapes.
    Text(String),
    /// A JSON text, written as it is.
    Raw(String),
}

/// How the end of a body is marked (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `Content-Length`; none on a 204 without a body.
    Length,
    /// `Transfer-Encoding: chunked`, in one chunk.
    Chunked,
    /// `Transfer-Encoding: chunked`, in chunks of this number of bytes, at least 1.
    ChunksOf(usize),
    /// The end of the connection.
    UntilClose,
}

impl Response {
    /// The contract's response to `call`, which fell into `row`, at the moment `now`.
    #[must_use]
    pub(crate) fn to(row: Row, call: &Call, now: Moment) -> Self {
        let status = match row {
            Row::Valid => 204,
            Row::NoToken | Row::InvalidToken | Row::ExpiredToken => 401,
            Row::MalformedTenant | Row::NotPrimary => 400,
            Row::OtherMethod => 405,
            Row::UnknownTenant | Row::UnknownUser | Row::ForeignUser | Row::MalformedUser | Row::NoRoute => 404,
        };
        let mut response = Self {
            row,
            status,
            reason: reason(status).to_owned(),
            headers: vec![("Date".to_owned(), now.imf_fixdate())],
            body: Body::Empty,
            framing: Framing::Length,
            close: false,
            mails: usize::from(row == Row::Valid),
        };
        match row {
            Row::MalformedTenant => response.fail(None, &format!("The value '{}' is not valid.", call.echo), now),
            Row::NotPrimary => {
                response.fail(
                    Some("TenantNotPrimary"),
                    "This is not the primary tenant for this User.",
                    now,
                );
            }
            Row::UnknownTenant | Row::UnknownUser | Row::ForeignUser | Row::MalformedUser => {
                response.fail(None, "Not Found", now);
            }
            Row::NoToken | Row::InvalidToken | Row::ExpiredToken => {
                response.add_header("WWW-Authenticate", "Bearer");
            }
            Row::OtherMethod => response.add_header("Allow", "POST"),
            Row::Valid | Row::NoRoute => {}
        }
        response
    }

    /// Gives the response an error body: the contract's fields in the order of its page.
    pub(crate) fn fail(&mut self, code: Option<&str>, message: &str, now: Moment) {
        let text = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
        let mut fields = vec![("error".to_owned(), Value::Raw(self.status.to_string()))];
        fields.extend(code.map(|code| text("errorCode", code)));
        fields.push(text("message", message));
        fields.push(text("status", "error"));
        fields.push(text("timestamp", &now.rfc3339(7)));
        self.body = Body::Fields(fields);
        self.header("Content-Type", "application/json; charset=utf-8");
    }

    /// Changes the status, its reason phrase and, if there is one, the body's `error`; a 204 loses its body.
    pub(crate) fn turn_into(&mut self, status: u16) {
        self.status = status;
        reason(status).clone_into(&mut self.reason);
        if matches!(status, 204 | 205 | 304) {
            self.body = Body::Empty;
            self.drop_header("Content-Type");
        }
        self.set("error", Value::Raw(status.to_string()));
    }

    /// Leaves nothing of the response but a status; no mail was sent.
    pub(crate) fn bare(&mut self, status: u16) {
        self.body = Body::Empty;
        self.drop_header("Content-Type");
        self.drop_header("WWW-Authenticate");
        self.turn_into(status);
        self.mails = 0;
    }

    /// Sends the client to `location` instead of answering.
    pub(crate) fn redirect(&mut self, status: u16, location: &str) {
        self.bare(status);
        self.header("Location", location);
    }

    /// Gives the field `key` a value, in its place if it is there, otherwise at the end. No effect without fields.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        let Body::Fields(fields) = &mut self.body else {
            return;
        };
        match fields.iter_mut().find(|(name, _)| name == key) {
            Some(field) => field.1 = value,
            None => fields.push((key.to_owned(), value)),
        }
    }

    /// Gives the field `key` a string.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.set(key, Value::Text(value.to_owned()));
    }

    /// Gives the field `key` a JSON text as it is.
    pub(crate) fn raw(&mut self, key: &str, json: &str) {
        self.set(key, Value::Raw(json.to_owned()));
    }

    /// Takes the field `key` away.
    pub(crate) fn without(&mut self, key: &str) {
        if let Body::Fields(fields) = &mut self.body {
            fields.retain(|(name, _)| name != key);
        }
    }

    /// Gives the field `key` another name.
    pub(crate) fn rename(&mut self, key: &str, new: &str) {
        if let Body::Fields(fields) = &mut self.body
            && let Some(field) = fields.iter_mut().find(|(name, _)| name == key)
        {
            new.clone_into(&mut field.0);
        }
    }

    /// Rewrites the message.
    pub(crate) fn reword(&mut self, new: impl Fn(&str) -> String) {
        if let Body::Fields(fields) = &mut self.body
            && let Some((_, Value::Text(message))) = fields.iter_mut().find(|(name, _)| name == "message")
        {
            *message = new(message);
        }
    }

    /// Replaces the body by what `new` makes of the compact JSON. No effect without fields.
    pub(crate) fn rewrite<B: Into<Vec<u8>>>(&mut self, new: impl Fn(String) -> B) {
        if let Body::Fields(fields) = &self.body {
            self.body = Body::Bytes(new(compact(fields, json_string)).into());
        }
    }

    /// Gives the header `name` a value, in its place if it is there, otherwise at the end.
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        match self.headers.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
            Some(header) => value.clone_into(&mut header.1),
            None => self.add_header(name, value),
        }
    }

    /// Adds a header line at the end, even if there is one of that name.
    pub(crate) fn add_header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Takes every header of that name away.
    pub(crate) fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    }

    /// Gives the response a body of bytes and says what they are.
    pub(crate) fn content(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) {
        self.body = Body::Bytes(bytes.into());
        self.header("Content-Type", media_type);
    }
}

/// A JSON object without whitespace, its strings written by `quote`.
#[must_use]
pub(crate) fn compact(fields: &[(String, Value)], quote: fn(&str) -> String) -> String {
    let written: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{}:{}", quote(key), value.json(quote)))
        .collect();
    format!("{{{}}}", written.join(","))
}

impl Value {
    /// The JSON text of the value, a string written by `quote`.
    #[must_use]
    pub(crate) fn json(&self, quote: fn(&str) -> String) -> String {
        match self {
            Self::Text(text) => quote(text),
            Self::Raw(json) => json.clone(),
        }
    }
}

/// `text` as a JSON string with no escape that is not needed (RFC 8259, section 7).
#[must_use]
pub(crate) fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => json.push_str(&unicode_escape(character)),
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

/// `character` as one or two `\u` escapes.
#[must_use]
pub(crate) fn unicode_escape(character: char) -> String {
    let mut units = [0; 2];
    let escapes: Vec<String> = character
        .encode_utf16(&mut units)
        .iter()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    escapes.concat()
}

/// The usual reason phrase of a status, or none.
#[must_use]
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
