//! Links of the pages, and the table of contents of the book.

use std::collections::BTreeMap;

use crate::page::{Page, below, pages, repository};

/// A path without `.` and `..`.
fn normalized(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn relative_links_and_anchors_resolve() {
    let mut errors = Vec::new();
    let mut checked = 0;
    for page in pages() {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, link) in page.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, anchor) = link
                .split_once('#')
                .map_or((&*link, None), |(path, at)| (path, Some(at)));
            let target = if path.is_empty() {
                page.path.clone()
            } else {
                normalized(&format!("{folder}/{path}"))
            };
            let mut error = |what: &str| errors.push(format!("{}:{line}: {link}: {what}", page.path));
            if !repository().join(&target).exists() {
                error("no such file");
            } else if page.path.starts_with("docs/") && !target.starts_with("docs/") {
                error("a link of the book leaves the book");
            } else if let Some(anchor) = anchor
                && !Page::read(&target).anchors().iter().any(|known| known == anchor)
            {
                error("no such heading");
            }
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert!(checked > 40, "{checked} links");
}

#[test]
fn summary_lists_every_page_once() {
    let summary = Page::read("docs/SUMMARY.md");
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    for (_, link) in summary.links() {
        *listed.entry(normalized(&format!("docs/{link}"))).or_default() += 1;
    }
    let pages = below("docs").into_iter().filter(|path| path != "docs/SUMMARY.md");
    let expected: BTreeMap<_, _> = pages.map(|path| (path, 1)).collect();
    assert_eq!(listed, expected);
}
