//! The items of streams: JSON Lines, JSON text sequences and server-sent events.

use serde_json::Value;

use super::{super::events::EventReader, values::ValueShape};
use crate::{
    json,
    openapi::{ApiDocument, ApiVersion, ApiViolation, DeclaredContent, Direction, StreamKind},
};

/// Maximum number of items whose violations are reported.
const MAX_ITEMS: usize = 3;

/// A violation by a stream: of an item by its number from 1, or of the list of all items.
pub(super) struct StreamViolation {
    pub(super) item: Option<usize>,
    pub(super) violation: ApiViolation,
}

/// Whether a document describes the items of content of a media type.
pub(super) fn stream_kind(content: &DeclaredContent, essence: &str) -> Option<StreamKind> {
    content.item_schema.as_ref().or(content.schema.as_ref())?;
    StreamKind::of(essence)
}

/// The violations by a stream; the error is as for [`stream_items`].
pub(super) fn stream_violations(
    document: &ApiDocument,
    (content, kind): (&DeclaredContent, StreamKind),
    direction: Direction,
    (bytes, is_complete): (&[u8], bool),
) -> Result<Vec<StreamViolation>, (usize, String)> {
    // Before 3.2, no version states what `schema` means for a stream.
    let of_all = content.schema.as_ref().filter(|schema| {
        let is_list = || ValueShape::new(document, schema, direction, "").is_declared("array");
        is_complete && document.version >= ApiVersion::V32 && is_list()
    });
    if content.item_schema.is_none() && of_all.is_none() {
        return Ok(Vec::new());
    }
    let items = stream_items(kind, bytes, is_complete)?;
    let mut all = Vec::new();
    let mut wrong = 0;
    for (at, item) in items.iter().enumerate() {
        let Some(schema) = content.item_schema.as_ref().filter(|_| wrong < MAX_ITEMS) else {
            break;
        };
        let mut found = document.violations(schema, direction, item);
        // An event without a name is one named `message`.
        if let Some(entries) = item
            .as_object()
            .filter(|_| kind == StreamKind::Events && !found.is_empty())
            && entries.get("event").is_some_and(|name| name == "message")
        {
            let mut unnamed = entries.clone();
            unnamed.remove("event");
            if document
                .violations(schema, direction, &Value::Object(unnamed))
                .is_empty()
            {
                found.clear();
            }
        }
        wrong += usize::from(!found.is_empty());
        let item = Some(at + 1);
        all.extend(found.into_iter().map(|violation| StreamViolation { item, violation }));
    }
    if let Some(schema) = of_all {
        let found = document.violations(schema, direction, &Value::Array(items)).into_iter();
        all.extend(found.map(|violation| StreamViolation { item: None, violation }));
    }
    Ok(all)
}

