//! `--report shell`: a script that sends the requests of failed cases again, run by a real `sh` with a real curl.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use regex::Regex;

use crate::support::{Project, Ran, Server, Then, ran, response, skips};

/// A shop with new ids for each order. It keeps its requests.
#[derive(Default)]
struct Shop {
    created: u32,
    polls: u32,
    requests: Vec<String>,
}

impl Shop {
    fn respond(&mut self, request: &str) -> Vec<u8> {
        self.requests.push(request.to_owned());
        let line = request.lines().next().unwrap_or_default();
        let number = self.created;
        match line.split([' ', '?']).take(2).collect::<Vec<_>>()[..] {
            ["POST", "/orders"] => {
                self.created += 1;
                self.polls = 0;
                let number = self.created;
                response(
                    &format!(
                        "HTTP/1.1 201 Created\nLocation: /orders/41{number}?a=%2F\nSet-Cookie: sid=s3ss10n-{number}-AbCd; Path=/; HttpOnly\n\
                         Set-Cookie: other=x{number}; Path=/\nContent-Type: application/json"
                    ),
                    &format!(
                        "{{\"id\":41{number},\"n\":{{\"a/b\":[0,\"k y\\\"{number}\"]}},\"token\":\"t0ken-{number}-xyz\"}}"
                    ),
                )
            }
            ["GET", "/state"] => {
                self.polls += 1;
                let status = if self.polls > 2 { "200 OK" } else { "404 Not Found" };
                response(
                    &format!("HTTP/1.1 {status}\nContent-Type: text/plain"),
                    &format!("order number={number}7;"),
                )
            }
            ["DELETE", _] => response("HTTP/1.1 204 No Content", ""),
            _ => response("HTTP/1.1 200 OK", "{}"),
        }
    }
}

const CASE: &str = r#"
request: { headers: { X-Api: "{{ token }}" } }
steps:
  - id: create
    request: { method: POST, path: /orders, body: { json: { for: "c-{{ run_id }}@example.test", id: "{{ case_id }}" } } }
    expect: { status: 201 }
    capture:
      order: { header: location, matches: '/orders/([0-9]+)' }
      number: /id
      odd: "$.n['a/b'][1]"
      session: { cookie: sid, secret: true }
      bearer: { json: /token, secret: true }
  - id: state
    request: { path: /state, query: { odd: "{{ odd }}" } }
    eventually: { within: 20s, every: 1ms }
    expect: { status: 200 }
    capture: { seen: { text: "number=([0-9]+);" } }
  - id: again
    follow: create
    expect: { status: 200 }
  - id: update
    request:
      method: PUT
      path: "/orders/{id}/{seen}"
      params: { id: "{{ order }}", seen: "{{ seen }}" }
      headers: { Authorization: "Bearer {{ bearer }}", X-Key: "{{ uuid }}" }
      body: { json: { id: "{{ number }}", odd: "{{ odd }}", note: "it's $HOME `id`\n::x::\t\u0001" } }
    expect: { status: 418 }
  - id: never
    request: { path: /never }
    expect: { status: 200 }
teardown:
  - id: cancel
    request: { method: DELETE, path: "/orders/{id}", params: { id: "{{ order }}" } }
    expect: { status: 204 }
"#;

const SUITE: &str = "inputs: { token: { description: t, secret: true } }\n";
const SECRET: &str = "s3cret-of-target";

/// A run that fails, its script, and what the server saw.
fn failed(case: &str) -> (Project, Server, Arc<Mutex<Shop>>) {
    let project = Project::new(&[("cases/s/suite.yaml", SUITE), ("cases/s/c.yaml", case)]);
    let shop = Arc::new(Mutex::new(Shop::default()));
    let kept = Arc::clone(&shop);
    let server = Server::start(move |request| (kept.lock().unwrap().respond(request), Then::Keep));
    let mut command = project.command(&[
        "run",
        "--target",
        &server.url(),
        "--report",
        "shell=repro.sh",
        "--record",
        "run.ndjson",
    ]);
    let run = ran(command.env("CONFORME_SECRET_TOKEN", SECRET));
    assert_eq!(run.code, 1, "{run:?}");
    (project, server, shop)
}

fn sh(project: &Project, arguments: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command.arg("repro.sh").args(arguments).current_dir(project.path());
    ran(command.env("CONFORME_SECRET_TOKEN", SECRET))
}

/// Requests with their ids and other new values replaced; header fields in any order and their names in lower case, since
/// curl sends its own fields first and names as written.
fn comparable(requests: &[String], order: &str) -> Vec<String> {
    let replaced = [
        (format!("41{order}\\b"), "ID"),
        (format!("\\b{order}7\\b"), "SEEN"),
        (format!("(s3ss10n|t0ken)-{order}-"), "$1-N-"),
        (format!("x{order}\\b"), "xN"),
        (format!("(k( |%20|\\+)y\\W+(22)?){order}"), "${1}N"),
        ("c-[a-z0-9]{10}@".to_owned(), "c-RUN@"),
        ("\"id\":\"[a-z0-9]{10}\"".to_owned(), "CASE"),
        ("[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}".to_owned(), "UUID"),
    ];
    let replaced = replaced.map(|(pattern, with)| (Regex::new(&pattern).unwrap(), with));
    let one = |request: &String| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
        lines[1..].sort_by_key(|line| line.to_lowercase());
        for line in &mut lines[1..] {
            if let Some((name, value)) = line.split_once(':') {
                *line = format!("{}:{value}", name.to_lowercase());
            }
        }
        let text = format!("{}\n\n{body}", lines.join("\n"));
        replaced.iter().fold(text, |text, (pattern, with)| {
            pattern.replace_all(&text, *with).into_owned()
        })
    };
    requests.iter().map(one).collect()
}

