//! Binds one case to one target: the request to send and its expectations.

mod auth;
mod expect;
mod multipart;
mod probe;
mod url;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{late::Late, scope::Scope};
use crate::{
    check::{
        ApiContract, BodyExpectation, Capture, CookieExpectation, EventsExpectation, Expectation, HeaderExpectation,
        ReadLimit, ResponseTest, RuleLevels, SameAs, SnapshotExpectation, SnapshotMask, StatusSet,
        VariableSubstitution,
    },
    model::{Location, Request},
    project::{Endpoint, Limits, NO_IDENTITY, Target, TokenUse, is_stale},
    snapshot::SnapshotStore,
    source::{Diagnostic, Diagnostics, Sources, Span},
    suite::{
        self, Amended, AuthDef, BASE_URL, Case, CaseDef, ContentDef, ExpectDef, JsonDef, MailDef, SnapshotsDef,
        StatusDef, StepDef, Suite, Suites, Template,
    },
};

pub(super) use probe::{ProbeBase, UNDECLARED_METHOD, invalid_base, is_unsafe};

/// The header field of `request.auth`.
const AUTHORIZATION: &str = "authorization";

/// The request and expectations of a case.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The request.
    pub request: Request,
    /// The expectation.
    pub expectation: Expectation,
    /// Maximum time for the request.
    pub timeout: Duration,
    /// How the request is repeated.
    pub polling: Option<Polling>,
    /// The client certificate, if it is not that of the target, as it is recorded.
    pub identity: Option<String>,
    /// A response that meets this expectation ends the wait of `eventually`.
    pub unless: Option<Expectation>,
    /// The values that were generated for the request and the expectation, by name.
    pub generated: BTreeMap<String, serde_json::Value>,
    /// The tokens that the request and the expectation contain.
    pub tokens: Vec<TokenUse>,
}

impl Bound {
    /// How long a response is waited for and read.
    pub fn limit(&self) -> ReadLimit {
        ReadLimit {
            timeout: self.timeout,
            events: self.expectation.events.as_deref().map(EventsExpectation::limit),
        }
    }
}

/// How a request is repeated.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// Whether every response must be as expected, and not only the last.
    pub throughout: bool,
    /// Maximum time from the first request on; with `throughout`, the time.
    pub limit: Duration,
    /// Time between two requests.
    pub every: Duration,
}

/// Binds cases to a target; patterns are compiled once.
#[derive(Debug)]
pub struct Binder {
    target: Arc<Target>,
    /// The target's base URL.
    base: String,
    /// The same without a slash at its end.
    api_base: Arc<str>,
    snapshots: SnapshotStore,
    /// Masks secrets in snapshots.
    mask: Option<Arc<dyn SnapshotMask>>,
    /// By suite, the values that its snapshots contain by name.
    values: HashMap<String, Arc<VariableSubstitution>>,
    /// The parts that the rows of a case file share, by the address of the definition, which is kept alive with them, and the
    /// step.
    shared: Mutex<SharedByStep>,
}

type SharedByStep = HashMap<(usize, usize), (Arc<CaseDef>, SharedParts)>;

/// The parts of a bound step that do not depend on the row.
#[derive(Debug, Default)]
struct SharedParts {
    message: Option<Arc<RequestMessage>>,
    /// Length of the valid URL of a row.
    url_length: Option<usize>,
    expected: Option<ExpectedContent>,
}

/// A request without its URL.
#[derive(Clone, Debug)]
struct RequestMessage {
    method: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// Expectations for the headers and the body of a response.
#[derive(Clone, Debug)]
struct ExpectedContent {
    headers: Arc<[HeaderExpectation]>,
    cookies: Arc<[CookieExpectation]>,
    body: Arc<[BodyExpectation]>,
}

impl Binder {
    pub(super) fn new(suites: &Suites, target: &Arc<Target>, snapshots: SnapshotStore) -> Self {
        let values = suites
            .suites
            .iter()
            .map(|suite| (suite.id.clone(), Arc::new(variable_substitution(suite, target))))
            .collect();
        Self {
            values,
            base: target.base.to_string(),
            api_base: Arc::from(target.base.to_string().trim_end_matches('/')),
            target: Arc::clone(target),
            snapshots,
            mask: None,
            shared: Mutex::default(),
        }
    }

