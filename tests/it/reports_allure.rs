//! `--report allure=FOLDER`: a folder of results for Allure.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{Project, Server, Then, ran, repository, response, skips};

const SUITE: &str = "name: Orders\ninputs: { token: { description: t, secret: true } }\n\
    request: { headers: { Authorization: \"Bearer {{ token }}\" } }\n";
const FLOW: &str = "name: An order\ntags: [critical, smoke]\n\
    setup:\n  - id: customer\n    request: { path: /customer }\n    expect: { status: 200 }\n\
    steps:\n  - id: create\n    request: { method: POST, path: /orders, body: { json: { a: <b> } } }\n    expect: { status: 200 }\n  \
    - id: find\n    request: { path: /fails }\n    expect: { status: 200 }\n\
    teardown:\n  - id: remove\n    request: { method: DELETE, path: /orders }\n    expect: { status: 200 }\n";
const ROWS: &str = "name: Page\nexamples:\n  one: { n: 1 }\n  two: { n: 2 }\nrequest: { path: \"/p{{ n }}\" }\nexpect: { status: 200 }\n";
const SKIPPED: &str = "name: Later\nskip: not yet\nrequest: { path: /x }\nexpect: { status: 200 }\n";
const BROKEN: &str = "name: Broken\nrequest: { path: /close }\nexpect: { status: 200 }\n";

fn project() -> Project {
    Project::new(&[
        ("cases/x/suite.yaml", SUITE),
        ("cases/x/flow.yaml", FLOW),
        ("cases/x/rows.yaml", ROWS),
        ("cases/x/skipped.yaml", SKIPPED),
        ("cases/x/broken.yaml", BROKEN),
    ])
}

fn server() -> Server {
    Server::start(|request| {
        let status = if request.contains("/fails") {
            "500 Error"
        } else {
            "200 OK"
        };
        let then = if request.contains("/close") {
            return (Vec::new(), Then::Close);
        } else {
            Then::Keep
        };
        let head = format!("HTTP/1.1 {status}\nContent-Type: text/plain");
        (response(&head, "echo s3cr3t-token"), then)
    })
}

/// Runs the project with a report in a folder.
fn run(project: &Project, url: &str, folder: &str) -> crate::support::Ran {
    let report = format!("allure={folder}");
    let arguments = [
        "run",
        "--target",
        url,
        "--jobs",
        "1",
        "--report",
        &report,
        "--record",
        "run.ndjson",
    ];
    let mut command = project.command(&arguments);
    ran(command.env("CONFORME_SECRET_TOKEN", "s3cr3t-token"))
}

/// The files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let named = entries.map(|entry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), text)
    });
    named.collect()
}

/// The results by their full name.
fn results(files: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
    let results = files.iter().filter(|(name, _)| name.ends_with("-result.json"));
    let named = results.map(|(name, text)| {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(*name, format!("{}-result.json", value["uuid"].as_str().unwrap()));
        (value["fullName"].as_str().unwrap().to_owned(), value)
    });
    named.collect()
}

