//! Multipart bodies (RFC 7578).

use std::fmt::Write as _;

use bytes::Bytes;

use super::super::scope::Scope;
use crate::{
    check::sha256,
    source::Diagnostic,
    suite::{PartContent, PartDef},
};

/// Number of hexadecimal digits of a digest in a boundary.
const DIGITS: usize = 24;

/// The body and its boundary. The boundary is a digest of the parts, so that the same parts give the same body, and a line
/// of a part equals it only by intent.
pub(super) fn body(parts: &[PartDef], scope: &Scope<'_>) -> Result<(Bytes, String), Diagnostic> {
    let first = parts.first().map(|part| part.name.span);
    let is_sent = |part: &&PartDef| match &part.content {
        PartContent::File(_) => true,
        PartContent::Text(text) => !scope.omits(text),
        PartContent::Json(value) => !scope.omits_json(value),
    };
    let parts: Vec<(String, Bytes)> = parts
        .iter()
        .filter(is_sent)
        .map(|part| (header(part, scope), content(part, scope)))
        .collect();
    if let (true, Some(span)) = (parts.is_empty(), first) {
        let error = Diagnostic::new(span, "every part is left out, and a multipart body has at least one");
        return Err(error.help("give one of the parts a value in each row (RFC 2046 §5.1.1)"));
    }
    let all: Vec<&[u8]> = (parts.iter())
        .flat_map(|(header, content)| [header.as_bytes(), content])
        .collect();
    let digits = sha256(&all.concat());
    let boundary = format!("conforme-{}", &digits[..DIGITS]);
    let mut body = Vec::new();
    for (header, content) in &parts {
        body.extend_from_slice(format!("--{boundary}\r\n{header}\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((body.into(), boundary))
}

/// The header section of a part.
fn header(part: &PartDef, scope: &Scope<'_>) -> String {
    let mut header = format!(
        "Content-Disposition: form-data; name=\"{}\"",
        quoted(&scope.text(&part.name))
    );
    if let Some(filename) = &part.filename {
        let _ = write!(header, "; filename=\"{}\"", quoted(&scope.text(filename)));
    }
    header.push_str("\r\n");
    let kind = match (&part.content_type, &part.content) {
        (Some(kind), _) => Some(line(&scope.text(kind))),
        (None, PartContent::File(_)) => Some("application/octet-stream".to_owned()),
        (None, PartContent::Json(_)) => Some("application/json".to_owned()),
        (None, PartContent::Text(_)) => None,
    };
    if let Some(kind) = kind {
        let _ = write!(header, "Content-Type: {kind}\r\n");
    }
    header
}

fn content(part: &PartDef, scope: &Scope<'_>) -> Bytes {
    match &part.content {
        PartContent::File(bytes) => bytes.clone(),
        PartContent::Text(text) => scope.text(text).into(),
        PartContent::Json(value) => scope.json(value).to_string().into(),
    }
}

/// A name as browsers write it: quotation marks and line breaks are percent-encoded (RFC 7578 §2, HTML "multipart/form-data
/// encoding algorithm").
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A field value on one line.
fn line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
