//! `http/coding`: content comes as it was asked for.

use super::super::{
    Finding,
    view::{DecodeError, ResponseView},
};
use crate::exchange::Request;

pub(super) fn check(request: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    let coding = answer.header("content-encoding").next()?.trim();
    if coding.eq_ignore_ascii_case("identity") || answer.body.is_empty() {
        return None;
    }
    let accepted = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"))
        .flat_map(|(_, value)| value.split(','))
        .map(|one| one.split(';').next().unwrap_or_default().trim())
        .any(|one| one == "*" || one.eq_ignore_ascii_case(coding));
    if !accepted {
        return Some(
            Finding::new("", "the content is coded in a way that was not asked for")
                .expected("no `Content-Encoding`, or one of `Accept-Encoding`")
                .actual(coding),
        );
    }
    match answer.bytes() {
        // A truncated response is a finding of `http/length`.
        Ok(_) | Err(DecodeError::Unsupported(_)) => None,
        Err(_) if answer.cut.is_some() => None,
        Err(error) => Some(
            Finding::new("", "the content is not in its content coding")
                .expected(format!("content in the coding {coding}"))
                .actual(error.to_string()),
        ),
    }
}
