//! Derives near misses from a request and the document that describes it.

mod form;

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Probe, ProbeKind,
    change::{BodyChange, RequestChange, encoded, header},
    objection,
    values::Facets,
};
use crate::{
    check::{ApiContract, MediaType, content_for, is_form_content},
    json,
    model::{Finding, Request},
    openapi::{
        ApiDocument, ApiViolation, DeclaredContent, Direction, DocumentPart, Operation, Parameter, ParameterIn,
        ParameterStyle,
    },
};

/// Maximum number of near misses that are derived from one request.
const MAX_DERIVED: usize = 5000;
/// Maximum depth of properties and items in a body.
const MAX_DEPTH: usize = 8;
/// Maximum length of a text in a URL or a header section, in characters: longer ones have statuses of their own (414, 431).
const MAX_IN_HEAD: usize = 2000;
/// Maximum number of items or properties that a list or an object is extended to.
const MAX_ITEMS: u64 = 1000;
/// Methods that servers reject with 405 if they do not support them. `HEAD` and `OPTIONS` are often supported without a
/// declaration, and `CONNECT` and `TRACE` are for proxies.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Media types that are sent in place of a declared one.
const OTHER_TYPES: [&str; 3] = ["text/plain", "application/xml", "application/octet-stream"];

/// The parts of requests that are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProbedParts {
    /// Every part.
    #[default]
    All,
    /// No part.
    None,
    /// These: names of parameters, or JSON pointers into the body with all below them.
    Named(Vec<String>),
}

