//! Hiding in each part of an event, and cutting it to what is shown.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use serde_json::Value;

use super::{
    forms::{self, Cut, Finder, is_scheme},
    other::body_cut,
};
use crate::{
    check::{MAX_DECODED, ResponseView, RuleInfo, rule_of},
    model::{
        Answer, CREDENTIALS, CheckId, Content, Failure, Finding, HIDDEN, Level, Malformed, QUOTED, Reply, Request,
    },
};

/// Most characters of a value, a message or a reason.
pub(super) const QUOTE: usize = 600;
/// Most characters of a JSON pointer.
const POINTER: usize = 4096;
/// Most bytes of a diff.
const DIFF: usize = 16 * 1024;
/// Most bytes of each body.
pub(super) const BODY: usize = 256 * 1024;
/// Most bytes of what stands for an answer that cannot be read, or follows one.
const EXCERPT: usize = 2 * 1024;
/// Most bytes in which something is hidden, of what is cut to less afterwards.
pub(super) const READ: usize = 4 * BODY;
/// Most findings of one try.
pub(super) const FINDINGS: usize = 100;

/// What is hidden: secrets, and what one exchange holds besides.
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
        let hidden = forms::hide(self.secrets(), bytes, cut, HIDDEN);
        let before = hidden.as_deref().unwrap_or(bytes);
        forms::hide(self.other.into_iter(), before, cut, HIDDEN).or(hidden)
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

    /// Hides in a unified diff, on each side of it.
    fn diff(self, diff: &mut String) {
        if let Some(hidden) = forms::hide_in_diff(self.secrets(), diff, HIDDEN) {
            *diff = String::from_utf8_lossy(&hidden).into_owned();
        }
        if let Some(hidden) = forms::hide_in_diff(self.other.into_iter(), diff, HIDDEN) {
            *diff = String::from_utf8_lossy(&hidden).into_owned();
        }
    }

    /// Hides in a value, strings and keys at any depth.
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

    /// Hides in a text that quotes something, and cuts it to what a reader can take in.
    pub(super) fn quote(self, text: &mut String, cut: Cut) {
        self.shorten(text, cut, QUOTE);
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

    /// Hides in bytes, and keeps no more of them than anybody looks at.
    pub(super) fn content(self, content: &mut Content, mut cut: Cut, most: usize) {
        content.keep(READ);
        cut.end |= content.is_cut();
        if let Some(hidden) = self.bytes(content.bytes(), cut) {
            content.replace(hidden);
        }
        content.keep(most);
    }

    /// Hides in all findings of a try. Of very many the first are kept, those that fail the case before others.
    pub(super) fn findings(self, findings: &mut Vec<Finding>) {
        if findings.len() > FINDINGS {
            let all = findings.len();
            let denied = findings.iter().filter(|finding| finding.level == Level::Deny).count();
            let (mut deny, mut warn) = (denied.min(FINDINGS), FINDINGS - denied.min(FINDINGS));
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
                format!("{} more findings are left out", all - FINDINGS),
            );
            more.level = level;
            more.place = findings.last().and_then(|finding| finding.place.clone());
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
            place: _,
            diff,
        } = finding;
        let is_credential = check.quotes_credentials();
        // What leaks is an excerpt of a body, which begins and ends anywhere.
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
            self.shorten(pointer, Cut::default(), POINTER);
        }
        if let Some(diff) = diff {
            self.diff(diff);
            if diff.len() > DIFF {
                let end = diff[..diff.floor_char_boundary(DIFF)]
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
        self.content(body, Cut::default(), BODY);
    }

    pub(super) fn reply(self, reply: &mut Reply) {
        match reply {
            Reply::Answer(answer) => {
                self.decoded(answer);
                let cut = body_cut(answer);
                let Answer {
                    version: _,
                    status: _,
                    reason,
                    headers,
                    body,
                    cut: cut_short,
                    excess,
                    syntax,
                    received: _,
                    elapsed_us: _,
                } = answer;
                self.headers(headers);
                self.content(body, cut, BODY);
                self.content(excess, Cut::START, EXCERPT);
                for fault in syntax {
                    self.content(&mut fault.bytes, Cut::default(), EXCERPT);
                }
                for text in [reason, cut_short].into_iter().flatten() {
                    self.hide(text);
                }
            }
            Reply::Malformed(Malformed {
                reason,
                bytes,
                elapsed_us: _,
            }) => {
                self.quote(reason, Cut::default());
                self.content(bytes, Cut::default(), EXCERPT);
            }
            Reply::Failure(Failure {
                kind: _,
                message,
                elapsed_us: _,
            }) => self.quote(message, Cut::default()),
        }
    }

    /// Secrets in a body with a content coding can only be found in the decoded bytes, which then take its place.
    fn decoded(self, answer: &mut Answer) {
        if answer.body.is_empty() || answer.header("content-encoding").next().is_none() {
            return;
        }
        let view = ResponseView::new(answer, MAX_DECODED);
        let hidden = view.bytes().ok().and_then(|bytes| self.bytes(bytes, Cut::default()));
        if let Some(hidden) = hidden {
            answer.body.replace_decoded(hidden);
        }
    }

    fn headers(self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                self.cookie(value);
            } else if is_credential(name) {
                self.credential(value);
            } else {
                self.hide(value);
            }
            self.hide(name);
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

    /// A credential: a known secret by its name; one that is not known not at all, but for its scheme.
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

/// A credential in which secrets were hidden. Where it is a list, as in cookies, what holds no secret is hidden whole.
fn one_by_one(value: &str, hidden: &str) -> String {
    let has_scheme = value.split_once(' ').is_some_and(|(scheme, _)| is_scheme(scheme));
    if has_scheme || !value.contains(';') {
        return hidden.to_owned();
    }
    if value.split(';').count() != hidden.split(';').count() {
        return HIDDEN.to_owned();
    }
    let told = |(part, hidden): (&str, &str)| {
        let is_hidden = part == hidden && !part.trim().is_empty();
        if is_hidden {
            HIDDEN.to_owned()
        } else {
            hidden.trim().to_owned()
        }
    };
    let parts: Vec<_> = value.split(';').zip(hidden.split(';')).map(told).collect();
    parts.join("; ")
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known))
}
