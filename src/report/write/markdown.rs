//! Markdown, for a comment on a pull request or the summary of a job.
//!
//! Text that is not the report's own is in code spans and code blocks. GitHub is not asked to render anything else of
//! it: no link, no mention, no reference to an issue.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::Verdict,
    report::{
        escape::{
            inert_lines,
            markdown::{cell, code, fence, html, sentence},
        },
        limits::{
            NAME, VALUE,
            markdown::{
                CELL, COMMAND, DOCUMENT, FINDINGS, GRID, ITEMS, LEFT_OUT, LIST, LISTED_COUNT, REST, ROWS_COUNT,
            },
        },
        model::{Column, End, Grid, Item, List, ListKind, Section, Severity, Start, Table, Writer},
        plain::{self, Detail, LinePart, TextLine},
        spool::Spool,
        text::{cases, count, digest, figure, millis, seconds, short},
    },
};

/// Collects items, and writes them at the end as far as there is room.
pub(in crate::report) struct Markdown {
    /// Rows of the table of items, each with its section.
    rows: Spool<usize>,
    /// Folded items, each with its section.
    entries: Spool<usize>,
    /// Size of the entries of each section.
    sizes: Vec<usize>,
    items: usize,
}

impl Markdown {
    pub(in crate::report) fn new(entries: Spool<usize>) -> Self {
        Self {
            rows: Spool::new(None),
            entries,
            sizes: Vec::new(),
            items: 0,
        }
    }
}

impl Writer for Markdown {
    fn item(&mut self, _: &Start, item: &Item<'_>, _: &mut dyn Write) -> io::Result<()> {
        self.items += 1;
        if let Some(run) = &item.execution {
            // Passed cases are not listed; skipped ones and warnings are in lists.
            if item.severity == Severity::Note {
                return Ok(());
            }
            let entry = inert_lines(&entry(item));
            return self.entries.push(run.index, item.section, entry.as_bytes());
        }
        if self.sizes.len() <= item.section {
            self.sizes.resize(item.section + 1, 0);
        }
        let size = &mut self.sizes[item.section];
        // What certainly has no room is counted only.
        let (row, entry) = if *size > DOCUMENT {
            (String::new(), String::new())
        } else {
            (row(item), entry(item))
        };
        *size += row.len() + entry.len();
        self.rows.push(self.items, item.section, row.as_bytes())?;
        self.entries.push(self.items, item.section, entry.as_bytes())
    }

    fn end(&mut self, start: &Start, end: &End, out: &mut dyn Write) -> io::Result<()> {
        let mut text = head(start, end);
        if let Some(grid) = &end.grid {
            self::grid(grid, &mut text);
        }
        let foot = foot(start, end);
        let rows = collected(&mut self.rows, end.sections.len())?;
        let entries = collected(&mut self.entries, end.sections.len())?;
        let mut left_out = 0;
        for (index, section) in end.sections.iter().enumerate() {
            // The remaining sections share the remaining room.
            let room = DOCUMENT.saturating_sub(text.len() + foot.len() + REST) / (end.sections.len() - index);
            let part = self::section(section, &rows[index], &entries[index], room);
            if index > 0 && part.len() > room {
                left_out += 1;
            } else {
                text.push_str(&part);
            }
        }
        if left_out > 0 {
            let _ = writeln!(text, "… and {left_out} more targets, left out for their size.\n");
        }
        text.push_str(&foot);
        out.write_all(inert_lines(&text).as_bytes())
    }
}

/// The pieces of each section: as many as a document can contain, and how many more there are.
fn collected(spool: &mut Spool<usize>, sections: usize) -> io::Result<Vec<(Vec<String>, usize)>> {
    let mut all = vec![(Vec::new(), 0); sections.max(1)];
    let mut sizes = vec![0; all.len()];
    spool.each(|section, piece| {
        let section = (*section).min(all.len() - 1);
        sizes[section] += piece.len();
        let (pieces, more) = &mut all[section];
        if *more > 0 || piece.is_empty() || sizes[section] > DOCUMENT {
            *more += 1;
        } else {
            pieces.push(String::from_utf8_lossy(piece).into_owned());
        }
        Ok(())
    })?;
    Ok(all)
}

fn head(start: &Start, end: &End) -> String {
    let mut out = format!("## {}\n\n", sentence(&end.headline));
    for target in &start.targets {
        let _ = write!(out, "- {} {}", target.role, code(&target.name));
        if target.base_url != target.name {
            let _ = write!(out, " ({})", code(&target.base_url));
        }
        if let Some(commit) = &target.commit {
            let _ = write!(out, " at commit {}", code(&digest(commit)));
        }
        let _ = writeln!(out, ", suite {}", code(&digest(&target.suite_hash)));
    }
    if !start.targets.is_empty() {
        out.push('\n');
    }
    for line in &end.summary {
        let _ = writeln!(out, "{}.\n", sentence(line));
    }
    if !end.counts.is_empty() {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        out.push_str(&row(end.counts.iter().map(|(name, _)| (*name).to_owned()).collect()));
        out.push_str(&row(end.counts.iter().map(|_| "---:".to_owned()).collect()));
        out.push_str(&row(end.counts.iter().map(|(_, number)| figure(*number)).collect()));
        out.push('\n');
    }
    out
}

