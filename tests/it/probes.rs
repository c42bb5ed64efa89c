//! Near misses of cases: a strict server rejects all of them, and a server that accepts one of them fails that row only.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Project, Ran, Server, Then, response};

const API: &str = include_str!("openapi/probes.yaml");

/// The case, and the row of the near miss that a server with this fault accepts.
const FAULTS: [(&str, &str); 43] = [
    ("list", "limit~missing"),
    ("list", "limit~wrong-type"),
    ("list", "limit~fraction"),
    ("list", "limit~below-minimum"),
    ("list", "limit~above-maximum"),
    ("list", "sort~enum"),
    ("list", "day~format"),
    ("list", "open~wrong-type"),
    ("list", "ids~too-many-items"),
    ("list", "ids~duplicate-items"),
    ("list", "ids.0~wrong-type"),
    ("list", "ids.0~fraction"),
    ("list", "header.X-Tenant~missing"),
    ("list", "header.X-Tenant~pattern"),
    ("list", "method~put"),
    ("list", "method~patch"),
    ("list", "method~delete"),
    ("create", "body~missing"),
    ("create", "body~media-type"),
    ("create", "body~malformed"),
    ("create", "body~duplicate-key"),
    ("create", "body~wrong-type"),
    ("create", "body~additional-property"),
    ("create", "body.address.city~too-short"),
    ("create", "body.address.city~wrong-type"),
    ("create", "body.email~format"),
    ("create", "body.email~wrong-type"),
    ("create", "body.note~too-long"),
    ("create", "body.quantity~missing"),
    ("create", "body.quantity~null"),
    ("create", "body.quantity~wrong-type"),
    ("create", "body.quantity~fraction"),
    ("create", "body.quantity~below-minimum"),
    ("create", "body.quantity~above-maximum"),
    ("create", "body.sku~missing"),
    ("create", "body.sku~pattern"),
    ("create", "body.sku~too-long"),
    ("create", "body.tags~too-few-items"),
    ("create", "body.tags~too-many-items"),
    ("create", "body.tags~duplicate-items"),
    ("create", "body.weight~not-a-multiple"),
    ("show", "path.id~wrong-type"),
    ("show", "path.id~below-minimum"),
];

const CASES: [(&str, &str); 3] = [
    (
        "list",
        "request: { path: /orders/, query: { limit: 5, open: 'true', ids: '1,2', other: x }, headers: { X-Tenant: acme, X-Other: y } }\n\
         expect: { status: 200 }\nprobe: {}\n",
    ),
    (
        "create",
        "request:\n  method: POST\n  path: /orders\n  headers: { content-type: application/json; charset=utf-8 }\n  body:\n    json:\n      \
         { sku: AB, quantity: 1, email: a@b.example, tags: [x], weight: 0.5, address: { city: Ulm } }\n\
         expect: { status: 201 }\nprobe: {}\n",
    ),
    (
        "show",
        "request: { path: /orders/7 }\nexpect: { status: 200 }\nprobe: {}\n",
    ),
];

/// The rows that a number violates.
fn number(name: &str, number: Option<f64>, (low, high): (f64, f64), wrong: &mut Vec<String>) {
    let kind = match number {
        None => "wrong-type",
        Some(number) if number.fract() != 0.0 => "fraction",
        Some(number) if number < low => "below-minimum",
        Some(number) if number > high => "above-maximum",
        Some(_) => return,
    };
    wrong.push(format!("{name}~{kind}"));
}

