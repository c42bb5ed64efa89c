//! `events`: the first events of an event stream (WHATWG HTML, "Server-sent events").

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Finding, Pattern, PatternKind, ResponseView, pattern, show_duration, sink::FindingSink};
use crate::{
    json,
    model::{CheckId, Location, Response, StreamStop},
};

/// The media type of an event stream.
const EVENT_STREAM: &str = "text/event-stream";

/// An expectation of an event stream.
#[derive(Clone, Debug)]
pub struct EventsExpectation {
    /// Number of events after which the connection is closed.
    pub count: usize,
    /// Maximum time from the start of the request to the last of them.
    pub within: Duration,
    /// A pattern of the first events: an array.
    pub first: Option<Pattern>,
    /// A pattern of each event.
    pub each: Option<Pattern>,
    /// Its line.
    pub location: Location,
}

impl EventsExpectation {
    /// When the stream has been read far enough.
    pub(crate) fn limit(&self) -> EventLimit {
        EventLimit {
            count: self.count,
            within: self.within,
        }
    }
}

/// When an event stream has been read far enough.
#[derive(Clone, Copy, Debug)]
pub struct EventLimit {
    /// The number of events.
    pub count: usize,
    /// Maximum time from the start of the request.
    pub within: Duration,
}

/// How long a response is waited for and read.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Maximum time from the start of the request to the end of the response.
    pub timeout: Duration,
    /// When an event stream has been read far enough, instead of `timeout`.
    pub events: Option<EventLimit>,
}

impl From<Duration> for ReadLimit {
    fn from(timeout: Duration) -> Self {
        Self { timeout, events: None }
    }
}

/// Whether the content is an event stream that can be read event by event.
pub(crate) fn is_event_stream(media_type: Option<&str>, has_coding: bool) -> bool {
    let kind = media_type.and_then(super::MediaType::parse);
    kind.is_some_and(|kind| kind.essence == EVENT_STREAM) && !has_coding
}

/// Reads an event stream in pieces, as they arrive.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    line: Vec<u8>,
    /// Whether the last byte was a CR: an LF after it ends no further line.
    after_return: bool,
    has_line: bool,
    /// Number of bytes so far.
    length: usize,
    data: String,
    has_data: bool,
    kind: String,
    id: Option<String>,
    retry: Option<u64>,
    /// The complete events, and the number of bytes up to the end of each.
    events: Vec<(Value, usize)>,
}

impl EventReader {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.length += 1;
            match byte {
                b'\n' if self.after_return => {
                    // It belongs to the line before, and so to an event that ended there.
                    let length = self.length;
                    if let Some((_, end)) = self.events.last_mut().filter(|(_, end)| *end + 1 == length) {
                        *end = length;
                    }
                }
                b'\n' | b'\r' => self.end_line(),
                byte => self.line.push(*byte),
            }
            self.after_return = *byte == b'\r';
        }
    }

    /// The number of bytes up to the end of an event, by its number from 1.
    pub(crate) fn end(&self, number: usize) -> Option<usize> {
        self.events.get(number.checked_sub(1)?).map(|(_, end)| *end)
    }

    /// The complete events with the fields that the API sends, as `OpenAPI` 3.2 describes them.
    pub(crate) fn sent(bytes: &[u8]) -> Vec<Value> {
        let mut reader = Self::default();
        reader.feed(bytes);
        let events = reader.events.into_iter().map(|(mut event, _)| {
            if let Some(entries) = event.as_object_mut() {
                entries.remove("json");
            }
            event
        });
        events.collect()
    }

    /// Whether an event has begun that is not complete.
    fn is_within_event(&self) -> bool {
        self.has_data || !self.line.is_empty()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.has_line, true)
            && let Some(rest) = line.strip_prefix('\u{feff}')
        {
            line = rest.to_owned().into();
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok();
            }
            // A comment, or a field that is ignored.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let (data, kind) = (std::mem::take(&mut self.data), std::mem::take(&mut self.kind));
        // An event without data is none.
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        let mut event = Map::new();
        let kind = if kind.is_empty() { "message".to_owned() } else { kind };
        event.insert("event".to_owned(), kind.into());
        if let Some(id) = self.id.as_ref().filter(|id| !id.is_empty()) {
            event.insert("id".to_owned(), id.clone().into());
        }
        if let Some(retry) = self.retry.take() {
            event.insert("retry".to_owned(), retry.into());
        }
        if let Ok(value) = json::read(data.as_bytes()) {
            event.insert("json".to_owned(), value);
        }
        event.insert("data".to_owned(), data.into());
        self.events.push((event.into(), self.length));
    }
}