fn foot(start: &Start, end: &End) -> String {
    let mut parts = vec![code(&start.tool)];
    parts.extend(end.elapsed_us.map(|elapsed| format!("{}s", seconds(millis(elapsed)))));
    parts.extend(start.started.map(|at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string()));
    format!("{}\n", parts.join(" · "))
}

/// Cases that do not pass on every target.
fn grid(grid: &Grid, out: &mut String) {
    let titles: Vec<_> = grid.columns.iter().map(|name| cell(name, CELL)).collect();
    let mut table = format!(
        "| case | {} |\n|---|{}\n",
        titles.join(" | "),
        ":-:|".repeat(titles.len())
    );
    let (mut shown, mut left, mut passed) = (0, 0, 0);
    for row in &grid.rows {
        if row.passes() {
            passed += 1;
            continue;
        }
        let cells = row.verdicts.iter().map(|verdict| match verdict {
            None => "–",
            Some(Verdict::Failed) => "**failed**",
            Some(Verdict::Errored) => "**errored**",
            Some(verdict) => verdict.name(),
        });
        let line = format!(
            "| {} | {} |\n",
            cell(&row.case, NAME),
            cells.collect::<Vec<_>>().join(" | ")
        );
        if table.len() + line.len() > GRID {
            left += 1;
            continue;
        }
        table.push_str(&line);
        shown += 1;
    }
    if shown > 0 {
        let _ = writeln!(out, "{table}");
    }
    if left > 0 {
        let _ = writeln!(out, "… and {} more, left out for their size.\n", cases(left));
    }
    if passed > 0 {
        let verb = if passed == 1 { "passes" } else { "pass" };
        let _ = writeln!(out, "{} {verb} on every target.\n", cases(passed));
    }
}

/// A section in at most `room` bytes, as far as its items allow.
fn section(section: &Section, rows: &(Vec<String>, usize), entries: &(Vec<String>, usize), room: usize) -> String {
    let mut out = String::new();
    if let Some(heading) = &section.heading {
        let _ = writeln!(out, "### {}\n", sentence(heading));
    }
    for caution in &section.cautions {
        let _ = writeln!(out, "> {}", sentence(caution));
    }
    if !section.cautions.is_empty() {
        out.push('\n');
    }
    for list in section.lists.iter().filter(|list| list.kind == ListKind::LeftOut) {
        self::list(list, (LEFT_OUT, usize::MAX), &mut out);
    }
    let rest = rest(section);
    let room = room.saturating_sub(out.len() + rest.len() + REST);
    out.push_str(&items(section, rows, entries, room));
    out.push_str(&rest);
    out
}

/// The table of items, and the items as far as there is room.
fn items(
    section: &Section,
    (rows, more_rows): &(Vec<String>, usize),
    (entries, more_entries): &(Vec<String>, usize),
    room: usize,
) -> String {
    let mut out = String::new();
    let mut shown = entries.len();
    if !rows.is_empty() {
        if !section.items.is_empty() {
            let _ = writeln!(out, "### {}\n", section.items);
        }
        let unit = section.unit.unwrap_or("cases");
        let _ = writeln!(out, "| | what | before | after | {unit} |\n|---|---|---|---|---:|");
        let max = ITEMS.min(room / 2);
        let fitting = rows.iter().take_while(|row| {
            let fits = out.len() + row.len() <= max;
            if fits {
                out.push_str(row);
            }
            fits
        });
        shown = fitting.count();
        out.push('\n');
        let left = rows.len() - shown + more_rows;
        if left > 0 {
            let _ = writeln!(out, "… and {} more changes, left out for their size.\n", figure(left));
        }
    }
    let mut folded = 0;
    for entry in entries.iter().take(shown) {
        if out.len() + entry.len() > room {
            break;
        }
        out.push_str(entry);
        folded += 1;
    }
    let left = if rows.is_empty() {
        entries.len() - folded + more_entries
    } else {
        shown - folded
    };
    if left > 0 {
        let what = if rows.is_empty() {
            "cases that did not pass"
        } else {
            "details of changes"
        };
        let _ = writeln!(out, "… and {} more {what}, left out for their size.\n", figure(left));
    }
    out
}

fn row(item: &Item<'_>) -> String {
    let values = item.values.first();
    let shown = |value: Option<&str>| value.map_or_else(String::new, |text| cell(text, CELL));
    format!(
        "| **{}** | {}<br>{} of {} | {} | {} | {} |\n",
        item.label,
        cell(&item.message, NAME),
        cell(&item.title, NAME),
        cell(&item.origin, NAME),
        shown(values.and_then(|values| values.before)),
        shown(values.and_then(|values| values.after)),
        figure(item.case_count)
    )
}

