//! The reports `markdown`, `github` and `sarif`, which a review shows next to the code.

use pulldown_cmark::{Event as Markdown, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

use crate::{
    log_commands::commands,
    support::{Project, Server, agreeing, ran, report_code, snapshot},
};

/// What acts on a terminal, in a CI log, in Markdown, in HTML and in XML.
const HOSTILE: &str = "` @all #1 `` <http://evil.example> \u{1b}[31mred\u{7}\0\r\n::error::x\n  ::add-mask::x\n##[error]x ##vso[task.complete]x\n\
                       ##teamcity[x]\n```\n````\n~~~\n</code></pre></details></summary>\n\n<script>alert(1)</script>\n# big\n\
                       ![x](http://evil.example/x) [y](javascript:z) <http://evil.example> http://evil.example @all #1 \
                       a@evil.example ]]> &amp; | a | b | %0A::error::x \u{202e}bidi\u{2066} {0} ` `` *a* _b_ $`x`$\n\t:x:";

fn started(cases: usize) -> Value {
    json!({
        "event": "run-started", "format": 2, "tool": "conforme 0.0.0", "started": "2026-01-02T03:04:05.678901Z",
        "target": "staging", "base_url": "https://api.example.com", "suites": 1, "cases": cases, "secrets": ["TOKEN"],
        "suite_hash": "0123456789abcdef", "commit": "fedcba9876543210", "folder": "tests/my api", "flaky": "fail",
    })
}

fn case(index: usize, id: &str, verdict: &str, more: &Value) -> Value {
    let mut case = json!({
        "event": "case-finished", "id": id, "suite": "s", "index": index,
        "location": { "file": format!("cases/{}.yaml", id.split('[').next().unwrap()), "line": 1, "column": 1 },
        "verdict": verdict, "elapsed_us": 1000,
    });
    for (name, value) in more.as_object().unwrap() {
        case[name] = value.clone();
    }
    case
}

fn exchange(body: &str) -> Value {
    json!({
        "request": {
            "method": "POST", "url": "https://api.example.com/b", "headers": [["authorization", "Bearer $TOKEN"]],
            "body": { "text": body },
        },
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": 500, "headers": [], "body": { "text": body },
            "received": "2026-01-02T03:04:06Z", "elapsed_us": 12_345,
        } },
    })
}

fn findings() -> Value {
    json!([
        {
            "check": "status", "level": "deny", "message": "unexpected status",
            "expected": "200", "actual": "500",
            "location": { "file": "cases/s/suite.yaml", "line": 8, "column": 11 },
        },
        {
            "check": "body/json", "level": "deny", "message": "unexpected value", "pointer": "/n",
            "diff": "@@ -1,1 +1,1 @@\n-{\"n\": 1}\n+{\"n\": 2}\n",
        },
        { "check": "http/challenge", "level": "warn", "message": "401 has no `WWW-Authenticate`" },
    ])
}

fn finished(counts: &Value, exit_code: u8, stopped: Option<&str>) -> Value {
    let mut all = json!({ "passed": 0, "failed": 0, "errored": 0, "skipped": 0, "not_run": 0, "warnings": 0 });
    for (name, value) in counts.as_object().unwrap() {
        all[name] = value.clone();
    }
    let mut event = json!({ "event": "run-finished", "counts": all, "elapsed_us": 10_100_000, "exit_code": exit_code });
    if let Some(stopped) = stopped {
        event["stopped"] = json!(stopped);
    }
    event
}

