//! The changes of a page: each a row that says what changed and whom it breaks, and opens to both answers side by side.

use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{TEXT, text};
use crate::{
    compare::{Change, Comparison, Side},
    model::Verdict,
    report::{
        compare::{
            account,
            answer::{self, Line, Part},
            release::{NAME, capital, cases, level, origin, title, value},
        },
        html::escaped,
        outcome::figure,
    },
};

/// Most changes.
const CHANGES: usize = 3000;
/// Most cases that a change names.
const CASES: usize = 200;
/// Most bytes of a command.
const COMMAND: usize = 32 << 10;
/// Most bytes of a value in a row.
const SHORT: usize = 120;
/// Maximum number of further values in a row.
const OTHERS: usize = 10;
/// Most bytes of a line of an answer.
const LINE: usize = 1000;
/// Of so many equal lines in a row, and more, only the first and the last are open.
const FOLD: usize = 12;
/// How many lines stay open before and after a difference.
const CONTEXT: usize = 3;

/// All changes; `left` is how many bytes of evidence the page has room for.
pub(super) fn list(comparison: &Comparison, id: &str, left: &mut usize) -> String {
    if comparison.changes.is_empty() {
        return format!("<p class=\"none\" id=\"{id}\" tabindex=\"-1\">No change.</p>\n");
    }
    let mut out = format!("<ol class=\"changes\" id=\"{id}\" tabindex=\"-1\" aria-label=\"Changes\">\n");
    for change in comparison.changes.iter().take(CHANGES) {
        row(change, &mut out);
        let evidence = panel(comparison, change);
        if evidence.len() <= *left {
            *left -= evidence.len();
            out.push_str(&evidence);
        } else {
            out.push_str("<div class=\"panel\"><p class=\"faint\">There is no room for the particulars on this page: the JSON report has them.</p></div>\n");
        }
        out.push_str("</details></li>\n");
    }
    out.push_str("</ol>\n");
    let more = comparison.changes.len().saturating_sub(CHANGES);
    if more > 0 {
        let _ = writeln!(
            out,
            "<p class=\"callout\">… and {} more changes, for which there is no room here: the JSON report has them.</p>",
            figure(more)
        );
    }
    out
}

fn row(change: &Change, out: &mut String) {
    let name = level(change.level);
    let _ = writeln!(
        out,
        "<li class=\"change {name}\"><details><summary class=\"row\"><span class=\"badge\">{name}</span>\
         <div class=\"what\"><h3 class=\"message\">{}</h3><span class=\"reason\">{}</span>",
        text(&capital(&change.message), TEXT),
        text(&capital(&change.reason), TEXT),
    );
    if change.before.is_some() || change.after.is_some() {
        let _ = writeln!(
            out,
            "<span class=\"shift\"><code class=\"del\">{}</code> <span aria-label=\"to\">→</span> <code class=\"add\">{}</code></span>",
            escaped(&value(change.before.as_deref(), SHORT)),
            escaped(&value(change.after.as_deref(), SHORT)),
        );
    }
    for other in change.others.iter().take(OTHERS) {
        let _ = writeln!(
            out,
            "<span class=\"shift\"><code class=\"del\">{}</code> <span aria-label=\"to\">→</span> <code class=\"add\">{}</code> <code>{}</code></span>",
            escaped(&value(other.before.as_deref(), SHORT)),
            escaped(&value(other.after.as_deref(), SHORT)),
            text(&other.case, NAME)
        );
    }
    let _ = writeln!(
        out,
        "<span class=\"rule\"><code>{}</code> of <code>{}</code></span></div><span class=\"cases\">{}</span></summary>",
        escaped(&title(change)),
        escaped(&origin(change)),
        cases(change.cases.len())
    );
}

fn panel(comparison: &Comparison, change: &Change) -> String {
    let mut out = "<div class=\"panel\">\n".to_owned();
    for (label, of) in [("Before", &change.before), ("After", &change.after)] {
        if let Some(of) = of.as_ref().filter(|of| of.len() > SHORT) {
            let _ = writeln!(
                out,
                "<div><h4>{label}</h4><pre class=\"code\">{}</pre></div>",
                text(of, 4 * TEXT)
            );
        }
    }
    let _ = writeln!(
        out,
        "<div><h4>{} it</h4><ul class=\"idlist\">",
        match change.cases.len() {
            1 => "1 case shows".to_owned(),
            number => format!("{} show", cases(number)),
        }
    );
    for id in change.cases.iter().take(CASES) {
        let _ = writeln!(out, "<li><code>{}</code></li>", text(id, NAME));
    }
    if change.cases.len() > CASES {
        let _ = writeln!(out, "<li>and {} more</li>", figure(change.cases.len() - CASES));
    }
    out.push_str("</ul></div>\n");
    answers(comparison, change, &mut out);
    let commands = account::commands(comparison, change, COMMAND);
    if !commands.is_empty() {
        out.push_str("<div class=\"commands\">\n");
        for (side, command) in commands {
            let _ = writeln!(
                out,
                "<div><h4>Ask the {side}</h4><pre class=\"code command\" tabindex=\"0\" aria-label=\"Command for the {side}\">{}</pre></div>",
                lines(&command)
            );
        }
        out.push_str("</div>\n");
    }
    let evidence = &change.evidence;
    let _ = writeln!(
        out,
        "<p class=\"foot\"><span>case <code>{}</code></span><span>{}</span><span>fingerprint <code>{}</code></span></p>\n</div>",
        text(&evidence.case, NAME),
        text(&evidence.place.to_string(), NAME),
        text(&change.fingerprint, NAME)
    );
    out
}

