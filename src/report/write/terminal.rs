//! The terminal, 80 columns wide: the result, each item, and the result again.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, Write},
};

use crate::{
    model::Verdict,
    report::{
        Colors, Report,
        escape::LogCommandFilter,
        limits::{
            CASES_COUNT, NAME,
            terminal::{ALL_ITEMS_COUNT, LISTED_COUNT, LONG_COUNT, NAMED_COUNT, ROWS_COUNT, WIDTH},
        },
        model::{
            Column, End, Entry, GateResult, Grid, Item, ItemState, List, ListKind, Section, Severity, Start, Table,
        },
        plain::{self, Detail, LinePart, TextLine},
        text::{capital, cases, count, digest, figure, short},
    },
};

/// Columns in front of the text of a line.
const INDENT: usize = 13;
/// Columns of a target in the table of cases by target.
const CELL: usize = 9;
/// Columns of a name in a table.
const TABLE_NAME: usize = 34;

/// How much the terminal shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShowOptions {
    /// Nothing if nothing fails, and otherwise only what fails.
    pub quiet: bool,
    /// All cases, differences between responses, and all entries of lists.
    pub verbose: bool,
}

/// Shows a report on a terminal.
pub(in crate::report) struct Terminal<'r> {
    colors: Colors,
    options: ShowOptions,
    report: &'r Report<'r>,
}

/// Items that differ in the endpoint only; there is at least one.
type ItemGroup<'r> = Vec<&'r Item<'r>>;

impl<'r> Terminal<'r> {
    pub(in crate::report) fn new(colors: Colors, options: ShowOptions, report: &'r Report<'r>) -> Self {
        Self {
            colors,
            options,
            report,
        }
    }