/// Every verdict, and everything else that a run can report.
fn every_verdict() -> Vec<Value> {
    let timeout = json!({ "reason": "no response within 10s", "elapsed_us": 10_000_400 });
    vec![
        started(6),
        case(
            4,
            "s/e",
            "skipped",
            &json!({ "reason": "the target does not define `x`" }),
        ),
        case(
            0,
            "s/a",
            "passed",
            &json!({ "findings": [findings()[2]], "snapshot": "snapshots/s/a.snap.new" }),
        ),
        case(2, "s/c", "errored", &timeout),
        case(
            1,
            "s/b[x]",
            "failed",
            &json!({
                "name": "It is what it is", "findings": findings(), "exchange": exchange("{\"a\": 1}"), "elapsed_us": 12_345,
            }),
        ),
        case(3, "s/d", "flaky", &json!({ "earlier": [timeout] })),
        case(
            5,
            "s/f",
            "not-run",
            &json!({ "reason": "as many cases failed as allowed" }),
        ),
        json!({ "event": "snapshot-unused", "path": "snapshots/s/old.snap" }),
        finished(
            &json!({ "passed": 1, "failed": 1, "errored": 1, "flaky": 1, "skipped": 1, "not_run": 1, "warnings": 2 }),
            1,
            Some("max-fail"),
        ),
    ]
}

/// A recording.
fn lines(events: &[Value]) -> String {
    agreeing(events)
}

/// A level, properties and a message.
type Annotation = (String, Vec<(String, String)>, String);

/// The reports of a run.
struct Reports {
    markdown: String,
    github: String,
    sarif: Value,
    human: String,
}

impl Reports {
    /// The reports of a recording, after checks that apply to all of them.
    fn of(events: &[Value]) -> Self {
        let project = Project::new(&[("run.ndjson", &lines(events))]);
        let ran = project.run(&[
            "report",
            "run.ndjson",
            "--report=markdown=r.md",
            "--report=github=r.log",
            "--report=sarif=r.sarif",
        ]);
        assert_eq!(ran.code, report_code(events), "{ran:?}");
        assert_eq!(ran.stderr.is_empty(), ran.code == 0, "{ran:?}");
        let reports = Self {
            markdown: project.read("r.md"),
            github: project.read("r.log"),
            sarif: serde_json::from_str(&project.read("r.sarif")).unwrap(),
            human: ran.stdout,
        };
        for text in [
            &reports.markdown,
            &reports.github,
            &reports.human,
            &project.read("r.sarif"),
        ] {
            let acts = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!text.chars().any(acts), "{text}");
        }
        assert_eq!(commands(&reports.markdown), [] as [&str; 0]);
        assert_eq!(commands(&reports.human), [] as [&str; 0]);
        assert_eq!(commands(&project.read("r.sarif")), [] as [&str; 0]);
        reports.check_markdown();
        reports.check_sarif();
        reports
    }

    /// Text that is not the report's own is in code only, and there is no other markup than the report's own.
    fn check_markdown(&self) {
        assert!(self.markdown.len() < 60_000, "{}", self.markdown.len());
        let mut is_code = false;
        let mut open = 0;
        for event in Parser::new_ext(&self.markdown, Options::all()) {
            match event {
                Markdown::Start(Tag::CodeBlock(_)) => is_code = true,
                Markdown::End(TagEnd::CodeBlock) => is_code = false,
                Markdown::Text(text) if !is_code => {
                    for sign in ["evil", "alert", "@", "#", "bidi", "script", "::", "http"] {
                        assert!(!text.contains(sign), "{text}\n{}", self.markdown);
                    }
                }
                Markdown::Html(html) => {
                    let html = html.trim_end();
                    match html {
                        "<details>" => open += 1,
                        "</details>" => open -= 1,
                        _ => check_summary(html),
                    }
                }
                Markdown::Start(
                    Tag::Paragraph
                    | Tag::Heading { .. }
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell
                    | Tag::List(None)
                    | Tag::Item
                    | Tag::BlockQuote(_)
                    | Tag::HtmlBlock,
                )
                | Markdown::End(_)
                | Markdown::Text(_)
                | Markdown::Code(_)
                | Markdown::SoftBreak => {}
                other => panic!("a report has no {other:?}\n{}", self.markdown),
            }
            assert!((0..=1).contains(&open), "{}", self.markdown);
        }
        assert!(!is_code && open == 0, "{}", self.markdown);
    }

    fn check_sarif(&self) {
        let run = &self.sarif["runs"][0];
        assert_eq!(self.sarif["version"], "2.1.0");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            let same = rules.iter().filter(|other| other["id"] == rule["id"]);
            assert_eq!(same.count(), 1);
        }
        let mut seen = std::collections::BTreeSet::new();
        for result in self.results() {
            let number = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[number]["id"], result["ruleId"]);
            assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
            let location = &result["locations"][0]["physicalLocation"];
            assert_eq!(location["artifactLocation"]["uriBaseId"], "%SRCROOT%");
            let uri = location["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)),
                "{uri}"
            );
            let text = result["message"]["text"].as_str().unwrap();
            let bare = text.replace("{{", "").replace("}}", "");
            assert!(!bare.contains(['{', '}']) && !text.contains("]("), "{text}");
            assert!(seen.insert(result["partialFingerprints"]["conforme/v1"].to_string()));
        }
        // The schema of the standard; it is not in this repository, for its licence.
        if let Some(path) = std::env::var_os("CONFORME_TEST_SARIF_SCHEMA") {
            let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap();
            let errors: Vec<_> = validator
                .iter_errors(&self.sarif)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
    }

    fn results(&self) -> &[Value] {
        self.sarif["runs"][0]["results"].as_array().unwrap()
    }

    /// The commands of `github`, as the runner reads them: the level, the properties and the message.
    fn annotations(&self) -> Vec<Annotation> {
        let read = |line: &str| {
            let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (level, properties) = head.split_once(' ').unwrap();
            let properties = properties.split(',').map(|property| {
                let (name, value) = property.split_once('=').unwrap();
                (name.to_owned(), unescaped(value))
            });
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            (level.to_owned(), properties.collect(), unescaped(message))
        };
        self.github.lines().map(read).collect()
    }
}

