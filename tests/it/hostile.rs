//! Servers that mean harm: whatever they send, the run ends in time, says the truth, and other cases are unharmed.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Project, Ran, Raw, Server, Then, next_request, ran, response};

/// A good response.
fn good() -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", "good")
}

/// A good response with this body.
fn json(body: &str) -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: application/json", body)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nContent-Type: text/plain\r\n";

/// A project of one suite whose cases expect a status of 200 from `/ID`.
fn project(cases: &[&str]) -> Project {
    let project = Project::new(&[(
        "cases/s/suite.yaml",
        "request: { path: \"/{{ case }}\" }\nexpect: { status: 200 }\nvars: { case: x }\n",
    )]);
    for case in cases {
        project.write(&format!("cases/s/{case}.yaml"), &format!("vars: {{ case: {case} }}\n"));
    }
    project
}

/// Runs a project against a server; how it ended, and after how long.
fn timed(project: &Project, url: &str, more: &[&str]) -> (Ran, Duration) {
    let start = Instant::now();
    let mut command = project.command(&["run", "--target", url, "--report", "json"]);
    let ran = ran(command.env("CONFORME_TIMEOUT", "1500ms").args(more));
    (ran, start.elapsed())
}

/// A server that responds correctly, except to `/bad`, where it does what `harm` does.
fn harmful(harm: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Raw {
    Raw::start(move |mut stream| {
        let mut buffer = Vec::new();
        while let Some(request) = next_request(&mut stream, &mut buffer) {
            if request.starts_with("GET /bad ") {
                harm(&mut stream);
                return;
            }
            if stream.write_all(&good()).is_err() {
                return;
            }
        }
    })
}

/// Writes until the client closes the connection.
fn flood(stream: &mut TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {}
}

/// Sends these bytes, and then keeps the connection open.
fn sends(stream: &mut TcpStream, bytes: &[u8]) {
    drop(stream.write_all(bytes));
    drop(stream.read(&mut [0; 1]));
}

/// Runs a bad case between two good ones; the good ones must pass, and the bad one ends as stated.
fn harmed(verdict: &str, code: i32, part: &str, harm: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Value {
    let server = harmful(harm);
    let project = project(&["a", "bad", "z"]);
    let (ran, elapsed) = timed(&project, &server.url(), &["-j", "1"]);
    for case in ["s/a", "s/z"] {
        assert_eq!(ran.case(case)["verdict"], "passed", "{case}: {}", ran.stderr);
    }
    let bad = ran.case("s/bad");
    assert_eq!(bad["verdict"], verdict, "{}", ran.stderr);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    let why = [&bad["reason"], &bad["steps"]].map(ToString::to_string).concat();
    assert!(why.contains(part), "{part:?} is in {why}");
    assert!(elapsed < Duration::from_millis(2500), "it took {elapsed:?}");
    assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'));
    bad
}

#[test]
fn an_endless_body_ends_at_its_bound() {
    harmed("errored", 3, "the body is larger than 8388608 bytes", |stream| {
        drop(stream.write_all(format!("{HEAD}\r\n").as_bytes()));
        flood(stream, &vec![b'x'; 65536]);
    });
}

#[test]
fn an_endless_chunked_body_ends_at_its_bound() {
    harmed("errored", 3, "the body is larger than 8388608 bytes", |stream| {
        drop(stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()));
        flood(stream, format!("8000\r\n{}\r\n", "x".repeat(0x8000)).as_bytes());
    });
}

#[test]
fn the_bound_of_a_body_can_be_set_and_is_kept_to_the_byte() {
    let server = Server::always("HTTP/1.1 200 OK\nContent-Type: text/plain", &"x".repeat(1000));
    for (most, code) in [(1000, 0), (999, 3)] {
        let project = project(&["a"]);
        let text = format!("[targets.t]\nbase_url = \"{}\"\nmax_body = {most}\n", server.url());
        project.write("conforme.toml", &text);
        let ran = project.run(&["run", "--target", "t"]);
        assert_eq!(ran.code, code, "{}", ran.stdout);
    }
}

#[test]
fn a_body_of_one_byte_now_and_then_ends_at_the_time_limit() {
    harmed("errored", 3, "no complete response within 1500ms", |stream| {
        drop(stream.write_all(format!("{HEAD}Content-Length: 1000\r\n\r\n").as_bytes()));
        while stream.write_all(b"x").is_ok() {
            sleep(Duration::from_millis(300));
        }
    });
}

#[test]
fn a_head_of_one_byte_now_and_then_ends_at_the_time_limit() {
    harmed(
        "errored",
        3,
        "no complete response header section within 1500ms",
        |stream| {
            for byte in HEAD.bytes() {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                sleep(Duration::from_millis(300));
            }
        },
    );
}

#[test]
fn a_declared_terabyte_is_past_the_bound_at_once() {
    let bad = harmed("errored", 3, "the body is larger than 8388608 bytes", |stream| {
        sends(
            stream,
            format!("{HEAD}Content-Length: 1099511627776\r\n\r\nx").as_bytes(),
        );
    });
    assert!(bad["steps"][0]["elapsed_us"].as_u64() < Some(1_000_000), "{bad}");
}

#[test]
fn two_hundred_thousand_headers_are_past_the_bound() {
    harmed("errored", 3, "exceeds its limit", |stream| {
        drop(stream.write_all(HEAD.as_bytes()));
        for number in 0..200_000 {
            if stream.write_all(format!("X-{number}: y\r\n").as_bytes()).is_err() {
                return;
            }
        }
        sends(stream, b"\r\n");
    });
}

#[test]
fn an_endless_header_is_past_the_bound() {
    harmed("errored", 3, "exceeds its limit", |stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nX: "));
        flood(stream, &[b'x'; 4096]);
    });
}

