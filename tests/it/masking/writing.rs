//! The ways in which a secret can be written, and looking for all that is left of one.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::{prelude::*, sample::select};

/// A secret: printable ASCII with all that is escaped anywhere, and some Unicode.
pub(super) fn secrets() -> impl Strategy<Value = String> {
    let special = select(" +/=&%\"\\<>'`?#;:@{}$,.é漢😀".chars().collect::<Vec<_>>());
    let plain = select(('a'..='z').chain('A'..='Z').chain('0'..='9').collect::<Vec<_>>());
    // A word first and last, so that it does not occur in the text around it and keeps its ends in a header.
    let middle = prop::collection::vec(prop_oneof![1 => special, 2 => plain.clone()], 4..56);
    let end = move || prop::collection::vec(plain.clone(), 2..5);
    (end(), middle, end()).prop_map(|parts| [parts.0, parts.1, parts.2].concat().into_iter().collect())
}

/// How one character is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Encoding {
    Plain,
    Percent(bool),
    Form,
    Json,
    JsonHex(bool),
    JsonSlash,
    Debug,
    DebugHex,
    Entity,
    EntityHex,
    EntityName,
}

/// The formats: the encodings that are mixed in one text, and what must never occur unencoded in it.
pub(super) const FORMATS: [&[Encoding]; 5] = [
    &[Encoding::Plain, Encoding::Percent(true), Encoding::Percent(false)],
    &[Encoding::Form, Encoding::Percent(true), Encoding::Percent(false)],
    &[
        Encoding::Json,
        Encoding::JsonHex(true),
        Encoding::JsonHex(false),
        Encoding::JsonSlash,
    ],
    &[Encoding::Debug, Encoding::DebugHex],
    &[Encoding::EntityName, Encoding::Entity, Encoding::EntityHex],
];

fn percent(c: char, upper: bool, out: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        let _ = if upper {
            write!(out, "%{byte:02X}")
        } else {
            write!(out, "%{byte:02x}")
        };
    }
}

fn encode_char(c: char, encoding: Encoding, out: &mut String) {
    let _ = match encoding {
        Encoding::Percent(upper) => {
            percent(c, upper, out);
            Ok(())
        }
        Encoding::Form if c == ' ' => write!(out, "+"),
        Encoding::Form if "+%&=".contains(c) => {
            percent(c, true, out);
            Ok(())
        }
        Encoding::JsonSlash if c == '/' => write!(out, "\\/"),
        Encoding::Json | Encoding::JsonSlash => {
            let quoted = serde_json::Value::String(c.to_string()).to_string();
            write!(out, "{}", &quoted[1..quoted.len() - 1])
        }
        Encoding::JsonHex(upper) => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| {
            if upper {
                write!(out, "\\u{unit:04X}")
            } else {
                write!(out, "\\u{unit:04x}")
            }
        }),
        Encoding::Debug if "\"'\\".contains(c) => write!(out, "\\{c}"),
        Encoding::DebugHex if c.is_ascii() => write!(out, "\\x{:02x}", c as u32),
        Encoding::DebugHex => write!(out, "\\u{{{:x}}}", c as u32),
        Encoding::Entity => write!(out, "&#{};", c as u32),
        Encoding::EntityHex => write!(out, "&#x{:X};", c as u32),
        Encoding::EntityName => match c {
            '&' => write!(out, "&amp;"),
            '<' => write!(out, "&lt;"),
            '>' => write!(out, "&gt;"),
            '"' => write!(out, "&quot;"),
            '\'' => write!(out, "&apos;"),
            c => write!(out, "{c}"),
        },
        Encoding::Plain | Encoding::Form | Encoding::Debug => write!(out, "{c}"),
    };
}

/// A text with each character in the encoding that its turn of `choices` gives, of one of [`FORMATS`].
pub(super) fn mixed(text: &str, format: usize, choices: &[u8]) -> String {
    let encodings = FORMATS[format % FORMATS.len()];
    let mut out = String::new();
    for (c, choice) in text.chars().zip(choices.iter().cycle()) {
        encode_char(c, encodings[usize::from(*choice) % encodings.len()], &mut out);
    }
    out
}

/// The certain characters of a text's base64, `offset` bytes after the beginning.
pub(super) fn base64_piece(text: &str, offset: usize) -> String {
    let whole = STANDARD.encode([&vec![b'~'; offset], text.as_bytes()].concat());
    let bytes = offset + text.len();
    whole[(offset * 8).div_ceil(6)..bytes * 8 / 6].to_owned()
}

/// All that could still be read of a secret in an output, however it is written: the pieces that are in it.
pub(super) fn left_of(secret: &str, output: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Each kind of escapes undone alone, then all kinds together, and again.
    let mut texts = vec![output.to_owned()];
    for leads in ["%", "\\", "&", "%\\&"] {
        let plain = undone(output, leads);
        texts.push(undone(&plain, "%\\&"));
        texts.push(plain);
    }
    let chars: Vec<char> = secret.chars().collect();
    // A run of characters that is long enough not to be there by chance.
    let run = 8.min(chars.len());
    let mut pieces: Vec<String> = chars.windows(run).map(|run| run.iter().collect()).collect();
    pieces.extend((0..3).map(|offset| base64_piece(secret, offset)));
    pieces.extend((0..3).map(|offset| base64_piece(secret, offset).replace('+', "-").replace('/', "_")));
    pieces.push(
        secret
            .bytes()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
    );
    // In a form `+` is a space.
    let with_plus: Vec<_> = pieces.iter().map(|piece| piece.replace(' ', "+")).collect();
    // Most texts have no escapes and are the same.
    texts.sort_unstable();
    texts.dedup();
    for text in &texts {
        let text_with_plus = text.replace(' ', "+");
        for (piece, with_plus) in pieces.iter().zip(&with_plus) {
            if text_with_plus.contains(with_plus) {
                found.push(piece.clone());
            }
        }
    }
    found
}

/// Every escape undone that begins with one of `leads`: a simple implementation of its own.
fn undone(text: &str, leads: &str) -> String {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text;
    let hex = |text: Option<&str>| text.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let mut high = None;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let read: Option<(u32, usize)> = match c {
            c if !leads.contains(c) => None,
            '%' => hex(after.get(..2)).map(|code| (code, 2)),
            '\\' => match after.chars().next() {
                Some('u') if after[1..].starts_with('{') => {
                    after.find('}').and_then(|end| Some((hex(after.get(2..end))?, end + 1)))
                }
                Some('u') => hex(after.get(1..5)).map(|code| (code, 5)),
                Some('x') => hex(after.get(1..3)).map(|code| (code, 3)),
                Some(mark) if mark.is_ascii_punctuation() => Some((mark as u32, 1)),
                _ => None,
            },
            '&' => after.find(';').filter(|end| *end < 10).and_then(|end| {
                let code = match &after[..end] {
                    "amp" => 38,
                    "lt" => 60,
                    "gt" => 62,
                    "quot" => 34,
                    "apos" => 39,
                    number if number.starts_with("#x") => u32::from_str_radix(&number[2..], 16).ok()?,
                    number => number.strip_prefix('#')?.parse().ok()?,
                };
                Some((code, end + 1))
            }),
            _ => None,
        };
        let Some((code, length)) = read else {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            rest = after;
            continue;
        };
        rest = &after[length..];
        if c == '%' {
            out.push(u8::try_from(code).unwrap_or_default());
            continue;
        }
        let code = match (high.take(), code) {
            (_, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (_, code) => code,
        };
        if let Some(c) = char::from_u32(code) {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
