//! Suites, recordings and disks that mean harm: each ends at once, with a clear error and little memory.

use std::{
    fmt::Write as _,
    fs::File,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Project, Ran, Server, conforme, response};

/// More than any file may have, at no cost: nothing of it is written.
const HUGE: u64 = 100 << 20;
const CASE: &str = "request: { method: PUT, path: /, body: { file: b.bin } }\nexpect: { status: 200 }\n";

fn project() -> Project {
    let project = Project::of_case("status: 200");
    project.write("schemas/unused.json", "{}");
    project
}

fn pipe(project: &Project, name: &str) {
    let made = Command::new("mkfifo").arg(project.path().join(name)).status();
    assert!(made.is_ok_and(|status| status.success()), "{name}");
}

fn huge(project: &Project, name: &str) {
    project.write(name, "");
    let file = File::options().write(true).open(project.path().join(name)).unwrap();
    file.set_len(HUGE).unwrap();
}

/// Runs a command that must end soon, with code 2, in less than 150 MiB, and say this.
fn refused(project: &Project, arguments: &[&str], says: &str) -> Ran {
    let begun = Instant::now();
    // What takes more memory than this is killed by the system.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d 153600; ulimit -t 20; exec \"$@\"", "sh"]);
    command
        .arg(conforme().get_program())
        .args(arguments)
        .current_dir(project.path());
    let ran = crate::support::ran(&mut command);
    assert_eq!(ran.code, 2, "{says}: {ran:?}");
    assert!(
        ran.stderr.contains(says) && !ran.stderr.contains("defect"),
        "{says}: {ran:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{says}: {:?}",
        begun.elapsed()
    );
    ran
}

