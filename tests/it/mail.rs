//! Reading mailboxes, through the library.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use conforme::mail::{MailError, Mailbox, MailboxKind, MailboxSettings};
use serde_json::Value;

fn settings(kind: MailboxKind, base_url: &str) -> MailboxSettings {
    MailboxSettings {
        kind,
        base_url: base_url.to_owned(),
        headers: Vec::new(),
        login: None,
        timeout: Duration::from_secs(20),
        max_bytes: 100_000,
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

async fn sink() -> Mailbox {
    let settings = settings(MailboxKind::Smtp, "smtp://127.0.0.1:0");
    Mailbox::open(settings, None).await.unwrap()
}

/// Sends text to a mail server and returns the responses, one line for each, until the server closes the connection.
async fn talk(mailbox: &Mailbox, text: impl Into<Vec<u8>>) -> Vec<String> {
    let address = mailbox.address().strip_prefix("smtp://").unwrap().to_owned();
    let text = text.into();
    let talking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let mut writing = stream.try_clone().unwrap();
        let writer = std::thread::spawn(move || drop(writing.write_all(&text)));
        let lines = BufReader::new(&mut stream).lines().map_while(Result::ok).collect();
        writer.join().unwrap();
        lines
    });
    talking.await.unwrap()
}

fn mail(to: &[&str], content: &str) -> String {
    let recipients: Vec<_> = to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")).collect();
    let recipients = recipients.concat();
    format!(
        "EHLO test\r\nMAIL FROM:<shop@example.test>\r\n{recipients}DATA\r\n{}\r\n.\r\nQUIT\r\n",
        content.replace('\n', "\r\n")
    )
}

fn subjects(document: &Value) -> Vec<&str> {
    let messages = document["messages"].as_array().unwrap();
    assert_eq!(document["count"], messages.len());
    messages
        .iter()
        .map(|message| message["subject"].as_str().unwrap())
        .collect()
}

#[test]
fn sink_keeps_messages_for_the_recipients_of_the_envelope() {
    block_on(async {
        let mailbox = sink().await;
        let lines = talk(
            &mailbox,
            mail(&["Jane@Example.test", "hidden@example.test"], "Subject: one\n\n..two"),
        )
        .await;
        let codes: Vec<_> = lines.iter().map(|line| &line[..4]).collect();
        assert_eq!(
            codes,
            [
                "220 ", "250-", "250-", "250-", "250-", "250 ", "250 ", "250 ", "250 ", "354 ", "250 ", "221 "
            ]
        );
        talk(&mailbox, mail(&["jane@example.test"], "Subject: two\n\n")).await;

        let jane = mailbox.messages("jane@EXAMPLE.test", None).await.unwrap();
        assert_eq!(subjects(&jane), ["one", "two"]);
        assert_eq!(jane["messages"][0]["text"], ".two\n");
        let hidden = mailbox.messages("hidden@example.test", None).await.unwrap();
        assert_eq!(subjects(&hidden), ["one"]);
        let nobody = mailbox.messages("jane", None).await.unwrap();
        assert_eq!(nobody["count"], 0);
    });
}

#[test]
fn messages_before_since_are_left_out() {
    block_on(async {
        let mailbox = sink().await;
        talk(&mailbox, mail(&["a@example.test"], "Subject: one\n\n")).await;
        let now = chrono::Utc::now();
        let same_second = mailbox.messages("a@example.test", Some(now)).await.unwrap();
        let next = now + chrono::TimeDelta::seconds(1);
        let later = mailbox.messages("a@example.test", Some(next)).await.unwrap();
        assert_eq!(subjects(&later), [""; 0]);
        // The second may have ended between the message and `now`.
        let before = now - chrono::TimeDelta::seconds(60);
        assert_eq!(
            subjects(&mailbox.messages("a@example.test", Some(before)).await.unwrap()),
            ["one"]
        );
        assert!(same_second["count"].as_u64().unwrap() <= 1);
    });
}

