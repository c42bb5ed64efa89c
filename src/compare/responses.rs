//! The differences of two responses to one case. Consequences of a difference are not reported: a response with a
//! different status or media type also has a different body.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    ChangeLevel, ChangeRule as Rule,
    body::{self, ASSIGNED, CREATED, GENERATED},
    cookies,
    difference::{ChangedPart, Difference, ResponseWithVariables},
    format::{TextFormat, instant},
    mail,
    text::is_only_generated,
    values::is_of_its_time,
};
use crate::{
    check::{MAX_DECODED, MediaType, ResponseView, fields, status_name},
    model::{Outcome, Response, field_shown},
};

/// Whether a value, as baseline and candidate have it, was assigned by the servers.
pub(super) type Assigned<'a> = &'a dyn Fn(Role<'_>, &str, &str) -> bool;

/// The kind of a value, by its location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role<'n> {
    /// An identifier by its name.
    Identifier {
        /// The name, or a sign that precedes identifiers.
        name: &'n str,
        /// Whether the response is that of the creation of a resource.
        is_created: bool,
    },
    /// Any value.
    Any {
        /// The name of its property, or what precedes it in a text.
        name: &'n str,
    },
}

impl<'n> Role<'n> {
    pub(super) fn of_identifier(name: &'n str, response: &Response) -> Self {
        Self::Identifier {
            name,
            is_created: response.status == CREATED,
        }
    }
}

/// How two responses are compared.
#[derive(Clone, Copy)]
pub(super) struct ResponseComparison<'h> {
    /// Why the suite declares the value of a part as volatile. The pointer into a body is that of the baseline, with the
    /// indexes of items.
    pub(super) volatile: &'h dyn Fn(&ChangedPart) -> Option<&'static str>,
    /// Whether edits of the body are kept.
    pub(super) with_edits: bool,
    /// Whether the server assigned a value of the baseline, so that it differs each time.
    pub(super) assigned: Assigned<'h>,
}

/// What differs.
pub(super) fn differ(
    a: ResponseWithVariables<'_>,
    b: ResponseWithVariables<'_>,
    how: ResponseComparison<'_>,
) -> Vec<Difference> {
    let mut out = Vec::new();
    if a.response.status != b.response.status {
        out.push(status(a.response.status, b.response.status));
        return out;
    }
    let body = bodies(a, b, how, &mut out);
    let before = out.len();
    headers(a, b, body, how, &mut out);
    cookies::compare(a.response, b.response, &mut out);
    for difference in &mut out[before..] {
        if difference.noise.is_none() && difference.rule.is_of_value() {
            difference.noise = (how.volatile)(&difference.part);
        }
    }
    redirect_text(a, b, &mut out);
    out
}

/// The text of a redirect contains its `Location`: a difference in that only is not reported again.
fn redirect_text(a: ResponseWithVariables<'_>, b: ResponseWithVariables<'_>, out: &mut Vec<Difference>) {
    let Some(at) = out.iter().position(|one| one.rule == Rule::BodyTextChanged) else {
        return;
    };
    let is_location = |one: &&Difference| {
        one.rule == Rule::HeaderValueChanged && matches!(&one.part, ChangedPart::Header(name) if name == "location")
    };
    let Some(noise) = out.iter().find(is_location).map(|one| one.noise) else {
        return;
    };
    let view = |with_variables: ResponseWithVariables<'_>| {
        ResponseView::new(with_variables.response, MAX_DECODED)
            .shown()
            .into_owned()
    };
    if !a.means(&relocated(&view(a), a.response, b.response), &b, &view(b)) {
        return;
    }
    match noise {
        None => drop(out.remove(at)),
        Some(source) => out[at].noise = Some(source),
    }
}

/// A text of the first response with the `Location` of the second, as plain text and escaped for HTML.
pub(super) fn relocated(text: &str, a: &Response, b: &Response) -> String {
    let (Some(old), Some(new)) = (a.header("location").next(), b.header("location").next()) else {
        return text.to_owned();
    };
    if old.is_empty() {
        return text.to_owned();
    }
    let escaped = |url: &str| url.replace('&', "&amp;");
    let (html, new_html) = (escaped(old), escaped(new));
    if html == old || !text.contains(&html) {
        text.replace(old, new)
    } else {
        text.replace(&html, &new_html)
    }
}

