//! A response: its status, media type, content and header fields.

use super::{
    super::{media_type::MediaType, sink::FindingSink, view::ResponseView},
    DocumentFinding, DocumentFindings,
    stream::{StreamViolation, stream_kind, stream_violations},
    values::{ValueShape, violation},
};
use crate::{
    model::{Level, Request},
    openapi::{DeclaredContent, DeclaredHeader, DeclaredResponse, Direction, Operation},
};

/// Whether an API can send a status for any request, by its framework or a proxy: if undeclared, it is a warning.
pub(crate) fn is_usual(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 405 | 415 | 422 | 429)
}

pub(super) fn check<S: FindingSink>(
    operation: &Operation,
    request: &Request,
    view: &ResponseView<'_>,
    violations: &mut DocumentFindings<'_, S>,
) {
    if operation.responses.is_empty() {
        return;
    }
    let Some(declared) = operation.response(view.status) else {
        let most = if is_usual(view.status) {
            Level::Warn
        } else {
            Level::Deny
        };
        violations.report("openapi/status", most, |_| {
            let statuses: Vec<_> = operation.responses.iter().map(|one| one.status.to_string()).collect();
            DocumentFinding {
                message: format!("`{}` does not declare this status", operation.name()),
                expected: statuses.join(", "),
                actual: view.status.to_string(),
                part: operation.part.at("responses"),
                ..DocumentFinding::default()
            }
        });
        return;
    };
    for header in &declared.headers {
        check_header(header, view, violations);
    }
    let is_without_content = request.method == "HEAD" || matches!(view.status, 100..=199 | 204 | 205 | 304);
    // A response without `content` can have any, and a part of a representation is not valid by itself.
    if is_without_content || declared.content.is_empty() || view.status == 206 {
        return;
    }
    if is_partial(view) {
        // The complete items of a stream are known.
        let actual = view.media_type();
        if let Some((content, actual)) = actual.and_then(|actual| Some((matching(&declared.content, actual)?, actual)))
        {
            check_stream(content, actual, (view, false), violations);
        }
        return;
    }
    check_content(declared, view, violations);
}

/// Whether not all of the content is known.
fn is_partial(view: &ResponseView<'_>) -> bool {
    view.stopped.is_some() || view.cut.is_some() || view.body.is_cut()
}

fn check_content<S: FindingSink>(
    declared: &DeclaredResponse,
    view: &ResponseView<'_>,
    violations: &mut DocumentFindings<'_, S>,
) {
    let part = declared.part.at("content");
    if view.body.is_empty() {
        let needs_value = |content: &DeclaredContent| content.schema.is_some() && is_json(&content.media_type);
        if declared.content.iter().all(needs_value) {
            violations.report("openapi/body", Level::Deny, |_| DocumentFinding {
                message: "the response has no content, and the document declares JSON".to_owned(),
                expected: media_types(&declared.content),
                actual: "(empty)".to_owned(),
                part,
                ..DocumentFinding::default()
            });
        }
        return;
    }
    let sent = view.header("content-type").next();
    let actual = sent.and_then(MediaType::parse);
    let Some(content) = actual.as_ref().and_then(|actual| matching(&declared.content, actual)) else {
        violations.report("openapi/media-type", Level::Deny, |_| DocumentFinding {
            message: match sent {
                Some(_) => "the document does not declare this media type".to_owned(),
                None => "the response has no `Content-Type`".to_owned(),
            },
            expected: media_types(&declared.content),
            actual: sent.unwrap_or("(absent)").to_owned(),
            part,
            ..DocumentFinding::default()
        });
        return;
    };
    let Some(actual) = actual else { return };
    let Some(schema) = content.schema.as_ref().filter(|_| actual.is_json()) else {
        return check_stream(content, &actual, (view, true), violations);
    };
    if violations.level("openapi/body") == Level::Off {
        return;
    }
    match view.json() {
        Ok(value) => {
            for found in violations.document.violations(schema, Direction::Response, value) {
                violations.report("openapi/body", Level::Deny, |document| DocumentFinding {
                    message: format!("the body breaks the document: {}", found.message),
                    expected: document.reference(&found.part),
                    actual: found.actual,
                    pointer: Some(found.pointer),
                    part: found.part,
                });
            }
        }
        Err(error) => violations.report("openapi/body", Level::Deny, |_| DocumentFinding {
            message: "the body is not JSON, which the document declares".to_owned(),
            expected: content.media_type.clone(),
            actual: error.to_string(),
            part: content.part.clone(),
            ..DocumentFinding::default()
        }),
    }
}

