//! Tokens of token endpoints and of login cases, against an API that accepts only tokens that are valid.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Project, Ran, Server, Then, response};

/// An API and its token endpoint.
#[derive(Default)]
struct Issuer {
    /// When each token expires.
    tokens: BTreeMap<String, Instant>,
    /// The lifetime of tokens; an hour by default.
    lifetime: Option<Duration>,
    /// The `expires_in` of responses, if it differs.
    claimed: Option<u64>,
    /// What the endpoint responds instead of a token, and how many times.
    refusal: Option<(u32, String, String)>,
    /// The requests to the token endpoint: the `Authorization` field and the body.
    fetches: Vec<(String, String)>,
    refresh_token: String,
    logins: u32,
    logouts: u32,
}

#[derive(Clone, Default)]
struct Api(Arc<Mutex<Issuer>>);

impl Api {
    fn lock(&self) -> MutexGuard<'_, Issuer> {
        self.0.lock().unwrap()
    }

    fn serve(&self) -> Server {
        let (api, port) = (self.clone(), Arc::new(Mutex::new(String::new())));
        let shared = Arc::clone(&port);
        let server = Server::start(move |request| {
            let url = shared.lock().unwrap().clone();
            (api.lock().respond(&url, request), Then::Keep)
        });
        *port.lock().unwrap() = server.url();
        server
    }
}

fn field<'r>(request: &'r str, name: &str) -> &'r str {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).unwrap_or_default()
}

fn json_response(head: &str, body: &Value) -> Vec<u8> {
    response(
        &format!("HTTP/1.1 {head}\nContent-Type: application/json"),
        &body.to_string(),
    )
}

impl Issuer {
    /// A new token of 20 to 22 characters.
    fn token(&mut self, kind: &str) -> String {
        let number = self.tokens.len();
        let token = format!("{kind}-{number}-7f3a9c2e8b1d{}", &"xyz"[..number % 3]);
        let lifetime = self.lifetime.unwrap_or(Duration::from_hours(1));
        self.tokens.insert(token.clone(), Instant::now() + lifetime);
        token
    }

    fn respond(&mut self, url: &str, request: &str) -> Vec<u8> {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let body = request.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let authorization = field(request, "authorization").to_owned();
        match path {
            "/.well-known/openid-configuration" => json_response("404 Not Found", &json!({})),
            "/.well-known/oauth-authorization-server" => json_response(
                "200 OK",
                &json!({
                    "issuer": url,
                    "token_endpoint": format!("{url}/token"),
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }),
            ),
            "/token" => {
                self.fetches.push((authorization, body.to_owned()));
                if let Some((times, head, body)) = self.refusal.as_mut().filter(|(times, ..)| *times > 0) {
                    *times -= 1;
                    return response(head, body);
                }
                let lifetime = self
                    .claimed
                    .unwrap_or_else(|| self.lifetime.unwrap_or(Duration::from_hours(1)).as_secs());
                let token = self.token("token");
                self.refresh_token = format!("refresh-{}-0c4d6e", self.fetches.len());
                let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime,
                    "refresh_token": self.refresh_token });
                json_response("200 OK", &body)
            }
            "/login" => {
                self.logins += 1;
                if body.contains("nobody") {
                    return json_response("403 Forbidden", &json!({ "error": "unknown user" }));
                }
                let token = self.token("session");
                json_response(
                    "200 OK",
                    &json!({ "session": token, "csrf": format!("csrf-of-{token}") }),
                )
            }
            _ => {
                let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
                if self.tokens.get(token).is_none_or(|end| *end < Instant::now()) {
                    let head = "401 Unauthorized\nWWW-Authenticate: Bearer";
                    return json_response(head, &json!({ "got": token }));
                }
                if path == "/logout" {
                    self.logouts += 1;
                    self.tokens.remove(token);
                    return response("HTTP/1.1 204 No Content", "");
                }
                let hex = hex(token);
                let echo = json!({ "plain": token, "base64": STANDARD.encode(token), "hex": hex,
                    "upper": token.to_uppercase(), "header": format!("Bearer {token}"),
                    "escaped": token.replace('-', "%2D") });
                json_response("200 OK", &echo)
            }
        }
    }
}

