//! `action.yml` and the workflows: what they run does run, and nothing in them can change under our feet.

use std::process::Command;

use serde_json::Value;

use crate::{
    editor_schemas::yaml,
    support::{Project, Ran, Server, conforme, repository},
};

fn file(name: &str) -> Value {
    yaml(&std::fs::read_to_string(repository().join(name)).unwrap())
}

/// Every value of a key, anywhere in the document.
fn values_of<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if key == name {
                    found.extend(value.as_str());
                }
                values_of(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values_of(item, name, found)),
        _ => {}
    }
}

#[test]
fn every_foreign_action_is_pinned_by_its_commit() {
    let mut pinned = 0;
    for name in ["action.yml", ".github/workflows/ci.yml"] {
        let parsed = file(name);
        let mut uses = Vec::new();
        values_of(&parsed, "uses", &mut uses);
        for one in uses.into_iter().filter(|one| !one.starts_with("./")) {
            let (_, commit) = one.split_once('@').unwrap();
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{name}: {one}");
            pinned += 1;
        }
    }
    assert!(pinned > 5);
}

#[test]
fn no_step_puts_an_input_into_its_script() {
    // The value of an expression becomes part of the script text.
    for name in ["action.yml", ".github/workflows/ci.yml"] {
        let parsed = file(name);
        let mut scripts = Vec::new();
        values_of(&parsed, "run", &mut scripts);
        assert!(
            !scripts.is_empty() && scripts.iter().all(|script| !script.contains("${{")),
            "{name}"
        );
    }
}

/// The step of the action that runs the suite, as a runner would run it.
fn run_action(project: &Project, target: &str, args: &str) -> Ran {
    let action = file("action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["id"] == "run").unwrap();
    let root = project.path();
    std::fs::write(root.join("output"), "").unwrap();
    std::fs::write(root.join("summary"), "before\n").unwrap();
    let clean = conforme();
    let mut command = Command::new("bash");
    command
        .args([
            "--noprofile",
            "--norc",
            "-eo",
            "pipefail",
            "-c",
            step["run"].as_str().unwrap(),
        ])
        .current_dir(&root)
        .env_clear()
        .envs(clean.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CI", "true")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", root.join("output"))
        .env("GITHUB_STEP_SUMMARY", root.join("summary"))
        .env("ROOT", "/nowhere")
        .env("REPORTS", root.join("a b/reports"))
        .env("INPUT_BINARY", env!("CARGO_BIN_EXE_conforme"))
        .env("INPUT_TARGET", target)
        .env("INPUT_ARGS", args)
        .env("INPUT_PROJECT", ".")
        .env("INPUT_WAIT", "10s");
    command.output().unwrap().into()
}

#[test]
fn the_action_runs_annotates_and_leaves_its_reports() {
    let project = Project::new(&[
        ("cases/s/good.yaml", "request: { path: / }\nexpect: { status: 204 }\n"),
        (
            "cases/s/bad.yaml",
            "tags: bad\nrequest: { path: / }\nexpect: { status: 200 }\n",
        ),
    ]);
    let server = Server::always("HTTP/1.1 204 No Content", "");
    let broken = run_action(&project, &server.url(), "");
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(
        broken.stdout.contains("::error file=cases/s/bad.yaml,line=3"),
        "{broken:?}"
    );
    let outputs = project.read("output");
    assert!(
        outputs.contains("exit-code=1\n") && outputs.contains("reports="),
        "{outputs}"
    );
    let summary = project.read("summary");
    assert!(
        summary.starts_with("before\n") && summary.contains("s/bad"),
        "{summary}"
    );
    for name in ["junit.xml", "report.html", "conforme.sarif", "summary.md", "run.ndjson"] {
        let report = project.read(&format!("a b/reports/{name}"));
        assert!(
            report.contains("s/bad") || report.contains("\"bad\""),
            "{name}: {report}"
        );
    }
    let passed = run_action(&project, &server.url(), "s/good --retries 1");
    assert_eq!(passed.code, 0, "{passed:?}");
    assert!(project.read("output").contains("exit-code=0\n"));
    // A suite that cannot be loaded leaves no reports, and its exit code all the same.
    project.write("cases/s/wrong.yaml", "nonsense: 1\n");
    let refused = run_action(&project, &server.url(), "");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(project.read("output").contains("exit-code=2\n"));
}
