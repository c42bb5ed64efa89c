//! Workflows of Arazzo (1.0) as cases of several steps.

mod criteria;
mod expression;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use self::{criteria::StepCriteria, expression::WorkflowScope};
use super::{
    DraftCapture, DraftCase, DraftContent, DraftInput, DraftQuery, DraftRequest, DraftStep, ImportError, SuiteDraft,
    Value,
    credentials::{free, is_credential},
    names::{free_file, name_of, short},
    openapi::{ApiImport, plain, response_source, scalar, separated, successes},
};
use crate::{
    openapi::{ApiDocument, Operation},
    suite::is_reserved,
};

/// Maximum depth of workflows in workflows.
const DEPTH: usize = 5;
/// What the note of a value begins with without which a request cannot be sent.
const UNKNOWN: &str = "a value of ";
/// Maximum number of steps of a case.
const STEPS: usize = 200;

/// The `OpenAPI` documents that an Arazzo document names: the name and the URL of each.
pub fn arazzo_sources(source: &Json) -> Result<Vec<(String, String)>, ImportError> {
    let version = source.get("arazzo").and_then(Json::as_str).unwrap_or_default();
    if !version.starts_with("1.") {
        let message = "it is not an Arazzo document of version 1: it has no `arazzo: 1...`";
        return Err(ImportError::new(message, "pass the file with the workflows"));
    }
    let all = source
        .get("sourceDescriptions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let is_openapi = |one: &&Json| one.get("type").is_none_or(|kind| kind == "openapi");
    let all = all.filter(is_openapi).filter_map(|one| {
        let text = |key: &str| one.get(key).and_then(Json::as_str).map(str::to_owned);
        Some((text("name")?, text("url")?))
    });
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        let message = "`sourceDescriptions` names no OpenAPI document";
        return Err(ImportError::new(
            message,
            "name the document that describes the operations",
        ));
    }
    Ok(all)
}

/// Reads an Arazzo document. The documents have the names in its `sourceDescriptions`; the suite is for the one with most steps.
pub fn arazzo(source: &Json, documents: &[(String, &ApiDocument)]) -> Result<SuiteDraft, ImportError> {
    let workflows = source
        .get("workflows")
        .and_then(Json::as_array)
        .filter(|all| !all.is_empty());
    let Some(workflows) = workflows else {
        return Err(ImportError::new(
            "it has no `workflows`",
            "pass the file with the workflows",
        ));
    };
    let text = source.to_string();
    let uses = |(name, _): &&(String, &ApiDocument)| text.matches(&format!("$sourceDescriptions.{name}.")).count();
    // Of equal ones, the first.
    let main = documents.iter().rev().max_by_key(uses);
    let Some((name, document)) = main else {
        return Err(ImportError::new(
            "there is no OpenAPI document",
            "name one in `sourceDescriptions`",
        ));
    };
    let mut api = ApiImport::new(document);
    let title = source.get("info").and_then(|info| string(info, "title"));
    api.draft.name = title.filter(|title| !title.is_empty()).unwrap_or(api.draft.name);
    let mut import = ArazzoImport {
        api,
        root: source,
        workflows,
        name,
    };
    for workflow in workflows {
        import.case(workflow);
    }
    import.api.share_credentials();
    Ok(import.api.draft)
}

struct ArazzoImport<'d> {
    api: ApiImport<'d>,
    root: &'d Json,
    workflows: &'d [Json],
    /// The name of the document of the suite.
    name: &'d str,
}

/// The case that is written.
#[derive(Default)]
struct WorkflowCase {
    steps: Vec<DraftStep>,
    /// The names of captures.
    names: Vec<String>,
    notes: Vec<String>,
}

fn string(value: &Json, key: &str) -> Option<String> {
    value.get(key).and_then(Json::as_str).map(plain)
}

fn items<'j>(value: &'j Json, key: &str) -> impl Iterator<Item = &'j Json> {
    value.get(key).and_then(Json::as_array).into_iter().flatten()
}

