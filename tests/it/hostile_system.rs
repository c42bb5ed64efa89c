//! What surrounds a run and fails it: names, ports, descriptors, ciphers that stop; and everything that means harm at
//! once.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    process::Command,
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    connections::secure::{Authority, config},
    programs::free_port,
    support::{Project, Ran, Raw, conforme, next_request, ran, response},
};

fn good() -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", "good")
}

fn is_good(mut stream: TcpStream) {
    let mut buffer = Vec::new();
    while next_request(&mut stream, &mut buffer).is_some() {
        if stream.write_all(&good()).is_err() {
            return;
        }
    }
}

fn errored(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 3, "{ran:?}");
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(parts.iter().any(|part| all.contains(part)), "{parts:?} is in {all}");
}

#[test]
fn a_name_that_does_not_resolve_is_no_verdict() {
    let project = Project::of_case("status: 200");
    let start = Instant::now();
    let seen = ran(project
        .command(&["run", "--target", "http://nowhere.invalid/"])
        .env("CONFORME_TIMEOUT", "2s"));
    errored(&seen, &["nowhere.invalid"]);
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn name_with_two_addresses_uses_the_reachable_one() {
    let project = Project::of_case("status: 200");
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = Raw::at(address, is_good);
        let wanted = format!("{}:{}", address.trim_end_matches(":0"), server.port());
        let mut known = ("localhost", server.port()).to_socket_addrs().unwrap();
        if !known.any(|known| known.to_string() == wanted) {
            eprintln!("skipped: here localhost is not {address}");
            continue;
        }
        let seen = project.run(&["run", "--target", &format!("http://localhost:{}", server.port())]);
        assert_eq!(seen.code, 0, "{address}: {seen:?}");
    }
}

#[test]
fn a_cipher_that_stops_in_mid_body_is_never_a_pass() {
    let authority = Authority::new();
    let config = Arc::new(config(&authority.local(), &[], None));
    let project = Project::of_case("status: 200");
    project.write("ca.pem", &authority.pem());
    let fields = "HTTP/1.1 200 OK\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nContent-Type: text/plain\r\n";
    // Where the end of the connection is the end of the body, only TLS shows whether it is complete.
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked", "Connection: close"] {
        let message = match head {
            "Transfer-Encoding: chunked" => format!("{fields}{head}\r\n\r\n64\r\nhalf"),
            _ => format!("{fields}{head}\r\n\r\nhalf"),
        };
        let config = Arc::clone(&config);
        let server = Raw::start(move |mut stream| {
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            if tls.read(&mut [0; 4096]).is_ok() {
                drop(tls.write_all(message.as_bytes()));
                drop(tls.flush());
            }
        });
        let url = server.url().replace("http:", "https:");
        let seen = project.run(&["run", "--target", &url, "--ca-file", "ca.pem"]);
        assert!([1, 3].contains(&seen.code), "{head}: {seen:?}");
        assert!(!seen.stdout.contains("1 passed"), "{head}: {seen:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_that_has_no_descriptors_left_says_so_of_each_case() {
    let project = Project::new(&[("cases/s/suite.yaml", "request: { path: / }\nexpect: { status: 200 }\n")]);
    for case in 0..60 {
        project.write(&format!("cases/s/c{case}.yaml"), "{}\n");
    }
    // No response is sent before all requests have arrived.
    let server = Raw::start(|stream| {
        sleep(Duration::from_millis(300));
        is_good(stream);
    });
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 24; exec \"$@\"", "sh"])
        .arg(conforme().get_program())
        .args([
            "run",
            "-j",
            "60",
            "--target",
            &server.url(),
            "--report",
            "junit=report.xml",
        ])
        .current_dir(project.path());
    let seen = ran(&mut command);
    errored(&seen, &["Too many open files"]);
    let report = std::fs::read_to_string(project.path().join("report.xml")).unwrap();
    assert_eq!(report.matches("<testcase ").count(), 60, "{report}");
}

#[test]
fn closed_port_gives_no_verdict() {
    let target = format!("http://127.0.0.1:{}", free_port());
    let seen = Project::of_case("status: 200").run(&["run", "--target", &target]);
    errored(&seen, &["refused"]);
}

