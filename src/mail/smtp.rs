//! The server's side of SMTP (RFC 5321) without I/O: lines in, responses out.

/// Maximum length of a command line in bytes. RFC 5321 requires 512 and more for extensions.
pub(super) const MAX_LINE: usize = 4096;

/// Maximum number of recipients of a message.
const MAX_RECIPIENTS: usize = 1_000;

/// What a connection has said so far.
pub(super) struct Session {
    max_size: usize,
    greeted: bool,
    has_sender: bool,
    recipients: Vec<String>,
    /// Lines of credentials that the client still has to send.
    credentials: usize,
}

/// What to do after a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this and read the next command.
    Send(String),
    /// Send 354 and read the message to these recipients.
    Data(Vec<String>),
    /// Send 221 and close the connection.
    Quit,
}

impl Session {
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            max_size,
            greeted: false,
            has_sender: false,
            recipients: Vec::new(),
            credentials: 0,
        }
    }

    /// Handles a command line without its line ending.
    pub(super) fn line(&mut self, line: &[u8]) -> Next {
        if self.credentials > 0 {
            return self.credentials(line);
        }
        let line = String::from_utf8_lossy(line);
        let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => {
                self.restart();
                send("250 conforme")
            }
            "EHLO" => {
                self.restart();
                let size = self.max_size;
                send(&format!(
                    "250-conforme\r\n250-PIPELINING\r\n250-SIZE {size}\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8"
                ))
            }
            "AUTH" => self.auth(rest),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" if !rest.is_empty() => send("501 DATA has no argument"),
            "DATA" if self.recipients.is_empty() => send("503 no valid recipients"),
            "DATA" => {
                self.has_sender = false;
                Next::Data(std::mem::take(&mut self.recipients))
            }
            "RSET" => {
                self.reset();
                send("250 OK")
            }
            "NOOP" => send("250 OK"),
            "VRFY" => send("252 not verified, but mail to it is accepted"),
            "QUIT" => Next::Quit,
            _ => send("502 command not supported"),
        }
    }

    /// Accepts any credentials (RFC 4954) and keeps none: applications are often configured to log in.
    fn auth(&mut self, rest: &str) -> Next {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        self.credentials = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => 1,
            "LOGIN" => 2,
            _ => return send("504 mechanism not supported"),
        };
        if initial.is_empty() {
            self.challenge()
        } else {
            self.credentials(initial.as_bytes())
        }
    }

    fn credentials(&mut self, line: &[u8]) -> Next {
        if line.trim_ascii() == b"*" {
            self.credentials = 0;
            return send("501 canceled");
        }
        self.credentials -= 1;
        self.challenge()
    }

    fn challenge(&self) -> Next {
        match self.credentials {
            0 => send("235 accepted"),
            // `Password:` and `Username:` in base64; PLAIN ignores the text.
            1 => send("334 UGFzc3dvcmQ6"),
            _ => send("334 VXNlcm5hbWU6"),
        }
    }

    fn mail(&mut self, rest: &str) -> Next {
        if !self.greeted {
            return send("503 send EHLO or HELO first");
        }
        if self.has_sender {
            return send("503 nested MAIL");
        }
        let Some((_, parameters)) = path(rest, "FROM:") else {
            return send("501 expected MAIL FROM:<address>");
        };
        for parameter in parameters.split_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if value.parse::<usize>().is_err() => return send("501 invalid SIZE"),
                // A larger message is rejected after DATA, when its recipients are known.
                "SIZE" | "BODY" | "SMTPUTF8" => {}
                _ => return send("555 parameter not supported"),
            }
        }
        self.has_sender = true;
        send("250 OK")
    }

    fn recipient(&mut self, rest: &str) -> Next {
        if !self.has_sender {
            return send("503 send MAIL first");
        }
        match path(rest, "TO:") {
            Some((address, "")) if !address.is_empty() => {
                if self.recipients.len() >= MAX_RECIPIENTS {
                    return send("452 too many recipients");
                }
                self.recipients.push(address.to_owned());
                send("250 OK")
            }
            Some((address, _)) if !address.is_empty() => send("555 parameter not supported"),
            _ => send("501 expected RCPT TO:<address>"),
        }
    }

    fn restart(&mut self) {
        self.reset();
        self.greeted = true;
    }

    fn reset(&mut self) {
        self.has_sender = false;
        self.recipients.clear();
    }
}

fn send(text: &str) -> Next {
    Next::Send(text.to_owned())
}

