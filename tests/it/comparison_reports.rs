//! Reports of a comparison in each format: examples, and hostile responses.

mod hostile;
mod made;

use conforme::{
    compare::{ChangeLevel, Comparison, Matrix},
    report::{Colors, Format, Report, ShowOptions},
};
use serde_json::Value;

use crate::{
    html::{chromium, opened},
    reports_ci::{checked_junit, checked_tap},
    support::{Project, conforme, ran, snapshot},
};
use made::same;
pub(crate) use made::{coverage, portal, regions};

fn shown<'s>(subject: impl Into<Report<'s>>, options: ShowOptions) -> String {
    let mut out = Vec::new();
    let report = subject.into();
    report
        .show(&mut out, Colors::new(false), options)
        .expect("a buffer can be written");
    String::from_utf8(out).expect("text")
}

pub(crate) fn report<'s>(format: Format, subject: impl Into<Report<'s>>) -> String {
    let mut out = Vec::new();
    subject.into().write(format, &mut out).expect("a buffer can be written");
    String::from_utf8(out).expect("text")
}

#[test]
fn same_change_of_a_header_field_is_shown_once() {
    let mut comparison = made::portal();
    let mut change = comparison.changes[0].clone();
    (change.pointer, change.header) = (None, Some("x-powered-by".to_owned()));
    comparison.changes = (0..14)
        .map(|number| {
            let (endpoint, fingerprint) = (Some(format!("GET /{number}")), format!("{number:016x}"));
            let before = Some(if number == 13 { "b" } else { "a" }.to_owned());
            let change = change.clone();
            conforme::compare::Change {
                endpoint,
                fingerprint,
                before,
                ..change
            }
        })
        .collect();
    let text = shown(&comparison, ShowOptions::default());
    let count = |part: &str, text: &str| text.matches(part).count();
    assert_eq!(
        (count("fingerprint ", &text), count("same at ", &text)),
        (2, 10),
        "{text}"
    );
    assert!(
        text.contains("same at GET /1 in ") && text.contains("… and 2 more endpoints"),
        "{text}"
    );
    let verbose = ShowOptions {
        verbose: true,
        ..ShowOptions::default()
    };
    assert_eq!(count("fingerprint ", &shown(&comparison, verbose)), 14);
}

#[test]
fn terminal_shows_the_verdict_before_the_changes() {
    snapshot(
        "comparison_reports",
        "portal.txt",
        &shown(&portal(), ShowOptions::default()),
    );
    let verbose = ShowOptions {
        verbose: true,
        ..ShowOptions::default()
    };
    snapshot("comparison_reports", "portal-verbose.txt", &shown(&portal(), verbose));
    snapshot(
        "comparison_reports",
        "regions.txt",
        &shown(&regions(), ShowOptions::default()),
    );
}