/// The difference if at least one side has no valid response.
pub(super) fn without_response(a: &Outcome, b: &Outcome) -> Option<Difference> {
    let text = |outcome: &Outcome| match outcome {
        Outcome::Response(response) => status_name(response.status),
        Outcome::Malformed(malformed) => malformed.reason.clone(),
        Outcome::Failure(failure) => failure.message.clone(),
    };
    let rule = match (a, b) {
        (Outcome::Response(_), Outcome::Response(_))
        | (Outcome::Failure(_), Outcome::Failure(_))
        | (Outcome::Malformed(_), Outcome::Malformed(_)) => return None,
        (_, Outcome::Failure(_)) => Rule::ResponseLost,
        (Outcome::Failure(_), _) => Rule::ResponseFound,
        (_, Outcome::Malformed(_)) => Rule::ResponseMalformed,
        (Outcome::Malformed(_), _) => Rule::ResponseWellFormed,
    };
    Some(Difference::new(
        rule,
        ChangedPart::Whole,
        Some(&text(a)),
        Some(&text(b)),
    ))
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
    let mut difference = Difference::new(rule, ChangedPart::Status, Some(&status_name(a)), Some(&status_name(b)));
    if rule == Rule::StatusErrorToSuccess && a >= 500 {
        difference.level = Some((ChangeLevel::Info, "the server no longer fails to process the request"));
    }
    // A change from 401 to 403 differs from one from 404 to 403. Changes to the same server error are one change.
    let is_of_pair = matches!(
        rule,
        Rule::StatusErrorChanged | Rule::StatusSuccessToError | Rule::StatusErrorToSuccess | Rule::StatusSuccessChanged
    );
    if is_of_pair {
        difference.kind = if a < b { format!("{a}/{b}") } else { format!("{b}/{a}") };
    }
    difference
}

/// The change of the body as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// It is present, or absent, on both sides.
    Kept,
    /// It was added or removed, with its header fields.
    Other,
}

fn bodies(
    a: ResponseWithVariables<'_>,
    b: ResponseWithVariables<'_>,
    how: ResponseComparison<'_>,
    out: &mut Vec<Difference>,
) -> Body {
    let (one, other) = (
        ResponseView::new(a.response, MAX_DECODED),
        ResponseView::new(b.response, MAX_DECODED),
    );
    let whole = || ChangedPart::Body(String::new());
    let has_none = |response: &Response| response.body.is_empty() && response.excess.is_empty();
    match (has_none(a.response), has_none(b.response)) {
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
    let (kind, other_kind) = (media_type(a.response), media_type(b.response));
    if let (Some(kind), Some(other_kind)) = (&kind, &other_kind)
        && kind.essence != other_kind.essence
        && !(kind.is_json() && other_kind.is_json())
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
                json_bodies((a, b), (value, new), how, out);
            }
        }
        (true, false) => out.push(whole_text(Rule::BodyNotJson)),
        (false, true) => out.push(whole_text(Rule::BodyBecameJson)),
        (false, false) => {
            let (text, new) = texts();
            // Invalid bytes look alike as text.
            let is_text = |view: &ResponseView<'_>| view.text().is_ok_and(|text| text.content.is_ok());
            let differs = !(is_text(&one) && is_text(&other)) && one.bytes() != other.bytes();
            if differs || !a.means(&text, &b, &new) {
                let (text, new) = (a.substitute_names(&text), b.substitute_names(&new));
                let mut difference = Difference::new(Rule::BodyTextChanged, whole(), Some(&text), Some(&new));
                if text.split_whitespace().eq(new.split_whitespace()) {
                    let reason = "only whitespace differs, such as line endings; line-based parsers can be affected";
                    difference.level = Some((ChangeLevel::Warning, reason));
                } else if is_only_generated((&a, &text), (&b, &new), how.assigned) {
                    difference.noise = Some(GENERATED);
                }
                out.push(difference);
            }
        }
    }
    Body::Kept
}

