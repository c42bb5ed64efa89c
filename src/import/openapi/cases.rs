//! The cases of an operation: one for each status that it declares.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    ApiImport, EFFECT, PathValues,
    bind::{PathBinding, declares, is_success, path_steps, shape},
    value::plain,
};
use crate::{
    import::{
        DraftCase, DraftContent, DraftRequest, DraftStep,
        names::{file_name, free_file, has_variable, is_variable, short},
    },
    openapi::{DeclaredStatus, Operation},
};

impl ApiImport<'_> {
    /// Adds the cases of an operation.
    pub(super) fn operation(&mut self, index: usize) {
        let document = self.document;
        let operation = &document.operations[index];
        let last = path_steps(&operation.path.text).pop();
        let has_post = last.is_some_and(|last| self.creators.contains_key(&last.before));
        let main = main_status(operation, has_post);
        for response in &operation.responses {
            let is_main = Some(response.status) == main;
            // Any other status has no name that could be requested.
            if response.status == DeclaredStatus::Default && !is_main {
                continue;
            }
            self.notes.clear();
            let case = if is_main {
                self.success(index, response.status)
            } else {
                self.other(index, response.status)
            };
            let mut case = case.unwrap_or_else(|reason| self.skipped(operation, response.status, &reason));
            if is_main {
                // What several cases send is noted once.
                let known = &mut self.noted;
                case.notes
                    .extend(self.notes.drain(..).filter(|note| known.insert(note.clone())));
                let callbacks = document.value(&operation.part.at("callbacks"));
                if callbacks.and_then(Json::as_object).is_some_and(|all| !all.is_empty()) {
                    case.notes.push("the callbacks, which the server sends".to_owned());
                }
            }
            self.finish(case, operation, response.status);
        }
    }

    /// Names a case, and adds what all cases have.
    fn finish(&mut self, mut case: DraftCase, operation: &Operation, status: DeclaredStatus) {
        let base = file_name(&operation.method, &operation.path.text, |_| false);
        let name = format!("{base}-{}", status.to_string().to_ascii_lowercase());
        let files = &self.files;
        case.file = free_file(&name, |file| files.contains(file));
        self.files.insert(case.file.clone());
        case.tags = operation.tags.iter().filter_map(|tag| word(tag)).collect();
        if operation.deprecated {
            case.tags.push("deprecated".to_owned());
        }
        let mut seen = BTreeSet::new();
        case.tags.retain(|tag| seen.insert(tag.clone()));
        let is_unsafe = |step: &DraftStep| !is_safe(&step.request.method);
        let changes = case.setup.iter().any(is_unsafe)
            || (is_success(status) || status == DeclaredStatus::Default) && case.steps.iter().any(is_unsafe);
        if changes && case.skip.is_none() {
            case.effects.push(EFFECT.to_owned());
        }
        for step in &mut case.steps {
            if let Some(id) = &operation.id
                && !self.is_found(operation, &step.request)
            {
                step.operation = Some(plain(id));
            }
        }
        self.draft.cases.push(case);
    }

    /// Whether the method and path of a request lead to the operation.
    fn is_found(&self, operation: &Operation, request: &DraftRequest) -> bool {
        let path = request.params.iter().fold(request.path.clone(), |path, (name, value)| {
            path.replace(
                &format!("{{{name}}}"),
                &value.replace(is_variable, "x").replace('/', "%2F"),
            )
        });
        let found = self.document.find(&request.method, &path);
        found.is_some_and(|(found, _)| found.part == operation.part)
    }

    /// The request that the operation is for.
    fn success(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let document = self.document;
        let operation = &document.operations[index];
        let method = operation.method.as_str();
        let is_safe = is_safe(method);
        let verb = if method == "DELETE" { "deleted" } else { "changed" };
        if !is_safe && method != "POST" && operation.path.names().next().is_none() {
            return Err(format!("data that may be {verb}"));
        }
        if method == "TRACE" {
            return Err("a client that sends `TRACE`".to_owned());
        }
        let mut binding = PathBinding::default();
        let values = self.bind(index, &mut binding, is_safe);
        let values = values.map_err(|reason| reason.replace("may be changed", &format!("may be {verb}")))?;
        let mut step = self.step(operation, &values)?;
        step.expect.status = expected(status);
        if method == "POST" {
            self.remove_created(operation, &mut step, &mut binding);
        }
        if method == "DELETE" {
            // The case deletes the object itself.
            let is_own = |one: &DraftStep| one.request.method == "DELETE" && one.request.path == step.request.path;
            binding.teardown.retain(|one| !is_own(one));
        }
        if let Some((property, value)) = Self::bound_property(operation, &binding) {
            if method == "GET" && self.responds_with(operation, &property) {
                step.expect
                    .body
                    .push(("json", json!({ property.clone(): value.clone() })));
            }
            if let Some(DraftContent::Json(Json::Object(body))) = &mut step.request.content
                && let Some(known) = body.get_mut(&property)
                && !known.as_str().is_some_and(has_variable)
            {
                *known = value.into();
            }
        }
        Ok(DraftCase {
            title: summary(operation),
            setup: binding.setup,
            steps: vec![step],
            teardown: binding.teardown,
            ..DraftCase::default()
        })
    }

    /// Deletes the object that a step creates, if there is an operation for this.
    fn remove_created(&mut self, operation: &Operation, step: &mut DraftStep, binding: &mut PathBinding) {
        let path = format!("{}/{{}}", shape(&operation.path.text));
        let Some(deleter) = self.deleters.get(&path).copied() else {
            return;
        };
        let document = self.document;
        let Some(last) = path_steps(&document.operations[deleter].path.text).pop() else {
            return;
        };
        let Some(id) = self.id_of(operation, &last) else { return };
        let Some(value) = self.take_id(step, &last, &id, binding) else {
            return;
        };
        Self::know(binding, &last, value);
        let before = binding.teardown.len();
        self.delete(&path, binding);
        if binding.teardown.len() == before {
            step.captures.clear();
        }
    }

    /// Whether a successful response has a property.
    fn responds_with(&self, operation: &Operation, property: &str) -> bool {
        let successes = operation
            .responses
            .iter()
            .filter(|response| is_success(response.status));
        let mut schemas = successes.flat_map(|response| &response.content);
        schemas.any(|content| {
            let schema = content.schema.as_ref().filter(|_| content.media_type.contains("json"));
            schema.is_some_and(|schema| self.document.flat(schema).properties.contains_key(property))
        })
    }

    /// A case for a status that is not the success.
    fn other(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let document = self.document;
        let operation = &document.operations[index];
        let code = match status {
            DeclaredStatus::Code(code) => code,
            DeclaredStatus::Range(4) => {
                let missing = self.unknown_object(operation, status);
                return missing.or_else(|_| self.invalid(index, status));
            }
            DeclaredStatus::Range(digit) => return Err(format!("a response with the status {digit}xx")),
            DeclaredStatus::Default => return Err("a response with another status".to_owned()),
        };
        match code {
            401 => self.anonymous(operation, status),
            403 if Self::has_security(operation) && !declares(operation, 401) => self.anonymous(operation, status),
            404 => self.unknown_object(operation, status),
            200 | 204 if operation.method == "PUT" && declares(operation, 201) => self.replace(index, status),
            400 if declares(operation, 422) => Err(rejected(code)),
            400 | 422 => self.invalid(index, status),
            304 => self.not_modified(index, status),
            405 => self.other_method(operation, status),
            412 | 428 => self.precondition(index, code, status),
            415 => self.other_type(index, status),
            code => Err(need(code)),
        }
    }

    /// A `PUT` of an object that a request before it creates.
    fn replace(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let document = self.document;
        let operation = &document.operations[index];
        if declares(operation, 200) && declares(operation, 204) {
            return Err(format!("a request with the status {status}"));
        }
        let mut binding = PathBinding::default();
        let values = self.bind(index, &mut binding, false)?;
        let mut create = self.step(operation, &values)?;
        let mut step = create.clone();
        "create".clone_into(&mut create.id);
        create.expect.status = 201.into();
        step.expect.status = expected(status);
        binding.setup.push(create);
        Ok(DraftCase {
            title: format!("{} (of an existing object)", summary(operation)),
            setup: binding.setup,
            steps: vec![step],
            teardown: binding.teardown,
            ..DraftCase::default()
        })
    }

    /// A case that cannot be run.
    fn skipped(&mut self, operation: &Operation, status: DeclaredStatus, reason: &str) -> DraftCase {
        let mut step = DraftStep::default();
        let request = self.request(operation, &PathValues::new());
        step.request = request
            .or_else(|_| self.bare_request(operation, &PathValues::new()))
            .unwrap_or_else(|_| {
                let path = operation.path.text.split(['?', '#']).next().unwrap_or_default();
                let names = path_steps(path)
                    .into_iter()
                    .map(|step| (step.name.to_owned(), "1".to_owned()));
                DraftRequest {
                    method: operation.method.clone(),
                    params: names.collect(),
                    path: plain(path),
                    ..DraftRequest::default()
                }
            });
        step.expect.status = expected(status);
        let title = if is_success(status) {
            format!("{} ({})", summary(operation), status.to_string().to_ascii_lowercase())
        } else {
            format!("{} can respond with {status}", operation.name())
        };
        DraftCase {
            title,
            skip: Some(format!("needs {reason}")),
            steps: vec![step],
            ..DraftCase::default()
        }
    }
}

