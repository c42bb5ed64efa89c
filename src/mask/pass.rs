//! Masking of each part of an event, and truncation to size limits.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    forms::{self, Cut, Finder, is_scheme},
    json,
    other::body_cut,
};
use crate::{
    check::{MAX_DECODED, ResponseView, RuleInfo, is_token, rule_of},
    model::{
        CREDENTIALS, CheckId, Content, Failure, Finding, HIDDEN, Level, Malformed, Origin, Outcome, QUOTED, Repeat,
        Request, Response, aws_signature, basic_pair, basic_shown, basic_shown_pair,
    },
};

/// Maximum length in characters of a value, a message or a reason.
pub(super) const MAX_QUOTE: usize = 600;
/// Maximum length in characters of a JSON pointer.
const MAX_POINTER: usize = 4096;
/// Maximum size of a diff in bytes.
const MAX_DIFF: usize = 16 * 1024;
/// Maximum size of each body in bytes.
pub(super) const MAX_BODY: usize = 256 * 1024;
/// Maximum size in bytes of a malformed response, and of bytes after a response.
const MAX_EXCERPT: usize = 2 * 1024;
/// Maximum size in bytes of a text that is masked before it is truncated to less.
pub(super) const MAX_READ: usize = 4 * MAX_BODY;
/// Maximum number of findings of one attempt.
pub(super) const MAX_FINDINGS: usize = 100;

/// The finders of secrets and of other values of one exchange.
#[derive(Clone, Copy)]
pub(super) struct Pass<'r> {
    pub(super) finder: Option<&'r Finder>,
    /// For secrets that were learned during the run.
    pub(super) learned: &'r [Arc<Finder>],
    pub(super) other: Option<&'r Finder>,
    pub(super) is_recorded: bool,
}

