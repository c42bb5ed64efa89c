//! Values of earlier responses in later requests: they become captures.
//!
//! A value comes from a response if it occurs in one before it occurs in any request. A short value, such as `7`, has to be
//! an identifier by the names of its property and of the place where it is sent.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::exchange::HarExchange;
use crate::import::{
    DraftCapture, DraftContent, DraftPartContent, DraftQuery, SuiteDraft, Value, body,
    credentials::{Secrets, free, is_credential},
    names::name_of,
    shape,
    source_text::is_unreserved,
};

/// Maximum length in bytes of a value that is followed.
const LONGEST: usize = 16 * 1024;
/// Maximum number of locations of one value that are compared.
const SAME: usize = 16;
/// Minimum length of a secret that can be masked, in characters.
const MASKABLE: usize = 6;

/// Where a value can be captured.
struct Found {
    exchange: usize,
    source: Json,
    /// The name of the property, field or cookie.
    key: String,
    /// The name of the object or resource that has it.
    owner: String,
    is_number: bool,
    is_cookie: bool,
    is_secret: bool,
    /// The name of the capture, once it is used.
    name: Option<String>,
}

/// Where a value is sent.
#[derive(Clone, Copy)]
enum Place<'p> {
    /// After this segment of the path.
    Segment(&'p str),
    /// A parameter, a property, or a form field of this name.
    Field(&'p str),
    Header(&'p str),
}

/// The values that are shared by the exchanges of a HAR.
pub(super) struct SharedValues<'d> {
    draft: &'d mut SuiteDraft,
    found: Vec<Found>,
    by_value: HashMap<String, Vec<usize>>,
    /// Values of requests.
    sent: HashSet<String>,
    /// Cookies by name: the exchange that set it, and the value.
    jar: HashMap<String, (usize, String)>,
    /// The captures of each exchange.
    pub(super) captures: Vec<Vec<DraftCapture>>,
    /// The exchange whose `Location` an exchange requests.
    pub(super) follows: Vec<Option<usize>>,
    /// Exchanges that need an earlier one.
    pub(super) edges: Vec<(usize, usize)>,
}

impl<'d> SharedValues<'d> {
    /// Replaces the values of all requests that come from responses.
    pub(super) fn new(exchanges: &mut [HarExchange], draft: &'d mut SuiteDraft) -> Self {
        let mut shared = Self {
            draft,
            found: Vec::new(),
            by_value: HashMap::new(),
            sent: HashSet::new(),
            jar: HashMap::new(),
            captures: vec![Vec::new(); exchanges.len()],
            follows: vec![None; exchanges.len()],
            edges: Vec::new(),
        };
        for index in 0..exchanges.len() {
            let (earlier, rest) = exchanges.split_at_mut(index);
            let Some(one) = rest.first_mut() else { break };
            let sent = sent(one);
            shared.request(index, one, earlier);
            shared.sent.extend(sent);
            shared.response(index, one);
        }
        shared
    }

    fn request(&mut self, index: usize, one: &mut HarExchange, earlier: &[HarExchange]) {
        if let Some(other) = followed(one, earlier) {
            self.follows[index] = Some(other);
            self.edges.push((other, index));
        } else {
            let path = std::mem::take(&mut one.path);
            one.path = self.path(index, &path, earlier);
            if let Some(query) = &mut one.query {
                *query = self.pairs(index, query, earlier);
            }
        }
        for (name, value) in &mut one.headers {
            let (scheme, rest) = match value.split_once(' ') {
                Some((scheme, rest)) if name.eq_ignore_ascii_case("authorization") => (format!("{scheme} "), rest),
                _ => (String::new(), value.as_str()),
            };
            if let Some(variable) = self.variable(index, rest, Place::Header(name), None, earlier) {
                *value = format!("{scheme}{variable}");
            }
        }
        if let Some(content) = &mut one.content {
            self.content(index, content, earlier);
        }
        self.cookies(index, one);
    }

    fn path(&mut self, index: usize, path: &str, earlier: &[HarExchange]) -> Value {
        let mut previous = "";
        let mut segments: Vec<String> = Vec::new();
        for segment in path.split('/') {
            let place = Place::Segment(previous);
            let variable = is_unreserved(segment).then(|| self.variable(index, segment, place, None, earlier));
            match variable.flatten() {
                Some(variable) => segments.push(variable.to_string()),
                None => segments.push(segment.to_owned()),
            }
            previous = segment;
        }
        segments.join("/")
    }

    fn pairs(&mut self, index: usize, text: &str, earlier: &[HarExchange]) -> Value {
        let pairs = text.split('&').map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let variable = self.variable(index, value, Place::Field(name), None, earlier);
            Some(format!("{name}={}", variable.filter(|_| is_unreserved(value))?))
        });
        let replaced: Vec<Option<String>> = pairs.collect();
        let pairs = text.split('&').zip(replaced);
        let pairs = pairs.map(|(pair, replaced)| replaced.unwrap_or_else(|| pair.to_owned()));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn content(&mut self, index: usize, content: &mut DraftContent, earlier: &[HarExchange]) {
        match content {
            DraftContent::Json(value) => self.json(index, "", value, earlier),
            DraftContent::Form(fields) => {
                for (name, value) in fields {
                    if let Some(variable) = self.variable(index, value, Place::Field(name), None, earlier) {
                        *value = variable.to_string();
                    }
                }
            }
            DraftContent::Multipart(parts) => {
                for part in parts {
                    if let DraftPartContent::Text(text) = &mut part.content
                        && let Some(variable) = self.variable(index, text, Place::Field(&part.name), None, earlier)
                    {
                        *text = variable.to_string();
                    }
                }
            }
            DraftContent::Text(text) if crate::json::read(text.as_bytes()).is_ok() => {
                *text = self.json_text(index, text, earlier);
            }
            DraftContent::Text(text) if !text.contains(['\n', ' ', '<']) && text.contains('=') => {
                *text = self.pairs(index, text, earlier);
            }
            DraftContent::Text(_) | DraftContent::File(..) => {}
        }
    }

    fn json(&mut self, index: usize, name: &str, value: &mut Json, earlier: &[HarExchange]) {
        let (text, is_number) = match value {
            Json::Object(entries) => {
                for (name, value) in entries {
                    self.json(index, name, value, earlier);
                }
                return;
            }
            Json::Array(items) => {
                for item in items {
                    self.json(index, name, item, earlier);
                }
                return;
            }
            Json::String(text) => (text.clone(), false),
            Json::Number(number) => (number.to_string(), true),
            _ => return,
        };
        if let Some(variable) = self.variable(index, &text, Place::Field(name), Some(is_number), earlier) {
            *value = Json::String(variable.to_string());
        }
    }

    /// JSON text as it is spelled.
    fn json_text(&mut self, index: usize, text: &str, earlier: &[HarExchange]) -> Value {
        let mut out = String::new();
        let mut name = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '"' => string_length(rest),
                '-' | '0'..='9' => rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                    .unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            let inside = token
                .strip_prefix('"')
                .map(|inside| inside.strip_suffix('"').unwrap_or(inside));
            let is_key = inside.is_some() && rest.trim_start().starts_with(':');
            let value = inside.unwrap_or(token);
            let is_value = inside.is_some() || c == '-' || c.is_ascii_digit();
            if is_key {
                value.clone_into(&mut name);
            }
            let place = Place::Field(&name);
            let variable = (is_value && !is_key)
                .then(|| self.variable(index, value, place, Some(inside.is_none()), earlier))
                .flatten();
            match (variable, inside) {
                (Some(variable), Some(_)) => out.extend(['"', variable, '"']),
                (Some(variable), None) => out.push(variable),
                (None, _) => out.push_str(token),
            }
        }
        out
    }

    /// Cookies that a response set come from the jar.
    fn cookies(&mut self, index: usize, one: &mut HarExchange) {
        let mut is_from_jar = Vec::new();
        for (name, value) in &one.cookies {
            let known = self
                .jar
                .get(name)
                .filter(|(_, known)| known == value)
                .map(|(other, _)| *other);
            self.edges.extend(known.map(|other| (other, index)));
            is_from_jar.push(known);
        }
        if is_from_jar.iter().all(Option::is_some) {
            return;
        }
        // A request with a field of its own gets no cookies from the jar.
        let mut pairs = Vec::new();
        let mut others = Vec::new();
        for ((name, value), known) in one.cookies.iter().zip(is_from_jar) {
            let found = known.and_then(|other| {
                let source = json!({ "cookie": name });
                self.found
                    .iter()
                    .position(|found| found.exchange == other && found.source == source)
            });
            match found {
                Some(found) => pairs.push(format!("{name}={}", self.capture(found))),
                None => others.push(format!("{name}={value}")),
            }
        }
        // Alone, they are hidden with the other fields.
        let others = others.join("; ");
        pairs.push(if pairs.is_empty() {
            others
        } else {
            Secrets::new(self.draft).secret("cookie", &others, "the header field `Cookie`")
        });
        one.headers.push(("Cookie".to_owned(), pairs.join("; ")));
    }

    /// The variable for a value, if it comes from an earlier response.
    fn variable(
        &mut self,
        index: usize,
        value: &str,
        place: Place<'_>,
        is_number: Option<bool>,
        earlier: &[HarExchange],
    ) -> Option<char> {
        if value.is_empty() || value.len() > LONGEST {
            return None;
        }
        let all = self.by_value.get(value).map_or(&[][..], Vec::as_slice);
        let scored = all.iter().map(|at| (*at, score(&self.found[*at], value, place)));
        let usable = scored.filter(|(at, score)| {
            *score > 0 && is_number.is_none_or(|is_number| self.found[*at].is_number == is_number)
        });
        // Of equal ones, the first.
        let best = usable
            .max_by_key(|(at, score)| (*score, usize::MAX - at))
            .map(|(at, _)| at);
        let best = best.or_else(|| self.in_page(value, place, earlier))?;
        self.edges.push((self.found[best].exchange, index));
        Some(self.capture(best))
    }

    /// The variable of a captured value.
    fn capture(&mut self, at: usize) -> char {
        let found = &mut self.found[at];
        let name = if let Some(name) = &found.name {
            name.clone()
        } else {
            let key = name_of(&found.key);
            let name = if key == "id" && !found.owner.is_empty() {
                format!("{}_id", name_of(&found.owner))
            } else {
                key
            };
            let name = free(&name, |name| self.draft.is_taken(name));
            self.draft.captured.insert(name.clone());
            found.name = Some(name.clone());
            self.captures[found.exchange].push(DraftCapture {
                name: name.clone(),
                source: found.source.clone(),
                is_secret: found.is_secret,
            });
            name
        };
        self.draft.names.variable(&name, None)
    }

    /// The value of an attribute of an earlier page, such as a token against forged requests.
    fn in_page(&mut self, value: &str, place: Place<'_>, earlier: &[HarExchange]) -> Option<usize> {
        let (Place::Field(name) | Place::Header(name)) = place else {
            return None;
        };
        let is_long = value.len() >= 16 && !value.contains(char::is_whitespace);
        if self.sent.contains(value) || !(is_long || (is_credential(name) && value.len() >= MASKABLE)) {
            return None;
        }
        for (exchange, one) in earlier.iter().enumerate().rev() {
            let Some(pattern) = one.page().and_then(|page| pattern_of(page, value)) else {
                continue;
            };
            let found = Found::new(exchange, json!({ "text": pattern }), name);
            let is_secret = is_credential(name);
            self.add(value, Found { is_secret, ..found });
            return Some(self.found.len() - 1);
        }
        None
    }

    fn add(&mut self, value: &str, found: Found) {
        let all = self.by_value.entry(value.to_owned()).or_default();
        if all.len() < SAME {
            all.push(self.found.len());
        }
        self.found.push(found);
    }

    /// The values of a response that later requests may use.
    fn response(&mut self, exchange: usize, one: &HarExchange) {
        if let Some(json) = &one.json {
            let owner = resource(&one.path);
            let mut leaves = Vec::new();
            leaves_of(json, "", ("", &owner), &mut leaves);
            for leaf in leaves {
                let found = Found::new(exchange, leaf.pointer.into(), leaf.key);
                let found = Found {
                    owner: leaf.owner.to_owned(),
                    is_number: leaf.is_number,
                    ..found
                };
                self.received(&leaf.text, found);
            }
        }
        if let Some(location) = &one.location {
            self.location(exchange, location);
        }
        for (name, value) in &one.response_headers {
            let is_used = name == "etag" || is_credential(name) || (name.starts_with("x-") && name.ends_with("id"));
            let is_single = one.response_headers.iter().filter(|(other, _)| other == name).count() == 1;
            if is_used && is_single && name != "set-cookie" {
                match value.split_once(' ').filter(|_| name == "authorization") {
                    Some((scheme, rest)) => {
                        let pattern = format!("^{} +(.+)$", regex::escape(scheme));
                        let source = json!({ "header": name, "matches": pattern });
                        self.received(rest, Found::new(exchange, source, "token"));
                    }
                    None => self.received(value, Found::new(exchange, json!({ "header": name }), name)),
                }
            }
        }
        for (name, value) in &one.set_cookies {
            let found = Found::new(exchange, json!({ "cookie": name }), name);
            let found = Found {
                is_cookie: true,
                ..found
            };
            self.received(value, found);
            self.jar.insert(name.clone(), (exchange, value.clone()));
        }
    }

    /// The last segment and the parameters of a `Location`.
    fn location(&mut self, exchange: usize, location: &str) {
        let target = location.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut segments = path.trim_end_matches('/').rsplit('/');
        let last = segments.next().unwrap_or_default();
        let owner = singular(segments.next().unwrap_or_default());
        if is_unreserved(last) {
            let source = json!({ "header": "location", "matches": "/([^/?#]+)/?(?:[?#].*)?$" });
            let found = Found::new(exchange, source, "id");
            self.received(last, Found { owner, ..found });
        }
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if is_unreserved(value) && is_unreserved(name) {
                let pattern = format!("[?&]{}=([^&#]+)", regex::escape(name));
                let source = json!({ "header": "location", "matches": pattern });
                self.received(value, Found::new(exchange, source, name));
            }
        }
    }

    /// Keeps a value of a response, unless a request sent it before.
    fn received(&mut self, value: &str, found: Found) {
        if value.is_empty() || value.len() > LONGEST || self.sent.contains(value) {
            return;
        }
        let is_secret = found.is_cookie || is_credential(&found.key) || shape::is_token(value);
        let found = Found {
            is_secret: is_secret && value.chars().count() >= MASKABLE,
            ..found
        };
        self.add(value, found);
    }
}

