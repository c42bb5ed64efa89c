//! Retries, flaky cases, early ends, slow cases, and their lines on the terminal.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use crate::support::{Project, Ran, Server, Then, ran, response};

const OK: &str = "HTTP/1.1 204 No Content";

/// Responds to the first `failures` requests of each path with `first`, and then 204.
fn recovering(failures: usize, first: impl Fn() -> (Vec<u8>, Then) + Send + Sync + 'static) -> Server {
    let seen = Mutex::new(HashMap::new());
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut seen = seen.lock().unwrap();
        let count: &mut usize = seen.entry(path).or_default();
        *count += 1;
        if *count <= failures {
            first()
        } else {
            (response(OK, ""), Then::Keep)
        }
    })
}

/// Cases named by letters, each `GET /NAME` and 204.
fn cases(names: &[&str]) -> Project {
    let project = Project::new(&[]);
    for name in names {
        project.write(
            &format!("cases/s/{name}.yaml"),
            &format!("request: {{ path: /{name} }}\nexpect: {{ status: 204 }}\n"),
        );
    }
    project
}

fn target(project: &Project, server: &Server, more: &str) {
    let text = format!("[targets.t]\nbase_url = \"{}\"\n{more}\n", server.url());
    project.write("conforme.toml", &text);
}

fn busy() -> (Vec<u8>, Then) {
    (
        response("HTTP/1.1 503 Service Unavailable\nRetry-After: 0", ""),
        Then::Keep,
    )
}

#[test]
fn case_that_passes_on_retry_is_flaky_and_fails_run() {
    let project = cases(&["c"]);
    let server = recovering(2, busy);
    let run = [
        "run",
        "--target",
        &server.url(),
        "--retries",
        "2",
        "--report",
        "json=x.json",
    ];
    let ran = project.run(&run);
    assert_eq!((ran.code, server.requests()), (1, 3), "{ran:?}");
    assert!(ran.stdout.contains("1 flaky"), "{ran:?}");
    assert!(
        ran.stdout.contains("FAIL 1/3") && ran.stdout.contains("FAIL 2/3"),
        "{ran:?}"
    );
    let report = Ran {
        stdout: project.read("x.json"),
        ..ran
    };
    let case = report.case("s/c");
    assert_eq!(case["verdict"], "flaky");
    let earlier = case["previous"].as_array().unwrap();
    assert_eq!(earlier.len(), 2);
    for one in earlier {
        assert_eq!(one["steps"][0]["findings"][0]["check"], "status");
        assert_eq!(one["steps"][0]["exchange"]["outcome"]["response"]["status"], 503);
    }
}

#[test]
fn target_allows_flaky_cases_and_names_transient_statuses() {
    let project = cases(&["c"]);
    for (more, code, requests) in [
        (
            "retries = 1\nflaky = \"pass\"\nretry_statuses = [502]\nretry_wait = \"1ms\"",
            0,
            2,
        ),
        ("retries = 1\nretry_statuses = [502]\nretry_wait = \"1ms\"", 1, 2),
        ("retries = 1\nflaky = \"pass\"", 1, 1),
        ("flaky = \"pass\"\nretry_statuses = [502]", 1, 1),
    ] {
        let server = recovering(1, || (response("HTTP/1.1 502 Bad Gateway", ""), Then::Keep));
        target(&project, &server, more);
        let ran = project.run(&["run", "--target", "t"]);
        assert_eq!((ran.code, server.requests()), (code, requests), "{more}: {ran:?}");
    }
    target(
        &project,
        &Server::always(OK, ""),
        "flaky = \"maybe\"\nretry_statuses = [42]",
    );
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`maybe` is neither `fail` nor `pass`"), "{ran:?}");
}

#[test]
fn a_broken_contract_is_not_tried_again() {
    let project = cases(&["c"]);
    for head in [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 500 Internal Server Error\nRetry-After: 0",
        "HTTP/1.1 503 Busy",
    ] {
        let server = Server::always(head, "");
        let ran = project.run(&["run", "--target", &server.url(), "--retries", "3"]);
        assert_eq!((ran.code, server.requests()), (1, 1), "{ran:?}");
    }
    // Longer than any run waits.
    let server = Server::always("HTTP/1.1 503 Busy\nRetry-After: 86400", "");
    let ran = project.run(&["run", "--target", &server.url(), "--retries", "3"]);
    assert_eq!((ran.code, server.requests()), (1, 1), "{ran:?}");
    // An expected response is not retried.
    let project = Project::of_case("status: 503");
    let server = Server::always("HTTP/1.1 503 Busy\nRetry-After: 0", "");
    let ran = project.run(&["run", "--target", &server.url(), "--retries", "3"]);
    assert_eq!((ran.code, server.requests()), (0, 1), "{ran:?}");
}

