//! What a response shows besides whole secrets: pieces of them, what they decode to, and credentials that are none.

use crate::support::{Project, Server, Then, ran, response};

const SUITE: &str = "inputs: { token: { secret: true } }\nsnapshots: { headers: [set-cookie] }\n";
/// Sends the secret as a token, and fails.
const BEARER: &str =
    "request: { path: /, headers: { Authorization: 'Bearer {{ token }}' } }\nexpect: { status: 201 }\n";

/// Everything that a run of one case writes, if the server returns these bytes.
fn output(secret: &str, case: &str, bytes: Vec<u8>, then: Then) -> String {
    let project = Project::new(&[("cases/s/suite.yaml", SUITE), ("cases/s/c.yaml", case)]);
    let server = Server::start(move |_| (bytes.clone(), then));
    let mut command = project.command(&[
        "run",
        "--target",
        &server.url(),
        "--snapshots=pending",
        "--report=json=out.ndjson",
        "--verbose",
    ]);
    let seen = ran(command.env("CONFORME_SECRET_TOKEN", secret));
    assert!(seen.code < 2, "{}", seen.stderr);
    let snapshot = "snapshots/s/c.snap.new";
    let snapshot = if project.has(snapshot) {
        project.read(snapshot)
    } else {
        String::new()
    };
    [seen.stdout, seen.stderr, project.read("out.ndjson"), snapshot].concat()
}

fn text(body: &str) -> Vec<u8> {
    response("HTTP/1.1 200 OK\nContent-Type: text/plain", body)
}

fn has_none_of(output: &str, pieces: &[&str]) {
    for piece in pieces {
        assert!(!output.contains(piece), "{piece} in {output}");
    }
}

#[test]
fn a_response_that_is_cut_within_a_secret_shows_no_part_of_it() {
    let secret = "qwerty-asdfgh-zxcvbn-token";
    let head = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    for (bytes, then) in [
        (format!("{}you sent qwerty-asdfgh-zxc", head(100)), Then::Close),
        (format!("{}you sent %71werty-asdfgh%2", head(100)), Then::Close),
        // The length that is declared ends within the secret: the rest follows the response.
        (format!("{}you sent {secret}", head(22)), Then::Close),
        (format!("{}you sent {secret}", head(22)), Then::Keep),
    ] {
        let output = output(secret, BEARER, bytes.into_bytes(), then);
        has_none_of(
            &output,
            &["qwerty-asdfgh", "werty-asdfgh", "zxcvbn-token", "gh-zxcvbn", "bn-token"],
        );
    }
}

#[test]
fn an_excerpt_of_a_leak_shows_no_part_of_a_secret() {
    let secret = "k8JzQ1xTn4Vb7Lm2Rp9Ws5Yd3Fg6Hc0A==";
    let page = response(
        "HTTP/1.1 500 Oops\nContent-Type: text/plain",
        &format!("AccountName=a;AccountKey={secret};"),
    );
    let output = output(secret, BEARER, page, Then::Keep);
    assert!(output.contains("http/leak"), "{output}");
    has_none_of(&output, &["k8JzQ1xTn4Vb", "d3Fg6Hc0A"]);
}

#[test]
fn cookie_is_masked_beside_secret_and_similar_placeholder() {
    for other in ["qwerty-asdfgh-zxcvbn-token", "$TOKEN"] {
        let cookie = format!("HTTP/1.1 200 OK\nSet-Cookie: sid=another-session; t={other}");
        let output = output("qwerty-asdfgh-zxcvbn-token", BEARER, response(&cookie, ""), Then::Keep);
        has_none_of(&output, &["another-session"]);
    }
}

#[test]
fn literal_credential_of_case_is_masked_in_responses() {
    let case = "request: { path: /, headers: { Authorization: 'Basic dXNlcjpsaXRlcmFsLXBhc3M=', Cookie: 'sid=a-literal-session' } }\n\
                expect: { status: 200, snapshot: true }\n";
    let echo = text("you: dXNlcjpsaXRlcmFsLXBhc3M= or literal%2Dpass or a-literal-session");
    let output = output("qwerty-asdfgh-zxcvbn-token", case, echo, Then::Keep);
    // A literal value is in the case's file only.
    has_none_of(&output, &["dXNlcjpsaXRl", "literal%2Dpass", "literal-session"]);
    assert!(output.contains("you: [hidden] or [hidden] or [hidden]"), "{output}");
}

#[test]
fn a_secret_is_hidden_as_it_arrives() {
    // Whitespace at the ends of a field is not part of it (RFC 9110 §5.5).
    let trimmed = output("qwerty-asdfgh  ", BEARER, text("got <qwerty-asdfgh>"), Then::Keep);
    has_none_of(&trimmed, &["qwerty"]);
    // A whole field as a secret is taken apart by the server.
    let case = "request: { path: /, headers: { Authorization: '{{ token }}' } }\nexpect: { status: 201 }\n";
    let echo = text("dXNlcjpwYXNzLXdvcmQtMQ== is of user with pass-word-1");
    let apart = output("Basic dXNlcjpwYXNzLXdvcmQtMQ==", case, echo, Then::Keep);
    has_none_of(&apart, &["dXNlcjpwYXNz", "pass-word-1"]);
}

#[test]
fn text_before_a_secret_does_not_hide_it_from_the_masker() {
    let windows = text(r"CORP\ninja\u002Bpass\/word=1");
    let output = output("ninja+pass/word=1", BEARER, windows, Then::Keep);
    has_none_of(&output, &["inja", "pass\\\\/word"]);
}