impl Found {
    fn new(exchange: usize, source: Json, key: &str) -> Self {
        Self {
            exchange,
            source,
            key: key.to_owned(),
            owner: String::new(),
            is_number: false,
            is_cookie: false,
            is_secret: false,
            name: None,
        }
    }
}

/// How well a source fits a place; 0 if the value is equal by chance.
fn score(found: &Found, value: &str, place: Place<'_>) -> u32 {
    let key = folded(&found.key);
    let is_identifier =
        key.ends_with("id") || key.ends_with("slug") || key.ends_with("uuid") || is_credential(&found.key);
    let of_owner = |name: &str| key == "id" && name == format!("{}id", folded(&found.owner));
    let fit = match place {
        Place::Segment(previous) => {
            let resource = folded(&singular(previous));
            let is_own = key == "id" && folded(&found.owner) == resource || key == format!("{resource}id");
            if is_own { 3 } else { u32::from(is_identifier) }
        }
        Place::Field(name) | Place::Header(name) => {
            let folded = folded(name);
            let name_is_identifier = folded.ends_with("id") || is_credential(name) || folded.ends_with("slug");
            if folded == key || of_owner(&folded) {
                if is_identifier || is_strong(value) { 3 } else { 0 }
            } else {
                u32::from(is_identifier && name_is_identifier)
            }
        }
    };
    // A header has a credential, an identifier or a validator.
    fit + u32::from(is_strong(value) && !matches!(place, Place::Header(name) if !is_flowing(name)))
}

