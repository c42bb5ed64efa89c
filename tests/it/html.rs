//! `--report html`, as a real browser shows it: headless Chromium reads the page from a file, and gives back the
//! document that the script made.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Project, Server, Then, agreeing, ran, response};

/// Maximum time for one page; then the browser is killed and the test fails.
const LONGEST: Duration = Duration::from_mins(2);

/// A browser that is not installed is no reason to fail.
pub(crate) fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names.into_iter().find(|name| {
        let mut command = Command::new(name);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    if found.is_none() {
        eprintln!("skipped: none of {} is installed", names.join(", "));
    }
    found
}

/// A browser and all of its processes, which end with it.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(
            Command::new("kill")
                .args(["-KILL", "--", &group])
                .stderr(Stdio::null())
                .status(),
        );
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The document that a browser makes of `file#hash`, once the page has come to rest. A page that breaks its own policy, or
/// whose script fails, fails the test.
pub(crate) fn opened(browser: &str, file: &Path, hash: &str) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
        "--dump-dom",
    ]);
    command.arg(format!("--user-data-dir={}", home.path().display()));
    command.arg(format!("file://{}{hash}", file.display()));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut running = Browser(command.spawn().expect("the browser starts"));
    let out = drain(running.0.stdout.take().expect("a pipe"));
    let log = drain(running.0.stderr.take().expect("a pipe"));
    let began = Instant::now();
    while running.0.try_wait().expect("the browser runs").is_none() {
        assert!(began.elapsed() < LONGEST, "the browser does not come to its end");
        sleep(Duration::from_millis(20));
    }
    drop(running);
    let (dom, log) = (out.join().expect("text"), log.join().expect("text"));
    for line in log.lines() {
        assert!(!line.contains("CONSOLE"), "the page complains: {line}");
    }
    dom
}

/// What a browser made of a page.
pub(crate) struct Page {
    pub dom: String,
}

impl Page {
    /// Opens `file#hash`, and lets its script come to rest.
    pub(crate) fn open(browser: &str, file: &Path, hash: &str) -> Self {
        let page = Self {
            dom: opened(browser, file, hash),
        };
        assert!(page.dom.contains("data-ready="), "the script ran: {}", page.dom);
        assert!(!page.dom.contains("data-blocked="), "the policy allows it");
        page
    }

    /// The list of cases, as markup.
    pub(crate) fn list(&self) -> &str {
        let from = self.dom.find("<ol id=\"cases\"").expect("a list");
        let to = self.dom.find("</main>").expect("its end");
        &self.dom[from..to]
    }

    /// The list of cases, as text: what the script spelled out looks like all else here.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut is_tag = false;
        for c in self.list().chars() {
            match c {
                '<' => is_tag = true,
                '>' => is_tag = false,
                c if !is_tag => out.push(c),
                _ => {}
            }
        }
        out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    /// Cases that are in the list.
    pub(crate) fn cases(&self) -> usize {
        self.list().matches("<li class=\"case ").count()
    }

