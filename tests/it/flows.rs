//! Cases of several steps: captured values, waiting, cookies, and teardown that always runs.

mod cleanup;
mod elsewhere;
mod mail;
mod offline;
mod repeating;
mod script;
mod secrets;
mod skipped;
mod versions;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{Project, Ran, Server, Then, response};

const SECRET: &str = "s3ss10n-AbCdEf/0123+x=";

/// A shop whose state can be looked at from outside.
#[derive(Default)]
struct Shop {
    orders: BTreeMap<u32, u32>,
    created: u32,
    log: Vec<String>,
}

impl Shop {
    fn respond(&mut self, request: &str) -> Vec<u8> {
        let line = request.lines().next().unwrap_or_default();
        let (method, rest) = line.split_once(' ').unwrap_or_default();
        let path = rest.split(' ').next().unwrap_or_default().to_owned();
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        self.log.push(format!("{method} {path}"));
        let id = path.rsplit('/').next().and_then(|id| id.parse::<u32>().ok());
        let json =
            |head: &str, body: &Value| response(&format!("{head}\nContent-Type: application/json"), &body.to_string());
        match (method, path.split(['/', '?']).nth(1).unwrap_or_default(), id) {
            ("POST", "orders", _) => {
                self.created += 1;
                let id = 40 + self.created;
                self.orders.insert(id, 0);
                let head =
                    format!("HTTP/1.1 201 Created\nLocation: /orders/{id}\nSet-Cookie: sid={SECRET}; Path=/; HttpOnly");
                json(
                    &head,
                    &json!({ "id": id, "session": SECRET, "lines": [{ "sku": "A1", "n": 7 }, { "sku": "B2", "n": 8 }] }),
                )
            }
            ("GET", "orders", Some(id)) if self.orders.contains_key(&id) => {
                let polls = self.orders.entry(id).or_default();
                *polls += 1;
                let state = if *polls > 2 { "shipped" } else { "new" };
                json("HTTP/1.1 200 OK", &json!({ "id": id, "state": state }))
            }
            ("DELETE", "orders", Some(id)) if self.orders.remove(&id).is_some() => {
                response("HTTP/1.1 204 No Content", "")
            }
            ("POST", "echo", _) => {
                let cookie = request
                    .lines()
                    .find_map(|line| line.strip_prefix("cookie: "))
                    .unwrap_or_default();
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                json("HTTP/1.1 200 OK", &json!({ "cookie": cookie, "body": body }))
            }
            ("GET", "count", _) => json("HTTP/1.1 200 OK", &json!({ "orders": self.orders.len() })),
            ("POST", "uploads", _) => response("HTTP/1.1 202 Accepted\nLocation: /uploads/1?state=a%2Fb", ""),
            ("PUT", "uploads", _) => response("HTTP/1.1 201 Created\nLocation: /blobs/1", ""),
            ("PUT", "blobs", _) => response("HTTP/1.1 204 No Content", ""),
            ("GET", "elsewhere", _) => response("HTTP/1.1 302 Found\nLocation: http://other.invalid/x", ""),
            ("GET", "fold", _) => json(
                "HTTP/1.1 200 OK",
                &json!({ "value": "a\r\nX-Injected: 1", "none": null, "pin": "q7z" }),
            ),
            _ => response("HTTP/1.1 404 Not Found", ""),
        }
    }
}

fn shop() -> (Server, Arc<Mutex<Shop>>) {
    let shop = Arc::new(Mutex::new(Shop::default()));
    let kept = Arc::clone(&shop);
    let server = Server::start(move |request| (kept.lock().unwrap().respond(request), Then::Keep));
    (server, shop)
}

fn run(case: &str, arguments: &[&str]) -> (Project, Ran, Vec<String>) {
    let project = Project::new(&[("cases/s/c.yaml", case)]);
    let (server, shop) = shop();
    let url = server.url();
    let mut all = vec!["run", "--target", &url, "--record", "run.ndjson"];
    all.extend(arguments);
    let ran = project.run(&all);
    let shop = shop.lock().unwrap();
    assert!(
        shop.orders.is_empty() || !case.contains("teardown"),
        "leftovers: {:?}",
        shop.orders
    );
    (project, ran, shop.log.clone())
}

