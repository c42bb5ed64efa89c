//! A comparison as one page that needs no network, no server and no script, and says first whether the candidate may be
//! released. All that is shown stands in the page as text; filters and folds are those of the browser.

mod changes;
mod latencies;
mod matrix;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::release::{
    NAME, Release, cautions, compared, counted, drift_headline, headline, level, matrix_headline, not_compared,
    not_named, origin, title, whose,
};
use crate::{
    compare::{Comparison, Level, Matrix, Side},
    report::{
        html::{STYLE as REPORT, escaped, icon, policy, short_digest},
        outcome::{figure, short},
    },
};

/// The page; what stands between two `@@` is a name of what is put there.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// Most entries of a list.
const LISTED: usize = 500;
/// Most bytes of a sentence.
const TEXT: usize = 2000;
/// Most bytes of all evidence: a browser has to hold the page.
const EVIDENCE: usize = 24 << 20;

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    let release = Release::of(comparison);
    let (baseline, candidate) = (&comparison.baseline, &comparison.candidate);
    let names = format!(
        "{} against {}",
        short(&candidate.name, NAME),
        short(&baseline.name, NAME)
    );
    let facts = format!(
        "<div class=\"versions\">\n{}{}</div>\n",
        version("Candidate", candidate),
        version("Baseline", baseline)
    );
    let mut left = EVIDENCE;
    let page = Page {
        release,
        heading: headline(comparison),
        title: names,
        sentence: format!("{}.", compared(comparison)),
        facts,
        cautions: notes(comparison),
        matrix: String::new(),
        filters: filters(&counted(comparison)),
        changes: format!(
            "<section class=\"part\" aria-label=\"Changes\">\n{}</section>\n{}",
            changes::list(comparison, "changes", &mut left),
            rest(comparison, "")
        ),
        tool: &comparison.tool,
    };
    page.write(sink)
}

/// Writes what several targets answer.
pub(super) fn write_matrix(of: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let release = Release::of_matrix(of);
    let names: Vec<_> = of.targets.iter().map(|side| short(&side.name, NAME)).collect();
    let mut facts = "<div class=\"versions\">\n".to_owned();
    for (index, side) in of.targets.iter().enumerate() {
        let label = if index == 0 { "Compared with" } else { "Target" };
        facts.push_str(&version(label, side));
    }
    facts.push_str("</div>\n");
    let mut sums = [Level::Breaking, Level::Warning, Level::Info].map(|level| (level, 0));
    for drift in &of.drift {
        for (sum, (_, number)) in sums.iter_mut().zip(counted(drift)) {
            sum.1 += number;
        }
    }
    let mut left = EVIDENCE;
    let mut changes = String::new();
    for (index, drift) in of.drift.iter().enumerate() {
        let class = if Release::of(drift) == Release::MustNot {
            " bad"
        } else {
            ""
        };
        let id = if index == 0 {
            "changes".to_owned()
        } else {
            format!("changes-{index}")
        };
        let _ = writeln!(
            changes,
            "<section class=\"part{class}\">\n<h2>{}</h2>\n<p class=\"fine\">{}</p>\n{}{}</section>\n{}",
            escaped(&drift_headline(drift)),
            compared(drift),
            notes(drift),
            changes::list(drift, &id, &mut left),
            rest(drift, &format!("{}: ", short(&drift.candidate.name, NAME)))
        );
    }
    let page = Page {
        release,
        heading: matrix_headline(of),
        title: names.join(", "),
        sentence: format!(
            "{} on {} targets.",
            super::release::cases(of.rows.len()),
            of.targets.len()
        ),
        facts,
        cautions: String::new(),
        matrix: matrix::table(of),
        filters: filters(&sums),
        changes,
        tool: &of.tool,
    };
    page.write(sink)
}

/// The parts of a page, as HTML but for `heading`, `title`, `sentence` and `tool`.
struct Page<'t> {
    release: Release,
    heading: String,
    title: String,
    sentence: String,
    facts: String,
    cautions: String,
    matrix: String,
    filters: String,
    changes: String,
    tool: &'t str,
}

impl Page<'_> {
    fn write(&self, sink: &mut dyn Write) -> io::Result<()> {
        let (class, colour, path) = match self.release {
            Release::May => ("good", "17803d", "M3.5 8.5l3 3 6-7"),
            Release::MustNot => ("bad", "c62828", "M4 4l8 8M12 4l-8 8"),
            Release::Unknown => ("odd", "9a5b00", "M8 3.5v5.5M8 11.7v.8"),
        };
        let style = format!("{REPORT}{STYLE}");
        let title = escaped(&format!("{} · {}", self.heading, self.title));
        // Literal text and names take turns.
        for (turn, part) in PAGE.split("@@").enumerate() {
            if turn % 2 == 0 {
                sink.write_all(part.as_bytes())?;
                continue;
            }
            match part {
                "policy" => sink.write_all(policy(None, &style).as_bytes())?,
                "style" => sink.write_all(style.as_bytes())?,
                "title" => sink.write_all(title.as_bytes())?,
                "icon" => sink.write_all(icon(colour, path).as_bytes())?,
                "mark" => write!(sink, "<path d=\"{path}\"/>")?,
                "outcome" => sink.write_all(class.as_bytes())?,
                "heading" => sink.write_all(escaped(&self.heading).as_bytes())?,
                "sentence" => sink.write_all(escaped(&self.sentence).as_bytes())?,
                "facts" => sink.write_all(self.facts.as_bytes())?,
                "cautions" => sink.write_all(self.cautions.as_bytes())?,
                "matrix" => sink.write_all(self.matrix.as_bytes())?,
                "filters" => sink.write_all(self.filters.as_bytes())?,
                "changes" => sink.write_all(self.changes.as_bytes())?,
                "tool" => sink.write_all(text(self.tool, NAME).as_bytes())?,
                name => return Err(io::Error::other(format!("the page has no part `{name}`"))),
            }
        }
        Ok(())
    }
}

