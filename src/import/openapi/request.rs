//! The request of an operation: values of its parameters, its content, and its credentials.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{
    ApiImport,
    bind::declares,
    value::{self, plain, plain_value, scalar},
};
use crate::{
    import::{
        DraftContent, DraftInput, DraftPart, DraftPartContent, DraftQuery, DraftRequest, Value,
        credentials::is_credential, names::name_of,
    },
    json,
    openapi::{
        ApiDocument, DeclaredContent, DocumentPart, FlatSchema, Operation, Parameter, ParameterIn, ParameterStyle,
    },
    suite::{is_name, is_reserved},
};

/// Values of path parameters, by name.
pub(super) type PathValues = HashMap<String, Value>;

/// Names of properties that are often unique.
const UNIQUE: [&str; 14] = [
    "name", "username", "login", "email", "slug", "code", "title", "key", "handle", "sku", "number", "label",
    "subject", "user",
];

impl ApiImport<'_> {
    /// The request of an operation with these values in its path, and others for parameters that are not given. The error is
    /// what is needed.
    pub(super) fn request(&mut self, operation: &Operation, values: &PathValues) -> Result<DraftRequest, String> {
        let mut request = self.bare_request(operation, values)?;
        self.body(operation, &mut request)?;
        self.credentials(operation, &mut request)?;
        Ok(request)
    }

    /// The same without content and credentials.
    pub(super) fn bare_request(&mut self, operation: &Operation, values: &PathValues) -> Result<DraftRequest, String> {
        let mut request = DraftRequest {
            method: operation.method.clone(),
            path: plain(&operation.path.text),
            ..DraftRequest::default()
        };
        if operation.path.text.contains(['?', '#']) {
            return Err(format!("a path without `?` and `#`: `{}`", operation.path.text));
        }
        for name in operation.path.names() {
            let value = match values.get(name) {
                Some(value) => value.clone(),
                None => self.path_sample(operation, name)?,
            };
            request.params.push((name.to_owned(), value));
        }
        let mut query = Vec::new();
        let mut cookies = Vec::new();
        for parameter in &operation.parameters {
            // Without the condition, the response is 428.
            let is_condition = parameter.place == ParameterIn::Header
                && parameter.name.eq_ignore_ascii_case("if-match")
                && declares(operation, 428);
            let is_wanted = parameter.required
                || is_condition
                || (parameter.place == ParameterIn::Query && !parameter.examples.is_empty() && !parameter.deprecated);
            if !is_wanted || parameter.place == ParameterIn::Path {
                continue;
            }
            let value = match parameter_value(self.document, parameter) {
                Ok(value) => value,
                Err(_) if !parameter.required => continue,
                Err(reason) => return Err(reason),
            };
            self.place(parameter, value, &mut request, &mut query, &mut cookies)?;
        }
        if !cookies.is_empty() {
            request.headers.push(("Cookie".to_owned(), cookies.join("; ")));
        }
        if !query.is_empty() {
            request.query = Some(DraftQuery::Fields(query));
        }
        Ok(request)
    }

    /// Writes the value of a parameter where it is sent.
    fn place(
        &mut self,
        parameter: &Parameter,
        value: Json,
        request: &mut DraftRequest,
        query: &mut Vec<(String, Value)>,
        cookies: &mut Vec<Value>,
    ) -> Result<(), String> {
        let name = plain(&parameter.name);
        let place = parameter.place.name();
        let is_secret = is_secret(&name) && value.is_string();
        let value = if is_secret {
            let secret = self.secret(&name_of(&name), &format!("the {place} parameter `{name}`"));
            Json::String(secret)
        } else {
            value
        };
        match parameter.place {
            ParameterIn::Path => {}
            ParameterIn::Query => query.append(&mut query_fields(parameter, &name, &value)),
            ParameterIn::QueryString => request.query = Some(DraftQuery::Raw(scalar(&value))),
            ParameterIn::Header => {
                // It matches any object that exists (RFC 9110 section 13.1.1); a tag would be of another object.
                let is_tag = name.eq_ignore_ascii_case("if-match");
                let text = if is_tag {
                    "*".to_owned()
                } else {
                    simple(&value, parameter.explode)
                };
                if !is_secret && !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
                    return Err(format!("a value of the header field `{name}`"));
                }
                request.headers.push((name, text));
            }
            ParameterIn::Cookie => cookies.push(format!("{name}={}", simple(&value, false))),
        }
        Ok(())
    }

    /// A value of a path parameter that need not exist.
    pub(in crate::import) fn path_sample(&self, operation: &Operation, name: &str) -> Result<Value, String> {
        let parameter = path_parameter(operation, name).ok_or_else(|| format!("a value of `{name}`"))?;
        if matches!(parameter.style, ParameterStyle::Matrix | ParameterStyle::Label) {
            return Err(format!("a path parameter `{name}` in another style"));
        }
        let text = simple(&parameter_value(self.document, parameter)?, parameter.explode);
        if text.is_empty() {
            Err(format!("a value of `{name}`"))
        } else {
            Ok(text)
        }
    }

    /// Writes the content, if the operation has one and it can be written.
    fn body(&mut self, operation: &Operation, request: &mut DraftRequest) -> Result<(), String> {
        let Some(body) = &operation.body else { return Ok(()) };
        let mut reason = None;
        let mut all: Vec<_> = body.content.iter().collect();
        all.sort_by_key(|content| rank(&content.media_type));
        for content in all {
            match self.content(operation, content) {
                Ok((content, media_type)) => {
                    request.content = Some(content);
                    let media_type = media_type.map(|value| ("Content-Type".to_owned(), value));
                    request.headers.extend(media_type);
                    return Ok(());
                }
                Err(wrong) => reason = reason.or(Some(wrong)),
            }
        }
        match reason {
            Some(reason) if body.required => Err(reason),
            _ => Ok(()),
        }
    }

    /// Content of a media type, and the media type unless it is implied.
    fn content(
        &mut self,
        operation: &Operation,
        declared: &DeclaredContent,
    ) -> Result<(DraftContent, Option<String>), String> {
        let written = plain(&declared.media_type);
        let essence = essence(&declared.media_type);
        match rank(&declared.media_type) {
            JSON => {
                let value = self.json_body(operation, declared)?;
                let is_plain = essence == "application/json" || essence.contains('*');
                Ok((
                    DraftContent::Json(value),
                    (!is_plain || written.contains(';')).then_some(written),
                ))
            }
            FORM => {
                let Json::Object(fields) = self.json_body(operation, declared)? else {
                    return Err("a form with fields".to_owned());
                };
                let fields = fields.into_iter().flat_map(|(name, value)| match value {
                    Json::Array(items) => items.iter().map(|item| (name.clone(), scalar(item))).collect(),
                    other => vec![(name, scalar(&other))],
                });
                Ok((DraftContent::Form(fields.collect()), None))
            }
            MULTIPART => {
                let Json::Object(fields) = self.json_body(operation, declared)? else {
                    return Err("a form with fields".to_owned());
                };
                let parts = fields.iter().map(|(name, value)| self.part(declared, name, value));
                Ok((DraftContent::Multipart(parts.collect()), None))
            }
            TEXT => {
                let text = match (declared.examples.first(), &declared.schema) {
                    (Some(example), _) => scalar(&plain_value(&example.value)),
                    (None, Some(schema)) if essence.starts_with("text/") => {
                        scalar(&value::value(self.document, schema, "the body")?)
                    }
                    (None, None) if essence == "text/plain" => "text".to_owned(),
                    _ => return Err(format!("a body with the media type `{essence}`")),
                };
                let is_range = essence.contains('*');
                Ok((DraftContent::Text(text), (!is_range).then_some(written)))
            }
            BYTES => Ok((
                DraftContent::Text("example".to_owned()),
                Some("application/octet-stream".to_owned()),
            )),
            _ => match declared.examples.iter().find_map(|example| example.value.as_str()) {
                Some(text) => Ok((DraftContent::Text(plain(text)), Some(written))),
                None => Err(format!("a body with the media type `{essence}`")),
            },
        }
    }

    fn part(&self, declared: &DeclaredContent, name: &str, value: &Json) -> DraftPart {
        let schema = declared.schema.as_ref().map(|schema| self.document.flat(schema));
        let property = schema.as_ref().and_then(|schema| schema.properties.get(name));
        let property = property.map(|property| self.document.flat(property));
        let is_file = property.is_some_and(|flat| {
            let is_binary = matches!(flat.text("format"), Some("binary"));
            is_binary || (flat.has("contentMediaType") && !flat.has("contentEncoding"))
        });
        let is_list = value.is_object() || value.is_array();
        let content_type = if is_list {
            Some("application/json")
        } else {
            is_file.then_some("text/plain")
        };
        DraftPart {
            name: name.to_owned(),
            content: DraftPartContent::Text(scalar(value)),
            content_type: content_type.map(str::to_owned),
            file_name: is_file.then(|| "example.txt".to_owned()),
        }
    }

    /// The value of content with a schema, with its credentials as secret inputs.
    fn json_body(&mut self, operation: &Operation, declared: &DeclaredContent) -> Result<Json, String> {
        let mut value = self.clean_body(operation, declared)?;
        if let (Some(schema), Json::Object(fields)) = (&declared.schema, &mut value) {
            let flat = self.document.flat(schema);
            let has_conflict = declares(operation, 409);
            for (name, value) in fields.iter_mut() {
                let property = flat.properties.get(name).map(|property| self.document.flat(property));
                let Some(property) = property else { continue };
                if property.text("format") == Some("password") && value.is_string() {
                    *value = self.secret(&name_of(name), &format!("the property `{name}`")).into();
                } else if has_conflict && UNIQUE.contains(&name.to_ascii_lowercase().as_str()) {
                    self.make_unique(value, &property);
                }
            }
        }
        self.hide(&mut value);
        Ok(value)
    }

    /// The value of content with a schema: the first valid example, or another value.
    pub(super) fn clean_body(&mut self, operation: &Operation, declared: &DeclaredContent) -> Result<Json, String> {
        let document = self.document;
        let mut examples = declared
            .examples
            .iter()
            .map(|example| (example, plain_value(&example.value)));
        let Some(schema) = &declared.schema else {
            return Ok(examples
                .next()
                .map_or_else(|| Json::Object(Map::new()), |(_, value)| value));
        };
        let mut found = None;
        for (example, value) in examples {
            let value = without_hidden(document, schema, value);
            match value::wrong(document, schema, &value) {
                None => {
                    found = Some(value);
                    break;
                }
                Some(wrong) => {
                    let name = example
                        .name
                        .as_deref()
                        .map_or_else(String::new, |name| format!(" `{}`", plain(name)));
                    self.notes
                        .push(format!("the example{name} of the request body: {wrong}"));
                }
            }
        }
        let mut value = match found {
            Some(value) => value,
            None => value::value(document, schema, "the body")?,
        };
        if let Json::Object(fields) = &mut value
            && operation.method == "POST"
            && !document.flat(schema).required.iter().any(|name| name == "id")
        {
            // The id of an example can be that of an object which exists.
            fields.remove("id");
        }
        Ok(value)
    }

    /// Makes a text unique in each run, unless its schema forbids it.
    fn make_unique(&mut self, value: &mut Json, schema: &FlatSchema) {
        let Json::String(text) = value else { return };
        let is_email = schema.text("format") == Some("email");
        let is_free = !schema.is_closed() && !schema.has("pattern") && (is_email || !schema.has("format"));
        let most = schema.length("maxLength").unwrap_or(usize::MAX);
        if !is_free || text.chars().count() + 11 > most {
            return;
        }
        let id = self.draft.names.variable("case_id", None);
        match text.split_once('@') {
            Some((user, host)) => *text = format!("{user}-{id}@{host}"),
            None => *text = format!("{text}-{id}"),
        }
    }

    /// Replaces the credentials of a body by secret inputs.
    fn hide(&mut self, value: &mut Json) {
        match value {
            Json::Object(fields) => {
                for (name, value) in fields {
                    if value.is_string() && is_secret(name) {
                        *value = self.secret(&name_of(name), &format!("the property `{name}`")).into();
                    } else {
                        self.hide(value);
                    }
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            _ => {}
        }
    }

    /// The variable of a secret input.
    fn secret(&mut self, name: &str, description: &str) -> Value {
        self.draft.input(DraftInput {
            name: name.to_owned(),
            description: description.to_owned(),
            is_secret: true,
            is_short: false,
            default: None,
        });
        self.draft.names.variable(name, None).to_string()
    }

    /// Whether requests of an operation can have credentials.
    pub(super) fn has_security(operation: &Operation) -> bool {
        !operation.security.is_empty() && operation.security.iter().all(|schemes| !schemes.is_empty())
    }

    /// Adds the credentials of the first alternative that can be sent.
    pub(in crate::import) fn credentials(
        &mut self,
        operation: &Operation,
        request: &mut DraftRequest,
    ) -> Result<(), String> {
        if !Self::has_security(operation) {
            return Ok(());
        }
        let mut reason = None;
        for schemes in &operation.security {
            let mut with = request.clone();
            match schemes.iter().try_for_each(|name| self.credential(name, &mut with)) {
                Ok(()) => {
                    *request = with;
                    return Ok(());
                }
                Err(wrong) => reason = reason.or(Some(wrong)),
            }
        }
        Err(reason.unwrap_or_default())
    }

    fn credential(&mut self, name: &str, request: &mut DraftRequest) -> Result<(), String> {
        let document = self.document;
        let known = document.security_schemes.iter().find(|scheme| scheme.name == name);
        let scheme = known.ok_or_else(|| format!("the security scheme `{name}`, which is not declared"))?;
        let kind = (scheme.kind.as_str(), scheme.scheme.as_deref());
        let has_authorization = request.bearer.is_some() || request.basic.is_some();
        if has_authorization && !matches!(kind, ("apiKey", _)) {
            return Err("two credentials in `Authorization`".to_owned());
        }
        let is_bearer = kind == ("http", Some("bearer"));
        let input = self.scheme_input(name, is_bearer);
        match kind {
            ("http", Some("bearer")) | ("oauth2" | "openIdConnect", _) => {
                request.bearer = Some(self.secret(&input, &format!("a token for the security scheme `{name}`")));
            }
            ("http", Some("basic")) => {
                let user = format!("{input}_user");
                self.draft.input(DraftInput {
                    name: user.clone(),
                    description: format!("a user for the security scheme `{name}`"),
                    is_secret: false,
                    is_short: false,
                    default: None,
                });
                let user = self.draft.names.variable(&user, None).to_string();
                let password = self.secret(&input, &format!("the password for the security scheme `{name}`"));
                request.basic = Some((user, password));
            }
            ("apiKey", _) => {
                let (place, key) = scheme
                    .key
                    .clone()
                    .ok_or_else(|| format!("the place of the key `{name}`"))?;
                let value = self.secret(&input, &format!("a key for the security scheme `{name}`"));
                match place {
                    ParameterIn::Header => request.headers.push((plain(&key), value)),
                    ParameterIn::Cookie => {
                        let pair = format!("{}={value}", plain(&key));
                        match request.headers.iter_mut().find(|(name, _)| name == "Cookie") {
                            Some((_, cookies)) => *cookies = format!("{cookies}; {pair}"),
                            None => request.headers.push(("Cookie".to_owned(), pair)),
                        }
                    }
                    _ => match &mut request.query {
                        Some(DraftQuery::Fields(fields)) => fields.push((plain(&key), value)),
                        Some(DraftQuery::Raw(_)) => return Err("a key in the query".to_owned()),
                        None => request.query = Some(DraftQuery::Fields(vec![(plain(&key), value)])),
                    },
                }
            }
            ("mutualTLS", _) => return Err("a client certificate: name it with `identity`".to_owned()),
            (kind, scheme) => return Err(format!("credentials of the type `{}`", scheme.unwrap_or(kind))),
        }
        Ok(())
    }

    /// The name of the input for a security scheme.
    fn scheme_input(&mut self, name: &str, is_bearer: bool) -> String {
        if let Some(known) = self.schemes.get(name) {
            return known.clone();
        }
        let is_taken = |wanted: &str| self.schemes.values().any(|known| known.eq_ignore_ascii_case(wanted));
        let input = if is_bearer && !is_taken("token") {
            "token".to_owned()
        } else {
            let own = if is_name(name) && !is_reserved(name) {
                name.to_owned()
            } else {
                name_of(name)
            };
            crate::import::credentials::free(&own, is_taken)
        };
        self.schemes.insert(name.to_owned(), input.clone());
        input
    }
}

/// Whether a parameter or property of this name is a credential. Short words also name other things in documents.
fn is_secret(name: &str) -> bool {
    let is_ambiguous = ["key", "pin", "sig", "pass", "auth", "signature"].contains(&name.to_ascii_lowercase().as_str());
    is_credential(name) && !is_ambiguous
}

/// The declaration of a path parameter.
pub(super) fn path_parameter<'o>(operation: &'o Operation, name: &str) -> Option<&'o Parameter> {
    let mut all = operation.parameters.iter();
    all.find(|parameter| parameter.place == ParameterIn::Path && parameter.name == name)
}

