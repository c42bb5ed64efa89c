//! An example for each change: those of the reference, which its tests run.

/// The page with a row for each change.
const PAGE: &str = include_str!("../../docs/reference/changes.md");

/// The example of a change, `before → after`; empty if there is none.
pub(super) fn of(id: &str) -> String {
    let (_, examples) = PAGE.split_once("\n## Examples\n").unwrap_or_default();
    let start = format!("| `{id}` | ");
    let row = examples.lines().find_map(|line| line.strip_prefix(&start));
    let row = row.unwrap_or_default().trim_end_matches(" |");
    row.replace("<br>", ", ").replace('`', "").replacen(" | ", " → ", 1)
}
