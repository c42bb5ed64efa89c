//! The built-in rules `openapi/*`: what the document of the API declares, for each request and response.

mod form;
mod multipart;
mod request;
mod response;
mod stream;
mod values;

use std::sync::Arc;

pub(crate) use form::{FormField, form_fields, form_names, form_value, is_form, is_form_content};
pub(crate) use multipart::{MultipartPart, form_parts};
pub(crate) use request::cookie_pairs;
pub(crate) use response::{is_usual, matching as content_for};
pub(crate) use stream::stream_items;

use super::{StatusSet, rules::RuleLevels, sink::FindingSink, view::ResponseView};
use crate::{
    model::{CheckId, Finding, Layer, Level, Location, Request},
    openapi::{ApiDocument, DeclaredContent, Direction, DocumentPart, Operation},
    source::Diagnostics,
};

/// The document that describes the requests of a step.
#[derive(Clone)]
pub struct ApiContract {
    /// The document.
    pub document: Arc<ApiDocument>,
    /// The target's base URL, without a slash at its end.
    pub base: Arc<str>,
    /// The `operationId` that the step names; otherwise, the operation is found by method and path.
    pub operation: Option<Arc<str>>,
}

impl std::fmt::Debug for ApiContract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ApiContract").field(&self.document.name).finish()
    }
}

/// A request of the API: its path below the base URL, its query, and its operation.
struct Described<'c> {
    document: &'c ApiDocument,
    path: &'c str,
    query: Option<&'c str>,
    operation: Option<&'c Operation>,
}

/// The path and query of a URL below a base URL without a slash at its end; `None` for a URL with another origin or path.
pub(crate) fn below<'u>(url: &'u str, base: &str) -> Option<(&'u str, Option<&'u str>)> {
    let rest = url.strip_prefix(base)?;
    if !rest.is_empty() && !rest.starts_with(['/', '?', '#']) {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    Some((if path.is_empty() { "/" } else { path }, query))
}

impl ApiContract {
    /// The contract of a document without errors, for tests.
    #[cfg(test)]
    pub(crate) fn of_text(text: &str, base: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("api.yaml"), text).expect("a file");
        let mut sources = crate::source::Sources::new(folder.path());
        let mut errors = Diagnostics::default();
        let document = ApiDocument::open(folder.path(), "api.yaml", &mut sources, &mut errors);
        assert!(errors.is_empty(), "{}", errors.render(&sources, false));
        Self {
            document: Arc::new(document.expect("a document")),
            base: Arc::from(base),
            operation: None,
        }
    }

    /// `None` for a request to another origin or path than the target's.
    fn described<'c>(&'c self, request: &'c Request) -> Option<Described<'c>> {
        let (path, query) = below(&request.url, &self.base)?;
        let document = &*self.document;
        let operation = if let Some(id) = &self.operation {
            document.operation(id)
        } else {
            let find = |method: &str| document.find(method, path).map(|(operation, _)| operation);
            // A response to HEAD is that to GET without its content (RFC 9110 §9.3.2).
            find(&request.method).or_else(|| (request.method == "HEAD").then(|| find("GET")).flatten())
        };
        Some(Described {
            document,
            path,
            query,
            operation,
        })
    }

    /// Errors in the schemas that the document has for a request and its responses.
    pub(crate) fn schema_errors(&self, request: &Request) -> Diagnostics {
        let mut errors = Diagnostics::default();
        let Some(operation) = self.operation_of(request) else {
            return errors;
        };
        let of_content = |content: &DeclaredContent| -> Vec<DocumentPart> {
            content.schema.iter().chain(&content.item_schema).cloned().collect()
        };
        let parameters = operation
            .parameters
            .iter()
            .filter_map(|parameter| parameter.schema.clone());
        let bodies = operation
            .body
            .iter()
            .flat_map(|body| &body.content)
            .flat_map(of_content);
        for schema in parameters.chain(bodies) {
            errors.append(self.document.schema_errors(&schema, Direction::Request));
        }
        for response in &operation.responses {
            let headers = response.headers.iter().filter_map(|header| header.schema.clone());
            for schema in headers.chain(response.content.iter().flat_map(of_content)) {
                errors.append(self.document.schema_errors(&schema, Direction::Response));
            }
        }
        errors
    }

    /// Why the request is not valid under any reading of it, as findings of `openapi/request`; empty for a request that is
    /// valid, or outside the API.
    pub(crate) fn request_violations(&self, request: &Request) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(described) = self.described(request) else {
            return findings;
        };
        let mut levels = RuleLevels::all_off();
        levels.set("openapi/request", Level::Deny);
        let location = Location {
            file: Arc::from(""),
            line: 1,
            column: 1,
        };
        let mut violations = DocumentFindings {
            document: described.document,
            levels: &levels,
            location: &location,
            sink: &mut findings,
        };
        match described.operation {
            Some(operation) => request::check(&described, operation, request, &mut violations),
            None => request::undeclared(&described, request, &mut violations),
        }
        findings.retain(|finding| finding.level == Level::Deny);
        findings
    }

    /// Whether every violation by a request is one of those that are known, such as those of values that are not known yet.
    pub(crate) fn has_only(&self, request: &Request, known: &[Finding]) -> bool {
        let is_known = |found: &Finding| {
            let mut known = known.iter();
            known.any(|one| (&one.message, &one.actual) == (&found.message, &found.actual))
        };
        self.request_violations(request).iter().all(is_known)
    }

    /// The path of a request below the target's base URL; `None` for a request outside the API.
    pub(crate) fn path_of<'r>(&self, request: &'r Request) -> Option<&'r str> {
        let rest = request.url.strip_prefix(&*self.base)?;
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        rest[..end].starts_with('/').then_some(&rest[..end])
    }

    /// The operation of a request.
    pub fn operation_of<'c>(&'c self, request: &'c Request) -> Option<&'c Operation> {
        self.described(request)?.operation
    }
}

