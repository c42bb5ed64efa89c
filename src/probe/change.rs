//! The one change of a near miss, made to the request that is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::{
    check::{ApiContract, MediaType, MultipartPart, form_parts},
    json,
    model::Request,
};

/// Everything but unreserved characters (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A change of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RequestChange {
    /// Another method. Content is left out where the method has none.
    Method(String),
    /// Another value of a path parameter, percent-encoded.
    Path(String, String),
    /// The values of a query parameter, percent-encoded; none to leave it out.
    Query(String, Vec<String>),
    /// The value of a header field; none to leave it out.
    Header(String, Option<String>),
    /// The value of a cookie; none to leave it out.
    Cookie(String, Option<String>),
    /// The texts of a property of a form; none to leave it out.
    Form(String, Vec<String>),
    /// Other content.
    Body(BodyChange),
}

/// A change of JSON content, at a JSON pointer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum BodyChange {
    /// No content.
    Empty,
    /// Without the last bracket.
    Cut,
    /// The first property of the root is written twice.
    DuplicateKey,
    /// Another value, in place of one or as a new property.
    Set(String, Value),
    /// A property is left out.
    Remove(String),
    /// Only the first items of a list.
    Truncate(String, usize),
    /// The items of a list are repeated until it has this length.
    Repeat(String, usize),
    /// The first item of a list takes the place of the second, or is added.
    Double(String),
    /// An object gets new properties until it has this many.
    Grow(String, usize),
}

/// A text, percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

impl RequestChange {
    /// The changed request; `None` if the request has no such part.
    pub(super) fn apply(&self, contract: &ApiContract, request: &Request) -> Option<Request> {
        let mut changed = request.clone();
        match self {
            Self::Method(method) => {
                changed.method.clone_from(method);
                if matches!(method.as_str(), "GET" | "DELETE") {
                    set_body(&mut changed, Vec::new());
                    remove_header(&mut changed, "content-type");
                } else if changed.body.is_empty() && header(&changed, "content-length").is_none() {
                    changed.headers.push(("content-length".to_owned(), "0".to_owned()));
                }
            }
            Self::Path(name, value) => {
                let path = contract.path_of(request)?;
                let operation = contract.operation_of(request)?;
                let new = contract.document.path_with(operation, path, name, value)?;
                let rest = &request.url[contract.base.len() + path.len()..];
                changed.url = format!("{}{new}{rest}", contract.base);
            }
            Self::Query(name, values) => changed.url = with_query(&request.url, name, values),
            Self::Header(name, value) => {
                let at = request
                    .headers
                    .iter()
                    .position(|(known, _)| known.eq_ignore_ascii_case(name));
                remove_header(&mut changed, name);
                if let Some(value) = value {
                    let at = at.unwrap_or(changed.headers.len()).min(changed.headers.len());
                    changed.headers.insert(at, (name.clone(), value.clone()));
                }
            }
            Self::Cookie(name, value) => set_cookie(&mut changed, name, value.as_deref()),
            Self::Form(name, texts) => {
                let kind = header(request, "content-type").and_then(MediaType::parse)?;
                let body = request.body.bytes();
                let bytes = if kind.essence == "multipart/form-data" {
                    with_parts(&kind, body, name, texts)?
                } else {
                    let values: Vec<_> = texts.iter().map(|text| encoded(text)).collect();
                    with_pairs(std::str::from_utf8(body).ok()?, name, &values).into_bytes()
                };
                set_body(&mut changed, bytes);
            }
            Self::Body(BodyChange::Empty) => {
                set_body(&mut changed, Vec::new());
                remove_header(&mut changed, "content-type");
            }
            Self::Body(change) => {
                let bytes = change.apply(request.body.bytes())?;
                set_body(&mut changed, bytes);
            }
        }
        (changed != *request).then_some(changed)
    }
}

impl BodyChange {
    fn apply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Empty => return Some(Vec::new()),
            Self::Cut => {
                let text = std::str::from_utf8(bytes).ok()?.trim_end();
                return Some(text.strip_suffix(['}', ']'])?.as_bytes().to_vec());
            }
            _ => {}
        }
        let mut value = json::read(bytes).ok()?;
        if *self == Self::DuplicateKey {
            let entries = value.as_object()?;
            let (key, first) = entries.iter().next()?;
            let text = value.to_string();
            let pair = format!("{}:{first}", Value::String(key.clone()));
            return Some(format!("{{{pair},{}", text.strip_prefix('{')?).into_bytes());
        }
        self.edit(&mut value)?;
        Some(value.to_string().into_bytes())
    }

    /// The changed value; `None` if the value has no such part.
    pub(super) fn edited(&self, value: &Value) -> Option<Value> {
        let mut value = value.clone();
        self.edit(&mut value)?;
        Some(value)
    }

    fn edit(&self, value: &mut Value) -> Option<()> {
        match self {
            Self::Empty | Self::Cut | Self::DuplicateKey => return None,
            Self::Set(pointer, new) => {
                if let Some(known) = value.pointer_mut(pointer) {
                    *known = new.clone();
                } else {
                    let (around, name) = parent(value, pointer)?;
                    around.insert(name, new.clone());
                }
            }
            Self::Remove(pointer) => {
                let (around, name) = parent(value, pointer)?;
                around.remove(&name)?;
            }
            Self::Truncate(pointer, length) => value.pointer_mut(pointer)?.as_array_mut()?.truncate(*length),
            Self::Repeat(pointer, length) => {
                let items = value.pointer_mut(pointer)?.as_array_mut()?;
                let own = items.clone();
                let left = length.checked_sub(own.len())?;
                items.extend(own.iter().cycle().take(left).cloned());
            }
            Self::Double(pointer) => {
                let items = value.pointer_mut(pointer)?.as_array_mut()?;
                let first = items.first()?.clone();
                match items.get_mut(1) {
                    Some(second) => *second = first,
                    None => items.push(first),
                }
            }
            Self::Grow(pointer, count) => {
                let entries = value.pointer_mut(pointer)?.as_object_mut()?;
                for number in 1.. {
                    if entries.len() >= *count {
                        break;
                    }
                    entries
                        .entry(format!("undeclared_{number}"))
                        .or_insert_with(|| number.into());
                }
            }
        }
        Some(())
    }
}

