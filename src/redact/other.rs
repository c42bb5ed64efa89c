//! What one exchange holds besides secrets: credentials that a case spells out, and parts of secrets that an answer was
//! cut into.

use base64::Engine as _;

use super::forms::{Cut, Finder, is_scheme};
use crate::model::{Answer, CREDENTIALS, Content, Exchange, Malformed, Reply, Request};

/// The shortest credential that is looked for elsewhere, in bytes: shorter ones are words.
const SHORTEST: usize = 8;

/// Something that is hidden in one exchange only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Other {
    /// A credential of the request that is no known secret.
    Credential(String),
    /// The part of a secret at which content was cut.
    Part(Vec<u8>),
}

/// What is to be hidden in this exchange, and in what is said about it.
pub(super) fn of(exchange: &Exchange, finder: Option<&Finder>) -> Vec<Other> {
    match &exchange.reply {
        Reply::Answer(answer) => of_answer(&exchange.request, answer, finder),
        Reply::Malformed(Malformed { bytes, .. }) if bytes.is_cut() => {
            let mut found = of_request(&exchange.request, finder);
            parts(&mut found, finder, bytes, Cut::END);
            found
        }
        Reply::Malformed(_) | Reply::Failure(_) => of_request(&exchange.request, finder),
    }
}

/// The same where there is an answer.
pub(super) fn of_answer(request: &Request, answer: &Answer, finder: Option<&Finder>) -> Vec<Other> {
    let mut found = of_request(request, finder);
    parts(&mut found, finder, &answer.body, body_cut(answer));
    parts(&mut found, finder, &answer.excess, Cut::START);
    found
}

fn parts(found: &mut Vec<Other>, finder: Option<&Finder>, content: &Content, cut: Cut) {
    for part in finder.into_iter().flat_map(|finder| finder.parts(content.bytes(), cut)) {
        found.push(Other::Part(part.to_vec()));
    }
}

fn of_request(request: &Request, finder: Option<&Finder>) -> Vec<Other> {
    let mut found = Vec::new();
    for (name, value) in &request.headers {
        if CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            for credential in credentials(&name.to_ascii_lowercase(), value) {
                // A known secret is found as what it is, with its own name.
                let is_known = finder.is_some_and(|finder| finder.is_in(credential.as_bytes()));
                let credential = Other::Credential(credential);
                if !is_known && !found.contains(&credential) {
                    found.push(credential);
                }
            }
        }
    }
    found
}

/// Where the content of an answer may end within something longer: it was cut short, or what follows it belongs to it.
pub(super) fn body_cut(answer: &Answer) -> Cut {
    Cut {
        start: false,
        end: answer.cut.is_some() || answer.body.is_cut() || !answer.excess.is_empty(),
    }
}

/// The credentials in the value of a header field, without what goes around them.
fn credentials(name: &str, value: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if name == "cookie" || name == "set-cookie" {
        let pairs = value
            .split(';')
            .map(|pair| pair.split_once('=').unwrap_or(("", pair)).1);
        found.extend(pairs.map(|value| value.trim().trim_matches('"').to_owned()));
    } else {
        let (scheme, token) = value.trim().split_once(' ').unwrap_or(("", value));
        let token = token.trim();
        if scheme.is_empty() || is_scheme(scheme) || !token.contains(' ') {
            found.push(token.to_owned());
        } else {
            found.push(value.trim().to_owned());
        }
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(token)
            && let Ok(text) = String::from_utf8(decoded)
        {
            found.extend(text.split_once(':').map(|(_, password)| password.to_owned()));
            found.push(text);
        }
    }
    found.retain(|credential| credential.len() >= SHORTEST);
    found
}