#[test]
fn script_sends_the_same_requests_with_new_values() {
    let (project, _server, shop) = failed(CASE);
    let script = project.read("repro.sh");
    for hidden in [SECRET, "s3ss10n", "t0ken-1"] {
        assert!(!script.contains(hidden), "{hidden}: {script}");
    }
    assert!(script.contains(": \"${CONFORME_SECRET_TOKEN:?"), "{script}");
    let first = std::mem::take(&mut shop.lock().unwrap().requests);
    let again = sh(&project, &[]);
    assert_eq!(
        (again.code, again.stderr.as_str()),
        (0, ""),
        "{}\n{script}",
        again.stdout
    );
    let second = std::mem::take(&mut shop.lock().unwrap().requests);
    assert_eq!(comparable(&second, "2"), comparable(&first, "1"), "{script}");
    assert_eq!(second.len(), 7);
    // The values are new, and secret ones are not printed as captures.
    assert!(
        again.stdout.contains("ORDER = 412\n") && again.stdout.contains("SESSION = (secret)\n"),
        "{}",
        again.stdout
    );
    // The recording has the same script.
    let from_recording = project.run(&["report", "run.ndjson", "--report", "shell"]);
    assert_eq!(from_recording.stdout, script);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(project.path().join("repro.sh"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}

#[test]
fn script_is_valid_for_sh_and_lists_its_cases() {
    let (project, _server, _) = failed(CASE);
    let mut checks = vec![vec!["sh", "-n"]];
    if !skips(
        "shellcheck",
        Command::new("shellcheck").arg("--version").output().is_ok(),
    ) {
        checks.push(vec!["shellcheck"]);
    }
    for check in checks {
        let mut command = Command::new(check[0]);
        command.args(&check[1..]).arg("repro.sh").current_dir(project.path());
        let checked = ran(&mut command);
        assert_eq!(
            (checked.code, checked.stdout.as_str()),
            (0, ""),
            "{}",
            project.read("repro.sh")
        );
    }
    assert_eq!(sh(&project, &["--list"]).stdout, "s/c\n");
    let unknown = sh(&project, &["s/x"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("s/x: there is no such case"),
        "{}",
        unknown.stderr
    );
    let mut command = Command::new("sh");
    command
        .arg("repro.sh")
        .current_dir(project.path())
        .env_remove("CONFORME_SECRET_TOKEN");
    let unset = ran(&mut command);
    assert!(
        unset.code != 0 && unset.stderr.contains("CONFORME_SECRET_TOKEN"),
        "{unset:?}"
    );
}

#[test]
fn script_cleans_up_what_it_created_if_a_step_gets_no_response() {
    let (project, server, shop) = failed(CASE);
    shop.lock().unwrap().requests.clear();
    // The second request goes to a port where nothing listens.
    let script = project.read("repro.sh");
    let broken = script.replace(&format!("'{}/state", server.url()), "'http://127.0.0.1:1/state");
    assert_ne!(script, broken);
    project.write("repro.sh", &broken);
    let again = sh(&project, &[]);
    assert_eq!(again.code, 1, "{again:?}");
    let lines: Vec<_> = shop
        .lock()
        .unwrap()
        .requests
        .iter()
        .map(|one| one.lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(lines, ["POST /orders HTTP/1.1", "DELETE /orders/412 HTTP/1.1"]);
}

#[test]
fn script_without_failed_cases_states_so() {
    let project = Project::new(&[("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 200 }\n")]);
    let server = Server::always("HTTP/1.1 200 OK", "{}");
    let run = project.run(&["run", "--target", &server.url(), "--report", "shell=repro.sh"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        project.read("repro.sh").contains("# None of 1 case failed"),
        "{}",
        project.read("repro.sh")
    );
    assert_eq!(sh(&project, &[]).code, 0);
    let compared = project.run(&["compare", "--baseline", "a", "--candidate", "b", "--report", "shell"]);
    assert_eq!(compared.code, 2, "{compared:?}");
}

#[test]
fn script_asks_for_values_that_plain_tools_cannot_find() {
    let case = CASE.replace("number: /id", "number: \"$..id\"");
    let (project, ..) = failed(&case);
    let script = project.read("repro.sh");
    assert!(
        script.contains(": \"${NUMBER:?set it to the value of number in the response of the step create}\""),
        "{script}"
    );
}

#[test]
fn script_and_commands_filter_captured_values_again() {
    let filtered = r#"X-Key: "{{ uuid }}", X-A: "{{ odd | upper | base64 }}", X-B: "{{ session | base64url }}/{{ order | sha256 }}",
        X-C: "{{ session | swap_case }}", X-D: "{{ session | drop_last }}{{ odd | lower }}", X-E: "{{ now }}", X-F: "{{ odd | url_encode }}""#;
    let case = CASE.replace("X-Key: \"{{ uuid }}\"", filtered);
    let (project, _server, shop) = failed(&case);
    let first = std::mem::take(&mut shop.lock().unwrap().requests);
    let again = sh(&project, &[]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{}", again.stdout);
    let second = std::mem::take(&mut shop.lock().unwrap().requests);
    let header = |requests: &[String], name: &str| {
        let lines = requests[5].lines();
        let value = lines.filter_map(|line| line.split_once(": ").filter(|(own, _)| own.eq_ignore_ascii_case(name)));
        value.map(|(_, value)| value.to_owned()).next().unwrap()
    };
    // The values of the first and of the second order.
    let digest = |number: u32| {
        let digest = ring::digest::digest(&ring::digest::SHA256, format!("41{number}").as_bytes());
        let digits: Vec<_> = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    };
    let expected = |number: u32| {
        use base64::{
            Engine as _,
            engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
        };
        [
            ("x-a", STANDARD.encode(format!("K Y\"{number}"))),
            (
                "x-b",
                format!(
                    "{}/{}",
                    URL_SAFE_NO_PAD.encode(format!("s3ss10n-{number}-AbCd")),
                    digest(number)
                ),
            ),
            ("x-c", format!("S3SS10N-{number}-aBcD")),
            ("x-d", format!("s3ss10n-{number}-AbCk y\"{number}")),
            ("x-f", format!("k%20y%22{number}")),
        ]
    };
    for (requests, number) in [(&first, 1), (&second, 2)] {
        for (name, value) in expected(number) {
            assert_eq!(header(requests, name), value, "{name} of order {number}");
        }
    }
    assert!(header(&second, "x-e").starts_with("20"), "{second:?}");
}

#[test]
fn printed_commands_send_the_same_requests_with_new_values() {
    if skips("bash", Command::new("bash").arg("--version").output().is_ok()) {
        return;
    }
    let case = CASE
        .replace(
            "X-Key: \"{{ uuid }}\"",
            "X-Key: \"{{ uuid }}\", X-Basic: \"Basic {{ session | base64 }}\"",
        )
        .replace("within: 20s, every: 1ms", "within: 20s, every: 10ms");
    let (project, server, shop) = failed(&case);
    let first = std::mem::take(&mut shop.lock().unwrap().requests);
    let report = project.run(&["report", "run.ndjson", "--report", "tap"]).stdout;
    let texts = report.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let texts = texts.filter_map(|text| serde_json::from_str::<String>(text).ok());
    let lines: Vec<_> = texts
        .filter_map(|text| Some(text.strip_prefix("reproduce: ")?.to_owned()))
        .collect();
    assert_eq!(lines.len(), 5, "{report}");
    for note in [
        "($RUN_ID is generated: ",
        "($ORDER is captured by the step `create`)",
        "($LOCATION is the URL in the `Location` of the step `create`)",
        "($COOKIE_SID is the cookie `sid` that the step `create` sets)",
    ] {
        assert!(report.contains(note), "{note}\n{report}");
    }
    let location = format!("{}/orders/412?a=%2F", server.url());
    let values = [
        ("CONFORME_SECRET_TOKEN", SECRET),
        ("RUN_ID", "abcdefghij"),
        ("CASE_ID", "0123456789"),
        ("UUID", "00000000-0000-4000-8000-000000000000"),
        ("ORDER", "412"),
        ("NUMBER", "412"),
        ("ODD", "k y\"2"),
        ("SESSION", "s3ss10n-2-AbCd"),
        ("BEARER", "t0ken-2-xyz"),
        ("SEEN", "27"),
        ("LOCATION", &location),
        ("COOKIE_SID", "s3ss10n-2-AbCd"),
        ("COOKIE_OTHER", "x2"),
    ];
    for line in &lines {
        // The recorded run polled three times.
        let times = if line.contains("/state") { 3 } else { 1 };
        for _ in 0..times {
            let mut shell = Command::new("bash");
            let done = shell
                .args(["-c", line])
                .envs(values)
                .env_remove("http_proxy")
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{line}");
        }
    }
    let second = std::mem::take(&mut shop.lock().unwrap().requests);
    let basic = |number: u32| format!("Basic {}", base64_of(&format!("s3ss10n-{number}-AbCd")));
    let first: Vec<_> = first.iter().map(|one| one.replace(&basic(1), "BASIC")).collect();
    let second: Vec<_> = second.iter().map(|one| one.replace(&basic(2), "BASIC")).collect();
    assert!(second.iter().any(|one| one.contains("BASIC")), "{second:?}");
    assert_eq!(comparable(&second, "2"), comparable(&first, "1"), "{lines:#?}");
    // Short numbers are variables too.
    assert!(!lines[2..].iter().any(|line| line.contains("411")), "{lines:#?}");
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
