//! Statuses that a request gets by its method, its media type or its conditions: 304, 405, 412, 415 and 428.

use super::{
    ApiImport,
    bind::{PathBinding, is_success, successes},
    cases::{expected, is_safe, need},
};
use crate::{
    check::{MediaType, content_for},
    import::{DraftCapture, DraftCase, DraftContent, DraftStep},
    openapi::{DeclaredStatus, Operation, ParameterIn},
};

/// Media types that are sent in place of a declared one.
const OTHER_TYPES: [&str; 3] = ["text/plain", "application/xml", "application/octet-stream"];
/// Methods that are sent in place of a declared one. What supports `DELETE` without a declaration could delete something.
const OTHER_METHODS: [&str; 4] = ["GET", "PATCH", "PUT", "POST"];

impl ApiImport<'_> {
    /// A request with content of a media type that is not declared.
    pub(super) fn other_type(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let operation = &self.document.operations[index];
        let declared = operation.body.as_ref().map_or(&[][..], |body| &body.content);
        let is_other = |name: &&str| MediaType::parse(name).is_some_and(|kind| content_for(declared, &kind).is_none());
        let other = OTHER_TYPES.into_iter().find(is_other);
        let other = other.filter(|_| !declared.is_empty()).ok_or_else(|| need(415))?;
        let mut binding = PathBinding::default();
        let values = self.bind(index, &mut binding, is_safe(&operation.method))?;
        let mut request = self.request(operation, &values)?;
        request
            .headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        request.content = Some(DraftContent::Text("text".to_owned()));
        request.headers.push(("Content-Type".to_owned(), other.to_owned()));
        let step = step(request, status);
        Ok(case(
            format!("{} with `{other}` is rejected", operation.name()),
            binding,
            step,
        ))
    }

    /// A request with a method that the path does not declare.
    pub(super) fn other_method(&mut self, operation: &Operation, status: DeclaredStatus) -> Result<DraftCase, String> {
        // The case names the operation: its method leads to none.
        if operation.id.is_none() {
            return Err(need(405));
        }
        let values = self.missing_values(operation)?;
        let mut request = self.bare_request(operation, &values)?;
        self.credentials(operation, &mut request)?;
        request
            .headers
            .retain(|(name, _)| !name.to_ascii_lowercase().starts_with("if-"));
        let path = operation.path.text.as_str();
        let is_free = |method: &&str| {
            let own = self.document.operations.iter().filter(|one| one.path.text == path);
            let mut own = own.map(|one| one.method.as_str());
            // Another template can match the path.
            let found = self.document.find(method, &path.replace(['{', '}'], ""));
            !own.any(|known| known == *method) && found.is_none()
        };
        let method = OTHER_METHODS.into_iter().find(is_free).ok_or_else(|| need(405))?;
        method.clone_into(&mut request.method);
        let title = format!("{method} {path} is rejected");
        Ok(case(title, PathBinding::default(), step(request, status)))
    }

    /// A request for a representation that the client has.
    pub(super) fn not_modified(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let operation = &self.document.operations[index];
        let responses = operation
            .responses
            .iter()
            .filter(|response| is_success(response.status));
        let headers: Vec<_> = responses
            .flat_map(|response| &response.headers)
            .map(|header| header.name.as_str())
            .collect();
        let responds = |name: &str| headers.iter().any(|known| known.eq_ignore_ascii_case(name));
        let (source, field) = if responds("etag") || has_header(operation, "if-none-match") {
            ("etag", "If-None-Match")
        } else if responds("last-modified") || has_header(operation, "if-modified-since") {
            ("last-modified", "If-Modified-Since")
        } else {
            return Err(need(304));
        };
        let success = successes(operation).filter(|_| ["GET", "HEAD"].contains(&operation.method.as_str()));
        let success = success.ok_or_else(|| need(304))?;
        let mut binding = PathBinding::default();
        let values = self.bind(index, &mut binding, true)?;
        let mut first = self.step(operation, &values)?;
        let is_condition = |name: &str| name.eq_ignore_ascii_case(field);
        first.request.headers.retain(|(name, _)| !is_condition(name));
        let mut second = step(first.request.clone(), status);
        "read".clone_into(&mut first.id);
        first.expect.status = success;
        let name = source.replace('-', "_");
        let value = self.draft.names.variable(&name, None).to_string();
        first.captures.push(DraftCapture {
            name,
            source: serde_json::json!({ "header": source }),
            is_secret: false,
        });
        second.request.headers.push((field.to_owned(), value));
        binding.setup.push(first);
        Ok(case(format!("{} without a change", operation.name()), binding, second))
    }

    /// A request whose condition is not met, or without the condition that is required.
    pub(super) fn precondition(
        &mut self,
        index: usize,
        code: u16,
        status: DeclaredStatus,
    ) -> Result<DraftCase, String> {
        let operation = &self.document.operations[index];
        let id = self.draft.names.variable("case_id", None).to_string();
        let (field, value) = if has_header(operation, "if-match") {
            ("If-Match", format!("\"{id}\""))
        } else if has_header(operation, "if-unmodified-since") {
            ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
        } else {
            return Err(need(code));
        };
        let mut binding = PathBinding::default();
        let values = self.bind(index, &mut binding, is_safe(&operation.method))?;
        let mut request = self.request(operation, &values)?;
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(field));
        let title = if code == 428 {
            format!("{} without `{field}` is rejected", operation.name())
        } else {
            request.headers.push((field.to_owned(), value));
            format!("{} with another `{field}` is rejected", operation.name())
        };
        Ok(case(title, binding, step(request, status)))
    }
}

/// Whether an operation declares a header field of its requests.
fn has_header(operation: &Operation, name: &str) -> bool {
    let mut all = operation.parameters.iter();
    all.any(|parameter| parameter.place == ParameterIn::Header && parameter.name.eq_ignore_ascii_case(name))
}

fn step(request: crate::import::DraftRequest, status: DeclaredStatus) -> DraftStep {
    let mut step = DraftStep {
        request,
        ..DraftStep::default()
    };
    step.expect.status = expected(status);
    step
}

fn case(title: String, binding: PathBinding, step: DraftStep) -> DraftCase {
    DraftCase {
        title,
        setup: binding.setup,
        steps: vec![step],
        teardown: binding.teardown,
        ..DraftCase::default()
    }
}