fn media_type(response: &Response) -> Option<MediaType> {
    MediaType::parse(response.header("content-type").next()?)
}

fn headers(
    a: ResponseWithVariables<'_>,
    b: ResponseWithVariables<'_>,
    body: Body,
    how: ResponseComparison<'_>,
    out: &mut Vec<Difference>,
) {
    let names: BTreeSet<String> = (a.response.field_names().chain(b.response.field_names()))
        .filter(|name| !fields::is_framing(name) && name != "set-cookie")
        .filter(|name| body == Body::Kept || !name.starts_with("content-"))
        .collect();
    for name in names {
        let all = |response: &Response| response.header(&name).collect::<Vec<_>>().join(", ");
        // A list without items means what its absence means (RFC 9110 section 5.6.1), but for a resource without methods.
        let is_list = (fields::is_list(&name) || name == "link") && name != "allow";
        let is_there = |response: &Response| {
            response
                .header(&name)
                .any(|value| !(is_list && items(value).is_empty()))
        };
        let part = ChangedPart::Header(name.clone());
        let (before, after) = (all(a.response), all(b.response));
        match (is_there(a.response), is_there(b.response)) {
            (true, false) => {
                let mut gone = Difference::new(
                    Rule::HeaderRemoved,
                    part,
                    Some(&field_shown(&a.substitute_names(&before))),
                    None,
                );
                if fields::is_relied_on(&name) {
                    gone.level = Some((ChangeLevel::Breaking, "clients depend on this field"));
                } else if fields::is_of_server(&name) {
                    gone.level = Some((ChangeLevel::Info, OF_SERVER));
                }
                out.push(gone);
            }
            (false, true) => {
                let new = Difference::new(
                    Rule::HeaderAdded,
                    part,
                    None,
                    Some(&field_shown(&b.substitute_names(&after))),
                );
                out.push(new);
            }
            (false, false) => {}
            _ if a.means(&before, &b, &after) => {}
            // It differs only if the responses were sent in different seconds.
            _ if name == "date" && lines(&name, a.response) == lines(&name, b.response) => {}
            _ => values(&name, (&before, &after), (a, b), how, out),
        }
    }
}

/// How many lines of a field a response has.
fn lines(name: &str, response: &Response) -> usize {
    response.header(name).count()
}

fn json_bodies(
    (a, b): (ResponseWithVariables<'_>, ResponseWithVariables<'_>),
    (value, new): (&serde_json::Value, &serde_json::Value),
    how: ResponseComparison<'_>,
    out: &mut Vec<Difference>,
) {
    let volatile = |pointer: &str| (how.volatile)(&ChangedPart::Body(pointer.to_owned()));
    let how = body::BodyComparison {
        a,
        b,
        volatile: &volatile,
        with_edits: how.with_edits,
        assigned: how.assigned,
    };
    if mail::is_mail(a.response) && mail::is_mail(b.response) {
        body::compare(how, &mail::comparable(value), &mail::comparable(new), out);
    } else {
        body::compare(how, value, new, out);
    }
}

/// The reason why a change of such a field is at most info.
const OF_SERVER: &str = "the field is about the server's software, not about the API";

/// The reason why the value of a validator is noise.
const VALIDATOR: &str = "the value identifies one state of the content";