    /// The number that the page states.
    pub(crate) fn shown(&self) -> &str {
        let from = self.dom.find("id=\"shown\"").expect("a number");
        let rest = &self.dom[from..];
        let start = rest.find('>').expect("its start") + 1;
        &rest[start..rest.find('<').expect("its end")]
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The events of a run, as a recording has them.
fn recording(cases: impl Iterator<Item = Value>) -> String {
    let mut lines = Vec::new();
    for (index, mut case) in cases.enumerate() {
        case["event"] = "case-finished".into();
        case["index"] = index.into();
        case["location"] = json!({ "file": "cases/s/c.yaml", "line": 1, "column": 1 });
        lines.push(case);
    }
    let started = json!({
        "event": "run-started", "format": 2, "tool": "conforme 0.1.0", "started": "2024-05-06T07:08:09.000000Z",
        "target": "staging", "base_url": "https://portal.example.com/api", "suites": 1, "cases": lines.len(),
        "secrets": ["token"], "suite_hash": "0123456789abcdef", "commit": "89abcdef01234567",
    });
    lines.insert(0, started);
    lines.push(json!({ "event": "run-finished", "elapsed_us": 1_234_567 }));
    agreeing(&lines)
}

/// A recording as a page.
pub(crate) fn page_of(cases: impl Iterator<Item = Value>) -> Project {
    let project = Project::new(&[("run.ndjson", &recording(cases))]);
    let ran = project.run(&["report", "run.ndjson", "--report", "html=page.html"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    project
}

/// Texts that act on a reader, a terminal or a page.
pub(crate) const HOSTILE: &str =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>--><!-- \u{1b}[2J\u{202e}evil";

// Long: one page, checked part by part.
#[test]
fn a_real_run_is_shown_and_what_the_target_sent_stays_text() {
    let Some(browser) = chromium() else { return };
    let project = Project::new(&[
        (
            "cases/s/suite.yaml",
            "inputs: { token: { secret: true } }\ntags: [\"<b>tag</b>\"]\n",
        ),
        (
            "cases/s/bad.yaml",
            "name: \"<i>It</i> holds\"\nrequest:\n  method: POST\n  path: /bad\n  query: { next: \"javascript:alert(3)\" }\n  \
             headers: { Authorization: \"Bearer {{ token }}\" }\n  body: { json: { a: it's } }\nexpect:\n  status: 200\n  \
             body: { json: { a: 1 } }\n",
        ),
        (
            "cases/s/good.yaml",
            "request: { path: /good }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/shut.yaml",
            "request: { path: /shut }\nexpect: { status: 200 }\n",
        ),
        (
            "cases/s/off.yaml",
            "skip: it is <u>off</u>\nrequest: { path: /off }\nexpect: { status: 200 }\n",
        ),
    ]);
    let server = Server::start(|request| {
        if request.contains("/shut") {
            return (Vec::new(), Then::Close);
        }
        if request.contains("/bad") {
            let body = format!("{HOSTILE}\r\na-secret-token");
            let head = "HTTP/1.1 401 Unauthorized\nContent-Type: text/html\nX-Next: <b>\u{202e}javascript:alert(4)";
            return (response(head, &body), Then::Keep);
        }
        let body = "{\"big\":12345678901234567890,\"n\":1.00}";
        (
            response("HTTP/1.1 200 OK\nContent-Type: application/json", body),
            Then::Keep,
        )
    });
    let mut command = project.command(&["run", "--target", &server.url(), "--report", "html=page.html"]);
    let ran = ran(command.env("CONFORME_SECRET_TOKEN", "a-secret-token"));
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    assert!(!project.read("page.html").contains("a-secret-token"));

    let file = project.path().join("page.html");
    let page = Page::open(browser, &file, "#open=s%2Fbad&open=s%2Fgood&open=s%2Fshut&open=s%2Foff");
    assert_eq!((page.cases(), page.shown()), (4, "4 cases"));
    assert_eq!(
        page.dom.matches("<script").count(),
        2 + 1 + 1,
        "no script but ours and the data"
    );
    for tag in ["<img", "<i>It", "<b>tag", "<b>\\u", "<u>off", "<a href=\"java"] {
        assert!(!page.list().contains(tag), "{tag}: {}", page.list());
    }
    let text = page.text();
    for part in [
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>--><!-- \\u{1b}[2J\\u{202e}evil\\r\n$TOKEN",
        "<b>\\u{202e}javascript:alert(4)",
        "?next=javascript%3Aalert%283%29",
        "<i>It</i> holds",
        "<b>tag</b>",
        "401 Unauthorized",
        "cases/s/bad.yaml:9:11",
        "expected 200, got 401",
        "Bearer $TOKEN",
        "curl -sS -i -X POST",
        "'Authorization: Bearer '\"$CONFORME_SECRET_TOKEN\"",
        "12345678901234567890",
        "1.00",
        "No response",
        "closed: ",
        "it is <u>off</u>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Those that did not pass come first.
    let at = |id: &str| text.find(id).unwrap_or_else(|| panic!("{id}: {text}"));
    assert!(at("s/bad") < at("s/shut") && at("s/shut") < at("s/off") && at("s/off") < at("s/good"));
}

#[test]
fn a_recording_with_hostile_names_is_shown_as_text() {
    let Some(browser) = chromium() else { return };
    let finding = json!({
        "check": HOSTILE, "level": "deny", "message": HOSTILE, "pointer": HOSTILE, "diff": format!("@@ -1 +1 @@\n-{HOSTILE}\n+b\n"),
    });
    let case = json!({
        "id": HOSTILE, "suite": HOSTILE, "name": HOSTILE, "tags": [HOSTILE], "verdict": "failed", "elapsed_us": 5,
        "reason": HOSTILE, "findings": [finding], "snapshot": format!("{HOSTILE}.new"),
        "earlier": [{ "elapsed_us": 7, "reason": HOSTILE }],
        "exchange": {
            "request": { "method": HOSTILE, "url": HOSTILE, "headers": [[HOSTILE, HOSTILE]], "body": { "text": HOSTILE } },
            "outcome": { "malformed": { "reason": HOSTILE, "bytes": { "base64": "AP88c2NyaXB0Pg==" }, "elapsed_us": 5 } },
        },
    });
    let project = page_of([case].into_iter());
    let file = project.path().join("page.html");
    let open = percent_encoding::utf8_percent_encode(HOSTILE, percent_encoding::NON_ALPHANUMERIC);
    let page = Page::open(browser, &file, &format!("#open={open}"));
    assert_eq!(page.cases(), 1);
    assert!(!page.dom.contains("<img"), "{}", page.dom);
    assert!(!page.list().contains(['\u{202e}', '\u{1b}']), "{}", page.list());
    let text = page.text();
    let spelled = "</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>--><!-- \\u{1b}[2J\\u{202e}evil";
    assert!(text.matches(spelled).count() >= 12, "{text}");
    assert!(text.contains("00 ff 3c 73 63 72 69 70 74 3e"), "{text}");
    assert!(page.list().contains("<span class=\"line del\">"), "{}", page.list());
}

/// Cases of five suites; every tenth failed, every hundredth was skipped.
fn many(cases: usize) -> impl Iterator<Item = Value> {
    (0..cases).map(|at| {
        let suite = format!("suite-{}", at % 5);
        let mut case = json!({
            "id": format!("{suite}/case-{at}[a b]"), "suite": suite, "verdict": "passed", "elapsed_us": at + 1,
            "tags": [if at % 2 == 0 { "even" } else { "odd" }],
        });
        if at % 100 == 5 {
            case["verdict"] = "skipped".into();
            case["reason"] = "the weather".into();
        } else if at % 10 == 0 {
            case["verdict"] = "failed".into();
            case["findings"] = json!([{ "check": "status", "level": "deny", "message": format!("number {at}") }]);
        }
        case
    })
}

#[test]
fn five_thousand_cases_are_listed_a_part_at_a_time() {
    let Some(browser) = chromium() else { return };
    let project = page_of(many(5_000));
    let file = project.path().join("page.html");
    let page = Page::open(browser, &file, "");
    assert_eq!(page.shown(), "5,000 cases");
    assert!((200..1_000).contains(&page.cases()), "{}", page.cases());
    assert!(
        page.text().contains("Show all 5,000"),
        "what is not in the list yet is offered"
    );

    // A link leads to its case, however far down it is.
    let page = Page::open(browser, &file, "#sort=plan&open=suite-3%2Fcase-4998%5Ba+b%5D");
    assert!(page.list().contains("aria-expanded=\"true\"") && page.text().contains("written in cases/s/c.yaml:1:1"));
    assert!(page.dom.contains("Show the 4,800 before"), "{}", page.list());
}

#[test]
fn the_address_holds_the_filters() {
    let Some(browser) = chromium() else { return };
    let project = page_of(many(300));
    let file = project.path().join("page.html");
    for (hash, shown, first) in [
        ("#verdict=failed", "30 of 300 cases shown", "case-0[a b]"),
        (
            "#verdict=failed,skipped&suite=suite-0",
            "33 of 300 cases shown",
            "case-0[a b]",
        ),
        ("#tag=odd&sort=slowest", "150 of 300 cases shown", "case-299[a b]"),
        ("#check=status&q=NUMBER+29", "1 of 300 cases shown", "case-290[a b]"),
        ("#q=weather", "3 of 300 cases shown", "case-5[a b]"),
        ("#q=nothing+of+it", "0 of 300 cases shown", "No case matches."),
        ("#tag=unheard-of", "0 of 300 cases shown", "No case matches."),
    ] {
        let page = Page::open(browser, &file, hash);
        assert_eq!(page.shown(), shown, "{hash}");
        let text = page.text();
        let from = text.find("case-").unwrap_or(0);
        assert!(text[from..].starts_with(first), "{hash}: {text}");
    }
}

#[test]
fn large_or_deep_body_is_shown_in_part() {
    let Some(browser) = chromium() else { return };
    let large = (0..300_000)
        .map(|at| format!("\"k{at}\":{at}"))
        .collect::<Vec<_>>()
        .join(",");
    let responses = [
        json!({ "text": format!("{{{large}}}") }),
        json!({ "text": "[".repeat(20_000) + &"]".repeat(20_000) }),
        json!({ "text": "\u{1}".repeat(10_000) }),
    ];
    let cases = responses.into_iter().enumerate().map(|(at, body)| {
        json!({
            "id": format!("s/c{at}"), "suite": "s", "verdict": "passed", "elapsed_us": 1,
            "exchange": {
                "request": { "method": "GET", "url": "http://h/", "headers": [] },
                "outcome": { "response": {
                    "version": "HTTP/1.1", "status": 299, "headers": [], "body": body,
                    "received": "2024-05-06T07:08:09.000000Z", "elapsed_us": 1,
                } },
            },
        })
    });
    let project = page_of(cases);
    let file = project.path().join("page.html");
    assert!(std::fs::metadata(&file).unwrap().len() < 300_000);
    let page = Page::open(browser, &file, "#open=s%2Fc0&open=s%2Fc1&open=s%2Fc2");
    let text = page.text();
    for part in [
        ", the first 65,536 are shown",
        "[[[[[[[[[[[",
        "\\u{1}\\u{1}",
        "299 HTTP/1.1",
    ] {
        assert!(text.contains(part), "{part}: {}", &text[..3_000]);
    }
}

#[test]
fn page_is_self_contained_and_has_verdict_without_script() {
    let project = page_of(many(300));
    let page = project.read("page.html");
    let head = &page[..page.find("<script").unwrap()];
    for part in [
        "<h1>The contract is broken: 267 of 300 cases passed, 3 skipped, 30 failed</h1>",
        "<p>300 cases against staging</p>",
        "<dd>staging</dd>",
        "https://portal.example.com/api",
        "2024-05-06 07:08:09 UTC",
        "<dd>1.23 s</dd>",
        "title=\"89abcdef01234567\"",
        "title=\"0123456789abcdef\"",
        "<dd>conforme 0.1.0</dd>",
        "aria-pressed=\"false\"><b>30</b> failed</button>",
        "<noscript>",
        "<b>suite-0/case-290[a b]</b> status: number 290",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    assert!(!head.contains(" style=") && !page.contains("unsafe-inline"));
    for attribute in [" src=\"", " href=\""] {
        for (at, _) in page.match_indices(attribute) {
            let to = &page[at + attribute.len()..];
            assert!(to.starts_with("data:") || to.starts_with('#'), "{}", &to[..60]);
        }
    }
}