/// A line that is the heading of a case: text in `<code>` only, all of it escaped.
fn check_summary(html: &str) {
    if !html.starts_with("<summary><b>") {
        let inner = html
            .strip_prefix("<summary>")
            .and_then(|rest| rest.strip_suffix("</summary>"));
        assert!(!inner.expect(html).contains(['<', '>', '\n']), "{html}");
        return;
    }
    let rest = html.strip_prefix("<summary><b>").expect(html);
    let (word, rest) = rest.split_once("</b>").expect(html);
    assert!(["FAILED", "ERRORED", "FLAKY"].contains(&word), "{html}");
    let rest = rest.strip_suffix("</code></summary>").expect(html);
    let codes: Vec<_> = rest
        .strip_prefix(" <code>")
        .expect(html)
        .split("</code> <code>")
        .collect();
    assert_eq!(codes.len(), 2, "{html}");
    assert!(codes.iter().all(|code| !code.contains(['<', '>', '\n'])), "{html}");
}

fn unescaped(text: &str) -> String {
    let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":");
    text.replace("%2C", ",").replace("%25", "%")
}

#[test]
fn markdown_shows_a_run() {
    let reports = Reports::of(&every_verdict());
    snapshot("reports_review", "every-verdict.md", &reports.markdown);
}

#[test]
fn github_annotates_the_line_that_asked() {
    let reports = Reports::of(&every_verdict());
    snapshot("reports_review", "every-verdict.log", &reports.github);
}