/// Text of several lines: only the breaks act.
fn lines(of: &str) -> String {
    of.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

/// Both answers to the first case, with what differs marked.
fn answers(comparison: &Comparison, change: &Change, out: &mut String) {
    let evidence = &change.evidence;
    let name = evidence.name.as_ref().unwrap_or(&evidence.case);
    let which = if change.cases.len() == 1 {
        "The case"
    } else {
        "The first of them"
    };
    let _ = writeln!(out, "<div><h4>{which}: {}</h4>", text(name, NAME));
    let Some([before, after]) = answer::both(comparison, change) else {
        for (side, verdict, exchange) in [
            (&comparison.baseline, evidence.baseline_verdict, &evidence.baseline),
            (&comparison.candidate, evidence.candidate_verdict, &evidence.candidate),
        ] {
            match exchange {
                None => {
                    let _ = writeln!(out, "<p class=\"faint\">No answer of {}</p>", top(side, verdict));
                }
                Some(exchange) => {
                    let _ = writeln!(
                        out,
                        "<p>{}</p><div class=\"sbs\" tabindex=\"0\" role=\"region\" aria-label=\"The answer\">",
                        top(side, verdict)
                    );
                    for line in &answer::lines(exchange) {
                        span(line, change, "", "\u{a0}", out);
                    }
                    out.push_str("</div>\n");
                }
            }
        }
        out.push_str("</div>\n");
        return;
    };
    let _ = writeln!(
        out,
        "<div class=\"sbs\" tabindex=\"0\" role=\"region\" aria-label=\"Both answers\"><div class=\"pairs tops\"><div>{}</div><div>{}</div></div>",
        top(&comparison.baseline, evidence.baseline_verdict),
        top(&comparison.candidate, evidence.candidate_verdict),
    );
    let texts = [&before, &after].map(|lines| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>());
    for op in capture_diff_slices(Algorithm::Myers, &texts[0], &texts[1]) {
        let (old, new) = (&before[op.old_range()], &after[op.new_range()]);
        match op {
            DiffOp::Equal { .. } if old.len() >= FOLD => {
                let (first, last) = (CONTEXT, old.len() - CONTEXT);
                same(&old[..first], change, out);
                let _ = writeln!(out, "<details><summary>{} equal lines</summary>", figure(last - first));
                same(&old[first..last], change, out);
                out.push_str("</details>\n");
                same(&old[last..], change, out);
            }
            DiffOp::Equal { .. } => same(old, change, out),
            _ => {
                out.push_str("<div class=\"pairs\"><div>");
                for line in old {
                    span(line, change, "gone", "-", out);
                }
                out.push_str("</div><div>");
                for line in new {
                    span(line, change, "come", "+", out);
                }
                out.push_str("</div></div>\n");
            }
        }
    }
    out.push_str("</div></div>\n");
}

fn top(side: &Side, verdict: Option<Verdict>) -> String {
    let verdict = verdict.map(|verdict| format!(" <span class=\"badge {0}\">{0}</span>", verdict.name()));
    format!("<b>{}</b>{}", text(&side.name, NAME), verdict.unwrap_or_default())
}

/// Equal lines, on both sides; who listens hears them once.
fn same(lines: &[Line], change: &Change, out: &mut String) {
    let mut side = String::new();
    for line in lines {
        span(line, change, "", "\u{a0}", &mut side);
    }
    let _ = writeln!(
        out,
        "<div class=\"pairs same\"><div>{side}</div><div aria-hidden=\"true\">{side}</div></div>"
    );
}

fn span(line: &Line, change: &Change, class: &str, sign: &str, out: &mut String) {
    let is_status = line.part == Part::Status && change.rule.starts_with("status");
    let is_about = is_status || line.part.is_at(change.pointer.as_deref(), change.header.as_deref());
    let is_marked = !class.is_empty() && is_about;
    let here = if is_marked { " here" } else { "" };
    let _ = write!(
        out,
        "<span class=\"l {class}{here}\"><i>{sign}</i>{}</span>",
        text(&line.text, LINE)
    );
}
