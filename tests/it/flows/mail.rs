//! Steps that read a mailbox.

use super::*;
use crate::programs::free_port;

/// Sends a message over SMTP.
pub(super) fn send_mail(port: u16, to: &str, text: &str) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut say = |line: &str, end: &str| {
        (&stream).write_all(format!("{line}{end}").as_bytes()).unwrap();
        let mut response = String::new();
        lines.read_line(&mut response).unwrap();
        response
    };
    let mut all = vec![say("HELO shop", "\r\n"), say("MAIL FROM:<shop@example.test>", "\r\n")];
    all.push(say(&format!("RCPT TO:<{to}>"), "\r\n"));
    all.push(say("DATA", "\r\n"));
    let message = format!("From: shop@example.test\r\nTo: {to}\r\nSubject: Order\r\n\r\n{text}\r\n.");
    all.push(say(&message, "\r\n"));
    all.push(say("QUIT", "\r\n"));
    let is_expected = |line: &String| line.starts_with(['2', '3']) || line.starts_with("552 ");
    assert!(all.iter().all(is_expected), "{all:?}");
}

/// Runs a case that orders something and expects a mail; the API sends `mails` of them for `/order`, none for `/refused`.
fn run_with_mail(mails: usize, expectations: &str) -> (Project, Ran) {
    let port = free_port();
    let server = Server::start(move |request| {
        if request.starts_with("POST /order ") {
            for number in 0..mails {
                send_mail(
                    port,
                    "ann@example.test",
                    &format!("Open https://shop.example/o/{number}?t=abc now"),
                );
                send_mail(port, "bob@example.test", "not for ann");
            }
        }
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    let config = format!(
        "[targets.t]\nbase_url = '{}'\n[targets.t.endpoints.mailbox]\nkind = 'smtp'\nbase_url = 'smtp://127.0.0.1:{port}'\n",
        server.url()
    );
    let case = format!(
        "request: {{ headers: {{ X-Own: '1' }} }}
steps:
  - {{ id: order, request: {{ method: POST, path: /order }}, expect: {{ status: 204 }} }}
{expectations}"
    );
    let project = Project::new(&[("conforme.toml", &config), ("cases/s/c.yaml", &case)]);
    let ran = project.run(&["run", "--target", "t", "--record", "run.ndjson"]);
    (project, ran)
}

const ONE_MAIL: &str = "
  - id: mail
    mail: { endpoint: mailbox, to: Ann@example.test, since: order }
    eventually: { within: 2s, every: 20ms }
    expect:
      body:
        json:
          count: 1
          messages: [{ from: shop@example.test, to: [ann@example.test], subject: Order, links: [{ $matches: '^https://shop' }] }]
    capture: { link: '$.messages[0].links[0]' }
";

#[test]
fn mail_is_read_from_the_embedded_server() {
    let (project, ran) = run_with_mail(1, ONE_MAIL);
    assert_eq!(ran.code, 0, "{ran:?}");
    let case = recorded(&project);
    assert_eq!(
        step(&case, "mail")["captures"]["link"],
        "https://shop.example/o/0?t=abc"
    );
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 0);
    assert_eq!(project.run(&["mutate", "run.ndjson"]).code, 0);
    for mails in [0, 2] {
        let (project, ran) = run_with_mail(mails, &ONE_MAIL.replace("within: 2s", "within: 100ms"));
        assert_eq!(ran.code, 1, "{mails}: {ran:?}");
        assert_eq!(check(&recorded(&project), "mail"), "body/json", "{mails}");
    }
}

/// The numbers of killed, survived and undecided changes of an operator.
fn tally(measured: &Value, operator: &str) -> [u64; 3] {
    let all = measured["operators"].as_array().unwrap();
    let one = all.iter().find(|one| one["operator"] == operator).unwrap();
    ["killed", "survived", "undecided"].map(|key| one[key].as_u64().unwrap())
}

fn measured(project: &Project) -> Value {
    let ran = project.run(&["mutate", "run.ndjson", "--report", "json=measured.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("OF THESE, CHANGES OF E-MAILS"), "{}", ran.stdout);
    serde_json::from_str(&project.read("measured.json")).unwrap()
}

#[test]
fn changes_of_a_mail_are_judged_and_counted_on_their_own() {
    let opened = "  - { id: open, request: { path: /open, query: { l: '{{ link }}' } }, expect: { status: 204 } }\n";
    let (project, ran) = run_with_mail(1, &format!("{ONE_MAIL}{opened}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let strict = measured(&project);
    for operator in [
        "missing",
        "doubled",
        "recipient-changed",
        "subject-changed",
        "text-emptied",
        "link-removed",
    ] {
        assert_eq!(tally(&strict, &format!("mail/{operator}")), [1, 0, 0], "{operator}");
    }
    // The request with the cut link is not recorded.
    assert_eq!(tally(&strict, "mail/link-cut"), [0, 0, 1]);
    assert_eq!(tally(&strict, "mail/appeared"), [0, 0, 0]);
    assert_eq!(
        (&strict["mail"]["killed"], &strict["mail"]["undecided"]),
        (&json!(6), &json!(1))
    );

    let weak = "
  - { id: mail, mail: { endpoint: mailbox, to: ann@example.test }, eventually: 2s, expect: { body: { json: { count: 1 } } } }
";
    let (project, _) = run_with_mail(1, weak);
    let weak = measured(&project);
    let of = |operator| tally(&weak, operator);
    assert_eq!((of("mail/missing"), of("mail/doubled")), ([1, 0, 0], [1, 0, 0]));
    assert_eq!(
        (of("mail/link-removed"), of("mail/recipient-changed")),
        ([0, 1, 0], [0, 1, 0])
    );
    let survivors = weak["survivors"].to_string();
    assert!(survivors.contains("s/c:mail#mail/link-removed#1"), "{survivors}");

    let none = "
  - { id: none, mail: { endpoint: mailbox, to: bob@example.test }, throughout: 100ms, expect: { body: { json: { count: 0 } } } }
";
    let (project, _) = run_with_mail(0, none);
    assert_eq!(tally(&measured(&project), "mail/appeared"), [1, 0, 0]);
}

#[test]
fn mail_that_cannot_be_read_is_not_waited_for() {
    let port = free_port();
    let server = Server::start(move |request| {
        let content = if request.starts_with("POST /large ") {
            "x".repeat(10_500_000)
        } else {
            "\r\n--b".repeat(10_001)
        };
        send_mail(port, "ann@example.test", &content);
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    let cases = [
        ("large", "it is larger than 10485760 bytes"),
        ("parts", "more than 10000 lines"),
    ];
    for (path, reason) in cases {
        let config = format!(
            "[targets.t]\nbase_url = '{}'\nretries = 2\n[targets.t.endpoints.mailbox]\nkind = 'smtp'\n\
             base_url = 'smtp://127.0.0.1:{port}'\n",
            server.url()
        );
        let case = format!(
            "steps:
  - {{ id: order, request: {{ method: POST, path: /{path} }}, expect: {{ status: 204 }} }}
  - {{ id: mail, mail: {{ endpoint: mailbox, to: ann@example.test }}, eventually: 60s, expect: {{ body: {{ json: {{ count: 1 }} }} }} }}
"
        );
        let project = Project::new(&[("conforme.toml", &config), ("cases/s/c.yaml", &case)]);
        let ran = project.run(&["run", "--target", "t", "--record", "run.ndjson"]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stdout.contains(reason), "{ran:?}");
        let case = recorded(&project);
        let step = step(&case, "mail");
        assert_eq!(step["exchange"]["outcome"]["failure"]["kind"], "too-large");
        assert!(step["polls"].is_null() && case["previous"].is_null(), "{case}");
    }
}

#[test]
fn mail_that_must_not_arrive_is_waited_for() {
    let none = "
  - id: none
    mail: { endpoint: mailbox, to: ann@example.test }
    throughout: { for: 50ms, every: 10ms }
    expect: { body: { json: { count: 0 } } }
";
    assert_eq!(run_with_mail(0, none).1.code, 0);
    let (project, ran) = run_with_mail(1, none);
    assert_eq!(
        (ran.code, check(&recorded(&project), "none")),
        (1, "body/json"),
        "{ran:?}"
    );
}

#[test]
fn errors_in_mail_steps_are_found_before_anything_is_sent() {
    let config = "[targets.t]\nbase_url = 'http://127.0.0.1:9'\n\
                  [targets.t.endpoints.mailbox]\nkind = 'smtp'\nbase_url = 'smtp://127.0.0.1:1025'\n";
    for (case, config, message) in [
        (
            "mail: { to: a@b }, expect: { body: { json: { count: 1 } } }",
            config,
            "has an `endpoint` and a `to`",
        ),
        (
            "mail: { endpoint: mailbox, to: a@b, since: x }, expect: {}",
            config,
            "no step `x` comes before",
        ),
        (
            "mail: { endpoint: mailbox, to: a@b }, expect: { status: 200 }",
            config,
            "a mailbox has no status",
        ),
        (
            "mail: { endpoint: mailbox, to: a@b }, request: { path: / }, expect: {}",
            config,
            "has no `request`, `endpoint`, `follow` or `identity` of its own",
        ),
        (
            "mail: { endpoint: mailbox, to: a@b }, expect: { body: { json: { count: 1 } } }",
            &config.replace("kind = 'smtp'", "kind = 'smpt'"),
            "`smpt` is not a kind of mailbox",
        ),
        (
            "mail: { endpoint: mailbox, to: a@b }, expect: { body: { json: { count: 1 } } }",
            &config.replace("smtp://", "http://"),
            "begins with `smtp://`",
        ),
    ] {
        let case = format!("steps:\n  - {{ id: a, {case} }}\n");
        let project = Project::new(&[("conforme.toml", config), ("cases/s/c.yaml", &case)]);
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{case}: {ran:?}");
        assert!(ran.stderr.contains(message), "{message}: {}", ran.stderr);
    }
}
