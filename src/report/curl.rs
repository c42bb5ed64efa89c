//! A request as one line of shell that repeats it with `curl`: the same method, target, header fields and body.
//!
//! The line is for bash, zsh and ksh, since only `$'…'` keeps line breaks and control characters on one line. It begins
//! with `curl`, whatever the body is. In a script for `sh`, see [`Syntax::Posix`].

pub(super) mod script;

use std::{collections::BTreeMap, fmt::Write as _};

use base64::Engine as _;

use super::escape::inert_lines;
use crate::{
    model::{Access, HIDDEN, Request, RunStarted, Step, marks_of},
    text::is_unsafe,
};

/// Body size in bytes from which on curl sends `Expect: 100-continue` (curl 7: 1 KiB).
const EXPECT: usize = 1024;
/// Seconds after which curl ends a transfer that nothing else ends.
const HEAD_LIMIT: u32 = 10;

/// The shell that a command is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Syntax {
    /// bash, zsh and ksh: a command is one line that can be pasted.
    #[default]
    Bash,
    /// Any POSIX shell that runs the script: `$nl` is a line break.
    Posix,
}

/// What a command needs besides the request: the variables of secrets, and how to reach the target.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandContext {
    /// The mask of each secret, and the variable that a shell expands instead.
    marks: Vec<(String, String)>,
    /// Variables for values that earlier steps captured, each with the id of its step.
    captured: Vec<(String, String)>,
    access: Access,
    syntax: Syntax,
}

/// Minimum length in bytes of a captured value that becomes a variable: a shorter one could be part of anything.
const DISTINCT: usize = 8;

impl CommandContext {
    /// The settings of a run.
    pub(super) fn of(started: &RunStarted) -> Self {
        Self::new(&started.secrets, &started.secret_variables, &started.access)
    }

    /// From the names of secrets, the environment variables that they were read from, and the access data of the target.
    pub(super) fn new<'n>(
        names: impl IntoIterator<Item = &'n String>,
        variables: &BTreeMap<String, String>,
        access: &Access,
    ) -> Self {
        let marks = names.into_iter().flat_map(|name| {
            let upper = name.to_ascii_uppercase();
            let variable = variables.get(name).filter(|name| is_variable(name));
            let read = |mark: String| match variable {
                Some(variable) => {
                    let read = match mark.strip_prefix("${") {
                        Some(rest) => format!("${{{variable}{}", rest.strip_prefix(&upper).unwrap_or(rest)),
                        None => format!("${variable}"),
                    };
                    (mark, read)
                }
                None => (mark.clone(), mark),
            };
            marks_of(name).map(read)
        });
        Self {
            marks: marks.collect(),
            captured: Vec::new(),
            access: access.clone(),
            syntax: Syntax::default(),
        }
    }

    /// Makes the values that a step captured variables of later commands.
    pub(super) fn add_captures(&mut self, step: &Step) {
        for (name, value) in &step.captures {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let variable = format!("${}", name.to_ascii_uppercase());
            let is_secret = text == variable;
            if is_secret || text.len() >= DISTINCT && !self.marks.iter().any(|(mark, _)| *mark == text) {
                self.marks.push((text, variable.clone()));
                self.captured.push((variable, step.id.clone()));
            }
        }
    }

    /// The captured variables of a command, with the ids of the steps that captured them.
    fn captured_in(&self, command: &str) -> impl Iterator<Item = &(String, String)> {
        let is_used = move |(variable, _): &&(String, String)| command.contains(&format!("\"{variable}\""));
        self.captured.iter().filter(is_used)
    }

    fn is_captured(&self, read: &str) -> bool {
        let name = script::variable_in(read);
        script::GENERATED.contains(&name) || self.captured.iter().any(|(known, _)| known[1..] == *name)
    }

    /// The variables of a command that are not set, because their secrets are read from files or commands.
    fn unset(&self, command: &str) -> Vec<&str> {
        let is_unset = |(mark, read): &&(String, String)| {
            let is_own = !read.starts_with("${") && !self.is_captured(read);
            mark == read && is_own && command.contains(&format!("\"{read}\""))
        };
        self.marks
            .iter()
            .filter(is_unset)
            .map(|(mark, _)| mark.as_str())
            .collect()
    }

    /// The first mask in a text: its position, its length, and the variable.
    fn find(&self, text: &[u8]) -> Option<(usize, usize, &str)> {
        // Most marks begin with this, and most texts do not contain it.
        let has_sign = memchr::memchr(b'$', text).is_some();
        let found = self.marks.iter().filter_map(|(mark, read)| {
            if !has_sign && mark.starts_with('$') {
                return None;
            }
            let at = memchr::memmem::find(text, mark.as_bytes())?;
            Some((at, mark.len(), read.as_str()))
        });
        found.min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)))
    }
}

