//! `action.yml` and the workflows: what they run does run, and nothing in them can change under our feet.

use serde_json::Value;

use crate::{editor_schemas::yaml, support::repository};

/// A YAML text as JSON, with its expressions.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(&yaml(text).to_string().replace('⟦', "{{")).unwrap()
}

/// A YAML file of the repository.
pub(crate) fn file(name: &str) -> Value {
    parsed(&std::fs::read_to_string(repository().join(name)).unwrap())
}

/// Every value of a key, anywhere in the document.
fn values_of<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if key == name {
                    found.extend(value.as_str());
                }
                values_of(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values_of(item, name, found)),
        _ => {}
    }
}

/// `action.yml` and the workflows.
fn files() -> Vec<String> {
    let folder = std::fs::read_dir(repository().join(".github/workflows"))
        .unwrap()
        .flatten();
    let workflows = folder.map(|entry| format!(".github/workflows/{}", entry.file_name().to_string_lossy()));
    workflows.chain(["action.yml".to_owned()]).collect()
}

#[test]
fn every_foreign_action_is_pinned_by_its_commit() {
    let mut pinned = 0;
    for name in files() {
        let parsed = file(&name);
        let mut uses = Vec::new();
        values_of(&parsed, "uses", &mut uses);
        for one in uses
            .into_iter()
            .filter(|one| !one.starts_with("./") && !one.starts_with("$/"))
        {
            let (_, commit) = one.split_once('@').unwrap();
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{name}: {one}");
            pinned += 1;
        }
    }
    assert!(pinned > 5);
}

#[test]
fn no_step_puts_an_input_into_its_script() {
    // The value of an expression becomes part of the script text.
    // `release.yml` is written by `dist`; its scripts contain what `dist` plans from a tag.
    for name in files().into_iter().filter(|name| !name.ends_with("/release.yml")) {
        let parsed = file(&name);
        let mut scripts = Vec::new();
        values_of(&parsed, "run", &mut scripts);
        assert!(
            !scripts.is_empty() && scripts.iter().all(|script| !script.contains("${{")),
            "{name}"
        );
    }
}
