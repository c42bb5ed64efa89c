//! `http/no-content` and `http/length`: the declared and the actual length of the content.

use super::{super::view::ResponseView, Violation};
use crate::model::{Request, Response};

pub(super) fn no_content(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let is_head = request.method == "HEAD";
    if !matches!(response.status, 100..=199 | 204 | 205 | 304) && !is_head {
        return None;
    }
    // 205 may declare a length of 0 bytes. Bytes that follow are found by `length`.
    let bytes = if response.body.is_empty() && response.status != 205 {
        &response.excess
    } else {
        &response.body
    };
    if !bytes.is_empty() {
        let message = if is_head {
            "the response to HEAD has content (RFC 9110 §9.3.2)".to_owned()
        } else {
            let section = match response.status {
                100..=199 => "§15.2",
                204 => "§15.3.5",
                205 => "§15.3.6",
                _ => "§15.4.5",
            };
            format!("{} has content (RFC 9110 {section})", response.status)
        };
        return Some(Violation::new(message).expected("no content").actual(format!(
            "{} bytes: {:?}",
            bytes.length(),
            bytes.text()
        )));
    }
    let is_unframed = matches!(response.status, 100..=199 | 204);
    let fields = [
        ("content-length", "RFC 9110 §8.6"),
        ("transfer-encoding", "RFC 9112 §6.1"),
    ];
    fields.into_iter().filter(|_| is_unframed).find_map(|(name, source)| {
        let value = response.header(name).next()?;
        Some(
            Violation::new(format!("{} has `{name}` ({source})", response.status))
                .expected(format!("no `{name}`"))
                .actual(format!("{name}: {value}")),
        )
    })
}

pub(super) fn length(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    if matches!(response.status, 100..=199 | 204) {
        return None;
    }
    if let Some(finding) = declaration(request, response) {
        return Some(finding);
    }
    if let Some(reason) = &response.cut {
        return Some(
            Violation::new("the content ended before it was complete (RFC 9112 §8)")
                .expected(declared(response).unwrap_or_else(|| "complete content".to_owned()))
                .actual(format!("{} bytes, then {reason}", response.body.length())),
        );
    }
    if request.method == "HEAD" || response.status == 304 {
        return None;
    }
    if !response.excess.is_empty() {
        return Some(
            Violation::new("bytes follow the end of the response (RFC 9112 §6.3)")
                .expected(declared(response).unwrap_or_else(|| "nothing more".to_owned()))
                .actual(format!(
                    "{} bytes and then {:?}",
                    response.body.length(),
                    response.excess.text()
                )),
        );
    }
    // An event stream is not read to its end.
    if response.stopped.is_some() {
        return None;
    }
    let length = response.header("content-length").next()?;
    (length.parse() != Ok(response.body.length())).then(|| {
        Violation::new("the content length differs from the declared length (RFC 9110 §8.6)")
            .expected(format!("{length} bytes"))
            .actual(format!("{} bytes", response.body.length()))
    })
}

/// Whether the fields that state the length contradict the syntax or each other.
fn declaration(request: &Request, response: &Response) -> Option<Violation> {
    let codings: Vec<_> = response.header("transfer-encoding").collect();
    let lengths: Vec<_> = response.header("content-length").collect();
    if let (Some(length), Some(coding)) = (lengths.first(), codings.first()) {
        return Some(
            Violation::new("the response has both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.2)")
                .expected("one of the two fields")
                .actual(format!("content-length: {length} and transfer-encoding: {coding}")),
        );
    }
    if let Some(message) = transfer_fault(request, &codings) {
        return Some(Violation::new(message).expected("chunked").actual(codings.join(", ")));
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let [one] = lengths.as_slice()
        && is_number(one)
    {
        return None;
    }
    let numbers: Vec<_> = lengths
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let message = if numbers.iter().any(|one| !is_number(one)) {
        "`Content-Length` is not a decimal number (RFC 9110 §8.6)"
    } else if numbers.iter().any(|one| *one != numbers[0]) {
        "`Content-Length` states different lengths (RFC 9112 §6.3)"
    } else if numbers.len() > 1 {
        "`Content-Length` states its value more than once (RFC 9110 §8.6)"
    } else {
        return None;
    };
    Some(
        Violation::new(message)
            .expected("one decimal number")
            .actual(lengths.join(" | ")),
    )
}

/// The error of the transfer codings.
fn transfer_fault(request: &Request, fields: &[&str]) -> Option<&'static str> {
    if fields.is_empty() {
        return None;
    }
    let codings: Vec<_> = fields
        .iter()
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .collect();
    let chunked = codings.iter().filter(|coding| *coding == "chunked").count();
    if codings.iter().any(String::is_empty) {
        return Some("`Transfer-Encoding` has an empty list element (RFC 9110 §5.6.1)");
    }
    if codings
        .iter()
        .any(|coding| coding.starts_with("chunked") && coding != "chunked")
    {
        return Some("the transfer coding `chunked` has a parameter (RFC 9112 §7.1)");
    }
    if chunked > 1 {
        return Some("the transfer coding `chunked` is applied more than once (RFC 9112 §6.1)");
    }
    if chunked == 1 && codings.last().is_some_and(|last| last != "chunked") {
        return Some("the transfer coding `chunked` is not the last one (RFC 9112 §6.1)");
    }
    let accepted: Vec<_> = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("te"))
        .flat_map(|(_, value)| value.split(','))
        .filter_map(|one| one.split(';').next())
        .map(|one| one.trim().to_ascii_lowercase())
        .collect();
    codings
        .iter()
        .any(|coding| coding != "chunked" && !accepted.contains(coding))
        .then_some("the response has a transfer coding that the request does not accept (RFC 9112 §6.1, §7.4)")
}

