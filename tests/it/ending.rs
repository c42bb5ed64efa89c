//! How a run ends early: its deadline, signals, a target that stops responding; and what is waited for.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{Project, Server, Then, response};

const BUSY: &str = "HTTP/1.1 429 Too Many Requests\nRetry-After: 1\nContent-Type: text/plain";

/// A project of cases `s/c0`, `s/c1`, ... that expect a status of 200 from `/0`, `/1`, ...
fn project(count: usize) -> Project {
    let project = Project::new(&[]);
    for number in 0..count {
        let text = format!("request: {{ path: /{number} }}\nexpect: {{ status: 200 }}\n");
        project.write(&format!("cases/s/c{number}.yaml"), &text);
    }
    project
}

fn good() -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", "good")
}

/// A server that responds to some requests, and hangs at any other.
fn responds_to(paths: &'static [&'static str]) -> Server {
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        if paths.contains(&path) {
            (good(), Then::Keep)
        } else {
            (Vec::new(), Then::Hang)
        }
    })
}

#[test]
fn a_deadline_ends_requests_and_the_rest_is_not_run() {
    let server = responds_to(&["/0"]);
    let project = project(4);
    let arguments = [
        "run",
        "--jobs",
        "1",
        "--deadline",
        "700ms",
        "--report",
        "json=r",
        "--target",
    ];
    let ran = project.run(&[&arguments[..], &[&server.url(), "--timeout", "60s"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("stopped at its deadline"), "{}", ran.stdout);
    let report = project.read("r");
    let lines: Vec<serde_json::Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.last().unwrap();
    assert_eq!(
        (&end["event"], &end["stopped"]),
        (&"run-finished".into(), &"deadline".into())
    );
    assert_eq!(
        (&end["counts"]["passed"], &end["counts"]["not_run"]),
        (&1.into(), &3.into())
    );
}

#[test]
fn a_deadline_after_a_failure_is_a_broken_contract() {
    let server = Server::start(|request| {
        if request.starts_with("GET /0 ") {
            (
                response("HTTP/1.1 404 Not Found\nContent-Type: text/plain", "x"),
                Then::Keep,
            )
        } else {
            (Vec::new(), Then::Hang)
        }
    });
    let project = project(2);
    project.write(
        "conforme.toml",
        &format!("[targets.t]\nbase_url = \"{}\"\ndeadline = \"700ms\"\n", server.url()),
    );
    let ran = project.run(&["run", "--jobs", "1", "--target", "t", "--timeout", "60s"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
}

#[test]
fn a_deadline_bounds_retries_and_the_wait_for_the_target() {
    let server = Server::always(&BUSY.replace(": 1", ": 25"), "");
    let url = server.url();
    let project = project(3);
    let ran = project.run(&["run", "--target", &url, "--retries", "9", "--deadline", "500ms"]);
    // Their last responses are judged.
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("stopped at its deadline"), "{}", ran.stdout);
    assert_eq!(server.requests(), 3);
    let closed = "http://127.0.0.1:1";
    let ran = project.run(&["run", "--target", closed, "--wait", "60s", "--deadline", "500ms"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("stopped at its deadline"), "{}", ran.stdout);
}

#[test]
fn retry_after_is_waited_for_once_and_not_by_each_case() {
    let server = Server::always(BUSY, "");
    let project = project(6);
    let text = format!(
        "[targets.t]\nbase_url = \"{}\"\nslow = \"300ms\"\nretries = 1\n",
        server.url()
    );
    project.write("conforme.toml", &text);
    let ran = project.run(&["run", "--jobs", "1", "--target", "t"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    // The first case is sent twice.
    assert_eq!(server.requests(), 7, "{}", ran.stdout);
    // Waiting is not slow.
    assert!(
        !format!("{}{}", ran.stdout, ran.stderr).contains("SLOW"),
        "{}",
        ran.stdout
    );
}

#[test]
fn three_cases_in_a_row_without_a_response_end_the_run() {
    let server = responds_to(&["/0", "/2"]);
    let (project, url) = (project(9), server.url());
    let run = ["run", "--jobs", "1", "--timeout", "300ms", "--target", &url];
    let ran = project.run(&[&run[..], &["--record", "r.ndjson", "--report", "junit=r.xml"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("2 of 9 cases passed, 0 skipped, 4 errored, 3 not run"),
        "{}",
        ran.stdout
    );
    assert_eq!(project.read("r.ndjson").matches("\"verdict\":\"not-run\"").count(), 3);
    assert_eq!(project.read("r.xml").matches("<error type=\"not-run\"").count(), 3);
    assert_eq!(project.run(&["recheck", "r.ndjson"]).code, 3);
    let merged = project.run(&["merge", "r.ndjson"]);
    assert!(
        merged.code == 3 && merged.stdout.contains("4 errored, 3 not run"),
        "{}",
        merged.stdout
    );
    // /1 alone is not enough.
    assert_eq!(server.requests(), 6, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("three requests in a row had no complete response"),
        "{}",
        ran.stdout
    );
    // What was not run is run now, with the cases that have no response.
    project.run(&[&run[..], &["--failed-from", "r.ndjson", "--record", "again.ndjson"]].concat());
    assert_eq!(
        project.read("again.ndjson").matches("\"passed_before\":true").count(),
        2
    );
}

#[test]
fn a_response_that_ends_early_does_not_keep_the_run_alive() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Le",
    ] {
        let server = Server::start(move |_| (bytes.into(), Then::Close));
        let ran = project(9).run(&["run", "--jobs", "1", "--timeout", "3s", "--target", &server.url()]);
        assert!(matches!(ran.code, 1 | 3), "{}", ran.stdout);
        assert_eq!(server.requests(), 3, "{bytes} {}", ran.stdout);
    }
}

#[cfg(unix)]
#[test]
fn a_hang_up_ends_the_run_and_is_left_alone_under_nohup() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let server = Server::start(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(150));
        (good(), Then::Keep)
    });
    for (before, code) in [("", 129), ("trap '' HUP; ", 0)] {
        seen.store(0, Ordering::SeqCst);
        let project = project(8);
        let url = server.url();
        let program = project.command(&["run", "--jobs", "1", "--report", "junit=j.xml", "--target", &url]);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before}exec \"$0\" \"$@\"")]);
        command.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .current_dir(project.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while seen.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        let killed = Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(project.read("j.xml").contains("</testsuites>"));
    }
}
