//! The one point between a run and everything that leaves the process: secrets go in, their names come out.
//!
//! Reporters take [`Redacted`] events only, and only a [`Redactor`] makes them.

use std::{fmt::Write as _, ops::Deref};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    check::Finding,
    event::{
        CaseFinished, CaseRetried, CaseSlow, CaseStarted, Event, Exchange, RunFinished, RunStarted, TargetAwaited, Try,
    },
    exchange::{Answer, Content, Failure, Malformed, Reply, Request},
    project::Secret,
    suite::Filter,
};

/// What stands for a credential that is no known secret.
pub(crate) const HIDDEN: &str = "[hidden]";
/// Header fields whose values are credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
/// The shortest piece of base64 that is looked for: shorter ones occur by chance.
const SHORTEST_PIECE: usize = 6;

/// What stands for the secret of this name, and for what can be made of it: `$TOKEN`, `${TOKEN%?}`. Each is what a
/// shell writes for the same, so that a command with it can be run.
pub fn marks_of(name: &str) -> [String; 5] {
    let name = name.to_ascii_uppercase();
    [
        format!("${name}"),
        format!("${{{name}~~}}"),
        format!("${{{name}%?}}"),
        format!("${{{name},,}}"),
        format!("${{{name}^^}}"),
    ]
}

