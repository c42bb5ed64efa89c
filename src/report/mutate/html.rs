//! One page that needs no network, no server and no script.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{FORMULA, changed, layer_name, percent, sentence, whose, without_advice};
use crate::{
    model::Exit,
    mutate::{Group, Measured, Tally},
    report::{
        html::{STYLE as REPORT, escaped, icon, policy},
        outcome::short,
    },
};

/// The page; what stands between two `@@` is a name of what is put there.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// Most groups of survivors.
const GROUPS: usize = 2000;

/// Writes a measurement.
pub(super) fn write(measured: &Measured, sink: &mut dyn Write) -> io::Result<()> {
    let (class, colour, path) = if measured.exit_code == Exit::Success.code() {
        ("good", "17803d", "M3.5 8.5l3 3 6-7")
    } else if measured.exit_code == Exit::ContractViolated.code() {
        ("bad", "c62828", "M4 4l8 8M12 4l-8 8")
    } else {
        ("odd", "9a5b00", "M8 3.5v5.5M8 11.7v.8")
    };
    let style = format!("{REPORT}{STYLE}");
    let heading = &measured.headline;
    for (turn, part) in PAGE.split("@@").enumerate() {
        if turn % 2 == 0 {
            sink.write_all(part.as_bytes())?;
            continue;
        }
        let text = match part {
            "policy" => policy(None, &style),
            "style" => style.clone(),
            "title" => escaped(&format!("{heading} · {}", measured.recording)),
            "icon" => icon(colour, path),
            "mark" => format!("<path d=\"{path}\"/>"),
            "outcome" => class.to_owned(),
            "heading" => escaped(heading),
            "sentence" => escaped(&format!("{}. {FORMULA}", sentence(measured))),
            "content" => content(measured),
            "tool" => escaped(&measured.tool),
            name => return Err(io::Error::other(format!("the page has no part `{name}`"))),
        };
        sink.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn content(measured: &Measured) -> String {
    let mut out = String::new();
    if !measured.survivors.is_empty() {
        out += "<section class=\"part\">\n<h2>What the suite would miss</h2>\n";
        for group in measured.survivors.iter().take(GROUPS) {
            survivors(group, &mut out);
        }
        let left = measured.survivors.len().saturating_sub(GROUPS);
        if left > 0 {
            let _ = writeln!(out, "<p>… and {left} more groups.</p>");
        }
        out += "</section>\n";
    }
    let layers = measured.layers.iter().map(|one| {
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            layer_name(one.layer),
            one.first,
            one.only
        )
    });
    table(
        "By layer",
        &["layer", "first to notice", "alone in noticing"],
        layers,
        &mut out,
    );
    let row = |name: &str, note: Option<&str>, tally: Tally| {
        let note = note
            .map(|note| format!("<td>{}</td>", escaped(note)))
            .unwrap_or_default();
        format!(
            "<tr><td><code>{}</code></td>{note}<td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            escaped(name),
            percent(tally),
            tally.killed,
            tally.survived,
            tally.accepted
        )
    };
    let by_snapshot = measured.by_snapshot.iter();
    let by_snapshot = by_snapshot.map(|one| cells(&[&one.operator, &one.target, &one.suite, &one.mutants.to_string()]));
    table(
        "Noticed by nothing but the snapshot",
        &["operator", "at", "suite", "mutants"],
        by_snapshot.take(GROUPS),
        &mut out,
    );
    let made = measured.operators.iter().filter(|one| one.tally != Tally::default());
    let operators = made.map(|one| row(&one.operator, Some(&one.stands_for), one.tally));
    table(
        "By operator",
        &["operator", "stands for", "score", "killed", "survived", "accepted"],
        operators,
        &mut out,
    );
    let suites = measured.suites.iter().map(|one| row(&one.suite, None, one.tally));
    table(
        "By suite",
        &["suite", "score", "killed", "survived", "accepted"],
        suites,
        &mut out,
    );
    let accepted = measured.accepted.iter().map(|one| {
        cells(&[
            &one.group.operators.join(", "),
            &one.group.target,
            &one.reason,
            &one.waiver.to_string(),
        ])
    });
    table("Accepted", &["operator", "at", "reason", "place"], accepted, &mut out);
    let stale = measured
        .stale
        .iter()
        .map(|one| cells(&[&one.what, &one.waiver.to_string()]));
    table("Accepted, and no longer found", &["what", "place"], stale, &mut out);
    let not_measured = measured.not_measured.iter().map(|one| cells(&[&one.case, &one.reason]));
    table("Not measured", &["case", "reason"], not_measured, &mut out);
    out
}

fn cells(texts: &[&str]) -> String {
    let cells = texts.iter().fold(String::new(), |row, text| {
        row + "<td>" + &escaped(&short(text, 2000)) + "</td>"
    });
    format!("<tr>{cells}</tr>\n")
}

fn table(heading: &str, columns: &[&str], rows: impl Iterator<Item = String>, out: &mut String) {
    let rows = rows.collect::<String>();
    if rows.is_empty() {
        return;
    }
    let head = columns.iter().map(|name| {
        let class = if matches!(
            *name,
            "score" | "killed" | "survived" | "accepted" | "first to notice" | "alone in noticing"
        ) {
            " class=\"n\""
        } else {
            ""
        };
        format!("<th{class}>{name}</th>")
    });
    let _ = write!(
        out,
        "<section class=\"part\">\n<h2>{heading}</h2>\n<div class=\"scroll\"><table class=\"scores\">\n<tr>{}</tr>\n{rows}</table></div>\n</section>\n",
        head.collect::<String>()
    );
}

fn survivors(group: &Group, out: &mut String) {
    let _ = writeln!(
        out,
        "<details class=\"group\"><summary>{} at <code>{}</code></summary>\n<p>by: {}</p>",
        group.count,
        escaped(&short(&group.target, 300)),
        escaped(&group.operators.join(", "))
    );
    if let Some(changed) = changed(group) {
        let _ = writeln!(out, "<p>changed: <code>{}</code></p>", escaped(&changed));
    }
    let _ = writeln!(
        out,
        "<p>cases: {}</p>\n<p>{}</p>",
        escaped(&whose(group)),
        escaped(&group.place.to_string())
    );
    match &group.advice {
        Some(advice) => {
            let _ = writeln!(out, "<pre>{}</pre>", escaped(advice));
        }
        None => {
            let _ = writeln!(out, "<p>{}</p>", escaped(&without_advice(group)));
        }
    }
    out.push_str("</details>\n");
}