#[test]
fn a_connection_that_ends_without_a_response_is_tried_again() {
    let project = cases(&["c"]);
    target(&project, &recovering(0, busy), "");
    let server = recovering(1, || (Vec::new(), Then::Close));
    target(
        &project,
        &server,
        "retries = 1\nretry_wait = \"10ms\"\nflaky = \"pass\"",
    );
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!((ran.code, server.requests()), (0, 2), "{ran:?}");
    assert!(ran.stdout.contains("FLAKY"), "{ran:?}");
    let server = Server::start(|_| (Vec::new(), Then::Close));
    target(&project, &server, "retries = 2\nretry_wait = \"10ms\"");
    let ran = project.run(&["run", "--target", "t"]);
    assert_eq!((ran.code, server.requests()), (3, 3), "{ran:?}");
    assert!(ran.stdout.contains("attempt 3 of 3"), "{ran:?}");
}

#[test]
fn no_case_starts_after_the_maximum_of_failures() {
    let project = cases(&["a", "b", "c", "d"]);
    let server = Server::always("HTTP/1.1 200 OK", "");
    let run = [
        "run",
        "--target",
        &server.url(),
        "--max-fail",
        "2",
        "-j",
        "1",
        "--report",
        "json=x.json",
    ];
    let ran = project.run(&run);
    assert_eq!((ran.code, server.requests()), (1, 2), "{ran:?}");
    assert!(
        ran.stdout.contains("stopped by --max-fail; 2 cases did not run"),
        "{ran:?}"
    );
    let report = Ran {
        stdout: project.read("x.json"),
        ..ran
    };
    assert_eq!(report.case("s/d")["verdict"], "not-run");
    let end = report.events().pop().unwrap();
    assert_eq!(
        (&end["stopped"], &end["counts"]["not_run"]),
        (&"max-fail".into(), &2.into())
    );
    let ran = project.run(&["run", "--max-fail", "0"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn output_levels_select_case_lines_and_summary() {
    let project = cases(&["good", "late", "shaky", "bad"]);
    project.write(
        "cases/s/skipped.yaml",
        "skip: why not\nrequest: { path: /skipped }\nexpect: { status: 204 }\n",
    );
    let server = Server::start({
        let shaky = Mutex::new(0);
        move |request| {
            if request.starts_with("GET /late") {
                std::thread::sleep(Duration::from_millis(700));
            }
            let is_first = request.starts_with("GET /shaky") && {
                let mut count = shaky.lock().unwrap();
                *count += 1;
                *count == 1
            };
            if is_first {
                return busy();
            }
            let head = if request.starts_with("GET /bad") {
                "HTTP/1.1 200 OK"
            } else {
                OK
            };
            (response(head, ""), Then::Keep)
        }
    });
    // By level, which of these a run shows: the case's line, or its line in the summary.
    let words = ["FAIL [", "FLAKY [", "SLOW [", "] s/good", "SKIP ["];
    for (level, shown) in [
        ("none", 0),
        ("fail", 1),
        ("retry", 2),
        ("slow", 3),
        ("pass", 4),
        ("skip", 5),
        ("all", 5),
    ] {
        target(&project, &server, "retries = 1\nslow = \"300ms\"");
        let ran = project.run(&[
            "run",
            "--target",
            "t",
            "--status-level",
            level,
            "--final-status-level",
            "none",
        ]);
        let is_shaky_over = level != "none" && level != "fail" && level != "retry";
        for (index, word) in words.iter().enumerate() {
            // The shaky case is so only in the first of the runs that see it.
            if *word == "FLAKY [" && (is_shaky_over || level == "retry") {
                continue;
            }
            assert_eq!(ran.stdout.contains(word), index < shown, "{level} {word}: {ran:?}");
        }
        assert!(ran.stdout.contains("Summary"), "{ran:?}");
        // The summary counts slow cases at every level.
        assert!(ran.stdout.contains("        SLOW 1 case\n"), "{ran:?}");
    }
    for (level, named) in [("none", 0), ("fail", 1), ("slow", 2), ("skip", 3), ("pass", 5)] {
        target(&project, &server, "slow = \"300ms\"");
        let ran = project.run(&[
            "run",
            "--target",
            "t",
            "--status-level",
            "none",
            "--final-status-level",
            level,
        ]);
        let (_, summary) = ran.stdout.split_once("Summary").unwrap();
        assert_eq!(
            summary.lines().filter(|line| line.contains(" s/")).count(),
            named,
            "{level}: {ran:?}"
        );
    }
}

#[test]
fn quiet_shows_only_failures() {
    let project = cases(&["a", "b"]);
    let agrees = Server::always(OK, "");
    let ran = project.run(&["run", "--target", &agrees.url(), "--quiet"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    let refuses = Server::start(|request| {
        let head = if request.starts_with("GET /a") {
            "HTTP/1.1 200 OK"
        } else {
            OK
        };
        (response(head, ""), Then::Keep)
    });
    let ran = project.run(&["run", "--target", &refuses.url(), "-q"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("FAIL") && ran.stdout.contains("curl "), "{ran:?}");
    assert!(
        !ran.stdout.contains("PASS") && !ran.stdout.contains("Starting"),
        "{ran:?}"
    );
}

#[test]
fn verbose_shows_requests_and_responses() {
    let project = cases(&["c"]);
    let server = Server::always(
        "HTTP/1.1 200 Fine\nX-One: 1\nContent-Type: text/plain",
        "two\nlines\x1b[2J",
    );
    let ran = project.run(&["run", "--target", &server.url(), "-v"]);
    for part in [
        "> GET http://",
        "> accept: */*",
        "< HTTP/1.1 200 Fine",
        "< x-one: 1",
        "< two\n",
        "< lines\\u{1b}[2J\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert_eq!(project.run(&["run", "-v", "-q"]).code, 2);
}

/// Without what moves the cursor: what is left on the screen, line by line, as far as lines are not overwritten.
fn lines_on_screen(raw: &str) -> Vec<String> {
    let raw = raw.replace("\r\n", "\n");
    let last_state = |line: &str| {
        let mut text = line.rsplit('\r').next().unwrap_or_default().to_owned();
        while let Some(at) = text.find('\x1b') {
            let end = text[at..]
                .find(|c: char| c.is_ascii_alphabetic())
                .map_or(text.len(), |end| at + end + 1);
            text.replace_range(at..end, "");
        }
        text
    };
    raw.lines().map(last_state).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn terminal_bar_is_below_complete_lines() {
    if Command::new("script")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return;
    }
    let names: Vec<_> = (10..40).map(|number| format!("case-{number}")).collect();
    let project = cases(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let server = Server::start(|request| {
        std::thread::sleep(Duration::from_millis(60));
        let head = if request.starts_with("GET /case-17") {
            "HTTP/1.1 200 OK"
        } else {
            OK
        };
        (response(head, ""), Then::Keep)
    });
    let program = env!("CARGO_BIN_EXE_conforme");
    let mut command = project.command(&[]);
    let in_terminal = Command::new("script")
        .args([
            "-qec",
            &format!("{program} run -j 2 --target {}", server.url()),
            "/dev/null",
        ])
        .current_dir(project.path())
        .env_clear()
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let seen = Ran::from(in_terminal);
    assert_eq!(seen.code, 1, "{seen:?}");
    assert!(seen.stdout.contains("/30"), "there is a bar: {seen:?}");
    let on_screen = lines_on_screen(&seen.stdout);
    let piped = ran(command.args(["run", "-j", "2", "--target", &server.url()]));
    assert!(
        !piped.stdout.contains('\r') && !piped.stdout.contains("/30"),
        "{piped:?}"
    );
    let plain = |line: &str| line.split(']').next_back().unwrap_or_default().trim().to_owned();
    let verdicts = |lines: &mut dyn Iterator<Item = String>| {
        let mut found: Vec<_> = lines
            .filter(|line| line.contains("PASS [") || line.contains("FAIL ["))
            .map(|line| plain(&line))
            .collect();
        found.sort();
        found
    };
    assert_eq!(
        verdicts(&mut on_screen.iter().cloned()),
        verdicts(&mut piped.stdout.lines().map(str::to_owned))
    );
    assert!(
        !on_screen.last().unwrap().contains("/30"),
        "the bar is taken away: {on_screen:?}"
    );
}
