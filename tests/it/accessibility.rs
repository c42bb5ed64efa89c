//! axe finds nothing on any page: wide and narrow, light and dark, with everything open.

use std::fs;

use conforme::report::Format;
use serde_json::{Value, json};

use crate::{
    comparison_reports::{coverage, portal, regions, report},
    html::{chromium, opened, page_of},
    mutating::{JSON, recorded},
    support::{Project, repository, skips},
};

/// In each frame: opens everything, checks it, and sends what was found to the page around it.
const CHECK: &str = "
addEventListener('load', () => setTimeout(async () => {
  document.documentElement.dataset.theme = new URLSearchParams(location.search).get('theme');
  for (const one of document.querySelectorAll('details')) one.open = true;
  for (const row of [...document.querySelectorAll('.case .row')].slice(0, 3)) row.click();
  const cell = document.querySelector('[popover]');
  if (cell) cell.showPopover();
  setTimeout(async () => {
    let found;
    try {
      const result = await axe.run(document, { resultTypes: ['violations'] });
      found = result.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3).map((node) =>
        node.html.slice(0, 200) + ' ' + node.failureSummary).join('; '));
      found.push('checks passed: ' + (result.passes.length > 5));
    } catch (error) { found = [String(error)]; }
    parent.postMessage({ frame: name, width: innerWidth, found }, '*');
  }, 300);
}, 300));
";

/// What axe finds on a page in four frames, by the name of the frame.
fn violations(browser: &str, axe: &str, page: &str) -> Vec<(String, Value)> {
    let (start, rest) = page
        .split_once("<meta http-equiv=\"Content-Security-Policy\"")
        .expect("a policy");
    let (_, rest) = rest.split_once('>').expect("its end");
    let (head, body) = rest.split_once("</head>").expect("a head");
    let page = format!("{start}{head}<script>{axe}</script><script>{CHECK}</script></head>{body}");
    let frame = |(width, theme): (u32, &str)| {
        format!(
            "<iframe name=\"{width} {theme}\" width=\"{width}\" height=\"900\" src=\"page.html?theme={theme}\"></iframe>"
        )
    };
    let frames = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")].map(frame);
    let outer = format!(
        "<!DOCTYPE html><title>frames</title><pre id=\"found\"></pre><script>addEventListener('message', (event) => \
         document.getElementById('found').append(JSON.stringify(event.data) + '\\n'))</script>{}",
        frames.concat()
    );
    let project = Project::new(&[("page.html", &page), ("outer.html", &outer)]);
    let dom = opened(browser, &project.path().join("outer.html"), "");
    let found = dom.split_once("<pre id=\"found\">").expect("the results").1;
    let found = found.split("</pre>").next().unwrap_or_default();
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let results = found.lines().filter(|line| !line.is_empty());
    let results = results.map(|line| serde_json::from_str::<Value>(line).expect("a result"));
    results
        .map(|result| (result["frame"].as_str().expect("a name").to_owned(), result))
        .collect()
}

/// Checks a page, unless there is no browser or no axe.
fn check(name: &str, page: &str) {
    let script = repository().join("target/axe/node_modules/axe-core/axe.min.js");
    if skips("axe-core", script.is_file()) {
        return;
    }
    let Some(browser) = chromium() else { return };
    let axe = fs::read_to_string(script).expect("axe");
    let results = violations(browser, &axe, page);
    assert_eq!(results.len(), 4, "{name}: each frame has a result: {results:?}");
    for (frame, result) in results {
        let width = frame.split(' ').next().and_then(|width| width.parse::<u32>().ok());
        assert_eq!(result["width"].as_u64(), width.map(u64::from), "{name}, {frame}");
        assert_eq!(result["found"], json!(["checks passed: true"]), "{name}, {frame}");
    }
}

#[test]
fn axe_finds_nothing_on_the_page_of_a_run() {
    let exchange = json!({
        "request": { "method": "POST", "url": "http://h/a", "headers": [["accept", "*/*"]], "body": { "text": "{\"a\":1}" } },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": 404, "headers": [["content-type", "application/json"]],
            "body": { "text": "{\"error\":\"no such user\",\"code\":17}" }, "received": "2024-05-06T07:08:10Z", "elapsed_us": 900,
        } },
    });
    let cases = (0..12).map(|at| {
        let verdict = ["failed", "errored", "flaky", "passed", "skipped", "not-run"][at % 6];
        let mut case = json!({
            "id": format!("s/c{at}[a b]"), "suite": "s", "name": "A name", "tags": ["smoke"], "verdict": verdict,
            "started": format!("2024-05-06T07:08:{:02}Z", 10 + at), "elapsed_us": 900,
        });
        match verdict {
            "failed" => {
                case["findings"] = json!([
                    { "check": "status", "level": "deny", "message": "unexpected", "expected": "200", "actual": "404" },
                    { "check": "body/json", "level": "warn", "message": "odd", "pointer": "/a", "diff": "@@ -1 +1 @@\n-a\n+b\n" },
                ]);
                case["exchange"] = exchange.clone();
            }
            "flaky" => case["earlier"] = json!([{ "reason": "no response", "elapsed_us": 7 }]),
            "passed" => {}
            _ => case["reason"] = "the weather".into(),
        }
        case
    });
    check("run", &page_of(cases).read("page.html"));
}

#[test]
fn axe_finds_nothing_on_comparison_and_matrix() {
    check("comparison", &report(Format::Html, &portal()));
    check("matrix", &report(Format::Html, &regions()));
}

#[test]
fn axe_finds_nothing_on_the_page_of_coverage() {
    check("coverage", &report(Format::Html, &coverage()));
}

#[test]
fn axe_finds_nothing_on_the_page_of_a_measurement() {
    let project = recorded("status: 404", JSON, "{\"x\":[1,2],\"y\":\"text\"}");
    let ran = project.run(&["mutate", "r.ndjson", "--report", "html=m.html"]);
    assert!(project.has("m.html"), "{ran:?}");
    check("measurement", &project.read("m.html"));
}