pub(super) fn check(expected: &EventsExpectation, view: &ResponseView<'_>, sink: &mut impl FindingSink) {
    let layer = CheckId::Events.info().layer;
    let finding = |message: &str, wanted: String, actual: String| {
        Finding::new(CheckId::Events, message)
            .expected(wanted)
            .actual(actual)
            .location(&expected.location)
    };
    let kind = view.header("content-type").next();
    if !is_event_stream(kind, false) {
        let kind = kind.unwrap_or("(absent)").to_owned();
        return sink.fail(layer, || {
            finding(
                "the response is not an event stream",
                format!("content-type: {EVENT_STREAM}"),
                kind,
            )
        });
    }
    let bytes = match view.bytes() {
        Ok(bytes) => bytes,
        Err(error) => {
            let wanted = "content in its declared coding".to_owned();
            return sink.fail(layer, || {
                finding("the body cannot be decoded", wanted, error.to_string())
            });
        }
    };
    let mut reader = EventReader::default();
    reader.feed(bytes);
    let is_within_event = reader.is_within_event();
    let mut events: Vec<Value> = reader.events.into_iter().map(|(event, _)| event).collect();
    if events.len() < expected.count {
        sink.fail(layer, || {
            let rest = if is_within_event { ", and a part of another" } else { "" };
            finding(
                ended(view),
                format!("{} events within {}", expected.count, show_duration(expected.within)),
                format!("{}{rest}: {}", events.len(), view.shown()),
            )
        });
    }
    events.truncate(expected.count);
    let numbered = |mut finding: Finding| {
        finding.check = CheckId::Events;
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        let mut steps = pointer.split('/').skip(1);
        let event = steps.next().and_then(|item| item.parse::<usize>().ok());
        if finding.message == "missing property" && steps.eq(["json"]) {
            "the data of an event is not JSON".clone_into(&mut finding.message);
        }
        if let (Some(event), Some(actual)) = (event, &mut finding.actual) {
            *actual = format!("event {}: {actual}", event + 1);
        }
        finding
    };
    if let Some(each) = &expected.each {
        let all = Pattern {
            kind: PatternKind::Match(vec![super::Matcher::Each(Box::new(each.clone()))]),
            location: each.location.clone(),
        };
        let value = Value::Array(events.clone());
        pattern::match_at(&all, Some(&value), view, sink, numbered);
    }
    if let Some(first) = &expected.first
        && let PatternKind::Array(patterns) = &first.kind
    {
        // Those that are missing are reported together.
        let common = patterns.len().min(events.len());
        events.truncate(common);
        let first = Pattern {
            kind: PatternKind::Array(patterns[..common].to_vec()),
            location: first.location.clone(),
        };
        pattern::match_at(&first, Some(&Value::Array(events)), view, sink, numbered);
    }
}

/// Why there are not enough events.
fn ended(response: &Response) -> &'static str {
    match response.stopped {
        Some(StreamStop::Time) => "the time for the events was over",
        _ => "the event stream ended before the expected events",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn events(text: &str) -> Vec<Value> {
        let read = |size: usize| {
            let mut reader = EventReader::default();
            text.as_bytes().chunks(size).for_each(|part| reader.feed(part));
            reader.events
        };
        let whole = read(text.len().max(1));
        assert_eq!(whole, read(1), "{text:?}");
        whole.into_iter().map(|(event, _)| event).collect()
    }

    #[test]
    fn events_are_read_as_browsers_do() {
        let message = |data: &str| json!({ "event": "message", "data": data });
        for end in ["\n", "\r\n", "\r"] {
            let text = "\u{feff}: hi\nevent: add\ndata: a\ndata:  b\nid: 7\n\ndata\n\nid\nretry: 10\ndata:x\n\n";
            let expected = [
                json!({ "event": "add", "data": "a\n b", "id": "7" }),
                json!({ "event": "message", "data": "", "id": "7" }),
                json!({ "event": "message", "data": "x", "retry": 10 }),
            ];
            assert_eq!(events(&text.replace('\n', end)), expected, "{end:?}");
        }
        assert_eq!(
            events("data: {\"a\": 1}\n\n"),
            [json!({ "event": "message", "data": "{\"a\": 1}", "json": { "a": 1 } })]
        );
        assert_eq!(events("event: x\n\n\n\ndata: a\n\n"), [message("a")]);
        assert_eq!(events("data: a\n"), [json!(null); 0]);
        assert_eq!(events("data: a\nid: a\0b\nretry: 1x\nDATA: b\nfoo\n\n"), [message("a")]);
        assert_eq!(events("\u{feff}\u{feff}data: a\n\ndata: b\n\n"), [message("b")]);
        assert_eq!(events(""), [json!(null); 0]);
    }

    proptest! {
        #[test]
        fn events_do_not_depend_on_the_pieces(text in "(data|id|event|:| |\r|\n|\r\n|\u{feff}|x|\u{e9}){0,40}", size in 1..9_usize) {
            let read = |size: usize| {
                let mut reader = EventReader::default();
                text.as_bytes().chunks(size).for_each(|part| reader.feed(part));
                reader.events
            };
            let whole = read(text.len().max(1));
            prop_assert_eq!(&whole, &read(size));
            let ends: Vec<_> = whole.iter().map(|(_, end)| *end).collect();
            prop_assert!(ends.is_sorted() && ends.iter().all(|end| *end <= text.len()));
        }
    }

    #[test]
    fn event_ends_after_its_blank_line() {
        for (text, ends) in [
            ("data: a\n\ndata: b\n\n", [9, 18]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", [11, 22]),
            ("data: a\r\rdata: b\r\r", [9, 18]),
        ] {
            let mut reader = EventReader::default();
            reader.feed(text.as_bytes());
            assert_eq!([reader.end(1), reader.end(2)], ends.map(Some), "{text:?}");
            assert_eq!((reader.end(0), reader.end(3)), (None, None));
        }
    }
}
