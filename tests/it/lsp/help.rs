//! Completion, hover, lenses and actions.

use serde_json::{Value, json};

use super::{
    CASE, SUITE,
    client::{Client, uri},
    message, project,
};
use crate::support::{Project, Server, Then, response};

const FILE: &str = "cases/s/c.yaml";
/// A value that must not be shown.
const SECRET: &str = "v3ryS3cretValue";

fn rich() -> Project {
    let suite = format!(
        "{SUITE}setup:\n  - {{ id: login, request: {{ path: /login }}, expect: {{ status: 200 }}, capture: {{ sid: /sid }} }}\n"
    );
    let case = "tags: [smoke]\nidentity: partner\nrequest: { path: \"/{{ user }}\" }\nexpect: { status: 200 }\n";
    let project = Project::new(&[
        ("cases/s/suite.yaml", &suite),
        (FILE, CASE),
        ("cases/s/other.yaml", case),
    ]);
    project.write(
        "schemas/error.json",
        r#"{ "title": "An error", "$defs": { "Code": { "type": "string", "description": "A code" } } }"#,
    );
    project.write(
        "conforme.toml",
        "[targets.a]\nbase_url = \"http://127.0.0.1\"\nvars = { user = \"u\" }\nsecrets = { token = { env = \"MY_TOKEN\" } }\nidentities = { partner = { cert = \"c.pem\", key = \"k.pem\" } }\n",
    );
    project
}

#[test]
fn names_of_the_project_are_completed() {
    let project = rich();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, FILE, CASE);
    for (text, expected) in [
        (
            "request: { path: \"/{{ ^",
            vec![
                "sid", "version", "user", "token", "run_id", "case_id", "uuid", "now", "base_url",
            ],
        ),
        ("request: { path: \"/{{ user | lo^", vec!["lower"]),
        (
            "vars: { mine: 1 }\nrequest:\n  path: /{{ mi^\nexpect: { status: 200 }\n",
            vec!["mine"],
        ),
        (
            "steps:\n  - id: one\n    capture: { first: /a }\n  - id: two\n    follow: ^\n",
            vec!["login", "one"],
        ),
        (
            "steps:\n  - id: one\n    capture: { first: /a }\n  - id: two\n    request: { path: \"{{ fi^ }}\" }\n",
            vec!["first"],
        ),
        ("expect: { body: { schema: err^ } }\n", vec!["error.json"]),
        (
            "expect: { body: { schema: \"error.json#/^\" } }\n",
            vec!["error.json#/$defs", "error.json#/$defs/Code"],
        ),
        ("tags: [sm^]\n", vec!["smoke"]),
        ("identity: ^\n", vec!["none", "partner"]),
        ("name: x\r\nexpect:\r\n  status: 200\r\n  du^\r\n", vec!["duration"]),
        ("name: 🙂\nexpec^", vec!["expect", "expect_probe"]),
        ("request: { path: \"/{org}/{id}\", params: { ^ } }\n", vec!["id", "org"]),
        ("examples:\n  a: { col: 1 }\n  b: { ^ }\n", vec!["col"]),
    ] {
        let mut labels = client.labels(&project, FILE, text);
        labels.sort_unstable();
        let mut expected = expected.clone();
        expected.sort_unstable();
        assert_eq!(labels, expected, "{text}");
    }
    client.open(&project, "conforme.toml", "");
    for (text, expected) in [
        ("default_target = \"^\"\n", vec!["a", "reference"]),
        ("[targets.b.secrets]\nto^\n", vec!["token"]),
        ("[targets.b.vars]\n^\n", vec!["user"]),
        ("[targets.b.secrets]\ntoken = { case = \"s/ot^\" }\n", vec!["s/other"]),
        ("[targets.b.headers]\nx = \"{{ to^\"\n", vec!["token"]),
    ] {
        assert_eq!(client.labels(&project, "conforme.toml", text), expected, "{text}");
    }
}

