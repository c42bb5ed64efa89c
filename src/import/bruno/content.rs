//! The content of a request, and its URL, in the bytes that Bruno sends.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value as Json;

use super::{BruReader, BruRequest, blocks::BruPair};
use crate::import::{
    DraftPart, DraftPartContent,
    body::{self, FORM},
    names::{is_variable, short},
    tool_request::{ToolContent, ToolRequest},
};

/// Characters that `encodeURIComponent` of JavaScript encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Characters that `URLSearchParams` encodes; a space becomes `+`.
const SEARCH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b' ');

/// Percent-encodes a text without its variables.
fn encoded(text: &str, set: &'static AsciiSet) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(is_variable) {
        let end = piece.trim_end_matches(is_variable).len();
        out.push_str(&utf8_percent_encode(&piece[..end], set).to_string());
        out.push_str(&piece[end..]);
    }
    out
}

/// A URL with its path and query percent-encoded, as Bruno does with the setting `encodeUrl`. `is_below`: the URL begins with
/// the path, below a base URL.
pub(super) fn encoded_url(url: &str, is_below: bool) -> String {
    let start = if is_below {
        0
    } else {
        url.find("://").map_or(0, |at| at + 3)
    };
    let start = start
        + if is_below {
            0
        } else {
            url[start..].find(['/', '?']).unwrap_or(url.len() - start)
        };
    let (origin, rest) = url.split_at(start);
    let (path, query) = rest
        .split_once('?')
        .map_or((rest, None), |(path, query)| (path, Some(query)));
    let segments = path.split('/').map(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        encoded(&decoded, COMPONENT)
    });
    let mut out = format!("{origin}{}", segments.collect::<Vec<_>>().join("/"));
    if let Some(query) = query {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with('='));
        let pairs = pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{}={}", encoded(name, COMPONENT), encoded(value, COMPONENT)),
            None => encoded(pair, COMPONENT),
        });
        out.push('?');
        out.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    out
}

/// Sets the content of a request.
pub(super) fn set(reader: &mut BruReader<'_>, one: &BruRequest, tool: &mut ToolRequest, notes: &mut Vec<String>) {
    let mode = one.value("body");
    let block = match mode {
        "" | "none" => return,
        "formUrlEncoded" | "form-urlencoded" => "body:form-urlencoded",
        "multipartForm" | "multipart-form" => "body:multipart-form",
        "file" => "body:file",
        "graphql" => {
            tool.content = graphql(reader, one, notes);
            return;
        }
        mode @ ("json" | "text" | "xml" | "sparql") => {
            let kind = match mode {
                "json" => "application/json",
                "xml" => "application/xml",
                "sparql" => "application/sparql-query",
                _ => "text/plain",
            };
            // A block without a name is JSON.
            let own = one.file.text(&format!("body:{mode}"));
            let text = own.or_else(|| one.file.text("body").filter(|_| mode == "json"));
            if let Some(text) = text {
                let text = if mode == "json" {
                    without_comments(text)
                } else {
                    text.to_owned()
                };
                let text = reader.text(one, &text, notes);
                tool.content = ToolContent::Bytes(text.into_bytes(), Some(kind));
            }
            return;
        }
        other => {
            notes.push(format!("the content of the type `{}`", short(other)));
            return;
        }
    };
    let pairs: Vec<BruPair> = one.file.enabled(block).cloned().collect();
    match block {
        "body:form-urlencoded" => {
            let fields: Vec<_> = (pairs.iter())
                .map(|pair| {
                    let name = one.literal(&pair.name, notes);
                    (name, reader.text(one, &pair.value, notes))
                })
                .collect();
            tool.content = form(fields, reader);
        }
        "body:multipart-form" => {
            // Bruno replaces the media type, and its parameters.
            tool.headers
                .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            let mut parts = Vec::new();
            for pair in &pairs {
                part(reader, one, pair, &mut parts, notes);
            }
            tool.content = ToolContent::Parts(parts);
        }
        _ => {
            let Some(pair) = pairs.first() else { return };
            let (file, kind) = with_type(&pair.value);
            super::set_header(&mut tool.headers, "content-type", kind.unwrap_or_default());
            let Some(file) = file_of(&file).map(str::trim) else {
                return;
            };
            match (reader.read)(file) {
                Ok(bytes) => tool.content = ToolContent::Bytes(bytes, None),
                Err(reason) => notes.push(format!("the file `{}`: {reason}", short(file))),
            }
        }
    }
}

