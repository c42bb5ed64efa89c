use serde_json::json;

use super::{
    super::{
        test_support::{assert_parts, document, written},
        *,
    },
    *,
};
fn draft(rest: &str) -> SuiteDraft {
    let text = format!("openapi: 3.1.0\ninfo: {{ title: Orders, version: \"1\" }}\n{rest}");
    openapi(&document(&text))
}

fn case<'d>(draft: &'d SuiteDraft, file: &str) -> &'d DraftCase {
    let found = draft.cases.iter().find(|case| case.file == file);
    found.unwrap_or_else(|| {
        let names: Vec<_> = draft.cases.iter().map(|case| &case.file).collect();
        panic!("no `{file}` in {names:?}")
    })
}

/// One file of the suite.
fn file(draft: &SuiteDraft, name: &str) -> String {
    let name = format!("{name}.yaml");
    let all = files(draft, None);
    let found = all
        .iter()
        .find(|file| file.path == name)
        .unwrap_or_else(|| panic!("no `{name}`"));
    String::from_utf8_lossy(&found.bytes).into_owned()
}

const ORDERS: &str = r##"
servers: [{ url: "https://api.example.com/v1/" }]
security: [{ bearer: [] }]
paths:
  /orders:
    get:
      operationId: listOrders
      summary: Lists orders.
      tags: [Order list]
      parameters:
        - { name: limit, in: query, example: 5, schema: { type: integer, maximum: 50 } }
        - { name: page, in: query, schema: { type: integer } }
      responses: { "200": { description: ok }, "400": { description: no }, "401": { description: no }, "500": { description: no } }
    post:
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } }
      responses:
        "201": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
        "409": { description: no }
        "422": { description: no }
  /orders/{orderId}:
    parameters: [{ name: orderId, in: path, required: true, example: 7, schema: { type: integer } }]
    get:
      responses:
        "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
        "404": { description: no }
        default: { description: no }
    delete: { responses: { "204": { description: ok }, "403": { description: no } } }
  /orders/{orderId}/cancel:
    parameters: [{ name: orderId, in: path, required: true, schema: { type: integer } }]
    post: { security: [], responses: { "204": { description: ok } } }
  /reports/{day}:
    parameters: [{ name: day, in: path, required: true, example: monday, schema: { type: string } }]
    get: { security: [], responses: { "200": { description: ok } } }
    delete: { security: [], responses: { "204": { description: ok } } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Order:
      type: object
      required: [id, name, count]
      properties:
        id: { type: integer, readOnly: true, example: 7 }
        name: { type: string }
        count: { type: integer, minimum: 3 }
        secret: { type: string }
"##;

#[test]
fn success_creates_what_it_reads_and_deletes() {
    let draft = draft(ORDERS);
    let text = file(&draft, "get-orders-orderid-200");
    assert_parts(
        &text,
        &[
            "effects: [changes]\nsetup:\n  - id: create-order\n",
            "body: { json: { count: 3, name: \"name-{{ case_id }}\" } } }\n    expect: { status: 201 }\n",
            "capture: { order_id: /id }\n",
            "params: { orderId: \"{{ order_id }}\" }\nexpect:\n  status: 200\n  body: { json: { id: \"{{ order_id }}\" } }\n",
            "teardown:\n  - id: delete-order\n",
            "expect: { status: [204, 404] }",
        ],
    );
    let delete = case(&draft, "delete-orders-orderid-204");
    assert_eq!((delete.setup.len(), delete.teardown.len()), (1, 0));
    let create = case(&draft, "post-orders-201");
    assert_eq!(
        (
            create.setup.len(),
            create.teardown.len(),
            create.steps[0].captures.len()
        ),
        (0, 1, 1)
    );
    assert_eq!(case(&draft, "post-orders-orderid-cancel-204").setup.len(), 1);
}

#[test]
fn object_of_an_example_is_read_and_never_changed() {
    let draft = draft(ORDERS);
    let read = case(&draft, "get-reports-day-200");
    assert_eq!(
        (read.skip.as_deref(), &read.steps[0].request.params[0].1),
        (None, &"monday".to_owned())
    );
    assert!(read.effects.is_empty());
    let skip = case(&draft, "delete-reports-day-204").skip.as_deref();
    assert_eq!(skip, Some("needs an object that may be deleted"));
}

#[test]
fn rejections_send_what_is_clearly_wrong() {
    let draft = draft(ORDERS);
    assert_parts(
        &file(&draft, "get-orders-401"),
        &[
            "name: GET /orders without credentials",
            "auth: none\nexpect: { status: 401 }",
        ],
    );
    assert_parts(
        &file(&draft, "get-orders-orderid-404"),
        &["params: { orderId: \"999999999\" }\nexpect: { status: 404 }"],
    );
    assert_parts(&file(&draft, "get-orders-400"), &["limit: not-a-number", "status: 400"]);
    assert_parts(
        &file(&draft, "post-orders-422"),
        &["without `name` is", "body: { json: { count: 3 } }"],
    );
    let skips = ["post-orders-409", "get-orders-500", "delete-orders-orderid-403"];
    let skips = skips.map(|name| case(&draft, name).skip.as_deref().unwrap_or_default());
    assert_eq!(
        skips,
        [
            "needs a conflict with the state of the server",
            "needs a failure of the server",
            // Without 401, this is the status of a request without credentials.
            "",
        ]
    );
    // A response with another status has no case.
    assert!(!draft.cases.iter().any(|case| case.file.ends_with("default")));
}

#[test]
fn suite_has_what_its_cases_share() {
    let draft = draft(ORDERS);
    assert_eq!(draft.origin.as_deref(), Some("https://api.example.com/v1"));
    assert_eq!(
        file(&draft, "suite"),
        "name: Orders\nopenapi: a.yaml\ninputs:\n  \
         token: { description: \"a token for the security scheme `bearer`\", secret: true }\n\
         request:\n  auth: { bearer: \"{{ token }}\" }\n"
    );
    assert_parts(
        &file(&draft, "get-orders-200"),
        &["name: Lists orders\ntags: [order-list]\nrequest:\n  path: /orders\n  query: { limit: \"5\" }\nexpect"],
    );
    assert_parts(&file(&draft, "get-reports-day-200"), &["auth: none"]);
}

#[test]
fn other_credentials_are_inputs_with_the_names_of_schemes() {
    let operation = |scheme: &str| {
        format!(
            "paths: {{ /a: {{ get: {{ security: [{{ {scheme}: [] }}], responses: {{ \"200\": {{ description: ok }} }} }} }} }}\n\
             components: {{ securitySchemes: {{ apiKey: {{ type: apiKey, in: query, name: k }}, \
             X-Key: {{ type: apiKey, in: header, name: X-K }}, sid: {{ type: apiKey, in: cookie, name: c }}, \
             login: {{ type: http, scheme: basic }}, oauth: {{ type: oauth2, flows: {{}} }}, \
             digest: {{ type: http, scheme: digest }} }} }}\n"
        )
    };
    let of = |scheme: &str| file(&draft(&operation(scheme)), "get-a-200");
    assert_parts(&of("apiKey"), &["query: { k: \"{{ apiKey }}\" }"]);
    assert_parts(&of("X-Key"), &["headers: { X-K: \"{{ x_key }}\" }"]);
    assert_parts(&of("sid"), &["headers: { Cookie: \"c={{ sid }}\" }"]);
    assert_parts(&of("login"), &["user: \"{{ login_user }}\", password: \"{{ login }}\""]);
    assert_parts(&of("oauth"), &["auth: { bearer: \"{{ oauth }}\" }"]);
    assert_parts(&of("digest"), &["skip: \"needs credentials of the type `digest`\""]);
}

#[test]
fn link_leads_to_the_operation_that_it_names() {
    let draft = draft(
        r##"
paths:
  /login:
    post:
      responses:
        "200":
          description: ok
          links:
            profile: { operationId: profile, parameters: { user: "$response.body#/user/name" } }
            tenant: { operationRef: "#/paths/~1tenants~1{id}/get", parameters: { path.id: "$response.header.X-Tenant" } }
            lost: { operationId: nothing }
  /people/{user}:
    get:
      operationId: profile
      parameters: [{ name: user, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok } }
  /tenants/{id}:
    get:
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok } }
"##,
    );
    assert_parts(
        &file(&draft, "get-people-user-200"),
        &[
            "path: /login",
            "capture: { user: /user/name }",
            "params: { user: \"{{ user }}\" }",
        ],
    );
    assert_parts(
        &file(&draft, "get-tenants-id-200"),
        &["capture: { tenant_id: { header: x-tenant } }"],
    );
    assert_eq!(draft.notes, ["the link `lost` of `POST /login`"]);
}

