//! The declarations of the suite about its cases: endpoints, volatile values, expectations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    check::{CaptureOrigin, CaptureSource, MediaType, StatusSet, content_for},
    json,
    model::{CaseFinished, Outcome, Request, Response},
    openapi::{ApiDocument, DeclaredResponse, Direction},
    schema::{Declared, SchemaStore},
    suite::{
        CaptureDef, CaseDef, HeaderDef, MatcherDef, PatternDef, PatternDefKind, StatusDef, StepDef, Suites, Template,
        TemplatePart, TextTestDef,
    },
};

use super::{
    ChangeLevel, ChangeRule as Rule,
    difference::{ChangedPart, Difference},
    mail,
    side::Recorded,
};

/// Words in the tags of cases about authorization.
const AUTHORISATION: [&str; 9] = [
    "access",
    "auth",
    "authentication",
    "authorisation",
    "authorization",
    "forbidden",
    "permission",
    "refusal",
    "security",
];

/// The declarations of the cases of a project.
#[derive(Debug, Default)]
pub struct SuiteFacts<'s> {
    /// By the id of the step: its case, and its index in it.
    steps: BTreeMap<String, (Arc<CaseDef>, usize)>,
    /// By the id of the step: the document that describes it.
    documents: BTreeMap<String, Arc<ApiDocument>>,
    schemas: Option<&'s SchemaStore>,
}

impl<'s> SuiteFacts<'s> {
    /// Of loaded suites.
    pub fn of(suites: &Suites, schemas: &'s SchemaStore) -> Self {
        let steps = suites.cases.iter().flat_map(|case| {
            let steps = case.def.steps.iter().enumerate();
            steps.map(|(index, step)| (case.step_id(step), (Arc::clone(&case.def), index)))
        });
        let documents = suites.cases.iter().filter_map(|case| {
            let document = case.suite.def.openapi.as_ref()?;
            let steps = case.def.steps.iter().filter(|step| step.endpoint().is_none());
            Some(steps.map(move |step| (case.step_id(step), Arc::clone(document))))
        });
        Self {
            documents: documents.flatten().collect(),
            steps: steps.collect(),
            schemas: Some(schemas),
        }
    }

    fn step(&self, id: &str) -> Option<&StepDef> {
        let (case, index) = self.steps.get(id)?;
        case.steps.get(*index)
    }

    /// The ids of all steps of the project; a case with `request` has its own id.
    pub(super) fn cases(&self) -> impl Iterator<Item = &str> {
        self.steps.keys().map(String::as_str)
    }

    /// Method and path template of all cases of the project.
    pub(super) fn endpoints(&self) -> BTreeSet<String> {
        let endpoint = |step: &StepDef| {
            let (method, path) = template_of(step);
            format!("{method} {}", if path.is_empty() { "/" } else { &path })
        };
        let steps = self.steps.keys().filter_map(|id| self.step(id));
        steps.filter(|step| step.follow.is_none()).map(endpoint).collect()
    }

    /// Method and path template of a case: those of the project, or else of the recorded request. `None` where neither is
    /// known.
    pub(super) fn endpoint(&self, case: &CaseFinished, side: &Recorded) -> Option<String> {
        let request = case.last.exchange().map(|exchange| &exchange.request);
        let sent = request.map(|request| {
            let base = side.side.base_url.trim_end_matches('/');
            let path = request.url.strip_prefix(base).unwrap_or(&request.url);
            let path = path.split(['?', '#']).next().unwrap_or_default();
            side.names.substitute_names(path)
        });
        let template = self.step(&case.id).filter(|step| step.follow.is_none());
        let template = template.map(template_of);
        let (method, path) = match (template, request, sent) {
            (Some((method, path)), Some(request), Some(sent)) => {
                let method = if method.contains("{{") {
                    request.method.clone()
                } else {
                    method
                };
                (method, resolved(&path, &sent))
            }
            (Some(template), ..) => template,
            (None, Some(request), Some(sent)) => (request.method.clone(), sent),
            _ => return None,
        };
        Some(format!("{method} {}", if path.is_empty() { "/" } else { &path }))
    }

