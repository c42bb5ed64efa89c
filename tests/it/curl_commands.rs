//! The `curl` line of a failure, run by a real shell with a real curl, sends the same request.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};

use super::support::{Project, ran};

/// Requests that are generated.
const REQUESTS: usize = 40;
const SECRET: &str = "a+secret/\"t'o$ken==";

/// A request as it was received: its first line, its fields by name, its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    line: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Responds to every request with 204 and keeps it.
fn recorder() -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || serve(stream, &log));
        }
    });
    (url, seen)
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            if !more(&mut stream, &mut bytes) {
                return;
            }
        };
        let head = bytes[..end].to_vec();
        bytes.drain(..end + 4);
        let mut lines = head
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut fields: Vec<_> = lines
            .map(|line| {
                let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..at]).to_lowercase();
                (name, line[(at + 1).min(line.len())..].trim_ascii().to_vec())
            })
            .collect();
        let length = fields.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| String::from_utf8_lossy(value).parse().unwrap_or(0));
        while bytes.len() < length && more(&mut stream, &mut bytes) {}
        let body = bytes.drain(..length.min(bytes.len())).collect();
        // The order of fields with different names has no meaning (RFC 9110 §5.3).
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        log.lock().unwrap().push(Seen { line, fields, body });
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
            return;
        }
    }
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> bool {
    let mut some = [0; 4096];
    match stream.read(&mut some) {
        Ok(0) | Err(_) => false,
        Ok(count) => {
            bytes.extend_from_slice(&some[..count]);
            true
        }
    }
}

/// Text with everything that a shell, curl or a terminal could take for something else.
fn text(pattern: &str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(pattern)
        .unwrap()
        // Two braces begin a template, and whitespace at the ends of a field is not part of it.
        .prop_map(|text| text.replace("{{", "{").replace("}}", "}").trim().to_owned())
}

fn a_request() -> impl Strategy<Value = Value> {
    let method = prop_oneof![
        Just("GET"),
        Just("HEAD"),
        Just("POST"),
        Just("PUT"),
        Just("PATCH"),
        Just("DELETE"),
        Just("OPTIONS"),
        Just("M-SEARCH"),
    ];
    let segment = text("([a-zA-Z0-9._~!$&'()*+,;=:@-]|%20|%2e|%C3%A9){0,8}");
    let path = prop::collection::vec(
        prop_oneof![4 => segment, 1 => Just("..".to_owned()), 1 => Just(".".to_owned())],
        0..4,
    );
    let name = "x-[a-z]{1,6}|accept|user-agent|content-type|accept-encoding|expect-ct|referer";
    let value = text("[ -~éñ]{0,12}|@file|\\$HOME|`id`|::error::x|##\\[x\\]y");
    let headers = prop::collection::btree_map(name, value, 0..4);
    let query = prop::collection::btree_map("[a-z\\[\\]]{1,4}", text("[ -~é\n]{0,8}"), 0..3);
    let body = prop_oneof![
        2 => Just(None),
        3 => text("[ -~éñ\n\t\r\u{1}\u{202e}\u{a0}]{1,40}").prop_map(|text| Some(json!({ "text": text }))),
        1 => text("@[a-z\n]{0,8}").prop_map(|text| Some(json!({ "text": text }))),
        1 => text("[ -~\n]{0,20}").prop_map(|text| Some(json!({ "json": { "a": [text, null, 1] } }))),
        1 => Just(Some(json!({ "file": "binary" }))),
        1 => Just(Some(json!({ "text": format!("{{{{ token }}}}\n{}", "long ".repeat(600)) }))),
    ];
    let secret = prop::bool::weighted(0.3);
    (method, path, headers, query, body, secret).prop_map(|(method, path, mut headers, query, body, secret)| {
        if secret {
            headers.insert("authorization".to_owned(), "Bearer {{ token }}x".to_owned());
        }
        // An empty media type is not one.
        headers.retain(|name, value| name != "content-type" || !value.is_empty());
        let path = format!("/{}", path.join("/")).replace(['{', '}'], "");
        let mut request = json!({ "method": method, "path": path, "headers": headers, "query": query });
        if let Some(body) = body {
            request["body"] = body;
        }
        request
    })
}

#[test]
fn the_curl_line_sends_the_same_request() {
    let is_there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !is_there("curl") || !is_there("bash") {
        eprintln!("skipped: `curl` or `bash` is not installed");
        return;
    }
    let (url, seen) = recorder();
    let mut runner = TestRunner::deterministic();
    let mut cases = vec![
        json!({ "method": "GET", "path": "/a", "body": { "text": "x" } }),
        json!({ "method": "HEAD", "path": "/a" }),
        json!({ "method": "HEAD", "path": "/a", "body": { "text": "x" } }),
        json!({ "method": "POST", "path": "/a" }),
        json!({ "method": "POST", "path": "/a", "body": { "file": "binary" } }),
        json!({ "method": "POST", "path": "/a", "body": { "form": { "a": "1\n2", "b": "é&=" } } }),
        json!({ "method": "PUT", "path": "/a/../b/./c", "headers": { "x-empty": "" } }),
    ];
    let generated = a_request();
    cases.extend((0..REQUESTS).map(|_| generated.new_tree(&mut runner).unwrap().current()));
    let mut files = vec![
        (
            "cases/s/suite.yaml".to_owned(),
            "inputs: { token: { secret: true } }\n".to_owned(),
        ),
        ("cases/s/binary".to_owned(), "\u{0}\u{1}\u{0}é\n".to_owned()),
    ];
    for (number, case) in cases.iter().enumerate() {
        let case = json!({ "request": case, "expect": { "status": 599 } });
        files.push((format!("cases/s/c{number:03}.yaml"), case.to_string()));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let project = Project::new(&files);
    let mut command = project.command(&["run", "--target", &url, "--jobs", "1"]);
    let ran = ran(command.env("CONFORME_SECRET_TOKEN", SECRET));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let sent = seen.lock().unwrap().clone();
    // Verdicts come in the order of completion, requests in that of the cases.
    let mut lines = std::collections::BTreeMap::new();
    let mut case = "";
    for line in ran.stdout.lines() {
        case = line.split_once("] s/c").map_or(case, |(_, id)| id);
        if let Some(command) = line.strip_prefix("    reproduce: ") {
            lines.insert(case, command);
        }
    }
    assert_eq!((lines.len(), sent.len()), (cases.len(), cases.len()), "{}", ran.stdout);
    for (line, sent) in lines.values().zip(&sent) {
        seen.lock().unwrap().clear();
        let mut shell = Command::new("bash");
        shell
            .args(["-c", line])
            .env("CONFORME_SECRET_TOKEN", SECRET)
            .env_remove("http_proxy");
        let shell = shell.output().unwrap();
        let again = seen.lock().unwrap().clone();
        let errors = String::from_utf8_lossy(&shell.stderr).into_owned();
        assert_eq!(again, std::slice::from_ref(sent), "{line}\n{errors}");
    }
}
