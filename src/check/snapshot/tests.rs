use std::fmt::Write as _;

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::check::CaptureOrigin;

#[derive(Debug)]
struct FixedMask(Vec<String>);

impl SnapshotMask for FixedMask {
    fn marks(&self) -> &[String] {
        &self.0
    }

    fn of_exchange<'m>(&'m self, _: &Request, _: &Response) -> Option<HideText<'m>> {
        Some(Box::new(|text| {
            text.replace("s3cret-value", "$TOKEN")
                .replace("czNjcmV0LXZhbHVl", "$TOKEN")
        }))
    }
}

fn response(kind: &str, body: impl Into<Vec<u8>>) -> Response {
    Response {
        version: "HTTP/1.1".to_owned(),
        status: 200,
        reason: None,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: body.into().into(),
        trailers: Vec::new(),
        cut: None,
        stopped: None,
        excess: Vec::new().into(),
        syntax: Vec::new(),
        received: DateTime::UNIX_EPOCH,
        elapsed_us: 1,
    }
}

fn expectation(vars: &[(&str, &str)]) -> SnapshotExpectation {
    let pairs = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    SnapshotExpectation {
        captured: Vec::new(),
        headers: Arc::from(["set-cookie".to_owned(), "allow".to_owned()]),
        redact: Arc::from([]),
        values: Arc::new(VariableSubstitution::new(pairs)),
        mask: None,
        stored: None,
        location: Location {
            file: Arc::from("cases/s/c.yaml"),
            line: 1,
            column: 1,
        },
    }
}

fn request() -> Request {
    Request {
        method: "GET".to_owned(),
        url: "http://localhost/".to_owned(),
        headers: Vec::new(),
        body: Vec::new().into(),
    }
}

/// The stored snapshot of a response, as `insta` and editors preserve it.
fn stored(expectation: &SnapshotExpectation, response: &Response) -> String {
    let view = ResponseView::new(response, 1000);
    let text = check(expectation, &request(), &view, &mut Vec::new()).expect("it differs");
    text.trim_end().to_owned()
}

/// Whether the second response equals the stored snapshot of the first.
fn passes(expectation: &SnapshotExpectation, one: &Response, other: &Response) -> bool {
    let mut expectation = expectation.clone();
    expectation.stored = Some(stored(&expectation, one));
    check(
        &expectation,
        &request(),
        &ResponseView::new(other, 1000),
        &mut Vec::new(),
    )
    .is_none()
}

#[test]
fn bytes_of_a_header_equal_only_themselves() {
    let mut expectation = expectation(&[]);
    expectation.headers = Arc::from(["x-a".to_owned()]);
    let with = |value: &[u8]| {
        let mut response = response("text/plain", "a");
        response
            .headers
            .push(("x-a".to_owned(), crate::model::field_text(value)));
        response
    };
    let (byte, text) = (with(b"caf\xe9"), with("caf\u{e9}".as_bytes()));
    assert!(passes(&expectation, &byte, &byte) && passes(&expectation, &text, &text));
    assert!(!passes(&expectation, &byte, &text) && !passes(&expectation, &text, &byte));
}

#[test]
fn every_text_passes_for_itself_and_for_no_other() {
    let expectation = expectation(&[
        ("user", "7c9e6679-7425"),
        ("number", "12345678"),
        ("brace", "{{ user }}"),
    ]);
    let texts = [
        "a",
        "a\n",
        "a\n\n",
        "a\r\n",
        "a\r",
        "a ",
        "a  ",
        "a\t",
        " a",
        "a\u{a0}",
        "a\u{2028}",
        "\n",
        "\r\n",
        " ",
        "\u{feff}a",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "a \nb",
        "a\t\nb",
        "a\n\nb",
        "a\n \nb",
        "{",
        "{{",
        "{{{",
        "{{{{",
        "{{ user }}",
        "{{user}}",
        "{7c9e6679-7425}",
        "{{7c9e6679-7425}}",
        "7c9e6679-7425",
        "{{ \"{{\" }}",
        "{{ \"\" }}",
        "{{ brace }}",
        "a{",
        "a{ ",
        "a{\r",
        "text:\na",
        "base64:\nYQ==",
        "\u{0}",
        "\u{1b}[0m",
        "[redacted]",
        "$TOKEN",
        "\\r",
        "{{ \"\\r\" }}",
        "YQ==",
        "12345678x",
    ];
    for one in texts {
        let first = response("text/plain", one);
        let file = stored(&expectation, &first);
        assert!(file.lines().all(|line| line == line.trim_end()), "{file:?}");
        assert!(!file.contains(['\r', '\u{0}', '\u{1b}', '\u{feff}']), "{file:?}");
        for other in texts {
            assert_eq!(
                passes(&expectation, &first, &response("text/plain", other)),
                one == other,
                "{one:?} {other:?} {file:?}"
            );
        }
    }
}

