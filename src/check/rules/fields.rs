//! `http/challenge` and `http/allow`: fields that a status demands.

use super::super::{Finding, view::ResponseView};
use crate::exchange::{Answer, Request};

pub(super) fn challenge(_: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    demand(answer, 401, "www-authenticate", "401 has no `WWW-Authenticate`")
}

pub(super) fn allow(_: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    demand(answer, 405, "allow", "405 has no `Allow`")
}

fn demand(answer: &Answer, status: u16, field: &'static str, message: &str) -> Option<Finding> {
    (answer.status == status && answer.header(field).next().is_none()).then(|| {
        Finding::new("", message)
            .expected(format!("a `{field}` header"))
            .actual("(absent)")
    })
}