/// Reports the violations of one rule.
struct DocumentFindings<'s, S> {
    document: &'s ApiDocument,
    levels: &'s RuleLevels,
    /// The location of the case, for a part of the document without one.
    location: &'s Location,
    sink: &'s mut S,
}

/// A violation of what a document declares.
#[derive(Default)]
struct DocumentFinding {
    message: String,
    expected: String,
    actual: String,
    pointer: Option<String>,
    part: DocumentPart,
}

impl<S: FindingSink> DocumentFindings<'_, S> {
    fn level(&self, rule: &str) -> Level {
        self.levels.of(rule)
    }

    /// Reports a violation at the level of its rule, or at a lower one.
    fn report(&mut self, rule: &'static str, most: Level, violation: impl FnOnce(&ApiDocument) -> DocumentFinding) {
        let level = self.level(rule).min(most);
        if level == Level::Off {
            return;
        }
        let (document, location) = (self.document, self.location);
        self.sink.report(Layer::OpenApi, level, || {
            let violation = violation(document);
            let mut finding = Finding::new(CheckId::rule(rule), violation.message);
            if !violation.expected.is_empty() {
                finding = finding.expected(violation.expected);
            }
            if !violation.actual.is_empty() {
                finding = finding.actual(violation.actual);
            }
            let place = document.location(&violation.part);
            finding = finding.location(place.as_ref().unwrap_or(location));
            finding.pointer = violation.pointer;
            finding.level = level;
            [finding]
        });
    }
}

/// Checks a request and its response.
pub(super) fn check(
    contract: &ApiContract,
    levels: &RuleLevels,
    (status, location): (Option<&StatusSet>, &Location),
    request: &Request,
    view: &ResponseView<'_>,
    sink: &mut impl FindingSink,
) {
    if levels.is_openapi_off() || view.is_refusal() {
        return;
    }
    let Some(described) = contract.described(request) else {
        return;
    };
    let mut violations = DocumentFindings {
        document: described.document,
        levels,
        location,
        sink,
    };
    // A case that expects a refusal may send anything.
    let expects_success = match status {
        Some(set) => (200..400).any(|code| set.contains(code)),
        None => view.status < 400,
    };
    let Some(operation) = described.operation else {
        if expects_success && request.method != "OPTIONS" {
            request::undeclared(&described, request, &mut violations);
        }
        return;
    };
    response::check(operation, request, view, &mut violations);
    if expects_success && levels.of("openapi/request") != Level::Off {
        request::check(&described, operation, request, &mut violations);
    }
}
