//! The error body as a whole: no JSON object, not JSON, not text, not there.

use super::{Fault, edit};
use crate::portal::behavior::Behavior;
use crate::portal::response::Body;
use crate::portal::row::{BAD_REQUEST, NO_SUCH_USER, NOT_FOUND, Row, WITH_BODY};

const HTML: &str = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Not Found</h1></body></html>";

pub(super) fn all() -> Vec<Fault> {
    [wrappings(), syntax(), encodings(), absences()].concat()
}

/// Makes another text of the compact JSON.
fn rewrite<B: Into<Vec<u8>> + 'static>(new: fn(String) -> B) -> Behavior {
    edit(WITH_BODY, move |a| a.rewrite(new))
}

fn wrappings() -> Vec<Fault> {
    vec![
        ("body-in-a-list", rewrite(|json| format!("[{json}]"))),
        (
            "body-in-a-json-string",
            rewrite(|json| crate::portal::response::json_string(&json)),
        ),
        (
            "body-under-the-key-error",
            rewrite(|json| format!("{{\"error\":{json}}}")),
        ),
        (
            "body-under-the-key-data",
            rewrite(|json| format!("{{\"data\":{json}}}")),
        ),
        ("body-as-jsonp", rewrite(|json| format!("callback({json});"))),
        (
            "body-behind-an-anti-hijacking-prefix",
            rewrite(|json| format!(")]}}',\n{json}")),
        ),
        ("body-null", rewrite(|_| "null")),
        ("body-empty-object", rewrite(|_| "{}")),
        ("body-empty-list", rewrite(|_| "[]")),
        ("body-a-number", rewrite(|_| "404")),
        ("body-a-message-string", rewrite(|_| "\"Not Found\"")),
        ("body-plain-text", rewrite(|_| "Not Found")),
        (
            "body-html",
            edit(WITH_BODY, |a| a.content("text/html; charset=utf-8", HTML)),
        ),
        ("body-html-called-json", rewrite(|_| HTML)),
        (
            "body-xml",
            edit(WITH_BODY, |a| {
                a.content(
                    "application/xml; charset=utf-8",
                    "<error><message>Not Found</message></error>",
                );
            }),
        ),
        (
            "body-form-encoded",
            rewrite(|_| "error=404&message=Not+Found&status=error"),
        ),
        (
            "body-yaml",
            rewrite(|_| "error: 404\nmessage: Not Found\nstatus: error\n"),
        ),
        (
            "body-problem-json",
            edit(WITH_BODY, |a| {
                let problem = format!(
                    "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{}}}",
                    a.reason, a.status
                );
                a.content("application/problem+json; charset=utf-8", problem);
            }),
        ),
        (
            "body-validation-problem-on-malformed",
            edit(&[Row::MalformedTenant], |a| {
                let errors = r#"{"errors":{"customerTenantId":["The value is not valid."]},"status":400}"#;
                a.content("application/problem+json; charset=utf-8", errors);
            }),
        ),
    ]
}

