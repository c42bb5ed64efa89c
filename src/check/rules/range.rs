//! `http/range`: a 206 states which part of the content it has (RFC 9110 §14, §15.3.7).

use super::{
    super::{media_type::MediaType, view::ResponseView},
    Violation,
};
use crate::model::{Request, Response};

pub(super) fn check(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let ranges: Vec<_> = response.header("content-range").collect();
    let finding = |message: &str, expected: &str| {
        let actual = if ranges.is_empty() {
            "(absent)".to_owned()
        } else {
            ranges.join(" | ")
        };
        Some(Violation::new(message).expected(expected).actual(actual))
    };
    let expected = "`bytes FIRST-LAST/LENGTH`";
    match response.status {
        206 => {
            let kind = response.header("content-type").next().and_then(MediaType::parse);
            if let Some(kind) = kind.filter(|kind| kind.essence == "multipart/byteranges") {
                if !ranges.is_empty() {
                    let message =
                        "206 with several parts has `Content-Range` in its header section (RFC 9110 §15.3.7.2)";
                    return finding(message, "`Content-Range` in each part only");
                }
                if kind.parameters.get("boundary").is_none_or(String::is_empty) {
                    let message = "`multipart/byteranges` has no boundary (RFC 9110 §14.6)";
                    return Some(
                        Violation::new(message)
                            .expected("a `boundary` parameter")
                            .actual(kind.to_string()),
                    );
                }
                return None;
            }
            match ranges.as_slice() {
                [] => finding("206 has no `Content-Range` (RFC 9110 §15.3.7.1)", expected),
                [one] => match Range::parse(one) {
                    None => finding("`Content-Range` is not valid (RFC 9110 §14.4)", expected),
                    Some(Range::Unsatisfied) => {
                        finding("`Content-Range` of 206 has no range (RFC 9110 §14.4)", expected)
                    }
                    Some(Range::Part(length)) if request.method != "HEAD" && !is_coherent(response, length) => Some(
                        Violation::new("the content length differs from its `Content-Range` (RFC 9110 §14.4)")
                            .expected(format!("{length} bytes ({one})"))
                            .actual(format!("{} bytes", response.body.length())),
                    ),
                    Some(_) => None,
                },
                _ => finding(
                    "the response has more than one `Content-Range` (RFC 9110 §5.3)",
                    "one `Content-Range`",
                ),
            }
        }
        416 => match ranges.as_slice() {
            // A missing field violates a recommendation only.
            [] => None,
            [one] if matches!(Range::parse(one), Some(Range::Unsatisfied | Range::Other)) => None,
            _ => finding(
                "`Content-Range` of 416 does not state the length (RFC 9110 §14.4, §15.5.17)",
                "`bytes */LENGTH`",
            ),
        },
        _ => None,
    }
}

/// Whether the content has the length of the range; truncated content is checked elsewhere.
fn is_coherent(response: &Response, length: u64) -> bool {
    response.cut.is_some()
        || response.stopped.is_some()
        || !response.excess.is_empty()
        || response.body.length() as u64 == length
}

enum Range {
    /// A number of bytes.
    Part(u64),
    /// `*`: none of the ranges was satisfiable.
    Unsatisfied,
    /// A range of a different unit.
    Other,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (unit, range) = text.split_once(' ')?;
        if !crate::check::is_token(unit) {
            return None;
        }
        if !unit.eq_ignore_ascii_case("bytes") {
            return (!range.is_empty()).then_some(Self::Other);
        }
        let (range, whole) = range.split_once('/')?;
        let whole = match whole {
            "*" => None,
            whole => Some(number(whole)?),
        };
        if range == "*" {
            return whole.map(|_| Self::Unsatisfied);
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let is_valid = first <= last && whole.is_none_or(|whole| last < whole);
        is_valid.then(|| Self::Part((last - first).saturating_add(1)))
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response, run};

    #[test]
    fn partial_content_states_its_range() {
        let multipart = ("content-type", "multipart/byteranges; boundary=x");
        let range = |value| ("content-range", value);
        for (status, headers, is_found) in [
            (206, &[][..], true),
            (206, &[range("bytes 0-2/10")], false),
            (206, &[range("bytes 7-9/10")], false),
            (206, &[range("bytes 0-2/*")], false),
            (206, &[range("Bytes 0-2/3")], false),
            (206, &[range("rows 5")], false),
            (206, &[range("bytes 0-2/2")], true),
            (206, &[range("bytes 2-0/10")], true),
            (206, &[range("bytes 0-3/10")], true),
            (206, &[range("bytes=0-2/10")], true),
            (206, &[range("bytes 0-2")], true),
            (206, &[range("bytes */10")], true),
            (206, &[range("bytes 0-2/10"), range("bytes 0-2/10")], true),
            (206, &[multipart], false),
            (206, &[multipart, range("bytes 0-2/10")], true),
            (206, &[("content-type", "multipart/byteranges")], true),
            (416, &[], false),
            (416, &[range("bytes */10")], false),
            (416, &[range("bytes 0-2/10")], true),
            (416, &[range("*/10")], true),
            (200, &[], false),
        ] {
            let finding = run(super::check, &request("GET", &[]), &response(status, headers, "abc"));
            assert_eq!(finding.is_some(), is_found, "{status} {headers:?}");
        }
    }
}