/// Form fields, encoded as `URLSearchParams` does.
fn form(fields: Vec<(String, String)>, reader: &mut BruReader<'_>) -> ToolContent {
    let search = |text: &str| encoded(text, SEARCH).replace(' ', "+");
    let all = || fields.iter().flat_map(|(name, value)| [name, value]);
    if all().all(|text| search(text) == body::percent_encoded(text)) {
        return ToolContent::Form(fields);
    }
    let names = &mut reader.draft.names;
    let mut text = |part: &str| names.filtered(&search(part), "url_encode");
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", text(name), text(value)));
    let text = pairs.collect::<Vec<_>>().join("&");
    ToolContent::Bytes(text.into_bytes(), Some(FORM))
}

/// A value and its `@contentType(...)`.
fn with_type(value: &str) -> (String, Option<String>) {
    let found = value
        .trim_end()
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once("@contentType("));
    match found {
        Some((value, kind)) => (value.trim_end().to_owned(), Some(kind.trim().to_owned())),
        None => (value.to_owned(), None),
    }
}

/// The paths of `@file(...)`.
fn file_of(value: &str) -> Option<&str> {
    value.strip_prefix("@file(")?.strip_suffix(')')
}

fn part(
    reader: &mut BruReader<'_>,
    one: &BruRequest,
    pair: &BruPair,
    parts: &mut Vec<DraftPart>,
    notes: &mut Vec<String>,
) {
    let name = reader.text(one, &pair.name, notes);
    let (value, kind) = with_type(&pair.value);
    let kind = kind.filter(|kind| !kind.is_empty());
    let Some(files) = file_of(&value) else {
        let text = reader.text(one, &value, notes);
        parts.push(DraftPart {
            name,
            content: DraftPartContent::Text(text),
            content_type: kind,
            file_name: None,
        });
        return;
    };
    for file in files.split('|').map(str::trim).filter(|file| !file.is_empty()) {
        match (reader.read)(file) {
            Ok(bytes) => {
                let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
                let kind = kind.clone().unwrap_or_else(|| body::type_of_file(base).to_owned());
                parts.push(DraftPart {
                    name: name.clone(),
                    content: DraftPartContent::File(String::new(), bytes),
                    content_type: Some(kind),
                    file_name: Some(base.to_owned()),
                });
            }
            Err(reason) => notes.push(format!("the file `{}`: {reason}", short(file))),
        }
    }
}

/// A query of GraphQL with its variables, as compact JSON.
fn graphql(reader: &mut BruReader<'_>, one: &BruRequest, notes: &mut Vec<String>) -> ToolContent {
    let query = one.file.text("body:graphql").unwrap_or_default().to_owned();
    let query = reader.text(one, &query, notes);
    let variables = without_comments(one.file.text("body:graphql:vars").unwrap_or("{}"));
    let variables = compact(&reader.text(one, &variables, notes));
    let text = format!("{{\"query\":{},\"variables\":{variables}}}", Json::from(query));
    ToolContent::Bytes(text.into_bytes(), Some("application/json"))
}

/// JSON without whitespace outside of strings.
fn compact(text: &str) -> String {
    let mut out = String::new();
    let (mut is_inside, mut is_escaped) = (false, false);
    for c in text.chars() {
        if is_inside {
            out.push(c);
            (is_inside, is_escaped) = match c {
                _ if is_escaped => (true, false),
                '\\' => (true, true),
                '"' => (false, false),
                _ => (true, false),
            };
        } else if !c.is_whitespace() {
            out.push(c);
            is_inside = c == '"';
        }
    }
    out
}

/// JSON without comments, which Bruno removes.
fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let (mut is_inside, mut is_escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        if !is_inside && rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        if !is_inside && rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
            continue;
        }
        (is_inside, is_escaped) = match c {
            _ if is_escaped => (is_inside, false),
            '\\' => (is_inside, is_inside),
            '"' => (!is_inside, false),
            _ => (is_inside, false),
        };
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}