#[test]
fn every_json_value_passes_for_itself_and_for_no_other() {
    let expectation = expectation(&[
        ("user", "7c9e6679-7425"),
        ("number", "12345678"),
        ("quoted", "say \"hi\" \\ now"),
        ("short", "ab"),
    ]);
    let values = [
        json!(12_345_678),
        json!("12345678"),
        json!("{{ number }}"),
        json!("7c9e6679-7425"),
        json!("{{ user }}"),
        json!("x 7c9e6679-7425"),
        json!("x {{ user }}"),
        json!("{7c9e6679-7425}"),
        json!("{{7c9e6679-7425}}"),
        json!("ab"),
        json!("{{ short }}"),
        json!("say \"hi\" \\ now"),
        json!("{{ quoted }}"),
        json!("[redacted]"),
        json!("{{ \"[redacted]\" }}"),
        json!(null),
        json!("null"),
        json!([]),
        json!({}),
        json!("{"),
        json!("{{"),
        json!("{{ \"{{\" }}"),
        json!("a\r\n"),
        json!("a\n"),
        json!({"{{ user }}": 1}),
        json!({"7c9e6679-7425": 1}),
        json!("text:\n"),
        json!(["a", "b"]),
        json!(["b", "a"]),
    ];
    for one in &values {
        for other in &values {
            let [first, second] =
                [one, other].map(|value| response("application/json", json!({"v": value}).to_string()));
            assert_eq!(passes(&expectation, &first, &second), one == other, "{one} {other}");
        }
    }
}

#[test]
fn one_snapshot_serves_targets_with_other_values() {
    let one = expectation(&[
        ("user", "7c9e6679-7425"),
        ("number", "12345678"),
        ("quoted", "say \"hi\" \\ now"),
    ]);
    let other = expectation(&[
        ("user", "another \"user\""),
        ("number", "87654321"),
        ("quoted", "plain text"),
    ]);
    let body = |user: &str, number: u32, quoted: &str| {
        let text =
            json!({"user": format!("{{{user}}}"), "number": number, "quoted": quoted, "text": number.to_string()});
        response("application/json", text.to_string())
    };
    let text = stored(&one, &body("7c9e6679-7425", 12_345_678, "say \"hi\" \\ now"));
    assert!(
        text.contains("\"number\": {{ number }}") && text.contains("\"text\": \"{{ number }}\""),
        "{text}"
    );
    let mut other = other;
    other.stored = Some(text);
    let same = body("another \"user\"", 87_654_321, "plain text");
    assert!(check(&other, &request(), &ResponseView::new(&same, 1000), &mut Vec::new()).is_none());
    let differs = body("another \"user\"", 12_345_678, "plain text");
    assert!(check(&other, &request(), &ResponseView::new(&differs, 1000), &mut Vec::new()).is_some());
}

#[test]
fn bytes_text_and_codings_are_distinguished() {
    let expectation = expectation(&[]);
    let bytes = response("application/octet-stream", vec![0xff, 0xfe, 0xfd]);
    let text = response("application/octet-stream", "//79");
    let shown = stored(&expectation, &bytes);
    assert!(
        shown.ends_with("base64, not decoded:\n//79") || shown.ends_with("base64:\n//79"),
        "{shown}"
    );
    assert!(!passes(&expectation, &bytes, &text) && !passes(&expectation, &text, &bytes));
    let utf_8 = response("text/plain", "größe");
    let latin = response("text/plain; charset=iso-8859-1", b"gr\xf6\xdfe".to_vec());
    assert!(stored(&expectation, &latin).ends_with("text, windows-1252:\ngröße"));
    assert!(!passes(&expectation, &utf_8, &latin) && passes(&expectation, &latin, &latin));
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend("größe".as_bytes());
    assert!(!passes(&expectation, &utf_8, &response("text/plain", marked)));
    let broken = response("text/plain", b"caf\xe9".to_vec());
    assert!(!passes(&expectation, &broken, &response("text/plain", "caf\u{fffd}")));
    assert!(!passes(
        &expectation,
        &broken,
        &response("text/plain", b"caf\xe8".to_vec())
    ));
    let mut gzip = response("text/plain", "not gzip");
    gzip.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
    assert!(stored(&expectation, &gzip).contains("base64, not decoded:"));
}

