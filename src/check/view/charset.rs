//! Decoding text by its charset (RFC 9110 §8.3.2), with the labels of the WHATWG Encoding Standard.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use crate::check::media_type::MediaType;

/// Replaces a sequence of bytes that is invalid in its charset; UTF-8 text never contains this byte.
const INVALID: u8 = 0xff;
/// Labels of ASCII, which the standard reads as windows-1252.
const ASCII: [&str; 12] = [
    "ansi_x3.4-1968",
    "ansi_x3.4-1986",
    "ascii",
    "cp367",
    "csascii",
    "ibm367",
    "iso-ir-6",
    "iso646-us",
    "iso_646.irv:1991",
    "us",
    "us-ascii",
    "x-ascii",
];

/// The text of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'b> {
    /// The text, or why some bytes are not text, so that no test of a text treats them as a character.
    pub(crate) content: Result<Cow<'b, str>, InvalidText>,
    /// The charset, unless it is UTF-8 or a part of it.
    pub(crate) charset: Option<&'static str>,
    /// Whether a byte order mark came before it.
    pub(crate) has_mark: bool,
}

/// Text with bytes in it that are invalid in its charset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidText {
    /// UTF-8, with the byte 0xFF for each invalid sequence.
    pub(crate) bytes: Vec<u8>,
    /// The error, such as "byte 4 is not valid UTF-8".
    pub(crate) reason: String,
}

impl<'b> Text<'b> {
    /// The text for output, with invalid sequences as U+FFFD.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match &self.content {
            Ok(text) => Cow::Borrowed(text),
            Err(text) => String::from_utf8_lossy(&text.bytes),
        }
    }

    /// The same.
    pub(crate) fn into_shown(self) -> Cow<'b, str> {
        match self.content {
            Ok(text) => text,
            Err(text) => Cow::Owned(String::from_utf8_lossy(&text.bytes).into_owned()),
        }
    }
}

/// Decodes text. A byte order mark decides and is not part of the text; without one the charset of the media type does,
/// and without any the text is UTF-8. Fails with the name of a charset that is not supported.
pub(crate) fn decode<'b>(bytes: &'b [u8], kind: Option<&MediaType>) -> Result<Text<'b>, String> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return Ok(with(encoding, bytes.get(length..).unwrap_or_default(), length));
    }
    // JSON is UTF-8, whatever a charset says (RFC 8259 §8.1, §11).
    let charset = kind.filter(|kind| !kind.is_json());
    let Some(label) = charset.and_then(|kind| kind.parameters.get("charset")) else {
        return Ok(with(UTF_8, bytes, 0));
    };
    let label = label.trim().to_ascii_lowercase();
    if ASCII.contains(&label.as_str()) {
        return Ok(ascii(bytes));
    }
    // Without a byte order mark `utf-16` is big-endian (RFC 2781 §4.3), unlike in the standard for browsers.
    if label == "utf-16" {
        return Ok(with(UTF_16BE, bytes, 0));
    }
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding != REPLACEMENT => Ok(with(encoding, bytes, 0)),
        _ => Err(label),
    }
}

/// The `encoding` of an XML declaration.
pub(super) fn of_xml_declaration(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"<?xml")?;
    let end = memchr::memmem::find(rest.get(..256.min(rest.len()))?, b"?>")?;
    let declaration = std::str::from_utf8(rest.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let (encoding, _) = value.get(1..)?.split_once(quote)?;
    Some(encoding.to_owned())
}

fn ascii(bytes: &[u8]) -> Text<'_> {
    let Some(at) = bytes.iter().position(|byte| !byte.is_ascii()) else {
        return with(UTF_8, bytes, 0);
    };
    let bytes = bytes.iter().map(|byte| if byte.is_ascii() { *byte } else { INVALID });
    Text {
        content: Err(InvalidText {
            bytes: bytes.collect(),
            reason: format!("byte {} is not valid US-ASCII", at + 1),
        }),
        charset: None,
        has_mark: false,
    }
}

/// `skipped` bytes before `bytes` were a byte order mark.
fn with<'b>(encoding: &'static Encoding, bytes: &'b [u8], skipped: usize) -> Text<'b> {
    let decoded = |content| Text {
        content,
        charset: (encoding != UTF_8).then(|| encoding.name()),
        has_mark: skipped > 0,
    };
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return decoded(Ok(text));
    }
    let name = if encoding == UTF_16LE || encoding == UTF_16BE {
        "UTF-16"
    } else {
        encoding.name()
    };
    let (out, first) = replaced(encoding, bytes);
    decoded(Err(InvalidText {
        bytes: out,
        reason: format!("byte {} is not valid {name}", skipped + first + 1),
    }))
}

