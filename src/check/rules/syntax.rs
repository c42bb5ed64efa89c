//! `http/syntax`: violations of the message syntax in responses that can be read.

use super::{super::view::ResponseView, Violation};
use crate::model::Request;

pub(super) fn check(_: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let (first, others) = response.syntax.split_first()?;
    let others = others
        .iter()
        .map(|other| format!("{}: {:?}", other.kind.message(), other.bytes.text()));
    let mut actual = vec![format!("{:?}", first.bytes.text())];
    actual.extend(others);
    Some(
        Violation::new(first.kind.message())
            .expected(first.kind.expected())
            .actual(actual.join("; ")),
    )
}
