//! Cases of several steps where versions of an API are compared.

use super::{mail::send_mail, *};
use crate::programs::free_port;

/// An API whose first order has a given number, and which sends a mail about it.
fn orders(first: u32, port: u16, mails: usize) -> Server {
    let next = Mutex::new(first);
    Server::start(move |request| {
        let ok = "HTTP/1.1 200 OK\nContent-Type: application/json";
        let response = if request.starts_with("POST /orders ") {
            let mut next = next.lock().unwrap();
            *next += 1;
            let id = *next - 1;
            let to = request.split_once("\"to\":\"").map_or("", |(_, rest)| rest);
            let to = to.split('"').next().unwrap_or_default();
            for _ in 0..mails {
                let token = u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                let text = format!("Order {id}: open https://shop.example/o/{id}?k={token:032x} now");
                send_mail(port, to, &text);
            }
            let head = format!("HTTP/1.1 201 Created\nLocation: /orders/{id}\nContent-Type: application/json");
            let text = format!("Order {id} was placed (#{id})");
            response(
                &head,
                &json!({ "number": id, "text": text, "links": [format!("/orders/{id}/lines")], "orders": [id, 3] })
                    .to_string(),
            )
        } else {
            let id = request.split(['/', ' ']).nth(3).and_then(|id| id.parse::<u32>().ok());
            response(
                ok,
                &json!({ "id": id, "file": format!("order-{}.pdf", id.unwrap_or_default()) }).to_string(),
            )
        };
        (response, Then::Keep)
    })
}

const STEPS: &str = "  - id: create
    request: { method: POST, path: /orders, body: { json: { to: 'ann-{{ run_id }}@example.test' } } }
    expect: { status: 201 }
    capture: { order_id: /number }
  - id: get
    request: { path: '/orders/{id}', params: { id: '{{ order_id }}' } }
    expect: { status: 200, body: { json: { id: '{{ order_id }}' } } }
";

const MAIL: &str = "  - id: mail
    mail: { endpoint: mailbox, to: 'ann-{{ run_id }}@example.test', since: create }
    expect: {}
";

/// Compares two targets, each with a mailbox at one of `ports`.
fn compared(steps: &str, servers: [&Server; 2], ports: [u16; 2]) -> (Ran, Value, Project) {
    let target = |name: &str, server: &Server, port: u16| {
        let mailbox =
            format!("[targets.{name}.endpoints.mailbox]\nkind = 'smtp'\nbase_url = 'smtp://127.0.0.1:{port}'\n");
        let mailbox = if steps.contains("mail:") {
            mailbox
        } else {
            String::new()
        };
        format!("[targets.{name}]\nbase_url = '{}'\n{mailbox}", server.url())
    };
    let config = target("old", servers[0], ports[0]) + &target("new", servers[1], ports[1]);
    let case = format!("steps:\n{steps}");
    let project = Project::new(&[("conforme.toml", &config), ("cases/s/c.yaml", &case)]);
    let ran = project.run(&[
        "compare",
        "--baseline",
        "old",
        "--candidate",
        "new",
        "--report",
        "json=c.json",
    ]);
    let report = if project.has("c.json") {
        serde_json::from_str(&project.read("c.json")).unwrap()
    } else {
        Value::Null
    };
    (ran, report, project)
}

