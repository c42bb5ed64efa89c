//! What is released: the crate, the archives and their names, and the scripts that package.

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use crate::support::{ran, repository, skips};

fn manifest(name: &str) -> toml::Table {
    std::fs::read_to_string(repository().join(name))
        .unwrap()
        .parse()
        .unwrap()
}

/// The files of a folder, with those below it.
fn below(folder: &str) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![repository().join(folder)], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn crate_contains_what_it_is_built_from_and_no_more() {
    let mut list = Command::new(env!("CARGO"));
    list.args([
        "package",
        "--list",
        "--allow-dirty",
        "--offline",
        "--package",
        "conforme",
    ]);
    let listed = ran(list.current_dir(repository()));
    assert_eq!(listed.code, 0, "{listed:?}");
    let listed: BTreeSet<_> = listed.stdout.lines().map(|line| line.replace('\\', "/")).collect();
    let others: Vec<_> = listed
        .iter()
        .filter(|path| !path.starts_with("src/"))
        .map(String::as_str)
        .collect();
    let expected = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "LICENSE",
        "README.md",
        "docs/reference/changes.md",
        "docs/reference/checks.md",
    ];
    assert_eq!(
        others
            .into_iter()
            .filter(|path| !path.starts_with(".cargo_vcs"))
            .collect::<Vec<_>>(),
        expected
    );
    // Every file that the source includes.
    let mut included = 0;
    for file in below("src") {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for part in text
            .split("include_str!(\"")
            .skip(1)
            .chain(text.split("include_bytes!(\"").skip(1))
        {
            let path = file.parent().unwrap().join(part.split('"').next().unwrap());
            let path = path.canonicalize().unwrap();
            let path = path.strip_prefix(repository().canonicalize().unwrap()).unwrap();
            assert!(
                listed.contains(&path.to_string_lossy().replace('\\', "/")),
                "{}",
                path.display()
            );
            included += 1;
        }
    }
    assert!(included > 5, "{included}");
    let size: u64 = listed
        .iter()
        .filter_map(|path| repository().join(path).metadata().ok())
        .map(|file| file.len())
        .sum();
    assert!(size < 6_000_000, "{size} bytes");
}

#[test]
fn names_of_archives_agree_wherever_they_are_used() {
    let dist = manifest("dist-workspace.toml");
    let dist = dist["dist"].as_table().unwrap();
    assert_eq!(
        (dist["unix-archive"].as_str(), dist["windows-archive"].as_str()),
        (Some(".tar.gz"), Some(".zip"))
    );
    let cargo = manifest("Cargo.toml");
    let binstall = &cargo["package"]["metadata"]["binstall"];
    assert!(
        binstall["pkg-url"]
            .as_str()
            .unwrap()
            .contains("/releases/download/v{ version }/{ name }-{ target }")
    );
    let page = std::fs::read_to_string(repository().join("docs/how-to/install.md")).unwrap();
    let targets = dist["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 8);
    for target in targets.iter().map(|target| target.as_str().unwrap()) {
        let format = if target.contains("windows") {
            assert_eq!(binstall["overrides"][target]["pkg-fmt"].as_str(), Some("zip"));
            "zip"
        } else {
            assert_eq!(binstall["pkg-fmt"].as_str(), Some("tgz"));
            "tar.gz"
        };
        assert!(page.contains(&format!("`conforme-{target}.{format}`")), "{target}");
    }
    assert_eq!(cargo["profile"]["dist"]["inherits"].as_str(), Some("release"));
}

#[test]
fn packaging_scripts_pass_shellcheck() {
    if skips(
        "shellcheck",
        Command::new("shellcheck").arg("--version").output().is_ok(),
    ) {
        return;
    }
    let mut command = Command::new("shellcheck");
    command.args(
        below(".ci")
            .into_iter()
            .filter(|path| std::fs::read(path).unwrap().starts_with(b"#!")),
    );
    let checked = ran(command.current_dir(repository()));
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}
