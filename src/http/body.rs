//! Reads the content of a response within its limits.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::failure::chain;
use crate::{
    check::EventReader,
    model::{StreamStop, field_text},
};

/// The content that was received.
#[derive(Default)]
pub(super) struct ReceivedBody {
    /// The bytes.
    pub(super) bytes: bytes::Bytes,
    /// The fields of the trailer section.
    pub(super) trailers: Vec<(String, String)>,
    /// Why it ended early.
    pub(super) cut: Option<String>,
    /// Why an event stream was not read to its end.
    pub(super) stopped: Option<StreamStop>,
    /// Whether it exceeds the limit, or is declared to.
    pub(super) too_large: bool,
    /// Whether it was incomplete at the deadline.
    pub(super) unfinished: bool,
}

/// When reading ends.
#[derive(Clone, Copy)]
pub(super) struct BodyLimit {
    /// The end of the time.
    pub(super) deadline: Instant,
    /// Content without new bytes for this long before the deadline is cut short; later bytes are only late.
    pub(super) quiet: Duration,
    /// Maximum number of bytes.
    pub(super) most: usize,
    /// The number of events of an event stream after which it is not read further; the deadline is then no failure.
    pub(super) events: Option<usize>,
}

/// Reads until the end, the deadline or the limit.
pub(super) async fn read(mut body: Incoming, limit: BodyLimit) -> ReceivedBody {
    let mut bytes = BytesMut::new();
    let mut received = ReceivedBody {
        too_large: body.size_hint().lower() > limit.most as u64,
        ..ReceivedBody::default()
    };
    let mut events = limit.events.map(|count| (EventReader::default(), count));
    let mut last = Instant::now();
    while !received.too_large {
        match timeout_at(limit.deadline, body.frame()).await {
            Err(_) if events.is_some() => {
                received.stopped = Some(StreamStop::Time);
                break;
            }
            Err(_) if last + limit.quiet > limit.deadline => {
                received.unfinished = true;
                break;
            }
            Err(_) => {
                received.cut = Some("nothing more within the time limit".to_owned());
                break;
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                received.cut = Some(chain(&error));
                break;
            }
            Ok(Some(Ok(frame))) => {
                last = Instant::now();
                if let Some(trailers) = frame.trailers_ref() {
                    let fields = trailers.iter();
                    let fields = fields.map(|(name, value)| (name.as_str().to_owned(), field_text(value.as_bytes())));
                    received.trailers.extend(fields);
                }
                let Some(data) = frame.data_ref() else { continue };
                if bytes.len() + data.len() > limit.most {
                    received.too_large = true;
                    break;
                }
                bytes.extend_from_slice(data);
                if let Some((reader, count)) = &mut events {
                    reader.feed(data);
                    // What follows depends on how the bytes arrived.
                    if let Some(end) = reader.end(*count) {
                        bytes.truncate(end);
                        received.stopped = Some(StreamStop::Enough);
                        break;
                    }
                }
            }
        }
    }
    received.bytes = bytes.freeze();
    received
}
