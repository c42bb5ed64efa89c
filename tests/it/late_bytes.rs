//! Bytes after the end of a response: whenever they arrive, they belong to its request, and no other case is blamed.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Project, Ran, Raw, next_request, ran, response};

const STRAY: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nContent-Length: 5\r\n\r\nstray";

fn good() -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", "good")
}

/// Whether something has happened.
#[derive(Default)]
struct Signal(Mutex<bool>, Condvar);

impl Signal {
    fn set(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let waited = self
            .1
            .wait_timeout_while(self.0.lock().unwrap(), Duration::from_mins(1), |is_set| !*is_set);
        drop(waited.unwrap());
    }
}

/// A case that gets more than its response, and two others after it.
fn project(method: &str, status: u16) -> Project {
    let late = format!("request: {{ path: /late, method: {method} }}\nexpect: {{ status: {status} }}\n");
    let other = "expect: { status: 200, body: { text: { contains: good } } }\n";
    let second = format!("request: {{ path: /second }}\n{other}");
    let third = format!("request: {{ path: /third }}\n{other}");
    Project::new(&[
        ("cases/s/a.yaml", &late),
        ("cases/s/b.yaml", &second),
        ("cases/s/c.yaml", &third),
    ])
}

fn run(project: &Project, server: &Raw, more: &[&str]) -> Ran {
    let mut command = project.command(&["run", "--report", "json", "--jobs", "1", "--target", &server.url()]);
    ran(command.args(more))
}

/// The case with the faulty response fails for the bytes after it, and the others pass.
fn only_the_first_fails(ran: &Ran) {
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let first = ran.case("s/a");
    assert_eq!(first["verdict"], "failed");
    let check = first["steps"][0]["findings"][0]["check"].as_str().unwrap_or_default();
    assert!(["http/no-content", "http/length"].contains(&check), "{first}");
    for id in ["s/b", "s/c"] {
        assert_eq!(ran.case(id)["verdict"], "passed", "{}", ran.stdout);
    }
}

fn responses() -> [(&'static str, u16, Vec<u8>); 5] {
    let head = |line: &str| format!("{line}\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\n\r\n").into_bytes();
    let chunked = "HTTP/1.1 200 OK\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nContent-Type: text/plain\r\n\
                   Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n";
    [
        ("GET", 204, head("HTTP/1.1 204 No Content")),
        ("GET", 304, head("HTTP/1.1 304 Not Modified\r\nETag: \"x\"")),
        ("HEAD", 200, head("HTTP/1.1 200 OK\r\nContent-Length: 4")),
        ("POST", 200, good()),
        ("GET", 200, chunked.into()),
    ]
}

#[test]
fn bytes_while_the_next_case_runs_belong_to_the_response_before() {
    for (method, status, response) in responses() {
        let (asked, sent) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        let server = Raw::start(move |mut stream| {
            let mut buffer = Vec::new();
            while let Some(request) = next_request(&mut stream, &mut buffer) {
                if request.contains(" /late ") {
                    drop(stream.write_all(&response));
                    asked.wait();
                    drop(stream.write_all(STRAY));
                    sent.set();
                } else {
                    asked.set();
                    sent.wait();
                    drop(stream.write_all(&good()));
                }
            }
        });
        only_the_first_fails(&run(&project(method, status), &server, &[]));
    }
}

#[test]
fn bytes_after_a_retried_attempt_are_a_finding_of_it() {
    let busy = b"HTTP/1.1 503 Service Unavailable\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nRetry-After: 0\r\n\
                 Content-Length: 0\r\n\r\n";
    let (asked, sent, count) = (Signal::default(), Signal::default(), AtomicUsize::new(0));
    let server = Raw::start(move |mut stream| {
        let mut buffer = Vec::new();
        while next_request(&mut stream, &mut buffer).is_some() {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                drop(stream.write_all(busy));
                asked.wait();
                drop(stream.write_all(STRAY));
                sent.set();
            } else {
                asked.set();
                sent.wait();
                drop(stream.write_all(&good()));
            }
        }
    });
    let case = "request: { path: / }\nexpect: { status: 200 }\n";
    let ran = run(&Project::new(&[("cases/s/a.yaml", case)]), &server, &["--retries", "1"]);
    let first = ran.case("s/a");
    assert_eq!((ran.code, &first["verdict"]), (1, &"flaky".into()), "{first}");
    let checks = first["previous"][0]["steps"][0]["findings"].as_array().unwrap().iter();
    let checks: Vec<_> = checks.map(|finding| finding["check"].as_str().unwrap()).collect();
    assert!(checks.contains(&"http/length"), "{checks:?}");
}

