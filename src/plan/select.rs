//! Selection of cases by the command line.

use std::{collections::BTreeSet, path::Path};

use crate::{
    source::{Sources, nearest},
    suite::{BrokenSuite, Case, Suites},
};

/// The project's own folder as a path: it selects every case.
const ROOT: &str = ".";

/// Paths, ids and tags of the command line. Empty, it selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Paths of files and folders, as shown in messages, or ids; `*` matches any text.
    pub names: Vec<String>,
    /// Tags; a case with any of them is selected.
    pub tags: Vec<String>,
    /// Exact ids.
    pub ids: BTreeSet<String>,
}

impl Selection {
    /// Reads the arguments of the command line; a word that is a path below `folder` is made relative to the project.
    pub fn new(words: &[String], tags: Vec<String>, folder: &Path, sources: &Sources) -> Self {
        let names = words
            .iter()
            .map(|word| {
                // An empty argument, from an unset variable, does not select all cases: `.` does.
                if word.trim().is_empty() {
                    return word.clone();
                }
                match folder.join(word).canonicalize() {
                    Ok(path) => match sources.shown(&path) {
                        root if root.is_empty() => ROOT.to_owned(),
                        path => path,
                    },
                    Err(_) => word.trim_end_matches('/').to_owned(),
                }
            })
            .collect();
        Self {
            names,
            tags,
            ids: BTreeSet::new(),
        }
    }

    /// Whether a case is selected.
    pub fn selects(&self, case: &Case, sources: &Sources) -> bool {
        let by_name = self.names.is_empty() || self.names.iter().any(|name| is_named(name, case, sources));
        let by_tag = self.tags.is_empty() || case.def.tags.iter().any(|tag| self.tags.contains(tag));
        let by_id = self.ids.is_empty() || self.ids.contains(&case.id);
        by_name && by_tag && by_id
    }

    /// Whether a name may select a case of a suite that could not be read. Without names, all are selected.
    pub fn may_select(&self, broken: &BrokenSuite) -> bool {
        let may_name = |name: &String| {
            let name = without_row(name);
            let is_case = |(id, file): &(String, String)| is_named_as(name, id, &broken.id, file);
            name == broken.id || broken.cases.iter().any(is_case)
        };
        self.names.is_empty() || self.names.iter().any(may_name)
    }

    /// The names, tags and ids that select nothing, each with the nearest name that would.
    pub fn misses(&self, suites: &Suites, sources: &Sources) -> Vec<String> {
        let mut misses = Vec::new();
        let files: BTreeSet<_> = suites
            .cases
            .iter()
            .map(|case| sources.location(case.span).file)
            .collect();
        for name in &self.names {
            if name.trim().is_empty() {
                misses.push("a path or id of cases is empty".to_owned());
            } else if !suites.cases.iter().any(|case| is_named(name, case, sources)) {
                let ids = suites
                    .cases
                    .iter()
                    .flat_map(|case| [case.id.as_str(), without_row(&case.id), case.suite.id.as_str()])
                    .chain(files.iter().map(AsRef::as_ref));
                misses.push(miss("no case is named", name, nearest(name, ids)));
            }
        }
        for tag in &self.tags {
            let mut all = suites.cases.iter().flat_map(|case| &case.def.tags);
            if !all.any(|known| known == tag) {
                let tags = suites.cases.iter().flat_map(|case| &case.def.tags);
                misses.push(miss("no case has the tag", tag, nearest(tag, tags.map(String::as_str))));
            }
        }
        let all: BTreeSet<_> = suites.cases.iter().map(|case| case.id.as_str()).collect();
        for id in self.ids.iter().filter(|id| !all.contains(id.as_str())) {
            misses.push(miss("no case has the id", id, nearest(id, all.iter().copied())));
        }
        misses
    }
}

fn miss(what: &str, given: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what} `{given}`; did you mean `{near}`?"),
        None => format!("{what} `{given}`"),
    }
}

fn without_row(id: &str) -> &str {
    id.split('[').next().unwrap_or(id)
}

fn is_named(name: &str, case: &Case, sources: &Sources) -> bool {
    is_named_as(name, &case.id, &case.suite.id, &sources.location(case.span).file)
}

/// Whether a name selects the case with this id, suite and file.
fn is_named_as(name: &str, id: &str, suite: &str, file: &str) -> bool {
    let below = |whole: &str| {
        whole == name
            || whole
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('['))
    };
    // The part of the id after the suite also names a case, if nothing else matches.
    let own = id[suite.len()..].trim_start_matches('/');
    if name.contains('*') {
        return glob(name, id) || glob(name, own) || glob(name, file);
    }
    below(id) || below(own) || below(file) || name == ROOT
}

/// `*` matches any text.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        if index + 1 == parts.len() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn star_matches_any_text() {
        assert!(glob("a/*", "a/b[c]") && glob("*tenant*", "s/malformed-tenant[x]") && glob("a*c", "abc"));
        assert!(!glob("a/*", "b/a/") && !glob("*b", "abc") && !glob("a*b*c", "acb"));
    }
}
