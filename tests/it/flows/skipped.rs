//! Steps that a target cannot run: they are skipped, and the others are run.

use super::*;
use crate::programs::free_port;

const WHY: &str = "the target does not define the endpoint `mailbox`";

const SUITE: &str = "inputs:
  mailbox: { endpoint: true, optional: true }
  user_email: { optional: true }
";

const CASE: &str = "vars: { address: '{{ user_email }}' }
steps:
  - { id: create, request: { method: POST, path: /orders }, expect: { status: 201 }, capture: { order: /id } }
  - id: sent
    mail: { endpoint: mailbox, to: '{{ address }}', since: create }
    expect: { body: { json: { count: 1 } } }
    capture: { link: '$.messages[0].links[0]' }
  - { id: opened, request: { method: POST, path: /echo, body: { json: '{{ link }}' } }, expect: { status: 200 } }
  - { id: still-one, mail: { endpoint: mailbox, to: a@b.test, since: opened }, expect: { body: { json: { count: 1 } } } }
  - { id: same, request: { path: '/orders/{{ order }}' }, expect: { status: 200, same_as: opened } }
  - { id: found, request: { path: '/orders/{{ order }}' }, expect: { status: 200 } }
teardown:
  - { id: close, request: { path: '/links/{{ link }}' }, expect: { status: 404 } }
  - { id: cancel, request: { method: DELETE, path: '/orders/{{ order }}' }, expect: { status: 204 } }
";

/// A project with a target `t` without a mailbox, and one `u` with a mailbox to which nothing is sent.
fn project(url: &str, case: &str) -> Project {
    let port = free_port();
    let config = format!(
        "[targets.t]\nbase_url = '{url}'\n[targets.u]\nbase_url = '{url}'\nvars.user_email = 'a@b.test'\n\
         [targets.u.endpoints.mailbox]\nkind = 'smtp'\nbase_url = 'smtp://127.0.0.1:{port}'\n"
    );
    Project::new(&[
        ("conforme.toml", &config),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/c.yaml", case),
    ])
}

