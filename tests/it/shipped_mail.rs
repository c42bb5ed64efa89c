//! What the shipped suite catches in the e-mails of a deployment, read from its `mailbox` endpoint.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
};

use conforme::reference::{Seed, Server as Reference, system_clock};
use lettre::{Message, SmtpTransport, Transport as _};

use crate::{
    programs::free_port,
    support::{Project, Ran, Server, Then, ran, repository},
};

const USER: &str = "first.user@example.com";
const CASE: &str = "send-activation-email/activate-and-read-mail";
const LINK: &str = "https://portal.example.com/activate?code=1";

/// How the e-mails of a deployment are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Missing,
    Doubled,
    /// For a response with this status.
    OnRefusal(&'static str),
    ToAnotherUser,
    WithoutLink,
    /// The second one arrives later.
    DoubledLate,
}

fn send(port: u16, to: &str, text: &str) {
    let message = Message::builder()
        .from("no-reply@portal.example.com".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Activate your account")
        .body(text.to_owned());
    let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(port).build();
    transport.send(&message.unwrap()).unwrap();
}

/// Passes a request on, and returns the response.
fn forward(address: &str, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let (line, rest) = request.split_once("\r\n").unwrap();
    write!(stream, "{line}\r\nconnection: close\r\n{rest}").unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

/// The reference API behind a proxy that sends its e-mails.
fn deployment(fault: Fault, port: u16) -> (Reference, Server) {
    let reference = Reference::start(&Seed::embedded(), (Ipv4Addr::LOCALHOST, 0).into(), system_clock()).unwrap();
    let address = reference.base_url().strip_prefix("http://").unwrap();
    let address = address.split('/').next().unwrap().to_owned();
    let server = Server::start(move |request| {
        let response = forward(&address, request);
        let head = String::from_utf8_lossy(&response).into_owned();
        let status = head.split(' ').nth(1).unwrap_or_default();
        let text = format!("Hello,\n\n{LINK}\n");
        match fault {
            Fault::OnRefusal(refused) if refused == status => send(port, USER, &text),
            _ if status != "204" || fault == Fault::Missing => {}
            Fault::ToAnotherUser => send(port, "second.user@example.com", &text),
            Fault::WithoutLink => send(port, USER, "Hello,\n\nyour account is active.\n"),
            _ => send(port, USER, &text),
        }
        if status == "204" && fault == Fault::Doubled {
            send(port, USER, &text);
        }
        if status == "204" && fault == Fault::DoubledLate {
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(400));
                send(port, USER, &text);
            });
        }
        (response, Then::Close)
    });
    (reference, server)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The shipped suite, and a target `staging` with this in its tables.
fn project(base_url: &str, variables: &[(&str, &str)], endpoints: &str) -> Project {
    let seed = Seed::embedded();
    let mut toml = format!("[targets.staging]\nbase_url = \"{base_url}\"\n[targets.staging.vars]\n");
    let fixtures = seed.fixtures().variables().iter();
    for (name, value) in fixtures
        .map(|(name, value)| (*name, value.as_str()))
        .chain(variables.iter().copied())
    {
        let _ = writeln!(toml, "{name} = \"{value}\"");
    }
    let project = Project::new(&[("conforme.toml", &(toml + endpoints))]);
    for folder in ["cases", "schemas", "snapshots"] {
        copy(&repository().join(folder), &project.path().join(folder));
    }
    project
}

fn run(project: &Project, arguments: &[&str]) -> Ran {
    let mut command = project.command(&[&["run", "--target", "staging"], arguments].concat());
    for (name, value) in Seed::embedded().fixtures().secrets() {
        command.env(format!("CONFORME_SECRET_{}", name.to_ascii_uppercase()), value);
    }
    ran(&mut command)
}

fn run_with(fault: Fault) -> Ran {
    let port = free_port();
    let (reference, server) = deployment(fault, port);
    let prefix = reference.base_url().rsplit_once('/').unwrap().1;
    let endpoints =
        format!("[targets.staging.endpoints.mailbox]\nkind = \"smtp\"\nbase_url = \"smtp://127.0.0.1:{port}\"\n");
    let project = project(
        &format!("{}/{prefix}", server.url()),
        &[("user_email", USER)],
        &endpoints,
    );
    // A missing e-mail is not waited for as long as for a real deployment.
    let case = project
        .read(&format!("cases/{CASE}.yaml"))
        .replace("within: 30s", "within: 1s");
    project.write(&format!("cases/{CASE}.yaml"), &case);
    run(&project, &[CASE])
}

#[test]
fn suite_accepts_one_email_with_a_link() {
    let ran = run_with(Fault::None);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn suite_fails_wrong_emails_at_their_step() {
    for (fault, step) in [
        (Fault::Missing, "sent"),
        (Fault::Doubled, "sent"),
        (Fault::DoubledLate, "only-one"),
        (Fault::OnRefusal("400"), "sent"),
        (Fault::OnRefusal("401"), "sent"),
        (Fault::OnRefusal("404"), "sent"),
        (Fault::ToAnotherUser, "sent"),
        (Fault::WithoutLink, "sent"),
    ] {
        let ran = run_with(fault);
        assert_eq!(ran.code, 1, "{fault:?}: {ran:?}");
        let title = format!("step {step} [");
        let mut lines = ran.stdout.lines().map(str::trim_start);
        let line = lines.find(|line| line.starts_with(&title)).unwrap_or_default();
        assert!(line.contains(", failed"), "{fault:?}: {}", ran.stdout);
    }
}

#[test]
fn suite_skips_only_the_steps_that_need_a_mailbox() {
    let reference = Reference::start(&Seed::embedded(), (Ipv4Addr::LOCALHOST, 0).into(), system_clock()).unwrap();
    for variables in [&[("user_email", USER)][..], &[]] {
        let project = project(reference.base_url(), variables, "");
        let ran = run(&project, &["--allow", "email"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let counted = " cases passed, 0 skipped, 2 steps of 1 case skipped";
        assert!(ran.stdout.contains(counted), "{}", ran.stdout);
        let why = "step sent: skipped: the target does not define the endpoint `mailbox`";
        assert!(ran.stdout.contains(why), "{}", ran.stdout);
    }
}

#[test]
fn reference_api_sends_its_emails_in_a_run_of_the_shipped_suite() {
    let project = Project::new(&[("conforme.toml", "default_target = \"reference\"\n")]);
    for folder in ["cases", "schemas", "snapshots"] {
        copy(&repository().join(folder), &project.path().join(folder));
    }
    let ran = project.run(&["run", "--record", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(" 0 skipped"), "{}", ran.stdout);
    let case = ran_case(&project.read("run.ndjson"));
    let sent = case["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["id"] == "sent")
        .unwrap();
    let body = sent["exchange"]["outcome"]["response"]["body"]["text"]
        .as_str()
        .unwrap();
    assert!(body.contains("https://portal.example.com/activate?user="), "{body}");
    assert!(body.contains(USER), "{body}");
}

fn ran_case(recording: &str) -> serde_json::Value {
    let events = recording
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.into_iter().find(|event| event["id"] == CASE).unwrap()
}
