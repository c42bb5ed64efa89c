//! Reading mailboxes, through the library.

mod imap;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use conforme::mail::{MailError, Mailbox, MailboxKind, MailboxSettings};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};

use crate::{
    connections::secure::{Authority, Secure},
    support::{Server, Then, response},
};

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

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
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
                "220 ", "250-", "250-", "250-", "250-", "250-", "250 ", "250 ", "250 ", "250 ", "354 ", "250 ", "221 "
            ]
        );
        talk(&mailbox, mail(&["jane@example.test"], "Subject: two\n\n")).await;

        let jane = mailbox.messages("jane@EXAMPLE.test", None).await.unwrap();
        assert_eq!(subjects(&jane), ["one", "two"]);
        assert_eq!(jane["messages"][0]["text"], ".two\n");
        let hidden = mailbox.messages("hidden@example.test", None).await.unwrap();
        assert_eq!(subjects(&hidden), ["one"]);
        let none = mailbox.messages("jane", None).await.unwrap();
        assert_eq!(none["count"], 0);
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

/// A message as its sender wrote it.
const SOURCE: &str = "From: Shop <shop@example.test>\r\nTo: Jane <jane@example.test>\r\nSubject: Order 1\r\n\
                      Date: Mon, 30 Nov 2026 12:00:00 +0100\r\n\r\nSee https://shop.example.test/orders/1.\r\n";

/// A server with a response for each path and query; the first that the path begins with. It keeps all requests.
fn api(responses: Vec<(String, String)>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let server = Server::start(move |request| {
        kept.lock().unwrap().push(request.to_owned());
        let path = request.split(' ').nth(1).unwrap_or_default();
        let found = responses.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        let bytes = match found {
            Some((_, body)) => response("HTTP/1.1 200 OK", body),
            None => response("HTTP/1.1 404 Not Found", "{\"error\":\"Not found\"}"),
        };
        (bytes, Then::Keep)
    });
    (server, requests)
}

fn page_at(path: &str, body: &impl ToString) -> (String, String) {
    (path.to_owned(), body.to_string())
}

async fn open(kind: MailboxKind, base_url: &str) -> Mailbox {
    Mailbox::open(settings(kind, base_url), None).await.unwrap()
}

fn all_are_reads(requests: &Mutex<Vec<String>>) -> bool {
    let requests = requests.lock().unwrap();
    !requests.is_empty() && requests.iter().all(|request| request.starts_with("GET "))
}

#[test]
fn maildev_3_is_read_by_list_and_source() {
    // A response of maildev 3.0.0, shortened. A request of the message itself would mark it as read.
    let list = json!([
        {"id": "2iqatz6u", "time": "2026-11-30T11:00:00.000Z", "read": false, "subject": "Order 1",
         "from": [{"address": "shop@example.test", "name": "Shop"}], "to": [{"address": "jane@example.test", "name": "Jane"}],
         "envelope": {"from": {"address": "bounce@example.test", "args": {"SIZE": "1250"}},
                      "to": [{"address": "Jane@example.test"}, {"address": "hidden@example.test"}]}},
        {"id": "other", "time": "2026-11-30T11:00:01.000Z", "to": [], "envelope": {"to": [{"address": "other@example.test"}]}},
    ]);
    let (server, requests) = api(vec![
        page_at("/base/api/email/2iqatz6u/source", &SOURCE),
        page_at("/base/api/email", &list),
    ]);
    block_on(async {
        let mailbox = open(MailboxKind::Maildev, &format!("{}/base/", server.url())).await;
        let hidden = mailbox.messages("hidden@example.test", None).await.unwrap();
        let message = &hidden["messages"][0];
        assert_eq!(subjects(&hidden), ["Order 1"]);
        assert_eq!(message["from"], "shop@example.test");
        assert_eq!(message["links"], json!(["https://shop.example.test/orders/1"]));
        let since = "2026-11-30T11:00:00.9Z".parse().unwrap();
        assert_eq!(
            mailbox.messages("jane@example.test", Some(since)).await.unwrap()["count"],
            1
        );
        let since = "2026-11-30T11:00:01Z".parse().unwrap();
        assert_eq!(
            mailbox.messages("jane@example.test", Some(since)).await.unwrap()["count"],
            0
        );
    });
    assert!(all_are_reads(&requests));
}

#[test]
fn maildev_2_has_its_list_at_another_path() {
    // A response of maildev 2.2.1, shortened.
    let list = json!([{
        "id": "yp0dXJHd", "time": "2026-11-30T11:00:00.000Z", "date": "2026-11-30T11:00:00.000Z", "read": false,
        "envelope": {"from": {"address": "bounce@example.test", "args": false},
                     "to": [{"address": "jane@example.test", "args": false}], "host": "[127.0.0.1]"},
    }]);
    let (server, requests) = api(vec![
        page_at("/email/yp0dXJHd/source", &SOURCE),
        page_at("/email", &list),
    ]);
    block_on(async {
        let mailbox = open(MailboxKind::Maildev, &server.url()).await;
        for _ in 0..2 {
            assert_eq!(
                subjects(&mailbox.messages("jane@example.test", None).await.unwrap()),
                ["Order 1"]
            );
        }
    });
    let requests = requests.lock().unwrap();
    let paths: Vec<_> = requests
        .iter()
        .map(|request| request.split(' ').nth(1).unwrap())
        .collect();
    let source = "/email/yp0dXJHd/source";
    assert_eq!(paths, ["/api/email", "/email", source, "/email", source]);
}

