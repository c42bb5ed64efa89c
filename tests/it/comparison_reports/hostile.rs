//! What a server sends is text in every format, and no format grows without bound.

use conforme::{
    compare::{ComparedVersion, Comparison, Matrix},
    coverage::Coverage,
    report::{Format, ShowOptions},
};
use proptest::prelude::*;
use pulldown_cmark::{Event as Markdown, Options, Parser, Tag, TagEnd};
use serde_json::Value;

use super::{
    made::{coverage, portal, regions},
    report, shown,
};
use crate::{
    log_commands::commands,
    reports_ci::{Element, checked_junit, checked_tap},
    support::Project,
};

/// What acts on a terminal, in a CI log, in Markdown, in HTML, in XML and in TAP.
const HOSTILE: &str = "`` @evil #1 <http://evil.example> \u{1b}[31mred\u{7}\0\r\n::error::x\n  ::add-mask::x\n##[error]x ##vso[task.complete]x\n\
                       ##teamcity[x]\n...\nnot ok 1 - x # SKIP\nBail out!\n```\n~~~\n</code></pre></details></summary>\n\n<script>alert(1)</script>\n\
                       ![x](http://evil.example/x) [y](javascript:z) ]]>&amp;<!-- | a | b | %0A::error::x \u{202e}bidi\u{2066} {0} \
                       [[ATTACHMENT|/etc/passwd]] \\ \" ' \t漢字 😀 \u{2028}\u{feff}\u{fffe}\u{ffff}\u{9b}\u{e0041} @@style@@";

/// Every text of a comparison is this one.
fn spoiled(comparison: &Comparison, text: &str) -> Comparison {
    // By way of its JSON, so that no text is forgotten.
    let mut value = serde_json::to_value(comparison).unwrap();
    spoil(&mut value, "", text);
    serde_json::from_value(value).expect("a comparison")
}

fn spoil(value: &mut Value, name: &str, text: &str) {
    // What is no text, but written as one.
    let is_fixed = [
        "started",
        "received",
        "level",
        "fail_on",
        "baseline_verdict",
        "candidate_verdict",
        "stopped",
        "dimension",
        "kind",
    ];
    match value {
        Value::String(own) if !is_fixed.contains(&name) => text.clone_into(own),
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, name, text)),
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| spoil(value, name, text)),
        _ => {}
    }
}

fn drifted(comparison: &Comparison, text: &str) -> Matrix {
    let mut matrix = regions();
    let rename = |side: &mut ComparedVersion| (side.name, side.base_url) = (text.to_owned(), text.to_owned());
    matrix.targets.iter_mut().for_each(rename);
    for row in &mut matrix.rows {
        text.clone_into(&mut row.case);
        row.reasons.fill(Some(text.to_owned()));
    }
    matrix.drift = vec![comparison.clone(), comparison.clone()];
    matrix
}

/// All formats but a folder of results, which is of runs only.
fn formats() -> impl Iterator<Item = Format> {
    let all = Format::NAMES.iter().map(|(_, format)| *format);
    all.filter(|format| !format.is_folder())
}

/// All reports of a comparison, by format.
fn all(comparison: &Comparison, matrix: &Matrix) -> Vec<(Format, String)> {
    let single = formats().map(|format| (format, report(format, comparison)));
    let several = formats().map(|format| (format, report(format, matrix)));
    single.chain(several).collect()
}

