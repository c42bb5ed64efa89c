//! What was sent of a request besides what its case says.

use chrono::{DateTime, Utc};

use crate::{http::HeaderFields, model::Request};

/// When a request was sent, and with which signature.
#[derive(Debug)]
pub(super) struct SentRequest {
    pub(super) at: DateTime<Utc>,
    pub(super) signature: HeaderFields,
}

impl SentRequest {
    /// A request that is sent now, without a signature.
    pub(super) fn now() -> Self {
        Self {
            at: Utc::now(),
            signature: Vec::new(),
        }
    }

    /// The request as it was sent.
    pub(super) fn request(&self, request: &Request) -> Request {
        let mut request = request.clone();
        request.headers.extend_from_slice(&self.signature);
        request
    }
}
