//! A response as lines: status, header fields in alphabetical order, and the body, indented if it is JSON.

use serde_json::Value;

use crate::{
    check::status_name,
    model::{Content, Exchange, Outcome, Response},
    report::limits::{RESPONSE_BODY as BODY, RESPONSE_LINE as LINE, RESPONSE_LINES as LINES},
};

/// Replaces a value that is noise.
const VARIES: &str = "(varies)";

/// A line and the part of the response that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseLine {
    /// The text, not yet escaped.
    pub text: String,
    /// The part of the response.
    pub part: ResponsePart,
    /// Number of bytes at the start of the text that are a name.
    pub name: usize,
}

impl ResponseLine {
    fn other(text: String) -> Self {
        Self {
            text,
            part: ResponsePart::Other,
            name: 0,
        }
    }
}

/// A part of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResponsePart {
    /// The status, or why there is none.
    Status,
    /// A header field, by its name in lower case.
    Header(String),
    /// A value of a JSON body, by its pointer, with `*` for the items of arrays.
    Body(String),
    /// A part without a name.
    Other,
}

impl ResponsePart {
    /// Whether a change is about it. A pointer includes everything in its value; `*` matches any item.
    pub(super) fn is_at(&self, pointer: Option<&str>, header: Option<&str>) -> bool {
        match self {
            Self::Header(name) => header.is_some_and(|wanted| wanted.eq_ignore_ascii_case(name)),
            Self::Body(own) => pointer.is_some_and(|wanted| !wanted.is_empty() && is_within(own, wanted)),
            Self::Status | Self::Other => false,
        }
    }
}

fn is_within(own: &str, wanted: &str) -> bool {
    let mut own = own.split('/');
    wanted.split('/').all(|wanted| own.next() == Some(wanted))
}

/// The lines of a response.
pub(super) fn lines(exchange: &Exchange) -> Vec<ResponseLine> {
    let mut out = Vec::new();
    let mut add = |text: String, part: ResponsePart, name: usize| out.push(ResponseLine { text, part, name });
    match &exchange.outcome {
        Outcome::Response(response) => {
            let status = match &response.reason {
                Some(reason) => format!("{} {reason}", response.status),
                None => status_name(response.status),
            };
            add(format!("{} {status}", response.version), ResponsePart::Status, 0);
            let mut headers: Vec<_> = response.headers.iter().collect();
            // The order of different fields has no meaning (RFC 9110 section 5.3).
            headers.sort_by(|one, other| one.0.cmp(&other.0));
            for (name, value) in headers {
                let part = ResponsePart::Header(name.to_ascii_lowercase());
                add(format!("{name}: {value}"), part, name.len() + 2);
            }
            body(&response.body, &mut out);
            for (name, value) in &response.trailers {
                let part = ResponsePart::Header(format!("{}{}", Response::TRAILER, name.to_ascii_lowercase()));
                out.push(ResponseLine {
                    text: format!("{name}: {value}"),
                    part,
                    name: name.len() + 2,
                });
            }
        }
        Outcome::Malformed(malformed) => {
            add(format!("malformed: {}", malformed.reason), ResponsePart::Status, 0);
            body(&malformed.bytes, &mut out);
        }
        Outcome::Failure(failure) => add(failure.message.clone(), ResponsePart::Status, 0),
    }
    let all = out.len();
    if all > LINES {
        out.truncate(LINES);
        out.push(ResponseLine::other(format!("… {} more lines", all - LINES)));
    }
    for line in &mut out {
        if line.text.len() > LINE {
            let end = line.text.floor_char_boundary(LINE);
            line.text = format!("{}… ({} more bytes)", &line.text[..end], line.text.len() - end);
        }
    }
    out
}

/// Lines in which the values at these locations are replaced.
pub(super) fn without(lines: Vec<ResponseLine>, locations: &[&str]) -> Vec<ResponseLine> {
    let is_noise = |line: &&ResponseLine| {
        locations.iter().any(|location| {
            let (pointer, header) = if location.starts_with('/') {
                (Some(*location), None)
            } else {
                (None, Some(*location))
            };
            line.part.is_at(pointer, header)
        })
    };
    let mut out: Vec<ResponseLine> = Vec::new();
    for line in lines {
        if !is_noise(&&line) {
            out.push(line);
            continue;
        }
        // A value of several lines is replaced once.
        let is_inner = match (out.last().map(|last| &last.part), &line.part) {
            (Some(ResponsePart::Body(last)), ResponsePart::Body(own)) => {
                is_within(own, last) && out.last().is_some_and(|last| last.text.ends_with(VARIES))
            }
            _ => false,
        };
        if !is_inner {
            let text = format!("{}{VARIES}", &line.text[..line.text.floor_char_boundary(line.name)]);
            out.push(ResponseLine { text, ..line });
        }
    }
    out
}

