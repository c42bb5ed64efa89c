//! Coverage: how much of the documents of an API recordings show, and where documents and recordings differ.
//!
//! [`Gathering`] reads recordings one by one and keeps numbers only: every exchange with a response counts, whatever its
//! verdict. [`Gathering::finish`] makes the report.

mod data;
mod drift;
mod facts;
mod finish;
mod properties;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub use data::{
    ContentCoverage, Coverage, CoverageMinimum, CoverageTally, CoveredRecording, Dimension, DimensionCoverage,
    DocumentCoverage, DriftLevel, ExchangePlace, FORMAT, NotCounted, OperationCoverage, ParameterCoverage, Sighting,
    StatusCoverage, Undeclared, UndeclaredKind, Unobserved, coverage_schema,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use self::{
    drift::{DriftKey, DriftMap, DriftNote, path_shape},
    facts::{ContentFacts, DocumentFacts, ParameterFacts, ResponseFacts},
};
use crate::{
    check::{
        MAX_DECODED, MediaType, ResponseView, below, content_for, cookie_pairs, form_value, is_form, is_usual,
        stream_items,
    },
    json,
    model::{CaseFinished, Event, Outcome, Request, Step},
    openapi::{ApiDocument, DeclaredContent, DocumentPart, Operation, ParameterIn, ParameterStyle, StreamKind},
    recording::{Recording, RecordingError},
};

/// Maximum number of undeclared properties of one body.
const MAX_PROPERTIES: usize = 500;

/// Which document describes an exchange.
#[derive(Default)]
pub struct CoverageSources {
    /// The documents.
    pub documents: Vec<Arc<ApiDocument>>,
    /// The index of the document of each suite; without it, the first document describes everything.
    pub suites: Option<HashMap<String, usize>>,
    /// The `operationId`s that steps name, by the ids of the case and the step.
    pub operations: HashMap<String, HashMap<String, String>>,
}

impl CoverageSources {
    fn document_of(&self, suite: &str) -> Option<usize> {
        match &self.suites {
            Some(suites) => suites.get(suite).copied(),
            None => Some(0),
        }
    }

    fn operation_of(&self, case: &str, step: &str) -> Option<&str> {
        self.operations.get(case)?.get(step).map(String::as_str)
    }
}

/// What was observed so far.
pub struct Gathering {
    sources: CoverageSources,
    documents: Vec<DocumentFacts>,
    drift: DriftMap,
    recordings: Vec<CoveredRecording>,
    /// The folder of the project in its repository, if its documents are compared.
    folder: Option<String>,
    not_counted: BTreeMap<&'static str, NotCounted>,
    /// The number of cases so far.
    cases: usize,
}

/// An exchange with a response, and where it is.
struct ObservedExchange<'e> {
    case: &'e CaseFinished,
    step: &'e Step,
    recording: &'e str,
    line: usize,
    request: &'e Request,
    view: ResponseView<'e>,
    /// The number of the case.
    number: usize,
    /// The index of the document.
    document: usize,
    path: &'e str,
    query: &'e str,
}

impl ObservedExchange<'_> {
    fn place(&self) -> ExchangePlace {
        ExchangePlace {
            case: self.case.id.clone(),
            step: (!self.step.id.is_empty()).then(|| self.step.id.clone()),
            location: self.case.location.clone(),
            recording: self.recording.to_owned(),
            line: self.line,
        }
    }

    /// Whether the API accepted the request.
    fn is_accepted(&self) -> bool {
        self.view.status < 400
    }
}

impl Gathering {
    /// Begins with no recording.
    pub fn new(sources: CoverageSources) -> Self {
        Self {
            documents: sources.documents.iter().cloned().map(DocumentFacts::new).collect(),
            sources,
            drift: DriftMap::default(),
            recordings: Vec::new(),
            folder: None,
            not_counted: BTreeMap::new(),
            cases: 0,
        }
    }