/// A value of a parameter. The error is what is needed.
pub(super) fn parameter_value(document: &ApiDocument, parameter: &Parameter) -> Result<Json, String> {
    if let Some(content) = &parameter.content {
        let value = match (content.examples.first(), &content.schema) {
            (Some(example), _) => plain_value(&example.value),
            (None, Some(schema)) => value::value(document, schema, &parameter.name)?,
            (None, None) => "text".into(),
        };
        return Ok(Json::String(json::show(&value)));
    }
    let Some(schema) = &parameter.schema else {
        return Ok(parameter
            .examples
            .first()
            .map_or("text".into(), |example| plain_value(&example.value)));
    };
    for example in &parameter.examples {
        let example = plain_value(&example.value);
        if value::wrong(document, schema, &example).is_none() {
            return Ok(example);
        }
    }
    value::value(document, schema, &parameter.name)
}

/// Whether the document itself gives a value of a parameter, so that it need not be invented.
pub(super) fn has_value(document: &ApiDocument, parameter: &Parameter) -> bool {
    if !parameter.examples.is_empty() {
        return true;
    }
    let Some(schema) = &parameter.schema else { return false };
    let flat = document.flat(schema);
    let given = ["example", "examples", "default", "enum", "const"];
    given.iter().any(|key| flat.has(key)) || flat.kind() == "boolean"
}

