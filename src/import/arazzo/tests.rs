use serde_json::json;

use super::{
    super::{
        test_support::{assert_parts, document, written},
        *,
    },
    *,
};

const API: &str = r#"
openapi: 3.1.0
info: { title: Shop, version: "1" }
security: [{ bearer: [] }]
paths:
  /login:
    post:
      operationId: login
      security: []
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "200": { description: ok } }
  /orders:
    post:
      operationId: place
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "201": { description: ok }, "202": { description: ok } }
  /orders/{id}:
    get:
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses: { "200": { description: ok } }
components: { securitySchemes: { bearer: { type: http, scheme: bearer } } }
"#;

fn source(workflows: &Json) -> Json {
    json!({
        "arazzo": "1.0.1", "info": { "title": "Flows", "version": "1" },
        "sourceDescriptions": [{ "name": "shop", "url": "shop.yaml", "type": "openapi" }],
        "components": { "parameters": { "page": { "name": "page", "in": "query", "value": 1 } } },
        "workflows": workflows,
    })
}

fn draft(workflows: &Json) -> SuiteDraft {
    let document = document(API);
    arazzo(&source(workflows), &[("shop".to_owned(), &document)]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn workflow_is_a_case_with_captures() {
    let draft = draft(&json!([{
        "workflowId": "placeOrder", "summary": "Places an order", "description": "Logs in first.",
        "inputs": { "type": "object", "properties": {
            "user": { "type": "string", "default": "ada" }, "password": { "type": "string" }, "count": { "type": "integer", "description": "how many" },
        } },
        "steps": [
            { "stepId": "login", "operationId": "login",
              "requestBody": { "contentType": "application/json", "payload": { "user": "$inputs.user", "password": "$inputs.password" } },
              "successCriteria": [{ "condition": "$statusCode == 200" }],
              "outputs": { "sessionToken": "$response.body#/token", "trace": "$response.header.X-Trace" } },
            { "stepId": "place", "operationId": "$sourceDescriptions.shop.place",
              "parameters": [{ "name": "Authorization", "in": "header", "value": "Bearer {$steps.login.outputs.sessionToken}" },
                             { "reference": "$components.parameters.page", "value": 3 }],
              "requestBody": { "payload": { "count": "$inputs.count", "items": [{ "sku": "A" }] },
                               "replacements": [{ "target": "/items/0/sku", "value": "B" }] },
              "successCriteria": [{ "condition": "$statusCode >= 200 && $statusCode < 300" },
                                  { "context": "$response.body", "condition": "$.lines[?@.sku == 'B']", "type": "jsonpath" },
                                  { "condition": "$response.body#/state == 'open' && $response.body#/total > 3" }],
              "outputs": { "id": "$response.body#/id" } },
            { "stepId": "find", "operationPath": "{$sourceDescriptions.shop.url}#/paths/~1orders~1{id}/get",
              "parameters": [{ "name": "id", "in": "path", "value": "$steps.place.outputs.id" }],
              "onFailure": [{ "name": "again", "type": "retry", "retryAfter": 0.5, "retryLimit": 4 }],
              "successCriteria": [{ "context": "$response.body#/id", "condition": "^[0-9]+$", "type": "regex" }] },
        ],
    }]));
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "name: Flows\nopenapi: a.yaml\ninputs:\n",
            "count: { description: how many }",
            "password: { description: \"the input `password` of workflows\", secret: true }",
            "default: ada }",
            "token: { description:",
            "== placeorder.yaml\nname: Places an order\ndescription: Logs in first.\neffects: [changes]\nsteps:\n  - id: login\n",
            "body: { json: { password: \"{{ password }}\", user: \"{{ user }}\" } }",
            "expect: { status: 200 }",
            "session_token: { json: /token, secret: true }",
            "trace: { header: x-trace }",
            "  - id: place\n",
            "query: { page: \"3\" }",
            "headers: { Authorization: \"Bearer {{ session_token }}\" }",
            "items: [{ sku: B }]",
            "status: 2xx",
            "lines: { \"$contains\": { sku: B } }",
            "state: open",
            "total: { \"$gt\": 3 }",
            "capture: { id: /id }",
            "  - id: find\n",
            "params: { id: \"{{ id }}\" }",
            "bearer: \"{{ token }}\"",
            "eventually: { every: \"500ms\", within: \"2250ms\" }",
            "id: { \"$matches\": \"^[0-9]+$\" }",
        ],
    );
    assert!(draft.notes().is_empty(), "{:?}", draft.notes());
}