const SUITE: &str = "inputs: { token: { secret: true } }\n";

/// A project whose cases need a token from this source; `{url}` in it is the URL of the server.
fn project(server: &Server, source: &str, rows: usize, expect: &str) -> Project {
    let rows = (0..rows).fold(String::new(), |rows, row| rows + &format!("  r{row}: {{ n: {row} }}\n"));
    let table = format!(
        "request: {{ path: '/{{{{ n }}}}', headers: {{ Authorization: 'Bearer {{{{ token }}}}' }} }}
expect: {{ status: 200{expect} }}\nexamples:\n{rows}"
    );
    let url = server.url();
    let config = format!(
        "default_target = \"api\"\n[targets.api]\nbase_url = \"{url}\"\n[targets.api.secrets]\ntoken = {}\n",
        source.replace("{url}", &url)
    );
    Project::new(&[
        ("conforme.toml", &config),
        ("cases/s/suite.yaml", SUITE),
        ("cases/s/c.yaml", &table),
    ])
}

const CLIENT: &str = "{ oauth2 = { token_url = \"{url}/token\", client_id = \"tests\", client_secret = { env = \"CLIENT_SECRET\" }, scopes = [\"a.read\", \"b\"], audience = \"api\" } }";
const CLIENT_SECRET: &str = "p/ss:wörd+1";

fn run(project: &Project, arguments: &[&str]) -> Ran {
    let mut command = project.command(arguments);
    crate::support::ran(command.env("CLIENT_SECRET", CLIENT_SECRET))
}

