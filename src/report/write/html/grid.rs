//! Cases by target. Each cell opens: its verdict, the reason, the changes that the case shows on the target, and the command
//! that runs it there.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::anchor;
use crate::{
    model::Verdict,
    report::{
        escape::visible,
        limits::{
            NAME,
            html::{CELL_CHANGES_COUNT, CELLS_COUNT, ROWS_COUNT},
        },
        model::{Grid, GridRow, Item},
        text::{capital, cases, count, figure, short},
    },
};

/// The items of a case, by the section of the target and the id of the case.
type ChangesOfCases<'i> = BTreeMap<(usize, String), Vec<&'i Item<'i>>>;

/// The table, and the filter that hides cases that pass everywhere.
pub(super) fn grid(grid: &Grid, items: &[Item<'_>]) -> Markup {
    let mut changes = ChangesOfCases::new();
    for item in items {
        for case in &item.cases {
            let key = (item.section, short(case, NAME));
            changes.entry(key).or_default().push(item);
        }
    }
    let passed = grid.rows.iter().filter(|row| row.passes()).count();
    let other = grid.rows.len() - passed;
    let (mut other_room, mut passed_room) = (ROWS_COUNT, ROWS_COUNT.saturating_sub(other));
    let rows: Vec<_> = grid
        .rows
        .iter()
        .filter(|row| {
            let room = if row.passes() {
                &mut passed_room
            } else {
                &mut other_room
            };
            let fits = *room > 0;
            *room = room.saturating_sub(1);
            fits
        })
        .collect();
    let mut room = CELLS_COUNT;
    html! {
        fieldset.filters {
            legend { "Show cases" }
            div {
                label.count {
                    input type="radio" name="rows" id="only-other" checked;
                    b { (figure(other)) } " not passed everywhere"
                }
                label.count { input type="radio" name="rows" id="rows-all"; b { (figure(grid.rows.len())) } " all" }
            }
        }
        section.part aria-label="Cases by target" {
            div.scroll tabindex="0" role="group" aria-label="Table of cases by target" {
                table class="plainly matrix" {
                    thead {
                        tr {
                            th scope="col" { "case" }
                            @for name in &grid.columns { th scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for (number, row) in rows.iter().enumerate() {
                            tr class=[row.passes().then_some("calm")] {
                                th scope="row" { code { (row.case) } }
                                @for (column, name) in grid.columns.iter().enumerate() {
                                    td { (cell((row, number), (column, name), &changes, &mut room)) }
                                }
                            }
                        }
                    }
                }
            }
            @if rows.len() < grid.rows.len() {
                p.faint { "… and " (cases(grid.rows.len() - rows.len())) " more, left out for their size." }
            }
            @if passed == grid.rows.len() && passed > 0 { p.faint { "Each case passes on every target." } }
        }
    }
}

/// A case on a target. `room` is the number of cells that can still be opened.
fn cell(
    (row, number): (&GridRow, usize),
    (column, target): (usize, &str),
    changes: &ChangesOfCases<'_>,
    room: &mut usize,
) -> Markup {
    let verdict = row.verdicts.get(column).copied().flatten();
    let reason = row.reasons.get(column).and_then(Option::as_deref);
    let badge = html! {
        @match verdict {
            Some(verdict) => span class=(format!("badge {}", verdict.name())) { (word(verdict)) },
            None => span class="badge not-run" { "–" },
        }
    };
    // The changes of the first target are those of the others.
    let section = column.checked_sub(1);
    let changes = section.and_then(|section| changes.get(&(section, row.case.clone())));
    let changes = changes.map(Vec::as_slice).unwrap_or_default();
    if *room == 0 {
        return html! { (badge) @if let Some(reason) = reason { span.fine { (reason) } } };
    }
    *room -= 1;
    let id = format!("cell-{number}-{column}");
    let state = verdict.map_or_else(|| "not run here".to_owned(), word);
    html! {
        button.cell type="button" popovertarget=(id) {
            (badge)
            @if !changes.is_empty() { " " span.fine { (count(changes.len(), "change")) } }
            @if let Some(reason) = reason { span.fine.clamp { (reason) } }
            span.unseen { ": " (row.case) " on " (target) }
        }
        div.details popover id=(id) role="dialog" aria-label=(format!("{} on {target}", row.case)) {
            h3 { code { (row.case) } " on " (target) }
            p { (badge) " " (capital(&state)) @if let Some(reason) = reason { ": " (reason) } }
            @if !changes.is_empty() {
                ul {
                    @for item in changes.iter().take(CELL_CHANGES_COUNT) {
                        li { (item.label) ": " a href=(format!("#{}", anchor(item))) { (capital(&item.message)) } }
                    }
                    @let more = changes.len().saturating_sub(CELL_CHANGES_COUNT);
                    @if more > 0 { li { "and " (count(more, "more change")) } }
                }
            }
            pre.code tabindex="0" aria-label="Command that runs it again" {
                (visible(&format!("conforme run {} --target {}", quoted(&row.case), quoted(target))))
            }
            button.quiet type="button" popovertarget=(id) popovertargetaction="hide" { "Close" }
        }
    }
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._:-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn word(verdict: Verdict) -> String {
    verdict.name().replace('-', " ")
}
