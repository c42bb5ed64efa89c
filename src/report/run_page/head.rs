//! The page without its cases: the result, the facts of the run, the counts, and the first cases that did not pass.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use crate::{
    model::{Counts, RunFinished, RunStarted, Verdict},
    report::{
        causes::{Cause, Causes},
        escape::visible,
        links::Links,
        model::GateResult,
        summary::{headline, title},
        text::{cases, count, digest, duration, figure},
        write::page::{document, header},
    },
};

/// Verdicts in the order of their importance.
const ORDER: [Verdict; 6] = [
    Verdict::Failed,
    Verdict::Errored,
    Verdict::Flaky,
    Verdict::NotRun,
    Verdict::Skipped,
    Verdict::Passed,
];

/// The first cases that did not pass, by their position in the plan: verdict, id and reason.
pub(super) type Broken = BTreeMap<usize, (Verdict, String, String)>;

/// The page. `run` is JSON, and the element of the rows is empty.
pub(super) fn page(
    (started, finished, links): (Option<&RunStarted>, Option<&RunFinished>, &Links),
    (broken, causes): (&Broken, &Causes),
    run: &str,
    script: &str,
) -> Markup {
    let counts = finished.map_or_else(Counts::default, |finished| finished.counts);
    let outcome = finished.map_or(GateResult::NoVerdict, GateResult::of);
    let title = match started {
        Some(started) => format!("{} · {}", title(finished), visible(&started.target)),
        None => title(finished),
    };
    let facts = html! {
        button.quiet type="button" id="theme" hidden { "Theme: system" }
        dl.facts { (facts(started, finished, links)) }
        div id="vars" {}
    };
    let body = html! {
        a.skip href="#cases" id="skip" { "Skip to the cases" }
        (header(outcome, &headline(finished), &sentence(started, finished), &facts))
        main {
            h2.unseen id="filters" { "Filters" }
            svg.share viewBox="0 0 10000 10" preserveAspectRatio="none" aria-hidden="true" { (share(&counts)) }
            ul.counts aria-labelledby="filters" { (buttons(&counts)) }
            noscript {
                p.note {
                    "The list of cases needs JavaScript. The page contains everything and loads nothing: allow scripts for \
                     this file."
                }
                ul.named { (named(broken, &counts)) }
            }
            (self::causes(causes))
            details.box.timed id="timeline" hidden { summary { "Timeline" } }
            (controls())
            div id="notes" {}
            div.over id="over" hidden {
                h2 { "Cases" }
                p id="shown" role="status" {}
                button.quiet type="button" id="reset" hidden { "Clear filters" }
            }
            ol id="cases" tabindex="-1" aria-label="Cases" {}
            div id="more" hidden {}
        }
        footer {
            p id="keys" hidden {
                kbd { "/" } " search · " kbd { "j" } " " kbd { "k" } " or " kbd { "↓" } " " kbd { "↑" }
                " next and previous case · " kbd { "Enter" } " open and close · the address contains the filters"
            }
            p.unseen id="said" role="status" {}
        }
        script type="application/json" id="run" { (PreEscaped(run)) }
        script type="application/json" id="rows" {}
        script { (PreEscaped(script)) }
    };
    document((&title, outcome), "", Some(script), &body)
}

fn controls() -> Markup {
    let choice = |name: &str, id: &str| html! { label { span { (name) } select id=(id) {} } };
    html! {
        form id="controls" role="search" hidden {
            label.find {
                span { "Search" }
                input id="find" type="search" autocomplete="off" spellcheck="false"
                    placeholder="id, name, tag, URL or message" aria-keyshortcuts="/";
            }
            label.check { input id="bodies" type="checkbox"; " Search in bodies and headers" }
            (choice("Suite", "suite"))
            (choice("Tag", "tag"))
            (choice("Check", "check"))
            label {
                span { "Order" }
                select id="sort" {
                    option value="verdict" { "Not passed first" }
                    option value="plan" { "As planned" }
                    option value="slowest" { "Slowest first" }
                }
            }
        }
    }
}

/// Cases that did not pass, grouped by their cause. The script lists the cases of a group when it is opened.
fn causes(causes: &Causes) -> Markup {
    let sorted = causes.sorted();
    if causes.cases() < 2 {
        return html! {};
    }
    html! {
        section.causes id="causes" aria-labelledby="causes-title" {
            h2 id="causes-title" { (count(sorted.len(), "cause")) " of " (count(causes.cases(), "failure")) }
            ol { @for cause in sorted { li { (self::cause(cause)) } } }
        }
    }
}

fn cause(cause: &Cause) -> Markup {
    let verdict = cause.verdict.name();
    html! {
        details class=(format!("cause {verdict}")) data-cause=(cause.number) {
            summary {
                span class=(format!("badge {verdict}")) { (verdict) }
                " " span.what { (cause.title) } " "
                span.number { (cases(cause.cases)) }
            }
            div.panel {
                p { span.faint { "Example: " } b { (visible(&cause.id)) } " " code { (cause.example) } }
            }
        }
    }
}

/// What the headline does not say: `6 cases against staging`.
fn sentence(started: Option<&RunStarted>, finished: Option<&RunFinished>) -> String {
    match (started, finished) {
        (_, None) => "The recording ends before the run does.".to_owned(),
        (Some(started), Some(_)) => format!("{} against {}", cases(started.cases), visible(&started.target)),
        (None, Some(_)) => String::new(),
    }
}

