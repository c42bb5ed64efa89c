//! Differences of two responses, by example.

use serde_json::{Value, json};

use super::{
    ChangeRule,
    difference::{ChangedPart, ResponseWithVariables},
    responses::{ResponseComparison, Role, differ},
};
use crate::{check::VariableSubstitution, model::Response};

fn response(headers: &[(&str, &str)], body: &str, received: &str) -> Response {
    let value = json!({
        "version": "HTTP/1.1", "status": 200, "headers": headers, "body": { "text": body },
        "received": received, "elapsed_us": 1,
    });
    serde_json::from_value(value).unwrap()
}

/// Rule and location of each difference that is not noise.
fn seen(a: &Response, b: &Response) -> Vec<String> {
    let names = VariableSubstitution::new([]);
    let with_variables = |response| ResponseWithVariables {
        response,
        names: &names,
    };
    let how = ResponseComparison {
        volatile: &|_| None,
        with_edits: true,
        assigned: &|role, _, _| matches!(role, Role::Identifier { is_created: true, .. }),
    };
    let mut all: Vec<_> = differ(with_variables(a), with_variables(b), how)
        .into_iter()
        .filter(|one| one.noise.is_none())
        .map(|one| match &one.part {
            ChangedPart::Body(at) | ChangedPart::Header(at) => format!("{} {at}", one.rule.id()),
            _ => one.rule.id().to_owned(),
        })
        .collect();
    all.sort();
    all
}

fn bodies(before: &Value, after: &Value) -> Vec<String> {
    let of = |body: &Value| {
        response(
            &[("content-type", "application/json")],
            &body.to_string(),
            "2026-01-01T00:00:00Z",
        )
    };
    seen(&of(before), &of(after))
}

#[test]
fn bytes_of_a_field_that_are_not_utf_8_differ_from_all_text() {
    let with = |value: &[u8]| response(&[("x-a", &crate::model::field_text(value))], "", "2026-01-01T00:00:00Z");
    let byte = with(b"caf\xe9");
    assert_eq!(seen(&byte, &byte), [""; 0]);
    for other in ["caf\u{e9}", "caf\u{fffd}", "caf"] {
        assert_eq!(
            seen(&byte, &with(other.as_bytes())),
            ["header/value-changed x-a"],
            "{other}"
        );
    }
}

