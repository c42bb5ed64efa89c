//! A comparison for a comment on a pull request: the verdict, a table of changes, and each change folded.
//!
//! As in the report of a run, text from outside stands in code only.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    account, answer,
    release::{
        NAME, cases, cautions, compared, drift_headline, headline, level, matrix_headline, not_compared, not_named,
        origin, title, whose,
    },
};
use crate::{
    compare::{Change, Comparison, Matrix, Side},
    model::Verdict,
    report::{
        escape::inert_lines,
        markdown::{MOST, code, fence, head_of, html, list},
        outcome::{clip, figure, short},
    },
};

/// Most bytes of the table of changes.
const TABLE: usize = 20_000;
/// Most bytes of the table of cases by target.
const CASES: usize = 15_000;
/// Maximum size in bytes of the list of cases that were not compared.
const LEFT_OUT: usize = 20_000;
/// Most bytes of a diff.
const DIFF: usize = 3000;
/// Most bytes of a command.
const COMMAND: usize = 2000;
/// Most bytes of a value in the table.
const CELL: usize = 80;
/// Most bytes of one line of a diff.
const LINE: usize = 400;

/// Writes a comparison.
pub(super) fn write(comparison: &Comparison, sink: &mut dyn Write) -> io::Result<()> {
    let mut head = format!("## {}\n\n", code_free(&headline(comparison)));
    sides(comparison, &mut head);
    let mut foot = rest(comparison);
    foot.push_str(&tool(&comparison.tool));
    let room = MOST.saturating_sub(head.len() + foot.len());
    let body = changes(comparison, room);
    sink.write_all(inert_lines(&(head + &body + &foot)).as_bytes())
}

/// Writes what several targets answer.
pub(super) fn write_matrix(matrix: &Matrix, sink: &mut dyn Write) -> io::Result<()> {
    let mut out = format!("## {}\n\n", code_free(&matrix_headline(matrix)));
    for (index, side) in matrix.targets.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", index + 1, of_side(side));
    }
    out.push('\n');
    table(matrix, &mut out);
    let foot = tool(&matrix.tool);
    let mut more = 0;
    for (index, drift) in matrix.drift.iter().enumerate() {
        // What is left is shared by those that are still to come.
        let left = MOST.saturating_sub(out.len() + foot.len() + 200) / (matrix.drift.len() - index);
        let mut part = format!("### {}\n\n", code_free(&drift_headline(drift)));
        notes(drift, &mut part);
        let rest = rest(drift);
        let room = left.saturating_sub(part.len() + rest.len());
        part.push_str(&changes(drift, room));
        part.push_str(&rest);
        if part.len() > left {
            more += 1;
        } else {
            out.push_str(&part);
        }
    }
    if more > 0 {
        let _ = writeln!(out, "… and {more} more targets, for which there is no room here.\n");
    }
    out.push_str(&foot);
    sink.write_all(inert_lines(&out).as_bytes())
}

/// A heading, in which names from outside could be markup.
fn code_free(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " ,:;.()-".contains(c);
    if text.chars().all(is_plain) && !text.contains("www.") {
        text.to_owned()
    } else {
        code(text)
    }
}

fn of_side(side: &Side) -> String {
    let mut text = code(&side.name);
    if side.base_url != side.name {
        let _ = write!(text, " ({})", code(&side.base_url));
    }
    if let Some(commit) = &side.commit {
        let _ = write!(text, " at {}", code(head_of(commit)));
    }
    text
}

fn sides(comparison: &Comparison, out: &mut String) {
    let (candidate, baseline) = (of_side(&comparison.candidate), of_side(&comparison.baseline));
    let _ = writeln!(out, "{candidate} against {baseline}: {}\n", compared(comparison));
    notes(comparison, out);
}

fn notes(comparison: &Comparison, out: &mut String) {
    let cautions = cautions(comparison);
    for caution in &cautions {
        let _ = writeln!(out, "> {caution}");
    }
    if !cautions.is_empty() {
        out.push('\n');
    }
    let (mut room, mut more) = (LEFT_OUT, not_named(comparison));
    for (case, reason) in not_compared(comparison) {
        let line = format!("- not compared: {}: {}\n", code(&case), code(&reason));
        if line.len() <= room {
            room -= line.len();
            out.push_str(&line);
        } else {
            room = 0;
            more += 1;
        }
    }
    if more > 0 {
        let _ = writeln!(out, "- … and {} more, for which there is no room here.", cases(more));
    }
    if !comparison.not_compared.is_empty() {
        out.push('\n');
    }
}

/// A table of all changes, and what belongs to each, as far as there is room.
fn changes(comparison: &Comparison, room: usize) -> String {
    if comparison.changes.is_empty() {
        return String::new();
    }
    let mut out = "| | what changed | before | after | cases |\n|---|---|---|---|---:|\n".to_owned();
    let most = TABLE.min(room / 2);
    let mut told = 0;
    for change in &comparison.changes {
        let row = row(change);
        if out.len() + row.len() > most {
            break;
        }
        out.push_str(&row);
        told += 1;
    }
    out.push('\n');
    let left = comparison.changes.len() - told;
    if left > 0 {
        let _ = writeln!(
            out,
            "… and {} more changes, for which there is no room here.\n",
            figure(left)
        );
    }
    let mut folded = 0;
    for change in comparison.changes.iter().take(told) {
        let entry = entry(comparison, change);
        // Room for the line that says what is missing.
        if out.len() + entry.len() + 200 > room {
            break;
        }
        out.push_str(&entry);
        folded += 1;
    }
    if folded < told {
        let left = figure(told - folded);
        let _ = writeln!(
            out,
            "The particulars of {left} of these changes are left out: there is no room for them here.\n"
        );
    }
    out
}

