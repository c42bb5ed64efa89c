//! Environments of a collection: `environments/*.bru`.

use std::collections::BTreeMap;

use super::{BruFile, ImportError, Variables, blocks::BruContent};
use crate::import::names::short;

const FOLDER: &str = "environments/";

/// Removes the environments from the files, and adds the variables of one; of the only one if `name` is `None`. Returns what was
/// not imported.
pub(super) fn add(
    files: &mut BTreeMap<String, BruFile>,
    name: Option<&str>,
    variables: &mut Variables,
) -> Result<Vec<String>, ImportError> {
    let mut all: BTreeMap<String, BruFile> = BTreeMap::new();
    let paths: Vec<_> = files.keys().filter(|path| path.starts_with(FOLDER)).cloned().collect();
    for path in paths {
        let name = path.trim_start_matches(FOLDER).trim_end_matches(".bru").to_owned();
        all.extend(files.remove(&path).map(|file| (name, file)));
    }
    let listed = || {
        let names: Vec<_> = all.keys().map(|name| format!("`{}`", short(name))).collect();
        names.join(", ")
    };
    let chosen = if let Some(name) = name {
        all.get(name).ok_or_else(|| {
            let help = if all.is_empty() {
                "the collection has no environments".to_owned()
            } else {
                format!("the environments of the collection are {}", listed())
            };
            ImportError::new(format!("there is no environment `{}`", short(name)), help)
        })?
    } else {
        match all.values().next() {
            None => return Ok(Vec::new()),
            Some(file) if all.len() == 1 => file,
            Some(_) => {
                return Ok(vec![format!(
                    "the environments {}: name one with `--environment`",
                    listed()
                )]);
            }
        }
    };
    let mut notes = Vec::new();
    for pair in chosen.enabled("vars") {
        variables.values.insert(pair.name.clone(), (pair.value.clone(), false));
    }
    for block in &chosen.blocks {
        match &block.content {
            // Their values are not in the collection.
            BruContent::List(names) if block.name == "vars:secret" => {
                for name in names.iter().filter(|name| !name.starts_with('~')) {
                    variables.values.insert(name.clone(), (String::new(), true));
                }
            }
            _ if block.name == "vars" => {}
            _ => notes.push(format!("the block `{}` of the environment", short(&block.name))),
        }
    }
    Ok(notes)
}