#[test]
fn completion_replaces_the_word() {
    let project = rich();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, FILE, CASE);
    let result = client.at(
        "textDocument/completion",
        &project,
        FILE,
        "request: { path: \"/🙂/{{us^\" }\n",
    );
    let item = &result["items"][0];
    assert_eq!(item["label"], "user");
    assert_eq!(item["textEdit"]["newText"], " user }}");
    assert_eq!(
        item["textEdit"]["range"]["start"],
        json!({ "line": 0, "character": 24 })
    );
    assert_eq!(item["textEdit"]["range"]["end"], json!({ "line": 0, "character": 26 }));
    let result = client.at("textDocument/completion", &project, FILE, "expect:\n  stat^\n");
    assert_eq!(result["items"][0]["textEdit"]["newText"], "status: ");
    assert!(
        result["items"][0]["documentation"]["value"]
            .as_str()
            .is_some_and(|text| text.contains("status"))
    );
}

#[test]
fn hover_shows_meaning_and_inherited_keys() {
    let project = rich();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, FILE, CASE);
    let mut hover = |text: &str| {
        client.at("textDocument/hover", &project, FILE, text)["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let shown = hover("req^uest: { path: / }\nexpect: { status: 200 }\n");
    assert!(shown.starts_with("`request`: The request"), "{shown}");
    assert!(shown.contains("request:\n  method: \"POST\"  # suite.yaml:3\n  headers:\n    Authorization: \"Bearer {{ token }}\"  # suite.yaml:3"), "{shown}");
    // What the case has itself is not inherited.
    let shown = hover("req^uest: { path: /, method: PUT }\nexpect: { status: 200 }\n");
    assert!(shown.contains("Authorization") && !shown.contains("method:"), "{shown}");
    // A step inherits from its case.
    let shown = hover(
        "request: { query: { a: b } }\nsteps:\n  - id: x\n    requ^est: { path: / }\n    expect: { status: 200 }\n",
    );
    assert!(shown.contains("query:\n    a: \"b\"  # this file:1"), "{shown}");
    let shown = hover("name: x\nexpect: { sta^tus: 200 }\n");
    assert!(shown.starts_with("`status`:"), "{shown}");
    let shown = hover("request: { path: \"/{{ to^ken }}\" }\n");
    assert_eq!(shown, "`token`: secret input\n\na valid token");
    let shown = hover("request: { path: \"/{{ si^d }}\" }\n");
    assert!(shown.contains("capture of step `login`"), "{shown}");
    let shown = hover("expect: { body: { schema: error.json#/$defs/Co^de } }\n");
    assert_eq!(shown, "schema `error.json#/$defs/Code`\n\nA code");
    assert_eq!(hover("expect: { status: 20^0 }\n"), "");
}

#[test]
fn secret_value_is_never_shown() {
    let project = rich();
    let suite = format!(
        "inputs: {{ user: a user, token: {{ secret: true, default: {SECRET} }} }}\nvars: {{ api_token: {SECRET}, note: {SECRET} }}\nrequest: {{ method: POST, headers: {{ Authorization: \"Bearer {SECRET}\", x-note: {SECRET} }} }}\n"
    );
    project.write("cases/s/suite.yaml", &suite);
    let variables = [("MY_TOKEN", SECRET), ("CONFORME_SECRET_TOKEN", SECRET)];
    let mut client = Client::of_with(&project, json!({}), &variables);
    client.open(&project, FILE, CASE);
    client.open(&project, "conforme.toml", "");
    for text in [
        "re^quest: { path: / }\n",
        "request: { path: \"{{ ^ }}\" }\n",
        "request: { path: \"{{ no^te }}\" }\n",
        "request: { path: \"{{ tok^en }}\" }\n",
        "request: { hea^ders: {} }\n",
    ] {
        for method in ["textDocument/completion", "textDocument/hover"] {
            let result = client.at(method, &project, FILE, text);
            assert!(!result.to_string().contains(SECRET), "{text}: {result}");
        }
    }
    client.change(
        &project,
        FILE,
        &format!("{CASE}{SECRET}: 1\nrequest: {{ path: \"{{{{ {SECRET} }}}}\" }}\n"),
    );
    let rest = client.rest(std::time::Duration::from_secs(1));
    assert!(
        !rest.is_empty() && !json!(rest).to_string().contains(SECRET),
        "{rest:?}"
    );
}

fn actions(client: &mut Client, project: &Project, line: u32) -> Vec<Value> {
    let range = json!({ "start": { "line": line, "character": 2 }, "end": { "line": line, "character": 2 } });
    let params =
        json!({ "textDocument": { "uri": uri(project, FILE) }, "range": range, "context": { "diagnostics": [] } });
    client.request("textDocument/codeAction", params)["result"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn misspelled_name_is_corrected_by_an_action() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    client.open(
        &project,
        FILE,
        "name: x\nrequest: { path: \"/🙂{{ usr }}\" }\nexpct: { status: 200 }\n",
    );
    client.diagnostics(&project, FILE);
    let all = actions(&mut client, &project, 2);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["title"], "Change to `expect`");
    let edit = &all[0]["edit"]["changes"][uri(&project, FILE)][0];
    assert_eq!(edit["newText"], "expect");
    let range = json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 5 } });
    assert_eq!(edit["range"], range);
    // Only the name in a longer text.
    let all = actions(&mut client, &project, 1);
    assert!(all.is_empty(), "the diagnostic is elsewhere on the line: {all:?}");
}