// Long: a table of one pair of bodies for each rule.
#[test]
fn bodies_differ_by_what_has_changed_in_them() {
    for (before, after, expected) in [
        // An object without properties is a body.
        (json!({}), json!({"a": 1}), &["body/property-added /a"][..]),
        (json!({"a": 1}), json!({}), &["body/property-removed /a"]),
        (json!([]), json!([1]), &["body/more-items "]),
        (json!(null), json!({"a": 1}), &["body/no-longer-null "]),
        (json!(""), json!("a"), &["body/value-changed "]),
        // Only a value that nothing else has identifies a property by another name.
        (
            json!({"query_ms": 1.5}),
            json!({"queries_count": 3}),
            &["body/property-added /queries_count", "body/property-removed /query_ms"],
        ),
        (
            json!({"mail": "a@example.com"}),
            json!({"email": "b@example.com"}),
            &["body/property-added /email", "body/property-removed /mail"],
        ),
        (
            json!({"mail": "a@example.com"}),
            json!({"email": "a@example.com"}),
            &["body/property-renamed "],
        ),
        (
            json!({"a": "same", "x": "same"}),
            json!({"b": "same", "x": "same"}),
            &["body/property-added /b", "body/property-removed /a"],
        ),
        (
            json!({"a": 12}),
            json!({"b": 12}),
            &["body/property-added /b", "body/property-removed /a"],
        ),
        (
            json!({"isOn": true}),
            json!({"is_on": true}),
            &["body/property-renamed "],
        ),
        (
            json!({"isOn": true}),
            json!({"is_on": false}),
            &["body/property-added /is_on", "body/property-removed /isOn"],
        ),
        // A number as the name of a property is a name.
        (
            json!({"0": "a", "1": "b"}),
            json!({"0": "a", "1": "c"}),
            &["body/value-changed /1"],
        ),
        (json!({"0": ["a"]}), json!({"0": ["c"]}), &["body/value-changed /0/*"]),
        // A new order is seen beside a new type and a new value.
        (
            json!([1, 2, 3]),
            json!(["3", "1", "2"]),
            &["body/order-changed ", "body/type-changed /*"],
        ),
        (
            json!([{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]),
            json!([{"id": "2", "n": "b"}, {"id": "1", "n": "a"}]),
            &["body/order-changed ", "body/type-changed /*/id"],
        ),
        (
            json!([{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]),
            json!([{"id": 2, "n": "b"}, {"id": 1, "n": "c"}]),
            &["body/order-changed ", "body/value-changed /*/n"],
        ),
        // An item that stays is compared, whatever else comes or goes.
        (
            json!([{"id": 1, "s": "on"}]),
            json!([{"id": 1, "s": "off"}, {"id": 2, "s": "on"}]),
            &["body/more-items ", "body/value-changed /*/s"],
        ),
        // A measured time, and a number like any other.
        (
            json!({"query_ms": 6.373_233, "n": 1.25}),
            json!({"query_ms": 7.723_365, "n": 1.5}),
            &["body/value-changed /n"],
        ),
        // Wrapped, and changed besides.
        (
            json!({"a": 1, "b": 2}),
            json!({"data": {"a": 1, "b": "2"}}),
            &["body/type-changed /b", "body/wrapped "],
        ),
        (
            json!({"a": 1}),
            json!({"data": {"a": "x", "z": 2}}),
            &["body/property-added /data", "body/property-removed /a"],
        ),
    ] {
        assert_eq!(bodies(&before, &after), expected, "{before} -> {after}");
    }
}

#[test]
fn values_are_noise_only_where_they_go_with_their_responses() {
    let of = |at: &str, received: &str| {
        response(
            &[("content-type", "application/json")],
            &json!({ "at": at }).to_string(),
            received,
        )
    };
    let (first, later) = ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z");
    for (before, after, expected) in [
        // The present time.
        (of(first, first), of(later, later), &[][..]),
        (of("2026-01-01T00:00:00", first), of("2026-01-01T01:00:01", later), &[]),
        (
            of("Thu, 01 Jan 2026 00:00:00 GMT", first),
            of("Thu, 01 Jan 2026 01:00:00 GMT", later),
            &[],
        ),
        // An hour from now.
        (
            of("2026-01-01T01:00:00Z", first),
            of("2026-01-01T02:00:00Z", later),
            &[],
        ),
        (
            of("2026-01-01T01:00:00Z", first),
            of("2026-01-01T01:00:01Z", first),
            &[],
        ),
        // Fixed dates, recorded at the same time.
        (
            of("2024-01-02T03:04:05Z", first),
            of("2024-01-02T03:04:06Z", first),
            &["body/value-changed /at"],
        ),
        (
            of("2024-01-02T03:04:05Z", first),
            of("2025-01-02T03:04:05Z", later),
            &["body/value-changed /at"],
        ),
        // The same instant does not go with anything, nor does its spelling.
        (
            of("2024-01-02T03:04:05+00:00", first),
            of("2024-01-02T03:04:05Z", first),
            &["body/spelling-changed /at"],
        ),
        (
            of("2026-01-01T00:00:00+00:00", first),
            of("2026-01-01T01:00:00Z", later),
            &["body/spelling-changed /at"],
        ),
        (
            of("0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c", first),
            of("0B9E6E0C-7D1F-4C5E-9A44-3C1F8A1E2B3C", later),
            &["body/spelling-changed /at"],
        ),
    ] {
        assert_eq!(
            seen(&before, &after),
            expected,
            "{} -> {}",
            before.body.text(),
            after.body.text()
        );
    }
}

#[test]
fn an_item_that_does_not_vary_is_not_hidden_by_one_that_does() {
    let now = "2026-01-01T00:00:00Z";
    let before = json!([{"at": now}, {"at": "2020-01-01T00:00:00Z"}]);
    let after = json!([{"at": "2026-01-01T00:00:01Z"}, {"at": "2021-01-01T00:00:00Z"}]);
    assert_eq!(bodies(&before, &after), ["body/value-changed /*/at"]);
}

#[test]
fn fields_differ_by_what_they_mean() {
    let of = |name: &str, value: &str| response(&[(name, value)], "", "2026-01-01T00:00:00Z");
    for (name, before, after, expected) in [
        ("allow", "GET, HEAD", "head,GET", ""),
        ("vary", "Accept, Origin", "origin, accept", ""),
        ("allow", "GET, PUT", "GET", "header/allow-narrowed"),
        (
            "access-control-allow-methods",
            "GET",
            "GET, PUT",
            "header/allow-widened",
        ),
        ("cache-control", "max-age=60, private", "private,max-age=60", ""),
        ("cache-control", "max-age=60", "max-age=0", "header/value-changed"),
        (
            "content-type",
            "application/json",
            "application/json; charset=utf-8",
            "header/charset-changed",
        ),
        (
            "content-type",
            "Application/JSON;charset=UTF-8",
            "application/json; charset=utf-8",
            "",
        ),
        (
            "content-type",
            "application/json; v=1",
            "application/json; v=2",
            "header/value-changed",
        ),
        ("x-powered-by", "a", "b", "header/value-changed"),
        ("etag", "\"1\"", "\"2\"", ""),
        ("etag", "\"1\"", "W/\"1\"", "header/value-changed"),
        ("content-length", "1", "2", ""),
        ("server", "a/1", "a/2", "header/value-changed"),
        ("link", "", "", ""),
        (
            "www-authenticate",
            "Basic realm=\"x\"",
            "Basic realm=x",
            "header/challenge-changed",
        ),
        // A date that does not go with the responses is a value like any other.
        (
            "sunset",
            "Sat, 31 Dec 2018 23:59:59 GMT",
            "Sun, 31 Dec 2017 23:59:59 GMT",
            "header/value-changed",
        ),
    ] {
        let found = seen(&of(name, before), &of(name, after));
        let expected: Vec<_> = Some(format!("{expected} {name}"))
            .filter(|_| !expected.is_empty())
            .into_iter()
            .collect();
        assert_eq!(found, expected, "{name}: {before} -> {after}");
    }
    assert!(ChangeRule::of("header/cookie-weakened").is_some());
}

#[test]
fn a_list_without_items_is_an_absent_list() {
    let with = |headers: &[(&str, &str)]| response(headers, "", "2026-01-01T00:00:00Z");
    assert_eq!(seen(&with(&[("link", "")]), &with(&[])), [""; 0]);
    assert_eq!(seen(&with(&[]), &with(&[("vary", " , ")])), [""; 0]);
    assert_eq!(seen(&with(&[("allow", "")]), &with(&[])), ["header/removed allow"]);
    assert_eq!(seen(&with(&[("x-a", "")]), &with(&[])), ["header/removed x-a"]);
    assert_eq!(
        seen(&with(&[("link", "")]), &with(&[("link", "</a>; rel=next")])),
        ["header/added link"]
    );
}

#[test]
fn a_field_that_occurs_twice_is_a_change() {
    let with = |headers: &[(&str, &str)]| response(headers, "", "2026-01-01T00:00:00Z");
    for (name, value) in [("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("etag", "\"1\"")] {
        let (one, two) = (with(&[(name, value)]), with(&[(name, value), (name, value)]));
        assert_eq!(seen(&one, &two), [format!("header/value-changed {name}")]);
        assert_eq!(seen(&two, &one), [format!("header/value-changed {name}")]);
    }
}

#[test]
fn the_text_of_a_redirect_follows_from_its_location() {
    let to = |url: &str, text: &str| response(&[("location", url)], text, "2026-01-01T00:00:00Z");
    let location = "header/value-changed location";
    for (before, after, expected) in [
        (
            to("/", "Found. Redirecting to /"),
            to("back", "Found. Redirecting to back"),
            &[location][..],
        ),
        (
            to("/a?b=1&c=2", "<a href=\"/a?b=1&amp;c=2\">"),
            to("/d?b=1&c=2", "<a href=\"/d?b=1&amp;c=2\">"),
            &[location],
        ),
        (
            to("/a", "Go to /a"),
            to("/b", "Gone to /b"),
            &["body/text-changed ", location],
        ),
        (to("/a", "Go to /a"), to("/a", "Go to /b"), &["body/text-changed "]),
    ] {
        assert_eq!(seen(&before, &after), expected, "{}", after.body.text());
    }
}

#[test]
fn identifiers_of_created_resources_are_noise() {
    let of = |status: u16, location: &str, body: &Value| {
        let headers = [("content-type", "application/json"), ("location", location)];
        let mut response = response(&headers, &body.to_string(), "2026-01-01T00:00:00Z");
        response.status = status;
        response
    };
    let (before, after) = (json!({"id": "B_9t-Dm", "n": 1}), json!({"id": "2800", "n": 2}));
    assert_eq!(
        seen(&of(201, "/posts/B_9t-Dm", &before), &of(201, "/posts/2800", &after)),
        ["body/value-changed /n"]
    );
    assert_eq!(
        seen(&of(201, "/posts/B_9t-Dm", &before), &of(201, "/items/2800", &before)),
        ["header/value-changed location"]
    );
    assert_eq!(
        seen(&of(200, "/posts/1", &before), &of(200, "/posts/1", &after)),
        ["body/value-changed /id", "body/value-changed /n"]
    );
    // The type of an identifier is part of the contract.
    assert_eq!(
        seen(
            &of(201, "/", &json!({"userId": 7})),
            &of(201, "/", &json!({"userId": "7a"}))
        ),
        ["body/type-changed /userId"]
    );
}

#[test]
fn times_and_ids_in_a_text_are_noise() {
    let of = |text: &str| response(&[("content-type", "text/html")], text, "2026-01-01T00:00:00Z");
    for (before, after, expected) in [
        ("<p>took 3.38ms</p>", "<p>took 12.1ms</p>", &[][..]),
        (
            "<i>0b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c</i>",
            "<i>1b9e6e0c-7d1f-4c5e-9a44-3c1f8a1e2b3c</i>",
            &[],
        ),
        ("3 rows took 3.38ms", "4 rows took 3.39ms", &["body/text-changed "]),
        ("costs 3.38", "costs 4.38", &["body/text-changed "]),
    ] {
        assert_eq!(seen(&of(before), &of(after)), expected, "{before}");
    }
}

#[test]
fn a_list_in_an_object_is_wrapped() {
    let (list, page) = (
        json!([{"id": "abc"}, {"id": "def"}]),
        json!({"data": [{"id": "abc"}], "pages": 2}),
    );
    assert_eq!(bodies(&list, &page), ["body/fewer-items ", "body/wrapped "]);
    assert_eq!(bodies(&page, &list), ["body/more-items ", "body/unwrapped "]);
    // Nothing shows that it is the same list.
    for other in [
        json!({"data": []}),
        json!({"data": [{"id": "x"}]}),
        json!({"a": [{"id": "abc"}], "b": []}),
    ] {
        assert_eq!(bodies(&list, &other), ["body/no-longer-array "], "{other}");
    }
}
