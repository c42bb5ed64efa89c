//! `MailDev`, versions 2 and 3, whose APIs differ.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    sync::Arc,
};

use lettre::{SmtpTransport, Transport as _, address::Envelope};
use serde_json::Value;

use super::{MailServer, assert_down_is_an_error, assert_is_read, assert_large_message_is_an_error};
use crate::{
    programs::{Running, free_port, starts},
    support::{repository, skips},
};

struct MailDev {
    smtp: u16,
    web: u16,
    list: &'static str,
    _process: Running,
}

impl MailServer for MailDev {
    fn endpoint(&self) -> String {
        format!("kind = 'maildev'\nbase_url = 'http://127.0.0.1:{}'\n", self.web)
    }

    fn deliver(&self, to: &[&str], message: &[u8]) {
        let to = to.iter().map(|to| to.parse().unwrap()).collect();
        let envelope = Envelope::new(Some("bounce@example.test".parse().unwrap()), to).unwrap();
        let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(self.smtp).build();
        transport.send_raw(&envelope, message).unwrap();
    }

    fn state(&self) -> (usize, usize) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.web)).unwrap();
        write!(stream, "GET /{} HTTP/1.0\r\n\r\n", self.list).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (_, body) = response.split_once("\r\n\r\n").unwrap();
        let messages: Vec<Value> = serde_json::from_str(body).unwrap();
        let is_unread = |message: &&Value| message["read"] == false;
        let unread = messages.iter().filter(is_unread).count();
        (messages.len(), messages.len() - unread)
    }
}

/// A running server, unless it is not installed.
fn server(program: &str, list: &'static str) -> Option<MailDev> {
    let script = repository().join("target/mail-servers/node_modules").join(program);
    if skips("node", starts("node", &["--version"])) || skips("maildev in target/mail-servers", script.exists()) {
        return None;
    }
    let (smtp, web) = (free_port(), free_port());
    let mut command = Command::new("node");
    command
        .arg(script)
        .args(["--smtp", &smtp.to_string(), "--web", &web.to_string()]);
    command.args(["--ip", "127.0.0.1", "--web-ip", "127.0.0.1", "--silent"]);
    let process = Running::start(&mut command, &[smtp, web]);
    Some(MailDev {
        smtp,
        web,
        list,
        _process: process,
    })
}

fn assert_works(program: &str, list: &'static str) {
    let Some(server) = server(program, list) else { return };
    let endpoint = server.endpoint();
    let mail: Arc<dyn MailServer> = Arc::new(server);
    assert_is_read(&mail);
    assert_large_message_is_an_error(&mail);
    drop(mail);
    assert_down_is_an_error(&endpoint);
}

#[test]
fn maildev_2_mailbox_is_read_and_not_changed() {
    assert_works("maildev-2/bin/maildev", "email");
}

#[test]
fn maildev_3_mailbox_is_read_and_not_changed() {
    let is_old = !starts(
        "node",
        &["--eval", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"],
    );
    if is_old {
        eprintln!("skipped: MailDev 3 needs Node.js 20 or later");
        return;
    }
    assert_works("maildev/dist/bin/maildev.js", "api/email");
}
