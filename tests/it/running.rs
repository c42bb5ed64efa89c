//! Runs: exit codes, selection, targets, variables, secrets, reports.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Project, Ran, Server, Then, repository, response};

pub(super) const OK: &str = "HTTP/1.1 204 No Content";

/// A server that agrees to everything, and the requests that came.
pub(super) fn recorder() -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let server = Server::start(move |request| {
        kept.lock().unwrap().push(request.to_owned());
        (response(OK, ""), Then::Keep)
    });
    (server, seen)
}

/// A project with one suite file and one case `s/c` that expects 204.
pub(super) fn project(suite: &str, case: &str) -> Project {
    Project::new(&[
        ("cases/s/suite.yaml", suite),
        ("cases/s/c.yaml", &format!("{case}\nexpect: {{ status: 204 }}\n")),
    ])
}

/// An address without a server.
fn dead() -> String {
    Server::always(OK, "").url()
}

#[test]
fn the_exit_code_says_what_became_of_the_run() {
    let project = project("", "request: { path: / }");
    let agrees = Server::always(OK, "");
    let refuses = Server::always("HTTP/1.1 200 OK", "");
    let no_http = Server::start(|_| (b"SSH-2.0-x\r\n".to_vec(), Then::Close));
    let silent = Server::start(|_| (Vec::new(), Then::Hang));
    for (target, code, part) in [
        (agrees.url(), 0, "The contract holds: 1 of 1 cases passed, 0 skipped"),
        (
            refuses.url(),
            1,
            "The contract is broken: 0 of 1 cases passed, 0 skipped, 1 failed",
        ),
        (dead(), 3, "failed to connect"),
        (no_http.url(), 3, "the response is not HTTP"),
        (silent.url(), 3, "no response within 1s"),
    ] {
        let ran = project.run(&["run", "--target", &target, "--timeout", "1s"]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stdout.contains(part), "{ran:?}");
    }
    for wrong in [
        &["run", "--jobs", "0"][..],
        &["run", "--timeout", "5"],
        &["run", "--report", "yaml=x"],
        &["run", "--var", "x"],
        &["run", "--nonsense"],
        &["run", "--target", "nobody"],
        &["--project", "/nowhere", "run"],
        &["run", "--report", "json", "--report", "json"],
        &["walk"],
    ] {
        assert_eq!(project.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!((agrees.requests(), project.run(&["--version"]).code), (1, 0));
}

#[test]
fn errored_case_beside_failed_case_exits_1() {
    let project = project("", "request: { path: / }");
    project.write("cases/s/d.yaml", "request: { path: /hang }\nexpect: { status: 204 }\n");
    let server = Server::start(|request| {
        if request.contains("/hang") {
            (Vec::new(), Then::Close)
        } else {
            (response("HTTP/1.1 200 OK", ""), Then::Keep)
        }
    });
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.stdout
            .contains("0 of 2 cases passed, 0 skipped, 1 failed, 1 errored"),
        "{ran:?}"
    );
}

#[test]
fn report_that_cannot_be_written_is_an_error_before_sending() {
    let (project, server) = (project("", "request: { path: / }"), Server::always(OK, ""));
    project.write("file", "");
    for (path, code, said) in [
        ("file/report.json", 5, "failed to write the report"),
        ("cases", 2, "it is a folder"),
    ] {
        let ran = project.run(&["run", "--target", &server.url(), "--report", &format!("json={path}")]);
        assert_eq!((ran.code, server.requests()), (code, 0), "{ran:?}");
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_exits_with_five_unless_the_contract_is_broken() {
    let project = project("", "request: { path: / }");
    for (head, code) in [(OK, 5), ("HTTP/1.1 200 OK", 1)] {
        let server = Server::always(head, "");
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = project.command(&["run", "--target", &server.url()]);
        let output = command.stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), server.requests()), (Some(code), 1), "{said}");
        assert!(said.contains("failed to write to standard output"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_whose_output_is_lost_exits_with_five() {
    let project = project("", "request: { path: / }");
    for arguments in [
        &["validate"][..],
        &["list", "--target", "http://127.0.0.1:1"],
        &["schema", "case"],
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = project.command(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {said}");
        assert!(said.contains("failed to write to standard output"), "{said}");
    }
}

/// Starts a run with a report in `report.json`, and waits until the server has received this number of requests.
#[cfg(unix)]
fn begin(project: &Project, server: &Server, requests: usize) -> Child {
    let mut command = project.command(&[
        "run",
        "--target",
        &server.url(),
        "--jobs",
        "1",
        "--report",
        "json=report.json",
    ]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while server.requests() < requests {
        assert!(start.elapsed() < Duration::from_secs(20), "the requests never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn finished_cases_are_shown_while_others_run() {
    let case = |path: &str| format!("request: {{ path: {path} }}\nexpect: {{ status: 204 }}\n");
    let project = Project::new(&[("cases/s/a.yaml", &case("/a")), ("cases/s/b.yaml", &case("/b"))]);
    let (release, is_released) = std::sync::mpsc::channel();
    let is_released = Mutex::new(is_released);
    let was_shown = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&was_shown);
    let server = Server::start(move |request| {
        if request.starts_with("GET /b ") {
            let released = is_released.lock().unwrap().recv_timeout(Duration::from_secs(8));
            *seen.lock().unwrap() = Some(released.is_ok());
        }
        (response(OK, ""), Then::Keep)
    });
    let mut command = project.command(&["run", "--target", &server.url(), "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line.contains("PASS") && line.ends_with("s/a") {
            release.send(()).unwrap();
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(*was_shown.lock().unwrap(), Some(true));
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// The events of a report, by kind.
fn events(text: &str, kind: &str) -> Vec<Value> {
    let all = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    all.filter(|event| event["event"] == kind).collect()
}

#[cfg(unix)]
#[test]
fn interrupted_run_waits_for_requests_and_reports_them() {
    for (name, code, word) in [("-INT", 130, "SIGINT"), ("-TERM", 143, "SIGTERM")] {
        let project = project("", "request: { path: / }");
        for case in ["d", "e"] {
            project.write(
                &format!("cases/s/{case}.yaml"),
                &format!("request: {{ path: /{case} }}\nexpect: {{ status: 204 }}\n"),
            );
        }
        let server = Server::start(|request| {
            if request.starts_with("GET /d ") {
                std::thread::sleep(Duration::from_millis(800));
            }
            (response(OK, ""), Then::Keep)
        });
        let child = begin(&project, &server, 2);
        signal(&child, name);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, server.requests()), (code, 2), "{ran:?}");
        assert!(
            ran.stdout.contains(&format!("by {word}; 1 case did not run")),
            "{ran:?}"
        );
        // What is waited for is shown at once, in a pipe too.
        let again = if code == 130 {
            "press Ctrl-C again"
        } else {
            "send the signal again"
        };
        let lines: Vec<_> = ran.stdout.lines().map(str::trim).collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with("STOPPING "))
            .expect("a line");
        assert!(
            lines[at].ends_with(&format!("by {word}: waiting up to 5s for 1 case")),
            "{ran:?}"
        );
        assert!(
            lines[at + 1].ends_with("s] s/d") && lines[at + 2].starts_with(again),
            "{ran:?}"
        );
        assert!(!project.read("report.json").contains("run-stopping"));
        let report = project.read("report.json");
        let finished: Vec<_> = events(&report, "case-finished")
            .iter()
            .map(|event| event["id"].clone())
            .collect();
        assert_eq!(finished, ["s/c", "s/d", "s/e"]);
        assert_eq!(events(&report, "case-finished")[2]["verdict"], "not-run");
        let end = &events(&report, "run-finished")[0];
        assert_eq!(
            (end["counts"]["passed"].as_u64(), end["counts"]["not_run"].as_u64()),
            (Some(2), Some(1))
        );
        let stopped = if code == 130 { "interrupted" } else { "terminated" };
        assert_eq!((&end["stopped"], &end["exit_code"]), (&stopped.into(), &code.into()));
    }
}

#[cfg(unix)]
#[test]
fn second_interrupt_ends_run_at_once_with_whole_report() {
    let project = project("", "request: { path: / }\ntimeout: 1m");
    project.write(
        "cases/s/d.yaml",
        "request: { path: /hang }\nexpect: { status: 204 }\ntimeout: 1m\n",
    );
    let server = Server::start(|request| {
        if request.contains("/hang") {
            (Vec::new(), Then::Hang)
        } else {
            (response(OK, ""), Then::Keep)
        }
    });
    let child = begin(&project, &server, 2);
    let start = Instant::now();
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:?}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let report = project.read("report.json");
    assert_eq!(events(&report, "case-finished")[1]["verdict"], "not-run");
    assert_eq!(events(&report, "run-finished")[0]["counts"]["not_run"], 1);
}

#[test]
fn ndjson_report_has_one_event_per_line() {
    let project = project("", "tags: [t]\nrequest: { path: / }");
    project.write(
        "cases/s/d.yaml",
        "skip: why\nrequest: { path: / }\nexpect: { status: 204 }\n",
    );
    let server = Server::always(OK, "");
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json=out/report.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = project.read("out/report.json");
    let lines: Vec<Value> = report
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<_> = lines
        .iter()
        .map(|event| event["event"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(kinds, ["run-started", "case-finished", "case-finished", "run-finished"]);
    assert_eq!(
        (&lines[0]["cases"], &lines[0]["base_url"]),
        (&2.into(), &server.url().into())
    );
    assert_eq!((&lines[1]["id"], &lines[1]["reason"]), (&"s/d".into(), &"why".into()));
    assert_eq!(
        (&lines[2]["id"], &lines[2]["verdict"]),
        (&"s/c".into(), &"passed".into())
    );
    assert_eq!(
        (&lines[3]["counts"]["passed"], &lines[3]["counts"]["skipped"]),
        (&1.into(), &1.into())
    );
    // On standard output only the report is written; the terminal output moves to standard error.
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json"]);
    assert_eq!(
        (ran.code, events(&ran.stdout, "case-finished").len()),
        (0, 2),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("Summary"), "{ran:?}");
}

/// Runs six cases that each take a while; the paths in the order of arrival, and how many there were at once.
fn six(suite: &str, arguments: &[&str]) -> (Vec<String>, usize) {
    let project = project(suite, "request: { path: /c }");
    for name in ["a", "b", "d", "e", "f"] {
        project.write(
            &format!("cases/s/{name}.yaml"),
            &format!("request: {{ path: /{name} }}\nexpect: {{ status: 204 }}\n"),
        );
    }
    let (now, most, order) = (
        AtomicUsize::new(0),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let (kept_most, kept_order) = (Arc::clone(&most), Arc::clone(&order));
    let server = Server::start(move |request| {
        kept_order
            .lock()
            .unwrap()
            .push(request.split(' ').nth(1).unwrap_or_default().to_owned());
        kept_most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(250));
        now.fetch_sub(1, Ordering::SeqCst);
        (response(OK, ""), Then::Keep)
    });
    let url = server.url();
    let ran = project.run(&[&["run", "--target", &url], arguments].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let order = order.lock().unwrap().clone();
    (order, most.load(Ordering::SeqCst))
}

#[test]
fn group_runs_in_order_one_at_a_time() {
    let in_order: Vec<_> = ["/a", "/b", "/c", "/d", "/e", "/f"].map(str::to_owned).to_vec();
    assert_eq!(six("group: g\n", &["--jobs", "8"]), (in_order.clone(), 1));
    assert_eq!(six("", &["--jobs", "1"]), (in_order, 1));
    assert_eq!(six("", &["--jobs", "3"]).1, 3);
    assert_eq!(six("", &[]).1, 6);
}

/// When each request arrived at a server that responds to each at once, from the first on.
fn arrivals(project: &Project, head: &'static str, arguments: &[&str]) -> (Vec<Duration>, i32) {
    let times = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&times);
    let server = Server::start(move |_| {
        kept.lock().unwrap().push(Instant::now());
        (response(head, ""), Then::Keep)
    });
    let ran = project.run(&[&["run", "--target", &server.url()], arguments].concat());
    let times = times.lock().unwrap();
    (times.iter().map(|time| *time - times[0]).collect(), ran.code)
}

#[test]
fn rate_limit_applies_to_every_request_after_a_burst() {
    let rows = "request: { path: / }\nexpect: { status: 200 }\nexamples: { a: {}, b: {}, c: {}, d: {} }\n";
    let project = Project::new(&[("cases/s/c.yaml", rows)]);
    // Each failure is reported before the next turn, an hour later.
    let hourly = ["--jobs", "8", "--rate-limit", "1/h"];
    for (burst, sent) in [("1", 1), ("3", 3)] {
        let (times, code) = arrivals(
            &project,
            OK,
            &[&hourly[..], &["--burst", burst, "--max-fail", burst]].concat(),
        );
        assert_eq!((times.len(), code), (sent, 1), "{burst}");
    }
    // A retry needs a turn as well.
    let busy = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0";
    let more = ["--burst", "6", "--retries", "9", "--deadline", "1s"];
    let (times, code) = arrivals(&project, busy, &[&hourly[..], &more].concat());
    assert!(times.len() <= 6 && [1, 3].contains(&code), "{} {code}", times.len());
    let (times, code) = arrivals(
        &project,
        busy,
        &["--jobs", "8", "--rate-limit", "6000/m", "--retries", "1"],
    );
    assert_eq!((times.len(), code), (8, 1));
    // The target can set it.
    project.write(
        "conforme.toml",
        "[targets.t]\nbase_url = 'http://x'\nrate_limit = '1/h'\nburst = 4\n",
    );
    assert_eq!(project.run(&["list", "--target", "t"]).code, 0);
}

#[test]
fn partitions_share_the_rate_limit_of_the_target() {
    let rows = "request: { path: / }\nexpect: { status: 200 }\nexamples: { a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {} }\n";
    let project = Project::new(&[("cases/s/c.yaml", rows)]);
    let limited = ["--rate-limit", "1/h", "--burst", "4", "--deadline", "1s"];
    for (part, sent) in [("slice:1/2", 2), ("slice:2/2", 2), ("hash:1/1", 4), ("slice:1/8", 1)] {
        let (times, _) = arrivals(&project, OK, &[&limited[..], &["--partition", part]].concat());
        assert_eq!(times.len(), sent, "{part}");
    }
}

#[test]
fn a_run_that_waits_for_its_turn_ends_as_soon_as_it_is_to_end() {
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "request: { path: / }\nexpect: { status: 200 }\nexamples: { a: {}, b: {}, c: {} }\n",
    )]);
    let (times, code) = arrivals(&project, OK, &["--rate-limit", "1/h", "--max-fail", "1", "--jobs", "3"]);
    assert_eq!((times.len(), code), (1, 1));
}

#[test]
fn a_rate_limit_that_cannot_be_kept_is_an_error_with_its_place() {
    let project = Project::of_case("status: 204");
    for (toml, says) in [
        ("rate_limit = 'fast'", "such as `50/s`"),
        ("rate_limit = '0/s'", "the rate is zero"),
        ("burst = 3", "`burst` goes with a `rate_limit`"),
    ] {
        project.write(
            "conforme.toml",
            &format!("[targets.t]\nbase_url = 'http://x'\n{toml}\n"),
        );
        let ran = project.run(&["validate"]);
        assert!(
            ran.code == 2 && ran.stderr.contains(says) && ran.stderr.contains("conforme.toml:"),
            "{ran:?}"
        );
    }
    project.write("conforme.toml", "");
    let ran = project.run(&["run", "--target", "http://127.0.0.1:9", "--burst", "2"]);
    assert!(ran.code == 2 && ran.stderr.contains("no rate limit"), "{ran:?}");
    let ran = project.run(&["run", "--target", "http://127.0.0.1:9", "--rate-limit", "2/day"]);
    assert!(ran.code == 2 && ran.stderr.contains("`100/m`"), "{ran:?}");
}

#[test]
fn cases_of_one_group_never_overlap_across_suites() {
    let case = |name: &str, more: &str| format!("{more}request: {{ path: /{name} }}\nexpect: {{ status: 204 }}\n");
    let project = Project::new(&[
        ("cases/a/suite.yaml", "group: mailbox\n"),
        ("cases/a/one.yaml", &case("mailbox", "")),
        ("cases/a/two.yaml", &case("mailbox", "")),
        ("cases/a/free.yaml", &case("free", "group: null\n")),
        ("cases/b/one.yaml", &case("mailbox", "group: mailbox\n")),
        ("cases/b/two.yaml", &case("mailbox", "group: mailbox\n")),
        ("cases/c/one.yaml", &case("mailbox", "group: mailbox\n")),
        ("cases/c/two.yaml", &case("free", "")),
        ("cases/c/three.yaml", &case("free", "")),
    ]);
    let (now, most) = ([AtomicUsize::new(0), AtomicUsize::new(0)], Arc::new(Mutex::new([0, 0])));
    let kept = Arc::clone(&most);
    let server = Server::start(move |request| {
        let kind = usize::from(request.contains("/free"));
        let count = now[kind].fetch_add(1, Ordering::SeqCst) + 1;
        {
            let mut kept = kept.lock().unwrap();
            kept[kind] = kept[kind].max(count);
        }
        std::thread::sleep(Duration::from_millis(250));
        now[kind].fetch_sub(1, Ordering::SeqCst);
        (response(OK, ""), Then::Keep)
    });
    let ran = project.run(&["run", "--target", &server.url(), "--jobs", "8"]);
    assert_eq!((ran.code, server.requests()), (0, 8), "{ran:?}");
    assert_eq!(*most.lock().unwrap(), [1, 3]);
    project.write("cases/c/one.yaml", &case("mailbox", "group: mail box\n"));
    let ran = project.run(&["validate"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("cannot be the name of a group"),
        "{ran:?}"
    );
}

#[test]
fn case_timeout_overrides_suite_and_null_uses_target() {
    let project = project("timeout: 200ms\n", "request: { path: / }");
    let server = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(600));
        (response(OK, ""), Then::Keep)
    });
    for (timeout, code) in [("", 3), ("timeout: 5s\n", 0), ("timeout: null\n", 0)] {
        project.write(
            "cases/s/c.yaml",
            &format!("{timeout}request: {{ path: / }}\nexpect: {{ status: 204 }}\n"),
        );
        let ran = project.run(&["run", "--target", &server.url()]);
        assert_eq!(ran.code, code, "{timeout} {ran:?}");
    }
}

#[test]
fn colours_are_off_in_a_pipe_unless_asked_for() {
    let (project, server) = (project("", "request: { path: / }"), Server::always(OK, ""));
    for (flag, environment, is_coloured) in [
        ("auto", &[][..], false),
        ("auto", &[("CLICOLOR_FORCE", "1")], true),
        ("auto", &[("NO_COLOR", "1")], false),
        ("always", &[("NO_COLOR", "1")], true),
        ("never", &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let mut command = project.command(&["run", "--target", &server.url(), "--color", flag]);
        let ran = Ran::from(command.envs(environment.iter().copied()).output().unwrap());
        assert_eq!(
            ran.stdout.contains('\u{1b}'),
            is_coloured,
            "{flag} {environment:?} {ran:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn serve_runs_until_interrupted_with_another_seed() {
    let seed = std::fs::read_to_string(repository().join("src/reference/seed.toml")).unwrap();
    let seed = seed.replace("prefix = \"/api\"", "prefix = \"/other\"");
    let project = Project::new(&[
        ("seed.toml", &seed),
        ("bad.toml", "tenants = 3\n"),
        ("cases/s/c.yaml", ""),
    ]);
    for (arguments, prefix) in [(&["serve"][..], "/api"), (&["serve", "--seed", "seed.toml"], "/other")] {
        let mut child = project.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let base = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .expect("a base URL")
            .to_owned();
        assert!(base.ends_with(prefix), "{line}");
        let address = base.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut outcome = String::new();
        stream.read_to_string(&mut outcome).unwrap();
        assert!(outcome.starts_with("HTTP/1.1 404 "), "{outcome}");
        // The port is taken now.
        let port = address.rsplit(':').next().unwrap();
        let ran = project.run(&["serve", "--port", port]);
        assert!(
            ran.code == 2 && ran.stderr.contains("failed to listen on port"),
            "{ran:?}"
        );
        signal(&child, "-INT");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    for (file, part) in [
        ("bad.toml", "the seed `bad.toml`"),
        ("nowhere.toml", "failed to read the seed `nowhere.toml`"),
    ] {
        let ran = project.run(&["serve", "--seed", file]);
        assert!(ran.code == 2 && ran.stderr.contains(part), "{ran:?}");
    }
}
