//! A request of a case that expects success: its parameters and its content.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    super::{media_type::MediaType, sink::FindingSink},
    Described, DocumentFinding, DocumentFindings,
    form::{FormReading, form_fields, is_form_content},
    response::{is_json, matching, media_types},
    stream::{stream_kind, stream_violations},
    values::{ValueShape, violation},
};
use crate::{
    json,
    model::{HIDDEN, Level, Request},
    openapi::{
        ApiViolation, DeclaredContent, Direction, DocumentPart, Operation, Parameter, ParameterIn, ParameterStyle,
        StreamKind,
    },
};

const RULE: &str = "openapi/request";

/// A request that the document does not describe.
pub(super) fn undeclared<S: FindingSink>(
    described: &Described<'_>,
    request: &Request,
    violations: &mut DocumentFindings<'_, S>,
) {
    let methods = described.document.methods(described.path);
    violations.report(RULE, Level::Deny, |document| DocumentFinding {
        message: if methods.is_empty() {
            "the document does not describe this path".to_owned()
        } else {
            "the document does not describe this method of the path".to_owned()
        },
        expected: if methods.is_empty() {
            format!("a path of {}", document.name)
        } else {
            methods.join(", ")
        },
        actual: format!("{} {}", request.method, described.path),
        part: DocumentPart::default().at("paths"),
        ..DocumentFinding::default()
    });
}

pub(super) fn check<S: FindingSink>(
    described: &Described<'_>,
    operation: &Operation,
    request: &Request,
    violations: &mut DocumentFindings<'_, S>,
) {
    let path = described
        .document
        .path_values(operation, described.path)
        .unwrap_or_default();
    let query = query_pairs(described.query.unwrap_or_default());
    let cookies = cookie_pairs(request);
    for parameter in &operation.parameters {
        match parameter.place {
            ParameterIn::Path => {
                // A path that the operation does not have is found by its id only.
                if let Some(text) = path.get(&parameter.name) {
                    let text = decoded(text);
                    check_value(parameter, &text, violations, |shape| {
                        path_readings(parameter, shape, &text)
                    });
                }
            }
            ParameterIn::Query => check_query(parameter, &query, violations),
            ParameterIn::QueryString => {
                let text = described.query.unwrap_or_default();
                if text.is_empty() {
                    missing(parameter, violations);
                } else {
                    check_query_string(parameter, text, violations);
                }
            }
            ParameterIn::Header => {
                let is_it = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(&parameter.name);
                let values: Vec<_> = request
                    .headers
                    .iter()
                    .filter(is_it)
                    .map(|(_, value)| value.as_str())
                    .collect();
                if values.is_empty() {
                    missing(parameter, violations);
                    continue;
                }
                let text = values.join(",");
                check_value(parameter, &text, violations, |shape| {
                    shape.simple(&text, parameter.explode)
                });
            }
            ParameterIn::Cookie => match cookies.get(&parameter.name) {
                // Recordings mask the values.
                Some(text) if is_mask(text) => {}
                Some(text) => {
                    check_value(parameter, text, violations, |shape| {
                        shape.simple(text, parameter.explode)
                    });
                }
                None => missing(parameter, violations),
            },
        }
    }
    undeclared_query(described, operation, &query, violations);
    check_body(operation, request, violations);
}

/// A required parameter that is not sent.
fn missing<S: FindingSink>(parameter: &Parameter, violations: &mut DocumentFindings<'_, S>) {
    if !parameter.required {
        return;
    }
    violations.report(RULE, Level::Deny, |document| DocumentFinding {
        message: format!(
            "the {} parameter `{}` is required",
            parameter.place.name(),
            parameter.name
        ),
        expected: document.reference(&parameter.part),
        actual: "(absent)".to_owned(),
        part: parameter.part.clone(),
        ..DocumentFinding::default()
    });
}

