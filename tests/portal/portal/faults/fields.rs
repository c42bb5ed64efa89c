//! The fields of the error body: missing, renamed, of another type, of another value. Timestamps have their own file.

use super::{Fault, edit};
use crate::portal::behavior::Behavior;
use crate::portal::row::{self, BAD_REQUEST, NO_SUCH_USER, NOT_FOUND, Row, WITH_BODY, WITHOUT_CODE};

const MALFORMED: &[Row] = &[Row::MalformedTenant];
const NOT_PRIMARY: &[Row] = &[Row::NotPrimary];
const NO_TENANT: &[Row] = &[Row::UnknownTenant];

pub(super) fn all() -> Vec<Fault> {
    [
        one_400_only(),
        one_404_only(),
        error(),
        code(),
        message(),
        message_characters(),
        message_wording(),
        status(),
        extra(),
    ]
    .concat()
}

fn without(rows: &'static [Row], key: &'static str) -> Behavior {
    edit(rows, move |a| a.without(key))
}

fn rename(key: &'static str, new: &'static str) -> Behavior {
    edit(WITH_BODY, move |a| a.rename(key, new))
}

fn raw(rows: &'static [Row], key: &'static str, json: &'static str) -> Behavior {
    edit(rows, move |a| a.raw(key, json))
}

fn text(rows: &'static [Row], key: &'static str, value: &'static str) -> Behavior {
    edit(rows, move |a| a.text(key, value))
}

fn reword(rows: &'static [Row], new: fn(&str) -> String) -> Behavior {
    edit(rows, move |a| a.reword(new))
}