    /// The declaration of the schema of a case's body at a location.
    pub(super) fn declared(&self, case: &str, pointer: &str) -> Option<Declared> {
        let schema = self.step(case)?.expect.body.schema.as_ref()?;
        Some(self.schemas?.declared(&schema.value.reference, pointer))
    }

    /// The response of a case, and its declaration in the document of the API.
    fn documented<'c>(&self, case: &'c CaseFinished) -> Option<(&ApiDocument, &DeclaredResponse, &'c Response)> {
        let document = self.documents.get(&case.id)?;
        let step = self.step(&case.id)?;
        let operation = if let Some(named) = &step.operation {
            document.operation(&named.value)?
        } else {
            let (method, path) = template_of(step);
            document.find(&method, &path)?.0
        };
        let Outcome::Response(response) = &case.last.exchange()?.outcome else {
            return None;
        };
        Some((document, operation.response(response.status)?, response))
    }

    /// The declaration of the document at a location of a case's body.
    fn documented_body(&self, case: &CaseFinished, pointer: &str) -> Option<Declared> {
        let (document, declared, response) = self.documented(case)?;
        let kind = response.header("content-type").next().and_then(MediaType::parse)?;
        let schema = content_for(&declared.content, &kind)?.schema.as_ref()?;
        let schemas = document.schemas(Direction::Response)?;
        Some(schemas.declared(&document.schema_name(schema), pointer))
    }

    /// The declaration of the document of a header field: `is_required` is that of the field.
    fn documented_header(&self, case: &CaseFinished, name: &str) -> Option<Declared> {
        let (document, declared, _) = self.documented(case)?;
        let header = declared
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        let of_schema = header.schema.as_ref().and_then(|schema| {
            let schemas = document.schemas(Direction::Response)?;
            Some(schemas.declared(&document.schema_name(schema), ""))
        });
        Some(Declared {
            is_known: true,
            is_required: header.required,
            ..of_schema.unwrap_or_default()
        })
    }

    /// The statuses that a case expects.
    pub(super) fn statuses(&self, case: &str) -> Option<&StatusSet> {
        match &self.step(case)?.expect.status.as_ref()?.value {
            StatusDef::Fixed(set) => Some(set),
            StatusDef::Variable(..) => None,
        }
    }

    /// The level of a difference in this case, by what the suite declares.
    pub(super) fn weighed(&self, mut difference: Difference, case: &CaseFinished) -> Difference {
        let declared = match &difference.part {
            ChangedPart::Body(pointer) => (self.declared(&case.id, pointer).filter(|declared| declared.is_known))
                .or_else(|| self.documented_body(case, pointer)),
            ChangedPart::Header(name) => self.documented_header(case, name),
            _ => None,
        };
        let weighed = match (difference.rule, declared) {
            (Rule::StatusErrorToSuccess, _) => self.refused(&difference, case),
            (Rule::BodyPropertyRemoved, Some(declared)) if declared.is_required => Some((
                ChangeLevel::Breaking,
                "required by the schema; clients that read it will fail",
            )),
            (Rule::BodyPropertyRemoved, Some(declared)) if declared.is_known => Some((
                ChangeLevel::Warning,
                "not required by the schema, but the baseline had it",
            )),
            (Rule::HeaderRemoved, Some(declared)) if declared.is_required => Some((
                ChangeLevel::Breaking,
                "required by the document; clients that read it will fail",
            )),
            (Rule::HeaderRemoved, Some(_)) => Some((
                ChangeLevel::Warning,
                "not required by the document, but the baseline had it",
            )),
            (Rule::HeaderValueChanged, Some(declared)) if declared.is_closed => Some((
                ChangeLevel::Breaking,
                "the document lists the possible values, and clients branch on them",
            )),
            (Rule::BodyValueChanged, Some(declared)) if declared.is_closed => Some((
                ChangeLevel::Breaking,
                "the schema lists the possible values, and clients branch on them",
            )),
            (Rule::BodyBecameNull, Some(declared)) if declared.types.contains("null") => {
                Some((ChangeLevel::Warning, "the schema allows null"))
            }
            (Rule::BodyIntegerToNumber, Some(declared)) if declared.types.contains("number") => {
                Some((ChangeLevel::Info, "the schema declares a number"))
            }
            _ => None,
        };
        difference.level = weighed.or(difference.level);
        difference
    }

    /// A request that was rejected and now succeeds is breaking, unless the suite allows both.
    fn refused(&self, difference: &Difference, case: &CaseFinished) -> Option<(ChangeLevel, &'static str)> {
        let status = |text: &Option<String>| -> Option<u16> { text.as_ref()?.get(..3)?.parse().ok() };
        let (before, after) = (status(&difference.before)?, status(&difference.after)?);
        let expected = self.statuses(&case.id);
        if expected.is_some_and(|expected| expected.contains(after)) {
            return None;
        }
        if matches!(before, 401 | 403 | 407) || SuiteFacts::is_about_authorisation(&case.tags) {
            return Some((
                ChangeLevel::Breaking,
                "the case is about authorization, and a request that must be rejected now succeeds",
            ));
        }
        expected
            .is_some_and(|expected| expected.contains(before))
            .then_some((ChangeLevel::Breaking, "a request that must be rejected now succeeds"))
    }

    /// The id of the step whose response must be indistinguishable from that of this one.
    pub(super) fn same_as(&self, id: &str) -> Option<String> {
        let other = self.step(id)?.expect.same_as.as_ref()?;
        let (case, _) = id.rsplit_once(':')?;
        Some(format!("{case}:{}", other.value))
    }

    /// Whether a case is about authorization, by its tags.
    pub(super) fn is_about_authorisation(tags: &[String]) -> bool {
        tags.iter()
            .any(|tag| AUTHORISATION.contains(&tag.to_ascii_lowercase().as_str()))
    }

    /// Where the value of a capture of a case comes from.
    pub(super) fn capture_origin(&self, step: &str, capture: &str) -> CaptureOrigin {
        let steps = self.steps.get(step).into_iter().flat_map(|(case, _)| &case.steps);
        let mut found = steps.flat_map(|step| step.capture.iter().map(move |known| (step, known)));
        let found = found.find(|(_, known)| &*known.name == capture);
        found.map_or_else(CaptureOrigin::default, |(step, known)| step.origin_of(known))
    }

    /// Why a case declares the value at a location as volatile, if it does.
    pub(super) fn volatile(&self, case: &str, part: &ChangedPart) -> Option<&'static str> {
        let def = self.step(case)?;
        match part {
            ChangedPart::Body(pointer) => {
                if def.mail.is_some() && mail::is_date(pointer) {
                    return Some("it is the time of a message");
                }
                let is_captured = |capture: &CaptureDef| match &capture.source {
                    CaptureSource::Pointer(captured) => captured == pointer,
                    _ => false,
                };
                if def.capture.iter().any(is_captured) {
                    return Some("the suite captures it");
                }
                if def.snapshots.redact.iter().any(|redacted| covers(redacted, pointer)) {
                    return Some("the suite redacts it");
                }
                let pattern = def.expect.body.json.as_ref()?;
                is_open(pattern, &steps(pointer)).then_some("the matcher in the suite accepts different values")
            }
            ChangedPart::Header(name) => {
                let (tests, name) = match name.strip_prefix(Response::TRAILER) {
                    Some(name) => (&def.expect.trailers, name),
                    None => (&def.expect.headers, name.as_str()),
                };
                let (_, test) = tests.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
                let is_open = match &test.value {
                    HeaderDef::Value(tests) => tests.iter().all(|test| {
                        matches!(
                            test,
                            TextTestDef::Matches(_) | TextTestDef::Within(_) | TextTestDef::Contains(_)
                        )
                    }),
                    HeaderDef::Present => true,
                    HeaderDef::Absent => false,
                };
                is_open.then_some("the test in the suite accepts different values")
            }
            ChangedPart::Whole | ChangedPart::Status => None,
        }
    }
}