    /// Reads a recording. `base` is the base URL of its target, without a slash at its end.
    pub fn read(&mut self, name: &str, base: &str, mut recording: Recording) -> Result<(), RecordingError> {
        self.recordings.push(CoveredRecording {
            path: name.to_owned(),
            target: recording.started().target.clone(),
            started: recording.started().started,
            exchanges: 0,
            stopped: None,
        });
        if self.sources.suites.is_some() {
            self.folder = self.folder.take().or_else(|| recording.started().folder.clone());
        }
        while let Some(event) = recording.next() {
            let event = event?;
            match &*event {
                Event::CaseFinished(case) => {
                    self.cases += 1;
                    self.case(case, (name, recording.line()), base);
                }
                Event::RunFinished(finished) => {
                    if let Some(covered) = self.recordings.last_mut() {
                        covered.stopped = finished.stopped;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn case(&mut self, case: &CaseFinished, (recording, line): (&str, usize), base: &str) {
        if let Some(facts) = self
            .sources
            .document_of(&case.suite)
            .and_then(|index| self.documents.get_mut(index))
        {
            facts.is_named = true;
        }
        let attempts = case.previous.iter().chain([&case.last]).chain(&case.repeats);
        for step in attempts.flat_map(|attempt| &attempt.steps) {
            let Some(exchange) = &step.exchange else { continue };
            let request = &exchange.request;
            let Outcome::Response(response) = &exchange.outcome else {
                self.leave_out("no response", &case.id);
                continue;
            };
            if request.is_mail() || response.is_refusal() {
                continue;
            }
            let Some((path, query)) = below(&request.url, base) else {
                self.leave_out("sent to another URL than the target's", &case.id);
                continue;
            };
            let Some(document) = self.sources.document_of(&case.suite) else {
                self.leave_out("the suite names no OpenAPI document", &case.id);
                continue;
            };
            let observed = ObservedExchange {
                case,
                step,
                recording,
                line,
                request,
                view: ResponseView::new(response, MAX_DECODED),
                number: self.cases,
                document,
                path,
                query: query.unwrap_or_default(),
            };
            self.exchange(&observed);
        }
    }

    fn leave_out(&mut self, reason: &'static str, case: &str) {
        let entry = self.not_counted.entry(reason).or_insert_with(|| NotCounted {
            reason: reason.to_owned(),
            exchanges: 0,
            case: case.to_owned(),
        });
        entry.exchanges += 1;
    }

    fn exchange(&mut self, observed: &ObservedExchange<'_>) {
        let Some(facts) = self.documents.get_mut(observed.document) else {
            return;
        };
        if let Some(recording) = self.recordings.last_mut() {
            recording.exchanges += 1;
        }
        let id = self.sources.operation_of(&observed.case.id, &observed.step.id);
        let method = observed.request.method.as_str();
        let Some(index) = facts.find(id, method, observed.path) else {
            undeclared_operation(facts, observed, &mut self.drift);
            return;
        };
        let document = Arc::clone(&facts.document);
        let (Some(operation), Some(facts)) = (document.operations.get(index), facts.operations.get_mut(index)) else {
            return;
        };
        let mut one = OneExchange {
            observed,
            operation,
            drift: &mut self.drift,
        };
        facts.sighting.count(&|| observed.place());
        one.parameters(&document, &mut facts.parameters);
        one.request_body(&document, &mut facts.request);
        one.response(&mut facts.responses);
    }
}

/// A request that no operation describes.
fn undeclared_operation(facts: &DocumentFacts, observed: &ObservedExchange<'_>, drift: &mut DriftMap) {
    let method = observed.request.method.as_str();
    // A rejected request does not show that the path exists. A response to HEAD is that to GET without its content, and a
    // response to OPTIONS is often not the API's own.
    if matches!(observed.view.status, 400..=499 | 501) || ["HEAD", "OPTIONS"].contains(&method) {
        return;
    }
    let document = &facts.document;
    let mut others = facts.methods.iter();
    let declared = others.find_map(|method| document.find(method, observed.path));
    let shape = path_shape(observed.path);
    let (kind, path, name, part) = if let Some((operation, _)) = declared {
        let path = operation.path.text.clone();
        // The path item is around the operation.
        let item = operation.part.pointer.rfind('/').unwrap_or_default();
        let mut part = operation.part.clone();
        part.pointer.truncate(item);
        (UndeclaredKind::Method, path, method.to_owned(), part)
    } else {
        let part = DocumentPart::default().at("paths");
        (UndeclaredKind::Path, shape.clone(), shape, part)
    };
    let key = DriftKey {
        kind,
        document: observed.document,
        operation: format!("{method} {path}"),
        place: String::new(),
        name,
    };
    let status = observed.view.status;
    drift.add(key, observed.number, &|| observed.place(), |key| DriftNote {
        level: DriftLevel::Warning,
        message: match key.kind {
            UndeclaredKind::Method => format!(
                "`{}` gets {status}, and the document does not declare this method",
                key.operation
            ),
            _ => format!(
                "`{}` gets {status}, and the document does not declare this path",
                key.operation
            ),
        },
        part,
    });
}

/// One exchange of an operation.
struct OneExchange<'o> {
    observed: &'o ObservedExchange<'o>,
    operation: &'o Operation,
    drift: &'o mut DriftMap,
}

impl OneExchange<'_> {
    fn undeclared(
        &mut self,
        (kind, level): (UndeclaredKind, DriftLevel),
        (place, name): (&str, &str),
        part: DocumentPart,
        message: impl FnOnce(&str) -> String,
    ) {
        let key = DriftKey {
            kind,
            document: self.observed.document,
            operation: self.operation.name(),
            place: place.to_owned(),
            name: name.to_owned(),
        };
        let observed = self.observed;
        self.drift
            .add(key, observed.number, &|| observed.place(), |key| DriftNote {
                level,
                message: message(&key.name),
                part,
            });
    }

    fn parameters(&mut self, document: &ApiDocument, facts: &mut [ParameterFacts]) {
        let observed = self.observed;
        let sent = query_names(observed.query);
        let cookies = cookie_pairs(observed.request);
        let mut known: BTreeSet<usize> = BTreeSet::new();
        let mut is_open = false;
        for (parameter, facts) in self.operation.parameters.iter().zip(facts) {
            let name = parameter.name.as_str();
            let is_sent = match parameter.place {
                // The operation was found by its path.
                ParameterIn::Path => true,
                ParameterIn::Query => {
                    let is_it = |text: &str| is_parameter(text, name);
                    let mut own: Vec<_> = (0..sent.len()).filter(|at| is_it(&sent[*at])).collect();
                    if own.is_empty() && parameter.style == ParameterStyle::Form && parameter.explode {
                        // The properties of an object are sent by their names.
                        is_open |= facts.names.is_some();
                        let names = facts.names.iter().flatten();
                        own.extend(names.filter_map(|name| sent.iter().position(|one| one == name)));
                    }
                    known.extend(&own);
                    !own.is_empty()
                }
                ParameterIn::QueryString => {
                    is_open = true;
                    !sent.is_empty()
                }
                ParameterIn::Header => {
                    let mut headers = observed.request.headers.iter();
                    headers.any(|(header, _)| header.eq_ignore_ascii_case(name))
                }
                // The values are masked, the names are not.
                ParameterIn::Cookie => cookies.contains_key(name),
            };
            if is_sent {
                facts.sighting.count(&|| observed.place());
            }
        }
        if is_open || !observed.is_accepted() {
            return;
        }
        let keys = document
            .security_schemes
            .iter()
            .filter_map(|scheme| scheme.key.as_ref());
        let keys = keys.filter(|(place, _)| *place == ParameterIn::Query);
        let keys: BTreeSet<_> = keys.map(|(_, name)| name.as_str()).collect();
        for (at, name) in sent.iter().enumerate() {
            if known.contains(&at) || keys.contains(name.as_str()) {
                continue;
            }
            let listed = self.operation.part.at("parameters");
            let part = match document.value(&listed) {
                Some(_) => listed,
                None => self.operation.part.clone(),
            };
            let kind = (UndeclaredKind::Parameter, DriftLevel::Warning);
            self.undeclared(kind, ("request", name), part, |name| {
                format!("the request has the query parameter `{name}`, which the document does not declare")
            });
        }
    }

    fn request_body(&mut self, document: &ApiDocument, facts: &mut [ContentFacts]) {
        let observed = self.observed;
        if observed.request.body.is_empty() {
            return;
        }
        let mut types = observed.request.headers.iter();
        let sent = types.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let sent = sent.map(|(_, value)| value.as_str());
        let declared = self.operation.body.as_ref();
        let content = declared.map_or(&[][..], |body| &body.content);
        let part = declared.map_or_else(|| self.operation.part.clone(), |body| body.part.at("content"));
        let kind = sent.and_then(MediaType::parse);
        let body = || {
            let bytes = observed.request.body.bytes();
            let form = kind.as_ref().filter(|kind| is_form(kind));
            let stream = kind.as_ref().and_then(|kind| StreamKind::of(&kind.essence));
            if let Some(stream) = stream {
                let items = stream_items(stream, bytes, true).ok();
                return items.map(|items| Cow::Owned(items.into()));
            }
            let value = match form {
                Some(form) => form_value(document, content_for(content, form)?, form, bytes),
                None => json::read(bytes).ok(),
            };
            value.map(Cow::Owned)
        };
        let is_whole = !observed.request.body.is_cut();
        let level = observed.is_accepted().then_some(DriftLevel::Warning);
        self.content((content, facts), kind.as_ref(), ("request", sent, level), part, &|| {
            is_whole.then(body).flatten()
        });
    }

    fn response(&mut self, facts: &mut [ResponseFacts]) {
        let observed = self.observed;
        let view = &observed.view;
        let status = view.status;
        let level = if is_usual(status) {
            DriftLevel::Info
        } else {
            DriftLevel::Warning
        };
        let Some(declared) = self.operation.response(status) else {
            if !self.operation.responses.is_empty() {
                let part = self.operation.part.at("responses");
                let name = self.operation.name();
                let kind = (UndeclaredKind::Status, level);
                self.undeclared(kind, ("response", &status.to_string()), part, |status| {
                    format!("`{name}` gets {status}, which the document does not declare")
                });
            }
            return;
        };
        let index = self
            .operation
            .responses
            .iter()
            .position(|one| std::ptr::eq(one, declared));
        let Some(facts) = index.and_then(|index| facts.get_mut(index)) else {
            return;
        };
        facts.sighting.count(&|| observed.place());
        let is_without_content = observed.request.method == "HEAD" || matches!(status, 100..=199 | 204 | 205 | 304);
        if is_without_content || view.body.is_empty() {
            return;
        }
        let is_whole = status != 206 && view.stopped.is_none() && view.cut.is_none() && !view.body.is_cut();
        let place = format!("response {}", declared.status);
        let sent = view.header("content-type").next();
        let part = if declared.content.is_empty() {
            declared.part.clone()
        } else {
            declared.part.at("content")
        };
        let contents = (declared.content.as_slice(), facts.content.as_mut_slice());
        self.content(
            contents,
            view.media_type(),
            (&place, sent, Some(level)),
            part,
            &|| match view.media_type().and_then(|kind| StreamKind::of(&kind.essence)) {
                Some(stream) => {
                    let items = stream_items(stream, view.bytes().ok()?, is_whole).ok()?;
                    Some(Cow::Owned(items.into()))
                }
                None => view.json().ok().filter(|_| is_whole).map(Cow::Borrowed),
            },
        );
    }

    /// The content of a request or response. Without a level, nothing is reported as undeclared.
    fn content<'v>(
        &mut self,
        (declared, facts): (&[DeclaredContent], &mut [ContentFacts]),
        kind: Option<&MediaType>,
        (place, sent, level): (&str, Option<&str>, Option<DriftLevel>),
        part: DocumentPart,
        body: &dyn Fn() -> Option<Cow<'v, Value>>,
    ) {
        let observed = self.observed;
        let found = kind.and_then(|kind| content_for(declared, kind));
        let index = found.and_then(|found| declared.iter().position(|one| std::ptr::eq(one, found)));
        let Some((content, facts)) = found.zip(index.and_then(|index| facts.get_mut(index))) else {
            let name = kind.map_or_else(|| sent.unwrap_or("(none)").to_owned(), |kind| kind.essence.clone());
            if let Some(level) = level {
                let noun = place.split(' ').next().unwrap_or(place);
                self.undeclared(
                    (UndeclaredKind::MediaType, level),
                    (place, &name),
                    part,
                    |name| match name {
                        "(none)" => {
                            format!("the {noun} has content without a media type, which the document does not declare")
                        }
                        name => format!("the {noun} has the media type `{name}`, which the document does not declare"),
                    },
                );
            }
            return;
        };
        facts.sighting.count(&|| observed.place());
        let is_stream = kind.is_some_and(|kind| StreamKind::of(&kind.essence).is_some());
        let has_properties = is_stream || kind.is_some_and(|kind| kind.is_json() || is_form(kind));
        let Some(tree) = facts.tree.clone().filter(|_| has_properties) else {
            return;
        };
        let Some(body) = body() else { return };
        let mut others: BTreeSet<(usize, String)> = BTreeSet::new();
        facts.seen.resize(tree.nodes.len(), false);
        let values = match &*body {
            Value::Array(items) if is_stream => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            tree.observe(value, &mut facts.seen, &mut |node, name| {
                if others.len() < MAX_PROPERTIES {
                    others.insert((node, name.to_owned()));
                }
            });
        }
        // What a rejected request contains is wrong on purpose, perhaps.
        if place == "request" && level.is_none() {
            return;
        }
        for (node, name) in others {
            let node = &tree.nodes[node];
            let place = format!("{place} {} {}", content.media_type, node.pointer);
            let noun = place.split(' ').next().unwrap_or_default().to_owned();
            let kind = (UndeclaredKind::Property, DriftLevel::Warning);
            self.undeclared(kind, (place.trim_end(), &name), node.part.clone(), |name| match name {
                "*" => format!("the {noun} has many more properties that the document does not declare"),
                name => format!("the {noun} has the property `{name}`, which the document does not declare"),
            });
        }
    }
}

/// Whether a name in a query is that of a parameter: `name`, `name[]`, `name[key]`.
fn is_parameter(sent: &str, name: &str) -> bool {
    let stem = sent.split('[').next().unwrap_or(sent);
    sent == name || stem == name || name.strip_suffix("[]") == Some(stem)
}

/// The names in a query, decoded, each once.
fn query_names(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let names = pairs.map(|pair| {
        let name = pair.split('=').next().unwrap_or(pair).replace('+', " ");
        percent_decode_str(&name).decode_utf8_lossy().into_owned()
    });
    let all: BTreeSet<_> = names.collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests;
