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
    ("valid-returns-200", VALID, 200),
    ("valid-returns-201", VALID, 201),
    ("valid-returns-202", VALID, 202),
    ("valid-returns-203", VALID, 203),
    ("valid-returns-205", VALID, 205),
    ("valid-returns-206", VALID, 206),
    ("valid-returns-304", VALID, 304),
    ("valid-returns-400", VALID, 400),
    ("valid-returns-401", VALID, 401),
    ("valid-returns-403", VALID, 403),
    ("valid-returns-404", VALID, 404),
    ("valid-returns-409", VALID, 409),
    ("valid-returns-500", VALID, 500),
    ("valid-returns-503", VALID, 503),
    ("no-token-returns-200", NO_TOKEN, 200),
    ("no-token-returns-400", NO_TOKEN, 400),
    ("no-token-returns-403", NO_TOKEN, 403),
    ("no-token-returns-404", NO_TOKEN, 404),
    ("no-token-returns-407", NO_TOKEN, 407),
    ("no-token-returns-500", NO_TOKEN, 500),
    ("invalid-token-returns-200", INVALID, 200),
    ("invalid-token-returns-400", INVALID, 400),
    ("invalid-token-returns-403", INVALID, 403),
    ("invalid-token-returns-404", INVALID, 404),
    ("invalid-token-returns-500", INVALID, 500),
    ("expired-token-returns-200", EXPIRED, 200),
    ("expired-token-returns-400", EXPIRED, 400),
    ("expired-token-returns-403", EXPIRED, 403),
    ("expired-token-returns-404", EXPIRED, 404),
    ("expired-token-returns-419", EXPIRED, 419),
    ("expired-token-returns-498", EXPIRED, 498),
    ("expired-token-returns-500", EXPIRED, 500),
    ("malformed-tenant-returns-200", MALFORMED, 200),
    ("malformed-tenant-returns-204", MALFORMED, 204),
    ("malformed-tenant-returns-401", MALFORMED, 401),
    ("malformed-tenant-returns-404", MALFORMED, 404),
    ("malformed-tenant-returns-409", MALFORMED, 409),
    ("malformed-tenant-returns-422", MALFORMED, 422),
    ("malformed-tenant-returns-500", MALFORMED, 500),
    ("not-primary-returns-200", NOT_PRIMARY, 200),
    ("not-primary-returns-403", NOT_PRIMARY, 403),
    ("not-primary-returns-404", NOT_PRIMARY, 404),
    ("not-primary-returns-409", NOT_PRIMARY, 409),
    ("not-primary-returns-422", NOT_PRIMARY, 422),
    ("not-primary-returns-500", NOT_PRIMARY, 500),
    ("unknown-tenant-returns-200", NO_TENANT, 200),
    ("unknown-tenant-returns-400", NO_TENANT, 400),
    ("unknown-tenant-returns-401", NO_TENANT, 401),
    ("unknown-tenant-returns-403", NO_TENANT, 403),
    ("unknown-tenant-returns-410", NO_TENANT, 410),
    ("unknown-tenant-returns-500", NO_TENANT, 500),
    ("no-such-user-returns-200", NO_USER, 200),
    ("no-such-user-returns-400", NO_USER, 400),
    ("no-such-user-returns-403", NO_USER, 403),
    ("no-such-user-returns-410", NO_USER, 410),
    ("no-such-user-returns-422", NO_USER, 422),
    ("no-such-user-returns-500", NO_USER, 500),
    ("unknown-user-returns-403", &[Row::UnknownUser], 403),
    ("unknown-user-returns-410", &[Row::UnknownUser], 410),
];

/// The redirects in place of a response.
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
    // The target responds: a client that follows the redirect sees nothing wrong.
    let slash = hear(|call| {
        let path = call.path.clone();
        call.route(path.strip_suffix('/').unwrap_or(&path));
    })
    .edit_with(row::CONTRACT, |response, scene| {
        if !scene.call.path.ends_with('/') {
            response.redirect(308, &format!("{}/", scene.call.path));
        }
    });
    statuses
        .chain(redirects)
        .chain([("every-path-redirects-to-a-trailing-slash", slash)])
        .collect()
}