/// The object that contains the last name of a pointer, and that name.
fn parent<'v>(value: &'v mut Value, pointer: &str) -> Option<(&'v mut Map<String, Value>, String)> {
    let (around, name) = pointer.rsplit_once('/')?;
    let name = json::unescaped(name);
    Some((value.pointer_mut(around)?.as_object_mut()?, name))
}

pub(super) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let mut fields = request.headers.iter();
    let field = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(&field.1)
}

fn remove_header(request: &mut Request, name: &str) {
    request.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
}

/// Replaces the content, and its length in the header section if it is there.
fn set_body(request: &mut Request, bytes: Vec<u8>) {
    let needs_length = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if bytes.is_empty() && !needs_length {
        remove_header(request, "content-length");
    }
    let length = request
        .headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if let Some((_, length)) = length {
        *length = bytes.len().to_string();
    }
    request.body = bytes::Bytes::from(bytes).into();
}

/// A URL with other values of a query parameter, at the same position.
fn with_query(url: &str, name: &str, values: &[String]) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, end)| (rest, Some(end)));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = with_pairs(query, name, values);
    let mut url = path.to_owned();
    if !query.is_empty() {
        url = format!("{url}?{query}");
    }
    match fragment {
        Some(fragment) => format!("{url}#{fragment}"),
        None => url,
    }
}

/// The pairs of a query or a form with other values of a name, at the same position.
fn with_pairs(query: &str, name: &str, values: &[String]) -> String {
    let is_it = |pair: &str| {
        let known = pair.split('=').next().unwrap_or_default().replace('+', " ");
        let known = percent_decode_str(&known).decode_utf8_lossy().into_owned();
        known == name || known.strip_prefix(name).is_some_and(|rest| rest.starts_with('['))
    };
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let at = pairs.iter().position(|pair| is_it(pair)).unwrap_or(pairs.len());
    let new: Vec<String> = values
        .iter()
        .map(|value| format!("{}={value}", encoded(name)))
        .collect();
    let before = pairs[..at].iter().copied();
    let after = pairs[at..].iter().copied().filter(|pair| !is_it(pair));
    let all: Vec<&str> = before.chain(new.iter().map(String::as_str)).chain(after).collect();
    all.join("&")
}

/// A multipart body with other texts of a name, at the same position. `None` if no part is left.
fn with_parts(kind: &MediaType, body: &[u8], name: &str, texts: &[String]) -> Option<Vec<u8>> {
    let boundary = kind.parameters.get("boundary")?;
    let parts = form_parts(kind, body)?;
    let own = parts.iter().find(|part| part.name == name);
    let head = match own {
        Some(part) => body.get(part.whole.start..part.content.start)?.to_vec(),
        None => format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes(),
    };
    let new = texts.iter().map(|text| [&head, text.as_bytes()].concat());
    let at = parts.iter().position(|part| part.name == name).unwrap_or(parts.len());
    let kept = |parts: &[MultipartPart]| -> Vec<Vec<u8>> {
        let kept = parts.iter().filter(|part| part.name != name);
        kept.map(|part| body[part.whole.clone()].to_vec()).collect()
    };
    let all: Vec<Vec<u8>> = kept(&parts[..at])
        .into_iter()
        .chain(new)
        .chain(kept(&parts[at..]))
        .collect();
    if all.is_empty() || name.contains(['"', '\r', '\n']) {
        return None;
    }
    let mut bytes = all.join(&b"\r\n"[..]);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Some(bytes)
}

fn set_cookie(request: &mut Request, name: &str, value: Option<&str>) {
    let is_it = |pair: &&str| pair.split('=').next().unwrap_or_default().trim() == name;
    let new = value.map(|value| format!("{name}={value}"));
    let Some((_, field)) = request
        .headers
        .iter_mut()
        .find(|(known, _)| known.eq_ignore_ascii_case("cookie"))
    else {
        request.headers.extend(new.map(|new| ("cookie".to_owned(), new)));
        return;
    };
    let kept = field
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !is_it(pair));
    let pairs: Vec<_> = kept.map(str::to_owned).chain(new).collect();
    *field = pairs.join("; ");
    if field.is_empty() {
        remove_header(request, "cookie");
    }
}
