//! Mailboxes of real mail servers: `MailDev` and Dovecot are read, and the mail client and the mail server of Python are a
//! second opinion on the embedded server and on the e-mails of the reference API. Mailpit and `MailHog` are tested with
//! their responses only (`mail.rs`): no package registry has them.

mod dovecot;
mod maildev;
mod python;

use std::{fmt::Write as _, sync::Arc, time::Duration};

use lettre::message::{Attachment, MultiPart, header::ContentType};
use serde_json::{Value, json};

use crate::support::{Project, Server, Then, response};

const SUBJECT: &str = "Grüße, Jane: activate your account – 日本";

/// A mail server under test.
trait MailServer: Send + Sync {
    /// Further settings of the target.
    fn target(&self) -> String {
        String::new()
    }
    /// The settings of the endpoint `mailbox`.
    fn endpoint(&self) -> String;
    /// Delivers a message with this envelope.
    fn deliver(&self, to: &[&str], message: &[u8]);
    /// The number of messages, and how many of them are marked as read or in any other way.
    fn state(&self) -> (usize, usize);
}

/// The activation e-mail, as applications send it: two alternatives and a file, with encoded header fields.
fn activation(to: &str, more: &[&str], file: &[u8]) -> Vec<u8> {
    let html = "<p>Grüße</p><p><a href=\"https://shop.example.test/activate?user=1&amp;code=a%20b\">Activate</a></p>";
    let text = "Grüße,\n\nhttps://shop.example.test/activate?user=1&code=a%20b\n.\n..\n";
    let mut builder = lettre::Message::builder()
        .from("\"Shöp, Inc.\" <shop@example.test>".parse().unwrap())
        .to(format!("Jané <{to}>").parse().unwrap());
    for more in more {
        builder = builder.cc(more.parse().unwrap());
    }
    let parts = MultiPart::alternative_plain_html(text.to_owned(), html.to_owned());
    let attachment = Attachment::new("terms.txt".to_owned()).body(file.to_vec(), ContentType::TEXT_PLAIN);
    let message = builder
        .subject(SUBJECT)
        .multipart(MultiPart::mixed().multipart(parts).singlepart(attachment));
    message.unwrap().formatted()
}

/// Many multiparts, each in the one before.
fn nested(to: &str) -> Vec<u8> {
    let mut text = format!(
        "From: shop@example.test\r\nTo: {to}\r\nSubject: nested\r\nDate: {}\r\n",
        now()
    );
    for level in 0..200 {
        let _ = write!(
            text,
            "Content-Type: multipart/mixed; boundary=b{level}x\r\n\r\n--b{level}x\r\n"
        );
    }
    text.into_bytes()
}

fn now() -> String {
    chrono::Utc::now().to_rfc2822()
}

/// An API that sends an e-mail, or does not, as its path says.
fn api(mail: &Arc<dyn MailServer>) -> Server {
    let mail = Arc::clone(mail);
    Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
        let body = request.split("\r\n\r\n").nth(1).unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let to = body["email"].as_str().unwrap_or_default().to_owned();
        let send = |to: &str| {
            mail.deliver(
                &[to, "second@example.test"],
                &activation(to, &["second@example.test"], b"terms"),
            );
        };
        let (mailer, delayed) = (Arc::clone(&mail), to.clone());
        let send_later = move || {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(1));
                mailer.deliver(&[&delayed], &activation(&delayed, &[], b""));
            });
        };
        match path.as_str() {
            "sent" | "refused-but-sent" => send(&to),
            "doubled" => {
                send(&to);
                send_later();
            }
            "late" => send_later(),
            "nested" => mail.deliver(&[&to], &nested(&to)),
            "large" => mail.deliver(&[&to], &activation(&to, &[], &vec![b'x'; 36_000_000])),
            "to-another" => send("another@example.test"),
            _ => {}
        }
        let head = match path.as_str() {
            _ if path.starts_with("refused") => "HTTP/1.1 400 Bad Request",
            "opened" if body["link"] != "https://shop.example.test/activate?user=1&code=a%20b" => {
                "HTTP/1.1 404 Not Found"
            }
            _ => "HTTP/1.1 204 No Content",
        };
        (response(head, ""), Then::Close)
    })
}

