//! Values that are masked in one exchange only: credentials that are written in a case, and parts of secrets at the
//! truncated end of a response.

use super::forms::{Cut, Finder, is_scheme};
use crate::model::{
    CREDENTIALS, Content, Exchange, Malformed, Outcome, Request, Response, aws_signature, basic_pair, basic_token,
};

/// Minimum length in bytes of a credential that is masked elsewhere: shorter ones can be words.
const MIN_LENGTH: usize = 8;

/// A value that is masked in one exchange only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Other {
    /// A credential of the request that is not a known secret.
    Credential(String),
    /// The part of a secret at the truncated end of content.
    Part(Vec<u8>),
}

/// The values to mask in an exchange and in texts about it.
pub(super) fn of(exchange: &Exchange, finders: &[&Finder]) -> Vec<Other> {
    match &exchange.outcome {
        Outcome::Response(response) => of_response(&exchange.request, response, finders),
        Outcome::Malformed(Malformed { bytes, .. }) if bytes.is_cut() => {
            let mut found = of_request(&exchange.request, finders);
            parts(&mut found, finders, bytes, Cut::END);
            found
        }
        Outcome::Malformed(_) | Outcome::Failure(_) => of_request(&exchange.request, finders),
    }
}

/// The same for an exchange with a response.
pub(super) fn of_response(request: &Request, response: &Response, finders: &[&Finder]) -> Vec<Other> {
    let mut found = of_request(request, finders);
    parts(&mut found, finders, &response.body, body_cut(response));
    parts(&mut found, finders, &response.excess, Cut::START);
    found
}

fn parts(found: &mut Vec<Other>, finders: &[&Finder], content: &Content, cut: Cut) {
    for part in finders.iter().flat_map(|finder| finder.parts(content.bytes(), cut)) {
        found.push(Other::Part(part.to_vec()));
    }
}

pub(super) fn of_request(request: &Request, finders: &[&Finder]) -> Vec<Other> {
    let mut found = Vec::new();
    for (name, value) in &request.headers {
        if CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            for credential in credentials(&name.to_ascii_lowercase(), value) {
                // A known secret is masked with its own name, except within Basic credentials, which are masked as a whole.
                let is_whole = basic_token(value) == Some(&credential);
                let is_known = !is_whole && finders.iter().any(|finder| finder.is_in(credential.as_bytes()));
                let credential = Other::Credential(credential);
                if !is_known && !found.contains(&credential) {
                    found.push(credential);
                }
            }
        }
    }
    found
}

/// The ends at which the content of a response can be partial: it was truncated, or bytes follow it.
pub(super) fn body_cut(response: &Response) -> Cut {
    Cut {
        start: false,
        end: response.cut.is_some()
            || response.stopped.is_some()
            || response.body.is_cut()
            || !response.excess.is_empty(),
    }
}

/// The credentials in the value of a header field, without schemes and attributes.
fn credentials(name: &str, value: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if name == "cookie" || name == "set-cookie" {
        let pairs = value
            .split(';')
            .map(|pair| pair.split_once('=').unwrap_or(("", pair)).1);
        found.extend(pairs.map(|value| value.trim().trim_matches('"').to_owned()));
    } else {
        if let Some((_, signature)) = aws_signature(value) {
            return vec![signature.to_owned()];
        }
        let (scheme, token) = value.trim().split_once(' ').unwrap_or(("", value));
        let token = token.trim();
        if scheme.is_empty() || is_scheme(scheme) || !token.contains(' ') {
            found.push(token.to_owned());
        } else {
            found.push(value.trim().to_owned());
        }
        if let Some(text) = basic_pair(value) {
            found.extend(text.split_once(':').map(|(_, password)| password.to_owned()));
            found.push(text);
        }
    }
    found.retain(|credential| credential.len() >= MIN_LENGTH);
    found
}