#[test]
fn an_endless_status_line_is_past_the_bound() {
    harmed("errored", 3, "exceeds its limit", |stream| {
        drop(stream.write_all(b"HTTP/1.1 200 "));
        flood(stream, &[b'x'; 4096]);
    });
}

#[test]
fn endless_interim_responses_are_past_the_bound() {
    harmed("errored", 3, "exceeds its limit", |stream| {
        flood(stream, &b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100));
    });
}

#[test]
fn a_broken_chunk_size_breaks_the_contract() {
    harmed("failed", 1, "the content ended before it was complete", |stream| {
        sends(
            stream,
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n").as_bytes(),
        );
    });
}

#[test]
fn chunks_cut_short_break_the_contract() {
    harmed("failed", 1, "the content ended before it was complete", |stream| {
        drop(stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").as_bytes()));
    });
}

#[test]
fn a_content_length_that_is_too_large_breaks_the_contract() {
    harmed("failed", 1, "http/length", |stream| {
        drop(stream.write_all(format!("{HEAD}Content-Length: 100\r\n\r\nabc").as_bytes()));
    });
}

#[test]
fn a_content_length_that_is_too_small_breaks_the_contract() {
    for length in [3, 100_000, 2_000_000] {
        harmed("failed", 1, "http/length", move |stream| {
            let body = "x".repeat(length);
            sends(
                stream,
                format!("{HEAD}Content-Length: {length}\r\n\r\n{body}stray").as_bytes(),
            );
        });
    }
}

#[test]
fn bytes_after_the_last_chunk_break_the_contract() {
    for length in [3, 100_000, 2_000_000] {
        harmed("failed", 1, "http/length", move |stream| {
            let body = "x".repeat(length);
            let text = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\nstray");
            sends(stream, text.as_bytes());
        });
    }
}

#[test]
fn bytes_after_a_response_with_a_long_head_break_the_contract() {
    harmed("failed", 1, "http/length", |stream| {
        let long = "x".repeat(100_000);
        sends(
            stream,
            format!("{HEAD}X: {long}\r\nContent-Length: 3\r\n\r\nabcstray").as_bytes(),
        );
    });
}

#[test]
fn a_reset_in_mid_body_breaks_the_contract() {
    let bytes = format!("{HEAD}Content-Length: 100000\r\n\r\nabc");
    let server = Raw::start(move |mut stream| {
        // Closing while there is something unread makes a reset of it.
        drop(stream.peek(&mut [0; 1]));
        drop(stream.write_all(bytes.as_bytes()));
        sleep(Duration::from_millis(50));
    });
    let (ran, _) = timed(&project(&["bad"]), &server.url(), &[]);
    assert_eq!(
        (ran.code, &ran.case("s/bad")["verdict"]),
        (1, &"failed".into()),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reset_before_any_response_is_no_verdict() {
    let at_once = Raw::start(drop);
    let after_request = Raw::start(|stream| drop(stream.peek(&mut [0; 1])));
    for server in [at_once, after_request] {
        let (ran, elapsed) = timed(&project(&["bad"]), &server.url(), &[]);
        assert_eq!(
            (ran.code, &ran.case("s/bad")["verdict"]),
            (3, &"errored".into()),
            "{}",
            ran.stderr
        );
        let reason = ran.case("s/bad")["reason"].to_string();
        assert!(reason.contains("the connection ended before a response"), "{reason}");
        assert!(elapsed < Duration::from_secs(1));
    }
}

#[test]
fn the_banner_of_another_protocol_is_no_http() {
    let banner = b"SSH-2.0-OpenSSH_9.2p1\x1b[31m\r\n";
    let at_once = Raw::start(|mut stream| sends(&mut stream, banner));
    let after_request = Raw::start(|mut stream| {
        drop(next_request(&mut stream, &mut Vec::new()));
        sends(&mut stream, banner);
    });
    for server in [at_once, after_request] {
        let (ran, _) = timed(&project(&["bad"]), &server.url(), &[]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let reason = ran.case("s/bad")["reason"].to_string();
        assert!(reason.contains("not HTTP") && reason.contains("SSH-2.0"), "{reason}");
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'));
    }
}

#[test]
fn json_two_hundred_thousand_levels_deep_is_refused() {
    harmed("failed", 1, "recursion limit", |stream| {
        sends(
            stream,
            &json(&[vec!["["; 200_000].concat(), vec!["]"; 200_000].concat()].concat()),
        );
    });
}

#[test]
fn three_hundred_thousand_keys_are_compared_in_time() {
    let entries: Vec<_> = (0..300_000).map(|number| format!("\"k{number}\":{number}")).collect();
    let body = json(&format!("{{{}}}", entries.join(",")));
    let server = Server::start(move |_| (body.clone(), Then::Keep));
    let project = project(&[]);
    for (case, expect) in [("part", "json: { k299999: 299999 }"), ("wrong", "json: { k299999: 1 }")] {
        project.write(
            &format!("cases/s/{case}.yaml"),
            &format!("expect: {{ body: {{ {expect} }} }}"),
        );
    }
    let (ran, elapsed) = timed(&project, &server.url(), &["--timeout", "20s"]);
    let verdicts = ["s/part", "s/wrong"].map(|case| ran.case(case)["verdict"].clone());
    assert_eq!(verdicts, ["passed", "failed"], "{}", ran.stderr);
    assert!(elapsed < Duration::from_mins(1), "it took {elapsed:?}");
    assert!(
        ran.stderr.len() < 100_000,
        "the report is short: {} bytes",
        ran.stderr.len()
    );
}

#[test]
fn huge_numbers_are_compared_exactly() {
    let digits = "1234567890".repeat(40);
    let body = json(&format!("{{\"n\":{digits}1,\"e\":1e99999999999,\"f\":{digits}.5}}"));
    let server = Server::start(move |_| (body.clone(), Then::Keep));
    let project = project(&[]);
    for (case, expect) in [
        (
            "same",
            format!("{{ n: {digits}1, e: 10e+99999999998, f: {digits}.50 }}"),
        ),
        ("other", format!("{{ n: {digits}2 }}")),
        ("exponent", "{ e: 1e+99999999998 }".to_owned()),
    ] {
        let text = format!("expect: {{ body: {{ json: {expect} }} }}");
        project.write(&format!("cases/s/{case}.yaml"), &text);
    }
    let (ran, elapsed) = timed(&project, &server.url(), &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let verdicts = ["s/same", "s/other", "s/exponent"].map(|case| ran.case(case)["verdict"].clone());
    assert_eq!(verdicts, ["passed", "failed", "failed"], "{}", ran.stderr);
    assert!(elapsed < Duration::from_secs(5));
}

#[test]
fn a_redirect_is_judged_and_not_followed() {
    let elsewhere = Server::always("HTTP/1.1 200 OK", "");
    let head = format!("HTTP/1.1 302 Found\nLocation: {}/", elsewhere.url());
    let server = Server::always(&head, "");
    let project = Project::of_case("status: 302");
    assert_eq!(timed(&project, &server.url(), &[]).0.code, 0);
    assert_eq!((server.requests(), elsewhere.requests()), (1, 0));
}

#[test]
fn terminal_and_ci_commands_are_escaped_in_output() {
    let evil = "\x1b[2J\u{202e}\u{9b}31m";
    let head = format!("HTTP/1.1 200 {evil}\nContent-Type: text/plain\nX: {evil}::error::x\nY: \x1b]0;t\x07");
    let with_escapes = Server::always(&head, "y");
    let head = "HTTP/1.1 200 \u{202e}::error::a\nContent-Type: text/plain\nX: \u{202e}::error::x";
    let body = format!("{evil}\n::error::b\r\n::error::c\n");
    let well_formed = Server::always(head, &body);
    let project =
        Project::of_case("status: 201\nheaders: { x: a }\nbody: { text: { matches: ^none$ } }\nsnapshot: true");
    for server in [with_escapes, well_formed] {
        for more in [&[][..], &["--color", "never"], &["--report", "json"]] {
            let mut arguments = vec!["run", "--target", "t", "--snapshots", "check"];
            arguments.extend(more);
            project.write(
                "conforme.toml",
                &format!("[targets.t]\nbase_url = \"{}\"", server.url()),
            );
            let ran = project.run(&arguments);
            assert_eq!(ran.code, 1, "{}", ran.stdout);
            let human = if more.contains(&"json") {
                &ran.stderr
            } else {
                &ran.stdout
            };
            for out in [&ran.stdout, &ran.stderr] {
                assert!(!out.contains('\x1b') && !out.contains('\x07'), "{out:?}");
                assert!(!out.lines().any(|line| line.trim_start().starts_with("::")), "{out}");
            }
            assert!(!human.contains(['\u{202e}', '\u{9b}', '\r']), "{human:?}");
        }
    }
}

/// Cases against a server that closes after each response without saying so, `after` it.
fn stale(after: Duration, methods: [&str; 2]) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Raw::start(move |mut stream| {
        if next_request(&mut stream, &mut Vec::new()).is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream.write_all(&good()));
            sleep(after);
        }
    });
    let names: Vec<_> = (0..60).map(|number| format!("c{number}")).collect();
    for grouped in [false, true] {
        let project = project(&[]);
        for (number, name) in names.iter().enumerate() {
            let method = methods[number % 2];
            project.write(
                &format!("cases/s/{name}.yaml"),
                &format!("request: {{ method: {method} }}"),
            );
        }
        if grouped {
            let suite = project.read("cases/s/suite.yaml");
            project.write("cases/s/suite.yaml", &format!("{suite}group: g\n"));
        }
        requests.store(0, Ordering::SeqCst);
        let (ran, _) = timed(&project, &server.url(), &[]);
        assert_eq!(ran.code, 0, "grouped: {grouped}: {}", ran.stderr);
        assert_eq!(requests.load(Ordering::SeqCst), names.len());
    }
}

#[test]
fn connections_that_are_closed_without_a_word_do_no_harm() {
    stale(Duration::ZERO, ["GET", "POST"]);
}

#[test]
fn connections_that_are_closed_a_moment_later_do_no_harm() {
    stale(Duration::from_micros(300), ["GET", "OPTIONS"]);
}

#[test]
fn unsafe_request_that_was_read_is_not_sent_again() {
    // Every second request of a connection is read and then dropped.
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Raw::start(move |mut stream| {
        let mut buffer = Vec::new();
        for number in 0..2 {
            if next_request(&mut stream, &mut buffer).is_none() {
                return;
            }
            count.fetch_add(1, Ordering::SeqCst);
            if number == 0 {
                drop(stream.write_all(&good()));
            }
        }
    });
    let project = project(&["a", "b", "c", "d"]);
    let suite = project
        .read("cases/s/suite.yaml")
        .replace("path:", "method: POST, path:");
    project.write("cases/s/suite.yaml", &format!("{suite}group: g\n"));
    let (ran, _) = timed(&project, &server.url(), &[]);
    assert!(matches!(ran.code, 0 | 3), "{}", ran.stderr);
    assert_eq!(requests.load(Ordering::SeqCst), 4, "{}", ran.stderr);
}

#[test]
fn response_before_request_is_read_does_not_block_run() {
    let server = Raw::start(|mut stream| {
        drop(stream.read(&mut [0; 16]));
        sends(&mut stream, &good());
        sleep(Duration::from_secs(20));
    });
    let project = project(&[]);
    project.write("cases/s/large.bin", &"x".repeat(20_000_000));
    for case in ["a", "b", "c"] {
        let text = "request: { method: PUT, body: { file: large.bin }, headers: { content-type: text/plain } }";
        project.write(&format!("cases/s/{case}.yaml"), text);
    }
    let (ran, elapsed) = timed(&project, &server.url(), &["-j", "1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(elapsed < Duration::from_secs(15), "it took {elapsed:?}");
}

#[test]
fn a_server_that_dies_in_mid_run_is_never_a_pass() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Raw::start(move |mut stream| {
        let mut buffer = Vec::new();
        while next_request(&mut stream, &mut buffer).is_some() {
            if count.fetch_add(1, Ordering::SeqCst) >= 7 || stream.write_all(&good()).is_err() {
                drop(stream.shutdown(Shutdown::Both));
                return;
            }
        }
    });
    let names: Vec<_> = (0..30).map(|number| format!("c{number}")).collect();
    let project = project(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let (ran, elapsed) = timed(&project, &server.url(), &["-j", "3"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let counts = ran
        .events()
        .last()
        .map(|event| event["counts"].clone())
        .unwrap_or_default();
    let number = |name: &str| counts[name].as_u64().unwrap_or_default();
    // Three without a response end the run; others can be under way by then.
    assert_eq!(
        (number("passed"), number("errored") + number("not_run")),
        (7, 23),
        "{counts}"
    );
    assert!((3..=6).contains(&number("errored")), "{counts}");
    assert!(elapsed < Duration::from_secs(3));
}

#[test]
fn stray_bytes_after_204_are_finding_in_any_write() {
    for pause in [0, 1, 300] {
        let head = "HTTP/1.1 204 No Content\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\n\r\n";
        let server = harmful(move |stream| {
            if pause == 0 {
                return sends(stream, format!("{head}stray").as_bytes());
            }
            drop(stream.write_all(head.as_bytes()));
            sleep(Duration::from_micros(pause));
            sends(stream, b"stray");
        });
        let project = project(&["a", "bad", "z"]);
        project.write("cases/s/bad.yaml", "vars: { case: bad }\nexpect: { status: 204 }\n");
        let (ran, _) = timed(&project, &server.url(), &["-j", "1"]);
        let verdicts = ["s/a", "s/bad", "s/z"].map(|case| ran.case(case)["verdict"].clone());
        assert_eq!(verdicts, ["passed", "failed", "passed"], "{pause} µs: {}", ran.stderr);
        assert_eq!(ran.code, 1);
        assert_eq!(ran.case("s/bad")["steps"][0]["findings"][0]["check"], "http/no-content");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn endless_bodies_do_not_fill_the_memory() {
    let server = harmful(|stream| {
        drop(stream.write_all(format!("{HEAD}\r\n").as_bytes()));
        flood(stream, &vec![b'x'; 65536]);
    });
    let project = project(&[]);
    for case in ["a", "b", "c", "d"] {
        project.write(&format!("cases/s/{case}.yaml"), "vars: { case: bad }\n");
    }
    let mut command = project.command(&["run", "--target", &server.url(), "-j", "4"]);
    let mut child = command
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    let status = loop {
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(now.unwrap_or_default());
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        sleep(Duration::from_millis(1));
    };
    assert_eq!(status.code(), Some(3));
    assert!((1..150 * 1024).contains(&peak), "the peak was {peak} KiB");
}
