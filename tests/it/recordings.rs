//! Runs written down, judged again, told again, and gone on from.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{Project, Ran, Server, Then, answer, conforme, ran, repository};

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
        (answer(head, ""), Then::Keep)
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
    assert_eq!(recording.case("s/b")["exchange"]["reply"]["answer"]["status"], 200);
    assert!(recording.case("s/b")["started"].is_string());
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
        (answer(OK, ""), Then::Keep)
    });
    let mut command = project.command(&["run", "--target", &server.url(), "-j", "1", "--record", "run.ndjson"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.requests() < 3 {
        assert!(Instant::now() < deadline, "the third request never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The second answer is still listened to for a moment.
    std::thread::sleep(Duration::from_millis(300));
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
        let told = project.run(&["report", name]);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.stdout.contains(left), "{told:?}");
        assert!(
            told.stdout.contains("the recording ends before the run does"),
            "{told:?}"
        );
        // A part of a run is no pass.
        let judged = project.run(&["recheck", name]);
        assert_eq!(judged.code, 3, "{judged:?}");
    }
    // What was cut, and what never ran, is run; the rest is not.
    let (agrees, _) = self::server(&[]);
    let recording = whole.replace(&server.url(), &agrees.url());
    project.write("cut.ndjson", &recording[..recording.len() - 20]);
    let rest = project.run(&["run", "--target", &agrees.url(), "--failed-from", "cut.ndjson"]);
    assert_eq!((rest.code, agrees.requests()), (0, 2), "{rest:?}");
    assert!(
        rest.stdout.contains("2 of 3 cases passed, 0 skipped, 1 passed before"),
        "{rest:?}"
    );
}

#[test]
fn a_recording_that_cannot_be_read_is_named_with_its_line() {
    let project = project();
    let (server, _) = server(&[]);
    project.run(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let whole = project.read("run.ndjson");
    let lines: Vec<_> = whole.lines().collect();
    for (text, said) in [
        (String::new(), "this is no recording"),
        ("{\"a\":1}\n".to_owned(), "this is no recording"),
        (lines[1].to_owned() + "\n", "this is no recording"),
        (whole.replacen("\"format\":1", "\"format\":99", 1), "has format 99"),
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
    // The recording that took the place of the first still knows what passed in it.
    switch.store(false, Ordering::SeqCst);
    let again = run(&["--failed-from", "run.ndjson"]);
    assert_eq!((again.code, server.requests()), (0, 6), "{again:?}");
    let again = run(&["--failed-from", "run.ndjson"]);
    assert_eq!((again.code, server.requests()), (0, 6), "{again:?}");
    // Of another target it says nothing.
    let (other, _) = self::server(&[]);
    let wrong = project.run(&["run", "--target", &other.url(), "--failed-from", "run.ndjson"]);
    assert_eq!((wrong.code, other.requests()), (2, 0), "{wrong:?}");
    assert!(wrong.stderr.contains("it is a recording of"), "{wrong:?}");
}

#[test]
fn recorded_answers_are_judged_again_with_the_suite_as_it_is_now() {
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
fn a_recording_judged_again_agrees_with_the_live_run_of_the_shipped_suite() {
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
fn what_a_recording_hides_is_judged_by_what_stands_for_it() {
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
