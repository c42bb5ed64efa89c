//! Credentials of requests.

use std::sync::{Arc, Mutex};

use crate::{
    loading::{SOUND, error_lines, refused},
    support::{Project, Server, Then, response},
};

/// Paths and values of `Authorization`.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// A server that keeps the `Authorization` of each request by its path, and returns it.
fn echo() -> (Server, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let server = Server::start(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let fields: Vec<_> = request
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.to_owned())
            .collect();
        let all = fields.join("|");
        kept.lock().unwrap().push((path, all.clone()));
        let body = serde_json::json!({ "sent": all }).to_string();
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", &body),
            Then::Keep,
        )
    });
    (server, seen)
}

const SUITE: &str = "\
inputs: { password: { secret: true }, token: { secret: true } }
request: { auth: { basic: { user: jörg, password: '{{ password }}' } } }
expect: { status: 200 }
";

#[test]
fn auth_is_sent_inherited_replaced_and_removed() {
    let (server, seen) = echo();
    let project = Project::new(&[
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/a.yaml", "request: { path: /a }\n"),
        (
            "cases/s/b.yaml",
            "request: { path: /b, auth: { bearer: '{{ token }}' } }\n",
        ),
        ("cases/s/c.yaml", "request: { path: /c, auth: null }\n"),
        (
            "cases/s/d.yaml",
            "request: { path: /d, headers: { AUTHORIZATION: Digest x } }\n",
        ),
        (
            "cases/s/e.yaml",
            "\
steps:
  - { id: in, request: { path: /e1, auth: { basic: { user: '', password: '' } } } }
  - { id: out, request: { path: /e2 } }
",
        ),
        (
            "cases/s/f.yaml",
            "\
examples:
  colon: { p: 'a:b' }
  none: { p: '' }
request: { path: '/f{p}', params: { p: '{{ p }}' }, auth: { basic: { user: u, password: '{{ p }}' } } }
",
        ),
        (
            "conforme.toml",
            &format!(
                "[targets.t]\nbase_url = \"{}\"\nheaders = {{ Authorization = \"Bearer of-target\" }}\n",
                server.url()
            ),
        ),
    ]);
    let mut command = project.command(&["run", "--target", "t"]);
    command.envs([
        ("CONFORME_SECRET_PASSWORD", "pässwort"),
        ("CONFORME_SECRET_TOKEN", "the-secret-token"),
    ]);
    let ran = crate::support::ran(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut sent = seen.lock().unwrap().clone();
    sent.sort();
    let sent: Vec<_> = sent
        .iter()
        .map(|(path, value)| (path.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("/a", "Basic asO2cmc6cMOkc3N3b3J0"),
        ("/b", "Bearer the-secret-token"),
        ("/c", "Bearer of-target"),
        ("/d", "Digest x"),
        ("/e1", "Basic Og=="),
        ("/e2", "Basic asO2cmc6cMOkc3N3b3J0"),
        ("/f", "Basic dTo="),
        ("/fa%3Ab", "Basic dTphOmI="),
    ];
    assert_eq!(sent, expected);
}

#[test]
fn basic_credentials_are_masked_as_a_whole_and_repeated_by_curl() {
    let (server, _) = echo();
    let project = Project::new(&[
        ("cases/s/suite.yaml", SUITE),
        (
            "cases/s/a.yaml",
            "request: { path: /a }\nexpect: { status: 404, snapshot: true }\n",
        ),
        (
            "cases/s/b.yaml",
            "request: { path: /b, auth: { basic: { user: ada, password: only-here } } }\nexpect: { status: 404 }\n",
        ),
        (
            "cases/s/c.yaml",
            "\
request: { auth: null }
steps:
  - { id: in, request: { path: /c }, expect: { status: 200 }, capture: { sent: /sent } }
  - id: out
    request: { path: /d, auth: { basic: { user: u, password: '{{ run_id }}' } } }
    expect: { status: 404 }
",
        ),
    ]);
    let url = server.url();
    let arguments = |more: &[&'static str]| [&["run", "--target", &url], more].concat().join("\n");
    for more in [
        &[
            "--snapshots",
            "pending",
            "--record",
            "run.ndjson",
            "--report",
            "shell=run.sh",
        ][..],
        &["--dry-run"],
    ] {
        let all = arguments(more);
        let mut command = project.command(&all.split('\n').collect::<Vec<_>>());
        command.envs([
            ("CONFORME_SECRET_PASSWORD", "pässwort"),
            ("CONFORME_SECRET_TOKEN", "the-secret-token"),
        ]);
        let ran = crate::support::ran(&mut command);
        let mut shown = format!("{}{}", ran.stdout, ran.stderr);
        if more.len() > 1 {
            shown += &project.read("run.ndjson");
            shown += &project.read("run.sh");
            for part in [
                "-u 'jörg:'\"$CONFORME_SECRET_PASSWORD\" ",
                "-u u:\"$RUN_ID\" ",
                "-H 'authorization: Basic [hidden]' ",
            ] {
                assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
            }
        } else {
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(
                shown.contains("authorization: Basic base64(jörg:$PASSWORD)\n"),
                "{shown}"
            );
            assert!(shown.contains("authorization: Basic [hidden]\n"), "{shown}");
        }
        // The credentials of `a` and `b`, and the passwords.
        for part in [
            "asO2cmc6",
            "YWRhOm9ubHktaGVyZQ",
            "pässwort",
            "only-here",
            "cMOkc3N3b3J0",
        ] {
            assert!(!shown.contains(part), "{part}: {shown}");
        }
    }
}

#[test]
fn requests_without_credentials_of_their_own_are_signed() {
    let server = Server::start(|request| {
        let field = |name: &str| {
            let mut fields = request.lines().filter_map(|line| line.split_once(": "));
            fields
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        };
        let body = serde_json::json!({ "auth": field("authorization"), "token": field("x-amz-security-token") });
        let status = if field("authorization").is_some_and(|value| value.starts_with("AWS4-")) {
            200
        } else {
            403
        };
        let head = format!("HTTP/1.1 {status} X\nContent-Type: application/json");
        (response(&head, &body.to_string()), Then::Keep)
    });
    let project = Project::new(&[
        ("cases/s/suite.yaml", "request: { path: / }\nexpect: { status: 200 }\n"),
        (
            "cases/s/a.yaml",
            "expect: { body: { json: { token: the-session-token } } }\n",
        ),
        (
            "cases/s/b.yaml",
            "{ request: { auth: none }, expect: { status: 403, body: { json: { auth: null } } } }\n",
        ),
        (
            "cases/s/c.yaml",
            "{ request: { auth: { bearer: x } }, expect: { status: 403 } }\n",
        ),
        (
            "cases/s/d.yaml",
            "{ request: { path: /fails }, expect: { status: 404 } }\n",
        ),
        (
            "cases/s/e.yaml",
            "steps: [{ id: a, capture: { x: /auth } }, { id: b, request: { path: '/{{ run_id }}' }, expect: { status: 404 } }]\n",
        ),
        (
            "conforme.toml",
            &format!(
                "[targets.t]\nbase_url = \"{}\"\nsigv4 = {{ region = \"eu-west-1\", service = \"execute-api\", access_key_id = {{ env = \"KEY_ID\" }} }}\n",
                server.url()
            ),
        ),
    ]);
    let secrets = [
        ("KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG"),
        ("AWS_SESSION_TOKEN", "the-session-token"),
    ];
    let mut command = project.command(&["run", "--target", "t", "--record", "r.ndjson", "-v"]);
    let ran = crate::support::ran(command.envs(secrets));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("3 of 5 cases passed"), "{ran:?}");
    let curl = "--aws-sigv4 aws:amz:eu-west-1:execute-api -u \"$KEY_ID\":\"$AWS_SECRET_ACCESS_KEY\" ";
    assert_eq!(ran.stdout.matches(curl).count(), 2, "{ran:?}");
    let shown = ran.stdout + &ran.stderr + &project.read("r.ndjson");
    assert!(shown.contains("Credential=$AWS_ACCESS_KEY_ID/"), "{shown}");
    assert!(shown.contains("Signature=[hidden]"), "{shown}");
    for (_, secret) in secrets {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let has_digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_hexdigit).count() == 64;
    assert!(!shown.split("Signature=").any(has_digits), "{shown}");
    project.write("cases/s/d.yaml", "expect: { status: 200 }\n");
    let unset = project.run(&["run", "--target", "t"]);
    assert_eq!(unset.code, 2, "{unset:?}");
    assert!(
        unset
            .stderr
            .contains("`aws_secret_access_key` of target `t`: the environment variable `AWS_SECRET_ACCESS_KEY`"),
        "{unset:?}"
    );
}

#[test]
fn misuse_of_auth_is_an_error_at_its_line() {
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "inputs: { token: { secret: true } }\nrequest: { headers: { Authorization: x } }\nexpect: { status: 200 }\n",
        ),
        ("cases/s/sound.yaml", SOUND),
        (
            "cases/s/a.yaml",
            "request: { path: /, auth: { bearer: a }, headers: { authorization: b } }\n",
        ),
        ("cases/s/b.yaml", "request: { path: /, auth: '{{ token }}' }\n"),
        ("cases/s/c.yaml", "request: { path: /, auth: { basic: { user: u } } }\n"),
        (
            "cases/s/d.yaml",
            "request: { path: /, auth: { basic: { username: u, password: p } } }\n",
        ),
        (
            "cases/s/e.yaml",
            "request: { path: /, auth: { bearer: a, basic: { user: u, password: p } } }\n",
        ),
        ("cases/s/f.yaml", "request: { path: /, auth: null }\n"),
        ("cases/s/g.yaml", "request: { path: /, auth: { baerer: a } }\n"),
        (
            "cases/t/suite.yaml",
            "request: { auth: { bearer: a } }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/t/a.yaml",
            "request: { path: /, headers: { Authorization: null } }\n",
        ),
    ]);
    let ran = refused(&project);
    for expected in [
        "the header `authorization` and `auth` exclude each other\n --> cases/s/a.yaml:1:53",
        "`auth` is a mapping, not a string\n --> cases/s/b.yaml:1:27",
        "`basic` has no `password`\n --> cases/s/c.yaml:1:36",
        "unknown key `username` in a mapping with `user` and `password`\n --> cases/s/d.yaml:1:38",
        "known here: `user`, `password`",
        "`auth` has exactly one of `basic` and `bearer`\n --> cases/s/e.yaml:1:27",
        "`auth: null` takes nothing away\n --> cases/s/f.yaml:1:21",
        "write `headers: { Authorization: null }`",
        "unknown key `baerer` in `auth`\n --> cases/s/g.yaml:1:29",
        "`Authorization: null` takes nothing away\n --> cases/t/a.yaml:1:32",
        "write `auth: null`",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}\n{}", ran.stderr);
    }
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        std::fs::remove_file(project.path().join(format!("cases/s/{name}.yaml"))).unwrap();
    }
    std::fs::remove_dir_all(project.path().join("cases/t")).unwrap();
    project.write(
        "cases/s/a.yaml",
        "request: { path: /, auth: { basic: { user: 'a:b', password: p } } }\n",
    );
    project.write("cases/s/b.yaml", "request: { path: /, auth: { bearer: Bearer x } }\n");
    project.write(
        "cases/s/c.yaml",
        "request: { path: /, auth: { basic: { user: a, password: \"x\\ny\" } } }\n",
    );
    let ran = refused(&project);
    assert_eq!(
        error_lines(&ran),
        [
            "the user of `basic` contains a colon",
            "the token of `bearer` begins with `Bearer`",
            "the password of `basic` contains control characters",
        ]
    );
}
