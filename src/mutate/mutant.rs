//! Creation of changed responses, one at a time, so that only one is in memory.

use serde_json::Value;

use super::operator::{OPERATORS, Operator};
use crate::{
    check::MediaType,
    json,
    model::{Content, Request, Response},
};

/// Maximum number of items of an array that are changed, from its start: each change costs as much as the whole body.
const ITEMS: usize = 50;
/// Maximum number of locations of a body that one operator changes.
const PLACES: usize = 1000;

/// The part of a response that is changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MutantTarget {
    Status,
    /// A header field in lower case, or a trailer field after [`Response::TRAILER`].
    Header(String),
    /// A location in the body: a JSON pointer.
    Body(String),
    /// All of it.
    Response,
}

impl std::fmt::Display for MutantTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Header(name) => match name.strip_prefix(Response::TRAILER) {
                Some(name) => write!(f, "trailer {name}"),
                None => write!(f, "header {name}"),
            },
            Self::Body(pointer) if pointer.is_empty() => f.write_str("body"),
            Self::Body(pointer) => write!(f, "body {pointer}"),
            Self::Response => f.write_str("response"),
        }
    }
}

/// A changed response.
pub(super) struct Mutant<'m> {
    pub(super) operator: &'static Operator,
    /// Its number among the mutants of its operator.
    pub(super) number: usize,
    pub(super) target: &'m MutantTarget,
    pub(super) response: &'m Response,
}

/// Values from other responses.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Responses to other cases of the suite, one of each kind.
    pub(super) responses: Vec<Response>,
    /// Values of the target's variables that look like ids.
    pub(super) ids: Vec<String>,
}

/// A response and the function that receives its mutants.
pub(super) struct Mutants<'a> {
    response: &'a Response,
    json: Option<Value>,
    elsewhere: &'a Elsewhere,
    operator: &'static Operator,
    number: usize,
    emit: &'a mut dyn FnMut(Mutant<'_>),
}

impl<'a> Mutants<'a> {
    fn new(
        response: &'a Response,
        elsewhere: &'a Elsewhere,
        operator: &'static Operator,
        emit: &'a mut dyn FnMut(Mutant<'_>),
    ) -> Self {
        Self {
            response,
            json: json::read(response.body.bytes()).ok(),
            elsewhere,
            operator,
            number: 0,
            emit,
        }
    }

    /// Makes the mutants of one operator.
    pub(super) fn make_with(
        response: &'a Response,
        elsewhere: &'a Elsewhere,
        operator: &'static Operator,
        emit: &'a mut dyn FnMut(Mutant<'_>),
    ) {
        (operator.make)(&mut Self::new(response, elsewhere, operator, emit));
    }

    /// Makes all mutants of a response, in the order of the operators.
    pub(super) fn make(response: &'a Response, elsewhere: &'a Elsewhere, emit: &'a mut dyn FnMut(Mutant<'_>)) {
        let mut mutants = Self::new(response, elsewhere, &OPERATORS[0], emit);
        let is_mail = response.version == Request::MAIL;
        for operator in OPERATORS.iter().filter(|operator| operator.is_of_mail() == is_mail) {
            (mutants.operator, mutants.number) = (operator, 0);
            (operator.make)(&mut mutants);
        }
    }

    pub(super) fn response(&self) -> &'a Response {
        self.response
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status
    }

    pub(super) fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// The body as text; empty if it is not text.
    pub(super) fn text(&self) -> &'a str {
        std::str::from_utf8(self.response.body.bytes()).unwrap_or_default()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        if self.elsewhere.ids.len() > 1 {
            self.elsewhere.ids.clone()
        } else {
            Vec::new()
        }
    }

    /// Responses to other cases, of a different kind than this one.
    pub(super) fn others(&self) -> Vec<Response> {
        let others = self.elsewhere.responses.iter();
        others
            .filter(|other| !is_alike(other, self.response))
            .take(3)
            .cloned()
            .collect()
    }

    /// A response of success in place of this rejection: a recorded one, or else an empty one.
    pub(super) fn success(&self) -> Option<Response> {
        if !matches!(self.response.status, 400..=499) {
            return None;
        }
        let known = self
            .elsewhere
            .responses
            .iter()
            .find(|other| matches!(other.status, 200..=299));
        let empty = || {
            let mut response = self.response.clone();
            response.status = 200;
            response.reason = None;
            response
                .headers
                .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
            response.headers.push(("content-length".to_owned(), "0".to_owned()));
            response.body = Content::default();
            response
        };
        Some(known.cloned().unwrap_or_else(empty))
    }

    /// The value at a location.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.json.as_ref()?.pointer(pointer)
    }

    /// Visits every location of the body whose value is wanted.
    pub(super) fn each(&mut self, wanted: &dyn Fn(&Value) -> bool, visit: &mut dyn FnMut(&mut Self, &str)) {
        let mut locations = Vec::new();
        if let Some(value) = &self.json {
            collect(value, "", wanted, &mut locations);
        }
        for location in locations {
            visit(self, &location);
        }
    }

    /// A mutant that is made by changing a copy of the response.
    pub(super) fn add(&mut self, target: &MutantTarget, change: impl FnOnce(&mut Response)) {
        let mut response = self.response.clone();
        change(&mut response);
        self.emit(target, &response);
    }

    /// The same with a different body; `content-length` is adjusted.
    pub(super) fn add_body(&mut self, target: &MutantTarget, body: String) {
        self.add(target, |response| set_body(response, body));
    }

    /// The same with a different media type.
    pub(super) fn add_media(&mut self, target: &MutantTarget, body: String, media_type: &str) {
        self.add(target, |response| {
            set_body(response, body);
            let known = response
                .headers
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            match known {
                Some((_, value)) => media_type.clone_into(value),
                None => response
                    .headers
                    .push(("content-type".to_owned(), media_type.to_owned())),
            }
        });
    }

    /// A mutant whose body is changed at a location, unless `change` returns `None`.
    pub(super) fn add_json(&mut self, target: &MutantTarget, pointer: &str, change: impl FnOnce(&mut Value) -> bool) {
        let Some(mut json) = self.json.take() else { return };
        let text = json.pointer_mut(pointer).and_then(|value| {
            let before = value.clone();
            let is_changed = change(value);
            is_changed.then_some(before)
        });
        if let Some(before) = text {
            let body = json.to_string();
            if let Some(value) = json.pointer_mut(pointer) {
                *value = before;
            }
            self.json = Some(json);
            return self.add_body(target, body);
        }
        self.json = Some(json);
    }

    fn emit(&mut self, target: &MutantTarget, response: &Response) {
        let (operator, number) = (self.operator, self.number);
        self.number += 1;
        (self.emit)(Mutant {
            operator,
            number,
            target,
            response,
        });
    }
}