/// A value that is not valid under any reading.
fn check_value<S: FindingSink>(
    parameter: &Parameter,
    text: &str,
    violations: &mut DocumentFindings<'_, S>,
    read: impl FnOnce(&ValueShape<'_>) -> Vec<Value>,
) {
    let document = violations.document;
    let found = match (&parameter.content, &parameter.schema) {
        (Some(content), _) => {
            let schema = content.schema.as_ref().filter(|_| is_json(&content.media_type));
            schema.and_then(|schema| {
                let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
                document
                    .violations(schema, Direction::Request, &value)
                    .into_iter()
                    .next()
            })
        }
        (None, Some(schema)) => violation(document, schema, Direction::Request, read),
        (None, None) => None,
    };
    if let Some(found) = found {
        violations.report(RULE, Level::Deny, |_| DocumentFinding {
            message: format!(
                "the {} parameter `{}` breaks the document: {}",
                parameter.place.name(),
                parameter.name,
                found.message
            ),
            expected: document.reference(&found.part),
            // Cookies are credentials.
            actual: match parameter.place {
                ParameterIn::Cookie => String::new(),
                _ => text.to_owned(),
            },
            part: found.part,
            ..DocumentFinding::default()
        });
    }
}

fn path_readings(parameter: &Parameter, shape: &ValueShape<'_>, text: &str) -> Vec<Value> {
    let rest = match parameter.style {
        ParameterStyle::Label => text.strip_prefix('.').map(|rest| {
            if parameter.explode {
                rest.replace('.', ",")
            } else {
                rest.to_owned()
            }
        }),
        ParameterStyle::Matrix => text.strip_prefix(';').map(|rest| {
            let start = format!("{}=", parameter.name);
            let items: Vec<_> = rest
                .split(';')
                .map(|item| item.strip_prefix(&start).unwrap_or(item))
                .collect();
            items.join(",")
        }),
        _ => Some(text.to_owned()),
    };
    shape.simple(rest.as_deref().unwrap_or(text), parameter.explode)
}

fn check_query<S: FindingSink>(
    parameter: &Parameter,
    query: &[(String, String, &str)],
    violations: &mut DocumentFindings<'_, S>,
) {
    let own: Vec<_> = query.iter().filter(|(name, _, _)| *name == parameter.name).collect();
    let deep = format!("{}[", parameter.name);
    let deep: Vec<_> = query
        .iter()
        .filter_map(|(name, value, _)| {
            let key = name.strip_prefix(&deep)?.strip_suffix(']')?;
            Some((key, value.as_str()))
        })
        .collect();
    let is_form = parameter.style == ParameterStyle::Form && parameter.explode;
    if own.is_empty() && deep.is_empty() {
        // The properties of an object are sent by their names.
        let can_be_object = is_form && may_be_object(parameter, violations);
        if !can_be_object {
            missing(parameter, violations);
        }
        return;
    }
    if !deep.is_empty() && parameter.style == ParameterStyle::DeepObject {
        let has_nested = deep.iter().any(|(key, _)| key.contains('['));
        if !has_nested {
            check_value(parameter, "(object)", violations, |shape| {
                vec![shape.object(deep.clone())]
            });
        }
        return;
    }
    let Some((_, text, raw)) = own.first() else { return };
    if text.is_empty() && parameter.allow_empty {
        return;
    }
    let separator = match parameter.style {
        ParameterStyle::SpaceDelimited => " ",
        ParameterStyle::PipeDelimited => "|",
        _ => ",",
    };
    check_value(parameter, text, violations, |shape| {
        if own.len() > 1 {
            return vec![shape.list(&own.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>())];
        }
        let mut all = shape.single(text);
        let items: Vec<&str> = text.split(separator).collect();
        if shape.can_be("array") {
            // An encoded separator is part of an item.
            let raw_items: Vec<_> = raw.split(separator).map(decoded).collect();
            let raw_items: Vec<_> = raw_items.iter().map(String::as_str).collect();
            all.push(shape.list(&raw_items));
            all.push(shape.list(&items));
            all.push(shape.list(&[text.as_str()]));
        }
        if shape.can_be("object") {
            all.extend(shape.alternating(&items));
            all.extend(serde_json::from_str(text).ok().filter(Value::is_object));
        }
        all
    });
}

/// A whole query, by its media type (3.2).
fn check_query_string<S: FindingSink>(parameter: &Parameter, text: &str, violations: &mut DocumentFindings<'_, S>) {
    let document = violations.document;
    let Some(content) = &parameter.content else { return };
    let Some(kind) = MediaType::parse(&content.media_type) else {
        return;
    };
    let found = if is_form_content(content, &kind) {
        let fields = form_fields(&kind, text.as_bytes()).unwrap_or_default();
        let reading = FormReading::new(document, content, &fields);
        reading.and_then(|reading| reading.violations().into_iter().next())
    } else if let Some(schema) = content.schema.as_ref().filter(|_| kind.is_json()) {
        let text = decoded(text);
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        document
            .violations(schema, Direction::Request, &value)
            .into_iter()
            .next()
    } else {
        None
    };
    if let Some(found) = found {
        violations.report(RULE, Level::Deny, |_| DocumentFinding {
            message: format!("the query breaks the document: {}", found.message),
            expected: document.reference(&found.part),
            actual: text.to_owned(),
            part: found.part,
            ..DocumentFinding::default()
        });
    }
}

fn may_be_object<S>(parameter: &Parameter, violations: &DocumentFindings<'_, S>) -> bool {
    let document = violations.document;
    let Some(schema) = &parameter.schema else { return false };
    let all = document.schemas(Direction::Request);
    let declared = all.map(|all| all.declared(&document.schema_name(schema), ""));
    declared.is_some_and(|declared| declared.types.contains("object"))
}

/// Names in the query that the document does not declare.
fn undeclared_query<S: FindingSink>(
    described: &Described<'_>,
    operation: &Operation,
    query: &[(String, String, &str)],
    violations: &mut DocumentFindings<'_, S>,
) {
    let is_open = |parameter: &Parameter| match parameter.place {
        ParameterIn::QueryString => true,
        ParameterIn::Query => parameter.style == ParameterStyle::Form && may_be_object(parameter, violations),
        _ => false,
    };
    if operation.parameters.iter().any(is_open) {
        return;
    }
    let keys = described
        .document
        .security_schemes
        .iter()
        .filter_map(|scheme| scheme.key.as_ref());
    let keys: Vec<_> = keys
        .filter(|(place, _)| *place == ParameterIn::Query)
        .map(|(_, name)| name.as_str())
        .collect();
    let mut reported: Vec<&str> = Vec::new();
    for (name, _, _) in query {
        let stem = name.split('[').next().unwrap_or(name);
        let is_it = |known: &str| known == name || known == stem || known.strip_suffix("[]") == Some(stem);
        let is_declared = |parameter: &Parameter| parameter.place == ParameterIn::Query && is_it(&parameter.name);
        if operation.parameters.iter().any(is_declared)
            || keys.iter().any(|key| is_it(key))
            || reported.contains(&&**name)
        {
            continue;
        }
        reported.push(name);
        violations.report(RULE, Level::Warn, |_| DocumentFinding {
            message: format!("`{}` does not declare this query parameter", operation.name()),
            actual: name.clone(),
            part: operation.part.at("parameters"),
            ..DocumentFinding::default()
        });
    }
}

fn check_body<S: FindingSink>(operation: &Operation, request: &Request, violations: &mut DocumentFindings<'_, S>) {
    let Some(body) = &operation.body else {
        if !request.body.is_empty() {
            violations.report(RULE, Level::Deny, |_| DocumentFinding {
                message: format!("`{}` does not declare a request body", operation.name()),
                actual: format!("{} bytes", request.body.bytes().len()),
                part: operation.part.clone(),
                ..DocumentFinding::default()
            });
        }
        return;
    };
    if request.body.is_empty() {
        if body.required {
            violations.report(RULE, Level::Deny, |document| DocumentFinding {
                message: "the request has no body, which the document requires".to_owned(),
                expected: document.reference(&body.part),
                actual: "(empty)".to_owned(),
                part: body.part.at("required"),
                ..DocumentFinding::default()
            });
        }
        return;
    }
    let is_it = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
    let sent = request.headers.iter().find(is_it).map(|(_, value)| value.as_str());
    let actual = sent.and_then(MediaType::parse);
    let Some(content) = actual.as_ref().and_then(|actual| matching(&body.content, actual)) else {
        if !body.content.is_empty() {
            violations.report(RULE, Level::Deny, |_| DocumentFinding {
                message: "the document does not declare this media type for the request".to_owned(),
                expected: media_types(&body.content),
                actual: sent.unwrap_or("(absent)").to_owned(),
                part: body.part.at("content"),
                ..DocumentFinding::default()
            });
        }
        return;
    };
    // A recorded body can be cut, and a coded one is not read.
    let is_coded = request
        .headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("content-encoding") && !value.eq_ignore_ascii_case("identity"));
    let Some(actual) = actual.filter(|_| !request.body.is_cut() && !is_coded) else {
        return;
    };
    if actual.is_json() {
        check_json(content, request, violations);
    } else if is_form_content(content, &actual) {
        check_form(content, &actual, request, violations);
    } else if let Some(kind) = stream_kind(content, &actual.essence) {
        check_stream((content, kind), request, violations);
    }
}

