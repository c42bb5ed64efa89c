//! A request as one line of shell that repeats it with `curl`: the same method, target, header fields and body.
//!
//! The line is for bash, zsh and ksh, since only `$'…'` keeps line breaks and control characters on one line. It begins
//! with `curl`, whatever the body is. In a script for `sh`, see [`Syntax::Posix`].

pub(super) mod script;
mod signed;

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use base64::Engine as _;
use serde::Serialize;

use self::signed::{signature, with_signature};
use super::escape::inert_lines;
use crate::{
    model::{
        AWS_FIELDS, Access, Attempt, HIDDEN, Outcome, Repeat, Request, RunStarted, Step, basic_shown_pair, marks_of,
    },
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

/// What a command needs besides the request: the variables of secrets and of values of other steps, and how to reach the
/// target.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandContext {
    marks: Vec<SecretMark>,
    values: Vec<LateValue>,
    access: Access,
    /// The client certificate, if it is not that of the target.
    identity: Option<String>,
    syntax: Syntax,
}

/// The mask of a secret, and the expansion that a shell replaces.
#[derive(Clone, Debug)]
struct SecretMark {
    text: String,
    read: String,
    /// Whether a step captured the secret: otherwise it is one of the target.
    is_captured: bool,
}

/// A value that exists only while a case runs.
#[derive(Clone, Debug)]
struct LateValue {
    /// Its place in a request: `order_id`, `cookie sid`.
    place: String,
    /// What a shell expands: `$ORDER_ID`.
    read: String,
    source: ValueSource,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
enum ValueSource {
    /// The step that captures it.
    Captured(String),
    /// The run, the case or the step, which generates it.
    Generated(&'static str),
    /// The clock of the shell.
    Clock,
    /// A cookie, and the step whose response sets it, if that is known.
    Cookie(String, Option<String>),
    /// The `Location` of a step.
    Location(String),
}

/// Names of generated values, and what they are.
const GENERATED: [(&str, &str); 3] = [
    ("run_id", "the id of a run: 10 lower-case letters and digits"),
    ("case_id", "the id of a case in a run: 10 lower-case letters and digits"),
    ("uuid", "a new UUID"),
];

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
        let mut all = Self {
            access: access.clone(),
            ..Self::default()
        };
        for name in names {
            let variable = variables.get(name).filter(|name| is_variable(name));
            all.add_marks(name, variable.map(String::as_str), false);
        }
        all
    }

    /// Makes the masks of a secret expansions of a variable, of its own name if it has no other.
    fn add_marks(&mut self, name: &str, variable: Option<&str>, is_captured: bool) {
        let upper = name.to_ascii_uppercase();
        for text in marks_of(name) {
            let read = match (variable, text.strip_prefix("${")) {
                (None, _) => text.clone(),
                (Some(variable), None) => format!("${variable}"),
                (Some(variable), Some(rest)) => {
                    format!("${{{variable}{}", rest.strip_prefix(&upper).unwrap_or(rest))
                }
            };
            let read = match self.syntax {
                Syntax::Bash => read,
                Syntax::Posix => script::posix(&read),
            };
            self.marks.push(SecretMark {
                text,
                read,
                is_captured,
            });
        }
    }

    fn add_value(&mut self, place: &str, read: String, source: ValueSource) {
        self.values.push(LateValue {
            place: place.to_owned(),
            read,
            source,
        });
    }

    /// Makes the values that a step captured variables of later commands.
    pub(super) fn add_captures(&mut self, step: &Step) {
        for name in step.captures.keys() {
            let variable = script::variable(name);
            self.add_value(name, format!("${variable}"), ValueSource::Captured(step.id.clone()));
            // A secret is masked where its place is not known.
            self.add_marks(name, Some(&variable), true);
        }
        let Some(Outcome::Response(response)) = step.exchange.as_ref().map(|exchange| &exchange.outcome) else {
            return;
        };
        for (name, value) in &response.headers {
            if name.eq_ignore_ascii_case("set-cookie")
                && let Some((name, _)) = value.split_once('=')
            {
                self.add_cookie(name.trim(), Some(step.id.clone()));
            }
        }
    }

    fn add_cookie(&mut self, name: &str, step: Option<String>) {
        let place = format!("{}{name}", Repeat::COOKIE);
        let read = match self.syntax {
            Syntax::Bash => format!("$COOKIE_{}", script::variable_of(name)),
            Syntax::Posix => format!("$(cookie {})", script::word(name)),
        };
        self.values.retain(|known| known.place != place);
        self.add_value(&place, read, ValueSource::Cookie(name.to_owned(), step));
    }