fn is_flowing(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_credential(&name) || name.starts_with("if-") || name.starts_with("x-")
}

/// Whether two equal values are no coincidence.
fn is_strong(value: &str) -> bool {
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let has_cases =
        value.bytes().any(|byte| byte.is_ascii_uppercase()) && value.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_word = !value.contains(|c: char| c.is_whitespace() || c == ',');
    let is_date = value.len() == 10 && chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok();
    is_word && !is_date && ((value.len() >= 8 && has_digit) || (value.len() >= 20 && has_cases))
}

fn folded(name: &str) -> String {
    (name.chars().filter(char::is_ascii_alphanumeric))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// `orders` as `order`.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let is_plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    if is_plural {
        word[..word.len() - 1].to_owned()
    } else {
        word.to_owned()
    }
}

/// The name of the resource of a path: `order` of `/v1/orders` and of `/v1/orders/17`.
fn resource(path: &str) -> String {
    let is_word =
        |segment: &&str| segment.chars().all(|c| c.is_ascii_alphabetic() || "-_".contains(c)) && !segment.is_empty();
    singular(path.rsplit('/').find(is_word).unwrap_or_default())
}

/// The exchange whose `Location` a request is for.
fn followed(one: &HarExchange, earlier: &[HarExchange]) -> Option<usize> {
    let query = one.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let own = url::Url::parse(&format!("{}{}{query}", one.origin, one.path)).ok()?;
    if one.method != "GET" {
        return None;
    }
    earlier.iter().rposition(|other| {
        let base = url::Url::parse(&format!("{}{}", other.origin, other.path));
        let target = other
            .location
            .as_ref()
            .and_then(|location| base.ok()?.join(location).ok());
        target.is_some_and(|mut target| {
            target.set_fragment(None);
            target == own
        })
    })
}