fn hex(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Every form in which the API echoes a token.
fn forms(token: &str) -> Vec<String> {
    let encoded = STANDARD.encode(token);
    let core = encoded.trim_end_matches('=');
    let hex = hex(token);
    let forms = [
        token,
        &core[..core.len() - 1],
        &hex,
        &token.to_uppercase(),
        &token.replace('-', "%2D"),
    ];
    forms.map(str::to_owned).to_vec()
}

#[test]
fn token_is_requested_once_and_in_no_output() {
    let api = Api::default();
    let server = api.serve();
    let project = project(&server, CLIENT, 60, ", snapshot: true");
    let outputs = ["report.json", "report.xml", "report.html", "report.sh", "run.ndjson"];
    let record = [
        "--record",
        "run.ndjson",
        "--report",
        "json=report.json",
        "--report",
        "junit=report.xml",
    ];
    let more = [
        "--report",
        "html=report.html",
        "--report",
        "shell=report.sh",
        "--snapshots",
        "pending",
    ];
    let ran = run(&project, &[&["run", "--verbose"][..], &record, &more].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    let issuer = api.lock();
    assert_eq!(issuer.fetches.len(), 1);
    let (authorization, body) = &issuer.fetches[0];
    // RFC 6749 §2.3.1: both are form-encoded.
    let basic = STANDARD.encode("tests:p%2Fss%3Aw%C3%B6rd%2B1");
    assert_eq!(*authorization, format!("Basic {basic}"));
    assert_eq!(body, "grant_type=client_credentials&scope=a.read+b&audience=api");
    let mut texts: Vec<_> = outputs.iter().map(|name| project.read(name)).collect();
    texts.extend([ran.stdout, ran.stderr]);
    for folder in std::fs::read_dir(project.path().join("snapshots/s")).unwrap() {
        texts.push(std::fs::read_to_string(folder.unwrap().path()).unwrap());
    }
    let secrets = issuer.tokens.keys().flat_map(|token| forms(token)).chain([
        issuer.refresh_token.clone(),
        CLIENT_SECRET.to_owned(),
        basic[..basic.len() - 2].to_owned(),
    ]);
    for secret in secrets {
        for text in &texts {
            assert!(!text.contains(&secret), "{secret} in {text}");
        }
    }
    // The name is shown, also where a response repeats the credentials of its request.
    assert!(
        texts[4].contains("Bearer $TOKEN") && !texts[4].contains("[hidden]"),
        "{}",
        texts[4]
    );
}

#[test]
fn snapshot_is_the_same_with_every_token() {
    let api = Api::default();
    let server = api.serve();
    let project = project(&server, CLIENT, 1, ", snapshot: true");
    assert_eq!(run(&project, &["run", "--snapshots", "accept"]).code, 0);
    // The tokens have different lengths, so their base64 has different padding.
    for _ in 0..3 {
        let ran = run(&project, &["run", "--record", "run.ndjson"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(api.lock().fetches.len(), 4);
}

#[test]
fn token_is_renewed_during_a_run_before_it_expires() {
    let api = Api::default();
    api.lock().lifetime = Some(Duration::from_secs(3));
    api.lock().claimed = Some(1);
    let server = api.serve();
    let project = project(&server, CLIENT, 30, "");
    let ran = run(&project, &["run", "--rate-limit", "20/s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let fetches = api.lock().fetches.len();
    assert!((2..=8).contains(&fetches), "{fetches}");
}

#[test]
fn refused_token_gives_no_verdict_and_is_requested_once() {
    let secret = "w\u{f6}rd";
    let description = format!("the secret is {CLIENT_SECRET}, {}", "x".repeat(5000));
    let error = json!({ "error": "invalid_client", "error_description": description }).to_string();
    let head = "HTTP/1.1 401 Unauthorized\nContent-Type: application/json";
    for (head, body, reason) in [
        (
            head,
            error.as_str(),
            "status 401: invalid_client: the secret is $TOKEN_CLIENT_SECRET, xxx",
        ),
        ("HTTP/1.1 200 OK", &error, "/token: invalid_client: the secret"),
        ("HTTP/1.1 200 OK", "<html>", "the response is not JSON"),
        (
            "HTTP/1.1 200 OK",
            r#"{"access_token":"s"}"#,
            "shorter than 6 characters",
        ),
        ("HTTP/1.1 503 Service Unavailable", "", "status 503"),
        ("HTTP/1.1 302 Found\nLocation: /login", "", "redirects are not followed"),
    ] {
        let api = Api::default();
        api.lock().refusal = Some((u32::MAX, head.to_owned(), body.to_owned()));
        let server = api.serve();
        let project = project(&server, CLIENT, 20, "");
        let ran = run(&project, &["run", "--record", "run.ndjson"]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stdout.contains(reason), "{reason}: {ran:?}");
        assert!(
            ran.stdout.contains("20 errored") && !ran.stdout.contains(secret),
            "{ran:?}"
        );
        assert!(project.read("run.ndjson").len() < 200_000);
        assert_eq!(api.lock().fetches.len(), 1);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn refusal_of_a_fresh_token_shows_its_age() {
    let api = Api::default();
    api.lock().lifetime = Some(Duration::ZERO);
    api.lock().claimed = Some(300);
    let server = api.serve();
    let project = project(&server, CLIENT, 1, "");
    let ran = run(&project, &["run"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // On a busy machine it is a second older.
    let before_age = "expected 200, got 401 (the token `token` was ";
    assert!(
        ran.stdout.contains(before_age) && ran.stdout.contains(" s old of 300 s)"),
        "{ran:?}"
    );
    assert_eq!(api.lock().fetches.len(), 1, "a refusal is not a reason to renew");
}

#[test]
fn wait_includes_the_token_endpoint() {
    let api = Api::default();
    api.lock().refusal = Some((2, "HTTP/1.1 503 Service Unavailable".to_owned(), String::new()));
    let server = api.serve();
    let project = project(&server, CLIENT, 3, "");
    let ran = run(&project, &["run", "--wait", "20s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(api.lock().fetches.len(), 3);
}

#[test]
fn rotated_refresh_token_replaces_the_first() {
    let api = Api::default();
    // The API accepts a token for longer than the issuer says, so that a slow machine does not change the result.
    api.lock().claimed = Some(1);
    let server = api.serve();
    let source = "{ oauth2 = { issuer = \"{url}\", grant = \"refresh_token\", client_id = \"tests\", client_secret = { env = \"CLIENT_SECRET\" }, refresh_token = { file = \"refresh\" } } }";
    let project = project(&server, source, 30, "");
    project.write("refresh", "first-refresh-token\n");
    let ran = run(&project, &["run", "--rate-limit", "20/s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let issuer = api.lock();
    // The issuer allows a secret in the body only.
    let secret = "client_id=tests&client_secret=p%2Fss%3Aw%C3%B6rd%2B1";
    let request = |token: &str| format!("grant_type=refresh_token&refresh_token={token}&{secret}");
    let bodies: Vec<_> = issuer.fetches.iter().map(|(_, body)| body.clone()).collect();
    assert!(issuer.fetches.iter().all(|(authorization, _)| authorization.is_empty()));
    assert_eq!(
        bodies[..2],
        [request("first-refresh-token"), request("refresh-1-0c4d6e")]
    );
    assert_eq!(project.read("refresh"), "first-refresh-token\n");
}

const LOGIN: &str = "{ case = \"auth/login\", capture = \"session\" }";

/// A project whose token is that of a login case.
fn with_login(server: &Server, source: &str, user: &str, rows: usize) -> Project {
    let project = project(server, source, rows, "");
    let login = format!(
        "request: {{ method: POST, path: /login, body: {{ json: {{ user: {user} }} }} }}
expect: {{ status: 200 }}
capture: {{ session: /session, csrf: /csrf }}
teardown:
  - id: whoami
    request: {{ path: /me, query: {{ c: '{{{{ csrf | base64url }}}}' }}, headers: {{ Authorization: 'Bearer {{{{ session }}}}', X-Hash: '{{{{ session | sha256 }}}}' }} }}
    expect: {{ status: 200, body: {{ json: {{ plain: '{{{{ session }}}}', base64: '{{{{ session | base64 }}}}' }} }} }}
  - id: logout
    request: {{ method: POST, path: /logout, headers: {{ Authorization: 'Bearer {{{{ session }}}}' }} }}
    expect: {{ status: 204 }}\n"
    );
    project.write("cases/auth/login.yaml", &login);
    project
}

#[test]
fn login_case_runs_once_and_logs_out_at_the_end() {
    let api = Api::default();
    let server = api.serve();
    let project = with_login(&server, LOGIN, "kim", 40);
    // It is run, although it is not selected.
    for selected in ["s", "cases"] {
        let ran = run(&project, &["run", selected, "--record", "run.ndjson", "--jobs", "4"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("41 of 41 cases passed"), "{ran:?}");
        let recording = project.read("run.ndjson");
        assert!(!recording.contains("7f3a9c2e8b1d") && recording.contains("Bearer $TOKEN"));
        let ran = project.run(&["recheck", "run.ndjson"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    {
        let issuer = api.lock();
        assert_eq!((issuer.logins, issuer.logouts), (2, 2));
        assert!(issuer.tokens.is_empty());
    }
    // Without a case that needs it, it is a case like any other.
    let ran = run(&project, &["run", "auth"]);
    assert!(ran.stdout.contains("1 of 1 cases passed"), "{ran:?}");
}

#[test]
#[cfg(unix)]
fn teardown_of_a_killed_run_has_no_session_of_a_login() {
    let api = Api::default();
    let server = api.serve();
    let project = with_login(&server, LOGIN, "kim", 1);
    let wait = "steps:
  - id: wait
    request: { path: /wait, headers: { Authorization: 'Bearer {{ token }}' } }
    eventually: { within: 60s, every: 5ms }
    expect: { status: 404 }\n";
    project.write("cases/s/wait.yaml", wait);
    let mut child = project
        .command(&["run", "s/wait", "--record", "run.ndjson"])
        .spawn()
        .unwrap();
    while server.requests() < 4 {
        assert_eq!(child.try_wait().unwrap(), None, "the run ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = project.run(&["teardown", "run.ndjson"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("does not contain the secret `session`"), "{ran:?}");
    assert_eq!(api.lock().logouts, 0);
}

#[test]
fn login_that_expires_at_once_and_has_two_names_ends() {
    let api = Api::default();
    let server = api.serve();
    let source = "{ case = \"auth/login\", capture = \"session\", expires = \"1ms\" }";
    let project = with_login(&server, source, "kim", 1);
    let config = project.read("conforme.toml") + "same = { case = \"auth/login\", capture = \"session\" }\n";
    project.write("conforme.toml", &config);
    project.write(
        "cases/s/suite.yaml",
        "inputs: { token: { secret: true }, same: { secret: true } }\n",
    );
    let case = "request: { path: /same, headers: { Authorization: 'Bearer {{ same }}' } }\nexpect: { status: 200 }\n";
    project.write("cases/s/same.yaml", case);
    let ran = run(&project, &["run", "--deadline", "20s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(api.lock().logins <= 2);
}

#[test]
fn failed_login_gives_no_verdict_on_the_cases_that_need_it() {
    let api = Api::default();
    let server = api.serve();
    let project = with_login(&server, LOGIN, "nobody", 10);
    project.write(
        "cases/s/free.yaml",
        "request: { path: /free }\nexpect: { status: 401 }\n",
    );
    let ran = run(&project, &["run", "--record", "run.ndjson"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let reason =
        "the token `token` was not obtained: the login case `auth/login` did not pass: status: expected 200, got 403";
    assert!(ran.stdout.contains(reason), "{ran:?}");
    assert!(
        ran.stdout.contains("1 of 12 cases passed, 0 skipped, 11 errored"),
        "{ran:?}"
    );
    assert_eq!(api.lock().logins, 1);
    let ran = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    // On its own, it is a case that fails.
    assert_eq!(run(&project, &["run", "auth/login"]).code, 1);
}

#[test]
fn expired_login_runs_again_as_a_further_attempt() {
    let api = Api::default();
    api.lock().lifetime = Some(Duration::from_secs(3));
    let server = api.serve();
    let source = "{ case = \"auth/login\", capture = \"session\", expires = \"500ms\" }";
    let project = with_login(&server, source, "kim", 20);
    // A login without a logout.
    project.write(
        "cases/auth/login.yaml",
        "request: { method: POST, path: /login, body: { json: {} } }\nexpect: { status: 200 }\ncapture: { session: /session }\n",
    );
    let ran = run(&project, &["run", "--rate-limit", "20/s", "--record", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let logins = api.lock().logins;
    assert!((2..=8).contains(&logins), "{logins}");
    let recording = Ran {
        stdout: project.read("run.ndjson"),
        ..ran
    };
    let repeats = recording.case("auth/login")["repeats"].as_array().map_or(0, Vec::len);
    assert_eq!(repeats, logins as usize - 1);
}

#[test]
fn each_partition_logs_in_and_merge_reports_it_once() {
    let api = Api::default();
    let server = api.serve();
    let project = with_login(&server, LOGIN, "kim", 12);
    project.write(
        "cases/free/c.yaml",
        "request: { path: /free }\nexpect: { status: 401 }\n",
    );
    let mut parts = Vec::new();
    for part in 1..=3 {
        let (partition, record) = (format!("slice:{part}/3"), format!("{part}.ndjson"));
        let ran = run(
            &project,
            &["run", "s", "free", "--partition", &partition, "--record", &record],
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        parts.push(record);
    }
    assert_eq!(api.lock().logins, 3);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let ran = project.run(&[&["merge"][..], &parts, &["--record", "all.ndjson"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("14 of 14 cases passed"), "{ran:?}");
    let merged = project.run(&["report", "all.ndjson"]);
    assert!(merged.stdout.contains("14 of 14 cases passed"), "{merged:?}");
    // A part whose cases need no token does not log in.
    let ran = run(&project, &["run", "free", "--partition", "slice:1/1"]);
    assert!(ran.stdout.contains("1 of 1 cases passed"), "{ran:?}");
    assert_eq!(api.lock().logins, 3);
}

#[test]
fn dry_run_shows_the_place_of_a_token_and_requests_none() {
    let api = Api::default();
    let server = api.serve();
    let project = project(&server, CLIENT, 1, "");
    project.write(
        "cases/s/q.yaml",
        "request: { path: /q, query: { page: 2 }, headers: { Authorization: 'Bearer {{ token }}' } }\nexpect: { status: 200 }\n",
    );
    let ran = run(&project, &["run", "--dry-run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Authorization: Bearer $TOKEN"), "{ran:?}");
    assert!(ran.stdout.contains("/q?page=2\n"), "{ran:?}");
    assert_eq!(server.requests(), 0);
}

#[test]
fn wrong_sources_of_tokens_are_errors_at_their_place() {
    let server = Api::default().serve();
    let oauth2 = |text: &str| format!("{{ oauth2 = {{ {text} }} }}");
    let url = "token_url = \"https://id.example.com/token\"";
    for (source, message) in [
        (oauth2("client_id = \"a\""), "either a `token_url` or an `issuer`"),
        (
            oauth2(&format!("{url}, issuer = \"https://a\", client_id = \"a\"")),
            "either a `token_url` or an `issuer`",
        ),
        (oauth2(url), "has no `client_id`"),
        (
            oauth2("token_url = \"id.example.com\", client_id = \"a\""),
            "not an `http` or `https` URL",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", client_secret = \"x\"")),
            "a secret cannot be written in this file",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", grant = \"password\"")),
            "`password` is not a grant",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", auth = \"body\"")),
            "it is one of `basic`, `post`",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", grant = \"refresh_token\"")),
            "needs a `refresh_token`",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", scopes = \"a b\"")),
            "`a b` is not a scope",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", scope = \"a\"")),
            "did you mean `scopes`?",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", parameters = {{ scope = \"a\" }}")),
            "has a key of its own",
        ),
        (
            oauth2(&format!("{url}, client_id = \"a\", client_cert = \"a.pem\"")),
            "go together",
        ),
        ("{ case = \"auth/login\" }".to_owned(), "needs `capture`"),
        ("{ capture = \"session\" }".to_owned(), "go with `case`"),
        (
            "{ case = \"auth/logim\", capture = \"session\" }".to_owned(),
            "did you mean `auth/login`?",
        ),
        (
            "{ case = \"auth/login\", capture = \"sesion\" }".to_owned(),
            "did you mean `session`?",
        ),
        (
            format!("{{ case = \"auth/login\", capture = \"session\", {} }}", "env = \"A\""),
            "exactly one source",
        ),
    ] {
        let project = with_login(&server, &source, "kim", 1);
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{source}: {ran:?}");
        assert!(
            ran.stderr.contains(message) && ran.stderr.contains("conforme.toml:5"),
            "{source}: {ran:?}"
        );
    }
}

#[test]
fn login_case_that_needs_its_own_token_is_an_error() {
    let server = Api::default().serve();
    let project = with_login(&server, LOGIN, "kim", 1);
    let header = "[targets.api.headers]\nAuthorization = \"Bearer {{ token }}\"\n";
    project.write("conforme.toml", &(project.read("conforme.toml") + header));
    let ran = project.run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr
            .contains("the login case `auth/login` needs its own token `token`"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("`headers: { Authorization: null }`"), "{ran:?}");
    let login = project.read("cases/auth/login.yaml");
    project.write(
        "cases/auth/login.yaml",
        &login.replace("path: /login,", "path: /login, headers: { Authorization: null },"),
    );
    let ran = run(&project, &["run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ready = "[targets.api.ready]\nrequest = { path = \"/ready\" }\nexpect = { status = 200 }\n";
    project.write("conforme.toml", &(project.read("conforme.toml") + ready));
    let ran = project.run(&["validate"]);
    assert!(ran.stderr.contains("`ready` cannot use `token`"), "{ran:?}");
}
