//! Collections as the files of a suite.

use serde_json::{Value as Json, json};

use crate::import::{
    SuiteDraft,
    test_support::{assert_parts, written},
};

fn draft(collection: &Json, environment: Option<&Json>) -> SuiteDraft {
    let read = |name: &str| match name {
        "note.txt" => Ok(b"one\n".to_vec()),
        _ => Err("no such file".to_owned()),
    };
    let environment = environment.map(|values| ("dev.json".to_owned(), values.to_string().into_bytes()));
    let environments = environment.into_iter().collect();
    let draft = super::postman(collection.to_string().into_bytes(), environments, &read);
    draft.map_err(|error| error.to_string()).unwrap()
}

fn collection(items: &Json) -> Json {
    json!({ "info": { "name": "Shop" }, "variable": [{ "key": "baseUrl", "value": "https://h.example/v1/" }], "item": items })
}

#[test]
fn variable_that_a_script_sets_is_a_capture() {
    let items = json!([
        { "name": "Before", "request": { "method": "GET", "url": "{{baseUrl}}/me", "header": [{ "key": "X-T", "value": "{{token}}" }] } },
        {
            "name": "Log in", "request": { "method": "POST", "url": "{{baseUrl}}/login" },
            "event": [{ "listen": "test", "script": { "exec": ["pm.environment.set('token', pm.response.json().token);"] } }],
        },
        { "name": "After", "request": { "method": "GET", "url": "{{baseUrl}}/me", "auth": { "type": "bearer", "bearer": { "token": "{{token}}" } } } },
    ]);
    let environment = json!({ "values": [{ "key": "token", "value": "old-token-1" }] });
    let draft = draft(&collection(&items), Some(&environment));
    assert_eq!(draft.origin.as_deref(), Some("https://h.example/v1"));
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "inputs:\n  token: { description: a variable of the collection, secret: true }\n",
            "== before.yaml\nname: Before\nrequest:\n  path: /me\n  headers: { X-T: \"{{ token }}\" }\n",
            "== log-in-flow.yaml\nname: Log in and 1 more request\nsteps:\n  - id: log-in\n",
            "capture: { token_2: { json: /token, secret: true } }\n",
            "- id: after\n    request: { path: /me, headers: { Authorization: \"Bearer {{ token_2 }}\" } }\n",
        ],
    );
    assert!(!text.contains("old-token"), "{text}");
}

#[test]
fn request_is_read_in_every_form() {
    let items = json!([
        { "name": "Text", "request": "https://h.example/v1/a?x=1" },
        { "name": "Parts", "request": {
            "header": "X-A: 1\nX-B: 2",
            "url": { "protocol": "https", "host": ["h", "example"], "path": ["v1", "users", ":id"],
                "query": [{ "key": "q", "value": "a&b c" }, { "key": "off", "value": "1", "disabled": true }],
                "variable": [{ "key": "id", "value": "7" }] },
        } },
        { "name": "Form", "request": { "method": "POST", "url": "{{baseUrl}}/f", "body": { "mode": "urlencoded", "urlencoded": [
            { "key": "a", "value": "{{tenant}}" }, { "key": "off", "value": "1", "disabled": true }] } } },
        { "name": "File", "request": { "method": "POST", "url": "{{baseUrl}}/u", "body": { "mode": "formdata", "formdata": [
            { "key": "doc", "type": "file", "src": "note.txt" }, { "key": "no", "type": "file", "src": "none.txt" }] } } },
        { "name": "Query", "request": { "method": "POST", "url": "{{baseUrl}}/g", "body": { "mode": "graphql", "graphql": {
            "query": "{ a }", "variables": "{ \"b\": 1 }" } } } },
    ]);
    let draft = draft(
        &collection(&items),
        Some(&json!({ "values": [{ "key": "tenant", "value": "acme corp" }] })),
    );
    assert_parts(
        &written(&draft),
        &[
            "  tenant: { description: a variable of the collection, default: acme corp }\n",
            "  path: /a\n  query: { x: \"1\" }\n",
            "  path: /users/7\n  query: { q: \"a&b c\" }\n  headers: { X-A: \"1\", X-B: \"2\" }\n",
            "  body: { form: { a: \"{{ tenant }}\" } }\n",
            "# not imported: the file `none.txt`: no such file\n",
            "multipart: [{ name: doc, file: file-1.bin, content_type: text/plain, filename: note.txt }] }\n",
            "text: \"{\\\"query\\\":\\\"{ a }\\\",\\\"variables\\\":{ \\\"b\\\": 1 }}\"",
        ],
    );
}