fn check_stream<S: FindingSink>(
    what: (&DeclaredContent, StreamKind),
    request: &Request,
    violations: &mut DocumentFindings<'_, S>,
) {
    let bytes = request.body.bytes();
    match stream_violations(violations.document, what, Direction::Request, (bytes, true)) {
        Ok(all) => all
            .into_iter()
            .for_each(|found| wrong_body(found.violation, violations)),
        Err((item, _)) => not_content(&format!("JSON in item {item}"), what.0, violations),
    }
}

fn check_json<S: FindingSink>(content: &DeclaredContent, request: &Request, violations: &mut DocumentFindings<'_, S>) {
    let Some(schema) = &content.schema else { return };
    let Ok(value) = json::read(request.body.bytes()) else {
        not_content("JSON", content, violations);
        return;
    };
    for found in violations.document.violations(schema, Direction::Request, &value) {
        wrong_body(found, violations);
    }
}

fn check_form<S: FindingSink>(
    content: &DeclaredContent,
    kind: &MediaType,
    request: &Request,
    violations: &mut DocumentFindings<'_, S>,
) {
    let Some(fields) = form_fields(kind, request.body.bytes()) else {
        not_content("multipart with the boundary of its media type", content, violations);
        return;
    };
    let Some(reading) = FormReading::new(violations.document, content, &fields) else {
        return;
    };
    for found in reading.violations() {
        wrong_body(found, violations);
    }
    for (name, sent, declared, part) in reading.wrong_types {
        violations.report(RULE, Level::Deny, |_| DocumentFinding {
            message: format!("the document does not declare this media type for `{name}` of the form"),
            expected: declared,
            actual: sent,
            part,
            ..DocumentFinding::default()
        });
    }
}

