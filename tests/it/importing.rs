//! `conforme import curl`: the imported suite sends what curl sends.

mod bruno;
mod corpus;
mod har;
mod openapi;
mod postman;

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use crate::support::{Project, Ran, Server, Then, conforme, ran, response};
use corpus::{CORPUS, FILES, Line};

/// A server that keeps every request.
struct Recorder {
    server: Server,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    fn start() -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let server = Server::start(move |request| {
            kept.lock().unwrap().push(request.to_owned());
            (response("HTTP/1.1 200 OK", ""), Then::Keep)
        });
        Self { server, requests }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn host(&self) -> String {
        self.server.url().replace("http://", "")
    }
}

/// A request without what differs between programs: the order and the case of field names, the name of the program, a
/// boundary, a length of 0.
fn comparable(request: &str) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap().to_owned();
    let mut fields: Vec<_> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            format!("{}: {}", name.to_lowercase(), value.trim())
        })
        .filter(|line| {
            let noise = [
                // Versions of curl differ in when they send it.
                "expect: 100-continue",
                "user-agent: curl/",
                "user-agent: conforme/",
                "accept-encoding: identity",
                "content-length: 0",
            ];
            !noise.iter().any(|noise| line.starts_with(noise))
        })
        .collect();
    fields.sort();
    let boundary = regex::Regex::new("-{24}[0-9a-z]{16}").unwrap();
    let text = format!("{first}\n{}\n\n{body}", fields.join("\n"));
    boundary.replace_all(&text, "BOUNDARY").into_owned()
}

/// A folder with the files that commands name.
fn folder() -> Project {
    let project = Project::new(&[]);
    for (name, bytes) in FILES {
        std::fs::write(project.path().join(name), bytes).unwrap();
    }
    project
}

