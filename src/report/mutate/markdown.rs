//! For a pull request.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{FORMULA, changed, layer_name, percent, sentence, whose, without_advice};
use crate::{
    mutate::{Measured, Tally},
    report::markdown::{MOST, code, fence, html, list},
};

/// Writes a measurement.
pub(super) fn write(measured: &Measured, sink: &mut dyn Write) -> io::Result<()> {
    let mut out = format!(
        "## {}\n\n{}\n\n{FORMULA}\n\n",
        html(&measured.headline),
        html(&sentence(measured))
    );
    if !measured.survivors.is_empty() {
        out += "### What the suite would miss\n\n";
    }
    let mut left = 0;
    for group in &measured.survivors {
        let mut text = format!(
            "<details><summary>{} survived at <code>{}</code></summary>\n\n- by: {}\n",
            group.count,
            html(&group.target),
            code(&group.operators.join(", "))
        );
        if let Some(changed) = changed(group) {
            let _ = writeln!(text, "- changed: {}", code(&changed));
        }
        let _ = writeln!(text, "- cases: {}", code(&whose(group)));
        let _ = writeln!(text, "- place: {}\n", code(&group.place.to_string()));
        match &group.advice {
            Some(advice) => fence("yaml", advice, &mut text),
            None => drop(writeln!(text, "{}\n", html(&without_advice(group)))),
        }
        text += "</details>\n\n";
        if out.len() + text.len() > MOST / 2 {
            left += 1;
        } else {
            out += &text;
        }
    }
    if left > 0 {
        let _ = writeln!(out, "… and {left} more groups of survivors\n");
    }
    out += "### By layer\n\n| layer | first to notice | alone in noticing |\n|---|---:|---:|\n";
    for one in &measured.layers {
        let _ = writeln!(out, "| {} | {} | {} |", layer_name(one.layer), one.first, one.only);
    }
    out += "\n### By operator\n\n| operator | stands for | score | killed | survived | accepted |\n|---|---|---:|---:|---:|---:|\n";
    for one in measured.operators.iter().filter(|one| one.tally != Tally::default()) {
        let (score, tally) = (percent(one.tally), one.tally);
        let stands_for = html(&one.stands_for);
        let _ = writeln!(
            out,
            "| {} | {stands_for} | {score} | {} | {} | {} |",
            code(&one.operator),
            tally.killed,
            tally.survived,
            tally.accepted
        );
    }
    out += "\n### By suite\n\n| suite | score | killed | survived | accepted |\n|---|---:|---:|---:|---:|\n";
    for one in measured.suites.iter().take(100) {
        let (score, tally) = (percent(one.tally), one.tally);
        let _ = writeln!(
            out,
            "| {} | {score} | {} | {} | {} |",
            code(&one.suite).replace('|', "\\|"),
            tally.killed,
            tally.survived,
            tally.accepted
        );
    }
    out.push('\n');
    let by_snapshot = measured.by_snapshot.iter();
    let by_snapshot =
        by_snapshot.map(|one| format!("{} at {}: {}", code(&one.operator), code(&one.target), one.mutants));
    list("Noticed by nothing but the snapshot", by_snapshot, &mut out);
    let accepted = measured.accepted.iter().map(|one| {
        format!(
            "{} at {}: {} ({})",
            code(&one.group.operators.join(", ")),
            code(&one.group.target),
            html(&one.reason),
            code(&one.waiver.to_string())
        )
    });
    list("Accepted", accepted, &mut out);
    let stale = measured.stale.iter().map(|one| {
        format!(
            "{}: no such survivor any more ({})",
            code(&one.what),
            code(&one.waiver.to_string())
        )
    });
    list("Stale", stale, &mut out);
    let not_measured = measured
        .not_measured
        .iter()
        .map(|one| format!("{}: {}", code(&one.case), html(&one.reason)));
    list("Not measured", not_measured, &mut out);
    sink.write_all(out.as_bytes())
}
