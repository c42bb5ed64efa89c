//! One page that needs no network, no server and no script. Filters and folds are those of the browser.

mod grid;

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, Write},
};

use maud::{Markup, html};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::report::{
    Report,
    escape::{lines, visible},
    limits::{
        COMMAND, NAME, VALUES_COUNT,
        html::{CASES_COUNT, CELL, CONTEXT_LINES, EVIDENCE, FOLD_LINES, ITEMS_COUNT, LISTED_COUNT, TEXT},
    },
    model::{
        Column, Entry, Evidence, GateResult, Item, Line, List, ListKind, ReportTarget, Section, Table, TargetResponse,
    },
    plain,
    text::{capital, count, digest, figure, short},
    write::page,
};

/// The style of these pages, besides that of the page of a run.
pub(super) const STYLE: &str = include_str!("html.css");

/// The lists after the items.
const FOLDED: [ListKind; 4] = [ListKind::Gaps, ListKind::Stale, ListKind::Accepted, ListKind::Info];

/// Writes the page.
pub(in crate::report) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Report { start, end, items, .. } = report;
    let names: Vec<_> = start.targets.iter().map(|target| target.name.as_str()).collect();
    let title = match names.as_slice() {
        [] => start.subject.join(", "),
        names => names.join(", "),
    };
    let heading = short(&end.headline, TEXT);
    // What lies behind the numbers follows the items, where those come first.
    let items_first = end.sections.iter().any(|section| section.items_first);
    let lead = if items_first {
        end.summary.len().min(1)
    } else {
        end.summary.len()
    };
    let (lead, remarks) = end.summary.split_at(lead);
    let summary = short(&(lead.join(". ") + "."), TEXT);
    let targets = html! {
        @if !start.targets.is_empty() {
            div.versions { @for target in &start.targets { (self::target(target)) } }
        }
    };
    let mut room = EVIDENCE;
    let body = html! {
        a.skip href="#changes" { "Skip to the " (start.noun()) }
        (page::header(end.outcome, &heading, &summary, &targets))
        main class=[end.grid.as_ref().map(|_| "wide")] {
            @if let Some(grid) = &end.grid { (grid::grid(grid, items)) }
            (filters(items, start.noun()))
            @for (index, section) in end.sections.iter().enumerate() {
                @let items: Vec<_> = items.iter().filter(|item| item.section == index).collect();
                (self::section(section, &items, (index, start.noun()), &mut room))
            }
            @for remark in remarks { p.fine.remark { (short(remark, TEXT)) "." } }
        }
        footer { p { (short(&start.tool, NAME)) " · this page loads nothing and runs no script" } }
    };
    let title = format!("{heading} · {}", short(&title, TEXT));
    let page = page::document((&title, end.outcome), STYLE, None, &body);
    writeln!(out, "{}", page.into_string())
}

