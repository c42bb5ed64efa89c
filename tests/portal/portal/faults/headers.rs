//! Media types, and bodies where none may be.

use super::{Fault, edit};
use crate::portal::behavior::Behavior;
use crate::portal::response::{Body, Framing};
use crate::portal::row::{NO_SUCH_USER, Row, UNAUTHORIZED, WITH_BODY};

const VALID: &[Row] = &[Row::Valid];
const JSON: &str = "application/json; charset=utf-8";
const DENIED: &str = r#"{"error":401,"message":"Unauthorized","status":"error"}"#;

pub(super) fn all() -> Vec<Fault> {
    [media_types(), bodies_of_empty_responses()].concat()
}

/// Gives the responses with a body this `Content-Type`.
fn typed(value: &'static str) -> Behavior {
    edit(WITH_BODY, move |a| a.header("Content-Type", value))
}

fn media_types() -> Vec<Fault> {
    vec![
        (
            "content-type-missing",
            edit(WITH_BODY, |a| a.drop_header("Content-Type")),
        ),
        ("content-type-empty", typed("")),
        ("content-type-plain-text", typed("text/plain; charset=utf-8")),
        ("content-type-html", typed("text/html; charset=utf-8")),
        ("content-type-text-json", typed("text/json; charset=utf-8")),
        (
            "content-type-problem-json",
            typed("application/problem+json; charset=utf-8"),
        ),
        (
            "content-type-vendor-json",
            typed("application/vnd.portal.v1+json; charset=utf-8"),
        ),
        ("content-type-ndjson", typed("application/x-ndjson; charset=utf-8")),
        (
            "content-type-javascript",
            typed("application/javascript; charset=utf-8"),
        ),
        ("content-type-octet-stream", typed("application/octet-stream")),
        ("content-type-json-without-application", typed("json; charset=utf-8")),
        ("content-type-without-charset", typed("application/json")),
        (
            "content-type-with-latin-1",
            typed("application/json; charset=iso-8859-1"),
        ),
        ("content-type-with-utf-16", typed("application/json; charset=utf-16")),
        (
            "content-type-with-misspelt-utf8",
            typed("application/json; charset=utf8"),
        ),
        ("content-type-with-empty-charset", typed("application/json; charset=")),
        ("content-type-with-comma", typed("application/json, charset=utf-8")),
        (
            "content-type-of-two-media-types",
            typed("application/json; charset=utf-8, text/html"),
        ),
        (
            "content-type-twice",
            edit(WITH_BODY, |a| a.add_header("Content-Type", JSON)),
        ),
        (
            "content-type-twice-and-different",
            edit(WITH_BODY, |a| a.add_header("Content-Type", "text/html")),
        ),
        (
            "content-type-missing-on-malformed-only",
            edit(&[Row::MalformedTenant], |a| a.drop_header("Content-Type")),
        ),
        (
            "content-type-plain-text-on-not-primary-only",
            edit(&[Row::NotPrimary], |a| {
                a.header("Content-Type", "text/plain");
            }),
        ),
        (
            "content-type-html-on-unknown-tenant-only",
            edit(&[Row::UnknownTenant], |a| {
                a.header("Content-Type", "text/html");
            }),
        ),
        (
            "content-type-html-on-no-such-user-only",
            edit(NO_SUCH_USER, |a| a.header("Content-Type", "text/html")),
        ),
        (
            "content-encoding-gzip-of-a-plain-body",
            edit(WITH_BODY, |a| a.add_header("Content-Encoding", "gzip")),
        ),
        (
            "content-encoding-unknown",
            edit(WITH_BODY, |a| a.add_header("Content-Encoding", "x-portal")),
        ),
    ]
}

// Long: a table of faults.
fn bodies_of_empty_responses() -> Vec<Fault> {
    vec![
        (
            "content-type-on-an-empty-401",
            edit(UNAUTHORIZED, |a| a.header("Content-Type", JSON)),
        ),
        ("content-type-on-a-204", edit(VALID, |a| a.header("Content-Type", JSON))),
        (
            "json-body-on-no-token",
            edit(&[Row::NoToken], |a| a.content(JSON, DENIED)),
        ),
        (
            "json-body-on-invalid-token",
            edit(&[Row::InvalidToken], |a| a.content(JSON, DENIED)),
        ),
        (
            "json-body-on-expired-token",
            edit(&[Row::ExpiredToken], |a| a.content(JSON, DENIED)),
        ),
        (
            "text-body-on-401",
            edit(UNAUTHORIZED, |a| a.content("text/plain", "Unauthorized")),
        ),
        (
            "html-body-on-401",
            edit(UNAUTHORIZED, |a| a.content("text/html", "<h1>401</h1>")),
        ),
        (
            "untyped-body-on-401",
            edit(UNAUTHORIZED, |a| {
                a.body = Body::Bytes(b"Unauthorized".to_vec());
            }),
        ),
        (
            "newline-as-body-on-401",
            edit(UNAUTHORIZED, |a| a.body = Body::Bytes(b"\r\n".to_vec())),
        ),
        (
            "chunked-body-on-401",
            edit(UNAUTHORIZED, |a| {
                a.content(JSON, DENIED);
                a.framing = Framing::Chunked;
            }),
        ),
        (
            "body-until-close-on-401",
            edit(UNAUTHORIZED, |a| {
                a.content(JSON, DENIED);
                a.framing = Framing::UntilClose;
            }),
        ),
        (
            "json-body-on-valid-with-200",
            edit(VALID, |a| {
                a.turn_into(200);
                a.content(JSON, r#"{"status":"ok"}"#);
            }),
        ),
        (
            "text-body-on-valid-with-200",
            edit(VALID, |a| {
                a.turn_into(200);
                a.content("text/plain", "OK");
            }),
        ),
        (
            "body-on-204-with-content-length",
            edit(VALID, |a| a.content(JSON, r#"{"status":"ok"}"#)),
        ),
        (
            "content-length-on-204-and-no-body",
            edit(VALID, |a| a.add_header("Content-Length", "15")),
        ),
        ("chunked-on-204", edit(VALID, |a| a.framing = Framing::Chunked)),
        (
            "chunked-body-on-204",
            edit(VALID, |a| {
                a.content(JSON, r#"{"status":"ok"}"#);
                a.framing = Framing::Chunked;
            }),
        ),
    ]
}