fn facts(started: Option<&RunStarted>, finished: Option<&RunFinished>, links: &Links) -> Markup {
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    let plain = |text: &str| html! { (visible(text)) };
    let hash = |text: &str| html! { code title=(visible(text)) { (digest(text)) } };
    html! {
        @if let Some(started) = started {
            @if started.target != started.base_url { (fact("Target", plain(&started.target))) }
            (fact("Base URL", html! { code { (visible(&started.base_url)) } }))
            (fact("Started", html! {
                time id="started" datetime=(started.started.format("%Y-%m-%dT%H:%M:%SZ")) {
                    (started.started.format("%Y-%m-%d %H:%M:%S UTC"))
                }
            }))
        }
        @if let Some(finished) = finished {
            (fact("Duration", plain(&duration(finished.elapsed_us))))
            (fact("Exit code", plain(&finished.exit_code.to_string())))
        }
        @if let Some(started) = started {
            @if let Some(commit) = &started.commit { (fact("Commit", link(links.commit.as_deref(), &hash(commit)))) }
            (fact("Suite hash", hash(&started.suite_hash)))
            (fact("Tool", plain(&started.tool)))
        }
        @if let Some(job) = &links.job {
            (fact("CI job", link(Some(job), &html! { (visible(job.split_once("://").map_or(job, |(_, rest)| rest))) })))
        }
    }
}

/// Something with a link, if there is one. The other side does not get the address of the page.
fn link(to: Option<&str>, what: &Markup) -> Markup {
    html! {
        @match to {
            Some(to) => a href=(to) target="_blank" rel="noopener noreferrer" { (what) },
            None => (what),
        }
    }
}

fn number(counts: &Counts, verdict: Verdict) -> usize {
    match verdict {
        Verdict::Passed => counts.passed,
        Verdict::Failed => counts.failed,
        Verdict::Errored => counts.errored,
        Verdict::Flaky => counts.flaky,
        // Cases that passed before have a reason like skipped ones, and are listed with them.
        Verdict::Skipped => counts.skipped + counts.passed_before,
        Verdict::NotRun => counts.not_run,
    }
}

/// A bar with the share of each verdict.
fn share(counts: &Counts) -> Markup {
    let all = counts.all().max(1);
    let at = |cases: usize| cases.saturating_mul(10_000) / all;
    let mut from = 0;
    let mut parts = Vec::new();
    for verdict in ORDER {
        let part = number(counts, verdict);
        if part > 0 {
            // A single case of a large run stays visible.
            parts.push((verdict.name(), at(from), (at(from + part) - at(from)).max(20)));
        }
        from += part;
    }
    html! {
        @for (name, x, width) in parts { rect class=(name) x=(x) width=(width) height="10" {} }
    }
}

fn buttons(counts: &Counts) -> Markup {
    let is_shown =
        |verdict: &Verdict| number(counts, *verdict) > 0 || matches!(verdict, Verdict::Failed | Verdict::Passed);
    html! {
        li {
            button.count type="button" id="all" aria-pressed="true" { b { (figure(counts.all())) } " all" }
        }
        @for verdict in ORDER.iter().filter(|verdict| is_shown(verdict)) {
            @let name = verdict.name();
            li {
                button class=(format!("count {name}")) type="button" data-verdict=(name) aria-pressed="false" {
                    b { (figure(number(counts, *verdict))) } " " (name.replace('-', " "))
                }
            }
        }
    }
}

fn named(broken: &Broken, counts: &Counts) -> Markup {
    let left = (counts.failed + counts.errored + counts.flaky).saturating_sub(broken.len());
    html! {
        @for (verdict, id, why) in broken.values() {
            li {
                span class=(format!("badge {}", verdict.name())) { (verdict.name()) }
                " " b { (visible(id)) } " " (visible(why))
            }
        }
        @if left > 0 && !broken.is_empty() { li { "and " (figure(left)) " more" } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_icon_agree_with_the_headline() {
        let broken = "The contract is broken";
        for (exit_code, [passed, failed, flaky, skipped], max_skipped, title, look) in [
            (0, [1, 0, 0, 2], None, "The contract holds", "good"),
            (1, [1, 1, 0, 0], None, broken, "bad"),
            (130, [1, 1, 0, 0], None, broken, "bad"),
            (1, [1, 0, 0, 2], Some(1), "Too many cases were skipped", "bad"),
            (
                1,
                [1, 0, 1, 0],
                None,
                "The contract does not hold at every attempt",
                "bad",
            ),
            (5, [1, 0, 0, 0], None, "No verdict", "odd"),
            (4, [0, 0, 0, 0], None, "No case ran", "odd"),
        ] {
            let counts = Counts {
                passed,
                failed,
                flaky,
                skipped,
                ..Counts::default()
            };
            let finished = RunFinished {
                counts,
                project_cases: counts.all(),
                max_skipped,
                elapsed_us: 1,
                stopped: None,
                exit_code,
            };
            let page = page(
                (None, Some(&finished), &Links::default()),
                (&Broken::new(), &Causes::default()),
                "{}",
                "",
            )
            .into_string();
            for part in [
                format!("<title>{title}</title>"),
                format!("<header class=\"top {look}\">"),
                format!("<h1>{title}"),
            ] {
                assert!(page.contains(&part), "{part}: {page}");
            }
        }
    }
}
