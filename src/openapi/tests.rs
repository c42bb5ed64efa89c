use std::path::Path;

use serde_json::json;

use super::*;

/// A document in a folder with other files.
struct Fixture {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sources = Sources::new(folder.path());
        Self { folder, sources }
    }

    fn open(&mut self, name: &str) -> Result<ApiDocument, String> {
        let mut errors = Diagnostics::default();
        let document = ApiDocument::open(self.folder.path(), name, &mut self.sources, &mut errors);
        document.ok_or_else(|| errors.render(&self.sources, false))
    }

    fn warnings(&self, document: &ApiDocument) -> String {
        document.warnings.render(&self.sources, false)
    }
}

fn read(text: &str) -> Result<ApiDocument, String> {
    Fixture::new(&[("a.yaml", text)]).open("a.yaml")
}

/// A document with one schema, used in both directions.
fn with_schema(version: &str, schema: &str) -> ApiDocument {
    let text = format!(
        "openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\ncomponents: {{schemas: {schema}}}\n"
    );
    read(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn part(name: &str) -> DocumentPart {
    DocumentPart::default().at("components").at("schemas").at(name)
}

/// The violated parts, without the start of the pointer.
fn violated_parts(document: &ApiDocument, direction: Direction, value: &Value) -> Vec<String> {
    let schema = document.schema(&part("A"), direction);
    assert!(schema.is_ok(), "{schema:?}");
    let found = document.violations(&part("A"), direction, value);
    let short = |violation: ApiViolation| violation.part.pointer.replace("/components/schemas/", "");
    found.into_iter().map(short).collect()
}

#[test]
fn operation_is_read_with_its_parts_and_locations() {
    let mut fixture = Fixture::new(&[
        (
            "api/a.yaml",
            "openapi: 3.1.0
info: {title: Orders, version: '1'}
servers: [{url: 'https://{host}/v1', variables: {host: {default: a.example}}}]
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
      - {name: page, in: query, schema: {type: integer}}
    get:
      operationId: getOrder
      parameters:
        - {name: page, in: query, required: true, schema: {type: string}}
      responses:
        200:
          description: found
          headers: {ETag: {required: true, schema: {type: string}}, Content-Type: {schema: {type: string}}}
          content: {application/json: {schema: {$ref: 'parts/order.json'}, example: {id: 1}}}
          links: {again: {operationId: getOrder, parameters: {id: $response.body#/id}}}
        4XX: {$ref: '../errors.yaml#/Wrong'}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
",
        ),
        (
            "api/parts/order.json",
            "{\"type\": \"object\",\n \"required\": [\"id\"]}",
        ),
        ("errors.yaml", "Wrong:\n  description: wrong\n"),
    ]);
    let document = fixture.open("api/a.yaml").unwrap();
    assert_eq!(document.servers, ["https://a.example/v1"]);
    let operation = document.operation("getOrder").unwrap();
    assert_eq!(operation.name(), "GET /orders/{id}");
    let names: Vec<_> = operation
        .parameters
        .iter()
        .map(|it| (it.name.as_str(), it.required))
        .collect();
    assert_eq!(names, [("page", true), ("id", true)]);
    let found = operation.response(200).unwrap();
    assert_eq!(found.headers.len(), 1);
    assert_eq!(found.content[0].examples[0].value, json!({"id": 1}));
    assert_eq!(found.links[0].parameters[0].0, "id");
    let wrong = operation.response(404).unwrap();
    assert_eq!(document.location(&wrong.part).unwrap().to_string(), "errors.yaml:1:1");
    let schema = found.content[0].schema.as_ref().unwrap();
    let compiled = document.schema(schema, Direction::Response);
    assert!(matches!(compiled, Ok(Some(_))), "{compiled:?}");
    let violations = document.violations(schema, Direction::Response, &json!({}));
    assert_eq!(
        document.reference(&violations[0].part),
        "api/parts/order.json#/required"
    );
    assert_eq!(document.location(&violations[0].part).unwrap().line, 2);
    assert!(operation.response(500).is_none());
}

#[test]
fn requests_lead_to_the_most_specific_operation() {
    let text = "openapi: 3.2.0
servers: [{url: https://a.example/v1}]
paths:
  /users/{id}: {get: {operationId: one, parameters: [{name: id, in: path, required: true}], responses: {'200': {}}}}
  /users/me: {get: {operationId: me, responses: {'200': {}}}}
  /users: {query: {operationId: query, responses: {'200': {}}}, additionalOperations: {COPY: {operationId: copy, responses: {'200': {}}}}}
  /files/{name}.{ext}: {get: {operationId: file, parameters: [{name: name, in: path, required: true}, {name: ext, in: path, required: true}], responses: {'200': {}}}}
  /a b/: {get: {operationId: space, responses: {'200': {}}}}
";
    let document = read(text).unwrap();
    for (method, path, id) in [
        ("GET", "/users/7", Some("one")),
        ("GET", "/users/7/", Some("one")),
        ("GET", "/users/me", Some("me")),
        ("GET", "/users/%6de", Some("me")),
        ("GET", "/v1/users/me", Some("me")),
        ("GET", "/users/a%2Fb", Some("one")),
        ("GET", "/users/", None),
        ("GET", "/users/a/b", None),
        ("POST", "/users/7", None),
        ("QUERY", "/users", Some("query")),
        ("COPY", "/users", Some("copy")),
        ("GET", "/files/a.b.txt", Some("file")),
        ("GET", "/files/a", None),
        ("GET", "/a%20b", Some("space")),
    ] {
        let found = document.find(method, path);
        let found = found.and_then(|(operation, _)| operation.id.as_deref());
        assert_eq!(found, id, "{method} {path}");
    }
    let (_, values) = document.find("GET", "/files/a.b.txt").unwrap();
    assert_eq!((values["name"].as_str(), values["ext"].as_str()), ("a.b", "txt"));
    assert_eq!(document.methods("/users"), ["QUERY", "COPY"]);
}

#[test]
fn invalid_documents_are_errors_with_line_and_help() {
    let paths = |text: &str| format!("openapi: 3.0.3\npaths:\n{text}");
    let ok = "responses: {'200': {description: d}}";
    for (text, line, parts) in [
        ("info: {}\n".to_owned(), 1, vec!["no `openapi` version", "openapi: 3.1.0"]),
        ("swagger: '2.0'\n".to_owned(), 1, vec!["Swagger 2.0", "convert it"]),
        ("arazzo: 1.0.1\n".to_owned(), 1, vec!["this is Arazzo", "conforme import arazzo"]),
        ("openapi: 4.0.0\n".to_owned(), 1, vec!["OpenAPI 4.0.0 is not supported"]),
        (paths("  a: {}\n"), 3, vec!["does not begin with `/`"]),
        (
            paths(&format!("  /a: {{get: {{operationId: x, {ok}}}}}\n  /b: {{get: {{operationId: x, {ok}}}}}\n")),
            4,
            vec!["duplicate `operationId: x`", "`GET /a`", "line 3"],
        ),
        (
            paths(&format!("  /a/{{id}}: {{get: {{{ok}}}}}\n")),
            3,
            vec!["does not declare its parameter `id`", "in: path"],
        ),
        (
            paths("  /a/{x}: {get: {parameters: [{name: x, in: path}]}}\n  /a/{y}: {get: {parameters: [{name: y, in: path}]}}\n"),
            4,
            vec!["`GET /a/{x}` and `GET /a/{y}` match the same requests"],
        ),
        (
            paths("  /a:\n    get:\n      responses:\n        200: {$ref: '#/components/responses/Gone'}\ncomponents: {responses: {Done: {}}}\n"),
            6,
            vec!["nothing exists at `#/components/responses/Gone`", "did you mean `#/components/responses/Done`"],
        ),
        (
            "openapi: 3.0.0\ncomponents:\n  schemas:\n    A: {$ref: '#/components/schemas/B'}\n    B: {$ref: '#/components/schemas/A'}\n".to_owned(),
            5,
            vec!["leads back to itself"],
        ),
        (
            "openapi: 3.0.0\ncomponents: {schemas: {A: {properties: {b: {$ref: 'https://a.example/b.json'}}}}}\n".to_owned(),
            2,
            vec!["nothing is fetched"],
        ),
        (
            "openapi: 3.0.0\ncomponents: {schemas: {A: {$ref: '../b.yaml'}}}\n".to_owned(),
            2,
            vec!["not a file of the schema folder"],
        ),
        ("openapi: 3.0.0\na: [\n".to_owned(), 3, vec!["not valid YAML"]),
    ] {
        let errors = read(&text).err().unwrap_or_default();
        assert!(errors.contains(&format!("a.yaml:{line}:")), "{text}\n{errors}");
        for part in parts {
            assert!(errors.contains(part), "{part}\n{errors}");
        }
    }
}

#[test]
fn schemas_of_3_0_are_read_by_meaning() {
    for (schema, value, violated) in [
        ("{A: {type: string, nullable: true}}", json!(null), vec![]),
        ("{A: {type: string, nullable: true}}", json!(1), vec!["A/type"]),
        (
            "{A: {type: string, nullable: true, enum: [a]}}",
            json!(null),
            vec!["A/enum"],
        ),
        (
            "{A: {type: string, nullable: true, enum: [a, null]}}",
            json!(null),
            vec![],
        ),
        (
            "{A: {$ref: '#/components/schemas/B', nullable: true}, B: {type: string}}",
            json!(null),
            vec!["B/type"],
        ),
        (
            "{A: {nullable: true, allOf: [{$ref: '#/components/schemas/B'}]}, B: {type: string}}",
            json!(null),
            vec![],
        ),
        (
            "{A: {nullable: true, allOf: [{type: string}]}}",
            json!(1),
            vec!["A/allOf/0/type"],
        ),
        (
            "{A: {type: integer, minimum: 1, exclusiveMinimum: true}}",
            json!(1),
            vec!["A/exclusiveMinimum"],
        ),
        (
            "{A: {type: integer, minimum: 1, exclusiveMinimum: true}}",
            json!(2),
            vec![],
        ),
        (
            "{A: {type: integer, minimum: 1, exclusiveMinimum: false}}",
            json!(1),
            vec![],
        ),
        (
            "{A: {type: integer, exclusiveMaximum: 5}}",
            json!(5),
            vec!["A/exclusiveMaximum"],
        ),
        ("{A: {type: [string, 'null']}}", json!(null), vec![]),
        (
            "{A: {type: array, items: {$ref: '#/components/schemas/B', maxLength: 1}}, B: {type: string}}",
            json!(["ab"]),
            vec![],
        ),
        ("{A: {type: string, pattern: '(?=a)b'}}", json!("x"), vec![]),
        (
            "{A: {type: object, properties: {a: {type: string, required: true}}}}",
            json!({}),
            vec![],
        ),
    ] {
        let document = with_schema("3.0.3", schema);
        assert_eq!(
            violated_parts(&document, Direction::Response, &value),
            violated,
            "{schema} {value}"
        );
    }
}

#[test]
fn read_only_and_write_only_depend_on_the_direction() {
    let schema = "{A: {type: object, required: [id, secret], properties: {
        id: {$ref: '#/components/schemas/Id'}, secret: {type: string, writeOnly: true}}}, Id: {type: integer, readOnly: true}}";
    for version in ["3.0.0", "3.1.0", "3.2.0"] {
        let document = with_schema(version, schema);
        for (direction, value, violated) in [
            (Direction::Response, json!({"id": 1}), vec![]),
            (Direction::Request, json!({"secret": "s"}), vec![]),
            (Direction::Response, json!({}), vec!["A/required"]),
            (Direction::Request, json!({}), vec!["A/required"]),
            (
                Direction::Response,
                json!({"id": 1, "secret": "s"}),
                vec!["A/properties/secret/writeOnly"],
            ),
            (
                Direction::Request,
                json!({"id": 1, "secret": "s"}),
                vec!["A/properties/id/readOnly"],
            ),
        ] {
            assert_eq!(
                violated_parts(&document, direction, &value),
                violated,
                "{version} {direction:?} {value}"
            );
        }
        let found = document.violations(&part("A"), Direction::Response, &json!({"id": 1, "secret": "s"}));
        assert_eq!(found[0].pointer, "/secret");
        assert_eq!(
            found[0].message,
            "`secret` is `writeOnly`: a response must not contain it"
        );
    }
    // The list of required properties can be in another part of an `allOf`.
    let split = "{A: {allOf: [{$ref: '#/components/schemas/B'}, {required: [secret]}]},
        B: {type: object, properties: {secret: {type: string, writeOnly: true}}}}";
    assert!(violated_parts(&with_schema("3.1.0", split), Direction::Response, &json!({})).is_empty());
}

#[test]
fn discriminator_chooses_the_schema() {
    let branches = "{A: {oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}],
        discriminator: {propertyName: kind, mapping: {dog: Dog, cat: '#/components/schemas/Cat'}}},
        Cat: {type: object, required: [kind, claws], properties: {kind: {type: string}, claws: {type: integer}}},
        Dog: {type: object, required: [kind, bark], properties: {kind: {type: string}, bark: {type: string}}}}";
    let base = "{A: {type: object, required: [kind], properties: {kind: {type: string}},
        discriminator: {propertyName: kind, mapping: {dog: Dog, cat: '#/components/schemas/Cat'}}},
        Cat: {allOf: [{$ref: '#/components/schemas/A'}, {required: [claws], properties: {claws: {type: integer}}}]},
        Dog: {allOf: [{$ref: '#/components/schemas/A'}, {required: [bark], properties: {bark: {type: string}}}]}}";
    for version in ["3.0.0", "3.1.0", "3.2.0"] {
        for (schema, claws) in [
            (branches, "Cat/properties/claws/type"),
            (base, "Cat/allOf/1/properties/claws/type"),
        ] {
            let document = with_schema(version, schema);
            let found = |value: Value| violated_parts(&document, Direction::Response, &value);
            assert!(found(json!({"kind": "cat", "claws": 1})).is_empty());
            assert!(found(json!({"kind": "Cat", "claws": 1})).is_empty());
            assert!(found(json!({"kind": "dog", "bark": "b"})).is_empty());
            assert_eq!(found(json!({"kind": "cat", "claws": "x"})), [claws]);
            assert_eq!(found(json!({"kind": "cow", "claws": 1})), ["A/discriminator"]);
            assert!(!found(json!({"claws": 1})).is_empty());
        }
    }
    let default = branches.replace("propertyName: kind", "propertyName: kind, defaultMapping: Dog");
    let document = with_schema("3.2.0", &default);
    let found = |value: Value| violated_parts(&document, Direction::Response, &value);
    assert_eq!(found(json!({"kind": "cow"})), ["Dog/required"]);
    assert!(found(json!({"kind": "cow", "bark": "b"})).is_empty());
}