#[test]
fn versions_with_different_ids_and_mailboxes_are_the_same() {
    let both = format!("{STEPS}{MAIL}");
    for first in [18, 23_456] {
        let ports = [free_port(), free_port()];
        let (old, new) = (orders(17, ports[0], 1), orders(first, ports[1], 1));
        let (ran, report, project) = compared(&both, [&old, &new], ports);
        assert_eq!((ran.code, &report["summary"]["same"]), (0, &json!(3)), "{ran:?}");
        assert_eq!(report["changes"], json!([]), "{ran:?}");
        let ran = project.run(&["run", "--target", "old", "--target", "new"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

#[test]
fn targets_can_share_one_mail_server() {
    let port = free_port();
    let (old, new) = (orders(17, port, 1), orders(18, port, 1));
    let (ran, ..) = compared(&format!("{STEPS}{MAIL}"), [&old, &new], [port, port]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn missing_mail_of_one_version_is_a_difference() {
    let ports = [free_port(), free_port()];
    let (old, new) = (orders(17, ports[0], 1), orders(18, ports[1], 0));
    let (ran, report, _) = compared(&format!("{STEPS}{MAIL}"), [&old, &new], ports);
    let changes = report["changes"].as_array().unwrap();
    let pointers: Vec<_> = changes.iter().map(|change| &change["pointer"]).collect();
    assert!(pointers.contains(&&json!("/count")), "{ran:?}");
    assert!(
        changes.iter().all(|change| change["endpoint"] == "MAIL mailbox"),
        "{ran:?}"
    );
}

#[test]
fn capture_that_fails_on_one_side_is_a_difference() {
    let ports = [free_port(), free_port()];
    let old = orders(17, ports[0], 0);
    let new = Server::start(|request| {
        let head = "HTTP/1.1 201 Created\nLocation: /orders/17\nContent-Type: application/json";
        let body = json!({ "text": "Order 17 was placed (#17)", "links": ["/orders/17/lines"], "orders": [17, 3], "number": null });
        let body = if request.starts_with("POST") { body } else { json!({}) };
        (response(head, &body.to_string()), Then::Keep)
    });
    let steps = STEPS.replace("/number }", "\"$.number[?@ > 0]\" }");
    let (ran, report, _) = compared(&steps.replace("\"$.number[?@ > 0]\"", "/number"), [&old, &new], ports);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(report["changes"].to_string().contains("/number"), "{ran:?}");
}

#[test]
fn short_id_hides_no_other_difference() {
    let server = |id: u32, total: u32| {
        Server::start(move |_| {
            let head = format!("HTTP/1.1 201 Created\nLocation: /orders/{id}\nContent-Type: application/json");
            (
                response(&head, &json!({ "id": id, "total": total }).to_string()),
                Then::Keep,
            )
        })
    };
    let steps = "  - { id: create, request: { method: POST, path: /orders }, expect: { status: 201 }, capture: { order_id: /id } }\n";
    let ports = [free_port(), free_port()];
    for (total, changes) in [(17, 0), (18, 1)] {
        let (old, new) = (server(17, 17), server(18, total));
        let (ran, report, _) = compared(steps, [&old, &new], ports);
        assert_eq!(report["changes"].as_array().unwrap().len(), changes, "{ran:?}");
    }
}

#[test]
fn snapshots_of_servers_with_different_ids_agree() {
    let port = free_port();
    let case = format!("steps:\n{STEPS}").replace("expect: { status: 201 }", "expect: { status: 201, snapshot: true }");
    let case = case.replace("'{{ order_id }}' } } }\n", "'{{ order_id }}' } }, snapshot: true }\n");
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    for (number, first) in [17, 18, 3, 23_456].into_iter().enumerate() {
        let server = orders(first, port, 0);
        let mode = if number == 0 { "accept" } else { "check" };
        let ran = project.run(&["run", "--target", &server.url(), "--snapshots", mode]);
        // 3 is also a constant in the list.
        assert_eq!(ran.code, 0, "{first}: {ran:?}");
    }
    let snapshot = project.read("snapshots/s/c+create.snap");
    for restored in [
        "Order {{ order_id }} was placed (#{{ order_id }})",
        "/orders/{{ order_id }}/lines",
        "[\n    {{ order_id }},\n    3",
    ] {
        assert!(snapshot.contains(restored), "{restored}: {snapshot}");
    }
    // The id of another order.
    let swapped = Server::start(|request| {
        let head = "HTTP/1.1 201 Created\nLocation: /orders/18\nContent-Type: application/json";
        let order = json!({ "number": 18, "text": "Order 17 was placed (#18)", "links": ["/orders/18/lines"], "orders": [18, 3] });
        let found = json!({ "id": 18, "file": "order-18.pdf" });
        let body = if request.starts_with("POST") { order } else { found };
        (response(head, &body.to_string()), Then::Keep)
    });
    let ran = project.run(&["run", "--target", &swapped.url()]);
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn short_id_is_recognized_after_the_resource_of_its_request() {
    let server = |id: u32, of: u32| {
        Server::start(move |_| {
            let head = format!("HTTP/1.1 201 Created\nLocation: /orders/{id}\nContent-Type: application/json");
            let order =
                json!({ "id": id, "note": format!("Order {id}, part {of}"), "order": id.to_string(), "part": of });
            (response(&head, &order.to_string()), Then::Keep)
        })
    };
    // The capture is not named after the order.
    let steps = "steps:\n  - { id: create, request: { method: POST, path: /orders }, expect: { status: 201, snapshot: true }, capture: { first: /id } }\n";
    let project = Project::new(&[("cases/s/c.yaml", steps)]);
    for (id, of, code) in [(3, 3, 0), (4, 3, 0), (4, 4, 1)] {
        let server = server(id, of);
        let url = server.url();
        let mode = if (id, of) == (3, 3) { "accept" } else { "check" };
        let ran = project.run(&["run", "--target", &url, "--snapshots", mode]);
        assert_eq!(ran.code, code, "{id} {of}: {ran:?}");
    }
    let text = project.read("snapshots/s/c+create.snap");
    assert!(text.contains("\"Order {{ first }}, part 3\""), "{text}");
    let ports = [free_port(), free_port()];
    let steps = steps.replace(", snapshot: true", "").replace("steps:\n", "");
    for (of, changes) in [(3, 0), (4, 2)] {
        let (ran, report, _) = compared(&steps, [&server(3, 3), &server(4, of)], ports);
        assert_eq!(report["changes"].as_array().unwrap().len(), changes, "{ran:?}");
    }
}

#[test]
fn snapshot_of_a_waiting_step_is_pending_unless_the_case_fails() {
    let server = || {
        let states = Mutex::new(["new", "paid"].into_iter());
        Server::start(move |_| {
            let state = states.lock().unwrap().next().unwrap_or("shipped");
            let body = json!({ "state": state }).to_string();
            (
                response("HTTP/1.1 200 OK\nContent-Type: application/json", &body),
                Then::Keep,
            )
        })
    };
    let steps = "steps:
  - id: shipped
    request: { path: /order }
    eventually: { within: 200ms, every: 5ms }
    expect: { status: 200, body: { json: { state: shipped } }, snapshot: true }
  - { id: after, request: { path: /order }, expect: { status: 200 } }
";
    let failing = steps.replace("status: 200 } }", "status: 201 } }");
    for (case, mode, code, written) in [
        (steps, "pending", 1, ".snap.new"),
        (steps, "accept", 0, ".snap"),
        (&failing, "accept", 1, ""),
    ] {
        let project = Project::new(&[("cases/s/c.yaml", case)]);
        let server = server();
        let ran = project.run(&["run", "--target", &server.url(), "--snapshots", mode]);
        assert_eq!(ran.code, code, "{ran:?}");
        for ending in [".snap", ".snap.new"] {
            let path = format!("snapshots/s/c+shipped{ending}");
            assert_eq!(project.has(&path), ending == written, "{path}: {ran:?}");
        }
    }
}

/// An API that returns what it was sent, and later the last order.
fn echo() -> Server {
    let order = Mutex::new(String::new());
    Server::start(move |request| {
        let mut order = order.lock().unwrap();
        let sent = request.rsplit("\r\n\r\n").next().unwrap_or_default();
        if request.starts_with("POST /orders ") {
            sent.clone_into(&mut order);
        }
        let body = if request.starts_with("POST") { sent } else { &order };
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", body),
            Then::Keep,
        )
    })
}

#[test]
fn snapshot_contains_the_ids_of_run_and_case_by_name() {
    let body = "body: { json: { run: 'r-{{ run_id }}', who: '{{ case_id }}@example.test' } }";
    let post = |path: &str| format!("request: {{ method: POST, path: {path}, {body} }}\n");
    let create = post("/orders");
    let steps = format!(
        "steps:\n  - id: create\n    {create}    expect: {{ status: 200 }}\n  - id: get\n    request: {{ path: /orders }}\n    \
         expect: {{ status: 200, snapshot: true }}\n"
    );
    let single = format!("{}expect: {{ status: 200, snapshot: true }}\n", post("/echo"));
    let project = Project::new(&[("cases/s/steps.yaml", &steps), ("cases/t/single.yaml", &single)]);
    for mode in ["accept", "check"] {
        let server = echo();
        let url = server.url();
        let ran = project.run(&["run", "--target", &url, "--snapshots", mode, "--record", "r.ndjson"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = project.run(&["recheck", "r.ndjson"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    for snapshot in ["snapshots/s/steps+get.snap", "snapshots/t/single.snap"] {
        let text = project.read(snapshot);
        assert!(text.contains("\"run\": \"r-{{ run_id }}\""), "{text}");
        assert!(text.contains("\"who\": \"{{ case_id }}@example.test\""), "{text}");
    }
}

#[test]
fn recorded_mails_with_different_ids_compare_as_equal() {
    let case = format!("steps:\n{STEPS}{MAIL}");
    let project = Project::new(&[("cases/s/c.yaml", &case)]);
    for (name, first) in [("a.ndjson", 17), ("b.ndjson", 35)] {
        let port = free_port();
        let server = orders(first, port, 1);
        let mailbox = format!("kind = 'smtp'\nbase_url = 'smtp://127.0.0.1:{port}'\n");
        let config = format!(
            "[targets.t]\nbase_url = '{}'\n[targets.t.endpoints.mailbox]\n{mailbox}",
            server.url()
        );
        project.write("conforme.toml", &config);
        let ran = project.run(&["run", "--target", "t", "--record", name]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = project.run(&["compare", "--baseline", "a.ndjson", "--candidate", "b.ndjson"]);
    assert!(ran.stdout.contains("3 cases compared, 3 the same"), "{ran:?}");
}

/// An API that numbers its orders from a given number and lists them, with the state of each.
fn lists(first: u32, states: [&'static str; 3]) -> Server {
    let created = Mutex::new(0);
    Server::start(move |request| {
        let mut created = created.lock().unwrap();
        let head = "Content-Type: application/json";
        let response = if request.starts_with("POST ") {
            *created += 1;
            response(
                &format!("HTTP/1.1 201 Created\n{head}"),
                &json!({ "id": first + *created - 1 }).to_string(),
            )
        } else {
            let items = (first..first + 3)
                .zip(states)
                .map(|(id, state)| json!({ "id": id, "state": state }));
            let (items, ids): (Vec<_>, Vec<_>) = (items.collect(), (first..first + 3).collect());
            response(
                &format!("HTTP/1.1 200 OK\n{head}"),
                &json!({ "items": items, "order_ids": ids }).to_string(),
            )
        };
        (response, Then::Keep)
    })
}

#[test]
fn lists_of_overlapping_ids_are_matched_by_captures() {
    let create = |name: &str| {
        format!(
            "  - {{ id: {name}, request: {{ method: POST, path: /orders }}, expect: {{ status: 201 }}, capture: {{ {name}_id: /id }} }}\n"
        )
    };
    let steps = format!(
        "{}{}{}  - {{ id: list, request: {{ path: /orders }}, expect: {{ status: 200 }} }}\n",
        create("a_order"),
        create("b_order"),
        create("c_order")
    );
    let states = ["new", "paid", "shipped"];
    let (ran, report, _) = compared(&steps, [&lists(3, states), &lists(4, states)], [0, 0]);
    assert_eq!(
        (ran.code, report["changes"].to_string()),
        (0, "[]".to_owned()),
        "{ran:?}"
    );
    // The state of the second order differs, whatever its number is.
    let (ran, report, _) = compared(
        &steps,
        [&lists(3, states), &lists(4, ["new", "new", "shipped"])],
        [0, 0],
    );
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(
        (changes.len(), changes[0]["pointer"].as_str()),
        (1, Some("/items/*/state")),
        "{ran:?}"
    );
}