    /// The request of a step as it is sent again, and the context of its command; `origin` is that of the step that it
    /// follows. Without values of other steps, braces are text.
    fn of_step<'s>(&'s self, step: &'s Step, request: &'s Request, origin: &str) -> (Cow<'s, Request>, Cow<'s, Self>) {
        let repeat = step.repeat.as_ref();
        let Some((repeat, request)) = repeat.and_then(|repeat| Some((repeat, repeat.request.as_ref()?))) else {
            let mut shell = Cow::Borrowed(self);
            if !self.values.is_empty() {
                shell.to_mut().values.clear();
            }
            if step.identity.is_some() {
                shell.to_mut().identity.clone_from(&step.identity);
            }
            return (Cow::Borrowed(request), shell);
        };
        let mut shell = self.clone();
        shell.identity.clone_from(&step.identity);
        let request = with_signature(request, step);
        for (name, what) in GENERATED {
            let read = format!("${}", script::variable(name));
            shell.add_value(name, read, ValueSource::Generated(what));
        }
        shell.add_value("now", "$(date -u +%Y-%m-%dT%H:%M:%SZ)".to_owned(), ValueSource::Clock);
        if let Some(followed) = &repeat.follow {
            let read = match self.syntax {
                Syntax::Bash => "$LOCATION".to_owned(),
                Syntax::Posix => script::location(followed, origin),
            };
            shell.add_value(Repeat::LOCATION, read, ValueSource::Location(followed.clone()));
        }
        if repeat.cookies.is_empty() {
            return (request, Cow::Owned(shell));
        }
        let mut request = request.into_owned();
        let mut pairs = Vec::new();
        for name in &repeat.cookies {
            let place = format!("{}{name}", Repeat::COOKIE);
            if !shell.values.iter().any(|known| known.place == place) {
                shell.add_cookie(name, None);
            }
            pairs.push(format!("{name}={}", Repeat::place_of(&place, None)));
        }
        request.headers.push(("cookie".to_owned(), pairs.join("; ")));
        (Cow::Owned(request), Cow::Owned(shell))
    }

    /// The values that a command reads from variables.
    fn values_in(&self, command: &str) -> impl Iterator<Item = &LateValue> {
        self.values
            .iter()
            .filter(move |value| command.contains(&format!("\"{}\"", value.read)))
    }

    /// The secrets of the target that a command reads.
    fn secrets_in(&self, command: &str) -> impl Iterator<Item = &SecretMark> {
        self.marks
            .iter()
            .filter(move |mark| !mark.is_captured && command.contains(&format!("\"{}\"", mark.read)))
    }

    /// The first mask or place of a value in a text: its position, its length, and what a shell expands.
    fn find(&self, text: &[u8]) -> Option<(usize, usize, String)> {
        // Most marks begin with this, and most texts do not contain it.
        let has_sign = memchr::memchr(b'$', text).is_some();
        let marks = self.marks.iter().filter_map(|mark| {
            if !has_sign && mark.text.starts_with('$') {
                return None;
            }
            let at = memchr::memmem::find(text, mark.text.as_bytes())?;
            Some((at, mark.text.len(), &mark.read))
        });
        let mark = marks.min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)));
        let mark = mark.map(|(at, length, read)| (at, length, read.clone()));
        match (mark, self.find_place(text)) {
            (Some(mark), Some(place)) => Some(if mark.0 < place.0 { mark } else { place }),
            (mark, place) => mark.or(place),
        }
    }

    /// The first `{{ name | filter }}`.
    fn find_place(&self, text: &[u8]) -> Option<(usize, usize, String)> {
        if self.values.is_empty() {
            return None;
        }
        memchr::memmem::find_iter(text, "{{ ").find_map(|at| {
            let inside = &text[at + 3..];
            let end = memchr::memmem::find(inside, b" }}")?;
            let mut parts = str::from_utf8(&inside[..end]).ok()?.split(" | ");
            let place = parts.next()?;
            let value = self.values.iter().rfind(|value| value.place == place)?;
            let filters: Option<Vec<_>> = parts.map(script::filter).collect();
            let read = match filters? {
                none if none.is_empty() => value.read.clone(),
                filters => format!("$(printf %s \"{}\" | {})", value.read, filters.join(" | ")),
            };
            Some((at, end + 6, read))
        })
    }
}

