//! The reports `junit` and `tap`, which CI systems read.

use std::{fmt::Write as _, process::Command};

use quick_xml::{Reader, events::Event as Xml};
use serde_json::{Value, json};

use crate::support::{Project, Server, Then, agreeing, indent, ran, report_code, repository, response, snapshot};

/// What acts on a terminal, in a CI log, in XML, in HTML and in TAP.
const HOSTILE: &str = "\u{1b}[31mred\u{7}\0\u{8}\r\n::error::x\n##[error]x\n...\nnot ok 1 - x # SKIP\nBail out!\n\
                       </failure><script>alert(1)</script>]]>&amp;<!-- \u{202e}bidi\u{2028}\u{feff}\u{fffe}\u{ffff}\u{9b}\u{e0041} \
                       [[ATTACHMENT|/etc/passwd]] \\ \" ' \t漢字 😀";

fn started(cases: usize) -> Value {
    json!({
        "event": "run-started", "format": 2, "tool": "conforme 0.0.0", "started": "2026-01-02T03:04:05.678901Z",
        "target": "staging", "base_url": "https://api.example.com", "suites": 1, "cases": cases, "secrets": ["TOKEN"],
        "suite_hash": "abc", "commit": "def", "flaky": "fail",
    })
}

fn case(index: usize, id: &str, verdict: &str) -> Value {
    json!({
        "event": "case-finished", "id": id, "suite": id.split('/').next(), "index": index,
        "location": { "file": format!("cases/{id}.yaml"), "line": index + 1, "column": 1 },
        "verdict": verdict, "elapsed_us": 0,
    })
}

/// A case with more or other fields.
#[expect(
    clippy::needless_pass_by_value,
    reason = "each list is next to the test that uses it"
)]
fn with(mut case: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        case[name] = value.clone();
    }
    case
}

fn request() -> Value {
    json!({
        "method": "POST", "url": "https://api.example.com/b", "headers": [["authorization", "Bearer $TOKEN"]],
        "body": { "text": "{\"a\": \"it's\",\n \"b\": \"<&>\"}" },
    })
}

fn exchange_with(status: u16) -> Value {
    json!({
        "request": request(),
        "outcome": { "response": {
            "version": "HTTP/1.1", "status": status, "headers": [], "body": { "text": "{}" },
            "received": "2026-01-02T03:04:06Z", "elapsed_us": 12_345,
        } },
    })
}

fn timed_out() -> Value {
    json!({
        "reason": "no response within 10s", "started": "2026-01-02T03:04:05.500000Z", "elapsed_us": 10_000_400,
        "exchange": {
            "request": request(),
            "outcome": { "failure": { "kind": "timeout", "message": "no response within 10s", "elapsed_us": 10_000_400 } },
        },
    })
}

fn wrong_status() -> Value {
    json!({
        "started": "2026-01-02T03:04:06.000000Z", "elapsed_us": 12_345, "exchange": exchange_with(500),
        "findings": [
            {
                "check": "status", "level": "deny", "message": "unexpected status",
                "expected": "200", "actual": "500",
                "location": { "file": "cases/s/b.yaml", "line": 8, "column": 11 },
            },
            {
                "check": "body/json", "level": "deny", "message": "unexpected value", "pointer": "/n",
                "diff": "@@ -1,1 +1,1 @@\n-{\"n\": 1}\n+{\"n\": 2}\n",
            },
            {
                "check": "http/date", "level": "warn", "message": "there is no `Date`", "expected": "a `date` header",
                "actual": "(absent)",
            },
        ],
    })
}

fn finished(stopped: Option<&str>) -> Value {
    let mut event = json!({
        "event": "run-finished", "counts": {
            "passed": 0, "failed": 0, "errored": 0, "skipped": 0, "not_run": 0, "warnings": 0,
        },
        "elapsed_us": 10_100_000, "exit_code": 1,
    });
    if let Some(stopped) = stopped {
        event["stopped"] = json!(stopped);
    }
    event
}

/// Both reports of a recording: `junit` is valid and its counts are right, `tap` is well-formed.
fn reports(events: &[Value]) -> (Element, String, String) {
    let project = Project::new(&[("run.ndjson", &agreeing(events))]);
    let ran = project.run(&[
        "report",
        "run.ndjson",
        "--report",
        "junit=j.xml",
        "--report",
        "tap=t.tap",
    ]);
    assert_eq!(ran.code, report_code(events), "{}", ran.stderr);
    let (junit, tap) = (project.read("j.xml"), project.read("t.tap"));
    (checked_junit(&project), junit, checked_tap(&tap).map(|()| tap).unwrap())
}

