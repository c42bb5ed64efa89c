//! One message as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mailparse::{DispositionType, MailAddr, MailHeader, ParsedMail, body::Body};
use serde_json::{Value, json};

use super::links;

/// Maximum number of lines that can delimit parts (they begin with `--`). Every such line can cost a few hundred bytes of
/// memory, so a message of the maximum size could otherwise need gigabytes.
const MAX_DELIMITERS: usize = 10_000;

/// Maximum number of header fields of a message.
const MAX_HEADERS: usize = 1_000;

/// Maximum size in bytes of the value of one header field.
const MAX_HEADER: usize = 64 * 1024;

/// Maximum size in bytes of what `Content-Type` fields are longer than 256 bytes. The time for finding a boundary grows with
/// its length times the length of the message; RFC 2046 allows 70 characters.
const MAX_CONTENT_TYPES: usize = 16 * 1024;

/// Maximum number of `Content-Type` fields that are or may be those of multiparts. Each level of nesting searches the rest of
/// the message again.
const MAX_MULTIPARTS: usize = 32;

/// Why a message cannot be represented as JSON.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum MessageError {
    #[error("it has more than {MAX_DELIMITERS} lines that begin with `--`, which delimit parts")]
    Parts,
    #[error("it has more than {MAX_HEADERS} header fields")]
    Headers,
    #[error("its `Content-Type` fields are too long")]
    ContentTypes,
    #[error("it has more than {MAX_MULTIPARTS} multipart parts")]
    Multiparts,
    #[error("a header field is larger than {MAX_HEADER} bytes")]
    Header,
    #[error("it is not a message (RFC 5322): {0}")]
    Syntax(String),
}

/// The message as an object with `from`, `to`, `subject`, `date`, `text`, `html`, `links` and `headers`.
///
/// What the message does not contain is `null` (an empty list for `to` and `links`). `date` is the `Date` field in UTC
/// (RFC 3339). A body in several parts is joined by line breaks; attachments and forwarded messages are not part of it.
/// Characters that the charset does not have become U+FFFD, and a part whose transfer encoding is broken is used as it is.
pub(super) fn to_json(raw: &[u8]) -> Result<Value, MessageError> {
    let delimiters = memchr::memmem::find_iter(raw, "\n--").take(MAX_DELIMITERS + 1);
    if delimiters.count() > MAX_DELIMITERS {
        return Err(MessageError::Parts);
    }
    check_content_types(raw)?;
    let mail = mailparse::parse_mail(raw).map_err(|error| MessageError::Syntax(error.to_string()))?;
    if mail.headers.len() > MAX_HEADERS {
        return Err(MessageError::Headers);
    }
    if mail
        .headers
        .iter()
        .any(|field| field.get_value_raw().len() > MAX_HEADER)
    {
        return Err(MessageError::Header);
    }
    let (mut text, mut html) = (None, None);
    for part in mail.parts().filter(|part| is_body(part)) {
        match part.ctype.mimetype.as_str() {
            "text/plain" => join(&mut text, &body(part)),
            "text/html" => join(&mut html, &body(part)),
            _ => {}
        }
    }
    let links = links::of(text.as_deref().unwrap_or_default(), html.as_deref().unwrap_or_default());
    Ok(json!({
        "from": addresses(&mail, "from").into_iter().next(),
        "to": addresses(&mail, "to"),
        "subject": field(&mail, "subject").map(MailHeader::get_value),
        "date": field(&mail, "date").and_then(|field| date(&field.get_value())),
        "text": text,
        "html": html,
        "links": links,
        "headers": headers(&mail),
    }))
}

/// Checks all lines that could be `Content-Type` fields of a part, before anything is parsed.
fn check_content_types(raw: &[u8]) -> Result<(), MessageError> {
    let starts = memchr::memchr_iter(b'\n', raw).map(|end| end + 1);
    let (mut excess, mut multiparts) = (0_usize, 0_usize);
    for start in std::iter::once(0).chain(starts) {
        let field = &raw[start..];
        let is_named = field
            .get(..12)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"content-type"));
        if is_named {
            let mut ends = memchr::memchr_iter(b'\n', field);
            let is_last = |end: &usize| !matches!(field.get(end + 1), Some(b' ' | b'\t'));
            let field = &field[..ends.find(is_last).unwrap_or(field.len())];
            excess = excess.saturating_add(field.len().saturating_sub(256));
            if excess > MAX_CONTENT_TYPES {
                return Err(MessageError::ContentTypes);
            }
            // An encoded word (RFC 2047) can contain any text, and is decoded by the parser.
            let field = field.to_ascii_lowercase();
            let may_be_multipart =
                ["multipart", "=?"].map(|text| memchr::memmem::find(&field, text.as_bytes()).is_some());
            multiparts += usize::from(may_be_multipart.contains(&true));
        }
    }
    if multiparts > MAX_MULTIPARTS {
        return Err(MessageError::Multiparts);
    }
    Ok(())
}

