//! Recordings: written, judged again, reported again, and continued.

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{Project, Ran, Server, Then, conforme, ran, repository, response};

const OK: &str = "HTTP/1.1 204 No Content";

/// Cases `a`, `b` and `c`, each `GET /NAME` and 204.
fn project() -> Project {
    let project = Project::new(&[]);
    for name in ["a", "b", "c"] {
        project.write(
            &format!("cases/s/{name}.yaml"),
            &format!("request: {{ path: /{name} }}\nexpect: {{ status: 204 }}\n"),
        );
    }
    project
}

/// Refuses what begins with one of these paths, while the switch is on.
fn server(bad: &'static [&'static str]) -> (Server, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&switch);
    let server = Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let is_bad = on.load(Ordering::SeqCst) && bad.contains(&path);
        let head = if is_bad { "HTTP/1.1 200 OK" } else { OK };
        (response(head, ""), Then::Keep)
    });
    (server, switch)
}

/// The verdict on each case of a recording, by id.
pub(crate) fn verdicts(recording: &str) -> Vec<(String, String)> {
    let ran = Ran {
        code: 0,
        stdout: recording.to_owned(),
        stderr: String::new(),
    };
    let mut all: Vec<_> = (ran.events().iter())
        .filter(|event| event["event"] == "case-finished")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            (text("id"), text("verdict"))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_recording_holds_what_the_run_was_and_every_exchange() {
    let (project, (server, _)) = (project(), server(&["/b"]));
    let ran = project.run(&["run", "--target", &server.url(), "--record", "out/run.ndjson"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let recording = Ran {
        stdout: project.read("out/run.ndjson"),
        ..ran
    };
    let events = recording.events();
    let start = &events[0];
    assert_eq!(start["event"], "run-started");
    assert!(start["tool"].as_str().unwrap().starts_with("conforme "));
    assert_eq!(start["suite_hash"].as_str().unwrap().len(), 64);
    assert_eq!(start["target"], server.url().as_str());
    assert_eq!(
        recording.case("s/b")["steps"][0]["exchange"]["outcome"]["response"]["status"],
        200
    );
    assert!(recording.case("s/b")["steps"][0]["started"].is_string());
    assert_eq!(events.last().unwrap()["exit_code"], 1);
    // The same files have the same digest; another file has another.
    let hash = start["suite_hash"].clone();
    project.run(&["run", "--target", &server.url(), "--record", "again.ndjson"]);
    let digest = |name: &str| {
        Ran {
            stdout: project.read(name),
            code: 0,
            stderr: String::new(),
        }
        .events()[0]["suite_hash"]
            .clone()
    };
    assert_eq!(digest("again.ndjson"), hash);
    project.write("cases/s/d.yaml", "request: { path: /d }\nexpect: { status: 204 }\n");
    project.run(&["run", "--target", &server.url(), "--record", "again.ndjson"]);
    assert_ne!(digest("again.ndjson"), hash);
}

#[test]
fn a_recording_in_a_git_repository_names_the_commit() {
    let (project, (server, _)) = (project(), server(&[]));
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command
            .current_dir(project.path())
            .args(arguments)
            .env("HOME", project.path());
        command.output().map(Ran::from)
    };
    let Ok(made) = git(&["init", "-q"]) else {
        eprintln!("skipped: there is no git");
        return;
    };
    assert_eq!(made.code, 0, "{made:?}");
    let commit = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "m",
    ];
    let made = git(&commit).unwrap();
    assert_eq!(made.code, 0, "{made:?}");
    let head = git(&["rev-parse", "HEAD"]).unwrap().stdout;
    project.run(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let first = project.read("run.ndjson").lines().next().unwrap().to_owned();
    assert!(first.contains(head.trim()), "{first}");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_all_that_had_finished() {
    let project = project();
    let server = Server::start(|request| {
        if request.starts_with("GET /c ") {
            return (Vec::new(), Then::Hang);
        }
        (response(OK, ""), Then::Keep)
    });
    let mut command = project.command(&["run", "--target", &server.url(), "-j", "1", "--record", "run.ndjson"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.requests() < 3 {
        assert!(Instant::now() < deadline, "the third request never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The connections are still watched for a moment before there are verdicts.
    while project.read("run.ndjson").lines().count() < 3 {
        assert!(Instant::now() < deadline, "the verdicts are not recorded");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let whole = project.read("run.ndjson");
    let passed = |id: &str| (id.to_owned(), "passed".to_owned());
    assert_eq!(verdicts(&whole), [passed("s/a"), passed("s/b")]);
    // And with half a line at its end.
    project.write("cut.ndjson", &whole[..whole.len() - 20]);
    for (name, left) in [
        ("run.ndjson", "2 of 3 cases passed, 0 skipped, 1 not run"),
        ("cut.ndjson", "1 of 3 cases passed, 0 skipped, 2 not run"),
    ] {
        let reported = project.run(&["report", name]);
        assert_eq!(reported.code, 3, "{reported:?}");
        assert!(reported.stdout.contains(left), "{reported:?}");
        assert!(
            reported.stdout.contains("the recording ends before the run does"),
            "{reported:?}"
        );
        // A part of a run is no pass.
        let judged = project.run(&["recheck", name]);
        assert_eq!(judged.code, 3, "{judged:?}");
    }
}

#[test]
fn a_recording_that_cannot_be_read_is_named_with_its_line() {
    let project = project();
    let (server, _) = server(&[]);
    project.run(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let whole = project.read("run.ndjson");
    let lines: Vec<_> = whole.lines().collect();
    for (text, said) in [
        (String::new(), "not a recording"),
        ("{\"a\":1}\n".to_owned(), "not a recording"),
        (lines[1].to_owned() + "\n", "not a recording"),
        (whole.replacen("\"format\":2", "\"format\":99", 1), "has format 99"),
        (
            format!("{}\nnonsense\n{}\n", lines[0], lines[1]),
            "line 2: not an event",
        ),
        (format!("{}\n{{\"event\":\"x\"}}\n", lines[0]), "line 2: not an event"),
    ] {
        project.write("bad.ndjson", &text);
        for command in [
            &["report", "bad.ndjson"][..],
            &["recheck", "bad.ndjson"],
            &["run", "--target", &server.url(), "--failed-from", "bad.ndjson"],
        ] {
            let ran = project.run(command);
            assert_eq!(ran.code, 2, "{said} {ran:?}");
            assert!(
                ran.stderr.contains(said) && ran.stderr.contains("bad.ndjson"),
                "{said}: {ran:?}"
            );
        }
    }
    assert_eq!(project.run(&["report", "none.ndjson"]).code, 2);
}

#[test]
fn a_run_goes_on_from_what_did_not_pass_and_what_is_new() {
    let (project, (server, switch)) = (project(), server(&["/b"]));
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url, "--record", "run.ndjson"], more].concat());
    assert_eq!((run(&[]).code, server.requests()), (1, 3));
    project.write("cases/s/new.yaml", "request: { path: /new }\nexpect: { status: 204 }\n");
    let again = run(&["--failed-from", "run.ndjson"]);
    assert_eq!((again.code, server.requests()), (1, 5), "{again:?}");
    assert!(
        again
            .stdout
            .contains("1 of 4 cases passed, 0 skipped, 1 failed, 2 passed before"),
        "{again:?}"
    );
    // The recording that took the location of the first still knows what passed in it.
    switch.store(false, Ordering::SeqCst);
    let again = run(&["--failed-from", "run.ndjson"]);
    assert_eq!((again.code, server.requests()), (0, 6), "{again:?}");
    let again = run(&["--failed-from", "run.ndjson"]);
    assert_eq!((again.code, server.requests()), (0, 6), "{again:?}");
    assert!(again.stdout.contains("4 passed before"), "{again:?}");
    for command in ["report", "merge"] {
        assert_eq!(project.run(&[command, "run.ndjson"]).code, 0, "{command}");
    }
    // What was cut off is run; the rest is not.
    let whole = project.read("run.ndjson");
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    project.write("cut.ndjson", &(lines[..4].concat() + &lines[4][..lines[4].len() / 2]));
    let rest = project.run(&["run", "--target", &url, "--failed-from", "cut.ndjson"]);
    assert_eq!((rest.code, server.requests()), (0, 7), "{rest:?}");
    // Another target has to be asked everything.
    let (other, _) = self::server(&["/a"]);
    let ran = project.run(&["run", "--target", &other.url(), "--failed-from", "run.ndjson"]);
    assert_eq!((ran.code, other.requests()), (1, 4), "{ran:?}");
    assert!(ran.stderr.contains("recorded against another target"), "{ran:?}");
    // The recording of a project that has none of its cases.
    let stranger = Project::new(&[("cases/t/x.yaml", "request: { path: /x }\nexpect: { status: 204 }\n")]);
    stranger.write("run.ndjson", &whole);
    let ran = stranger.run(&["run", "--target", &url, "--failed-from", "run.ndjson"]);
    assert_eq!((ran.code, server.requests()), (2, 7), "{ran:?}");
    assert!(ran.stderr.contains("a recording of a different project"), "{ran:?}");
}

// Long: a table of one entry for each part of a case that can change.
#[test]
fn failed_from_repeats_every_case_that_has_changed() {
    let project = project();
    project.write("conforme.toml", "");
    project.write(
        "cases/s/suite.yaml",
        "inputs: { who: { default: me } }\nvars: { x: one }\nexpect: { status: 204 }\n",
    );
    project.write(
        "cases/s/b.yaml",
        "request: { path: /b, query: { who: '{{ who }}', x: '{{ x }}' } }\n",
    );
    project.write(
        "cases/s/c.yaml",
        "request: { method: POST, path: /c, body: { file: sent.bin } }\nexpect: { status: 204 }\n",
    );
    project.write("cases/s/sent.bin", "bytes");
    let rows = "request: { path: '/{{ p }}' }\nexamples: { one: { p: t1 }, two: { p: t2 } }\n";
    project.write("cases/s/t.yaml", rows);
    let schema = "request: { path: /v }\nexpect: { status: 200, body: { schema: 'root.json' }, snapshot: true }\n";
    project.write("cases/v/v.yaml", schema);
    project.write("schemas/root.json", "{ \"items\": { \"$ref\": \"leaf.json\" } }");
    project.write("schemas/leaf.json", "{ \"type\": \"number\" }");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::start(move |request| {
        let path = request.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
        let is_value = path == "/v";
        log.lock().unwrap().push(path);
        let head = if is_value {
            "HTTP/1.1 200 OK\r\ncontent-type: application/json"
        } else {
            OK
        };
        (response(head, if is_value { "[1]" } else { "" }), Then::Keep)
    });
    let url = server.url();
    let run = |more: &[&str]| project.run(&[&["run", "--target", &url][..], more].concat());
    assert_eq!(run(&["--snapshots", "accept"]).code, 0);
    assert_eq!(run(&["--record", "run.ndjson"]).code, 0);
    // What is changed, and the paths that are asked again.
    let again = |more: &[&str], expected: &[&str]| {
        seen.lock().unwrap().clear();
        let ran = run(&[&["--failed-from", "run.ndjson", "--snapshots", "check"], more].concat());
        let mut paths = seen.lock().unwrap().clone();
        paths.sort();
        assert_eq!(paths, expected, "{ran:?}");
    };
    let changed = |file: &str, text: &str, expected: &[&str]| {
        let before = project.read(file);
        project.write(file, text);
        again(&[], expected);
        project.write(file, &before);
    };
    again(&[], &[]);
    changed(
        "cases/s/a.yaml",
        "# a comment\nrequest:\n  path: /a\nexpect: { status: 204 }\n",
        &[],
    );
    changed(
        "cases/s/a.yaml",
        "request: { path: /a }\nexpect: { status: 2xx }\n",
        &["/a"],
    );
    changed("cases/s/sent.bin", "other bytes", &["/c"]);
    changed("cases/s/t.yaml", &rows.replace("t2", "t3"), &["/t3"]);
    changed("cases/s/t.yaml", &rows.replace("one:", "uno:"), &["/t1"]);
    changed("schemas/leaf.json", "{ \"type\": \"integer\" }", &["/v"]);
    changed("schemas/root.json", "{ \"type\": \"array\" }", &["/v"]);
    let snapshot = project.read("snapshots/v/v.snap");
    changed("snapshots/v/v.snap", &snapshot.replace('1', "2"), &["/v"]);
    let suite = project.read("cases/s/suite.yaml");
    changed(
        "cases/s/suite.yaml",
        &suite.replace("one", "two"),
        &["/a", "/b", "/c", "/t1", "/t2"],
    );
    again(&["--var", "who=you"], &["/b"]);
    again(&["--timeout", "3s"], &["/a", "/b", "/c", "/t1", "/t2", "/v"]);
    again(&["--jobs", "1"], &[]);
}

#[test]
fn a_recording_that_contradicts_itself_is_rejected() {
    let (project, (server, _)) = (project(), server(&["/b"]));
    let url = server.url();
    project.run(&["run", "--target", &url, "--jobs", "1", "--record", "run.ndjson"]);
    // In the order of the suite: start, a, b, c, end.
    let recorded = project.read("run.ndjson");
    let mut lines: Vec<_> = recorded.split_inclusive('\n').collect();
    lines[1..4].sort_by_key(|line| ["s/a", "s/b", "s/c"].map(|id| !line.contains(&format!("\"{id}\""))));
    let whole = lines.concat();
    let edited = |from: &str, to: &str| whole.replacen(from, to, 1);
    for (text, says) in [
        (
            [lines[0], lines[1], lines[3], lines[4]].concat(),
            "line 4: the recording contradicts itself: the totals state 1 failed",
        ),
        (
            edited("\"verdict\":\"failed\"", "\"verdict\":\"passed\""),
            "line 3: the recording contradicts itself: s/b",
        ),
        (edited("\"verdict\":\"failed\"", "\"verdict\":\"skipped\""), "line 3"),
        (edited("\"verdict\":\"passed\"", "\"verdict\":\"failed\""), "line 2"),
        (edited("\"exit_code\":1", "\"exit_code\":0"), "line 5"),
        (edited("\"cases\":3", "\"cases\":2"), "line 4"),
        (edited("\"cases\":3", "\"cases\":4"), "line 5"),
        (
            [lines[0], lines[1], lines[1], lines[2], lines[4]].concat(),
            "line 3: the recording contradicts itself: the case s/a is recorded twice",
        ),
        (
            lines.concat() + lines[1],
            "line 6: the recording contradicts itself: there are more lines after the end of the run",
        ),
        (
            [lines[0], lines[0], lines[1]].concat(),
            "line 2: the recording contradicts itself: the run starts again",
        ),
    ] {
        project.write("bad.ndjson", &text);
        for command in [
            &["report", "bad.ndjson", "--report", "json=out.json"][..],
            &["recheck", "bad.ndjson"],
            &["merge", "bad.ndjson"],
            &["mutate", "bad.ndjson"],
            &["compare", "--baseline", "run.ndjson", "--candidate", "bad.ndjson"],
            &["run", "--target", &url, "--failed-from", "bad.ndjson"],
        ] {
            let ran = project.run(command);
            assert!(
                ran.code == 2 && ran.stderr.contains(says),
                "{says}: {command:?} {ran:?}"
            );
        }
        assert!(!project.path().join("out.json").exists(), "{says}");
    }
    assert_eq!(server.requests(), 3);
}

#[test]
fn recheck_uses_the_current_suite() {
    let (project, (server, _)) = (project(), server(&["/b"]));
    let url = server.url();
    project.run(&["run", "--target", &url, "--record", "run.ndjson"]);
    let requests = server.requests();
    let same = project.run(&["recheck", "run.ndjson", "--report", "json=again.ndjson"]);
    assert_eq!((same.code, server.requests()), (1, requests), "{same:?}");
    assert_eq!(
        verdicts(&project.read("again.ndjson")),
        verdicts(&project.read("run.ndjson"))
    );
    assert!(!same.stderr.contains("the suite has changed"), "{same:?}");
    project.write(
        "cases/s/b.yaml",
        "request: { path: /b }\nexpect: { status: [200, 204] }\n",
    );
    project.write(
        "cases/s/a.yaml",
        "request: { path: /a }\nexpect: { status: 204, headers: { x-new: present } }\n",
    );
    project.write("cases/s/d.yaml", "request: { path: /d }\nexpect: { status: 204 }\n");
    std::fs::remove_file(project.path().join("cases/s/c.yaml")).unwrap();
    let now = project.run(&["recheck", "run.ndjson", "--report", "json=again.ndjson"]);
    assert_eq!(now.code, 1, "{now:?}");
    let verdict = |id: &str, verdict: &str| (id.to_owned(), verdict.to_owned());
    assert_eq!(
        verdicts(&project.read("again.ndjson")),
        [
            verdict("s/a", "failed"),
            verdict("s/b", "passed"),
            verdict("s/d", "skipped")
        ]
    );
    assert!(
        now.stderr.contains("the suite has changed") && now.stderr.contains("s/c"),
        "{now:?}"
    );
}

#[test]
fn recheck_of_shipped_suite_agrees_with_live_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ndjson");
    let again = folder.path().join("again.ndjson");
    let run = |arguments: &[&str]| ran(conforme().current_dir(repository()).args(arguments));
    let live = run(&["run", "--record", path.to_str().unwrap()]);
    assert_eq!(live.code, 0, "{live:?}");
    let report = format!("json={}", again.display());
    let judged = run(&["recheck", path.to_str().unwrap(), "--report", &report]);
    assert_eq!(judged.code, 0, "{judged:?}");
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!(verdicts(&read(&again)), verdicts(&read(&path)));
}

#[test]
fn masked_value_is_judged_by_its_mask() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n"),
        (
            "cases/s/echo.yaml",
            "request: { path: /, headers: { Authorization: 'Bearer {{ token }}' } }\n\
             expect: { status: 200, body: { json: { you: 'sent {{ token }}', near: '{{ token | drop_last }}!' } } }\n",
        ),
        (
            "cases/s/cookie.yaml",
            "request: { path: / }\nexpect: { status: 200, headers: { set-cookie: sid=abcdefgh } }\n",
        ),
    ]);
    let server = Server::always(
        "HTTP/1.1 200 OK\nContent-Type: application/json\nSet-Cookie: sid=abcdefgh",
        "{\"you\":\"sent top-Secret-1\",\"near\":\"top-Secret-!\"}",
    );
    let mut command = project.command(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let live = ran(command.env("CONFORME_SECRET_TOKEN", "top-Secret-1"));
    assert_eq!(live.code, 0, "{live:?}");
    let judged = project.run(&["recheck", "run.ndjson", "--report", "json=again.ndjson"]);
    let again = Ran {
        stdout: project.read("again.ndjson"),
        ..judged
    };
    assert_eq!(again.case("s/echo")["verdict"], "passed", "{again:?}");
    // What cannot be known is no verdict.
    assert_eq!((again.code, &again.case("s/cookie")["verdict"]), (3, &"errored".into()));
    let reason = again.case("s/cookie")["reason"].clone();
    assert_eq!(reason, "the recording hides the value that `header/set-cookie` reads");
}
