//! Masking of secrets in everything that leaves the process: values are replaced by placeholders with their names.
//!
//! Reporters take [`Masked`] events only, and only a [`Masker`] makes them. Texts are truncated
//! only after masking, because a truncated secret would not be found.

#[cfg(test)]
mod closed_list;
mod forms;
mod json;
mod other;
mod pass;
mod reading;
mod sink;
mod unescape;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use forms::{Cut, Finder, Forms};
use other::Other;
use pass::Pass;
pub use sink::{Masked, Reporter};

use crate::{
    check::{HideText, SnapshotMask},
    model::{
        Access, Attempt, CaseFinished, CaseRetried, CaseSlow, CaseStarted, Event, Exchange, HIDDEN, Request, Response,
        RunFinished, RunStarted, RunStopping, Step, StepFinished, TargetAwaited, Verdict, marks_of,
    },
    project::Secret,
    suite::Filter,
};

/// Maximum number of cached finders for values of single exchanges.
const MAX_OTHERS: usize = 64;

/// Knows every form of every secret.
#[derive(Debug)]
pub struct Masker {
    finder: Option<Finder>,
    /// Secrets that were learned during the run.
    learned: RwLock<Learned>,
    /// Cached finders for values of single exchanges, which often repeat.
    others: Mutex<HashMap<Vec<Other>, Option<Arc<Finder>>>>,
    /// Whether everything was already masked, so that placeholders are not credentials.
    is_recorded: bool,
    /// The placeholders of secrets.
    marks: Vec<String>,
}

/// Secrets that were learned during a run. There can be one for each case, so they are kept in groups of doubling size: a
/// secret is built into a finder about log n times.
#[derive(Debug)]
struct Learned {
    groups: Vec<Vec<(String, String)>>,
    /// One for each group.
    finders: Arc<[Arc<Finder>]>,
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            finders: Arc::new([]),
        }
    }
}

impl Learned {
    fn add(&mut self, name: &str, secret: &Secret) {
        let new = (name.to_owned(), secret.expose().to_owned());
        if self.groups.iter().flatten().any(|known| known.1 == new.1) {
            return;
        }
        let mut group = vec![new];
        while let Some(last) = self.groups.pop_if(|last| last.len() <= group.len()) {
            group.extend(last);
        }
        let secrets: Vec<_> = group
            .iter()
            .map(|(name, secret)| (secret.as_str(), marks_of(name)))
            .collect();
        let finder = Finder::new(forms_of(&secrets)).map(Arc::new);
        let before = self.finders.iter().take(self.groups.len()).cloned();
        self.finders = before.chain(finder).collect();
        self.groups.push(group);
    }
}

/// Every form of secrets, each with its placeholders.
fn forms_of(secrets: &[(&str, [String; 5])]) -> Forms {
    let mut forms = Forms::default();
    // Of two equal forms, the one that is a secret itself determines the name.
    for (secret, marks) in secrets {
        forms.add(secret.as_bytes(), &marks[0]);
    }
    for (secret, marks) in secrets {
        let made = [
            (*secret).to_owned(),
            Filter::SwapCase.apply(secret).unwrap_or_default(),
            Filter::DropLast.apply(secret).unwrap_or_default(),
            secret.to_lowercase(),
            secret.to_uppercase(),
        ];
        for (value, mark) in made.iter().zip(marks) {
            forms.add(value.as_bytes(), mark);
        }
        for (value, mark) in made.iter().zip(marks) {
            forms.add_encoded(value, mark);
        }
        // Whitespace at its ends is removed in a header.
        let sent = secret.trim();
        forms.add(sent.as_bytes(), &marks[0]);
        forms.add_encoded(sent, &marks[0]);
        forms.add_transcoded(sent, &marks[0], HIDDEN);
    }
    forms
}

impl SnapshotMask for Masker {
    fn marks(&self) -> &[String] {
        &self.marks
    }

