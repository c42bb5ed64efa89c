//! `conforme lsp`: a server for editors, spoken to over pipes.

mod client;
mod editors;
mod help;
mod lifetime;

use serde_json::{Value, json};

use crate::support::Project;
use client::{Client, uri};

const SUITE: &str = "inputs: { user: a user, token: { secret: true, description: a valid token } }\nvars: { version: v1 }\nrequest: { method: POST, headers: { Authorization: \"Bearer {{ token }}\" } }\n";
const CASE: &str = "name: A case\nrequest: { path: \"/{{ user }}\" }\nexpect: { status: 200 }\n";

fn project() -> Project {
    Project::new(&[("cases/s/suite.yaml", SUITE), ("cases/s/c.yaml", CASE)])
}

/// The start and the end of a diagnostic.
fn range(diagnostic: &Value) -> [u64; 4] {
    let of = |end: &str, part: &str| diagnostic["range"][end][part].as_u64().unwrap();
    [
        of("start", "line"),
        of("start", "character"),
        of("end", "line"),
        of("end", "character"),
    ]
}

fn message(diagnostic: &Value) -> &str {
    diagnostic["message"].as_str().unwrap()
}

#[test]
fn errors_are_shown_while_typing_and_cleared() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, "cases/s/c.yaml", CASE);
    let wrong = CASE.replace("expect", "expct").replace("user }}", "usr }}");
    client.change(&project, "cases/s/c.yaml", &wrong);
    let shown = client.diagnostics(&project, "cases/s/c.yaml");
    let messages: Vec<_> = shown.iter().map(message).collect();
    assert!(
        messages
            .iter()
            .any(|text| text.contains("unknown key `expct`") && text.contains("help: did you mean `expect`?")),
        "{messages:?}"
    );
    assert!(
        messages.iter().any(|text| text.contains("undefined variable `usr`")),
        "{messages:?}"
    );
    let unknown = shown.iter().find(|one| message(one).contains("expct")).unwrap();
    assert_eq!(range(unknown), [2, 0, 2, 5]);
    assert_eq!(unknown["severity"], 1);
    client.change(&project, "cases/s/c.yaml", CASE);
    assert_eq!(client.diagnostics(&project, "cases/s/c.yaml"), [] as [Value; 0]);
    assert_eq!(
        std::fs::read_to_string(project.path().join("cases/s/c.yaml")).unwrap(),
        CASE
    );
}

#[test]
fn unsaved_text_affects_the_files_of_other_folders() {
    let schema = r#"{ "type": "object", "required": ["a"] }"#;
    let project = project();
    project.write("schemas/a.json", schema);
    let case = "request: { path: / }\nexpect: { status: 200, body: { schema: a.json } }\n";
    project.write("cases/t/d.yaml", case);
    let mut client = Client::of(&project, json!({}));
    client.open(&project, "cases/s/suite.yaml", &SUITE.replace("user: a user, ", ""));
    client.shows(&project, "cases/s/c.yaml", "undefined variable `user`");
    client.change(&project, "cases/s/suite.yaml", SUITE);
    client.shows_nothing(&project, "cases/s/c.yaml");
    // A schema with a misspelled keyword, and one that is not JSON.
    client.open(&project, "schemas/a.json", &schema.replace("required", "requird"));
    let shown = client.shows(&project, "schemas/a.json", "requird");
    assert_eq!(range(&shown)[..2], [0, 20]);
    client.change(&project, "schemas/a.json", "{ \"type\": \"object\",\n  ü }");
    let shown = client.shows(&project, "schemas/a.json", "not a usable schema");
    assert_eq!(range(&shown)[..2], [1, 2], "{shown}");
    client.shows(&project, "cases/t/d.yaml", "not a usable schema");
    client.change(&project, "schemas/a.json", schema);
    client.shows_nothing(&project, "cases/t/d.yaml");
    // A row, the configuration, and accepted changes.
    client.open(
        &project,
        "cases/t/d.yaml",
        &format!("examples: {{ a: {{ x: 1 }} }}\n{case}"),
    );
    client.shows(&project, "cases/t/d.yaml", "this row has `x`");
    client.open(&project, "conforme.toml", "[targets.a]\nbase_ur = 1\n");
    assert_eq!(
        range(&client.shows(&project, "conforme.toml", "unknown key `base_ur`"))[0],
        1
    );
    let accepted = "[[accepted]]\nrule = \"header/remvd\"\nreason = \"x\"\n";
    client.open(&project, "accepted-changes.toml", accepted);
    client.shows(&project, "accepted-changes.toml", "header/remvd");
}

#[test]
fn positions_are_in_the_unit_of_the_client() {
    let project = project();
    let text = "name: é🙂\r\nrequest: { path: / }\r\nexpect: { status: 200, 🙂: 1 }\r\n";
    for (encodings, name, start, end) in [
        (json!(["utf-8", "utf-16"]), "utf-8", 23, 27),
        (json!(["utf-16"]), "utf-16", 23, 25),
        (json!(null), "utf-16", 23, 25),
    ] {
        let mut client = Client::start(&project);
        let params = json!({ "capabilities": { "general": { "positionEncodings": encodings } } });
        let response = client.request("initialize", params);
        assert_eq!(response["result"]["capabilities"]["positionEncoding"], name);
        client.notify("initialized", json!({}));
        client.open(&project, "cases/s/c.yaml", text);
        let shown = client.diagnostics(&project, "cases/s/c.yaml");
        let unknown = shown.iter().find(|one| message(one).contains("unknown key")).unwrap();
        assert_eq!(range(unknown), [2, start, 2, end], "{shown:?}");
    }
}

#[test]
fn parts_of_a_text_can_be_changed() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    client.open(
        &project,
        "cases/s/c.yaml",
        "name: 🙂\r\nrequest: { path: / }\r\nexpct: { status: 200 }\r\n",
    );
    assert!(!client.diagnostics(&project, "cases/s/c.yaml").is_empty());
    let change = |line: u32, from: u32, to: u32, text: &str| json!({ "text": text, "range": { "start": { "line": line, "character": from }, "end": { "line": line, "character": to } } });
    let changes = json!([change(2, 0, 5, "expect"), change(0, 6, 8, "x"), change(99, 0, 5, "")]);
    let document = json!({ "uri": uri(&project, "cases/s/c.yaml"), "version": 2 });
    client.notify(
        "textDocument/didChange",
        json!({ "textDocument": document, "contentChanges": changes }),
    );
    assert!(client.diagnostics(&project, "cases/s/c.yaml").is_empty());
}