#[test]
fn a_pipe_a_device_or_a_broken_link_is_no_file_of_a_suite() {
    let locations = [
        ("cases/s/x.yaml", "failed to read `cases/s/x.yaml`"),
        ("schemas/x.json", "`x.json` is not a usable schema"),
        ("conforme.toml", "failed to read `conforme.toml`"),
    ];
    for (location, says) in locations {
        let path = |project: &Project| {
            let path = project.path().join(location);
            drop(std::fs::remove_file(&path));
            path
        };
        let pipes = project();
        path(&pipes);
        pipe(&pipes, location);
        let ran = refused(&pipes, &["validate"], says);
        assert!(ran.stderr.contains("not a regular file"), "{location}: {ran:?}");
        let devices = project();
        symlink("/dev/zero", path(&devices)).unwrap();
        let ran = devices.run(&["validate"]);
        assert!(ran.code == 2 && !ran.stderr.contains("larger"), "{location}: {ran:?}");
        let circles = project();
        symlink(path(&circles), circles.path().join(location)).unwrap();
        if location != "conforme.toml" {
            refused(&circles, &["validate"], says);
        }
    }
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_and_not_read() {
    for (location, says) in [
        ("cases/s/x.yaml", "it is larger than 33554432 bytes"),
        ("cases/s/suite.yaml", "it is larger than 33554432 bytes"),
        ("schemas/x.json", "it is larger than 33554432 bytes"),
        ("conforme.toml", "it is larger than 1048576 bytes"),
    ] {
        let project = project();
        huge(&project, location);
        refused(&project, &["validate"], says);
    }
    let project = project();
    project.write("cases/s/c.yaml", CASE);
    huge(&project, "cases/s/b.bin");
    refused(
        &project,
        &["validate"],
        "failed to read `b.bin`: it is larger than 67108864 bytes",
    );
    project.write(
        "cases/s/c.yaml",
        "request: { path: / }\nexpect: { status: 200, snapshot: true }\n",
    );
    huge(&project, "snapshots/s/c.snap");
    refused(
        &project,
        &["run", "--target", "http://127.0.0.1:9"],
        "it is larger than 33554432 bytes",
    );
}

#[test]
fn file_that_is_sent_is_in_the_project() {
    let (project, other) = (project(), project());
    project.write("cases/s/c.yaml", CASE);
    symlink(
        other.path().join("cases/s/c.yaml"),
        project.path().join("cases/s/b.bin"),
    )
    .unwrap();
    refused(
        &project,
        &["validate"],
        "failed to read `b.bin`: the link leads outside the project",
    );
    std::fs::remove_file(project.path().join("cases/s/b.bin")).unwrap();
    pipe(&project, "cases/s/b.bin");
    refused(
        &project,
        &["validate"],
        "failed to read `b.bin`: it is not a regular file",
    );
    for climbing in ["../../../secret", "/etc/hostname", "x/../../../../secret"] {
        project.write("cases/s/c.yaml", &CASE.replace("b.bin", climbing));
        refused(&project, &["validate"], "the file must be in the project");
    }
}

#[test]
fn a_link_out_of_the_project_is_no_case_and_no_schema() {
    let (project, other) = (project(), project());
    symlink(
        other.path().join("cases/s/c.yaml"),
        project.path().join("cases/s/x.yaml"),
    )
    .unwrap();
    refused(&project, &["validate"], "the link leads outside the project");
    std::fs::remove_file(project.path().join("cases/s/x.yaml")).unwrap();
    symlink(
        other.path().join("schemas/unused.json"),
        project.path().join("schemas/x.json"),
    )
    .unwrap();
    refused(&project, &["validate"], "the link leads outside the schema folder");
    std::fs::remove_file(project.path().join("schemas/x.json")).unwrap();
    // Within the project a case may be in two suites.
    symlink("c.yaml", project.path().join("cases/s/x.yaml")).unwrap();
    assert_eq!(project.run(&["validate"]).code, 0);
}

#[test]
fn no_schema_is_fetched_from_elsewhere() {
    let server = Server::always("HTTP/1.1 200 OK", "{}");
    let project = Project::of_case("status: 200\nbody: { schema: a.json }");
    let remote = format!("{}/x.json", server.url());
    for outside in [
        remote.as_str(),
        "file:///etc/hostname",
        "../conforme.toml",
        "//127.0.0.1/x",
    ] {
        project.write("schemas/a.json", &format!("{{ \"$ref\": \"{outside}\" }}"));
        refused(&project, &["validate"], "a.json");
        project.write("schemas/a.json", "{}");
        project.write(
            "cases/s/d.yaml",
            &format!("request: {{ path: / }}\nexpect: {{ status: 200, body: {{ schema: '{outside}' }} }}\n"),
        );
        refused(&project, &["validate"], "cases/s/d.yaml");
        std::fs::remove_file(project.path().join("cases/s/d.yaml")).unwrap();
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn suites_that_grow_when_they_are_read_are_refused() {
    let mut bomb = "vars:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(",");
        let _ = writeln!(bomb, "  a{level}: &a{level} [{aliases}]");
    }
    bomb += "request: { path: / }\nexpect: { status: 200 }\n";
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        format!("request: {{ path: / }}\nexpect: {{ status: 200, body: {{ json: {open}1{close} }} }}\n")
    };
    let project = project();
    for text in [
        bomb,
        deep("[", "]"),
        deep("{ a: ", "}"),
        deep("[", ""),
        "- ".repeat(100_000),
    ] {
        project.write("cases/s/c.yaml", &text);
        refused(&project, &["validate"], "cases/s/c.yaml:");
    }
}

#[test]
fn pattern_takes_linear_time_and_bounded_memory() {
    for (expect, schema) in [
        ("body: { json: { a: { $matches: '(x+x+)+y' } } }", "{}"),
        ("body: { text: { matches: '(x*)*y' } }", "{}"),
        ("headers: { x-long: { matches: '^(x|x)*$' } }", "{}"),
        (
            "body: { schema: a.json }",
            r#"{ "properties": { "a": { "pattern": "^(x+x+)+y$" } } }"#,
        ),
        (
            "body: { schema: a.json }",
            r#"{ "patternProperties": { "^(a|a)*b": true }, "additionalProperties": false }"#,
        ),
        (
            "body: { schema: a.json }",
            r#"{ "properties": { "a": { "format": "email" } } }"#,
        ),
    ] {
        let project = Project::of_case(&format!("status: 200\n{expect}"));
        project.write("schemas/a.json", schema);
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(200_000));
        let head = format!(
            "HTTP/1.1 200 OK\nContent-Type: application/json\nX-Long: {}!",
            "x".repeat(60_000)
        );
        let server = Server::always(&head, &body);
        let begun = Instant::now();
        let ran = project.run(&["run", "--target", &server.url(), "--timeout", "5s"]);
        assert_eq!(ran.code, 1, "{expect}: {ran:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(6),
            "{expect}: {:?}",
            begun.elapsed()
        );
    }
    for bomb in ["((a{1000}){1000}){1000}", "(a|b|c){99999}"] {
        let project = Project::of_case(&format!(
            "status: 200\nbody: {{ json: {{ a: {{ $matches: '{bomb}' }} }} }}"
        ));
        refused(&project, &["validate"], "not a regular expression");
        let project = Project::of_case("status: 200\nbody: { schema: a.json }");
        project.write("schemas/a.json", &format!("{{ \"pattern\": \"{bomb}\" }}"));
        refused(&project, &["validate"], "a.json");
    }
}

