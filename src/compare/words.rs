//! The message of a change.

use super::{ChangeRule as Rule, difference::ChangedPart, gather::ChangeKey};

/// The change in one sentence, without observed values.
pub(super) fn message(key: &ChangeKey) -> String {
    let pointer = match &key.part {
        ChangedPart::Body(pointer) if pointer.is_empty() => "the body".to_owned(),
        ChangedPart::Body(pointer) => pointer.clone(),
        _ => String::new(),
    };
    let name = match &key.part {
        ChangedPart::Header(name) => name.as_str(),
        _ => "",
    };
    match key.rule {
        Rule::StatusSuccessToError => "a request that succeeded fails".to_owned(),
        Rule::StatusErrorToSuccess => "a request that was rejected succeeds".to_owned(),
        Rule::StatusErrorChanged => "a request is rejected with a different status".to_owned(),
        Rule::StatusToServerError => "a request that was rejected causes a server error".to_owned(),
        Rule::StatusFromServerError => "a request that caused a server error is rejected".to_owned(),
        Rule::StatusSuccessChanged => "a request succeeds with a different status".to_owned(),
        Rule::StatusToRedirect => "a request is redirected".to_owned(),
        Rule::StatusFromRedirect => "a request is no longer redirected".to_owned(),
        Rule::StatusRedirectChanged => "a request is redirected with a different status".to_owned(),
        Rule::ResponseLost => "there is no response".to_owned(),
        Rule::ResponseFound => "there is a response where there was none".to_owned(),
        Rule::ResponseMalformed => "the response violates the grammar of HTTP".to_owned(),
        Rule::ResponseWellFormed => "the response no longer violates the grammar of HTTP".to_owned(),
        Rule::VerdictNewlyFailing => failing(&key.kind, "fails"),
        Rule::VerdictFixed => failing(&key.kind, "no longer fails"),
        Rule::VerdictNewlySkipped => "the case is skipped".to_owned(),
        Rule::VerdictNoLongerSkipped => "the case is no longer skipped".to_owned(),
        Rule::VerdictNewlyFlaky => "the case passes only on a retry".to_owned(),
        Rule::VerdictNoLongerFlaky => "the case passes on the first attempt".to_owned(),
        Rule::VerdictCaseRemoved => "the candidate did not run the case".to_owned(),
        Rule::VerdictCaseAdded => "the baseline did not run the case".to_owned(),
        Rule::HeaderRemoved => format!("the header field {name} is missing"),
        Rule::HeaderAdded => format!("the header field {name} is new"),
        Rule::HeaderValueChanged => format!("the header field {name} has a different value"),
        Rule::HeaderMediaTypeChanged => "the media type differs".to_owned(),
        Rule::HeaderCharsetChanged => "the charset differs".to_owned(),
        Rule::HeaderAllowNarrowed => format!("the list in {name} offers less"),
        Rule::HeaderAllowWidened => format!("the list in {name} offers more"),
        Rule::HeaderChallengeChanged => format!("the challenge in {name} differs"),
        Rule::HeaderCookieRemoved => format!("the cookie {} is no longer set", key.kind),
        Rule::HeaderCookieAdded => format!("the cookie {} is new", key.kind),
        Rule::HeaderCookieWeakened => format!("the cookie {} is less protected", key.kind),
        Rule::HeaderCookieRestricted => format!("the cookie {} is more restricted", key.kind),
        Rule::HeaderCookieChanged => format!("the cookie {} has a different scope or lifetime", key.kind),
        Rule::BodyVanished => "the body is missing".to_owned(),
        Rule::BodyAppeared => "there is a body where there was none".to_owned(),
        Rule::BodyNotJson => "the body is no longer JSON".to_owned(),
        Rule::BodyBecameJson => "the body is JSON now".to_owned(),
        Rule::BodyTextChanged => "the text of the body differs".to_owned(),
        Rule::BodyPropertyRemoved => format!("the property {pointer} is missing"),
        Rule::BodyPropertyAdded => format!("the property {pointer} is new"),
        Rule::BodyPropertyRenamed => format!("a property of {pointer} has a different name"),
        Rule::BodyNamingChanged => format!("the properties of {pointer} are named in a different style"),
        Rule::BodyWrapped => format!("{pointer} is wrapped in the property {}", key.kind),
        Rule::BodyUnwrapped => format!("{pointer} is no longer wrapped in the property {}", key.kind),
        Rule::BodyTypeChanged => format!("{pointer} has a different type"),
        Rule::BodyIntegerToNumber => format!("{pointer} was an integer and is a number with a fraction"),
        Rule::BodyNumberToInteger => format!("{pointer} was a number with a fraction and is an integer"),
        Rule::BodyBecameNull => format!("{pointer} is null"),
        Rule::BodyNoLongerNull => format!("{pointer} is no longer null"),
        Rule::BodyBecameArray => format!("{pointer} is a list"),
        Rule::BodyNoLongerArray => format!("{pointer} is no longer a list"),
        Rule::BodyFormatLost => format!("{pointer} has lost its format"),
        Rule::BodyFormatGained => format!("{pointer} has a format now"),
        Rule::BodyFormatChanged => format!("{pointer} has a different format"),
        Rule::BodySpellingChanged => format!("{pointer} is spelled differently"),
        Rule::BodyValueChanged => format!("{pointer} has a different value"),
        Rule::BodyMessageChanged => format!("the text of {pointer} differs"),
        Rule::BodyOrderChanged => format!("the items of {pointer} are in a different order"),
        Rule::BodyFewerItems => format!("{pointer} has fewer items"),
        Rule::BodyMoreItems => format!("{pointer} has more items"),
        Rule::LatencySlower => "responses take longer".to_owned(),
        Rule::LatencyFaster => "responses take less time".to_owned(),
        // Reported by comparisons of documents, which have messages of their own.
        other => other.info().reason.to_owned(),
    }
}

fn failing(kind: &str, verb: &str) -> String {
    match kind.split_once(' ') {
        Some((check, location)) => format!("the check {check} {verb} at {location}"),
        None => format!("the check {kind} {verb}"),
    }
}