/// Which items are shown. The style sheet hides the others.
fn filters(items: &[Item<'_>], noun: &str) -> Markup {
    let mut labels: BTreeMap<_, usize> = BTreeMap::new();
    for item in items {
        *labels.entry((Reverse(item.severity), item.label)).or_default() += 1;
    }
    if labels.len() < 2 {
        return html! {};
    }
    html! {
        fieldset.filters {
            legend { "Show " (noun) }
            div {
                label.count {
                    input type="radio" name="level" id="only-all" checked;
                    b { (figure(items.len())) } " all"
                }
                @for ((_, label), number) in &labels {
                    label class=(format!("count {label}")) {
                        input type="radio" name="level" id=(format!("only-{label}"));
                        b { (figure(*number)) } " " (label)
                    }
                }
            }
        }
    }
}

/// An item of the list. `room` is what is left for all panels.
fn change(item: &Item<'_>, room: &mut usize) -> Markup {
    let mut panel = panel(item);
    if panel.0.len() > *room {
        panel = html! {
            div.panel { p.faint { "The details are left out for their size: the JSON report contains them." } }
        };
    }
    *room = room.saturating_sub(panel.0.len());
    html! {
        li class=(format!("change {}", item.label)) id=(anchor(item)) tabindex="-1" { details { (row(item)) (panel) } }
    }
}

/// The id of an item in the page.
fn anchor(item: &Item<'_>) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric();
    let fingerprint: String = item.fingerprint.chars().filter(is_plain).take(64).collect();
    format!("change-{}-{fingerprint}", item.section)
}

fn target(target: &ReportTarget) -> Markup {
    html! {
        div.version {
            h2 { (capital(&target.role)) }
            p { b { (target.name) } " " code { (target.base_url) } }
            p.fine {
                time datetime=(target.started.format("%Y-%m-%dT%H:%M:%SZ")) {
                    (target.started.format("%Y-%m-%d %H:%M:%S UTC"))
                }
                @if let Some(commit) = &target.commit { " · commit " code title=(commit) { (digest(commit)) } }
                " · suite " code title=(target.suite_hash) { (digest(&target.suite_hash)) }
                @for fact in &target.facts { " · " (fact) }
            }
        }
    }
}

fn section(section: &Section, items: &[&Item<'_>], (index, noun): (usize, &str), room: &mut usize) -> Markup {
    let id = if index == 0 {
        "changes".to_owned()
    } else {
        format!("changes-{index}")
    };
    let class = if section.outcome == GateResult::Failed && section.heading.is_some() {
        "part bad"
    } else {
        "part"
    };
    let lists = |kinds: &'static [ListKind]| section.lists.iter().filter(|list| kinds.contains(&list.kind));
    html! {
        section class=(class) aria-label=(section.heading.clone().unwrap_or_else(|| capital(noun))) {
            @if let Some(heading) = &section.heading {
                h2 { (heading) }
                p.fine { (section.summary) }
            }
            @if !section.cautions.is_empty() {
                div.callout role="note" { @for caution in &section.cautions { p { (caution) } } }
            }
            @if !section.items_first { @for list in lists(&[ListKind::LeftOut]) { (self::list(list)) } }
            @if !section.items.is_empty() { h2 { (section.items) } }
            @if items.is_empty() {
                p.none id=(id) tabindex="-1" { @if noun == "changes" { "No change." } @else { "No " (noun) "." } }
            } @else {
                ol.changes id=(id) tabindex="-1" aria-label=(capital(noun)) {
                    @for item in items.iter().take(ITEMS_COUNT) { (change(item, room)) }
                }
            }
            @if items.len() > ITEMS_COUNT {
                p.callout {
                    "… and " (figure(items.len() - ITEMS_COUNT))
                    " more " (noun) ", left out for their size: the JSON report contains them."
                }
            }
            @if section.items_first { @for list in lists(&[ListKind::LeftOut]) { (self::list(list)) } }
        }
        @for table in &section.tables { (self::table(table, &section.prefix)) }
        @if lists(&FOLDED).any(|list| !list.entries.is_empty()) {
            div.lists { @for list in lists(&FOLDED) { (self::list(list)) } }
        }
        @for (label, text) in &section.facts { p.fine { (section.prefix) (capital(label)) ": " (text) } }
    }
}

/// A list that opens.
fn list(list: &List) -> Markup {
    if list.entries.is_empty() {
        return html! {};
    }
    let more = list.entries.len().saturating_sub(LISTED_COUNT) + list.more;
    let class = if list.kind == ListKind::Stale {
        "box stale"
    } else {
        "box"
    };
    let entry = |entry: &Entry| {
        html! {
            li {
                @if !entry.what.is_empty() { code { (short(&entry.what, TEXT)) } }
                @if !entry.what.is_empty() && !entry.why.is_empty() { ": " }
                (short(&entry.why, TEXT))
                @if !entry.note.is_empty() { " (" (short(&entry.note, TEXT)) ")" }
                @if let Some(location) = &entry.location { " " span.faint { (short(&location.to_string(), NAME)) } }
            }
        }
    };
    html! {
        details class=(class) open[matches!(list.kind, ListKind::LeftOut | ListKind::Gaps)] {
            summary { (list.title) ": " (list.count) }
            ul.plain {
                @for one in list.entries.iter().take(LISTED_COUNT) { (entry(one)) }
                @if more > 0 { li { "… and " (figure(more)) " more" } }
            }
        }
    }
}

fn table(table: &Table, prefix: &str) -> Markup {
    if table.rows.is_empty() {
        return html! {};
    }
    let is_number = |column: &Column| matches!(column, Column::Number(_));
    html! {
        section.part {
            h2 { (prefix) (table.title) }
            div.scroll tabindex="0" role="group" aria-label=(table.title) {
                table.plainly {
                    thead {
                        tr {
                            @for column in &table.columns {
                                th scope="col" class=[is_number(column).then_some("number")] { (column.title()) }
                            }
                        }
                    }
                    tbody {
                        @for row in table.rows.iter().take(LISTED_COUNT) {
                            tr {
                                @for (cell, column) in row.cells.iter().zip(&table.columns) {
                                    @match column {
                                        Column::Name(_) => th scope="row" { code { (short(cell, TEXT)) } },
                                        Column::Note(_) => td { (short(cell, TEXT)) },
                                        Column::Number(_) => td.number { (short(cell, TEXT)) },
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if table.rows.len() > LISTED_COUNT {
                p.faint { "… and " (count(table.rows.len() - LISTED_COUNT, "more row")) }
            }
        }
    }
}

/// The row of an item, which opens its panel.
fn row(item: &Item<'_>) -> Markup {
    html! {
        summary.row {
            span.badge { (item.label) }
            div.what {
                h3.message { (capital(&item.message)) }
                @if let Some(reason) = &item.reason { span.reason { (capital(reason)) } }
                @for values in item.values.iter().take(VALUES_COUNT + 1) {
                    span.shift {
                        code.del { (plain::value(values.before, CELL)) }
                        " " span aria-label="to" { "→" } " "
                        code.add { (plain::value(values.after, CELL)) }
                        @if let Some(case) = values.case { " " code { (short(case, NAME)) } }
                    }
                }
                span.rule { code { (item.title) } " of " code { (item.origin) } }
            }
            span.cases { (item.counted()) }
        }
    }
}

fn panel(item: &Item<'_>) -> Markup {
    let evidence = item.evidence.as_deref();
    let long = item.values.first().into_iter().flat_map(|values| {
        let both = [("Before", values.before), ("After", values.after)];
        both.into_iter().filter_map(|(label, value)| Some((label, value?)))
    });
    let commands = evidence.map(|evidence| evidence.commands(COMMAND)).unwrap_or_default();
    html! {
        div.panel {
            @for (label, value) in long.filter(|(_, value)| value.len() > CELL) {
                div { h4 { (label) } pre.code { (short(value, 4 * TEXT)) } }
            }
            div {
                h4 { (item.counted()) }
                ul.idlist {
                    @for id in item.cases.iter().take(CASES_COUNT) { li { code { (short(id, NAME)) } } }
                    @let more = item.case_count.saturating_sub(item.cases.len().min(CASES_COUNT));
                    @if more > 0 { li { "and " (figure(more)) " more" } }
                }
            }
            @if let Some(evidence) = evidence { (responses(evidence)) }
            @if let Some(advice) = item.advice {
                div { h4 { "Add to the case" } pre.code { (lines(advice)) } }
            }
            @if !commands.is_empty() {
                div.commands {
                    @for (role, command) in &commands {
                        div {
                            h4 { "Request to the " (role) }
                            pre class="code command" tabindex="0" aria-label=(format!("Command for the {role}")) {
                                (command)
                            }
                        }
                    }
                }
            }
            @for (label, text) in &item.details { p { (label) ": " code { (text) } } }
            p.foot {
                span { (short(&item.location.to_string(), NAME)) }
                span { "fingerprint " code { (item.fingerprint) } }
            }
        }
    }
}

/// Both responses of an item side by side, or the one that there is.
fn responses(evidence: &dyn Evidence) -> Markup {
    let [before, after] = evidence.sides();
    let single = |side: &TargetResponse<'_>| {
        html! {
            @match &side.lines {
                None => p.faint { "No response of " (side_title(side)) },
                Some(lines) => {
                    p { (side_title(side)) }
                    div.sbs tabindex="0" role="group" aria-label="The response" {
                        @for line in lines { (self::line(line, "", "\u{a0}")) }
                    }
                },
            }
        }
    };
    html! {
        div {
            h4 { "First case: " (short(evidence.name(), NAME)) }
            @match (&before.lines, &after.lines) {
                (Some(old), Some(new)) => {
                    div.sbs tabindex="0" role="group" aria-label="Both responses" {
                        div class="pairs tops" { div { (side_title(&before)) } div { (side_title(&after)) } }
                        (pairs(old, new))
                    }
                },
                _ => { (single(&before)) (single(&after)) },
            }
        }
    }
}

fn side_title(side: &TargetResponse<'_>) -> Markup {
    html! {
        b { (short(side.target, NAME)) }
        @if let Some(verdict) = side.verdict {
            " " span class=(format!("badge {}", verdict.name())) { (verdict.name()) }
        }
    }
}

/// Lines side by side; most of those that are equal are folded.
fn pairs(before: &[Line], after: &[Line]) -> Markup {
    let texts = [before, after].map(|lines| lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>());
    let operations = capture_diff_slices(Algorithm::Myers, &texts[0], &texts[1]);
    html! {
        @for operation in &operations {
            @let (old, new) = (&before[operation.old_range()], &after[operation.new_range()]);
            @if let DiffOp::Equal { .. } = operation {
                @if old.len() >= FOLD_LINES {
                    @let (first, last) = (CONTEXT_LINES, old.len() - CONTEXT_LINES);
                    (equal(&old[..first]))
                    details { summary { (figure(last - first)) " equal lines" } (equal(&old[first..last])) }
                    (equal(&old[last..]))
                } @else {
                    (equal(old))
                }
            } @else {
                div.pairs {
                    div { @for line in old { (self::line(line, "gone", "-")) } }
                    div { @for line in new { (self::line(line, "come", "+")) } }
                }
            }
        }
    }
}

/// Equal lines on both sides; a screen reader reads them once.
fn equal(lines: &[Line]) -> Markup {
    let side = html! { @for line in lines { (self::line(line, "", "\u{a0}")) } };
    html! { div class="pairs same" { div { (side) } div aria-hidden="true" { (side) } } }
}

fn line(line: &Line, class: &str, sign: &str) -> Markup {
    let here = if line.is_subject && !class.is_empty() {
        " here"
    } else {
        ""
    };
    html! { span class=(format!("l {class}{here}")) { i { (sign) } (visible(&line.text)) } }
}