#[test]
fn lens_runs_a_case_and_shows_the_failure() {
    let server = Server::start(|_| (response("HTTP/1.1 404 Not Found", ""), Then::Keep));
    let project = Project::new(&[
        ("cases/s/suite.yaml", ""),
        (
            FILE,
            "examples: { a: { u: x }, b: { u: y } }\nrequest: { path: \"/{{ u }}\" }\nexpect: { status: 200 }\n",
        ),
    ]);
    project.write(
        "conforme.toml",
        &format!(
            "default_target = \"here\"\n[targets.here]\nbase_url = \"{}\"\n",
            server.url()
        ),
    );
    let mut client = Client::of(&project, json!({}));
    client.open(
        &project,
        FILE,
        &std::fs::read_to_string(project.path().join(FILE)).unwrap(),
    );
    let params = json!({ "textDocument": { "uri": uri(&project, FILE) } });
    let lenses = client.request("textDocument/codeLens", params)["result"].clone();
    let commands: Vec<_> = lenses
        .as_array()
        .unwrap()
        .iter()
        .map(|lens| {
            (
                lens["command"]["title"].as_str().unwrap(),
                lens["command"]["arguments"][0].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(commands, [("Run", "s/c"), ("Run row", "s/c[a]"), ("Run row", "s/c[b]")]);
    let command = &lenses[1]["command"];
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    assert_eq!(client.request("workspace/executeCommand", params)["error"], Value::Null);
    let shown = client.wait_for(|message| message["method"] == "window/showMessage");
    let text = shown["params"]["message"].as_str().unwrap();
    assert!(
        text.starts_with("s/c[a]: 1 failed\n") && text.contains("expected 200, got 404"),
        "{text}"
    );
    assert_eq!(shown["params"]["type"], 1);
    let shown = client.diagnostics(&project, FILE);
    assert!(
        message(&shown[0]).contains("status") && shown[0]["range"]["start"]["line"] == 2,
        "{shown:?}"
    );
    // A failure is about the text that was run.
    client.change(&project, FILE, "request: { path: / }\nexpect: { status: 404 }\n");
    assert!(client.diagnostics(&project, FILE).is_empty());
}

#[test]
fn lines_that_mutate_advises_are_added_by_an_action() {
    let body = "{\"id\":7,\"state\":\"open\"}";
    let server = Server::start(move |_| {
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", body),
            Then::Keep,
        )
    });
    let case = "name: x\nrequest: { path: / }\nexpect:\n  status: 200\n";
    let project = Project::new(&[("cases/s/suite.yaml", ""), (FILE, case)]);
    let ran = project.run(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut client = Client::of(
        &project,
        json!({ "initializationOptions": { "recording": "run.ndjson" } }),
    );
    client.open(&project, FILE, case);
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let mut all = Vec::new();
    while all.is_empty() && std::time::Instant::now() < end {
        all = actions(&mut client, &project, 0);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let body = all
        .iter()
        .find(|action| action.to_string().contains("state"))
        .expect("an action for the body");
    assert!(
        body["title"]
            .as_str()
            .unwrap()
            .starts_with("Add the check that detects: "),
        "{body}"
    );
    let edit = &body["edit"]["changes"][uri(&project, FILE)][0];
    assert_eq!(edit["range"]["start"], json!({ "line": 3, "character": 13 }), "{body}");
    assert!(
        edit["newText"].as_str().unwrap().starts_with("\n  body:\n    json:"),
        "{body}"
    );
}