/// Reads numbers and booleans as many servers do: `1e0`, `TRUE`. Further parameters and header fields are ignored.
fn wrong_in_list(query: &str, headers: &BTreeMap<String, String>) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name).or_default().push(value);
    }
    let mut wrong = Vec::new();
    match all.get("limit") {
        None => wrong.push("limit~missing".to_owned()),
        Some(texts) => number("limit", texts[0].parse().ok(), (1.0, 50.0), &mut wrong),
    }
    let mut verify = |name: &str, kind: &str, is_right: fn(&str) -> bool| {
        if all.get(name).is_some_and(|texts| !is_right(texts[0])) {
            wrong.push(format!("{name}~{kind}"));
        }
    };
    verify("sort", "enum", |text| {
        ["asc", "desc"].contains(&text.to_lowercase().as_str())
    });
    verify("day", "format", |text| text.len() == 10 && text.starts_with("20"));
    verify("open", "wrong-type", |text| {
        ["true", "false", "1", "0"].contains(&text.to_lowercase().as_str())
    });
    let joined = all
        .get("ids")
        .map(|texts| texts.join(",").replace("%2C", ","))
        .unwrap_or_default();
    let ids: Vec<&str> = joined.split(',').filter(|id| !id.is_empty()).collect();
    for id in &ids {
        number("ids.0", id.parse().ok(), (0.0, 1e9), &mut wrong);
    }
    if ids.len() > 3 {
        wrong.push("ids~too-many-items".to_owned());
    }
    if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
        wrong.push("ids~duplicate-items".to_owned());
    }
    match headers.get("x-tenant") {
        None => wrong.push("header.X-Tenant~missing".to_owned()),
        Some(text) if text.len() < 5 && text.bytes().all(|byte| byte.is_ascii_lowercase()) => {}
        Some(_) => wrong.push("header.X-Tenant~pattern".to_owned()),
    }
    wrong
}

fn wrong_in_body(body: &str, headers: &BTreeMap<String, String>) -> Vec<String> {
    let rows = |rows: &[&str]| rows.iter().map(|row| format!("body~{row}")).collect::<Vec<_>>();
    if body.is_empty() {
        return rows(&["missing"]);
    }
    if !headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"))
    {
        return rows(&["media-type"]);
    }
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return rows(&["malformed"]);
    };
    let Some(entries) = value.as_object() else {
        return rows(&["wrong-type"]);
    };
    let mut wrong = Vec::new();
    let known = ["sku", "quantity", "email", "tags", "weight", "address", "note"];
    if entries
        .keys()
        .any(|key| body.matches(&format!("\"{key}\":")).count() > 1)
    {
        wrong.extend(rows(&["duplicate-key"]));
    }
    if entries.keys().any(|key| !known.contains(&key.as_str())) {
        wrong.extend(rows(&["additional-property"]));
    }
    let mut add = |row: &str| wrong.push(format!("body.{row}"));
    text(
        &value["sku"],
        "sku",
        |sku| sku.bytes().all(|byte| byte.is_ascii_uppercase()),
        "pattern",
        &mut add,
    );
    text(&value["sku"], "sku", |sku| sku.len() <= 4, "too-long", &mut add);
    text(
        &value["email"],
        "email",
        |email| email.contains('@'),
        "format",
        &mut add,
    );
    text(&value["note"], "note", |note| note.len() <= 5, "too-long", &mut add);
    text(
        &value["address"]["city"],
        "address.city",
        |city| city.len() >= 2,
        "too-short",
        &mut add,
    );
    match entries.get("address") {
        Some(Value::Object(address)) if address.get("city").is_none_or(Value::is_null) => add("address.city~missing"),
        Some(Value::Object(_)) | None => {}
        Some(_) => add("address~wrong-type"),
    }
    for name in ["sku", "quantity"] {
        match entries.get(name) {
            None => add(&format!("{name}~missing")),
            Some(Value::Null) => add(&format!("{name}~null")),
            Some(_) => {}
        }
    }
    if let Some(weight) = entries.get("weight") {
        match weight.as_f64() {
            None => add("weight~wrong-type"),
            Some(weight) if (weight * 2.0).fract() != 0.0 => add("weight~not-a-multiple"),
            Some(_) => {}
        }
    }
    tags(entries.get("tags"), &mut add);
    if let Some(quantity) = entries.get("quantity").filter(|quantity| !quantity.is_null()) {
        number("body.quantity", quantity.as_f64(), (1.0, 10.0), &mut wrong);
    }
    wrong
}

fn text(value: &Value, name: &str, is_right: impl Fn(&str) -> bool, kind: &str, add: &mut impl FnMut(&str)) {
    match value {
        Value::Null => {}
        Value::String(text) if is_right(text) => {}
        Value::String(_) => add(&format!("{name}~{kind}")),
        _ => add(&format!("{name}~wrong-type")),
    }
}