fn acts(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Each format is what it claims to be, and nothing in it acts.
fn check(comparison: &Comparison, matrix: &Matrix) {
    for verbose in [false, true] {
        let options = ShowOptions {
            verbose,
            ..ShowOptions::default()
        };
        for text in [shown(comparison, options), shown(matrix, options)] {
            check_terminal(&text);
        }
    }
    check_formats(all(comparison, matrix));
}

fn check_terminal(text: &str) {
    assert!(!text.contains(acts), "{text}");
    assert_eq!(commands(text), [] as [&str; 0]);
}

fn check_formats(reports: Vec<(Format, String)>) {
    for (format, text) in reports {
        match format {
            // As it is: JSON spells out what must be, and nothing more.
            Format::Json => drop(serde_json::from_str::<Value>(&text).unwrap()),
            Format::JUnit => drop(Element::read(&text)),
            Format::Tap => checked_tap(&text).unwrap(),
            Format::Markdown => check_markdown(&text),
            Format::GitHub => check_annotations(&text),
            Format::Sarif => check_sarif(&serde_json::from_str(&text).unwrap()),
            Format::Html => check_html(&text),
            // Other commands reject it.
            Format::Shell | Format::Har => {}
            other => panic!("{other:?} is not checked"),
        }
        if !matches!(format, Format::Json | Format::Har) {
            assert!(!text.replace('\t', "").contains(acts), "{format:?}\n{text}");
        }
        if format != Format::GitHub {
            assert_eq!(commands(&text), [] as [&str; 0], "{format:?}");
        }
    }
}

/// Text that is not the report's own is in code only.
fn check_markdown(markdown: &str) {
    assert!(markdown.len() < 65_536, "{}", markdown.len());
    let (mut is_code, mut open) = (false, 0);
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Markdown::Start(Tag::CodeBlock(_)) => is_code = true,
            Markdown::End(TagEnd::CodeBlock) => is_code = false,
            Markdown::Text(text) if !is_code => {
                // A name that ends in a colon is followed by one.
                for sign in [
                    "evil",
                    "alert",
                    "@",
                    "#",
                    "bidi",
                    "script",
                    "::error",
                    "::add-mask",
                    "http",
                ] {
                    assert!(!text.contains(sign), "{text}\n{markdown}");
                }
            }
            Markdown::Html(html) => match html.trim_end() {
                "<details>" => open += 1,
                "</details>" => open -= 1,
                summary => {
                    let inner = summary
                        .strip_prefix("<summary>")
                        .and_then(|rest| rest.strip_suffix("</summary>"));
                    let own = ["<b>", "</b>", "<code>", "</code>"];
                    let bare = own
                        .iter()
                        .fold(inner.expect(summary).to_owned(), |text, tag| text.replace(tag, ""));
                    assert!(!bare.contains(['<', '>', '\n']), "{summary}");
                }
            },
            Markdown::InlineHtml(html) => assert_eq!(&*html, "<br>"),
            Markdown::Start(
                Tag::Paragraph
                | Tag::Heading { .. }
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell
                | Tag::List(_)
                | Tag::Item
                | Tag::HtmlBlock
                | Tag::BlockQuote(_)
                | Tag::Strong,
            )
            | Markdown::End(_)
            | Markdown::Text(_)
            | Markdown::Code(_)
            | Markdown::SoftBreak => {}
            other => panic!("a report has no {other:?}\n{markdown}"),
        }
        assert!((0..=1).contains(&open), "{markdown}");
    }
    assert!(!is_code && open == 0, "{markdown}");
}

fn check_annotations(log: &str) {
    for line in log.lines() {
        let (head, message) = line.strip_prefix("::").expect(line).split_once("::").expect(line);
        let (level, properties) = head.split_once(' ').expect(line);
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        for property in properties.split(',') {
            let (name, _) = property.split_once('=').expect(line);
            assert!(["file", "line", "col", "title"].contains(&name), "{line}");
        }
        assert!(message.len() < 12 << 10, "{}", message.len());
    }
}

