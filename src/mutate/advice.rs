//! Candidates for additions to a case that detect a change, the strictest first.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use super::{Operator, mutant::MutantTarget, names::CaseNames};
use crate::{
    check::{
        self, ResponseView,
        fields::{is_of_server, is_varying},
    },
    json,
    model::{CREDENTIALS, HIDDEN, Response, field_shown},
};

/// Maximum length of a value that is shown, in bytes.
const SHOWN: usize = 300;
/// Maximum length of a line of text that is suggested, in bytes.
const LINE: usize = 200;
/// The pattern of a date in a cookie.
const DATE: &str = "=[A-Z][a-z]+, [0-9A-Za-z: -]+ GMT";
/// Maximum nesting of a value that is written out.
const DEPTH: usize = 20;

/// The value at a target, before and after.
pub(super) fn shown(
    target: &MutantTarget,
    original: &Response,
    changed: &Response,
) -> (Option<String>, Option<String>) {
    let at = |response: &Response| match target {
        MutantTarget::Status | MutantTarget::Response => Some(check::status_name(response.status)),
        MutantTarget::Header(name) => {
            let all: Vec<_> = response.header(name).collect();
            (!all.is_empty()).then(|| field_shown(&all.join(", ")).into_owned())
        }
        MutantTarget::Body(pointer) if pointer.is_empty() => {
            Some(response.body.text().into_owned()).filter(|text| !text.is_empty())
        }
        MutantTarget::Body(pointer) => {
            let value = json::read(response.body.bytes()).ok()?;
            value.pointer(pointer).map(json::show)
        }
    };
    let short = |text: String| match text.len() {
        0..=SHOWN => text,
        _ => format!("{}…", &text[..text.floor_char_boundary(SHOWN)]),
    };
    (at(original).map(short), at(changed).map(short))
}

/// A target with `*` for the items of arrays.
pub(super) fn general(target: &MutantTarget) -> String {
    match target {
        MutantTarget::Body(pointer) => {
            let steps = pointer
                .split('/')
                .map(|step| if step.parse::<usize>().is_ok() { "*" } else { step });
            MutantTarget::Body(steps.collect::<Vec<_>>().join("/")).to_string()
        }
        other => other.to_string(),
    }
}

/// The location in the body that an addition for a target tests, and whether it tests the whole value.
pub(super) fn location<'t>(operator: &Operator, target: &'t MutantTarget) -> (&'t str, bool) {
    match target {
        // Only a test of the whole value rejects additional properties.
        MutantTarget::Body(pointer) if operator.id == "body/property-added" => {
            (pointer.rsplit_once('/').map_or("", |(parent, _)| parent), true)
        }
        MutantTarget::Body(pointer) => (pointer, false),
        _ => ("", false),
    }
}

/// Usually equal for targets that get the same first suggestion: survivors are grouped by it before advice is computed.
pub(super) fn likeness(target: &MutantTarget, at: &str, response: &Response, names: &CaseNames) -> u64 {
    let text = match target {
        MutantTarget::Status | MutantTarget::Response => response.status.to_string(),
        MutantTarget::Header(name) => response.header(name).collect::<Vec<_>>().join(", "),
        MutantTarget::Body(_) => match json::read(response.body.bytes()) {
            Ok(value) => match value.pointer(&outside_arrays(at)) {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            },
            Err(_) => response.body.text().into_owned(),
        },
    };
    let mut hasher = DefaultHasher::new();
    names
        .shape(&text)
        .unwrap_or_else(|| names.template(&text))
        .hash(&mut hasher);
    hasher.finish()
}

/// A pointer up to the first array on its way: an addition is about the whole array.
fn outside_arrays(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    let steps = steps.take_while(|step| step.parse::<usize>().is_err());
    steps.fold(String::new(), |location, step| format!("{location}/{step}"))
}

/// Candidates for additions, as top-level keys of the case's file, the strictest first. They are not verified yet.
pub(super) fn candidates(
    operator: &Operator,
    target: &MutantTarget,
    view: &ResponseView<'_>,
    names: &CaseNames,
) -> Vec<Value> {
    let status = json!({ "expect": { "status": view.status } });
    match target {
        MutantTarget::Status => vec![status],
        MutantTarget::Header(name) => header(name, view, names)
            .into_iter()
            .map(|test| match name.strip_prefix(Response::TRAILER) {
                Some(name) => json!({ "expect": { "trailers": { name: test } } }),
                None => json!({ "expect": { "headers": { name.clone(): test } } }),
            })
            .collect(),
        MutantTarget::Response => std::iter::once(status).chain(body("", false, view, names)).collect(),
        MutantTarget::Body(_) => {
            let (at, is_whole) = location(operator, target);
            body(at, is_whole, view, names)
        }
    }
}