/// Whether a shell can read an environment variable of this name.
fn is_variable(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The command, in one line. A mailbox is not read by curl: the line is a comment then.
pub(super) fn command(request: &Request, shell: &CommandContext) -> String {
    if request.is_mail() {
        let to = request.headers.first().map_or("", |(_, to)| to);
        return inert_lines(&format!("# the messages to {to} in {}", request.url));
    }
    let (input, words) = words(request, shell, None);
    format!("{}{}", input.unwrap_or_default(), words.join(" "))
}

/// The words of the command, after the command whose output it reads. The response goes to `output`, or else is shown.
fn words(request: &Request, shell: &CommandContext, output: Option<&str>) -> (Option<String>, Vec<String>) {
    let body = request.body.bytes();
    let is_head = request.method == "HEAD";
    let has = |wanted: &str| {
        request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let mut words = vec!["curl -sS".to_owned()];
    // `-I` is HEAD and prints the header section; with a body curl refuses it.
    if is_head && body.is_empty() {
        words.push("-I".to_owned());
    } else if output.is_none() {
        words.push("-i".to_owned());
    }
    words.extend(output.map(str::to_owned));
    let path = request.url.to_ascii_lowercase();
    if path.contains("/.") || path.contains("%2e") {
        words.push("--path-as-is".to_owned());
    }
    if request.url.contains(['[', ']', '{', '}']) {
        words.push("-g".to_owned());
    }
    if is_head && !body.is_empty() {
        // Otherwise curl waits for the content that `Content-Length` announces.
        words.push(format!("-X HEAD -m {HEAD_LIMIT}"));
    } else if !is_head && (request.method != "GET" || !body.is_empty()) {
        words.push(format!("-X {}", quote(&request.method, shell)));
    }
    access(&shell.access, &mut words);
    words.push(quote(&request.url, shell));
    // Masking has changed the body, not the length that was sent.
    let length = request.body.length().to_string();
    for (name, value) in &request.headers {
        // curl sends the same.
        if name.eq_ignore_ascii_case("content-length") && *value == length && !body.is_empty() {
            continue;
        }
        let field = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        words.push(format!("-H {}", quote(&field, shell)));
    }
    // Header fields that curl adds, and that the request does not have.
    let mut without = |name: &str, is_added: bool| {
        if is_added && !has(name) {
            words.push(format!("-H '{name}:'"));
        }
    };
    without("Accept", true);
    without("User-Agent", true);
    without("Content-Type", !body.is_empty() || has_empty_body(request));
    without("Expect", body.len().max(request.body.length()) >= EXPECT);
    without(
        "Proxy-Connection",
        shell.access.proxy.is_some() && request.url.starts_with("http:"),
    );
    let mut input = None;
    if !body.is_empty() {
        let (piped, data) = data(body, shell);
        input = piped;
        words.push(data);
    } else if has_empty_body(request) {
        words.push("--data-binary ''".to_owned());
    }
    (input, words)
}

/// What to do before the command sends the same request.
pub(super) fn notes(request: &Request, command: &str, shell: &CommandContext) -> Vec<String> {
    let mut notes = Vec::new();
    let unset = shell.unset(command);
    if !unset.is_empty() {
        notes.push(format!("set {} first", unset.join(", ")));
    }
    for (variable, step) in shell.captured_in(command) {
        notes.push(format!("{variable} is captured by the step `{step}`"));
    }
    if command.contains(HIDDEN) {
        notes.push(format!("replace {HIDDEN} with the credential"));
    }
    let is_form = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && value.contains("x-www-form-urlencoded")
    };
    let has_secret = |text: &[u8]| {
        shell
            .find(text)
            .is_some_and(|(.., variable)| !shell.is_captured(variable))
    };
    let encodes =
        has_secret(request.url.as_bytes()) || (request.headers.iter().any(is_form) && has_secret(request.body.bytes()));
    if encodes {
        notes.push("a secret in a URL or form is sent percent-encoded: its variable must contain that form".to_owned());
    }
    notes
}

/// Whether the request states that it has no content: these methods send a length of 0 (RFC 9110 section 8.6).
fn has_empty_body(request: &Request) -> bool {
    request.body.is_empty() && matches!(request.method.as_str(), "POST" | "PUT" | "PATCH")
}

/// Adds the options that reach the target.
fn access(access: &Access, words: &mut Vec<String>) {
    let plain = CommandContext::default();
    let files = [
        ("--cacert", &access.ca_file),
        ("--cert", &access.client_cert),
        ("--key", &access.client_key),
    ];
    for (flag, file) in files {
        if let Some(file) = file {
            words.push(format!("{flag} {}", quote(file, &plain)));
        }
    }
    match &access.proxy {
        // The value of the variable may contain a password.
        Some(variable) if is_variable(variable) => {
            words.push(format!("--proxy \"${variable}\" --noproxy ''"));
        }
        _ => {}
    }
    if access.no_proxy {
        words.push("--noproxy '*'".to_owned());
    }
}

/// Maximum length in bytes of a body that is an argument in a script: Linux accepts 128 KiB.
const ARGUMENT: usize = 32 << 10;

/// The body: text as a word, other bytes as the output of commands. For POSIX, the first part is a pipe into the command.
fn data(body: &[u8], shell: &CommandContext) -> (Option<String>, String) {
    let is_posix = shell.syntax == Syntax::Posix;
    if let Ok(text) = std::str::from_utf8(body)
        && !text.contains('\0')
    {
        if is_posix && text.len() > ARGUMENT {
            let input = format!("printf %s {} | ", quote(text, shell));
            return (Some(input), "--data-binary @-".to_owned());
        }
        // A leading `@` would name a file.
        let flag = if text.starts_with('@') {
            "--data-raw"
        } else {
            "--data-binary"
        };
        return (None, format!("{flag} {}", quote(text, shell)));
    }
    let mut commands = Vec::new();
    let mut rest = body;
    let encoded = |bytes: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("printf %s {text} | base64 -d")
    };
    while !rest.is_empty() {
        let Some((at, length, read)) = shell.find(rest) else {
            commands.push(encoded(rest));
            break;
        };
        if at > 0 {
            commands.push(encoded(&rest[..at]));
        }
        commands.push(format!("printf %s \"{read}\""));
        rest = &rest[at + length..];
    }
    let commands = commands.join("; ");
    if is_posix {
        return (Some(format!("{{ {commands}; }} | ")), "--data-binary @-".to_owned());
    }
    (None, format!("--data-binary @<({commands})"))
}

