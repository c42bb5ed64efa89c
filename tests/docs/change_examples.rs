//! The examples of `docs/reference/changes.md`: a comparison of the two responses reports the change.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::Arc,
    thread,
};

use conforme::compare::{CHANGE_RULES, ChangeRule};
use serde_json::Value;

use crate::{blocks::PageProject, page::Page};

/// Changes whose example is described in words: they are about runs, or about times.
const IN_WORDS: [&str; 3] = ["verdict/", "latency/", "response/"];

/// The rows of the table of examples: the change, and the parts of the response before and after.
fn examples(page: &Page) -> Vec<(String, [Vec<String>; 2])> {
    let (_, section) = page.text.split_once("\n## Examples\n").expect("the examples");
    let table = section.split("\n### Changes of runs\n").next().unwrap_or_default();
    let spans = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split(" | ").collect();
        let [change, before, after] = cells.as_slice() else {
            panic!("not three cells: {line}");
        };
        rows.push((spans(change).concat(), [spans(before), spans(after)]));
    }
    rows
}

/// The bytes of a response: 200 and a JSON body, unless a part is a status, a header field or a different body.
fn response(parts: &[String]) -> Vec<u8> {
    let (mut status, mut fields, mut body) = ("200".to_owned(), String::new(), None);
    for part in parts {
        let is_field = |part: &str| {
            part.split_once(": ")
                .is_some_and(|(name, _)| name.starts_with(char::is_uppercase))
        };
        if part.len() == 3 && part.parse::<u16>().is_ok() {
            status.clone_from(part);
        } else if !part.starts_with(['{', '[']) && (is_field(part) || part.starts_with("Broken")) {
            fields += &format!("{part}\r\n");
        } else {
            body = Some(part.as_str());
        }
    }
    let body = match body {
        Some("no body") => "",
        Some(body) => body,
        None => r#"{"id":1}"#,
    };
    if !fields.contains("Content-Type: ") && !body.is_empty() {
        let media_type = if body.starts_with(['{', '[']) {
            "application/json"
        } else {
            "text/plain"
        };
        fields += &format!("Content-Type: {media_type}\r\n");
    }
    if status.starts_with('3') && !fields.contains("Location: ") {
        fields += "Location: /elsewhere\r\n";
    }
    let date = chrono::Utc::now().format("%a, %d %b %Y %H:%M:%S GMT");
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nDate: {date}\r\n{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Serves the response of each path, and returns the base URL.
fn serve(responses: BTreeMap<String, Vec<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let responses = Arc::new(responses);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let responses = Arc::clone(&responses);
            thread::spawn(move || {
                let (mut request, mut part) = (Vec::new(), [0; 4096]);
                while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    match stream.read(&mut part) {
                        Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
                        _ => return,
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let path = text.split(' ').nth(1).unwrap_or_default();
                if let Some(parts) = responses.get(path) {
                    drop(stream.write_all(&response(parts)));
                }
            });
        }
    });
    url
}

#[test]
fn every_example_is_reported_as_its_change() {
    let page = Page::read("docs/reference/changes.md");
    let examples = examples(&page);
    let project = PageProject::new();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    for (change, [old, new]) in &examples {
        let path = format!("/{change}");
        let case = format!("request: {{ path: {path} }}\nexpect: {{ status: [2xx, 3xx, 4xx, 500] }}\n");
        project.write(&format!("cases/examples/{}.yaml", change.replace('/', "-")), &case);
        before.insert(path.clone(), old.clone());
        after.insert(path, new.clone());
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_conforme"));
    command.env_clear().env("CI", "1").current_dir(project.path());
    command.args(["compare", "--fail-on", "none", "--report", "json"]);
    command.args(["--baseline", &serve(before), "--candidate", &serve(after)]);
    let output = command.output().expect("the program starts");
    let comparison: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let mut reported: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for change in comparison["changes"].as_array().expect("changes") {
        let rule = change["rule"].as_str().expect("a rule");
        for case in change["cases"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            reported.entry(case.to_owned()).or_default().insert(rule.to_owned());
        }
    }
    let mut errors = Vec::new();
    for (change, _) in &examples {
        let case = format!("examples/{}", change.replace('/', "-"));
        let found = reported.get(&case);
        if !found.is_some_and(|rules| rules.contains(change)) {
            errors.push(format!("{change}: {found:?}"));
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let shown: BTreeSet<_> = examples.iter().map(|(change, _)| change.as_str()).collect();
    let (_, words) = page
        .text
        .split_once("\n### Changes of runs\n")
        .expect("the other examples");
    // Those of documents are shown by the tests of the comparison of documents.
    let is_of_documents = |id: &str| ChangeRule::of(id).is_some_and(ChangeRule::is_of_documents);
    let is_in_words = |id: &str| {
        let is_worded = IN_WORDS.iter().any(|prefix| id.starts_with(prefix)) || is_of_documents(id);
        words.contains(&format!("\n| `{id}` | ")) && is_worded
    };
    let missing = CHANGE_RULES.iter().map(|rule| rule.id);
    let missing: Vec<_> = missing.filter(|id| !shown.contains(id) && !is_in_words(id)).collect();
    assert!(missing.is_empty(), "no example: {missing:?}");
}
