//! Rows taken for one another: tokens, tenants and users checked too little, and the two cases of row 8 distinguished.

use super::{Fault, edit, edit_with, hear, judge};
use crate::portal::behavior::Behavior;
use crate::portal::call::Call;
use crate::portal::fixtures::{EXPIRED_TOKEN, SECONDARY_TENANT_ID, TOKEN};
use crate::portal::response::Framing;
use crate::portal::row::{self, Row};

const FOREIGN: &[Row] = &[Row::ForeignUser];

pub(super) fn all() -> Vec<Fault> {
    [tokens(), tenants_and_users(), foreign_users(), foreign_faces()].concat()
}

/// A portal that takes a bearer token for the valid one where `same` says so.
fn accept(same: impl Fn(&str) -> bool + Send + Sync + 'static) -> Behavior {
    hear(move |call| {
        if call.bearer.as_deref().is_some_and(&same) {
            call.bearer = Some(TOKEN.to_owned());
        }
    })
}

/// A portal that takes calls without a token for authorized where `enough` says so.
fn accept_without(enough: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Behavior {
    hear(move |call| {
        if call.bearer.is_none() && enough(call) {
            call.bearer = Some(TOKEN.to_owned());
        }
    })
}

fn tokens() -> Vec<Fault> {
    vec![
        ("no-token-accepted", accept_without(|call| call.authorization.is_none())),
        (
            "empty-bearer-accepted",
            accept_without(|call| call.authorization.as_deref() == Some("Bearer")),
        ),
        (
            "basic-credentials-accepted",
            accept_without(|call| {
                call.authorization
                    .as_deref()
                    .is_some_and(|value| value.starts_with("Basic "))
            }),
        ),
        ("invalid-token-accepted", accept(|token| token != EXPIRED_TOKEN)),
        ("expired-token-accepted", accept(|token| token == EXPIRED_TOKEN)),
        ("any-token-accepted", accept(|_| true)),
        (
            "token-compared-by-prefix",
            accept(|token| token.get(..8) == TOKEN.get(..8)),
        ),
        (
            "token-without-its-last-character-accepted",
            accept(|token| token.len() >= 8 && TOKEN.starts_with(token)),
        ),
        (
            "token-with-more-behind-accepted",
            accept(|token| token.starts_with(TOKEN)),
        ),
        (
            "token-compared-without-case",
            accept(|token| token.eq_ignore_ascii_case(TOKEN)),
        ),
        ("overlong-token-accepted", accept(|token| token.len() > 1_000)),
        ("token-compared-by-length", accept(|token| token.len() == TOKEN.len())),
    ]
}

/// A portal that takes every call of one row for one of another.
fn conflate(one: Row, other: Row) -> Behavior {
    judge(move |row, _| if row == one { other } else { row })
}

fn tenants_and_users() -> Vec<Fault> {
    vec![
        ("secondary-tenant-accepted", conflate(Row::NotPrimary, Row::Valid)),
        (
            "secondary-tenant-taken-for-unknown",
            conflate(Row::NotPrimary, Row::UnknownTenant),
        ),
        (
            "secondary-tenant-taken-for-malformed",
            conflate(Row::NotPrimary, Row::MalformedTenant),
        ),
        (
            "primary-tenant-taken-for-secondary",
            conflate(Row::Valid, Row::NotPrimary),
        ),
        ("unknown-tenant-accepted", conflate(Row::UnknownTenant, Row::Valid)),
        (
            "unknown-tenant-taken-for-secondary",
            conflate(Row::UnknownTenant, Row::NotPrimary),
        ),
        (
            "unknown-tenant-taken-for-malformed",
            conflate(Row::UnknownTenant, Row::MalformedTenant),
        ),
        (
            "malformed-tenant-taken-for-secondary",
            conflate(Row::MalformedTenant, Row::NotPrimary),
        ),
        ("unknown-user-accepted", conflate(Row::UnknownUser, Row::Valid)),
        (
            "unknown-user-taken-for-not-primary",
            conflate(Row::UnknownUser, Row::NotPrimary),
        ),
        (
            "no-such-user-accepted",
            judge(|row, _| {
                if row::NO_SUCH_USER.contains(&row) {
                    Row::Valid
                } else {
                    row
                }
            }),
        ),
        (
            "tenant-and-user-rows-swapped",
            judge(|row, _| match row {
                Row::NotPrimary => Row::UnknownTenant,
                Row::UnknownTenant => Row::NotPrimary,
                _ => row,
            }),
        ),
    ]
}

/// Row 8: the id of another tenant's user gets a different response than an unknown id.
fn foreign_users() -> Vec<Fault> {
    vec![
        ("foreign-user-accepted", conflate(Row::ForeignUser, Row::Valid)),
        (
            "foreign-user-taken-for-not-primary",
            conflate(Row::ForeignUser, Row::NotPrimary),
        ),
        (
            "foreign-user-revealed-under-the-secondary-tenant",
            judge(|row, scene| match row {
                Row::ForeignUser if row::is(&scene.call.tenant, SECONDARY_TENANT_ID) => Row::NotPrimary,
                _ => row,
            }),
        ),
        ("foreign-user-returns-401", edit(FOREIGN, |a| a.turn_into(401))),
        ("foreign-user-returns-403", edit(FOREIGN, |a| a.turn_into(403))),
        ("foreign-user-returns-409", edit(FOREIGN, |a| a.turn_into(409))),
        ("foreign-user-returns-410", edit(FOREIGN, |a| a.turn_into(410))),
        ("foreign-user-returns-500", edit(FOREIGN, |a| a.turn_into(500))),
    ]
}

/// Row 8: the right status, but the id of another user can be distinguished from an unknown one.
fn foreign_faces() -> Vec<Fault> {
    vec![
        (
            "foreign-user-has-another-message",
            edit(FOREIGN, |a| {
                a.text("message", "User not found in this tenant");
            }),
        ),
        (
            "foreign-user-has-a-message-in-another-case",
            edit(FOREIGN, |a| a.text("message", "Not found")),
        ),
        (
            "foreign-user-has-an-error-code",
            edit(FOREIGN, |a| a.text("errorCode", "UserOfOtherTenant")),
        ),
        (
            "foreign-user-has-an-extra-field",
            edit(FOREIGN, |a| a.raw("retry", "false")),
        ),
        (
            "foreign-user-has-an-extra-header",
            edit(FOREIGN, |a| a.add_header("X-User-Tenants", "1")),
        ),
        (
            "foreign-user-has-an-etag",
            edit(FOREIGN, |a| a.add_header("ETag", "\"5f2c\"")),
        ),
        (
            "foreign-user-has-another-reason-phrase",
            edit(FOREIGN, |a| "User Not Found".clone_into(&mut a.reason)),
        ),
        (
            "foreign-user-has-another-charset-spelling",
            edit(FOREIGN, |a| {
                a.header("Content-Type", "application/json; charset=UTF-8");
            }),
        ),
        (
            "foreign-user-has-another-key-order",
            edit(FOREIGN, |a| {
                a.without("error");
                a.raw("error", "404");
            }),
        ),
        (
            "foreign-user-has-other-white-space",
            edit(FOREIGN, |a| a.rewrite(|json| json.replace("\":", "\": "))),
        ),
        (
            "foreign-user-has-a-final-newline",
            edit(FOREIGN, |a| a.rewrite(|json| json + "\n")),
        ),
        (
            "foreign-user-has-a-coarser-timestamp",
            edit_with(FOREIGN, |a, scene| {
                a.text("timestamp", &scene.now.rfc3339(0));
            }),
        ),
        (
            "foreign-user-has-escapes-in-the-message",
            edit(FOREIGN, |a| a.raw("message", r#""Not\u0020Found""#)),
        ),
        (
            "foreign-user-response-is-chunked",
            edit(FOREIGN, |a| a.framing = Framing::Chunked),
        ),
        (
            "foreign-user-response-closes-the-connection",
            edit(FOREIGN, |a| a.close = true),
        ),
        (
            "foreign-user-has-other-headers-first",
            edit(FOREIGN, |a| a.headers.reverse()),
        ),
    ]
}
