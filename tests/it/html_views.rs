//! The page of a run besides its list of cases: causes of failures, and links to the source and the CI job.

use serde_json::{Value, json};

use crate::{
    html::{HOSTILE, Page, chromium, page_of},
    support::{Project, ran},
};

/// A failed case with one finding.
fn failed(at: usize, check: &str, actual: &str) -> Value {
    json!({
        "id": format!("s/c{at}"), "suite": "s", "verdict": "failed", "elapsed_us": 5,
        "findings": [{
            "check": check, "level": "deny", "message": "unexpected", "expected": "200", "actual": actual,
            "pointer": format!("/items/{at}/id"),
        }],
    })
}

/// 636 failures with three causes.
fn failures() -> impl Iterator<Item = Value> {
    (0..636).map(|at| match at % 3 {
        0 => failed(at, "status", "404"),
        1 => failed(at, "status", "500"),
        _ => failed(at, "body/json", &at.to_string()),
    })
}

/// The section of causes, as markup.
fn causes(page: &Page) -> &str {
    let from = page.dom.find("id=\"causes\"").expect("the section");
    let to = page.dom[from..].find("</section>").expect("its end");
    &page.dom[from..from + to]
}

#[test]
fn failures_are_grouped_by_cause() {
    let project = page_of(failures());
    let page = project.read("page.html");
    for part in [
        "3 causes of 636 failures",
        "status at /items/*/id: expected 200, got 404",
        "status at /items/*/id: expected 200, got 500",
        "body/json at /items/*/id: expected a number, got a different one",
        "<b>s/c0</b>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("212 cases</span>").count(), 3);
    let Some(browser) = chromium() else { return };
    let file = project.path().join("page.html");
    let page = Page::open(browser, &file, "#cause=2&sort=plan");
    assert_eq!(page.shown(), "212 of 636 cases shown");
    assert!(
        page.text().starts_with(|_| true) && page.text().contains("s/c2"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("s/c3b"), "{}", page.text());
}

#[test]
fn hostile_cause_is_shown_as_text() {
    let Some(browser) = chromium() else { return };
    let case = |at: usize| {
        json!({
            "id": format!("{HOSTILE}{at}"), "suite": "s", "verdict": "failed", "elapsed_us": 5,
            "findings": [{
                "check": HOSTILE, "level": "deny", "message": HOSTILE, "pointer": HOSTILE, "expected": HOSTILE,
                "actual": HOSTILE,
            }],
        })
    };
    let project = page_of((0..3).map(case));
    let page = Page::open(browser, &project.path().join("page.html"), "");
    let causes = causes(&page);
    assert!(causes.contains("1 cause of 3 failures"), "{causes}");
    for tag in ["<img", "<script", "\u{1b}", "\u{202e}"] {
        assert!(!causes.contains(tag), "{tag}: {causes}");
    }
}

#[test]
fn page_links_to_the_line_and_the_ci_job() {
    let project = page_of([failed(0, "status", "404")].into_iter());
    let report = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["report", "run.ndjson", "--report", "html=page.html"]);
        let ran = ran(command.envs(variables.iter().copied()));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        project.read("page.html")
    };
    let github = [
        ("GITHUB_SERVER_URL", "https://user:word@github.com"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_SHA", "0123456789abcdef"),
        ("GITHUB_RUN_ID", "17"),
    ];
    let page = report(&github);
    // The commit of the recording is that of its lines.
    for part in [
        "href=\"https://github.com/o/r/actions/runs/17\"",
        "href=\"https://github.com/o/r/commit/89abcdef01234567\"",
        "https://github.com/o/r/blob/89abcdef01234567/",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("user:word"));
    if let Some(browser) = chromium() {
        let page = Page::open(browser, &project.path().join("page.html"), "#open=s%2Fc0");
        let link =
            "<a class=\"\" href=\"https://github.com/o/r/blob/89abcdef01234567/cases/s/c.yaml#L1\" target=\"_blank\"";
        let link = link.replace(" class=\"\"", "");
        assert!(page.list().contains(&link), "{}", page.list());
    }
    let hostile = [
        ("GITHUB_SERVER_URL", ""),
        ("CI_PROJECT_URL", "javascript:alert(1)"),
        ("BUILD_URL", "javascript:alert(2)"),
    ];
    let page = report(&hostile);
    assert!(
        !page.contains("<a href=\"http") && !page.contains("javascript:"),
        "{page}"
    );
}

#[test]
fn hostile_ci_variable_is_escaped() {
    let project = Project::new(&[("cases/s/c.yaml", "request: { path: / }\nexpect: { status: 200 }\n")]);
    let arguments = ["run", "--target", "http://127.0.0.1:1", "--report", "html=page.html"];
    let mut command = project.command(&arguments);
    command.env("BUILD_URL", "https://ci.example/\"><img src=x onerror=alert(1)>/'x");
    let ran = ran(&mut command);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let page = project.read("page.html");
    assert!(
        page.contains("href=\"https://ci.example/") && !page.contains("<img"),
        "{page}"
    );
}

/// A passed case with a request at a time, a header field and a body.
fn sent(at: usize) -> Value {
    json!({
        "id": format!("s/c{at}"), "suite": "s", "verdict": "passed",
        "started": format!("2024-05-06T07:{:02}:{:02}.{:06}Z", 10 + at / 6000, at / 100 % 60, at % 100 * 10_000),
        "elapsed_us": 15_000,
        "exchange": {
            "request": { "method": "GET", "url": format!("http://h/{at}"), "headers": [["x-sent", format!("up-{at}-end")]] },
            "outcome": { "response": {
                "version": "HTTP/1.1", "status": 200, "headers": [["x-trace", format!("Down-{at}-end")]],
                "body": { "text": format!("{{\"note\":\"<needle {at}>\"}}") },
                "received": "2024-05-06T07:08:09.000000Z", "elapsed_us": 1,
            } },
        },
    })
}

#[test]
fn search_finds_text_of_bodies_and_headers() {
    let Some(browser) = chromium() else { return };
    let project = page_of((0..10_000).map(sent));
    let file = project.path().join("page.html");
    for (hash, shown) in [
        ("#q=%3Cneedle+4711%3E", "0 of 10,000 cases shown"),
        ("#q=%3CNEEDLE+4711%3E&in=bodies", "1 of 10,000 cases shown"),
        ("#q=up-77-end+down-77-END&in=bodies", "1 of 10,000 cases shown"),
        ("#q=c17+needle&in=bodies", "111 of 10,000 cases shown"),
        ("#q=no+such+text&in=bodies", "0 of 10,000 cases shown"),
    ] {
        let page = Page::open(browser, &file, hash);
        assert_eq!(page.shown(), shown, "{hash}");
    }
}

/// The timeline, as markup.
fn timeline(page: &Page) -> &str {
    let from = page.dom.find("id=\"timeline\"").expect("the timeline");
    let to = page.dom[from..].find("</details>").expect("its end");
    &page.dom[from..from + to]
}

#[test]
fn timeline_has_a_bar_for_each_request_or_for_spans_of_many() {
    let Some(browser) = chromium() else { return };
    let opened = |cases: usize| {
        let project = page_of((0..cases).map(sent));
        Page::open(browser, &project.path().join("page.html"), "")
    };
    let few = opened(5);
    // Each request takes 15 ms and the next begins after 10 ms: two lanes.
    assert!(timeline(&few).contains("5 requests in 55 ms, up to 2 at one time, 15 ms on average, 15 ms at most"));
    assert_eq!(timeline(&few).matches("<rect ").count(), 5, "{}", timeline(&few));
    let lanes = ["y=\"2\"", "y=\"18\"", "y=\"34\""].map(|lane| timeline(&few).matches(lane).count());
    assert_eq!(lanes, [3, 2, 0], "{}", timeline(&few));
    let many = opened(9_000);
    assert!(
        timeline(&many).contains("Timeline of 9,000 requests"),
        "{}",
        timeline(&many)
    );
    assert!(
        (100..=360).contains(&timeline(&many).matches("<rect ").count()),
        "{}",
        timeline(&many)
    );
    let none = opened(1);
    assert!(timeline(&none).contains("hidden=\"\""), "{}", timeline(&none));
}
