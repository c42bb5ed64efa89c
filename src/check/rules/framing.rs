//! `http/no-content` and `http/length`: where the content ends, and that it ends there.

use super::super::{Finding, view::ResponseView};
use crate::exchange::{Answer, Request};

pub(super) fn no_content(request: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    let is_head = request.method == "HEAD";
    if !matches!(answer.status, 204 | 304) && !is_head {
        return None;
    }
    let finding = |message: &str| Finding::new("http/no-content", message);
    let bytes = if answer.body.is_empty() {
        &answer.excess
    } else {
        &answer.body
    };
    if !bytes.is_empty() {
        return Some(
            finding(&if is_head {
                "the answer to HEAD must not have content (RFC 9110 §9.3.2)".to_owned()
            } else {
                format!("{} must not have content", answer.status)
            })
            .expected("no bytes after the head")
            .actual(bytes.text()),
        );
    }
    if answer.status == 204 && !is_head {
        for name in ["content-length", "transfer-encoding"] {
            if let Some(value) = answer.header(name).next() {
                return Some(
                    finding(&format!("204 must not declare content with `{name}`"))
                        .expected("(absent)")
                        .actual(format!("{name}: {value}")),
                );
            }
        }
    }
    None
}

pub(super) fn length(request: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    let finding = |message: &str| Finding::new("http/length", message);
    if let Some(reason) = &answer.cut {
        return Some(
            finding("the content ended before it was complete")
                .expected(declared(answer).unwrap_or_else(|| "complete content".to_owned()))
                .actual(format!("{} bytes, then {reason}", answer.body.length())),
        );
    }
    if !super::may_have_content(request, answer) {
        return None;
    }
    if !answer.excess.is_empty() {
        return Some(
            finding("bytes follow the end of the answer")
                .expected(declared(answer).unwrap_or_else(|| "nothing more".to_owned()))
                .actual(format!(
                    "{} bytes and then {:?}",
                    answer.body.length(),
                    answer.excess.text()
                )),
        );
    }
    let lengths: Vec<_> = answer.header("content-length").collect();
    if let (Some(length), Some(coding)) = (lengths.first(), answer.header("transfer-encoding").next()) {
        return Some(
            finding("the answer declares its length in two ways (RFC 9112 §6.2)")
                .expected("`Content-Length` or `Transfer-Encoding`, not both")
                .actual(format!("content-length: {length} and transfer-encoding: {coding}")),
        );
    }
    if let Some(coding) = answer
        .header("transfer-encoding")
        .find(|coding| !coding.eq_ignore_ascii_case("chunked"))
    {
        return Some(
            finding("the transfer coding is none that was asked for (RFC 9112 §6.1, §7.4)")
                .expected("chunked")
                .actual(coding),
        );
    }
    match lengths.as_slice() {
        [] => None,
        [one] if one.parse() == Ok(answer.body.length()) => None,
        [one] => Some(
            finding("the content has another length than declared")
                .expected(format!("{one} bytes"))
                .actual(format!("{} bytes", answer.body.length())),
        ),
        more => Some(
            finding("`Content-Length` is declared more than once")
                .expected("one `Content-Length`")
                .actual(more.join(" | ")),
        ),
    }
}

fn declared(answer: &Answer) -> Option<String> {
    let length = answer.header("content-length").next()?;
    Some(format!("{length} bytes (Content-Length)"))
}