fn collect(value: &Value, at: &str, wanted: &dyn Fn(&Value) -> bool, locations: &mut Vec<String>) {
    if locations.len() >= PLACES {
        return;
    }
    if wanted(value) {
        locations.push(at.to_owned());
    }
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                collect(value, &json::step(at, key), wanted, locations);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate().take(ITEMS) {
                collect(item, &format!("{at}/{number}"), wanted, locations);
            }
        }
        _ => {}
    }
}

fn set_body(response: &mut Response, body: String) {
    let length = body.len();
    let declared = response
        .headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    match declared {
        Some((_, value)) => *value = length.to_string(),
        None if response.body.is_empty() && length > 0 => {
            response.headers.push(("content-length".to_owned(), length.to_string()));
        }
        None => {}
    }
    response.body = Content::decoded(body.into_bytes());
}

/// Whether two responses are of the same kind: the same status and form of body.
pub(super) fn is_alike(one: &Response, other: &Response) -> bool {
    let form = |response: &Response| {
        let value = json::read(response.body.bytes()).ok()?;
        let names = value
            .as_object()
            .map(|object| object.keys().cloned().collect::<Vec<_>>());
        Some((names, value.get("message").cloned()))
    };
    one.status == other.status && one.body.is_empty() == other.body.is_empty() && form(one) == form(other)
}

/// Whether two responses are equivalent for a client.
pub(super) fn is_equivalent(one: &Response, other: &Response) -> bool {
    let fields = |response: &Response| {
        let mut all: Vec<_> = (response.headers.iter())
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .map(|(name, value)| {
                let name = name.to_ascii_lowercase();
                let kind = (name == "content-type").then(|| MediaType::parse(value)).flatten();
                (name, kind.map_or_else(|| value.clone(), |kind| kind.to_string()))
            })
            .collect();
        all.extend(response.trailers.iter().map(|(name, value)| {
            let name = format!("{}{}", Response::TRAILER, name.to_ascii_lowercase());
            (name, value.clone())
        }));
        all.sort();
        all
    };
    if one.status != other.status || fields(one) != fields(other) {
        return false;
    }
    if one.body.bytes() == other.body.bytes() {
        return true;
    }
    match (json::read(one.body.bytes()), json::read(other.body.bytes())) {
        (Ok(one), Ok(other)) => json::equal(&one, &other),
        _ => false,
    }
}