#[test]
fn authentication_is_inherited_and_hidden() {
    let items = json!([
        { "name": "Folder", "auth": { "type": "apikey", "apikey": [{ "key": "key", "value": "X-Key" }, { "key": "value", "value": "k1k2k3k4" }] }, "item": [
            { "name": "Own", "request": { "url": "{{baseUrl}}/a", "auth": { "type": "basic", "basic": [
                { "key": "username", "value": "ada" }, { "key": "password", "value": "p1p2p3p4" }] } } },
            { "name": "Inherited", "request": { "url": "{{baseUrl}}/b" } },
            { "name": "None", "request": { "url": "{{baseUrl}}/c", "auth": { "type": "noauth" } } },
            { "name": "Other", "request": { "url": "{{baseUrl}}/d", "auth": { "type": "digest", "digest": [] } } },
        ] },
    ]);
    let draft = draft(&collection(&items), None);
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "name: Folder / Own\nrequest:\n  path: /a\n  auth: { basic: { user: ada, password: \"{{ password }}\" } }\n",
            "path: /b\n  headers: { X-Key: \"{{ x_key }}\" }\n",
            "request: { path: /c }\n",
            "# not imported: the authentication `digest`",
        ],
    );
    assert!(!text.contains("p1p2") && !text.contains("k1k2"), "{text}");
}

#[test]
fn what_has_no_counterpart_is_noted() {
    let items = json!([
        { "name": "A", "event": [{ "listen": "prerequest", "script": { "exec": "x()" } }, { "listen": "test", "script": { "exec": ["y()"] } }],
          "request": { "method": "GET", "url": "{{baseUrl}}/a/{{$randomInt}}", "body": { "mode": "raw", "raw": "x" } } },
        { "name": "B", "request": { "url": "https://other.example/x" } },
        { "name": "C", "request": { "url": "" } },
    ]);
    let mut collection = collection(&items);
    collection["event"] = json!([{ "listen": "prerequest", "script": { "exec": ["z()"] } }, { "listen": "test", "script": { "exec": ["// none"] } }]);
    let draft = draft(&collection, None);
    let notes: Vec<_> = draft
        .notes()
        .into_iter()
        .map(|(file, note)| format!("{file}: {note}"))
        .collect();
    let expected = [
        "suite.yaml: the pre-request script of the collection",
        "a.yaml: the pre-request script",
        "a.yaml: the content of the GET request: Postman does not send it",
        "a.yaml: the variable `{{$randomInt}}`: it is sent as it is written",
        "a.yaml: the test script: y()",
        "b.yaml: the origin https://other.example: the suite is for https://h.example/v1",
        "c.yaml: the URL: it has no host",
    ];
    for note in expected {
        assert!(notes.iter().any(|known| known == note), "{note}\n{notes:#?}");
    }
    assert_eq!(notes.len(), expected.len(), "{notes:#?}");
}

#[test]
fn unusable_collection_is_an_error() {
    let none = |_: &str| Err("no file".to_owned());
    for (text, part) in [
        ("{}", "it is not a collection of Postman: there is no `info` here"),
        ("{\"info\": {}}", "the collection has no requests"),
        ("{\"info\": {\"name\": 1}}", "a value has another type"),
        ("{\"info\": ", "the JSON ends here"),
    ] {
        let error = super::postman(text.into(), Vec::new(), &none).err().unwrap();
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
}