#[test]
fn workflows_are_inlined_where_they_are_needed() {
    let draft = draft(&json!([
        { "workflowId": "first", "inputs": { "properties": { "n": { "default": 1 } } },
          "steps": [{ "stepId": "a", "operationId": "place", "requestBody": { "payload": { "n": "$inputs.n" } },
                      "outputs": { "id": "$response.body#/id" } }],
          "outputs": { "order": "$steps.a.outputs.id" } },
        { "workflowId": "second", "dependsOn": ["first"], "steps": [
            { "stepId": "run", "workflowId": "first", "parameters": [{ "name": "n", "value": 9 }] },
            { "stepId": "b", "operationPath": "#/paths/~1orders~1%7Bid%7D/get",
              "parameters": [{ "name": "id", "in": "path", "value": "$steps.run.outputs.order" }] },
            { "stepId": "c", "operationPath": "#/paths/~1orders~1{id}/get",
              "parameters": [{ "name": "id", "in": "path", "value": "$workflows.first.outputs.order" }] },
        ] },
    ]));
    let second = &draft.cases[1];
    let ids: Vec<_> = second.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["a", "a-2", "b", "c"]);
    let value = |step: usize| draft.shown(&second.steps[step].request.params[0].1);
    assert_eq!((value(2), value(3)), ("{{ id_2 }}".to_owned(), "{{ id }}".to_owned()));
    let Some(DraftContent::Json(body)) = &second.steps[1].request.content else {
        panic!()
    };
    assert_eq!(body, &json!({ "n": 9 }));
}

#[test]
fn parts_without_a_counterpart_are_noted() {
    let path = "#/paths/~1orders~1{id}/get";
    let wrong = json!([{ "name": "order", "in": "path", "value": 1 }]);
    let draft = draft(&json!([
        { "workflowId": "wrong", "steps": [{ "stepId": "a", "operationPath": path, "parameters": wrong }] },
        { "workflowId": "odd", "steps": [{
            "stepId": "a", "operationId": "login", "requestBody": { "payload": { "x": "$steps.later.outputs.y" } },
            "onSuccess": [{ "name": "jump", "type": "goto", "stepId": "a" }],
            "successCriteria": [{ "condition": "$response.body.x == 1" },
                                { "condition": "$statusCode == 200 || $statusCode == 404" },
                                { "context": "$response.body", "condition": "//a", "type": "xpath" }],
            "outputs": { "code": "$statusCode" },
        }] },
        { "workflowId": "lost", "steps": [{ "stepId": "a", "operationId": "nothing" }] },
        { "workflowId": "other", "steps": [{ "stepId": "a", "operationId": "$sourceDescriptions.mail.send" }] },
        { "workflowId": "loop", "steps": [{ "stepId": "a", "workflowId": "loop" }] },
    ]));
    let notes: Vec<_> = draft.notes().into_iter().map(|(_, note)| note.to_owned()).collect();
    assert_eq!(
        notes,
        [
            "the path parameter `order`, which the path does not have",
            "a value of `id`",
            "the expression `$steps.later.outputs.y`",
            "the action `jump`",
            "the output `code`: `$statusCode`",
            "the criterion `$response.body.x == 1`",
            "the criterion `//a`",
        ]
    );
    assert_eq!(draft.cases[1].steps[0].expect.status, json!([200, 404]));
    let skips: Vec<_> = draft.cases.iter().filter_map(|case| case.skip.as_deref()).collect();
    assert_eq!(
        skips,
        [
            "needs a value of `id`",
            "needs a value of `$steps.later.outputs.y`",
            "needs an operation `nothing`",
            "needs the API of `mail`: import it into a suite of its own",
            "needs a workflow that does not contain itself",
        ]
    );
}

#[test]
fn document_without_workflows_is_rejected() {
    for (source, expected) in [
        (json!({ "openapi": "3.1.0" }), "not an Arazzo document of version 1"),
        (
            json!({ "arazzo": "1.0.0", "sourceDescriptions": [{ "name": "a", "url": "b", "type": "arazzo" }] }),
            "no OpenAPI document",
        ),
    ] {
        let error = arazzo_sources(&source).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
    }
    let sources = arazzo_sources(&source(&json!([]))).unwrap();
    assert_eq!(sources, [("shop".to_owned(), "shop.yaml".to_owned())]);
}