/// Fields of the query.
fn query_fields(parameter: &Parameter, name: &str, value: &Json) -> Vec<(String, Value)> {
    let one = |text: String| vec![(name.to_owned(), text)];
    match value {
        Json::Array(items) => {
            let mut texts = items.iter().map(scalar);
            let separator = match parameter.style {
                ParameterStyle::SpaceDelimited => " ",
                ParameterStyle::PipeDelimited => "|",
                _ if parameter.explode => return texts.map(|text| (name.to_owned(), text)).collect(),
                _ => ",",
            };
            let first = texts.next().unwrap_or_default();
            one(texts.fold(first, |all, text| format!("{all}{separator}{text}")))
        }
        Json::Object(fields) if parameter.style == ParameterStyle::DeepObject => {
            let fields = fields.iter();
            fields
                .map(|(key, value)| (format!("{name}[{key}]"), scalar(value)))
                .collect()
        }
        Json::Object(fields) if parameter.explode => {
            fields.iter().map(|(key, value)| (key.clone(), scalar(value))).collect()
        }
        other => one(simple(other, false)),
    }
}

/// A value in the style `simple`.
fn simple(value: &Json, explode: bool) -> String {
    match value {
        Json::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(","),
        Json::Object(fields) => {
            let sign = if explode { "=" } else { "," };
            let pairs = fields
                .iter()
                .map(|(key, value)| format!("{key}{sign}{}", scalar(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
        other => scalar(other),
    }
}

/// Kinds of content, in the order in which they are tried.
const JSON: usize = 0;
const FORM: usize = 1;
const MULTIPART: usize = 2;
const TEXT: usize = 3;
const BYTES: usize = 4;
const OTHER: usize = 5;

fn essence(media_type: &str) -> String {
    media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn rank(media_type: &str) -> usize {
    match essence(media_type).as_str() {
        "application/json" | "*/*" | "application/*" => JSON,
        other if other.ends_with("+json") => JSON,
        "application/x-www-form-urlencoded" => FORM,
        "multipart/form-data" => MULTIPART,
        "application/octet-stream" => BYTES,
        other if other.starts_with("text/") => TEXT,
        _ => OTHER,
    }
}

/// An example of a request without properties that only a response has.
fn without_hidden(document: &ApiDocument, schema: &DocumentPart, mut example: Json) -> Json {
    if let Json::Object(fields) = &mut example {
        let flat = document.flat(schema);
        fields.retain(|name, _| {
            let property = flat.properties.get(name).map(|property| document.flat(property));
            !property.is_some_and(|property| property.is_hidden())
        });
    }
    example
}