#[test]
fn only_commands_and_places_are_wider_than_a_terminal() {
    for text in [
        shown(&portal(), ShowOptions::default()),
        shown(
            &regions(),
            ShowOptions {
                verbose: true,
                ..ShowOptions::default()
            },
        ),
    ] {
        for line in text.lines().filter(|line| !line.contains("reproduce curl")) {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn quiet_terminal_shows_only_failures() {
    let quiet = ShowOptions {
        quiet: true,
        ..ShowOptions::default()
    };
    assert_eq!(shown(&same(), quiet), "");
    let text = shown(&portal(), quiet);
    assert!(
        text.contains("BREAKING") && !text.contains("WARNING") && !text.contains("noise"),
        "{text}"
    );
}

#[test]
fn the_other_formats_tell_the_same_comparison() {
    snapshot("comparison_reports", "portal.md", &report(Format::Markdown, &portal()));
    snapshot("comparison_reports", "portal.xml", &report(Format::JUnit, &portal()));
    snapshot("comparison_reports", "portal.tap", &report(Format::Tap, &portal()));
    snapshot("comparison_reports", "portal.log", &report(Format::GitHub, &portal()));
    let sarif: Value = serde_json::from_str(&report(Format::Sarif, &portal())).unwrap();
    snapshot(
        "comparison_reports",
        "portal.sarif",
        &serde_json::to_string_pretty(&sarif).unwrap(),
    );
    snapshot(
        "comparison_reports",
        "regions.md",
        &report(Format::Markdown, &regions()),
    );
    snapshot("comparison_reports", "regions.xml", &report(Format::JUnit, &regions()));
    snapshot("comparison_reports", "regions.tap", &report(Format::Tap, &regions()));
}

#[test]
fn json_is_the_comparison_as_it_is() {
    for comparison in [portal(), same()] {
        let read: Comparison = serde_json::from_str(&report(Format::Json, &comparison)).unwrap();
        assert_eq!(read, comparison);
    }
    let read: Matrix = serde_json::from_str(&report(Format::Json, &regions())).unwrap();
    assert_eq!(read, regions());
}

#[test]
fn comparison_json_matches_its_schema() {
    for (of, text) in [
        ("comparison", report(Format::Json, &portal())),
        ("comparison", report(Format::Json, &same())),
        ("matrix", report(Format::Json, &regions())),
    ] {
        let schema = ran(conforme().args(["schema", of])).stdout;
        let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{of}: {errors:?}");
        value["format"] = "one".into();
        assert!(!validator.is_valid(&value));
    }
}

#[test]
fn what_ci_systems_read_is_valid() {
    for (junit, tap) in [
        (report(Format::JUnit, &portal()), report(Format::Tap, &portal())),
        (report(Format::JUnit, &same()), report(Format::Tap, &same())),
        (report(Format::JUnit, &regions()), report(Format::Tap, &regions())),
    ] {
        checked_junit(&Project::new(&[("j.xml", &junit)]));
        checked_tap(&tap).unwrap();
    }
}

#[test]
fn junit_of_comparison_passes_only_with_verdict() {
    let clean = checked_junit(&Project::new(&[("j.xml", &report(Format::JUnit, &same()))]));
    assert_eq!(
        [clean.get("tests"), clean.get("failures"), clean.get("errors")],
        ["1", "0", "0"]
    );
    let mut unknown = same();
    unknown.summary.compared = 0;
    let unknown = checked_junit(&Project::new(&[("j.xml", &report(Format::JUnit, &unknown))]));
    assert_eq!(
        [unknown.get("tests"), unknown.get("failures"), unknown.get("errors")],
        ["1", "0", "1"]
    );
}

/// The verdict of each format that has one, in one line.
fn verdicts(comparison: &Comparison) -> Vec<String> {
    let html = report(Format::Html, comparison);
    let heading = html.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next());
    let markdown = report(Format::Markdown, comparison);
    let text = shown(comparison, ShowOptions::default());
    let tap = report(Format::Tap, comparison);
    let sarif: Value = serde_json::from_str(&report(Format::Sarif, comparison)).unwrap();
    let github = report(Format::GitHub, comparison);
    let github = github.lines().last().unwrap().rsplit("::").next().unwrap();
    vec![
        heading.unwrap().to_owned(),
        markdown.lines().next().unwrap()[3..].to_owned(),
        text.lines().next().unwrap().to_owned(),
        tap.lines().find_map(|line| line.strip_prefix("# ")).unwrap().to_owned(),
        sarif["runs"][0]["invocations"][0]["exitCodeDescription"]
            .as_str()
            .unwrap()
            .to_owned(),
        github.split(" (").next().unwrap().to_owned(),
    ]
}

#[test]
fn every_format_gives_the_same_verdict() {
    type Change = fn(&mut Comparison);
    let cases: [(&str, Change); 8] = [
        ("May be released: no change", |_| {}),
        ("May be released: nothing breaking, 2 warnings", |of| {
            (of.fail_on, of.changes, of.summary.warnings) =
                (Some(ChangeLevel::Breaking), portal().changes.split_off(3), 2);
        }),
        ("Must not be released: 2 warnings", |of| {
            (of.fail_on, of.changes, of.summary.warnings) =
                (Some(ChangeLevel::Warning), portal().changes.split_off(3), 2);
            of.summary.exit_code = 1;
        }),
        ("Breaking, but allowed by `--fail-on`: 3 breaking changes", |of| {
            (of.fail_on, of.changes, of.summary.breaking) = (None, portal().changes, 3);
        }),
        // If the totals and the changes disagree, the worse one counts.
        ("Must not be released", |of| of.changes = portal().changes),
        ("No verdict: no case was compared", |of| of.summary.compared = 0),
        ("No verdict: the comparison exits with 3", |of| of.summary.exit_code = 3),
        (
            "No verdict: the candidate is incomplete (interrupted by SIGINT)",
            |of| {
                (of.summary.exit_code, of.candidate.stopped) = (130, Some(conforme::model::Stop::Interrupted));
            },
        ),
    ];
    for (verdict, change) in cases {
        let mut comparison = same();
        change(&mut comparison);
        for said in verdicts(&comparison) {
            assert_eq!(said.trim_matches('`').split(" (").next(), verdict.split(" (").next());
        }
    }
}

#[test]
fn a_comparison_that_is_not_whole_says_so_whatever_its_verdict() {
    let mut comparison = portal();
    comparison.baseline.stopped = Some(conforme::model::Stop::Lost);
    comparison.candidate.suite_hash = "another".to_owned();
    for text in [
        shown(&comparison, ShowOptions::default()),
        report(Format::Markdown, &comparison),
        report(Format::Html, &comparison),
        report(Format::JUnit, &comparison),
        report(Format::Tap, &comparison),
        report(Format::Sarif, &comparison),
    ] {
        let text = text.replace("\n             ", " ");
        assert!(text.contains("The baseline is incomplete"), "{text}");
        assert!(text.contains("The suites of the two runs differ"), "{text}");
    }
}

#[test]
fn a_command_leaves_the_secrets_to_the_shell() {
    for format in [
        Format::Markdown,
        Format::JUnit,
        Format::GitHub,
        Format::Tap,
        Format::Sarif,
        Format::Html,
    ] {
        let text = report(format, &portal()).replace("&quot;", "\"").replace("\\\"", "\"");
        assert!(text.contains("'authorization: Bearer '\"$TOKEN\""), "{text}");
    }
}

/// The page as a browser reads it: nothing is blocked, and what is folded is there too.
#[test]
fn page_without_script_shows_changes_and_responses() {
    for (html, wanted) in [
        (
            report(Format::Html, &portal()),
            [
                "<h1>Must not be released: 3 breaking changes</h1>",
                "<span class=\"l gone here\"><i>-</i>  \"errorCode\": \"TenantNotPrimary\",</span>",
                "Latency: 4.0 ms → 3.3 ms, the median over 6 cases",
                "Required by the schema; clients that read it will fail",
            ],
        ),
        (
            report(Format::Html, &regions()),
            [
                "<h1>Drift: us differs from eu</h1>",
                "<span class=\"badge failed\">failed</span>",
                "<h2>asia-pacific agrees with eu</h2>",
                "<th scope=\"col\">asia-pacific</th>",
            ],
        ),
    ] {
        assert!(!html.contains("<script") && !html.contains("style=\""));
        for part in wanted {
            let source = html.replace("&quot;", "\"");
            assert!(source.contains(part), "{part}\n{source}");
        }
        let Some(browser) = chromium() else { continue };
        let project = Project::new(&[("page.html", &html)]);
        let dom = opened(browser, &project.path().join("page.html"), "");
        for part in wanted {
            assert!(dom.contains(part), "{part}\n{dom}");
        }
    }
}

#[test]
fn every_change_is_reachable_by_keyboard_with_a_name() {
    for html in [report(Format::Html, &portal()), report(Format::Html, &regions())] {
        // What folds and what filters are the browser's own elements, which keys reach.
        assert_eq!(
            html.matches("<li class=\"change ").count(),
            html.matches("<details><summary class=\"row\">").count()
        );
        assert!(!html.contains("onclick") && html.contains("<fieldset") && html.contains("<legend>"));
        // Whatever scrolls takes the focus and has a name; a picture has a text.
        for region in html
            .split("class=\"scroll\"")
            .skip(1)
            .chain(html.split("class=\"sbs\"").skip(1))
        {
            assert!(
                region.starts_with(" tabindex=\"0\" role=\"group\" aria-label=\""),
                "{}",
                &region[..80]
            );
        }
        for picture in html.split("<svg").skip(1) {
            let tag = picture.split('>').next().unwrap();
            let is_decoration = tag.contains("aria-hidden") || tag.contains("dumbbell");
            assert!(is_decoration || tag.contains("role=\"img\" aria-label=\""), "{tag}");
        }
    }
}

#[test]
fn cells_of_the_matrix_open_and_lead_to_changes() {
    let html = report(Format::Html, &regions());
    let count = |part: &str| html.matches(part).count();
    let cells = count("<button class=\"cell\" type=\"button\" popovertarget=\"cell-");
    assert_eq!(cells, regions().rows.len() * regions().targets.len());
    assert_eq!(cells, count("<div class=\"details\" popover id=\"cell-"));
    assert_eq!(cells, count("popovertargetaction=\"hide\""));
    assert!(
        html.contains("conforme run ") && html.contains(" --target us"),
        "{html}"
    );
    let links: Vec<_> = html.split("href=\"#change-").skip(1).collect();
    assert!(!links.is_empty());
    for link in links {
        let (id, _) = link.split_once('"').expect("an address");
        assert_eq!(count(&format!(" id=\"change-{id}\"")), 1, "{id}");
    }
    // The table has the width of the window; a comparison has columns to read.
    assert!(html.contains("<main class=\"wide\">"));
    assert!(!report(Format::Html, &portal()).contains("<main class"));
}
