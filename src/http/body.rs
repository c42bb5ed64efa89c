//! Reads the content of a response within its limits.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::failure::chain;

/// The content that was received.
pub(super) struct ReceivedBody {
    /// The bytes.
    pub(super) bytes: bytes::Bytes,
    /// Why it ended early.
    pub(super) cut: Option<String>,
    /// Whether it exceeds the limit, or is declared to.
    pub(super) too_large: bool,
    /// Whether it was incomplete at the deadline.
    pub(super) unfinished: bool,
}

/// Reads until the end, the deadline or the limit. Content without new bytes for `quiet` before the deadline is
/// cut short; later bytes are only late.
pub(super) async fn read(mut body: Incoming, deadline: Instant, quiet: Duration, most: usize) -> ReceivedBody {
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
    ReceivedBody {
        bytes: bytes.freeze(),
        cut,
        too_large,
        unfinished,
    }
}
