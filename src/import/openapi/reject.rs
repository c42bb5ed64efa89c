//! Requests that are rejected: without credentials, of objects that do not exist, and with invalid values.

use serde_json::Value as Json;

use super::{
    ApiImport, PathValues,
    bind::{PathBinding, declares, path_steps},
    cases::{expected, is_safe, rejected},
    request::{has_value, path_parameter},
    value,
};
use crate::{
    import::{DraftCase, DraftContent, DraftQuery, DraftStep, Value},
    openapi::{ApiDocument, DeclaredStatus, FlatSchema, Operation, ParameterIn, ParameterStyle, RequestBody},
};

impl ApiImport<'_> {
    /// A request without the credentials that the operation requires.
    pub(super) fn anonymous(&mut self, operation: &Operation, status: DeclaredStatus) -> Result<DraftCase, String> {
        if !Self::has_security(operation) {
            return Err("credentials that are rejected".to_owned());
        }
        // Even a server that accepts the request finds no object to change.
        let values = self.missing_values(operation)?;
        let mut with = self.request(operation, &values)?;
        let mut without = self.bare_request(operation, &values)?;
        without.content = with.content.take();
        let is_type = |field: &(String, Value)| field.0 == "Content-Type";
        without.headers.extend(with.headers.into_iter().filter(is_type));
        without.is_anonymous = true;
        Ok(rejection(
            format!("{} without credentials is rejected", operation.name()),
            DraftStep {
                request: without,
                ..DraftStep::default()
            },
            status,
        ))
    }

    /// A request of an object that does not exist.
    pub(super) fn unknown_object(
        &mut self,
        operation: &Operation,
        status: DeclaredStatus,
    ) -> Result<DraftCase, String> {
        let unknown = || "an object that does not exist".to_owned();
        if operation.method == "PUT" && declares(operation, 201) {
            return Err(unknown());
        }
        let steps = path_steps(&operation.path.text);
        let last = steps
            .iter()
            .rev()
            .find_map(|step| Some((step.name, self.missing(operation, step.name)?)));
        let (last, missing) = last.ok_or_else(unknown)?;
        let is_typed = |import: &Self, name: &str| {
            let schema = path_parameter(operation, name).and_then(|parameter| parameter.schema.as_ref());
            let flat = schema.map(|schema| import.document.flat(schema));
            flat.is_some_and(|flat| flat.kind() != "string" || flat.has("format"))
        };
        let mut values = PathValues::new();
        for step in &steps {
            let parameter = path_parameter(operation, step.name);
            let is_given = parameter.is_some_and(|parameter| has_value(self.document, parameter));
            let value = match step.name == last {
                true => missing.clone(),
                false if is_given => self.path_sample(operation, step.name)?,
                // A text that is not an id of the API could be rejected for another reason.
                false if !is_typed(self, step.name) => return Err(format!("an existing `{}`", step.name)),
                false => match self.missing(operation, step.name) {
                    Some(missing) => missing,
                    None => self.path_sample(operation, step.name)?,
                },
            };
            values.insert(step.name.to_owned(), value);
        }
        let step = self.step(operation, &values)?;
        let title = format!("{} with an unknown {last} is rejected", operation.name());
        Ok(rejection(title, step, status))
    }

    /// Values of the path for which no object exists, where such values are known.
    pub(super) fn missing_values(&mut self, operation: &Operation) -> Result<PathValues, String> {
        let mut values = PathValues::new();
        for step in path_steps(&operation.path.text) {
            let value = match self.missing(operation, step.name) {
                Some(value) => value,
                None => self.path_sample(operation, step.name)?,
            };
            values.insert(step.name.to_owned(), value);
        }
        Ok(values)
    }

    /// A value of a path parameter for which no object exists.
    pub(super) fn missing(&mut self, operation: &Operation, name: &str) -> Option<Value> {
        let parameter = path_parameter(operation, name)?;
        if matches!(parameter.style, ParameterStyle::Matrix | ParameterStyle::Label) {
            return None;
        }
        let id = self.draft.names.variable("case_id", None);
        let long = format!("missing-{id}");
        let Some(schema) = &parameter.schema else {
            return parameter.content.is_none().then_some(long);
        };
        let flat = self.document.flat(schema);
        if flat.is_closed() {
            return None;
        }
        let is_valid = |value: &Json| value::wrong(self.document, schema, value).is_none();
        match flat.kind() {
            "integer" | "number" => {
                let numbers = [999_999_999_i64, 999_999, 99_999, 9_999];
                let mut numbers = numbers.into_iter().filter(|number| is_valid(&Json::from(*number)));
                numbers.next().map(|number| number.to_string())
            }
            "string" if flat.text("format") == Some("uuid") => {
                let uuid = self.draft.names.variable("uuid", None).to_string();
                (!flat.has("pattern")).then_some(uuid)
            }
            "string" => {
                // An id has the form of the example.
                let example = has_value(self.document, parameter)
                    .then(|| self.path_sample(operation, name).ok())
                    .flatten();
                match example.as_deref() {
                    Some(text) if is_uuid(text) && is_valid(&text.into()) => {
                        return Some(self.draft.names.variable("uuid", None).to_string());
                    }
                    Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                        let nines = "9".repeat(text.len().max(6));
                        return is_valid(&nines.clone().into()).then_some(nines);
                    }
                    _ => {}
                }
                let [long_sample, short_sample] = ["missing-aaaaaaaaaa", "aaaaaaaaaa"].map(Json::from);
                if is_valid(&long_sample) {
                    Some(long)
                } else {
                    is_valid(&short_sample).then(|| id.to_string())
                }
            }
            _ => None,
        }
    }

    /// A request with a value that its schema forbids.
    pub(super) fn invalid(&mut self, index: usize, status: DeclaredStatus) -> Result<DraftCase, String> {
        let document = self.document;
        let operation = &document.operations[index];
        let mut binding = PathBinding::default();
        let is_bound = self.bind(index, &mut binding, is_safe(&operation.method));
        if let Ok(values) = is_bound
            && let Ok(mut step) = self.step(operation, &values)
        {
            let found = self
                .invalid_body(operation, &mut step)
                .or_else(|| self.invalid_query(operation, &mut step));
            if let Some(reason) = found {
                let case = rejection(format!("{} {reason} is rejected", operation.name()), step, status);
                return Ok(DraftCase {
                    setup: binding.setup,
                    teardown: binding.teardown,
                    ..case
                });
            }
        }
        for step in path_steps(&operation.path.text).iter().rev() {
            let schema = path_parameter(operation, step.name).and_then(|parameter| parameter.schema.as_ref());
            let Some(schema) = schema else { continue };
            let flat = document.flat(schema);
            let Some(wrong) = wrong_text(&flat) else { continue };
            if value::wrong(document, schema, &wrong.into()).is_none() {
                continue;
            }
            let values = PathValues::from([(step.name.to_owned(), wrong.to_owned())]);
            let request = self.step(operation, &values)?;
            let title = format!("{} with an invalid {} is rejected", operation.name(), step.name);
            return Ok(rejection(title, request, status));
        }
        let code = match status {
            DeclaredStatus::Code(code) => code,
            _ => 400,
        };
        Err(rejected(code))
    }

    /// Leaves out a required property, or gives a property another type. Returns the reason for the rejection.
    fn invalid_body(&mut self, operation: &Operation, step: &mut DraftStep) -> Option<String> {
        let document = self.document;
        let body = operation.body.as_ref()?;
        let sent = match &mut step.request.content {
            Some(DraftContent::Json(Json::Object(sent))) => sent,
            Some(DraftContent::Form(_) | DraftContent::Multipart(_)) => {
                return invalid_form(document, body, step.request.content.as_mut()?);
            }
            _ => return None,
        };
        let mut declared = body
            .content
            .iter()
            .filter(|content| content.media_type.contains("json"));
        let declared = declared.next()?;
        let schema = declared.schema.as_ref()?;
        let Ok(Json::Object(clean)) = self.clean_body(operation, declared) else {
            return None;
        };
        let flat = document.flat(schema);
        for name in flat.required.iter().filter(|name| clean.contains_key(*name)) {
            let mut without = clean.clone();
            without.remove(name);
            if value::wrong(document, schema, &Json::Object(without)).is_some() {
                sent.remove(name);
                return Some(format!("without `{name}`"));
            }
        }
        for (name, property) in &flat.properties {
            let property = document.flat(property);
            if property.is_hidden() {
                continue;
            }
            let wrong = match property.kind() {
                "string" => Json::from(vec![Json::Null]),
                _ => Json::from("not-valid"),
            };
            let mut with = clean.clone();
            with.insert(name.clone(), wrong.clone());
            if value::wrong(document, schema, &Json::Object(with)).is_some() {
                sent.insert(value::plain(name), wrong);
                return Some(format!("with an invalid `{name}`"));
            }
        }
        None
    }

    /// Gives a query parameter a value of another type, or leaves out a required one. Returns the reason for the rejection.
    fn invalid_query(&self, operation: &Operation, step: &mut DraftStep) -> Option<String> {
        let mut fields = match step.request.query.take() {
            Some(DraftQuery::Fields(fields)) => fields,
            None => Vec::new(),
            other => {
                step.request.query = other;
                return None;
            }
        };
        let all = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.place == ParameterIn::Query);
        let all: Vec<_> = all.filter(|parameter| parameter.content.is_none()).collect();
        let mut reason = None;
        for parameter in &all {
            let Some(schema) = &parameter.schema else { continue };
            let flat = self.document.flat(schema);
            let Some(wrong) = wrong_text(&flat) else { continue };
            if value::wrong(self.document, schema, &wrong.into()).is_some() {
                fields.retain(|(name, _)| *name != parameter.name);
                fields.push((value::plain(&parameter.name), wrong.to_owned()));
                reason = Some(format!("with an invalid `{}`", parameter.name));
                break;
            }
        }
        if reason.is_none()
            && let Some(required) = all.iter().find(|parameter| parameter.required)
        {
            fields.retain(|(name, _)| *name != required.name);
            reason = Some(format!("without `{}`", required.name));
        }
        step.request.query = (!fields.is_empty()).then_some(DraftQuery::Fields(fields));
        reason
    }
}

