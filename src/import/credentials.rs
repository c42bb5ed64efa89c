//! Credentials of a request become secret inputs: their values reach no file.

use serde_json::Value as Json;

use super::{
    DraftContent, DraftInput, DraftPartContent, DraftQuery, DraftRequest, SuiteDraft, Value,
    names::{has_variable, name_of},
};
use crate::suite::is_reserved;

/// Minimum length of a secret that can be masked, in characters.
const MASKABLE: usize = 6;

/// Words in the name of a header field, parameter or property whose value is a credential.
const WORDS: [&str; 14] = [
    "apikey",
    "accesskey",
    "authkey",
    "subscriptionkey",
    "privatekey",
    "signature",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "credential",
    "sessionid",
];
/// Whole names of credentials that are too short to be parts of other names.
const NAMES: [&str; 8] = ["key", "pwd", "pass", "pin", "sig", "otp", "auth", "jwt"];

/// Whether a value of this name is a credential.
pub(super) fn is_credential(name: &str) -> bool {
    let folded: String = (name.chars().filter(char::is_ascii_alphanumeric))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // A name such as `max_tokens` counts credentials, and `token_type` describes one.
    let describes = ["tokens", "tokentype", "tokenurl", "signaturemethod", "signatureversion"];
    !describes.iter().any(|word| folded.ends_with(word))
        && (NAMES.contains(&folded.as_str()) || WORDS.iter().any(|word| folded.contains(word)))
}

/// What is before the name of a field of `multipart/form-data`.
const PART: &str = "Content-Disposition: form-data; name=\"";

/// Replaces values by secret inputs of a draft. The same value is the same input.
pub(super) struct Secrets<'d> {
    draft: &'d mut SuiteDraft,
}

impl<'d> Secrets<'d> {
    pub(super) fn new(draft: &'d mut SuiteDraft) -> Self {
        Self { draft }
    }

    /// Replaces the credentials of a request.
    pub(super) fn hide(&mut self, request: &mut DraftRequest) {
        for (name, value) in &mut request.headers {
            self.header(name, value);
        }
        match &mut request.query {
            Some(DraftQuery::Fields(fields)) => self.fields(fields, "the query parameter"),
            Some(DraftQuery::Raw(text)) => *text = self.pairs(text, "the query parameter"),
            None => {}
        }
        match &mut request.content {
            Some(DraftContent::Json(value)) => self.json(value),
            Some(DraftContent::Form(fields)) => self.fields(fields, "the form field"),
            Some(DraftContent::Text(text)) => *text = self.text(text),
            Some(DraftContent::Multipart(parts)) => {
                for part in parts.iter_mut().filter(|part| is_credential(&part.name)) {
                    if let DraftPartContent::Text(text) = &mut part.content {
                        *text = self.secret(&name_of(&part.name), text, &format!("the form field `{}`", part.name));
                    }
                }
            }
            Some(DraftContent::File(..)) | None => {}
        }
    }

    /// A header field, if it contains credentials.
    fn header(&mut self, name: &str, value: &mut Value) {
        let location = format!("the header field `{name}`");
        let lower = name.to_ascii_lowercase();
        if lower == "cookie" {
            *value = self.secret("cookie", value, &location);
        } else if lower == "authorization" || lower == "proxy-authorization" {
            let (scheme, rest) = match value.split_once(' ') {
                Some((scheme, rest)) if !has_variable(scheme) => (format!("{scheme} "), rest.trim_start()),
                _ => (String::new(), value.as_str()),
            };
            let name = if scheme.eq_ignore_ascii_case("basic ") {
                "credentials"
            } else {
                "token"
            };
            *value = format!("{scheme}{}", self.secret(name, rest, &location));
        } else if is_credential(name) {
            *value = self.secret(&name_of(name), value, &location);
        }
    }

    fn fields(&mut self, fields: &mut [(String, Value)], kind: &str) {
        for (name, value) in fields.iter_mut().filter(|(name, _)| is_credential(name)) {
            *value = self.secret(&name_of(name), value, &format!("{kind} `{name}`"));
        }
    }