fn syntax() -> Vec<Fault> {
    vec![
        ("body-truncated", rewrite(|json| json[..json.len() / 2].to_owned())),
        (
            "body-without-its-last-brace",
            rewrite(|json| json[..json.len() - 1].to_owned()),
        ),
        ("body-twice", rewrite(|json| json.clone() + &json)),
        ("body-twice-on-two-lines", rewrite(|json| format!("{json}\n{json}\n"))),
        ("body-with-garbage-behind", rewrite(|json| json + "garbage")),
        ("body-with-a-semicolon-behind", rewrite(|json| json + ";")),
        ("body-with-nul-behind", rewrite(|json| json + "\0")),
        ("body-with-markup-behind", rewrite(|json| json + "<!-- 0.012 s -->")),
        (
            "body-with-a-warning-before",
            rewrite(|json| format!("Warning: Undefined variable $user on line 12\n{json}")),
        ),
        (
            "body-with-a-trailing-comma",
            rewrite(|json| json.replace("\"}", "\",}")),
        ),
        (
            "body-with-a-comment",
            rewrite(|json| json.replacen('{', "{/* v1 */", 1)),
        ),
        (
            "body-in-single-quotes",
            rewrite(|json| json.replace('\'', "’").replace('"', "'")),
        ),
        (
            "body-with-bare-keys",
            rewrite(|json| json.replace("\"message\":", "message:")),
        ),
        ("body-with-nan", edit(WITH_BODY, |a| a.raw("error", "NaN"))),
        ("body-with-undefined", edit(WITH_BODY, |a| a.raw("error", "undefined"))),
        (
            "body-with-a-leading-zero",
            edit(WITH_BODY, |a| a.raw("error", &format!("0{}", a.status))),
        ),
        (
            "body-with-a-plus-sign",
            edit(WITH_BODY, |a| a.raw("error", &format!("+{}", a.status))),
        ),
        (
            "body-with-a-hex-number",
            edit(WITH_BODY, |a| a.raw("error", &format!("0x{:x}", a.status))),
        ),
        (
            "body-with-a-duplicate-key",
            rewrite(|json| json.replacen('{', "{\"status\":\"error\",", 1)),
        ),
        (
            "body-with-a-contradicting-duplicate-key",
            rewrite(|json| json.replacen('{', "{\"error\":200,", 1)),
        ),
        (
            "body-with-a-raw-newline-in-a-string",
            rewrite(|json| json.replace("\"status\":\"error", "\"status\":\"error\n")),
        ),
        (
            "body-with-a-raw-tab-in-the-message",
            rewrite(|json| json.replace("\"message\":\"", "\"message\":\"\t")),
        ),
        (
            "body-with-a-wrong-escape",
            rewrite(|json| json.replace("\"message\":\"", "\"message\":\"\\x20")),
        ),
        (
            "body-with-a-lone-surrogate",
            rewrite(|json| json.replace("\"message\":\"", "\"message\":\"\\ud83d")),
        ),
        ("body-with-python-literals", edit(WITH_BODY, |a| a.raw("retry", "None"))),
    ]
}

fn encodings() -> Vec<Fault> {
    vec![
        ("body-with-a-byte-order-mark", rewrite(|json| format!("\u{feff}{json}"))),
        (
            "body-in-utf-16",
            rewrite(|json| json.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ),
        (
            "body-in-utf-16-called-so",
            edit(WITH_BODY, |a| {
                a.rewrite(|json| json.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
                a.header("Content-Type", "application/json; charset=utf-16");
            }),
        ),
        (
            "body-with-invalid-utf-8",
            rewrite(|json| {
                let (before, after) = json.split_once("\"status\"").unwrap_or((&json, ""));
                [
                    before.trim_end_matches("\",").as_bytes(),
                    b"\xff\xfe\",\"status\"",
                    after.as_bytes(),
                ]
                .concat()
            }),
        ),
        (
            "body-with-a-cut-utf-8-character",
            rewrite(|json| {
                let location = json.find("\",\"status\"").unwrap_or(json.len());
                [&json.as_bytes()[..location], b"\xc3", &json.as_bytes()[location..]].concat()
            }),
        ),
        (
            "body-in-latin-1",
            rewrite(|json| {
                json.chars()
                    .map(|c| u8::try_from(c).unwrap_or(b'?'))
                    .collect::<Vec<u8>>()
            }),
        ),
        (
            "body-in-hex-digits",
            rewrite(|json| {
                json.bytes()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<Vec<_>>()
                    .concat()
            }),
        ),
        ("body-of-nul-bytes", rewrite(|json| vec![0_u8; json.len()])),
    ]
}

fn absences() -> Vec<Fault> {
    vec![
        ("body-empty", rewrite(|_| "")),
        ("body-empty-on-malformed-tenant", empty(&[Row::MalformedTenant])),
        ("body-empty-on-not-primary", empty(&[Row::NotPrimary])),
        ("body-empty-on-unknown-tenant", empty(&[Row::UnknownTenant])),
        ("body-empty-on-no-such-user", empty(NO_SUCH_USER)),
        (
            "body-html-on-404-only",
            edit(NOT_FOUND, |a| a.content("text/html", HTML)),
        ),
        (
            "body-plain-text-on-400-only",
            edit(BAD_REQUEST, |a| {
                a.content("text/plain; charset=utf-8", "Bad Request");
            }),
        ),
        ("body-white-space", rewrite(|_| " \r\n")),
    ]
}

/// Responses of `rows` without body and media type.
fn empty(rows: &'static [Row]) -> Behavior {
    edit(rows, |a| {
        a.body = Body::Empty;
        a.drop_header("Content-Type");
    })
}