/// The values of a request.
fn sent(one: &HarExchange) -> Vec<String> {
    let mut values: Vec<String> = one.path.split('/').map(str::to_owned).collect();
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = |text: &str, values: &mut Vec<String>| {
        for (_, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
            values.extend([value.to_owned(), decoded(value)]);
        }
    };
    if let Some(query) = &one.query {
        match body::query(query) {
            DraftQuery::Fields(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
            DraftQuery::Raw(text) => pairs(&text, &mut values),
        }
    }
    for (_, value) in one.headers.iter().chain(&one.cookies) {
        values.extend(value.split_once(' ').map(|(_, rest)| rest.to_owned()));
        values.push(value.clone());
    }
    match &one.content {
        Some(DraftContent::Json(value)) => sent_json(value, &mut values),
        Some(DraftContent::Form(fields)) => values.extend(fields.iter().map(|(_, value)| value.clone())),
        Some(DraftContent::Text(text)) => match crate::json::read(text.as_bytes()) {
            Ok(value) => sent_json(&value, &mut values),
            Err(_) => pairs(text, &mut values),
        },
        Some(DraftContent::Multipart(parts)) => {
            let texts = parts.iter().filter_map(|part| match &part.content {
                DraftPartContent::Text(text) => Some(text.clone()),
                DraftPartContent::File(..) => None,
            });
            values.extend(texts);
        }
        Some(DraftContent::File(..)) | None => {}
    }
    values
}

fn sent_json(value: &Json, values: &mut Vec<String>) {
    match value {
        Json::String(text) => values.push(text.clone()),
        Json::Number(number) => values.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| sent_json(item, values)),
        Json::Object(entries) => entries.values().for_each(|value| sent_json(value, values)),
        _ => {}
    }
}