    /// `a=b&c=d` that is sent unchanged.
    fn pairs(&mut self, text: &str, kind: &str) -> Value {
        let pairs = text.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_credential(name) && !value.is_empty() => {
                format!(
                    "{name}={}",
                    self.secret(&name_of(name), value, &format!("{kind} `{name}`"))
                )
            }
            _ => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn json(&mut self, value: &mut Json) {
        match value {
            Json::Object(properties) => {
                for (name, value) in properties {
                    match value {
                        Json::String(text) if is_credential(name) => {
                            *text = self.secret(&name_of(name), text, &format!("the property `{name}`"));
                        }
                        value => self.json(value),
                    }
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            _ => {}
        }
    }

    /// A text: the strings of JSON properties, or the values of form fields.
    fn text(&mut self, text: &str) -> Value {
        if text.trim_start().starts_with(['{', '[']) {
            return self.json_text(text);
        }
        if text.starts_with("--") && text.contains(PART) {
            return self.multipart(text);
        }
        let is_form = !text.contains(['\n', ' ', '<']) && text.contains('=');
        if is_form {
            self.pairs(text, "the form field")
        } else {
            text.to_owned()
        }
    }

    /// The fields of `multipart/form-data` that are not files.
    fn multipart(&mut self, text: &str) -> Value {
        let mut parts = text.split(PART);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str(PART);
            let field = part.split_once("\"\r\n\r\n").and_then(|(name, rest)| {
                let end = rest.find("\r\n--")?;
                is_credential(name).then(|| (name, &rest[..end], &rest[end..]))
            });
            match field {
                Some((name, value, rest)) => {
                    let secret = self.secret(&name_of(name), value, &format!("the form field `{name}`"));
                    out.push_str(name);
                    out.push_str("\"\r\n\r\n");
                    out.push_str(&secret);
                    out.push_str(rest);
                }
                None => out.push_str(part),
            }
        }
        out
    }

    /// JSON text as it is spelled: the secret is what is between the quotes.
    fn json_text(&mut self, text: &str) -> Value {
        let mut out = String::new();
        let mut rest = text;
        // The last string, if a colon may follow it.
        let mut key: Option<String> = None;
        while let Some(start) = rest.find('"') {
            let (before, quoted) = rest.split_at(start);
            let inside = &quoted[1..];
            let Some(end) = string_end(inside) else { break };
            let is_value = before.trim() == ":";
            let string = &inside[..end];
            out.push_str(before);
            out.push('"');
            match key.take().filter(|name| is_value && is_credential(name)) {
                Some(name) if !string.is_empty() => {
                    out.push_str(&self.secret(&name_of(&name), string, &format!("the property `{name}`")));
                }
                _ => {
                    out.push_str(string);
                    key = Some(string.to_owned());
                }
            }
            out.push('"');
            rest = &inside[end + 1..];
        }
        out.push_str(rest);
        out
    }

    /// The user and password of Basic authentication.
    pub(super) fn basic(&mut self, request: &mut DraftRequest, user: &str, password: &str, location: &str) {
        // The first colon ends the user (RFC 7617 section 2).
        if let Some((user, rest)) = user.split_once(':') {
            return self.basic(request, user, &format!("{rest}:{password}"), location);
        }
        // Without a password, the user is a key.
        request.basic = Some(if password.is_empty() {
            (self.secret("user", user, location), String::new())
        } else {
            (user.to_owned(), self.secret("password", password, location))
        });
    }

    /// The secret input for a value. A variable in the source stays a variable, and is secret.
    pub(super) fn secret(&mut self, name: &str, value: &str, location: &str) -> Value {
        if value.is_empty() {
            return String::new();
        }
        if has_variable(value) {
            for used in self.draft.names.used(value) {
                self.declare(&used, location, false);
            }
            return value.to_owned();
        }
        let known = self.draft.secrets.iter().find(|(_, known)| known == value);
        let name = if let Some((name, _)) = known {
            name.clone()
        } else {
            let name = free(name, |name| self.draft.is_taken(name));
            self.draft.secrets.push((name.clone(), value.to_owned()));
            name
        };
        self.declare(&name, location, value.trim().chars().count() < MASKABLE);
        self.draft.names.variable(&name, None).to_string()
    }

    fn declare(&mut self, name: &str, location: &str, is_short: bool) {
        if !self.draft.is_defined(name) && !is_reserved(name) {
            self.draft.input(DraftInput {
                name: name.to_owned(),
                description: location.to_owned(),
                is_secret: true,
                is_short,
                default: None,
            });
        }
    }
}

/// A name that is not taken: `token`, `token_2`.
pub(super) fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name}_{number}")));
    names.find(|name| !is_taken(name)).unwrap_or_else(|| name.to_owned())
}

/// The position of the quote that ends a JSON string.
fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_recognized_by_name() {
        for name in [
            "X-Api-Key",
            "api_key",
            "apikey",
            "key",
            "access_token",
            "client_secret",
            "Ocp-Apim-Subscription-Key",
            "newPassword",
            "PRIVATE-TOKEN",
            "sig",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "keyword",
            "monkey",
            "max_tokens",
            "token_type",
            "author",
            "Accept",
            "id",
            "passenger",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn json_text_keeps_its_spelling() {
        let mut draft = SuiteDraft::default();
        let text = "{ \"user\" : \"ada\",\n  \"password\":  \"a\\\"b\", \"list\": [\"password\", \"x\"] }";
        let hidden = Secrets::new(&mut draft).text(text);
        assert_eq!(draft.secrets, [("password".to_owned(), "a\\\"b".to_owned())]);
        let expected = "{ \"user\" : \"ada\",\n  \"password\":  \"{{ password }}\", \"list\": [\"password\", \"x\"] }";
        assert_eq!(draft.names.template(&hidden), expected);
    }

    #[test]
    fn equal_values_are_one_input() {
        let mut draft = SuiteDraft::default();
        let mut secrets = Secrets::new(&mut draft);
        let mut headers = ["Bearer abcdefgh", "Bearer other-one", "Bearer abcdefgh"].map(str::to_owned);
        for value in &mut headers {
            secrets.header("authorization", value);
        }
        let headers: Vec<_> = headers.iter().map(|value| draft.names.template(value)).collect();
        assert_eq!(
            headers,
            ["Bearer {{ token }}", "Bearer {{ token_2 }}", "Bearer {{ token }}"]
        );
        assert_eq!(draft.inputs.len(), 2);
    }
}