fn tags(value: Option<&Value>, add: &mut impl FnMut(&str)) {
    let Some(value) = value else { return };
    let Some(tags) = value.as_array() else {
        return add("tags~wrong-type");
    };
    match tags.len() {
        0 => add("tags~too-few-items"),
        4.. => add("tags~too-many-items"),
        // Four equal tags are too many; two are one of them twice.
        2 if tags[0] == tags[1] => add("tags~duplicate-items"),
        _ => {}
    }
    if tags.iter().any(|tag| !tag.is_string()) {
        add("tags.0~wrong-type");
    }
}

/// A strict server that does not check what the header field `X-Fault` names.
fn strict(request: &str) -> (Vec<u8>, Then) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let mut line = lines.next().unwrap().split(' ');
    let (method, url) = (line.next().unwrap(), line.next().unwrap());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = path.trim_end_matches('/');
    let wrong = match (method, path.strip_prefix("/orders")) {
        ("GET", Some("")) => wrong_in_list(query, &headers),
        ("POST", Some("")) => wrong_in_body(body, &headers),
        ("GET", Some(id)) => {
            let mut wrong = Vec::new();
            number("path.id", id[1..].parse().ok(), (1.0, 1e9), &mut wrong);
            wrong
        }
        _ => vec![format!("method~{}", method.to_lowercase())],
    };
    let fault = headers.get("x-fault").map(String::as_str).unwrap_or_default();
    let status = match wrong.iter().find(|row| *row != fault) {
        Some(row) if row.starts_with("method") => "405 No\nAllow: GET, POST",
        Some(row) if row.ends_with("media-type") => "415 No",
        Some(_) => "400 No",
        None if method == "POST" => "201 Created\nLocation: /orders/7",
        None => "200 OK",
    };
    (
        response(&format!("HTTP/1.1 {status}\nContent-Type: application/json"), "{}"),
        Then::Keep,
    )
}