/// A string or number of a response.
struct Leaf<'v> {
    text: String,
    pointer: String,
    key: &'v str,
    owner: &'v str,
    is_number: bool,
}

/// Maximum number of values of a response that are followed.
const LEAVES: usize = 20_000;

fn leaves_of<'v>(value: &'v Json, pointer: &str, (key, owner): (&'v str, &'v str), leaves: &mut Vec<Leaf<'v>>) {
    const GENERIC: [&str; 8] = [
        "data", "result", "results", "items", "item", "payload", "response", "content",
    ];
    if leaves.len() >= LEAVES {
        return;
    }
    let mut leaf = |text: String, is_number: bool| {
        leaves.push(Leaf {
            text,
            pointer: pointer.to_owned(),
            key,
            owner,
            is_number,
        });
    };
    match value {
        Json::String(text) => leaf(text.clone(), false),
        Json::Number(number) => leaf(number.to_string(), true),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves_of(item, &format!("{pointer}/{index}"), (key, owner), leaves);
            }
        }
        Json::Object(entries) => {
            let owner = if key.is_empty() || GENERIC.contains(&key) {
                owner
            } else {
                key
            };
            for (name, value) in entries {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                leaves_of(value, &below, (name, owner), leaves);
            }
        }
        _ => {}
    }
}

/// The length of a JSON string with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A pattern that finds the value of an attribute in a page, and nothing else.
fn pattern_of(page: &str, value: &str) -> Option<String> {
    const CONTEXT: usize = 80;
    let at = page.find(value)?;
    let before = &page[..at];
    let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    if !page[at + value.len()..].starts_with(quote) {
        return None;
    }
    let start = before.rfind(['<', '\n', ',', '{', ';']).map_or(0, |start| start + 1);
    let context = &before[start..];
    let cut = context.char_indices().rev().nth(CONTEXT).map_or(0, |(cut, _)| cut);
    let pattern = format!("{}([^{quote}]+)", regex::escape(&context[cut..]));
    let compiled = regex::Regex::new(&pattern).ok()?;
    let mut matches = compiled.captures_iter(page);
    let only = matches.next()?;
    let is_it = only.get(1).is_some_and(|group| group.as_str() == value);
    (is_it && matches.next().is_none()).then_some(pattern)
}