/// The items of a stream.
fn check_stream<S: FindingSink>(
    content: &DeclaredContent,
    actual: &MediaType,
    (view, is_complete): (&ResponseView<'_>, bool),
    violations: &mut DocumentFindings<'_, S>,
) {
    let kind = stream_kind(content, &actual.essence);
    let Some((kind, bytes)) = kind.zip(view.bytes().ok()) else {
        return;
    };
    let document = violations.document;
    let what = (content, kind);
    match stream_violations(document, what, Direction::Response, (bytes, is_complete)) {
        Ok(all) => {
            for StreamViolation { item, violation } in all {
                violations.report("openapi/body", Level::Deny, |document| DocumentFinding {
                    message: match item {
                        Some(item) => format!("item {item} of the stream breaks the document: {}", violation.message),
                        None => format!("the items of the stream break the document: {}", violation.message),
                    },
                    expected: document.reference(&violation.part),
                    actual: violation.actual,
                    part: violation.part,
                    ..DocumentFinding::default()
                });
            }
        }
        Err((item, reason)) => violations.report("openapi/body", Level::Deny, |_| DocumentFinding {
            message: format!("item {item} of the stream is not JSON, which the document declares"),
            expected: content.media_type.clone(),
            actual: reason,
            part: content.part.clone(),
            ..DocumentFinding::default()
        }),
    }
}

fn check_header<S: FindingSink>(
    header: &DeclaredHeader,
    view: &ResponseView<'_>,
    violations: &mut DocumentFindings<'_, S>,
) {
    let name = header.name.to_ascii_lowercase();
    let values: Vec<_> = view.header(&name).collect();
    if values.is_empty() {
        if header.required {
            violations.report("openapi/header", Level::Deny, |document| DocumentFinding {
                message: format!("the response has no `{}`, which the document requires", header.name),
                expected: document.reference(&header.part),
                actual: "(absent)".to_owned(),
                part: header.part.at("required"),
                ..DocumentFinding::default()
            });
        }
        return;
    }
    // The values of several cookies are not one list.
    if name == "set-cookie" {
        return;
    }
    let text = values.join(",");
    let document = violations.document;
    let found = if let Some(content) = &header.content {
        let is_json = is_json(&content.media_type);
        let schema = content.schema.as_ref().filter(|_| is_json);
        schema.and_then(|schema| {
            let value = serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text.clone()));
            document
                .violations(schema, Direction::Response, &value)
                .into_iter()
                .next()
        })
    } else {
        let schema = header.schema.as_ref();
        schema.and_then(|schema| {
            let read = |shape: &ValueShape| shape.simple(&text, header.explode);
            violation(document, schema, Direction::Response, read)
        })
    };
    if let Some(found) = found {
        violations.report("openapi/header", Level::Deny, |_| DocumentFinding {
            message: format!("`{}` breaks the document: {}", header.name, found.message),
            expected: document.reference(&found.part),
            actual: text,
            part: found.part,
            ..DocumentFinding::default()
        });
    }
}

/// Whether a declared media type or range is JSON.
pub(super) fn is_json(declared: &str) -> bool {
    MediaType::parse(declared).is_some_and(|kind| kind.is_json())
}

pub(super) fn media_types(content: &[DeclaredContent]) -> String {
    let all: Vec<_> = content.iter().map(|one| one.media_type.as_str()).collect();
    all.join(", ")
}

/// The declared content for a media type: the most specific one.
pub(crate) fn matching<'c>(content: &'c [DeclaredContent], actual: &MediaType) -> Option<&'c DeclaredContent> {
    let ranked = content
        .iter()
        .filter_map(|content| Some((rank(&content.media_type, actual)?, content)));
    let best = ranked.max_by_key(|(rank, _)| *rank);
    best.map(|(_, content)| content)
}

/// Whether a media type is a declared one, or in a declared range.
pub(super) fn matching_type(declared: &str, actual: &MediaType) -> bool {
    rank(declared, actual).is_some()
}

/// How exactly a declared media type or range describes a media type.
fn rank(declared: &str, actual: &MediaType) -> Option<u8> {
    let declared = MediaType::parse(declared)?;
    if declared.essence == actual.essence {
        let is_same = |(name, value): (&String, &String)| actual.parameters.get(name) == Some(value);
        let parameters = declared.parameters.len();
        if declared.parameters.iter().all(is_same) {
            return Some(if parameters == 0 { 4 } else { 5 });
        }
        // A charset does not change what the content means.
        let is_charset = declared.parameters.keys().all(|name| name == "charset");
        return is_charset.then_some(3);
    }
    let (kind, subtype) = declared.essence.split_once('/')?;
    let (actual_kind, actual_subtype) = actual.essence.split_once('/')?;
    let is_kind = kind == "*" || kind == actual_kind;
    match subtype.strip_prefix('*') {
        Some("") if is_kind => Some(u8::from(kind != "*")),
        Some(suffix) if is_kind && !suffix.is_empty() && actual_subtype.ends_with(suffix) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::DocumentPart;

    fn content(media_type: &str) -> DeclaredContent {
        DeclaredContent {
            media_type: media_type.to_owned(),
            schema: None,
            item_schema: None,
            examples: Vec::new(),
            part: DocumentPart::default(),
        }
    }

    #[test]
    fn media_types_are_compared_by_meaning() {
        for (declared, actual, found) in [
            (
                &["application/json"][..],
                "Application/JSON; charset=utf-8",
                Some("application/json"),
            ),
            (
                &["application/json; charset=utf-8"],
                "application/json",
                Some("application/json; charset=utf-8"),
            ),
            (&["application/json"], "application/problem+json", None),
            (&["application/*", "*/*"], "application/xml", Some("application/*")),
            (
                &["*/*", "application/*+json"],
                "application/vnd.a+json",
                Some("application/*+json"),
            ),
            (&["a/b; v=1", "a/b; v=2"], "a/b;v=2", Some("a/b; v=2")),
            (&["a/b; v=1"], "a/b;v=2", None),
            (&["text/*"], "image/png", None),
        ] {
            let all: Vec<_> = declared.iter().map(|name| content(name)).collect();
            let actual_type = MediaType::parse(actual).unwrap();
            let best = matching(&all, &actual_type).map(|one| one.media_type.as_str());
            assert_eq!(best, found, "{declared:?} {actual}");
        }
    }
}
