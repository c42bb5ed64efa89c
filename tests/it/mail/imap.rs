//! An IMAP server that follows a script.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use conforme::mail::{MailError, Mailbox, MailboxKind, MailboxSettings};

use super::{SOURCE, block_on, settings, subjects};
use crate::{
    connections::secure::{self, Authority},
    support::Raw,
};

type Commands = Arc<Mutex<Vec<String>>>;

/// What the server has: responses to commands that begin with a text (without their tag).
type Script = Vec<(&'static str, String)>;

fn script() -> Script {
    let envelope = |uid: u32, date: &str, to: &str, cc: &str| {
        format!(
            "* {uid} FETCH (UID {uid} INTERNALDATE \"{date}\" RFC822.SIZE 170 ENVELOPE (\"Mon, 30 Nov 2026 12:00:00 +0100\" \
             \"Order 1\" ((\"Shop\" NIL \"shop\" \"example.test\")) NIL NIL {to} {cc} NIL NIL \"<1@x>\"))\r\n"
        )
    };
    let jane = "((\"Jane\" NIL \"Jane\" \"example.test\"))";
    let other = "((NIL NIL \"notjane\" \"example.test\"))";
    let list = envelope(7, "30-Nov-2026 12:00:05 +0100", other, jane)
        + &envelope(4, "30-Nov-2026 12:00:01 +0100", jane, "NIL")
        + &envelope(5, "30-Nov-2026 12:00:02 +0100", other, "NIL");
    let body = |uid: u32| {
        let source = SOURCE.replace("Order 1", &format!("uid {uid}"));
        format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{source})\r\n", source.len())
    };
    vec![
        ("LOGIN \"jane\" \"hunter2\"", String::new()),
        (
            "EXAMINE \"Test folder\"",
            "* 9 EXISTS\r\n* FLAGS (\\Seen)\r\n".to_owned(),
        ),
        ("UID SEARCH ", "* SEARCH 7 4 5\r\n".to_owned()),
        ("UID FETCH 4,5,7 (UID INTERNALDATE RFC822.SIZE ENVELOPE)", list),
        ("UID FETCH 4,7 (UID BODY.PEEK[])", body(4) + &body(7)),
        ("UID FETCH 7 (UID BODY.PEEK[])", body(7)),
        ("LOGOUT", "* BYE\r\n".to_owned()),
    ]
}

fn line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte).ok()?;
        line.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn serve(mut stream: impl Read + Write, script: &Script, commands: &Commands) {
    let mut text = "* OK ready\r\n".to_owned();
    while stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok() {
        let Some(line) = line(&mut stream) else {
            return;
        };
        let (tag, command) = line.split_once(' ').unwrap();
        commands.lock().unwrap().push(command.to_owned());
        text = match script.iter().find(|(start, _)| command.starts_with(start)) {
            Some((_, untagged)) => format!("{untagged}{tag} OK done\r\n"),
            None => format!("{tag} NO cannot do {command}\r\n"),
        };
    }
}

fn server(script: Script) -> (Raw, Commands) {
    let commands = Commands::default();
    let log = Arc::clone(&commands);
    (Raw::start(move |stream| serve(stream, &script, &log)), commands)
}

fn imap(port: u16) -> MailboxSettings {
    let mut settings = settings(MailboxKind::Imap, &format!("imap://127.0.0.1:{port}/Test%20folder"));
    settings.login = Some(("jane".to_owned(), "hunter2".to_owned()));
    settings
}

fn error(settings: MailboxSettings) -> MailError {
    block_on(async {
        let mailbox = Mailbox::open(settings, None).await.unwrap();
        mailbox.messages("jane@example.test", None).await.unwrap_err()
    })
}