#[test]
fn put_that_creates_chooses_an_id() {
    let draft = draft(
        r#"
paths:
  /notes/{key}:
    parameters: [{ name: key, in: path, required: true, schema: { type: string } }]
    get: { responses: { "200": { description: ok } } }
    put: { responses: { "201": { description: new }, "204": { description: replaced }, "404": { description: no } } }
    delete: { responses: { "204": { description: ok }, "404": { description: no } } }
"#,
    );
    assert_parts(
        &file(&draft, "put-notes-key-204"),
        &[
            "setup:\n  - id: create\n",
            "status: 201",
            "key: \"note-{{ case_id }}\"",
            "status: 204",
            "teardown:",
        ],
    );
    assert_parts(
        &file(&draft, "get-notes-key-200"),
        &["id: create-note", "status: [201, 204]", "status: 200"],
    );
    assert!(case(&draft, "put-notes-key-404").skip.is_some());
    let missing = &case(&draft, "delete-notes-key-404").steps[0].request.params[0].1;
    assert_eq!(draft.shown(missing), "missing-{{ case_id }}");
}

#[test]
fn name_in_the_path_is_chosen_by_the_request() {
    let draft = draft(
        r##"
paths:
  /users:
    post:
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } }
      responses: { "201": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } } }
  /users/{userName}:
    parameters: [{ name: userName, in: path, required: true, schema: { type: string } }]
    get: { responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } } } }
components: { schemas: { User: { type: object, properties: { email: { type: string }, username: { type: string } } } } }
"##,
    );
    assert_parts(
        &file(&draft, "get-users-username-200"),
        &[
            "username: \"user-{{ case_id }}\"",
            "params: { userName: \"user-{{ case_id }}\" }",
            "body: { json: { username: \"user-{{ case_id }}\" } }",
        ],
    );
}

#[test]
fn invalid_example_is_noted_and_not_sent() {
    let draft = draft(
        r#"
paths:
  /a:
    post:
      requestBody:
        content:
          application/json:
            schema: { type: object, required: [n], properties: { n: { type: integer }, password: { type: string } } }
            examples:
              bad: { value: { n: x } }
              good: { value: { n: 4, password: hunter22 } }
      callbacks: { done: { "{$request.body#/url}": { post: {} } } }
      responses: { "200": { description: ok } }
webhooks: { sold: { post: {} } }
"#,
    );
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "# not imported: the webhook `sold`",
            "# not imported: the example `bad` of the request body: `/n`:",
            "# not imported: the callbacks",
            "body: { json: { \"n\": 4, password: \"{{ password }}\" } }",
        ],
    );
    assert!(!text.contains("hunter22"), "{text}");
}

#[test]
fn contents_have_their_media_types() {
    let body = |media: &str| {
        let schema = "schema: { type: object, required: [a, f], properties: { a: { type: array, minItems: 2, items: { type: string } }, \
                      f: { type: string, format: binary } } }";
        let text = format!(
            "paths: {{ /a: {{ post: {{ requestBody: {{ required: true, content: {{ {media}: {{ {schema} }} }} }}, \
             responses: {{ \"200\": {{ description: ok }}, \"422\": {{ description: no }} }} }} }} }}\n"
        );
        let draft = draft(&text);
        (file(&draft, "post-a-200"), file(&draft, "post-a-422"))
    };
    assert_parts(
        &body("application/vnd.a+json").0,
        &["headers: { Content-Type: application/vnd.a+json }", "json:"],
    );
    assert_parts(
        &body("application/x-www-form-urlencoded").0,
        &["form: { a: [a, a], f: f }"],
    );
    let (sent, wrong) = body("multipart/form-data");
    assert_parts(
        &sent,
        &["name: f, text: f, content_type: text/plain, filename: example.txt"],
    );
    assert!(!wrong.contains("name: a,") && wrong.contains("without `a`"), "{wrong}");
    assert_parts(
        &body("application/xml").0,
        &["skip: \"needs a body with the media type `application/xml`\""],
    );
}