/// Leaves out a required field of a form. Returns the reason for the rejection.
fn invalid_form(document: &ApiDocument, body: &RequestBody, content: &mut DraftContent) -> Option<String> {
    let essence = match content {
        DraftContent::Form(_) => "application/x-www-form-urlencoded",
        _ => "multipart/form-data",
    };
    let mut declared = body
        .content
        .iter()
        .filter(|declared| declared.media_type.starts_with(essence));
    let flat = document.flat(declared.next()?.schema.as_ref()?);
    let name = match content {
        DraftContent::Form(fields) => {
            // A form without fields would have no content.
            let at = fields
                .iter()
                .position(|(name, _)| flat.required.contains(name) && fields.len() > 1)?;
            fields.remove(at).0
        }
        DraftContent::Multipart(parts) => {
            let at = parts
                .iter()
                .position(|part| flat.required.contains(&part.name) && parts.len() > 1)?;
            parts.remove(at).name
        }
        _ => return None,
    };
    Some(format!("without `{name}`"))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()
}

/// A text that is clearly not a value of a schema.
fn wrong_text(flat: &FlatSchema) -> Option<&'static str> {
    if flat.is_closed() {
        return Some("not-one-of-them");
    }
    match (flat.kind(), flat.text("format")) {
        ("integer" | "number", _) => Some("not-a-number"),
        ("boolean", _) => Some("not-a-boolean"),
        ("string", Some("uuid")) => Some("not-a-uuid"),
        ("string", Some("date" | "date-time")) => Some("not-a-date"),
        _ => None,
    }
}

fn rejection(title: String, mut step: DraftStep, status: DeclaredStatus) -> DraftCase {
    step.expect.status = expected(status);
    DraftCase {
        title,
        steps: vec![step],
        ..DraftCase::default()
    }
}
