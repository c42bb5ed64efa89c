//! A request as a `curl` command that a shell can run.

use std::fmt::Write as _;

use base64::Engine as _;

use super::escape::{inert_lines, is_unsafe};
use crate::exchange::Request;

/// The command. `marks` (`$TOKEN`) are left to the shell; everything else is quoted.
pub(super) fn command(request: &Request, marks: &[String]) -> String {
    let mut words = vec!["curl -sS -i".to_owned()];
    if request.url.contains("/.") {
        words.push("--path-as-is".to_owned());
    }
    if request.url.contains(['[', ']', '{', '}']) {
        words.push("-g".to_owned());
    }
    match request.method.as_str() {
        "GET" => {}
        "HEAD" => words.push("-I".to_owned()),
        method => words.push(format!("-X {}", quote(method, marks))),
    }
    words.push(quote(&request.url, marks));
    for (name, value) in &request.headers {
        // What curl sets by itself.
        if matches!(name.as_str(), "accept" | "accept-encoding" | "user-agent")
            || (name == "content-length" && !request.body.is_empty())
        {
            continue;
        }
        let field = if value.is_empty() {
            format!("{name};")
        } else {
            format!("{name}: {value}")
        };
        words.push(format!("-H {}", quote(&field, marks)));
    }
    let body = request.body.bytes();
    if body.is_empty() {
        return words.join(" ");
    }
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => {
            // A leading `@` would name a file.
            let flag = if text.starts_with('@') {
                "--data-raw"
            } else {
                "--data-binary"
            };
            words.push(format!("{flag} {}", quote(text, marks)));
            words.join(" ")
        }
        _ => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(body);
            words.push("--data-binary @-".to_owned());
            format!("printf %s {encoded} | base64 -d | {}", words.join(" "))
        }
    }
}

/// One word of a POSIX shell: single quotes, but for the marks, which stand in double quotes.
fn quote(text: &str, marks: &[String]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let next = marks
            .iter()
            .filter_map(|mark| rest.find(mark.as_str()).map(|at| (at, mark)))
            .min_by_key(|(at, mark)| (*at, std::cmp::Reverse(mark.len())));
        let Some((at, mark)) = next else {
            single(rest, &mut out);
            break;
        };
        single(&rest[..at], &mut out);
        let _ = write!(out, "\"{mark}\"");
        rest = &rest[at + mark.len()..];
    }
    if out.is_empty() { "''".to_owned() } else { out }
}

fn single(text: &str, out: &mut String) {
    if text.is_empty() {
        return;
    }
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&b));
    if plain {
        out.push_str(text);
    } else if text.chars().any(|c| is_unsafe(c) && c != '\n') || is_command(text) {
        // Nothing that acts on a terminal or in a log stands in a command that is meant to be copied.
        out.push_str("$'");
        let mut before = None;
        for c in text.chars() {
            match c {
                '\'' | '\\' => {
                    out.push('\\');
                    out.push(c);
                }
                // With every second one spelled out there are no two in a row.
                ':' | '#' if before == Some(c) => {
                    let _ = write!(out, "\\x{:02x}", u32::from(c));
                    before = None;
                    continue;
                }
                '\n' => out.push('\n'),
                c if is_unsafe(c) => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(out, "\\x{byte:02x}");
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

/// Whether quoted text would hold what a CI system takes for a command.
fn is_command(text: &str) -> bool {
    // A quotation mark stands before the first line.
    let quoted = format!("'{text}");
    inert_lines(&quoted) != quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_to_the_shell_and_all_else_is_quoted() {
        let request = Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1/a%20b?x=1&y=$(id)".to_owned(),
            headers: vec![
                ("Authorization".to_owned(), "Bearer x$TOKEN".to_owned()),
                ("x-note".to_owned(), "it's".to_owned()),
                ("accept".to_owned(), "*/*".to_owned()),
            ],
            body: "{\"a\":1}".to_owned().into(),
        };
        assert_eq!(
            command(&request, &["$TOKEN".to_owned()]),
            "curl -sS -i -X POST 'http://127.0.0.1/a%20b?x=1&y=$(id)' -H 'Authorization: Bearer x'\"$TOKEN\" \
             -H 'x-note: it'\\''s' --data-binary '{\"a\":1}'"
        );
    }

    #[test]
    fn bytes_that_are_no_text_come_from_base64() {
        let request = Request {
            method: "PUT".to_owned(),
            url: "http://127.0.0.1/".to_owned(),
            headers: Vec::new(),
            body: vec![0, 255].into(),
        };
        assert_eq!(
            command(&request, &[]),
            "printf %s AP8= | base64 -d | curl -sS -i -X PUT http://127.0.0.1/ --data-binary @-"
        );
    }
}