impl<'d> ArazzoImport<'d> {
    fn case(&mut self, workflow: &'d Json) {
        let id = string(workflow, "workflowId").unwrap_or_else(|| "workflow".to_owned());
        let mut case = WorkflowCase::default();
        let run = self.workflow(workflow, HashMap::new(), &mut case, 0);
        let summary = string(workflow, "summary").map(|text| short(text.trim()));
        let slug = name_of(&id).trim_matches('_').replace('_', "-");
        let file = free_file(&slug, |file| self.api.draft.has_file(file));
        if case.steps.is_empty() {
            case.steps.push(DraftStep {
                id: "none".to_owned(),
                request: DraftRequest {
                    method: "GET".to_owned(),
                    path: "/".to_owned(),
                    ..DraftRequest::default()
                },
                ..DraftStep::default()
            });
        }
        let is_unsafe = |step: &DraftStep| !["GET", "HEAD", "OPTIONS", ""].contains(&step.request.method.as_str());
        // A request with the text of an expression would test nothing.
        let mut notes = case.steps.iter().flat_map(|step| &step.notes);
        let unknown = notes.find_map(|note| {
            note.strip_prefix(UNKNOWN)
                .or_else(|| note.strip_prefix("the expression "))
        });
        let skip = run.err().or_else(|| unknown.map(|value| format!("{UNKNOWN}{value}")));
        let changes = skip.is_none() && case.steps.iter().any(is_unsafe);
        self.api.draft.cases.push(DraftCase {
            file,
            title: summary.filter(|text| !text.is_empty()).unwrap_or(id),
            description: string(workflow, "description").map(|text| text.trim().to_owned()),
            skip: skip.map(|reason| format!("needs {reason}")),
            effects: if changes {
                vec!["changes".to_owned()]
            } else {
                Vec::new()
            },
            steps: case.steps,
            notes: case.notes,
            ..DraftCase::default()
        });
    }

    /// Adds the steps of a workflow. Returns its outputs. The error is what is needed.
    fn workflow(
        &mut self,
        workflow: &'d Json,
        given: HashMap<String, Json>,
        case: &mut WorkflowCase,
        depth: usize,
    ) -> Result<HashMap<String, Json>, String> {
        if depth > DEPTH {
            return Err("a workflow that does not contain itself".to_owned());
        }
        let mut scope = WorkflowScope::default();
        self.inputs(workflow, given, &mut scope);
        for other in items(workflow, "dependsOn").filter_map(Json::as_str) {
            let found = self.find(other)?;
            let outputs = self.workflow(found, HashMap::new(), case, depth + 1)?;
            let outputs = outputs
                .into_iter()
                .map(|(name, value)| ((other.to_owned(), name), value));
            scope.workflows.extend(outputs);
        }
        for step in items(workflow, "steps") {
            if case.steps.len() >= STEPS {
                return Err(format!("at most {STEPS} steps"));
            }
            let id = string(step, "stepId").unwrap_or_else(|| "step".to_owned());
            if let Some(other) = step.get("workflowId").and_then(Json::as_str) {
                let found = self.find(other)?;
                let parameters = items(step, "parameters").filter_map(|parameter| {
                    let parameter = self.reusable(parameter);
                    let value = scope.value(parameter.get("value")?, &mut case.notes);
                    Some((string(&parameter, "name")?, value))
                });
                let parameters = parameters.collect();
                let outputs = self.workflow(found, parameters, case, depth + 1)?;
                for (name, value) in outputs {
                    scope.steps.insert((id.clone(), name), value);
                }
                // Its own outputs are other names of those.
                Self::aliases(step, &id, &mut scope);
                continue;
            }
            self.step(workflow, step, &id, &mut scope, case)?;
        }
        for key in ["successActions", "failureActions"] {
            if items(workflow, key).next().is_some() {
                case.notes.push(format!("the `{key}` of the workflow"));
            }
        }
        let outputs = workflow.get("outputs").and_then(Json::as_object).into_iter().flatten();
        let outputs = outputs.filter_map(|(name, value)| Some((name.clone(), scope.expression(value.as_str()?)?)));
        Ok(outputs.collect())
    }