fn recorded(project: &Project) -> Value {
    let lines = project.read("run.ndjson");
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .into_iter()
        .find(|event| event["event"] == "case-finished")
        .unwrap()
}

fn step<'e>(case: &'e Value, id: &str) -> &'e Value {
    let steps = case["steps"].as_array().unwrap().iter();
    steps
        .into_iter()
        .find(|step| step["id"] == id)
        .unwrap_or_else(|| panic!("no step {id}: {case}"))
}

fn check<'e>(case: &'e Value, id: &str) -> &'e str {
    step(case, id)["findings"][0]["check"].as_str().unwrap_or_default()
}

const CREATE: &str = "
  - id: create
    request: { method: POST, path: /orders }
    expect: { status: 201 }
    capture: { order: /id }";

const CANCEL: &str = "
teardown:
  - id: cancel
    request: { method: DELETE, path: '/orders/{id}', params: { id: '{{ order }}' } }
    expect: { status: 204 }
";

const LIFECYCLE: &str = "
steps:
  - id: create
    request: { method: POST, path: /orders }
    expect: { status: 201, snapshot: true }
    snapshots: { headers: [location] }
    capture:
      order: { header: location, matches: '/orders/([0-9]+)$' }
      number: /id
      session: { cookie: sid, secret: true }
      line: { json: \"$.lines[?@.sku == 'A1'].n\" }
  - id: shipped
    request: { path: '/orders/{id}', params: { id: '{{ order }}' } }
    eventually: { within: 20s, every: 1ms }
    expect: { status: 200, body: { json: { id: '{{ number }}', state: shipped } }, snapshot: true }
  - id: again
    follow: create
    expect: { status: 200, same_as: shipped }
  - id: echo
    request:
      method: POST
      path: /echo
      body: { json: { run: '{{ run_id }}', line: '{{ line }}', key: '{{ uuid }}', session: '{{ session | base64 }}' } }
    expect:
      status: 200
      body:
        json: { cookie: 'sid={{ session }}', body: { line: '{{ line }}', key: '{{ uuid }}', run: '{{ run_id }}' } }
";

#[test]
fn values_of_responses_are_used_in_later_steps() {
    let (project, ran, log) = run(&format!("{LIFECYCLE}{CANCEL}"), &["--snapshots", "accept", "--verbose"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(log[0], "POST /orders");
    assert_eq!(log.last().unwrap(), "DELETE /orders/41");
    let case = recorded(&project);
    let create = &step(&case, "create")["captures"];
    assert_eq!(
        *create,
        json!({ "order": "41", "number": 41, "line": 7, "session": "$SESSION" })
    );
    assert_eq!(step(&case, "shipped")["polls"], 2);
    assert_eq!(step(&case, "cancel")["phase"], "teardown");
    let snapshot = project.read("snapshots/s/c+create.snap");
    for restored in [
        "location: /orders/{{ order }}",
        "\"id\": {{ number }}",
        "\"n\": {{ line }}",
        "\"n\": 8",
        "$SESSION",
    ] {
        assert!(snapshot.contains(restored), "{restored}: {snapshot}");
    }
    // Another run has other ids, and the same verdict and snapshots.
    let (server, shop) = shop();
    shop.lock().unwrap().created = 500;
    let again = project.run(&["run", "--target", &server.url(), "--record", "again.ndjson"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(project.run(&["recheck", "again.ndjson"]).code, 0);
    let compared = project.run(&["compare", "--baseline", "run.ndjson", "--candidate", "again.ndjson"]);
    assert_eq!(compared.code, 0, "{compared:?}");
    assert!(compared.stdout.contains("no change"), "{}", compared.stdout);
    assert!(
        compared.stdout.contains("5 cases compared, 5 the same"),
        "{}",
        compared.stdout
    );
}

#[test]
fn secret_capture_is_masked_in_every_output() {
    let reports = ["json", "junit", "html", "markdown", "sarif", "tap", "shell"];
    let reports: Vec<_> = reports
        .iter()
        .map(|format| format!("{format}=report.{format}"))
        .collect();
    let mut arguments = vec!["--verbose"];
    for report in &reports {
        arguments.extend(["--report", report]);
    }
    let case = format!("{LIFECYCLE}{CANCEL}").replace("cookie: 'sid={{ session }}'", "cookie: other");
    let (project, ran, _) = run(&case, &arguments);
    assert_eq!(ran.code, 1, "{ran:?}");
    let mut outputs = vec![ran.stdout, ran.stderr, project.read("run.ndjson")];
    outputs.extend(
        reports
            .iter()
            .map(|report| project.read(report.split_once('=').unwrap().1)),
    );
    let encoded = "czNzczEwbi1BYkNkRWYvMDEyMyt4PQ";
    for output in outputs {
        assert!(!output.contains("s3ss10n") && !output.contains(encoded), "{output}");
    }
    // The mask is the value when the recording is judged again.
    let passing = format!("{LIFECYCLE}{CANCEL}").replace(", snapshot: true", "");
    project.write("cases/s/c.yaml", &passing);
    let rechecked = project.run(&["recheck", "run.ndjson"]);
    assert!(!rechecked.stdout.contains("FAIL"), "{}", rechecked.stdout);
}

#[test]
fn failed_step_ends_the_case_after_its_teardown() {
    let case = format!(
        "steps:{CREATE}
  - id: wrong
    request: {{ path: '/orders/{{id}}', params: {{ id: '{{{{ order }}}}' }} }}
    expect: {{ status: 418 }}
  - id: never
    request: {{ path: /count }}
    expect: {{ status: 200 }}
{CANCEL}"
    );
    let (project, ran, log) = run(&case, &[]);
    assert_eq!((ran.code, log.len()), (1, 3), "{ran:?}");
    let recorded = recorded(&project);
    assert_eq!(recorded["verdict"], "failed");
    assert_eq!(check(&recorded, "wrong"), "status");
    assert_eq!(step(&recorded, "never")["omitted"], "the step `wrong` did not pass");
    let goes_on = case.replace("- id: wrong\n", "- id: wrong\n    go_on: true\n");
    let (_, ran, log) = run(&goes_on, &[]);
    assert_eq!((ran.code, log.len()), (1, 4), "{ran:?}");
}

#[test]
fn failed_setup_gives_no_verdict() {
    let case = format!(
        "setup:
  - id: login
    request: {{ path: /nope }}
    expect: {{ status: 200 }}
steps:{CREATE}
{CANCEL}"
    );
    let (project, ran, log) = run(&case, &[]);
    assert_eq!((ran.code, log), (3, vec!["GET /nope".to_owned()]), "{ran:?}");
    let recorded = recorded(&project);
    assert_eq!(recorded["verdict"], "errored");
    assert_eq!(recorded["reason"], "setup step `login`: status: expected 200, got 404");
    assert_eq!(step(&recorded, "cancel")["omitted"], "`order` was not captured");
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 3);
}

#[test]
fn capture_of_no_value_or_several_is_a_finding() {
    for (capture, id) in [
        ("/nope", "capture/none"),
        ("\"$.lines[*].n\"", "capture/many"),
        ("{ header: etag }", "capture/none"),
        ("{ cookie: other }", "capture/none"),
        ("{ text: '\"n\":([0-9])' }", "capture/many"),
    ] {
        let case = format!(
            "steps:
  - id: create
    request: {{ method: POST, path: /orders }}
    expect: {{ status: 201 }}
    capture:
      order: /id
      x: {capture}
{CANCEL}"
        );
        let (project, ran, _) = run(&case, &[]);
        assert_eq!(ran.code, 1, "{capture}: {ran:?}");
        let recorded = recorded(&project);
        assert_eq!(check(&recorded, "create"), id, "{capture}");
        assert_eq!(step(&recorded, "create")["findings"][0]["location"]["line"], 7);
    }
}

#[test]
fn value_that_cannot_be_sent_is_a_finding_and_nothing_is_sent() {
    for (capture, request) in [
        ("/value", "headers: { X-A: '{{ x }}' }, path: /count"),
        ("/none", "headers: { X-A: '{{ x }}' }, path: /count"),
        ("/none", "path: '/orders/{id}', params: { id: '{{ x }}' }"),
        ("/none", "path: /count, query: { a: '{{ x }}' }"),
        ("/value", "path: '/{{ x }}'"),
    ] {
        let case = format!(
            "steps:
  - id: get
    request: {{ path: /fold }}
    expect: {{ status: 200 }}
    capture: {{ x: {capture} }}
  - id: use
    request: {{ {request} }}
    expect: {{ status: 200 }}
"
        );
        let (project, ran, log) = run(&case, &[]);
        assert_eq!((ran.code, log.len()), (1, 1), "{request}: {ran:?}");
        assert_eq!(check(&recorded(&project), "use"), "request/value", "{request}");
    }
}

#[test]
fn location_outside_the_target_is_not_followed() {
    let case = "steps:
  - id: get
    request: { path: /elsewhere }
    expect: { status: 302 }
  - id: next
    follow: get
    expect: { status: 200 }
";
    let (project, ran, log) = run(case, &[]);
    assert_eq!((ran.code, log.len()), (1, 1), "{ran:?}");
    assert_eq!(check(&recorded(&project), "next"), "follow");
}

#[test]
fn teardown_does_not_follow_a_failed_step_without_a_location() {
    let case = |status: u32| {
        format!(
            "steps:
  - id: create
    request: {{ method: POST, path: /nope }}
    expect: {{ status: {status} }}
teardown:
  - id: remove
    follow: create
    request: {{ method: DELETE }}
    expect: {{ status: 204 }}
"
        )
    };
    let (project, ran, log) = run(&case(201), &[]);
    assert_eq!((ran.code, log.len()), (1, 1), "{ran:?}");
    let recorded_case = recorded(&project);
    assert_eq!(step(&recorded_case, "remove")["findings"], Value::Null);
    let omitted = step(&recorded_case, "remove")["omitted"].as_str().unwrap_or_default();
    assert!(omitted.contains("has no `Location`"), "{omitted}");
    // A step that passed may have created something.
    let (project, ran, _) = run(&case(404), &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(check(&recorded(&project), "remove"), "follow");
}

#[test]
fn recheck_has_no_verdict_for_masked_captured_secret() {
    let case = |pattern: &str, id: u32| {
        format!(
            "steps:
  - id: create
    request: {{ method: POST, path: /orders }}
    expect: {{ status: 201, body: {{ json: {{ id: {id}, session: {{ $matches: '{pattern}' }} }} }} }}
    capture: {{ session: {{ cookie: sid, secret: true }} }}
"
        )
    };
    let (project, ran, _) = run(&case("^s3ss10n-", 41), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let rechecked = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(rechecked.code, 3, "{rechecked:?}");
    assert!(
        rechecked.stdout.contains("the recording hides the value"),
        "{rechecked:?}"
    );
    // What is not hidden is judged.
    project.write("cases/s/c.yaml", &case("^s3ss10n-", 42));
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 1);
}

/// A server that takes its time: a connection is used again after 250 ms, while the response before is still watched.
fn slow_server() -> Server {
    Server::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    })
}

#[test]
fn steps_on_one_connection_do_not_wait_for_each_other() {
    let step = |id: &str| format!("  - {{ id: {id}, request: {{ path: / }}, expect: {{ status: 204 }} }}\n");
    let case = format!("steps:\n{}{}{}{}", step("a"), step("b"), step("c"), step("d"));
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    let server = slow_server();
    let arguments = ["run", "--target", &server.url(), "--repeats", "2", "--deadline", "10s"];
    let ran = project.run(&arguments);
    assert_eq!((ran.code, server.requests()), (0, 8), "{ran:?}");
}

#[test]
fn repeats_on_one_connection_do_not_wait_for_each_other() {
    let project = Project::of_case("status: 204");
    let server = slow_server();
    let ran = project.run(&["run", "--target", &server.url(), "--repeats", "4", "--deadline", "10s"]);
    assert_eq!((ran.code, server.requests()), (0, 4), "{ran:?}");
}

#[test]
fn query_of_a_step_is_added_to_the_location_that_it_follows() {
    let case = "request: { path: '/{kind}', params: { kind: uploads }, query: { inherited: 1 } }
steps:
  - id: begin
    request: { method: POST }
    expect: { status: 202 }
  - id: end
    follow: begin
    request: { method: PUT, query: { digest: 'sha256:{{ run_id | sha256 }}', n: [1, 2] } }
    expect: { status: 201 }
  - id: raw
    follow: end
    request: { method: PUT, query: 'a&b=%5A' }
    expect: { status: 204 }
  - id: none
    follow: end
    request: { method: PUT }
    expect: { status: 204 }
";
    let (_, ran, log) = run(case, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(log[0], "POST /uploads?inherited=1");
    let added = log[1]
        .strip_prefix("PUT /uploads/1?state=a%2Fb&digest=sha256%3A")
        .unwrap();
    assert_eq!(added.len(), 64 + "&n=1&n=2".len(), "{added}");
    assert_eq!(log[2..], ["PUT /blobs/1?a&b=%5A", "PUT /blobs/1"]);
}

#[test]
fn waiting_ends_at_its_limit_or_at_unless() {
    let case = |wait: &str, state: &str| {
        format!(
            "steps:{CREATE}
  - id: wait
    request: {{ path: '/orders/{{{{ order }}}}' }}
    {wait}
    expect: {{ status: 200, body: {{ json: {{ state: {state} }} }} }}
{CANCEL}"
        )
    };
    let (project, ran, _) = run(&case("eventually: { within: 30ms, every: 5ms }", "lost"), &[]);
    assert_eq!(
        (ran.code, check(&recorded(&project), "wait")),
        (1, "body/json"),
        "{ran:?}"
    );
    let unless = "eventually: { within: 20s, every: 5ms, unless: { body: { json: { state: shipped } } } }";
    let (project, ran, _) = run(&case(unless, "lost"), &[]);
    assert_eq!(
        (ran.code, check(&recorded(&project), "wait")),
        (1, "eventually/unless"),
        "{ran:?}"
    );
    let (project, ran, _) = run(&case("throughout: { for: 20s, every: 1ms }", "new"), &[]);
    assert_eq!(
        (ran.code, &step(&recorded(&project), "wait")["polls"]),
        (1, &json!(2)),
        "{ran:?}"
    );
    let (_, ran, _) = run(&case("throughout: { for: 1ms, every: 1ms }", "new"), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn cases_that_wait_do_not_occupy_a_job() {
    // Each case waits for what all of them create, with one job.
    let rows: String = (0..6).fold(String::new(), |rows, row| rows + &format!("  r{row}: {{}}\n"));
    let case = format!(
        "examples:\n{rows}steps:{CREATE}
  - id: all
    request: {{ path: /count }}
    eventually: {{ within: 60s, every: 10ms }}
    expect: {{ status: 200, body: {{ json: {{ orders: 6 }} }} }}
"
    );
    let (_, ran, _) = run(&case, &["--jobs", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn cookies_are_kept_for_a_case_unless_turned_off() {
    let case = |more: &str, cookie: &str| {
        format!(
            "{more}steps:{CREATE}
  - id: echo
    request: {{ method: POST, path: /echo }}
    expect: {{ status: 200, body: {{ json: {{ cookie: '{cookie}' }} }} }}
{CANCEL}"
        )
    };
    assert_eq!(run(&case("", &format!("sid={SECRET}")), &[]).1.code, 0);
    assert_eq!(run(&case("cookies: false\n", ""), &[]).1.code, 0);
}

// Long: a table of one entry for each kind of error.
#[test]
fn errors_in_steps_are_found_before_anything_is_sent() {
    let step = |more: &str| format!("  - {{ id: a, request: {{ path: /a }}, expect: {{ status: 200 }}, {more} }}\n");
    let other = "  - { id: b, request: { path: '/{{ x }}' }, expect: { status: 200 } }\n";
    for (case, message) in [
        (
            format!("steps:\n{other}{}", step("capture: { x: /id }")),
            "`x` is used before it is captured",
        ),
        (format!("steps:\n{other}"), "undefined variable `x`"),
        (
            format!("vars: {{ x: 1 }}\nsteps:\n{}", step("capture: { x: /id }")),
            "`x` has a value already",
        ),
        (
            format!("steps:\n{}{}", step("capture: { x: /id }"), step("capture: { x: /id }")),
            "have the id `a`",
        ),
        (
            format!("steps:\n{}", step("capture: { run_id: /id }")),
            "`run_id` is a reserved name",
        ),
        (
            format!("vars: {{ now: 1 }}\nsteps:\n{}", step("")),
            "`now` is a reserved name",
        ),
        (
            format!("steps:\n{}", step("capture: { x: id }")),
            "neither a JSON pointer nor a JSONPath",
        ),
        (
            format!("steps:\n{}", step("capture: { x: '$.[' }")),
            "is not a JSONPath",
        ),
        (
            format!("steps:\n{}", step("capture: { x: { text: 'a' } }")),
            "the pattern has no group",
        ),
        (
            format!("steps:\n{}", step("capture: { x: { text: '(a)(b)' } }")),
            "the pattern has 2 groups",
        ),
        (
            format!("steps:\n{}", step("capture: { x: { header: a, cookie: b } }")),
            "exactly one of `json`",
        ),
        (
            "steps:\n  - { id: a, follow: b, expect: { status: 200 } }\n".to_owned(),
            "no step `b` comes before this one",
        ),
        (
            format!(
                "steps:\n{}{}",
                step(""),
                "  - { id: b, follow: a, request: { path: /x }, expect: { status: 200 } }\n"
            ),
            "a step with `follow` has no `path`",
        ),
        (
            format!("steps:\n{}", step("eventually: { every: 1s }")),
            "`eventually` has no `within`",
        ),
        (
            format!("steps:\n{}", step("eventually: 1s, throughout: 1s")),
            "either `eventually` or `throughout`",
        ),
        ("steps: []\n".to_owned(), "`steps` is empty"),
        ("steps: { a: 1 }\n".to_owned(), "`steps` is a list of steps"),
        (
            format!("capture: {{ x: /id }}\nsteps:\n{}", step("")),
            "`capture` belongs to a step",
        ),
        (
            "request: { path: / }\nexpect: { status: 200, same_as: other }\n".to_owned(),
            "no step `other` comes before",
        ),
        (
            "steps:\n  - { request: { path: / }, expect: { status: 200 } }\n".to_owned(),
            "the step has no `id`",
        ),
        (
            "request: { path: '/{{ now | nope }}' }\nexpect: { status: 200 }\n".to_owned(),
            "no filter `nope`",
        ),
    ] {
        let project = Project::new(&[("cases/s/c.yaml", &case)]);
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{case}: {ran:?}");
        assert!(ran.stderr.contains(message), "{message}: {}", ran.stderr);
        assert!(ran.stderr.contains("cases/s/c.yaml:"), "{}", ran.stderr);
    }
}

#[test]
fn generated_values_are_the_same_within_a_step() {
    let case = "vars: { key: 'k-{{ uuid }}' }
steps:
  - id: a
    request: { method: POST, path: /echo, body: { json: { u: '{{ uuid }}', k: '{{ key }}', c: '{{ case_id }}' } } }
    expect: { status: 200, body: { json: { body: { u: '{{ uuid }}', k: '{{ key }}', c: '{{ case_id }}' } } } }
    capture: { first: /body/u, key_of_a: /body/k }
  - id: b
    request: { method: POST, path: /echo, body: { json: { u: '{{ uuid }}', k: '{{ key }}' } } }
    expect: { status: 200, body: { json: { body: { u: '{{ uuid }}', k: '{{ key_of_a }}' } } } }
    capture: { second: /body/u }
";
    let (project, ran, _) = run(case, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let recorded = recorded(&project);
    assert_ne!(
        step(&recorded, "a")["captures"]["first"],
        step(&recorded, "b")["captures"]["second"]
    );
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 0);
}

#[test]
fn endpoint_with_a_shorter_base_url_than_the_target_is_planned() {
    let project = Project::new(&[
        (
            "conforme.toml",
            "[targets.t]\nbase_url = \"http://127.0.0.1:1/a/long/prefix\"\n\
             [targets.t.endpoints.m]\nbase_url = \"http://[::1]:2\"\n",
        ),
        (
            "cases/s/c.yaml",
            "steps:\n  - { id: a, endpoint: m, request: { path: /b }, expect: { status: 200 } }\n",
        ),
    ]);
    let ran = project.run(&["list", "--target", "t"]);
    assert!(ran.code == 0 && ran.stdout.contains("s/c"), "{ran:?}");
}

#[test]
fn generated_values_differ_between_the_rows_of_a_table() {
    let case = "vars: { key: 'k-{{ uuid }}' }
request: { method: POST, path: /echo, body: { json: { k: '{{ key }}', n: '{{ n }}' } } }
expect: { status: 200, body: { json: { body: { k: '{{ key }}' } } } }
examples: { one: { n: 1 }, two: { n: 2 }, three: { n: 3 } }
";
    let (_, ran, _) = run(case, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn secret_that_is_too_short_to_be_masked_is_a_finding() {
    let case = "steps:
  - id: get
    request: { path: /fold }
    expect: { status: 200 }
    capture: { pin: { json: /pin, secret: true } }
  - id: use
    request: { path: '/{{ pin }}' }
    expect: { status: 404 }
teardown:
  - id: logout
    request: { path: '/logout/{{ pin }}' }
    expect: { status: 404 }
";
    let (project, ran, log) = run(case, &["--verbose", "--report", "html=page.html"]);
    assert_eq!((ran.code, log.len()), (1, 2), "{ran:?}");
    assert_eq!(check(&recorded(&project), "get"), "capture/secret");
    for output in [
        &ran.stdout,
        &ran.stderr,
        &project.read("run.ndjson"),
        &project.read("page.html"),
    ] {
        assert!(!output.contains("q7z"), "{output}");
    }
    assert!(ran.stdout.contains("capture `pin` cannot be masked"), "{}", ran.stdout);
}

#[test]
fn values_of_a_run_inside_texts_are_not_differences() {
    let case = "steps:
  - id: echo
    request:
      method: POST
      path: /echo
      body: { json: { title: 'Note of {{ case_id }}', mail: 'c-{{ case_id }}@example.test', path: '/v2/r-{{ case_id }}/tags' } }
    expect: { status: 200 }
    capture: { mail: /body/mail }
  - id: again
    request: { method: POST, path: /echo, body: { json: { title: 'sent to {{ mail }} now' } } }
    expect: { status: 200 }
";
    let (project, ran, _) = run(case, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (server, _) = shop();
    let again = project.run(&["run", "--target", &server.url(), "--record", "again.ndjson"]);
    assert_eq!(again.code, 0, "{again:?}");
    let compared = project.run(&["compare", "--baseline", "run.ndjson", "--candidate", "again.ndjson"]);
    assert!(compared.stdout.contains("no change"), "{}", compared.stdout);
}