fn mailpit_message(number: usize, to: &str) -> Value {
    let created = chrono::DateTime::from_timestamp(1_800_000_000 - i64::try_from(number).unwrap(), 0).unwrap();
    json!({
        "ID": format!("id{number}"), "MessageID": "1@example.test", "Read": false, "From": {"Name": "Shop", "Address": "s@x.test"},
        "To": [{"Name": "", "Address": to}], "Cc": null, "Bcc": [{"Name": "", "Address": format!("bcc{number}@example.test")}],
        "Subject": "Order 1", "Created": created.to_rfc3339(), "Size": 100, "Attachments": 0, "Snippet": "See",
    })
}

#[test]
fn mailpit_is_read_page_by_page_without_marking_messages() {
    // Newest first. The last message of the first page is on the second page again, because a new one has arrived.
    let first: Vec<_> = (0..50)
        .map(|number| mailpit_message(number, "other@example.test"))
        .collect();
    let second = [
        mailpit_message(49, "other@example.test"),
        mailpit_message(50, "JANE@example.test"),
        mailpit_message(51, "notjane@example.test"),
    ];
    let page =
        |messages: &[Value]| json!({"total": 52, "messages_count": 52, "start": 0, "tags": [], "messages": messages});
    let (server, requests) = api(vec![
        page_at("/api/v1/messages?start=0&limit=50", &page(&first)),
        page_at("/api/v1/messages?start=50&limit=50", &page(&second)),
        page_at("/api/v1/message/id50/raw", &SOURCE),
        page_at("/api/v1/message/id49/raw", &SOURCE),
    ]);
    block_on(async {
        let mailbox = open(MailboxKind::Mailpit, &server.url()).await;
        assert_eq!(
            subjects(&mailbox.messages("jane@example.test", None).await.unwrap()),
            ["Order 1"]
        );
        assert_eq!(mailbox.messages("bcc49@example.test", None).await.unwrap()["count"], 1);
        let before = requests.lock().unwrap().len();
        // Everything from here on is older: the second page is not needed.
        let since = chrono::DateTime::from_timestamp(1_800_000_000 - 10, 0);
        assert_eq!(mailbox.messages("jane@example.test", since).await.unwrap()["count"], 0);
        assert_eq!(requests.lock().unwrap().len(), before + 1);
    });
    assert!(all_are_reads(&requests));
}

#[test]
fn number_of_listed_messages_is_limited() {
    let messages: Vec<_> = (0..50)
        .map(|number| mailpit_message(number, "other@example.test"))
        .collect();
    let (server, _) = api(vec![page_at("/api/v1/messages", &json!({ "messages": messages }))]);
    block_on(async {
        let mut settings = settings(MailboxKind::Mailpit, &server.url());
        settings.max_bytes = 10_000_000;
        let mailbox = Mailbox::open(settings, None).await.unwrap();
        let error = mailbox.messages("jane@example.test", None).await.unwrap_err();
        assert!(matches!(error, MailError::Count { limit: 2_000, .. }), "{error}");
    });
}

fn mailhog_message(id: &str, created: &str, to: &str) -> Value {
    json!({
        "ID": id, "From": {"Relays": null, "Mailbox": "shop", "Domain": "example.test", "Params": ""}, "To": [],
        "Content": {"Headers": {}, "Body": "", "Size": 1, "MIME": null}, "Created": created, "MIME": null,
        "Raw": {"From": "shop@example.test", "To": [to], "Data": SOURCE.replace("Order 1", id), "Helo": "x"},
    })
}

#[test]
fn mailhog_is_searched_and_recipients_are_compared() {
    let page = json!({"total": 3, "count": 3, "start": 0, "items": [
        mailhog_message("two", "2026-11-30T11:00:01.5+01:00", "jane@example.test"),
        mailhog_message("one", "2026-11-30T11:00:01.25+01:00", "jane@example.test"),
        mailhog_message("other", "2026-11-30T11:00:01+01:00", "mary-jane@example.test"),
    ]});
    let (server, requests) = api(vec![
        page_at(
            "/api/v2/search?kind=to&query=jane%40example.test&start=0&limit=50",
            &page,
        ),
        // Its memory has `null` for an empty list.
        page_at(
            "/api/v2/search?kind=to&query=example.test&",
            &json!({"total": 0, "count": 0, "start": 0, "items": null}),
        ),
    ]);
    block_on(async {
        let mailbox = open(MailboxKind::Mailhog, &server.url()).await;
        assert_eq!(
            subjects(&mailbox.messages("jane@example.test", None).await.unwrap()),
            ["one", "two"]
        );
        // `+` would be an operator of a regular expression.
        assert_eq!(mailbox.messages("jane+1@example.test", None).await.unwrap()["count"], 0);
    });
    assert!(all_are_reads(&requests));
}