#[test]
fn steps_without_an_endpoint_are_skipped_and_the_rest_runs() {
    let (server, shop) = shop();
    let project = project(&server.url(), CASE);
    let ran = project.run(&["run", "--target", "t", "--record", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(HEADLINE), "{}", ran.stdout);
    let recorded = recorded(&project);
    for (id, reason) in [
        ("sent", WHY),
        ("opened", "the step `sent`, which captures `link`, is skipped"),
        ("still-one", WHY),
        ("same", "the step `opened` is skipped"),
        ("close", "the step `sent`, which captures `link`, is skipped"),
    ] {
        let step = step(&recorded, id);
        assert_eq!(
            (&step["omitted"], &step["skipped"]),
            (&json!(reason), &json!(true)),
            "{id}"
        );
        let line = format!(" {id}: skipped: {reason}\n");
        assert!(ran.stdout.contains(&line), "{id}: {}", ran.stdout);
    }
    let shop = shop.lock().unwrap();
    assert_eq!(shop.log, ["POST /orders", "GET /orders/41", "DELETE /orders/41"]);
}

const HEADLINE: &str = "The contract holds: 1 of 1 cases passed, 0 skipped, 5 steps of 1 case skipped";

#[test]
fn skipped_steps_are_in_every_report_and_count_for_the_gate() {
    let (server, _) = shop();
    let project = project(&server.url(), CASE);
    let formats = ["junit", "html", "markdown", "github", "sarif", "json", "tap"];
    let mut arguments = vec!["run", "--target", "t", "--record", "run.ndjson"];
    let reports: Vec<_> = formats.iter().map(|format| format!("{format}=out.{format}")).collect();
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    assert_eq!(project.run(&arguments).code, 0);
    for format in formats {
        let text = project.read(&format!("out.{format}"));
        let has_reason = text.contains(WHY);
        assert_eq!(has_reason, !["github", "sarif"].contains(&format), "{format}: {text}");
        let counted = match format {
            "json" => "\"skipped_steps\":5,\"partly_skipped\":1",
            _ => "5 steps of 1 case skipped",
        };
        assert!(text.contains(counted), "{format}: {text}");
    }
    let recheck = project.run(&["recheck", "run.ndjson"]);
    assert!(recheck.code == 0 && recheck.stdout.contains(HEADLINE), "{recheck:?}");
    for gated in [
        project.run(&["recheck", "run.ndjson", "--max-skipped", "0"]),
        project.run(&["run", "--target", "t", "--max-skipped", "0"]),
    ] {
        assert_eq!(gated.code, 1, "{gated:?}");
        let headline = "Too many cases were skipped: 1 of 1 cases passed, 0 skipped, 5 steps of 1 case skipped \
                        (--max-skipped allows 0)";
        assert!(gated.stdout.contains(headline), "{gated:?}");
    }
    let merged = project.run(&["merge", "run.ndjson"]);
    assert!(merged.stdout.contains(HEADLINE), "{merged:?}");
    let forged = project
        .read("run.ndjson")
        .replace("\"skipped_steps\":5", "\"skipped_steps\":4");
    project.write("forged.ndjson", &forged);
    let forged = project.run(&["recheck", "forged.ndjson"]);
    assert!(
        forged.code == 2 && forged.stderr.contains("4 skipped steps"),
        "{forged:?}"
    );
}

#[test]
fn other_commands_leave_out_skipped_steps_and_say_so() {
    let (server, _) = shop();
    let project = project(&server.url(), CASE);
    for name in ["a.ndjson", "b.ndjson"] {
        assert_eq!(project.run(&["run", "--target", "t", "--record", name]).code, 0);
    }
    let compared = project.run(&["compare", "--baseline", "a.ndjson", "--candidate", "b.ndjson"]);
    assert!(
        compared.code == 0 && compared.stdout.contains("s/c:sent"),
        "{compared:?}"
    );
    let measured = project.run(&["mutate", "a.ndjson", "--verbose"]);
    assert_eq!(measured.code, 0, "{measured:?}");
    assert!(
        measured.stdout.contains("it is skipped in the recording"),
        "{measured:?}"
    );
    let listed = project.run(&["list", "--target", "t"]);
    assert!(
        listed.stdout.contains(&format!("step sent  skipped: {WHY}\n")),
        "{listed:?}"
    );
    let listed: Value =
        serde_json::from_str(&project.run(&["list", "--target", "t", "--format", "json"]).stdout).unwrap();
    assert_eq!(
        listed["cases"][0]["skipped_steps"][0],
        json!({ "id": "sent", "reason": WHY })
    );
    // It is not known whether the steps would pass: the case is run again, with or without a mailbox.
    for (target, code) in [("t", 0), ("u", 1)] {
        let again = project.run(&["run", "--target", target, "--failed-from", "a.ndjson"]);
        assert_eq!(again.code, code, "{again:?}");
        assert!(
            again
                .stdout
                .contains(if code == 0 { HEADLINE } else { "0 skipped, 1 failed" }),
            "{again:?}"
        );
    }
}

#[test]
fn failed_case_with_skipped_steps_fails() {
    let (server, _) = shop();
    let project = project(
        &server.url(),
        &CASE.replace(
            "id: found, request: { path: '/orders",
            "id: found, request: { path: '/no",
        ),
    );
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains(&format!("step sent: skipped: {WHY}")), "{ran:?}");
    assert!(
        ran.stdout
            .contains("0 of 1 cases passed, 0 skipped, 5 steps of 1 case skipped, 1 failed"),
        "{ran:?}"
    );
}

#[test]
fn case_whose_setup_or_teardown_cannot_run_is_skipped() {
    let mail = "{ id: read, mail: { endpoint: mailbox, to: a@b.test }, expect: { body: { json: { count: 1 } } } }";
    let create = "{ id: create, request: { method: POST, path: /orders }, expect: { status: 201 } }";
    for case in [
        format!("setup: [{mail}]\nsteps: [{create}]\n"),
        format!("steps: [{create}]\nteardown: [{mail}]\n"),
        format!("setup: [{create}]\nsteps: [{mail}]\n"),
    ] {
        let (server, shop) = shop();
        let project = project(&server.url(), &case);
        let ran = project.run(&["run", "--target", "t"]);
        assert_eq!(ran.code, 4, "{case}: {ran:?}");
        assert!(
            ran.stdout.contains(WHY) && ran.stdout.contains("0 of 1 cases passed, 1 skipped"),
            "{ran:?}"
        );
        assert!(shop.lock().unwrap().log.is_empty(), "{case}");
    }
}

#[test]
fn input_that_other_steps_need_skips_the_whole_case() {
    let (server, shop) = shop();
    let case = CASE.replace(
        "id: found, request: { path: '/orders/{{ order }}'",
        "id: found, request: { path: '/x/{{ user_email }}'",
    );
    let ran = project(&server.url(), &case).run(&["run", "--target", "t"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stdout
            .contains("the target does not define `user_email` (--var user_email=…)"),
        "{ran:?}"
    );
    assert!(shop.lock().unwrap().log.is_empty());
}