/// The ids of the cases with a verdict.
fn with_verdict(ran: &Ran, verdict: &str) -> BTreeSet<String> {
    let events = ran.events().into_iter();
    let events = events.filter(|event| event["event"] == "case-finished" && event["verdict"] == verdict);
    events.map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn accepted_near_miss_fails_its_row_and_no_other() {
    let server = Server::start(strict);
    let project = Project::new(&[("schemas/api.yaml", API)]);
    let suite = |name: &str, fault: &str| {
        let fault = if fault.is_empty() { "none" } else { fault };
        let text = format!("openapi: api.yaml\nrequest: {{ headers: {{ X-Fault: \"{fault}\" }} }}\n");
        project.write(&format!("cases/{name}/suite.yaml"), &text);
    };
    suite("strict", "");
    for (name, text) in CASES {
        project.write(&format!("cases/strict/{name}.yaml"), text);
    }
    let mut expected = BTreeSet::new();
    for (index, (case, row)) in FAULTS.into_iter().enumerate() {
        suite(&format!("f{index}"), row);
        let (_, text) = CASES.into_iter().find(|(name, _)| *name == case).unwrap();
        project.write(&format!("cases/f{index}/{case}.yaml"), text);
        expected.insert(format!("f{index}/{case}[{row}]"));
    }
    let ran = project.run(&["run", "--target", &server.url(), "--report", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let failed = with_verdict(&ran, "failed");
    assert_eq!(failed, expected);
    for verdict in ["errored", "skipped", "flaky"] {
        assert!(with_verdict(&ran, verdict).is_empty(), "{verdict}: {}", ran.stdout);
    }
    let accepted = ran.case("f17/create[body~missing]");
    let finding = &accepted["steps"][0]["findings"][0];
    assert_eq!(finding["check"], "probe/accepted");
    assert!(
        finding["message"]
            .as_str()
            .unwrap()
            .ends_with("`POST` may have changed data"),
        "{finding}"
    );
}

#[test]
fn near_misses_are_rows_for_every_command() {
    let server = Server::start(strict);
    let (_, list) = CASES[0];
    let project = Project::new(&[
        ("schemas/api.yaml", API),
        (
            "cases/s/suite.yaml",
            "openapi: api.yaml\nrequest: { headers: { X-Fault: limit~fraction } }\n",
        ),
        ("cases/s/list.yaml", list),
        (
            "conforme.toml",
            "[targets.remote]\nbase_url = \"https://api.example.test\"\n",
        ),
    ]);
    let target = server.url();
    let listed = project.run(&["list", "--target", "remote"]);
    let refused = "s/list[method~delete]  skipped: the target does not allow the effect `undeclared-method` (--allow)";
    assert!(listed.stdout.contains(refused), "{}", listed.stdout);
    assert!(
        listed.stdout.contains("  s/list[limit~below-minimum]\n"),
        "{}",
        listed.stdout
    );
    let dry = ["run", "--target", &target, "--dry-run", "s/list[limit~below-minimum]"];
    assert!(project.run(&dry).stdout.contains("/orders/?limit=0&open="), "{dry:?}");
    let first = project.run(&["run", "--target", &target, "--record", "run.ndjson"]);
    assert_eq!(first.code, 1, "{first:?}");
    assert!(first.stdout.contains("curl -sS -i '"), "{}", first.stdout);
    let again = project.run(&[
        "run",
        "--target",
        &target,
        "--failed-from",
        "run.ndjson",
        "--report",
        "json",
    ]);
    assert_eq!(with_verdict(&again, "failed").len(), 1, "{}", again.stderr);
    assert!(with_verdict(&again, "passed").is_empty(), "{}", again.stdout);
    let rechecked = project.run(&["recheck", "run.ndjson"]);
    assert_eq!(rechecked.code, 1, "{rechecked:?}");
    let measured = project.run(&["mutate", "run.ndjson"]);
    assert!(
        measured.stdout.contains("s/list[limit~fraction]: it is failed"),
        "{}",
        measured.stdout
    );
    let same = project.run(&["compare", "--baseline", "run.ndjson", "--candidate", "run.ndjson"]);
    assert_eq!(same.code, 0, "{same:?}");
    project.write(
        "cases/s/list.yaml",
        &list.replace("probe: {}", "probe: { max: 8, except: \"limit~fraction\" }"),
    );
    let limited = project.run(&["run", "--target", &target]);
    assert_eq!(limited.code, 0, "{limited:?}");
    assert!(
        limited.stderr.contains("leaves out 8 of 16 near misses"),
        "{}",
        limited.stderr
    );
    let rows = project.run(&["list", "--target", &target]).stdout;
    for part in [
        "limit~",
        "sort~",
        "day~",
        "open~",
        "ids~",
        "ids.0~",
        "header.X-Tenant~",
        "method~",
    ] {
        assert_eq!(rows.matches(&format!("[{part}")).count(), 1, "{part}: {rows}");
    }
}

#[test]
fn near_misses_of_a_step_use_its_setup_and_teardown() {
    let removed = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&removed);
    let server = Server::start(move |request| {
        let head = if request.starts_with("DELETE /orders/7 ") {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            "HTTP/1.1 204 No Content"
        } else if request.starts_with("POST /login ") {
            "HTTP/1.1 200 OK\nContent-Type: application/json"
        } else if request.contains("\"token\":\"k3y-of-the-session\"") && request.contains("/orders ") {
            "HTTP/1.1 201 Created\nContent-Type: application/json"
        } else {
            "HTTP/1.1 400 No\nContent-Type: application/json"
        };
        let body = if head.contains("204") {
            ""
        } else {
            r#"{"id":7,"token":"k3y-of-the-session"}"#
        };
        (response(head, body), Then::Keep)
    });
    let case = "setup:\n  - { id: login, request: { method: POST, path: /login }, expect: { status: 200 }, capture: { key: { json: /token, secret: true } } }\n\
        steps:\n  - { id: make, request: { method: POST, path: /orders, body: { json: { token: \"{{ key }}\", count: 1 } } }, expect: { status: 201 }, capture: { order: /id } }\n  \
        - { id: more, request: { path: /orders/7 }, expect: { status: 400 }, capture: { other: /id } }\n\
        teardown:\n  - { id: remove, request: { method: DELETE, path: \"/orders/{{ order }}\" }, expect: { status: 204 } }\n  \
        - { id: rest, request: { method: DELETE, path: \"/orders/{{ other }}\" }, expect: { status: 204 } }\n\
        effects: [orders]\nprobe: { step: make, methods: false }\n";
    let api = "openapi: 3.1.0\npaths:\n  /orders:\n    post:\n      requestBody: { content: { application/json: { schema: { type: object, required: [token], properties: \
        { token: { type: string, minLength: 10 }, count: { type: integer } } } } } }\n      responses: { '201': {}, '400': {} }\n";
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "openapi: api.yaml\nexpect: { rules: { openapi/request: off, openapi/status: off } }\n",
        ),
        ("cases/s/c.yaml", case),
        ("schemas/api.yaml", api),
    ]);
    let ran = project.run(&[
        "run",
        "--target",
        &server.url(),
        "--report",
        "json",
        "--record",
        "run.ndjson",
    ]);
    let failed = ["count~wrong-type", "count~fraction"].map(|row| format!("s/c[body.{row}]"));
    // The media type and the repeated name are accepted, too.
    let also = ["~media-type", "~malformed", "~duplicate-key"].map(|row| format!("s/c[body{row}]"));
    assert_eq!(
        with_verdict(&ran, "failed"),
        failed.into_iter().chain(also).collect(),
        "{}",
        ran.stderr
    );
    let passed = [
        "~wrong-type",
        ".token~missing",
        ".token~null",
        ".token~wrong-type",
        ".token~too-short",
    ];
    let passed = passed.map(|row| format!("s/c[body{row}]"));
    assert_eq!(
        with_verdict(&ran, "passed"),
        passed.into_iter().chain(["s/c".to_owned()]).collect()
    );
    // What was made in spite of the near miss is removed, once for each.
    assert_eq!(removed.load(std::sync::atomic::Ordering::SeqCst), 2 + 5);
    // A rejected near miss needs no teardown; the comparison is still complete.
    let compared = project.run(&["compare", "--baseline", "run.ndjson", "--candidate", "run.ndjson"]);
    assert_eq!(compared.code, 0, "{compared:?}");
    let text = ran.stdout + &project.read("run.ndjson");
    assert!(!text.contains("k3y-of-the-session") && text.contains("may have had the effect `orders`"));
}