/// The address in `FROM:<address> parameters`, without a source route (RFC 5321, appendix C), and the parameters.
fn path<'t>(rest: &'t str, keyword: &str) -> Option<(&'t str, &'t str)> {
    let rest = rest.trim_start();
    let start = rest.get(..keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = rest[keyword.len()..].trim_start();
    let inner = rest.strip_prefix('<')?;
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = inner.find(|c| {
        let ends = c == '>' && !is_quoted;
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    let address = &inner[..end];
    let address = match address.split_once(':') {
        Some((_, address)) if inner.starts_with('@') => address,
        _ => address,
    };
    Some((address, inner[end + 1..].trim()))
}

/// The text of a message after DATA: finds its end and removes the dots that were added (RFC 5321, section 4.5.2).
pub(super) struct MessageData {
    state: SmtpState,
    max_size: usize,
    bytes: Vec<u8>,
    is_too_large: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SmtpState {
    LineStart,
    Dot,
    DotCr,
    Line,
    Cr,
    End,
}

impl MessageData {
    pub(super) fn new(max_size: usize) -> Self {
        Self {
            state: SmtpState::LineStart,
            max_size,
            bytes: Vec::new(),
            is_too_large: false,
        }
    }

    /// Takes bytes up to the end of the message, and returns how many. Only CR LF is a line ending here: if a bare LF were
    /// one, two servers could see different ends of the same message.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.is_complete() {
                return at;
            }
            self.state = match (self.state, byte) {
                (SmtpState::LineStart, b'.') => SmtpState::Dot,
                (SmtpState::Dot, b'\r') => SmtpState::DotCr,
                (SmtpState::DotCr, b'\n') => SmtpState::End,
                (SmtpState::DotCr, _) => {
                    self.push(b'\r');
                    self.content(byte)
                }
                (SmtpState::Cr, b'\n') => {
                    self.push(byte);
                    SmtpState::LineStart
                }
                _ => self.content(byte),
            };
        }
        bytes.len()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.state == SmtpState::End
    }

    /// The message, or nothing if it is too large.
    pub(super) fn message(self) -> Option<Vec<u8>> {
        (!self.is_too_large).then_some(self.bytes)
    }

    fn content(&mut self, byte: u8) -> SmtpState {
        self.push(byte);
        if byte == b'\r' { SmtpState::Cr } else { SmtpState::Line }
    }

    fn push(&mut self, byte: u8) {
        if self.bytes.len() < self.max_size {
            self.bytes.push(byte);
        } else if !self.is_too_large {
            self.is_too_large = true;
            self.bytes = Vec::new();
            self.max_size = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(max_size: usize, input: &[u8]) -> (MessageData, usize) {
        let mut data = MessageData::new(max_size);
        let taken = data.take(input);
        (data, taken)
    }

    #[test]
    fn dots_are_removed_and_the_end_is_found() {
        let input = b"a\r\n..b\r\n.c\r\n.\rd\r\n\r\r\n.\r\nQUIT\r\n";
        let (whole, taken) = data(100, input);
        assert!(whole.is_complete());
        assert_eq!(&input[taken..], b"QUIT\r\n");
        assert_eq!(whole.message().unwrap(), b"a\r\n.b\r\nc\r\n\rd\r\n\r\r\n");
        let mut bytewise = MessageData::new(100);
        for byte in input {
            bytewise.take(&[*byte]);
        }
        assert_eq!(bytewise.message().unwrap(), b"a\r\n.b\r\nc\r\n\rd\r\n\r\r\n");
        assert_eq!(data(100, b".\r\n").0.message().unwrap(), b"");
    }

    #[test]
    fn bare_line_feeds_do_not_end_a_message() {
        for input in [&b"a\n.\n"[..], b"a\n.\r\n", b"a\r\n.\n"] {
            assert!(!data(100, input).0.is_complete(), "{input:?}");
        }
    }

    #[test]
    fn message_of_the_maximum_size_is_kept() {
        assert_eq!(data(3, b"a\r\n.\r\n").0.message(), Some(b"a\r\n".to_vec()));
        let (larger, _) = data(3, b"ab\r\n.\r\n");
        assert!(larger.is_complete());
        assert_eq!(larger.message(), None);
    }

    #[test]
    fn commands_have_an_order() {
        let mut session = Session::new(1000);
        let mut code = |line: &str| match session.line(line.as_bytes()) {
            Next::Send(text) => text[..3].to_owned(),
            next => format!("{next:?}"),
        };
        for (line, expected) in [
            ("MAIL FROM:<a@b>", "503"),
            ("HELO x", "250"),
            ("AUTH CRAM-MD5", "504"),
            ("AUTH PLAIN AGEAYg==", "235"),
            ("auth plain", "334"),
            ("QUIT", "235"),
            ("AUTH LOGIN", "334"),
            ("YQ==", "334"),
            ("Yg==", "235"),
            ("AUTH LOGIN YQ==", "334"),
            ("*", "501"),
            ("RCPT TO:<a@b>", "503"),
            ("mail from:<> size=10 BODY=8BITMIME SMTPUTF8", "250"),
            ("MAIL FROM:<a@b>", "503"),
            ("DATA", "503"),
            ("RCPT TO:<>", "501"),
            ("RCPT TO:a@b", "501"),
            ("rcpt to: <@x,@y:a@b>", "250"),
            ("RCPT TO:<\"q>\\\"q\"@b>", "250"),
            ("DATA x", "501"),
            ("NOOP", "250"),
            ("STARTTLS", "502"),
            ("VRFY a", "252"),
            ("DATA", r#"Data(["a@b", "\"q>\\\"q\"@b"])"#),
            ("DATA", "503"),
            ("MAIL FROM:<a@b> SIZE=x", "501"),
            ("MAIL FROM:<a@b> X=1", "555"),
            ("MAIL FROM:<a@b>", "250"),
            ("RCPT TO:<a@b> X=1", "555"),
            ("RCPT TO:<a@b>", "250"),
            ("RSET", "250"),
            ("DATA", "503"),
            ("\u{fffd}", "502"),
            ("", "502"),
            ("QUIT", "Quit"),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
    }

    #[test]
    fn recipients_are_limited() {
        let mut session = Session::new(1000);
        session.line(b"EHLO x");
        session.line(b"MAIL FROM:<a@b>");
        for _ in 0..MAX_RECIPIENTS {
            assert_eq!(session.line(b"RCPT TO:<a@b>"), send("250 OK"));
        }
        assert_eq!(session.line(b"RCPT TO:<a@b>"), send("452 too many recipients"));
    }
}