#[test]
fn imap_messages_are_read_without_marking_them() {
    let (server, commands) = server(script());
    block_on(async {
        let mailbox = Mailbox::open(imap(server.port()), None).await.unwrap();
        let all = mailbox.messages("JANE@example.test", None).await.unwrap();
        assert_eq!(subjects(&all), ["uid 4", "uid 7"]);
        let since = "2026-11-30T11:00:05.5Z".parse().unwrap();
        let new = mailbox.messages("jane@example.test", Some(since)).await.unwrap();
        assert_eq!(subjects(&new), ["uid 7"]);
    });
    let commands = commands.lock().unwrap();
    assert_eq!(commands[2], "UID SEARCH ALL");
    assert_eq!(commands[8], "UID SEARCH SINCE 29-Nov-2026");
    assert_eq!(commands.len(), 12);
}

#[test]
fn rejected_login_is_an_error_without_the_password() {
    let mut script = script();
    script.remove(0);
    let (server, _) = server(script);
    let text = error(imap(server.port())).to_string();
    assert!(text.contains("cannot do LOGIN") && !text.contains("hunter2"), "{text}");
}

#[test]
fn large_messages_and_long_lists_are_errors() {
    let mut large = script();
    large[3].1 = large[3].1.replace("SIZE 170", "SIZE 50000000");
    let mut endless = script();
    endless[4].1 = format!("* 4 FETCH (UID 4 BODY[] {{50000000}}\r\n{}", "x".repeat(200_000));
    for script in [large, endless] {
        let (server, _) = server(script);
        let error = error(imap(server.port()));
        assert!(matches!(error, MailError::Size { .. }), "{error}");
    }
    let mut many = script();
    let uids: Vec<_> = (1..=2_001).map(|uid: u32| uid.to_string()).collect();
    many[2].1 = format!("* SEARCH {}\r\n", uids.join(" "));
    let (server, _) = server(many);
    let error = error(imap(server.port()));
    assert!(matches!(error, MailError::Count { limit: 2_000, .. }), "{error}");
}

#[test]
fn servers_that_break_the_protocol_are_errors_in_time() {
    for greeting in ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "* OK\r\n* ((((\r\n"] {
        let server = Raw::start(move |mut stream| drop(stream.write_all(greeting.as_bytes())));
        let error = error(imap(server.port()));
        assert!(matches!(error, MailError::Read { .. }), "{error}");
        let shows_bytes = error.to_string().contains('[');
        assert!(!shows_bytes, "{error}");
    }
    let silent = Raw::start(|mut stream| drop(stream.read(&mut [0])));
    let mut settings = imap(silent.port());
    settings.timeout = Duration::from_millis(200);
    let error = error(settings);
    assert!(matches!(error, MailError::Timeout { .. }), "{error}");
}

#[test]
fn secure_connection_needs_a_trusted_certificate() {
    let authority = Authority::new();
    let config = Arc::new(secure::config(&authority.local(), &[], None));
    let server = Raw::start(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        serve(
            rustls::StreamOwned::new(connection, stream),
            &script(),
            &Commands::default(),
        );
    });
    block_on(async {
        let mut settings = imap(0);
        settings.base_url = format!("imaps://127.0.0.1:{}/Test%20folder", server.port());
        let trusted = Mailbox::open(settings.clone(), Some(super::trusting(&authority)))
            .await
            .unwrap();
        assert_eq!(
            subjects(&trusted.messages("jane@example.test", None).await.unwrap()),
            ["uid 4", "uid 7"]
        );
        let untrusted = Mailbox::open(settings, None).await.unwrap();
        let error = untrusted
            .messages("jane@example.test", None)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("certificate"), "{error}");
    });
}

#[test]
fn invalid_settings_are_errors() {
    block_on(async {
        for url in [
            "http://127.0.0.1",
            "imap://127.0.0.1/?a",
            "imap://127.0.0.1/%C3%A4",
            "imap://127.0.0.1/a%0D%0Ab",
            "imap:x",
        ] {
            let mut settings = imap(0);
            settings.base_url = url.to_owned();
            let error = Mailbox::open(settings, None).await.unwrap_err();
            assert!(matches!(error, MailError::Address { kind: "imap", .. }), "{error}");
        }
        let mut settings = imap(143);
        settings.login = None;
        let error = Mailbox::open(settings, None).await.unwrap_err().to_string();
        assert!(error.contains("login"), "{error}");
    });
}
