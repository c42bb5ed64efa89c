//! HARs as the files of a suite.

use serde_json::{Value as Json, json};

use crate::import::{
    SuiteDraft,
    test_support::{assert_parts, written},
};

/// An entry: `METHOD URL`, header fields of the request, content, status, media type and body of the response.
fn entry(line: &str, headers: &Json, content: Option<&str>, status: i64, kind: &str, body: &str) -> Json {
    let (method, url) = line.split_once(' ').unwrap();
    let fields = |fields: &Json| -> Vec<Json> {
        let fields = fields.as_object().unwrap().iter();
        fields
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    let mut request = json!({ "method": method, "url": url, "headers": fields(headers) });
    if let Some(text) = content {
        request["postData"] = json!({ "mimeType": headers["content-type"], "text": text });
    }
    json!({
        "request": request,
        "response": {
            "status": status, "headers": [{ "name": "Content-Type", "value": kind }],
            "content": { "size": body.len(), "mimeType": kind, "text": body },
        },
    })
}

fn get(url: &str, body: &Json) -> Json {
    entry(
        &format!("GET {url}"),
        &json!({}),
        None,
        200,
        "application/json",
        &body.to_string(),
    )
}

fn post(url: &str, content: &Json, body: &Json) -> Json {
    let headers = json!({ "content-type": "application/json" });
    let (content, body) = (content.to_string(), body.to_string());
    entry(
        &format!("POST {url}"),
        &headers,
        Some(&content),
        201,
        "application/json",
        &body,
    )
}

/// Adds a field to the response of an entry.
fn with(mut entry: Json, name: &str, value: &str) -> Json {
    let fields = entry["response"]["headers"].as_array_mut().unwrap();
    fields.push(json!({ "name": name, "value": value }));
    entry
}

fn draft(entries: &[Json]) -> SuiteDraft {
    let text = json!({ "log": { "version": "1.2", "entries": entries } }).to_string();
    let none = |_: &str| Err("no file".to_owned());
    super::har(text.into_bytes(), &none)
        .map_err(|error| error.to_string())
        .unwrap()
}

fn import(entries: &[Json]) -> String {
    written(&draft(entries))
}

/// Asserts that a text has all these parts, in this order.
#[test]
fn requests_without_shared_values_are_separate_cases() {
    let text = import(&[
        get("http://h/a?x=1", &json!({ "num": 1 })),
        get("http://h/b", &json!([])),
    ]);
    let expected = "== suite.yaml\nname: Imported from a HAR\n== get-a.yaml\nname: GET /a\nrequest:\n  path: /a\n  query: { x: \"1\" }\n\
        expect:\n  status: 200\n  headers: { content-type: application/json }\n  body: { json: { num: { \"$type\": number } } }\n  \
        snapshot: true\n== get-b.yaml\n";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn id_of_an_earlier_response_is_captured() {
    let text = import(&[
        post(
            "http://h/v1/orders",
            &json!({ "sku": "A" }),
            &json!({ "data": { "id": 7 }, "total": 7 }),
        ),
        get("http://h/v1/orders/7", &json!({ "id": 7 })),
        post(
            "http://h/v1/refunds",
            &json!({ "order_id": 7, "amount": 7, "note": "7" }),
            &json!({}),
        ),
    ]);
    assert_parts(
        &text,
        &[
            "== post-v1-orders-flow.yaml\nname: POST /v1/orders and 2 more requests\nsteps:\n  - id: post-v1-orders\n",
            "    capture: { order_id: /data/id }\n",
            "  - id: get-v1-orders\n    request: { path: \"/v1/orders/{{ order_id }}\" }\n",
            "      body: { json: { amount: 7, note: \"7\", order_id: \"{{ order_id }}\" } }\n",
        ],
    );
}

#[test]
fn value_that_the_client_chose_is_not_captured() {
    let text = import(&[
        post(
            "http://h/users",
            &json!({ "login": "ada-lovelace-1" }),
            &json!({ "login": "ada-lovelace-1" }),
        ),
        get("http://h/users/ada-lovelace-1", &json!({})),
    ]);
    assert!(
        !text.contains("capture") && text.contains("path: /users/ada-lovelace-1"),
        "{text}"
    );
}

#[test]
fn equal_numbers_are_not_enough() {
    let text = import(&[
        get("http://h/stats", &json!({ "count": 3, "name": "blue" })),
        get("http://h/pages/3", &json!({})),
        get("http://h/search?color=blue&page=3", &json!({})),
    ]);
    assert!(
        !text.contains("capture") && text.matches("== get-").count() == 3,
        "{text}"
    );
}

#[test]
fn token_of_a_login_is_a_secret_capture() {
    let login = post(
        "http://h/login",
        &json!({ "user": "ada", "password": "correct-horse" }),
        &json!({ "accessToken": "abcdefgh12345" }),
    );
    let headers = json!({ "authorization": "Bearer abcdefgh12345", "x-request-id": "1" });
    let draft = draft(&[
        login,
        entry("GET http://h/me", &headers, None, 200, "application/json", "{}"),
    ]);
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "inputs:\n  password: { description: \"the property `password`\", secret: true }\n",
            "password: \"{{ password }}\"",
            "capture: { accesstoken: { json: /accessToken, secret: true } }\n",
            "authorization: \"Bearer {{ accesstoken }}\"",
        ],
    );
    assert!(
        !text.contains("abcdefgh12345") && !text.contains("correct-horse"),
        "{text}"
    );
    assert_eq!(draft.inputs.len(), 1);
}

