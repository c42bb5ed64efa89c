//! HTTP Archive 1.2: an entry for each exchange of a run, in the order of time.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::{
    check::ResponseView,
    model::{Content, Exchange, Outcome, Request, Response, Step, field_shown},
    report::{
        escape::json::inert,
        limits::NAME,
        model::{End, Execution, Item, Start, Writer},
        spool::Spool,
        text::{instant, short},
    },
};

/// Maximum size in bytes of a response body without its content codings.
const DECODED: usize = 64 << 20;

/// Collects entries.
pub(in crate::report) struct HarWriter {
    /// Entries as JSON, each with the time at which its request began.
    entries: Spool<DateTime<Utc>>,
}

impl HarWriter {
    pub(in crate::report) fn new(entries: Spool<DateTime<Utc>>) -> Self {
        Self { entries }
    }
}

impl Writer for HarWriter {
    fn item(&mut self, start: &Start, item: &Item<'_>, _: &mut dyn Write) -> io::Result<()> {
        let Some(run) = &item.execution else { return Ok(()) };
        for (number, attempt) in run.attempts().enumerate() {
            for step in &attempt.steps {
                let Some(exchange) = step.exchange.as_ref().filter(|one| !one.request.is_mail()) else {
                    continue;
                };
                let at = step.started.or(start.started).unwrap_or_default();
                let entry = entry(step, exchange, at, &comment(item, run, step, number));
                self.entries.push(run.index, at, entry.to_string().as_bytes())?;
            }
        }
        Ok(())
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        let (name, version) = start.tool.split_once(' ').unwrap_or((&start.tool, ""));
        let creator = json!({ "name": name, "version": version });
        let comment = Value::from(end.headline.as_str()).to_string();
        let head = format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"comment\":{comment},\"entries\":[");
        out.write_all(inert(&head).as_bytes())?;
        self.entries.order_by(|index, at| (*at, index));
        let mut is_first = true;
        self.entries.each(|_, entry| {
            out.write_all(if is_first { b"\n" } else { b",\n" })?;
            is_first = false;
            out.write_all(inert(&String::from_utf8_lossy(entry)).as_bytes())
        })?;
        out.write_all(b"\n]}}\n")
    }
}

/// The case, the step and the attempt of an entry.
fn comment(item: &Item<'_>, run: &Execution<'_>, step: &Step, number: usize) -> String {
    let mut text = short(&item.title, NAME);
    if !step.id.is_empty() {
        text.push(':');
        text.push_str(&short(&step.id, NAME));
    }
    if !run.previous.is_empty() {
        let _ = write!(text, " (attempt {})", number + 1);
    }
    if step.polls > 0 {
        let _ = write!(text, " (the last of {} requests)", step.polls.saturating_add(1));
    }
    text
}

fn entry(step: &Step, exchange: &Exchange, at: DateTime<Utc>, comment: &str) -> Value {
    let elapsed = exchange.outcome.elapsed_us();
    let millis = |micros: u64| {
        // Exact to a microsecond for a hundred years.
        #[expect(clippy::cast_precision_loss, reason = "a duration is far below 2^53 microseconds")]
        let millis = micros as f64 / 1000.0;
        millis
    };
    let (response, error) = match &exchange.outcome {
        Outcome::Response(one) => (response(one), None),
        Outcome::Malformed(one) => (no_response(), Some(&one.reason)),
        Outcome::Failure(one) => (no_response(), Some(&one.message)),
    };
    let mut entry = json!({
        "startedDateTime": instant(at),
        "time": millis(elapsed),
        "request": request(&exchange.request, version(&exchange.outcome)),
        "response": response,
        "cache": {},
        "timings": { "send": 0, "wait": millis(elapsed), "receive": 0 },
        "comment": comment,
    });
    if let Some(error) = error {
        entry["response"]["_error"] = Value::from(error.as_str());
    }
    if let Some(finding) = step.findings.first() {
        entry["_finding"] = Value::from(finding.check.as_str());
    }
    entry
}

fn version(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Response(response) => &response.version,
        _ => "HTTP/1.1",
    }
}

fn request(request: &Request, version: &str) -> Value {
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    });
    let mut fields = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": version,
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": pairs.collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": request.body.length(),
    });
    if !request.body.is_empty() {
        let kind = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = kind.map_or("", |(_, value)| value.as_str());
        fields["postData"] = match std::str::from_utf8(request.body.bytes()) {
            Ok(text) => json!({ "mimeType": kind, "text": text }),
            // HAR has no encoding of the content of a request.
            Err(_) => json!({ "mimeType": kind, "text": STANDARD.encode(request.body.bytes()), "_encoding": "base64" }),
        };
        cut(&request.body, &mut fields["postData"]);
    }
    fields
}

/// States that only a part of a content was kept.
fn cut(content: &Content, fields: &mut Value) {
    if content.is_cut() {
        let kept = content.bytes().len();
        fields["comment"] = format!("the first {kept} of {} bytes", content.length()).into();
    }
}

fn response(response: &Response) -> Value {
    let view = ResponseView::new(response, DECODED);
    // A body that cannot be decoded is shown as it was received.
    let body = view.bytes().unwrap_or(response.body.bytes());
    let kind = response.header("content-type").next().unwrap_or("x-unknown");
    let mut content = Map::new();
    content.insert("size".to_owned(), body.len().into());
    content.insert("mimeType".to_owned(), field_shown(kind).into());
    if !body.is_empty() {
        if let Ok(text) = std::str::from_utf8(body) {
            content.insert("text".to_owned(), text.into());
        } else {
            content.insert("text".to_owned(), STANDARD.encode(body).into());
            content.insert("encoding".to_owned(), "base64".into());
        }
    }
    let mut content = Value::Object(content);
    cut(&response.body, &mut content);
    let status = http::StatusCode::from_u16(response.status).ok();
    let reason = response
        .reason
        .as_deref()
        .or(status.and_then(|status| status.canonical_reason()));
    json!({
        "status": response.status,
        "statusText": reason.unwrap_or_default(),
        "httpVersion": response.version,
        "cookies": [],
        "headers": headers(&response.headers),
        "content": content,
        "redirectURL": response.header("location").next().map(field_shown).unwrap_or_default(),
        "headersSize": -1,
        "bodySize": response.body.length(),
    })
}

/// What HAR has for a request without a response.
fn no_response() -> Value {
    json!({
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
        "content": { "size": 0, "mimeType": "x-unknown" }, "redirectURL": "", "headersSize": -1, "bodySize": -1,
    })
}

fn headers(all: &[(String, String)]) -> Vec<Value> {
    let fields = all
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": field_shown(value) }));
    fields.collect()
}