/// Whether a shell can read an environment variable of this name.
fn is_variable(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The command that repeats a request, and what to do before it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CurlCommand {
    pub(super) line: String,
    pub(super) notes: Vec<String>,
}

/// The steps of an attempt with the commands that repeat their requests; none for a request whose body is not complete. The
/// values that earlier steps captured are variables of the shell in the commands of later ones.
pub(super) fn of_attempt<'a>(
    attempt: &'a Attempt,
    shell: &'a CommandContext,
) -> impl Iterator<Item = (&'a Step, Option<CurlCommand>)> {
    let mut shell = Cow::Borrowed(shell);
    attempt.steps.iter().map(move |step| {
        let request = step.exchange.as_ref().map(|exchange| &exchange.request);
        let request = request.filter(|request| !request.body.is_cut());
        let command = request.map(|request| {
            let (request, shell) = shell.of_step(step, request, "");
            let mut command = of_request(&request, &shell);
            let outcome = step.exchange.as_ref().map(|exchange| &exchange.outcome);
            if matches!(outcome, Some(Outcome::Response(response)) if response.stopped.is_some()) {
                command
                    .notes
                    .push("the stream may not end: stop curl with Ctrl-C".to_owned());
            }
            command
        });
        if !step.id.is_empty() {
            shell.to_mut().add_captures(step);
        }
        (step, command)
    })
}

/// The command for a request, in one line. A mailbox is not read by curl: the line is a comment then.
pub(super) fn of_request(request: &Request, shell: &CommandContext) -> CurlCommand {
    if request.is_mail() {
        let to = request.headers.first().map_or("", |(_, to)| to);
        return CurlCommand {
            line: inert_lines(&format!("# the messages to {to} in {}", request.url)),
            notes: Vec::new(),
        };
    }
    let (input, words) = words(request, shell, None);
    let line = format!("{}{}", input.unwrap_or_default(), words.join(" "));
    let mut notes = Vec::new();
    let unset: Vec<_> = shell
        .secrets_in(&line)
        .filter(|mark| is_unset(mark))
        .map(|mark| mark.text.as_str())
        .collect();
    if !unset.is_empty() {
        notes.push(format!("set {} first", unset.join(", ")));
    }
    notes.extend(shell.values_in(&line).filter_map(LateValue::note));
    notes.extend(remarks(request, &line, shell));
    CurlCommand { line, notes }
}

/// Whether no variable contains a secret, because it is read from a file or a command.
fn is_unset(mark: &SecretMark) -> bool {
    mark.text == mark.read && !mark.read.starts_with("${")
}

