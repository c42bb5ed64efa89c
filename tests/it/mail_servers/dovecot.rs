//! Dovecot, as IMAP server, with and without TLS.

use std::{
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use super::{MailServer, assert_down_is_an_error, assert_is_read, assert_large_message_is_an_error};
use crate::{
    connections::secure::Authority,
    programs::{Running, free_port, starts},
    support::skips,
};

/// A user that cannot log in, on every system.
const NOBODY: u32 = 65_534;
const PASSWORD: &str = "hunter2-hunter2";
const DELIVERY_AGENT: &str = "/usr/lib/dovecot/dovecot-lda";

struct Dovecot {
    port: u16,
    is_secure: bool,
    folder: tempfile::TempDir,
    _process: Running,
}

impl Dovecot {
    /// A running server, unless it is not installed.
    fn start(is_secure: bool) -> Option<Self> {
        // An administrator's folders are not in the path of every user.
        let program = ["dovecot", "/usr/sbin/dovecot"]
            .into_iter()
            .find(|program| starts(program, &["--version"]));
        if skips("dovecot", program.is_some()) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let authority = Authority::new();
        let identity = authority.local();
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("certificate.pem", identity.certificate),
            ("key.pem", identity.key),
            ("password", PASSWORD.to_owned()),
            ("dovecot.conf", configuration(&folder, port, is_secure)),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut command = Command::new(program?);
        command.arg("-F").arg("-c").arg(folder.path().join("dovecot.conf"));
        let process = Running::start(&mut command, &[port]);
        Some(Self {
            port,
            is_secure,
            folder,
            _process: process,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The settings of a server with one folder, whose processes are those of the user who runs this test.
fn configuration(folder: &tempfile::TempDir, port: u16, is_secure: bool) -> String {
    let base = folder.path().display();
    let mail = folder.path().join("mail");
    std::fs::create_dir(&mail).unwrap();
    let metadata = std::fs::metadata(&mail).unwrap();
    // Dovecot does not read mail as `root`, and only `root` can start it as other users.
    let (uid, gid, others) = if metadata.uid() == 0 {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        chown(&mail, Some(NOBODY), Some(NOBODY)).unwrap();
        (NOBODY, NOBODY, String::new())
    } else {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        let user = user.trim();
        let group = Command::new("id").arg("-gn").output().unwrap().stdout;
        let group = String::from_utf8(group).unwrap();
        let others = format!(
            "default_internal_user = {user}\ndefault_internal_group = {}\ndefault_login_user = {user}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n",
            group.trim()
        );
        (metadata.uid(), metadata.gid(), others)
    };
    let (plain, secure) = if is_secure { (0, port) } else { (port, 0) };
    format!(
        "base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
ssl = {}
ssl_cert = <{base}/certificate.pem
ssl_key = <{base}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{base}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {secure}
  }}
}}
{others}",
        if is_secure { "yes" } else { "no" }
    )
}

impl MailServer for Dovecot {
    fn target(&self) -> String {
        format!("ca_file = '{}'\n", self.path("ca.pem").display())
    }

    fn endpoint(&self) -> String {
        let scheme = if self.is_secure { "imaps" } else { "imap" };
        format!(
            "kind = 'imap'\nbase_url = '{scheme}://127.0.0.1:{}/INBOX'\nuser = 'jane'\npassword = '{{{{ password }}}}'\n\
             [targets.t.secrets]\npassword = {{ file = '{}' }}\n",
            self.port,
            self.path("password").display()
        )
    }

    fn deliver(&self, _: &[&str], message: &[u8]) {
        let mut command = Command::new(DELIVERY_AGENT);
        command
            .arg("-c")
            .arg(self.path("dovecot.conf"))
            .args(["-d", "jane", "-f", "bounce@example.test"]);
        let mut delivery = command.stdin(Stdio::piped()).spawn().unwrap();
        delivery.stdin.take().unwrap().write_all(message).unwrap();
        assert!(delivery.wait().unwrap().success(), "the message is delivered");
    }

    fn state(&self) -> (usize, usize) {
        let mut command = Command::new("doveadm");
        command.arg("-c").arg(self.path("dovecot.conf"));
        let output = command
            .args(["-f", "flow", "fetch", "-u", "jane", "uid flags", "all"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let marked = text
            .lines()
            .filter(|line| line.replace("\\Recent", "").trim().ends_with("flags="))
            .count();
        (text.lines().count(), text.lines().count() - marked)
    }
}

#[test]
fn imap_mailbox_is_read_and_not_changed() {
    let Some(server) = Dovecot::start(false) else { return };
    let down = server
        .endpoint()
        .replace(&server.port.to_string(), &free_port().to_string());
    let mail: Arc<dyn MailServer> = Arc::new(server);
    assert_is_read(&mail);
    assert_large_message_is_an_error(&mail);
    assert_down_is_an_error(&down);
}

#[test]
fn secure_imap_mailbox_is_read_and_not_changed() {
    let Some(server) = Dovecot::start(true) else { return };
    let mail: Arc<dyn MailServer> = Arc::new(server);
    assert_is_read(&mail);
}