/// A field with two values.
fn values(
    name: &str,
    (before, after): (&str, &str),
    (a, b): (ResponseWithVariables<'_>, ResponseWithVariables<'_>),
    how: ResponseComparison<'_>,
    out: &mut Vec<Difference>,
) {
    let part = ChangedPart::Header(name.to_owned());
    let (shown, shown_after) = (a.substitute_names(before), b.substitute_names(after));
    let new = |rule| {
        Difference::new(
            rule,
            part.clone(),
            Some(&field_shown(&shown)),
            Some(&field_shown(&shown_after)),
        )
    };
    let list = |text: &str| -> BTreeSet<String> { items(text).into_iter().collect() };
    let (items, new_items) = (list(&shown), list(&shown_after));
    if fields::is_list(name) && items == new_items {
        return;
    }
    match name {
        _ if fields::is_offer(name) => {
            let is_any = |items: &BTreeSet<String>| items.contains("*");
            if !items.is_subset(&new_items) && !is_any(&new_items) {
                out.push(new(Rule::HeaderAllowNarrowed));
            }
            if !new_items.is_subset(&items) && !is_any(&items) {
                out.push(new(Rule::HeaderAllowWidened));
            }
        }
        "vary" => {
            let mut difference = new(Rule::HeaderValueChanged);
            if items.is_subset(&new_items) {
                difference.level = Some((ChangeLevel::Info, "caches keep more responses apart"));
            }
            out.push(difference);
        }
        "access-control-allow-origin" => {
            let mut difference = new(Rule::HeaderValueChanged);
            if before == "*" {
                difference.level = Some((
                    ChangeLevel::Breaking,
                    "browser clients of other origins are no longer allowed",
                ));
            }
            out.push(difference);
        }
        "etag" if before.starts_with("W/") != after.starts_with("W/") => {
            let mut difference = new(Rule::HeaderValueChanged);
            let reason = "a weak validator was strong, or vice versa; few clients depend on it";
            difference.level = Some((ChangeLevel::Info, reason));
            out.push(difference);
        }
        "www-authenticate" | "proxy-authenticate" => {
            out.push(challenge(new(Rule::HeaderChallengeChanged), before, after));
        }
        "content-type" => media_types(before, after, &new, out),
        _ => {
            let mut difference = new(Rule::HeaderValueChanged);
            weigh(
                &mut difference,
                (name, before, after),
                (&shown, &shown_after),
                (&a, &b),
                how,
            );
            out.push(difference);
        }
    }
}

/// A changed challenge of an authentication scheme.
fn challenge(mut difference: Difference, before: &str, after: &str) -> Difference {
    let scheme = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_ascii_lowercase();
    if scheme(before) != scheme(after) {
        difference.level = Some((
            ChangeLevel::Breaking,
            "clients that know only the old scheme cannot authenticate",
        ));
    } else if unquoted(before) == unquoted(after) {
        let reason = "the same challenge with and without quotes; a strict parser can fail at one of them";
        difference.level = Some((ChangeLevel::Warning, reason));
    }
    difference
}

/// Changes of a media type: the type itself, its charset, and its other parameters.
fn media_types(before: &str, after: &str, new: &dyn Fn(Rule) -> Difference, out: &mut Vec<Difference>) {
    match (MediaType::parse(before), MediaType::parse(after)) {
        (Some(one), Some(other)) if one.essence != other.essence => out.push(new(Rule::HeaderMediaTypeChanged)),
        (Some(one), Some(other)) => {
            let charset = |kind: &MediaType| kind.parameters.get("charset").cloned();
            let without = |kind: &MediaType| {
                let mut parameters = kind.parameters.clone();
                parameters.remove("charset");
                parameters
            };
            if charset(&one) != charset(&other) {
                let mut difference = new(Rule::HeaderCharsetChanged);
                // UTF-8 is the only encoding of JSON, and the default of its parsers (RFC 8259 section 8.1).
                let is_utf8 = |charset: Option<String>| charset.is_none_or(|charset| charset == "utf-8");
                if one.is_json() && is_utf8(charset(&one)) && is_utf8(charset(&other)) {
                    difference.level = Some((ChangeLevel::Info, "JSON is UTF-8 with this parameter and without it"));
                }
                out.push(difference);
            }
            if without(&one) != without(&other) {
                let mut difference = new(Rule::HeaderValueChanged);
                difference.noise = one.essence.starts_with("multipart/").then_some(GENERATED);
                out.push(difference);
            }
        }
        _ => out.push(new(Rule::HeaderMediaTypeChanged)),
    }
}

