//! What was observed of an operation.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use super::{
    super::credentials::is_credential,
    paths::{TrafficPath, TrafficSegment},
    shape::{TrafficShape, has_mark, value_of},
};
use crate::{
    check::{MediaType, ResponseView},
    json,
    model::{CREDENTIALS, Request},
    text::is_id,
};

/// Maximum number of query parameters, media types and header fields of one place.
const MAX_NAMES: usize = 100;
/// Maximum length of a name.
const MAX_NAME: usize = 100;
/// Header fields that belong to an API.
const HEADERS: [&str; 4] = ["location", "etag", "link", "retry-after"];
/// Header fields of servers, proxies and browsers.
const OTHER_HEADERS: [&str; 8] = [
    "x-cache",
    "x-content-type-options",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-served-by",
    "x-xss-protection",
];

/// An exchange with a response.
pub(super) struct TrafficExchange<'e> {
    pub(super) request: &'e Request,
    pub(super) view: ResponseView<'e>,
    pub(super) query: &'e str,
}

impl TrafficExchange<'_> {
    /// Whether the API accepted the request.
    pub(super) fn is_accepted(&self) -> bool {
        self.view.status < 400
    }
}

/// How a request is authorized.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TrafficScheme {
    Basic,
    Bearer,
    /// A key in a header field; its name in lower case.
    Header(String),
    /// A key in the query.
    Query(String),
}

/// Values of one name, and how often it was observed.
pub(super) type Named = BTreeMap<String, (usize, TrafficShape)>;

/// Contents of one media type.
#[derive(Debug, Default)]
pub(super) struct TrafficContent {
    /// The shape of JSON.
    pub(super) shape: TrafficShape,
    /// Whether content that should be JSON is not.
    pub(super) is_broken: bool,
}

/// The contents of requests or responses.
#[derive(Debug, Default)]
pub(super) struct TrafficBody {
    pub(super) count: usize,
    /// Number of messages without content.
    pub(super) empty: usize,
    /// Number of contents without a media type.
    pub(super) untyped: usize,
    pub(super) content: BTreeMap<String, TrafficContent>,
}

/// The responses with one status.
#[derive(Debug, Default)]
pub(super) struct TrafficResponse {
    pub(super) count: usize,
    pub(super) body: TrafficBody,
    pub(super) headers: Named,
}

/// The exchanges of one operation.
#[derive(Debug, Default)]
pub(super) struct TrafficOperation {
    count: usize,
    /// Number of accepted requests; parameters, content and credentials are those of accepted requests.
    pub(super) accepted: usize,
    /// The values in the path, by segment.
    pub(super) path: BTreeMap<usize, TrafficShape>,
    rejected_path: BTreeMap<usize, TrafficShape>,
    pub(super) query: Named,
    pub(super) request: TrafficBody,
    pub(super) responses: BTreeMap<u16, TrafficResponse>,
    /// The credentials that are sent together.
    pub(super) security: BTreeSet<BTreeSet<TrafficScheme>>,
}

impl TrafficOperation {
    /// Adds an exchange, and the values of its path.
    pub(super) fn observe<'s>(
        &mut self,
        exchange: &TrafficExchange<'_>,
        values: impl Iterator<Item = (usize, &'s String)>,
    ) {
        self.count += 1;
        let is_accepted = exchange.is_accepted();
        let path = if is_accepted {
            &mut self.path
        } else {
            &mut self.rejected_path
        };
        for (index, value) in values {
            path.entry(index).or_default().observe_text(value);
        }
        if is_accepted {
            self.accepted += 1;
            self.accepted_request(exchange);
        }
        let response = self.responses.entry(exchange.view.status).or_default();
        response.observe(exchange);
    }

    fn accepted_request(&mut self, exchange: &TrafficExchange<'_>) {
        let request = exchange.request;
        let mut schemes = BTreeSet::new();
        for (name, value) in &request.headers {
            schemes.extend(scheme(name, value));
        }
        for (name, values) in query(exchange.query) {
            if is_credential(&name) && values.iter().all(|value| has_mark(value)) {
                schemes.insert(TrafficScheme::Query(name));
                continue;
            }
            let mut all = values.iter().map(|value| value_of(value));
            let value = match values.len() {
                1 => all.next().unwrap_or_default(),
                _ => all.collect(),
            };
            add(&mut self.query, &name, &value);
        }
        self.security.insert(schemes);
        let kind = request
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = kind.and_then(|(_, value)| MediaType::parse(value));
        let body = &request.body;
        let json = || json::read(body.bytes()).ok().map(std::borrow::Cow::Owned);
        self.request
            .observe(body.is_empty(), kind.as_ref(), !body.is_cut(), json);
        if kind.is_some_and(|kind| kind.essence == "application/x-www-form-urlencoded") && !body.is_cut() {
            self.request.form(&body.text());
        }
    }

    /// Adds the exchanges of another path that is now described by a template.
    pub(super) fn merge(&mut self, other: Self, path: &TrafficPath, template: &TrafficPath) {
        self.count += other.count;
        self.accepted += other.accepted;
        merge_shapes(&mut self.path, other.path);
        merge_shapes(&mut self.rejected_path, other.rejected_path);
        for (index, (segment, own)) in path.iter().zip(template).enumerate() {
            if let (TrafficSegment::Literal(text), TrafficSegment::Parameter) = (segment, own) {
                let is_accepted = other.accepted > 0;
                let values = if is_accepted {
                    &mut self.path
                } else {
                    &mut self.rejected_path
                };
                values.entry(index).or_default().observe_text(text);
            }
        }
        merge_named(&mut self.query, other.query);
        self.request.merge(other.request);
        for (status, response) in other.responses {
            let own = self.responses.entry(status).or_default();
            own.count += response.count;
            own.body.merge(response.body);
            merge_named(&mut own.headers, response.headers);
        }
        self.security.extend(other.security);
    }