#[test]
fn cookies_that_a_response_set_come_from_the_jar() {
    let login = with(
        post("http://h/login", &json!({}), &json!({})),
        "set-cookie",
        "sid=s1s2s3s4s5; Path=/\ntheme=dark",
    );
    let me = |cookie: &str| {
        entry(
            "GET http://h/me",
            &json!({ "cookie": cookie }),
            None,
            200,
            "application/json",
            "{}",
        )
    };
    let all = import(&[login.clone(), me("sid=s1s2s3s4s5; theme=dark")]);
    assert!(
        all.contains("- id: get-me\n    request: { path: /me }\n") && !all.contains("s1s2"),
        "{all}"
    );
    // A cookie from before the recording is a secret input, and the others are added to it.
    let some = import(&[login, me("sid=s1s2s3s4s5; device=d1d2d3d4")]);
    assert_parts(
        &some,
        &[
            "inputs:\n  cookie: {",
            "capture: { sid: { cookie: sid, secret: true } }",
            "headers: { Cookie: \"sid={{ sid }}; {{ cookie }}\" }",
        ],
    );
    assert!(!some.contains("d1d2d3d4"), "{some}");
}

#[test]
fn token_in_a_page_is_captured_by_its_attribute() {
    let page = "<form>\n<input type=\"hidden\" name=\"_csrf\" value=\"q1w2e3r4t5y6u7i8\">\n<input name=\"a\" value=\"1\"></form>";
    let form = json!({ "content-type": "application/x-www-form-urlencoded" });
    let text = import(&[
        entry("GET http://h/form", &json!({}), None, 200, "text/html", page),
        entry(
            "POST http://h/send",
            &form,
            Some("a=1&_csrf=q1w2e3r4t5y6u7i8"),
            200,
            "text/html",
            "<p>",
        ),
    ]);
    assert_parts(
        &text,
        &[
            "text: \"input type=\\\"hidden\\\" name=\\\"_csrf\\\" value=\\\"([^\\\"]+)\"",
            "_csrf: \"{{ csrf }}\"",
        ],
    );
    assert!(!text.contains("q1w2e3r4"), "{text}");
}