    /// Outputs of a step that are outputs of the workflow which it runs.
    fn aliases(step: &Json, id: &str, scope: &mut WorkflowScope) {
        let outputs = step.get("outputs").and_then(Json::as_object).into_iter().flatten();
        for (name, value) in outputs {
            let text = value.as_str().unwrap_or_default();
            let own = text
                .strip_prefix("$outputs.")
                .and_then(|own| scope.steps.get(&(id.to_owned(), own.to_owned())));
            if let Some(value) = own.cloned().or_else(|| scope.expression(text)) {
                scope.steps.insert((id.to_owned(), name.clone()), value);
            }
        }
    }

    fn find(&self, id: &str) -> Result<&'d Json, String> {
        let mut all = self.workflows.iter();
        let found = all.find(|workflow| workflow.get("workflowId").and_then(Json::as_str) == Some(id));
        found.ok_or_else(|| format!("the workflow `{}` of another document", short(&plain(id))))
    }

    /// An object, or the one that its `reference` names, with its own `value`.
    fn reusable(&self, object: &Json) -> Json {
        let reference = object.get("reference").and_then(Json::as_str);
        let path = reference.and_then(|reference| reference.strip_prefix("$components."));
        let Some(path) = path else { return object.clone() };
        let found = self.root.pointer(&format!("/components/{}", path.replace('.', "/")));
        let mut found = found.cloned().unwrap_or(Json::Null);
        if let (Json::Object(found), Some(value)) = (&mut found, object.get("value")) {
            found.insert("value".to_owned(), value.clone());
        }
        found
    }

    /// Declares the inputs of a workflow that are not given.
    fn inputs(&mut self, workflow: &Json, given: HashMap<String, Json>, scope: &mut WorkflowScope) {
        let schema = workflow.get("inputs").cloned().unwrap_or(Json::Null);
        let target = schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|text| text.strip_prefix('#'));
        let schema = target
            .and_then(|pointer| self.root.pointer(pointer))
            .cloned()
            .unwrap_or(schema);
        let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        for (name, property) in properties {
            if given.contains_key(name) {
                continue;
            }
            let wanted = name_of(name);
            let is_secret = is_credential(name) || property.get("format").is_some_and(|format| format == "password");
            let default = property
                .get("default")
                .filter(|_| !is_secret)
                .map(|value| plain(&scalar(value)));
            let about = string(property, "description").map(|text| short(text.trim()));
            self.api.draft.input(DraftInput {
                name: wanted.clone(),
                description: about.unwrap_or_else(|| format!("the input `{}` of workflows", plain(name))),
                is_secret,
                is_short: false,
                default,
            });
            let variable = self.api.draft.names.variable(&wanted, None).to_string();
            scope.inputs.insert(name.clone(), variable.into());
        }
        scope.inputs.extend(given);
    }

    /// The operation of a step.
    fn operation(&self, step: &Json) -> Result<&'d Operation, String> {
        let document = self.api.document;
        let of_source = |text: &str, start: &str| -> Result<String, String> {
            let Some(rest) = text.strip_prefix(start) else {
                return Ok(text.to_owned());
            };
            match rest.split_once('.') {
                Some((name, rest)) if name == self.name => Ok(rest.to_owned()),
                Some((name, _)) => Err(format!(
                    "the API of `{}`: import it into a suite of its own",
                    plain(name)
                )),
                None => Ok(text.to_owned()),
            }
        };
        if let Some(id) = step.get("operationId").and_then(Json::as_str) {
            let id = of_source(id, "$sourceDescriptions.")?;
            return document
                .operation(&id)
                .ok_or_else(|| format!("an operation `{}`", short(&plain(&id))));
        }
        let path = step
            .get("operationPath")
            .and_then(Json::as_str)
            .ok_or("a step with an operation")?;
        let rest = of_source(path, "{$sourceDescriptions.")?;
        let pointer = rest.split_once('#').map_or("", |(_, pointer)| pointer);
        let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8();
        let decoded = decoded.map_err(|_| "an operation path in UTF-8")?;
        let mut all = document.operations.iter();
        let found = all.find(|operation| operation.part.file == 0 && operation.part.pointer == decoded);
        found.ok_or_else(|| format!("an operation at `{}`", short(&plain(pointer))))
    }

    /// Adds a step that sends a request.
    fn step(
        &mut self,
        workflow: &Json,
        step: &Json,
        id: &str,
        scope: &mut WorkflowScope,
        case: &mut WorkflowCase,
    ) -> Result<(), String> {
        let operation = self.operation(step)?;
        let mut new = DraftStep::default();
        let slug = id.chars().map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        });
        new.id = free_file(&slug.collect::<String>(), |id| {
            case.steps.iter().any(|step| step.id == id)
        });
        new.request = self.request(operation, workflow, step, scope, &mut new.notes)?;
        let mut criteria = StepCriteria::new(scope);
        items(step, "successCriteria").for_each(|criterion| criteria.add(criterion));
        criteria.finish(successes(operation).unwrap_or_else(|| "2xx".into()), &mut new.expect);
        self.actions(step, &mut new);
        self.outputs(step, id, &mut new, scope, case);
        case.steps.push(new);
        Ok(())
    }

    fn request(
        &mut self,
        operation: &Operation,
        workflow: &Json,
        step: &Json,
        scope: &WorkflowScope,
        notes: &mut Vec<String>,
    ) -> Result<DraftRequest, String> {
        let mut request = DraftRequest {
            method: operation.method.clone(),
            path: plain(&operation.path.text),
            ..DraftRequest::default()
        };
        let mut query: Vec<(String, Value)> = Vec::new();
        let mut cookies = Vec::new();
        let mut seen: Vec<(String, String)> = Vec::new();
        let all = items(step, "parameters").chain(items(workflow, "parameters"));
        for parameter in all.map(|parameter| self.reusable(parameter)) {
            let (Some(name), Some(value)) = (string(&parameter, "name"), parameter.get("value")) else {
                notes.push("a parameter without name and value".to_owned());
                continue;
            };
            let place = string(&parameter, "in").unwrap_or_default();
            // Those of a step replace those of the workflow.
            if seen.contains(&(name.clone(), place.clone())) {
                continue;
            }
            seen.push((name.clone(), place.clone()));
            let value = scope.value(value, notes);
            match (place.as_str(), value) {
                ("path", value) => request.params.push((name, scalar(&value))),
                ("query", Json::Array(all)) => query.extend(all.iter().map(|one| (name.clone(), scalar(one)))),
                ("query", value) => query.push((name, scalar(&value))),
                ("header", value) => request.headers.push((name, scalar(&value))),
                ("cookie", value) => cookies.push(format!("{name}={}", scalar(&value))),
                _ => notes.push(format!("the parameter `{}` without a known `in`", short(&name))),
            }
        }
        let is_in_path = |name: &str| operation.path.names().any(|known| known == name);
        for (name, _) in request.params.extract_if(.., |(name, _)| !is_in_path(name)) {
            notes.push(format!(
                "the path parameter `{}`, which the path does not have",
                short(&name)
            ));
        }
        for name in operation.path.names() {
            if !request.params.iter().any(|(known, _)| known == name) {
                notes.push(format!("{UNKNOWN}`{}`", plain(name)));
                let value = self.api.path_sample(operation, name)?;
                request.params.push((name.to_owned(), value));
            }
        }
        if !cookies.is_empty() {
            request.headers.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        request.query = (!query.is_empty()).then_some(DraftQuery::Fields(query));
        if let Some(body) = step.get("requestBody") {
            content(body, operation, scope, &mut request, notes);
        }
        let has = |name: &str| {
            request
                .headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if !has("authorization") {
            let before: Vec<_> = request.headers.clone();
            self.api.credentials(operation, &mut request)?;
            // A key that the workflow gives is sent once.
            let is_new = |(name, _): &(String, Value)| before.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
            let added = request.headers.split_off(before.len().min(request.headers.len()));
            request.headers.extend(added.into_iter().filter(|field| !is_new(field)));
        }
        Ok(request)
    }

    /// A step that is repeated after a failure waits; other actions are noted.
    fn actions(&self, step: &Json, new: &mut DraftStep) {
        for key in ["onSuccess", "onFailure"] {
            for action in items(step, key).map(|action| self.reusable(action)) {
                let kind = string(&action, "type").unwrap_or_default();
                let is_retry = kind == "retry" && action.get("stepId").is_none() && action.get("workflowId").is_none();
                if key == "onFailure" && is_retry && new.eventually.is_none() {
                    let after = action
                        .get("retryAfter")
                        .and_then(Json::as_f64)
                        .unwrap_or(1.0)
                        .clamp(0.1, 600.0);
                    let limit = action
                        .get("retryLimit")
                        .and_then(Json::as_f64)
                        .unwrap_or(1.0)
                        .clamp(1.0, 1000.0);
                    let millis = |seconds: f64| format!("{}ms", (seconds * 1000.0).round());
                    new.eventually = Some(json!({ "within": millis(after * (limit + 0.5)), "every": millis(after) }));
                    if items(&action, "criteria").next().is_some() {
                        new.notes
                            .push("the criteria of the retry: every failure is repeated".to_owned());
                    }
                } else if !(kind == "end" && key == "onFailure") {
                    let name = string(&action, "name").unwrap_or(kind);
                    new.notes.push(format!("the action `{}`", short(&name)));
                }
            }
        }
    }

    /// Takes a value of the response into a capture.
    fn capture(&mut self, output: &str, source: Json, new: &mut DraftStep, case: &mut WorkflowCase) -> Json {
        let draft = &self.api.draft;
        let name = free(&name_of(&separated(output)), |name| {
            case.names.iter().any(|known| known == name) || draft.is_taken(name) || is_reserved(name)
        });
        case.names.push(name.clone());
        let variable = self.api.draft.names.variable(&name, None).to_string();
        new.captures.push(DraftCapture {
            name,
            // The whole body.
            source: if source == "" { "$".into() } else { source },
            is_secret: is_credential(output),
        });
        variable.into()
    }

    /// Outputs become captures, or other names of known values.
    fn outputs(
        &mut self,
        step: &Json,
        id: &str,
        new: &mut DraftStep,
        scope: &mut WorkflowScope,
        case: &mut WorkflowCase,
    ) {
        let outputs = step.get("outputs").and_then(Json::as_object).into_iter().flatten();
        for (output, expression) in outputs {
            let text = expression.as_str().unwrap_or_default();
            let value = scope
                .expression(text)
                .or_else(|| response_source(text).map(|source| self.capture(output, source, new, case)));
            match value {
                Some(value) => drop(scope.steps.insert((id.to_owned(), output.clone()), value)),
                None => new.notes.push(format!(
                    "the output `{}`: `{}`",
                    short(&plain(output)),
                    short(&plain(text))
                )),
            }
        }
    }
}

/// Writes the content of a request.
fn content(
    body: &Json,
    operation: &Operation,
    scope: &WorkflowScope,
    request: &mut DraftRequest,
    notes: &mut Vec<String>,
) {
    let declared = operation.body.as_ref().and_then(|body| body.content.first());
    let media_type = string(body, "contentType").or_else(|| declared.map(|content| plain(&content.media_type)));
    let media_type = media_type.unwrap_or_else(|| "application/json".to_owned());
    let mut payload = scope.value(body.get("payload").unwrap_or(&Json::Null), notes);
    for replacement in items(body, "replacements") {
        let target = string(replacement, "target").unwrap_or_default();
        let value = scope.value(replacement.get("value").unwrap_or(&Json::Null), notes);
        match payload.pointer_mut(&target).filter(|_| target.starts_with('/')) {
            Some(place) => *place = value,
            None => notes.push(format!("the replacement at `{}`", short(&target))),
        }
    }
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json = essence == "application/json";
    let has_own = request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let (content, is_implied) = match payload {
        Json::Null => return,
        Json::String(text) => (DraftContent::Text(text), false),
        Json::Object(fields) if essence == "application/x-www-form-urlencoded" => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), scalar(value)));
            (DraftContent::Form(fields.collect()), true)
        }
        value if is_json || essence.ends_with("+json") => (DraftContent::Json(value), is_json),
        _ => {
            notes.push(format!("the content with the media type `{}`", short(&essence)));
            return;
        }
    };
    request.content = Some(content);
    if !is_implied && !has_own {
        request.headers.push(("Content-Type".to_owned(), media_type));
    }
}
