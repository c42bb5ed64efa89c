//! Reads the structure of a document: paths, operations and what they consist of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ApiVersion, DeclaredContent, DeclaredExample, DeclaredHeader, DeclaredLink, DeclaredResponse, DeclaredStatus,
    DocumentPart, Operation, Parameter, ParameterIn, ParameterStyle, PathTemplate, RequestBody, SecurityScheme,
    StreamKind, files::DocumentFiles, notes::DocumentNotes,
};

/// The fixed methods of a path item; `query` is one since 3.2.
const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];
/// Maximum length of a chain of references.
const MAX_CHAIN: usize = 64;

/// Reads a document.
pub(super) struct DocumentReader<'f> {
    pub(super) files: &'f DocumentFiles,
    pub(super) version: ApiVersion,
    pub(super) notes: DocumentNotes,
    /// Every schema that a part of the document is described by.
    pub(super) roots: BTreeSet<DocumentPart>,
}

/// The text of a key.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn flag(value: &Value, key: &str) -> Option<bool> {
    value.get(key).and_then(Value::as_bool)
}

impl<'f> DocumentReader<'f> {
    pub(super) fn value(&self, part: &DocumentPart) -> &'f Value {
        self.files.value(part).unwrap_or(&Value::Null)
    }

    fn error(&mut self, part: &DocumentPart, message: impl Into<String>, help: &str) {
        self.notes.error(self.files, part, message, help);
    }

    /// The part itself, or the one that its `$ref` leads to. `None` after an error.
    fn follow(&mut self, part: &DocumentPart) -> Option<DocumentPart> {
        let mut here = part.clone();
        let mut seen = vec![here.clone()];
        while let Some(reference) = self.value(&here).get("$ref") {
            let at = here.at("$ref");
            let Some(reference) = reference.as_str() else {
                self.error(&at, "`$ref` must be a string", "");
                return None;
            };
            here = match self.files.find(here.file, "", reference) {
                Ok(there) => there,
                Err(wrong) => {
                    let help = wrong.help.unwrap_or_default();
                    self.error(&at, format!("`$ref: {reference}`: {}", wrong.reason), &help);
                    return None;
                }
            };
            if seen.contains(&here) || seen.len() > MAX_CHAIN {
                self.error(&at, "this `$ref` leads back to itself", "");
                return None;
            }
            seen.push(here.clone());
        }
        Some(here)
    }

    /// The keys of a mapping, without extensions. Anything else is an error.
    fn keys(&mut self, part: &DocumentPart, what: &str) -> Vec<String> {
        match self.value(part) {
            Value::Object(_) => {
                let keys = self.files.keys(part).into_iter();
                keys.filter(|key| !key.starts_with("x-")).collect()
            }
            Value::Null => Vec::new(),
            _ => {
                self.error(part, format!("{what} must be a mapping"), "");
                Vec::new()
            }
        }
    }

    /// The items of a list.
    fn items(&self, part: &DocumentPart) -> Vec<DocumentPart> {
        let count = self.value(part).as_array().map_or(0, Vec::len);
        (0..count).map(|index| part.at(&index.to_string())).collect()
    }

    /// Every operation of the document.
    pub(super) fn operations(&mut self) -> Vec<Operation> {
        let root = DocumentPart::default();
        let paths = root.at("paths");
        let mut operations = Vec::new();
        let mut shapes: BTreeMap<String, String> = BTreeMap::new();
        for key in self.keys(&paths, "`paths`") {
            let part = paths.at(&key);
            let path = match PathTemplate::parse(&key) {
                Ok(path) => path,
                Err(reason) => {
                    self.error(
                        &part,
                        reason,
                        "a path begins with `/`, and its parameters are in braces",
                    );
                    continue;
                }
            };
            if let Some(known) = shapes.insert(path.shape(), key.clone()) {
                let message = format!("the paths `{known}` and `{key}` match the same requests");
                self.notes
                    .warn("same-path", part.clone(), message, "describe them as one path");
            }
            self.path_item(&path, &part, &mut operations);
        }
        self.check_ids(&operations);
        self.check_routes(&operations);
        operations
    }

    fn path_item(&mut self, path: &PathTemplate, part: &DocumentPart, operations: &mut Vec<Operation>) {
        let mut parts = vec![part.clone()];
        if self.value(part).get("$ref").is_some() {
            match self.follow(part) {
                Some(there) => parts.push(there),
                None => return,
            }
        }
        let mut methods: Vec<(String, DocumentPart, DocumentPart)> = Vec::new();
        for item in parts {
            if !self.value(&item).is_object() {
                if !self.value(&item).is_null() {
                    self.error(&item, format!("the path `{}` must be a mapping", path.text), "");
                }
                continue;
            }
            let mut known: Vec<_> = METHODS
                .into_iter()
                .filter(|method| *method != "query" || self.version >= ApiVersion::V32)
                .filter(|method| self.value(&item).get(method).is_some())
                .map(|method| (method.to_uppercase(), item.at(method)))
                .collect();
            let more = item.at("additionalOperations");
            let names = self.keys(&more, "`additionalOperations`");
            known.extend(names.into_iter().map(|name| (name.clone(), more.at(&name))));
            for (method, at) in known {
                if !methods.iter().any(|(known, _, _)| *known == method) {
                    methods.push((method, at, item.clone()));
                }
            }
        }
        for (method, at, item) in methods {
            if !self.value(&at).is_object() {
                self.error(&at, format!("`{method} {}` must be a mapping", path.text), "");
                continue;
            }
            let shared = self.parameters(&item.at("parameters"));
            operations.push(self.operation(method, path, &at, shared));
        }
    }

    fn operation(
        &mut self,
        method: String,
        path: &PathTemplate,
        part: &DocumentPart,
        shared: Vec<Parameter>,
    ) -> Operation {
        let value = self.value(part);
        let mut parameters = self.parameters(&part.at("parameters"));
        for parameter in shared {
            let same = |known: &Parameter| known.name == parameter.name && known.place == parameter.place;
            if !parameters.iter().any(same) {
                parameters.push(parameter);
            }
        }
        self.check_path(&method, path, part, &parameters);
        let body = part.at("requestBody");
        let body = value.get("requestBody").is_some().then(|| self.body(&body)).flatten();
        let security = part.at("security");
        let security = if value.get("security").is_some() {
            security
        } else {
            DocumentPart::default().at("security")
        };
        let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
        let responses = self.responses(&part.at("responses"), &method, path);
        Operation {
            path: path.clone(),
            id: text(value, "operationId"),
            summary: text(value, "summary").or_else(|| text(value, "description")),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            deprecated: flag(value, "deprecated").unwrap_or_default(),
            parameters,
            body,
            responses,
            security: self.security(&security),
            part: part.clone(),
            method,
        }
    }

    fn security(&self, part: &DocumentPart) -> Vec<Vec<String>> {
        let alternatives = self.value(part).as_array().into_iter().flatten();
        let names = |one: &Value| {
            let names = one.as_object().into_iter().flatten();
            names.map(|(name, _)| name.clone()).collect()
        };
        alternatives.map(names).collect()
    }

    /// Every parameter in the path is declared, and every declared one is in the path.
    fn check_path(&mut self, method: &str, path: &PathTemplate, part: &DocumentPart, parameters: &[Parameter]) {
        let of_path = |parameter: &&Parameter| parameter.place == ParameterIn::Path;
        for name in path.names() {
            if !parameters.iter().filter(of_path).any(|known| known.name == name) {
                self.error(
                    part,
                    format!("`{method} {}` does not declare its parameter `{name}`", path.text),
                    &format!("add `{{ name: {name}, in: path, required: true, schema: ... }}` to its `parameters`"),
                );
            }
        }
        for parameter in parameters.iter().filter(of_path) {
            if !path.names().any(|name| name == parameter.name) {
                let message = format!("the parameter `{}` is not in the path `{}`", parameter.name, path.text);
                self.notes.warn("path-parameter", parameter.part.clone(), message, "");
            } else if !parameter.required {
                let message = format!("the path parameter `{}` has no `required: true`", parameter.name);
                let help = "it is read as required";
                self.notes.warn("path-required", parameter.part.clone(), message, help);
            }
        }
    }

    /// A request leads to one operation.
    fn check_routes(&mut self, operations: &[Operation]) {
        let mut seen: BTreeMap<(&str, String), &Operation> = BTreeMap::new();
        for operation in operations {
            if let Some(first) = seen.insert((&operation.method, operation.path.shape()), operation) {
                let message = format!("`{}` and `{}` match the same requests", first.name(), operation.name());
                self.error(&operation.part, message, "describe them as one operation");
            }
        }
    }

    fn check_ids(&mut self, operations: &[Operation]) {
        let mut seen: BTreeMap<&str, &Operation> = BTreeMap::new();
        for operation in operations {
            let Some(id) = &operation.id else { continue };
            if let Some(first) = seen.insert(id, operation) {
                let line = self.files.location(&first.part.at("operationId"));
                let line = line.map_or_else(String::new, |location| format!(", line {}", location.line));
                let message = format!("duplicate `operationId: {id}`: `{}` has it too{line}", first.name());
                self.error(
                    &operation.part.at("operationId"),
                    message,
                    "give each operation its own id",
                );
            }
        }
    }

    fn parameters(&mut self, list: &DocumentPart) -> Vec<Parameter> {
        let mut all: Vec<Parameter> = Vec::new();
        for item in self.items(list) {
            let Some(part) = self.follow(&item) else { continue };
            let Some(parameter) = self.parameter(&part) else {
                continue;
            };
            let same = |known: &&Parameter| known.name == parameter.name && known.place == parameter.place;
            if let Some(known) = all.iter().find(same) {
                if self.value(&known.part) != self.value(&part) {
                    let message = format!("two {} parameters `{}`", parameter.place.name(), parameter.name);
                    self.error(&item, message, "");
                }
                continue;
            }
            all.push(parameter);
        }
        all
    }

    fn parameter(&mut self, part: &DocumentPart) -> Option<Parameter> {
        let value = self.value(part);
        let place = text(value, "in").unwrap_or_default();
        let name = text(value, "name");
        let Some((_, place)) = ParameterIn::NAMES.iter().find(|(name, _)| *name == place) else {
            let help = match place.as_str() {
                "body" | "formData" => "this is Swagger 2.0: describe the body as `requestBody`",
                _ => "write `in: path`, `query`, `header` or `cookie`",
            };
            let shown = name.map_or_else(String::new, |name| format!(" `{name}`"));
            self.error(part, format!("the parameter{shown} has no valid `in`"), help);
            return None;
        };
        let Some(name) = name else {
            self.error(part, "a parameter without `name`", "");
            return None;
        };
        // OpenAPI ignores these: they are described by media types and security schemes.
        let is_ignored = ["accept", "content-type", "authorization"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        if *place == ParameterIn::Header && is_ignored {
            return None;
        }
        let default = match place {
            ParameterIn::Path | ParameterIn::Header => ParameterStyle::Simple,
            _ => ParameterStyle::Form,
        };
        let written = text(value, "style");
        let style = (written.as_deref()).map(|name| ParameterStyle::NAMES.iter().find(|(known, _)| *known == name));
        if let (Some(None), Some(name)) = (style, &written) {
            let message = format!("`{name}` is not a style of parameters");
            self.notes
                .warn("style", part.at("style"), message, "its values are not checked");
        }
        let style = style.flatten().map_or(default, |(_, style)| *style);
        let is_form = matches!(style, ParameterStyle::Form | ParameterStyle::DeepObject);
        Some(Parameter {
            required: flag(value, "required").unwrap_or_default(),
            deprecated: flag(value, "deprecated").unwrap_or_default(),
            explode: flag(value, "explode").unwrap_or(is_form),
            allow_reserved: flag(value, "allowReserved").unwrap_or_default(),
            allow_empty: flag(value, "allowEmptyValue").unwrap_or_default(),
            schema: self.schema(part, "schema"),
            content: self.content(&part.at("content")).into_iter().next(),
            examples: self.examples(part),
            part: part.clone(),
            place: *place,
            style,
            name,
        })
    }

    /// The schema under a key.
    fn schema(&mut self, part: &DocumentPart, key: &str) -> Option<DocumentPart> {
        self.value(part).get(key)?;
        let schema = part.at(key);
        self.roots.insert(schema.clone());
        Some(schema)
    }

    fn body(&mut self, part: &DocumentPart) -> Option<RequestBody> {
        let part = self.follow(part)?;
        Some(RequestBody {
            required: flag(self.value(&part), "required").unwrap_or_default(),
            content: self.content(&part.at("content")),
            part,
        })
    }

    fn content(&mut self, part: &DocumentPart) -> Vec<DeclaredContent> {
        let keys = self.keys(part, "`content`");
        let content = keys.into_iter().filter_map(|media_type| {
            let part = self.follow(&part.at(&media_type))?;
            self.check_stream(&part, &media_type);
            Some(DeclaredContent {
                schema: self.schema(&part, "schema"),
                item_schema: self.schema(&part, "itemSchema"),
                examples: self.examples(&part),
                part,
                media_type,
            })
        });
        content.collect()
    }

    /// Reports the keywords of streams that have no effect.
    fn check_stream(&mut self, part: &DocumentPart, media_type: &str) {
        let value = self.value(part);
        for key in ["itemSchema", "prefixEncoding", "itemEncoding"] {
            if value.get(key).is_none() {
                continue;
            }
            let at = part.at(key);
            if self.version < ApiVersion::V32 {
                let message = format!("`{key}` is a keyword of OpenAPI 3.2");
                self.notes
                    .warn("stream-version", at.clone(), message, "it is read as in 3.2");
            }
            if key != "itemSchema" {
                let help = "parts of multipart content other than forms are not compared";
                self.notes
                    .warn("stream-encoding", at, format!("`{key}` is not supported"), help);
            } else if StreamKind::of(media_type).is_none() {
                let message = format!("the items of `{media_type}` are not read: `itemSchema` has no effect");
                let help = "read are `application/jsonl`, `application/x-ndjson`, `application/json-seq` and `text/event-stream`";
                self.notes.warn("stream-type", at, message, help);
            }
        }
    }

    fn examples(&mut self, part: &DocumentPart) -> Vec<DeclaredExample> {
        let mut all = Vec::new();
        if let Some(value) = self.value(part).get("example") {
            all.push(DeclaredExample {
                name: None,
                value: value.clone(),
                part: part.at("example"),
            });
        }
        if !self.value(part).get("examples").is_some_and(Value::is_object) {
            return all;
        }
        for name in self.keys(&part.at("examples"), "`examples`") {
            let Some(part) = self.follow(&part.at("examples").at(&name)) else {
                continue;
            };
            let value = self.value(&part);
            if let Some(value) = value.get("value").or_else(|| value.get("dataValue")) {
                all.push(DeclaredExample {
                    name: Some(name),
                    value: value.clone(),
                    part,
                });
            }
        }
        all
    }

    fn responses(&mut self, part: &DocumentPart, method: &str, path: &PathTemplate) -> Vec<DeclaredResponse> {
        let keys = self.keys(part, "`responses`");
        if keys.is_empty() {
            let message = format!("`{method} {}` declares no responses", path.text);
            let help = "its status codes and bodies are not checked";
            self.notes.warn("responses", part.clone(), message, help);
        }
        let mut all: Vec<DeclaredResponse> = Vec::new();
        for key in keys {
            let at = part.at(&key);
            let Some(status) = status(&key) else {
                let message = format!("`{key}` is not a status code, a range such as `2XX`, or `default`");
                self.notes.warn("status", at, message, "it is ignored");
                continue;
            };
            let Some(there) = self.follow(&at) else { continue };
            let headers = there.at("headers");
            let links = there.at("links");
            all.push(DeclaredResponse {
                status,
                description: text(self.value(&there), "description"),
                headers: self.headers(&headers),
                content: self.content(&there.at("content")),
                links: self.links(&links),
                part: there,
            });
        }
        all
    }

    fn headers(&mut self, part: &DocumentPart) -> Vec<DeclaredHeader> {
        let mut all = Vec::new();
        for name in self.keys(part, "`headers`") {
            // OpenAPI ignores it: the media types are declared in `content`.
            if name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            let Some(part) = self.follow(&part.at(&name)) else {
                continue;
            };
            let value = self.value(&part);
            all.push(DeclaredHeader {
                required: flag(value, "required").unwrap_or_default(),
                explode: flag(value, "explode").unwrap_or_default(),
                schema: self.schema(&part, "schema"),
                content: self.content(&part.at("content")).into_iter().next(),
                part,
                name,
            });
        }
        all
    }

    fn links(&mut self, part: &DocumentPart) -> Vec<DeclaredLink> {
        let mut all = Vec::new();
        for name in self.keys(part, "`links`") {
            let Some(part) = self.follow(&part.at(&name)) else {
                continue;
            };
            let value = self.value(&part);
            let parameters = value.get("parameters").and_then(Value::as_object);
            let parameters = parameters.into_iter().flatten();
            all.push(DeclaredLink {
                name,
                operation_id: text(value, "operationId"),
                operation_ref: text(value, "operationRef"),
                parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
                body: value.get("requestBody").cloned(),
                part,
            });
        }
        all
    }

    /// The security schemes of the document.
    pub(super) fn security_schemes(&mut self) -> Vec<SecurityScheme> {
        let all = DocumentPart::default().at("components").at("securitySchemes");
        let mut schemes = Vec::new();
        for name in self.keys(&all, "`securitySchemes`") {
            let Some(part) = self.follow(&all.at(&name)) else {
                continue;
            };
            let value = self.value(&part);
            let place = text(value, "in").unwrap_or_default();
            let place = ParameterIn::NAMES.iter().find(|(name, _)| *name == place);
            schemes.push(SecurityScheme {
                kind: text(value, "type").unwrap_or_default(),
                scheme: text(value, "scheme").map(|scheme| scheme.to_ascii_lowercase()),
                key: place.map(|(_, place)| *place).zip(text(value, "name")),
                name,
                part,
            });
        }
        schemes
    }

    /// Adds the named schemas of the document.
    pub(super) fn component_schemas(&mut self) {
        let all = DocumentPart::default().at("components").at("schemas");
        for name in self.keys(&all, "`schemas`") {
            self.roots.insert(all.at(&name));
        }
    }
}

/// The key of a response.
fn status(key: &str) -> Option<DeclaredStatus> {
    if key == "default" {
        return Some(DeclaredStatus::Default);
    }
    let upper = key.to_ascii_uppercase();
    if let Some(digit) = upper.strip_suffix("XX") {
        let digit = digit.parse().ok().filter(|digit| (1..=5).contains(digit))?;
        return Some(DeclaredStatus::Range(digit));
    }
    let code = key.parse().ok().filter(|code| (100..=999).contains(code))?;
    Some(DeclaredStatus::Code(code))
}