#[test]
fn rejected_message_is_an_error_for_its_recipients_only() {
    block_on(async {
        let mailbox = sink().await;
        let large = "x".repeat(200_000);
        let lines = talk(&mailbox, mail(&["a@example.test"], &large)).await;
        assert_eq!(lines[lines.len() - 2], "552 message too large");
        let error = mailbox.messages("a@example.test", None).await.unwrap_err();
        assert!(matches!(&error, MailError::Rejected { .. }), "{error}");
        assert_eq!(mailbox.messages("b@example.test", None).await.unwrap()["count"], 0);
    });
}

#[test]
fn messages_of_a_query_are_limited_in_total() {
    block_on(async {
        let mailbox = sink().await;
        for _ in 0..2 {
            talk(&mailbox, mail(&["a@example.test"], &"x".repeat(60_000))).await;
        }
        let error = mailbox.messages("a@example.test", None).await.unwrap_err();
        assert!(matches!(&error, MailError::Size { limit: 100_000, .. }), "{error}");
    });
}

#[test]
fn sink_survives_clients_that_break_the_protocol() {
    block_on(async {
        let mailbox = sink().await;
        for text in [
            vec![b'x'; 10_000],
            b"\xff\xfe\x00\r\nQUIT\r\n".to_vec(),
            b"QUIT\n".to_vec(),
        ] {
            let lines = talk(&mailbox, text).await;
            let last = lines.last().unwrap();
            assert!(["421 ", "221 "].contains(&&last[..4]), "{lines:?}");
        }
        // The connection ends within a message: it was never accepted.
        let address = mailbox.address().strip_prefix("smtp://").unwrap();
        let cut = mail(&["a@example.test"], "Subject: cut\n\n").replace("\r\n.\r\nQUIT\r\n", "");
        TcpStream::connect(address).unwrap().write_all(cut.as_bytes()).unwrap();
        talk(&mailbox, mail(&["a@example.test"], "Subject: whole\n\n")).await;
        assert_eq!(
            subjects(&mailbox.messages("a@example.test", None).await.unwrap()),
            ["whole"]
        );
    });
}

#[test]
fn more_connections_than_the_maximum_wait_and_are_served() {
    block_on(async {
        let mailbox = sink().await;
        let address = mailbox.address().strip_prefix("smtp://").unwrap().to_owned();
        let idle: Vec<_> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(idle);
        talk(&mailbox, mail(&["a@example.test"], "Subject: one\n\n")).await;
        assert_eq!(
            subjects(&mailbox.messages("a@example.test", None).await.unwrap()),
            ["one"]
        );
    });
}

#[test]
fn sink_listens_on_loopback_only_and_stops_with_the_mailbox() {
    block_on(async {
        let error = Mailbox::open(settings(MailboxKind::Smtp, "smtp://0.0.0.0:0"), None)
            .await
            .unwrap_err();
        assert!(matches!(error, MailError::Address { .. }), "{error}");
        let mailbox = sink().await;
        let url = mailbox.address().to_owned();
        let error = Mailbox::open(settings(MailboxKind::Smtp, &url), None)
            .await
            .unwrap_err();
        assert!(matches!(error, MailError::Listen { .. }), "{error}");
        drop(mailbox);
        tokio::time::sleep(Duration::from_millis(10)).await;
        Mailbox::open(settings(MailboxKind::Smtp, &url), None).await.unwrap();
    });
}

#[test]
fn message_that_is_too_complex_is_an_error() {
    block_on(async {
        let mailbox = sink().await;
        talk(&mailbox, mail(&["a@example.test"], "Subject: one\n\n")).await;
        talk(&mailbox, mail(&["a@example.test"], &"\n--b".repeat(10_001))).await;
        let error = mailbox.messages("a@example.test", None).await.unwrap_err();
        assert!(matches!(error, MailError::Message { number: 2, .. }), "{error}");
    });
}

#[test]
fn credentials_are_in_no_message() {
    block_on(async {
        let mut secret = settings(MailboxKind::Smtp, "smtp://user:hunter2@127.0.0.1:0/?key=hunter2");
        secret.login = Some(("jane".to_owned(), "hunter2".to_owned()));
        secret.headers = vec![("X-Key".to_owned(), "hunter2".to_owned())];
        let shown = format!("{secret:?}");
        let error = Mailbox::open(secret, None).await.unwrap_err();
        for text in [shown, error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    });
}