/// Every harm has a path of its own.
fn harm(path: &str, stream: &mut TcpStream) {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nContent-Type: application/json\r\n";
    let send = |stream: &mut TcpStream, text: &str| drop(stream.write_all(text.as_bytes()));
    match path {
        "/endless" => {
            send(stream, &format!("{HEAD}\r\n"));
            while stream.write_all(&[b'x'; 8192]).is_ok() {}
        }
        "/slow" => {
            send(stream, &format!("{HEAD}Content-Length: 90\r\n\r\n"));
            while stream.write_all(b"x").is_ok() {
                sleep(Duration::from_millis(500));
            }
        }
        "/terabyte" => send(stream, &format!("{HEAD}Content-Length: 1099511627776\r\n\r\nx")),
        "/bomb" => {
            // A coding that was not requested is not decoded.
            send(
                stream,
                &format!("{HEAD}Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n"),
            );
            drop(stream.write_all(&[0x1f; 1000]));
        }
        "/headers" => {
            send(stream, HEAD);
            for number in 0..200_000 {
                if stream.write_all(format!("x-{number}: y\r\n").as_bytes()).is_err() {
                    return;
                }
            }
        }
        "/header" => {
            send(stream, &format!("{HEAD}x: "));
            while stream.write_all(&[b'y'; 8192]).is_ok() {}
        }
        "/interim" => while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {},
        "/chunks" => send(stream, &format!("{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n")),
        "/deep" => {
            let body = "[".repeat(200_000);
            send(stream, &format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len()));
        }
        "/keys" => {
            let keys: Vec<_> = (0..300_000).map(|number| format!("\"k{number}\":{number}")).collect();
            let body = format!("{{{}}}", keys.join(","));
            send(stream, &format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len()));
        }
        "/number" => {
            let body = format!("{{\"a\":1{}}}", "0".repeat(400));
            send(stream, &format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len()));
        }
        "/redirect" => send(
            stream,
            "HTTP/1.1 302 Found\r\nDate: Fri, 07 Feb 2020 13:33:16 GMT\r\nLocation: /redirect\r\nContent-Length: 0\r\n\r\n",
        ),
        _ => {}
    }
}

const HARMS: [&str; 13] = [
    "endless", "slow", "terabyte", "bomb", "headers", "header", "interim", "chunks", "deep", "keys", "number",
    "redirect", "silent",
];

#[test]
#[cfg(target_os = "linux")]
fn hostile_responses_together_leave_reports_whole() {
    const FORMATS: [&str; 7] = ["json", "junit", "tap", "markdown", "github", "sarif", "html"];
    let project = Project::new(&[(
        "cases/s/suite.yaml",
        "request: { path: \"/{{ case }}\" }\nexpect: { status: 200 }\nvars: { case: x }\n",
    )]);
    for case in HARMS {
        project.write(
            &format!("cases/s/{case}.yaml"),
            &format!("vars: {{ case: {case} }}\nexpect: {{ body: {{ json: {{ a: 1 }} }} }}\n"),
        );
    }
    for case in 0..20 {
        project.write(
            &format!("cases/s/good-{case}.yaml"),
            "vars: { case: good }\nexpect: { body: { text: { contains: good } } }\n",
        );
    }
    let server = Raw::start(|mut stream| {
        let mut buffer = Vec::new();
        while let Some(request) = next_request(&mut stream, &mut buffer) {
            let path = request.split(' ').nth(1).unwrap_or_default();
            if path != "/good" {
                harm(path, &mut stream);
                return;
            }
            if stream.write_all(&good()).is_err() {
                return;
            }
        }
    });
    let reports = FORMATS.map(|format| format!("--report={format}=out/report.{format}"));
    let mut command = Command::new("sh");
    command
        // What takes more memory than this is killed by the system.
        .args(["-c", "ulimit -d 153600; exec \"$@\"", "sh"])
        .arg(conforme().get_program())
        .args([
            "run",
            "-j",
            "8",
            "--record",
            "out/run.ndjson",
            "--target",
            &server.url(),
        ])
        .args(&reports)
        .env("CONFORME_TIMEOUT", "5s")
        .current_dir(project.path());
    let start = Instant::now();
    let seen = ran(&mut command);
    assert_eq!(seen.code, 1, "{seen:?}");
    // Each has a limit of 5 s, and 8 run at once; a busy machine takes longer, and one that hangs never ends.
    assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
    let recording = std::fs::read_to_string(project.path().join("out/run.ndjson")).unwrap();
    let mut bad = 0;
    for line in recording.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if event["event"] == "case-finished" {
            let (id, verdict) = (event["id"].as_str().unwrap(), event["verdict"].as_str().unwrap());
            assert_eq!(verdict == "passed", id.starts_with("s/good"), "{id}: {verdict}");
            bad += usize::from(verdict != "passed");
        }
    }
    assert_eq!(bad, HARMS.len());
    for (format, end) in [
        ("json", "}\n"),
        ("junit", "</testsuites>\n"),
        ("sarif", "}\n"),
        ("html", "</html>\n"),
    ] {
        let report = std::fs::read_to_string(project.path().join(format!("out/report.{format}"))).unwrap();
        assert!(
            report.ends_with(end),
            "{format}: {:?}",
            &report[report.len().saturating_sub(80)..]
        );
    }
}