/// The first field with this lower-case name.
fn field<'m, 'r>(mail: &'m ParsedMail<'r>, name: &str) -> Option<&'m MailHeader<'r>> {
    mail.headers.iter().find(|field| field_name(field) == name)
}

fn field_name(field: &MailHeader<'_>) -> String {
    field.get_key_ref().trim_end().to_ascii_lowercase()
}

/// The plain addresses of all fields with this name. A field that is not a list of addresses has none.
fn addresses(mail: &ParsedMail<'_>, name: &str) -> Vec<String> {
    let fields = mail.headers.iter().filter(|field| field_name(field) == name);
    let parsed = fields.filter_map(|field| mailparse::addrparse_header(field).ok());
    let mut addresses = Vec::new();
    for address in parsed.flat_map(mailparse::MailAddrList::into_inner) {
        match address {
            MailAddr::Single(single) => addresses.push(single.addr),
            MailAddr::Group(group) => addresses.extend(group.addrs.into_iter().map(|single| single.addr)),
        }
    }
    addresses
}

/// A `Date` field in UTC.
fn date(value: &str) -> Option<String> {
    let date = DateTime::parse_from_rfc2822(value.trim()).ok()?;
    Some(date.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Lower-case names with a decoded value, or a list of them if the field is repeated.
fn headers(mail: &ParsedMail<'_>) -> BTreeMap<String, Value> {
    let mut headers = BTreeMap::new();
    for field in &mail.headers {
        let value = Value::String(field.get_value());
        match headers.get_mut(&field_name(field)) {
            None => {
                headers.insert(field_name(field), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    headers
}

/// Whether a part is displayed, and not offered as a file.
fn is_body(part: &ParsedMail<'_>) -> bool {
    if !part.ctype.mimetype.starts_with("text/") {
        return false;
    }
    let disposition = part.get_content_disposition();
    disposition.disposition != DispositionType::Attachment && !disposition.params.contains_key("filename")
}

fn join(whole: &mut Option<String>, more: &str) {
    let Some(whole) = whole else {
        *whole = Some(more.to_owned());
        return;
    };
    if !whole.is_empty() && !whole.ends_with('\n') {
        whole.push('\n');
    }
    whole.push_str(more);
}

/// The text of a part, with LF as line ending.
fn body(part: &ParsedMail<'_>) -> String {
    let bytes = match part.get_body_encoded() {
        Body::Base64(body) | Body::QuotedPrintable(body) => {
            body.get_decoded().unwrap_or_else(|_| body.get_raw().to_vec())
        }
        Body::SevenBit(body) | Body::EightBit(body) => body.get_raw().to_vec(),
        Body::Binary(body) => body.get_raw().to_vec(),
    };
    decode(&bytes, &part.ctype.charset)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
}

/// Many messages declare `us-ascii`, the default, and contain UTF-8; so does text in a charset that is unknown here.
fn decode(bytes: &[u8], charset: &str) -> String {
    let encoding = Encoding::for_label(charset.trim().as_bytes());
    let is_ascii = charset.trim().to_ascii_lowercase().contains("ascii");
    let encoding = match encoding {
        Some(encoding) if !is_ascii => encoding,
        _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
        _ => WINDOWS_1252,
    };
    encoding.decode(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(raw: &str) -> Value {
        to_json(raw.replace('\n', "\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn plain_message_has_every_key() {
        let raw = "From: Shop <shop@example.test>\nTo: Jane <jane@example.test>, \"Doe, J.\" <doe@example.test>\n\
                   Subject: Hello\nDate: Mon, 30 Nov 2026 12:00:00 +0100\nX-A: 1\nx-a: 2\n\n\
                   Line 1\nhttps://example.test/a\n";
        let expected = json!({
            "from": "shop@example.test",
            "to": ["jane@example.test", "doe@example.test"],
            "subject": "Hello",
            "date": "2026-11-30T11:00:00Z",
            "text": "Line 1\nhttps://example.test/a\n",
            "html": null,
            "links": ["https://example.test/a"],
            "headers": {
                "from": "Shop <shop@example.test>",
                "to": "Jane <jane@example.test>, \"Doe, J.\" <doe@example.test>",
                "subject": "Hello",
                "date": "Mon, 30 Nov 2026 12:00:00 +0100",
                "x-a": ["1", "2"],
            },
        });
        assert_eq!(parsed(raw), expected);
    }

    #[test]
    fn empty_message_has_nulls() {
        let expected = json!({
            "from": null, "to": [], "subject": null, "date": null, "text": "", "html": null, "links": [], "headers": {},
        });
        assert_eq!(parsed("\n"), expected);
        assert_eq!(parsed("Date: yesterday\n\n")["date"], Value::Null);
    }

    #[test]
    fn alternatives_become_text_and_html() {
        let message = parsed(
            "Content-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: multipart/alternative; boundary=\"in ner\"\n\n\
             --in ner\nContent-Type: text/plain\n\nplain\n--in ner\nContent-Type: text/html\n\n<p>html</p>\n--in ner--\n\
             --outer\nContent-Type: text/plain\n\nfooter\n--outer--\n",
        );
        assert_eq!(message["text"], "plain\nfooter");
        assert_eq!(message["html"], "<p>html</p>");
    }

    #[test]
    fn attachments_and_forwarded_messages_are_not_the_body() {
        let message = parsed(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n\
             --b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nfile\n\
             --b\nContent-Type: text/html\nContent-Disposition: inline; filename=a.html\n\nfile\n\
             --b\nContent-Type: message/rfc822\n\nSubject: inner\n\nhttps://inner.example.test\n--b--\n",
        );
        assert_eq!(message["text"], "body");
        assert_eq!((&message["html"], &message["links"]), (&Value::Null, &json!([])));
    }

    #[test]
    fn transfer_encodings_and_charsets_are_decoded() {
        let text = |fields: &str, body: &str| parsed(&format!("{fields}\n\n{body}"))["text"].clone();
        let quoted = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable";
        assert_eq!(
            text(quoted, "caf=C3=A9 =\nwith cream=0D=0Anext"),
            "café with cream\nnext"
        );
        let base64 = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: BASE64";
        assert_eq!(text(base64, "Y2Fm\n6Q=="), "café");
        let unknown = "Content-Type: text/plain; charset=x-none";
        assert_eq!(text(unknown, "café"), "café");
        assert_eq!(text("Content-Type: text/plain", "café"), "café");
        let broken = "Content-Transfer-Encoding: base64";
        assert_eq!(text(broken, "!!!"), "!!!");
    }

    #[test]
    fn invalid_bytes_become_replacement_characters() {
        let raw = b"Content-Type: text/plain; charset=utf-8\r\n\r\na\xffb";
        assert_eq!(to_json(raw).unwrap()["text"], "a\u{fffd}b");
        let raw = b"Content-Type: text/plain; charset=us-ascii\r\n\r\ncaf\xe9";
        assert_eq!(to_json(raw).unwrap()["text"], "café");
    }

    #[test]
    fn encoded_words_are_decoded_in_header_values() {
        let message = parsed(
            "Subject: =?utf-8?b?R3LDvMOfZQ==?=\n =?utf-8?q?_now?=\nTo: =?utf-8?q?D=C3=B3e?= <d@example.test>\n\n",
        );
        assert_eq!(message["subject"], "Grüße now");
        assert_eq!(message["headers"]["to"], "Dóe <d@example.test>");
        assert_eq!(message["to"], json!(["d@example.test"]));
    }

    #[test]
    fn groups_are_lists_of_addresses() {
        let message = parsed("To: team: a@example.test, B <b@example.test>;\n\n");
        assert_eq!(message["to"], json!(["a@example.test", "b@example.test"]));
    }

    #[test]
    fn amounts_are_bounded() {
        let error = |raw: &str| to_json(raw.as_bytes()).unwrap_err();
        assert_eq!(error(&"\n--b".repeat(MAX_DELIMITERS + 1)), MessageError::Parts);
        assert_eq!(error(&"a: b\n".repeat(MAX_HEADERS + 1)), MessageError::Headers);
        assert_eq!(
            error(&format!("a: {}\n", "b".repeat(MAX_HEADER + 1))),
            MessageError::Header
        );
        let level = |level| format!("Content-Type: Multipart/mixed; boundary=b{level}x\n\n--b{level}x\n");
        let nested = |levels| (0..levels).map(level).collect::<Vec<_>>().concat();
        assert!(to_json(nested(MAX_MULTIPARTS).as_bytes()).is_ok());
        assert_eq!(error(&nested(MAX_MULTIPARTS + 1)), MessageError::Multiparts);
        let hidden = "\nContent-Type: =?utf-8?q?multipart/mixed=3B?= boundary=b\n";
        assert_eq!(error(&hidden.repeat(MAX_MULTIPARTS + 1)), MessageError::Multiparts);
    }

    #[test]
    fn any_bytes_give_a_message_or_an_error() {
        let seed = "Content-Type: multipart/mixed; boundary=b\r\nTo: =?utf-8?q?a?= <b@c>\r\nDate: Mon, 30 Nov 2026\r\n\r\n--b\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--\r\n";
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..random.usize(1..12) {
                let at = random.usize(..bytes.len());
                match random.u8(..3) {
                    0 => bytes[at] = random.u8(..),
                    1 => drop(bytes.drain(at..(at + random.usize(..20)).min(bytes.len()))),
                    _ => bytes.insert(at, *random.choice(b"\r\n-:;<>=?\"\\ (").unwrap()),
                }
            }
            drop(to_json(&bytes));
        }
    }
}
