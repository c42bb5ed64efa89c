//! The generated schemas: editors accept what the program accepts.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::{
    loading::{SOUND, project, refused},
    support::{Project, Server, Then, conforme, indent, ran, repository, response},
};

/// What `conforme schema` prints.
fn schema(of: &str) -> Value {
    let ran = ran(conforme().args(["schema", of]));
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn committed_schemas_are_current() {
    for of in [
        "case",
        "suite",
        "config",
        "accepted",
        "event",
        "comparison",
        "document-comparison",
        "matrix",
        "measurement",
        "coverage",
    ] {
        let file = format!("schemas/{of}.schema.json");
        let stored = std::fs::read_to_string(repository().join(&file)).unwrap();
        let printed = ran(conforme().args(["schema", of])).stdout;
        assert!(
            stored == printed,
            "{file} is stale: `cargo run -- schema {of} > {file}`"
        );
    }
}

// Long: one run with every kind of event.
#[test]
fn report_lines_match_event_schema_and_unknown_ones_do_not() {
    let validator = jsonschema::validator_for(&schema("event")).unwrap();
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { name: { default: x } }\n"),
        (
            "cases/s/ok.yaml",
            "request: { path: '/ok/{{ name }}' }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/bad.yaml",
            "tags: t\nname: n\nrequest: { path: /bad, method: POST, body: { json: {} } }\nexpect: { status: 201, body: { json: { a: 2 } } }\n",
        ),
        (
            "cases/s/bytes.yaml",
            "request: { path: /bytes }\nexpect: { status: 200 }\n",
        ),
        ("cases/s/odd.yaml", "request: { path: /odd }\nexpect: { status: 200 }\n"),
        ("cases/s/cut.yaml", "request: { path: /cut }\nexpect: { status: 200 }\n"),
        (
            "cases/s/none.yaml",
            "request: { path: /none }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/again.yaml",
            "request: { path: /again }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/skipped.yaml",
            "skip: later\nrequest: { path: /skipped }\nexpect: { status: 200 }\n",
        ),
    ]);
    project.write("snapshots/s/gone.snap", "---\n---\nx\n");
    let server = Server::start({
        let first = Mutex::new(true);
        move |request| {
            let path = request.split(' ').nth(1).unwrap_or_default();
            let is_first = path == "/again" && std::mem::take(&mut *first.lock().unwrap());
            match path {
                "/odd" => (b"HTTP/1.1 bad\r\n\r\n".to_vec(), Then::Close),
                "/none" => (Vec::new(), Then::Close),
                "/cut" => (
                    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec(),
                    Then::Close,
                ),
                "/bytes" => (
                    b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\n\xff\xfeexcess".to_vec(),
                    Then::Keep,
                ),
                _ if is_first => (response("HTTP/1.1 503 Busy\nRetry-After: 0", ""), Then::Keep),
                _ => (
                    response("HTTP/1.1 200 OK\nContent-Type: application/json", "{\"a\":1e400}"),
                    Then::Keep,
                ),
            }
        }
    });
    let run = [
        "run",
        "--target",
        &server.url(),
        "--report",
        "json=x.json",
        "--retries",
        "1",
        "--max-fail",
        "100",
    ];
    let ran = project.run(&run);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = project.read("x.json");
    let mut kinds = std::collections::BTreeSet::new();
    for line in report.lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<_> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
        kinds.insert(event["event"].as_str().unwrap().to_owned());
        kinds.extend(event["verdict"].as_str().map(str::to_owned));
        event["event"] = "unheard-of".into();
        assert!(!validator.is_valid(&event), "{line}");
    }
    let all = [
        "case-finished",
        "errored",
        "failed",
        "flaky",
        "passed",
        "run-finished",
        "run-started",
        "skipped",
        "snapshot-unused",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all, "{report}");
}

