//! The mail client of Python's library sends to the embedded server, and the reference API sends to aiosmtpd.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use conforme::{
    mail::{Mailbox, MailboxKind, MailboxSettings},
    reference::Seed,
};
use serde_json::{Value, json};

use crate::{
    mail::block_on,
    programs::{Running, free_port, starts},
    support::{conforme, ran, repository, skips},
};

/// Maximum time until an e-mail has arrived.
const ARRIVAL: Duration = Duration::from_secs(20);

/// What a script of `tests/mail-servers` prints.
fn script(name: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new("python3");
    command
        .arg(repository().join("tests/mail-servers").join(name))
        .args(arguments);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn messages_of_a_python_client_arrive_unchanged() {
    if skips("python3", starts("python3", &["--version"])) {
        return;
    }
    block_on(async {
        let settings = MailboxSettings {
            kind: MailboxKind::Smtp,
            base_url: "smtp://127.0.0.1:0".to_owned(),
            headers: Vec::new(),
            login: None,
            timeout: Duration::from_secs(20),
            max_bytes: 1_000_000,
        };
        let mailbox = Mailbox::open(settings, None).await.unwrap();
        let port = mailbox.address().rsplit(':').next().unwrap().to_owned();
        let sending = tokio::task::spawn_blocking(move || script("send.py", &["127.0.0.1", &port]));
        let sent: Vec<Value> = serde_json::from_value(sending.await.unwrap()).unwrap();
        assert!(sent.len() > 12, "{sent:?}");
        for message in &sent {
            for to in message["to"].as_array().unwrap() {
                let to = to.as_str().unwrap();
                let document = mailbox.messages(to, None).await.unwrap();
                let fields = |message: &Value| json!([message["to"], message["subject"], message["text"]]);
                let expected: Vec<_> = sent
                    .iter()
                    .filter(|other| other["to"] == message["to"])
                    .map(fields)
                    .collect();
                let received: Vec<_> = document["messages"].as_array().unwrap().iter().map(fields).collect();
                assert_eq!(received, expected, "{to}");
            }
        }
        assert_eq!(mailbox.messages("never@example.test", None).await.unwrap()["count"], 0);
        let large = mailbox
            .messages("large@example.test", None)
            .await
            .unwrap_err()
            .to_string();
        assert!(large.contains("it is larger than 1000000 bytes"), "{large}");
    });
}

/// Starts the reference API as a program that sends its e-mails to a port; returns its base URL.
fn reference(smtp: u16) -> (Running, String) {
    let mut command = conforme();
    command.args(["serve", "--port", "0", "--smtp", &format!("smtp://127.0.0.1:{smtp}")]);
    let (server, output) = Running::with_output(&mut command);
    let line = BufReader::new(output).lines().next().unwrap().unwrap();
    let base_url = line
        .split(' ')
        .find(|word| word.starts_with("http://"))
        .unwrap()
        .to_owned();
    (server, base_url)
}

fn received(folder: &Path, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let messages: Vec<Value> = serde_json::from_value(script("read.py", &[folder.to_str().unwrap()])).unwrap();
        if messages.len() >= count || begun.elapsed() > ARRIVAL {
            return messages;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn aiosmtpd_accepts_the_email_of_the_reference_api() {
    let packages = repository().join("target/mail-servers/python");
    let is_installed = packages.join("aiosmtpd").exists();
    if skips("python3", starts("python3", &["--version"])) || skips("aiosmtpd in target/mail-servers", is_installed) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("mail");
    let smtp = free_port();
    let mut command = Command::new("python3");
    command
        .env("PYTHONPATH", packages)
        .args(["-m", "aiosmtpd", "--nosetuid"]);
    command
        .args([
            "--listen",
            &format!("127.0.0.1:{smtp}"),
            "--class",
            "aiosmtpd.handlers.Mailbox",
        ])
        .arg(&folder);
    let _sink = Running::start(command.stderr(Stdio::null()), &[smtp]);
    let (_reference, base_url) = reference(smtp);

    let fixtures = Seed::embedded();
    let fixtures = fixtures.fixtures();
    let mut command = conforme();
    command
        .current_dir(repository())
        .args(["run", "--target", &base_url, "--tag", "activation"]);
    for (name, value) in fixtures.variables() {
        command.args(["--var", &format!("{name}={value}")]);
    }
    for (name, value) in fixtures.secrets() {
        command.env(format!("CONFORME_SECRET_{}", name.to_ascii_uppercase()), value);
    }
    command.arg("send-activation-email/activated");
    let ran = ran(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");

    let email = fixtures.user_email().unwrap();
    let messages = received(&folder, 1);
    assert_eq!(messages.len(), 1, "{messages:?}");
    let message = &messages[0];
    assert_eq!(message["defects"], json!([]));
    assert_eq!(message["mail_from"], "no-reply@portal.example.com");
    assert_eq!((&message["recipients"], &message["to"]), (&json!(email), &json!(email)));
    assert_eq!(message["subject"], "Activate your account");
    assert_eq!(message["has_date"], true);
    let text = message["parts"]["text/plain"].as_str().unwrap();
    let link = text
        .split_whitespace()
        .find(|word| word.starts_with("https://"))
        .unwrap();
    let html = message["parts"]["text/html"].as_str().unwrap();
    assert!(html.contains(&link.replace('&', "&amp;")), "{link}: {html}");
}
