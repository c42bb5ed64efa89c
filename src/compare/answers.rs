//! Two answers to one case side by side. What follows from another difference is none of its own: an answer with another
//! status has another body, one of another media type too.

use std::collections::BTreeSet;

use super::{
    ChangeRule as Rule, Level, body,
    difference::{Difference, Part, Told},
    format::{Format, date_time},
};
use crate::{
    check::{MAX_DECODED, MediaType, ResponseView, Text, status_name},
    exchange::{Answer, Reply},
};

/// Fields of the connection and of framing (RFC 9110 §7.6.1, RFC 9112 §6): they say nothing of the API.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Fields that say something of the one answer, or of what is in front of the API: their values differ each time.
const FLEETING: [&str; 26] = [
    "age",
    "alt-svc",
    "cf-ray",
    "date",
    "etag",
    "expires",
    "last-modified",
    "nel",
    "ratelimit-remaining",
    "ratelimit-reset",
    "report-to",
    "request-id",
    "server",
    "server-timing",
    "set-cookie",
    "traceparent",
    "tracestate",
    "via",
    "x-amzn-requestid",
    "x-cache",
    "x-correlation-id",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-runtime",
    "x-trace-id",
];
/// Fields of which nobody who calls an API makes anything.
const INCIDENTAL: [&str; 10] = [
    "age",
    "alt-svc",
    "cf-ray",
    "nel",
    "report-to",
    "server",
    "server-timing",
    "via",
    "x-powered-by",
    "x-runtime",
];
/// Fields that clients act upon by themselves.
const RELIED_ON: [&str; 15] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-type",
    "etag",
    "link",
    "location",
    "retry-after",
    "set-cookie",
];
/// Fields whose value is a list in which the order means nothing.
const LISTS: [&str; 8] = [
    "accept-ranges",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "content-language",
    "vary",
];

/// What differs.
pub(super) fn differ(a: Told<'_>, b: Told<'_>) -> Vec<Difference> {
    let mut out = Vec::new();
    if a.answer.status != b.answer.status {
        out.push(status(a.answer.status, b.answer.status));
        return out;
    }
    let body = bodies(a, b, &mut out);
    headers(a, b, body, &mut out);
    out
}

/// What differs where one of the replies is no answer.
pub(super) fn replies(a: &Reply, b: &Reply) -> Option<Difference> {
    let text = |reply: &Reply| match reply {
        Reply::Answer(answer) => status_name(answer.status),
        Reply::Malformed(malformed) => malformed.reason.clone(),
        Reply::Failure(failure) => failure.message.clone(),
    };
    let rule = match (a, b) {
        (Reply::Answer(_), Reply::Answer(_))
        | (Reply::Failure(_), Reply::Failure(_))
        | (Reply::Malformed(_), Reply::Malformed(_)) => return None,
        (_, Reply::Failure(_)) => Rule::AnswerLost,
        (Reply::Failure(_), _) => Rule::AnswerFound,
        (_, Reply::Malformed(_)) => Rule::AnswerMalformed,
        (Reply::Malformed(_), _) => Rule::AnswerWellFormed,
    };
    Some(Difference::new(rule, Part::Whole, Some(&text(a)), Some(&text(b))))
}

fn status(a: u16, b: u16) -> Difference {
    let rule = match (a / 100, b / 100) {
        (3, 3) => Rule::StatusRedirectChanged,
        (_, 3) => Rule::StatusToRedirect,
        (3, _) => Rule::StatusFromRedirect,
        (0..=2, 0..=2) => Rule::StatusSuccessChanged,
        (0..=2, _) => Rule::StatusSuccessToError,
        (_, 0..=2) => Rule::StatusErrorToSuccess,
        (4, 5..) => Rule::StatusToServerError,
        (5.., 4) => Rule::StatusFromServerError,
        _ => Rule::StatusErrorChanged,
    };
    let mut difference = Difference::new(rule, Part::Status, Some(&status_name(a)), Some(&status_name(b)));
    // To answer 401 with 403 is not to answer 404 with 403. That everything ends in one fault is one change.
    let is_of_pair = matches!(
        rule,
        Rule::StatusErrorChanged | Rule::StatusSuccessToError | Rule::StatusErrorToSuccess | Rule::StatusSuccessChanged
    );
    if is_of_pair {
        difference.kind = if a < b { format!("{a}/{b}") } else { format!("{b}/{a}") };
    }
    difference
}

/// What became of the body as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// It is there, or is not, on both sides.
    Kept,
    /// It came or went, and its fields with it.
    Other,
}

