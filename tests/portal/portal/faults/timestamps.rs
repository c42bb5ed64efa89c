//! The field `timestamp`: no RFC 3339, not UTC, or not the moment of the response.

use super::{Fault, edit, edit_with};
use crate::portal::behavior::Behavior;
use crate::portal::clock::{DAY, Moment};
use crate::portal::row::{NOT_FOUND, Row, WITH_BODY};

const HOUR: i64 = 3_600;

pub(super) fn all() -> Vec<Fault> {
    [types(), shapes(), impossible(), moments()].concat()
}

/// Writes the moment of the response as `write` does.
fn written(write: impl Fn(Moment) -> String + Send + Sync + 'static) -> Behavior {
    written_on(WITH_BODY, write)
}

fn written_on(rows: &'static [Row], write: impl Fn(Moment) -> String + Send + Sync + 'static) -> Behavior {
    edit_with(rows, move |response, scene| {
        response.text("timestamp", &write(scene.now));
    })
}

/// A correctly written moment that is off by some seconds.
fn off(seconds: i64) -> Behavior {
    written(move |now| now.plus(seconds).rfc3339(7))
}

fn types() -> Vec<Fault> {
    vec![
        ("timestamp-missing", edit(WITH_BODY, |a| a.without("timestamp"))),
        ("timestamp-renamed", edit(WITH_BODY, |a| a.rename("timestamp", "time"))),
        (
            "timestamp-key-in-camel-case",
            edit(WITH_BODY, |a| a.rename("timestamp", "timeStamp")),
        ),
        (
            "timestamp-key-translated",
            edit(WITH_BODY, |a| a.rename("timestamp", "carimbo de data/hora")),
        ),
        ("timestamp-null", edit(WITH_BODY, |a| a.raw("timestamp", "null"))),
        ("timestamp-empty", edit(WITH_BODY, |a| a.text("timestamp", ""))),
        (
            "timestamp-as-object",
            edit(WITH_BODY, |a| a.raw("timestamp", r#"{"zone":"UTC"}"#)),
        ),
        (
            "timestamp-in-epoch-seconds",
            edit_with(WITH_BODY, |a, scene| {
                a.raw("timestamp", &scene.now.seconds.to_string());
            }),
        ),
        (
            "timestamp-in-epoch-milliseconds",
            edit_with(WITH_BODY, |a, scene| {
                a.raw("timestamp", &(scene.now.seconds * 1_000).to_string());
            }),
        ),
    ]
}

fn shapes() -> Vec<Fault> {
    vec![
        (
            "timestamp-in-epoch-seconds-as-string",
            written(|now| now.seconds.to_string()),
        ),
        (
            "timestamp-as-microsoft-json-date",
            written(|now| format!("/Date({}000)/", now.seconds)),
        ),
        ("timestamp-without-zone", written(|now| now.rfc3339(7).replace('Z', ""))),
        (
            "timestamp-with-zero-offset",
            written(|now| now.rfc3339(7).replace('Z', "+00:00")),
        ),
        (
            "timestamp-with-unknown-offset",
            written(|now| now.rfc3339(7).replace('Z', "-00:00")),
        ),
        (
            "timestamp-with-local-offset",
            written(|now| now.plus(2 * HOUR).rfc3339(7).replace('Z', "+02:00")),
        ),
        (
            "timestamp-with-zone-name",
            written(|now| now.rfc3339(7).replace('Z', " UTC")),
        ),
        ("timestamp-date-only", written(Moment::date)),
        ("timestamp-time-only", written(|now| format!("{}Z", now.time()))),
        (
            "timestamp-without-seconds",
            written(|now| format!("{}T{}Z", now.date(), &now.time()[..5])),
        ),
        (
            "timestamp-with-a-space-for-the-t",
            written(|now| now.rfc3339(7).replace('T', " ")),
        ),
        (
            "timestamp-with-a-comma",
            written(|now| now.rfc3339(7).replace('.', ",")),
        ),
        (
            "timestamp-with-a-point-and-no-fraction",
            written(|now| format!("{}T{}.Z", now.date(), now.time())),
        ),
        (
            "timestamp-in-basic-format",
            written(|now| now.rfc3339(0).replace(['-', ':'], "")),
        ),
        (
            "timestamp-with-slashes",
            written(|now| now.rfc3339(7).replace('-', "/")),
        ),
        (
            "timestamp-with-a-two-digit-year",
            written(|now| now.rfc3339(7)[2..].to_owned()),
        ),
        ("timestamp-as-http-date", written(Moment::imf_fixdate)),
        (
            "timestamp-in-american-style",
            written(|now| {
                let (year, month, day) = now.civil();
                format!("{month:02}/{day:02}/{year} {}", now.time())
            }),
        ),
        ("timestamp-with-a-space-behind", written(|now| now.rfc3339(7) + " ")),
        ("timestamp-in-quotes", written(|now| format!("\"{}\"", now.rfc3339(7)))),
    ]
}

fn impossible() -> Vec<Fault> {
    vec![
        (
            "timestamp-on-february-30",
            written(|now| format!("{}-02-30T{}Z", now.civil().0, now.time())),
        ),
        (
            "timestamp-in-month-13",
            written(|now| format!("{}-13-01T{}Z", now.civil().0, now.time())),
        ),
        (
            "timestamp-on-day-0",
            written(|now| format!("{}-00T{}Z", &now.date()[..7], now.time())),
        ),
        (
            "timestamp-at-hour-24",
            written(|now| format!("{}T24{}Z", now.date(), &now.time()[2..])),
        ),
        (
            "timestamp-at-minute-60",
            written(|now| format!("{}T{}:60:00Z", now.date(), &now.time()[..2])),
        ),
    ]
}

fn moments() -> Vec<Fault> {
    vec![
        ("timestamp-an-hour-ahead", off(HOUR)),
        ("timestamp-an-hour-ago", off(-HOUR)),
        ("timestamp-local-time-called-utc", off(-5 * HOUR)),
        ("timestamp-a-day-ago", off(-DAY)),
        ("timestamp-a-day-ahead", off(DAY)),
        ("timestamp-a-year-ago", off(-365 * DAY)),
        (
            "timestamp-of-the-documentation",
            written(|_| "2020-02-07T13:33:16.0582281Z".to_owned()),
        ),
        (
            "timestamp-of-the-epoch",
            written(|_| "1970-01-01T00:00:00.0000000Z".to_owned()),
        ),
        (
            "timestamp-of-year-1",
            written(|_| "0001-01-01T00:00:00.0000000Z".to_owned()),
        ),
        (
            "timestamp-of-year-9999",
            written(|_| "9999-12-31T23:59:59.9999999Z".to_owned()),
        ),
        (
            "timestamp-a-day-ago-on-404-only",
            written_on(NOT_FOUND, |now| now.plus(-DAY).rfc3339(7)),
        ),
        (
            "timestamp-without-zone-on-not-primary-only",
            written_on(&[Row::NotPrimary], |now| now.rfc3339(7).replace('Z', "")),
        ),
        (
            "timestamp-with-zero-offset-on-malformed-only",
            written_on(&[Row::MalformedTenant], |now| now.rfc3339(7).replace('Z', "+00:00")),
        ),
    ]
}