fn declared(response: &Response) -> Option<String> {
    let length = response.header("content-length").next()?;
    Some(format!("{length} bytes (Content-Length)"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response, run};
    use super::{length, no_content};

    #[test]
    fn transfer_coding_other_than_final_chunked_is_finding() {
        let get = request("GET", &[]);
        for (value, found) in [
            ("chunked", None),
            ("Chunked", None),
            ("chunked, chunked", Some("more than once")),
            ("chunked, gzip", Some("not the last")),
            ("gzip, chunked", Some("does not accept")),
            ("identity", Some("does not accept")),
            ("chunked;q=1", Some("parameter")),
            ("chunked,", Some("empty list element")),
            ("", Some("empty list element")),
        ] {
            let finding = run(length, &get, &response(200, &[("transfer-encoding", value)], "x"));
            let message = finding.map(|finding| finding.message).unwrap_or_default();
            match found {
                Some(part) => assert!(message.contains(part), "{value}: {message}"),
                None => assert_eq!(message, "", "{value}"),
            }
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert!(run(length, &get, &response(200, &twice, "x")).is_some());
        let asked = request("GET", &[("TE", "trailers, gzip;q=0.5")]);
        assert!(
            run(
                length,
                &asked,
                &response(200, &[("transfer-encoding", "gzip, chunked")], "x")
            )
            .is_none()
        );
    }

    #[test]
    fn content_length_is_one_decimal_number() {
        for (value, is_found) in [
            ("3", false),
            ("003", false),
            ("+3", true),
            ("-3", true),
            ("0x3", true),
            ("3.0", true),
            ("3, 3", true),
            ("3,4", true),
            ("", true),
            ("4", true),
        ] {
            let finding = run(
                length,
                &request("GET", &[]),
                &response(200, &[("content-length", value)], "abc"),
            );
            assert_eq!(finding.is_some(), is_found, "{value}");
        }
        let head = request("HEAD", &[]);
        assert!(run(length, &head, &response(200, &[("content-length", "12")], "")).is_none());
        assert!(run(length, &head, &response(200, &[("content-length", "+12")], "")).is_some());
        let both = [("content-length", "3"), ("transfer-encoding", "chunked")];
        assert!(run(length, &head, &response(200, &both, "")).is_some());
    }

    #[test]
    fn statuses_without_content_have_none() {
        let get = request("GET", &[]);
        let is_found =
            |status, headers: &[(&str, &str)], body| run(no_content, &get, &response(status, headers, body)).is_some();
        for status in [204, 205, 304] {
            assert!(is_found(status, &[], "x"), "{status}");
            assert!(!is_found(status, &[], ""), "{status}");
        }
        let zero = [("content-length", "0")];
        assert!(is_found(204, &zero, ""));
        assert!(is_found(204, &[("transfer-encoding", "chunked")], ""));
        assert!(is_found(101, &zero, ""));
        assert!(!is_found(205, &zero, "") && !is_found(304, &[("content-length", "12")], ""));
        assert!(!is_found(205, &[("transfer-encoding", "chunked")], ""));
        assert!(!is_found(200, &zero, "") && !is_found(404, &[], "x"));
    }
}