#[test]
fn whitespace_around_json_is_significant_only_in_text() {
    let expectation = expectation(&[]);
    for (kind, one, other, same) in [
        ("application/json", "1", "1\n", true),
        ("text/plain", "1", "1\n", false),
        ("text/plain", "true", "true ", false),
        ("text/html", "{\"a\":1}", "{ \"a\": 1 }\n", true),
    ] {
        assert_eq!(
            passes(&expectation, &response(kind, one), &response(kind, other)),
            same,
            "{kind} {one}"
        );
    }
}

#[test]
fn a_hidden_secret_passes_and_what_looks_like_one_does_not() {
    let mut expectation = expectation(&[("user", "secret-va")]);
    expectation.mask = Some(Arc::new(FixedMask(vec!["$TOKEN".to_owned(), HIDDEN.to_owned()])));
    for body in [
        "{\"a\": \"Bearer s3cret-value\"}",
        "{\"a\": \"czNjcmV0LXZhbHVl\", \"s3cret-value\": 1}",
        "{\"a\": \"$TOKEN s3cret-value [hidden]\"}",
    ] {
        let one = response("application/json", body);
        let file = stored(&expectation, &one);
        assert!(!file.contains("s3cret") && file.contains("$TOKEN"), "{file}");
        assert!(passes(&expectation, &one, &one), "{body}");
        let literal = body
            .replace("s3cret-value", "$TOKEN")
            .replace("czNjcmV0LXZhbHVl", "$TOKEN");
        assert!(
            !passes(&expectation, &one, &response("application/json", literal.clone())),
            "{literal}"
        );
        let other = body.replace(": \"", ": \"x");
        assert!(
            !passes(&expectation, &one, &response("application/json", other)),
            "{body}"
        );
    }
    // A recording contains the placeholder in place of the secret.
    let file = stored(&expectation, &response("text/plain", "key s3cret-value"));
    expectation.mask = None;
    expectation.stored = Some(file);
    let recorded = response("text/plain", "key $TOKEN");
    assert!(
        check(
            &expectation,
            &request(),
            &ResponseView::new(&recorded, 1000),
            &mut Vec::new()
        )
        .is_none()
    );
}

#[test]
fn redacted_is_not_the_text_of_it() {
    let mut expectation = expectation(&[]);
    expectation.redact = Arc::from(["/at".to_owned(), "/items/*/id".to_owned(), "/list/1".to_owned()]);
    let body = |at: &str, id: u8| {
        response(
            "application/json",
            json!({"at": at, "items": [{"id": id, "n": 1}], "list": [1, id], "b": "[redacted]"}).to_string(),
        )
    };
    assert!(passes(&expectation, &body("2020", 1), &body("2021", 2)));
    expectation.stored = Some(stored(&expectation, &body("2020", 1)));
    expectation.redact = Arc::from([]);
    let literal = response(
        "application/json",
        "{\"at\":\"[redacted]\",\"items\":[{\"id\":\"[redacted]\",\"n\":1}],\"list\":[1,\"[redacted]\"],\"b\":\"[redacted]\"}",
    );
    assert!(
        check(
            &expectation,
            &request(),
            &ResponseView::new(&literal, 1000),
            &mut Vec::new()
        )
        .is_some()
    );
}

