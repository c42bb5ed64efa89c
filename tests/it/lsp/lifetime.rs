//! Starts, ends, and whatever a client may do in between.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    CASE, SUITE,
    client::{Client, uri},
    message, project,
};
use crate::support::Project;

#[test]
fn exit_code_is_0_only_after_shutdown() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    assert_eq!(client.request("shutdown", json!(null))["result"], Value::Null);
    assert_eq!(client.request("textDocument/hover", json!({}))["error"]["code"], -32600);
    client.notify("exit", json!(null));
    assert_eq!(client.code(), Some(0));

    let mut client = Client::of(&project, json!({}));
    client.notify("exit", json!(null));
    assert_eq!(client.code(), Some(1));

    // Both at once: the response is sent nevertheless.
    let mut client = Client::of(&project, json!({}));
    client.send(json!({ "id": 9, "method": "shutdown" }));
    client.notify("exit", json!(null));
    client.wait_for(|message| message["id"] == 9);
    assert_eq!(client.code(), Some(0));
}

#[test]
fn closed_pipe_ends_the_server() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, "cases/s/c.yaml", "expct: 1\n");
    client.close();
    assert_eq!(client.code(), Some(1));
    let mut client = Client::start(&project);
    client.close();
    assert_eq!(client.code(), Some(1));
}

#[test]
fn unknown_and_early_requests_are_errors() {
    let project = project();
    let mut client = Client::start(&project);
    assert_eq!(client.request("textDocument/hover", json!({}))["error"]["code"], -32002);
    client.notify("textDocument/didOpen", json!({}));
    client.request(
        "initialize",
        json!({ "capabilities": 1, "rootUri": 7, "initializationOptions": [] }),
    );
    assert_eq!(client.request("initialize", json!({}))["error"]["code"], -32600);
    assert_eq!(
        client.request("textDocument/definition", json!({}))["error"]["code"],
        -32601
    );
    for method in [
        "textDocument/hover",
        "textDocument/completion",
        "textDocument/codeAction",
        "textDocument/codeLens",
    ] {
        assert_eq!(
            client.request(method, json!({ "textDocument": 1 }))["error"]["code"],
            -32602,
            "{method}"
        );
    }
    let unknown = json!({ "command": "rm", "arguments": ["x"] });
    assert_eq!(
        client.request("workspace/executeCommand", unknown)["error"]["code"],
        -32602
    );
    // Unknown notifications and wrong parameters are ignored.
    for method in [
        "$/setTrace",
        "workspace/didChangeConfiguration",
        "textDocument/didChange",
        "textDocument/didOpen",
    ] {
        client.notify(method, json!({ "textDocument": [] }));
    }
    assert_eq!(client.request("shutdown", json!(null))["result"], Value::Null);
}

#[test]
fn file_outside_a_project_has_no_diagnostics() {
    let elsewhere = Project::new(&[("docker-compose.yaml", "services: [\n")]);
    std::fs::remove_dir_all(elsewhere.path().join("cases")).ok();
    std::fs::remove_file(elsewhere.path().join("conforme.toml")).ok();
    let mut client = Client::of(&elsewhere, json!({}));
    client.open(&elsewhere, "docker-compose.yaml", "services: [\n");
    let untitled = json!({ "uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": "a: [" });
    client.notify("textDocument/didOpen", json!({ "textDocument": untitled }));
    for uri in [uri(&elsewhere, "docker-compose.yaml"), "untitled:Untitled-1".to_owned()] {
        let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 3 } });
        assert_eq!(client.request("textDocument/hover", at)["result"], Value::Null);
    }
    let rest = client.rest(Duration::from_millis(500));
    assert_eq!(rest, [] as [Value; 0]);
}

#[test]
fn deleted_file_loses_its_diagnostics() {
    let project = project();
    project.write("cases/s/wrong.yaml", "expct: 1\n");
    let mut client = Client::of(
        &project,
        json!({ "rootUri": uri(&project, ""), "capabilities": { "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } } }),
    );
    let registered = client.wait_for(|message| message["method"] == "client/registerCapability");
    client.send(json!({ "id": registered["id"], "result": null }));
    // Files that are not open have diagnostics, too.
    assert!(!client.diagnostics(&project, "cases/s/wrong.yaml").is_empty());
    std::fs::remove_file(project.path().join("cases/s/wrong.yaml")).unwrap();
    let changes = json!([{ "uri": uri(&project, "cases/s/wrong.yaml"), "type": 3 }]);
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    assert!(client.diagnostics(&project, "cases/s/wrong.yaml").is_empty());
    // The text of a file that is open is in the editor, whether the file exists or not.
    client.open(&project, "cases/s/new.yaml", "expct: 1\n");
    assert!(!client.diagnostics(&project, "cases/s/new.yaml").is_empty());
    let document = json!({ "uri": uri(&project, "cases/s/new.yaml") });
    client.notify("textDocument/didClose", json!({ "textDocument": document }));
    assert!(client.diagnostics(&project, "cases/s/new.yaml").is_empty());
}

#[test]
fn syntax_error_halfway_and_hostile_text_are_survived() {
    let project = project();
    let mut client = Client::of(&project, json!({}));
    client.open(&project, "cases/s/c.yaml", CASE);
    for text in [
        "expect: {",
        "\u{feff}",
        "a: &a [*a]",
        "? [",
        "- \t\u{0}",
        "{{{{{{",
        "%YAML 9.9\n---\n",
        &"[".repeat(100_000),
    ] {
        client.change(&project, "cases/s/c.yaml", text);
        let at = json!({ "textDocument": { "uri": uri(&project, "cases/s/c.yaml") }, "position": { "line": 0, "character": 5 } });
        for method in ["textDocument/hover", "textDocument/completion"] {
            assert!(client.request(method, at.clone())["error"].is_null(), "{text}");
        }
        let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
        let params = json!({ "textDocument": { "uri": uri(&project, "cases/s/c.yaml") }, "range": whole, "context": { "diagnostics": [] } });
        for method in ["textDocument/codeAction", "textDocument/codeLens"] {
            assert!(client.request(method, params.clone())["error"].is_null(), "{text}");
        }
    }
    let shown = client.diagnostics(&project, "cases/s/c.yaml");
    assert!(!message(&shown[0]).is_empty());
    client.change(&project, "cases/s/c.yaml", CASE);
    while !client.diagnostics(&project, "cases/s/c.yaml").is_empty() {}
}

#[test]
fn large_project_is_not_read_for_each_key() {
    let project = Project::new(&[("cases/s/suite.yaml", SUITE)]);
    for number in 0..2000 {
        project.write(&format!("cases/s/c{number}.yaml"), CASE);
    }
    let mut client = Client::of(&project, json!({}));
    client.open(&project, "cases/s/c0.yaml", "expct: 1\n");
    client.diagnostics(&project, "cases/s/c0.yaml");
    let begun = Instant::now();
    for number in 0..200 {
        client.change(&project, "cases/s/c0.yaml", &format!("expct: {number}\n"));
    }
    // Requests are answered from the project as it was read last.
    let labels = client.labels(&project, "cases/s/c0.yaml", "expect: { sta^ }\n");
    assert_eq!(labels, ["status"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let shown = client.rest(Duration::from_secs(4));
    let shown = shown
        .iter()
        .filter(|one| one["method"] == "textDocument/publishDiagnostics");
    assert!((1..=3).contains(&shown.count()));
}