/// Tests of a header field.
fn header(name: &str, response: &Response, names: &CaseNames) -> Vec<Value> {
    let present = json!({ "present": true });
    let values: Vec<&str> = response.header(name).collect();
    if name == "set-cookie" {
        let cookies = values.iter().filter_map(|value| cookie(value, response, names));
        let cookies = cookies.map(|pattern| json!({ "matches": pattern }));
        return cookies.chain([present]).collect();
    }
    let value = values.join(", ");
    if CREDENTIALS.contains(&name) || names.is_masked(&value) {
        return vec![present];
    }
    if names.is_recent(&value) {
        return vec![json!({ "within": "5m" }), present];
    }
    if let Some(shape) = names.shape(&value) {
        return vec![json!({ "matches": shape }), present];
    }
    if is_varying(name) || is_of_server(name) || names.is_of_row(&value) || check::instant(&value).is_some() {
        return vec![present];
    }
    let (template, plain) = (names.template(&value), CaseNames::plain(&value));
    // Media types and lists are compared by meaning; a pattern is stricter.
    let pattern = (template == plain).then(|| json!({ "matches": format!("^{}$", regex::escape(&value)) }));
    let values = [Value::from(template), Value::from(plain)];
    values.into_iter().chain(pattern).chain([present]).collect()
}

/// A pattern of a cookie: its name and attributes, but neither its value nor a date.
fn cookie(text: &str, response: &Response, names: &CaseNames) -> Option<String> {
    let mut parts = text.split(';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = pair.split_once('=')?;
    if names.is_masked(name) {
        return None;
    }
    let value = if value.is_empty() { "" } else { "[^;]+" };
    let mut out = format!("^{}={value}", regex::escape(name));
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let is_date = check::instant(value.trim()).is_some_and(|at| at > response.received);
        out.push(';');
        if is_date || names.is_masked(value) {
            out.push_str(&regex::escape(key));
            out.push_str(if is_date { DATE } else { "=[^;]+" });
        } else {
            out.push_str(&regex::escape(attribute));
        }
    }
    (!names.is_masked(&out)).then_some(out + "$")
}

/// Tests of the body at a location.
fn body(at: &str, is_whole: bool, view: &ResponseView<'_>, names: &CaseNames) -> Vec<Value> {
    let of = |test: Value| json!({ "expect": { "body": test } });
    if view.body.is_empty() {
        return vec![of(json!({ "empty": true }))];
    }
    let Ok(value) = view.json() else {
        return text(view, names).into_iter().map(of).collect();
    };
    let exact = (!names.has_volatile(value)).then(|| of(json!({ "exact": literal(value, names) })));
    let location = outside_arrays(at);
    let found = value.pointer(&location).unwrap_or(value);
    let mut tests = patterns(found, names, 0);
    if is_whole {
        tests.retain(|test| test.get("$equals").is_some());
        if location.is_empty() {
            tests.clear();
        }
    }
    let steps: Vec<String> = (location.split('/').skip(1))
        .map(|step| key(&json::unescaped(step)))
        .collect();
    let tests = tests.into_iter().map(|test| {
        let nested = steps
            .iter()
            .rev()
            .fold(test, |inner, step| json!({ step.clone(): inner }));
        of(json!({ "json": nested }))
    });
    if is_whole {
        return tests.chain(exact).collect();
    }
    if names.is_masked(&location) {
        return exact.into_iter().collect();
    }
    tests.chain(exact).collect()
}

/// Tests of a body that is not JSON.
fn text(view: &ResponseView<'_>, names: &CaseNames) -> Vec<Value> {
    let mut tests = Vec::new();
    if let Ok(text) = view.text()
        && let Ok(text) = text.content
    {
        if !names.is_volatile(&text) {
            tests.push(json!({ "text": names.template(&text) }));
            tests.push(json!({ "text": CaseNames::plain(&text) }));
        } else if let Some(shape) = names.shape(&text).filter(|_| !names.is_masked(&text)) {
            tests.push(json!({ "text": { "matches": shape } }));
        }
        let is_fixed = |line: &&str| line.len() <= LINE && line.len() > 3 && !names.is_volatile(line);
        // A truncated body lacks its end.
        let last = text.lines().rev().find(is_fixed);
        let first = text.lines().find(is_fixed);
        let lines = last.into_iter().chain(first);
        tests.extend(lines.map(|line| json!({ "text": { "contains": names.template(line) } })));
    }
    tests.push(json!({ "empty": false }));
    tests
}