/// Content that is not what its media type states.
fn not_content<S: FindingSink>(what: &str, content: &DeclaredContent, violations: &mut DocumentFindings<'_, S>) {
    violations.report(RULE, Level::Deny, |_| DocumentFinding {
        message: format!("the request body is not {what}"),
        expected: content.media_type.clone(),
        part: content.part.clone(),
        ..DocumentFinding::default()
    });
}

/// A violation by the content.
fn wrong_body<S: FindingSink>(found: ApiViolation, violations: &mut DocumentFindings<'_, S>) {
    violations.report(RULE, Level::Deny, |document| DocumentFinding {
        message: format!("the request body breaks the document: {}", found.message),
        expected: document.reference(&found.part),
        actual: format!(
            "{} at {}",
            found.actual,
            if found.pointer.is_empty() { "/" } else { &found.pointer }
        ),
        part: found.part,
        ..DocumentFinding::default()
    });
}

/// The pairs of a query: name and value decoded, and the value as sent.
fn query_pairs(query: &str) -> Vec<(String, String, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (
            decoded(&name.replace('+', " ")),
            decoded(&value.replace('+', " ")),
            value,
        )
    });
    pairs.collect()
}

/// The cookies of a request.
pub(crate) fn cookie_pairs(request: &Request) -> BTreeMap<String, String> {
    let fields = request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let pairs = fields.flat_map(|(_, value)| value.split(';'));
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a value is masked.
fn is_mask(text: &str) -> bool {
    let is_name = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.contains(HIDDEN) || text.strip_prefix('$').is_some_and(is_name)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        check::ApiContract,
        openapi::ApiDocument,
        source::{Diagnostics, Sources},
    };

    fn contract(text: &str) -> ApiContract {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("api.yaml"), text).unwrap();
        let (mut sources, mut errors) = (Sources::new(folder.path()), Diagnostics::default());
        let document = ApiDocument::open(folder.path(), "api.yaml", &mut sources, &mut errors).unwrap();
        ApiContract {
            document: Arc::new(document),
            base: Arc::from("http://h"),
            operation: None,
        }
    }

    fn found(contract: &ApiContract, (method, query): (&str, &str), header: (&str, &str), body: &str) -> usize {
        let request = Request {
            method: method.to_owned(),
            url: format!("http://h/x{query}"),
            headers: vec![(header.0.to_owned(), header.1.to_owned())],
            body: bytes::Bytes::from(body.to_owned()).into(),
        };
        contract.request_violations(&request).len()
    }

    #[test]
    fn masked_cookies_are_not_compared() {
        let contract = contract(
            "openapi: 3.1.0\npaths: { /x: { get: { responses: {}, parameters: [{ name: n, in: cookie, required: true, schema: \
             { type: integer } }] } } }\n",
        );
        let counts = ["n=1", "n=[hidden]", "a=b; n=$TOKEN_2", "n=x", "n=$x", "a=1"];
        let counts = counts.map(|cookie| found(&contract, ("GET", ""), ("Cookie", cookie), ""));
        assert_eq!(counts, [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn whole_query_and_streams_are_compared() {
        let of = |content: &str| {
            contract(&format!(
                "openapi: 3.2.0\npaths: {{ /x: {{ query: {{ responses: {{}}, parameters: [{{ name: q, in: querystring, required: true, \
                 content: {{ {content} }} }}], requestBody: {{ content: {{ application/jsonl: {{ itemSchema: {{ type: integer }} }} }} }} }} }} }}\n"
            ))
        };
        let form = of(
            "application/x-www-form-urlencoded: { schema: { type: object, required: [a], properties: { a: { type: integer } } } }",
        );
        let json = of("application/json: { schema: { type: object, required: [a] } }");
        let lines = ("content-type", "application/jsonl");
        let count = |contract: &ApiContract, query: &str, body: &str| found(contract, ("QUERY", query), lines, body);
        assert_eq!(
            ["?a=1", "?a=x", "?b=1", ""].map(|query| count(&form, query, "")),
            [0, 1, 1, 1]
        );
        assert_eq!(
            ["?%7B%22a%22:1%7D", "?%7B%7D", "?a"].map(|query| count(&json, query, "")),
            [0, 1, 1]
        );
        assert_eq!(
            ["1\n2\n", "1\n\"2\"", "1\n{"].map(|body| count(&form, "?a=1", body)),
            [0, 1, 1]
        );
    }
}