/// What is needed for a status.
pub(super) fn need(code: u16) -> String {
    let need = match code {
        100..=199 => "a response before the final one",
        200..=299 => return format!("a request with the status {code}"),
        304 => "a validator of the current representation",
        300..=399 => "a request that is redirected",
        403 => "credentials without the permission",
        405 => "a method that the path does not have",
        406 => "a media type that cannot be sent",
        408 | 504 => "a request that takes too long",
        409 => "a conflict with the state of the server",
        410 => "an object that was deleted",
        412 | 428 => "a precondition",
        413 => "content that is too large",
        415 => "content of a media type that is not accepted",
        423 => "an object that is locked",
        429 => "more requests than the rate limit allows",
        500..=599 => "a failure of the server",
        _ => return rejected(code),
    };
    need.to_owned()
}

/// What is needed for a status that no request has by itself.
pub(super) fn rejected(code: u16) -> String {
    format!("a request that is rejected with {code}")
}

/// The status of the request that an operation is for. `has_post`: the object in its path is created by a `POST`.
fn main_status(operation: &Operation, has_post: bool) -> Option<DeclaredStatus> {
    let order: &[u16] = match operation.method.as_str() {
        "DELETE" => &[204, 200, 202],
        "PUT" if has_post => &[200, 204, 202, 201],
        // A `PUT` with a new id creates the object.
        "POST" | "PUT" => &[201, 200, 204, 202],
        _ => &[200, 204, 202],
    };
    let all = || operation.responses.iter().map(|response| response.status);
    let find = |wanted: DeclaredStatus| all().find(|status| *status == wanted);
    let known = order.iter().find_map(|code| find(DeclaredStatus::Code(*code)));
    known
        .or_else(|| all().filter(|status| is_success(*status)).min())
        .or_else(|| {
            all()
                .filter(|status| matches!(status, DeclaredStatus::Code(300..=399) | DeclaredStatus::Range(3)))
                .min()
        })
        .or_else(|| find(DeclaredStatus::Default))
}

/// A declared status as an expectation.
pub(super) fn expected(status: DeclaredStatus) -> Json {
    match status {
        DeclaredStatus::Code(code) => code.into(),
        DeclaredStatus::Range(digit) => format!("{digit}xx").into(),
        DeclaredStatus::Default => "2xx".into(),
    }
}

/// Whether a method changes nothing (RFC 9110 section 9.2.1).
pub(super) fn is_safe(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"].contains(&method)
}

/// What an operation is for, in one line.
fn summary(operation: &Operation) -> String {
    let summary = operation.summary.as_deref().map(|text| short(&plain(text)));
    let summary = summary.map(|text| text.trim().trim_end_matches('.').to_owned());
    summary
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| operation.name())
}

/// A tag in one word.
fn word(tag: &str) -> Option<String> {
    let lower = tag.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join("-"))
}