#[test]
fn mixed_documents_are_read_as_intended_and_reported_once() {
    let text = "openapi: 3.1.0
paths: {}
components:
  schemas:
    A: {type: object, properties: {a: {type: string, nullable: true}, b: {type: string, nullable: true}, c: {minimum: 1, exclusiveMinimum: true}}}
";
    let mut fixture = Fixture::new(&[("a.yaml", text)]);
    let document = fixture.open("a.yaml").unwrap();
    assert!(violated_parts(&document, Direction::Response, &json!({"a": null, "b": null, "c": 2})).is_empty());
    assert_eq!(document.warnings.len(), 2);
    let warnings = fixture.warnings(&document);
    assert!(
        warnings.contains("`nullable` is OpenAPI 3.0") && warnings.contains("(2 times)"),
        "{warnings}"
    );
    assert!(warnings.contains("a.yaml:5:"), "{warnings}");
}

#[test]
fn dynamic_references_and_anchors_of_3_1_are_followed() {
    let schema = "{A: {$ref: '#tree'}, Tree: {$anchor: tree, type: object, properties: {next: {$dynamicRef: '#node'}, n: {type: integer}},
        $dynamicAnchor: node}}";
    let document = with_schema("3.1.0", schema);
    assert_eq!(
        violated_parts(&document, Direction::Response, &json!({"next": {"n": "x"}})),
        ["Tree/properties/n/type"]
    );
}