/// The text with [`INVALID`] for each invalid sequence, and the index of a byte in the first of them.
fn replaced(encoding: &'static Encoding, bytes: &[u8]) -> (Vec<u8>, usize) {
    use encoding_rs::DecoderResult;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut out = Vec::with_capacity(bytes.len());
    let mut piece = String::with_capacity(4096);
    let (mut read, mut first) = (0, None);
    loop {
        let rest = bytes.get(read..).unwrap_or_default();
        let (result, count) = decoder.decode_to_string_without_replacement(rest, &mut piece, true);
        read += count;
        out.extend_from_slice(piece.as_bytes());
        piece.clear();
        match result {
            DecoderResult::InputEmpty => return (out, first.unwrap_or_default()),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                out.push(INVALID);
                first.get_or_insert(read.saturating_sub(usize::from(length) + usize::from(after)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], kind: &str) -> Result<String, String> {
        let kind = MediaType::parse(kind);
        match decode(bytes, kind.as_ref())?.content {
            Ok(text) => Ok(text.into_owned()),
            Err(text) => Ok(format!("!{}", text.reason)),
        }
    }

    #[test]
    fn charsets_are_honored() {
        for (bytes, kind, expected) in [
            (&b"gr\xc3\xb6\xc3\x9fe"[..], "text/plain", "größe"),
            (b"gr\xc3\xb6\xc3\x9fe", "text/plain; charset=UTF-8", "größe"),
            (b"gr\xf6\xdfe", "text/plain; charset=iso-8859-1", "größe"),
            (b"gr\xf6\xdfe", "text/plain; charset=\"ISO-8859-1\"", "größe"),
            (b"\x80 1", "text/plain; charset=windows-1252", "€ 1"),
            (b"\xa4 1", "text/plain; charset=iso-8859-15", "€ 1"),
            (b"\x93\xfa\x96\x7b", "text/plain; charset=Shift_JIS", "日本"),
            (b"\xc6\xfc\xcb\xdc", "text/plain; charset=euc-jp", "日本"),
            (b"\xff\xfea\0", "text/plain; charset=utf-16", "a"),
            (b"\xfe\xff\0a", "text/plain; charset=utf-16", "a"),
            (b"\0a", "text/plain; charset=utf-16", "a"),
            (b"a\0", "text/plain; charset=UTF-16LE", "a"),
            (b"\xff\xfea\0", "text/plain; charset=utf-16le", "a"),
            (b"\0a", "text/plain; charset=utf-16be", "a"),
            (b"\xef\xbb\xbfa", "text/plain", "a"),
            (b"\xef\xbb\xbfa", "text/plain; charset=utf-8", "a"),
            (b"\xef\xbf\xbd", "text/plain", "\u{fffd}"),
            (b"abc", "text/plain; charset=us-ascii", "abc"),
            (b"gr\xc3\xb6", "application/json; charset=iso-8859-1", "grö"),
            (b"", "text/plain; charset=utf-16", ""),
        ] {
            assert_eq!(text(bytes, kind).as_deref(), Ok(expected), "{kind}");
        }
    }

    #[test]
    fn invalid_bytes_are_named_and_never_a_character() {
        for (bytes, kind, expected) in [
            (&b"caf\xe9"[..], "text/plain", "!byte 4 is not valid UTF-8"),
            (b"\xef\xbb\xbf\xff", "text/plain", "!byte 4 is not valid UTF-8"),
            (
                b"caf\xe9",
                "text/plain; charset=us-ascii",
                "!byte 4 is not valid US-ASCII",
            ),
            (
                b"\0a\xd8\0",
                "text/plain; charset=utf-16be",
                "!byte 3 is not valid UTF-16",
            ),
            (b"\0a\0", "text/plain; charset=utf-16be", "!byte 3 is not valid UTF-16"),
            (
                b"a\x81\xff",
                "text/plain; charset=shift_jis",
                "!byte 2 is not valid Shift_JIS",
            ),
        ] {
            assert_eq!(text(bytes, kind).as_deref(), Ok(expected), "{kind}");
            let kind = MediaType::parse(kind);
            let text = decode(bytes, kind.as_ref()).unwrap().content.unwrap_err();
            assert!(std::str::from_utf8(&text.bytes).is_err());
        }
    }

    #[test]
    fn an_unsupported_charset_is_an_error() {
        for label in ["utf-32", "utf-7", "klingon", "iso-2022-kr"] {
            assert_eq!(
                text(b"a", &format!("text/plain; charset={label}")),
                Err(label.to_owned())
            );
        }
    }
}
