//! The owner, the address of the repository and the version are those of Cargo.toml, everywhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use regex::{Captures, Regex};

use crate::page::{self, is_writing, repository};

/// The address in Cargo.toml.
const ADDRESS: &str = env!("CARGO_PKG_REPOSITORY");

fn owner() -> &'static str {
    let name = ADDRESS
        .strip_prefix("https://github.com/")
        .expect("an address at GitHub");
    name.strip_suffix("/conforme").expect("a repository `conforme`")
}

/// A text with the owner and the version of Cargo.toml.
fn corrected(text: &str, owner: &str, version: &str) -> String {
    let lower = owner.to_lowercase();
    let rules = [
        (
            r"github\.com/[\w.-]+/conforme\b",
            format!("github.com/{owner}/conforme"),
        ),
        (
            r"raw\.githubusercontent\.com/[\w.-]+/conforme/v[\d.]+\d",
            format!("raw.githubusercontent.com/{owner}/conforme/v{version}"),
        ),
        (r"\b[\w-]+/conforme@v?[\d.]+\d", format!("{owner}/conforme@v{version}")),
        (
            r"ghcr\.io/[\w.-]+/conforme:[\d.]+\d",
            format!("ghcr.io/{lower}/conforme:{version}"),
        ),
        (r"ghcr\.io/[\w.-]+/conforme\b", format!("ghcr.io/{lower}/conforme")),
        (r"\b[\w-]+/homebrew-tap\b", format!("{owner}/homebrew-tap")),
        (r"\b[\w-]+/tap/conforme\b", format!("{owner}/tap/conforme")),
        (
            r"\bconforme/releases/download/v[\d.]+\d",
            format!("conforme/releases/download/v{version}"),
        ),
        (
            r"\b(rev: |ref: refs/tags/|conforme/contract@|the version `)v[\d.]+\d",
            format!("${{1}}v{version}"),
        ),
        (
            r#"("name": "conforme",(?:\s+"(?:displayName|description)": .*)*\s+"version": )"[\d.]+""#,
            format!("${{1}}\"{version}\""),
        ),
        (r"\bname: [\w.-]+/conforme\b", format!("name: {owner}/conforme")),
        (r"\b(default: |version \?: ')v[\d.]+\d", format!("${{1}}v{version}")),
    ];
    let mut text = text.to_owned();
    for (pattern, new) in rules {
        let pattern = Regex::new(pattern).expect("a pattern");
        let new = |found: &Captures<'_>| {
            let mut all = String::new();
            found.expand(&new, &mut all);
            all
        };
        text = pattern.replace_all(&text, new).into_owned();
    }
    text
}

/// Files that can contain the owner: pages, and everything that CI systems and packagers read.
fn files() -> Vec<PathBuf> {
    let is_read = |path: &Path| {
        let name = path.to_string_lossy();
        ["md", "yml", "yaml", "toml", "sh", "groovy"]
            .iter()
            .any(|extension| name.ends_with(&format!(".{extension}")))
            || name.ends_with("Containerfile")
            || name.ends_with("editors/vscode/package.json")
    };
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = ["docs", "templates", "editors", ".github", ".ci"]
        .iter()
        .map(|name| repository().join(name))
        .collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if is_read(&path) {
                found.push(path);
            }
        }
    }
    let top = fs::read_dir(repository()).expect("the repository").flatten();
    found.extend(top.map(|entry| entry.path()).filter(|path| {
        let is_own = path
            .file_name()
            .is_some_and(|name| name == "Cargo.toml" || name == "conforme.toml");
        path.is_file() && is_read(path) && !is_own
    }));
    found.sort();
    found
}

#[test]
fn owner_and_version_are_those_of_cargo_toml() {
    let _lock = page::lock();
    let mut mentions = 0;
    for path in files() {
        let text = fs::read_to_string(&path).expect("a text");
        let new = corrected(&text, owner(), env!("CARGO_PKG_VERSION"));
        mentions += text.matches(ADDRESS).count();
        if is_writing() && new != text {
            fs::write(&path, new).expect("the file is written");
        } else {
            let changed = text.lines().zip(new.lines()).find(|(old, new)| old != new);
            assert!(
                changed.is_none(),
                "{}: {changed:?}; `CONFORME_TEST_WRITE=1 cargo test --test docs` writes it",
                path.display()
            );
        }
    }
    assert!(mentions > 3, "{mentions}");
}

#[test]
fn every_form_of_the_owner_is_replaced() {
    for (old, new) in [
        (
            "https://github.com/OWNER/conforme/releases",
            "https://github.com/Ada/conforme/releases",
        ),
        ("uses: OWNER/conforme@v0.1.0", "uses: Ada/conforme@v2.0.1"),
        (
            "o/conforme/releases/download/v0.1.0/x.gz",
            "o/conforme/releases/download/v2.0.1/x.gz",
        ),
        (
            "raw.githubusercontent.com/OWNER/conforme/v0.1.0/x",
            "raw.githubusercontent.com/Ada/conforme/v2.0.1/x",
        ),
        ("ghcr.io/owner/conforme:0.1.0 run", "ghcr.io/ada/conforme:2.0.1 run"),
        ("ghcr.io/owner/conforme run", "ghcr.io/ada/conforme run"),
        ("brew install OWNER/tap/conforme", "brew install Ada/tap/conforme"),
        ("tap = \"OWNER/homebrew-tap\"", "tap = \"Ada/homebrew-tap\""),
        ("default: v0.1.0", "default: v2.0.1"),
        ("    rev: v0.1.0", "    rev: v2.0.1"),
        ("ref: refs/tags/v0.1.0", "ref: refs/tags/v2.0.1"),
        ("name: OWNER/conforme", "name: Ada/conforme"),
        ("${options.version ?: 'v0.1.0'}", "${options.version ?: 'v2.0.1'}"),
    ] {
        assert_eq!(corrected(old, "Ada", "2.0.1"), new);
    }
    let other = "https://github.com/axum/axum/releases/download/v0.34.0/x, actions/checkout@v7, cargo install conforme, # v7.0.1";
    assert_eq!(corrected(other, "Ada", "2.0.1"), other);
}