    fn of_exchange<'m>(&'m self, request: &Request, response: &Response) -> Option<HideText<'m>> {
        let learned = self.learned();
        let other = self.finder_of(other::of_response(request, response, &self.known(&learned)));
        if self.finder.is_none() && other.is_none() && learned.is_empty() {
            return None;
        }
        Some(Box::new(move |text| {
            let pass = Pass {
                other: other.as_deref(),
                ..self.pass(&learned)
            };
            pass.text(text, Cut::default()).into_owned()
        }))
    }
}

impl Masker {
    /// Takes secrets by name; each is shown as `$NAME`.
    pub fn new<'s>(secrets: impl IntoIterator<Item = (&'s str, &'s Secret)>) -> Self {
        let secrets: Vec<_> = secrets
            .into_iter()
            .map(|(name, secret)| (secret.expose(), marks_of(name)))
            .collect();
        let forms = forms_of(&secrets);
        Self {
            finder: Finder::new(forms),
            learned: RwLock::default(),
            others: Mutex::default(),
            is_recorded: false,
            marks: secrets
                .into_iter()
                .flat_map(|(_, marks)| marks)
                .chain([HIDDEN.to_owned()])
                .collect(),
        }
    }

    /// With the names of secrets that will be learned.
    #[must_use]
    pub fn expecting<'s>(mut self, names: impl IntoIterator<Item = &'s str>) -> Self {
        self.marks.extend(names.into_iter().flat_map(marks_of));
        self
    }

    /// For events that are already masked: only size limits are applied.
    pub(crate) fn recorded() -> Self {
        Self {
            finder: None,
            learned: RwLock::default(),
            others: Mutex::default(),
            is_recorded: true,
            marks: Vec::new(),
        }
    }

    /// Learns a secret during the run: from now on it is shown as `$NAME`, too.
    pub fn learn(&self, name: &str, secret: &Secret) {
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        learned.add(name, secret);
    }

    /// The finders for all secrets.
    fn known<'f>(&'f self, learned: &'f [Arc<Finder>]) -> Vec<&'f Finder> {
        let learned = learned.iter().map(|finder| &**finder);
        self.finder.iter().chain(learned).collect()
    }

    /// The finders for learned secrets.
    fn learned(&self) -> Arc<[Arc<Finder>]> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&learned.finders)
    }

    /// Text with every form of every secret hidden.
    pub fn text(&self, text: &str) -> String {
        self.pass(&self.learned()).text(text, Cut::default()).into_owned()
    }

    /// Hides every form of every secret and every credential in a request.
    pub fn request(&self, request: &mut Request) {
        let learned = self.learned();
        let other = self.finder_of(other::of_request(request, &self.known(&learned)));
        let pass = Pass {
            other: other.as_deref(),
            ..self.pass(&learned)
        };
        pass.request(request);
    }

    /// The text of a snapshot of this exchange with every form of every secret hidden, and every credential that was
    /// sent.
    pub fn snapshot(&self, text: &str, exchange: &Exchange) -> String {
        let (other, learned) = (self.other(exchange), self.learned());
        let pass = Pass {
            other: other.as_deref(),
            ..self.pass(&learned)
        };
        pass.text(text, Cut::default()).into_owned()
    }

    /// Why an attempt did not pass, in one line with every form of every secret hidden.
    pub(crate) fn summary(&self, one: &Attempt) -> Option<String> {
        let mut one = one.clone();
        self.attempt(&mut one, true, &self.learned());
        one.summary()
    }

    /// An event with every form of every secret and every credential masked, and long texts truncated.
    pub fn event(&self, event: Event) -> Masked<Event> {
        self.event_for(event, true)
    }

    /// The same for readers that do not need the exchanges of passed cases: these are dropped, which is faster than masking.
    pub fn event_for(&self, mut event: Event, reads_passed: bool) -> Masked<Event> {
        let learned = self.learned();
        let pass = self.pass(&learned);
        match &mut event {
            Event::RunStarted(started) => Self::started(pass, started),
            Event::TargetAwaited(TargetAwaited { reason, left_us: _ }) => pass.quote(reason, Cut::default()),
            Event::CaseStarted(CaseStarted { id, index: _ })
            | Event::CaseSlow(CaseSlow {
                id,
                index: _,
                elapsed_us: _,
            }) => pass.hide(id),
            Event::CaseRetried(CaseRetried {
                id,
                index: _,
                number: _,
                most: _,
                reason,
                elapsed_us: _,
                wait_us: _,
            }) => {
                pass.hide(id);
                pass.quote(reason, Cut::default());
            }
            Event::RunStopping(RunStopping {
                signal: _,
                cases,
                most_us: _,
            }) => cases.iter_mut().for_each(|one| pass.hide(&mut one.id)),
            Event::StepFinished(one) => {
                let StepFinished { id, index: _, step } = &mut **one;
                pass.hide(id);
                let mut attempt = Attempt::of(std::mem::take(step));
                self.attempt(&mut attempt, reads_passed, pass.learned);
                *step = attempt.steps.pop().unwrap_or_default();
            }
            Event::CaseFinished(finished) => self.finished(pass, finished, reads_passed),
            Event::SnapshotUnused { path } => pass.hide(path),
            Event::RunFinished(RunFinished {
                counts: _,
                project_cases: _,
                max_skipped: _,
                elapsed_us: _,
                stopped: _,
                exit_code: _,
            }) => {}
        }
        Masked(event)
    }

    // Every field is named below, so that a new field is a compile error here.

    fn started(pass: Pass<'_>, started: &mut RunStarted) {
        let RunStarted {
            format: _,
            tool: _,
            started: _,
            target,
            base_url,
            endpoints,
            suites: _,
            cases: _,
            secrets: _,
            secret_variables: _,
            access,
            vars,
            suite_hash: _,
            target_digest: _,
            cases_digest: _,
            commit: _,
            partition: _,
            logins: _,
            folder,
            flaky: _,
        } = started;
        if let Some(folder) = folder {
            pass.hide(folder);
        }
        let Access {
            ca_file,
            client_cert,
            client_key,
            identities,
            proxy: _,
            no_proxy: _,
        } = access;
        let of_identities = identities.values_mut().flat_map(|(cert, key)| [cert, key]);
        for file in [ca_file, client_cert, client_key]
            .into_iter()
            .flatten()
            .chain(of_identities)
        {
            pass.hide(file);
        }
        pass.hide(target);
        pass.hide(base_url);
        for url in endpoints.values_mut() {
            pass.hide(url);
        }
        for value in vars.values_mut() {
            pass.value(value);
        }
    }

    fn finished(&self, pass: Pass<'_>, finished: &mut CaseFinished, reads_passed: bool) {
        let CaseFinished {
            id,
            suite,
            index: _,
            name,
            tags,
            location: _,
            verdict,
            passed_before: _,
            digest: _,
            last,
            previous,
            repeats,
            snapshot,
        } = finished;
        pass.hide(id);
        pass.hide(suite);
        for text in [name, snapshot].into_iter().flatten().chain(tags) {
            pass.hide(text);
        }
        for one in previous.iter_mut().chain(repeats) {
            self.attempt(one, true, pass.learned);
        }
        self.attempt(last, reads_passed || *verdict != Verdict::Passed, pass.learned);
    }

    fn attempt(&self, attempt: &mut Attempt, keeps_exchanges: bool, learned: &[Arc<Finder>]) {
        let Attempt { reason, steps } = attempt;
        if !keeps_exchanges && reason.is_none() && steps.iter().all(|step| step.findings.is_empty()) {
            for step in steps {
                step.exchange = None;
                step.repeat = None;
            }
            return;
        }
        // A credential of one step can be in the response of another.
        let exchanges = steps.iter().filter_map(|step| step.exchange.as_ref());
        let known = self.known(learned);
        let values = exchanges.flat_map(|exchange| other::of(exchange, &known));
        let other = self.finder_of(values.collect());
        let pass = Pass {
            other: other.as_deref(),
            ..self.pass(learned)
        };
        if let Some(reason) = reason {
            pass.quote(reason, Cut::default());
        }
        for step in steps {
            Self::step(pass, step, keeps_exchanges);
        }
    }

    fn step(pass: Pass<'_>, step: &mut Step, keeps_exchange: bool) {
        let Step {
            id: _,
            phase: _,
            identity: _,
            omitted,
            skipped: _,
            started: _,
            elapsed_us: _,
            findings,
            exchange,
            polls: _,
            captures,
            generated,
            repeat,
        } = step;
        pass.findings(findings);
        if let Some(reason) = omitted {
            pass.quote(reason, Cut::default());
        }
        for value in captures.values_mut().chain(generated.values_mut()) {
            pass.value(value);
        }
        if !keeps_exchange {
            *exchange = None;
            *repeat = None;
        }
        if let Some(repeat) = repeat {
            pass.repeat(repeat);
        }
        if let Some(Exchange { request, outcome }) = exchange {
            pass.request(request);
            pass.outcome(outcome);
        }
    }

    fn pass<'r>(&'r self, learned: &'r [Arc<Finder>]) -> Pass<'r> {
        Pass {
            finder: self.finder.as_ref(),
            learned,
            other: None,
            is_recorded: self.is_recorded,
        }
    }

    /// A finder for credentials and partial secrets of one exchange.
    fn other(&self, exchange: &Exchange) -> Option<Arc<Finder>> {
        self.finder_of(other::of(exchange, &self.known(&self.learned())))
    }

    fn finder_of(&self, values: Vec<Other>) -> Option<Arc<Finder>> {
        if values.is_empty() || self.is_recorded {
            return None;
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.get(&values) {
            return known.clone();
        }
        if others.len() >= MAX_OTHERS {
            others.clear();
        }
        let mut forms = Forms::default();
        for one in &values {
            match one {
                Other::Credential(text) => {
                    forms.add(text.as_bytes(), HIDDEN);
                    forms.add_encoded(text, HIDDEN);
                }
                Other::Part(bytes) => forms.add(bytes, HIDDEN),
            }
        }
        let finder = Finder::new(forms).map(Arc::new);
        others.insert(values, finder.clone());
        finder
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::{
        pass::{MAX_BODY, MAX_FINDINGS, MAX_QUOTE, MAX_READ},
        *,
    };
    use crate::model::{CheckId, Content, Finding, QUOTED};

    fn masker(secret: &str) -> Masker {
        let secret = Secret::new(secret.to_owned()).unwrap();
        Masker::new([("token", &secret)])
    }

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let secret = "s3cr+t/\"wörd\" &='<x>";
        let hide = masker(secret);
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
                // The rest is too short to identify anything but the ends.
                assert!(shown.replace("$TOKEN", "").len() < 16, "{around}|{after} -> {shown}");
            }
        }
    }

    #[test]
    fn text_without_secret_is_unchanged() {
        let hide = masker("s3cr+t/word");
        for text in ["", "%zz %41 \\u0041 &amp; \\", "s3cr+t/wo", "S3CR", "ünïcode \u{0}"] {
            assert_eq!(hide.text(text), text);
        }
    }

    #[test]
    fn a_cut_through_a_secret_leaves_no_part_of_it() {
        let hide = masker("the-very-secret-token");
        for lead in [MAX_QUOTE - 30, MAX_QUOTE - 10, MAX_QUOTE - 3, QUOTED - 12, QUOTED - 3] {
            let mut text = format!("{}the-very-secret-token{}", "x".repeat(lead), "y".repeat(40));
            // As it is in a finding.
            text.truncate(QUOTED);
            hide.pass(&[]).quote(&mut text, Cut::default());
            assert!(!text.contains("the-"), "{lead}: {text}");
        }
        // Where all that goes before is hidden too, the piece at the end comes near.
        let mut text = "the-very-secret-token ".repeat(QUOTED / 22 + 1);
        text.truncate(QUOTED);
        hide.pass(&[]).quote(&mut text, Cut::default());
        assert!(!text.contains("the-"), "{text}");
        let long = "the-very-secret-token".repeat(MAX_READ / 21 + 2000);
        for most in [MAX_BODY, MAX_BODY - 5] {
            let mut content = Content::from(long.clone());
            hide.pass(&[]).content(&mut content, Cut::default(), most);
            let left = content.text().replace("$TOKEN", "").replace(HIDDEN, "");
            assert!(content.is_cut() && !left.contains("the") && left.len() < 8, "{left}");
            assert_eq!(content.length(), long.len());
        }
    }

    #[test]
    fn findings_of_an_attempt_are_limited_and_the_rest_is_counted() {
        let mut one = Attempt::of(Step {
            findings: vec![Finding::new(CheckId::Status, "wrong"); MAX_FINDINGS + 5],
            ..Step::default()
        });
        masker("the-secret").attempt(&mut one, true, &[]);
        let findings = &one.steps[0].findings;
        assert_eq!(findings.len(), MAX_FINDINGS + 1);
        assert_eq!(findings[MAX_FINDINGS].message, "5 more findings are left out");
    }

    #[test]
    fn dropped_exchange_still_masks_the_findings_that_quote_it() {
        let quoting = || {
            Attempt::of(Step {
                findings: vec![Finding::new(
                    CheckId::rule("http/recommended"),
                    "the cookie sid=0123456789abcdef has no attributes",
                )],
                exchange: Some(Exchange {
                    request: Request {
                        method: "GET".to_owned(),
                        url: "http://127.0.0.1/".to_owned(),
                        headers: vec![("cookie".to_owned(), "sid=0123456789abcdef".to_owned())],
                        body: Content::default(),
                    },
                    outcome: crate::model::Outcome::Failure(crate::model::Failure {
                        kind: crate::model::FailureKind::Timeout,
                        message: String::new(),
                        elapsed_us: 0,
                    }),
                }),
                ..Step::default()
            })
        };
        let hide = masker("the-secret");
        let (mut kept, mut dropped) = (quoting(), quoting());
        hide.attempt(&mut kept, true, &[]);
        hide.attempt(&mut dropped, false, &[]);
        let (kept, dropped) = (&kept.steps[0], &dropped.steps[0]);
        assert_eq!(dropped.exchange, None);
        assert!(!dropped.findings[0].message.contains("0123456789abcdef"));
        assert_eq!(dropped.findings, kept.findings);
    }

    #[test]
    fn unknown_credential_is_masked_except_for_its_scheme() {
        let hide = masker("the-secret");
        let shown = |value: &str| {
            let mut value = value.to_owned();
            hide.pass(&[]).credential(&mut value);
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
    fn signature_is_masked_and_what_it_signs_is_not() {
        let (id, token) = ("AKIDEXAMPLE1", "a-session-token");
        let secrets = [id, token].map(|secret| Secret::new(secret.to_owned()).unwrap());
        let hide = Masker::new([("aws_access_key_id", &secrets[0]), ("aws_session_token", &secrets[1])]);
        let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let field = |name: &str, value: String| (name.to_owned(), value);
        let mut response = Response::mailbox(format!("expected {signature} of {id}"), 0);
        response.version = "HTTP/1.1".to_owned();
        let mut one = Attempt::of(Step {
            exchange: Some(Exchange {
                request: Request {
                    method: "GET".to_owned(),
                    url: "http://127.0.0.1/".to_owned(),
                    headers: vec![
                        field("x-amz-security-token", token.to_owned()),
                        field(
                            "authorization",
                            format!(
                                "AWS4-HMAC-SHA256 Credential={id}/20150830/a/s3/aws4_request, SignedHeaders=host;x-amz-date, \
                                 Signature={signature}"
                            ),
                        ),
                    ],
                    body: Content::default(),
                },
                outcome: crate::model::Outcome::Response(response),
            }),
            ..Step::default()
        });
        hide.attempt(&mut one, true, &[]);
        let exchange = one.steps[0].exchange.as_ref().unwrap();
        let values: Vec<_> = exchange
            .request
            .headers
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(
            values,
            [
                "$AWS_SESSION_TOKEN",
                "AWS4-HMAC-SHA256 Credential=$AWS_ACCESS_KEY_ID/20150830/a/s3/aws4_request, SignedHeaders=host;x-amz-date, \
                 Signature=[hidden]",
            ]
        );
        let crate::model::Outcome::Response(response) = &exchange.outcome else {
            panic!("a response")
        };
        assert_eq!(response.body.text(), "expected [hidden] of $AWS_ACCESS_KEY_ID");
    }

    #[test]
    fn cookies_of_a_request_keep_their_names() {
        let hide = masker("the-secret; b=2");
        let shown = |value: &str| {
            let mut headers = [("Cookie".to_owned(), value.to_owned())];
            hide.pass(&[]).headers(&mut headers);
            headers[0].1.clone()
        };
        assert_eq!(
            shown("sid=abc; theme=dark;empty="),
            "sid=[hidden]; theme=[hidden]; empty="
        );
        assert_eq!(shown("abc"), "[hidden]");
        assert_eq!(shown("abc; a b=c"), "[hidden]; [hidden]");
        assert_eq!(shown("x=1; sid=the-secret; b=2"), "[hidden]");
        let hide = masker("the-secret");
        let mut headers = [(
            "cookie".to_owned(),
            "a=1; sid=the-secret; the-secret=3; xthe-secret".to_owned(),
        )];
        hide.pass(&[]).headers(&mut headers);
        assert_eq!(headers[0].1, "a=[hidden]; sid=$TOKEN; $TOKEN=3; x$TOKEN");
    }

    #[test]
    fn what_was_redacted_before_keeps_its_marks() {
        let hide = Masker::recorded();
        let mut value = "Bearer $TOKEN".to_owned();
        hide.pass(&[]).credential(&mut value);
        assert_eq!(
            (value.as_str(), hide.text("$TOKEN").as_str()),
            ("Bearer $TOKEN", "$TOKEN")
        );
    }

    #[test]
    fn learned_secrets_are_masked_in_every_form() {
        let hide = masker("the-secret");
        for number in 0..20 {
            let secret = Secret::new(format!("session-{number:04}")).unwrap();
            hide.learn("sid", &secret);
            hide.learn("sid", &secret);
            let encoded = base64::engine::general_purpose::STANDARD.encode(secret.expose());
            for form in [secret.expose(), &encoded, "the-secret"] {
                let shown = hide.text(&format!("a {form} b"));
                assert!(shown == "a $SID b" || shown == "a $TOKEN b", "{number}: {shown}");
            }
            assert_eq!(hide.text("session-0000"), "$SID");
        }
        assert_eq!(hide.text("session-0020"), "session-0020");
        assert!(hide.learned().len() <= 5);
    }

    #[test]
    fn longer_secrets_are_hidden_whole() {
        let (short, long) = (
            Secret::new("abcdef".to_owned()).unwrap(),
            Secret::new("abcdefghij".to_owned()).unwrap(),
        );
        let hide = Masker::new([("short", &short), ("long", &long)]);
        assert_eq!(hide.text("abcdefghij abcdef"), "$LONG $SHORT");
    }
}