#[test]
fn redirect_and_location_are_followed() {
    let mut moved = entry("GET http://h/old", &json!({}), None, 302, "text/html", "");
    moved["response"]["redirectURL"] = json!("/new?x=1");
    let created = with(
        post("http://h/jobs", &json!({}), &json!({})),
        "location",
        "http://h/jobs/a7",
    );
    let text = import(&[
        moved,
        get("http://h/new?x=1", &json!({})),
        created,
        get("http://h/jobs/a7", &json!({})),
        entry("DELETE http://h/jobs/a7", &json!({}), None, 204, "", ""),
    ]);
    assert_parts(
        &text,
        &[
            "expect: { status: 302, headers: { location: { present: true } } }\n  - id: get-new\n    follow: get-old\n    expect:",
            "capture: { job_id: { header: location, matches: \"/([^/?#]+)/?(?:[?#].*)?$\" } }",
            "  - id: get-jobs-a7\n    follow: post-jobs\n",
            "    request: { method: DELETE, path: \"/jobs/{{ job_id }}\" }\n    expect: { status: 204 }\n",
        ],
    );
}

#[test]
fn change_and_its_observation_are_one_case() {
    let delete = entry("DELETE http://h/todos/1", &json!({}), None, 204, "", "");
    let text = import(&[
        get("http://h/todos", &json!([])),
        get("http://h/other", &json!([])),
        delete,
    ]);
    assert_parts(
        &text,
        &[
            "name: GET /todos and 1 more request\n",
            "- id: delete-todos\n",
            "== get-other.yaml\n",
        ],
    );
}

#[test]
fn what_a_browser_adds_is_dropped() {
    let headers = json!({
        ":authority": "h", "sec-ch-ua": "x", "User-Agent": "Mozilla", "referer": "http://h/", "accept": "*/*",
        "accept-encoding": "br", "accept-language": "en", "connection": "keep-alive", "X-Requested-With": "XMLHttpRequest",
    });
    let text = import(&[entry("GET http://h/a", &headers, None, 200, "application/json", "{}")]);
    assert!(
        text.contains("  path: /a\n  headers: { X-Requested-With: XMLHttpRequest }\nexpect:"),
        "{text}"
    );
    let varies = entry("GET http://h/a", &headers, None, 200, "application/json", "{}");
    let text = import(&[with(varies, "Vary", "Accept-Language")]);
    assert!(text.contains("accept-language: en"), "{text}");
}

#[test]
fn entries_that_are_no_requests_of_the_api_are_noted() {
    let of = |line: &str, status: i64, kind: &str| entry(line, &json!({}), None, status, kind, "");
    let mut failed = of("GET https://h/gone", -1, "");
    failed["response"]["_error"] = json!("net::ERR_ABORTED");
    let mut socket = of("GET https://h/ws", 101, "");
    socket["_webSocketMessages"] = json!([{ "type": "send", "data": "s3cr3t" }]);
    let mut preflight = of("OPTIONS https://h/a", 204, "");
    preflight["_resourceType"] = json!("preflight");
    let mut script = of("GET https://h/app?token=s3cr3t", 200, "application/json");
    script["_resourceType"] = json!("script");
    let upload = entry(
        "POST https://h/up",
        &json!({ "content-type": "multipart/form-data; boundary=x" }),
        None,
        200,
        "",
        "",
    );
    let mut data = of("GET https://h/icons.svg", 200, "image/svg+xml");
    data["_resourceType"] = json!("fetch");
    let draft = draft(&[
        get("https://h/a", &json!({})),
        failed,
        socket,
        preflight,
        script,
        upload,
        data,
        of("GET wss://user:s3cr3t@h/live?k=s3cr3t", 101, ""),
        of("GET https://h/x.png", 200, "image/png"),
        of("GET https://h/x.js", 200, "text/javascript; charset=utf-8"),
        of("GET https://cdn/x?token=s3cr3t", 200, "application/json"),
        of("GET data:text/plain,s3cr3t", 200, "text/plain"),
        get("https://h/a", &json!({})),
    ]);
    let expected = [
        "GET https://h/gone: it has no response (net::ERR_ABORTED)",
        "GET https://h/ws: a WebSocket",
        "OPTIONS https://h/a: a preflight request of the browser",
        "GET https://h/app: a script",
        "POST https://h/up: its content is not in the HAR",
        "wss://h/live: a WebSocket",
        "GET https://h/x.png: an image",
        "GET https://h/x.js: a script",
        "a request of a URL of the scheme `data`",
        "GET /x of https://cdn: the suite is for https://h",
        "GET /a: the same request as in get-a.yaml",
    ];
    assert_eq!(draft.notes, expected);
    assert_eq!(draft.cases.len(), 2);
}