fn check_sarif(sarif: &Value) {
    assert_eq!(sarif["version"], "2.1.0");
    let mut identities = std::collections::BTreeSet::new();
    for run in sarif["runs"].as_array().unwrap() {
        identities.insert(run["automationDetails"]["id"].to_string());
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let number = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[number]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            let text = result["message"]["text"].as_str().unwrap();
            let bare = text.replace("{{", "").replace("}}", "");
            assert!(!bare.contains(['{', '}']) && !text.contains("]("), "{text}");
        }
    }
    // The schema of the standard; it is not in this repository, for its licence.
    if let Some(path) = std::env::var_os("CONFORME_TEST_SARIF_SCHEMA") {
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(sarif).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

/// Every element is one of the page's own and is closed where it must be.
fn check_html(html: &str) {
    let own = [
        "html", "head", "title", "style", "body", "a", "header", "main", "footer", "div", "section", "svg", "path",
        "circle", "line", "text", "h1", "h2", "h3", "h4", "p", "span", "b", "i", "code", "pre", "ol", "ul", "li",
        "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "time", "fieldset", "legend",
        "label", "button",
    ];
    let void = ["meta", "link", "input", "br"];
    let mut open = Vec::new();
    let (head, rest) = html.split_once("<style>").expect("a style");
    let (style, rest) = rest.split_once("</style>").expect("its end");
    assert!(!style.contains('<'));
    let html = format!("{}{rest}", head.strip_prefix("<!DOCTYPE html>").expect("a document"));
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{part}");
            continue;
        }
        let name = tag.split([' ', '\n']).next().unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if !tag.ends_with('/') && !void.contains(&name) {
            assert!(own.contains(&name), "{tag}");
            open.push(name);
        } else {
            assert!(own.contains(&name) || void.contains(&name), "{tag}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_a_server_sends_is_text_in_every_format() {
    let comparison = spoiled(&portal(), HOSTILE);
    let matrix = drifted(&comparison, HOSTILE);
    check(&comparison, &matrix);
    for junit in [report(Format::JUnit, &comparison), report(Format::JUnit, &matrix)] {
        checked_junit(&Project::new(&[("j.xml", &junit)]));
    }
}

#[test]
fn coverage_is_text_in_every_format() {
    let mut value = serde_json::to_value(coverage()).unwrap();
    spoil(&mut value, "", HOSTILE);
    let spoiled: Coverage = serde_json::from_value(value).expect("a coverage report");
    for verbose in [false, true] {
        let options = ShowOptions {
            verbose,
            ..ShowOptions::default()
        };
        check_terminal(&shown(&spoiled, options));
    }
    check_formats(formats().map(|format| (format, report(format, &spoiled))).collect());
    checked_junit(&Project::new(&[("j.xml", &report(Format::JUnit, &spoiled))]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_texts_are_every_format_can_be_read(text in "(?s)(.|[`|<>&\"'#:\\[\\]\\\\\n\r\t-]|\\PC){0,40}") {
        let comparison = spoiled(&portal(), &text);
        check(&comparison, &drifted(&comparison, &text));
    }
}

#[test]
fn text_that_ends_like_a_command_is_text_in_every_format() {
    for text in [
        ":", "a:", "::", "a::", ":a", "::a::", "a%", "#", "a,", "a=", "]", "a\\", "`", "\r:", "a:\n",
    ] {
        let comparison = spoiled(&portal(), text);
        check(&comparison, &drifted(&comparison, text));
    }
}

#[test]
fn large_values_and_many_changes_are_shortened_visibly() {
    let mut comparison = portal();
    comparison.changes.truncate(1);
    comparison.accepted.clear();
    let mut comparison = spoiled(&comparison, &"<é`|".repeat(200_000));
    // What the project itself is called is no text of a server.
    (comparison.candidate.folder, comparison.baseline.folder) = (None, None);
    let one = comparison.changes.remove(0);
    let mut small = portal().changes.remove(0);
    small.cases.truncate(1);
    let mut broad = small.clone();
    broad.cases = vec!["send-activation-email/a".to_owned(); 5000];
    comparison.changes = (0..10_000)
        .map(|number| {
            // A few are large, a few have many cases, and all are many.
            let mut change = match number {
                0..3 => one.clone(),
                3..100 => broad.clone(),
                _ => small.clone(),
            };
            change.fingerprint = format!("{number:016x}");
            change.pointer = Some(format!("/{number}"));
            change
        })
        .collect();
    comparison.summary.breaking = comparison.changes.len();
    comparison.noise = vec![comparison.noise[0].clone(); 50];
    for (format, most) in [
        (Format::Markdown, 65_536),
        (Format::GitHub, 1 << 20),
        (Format::JUnit, 64 << 20),
        (Format::Tap, 64 << 20),
        (Format::Sarif, 64 << 20),
        (Format::Html, 64 << 20),
    ] {
        let text = report(format, &comparison);
        assert!(text.len() < most, "{format:?}: {}", text.len());
        let left_out = text.contains("more changes") || text.contains(" are left out");
        assert!(left_out, "{format:?}");
    }
    let text = shown(&comparison, ShowOptions::default());
    assert!(
        text.len() < 1 << 20 && text.contains("9,900 more changes"),
        "{}",
        text.len()
    );
}
