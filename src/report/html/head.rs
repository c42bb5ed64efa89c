//! What the page says without its script: the verdict, the circumstances, the counts, and what did not pass.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    model::{Counts, RunFinished, RunStarted, Verdict},
    report::{
        escape::html::escaped as html,
        model::Outcome,
        summary::{headline, title},
        text::{cases, duration, figure},
    },
};

/// Verdicts in the order in which a reader wants them.
const ORDER: [Verdict; 6] = [
    Verdict::Failed,
    Verdict::Errored,
    Verdict::Flaky,
    Verdict::NotRun,
    Verdict::Skipped,
    Verdict::Passed,
];

/// The parts of the page that hold no case, as HTML, by name.
pub(super) struct Head(BTreeMap<&'static str, String>);

impl Head {
    /// From how a run began, how it ended, and its first cases that did not pass.
    pub(super) fn new(
        started: Option<&RunStarted>,
        finished: Option<&RunFinished>,
        broken: &BTreeMap<usize, (Verdict, String, String)>,
    ) -> Self {
        let counts = finished.map_or_else(Counts::default, |finished| finished.counts);
        let outcome = finished.map_or(Outcome::NoVerdict, Outcome::of);
        let (class, colour, path) = outcome.look();
        let target = started.map_or_else(String::new, |started| html(&started.target));
        let title = [html(&title(finished)).as_str(), &target].join(if target.is_empty() { "" } else { " · " });
        let icon = icon(colour, path);
        let path = format!("<path d=\"{path}\"/>");
        Self(BTreeMap::from([
            ("title", title),
            ("icon", icon),
            ("mark", path),
            ("outcome", class.to_owned()),
            ("heading", html(&headline(finished))),
            ("sentence", sentence(finished, &counts)),
            ("facts", facts(started, finished)),
            ("share", share(&counts)),
            ("counts", buttons(&counts)),
            ("named", named(broken, &counts)),
        ]))
    }

    /// A part; nothing where there is none of this name.
    pub(super) fn part(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    #[cfg(test)]
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A round icon with a path in a square of 16, as an address that holds all of it.
pub(in crate::report) fn icon(colour: &str, path: &str) -> String {
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' \
         r='8' fill='%23{colour}'/%3E%3Cpath d='{path}' fill='none' stroke='white' stroke-width='2' \
         stroke-linecap='round'/%3E%3C/svg%3E"
    )
}

fn sentence(finished: Option<&RunFinished>, counts: &Counts) -> String {
    let Some(finished) = finished else {
        return "The run was not told to its end.".to_owned();
    };
    let mut parts = Vec::new();
    let ran = counts.ran();
    if let Some(stop) = finished.stopped {
        let left = match counts.not_run {
            0 => String::new(),
            left => format!("; {} did not run", cases(left)),
        };
        parts.push(format!("The run ended early: {}{left}.", stop.text()));
    }
    if ran == 0 {
        parts.push("No case ran.".to_owned());
    } else if counts.passed == ran {
        parts.push(format!("Each of the {} that ran passed.", cases(ran)));
    } else {
        let mut told = Vec::new();
        for (number, what) in [
            (counts.failed, "broke the contract"),
            (counts.errored, "got no answer to judge"),
            (counts.flaky, "passed only when tried again"),
        ] {
            if number > 0 {
                told.push(format!("{} {what}", figure(number)));
            }
        }
        parts.push(format!("Of {} that ran, {}.", cases(ran), told.join(", ")));
    }
    html(&parts.join(" "))
}

fn facts(started: Option<&RunStarted>, finished: Option<&RunFinished>) -> String {
    let mut out = String::new();
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    if let Some(started) = started {
        if started.target != started.base_url {
            fact("Target", &html(&started.target));
        }
        fact("Base URL", &format!("<code>{}</code>", html(&started.base_url)));
        let at = started.started;
        fact(
            "Started",
            &format!(
                "<time id=\"started\" datetime=\"{}\">{}</time>",
                at.format("%Y-%m-%dT%H:%M:%SZ"),
                at.format("%Y-%m-%d %H:%M:%S UTC")
            ),
        );
    }
    if let Some(finished) = finished {
        fact("Took", &duration(finished.elapsed_us));
        fact("Exit code", &finished.exit_code.to_string());
    }
    if let Some(started) = started {
        if let Some(commit) = &started.commit {
            fact("Commit", &short(commit));
        }
        fact("Suite hash", &short(&started.suite_hash));
        fact("Tool", &html(&started.tool));
    }
    out
}

/// A digest by its first digits; the rest is there for who wants it.
pub(in crate::report) fn short(digest: &str) -> String {
    let first: String = digest.chars().take(12).collect();
    format!("<code title=\"{}\">{}</code>", html(digest), html(&first))
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

/// A bar in which each verdict has its share.
fn share(counts: &Counts) -> String {
    let all = counts.all();
    let mut out = String::new();
    let mut from = 0;
    for verdict in ORDER {
        let part = number(counts, verdict);
        if part == 0 {
            continue;
        }
        let at = |cases: usize| cases.saturating_mul(10_000) / all.max(1);
        // One in ten thousand is still seen.
        let (x, width) = (at(from), (at(from + part) - at(from)).max(20));
        let _ = write!(
            out,
            "<rect class=\"{}\" x=\"{x}\" width=\"{width}\" height=\"10\"/>",
            verdict.name()
        );
        from += part;
    }
    out
}

fn buttons(counts: &Counts) -> String {
    let mut out = format!(
        "<li><button type=\"button\" class=\"count\" id=\"all\" aria-pressed=\"true\"><b>{}</b> all</button></li>\n",
        figure(counts.all())
    );
    for verdict in ORDER {
        let cases = number(counts, verdict);
        if cases == 0 && !matches!(verdict, Verdict::Failed | Verdict::Passed) {
            continue;
        }
        let name = verdict.name();
        let _ = writeln!(
            out,
            "<li><button type=\"button\" class=\"count {name}\" data-verdict=\"{name}\" aria-pressed=\"false\">\
             <b>{}</b> {}</button></li>",
            figure(cases),
            name.replace('-', " ")
        );
    }
    out
}

fn named(broken: &BTreeMap<usize, (Verdict, String, String)>, counts: &Counts) -> String {
    let mut out = String::new();
    for (verdict, id, why) in broken.values() {
        let verdict = verdict.name();
        let _ = writeln!(
            out,
            "<li><span class=\"badge {verdict}\">{verdict}</span> <b>{}</b> {}</li>",
            html(id),
            html(why)
        );
    }
    let left = (counts.failed + counts.errored + counts.flaky).saturating_sub(broken.len());
    if left > 0 && !broken.is_empty() {
        let _ = writeln!(out, "<li>and {} more</li>", figure(left));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_icon_agree_with_the_headline() {
        let shown = |exit_code, counts: Counts, max_skipped| {
            let finished = RunFinished {
                counts,
                project_cases: counts.all(),
                max_skipped,
                elapsed_us: 1,
                stopped: None,
                exit_code,
            };
            let head = Head::new(None, Some(&finished), &BTreeMap::new());
            let (title, heading) = (head.part("title").to_owned(), head.part("heading"));
            assert!(heading.starts_with(&title), "{title} / {heading}");
            (title, head.part("outcome").to_owned())
        };
        let counts = |failed, flaky, skipped| Counts {
            passed: 1,
            failed,
            flaky,
            skipped,
            ..Counts::default()
        };
        for (exit_code, counts, max_skipped, title, look) in [
            (0, counts(0, 0, 2), None, "The contract holds", "good"),
            (1, counts(1, 0, 0), None, "The contract is broken", "bad"),
            (130, counts(1, 0, 0), None, "The contract is broken", "bad"),
            (1, counts(0, 0, 2), Some(1), "Too many cases were skipped", "bad"),
            (
                1,
                counts(0, 1, 0),
                None,
                "The contract does not hold at every attempt",
                "bad",
            ),
            (5, counts(0, 0, 0), None, "No verdict", "odd"),
            (4, Counts::default(), None, "No case ran", "odd"),
        ] {
            assert_eq!(
                shown(exit_code, counts, max_skipped),
                (title.to_owned(), look.to_owned())
            );
        }
        assert_eq!(Head::new(None, None, &BTreeMap::new()).part("title"), "No verdict");
    }
}
