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
            "type" => part.media_type = Some(value.to_owned()),
            "filename" => part.file_name = Some(value.to_owned()),
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

/// The content of a part and its parameters.
fn split(text: &str) -> (String, Vec<(&str, &str)>) {
    let unquote = |text: &str| match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    };
    let starts = [";type=", ";filename=", ";headers=", ";encoder="];
    let first = starts
        .iter()
        .filter_map(|start| text.find(start))
        .min()
        .unwrap_or(text.len());
    let (content, mut rest) = text.split_at(first);
    let mut parameters = Vec::new();
    while let Some(inner) = rest.strip_prefix(';') {
        let end = starts
            .iter()
            .filter_map(|start| inner.find(start))
            .min()
            .unwrap_or(inner.len());
        if let Some((key, value)) = inner[..end].split_once('=') {
            parameters.push((key.trim(), value.trim().trim_matches('"')));
        }
        rest = &inner[end..];
    }
    // A file name may be quoted after its `@`.
    let content = match content.strip_prefix(['@', '<']) {
        Some(file) => format!("{}{}", &content[..1], unquote(file)),
        None => unquote(content),
    };
    (content, parameters)
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