    pub(super) fn mask_snapshots(&mut self, mask: Arc<dyn SnapshotMask>) {
        self.mask = Some(mask);
    }

    /// The texts of the stored snapshots of a step; `None` if the step has no snapshot, or none is stored.
    #[expect(clippy::option_option, reason = "the two are different")]
    pub(super) fn stored_snapshot(&self, case: &Case, step: &StepDef) -> Option<Option<String>> {
        if !step.has_snapshot() {
            return None;
        }
        let stored = self.snapshots.read(&case.step_id(step)).ok().flatten();
        Some(stored.map(|stored| stored.text))
    }

    /// The variables that a case and its row define, with their values.
    pub(super) fn made_by(&self, case: &Case) -> Vec<(String, String)> {
        Scope::new(case, &self.target, &Late::planned()).made_here()
    }

    /// Binds a step of a case. A value that cannot be sent or compared is an error at its line.
    pub(super) fn bind(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Result<Bound, Unbound> {
        let binding = self.binding(case, step, late, sources)?;
        let bound = binding.bound()?;
        let mut bound = binding.finish(bound)?;
        bound.request = binding.changed(bound.request)?;
        Ok(bound)
    }

    /// The request of a step, made again, with values that no other row may share.
    pub(super) fn request(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Option<Request> {
        let mut binding = self.binding(case, step, late, sources).ok()?;
        binding.is_amended = true;
        let request = binding.request().ok()?;
        let request = binding.finish(request).ok()?;
        Some(binding.near_miss(request))
    }

    /// Returns the error of [`Binder::bind`], if any. The parts that rows share are bound with the first row only.
    pub(super) fn check(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Result<(), Unbound> {
        let binding = self.binding(case, step, late, sources)?;
        binding.check()?;
        binding.finish(())?;
        if case.probe_at(step).is_some() {
            binding.changed(binding.request()?)?;
        }
        Ok(())
    }

    /// Errors in the schemas that the document of the API has for a step.
    pub(super) fn document_errors(&self, case: &Case, step: usize, late: &Late, sources: &Sources) -> Diagnostics {
        let Ok(binding) = self.binding(case, step, late, sources) else {
            return Diagnostics::default();
        };
        match (binding.api_contract(), binding.request()) {
            (Some(contract), Ok(request)) => contract.schema_errors(&request),
            _ => Diagnostics::default(),
        }
    }

    fn binding<'a>(
        &'a self,
        case: &'a Case,
        step: usize,
        late: &'a Late,
        sources: &'a Sources,
    ) -> Result<Binding<'a>, Diagnostic> {
        let def = case.def.steps.get(step).ok_or_else(|| no_step(case))?;
        Ok(Binding {
            binder: self,
            case,
            step: def,
            index: step,
            sources,
            scope: Scope::new(case, &self.target, late),
            late,
            expect: &def.expect,
            snapshots: &def.snapshots,
            is_amended: false,
        })
    }

    /// Binds the expectations that a case would have with lines added to its file.
    pub(super) fn bind_amended(
        &self,
        case: &Case,
        amended: &Amended,
        sources: &Sources,
    ) -> Result<Expectation, Unbound> {
        let late = Late::planned();
        let binding = Binding {
            binder: self,
            case,
            step: case.def.main().ok_or_else(|| no_step(case))?,
            index: 0,
            sources,
            scope: Scope::new(case, &self.target, &late),
            late: &late,
            expect: &amended.expect,
            snapshots: &amended.snapshots,
            is_amended: true,
        };
        let expectation = binding.expectation()?;
        binding.finish(expectation)
    }
}

fn no_step(case: &Case) -> Diagnostic {
    Diagnostic::new(case.span, "the case has no such step")
}

/// Why a case cannot be bound.
#[derive(Clone, Debug)]
pub enum Unbound {
    /// It cannot be sent or compared: an error at its line.
    Invalid(Diagnostic),
    /// It would not send the intended value: it is skipped with this reason.
    Pointless(String),
    /// It uses this name, whose value was not captured.
    Uncaptured(String),
    /// It uses this token, which must be obtained or renewed first.
    Token(String),
}

impl std::fmt::Display for Unbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Invalid(error) => &error.message,
            Self::Pointless(reason) => reason,
            Self::Uncaptured(name) => return write!(f, "`{name}` was not captured"),
            Self::Token(name) => return write!(f, "the token `{name}` was not obtained"),
        })
    }
}

