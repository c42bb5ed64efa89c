//! Snapshots through the program, and through the real `cargo insta`.

use std::process::Command;

use crate::support::{Project, Ran, Server};

const SUITE: &str = "
inputs: { user: a user }
snapshots:
  headers: [content-type]
  redact: [/at, /items/*/id]
";
const CASE: &str = "
request: { path: / }
expect: { status: 200, snapshot: true }
";
const JSON: &str = "HTTP/1.1 200 OK\nContent-Type: application/json";

fn project() -> Project {
    Project::new(&[("cases/s/suite.yaml", SUITE), ("cases/s/c.yaml", CASE)])
}

fn body(user: &str, at: &str, count: &str) -> String {
    format!(r#"{{"user":"{user}","at":"{at}","count":{count},"items":[{{"id":"{at}","n":1}}]}}"#)
}

fn run(project: &Project, body: &str, arguments: &[&str]) -> Ran {
    run_as(project, "user-0001", body, arguments)
}

fn run_as(project: &Project, user: &str, body: &str, arguments: &[&str]) -> Ran {
    let server = Server::always(JSON, body);
    let variable = format!("user={user}");
    let url = server.url();
    let mut all = vec!["run", "--target", url.as_str(), "--var", &variable];
    all.extend(arguments);
    project.run(&all)
}

const FILE: &str = "snapshots/s/c.snap";
const PENDING: &str = "snapshots/s/c.snap.new";

#[test]
fn a_new_snapshot_waits_and_the_case_fails_until_it_is_accepted() {
    let project = project();
    let response = body("user-0001", "2020", "1");
    let first = run(&project, &response, &[]);
    assert_eq!(first.code, 1, "{}", first.stdout);
    assert!(first.stdout.contains("there is no snapshot yet"), "{}", first.stdout);
    assert!(first.stdout.contains("PENDING 1 pending snapshot"), "{}", first.stdout);
    assert!(project.has(PENDING) && !project.has(FILE));

    let accepted = project.run(&["accept"]);
    assert_eq!((accepted.code, accepted.stdout.trim()), (0, "accepted s/c"));
    assert!(!project.has(PENDING));
    assert_eq!(
        project.read(FILE),
        "---\nsource: \"cases/s/c.yaml\"\nexpression: \"s/c\"\n---\nHTTP 200\ncontent-type: application/json\n\n{\n  \
         \"at\": \"[redacted]\",\n  \"count\": 1,\n  \"items\": [\n    {\n      \"id\": \"[redacted]\",\n      \"n\": 1\n    }\n  ],\n  \
         \"user\": \"{{ user }}\"\n}\n"
    );
    assert_eq!(run(&project, &response, &[]).code, 0);
}

#[test]
fn one_snapshot_serves_every_target_and_every_moment() {
    let project = project();
    assert_eq!(
        run(&project, &body("user-0001", "2020", "1"), &["--snapshots", "accept"]).code,
        0
    );
    // Another user, another time, other key order and number spelling, Windows line ends in the file.
    let crlf = project.read(FILE).replace('\n', "\r\n");
    project.write(FILE, &crlf);
    let other = r#"{ "items":[{"n":1.0,"id":"x"}], "count":1e0, "at":"2021", "user":"somebody-else" }"#;
    let ran = run_as(&project, "somebody-else", other, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}

#[test]
fn a_text_whose_lines_end_in_any_way_is_the_same_once_accepted() {
    let project = project();
    let server = Server::always(
        "HTTP/1.1 200 OK\nContent-Type: text/plain",
        "one\r\r\n\rtwo\r\nthree\r\r",
    );
    for mode in ["accept", "check"] {
        let ran = project.run(&[
            "run",
            "--target",
            &server.url(),
            "--var",
            "user=user-0001",
            "--snapshots",
            mode,
        ]);
        assert_eq!(ran.code, 0, "{mode}: {}", ran.stdout);
    }
}

#[test]
fn two_variables_with_one_value_do_not_make_a_false_alarm() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { a_user: one, b_user: two }"),
        ("cases/s/c.yaml", CASE),
    ]);
    let run = |a: &str, b: &str, mode: &str| {
        let server = Server::always(JSON, &format!(r#"{{"user":"{b}"}}"#));
        let (a, b) = (format!("a_user={a}"), format!("b_user={b}"));
        project.run(&[
            "run",
            "--target",
            &server.url(),
            "--var",
            &a,
            "--var",
            &b,
            "--snapshots",
            mode,
        ])
    };
    assert_eq!(run("first-user", "second-user", "accept").code, 0);
    assert!(project.read(FILE).contains("{{ b_user }}"));
    let ran = run("the-same-user", "the-same-user", "check");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}

#[test]
fn a_difference_fails_with_a_diff_and_the_line_that_asked() {
    let project = project();
    run(&project, &body("user-0001", "2020", "1"), &["--snapshots", "accept"]);
    let ran = run(&project, &body("user-0001", "2020", "2"), &["--snapshots", "check"]);
    assert_eq!(ran.code, 1);
    for part in ["cases/s/c.yaml:3:34", "-  \"count\": 1,", "+  \"count\": 2,"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!project.has(PENDING));
}

#[test]
fn what_waits_is_cleared_when_the_response_is_as_accepted_again() {
    let project = project();
    run(&project, &body("user-0001", "2020", "1"), &["--snapshots", "accept"]);
    run(&project, &body("user-0001", "2020", "2"), &[]);
    assert!(project.has(PENDING));
    assert_eq!(run(&project, &body("user-0001", "2020", "1"), &[]).code, 0);
    assert!(!project.has(PENDING));
}

#[test]
fn response_with_another_failure_gets_no_pending_snapshot() {
    let project = project();
    let server = Server::always("HTTP/1.1 500 Oops\nContent-Type: application/json", "{}");
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--var",
        "user=user-0001",
        "--snapshots",
        "accept",
    ]);
    assert_eq!(ran.code, 1);
    assert!(!project.has(FILE) && !project.has(PENDING));
}

#[test]
fn in_ci_nothing_is_written() {
    let project = project();
    let server = Server::always(JSON, &body("user-0001", "2020", "1"));
    let run = |arguments: &[&str]| {
        let url = server.url();
        let mut all = vec!["run", "--target", &url, "--var", "user=user-0001"];
        all.extend(arguments);
        crate::support::ran(project.command(&all).env("CI", "true"))
    };
    assert_eq!(run(&[]).code, 1);
    let asked = run(&["--snapshots", "accept"]);
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    assert!(asked.stderr.contains("`CI` is set"), "{}", asked.stderr);
    assert!(!project.has("snapshots"));
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_person_reviews_one_by_one() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/a.yaml", CASE),
        ("cases/s/b.yaml", CASE),
        ("cases/s/c.yaml", CASE),
        ("cases/s/d.yaml", CASE),
    ]);
    run(&project, &body("user-0001", "\\u001b[31m", "1"), &[]);
    let mut command = project.command(&["review"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"a\nwhat\nr\ns\nq\n").unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.contains("1 accepted, 1 rejected, 2 left pending"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("s/a (1 of 4)\n  cases/s/a.yaml:") && ran.stdout.contains("+HTTP 200"));
    let has = |name: &str| project.has(&format!("snapshots/s/{name}"));
    assert!(has("a.snap") && !has("b.snap") && !has("b.snap.new") && has("c.snap.new") && has("d.snap.new"));
    assert_eq!(project.run(&["reject", "s/c"]).code, 0);
    assert!(!has("c.snap.new") && has("d.snap.new"));
    let wrong = project.run(&["accept", "s/dd"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean `s/d`?"), "{}", wrong.stderr);
}

/// Runs a program in a pseudo-terminal, and presses a key after each question. Prints the exit code, whether the modes of the
/// terminal are as before, and the output.
#[cfg(unix)]
const TERMINAL: &str = r"
import fcntl, os, pty, select, signal, subprocess, sys, termios, time
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
# A job in the background of a script ignores SIGINT.
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                         preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
out, end = b'', time.time() + 30
def read():
    global out
    if select.select([master], [], [], 0.02)[0]:
        out += os.read(master, 65536)
for number, key in enumerate(sys.argv[1].encode().decode('unicode_escape'), 1):
    is_raw = lambda: not termios.tcgetattr(slave)[3] & termios.ICANON
    while time.time() < end and not (out.count(b'uit? ') >= number and is_raw()):
        read()
    os.write(master, key.encode())
while child.poll() is None and time.time() < end:
    read()
read()
print(child.returncode, termios.tcgetattr(slave) == before)
sys.stdout.buffer.write(out)
";

#[cfg(unix)]
#[test]
fn review_reads_single_keys_on_a_terminal() {
    let python = std::process::Command::new("python3").arg("--version").output();
    if crate::support::skips("python3", python.is_ok()) {
        return;
    }
    let project = Project::new(&[
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/a.yaml", CASE),
        ("cases/s/b.yaml", CASE),
        ("cases/s/c.yaml", CASE),
        ("cases/s/d.yaml", CASE),
    ]);
    run(&project, &body("user-0001", "2020", "1"), &[]);
    let conforme = project.command(&[]);
    let keys = |keys: &str| {
        let mut python = std::process::Command::new("python3");
        python.args(["-c", TERMINAL, keys, env!("CARGO_BIN_EXE_conforme"), "review"]);
        for (name, value) in conforme.get_envs() {
            match value {
                Some(value) => python.env(name, value),
                None => python.env_remove(name),
            };
        }
        crate::support::ran(python.env("TERM", "xterm").current_dir(project.path()))
    };
    // A key that means nothing, accept, reject, skip, Ctrl-C.
    let interrupted = keys("xars\\x03");
    assert!(interrupted.stdout.starts_with("130 True\n"), "{interrupted:?}");
    let shown = &interrupted.stdout;
    assert!(
        shown.contains("\u{1b}[1ms/a (1 of 4)") && shown.contains("cases/s/a.yaml:"),
        "{shown}"
    );
    assert!(shown.contains("\u{1b}[32m+HTTP 200"), "{shown}");
    let has = |name: &str| project.has(&format!("snapshots/s/{name}"));
    assert!(has("a.snap") && !has("b.snap") && !has("b.snap.new") && has("c.snap.new") && has("d.snap.new"));
    let quit = keys("q");
    assert!(quit.stdout.starts_with("0 True\n"), "{quit:?}");
    assert!(
        quit.stdout.contains("0 accepted, 0 rejected, 2 left pending"),
        "{quit:?}"
    );
}

#[test]
fn a_snapshot_that_no_case_uses_is_reported() {
    let project = project();
    project.write("snapshots/s/gone.snap", "---\nsource: x\n---\nHTTP 200\n");
    let ran = run(&project, &body("user-0001", "2020", "1"), &["--snapshots", "accept"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("UNUSED snapshots/s/gone.snap"), "{}", ran.stdout);
}

#[test]
fn unreadable_snapshot_is_an_error_before_anything_is_sent() {
    let project = project();
    project.write(FILE, "---\nsource: [\n---\nx");
    let server = Server::always(JSON, "{}");
    let ran = project.run(&["run", "--target", &server.url(), "--var", "user=user-0001"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("c.snap") && ran.stderr.contains("cases/s/c.yaml"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.requests(), 0);
}

/// The real thing: what this program writes, `cargo insta` lists, accepts and rejects.
#[test]
fn cargo_insta_settles_what_this_program_left_pending() {
    let installed = Command::new("cargo").args(["insta", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `cargo insta` is not installed (.ci/run installs it)");
        return;
    }
    let project = Project::new(&[
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/c.yaml", CASE),
        ("cases/s/d.yaml", &format!("examples: {{ row-1: {{}} }}\n{CASE}")),
        (
            "Cargo.toml",
            "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[lib]\npath = \"lib.rs\"\n",
        ),
        ("lib.rs", ""),
    ]);
    let insta = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.arg("insta").args(arguments).current_dir(project.path());
        command.env_remove("CI").env("INSTA_WORKSPACE_ROOT", project.path());
        crate::support::ran(&mut command)
    };
    let first = body("user-0001", "2020", "1");
    run(&project, &first, &[]);
    let listed = insta(&["pending-snapshots"]);
    assert!(
        listed.stdout.contains("s/c.snap") && listed.stdout.contains("s/d@row-1.snap"),
        "{listed:?}"
    );
    let accepted = insta(&["accept"]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(project.has(FILE) && project.has("snapshots/s/d@row-1.snap") && !project.has(PENDING));
    // What `cargo insta` has written, this program reads.
    let ran = run(&project, &first, &["--snapshots", "check"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);

    run(&project, &body("user-0001", "2020", "2"), &[]);
    assert!(project.has(PENDING));
    assert_eq!(insta(&["reject"]).code, 0);
    assert!(!project.has(PENDING));
    assert!(project.read(FILE).contains("\"count\": 1"));
}
