//! No form of a secret leaves the process: laws of the masker, and runs whose every output is searched.

mod laws;
mod pieces;
mod writing;

use std::fmt::Write as _;

use base64::Engine as _;
use conforme::{mask::Masker, project::Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::support::{Project, Server, Then, ran, response};

/// How many texts a law masks for each secret: a masker takes longer to make than to use.
const TEXTS: usize = 4;
/// Every format of `--report`.
const FORMATS: [&str; 7] = ["json", "junit", "tap", "markdown", "github", "sarif", "html"];

/// Always the same cases: a failure here is one everywhere.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn secrets() -> impl Strategy<Value = String> {
    let ends = "[!-~é漢😀]";
    prop::string::string_regex(&format!("{ends}[ -~é漢😀]{{6,38}}{ends}"))
        .unwrap()
        // Braces in a case are variables; the value of a secret is not expanded.
        .prop_filter("a secret has something to it", |secret| {
            let mut seen: Vec<char> = secret.chars().collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len() > 5
        })
}

/// One character in one of the ways in which it can be written.
fn written(c: char, way: u8) -> String {
    let mut out = String::new();
    match way {
        0 => out.push(c),
        1 | 2 => {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = if way == 1 {
                    write!(out, "%{byte:02X}")
                } else {
                    write!(out, "%{byte:02x}")
                };
            }
        }
        3 | 4 => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = if way == 3 {
                    write!(out, "\\u{unit:04x}")
                } else {
                    write!(out, "\\u{unit:04X}")
                };
            }
        }
        5 => {
            let _ = write!(out, "&#{};", c as u32);
        }
        _ => {
            let _ = write!(out, "&#x{:x};", c as u32);
        }
    }
    out
}

/// Characters that could begin or end an escape.
fn is_sign(c: char) -> bool {
    matches!(c, '%' | '\\' | '&')
}

fn masker(secret: &str) -> Masker {
    let secret = Secret::new(secret.to_owned()).unwrap();
    Masker::new([("token", &secret)])
}

