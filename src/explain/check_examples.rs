//! An example for each check and each built-in rule: those of the reference, which its tests run.

/// The page with a section for each check.
const PAGE: &str = include_str!("../../docs/reference/checks.md");

/// The section of a check, without the fences of its blocks; empty if there is none.
pub(super) fn of(id: &str) -> String {
    let start = format!("\n### `{id}`\n");
    let Some((_, section)) = PAGE.split_once(&start) else {
        return String::new();
    };
    let end = section.find("\n##").unwrap_or(section.len());
    let lines = section[..end].lines().filter(|line| !line.starts_with("```"));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