fn body(content: &Content, out: &mut Vec<ResponseLine>) {
    if content.is_empty() {
        return;
    }
    let mut add = |text: String| out.push(ResponseLine::other(text));
    add(String::new());
    let bytes = content.bytes();
    let Ok(text) = std::str::from_utf8(bytes) else {
        return add(format!("({} bytes that are not text)", content.length()));
    };
    // A longer body is shown, not parsed.
    if text.len() <= BODY
        && let Ok(value) = crate::json::read(text.as_bytes())
    {
        json(&value, "", 0, &mut String::new(), "", out);
        return;
    }
    let shown = &text[..text.floor_char_boundary(BODY)];
    for line in shown.split('\n').take(LINES + 1) {
        add(line.to_owned());
    }
    if shown.len() < content.length() {
        add(format!("… ({} bytes in total)", content.length()));
    }
}

/// A value, one line for each of its parts. `lead` is the name in front of it, `end` the comma after it.
fn json(value: &Value, lead: &str, depth: usize, pointer: &mut String, end: &str, out: &mut Vec<ResponseLine>) {
    let mut add = |text: String, pointer: &str| {
        out.push(ResponseLine {
            text: format!("{:1$}{text}", "", depth * 2),
            part: ResponsePart::Body(pointer.to_owned()),
            name: depth * 2 + lead.len(),
        });
    };
    let inner: Vec<(String, String, &Value)> = match value {
        Value::Object(map) if !map.is_empty() => {
            add(format!("{lead}{{"), pointer);
            map.iter()
                .map(|(name, value)| {
                    let step = name.replace('~', "~0").replace('/', "~1");
                    (format!("{}: ", Value::from(name.as_str())), step, value)
                })
                .collect()
        }
        Value::Array(items) if !items.is_empty() => {
            add(format!("{lead}["), pointer);
            items
                .iter()
                .map(|value| (String::new(), "*".to_owned(), value))
                .collect()
        }
        plain => return add(format!("{lead}{plain}{end}"), pointer),
    };
    let last = inner.len();
    let closing = if value.is_object() { '}' } else { ']' };
    for (at, (lead, step, value)) in inner.into_iter().enumerate() {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&step);
        let end = if at + 1 < last { "," } else { "" };
        json(value, &lead, depth + 1, pointer, end, out);
        pointer.truncate(length);
    }
    out.push(ResponseLine {
        text: format!("{:1$}{closing}{end}", "", depth * 2),
        part: ResponsePart::Body(pointer.clone()),
        name: 0,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, ResponsePart)> {
        let mut out = Vec::new();
        body(&text.to_owned().into(), &mut out);
        out.into_iter().skip(1).map(|line| (line.text, line.part)).collect()
    }

    #[test]
    fn lines_of_a_json_body_have_pointers() {
        let at = |pointer: &str| ResponsePart::Body(pointer.to_owned());
        assert_eq!(
            shown("{\"b/~\": [1.0, {}], \"a\": {\"x\": \"\\\"\"}}"),
            [
                ("{".to_owned(), at("")),
                ("  \"a\": {".to_owned(), at("/a")),
                ("    \"x\": \"\\\"\"".to_owned(), at("/a/x")),
                ("  },".to_owned(), at("/a")),
                ("  \"b/~\": [".to_owned(), at("/b~1~0")),
                ("    1.0,".to_owned(), at("/b~1~0/*")),
                ("    {}".to_owned(), at("/b~1~0/*")),
                ("  ]".to_owned(), at("/b~1~0")),
                ("}".to_owned(), at("")),
            ]
        );
    }

    #[test]
    fn star_of_a_pointer_matches_any_item() {
        let own = ResponsePart::Body("/items/*/email".to_owned());
        assert!(own.is_at(Some("/items/*/email"), None) && own.is_at(Some("/items"), None));
        assert!(!own.is_at(Some("/items/*/name"), None) && !own.is_at(Some("/items/*/email/x"), None));
        assert!(!own.is_at(Some(""), None) && !own.is_at(None, Some("items")));
        // A number as the name of a property is a name.
        assert!(!ResponsePart::Body("/items/12".to_owned()).is_at(Some("/items/*"), None));
        assert!(ResponsePart::Header("etag".to_owned()).is_at(None, Some("ETag")));
    }

    #[test]
    fn body_that_is_long_or_not_json_is_shown_unchanged() {
        assert_eq!(
            shown("a\nb"),
            [
                ("a".to_owned(), ResponsePart::Other),
                ("b".to_owned(), ResponsePart::Other)
            ]
        );
        let long = shown(&"[1],".repeat(BODY));
        assert_eq!(long.len(), 2);
        assert_eq!(long[1].0, format!("… ({} bytes in total)", 4 * BODY));
        let lines = shown("{\"a\": [1, {\"b\": 2}], \"ab\": 3}");
        let parts = lines.into_iter().map(|(text, part)| ResponseLine {
            name: text.find(": ").map_or(0, |at| at + 2),
            text,
            part,
        });
        let text: Vec<_> = without(parts.collect(), &["/a", "date"])
            .into_iter()
            .map(|line| line.text)
            .collect();
        assert_eq!(text, ["{", "  \"a\": (varies)", "  \"ab\": 3", "}"]);
        let deep = "[".repeat(100_000);
        assert!(!shown(&deep).is_empty());
    }
}