/// The same slips in one row at a time: a suite that looks into the body of one row only misses the others.
fn one_400_only() -> Vec<Fault> {
    vec![
        ("malformed-tenant-without-error", without(MALFORMED, "error")),
        ("malformed-tenant-without-message", without(MALFORMED, "message")),
        ("malformed-tenant-without-status", without(MALFORMED, "status")),
        ("malformed-tenant-without-timestamp", without(MALFORMED, "timestamp")),
        ("malformed-tenant-with-error-404", raw(MALFORMED, "error", "404")),
        (
            "malformed-tenant-with-error-as-string",
            raw(MALFORMED, "error", r#""400""#),
        ),
        ("malformed-tenant-with-status-fail", text(MALFORMED, "status", "fail")),
        ("not-primary-without-error", without(NOT_PRIMARY, "error")),
        ("not-primary-without-message", without(NOT_PRIMARY, "message")),
        ("not-primary-without-status", without(NOT_PRIMARY, "status")),
        ("not-primary-without-timestamp", without(NOT_PRIMARY, "timestamp")),
        ("not-primary-with-error-404", raw(NOT_PRIMARY, "error", "404")),
        (
            "not-primary-with-error-as-string",
            raw(NOT_PRIMARY, "error", r#""400""#),
        ),
        ("not-primary-with-status-fail", text(NOT_PRIMARY, "status", "fail")),
    ]
}

/// As [`one_400_only`], in the rows 7 and 8.
fn one_404_only() -> Vec<Fault> {
    vec![
        ("unknown-tenant-without-error", without(NO_TENANT, "error")),
        ("unknown-tenant-without-message", without(NO_TENANT, "message")),
        ("unknown-tenant-without-status", without(NO_TENANT, "status")),
        ("unknown-tenant-without-timestamp", without(NO_TENANT, "timestamp")),
        ("unknown-tenant-with-error-400", raw(NO_TENANT, "error", "400")),
        (
            "unknown-tenant-with-error-as-string",
            raw(NO_TENANT, "error", r#""404""#),
        ),
        ("unknown-tenant-with-status-fail", text(NO_TENANT, "status", "fail")),
        ("no-such-user-without-error", without(NO_SUCH_USER, "error")),
        ("no-such-user-without-message", without(NO_SUCH_USER, "message")),
        ("no-such-user-without-status", without(NO_SUCH_USER, "status")),
        ("no-such-user-without-timestamp", without(NO_SUCH_USER, "timestamp")),
        ("no-such-user-with-error-400", raw(NO_SUCH_USER, "error", "400")),
        (
            "no-such-user-with-error-as-string",
            raw(NO_SUCH_USER, "error", r#""404""#),
        ),
        ("no-such-user-with-status-fail", text(NO_SUCH_USER, "status", "fail")),
    ]
}

fn error() -> Vec<Fault> {
    vec![
        ("error-missing", without(WITH_BODY, "error")),
        ("error-renamed", rename("error", "code")),
        ("error-key-capitalized", rename("error", "Error")),
        ("error-key-translated", rename("error", "erro")),
        ("error-null", raw(WITH_BODY, "error", "null")),
        (
            "error-as-string",
            edit(WITH_BODY, |a| a.text("error", &a.status.to_string())),
        ),
        (
            "error-with-a-fraction",
            edit(WITH_BODY, |a| a.raw("error", &format!("{}.5", a.status))),
        ),
        ("error-as-boolean", raw(WITH_BODY, "error", "true")),
        (
            "error-as-list",
            edit(WITH_BODY, |a| a.raw("error", &format!("[{}]", a.status))),
        ),
        (
            "error-as-object",
            edit(WITH_BODY, |a| {
                a.raw("error", &format!("{{\"code\":{}}}", a.status));
            }),
        ),
        ("error-as-text", edit(WITH_BODY, |a| a.text("error", &a.reason.clone()))),
        ("error-zero", raw(WITH_BODY, "error", "0")),
        (
            "error-negative",
            edit(WITH_BODY, |a| a.raw("error", &format!("-{}", a.status))),
        ),
        (
            "error-off-by-one",
            edit(WITH_BODY, |a| a.raw("error", &(a.status + 1).to_string())),
        ),
        ("error-is-500", raw(WITH_BODY, "error", "500")),
        ("error-is-always-400", raw(WITH_BODY, "error", "400")),
        ("error-is-always-404", raw(WITH_BODY, "error", "404")),
        (
            "error-with-a-sub-status",
            edit(WITH_BODY, |a| a.raw("error", &format!("{}01", a.status))),
        ),
    ]
}

fn code() -> Vec<Fault> {
    vec![
        ("error-code-missing", without(NOT_PRIMARY, "errorCode")),
        ("error-code-null", raw(NOT_PRIMARY, "errorCode", "null")),
        ("error-code-empty", text(NOT_PRIMARY, "errorCode", "")),
        ("error-code-misspelt", text(NOT_PRIMARY, "errorCode", "TenantNotPrimry")),
        (
            "error-code-in-camel-case",
            text(NOT_PRIMARY, "errorCode", "tenantNotPrimary"),
        ),
        (
            "error-code-in-snake-case",
            text(NOT_PRIMARY, "errorCode", "TENANT_NOT_PRIMARY"),
        ),
        (
            "error-code-with-a-space-behind",
            text(NOT_PRIMARY, "errorCode", "TenantNotPrimary "),
        ),
        (
            "error-code-with-a-prefix",
            text(NOT_PRIMARY, "errorCode", "Portal.TenantNotPrimary"),
        ),
        (
            "error-code-of-another-error",
            text(NOT_PRIMARY, "errorCode", "TenantNotFound"),
        ),
        (
            "error-code-translated",
            text(NOT_PRIMARY, "errorCode", "InquilinoNaoPrimario"),
        ),
        ("error-code-as-number", raw(NOT_PRIMARY, "errorCode", "4006")),
        (
            "error-code-as-list",
            raw(NOT_PRIMARY, "errorCode", r#"["TenantNotPrimary"]"#),
        ),
        ("error-code-key-in-lower-case", rename("errorCode", "errorcode")),
        ("error-code-key-in-snake-case", rename("errorCode", "error_code")),
        ("error-code-key-capitalized", rename("errorCode", "ErrorCode")),
        ("error-code-key-shortened", rename("errorCode", "code")),
        (
            "error-code-not-primary-on-every-row",
            text(WITHOUT_CODE, "errorCode", "TenantNotPrimary"),
        ),
        ("error-code-null-on-other-rows", raw(WITHOUT_CODE, "errorCode", "null")),
        ("error-code-empty-on-other-rows", text(WITHOUT_CODE, "errorCode", "")),
        (
            "error-code-on-malformed-tenant",
            text(MALFORMED, "errorCode", "InvalidTenantId"),
        ),
        (
            "error-code-on-unknown-tenant",
            text(NO_TENANT, "errorCode", "TenantNotFound"),
        ),
        (
            "error-code-on-no-such-user",
            text(NO_SUCH_USER, "errorCode", "UserNotFound"),
        ),
        (
            "error-code-null-on-no-such-user",
            raw(NO_SUCH_USER, "errorCode", "null"),
        ),
    ]
}

fn message() -> Vec<Fault> {
    vec![
        ("message-missing", without(WITH_BODY, "message")),
        ("message-renamed", rename("message", "detail")),
        ("message-key-capitalized", rename("message", "Message")),
        ("message-key-translated", rename("message", "mensagem")),
        ("message-null", raw(WITH_BODY, "message", "null")),
        ("message-empty", text(WITH_BODY, "message", "")),
        ("message-blank", text(WITH_BODY, "message", " ")),
        (
            "message-as-number",
            edit(WITH_BODY, |a| a.raw("message", &a.status.to_string())),
        ),
        (
            "message-as-list",
            edit(WITH_BODY, |a| {
                a.raw("message", &format!("[\"{}\"]", a.reason));
            }),
        ),
        (
            "message-as-object",
            edit(WITH_BODY, |a| {
                a.raw("message", &format!("{{\"en\":\"{}\"}}", a.reason));
            }),
        ),
        ("message-always-not-found", text(WITH_BODY, "message", "Not Found")),
        (
            "message-is-the-reason-phrase-of-400",
            text(BAD_REQUEST, "message", "Bad Request"),
        ),
        (
            "message-without-its-period",
            reword(BAD_REQUEST, |m| m.trim_end_matches('.').to_owned()),
        ),
        ("message-with-a-period-more", reword(NOT_FOUND, |m| format!("{m}."))),
    ]
}

fn message_characters() -> Vec<Fault> {
    vec![
        ("message-with-a-space-behind", reword(WITH_BODY, |m| format!("{m} "))),
        ("message-with-a-space-before", reword(WITH_BODY, |m| format!(" {m}"))),
        (
            "message-with-a-newline-behind",
            reword(WITH_BODY, |m| format!("{m}\r\n")),
        ),
        (
            "message-with-doubled-spaces",
            reword(WITH_BODY, |m| m.replace(' ', "  ")),
        ),
        (
            "message-with-no-break-spaces",
            reword(WITH_BODY, |m| m.replace(' ', "\u{a0}")),
        ),
        (
            "message-with-a-zero-width-space",
            reword(WITH_BODY, |m| format!("\u{200b}{m}")),
        ),
        ("message-in-upper-case", reword(NOT_FOUND, str::to_uppercase)),
        ("message-in-sentence-case", text(NOT_FOUND, "message", "Not found")),
        ("message-with-a-cyrillic-o", reword(NOT_FOUND, |m| m.replace('o', "о"))),
        (
            "message-with-the-status-before",
            edit(WITH_BODY, |a| {
                let status = a.status;
                a.reword(|m| format!("{status} {m}"));
            }),
        ),
    ]
}

fn message_wording() -> Vec<Fault> {
    vec![
        (
            "message-not-found-translated",
            text(NOT_FOUND, "message", "Não encontrado"),
        ),
        (
            "message-malformed-translated",
            reword(MALFORMED, |m| {
                m.replace("The value", "O valor")
                    .replace("is not valid", "não é válido")
            }),
        ),
        (
            "message-not-primary-translated",
            text(
                NOT_PRIMARY,
                "message",
                "Este não é o inquilino principal deste usuário.",
            ),
        ),
        (
            "message-malformed-reworded",
            reword(MALFORMED, |m| m.replace("is not valid", "is invalid")),
        ),
        (
            "message-malformed-names-the-parameter",
            reword(MALFORMED, |m| m.replace("The value", "The tenant id")),
        ),
        (
            "message-not-primary-reworded",
            text(NOT_PRIMARY, "message", "This is not the primary tenant of this User."),
        ),
        (
            "message-not-primary-with-a-small-user",
            text(NOT_PRIMARY, "message", "This is not the primary tenant for this user."),
        ),
        (
            "message-not-primary-names-the-primary",
            reword(NOT_PRIMARY, |m| m.replace("this User", "user 17 of Contoso Ltd")),
        ),
        (
            "message-names-the-tenant-as-missing",
            text(NO_TENANT, "message", "Tenant Not Found"),
        ),
        (
            "message-names-the-user-as-missing",
            text(NO_SUCH_USER, "message", "User Not Found"),
        ),
    ]
}

fn status() -> Vec<Fault> {
    vec![
        ("status-missing", without(WITH_BODY, "status")),
        ("status-renamed", rename("status", "state")),
        ("status-key-capitalized", rename("status", "Status")),
        ("status-null", raw(WITH_BODY, "status", "null")),
        ("status-empty", text(WITH_BODY, "status", "")),
        ("status-translated", text(WITH_BODY, "status", "erro")),
        ("status-capitalized", text(WITH_BODY, "status", "Error")),
        ("status-plural", text(WITH_BODY, "status", "errors")),
        ("status-success", text(WITH_BODY, "status", "success")),
        ("status-with-a-space-behind", text(WITH_BODY, "status", "error ")),
        (
            "status-is-the-reason-phrase",
            edit(WITH_BODY, |a| a.text("status", &a.reason.clone())),
        ),
        (
            "status-as-number",
            edit(WITH_BODY, |a| a.raw("status", &a.status.to_string())),
        ),
        ("status-as-boolean", raw(WITH_BODY, "status", "false")),
        ("status-as-list", raw(WITH_BODY, "status", r#"["error"]"#)),
    ]
}

fn extra() -> Vec<Fault> {
    vec![
        (
            "extra-field-with-a-trace-id",
            text(WITH_BODY, "traceId", "00-4bf92f3577b34da6a3ce929d0e0e4736-00"),
        ),
        ("extra-field-null", raw(WITH_BODY, "details", "null")),
        ("extra-field-empty-list", raw(WITH_BODY, "errors", "[]")),
        (
            "extra-field-with-a-stack",
            text(row::NOT_FOUND, "stackTrace", "   at Portal.Users.Find(Guid id)"),
        ),
        (
            "extra-field-with-the-path",
            text(row::NOT_FOUND, "path", "/api/v1.0/customers"),
        ),
        (
            "every-key-in-upper-case",
            edit(WITH_BODY, |a| {
                for key in ["error", "errorCode", "message", "status", "timestamp"] {
                    a.rename(key, &key.to_uppercase());
                }
            }),
        ),
        (
            "message-and-status-swapped",
            edit(WITH_BODY, |a| {
                a.rename("message", "held");
                a.rename("status", "message");
                a.rename("held", "status");
            }),
        ),
        (
            "not-found-says-not-primary",
            edit(NOT_FOUND, |a| {
                a.text("errorCode", "TenantNotPrimary");
                a.text("message", "This is not the primary tenant for this User.");
            }),
        ),
        (
            "fields-of-success-in-a-not-found",
            edit(NOT_FOUND, |a| {
                a.text("status", "ok");
                a.text("message", "Activation email sent");
            }),
        ),
    ]
}
