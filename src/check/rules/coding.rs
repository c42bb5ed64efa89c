//! `http/coding`: content comes as it was asked for.

use super::super::Finding;
use crate::exchange::{Answer, Request};

pub(super) fn check(request: &Request, answer: &Answer) -> Option<Finding> {
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
    (!accepted).then(|| {
        Finding::new("", "the content is coded in a way that was not asked for")
            .expected("no `Content-Encoding`, or one of `Accept-Encoding`")
            .actual(coding)
    })
}
