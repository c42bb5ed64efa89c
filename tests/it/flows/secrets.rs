//! Captured secrets that a recording does not contain.

use super::*;

/// A shop with sessions: only their cookie or their token permits anything.
#[derive(Default)]
struct Sessions {
    logins: u32,
    orders: Vec<u32>,
    log: Vec<String>,
}

impl Sessions {
    fn respond(&mut self, request: &str) -> Vec<u8> {
        let line = request.lines().next().unwrap_or_default();
        let (method, rest) = line.split_once(' ').unwrap_or_default();
        let path = rest.split(' ').next().unwrap_or_default();
        self.log.push(format!("{method} {path}"));
        let session = format!("t0ken-of-login-{}", self.logins);
        let fields = request.lines().filter_map(|line| line.split_once(": "));
        let is_known = self.logins > 0
            && fields.into_iter().any(|(name, value)| {
                (name.eq_ignore_ascii_case("x-token") && value == session)
                    || (name == "cookie" && value == format!("sid={session}"))
            });
        let id = path.rsplit('/').next().and_then(|id| id.parse::<u32>().ok());
        match (method, path) {
            ("POST", "/login") => {
                self.logins += 1;
                let session = format!("t0ken-of-login-{}", self.logins);
                let head = "HTTP/1.1 200 OK\nContent-Type: application/json\nSet-Cookie: ";
                let head = format!("{head}sid={session}; Path=/; HttpOnly");
                response(
                    &head,
                    &json!({ "token": session, "pin": 73_194_480 + self.logins }).to_string(),
                )
            }
            ("GET", "/open") => response("HTTP/1.1 404 Not Found", ""),
            _ if !is_known => response("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Custom", ""),
            ("POST", "/orders") => {
                let id = 3 + u32::try_from(self.orders.len()).unwrap();
                self.orders.push(id);
                let head = "HTTP/1.1 201 Created\nContent-Type: application/json";
                response(head, &json!({ "id": id }).to_string())
            }
            ("DELETE", _) => {
                self.orders.retain(|one| Some(*one) != id);
                response("HTTP/1.1 204 No Content", "")
            }
            _ => response("HTTP/1.1 404 Not Found", ""),
        }
    }
}

const LOGIN: &str = "
setup:
  - id: login
    request: { method: POST, path: /login }
    expect: { status: 200 }
    capture: { token: { json: /token, secret: true } }
";

/// A run that is killed while it waits, with one order left over.
#[cfg(unix)]
fn killed(headers: &str, options: &str) -> (Project, Server, Arc<Mutex<Sessions>>) {
    let case = format!(
        "{options}{LOGIN}steps:
  - id: create
    request: {{ method: POST, path: /orders{headers} }}
    expect: {{ status: 201 }}
    capture: {{ order: /id }}
  - id: wait
    request: {{ path: /open }}
    eventually: {{ within: 60s, every: 5ms }}
    expect: {{ status: 200 }}
teardown:
  - id: cancel
    request: {{ method: DELETE, path: '/orders/{{{{ order }}}}'{headers} }}
    expect: {{ status: [204, 401] }}
"
    );
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    let shop = Arc::new(Mutex::new(Sessions::default()));
    let kept = Arc::clone(&shop);
    let server = Server::start(move |request| (kept.lock().unwrap().respond(request), Then::Keep));
    let mut command = project.command(&["run", "--target", &server.url(), "--record", "run.ndjson"]);
    let mut child = command.spawn().unwrap();
    while shop.lock().unwrap().log.len() < 4 {
        assert_eq!(child.try_wait().unwrap(), None, "the run ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(shop.lock().unwrap().orders, [3]);
    assert!(!project.read("run.ndjson").contains("t0ken"));
    shop.lock().unwrap().log.clear();
    (project, server, shop)
}

#[test]
#[cfg(unix)]
fn teardown_of_a_killed_run_repeats_a_login_only_if_asked() {
    for (headers, options) in [(", headers: { X-Token: '{{ token }}' }", "cookies: false"), ("", "")] {
        let (project, _server, shop) = killed(headers, options);
        let ran = project.run(&["teardown", "run.ndjson"]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stdout.contains("--repeat-step login"), "{ran:?}");
        // Nothing that the user did not ask for was sent.
        assert!(!shop.lock().unwrap().log.iter().any(|line| line.starts_with("POST")));
        let unknown = project.run(&["teardown", "run.ndjson", "--repeat-step", "logon"]);
        assert_eq!(unknown.code, 2, "{unknown:?}");
        assert!(unknown.stderr.contains("`create`, `login`, `wait`"), "{unknown:?}");
        shop.lock().unwrap().log.clear();
        let ran = project.run(&["teardown", "run.ndjson", "--repeat-step", "login"]);
        let shop = shop.lock().unwrap();
        assert_eq!(
            (ran.code, shop.log.join(" ")),
            (0, "POST /login DELETE /orders/3".to_owned()),
            "{ran:?}"
        );
        assert!(shop.orders.is_empty());
        assert!(!ran.stdout.contains("t0ken"), "{ran:?}");
    }
}

#[test]
fn masked_numbers_in_recorded_bodies_are_still_json() {
    let case = format!(
        "{}steps:
  - id: again
    request: {{ path: /orders/1, headers: {{ X-Pin: '{{{{ pin }}}}' }}, query: {{ pin: '{{{{ pin }}}}' }} }}
    expect: {{ status: 404 }}
",
        LOGIN
            .replace("capture: {", "capture: { pin: { json: /pin, secret: true },")
            .replace(
                "expect: { status: 200 }",
                "expect: { status: 200, body: { json: { token: $any, pin: 73194481 } } }"
            )
    );
    let case = case
        .replace("$any", "{ $type: string }")
        .replace("73194481", "{ $type: integer }");
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    for recording in ["one.ndjson", "other.ndjson"] {
        let shop = Mutex::new(Sessions::default());
        // The second run has another number.
        shop.lock().unwrap().logins = u32::from(recording == "other.ndjson");
        let server = Server::start(move |request| (shop.lock().unwrap().respond(request), Then::Keep));
        let ran = project.run(&["run", "--target", &server.url(), "--record", recording]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let recorded = project.read(recording);
        assert!(!recorded.contains("7319448"), "{recorded}");
        let events = recorded
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let finished = events
            .into_iter()
            .find(|event| event["event"] == "case-finished")
            .unwrap();
        let body = &step(&finished, "login")["exchange"]["outcome"]["response"]["body"]["text"];
        let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        assert_eq!(body, json!({ "token": "$TOKEN", "pin": "$PIN" }));
        let again = project.run(&["recheck", recording]);
        assert!(matches!(again.code, 0 | 3), "{again:?}");
    }
    let compared = project.run(&["compare", "--baseline", "one.ndjson", "--candidate", "other.ndjson"]);
    assert_eq!(compared.code, 0, "{compared:?}");
}