#[test]
fn a_cookie_keeps_its_name_and_attributes() {
    let expectation = expectation(&[]);
    let with = |cookies: &[&str]| {
        let mut response = response("text/plain", "");
        response.headers.extend(
            cookies
                .iter()
                .map(|cookie| ("set-cookie".to_owned(), (*cookie).to_owned())),
        );
        response
    };
    let one = with(&[
        "sid=abc; Path=/; HttpOnly; Expires=Wed, 21 Oct 2037 07:28:00 GMT",
        "gone=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ]);
    assert_eq!(
        stored(&expectation, &one),
        "HTTP 200\nset-cookie: sid=[hidden]; Path=/; HttpOnly; Expires=[redacted]\n\
         set-cookie: gone=[hidden]; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    );
    let rest = "gone=; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    let again = with(&["sid=xyz; Path=/; HttpOnly; Expires=Thu, 22 Oct 2037 07:28:00 GMT", rest]);
    assert!(passes(&expectation, &one, &again));
    for changed in [
        "sid=xyz; Path=/; Expires=Thu, 22 Oct 2037 07:28:00 GMT",
        "sid2=xyz; Path=/; HttpOnly; Expires=Thu, 22 Oct 2037 07:28:00 GMT",
        "sid=xyz; Path=/; HttpOnly",
        "sid=xyz; Path=/; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        assert!(!passes(&expectation, &one, &with(&[changed, rest])), "{changed}");
    }
}

#[test]
fn lists_in_headers_have_one_spelling() {
    let expectation = expectation(&[]);
    let with = |values: &[&str]| {
        let mut response = response("text/plain", "");
        response
            .headers
            .extend(values.iter().map(|value| ("allow".to_owned(), (*value).to_owned())));
        response
    };
    assert!(passes(&expectation, &with(&["HEAD, GET"]), &with(&["GET", "HEAD"])));
    assert!(!passes(&expectation, &with(&["HEAD, GET"]), &with(&["GET"])));
    assert!(!passes(&expectation, &with(&[""]), &with(&[])));
    assert!(!passes(&expectation, &with(&[]), &with(&[""])));
}

#[test]
fn removed_variable_never_equals_a_value() {
    let mut expectation = expectation(&[]);
    expectation.stored = Some("HTTP 200\n\n\"{{ gone }}\"".to_owned());
    for body in ["\"{{ gone }}\"", "\"gone\"", "\"\""] {
        let response = response("application/json", body);
        assert!(
            check(
                &expectation,
                &request(),
                &ResponseView::new(&response, 1000),
                &mut Vec::new()
            )
            .is_some(),
            "{body}"
        );
    }
    let mut long = String::new();
    for _ in 0..20_000 {
        let _ = write!(long, "{{{{ ");
    }
    expectation.stored = Some(long);
    let response = response("text/plain", "x");
    assert!(
        check(
            &expectation,
            &request(),
            &ResponseView::new(&response, 1000),
            &mut Vec::new()
        )
        .is_some()
    );
}

/// Expects snapshots of the response to a step after one that captured a short id, and an entity tag.
fn after_captures(id: &str, tag: &str) -> SnapshotExpectation {
    let mut expectation = expectation(&[]);
    expectation.headers = Arc::from(["etag", "x-count", "location", "x-order-id"].map(str::to_owned));
    let late = [("order_id", id), ("version", tag)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let origins = [("order_id", "id"), ("version", "etag")].map(|(name, property)| {
        let origin = CaptureOrigin {
            property: Some(property.to_owned()),
            resource: None,
        };
        (name.to_owned(), origin)
    });
    expectation.values = Arc::new(expectation.values.with_late(late, origins));
    expectation
}

/// An order with constants that are equal to an id of 3.
fn order(id: u8) -> Response {
    let body = json!({
        "id": id, "order_id": id.to_string(), "orders": [id.to_string()], "self": format!("/orders/{id}/lines"),
        "note": format!("Order {id} of 3"), "quantity": 3, "total": "3", "codes": ["3"], "size": { "width": "3" },
    });
    let mut order = response("application/json", body.to_string());
    let fields = [
        ("etag", format!("\"{id}\"")),
        ("x-count", "3".to_owned()),
        ("x-order-id", id.to_string()),
        ("location", format!("/orders/{id}")),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    order.headers.extend(fields);
    order
}

#[test]
fn constant_equal_to_a_short_captured_id_stays_a_constant() {
    let accepted = after_captures("3", "\"3\"");
    let text = stored(&accepted, &order(3));
    for line in [
        "etag: {{ version }}",
        "x-count: 3",
        "x-order-id: {{ order_id }}",
        "location: /orders/{{ order_id }}",
        "  \"id\": {{ order_id }},",
        "  \"order_id\": \"{{ order_id }}\",",
        "  \"orders\": [\n    \"{{ order_id }}\"\n  ],",
        "  \"self\": \"/orders/{{ order_id }}/lines\",",
        "  \"note\": \"Order {{ order_id }} of 3\",",
        "  \"quantity\": 3,",
        "  \"total\": \"3\"",
        "  \"codes\": [\n    \"3\"\n  ],",
        "    \"width\": \"3\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let mut later = after_captures("4", "\"4\"");
    later.stored = Some(text);
    let is_same = |response: &Response| {
        let view = ResponseView::new(response, 1000);
        check(&later, &request(), &view, &mut Vec::new()).is_none()
    };
    assert!(is_same(&order(4)));
    assert!(!is_same(&order(3)));
    // The constants are still compared.
    let changed = String::from_utf8(order(4).body.bytes().to_vec()).unwrap();
    for (constant, other) in [
        ("\"total\":\"3\"", "\"total\":\"4\""),
        ("\"quantity\":3", "\"quantity\":4"),
    ] {
        let mut order = order(4);
        assert!(changed.contains(constant));
        order.body = changed.replace(constant, other).into_bytes().into();
        assert!(!is_same(&order), "{other}");
    }
}
