//! Tenant ids checked too little, too rashly, or repeated wrongly in the message.

use super::{Fault, crash, edit_with, hear, judge};
use crate::portal::behavior::Behavior;
use crate::portal::call::{Call, decode};
use crate::portal::guid;
use crate::portal::row::Row;

const MALFORMED: &[Row] = &[Row::MalformedTenant];

pub(super) fn all() -> Vec<Fault> {
    [parts(), lax(), crashes(), echoes(), wordings()].concat()
}

/// A portal whose check lets an id pass where `passes` says so; no customer has it, so it returns 404.
fn let_pass(passes: impl Fn(&str) -> bool + Send + Sync + 'static) -> Behavior {
    judge(move |row, scene| match row {
        Row::MalformedTenant if passes(&scene.call.tenant) => Row::UnknownTenant,
        _ => row,
    })
}

/// A portal that takes a part of a malformed id for the id, if the part is a GUID.
fn take_part(part: impl Fn(&str) -> Option<&str> + Send + Sync + 'static) -> Behavior {
    hear(move |call| {
        if guid::parse(&call.tenant).is_none()
            && let Some(found) = part(&call.tenant).filter(|found| guid::parse_d(found).is_some())
        {
            call.tenant = found.to_owned();
        }
    })
}

fn is_hex(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Whether every hyphen is in its place and `digit` is true for every other character.
fn shaped(text: &str, digit: fn(char) -> bool) -> bool {
    let locations = [8, 13, 18, 23];
    text.chars().count() == 36
        && text
            .chars()
            .enumerate()
            .all(|(i, c)| if locations.contains(&i) { c == '-' } else { digit(c) })
}

fn parts() -> Vec<Fault> {
    vec![
        (
            "accepts-37-characters",
            take_part(|id| if id.len() == 37 { id.get(..36) } else { None }),
        ),
        ("near-guid-of-37-characters-not-found", let_pass(|id| id.len() == 37)),
        ("accepts-garbage-behind-a-guid", take_part(|id| id.get(..36))),
        (
            "accepts-garbage-before-a-guid",
            take_part(|id| id.get(id.len().checked_sub(36)?..)),
        ),
        (
            "accepts-bytes-behind-nul",
            take_part(|id| id.split_once('\0').map(|(before, _)| before)),
        ),
        (
            "accepts-mismatched-brackets",
            take_part(|id| Some(id.trim_matches(['{', '}', '(', ')']))),
        ),
        (
            "accepts-quoted-ids",
            take_part(|id| id.strip_prefix('"')?.strip_suffix('"')),
        ),
        (
            "accepts-path-parameters",
            take_part(|id| id.split_once(';').map(|(before, _)| before)),
        ),
    ]
}

fn lax() -> Vec<Fault> {
    vec![
        (
            "accepts-too-short-ids",
            let_pass(|id| id.len() < 36 && guid::parse_d(&format!("{id:0<36}")).is_some()),
        ),
        (
            "accepts-a-non-hex-digit",
            let_pass(|id| shaped(id, |c| c.is_ascii_alphanumeric())),
        ),
        (
            "accepts-a-moved-hyphen",
            let_pass(|id| id.len() == 36 && is_hex(&id.replace('-', ""))),
        ),
        (
            "accepts-any-number-of-hyphens",
            let_pass(|id| is_hex(&id.replace('-', "")) && id.replace('-', "").len() == 32),
        ),
        (
            "accepts-other-separators",
            let_pass(|id| shaped(&id.replace(['_', '.', ':', ' '], "-"), |c| c.is_ascii_hexdigit())),
        ),
        (
            "accepts-non-ascii-digits",
            let_pass(|id| shaped(id, |c| c.is_ascii_hexdigit() || c.is_numeric())),
        ),
        (
            "accepts-non-ascii-hyphens",
            let_pass(|id| {
                shaped(&id.replace(['\u{2010}', '\u{2013}', '\u{2014}'], "-"), |c| {
                    c.is_ascii_hexdigit()
                })
            }),
        ),
        ("checks-only-the-length", let_pass(|id| id.chars().count() == 36)),
        (
            "checks-only-the-character-set",
            let_pass(|id| !id.is_empty() && is_hex(&id.replace('-', ""))),
        ),
        (
            "checks-only-the-number-of-groups",
            let_pass(|id| id.split('-').count() == 5),
        ),
        ("checks-only-for-blank-ids", let_pass(|id| !id.trim().is_empty())),
        ("checks-nothing-of-the-id", let_pass(|_| true)),
        ("accepts-numbers-as-ids", let_pass(|id| id.parse::<u64>().is_ok())),
        (
            "plain-words-not-found",
            let_pass(|id| !id.is_empty() && !id.contains(|c: char| c.is_ascii_digit())),
        ),
        ("short-ids-not-found", let_pass(|id| (1..8).contains(&id.len()))),
        ("long-ids-not-found", let_pass(|id| id.len() > 64)),
        ("ids-with-non-ascii-not-found", let_pass(|id| !id.is_ascii())),
    ]
}

/// A portal that falls over malformed ids where `fails` says so.
fn crash_on(fails: impl Fn(&Call) -> bool + Send + Sync + 'static) -> Behavior {
    crash(MALFORMED, move |scene| fails(scene.call))
}

fn crashes() -> Vec<Fault> {
    vec![
        ("crashes-on-non-ascii-ids", crash_on(|call| !call.tenant.is_ascii())),
        (
            "crashes-on-ids-beyond-the-basic-plane",
            crash_on(|call| call.tenant.chars().any(|c| c > '\u{ffff}')),
        ),
        ("crashes-on-long-ids", crash_on(|call| call.tenant.len() > 255)),
        (
            "crashes-on-percent-encoded-ids",
            crash_on(|call| call.raw_tenant.contains('%')),
        ),
        ("crashes-on-apostrophes", crash_on(|call| call.tenant.contains('\''))),
        ("crashes-on-quotation-marks", crash_on(|call| call.tenant.contains('"'))),
        ("crashes-on-backslashes", crash_on(|call| call.tenant.contains('\\'))),
        ("crashes-on-markup", crash_on(|call| call.tenant.contains('<'))),
        (
            "crashes-on-control-characters",
            crash_on(|call| call.tenant.contains(|c: char| c.is_ascii_control())),
        ),
        ("crashes-on-an-empty-id", crash_on(|call| call.tenant.is_empty())),
        (
            "crashes-on-a-blank-id",
            crash_on(|call| !call.tenant.is_empty() && call.tenant.trim().is_empty()),
        ),
        (
            "crashes-on-numbers",
            crash_on(|call| call.tenant.parse::<u64>().is_ok()),
        ),
        (
            "crashes-on-format-specifiers",
            crash_on(|call| call.tenant.contains("{0}")),
        ),
        (
            "crashes-on-37-characters",
            crash_on(|call| call.tenant.chars().count() == 37),
        ),
    ]
}

/// A portal that repeats the id as `repeat` makes it.
fn echo(repeat: impl Fn(&Call) -> String + Send + Sync + 'static) -> Behavior {
    hear(move |call| call.echo = repeat(call))
}

/// A portal that words the message about an id as `word` does.
fn word(word: impl Fn(&Call) -> String + Send + Sync + 'static) -> Behavior {
    edit_with(MALFORMED, move |response, scene| {
        response.text("message", &word(scene.call));
    })
}

fn echoes() -> Vec<Fault> {
    vec![
        (
            "decodes-ids-twice",
            hear(|call| {
                call.tenant = decode(&call.tenant);
                call.echo.clone_from(&call.tenant);
            }),
        ),
        ("repeats-the-id-undecoded", echo(|call| call.raw_tenant.clone())),
        (
            "repeats-plus-signs-as-spaces",
            echo(|call| decode(&call.raw_tenant.replace('+', " "))),
        ),
        ("repeats-the-id-in-lower-case", echo(|call| call.tenant.to_lowercase())),
        ("repeats-the-id-in-upper-case", echo(|call| call.tenant.to_uppercase())),
        (
            "repeats-the-id-cut-to-36-characters",
            echo(|call| call.tenant.chars().take(36).collect()),
        ),
        (
            "repeats-the-id-cut-to-100-characters",
            echo(|call| call.tenant.chars().take(100).collect()),
        ),
        ("repeats-the-id-trimmed", echo(|call| call.tenant.trim().to_owned())),
        (
            "repeats-the-id-without-hyphens",
            echo(|call| call.tenant.replace('-', "")),
        ),
        ("repeats-the-id-html-escaped", echo(|call| html(&call.tenant))),
        (
            "repeats-the-id-with-doubled-backslashes",
            echo(|call| call.tenant.replace('\\', "\\\\")),
        ),
        (
            "repeats-the-id-with-question-marks",
            echo(|call| call.tenant.replace(|c: char| !c.is_ascii(), "?")),
        ),
        (
            "repeats-the-id-as-latin-1",
            echo(|call| call.tenant.bytes().map(char::from).collect()),
        ),
        (
            "repeats-the-id-without-control-characters",
            echo(|call| call.tenant.replace(|c: char| c.is_control(), "")),
        ),
        ("repeats-the-user-id", echo(|call| call.user.clone())),
        (
            "repeats-a-masked-id",
            echo(|call| "*".repeat(call.tenant.chars().count())),
        ),
        ("repeats-an-empty-id", echo(|_| String::new())),
        ("repeats-null-for-the-id", echo(|_| "null".to_owned())),
        ("repeats-the-placeholder-for-the-id", echo(|_| "{0}".to_owned())),
        (
            "repeats-the-parameter-name-for-the-id",
            echo(|_| "customerTenantId".to_owned()),
        ),
    ]
}

fn wordings() -> Vec<Fault> {
    vec![
        (
            "repeats-the-id-without-quotes",
            word(|call| format!("The value {} is not valid.", call.tenant)),
        ),
        (
            "repeats-the-id-in-double-quotes",
            word(|call| format!("The value \"{}\" is not valid.", call.tenant)),
        ),
        (
            "repeats-the-id-in-typographic-quotes",
            word(|call| format!("The value ‘{}’ is not valid.", call.tenant)),
        ),
        ("does-not-repeat-the-id", word(|_| "The value is not valid.".to_owned())),
        (
            "repeats-the-id-without-json-escapes",
            edit_with(MALFORMED, |response, scene| {
                let message = format!("\"The value '{}' is not valid.\"", scene.call.tenant);
                response.raw("message", &message);
            }),
        ),
        (
            "says-not-primary-where-the-id-is-malformed",
            word(|_| "This is not the primary tenant for this User.".to_owned()),
        ),
        (
            "says-malformed-where-the-id-is-not-primary",
            edit_with(&[Row::NotPrimary], |response, scene| {
                response.text("message", &format!("The value '{}' is not valid.", scene.call.tenant));
            }),
        ),
        (
            "repeats-the-user-id-as-well",
            word(|call| format!("The value '{}' is not valid for user '{}'.", call.tenant, call.user)),
        ),
    ]
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
