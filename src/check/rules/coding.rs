//! `http/coding`: the content has a coding that the request accepts (RFC 9110 §8.4, §12.5.3).

use super::{
    super::view::{DecodeError, ResponseView},
    Violation,
};
use crate::model::{Request, Response};

pub(super) fn check(request: &Request, response: &ResponseView<'_>) -> Option<Violation> {
    acceptable(request, response).or_else(|| match response.bytes() {
        // A truncated response is a finding of `http/length`.
        Ok(_) | Err(DecodeError::Unsupported(_)) => None,
        Err(_) if response.cut.is_some() => None,
        Err(error) => Some(
            Violation::new("the content is not in its content coding (RFC 9110 §8.4)")
                .expected(format!("content in the coding {}", shown(response)))
                .actual(error.to_string()),
        ),
    })
}

fn shown(response: &Response) -> String {
    response.header("content-encoding").collect::<Vec<_>>().join(", ")
}

/// Whether the request accepts the codings of the content.
fn acceptable(request: &Request, response: &Response) -> Option<Violation> {
    let has_content = !response.body.is_empty() || (request.method == "HEAD" && response.status == 200);
    if !has_content {
        return None;
    }
    let codings: Vec<_> = response
        .header("content-encoding")
        .flat_map(|value| value.split(','))
        .map(name)
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect();
    // A response that reports failed negotiation needs some coding.
    if codings.is_empty() && !(200..300).contains(&response.status) {
        return None;
    }
    let accepted = AcceptedCodings::of(request)?;
    if codings.is_empty() {
        let is_forbidden = accepted.weighs("identity") == Some(false);
        return (is_forbidden && request.method != "HEAD").then(|| {
            Violation::new("the content is not coded, though the request does not accept that (RFC 9110 §12.5.3)")
                .expected(format!("a coding of `Accept-Encoding: {}`, or 406", accepted.text))
                .actual("no `Content-Encoding`")
        });
    }
    let refused = codings.iter().find(|coding| accepted.weighs(coding) != Some(true))?;
    let message = match accepted.weighs(refused) {
        Some(_) => "the content has a coding that the request refuses with weight 0 (RFC 9110 §12.4.2, §12.5.3)",
        None => "the content has a coding that the request does not accept (RFC 9110 §12.5.3)",
    };
    Some(
        Violation::new(message)
            .expected(format!("a coding of `Accept-Encoding: {}`, or none", accepted.text))
            .actual(shown(response)),
    )
}

/// The codings that a request accepts.
struct AcceptedCodings {
    text: String,
    /// Codings with whether their weight is more than 0.
    codings: Vec<(String, bool)>,
}

impl AcceptedCodings {
    /// `None` if the request has no `Accept-Encoding` and accepts any coding.
    fn of(request: &Request) -> Option<Self> {
        let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("accept-encoding");
        let values: Vec<_> = request
            .headers
            .iter()
            .filter(named)
            .map(|(_, value)| value.trim())
            .collect();
        if values.is_empty() {
            return None;
        }
        let text = values.join(", ");
        let codings = text
            .split(',')
            .map(|one| {
                let mut parts = one.split(';');
                let coding = name(parts.next().unwrap_or_default());
                (coding, !parts.any(is_zero))
            })
            .filter(|(coding, _)| !coding.is_empty())
            .collect();
        Some(Self { text, codings })
    }

    /// Whether a coding is accepted; `None` where the request does not mention it.
    fn weighs(&self, coding: &str) -> Option<bool> {
        let of = |wanted: &str| {
            let mut named = self.codings.iter().filter(|(known, _)| known == wanted).peekable();
            named.peek()?;
            Some(named.any(|(_, is_accepted)| *is_accepted))
        };
        of(coding).or_else(|| of("*"))
    }
}

/// The canonical name of a coding (RFC 9110 §8.4.1.1, §8.4.1.3).
fn name(text: &str) -> String {
    let name = text.trim().to_ascii_lowercase();
    match name.as_str() {
        "x-gzip" => "gzip".to_owned(),
        "x-compress" => "compress".to_owned(),
        _ => name,
    }
}

/// Whether a parameter is a weight of 0 (RFC 9110 §12.4.2).
fn is_zero(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim();
        name.trim().eq_ignore_ascii_case("q")
            && value.starts_with('0')
            && value.bytes().all(|b| matches!(b, b'0' | b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, response};

    fn is_found(accept: Option<&str>, coding: Option<&str>) -> bool {
        let request = request(
            "GET",
            &accept
                .map(|value| ("Accept-Encoding", value))
                .into_iter()
                .collect::<Vec<_>>(),
        );
        let headers: Vec<_> = coding.map(|value| ("content-encoding", value)).into_iter().collect();
        super::acceptable(&request, &response(200, &headers, "x")).is_some()
    }

    #[test]
    fn accepted_codings_have_no_findings() {
        for (accept, coding) in [
            ("gzip", "gzip"),
            ("gzip", "GZIP"),
            ("GZip", "x-gzip"),
            ("x-gzip", "gzip"),
            ("compress", "X-Compress"),
            ("gzip, br", "br"),
            ("gzip, br", "gzip, br"),
            ("gzip, deflate", "deflate , gzip"),
            ("*", "zstd"),
            ("*;q=0.1", "br"),
            ("identity, *;q=0.5", "br"),
            ("gzip;q=0.001", "gzip"),
            ("gzip ; Q = 1", "gzip"),
            ("*;q=0, gzip", "gzip"),
            ("gzip;q=0, *", "br"),
            ("identity", "identity"),
            ("gzip", "identity, gzip"),
        ] {
            assert!(!is_found(Some(accept), Some(coding)), "{accept}: {coding}");
        }
        // Without the field, any coding is acceptable (RFC 9110 §12.5.3).
        assert!(!is_found(None, Some("br")));
        for accept in [
            "gzip",
            "identity",
            "",
            "identity;q=1, *;q=0",
            "gzip;q=0",
            "identity;q=0.5",
        ] {
            assert!(!is_found(Some(accept), None), "{accept}");
        }
    }

    #[test]
    fn other_codings_are_findings() {
        for (accept, coding) in [
            ("identity", "gzip"),
            ("", "gzip"),
            ("gzip;q=0", "gzip"),
            ("gzip;q=0", "x-gzip"),
            ("x-gzip;q=0.000", "gzip"),
            ("GZIP; q=0.0, *", "gzip"),
            ("*;q=0", "br"),
            ("br, *;q=0", "gzip"),
            ("gzip", "gzip, br"),
            ("gzip", "br, gzip"),
            ("deflate", "x-portal"),
        ] {
            assert!(is_found(Some(accept), Some(coding)), "{accept}: {coding}");
        }
        for accept in ["identity;q=0", "*;q=0", "gzip, *;q=0", "gzip, identity; q=0.00"] {
            assert!(is_found(Some(accept), None), "{accept}");
        }
    }
}