/// The items of a stream; the error is the number of the first item that is not JSON, and the reason. Of content that is not
/// complete, an item without its end is left out.
pub(crate) fn stream_items(kind: StreamKind, bytes: &[u8], is_complete: bool) -> Result<Vec<Value>, (usize, String)> {
    let separator = match kind {
        StreamKind::Events => return Ok(EventReader::sent(bytes)),
        StreamKind::Lines => b'\n',
        StreamKind::Records => 0x1e,
    };
    let mut items: Vec<&[u8]> = bytes.split(|byte| *byte == separator).collect();
    if !is_complete {
        items.pop();
    }
    let items = items
        .iter()
        .map(|item| item.trim_ascii())
        .filter(|item| !item.is_empty());
    let items = items.enumerate().map(|(at, item)| match json::read(item) {
        Ok(value) => Ok(value),
        Err(error) => Err((at + 1, error.to_string())),
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::{
        check::{ApiContract, ResponseView, RuleLevels},
        model::{Finding, Level, Location, Request, Response, StreamStop},
    };

    const STREAMS: &str = "
openapi: 3.2.0
paths:
  /x:
    get:
      responses:
        '200':
          description: streams
          content:
            application/jsonl: { itemSchema: { type: object, required: [id], properties: { id: { type: integer } } } }
            application/json-seq: { schema: { type: array, maxItems: 1 } }
            application/x-ndjson: { schema: { type: object } }
            text/event-stream:
              itemSchema:
                type: object
                additionalProperties: false
                required: [data]
                properties: { event: { const: tick }, data: { type: string, maxLength: 2 } }
";

    fn contract(text: &str) -> ApiContract {
        ApiContract::of_text(text, "http://h")
    }

    /// The findings of a response; with a reason, it was not read to its end.
    fn found(contract: &ApiContract, content_type: &str, body: &str, stopped: Option<StreamStop>) -> Vec<String> {
        let request = Request {
            method: "GET".to_owned(),
            url: "http://h/x".to_owned(),
            headers: Vec::new(),
            body: bytes::Bytes::new().into(),
        };
        let response = Response {
            version: "HTTP/1.1".to_owned(),
            status: 200,
            reason: None,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec().into(),
            trailers: Vec::new(),
            cut: None,
            stopped,
            excess: Vec::new().into(),
            syntax: Vec::new(),
            received: chrono::DateTime::UNIX_EPOCH,
            elapsed_us: 1,
        };
        let location = Location {
            file: Arc::from("c.yaml"),
            line: 1,
            column: 1,
        };
        let mut levels = RuleLevels::all_off();
        levels.set("openapi/body", Level::Deny);
        let mut findings: Vec<Finding> = Vec::new();
        let view = ResponseView::new(&response, 1 << 20);
        super::super::check(contract, &levels, (None, &location), &request, &view, &mut findings);
        let part = |finding: Finding| {
            let message = finding.message.split(" breaks").next().unwrap_or_default().to_owned();
            let message = message.split(" break ").next().unwrap_or_default().to_owned();
            let expected = finding.expected.unwrap_or_default();
            format!("{message}: {}", expected.rsplit('/').next().unwrap_or_default())
        };
        findings.into_iter().map(part).collect()
    }

    #[test]
    fn items_of_a_response_are_compared_with_their_schema() {
        let contract = contract(STREAMS);
        let of = |kind: &str, body: &str| found(&contract, kind, body, None);
        assert_eq!(of("application/jsonl", "{\"id\":1}\n{\"id\":2}\n"), [""; 0]);
        assert_eq!(
            of("application/jsonl", "{\"id\":1}\n{\"id\":\"2\"}\n{}"),
            ["item 2 of the stream: type", "item 3 of the stream: required"]
        );
        assert_eq!(
            of("application/jsonl", "{\"id\":1}\n{\"id"),
            ["item 2 of the stream is not JSON, which the document declares: jsonl"]
        );
        assert_eq!(of("application/json-seq", "\u{1e}1\n"), [""; 0]);
        assert_eq!(
            of("application/json-seq", "\u{1e}1\n\u{1e}2\n"),
            ["the items of the stream: maxItems"]
        );
        // What `schema` means here is not stated.
        assert_eq!(of("application/x-ndjson", "1\n"), [""; 0]);
        let events = "event: tick\ndata: 12\n\ndata: 1\n\n";
        assert_eq!(of("text/event-stream", events), [""; 0]);
        let wrong = "event: tick\ndata: 123\n\nevent: tock\ndata: 1\n\n";
        let expected = ["item 1 of the stream: maxLength", "item 2 of the stream: const"];
        assert_eq!(of("text/event-stream; charset=utf-8", wrong), expected);
        // The complete items of a stream that was not read to its end.
        let part = |kind: &str, body: &str| found(&contract, kind, body, Some(StreamStop::Time));
        assert_eq!(part("text/event-stream", wrong), expected);
        assert_eq!(
            part("application/jsonl", "{}\n{\"i"),
            ["item 1 of the stream: required"]
        );
        assert_eq!(part("application/json-seq", "\u{1e}1\n\u{1e}2\n"), [""; 0]);
    }

    #[test]
    fn items_of_streams_are_read() {
        let lines = |text: &str, is_complete| stream_items(StreamKind::Lines, text.as_bytes(), is_complete);
        assert_eq!(lines("{\"a\":1}\r\n\n2\n", true), Ok(vec![json!({"a": 1}), json!(2)]));
        assert_eq!(lines("1\n2", true), Ok(vec![json!(1), json!(2)]));
        assert_eq!(lines("1\n{\"a", false), Ok(vec![json!(1)]));
        assert_eq!(lines("1\n{", true).unwrap_err().0, 2);
        let records = stream_items(StreamKind::Records, b"\x1e{\"a\":\n1}\n\x1e2\n", true);
        assert_eq!(records, Ok(vec![json!({"a": 1}), json!(2)]));
        let events = b": hi\n\ndata: {\"a\": 1}\n\nevent: end\nid: 7\ndata: x\n\ndata: part";
        let expected = json!([{"event": "message", "data": "{\"a\": 1}"}, {"event": "end", "id": "7", "data": "x"}]);
        let found = stream_items(StreamKind::Events, events, false);
        assert_eq!(found.map(Value::Array), Ok(expected));
    }
}