#[test]
fn contents_are_read_in_every_form() {
    let mut params = entry(
        "POST http://h/a",
        &json!({ "content-type": "application/x-www-form-urlencoded" }),
        Some(""),
        200,
        "",
        "",
    );
    params["request"]["postData"]["params"] = json!([{ "name": "a b", "value": "c&d" }]);
    let mut parts = entry(
        "POST http://h/b",
        &json!({ "content-type": "multipart/form-data; boundary=x" }),
        Some(""),
        200,
        "",
        "",
    );
    parts["request"]["postData"]["params"] =
        json!([{ "name": "a", "value": "1" }, { "name": "f", "fileName": "x.txt", "contentType": "text/plain" }]);
    let mut binary = entry(
        "PUT http://h/c",
        &json!({ "content-type": "image/png" }),
        Some("AP8="),
        200,
        "",
        "",
    );
    binary["request"]["postData"]["encoding"] = json!("base64");
    let mut body = get("http://h/d", &json!({}));
    body["response"]["content"]["text"] = json!("eyJudW0iOjF9");
    body["response"]["content"]["encoding"] = json!("base64");
    let mut missing = get("http://h/e", &json!({}));
    missing["response"]["content"]["text"].take();
    let draft = draft(&[params, parts, binary, body, missing]);
    let text = written(&draft);
    assert_parts(
        &text,
        &[
            "  body: { text: \"a+b=c%26d\" }\n",
            "# not imported: the content of the file `f`: it is not in the HAR\nrequest:\n",
            "multipart: [{ name: a, text: \"1\" }, { name: f, text: \"\", content_type: text/plain, filename: x.txt }]\n",
            "  body: { file: put-c.bin }\n",
            "== put-c.bin\n\0\u{fffd}== get-d.yaml",
            "  body: { json: { num: { \"$type\": number } } }\n",
            "== get-e.yaml\nname: GET /e\nrequest: { path: /e }\n# not imported: the body of the response: it is not in the HAR\nexpect:",
        ],
    );
}

#[test]
fn condition_of_the_cache_is_noted() {
    let headers = json!({ "if-none-match": "\"abc\"" });
    let text = import(&[entry("GET http://h/a", &headers, None, 304, "application/json", "")]);
    let note =
        "# not imported: the condition of the browser's cache: 200 is expected instead of 304\nrequest: { path: /a }\n";
    assert!(text.contains(note) && text.contains("status: 200"), "{text}");
}

#[test]
fn order_of_time_is_used_if_all_entries_have_one() {
    let at = |mut entry: Json, time: &str| {
        entry["startedDateTime"] = json!(time);
        entry
    };
    let second = at(get("http://h/orders/77", &json!({})), "2026-01-01T00:00:02.000Z");
    let first = at(
        post("http://h/orders", &json!({}), &json!({ "id": 77 })),
        "2026-01-01T01:00:01+01:00",
    );
    assert!(import(&[second, first]).contains("/orders/{{ order_id }}"));
}

#[test]
fn unusable_har_is_an_error_with_a_position() {
    let none = |_: &str| Err("no file".to_owned());
    for (text, at, part) in [
        ("{\"log\": {\n  \"entries\": [", Some((2, 14)), "the JSON ends here"),
        ("{\"log\": {}}", Some((1, 10)), "there is no `entries` here"),
        ("[1]", Some((1, 2)), "a value has another type"),
        ("", Some((1, 1)), "the JSON ends here"),
        ("{\"log\": {\"entries\": []}}", None, "none of its 0 entries"),
        ("PK\u{3}\u{4}", Some((1, 1)), "a ZIP archive"),
    ] {
        let error = super::har(text.into(), &none).err().unwrap();
        assert!(
            error.at == at && error.message.contains(part),
            "{text}: {:?} {}",
            error.at,
            error.message
        );
    }
}
