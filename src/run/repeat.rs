//! What a script needs to send a step again: its request with the names of captured and generated values.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::worker::Shared;
use crate::{
    model::{Content, Repeat, Request, Waiting, basic_pair, basic_shown},
    plan::{Bound, Late, LateToken, Polling},
    suite::Case,
};

/// Everything but unreserved characters (RFC 3986 section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How to send a step again; none if it is one request without values of other steps. `cookies` are the names of those that
/// were added to the request, after its own header fields.
pub(super) fn of(
    shared: &Shared,
    case: &Case,
    index: usize,
    late: &Late,
    bound: &Bound,
    cookies: Vec<String>,
) -> Option<Box<Repeat>> {
    let def = &case.def.steps[index];
    let sent = &bound.request;
    let origin = |capture: &crate::suite::CaptureDef| (capture.name.to_string(), capture.source.origin());
    let repeat = Repeat {
        request: if sent.is_mail() {
            None
        } else {
            request(shared, case, index, late, sent, &cookies)
        },
        cookies,
        follow: def.follow.as_ref().map(|follow| follow.value.step.clone()),
        captures: def.capture.iter().map(origin).collect(),
        waiting: bound.polling.map(waiting),
    };
    (!repeat.is_plain()).then(|| Box::new(repeat))
}

fn waiting(polling: Polling) -> Waiting {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Waiting {
        throughout: polling.throughout,
        limit_ms: ms(polling.limit),
        every_ms: ms(polling.every),
    }
}

/// The request with the names of values in their places. It is bound a second time, with tokens for these values, and each part
/// is used only if the values in its locations give the request that was sent.
fn request(
    shared: &Shared,
    case: &Case,
    index: usize,
    late: &Late,
    sent: &Request,
    cookies: &[String],
) -> Option<Request> {
    let ids = shared.plan.ids(case)?;
    let ids = ids.each_ref().map(|(name, value)| (*name, value.as_str()));
    let late_tokens = late.with_tokens(&ids);
    let marked = shared.plan.request_with(case, index, &late_tokens, &shared.sources)?;
    let all = late_tokens.tokens();
    let url = with_location(&marked.url, late.location());
    let sent_url = with_location(&sent.url, late.location());
    let mut is_used = url.is_some() || !cookies.is_empty();
    let mut part = |marked: &str, sent: &str| match with_names(marked, sent, &all) {
        Some(text) => {
            is_used = true;
            text
        }
        None => sent.to_owned(),
    };
    let url = part(
        url.as_deref().unwrap_or(&marked.url),
        sent_url.as_deref().unwrap_or(&sent.url),
    );
    let headers = sent.headers.iter().enumerate();
    let mut headers: Vec<_> = headers
        .map(|(at, (name, value))| {
            let other = marked.headers.get(at).filter(|(other, _)| other == name);
            let marked = other.map_or(value, |(_, marked)| marked);
            let pairs = basic_pair(marked).zip(basic_pair(value));
            let value = match pairs.map(|(marked, sent)| (part(&marked, &sent), sent)) {
                Some((named, sent)) if named != sent => basic_shown(&named),
                _ => part(marked, value),
            };
            (name.clone(), value)
        })
        .collect();
    if !cookies.is_empty() {
        headers.pop();
    }
    let mut body: Content = sent.body.clone();
    if let (Ok(marked), Ok(sent)) = (str::from_utf8(marked.body.bytes()), str::from_utf8(sent.body.bytes()))
        && let Some(text) = with_names(marked, sent, &all)
    {
        is_used = true;
        // The length that was sent is kept.
        body.replace(text);
    }
    is_used.then(|| Request {
        method: sent.method.clone(),
        url,
        headers,
        body,
    })
}

/// A URL with a name in place of the one that the step follows.
fn with_location(url: &str, location: Option<&str>) -> Option<String> {
    let rest = url.strip_prefix(location?)?;
    Some(format!("{}{rest}", Repeat::place_of(Repeat::LOCATION, None)))
}

/// The text of a value in a part of a request, by the filter that makes it.
type Encode = (Option<&'static str>, fn(&str) -> String);

const ENCODINGS: [Encode; 3] = [
    (None, str::to_owned),
    (Some("url_encode"), |text| {
        utf8_percent_encode(text, ENCODED).to_string()
    }),
    (Some("json"), |text| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }),
];

/// A text with names in place of tokens; none if it has no token, or if the values do not give the text that was sent.
fn with_names(marked: &str, sent: &str, tokens: &[LateToken]) -> Option<String> {
    let (mut marked, mut sent, mut named) = (marked, sent, String::new());
    let next = |text: &str| {
        let found = tokens.iter().filter_map(|one| Some((text.find(&one.token)?, one)));
        found.min_by_key(|(at, _)| *at)
    };
    while let Some((at, one)) = next(marked) {
        named.push_str(&marked[..at]);
        sent = sent.strip_prefix(&marked[..at])?;
        marked = &marked[at + one.token.len()..];
        // Two encodings of a value differ from the first character on that one of them changes.
        let mut encodings = ENCODINGS.iter();
        let (filter, rest) =
            encodings.find_map(|(filter, encode)| Some((*filter, sent.strip_prefix(&encode(&one.value))?)))?;
        sent = rest;
        named.push_str(&Repeat::place_of(&one.name, filter));
    }
    (!named.is_empty() && sent == marked).then(|| named + marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_replace_values_only_where_they_give_the_same_text() {
        let token = |name: &str, token: &str, value: &str| LateToken {
            name: name.to_owned(),
            token: token.to_owned(),
            value: value.to_owned(),
        };
        let all = [
            token("id", "tok1", "4 2"),
            token("n", "900", "7"),
            token("q", "tok2", "a\"b"),
        ];
        let named = |marked: &str, sent: &str| with_names(marked, sent, &all);
        assert_eq!(named("/x", "/x"), None);
        assert_eq!(named("/o/tok1/900", "/o/4 2/7").as_deref(), Some("/o/{{ id }}/{{ n }}"));
        assert_eq!(
            named("/o/tok1/900", "/o/4%202/7").as_deref(),
            Some("/o/{{ id | url_encode }}/{{ n }}")
        );
        assert_eq!(
            named(r#"{"q":"tok2"}"#, r#"{"q":"a\"b"}"#).as_deref(),
            Some(r#"{"q":"{{ q | json }}"}"#)
        );
        // Each value is encoded in its own way.
        assert_eq!(
            named("/tok1?b=tok1", "/4 2?b=4%202").as_deref(),
            Some("/{{ id }}?b={{ id | url_encode }}")
        );
        // A filter has changed the value.
        assert_eq!(named("tok1", "NCAy"), None);
    }
}
