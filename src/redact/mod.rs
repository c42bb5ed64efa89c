//! The one point between a run and everything that leaves the process: secrets go in, their names come out.
//!
//! Reporters take [`Redacted`] events only, and only a [`Redactor`] makes them.

mod finder;
mod unescape;

use std::{fmt::Write as _, ops::Deref};

use finder::Finder;

use crate::{
    check::{Finding, Level, QUOTED},
    event::{
        CaseFinished, CaseRetried, CaseSlow, CaseStarted, Event, Exchange, RunFinished, RunStarted, TargetAwaited, Try,
    },
    exchange::{Answer, CREDENTIALS, Content, Failure, HIDDEN, Malformed, Reply, Request},
    project::Secret,
    suite::Filter,
};

/// Longest value that a finding quotes, in characters.
const SHOWN: usize = 600;
/// Longest diff, in bytes.
const LONG: usize = 32 << 10;
/// Longest body that leaves, in bytes.
const BODY: usize = 256 << 10;
/// Longest excerpt of an answer that cannot be read, in bytes.
const EXCERPT: usize = 2 << 10;
/// Most findings of one try.
const FINDINGS: usize = 100;

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
    finder: Option<Finder>,
    marks: Vec<String>,
}

impl Redactor {
    /// Takes secrets by name; each is shown as `$NAME`.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>) -> Self {
        let mut values = Vec::new();
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
            values.extend(made.into_iter().zip(marks_of(name)));
            marks.extend(marks_of(name));
        }
        Self {
            finder: Finder::new(values),
            marks,
        }
    }

    /// Text with every form of every secret hidden.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.hide(&mut text);
        text
    }

    /// An event with every form of every secret hidden, and every credential.
    pub fn event(&self, mut event: Event) -> Redacted<Event> {
        match &mut event {
            Event::RunStarted(started) => self.started(started),
            Event::TargetAwaited(TargetAwaited { reason, left_us: _ }) => self.quote(reason),
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
                self.quote(reason);
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
        if let Some(hidden) = self.finder.as_ref().and_then(|finder| finder.hide(text.as_bytes())) {
            *text = String::from_utf8(hidden)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        }
    }

    /// How far a secret can reach, in bytes: what was cut before it came here is a piece of one at most so near its end.
    fn reach(&self) -> usize {
        self.finder.as_ref().map_or(0, Finder::reach)
    }

    /// Hides first and shortens then: a cut through a secret would leave a part of it.
    fn quote(&self, text: &mut String) {
        let was_cut = text.len() >= QUOTED;
        self.hide(text);
        if was_cut {
            text.truncate(text.floor_char_boundary(text.len().saturating_sub(self.reach())));
        }
        if let Some((end, _)) = text.char_indices().nth(SHOWN) {
            let more = text.len() - end;
            text.truncate(end);
            let least = if was_cut { "more than " } else { "" };
            let _ = write!(text, "… ({least}{more} more bytes)");
        }
    }

    fn long_text(&self, text: &mut String) {
        self.hide(text);
        if text.len() > LONG {
            text.truncate(text.floor_char_boundary(LONG));
            text.push_str("\n… (cut)");
        }
    }

    fn hide_bytes(&self, content: &mut Content, most: usize) {
        let was_cut = content.bytes().len() > most + self.reach();
        content.keep(most + self.reach());
        if let Some(hidden) = self.finder.as_ref().and_then(|finder| finder.hide(content.bytes())) {
            content.replace(hidden);
        }
        let whole = content.bytes().len();
        content.keep(if was_cut {
            most.min(whole.saturating_sub(self.reach()))
        } else {
            most
        });
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
            partition: _,
            folder,
            flaky: _,
        } = started;
        if let Some(folder) = folder {
            self.hide(folder);
        }
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
            self.quote(reason);
        }
        if findings.len() > FINDINGS {
            // What fails the case stays before what only warns.
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
            let more = findings.len() - FINDINGS;
            findings.truncate(FINDINGS);
            let message = format!("{more} more findings are left out");
            let level = findings.first().map_or(Level::Warn, |finding| finding.level);
            findings.push(Finding {
                level,
                ..Finding::new("findings", message)
            });
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
        self.quote(message);
        for text in [expected, actual].into_iter().flatten() {
            if is_credential {
                self.credential(text);
            }
            self.quote(text);
        }
        if let Some(pointer) = pointer {
            self.quote(pointer);
        }
        if let Some(diff) = diff {
            self.long_text(diff);
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
        self.hide_bytes(body, BODY);
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
                self.hide_bytes(body, BODY);
                self.hide_bytes(excess, EXCERPT);
                for text in [reason, cut].into_iter().flatten() {
                    self.hide(text);
                }
            }
            Reply::Malformed(Malformed {
                reason,
                bytes,
                elapsed_us: _,
            }) => {
                self.quote(reason);
                self.hide_bytes(bytes, EXCERPT);
            }
            Reply::Failure(Failure {
                kind: _,
                message,
                elapsed_us: _,
            }) => self.quote(message),
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        let secret = Secret::new(secret.to_owned()).unwrap();
        Redactor::new([("token", &secret)])
    }

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let secret = "s3cr+t/\"wörd\" &='<x>";
        let hide = redactor(secret);
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let json = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
        let percent = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let in_ascii = "s3cr\\u002Bt/\\u0022w\\u00F6rd\\u0022 \\u0026=\\u0027\\u003Cx\\u003e";
        let entities = "s3cr&#43;t/&quot;w&#xF6;rd&quot; &amp;=&#39;&lt;x&gt;";
        for form in [
            secret.to_owned(),
            json(secret),
            json(&json(secret)),
            percent(secret),
            percent(secret).to_lowercase(),
            percent(&percent(secret)),
            percent(&json(secret)),
            percent(&encode(secret)),
            percent(secret).replace("%20", "+"),
            json(secret).replace('/', "\\/"),
            format!("{secret:?}"),
            format!("{:?}", json(secret)),
            in_ascii.to_owned(),
            percent(in_ascii),
            entities.to_owned(),
            entities.replace('&', "\\u0026"),
            encode(secret).replace('/', "\\/"),
            secret.to_uppercase(),
            secret
                .bytes()
                .fold(String::new(), |hex, byte| hex + &format!("{byte:02X}")),
        ] {
            let shown = hide.text(&format!("a {form} b"));
            assert!(
                shown.contains("TOKEN") && shown.starts_with("a ") && shown.ends_with(" b") && shown.len() < 32,
                "{form} -> {shown}"
            );
            assert_eq!(hide.text(&shown), shown);
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
    fn what_is_no_secret_stays_as_it_is() {
        let hide = redactor("s3cr+t/word");
        for text in ["", "%zz %41 \\u0041 &amp; \\", "s3cr+t/wo", "S3CR", "ünïcode \u{0}"] {
            assert_eq!(hide.text(text), text);
        }
    }

    #[test]
    fn a_cut_through_a_secret_leaves_no_part_of_it() {
        let hide = redactor("the-very-secret-token");
        for lead in [SHOWN - 30, SHOWN - 10, SHOWN - 3, QUOTED - 12, QUOTED - 3] {
            let mut text = format!("{}the-very-secret-token{}", "x".repeat(lead), "y".repeat(40));
            // As a finding holds it.
            text.truncate(QUOTED);
            hide.quote(&mut text);
            assert!(!text.contains("the-"), "{lead}: {text}");
        }
        // Where all that goes before is hidden too, the piece at the end comes near.
        let mut text = "the-very-secret-token ".repeat(QUOTED / 22 + 1);
        text.truncate(QUOTED);
        hide.quote(&mut text);
        assert!(!text.contains("the-"), "{text}");
        let long = "the-very-secret-token".repeat(BODY / 21 + 2000);
        for most in [BODY, BODY - 5] {
            let mut content = Content::from(long.clone());
            hide.hide_bytes(&mut content, most);
            let left = content.text().replace("$TOKEN", "");
            assert!(content.is_cut() && !left.contains("the") && left.len() < 8, "{left}");
            assert_eq!(content.length(), long.len());
        }
    }

    #[test]
    fn a_try_keeps_so_many_findings_and_says_how_many_more_there_were() {
        let mut one = Try {
            findings: vec![Finding::new("status", "wrong"); FINDINGS + 5],
            ..Try::default()
        };
        redactor("the-secret").one_try(&mut one);
        assert_eq!(one.findings.len(), FINDINGS + 1);
        assert_eq!(one.findings[FINDINGS].message, "5 more findings are left out");
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