fn bodies(a: Told<'_>, b: Told<'_>, out: &mut Vec<Difference>) -> Body {
    let (one, other) = (
        ResponseView::new(a.answer, MAX_DECODED),
        ResponseView::new(b.answer, MAX_DECODED),
    );
    let whole = || Part::Body(String::new());
    let has_none = |answer: &Answer| answer.body.is_empty() && answer.excess.is_empty();
    match (has_none(a.answer), has_none(b.answer)) {
        (true, true) => return Body::Kept,
        (false, true) => {
            out.push(Difference::new(Rule::BodyVanished, whole(), Some(&one.shown()), None));
            return Body::Other;
        }
        (true, false) => {
            out.push(Difference::new(Rule::BodyAppeared, whole(), None, Some(&other.shown())));
            return Body::Other;
        }
        (false, false) => {}
    }
    let (kind, other_kind) = (media_type(a.answer), media_type(b.answer));
    if let (Some(kind), Some(other_kind)) = (&kind, &other_kind)
        && kind.essence != other_kind.essence
    {
        return Body::Kept;
    }
    if one.body.bytes() == other.body.bytes() && one.body.is_decoded() == other.body.is_decoded() {
        return Body::Kept;
    }
    let is_json = [&kind, &other_kind]
        .iter()
        .any(|kind| kind.as_ref().is_none_or(MediaType::is_json));
    let read = |view: &'_ ResponseView<'_>| is_json && view.json().is_ok();
    let texts = || (one.shown().into_owned(), other.shown().into_owned());
    let whole_text = |rule| {
        let (text, new) = texts();
        Difference::new(rule, whole(), Some(&text), Some(&new))
    };
    match (read(&one), read(&other)) {
        (true, true) => {
            if let (Ok(value), Ok(new)) = (one.json(), other.json()) {
                body::compare(a, b, value, new, out);
            }
        }
        (true, false) => out.push(whole_text(Rule::BodyNotJson)),
        (false, true) => out.push(whole_text(Rule::BodyBecameJson)),
        (false, false) => {
            let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
            let (text, new) = texts();
            let (text, new) = (plain(&text), plain(&new));
            // Invalid bytes look alike as text.
            let is_text = |view: &ResponseView<'_>| matches!(view.text(), Ok(Text::Valid(_)));
            let differs = !(is_text(&one) && is_text(&other)) && one.bytes() != other.bytes();
            if differs || !a.means(&text, &b, &new) {
                let (text, new) = (a.put_back(&text), b.put_back(&new));
                out.push(Difference::new(Rule::BodyTextChanged, whole(), Some(&text), Some(&new)));
            }
        }
    }
    Body::Kept
}

fn media_type(answer: &Answer) -> Option<MediaType> {
    MediaType::parse(answer.header("content-type").next()?)
}

fn headers(a: Told<'_>, b: Told<'_>, body: Body, out: &mut Vec<Difference>) {
    let names: BTreeSet<String> = (a.answer.headers.iter().chain(&b.answer.headers))
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| !FRAMING.contains(&name.as_str()))
        .filter(|name| body == Body::Kept || !name.starts_with("content-"))
        .collect();
    for name in names {
        let all = |answer: &Answer| answer.header(&name).collect::<Vec<_>>().join(", ");
        let is_there = |answer: &Answer| answer.header(&name).next().is_some();
        let part = Part::Header(name.clone());
        let (before, after) = (all(a.answer), all(b.answer));
        let one_sided = match (is_there(a.answer), is_there(b.answer)) {
            (true, false) => Some(Difference::new(
                Rule::HeaderRemoved,
                part.clone(),
                Some(&a.put_back(&before)),
                None,
            )),
            (false, true) => Some(Difference::new(
                Rule::HeaderAdded,
                part.clone(),
                None,
                Some(&b.put_back(&after)),
            )),
            _ => None,
        };
        if let Some(mut difference) = one_sided {
            if difference.rule == Rule::HeaderRemoved {
                if RELIED_ON.contains(&name.as_str()) {
                    difference.level = Some((Level::Breaking, "clients act upon the field by themselves"));
                } else if INCIDENTAL.contains(&name.as_str()) {
                    difference.level = Some((Level::Info, "the field tells of what serves the API, not of the API"));
                }
            }
            out.push(difference);
        } else if !a.means(&before, &b, &after) {
            values(&name, &before, &after, a, b, out);
        }
    }
}

/// A field with two values.
fn values(name: &str, before: &str, after: &str, a: Told<'_>, b: Told<'_>, out: &mut Vec<Difference>) {
    let part = Part::Header(name.to_owned());
    let (shown, shown_after) = (a.put_back(before), b.put_back(after));
    let new = |rule| Difference::new(rule, part.clone(), Some(&shown), Some(&shown_after));
    let list = |text: &str| -> BTreeSet<String> {
        text.split(',')
            .map(|item| item.trim().to_ascii_lowercase())
            .filter(|item| !item.is_empty())
            .collect()
    };
    if LISTS.contains(&name) && list(before) == list(after) {
        return;
    }
    match name {
        "allow" => {
            let (methods, new_methods) = (list(before), list(after));
            if !methods.is_subset(&new_methods) {
                out.push(new(Rule::HeaderAllowNarrowed));
            }
            if !new_methods.is_subset(&methods) {
                out.push(new(Rule::HeaderAllowWidened));
            }
        }
        "www-authenticate" | "proxy-authenticate" => {
            let mut difference = new(Rule::HeaderChallengeChanged);
            let scheme = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_ascii_lowercase();
            if scheme(before) != scheme(after) {
                difference.level = Some((
                    Level::Breaking,
                    "clients that know the old scheme only cannot authenticate",
                ));
            }
            out.push(difference);
        }
        "content-type" => match (MediaType::parse(before), MediaType::parse(after)) {
            (Some(one), Some(other)) if one.essence != other.essence => out.push(new(Rule::HeaderMediaTypeChanged)),
            (Some(one), Some(other)) => {
                if one.parameters.get("charset") != other.parameters.get("charset") {
                    out.push(new(Rule::HeaderCharsetChanged));
                } else if one != other {
                    let mut difference = new(Rule::HeaderValueChanged);
                    difference.is_fleeting = one.essence.starts_with("multipart/");
                    out.push(difference);
                }
            }
            _ => out.push(new(Rule::HeaderMediaTypeChanged)),
        },
        _ => {
            let mut difference = new(Rule::HeaderValueChanged);
            difference.is_fleeting = FLEETING.contains(&name) || (is_of_one_answer(before) && is_of_one_answer(after));
            out.push(difference);
        }
    }
}

/// Whether a value looks like an id or an instant that no other answer has.
fn is_of_one_answer(text: &str) -> bool {
    let text = text.trim_matches('"');
    let is_hex = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_hex
        || Format::of(text) == Format::Uuid
        || date_time(text).is_some()
        || chrono::DateTime::parse_from_rfc2822(text).is_ok()
}