/// Text from outside as HTML, so many bytes of it.
fn text(of: &str, most: usize) -> String {
    escaped(&short(of, most))
}

fn version(label: &str, side: &Side) -> String {
    let mut out = format!(
        "<div class=\"version\"><h2>{label}</h2>\n<p><b>{}</b> <code>{}</code></p>\n<p class=\"fine\">",
        text(&side.name, NAME),
        text(&side.base_url, NAME)
    );
    let _ = write!(
        out,
        "<time datetime=\"{}\">{}</time>",
        side.started.format("%Y-%m-%dT%H:%M:%SZ"),
        side.started.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if let Some(commit) = &side.commit {
        let _ = write!(out, " · commit {}", short_digest(&short(commit, NAME)));
    }
    let _ = write!(out, " · suite {}", short_digest(&short(&side.suite_hash, NAME)));
    if side.repeats > 1 {
        let _ = write!(out, " · each case up to {} times", side.repeats);
    }
    out.push_str("</p></div>\n");
    out
}

fn notes(comparison: &Comparison) -> String {
    let cautions = cautions(comparison);
    if cautions.is_empty() {
        return String::new();
    }
    let lines: Vec<_> = cautions.iter().map(|one| format!("<p>{}</p>", escaped(one))).collect();
    let mut out = format!("<div class=\"callout\" role=\"note\">{}", lines.concat());
    if !comparison.not_compared.is_empty() {
        out.push_str("<ul class=\"plain\">");
        for (case, reason) in not_compared(comparison) {
            let _ = write!(out, "<li><code>{}</code>: {}</li>", escaped(&case), escaped(&reason));
        }
        let more = not_named(comparison);
        if more > 0 {
            let _ = write!(out, "<li>… and {} more</li>", figure(more));
        }
        out.push_str("</ul>");
    }
    out.push_str("</div>\n");
    out
}

/// Which changes are shown: what the browser knows to choose, with no script.
fn filters(counted: &[(Level, usize)]) -> String {
    let all: usize = counted.iter().map(|(_, number)| number).sum();
    if all == 0 {
        return String::new();
    }
    let mut out = "<fieldset class=\"filters\"><legend>Show changes</legend><div>\n".to_owned();
    let _ = writeln!(
        out,
        "<label class=\"count\"><input type=\"radio\" name=\"level\" id=\"only-all\" checked><b>{}</b> all</label>",
        figure(all)
    );
    for (of, number) in counted {
        let name = level(*of);
        let _ = writeln!(
            out,
            "<label class=\"count {name}\"><input type=\"radio\" name=\"level\" id=\"only-{name}\"><b>{}</b> {name}</label>",
            figure(*number)
        );
    }
    out.push_str("</div></fieldset>\n");
    out
}

/// How long answers took, what is accepted, stale and noise.
fn rest(comparison: &Comparison, lead: &str) -> String {
    let mut out = latencies::section(comparison, lead);
    let mut lists = String::new();
    let stale = comparison.stale.iter().map(|one| {
        format!(
            "<code>{}</code> {}",
            text(&one.place.to_string(), NAME),
            text(&one.reason, TEXT)
        )
    });
    list(
        "entry of accepted changes does not apply",
        "entries of accepted changes do not apply",
        "stale",
        stale,
        &mut lists,
    );
    let accepted = comparison.accepted.iter().map(|one| {
        let until = one.expires.as_ref().map(|day| format!(", until {}", text(day, NAME)));
        format!(
            "{} <code>{}</code> of <code>{}</code> ({}): {}{} <span class=\"faint\">{}</span>",
            level(one.change.level),
            escaped(&title(&one.change)),
            escaped(&origin(&one.change)),
            escaped(&whose(&one.change)),
            text(&one.accepted_because, TEXT),
            until.unwrap_or_default(),
            text(&one.place.to_string(), NAME)
        )
    });
    list("accepted change", "accepted changes", "", accepted, &mut lists);
    let noise = comparison.noise.iter().map(|one| {
        format!(
            "<code>{}</code> in <code>{}</code>: {} ({})",
            text(&one.what, NAME),
            text(&one.suite, NAME),
            text(&one.source, TEXT),
            super::release::cases(one.cases)
        )
    });
    list(
        "place left out as noise",
        "places left out as noise",
        "",
        noise,
        &mut lists,
    );
    if !lists.is_empty() {
        let _ = write!(out, "<div class=\"lists\">\n{lists}</div>\n");
    }
    out
}

/// A list under a heading that opens it.
fn list(one: &str, many: &str, class: &str, entries: impl ExactSizeIterator<Item = String>, out: &mut String) {
    let all = entries.len();
    if all == 0 {
        return;
    }
    let what = if all == 1 { one } else { many };
    let _ = writeln!(
        out,
        "<details class=\"box {class}\"><summary>{} {what}</summary><ul class=\"plain\">",
        figure(all)
    );
    for entry in entries.take(LISTED) {
        let _ = writeln!(out, "<li>{entry}</li>");
    }
    if all > LISTED {
        let _ = writeln!(out, "<li>… and {} more</li>", figure(all - LISTED));
    }
    out.push_str("</ul></details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_can_stand_in_its_element() {
        assert!(!STYLE.contains("</") && !STYLE.contains('\r'));
        assert_eq!(PAGE.matches("@@").count() % 2, 0);
    }
}
