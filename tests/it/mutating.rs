//! `conforme mutate`: how strong suites are.

use serde_json::Value;

use crate::{
    mutating_advice::{lay, yaml},
    support::{Project, Ran, Server, Then, response},
};

pub(crate) const JSON: &str = "HTTP/1.1 404 Not Found\nContent-Type: application/json; charset=utf-8";
const BODY: &str = r#"{"error":404,"code":"NoUser","message":"Not Found","ids":[1,2],"ok":false}"#;

/// A project of one case with these expectations, and the recording of a run that passed.
pub(crate) fn recorded(expect: &str, head: &str, body: &str) -> Project {
    let project = Project::of_case(expect);
    record(&project, head, body);
    project
}

fn record(project: &Project, head: &str, body: &str) {
    let server = Server::always(head, body);
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--record",
        "r.ndjson",
        "--snapshots",
        "accept",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn measured(project: &Project, more: &[&str]) -> (Ran, Value) {
    let mut all = vec!["mutate", "r.ndjson", "--report", "json=m.json"];
    all.extend(more);
    let ran = project.run(&all);
    assert!(project.has("m.json"), "{ran:?}");
    (ran, serde_json::from_str(&project.read("m.json")).unwrap())
}

fn score(measured: &Value) -> f64 {
    let count = |name: &str| measured["total"][name].as_f64().unwrap();
    count("killed") * 100.0 / (count("killed") + count("survived"))
}

#[test]
fn score_is_low_for_statuses_and_high_for_bodies() {
    let (_, weak) = measured(&recorded("status: 404", JSON, BODY), &[]);
    let strong = "
status: 404
headers: { content-type: application/json; charset=utf-8, date: { within: 5m } }
body: { exact: { error: 404, code: NoUser, message: Not Found, ids: [1, 2], ok: false } }";
    let (_, strong) = measured(&recorded(strong, JSON, BODY), &[]);
    assert!(score(&weak) < 50.0, "{}", score(&weak));
    assert!(score(&strong) > 99.0, "{}", strong["survivors"]);
    let tally = |measured: &Value, layer: &str| {
        let all = measured["layers"].as_array().unwrap();
        let one = all.iter().find(|one| one["layer"] == layer).unwrap();
        (one["first"].as_u64().unwrap(), one["only"].as_u64().unwrap())
    };
    assert_eq!(tally(&weak, "body"), (0, 0));
    assert!(tally(&strong, "body").1 > 20);
    // What only a snapshot detects is reported as such.
    let (_, snapped) = measured(&recorded("status: 404\nsnapshot: true", JSON, BODY), &[]);
    assert!(snapped["only_snapshot"].as_u64().unwrap() > 20);
    assert!(
        snapped["by_snapshot"].to_string().contains("body /code"),
        "{}",
        snapped["by_snapshot"]
    );
    assert!(score(&snapped) > score(&weak));
}

#[test]
fn mutants_of_a_bare_204_counted_by_hand() {
    let (_, measured) = measured(&recorded("status: 204", "HTTP/1.1 204 No Content", ""), &[]);
    let operators: Vec<_> = (measured["operators"].as_array().unwrap().iter())
        .map(|one| {
            let count = |name: &str| one[name].as_u64().unwrap();
            (one["operator"].as_str().unwrap(), count("killed"), count("survived"))
        })
        .filter(|(_, killed, survived)| killed + survived > 0)
        .collect();
    assert_eq!(
        operators,
        [
            // 200, 201, 202.
            ("status/same-class", 3, 0),
            // 302, 400, 500.
            ("status/other-class", 3, 0),
            ("status/no-content-to-ok", 1, 0),
            // The only field is Date, which no contract is about: it is not changed.
            // Bytes after a 204 are against the rules of HTTP.
            ("body/appeared", 1, 0),
        ]
    );
    assert_eq!(measured["survivors"], serde_json::json!([]));
}

#[test]
fn mutants_are_the_same_for_any_number_of_threads() {
    let project = recorded("status: 404", JSON, BODY);
    let runs = ["1", "2", "7"].map(|jobs| {
        let (ran, measured) = measured(&project, &["--jobs", jobs]);
        (ran.stdout, measured)
    });
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

#[test]
fn a_score_that_is_too_low_fails() {
    let project = recorded("status: 404", JSON, BODY);
    let code = |least: &str| measured(&project, &["--min-score", least]).0.code;
    assert_eq!([code("0"), code("99.5"), code("98%")], [0, 1, 1]);
    let ran = project.run(&["mutate", "r.ndjson", "--min-score", "99"]);
    assert!(ran.stdout.starts_with("Too weak: "), "{ran:?}");
    for wrong in [&["mutate", "none"][..], &["mutate", "r.ndjson", "--min-score", "101"]] {
        assert_eq!(project.run(wrong).code, 2, "{wrong:?}");
    }
    // A run that failed has nothing to measure.
    project.write("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 500 }\n");
    let (ran, measured) = measured(&project, &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        measured["not_measured"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("status"),
        "{measured}"
    );
}

/// Merges advice into the case, which is JSON.
fn merged(project: &Project, advice: &str) {
    let mut case: Value = serde_json::from_str(&project.read("cases/s/c.yaml")).unwrap();
    lay(&mut case, &yaml(advice));
    project.write("cases/s/c.yaml", &case.to_string());
}

#[test]
fn advice_in_case_kills_survivor_and_case_passes() {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let body = BODY.replace(
        "\"ok\"",
        &format!("\"user\":{{\"first name\":\"A\",\"at\":\"{now}\"}},\"ok\""),
    );
    let project = Project::new(&[("cases/s/c.yaml", r#"{"request":{"path":"/"},"expect":{"status":404}}"#)]);
    record(&project, JSON, &body);
    let start = score(&measured(&project, &[]).1);
    for _ in 0..60 {
        let (_, report) = measured(&project, &[]);
        let group = report["survivors"]
            .as_array()
            .unwrap()
            .iter()
            .find(|group| group["advice"].is_string());
        let Some(group) = group else { break };
        merged(&project, group["advice"].as_str().unwrap());
        record(&project, JSON, &body);
        let (_, after) = measured(&project, &[]);
        for survivor in group["survivors"].as_array().unwrap() {
            assert!(
                !after.to_string().contains(survivor["id"].as_str().unwrap()),
                "{group}\n{}",
                project.read("cases/s/c.yaml")
            );
        }
    }
    let end = measured(&project, &[]).1;
    assert!(score(&end) > 97.0 && start < 50.0, "{start} {}", end["survivors"]);
    // A property that is added next to a date is detected by a snapshot only, which passes once it is accepted.
    for group in end["survivors"].as_array().unwrap() {
        assert_eq!(
            group["hint"],
            "a snapshot without /user/at detects it (`snapshot: true`)"
        );
    }
}

#[test]
fn the_advice_for_one_row_of_a_table_holds_for_all_of_them() {
    let project = Project::new(&[(
        "cases/s/c.yaml",
        r#"{"request":{"path":"/{{ id }}"},"expect":{"status":404},"examples":{"one":{"id":"abc"},"two":{"id":"somebody-else"}}}"#,
    )]);
    let server = Server::start(|request| {
        let id = request.split([' ', '/']).nth(2).unwrap_or_default();
        (
            response(JSON, &format!(r#"{{"message":"no {id} here","id":"{id}","n":1}}"#)),
            Then::Keep,
        )
    });
    let run = || project.run(&["run", "--target", &server.url(), "--record", "r.ndjson"]);
    assert_eq!(run().code, 0);
    let start = score(&measured(&project, &[]).1);
    for _ in 0..20 {
        let (_, report) = measured(&project, &[]);
        // Without a whole to compare with, what is added stays unnoticed: that advice is a snapshot.
        let wanted = |group: &&Value| {
            group["advice"]
                .as_str()
                .is_some_and(|advice| advice.contains("json:") || advice.contains("headers:"))
        };
        let Some(group) = report["survivors"].as_array().unwrap().iter().find(wanted).cloned() else {
            break;
        };
        let before = project.read("cases/s/c.yaml");
        merged(&project, group["advice"].as_str().unwrap());
        assert_eq!(run().code, 0, "{group}");
        if project.read("cases/s/c.yaml") == before {
            break;
        }
    }
    let end = score(&measured(&project, &[]).1);
    assert!(
        start < 55.0 && end > 85.0,
        "{start} {end}\n{}",
        project.read("cases/s/c.yaml")
    );
    assert!(project.read("cases/s/c.yaml").contains("{{ id }}\""));
}

#[test]
fn accepted_survivors_need_a_reason_and_report_stale_entries() {
    let project = recorded("status: 204", "HTTP/1.1 204 No Content\nX-Kind: a", "");
    project.write(
        "cases/s/suite.yaml",
        "survivors:\n- { operator: header/*, at: header x-kind, reason: clients do not read it }\n- { operator: body/cut, reason: old }\n",
    );
    let (ran, report) = measured(&project, &["--min-score", "100"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        (&report["total"]["accepted"], &report["total"]["survived"]),
        (&3.into(), &0.into())
    );
    let headline = ran.stdout.lines().next().unwrap_or_default();
    assert_eq!(
        headline,
        "100.0% of the changes are detected, not counting 3 accepted survivors"
    );
    assert_eq!(
        (&report["headline"], &report["score"]),
        (&headline.into(), &100.0.into())
    );
    let (_, _) = measured(&project, &["--report", "html=m.html", "--report", "markdown=m.md"]);
    assert!(project.read("m.html").contains(&format!("<h1>{headline}</h1>")));
    assert!(project.read("m.md").starts_with(&format!("## {headline}\n")));
    assert_eq!(report["accepted"][0]["reason"], "clients do not read it");
    assert_eq!(
        (&report["stale"][0]["what"], &report["stale"][0]["waiver"]["line"]),
        (&"body/cut".into(), &3.into())
    );
    assert!(ran.stdout.contains("no such survivor any more"), "{ran:?}");
    project.write(
        "cases/s/suite.yaml",
        "survivors:\n- { operator: header/*, raeson: x }\n",
    );
    let ran = project.run(&["validate"]);
    assert_eq!(ran.code, 2);
    for part in ["suite.yaml:2:", "`raeson`", "has an `operator` and a `reason`"] {
        assert!(
            ran.stderr.contains(part) || ran.stdout.contains(part),
            "{part}: {ran:?}"
        );
    }
}

#[test]
fn reports_show_the_score_and_escape_responses() {
    let project = recorded("status: 404", JSON, r#"{"x":"<script>alert(1)</script>`|::error::"}"#);
    let (_, _) = measured(&project, &["--report", "html=m.html", "--report", "markdown=m.md"]);
    let (html, markdown) = (project.read("m.html"), project.read("m.md"));
    assert!(html.contains("% of the changes are detected") && markdown.contains("% of the changes are detected"));
    assert!(!html.contains("<script"), "{html}");
    // In markdown it is in code that no part of it can end.
    let is_code = |line: &str| {
        ["| **survived** |", "before: ", " after: ", "      x: ", "    exact: "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    assert!(
        markdown.lines().filter(|line| line.contains("<script")).all(is_code),
        "{markdown}"
    );
    assert!(html.ends_with("</html>\n"));
    let at = |part: &str| html.find(part).unwrap_or_else(|| panic!("{part}: {html}"));
    assert!(at("class=\"change survived\"") < at("By layer") && at("By layer") < at("Score: killed"));
}

#[test]
fn a_run_measures_its_suite_when_it_is_asked_to() {
    let project = Project::of_case("status: 404");
    let server = Server::always(JSON, BODY);
    let url = server.url();
    let ran = project.run(&["run", "--target", &url, "--mutate"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("of the changes are detected"), "{ran:?}");
    let ran = project.run(&[
        "run",
        "--target",
        &url,
        "--mutate",
        "--min-score",
        "99",
        "--record",
        "x.ndjson",
    ]);
    assert_eq!((ran.code, project.has("x.ndjson")), (1, true), "{ran:?}");
    assert_eq!(project.run(&["run", "--target", &url, "--min-score", "99"]).code, 2);
}