/// A value without secrets in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl Redacted<Event> {
    /// An event of a recording: it was redacted before it was written.
    pub(crate) fn recorded(event: Event) -> Self {
        Self(event)
    }

    /// The event, to be judged again.
    pub(crate) fn into_inner(self) -> Event {
        self.0
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Knows every form of every secret.
#[derive(Debug)]
pub struct Redactor {
    finder: Option<AhoCorasick>,
    /// The mark of each pattern of the finder.
    pattern_marks: Vec<String>,
    marks: Vec<String>,
}

impl Redactor {
    /// Takes secrets by name; each is shown as `$NAME`.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>) -> Self {
        let mut forms: Vec<(String, String)> = Vec::new();
        let mut marks = Vec::new();
        for (name, secret) in secrets {
            let secret = secret.expose();
            let made = [
                secret.to_owned(),
                Filter::SwapCase.apply(secret),
                Filter::DropLast.apply(secret),
                secret.to_lowercase(),
                secret.to_uppercase(),
            ];
            for (value, mark) in made.into_iter().zip(marks_of(name)) {
                for form in forms_of(&value) {
                    if !forms.iter().any(|(known, _)| *known == form) {
                        forms.push((form, mark.clone()));
                    }
                }
                marks.push(mark);
            }
        }
        let finder = (!forms.is_empty())
            .then(|| {
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(forms.iter().map(|(form, _)| form))
                    .ok()
            })
            .flatten();
        Self {
            finder,
            pattern_marks: forms.into_iter().map(|(_, mark)| mark).collect(),
            marks,
        }
    }

    /// Text with every form of every secret hidden.
    pub fn text(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) if finder.is_match(text) => finder.replace_all(text, &self.pattern_marks),
            _ => text.to_owned(),
        }
    }

    /// An event with every form of every secret hidden, and every credential.
    pub fn event(&self, mut event: Event) -> Redacted<Event> {
        match &mut event {
            Event::RunStarted(started) => self.started(started),
            Event::TargetAwaited(TargetAwaited { reason, left_us: _ }) => self.hide(reason),
            Event::CaseStarted(CaseStarted { id, index: _ })
            | Event::CaseSlow(CaseSlow {
                id,
                index: _,
                elapsed_us: _,
            }) => self.hide(id),
            Event::CaseRetried(CaseRetried {
                id,
                index: _,
                number: _,
                most: _,
                reason,
                elapsed_us: _,
                wait_us: _,
            }) => {
                self.hide(id);
                self.hide(reason);
            }
            Event::CaseFinished(finished) => self.finished(finished),
            Event::SnapshotUnused { path } => self.hide(path),
            Event::RunFinished(RunFinished {
                counts: _,
                elapsed_us: _,
                stopped: _,
                exit_code: _,
            }) => {}
        }
        Redacted(event)
    }

    fn hide(&self, text: &mut String) {
        if let Some(finder) = &self.finder
            && finder.is_match(text.as_str())
        {
            *text = finder.replace_all(text, &self.pattern_marks);
        }
    }

    fn hide_bytes(&self, content: &mut Content) {
        if let Some(finder) = &self.finder
            && finder.is_match(content.bytes())
        {
            let marks: Vec<_> = self.pattern_marks.iter().map(String::as_bytes).collect();
            content.replace(finder.replace_all_bytes(content.bytes(), &marks));
        }
    }

    // Every field is named below, so that a new one cannot be forgotten: it does not compile.

    fn started(&self, started: &mut RunStarted) {
        let RunStarted {
            format: _,
            tool: _,
            started: _,
            target,
            base_url,
            suites: _,
            cases: _,
            secrets: _,
            vars,
            suite_hash: _,
            commit: _,
            flaky: _,
        } = started;
        self.hide(target);
        self.hide(base_url);
        for value in vars.values_mut() {
            if let serde_json::Value::String(text) = value {
                self.hide(text);
            }
        }
    }

    fn finished(&self, finished: &mut CaseFinished) {
        let CaseFinished {
            id,
            suite,
            index: _,
            name,
            tags,
            place: _,
            verdict: _,
            passed_before: _,
            last,
            earlier,
            snapshot,
        } = finished;
        self.hide(id);
        self.hide(suite);
        for text in [name, snapshot].into_iter().flatten().chain(tags) {
            self.hide(text);
        }
        for one in earlier.iter_mut().chain([last]) {
            self.one_try(one);
        }
    }

    fn one_try(&self, one: &mut Try) {
        let Try {
            reason,
            started: _,
            elapsed_us: _,
            findings,
            exchange,
        } = one;
        if let Some(reason) = reason {
            self.hide(reason);
        }
        for finding in findings {
            self.finding(finding);
        }
        if let Some(Exchange { request, reply }) = exchange {
            self.request(request);
            self.reply(reply);
        }
    }

    fn finding(&self, finding: &mut Finding) {
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
        let is_credential = check
            .strip_prefix("header/")
            .is_some_and(|name| CREDENTIALS.contains(&name));
        self.hide(message);
        for text in [expected, actual].into_iter().flatten() {
            if is_credential {
                self.credential(text);
            } else {
                self.hide(text);
            }
        }
        for text in [pointer, diff].into_iter().flatten() {
            self.hide(text);
        }
    }

    fn request(&self, request: &mut Request) {
        let Request {
            method,
            url,
            headers,
            body,
        } = request;
        self.hide(method);
        self.hide(url);
        self.headers(headers);
        self.hide_bytes(body);
    }

    fn reply(&self, reply: &mut Reply) {
        match reply {
            Reply::Answer(Answer {
                version: _,
                status: _,
                reason,
                headers,
                body,
                cut,
                excess,
                received: _,
                elapsed_us: _,
            }) => {
                self.headers(headers);
                self.hide_bytes(body);
                self.hide_bytes(excess);
                for text in [reason, cut].into_iter().flatten() {
                    self.hide(text);
                }
            }
            Reply::Malformed(Malformed {
                reason,
                bytes,
                elapsed_us: _,
            }) => {
                self.hide(reason);
                self.hide_bytes(bytes);
            }
            Reply::Failure(Failure {
                kind: _,
                message,
                elapsed_us: _,
            }) => self.hide(message),
        }
    }

    fn headers(&self, headers: &mut [(String, String)]) {
        for (name, value) in headers {
            self.hide(name);
            if CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                self.credential(value);
            } else {
                self.hide(value);
            }
        }
    }

    /// A credential: a known secret by its name; one that is not known not at all, but for its scheme.
    fn credential(&self, value: &mut String) {
        self.hide(value);
        if value.is_empty() || value == "(absent)" || self.marks.iter().any(|mark| value.contains(mark.as_str())) {
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

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Every form in which a secret can come back.
fn forms_of(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for set in [UNRESERVED, NON_ALPHANUMERIC] {
        let upper = utf8_percent_encode(secret, set).to_string();
        forms.push(lower_escapes(&upper));
        forms.push(upper.replace("%20", "+"));
        forms.push(upper);
    }
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let json = json[1..json.len() - 1].to_owned();
    forms.push(json.replace('/', "\\/"));
    forms.push(ascii_json(secret));
    // A finding quotes text that was quoted already.
    forms.push(json.replace('\\', "\\\\").replace('"', "\\\""));
    forms.push(
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
    );
    forms.push(json);
    for engine in [
        base64::engine::general_purpose::STANDARD_NO_PAD,
        base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ] {
        // In base64 the same bytes look different at each of three offsets; only whole groups are certain.
        for offset in 0..3 {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(secret.as_bytes());
            let whole = engine.encode(&bytes);
            let from = [0, 2, 3][offset];
            let to = if bytes.len() % 3 == 0 {
                whole.len()
            } else {
                bytes.len() / 3 * 4 + bytes.len() % 3
            };
            let piece = whole.get(from..to).unwrap_or_default();
            if piece.len() >= SHORTEST_PIECE {
                forms.push(piece.to_owned());
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    forms.sort();
    forms.dedup();
    forms
}

fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let end = (at + 3).min(rest.len());
        out.push_str(&rest[..at]);
        out.push_str(&rest[at..end].to_ascii_lowercase());
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The secret in a JSON string in which everything that is not ASCII is escaped.
fn ascii_json(secret: &str) -> String {
    let mut out = String::new();
    for c in secret.chars() {
        if c.is_ascii() {
            let one = serde_json::Value::String(c.to_string()).to_string();
            out.push_str(&one[1..one.len() - 1]);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        let secret = Secret::new(secret.to_owned()).unwrap();
        Redactor::new([("token", &secret)])
    }

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let secret = "s3cr+t/\"wörd\" &=";
        let hide = redactor(secret);
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        for form in [
            secret.to_owned(),
            serde_json::to_string(secret).unwrap(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().to_lowercase(),
            "s3cr%2Bt%2F%22w%C3%B6rd%22+%26%3D".to_owned(),
            "s3cr+t/\\\"w\\u00f6rd\\\" &=".to_owned(),
        ] {
            let shown = hide.text(&format!("a {form} b"));
            assert!(shown.contains("$TOKEN") && !shown.contains("s3cr"), "{form} -> {shown}");
        }
        for around in ["", "a", "ab", "user:", "x:y:"] {
            for after in ["", "z", "zz"] {
                let form = encode(&format!("{around}{secret}{after}"));
                let shown = hide.text(&form);
                assert!(shown.contains("$TOKEN"), "{around}|{after} -> {shown}");
                // What is left over is too little to tell anything but the ends.
                assert!(shown.replace("$TOKEN", "").len() < 16, "{around}|{after} -> {shown}");
            }
        }
    }

    #[test]
    fn a_credential_that_is_no_known_secret_is_hidden_but_for_its_scheme() {
        let hide = redactor("the-secret");
        let shown = |value: &str| {
            let mut value = value.to_owned();
            hide.credential(&mut value);
            value
        };
        assert_eq!(shown("Bearer the-secret"), "Bearer $TOKEN");
        assert_eq!(shown("Bearer xthe-secret"), "Bearer x$TOKEN");
        assert_eq!(shown("Bearer other"), "Bearer [hidden]");
        assert_eq!(shown("session=1; Path=/"), "[hidden]");
        assert_eq!(shown("Bearer"), "Bearer");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn longer_secrets_are_hidden_whole() {
        let (short, long) = (
            Secret::new("abcdef".to_owned()).unwrap(),
            Secret::new("abcdefghij".to_owned()).unwrap(),
        );
        let hide = Redactor::new([("short", &short), ("long", &long)]);
        assert_eq!(hide.text("abcdefghij abcdef"), "$LONG $SHORT");
    }
}