/// An element of XML: its name, attributes, text and children.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(crate) fn read(xml: &str) -> Self {
        let mut reader = Reader::from_str(xml);
        let mut open = vec![Element::default()];
        loop {
            match reader.read_event().expect("well-formed XML") {
                Xml::Start(start) => open.push(Self::of(&start)),
                Xml::Empty(start) => open.last_mut().unwrap().children.push(Self::of(&start)),
                Xml::End(_) => {
                    let done = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(done);
                }
                Xml::Text(text) => open.last_mut().unwrap().text += &text,
                Xml::GeneralRef(name) => {
                    let whole = format!("&{};", &*name);
                    open.last_mut().unwrap().text += &quick_xml::escape::unescape(&whole).unwrap();
                }
                Xml::Decl(_) => {}
                Xml::Eof => break,
                other => panic!("a report has no {other:?}"),
            }
        }
        let mut root = open.pop().unwrap();
        assert!(open.is_empty());
        assert_eq!(root.children.len(), 1);
        root.children.remove(0)
    }

    fn of(start: &quick_xml::events::BytesStart) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
            (attribute.key.as_ref().to_owned(), value)
        });
        Self {
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{} has no {name}", self.name)).1
    }

    fn number(&self, name: &str) -> usize {
        self.get(name).parse().unwrap()
    }

    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of this element and of all that are in it.
    pub(crate) fn texts(&self) -> String {
        let inner = self.children.iter().map(Self::texts);
        inner.fold(self.text.clone(), |all, text| all + &text)
    }

    /// The test case of this name.
    fn case(&self, name: &str) -> &Element {
        let mut cases = self.all("testsuite").flat_map(|suite| suite.all("testcase"));
        cases.find(|case| case.get("name") == name).expect("the case is listed")
    }
}

