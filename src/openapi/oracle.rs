//! The reader and `openapiv3`, an independent reader of 3.0, find the same in random documents.

use std::collections::BTreeSet;

use openapiv3::{OpenAPI, Parameter as Theirs, ReferenceOr};
use proptest::{prelude::*, sample::subsequence};
use serde_json::{Value, json};

use super::{ApiDocument, ParameterIn};
use crate::source::{Diagnostics, Sources};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const PATHS: [&str; 4] = ["/", "/a", "/a/{id}", "/a/{id}/b.{format}"];
const MEDIA_TYPES: [&str; 4] = ["application/json", "text/*", "*/*", "application/problem+json; v=a"];
const STATUSES: [&str; 6] = ["200", "204", "2XX", "404", "5XX", "default"];

/// Names that are in `components`, or the part itself.
fn shared(section: &'static str, part: impl Strategy<Value = Value>) -> impl Strategy<Value = (String, Value)> {
    (part, prop::option::of("[a-c]"))
        .prop_map(move |(part, name)| (name.map_or(String::new(), |name| format!("{section}/{name}")), part))
}

fn content() -> impl Strategy<Value = Value> {
    subsequence(&MEDIA_TYPES, 0..=3).prop_map(|types| {
        let all = types.into_iter();
        all.map(|name| (name.to_owned(), json!({"schema": {"type": "string"}})))
            .collect()
    })
}

/// Sets a key that has a value.
fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

/// A parameter of the query, a header field or a cookie.
fn parameter() -> impl Strategy<Value = Value> {
    let names = "[a-c]";
    let keys = (
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<bool>()),
    );
    let places = prop_oneof![
        prop::option::of(prop::sample::select(vec![
            "form",
            "spaceDelimited",
            "pipeDelimited",
            "deepObject"
        ]))
        .prop_map(|style| ("query", style)),
        prop::option::of(Just("simple")).prop_map(|style| ("header", style)),
        prop::option::of(Just("form")).prop_map(|style| ("cookie", style)),
    ];
    (names, places, keys, any::<bool>()).prop_map(
        |(name, (place, style), (required, deprecated, explode), has_content)| {
            let mut all = json!({"name": name, "in": place});
            if has_content {
                all["content"] = json!({"application/json": {"schema": {"type": "array", "items": {}}}});
            } else {
                all["schema"] = json!({"type": "array", "items": {"type": "string"}});
                set(&mut all, "style", style);
                set(&mut all, "explode", explode);
            }
            set(&mut all, "required", required);
            set(&mut all, "deprecated", deprecated);
            all
        },
    )
}

fn response() -> impl Strategy<Value = Value> {
    let headers = subsequence(vec!["ETag", "X-Rate", "Link"], 0..=2);
    (content(), headers, any::<bool>()).prop_map(|(content, headers, required)| {
        let header = json!({"required": required, "schema": {"type": "string"}});
        let headers: Value = headers
            .into_iter()
            .map(|name| (name.to_owned(), header.clone()))
            .collect();
        json!({"description": "a response", "content": content, "headers": headers})
    })
}

type NamedPart = (String, Value);

#[derive(Debug)]
struct DrawnOperation {
    method: usize,
    path: usize,
    id: Option<bool>,
    deprecated: bool,
    parameters: Vec<NamedPart>,
    of_path: Vec<NamedPart>,
    body: Option<NamedPart>,
    responses: Vec<(&'static str, NamedPart)>,
}

fn operation() -> impl Strategy<Value = DrawnOperation> {
    let parameters = || prop::collection::vec(shared("parameters", parameter()), 0..4);
    let body =
        (content(), any::<bool>()).prop_map(|(content, required)| json!({"content": content, "required": required}));
    let responses = prop::collection::vec(shared("responses", response()), STATUSES.len());
    let statuses = subsequence(&STATUSES, 1..=3);
    (
        (
            0..METHODS.len(),
            0..PATHS.len(),
            prop::option::of(Just(true)),
            any::<bool>(),
        ),
        (parameters(), parameters()),
        prop::option::of(shared("requestBodies", body)),
        (statuses, responses),
    )
        .prop_map(
            |((method, path, id, deprecated), (parameters, of_path), body, (statuses, responses))| DrawnOperation {
                method,
                path,
                id,
                deprecated,
                parameters,
                of_path,
                body,
                responses: statuses.into_iter().zip(responses).collect(),
            },
        )
}

/// Puts a part into the components if it has a name there that is free, and refers to it.
fn place(document: &mut Value, (name, part): NamedPart) -> Value {
    let Some((section, key)) = name.split_once('/') else {
        return part;
    };
    let known = &mut document["components"][section][key];
    if known.is_null() {
        *known = part;
    }
    json!({"$ref": format!("#/components/{name}")})
}

/// Parameters, each once.
fn place_parameters(document: &mut Value, parameters: Vec<NamedPart>) -> Vec<Value> {
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for parameter in parameters {
        let placed = place(document, parameter);
        let target = match placed["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).cloned().unwrap_or_default(),
            None => placed.clone(),
        };
        if known.insert(format!("{} {}", target["in"], target["name"])) {
            all.push(placed);
        }
    }
    all
}

/// Random documents of 3.0.
pub(crate) fn documents() -> impl Strategy<Value = Value> {
    prop::collection::vec(operation(), 0..6).prop_map(document)
}

fn document(operations: Vec<DrawnOperation>) -> Value {
    let mut document =
        json!({"openapi": "3.0.3", "info": {"title": "t", "version": "v"}, "paths": {}, "components": {}});
    for (number, one) in operations.into_iter().enumerate() {
        let (path, method) = (PATHS[one.path], METHODS[one.method]);
        if document["paths"][path]["parameters"].is_null() {
            let mut of_path = place_parameters(&mut document, one.of_path);
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                of_path.push(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
            }
            document["paths"][path]["parameters"] = of_path.into();
        }
        let mut operation = json!({"deprecated": one.deprecated});
        operation["parameters"] = place_parameters(&mut document, one.parameters).into();
        if one.id.is_some() {
            operation["operationId"] = format!("o{number}").into();
        }
        if let Some(body) = one.body {
            operation["requestBody"] = place(&mut document, body);
        }
        for (status, response) in one.responses {
            operation["responses"][status] = place(&mut document, response);
        }
        document["paths"][path][method] = operation;
    }
    document
}

fn ours(document: &ApiDocument) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for operation in &document.operations {
        let name = operation.name();
        all.insert(format!("{name} {:?} {}", operation.id, operation.deprecated));
        for one in &operation.parameters {
            let what = (one.required, one.deprecated, one.content.is_some());
            // Content has no style.
            let style = one.content.is_none().then_some((one.style, one.explode));
            all.insert(format!("{name} {} {} {what:?} {style:?}", one.place.name(), one.name));
        }
        if let Some(body) = &operation.body {
            let types: Vec<_> = body.content.iter().map(|content| &content.media_type).collect();
            all.insert(format!("{name} body {} {types:?}", body.required));
        }
        for response in &operation.responses {
            let types: Vec<_> = response.content.iter().map(|content| &content.media_type).collect();
            let headers: Vec<_> = response
                .headers
                .iter()
                .map(|header| (&header.name, header.required))
                .collect();
            all.insert(format!("{name} {} {types:?} {headers:?}", response.status));
        }
    }
    all
}

