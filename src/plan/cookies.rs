//! The cookies of one attempt of a case.

use cookie_store::CookieStore;
use url::Url;

use crate::model::{Request, Response};

/// Cookies that responses have set (RFC 6265).
pub(crate) struct Cookies {
    store: CookieStore,
}

impl Cookies {
    pub(crate) fn new() -> Self {
        Self {
            store: CookieStore::new(),
        }
    }

    /// Takes the cookies that a response sets.
    pub(crate) fn take(&mut self, request: &Request, response: &Response) {
        let Ok(url) = Url::parse(&request.url) else { return };
        for cookie in response.header("set-cookie") {
            // A cookie that this URL must not set is ignored, as a browser does.
            drop(self.store.parse(cookie, &url));
        }
    }

    /// Adds the cookies for its URL to a request that has no `Cookie` of its own. Returns their names.
    pub(crate) fn add(&self, request: &mut Request) -> Vec<String> {
        let has_own = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        let Ok(url) = Url::parse(&request.url) else {
            return Vec::new();
        };
        if has_own {
            return Vec::new();
        }
        let mut pairs: Vec<_> = self.store.get_request_values(&url).collect();
        pairs.sort_unstable();
        let names = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
        if !pairs.is_empty() {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers.push(("cookie".to_owned(), pairs.join("; ")));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(cookies: &[&str], url: &str) -> Vec<(String, String)> {
        let mut jar = Cookies::new();
        let fields: Vec<_> = cookies.iter().map(|cookie| json!(["set-cookie", cookie])).collect();
        let response = serde_json::from_value(json!({
            "version": "HTTP/1.1", "status": 200, "headers": fields, "received": "2026-01-01T00:00:00Z", "elapsed_us": 1,
        }));
        let mut request = Request {
            method: "GET".to_owned(),
            url: "http://127.0.0.1:8080/a/login".to_owned(),
            headers: Vec::new(),
            body: Vec::new().into(),
        };
        jar.take(&request, &response.unwrap());
        url.clone_into(&mut request.url);
        jar.add(&mut request);
        request.headers
    }

    #[test]
    fn cookies_are_sent_to_their_path_until_they_expire() {
        let cookie = |value: &str| vec![("cookie".to_owned(), value.to_owned())];
        let url = "http://127.0.0.1:8080/a/b?c=d";
        assert_eq!(sent(&["sid=1; HttpOnly", "x=2; Path=/"], url), cookie("sid=1; x=2"));
        // Cookies ignore ports.
        assert_eq!(sent(&["sid=1"], "http://127.0.0.1:9/a/b"), cookie("sid=1"));
        for set in [
            "sid=1; Path=/other",
            "sid=1; Max-Age=0",
            "sid=1; Domain=example.com",
            "=",
            "",
        ] {
            assert_eq!(sent(&[set], url), [], "{set}");
        }
        assert_eq!(sent(&["sid=1", "sid=2"], url), cookie("sid=2"));
        assert_eq!(sent(&["sid=1", "sid=; Max-Age=0"], url), []);
    }
}