impl LateValue {
    /// Where a person finds the value.
    fn note(&self) -> Option<String> {
        let read = &self.read;
        Some(match &self.source {
            ValueSource::Captured(step) => format!("{read} is captured by the step `{step}`"),
            ValueSource::Clock => return None,
            ValueSource::Generated(what) => format!("{read} is generated: {what}"),
            ValueSource::Cookie(name, Some(step)) => {
                format!("{read} is the cookie `{name}` that the step `{step}` sets")
            }
            ValueSource::Cookie(name, None) => format!("{read} is the cookie `{name}` of an earlier response"),
            ValueSource::Location(step) => format!("{read} is the URL in the `Location` of the step `{step}`"),
        })
    }
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
    access(&shell.access, shell.identity.as_deref(), &mut words);
    let is_signed = signature(request, shell, &mut words);
    words.push(quote(&request.url, shell));
    // Masking has changed the body, not the length that was sent.
    let length = request.body.length().to_string();
    for (name, value) in &request.headers {
        // curl sends the same.
        if name.eq_ignore_ascii_case("content-length") && *value == length && !body.is_empty() {
            continue;
        }
        // curl adds its own.
        if is_signed && AWS_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field)) {
            continue;
        }
        if let Some(pair) = basic_shown_pair(value).filter(|_| name.eq_ignore_ascii_case("authorization")) {
            words.push(format!("-u {}", quote(pair, shell)));
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

/// What to replace in a command so that it sends the same request.
fn remarks(request: &Request, command: &str, shell: &CommandContext) -> Vec<String> {
    let mut notes = Vec::new();
    if command.contains(HIDDEN) {
        notes.push(format!("replace {HIDDEN} with the credential"));
    }
    let is_form = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type") && value.contains("x-www-form-urlencoded")
    };
    let has_secret = |text: &[u8]| {
        let mut secrets = shell.marks.iter().filter(|mark| !mark.is_captured);
        secrets.any(|mark| memchr::memmem::find(text, mark.text.as_bytes()).is_some())
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
fn access(access: &Access, identity: Option<&str>, words: &mut Vec<String>) {
    let plain = CommandContext::default();
    let (cert, key) = match identity {
        None => (access.client_cert.as_ref(), access.client_key.as_ref()),
        Some(name) => access.identities.get(name).map(|(cert, key)| (cert, key)).unzip(),
    };
    let files = [("--cacert", access.ca_file.as_ref()), ("--cert", cert), ("--key", key)];
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

    fn command(request: &Request, shell: &CommandContext) -> String {
        of_request(request, shell).line
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
    fn basic_credentials_are_an_option_of_curl() {
        let shown = [&[("authorization", "Basic base64(ada lovelace:$TOKEN)")], &DEFAULTS[..]].concat();
        assert_eq!(
            command(&request("GET", "http://h/", &shown, ""), &shell(&[])),
            "curl -sS -i http://h/ -u 'ada lovelace:'\"$TOKEN\" -H 'accept: */*' -H 'user-agent: x'"
        );
    }

    #[test]
    fn a_signed_request_is_signed_again_by_curl() {
        let value = "AWS4-HMAC-SHA256 Credential=$AWS_ACCESS_KEY_ID/20150830/eu-west-1/s3/aws4_request, SignedHeaders=host, \
                     Signature=[hidden]";
        let signed = [
            &DEFAULTS[..],
            &[
                ("x-amz-date", "20150830T123600Z"),
                ("x-amz-security-token", "$AWS_SESSION_TOKEN"),
                ("x-amz-content-sha256", "ab"),
                ("authorization", value),
            ],
        ]
        .concat();
        let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map(str::to_owned);
        let variables = [("aws_secret_access_key".to_owned(), "STAGING_KEY".to_owned())];
        let shell = CommandContext::new(&names, &variables.into(), &Access::default());
        assert_eq!(
            command(&request("GET", "https://h/", &signed, ""), &shell),
            "curl -sS -i --aws-sigv4 aws:amz:eu-west-1:s3 -u \"$AWS_ACCESS_KEY_ID\":\"$STAGING_KEY\" https://h/ \
             -H 'accept: */*' -H 'user-agent: x' -H 'x-amz-security-token: '\"$AWS_SESSION_TOKEN\""
        );
    }

    #[test]
    fn a_variable_that_no_shell_can_read_is_not_written() {
        let shell = shell(&[("token", "a b;rm")]);
        assert_eq!(quote("$TOKEN", &shell), "\"$TOKEN\"");
        let command = of_request(&request("GET", "http://h/", &[("x", "$TOKEN")], ""), &shell);
        assert_eq!(command.notes, ["set $TOKEN first"]);
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
            identities: BTreeMap::from([("partner".to_owned(), ("p.pem".to_owned(), "p.key".to_owned()))]),
            proxy: Some("HTTPS_PROXY".to_owned()),
            no_proxy: false,
        };
        let shell = CommandContext::new([], &BTreeMap::new(), &access);
        assert_eq!(
            command(&request("GET", "https://h/", &DEFAULTS, ""), &shell),
            "curl -sS -i --cacert 'certs/my ca.pem' --cert c.pem --key k.pem --proxy \"$HTTPS_PROXY\" --noproxy '' https://h/ \
             -H 'accept: */*' -H 'user-agent: x'"
        );
        for (identity, files) in [("partner", "--cert p.pem --key p.key "), ("none", "")] {
            let shell = CommandContext {
                identity: Some(identity.to_owned()),
                ..shell.clone()
            };
            let line = command(&request("GET", "https://h/", &DEFAULTS, ""), &shell);
            let expected = format!("--cacert 'certs/my ca.pem' {files}--proxy");
            assert!(line.contains(&expected), "{line}");
        }
        let access = Access {
            no_proxy: true,
            ..Access::default()
        };
        let shell = CommandContext::new([], &BTreeMap::new(), &access);
        assert!(command(&request("GET", "http://h/", &DEFAULTS, ""), &shell).contains(" --noproxy '*' "));
    }
}