/// Patterns that a value passes, the strictest first.
fn patterns(value: &Value, names: &CaseNames, depth: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let is_literal = !names.has_volatile(value);
    let equals = |all: &mut Vec<Value>| {
        if is_literal {
            all.push(json!({ "$equals": literal(value, names) }));
        }
    };
    match value {
        Value::String(text) if names.is_masked(text) => {}
        Value::String(text) if names.is_recent(text) => {
            all.push(json!({ "$within": "5m" }));
            all.extend(
                names
                    .shape(text)
                    .map(|shape| json!({ "$within": "5m", "$matches": shape })),
            );
        }
        Value::String(text) if !is_literal => {
            all.extend(names.shape(text).map(|shape| json!({ "$matches": shape })));
        }
        Value::String(text) => all.extend([Value::from(names.template(text)), Value::from(CaseNames::plain(text))]),
        Value::Number(number) => {
            all.extend(names.of_row(&number.to_string()).map(Value::from));
            if is_literal {
                all.push(value.clone());
            }
        }
        Value::Bool(_) | Value::Null => all.push(value.clone()),
        Value::Array(items) => {
            equals(&mut all);
            if depth < DEPTH && !items.is_empty() {
                all.push(items.iter().map(|item| first(item, names, depth + 1)).collect());
            }
            all.extend(common(items, names).map(|item| json!({ "$each": item })));
            all.push(json!({ "$length": items.len() }));
        }
        Value::Object(entries) => {
            if depth < DEPTH && !entries.is_empty() {
                let entries = entries.iter().filter(|(name, _)| is_expressible(name, names));
                let entries: Map<_, _> = entries
                    .map(|(name, value)| (key(name), first(value, names, depth + 1)))
                    .collect();
                if !entries.is_empty() {
                    all.push(Value::Object(entries));
                }
            }
            equals(&mut all);
        }
    }
    all.push(json!({ "$type": kind(value) }));
    all
}

/// The strictest pattern.
fn first(value: &Value, names: &CaseNames, depth: usize) -> Value {
    // A list inside a list of patterns consists of patterns as well, so it can be copied without its context.
    patterns(value, names, depth).into_iter().next().unwrap_or(Value::Null)
}

/// The common form of all items of an array: their type, and the types of their properties.
fn common(items: &[Value], names: &CaseNames) -> Option<Value> {
    let of_all = |values: &[&Value]| {
        let mut kinds: Vec<_> = values.iter().map(|value| kind(value)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        match kinds.as_slice() {
            [kind] => Some(json!({ "$type": kind })),
            ["integer", "number"] => Some(json!({ "$type": "number" })),
            _ => None,
        }
    };
    let all: Vec<&Value> = items.iter().collect();
    let Some(Value::Object(first)) = items.first() else {
        return of_all(&all);
    };
    let properties = first.keys().filter(|name| is_expressible(name, names));
    let properties = properties.filter_map(|name| {
        let values: Option<Vec<&Value>> = items.iter().map(|item| item.get(name)).collect();
        Some((key(name), of_all(&values?)?))
    });
    let properties: Map<_, _> = properties.collect();
    if properties.is_empty() {
        of_all(&all)
    } else {
        Some(Value::Object(properties))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a case can name this property.
fn is_expressible(name: &str, names: &CaseNames) -> bool {
    !name.contains("{{") && name != "<<" && !names.is_masked(name)
}

/// The key of a property: one that begins with `$` is written with two.
fn key(name: &str) -> String {
    if name.starts_with('$') {
        format!("${name}")
    } else {
        name.to_owned()
    }
}

/// A value in which everything is literal.
fn literal(value: &Value, names: &CaseNames) -> Value {
    match value {
        Value::String(text) => names.template(text).into(),
        Value::Array(items) => items.iter().map(|item| literal(item, names)).collect(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (key(name), literal(value, names)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// A snapshot of the response, as top-level keys of a case's file, with redactions of generated values. `None` if it would
/// still differ each time.
pub(super) fn snapshot(view: &ResponseView<'_>, redact: &[String], names: &CaseNames) -> Option<(Value, Vec<String>)> {
    let mut locations = redact.to_vec();
    match view.json() {
        Ok(value) => volatile(value, "", names, &mut locations),
        Err(_) => {
            if let Ok(text) = view.text()
                && let Ok(text) = text.content
                && names.is_volatile(&text)
            {
                return None;
            }
        }
    }
    // A pointer to the whole body redacts everything.
    if locations
        .iter()
        .any(|location| location.is_empty() || location.contains(HIDDEN))
    {
        return None;
    }
    locations.dedup();
    let redact = (!locations.is_empty()).then(|| json!({ "redact": locations }));
    let mut all = json!({ "expect": { "snapshot": true } });
    if let Some(redact) = redact {
        all["snapshots"] = redact;
    }
    Some((all, locations))
}

fn volatile(value: &Value, at: &str, names: &CaseNames, locations: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                volatile(value, &json::step(at, key), names, locations);
            }
        }
        Value::Array(items) => {
            for item in items {
                volatile(item, &format!("{at}/*"), names, locations);
            }
        }
        scalar if names.has_volatile(scalar) && !locations.iter().any(|location| location == at) => {
            locations.push(at.to_owned());
        }
        _ => {}
    }
}