/// Method and path of a step as they are written.
fn template_of(step: &StepDef) -> (String, String) {
    let request = &step.request;
    if let Some(mail) = &step.mail {
        return (Request::MAIL.to_owned(), mail.value.endpoint.value.clone());
    }
    (
        request.method.as_ref().map_or_else(|| "GET".to_owned(), written),
        request.path.as_ref().map_or_else(String::new, written),
    )
}

/// A template as it is written.
fn written(template: &Template) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Variable(name, _) => format!("{{{{ {name} }}}}"),
    };
    template.parts.iter().map(part).collect()
}

/// A path template whose first segments are variables does not identify the endpoint: these segments are
/// taken from the request that was sent, up to the first literal segment.
fn resolved(template: &str, sent: &str) -> String {
    let (segments, actual): (Vec<_>, Vec<_>) = (template.split('/').collect(), sent.split('/').collect());
    let is_open = |segment: &&str| segment.contains('{');
    if !segments.iter().any(is_open) {
        return template.to_owned();
    }
    if segments.len() != actual.len() {
        // A variable of several segments.
        return sent.to_owned();
    }
    let mut is_leading = true;
    let taken = segments.iter().zip(&actual).map(|(segment, sent)| {
        is_leading &= segment.is_empty() || is_open(segment);
        if is_leading { *sent } else { *segment }
    });
    taken.collect::<Vec<_>>().join("/")
}