/// The part itself, or the one that it refers to.
fn target<'d, T>(part: &'d ReferenceOr<T>, find: &dyn Fn(&str) -> Option<&'d ReferenceOr<T>>) -> &'d T {
    match part {
        ReferenceOr::Item(item) => item,
        ReferenceOr::Reference { reference } => {
            let found = find(reference.rsplit('/').next().unwrap_or_default());
            target(found.unwrap_or_else(|| panic!("{reference}")), find)
        }
    }
}

/// Its key, and what it is, as by [`ours`].
fn their_parameter(parameter: &Theirs) -> (String, String) {
    let data = parameter.parameter_data_ref();
    let (place, style) = match parameter {
        Theirs::Query { style, .. } => (ParameterIn::Query, format!("{style:?}")),
        Theirs::Header { style, .. } => (ParameterIn::Header, format!("{style:?}")),
        Theirs::Path { style, .. } => (ParameterIn::Path, format!("{style:?}")),
        Theirs::Cookie { style, .. } => (ParameterIn::Cookie, format!("{style:?}")),
    };
    let has_content = matches!(data.format, openapiv3::ParameterSchemaOrContent::Content(_));
    // By the text of 3.0, `deepObject` is not exploded by default, but only its exploded form is defined.
    let explode = data.explode.unwrap_or(style == "Form" || style == "DeepObject");
    let what = (data.required, data.deprecated.unwrap_or_default(), has_content);
    let style = if has_content {
        "None".to_owned()
    } else {
        format!("Some(({style}, {explode}))")
    };
    (format!("{} {}", place.name(), data.name), format!("{what:?} {style}"))
}

fn theirs(document: &OpenAPI) -> BTreeSet<String> {
    let components = document.components.clone().unwrap_or_default();
    let mut all = BTreeSet::new();
    for (path, item) in document.paths.iter() {
        let Some(item) = item.as_item() else { continue };
        for (method, operation) in item.iter() {
            let name = format!("{} {path}", method.to_uppercase());
            all.insert(format!("{name} {:?} {}", operation.operation_id, operation.deprecated));
            let mut parameters = std::collections::BTreeMap::new();
            for one in item.parameters.iter().chain(&operation.parameters) {
                parameters.extend([their_parameter(target(one, &|name| components.parameters.get(name)))]);
            }
            for (key, what) in parameters {
                all.insert(format!("{name} {key} {what}"));
            }
            if let Some(body) = &operation.request_body {
                let body = target(body, &|name| components.request_bodies.get(name));
                let types: Vec<_> = body.content.keys().collect();
                all.insert(format!("{name} body {} {types:?}", body.required));
            }
            let codes = operation
                .responses
                .responses
                .iter()
                .map(|(code, one)| (code.to_string(), one));
            let default = operation
                .responses
                .default
                .iter()
                .map(|one| ("default".to_owned(), one));
            for (status, response) in codes.chain(default) {
                let response = target(response, &|name| components.responses.get(name));
                let types: Vec<_> = response.content.keys().collect();
                let headers = response.headers.iter();
                let headers: Vec<_> = headers
                    .map(|(name, header)| (name, header.as_item().is_some_and(|header| header.required)))
                    .collect();
                all.insert(format!("{name} {} {types:?} {headers:?}", status.replace("xx", "XX")));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_same_is_read_as_by_another_reader(value in documents()) {
        let text = value.to_string();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json"), &text).unwrap();
        let mut errors = Diagnostics::default();
        let mut sources = Sources::new(folder.path());
        let read = ApiDocument::open(folder.path(), "a.json", &mut sources, &mut errors);
        prop_assert!(read.is_some(), "{}\n{text}", errors.render(&sources, false));
        let expected = theirs(&serde_json::from_str(&text).unwrap());
        prop_assert_eq!(read.map(|read| ours(&read)).unwrap_or_default(), expected);
    }
}