/// Text in a cell: no bar ends it.
fn cell(text: &str, most: usize) -> String {
    code(&short(text, most).replace('|', "\\u{7c}"))
}

fn row(change: &Change) -> String {
    let (word, rule) = (level(change.level), cell(&title(change), NAME));
    let (message, origin) = (cell(&change.message, NAME), cell(&origin(change), NAME));
    let shown = |of: Option<&str>| of.map_or_else(String::new, |text| cell(text, CELL));
    let (before, after) = (shown(change.before.as_deref()), shown(change.after.as_deref()));
    let number = figure(change.cases.len());
    format!("| **{word}** | {message}<br>{rule} of {origin} | {before} | {after} | {number} |\n")
}

fn entry(comparison: &Comparison, change: &Change) -> String {
    let mut out = format!(
        "<details>\n<summary><b>{}</b> <code>{}</code> <code>{}</code></summary>\n\n",
        level(change.level).to_uppercase(),
        html(&title(change)),
        html(&short(&change.message, NAME)),
    );
    fence("text", &account::text(change), &mut out);
    let diff = answer::diff_of(comparison, change);
    if !diff.is_empty() {
        let lines: Vec<_> = diff.iter().map(|line| short(line, LINE)).collect();
        fence("diff", &clip(&(lines.join("\n") + "\n"), DIFF), &mut out);
    }
    if let Some((_, command)) = account::commands(comparison, change, COMMAND).into_iter().next() {
        fence("sh", &command, &mut out);
    }
    out.push_str("</details>\n\n");
    out
}

/// What is accepted, stale and noise, folded but for what needs a hand.
fn rest(comparison: &Comparison) -> String {
    let mut out = String::new();
    let stale = comparison.stale.iter();
    list(
        "Accepted changes that do not apply",
        stale.map(|one| format!("{}: {}", code(&one.place.to_string()), code(&one.reason))),
        &mut out,
    );
    let mut folded = String::new();
    let accepted = comparison.accepted.iter().map(|one| {
        let until = one.expires.as_ref().map(|day| format!(", until {}", code(day)));
        let (what, why) = (code(&title(&one.change)), code(&one.accepted_because));
        let (origin, whose) = (code(&origin(&one.change)), code(&whose(&one.change)));
        let until = until.unwrap_or_default();
        format!("{} {what} of {origin} ({whose}): {why}{until}", level(one.change.level))
    });
    list("Accepted", accepted, &mut folded);
    let noise = comparison.noise.iter().map(|one| {
        let (suite, what, source) = (code(&one.suite), code(&one.what), code(&one.source));
        format!("{what} in {suite}: {source} ({})", cases(one.cases))
    });
    list("Noise, left out", noise, &mut folded);
    if !folded.is_empty() {
        let (accepted, noise) = (figure(comparison.accepted.len()), figure(comparison.noise.len()));
        let _ = write!(
            out,
            "<details>\n<summary>{accepted} accepted, {noise} left out as noise</summary>\n\n{folded}</details>\n\n"
        );
    }
    if let Some((before, after)) = super::latency::typical(&comparison.latencies) {
        let number = cases(comparison.latencies.len());
        let (before, after) = (super::latency::shown(before), super::latency::shown(after));
        let _ = writeln!(out, "Latency: {before} → {after}, the median over {number}.\n");
    }
    out
}

fn tool(tool: &str) -> String {
    format!("{}\n", code(tool))
}

/// The cases on which the targets differ or that fail somewhere.
fn table(matrix: &Matrix, out: &mut String) {
    let is_calm = |verdicts: &[Option<Verdict>]| verdicts.iter().all(|verdict| *verdict == Some(Verdict::Passed));
    let heads: Vec<_> = matrix.targets.iter().map(|side| cell(&side.name, CELL)).collect();
    let mut lines = format!(
        "| case | {} |\n|---|{}\n",
        heads.join(" | "),
        ":-:|".repeat(heads.len())
    );
    let (mut told, mut left, mut calm) = (0, 0, 0);
    for row in &matrix.rows {
        if is_calm(&row.verdicts) {
            calm += 1;
            continue;
        }
        let cells: Vec<_> = (0..matrix.targets.len())
            .map(|at| match row.verdicts.get(at).copied().flatten() {
                None => "–",
                Some(Verdict::Failed) => "**failed**",
                Some(Verdict::Errored) => "**errored**",
                Some(verdict) => verdict.name(),
            })
            .collect();
        let line = format!("| {} | {} |\n", cell(&row.case, NAME), cells.join(" | "));
        if lines.len() + line.len() > CASES {
            left += 1;
            continue;
        }
        lines.push_str(&line);
        told += 1;
    }
    if told > 0 {
        let _ = writeln!(out, "{lines}");
    }
    if left > 0 {
        let _ = writeln!(out, "… and {}, for which there is no room here.\n", cases(left));
    }
    if calm > 0 {
        let verb = if calm == 1 { "passes" } else { "pass" };
        let _ = writeln!(out, "{} {verb} on every target.\n", cases(calm));
    }
}
