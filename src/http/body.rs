//! Reading the content of an answer within its bounds.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::failure::chain;

/// The content as far as it came.
pub(super) struct Content {
    /// The bytes.
    pub(super) bytes: bytes::Bytes,
    /// Why it ended early, if it did.
    pub(super) cut: Option<String>,
    /// Whether it is past the bound, or declared to be.
    pub(super) too_large: bool,
    /// Whether it was still coming at the deadline.
    pub(super) unfinished: bool,
}

/// Reads until the end, the deadline or the bound. Content that nothing is heard of for `quiet` before the deadline is
/// cut short; what still comes then is only late.
pub(super) async fn read(mut body: Incoming, deadline: Instant, quiet: Duration, most: usize) -> Content {
    let mut bytes = BytesMut::new();
    let mut cut = None;
    let mut too_large = body.size_hint().lower() > most as u64;
    let mut unfinished = false;
    let mut last = Instant::now();
    while !too_large {
        match timeout_at(deadline, body.frame()).await {
            Err(_) if last + quiet > deadline => {
                unfinished = true;
                break;
            }
            Err(_) => {
                cut = Some("nothing more within the time limit".to_owned());
                break;
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                cut = Some(chain(&error));
                break;
            }
            Ok(Some(Ok(frame))) => {
                last = Instant::now();
                let Some(data) = frame.data_ref() else { continue };
                if bytes.len() + data.len() > most {
                    too_large = true;
                    break;
                }
                bytes.extend_from_slice(data);
            }
        }
    }
    Content {
        bytes: bytes.freeze(),
        cut,
        too_large,
        unfinished,
    }
}
