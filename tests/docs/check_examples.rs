//! The examples of `docs/reference/checks.md`: each response fails the check of its section.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{blocks::PageProject, page::Page};

/// A section of the page.
struct Example {
    check: String,
    case: Option<String>,
    response: Option<String>,
}

fn examples(page: &Page) -> Vec<Example> {
    let mut examples = Vec::new();
    for section in page.text.split("\n### `").skip(1) {
        let (check, text) = section.split_once('`').expect("an id");
        let part = Page {
            path: String::new(),
            text: text.to_owned(),
        };
        let block = |info: &str| {
            part.blocks()
                .into_iter()
                .find(|block| block.info == info)
                .map(|block| block.text)
        };
        examples.push(Example {
            check: check.to_owned(),
            case: block("yaml case"),
            response: block("http response"),
        });
    }
    examples
}

/// The bytes of a response, with the fields that the page omits.
fn bytes(text: &str) -> String {
    let (head, body) = text
        .trim_end_matches('\n')
        .split_once("\n\n")
        .unwrap_or((text.trim_end(), ""));
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    let has = |name: &str| head.to_lowercase().contains(&format!("\n{name}:"));
    if !has("date") {
        let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
        lines.push(format!("Date: {date}"));
    }
    if !has("content-length") {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

/// Serves a response to every request, and returns the base URL.
fn serve(text: String, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut count = 0;
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            if request.is_empty() {
                continue;
            }
            thread::sleep(delay);
            count += 1;
            drop(stream.write_all(bytes(&text.replace("COUNT", &count.to_string())).as_bytes()));
        }
    });
    url
}

/// The ids of the findings of a run.
fn findings(project: &PageProject, url: &str) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conforme"));
    command.env_clear().env("CI", "1").current_dir(project.path());
    command.args(["run", "--target", url, "--report", "json"]);
    let output = command.output().expect("the program starts");
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: Value = serde_json::from_str(line).expect("an event");
        collect(&event, &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            found.extend(value["check"].as_str().map(str::to_owned));
            entries.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[test]
fn every_example_fails_its_check() {
    let page = Page::read("docs/reference/checks.md");
    let schemas = page
        .blocks()
        .into_iter()
        .find(|block| block.info.starts_with("json schema"));
    let schema = schemas.expect("a schema").text;
    let blocks = page.blocks();
    let document = blocks.iter().find(|block| block.info.starts_with("yaml openapi"));
    let document = &document.expect("a document").text;
    let (mut errors, mut checked) = (Vec::new(), 0);
    for example in examples(&page) {
        let Some(response) = example.response else {
            assert_eq!(example.check, "findings", "no example");
            continue;
        };
        let status = response
            .split(' ')
            .nth(1)
            .expect("a status")
            .trim()
            .get(..3)
            .expect("three digits")
            .to_owned();
        let delay = Duration::from_millis(if example.check == "duration" { 50 } else { 0 });
        let url = serve(response, delay);
        let project = PageProject::new();
        project.write("schemas/user.schema.json", &schema);
        let case = format!("request: {{ path: /users/42 }}\nexpect: {{ status: {status} }}\n");
        project.write("cases/s/c.yaml", &example.case.unwrap_or(case));
        if example.check.starts_with("openapi/") || example.check.starts_with("probe/") {
            project.write("schemas/users.openapi.yaml", document);
            project.write("cases/s/suite.yaml", "openapi: users.openapi.yaml\n");
        }
        let found = findings(&project, &url);
        let is_it = |id: &String| match example.check.strip_suffix("NAME") {
            Some(prefix) => id.starts_with(prefix),
            None => *id == example.check,
        };
        if !found.iter().any(is_it) {
            errors.push(format!("{}: {found:?}", example.check));
        }
        checked += 1;
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert!(checked > 30, "{checked} examples");
}