#[test]
fn sarif_lists_each_finding_once_in_plan_order() {
    let reports = Reports::of(&every_verdict());
    let run = &reports.sarif["runs"][0];
    let of = |result: &Value| {
        let location = &result["locations"][0];
        (
            result["ruleId"].as_str().unwrap().to_owned(),
            result["level"].as_str().unwrap().to_owned(),
            location["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .unwrap()
                .to_owned(),
            location["physicalLocation"]["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    let seen: Vec<_> = reports.results().iter().map(of).collect();
    let expected = [
        ("http/challenge", "warning", "s/a", "tests/my%20api/cases/s/a.yaml"),
        ("status", "error", "s/b[x]", "tests/my%20api/cases/s/suite.yaml"),
        ("body/json", "error", "s/b[x]", "tests/my%20api/cases/s/b.yaml"),
        ("http/challenge", "warning", "s/b[x]", "tests/my%20api/cases/s/b.yaml"),
        ("verdict/errored", "error", "s/c", "tests/my%20api/cases/s/c.yaml"),
        ("verdict/flaky", "error", "s/d", "tests/my%20api/cases/s/d.yaml"),
    ];
    let expected = expected.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(
        reports.results()[1]["message"]["text"],
        "s/b[x]: status: expected 200, got 500"
    );
    assert_eq!(
        reports.results()[1]["locations"][0]["physicalLocation"]["region"],
        json!({ "startLine": 8, "startColumn": 11 })
    );
    let properties = &reports.results()[2]["properties"];
    assert_eq!(
        (&properties["pointer"], &properties["verdict"]),
        (&json!("/n"), &json!("failed"))
    );
    assert!(properties["reproduce"].as_str().unwrap().starts_with("curl "));
    assert_eq!(run["automationDetails"]["id"], "conforme/staging/");
    assert_eq!(run["tool"]["driver"]["semanticVersion"], "0.0.0");
    assert_eq!(run["properties"]["targets"][0]["commit"], "fedcba9876543210");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["exitCode"], 1);
    assert_eq!(invocation["startTimeUtc"], "2026-01-02T03:04:05.678Z");
    assert_eq!(invocation["endTimeUtc"], "2026-01-02T03:04:15.778Z");
    let note = &invocation["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(
        note,
        "The run is incomplete: stopped by --max-fail; 1 case did not run."
    );
}

#[test]
fn a_result_is_the_same_one_in_the_next_run_whatever_came() {
    let fingerprints = |actual: &str, index: usize| {
        let mut found = findings();
        found[0]["actual"] = json!(actual);
        found[0]["location"]["line"] = json!(9 + index);
        let reports = Reports::of(&[
            started(9),
            case(index, "s/b", "failed", &json!({ "findings": found })),
            finished(&json!({ "failed": 1 }), 1, None),
        ]);
        let of = |result: &Value| result["partialFingerprints"].to_string();
        reports.results().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(fingerprints("500", 0), fingerprints("502", 7));
}

#[test]
fn each_report_says_first_how_the_run_ended() {
    let failed = |more: &Value| case(0, "s/a", "failed", more);
    let none = json!({});
    let mut lenient = started(1);
    lenient["flaky"] = json!("pass");
    for (events, headline, level, is_whole) in [
        (
            vec![started(0), finished(&none, 4, None)],
            "No case ran: 0 of 0 cases passed, 0 skipped",
            "error",
            false,
        ),
        (
            vec![
                started(1),
                case(0, "s/a", "passed", &none),
                finished(&json!({ "passed": 1 }), 0, None),
            ],
            "The contract holds: 1 of 1 cases passed, 0 skipped",
            "notice",
            true,
        ),
        (
            vec![started(1), failed(&none), finished(&json!({ "failed": 1 }), 1, None)],
            "The contract is broken: 0 of 1 cases passed, 0 skipped, 1 failed",
            "error",
            true,
        ),
        (
            vec![
                started(2),
                finished(&json!({ "passed": 1, "not_run": 1 }), 130, Some("interrupted")),
            ],
            "No verdict: interrupted by SIGINT; 1 of 2 cases passed, 0 skipped, 1 not run",
            "error",
            false,
        ),
        (
            vec![started(2), case(0, "s/a", "passed", &none)],
            "No verdict: the recording ends before the run does; 1 of 2 cases passed, 0 skipped, 1 not run",
            "error",
            false,
        ),
        (
            vec![started(1), finished(&json!({ "errored": 1 }), 3, None)],
            "No verdict: 1 case has no response to judge; 0 of 1 cases passed, 0 skipped, 1 errored",
            "error",
            false,
        ),
        (
            vec![started(1), finished(&json!({ "flaky": 1 }), 1, None)],
            "The contract does not hold at every attempt: 1 case is flaky; 0 of 1 cases passed, 0 skipped, 1 flaky",
            "error",
            true,
        ),
        (
            vec![lenient.clone(), finished(&json!({ "flaky": 1 }), 0, None)],
            "The contract holds: 0 of 1 cases passed, 0 skipped, 1 flaky",
            "notice",
            true,
        ),
    ] {
        let reports = Reports::of(&events);
        assert!(
            reports
                .markdown
                .starts_with(&format!("## {headline}\n\n- target `staging` ")),
            "{}",
            reports.markdown
        );
        let (last, _, message) = reports.annotations().pop().unwrap();
        assert_eq!(last, level, "{headline}");
        assert!(message.starts_with(&format!("{headline} (")), "{message}");
        let invocation = &reports.sarif["runs"][0]["invocations"][0];
        assert_eq!(invocation["exitCodeDescription"], headline);
        assert_eq!(invocation["executionSuccessful"], is_whole, "{headline}");
    }
}

#[test]
fn a_flaky_case_warns_where_it_does_not_fail_the_run() {
    let mut start = started(1);
    start["flaky"] = json!("pass");
    let reports = Reports::of(&[
        start,
        case(
            0,
            "s/a",
            "flaky",
            &json!({ "earlier": [{ "findings": findings(), "elapsed_us": 1 }] }),
        ),
        finished(&json!({ "flaky": 1 }), 0, None),
    ]);
    assert!(
        reports
            .github
            .starts_with("::warning file=tests/my api/cases/s/suite.yaml,line=8,col=11,title=s/a flaky::"),
        "{}",
        reports.github
    );
    assert_eq!(reports.results()[0]["level"], "warning");
}

#[test]
fn nothing_that_comes_from_outside_is_markup_or_a_command() {
    let finding = json!({
        "check": HOSTILE, "level": "deny", "message": HOSTILE, "expected": HOSTILE, "actual": HOSTILE, "pointer": HOSTILE,
        "location": { "file": HOSTILE, "line": 1, "column": 1 },
    });
    let mut warning = finding.clone();
    warning["level"] = json!("warn");
    let mut with_diff = finding.clone();
    with_diff["diff"] = json!(format!("@@ -1 +1 @@\n {}\n", HOSTILE.replace('\n', "\n ")));
    with_diff["check"] = json!("snapshot");
    let tried = json!({
        "reason": HOSTILE, "findings": [finding, with_diff, warning], "exchange": exchange(HOSTILE), "elapsed_us": 1,
    });
    let more = |earlier: Value| {
        let mut more = tried.clone();
        more["earlier"] = earlier;
        more["name"] = json!(HOSTILE);
        more["snapshot"] = json!(format!("{HOSTILE}.new"));
        more["location"] = json!({ "file": HOSTILE, "line": 1, "column": 1 });
        more
    };
    let mut start = started(5);
    for key in ["target", "base_url", "tool", "suite_hash", "commit", "folder"] {
        start[key] = json!(HOSTILE);
    }
    let events = [
        start,
        case(0, HOSTILE, "failed", &more(json!([]))),
        case(1, &format!("{HOSTILE}1"), "errored", &more(json!([tried]))),
        case(2, &format!("{HOSTILE}2"), "flaky", &more(json!([tried, tried]))),
        case(3, &format!("{HOSTILE}3"), "skipped", &json!({ "reason": HOSTILE })),
        case(4, &format!("{HOSTILE}4"), "not-run", &json!({ "reason": HOSTILE })),
        json!({ "event": "snapshot-unused", "path": HOSTILE }),
        finished(
            &json!({ "failed": 1, "errored": 1, "flaky": 1, "skipped": 1, "not_run": 1, "warnings": 3 }),
            1,
            None,
        ),
    ];
    let reports = Reports::of(&events);
    // Three cases, one warning, one snapshot, the last word.
    assert_eq!(reports.annotations().len(), 6, "{}", reports.github);
    let (_, properties, message) = &reports.annotations()[0];
    let names: Vec<_> = properties.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["file", "line", "col", "title"]);
    assert!(message.contains("\\n::error::x\\n"), "{message}");
    assert_eq!(reports.results().len(), 9);
}

#[test]
fn large_runs_are_cut_and_say_so() {
    let long = "x`".repeat(200_000);
    let keys = json!(
        (0..300_000)
            .map(|number| (number.to_string(), json!(0)))
            .collect::<serde_json::Map<_, _>>()
    );
    let keys = keys.to_string();
    let mut findings = findings();
    findings[0]["actual"] = json!(long);
    findings[1]["diff"] = json!("+x\n".repeat(300_000));
    let big = json!({ "name": long, "findings": findings, "exchange": exchange(&keys) });
    let mut events = vec![started(3000), case(0, &long, "failed", &big)];
    for index in 1..3000 {
        let mut more = json!({ "findings": findings.clone() });
        more["findings"][0]["actual"] = json!("y");
        more["findings"][1]["diff"] = json!("+z");
        events.push(case(index, &format!("s/{index}"), "failed", &more));
        let reason = format!("{index}: {}", "*".repeat(1000));
        events.push(case(
            3000 + index,
            &format!("t/{index}"),
            "skipped",
            &json!({ "reason": reason }),
        ));
        events.push(json!({ "event": "snapshot-unused", "path": format!("snapshots/{index}") }));
    }
    events.push(finished(&json!({ "failed": 3000, "warnings": 3000 }), 1, None));
    let reports = Reports::of(&events);
    // The last one contains skipped cases.
    let shown = reports.markdown.matches("<details>").count() - 1;
    let left = format!("… and 2,{} more cases that did not pass", 1000 - shown);
    assert!(
        shown > 10 && reports.markdown.contains(&left),
        "{shown}: {}",
        reports.markdown
    );
    assert!(
        reports.markdown.contains("- … and 2,979 more\n"),
        "{}",
        reports.markdown
    );
    // What warns is left out before what fails.
    assert_eq!(reports.results().len(), 5000);
    assert!(reports.results().iter().all(|result| result["level"] == "error"));
    let note = &reports.sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(note, "4,000 of 9,000 results are left out.");
    assert!(
        reports
            .annotations()
            .iter()
            .all(|(_, _, message)| message.chars().count() < 4096)
    );
    // As the eleventh error the last word would not be seen.
    assert_eq!(reports.annotations().last().unwrap().0, "notice");
}

#[test]
fn the_summary_of_a_step_is_added_to_what_is_there() {
    let project = Project::new(&[
        ("run.ndjson", &lines(&every_verdict())),
        ("summary", "# Before"),
        ("other", "# Before"),
    ]);
    for path in ["summary", "other"] {
        let mut command = project.command(&["report", "run.ndjson", "--report", &format!("markdown={path}")]);
        let ran = ran(command.env("GITHUB_STEP_SUMMARY", project.path().join("summary")));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    assert!(
        project
            .read("summary")
            .starts_with("# Before\n## The contract is broken")
    );
    assert!(project.read("other").starts_with("## The contract is broken"));
}

#[test]
fn places_are_those_of_the_repository() {
    let project = Project::new(&[
        ("api/contract/conforme.toml", ""),
        (
            "api/contract/cases/s/c.yaml",
            "request: { path: / }\nexpect: { status: 201 }\n",
        ),
    ]);
    std::fs::create_dir(project.path().join(".git")).unwrap();
    let server = Server::always("HTTP/1.1 200 OK", "");
    let ran = project.run(&[
        "run",
        "-C",
        "api/contract",
        "--target",
        &server.url(),
        "--report",
        "github",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stdout
            .starts_with("::error file=api/contract/cases/s/c.yaml,line=2,col=19,title=s/c failed::status: "),
        "{}",
        ran.stdout
    );
    // People read the same on standard error.
    assert!(ran.stderr.contains("FAIL"), "{}", ran.stderr);
    assert_eq!(commands(&ran.stderr), [] as [&str; 0]);
}