/// A case that sends a request to a path and expects one e-mail with a link, or none if the request is refused.
fn case(path: &str, within: &str) -> String {
    let (status, count) = if path.starts_with("refused") {
        (400, 0)
    } else {
        (204, 1)
    };
    let to = if path == "sent-to-fixed" {
        "fixed@example.test"
    } else {
        "jane+{{ case_id }}@example.test"
    };
    let path = path.strip_suffix("-to-fixed").unwrap_or(path);
    let request = format!(
        "steps:
  - id: request
    request: {{ method: POST, path: /{path}, body: {{ json: {{ email: \"{to}\" }} }} }}
    expect: {{ status: {status} }}
"
    );
    let mail = format!("mail: {{ endpoint: mailbox, to: \"{to}\", since: request }}");
    if count == 0 {
        return request
            + &format!("  - {{ id: none, {mail}, throughout: 2s, expect: {{ body: {{ json: {{ count: 0 }} }} }} }}\n");
    }
    let expected = "expect:
      body:
        json:
          count: 1
          messages:
            - from: shop@example.test
              subject: SUBJECT
              to: [\"TO\"]
              links: [\"https://shop.example.test/activate?user=1&code=a%20b\"]
              text: { $matches: \"^Grüße,\\n\\nhttps://[^\\n]+\\n[.]\\n[.][.]\\n\" }
";
    let expected = expected
        .replace("SUBJECT", &json!(SUBJECT).to_string())
        .replace("TO", to);
    request
        + &format!(
            "  - id: sent
    {mail}
    eventually: {{ within: {within}, every: 200ms }}
    {expected}    capture: {{ link: \"$.messages[0].links[0]\" }}
  - id: only-one
    {mail}
    throughout: {{ for: 2s, every: 300ms }}
    {expected}  - {{ id: opened, request: {{ method: POST, path: /opened, body: {{ json: {{ link: \"{{{{ link }}}}\" }} }} }}, expect: {{ status: 204 }} }}
"
        )
}

fn project(mail: &Arc<dyn MailServer>, server: &Server, paths: &[&str]) -> Project {
    let config = format!(
        "[targets.t]\nbase_url = '{}'\ntimeout = '60s'\n{}[targets.t.endpoints.mailbox]\ntimeout = '30s'\n{}",
        server.url(),
        mail.target(),
        mail.endpoint()
    );
    let project = Project::new(&[("conforme.toml", &config)]);
    for path in paths {
        let ends_in_time = ["never-sent", "to-another", "nested", "large"].contains(path);
        let text = case(path, if ends_in_time { "2s" } else { "20s" });
        project.write(&format!("cases/s/{path}.yaml"), &text);
    }
    project
}

/// Verdict, and the first step with a finding, of each case of a run.
fn verdicts(project: &Project, code: i32) -> Vec<(String, String, String)> {
    let ran = project.run(&[
        "run",
        "--target",
        "t",
        "--deadline",
        "100s",
        "--report",
        "json",
        "--record",
        "run.ndjson",
    ]);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    let finished = ran
        .events()
        .into_iter()
        .filter(|event| event["event"] == "case-finished");
    let of_case = |event: Value| {
        let steps = event["steps"].as_array().unwrap();
        let step = steps
            .iter()
            .find(|step| !step["findings"].is_null() || !step["exchange"]["outcome"]["failure"].is_null());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let step = step.map(|step| text(&step["id"])).unwrap_or_default();
        (text(&event["id"]), text(&event["verdict"]), step)
    };
    let mut all: Vec<_> = finished.map(of_case).collect();
    all.sort();
    all
}

/// Everything that a mailbox must do, with a server in which other messages already are.
fn assert_is_read(mail: &Arc<dyn MailServer>) {
    // Another run has sent the same, and others use the mailbox as well.
    mail.deliver(&["fixed@example.test"], &activation("fixed@example.test", &[], b"old"));
    mail.deliver(
        &["mary-jane@example.test"],
        &activation("mary-jane@example.test", &[], b""),
    );
    std::thread::sleep(Duration::from_millis(1_100));
    let paths = [
        "sent",
        "sent-to-fixed",
        "late",
        "refused",
        "refused-but-sent",
        "doubled",
        "never-sent",
        "to-another",
        "nested",
    ];
    let server = api(mail);
    let project = project(mail, &server, &paths);
    let expected = [
        ("s/doubled", "failed", "only-one"),
        ("s/late", "passed", ""),
        ("s/nested", "errored", "sent"),
        ("s/never-sent", "failed", "sent"),
        ("s/refused", "passed", ""),
        ("s/refused-but-sent", "failed", "none"),
        ("s/sent", "passed", ""),
        ("s/sent-to-fixed", "passed", ""),
        ("s/to-another", "failed", "sent"),
    ];
    let expected: Vec<_> = expected
        .map(|(id, verdict, step)| (id.to_owned(), verdict.to_owned(), step.to_owned()))
        .into();
    let mut found = verdicts(&project, 1);
    // On a busy machine, the first look can be so late that it finds both messages.
    if found[0] == ("s/doubled".to_owned(), "failed".to_owned(), "sent".to_owned()) {
        "only-one".clone_into(&mut found[0].2);
    }
    assert_eq!(found, expected);
    assert!(
        project.read("run.ndjson").contains("multipart parts"),
        "the reason is reported"
    );
    // Two before; sent, sent-to-fixed, late, refused-but-sent, twice doubled, to-another, nested.
    assert_eq!(mail.state(), (10, 0));
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 1);
}

/// A message that is larger than a query may read is an error, and is not held in memory.
fn assert_large_message_is_an_error(mail: &Arc<dyn MailServer>) {
    let server = api(mail);
    let project = project(mail, &server, &["large"]);
    assert_eq!(
        verdicts(&project, 3),
        [("s/large".to_owned(), "errored".to_owned(), "sent".to_owned())]
    );
    let recording = project.read("run.ndjson");
    assert!(recording.contains("exceed the limit of 10485760 bytes"), "{recording}");
}

/// The server has ended.
fn assert_down_is_an_error(endpoint: &str) {
    let server = Server::start(|_| (response("HTTP/1.1 204 No Content", ""), Then::Close));
    let config = format!(
        "[targets.t]\nbase_url = '{}'\n[targets.t.endpoints.mailbox]\n{endpoint}",
        server.url()
    );
    let project = Project::new(&[("conforme.toml", &config), ("cases/s/sent.yaml", &case("sent", "2s"))]);
    assert_eq!(
        verdicts(&project, 3),
        [("s/sent".to_owned(), "errored".to_owned(), "sent".to_owned())]
    );
    let recording = project.read("run.ndjson");
    assert!(recording.contains("failed to read the mailbox at"), "{recording}");
}