#[test]
fn probe_that_cannot_prove_anything_is_an_error() {
    let case = |more: &str| format!("request: {{ path: /orders/7 }}\nexpect: {{ status: 200 }}\n{more}\n");
    for (text, parts) in [
        (
            case("probe: { paramters: all }"),
            &["unknown key `paramters`", "`parameters`"][..],
        ),
        (
            case("probe: { parameters: [idd] }"),
            &["c.yaml:3:", "no parameter `idd`", "did you mean `id`?"],
        ),
        (case("probe: { body: [address] }"), &["not a JSON pointer"]),
        (case("probe: { body: [/address] }"), &["no near misses at `/address`"]),
        (
            case("probe: { except: path.id~wrong-typ }"),
            &["did you mean `path.id~wrong-type`?"],
        ),
        (
            case("probe: { parameters: none, body: none, methods: false }"),
            &["changes nothing"],
        ),
        (case("probe: { parameters: none, methods: false }"), &["tests nothing"]),
        (case("probe: { max: 0 }"), &["from 1 to 5000"]),
        (
            case("probe: {}\nexpect_probe: { status: [400, 2xx] }"),
            &["c.yaml:4:", "the server accepts"],
        ),
        (case("probe: {}\nexpect_probe: { status: 500 }"), &["has not rejected"]),
        (
            case("probe: {}\nexpect_probe: { snapshot: true }"),
            &["cannot contain `snapshot`"],
        ),
        (case("expect_probe: { status: 400 }"), &["has no `probe`"]),
        (case("probe: {}").replace("200", "404"), &["expects no 2xx status"]),
        (
            case("probe: {}").replace("/7", "/x"),
            &["c.yaml:3:", "invalid request prove nothing", "schemas/api.yaml:"],
        ),
        (
            case("probe: {}").replace("/orders/7", "/none"),
            &["does not describe the request"],
        ),
        (case("probe: { step: x }"), &["no step `x`"]),
    ] {
        let project = Project::new(&[
            ("cases/s/suite.yaml", "openapi: api.yaml\n"),
            ("cases/s/c.yaml", &text),
            ("schemas/api.yaml", API),
        ]);
        let ran = project.run(&["validate"]);
        assert_eq!(ran.code, 2, "{text}: {ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    }
}