impl ProbedParts {
    fn has_parameter(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Named(names) => names.iter().any(|known| known == name),
        }
    }

    fn has_pointer(&self, pointer: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Named(pointers) => pointers.iter().any(|known| {
                let rest = pointer.strip_prefix(known.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

/// What is changed.
#[derive(Clone, Debug)]
pub struct ProbeChoice {
    /// Parameters.
    pub parameters: ProbedParts,
    /// The content and its properties.
    pub body: ProbedParts,
    /// The method.
    pub methods: bool,
}

/// Derives the near misses of a request. Violations of the document by the request itself, which can contain values that are not
/// known yet, do not count.
pub fn derive(contract: &ApiContract, request: &Request, choice: &ProbeChoice) -> Vec<Probe> {
    let Some(operation) = contract.operation_of(request) else {
        return Vec::new();
    };
    let mut deriver = Deriver {
        contract,
        document: &contract.document,
        request,
        operation,
        choice,
        known: contract.request_violations(request),
        probes: Vec::new(),
        names: HashSet::new(),
    };
    for parameter in &operation.parameters {
        if choice.parameters.has_parameter(&parameter.name) && !deriver.is_excluded(parameter) {
            deriver.parameter(parameter);
        }
    }
    if choice.body != ProbedParts::None {
        deriver.content();
    }
    if choice.methods {
        deriver.methods();
    }
    deriver.probes
}

struct Deriver<'a> {
    contract: &'a ApiContract,
    document: &'a ApiDocument,
    request: &'a Request,
    operation: &'a Operation,
    choice: &'a ProbeChoice,
    /// The violations by the request itself.
    known: Vec<Finding>,
    probes: Vec<Probe>,
    names: HashSet<String>,
}

/// A changed part: its place in the names of rows, and for people.
#[derive(Clone)]
struct RowSubject {
    name: String,
    text: String,
}

impl RowSubject {
    fn of_parameter(parameter: &Parameter) -> Self {
        let (place, name) = (parameter.place.name(), &parameter.name);
        let own = escaped(name);
        Self {
            name: if parameter.place == ParameterIn::Query {
                own
            } else {
                format!("{place}.{own}")
            },
            text: if parameter.place == ParameterIn::Header {
                format!("the header field `{name}`")
            } else {
                format!("the {place} parameter `{name}`")
            },
        }
    }

    fn of_body(pointer: &str) -> Self {
        let steps = pointer.split('/').skip(1);
        let names = steps.map(|step| escaped(&json::unescaped(step)));
        let names: Vec<_> = std::iter::once("body".to_owned()).chain(names).collect();
        Self {
            name: names.join("."),
            text: if pointer.is_empty() {
                "the body".to_owned()
            } else {
                format!("`{pointer}` of the body")
            },
        }
    }
}

/// The part of a row's name for a JSON pointer into the body.
pub(crate) fn body_part(pointer: &str) -> String {
    RowSubject::of_body(pointer).name
}

/// A name with all but letters, digits, `-` and `_` percent-encoded.
fn escaped(name: &str) -> String {
    encoded(name).replace('.', "%2E").replace('~', "%7E")
}

impl Deriver<'_> {
    /// Whether a parameter is not changed: a credential, or a whole query.
    fn is_excluded(&self, parameter: &Parameter) -> bool {
        let name = &parameter.name;
        let is_header = parameter.place == ParameterIn::Header;
        let is_it = |known: &str| known == name || (is_header && known.eq_ignore_ascii_case(name));
        let keys = self
            .document
            .security_schemes
            .iter()
            .filter_map(|scheme| scheme.key.as_ref());
        let mut keys = keys.filter(|(place, _)| *place == parameter.place);
        parameter.place == ParameterIn::QueryString || keys.any(|(_, key)| is_it(key))
    }

    /// Keeps a near miss if no reading of it is valid.
    fn keep(&mut self, subject: &RowSubject, kind: ProbeKind, change: RequestChange) -> bool {
        if self.probes.len() >= MAX_DERIVED {
            return true;
        }
        let Some(changed) = change.apply(self.contract, self.request) else {
            return false;
        };
        let base = (self.request, self.known.as_slice());
        let is_method = matches!(change, RequestChange::Method(_));
        if objection(is_method, self.contract, base, &changed).is_some() {
            return false;
        }
        let id = match &change {
            RequestChange::Method(method) => method.to_ascii_lowercase(),
            _ => kind.id().to_owned(),
        };
        let name = format!("{}~{id}", subject.name);
        if self.names.insert(name.clone()) {
            self.probes.push(Probe {
                name,
                kind,
                part: subject.text.clone(),
                change,
            });
        }
        true
    }

    fn methods(&mut self) {
        let method = &self.request.method;
        let declared = &self.contract.document.operations;
        let path = &self.operation.path.text;
        let is_declared = |other: &str| {
            let mut operations = declared.iter().filter(|operation| operation.path.text == *path);
            operations.any(|operation| operation.method == other)
        };
        let others: Vec<_> = METHODS
            .into_iter()
            .filter(|other| other != method && !is_declared(other))
            .collect();
        for other in others {
            let subject = RowSubject {
                name: "method".to_owned(),
                text: format!("the method `{other}`"),
            };
            self.keep(&subject, ProbeKind::Method, RequestChange::Method(other.to_owned()));
        }
    }
}

/// Parameters.
impl<'a> Deriver<'a> {
    fn parameter(&mut self, parameter: &Parameter) {
        let subject = RowSubject::of_parameter(parameter);
        let schema = parameter.schema.as_ref();
        let has_default = schema.is_some_and(|schema| {
            let declared = self.document.value(self.document.resolved(schema));
            declared.is_some_and(|declared| declared.get("default").is_some())
        });
        if parameter.required
            && !has_default
            && let Some(change) = without(parameter)
        {
            self.keep(&subject, ProbeKind::Missing, change);
        }
        let Some(schema) = schema else { return };
        let facets = self.facets(schema, "");
        // Any text is a text, and the items of a list are changed one by one.
        let types = facets.types();
        let is_any = ["string", "array", "object"].iter().any(|name| types.contains(name));
        for (kind, values) in facets.misses(None) {
            if kind != ProbeKind::WrongType || !is_any {
                self.first(&subject, kind, parameter, schema, values);
            }
        }
        if types.contains("array") {
            for (subject, kind, values) in self.list_misses(&subject, schema, "", &facets) {
                self.first(&subject, kind, parameter, schema, values);
            }
        }
    }

    fn facets(&self, schema: &DocumentPart, pointer: &str) -> Facets<'a> {
        Facets(self.document.schemas_at(schema, Direction::Request, pointer))
    }

    /// The values of near misses of a text that is a list: of its length, and of its first item.
    fn list_misses(
        &self,
        subject: &RowSubject,
        schema: &DocumentPart,
        pointer: &str,
        facets: &Facets<'_>,
    ) -> Vec<(RowSubject, ProbeKind, Vec<Value>)> {
        let items = self.facets(schema, &format!("{pointer}/0"));
        let sample = items.sample();
        let of = |length: u64| -> Vec<Value> {
            let distinct = (0..length).map(|number| match &sample {
                Value::Number(_) => number.into(),
                Value::String(text) => format!("{text}{number}").into(),
                other => other.clone(),
            });
            let same = (0..length).map(|_| sample.clone());
            vec![same.collect(), distinct.collect()]
        };
        let mut all = Vec::new();
        if let Some(length) = facets.at_most("maxItems").filter(|length| *length < 100) {
            all.push((subject.clone(), ProbeKind::TooManyItems, of(length + 1)));
        }
        // A list without items is a parameter that is not sent.
        if let Some(length) = facets.at_least("minItems").filter(|length| (2..100).contains(length)) {
            all.push((subject.clone(), ProbeKind::TooFewItems, of(length - 1)));
        }
        if facets.is_true("uniqueItems") {
            let mut values = of(2);
            values.truncate(1);
            all.push((subject.clone(), ProbeKind::DuplicateItems, values));
        }
        let of_item = RowSubject {
            name: format!("{}.0", subject.name),
            text: format!("the first item of {}", subject.text),
        };
        let is_text = items.types().contains("string");
        let misses = items.misses(None).into_iter();
        let misses = misses.filter(|(kind, _)| *kind != ProbeKind::WrongType || !is_text);
        all.extend(misses.map(|(kind, values)| {
            let values = values.into_iter().map(|value| Value::Array(vec![value]));
            (of_item.clone(), kind, values.collect())
        }));
        all
    }

    /// Keeps the first of several values that is a near miss; those that violate only the keyword of the kind come first.
    fn first(
        &mut self,
        subject: &RowSubject,
        kind: ProbeKind,
        parameter: &Parameter,
        schema: &DocumentPart,
        values: Vec<Value>,
    ) {
        let violations = |value: &Value| self.document.violations(schema, Direction::Request, value);
        let ranked = ranked(kind, values, |value| Some(violations(value)));
        for change in ranked.iter().filter_map(|value| with(parameter, value)) {
            if self.keep(subject, kind, change) {
                return;
            }
        }
    }
}

/// Sorts values by how well they show the kind, and drops those that the schema allows.
fn ranked<T>(kind: ProbeKind, all: Vec<T>, violations: impl Fn(&T) -> Option<Vec<ApiViolation>>) -> Vec<T> {
    let keywords = kind.keywords();
    let rank = |value: &T| {
        let names: Vec<_> = violations(value)?.iter().map(|found| found.part.name()).collect();
        let is_own = |name: &String| keywords.contains(&name.as_str());
        match () {
            // Servers may ignore what is for responses only.
            () if names.is_empty() || names.iter().any(|name| name == "readOnly") => None,
            () if names.iter().all(is_own) => Some(0),
            () if names.iter().any(is_own) => Some(1),
            () => Some(2),
        }
    };
    let mut ranked: Vec<(u8, T)> = Vec::new();
    for value in all {
        if let Some(rank) = rank(&value) {
            ranked.push((rank, value));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, value)| value).collect()
}

/// The change that leaves a parameter out.
fn without(parameter: &Parameter) -> Option<RequestChange> {
    let name = parameter.name.clone();
    match parameter.place {
        ParameterIn::Query => Some(RequestChange::Query(name, Vec::new())),
        ParameterIn::Header => Some(RequestChange::Header(name, None)),
        ParameterIn::Cookie => Some(RequestChange::Cookie(name, None)),
        ParameterIn::Path | ParameterIn::QueryString => None,
    }
}

/// A scalar as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The change that gives a parameter another value.
fn with(parameter: &Parameter, value: &Value) -> Option<RequestChange> {
    let name = parameter.name.clone();
    let items: Vec<String> = match value {
        Value::Array(items) => items.iter().map(text_of).collect::<Option<_>>()?,
        one => vec![text_of(one)?],
    };
    // An empty value can be read as an absent one.
    let is_optional = parameter.place == ParameterIn::Path || !parameter.required || parameter.allow_empty;
    let length: usize = items.iter().map(String::len).sum();
    if (length == 0 && is_optional) || length > MAX_IN_HEAD {
        return None;
    }
    let join = |separator: &str| {
        let items: Vec<_> = items.iter().map(|item| encoded(item)).collect();
        items.join(separator)
    };
    Some(match parameter.place {
        ParameterIn::Query => {
            let values = match parameter.style {
                ParameterStyle::Form if parameter.explode => items.iter().map(|item| encoded(item)).collect(),
                ParameterStyle::Form => vec![join(",")],
                ParameterStyle::SpaceDelimited => vec![join("%20")],
                ParameterStyle::PipeDelimited => vec![join("%7C")],
                _ => return None,
            };
            RequestChange::Query(name, values)
        }
        ParameterIn::Path => {
            if items.iter().any(|item| item.is_empty() || item == "." || item == "..") {
                return None;
            }
            let text = match parameter.style {
                ParameterStyle::Label => format!(".{}", join(if parameter.explode { "." } else { "," })),
                ParameterStyle::Matrix => format!(";{}={}", encoded(&name), join(",")),
                _ => join(","),
            };
            RequestChange::Path(name, text)
        }
        ParameterIn::Header => {
            let text = items.join(",");
            let is_sent = text.bytes().all(|byte| byte.is_ascii_graphic());
            RequestChange::Header(name, Some(text).filter(|_| is_sent)?.into())
        }
        ParameterIn::Cookie => {
            let text = items.join(",");
            let is_sent = text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
            RequestChange::Cookie(name, Some(text).filter(|_| is_sent)?.into())
        }
        ParameterIn::QueryString => return None,
    })
}

/// Content.
impl Deriver<'_> {
    fn content(&mut self) {
        let Some(body) = &self.operation.body else { return };
        if self.request.body.is_empty() {
            return;
        }
        let root = RowSubject::of_body("");
        let is_whole = self.choice.body.has_pointer("");
        if body.required && is_whole {
            self.keep(&root, ProbeKind::Missing, RequestChange::Body(BodyChange::Empty));
        }
        let sent = header(self.request, "content-type").and_then(MediaType::parse);
        let Some(sent) = sent else { return };
        if is_whole {
            self.media_type(&body.content);
        }
        let content = content_for(&body.content, &sent);
        if let Some(content) = content.filter(|content| is_form_content(content, &sent)) {
            self.form(content, &sent);
        }
        let content = content.filter(|_| sent.is_json());
        let Some(schema) = content.and_then(|content| content.schema.clone()) else {
            return;
        };
        let Ok(value) = json::read(self.request.body.bytes()) else {
            return;
        };
        if is_whole {
            self.keep(&root, ProbeKind::Malformed, RequestChange::Body(BodyChange::Cut));
            self.keep(
                &root,
                ProbeKind::DuplicateKey,
                RequestChange::Body(BodyChange::DuplicateKey),
            );
        }
        let violations = self.document.violations(&schema, Direction::Request, &value);
        let content = JsonContent {
            schema,
            value,
            violations,
        };
        self.value(&content, "", 0);
    }

    fn media_type(&mut self, content: &[DeclaredContent]) {
        let is_other = |name: &&str| MediaType::parse(name).is_some_and(|kind| content_for(content, &kind).is_none());
        let Some(other) = OTHER_TYPES.into_iter().find(is_other) else {
            return;
        };
        let subject = RowSubject {
            name: "body".to_owned(),
            text: format!("the media type `{other}` of the body"),
        };
        let change = RequestChange::Header("content-type".to_owned(), Some(other.to_owned()));
        self.keep(&subject, ProbeKind::MediaType, change);
    }

    /// The near misses of a value in the body, and of all in it.
    fn value(&mut self, content: &JsonContent, pointer: &str, depth: usize) {
        if depth > MAX_DEPTH || self.probes.len() >= MAX_DERIVED {
            return;
        }
        let base = content.value.pointer(pointer);
        let properties: Vec<String> = {
            let facets = self.facets(&content.schema, pointer);
            facets.properties().into_iter().map(str::to_owned).collect()
        };
        if self.choice.body.has_pointer(pointer) {
            self.own_misses(content, pointer, base);
        }
        match base {
            Some(Value::Object(entries)) => {
                for name in properties {
                    let inner = json::step(pointer, &name);
                    if entries.contains_key(&name) && self.choice.body.has_pointer(&inner) {
                        let subject = RowSubject::of_body(&inner);
                        let change = BodyChange::Remove(inner.clone());
                        if self.change(content, &subject, ProbeKind::Missing, vec![change]) {
                            // Where a value can be absent, `null` often means that it is.
                            let change = BodyChange::Set(inner.clone(), Value::Null);
                            self.change(content, &subject, ProbeKind::Null, vec![change]);
                        }
                    }
                    self.value(content, &inner, depth + 1);
                }
            }
            Some(Value::Array(items)) if !items.is_empty() => {
                self.value(content, &format!("{pointer}/0"), depth + 1);
            }
            _ => {}
        }
    }

    /// The near misses of a value itself.
    fn own_misses(&mut self, content: &JsonContent, pointer: &str, base: Option<&Value>) {
        let mut all: Vec<(ProbeKind, Vec<BodyChange>)> = Vec::new();
        {
            let facets = self.facets(&content.schema, pointer);
            let set = |value: Value| BodyChange::Set(pointer.to_owned(), value);
            for (kind, mut values) in facets.misses(base) {
                if kind == ProbeKind::WrongType && facets.types().contains("array") {
                    // Some servers accept a single item in place of a list.
                    values.retain(|value| {
                        let list = set(Value::Array(vec![value.clone()]));
                        list.edited(&content.value)
                            .is_none_or(|list| !self.violations(content, &list).is_empty())
                    });
                }
                all.push((kind, values.into_iter().map(set).collect()));
            }
            all.extend(lengths(&facets, pointer, base));
            if matches!(base, Some(Value::Object(_)))
                && (facets.has_false("additionalProperties") || facets.has_false("unevaluatedProperties"))
            {
                let change = set_new(pointer);
                all.push((ProbeKind::AdditionalProperty, vec![change]));
            }
        }
        let subject = RowSubject::of_body(pointer);
        for (kind, changes) in all {
            self.change(content, &subject, kind, changes);
        }
    }

    /// Violations by a value that the base does not have.
    fn violations(&self, content: &JsonContent, value: &Value) -> Vec<ApiViolation> {
        let mut found = self.document.violations(&content.schema, Direction::Request, value);
        found.retain(|one| !content.violations.contains(one));
        found
    }

    /// Keeps the first of several changes that is a near miss.
    fn change(
        &mut self,
        content: &JsonContent,
        subject: &RowSubject,
        kind: ProbeKind,
        changes: Vec<BodyChange>,
    ) -> bool {
        let ranked = ranked(kind, changes, |change| {
            let value = change.edited(&content.value)?;
            Some(self.violations(content, &value))
        });
        let mut ranked = ranked.into_iter();
        ranked.any(|change| self.keep(subject, kind, RequestChange::Body(change)))
    }
}

