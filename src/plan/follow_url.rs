//! The URL that a step with `follow` requests.

use url::Url;

use crate::model::{Exchange, Outcome};

/// Where a response leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FollowUrl {
    /// An absolute URL of the target.
    Same(String),
    /// An absolute URL elsewhere.
    Other(String),
    /// There is no response.
    None,
    /// The response has no `Location`.
    Missing,
    /// There is no URL of the target.
    Wrong {
        /// The error.
        message: &'static str,
        /// The value of the header field.
        actual: String,
    },
}

/// The URL in the `Location` of a response, resolved against the URL of its request (RFC 9110 §10.2.2). `origin` is the
/// scheme and authority of the target.
pub(crate) fn of(exchange: Option<&Exchange>, origin: &str) -> FollowUrl {
    let Some(Exchange {
        request,
        outcome: Outcome::Response(response),
    }) = exchange
    else {
        return FollowUrl::None;
    };
    let wrong = |message, actual: &str| FollowUrl::Wrong {
        message,
        actual: actual.to_owned(),
    };
    if response.header("location").next().is_none() {
        return FollowUrl::Missing;
    }
    let mut all = response.header("location");
    let (Some(location), None) = (all.next().map(str::trim), all.next()) else {
        let count = response.header("location").count();
        return wrong("the response has more than one `Location`", &format!("{count} fields"));
    };
    let resolved = Url::parse(&request.url).and_then(|base| base.join(location));
    let (Ok(mut url), Ok(target)) = (resolved, Url::parse(origin)) else {
        return wrong("the `Location` is not a URL", location);
    };
    if url.origin() != target.origin() {
        if !url.has_host() || !matches!(url.scheme(), "http" | "https") {
            return wrong("the `Location` is not an HTTP URL", location);
        }
        url.set_fragment(None);
        return FollowUrl::Other(url.into());
    }
    // Sent as it was received, without the fragment, as far as it says.
    let plain = location.split('#').next().unwrap_or_default();
    let is_sendable = plain.bytes().all(|byte| byte.is_ascii_graphic());
    let path = match plain.split_once("://") {
        Some((_, rest)) => rest.find(['/', '?']).map(|at| &rest[at..]),
        None if plain.starts_with('/') && !plain.starts_with("//") => Some(plain),
        None => None,
    };
    if let Some(path) = path.filter(|path| is_sendable && path.starts_with('/')) {
        return FollowUrl::Same(format!("{origin}{path}"));
    }
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    FollowUrl::Same(format!("{origin}{}{query}", url.path()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn location(fields: &[&str]) -> FollowUrl {
        let headers: Vec<_> = fields.iter().map(|value| json!(["Location", value])).collect();
        let exchange = serde_json::from_value(json!({
            "request": { "method": "POST", "url": "http://127.0.0.1:80/api/orders?x", "headers": [] },
            "outcome": { "response": {
                "version": "HTTP/1.1", "status": 201, "headers": headers, "received": "2026-01-01T00:00:00Z",
                "elapsed_us": 1,
            } },
        }));
        of(Some(&exchange.unwrap()), "http://127.0.0.1:80")
    }

    #[test]
    fn location_is_resolved_and_sent_as_it_was_received() {
        let at = |path: &str| FollowUrl::Same(format!("http://127.0.0.1:80{path}"));
        for (field, path) in [
            ("/orders/1", "/orders/1"),
            ("http://127.0.0.1/orders/1?a=b#c", "/orders/1?a=b"),
            ("orders/1", "/api/orders/1"),
            ("/a/../b/%2e%2e/c", "/a/../b/%2e%2e/c"),
            ("?page=2", "/api/orders?page=2"),
            ("//127.0.0.1/x", "/x"),
        ] {
            assert_eq!(location(&[field]), at(path), "{field}");
        }
        for wrong in ["http://[", "mailto:a@b", "file:///etc/passwd"] {
            assert!(matches!(location(&[wrong]), FollowUrl::Wrong { .. }), "{wrong}");
        }
        for (other, url) in [
            ("http://127.0.0.1:81/a#b", "http://127.0.0.1:81/a"),
            ("https://127.0.0.1:80/", "https://127.0.0.1:80/"),
            ("//other/x", "http://other/x"),
        ] {
            assert_eq!(location(&[other]), FollowUrl::Other(url.to_owned()));
        }
        assert_eq!(location(&[]), FollowUrl::Missing);
        assert!(matches!(location(&["/a", "/b"]), FollowUrl::Wrong { .. }));
        assert_eq!(of(None, "http://127.0.0.1"), FollowUrl::None);
    }
}
