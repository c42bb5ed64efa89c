//! `http/content-type` and `http/json`.

use super::{
    super::view::{BodyError, ResponseView},
    Violation,
};
use crate::model::Request;

pub(super) fn content_type(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let values: Vec<_> = response.header("content-type").collect();
    let message = match values.as_slice() {
        [] => return None,
        [_] if response.media_type().is_some() => return None,
        [_] => "the `Content-Type` is not a media type (RFC 9110 §8.3)",
        _ => "the response has more than one `Content-Type` (RFC 9110 §5.3, §8.3)",
    };
    Some(
        Violation::new(message)
            .expected("one media type")
            .actual(values.join(" | ")),
    )
}

pub(super) fn json(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    if response.body.is_empty() || response.cut.is_some() {
        return None;
    }
    if !response.media_type()?.is_json() {
        return None;
    }
    let error = match response.json() {
        // `http/coding` is about these.
        Ok(_) | Err(BodyError::Coding(_)) => return None,
        Err(error) => error,
    };
    Some(
        Violation::new("the body is declared as JSON and is not one strict JSON document (RFC 8259)")
            .expected("one JSON document in UTF-8, no key twice")
            .actual(format!("{error}: {}", response.shown())),
    )
}
