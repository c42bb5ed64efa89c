//! Requests that are signed for AWS.

use std::borrow::Cow;

use super::{CommandContext, quote};
use crate::model::{AWS_FIELDS, Request, Step, aws_scope, marks_of};

/// A request with the signature with which its step was sent.
pub(super) fn with_signature<'r>(request: &'r Request, step: &Step) -> Cow<'r, Request> {
    let mut request = Cow::Borrowed(request);
    let sent = step.exchange.iter().flat_map(|exchange| &exchange.request.headers);
    let is_signed = sent.clone().any(|(_, value)| aws_scope(value).is_some());
    for (name, value) in sent.filter(|_| is_signed) {
        let is_token = name == "x-amz-security-token";
        let is_known = request
            .headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name));
        if (is_token || aws_scope(value).is_some()) && !is_known {
            request.to_mut().headers.push((name.clone(), value.clone()));
        }
    }
    request
}

/// Adds the options that sign a request for AWS, if the request was signed; whether it was.
pub(super) fn signature(request: &Request, shell: &CommandContext, words: &mut Vec<String>) -> bool {
    let mut fields = request.headers.iter();
    let value = fields.find(|(name, _)| name.eq_ignore_ascii_case(AWS_FIELDS[0]));
    let Some([id, region, service]) = value.and_then(|(_, value)| aws_scope(value)) else {
        return false;
    };
    words.push(format!(
        "--aws-sigv4 {}",
        quote(&format!("aws:amz:{region}:{service}"), shell)
    ));
    let key = &marks_of("aws_secret_access_key")[0];
    words.push(format!("-u {}", quote(&format!("{id}:{key}"), shell)));
    true
}
