//! Teardown that always runs.

use super::*;

#[test]
fn teardown_runs_at_the_deadline() {
    let case = format!(
        "steps:{CREATE}
  - id: wait
    request: {{ path: /count }}
    eventually: {{ within: 60s, every: 5ms }}
    expect: {{ status: 418 }}
{CANCEL}"
    );
    let (project, ran, log) = run(&case, &["--deadline", "300ms"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(log.contains(&"DELETE /orders/41".to_owned()), "{log:?}");
    assert_eq!(recorded(&project)["verdict"], "errored");
}

#[test]
#[cfg(unix)]
fn teardown_runs_after_a_signal() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let case = format!(
            "steps:{CREATE}
  - id: wait
    request: {{ path: /count }}
    eventually: {{ within: 60s, every: 5ms }}
    expect: {{ status: 418 }}
{CANCEL}"
        );
        let project = Project::new(&[("cases/s/c.yaml", &case)]);
        let (server, shop) = shop();
        let mut command = project.command(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
        let child = command.spawn().unwrap();
        while shop.lock().unwrap().log.len() < 3 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let sent = std::process::Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(shop.lock().unwrap().orders.is_empty(), "{:?}", shop.lock().unwrap().log);
    }
}

#[test]
#[cfg(unix)]
fn teardown_of_a_killed_run_is_run_from_its_recording() {
    let case = format!(
        "steps:{CREATE}
  - id: wait
    request: {{ path: /count }}
    eventually: {{ within: 60s, every: 5ms }}
    expect: {{ status: 418 }}
{CANCEL}"
    );
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    let (server, shop) = shop();
    let mut command = project.command(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let mut child = command.spawn().unwrap();
    while shop.lock().unwrap().log.len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(shop.lock().unwrap().orders.len(), 1);
    let ran = project.run(&["teardown", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(shop.lock().unwrap().orders.is_empty(), "{:?}", shop.lock().unwrap().log);
    // What is gone already cannot be removed again.
    assert_eq!(project.run(&["teardown", "run.ndjson"]).code, 1);
    // A recording of a run that ended has nothing left, and the steps in it do not disturb its readers.
    let whole = case
        .replace("eventually: { within: 60s, every: 5ms }", "")
        .replace("418", "200");
    project.write("cases/s/c.yaml", &whole);
    let ran = project.run(&["run", "--target", &server.url(), "--record", "whole.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let sent = server.requests();
    let ran = project.run(&["teardown", "whole.ndjson"]);
    assert_eq!((ran.code, server.requests()), (0, sent), "{ran:?}");
    assert!(ran.stderr.contains("there is no teardown to run"), "{ran:?}");
    assert_eq!(project.run(&["report", "whole.ndjson"]).code, 0);
    assert_eq!(project.run(&["recheck", "whole.ndjson"]).code, 0);
    // The run can be killed after the last step of a teardown, which is not sent again, and before the case is recorded.
    let lines = |keeps: &dyn Fn(&str) -> bool| {
        let text = project.read("whole.ndjson");
        let kept: Vec<_> = text.lines().filter(|line| keeps(line)).collect();
        project.write("killed.ndjson", &(kept.join("\n") + "\n"));
        let ran = project.run(&["teardown", "killed.ndjson"]);
        (ran.code, server.requests() - sent)
    };
    let is_step = |line: &str| line.contains("\"step-finished\"") || line.contains("\"run-started\"");
    assert_eq!(lines(&is_step), (0, 0));
    let is_before = |line: &str| is_step(line) && !line.contains("\"teardown\"");
    assert_eq!(lines(&is_before).1, 1);
}

#[test]
fn failed_teardown_fails_the_case() {
    let case = format!("steps:{CREATE}\n{}", CANCEL.replace("204", "410"));
    let (project, ran, _) = run(&case, &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let recorded = recorded(&project);
    assert_eq!(check(&recorded, "cancel"), "status");
}

#[test]
fn teardown_of_the_suite_runs_for_every_case() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", &format!("setup:{CREATE}\n{CANCEL}")),
        (
            "cases/s/a.yaml",
            "request: { path: '/orders/{{ order }}' }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/b.yaml",
            "request: { path: '/orders/{{ order }}' }\nexpect: { status: 404 }\n",
        ),
    ]);
    let (server, shop) = shop();
    let ran = project.run(&["run", "--target", &server.url(), "--max-fail", "1", "--jobs", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let shop = shop.lock().unwrap();
    assert_eq!((shop.orders.len(), shop.created), (0, 2), "{:?}", shop.log);
}