#[test]
fn bytes_at_the_end_of_the_run_belong_to_the_last_response() {
    for stray in [STRAY, b"{\"deleted\": true}", b"HTTP/1.1 2", b"\n"] {
        let (method, status, response) = responses()[0].clone();
        let server = Raw::start(move |mut stream| {
            let (mut buffer, mut is_late) = (Vec::new(), false);
            while let Some(request) = next_request(&mut stream, &mut buffer) {
                is_late = request.contains(" /late ");
                drop(stream.write_all(if is_late { &response } else { b"" }));
                if !is_late {
                    drop(stream.write_all(&good()));
                }
            }
            // The client has closed its side.
            if is_late {
                drop(stream.write_all(stray));
            }
        });
        only_the_first_fails(&run(&project(method, status), &server, &[]));
    }
}

#[test]
fn bytes_before_a_server_closes_belong_to_its_response() {
    let closing = response("HTTP/1.1 200 OK\nContent-Type: text/plain\nConnection: close", "good");
    let old = String::from_utf8(good())
        .unwrap()
        .replace("HTTP/1.1", "HTTP/1.0")
        .into_bytes();
    for response in [closing, old] {
        let server = Raw::start(move |mut stream| {
            let Some(request) = next_request(&mut stream, &mut Vec::new()) else {
                return;
            };
            if request.contains(" /late ") {
                drop(stream.write_all(&response));
                // The response was read: the client has closed its side.
                drop(stream.read(&mut [0; 1]));
                drop(stream.write_all(b"more"));
            } else {
                drop(stream.write_all(&good()));
            }
        });
        only_the_first_fails(&run(&project("GET", 200), &server, &[]));
    }
}

/// Sends the response to `/late`, and bytes after it once the next request was read from the same connection: or, if
/// none is, once the client has closed its side.
fn out_of_step(stray: &'static [u8]) -> Raw {
    Raw::start(move |mut stream: TcpStream| {
        let (mut buffer, mut is_late) = (Vec::new(), false);
        while let Some(request) = next_request(&mut stream, &mut buffer) {
            if is_late {
                drop(stream.write_all(stray));
            }
            is_late = request.contains(" /late ");
            drop(stream.write_all(&good()));
        }
        if is_late {
            drop(stream.write_all(stray));
        }
    })
}

#[test]
fn a_response_that_is_out_of_step_is_not_judged() {
    let project = project("GET", 200);
    for stray in [
        STRAY,
        b"{\"deleted\": true}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n",
    ] {
        // So slow that a connection is used again.
        only_the_first_fails(&run(&project, &out_of_step(stray), &["--rate-limit", "3/s"]));
    }
}

#[test]
fn a_server_of_one_connection_at_a_time_serves_every_case() {
    let cases: Vec<_> = (0..6).map(|number| format!("cases/s/c{number}.yaml")).collect();
    let text = "request: { path: / }\nexpect: { status: 200 }\n";
    let project = Project::new(&cases.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>());
    let serving = Mutex::new(());
    let server = Raw::start(move |mut stream| {
        let _one = serving.lock().unwrap();
        let mut buffer = Vec::new();
        while next_request(&mut stream, &mut buffer).is_some() {
            drop(stream.write_all(&good()));
        }
    });
    let ran = run(&project, &server, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(server.connections() <= 4, "{}", server.connections());
}
