//! `http/status`: the status code is one that HTTP defines for this request.

use super::{super::view::ResponseView, Violation};
use crate::model::Request;

pub(super) fn check(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    let has = |name: &str| {
        request
            .headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let status = response.status;
    let (message, expected) = match status {
        600.. => (
            "the status code is outside the range 100 to 599 (RFC 9110 §15)",
            "100 to 599",
        ),
        101 if !has("upgrade") => (
            "the server switches protocols, though the request has no `Upgrade` (RFC 9110 §7.8)",
            "a final response",
        ),
        // Some servers also serve ranges for HEAD, which has no consequences.
        206 if !matches!(request.method.as_str(), "GET" | "HEAD") || !has("range") => (
            "206 is the response to a range request, and this request has no range (RFC 9110 §14.2, §15.3.7)",
            "the whole content with 200",
        ),
        304 if !matches!(request.method.as_str(), "GET" | "HEAD") => (
            "304 is the response to a conditional GET or HEAD (RFC 9110 §13.1, §15.4.5)",
            "412 or another status",
        ),
        _ => return None,
    };
    Some(Violation::new(message).expected(expected).actual(status.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response, run};

    #[test]
    fn a_status_that_the_request_cannot_get_is_a_finding() {
        let range = [("Range", "bytes=0-1")];
        let none: [(&str, &str); 0] = [];
        for (method, headers, status, is_found) in [
            ("GET", &none[..], 200, false),
            ("GET", &none, 599, false),
            ("GET", &none, 600, true),
            ("GET", &none, 999, true),
            ("GET", &none, 101, true),
            ("GET", &[("Upgrade", "websocket")], 101, false),
            ("GET", &none, 206, true),
            ("GET", &range, 206, false),
            ("HEAD", &range, 206, false),
            ("POST", &range, 206, true),
            ("GET", &none, 304, false),
            ("HEAD", &none, 304, false),
            ("POST", &none, 304, true),
        ] {
            let finding = run(super::check, &request(method, headers), &response(status, &[], ""));
            assert_eq!(finding.is_some(), is_found, "{method} {headers:?} {status}");
        }
    }
}