fn summary(label: &str, title: &str, message: &str) -> String {
    format!(
        "<details>\n<summary><b>{}</b> <code>{}</code> <code>{}</code></summary>\n\n",
        label.to_uppercase(),
        html(&short(title, NAME)),
        html(&short(message, NAME)),
    )
}

fn entry(item: &Item<'_>) -> String {
    let mut out = summary(item.label, &item.title, &item.message);
    let mut lines = plain::item_lines(item, Detail::Responses);
    // The first command is of the target that the report is about.
    lines.dedup_by(|next, one| next.part == LinePart::Command && one.part == LinePart::Command);
    let (mut room, mut left) = (FINDINGS, 0);
    for lines in lines.chunk_by(|one, next| language(one) == language(next)) {
        let language = language(&lines[0]);
        let mut text = String::new();
        for line in lines {
            if language != "sh" && room == 0 {
                left += 1;
            } else if line.part == LinePart::Command && language != "sh" {
                let size = figure(line.text.len());
                let _ = writeln!(text, "the command that repeats the request has {size} bytes");
            } else if line.part == LinePart::Command {
                let _ = writeln!(text, "{}", line.text);
            } else {
                let shown = short(&line.text, FINDINGS);
                room = room.saturating_sub(shown.len() + 1);
                let lead = if language == "text" { line.lead() } else { String::new() };
                let _ = writeln!(text, "{lead}{shown}");
            }
        }
        fence(language, &text, &mut out);
    }
    if left > 0 {
        fence("text", &format!("… and {}", count(left, "more line")), &mut out);
    }
    out.push_str("</details>\n\n");
    out
}

/// The language of the code block that a line is in.
fn language(line: &TextLine) -> &'static str {
    match line.part {
        LinePart::Diff => "diff",
        LinePart::Advice => "yaml",
        LinePart::Command if line.text.len() <= COMMAND => "sh",
        _ => "text",
    }
}

/// Everything below the items of a section.
fn rest(section: &Section) -> String {
    let mut out = String::new();
    for table in &section.tables {
        self::table(table, &mut out);
    }
    let mut folded = (String::new(), Vec::new());
    for list in &section.lists {
        match list.kind {
            ListKind::LeftOut => {}
            ListKind::Warnings | ListKind::Stale => self::list(list, (LIST, LISTED_COUNT), &mut out),
            ListKind::Accepted | ListKind::Info | ListKind::Gaps if list.entries.is_empty() => {}
            ListKind::Accepted | ListKind::Info | ListKind::Gaps => {
                self::list(list, (LIST, LISTED_COUNT), &mut folded.0);
                folded.1.push(list.count.as_str());
            }
        }
    }
    if !folded.0.is_empty() {
        let counts = html(&folded.1.join(", "));
        let _ = write!(
            out,
            "<details>\n<summary>{counts}</summary>\n\n{}</details>\n\n",
            folded.0
        );
    }
    for (label, text) in &section.facts {
        let _ = writeln!(out, "{label}: {text}\n");
    }
    out
}

/// A heading and a list, in at most `max` bytes and `count` entries.
fn list(list: &List, (max, count): (usize, usize), out: &mut String) {
    if list.entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "### {}\n", list.title);
    let (mut text, mut more) = (String::new(), list.more);
    for (index, entry) in list.entries.iter().enumerate() {
        let parts = [&entry.what, &entry.why].map(|part| if part.is_empty() { String::new() } else { code(part) });
        let mut line = parts.join(if parts.iter().any(String::is_empty) { "" } else { ": " });
        if !entry.note.is_empty() {
            let _ = write!(line, " ({})", sentence(&short(&entry.note, NAME)));
        }
        if let Some(location) = &entry.location {
            let _ = write!(line, " at {}", code(&location.to_string()));
        }
        if index < count && text.len() + line.len() < max && more == list.more {
            let _ = writeln!(text, "- {line}");
        } else {
            more += 1;
        }
    }
    if more > 0 {
        let _ = writeln!(text, "- … and {} more", figure(more));
    }
    let _ = writeln!(out, "{text}");
}

fn table(table: &Table, out: &mut String) {
    if table.rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "### {}\n", table.title);
    let titles: Vec<_> = table.columns.iter().map(Column::title).collect();
    let rules = table.columns.iter().map(|column| match column {
        Column::Number(_) => "---:|",
        Column::Name(_) | Column::Note(_) => "---|",
    });
    let _ = writeln!(out, "| {} |\n|{}", titles.join(" | "), rules.collect::<String>());
    for row in table.rows.iter().take(ROWS_COUNT) {
        let cells = row.cells.iter().zip(&table.columns).map(|(text, column)| match column {
            Column::Name(_) => cell(text, NAME),
            Column::Note(_) => html(&short(text, VALUE)).replace('|', "\\|"),
            Column::Number(_) => text.clone(),
        });
        let _ = writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    if table.rows.len() > ROWS_COUNT {
        let _ = writeln!(out, "\n… and {} more", figure(table.rows.len() - ROWS_COUNT));
    }
    out.push('\n');
}