#[test]
fn json_documents_are_read_like_yaml() {
    let text = "{\"openapi\": \"3.0.0\",\n \"paths\": {},\n \"components\": {\"schemas\": {\n  \"A\": {\"type\": \"string\"}}}}";
    let mut fixture = Fixture::new(&[("a.json", text)]);
    let document = fixture.open("a.json").unwrap();
    let found = document.violations(&part("A"), Direction::Response, &json!(1));
    assert_eq!(document.location(&found[0].part).unwrap().line, 4);
    assert_eq!(document.file_names().collect::<Vec<_>>(), ["a.json"]);
    assert!(Path::new(&document.name).extension().is_some());
}

#[test]
fn header_fields_that_openapi_ignores_are_no_parameters() {
    let document = read(
        "openapi: 3.1.0
paths:
  /a:
    get:
      parameters:
        - {name: Accept, in: header, required: true, schema: {type: integer}}
        - {name: content-type, in: header, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {name: authorization, in: query, schema: {type: string}}
        - {name: X-Tenant, in: header, schema: {type: string}}
      responses: {'200': {description: d}}
",
    );
    let document = document.unwrap_or_else(|errors| panic!("{errors}"));
    let names = document.operations[0].parameters.iter();
    let names: Vec<_> = names
        .map(|parameter| (parameter.place.name(), parameter.name.as_str()))
        .collect();
    assert_eq!(names, [("query", "authorization"), ("header", "X-Tenant")]);
}

/// The violated parts of a value by the schema `A` of a document, or the errors of the document.
fn with_self(own: &str, reference: &str, files: &[(&str, &str)]) -> Result<usize, String> {
    let text = format!(
        "openapi: 3.2.0\n$self: {own}\nservers: [{{ url: ./v1 }}]\npaths: {{}}\ncomponents: {{ schemas: {{ A: {{ $ref: '{reference}' }}, B: {{ type: string }} }} }}\n"
    );
    let files: Vec<_> = files.iter().copied().chain([("api/a.yaml", text.as_str())]).collect();
    let document = Fixture::new(&files).open("api/a.yaml")?;
    Ok(document.violations(&part("A"), Direction::Request, &json!(1)).len())
}

#[test]
fn references_are_relative_to_the_uri_of_the_document() {
    let shared = "B: { type: string }\n";
    let uri = "https://a.example/docs/api.yaml";
    for reference in [
        "#/components/schemas/B",
        "https://a.example/docs/api.yaml#/components/schemas/B",
        "/docs/api.yaml#/components/schemas/B",
        "api.yaml#/components/schemas/B",
        "b.yaml#/B",
        "./b.yaml#/B",
        "https://a.example/docs/b.yaml#/B",
        "/docs/sub/b.yaml#/B",
        "../b.yaml#/B",
    ] {
        let files = [("api/b.yaml", shared), ("api/sub/b.yaml", shared), ("b.yaml", shared)];
        assert_eq!(with_self(uri, reference, &files), Ok(1), "{reference}");
    }
    assert_eq!(
        with_self("/docs/api.yaml", "/docs/b.yaml#/B", &[("api/b.yaml", shared)]),
        Ok(1)
    );
    // Without a host and a leading slash, it is a place in the schema folder.
    assert_eq!(
        with_self("../other/a.yaml", "b.yaml#/B", &[("other/b.yaml", shared)]),
        Ok(1)
    );
    assert!(
        with_self("../other/a.yaml", "b.yaml#/B", &[("api/b.yaml", shared)])
            .unwrap_err()
            .contains("other/b.yaml")
    );
    let remote = with_self(uri, "https://b.example/b.yaml#/B", &[]).unwrap_err();
    assert!(remote.contains("nothing is fetched"), "{remote}");
    // Another document has a URI, too, and other references between them lead to its file.
    let other = "openapi: 3.2.0\n$self: https://a.example/other\npaths: {}\nB: { $ref: '/docs/api.yaml#/components/schemas/B' }\n";
    assert_eq!(with_self(uri, "o.yaml#/B", &[("api/o.yaml", other)]), Ok(1));
    let text =
        format!("openapi: 3.2.0\n$self: {uri}\nservers: [{{ url: ./v1 }}, {{ url: 'http://h/x' }}]\npaths: {{}}\n");
    assert_eq!(
        read(&text).unwrap().servers,
        ["https://a.example/docs/v1", "http://h/x"]
    );
}

#[test]
fn keywords_of_streams_without_effect_are_reported_once() {
    let of = |version: &str, content: &str| {
        let text = format!(
            "openapi: {version}\npaths:\n  /x:\n    get:\n      responses: {{ '200': {{ description: d, content: {{ {content} }} }} }}\n"
        );
        let mut fixture = Fixture::new(&[("a.yaml", &text)]);
        let document = fixture.open("a.yaml").unwrap();
        fixture.warnings(&document)
    };
    let stream = "application/jsonl: { itemSchema: {} }, text/event-stream; a=b: { itemSchema: {} }";
    assert_eq!(of("3.2.0", stream), "");
    assert!(of("3.1.0", stream).contains("`itemSchema` is a keyword of OpenAPI 3.2 (2 times)"));
    assert!(of("3.2.0", "video/mp4: { itemSchema: {} }").contains("the items of `video/mp4` are not read"));
    let mixed = of("3.2.0", "multipart/mixed: { prefixEncoding: [], itemEncoding: {} }");
    assert!(mixed.contains("`prefixEncoding` is not supported (2 times)"), "{mixed}");
}
