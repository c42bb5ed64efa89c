//! The operators: each changes responses as one kind of regression does.

use serde_json::{Map, Number, Value};

use super::{
    mail_operator,
    mutant::{MutantTarget, Mutants},
};
use crate::{check::fields::is_incidental, json, model::Response};

/// A kind of change to responses.
#[derive(Clone, Copy)]
pub struct Operator {
    /// Its stable id, such as `body/property-removed`.
    pub id: &'static str,
    /// The regression that it simulates, in one line.
    pub regression: &'static str,
    /// Makes its mutants, always in the same order.
    pub(super) make: fn(&mut Mutants<'_>),
}

impl Operator {
    /// Whether it changes the messages of a mailbox, and not the response of an API.
    pub(super) fn is_of_mail(&self) -> bool {
        self.id.starts_with("mail/")
    }
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// All of them, in the order in which their mutants are made.
#[rustfmt::skip]
pub const OPERATORS: &[Operator] = &[
    Operator { id: "status/same-class", regression: "a rewritten handler that returns a similar code", make: same_class },
    Operator { id: "status/other-class", regression: "a swallowed error, a server error, a redirect by a proxy", make: other_class },
    Operator { id: "status/no-content-to-ok", regression: "a framework that returns 200 for an empty result", make: no_content_to_ok },
    Operator { id: "header/removed", regression: "a middleware that was removed", make: header_removed },
    Operator { id: "header/duplicated", regression: "the application and a proxy both set the field", make: header_duplicated },
    Operator { id: "header/value-changed", regression: "a different version or configuration of the component that sets the field", make: header_changed },
    Operator { id: "header/media-type-changed", regression: "a serializer with a changed configuration", make: media_type_changed },
    Operator { id: "header/charset-changed", regression: "the default charset of a different platform", make: charset_changed },
    Operator { id: "header/charset-dropped", regression: "a serializer that omits the charset", make: charset_dropped },
    Operator { id: "trailer/removed", regression: "a proxy that drops the trailer section", make: trailer_removed },
    Operator { id: "trailer/value-changed", regression: "a checksum of other content", make: trailer_changed },
    Operator { id: "body/emptied", regression: "a handler that writes nothing", make: emptied },
    Operator { id: "body/appeared", regression: "an error page where the contract has no body", make: appeared },
    Operator { id: "body/cut", regression: "a buffer that is too small, a connection lost upstream", make: cut },
    Operator { id: "body/wrapped", regression: "an envelope added by a gateway or a new version", make: wrapped },
    Operator { id: "body/into-array", regression: "a handler that returns a list of one item", make: into_array },
    Operator { id: "body/into-string", regression: "JSON that is serialized twice", make: into_string },
    Operator { id: "body/into-html", regression: "the error page of a proxy or a framework", make: into_html },
    Operator { id: "body/into-problem", regression: "a move to application/problem+json (RFC 9457)", make: into_problem },
    Operator { id: "body/property-removed", regression: "a field that is dropped, or omitted if it is empty", make: property_removed },
    Operator { id: "body/property-renamed", regression: "a field renamed in the code and therefore in the response", make: property_renamed },
    Operator { id: "body/property-case-changed", regression: "a different naming policy of the serializer", make: property_case },
    Operator { id: "body/property-null", regression: "a value that is not loaded", make: property_null },
    Operator { id: "body/property-type-changed", regression: "a number as a string, a string as a number, an object as a string", make: property_type },
    Operator { id: "body/property-added", regression: "an internal field that is serialized", make: property_added },
    Operator { id: "body/key-duplicated", regression: "JSON built by string concatenation", make: key_duplicated },
    Operator { id: "body/number-changed", regression: "an off-by-one error", make: number_changed },
    Operator { id: "body/boolean-flipped", regression: "an inverted condition", make: boolean_flipped },
    Operator { id: "body/string-emptied", regression: "a template without its value", make: string_emptied },
    Operator { id: "body/string-shortened", regression: "a column that is too narrow", make: string_shortened },
    Operator { id: "body/string-lengthened", regression: "internal details leaked into a text", make: string_lengthened },
    Operator { id: "body/string-reworded", regression: "a text of a different library or language", make: string_reworded },
    Operator { id: "body/string-special", regression: "escapes that are applied twice or not at all", make: string_special },
    Operator { id: "body/array-emptied", regression: "a query that finds nothing", make: array_emptied },
    Operator { id: "body/array-shortened", regression: "a page with one item too few", make: array_shortened },
    Operator { id: "body/array-lengthened", regression: "a join that returns a row twice", make: array_lengthened },
    Operator { id: "body/array-reordered", regression: "a query without an order", make: array_reordered },
    Operator { id: "body/date-stale", regression: "a cached time, or the time of the build", make: date_stale },
    Operator { id: "body/date-zoneless", regression: "a time type without a zone", make: date_zoneless },
    Operator { id: "body/date-local", regression: "the server's local time zone", make: date_local },
    Operator { id: "body/id-swapped", regression: "the id of another tenant or user", make: id_swapped },
    Operator { id: "response/swapped", regression: "the response of a different branch of the handler", make: swapped },
    Operator { id: "response/success-where-refused", regression: "a removed check", make: success },
    Operator { id: "mail/missing", regression: "an e-mail that is not sent", make: mail_operator::missing },
    Operator { id: "mail/doubled", regression: "an e-mail that is sent twice", make: mail_operator::doubled },
    Operator { id: "mail/appeared", regression: "an e-mail that is sent although it must not be", make: mail_operator::appeared },
    Operator { id: "mail/recipient-changed", regression: "an e-mail that is addressed to someone else", make: mail_operator::recipient_changed },
    Operator { id: "mail/subject-changed", regression: "the template of a different e-mail", make: mail_operator::subject_changed },
    Operator { id: "mail/text-emptied", regression: "a template that is not found", make: mail_operator::text_emptied },
    Operator { id: "mail/link-removed", regression: "a template without its link", make: mail_operator::link_removed },
    Operator { id: "mail/link-cut", regression: "a link without its code", make: mail_operator::link_cut },
];

const CODES: [u16; 24] = [
    200, 201, 202, 204, 301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 410, 415, 422, 423, 429, 500, 501, 502, 503,
    504,
];

fn same_class(out: &mut Mutants<'_>) {
    let status = out.status();
    for code in CODES
        .into_iter()
        .filter(|code| code / 100 == status / 100 && *code != status)
    {
        out.add(&MutantTarget::Status, |response| response.status = code);
    }
}

fn other_class(out: &mut Mutants<'_>) {
    let status = out.status();
    for code in [200, 302, 400, 500]
        .into_iter()
        .filter(|code| code / 100 != status / 100)
    {
        out.add(&MutantTarget::Status, |response| response.status = code);
    }
}

fn no_content_to_ok(out: &mut Mutants<'_>) {
    if out.status() == 204 {
        out.add(&MutantTarget::Status, |response| {
            response.status = 200;
            response.headers.push(("content-length".to_owned(), "0".to_owned()));
        });
    }
}

/// The fields that are changed. A mutant of another field would not be a response of a working server, or would not
/// break a contract.
fn fields(out: &Mutants<'_>) -> Vec<(usize, String)> {
    let all = out.response().headers.iter().enumerate();
    all.map(|(number, (name, _))| (number, name.to_ascii_lowercase()))
        .filter(|(_, name)| !is_incidental(name))
        .collect()
}

fn header_removed(out: &mut Mutants<'_>) {
    for (number, name) in fields(out) {
        out.add(&MutantTarget::Header(name), |response| {
            drop(response.headers.remove(number));
        });
    }
}

fn header_duplicated(out: &mut Mutants<'_>) {
    for (number, name) in fields(out) {
        out.add(&MutantTarget::Header(name), |response| {
            let again = response.headers[number].clone();
            response.headers.insert(number, again);
        });
    }
}

fn header_changed(out: &mut Mutants<'_>) {
    for (number, name) in fields(out) {
        out.add(&MutantTarget::Header(name.clone()), |response| {
            let value = &mut response.headers[number].1;
            match name.as_str() {
                "content-type" => value.push_str("; profile=changed"),
                _ => value.push_str("-changed"),
            }
        });
    }
}

/// The names of the trailer fields, with the name that they have beside header fields.
fn trailers(out: &Mutants<'_>) -> Vec<(usize, MutantTarget)> {
    let names = out.response().field_names();
    let names = names.filter(|name| name.starts_with(Response::TRAILER));
    names
        .enumerate()
        .map(|(number, name)| (number, MutantTarget::Header(name)))
        .collect()
}

fn trailer_removed(out: &mut Mutants<'_>) {
    for (number, target) in trailers(out) {
        out.add(&target, |response| drop(response.trailers.remove(number)));
    }
}

fn trailer_changed(out: &mut Mutants<'_>) {
    for (number, target) in trailers(out) {
        out.add(&target, |response| response.trailers[number].1.push_str("-changed"));
    }
}

/// The field of the media type: its number, essence and parameters as they are written.
fn media_type(out: &Mutants<'_>) -> Option<(usize, String, String)> {
    let (number, (_, value)) =
        (out.response().headers.iter().enumerate()).find(|(_, (name, _))| name.eq_ignore_ascii_case("content-type"))?;
    let (essence, parameters) = value.split_at(value.find(';').unwrap_or(value.len()));
    Some((number, essence.trim().to_owned(), parameters.to_owned()))
}

fn media_type_changed(out: &mut Mutants<'_>) {
    let Some((number, essence, parameters)) = media_type(out) else {
        return;
    };
    for other in ["text/plain", "text/html", "application/xml", "application/problem+json"] {
        if !essence.eq_ignore_ascii_case(other) {
            let new = format!("{other}{parameters}");
            out.add(&MutantTarget::Header("content-type".to_owned()), |response| {
                response.headers[number].1 = new;
            });
        }
    }
}

fn charset_changed(out: &mut Mutants<'_>) {
    if let Some((number, essence, _)) = media_type(out) {
        let new = format!("{essence}; charset=iso-8859-1");
        out.add(&MutantTarget::Header("content-type".to_owned()), |response| {
            response.headers[number].1 = new;
        });
    }
}

fn charset_dropped(out: &mut Mutants<'_>) {
    if let Some((number, essence, parameters)) = media_type(out)
        && parameters.to_ascii_lowercase().contains("charset")
    {
        out.add(&MutantTarget::Header("content-type".to_owned()), |response| {
            response.headers[number].1 = essence;
        });
    }
}

fn emptied(out: &mut Mutants<'_>) {
    if !out.response().body.is_empty() {
        out.add_body(&MutantTarget::Body(String::new()), String::new());
    }
}

fn appeared(out: &mut Mutants<'_>) {
    if out.response().body.is_empty() {
        let status = out.status();
        let text = format!(
            "{{\"error\":{status},\"message\":\"{}\"}}",
            crate::check::status_name(status)
        );
        out.add_media(
            &MutantTarget::Body(String::new()),
            text,
            "application/json; charset=utf-8",
        );
    }
}

fn cut(out: &mut Mutants<'_>) {
    let text = out.text();
    if text.len() > 1 {
        let half = text[..text.floor_char_boundary(text.len() / 2)].to_owned();
        out.add_body(&MutantTarget::Body(String::new()), half);
    }
}

fn whole(out: &mut Mutants<'_>, change: impl FnOnce(&Value) -> Value) {
    let new = out.json().map(change);
    if let Some(new) = new {
        out.add_body(&MutantTarget::Body(String::new()), new.to_string());
    }
}

fn wrapped(out: &mut Mutants<'_>) {
    whole(out, |value| {
        Value::Object(Map::from_iter([("data".to_owned(), value.clone())]))
    });
}

fn into_array(out: &mut Mutants<'_>) {
    whole(out, |value| Value::Array(vec![value.clone()]));
}

fn into_string(out: &mut Mutants<'_>) {
    whole(out, |value| Value::String(value.to_string()));
}

fn into_html(out: &mut Mutants<'_>) {
    if !out.response().body.is_empty() {
        let name = crate::check::status_name(out.status());
        let page =
            format!("<!DOCTYPE html><html><head><title>{name}</title></head><body><h1>{name}</h1></body></html>");
        out.add_media(&MutantTarget::Body(String::new()), page, "text/html; charset=utf-8");
    }
}

fn into_problem(out: &mut Mutants<'_>) {
    if !out.response().body.is_empty() {
        let (status, name) = (out.status(), crate::check::status_name(out.status()));
        let text = format!("{{\"type\":\"about:blank\",\"title\":\"{name}\",\"status\":{status}}}");
        out.add_media(&MutantTarget::Body(String::new()), text, "application/problem+json");
    }
}

/// Changes each object that has properties, by each of them.
fn each_property(out: &mut Mutants<'_>, change: impl Fn(&mut Map<String, Value>, &str) -> bool) {
    out.each(&|value| value.is_object(), &mut |out, pointer| {
        let names: Vec<_> = out
            .at(pointer)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect();
        for name in names {
            let target = MutantTarget::Body(json::step(pointer, &name));
            out.add_json(&target, pointer, |value| {
                value.as_object_mut().is_some_and(|object| change(object, &name))
            });
        }
    });
}

fn property_removed(out: &mut Mutants<'_>) {
    each_property(out, |object, name| object.remove(name).is_some());
}

/// Renames a property, if the new name differs.
fn rename(object: &mut Map<String, Value>, name: &str, new: &str) -> bool {
    if new == name || object.contains_key(new) {
        return false;
    }
    let old = std::mem::take(object);
    object.extend(old.into_iter().map(|(key, value)| {
        if key == name {
            (new.to_owned(), value)
        } else {
            (key, value)
        }
    }));
    true
}

fn property_renamed(out: &mut Mutants<'_>) {
    each_property(out, |object, name| rename(object, name, &format!("{name}New")));
}

fn property_case(out: &mut Mutants<'_>) {
    each_property(out, |object, name| {
        let mut signs = name.chars();
        let first = signs.next().map(|sign| {
            if sign.is_uppercase() {
                sign.to_lowercase().to_string()
            } else {
                sign.to_uppercase().to_string()
            }
        });
        rename(object, name, &(first.unwrap_or_default() + signs.as_str()))
    });
}

fn property_null(out: &mut Mutants<'_>) {
    each_property(out, |object, name| {
        object
            .get_mut(name)
            .is_some_and(|value| !std::mem::replace(value, Value::Null).is_null())
    });
}

fn property_type(out: &mut Mutants<'_>) {
    each_property(out, |object, name| {
        let Some(value) = object.get_mut(name) else {
            return false;
        };
        *value = match &*value {
            Value::Null => Value::from(0),
            Value::Bool(flag) => Value::from(flag.to_string()),
            Value::Number(number) => Value::from(number.to_string()),
            Value::String(text) => text.parse::<Number>().map_or(Value::from(12_345), Value::Number),
            other => Value::from(other.to_string()),
        };
        true
    });
}

fn property_added(out: &mut Mutants<'_>) {
    out.each(&|value| value.is_object(), &mut |out, pointer| {
        let target = MutantTarget::Body(json::step(pointer, "unexpected"));
        out.add_json(&target, pointer, |value| {
            value
                .as_object_mut()
                .is_some_and(|object| object.insert("unexpected".to_owned(), Value::from(true)).is_none())
        });
    });
}

/// Duplicates the first key of the outermost object, with a different value.
fn key_duplicated(out: &mut Mutants<'_>) {
    let Some(Value::Object(object)) = out.json() else {
        return;
    };
    let Some((key, value)) = object.iter().next() else {
        return;
    };
    let again = format!("{{{}:{value},", Value::from(key.as_str()));
    let target = MutantTarget::Body(json::step("", key));
    let rest = Value::Object(object.clone()).to_string();
    out.add_body(&target, again + &rest[1..]);
}

fn numbers(out: &mut Mutants<'_>, change: impl Fn(&Number) -> Option<Value>) {
    out.each(&|value| value.is_number(), &mut |out, pointer| {
        out.add_json(&MutantTarget::Body(pointer.to_owned()), pointer, |value| {
            let new = value.as_number().and_then(&change);
            new.is_some_and(|new| {
                *value = new;
                true
            })
        });
    });
}

fn number_changed(out: &mut Mutants<'_>) {
    numbers(out, |number| match number.as_i64() {
        Some(whole) => whole.checked_add(1).map(Value::from),
        None => number
            .as_f64()
            .and_then(|value| Number::from_f64(value + 1.0))
            .map(Value::Number),
    });
}

fn boolean_flipped(out: &mut Mutants<'_>) {
    out.each(&|value| value.is_boolean(), &mut |out, pointer| {
        out.add_json(&MutantTarget::Body(pointer.to_owned()), pointer, |value| {
            *value = Value::from(!value.as_bool().unwrap_or_default());
            true
        });
    });
}

/// Changes each string; a text that stays the same gives no mutant.
fn strings(out: &mut Mutants<'_>, change: impl Fn(&str) -> Option<String>) {
    out.each(&|value| value.is_string(), &mut |out, pointer| {
        out.add_json(&MutantTarget::Body(pointer.to_owned()), pointer, |value| {
            let text = value.as_str().unwrap_or_default();
            match change(text) {
                Some(new) if new != text => {
                    *value = Value::from(new);
                    true
                }
                _ => false,
            }
        });
    });
}

fn string_emptied(out: &mut Mutants<'_>) {
    strings(out, |_| Some(String::new()));
}

fn string_shortened(out: &mut Mutants<'_>) {
    strings(out, |text| {
        let (end, _) = text.char_indices().next_back()?;
        Some(text[..end].to_owned())
    });
}

fn string_lengthened(out: &mut Mutants<'_>) {
    strings(out, |text| Some(format!("{text}x")));
}

fn string_reworded(out: &mut Mutants<'_>) {
    strings(out, |_| Some("Something else was written here.".to_owned()));
}

fn string_special(out: &mut Mutants<'_>) {
    strings(out, |text| Some(format!("{text}&amp;<b>\"\u{e9}\u{202e}")));
}

/// Changes each array of at least `min` items.
fn arrays(out: &mut Mutants<'_>, min: usize, change: impl Fn(&mut Vec<Value>)) {
    let has = |value: &Value| value.as_array().is_some_and(|items| items.len() >= min);
    out.each(&has, &mut |out, pointer| {
        out.add_json(&MutantTarget::Body(pointer.to_owned()), pointer, |value| {
            value.as_array_mut().map(&change).is_some()
        });
    });
}

fn array_emptied(out: &mut Mutants<'_>) {
    arrays(out, 1, Vec::clear);
}

fn array_shortened(out: &mut Mutants<'_>) {
    arrays(out, 2, |items| drop(items.pop()));
}

fn array_lengthened(out: &mut Mutants<'_>) {
    arrays(out, 1, |items| items.extend(items.last().cloned()));
}

fn array_reordered(out: &mut Mutants<'_>) {
    arrays(out, 2, |items| items.reverse());
}

fn dates(out: &mut Mutants<'_>, change: impl Fn(&str) -> String) {
    strings(out, |text| {
        let is_date = text.len() >= 20 && chrono::DateTime::parse_from_rfc3339(text).is_ok();
        is_date.then(|| change(text))
    });
}

fn date_stale(out: &mut Mutants<'_>) {
    dates(out, |text| format!("2001{}", &text[4..]));
}

/// Where the zone begins.
fn zone(text: &str) -> usize {
    text.find(['Z', 'z', '+'])
        .or_else(|| text.rfind('-'))
        .unwrap_or(text.len())
}

fn date_zoneless(out: &mut Mutants<'_>) {
    dates(out, |text| text[..zone(text)].to_owned());
}

fn date_local(out: &mut Mutants<'_>) {
    dates(out, |text| format!("{}+05:30", &text[..zone(text)]));
}

fn id_swapped(out: &mut Mutants<'_>) {
    let ids = out.ids();
    strings(out, |text| {
        let (number, id) = ids.iter().enumerate().find(|(_, id)| text.contains(id.as_str()))?;
        let other = &ids[(number + 1) % ids.len()];
        Some(text.replace(id.as_str(), other))
    });
}

fn swapped(out: &mut Mutants<'_>) {
    for other in out.others() {
        out.add(&MutantTarget::Response, |response| take(response, &other));
    }
}

fn success(out: &mut Mutants<'_>) {
    if let Some(other) = out.success() {
        out.add(&MutantTarget::Response, |response| take(response, &other));
    }
}

/// Replaces everything but the time of the response.
fn take(response: &mut Response, other: &Response) {
    response.status = other.status;
    response.reason.clone_from(&other.reason);
    response.headers.clone_from(&other.headers);
    response.body = other.body.clone();
    response.trailers.clone_from(&other.trailers);
    response.stopped = other.stopped;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mutate::mutant::{Elsewhere, Mutant, Mutants, is_equivalent};

    fn response(status: u16, headers: &[[&str; 2]], body: &str) -> Response {
        let headers: Vec<_> = headers.iter().map(|[name, value]| [*name, *value]).collect();
        serde_json::from_value(serde_json::json!({
            "version": "HTTP/1.1", "status": status, "headers": headers, "body": { "text": body },
            "received": "2026-01-01T00:00:00Z", "elapsed_us": 1,
        }))
        .unwrap()
    }

    #[test]
    fn mutants_of_every_operator_are_distinct_and_not_equivalent() {
        let body =
            r#"{"error":404,"ok":true,"user":"user-0001","at":"2020-02-07T13:33:16Z","list":[{"n":1.5},{"n":2}]}"#;
        let refused = response(
            404,
            &[
                ["content-type", "application/json; charset=utf-8"],
                ["date", "x"],
                ["content-length", "1"],
            ],
            body,
        );
        let mut granted = response(204, &[["date", "x"]], "");
        granted.trailers.push(("x-sum".to_owned(), "1".to_owned()));
        let elsewhere = Elsewhere {
            responses: vec![refused.clone(), granted.clone()],
            ids: vec!["user-0001".to_owned(), "user-0002".to_owned()],
        };
        let message = serde_json::json!({
            "from": "a@example.com", "to": ["b@example.com"], "subject": "Activate", "date": "2026-01-01T00:00:00Z",
            "text": "Go to https://example.com/activate?code=1", "html": null,
            "links": ["https://example.com/activate?code=1"], "headers": { "subject": "Activate", "to": "b@example.com" },
        });
        let mailbox = |messages: &[serde_json::Value]| {
            let document = serde_json::json!({ "count": messages.len(), "messages": messages });
            Response::mailbox(document.to_string(), 1)
        };
        let (mails, no_mails) = (mailbox(&[message]), mailbox(&[]));
        let mut made = BTreeSet::new();
        for original in [&refused, &granted, &mails, &no_mails] {
            let mut names = BTreeSet::new();
            Mutants::make(original, &elsewhere, &mut |mutant: Mutant<'_>| {
                made.insert(mutant.operator.id);
                assert!(names.insert((mutant.operator.id, mutant.number)));
                let location = format!("{} at {}", mutant.operator.id, mutant.target);
                assert!(!is_equivalent(original, mutant.response), "{location}");
                let length = mutant.response.header("content-length").next();
                let is_swapped = mutant.operator.id.starts_with("response/");
                if let Some(length) = length.filter(|_| !is_swapped && mutant.operator.id.starts_with("body/")) {
                    assert_eq!(length, mutant.response.body.bytes().len().to_string());
                }
            });
        }
        let all: BTreeSet<_> = OPERATORS.iter().map(|operator| operator.id).collect();
        assert_eq!(made, all);
        assert_eq!(all.len(), OPERATORS.len());
    }
}