#[test]
fn hostile_recording_is_rejected_or_reported_in_part() {
    let project = project();
    let server = Server::start(|_| (response("HTTP/1.1 200 OK", ""), crate::support::Then::Keep));
    assert_eq!(
        project
            .run(&["run", "--target", &server.url(), "--record", "run.ndjson"])
            .code,
        0
    );
    let whole = project.read("run.ndjson");
    let first = whole.split_inclusive('\n').next().unwrap().to_owned();
    for (tail, says) in [
        (format!("{}\n", "{\"a\":".repeat(200_000)), "line 2"),
        (format!("{}\n", "[".repeat(200_000)), "line 2"),
        ("{\"event\":\"case-finished\"}\n".to_owned(), "line 2"),
        ("\u{0}\u{1}\n".to_owned(), "line 2"),
    ] {
        project.write("bad.ndjson", &(first.clone() + &tail));
        for command in ["report", "recheck", "merge"] {
            refused(&project, &[command, "bad.ndjson"], says);
        }
    }
    // A line that never ends, and a file that is nothing but one.
    project.write("long.ndjson", &first);
    let file = File::options()
        .append(true)
        .open(project.path().join("long.ndjson"))
        .unwrap();
    file.set_len(HUGE).unwrap();
    for command in ["report", "recheck", "merge"] {
        refused(&project, &[command, "long.ndjson"], "it is longer than 67108864 bytes");
    }
    huge(&project, "zeros.ndjson");
    refused(&project, &["report", "zeros.ndjson"], "not a recording");
}

#[test]
fn full_disk_exits_5_and_other_outputs_are_whole() {
    let project = project();
    let server = Server::always("HTTP/1.1 200 OK", "");
    let formats = ["json", "junit", "html", "sarif", "tap", "markdown", "github"];
    for full in formats {
        let broken = format!("{full}=/dev/full");
        let other = if full == "json" { "tap=whole" } else { "json=whole" };
        let url = server.url();
        let ran = project.run(&[
            "run", "--target", &url, "--report", &broken, "--report", other, "--record", "r.ndjson",
        ]);
        assert_eq!(ran.code, 5, "{full}: {ran:?}");
        assert!(
            ran.stderr
                .contains("failed to write the report `/dev/full`: No space left"),
            "{full}: {ran:?}"
        );
        let whole = project.read("whole");
        assert!(
            whole.contains("run-finished") || whole.contains("1..1"),
            "{full}: {whole}"
        );
        assert!(project.read("r.ndjson").contains("run-finished"), "{full}");
    }
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--record",
        "/dev/full",
        "--report",
        "tap=whole",
    ]);
    assert!(ran.code == 5 && ran.stderr.contains("No space left"), "{ran:?}");
    assert!(project.read("whole").contains("1..1"));
    // A quota: the file may not grow any more.
    std::fs::remove_file(project.path().join("whole")).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]);
    command.arg(conforme().get_program()).current_dir(project.path());
    command.args([
        "run",
        "--target",
        &server.url(),
        "--report",
        "html=page.html",
        "--report",
        "tap=whole",
    ]);
    let ran = crate::support::ran(command.stdin(Stdio::null()));
    assert!(
        ran.code == 5 && ran.stderr.contains("failed to write the report `page.html`"),
        "{ran:?}"
    );
    assert!(!project.has("page.html") && project.read("whole").contains("1..1"));
}

#[test]
fn a_secret_of_a_command_that_floods_or_fails_is_refused() {
    let project = project();
    for (command, says) in [
        ("['cat', '/dev/zero']", "it is longer than 1048576 bytes"),
        ("['sh', '-c', 'echo x; exit 3']", "`sh` ended with exit status: 3"),
        ("['no-such-program-here']", "failed to run `no-such-program-here`"),
    ] {
        let toml = format!(
            "[targets.t]\nbase_url = 'http://127.0.0.1:9'\n[targets.t.secrets]\ntoken = {{ command = {command} }}\n"
        );
        project.write("conforme.toml", &toml);
        project.write("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n");
        refused(&project, &["run", "--target", "t"], says);
    }
}
