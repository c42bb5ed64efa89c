//! The lines of a file of Hurl, and its contents that take several lines.

use base64::Engine as _;

use super::{HELP, ImportError};
use crate::import::body::JSON;

/// A content of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HurlBody {
    /// Text with variables, and the media type that Hurl adds.
    Text(String, Option<&'static str>),
    Bytes(Vec<u8>),
    File(String),
    /// A query and its variables.
    Graphql(String, Option<String>),
}

/// A reader of lines.
pub(super) struct HurlLines<'t> {
    lines: Vec<&'t str>,
    at: usize,
}

impl<'t> HurlLines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            lines: text
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line))
                .collect(),
            at: 0,
        }
    }

    /// The next line with content, without surrounding whitespace; it is not taken.
    pub(super) fn peek(&mut self) -> Option<&'t str> {
        loop {
            let line = self.lines.get(self.at)?.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(line);
            }
            self.at += 1;
        }
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ImportError {
        let line = self.lines.get(self.at).copied().unwrap_or_default();
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        ImportError::new(message, HELP).at(self.at + 1, column)
    }

    /// The content that begins in the current line, if one does.
    pub(super) fn body(&mut self) -> Result<Option<HurlBody>, ImportError> {
        let Some(line) = self.peek() else { return Ok(None) };
        if line.starts_with("```") {
            return self.multi_line().map(Some);
        }
        let body = if let Some(rest) = line.strip_prefix('`') {
            let text = rest
                .rfind('`')
                .map(|end| &rest[..end])
                .ok_or_else(|| self.error("the text has no end"))?;
            HurlBody::Text(unescaped(text), None)
        } else if let Some(name) = line.strip_prefix("file,") {
            HurlBody::File(
                until_semicolon(name)
                    .ok_or_else(|| self.error("`file,` has no `;`"))?
                    .to_owned(),
            )
        } else if let Some(text) = line.strip_prefix("base64,") {
            let text = until_semicolon(text).ok_or_else(|| self.error("`base64,` has no `;`"))?;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            HurlBody::Bytes(bytes.map_err(|_| self.error("the base64 is damaged"))?)
        } else if let Some(text) = line.strip_prefix("hex,") {
            let text = until_semicolon(text).ok_or_else(|| self.error("`hex,` has no `;`"))?;
            HurlBody::Bytes(hex(text).ok_or_else(|| self.error("the hexadecimal digits are damaged"))?)
        } else if line.starts_with(['{', '[', '"']) || is_scalar(line) {
            return self.json().map(Some);
        } else if line.starts_with('<') {
            return Ok(Some(self.xml()));
        } else {
            return Ok(None);
        };
        self.advance();
        Ok(Some(body))
    }

    fn multi_line(&mut self) -> Result<HurlBody, ImportError> {
        let line = self.lines[self.at].trim();
        let kind = line.trim_start_matches('`').trim();
        // In one line.
        if let Some(text) = kind.strip_suffix("```") {
            self.advance();
            return Ok(HurlBody::Text(text.to_owned(), None));
        }
        let mut text = String::new();
        let mut at = self.at + 1;
        loop {
            let line = self.lines.get(at).ok_or_else(|| self.error("the text has no end"))?;
            if let Some(last) = line.trim_end().strip_suffix("```") {
                text.push_str(last);
                break;
            }
            text.push_str(line);
            text.push('\n');
            at += 1;
        }
        self.at = at + 1;
        Ok(match kind.split(',').next().unwrap_or_default().trim() {
            "json" => HurlBody::Text(text, Some(JSON)),
            "xml" => HurlBody::Text(text, Some("application/xml")),
            "graphql" => {
                let mark = text.lines().position(|line| line.trim_start().starts_with("variables"));
                match mark {
                    None => HurlBody::Graphql(text.trim_end().to_owned(), None),
                    Some(mark) => {
                        let lines: Vec<_> = text.lines().collect();
                        let variables = lines[mark..].join("\n");
                        let variables = variables.trim_start().trim_start_matches("variables").trim().to_owned();
                        let query = lines[..mark].join("\n").trim_end().to_owned();
                        HurlBody::Graphql(query, Some(variables))
                    }
                }
            }
            _ => HurlBody::Text(text, None),
        })
    }

    /// A JSON value, as it is written.
    fn json(&mut self) -> Result<HurlBody, ImportError> {
        let mut text = String::new();
        let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
        let mut at = self.at;
        loop {
            let line = self.lines.get(at).ok_or_else(|| self.error("the JSON has no end"))?;
            let line = if at == self.at { line.trim_start() } else { line };
            for c in line.chars() {
                text.push(c);
                match c {
                    _ if is_escaped => is_escaped = false,
                    '\\' if in_string => is_escaped = true,
                    '"' => in_string = !in_string,
                    '{' | '[' if !in_string => depth += 1,
                    '}' | ']' if !in_string => depth = depth.saturating_sub(1),
                    _ => {}
                }
                let is_container = text.starts_with(['{', '[']);
                let is_end = depth == 0
                    && !in_string
                    && (matches!(c, '}' | ']') || (c == '"' && !is_container && text.len() > 1));
                if is_end {
                    self.at = at + 1;
                    return Ok(HurlBody::Text(text, Some(JSON)));
                }
            }
            if depth == 0 && !in_string {
                self.at = at + 1;
                return Ok(HurlBody::Text(text.trim_end().to_owned(), Some(JSON)));
            }
            text.push('\n');
            at += 1;
        }
    }

    /// XML: up to the next response or request.
    fn xml(&mut self) -> HurlBody {
        let mut text = String::new();
        while let Some(line) = self.lines.get(self.at) {
            let is_next = line.starts_with("HTTP") || super::entry::request_line(line).is_some();
            if is_next {
                break;
            }
            text.push_str(line);
            text.push('\n');
            self.at += 1;
        }
        HurlBody::Text(text.trim_end().to_owned(), Some("application/xml"))
    }
}

fn is_scalar(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    matches!(line, "true" | "false" | "null") || line.parse::<f64>().is_ok()
}

fn until_semicolon(text: &str) -> Option<&str> {
    text.split_once(';').map(|(text, _)| text.trim())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// A value without its escapes.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                out.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// A line without a comment at its end. A `#` in quotes, or after a backslash, begins none.
pub(super) fn without_comment(line: &str) -> &str {
    let (mut in_quotes, mut is_escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => in_quotes = !in_quotes,
            '#' if !in_quotes => return line[..at].trim_end(),
            _ => {}
        }
    }
    line.trim_end()
}