impl<'r> Pass<'r> {
    /// Finders of secrets.
    fn secrets(self) -> impl Iterator<Item = &'r Finder> {
        let learned = self.learned.iter().map(|finder| &**finder);
        self.finder.into_iter().chain(learned)
    }

    fn bytes(self, bytes: &[u8], cut: Cut) -> Option<Vec<u8>> {
        // Together: of two that overlap, such as a password and the credentials that contain it, the longer one counts, and of
        // two that are equal the secret, which has a name.
        forms::hide(self.other.into_iter().chain(self.secrets()), bytes, cut, HIDDEN)
    }

    pub(super) fn text(self, text: &str, cut: Cut) -> Cow<'_, str> {
        match self.bytes(text.as_bytes(), cut) {
            None => Cow::Borrowed(text),
            // Only forms in other character sets can end within a character.
            Some(hidden) => Cow::Owned(match String::from_utf8(hidden) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    pub(super) fn hide(self, text: &mut String) {
        self.hide_cut(text, Cut::default());
    }

    fn hide_cut(self, text: &mut String, cut: Cut) {
        if let Cow::Owned(hidden) = self.text(text, cut) {
            *text = hidden;
        }
    }

    /// Masks in a unified diff, on each side of it.
    fn diff(self, diff: &mut String) {
        if let Some(hidden) = forms::hide_in_diff(self.other.into_iter().chain(self.secrets()), diff, HIDDEN) {
            *diff = String::from_utf8_lossy(&hidden).into_owned();
        }
    }

    /// Masks in a value, in strings and keys at any depth.
    pub(super) fn value(self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(entries) => {
                for (mut key, mut value) in std::mem::take(entries) {
                    self.hide(&mut key);
                    self.value(&mut value);
                    entries.insert(key, value);
                }
            }
            Value::Number(number) => {
                if let Cow::Owned(hidden) = self.text(&number.to_string(), Cut::default()) {
                    *value = Value::String(hidden);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Masks in a text that contains a quotation, and truncates it.
    pub(super) fn quote(self, text: &mut String, cut: Cut) {
        self.shorten(text, cut, MAX_QUOTE);
    }

    fn shorten(self, text: &mut String, mut cut: Cut, most: usize) {
        let was_cut = text.len() >= QUOTED;
        cut.end |= was_cut;
        self.hide_cut(text, cut);
        if let Some((end, _)) = text.char_indices().nth(most) {
            let more = text.len() - end;
            text.truncate(end);
            let least = if was_cut { "more than " } else { "" };
            let _ = write!(text, "… ({least}{more} more bytes)");
        }
    }

    /// Masks in bytes, and truncates them.
    pub(super) fn content(self, content: &mut Content, cut: Cut, most: usize) {
        content_with(content, cut, most, |bytes, cut| self.bytes(bytes, cut));
    }

    /// Masks in the body of a response, and truncates it.
    fn body(self, content: &mut Content, cut: Cut) {
        content_with(content, cut, MAX_BODY, |bytes, cut| self.body_bytes(bytes, cut));
    }

    /// Masks in the bytes of a body. A masked number in JSON becomes a string, so that the recorded body can be read as JSON.
    fn body_bytes(self, bytes: &[u8], cut: Cut) -> Option<Vec<u8>> {
        let hidden = self.bytes(bytes, cut)?;
        let is_json = |bytes: &[u8]| serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        if is_json(&hidden) || !is_json(bytes) {
            return Some(hidden);
        }
        Some(json::with_quotes(&hidden))
            .filter(|quoted| is_json(quoted))
            .or(Some(hidden))
    }

    /// Masks in all findings of an attempt. If there are too many, the first are kept, failing ones before others.
    pub(super) fn findings(self, findings: &mut Vec<Finding>) {
        if findings.len() > MAX_FINDINGS {
            let all = findings.len();
            let denied = findings.iter().filter(|finding| finding.level == Level::Deny).count();
            let (mut deny, mut warn) = (denied.min(MAX_FINDINGS), MAX_FINDINGS - denied.min(MAX_FINDINGS));
            let mut level = Level::Off;
            findings.retain(|finding| {
                let left = if finding.level == Level::Deny {
                    &mut deny
                } else {
                    &mut warn
                };
                if *left > 0 {
                    *left -= 1;
                    return true;
                }
                level = level.max(finding.level);
                false
            });
            let mut more = Finding::new(
                CheckId::Omitted,
                format!("{} more findings are left out", all - MAX_FINDINGS),
            );
            more.level = level;
            more.location = findings.last().and_then(|finding| finding.location.clone());
            findings.push(more);
        }
        for finding in findings {
            self.finding(finding);
        }
    }

    fn finding(self, finding: &mut Finding) {
        let Finding {
            check,
            level: _,
            message,
            expected,
            actual,
            pointer,
            location: _,
            diff,
        } = finding;
        let is_credential = check.quotes_credentials();
        // The actual value of a leak is an excerpt of a body, which can begin and end within a form.
        let cut = if rule_of(check).is_some_and(RuleInfo::quotes_excerpt) {
            Cut::BOTH
        } else {
            Cut::default()
        };
        if let Cow::Owned(hidden) = self.text(check.as_str(), Cut::default()) {
            *check = Cow::<str>::Owned(hidden).into();
        }
        self.quote(message, Cut::default());
        for text in [expected, actual].into_iter().flatten() {
            if is_credential {
                self.credential(text);
            }
            self.quote(text, cut);
        }
        if let Some(pointer) = pointer {
            self.shorten(pointer, Cut::default(), MAX_POINTER);
        }
        if let Some(diff) = diff {
            self.diff(diff);
            if diff.len() > MAX_DIFF {
                let end = diff[..diff.floor_char_boundary(MAX_DIFF)]
                    .rfind('\n')
                    .map_or(0, |at| at + 1);
                let missing = diff.len() - end;
                diff.truncate(end);
                let _ = writeln!(diff, "… ({missing} more bytes)");
            }
        }
    }

    pub(super) fn request(self, request: &mut Request) {
        let Request {
            method,
            url,
            headers,
            body,
        } = request;
        self.hide(method);
        self.hide(url);
        self.headers(headers);
        self.content(body, Cut::default(), MAX_BODY);
    }

    pub(super) fn outcome(self, outcome: &mut Outcome) {
        match outcome {
            Outcome::Response(response) => {
                self.decoded(response);
                let cut = body_cut(response);
                let Response {
                    version: _,
                    status: _,
                    reason,
                    headers,
                    body,
                    trailers,
                    cut: cut_short,
                    stopped: _,
                    excess,
                    syntax,
                    received: _,
                    elapsed_us: _,
                } = response;
                self.headers(headers);
                self.headers(trailers);
                self.body(body, cut);
                self.content(excess, Cut::START, MAX_EXCERPT);
                for fault in syntax {
                    self.content(&mut fault.bytes, Cut::default(), MAX_EXCERPT);
                }
                for text in [reason, cut_short].into_iter().flatten() {
                    self.hide(text);
                }
            }
            Outcome::Malformed(Malformed {
                reason,
                bytes,
                elapsed_us: _,
            }) => {
                self.quote(reason, Cut::default());
                self.content(bytes, Cut::default(), MAX_EXCERPT);
            }
            Outcome::Failure(Failure {
                kind: _,
                message,
                elapsed_us: _,
            }) => self.quote(message, Cut::default()),
        }
    }

    /// Secrets in a body with a content coding can only be found in the decoded bytes, which then replace it.
    fn decoded(self, response: &mut Response) {
        if response.body.is_empty() || response.header("content-encoding").next().is_none() {
            return;
        }
        let view = ResponseView::new(response, MAX_DECODED);
        let hidden = view.bytes().ok();
        let hidden = hidden.and_then(|bytes| self.body_bytes(bytes, Cut::default()));
        if let Some(hidden) = hidden {
            response.body.replace_decoded(hidden);
        }
    }

    /// Masks in what a script needs to send a step again.
    pub(super) fn repeat(self, repeat: &mut Repeat) {
        let Repeat {
            request,
            cookies,
            follow: _,
            captures,
            waiting: _,
        } = repeat;
        if let Some(request) = request {
            self.request(request);
        }
        for cookie in cookies {
            self.hide(cookie);
        }
        for origin in captures.values_mut() {
            match origin {
                Origin::Json(text) | Origin::Cookie(text) | Origin::Xml(text) | Origin::Text(text) => self.hide(text),
                Origin::Header { name, matches } => {
                    self.hide(name);
                    if let Some(matches) = matches {
                        self.hide(matches);
                    }
                }
            }
        }
    }

    pub(super) fn headers(self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            if is_credential(name) && is_only_places(value) {
                self.hide(value);
            } else if is_credential(name)
                && let Some(shown) = self.basic(value).or_else(|| self.signature(value))
            {
                *value = shown;
            } else if name.eq_ignore_ascii_case("set-cookie") {
                self.cookie(value);
            } else if name.eq_ignore_ascii_case("cookie") {
                self.cookies(value);
            } else if is_credential(name) {
                self.credential(value);
            } else {
                self.hide(value);
            }
            self.hide(name);
        }
    }

    /// Basic credentials with their secrets masked: `Basic base64(user:$PASSWORD)`. None if no secret is in them.
    fn basic(self, value: &str) -> Option<String> {
        if self.is_recorded {
            return None;
        }
        let pair = basic_pair(value).or_else(|| basic_shown_pair(value).map(str::to_owned))?;
        let secrets = Pass { other: None, ..self };
        let masked = secrets.text(&pair, Cut::default());
        let (user, password) = pair.split_once(':')?;
        let shown = match masked.split_once(':') {
            // A secret can be the whole pair.
            _ if masked.starts_with('$') && !masked.contains(':') => masked.into_owned(),
            Some((shown_user, shown_password)) => {
                let is_plain = shown_password == password && !password.is_empty() && !is_only_places(password);
                if is_plain && shown_user == user {
                    return None;
                }
                format!("{shown_user}:{}", if is_plain { HIDDEN } else { shown_password })
            }
            None => return None,
        };
        // The encoded form can be the secret itself.
        let encoded = secrets.text(value, Cut::default());
        let is_encoded = matches!(encoded, Cow::Owned(_)) && !encoded.contains(HIDDEN) && shown.contains(HIDDEN);
        (!is_encoded).then(|| basic_shown(&shown))
    }

    /// The credentials of a request that is signed for AWS: what is signed stays, for the `curl` command. None if no secret is
    /// in them.
    fn signature(self, value: &str) -> Option<String> {
        if self.is_recorded {
            return None;
        }
        let (signed, _) = aws_signature(value)?;
        let secrets = Pass { other: None, ..self };
        match secrets.text(signed, Cut::default()) {
            Cow::Owned(hidden) => Some(format!("{hidden}{HIDDEN}")),
            Cow::Borrowed(_) => None,
        }
    }

    /// A cookie as a response sets it: its value is a credential, its name and attributes are not.
    fn cookie(self, value: &mut String) {
        let Some(at) = value.find('=').filter(|at| !value[..*at].contains(';')) else {
            return self.credential(value);
        };
        if self.is_recorded {
            return;
        }
        let end = value.find(';').unwrap_or(value.len());
        let (mut name, content) = (value[..=at].to_owned(), &value[at + 1..end]);
        let mut attributes = value[end..].to_owned();
        self.hide(&mut name);
        self.hide(&mut attributes);
        let secrets = Pass { other: None, ..self };
        let content = match secrets.text(content, Cut::default()) {
            Cow::Owned(hidden) => hidden,
            Cow::Borrowed("") => String::new(),
            Cow::Borrowed(_) => HIDDEN.to_owned(),
        };
        *value = format!("{name}{content}{attributes}");
    }

    /// The cookies of a request: their values are credentials, their names are not, unless they are part of a secret.
    fn cookies(self, value: &mut String) {
        if value.is_empty() || self.is_recorded {
            return;
        }
        let named = |pair: &str| match pair.split_once('=') {
            Some((name, content)) if is_token(name.trim()) => {
                let mut name = name.trim().to_owned();
                self.hide(&mut name);
                let content = if content.is_empty() { "" } else { HIDDEN };
                format!("{name}={content}")
            }
            _ if pair.trim().is_empty() => String::new(),
            _ => HIDDEN.to_owned(),
        };
        let secrets = Pass { other: None, ..self };
        let shown: Vec<String> = match secrets.text(value, Cut::default()) {
            Cow::Owned(hidden) if value.split(';').count() == hidden.split(';').count() => {
                let pairs = value.split(';').zip(hidden.split(';'));
                let shown = pairs.map(|(pair, hidden)| {
                    if pair == hidden {
                        named(pair)
                    } else {
                        hidden.trim().to_owned()
                    }
                });
                shown.collect()
            }
            Cow::Owned(hidden) if !value.contains(';') => vec![hidden],
            Cow::Owned(_) => vec![HIDDEN.to_owned()],
            Cow::Borrowed(_) => value.split(';').map(named).collect(),
        };
        *value = shown.join("; ");
    }

    /// A credential: a known secret is replaced by its placeholder; an unknown one is masked except for its scheme.
    pub(super) fn credential(self, value: &mut String) {
        if value.is_empty() || value == "(absent)" || self.is_recorded {
            return;
        }
        let secrets = Pass { other: None, ..self };
        if let Cow::Owned(hidden) = secrets.text(value, Cut::default()) {
            *value = one_by_one(value, &hidden);
            return;
        }
        *value = match value.split_once(' ') {
            Some((scheme, rest)) if !rest.trim().is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                format!("{scheme} {HIDDEN}")
            }
            None if value.eq_ignore_ascii_case("bearer") || value.eq_ignore_ascii_case("basic") => return,
            _ => HIDDEN.to_owned(),
        };
    }
}

/// Replaces the bytes of a content by what `hide` makes of them, and truncates them.
fn content_with(content: &mut Content, mut cut: Cut, most: usize, hide: impl Fn(&[u8], Cut) -> Option<Vec<u8>>) {
    content.keep(MAX_READ);
    cut.end |= content.is_cut();
    if let Some(hidden) = hide(content.bytes(), cut) {
        content.replace(hidden);
    }
    content.keep(most);
}

/// A credential in which secrets were masked. Items of a list, such as cookies, without a secret are masked completely.
fn one_by_one(value: &str, hidden: &str) -> String {
    let has_scheme = value.split_once(' ').is_some_and(|(scheme, _)| is_scheme(scheme));
    if has_scheme || !value.contains(';') {
        return hidden.to_owned();
    }
    if value.split(';').count() != hidden.split(';').count() {
        return HIDDEN.to_owned();
    }
    let shown = |(part, hidden): (&str, &str)| {
        let is_hidden = part == hidden && !part.trim().is_empty();
        if is_hidden {
            HIDDEN.to_owned()
        } else {
            hidden.trim().to_owned()
        }
    };
    let parts: Vec<_> = value.split(';').zip(hidden.split(';')).map(shown).collect();
    parts.join("; ")
}

/// Whether a credential is only the location of a captured value, as in [`Repeat::request`], after its scheme.
fn is_only_places(value: &str) -> bool {
    let rest = value.split_once(' ').filter(|(scheme, _)| is_scheme(scheme));
    let rest = rest.map_or(value, |(_, rest)| rest);
    let inner = rest.strip_prefix("{{ ").and_then(|rest| rest.strip_suffix(" }}"));
    inner.is_some_and(|name| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_ |".contains(&byte);
        name.len() <= 80 && name.bytes().all(is_word)
    })
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known))
}
