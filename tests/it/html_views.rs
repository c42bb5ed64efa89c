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