/// Runs the program with a text as its standard input.
fn fed(project: &Project, arguments: &[&str], text: &str) -> Ran {
    let mut command = project.command(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

fn import(project: &Project, text: &str) -> Ran {
    fed(project, &["import", "curl", "-", "--to", "cases/x"], text)
}

/// What the files of a folder contain.
fn written(project: &Project, folder: &str) -> String {
    let mut text = String::new();
    let mut paths: Vec<_> = std::fs::read_dir(project.path().join(folder))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths {
        text += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
    }
    text
}

/// The requests of the real curl, or `None` without one.
fn sent_by_curl(line: &Line, command: &str, recorder: &Recorder) -> Option<Vec<String>> {
    let folder = folder();
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder.path())
        .envs(line.env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(recorder.take())
}

#[test]
fn imported_suite_sends_what_curl_sends() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: no curl");
        return;
    }
    let recorder = Recorder::start();
    let mut wrong = Vec::new();
    for line in CORPUS {
        let command = line.command.replace("HOST", &recorder.host());
        let Some(expected) = sent_by_curl(line, &command, &recorder) else {
            return;
        };
        let project = folder();
        let imported = import(&project, &command);
        if imported.code != 0 {
            wrong.push(format!("{command}\n{}", imported.stderr));
            continue;
        }
        let mut run = project.command(&["run", "--target", &recorder.server.url(), "--jobs", "1"]);
        for (name, value) in line.secrets {
            run.env(format!("CONFORME_SECRET_{name}"), value);
        }
        for (name, value) in line.vars {
            run.args(["--var", &format!("{name}={value}")]);
        }
        let run = ran(&mut run);
        let sent = recorder.take();
        let mut expected: Vec<_> = expected.iter().map(|one| comparable(one)).collect();
        let mut sent: Vec<_> = sent.iter().map(|one| comparable(one)).collect();
        expected.sort();
        sent.sort();
        let files = written(&project, "cases/x");
        let leaked = line.secrets.iter().find(|(_, value)| files.contains(value));
        if run.code != 0 || sent != expected || leaked.is_some() {
            wrong.push(format!(
                "{command}\n--- curl\n{}\n--- conforme ({})\n{}\n{}{}\n--- files (leak: {leaked:?})\n{files}",
                expected.join("\n"),
                run.code,
                sent.join("\n"),
                run.stdout,
                run.stderr
            ));
        }
        if imported.stdout.contains("not imported") != line.has_notes {
            wrong.push(format!("{command}\n{}", imported.stdout));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CORPUS.len(),
        wrong.join("\n========\n")
    );
}

#[test]
fn suite_is_written_for_people() {
    let project = Project::new(&[("schemas/case.schema.json", "{}"), ("schemas/suite.schema.json", "{}")]);
    let text = "curl -L -X POST https://api.example.com/v1/users?notify=true \\\n  \
                -H 'Authorization: Bearer s3cr3t-token-1' -H 'Content-Type: application/json' \\\n  \
                -d '{\n  \"name\": \"Ada\",\n  \"password\": \"correct horse\"\n}'\n";
    let imported = import(&project, text);
    assert_eq!((imported.code, imported.stderr.as_str()), (0, ""));
    let expected = "wrote cases/x/suite.yaml\nwrote cases/x/post-v1-users.yaml\n\
        not imported: -L (--location): redirects are not followed: check the `location`, or add a step with `follow` \
        (cases/x/post-v1-users.yaml)\n\nset the secrets before a run:\n  \
        export CONFORME_SECRET_TOKEN=...   # the header field `Authorization`\n  \
        export CONFORME_SECRET_PASSWORD=...   # the property `password`\n\n\
        next: conforme run cases/x --target https://api.example.com\n";
    assert_eq!(imported.stdout, expected);
    let suite = "# yaml-language-server: $schema=../../schemas/suite.schema.json\nname: Imported from curl\ninputs:\n  \
        token: { description: \"the header field `Authorization`\", secret: true }\n  \
        password: { description: \"the property `password`\", secret: true }\n";
    assert_eq!(project.read("cases/x/suite.yaml"), suite);
    let case = "# yaml-language-server: $schema=../../schemas/case.schema.json\nname: POST /v1/users\n\
        # not imported: -L (--location): redirects are not followed: check the `location`, or add a step with `follow`\n\
        request:\n  method: POST\n  path: /v1/users\n  query: { notify: \"true\" }\n  \
        headers: { Authorization: \"Bearer {{ token }}\", Content-Type: application/json }\n  body:\n    text: |-\n      {\n        \
        \"name\": \"Ada\",\n        \"password\": \"{{ password }}\"\n      }\nexpect: { status: 2xx }\n";
    let shown = project.read("cases/x/post-v1-users.yaml");
    assert!(shown == case, "{shown}");
    let strict = fed(
        &Project::new(&[]),
        &["import", "curl", "-", "--to", "cases/x", "--strict"],
        text,
    );
    assert_eq!(strict.code, 1);
    assert!(strict.stdout.starts_with("wrote "), "{}", strict.stdout);
}

#[test]
fn files_are_never_overwritten() {
    let project = Project::new(&[]);
    let command = "curl http://127.0.0.1:9/users -H 'X-Api-Key: abcdefgh'";
    assert_eq!(project.run(&["import", "curl", command, "--to", "cases/x"]).code, 0);
    let again = project.run(&["import", "curl", command, "--to", "cases/x"]);
    assert_eq!(again.code, 2);
    assert!(
        again
            .stderr
            .contains("`cases/x/get-users.yaml` exists; nothing was written"),
        "{}",
        again.stderr
    );
    // A second command in the same suite uses its inputs.
    let more = project.run(&["import", "curl", &command.replace("users", "teams"), "--to", "cases/x"]);
    assert_eq!(more.code, 0, "{}", more.stderr);
    let other = "curl http://127.0.0.1:9/other -u ada:password1";
    let other = project.run(&["import", "curl", other, "--to", "cases/x"]);
    assert_eq!(other.code, 2);
    let message = "`cases/x/suite.yaml` exists and does not declare `password`; nothing was written";
    assert!(other.stderr.contains(message), "{}", other.stderr);
    assert!(!project.has("cases/x/get-other.yaml"));
    let valid = project.run(&["validate"]);
    assert_eq!((valid.code, valid.stdout.as_str()), (0, "valid: 2 cases in 1 suite\n"));
}

#[test]
fn unusable_sources_are_errors() {
    for (text, part) in [
        ("wget http://h/", "there is no curl command"),
        ("curl", "the curl command has no URL"),
        ("curl 'http://h/", "the curl command: a quote `'` is not closed"),
        ("curl --dta x http://h/", "help: did you mean `--data`?"),
        ("curl ftp://h/", "only `http` and `https` are supported"),
        ("curl http://h/ -d @missing.json", "failed to read `missing.json`"),
        ("curl http://h/ -d @-", "`@-` reads standard input"),
        ("curl http://h/ -H", "`-H (--header)` has no value"),
    ] {
        let project = Project::new(&[]);
        let failed = import(&project, text);
        assert_eq!(failed.code, 2, "{text}: {}", failed.stdout);
        assert!(failed.stderr.contains(part), "{text}: {}", failed.stderr);
        assert!(!project.has("cases"), "{text}");
    }
    let project = Project::new(&[]);
    for to in ["../x", "/tmp/x", "cases/x.yaml"] {
        let failed = project.run(&["import", "curl", "curl http://h/", "--to", to]);
        assert!(
            failed.code == 2 && failed.stderr.contains("--to"),
            "{to}: {}",
            failed.stderr
        );
    }
}

#[test]
fn everything_without_a_counterpart_is_noted() {
    for (text, notes) in [
        (
            "curl -k --digest http://h/",
            &["-k (--insecure): certificates", "--digest: only Basic"][..],
        ),
        (
            "curl --cacert ca.pem -x http://p http://h/",
            &["--cacert: ", "-x (--proxy): "],
        ),
        ("curl http://h/ | jq .", &["the pipe to `jq .`"]),
        ("export A=1; curl http://h/", &["the command `export`"]),
        (
            "curl http://h/ http://other/x",
            &["the origin http://other: the suite is for http://h"],
        ),
        ("curl -H 'Accept:' http://h/", &["the removal of `Accept`"]),
        (
            "curl -b jar.txt http://h/",
            &["-b (--cookie) jar.txt: a file of cookies"],
        ),
        ("curl 'http://h/[1-3]'", &["the set of URLs that `[` begins"]),
        ("curl 'http://h/?q=ü'", &["the character 'ü' of the query"]),
        ("curl -X post http://h/", &["the method `post`"]),
        ("curl \"http://h/${A:-b}\"", &["the expansion `${A:-b}`"]),
        ("curl http://h/$(id -u)", &["the output of `id -u`"]),
    ] {
        let project = Project::new(&[]);
        let imported = import(&project, text);
        assert_eq!(imported.code, 0, "{text}: {}", imported.stderr);
        for note in notes {
            assert!(
                imported.stdout.contains(&format!("not imported: {note}")),
                "{text}: {}",
                imported.stdout
            );
            assert!(
                written(&project, "cases/x").contains(&format!("# not imported: {note}")),
                "{text}: {}",
                written(&project, "cases/x")
            );
        }
        let valid = project.run(&["validate"]);
        assert_eq!(
            valid.code,
            0,
            "{text}: {}\n{}",
            valid.stderr,
            written(&project, "cases/x")
        );
    }
}

#[test]
fn short_secret_is_named_in_the_summary() {
    let imported = import(&Project::new(&[]), "curl 'http://h/?api_key=abc'");
    assert!(
        imported
            .stdout
            .contains("the value of `api_key` in the source is too short"),
        "{}",
        imported.stdout
    );
    assert!(!imported.stdout.contains("abc"), "{}", imported.stdout);
}

#[test]
fn import_has_help_with_examples() {
    let help = ran(conforme().args(["import", "curl", "--help"])).stdout;
    assert!(help.contains("Examples:") && help.contains("--strict"), "{help}");
}

#[test]
fn hurl_and_http_files_are_sent_as_they_are_written() {
    let recorder = Recorder::start();
    let url = recorder.server.url();
    let hurl = format!("POST {url}/a?x=1\nX-A: b\n[Query]\ny: a b\n```\nline 1\nline 2\n```\nHTTP 200\n");
    let http = format!("@host = {url}\n\n### One\nPOST {{{{host}}}}/a?x=1&y=a%20b\nX-A: b\n\nline 1\nline 2\n");
    let project = Project::new(&[("a.hurl", &hurl), ("a.http", &http.replace('\n', "\r\n"))]);
    for format in ["hurl", "http"] {
        let (source, to) = (format!("a.{format}"), format!("cases/{format}"));
        let imported = project.run(&["import", format, &source, "--to", &to, "--strict"]);
        assert_eq!(imported.code, 0, "{}{}", imported.stdout, imported.stderr);
        let run = project.run(&["run", &to, "--target", &url]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        let body = if format == "hurl" {
            "line 1\nline 2\n"
        } else {
            "line 1\nline 2"
        };
        let sent = comparable(&recorder.take().concat()).replace(&recorder.host(), "HOST");
        let length = body.len();
        let expected = format!(
            "POST /a?x=1&y=a%20b HTTP/1.1\naccept: */*\ncontent-length: {length}\nhost: HOST\nx-a: b\n\n{body}"
        );
        assert_eq!(sent, expected);
        let failed = fed(&project, &["import", format, "-", "--to", "cases/none"], "\n what\n");
        assert!(
            failed.code == 2 && failed.stderr.contains("standard input:2:2: expected"),
            "{}",
            failed.stderr
        );
    }
}

#[test]
fn http_environment_is_next_to_the_file() {
    let recorder = Recorder::start();
    let public = format!(
        r#"{{ "dev": {{ "host": "{}", "page": 2 }}, "prod": {{ "host": "https://h.example" }} }}"#,
        recorder.server.url()
    );
    let project = Project::new(&[
        (
            "api/a.http",
            "GET {{host}}/a?page={{page}}\nX-Api-Key: {{key}}\n\n### B\nGET {{host}}/b\nX-Env: {{$processEnv REGION}}\n",
        ),
        ("http-client.env.json", &public),
        ("http-client.private.env.json", r#"{ "dev": { "key": "abcdefgh12" } }"#),
    ]);
    let import = |name: &str, to: &str| {
        let arguments = ["import", "http", "api/a.http", "--environment", name, "--to", to];
        project.run(&arguments)
    };
    let imported = import("dev", "cases/api");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let end = format!(
        "next: conforme run cases/api --target {} --var region=...\n",
        recorder.server.url()
    );
    assert!(imported.stdout.ends_with(&end), "{}", imported.stdout);
    assert!(!(written(&project, "cases/api") + &imported.stdout).contains("abcdefgh12"));
    let url = recorder.server.url();
    let mut run = project.command(&["run", "--target", &url, "--var", "region=eu", "--jobs", "1"]);
    let run = ran(run.env("CONFORME_SECRET_KEY", "abcdefgh12"));
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let mut sent: Vec<_> = recorder.take().iter().map(|one| comparable(one)).collect();
    sent.sort();
    let host = recorder.host();
    let expected = [
        format!("GET /a?page=2 HTTP/1.1\naccept: */*\nhost: {host}\nx-api-key: abcdefgh12\n\n"),
        format!("GET /b HTTP/1.1\naccept: */*\nhost: {host}\nx-env: eu\n\n"),
    ];
    assert_eq!(sent, expected);
    let unknown = import("test", "cases/none");
    assert_eq!(unknown.code, 2);
    let help = "help: the environments of `http-client.env.json` are `dev`, `prod`";
    assert!(unknown.stderr.contains(help), "{}", unknown.stderr);
}