#[test]
fn shipped_files_match_schemas_and_unknown_keys_do_not() {
    let (case, suite) = (schema("case"), schema("suite"));
    let mut files = 0;
    for folder in std::fs::read_dir(repository().join("cases")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let schema = if path.ends_with("suite.yaml") { &suite } else { &case };
            let mut value = yaml(&std::fs::read_to_string(&path).unwrap());
            let validator = jsonschema::validator_for(schema).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            value["nmae"] = "x".into();
            assert!(!validator.is_valid(&value), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 10);
}

#[test]
fn an_editor_refuses_at_every_level_what_the_program_refuses() {
    let case = jsonschema::validator_for(&schema("case")).unwrap();
    for (text, is_valid) in [
        ("request: { path: / }\nexpect: { status: [200, 4xx] }", true),
        ("request: { pth: / }", false),
        ("request: { body: { jsn: 1 } }", false),
        ("expect: { statsu: 200 }", false),
        ("expect: { status: 6xx }", false),
        ("expect: { body: { jsn: 1 } }", false),
        ("expect: { headers: { a: { equal: b } } }", false),
        ("expect: { body: { text: { match: b } } }", false),
        ("expect: { body: { json: { a: { $typ: b } } } }", false),
        ("expect: { rules: { http/dates: off } }", false),
        ("snapshots: { redacted: /a }", false),
        ("timeout: 10", false),
    ] {
        assert_eq!(case.is_valid(&yaml(text)), is_valid, "{text}");
    }
}

/// The keys that each definition of the schema names are those that the program knows: no more, no fewer.
#[test]
fn schema_properties_are_the_keys_of_the_program() {
    let (case, suite) = (schema("case"), schema("suite"));
    let body = |text: &str| format!("request: {{ path: / }}\nexpect: {{ status: 200, {text} }}\n");
    for (definition, suite_text, case_text) in [
        (&case, String::new(), format!("{SOUND}QQQQ: 1\n")),
        (&suite, "QQQQ: 1\n".to_owned(), SOUND.to_owned()),
        (
            &suite["$defs"]["Input"],
            "inputs: { a: { QQQQ: 1 } }\n".to_owned(),
            SOUND.to_owned(),
        ),
        (
            &suite["$defs"]["Survivors"],
            "survivors: [{ operator: header/*, reason: x, QQQQ: 1 }]\n".to_owned(),
            SOUND.to_owned(),
        ),
        (
            &case["$defs"]["Request"],
            String::new(),
            "request: { path: /, QQQQ: 1 }\nexpect: { status: 200 }\n".to_owned(),
        ),
        (&case["$defs"]["Expect"], String::new(), body("QQQQ: 1")),
        (&case["$defs"]["Body"], String::new(), body("body: { QQQQ: 1 }")),
        (
            &case["$defs"]["HeaderTable"],
            String::new(),
            body("headers: { a: { present: true, QQQQ: 1 } }"),
        ),
        (
            &case["$defs"]["TextTestTable"],
            String::new(),
            body("body: { text: { contains: a, QQQQ: 1 } }"),
        ),
        (
            &case["$defs"]["Snapshots"],
            String::new(),
            format!("{SOUND}snapshots: {{ QQQQ: 1 }}\n"),
        ),
        (
            &case["$defs"]["Pattern"],
            String::new(),
            body("body: { json: { $QQQQ: 1 } }"),
        ),
        (&case["$defs"]["Rules"], String::new(), body("rules: { QQQQ: off }")),
    ] {
        let mut properties: Vec<&str> = definition["properties"]
            .as_object()
            .expect("properties")
            .keys()
            .map(String::as_str)
            .collect();
        let ran = refused(&project(&suite_text, &case_text));
        let known = ran
            .stderr
            .split("known here: ")
            .nth(1)
            .expect("a list")
            .lines()
            .next()
            .unwrap_or_default();
        let mut known: Vec<_> = known.split(", ").map(|name| name.trim_matches('`')).collect();
        properties.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, properties, "{case_text}");
    }
}

/// A sound file as JSON, by way of the program's own reading: a case that sends the file as its body.
pub(crate) fn yaml(text: &str) -> Value {
    let sent = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&sent);
    let server = Server::start(move |request| {
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        *kept.lock().unwrap() = body.unwrap_or_default();
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    // The file's variables are none of the case that sends it.
    let text = text.replace("{{", "⟦");
    let case = format!(
        "request:\n  method: POST\n  path: /\n  body:\n    json:\n{}expect: {{ status: 204 }}\n",
        indent(&indent(&indent(&text)))
    );
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!(ran.code, 0, "{case}\n{ran:?}");
    let sent = sent.lock().unwrap();
    serde_json::from_str(&sent).expect("JSON")
}
