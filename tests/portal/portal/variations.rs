//! Every named way in which a portal differs although it keeps the contract, and those that speak no HTTP at all.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::behavior::{Behavior, Greeting, Scene};
use super::clock::Moment;
use super::guid;
use super::response::{Body, Framing, Value, compact, json_string, unicode_escape};
use super::row::{self, BAD_REQUEST, CONTRACT, NOT_FOUND, Row, UNAUTHORIZED, WITH_BODY};
use super::wire::{Pace, Wire};

/// A variation: its name and its behavior.
pub(crate) type Variation = (&'static str, Behavior);

/// Every variation; names are unique, in kebab case, and no fault's.
#[must_use]
pub(crate) fn all() -> Vec<Variation> {
    [
        json(),
        timestamps(),
        headers(),
        media_types(),
        infrastructure(),
        framing(),
        choices(),
        ids(),
    ]
    .concat()
}

/// The kinds of peer that never response in HTTP.
#[must_use]
pub(crate) fn unreachable() -> Vec<Variation> {
    vec![
        ("closes-at-once", Behavior::greeting(Greeting::CloseAtOnce)),
        ("stays-silent", Behavior::greeting(Greeting::Silence)),
        (
            "speaks-ssh",
            Behavior::greeting(Greeting::Banner(b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n")),
        ),
    ]
}

fn contract() -> Behavior {
    Behavior::default()
}

/// Writes the fields of every error body as `write` does.
fn written(write: fn(&[(String, Value)]) -> String) -> Behavior {
    contract().edit(WITH_BODY, move |a| {
        if let Body::Fields(fields) = &a.body {
            a.body = Body::Bytes(write(fields).into_bytes());
        }
    })
}

fn json() -> Vec<Variation> {
    vec![
        ("json-indented", written(indented)),
        (
            "json-indented-by-tabs-with-crlf",
            written(|fields| indented(fields).replace("\n  ", "\n\t").replace('\n', "\r\n")),
        ),
        (
            "json-with-a-final-newline",
            written(|fields| compact(fields, json_string) + "\n"),
        ),
        ("json-with-spaces-everywhere", written(spaced)),
        (
            "json-keys-backwards",
            contract().edit(WITH_BODY, |a| {
                if let Body::Fields(fields) = &mut a.body {
                    fields.reverse();
                }
            }),
        ),
        (
            "json-escapes-non-ascii",
            written(|fields| compact(fields, |text| escaped(text, |c| !c.is_ascii()))),
        ),
        (
            "json-escapes-slashes",
            written(|fields| compact(fields, |text| json_string(text).replace('/', "\\/"))),
        ),
        (
            "json-escapes-like-dotnet",
            written(|fields| {
                compact(fields, |text| {
                    escaped(text, |c| !c.is_ascii() || "'\"&+<>`".contains(c))
                })
            }),
        ),
        (
            "json-escapes-every-character",
            written(|fields| compact(fields, |text| escaped(text, |_| true))),
        ),
        (
            "json-error-with-a-zero-fraction",
            contract().edit(WITH_BODY, |a| a.raw("error", &format!("{}.0", a.status))),
        ),
        (
            "json-error-with-an-exponent",
            contract().edit(WITH_BODY, |a| {
                let exponent = if a.status == 400 {
                    "4e2".to_owned()
                } else {
                    format!("{}.{:02}E+2", a.status / 100, a.status % 100)
                };
                a.raw("error", &exponent);
            }),
        ),
    ]
}

fn indented(fields: &[(String, Value)]) -> String {
    let lines: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("  {}: {}", json_string(key), value.json(json_string)))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

fn spaced(fields: &[(String, Value)]) -> String {
    let parts: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!(" {} : {} ", json_string(key), value.json(json_string)))
        .collect();
    format!(" \r\n\t{{{}}}\r\n\t ", parts.join(","))
}

/// A JSON string in which every character that `must` names, and every one that JSON demands, is a `\u` escape.
fn escaped(text: &str, must: fn(char) -> bool) -> String {
    let escape = |c: char| {
        if must(c) || c < ' ' || c == '"' || c == '\\' {
            unicode_escape(c)
        } else {
            c.to_string()
        }
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Takes `Date` and `timestamp` from a clock that is off by some seconds.
fn clock_off(seconds: i64) -> Behavior {
    contract()
        .edit_with(CONTRACT, move |a, scene| {
            a.header("Date", &scene.now.plus(seconds).imf_fixdate());
        })
        .edit_with(WITH_BODY, move |a, scene| {
            a.text("timestamp", &scene.now.plus(seconds).rfc3339(7));
        })
}

fn digits(digits: usize) -> Behavior {
    stamped(move |now| now.rfc3339(digits))
}

fn stamped(write: impl Fn(Moment) -> String + Send + Sync + 'static) -> Behavior {
    contract().edit_with(WITH_BODY, move |a, scene| {
        a.text("timestamp", &write(scene.now));
    })
}

fn timestamps() -> Vec<Variation> {
    vec![
        ("timestamp-without-fraction", digits(0)),
        ("timestamp-with-1-digit", digits(1)),
        ("timestamp-with-3-digits", digits(3)),
        ("timestamp-with-6-digits", digits(6)),
        ("timestamp-with-9-digits", digits(9)),
        (
            "timestamp-with-12-digits",
            stamped(|now| now.rfc3339(9).replace('Z', "000Z")),
        ),
        ("clock-30-seconds-ahead", clock_off(30)),
        ("clock-30-seconds-behind", clock_off(-30)),
    ]
}

fn media_type(value: &'static str) -> Behavior {
    contract().edit(WITH_BODY, move |a| a.header("Content-Type", value))
}

fn header(name: &'static str, value: &'static str) -> Behavior {
    contract().edit(CONTRACT, move |a| a.add_header(name, value))
}

/// Rewrites every header line, split at its colon.
fn lines(write: fn(&str, &str) -> String) -> Behavior {
    contract().bend(CONTRACT, move |w| {
        for line in w.lines.iter_mut().skip(1) {
            let text = String::from_utf8_lossy(line).into_owned();
            if let Some((name, value)) = text.split_once(": ") {
                *line = write(name, value).into_bytes();
            }
        }
    })
}

fn headers() -> Vec<Variation> {
    vec![
        (
            "www-authenticate-missing",
            contract().edit(UNAUTHORIZED, |a| a.drop_header("WWW-Authenticate")),
        ),
        (
            "www-authenticate-with-details",
            contract().edit(UNAUTHORIZED, |a| {
                a.header("WWW-Authenticate", "Bearer realm=\"portal\", error=\"invalid_token\"");
            }),
        ),
        (
            "www-authenticate-names-the-expiry",
            contract().edit(&[Row::ExpiredToken], |a| {
                a.header(
                    "WWW-Authenticate",
                    "Bearer error=\"invalid_token\", error_description=\"The token is expired\"",
                );
            }),
        ),
        (
            "header-names-in-lower-case",
            lines(|name, value| format!("{}: {value}", name.to_lowercase())),
        ),
        (
            "header-names-in-upper-case",
            lines(|name, value| format!("{}: {value}", name.to_uppercase())),
        ),
        (
            "header-values-without-a-space-before",
            lines(|name, value| format!("{name}:{value}")),
        ),
        (
            "header-values-with-white-space-around",
            lines(|name, value| format!("{name}: \t {value} \t")),
        ),
        (
            "headers-in-another-order",
            contract().bend(CONTRACT, |w| {
                w.lines.get_mut(1..).into_iter().for_each(<[_]>::reverse);
            }),
        ),
    ]
}

fn media_types() -> Vec<Variation> {
    vec![
        ("charset-in-upper-case", media_type("application/json; charset=UTF-8")),
        ("charset-in-quotes", media_type("application/json; charset=\"utf-8\"")),
        (
            "charset-without-a-space-before",
            media_type("application/json;charset=utf-8"),
        ),
        ("charset-key-capitalized", media_type("application/json; Charset=utf-8")),
        ("media-type-capitalized", media_type("Application/JSON; charset=utf-8")),
    ]
}

fn infrastructure() -> Vec<Variation> {
    vec![
        ("server-header", header("Server", "Microsoft-IIS/10.0")),
        (
            "request-id-per-response",
            contract().edit(CONTRACT, |a| {
                a.add_header("X-Request-Id", &format!("{:016x}", RandomState::new().hash_one(())));
            }),
        ),
        ("via-header", header("Via", "1.1 edge-7 (varnish)")),
        (
            "strict-transport-security",
            header("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ),
        ("no-store", header("Cache-Control", "no-store, no-cache")),
        (
            "cookies-of-a-load-balancer",
            header("Set-Cookie", "ARRAffinity=4bf92f35; Path=/; HttpOnly").edit(CONTRACT, |a| {
                a.add_header(
                    "Set-Cookie",
                    "ARRAffinitySameSite=4bf92f35; Path=/; HttpOnly; SameSite=None; Secure",
                );
            }),
        ),
        (
            "non-ascii-in-a-header-value",
            contract().bend(CONTRACT, |w| w.line(b"X-Region: S\xe3o Paulo".as_slice())),
        ),
        ("empty-header-value", contract().bend(CONTRACT, |w| w.line("X-Region:"))),
        ("keep-alive-header", header("Keep-Alive", "timeout=5, max=100")),
    ]
}

fn reason_phrase(phrase: &'static str) -> Behavior {
    contract().edit(CONTRACT, move |a| phrase.clone_into(&mut a.reason))
}

fn pace(pace: Pace) -> Behavior {
    contract().bend(CONTRACT, move |w| w.pace = pace)
}

/// Sends these lines and an empty one before the status line.
fn inform(wire: &mut Wire, lines: &[&str]) {
    let early = lines.iter().chain(&[""]).map(|line| line.as_bytes().to_vec());
    wire.lines.splice(0..0, early);
}

fn framing() -> Vec<Variation> {
    vec![
        (
            "chunked-bodies",
            contract().edit(WITH_BODY, |a| a.framing = Framing::Chunked),
        ),
        (
            "chunked-empty-401",
            contract().edit(UNAUTHORIZED, |a| a.framing = Framing::Chunked),
        ),
        (
            "chunked-with-extension-and-trailer",
            contract()
                .edit(WITH_BODY, |a| a.framing = Framing::Chunked)
                .bend(WITH_BODY, |w| {
                    let text = String::from_utf8_lossy(&w.payload).replacen("\r\n", ";name=\"v\"\r\n", 1);
                    w.payload = text
                        .replace("\r\n0\r\n\r\n", "\r\n0\r\nX-Checksum: 1\r\n\r\n")
                        .into_bytes();
                }),
        ),
        (
            "chunked-in-chunks-of-7",
            contract().edit(WITH_BODY, |a| a.framing = Framing::ChunksOf(7)),
        ),
        (
            "body-until-close",
            contract().edit(WITH_BODY, |a| a.framing = Framing::UntilClose),
        ),
        (
            "http-1-0-responses",
            contract().edit(CONTRACT, |a| a.close = true).bend(CONTRACT, |w| {
                let line = w
                    .lines
                    .first()
                    .map(|line| String::from_utf8_lossy(line).replacen("1.1", "1.0", 1))
                    .unwrap_or_default();
                w.status_line(line);
            }),
        ),
        ("connection-close", contract().edit(CONTRACT, |a| a.close = true)),
        ("reason-phrases-of-its-own", reason_phrase("As Documented")),
        ("reason-phrases-empty", reason_phrase("")),
        (
            "slow-responses",
            contract().bend(CONTRACT, |w| w.delay = Duration::from_millis(150)),
        ),
        ("head-and-body-in-two-writes", pace(Pace::HeadThenPayload)),
        ("one-byte-at-a-time", pace(Pace::ByteByByte)),
        (
            "early-hints-before-the-response",
            contract().bend(CONTRACT, |w| {
                inform(w, &["HTTP/1.1 103 Early Hints", "Link: </style.css>; rel=preload"]);
            }),
        ),
        (
            "continue-before-the-response",
            contract().bend(CONTRACT, |w| inform(w, &["HTTP/1.1 100 Continue"])),
        ),
    ]
}

/// Whether another error applies as well, and wins here.
fn first(wins: fn(Row, &Scene) -> Option<Row>) -> Behavior {
    contract().judge(move |row, scene| wins(row, scene).unwrap_or(row))
}

fn choices() -> Vec<Variation> {
    vec![
        (
            "malformed-tenant-wins-over-token",
            first(|row, scene| {
                let malformed = guid::parse(&scene.call.tenant).is_none();
                (UNAUTHORIZED.contains(&row) && malformed).then_some(Row::MalformedTenant)
            }),
        ),
        (
            "every-id-wins-over-token",
            first(|row, scene| {
                let behind = row::behind_token(scene.call);
                (UNAUTHORIZED.contains(&row) && behind != Row::Valid).then_some(behind)
            }),
        ),
        (
            "malformed-user-wins-over-tenant",
            first(|row, scene| {
                let malformed = guid::parse(&scene.call.user).is_none();
                (matches!(row, Row::UnknownTenant | Row::MalformedTenant) && malformed).then_some(Row::MalformedUser)
            }),
        ),
        (
            "malformed-user-returns-400",
            contract().edit_with(&[Row::MalformedUser], |a, scene| {
                a.turn_into(400);
                a.text("message", &format!("The value '{}' is not valid.", scene.call.user));
            }),
        ),
        (
            "other-methods-not-found",
            contract().edit(&[Row::OtherMethod], |a| {
                a.turn_into(404);
                a.drop_header("Allow");
            }),
        ),
        (
            "other-methods-with-a-body",
            contract().edit_with(&[Row::OtherMethod], |a, scene| {
                a.fail(None, "Method Not Allowed", scene.now);
            }),
        ),
        (
            "second-activation-sends-no-second-mail",
            contract().edit_with(&[Row::Valid], |a, scene| {
                a.mails = usize::from(scene.seen(Row::Valid) == 0);
            }),
        ),
        (
            "one-media-type-spelling-for-400-another-for-404",
            contract()
                .edit(BAD_REQUEST, |a| {
                    a.header("Content-Type", "application/json; charset=UTF-8");
                })
                .edit(NOT_FOUND, |a| {
                    a.header("Content-Type", "application/json;charset=\"utf-8\"");
                }),
        ),
    ]
}

/// Takes tenant ids for malformed that `accepts` does not accept, though other portals may.
fn only(accepts: fn(&str) -> bool) -> Behavior {
    contract().judge(move |row, scene| {
        let behind_tenant = !UNAUTHORIZED.contains(&row) && !matches!(row, Row::OtherMethod | Row::NoRoute);
        if behind_tenant && !accepts(&scene.call.tenant) {
            Row::MalformedTenant
        } else {
            row
        }
    })
}

fn ids() -> Vec<Variation> {
    vec![
        ("guid-only-with-hyphens", only(|id| guid::parse_d(id).is_some())),
        (
            "guid-only-in-lower-case",
            only(|id| !id.contains(|c: char| c.is_ascii_uppercase())),
        ),
        ("guid-in-braces-refused", only(|id| !id.starts_with('{'))),
        (
            "guid-trimmed-and-in-hex-groups",
            contract().hear(|call| {
                let trimmed = call.tenant.trim();
                if let Some(value) = guid::parse(trimmed).or_else(|| guid::parse_x(trimmed)) {
                    call.tenant = format!("{value:032x}");
                }
            }),
        ),
    ]
}