#[test]
fn values_are_valid_under_their_schemas() {
    let schemas = [
        json!({ "type": "string", "minLength": 12, "maxLength": 12 }),
        json!({ "type": "string", "pattern": "^[A-Z]{2}-\\d{4}$" }),
        json!({ "type": "integer", "exclusiveMinimum": 5, "multipleOf": 4 }),
        json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5 }),
        json!({ "type": "number", "maximum": -3 }),
        json!({ "type": ["null", "boolean"] }),
        json!({ "enum": [null, "x"] }),
        json!({ "const": { "a": 1 } }),
        json!({ "type": "array", "minItems": 3, "uniqueItems": true, "items": { "type": "integer" } }),
        json!({ "type": "object", "minProperties": 2, "additionalProperties": { "type": "integer" } }),
        json!({ "anyOf": [{ "type": "null" }, { "type": "string", "format": "uuid" }] }),
        json!({ "oneOf": [{ "type": "integer", "minimum": 9, "maximum": 2 }, { "type": "string" }] }),
        json!({ "allOf": [{ "type": "object", "required": ["a"], "properties": { "a": { "type": "string", "format": "date-time" } } },
                          { "required": ["b"], "properties": { "b": { "type": "string", "format": "ipv6" } } }] }),
        json!({ "type": "string", "example": 7, "format": "email" }),
        json!({ "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind", "mapping": { "felix": "#/components/schemas/Cat" } } }),
    ];
    for schema in schemas {
        let text = json!({
            "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {},
            "components": { "schemas": {
                "A": schema,
                "Cat": { "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string" } } },
                "Dog": { "type": "object", "required": ["kind", "n"], "properties": { "kind": { "type": "string" } } },
            } },
        });
        let document = document(&text.to_string());
        let part = DocumentPart::default().at("components").at("schemas").at("A");
        let value = value::value(&document, &part, "a").unwrap_or_else(|reason| panic!("{schema}: {reason}"));
        assert_eq!(value::wrong(&document, &part, &value), None, "{schema}: {value}");
    }
    let endless = document(
        "openapi: 3.1.0\ninfo: { title: t, version: '1' }\npaths: {}\ncomponents: { schemas: { A: { type: object, required: [a], properties: { a: { $ref: '#/components/schemas/A' } } } } }\n",
    );
    let part = DocumentPart::default().at("components").at("schemas").at("A");
    assert!(value::value(&endless, &part, "a").is_err());
}

#[test]
fn path_steps_name_their_collections() {
    let steps = bind::path_steps("/v1/companies/{id}/boxes/{box}.{ext}");
    let steps: Vec<_> = steps.iter().map(|step| (step.name, step.before.as_str())).collect();
    assert_eq!(
        steps,
        [
            ("id", "/v1/companies"),
            ("box", "/v1/companies/{}/boxes"),
            ("ext", "/v1/companies/{}/boxes")
        ]
    );
}