/// JSON content, its schema, and the violations by the content as it is.
struct JsonContent {
    schema: DocumentPart,
    value: Value,
    violations: Vec<ApiViolation>,
}

fn set_new(pointer: &str) -> BodyChange {
    BodyChange::Set(json::step(pointer, "undeclared_property"), "abc".into())
}

/// Near misses of the length of a list or an object.
fn lengths(facets: &Facets<'_>, pointer: &str, base: Option<&Value>) -> Vec<(ProbeKind, Vec<BodyChange>)> {
    let mut all = Vec::new();
    let at = || pointer.to_owned();
    let size = |length: u64| usize::try_from(length).unwrap_or_default();
    match base {
        Some(Value::Array(items)) => {
            if let Some(least) = facets.at_least("minItems").filter(|least| *least > 0) {
                all.push((
                    ProbeKind::TooFewItems,
                    vec![BodyChange::Truncate(at(), size(least - 1))],
                ));
            }
            if let Some(most) = facets.at_most("maxItems").filter(|most| *most < MAX_ITEMS) {
                let change = BodyChange::Repeat(at(), size(most + 1));
                all.push((ProbeKind::TooManyItems, vec![change]));
            }
            if facets.is_true("uniqueItems") && !items.is_empty() {
                all.push((ProbeKind::DuplicateItems, vec![BodyChange::Double(at())]));
            }
        }
        Some(Value::Object(_)) => {
            if facets.at_least("minProperties").is_some_and(|least| least > 0) {
                let none = BodyChange::Set(at(), Value::Object(serde_json::Map::new()));
                all.push((ProbeKind::TooFewProperties, vec![none]));
            }
            if let Some(most) = facets.at_most("maxProperties").filter(|most| *most < MAX_ITEMS) {
                all.push((
                    ProbeKind::TooManyProperties,
                    vec![BodyChange::Grow(at(), size(most + 1))],
                ));
            }
        }
        _ => {}
    }
    all
}