fn steps(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(json::unescaped).collect()
}

/// Whether a pointer with `*` points to the location or above it.
fn covers(pointer: &str, location: &str) -> bool {
    let (pointer, location) = (steps(pointer), steps(location));
    pointer.len() <= location.len()
        && pointer
            .iter()
            .zip(&location)
            .all(|(step, at)| step == "*" || step == at)
}

/// Whether all matchers at the location accept more than one value.
fn is_open(pattern: &PatternDef, steps: &[String]) -> bool {
    match (&pattern.kind, steps) {
        (PatternDefKind::Match(matchers), []) => {
            !matchers.is_empty()
                && matchers.iter().all(|matcher| match matcher {
                    MatcherDef::Matches(_)
                    | MatcherDef::Type(_)
                    | MatcherDef::Within(_)
                    | MatcherDef::Length(_)
                    | MatcherDef::Contains(_)
                    | MatcherDef::Each(_)
                    | MatcherDef::Compare(..)
                    | MatcherDef::Not(_)
                    | MatcherDef::Only(_)
                    | MatcherDef::Unordered(_)
                    | MatcherDef::Schema(_) => true,
                    MatcherDef::Any(is_there) => *is_there,
                    MatcherDef::Equals(_) | MatcherDef::OneOf(_) | MatcherDef::Status => false,
                })
        }
        (PatternDefKind::Object(entries), [step, rest @ ..]) => {
            entries.iter().any(|(key, entry)| key == step && is_open(entry, rest))
        }
        (PatternDefKind::Array(items), [step, rest @ ..]) => {
            let item = step.parse().ok().and_then(|at: usize| items.get(at));
            item.is_some_and(|item| is_open(item, rest))
        }
        (PatternDefKind::Match(matchers), [step, rest @ ..]) => matchers.iter().any(|matcher| match matcher {
            MatcherDef::Each(item) => step.parse::<usize>().is_ok() && is_open(item, rest),
            MatcherDef::Only(entries) => entries.iter().any(|(key, entry)| key == step && is_open(entry, rest)),
            _ => false,
        }),
        _ => false,
    }
}
