//! Targets that are asked for the comparison, and responses that are asked for again.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::{JSON, changes_in, compared, project, record, version};
use crate::support::{Project, Server, Then, response};

/// A server that writes down who was asked what, and says so in the body what `body` makes of how often it was.
fn listed(name: &'static str, list: &Arc<Mutex<Vec<String>>>, body: fn(usize) -> String) -> Server {
    let (list, count) = (Arc::clone(list), AtomicUsize::new(0));
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        list.lock().unwrap().push(format!("{name}{path}"));
        (response(JSON, &body(count.fetch_add(1, Ordering::SeqCst))), Then::Keep)
    })
}

fn cases(count: usize) -> Project {
    let project = Project::new(&[("cases/s/suite.yaml", "expect: { status: 200 }\n")]);
    for case in 0..count {
        project.write(
            &format!("cases/s/c{case}.yaml"),
            &format!("request: {{ path: \"/x/{{n}}\", params: {{ n: \"{case}\" }} }}\n"),
        );
    }
    project
}

#[test]
fn two_targets_in_lockstep_have_noise_but_no_change() {
    let project = cases(6);
    let list = Arc::default();
    let says = |count: usize| format!(r#"{{"n":{count},"a":1,"list":{}}}"#, ["[1,2]", "[2,1]"][count % 2]);
    let one = listed("a", &list, says);
    let other = listed("b", &list, |count| format!(r#"{{"n":{},"list":[1,2]}}"#, count + 100));
    let (a, b) = (one.url(), other.url());
    let ran = project.run(&[
        "compare",
        "--baseline",
        &a,
        "--candidate",
        &b,
        "-j",
        "1",
        "--report",
        "json=r.json",
    ]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(
        changes_in(&report, None),
        [(
            "breaking".to_owned(),
            "body/property-removed".to_owned(),
            "/a".to_owned()
        )]
    );
    let noise: Vec<_> = report["noise"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(noise, ["/n", "order of /list"]);
    assert_eq!(
        (&report["baseline"]["repeats"], &report["summary"]["compared"]),
        (&json!(2), &json!(6))
    );
    // Each request of the one next to the same of the other.
    let list = list.lock().unwrap();
    assert_eq!(list.len(), 24, "{list:?}");
    for pair in list.chunks(2) {
        let mut pair: Vec<_> = pair.iter().map(String::as_str).collect();
        pair.sort_unstable();
        assert_eq!(pair[0][1..], pair[1][1..], "{list:?}");
        assert!(pair[0].starts_with('a') && pair[1].starts_with('b'), "{list:?}");
    }
}

#[test]
fn recording_compared_with_unreachable_target_has_no_verdict() {
    let project = cases(4);
    let server = version(|_| Some((JSON.to_owned(), r#"{"a":1}"#.to_owned())));
    record(&project, &server, "a", &["--repeats", "2"]);
    let url = server.url();
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", &url]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = project.run(&["compare", "--baseline", &url, "--candidate", "http://127.0.0.1:9"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.starts_with("No verdict"), "{ran:?}");
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", "stagign"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("`stagign` is neither a recording nor a target"),
        "{ran:?}"
    );
}

#[test]
fn what_the_baseline_was_recorded_to_waver_in_is_no_change() {
    let project = cases(1);
    let wavering = listed("a", &Arc::default(), |count| {
        [r#"{"k":"x","maybe":1,"v":null}"#, r#"{"k":"y","v":1}"#][count % 2].to_owned()
    });
    record(&project, &wavering, "a", &["--repeats", "2"]);
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"k":"z","v":1}"#.to_owned()))),
        "b",
        &[],
    );
    let (ran, report) = compared(&project, &["--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{report}");
    let noise: Vec<_> = report["noise"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(noise, ["/k", "/maybe", "/v"]);
    // A type that none of its responses had is a change all the same.
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"k":1,"v":1}"#.to_owned()))),
        "b",
        &[],
    );
    assert_eq!(changes_in(&compared(&project, &[]).1, None)[0].1, "body/type-changed");
    // What only the candidate wavers in is one too.
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"k":"x","v":1}"#.to_owned()))),
        "a",
        &["--repeats", "2"],
    );
    record(&project, &wavering, "b", &["--repeats", "2"]);
    assert_eq!(changes_in(&compared(&project, &[]).1, None)[0].1, "body/became-null");
}

#[test]
fn every_response_of_a_case_that_is_asked_again_must_hold() {
    let project = Project::of_case("status: 200\nbody: { json: { good: true } }");
    let server = listed("a", &Arc::default(), |count| format!(r#"{{"good":{}}}"#, count != 1));
    let ran = record(&project, &server, "r.ndjson", &["--repeats", "3"]);
    assert_eq!((ran.code, server.requests()), (1, 3), "{ran:?}");
    let recording = project.read("r.ndjson");
    let finished: serde_json::Value = (recording.lines())
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|event| event["event"] == "case-finished")
        .unwrap();
    assert_eq!(
        (&finished["verdict"], finished["repeats"].as_array().unwrap().len()),
        (&json!("failed"), 2)
    );
    assert_eq!(project.run(&["recheck", "r.ndjson"]).code, 1);
    // The third response alone is good.
    let server = listed("a", &Arc::default(), |_| r#"{"good":true}"#.to_owned());
    assert_eq!(record(&project, &server, "r.ndjson", &["--repeats", "3"]).code, 0);
    assert_eq!(project.run(&["recheck", "r.ndjson"]).code, 0);
    let one = Project::of_case("status: 200\nbody: { json: { good: false } }");
    one.write("r.ndjson", &project.read("r.ndjson"));
    assert_eq!(one.run(&["recheck", "r.ndjson"]).code, 1);
    assert_eq!(project.run(&["run", "--repeats", "0"]).code, 2);
}

#[test]
fn case_of_one_target_does_not_delay_others() {
    let project = cases(3);
    project.write(
        "cases/s/suite.yaml",
        "inputs: { user: { optional: true } }\nexpect: { status: 200 }\n",
    );
    project.write("cases/s/c1.yaml", "request: { path: \"/{{ user }}\" }\n");
    let (one, other) = (
        version(|_| Some((JSON.to_owned(), "{}".to_owned()))),
        version(|_| Some((JSON.to_owned(), "{}".to_owned()))),
    );
    project.write(
        "conforme.toml",
        &format!(
            "[targets.old]\nbase_url = \"{}\"\nvars = {{ user = \"somebody\" }}\n[targets.new]\nbase_url = \"{}\"\n",
            one.url(),
            other.url()
        ),
    );
    let ran = project.run(&[
        "compare",
        "--baseline",
        "old",
        "--candidate",
        "new",
        "--skip-missing",
        "--report",
        "json=r.json",
    ]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(changes_in(&report, None)[0].1, "verdict/newly-skipped");
    assert_eq!((one.requests(), other.requests()), (6, 4));
}

#[test]
fn secrets_of_both_targets_are_masked_in_reports() {
    let project = project([]);
    project.write("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n");
    project.write(
        "cases/s/c.yaml",
        "request: { path: /, headers: { authorization: \"Bearer {{ token }}\" } }\nexpect: { status: 200 }\n",
    );
    let says = |extra: &'static str| {
        version(move |_| {
            Some((
                format!("{JSON}\nX-Other: {extra}"),
                format!(r#"{{"message":"{extra}"}}"#),
            ))
        })
    };
    // Each echoes the secret of the other.
    let (one, other) = (says("second-secret-value"), says("first-secret-value"));
    project.write(
        "conforme.toml",
        &format!(
            "[targets.old]\nbase_url = \"{}\"\nsecrets.token = {{ env = \"OLD\" }}\n[targets.new]\nbase_url = \"{}\"\nsecrets.token = {{ env = \"NEW\" }}\n",
            one.url(),
            other.url()
        ),
    );
    let mut all = vec!["compare", "--baseline", "old", "--candidate", "new", "-v"];
    let reports: Vec<_> = ["json", "html", "markdown", "junit", "sarif", "github", "tap"]
        .iter()
        .map(|format| format!("--report={format}=out/{format}"))
        .collect();
    all.extend(reports.iter().map(String::as_str));
    let mut command = project.command(&all);
    let ran = crate::support::ran(
        command
            .env("OLD", "first-secret-value")
            .env("NEW", "second-secret-value"),
    );
    assert!([0, 1].contains(&ran.code), "{ran:?}");
    let mut texts = vec![ran.stdout, ran.stderr];
    for entry in std::fs::read_dir(project.path().join("out")).unwrap() {
        texts.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert_eq!(texts.len(), 9);
    for text in texts {
        assert!(!text.contains("secret-value"), "{text}");
    }
}