    /// Number of exchanges.
    pub(super) fn exchanges(&self) -> usize {
        self.count
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.accepted > 0
    }

    pub(super) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses.keys().copied()
    }

    /// The values of a segment of the path.
    pub(super) fn path_values(&self, index: usize) -> Option<&TrafficShape> {
        let accepted = self.path.get(&index).filter(|shape| !shape.is_empty());
        accepted.or_else(|| self.rejected_path.get(&index).filter(|_| self.accepted == 0))
    }

    /// The shape of the JSON of a successful response.
    pub(super) fn signature(&self) -> Option<String> {
        let response = self.responses.get(&200)?;
        let mut shapes = response.body.content.values();
        shapes.find_map(|content| content.shape.signature())
    }
}

impl TrafficResponse {
    fn observe(&mut self, exchange: &TrafficExchange<'_>) {
        let view = &exchange.view;
        self.count += 1;
        let names: BTreeSet<_> = view.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        for name in names.iter().filter(|name| is_of_api(name)) {
            let values: Vec<_> = view.header(name).collect();
            add(&mut self.headers, name, &value_of(&values.join(",")));
        }
        let is_without_content =
            exchange.request.method == "HEAD" || matches!(view.status, 100..=199 | 204 | 205 | 304);
        if is_without_content {
            return;
        }
        let is_whole = view.status != 206 && view.stopped.is_none() && view.cut.is_none() && !view.body.is_cut();
        let json = || view.json().ok().map(std::borrow::Cow::Borrowed);
        self.body
            .observe(view.body.is_empty(), view.media_type(), is_whole, json);
    }
}

impl TrafficBody {
    fn observe<'v>(
        &mut self,
        is_empty: bool,
        kind: Option<&MediaType>,
        is_whole: bool,
        json: impl FnOnce() -> Option<std::borrow::Cow<'v, serde_json::Value>>,
    ) {
        self.count += 1;
        if is_empty {
            self.empty += 1;
            return;
        }
        let name = kind.map(|kind| &kind.essence).filter(|name| name.len() <= MAX_NAME);
        let Some(name) = name.filter(|name| self.content.len() < MAX_NAMES || self.content.contains_key(*name)) else {
            self.untyped += 1;
            return;
        };
        let content = self.content.entry(name.clone()).or_default();
        if kind.is_some_and(MediaType::is_json) && is_whole {
            match json() {
                Some(value) => content.shape.observe(&value),
                None => content.is_broken = true,
            }
        }
    }

    /// Adds the fields of a form.
    fn form(&mut self, text: &str) {
        let fields = query(text).into_iter().map(|(name, values)| {
            let mut all = values.iter().map(|value| value_of(value));
            let value = match values.len() {
                1 => all.next().unwrap_or_default(),
                _ => all.collect(),
            };
            (name, value)
        });
        let content = self.content.get_mut("application/x-www-form-urlencoded");
        if let Some(content) = content {
            content.shape.observe(&serde_json::Value::Object(fields.collect()));
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.empty += other.empty;
        self.untyped += other.untyped;
        for (name, content) in other.content {
            let own = self.content.entry(name).or_default();
            own.shape.merge(content.shape);
            own.is_broken |= content.is_broken;
        }
    }
}

fn merge_shapes(own: &mut BTreeMap<usize, TrafficShape>, other: BTreeMap<usize, TrafficShape>) {
    for (index, shape) in other {
        own.entry(index).or_default().merge(shape);
    }
}

fn merge_named(own: &mut Named, other: Named) {
    for (name, (count, shape)) in other {
        let own = own.entry(name).or_default();
        own.0 += count;
        own.1.merge(shape);
    }
}

/// Adds a value, unless its name is a value itself.
fn add(named: &mut Named, name: &str, value: &serde_json::Value) {
    let is_name = !name.is_empty() && name.len() <= MAX_NAME && !is_id(name) && !has_mark(name) && !name.contains('@');
    if is_name && (named.len() < MAX_NAMES || named.contains_key(name)) {
        let (count, shape) = named.entry(name.to_owned()).or_default();
        *count += 1;
        shape.observe(value);
    }
}

/// Whether a header field belongs to the API.
fn is_of_api(name: &str) -> bool {
    let is_known = HEADERS.contains(&name) || name.starts_with("x-") || name.starts_with("ratelimit");
    is_known && !OTHER_HEADERS.contains(&name) && !is_credential(name)
}

/// The credentials in a header field.
fn scheme(name: &str, value: &str) -> Option<TrafficScheme> {
    let name = name.to_ascii_lowercase();
    if name == "authorization" {
        let word = value.split(' ').next().unwrap_or_default();
        return Some(match word.to_ascii_lowercase().as_str() {
            "bearer" => TrafficScheme::Bearer,
            "basic" => TrafficScheme::Basic,
            _ => TrafficScheme::Header(name),
        });
    }
    let is_key = !CREDENTIALS.contains(&name.as_str()) && is_credential(&name);
    is_key.then_some(TrafficScheme::Header(name))
}

/// The names in a query, each with its values, decoded.
fn query(query: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        all.entry(decoded(name)).or_default().push(decoded(value));
    }
    all
}