impl Bound {
    /// Whether it must be bound again before it is sent, because a token in it is to be renewed.
    pub(crate) fn is_stale(&self, target: &Target) -> bool {
        !self.tokens.is_empty() && is_stale(&target.tokens, &self.tokens, Instant::now())
    }
}

impl From<Diagnostic> for Unbound {
    fn from(error: Diagnostic) -> Self {
        Self::Invalid(error)
    }
}

/// The values of a suite's inputs on a target.
fn variable_substitution(suite: &Suite, target: &Target) -> VariableSubstitution {
    let base = (BASE_URL.to_owned(), target.base.to_string());
    let inputs = suite.def.inputs.iter().filter_map(|(name, input)| {
        let text = match target.value(name) {
            Some(serde_json::Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => input.value.default.clone()?,
        };
        Some((name.clone(), text))
    });
    VariableSubstitution::new(inputs.chain([base]))
}

struct Binding<'a> {
    binder: &'a Binder,
    case: &'a Case,
    step: &'a StepDef,
    /// The step's index in the case.
    index: usize,
    sources: &'a Sources,
    scope: Scope<'a>,
    late: &'a Late,
    expect: &'a ExpectDef,
    snapshots: &'a SnapshotsDef,
    /// Whether the expectations differ from the case's own, which its rows share.
    is_amended: bool,
}

