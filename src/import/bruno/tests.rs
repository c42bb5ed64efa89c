//! Collections as the files of a suite.

use std::collections::BTreeMap;

use crate::import::{SuiteDraft, test_support::written};

const SETTINGS: (&str, &str) = (
    "bruno.json",
    r#"{ "version": "1", "name": "Shop", "type": "collection" }"#,
);

fn draft(files: &[(&str, &str)], environment: Option<&str>) -> Result<SuiteDraft, String> {
    let read = |name: &str| match name {
        "note.txt" => Ok(b"one\n".to_vec()),
        _ => Err("no such file".to_owned()),
    };
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let files: BTreeMap<_, _> = files.collect();
    super::bruno(files, environment, &read).map_err(|error| format!("{:?} {:?} {error}", error.file, error.at))
}

fn notes(draft: &SuiteDraft) -> Vec<String> {
    let notes = draft.notes().into_iter();
    notes.map(|(file, note)| format!("{file}: {note}")).collect()
}

#[test]
fn settings_of_folders_are_inherited() {
    let files = [
        SETTINGS,
        (
            "collection.bru",
            "headers {\n  X-A: 1\n  X-B: 1\n}\nauth {\n  mode: basic\n}\nauth:basic {\n  username: ada\n  password: p1p2p3p4\n}\n",
        ),
        (
            "users/folder.bru",
            "meta {\n  name: Users\n}\nheaders {\n  x-b: 2\n}\nvars:pre-request {\n  kind: book\n}\n",
        ),
        (
            "users/one.bru",
            "meta {\n  name: One\n  seq: 2\n}\nget {\n  url: https://h.example/v1/users/{{kind}}?x={{q}}\n  auth: inherit\n}\nheaders {\n  X-A: 3\n}\n",
        ),
        (
            "users/admin/two.bru",
            "post {\n  url: https://h.example/v1/admin\n  auth: none\n}\n",
        ),
    ];
    let draft = draft(&files, None).unwrap();
    let text = written(&draft);
    let one = "== users-one.yaml\nname: Users / One\nrequest:\n  path: /v1/users/book\n  query: { x: \"{{ q }}\" }\n  \
        auth: { basic: { user: ada, password: \"{{ password }}\" } }\n  headers: { X-A: \"3\", X-B: \"2\" }\n";
    assert!(text.contains(one), "{text}");
    let two = "name: Users / admin / two\nrequest:\n  method: POST\n  path: /v1/admin\n  headers: { X-A: \"1\", X-B: \"2\" }\n";
    assert!(text.contains(two), "{text}");
    assert!(!text.contains("p1p2"), "{text}");
    assert_eq!(draft.cases[0].title, "Users / admin / two");
}

#[test]
fn variable_of_a_response_is_a_capture() {
    let files = [
        SETTINGS,
        (
            "a.bru",
            "meta {\n  name: Log in\n  seq: 1\n}\npost {\n  url: {{base}}/login\n}\nvars:post-response {\n  token: res.body.token\n}\n",
        ),
        (
            "b.bru",
            "meta {\n  name: Me\n  seq: 2\n}\nget {\n  url: {{base}}/me\n  auth: bearer\n}\nauth:bearer {\n  token: {{token}}\n}\n",
        ),
        (
            "environments/dev.bru",
            "vars {\n  base: https://h.example\n}\nvars:secret [\n  password\n]\n",
        ),
    ];
    let draft = draft(&files, None).unwrap();
    assert_eq!(draft.origin.as_deref(), Some("https://h.example"));
    let expected = "== log-in-flow.yaml\nname: Log in and 1 more request\nsteps:\n  - id: log-in\n    \
        request: { method: POST, path: /login }\n    expect: { status: 2xx }\n    capture: { token: { json: /token, secret: true } }\n  \
        - id: me\n    request: { path: /me, headers: { Authorization: \"Bearer {{ token }}\" } }\n";
    let text = written(&draft);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_has_no_counterpart_is_noted() {
    let files = [
        SETTINGS,
        ("collection.bru", "script:pre-request {\n  x()\n}\n"),
        ("environments/dev.bru", "vars {\n  a: 1\n}\n"),
        ("environments/prod.bru", "vars {\n  a: 2\n}\n"),
        (
            "a.bru",
            "get {\n  url: https://h.example/a/{{$randomInt}}\n  auth: digest\n  body: odd\n}\nscript:pre-request {\n  y()\n}\nexample {\n  name: x\n}\ntests {\n  z()\n}\n",
        ),
        ("b.bru", "ws {\n  url: wss://h.example\n}\n"),
        (
            "c.bru",
            "post {\n  url: https://h.example/c\n  body: multipartForm\n}\nbody:multipart-form {\n  f: @file(none.txt)\n  n: @file(note.txt)\n}\n",
        ),
        ("notes.bru", "meta {\n  name: x\n}\n"),
    ];
    let expected = [
        "suite.yaml: the pre-request script of the collection",
        "suite.yaml: the environments `dev`, `prod`: name one with `--environment`",
        "suite.yaml: b: a request of the type `ws`",
        "suite.yaml: the file `notes.bru`: it has no request",
        "a.yaml: the pre-request script",
        "a.yaml: an example",
        "a.yaml: the authentication `digest`: define the token of the target as a secret, and send it in a header field",
        "a.yaml: the variable `{{$randomInt}}`: it is sent as it is written",
        "a.yaml: the content of the type `odd`",
        "a.yaml: the test script: z()",
        "c.yaml: the file `none.txt`: no such file",
    ];
    assert_eq!(notes(&draft(&files, None).unwrap()), expected);
}

#[test]
fn unusable_collection_is_an_error() {
    let one = ("a.bru", "get {\n  url: https://h.example\n}\n");
    for (files, environment, expected) in [
        (vec![one], None, "None None there is no `bruno.json`"),
        (vec![SETTINGS], None, "None None the collection has no requests"),
        (
            vec![("bruno.json", "{")],
            None,
            "Some(\"bruno.json\") Some((1, 1)) the JSON ends here, inside a value",
        ),
        (
            vec![SETTINGS, ("x/a.bru", "get {\n  what\n}\n")],
            None,
            "Some(\"x/a.bru\") Some((2, 3)) expected `name: value`, not `what`",
        ),
        (
            vec![SETTINGS, one],
            Some("dev"),
            "None None there is no environment `dev`",
        ),
    ] {
        assert_eq!(draft(&files, environment).err().as_deref(), Some(expected));
    }
}
