//! Trailer fields, event streams, the version of HTTP, and bodies with a format of their own: XML and lines.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    connections::secure::{Authority, Secure},
    support::{Project, Ran, Raw, Server, Then, next_request, response},
};

/// A chunked response with these trailer fields.
fn with_trailers(trailers: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked";
    response(head, &format!("5\r\nhello\r\n0\r\n{trailers}\r\n"))
}

fn run(project: &Project, url: &str, more: &[&str]) -> Ran {
    let arguments = [&["run", "--target", url, "--report", "json"], more].concat();
    project.run(&arguments)
}

/// The findings of a case, as `CHECK: MESSAGE: ACTUAL`.
fn findings(ran: &Ran, id: &str) -> Vec<String> {
    let case = ran.case(id);
    let all = case["steps"][0]["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let shown = all.iter().map(|one| {
        format!(
            "{}: {}: {}",
            text(&one["check"]),
            text(&one["message"]),
            text(&one["actual"])
        )
    });
    shown.collect()
}

#[test]
fn trailer_fields_are_judged_recorded_compared_and_mutated() {
    let served = |trailers: &'static str| Server::start(move |_| (with_trailers(trailers), Then::Close));
    let expect = "status: 200\ntrailers: { X-Sum: abc, x-gone: { absent: true }, x-many: { contains: two } }";
    let project = Project::of_case(expect);
    let good = served("X-Sum: abc\r\nX-Many: one\r\nX-Many: two\r\n");
    let ran = run(&project, &good.url(), &["--record", "a.ndjson"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let bad = served("X-Sum: abd\r\nX-Gone: 1\r\n");
    let ran = run(&project, &bad.url(), &["--record", "b.ndjson"]);
    assert_eq!(
        findings(&ran, "s/c"),
        [
            "trailer/x-sum: unexpected value: abd",
            "trailer/x-gone: unexpected trailer: 1",
            "trailer/x-many: missing trailer: (absent)",
        ]
    );
    assert_eq!(project.run(&["recheck", "a.ndjson"]).code, 0);
    assert_eq!(project.run(&["recheck", "b.ndjson"]).code, 1);
    let compared = project.run(&[
        "compare",
        "--baseline",
        "a.ndjson",
        "--candidate",
        "b.ndjson",
        "--report",
        "json",
    ]);
    let text = &compared.stdout;
    for name in ["trailer/x-sum", "trailer/x-gone", "trailer/x-many"] {
        assert!(
            text.contains(&format!("\"header\":\"{name}\"")) || text.contains(name),
            "{name}: {text}"
        );
    }
    let mutated = project.run(&["mutate", "a.ndjson", "--report", "json"]);
    for operator in ["trailer/removed", "trailer/value-changed"] {
        assert!(
            mutated.stdout.contains(operator),
            "{operator}: {}{}",
            mutated.stdout,
            mutated.stderr
        );
    }
}

#[test]
fn secret_in_a_trailer_field_is_masked() {
    let project = Project::of_case("status: 200");
    project.write("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n");
    project.write(
        "cases/s/c.yaml",
        "request: { path: /, headers: { x: '{{ token }}' } }\nexpect: { status: 200 }\n",
    );
    let server = Server::start(|_| (with_trailers("X-Echo: s3cr3t-token\r\n"), Then::Close));
    let config = format!(
        "[targets.t]\nbase_url = \"{}\"\nsecrets = {{ token = {{ env = \"T\" }} }}\n",
        server.url()
    );
    project.write("conforme.toml", &config);
    let mut command = project.command(&["run", "--target", "t", "--record", "a.ndjson", "-v"]);
    let ran = crate::support::ran(command.env("T", "s3cr3t-token"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(project.read("a.ndjson").contains("x-echo"), "recorded");
    for text in [&ran.stdout, &ran.stderr, &project.read("a.ndjson")] {
        assert!(!text.contains("s3cr3t-token"), "{text}");
    }
}

#[test]
fn http2_and_its_trailer_fields_are_judged() {
    let authority = Authority::new();
    let project = Project::new(&[
        (
            "cases/s/c.yaml",
            "request: { path: /trailers }\nexpect: { status: 200, protocol: http/2, trailers: { x-sum: abc } }\n",
        ),
        (
            "cases/s/d.yaml",
            "request: { path: /trailers }\nexpect: { status: 200, protocol: http/1.1, trailers: { x-sum: abd } }\n",
        ),
        ("ca.pem", &authority.pem()),
    ]);
    let server = Secure::start(&authority.local(), &["h2", "http/1.1"], None);
    let ran = run(&project, &server.url(), &["--ca-file", "ca.pem"]);
    assert_eq!(ran.case("s/c")["verdict"], "passed", "{}", ran.stdout);
    assert_eq!(
        findings(&ran, "s/d"),
        [
            "trailer/x-sum: unexpected value: abc",
            "protocol: unexpected version of HTTP: HTTP/2.0",
        ]
    );
}

/// A server of event streams. `left` counts the streams that the client has left before their end.
fn streaming(left: &Arc<AtomicUsize>) -> Raw {
    let left = Arc::clone(left);
    Raw::start(move |mut stream| {
        let mut buffer = Vec::new();
        let Some(request) = next_request(&mut stream, &mut buffer) else {
            return;
        };
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let kind = if path == "/json" {
            "application/json"
        } else {
            "text/event-stream"
        };
        let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
        let head =
            format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut send = |text: &str| {
            let sent = stream.write_all(text.as_bytes());
            sent.is_ok()
        };
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        send(&head);
        match path.as_str() {
            "/endless" => {
                send(&chunk(
                    "\u{feff}: hello\r\n\r\nevent: started\r\nid: 7\r\ndata: {\"n\": 1}\r\n",
                ));
                send(&chunk("\r\n"));
                // Until the client leaves, but not forever.
                for number in 2..2000 {
                    if !send(&chunk(&format!("data: {{\"n\": {number}}}\n\n"))) {
                        left.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            "/silent" => {
                send(&chunk("data: 1\n\ndat"));
                drop(std::io::Read::read(&mut stream, &mut [0; 1]));
            }
            "/short" => {
                send(&(chunk("data: 1\n\n") + "0\r\n\r\n"));
            }
            _ => {
                send(&(chunk("{}") + "0\r\n\r\n"));
            }
        }
    })
}

#[test]
fn event_stream_is_left_after_the_expected_events() {
    let left = Arc::new(AtomicUsize::new(0));
    let server = streaming(&left);
    let project = Project::new(&[]);
    let cases = [
        (
            "a",
            "/endless",
            "[{ event: started, id: \"7\", json: { n: 1 } }, { event: message, data: { $contains: \"2\" } }]",
        ),
        (
            "b",
            "/endless",
            "{ count: 3, within: 20s, each: { json: { n: { $gte: 1 } } } }",
        ),
        (
            "c",
            "/endless",
            "[{ event: started, json: { n: 2 } }, { json: { n: \"2\" } }]",
        ),
        ("d", "/silent", "{ count: 2, within: 300ms }"),
        ("e", "/short", "[{ data: \"1\" }, { data: \"2\" }]"),
        ("f", "/json", "{ count: 1 }"),
        ("g", "/short", "[{ json: 2 }]"),
    ];
    for (name, path, events) in cases {
        let case = format!("request: {{ path: {path} }}\nexpect: {{ status: 200, events: {events} }}\n");
        project.write(&format!("cases/s/{name}.yaml"), &case);
    }
    let begun = Instant::now();
    let ran = run(&project, &server.url(), &["--record", "a.ndjson", "-j", "8"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    for (name, expected) in [
        ("a", &[][..]),
        ("b", &[]),
        (
            "c",
            &[
                "events: unexpected value: event 1: 1",
                "events: unexpected value: event 2: 2",
            ],
        ),
        (
            "d",
            &["events: the time for the events was over: 1, and a part of another: data: 1\n\ndat"],
        ),
        (
            "e",
            &["events: the event stream ended before the expected events: 1: data: 1\n\n"],
        ),
        ("f", &["events: the response is not an event stream: application/json"]),
        ("g", &["events: unexpected value: event 1: 1"]),
    ] {
        assert_eq!(findings(&ran, &format!("s/{name}")), expected, "{name}");
    }
    assert_eq!(left.load(Ordering::SeqCst), 3, "the connections are closed");
    // The recording contains the events and no more, and gives the same verdicts.
    let rechecked = project.run(&["recheck", "a.ndjson", "--report", "json"]);
    for (name, _, _) in cases {
        let id = format!("s/{name}");
        assert_eq!(rechecked.case(&id)["verdict"], ran.case(&id)["verdict"], "{name}");
    }
    // A script leaves the stream, too.
    let script = project.run(&["report", "a.ndjson", "--report", "shell"]);
    assert!(
        script.stdout.contains(" -N -m ") && script.stdout.contains("|| [ $? -eq 28 ]"),
        "{}",
        script.stdout
    );
    let body = &ran.case("s/a")["steps"][0]["exchange"]["outcome"]["response"]["body"]["text"];
    let text = body.as_str().unwrap_or_default();
    assert!(text.ends_with("data: {\"n\": 2}\n\n"), "{body}");
}

#[test]
fn event_stream_is_polled_and_read_in_steps() {
    let server = streaming(&Arc::default());
    let project = Project::new(&[(
        "cases/s/c.yaml",
        "steps:\n  - id: wait\n    request: { path: /endless }\n    eventually: { within: 5s, every: 10ms }\n    \
         expect: { status: 200, events: [{ id: \"7\" }] }\n    capture: { n: { text: '\"n\": ([0-9]+)' } }\n  \
         - id: again\n    request: { path: /endless }\n    expect: { status: 200, events: [{ json: { n: 1 } }, { data: { $contains: '\"n\"' } }] }\n",
    )]);
    let ran = run(&project, &server.url(), &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

const ORDER: &str = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><o:order xmlns:o=\"urn:o\" id=\"42\"><o:line sku=\"A1\">gr\u{fc}n\
    </o:line><o:line sku=\"B2\"><o:price> 3.50 </o:price></o:line></o:order>";

// Long: a table of one entry for each kind of body.
#[test]
fn xml_and_lines_are_judged_by_path_and_line() {
    let server = Server::start(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (kind, body) = match path {
            "/xml" => {
                let latin = ORDER
                    .chars()
                    .map(|sign| u8::try_from(u32::from(sign)).unwrap())
                    .collect();
                ("application/xml", latin)
            }
            "/entities" => (
                "application/xml",
                b"<!DOCTYPE a [<!ENTITY x \"yy\">]><a>&x;</a>".to_vec(),
            ),
            "/ndjson" => ("application/x-ndjson", b"{\"id\":1}\n\n{\"id\":\"2\"}\n".to_vec()),
            "/csv" => (
                "text/csv; charset=iso-8859-1",
                b"id,name\r\n1,\"\xfc,\r\nb\"\r\n2,\r\n".to_vec(),
            ),
            _ => ("text/plain", b"{\"id\":1}\n{\n".to_vec()),
        };
        let mut bytes = response(
            &format!("HTTP/1.1 200 OK\nContent-Type: {kind}\nContent-Length: {}", body.len()),
            "",
        );
        bytes.extend(body);
        (bytes, Then::Close)
    });
    let project = Project::new(&[]);
    let names = "$namespaces: { n: \"urn:o\" }";
    let cases = [
        (
            "/xml",
            format!(
                "xml: {{ {names}, /n:order/@id: \"42\", \"/*:order/n:line[1]\": grün, //n:line/@sku: [A1, B2], //n:price: 3.5 }}"
            ),
            &[][..],
        ),
        (
            "/xml",
            format!(
                "xml: {{ {names}, /order: x, /n:order/n:line: x, /n:order/@id: {{ $gt: 42 }}, //@sku: {{ $length: 3 }}, //@none: {{ $any: false }} }}"
            ),
            &[
                "body/xml: `/order`: missing node: (absent); the root element is `order` of the namespace `urn:o`",
                "body/xml: `/n:order/n:line` selects several nodes: 2 nodes: [\"grün\",\" 3.50 \"]",
                "body/xml: `/n:order/@id`: unexpected value: 42",
                "body/xml: `//@sku`: unexpected value: [\"A1\",\"B2\"]",
            ],
        ),
        (
            "/entities",
            "xml: { /a: yy }".to_owned(),
            &[
                "body/xml: the body is not well-formed XML: it has a document type declaration, which is not read: <!DOCTYPE a [<!ENTITY x \"yy\">]><a>&x;</a>",
            ],
        ),
        (
            "/ndjson",
            "lines: [{ id: 1 }, { id: { $type: string } }]".to_owned(),
            &[],
        ),
        (
            "/ndjson",
            "lines: { $length: 3, $each: { id: { $type: integer } } }".to_owned(),
            &[
                "body/lines: unexpected value: [{\"id\":1},{\"id\":\"2\"}]",
                "body/lines: unexpected value: line 3: \"2\"",
            ],
        ),
        (
            "/csv",
            "lines: { $length: 2, $contains: { name: \"ü,\\r\\nb\" } }".to_owned(),
            &[],
        ),
        (
            "/csv",
            "lines: [{ id: 1 }, { name: x }]".to_owned(),
            &[
                "body/lines: unexpected value: line 2: \"1\"",
                "body/lines: unexpected value: line 4: \"\"",
            ],
        ),
        (
            "/text",
            "lines: { $length: 2 }".to_owned(),
            &["body/lines: a line is not valid JSON: line 2: EOF while parsing an object at column 1"],
        ),
        (
            "/text",
            "lines: { $format: csv, $length: 1 }".to_owned(),
            &["body/lines: the body is not valid CSV: line 1: a quote or a line break in a field that is not quoted"],
        ),
    ];
    for (number, (path, body, _)) in cases.iter().enumerate() {
        let case = format!("request: {{ path: {path} }}\nexpect: {{ status: 200, body: {{ {body} }} }}\n");
        project.write(&format!("cases/s/c{number}.yaml"), &case);
    }
    let ran = run(&project, &server.url(), &[]);
    for (number, (_, body, expected)) in cases.iter().enumerate() {
        assert_eq!(findings(&ran, &format!("s/c{number}")), *expected, "{body}");
    }
}

#[test]
fn text_of_an_xml_node_is_captured() {
    let server = Server::start(|request| {
        let body = if request.starts_with("GET /a ") { ORDER } else { "<a/>" };
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/xml; charset=utf-8", body),
            Then::Close,
        )
    });
    let case = |path: &str| {
        format!(
            "steps:\n  - {{ id: a, request: {{ path: /a }}, expect: {{ status: 200 }}, capture: {{ id: {{ xml: \"{path}\" }} }} }}\n  \
             - {{ id: b, request: {{ path: \"/{{{{ id }}}}\" }}, expect: {{ status: 200 }} }}\n"
        )
    };
    for (path, code) in [("/*:order/@id", 0), ("//@sku", 1), ("/order/@id", 1)] {
        let project = Project::new(&[("cases/s/c.yaml", &case(path))]);
        let ran = run(&project, &server.url(), &[]);
        assert_eq!(ran.code, code, "{path}: {}{}", ran.stdout, ran.stderr);
    }
}
