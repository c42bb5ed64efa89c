//! `-F`: the parts of `multipart/form-data`, as curl writes them (RFC 7578).

use super::ImportError;
use crate::import::body::curl_type_of_file;

/// The boundary of imported requests; curl makes a new one for each.
pub(super) const BOUNDARY: &str = "------------------------conforme00000000";

/// A part.
#[derive(Clone, Debug)]
pub(super) struct FormPart {
    name: String,
    file_name: Option<String>,
    media_type: Option<String>,
    content: Vec<u8>,
}

/// Reads `name=value`, `name=@file`, `name=<file`, with `;type=` and `;filename=`.
pub(super) fn form_part(
    value: &[u8],
    is_literal: bool,
    read: &dyn Fn(&str) -> Result<Vec<u8>, ImportError>,
) -> Result<FormPart, ImportError> {
    let at = value.iter().position(|byte| *byte == b'=').ok_or_else(|| {
        let shown = String::from_utf8_lossy(value).into_owned();
        ImportError::new(
            format!("-F {shown}: expected `name=content`"),
            "write `-F name=content`",
        )
    })?;
    let name = String::from_utf8_lossy(&value[..at]).into_owned();
    let mut part = FormPart {
        name,
        file_name: None,
        media_type: None,
        content: value[at + 1..].to_vec(),
    };
    if is_literal {
        return Ok(part);
    }
    let text = String::from_utf8_lossy(&value[at + 1..]).into_owned();
    let (content, parameters) = split(&text);
    for (key, value) in parameters {
        match key {
            "type" => part.media_type = Some(value),
            "filename" => part.file_name = Some(value),
            _ => {}
        }
    }
    if let Some(file) = content.strip_prefix('@') {
        part.content = read(file)?;
        let base = file.rsplit('/').next().unwrap_or(file);
        part.file_name.get_or_insert_with(|| base.to_owned());
        part.media_type
            .get_or_insert_with(|| curl_type_of_file(file).to_owned());
    } else if let Some(file) = content.strip_prefix('<') {
        part.content = read(file)?;
    } else {
        part.content = content.into_bytes();
    }
    Ok(part)
}

/// The content of a part and its parameters. Content without quotes ends at the first semicolon.
fn split(text: &str) -> (String, Vec<(&str, String)>) {
    // A file name may be quoted after its `@`.
    let text = text.trim_start();
    let mark = &text[..usize::from(text.starts_with(['@', '<']))];
    let (content, mut rest) = word(&text[mark.len()..]);
    let mut parameters: Vec<(&str, String)> = Vec::new();
    while let Some(inner) = rest.strip_prefix(';') {
        let inner = inner.trim_start();
        let keys = ["type", "filename", "headers", "encoder"];
        let known = keys
            .iter()
            .find_map(|key| Some((*key, inner.strip_prefix(key)?.strip_prefix('=')?)));
        let value;
        (value, rest) = word(known.map_or(inner, |(_, value)| value));
        match (known, parameters.last_mut()) {
            (Some((key, _)), _) => parameters.push((key, value)),
            // A parameter of the media type.
            (None, Some(("type", media_type))) => {
                media_type.push_str("; ");
                media_type.push_str(&value);
            }
            // curl skips it.
            (None, _) => {}
        }
    }
    (format!("{mark}{content}"), parameters)
}

/// The text up to a semicolon, and the rest. In quotes, it can contain one.
fn word(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    let rest = &quoted[at + 1..];
                    return (out, &rest[rest.find(';').unwrap_or(rest.len())..]);
                }
                '\\' if quoted[at + 1..].starts_with(['"', '\\']) => out.extend(chars.next().map(|(_, c)| c)),
                c => out.push(c),
            }
        }
    }
    let (word, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    (word.trim_end().to_owned(), rest)
}

/// The content of a request with these parts.
pub(super) fn content(parts: &[FormPart]) -> Vec<u8> {
    let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(format!("--{BOUNDARY}\r\n").as_bytes());
        let mut field = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        if let Some(file) = &part.file_name {
            field.push_str("; filename=\"");
            field.push_str(&quoted(file));
            field.push('"');
        }
        out.extend_from_slice(field.as_bytes());
        if let Some(media_type) = &part.media_type {
            out.extend_from_slice(format!("\r\nContent-Type: {media_type}").as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&part.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    out
}
