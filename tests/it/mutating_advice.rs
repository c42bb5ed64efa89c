//! The advice of `conforme mutate`: pasted into its case, the run still passes and the survivors are gone.

use std::sync::atomic::{AtomicUsize, Ordering};

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

use crate::support::{Project, Server, Then, ran};

/// The value of a YAML document, as far as advice uses YAML.
pub(crate) fn yaml(text: &str) -> Value {
    let mut open: Vec<(Value, Option<String>)> = Vec::new();
    let mut root = Value::Null;
    for event in Parser::new_from_str(text) {
        let value = match event.unwrap_or_else(|error| panic!("{error}\n{text}")).0 {
            Event::Scalar(value, ScalarStyle::Plain, ..) => {
                serde_json::from_str(&value).unwrap_or_else(|_| Value::from(&*value))
            }
            Event::Scalar(value, ..) => Value::from(&*value),
            Event::MappingStart(..) => {
                open.push((serde_json::json!({}), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((serde_json::json!([]), None));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().unwrap().0,
            _ => continue,
        };
        match open.last_mut() {
            None => root = value,
            Some((Value::Array(items), _)) => items.push(value),
            Some((Value::Object(entries), key)) => match key.take() {
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                Some(name) => assert!(entries.insert(name, value).is_none(), "{text}"),
            },
            Some(_) => unreachable!(),
        }
    }
    root
}

/// Merges mappings key by key; anything else replaces what is there.
pub(crate) fn lay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

const TOKEN: &str = "a-token-of-some-length";
const UUID: &str = "550e8400-e29b-41d4-a716-44665544";

/// Responses by the name of their case: header section and body. Each request gets other dates and ids.
fn response(name: &str, number: usize) -> (String, Vec<u8>) {
    let now = chrono::Utc::now();
    let at = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let http = now.format("%a, %d %b %Y %H:%M:%S GMT");
    let (hex, time) = (format!("{:032x}", number + 77), now.timestamp_millis());
    let json = |body: String| {
        (
            "HTTP/1.1 200 OK\nContent-Type: application/json".to_owned(),
            body.into_bytes(),
        )
    };
    let other = |head: String, body: &[u8]| (head, body.to_vec());
    match name {
        "dates" => json(format!(r#"{{"at":"{at}","born":"2001-02-03T04:05:06Z","time":{time},"day":"2020-01-01"}}"#)),
        "ids" => json(format!(r#"{{"id":"{UUID}{number:04}","hash":"{hex}","self":"/u/{hex}?x=1","name":"Ann"}}"#)),
        "templates" => json(r#"{"a":"{{ name }}","b":"{{{ x }}","c":"}} {{","{{ key }}":1,"$ref":"x","$type":"string"}"#.to_owned()),
        "quoting" => json("{\"a\":\"yes\",\"b\":\"1.0\",\"c\":\"# x: y\",\"d\":\"- a\\n\\tb\\r\\n\",\"e\":\"~\",\"f\":\"'\\\"\\\\\",\"g\":\"\\u202e\\u0085\\ufeff\",\"h\":\"##[x]\",\"true\":1,\"a b\":2,\"<<\":3,\"\":4}".to_owned()),
        "numbers" => json(r#"{"big":123456789012345678901234567890,"float":1.50,"small":1e-7,"large":1E+30,"zero":-0.0,"max":9223372036854775807}"#.to_owned()),
        "nested" => json(format!(r#"{{"items":[{{"id":"{hex}","n":1}},{{"id":"{hex}","n":2.5}}],"tags":["a","b"],"none":[],"empty":{{}},"deep":{{"a":{{"b":[[1,{{"c":null}}]]}}}}}}"#)),
        "list" => json(format!(r#"[{{"id":"{hex}"}},{{"id":"{hex}"}}]"#)),
        "scalar" => json("17".to_owned()),
        "long" => json(format!("[{}1]", "11111111111111111,".repeat(250))),
        "prose" => other(
            "HTTP/1.1 200 OK\nContent-Type: text/plain".to_owned(),
            "some words\n".repeat(450).as_bytes(),
        ),
        "echo" => json(format!(r#"{{"token":"Bearer {TOKEN}","{TOKEN}":1,"user":"user-0001-abc","x":"{{user-0001-abc}}"}}"#)),
        "cookies" => other(format!("HTTP/1.1 200 OK\nContent-Type: text/plain\nSet-Cookie: sid={hex}; Path=/; HttpOnly\nSet-Cookie: lang=de; Path=/"), b"ok"),
        "headers" => other(format!("HTTP/1.1 200 OK\nX-Kind: a: b # {{{{ x }}}}\nX-Two: a\nX-Two: b\nVary: Accept\nVary: Origin\nETag: \"{hex}\"\nExpires: -1\nLast-Modified: {http}\nX-Id: {UUID}{number:04}\nX-Empty:\nX-RateLimit-Remaining: {number}\nServer: s/{number}\nX-Powered-By: p\nX-Request-Id: {hex}\nContent-Type: text/plain; charset=utf-8"), b"a: 'b'\n# c {{ d }}\n"),
        "redirect" => other(format!("HTTP/1.1 302 Found\nLocation: /u/{hex}/x"), b""),
        "bare" => other("HTTP/1.1 204 No Content\nX-Kind: a".to_owned(), b""),
        "binary" => other("HTTP/1.1 200 OK\nContent-Type: application/octet-stream".to_owned(), b"\x00\xff\xfe{\"a\":1}"),
        "latin" => other("HTTP/1.1 200 OK\nContent-Type: text/plain; charset=iso-8859-1".to_owned(), b"caf\xe9 au lait\n"),
        "xml" => other("HTTP/1.1 200 OK\nContent-Type: application/xml".to_owned(), format!("<?xml version=\"1.0\"?>\n<a b='c'>\n<at>{at}</at></a>").as_bytes()),
        _ => other("HTTP/1.1 404 Not Found\nContent-Type: text/html".to_owned(), b"<h1>Not Found</h1>\n"),
    }
}

fn server() -> Server {
    let count = AtomicUsize::new(1000);
    Server::start(move |request| {
        let name = request.split([' ', '/', '?']).nth(2).unwrap_or_default();
        let (head, body) = response(name, count.fetch_add(1, Ordering::Relaxed));
        let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
        let length = if name == "bare" {
            String::new()
        } else {
            format!("Content-Length: {}\n", body.len())
        };
        let head = format!("{head}\nDate: {date}\n{length}\n").replace('\n', "\r\n");
        ([head.as_bytes(), &body].concat(), Then::Keep)
    })
}

/// A project with these cases of one suite.
fn project(cases: &[(&str, Value)], suite: &str) -> Project {
    let project = Project::new(&[("cases/s/suite.yaml", suite)]);
    for (name, case) in cases {
        project.write(&format!("cases/s/{name}.yaml"), &case.to_string());
    }
    project
}

fn weak(name: &str) -> Value {
    let status = match name {
        "redirect" => "3xx",
        "html" => "4xx",
        _ => "2xx",
    };
    serde_json::json!({
        "request": { "path": format!("/{name}"), "headers": { "authorization": "Bearer {{ token }}", "x-user": "{{ user }}" } },
        "expect": { "status": status }
    })
}

const SUITE: &str = "inputs: { token: { secret: true }, user: {} }\n";

fn run(project: &Project, server: &Server, names: &[String]) -> (i32, String) {
    let args = [
        "run",
        "--target",
        &server.url(),
        "--record",
        "r.ndjson",
        "--var",
        "user=user-0001-abc",
        "--jobs",
        "4",
    ];
    let ran = ran(project.command(&args).args(names).env("CONFORME_SECRET_TOKEN", TOKEN));
    (ran.code, format!("{}{}", ran.stdout, ran.stderr))
}

fn survivors(project: &Project, names: &[String]) -> Vec<Value> {
    let ran = ran(project
        .command(&["mutate", "r.ndjson", "--report", "json=m.json"])
        .args(names));
    assert!([0, 3].contains(&ran.code), "{ran:?}");
    let report: Value = serde_json::from_str(&project.read("m.json")).unwrap();
    assert!(!report.to_string().contains(TOKEN));
    report["survivors"].as_array().unwrap().clone()
}

/// Pastes each advice alone into a fresh copy of its case, one of each case at a time.
fn paste_each(cases: &[(&str, Value)], suite: &str) -> Vec<Value> {
    let server = server();
    let project = project(cases, suite);
    let (code, text) = run(&project, &server, &[]);
    assert_eq!(code, 0, "{text}");
    let groups = survivors(&project, &[]);
    let mut of_case: Vec<Vec<&Value>> = cases.iter().map(|_| Vec::new()).collect();
    for group in groups.iter().filter(|group| group["advice"].is_string()) {
        let names: Vec<_> = group["survivors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["case"].as_str().unwrap())
            .collect();
        for (at, (name, _)) in cases.iter().enumerate() {
            if names
                .iter()
                .any(|case| case.split('[').next() == Some(&format!("s/{name}")))
            {
                of_case[at].push(group);
            }
        }
    }
    let rounds = of_case.iter().map(Vec::len).max().unwrap_or_default();
    assert!(rounds > 0);
    for round in 0..rounds {
        let mut pasted_into = Vec::new();
        for ((name, case), groups) in cases.iter().zip(&of_case) {
            let Some(group) = groups.get(round) else { continue };
            pasted_into.push(format!("cases/s/{name}.yaml"));
            let mut case = case.clone();
            lay(&mut case, &yaml(group["advice"].as_str().unwrap()));
            project.write(&format!("cases/s/{name}.yaml"), &case.to_string());
        }
        let (code, text) = run(&project, &server, &pasted_into);
        let pasted: Vec<_> = of_case
            .iter()
            .filter_map(|groups| groups.get(round)?["advice"].as_str())
            .collect();
        assert_eq!(code, 0, "{text}\n{}", pasted.join("\n"));
        let left = survivors(&project, &pasted_into);
        let left: Vec<_> = left
            .iter()
            .flat_map(|group| group["survivors"].as_array().unwrap())
            .collect();
        for ((name, _), groups) in cases.iter().zip(&of_case) {
            let Some(group) = groups.get(round) else { continue };
            for one in group["survivors"].as_array().unwrap() {
                let is_of_case = one["case"].as_str().unwrap().split('[').next() == Some(&format!("s/{name}"));
                let is_left = left.iter().any(|left| left["id"] == one["id"]);
                // What is swapped in depends on the other responses that were recorded.
                let is_swapped = one["id"].as_str().unwrap().contains("#response/");
                assert!(
                    !is_of_case || !is_left || is_swapped,
                    "{}: {}",
                    one["id"],
                    group["advice"].as_str().unwrap()
                );
            }
        }
    }
    groups
}

#[test]
fn every_advice_pasted_into_a_weak_case_passes_and_kills() {
    let names = [
        "dates",
        "ids",
        "templates",
        "quoting",
        "numbers",
        "nested",
        "list",
        "scalar",
        "long",
        "prose",
        "echo",
        "cookies",
        "headers",
        "redirect",
        "bare",
        "binary",
        "latin",
        "xml",
        "html",
    ];
    let groups = paste_each(&names.map(|name| (name, weak(name))), SUITE);
    let all = serde_json::to_string(&groups).unwrap();
    for part in [
        "$within",
        "[0-9a-f]{32}",
        "{{ user }}",
        "sid=[^;]+; Path=/; HttpOnly",
        "x-kind",
    ] {
        assert!(all.contains(part), "{part}");
    }
    for part in [
        "header server",
        "header x-powered-by",
        "header date",
        "header x-request-id",
        "within: 5m\\n    expires",
    ] {
        assert!(!all.contains(part), "{part}");
    }
    // The mask of a secret is never suggested.
    let advice: Vec<_> = groups.iter().filter_map(|group| group["advice"].as_str()).collect();
    assert!(
        !advice
            .iter()
            .any(|advice| advice.contains("$TOKEN") || advice.contains("[hidden]")),
        "{advice:?}"
    );
    // A change without advice is named all the same.
    let is_named = |group: &&Value| group["target"] == "header set-cookie" && group["advice"].is_null();
    assert!(groups.iter().any(|group| is_named(&group)));
}

#[test]
fn advice_for_cases_with_checks_is_merged_with_them() {
    let with = |name: &str, expect: Value| {
        let mut case = weak(name);
        lay(&mut case["expect"], &expect);
        (name.to_owned(), case)
    };
    let cases = [
        with(
            "dates",
            serde_json::json!({ "body": { "json": { "at": { "$type": "string" }, "time": { "$type": "integer" } } } }),
        ),
        with(
            "ids",
            serde_json::json!({ "headers": { "Content-Type": { "present": true } }, "body": { "json": { "id": { "$matches": "^550e" } } } }),
        ),
        with(
            "nested",
            serde_json::json!({ "body": { "json": { "items": [{ "n": 1 }, {}], "deep": { "$type": "object" } } } }),
        ),
        with("numbers", serde_json::json!({ "body": { "empty": false, "json": {} } })),
        with(
            "headers",
            serde_json::json!({ "headers": { "X-Kind": { "contains": "a" } }, "body": { "text": { "contains": "a" } } }),
        ),
        with(
            "scalar",
            serde_json::json!({ "body": { "json": { "$type": "integer" } } }),
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(name, case)| (name.as_str(), case.clone())).collect();
    paste_each(&cases, SUITE);
}

#[test]
fn advice_keeps_the_checks_that_are_inherited_whole() {
    let suite = format!("{SUITE}expect: {{ body: {{ json: {{ name: Ann }} }} }}\n");
    let groups = paste_each(&[("ids", weak("ids"))], &suite);
    let hash = groups.iter().find(|group| group["target"] == "body /hash").unwrap();
    let advice = hash["advice"].as_str().unwrap();
    assert!(advice.contains("name: \"Ann\""), "{advice}");
}

#[test]
fn advice_for_a_table_passes_for_all_of_its_rows() {
    let mut case = weak("ids");
    case["request"]["query"] = serde_json::json!({ "q": "{{ q }}" });
    case["examples"] = serde_json::json!({ "one": { "q": 1 }, "two": { "q": 2 } });
    let groups = paste_each(&[("ids", case)], SUITE);
    assert!(groups.iter().all(|group| group["cases"].as_u64() <= Some(2)));
}