/// Reads `j.xml` of a project, after the checks that apply to every report.
pub(crate) fn checked_junit(project: &Project) -> Element {
    let xml = project.read("j.xml");
    let allowed =
        |c: char| c == '\n' || c == '\t' || (c >= ' ' && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'));
    assert!(xml.chars().all(allowed), "{xml}");
    let root = Element::read(&xml);
    assert!(!root.texts().contains("[[ATTACHMENT|"));
    assert_eq!(root.name, "testsuites");
    let millis = |element: &Element| element.get("time").replace('.', "").parse::<u64>().unwrap();
    let (mut all, mut time) = ([0; 3], 0);
    for suite in root.all("testsuite") {
        let with = |name: &str| suite.all("testcase").filter(|case| case.child(name).is_some()).count();
        let counted = [
            suite.all("testcase").count(),
            with("failure"),
            with("error"),
            with("skipped"),
        ];
        let said = ["tests", "failures", "errors", "skipped"].map(|name| suite.number(name));
        assert_eq!(counted, said, "{}", suite.get("name"));
        assert_eq!(suite.all("testcase").map(millis).sum::<u64>(), millis(suite));
        for (sum, one) in all.iter_mut().zip(said) {
            *sum += one;
        }
        time += millis(suite);
    }
    assert_eq!(all, ["tests", "failures", "errors"].map(|name| root.number(name)));
    assert_eq!(time, millis(&root));
    let mut schemas = vec![repository().join("tests/it/reports_ci/junit.xsd")];
    // A published schema whose root is `testsuites`, such as junit-10.xsd.
    schemas.extend(std::env::var_os("CONFORME_TEST_JUNIT_XSD").map(Into::into));
    for schema in schemas {
        let file = project.path().join("j.xml");
        let Ok(output) = Command::new("xmllint")
            .args(["--noout", "--schema"])
            .arg(&schema)
            .arg(file)
            .output()
        else {
            eprintln!("skipped: `xmllint` is not installed");
            break;
        };
        let ran = crate::support::Ran::from(output);
        assert_eq!(ran.code, 0, "{}: {}\n{xml}", schema.display(), ran.stderr);
    }
    root
}

/// Checks of every TAP report: a line is of one of the kinds that the specification knows, points are numbered, and
/// every text in a block is one JSON string on one line.
pub(crate) fn checked_tap(tap: &str) -> Result<(), String> {
    let mut lines = tap.split_terminator('\n');
    let planned: usize = match (lines.next(), lines.next()) {
        (Some("TAP version 14"), Some(plan)) => {
            let plan = plan.strip_prefix("1..").ok_or("no plan")?;
            plan.split(' ')
                .next()
                .unwrap_or_default()
                .parse()
                .map_err(|_| "no plan")?
        }
        _ => return Err("no head".to_owned()),
    };
    let (mut points, mut bailed, mut is_in_block) = (0, false, false);
    for line in lines {
        if line.chars().any(char::is_control) {
            return Err(format!("a control character: {line}"));
        }
        if bailed {
            return Err(format!("after bailing out: {line}"));
        }
        if is_in_block {
            if line == "  ..." {
                is_in_block = false;
                continue;
            }
            let rest = line.strip_prefix("  ").ok_or(format!("not indented: {line}"))?;
            let entry = rest.trim_start().trim_start_matches("- ");
            let value = match entry.split_once(": ") {
                Some((key, value)) if !key.starts_with('"') => value,
                _ if entry.ends_with(':') => continue,
                _ => entry,
            };
            // JSON has no `\U`, which YAML takes for characters past U+FFFF.
            let value = value.replace("\\U000e", "\\ue").replace("\\U0010", "\\u10");
            serde_json::from_str::<Value>(&value).map_err(|error| format!("{error}: {line}"))?;
        } else if line == "  ---" {
            is_in_block = true;
        } else if line.starts_with("Bail out! ") {
            bailed = true;
        } else if !line.starts_with("# ") {
            points += 1;
            let (ok, not_ok) = (format!("ok {points} - "), format!("not ok {points} - "));
            if !line.starts_with(&ok) && !line.starts_with(&not_ok) {
                return Err(format!("no test point {points}: {line}"));
            }
        }
    }
    if is_in_block || (points != planned && !bailed) {
        return Err(format!("{points} of {planned} points"));
    }
    Ok(())
}

/// Every verdict once.
fn every_verdict() -> Vec<Value> {
    vec![
        started(6),
        with(
            case(4, "s/e[a # b]", "skipped"),
            json!({ "reason": "the target has no `x` # yet" }),
        ),
        with(
            case(0, "s/a", "passed"),
            json!({
                "name": "All is well", "tags": ["fast", "read"], "started": "2026-01-02T03:04:05.700000Z", "elapsed_us": 1499,
                "findings": [wrong_status()["findings"][2]], "exchange": exchange_with(200),
            }),
        ),
        with(
            with(case(1, "s/b", "failed"), wrong_status()),
            json!({ "name": "It is what it is" }),
        ),
        with(
            with(case(2, "s/c", "errored"), timed_out()),
            json!({ "earlier": [wrong_status(), timed_out()] }),
        ),
        with(
            case(3, "s/d", "flaky"),
            json!({ "elapsed_us": 2000, "exchange": exchange_with(200), "earlier": [timed_out()] }),
        ),
        with(
            case(5, "t/f", "not-run"),
            json!({ "reason": "the run was interrupted by SIGINT" }),
        ),
        finished(Some("interrupted")),
    ]
}

#[test]
fn junit_lists_every_verdict_in_plan_order() {
    let (_, junit, _) = reports(&every_verdict());
    snapshot("reports_ci", "every-verdict.xml", &junit);
}

#[test]
fn tap_lists_every_verdict_in_completion_order() {
    let (_, _, tap) = reports(&every_verdict());
    snapshot("reports_ci", "every-verdict.tap", &tap);
}

#[test]
fn a_flaky_case_is_no_failure_where_the_target_lets_it_pass() {
    let mut events = every_verdict();
    events[0]["flaky"] = json!("pass");
    let (junit, _, tap) = reports(&events);
    let flaky = junit.case("d");
    assert!(flaky.child("failure").is_none());
    let earlier = flaky.child("flakyError").expect("the earlier attempt is listed");
    assert_eq!(earlier.get("type"), "timeout");
    assert!(earlier.child("stackTrace").unwrap().text.contains("reproduce: curl "));
    assert!(tap.contains("\nok 5 - s/d\n  ---\n  verdict: \"flaky\"\n"), "{tap}");
}

#[test]
fn previous_attempts_are_listed_by_kind() {
    let failed = with(
        with(case(0, "s/a", "failed"), wrong_status()),
        json!({ "earlier": [wrong_status(), timed_out(), wrong_status()] }),
    );
    let (junit, _, tap) = reports(&[started(1), failed, finished(None)]);
    let listed: Vec<_> = junit
        .case("a")
        .children
        .iter()
        .map(|child| child.name.as_str())
        .collect();
    assert_eq!(listed, ["failure", "rerunFailure", "rerunFailure", "rerunError"]);
    let messages: Vec<_> = junit
        .case("a")
        .all("rerunFailure")
        .map(|child| child.get("message"))
        .collect();
    assert!(
        messages[0].starts_with("attempt 1: status: ") && messages[1].starts_with("attempt 3: status: "),
        "{messages:?}"
    );
    assert_eq!(tap.matches("\n    - \"attempt ").count(), 4, "{tap}");
}

#[test]
fn what_an_api_returns_never_acts_in_a_report() {
    let hostile = |verdict: &str, index: usize| {
        let finding = |level: &str| {
            json!({
                "check": format!("header/{HOSTILE}"), "level": level, "message": HOSTILE, "expected": HOSTILE,
                "actual": HOSTILE, "pointer": HOSTILE,
            })
        };
        let diff = with(
            finding("deny"),
            json!({ "diff": format!("-{HOSTILE}\n+::error::x\n ::error::y\n") }),
        );
        let mut exchange = exchange_with(500);
        exchange["request"]["url"] = json!(format!("https://api.example.com/{HOSTILE}"));
        exchange["request"]["body"] = json!({ "text": HOSTILE });
        exchange["outcome"]["response"]["version"] = json!(HOSTILE);
        let findings = match verdict {
            "passed" => vec![finding("warn")],
            _ => vec![finding("deny"), finding("warn"), diff],
        };
        let one = json!({ "elapsed_us": 1, "reason": HOSTILE, "findings": findings, "exchange": exchange });
        let listed = json!({
            "id": format!("s{HOSTILE}/{HOSTILE}{index}"), "suite": format!("s{HOSTILE}"), "name": HOSTILE, "tags": [HOSTILE],
            "earlier": if verdict == "flaky" { vec![one.clone()] } else { Vec::new() }, "snapshot": HOSTILE,
            "location": { "file": HOSTILE, "line": 1, "column": 1 },
        });
        with(with(case(index, "s/a", verdict), one), listed)
    };
    let verdicts = ["passed", "failed", "errored", "flaky", "skipped", "not-run"];
    let run = with(
        started(6),
        json!({ "target": HOSTILE, "base_url": HOSTILE, "tool": HOSTILE, "commit": HOSTILE }),
    );
    let mut events = vec![run];
    events.extend(
        verdicts
            .iter()
            .enumerate()
            .map(|(index, verdict)| hostile(verdict, index)),
    );
    events.push(json!({ "event": "snapshot-unused", "path": HOSTILE }));
    events.push(finished(None));
    let (junit, xml, tap) = reports(&events);
    assert_eq!(
        (junit.number("tests"), junit.number("failures"), junit.number("errors")),
        (6, 2, 2)
    );
    assert!(!xml.contains("<script>") && !xml.contains("]]>"));
    assert!(xml.lines().all(|line| !line.trim_start().starts_with("::error::y")));
    // One line a point, however the id is written, and none of them skipped but the one that was.
    let points: Vec<_> = tap
        .lines()
        .filter(|line| line.contains("ok ") && !line.starts_with([' ', '#']))
        .collect();
    assert_eq!(points.len(), 6, "{points:#?}");
    assert_eq!(points.iter().filter(|line| line.contains(" # SKIP ")).count(), 1);
    assert_eq!(points.iter().filter(|line| line.starts_with("ok ")).count(), 2);
}

#[test]
fn ids_of_any_length_and_spelling_stay_whole() {
    let long = format!("s/{}", "é#\\]\"'<".repeat(2000));
    let events = [
        started(3),
        case(0, &long, "passed"),
        with(case(1, "x", "passed"), json!({ "suite": "s" })),
        case(2, "s/a/b[c/d]", "passed"),
        finished(None),
    ];
    let (junit, _, tap) = reports(&events);
    let names: Vec<_> = junit.children[0].all("testcase").map(|case| case.get("name")).collect();
    assert_eq!(names, [&long[2..], "x", "a/b[c/d]"]);
    assert!(tap.contains(&format!("ok 1 - {}\n", long.replace('\\', "\\\\").replace('#', "\\#"))));
}

#[test]
fn a_run_of_nothing_and_a_run_of_skips_are_reports_too() {
    let (junit, _, tap) = reports(&[started(0), finished(None)]);
    assert_eq!((junit.number("tests"), junit.children.len()), (0, 0));
    let none = "No case ran";
    assert_eq!(
        tap,
        format!(
            "TAP version 14\n1..0 # no case was selected\n# {none}: 0 of 0 cases passed, 0 skipped\n# 0 cases against staging\n"
        )
    );
    let skipped = |index: usize| {
        with(
            case(index, &format!("s/{index}"), "skipped"),
            json!({ "reason": "off" }),
        )
    };
    let (junit, _, tap) = reports(&[started(2), skipped(0), skipped(1), finished(None)]);
    assert_eq!((junit.number("tests"), junit.children[0].number("skipped")), (2, 2));
    assert_eq!(
        tap,
        format!(
            "TAP version 14\n1..2\nok 1 - s/0 # SKIP off\nok 2 - s/1 # SKIP off\n# {none}: 0 of 2 cases passed, 2 skipped\n# 2 cases against staging\n"
        )
    );
}

#[test]
fn a_recording_that_breaks_off_is_red_in_both_reports() {
    let (junit, _, tap) = reports(&[started(3), case(0, "s/a", "passed")]);
    assert_eq!((junit.number("tests"), junit.number("errors")), (2, 1));
    let error = junit.case("the run is complete").child("error").unwrap();
    assert_eq!(error.get("type"), "incomplete");
    assert!(error.get("message").ends_with(": 1 of 3 cases reported"), "{error:?}");
    let last = "\nBail out! the recording ends before the run does: 1 of 3 cases reported\n";
    assert!(tap.ends_with(last), "{tap}");
    // The same if the last verdict is reported and only the end is missing.
    let (junit, _, tap) = reports(&[started(1), case(0, "s/a", "passed")]);
    assert_eq!((junit.number("tests"), junit.number("errors")), (2, 1));
    assert!(tap.contains("\nBail out! the recording ends"), "{tap}");
}

#[test]
fn cases_that_were_not_run_are_no_passes() {
    let not_run = |index: usize| {
        let why = json!({ "reason": "the run was stopped by --max-fail" });
        with(case(index, &format!("s/{index}"), "not-run"), why)
    };
    let (junit, _, tap) = reports(&[started(2), not_run(0), not_run(1), finished(Some("max-fail"))]);
    assert_eq!((junit.number("tests"), junit.number("errors")), (2, 2));
    assert_eq!(junit.case("0").child("error").unwrap().get("type"), "not-run");
    assert!(
        tap.contains("\nnot ok 2 - s/1\n") && tap.contains("\n# No verdict: stopped by --max-fail;"),
        "{tap}"
    );
}

#[test]
fn report_order_is_plan_order_for_any_completion_order() {
    let mut events = vec![started(300)];
    for index in (0..300).rev() {
        let suite = ["b", "a", "c"][index % 3];
        let verdict = ["passed", "failed", "skipped", "errored", "not-run"][index % 5];
        let more = json!({ "elapsed_us": index * 777, "findings": wrong_status()["findings"] });
        events.push(with(case(index, &format!("{suite}/{index}"), verdict), more));
    }
    events.push(finished(None));
    let (junit, _, _) = reports(&events);
    let suites: Vec<_> = junit.children.iter().map(|suite| suite.get("name")).collect();
    assert_eq!(suites, ["b", "a", "c"]);
    for suite in &junit.children {
        let cases: Vec<_> = suite.all("testcase").map(|case| case.number("name")).collect();
        assert!(cases.len() == 100 && cases.is_sorted(), "{cases:?}");
    }
}

#[test]
fn hostile_api_reports_are_whole_and_bounded() {
    let mut body = String::from("{\"a\":1");
    for key in 0..300_000 {
        write!(body, ",\"]]>{key}\":\"\\u001b\"").unwrap();
    }
    body.push('}');
    let head = "HTTP/1.1 500 <script>\nContent-Type: application/json\nX-Id: ::error::\u{202e} ]]> a-secret-token";
    let (large, small) = (
        response(head, &body),
        response(head, "{\"a\":\"]]>\\u0000a-secret-token\"}"),
    );
    let malformed = response("HTTP/1.1 200 OK\nX-Id: \u{1b}[31m\0 ]]>", "");
    let server = Server::start(move |request| {
        let bytes = match request.split(' ').nth(1) {
            Some("/") => &large,
            Some("/small") => &small,
            _ => &malformed,
        };
        (bytes.clone(), Then::Keep)
    });
    let expect = "status: 200\nheaders: { x-id: ok }\nbody:\n  exact: { a: 1 }\n";
    let project = Project::of_case(expect);
    project.write("cases/s/suite.yaml", "inputs: { token: { secret: true } }\n");
    let json = indent("status: 200\nbody: { json: { a: 2, b: { c: 1 } } }");
    project.write(
        "cases/s/d.yaml",
        &format!(
            "request: {{ path: /small, headers: {{ Authorization: \"Bearer {{{{ token }}}}\" }} }}\nexpect:\n{json}"
        ),
    );
    project.write(
        "cases/s/e.yaml",
        "request: { path: /malformed }\nexpect: { status: 200 }\n",
    );
    let mut command = project.command(&[
        "run",
        "--target",
        &server.url(),
        "--report",
        "junit=j.xml",
        "--report",
        "tap=t.tap",
    ]);
    let ran = ran(command.env("CONFORME_SECRET_TOKEN", "a-secret-token"));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let junit = checked_junit(&project);
    let tap = project.read("t.tap");
    checked_tap(&tap).unwrap();
    let xml = project.read("j.xml");
    for report in [&xml, &tap] {
        assert!(report.len() < 1 << 20, "{}", report.len());
        assert!(!report.contains("a-secret-token") && report.contains("$TOKEN"));
    }
    assert_eq!((junit.number("tests"), junit.number("failures")), (3, 3));
    let failure = junit.case("d").child("failure").unwrap();
    let status = "\nstatus: expected 200, got 500\n";
    assert!(failure.text.contains(status), "{}", failure.text);
    assert!(
        failure
            .text
            .contains(&format!("reproduce: curl -sS -i {}/small ", server.url())),
        "{}",
        failure.text
    );
}

#[test]
fn case_with_steps_is_one_item_in_every_report() {
    let events = agreeing(&[
        started(1),
        with(case(0, "s/a", "failed"), wrong_status()),
        finished(None),
    ]);
    let lines = events.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        if event["event"] == "case-finished" {
            let mut last = event["steps"][0].clone();
            last["id"] = json!("shipped");
            let first = json!({ "id": "create", "elapsed_us": 5000, "exchange": exchange_with(201) });
            event["steps"] = json!([first, last]);
        }
        format!("{event}\n")
    });
    let project = Project::new(&[("run.ndjson", &lines.collect::<String>())]);
    let formats = [
        "junit=j.xml",
        "tap=t.tap",
        "markdown=m.md",
        "github=g.log",
        "sarif=s.sarif",
        "html=p.html",
    ];
    let mut arguments = vec!["report", "run.ndjson"];
    arguments.extend(formats.iter().flat_map(|format| ["--report", format]));
    let ran = project.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let junit = checked_junit(&project);
    checked_tap(&project.read("t.tap")).unwrap();
    let (create, shipped) = (
        "step create [0.005s]: POST https://api.example.com/b, passed\n",
        "step shipped [0.012s]: POST https://api.example.com/b, failed\n",
    );
    assert_eq!(junit.number("tests"), 1);
    let failure = &junit.case("a").child("failure").unwrap().text;
    assert!(failure.contains(create) && failure.contains(shipped), "{failure}");
    assert_eq!(failure.matches("\nreproduce: curl ").count(), 2, "{failure}");
    for text in [&project.read("m.md"), &ran.stdout] {
        let text = text.replace("    step", "step");
        assert!(text.contains(create) && text.contains(shipped), "{text}");
    }
    assert!(project.read("t.tap").contains(&create.replace('\n', "\"\n")));
    let headline = "step shipped: status: expected 200, got 500 (and 1 more)";
    assert!(project.read("m.md").contains(headline), "{}", project.read("m.md"));
    let sarif: Value = serde_json::from_str(&project.read("s.sarif")).unwrap();
    let names = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let mut names = names.map(|result| &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]);
    assert!(names.all(|name| name == "s/a:shipped"));
    let page = project.read("p.html");
    assert!(
        page.contains("\"curls\":[{\"line\":\"curl ") && page.contains("\"id\":\"shipped\""),
        "{page}"
    );
}
