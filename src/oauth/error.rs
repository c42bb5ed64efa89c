//! Why a token was not obtained.

use std::time::Duration;

use oauth2::basic::BasicErrorResponse;
use serde_json::Value;
use url::Url;

use crate::text::causes;

/// Why a token was not obtained: a fragment that fits after "the token was not obtained: ". It can quote the endpoint, and is
/// neither masked nor shortened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    message: String,
    /// Whether a later request may succeed.
    pub is_temporary: bool,
}

/// The URL without its query, which can contain credentials.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

impl TokenError {
    /// The request was not sent.
    pub(super) fn general(reason: &str) -> Self {
        Self {
            message: reason.to_owned(),
            is_temporary: false,
        }
    }

    /// A response that cannot be used, or an error that repeats.
    pub(super) fn lasting(url: &Url, reason: &str) -> Self {
        Self::general(&format!("{}: {reason}", shown(url)))
    }

    /// The response is missing or incomplete.
    pub(super) fn failed(url: &Url, error: reqwest::Error) -> Self {
        Self {
            message: format!("{}: no response: {}", shown(url), causes(&error.without_url())),
            is_temporary: true,
        }
    }

    /// The response was not complete in time.
    pub(super) fn late(url: &Url, limit: Duration) -> Self {
        Self {
            message: format!("{}: no complete response within {limit:?}", shown(url)),
            is_temporary: true,
        }
    }

    /// An error response (RFC 6749 §5.2).
    pub(super) fn refused(url: &Url, status: u16, response: &BasicErrorResponse) -> Self {
        let description = response.error_description().map(String::as_str);
        Self::of_status(url, status, Some(response.error().as_ref()), description)
    }

    /// A response that is neither a token nor an error response.
    pub(super) fn unreadable(url: &Url, status: u16, body: &[u8]) -> Self {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let text = |name: &str| json.as_ref()?.get(name)?.as_str();
        // Some endpoints send errors with the status 200.
        if let Some(error) = text("error") {
            return Self::of_status(url, status, Some(error), text("error_description"));
        }
        if (300..400).contains(&status) {
            return Self::lasting(url, &format!("status {status}: redirects are not followed"));
        }
        if status != 200 {
            return Self::of_status(url, status, None, None);
        }
        let reason = match json {
            None => "the response is not JSON",
            Some(Value::Object(_)) => "the response has no valid `access_token`, `expires_in` and `refresh_token`",
            Some(_) => "the response is not a JSON object",
        };
        Self::lasting(url, reason)
    }

    fn of_status(url: &Url, status: u16, error: Option<&str>, description: Option<&str>) -> Self {
        let status_text = (status != 200).then(|| format!("status {status}"));
        let parts = [status_text.as_deref(), error, description].into_iter().flatten();
        let message = parts.fold(shown(url), |message, part| message + ": " + part);
        Self {
            message,
            is_temporary: status >= 500 || status == 429 || error == Some("temporarily_unavailable"),
        }
    }
}
