//! The content and the query of a request: which form of a case gives the same bytes.

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use super::{
    DraftContent, DraftQuery, Names, Value,
    names::{has_variable, is_variable},
};
use crate::suite::ENCODED;

/// Size in bytes from which a body is written to a file of its own.
const LARGE: usize = 16 * 1024;

/// The media type of form fields.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// The media type of JSON.
pub(super) const JSON: &str = "application/json";

/// The content for these bytes, and whether it implies the media type. `file` is the name of a file for bytes that are
/// not text.
pub(super) fn content(bytes: Vec<u8>, media_type: Option<&str>, file: &str) -> (DraftContent, bool) {
    let text = match String::from_utf8(bytes) {
        Ok(text) if text.len() <= LARGE || has_variable(&text) => text,
        Ok(text) => return (DraftContent::File(file.to_owned(), text.into_bytes()), false),
        Err(error) => return (DraftContent::File(file.to_owned(), error.into_bytes()), false),
    };
    match media_type {
        Some(FORM) => {
            if let Some(fields) = fields(&text) {
                return (DraftContent::Form(fields), true);
            }
        }
        // `json` of a case is written in its compact form, with sorted keys.
        Some(JSON) if !has_variable(&text) => {
            let parsed = crate::json::read(text.as_bytes()).ok();
            if let Some(value) =
                parsed.filter(|value| serde_json::to_string(value).is_ok_and(|compact| compact == text))
            {
                return (DraftContent::Json(value), true);
            }
        }
        _ => {}
    }
    (DraftContent::Text(text), false)
}

/// The media type that curl sends for a file name.
pub(super) fn curl_type_of_file(file: &str) -> &'static str {
    let lower = file.to_ascii_lowercase();
    let types = [
        (".gif", "image/gif"),
        (".jpg", "image/jpeg"),
        (".jpeg", "image/jpeg"),
        (".png", "image/png"),
        (".svg", "image/svg+xml"),
        (".txt", "text/plain"),
        (".htm", "text/html"),
        (".html", "text/html"),
        (".pdf", "application/pdf"),
        (".xml", "application/xml"),
    ];
    let found = types.iter().find(|(extension, _)| lower.ends_with(extension));
    found.map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// The media type of a file by its name.
pub(super) fn type_of_file(name: &str) -> &'static str {
    const TYPES: [(&str, &str); 20] = [
        ("json", "application/json"),
        ("txt", "text/plain"),
        ("csv", "text/csv"),
        ("md", "text/markdown"),
        ("html", "text/html"),
        ("htm", "text/html"),
        ("css", "text/css"),
        ("js", "application/javascript"),
        ("xml", "application/xml"),
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("svg", "image/svg+xml"),
        ("webp", "image/webp"),
        ("zip", "application/zip"),
        ("gz", "application/gzip"),
        ("mp4", "video/mp4"),
        ("mp3", "audio/mpeg"),
    ];
    let extension = name
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
        .to_ascii_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == extension);
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

/// The query for this text, without its `?`.
pub(super) fn query(text: &str) -> DraftQuery {
    fields(text).map_or_else(|| DraftQuery::Raw(text.to_owned()), DraftQuery::Fields)
}

/// The same for a tool that percent-encodes the values of variables.
pub(super) fn encoding_query(text: &str) -> DraftQuery {
    decoded_fields(text).map_or_else(|| DraftQuery::Raw(text.to_owned()), DraftQuery::Fields)
}

/// The fields of a text that are encoded as a case encodes them; `None` if the bytes would differ.
fn fields(text: &str) -> Option<Vec<(String, Value)>> {
    if has_variable(text) {
        return None;
    }
    decoded_fields(text)
}

/// The same, with variables in values.
fn decoded_fields(text: &str) -> Option<Vec<(String, Value)>> {
    if text.is_empty() {
        return None;
    }
    let mut fields: Vec<(String, Value)> = Vec::new();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=')?;
        let decoded = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8().ok()?.into_owned();
            // A control character cannot be written legibly in a field.
            (percent_encoded(&decoded) == text).then_some(decoded)
        };
        let name = decoded(name).filter(|name| !name.is_empty() && !has_variable(name))?;
        fields.push((name, decoded(value)?));
    }
    is_together(&fields).then_some(fields)
}

/// Whether the values of each name follow each other: a case lists them together.
fn is_together(fields: &[(String, Value)]) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    fields.iter().all(|(name, _)| {
        let is_next = seen.last() == Some(&name.as_str()) || !seen.contains(&name.as_str());
        seen.push(name);
        is_next
    })
}

/// Percent-encodes a field as a case does, without its variables.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for piece in text.split_inclusive(is_variable) {
        let mut chars = piece.chars();
        let last = chars.next_back().filter(|c| is_variable(*c));
        let plain = if last.is_some() { chars.as_str() } else { piece };
        out.push_str(&utf8_percent_encode(plain, ENCODED).to_string());
        out.extend(last);
    }
    out
}

/// Form fields of a tool that encodes them as a case does.
pub(super) fn form(fields: Vec<(Value, Value)>, names: &mut Names) -> DraftContent {
    if is_together(&fields)
        && !fields.is_empty()
        && fields.iter().all(|(name, _)| !name.is_empty() && !has_variable(name))
    {
        return DraftContent::Form(fields);
    }
    let mut encoded = |text: &str| names.filtered(&percent_encoded(text), "url_encode");
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    DraftContent::Text(pairs.collect::<Vec<_>>().join("&"))
}

/// Percent-encodes as forms of curl do: a space is `+` in values.
pub(super) fn encode(bytes: &[u8], space: &str) -> String {
    let encoded = percent_encoding::percent_encode(bytes, ENCODED).to_string();
    encoded.replace("%20", space)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, media_type: &str) -> &'static str {
        match content(text.into(), Some(media_type), "f").0 {
            DraftContent::Json(_) => "json",
            DraftContent::Form(_) => "form",
            DraftContent::Text(_) => "text",
            DraftContent::File(..) | DraftContent::Multipart(_) => "file",
        }
    }

    #[test]
    fn json_and_form_are_used_only_for_the_same_bytes() {
        assert_eq!(of(r#"{"a":1,"b":[null,"x"]}"#, JSON), "json");
        assert_eq!(of(r#"{"b":1,"a":1}"#, JSON), "text");
        assert_eq!(of(r#"{"a": 1}"#, JSON), "text");
        assert_eq!(of(r#"{"a":1.0}"#, JSON), "json");
        assert_eq!(of(r#"{"a":"\/"}"#, JSON), "text");
        assert_eq!(of("a=1&b=%20x", FORM), "form");
        assert_eq!(of("a=1&a=2", FORM), "form");
        for text in ["a=1&b=2&a=3", "a", "a=+", "a=%2f", "", "=x", "a=é"] {
            assert_eq!(of(text, FORM), "text", "{text}");
        }
        assert_eq!(of("a=1", "text/plain"), "text");
        assert_eq!(of(&"x".repeat(LARGE + 1), "text/plain"), "file");
        assert!(matches!(content(vec![0xff], None, "f").0, DraftContent::File(name, _) if name == "f"));
    }

    #[test]
    fn query_is_fields_or_text() {
        let fields = |pairs: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            DraftQuery::Fields(pairs.iter().map(own).collect())
        };
        assert_eq!(query("a=1&b=x%20y"), fields(&[("a", "1"), ("b", "x y")]));
        assert_eq!(query("pretty"), DraftQuery::Raw("pretty".to_owned()));
        assert_eq!(query("a=x+y"), DraftQuery::Raw("a=x+y".to_owned()));
    }
}
