//! The output of a run, to the byte, and the help texts.

use crate::support::{Project, Server, conforme, ran};

/// Ports, durations and everything else that differs each time, made the same.
fn still(text: &str, server: &Server) -> String {
    let text = text.replace(&server.url(), "http://TARGET");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match from.find("s]") {
            Some(end) if from[1..end].trim().parse::<f64>().is_ok() => {
                out.push_str("[TIME]");
                rest = &from[end + 2..];
            }
            _ => {
                out.push('[');
                rest = &from[1..];
            }
        }
    }
    out + rest
}

#[test]
fn a_run_reads_as_documented() {
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "inputs: { token: { secret: true }, other: { optional: true } }\n",
        ),
        (
            "cases/s/a-good.yaml",
            "request: { path: /a }\nexpect: { status: 401 }\n",
        ),
        (
            "cases/s/b-bad.yaml",
            "name: It is what it is\nrequest:\n  method: POST\n  path: /b\n  headers: { Authorization: \"Bearer {{ token }}\" }\n  \
             body: { json: { a: it's } }\nexpect:\n  status: 200\n  headers: { x-id: { matches: '^[0-9]+$' } }\n  body:\n    \
             json: { n: 1, list: [1, 2], when: { $within: 5m } }\n",
        ),
        (
            "cases/s/c-off.yaml",
            "skip: the server is being rebuilt\nrequest: { path: /c }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/d-lacks.yaml",
            "request: { path: \"/{{ other }}\" }\nexpect: { status: 200 }\n",
        ),
    ]);
    let server = Server::always(
        "HTTP/1.1 401 Unauthorized\nContent-Type: application/json\nX-Id: \u{202e}none",
        r#"{"n":2,"list":[1]}"#,
    );
    let mut command = project.command(&["run", "--target", &server.url(), "--jobs", "1"]);
    let ran = ran(command.env("CONFORME_SECRET_TOKEN", "a-secret-token"));
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let expected = r#"    Starting 4 cases of 1 suite against http://TARGET
────────────
        SKIP [         ] s/c-off
             the server is being rebuilt
        SKIP [         ] s/d-lacks
             the target does not define `other` (--var other=…)
        PASS [TIME] s/a-good
        FAIL [TIME] s/b-bad

    It is what it is
    status: expected 200, got 401
      --> cases/s/b-bad.yaml:8:11
    header/x-id: expected a match of ^[0-9]+$, got \u{202e}none
      --> cases/s/b-bad.yaml:9:20
      expected: a match of ^[0-9]+$
        actual: \u{202e}none
    body/json at /n: expected 1, got 2
      --> cases/s/b-bad.yaml:11:13
    body/json at /list: expected 2 items, got 1 item: [1]
      --> cases/s/b-bad.yaml:11:19
    body/json at /when: expected a date within 5m of the response, got (absent)
      --> cases/s/b-bad.yaml:11:33
    warning: http/challenge: 401 has no `WWW-Authenticate`: expected a `www-authenticate` header, got (absent)
      --> cases/s/b-bad.yaml:1:1
    response: HTTP/1.1 401 Unauthorized, 18 bytes
    reproduce: curl -sS -i -X POST http://TARGET/b -H 'Authorization: Bearer '"$CONFORME_SECRET_TOKEN" -H 'content-type: application/json' -H 'accept: */*' -H 'accept-encoding: identity' -H 'user-agent: conforme/0.1.0' --data-binary '{"a":"it'\''s"}'

────────────
     Summary [TIME] The contract is broken: 1 of 4 cases passed, 2 skipped, 1 failed, 2 warnings
        FAIL s/b-bad
     WARNING http/challenge: 401 has no `WWW-Authenticate` (s/a-good and 1 more case)
"#;
    let shown = still(&ran.stdout, &server);
    // Both responses are watched until the end of the run, so either verdict can come first.
    let passed = "        PASS [TIME] s/a-good\n";
    let rest = |text: &str| text.replacen(passed, "", 1);
    assert!(shown.contains(passed) && rest(&shown) == rest(expected), "{shown}");
}

#[test]
fn the_help_names_every_flag_of_run() {
    let help = ran(conforme().args(["run", "--help"]));
    assert_eq!(help.code, 0);
    for flag in [
        "--target",
        "--var",
        "--tag",
        "--jobs",
        "--timeout",
        "--snapshots",
        "--report",
        "--allow",
        "--ca-file",
        "--project",
        "--color",
    ] {
        assert!(help.stdout.contains(flag), "{flag}: {}", help.stdout);
    }
    let wrong = ran(conforme().args(["run", "--tarket", "x"]));
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("--target"), "{}", wrong.stderr);
}

#[test]
fn logs_of_ci_systems_that_show_colors_have_them() {
    let project = Project::of_case("status: 204");
    let server = Server::always("HTTP/1.1 204 No Content", "");
    let run = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = project.command(&[&["run", "--target", &server.url()], flags].concat());
        ran(command.env("CI", "true").envs(variables.iter().copied()))
            .stdout
            .contains("\u{1b}[")
    };
    let github = ("GITHUB_ACTIONS", "true");
    assert!(run(&[github], &[]) && run(&[("GITLAB_CI", "true")], &[]) && run(&[("TF_BUILD", "True")], &[]));
    assert!(!run(&[], &[]) && !run(&[("JENKINS_URL", "http://ci")], &[]));
    assert!(!run(&[github, ("NO_COLOR", "1")], &[]) && !run(&[github], &["--color", "never"]));
    assert!(run(&[("CLICOLOR_FORCE", "1")], &[]) && run(&[], &["--color", "always"]));
    // A file that a step redirects to is not the log.
    let file = std::fs::File::create(project.path().join("out")).unwrap();
    let mut command = project.command(&["run", "--target", &server.url()]);
    let status = command.env("GITHUB_ACTIONS", "true").stdout(file).status().unwrap();
    assert!(status.success() && !project.read("out").contains('\u{1b}'));
}