/// A collection without examples and without a way to create an object, and an object with conditions.
const NOTES: &str = r##"
paths:
  /racks:
    get:
      operationId: listRacks
      responses:
        "200":
          description: ok
          headers: { ETag: { schema: { type: string } } }
          content: { application/json: { schema: { type: object, properties: { total: { type: integer }, racks: { type: array, items: { $ref: "#/components/schemas/Rack" } } } } } }
        "304": { description: same }
        "405": { description: no }
  /racks/{rackId}:
    parameters: [{ name: rackId, in: path, required: true, schema: { type: integer } }]
    get: { responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Rack" } } } }, "304": { description: same }, "405": { description: no } } }
    delete: { responses: { "204": { description: gone } } }
  /racks/{rackId}/books/{isbn}:
    parameters:
      - { name: rackId, in: path, required: true, schema: { type: integer } }
      - { name: isbn, in: path, required: true, schema: { type: string } }
    get: { responses: { "200": { description: ok } } }
  /racks/{rackId}/books:
    parameters: [{ name: rackId, in: path, required: true, schema: { type: integer } }]
    get: { responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { type: object, properties: { isbn: { type: string } } } } } } } } }
  /odd/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { responses: { "200": { description: ok } } }
  /odd:
    get: { responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { type: object, properties: { id: { type: integer } } } } } } } } }
  /notes:
    post:
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { text: { type: string } }, required: [text] } }, text/plain: {} } }
      responses: { "201": { description: ok, content: { application/json: { schema: { type: object, properties: { id: { type: integer } } } } } }, "415": { description: no } }
  /notes/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    put:
      operationId: putNote
      parameters: [{ name: If-Match, in: header, schema: { type: string } }]
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "200": { description: ok }, "405": { description: no }, "412": { description: no }, "415": { description: no }, "428": { description: no } }
components: { schemas: { Rack: { type: object, properties: { id: { type: integer }, name: { type: string } } } } }
"##;

#[test]
fn id_of_an_object_is_taken_from_a_list() {
    let draft = draft(NOTES);
    assert_parts(
        &file(&draft, "get-racks-rackid-200"),
        &[
            "setup:\n  - id: find-rack\n    request: { path: /racks }\n    expect: { status: 200 }\n    capture: { rack_id: /racks/0/id }\n",
            "params: { rackId: \"{{ rack_id }}\" }",
            "body: { json: { id: \"{{ rack_id }}\" } }",
        ],
    );
    let nested = file(&draft, "get-racks-rackid-books-isbn-200");
    assert_parts(
        &nested,
        &["id: find-rack\n", "id: find-book\n", "capture: { isbn: /0/isbn }"],
    );
    assert_eq!(
        case(&draft, "get-odd-id-200").skip.as_deref(),
        Some("needs an existing `id`"),
        "another type"
    );
    assert_eq!(
        case(&draft, "delete-racks-rackid-204").skip.as_deref(),
        Some("needs an object that may be deleted")
    );
}

#[test]
fn conditions_methods_and_media_types_are_requested() {
    let draft = draft(NOTES);
    assert_parts(
        &file(&draft, "get-racks-304"),
        &[
            "setup:\n  - id: read\n    request: { path: /racks }\n    expect: { status: 200 }\n    capture: { etag: { header: etag } }\n",
            "headers: { If-None-Match: \"{{ etag }}\" }",
            "expect: { status: 304 }",
        ],
    );
    let without = case(&draft, "get-racks-rackid-304");
    assert_eq!(
        without.skip.as_deref(),
        Some("needs a validator of the current representation")
    );
    assert_parts(
        &file(&draft, "get-racks-405"),
        &["operation: listRacks\nrequest:\n  method: PATCH\n  path: /racks\nexpect: { status: 405 }"],
    );
    // Without an `operationId`, the case could not name what it is for.
    assert!(case(&draft, "get-racks-rackid-405").skip.is_some());
    assert_parts(
        &file(&draft, "post-notes-415"),
        &[
            "headers: { Content-Type: application/xml }\n",
            "expect: { status: 415 }",
        ],
    );
    let changed = |name: &str| {
        let text = file(&draft, name);
        assert!(
            text.contains("- id: create-note\n") && text.contains("id: \"{{ note_id }}\""),
            "{text}"
        );
        text
    };
    assert_parts(&changed("put-notes-id-200"), &["If-Match: \"*\""]);
    assert_parts(
        &changed("put-notes-id-412"),
        &["If-Match: \"\\\"{{ case_id }}\\\"\"", "expect: { status: 412 }"],
    );
    assert!(!changed("put-notes-id-428").contains("If-Match:"));
    let other = changed("put-notes-id-415");
    assert_parts(&other, &["Content-Type: text/plain"]);
    assert_parts(
        &file(&draft, "put-notes-id-405"),
        &[
            "operation: putNote\nrequest:\n  path: \"/notes/{id}\"\n  params: { id: \"999999999\" }\nexpect: { status: 405 }",
        ],
    );
}