    /// Writes the report.
    pub(in crate::report) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { start, end, .. } = self.report;
        if self.options.quiet && end.outcome == GateResult::Passed {
            return Ok(());
        }
        let mut text = self.head(start, end);
        if let Some(grid) = &end.grid {
            self.grid(grid, &mut text);
        }
        for (index, section) in end.sections.iter().enumerate() {
            text.push_str(&self.section(index, section));
        }
        // The result again: a reader of a long text is at its end.
        let _ = writeln!(text, "{}", self.colors.faint("────────────"));
        let _ = writeln!(text, "{}", self.colors.outcome(end.outcome, &end.headline));
        if let Some(summary) = end.summary.first() {
            let _ = writeln!(text, "{summary}");
        }
        let mut out = LogCommandFilter::new(out);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The items of a section that are shown or counted.
    fn groups(&self, section: usize) -> Vec<ItemGroup<'r>> {
        let mut groups: Vec<ItemGroup<'r>> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let items = self.report.items.iter().filter(|item| item.section == section);
        for item in items.filter(|item| !self.options.quiet || item.state != ItemState::Passed) {
            let next = groups.len();
            let key = item.group.as_deref().filter(|_| !self.options.verbose);
            let index = key.map_or(next, |key| *known.entry(key).or_insert(next));
            match groups.get_mut(index) {
                Some(group) => group.push(item),
                None => groups.push(vec![item]),
            }
        }
        groups
    }

    /// A label, and text next to it on as many lines as it needs.
    fn labelled(&self, label: &str, text: &str) -> String {
        let mut out = String::new();
        for (index, line) in wrapped(text, WIDTH - INDENT).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = self.colors.faint(&format!("{label:>12}"));
            out.push_str(format!("{label} {line}").trim_end());
            out.push('\n');
        }
        out
    }

    fn items(&self, group: &ItemGroup<'_>, out: &mut String) {
        let Some((item, others)) = group.split_first() else {
            return;
        };
        let word = format!("{:>12}", item.label.to_uppercase());
        let word = match item.severity {
            Severity::Error => self.colors.bad(&word),
            Severity::Warning => self.colors.odd(&word),
            Severity::Note => self.colors.strong(&word),
        };
        let title = format!("{} ({})", item.title, item.counted());
        let title = wrapped(&title, WIDTH - INDENT).join(&format!("\n{:INDENT$}", ""));
        let _ = writeln!(out, "\n{word} {}", self.colors.faint(&title));
        for line in wrapped(&capital(&item.message), WIDTH - INDENT) {
            let _ = writeln!(out, "{:INDENT$}{}", "", self.colors.strong(&line));
        }
        let detail = if self.options.verbose {
            Detail::All
        } else {
            Detail::Full
        };
        let is_end = |line: &TextLine| matches!(line.part, LinePart::Diff | LinePart::Advice | LinePart::Command);
        let (mut end, facts): (Vec<_>, Vec<_>) = plain::item_lines(item, detail).into_iter().partition(is_end);
        // The first command is of the target that the report is about.
        end.dedup_by(|next, one| next.part == LinePart::Command && one.part == LinePart::Command);
        self.lines(&facts, out);
        for same in others.iter().take(LISTED_COUNT) {
            let text = format!("{} ({}), {}", same.origin, same.counted(), same.fingerprint);
            out.push_str(&self.labelled("same at", &text));
        }
        if others.len() > LISTED_COUNT {
            let more = count(others.len() - LISTED_COUNT, "more endpoint");
            out.push_str(&self.labelled("", &format!("… and {more}{}", self.hint())));
        }
        self.lines(&end, out);
    }

    fn lines(&self, lines: &[TextLine], out: &mut String) {
        for line in lines {
            match line.part {
                LinePart::Title => {}
                LinePart::Diff => {
                    let text = format!("{:INDENT$}{}", "", self.colors.diff(&line.text));
                    let _ = writeln!(out, "{}", text.trim_end());
                }
                LinePart::Advice => self.whole(line.label, &self.colors.good(&line.text), out),
                LinePart::Command => self.whole("reproduce", &line.text, out),
                _ => out.push_str(&self.labelled(line.label, &line.text)),
            }
        }
    }

    /// A label, and text that is not wrapped.
    fn whole(&self, label: &str, text: &str, out: &mut String) {
        let label = self.colors.faint(&format!("{label:>12}"));
        let _ = writeln!(out, "{label} {text}");
    }

    /// How the lists can be seen in full.
    fn hint(&self) -> &'static str {
        if self.options.verbose {
            ""
        } else {
            " (`--verbose` lists them)"
        }
    }

    fn section(&self, index: usize, section: &Section) -> String {
        let mut out = String::new();
        if let Some(heading) = &section.heading {
            let _ = writeln!(out, "\n{}", self.colors.outcome(section.outcome, heading));
        }
        for caution in &section.cautions {
            out.push_str(&self.labelled("!", caution));
        }
        for list in section.lists.iter().filter(|list| list.kind == ListKind::LeftOut) {
            self.list(list, &mut out);
        }
        self.section_items(index, &mut out);
        if self.options.quiet {
            return out;
        }
        for table in &section.tables {
            self.table(table, &mut out);
        }
        let lists: Vec<_> = section
            .lists
            .iter()
            .filter(|list| list.kind != ListKind::LeftOut && !list.entries.is_empty())
            .collect();
        if !lists.is_empty() || !section.facts.is_empty() {
            out.push('\n');
        }
        for list in lists {
            self.list(list, &mut out);
        }
        for (label, text) in &section.facts {
            out.push_str(&self.labelled(label, text));
        }
        out
    }

    fn section_items(&self, index: usize, out: &mut String) {
        let groups = self.groups(index);
        let count_of = |groups: &[ItemGroup<'_>]| groups.iter().map(Vec::len).sum::<usize>();
        let firsts = groups.iter().filter_map(|group| group.first());
        let failing: Vec<_> = firsts.filter(|item| item.severity == Severity::Error).collect();
        if count_of(&groups) > LONG_COUNT && !failing.is_empty() {
            out.push('\n');
            for item in failing.iter().take(LISTED_COUNT) {
                let line = fitting(&format!("{}: {}", item.suite, item.message), WIDTH - INDENT);
                let _ = writeln!(out, "{:>12} {line}", item.counted());
            }
            if failing.len() > LISTED_COUNT {
                let more = figure(failing.len() - LISTED_COUNT);
                out.push_str(&self.labelled("", &format!("… and {more} more of these")));
            }
        }
        let max = if self.options.verbose {
            ALL_ITEMS_COUNT
        } else {
            self.report.start.shown
        };
        let (shown, left) = groups.split_at(max.min(groups.len()));
        for group in shown {
            self.items(group, out);
        }
        if !left.is_empty() {
            let more = figure(count_of(left));
            let hint = "`--verbose`, `--report html=report.html` or `--report json=report.json` shows them";
            out.push('\n');
            out.push_str(&self.labelled("", &format!("… and {more} more {}: {hint}", self.report.start.noun())));
        }
    }

    fn list(&self, list: &List, out: &mut String) {
        let max = match list.kind {
            // They are the reason for a missing verdict.
            ListKind::LeftOut => usize::MAX,
            ListKind::Accepted | ListKind::Warnings => NAMED_COUNT,
            _ if self.options.verbose => NAMED_COUNT,
            ListKind::Stale => CASES_COUNT,
            ListKind::Gaps => LISTED_COUNT,
            ListKind::Info => 0,
        };
        let text = |entry: &Entry| match &entry.location {
            Some(location) if list.kind == ListKind::Stale => {
                format!("{}: {}", short(&location.to_string(), NAME), entry.text())
            }
            Some(location) if matches!(list.kind, ListKind::Accepted | ListKind::Gaps) => {
                format!("- {} ({})", entry.text(), short(&location.to_string(), NAME))
            }
            _ if list.kind == ListKind::Info => format!("- {}", entry.text()),
            _ => entry.text(),
        };
        if matches!(list.kind, ListKind::Accepted | ListKind::Info | ListKind::Gaps) && !list.entries.is_empty() {
            let hint = if max == 0 { self.hint() } else { "" };
            out.push_str(&self.labelled(list.label, &format!("{}{hint}", list.count)));
        }
        for entry in list.entries.iter().take(max) {
            let text = text(entry);
            match list.kind {
                ListKind::Stale => {
                    let word = self.colors.odd(&format!("{:>12}", list.label.to_uppercase()));
                    let _ = writeln!(out, "{word} {text}");
                }
                ListKind::Accepted | ListKind::Info | ListKind::Gaps => out.push_str(&self.labelled("", &text)),
                ListKind::LeftOut | ListKind::Warnings => out.push_str(&self.labelled(list.label, &text)),
            }
        }
        let left = list.entries.len().saturating_sub(max) + list.more;
        if left > 0 && max > 0 {
            out.push_str(&self.labelled("", &format!("… and {} more: `--report json` has them", figure(left))));
        }
    }

    fn table(&self, table: &Table, out: &mut String) {
        let rows = table.rows.iter().filter(|row| self.options.verbose || row.is_brief);
        let mut rows = rows.take(ALL_ITEMS_COUNT).peekable();
        if rows.peek().is_none() {
            return;
        }
        let shown = || {
            table
                .columns
                .iter()
                .enumerate()
                .filter(|(_, column)| !matches!(column, Column::Note(_)))
        };
        let line = |cells: &mut dyn Iterator<Item = (&Column, String)>| {
            let cells = cells.map(|(column, text)| match column {
                Column::Number(title) => format!(" {text:>0$}", title.len().max(7)),
                Column::Name(_) | Column::Note(_) => format!("    {text:<TABLE_NAME$}"),
            });
            cells.collect::<String>()
        };
        let name = |column: &Column| match column {
            Column::Number(title) => (*title).to_owned(),
            _ => table.title.to_uppercase(),
        };
        let head = line(&mut shown().map(|(_, column)| (column, name(column))));
        let _ = writeln!(out, "\n{}", self.colors.strong(&head));
        for row in rows {
            let cells = &mut shown().map(|(at, column)| (column, short(&row.cells[at], TABLE_NAME)));
            out.push_str(line(cells).trim_end());
            out.push('\n');
        }
    }

    /// Cases that do not pass on every target; `--verbose` shows all.
    fn grid(&self, grid: &Grid, out: &mut String) {
        let rows = grid.rows.iter();
        let rows: Vec<_> = rows
            .filter(|row| !row.passes() || (self.options.verbose && !self.options.quiet))
            .collect();
        let room = WIDTH.saturating_sub(grid.columns.len() * CELL + 1).max(20);
        if !rows.is_empty() {
            let numbers = (1..=grid.columns.len()).map(|number| format!("{:>CELL$}", format!("[{number}]")));
            let line = format!("{:room$}{}", "", numbers.collect::<String>());
            let _ = writeln!(out, "\n{}", self.colors.faint(&line));
        }
        for row in rows.iter().take(ROWS_COUNT) {
            let mut line = format!("{:room$}", fitting(&row.case, room));
            for verdict in &row.verdicts {
                line.push_str(&self.grid_cell(*verdict));
            }
            out.push_str(line.trim_end());
            out.push('\n');
            for (index, reason) in row.reasons.iter().enumerate() {
                if let Some(reason) = reason {
                    let reason = fitting(&format!("  [{}] {reason}", index + 1), WIDTH);
                    let _ = writeln!(out, "{}", self.colors.faint(&reason));
                }
            }
        }
        if rows.len() > ROWS_COUNT {
            let _ = writeln!(out, "… and {}", count(rows.len() - ROWS_COUNT, "more case"));
        }
        let passed = grid.rows.iter().filter(|row| row.passes()).count();
        if passed > 0 && !self.options.verbose {
            let verb = if passed == 1 { "passes" } else { "pass" };
            let line = format!("{} {verb} on every target", cases(passed));
            let _ = writeln!(out, "{}", self.colors.faint(&line));
        }
    }

    fn grid_cell(&self, verdict: Option<Verdict>) -> String {
        let word = match verdict {
            None => "-",
            Some(Verdict::Passed) => "pass",
            Some(Verdict::Failed) => "FAIL",
            Some(Verdict::Errored) => "ERROR",
            Some(Verdict::Flaky) => "FLAKY",
            Some(Verdict::Skipped) => "skip",
            Some(Verdict::NotRun) => "not run",
        };
        let cell = format!("{word:>CELL$}");
        match verdict {
            Some(Verdict::Passed) => self.colors.good(&cell),
            Some(Verdict::Failed) => self.colors.bad(&cell),
            Some(Verdict::Errored | Verdict::Flaky) => self.colors.odd(&cell),
            Some(Verdict::Skipped | Verdict::NotRun) | None => self.colors.faint(&cell),
        }
    }

    fn head(&self, start: &Start, end: &End) -> String {
        let mut out = format!("{}\n", self.colors.outcome(end.outcome, &end.headline));
        for target in &start.targets {
            let mut text = target.name.clone();
            if target.base_url != target.name {
                text = format!("{text} ({})", target.base_url);
            }
            if let Some(commit) = &target.commit {
                text = format!("{text}, commit {}", digest(commit));
            }
            if self.options.verbose {
                let at = target.started.format("%Y-%m-%d %H:%M:%S UTC");
                text = format!("{text}, {at}, {}", target.facts.join(", "));
            }
            out.push_str(&self.labelled(&target.role, &text));
        }
        for line in &end.summary {
            out.push_str(&self.labelled("", line));
        }
        out
    }
}

/// Text on lines of `width` columns, broken at spaces only.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if columns > 0 && columns + 1 + length > width {
            lines.push(String::new());
            columns = 0;
        }
        if let Some(line) = lines.last_mut() {
            if columns > 0 {
                line.push(' ');
                columns += 1;
            }
            line.push_str(word);
            columns += length;
        }
    }
    lines
}

/// The start of a line that has `width` columns.
fn fitting(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let start: String = line.chars().take(width.saturating_sub(1)).collect();
    start + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_only() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a longer-than-all b", 6), ["a", "longer-than-all", "b"]);
        assert_eq!(wrapped("", 6), [""]);
        assert_eq!(fitting("żółw żółw", 5), "żółw…");
    }
}