/// A word of the shell in single quotes. Secrets are variables in double quotes.
fn quote(text: &str, shell: &CommandContext) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((at, length, read)) = shell.find(rest.as_bytes()) else {
            single(rest, shell.syntax, &mut out);
            break;
        };
        single(&rest[..at], shell.syntax, &mut out);
        let _ = write!(out, "\"{read}\"");
        rest = &rest[at + length..];
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

fn single(text: &str, syntax: Syntax, out: &mut String) {
    if text.is_empty() {
        return;
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&b));
    if plain {
        out.push_str(text);
    } else if must_be_spelled(text) && syntax == Syntax::Posix {
        script::spelled(text, out);
    } else if must_be_spelled(text) {
        out.push_str("$'");
        let mut before = None;
        for c in text.chars() {
            match c {
                '\'' | '\\' => {
                    out.push('\\');
                    out.push(c);
                }
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // Every second one is escaped, so that there are no two in a row.
                ':' | '#' if before == Some(c) => {
                    let _ = write!(out, "\\{:03o}", u32::from(c));
                    before = None;
                    continue;
                }
                c if is_spelled(c) => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(out, "\\{byte:03o}");
                    }
                }
                c => out.push(c),
            }
            before = Some(c);
        }
        out.push('\'');
    } else {
        out.push('\'');
        out.push_str(&text.replace('\'', r"'\''"));
        out.push('\'');
    }
}

/// Whether a text contains a character or a command that acts on a terminal or in a log.
fn must_be_spelled(text: &str) -> bool {
    // After a quotation mark, a command in one line contains two number signs.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("##");
    !is_plain && (text.chars().any(is_spelled) || is_command(text))
}

/// Whether a character acts on a terminal or in a log, or could be lost when the line is copied.
fn is_spelled(c: char) -> bool {
    is_unsafe(c) || (c.is_whitespace() && c != ' ')
}

