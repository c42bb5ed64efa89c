//! What of all output a CI system that reads it takes for a command: nothing, but what `--report github` is for.

use std::process::Command;

use serde_json::json;

use crate::support::{Project, Server, Then, indent, response};

/// What GitHub's runner, Azure Pipelines or `TeamCity` would take for a command in a log, styles taken away.
pub(crate) fn commands(log: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = log;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("a style").1;
    }
    plain.push_str(rest);
    let is_mark = |rest: &str| {
        let word = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        word.starts_with('[')
    };
    let is_command =
        |line: &&str| line.trim().starts_with("::") || line.match_indices("##").any(|(at, _)| is_mark(&line[at + 2..]));
    plain
        .split(['\n', '\r'])
        .filter(is_command)
        .map(str::to_owned)
        .collect()
}

/// A server with commands in every part of its responses.
fn commanding() -> Server {
    Server::start(|_| {
        let body =
            "::error::x\n  ::stop-commands::x\n\t::error::y\n##[error]x\n ##vso[task.complete]x\n##teamcity[x]\n";
        let head = "HTTP/1.1 500 ::error::x\nContent-Type: text/plain\nX-Note: ##[error]x";
        (response(head, body), Then::Keep)
    })
}

#[test]
fn no_output_for_people_holds_a_command_of_a_ci_system() {
    let command_text = "::error::x\n ::error::y\n##[error]z";
    let expected = "status: 200\nheaders: { x-note: 'no' }\nbody: { text: { equals: \"a\\n::error::x\\n\\n  ::error::x\\nb\" } }\nsnapshot: true\n";
    let project = Project::new(&[
        (
            "cases/s/c.yaml",
            &format!(
                "name: \"::error::x ##[error]y\"\nrequest:\n  method: POST\n  path: /\n  body: {{ text: {} }}\nexpect:\n{}",
                json!(command_text),
                indent(expected)
            ),
        ),
        (
            "cases/s/d.yaml",
            "skip: '::error::x ##[error]y'\nrequest: { path: / }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/e.yaml",
            "request: { path: / }\nexpect: { status: 500, body: { text: { equals: \"  ::error::x\\nb\\n\" } } }\n",
        ),
    ]);
    let server = commanding();
    for color in ["always", "never"] {
        for more in [
            &["--verbose"][..],
            &["--report", "github"],
            &["--report", "markdown"],
            &["--report", "sarif"],
            &["--report", "json"],
            &["--report", "tap"],
        ] {
            let arguments = ["run", "--color", color, "--target", &server.url(), "--jobs=1"];
            let ran = project.run(&[&arguments, more].concat());
            assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
            let mut seen = commands(&ran.stderr);
            if more.last() == Some(&"github") {
                assert!(
                    ran.stdout
                        .lines()
                        .all(|line| line.starts_with("::error ") || line.starts_with("::warning ")),
                    "{}",
                    ran.stdout
                );
            } else {
                seen.extend(commands(&ran.stdout));
            }
            assert_eq!(seen, [] as [&str; 0]);
            let people = if more == ["--verbose"] {
                &ran.stdout
            } else {
                &ran.stderr
            };
            assert!(
                people.contains("\\u{3a}:error::x") && people.contains("\\u{23}#[error]"),
                "{people}"
            );
        }
    }
}

#[test]
fn what_is_spelled_out_in_json_reads_back_as_it_came() {
    let project = Project::of_case("status: 200\n");
    let server = commanding();
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json"]);
    let body = &ran.case("s/c")["steps"][0]["exchange"]["outcome"]["response"]["body"]["text"];
    assert!(body.as_str().unwrap().contains("\n##[error]x\n ##vso["), "{body}");
}

#[test]
fn an_error_that_quotes_a_recording_holds_no_command() {
    let project = Project::new(&[(
        "run.ndjson",
        &format!(
            "{}\n{}\n",
            r#"{"event":"run-started","format":2,"tool":"conforme","started":"2026-01-02T03:04:05Z","target":"t","base_url":"http://t","suites":1,"cases":1,"secrets":[],"suite_hash":"a"}"#,
            json!({ "event": "\u{1b}[31m\n::error::x\n##[error]x" })
        ),
    )]);
    let ran = project.run(&["report", "run.ndjson"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error::x"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    assert_eq!(commands(&ran.stderr), [] as [&str; 0]);
}

#[test]
fn a_curl_command_without_commands_in_it_sends_the_same_body() {
    if Command::new("curl").arg("--version").output().is_err()
        || Command::new("bash").arg("--version").output().is_err()
    {
        eprintln!("skipped: `curl` or `bash` is not installed");
        return;
    }
    let body = "a: ::1 'x' \\ \n::error::x\n\t ::y\n##[error]z ###vso[z]\n#:::: \u{202e}é\u{1b}";
    let project = Project::new(&[(
        "cases/s/c.yaml",
        &format!(
            "request: {{ method: POST, path: /, body: {{ text: {} }} }}\nexpect: {{ status: 500 }}\n",
            json!(body)
        ),
    )]);
    let (sender, bodies) = std::sync::mpsc::channel();
    let server = Server::start(move |request| {
        sender
            .send(request.split_once("\r\n\r\n").unwrap().1.to_owned())
            .unwrap();
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(commands(&ran.stdout), [] as [&str; 0]);
    let from = ran.stdout.find("curl ").expect("a command");
    let to = ran.stdout.find("\n\n────").expect("the summary");
    let line = ran.stdout[from..to].replace("\n    ", "\n");
    let shell = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(shell.status.success(), "{line}");
    assert_eq!(bodies.recv().unwrap(), body);
    assert_eq!(bodies.recv().unwrap(), body);
}
