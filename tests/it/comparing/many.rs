//! One suite on several targets.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{JSON, version};
use crate::support::{Project, Ran};

/// A project with the targets `one`, `two` and `three`, which respond with these bodies; then the run.
fn run(bodies: [&'static str; 3], more: &[&str]) -> (Project, Ran) {
    let project = Project::new(&[(
        "cases/s/suite.yaml",
        "inputs: { user: a user }\nexpect: { status: 200, body: { json: { good: true } } }\n",
    )]);
    for case in 0..4 {
        project.write(
            &format!("cases/s/c{case}.yaml"),
            &format!("request: {{ path: \"/{{{{ user }}}}/{case}\" }}\n"),
        );
    }
    let servers = bodies.map(|body| version(move |_| Some((JSON.to_owned(), body.to_owned()))));
    let mut config = String::new();
    for (name, server) in ["one", "two", "three"].iter().zip(&servers) {
        let url = if bodies.contains(&"gone") && *name == "three" {
            "http://127.0.0.1:9".to_owned()
        } else {
            server.url()
        };
        let _ = write!(
            config,
            "[targets.{name}]\nbase_url = \"{url}\"\nvars = {{ user = \"user-of-{name}\" }}\n"
        );
    }
    project.write("conforme.toml", &config);
    let mut all = vec!["run", "--target", "one", "--target", "two", "--target", "three"];
    all.extend(more);
    let ran = project.run(&all);
    (project, ran)
}

const GOOD: &str = r#"{"good":true,"x":1}"#;

#[test]
fn targets_that_agree_are_one_matrix_and_a_pass() {
    let (project, ran) = run(
        [GOOD; 3],
        &["--report", "json=m.json", "--record", "runs/{target}.ndjson"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let matrix: Value = serde_json::from_str(&project.read("m.json")).unwrap();
    let names: Vec<_> = matrix["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|side| side["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one", "two", "three"]);
    let rows = matrix["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["case"], &rows[3]["verdicts"]),
        (4, &json!("s/c0"), &json!(["passed", "passed", "passed"]))
    );
    for name in names {
        assert_eq!(project.run(&["recheck", &format!("runs/{name}.ndjson")]).code, 0);
    }
    assert!(ran.stdout.starts_with("The targets agree"), "{ran:?}");
}

#[test]
fn target_that_fails_or_differs_fails_the_run() {
    let (project, ran) = run(
        [GOOD, r#"{"good":true}"#, r#"{"good":false,"x":1}"#],
        &["--report", "html=m.html", "--report", "json=m.json"],
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    let matrix: Value = serde_json::from_str(&project.read("m.json")).unwrap();
    assert_eq!(matrix["rows"][0]["verdicts"], json!(["passed", "passed", "failed"]));
    assert!(matrix["rows"][0]["reasons"][2].as_str().unwrap().contains("body/json"));
    let rules: Vec<_> = matrix["drift"]
        .as_array()
        .unwrap()
        .iter()
        .map(|drift| &drift["changes"][0]["rule"])
        .collect();
    assert_eq!(rules, ["body/property-removed", "body/value-changed"]);
    assert!(project.read("m.html").contains("body/property-removed"));
    let (_, ran) = run([GOOD, GOOD, "gone"], &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn what_goes_with_one_target_only_is_refused_on_several() {
    for (more, part) in [
        (&["--record", "run.ndjson"][..], "runs/{target}.ndjson"),
        (&["--failed-from", "x"], "--failed-from goes with one target"),
        (&["--partition", "hash:1/2"], "--partition goes with one target"),
        (&["--max-fail", "1"], "--max-fail goes with one target"),
        (&["--target", "two"], "--target two: it is given twice"),
        (&["--target", "four"], "no target `four`"),
    ] {
        let (_, ran) = run([GOOD; 3], more);
        assert_eq!(ran.code, 2, "{more:?}: {ran:?}");
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let (project, _) = run([GOOD; 3], &[]);
    assert_eq!(project.run(&["list", "--target", "one", "--target", "two"]).code, 2);
}
