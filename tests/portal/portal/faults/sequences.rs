//! What shows only over several requests: responses that depend on what was asked before.

use super::{Fault, crash, edit_with, judge};
use crate::portal::behavior::Behavior;
use crate::portal::row::{self, CONTRACT, Row};

const VALID: &[Row] = &[Row::Valid];

pub(super) fn all() -> Vec<Fault> {
    [counted(), right_behind(), the_second_time(), memories()].concat()
}

fn counted() -> Vec<Fault> {
    vec![
        (
            "every-third-valid-call-returns-500",
            crash(VALID, |scene| scene.seen(Row::Valid) % 3 == 2),
        ),
        (
            "every-second-valid-call-returns-500",
            crash(VALID, |scene| scene.seen(Row::Valid) % 2 == 1),
        ),
        (
            "first-call-of-all-returns-503",
            edit_with(CONTRACT, |response, scene| {
                if scene.past.is_empty() {
                    response.bare(503);
                }
            }),
        ),
        (
            "token-is-spent-by-the-first-valid-call",
            judge(|row, scene| {
                if row == Row::Valid && scene.seen(Row::Valid) > 0 {
                    Row::InvalidToken
                } else {
                    row
                }
            }),
        ),
        (
            "too-many-requests-from-the-sixth-on",
            edit_with(CONTRACT, |response, scene| {
                if scene.past.len() >= 5 {
                    response.bare(429);
                }
            }),
        ),
    ]
}

fn right_behind() -> Vec<Fault> {
    vec![
        (
            "token-is-refused-after-an-invalid-one",
            after(Row::InvalidToken, Row::InvalidToken),
        ),
        (
            "token-is-refused-after-an-expired-one",
            after(Row::ExpiredToken, Row::InvalidToken),
        ),
        (
            "token-is-refused-after-a-missing-one",
            after(Row::NoToken, Row::InvalidToken),
        ),
        (
            "user-is-missing-after-a-malformed-tenant",
            after(Row::MalformedTenant, Row::UnknownUser),
        ),
        (
            "user-is-missing-after-an-unknown-user",
            after(Row::UnknownUser, Row::UnknownUser),
        ),
        (
            "tenant-is-not-primary-after-a-secondary-one",
            after(Row::NotPrimary, Row::NotPrimary),
        ),
    ]
}

fn the_second_time() -> Vec<Fault> {
    vec![
        ("invalid-token-accepted-the-second-time", again(Row::InvalidToken)),
        ("expired-token-accepted-the-second-time", again(Row::ExpiredToken)),
        (
            "unknown-user-exists-the-second-time",
            judge(|row, scene| {
                if row == Row::UnknownUser && scene.seen(row) > 0 {
                    Row::Valid
                } else {
                    row
                }
            }),
        ),
        (
            "unknown-tenant-is-malformed-the-second-time",
            judge(|row, scene| {
                if row == Row::UnknownTenant && scene.seen(row) > 0 {
                    Row::MalformedTenant
                } else {
                    row
                }
            }),
        ),
        (
            "not-primary-is-accepted-the-second-time",
            judge(|row, scene| {
                if row == Row::NotPrimary && scene.seen(row) > 0 {
                    Row::Valid
                } else {
                    row
                }
            }),
        ),
    ]
}

fn memories() -> Vec<Fault> {
    vec![
        (
            "missing-token-accepted-after-a-valid-call",
            judge(|row, scene| {
                if row == Row::NoToken && scene.seen(Row::Valid) > 0 {
                    row::behind_token(scene.call)
                } else {
                    row
                }
            }),
        ),
        (
            "malformed-id-of-the-call-before-is-repeated",
            edit_with(&[Row::MalformedTenant], |response, scene| {
                let before = scene.past.iter().rev().find(|turn| turn.row == Row::MalformedTenant);
                if let Some(turn) = before {
                    response.text("message", &format!("The value '{}' is not valid.", turn.call.tenant));
                }
            }),
        ),
        (
            "breaks-down-after-a-non-ascii-id",
            crash(CONTRACT, |scene| {
                scene.past.iter().any(|turn| !turn.call.tenant.is_ascii())
            }),
        ),
    ]
}

/// A portal that puts a valid call right behind one of row `cause` into row `effect`.
fn after(cause: Row, effect: Row) -> Behavior {
    judge(move |row, scene| {
        if row == Row::Valid && scene.row_before() == Some(cause) {
            effect
        } else {
            row
        }
    })
}

/// A portal that accepts what falls into `refused` from the second time on.
fn again(refused: Row) -> Behavior {
    judge(move |row, scene| {
        if row == refused && scene.seen(row) > 0 {
            row::behind_token(scene.call)
        } else {
            row
        }
    })
}
