//! `http/content-type` and `http/json`.

use super::super::{
    Finding,
    media_type::MediaType,
    view::{BodyError, ResponseView},
};
use crate::exchange::Request;

pub(super) fn content_type(request: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    let values: Vec<_> = answer.header("content-type").collect();
    let finding = |message: &str| {
        Finding::new("http/content-type", message).actual(if values.is_empty() {
            "(absent)".to_owned()
        } else {
            values.join(" | ")
        })
    };
    if answer.body.is_empty() {
        let exempt = request.method == "HEAD" || answer.status == 304 || answer.cut.is_some();
        return (!values.is_empty() && !exempt)
            .then(|| finding("there is a `Content-Type` and no body").expected("(absent)"));
    }
    match values.as_slice() {
        [] => Some(finding("the body has no `Content-Type`").expected("one media type")),
        [one] if MediaType::parse(one).is_some() => None,
        [_] => Some(finding("the `Content-Type` is not a media type").expected("one media type")),
        _ => Some(finding("the `Content-Type` is declared more than once").expected("one media type")),
    }
}

pub(super) fn json(_: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    if answer.body.is_empty() || answer.cut.is_some() {
        return None;
    }
    let declared = answer.header("content-type").next().and_then(MediaType::parse)?;
    if !declared.is_json() {
        return None;
    }
    let error = match answer.json() {
        // `http/coding` is about these.
        Ok(_) | Err(BodyError::Coding(_)) => return None,
        Err(error) => error,
    };
    Some(
        Finding::new(
            "http/json",
            "the body is declared as JSON and is not one strict JSON document",
        )
        .expected("one JSON document in UTF-8, no key twice")
        .actual(format!("{error}: {}", answer.shown())),
    )
}