/// Whether quoted text contains a command of a CI system.
fn is_command(text: &str) -> bool {
    // The first line follows a quotation mark.
    let quoted = format!("'{text}");
    inert_lines(&quoted) != quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Request {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.iter().map(own).collect(),
            body: body.into().into(),
        }
    }

    fn shell(variables: &[(&str, &str)]) -> CommandContext {
        let variables = variables
            .iter()
            .map(|(name, variable)| ((*name).to_owned(), (*variable).to_owned()));
        CommandContext::new(&["token".to_owned()], &variables.collect(), &Access::default())
    }

    const DEFAULTS: [(&str, &str); 2] = [("accept", "*/*"), ("user-agent", "x")];

    #[test]
    fn secrets_are_variables_and_everything_else_is_quoted() {
        let headers = [
            &[("Authorization", "Bearer x$TOKEN"), ("x-note", "it's"), ("x", "")],
            &DEFAULTS[..],
        ]
        .concat();
        let request = request("PUT", "http://127.0.0.1/a%20b?x=1&y=$(id)", &headers, "{\"a\":1}");
        assert_eq!(
            command(&request, &shell(&[])),
            "curl -sS -i -X PUT 'http://127.0.0.1/a%20b?x=1&y=$(id)' -H 'Authorization: Bearer x'\"$TOKEN\" \
             -H 'x-note: it'\\''s' -H 'x;' -H 'accept: */*' -H 'user-agent: x' -H 'Content-Type:' \
             --data-binary '{\"a\":1}'"
        );
        let shell = shell(&[("token", "STAGING_TOKEN")]);
        assert!(command(&request, &shell).contains("x'\"$STAGING_TOKEN\" "));
        assert_eq!(quote("a${TOKEN%?}b", &shell), "a\"${STAGING_TOKEN%?}\"b");
    }

    #[test]
    fn a_variable_that_no_shell_can_read_is_not_written() {
        let shell = shell(&[("token", "a b;rm")]);
        assert_eq!(quote("$TOKEN", &shell), "\"$TOKEN\"");
        assert_eq!(shell.unset("curl \"$TOKEN\""), ["$TOKEN"]);
    }

    #[test]
    fn line_breaks_and_control_characters_stay_on_one_line() {
        assert_eq!(
            quote("a\r\nb\t\u{1b}1'\\", &CommandContext::default()),
            "$'a\\r\\nb\\t\\0331\\'\\\\'"
        );
        assert_eq!(quote("\u{a0}", &CommandContext::default()), "$'\\302\\240'");
    }

    #[test]
    fn bytes_that_no_word_can_contain_come_from_base64() {
        assert_eq!(
            data(b"\0\xff$TOKEN\xfe", &shell(&[])).1,
            "--data-binary @<(printf %s AP8= | base64 -d; printf %s \"$TOKEN\"; printf %s /g== | base64 -d)"
        );
    }

    #[test]
    fn head_with_a_body_ends_by_itself() {
        let line = |body: &'static str| {
            command(
                &request("HEAD", "http://h/", &DEFAULTS, body),
                &CommandContext::default(),
            )
        };
        assert!(line("").starts_with("curl -sS -I http://h/ "), "{}", line(""));
        assert!(
            line("x").starts_with("curl -sS -i -X HEAD -m 10 http://h/ "),
            "{}",
            line("x")
        );
    }

    #[test]
    fn the_way_to_the_target_is_part_of_the_command() {
        let access = Access {
            ca_file: Some("certs/my ca.pem".to_owned()),
            client_cert: Some("c.pem".to_owned()),
            client_key: Some("k.pem".to_owned()),
            proxy: Some("HTTPS_PROXY".to_owned()),
            no_proxy: false,
        };
        let shell = CommandContext::new([], &BTreeMap::new(), &access);
        assert_eq!(
            command(&request("GET", "https://h/", &DEFAULTS, ""), &shell),
            "curl -sS -i --cacert 'certs/my ca.pem' --cert c.pem --key k.pem --proxy \"$HTTPS_PROXY\" --noproxy '' https://h/ \
             -H 'accept: */*' -H 'user-agent: x'"
        );
        let access = Access {
            no_proxy: true,
            ..Access::default()
        };
        let shell = CommandContext::new([], &BTreeMap::new(), &access);
        assert!(command(&request("GET", "http://h/", &DEFAULTS, ""), &shell).contains(" --noproxy '*' "));
    }
}
