//! The file of accepted changes.

use serde_json::{Value, json};

use super::{JSON, changes_in, compared, project, record, version};
use crate::support::Project;

fn changed() -> Project {
    let project = project(["p"]);
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"a":1,"b":1}"#.to_owned()))),
        "a",
        &[],
    );
    record(
        &project,
        &version(|_| Some((JSON.to_owned(), r#"{"a":"1"}"#.to_owned()))),
        "b",
        &[],
    );
    project
}

#[test]
fn a_change_is_accepted_with_a_reason_until_its_day() {
    let project = changed();
    project.write(
        "accepted-changes.toml",
        "[[accepted]]\nrule = \"body/property-removed\"\npointer = \"/b\"\nsuite = \"p\"\nreason = \"clients do not read it\"\nexpires = 2999-12-31\n",
    );
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(changes_in(&report, None).len(), 1);
    let accepted = &report["accepted"][0];
    assert_eq!(
        (
            &accepted["rule"],
            &accepted["accepted_because"],
            &accepted["expires"],
            &accepted["location"]["line"]
        ),
        (
            &json!("body/property-removed"),
            &json!("clients do not read it"),
            &json!("2999-12-31"),
            &json!(1)
        )
    );
    // By its fingerprint, in a file of another name.
    let fingerprint = report["changes"][0]["fingerprint"].as_str().unwrap();
    let all = project.read("accepted-changes.toml")
        + &format!("[[accepted]]\nfingerprint = \"{fingerprint}\"\nreason = \"announced\"\n");
    project.write("known.toml", &all);
    let (ran, report) = compared(&project, &["--accepted", "known.toml"]);
    assert_eq!((ran.code, &report["changes"]), (0, &json!([])), "{ran:?}");
    project.write("conforme.toml", "[compare]\naccepted = \"known.toml\"\n");
    assert_eq!(compared(&project, &[]).0.code, 0);
}

#[test]
fn expired_and_unused_entries_are_reported() {
    let project = changed();
    project.write(
        "accepted-changes.toml",
        "[[accepted]]\nrule = \"body/property-removed\"\nreason = \"was fine\"\nexpires = 2020-01-01\n\n\
         [[accepted]]\nrule = \"body/became-null\"\nreason = \"long gone\"\n",
    );
    let (ran, report) = compared(&project, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(
        (changes_in(&report, None).len(), &report["accepted"]),
        (2, &Value::Null)
    );
    let stale: Vec<_> = report["stale"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["reason"], &entry["location"]["line"]))
        .collect();
    assert_eq!(
        stale,
        [
            (&json!("it expired on 2020-01-01"), &json!(1)),
            (&json!("it matches no change"), &json!(6))
        ]
    );
    assert!(ran.stdout.contains("it expired on 2020-01-01"), "{}", ran.stdout);
}

#[test]
fn errors_in_the_file_are_reported_with_locations() {
    let project = changed();
    project.write(
        "accepted-changes.toml",
        "[[accepted]]\nrule = \"body/property-remvoed\"\nreason = \"x\"\n[[accepted]]\nrule = \"body/wrapped\"\n\
         [[accepted]]\nreason = \"all\"\n[[accepted]]\nrule = \"body/wrapped\"\nreason = \"x\"\nexpires = \"soon\"\nowner = \"x\"\n",
    );
    let ran = project.run(&["compare", "--baseline", "a", "--candidate", "b"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "accepted-changes.toml:2:8",
        "unknown rule `body/property-remvoed`",
        "body/property-removed",
        "has a `reason`",
        "names what it covers: its `rule`, or its `fingerprint`",
        "`soon` is not a day",
        "unknown key `owner`",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let ran = project.run(&[
        "compare",
        "--baseline",
        "a",
        "--candidate",
        "b",
        "--accepted",
        "none.toml",
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("none.toml"), "{}", ran.stderr);
}

#[test]
fn an_entry_covers_its_case_and_endpoint_and_nothing_else() {
    let project = Project::new(&[("cases/s/suite.yaml", "expect: { status: 200 }\n")]);
    for (name, path) in [("one", "/a"), ("two", "/a"), ("three", "/b")] {
        project.write(
            &format!("cases/s/{name}.yaml"),
            &format!("request: {{ path: {path} }}\n"),
        );
    }
    let says = |body: &'static str| version(move |_| Some((JSON.to_owned(), body.to_owned())));
    record(&project, &says(r#"{"a":1,"b":1}"#), "a", &[]);
    record(&project, &says(r#"{"a":1}"#), "b", &[]);
    let cases = |report: &Value, list: &str| -> Vec<Value> {
        let all = report[list].as_array().into_iter().flatten();
        all.map(|one| json!([one["endpoint"], one["cases"]])).collect()
    };
    let accept = |entry: &str| {
        let entry = format!("[[accepted]]\nreason = \"announced\"\n{entry}\n");
        project.write("accepted-changes.toml", &entry);
        compared(&project, &[])
    };
    let (ran, report) = accept("case = \"s/two\"");
    assert_eq!(cases(&report, "accepted"), [json!(["GET /a", ["s/two"]])]);
    assert_eq!(
        cases(&report, "changes"),
        [json!(["GET /a", ["s/one"]]), json!(["GET /b", ["s/three"]])]
    );
    assert!(ran.stdout.contains("s/two") && ran.code == 1, "{ran:?}");
    let (_, report) = accept("endpoint = \"GET /a\"");
    assert_eq!(cases(&report, "accepted"), [json!(["GET /a", ["s/one", "s/two"]])]);
    assert_eq!(cases(&report, "changes"), [json!(["GET /b", ["s/three"]])]);
    let fingerprint = report["accepted"][0]["fingerprint"].as_str().unwrap().to_owned();
    let (_, report) = accept(&format!("fingerprint = \"{fingerprint}\""));
    assert_eq!(cases(&report, "changes"), [json!(["GET /b", ["s/three"]])]);
    for (entry, part) in [
        ("case = \"s/tow\"", "did you mean `s/two`"),
        ("endpoint = \"GET /c\"", "unknown endpoint `GET /c`"),
        ("suite = \"t\"", "unknown suite `t`"),
        ("pointer = \"b\"", "is not a JSON pointer"),
        ("header = \"etga\"", "did you mean `etag`"),
        ("fingerprint = \"12\"", "is not a fingerprint"),
    ] {
        project.write(
            "accepted-changes.toml",
            &format!("[[accepted]]\nreason = \"x\"\n{entry}\n"),
        );
        let ran = project.run(&["compare", "--baseline", "a", "--candidate", "b"]);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{entry}: {ran:?}");
    }
}
