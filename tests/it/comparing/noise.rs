//! What differs each time is no change, and is listed apart.

use serde_json::Value;

use super::{JSON, changes_in, compared, record, version};
use crate::support::Project;

fn noise(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["noise"].as_array().into_iter().flatten();
    all.map(|one| (text(&one["what"]), text(&one["source"]))).collect()
}

#[test]
fn what_the_suite_calls_volatile_is_noise_but_for_its_type() {
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "request: { path: / }\nsnapshots: { redact: /items/*/n }\n\
         expect: { status: 200, headers: { x-a: { matches: '^[0-9]$' } }, body: { json: { token: { $matches: '^[a-z]+$' } } } }\n",
    )]);
    let says =
        |head: &'static str, body: &'static str| version(move |_| Some((format!("{JSON}\n{head}"), body.to_owned())));
    record(
        &project,
        &says("X-A: 1", r#"{"token":"abc","items":[{"n":1}],"b":1}"#),
        "a",
        &[],
    );
    record(
        &project,
        &says("X-A: 2", r#"{"token":"xyz","items":[{"n":2}],"b":1}"#),
        "b",
        &[],
    );
    let (ran, report) = compared(&project, &["--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let what: Vec<_> = noise(&report).into_iter().map(|(what, _)| what).collect();
    assert_eq!(what, ["/items/*/n", "/token", "x-a"]);
    assert!(ran.stdout.contains("3 locations"), "{}", ran.stdout);
    record(
        &project,
        &says("X-A: 2", r#"{"token":"xyz","items":[{"n":"2"}],"b":1}"#),
        "b",
        &[],
    );
    assert_eq!(changes_in(&compared(&project, &[]).1, None)[0].1, "body/type-changed");
}

#[test]
fn values_of_a_target_are_compared_by_their_names() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { user: a user, other: another }\n"),
        (
            "cases/s/c.yaml",
            "request: { path: \"/{{ user }}\" }\nexpect: { status: 200 }\nvars: { x: \"{{ other }}\" }\n",
        ),
    ]);
    let run = |user: &'static str, other: &'static str, to: &str| {
        let body = format!(r#"{{"user":"{user}","text":"no {other} here","{user}":1,"list":["{other}","{user}"]}}"#);
        let server = version(move |_| Some((format!("{JSON}\nX-User: {user}\nX-Self: /users/{user}"), body.clone())));
        let vars = [format!("user={user}"), format!("other={other}")];
        record(&project, &server, to, &["--var", &vars[0], "--var", &vars[1]]);
    };
    run("user-0001", "other-001", "a");
    run("somebody-else", "nobody-at-all", "b");
    let (ran, report) = compared(&project, &["--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{report}");
    // Two names with one value on one of the targets.
    run("the-very-same", "the-very-same", "b");
    let (ran, report) = compared(&project, &["--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{report}");
}

#[test]
fn the_url_of_the_target_itself_is_no_difference() {
    let project = Project::new(&[("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 201 }\n")]);
    for to in ["a", "b"] {
        let server = crate::support::Server::start(|request| {
            let host = request
                .lines()
                .find_map(|line| line.strip_prefix("host: "))
                .unwrap_or_default();
            let head = format!("HTTP/1.1 201 Created\nLocation: http://{host}/users/1");
            (crate::support::response(&head, ""), crate::support::Then::Keep)
        });
        record(&project, &server, to, &[]);
    }
    let (ran, report) = compared(&project, &["--fail-on", "any"]);
    assert_eq!(ran.code, 0, "{report}");
}
