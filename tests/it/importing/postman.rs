//! `conforme import postman`: the imported suite sends what newman sends.

use std::sync::{Arc, Mutex};

use crate::support::{Project, Server, Then, ran};

use super::written;

/// What newman 6 sent for the collection and the environment, without the fields that differ between programs.
const NEWMAN: &str = include_str!("newman.json");

/// A request in the form of [`NEWMAN`].
pub(super) fn comparable(request: &str) -> String {
    const NOISE: [&str; 5] = ["user-agent", "accept-encoding", "host", "content-length", "connection"];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1");
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_lowercase(), value.trim()));
    let fields = fields.filter(|(name, _)| !NOISE.contains(&name.as_str()));
    let mut fields: Vec<_> = fields.map(|(name, value)| format!("{name}: {value}")).collect();
    fields.sort();
    let text = format!("{line}\n{}\n\n{body}", fields.join("\n"));
    let boundary = text
        .split_once("boundary=")
        .map(|(_, rest)| rest.lines().next().unwrap().to_owned());
    match boundary {
        Some(boundary) => text.replace(&boundary, "BOUNDARY"),
        None => text,
    }
}

#[test]
fn imported_collection_sends_what_newman_sends() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&sent);
    let server = Server::start(move |request| {
        kept.lock().unwrap().push(comparable(request));
        let body = r#"{"access_token":"tok-123456789","id":41,"name":"Ada","tags":["a","b"]}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nDate: Tue, 01 Dec 2026 06:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        ((head + body).into_bytes(), Then::Keep)
    });
    let host = server.url().replace("http://", "");
    let collection = include_str!("shop.postman_collection.json").replace("HOST", &host);
    let project = Project::new(&[
        ("shop.json", &collection),
        ("dev.json", include_str!("dev.postman_environment.json")),
        ("note.txt", "line one\nline two\n"),
    ]);
    let arguments = [
        "import",
        "postman",
        "shop.json",
        "--environment",
        "dev.json",
        "--to",
        "cases/shop",
    ];
    let imported = project.run(&arguments);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let files = written(&project, "cases/shop");
    for secret in ["correct-horse", "abcdefgh12", "sssssssecret"] {
        assert!(!(files.clone() + &imported.stdout).contains(secret), "{files}");
    }
    // A saved example is an expectation.
    let expected = "    # not imported: the example `Too large` (status 413)\n    expect:\n      status: 200\n      \
        headers: { content-type: application/json }\n      body:\n        json:\n          id: { \"$type\": number }\n          \
        name: { \"$any\": true }\n          tags: { \"$each\": { \"$type\": string } }\n";
    assert!(files.contains(expected), "{files}");
    let target = format!("{}/v1", server.url());
    assert!(
        imported.stdout.ends_with(&format!("--target {target}\n")),
        "{}",
        imported.stdout
    );
    let mut run = project.command(&["run", "--target", &target, "--jobs", "1"]);
    run.env("CONFORME_SECRET_PASSWORD", "correct-horse");
    run.env("CONFORME_SECRET_API_KEY", "abcdefgh12");
    let run = ran(run.env("CONFORME_SECRET_TOKEN_2", "sssssssecret"));
    let mut sent = sent.lock().unwrap().clone();
    sent.sort();
    let expected: Vec<String> = serde_json::from_str(NEWMAN).unwrap();
    assert_eq!(sent, expected, "{}\n{}{}", files, run.stdout, run.stderr);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let strict = Project::new(&[("shop.json", &collection)]).run(&[
        "import",
        "postman",
        "shop.json",
        "--to",
        "cases/x",
        "--strict",
    ]);
    assert_eq!(strict.code, 1);
}