#[test]
fn folder_has_a_result_for_each_case() {
    let (project, server) = (project(), server());
    let one = run(&project, &server.url(), "out/allure");
    assert_eq!(one.code, 1, "{}{}", one.stdout, one.stderr);
    let written = files(&project.path().join("out/allure"));
    assert!(
        !written.values().any(|text| text.contains("s3cr3t-token")),
        "{written:#?}"
    );
    let all = results(&written);
    let states: Vec<_> = all
        .iter()
        .map(|(name, one)| (name.as_str(), one["status"].as_str().unwrap()))
        .collect();
    let expected = [
        ("x/broken", "broken"),
        ("x/flow", "failed"),
        ("x/rows[one]", "passed"),
        ("x/rows[two]", "passed"),
        ("x/skipped", "skipped"),
    ];
    assert_eq!(states, expected);
    let flow = &all["x/flow"];
    assert_eq!(flow["name"], "An order");
    assert_eq!(
        flow["statusDetails"]["message"],
        "step find: status: expected 200, got 500"
    );
    assert!(
        flow["statusDetails"]["trace"].as_str().unwrap().contains("reproduce"),
        "{flow:#}"
    );
    let steps: Vec<_> = flow["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (&step["name"], &step["status"]))
        .collect();
    assert_eq!(
        format!("{steps:?}"),
        r#"[(String("create: POST /orders"), String("passed")), (String("find: GET /fails"), String("failed"))]"#
    );
    let source = flow["steps"][0]["attachments"][0]["source"].as_str().unwrap();
    assert!(
        written[source].starts_with(&format!("POST {}/orders\nAuthorization: Bearer $TOKEN\n", server.url())),
        "{}",
        written[source]
    );
    assert!(written[source].ends_with("\n\n{\"a\":\"<b>\"}"), "{}", written[source]);
    let labels = flow["labels"].to_string();
    for label in [
        r#"{"name":"suite","value":"x"}"#,
        r#"{"name":"tag","value":"smoke"}"#,
        r#"{"name":"severity","value":"critical"}"#,
    ] {
        assert!(labels.contains(label), "{labels}");
    }
    let row = &all["x/rows[two]"];
    assert_eq!(row["parameters"][1]["value"], "two");
    assert_eq!(row["testCaseId"], all["x/rows[one]"]["testCaseId"]);
    assert_ne!(row["historyId"], all["x/rows[one]"]["historyId"]);
    assert!(row["stop"].as_i64() >= row["start"].as_i64() && row["start"].as_i64() > Some(1_700_000_000_000));
    let container = written
        .iter()
        .find(|(name, _)| name.ends_with("-container.json"))
        .unwrap()
        .1;
    let container: Value = serde_json::from_str(container).unwrap();
    assert_eq!(container["children"][0], flow["uuid"]);
    assert_eq!(container["befores"][0]["name"], "customer: GET /customer");
    assert_eq!(container["afters"][0]["name"], "remove: DELETE /orders");
    assert!(written["environment.properties"].contains("\ntarget="), "{written:#?}");
}

#[test]
fn recording_and_later_runs_have_the_same_history() {
    let (project, server) = (project(), server());
    run(&project, &server.url(), "out/allure");
    let written = files(&project.path().join("out/allure"));
    let all = results(&written);
    let flow = &all["x/flow"];
    // The report of the recording is the same.
    let again = project.run(&["report", "run.ndjson", "--report", "allure=again"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(files(&project.path().join("again")), written);
    // Another run has results of its own, with the same history.
    run(&project, &server.url(), "out/allure");
    let second = results(&files(&project.path().join("out/allure")));
    assert_eq!(second.len(), 5);
    assert_eq!(second["x/flow"]["historyId"], flow["historyId"]);
    assert!(files(&project.path().join("out/allure")).len() > written.len());
}

#[test]
fn files_of_others_are_left_alone() {
    let (project, server) = (project(), server());
    project.write("results/environment.properties", "browser=firefox\n");
    project.write("results/notes.txt", "mine");
    assert_eq!(run(&project, &server.url(), "results").code, 1);
    assert_eq!(project.read("results/environment.properties"), "browser=firefox\n");
    assert_eq!(project.read("results/notes.txt"), "mine");
    project.write("file", "");
    for (report, part) in [
        (
            "allure",
            "`--report allure` is a folder: name it, as in `--report allure=allure-results`",
        ),
        ("allure=cases/x", "its files would be read as those of"),
        ("allure=cases/new", "its files would be read as those of"),
        ("allure=snapshots", "its files would be read as those of"),
        ("allure=.", "which is read: name another folder"),
        ("allure=file", "it is not a folder"),
    ] {
        let sent = server.requests();
        let mut command = project.command(&["run", "--target", &server.url(), "--report", report]);
        let failed = ran(command.env("CONFORME_SECRET_TOKEN", "s3cr3t-token"));
        assert!(
            failed.code == 2 && failed.stderr.contains(part),
            "{report}: {}",
            failed.stderr
        );
        assert_eq!(server.requests(), sent);
    }
    let two = ["report", "run.ndjson", "--report", "allure=a", "--report", "allure=./a"];
    assert_eq!(project.run(&two).code, 2);
    let compared = [
        "compare",
        "--baseline",
        "run.ndjson",
        "--candidate",
        "run.ndjson",
        "--report",
        "allure=a",
    ];
    let compared = project.run(&compared);
    assert!(
        compared.code == 2 && compared.stderr.contains("use it with `run` or `report`"),
        "{}",
        compared.stderr
    );
}

#[test]
fn folder_that_cannot_be_written_exits_with_5() {
    let (project, server) = (project(), server());
    project.write("file", "");
    let below = run(&project, &server.url(), "file/results");
    assert_eq!(below.code, 5, "{}", below.stderr);
    // It disappears while the run goes on.
    let folder = project.path().join("gone");
    let removed = folder.clone();
    let server = Server::start(move |_| {
        drop(fs::remove_dir_all(&removed));
        (response("HTTP/1.1 200 OK", ""), Then::Keep)
    });
    let gone = run(&project, &server.url(), "gone");
    assert_eq!(gone.code, 5, "{}{}", gone.stdout, gone.stderr);
    assert!(
        gone.stderr.contains("failed to write the report `gone`"),
        "{}",
        gone.stderr
    );
    assert!(!folder.exists());
}

#[test]
fn allure_reads_the_folder() {
    let program = repository().join("target/allure/node_modules/.bin/allure");
    if skips("allure in target/allure", program.exists()) {
        return;
    }
    let (project, server) = (project(), server());
    run(&project, &server.url(), "allure-results");
    let mut allure = Command::new(program);
    let allure = allure.args(["generate", "--output", "report", "allure-results"]);
    let output = allure.current_dir(project.path()).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}");
    let statistic: Value = serde_json::from_str(&project.read("report/widgets/statistic.json")).unwrap();
    let of = |name: &str| statistic[name].as_i64();
    let counts = [of("passed"), of("failed"), of("broken"), of("skipped")];
    assert_eq!(counts, [Some(2), Some(1), Some(1), Some(1)], "{statistic}");
}
