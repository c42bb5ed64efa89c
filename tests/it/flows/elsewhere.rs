//! Steps that are sent to further endpoints and to other origins.

use super::*;

const ELSEWHERE: &str = "
request: { headers: { Authorization: 'Bearer {{ token }}', X-Own: '1' } }
steps:
  - id: api
    request: { method: POST, path: /orders }
    expect: { status: 201 }
    capture: { order: /id }
  - id: other
    endpoint: side
    request: { path: '/seen/{{ order }}' }
    expect: { status: 204 }
teardown:
  - id: cancel
    request: { method: DELETE, path: '/orders/{{ order }}' }
    expect: { status: 204 }
";

#[test]
fn step_of_an_endpoint_gets_no_credentials_of_the_api() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let side = Server::start(move |request| {
        kept.lock().unwrap().push(request.to_lowercase());
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    let (server, shop) = shop();
    let config = |endpoint: &str| {
        format!(
            "[targets.t]\nbase_url = '{}'\nsecrets.token = {{ env = 'FLOWS_TOKEN' }}\n\
             [targets.t.endpoints.{endpoint}]\nbase_url = '{}/base'\nheaders = {{ X-Side = 'yes' }}\n\
             [targets.bare]\nbase_url = '{}'\nsecrets.token = {{ env = 'FLOWS_TOKEN' }}\n",
            server.url(),
            side.url(),
            server.url()
        )
    };
    let suite = "inputs: { token: { secret: true } }\n";
    let project = Project::new(&[
        ("conforme.toml", &config("side")),
        ("cases/s/suite.yaml", suite),
        ("cases/s/c.yaml", ELSEWHERE),
    ]);
    let run = |arguments: &[&str]| {
        let mut command = project.command(&[&["run"], arguments].concat());
        Ran::from(command.env("FLOWS_TOKEN", "the-token-of-the-api").output().unwrap())
    };
    let ran = run(&["--target", "t", "--record", "run.ndjson"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("get /base/seen/41 "), "{seen:?}");
    assert!(
        seen[0].contains("x-side: yes") && !seen[0].contains("cookie"),
        "{seen:?}"
    );
    assert!(
        !seen[0].contains("authorization") && !seen[0].contains("x-own"),
        "{seen:?}"
    );
    assert_eq!(project.run(&["recheck", "run.ndjson"]).code, 0);
    let ran = run(&["--target", "bare"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr
            .contains("does not define the endpoint `side`: 1 case needs it"),
        "{ran:?}"
    );
    assert_eq!(shop.lock().unwrap().created, 1);
    let ran = run(&["--target", "bare", "--skip-missing"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout
            .contains("1 of 1 cases passed, 0 skipped, 1 step of 1 case skipped"),
        "{ran:?}"
    );
    let shop = shop.lock().unwrap();
    assert_eq!((shop.created, shop.orders.len()), (2, 0));
    project.write("conforme.toml", &config("sied"));
    let ran = project.run(&["validate"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.contains("no target has an endpoint `side`"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("no step uses the endpoint `sied`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn other_origin_is_followed_without_credentials_if_allowed() {
    let seen = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&seen);
    let other = Server::start(move |request| {
        *kept.lock().unwrap() = request.to_lowercase();
        (response("HTTP/1.1 204 No Content", ""), Then::Keep)
    });
    let location = format!("{}/there?a=b", other.url());
    let server = Server::start(move |_| {
        let head = format!("HTTP/1.1 302 Found\nLocation: {location}\nSet-Cookie: sid=abcdefgh; Path=/");
        (response(&head, ""), Then::Keep)
    });
    let case = "request: { headers: { Authorization: Basic dXNlcjpwYXNzd29yZA==, X-Plain: kept } }
steps:
  - { id: get, request: { path: /here }, expect: { status: 302 } }
  - { id: next, follow: FOLLOW, expect: { status: 204 } }
";
    let project = Project::new(&[("cases/s/c.yaml", &case.replace("FOLLOW", "get"))]);
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!((ran.code, other.requests()), (1, 0), "{ran:?}");
    assert!(
        ran.stdout.contains("the `Location` leaves the target"),
        "{}",
        ran.stdout
    );
    let allowed = case.replace("FOLLOW", "{ step: get, allow_other_origin: true }");
    project.write("cases/s/c.yaml", &allowed);
    let ran = project.run(&["run", "--target", &server.url()]);
    assert_eq!((ran.code, other.requests()), (0, 1), "{ran:?}");
    let seen = seen.lock().unwrap();
    assert!(
        seen.starts_with("get /there?a=b ") && seen.contains("x-plain: kept"),
        "{seen}"
    );
    assert!(!seen.contains("authorization") && !seen.contains("cookie"), "{seen}");
}
