//! The header `Date`: missing, not the one format HTTP writes, not now.

use super::{Fault, edit, edit_with};
use crate::portal::behavior::Behavior;
use crate::portal::clock::{DAY, Moment};
use crate::portal::row::{BAD_REQUEST, CONTRACT, NOT_FOUND, Row, UNAUTHORIZED};

const VALID: &[Row] = &[Row::Valid];

/// Writes the moment of the response into `Date` as `write` does.
fn dated(write: impl Fn(Moment) -> String + Send + Sync + 'static) -> Behavior {
    edit_with(CONTRACT, move |response, scene| {
        response.header("Date", &write(scene.now));
    })
}

pub(super) fn all() -> Vec<Fault> {
    [missing(), shapes(), moments()].concat()
}

fn missing() -> Vec<Fault> {
    vec![
        ("date-missing", edit(CONTRACT, |a| a.drop_header("Date"))),
        ("date-missing-on-204", edit(VALID, |a| a.drop_header("Date"))),
        ("date-missing-on-400", edit(BAD_REQUEST, |a| a.drop_header("Date"))),
        ("date-missing-on-401", edit(UNAUTHORIZED, |a| a.drop_header("Date"))),
        ("date-missing-on-404", edit(NOT_FOUND, |a| a.drop_header("Date"))),
        ("date-empty", dated(|_| String::new())),
    ]
}

fn shapes() -> Vec<Fault> {
    vec![
        ("date-in-iso-format", dated(|now| now.rfc3339(0))),
        ("date-in-epoch-seconds", dated(|now| now.seconds.to_string())),
        ("date-with-a-wrong-weekday", dated(|now| now.http_date(1, "GMT"))),
        ("date-with-a-numeric-zone", dated(|now| now.http_date(0, "+0000"))),
        ("date-in-utc-by-name", dated(|now| now.http_date(0, "UTC"))),
        (
            "date-with-a-local-zone",
            dated(|now| now.plus(-5 * 3_600).http_date(0, "EST")),
        ),
        (
            "date-without-zone",
            dated(|now| now.http_date(0, "").trim_end().to_owned()),
        ),
        ("date-without-weekday", dated(|now| now.imf_fixdate()[5..].to_owned())),
        ("date-in-lower-case", dated(|now| now.imf_fixdate().to_lowercase())),
        (
            "date-with-hyphens",
            dated(|now| now.imf_fixdate().replacen(' ', "-", 3).replacen('-', " ", 1)),
        ),
        (
            "date-on-february-30",
            dated(|now| format!("Sun, 30 Feb {} {} GMT", now.civil().0, now.time())),
        ),
        (
            "date-at-hour-24",
            dated(|now| {
                now.imf_fixdate()
                    .replace(&now.time(), &format!("24{}", &now.time()[2..]))
            }),
        ),
        (
            "date-translated",
            dated(|now| format!("Sex, 07 Fev {} {} GMT", now.civil().0, now.time())),
        ),
    ]
}

fn moments() -> Vec<Fault> {
    vec![
        ("date-a-year-ago", dated(|now| now.plus(-365 * DAY).imf_fixdate())),
        ("date-an-hour-ahead", dated(|now| now.plus(3_600).imf_fixdate())),
        (
            "date-of-the-epoch",
            dated(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned()),
        ),
        (
            "date-a-year-ago-on-204",
            edit_with(VALID, |a, scene| {
                a.header("Date", &scene.now.plus(-365 * DAY).imf_fixdate());
            }),
        ),
        (
            "date-twice",
            edit_with(CONTRACT, |a, scene| {
                a.add_header("Date", &scene.now.imf_fixdate());
            }),
        ),
        (
            "date-twice-and-different",
            edit_with(CONTRACT, |a, scene| {
                a.add_header("Date", &scene.now.plus(-DAY).imf_fixdate());
            }),
        ),
    ]
}
