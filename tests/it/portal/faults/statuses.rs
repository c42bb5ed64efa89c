//! Right situation, wrong status; the body's `error` follows the status, so that only the status gives it away.

use super::{Fault, edit, hear};
use crate::portal::row::{self, Row};

const VALID: &[Row] = &[Row::Valid];
const NO_TOKEN: &[Row] = &[Row::NoToken];
const INVALID: &[Row] = &[Row::InvalidToken];
const EXPIRED: &[Row] = &[Row::ExpiredToken];
const MALFORMED: &[Row] = &[Row::MalformedTenant];
const NOT_PRIMARY: &[Row] = &[Row::NotPrimary];
const NO_TENANT: &[Row] = &[Row::UnknownTenant];
const NO_USER: &[Row] = row::NO_SUCH_USER;

const TABLE: &[(&str, &[Row], u16)] = &[
    ("valid-answers-200", VALID, 200),
    ("valid-answers-201", VALID, 201),
    ("valid-answers-202", VALID, 202),
    ("valid-answers-203", VALID, 203),
    ("valid-answers-205", VALID, 205),
    ("valid-answers-206", VALID, 206),
    ("valid-answers-304", VALID, 304),
    ("valid-answers-400", VALID, 400),
    ("valid-answers-401", VALID, 401),
    ("valid-answers-403", VALID, 403),
    ("valid-answers-404", VALID, 404),
    ("valid-answers-409", VALID, 409),
    ("valid-answers-500", VALID, 500),
    ("valid-answers-503", VALID, 503),
    ("no-token-answers-200", NO_TOKEN, 200),
    ("no-token-answers-400", NO_TOKEN, 400),
    ("no-token-answers-403", NO_TOKEN, 403),
    ("no-token-answers-404", NO_TOKEN, 404),
    ("no-token-answers-407", NO_TOKEN, 407),
    ("no-token-answers-500", NO_TOKEN, 500),
    ("invalid-token-answers-200", INVALID, 200),
    ("invalid-token-answers-400", INVALID, 400),
    ("invalid-token-answers-403", INVALID, 403),
    ("invalid-token-answers-404", INVALID, 404),
    ("invalid-token-answers-500", INVALID, 500),
    ("expired-token-answers-200", EXPIRED, 200),
    ("expired-token-answers-400", EXPIRED, 400),
    ("expired-token-answers-403", EXPIRED, 403),
    ("expired-token-answers-404", EXPIRED, 404),
    ("expired-token-answers-419", EXPIRED, 419),
    ("expired-token-answers-498", EXPIRED, 498),
    ("expired-token-answers-500", EXPIRED, 500),
    ("malformed-tenant-answers-200", MALFORMED, 200),
    ("malformed-tenant-answers-204", MALFORMED, 204),
    ("malformed-tenant-answers-401", MALFORMED, 401),
    ("malformed-tenant-answers-404", MALFORMED, 404),
    ("malformed-tenant-answers-409", MALFORMED, 409),
    ("malformed-tenant-answers-422", MALFORMED, 422),
    ("malformed-tenant-answers-500", MALFORMED, 500),
    ("not-primary-answers-200", NOT_PRIMARY, 200),
    ("not-primary-answers-403", NOT_PRIMARY, 403),
    ("not-primary-answers-404", NOT_PRIMARY, 404),
    ("not-primary-answers-409", NOT_PRIMARY, 409),
    ("not-primary-answers-422", NOT_PRIMARY, 422),
    ("not-primary-answers-500", NOT_PRIMARY, 500),
    ("unknown-tenant-answers-200", NO_TENANT, 200),
    ("unknown-tenant-answers-400", NO_TENANT, 400),
    ("unknown-tenant-answers-401", NO_TENANT, 401),
    ("unknown-tenant-answers-403", NO_TENANT, 403),
    ("unknown-tenant-answers-410", NO_TENANT, 410),
    ("unknown-tenant-answers-500", NO_TENANT, 500),
    ("no-such-user-answers-200", NO_USER, 200),
    ("no-such-user-answers-400", NO_USER, 400),
    ("no-such-user-answers-403", NO_USER, 403),
    ("no-such-user-answers-410", NO_USER, 410),
    ("no-such-user-answers-422", NO_USER, 422),
    ("no-such-user-answers-500", NO_USER, 500),
    ("unknown-user-answers-403", &[Row::UnknownUser], 403),
    ("unknown-user-answers-410", &[Row::UnknownUser], 410),
];

/// The redirects in place of an answer.
const REDIRECTS: &[(&str, &[Row], u16, &str)] = &[
    ("valid-redirects-301", VALID, 301, "/api/v2.0/activations"),
    ("valid-redirects-302", VALID, 302, "/api/v2.0/activations"),
    ("valid-redirects-303", VALID, 303, "/api/v2.0/activations"),
    ("valid-redirects-307", VALID, 307, "/api/v2.0/activations"),
    ("valid-redirects-308", VALID, 308, "/api/v2.0/activations"),
    ("no-token-redirects-to-login", NO_TOKEN, 302, "/login"),
    ("invalid-token-redirects-to-login", INVALID, 302, "/login"),
    ("expired-token-redirects-to-login", EXPIRED, 302, "/login?expired=true"),
    ("malformed-tenant-redirects", MALFORMED, 302, "/error/400"),
    ("not-primary-redirects", NOT_PRIMARY, 307, "/api/v1.0/customers"),
    ("not-found-redirects", row::NOT_FOUND, 302, "/error/404"),
];

pub(super) fn all() -> Vec<Fault> {
    let statuses = TABLE
        .iter()
        .map(|&(name, rows, status)| (name, edit(rows, move |a| a.turn_into(status))));
    let redirects = REDIRECTS
        .iter()
        .map(|&(name, rows, status, to)| (name, edit(rows, move |a| a.redirect(status, to))));
    // The target answers: a client that follows the redirect sees nothing wrong.
    let slash = hear(|call| {
        let path = call.path.clone();
        call.route(path.strip_suffix('/').unwrap_or(&path));
    })
    .edit_with(row::CONTRACT, |answer, scene| {
        if !scene.call.path.ends_with('/') {
            answer.redirect(308, &format!("{}/", scene.call.path));
        }
    });
    statuses
        .chain(redirects)
        .chain([("every-path-redirects-to-a-trailing-slash", slash)])
        .collect()
}