/// The level of a changed value of any other field, and whether it is noise.
fn weigh(
    difference: &mut Difference,
    (name, before, after): (&str, &str, &str),
    (shown, shown_after): (&str, &str),
    (a, b): (&ResponseWithVariables<'_>, &ResponseWithVariables<'_>),
    how: ResponseComparison<'_>,
) {
    if name == "location" && is_same_location(shown, shown_after) {
        let reason = "the same URL, relative instead of absolute or the other way round; clients that do not \
                      resolve relative references fail";
        difference.level = Some((ChangeLevel::Warning, reason));
    }
    if matches!(name, "location" | "content-location") && is_of_assigned(shown, shown_after, a.response, how) {
        difference.noise = Some(ASSIGNED);
    }
    if fields::is_varying(name) && lines(name, a.response) != lines(name, b.response) {
        let reason = "the field occurs a different number of times, and recipients may use any of its lines";
        difference.level = Some((ChangeLevel::Warning, reason));
    } else if fields::is_varying(name) || is_generated(before, after, a, b) {
        let is_validator = matches!(name, "etag" | "last-modified");
        difference.noise = Some(if is_validator { VALIDATOR } else { GENERATED });
    }
    if fields::is_of_server(name) && difference.level.is_none() {
        difference.level = Some((ChangeLevel::Info, OF_SERVER));
    }
}

/// The items of a list (RFC 9110 section 5.6.1) in lower case; commas in quotes do not separate them.
fn items(text: &str) -> Vec<String> {
    let (mut out, mut item, mut is_quoted, mut is_escaped) = (Vec::new(), String::new(), false, false);
    for sign in text.chars().chain([',']) {
        if sign == ',' && !is_quoted {
            let whole = item.trim().to_ascii_lowercase();
            if !whole.is_empty() {
                out.push(whole);
            }
            item.clear();
            continue;
        }
        if sign == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = sign == '\\' && !is_escaped;
        item.push(sign);
    }
    let rest = item.trim().to_ascii_lowercase();
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// Whether two URLs differ only in an identifier that the servers assigned, as a whole segment of the path.
fn is_of_assigned(a: &str, b: &str, response: &Response, how: ResponseComparison<'_>) -> bool {
    let (before, after): (Vec<_>, Vec<_>) = (a.split('/').collect(), b.split('/').collect());
    let mut differing = before.iter().zip(&after).filter(|(one, other)| one != other);
    let (Some((one, other)), None) = (differing.next(), differing.next()) else {
        return false;
    };
    before.len() == after.len() && (how.assigned)(Role::of_identifier("/", response), one, other)
}

/// Whether two locations are one on their targets: absolute and relative to the origin.
fn is_same_location(a: &str, b: &str) -> bool {
    let path = |text: &str| text.strip_prefix("{{ base_url }}").map(str::to_owned);
    path(a).is_some_and(|path| path == b) || path(b).is_some_and(|path| path == a)
}

/// A value without the quotes of strings that are tokens: both forms mean the same (RFC 9110 section 11.2).
fn unquoted(text: &str) -> String {
    let parts: Vec<_> = text.split('"').collect();
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let quoted = |(at, part): (usize, &&str)| {
        if at % 2 == 1 && !crate::check::is_token(part) {
            format!("\"{part}\"")
        } else {
            (*part).to_owned()
        }
    };
    parts.iter().enumerate().map(quoted).collect()
}

/// Whether two values look like ids that no other response has, or like instants that go with the time of the response.
pub(super) fn is_generated(
    before: &str,
    after: &str,
    a: &ResponseWithVariables<'_>,
    b: &ResponseWithVariables<'_>,
) -> bool {
    let is_id = |text: &str| {
        let text = text.trim_matches('"');
        let is_hex = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        is_hex || TextFormat::of(text) == TextFormat::Uuid
    };
    let at = |text: &str| -> Option<DateTime<Utc>> { instant(text.trim_matches('"')) };
    match (at(before), at(after)) {
        (Some(one), Some(other)) => is_of_its_time(a, one, b, other),
        _ => is_id(before) && is_id(after),
    }
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn items_of_a_list_are_separated_outside_of_quotes() {
        assert_eq!(items("GET, head ,,POST"), ["get", "head", "post"]);
        assert_eq!(items("a=\"x, y\", B"), ["a=\"x, y\"", "b"]);
        assert_eq!(items("a=\"x\\\", y\""), ["a=\"x\\\", y\""]);
        assert!(items(" , ").is_empty());
    }
}