#[test]
fn credentials_are_sent_to_an_api() {
    let (server, requests) = api(vec![page_at("/api/v1/messages", &json!({ "messages": [] }))]);
    block_on(async {
        let mut settings = settings(MailboxKind::Mailpit, &server.url());
        settings.login = Some(("jane".to_owned(), "hunter2".to_owned()));
        settings.headers = vec![("X-Key".to_owned(), "hunter3".to_owned())];
        let mailbox = Mailbox::open(settings, None).await.unwrap();
        assert_eq!(mailbox.messages("jane@example.test", None).await.unwrap()["count"], 0);
        assert!(!format!("{mailbox:?}").contains("hunter"));
    });
    let request = requests.lock().unwrap()[0].to_lowercase();
    assert!(
        request.contains("\r\nauthorization: basic amfuztpodw50zxiy\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\nx-key: hunter3\r\n"), "{request}");
}

#[test]
fn failures_of_an_api_are_errors_with_its_address() {
    let elsewhere = Server::always("HTTP/1.1 200 OK", "{\"messages\":[]}");
    let redirect = format!("HTTP/1.1 302 Found\nLocation: {}/api/v1/messages", elsewhere.url());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (head, body, expected) in [
        ("HTTP/1.1 401 Unauthorized", "", "status 401"),
        (redirect.as_str(), "", "status 302"),
        ("HTTP/1.1 200 OK", "<html>", "is not what `mailpit` sends"),
        ("HTTP/1.1 200 OK", &deep, "is not what `mailpit` sends"),
        (
            "HTTP/1.1 200 OK",
            &"x".repeat(200_000),
            "exceed the limit of 100000 bytes",
        ),
        ("HTTP/1.1 200 OK\nContent-Length: 100", "{", "error"),
    ] {
        let bytes = response(head, body);
        let server = Server::start(move |_| (bytes.clone(), Then::Close));
        block_on(async {
            let mailbox = open(MailboxKind::Mailpit, &server.url()).await;
            let error = mailbox
                .messages("jane@example.test", None)
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(&server.url()) && error.contains(expected), "{error}");
        });
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn mailbox_that_is_down_or_silent_is_an_error_in_time() {
    block_on(async {
        let closed = format!("127.0.0.1:{}", crate::programs::free_port());
        let mailbox = open(MailboxKind::Mailhog, &format!("http://{closed}")).await;
        let error = mailbox
            .messages("jane@example.test", None)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(&closed) && error.contains("refused"), "{error}");

        let silent = Server::start(|_| (Vec::new(), Then::Hang));
        let mut settings = settings(MailboxKind::Maildev, &silent.url());
        settings.timeout = Duration::from_millis(200);
        let mailbox = Mailbox::open(settings, None).await.unwrap();
        let start = Instant::now();
        let error = mailbox.messages("jane@example.test", None).await.unwrap_err();
        assert!(matches!(error, MailError::Timeout { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn invalid_settings_of_an_api_are_errors_without_values() {
    block_on(async {
        for url in [
            "ftp://example.test",
            "http://example.test/?a=b",
            "example.test",
            "http://u:p@example.test",
        ] {
            let error = Mailbox::open(settings(MailboxKind::Mailpit, url), None)
                .await
                .unwrap_err();
            assert!(matches!(error, MailError::Address { kind: "mailpit", .. }), "{error}");
        }
        let mut invalid = settings(MailboxKind::Mailpit, "http://example.test");
        invalid.headers = vec![("X-Key".to_owned(), "hunter2\n".to_owned())];
        let error = Mailbox::open(invalid, None).await.unwrap_err().to_string();
        assert!(error.contains("`X-Key`") && !error.contains("hunter2"), "{error}");
    });
}

/// A configuration that trusts an authority, and offers HTTP/2 like those of targets.
fn trusting(authority: &Authority) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

#[test]
fn secure_api_is_read_over_http_1_with_the_given_configuration() {
    let authority = Authority::new();
    let server = Secure::start(&authority.local(), &["h2", "http/1.1"], None);
    block_on(async {
        let open = async |tls| {
            Mailbox::open(settings(MailboxKind::Mailpit, &server.url()), tls)
                .await
                .unwrap()
        };
        let query = async |mailbox: Mailbox| {
            mailbox
                .messages("jane@example.test", None)
                .await
                .unwrap_err()
                .to_string()
        };
        let error = query(open(Some(trusting(&authority))).await).await;
        assert!(error.contains("the response to /api/v1/messages is not"), "{error}");
        let error = query(open(None).await).await;
        assert!(error.contains("certificate"), "{error}");
    });
    let seen = server.seen();
    assert!(seen.len() == 1 && seen[0].starts_with("HTTP/1.1 "), "{seen:?}");
}