impl Binding<'_> {
    /// The bound value, if every variable in it has a usable value.
    fn finish<T>(&self, bound: T) -> Result<T, Unbound> {
        let scope = &self.scope;
        // In a table, the row has the values.
        let span = if self.case.example.is_some() {
            self.case.span
        } else {
            self.step.span
        };
        if let Some(name) = scope.uncaptured() {
            return Err(Unbound::Uncaptured(name));
        }
        if let Some(name) = scope.awaited() {
            return Err(Unbound::Token(name));
        }
        if scope.is_incomplete() {
            return Err(Diagnostic::new(span, "a variable of this case has no value").into());
        }
        if let Some(reason) = scope.unfit() {
            return Err(Diagnostic::new(span, reason).into());
        }
        match scope.unchanged() {
            Some(name) => Err(Unbound::Pointless(format!(
                "a filter does not change `{name}` on this target: the case would not send the intended value"
            ))),
            None => Ok(bound),
        }
    }

    fn bound(&self) -> Result<Bound, Diagnostic> {
        self.check_endpoint()?;
        let request = self.request()?;
        let expectation = self.expectation()?;
        Ok(Bound {
            request,
            expectation,
            timeout: self.timeout()?,
            polling: self.polling()?,
            identity: self.identity(),
            unless: self.unless()?,
            generated: self.late.generated(),
            tokens: self.scope.tokens(),
        })
    }

    /// Rejects a mailbox that is sent a request, and an HTTP endpoint that is read as a mailbox.
    fn check_endpoint(&self) -> Result<(), Diagnostic> {
        // A recording does not contain the kinds of endpoints.
        let used = self.step.endpoint().filter(|_| !self.binder.target.is_recorded());
        let Some((used, endpoint)) = used.and_then(|used| Some((used, self.binder.target.endpoints.get(&used.value)?)))
        else {
            return Ok(());
        };
        let name = &used.value;
        match (self.step.mail.is_some(), endpoint.kind.is_some()) {
            (true, false) => {
                let error = Diagnostic::new(
                    used.span,
                    format!("the endpoint `{name}` has no `kind`, so it is not a mailbox"),
                );
                Err(error.help("add `kind = \"mailpit\"`, say, to the endpoint in conforme.toml"))
            }
            (false, true) => {
                let error = Diagnostic::new(
                    used.span,
                    format!("the endpoint `{name}` is a mailbox, which is sent no requests"),
                );
                Err(error.help("read it with `mail`, or remove the `kind` of the endpoint in conforme.toml"))
            }
            _ => Ok(()),
        }
    }

    /// Maximum time for the request.
    fn timeout(&self) -> Result<Duration, Diagnostic> {
        let own = self.step.timeout.as_ref();
        own.map_or(Ok(self.limits().timeout), |timeout| self.duration(timeout))
    }

    fn polling(&self) -> Result<Option<Polling>, Diagnostic> {
        let (throughout, limit, every) = match (&self.step.eventually, &self.step.throughout) {
            (Some(eventually), _) => (false, &eventually.value.within, &eventually.value.every),
            (None, Some(throughout)) => (true, &throughout.value.period, &throughout.value.every),
            (None, None) => return Ok(None),
        };
        Ok(Some(Polling {
            throughout,
            limit: self.duration(limit)?,
            every: self.duration(every)?,
        }))
    }

    /// The expectations of the response as a whole.
    fn tests(&self) -> Result<Vec<(ResponseTest, Location)>, Diagnostic> {
        let location = |span: Span| self.sources.location(span);
        let values = |def: &JsonDef| self.scope.json(def);
        let tests = self.expect.tests(&values);
        let mut tests: Vec<_> = tests.map(|(test, span)| (test, location(span))).collect();
        if let Some(limit) = &self.expect.duration {
            let duration = self.duration(&limit.value)?;
            if self.step.timeout.is_some() && duration >= self.timeout()? && !duration.is_zero() {
                return Err(suite::never_reached(limit.span));
            }
            tests.push((ResponseTest::Duration(duration), location(limit.span)));
        }
        Ok(tests)
    }

    /// The client certificate: another endpoint than the API does not get that of the target.
    fn identity(&self) -> Option<String> {
        let own = self.step.identity.as_ref().map(|identity| identity.value.clone());
        own.or_else(|| self.step.endpoint.as_ref().map(|_| NO_IDENTITY.to_owned()))
    }

    /// The endpoint that the step uses, if it is not the target itself.
    fn endpoint(&self) -> Option<&Endpoint> {
        self.binder.target.endpoints.get(&self.step.endpoint.as_ref()?.value)
    }

    fn limits(&self) -> &Limits {
        self.endpoint()
            .map_or(&self.binder.target.limits, |endpoint| &endpoint.limits)
    }

    /// The expectation that ends the wait of `eventually`.
    fn unless(&self) -> Result<Option<Expectation>, Diagnostic> {
        let eventually = self.step.eventually.as_ref();
        let Some(unless) = eventually.and_then(|eventually| eventually.value.unless.as_ref()) else {
            return Ok(None);
        };
        let binding = Binding {
            binder: self.binder,
            case: self.case,
            step: self.step,
            index: self.index,
            sources: self.sources,
            scope: Scope::new(self.case, &self.binder.target, self.late),
            late: self.late,
            expect: unless,
            snapshots: self.snapshots,
            is_amended: true,
        };
        let mut expectation = binding.expectation()?;
        self.scope.add_tokens(&binding.scope);
        expectation.captures.clear();
        expectation.rules = RuleLevels::all_off();
        Ok(Some(expectation))
    }

    /// Every step of [`Binding::bound`] that can fail, in the same order.
    fn check(&self) -> Result<(), Diagnostic> {
        self.check_endpoint()?;
        if self.step.mail.is_some() {
            return self.bound().map(drop);
        }
        self.message()?;
        self.check_url()?;
        self.content_expected()?;
        self.status()?;
        self.tests()?;
        self.events()?;
        self.snapshot()?;
        self.timeout()?;
        self.polling()?;
        self.unless()?;
        Ok(())
    }

    /// The request of a step that reads a mailbox.
    fn mail(&self, mail: &MailDef) -> Result<Request, Diagnostic> {
        let to = self.scope.text(&mail.to);
        let is_known = !self.scope.is_incomplete() && self.scope.uncaptured().is_none();
        if is_known && (to.trim().is_empty() || to.chars().any(char::is_control)) {
            let error = Diagnostic::new(
                mail.to.span,
                "the address of a mailbox cannot be empty or contain line breaks",
            );
            return Err(error);
        }
        let endpoint = self.binder.target.endpoints.get(&mail.endpoint.value);
        Ok(Request {
            method: Request::MAIL.to_owned(),
            url: endpoint.map_or_else(String::new, |endpoint| endpoint.base_url.clone()),
            headers: vec![("to".to_owned(), to)],
            body: Bytes::new().into(),
        })
    }

    fn request(&self) -> Result<Request, Diagnostic> {
        if let Some(mail) = &self.step.mail {
            return self.mail(&mail.value);
        }
        let RequestMessage { method, headers, body } = Arc::unwrap_or_clone(self.message()?);
        Ok(Request {
            method,
            url: self.url()?,
            headers,
            body: body.into(),
        })
    }

    /// The request without its URL; shared by all rows if it does not depend on the row.
    fn message(&self) -> Result<Arc<RequestMessage>, Diagnostic> {
        self.shared(|shared| &mut shared.message, || self.own_message().map(Arc::new))
    }

    fn own_message(&self) -> Result<RequestMessage, Diagnostic> {
        let def = &self.step.request;
        let method = match &def.method {
            Some(method) => self.scope.text(method),
            None => "GET".to_owned(),
        };
        let mut headers = Vec::new();
        let is_omitted = |auth: &AuthDef| matches!(auth, AuthDef::Bearer(token) if self.scope.omits(token));
        if let Some(auth) = def.auth.as_ref().filter(|auth| !is_omitted(&auth.value)) {
            let value = self.authorization(&auth.value)?;
            headers.extend(value.map(|value| (AUTHORIZATION.to_owned(), value)));
        }
        for (name, values) in &def.headers {
            for value in values.iter().filter(|value| !self.scope.omits(value)) {
                headers.push((name.clone(), self.header_value(value)?));
            }
        }
        // A field without a value is not sent, and has no default.
        let is_given = |name: &str| {
            let has_auth = def.auth.is_some() && name.eq_ignore_ascii_case(AUTHORIZATION);
            has_auth || def.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
        };
        let endpoint = self.endpoint();
        for (name, value) in endpoint.map_or(&self.binder.target.headers, |endpoint| &endpoint.headers) {
            if !is_given(name) {
                headers.push((name.clone(), self.header_value(value)?));
            }
        }
        let (body, content_type) = self.content()?;
        let mut add = |name: &str, value: String| {
            if !is_given(name) && !has(&headers, name) {
                headers.push((name.to_owned(), value));
            }
        };
        if let Some(kind) = content_type {
            add("content-type", kind.into_owned());
        }
        add("accept", "*/*".to_owned());
        add("accept-encoding", "identity".to_owned());
        add("user-agent", concat!("conforme/", env!("CARGO_PKG_VERSION")).to_owned());
        // A request without content whose method anticipates content sends `content-length: 0` (RFC 9110 §8.6).
        if !body.is_empty() || matches!(method.as_str(), "POST" | "PUT" | "PATCH") {
            add("content-length", body.len().to_string());
        }
        Ok(RequestMessage { method, headers, body })
    }

    fn header_value(&self, template: &Template) -> Result<String, Diagnostic> {
        let value = self.scope.text(template);
        let value = value.trim_matches([' ', '\t']).to_owned();
        if value.bytes().any(|b| b == 0x7f || (b < 0x20 && b != b'\t')) {
            return Err(Diagnostic::new(
                template.span,
                "the value of a header cannot contain control characters",
            ));
        }
        Ok(value)
    }

    fn content(&self) -> Result<(Bytes, Option<Cow<'static, str>>), Diagnostic> {
        Ok(match &self.step.request.body {
            None => (Bytes::new(), None),
            Some(ContentDef::Json(value)) => (
                self.scope.json(value).to_string().into(),
                Some("application/json".into()),
            ),
            Some(ContentDef::Text(text)) => (self.scope.text(text).into(), Some("text/plain; charset=utf-8".into())),
            Some(ContentDef::Form(fields)) => (
                self.pairs(fields).into(),
                Some("application/x-www-form-urlencoded".into()),
            ),
            Some(ContentDef::Multipart(parts)) => {
                let (body, boundary) = multipart::body(parts, &self.scope)?;
                (body, Some(format!("multipart/form-data; boundary={boundary}").into()))
            }
            Some(ContentDef::File(bytes)) => (bytes.clone(), None),
        })
    }

    fn expectation(&self) -> Result<Expectation, Diagnostic> {
        let def = self.expect;
        let location = |span: Span| self.sources.location(span);
        let ExpectedContent { headers, cookies, body } = self.content_expected()?;
        let mut rules = RuleLevels::default();
        for (id, level) in &def.rules {
            rules.set(id, *level);
        }
        // A mailbox is not read over HTTP by the step.
        if self.step.mail.is_some() || def.tls.is_some() {
            rules = RuleLevels::all_off();
        }
        Ok(Expectation {
            location: location(if self.step.id.is_empty() {
                self.case.span
            } else {
                self.step.span
            }),
            status: self.status()?,
            headers,
            cookies,
            body,
            events: self.events()?.map(Arc::new),
            tests: self.tests()?,
            snapshot: self.snapshot()?,
            same_as: def.same_as.as_ref().map(|other| SameAs {
                id: other.value.clone(),
                redact: Arc::from(self.snapshots.redact.as_slice()),
                location: location(other.span),
            }),
            captures: self.captures(),
            rules,
            openapi: self.api_contract(),
            near_miss: self.near_miss_expected().map(Arc::new),
            max_body: self.limits().max_body,
        })
    }

    /// The document that describes the request. A mailbox and other endpoints are not part of the API.
    fn api_contract(&self) -> Option<ApiContract> {
        let document = self.case.suite.def.openapi.as_ref()?;
        if self.step.endpoint().is_some() || self.expect.tls.is_some() {
            return None;
        }
        Some(ApiContract {
            document: Arc::clone(document),
            base: Arc::clone(&self.binder.api_base),
            operation: self
                .step
                .operation
                .as_ref()
                .map(|named| Arc::from(named.value.as_str())),
        })
    }

    fn captures(&self) -> Vec<Capture> {
        let captures = self.step.capture.iter().map(|capture| Capture {
            name: Arc::clone(&capture.name),
            source: capture.source.clone(),
            secret: capture.secret,
            location: self.sources.location(capture.span),
        });
        captures.collect()
    }

    fn status(&self) -> Result<Option<(StatusSet, Location)>, Diagnostic> {
        let Some(status) = &self.expect.status else {
            return Ok(None);
        };
        let location = self.sources.location(status.span);
        let (variables, fixed) = match &status.value {
            StatusDef::Fixed(set) => return Ok(Some((set.clone(), location))),
            StatusDef::Variable(variables, fixed) => (variables, fixed),
        };
        let mut set = fixed.clone();
        for template in variables {
            let value = self.scope.json(&JsonDef::Text(template.clone()));
            if self.scope.is_incomplete() || self.scope.unfit().is_some() {
                continue;
            }
            let values = match value {
                serde_json::Value::Array(values) if !values.is_empty() => values,
                value => vec![value],
            };
            for value in values {
                let Some(item) = suite::status_item(&value) else {
                    let names: Vec<_> = template.variables().map(|name| format!("`{name}`")).collect();
                    let message = format!("{} does not give a status here", names.join(" and "));
                    // The value is written in the row, not where the status is expected.
                    return Err(Diagnostic::new(self.case.span, message)
                        .help("a status is a number from 100 to 599, or a class such as `4xx`"));
                };
                set.0.push(item);
            }
        }
        if set.accepts_all() {
            return Err(suite::every_status(status.span));
        }
        Ok(Some((set, location)))
    }

    /// Expectations for headers and body; shared by all rows if they do not depend on the row.
    fn content_expected(&self) -> Result<ExpectedContent, Diagnostic> {
        let of_case = || {
            Ok(ExpectedContent {
                headers: self.headers()?.into(),
                cookies: self.cookies()?.into(),
                body: self.body()?.into(),
            })
        };
        self.shared(|shared| &mut shared.expected, of_case)
    }

    /// The shared part that is in `slot`, or else a new one, which is kept if the row has no part in it.
    fn shared<T: Clone>(
        &self,
        slot: impl Fn(&mut SharedParts) -> &mut Option<T>,
        bind: impl FnOnce() -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let def = &self.case.def;
        if self.is_amended || def.examples.len() < 2 {
            return bind();
        }
        let address = (Arc::as_ptr(def).addr(), self.index);
        if let Some((_, known)) = self.all_shared().get_mut(&address)
            && let Some(known) = slot(known)
        {
            return Ok(known.clone());
        }
        let (part, is_same_for_all) = self.scope.watched(bind);
        let part = part?;
        if is_same_for_all {
            let mut all = self.all_shared();
            let (_, known) = all
                .entry(address)
                .or_insert_with(|| (Arc::clone(def), SharedParts::default()));
            *slot(known) = Some(part.clone());
        }
        Ok(part)
    }

    fn all_shared(&self) -> MutexGuard<'_, SharedByStep> {
        self.binder.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Result<Option<SnapshotExpectation>, Diagnostic> {
        let Some(asked) = self.expect.snapshot.as_ref().filter(|asked| asked.value) else {
            return Ok(None);
        };
        let stored = self
            .binder
            .snapshots
            .read(&self.case.step_id(self.step))
            .map_err(|error| Diagnostic::new(asked.span, error.to_string()))?;
        let def = self.snapshots;
        Ok(Some(SnapshotExpectation {
            headers: Arc::from(def.headers.as_slice()),
            redact: Arc::from(def.redact.as_slice()),
            values: self.values(),
            captured: Vec::new(),
            mask: self.binder.mask.clone(),
            stored: stored.map(|stored| stored.text),
            location: self.sources.location(asked.span),
        }))
    }

    /// The values that a snapshot contains by name.
    fn values(&self) -> Arc<VariableSubstitution> {
        let shared = &self.binder.values[&self.case.suite.id];
        let mut late = self.late.texts();
        // Any step can show an id that an earlier one has sent.
        if self.scope.uses_ids() || self.case.def.steps.len() > 1 {
            late.extend(
                self.scope
                    .ids()
                    .into_iter()
                    .flatten()
                    .map(|(name, id)| (name.to_owned(), id)),
            );
        }
        if late.is_empty() && self.step.capture.is_empty() {
            return Arc::clone(shared);
        }
        let origins = self.case.def.steps.iter().flat_map(|step| {
            let captures = step.capture.iter();
            captures.map(|capture| (capture.name.to_string(), step.origin_of(capture)))
        });
        Arc::new(shared.with_late(late, origins))
    }
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}
