//! Rejections by the reference API and their responses.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::timestamp::Timestamp;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Why a request was rejected.
pub(super) enum Refusal<'r> {
    /// No token, one that was never valid, or one that no longer is. The response does not say which.
    Unauthorized,
    /// The tenant id, percent-decoded, is not an identifier.
    MalformedTenant(Cow<'r, str>),
    /// The tenant is one of the user's, but not the primary one.
    NotPrimary,
    /// There is no such customer, no such user of the customer, or no such resource. The response
    /// does not say which: a tenant must not learn about users of another tenant.
    NotFound,
    /// The resource exists and supports only the methods in `allow`.
    MethodNotAllowed { allow: &'static str },
}

/// The contract's error body; the fields are written in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'r> {
    error: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    message: &'r str,
    status: &'static str,
    timestamp: Timestamp,
}

impl Refusal<'_> {
    /// The response, dated `at` if it has a body.
    pub(super) fn into_dated_response(self, at: Timestamp) -> Response {
        match self {
            // A 401 must carry a challenge (RFC 9110, section 15.5.2; RFC 6750, section 3).
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
            Self::MalformedTenant(id) => error(
                StatusCode::BAD_REQUEST,
                None,
                &format!("The value '{id}' is not valid."),
                at,
            ),
            Self::NotPrimary => error(
                StatusCode::BAD_REQUEST,
                Some("TenantNotPrimary"),
                "This is not the primary tenant for this User.",
                at,
            ),
            Self::NotFound => error(StatusCode::NOT_FOUND, None, "Not Found", at),
            // A 405 must list the allowed methods (RFC 9110, section 15.5.6).
            Self::MethodNotAllowed { allow } => {
                let response = error(StatusCode::METHOD_NOT_ALLOWED, None, "Method Not Allowed", at);
                ([(header::ALLOW, allow)], response).into_response()
            }
        }
    }
}

fn error(status: StatusCode, error_code: Option<&'static str>, message: &str, at: Timestamp) -> Response {
    let body = ErrorBody {
        error: status.as_u16(),
        error_code,
        message,
        status: "error",
        timestamp: at,
    };
    json(status, &body)
}

/// `body` as compact JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, JSON)], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