fn base64(text: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn secret_is_hidden_in_any_mix_of_escapes() {
    // Percent escapes, or backslashes, or entities; each character escaped or not.
    let kinds = prop::sample::select(vec![[0, 1, 2], [0, 3, 4], [0, 5, 6]]);
    let around = "[a-z<>\"]{0,20}";
    let ways = prop::collection::vec(0..3_usize, 64);
    let texts = prop::collection::vec((kinds, ways, around, around, 0..3_u8), TEXTS);
    runner(125)
        .run(&(secrets(), texts), |(secret, texts)| {
            let hide = masker(&secret);
            for (kind, ways, before, after, again) in texts {
                let mixed: String = (secret.chars().zip(&ways))
                    // A sign of its own kind is always escaped: that is what escaping is for.
                    .map(|(c, way)| written(c, kind[if is_sign(c) { (*way).max(1) } else { *way }]))
                    .collect();
                let mut text = format!("{before} {mixed} {after}");
                for _ in 0..again {
                    text = match kind[1] {
                        1 => utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string(),
                        3 => serde_json::Value::String(text).to_string(),
                        _ => text.replace('&', "&amp;"),
                    };
                }
                let shown = hide.text(&text);
                prop_assert!(shown.contains("TOKEN"), "{} -> {}", text, shown);
                for form in forms(&secret) {
                    prop_assert!(!shown.contains(&form), "{} in {}", form, shown);
                }
                // Once is enough.
                prop_assert_eq!(hide.text(&shown), shown);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn secret_is_masked_inside_base64() {
    let texts = prop::collection::vec(("[ -~]{0,9}", "[ -~]{0,9}", any::<bool>(), any::<bool>()), TEXTS);
    runner(50)
        .run(&(secrets(), texts), |(secret, texts)| {
            let hide = masker(&secret);
            for (before, after, is_url, is_escaped) in texts {
                let bytes = format!("{before}{secret}{after}");
                let mut text = if is_url {
                    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
                } else {
                    base64(bytes.as_bytes())
                };
                if is_escaped {
                    text = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
                }
                let shown = hide.text(&format!("Basic {text}"));
                prop_assert!(shown.contains("TOKEN"), "{} -> {}", text, shown);
                for form in forms(&secret) {
                    prop_assert!(!shown.contains(&form), "{} in {}", form, shown);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn text_without_secret_is_not_changed() {
    let texts = prop::collection::vec("(?s)[a-z%&\\\\;{}\" \n漢]{0,200}", TEXTS);
    runner(50)
        .run(&("[0-9+/=]{8,30}", texts), |(secret, texts)| {
            let hide = masker(&secret);
            for text in texts {
                prop_assert_eq!(hide.text(&text), text);
            }
            Ok(())
        })
        .unwrap();
}

/// The forms that no output may contain.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let all = |way: u8| secret.chars().map(|c| written(c, way)).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
        secret.replace('\'', "&#39;"),
        secret.to_uppercase(),
        secret.to_lowercase(),
    ];
    forms.extend((1..7).map(all));
    // The part of its base64 that is the same regardless of the text around it.
    for offset in 0..3 {
        let whole = base64(&[&b"xx"[..offset], secret.as_bytes()].concat());
        let start = [0, 2, 3][offset];
        let end = (offset + secret.len()) / 3 * 4;
        forms.push(whole[start..end].to_owned());
    }
    forms.retain(|form| form.len() >= 8);
    forms
}

/// What the server returns at each path; each response contains the secret.
fn locations(secret: &str) -> Vec<(Vec<u8>, Then)> {
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let ok = |fields: &str, body: &str| (response(&format!("HTTP/1.1 200 OK\n{fields}"), body), Then::Keep);
    let typed = |kind: &str, body: &str| ok(&format!("Content-Type: {kind}"), body);
    let header = |name: &str, value: &str| ok(&format!("{name}: {value}"), "");
    let mixed: String = secret
        .chars()
        .enumerate()
        .map(|(at, c)| written(c, if at % 3 == 0 { 4 } else { 0 }))
        .collect();
    let mut after_204 = response("HTTP/1.1 204 No Content", "");
    after_204.extend_from_slice(secret.as_bytes());
    let (mut after_body, _) = typed("text/plain", "short");
    after_body.extend_from_slice(secret.as_bytes());
    let mut bytes = response(
        "HTTP/1.1 200 OK\nContent-Type: application/octet-stream\nContent-Length: 300",
        "",
    );
    bytes.extend_from_slice(&[0xff; 40]);
    bytes.extend_from_slice(secret.as_bytes());
    bytes.resize(bytes.len() + 260 - secret.len(), 0xfe);
    vec![
        typed("application/json", &format!("{{\"you\":{json}}}")),
        typed("application/json", &format!("{{{json}:1,\"b\":2}}")),
        typed("application/json", &format!("{{\"a\":1,\"a\":{json}}}")),
        typed("application/json", &format!("{{\"you\":\"{mixed}\"")),
        typed("text/plain", secret),
        typed("text/plain", &format!("{}{secret}", "x".repeat(590))),
        typed("text/plain", &format!("{}{secret}", "x".repeat(70_000))),
        typed(
            "text/html",
            &format!("<p>{}</p>", secret.chars().map(|c| written(c, 5)).collect::<String>()),
        ),
        typed(
            "application/x-www-form-urlencoded",
            &utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        ),
        typed(
            "text/plain",
            &format!("Authorization: Basic {}", base64(format!("user:{secret}").as_bytes())),
        ),
        typed("text/plain", &base64(secret.as_bytes())),
        typed(secret, "x"),
        header("X-Echo", secret),
        header("Set-Cookie", &format!("sid={secret}; Path=/")),
        header("WWW-Authenticate", &format!("Bearer realm={json}")),
        header(
            "Location",
            &format!("/x?t={}", utf8_percent_encode(secret, NON_ALPHANUMERIC)),
        ),
        header("Date", secret),
        (response(&format!("HTTP/1.1 401 {secret}"), ""), Then::Keep),
        (
            response(
                "HTTP/1.1 500 Oops\nContent-Type: text/plain",
                &format!("at a.b(c.java:1)\n{secret}\n{secret}"),
            ),
            Then::Keep,
        ),
        (format!("HTTP/1.1 {secret}\r\n\r\n").into_bytes(), Then::Close),
        (format!("HTTP/1.1 200 OK\r\n{secret}\r\n\r\n").into_bytes(), Then::Close),
        (format!("{secret}\r\n").into_bytes(), Then::Close),
        (after_204, Then::Keep),
        (after_body, Then::Keep),
        (bytes, Then::Keep),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{secret}").into_bytes(),
            Then::Close,
        ),
    ]
}

const SUITE: &str = "inputs: { token: { secret: true } }
request: { method: POST }
expect: { status: 201 }
snapshots: { headers: [content-type, set-cookie, x-echo, location] }
";

/// The ways in which a case sends the secret and looks for it.
const CASES: [&str; 6] = [
    "request: { path: /PLACE, headers: { Authorization: 'Bearer {{ token }}' } }\nexpect: { status: 200, snapshot: true }",
    "request: { path: '/PLACE/{t}', params: { t: '{{ token }}' } }\nexpect: { headers: { x-echo: 'not {{ token }}', set-cookie: x, date: '{{ token }}' } }",
    "request: { path: /PLACE, query: { t: '{{ token }}' } }\nexpect: { body: { json: { you: 'not {{ token }}' } } }",
    "request: { path: /PLACE, body: { json: { t: '{{ token }}', '{k}': 1 } } }\nexpect: { body: { exact: { t: '{{ token }}' }, text: { matches: '^{{ token }}{2}$' } } }",
    "request: { path: /PLACE, body: { form: { t: 'x{{ token }}' } } }\nexpect: { body: { text: { contains: 'x{{ token | swap_case }}' } } }",
    "name: n\nrequest: { path: /PLACE, headers: { Cookie: 'a={{ token }}', Proxy-Authorization: 'Basic dXNlcjpub2JvZHk=' } }\nexpect: { body: { json: { a: { $one_of: ['{{ token }}', 2] } } } }",
];

// Long: a table of the forms of a secret, and one run that writes every output.
#[test]
fn no_output_of_a_run_holds_any_form_of_a_secret() {
    let mut runner = runner(1);
    let strategy = secrets();
    // A round makes a third of all pairs of a location and a way, so three rounds make each pair once.
    for round in 0..3 {
        let secret = strategy.new_tree(&mut runner).unwrap().current();
        let responses = locations(&secret);
        let project = Project::new(&[("cases/s/suite.yaml", SUITE)]);
        for location in 0..responses.len() {
            for (way, case) in CASES.iter().enumerate() {
                if (location + way + round) % 3 == 0 {
                    project.write(
                        &format!("cases/s/{location}-{way}.yaml"),
                        &case.replace("PLACE", &location.to_string()),
                    );
                }
            }
        }
        let server = Server::start(move |request| {
            let path = request.split(' ').nth(1).unwrap_or_default();
            let location = path
                .split(['/', '?'])
                .nth(1)
                .and_then(|location| location.parse::<usize>().ok());
            responses[location.unwrap_or_default()].clone()
        });
        let mut arguments = vec![
            "run",
            "--verbose",
            "--snapshots",
            "pending",
            "--record",
            "out/run.ndjson",
            "--target",
        ];
        let url = server.url();
        arguments.push(&url);
        let reports: Vec<_> = FORMATS
            .iter()
            .map(|format| format!("--report={format}=out/report.{format}"))
            .collect();
        arguments.extend(reports.iter().map(String::as_str));
        let seen = ran(project.command(&arguments).env("CONFORME_SECRET_TOKEN", &secret));
        assert_eq!(seen.code, 1, "{secret:?}: {}", seen.stderr);
        assert!(seen.stdout.contains("TOKEN"), "the secret was used");
        let mut outputs = vec![("stdout".to_owned(), seen.stdout), ("stderr".to_owned(), seen.stderr)];
        // What is made of a recording later, by one who has the secret and by one who has not.
        for (command, has_secret) in [("report", false), ("recheck", false), ("recheck", true)] {
            let reports = FORMATS.map(|format| format!("--report={format}=out/{command}-{has_secret}.{format}"));
            let mut arguments = vec![command, "out/run.ndjson"];
            arguments.extend(reports.iter().map(String::as_str));
            let mut command = project.command(&arguments);
            if has_secret {
                command.env("CONFORME_SECRET_TOKEN", &secret);
            }
            let seen = ran(&mut command);
            assert_eq!(
                seen.code,
                i32::from(arguments[0] == "recheck"),
                "{arguments:?}: {}",
                seen.stderr
            );
            outputs.extend([
                (format!("{arguments:?}"), seen.stdout),
                (format!("{arguments:?}"), seen.stderr),
            ]);
        }
        let mut folders = vec![project.path().join("out"), project.path().join("snapshots")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                    outputs.push((entry.path().display().to_string(), text));
                }
            }
        }
        assert!(
            outputs.len() > 4 * FORMATS.len() + 9,
            "there are snapshots: {}",
            outputs.len()
        );
        for (name, text) in &outputs {
            for form in forms(&secret) {
                let found = text.find(&form).map(|at| {
                    let from = text.floor_char_boundary(at.saturating_sub(200));
                    &text[from..text.ceil_char_boundary((at + 100).min(text.len()))]
                });
                assert!(
                    found.is_none(),
                    "{secret:?} as {form:?} in {name}: {}",
                    found.unwrap_or_default()
                );
            }
        }
    }
}

#[test]
fn secret_that_cannot_be_masked_is_error_without_value() {
    let project = Project::new(&[
        ("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n"),
        (
            "cases/s/c.yaml",
            "request: { path: '/{{ token }}' }\nexpect: { status: 204 }\n",
        ),
        ("short", "qzx\n"),
    ]);
    let server = Server::always("HTTP/1.1 204 No Content", "");
    for (given, said) in [("", "does not define the input `token`"), ("qzx", "shorter than 6")] {
        let mut command = project.command(&["run", "--target", &server.url()]);
        let refused = ran(command.env("CONFORME_SECRET_TOKEN", given));
        assert_eq!((refused.code, server.requests()), (2, 0), "{refused:?}");
        assert!(
            refused.stderr.contains(said) && !refused.stderr.contains("qzx"),
            "{refused:?}"
        );
    }
    for source in [
        "{ file = \"short\" }",
        "{ command = [\"echo\", \"qzx\"] }",
        "{ env = \"SHORT\" }",
    ] {
        let target = format!(
            "[targets.t]\nbase_url = \"{}\"\n[targets.t.secrets]\ntoken = {source}\n",
            server.url()
        );
        project.write("conforme.toml", &target);
        let refused = ran(project.command(&["run", "--target", "t"]).env("SHORT", "qzx"));
        assert_eq!((refused.code, server.requests()), (2, 0), "{refused:?}");
        assert!(refused.stderr.contains("shorter than 6"), "{refused:?}");
    }
}
