//! What the suite demands weighs more than what was merely seen.

use serde_json::Value;

use super::{JSON, changes_in, compared, record, version};
use crate::support::{Project, conforme, ran};

const SCHEMA: &str = r#"{
  "type": "object", "required": ["id"],
  "properties": {
    "id": { "type": "integer" }, "note": { "type": ["string", "null"] }, "kind": { "enum": ["a", "b"] },
    "share": { "type": "number" }
  }
}"#;

/// The report where a suite with these expectations sees these two bodies.
fn report(expect: &str, before: &str, after: &str) -> Value {
    compared(&recorded(expect, before, after), &[]).1
}

/// A project with recordings of these two bodies.
fn recorded(expect: &str, before: &str, after: &str) -> Project {
    let project = Project::new(&[("schemas/a.schema.json", SCHEMA)]);
    project.write(
        "cases/s/c.yaml",
        &format!("request: {{ path: / }}\nexpect: {{ status: 200, {expect} }}\n"),
    );
    for (name, body) in [("a", before), ("b", after)] {
        let body = body.to_owned();
        record(
            &project,
            &version(move |_| Some((JSON.to_owned(), body.clone()))),
            name,
            &[],
        );
    }
    project
}

/// The breaking changes where there are only recordings and no project.
fn breaking_without_project(expect: &str, before: &str, after: &str) -> Vec<(String, String)> {
    let (project, far) = (recorded(expect, before, after), tempfile::tempdir().unwrap());
    for name in ["a", "b"] {
        std::fs::write(far.path().join(name), project.read(name)).unwrap();
    }
    let mut command = conforme();
    command.current_dir(far.path());
    command.args([
        "compare",
        "--baseline",
        "a",
        "--candidate",
        "b",
        "--report",
        "json=r.json",
    ]);
    assert_eq!(ran(&mut command).code, 1);
    let report = std::fs::read(far.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let changes = report["changes"].as_array().unwrap().iter();
    let text = |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
    let breaking = changes.filter(|change| change["level"] == "breaking");
    breaking
        .map(|change| (text(change, "rule"), text(change, "reason")))
        .collect()
}

#[test]
fn check_without_a_project_is_not_attributed_by_guessing() {
    let one = |rule: &str, reason: &str| vec![(rule.to_owned(), reason.to_owned())];
    let expect = "body: { text: { contains: \"1\" } }";
    assert_eq!(
        breaking_without_project(expect, r#"{"a":"1","b":"x"}"#, r#"{"a":"2","b":"y"}"#),
        one(
            "verdict/newly-failing",
            "the response of the baseline cannot be checked again here, so the cause is not known"
        )
    );
    assert_eq!(
        breaking_without_project(expect, r#"{"a":"1"}"#, r#"{"a":"2"}"#),
        one("body/value-changed", "fails check `body/text`")
    );
}

fn seen(expect: &str, before: &str, after: &str) -> Vec<(String, String, String)> {
    changes_in(&report(expect, before, after), None)
}

fn is(expect: &str, before: &str, after: &str, level: &str, rule: &str) {
    let seen = seen(expect, before, after);
    let changes_in: Vec<_> = seen
        .iter()
        .map(|(level, rule, _)| (level.as_str(), rule.as_str()))
        .collect();
    assert_eq!(changes_in, [(level, rule)], "{expect}: {before} -> {after}");
}

#[test]
fn a_schema_says_what_may_be_missing_null_or_another_value() {
    const BY_SCHEMA: &str = "body: { schema: a.schema.json }";
    is(
        BY_SCHEMA,
        r#"{"id":1,"note":"x"}"#,
        r#"{"note":"x"}"#,
        "breaking",
        "body/property-removed",
    );
    is(
        BY_SCHEMA,
        r#"{"id":1,"note":"x"}"#,
        r#"{"id":1}"#,
        "warning",
        "body/property-removed",
    );
    is(
        "rules: {}",
        r#"{"id":1,"note":"x"}"#,
        r#"{"id":1}"#,
        "breaking",
        "body/property-removed",
    );
    is(
        BY_SCHEMA,
        r#"{"id":1,"note":"x"}"#,
        r#"{"id":1,"note":null}"#,
        "warning",
        "body/became-null",
    );
    is(
        BY_SCHEMA,
        r#"{"id":1,"share":1}"#,
        r#"{"id":1,"share":1.5}"#,
        "info",
        "body/integer-to-number",
    );
    is(
        BY_SCHEMA,
        r#"{"id":1,"kind":"a"}"#,
        r#"{"id":1,"kind":"b"}"#,
        "breaking",
        "body/value-changed",
    );
    // A value that is not of a closed set is no more than seen, however it looks.
    is(
        "rules: {}",
        r#"{"id":1,"kind":"a"}"#,
        r#"{"id":1,"kind":"b"}"#,
        "warning",
        "body/value-changed",
    );
}

#[test]
fn change_that_fails_a_check_is_breaking_with_its_own_rule() {
    is(
        "body: { json: { id: 1 } }",
        r#"{"id":1}"#,
        r#"{"id":2}"#,
        "breaking",
        "body/value-changed",
    );
    is(
        "body: { exact: { id: 1 } }",
        r#"{"id":1}"#,
        r#"{"id":1,"x":1}"#,
        "breaking",
        "body/property-added",
    );
    is(
        "rules: {}",
        r#"{"id":1}"#,
        r#"{"id":1,"x":1}"#,
        "info",
        "body/property-added",
    );
    // A check that passes only now is an improvement.
    is(
        "body: { json: { id: 2 } }",
        r#"{"id":1}"#,
        r#"{"id":2}"#,
        "info",
        "body/value-changed",
    );
    // The wording of a text breaks only clients that search in it.
    is(
        "body: { json: { message: gone } }",
        r#"{"message":"gone"}"#,
        r#"{"message":"away"}"#,
        "warning",
        "body/message-changed",
    );
    // The reason names the check.
    let changes_in = report(
        "body: { json: { message: gone } }",
        r#"{"message":"gone"}"#,
        r#"{"message":"away"}"#,
    );
    let reason = changes_in["changes"][0]["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.ends_with("fails check `body/json`, which tests the wording"),
        "{reason}"
    );
    // A value that the suite leaves open, and that it does not take now.
    let open = "body: { json: { at: { $within: 5m } } }";
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let fresh = format!(r#"{{"at":"{now}"}}"#);
    is(
        open,
        &fresh,
        r#"{"at":"2020-02-07T13:33:16Z"}"#,
        "breaking",
        "body/value-changed",
    );
}

#[test]
fn failing_check_without_difference_is_reported_by_name() {
    let project = Project::new(&[("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 200 }\n")]);
    let good = || version(|_| Some((JSON.to_owned(), "{}".to_owned())));
    record(&project, &good(), "a", &[]);
    project.write("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 201 }\n");
    record(&project, &good(), "b", &[]);
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(report["changes"][0]["message"], "the check status fails");
    let back = project.run(&[
        "compare",
        "--baseline",
        "b",
        "--candidate",
        "a",
        "--report",
        "json=report.json",
    ]);
    assert_eq!(back.code, 0, "{back:?}");
    assert!(project.read("report.json").contains("verdict/fixed"));
}

#[test]
fn a_request_that_must_be_refused_and_succeeds_breaks_the_api() {
    for (status, expect, tags, level) in [
        (404, "status: 404", "", "breaking"),
        (404, "status: [404, 200]", "", "warning"),
        (404, "status: [404, 410]", "tags: [authorisation]", "breaking"),
        (403, "status: [403, 404]", "", "breaking"),
    ] {
        let case = format!("request: {{ path: / }}\nexpect: {{ {expect} }}\n{tags}\n");
        let project = Project::new(&[("cases/s/c.yaml", &case)]);
        record(
            &project,
            &version(move |_| Some((format!("HTTP/1.1 {status} No"), String::new()))),
            "a",
            &[],
        );
        record(
            &project,
            &version(|_| Some((JSON.to_owned(), "{}".to_owned()))),
            "b",
            &[],
        );
        let changes_in = changes_in(&compared(&project, &[]).1, None);
        assert_eq!(
            (changes_in[0].0.as_str(), changes_in[0].1.as_str(), changes_in.len()),
            (level, "status/error-to-success", 1),
            "{case}"
        );
    }
}

#[test]
fn a_check_is_attributed_to_what_makes_it_fail_alone() {
    const BEFORE: &str = r#"{"items":[{"id":1,"kind":"a"}],"n":1,"0":{"x":1}}"#;
    let breaks = |expect: &str, after: &str| -> Vec<(String, String)> {
        let mut all: Vec<_> = (seen(expect, BEFORE, after).into_iter())
            .filter(|(level, ..)| level == "breaking")
            .map(|(_, rule, at)| (rule, at))
            .collect();
        all.sort();
        all
    };
    let one = |rule: &str, at: &str| vec![(rule.to_owned(), at.to_owned())];
    let after = r#"{"items":[{"id":1,"kind":"b","more":1}],"n":2,"0":{"x":1},"new":1}"#;
    for (expect, expected) in [
        ("rules: {}", vec![]),
        (
            "body: { json: { items: { $contains: { kind: a } } } }",
            one("body/value-changed", "/items/*/kind"),
        ),
        ("body: { json: { n: 1 } }", one("body/value-changed", "/n")),
        ("body: { text: { contains: new } }", vec![]),
        (
            "body: { json: { items: [ { kind: a } ] } }",
            one("body/value-changed", "/items/*/kind"),
        ),
    ] {
        assert_eq!(breaks(expect, after), expected, "{expect}");
    }
    // A number as the name of a property is a name.
    let after = r#"{"items":[{"id":1,"kind":"a"}],"n":1,"0":{"x":2}}"#;
    assert_eq!(
        breaks("body: { json: { \"0\": { x: 1 } } }", after),
        one("body/value-changed", "/0/x")
    );
}

#[test]
fn the_reason_for_a_new_status_is_the_status() {
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "request: { path: / }\nexpect: { status: 200, headers: { x-a: present }, body: { json: { a: 1 } } }\n",
    )]);
    record(
        &project,
        &version(|_| Some((format!("{JSON}\nX-A: 1"), r#"{"a":1}"#.to_owned()))),
        "a",
        &[],
    );
    record(
        &project,
        &version(|_| Some(("HTTP/1.1 404 No".to_owned(), String::new()))),
        "b",
        &[],
    );
    let report = compared(&project, &[]).1;
    assert_eq!(changes_in(&report, None).len(), 1, "{report}");
    assert_eq!(report["changes"][0]["reason"], "fails check `status`");
}
